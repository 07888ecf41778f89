//! Reservations: at which relays others find us, two of them, so that one may fail.
//!
//! The library tells successes only, and nothing of a reservation that is lost: its listener closes. So each relay is
//! idle, asked or held; whatever closes is asked again, here or elsewhere, with a growing pause.
//!
//! Never: touch the swarm or read the clock; it says what is due. Next: `task.rs`, which asks.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use libp2p::{PeerId, core::transport::ListenerId};

use crate::behaviour::Multiaddr;

/// How many are held.
const WANTED: usize = 2;
/// First pause after a refusal or failure, doubled at each.
const PAUSE: Duration = Duration::from_secs(1);
/// The longest pause.
const PAUSE_CAP: Duration = Duration::from_secs(60);
/// Doublings end here.
const PAUSE_STEPS: u32 = 6;
/// Who has not answered by then no longer counts, so that another one is asked too. The question itself cannot be taken
/// back: the library would panic at a late answer.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Idle,
    Asked(ListenerId, Instant),
    Held(ListenerId),
}

#[derive(Debug)]
struct Relay {
    /// Where we are connected to it.
    address: Multiaddr,
    state: State,
    failures: u32,
    due: Instant,
}

/// What we hold, and with whom we could.
#[derive(Debug, Default)]
pub(in super::super) struct Reservations(BTreeMap<PeerId, Relay>);

impl Reservations {
    /// A node is up, at this address of its own.
    pub(super) fn came(&mut self, relay: PeerId, address: Multiaddr, now: Instant) {
        let entry = self.0.entry(relay).or_insert_with(|| Relay {
            address: address.clone(),
            state: State::Idle,
            failures: 0,
            due: now,
        });
        entry.address = address;
        if entry.state == State::Idle {
            entry.due = now;
        }
    }

    /// The last connection to a node is gone, and what was held there with it.
    pub(super) fn went(&mut self, relay: &PeerId) {
        self.0.remove(relay);
    }

    /// Whom to ask now: so many as are missing, those first that have failed least.
    pub(super) fn due(&self, now: Instant) -> Vec<(PeerId, Multiaddr)> {
        let counts = |relay: &&Relay| match relay.state {
            State::Idle => false,
            State::Asked(_, at) => now.saturating_duration_since(at) < PATIENCE,
            State::Held(_) => true,
        };
        let missing = WANTED.saturating_sub(self.0.values().filter(counts).count());
        let mut idle: Vec<_> = self
            .0
            .iter()
            .filter(|(_, relay)| relay.state == State::Idle && relay.due <= now)
            .collect();
        idle.sort_by_key(|(_, relay)| relay.failures);
        idle.into_iter()
            .take(missing)
            .map(|(peer, relay)| (*peer, relay.address.clone()))
            .collect()
    }

    /// A relay was asked; `listener` is the question's name.
    pub(super) fn asked(&mut self, relay: &PeerId, listener: ListenerId, now: Instant) {
        if let Some(relay) = self.0.get_mut(relay) {
            relay.state = State::Asked(listener, now);
        }
    }

    /// A relay could not even be asked.
    pub(super) fn unasked(&mut self, relay: &PeerId, now: Instant) {
        if let Some(relay) = self.0.get_mut(relay) {
            relay.rest(now);
        }
    }

    /// A relay has accepted.
    pub(super) fn accepted(&mut self, relay: &PeerId) {
        if let Some(relay) = self.0.get_mut(relay)
            && let State::Asked(listener, _) = relay.state
        {
            relay.state = State::Held(listener);
            relay.failures = 0;
        }
    }

    /// A listener has closed. Whether it was one of ours: refused, or lost.
    pub(super) fn closed(&mut self, listener: ListenerId, now: Instant) -> bool {
        let of = |relay: &&mut Relay| match relay.state {
            State::Idle => false,
            State::Asked(id, _) | State::Held(id) => id == listener,
        };
        let Some(relay) = self.0.values_mut().find(of) else {
            return false;
        };
        let was_held = matches!(relay.state, State::Held(_));
        relay.state = State::Idle;
        if was_held {
            // It worked: at once again.
            relay.due = now;
        } else {
            relay.rest(now);
        }
        true
    }

