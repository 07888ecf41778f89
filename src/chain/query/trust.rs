//! What everything rests on: the genesis of the bootstrap file, and certified headers under it.
//!
//! This file must never give a [`Moment`] out that a quorum of the trusted validators has not signed,
//! but for the genesis, which the asker can work out alone.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use crate::chain::block::{BlockId, Header, VERSION};
use crate::chain::certificate::{Certificate, CertificateError};
use crate::chain::codec::{Decode, DecodeError, Encode, Reader};
use crate::chain::genesis::Genesis;
use crate::chain::hash::Hash;
use crate::chain::ledger::{Ledger, Tip};
use crate::chain::transaction::TransactionId;
use crate::chain::tree::{Key, Proof, ProofError};
use crate::chain::validator::ValidatorSet;
use crate::mutation::{self, Mutation};

use super::Unavailable;

/// What an asker believes to begin with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trust {
    /// The network.
    pub genesis: Hash,
    /// Those whose quorum makes a block final.
    pub validators: ValidatorSet,
    /// The state before the first block.
    genesis_root: Hash,
    genesis_time_ms: u64,
    checked: Checked,
}

/// How many headers with their certificates are remembered as good: several nodes may each have another certificate
/// of the newest block.
const CHECKED_LIMIT: usize = 4;

/// The last headers whose certificates were checked and good, whole: questions about one block are many, and its
/// signatures are nearly all that an answer costs. They are no part of what is believed to begin with, so a copy
/// begins without, and comparing leaves them out.
#[derive(Debug, Default)]
struct Checked(Mutex<VecDeque<Certified>>);

impl Checked {
    fn holds(&self, certified: &Certified) -> bool {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.contains(certified)
    }

    fn keep(&self, certified: &Certified) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.truncate(CHECKED_LIMIT - 1);
        known.push_front(certified.clone());
    }
}

impl Clone for Checked {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl PartialEq for Checked {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Checked {}

impl Trust {
    /// What follows from a genesis.
    pub fn new(genesis: &Genesis) -> Self {
        let ledger = Ledger::from_genesis(genesis);
        Self {
            genesis: *ledger.genesis(),
            validators: genesis.validators.clone(),
            genesis_root: ledger.state_root(),
            genesis_time_ms: genesis.time_ms,
            checked: Checked::default(),
        }
    }
}

/// A header and the certificate that makes it final.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certified {
    /// The header.
    pub header: Header,
    /// A quorum's signatures over its identity.
    pub certificate: Certificate,
}

/// What an answer rests on. Either may be older than the asker knows: whoever has seen a later
/// [`Moment`] refuses it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Anchor {
    /// The state before the first block.
    Genesis,
    /// The state after a final block.
    Block(Box<Certified>),
}

/// A proven point of the chain, of which an answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// The block's height; 0 before the first block.
    pub height: u64,
    /// The block's identity; [`Hash::ZERO`] before the first block.
    pub block: BlockId,
    /// The block's time: milliseconds since 1970.
    pub time_ms: u64,
    /// The state after it.
    pub state_root: Hash,
    /// How many validators have signed.
    pub signed_by: u16,
}

/// A value that has been proven, and of when it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proven<T> {
    /// The value.
    pub value: T,
    /// When it was so.
    pub at: Moment,
}

/// Why an answer is not believed. All but [`AnswerError::Unavailable`] say that the node is faulty, lies,
/// or is of another network: ask another one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// The node has no answer.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// It answers another question.
    #[error("the node answered with {given} where {asked} was asked for: ask another node")]
    OtherKind {
        /// What was asked for.
        asked: &'static str,
        /// What came.
        given: &'static str,
    },
    /// The header is of another version of the rules.
    #[error("the header has version {0}, this program knows {VERSION}: update it")]
    Version(u16),
    /// The header is of another network.
    #[error("the node is of the network {given}, not of {expected}: ask another node")]
    ForeignNetwork {
        /// The header's genesis.
        given: Hash,
        /// The one trusted.
        expected: Hash,
    },
    /// The certificate is for another block than the header.
    #[error(
        "the certificate is for the block {certified:?}, the header is of {header:?}: ask another node"
    )]
    OtherBlock {
        /// The block certified.
        certified: BlockId,
        /// The header's.
        header: BlockId,
    },
    /// The certificate does not hold.
    #[error("{0}: ask another node")]
    Certificate(#[from] CertificateError),
    /// What is claimed is not in the certified state.
    #[error("{what} is not proven: {error}")]
    Proof {
        /// What is claimed.
        what: &'static str,
        /// Why its proof does not hold.
        error: ProofError,
    },
    /// Another transaction than the one asked for.
    #[error("the node gave the transaction {given} where {asked} was asked for: ask another node")]
    OtherTransaction {
        /// Asked for.
        asked: TransactionId,
        /// Given.
        given: TransactionId,
    },
    /// Another height than the one asked for.
    #[error(
        "the node gave the block of height {given} where {asked} was asked for: ask another node"
    )]
    OtherHeight {
        /// Asked for.
        asked: u64,
        /// Given.
        given: u64,
    },
    /// Transactions that the header does not commit to.
    #[error("the transactions are not those of block {height}: ask another node")]
    NotInBlock {
        /// The block's height.
        height: u64,
    },
    /// A history that is not whole, or not this account's.
    #[error("the history does not lead to activity {number} of the account: ask another node")]
    BrokenHistory {
        /// The number of the activity that it should end at.
        number: u64,
    },
}

