//! Limits: how many connections there may be, and how often a peer may ask.
//!
//! Connection limits stand first in the behaviour (rule 2); validators and bootstrap peers bypass
//! them, so that a crowd of strangers cannot lock the network out of itself. Requests are metered
//! by a token bucket for each peer and service, beside a cap on what is open at a time.
//!
//! Never: read a clock; `now` is an argument. Next: [`super::service`] for the rates.

use std::time::{Duration, Instant};

use libp2p::{PeerId, connection_limits};

/// Connections being set up by strangers at a time.
pub const PENDING_INCOMING: u32 = 64;
/// Our own dials under way at a time.
pub const PENDING_OUTGOING: u32 = 64;
/// Connections that strangers opened to us.
pub const ESTABLISHED_INCOMING: u32 = 512;
/// Connections of any direction.
pub const ESTABLISHED: u32 = 640;
/// Connections with one peer: two in use, and two that may be dead and not yet noticed.
pub const ESTABLISHED_PER_PEER: u32 = 4;
/// Connections with one peer after hello settled; what exceeds it is closed.
pub const SETTLED_PER_PEER: usize = 2;
/// Watch streams that one peer may hold.
pub const WATCHES_PER_PEER: usize = 4;
/// Watch streams in all.
pub const WATCHES: usize = 1024;
/// Our own requests of all services that await an answer.
pub const OPEN_OUTBOUND: usize = 1024;

const _: () = assert!(
    ESTABLISHED_INCOMING < ESTABLISHED,
    "strangers must leave room for our dials"
);
const _: () = assert!(SETTLED_PER_PEER < ESTABLISHED_PER_PEER as usize);

/// The connection limits, with `trusted` peers above them.
pub fn connections(trusted: impl IntoIterator<Item = PeerId>) -> connection_limits::Behaviour {
    let limits = connection_limits::ConnectionLimits::default()
        .with_max_pending_incoming(Some(PENDING_INCOMING))
        .with_max_pending_outgoing(Some(PENDING_OUTGOING))
        .with_max_established_incoming(Some(ESTABLISHED_INCOMING))
        .with_max_established(Some(ESTABLISHED))
        .with_max_established_per_peer(Some(ESTABLISHED_PER_PEER));
    let mut behaviour = connection_limits::Behaviour::new(limits);
    for peer in trusted {
        behaviour.bypass_peer_id(&peer);
    }
    behaviour
}

/// How often one peer may use one service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Requests that may come at once after a rest.
    pub burst: u32,
    /// Requests a second in the long run.
    pub per_second: u32,
    /// Requests that one peer may have open at a time.
    pub open: u16,
    /// Requests that all strangers together may have open at a time.
    pub open_total: u16,
}

impl Rate {
    /// A bucket's rate without a share of open requests to speak of.
    #[must_use]
    pub const fn of_bucket(burst: u32, per_second: u32) -> Self {
        Self {
            burst,
            per_second,
            open: 1,
            open_total: 1,
        }
    }
}

/// A token bucket: full at first, refilled as time passes.
#[derive(Debug, Clone)]
pub struct Bucket {
    rate: Rate,
    /// Thousandths of a token, so that slow rates refill smoothly.
    millitokens: u64,
    refilled: Instant,
}

impl Bucket {
    /// A full bucket.
    #[must_use]
    pub fn new(rate: Rate, now: Instant) -> Self {
        Self {
            rate,
            millitokens: u64::from(rate.burst) * 1000,
            refilled: now,
        }
    }

    /// Takes one token if there is one.
    pub fn take(&mut self, now: Instant) -> bool {
        let passed = now.saturating_duration_since(self.refilled);
        let elapsed_ms = u64::try_from(passed.as_millis()).unwrap_or(u64::MAX);
        let refill = elapsed_ms.saturating_mul(u64::from(self.rate.per_second));
        self.millitokens = self
            .millitokens
            .saturating_add(refill)
            .min(u64::from(self.rate.burst) * 1000);
        // Only whole milliseconds were credited: the rest stays for the next time.
        self.refilled = self
            .refilled
            .checked_add(Duration::from_millis(elapsed_ms))
            .unwrap_or(now);
        let Some(left) = self.millitokens.checked_sub(1000) else {
            return false;
        };
        self.millitokens = left;
        true
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "a test's starting point")]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_gives_its_burst_and_then_its_rate() {
        let start = Instant::now();
        let mut bucket = Bucket::new(Rate::of_bucket(3, 2), start);
        assert!((0..3).all(|_| bucket.take(start)));
        assert!(!bucket.take(start));
        assert!(!bucket.take(start + Duration::from_millis(499)));
        assert!(bucket.take(start + Duration::from_millis(501)));
        assert!(!bucket.take(start + Duration::from_millis(502)));
    }

    #[test]
    fn a_long_rest_never_gives_more_than_the_burst() {
        let start = Instant::now();
        let mut bucket = Bucket::new(Rate::of_bucket(3, 1000), start);
        let later = start + Duration::from_secs(86_400 * 365);
        assert!((0..3).all(|_| bucket.take(later)));
        assert!(!bucket.take(later));
    }

    #[test]
    fn a_clock_that_stands_still_or_steps_back_gives_nothing() {
        let start = Instant::now() + Duration::from_secs(9);
        let mut bucket = Bucket::new(Rate::of_bucket(1, 1000), start);
        assert!(bucket.take(start));
        assert!(!bucket.take(start - Duration::from_secs(5)));
        assert!(!bucket.take(start));
    }
}