    /// At whose relays we are found now.
    pub(super) fn held(&self) -> impl Iterator<Item = (&PeerId, &Multiaddr)> {
        let held = |(_, relay): &(&PeerId, &Relay)| matches!(relay.state, State::Held(_));
        self.0
            .iter()
            .filter(held)
            .map(|(peer, relay)| (peer, &relay.address))
    }

    /// The nodes through which somebody else may be reached: all that we know.
    pub(super) fn relays(&self) -> impl Iterator<Item = (&PeerId, &Multiaddr)> {
        self.0.iter().map(|(peer, relay)| (peer, &relay.address))
    }
}

impl Relay {
    fn rest(&mut self, now: Instant) {
        self.state = State::Idle;
        let doubled = PAUSE.saturating_mul(1 << self.failures.min(PAUSE_STEPS));
        self.failures = self.failures.saturating_add(1);
        self.due = now + doubled.min(PAUSE_CAP);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::clock;

    struct Scene {
        held: Reservations,
        peers: Vec<PeerId>,
        now: Instant,
    }

    /// So many nodes are up.
    fn scene(nodes: usize) -> Scene {
        let mut scene = Scene {
            held: Reservations::default(),
            peers: (0..nodes).map(|_| PeerId::random()).collect(),
            now: clock::now(),
        };
        scene.peers.sort();
        for peer in &scene.peers {
            let address = "/ip4/198.51.100.7/tcp/18000".parse().unwrap();
            scene.held.came(*peer, address, scene.now);
        }
        scene
    }

    impl Scene {
        /// Asks whoever is due; tells whom.
        fn ask(&mut self) -> Vec<(PeerId, ListenerId)> {
            let due = self.held.due(self.now);
            let ask = |(peer, _): (PeerId, Multiaddr)| {
                let listener = ListenerId::next();
                self.held.asked(&peer, listener, self.now);
                (peer, listener)
            };
            due.into_iter().map(ask).collect()
        }

        fn pass(&mut self, time: Duration) {
            self.now += time;
        }
    }

    #[test]
    fn two_of_many_are_asked_and_no_third_when_they_accept() {
        let mut scene = scene(4);
        let asked = scene.ask();
        assert_eq!(asked.len(), WANTED);
        assert!(scene.ask().is_empty(), "the questions are open");
        for (peer, _) in &asked {
            scene.held.accepted(peer);
        }
        scene.pass(Duration::from_secs(3600));
        assert!(scene.ask().is_empty());
        assert_eq!(scene.held.held().count(), 2);
    }

    #[test]
    fn who_refuses_is_replaced_at_once_and_asked_again_ever_later() {
        let mut scene = scene(3);
        let (first, listener) = scene.ask()[0];
        assert!(scene.held.closed(listener, scene.now));
        let (third, _) = scene.ask()[0];
        assert_ne!(third, first);
        let mut scene = super::tests::scene(1);
        let mut pauses = Vec::new();
        for _ in 0..8 {
            let (_, listener) = scene.ask()[0];
            scene.held.closed(listener, scene.now);
            let begun = scene.now;
            while scene.held.due(scene.now).is_empty() {
                scene.pass(Duration::from_millis(500));
            }
            pauses.push((scene.now - begun).as_secs());
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60]);
    }

    #[test]
    fn what_was_held_and_is_lost_is_asked_for_at_once() {
        let mut scene = scene(1);
        let (peer, listener) = scene.ask()[0];
        scene.held.accepted(&peer);
        assert!(scene.held.closed(listener, scene.now));
        assert_eq!(scene.held.held().count(), 0);
        assert_eq!(scene.ask().len(), 1);
    }

    #[test]
    fn a_mute_relay_does_not_keep_another_one_from_being_asked() {
        let mut scene = scene(3);
        let asked = scene.ask();
        scene.held.accepted(&asked[0].0);
        scene.pass(PATIENCE);
        assert_eq!(scene.ask().len(), 1);
    }

    #[test]
    fn a_node_that_is_gone_holds_nothing_and_its_listener_is_nobodys() {
        let mut scene = scene(2);
        let asked = scene.ask();
        let (peer, listener) = asked[0];
        scene.held.accepted(&peer);
        scene.held.went(&peer);
        assert_eq!(scene.held.held().count(), 0);
        assert!(!scene.held.closed(listener, scene.now));
        assert!(!scene.held.closed(ListenerId::next(), scene.now));
    }
}
