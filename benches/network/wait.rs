//! The one wait of the benchmarks: a stretch of time during which something is measured.

use std::time::Duration;

/// Lets the time pass that is measured.
pub fn observe(stretch: Duration) {
    std::thread::sleep(stretch);
}
