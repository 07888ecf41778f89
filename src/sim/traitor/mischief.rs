//! What a traitor does unasked: floods, forgeries, a node that forgets, a key that runs twice.
//!
//! Next: `faces.rs`.

use std::sync::Arc;

use rand::RngExt as _;

use super::{Habit, World};
use crate::behaviour::{Service, Topic};
use crate::chain::block::Block;
use crate::chain::certificate::VoteKind;
use crate::chain::codec::Encode;
use crate::chain::hash::Hash;
use crate::chain::key::Signature;
use crate::chain::ledger::{BlockContext, Tip};
use crate::consensus::message::{
    PolkaCertificate, PolkaSignature, RoundCertificate, RoundSignature, Vote,
};
use crate::consensus::{Message, Proposal};
use crate::replica::wire::{Batch, MAX_BATCH, Said, from_gossip, gossip};
use crate::sim::speech::Told;
use crate::sim::trace::Parties;
use crate::sim::world::Due;
use crate::store::{Disk as _, SimDisk, Store, Survival};

/// The services that the replica answers.
const OF_THE_REPLICA: [Service; 4] = [
    Service::Submit,
    Service::Query,
    Service::Blocks,
    Service::Agreement,
];

/// What a traitor plans.
#[derive(Debug)]
pub(in crate::sim) enum Mischief {
    /// What its habits are.
    Act,
    /// To start again without its memory.
    Forget,
    /// To vote for two things in place of this one.
    Vote(Box<Vote>),
}

impl World {
    /// The time for mischief has come.
    pub(in crate::sim) fn misbehave(&mut self, node: usize, mischief: Mischief) {
        match mischief {
            Mischief::Forget => self.forget(node),
            Mischief::Vote(vote) => self.vote_twice(node, &vote),
            Mischief::Act => {
                if self.nodes[node].live.is_some() {
                    self.flood(node);
                    self.forge(node);
                    self.part_twins(node);
                }
                let soon = self.between_ms(100, 400);
                self.clock.after(soon, Due::Mischief(node, Mischief::Act));
            }
        }
    }

    /// Says something to all peers that is not in the node's own mind.
    fn cry(&mut self, node: usize, topic: Topic, data: Vec<u8>) {
        let told = Told::new(topic, data);
        let now = self.now();
        if let Some(live) = self.nodes[node].live.as_mut() {
            live.gossip.learn(told.id, now);
        }
        for peer in self.peers_of(node) {
            self.tell(node, peer, &told);
        }
    }

    /// As [`World::cry`], what nobody may take for good.
    fn cry_falsely(&mut self, node: usize, topic: Topic, data: Vec<u8>) {
        let told = Told::new(topic, data);
        self.speech.is_forgery(&told);
        self.cry(node, topic, told.data.clone());
    }

    // ---- floods ----

    fn flood(&mut self, node: usize) {
        if !self.has_habit(node, Habit::Flood) {
            return;
        }
        self.bent(node, None, "flood");
        let count = match self.random.random_range(0..20) {
            0 => 60,
            _ => self.random.random_range(1..6),
        };
        for _ in 0..count {
            let vote = self.idle_vote(node);
            let said = Said::Message(Message::Vote(self.sign_vote(node, vote)));
            self.cry(node, Topic::Votes, gossip(0, &said));
        }
        if let Some(said) = self.idle_proposal(node) {
            self.cry(node, Topic::Proposals, gossip(0, &said));
        }
    }

    /// A height near or far.
    fn some_height(&mut self, node: usize) -> u64 {
        let next = self.nodes[node].height().saturating_add(1);
        match self.random.random_range(0..6) {
            0..=2 => next,
            3 | 4 => next + 1,
            _ => next + self.random.random_range(2..1_000_000),
        }
    }

    /// A round near or far.
    fn some_round(&mut self) -> u32 {
        match self.random.random_range(0..4) {
            0..=2 => self.random.random_range(0..12),
            _ => self.random.random_range(0..1 << 30),
        }
    }

