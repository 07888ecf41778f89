//! What nodes and wallets say to each other: the bytes behind each service and topic.
//!
//! Limits of sizes are the services' own (`behaviour/`); counts are bounded here. Formats:
//! `docs/protocol.md`, section "Services".

use std::sync::Arc;

use crate::behaviour::watch::FRAME_MAX_BYTES;
use crate::behaviour::{Service, Topic};
use crate::chain::block::{Block, MAX_BLOCK_BYTES};
use crate::chain::certificate::Certificate;
use crate::chain::codec::{Decode, DecodeError, Encode, Reader, put_framed, put_sequence};
use crate::chain::key::Address;
use crate::chain::merkle::{MAX_PATH, Path};
use crate::chain::query::{Certified, MAX_ANSWER_BYTES};
use crate::chain::rules::Rejection;
use crate::chain::transaction::{MAX_TRANSACTION_BYTES, SignedTransaction, TransactionId};
use crate::chain::validator::MAX_VALIDATORS;
use crate::consensus::{Message, Proposal};

/// Most transactions in a gossiped batch.
pub const MAX_BATCH: usize = 512;
/// Bytes at which a batch is full.
pub const FULL_BATCH_BYTES: usize = 128 << 10;
/// Most transactions that a wallet hands in at once.
pub const MAX_SUBMISSION: usize = 256;
/// Most blocks in an answer.
pub const MAX_BLOCKS: usize = 64;
/// Bytes at which an answer of blocks is full; one more block still fits the service's limit.
pub const FULL_BLOCKS_BYTES: usize = 2 << 20;
/// Most messages in an answer about a height.
pub const MAX_SAID: usize = 4096;
/// Most bytes of an answer about a height.
pub const MAX_SAID_BYTES: usize = (2 << 20) - 4096;
/// Most addresses that a watch follows.
pub const MAX_WATCHED: usize = 8;
/// Most transactions in a frame of a watch.
pub const MAX_FRAME_TRANSACTIONS: usize = 24;

/// A header, and a certificate by all validators there can be.
const CERTIFIED_BYTES: usize = 1024 + MAX_VALIDATORS * 100;

// A node ends when it would say what is too large to be sent, so that nobody may bring it to that.
const _: () = {
    let answers = Service::Blocks.caps().answer_bytes;
    assert!(FULL_BLOCKS_BYTES + MAX_BLOCK_BYTES + CERTIFIED_BYTES + 64 <= answers);
    assert!(MAX_SAID_BYTES + 64 <= Service::Agreement.caps().answer_bytes);
    assert!(MAX_ANSWER_BYTES <= Service::Query.caps().answer_bytes);
    assert!(MAX_BLOCK_BYTES + CERTIFIED_BYTES <= Topic::Proposals.max_bytes());
    assert!(CERTIFIED_BYTES <= Topic::Votes.max_bytes());
    assert!(FULL_BATCH_BYTES + MAX_TRANSACTION_BYTES + 64 <= Topic::Transactions.max_bytes());
    let placed = MAX_TRANSACTION_BYTES + 64 + MAX_PATH * 32;
    assert!(CERTIFIED_BYTES + MAX_FRAME_TRANSACTIONS * placed <= FRAME_MAX_BYTES);
};

/// The bytes of a gossip message: a salt, then what is said.
///
/// Gossip knows messages by their bytes and drops those it has seen. What is said again on purpose, for
/// who has come meanwhile, gets another salt; what is said first has salt 0.
pub fn gossip(salt: u32, said: &impl Encode) -> Vec<u8> {
    let mut out = Vec::new();
    salt.encode(&mut out);
    said.encode(&mut out);
    out
}

/// What a gossip message says.
///
/// # Errors
/// As the content's own decoder.
pub fn from_gossip<T: Decode>(data: &[u8]) -> Result<T, DecodeError> {
    let mut reader = Reader::new(data);
    u32::decode(&mut reader)?;
    let said = T::decode(&mut reader)?;
    reader.finish()?;
    Ok(said)
}

/// A batch of transactions, as gossiped.
pub struct Batch(pub Vec<SignedTransaction>);

impl Encode for Batch {
    fn encode(&self, out: &mut Vec<u8>) {
        put_sequence(out, &self.0);
    }
}

impl Decode for Batch {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        reader.sequence("transactions", MAX_BATCH).map(Self)
    }
}

