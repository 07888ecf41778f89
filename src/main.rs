//! The `natcoin` program: all of it is in [`natcoin::cli`].

fn main() {}
