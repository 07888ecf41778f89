//! How often an account may speak to this wallet: a token bucket for each, and one for all strangers together.
//!
//! Making accounts costs nothing, so a bucket for each bounds nobody; the one for all strangers does. Whom the owner has
//! dealt with has a bucket of their own and never waits for strangers. Time comes in; it may stand still, never run back.

use std::collections::BTreeMap;

use crate::chain::key::Address;

/// Most buckets kept at once. Full ones are forgotten: a new one is full too.
pub const MAX_BUCKETS: usize = 256;

/// How a bucket fills.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// What it holds when full.
    pub burst: u64,
    /// After how many milliseconds there is one more.
    pub every_ms: u64,
}

/// Of one stranger.
pub const STRANGER: Pace = Pace {
    burst: 4,
    every_ms: 60_000,
};
/// Of all strangers together.
pub const STRANGERS: Pace = Pace {
    burst: 24,
    every_ms: 10_000,
};
/// Of somebody whom the owner has dealt with.
pub const KNOWN: Pace = Pace {
    burst: 32,
    every_ms: 2_000,
};

/// A bucket: when it would have been empty, had it been full since.
#[derive(Debug, Clone, Copy, Default)]
struct Bucket {
    /// The time at which it is full again.
    full_at_ms: u64,
}

impl Bucket {
    fn can_take(&self, pace: Pace, now_ms: u64) -> bool {
        let missing_ms = self.full_at_ms.saturating_sub(now_ms);
        missing_ms.saturating_add(pace.every_ms) <= pace.burst.saturating_mul(pace.every_ms)
    }

    fn take(&mut self, pace: Pace, now_ms: u64) {
        self.full_at_ms = self.full_at_ms.max(now_ms).saturating_add(pace.every_ms);
    }
}

/// The buckets of one wallet.
#[derive(Debug, Clone, Default)]
pub struct Rates {
    strangers: Bucket,
    each: BTreeMap<Address, Bucket>,
}

impl Rates {
    /// Takes one for this account, which the owner knows or not. `false`: too often; nothing is taken then.
    pub fn allow(&mut self, account: &Address, is_known: bool, now_ms: u64) -> bool {
        let pace = if is_known { KNOWN } else { STRANGER };
        let own = self.each.get(account).copied().unwrap_or_default();
        let is_allowed = own.can_take(pace, now_ms)
            && (is_known || self.strangers.can_take(STRANGERS, now_ms))
            && self.has_room_for(account, now_ms);
        if is_allowed {
            self.each.entry(*account).or_default().take(pace, now_ms);
            if !is_known {
                self.strangers.take(STRANGERS, now_ms);
            }
        }
        is_allowed
    }

    fn has_room_for(&mut self, account: &Address, now_ms: u64) -> bool {
        if self.each.len() < MAX_BUCKETS || self.each.contains_key(account) {
            return true;
        }
        self.each.retain(|_, bucket| bucket.full_at_ms > now_ms);
        self.each.len() < MAX_BUCKETS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(number: u16) -> Address {
        let mut bytes = [7; 32];
        bytes[..2].copy_from_slice(&number.to_le_bytes());
        Address(bytes)
    }

    #[test]
    fn a_stranger_has_a_few_words_and_then_one_a_minute() {
        let mut rates = Rates::default();
        let one = account(1);
        let said = |rates: &mut Rates, now_ms| {
            (0..100)
                .filter(|_| rates.allow(&one, false, now_ms))
                .count()
        };
        assert_eq!(said(&mut rates, 1_000_000), 4);
        assert_eq!(said(&mut rates, 1_059_999), 0);
        assert_eq!(said(&mut rates, 1_060_000), 1);
        assert_eq!(said(&mut rates, 2_000_000), 4);
    }

    #[test]
    fn a_thousand_strangers_are_no_more_than_all_strangers() {
        let mut rates = Rates::default();
        let said = (0..1_000).filter(|n| rates.allow(&account(*n), false, 1_000_000));
        assert_eq!(said.count(), 24);
        // Whom the owner knows does not wait for them.
        let friend = account(5_000);
        let said = (0..100).filter(|_| rates.allow(&friend, true, 1_000_000));
        assert_eq!(said.count(), 32);
    }

    #[test]
    fn buckets_are_bounded_and_full_ones_are_forgotten() {
        let mut rates = Rates::default();
        let mut now_ms = 0;
        for number in 0..2_000 {
            now_ms += STRANGERS.every_ms;
            assert!(rates.allow(&account(number), false, now_ms), "{number}");
            assert!(rates.each.len() <= MAX_BUCKETS);
        }
        let mut crowd = Rates::default();
        let known = (0..2_000).filter(|n| crowd.allow(&account(*n), true, 0));
        assert_eq!(known.count(), MAX_BUCKETS);
    }
}
