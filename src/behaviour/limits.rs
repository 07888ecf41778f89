//! Limits: how many connections there may be, what they may hold, and how often a peer may ask.
//!
//! Connection limits stand first in the behaviour (rule 2); validators and bootstrap peers bypass
//! them, so that a crowd of strangers cannot lock the network out of itself ([`super::doors`]). Requests
//! and gossip are metered by token buckets, both ways, beside a cap on what is open at a time. Who goes
//! on beyond its buckets is sent away for a while.
//!
//! Never: read a clock; `now` is an argument. Next: [`super::service`] for the rates of services.

use std::time::{Duration, Instant};

/// Connections that strangers opened to us: a thousand wallets, and as many again.
pub const STRANGERS: usize = 2_048;
/// Of these, from one address: a school or a village behind one router. Eight addresses take all places.
pub const PER_ADDRESS: usize = 256;
/// Connections with strangers that we dialled.
pub const OUTGOING: usize = 128;
/// Connections with one peer: two in use, and two that may be dead and not yet noticed.
pub const PER_PEER: usize = 4;
/// Connections being set up to us at a time, by whomever.
pub const PENDING_INCOMING: usize = 256;
/// As many more may the addresses of the verified list set up.
pub const PENDING_KEPT: usize = 64;
/// Of these, by one address.
pub const PENDING_PER_ADDRESS: usize = 64;
/// Our own dials under way at a time, those to the verified list apart.
pub const PENDING_OUTGOING: usize = 64;
/// How often one address may begin a handshake, which costs us about a millisecond: all that it may
/// have at once, as after a power cut, and then one that was refused may come again after 60 ms.
pub const SETUPS_PER_ADDRESS: Rate = Rate::of_bucket(PER_ADDRESS as u32, 16);
/// Connections with one peer after hello settled; what exceeds it is closed.
pub const SETTLED_PER_PEER: usize = 2;

/// Open files for everything but strangers: the trusted, the store, handshakes, our own dials.
pub const OTHER_FILES: usize = PENDING_INCOMING + PENDING_KEPT + PENDING_OUTGOING + OUTGOING + 256;

/// Streams of one connection, of both sides: all services used as widely as they may be, and some more.
/// Who opens more loses the connection.
pub const STREAMS: usize = 256;
/// Streams that one connection of a stranger may open, whatever for.
pub const STREAMS_OPENED: Rate = Rate::of_bucket(1_024, 256);
/// Streams that all connections of one address may open: a school may begin its day at once.
pub const STREAMS_OPENED_PER_ADDRESS: Rate = Rate::of_bucket(2_048, 256);
/// What one QUIC connection may send ahead of our reading, on one stream and in all. Over TCP (yamux) each stream may
/// send 256 KiB ahead, which its specification fixes; all of them are read as they come, or closed at a deadline.
pub const QUIC_STREAM_WINDOW_BYTES: u32 = 1024 * 1024;
/// See [`QUIC_STREAM_WINDOW_BYTES`].
pub const QUIC_CONNECTION_WINDOW_BYTES: u32 = 2 * 1024 * 1024;

/// Watch streams that one peer may hold.
pub const WATCHES_PER_PEER: usize = 4;
/// Watch streams in all: two for each stranger.
pub const WATCHES: usize = 2 * STRANGERS;
/// Bytes that may wait in all watches together.
pub const WATCHES_BYTES: usize = 64 * 1024 * 1024;
/// Our own requests of all services that await an answer.
pub const OPEN_OUTBOUND: usize = 1024;

/// Gossip messages of one stranger. What a stranger hands on, validators have told us already.
pub const GOSSIP: Rate = Rate::of_bucket(512, 128);
/// Its bytes, in KiB: one full block, and a hundred payments a second.
pub const GOSSIP_KIB: Rate = Rate::of_bucket(3 * 1024, 32);
/// Gossip messages of all strangers together: the checks of so many votes take a twentieth of a core.
pub const GOSSIP_OF_ALL: Rate = Rate::of_bucket(2_048, 1_024);
/// Their bytes, in KiB: 2,500 payments a second, of whose checks the same is true.
pub const GOSSIP_KIB_OF_ALL: Rate = Rate::of_bucket(8 * 1024, 512);
/// Strangers that gossip at a time: each gets all that we say.
pub const GOSSIPING_STRANGERS: usize = 64;

/// How much a peer may ask or say beyond its buckets before it is sent away.
pub const PATIENCE: Rate = Rate::of_bucket(512, 32);
/// What a message costs of it that no honest peer hands on.
pub const BAD_MESSAGE: u32 = 64;
/// How long a peer that was sent away stays away.
pub const AWAY: Duration = Duration::from_secs(60);
/// Peers that are remembered to be away.
pub const AWAY_PEERS: usize = 4_096;

const _: () = assert!(SETTLED_PER_PEER < PER_PEER);
const _: () = assert!(PER_ADDRESS < STRANGERS);
const _: () = assert!(PENDING_PER_ADDRESS < PENDING_INCOMING);
// Or one answer could not be sent at all.
const _: () = assert!(QUIC_STREAM_WINDOW_BYTES <= QUIC_CONNECTION_WINDOW_BYTES);

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

    /// Whether it has rested long enough to be as good as new.
    #[must_use]
    pub fn is_full(&self, now: Instant) -> bool {
        let mut later = self.clone();
        later.refill(now);
        later.millitokens >= u64::from(self.rate.burst) * 1000
    }

    /// Takes one token if there is one.
    pub fn take(&mut self, now: Instant) -> bool {
        self.take_many(1, now)
    }

    /// Takes so many tokens if there are as many.
    pub fn take_many(&mut self, tokens: u32, now: Instant) -> bool {
        self.refill(now);
        let Some(left) = self.millitokens.checked_sub(u64::from(tokens) * 1000) else {
            return false;
        };
        self.millitokens = left;
        true
    }

    fn refill(&mut self, now: Instant) {
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
