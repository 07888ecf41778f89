//! The clock: the one place that reads it. Everything else gets time as an argument.
//!
//! Never: decide anything.

#![allow(
    clippy::disallowed_methods,
    reason = "this is the file that may read the clock"
)]

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

/// Processor time of the thread that asks, for those who measure what its work costs, also on a machine that others use.
#[cfg(target_os = "linux")]
#[must_use]
pub fn stopwatch() -> Duration {
    let used = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::try_from(used).unwrap_or_default()
}

/// The time that passes, where we know no way to ask for a thread's processor time.
#[cfg(not(target_os = "linux"))]
#[must_use]
pub fn stopwatch() -> Duration {
    use std::sync::OnceLock;
    static BEGAN: OnceLock<Instant> = OnceLock::new();
    BEGAN.get_or_init(now).elapsed()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_stopwatch_runs_while_its_thread_works_and_not_while_it_waits() {
        let began = stopwatch();
        while stopwatch() - began < Duration::from_millis(20) {
            std::hint::black_box(unix_ms());
        }
        let (began, (waited, done)) = (stopwatch(), std::sync::mpsc::channel());
        let busy = std::thread::spawn(move || {
            let begun = stopwatch();
            while stopwatch() - begun < Duration::from_millis(50) {
                std::hint::black_box(unix_ms());
            }
            waited.send(()).unwrap();
        });
        done.recv().unwrap();
        busy.join().unwrap();
        assert!(stopwatch() - began < Duration::from_millis(25));
    }
}
