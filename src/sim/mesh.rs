//! Who hands gossip on to whom, as gossipsub does it (`behaviour/mesh.rs` has its numbers).
//!
//! Left out of the model: a mesh for each topic (there is one for all; nothing goes by another topic's mesh), the wait
//! before a peer that declined is asked again, the preference for peers that we dialled, and what peers sent while a
//! message was being judged, which here takes no time. What is left out makes the model say more rather than less.
//!
//! Next: `speech.rs`, what is said.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;
use std::time::Duration;

use rand::RngExt as _;
use rand::seq::IteratorRandom as _;

use super::speech::{ENVELOPE_BYTES, Told};
use super::world::{Event, World};
use crate::behaviour::mesh::{
    self, FIRST_HEARTBEAT, HEARTBEAT, HISTORY, HISTORY_TOLD, KNOWN, LARGE_BYTES, MAX_TOLD_IDS, Mesh,
};
use crate::chain::hash::Hash;

/// Bytes of a message id among others.
const ID_BYTES: usize = 22;

/// What a node knows of gossip.
#[derive(Default)]
pub(super) struct Gossip {
    /// Who gets everything.
    explicit: BTreeSet<usize>,
    /// Who gets everything that others are not known to have.
    mesh: BTreeSet<usize>,
    /// When it first heard each message that it knows again.
    known: BTreeMap<Hash, Duration>,
    /// The same in the order of time.
    order: VecDeque<(Duration, Hash)>,
    /// What was said or found good, by heartbeats, the newest first.
    history: VecDeque<Vec<Rc<Told>>>,
}

/// What nodes say to each other about gossip.
pub(super) enum Control {
    /// The other takes us into its mesh.
    Graft,
    /// The other leaves our mesh, or does not come into it.
    Prune,
    /// What the other has.
    Have(Rc<Vec<Rc<Told>>>),
    /// What the other would like to have of that.
    Want(Vec<Rc<Told>>),
}

impl Gossip {
    /// Takes note of a message; tells whether it is new.
    pub(super) fn learn(&mut self, id: Hash, now: Duration) -> bool {
        while let Some((_, old)) = self.order.front().filter(|(at, _)| now - *at >= KNOWN) {
            self.known.remove(old);
            self.order.pop_front();
        }
        if self.known.contains_key(&id) {
            return false;
        }
        self.known.insert(id, now);
        self.order.push_back((now, id));
        true
    }

    /// Keeps what may be told and asked for.
    pub(super) fn keep(&mut self, told: &Rc<Told>) {
        if self.history.is_empty() {
            self.history.push_front(Vec::new());
        }
        self.history[0].push(told.clone());
    }

    /// Everybody to whom a message that was heard is handed on.
    pub(super) fn ways(&self) -> impl Iterator<Item = usize> {
        self.explicit.iter().chain(&self.mesh).copied()
    }

    /// A peer is gone.
    pub(super) fn lose(&mut self, peer: usize) {
        self.explicit.remove(&peer);
        self.mesh.remove(&peer);
    }
}

impl World {
    fn numbers(&self) -> Mesh {
        Mesh::of(self.genesis.validators.as_slice().len())
    }

    fn gossip(&mut self, node: usize) -> Option<&mut Gossip> {
        self.nodes[node].live.as_mut().map(|live| &mut live.gossip)
    }

    /// A node that starts looks after its mesh from now on.
    pub(super) fn begin_gossip(&mut self, node: usize) {
        // Nodes do not start at the same moment, though the world lets them.
        let late = self.random.random_range(0..HEARTBEAT.as_micros() as u64);
        let first = FIRST_HEARTBEAT + Duration::from_micros(late);
        self.after(first, node, Event::Heartbeat);
    }

    /// A node has a new peer.
    pub(super) fn welcome(&mut self, node: usize, peer: usize) {
        let validators = &self.genesis.validators;
        let votes = |one: usize| validators.contains(&self.nodes[one].key.address());
        let is_explicit =
            mesh::are_explicit(validators.as_slice().len()) && votes(node) && votes(peer);
        let low = self.numbers().low;
        let Some(gossip) = self.gossip(node) else {
            return;
        };
        gossip.lose(peer);
        if is_explicit {
            gossip.explicit.insert(peer);
        } else if gossip.mesh.len() < low {
            self.graft(node, peer);
        }
    }

