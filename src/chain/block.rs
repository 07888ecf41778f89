//! Blocks and their headers.
//!
//! The header commits to everything: the transactions, the state after them, and who votes next.
//! So one certificate over the header's hash proves any part of the state.

use super::codec::{Decode, DecodeError, Encode, Reader, put_sequence};
use super::hash::Hash;
use super::key::Address;
use super::merkle;
use super::transaction::SignedTransaction;

/// The version of the rules that headers carry.
pub const VERSION: u16 = 1;

/// Most transactions of a block, whatever the network's rules say.
pub const MAX_BLOCK_TRANSACTIONS: usize = 8192;

/// Most bytes of an encoded block, whatever the network's rules say.
pub const MAX_BLOCK_BYTES: usize = 1 << 20;

/// What is voted on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The version of the rules, [`VERSION`].
    pub version: u16,
    /// The network: the hash of its genesis.
    pub genesis: Hash,
    /// The height: 1 for the first block, then one more each.
    pub height: u64,
    /// The block before; [`Hash::ZERO`] for the first.
    pub parent: Hash,
    /// When the proposer made it: milliseconds since 1970, later than the parent's.
    pub time_ms: u64,
    /// Who made it.
    pub proposer: Address,
    /// The Merkle root over its transactions.
    pub transactions_root: Hash,
    /// The state tree's root after it.
    pub state_root: Hash,
    /// The hash of the validators of the next height.
    pub next_validators: Hash,
}

/// A block's identity: the hash of its header.
pub type BlockId = Hash;

impl Header {
    /// The block's identity.
    pub fn id(&self) -> BlockId {
        Hash::of_value("natcoin/block/1", self)
    }
}

/// A header and the transactions under it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// The header.
    pub header: Header,
    /// The transactions in the order of their execution.
    pub transactions: Vec<SignedTransaction>,
}

impl Block {
    /// The block's identity.
    pub fn id(&self) -> BlockId {
        self.header.id()
    }

    /// The Merkle leaves of its transactions.
    pub fn leaves(&self) -> Vec<Hash> {
        transaction_leaves(&self.transactions)
    }
}

/// The Merkle leaf of a transaction: over its signed bytes, so that all nodes hold the same ones.
pub fn transaction_leaf(transaction: &SignedTransaction) -> Hash {
    merkle::leaf(&transaction.to_bytes())
}

/// The Merkle leaves of transactions in order.
pub fn transaction_leaves(transactions: &[SignedTransaction]) -> Vec<Hash> {
    transactions.iter().map(transaction_leaf).collect()
}

/// The Merkle root of transactions in order.
pub fn transactions_root(transactions: &[SignedTransaction]) -> Hash {
    merkle::root(&transaction_leaves(transactions))
}

impl Encode for Header {
    fn encode(&self, out: &mut Vec<u8>) {
        self.version.encode(out);
        self.genesis.encode(out);
        self.height.encode(out);
        self.parent.encode(out);
        self.time_ms.encode(out);
        self.proposer.encode(out);
        self.transactions_root.encode(out);
        self.state_root.encode(out);
        self.next_validators.encode(out);
    }
}

impl Decode for Header {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            version: u16::decode(reader)?,
            genesis: Hash::decode(reader)?,
            height: u64::decode(reader)?,
            parent: Hash::decode(reader)?,
            time_ms: u64::decode(reader)?,
            proposer: Address::decode(reader)?,
            transactions_root: Hash::decode(reader)?,
            state_root: Hash::decode(reader)?,
            next_validators: Hash::decode(reader)?,
        })
    }
}

impl Encode for Block {
    fn size_hint(&self) -> usize {
        let transactions = self.transactions.iter().map(SignedTransaction::size_bytes);
        512 + transactions.sum::<usize>()
    }

    fn encode(&self, out: &mut Vec<u8>) {
        self.header.encode(out);
        put_sequence(out, &self.transactions);
    }
}

impl Decode for Block {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let before = reader.remaining();
        let block = Self {
            header: Header::decode(reader)?,
            transactions: reader.sequence("transactions", MAX_BLOCK_TRANSACTIONS)?,
        };
        // Of the block alone: more may stand behind it in the same message.
        match before - reader.remaining() {
            length if length > MAX_BLOCK_BYTES => Err(DecodeError::TooLong {
                what: "block",
                length,
                limit: MAX_BLOCK_BYTES,
            }),
            _ => Ok(block),
        }
    }
}

#[cfg(test)]
mod tests;
