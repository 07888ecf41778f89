//! What the rooms tell while they work: lines on stderr, by `-v`, `-q` or `NATCOIN_LOG`.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use super::arguments::Global;

/// Starts the log. `NATCOIN_LOG` (such as `natcoin=debug,libp2p=info`) wins over `-v` and `-q`.
pub fn start(global: &Global) {
    let filter = match (global.quiet, global.verbose) {
        (true, _) => "off",
        (false, 0) => "natcoin=warn",
        (false, 1) => "natcoin=info",
        (false, 2) => "natcoin=debug",
        (false, _) => "trace",
    };
    let filter = EnvFilter::try_from_env("NATCOIN_LOG").unwrap_or_else(|_| EnvFilter::new(filter));
    // A second start (in tests) finds a log running already, which is as good.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .try_init();
}
