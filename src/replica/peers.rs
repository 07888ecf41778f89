//! Who is there: which validators are up, and how far everybody's chain goes (by their own word).

use std::collections::BTreeMap;

use super::Replica;
use super::effect::{Effect, Note, Peer};
use super::timers::TimerKey;
use crate::behaviour::Role;

/// What is known of a peer that is up.
#[derive(Debug, Clone, Copy)]
struct Known {
    role: Role,
    height: u64,
}

/// The peers that are up. Their number is bounded by the limits on connections.
#[derive(Debug, Default)]
pub struct Peers {
    up: BTreeMap<Peer, Known>,
    was_paused: Option<bool>,
}

impl Peers {
    /// Whether a peer is up.
    pub fn is_up(&self, peer: &Peer) -> bool {
        self.up.contains_key(peer)
    }

    /// The greatest height told by a node (wallets have no chain).
    pub fn best_height(&self) -> u64 {
        self.nodes().map(|(_, height)| height).max().unwrap_or(0)
    }

    /// The nodes that are up, and how far their chains go.
    pub fn nodes(&self) -> impl Iterator<Item = (Peer, u64)> + '_ {
        self.up
            .iter()
            .filter(|(_, known)| known.role != Role::Wallet)
            .map(|(peer, known)| (*peer, known.height))
    }

    /// Learns how far a peer's chain goes.
    pub fn note_height(&mut self, peer: &Peer, height: u64) {
        if let Some(known) = self.up.get_mut(peer) {
            known.height = known.height.max(height);
        }
    }

    /// A peer turned out not to have what it told.
    pub fn doubt_height(&mut self, peer: &Peer, height: u64) {
        if let Some(known) = self.up.get_mut(peer) {
            known.height = height;
        }
    }
}

impl Replica {
    pub(super) fn on_peer_up(&mut self, peer: Peer, role: Role, height: u64) {
        self.peers.up.insert(peer, Known { role, height });
        self.on_validators_changed();
        self.catch_up();
        // Whoever was away, we or they, has missed what was said; gossip does not say it again by itself.
        if role == Role::Validator {
            self.ask_missing(peer);
        }
        if role != Role::Wallet && !self.mempool.is_empty() {
            let soon = self.hands.now.elapsed + super::admit::RETELL_TO_NEWCOMER;
            self.timers.set(TimerKey::Retell, soon);
        }
    }

    pub(super) fn on_peer_height(&mut self, peer: Peer, height: u64) {
        self.peers.note_height(&peer, height);
        self.catch_up();
    }

    pub(super) fn on_peer_down(&mut self, peer: Peer) {
        self.peers.up.remove(&peer);
        self.catchup.forget(&peer);
        self.on_validators_changed();
        self.catch_up();
    }

    /// How many validators are up, ourselves included.
    pub(super) fn validators_up(&self) -> u32 {
        let up = self
            .books
            .ledger
            .validators()
            .as_slice()
            .iter()
            .filter(|validator| {
                validator.key == self.identity.key || self.peers.is_up(&validator.key)
            });
        u32::try_from(up.count()).unwrap_or(u32::MAX)
    }

    /// Tells the engine who is away, and people when that stops or resumes payments.
    pub(super) fn on_validators_changed(&mut self) {
        let validators = self.books.ledger.validators();
        let mut power = 0;
        let mut absent = Vec::new();
        for validator in validators.as_slice() {
            if validator.key == self.identity.key || self.peers.is_up(&validator.key) {
                power += validator.power;
            } else {
                absent.push(validator.address());
            }
        }
        let is_paused = !validators.is_quorum(power);
        let of = u32::try_from(validators.count()).unwrap_or(u32::MAX);
        let needed = u32::try_from(validators.quorum_count()).unwrap_or(u32::MAX);
        let up = self.validators_up();
        self.engine.set_absent(absent);
        let was_paused = self.peers.was_paused.replace(is_paused);
        match (was_paused, is_paused) {
            (Some(false), true) => self
                .hands
                .emit(Effect::Note(Note::Paused { up, of, needed })),
            (Some(true), false) => self.hands.emit(Effect::Note(Note::Resumed { up, of })),
            _ => {}
        }
    }
}
