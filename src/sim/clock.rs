//! Virtual time, and what is due in it.
//!
//! What is due at one moment happens in the order in which it was planned, so that one seed has one course.
//! Never: read a real clock. Next: `world.rs`, which lets time pass.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

/// The virtual time since the world's beginning, and a queue of what is due.
pub(super) struct Clock<T> {
    now: Duration,
    queue: BinaryHeap<Reverse<Due<T>>>,
    planned: u64,
}

struct Due<T> {
    at: Duration,
    number: u64,
    what: T,
}

impl<T> PartialEq for Due<T> {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}
impl<T> Eq for Due<T> {}
impl<T> PartialOrd for Due<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl<T> Ord for Due<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}

impl<T> Clock<T> {
    /// The beginning of time.
    pub(super) fn new() -> Self {
        Self {
            now: Duration::ZERO,
            queue: BinaryHeap::new(),
            planned: 0,
        }
    }

    /// Now.
    pub(super) fn now(&self) -> Duration {
        self.now
    }

    /// Plans something.
    pub(super) fn after(&mut self, wait: Duration, what: T) {
        self.planned += 1;
        let at = self.now.saturating_add(wait);
        let number = self.planned;
        self.queue.push(Reverse(Due { at, number, what }));
    }

    /// What is due next and not after `end`; time moves on to it. `None`: time has moved on to `end`.
    pub(super) fn next(&mut self, end: Duration) -> Option<T> {
        match self.queue.peek() {
            Some(Reverse(due)) if due.at <= end => {
                let Reverse(due) = self.queue.pop()?;
                self.now = self.now.max(due.at);
                Some(due.what)
            }
            _ => {
                self.now = self.now.max(end);
                None
            }
        }
    }
}
