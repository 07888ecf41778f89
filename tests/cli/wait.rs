//! Waiting for something, as the end of a process, with a deadline, looking often.

use std::process::{Child, ExitStatus};
use std::time::Duration;

use natcoin::node::clock;

const PACE: Duration = Duration::from_millis(10);

/// Whether it becomes so within the limit.
pub fn until(limit: Duration, mut is_so: impl FnMut() -> bool) -> bool {
    let asked = clock::now();
    while clock::now().saturating_duration_since(asked) < limit {
        if is_so() {
            return true;
        }
        std::thread::sleep(PACE);
    }
    false
}

/// The process's end; `None` if it has not ended within the limit.
pub fn end_of(child: &mut Child, limit: Duration) -> Option<ExitStatus> {
    let mut ended = None;
    until(limit, || {
        ended = child.try_wait().unwrap();
        ended.is_some()
    });
    ended
}
