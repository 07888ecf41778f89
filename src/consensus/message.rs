//! The messages of agreement, in our own types and bytes.
//!
//! Each carries its signatures and can be checked by itself; who passed it on does not matter.

use crate::chain::certificate::VoteKind;
use crate::chain::codec::{Decode, DecodeError, Encode, Reader, put_sequence};
use crate::chain::hash::Hash;
use crate::chain::key::{Address, Signature};
use crate::chain::validator::MAX_VALIDATORS;

/// One validator's vote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vote {
    /// Prevote or precommit.
    pub kind: VoteKind,
    /// The height.
    pub height: u64,
    /// The round, from 0.
    pub round: u32,
    /// The block voted for; `None` is a vote for none ("nil").
    pub block: Option<Hash>,
    /// Who votes.
    pub voter: Address,
    /// Over [`crate::chain::certificate::vote_sign_bytes`].
    pub signature: Signature,
}

/// A proposer's word that it proposes a block. The block itself travels beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// The height.
    pub height: u64,
    /// The round, from 0.
    pub round: u32,
    /// The block proposed.
    pub block: Hash,
    /// The earlier round in which a quorum prevoted for this block, if it is proposed again.
    pub pol_round: Option<u32>,
    /// Who proposes.
    pub proposer: Address,
    /// Over [`proposal_sign_bytes`].
    pub signature: Signature,
}

/// One signature in a [`PolkaCertificate`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolkaSignature {
    /// Who prevoted.
    pub voter: Address,
    /// The prevote's signature.
    pub signature: Signature,
}

/// A quorum's prevotes for one block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolkaCertificate {
    /// The height.
    pub height: u64,
    /// The round.
    pub round: u32,
    /// The block.
    pub block: Hash,
    /// The signatures.
    pub signatures: Vec<PolkaSignature>,
}

/// One vote in a [`RoundCertificate`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoundSignature {
    /// Prevote or precommit.
    pub kind: VoteKind,
    /// The block voted for, or none.
    pub block: Option<Hash>,
    /// Who voted.
    pub voter: Address,
    /// The vote's signature.
    pub signature: Signature,
}

/// Votes that justify entering a round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoundCertificate {
    /// The height.
    pub height: u64,
    /// The round of the votes.
    pub round: u32,
    /// `true`: a quorum of precommits that did not agree. `false`: more than a third have gone ahead.
    pub is_precommit: bool,
    /// The votes.
    pub signatures: Vec<RoundSignature>,
}

/// A message of agreement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// A vote.
    Vote(Vote),
    /// A proposal.
    Proposal(Proposal),
    /// A quorum of prevotes.
    Polka(PolkaCertificate),
    /// What justifies a round.
    Round(RoundCertificate),
}

impl Message {
    /// The height that it is about.
    pub fn height(&self) -> u64 {
        match self {
            Self::Vote(vote) => vote.height,
            Self::Proposal(proposal) => proposal.height,
            Self::Polka(certificate) => certificate.height,
            Self::Round(certificate) => certificate.height,
        }
    }

    /// The round that it is about.
    pub fn round(&self) -> u32 {
        match self {
            Self::Vote(vote) => vote.round,
            Self::Proposal(proposal) => proposal.round,
            Self::Polka(certificate) => certificate.round,
            Self::Round(certificate) => certificate.round,
        }
    }
}

/// The bytes that a proposal signs: tag, genesis hash, height, round, earlier round, proposer, block.
pub fn proposal_sign_bytes(
    genesis: &Hash,
    height: u64,
    round: u32,
    pol_round: Option<u32>,
    proposer: &Address,
    block: &Hash,
) -> Vec<u8> {
    let mut bytes = b"natcoin/proposal/1".to_vec();
    genesis.encode(&mut bytes);
    height.encode(&mut bytes);
    round.encode(&mut bytes);
    pol_round.encode(&mut bytes);
    proposer.encode(&mut bytes);
    block.encode(&mut bytes);
    bytes
}

fn put_kind(out: &mut Vec<u8>, kind: VoteKind) {
    out.push(match kind {
        VoteKind::Prevote => 0,
        VoteKind::Precommit => 1,
    });
}

