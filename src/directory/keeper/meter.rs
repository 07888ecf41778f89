//! How much anybody may cost: token buckets by key, and one for all.
//!
//! The time comes in; a bucket that has filled up again is forgotten, so there are no more than have been used lately.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::chain::key::PublicKey;

/// How fast tokens come, and how many at most.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rate {
    /// Tokens of a full bucket.
    pub burst: u32,
    /// How long one token takes to come.
    pub each: Duration,
}

/// A bucket by how much is missing: empty of debts is full of tokens.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bucket {
    /// When it will be full again.
    full_at: Duration,
}

impl Bucket {
    /// A full one.
    pub const FULL: Self = Self {
        full_at: Duration::ZERO,
    };

    /// How long until so many tokens can be taken.
    pub fn wait(&self, rate: Rate, tokens: u32, now: Duration) -> Duration {
        let debt = self.full_at.saturating_sub(now) + rate.each * tokens;
        debt.saturating_sub(rate.each * rate.burst)
    }

    /// Takes tokens, also those that are not there: then others wait the longer.
    pub fn take(&mut self, rate: Rate, tokens: u32, now: Duration) {
        self.full_at = self.full_at.max(now) + rate.each * tokens;
    }
}

/// A bucket for each key.
#[derive(Debug)]
pub(super) struct Meter {
    rate: Rate,
    room: usize,
    buckets: BTreeMap<PublicKey, Bucket>,
}

impl Meter {
    /// Buckets of this rate, for so many keys at a time.
    pub fn new(rate: Rate, room: usize) -> Self {
        Self {
            rate,
            room,
            buckets: BTreeMap::new(),
        }
    }

    /// How long until so many tokens of a key can be taken; zero if they can now.
    pub fn wait(&self, key: &PublicKey, tokens: u32, now: Duration) -> Duration {
        match self.buckets.get(key) {
            Some(bucket) => bucket.wait(self.rate, tokens, now),
            // No room for one more: it waits until somebody's bucket is full.
            None if self.buckets.len() >= self.room => self.rate.each,
            None => Duration::ZERO,
        }
    }

    /// Takes tokens of a key.
    pub fn take(&mut self, key: PublicKey, tokens: u32, now: Duration) {
        if self.buckets.len() >= self.room && !self.buckets.contains_key(&key) {
            return;
        }
        let bucket = self.buckets.entry(key).or_insert(Bucket::FULL);
        bucket.take(self.rate, tokens, now);
    }

    /// Forgets the buckets that are full.
    pub fn forget(&mut self, now: Duration) {
        self.buckets.retain(|_, bucket| bucket.full_at > now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate {
        burst: 3,
        each: Duration::from_secs(10),
    };

    fn key(number: u8) -> PublicKey {
        PublicKey([number; 32])
    }

    #[test]
    fn a_bucket_gives_its_burst_and_then_its_rate() {
        let now = Duration::from_secs(1000);
        let mut meter = Meter::new(RATE, 8);
        for _ in 0..3 {
            assert_eq!(meter.wait(&key(1), 1, now), Duration::ZERO);
            meter.take(key(1), 1, now);
        }
        assert_eq!(meter.wait(&key(1), 1, now), RATE.each);
        assert_eq!(meter.wait(&key(2), 3, now), Duration::ZERO, "another's");
        let later = now + RATE.each;
        assert_eq!(meter.wait(&key(1), 1, later), Duration::ZERO);
        assert_eq!(meter.wait(&key(1), 2, later), RATE.each);
    }

    #[test]
    fn full_buckets_are_forgotten_and_there_are_never_too_many() {
        let now = Duration::from_secs(1000);
        let mut meter = Meter::new(RATE, 2);
        for number in 0..9 {
            meter.take(key(number), 1, now);
        }
        assert_eq!(meter.buckets.len(), 2);
        assert_eq!(meter.wait(&key(7), 1, now), RATE.each);
        meter.forget(now + RATE.each);
        assert_eq!(meter.buckets.len(), 0);
        assert_eq!(meter.wait(&key(7), 1, now + RATE.each), Duration::ZERO);
    }
}
