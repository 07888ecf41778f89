//! How far a bench is, for who looks at it meanwhile, and the wish that it end.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use tokio::sync::watch;

/// What is being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Payments are signed in advance.
    Signing,
    /// What the signatures alone would allow is measured.
    Limit,
    /// The nodes start, and the load's peers connect.
    Starting,
    /// Payments are handed in.
    Running,
    /// No more are handed in: those that are open become final.
    Draining,
    /// The nodes end.
    Ending,
}

const PHASES: [Phase; 6] = [
    Phase::Signing,
    Phase::Limit,
    Phase::Starting,
    Phase::Running,
    Phase::Draining,
    Phase::Ending,
];

/// Numbers that are looked at while they change.
#[derive(Debug)]
pub struct Gauge {
    phase: AtomicU8,
    signed: AtomicU64,
    finals: AtomicU64,
    shed: AtomicU64,
    ran_ms: AtomicU64,
    end: watch::Sender<bool>,
}

impl Default for Gauge {
    fn default() -> Self {
        Self {
            phase: AtomicU8::new(0),
            signed: AtomicU64::new(0),
            finals: AtomicU64::new(0),
            shed: AtomicU64::new(0),
            ran_ms: AtomicU64::new(0),
            end: watch::Sender::new(false),
        }
    }
}

impl Gauge {
    /// What is being done.
    pub fn phase(&self) -> Phase {
        let place = usize::from(self.phase.load(Ordering::Relaxed));
        PHASES.get(place).copied().unwrap_or(Phase::Ending)
    }

    /// Payments signed.
    pub fn signed(&self) -> u64 {
        self.signed.load(Ordering::Relaxed)
    }

    /// Payments final.
    pub fn finals(&self) -> u64 {
        self.finals.load(Ordering::Relaxed)
    }

    /// Times that a payment was not taken.
    pub fn shed(&self) -> u64 {
        self.shed.load(Ordering::Relaxed)
    }

    /// For how many milliseconds payments have been handed in.
    pub fn ran_ms(&self) -> u64 {
        self.ran_ms.load(Ordering::Relaxed)
    }

    /// Asks it to end soon, with what was measured so far.
    pub fn end(&self) {
        self.end.send_replace(true);
    }

    pub(super) fn is_ended(&self) -> bool {
        *self.end.borrow()
    }

    /// Waits for [`Gauge::end`].
    pub(super) async fn ended(&self) {
        let mut end = self.end.subscribe();
        // The sender lives as long as this.
        let _ = end.wait_for(|end| *end).await;
    }

    pub(super) fn enter(&self, phase: Phase) {
        let place = PHASES.iter().position(|one| *one == phase).unwrap_or(0);
        self.phase
            .store(u8::try_from(place).unwrap_or(0), Ordering::Relaxed);
    }

    pub(super) fn count_signed(&self, more: u64) {
        self.signed.fetch_add(more, Ordering::Relaxed);
    }

    pub(super) fn show(&self, finals: u64, shed: u64, ran_ms: u64) {
        self.finals.store(finals, Ordering::Relaxed);
        self.shed.store(shed, Ordering::Relaxed);
        self.ran_ms.store(ran_ms, Ordering::Relaxed);
    }
}
