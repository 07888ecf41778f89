//! What a traitor answers other nodes: lies about the chain, and about the height under way.
//!
//! Next: `window.rs`, the lies to wallets.

use rand::RngExt as _;

use super::{Habit, World};
use crate::behaviour::Service;
use crate::chain::certificate::{Certificate, CertificateSignature, VoteKind};
use crate::chain::codec::{Decode as _, Encode as _};
use crate::chain::key::Signature;
use crate::consensus::Message;
use crate::consensus::message::Vote;
use crate::replica::RequestId;
use crate::replica::wire::{BlocksReply, FinalBlock, MissingReply, Said};

/// What a traitor makes of its answer.
pub(super) enum Bent {
    /// Nothing: it is as it should be.
    Not,
    /// It never comes.
    Never,
    /// Another one.
    Into(Vec<u8>),
}

/// Whose signatures a false certificate has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Certifying {
    /// Too few.
    Two,
    /// One, as often as it takes.
    One,
    /// All traitors', as often as it takes; and of another block than the final one.
    Traitors,
}

impl Certifying {
    /// What traitors lie about: the whole chain (`None`), or its certificates only.
    pub(super) const ALL: [Option<Self>; 4] =
        [None, Some(Self::Two), Some(Self::One), Some(Self::Traitors)];
}

impl World {
    /// What a node really answers; `None`: nothing.
    pub(in crate::sim) fn answer_of(
        &mut self,
        node: usize,
        to: usize,
        (id, service): (RequestId, Service),
        data: Vec<u8>,
    ) -> Option<Vec<u8>> {
        let data = match &self.nodes[node].lie {
            Some(lie) => lie(service, data),
            None => data,
        };
        if self.nodes[node].traitor.is_none() {
            return Some(data);
        }
        if self.has_habit(node, Habit::Silence)
            || self.has_habit(node, Habit::Shunning) && self.shuns(node, to)
        {
            self.bent(node, Some(to), "no answer");
            return None;
        }
        let (what, bent) = match service {
            Service::Blocks => ("false answer about blocks", self.bend_blocks(node, &data)),
            Service::Agreement => ("false answer about votes", self.bend_missing(node, &data)),
            Service::Directory | Service::LookUp | Service::Pay => return Some(data),
            Service::Submit | Service::Query => (
                "false answer to a wallet",
                self.bend_window(node, id, service, &data),
            ),
        };
        match bent {
            Bent::Not => Some(data),
            Bent::Never => {
                self.bent(node, Some(to), "withheld answer");
                None
            }
            Bent::Into(data) => {
                self.bent(node, Some(to), what);
                Some(data.into_iter().take(service.caps().answer_bytes).collect())
            }
        }
    }

    /// The height that a node tells.
    pub(in crate::sim) fn told_height(&mut self, node: usize, height: u64) -> u64 {
        if !self.has_habit(node, Habit::FalseChain) || self.certifying(node).is_some() {
            return height;
        }
        self.bent(node, None, "false height");
        match self.random.random_range(0..4) {
            0 => 0,
            1 => u64::MAX,
            2 => height.saturating_add(self.random.random_range(1..5)),
            _ => height.saturating_add(self.random.random_range(1..1_000_000)),
        }
    }

    fn bend_blocks(&mut self, node: usize, data: &[u8]) -> Bent {
        let Ok(mut reply) = BlocksReply::from_bytes(data) else {
            return Bent::Not;
        };
        if self.has_habit(node, Habit::Withholding) {
            if self.random.random_range(0..2) == 0 {
                return Bent::Never;
            }
            reply.blocks.clear();
            return Bent::Into(reply.to_bytes());
        }
        if !self.has_habit(node, Habit::FalseChain) {
            return Bent::Not;
        }
        if let Some(certifying) = self.certifying(node) {
            self.certify_falsely(&mut reply, certifying);
            return Bent::Into(reply.to_bytes());
        }
        reply.tip = self.told_height(node, reply.tip);
        match self.random.random_range(0..14) {
            0 => return Bent::Into(vec![7; self.random.random_range(0..64)]),
            1 => return Bent::Never,
            2 => reply.blocks.clear(),
            3 => reply.blocks.reverse(),
            4 => reply.blocks.truncate(1),
            5 => each(&mut reply, |one| one.block.transactions.clear()),
            6 => each(&mut reply, |one| one.block.header.time_ms += 1),
            7 => self.certify_falsely(&mut reply, Certifying::Two),
            8 => self.certify_falsely(&mut reply, Certifying::One),
            9 => each(&mut reply, |one| {
                if let Some(part) = one.certificate.signatures.last_mut() {
                    part.signature.0[3] ^= 4;
                }
            }),
            10 => each(&mut reply, |one| {
                for one in &mut one.block.transactions {
                    one.signature.0[5] ^= 1;
                }
            }),
            11 => {
                if let [first, second, ..] = reply.blocks.as_mut_slice() {
                    std::mem::swap(&mut first.certificate, &mut second.certificate);
                }
            }
            12 => self.certify_falsely(&mut reply, Certifying::Traitors),
            _ => {}
        }
        Bent::Into(reply.to_bytes())
    }

