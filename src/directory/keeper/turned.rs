//! Turned away: whose cards found no room here (D10 to D12), so that visits do not fetch them again each time.
//!
//! Two full books differ for good, and each visit is offered the same cards. They are tried again after a minute, then
//! after twice as long, but sooner than their owners renew them, since room comes whenever others' cards end.
//! Never: more peers than a visit fetches a few times over; whoever does not fit is fetched in vain, as before.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::chain::key::PublicKey;

/// The first pause; it doubles.
const FIRST: Duration = Duration::from_secs(60);
/// The longest: less than half of the shortest life.
const LONGEST: Duration = Duration::from_secs(4 * 60);
/// Peers that are remembered.
const REMEMBERED: usize = 16_384;

#[derive(Debug, Clone, Copy)]
struct Pause {
    until: Duration,
    length: Duration,
}

/// Who was turned away lately.
#[derive(Debug, Default)]
pub(super) struct Turned(BTreeMap<PublicKey, Pause>);

impl Turned {
    /// A peer's card found no room.
    pub fn away(&mut self, peer: PublicKey, now: Duration) {
        let before = self.0.get(&peer).map(|pause| pause.length * 2);
        if before.is_none() && self.0.len() >= REMEMBERED {
            return;
        }
        let length = before.unwrap_or(FIRST).min(LONGEST);
        let until = now + length;
        self.0.insert(peer, Pause { until, length });
    }

    /// A peer's card has come in.
    pub fn in_after_all(&mut self, peer: &PublicKey) {
        self.0.remove(peer);
    }

    /// Whether it is too early to fetch a peer's card.
    pub fn is_away(&self, peer: &PublicKey, now: Duration) -> bool {
        self.0.get(peer).is_some_and(|pause| now < pause.until)
    }

    /// Forgets whoever was not offered again.
    pub fn forget(&mut self, now: Duration) {
        self.0.retain(|_, pause| now < pause.until + pause.length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_to_their_end_and_are_forgotten_when_nobody_comes_back() {
        let (mut turned, peer) = (Turned::default(), PublicKey([1; 32]));
        let mut now = Duration::ZERO;
        for minutes in [1, 2, 4, 4] {
            assert!(!turned.is_away(&peer, now));
            turned.away(peer, now);
            now += Duration::from_secs(minutes * 60);
            assert!(turned.is_away(&peer, now - Duration::from_millis(1)));
            turned.forget(now);
        }
        turned.forget(now + LONGEST);
        assert!(turned.0.is_empty());
        turned.away(peer, now);
        turned.in_after_all(&peer);
        assert!(!turned.is_away(&peer, now));
    }

    #[test]
    fn no_more_are_remembered_than_there_is_room_for() {
        let mut turned = Turned::default();
        for number in 0..=u16::MAX {
            let mut key = [0; 32];
            key[..2].copy_from_slice(&number.to_le_bytes());
            turned.away(PublicKey(key), Duration::ZERO);
        }
        assert_eq!(turned.0.len(), REMEMBERED);
    }
}
