//! Waiting for the end of a process, with a deadline, looking often.

use std::process::{Child, ExitStatus};
use std::time::Duration;

use natcoin::node::clock;

const PACE: Duration = Duration::from_millis(10);

/// The process's end; `None` if it has not ended within the limit.
pub fn end_of(child: &mut Child, limit: Duration) -> Option<ExitStatus> {
    let asked = clock::now();
    while clock::now().saturating_duration_since(asked) < limit {
        if let Some(status) = child.try_wait().unwrap() {
            return Some(status);
        }
        std::thread::sleep(PACE);
    }
    None
}
