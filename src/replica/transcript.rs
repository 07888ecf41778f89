//! What was said at the height under way, kept for peers that missed it; and proposals that came early.
//!
//! Gossip may lose messages, so validators ask each other for what they miss (law 5). It must stay
//! within its bounds whatever a faulty validator says.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::wire::{MAX_SAID, Said};
use crate::chain::block::Block;
use crate::chain::certificate::VoteKind;
use crate::chain::codec::Encode;
use crate::chain::key::Address;
use crate::consensus::message::Vote;
use crate::consensus::{Message, Proposal};

/// Votes kept of a height.
const MAX_VOTES: usize = 2048;
/// Proposals kept of a height.
const MAX_PROPOSALS: usize = 8;
/// Proposals of the next height kept until this one is over.
const MAX_EARLY: usize = 8;

/// The messages of a height.
#[derive(Default)]
pub struct Transcript {
    votes: BTreeMap<(u32, u8, Address), Vote>,
    certificates: BTreeMap<(u32, u8), Message>,
    proposals: BTreeMap<u32, (Proposal, Arc<Block>)>,
    early: Vec<(Proposal, Arc<Block>)>,
}

impl Transcript {
    /// Notes a message of this height.
    pub fn note(&mut self, message: &Message) {
        match message {
            Message::Vote(vote) if self.votes.len() < MAX_VOTES => {
                let kind = u8::from(vote.kind == VoteKind::Precommit);
                self.votes
                    .entry((vote.round, kind, vote.voter))
                    .or_insert_with(|| vote.clone());
            }
            Message::Polka(_) | Message::Round(_) if self.certificates.len() < MAX_VOTES => {
                let kind = u8::from(matches!(message, Message::Round(_)));
                self.certificates
                    .insert((message.round(), kind), message.clone());
            }
            _ => {}
        }
    }

    /// Notes a proposal of this height; of each round the first, of all rounds the latest.
    pub fn note_proposal(&mut self, proposal: &Proposal, block: &Arc<Block>) {
        self.proposals
            .entry(proposal.round)
            .or_insert_with(|| (proposal.clone(), block.clone()));
        if self.proposals.len() > MAX_PROPOSALS {
            self.proposals.pop_first();
        }
    }

    /// Keeps a proposal of the next height.
    pub fn keep_early(&mut self, proposal: Proposal, block: Arc<Block>) {
        let is_known = |(known, _): &(Proposal, Arc<Block>)| *known == proposal;
        if self.early.len() < MAX_EARLY && !self.early.iter().any(is_known) {
            self.early.push((proposal, block));
        }
    }

    /// Whether a proposal of the next height has come.
    pub fn has_early(&self) -> bool {
        !self.early.is_empty()
    }

    /// Takes the early proposals out.
    pub fn take_early(&mut self) -> Vec<(Proposal, Arc<Block>)> {
        std::mem::take(&mut self.early)
    }

    /// Forgets this height; early proposals of the next one stay.
    pub fn turn_page(&mut self) {
        self.votes.clear();
        self.certificates.clear();
        self.proposals.clear();
    }

    /// What was said from a round on, the newest proposals first, within a number of bytes and what a
    /// reader takes.
    pub fn since(&self, round: u32, limit_bytes: usize) -> Vec<Said> {
        let proposals = self
            .proposals
            .range(round.saturating_sub(1)..)
            .rev()
            .map(|(_, (proposal, block))| Said::Proposal(proposal.clone(), block.clone()));
        let certificates = self
            .certificates
            .range((round.saturating_sub(1), 0)..)
            .map(|(_, message)| Said::Message(message.clone()));
        let votes = self
            .votes
            .iter()
            .filter(|((of, _, _), _)| *of >= round.saturating_sub(1))
            .map(|(_, vote)| Said::Message(Message::Vote(vote.clone())));
        let mut left = limit_bytes;
        let mut said = Vec::new();
        for one in votes.chain(certificates).chain(proposals) {
            let size = one.to_bytes().len();
            if size <= left && said.len() < MAX_SAID {
                left -= size;
                said.push(one);
            }
        }
        said
    }
}