    /// A vote that nobody needs.
    fn idle_vote(&mut self, node: usize) -> Vote {
        let height = self.some_height(node);
        let kinds = [VoteKind::Prevote, VoteKind::Precommit];
        let proposed = self.plot.blocks.get(&height).copied();
        let block = match self.random.random_range(0..3) {
            0 => None,
            1 => proposed,
            _ => Some(Hash(self.random.random())),
        };
        Vote {
            kind: kinds[self.random.random_range(0..2)],
            height,
            round: self.some_round(),
            block,
            voter: self.nodes[node].key.address(),
            signature: Signature([0; 64]),
        }
    }

    /// A proposal that nobody waits for: of a turn that is not near, or not its own.
    fn idle_proposal(&mut self, node: usize) -> Option<Said> {
        let (height, round) = (self.some_height(node), self.some_round());
        let live = self.nodes[node].live.as_ref()?;
        let ledger = live.replica.ledger();
        let proposer = self.nodes[node].key.address();
        let later = self.random.random_range(1..50);
        let context = BlockContext {
            height,
            time_ms: self.moment(node).unix_ms.saturating_add(later),
            proposer,
        };
        let selection = ledger.select(&context, Vec::new()).ok()?;
        let parent = self.judge.chain.get(&(height.saturating_sub(1)));
        let tip = Tip {
            height: height.saturating_sub(1),
            block: parent.map_or(Hash::ZERO, |(header, _)| header.id()),
            time_ms: 0,
        };
        let header = ledger.header(&tip, &context, &selection);
        let proposal = Proposal {
            height,
            round,
            block: header.id(),
            pol_round: None,
            proposer,
            signature: Signature([0; 64]),
        };
        let block = Block {
            header,
            transactions: selection.transactions,
        };
        let proposal = self.sign_proposal(node, proposal);
        Some(Said::Proposal(proposal, Arc::new(block)))
    }

    // ---- forgeries ----

    fn forge(&mut self, node: usize) {
        if !self.has_habit(node, Habit::Forgery) {
            return;
        }
        match self.random.random_range(0..6) {
            0 => self.forge_vote(node),
            1 => self.forge_certificate(node),
            2 => self.forge_payment(node),
            3 => self.ask_nonsense(node),
            _ => self.replay(node),
        }
    }

    /// A vote in another's name.
    fn forge_vote(&mut self, node: usize) {
        let mut vote = self.idle_vote(node);
        let victim = self.random.random_range(0..self.nodes.len());
        vote.voter = self.nodes[victim].key.address();
        let said = Said::Message(Message::Vote(self.sign_vote(node, vote)));
        self.bent(node, None, "forged vote");
        let data = gossip(0, &said);
        match self.nodes[victim].key.address() == self.nodes[node].key.address() {
            true => self.cry(node, Topic::Votes, data),
            false => self.cry_falsely(node, Topic::Votes, data),
        }
    }

    /// A certificate of its own signature, as often as it takes.
    fn forge_certificate(&mut self, node: usize) {
        let vote = self.idle_vote(node);
        let Vote { height, round, .. } = vote;
        let vote = self.sign_vote(node, vote);
        let count = self.judge.trust.validators.quorum_count();
        let message = match vote.block {
            Some(block) => Message::Polka(PolkaCertificate {
                height,
                round,
                block,
                signatures: vec![
                    PolkaSignature {
                        voter: vote.voter,
                        signature: vote.signature,
                    };
                    count
                ],
            }),
            None => Message::Round(RoundCertificate {
                height,
                round,
                is_precommit: vote.kind == VoteKind::Precommit,
                signatures: vec![
                    RoundSignature {
                        kind: vote.kind,
                        block: None,
                        voter: vote.voter,
                        signature: vote.signature,
                    };
                    count
                ],
            }),
        };
        self.bent(node, None, "forged certificate");
        let data = gossip(0, &Said::Message(message));
        match count > 1 {
            true => self.cry_falsely(node, Topic::Votes, data),
            false => self.cry(node, Topic::Votes, data),
        }
    }

