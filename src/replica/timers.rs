//! Timers: one of each kind at a time, none of them a promise, all of them harmless when early.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::consensus::Timer;

/// What a timer is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TimerKey {
    /// When a step of agreement has taken too long.
    Engine(Timer),
    /// When to propose an empty block after all, because nothing came to propose.
    Build,
    /// When to send the transactions that came in the last moments, together.
    Outbox,
    /// When to tell others again what still waits here.
    Retell,
    /// When the network has been idle so long that a heartbeat block is due.
    Heartbeat,
    /// When to ask a validator for messages of this height that we may have missed.
    Ask,
    /// When to ask some peer how far its chain goes.
    Poll,
    /// When the next watchers are told of the newest block.
    Herald,
}

/// The timers that run.
#[derive(Debug, Default)]
pub struct Timers {
    deadlines: BTreeMap<TimerKey, Duration>,
}

impl Timers {
    /// Starts a timer, in place of an equal one.
    pub fn set(&mut self, key: TimerKey, deadline: Duration) {
        self.deadlines.insert(key, deadline);
    }

    /// Starts a timer unless an equal one runs.
    pub fn set_if_absent(&mut self, key: TimerKey, deadline: Duration) {
        self.deadlines.entry(key).or_insert(deadline);
    }

    /// Whether a timer runs.
    pub fn is_set(&self, key: TimerKey) -> bool {
        self.deadlines.contains_key(&key)
    }

    /// Stops a timer.
    pub fn cancel(&mut self, key: TimerKey) {
        self.deadlines.remove(&key);
    }

    /// Stops all timers of agreement.
    pub fn cancel_engine(&mut self) {
        self.deadlines
            .retain(|key, _| !matches!(key, TimerKey::Engine(_)));
    }

    /// Takes out the timers that are due, the earliest first.
    pub fn due(&mut self, now: Duration) -> Vec<TimerKey> {
        let mut due: Vec<(Duration, TimerKey)> = self
            .deadlines
            .iter()
            .filter(|(_, deadline)| **deadline <= now)
            .map(|(key, deadline)| (*deadline, *key))
            .collect();
        due.sort();
        for (_, key) in &due {
            self.deadlines.remove(key);
        }
        due.into_iter().map(|(_, key)| key).collect()
    }

    /// The earliest deadline.
    pub fn next(&self) -> Option<Duration> {
        self.deadlines.values().min().copied()
    }
}
