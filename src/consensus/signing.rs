//! Between the core's types and ours; and the checks of signatures that the core leaves to its host.

#![expect(
    clippy::result_large_err,
    reason = "the core's own error, which is answered at once and never kept"
)]

use std::collections::{BTreeSet, VecDeque};

use arc_malachitebft_core_consensus::{ConsensusMsg, Input, LivenessMsg};
use arc_malachitebft_core_types as core;
use core::{NilOrVal, Round, RoundCertificateType, SignedMessage, VoteType};

use super::context::{CoreProposal, CoreVote, Ctx, Height, Value, Voters};
use super::message::{
    Message, PolkaCertificate, PolkaSignature, Proposal, RoundCertificate, RoundSignature, Vote,
    proposal_sign_bytes,
};
use super::wal::{round_or_nil, signed};
use crate::chain::certificate::{Certificate, CertificateSignature, VoteKind, vote_sign_bytes};
use crate::chain::hash::Hash;
use crate::chain::key::{Address, PublicKey, Signature};

type SignedVote = SignedMessage<Ctx, CoreVote>;
type SignedProposal = SignedMessage<Ctx, CoreProposal>;

fn kind_of(kind: VoteType) -> VoteKind {
    match kind {
        VoteType::Prevote => VoteKind::Prevote,
        VoteType::Precommit => VoteKind::Precommit,
    }
}

fn core_kind(kind: VoteKind) -> VoteType {
    match kind {
        VoteKind::Prevote => VoteType::Prevote,
        VoteKind::Precommit => VoteType::Precommit,
    }
}

fn block_of(block: &NilOrVal<Hash>) -> Option<Hash> {
    match block {
        NilOrVal::Nil => None,
        NilOrVal::Val(hash) => Some(*hash),
    }
}

fn core_block(block: Option<Hash>) -> NilOrVal<Hash> {
    block.map_or(NilOrVal::Nil, NilOrVal::Val)
}

/// Our form of a core vote; `None` for the nil round, in which nobody votes.
pub fn from_core_vote(vote: &SignedVote) -> Option<Vote> {
    Some(Vote {
        kind: kind_of(vote.message.kind),
        height: vote.message.height.0,
        round: vote.message.round.as_u32()?,
        block: block_of(&vote.message.block),
        voter: vote.message.voter,
        signature: vote.signature,
    })
}

/// Our form of a core proposal; `None` for the nil round.
pub fn from_core_proposal(proposal: &SignedProposal) -> Option<Proposal> {
    Some(Proposal {
        height: proposal.message.height.0,
        round: proposal.message.round.as_u32()?,
        block: proposal.message.value.0,
        pol_round: proposal.message.pol_round.as_u32(),
        proposer: proposal.message.proposer,
        signature: proposal.signature,
    })
}

/// Our form of a core polka certificate; `None` for the nil round.
pub fn from_core_polka(certificate: &core::PolkaCertificate<Ctx>) -> Option<PolkaCertificate> {
    let signatures = certificate
        .polka_signatures
        .iter()
        .map(|part| PolkaSignature {
            voter: part.address,
            signature: part.signature,
        });
    Some(PolkaCertificate {
        height: certificate.height.0,
        round: certificate.round.as_u32()?,
        block: certificate.value_id,
        signatures: signatures.collect(),
    })
}

/// Our form of a core round certificate; `None` for the nil round.
pub fn from_core_round(certificate: &core::RoundCertificate<Ctx>) -> Option<RoundCertificate> {
    let signatures = certificate
        .round_signatures
        .iter()
        .map(|part| RoundSignature {
            kind: kind_of(part.vote_type),
            block: block_of(&part.value_id),
            voter: part.address,
            signature: part.signature,
        });
    Some(RoundCertificate {
        height: certificate.height.0,
        round: certificate.round.as_u32()?,
        is_precommit: certificate.cert_type == RoundCertificateType::Precommit,
        signatures: signatures.collect(),
    })
}

/// Our form of what the core says to keep a round alive.
pub fn from_core_liveness(message: &LivenessMsg<Ctx>) -> Option<Message> {
    match message {
        LivenessMsg::Vote(vote) => from_core_vote(vote).map(Message::Vote),
        LivenessMsg::PolkaCertificate(polka) => from_core_polka(polka).map(Message::Polka),
        LivenessMsg::SkipRoundCertificate(round) => from_core_round(round).map(Message::Round),
    }
}

/// Our form of a certificate of a decision, ordered by the validators' places.
pub fn from_core_commit(
    certificate: &core::CommitCertificate<Ctx>,
    voters: &Voters,
) -> Option<Certificate> {
    let mut signatures = Vec::with_capacity(certificate.commit_signatures.len());
    for part in &certificate.commit_signatures {
        signatures.push(CertificateSignature {
            validator: u16::try_from(voters.set().index_of(&part.address)?).ok()?,
            signature: part.signature,
        });
    }
    signatures.sort_by_key(|part| part.validator);
    Some(Certificate {
        height: certificate.height.0,
        round: certificate.round.as_u32()?,
        block: certificate.value_id,
        signatures,
    })
}

