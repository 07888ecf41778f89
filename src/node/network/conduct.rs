//! Conduct: what a stranger may cost, and what becomes of one that goes on beyond it.
//!
//! Every peer that keeps to this program's own limits stays within its buckets, since both sides meter. Beyond them
//! requests are declined and gossip is ignored, which costs a stranger some of its patience; what no honest peer hands
//! on costs more of it. Without any left the peer is sent away for a minute. The verified list is never sent away.
//!
//! Never: judge a message; that is the application's. Next: `peers.rs` for the buckets, `serve.rs`, which asks.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Instant,
};

use libp2p::PeerId;

use super::{config::NetworkConfig, metrics::Count, task::Task};
use crate::{
    behaviour::{
        gossip::BREACHER,
        limits::{
            AWAY, AWAY_PEERS, BAD_MESSAGE, Bucket, GOSSIP_KIB_OF_ALL, GOSSIP_OF_ALL,
            GOSSIPING_STRANGERS,
        },
    },
    node::clock,
};

/// What is known of strangers' conduct.
#[derive(Debug)]
pub(super) struct Conduct {
    /// Validators and the bootstrap list.
    trusted: BTreeSet<PeerId>,
    /// Who was sent away, until when.
    away: BTreeMap<PeerId, Instant>,
    /// Strangers that have subscribed to a topic.
    gossiping: BTreeSet<PeerId>,
    messages: Bucket,
    kib: Bucket,
}

impl Conduct {
    pub(super) fn new(config: &NetworkConfig, now: Instant) -> Self {
        let listed = config.bootstrap.iter().map(|(peer, _)| *peer);
        Self {
            trusted: listed.chain(config.validators.iter().copied()).collect(),
            away: BTreeMap::new(),
            gossiping: BTreeSet::new(),
            messages: Bucket::new(GOSSIP_OF_ALL, now),
            kib: Bucket::new(GOSSIP_KIB_OF_ALL, now),
        }
    }

    pub(super) fn is_trusted(&self, peer: &PeerId) -> bool {
        self.trusted.contains(peer)
    }

    /// Whether all strangers together may say so much more.
    fn admits(&mut self, size_bytes: usize, now: Instant) -> bool {
        self.messages.take(now) && self.kib.take_many(kib(size_bytes), now)
    }

    pub(super) fn forget(&mut self, peer: &PeerId) {
        self.gossiping.remove(peer);
    }
}

/// What a message weighs, in KiB.
pub(super) fn kib(size_bytes: usize) -> u32 {
    u32::try_from(size_bytes.div_ceil(1024)).unwrap_or(u32::MAX)
}

impl Task {
    /// Whether a message of this size from this peer is looked at.
    pub(super) fn admits_gossip(&mut self, peer: &PeerId, size_bytes: usize) -> bool {
        if self.conduct.is_trusted(peer) {
            return true;
        }
        let now = clock::now();
        // Who is not in the table is gone already.
        let Some(entry) = self.peers.get_mut(peer) else {
            return false;
        };
        if entry.meters.gossip(size_bytes, now) {
            return self.conduct.admits(size_bytes, now);
        }
        self.offended(peer, 1);
        false
    }

    /// A peer has handed on what no honest peer does.
    pub(super) fn handed_on_bad(&mut self, peer: &PeerId) {
        self.offended(peer, BAD_MESSAGE);
    }

    /// A peer went beyond what it may, by so much.
    pub(super) fn offended(&mut self, peer: &PeerId, cost: u32) {
        if self.conduct.is_trusted(peer) {
            return;
        }
        let now = clock::now();
        let Some(entry) = self.peers.get_mut(peer) else {
            return;
        };
        if !entry.meters.patience(cost, now) {
            tracing::info!(%peer, "a stranger went on beyond its limits: sent away for {AWAY:?}");
            self.send_away(*peer, now);
        }
    }

    fn send_away(&mut self, peer: PeerId, now: Instant) {
        // What it said before its connections are closed still comes in.
        if self.conduct.away.contains_key(&peer) {
            return;
        }
        self.metrics.count(Count::peers_sent_away);
        if self.conduct.away.len() >= AWAY_PEERS {
            // Identities cost nothing, so nothing is lost with the one that has been away for longest.
            let first = self.conduct.away.iter().min_by_key(|(_, until)| **until);
            if let Some((first, _)) = first.map(|(peer, until)| (*peer, *until)) {
                self.conduct.away.remove(&first);
                self.swarm.behaviour_mut().blocked.unblock_peer(first);
            }
        }
        self.conduct.away.insert(peer, now + AWAY);
        // Closes its connections, too.
        self.swarm.behaviour_mut().blocked.block_peer(peer);
    }

    /// Sends those away that break the mesh's rules on and on.
    pub(super) fn watch_gossipers(&mut self, now: Instant) {
        let Some(gossip) = self.swarm.behaviour().gossip.as_ref() else {
            return;
        };
        let breaks = |peer: &&PeerId| {
            gossip
                .peer_score(peer)
                .is_some_and(|score| score <= BREACHER)
        };
        let breachers: Vec<PeerId> = self
            .conduct
            .gossiping
            .iter()
            .filter(breaks)
            .copied()
            .collect();
        for peer in breachers {
            tracing::info!(%peer, "a stranger breaks the rules of gossip on and on: sent away for {AWAY:?}");
            self.send_away(peer, now);
        }
    }

    /// Lets those back in whose time is over.
    pub(super) fn let_back_in(&mut self, now: Instant) {
        let over: Vec<PeerId> = self
            .conduct
            .away
            .iter()
            .filter(|(_, until)| **until <= now)
            .map(|(peer, _)| *peer)
            .collect();
        for peer in over {
            self.conduct.away.remove(&peer);
            self.swarm.behaviour_mut().blocked.unblock_peer(peer);
        }
    }

    /// A peer will be sent all that we say; of strangers only so many are.
    pub(super) fn on_subscribed(&mut self, peer: PeerId) {
        // Who comes and goes between topics makes work each time; who stays has done so a few times.
        self.offended(&peer, 1);
        if self.conduct.is_trusted(&peer) || self.conduct.gossiping.contains(&peer) {
            return;
        }
        if self.conduct.gossiping.len() >= GOSSIPING_STRANGERS {
            let Some(entry) = self.peers.get_mut(&peer) else {
                return;
            };
            // Its other topics come in the same breath.
            if entry.care.close_at.replace(clock::now()).is_some() {
                return;
            }
            tracing::info!(
                %peer,
                "{GOSSIPING_STRANGERS} strangers gossip: no more are taken; a node that stays belongs into the bootstrap file"
            );
            self.metrics.count(Count::gossipers_refused);
            let _ = self.swarm.disconnect_peer_id(peer);
            return;
        }
        self.conduct.gossiping.insert(peer);
    }
}