/// Something said in agreement: a message, or a proposal with its block.
#[derive(Debug, Clone)]
pub enum Said {
    /// A message that stands by itself.
    Message(Message),
    /// A proposal with its block.
    Proposal(Proposal, Arc<Block>),
}

impl Encode for Said {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Message(message) => {
                out.push(0);
                message.encode(out);
            }
            Self::Proposal(proposal, block) => {
                out.push(1);
                proposal.encode(out);
                // Framed by its length, because a block ends where its bytes end.
                out.reserve(block.size_hint());
                put_framed(out, &**block);
            }
        }
    }
}

impl Decode for Said {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match u8::decode(reader)? {
            0 => Ok(Self::Message(Message::decode(reader)?)),
            1 => {
                let proposal = Proposal::decode(reader)?;
                let bytes = reader.bytes("block", MAX_BLOCK_BYTES)?;
                Ok(Self::Proposal(
                    proposal,
                    Arc::new(Block::from_bytes(bytes)?),
                ))
            }
            tag => Err(DecodeError::UnknownTag { what: "said", tag }),
        }
    }
}

/// A validator asks another what was said at the height under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingRequest {
    /// The asker's height.
    pub height: u64,
    /// The asker's round.
    pub round: u32,
}

/// The answer to a [`MissingRequest`].
pub struct MissingReply {
    /// How far the answerer's chain goes.
    pub tip: u64,
    /// What was said, if the answerer is at the same height.
    pub said: Vec<Said>,
}

/// Asks for blocks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlocksRequest {
    /// The first height wanted.
    pub from: u64,
    /// How many at most; 0 asks only how far the chain goes.
    pub count: u32,
}

/// A final block with its proof, as sent and as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FinalBlock {
    /// The block.
    pub block: Block,
    /// Its certificate.
    pub certificate: Certificate,
}

/// The answer to a [`BlocksRequest`].
pub struct BlocksReply {
    /// How far the answerer's chain goes.
    pub tip: u64,
    /// Blocks in order from the first asked for, as stored.
    pub blocks: Vec<FinalBlock>,
}

/// Transactions that a wallet hands in: one after another, no count before them, so that one alone is just its bytes.
pub struct Submission(pub Vec<SignedTransaction>);

/// What becomes of them: an answer for each, one after another. One alone says of all that they cannot be read.
pub struct SubmitReplies(pub Vec<SubmitReply>);

impl Encode for Submission {
    fn encode(&self, out: &mut Vec<u8>) {
        self.0.iter().for_each(|one| one.encode(out));
    }
}

impl Decode for Submission {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        to_the_end(reader, "transactions").map(Self)
    }
}

impl Encode for SubmitReplies {
    fn encode(&self, out: &mut Vec<u8>) {
        self.0.iter().for_each(|one| one.encode(out));
    }
}

impl Decode for SubmitReplies {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        to_the_end(reader, "answers").map(Self)
    }
}

/// One or more values up to the end, [`MAX_SUBMISSION`] at the most.
fn to_the_end<T: Decode>(
    reader: &mut Reader<'_>,
    what: &'static str,
) -> Result<Vec<T>, DecodeError> {
    let mut all = vec![T::decode(reader)?];
    while reader.remaining() > 0 {
        if all.len() == MAX_SUBMISSION {
            return Err(DecodeError::TooLong {
                what,
                length: all.len() + 1,
                limit: MAX_SUBMISSION,
            });
        }
        all.push(T::decode(reader)?);
    }
    Ok(all)
}

/// What becomes of a transaction that was handed in. This is the node's word, not a proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SubmitReply {
    /// It waits for a block here.
    Waiting,
    /// It is final.
    Final {
        /// At this height.
        height: u64,
    },
    /// It breaks a rule.
    Rejected(Rejection),
    /// Another one with the same nonce waits; only one of them can become final.
    NonceTaken {
        /// The one that waits.
        other: TransactionId,
    },
    /// The node takes no more for the moment.
    Busy,
    /// The bytes were not a transaction.
    Malformed,
}

/// What a wallet wants to see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchRequest {
    /// Whose transactions come with their proofs.
    pub addresses: Vec<Address>,
}

/// A transaction with its path to the root in its block's header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlacedTransaction {
    /// The transaction.
    pub transaction: SignedTransaction,
    /// Its path to the header's transactions root.
    pub path: Path,
}