    fn graft(&mut self, node: usize, peer: usize) {
        if let Some(gossip) = self.gossip(node)
            && gossip.mesh.insert(peer)
        {
            self.control(node, peer, Control::Graft);
        }
    }

    fn prune(&mut self, node: usize, peer: usize) {
        if let Some(gossip) = self.gossip(node) {
            gossip.mesh.remove(&peer);
            self.control(node, peer, Control::Prune);
        }
    }

    /// Says something about gossip. It goes on a stream, which loses nothing while the connection stands.
    fn control(&mut self, from: usize, to: usize, control: Control) {
        let ids = match &control {
            Control::Graft | Control::Prune => 0,
            Control::Have(told) => told.len(),
            Control::Want(told) => told.len(),
        };
        let size = ENVELOPE_BYTES + ids * ID_BYTES;
        self.tally.sent("gossip control", size);
        if let Some(way) = self.way(from, to, size, 0) {
            self.after(way, to, Event::Control(from, control));
        }
    }

    /// Something about gossip arrives.
    pub(super) fn controlled(&mut self, node: usize, from: usize, control: Control) {
        if !self.hears(node, from) {
            return;
        }
        let high = self.numbers().high;
        let Some(gossip) = self.gossip(node) else {
            return;
        };
        match control {
            Control::Graft => {
                let is_full = gossip.mesh.len() >= high && !gossip.mesh.contains(&from);
                if is_full || gossip.explicit.contains(&from) {
                    self.control(node, from, Control::Prune);
                } else {
                    gossip.mesh.insert(from);
                }
            }
            Control::Prune => {
                gossip.mesh.remove(&from);
            }
            Control::Have(told) => {
                let is_unknown = |one: &&Rc<Told>| !gossip.known.contains_key(&one.id);
                let wanted: Vec<_> = told.iter().filter(is_unknown).cloned().collect();
                if !wanted.is_empty() {
                    self.control(node, from, Control::Want(wanted));
                }
            }
            Control::Want(told) => {
                for one in told {
                    self.tell(node, from, &one);
                }
            }
        }
    }

    /// A node looks after its mesh, and tells others what it has heard.
    pub(super) fn heartbeat(&mut self, node: usize) {
        self.after(HEARTBEAT, node, Event::Heartbeat);
        let numbers = self.numbers();
        let Some(live) = self.nodes[node].live.as_ref() else {
            return;
        };
        let gossip = &live.gossip;
        let beyond = live.peers.difference(&gossip.explicit).copied();
        let beyond = beyond.filter(|peer| !gossip.mesh.contains(peer));
        let beyond: Vec<usize> = beyond.collect();
        let (size, mesh) = (gossip.mesh.len(), gossip.mesh.clone());
        let mut taken = Vec::new();
        if size < numbers.low && !beyond.is_empty() {
            taken = self.some_of(&beyond, numbers.wanted - size);
            for peer in &taken {
                self.graft(node, *peer);
            }
        } else if size > numbers.high {
            let mesh: Vec<usize> = mesh.into_iter().collect();
            for peer in self.some_of(&mesh, size - numbers.wanted) {
                self.prune(node, peer);
            }
        }
        let beyond: Vec<usize> = beyond
            .into_iter()
            .filter(|peer| !taken.contains(peer))
            .collect();
        if !beyond.is_empty() {
            self.tell_what_was_heard(node, &beyond, numbers);
        }
        if let Some(gossip) = self.gossip(node) {
            gossip.history.push_front(Vec::new());
            gossip.history.truncate(HISTORY);
        }
    }

