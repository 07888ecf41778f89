//! The dialler: whom we stay connected to, and when to try again.
//!
//! All kept peers are dialled in parallel, each with all its addresses in one dial, for ever: 1 s,
//! doubled at each failure up to a cap, with jitter (rule 10). A hello that succeeds resets it.
//!
//! Never: touch the swarm or read the clock; it says what is due. Next: `upkeep.rs`, which asks.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use libp2p::{PeerId, swarm::ConnectionId};

use crate::{behaviour::Multiaddr, directory::address::MAX_ADDRESSES};

/// First wait after a failure.
const BACKOFF_BASE: Duration = Duration::from_secs(1);
/// Longest wait.
pub(super) const BACKOFF_CAP: Duration = Duration::from_secs(60);
/// Longest wait between validators: a restarted one must be heard within 10 s.
pub(super) const VALIDATOR_CAP: Duration = Duration::from_secs(5);
/// Wait after a good connection was lost, or the peer asked us to dial again.
const SOON: Duration = Duration::from_millis(200);
/// So many soon dials without a hello in between, then backoff as usual.
const SOON_LIMIT: u32 = 5;

/// Why a dial that connected came to nothing.
const UNGREETED: &str = "the peer closed the connection before it was greeted: it may have no place left for strangers, or for your address";

/// How eagerly to dial after the connection is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mood {
    /// As failures tell.
    Usual,
    /// At once: the peer is there and asks for a new connection.
    Soon,
    /// As late as possible: the peer is there and does not want us.
    Late,
}

#[derive(Debug)]
struct Target {
    addresses: Vec<Multiaddr>,
    cap: Duration,
    attempts: u32,
    soon: u32,
    mood: Mood,
    due: Option<Instant>,
    dialling: Option<ConnectionId>,
    last_failure: Option<String>,
}

/// All kept peers.
#[derive(Debug, Default)]
pub(super) struct Dialler(BTreeMap<PeerId, Target>);

impl Dialler {
    /// Keeps a peer; it is due at once.
    pub(super) fn keep(
        &mut self,
        peer: PeerId,
        addresses: Vec<Multiaddr>,
        cap: Duration,
        now: Instant,
    ) {
        let target = Target {
            addresses,
            cap,
            attempts: 0,
            soon: 0,
            mood: Mood::Usual,
            due: Some(now),
            dialling: None,
            last_failure: None,
        };
        self.0.insert(peer, target);
    }

    /// No longer keeps a peer.
    pub(super) fn drop_peer(&mut self, peer: &PeerId) {
        self.0.remove(peer);
    }

    pub(super) fn peers(&self) -> impl Iterator<Item = &PeerId> {
        self.0.keys()
    }

    pub(super) fn keeps(&self, peer: &PeerId) -> bool {
        self.0.contains_key(peer)
    }

    pub(super) fn last_failure(&self, peer: &PeerId) -> Option<String> {
        self.0.get(peer)?.last_failure.clone()
    }

    /// The peers to dial now. Each is reported once, until it failed or was lost.
    pub(super) fn due(&mut self, now: Instant) -> Vec<(PeerId, Vec<Multiaddr>)> {
        let mut due = Vec::new();
        for (peer, target) in &mut self.0 {
            if target.due.is_some_and(|at| at <= now) {
                target.due = None;
                due.push((*peer, target.addresses.clone()));
            }
        }
        due
    }

    /// The dial of `peer` is under way as `connection`.
    pub(super) fn dialling(&mut self, peer: &PeerId, connection: ConnectionId) {
        if let Some(target) = self.0.get_mut(peer) {
            target.dialling = Some(connection);
        }
    }

    /// A kept peer may also be found at this address; if it is not connected, it is dialled soon.
    pub(super) fn add_address(&mut self, peer: &PeerId, address: Multiaddr, now: Instant) {
        let Some(target) = self.0.get_mut(peer) else {
            return;
        };
        if target.addresses.len() < MAX_ADDRESSES && !target.addresses.contains(&address) {
            target.addresses.push(address);
            target.due = target.due.map(|_| now);
        }
    }

    /// A dial failed. Returns the failures in a row if it was one of ours.
    pub(super) fn failed(
        &mut self,
        peer: &PeerId,
        connection: ConnectionId,
        reason: String,
        now: Instant,
    ) -> Option<u32> {
        let target = self.0.get_mut(peer)?;
        // Others dial too (gossip its explicit peers, without addresses): not our failures.
        if target.dialling != Some(connection) {
            return None;
        }
        target.dialling = None;
        target.last_failure = Some(reason);
        target.back_off(now);
        Some(target.attempts)
    }

    /// A connection to `peer` stands, whoever dialled.
    pub(super) fn connected(&mut self, peer: &PeerId) {
        if let Some(target) = self.0.get_mut(peer) {
            target.dialling = None;
            target.due = None;
        }
    }

    /// A hello succeeded.
    pub(super) fn greeted(&mut self, peer: &PeerId) {
        if let Some(target) = self.0.get_mut(peer) {
            target.attempts = 0;
            target.soon = 0;
            target.mood = Mood::Usual;
            target.last_failure = None;
        }
    }