/// One frame of a watch: a final block's header and proof, and the watched transactions in it. A block
/// with many of them comes in several frames.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchFrame {
    /// The header and its certificate.
    pub certified: Certified,
    /// Watched transactions in it.
    pub transactions: Vec<PlacedTransaction>,
}

impl Encode for MissingRequest {
    fn encode(&self, out: &mut Vec<u8>) {
        self.height.encode(out);
        self.round.encode(out);
    }
}

impl Decode for MissingRequest {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            height: u64::decode(reader)?,
            round: u32::decode(reader)?,
        })
    }
}

impl Encode for MissingReply {
    fn encode(&self, out: &mut Vec<u8>) {
        self.tip.encode(out);
        put_sequence(out, &self.said);
    }
}

impl Decode for MissingReply {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            tip: u64::decode(reader)?,
            said: reader.sequence("said", MAX_SAID)?,
        })
    }
}

impl Encode for BlocksRequest {
    fn encode(&self, out: &mut Vec<u8>) {
        self.from.encode(out);
        self.count.encode(out);
    }
}

impl Decode for BlocksRequest {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            from: u64::decode(reader)?,
            count: u32::decode(reader)?,
        })
    }
}

impl Encode for FinalBlock {
    fn encode(&self, out: &mut Vec<u8>) {
        encode_final(&self.block, &self.certificate, out);
    }
}

fn encode_final(block: &Block, certificate: &Certificate, out: &mut Vec<u8>) {
    put_framed(out, block);
    certificate.encode(out);
}

/// The bytes of a [`FinalBlock`] of these.
pub fn final_block_bytes(block: &Block, certificate: &Certificate) -> Vec<u8> {
    let mut out = Vec::with_capacity(block.size_hint() + CERTIFIED_BYTES);
    encode_final(block, certificate, &mut out);
    out
}

impl Decode for FinalBlock {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let bytes = reader.bytes("block", MAX_BLOCK_BYTES)?;
        Ok(Self {
            block: Block::from_bytes(bytes)?,
            certificate: Certificate::decode(reader)?,
        })
    }
}

impl Encode for BlocksReply {
    fn encode(&self, out: &mut Vec<u8>) {
        self.tip.encode(out);
        put_sequence(out, &self.blocks);
    }
}

impl Decode for BlocksReply {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            tip: u64::decode(reader)?,
            blocks: reader.sequence("blocks", MAX_BLOCKS)?,
        })
    }
}

impl Encode for SubmitReply {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Waiting => out.push(0),
            Self::Final { height } => {
                out.push(1);
                height.encode(out);
            }
            Self::Rejected(rejection) => {
                out.push(2);
                rejection.encode(out);
            }
            Self::NonceTaken { other } => {
                out.push(3);
                other.encode(out);
            }
            Self::Busy => out.push(4),
            Self::Malformed => out.push(5),
        }
    }
}

impl Decode for SubmitReply {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(match u8::decode(reader)? {
            0 => Self::Waiting,
            1 => Self::Final {
                height: u64::decode(reader)?,
            },
            2 => Self::Rejected(Rejection::decode(reader)?),
            3 => Self::NonceTaken {
                other: TransactionId::decode(reader)?,
            },
            4 => Self::Busy,
            5 => Self::Malformed,
            tag => {
                return Err(DecodeError::UnknownTag {
                    what: "submit reply",
                    tag,
                });
            }
        })
    }
}

impl Encode for WatchRequest {
    fn encode(&self, out: &mut Vec<u8>) {
        put_sequence(out, &self.addresses);
    }
}

impl Decode for WatchRequest {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            addresses: reader.sequence("watched addresses", MAX_WATCHED)?,
        })
    }
}

impl Encode for PlacedTransaction {
    fn encode(&self, out: &mut Vec<u8>) {
        self.transaction.encode(out);
        self.path.encode(out);
    }
}

impl Decode for PlacedTransaction {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            transaction: SignedTransaction::decode(reader)?,
            path: Path::decode(reader)?,
        })
    }
}

impl Encode for WatchFrame {
    fn encode(&self, out: &mut Vec<u8>) {
        self.certified.encode(out);
        put_sequence(out, &self.transactions);
    }
}

impl Decode for WatchFrame {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            certified: Certified::decode(reader)?,
            transactions: reader.sequence("transactions", MAX_FRAME_TRANSACTIONS)?,
        })
    }
}

#[cfg(test)]
#[path = "wire_tests.rs"]
mod tests;