    /// How a traitor always lies about certificates, if it lies about nothing else.
    fn certifying(&self, node: usize) -> Option<Certifying> {
        let traitor = self.nodes[node].traitor.as_ref();
        traitor.and_then(|traitor| traitor.certifying)
    }

    fn certify_falsely(&self, reply: &mut BlocksReply, certifying: Certifying) {
        let count = self.judge.trust.validators.quorum_count();
        match certifying {
            Certifying::Two => each(reply, |one| one.certificate.signatures.truncate(2)),
            Certifying::One => each(reply, |one| {
                let first = one.certificate.signatures.first().copied();
                one.certificate.signatures = first.into_iter().cycle().take(count).collect();
            }),
            Certifying::Traitors => self.certify_another(reply),
        }
    }

    /// Blocks with another time, and certificates of them by all traitors, as often as it takes.
    fn certify_another(&self, reply: &mut BlocksReply) {
        let validators = self.judge.trust.validators.clone();
        for one in &mut reply.blocks {
            one.block.header.time_ms += 1;
            let (height, block) = (one.certificate.height, one.block.header.id());
            let mut signatures = Vec::new();
            for node in (0..self.nodes.len()).filter(|node| self.nodes[*node].traitor.is_some()) {
                let voter = self.nodes[node].key.address();
                let Some(place) = validators.index_of(&voter) else {
                    continue;
                };
                let vote = self.sign_vote(
                    node,
                    Vote {
                        kind: VoteKind::Precommit,
                        height,
                        round: one.certificate.round,
                        block: Some(block),
                        voter,
                        signature: Signature([0; 64]),
                    },
                );
                signatures.push(CertificateSignature {
                    validator: u16::try_from(place).unwrap_or(u16::MAX),
                    signature: vote.signature,
                });
            }
            signatures.sort_by_key(|part| part.validator);
            let count = validators.quorum_count();
            one.certificate = Certificate {
                block,
                signatures: signatures.into_iter().cycle().take(count).collect(),
                ..one.certificate.clone()
            };
        }
    }

    fn bend_missing(&mut self, node: usize, data: &[u8]) -> Bent {
        let Ok(mut reply) = MissingReply::from_bytes(data) else {
            return Bent::Not;
        };
        if self.has_habit(node, Habit::Withholding) {
            if self.random.random_range(0..2) == 0 {
                return Bent::Never;
            }
            reply.said.clear();
            return Bent::Into(reply.to_bytes());
        }
        if !self.has_habit(node, Habit::FalseChain) || self.certifying(node).is_some() {
            return Bent::Not;
        }
        reply.tip = self.told_height(node, reply.tip);
        let own = self.nodes[node].key.address();
        match self.random.random_range(0..8) {
            0 => return Bent::Into(vec![7; self.random.random_range(0..64)]),
            1 => return Bent::Never,
            2 => reply.said.clear(),
            3 => {
                let is_own = |vote: &Vote| vote.voter == own;
                reply.said.retain(
                    |said| matches!(said, Said::Message(Message::Vote(vote)) if is_own(vote)),
                );
            }
            4 => each_vote(&mut reply, |vote| vote.round += 1),
            5 => each_vote(&mut reply, |vote| vote.block = None),
            6 => {
                let said = reply.said.clone();
                reply.said.extend(said);
            }
            _ => {}
        }
        Bent::Into(reply.to_bytes())
    }
}

fn each(reply: &mut BlocksReply, change: impl Fn(&mut FinalBlock)) {
    reply.blocks.iter_mut().for_each(change);
}

fn each_vote(reply: &mut MissingReply, change: impl Fn(&mut Vote)) {
    for said in &mut reply.said {
        if let Said::Message(Message::Vote(vote)) = said {
            change(vote);
        }
    }
}
