//! The `natcoin` program: all of it is in [`natcoin::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    natcoin::cli::main()
}