    fn tell_what_was_heard(&mut self, node: usize, beyond: &[usize], numbers: Mesh) {
        let Some(gossip) = self.gossip(node) else {
            return;
        };
        let mut by_topic: BTreeMap<u8, Vec<Rc<Told>>> = BTreeMap::new();
        for told in gossip.history.iter().take(HISTORY_TOLD).flatten() {
            let topic = by_topic.entry(told.topic as u8).or_default();
            topic.push(told.clone());
        }
        let share = beyond.len() * numbers.told_percent as usize / 100;
        let count = share.max(numbers.told);
        for told in by_topic.into_values() {
            for peer in self.some_of(beyond, count) {
                let some: Vec<_> = match told.len() > MAX_TOLD_IDS {
                    true => told.iter().sample(&mut self.random, MAX_TOLD_IDS),
                    false => told.iter().collect(),
                };
                let some = some.into_iter().cloned().collect();
                self.control(node, peer, Control::Have(Rc::new(some)));
            }
        }
    }

    fn some_of(&mut self, peers: &[usize], count: usize) -> Vec<usize> {
        peers.iter().copied().sample(&mut self.random, count)
    }

    /// A node that hears a large message says so to its mesh.
    pub(super) fn say_that_it_has(&mut self, node: usize, from: usize, told: &Told) {
        if told.data.len() <= LARGE_BYTES {
            return;
        }
        let Some(gossip) = self.gossip(node) else {
            return;
        };
        let mesh = gossip.mesh.iter().filter(|peer| **peer != from).count();
        for _ in 0..mesh {
            self.tally.sent("gossip control", ENVELOPE_BYTES + ID_BYTES);
        }
    }

    /// Whether `other` has a large message already, and its word of that has come here. It is said along the mesh
    /// only, so that explicit peers get everything.
    pub(super) fn has_declined(&self, node: usize, other: usize, told: &Told) -> bool {
        if told.data.len() <= LARGE_BYTES {
            return false;
        }
        let Some(live) = self.nodes[other].live.as_ref() else {
            return false;
        };
        let heard_at = live.gossip.known.get(&told.id);
        let word = self.net.word(other, node);
        live.gossip.mesh.contains(&node) && heard_at.is_some_and(|at| *at + word <= self.now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::{Listener, Manners, cast};

    /// So many validators and followers that have found their mesh.
    fn settled(validators: u32, followers: u32) -> World {
        let cast = cast(validators, followers, 0).unwrap();
        let ms = Duration::from_millis;
        let mut world = World::new(cast, Manners::good(ms(1), ms(20)), 1, None::<Listener>);
        for node in 0..world.nodes.len() {
            world.must_start(node);
        }
        world.advance(Duration::from_secs(5), |_| false).unwrap();
        world
    }

    fn gossip_of(world: &World, node: usize) -> &Gossip {
        &world.nodes[node].live.as_ref().unwrap().gossip
    }

    #[test]
    fn few_validators_are_explicit_peers_and_followers_are_in_the_mesh() {
        let world = settled(4, 1);
        for node in 0..4 {
            assert_eq!(gossip_of(&world, node).explicit.len(), 3);
            assert_eq!(gossip_of(&world, node).mesh, BTreeSet::from([4]));
        }
        assert!(gossip_of(&world, 4).explicit.is_empty());
        assert_eq!(gossip_of(&world, 4).mesh, BTreeSet::from([0, 1, 2, 3]));
    }

    #[test]
    fn many_validators_keep_a_mesh_that_both_sides_know() {
        let world = settled(31, 0);
        let numbers = Mesh::of(31);
        for node in 0..31 {
            let gossip = gossip_of(&world, node);
            assert!(gossip.explicit.is_empty());
            let size = gossip.mesh.len();
            assert!(
                (numbers.low..=numbers.high).contains(&size),
                "{node}: {size}"
            );
            for peer in &gossip.mesh {
                assert!(gossip_of(&world, *peer).mesh.contains(&node));
            }
        }
    }

    #[test]
    fn a_message_is_known_for_a_minute_from_when_it_was_first_heard() {
        let mut gossip = Gossip::default();
        let (id, second) = (Hash::of("test", &[b"x"]), Duration::from_secs(1));
        assert!(gossip.learn(id, second));
        assert!(!gossip.learn(id, 60 * second));
        assert!(gossip.learn(id, 61 * second));
    }
}
