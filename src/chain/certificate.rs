//! Votes and certificates: what makes a block final.
//!
//! A certificate is the precommit signatures of a quorum over one block's identity. Whoever knows the
//! validators can check it alone; nothing else makes anything final.

use super::codec::{Decode, DecodeError, Encode, Reader, put_sequence};
use super::hash::Hash;
use super::key::{Address, Signature};
use super::validator::{MAX_VALIDATORS, ValidatorSet};
use crate::mutation::{self, Mutation};

/// The two kinds of votes of a round (Buchman, Kwon, Milosevic, "The latest gossip on BFT
/// consensus", arXiv:1807.04938).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum VoteKind {
    /// The first vote.
    Prevote,
    /// The second vote; a quorum of them decides.
    Precommit,
}

/// The bytes that a vote signs: tag, genesis hash, kind, height, round, voter, and the block or nil.
pub fn vote_sign_bytes(
    genesis: &Hash,
    kind: VoteKind,
    height: u64,
    round: u32,
    voter: &Address,
    block: Option<&Hash>,
) -> Vec<u8> {
    let mut bytes = b"natcoin/vote/1".to_vec();
    genesis.encode(&mut bytes);
    bytes.push(match kind {
        VoteKind::Prevote => 0,
        VoteKind::Precommit => 1,
    });
    height.encode(&mut bytes);
    round.encode(&mut bytes);
    voter.encode(&mut bytes);
    block.copied().encode(&mut bytes);
    bytes
}

/// One validator's part of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CertificateSignature {
    /// The validator's place in its set.
    pub validator: u16,
    /// Its signature over [`vote_sign_bytes`] of its precommit.
    pub signature: Signature,
}

/// A quorum's precommits for one block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// The height decided.
    pub height: u64,
    /// The round in which it was decided.
    pub round: u32,
    /// The block decided.
    pub block: Hash,
    /// The signatures, by the validators' places, each at most once.
    pub signatures: Vec<CertificateSignature>,
}

/// Why a certificate proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// A signer that is not in the set.
    #[error("the certificate of height {height} is signed by validator {validator} of {count}")]
    Stranger {
        /// The height.
        height: u64,
        /// The place named.
        validator: u16,
        /// The size of the set.
        count: usize,
    },
    /// A validator counted twice, or signatures out of order.
    #[error(
        "the certificate of height {height} counts validator {validator} twice or out of order"
    )]
    NotOrdered {
        /// The height.
        height: u64,
        /// The validator.
        validator: u16,
    },
    /// A bad signature.
    #[error("the certificate of height {height} has a bad signature of validator {validator}")]
    BadSignature {
        /// The height.
        height: u64,
        /// The validator.
        validator: u16,
    },
    /// Too little power.
    #[error(
        "the certificate of height {height} has {power} of {total} votes: more than two thirds are needed"
    )]
    NoQuorum {
        /// The height.
        height: u64,
        /// The power that signed.
        power: u64,
        /// The power of all.
        total: u64,
    },
}

impl Certificate {
    /// Checks that a quorum of `validators` has signed, on the network of this genesis.
    ///
    /// # Errors
    /// A [`CertificateError`]; nothing about the block may then be believed.
    pub fn verify(
        &self,
        genesis: &Hash,
        validators: &ValidatorSet,
    ) -> Result<(), CertificateError> {
        let height = self.height;
        let mut power = 0u64;
        let mut previous = None;
        for part in &self.signatures {
            let place = part.validator;
            let is_ordered = previous.is_none_or(|previous| previous < place);
            if !is_ordered && !mutation::is_on(Mutation::SignersCountedTwice) {
                return Err(CertificateError::NotOrdered {
                    height,
                    validator: place,
                });
            }
            previous = Some(place);
            let validator =
                validators
                    .get(usize::from(place))
                    .ok_or(CertificateError::Stranger {
                        height,
                        validator: place,
                        count: validators.count(),
                    })?;
            power += validator.power;
        }
        // Count before checking signatures: a certificate of too few costs a stranger's victim nothing.
        if !validators.is_quorum(power) {
            return Err(CertificateError::NoQuorum {
                height,
                power,
                total: validators.total_power(),
            });
        }
        for part in &self.signatures {
            let is_good = validators
                .get(usize::from(part.validator))
                .is_some_and(|validator| {
                    let bytes = vote_sign_bytes(
                        genesis,
                        VoteKind::Precommit,
                        height,
                        self.round,
                        &validator.address(),
                        Some(&self.block),
                    );
                    validator.key.verify(&bytes, &part.signature)
                });
            if !is_good {
                return Err(CertificateError::BadSignature {
                    height,
                    validator: part.validator,
                });
            }
        }
        Ok(())
    }
}

impl Encode for CertificateSignature {
    fn encode(&self, out: &mut Vec<u8>) {
        self.validator.encode(out);
        self.signature.encode(out);
    }
}

impl Decode for CertificateSignature {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            validator: u16::decode(reader)?,
            signature: Signature::decode(reader)?,
        })
    }
}

impl Encode for Certificate {
    fn encode(&self, out: &mut Vec<u8>) {
        self.height.encode(out);
        self.round.encode(out);
        self.block.encode(out);
        put_sequence(out, &self.signatures);
    }
}

impl Decode for Certificate {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            height: u64::decode(reader)?,
            round: u32::decode(reader)?,
            block: Hash::decode(reader)?,
            signatures: reader.sequence("certificate signatures", MAX_VALIDATORS)?,
        })
    }
}

#[cfg(test)]
mod tests;