impl Certified {
    /// Checks the header and its certificate.
    ///
    /// # Errors
    /// An [`AnswerError`]; nothing under the header may then be believed.
    pub fn verify(&self, trust: &Trust) -> Result<Moment, AnswerError> {
        let (header, certificate) = (&self.header, &self.certificate);
        if header.version != VERSION {
            return Err(AnswerError::Version(header.version));
        }
        if header.genesis != trust.genesis {
            let (given, expected) = (header.genesis, trust.genesis);
            return Err(AnswerError::ForeignNetwork { given, expected });
        }
        let block = header.id();
        if certificate.block != block || certificate.height != header.height {
            let certified = certificate.block;
            return Err(AnswerError::OtherBlock {
                certified,
                header: block,
            });
        }
        if !trust.checked.holds(self) {
            certificate.verify(&trust.genesis, &trust.validators)?;
            trust.checked.keep(self);
        }
        Ok(Moment {
            height: header.height,
            block,
            time_ms: header.time_ms,
            state_root: header.state_root,
            signed_by: u16::try_from(certificate.signatures.len()).unwrap_or(u16::MAX),
        })
    }
}

impl Anchor {
    /// The block that the next one stands on, for the genesis given.
    pub fn tip(&self, genesis: &Genesis) -> Tip {
        match self {
            Self::Genesis => Tip::genesis(genesis),
            Self::Block(certified) => Tip::after(&certified.header),
        }
    }

    /// The height that it is of.
    pub fn height(&self) -> u64 {
        match self {
            Self::Genesis => 0,
            Self::Block(certified) => certified.header.height,
        }
    }

    /// Checks what the answer rests on.
    ///
    /// # Errors
    /// As [`Certified::verify`].
    pub fn verify(&self, trust: &Trust) -> Result<Moment, AnswerError> {
        match self {
            Self::Genesis => Ok(Moment {
                height: 0,
                block: Hash::ZERO,
                time_ms: trust.genesis_time_ms,
                state_root: trust.genesis_root,
                signed_by: 0,
            }),
            Self::Block(certified) => certified.verify(trust),
        }
    }
}

/// Checks that `leaf` stands under `key` in the state of a moment.
pub(super) fn holds(
    what: &'static str,
    at: &Moment,
    proof: &Proof,
    key: &Key,
    leaf: Option<&Hash>,
) -> Result<(), AnswerError> {
    let verdict = proof.verify(&at.state_root, key, leaf);
    if mutation::is_on(Mutation::ProofUnchecked) {
        return Ok(());
    }
    verdict.map_err(|error| AnswerError::Proof { what, error })
}

impl Encode for Certified {
    fn encode(&self, out: &mut Vec<u8>) {
        self.header.encode(out);
        self.certificate.encode(out);
    }
}

impl Decode for Certified {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            header: Header::decode(reader)?,
            certificate: Certificate::decode(reader)?,
        })
    }
}

impl Encode for Anchor {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Genesis => out.push(0),
            Self::Block(certified) => {
                out.push(1);
                certified.encode(out);
            }
        }
    }
}

impl Decode for Anchor {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(match u8::decode(reader)? {
            0 => Self::Genesis,
            1 => Self::Block(Box::new(Certified::decode(reader)?)),
            tag => {
                return Err(DecodeError::UnknownTag {
                    what: "anchor",
                    tag,
                });
            }
        })
    }
}
