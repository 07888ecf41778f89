//! Two faces: what a traitor says to all, and differently to each.
//!
//! Next: `mischief.rs`.

use std::sync::Arc;
use std::time::Duration;

use rand::RngExt as _;

use super::{Habit, Mischief};
use crate::behaviour::Topic;
use crate::chain::block::Block;
use crate::chain::certificate::{VoteKind, vote_sign_bytes};
use crate::chain::hash::Hash;
use crate::chain::ledger::{BlockContext, Tip};
use crate::consensus::message::{Vote, proposal_sign_bytes};
use crate::consensus::{Message, Proposal};
use crate::replica::wire::{Said, from_gossip, gossip};
use crate::sim::speech::Told;
use crate::sim::world::{Due, World};

/// Of so many messages with two faces, one goes to all with both.
const BOTH: u32 = 6;

/// What is said to some, and what to the others.
pub(super) struct Faces {
    pub(super) height: u64,
    pub(super) what: &'static str,
    pub(super) said: [Vec<u8>; 2],
}

impl World {
    /// A traitor's node has something to say to all: says it, or something else.
    pub(in crate::sim) fn misspeak(&mut self, node: usize, topic: Topic, data: Vec<u8>) {
        let own = self.nodes[node].key.address();
        let said = match topic {
            Topic::Transactions | Topic::Directory => None,
            Topic::Proposals | Topic::Votes => from_gossip::<Said>(&data).ok(),
        };
        let faces = match &said {
            Some(Said::Proposal(proposal, block)) if proposal.proposer == own => {
                self.plot.blocks.insert(proposal.height, proposal.block);
                self.plot.forget_before(proposal.height);
                let unlawful = self.unlawful_proposal(node, proposal, block);
                unlawful.or_else(|| self.two_proposals(node, &data, proposal, block))
            }
            Some(Said::Message(Message::Vote(vote))) if vote.voter == own => {
                self.forget_soon(node, vote);
                if self.has_habit(node, Habit::DoubleVote) {
                    // A node votes before it proposes; its traitor waits to see what there is to vote for.
                    let soon = self.between_ms(0, 8);
                    let vote = Mischief::Vote(Box::new(vote.clone()));
                    return self.clock.after(soon, Due::Mischief(node, vote));
                }
                None
            }
            _ => None,
        };
        match faces {
            Some(faces) => self.show(node, topic, faces),
            None => self.say(node, topic, data),
        }
    }

    /// Shows some peers one face, and the others another.
    fn show(&mut self, node: usize, topic: Topic, faces: Faces) {
        let Faces { height, what, said } = faces;
        let faces = said.map(|data| Told::new(topic, data));
        let now = self.now();
        if let Some(live) = self.nodes[node].live.as_mut() {
            for told in &faces {
                live.gossip.learn(told.id, now);
            }
        }
        let both = self.random.random_range(0..BOTH) == 0;
        self.bent(node, None, what);
        for peer in self.peers_of(node) {
            let face = self.face(peer, height);
            for (number, told) in faces.iter().enumerate() {
                if both || number == face {
                    self.tell(node, peer, told);
                }
            }
        }
    }

    /// Another proposal for the same turn.
    fn two_proposals(
        &mut self,
        node: usize,
        data: &[u8],
        proposal: &Proposal,
        block: &Block,
    ) -> Option<Faces> {
        if !self.has_habit(node, Habit::DoubleProposal) {
            return None;
        }
        let other = self.other_block(node, block)?;
        let id = other.id();
        let place = (proposal.height, proposal.round);
        self.plot.pairs.insert(place, [proposal.block, id]);
        let proposal = Proposal {
            block: id,
            pol_round: None,
            ..proposal.clone()
        };
        let signed = self.sign_proposal(node, proposal);
        let said = Said::Proposal(signed, Arc::new(other));
        Some(Faces {
            height: place.0,
            what: "double proposal",
            said: [data.to_vec(), gossip(0, &said)],
        })
    }

    /// A block that is as valid as this one: later, and with other transactions.
    fn other_block(&mut self, node: usize, block: &Block) -> Option<Block> {
        let later = self.random.random_range(0..3);
        let mut transactions = block.transactions.clone();
        transactions.retain(|_| self.random.random_range(0..2) == 0);
        let live = self.nodes[node].live.as_ref()?;
        let header = &block.header;
        if live.replica.height().checked_add(1) != Some(header.height) {
            return None;
        }
        let context = BlockContext {
            height: header.height,
            // An equal block is none other.
            time_ms: header.time_ms
                + later.max(u64::from(transactions.len() == block.transactions.len())),
            proposer: self.nodes[node].key.address(),
        };
        let ledger = live.replica.ledger();
        let selection = ledger.select(&context, transactions).ok()?;
        let tip = Tip {
            height: header.height - 1,
            block: header.parent,
            time_ms: 0,
        };
        Some(Block {
            header: ledger.header(&tip, &context, &selection),
            transactions: selection.transactions,
        })
    }

    /// Two votes for the same place.
    pub(super) fn vote_twice(&mut self, node: usize, vote: &Vote) {
        let proposed = self.plot.blocks.get(&vote.height).copied();
        let unknown = Hash(self.random.random());
        let pair = self.plot.pairs.get(&(vote.height, vote.round)).copied();
        let votes = match pair {
            // Whoever has heard of a block hears a vote for it.
            Some([first, second]) => [Some(first), Some(second)],
            None if self.random.random_range(0..4) == 0 => [vote.block, Some(unknown)],
            None if vote.block.is_some() => [vote.block, None],
            None => [None, Some(proposed.unwrap_or(unknown))],
        };
        let salt = self.random.random();
        let said = votes.map(|block| {
            let vote = vote.clone();
            let vote = self.sign_vote(node, Vote { block, ..vote });
            gossip(salt, &Said::Message(Message::Vote(vote)))
        });
        let faces = Faces {
            height: vote.height,
            what: "double vote",
            said,
        };
        self.show(node, Topic::Votes, faces);
    }

    /// Plans to forget a precommit that leaves now.
    fn forget_soon(&mut self, node: usize, vote: &Vote) {
        let is_bound = vote.kind == VoteKind::Precommit && vote.block.is_some();
        if is_bound && self.has_habit(node, Habit::Amnesia) && self.random.random_range(0..3) == 0 {
            let soon = Duration::from_millis(self.random.random_range(0..30));
            self.clock
                .after(soon, Due::Mischief(node, Mischief::Forget));
        }
    }

    /// A vote with this node's signature.
    pub(super) fn sign_vote(&self, node: usize, vote: Vote) -> Vote {
        let bytes = vote_sign_bytes(
            &self.judge.trust.genesis,
            vote.kind,
            vote.height,
            vote.round,
            &vote.voter,
            vote.block.as_ref(),
        );
        Vote {
            signature: self.nodes[node].key.sign(&bytes),
            ..vote
        }
    }

    /// A proposal with this node's signature.
    pub(super) fn sign_proposal(&self, node: usize, proposal: Proposal) -> Proposal {
        let bytes = proposal_sign_bytes(
            &self.judge.trust.genesis,
            proposal.height,
            proposal.round,
            proposal.pol_round,
            &proposal.proposer,
            &proposal.block,
        );
        Proposal {
            signature: self.nodes[node].key.sign(&bytes),
            ..proposal
        }
    }
}