/// A message as the core's input.
pub fn to_core_input(message: Message) -> Input<Ctx> {
    match message {
        Message::Vote(vote) => Input::Vote(to_core_vote(&vote)),
        Message::Proposal(proposal) => Input::Proposal(signed(
            CoreProposal {
                height: Height(proposal.height),
                round: Round::new(proposal.round),
                value: Value(proposal.block),
                pol_round: round_or_nil(proposal.pol_round),
                proposer: proposal.proposer,
            },
            proposal.signature,
        )),
        Message::Polka(polka) => Input::PolkaCertificate(core::PolkaCertificate {
            height: Height(polka.height),
            round: Round::new(polka.round),
            value_id: polka.block,
            polka_signatures: polka
                .signatures
                .into_iter()
                .map(|part| core::PolkaSignature::new(part.voter, part.signature))
                .collect(),
        }),
        Message::Round(round) => Input::RoundCertificate(core::RoundCertificate {
            height: Height(round.height),
            round: Round::new(round.round),
            cert_type: match round.is_precommit {
                true => RoundCertificateType::Precommit,
                false => RoundCertificateType::Skip,
            },
            round_signatures: round
                .signatures
                .into_iter()
                .map(|part| {
                    core::RoundSignature::new(
                        core_kind(part.kind),
                        core_block(part.block),
                        part.voter,
                        part.signature,
                    )
                })
                .collect(),
        }),
    }
}

fn to_core_vote(vote: &Vote) -> SignedVote {
    signed(
        CoreVote::new(
            core_kind(vote.kind),
            Height(vote.height),
            Round::new(vote.round),
            core_block(vote.block),
            vote.voter,
        ),
        vote.signature,
    )
}

/// Checks signatures once and remembers the good ones.
///
/// A vote is met several times: when it arrives, in the core, in certificates. The memory is bounded;
/// the oldest leave first.
pub struct Verifier {
    genesis: Hash,
    known: BTreeSet<Hash>,
    order: VecDeque<Hash>,
}

/// Good signatures remembered: enough for four rounds of the largest validator set.
const REMEMBERED: usize = 2048;

impl Verifier {
    pub fn new(genesis: Hash) -> Self {
        Self {
            genesis,
            known: BTreeSet::new(),
            order: VecDeque::new(),
        }
    }

    /// The bytes that a core vote signs; `None` for the nil round.
    pub fn vote_bytes(&self, vote: &CoreVote) -> Option<Vec<u8>> {
        Some(vote_sign_bytes(
            &self.genesis,
            kind_of(vote.kind),
            vote.height.0,
            vote.round.as_u32()?,
            &vote.voter,
            block_of(&vote.block).as_ref(),
        ))
    }

    /// The bytes that a core proposal signs; `None` for the nil round.
    pub fn proposal_bytes(&self, proposal: &CoreProposal) -> Option<Vec<u8>> {
        Some(proposal_sign_bytes(
            &self.genesis,
            proposal.height.0,
            proposal.round.as_u32()?,
            proposal.pol_round.as_u32(),
            &proposal.proposer,
            &proposal.value.0,
        ))
    }

    /// Whether a signature is good.
    pub fn check(
        &mut self,
        key: &PublicKey,
        bytes: Option<Vec<u8>>,
        signature: &Signature,
    ) -> bool {
        let Some(bytes) = bytes else {
            return false;
        };
        let memo = Hash::of("natcoin/verified/1", &[&key.0, &signature.0, &bytes]);
        if self.known.contains(&memo) {
            return true;
        }
        let is_good = key.verify(&bytes, signature);
        if is_good {
            self.remember(memo);
        }
        is_good
    }

    fn remember(&mut self, memo: Hash) {
        if self.known.insert(memo) {
            self.order.push_back(memo);
        }
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
    }

    /// What the core asks when it meets a message.
    pub fn check_message(
        &mut self,
        message: &ConsensusMsg<Ctx>,
        key: &PublicKey,
        signature: &Signature,
    ) -> bool {
        let bytes = match message {
            ConsensusMsg::Vote(vote) => self.vote_bytes(vote),
            ConsensusMsg::Proposal(proposal) => self.proposal_bytes(proposal),
        };
        self.check(key, bytes, signature)
    }

    /// Whether a message's signers are validators and its signatures good (law 4: before the core sees it).
    pub fn authenticate(&mut self, message: &Message, voters: &Voters) -> bool {
        match to_core_input(message.clone()) {
            Input::Vote(vote) => voters.voter(&vote.message.voter).is_some_and(|voter| {
                let bytes = self.vote_bytes(&vote.message);
                self.check(&voter.key, bytes, &vote.signature)
            }),
            Input::Proposal(proposal) => {
                let round = proposal.message.round.as_u32().unwrap_or(0);
                let turn = voters.proposer(proposal.message.height.0, round);
                turn.address == proposal.message.proposer && {
                    let bytes = self.proposal_bytes(&proposal.message);
                    self.check(&turn.key, bytes, &proposal.signature)
                }
            }
            Input::PolkaCertificate(polka) => self.polka(&polka, voters).is_ok(),
            Input::RoundCertificate(round) => self.round(&round, voters).is_ok(),
            _ => false,
        }
    }

