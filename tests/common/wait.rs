//! Waiting: for a condition, with a deadline, looking often. The only place where tests sleep.

use std::time::Duration;

use natcoin::node::clock;

/// No condition in these tests may take longer.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Between two looks, or two tries.
const PACE: Duration = Duration::from_millis(25);

/// Waits until `condition` holds.
pub async fn eventually<F: Future<Output = bool>>(what: &str, mut condition: impl FnMut() -> F) {
    let waiting = async {
        while !condition().await {
            pace().await;
        }
    };
    if tokio::time::timeout(PATIENCE, waiting).await.is_err() {
        panic!("waited {PATIENCE:?} until {what}");
    }
}

/// A short rest between two tries of something that is repeated until it works.
pub async fn pace() {
    tokio::time::sleep(PACE).await;
}

/// Waits, without a runtime, until something is so; gives whether it became so within the limit.
pub fn until(limit: Duration, mut is_so: impl FnMut() -> bool) -> bool {
    let asked = clock::now();
    while !is_so() {
        if clock::now().saturating_duration_since(asked) >= limit {
            return false;
        }
        std::thread::sleep(PACE);
    }
    true
}
