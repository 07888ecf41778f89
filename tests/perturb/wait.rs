//! Waiting: for conditions with a deadline, and for the moment at which a delayed packet is due.

use std::time::{Duration, Instant};

use natcoin::node::clock;

/// Between two looks.
const PACE: Duration = Duration::from_millis(50);

/// Looks until there is something to see; `None` after the limit.
pub fn up_to<T>(limit: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let began = clock::now();
    loop {
        let seen = look();
        if seen.is_some() || began.elapsed() >= limit {
            return seen;
        }
        std::thread::sleep(PACE.min(limit));
    }
}

/// Lets time pass; calls `meanwhile` at every look.
pub fn pass(time: Duration, mut meanwhile: impl FnMut()) {
    let _ = up_to(time, || {
        meanwhile();
        None::<()>
    });
}

/// Until a moment, which may be past.
pub async fn moment(due: Instant) {
    tokio::time::sleep_until(due.into()).await;
}