fn take_kind(reader: &mut Reader<'_>) -> Result<VoteKind, DecodeError> {
    match u8::decode(reader)? {
        0 => Ok(VoteKind::Prevote),
        1 => Ok(VoteKind::Precommit),
        tag => Err(DecodeError::UnknownTag {
            what: "vote kind",
            tag,
        }),
    }
}

impl Encode for PolkaSignature {
    fn encode(&self, out: &mut Vec<u8>) {
        self.voter.encode(out);
        self.signature.encode(out);
    }
}

impl Decode for PolkaSignature {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            voter: Address::decode(reader)?,
            signature: Signature::decode(reader)?,
        })
    }
}

impl Encode for RoundSignature {
    fn encode(&self, out: &mut Vec<u8>) {
        put_kind(out, self.kind);
        self.block.encode(out);
        self.voter.encode(out);
        self.signature.encode(out);
    }
}

impl Decode for RoundSignature {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            kind: take_kind(reader)?,
            block: Option::decode(reader)?,
            voter: Address::decode(reader)?,
            signature: Signature::decode(reader)?,
        })
    }
}

impl Encode for Proposal {
    fn encode(&self, out: &mut Vec<u8>) {
        self.height.encode(out);
        self.round.encode(out);
        self.block.encode(out);
        self.pol_round.encode(out);
        self.proposer.encode(out);
        self.signature.encode(out);
    }
}

impl Decode for Proposal {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            height: u64::decode(reader)?,
            round: take_round(reader)?,
            block: Hash::decode(reader)?,
            pol_round: match bool::decode(reader)? {
                true => Some(take_round(reader)?),
                false => None,
            },
            proposer: Address::decode(reader)?,
            signature: Signature::decode(reader)?,
        })
    }
}

/// Rounds above this are nonsense: at the shortest timeouts they would take years.
pub const MAX_ROUND: u32 = 1 << 30;

fn take_round(reader: &mut Reader<'_>) -> Result<u32, DecodeError> {
    match u32::decode(reader)? {
        round if round <= MAX_ROUND => Ok(round),
        round => Err(DecodeError::invalid(
            "round",
            format!("{round} is above {MAX_ROUND}"),
        )),
    }
}

impl Encode for Message {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Vote(vote) => {
                out.push(0);
                put_kind(out, vote.kind);
                vote.height.encode(out);
                vote.round.encode(out);
                vote.block.encode(out);
                vote.voter.encode(out);
                vote.signature.encode(out);
            }
            Self::Proposal(proposal) => {
                out.push(1);
                proposal.encode(out);
            }
            Self::Polka(certificate) => {
                out.push(2);
                certificate.height.encode(out);
                certificate.round.encode(out);
                certificate.block.encode(out);
                put_sequence(out, &certificate.signatures);
            }
            Self::Round(certificate) => {
                out.push(3);
                certificate.height.encode(out);
                certificate.round.encode(out);
                certificate.is_precommit.encode(out);
                put_sequence(out, &certificate.signatures);
            }
        }
    }
}

impl Decode for Message {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(match u8::decode(reader)? {
            0 => Self::Vote(Vote {
                kind: take_kind(reader)?,
                height: u64::decode(reader)?,
                round: take_round(reader)?,
                block: Option::decode(reader)?,
                voter: Address::decode(reader)?,
                signature: Signature::decode(reader)?,
            }),
            1 => Self::Proposal(Proposal::decode(reader)?),
            2 => Self::Polka(PolkaCertificate {
                height: u64::decode(reader)?,
                round: take_round(reader)?,
                block: Hash::decode(reader)?,
                signatures: reader.sequence("polka signatures", MAX_VALIDATORS)?,
            }),
            3 => Self::Round(RoundCertificate {
                height: u64::decode(reader)?,
                round: take_round(reader)?,
                is_precommit: bool::decode(reader)?,
                signatures: reader.sequence("round signatures", 2 * MAX_VALIDATORS)?,
            }),
            tag => {
                return Err(DecodeError::UnknownTag {
                    what: "agreement message",
                    tag,
                });
            }
        })
    }
}
