//! What the rooms tell while they work: lines on stderr, by `-v`, `-q` or `NATCOIN_LOG`.

use std::io::{self, IsTerminal as _, Write};
use std::panic::Location;
use std::sync::atomic::{AtomicBool, Ordering};

use tracing_subscriber::EnvFilter;

use super::arguments::Global;
use super::output::above;

/// Keeps redb's panics off the terminal: over an altered file it panics, and the store makes an error with its way out of
/// that. A panic of our own is shown as ever.
fn quieten_contained_panics() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let is_redb = |at: &Location<'_>| at.file().contains("redb-");
        match info.location().is_some_and(is_redb) {
            true => tracing::debug!(%info, "the database gave up over its contents"),
            false => usual(info),
        }
    }));
}

/// Whether screens stand on the terminal that the log would write over.
static IS_HUSHED: AtomicBool = AtomicBool::new(false);

/// Keeps the log off a terminal while screens stand on it; a log that goes to a file goes on.
pub fn hush(is_hushed: bool) {
    let is_seen = io::stderr().is_terminal();
    IS_HUSHED.store(is_hushed && is_seen, Ordering::SeqCst);
}

/// Standard error, unless it is hushed; above the line that a running node may have there.
struct Stderr;

impl Write for Stderr {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match IS_HUSHED.load(Ordering::SeqCst) {
            true => Ok(bytes.len()),
            false => above(|| io::stderr().lock().write(bytes)),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().lock().flush()
    }
}

/// Starts the log. `NATCOIN_LOG` (such as `natcoin=debug,libp2p=info`) wins over `-v` and `-q`.
pub fn start(global: &Global) {
    quieten_contained_panics();
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
        .with_writer(|| Stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .try_init();
}