    /// How to go on after the connection that is about to be lost.
    pub(super) fn set_mood(&mut self, peer: &PeerId, mood: Mood, reason: Option<String>) {
        if let Some(target) = self.0.get_mut(peer) {
            target.mood = mood;
            if reason.is_some() {
                target.last_failure = reason;
            }
        }
    }

    /// The last connection to `peer` is gone; `was_up` if it had been greeted. Returns the failures
    /// in a row and the reason, if that counts as one.
    pub(super) fn lost(
        &mut self,
        peer: &PeerId,
        was_up: WasUp,
        now: Instant,
    ) -> Option<(u32, String)> {
        let target = self.0.get_mut(peer)?;
        let soon = match (std::mem::replace(&mut target.mood, Mood::Usual), was_up) {
            (Mood::Late, _) => {
                // Straight to the cap.
                target.attempts = target.attempts.max(16);
                false
            }
            (Mood::Soon, _) | (Mood::Usual, WasUp::Yes) => target.soon < SOON_LIMIT,
            (Mood::Usual, WasUp::No) => false,
        };
        if soon {
            target.soon += 1;
            target.due = Some(now + SOON.mul_f64(jitter()));
            return None;
        }
        target.back_off(now);
        let reason = target
            .last_failure
            .get_or_insert_with(|| UNGREETED.to_owned());
        Some((target.attempts, reason.clone()))
    }
}

/// Whether a lost connection had been greeted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WasUp {
    Yes,
    No,
}

impl Target {
    fn back_off(&mut self, now: Instant) {
        let doubled = BACKOFF_BASE.saturating_mul(1u32 << self.attempts.min(16));
        self.attempts = self.attempts.saturating_add(1);
        self.due = Some(now + doubled.min(self.cap).mul_f64(jitter()));
    }
}

/// Between a half and one: never longer than the cap, and never in step with others.
fn jitter() -> f64 {
    rand::random_range(0.5..1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::clock;

    fn one() -> (Dialler, PeerId, Instant) {
        let (mut dialler, peer, now) = (Dialler::default(), PeerId::random(), clock::now());
        dialler.keep(
            peer,
            vec!["/ip4/127.0.0.1/tcp/1".parse().unwrap()],
            BACKOFF_CAP,
            now,
        );
        (dialler, peer, now)
    }

    fn wait(dialler: &Dialler, peer: &PeerId, now: Instant) -> Duration {
        dialler.0[peer].due.unwrap() - now
    }

    #[test]
    fn the_first_dial_is_due_at_once_and_only_once() {
        let (mut dialler, peer, now) = one();
        assert_eq!(dialler.due(now).len(), 1);
        assert!(dialler.due(now).is_empty());
        dialler.dialling(&peer, ConnectionId::new_unchecked(1));
        assert!(dialler.due(now + BACKOFF_CAP * 2).is_empty());
    }

    #[test]
    fn failures_back_off_to_the_cap_and_never_stop() {
        let (mut dialler, peer, now) = one();
        let mut longest = Duration::ZERO;
        for attempt in 1..200 {
            let id = ConnectionId::new_unchecked(attempt);
            dialler.dialling(&peer, id);
            assert_eq!(
                dialler.failed(&peer, id, "no".into(), now),
                Some(attempt as u32)
            );
            let wait = wait(&dialler, &peer, now);
            assert!(
                wait >= Duration::from_millis(500) && wait <= BACKOFF_CAP,
                "{wait:?}"
            );
            longest = longest.max(wait);
            if attempt == 1 {
                assert!(wait <= BACKOFF_BASE);
            }
        }
        assert!(longest > BACKOFF_CAP / 2);
    }

    #[test]
    fn a_failure_of_somebody_elses_dial_changes_nothing() {
        let (mut dialler, peer, now) = one();
        dialler.dialling(&peer, ConnectionId::new_unchecked(1));
        let other = ConnectionId::new_unchecked(2);
        assert_eq!(dialler.failed(&peer, other, "no".into(), now), None);
    }

    #[test]
    fn a_lost_good_connection_is_dialled_soon_but_not_for_ever() {
        let (mut dialler, peer, now) = one();
        for _ in 0..SOON_LIMIT {
            dialler.lost(&peer, WasUp::Yes, now);
            assert!(wait(&dialler, &peer, now) <= SOON);
        }
        dialler.lost(&peer, WasUp::Yes, now);
        assert!(wait(&dialler, &peer, now) > SOON);
        dialler.greeted(&peer);
        dialler.lost(&peer, WasUp::Yes, now);
        assert!(wait(&dialler, &peer, now) <= SOON);
    }

    #[test]
    fn a_peer_that_refused_us_is_dialled_late() {
        let (mut dialler, peer, now) = one();
        dialler.set_mood(&peer, Mood::Late, Some("foreign".into()));
        dialler.lost(&peer, WasUp::No, now);
        assert!(wait(&dialler, &peer, now) >= BACKOFF_CAP / 2);
        assert_eq!(dialler.last_failure(&peer).as_deref(), Some("foreign"));
    }
}