    /// A batch in which some payments are not as their owners signed them.
    fn forge_payment(&mut self, node: usize) {
        let mut batch = Vec::new();
        for _ in 0..self.random.random_range(1..4) {
            let told = self.recall(node, |told| told.topic == Topic::Transactions);
            let heard = told.and_then(|told| from_gossip::<Batch>(&told.data).ok());
            batch.extend(heard.into_iter().flat_map(|heard| heard.0));
        }
        batch.truncate(MAX_BATCH);
        if batch.is_empty() {
            return;
        }
        // The first at least.
        for (place, one) in batch.iter_mut().enumerate() {
            match self.random.random_range(0..3) {
                0 => one.signature.0[9] ^= 1,
                1 => one.transaction.nonce += 1,
                _ if place == 0 => one.signature.0[9] ^= 1,
                _ => {}
            }
        }
        self.bent(node, None, "forged payment");
        let salt = self.random.random();
        self.cry_falsely(node, Topic::Transactions, gossip(salt, &Batch(batch)));
    }

    /// A question that makes no sense.
    fn ask_nonsense(&mut self, node: usize) {
        let peers = self.peers_of(node);
        if peers.is_empty() {
            return;
        }
        let peer = peers[self.random.random_range(0..peers.len())];
        let service = OF_THE_REPLICA[self.random.random_range(0..OF_THE_REPLICA.len())];
        let length = self.random.random_range(0..40);
        let data = (0..length).map(|_| self.random.random()).collect();
        let key = self.nodes[node].key.public();
        self.bent(node, Some(peer), "nonsense asked");
        let call = self.call(node, peer, None, (key, service, data));
        self.end_call(call);
    }

    /// What was said long ago.
    fn replay(&mut self, node: usize) {
        let Some(told) = self.recall(node, |_| true) else {
            return;
        };
        let mut data = told.data.clone();
        // Other bytes, so that gossip does not know it again.
        let salt: u32 = self.random.random();
        if let Some(place) = data.first_chunk_mut::<4>() {
            place.copy_from_slice(&salt.to_bytes());
        }
        self.bent(node, None, "old message replayed");
        self.cry(node, told.topic, data);
    }

    fn recall(
        &mut self,
        node: usize,
        is_wanted: impl Fn(&Told) -> bool,
    ) -> Option<std::rc::Rc<Told>> {
        let traitor = self.nodes[node].traitor.as_ref()?;
        let heard = traitor.overheard.iter().filter(|told| is_wanted(told));
        let heard: Vec<_> = heard.cloned().collect();
        let count = heard.len();
        (count > 0).then(|| heard[self.random.random_range(0..count)].clone())
    }

    // ---- memory ----

    /// Starts again without the log of the height under way, and with a guard that knows of nothing.
    fn forget(&mut self, node: usize) {
        if self.nodes[node].live.is_none() {
            return;
        }
        let empty = SimDisk::new();
        if Store::open(Arc::new(empty.clone()), self.judge.trust.genesis.0).is_err() {
            return;
        }
        self.crash(node, Survival::Everything);
        let disk = self.nodes[node].disk.with_guard_of(&empty);
        let is_wiped = disk.remove("wal.log").and_then(|()| disk.sync_folder());
        if is_wiped.is_ok() {
            self.bent(node, None, "amnesia");
        }
        self.nodes[node].disk = disk;
        self.must_start(node);
    }

    // ---- twins ----

    /// Now and then the two nodes of one key hear and are heard by others.
    fn part_twins(&mut self, node: usize) {
        if !self.has_habit(node, Habit::Twins) || self.random.random_range(0..6) > 0 {
            return;
        }
        let key = self.nodes[node].key.public();
        let is_twin = |place: &usize| self.nodes[*place].key.public() == key;
        let twins: Vec<usize> = (0..self.nodes.len()).filter(is_twin).collect();
        let [one, other] = twins[..] else {
            return;
        };
        self.note("bent", Parties(one, Some(other)), b"twins", || {
            "TRAITORS: twins part".to_owned()
        });
        self.tally.fault("twins parted");
        for peer in 0..self.nodes.len() {
            if twins.contains(&peer) {
                continue;
            }
            self.mend(one, peer);
            self.mend(other, peer);
            match self.random.random_range(0..5) {
                0 | 1 => {
                    self.cut(one, peer, true);
                }
                2 | 3 => {
                    self.cut(other, peer, true);
                }
                _ => {}
            }
        }
    }
}
