//! The clock: the one place that reads it. Everything else gets time as an argument.
//!
//! Never: decide anything.

#![allow(
    clippy::disallowed_methods,
    reason = "this is the file that may read the clock"
)]

use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The monotonic clock, for deadlines and intervals.
#[must_use]
pub fn now() -> Instant {
    Instant::now()
}

/// Milliseconds since 1970 by the machine's wall clock; 0 for a clock set before that.
#[must_use]
pub fn unix_ms() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| {
            u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
        })
}

/// The monotonic clock as time since it was first looked at, for those who measure and know no [`Instant`].
#[must_use]
pub fn stopwatch() -> Duration {
    static BEGAN: OnceLock<Instant> = OnceLock::new();
    BEGAN.get_or_init(now).elapsed()
}
