//! The waits of the benchmarks: stretches of time during which something is measured.

#![allow(dead_code, reason = "each benchmark uses its own part")]

use std::time::Duration;

/// Lets the time pass that is measured.
pub fn observe(stretch: Duration) {
    std::thread::sleep(stretch);
}

/// Lets as much time pass between two things as there should be.
pub async fn pace(stretch: Duration) {
    tokio::time::sleep(stretch).await;
}
