//! The rules of a block: what a validator checks before it votes, and a follower before it commits.
//!
//! They are tried in the order of [`BlockError`], cheap ones first. That a block is not from the future
//! is for the agreement to judge, because it takes a clock; a decided block is never refused for that.
//! Signatures (rule R2) must have been checked. Nothing here changes the ledger.

use super::{BlockContext, ExecuteError, Execution, Ledger};
use crate::chain::block::{Block, BlockId, Header, VERSION, transactions_root};
use crate::chain::genesis::{Genesis, Rules};
use crate::chain::hash::Hash;
use crate::chain::key::Address;
use crate::chain::transaction::SignedTransaction;
use crate::mutation::{self, Mutation};

/// Bytes of a block that are not its transactions' (210 of header, 4 of count; room for a later one).
pub const BLOCK_ROOM_BYTES: usize = 256;

/// The block that the next one stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tip {
    /// Its height; 0 before the first block.
    pub height: u64,
    /// Its identity; [`Hash::ZERO`] before the first block.
    pub block: BlockId,
    /// Its time; the genesis' before the first block.
    pub time_ms: u64,
}

impl Tip {
    /// Where the first block stands.
    pub fn genesis(genesis: &Genesis) -> Self {
        Self {
            height: 0,
            block: Hash::ZERO,
            time_ms: genesis.time_ms,
        }
    }

    /// Where the block after this header stands.
    pub fn after(header: &Header) -> Self {
        Self {
            height: header.height,
            block: header.id(),
            time_ms: header.time_ms,
        }
    }
}

/// Why a block is refused, in order of precedence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BlockError {
    /// B1: "Its version is ours."
    #[error("the block has version {given}, this program knows {VERSION}: update it")]
    Version {
        /// The header's.
        given: u16,
    },
    /// B2: "It carries this network's genesis hash."
    #[error("the block is of the network {given}, this is {expected}")]
    ForeignNetwork {
        /// The header's.
        given: Hash,
        /// Ours.
        expected: Hash,
    },
    /// B3: "Its height is one above the tip's."
    #[error("the block has height {given}, the next is {expected}")]
    Height {
        /// The header's.
        given: u64,
        /// The next.
        expected: u64,
    },
    /// B4: "Its parent is the tip."
    #[error("the block stands on {given}, the tip is {expected}")]
    Parent {
        /// The header's.
        given: BlockId,
        /// The tip.
        expected: BlockId,
    },
    /// B5: "Its time is later than the tip's."
    #[error("the block's time {given} ms is not later than its parent's, {parent} ms")]
    Time {
        /// The header's.
        given: u64,
        /// The tip's.
        parent: u64,
    },
    /// B6: "Its proposer is a validator."
    #[error("the proposer {0} is no validator")]
    Proposer(Address),
    /// B7: "It keeps the rules max_block_transactions and max_block_bytes."
    #[error(
        "the block is too large: the network allows {transactions} transactions in {bytes} bytes"
    )]
    TooLarge {
        /// Most transactions.
        transactions: u32,
        /// Most bytes.
        bytes: u32,
    },
    /// B8: "Its transactions root is over its transactions."
    #[error("the transactions root is {given}, it should be {expected}")]
    TransactionsRoot {
        /// The header's.
        given: Hash,
        /// The body's.
        expected: Hash,
    },
    /// B9: "It names the next validators."
    #[error("the next validators are {given}, they should be {expected}")]
    NextValidators {
        /// The header's.
        given: Hash,
        /// Ours.
        expected: Hash,
    },
    /// B10: "Each transaction is valid at its place." Or a fault of ours.
    #[error(transparent)]
    Execution(#[from] ExecuteError),
    /// B11: "Its state root is the one that executing it gives."
    #[error("the state root is {given}, executing gives {expected}")]
    StateRoot {
        /// The header's.
        given: Hash,
        /// Ours.
        expected: Hash,
    },
}

impl Ledger {
    /// Checks a block that is to stand on `tip`, whose state this ledger is, and executes it.
    ///
    /// # Errors
    /// The first rule broken, as a [`BlockError`].
    pub fn validate(&self, tip: &Tip, block: &Block) -> Result<Execution, BlockError> {
        self.check_header(tip, &block.header)?;
        let mut room = Room::of(&self.rules);
        if !block.transactions.iter().all(|one| room.take(one)) {
            return Err(BlockError::TooLarge {
                transactions: self.rules.max_block_transactions,
                bytes: self.rules.max_block_bytes,
            });
        }
        let header = &block.header;
        let (given, expected) = (
            header.transactions_root,
            transactions_root(&block.transactions),
        );
        if given != expected {
            return Err(BlockError::TransactionsRoot { given, expected });
        }
        let (given, expected) = (header.next_validators, self.validators.hash());
        if given != expected {
            return Err(BlockError::NextValidators { given, expected });
        }
        let context = BlockContext {
            height: header.height,
            time_ms: header.time_ms,
            proposer: header.proposer,
        };
        let execution = self.execute(&context, &block.transactions)?;
        let (given, expected) = (header.state_root, execution.state_root);
        if given != expected && !mutation::is_on(Mutation::StateRootUnchecked) {
            return Err(BlockError::StateRoot { given, expected });
        }
        Ok(execution)
    }

    fn check_header(&self, tip: &Tip, header: &Header) -> Result<(), BlockError> {
        if header.version != VERSION {
            let given = header.version;
            return Err(BlockError::Version { given });
        }
        if header.genesis != self.genesis {
            let (given, expected) = (header.genesis, self.genesis);
            return Err(BlockError::ForeignNetwork { given, expected });
        }
        let (given, expected) = (header.height, tip.height.saturating_add(1));
        if given != expected {
            return Err(BlockError::Height { given, expected });
        }
        let (given, expected) = (header.parent, tip.block);
        if given != expected {
            return Err(BlockError::Parent { given, expected });
        }
        let (given, parent) = (header.time_ms, tip.time_ms);
        if given <= parent {
            return Err(BlockError::Time { given, parent });
        }
        if !self.validators.contains(&header.proposer) {
            return Err(BlockError::Proposer(header.proposer));
        }
        Ok(())
    }

    /// The header over a selection of transactions that stands on `tip`.
    pub fn header(&self, tip: &Tip, context: &BlockContext, body: &super::Selection) -> Header {
        Header {
            version: VERSION,
            genesis: self.genesis,
            height: context.height,
            parent: tip.block,
            time_ms: context.time_ms,
            proposer: context.proposer,
            transactions_root: transactions_root(&body.transactions),
            state_root: body.execution.state_root,
            next_validators: self.validators.hash(),
        }
    }
}

/// What a block can still take.
pub(super) struct Room {
    transactions: usize,
    bytes: usize,
}

impl Room {
    pub(super) fn of(rules: &Rules) -> Self {
        let count = |limit: u32| usize::try_from(limit).unwrap_or(usize::MAX);
        Self {
            transactions: count(rules.max_block_transactions),
            bytes: count(rules.max_block_bytes).saturating_sub(BLOCK_ROOM_BYTES),
        }
    }

    /// Makes room for one more, if there is.
    pub(super) fn take(&mut self, transaction: &SignedTransaction) -> bool {
        let size = transaction.size_bytes();
        if self.transactions == 0 || self.bytes < size {
            return false;
        }
        self.transactions -= 1;
        self.bytes -= size;
        true
    }

    /// Takes back what was taken for this one.
    pub(super) fn give_back(&mut self, transaction: &SignedTransaction) {
        self.transactions += 1;
        self.bytes += transaction.size_bytes();
    }
}