    /// A certificate of a decision: distinct validators, good precommits, more than two thirds.
    pub fn commit(
        &mut self,
        certificate: &core::CommitCertificate<Ctx>,
        voters: &Voters,
    ) -> Result<(), core::CertificateError<Ctx>> {
        let of = (VoteType::Precommit, certificate.height, certificate.round);
        let parts = certificate.commit_signatures.iter();
        let parts = parts.map(|part| (part.address, part.signature));
        let votes = votes_for(of, certificate.value_id, parts);
        self.votes(votes, voters, Threshold::Quorum, |address, signature| {
            core::CertificateError::InvalidCommitSignature(core::CommitSignature::new(
                address, signature,
            ))
        })
    }

    /// A polka certificate: distinct validators, good prevotes, more than two thirds.
    pub fn polka(
        &mut self,
        certificate: &core::PolkaCertificate<Ctx>,
        voters: &Voters,
    ) -> Result<(), core::CertificateError<Ctx>> {
        let of = (VoteType::Prevote, certificate.height, certificate.round);
        let parts = certificate.polka_signatures.iter();
        let parts = parts.map(|part| (part.address, part.signature));
        let votes = votes_for(of, certificate.value_id, parts);
        self.votes(votes, voters, Threshold::Quorum, |address, signature| {
            core::CertificateError::InvalidPolkaSignature(core::PolkaSignature::new(
                address, signature,
            ))
        })
    }

    /// A round certificate: precommits of more than two thirds, or any votes of more than one third.
    pub fn round(
        &mut self,
        certificate: &core::RoundCertificate<Ctx>,
        voters: &Voters,
    ) -> Result<(), core::CertificateError<Ctx>> {
        let is_precommit = certificate.cert_type == RoundCertificateType::Precommit;
        let prevote = certificate
            .round_signatures
            .iter()
            .find(|part| part.vote_type == VoteType::Prevote);
        if let (true, Some(part)) = (is_precommit, prevote) {
            return Err(core::CertificateError::InvalidVoteType(part.address));
        }
        let votes = certificate.round_signatures.iter().map(|part| {
            let vote = CoreVote::new(
                part.vote_type,
                certificate.height,
                certificate.round,
                part.value_id,
                part.address,
            );
            (vote, part.signature)
        });
        let threshold = match is_precommit {
            true => Threshold::Quorum,
            false => Threshold::OneHonest,
        };
        self.votes(votes, voters, threshold, |address, signature| {
            core::CertificateError::InvalidRoundSignature(core::RoundSignature::new(
                VoteType::Prevote,
                NilOrVal::Nil,
                address,
                signature,
            ))
        })
    }

    fn votes(
        &mut self,
        votes: impl Iterator<Item = (CoreVote, Signature)>,
        voters: &Voters,
        threshold: Threshold,
        bad: impl Fn(Address, Signature) -> core::CertificateError<Ctx>,
    ) -> Result<(), core::CertificateError<Ctx>> {
        let mut seen = BTreeSet::new();
        let mut power = 0u64;
        for (vote, signature) in votes {
            if !seen.insert(vote.voter) {
                return Err(core::CertificateError::DuplicateVote(vote.voter));
            }
            let voter = voters
                .voter(&vote.voter)
                .ok_or(core::CertificateError::UnknownValidator(vote.voter))?;
            let bytes = self.vote_bytes(&vote);
            if !self.check(&voter.key, bytes, &signature) {
                return Err(bad(vote.voter, signature));
            }
            power = power.saturating_add(voter.power);
        }
        let total = voters.set().total_power();
        let (is_met, expected) = match threshold {
            Threshold::Quorum => (voters.set().is_quorum(power), total / 3 * 2 + 1),
            Threshold::OneHonest => (u128::from(power) * 3 > u128::from(total), total / 3 + 1),
        };
        match is_met {
            true => Ok(()),
            false => Err(core::CertificateError::NotEnoughVotingPower {
                signed: power,
                total,
                expected,
            }),
        }
    }
}

#[derive(Clone, Copy)]
enum Threshold {
    /// More than two thirds.
    Quorum,
    /// More than one third: at least one of them is honest.
    OneHonest,
}

/// The votes behind a certificate for one block.
fn votes_for(
    (kind, height, round): (VoteType, Height, Round),
    block: Hash,
    parts: impl Iterator<Item = (Address, Signature)>,
) -> impl Iterator<Item = (CoreVote, Signature)> {
    parts.map(move |(voter, signature)| {
        let vote = CoreVote::new(kind, height, round, NilOrVal::Val(block), voter);
        (vote, signature)
    })
}
