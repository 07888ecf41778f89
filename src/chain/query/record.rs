//! Answers from the log: a final transaction, a block.
//!
//! Nothing here proves that a transaction is *not* on the chain. Whoever needs that looks at the
//! sender's account: a nonce that is still free after the last valid height says that it expired.

use super::MAX_ANSWER_BYTES;
use super::trust::{AnswerError, Certified, Proven, Trust};
use crate::chain::block::{Header, MAX_BLOCK_TRANSACTIONS, transaction_leaf, transactions_root};
use crate::chain::codec::{Decode, DecodeError, Encode, Reader, put_sequence};
use crate::chain::merkle::Path;
use crate::chain::transaction::{SignedTransaction, TransactionId};
use crate::mutation::{self, Mutation};

/// A final transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransactionAnswer {
    /// The block that it stands in.
    pub certified: Certified,
    /// The transaction.
    pub transaction: SignedTransaction,
    /// Its way to the header's transactions root.
    pub path: Path,
}

/// A final transaction, proven; the height and time are its block's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransactionRecord {
    /// The transaction.
    pub transaction: SignedTransaction,
    /// Its place in the block, from 0.
    pub index: u32,
}

impl TransactionAnswer {
    /// The transaction with this identity, proven to be final.
    ///
    /// # Errors
    /// An [`AnswerError`] if that is not proven.
    pub fn verify(
        self,
        trust: &Trust,
        id: &TransactionId,
    ) -> Result<Proven<TransactionRecord>, AnswerError> {
        let given = self.transaction.id();
        if given != *id {
            return Err(AnswerError::OtherTransaction { asked: *id, given });
        }
        let at = self.certified.verify(trust)?;
        let root = self.path.root_of(transaction_leaf(&self.transaction));
        let is_in_block = root == Some(self.certified.header.transactions_root);
        if !is_in_block && !mutation::is_on(Mutation::InclusionUnchecked) {
            return Err(AnswerError::NotInBlock { height: at.height });
        }
        let value = TransactionRecord {
            transaction: self.transaction,
            index: self.path.index,
        };
        Ok(Proven { value, at })
    }
}

/// A block, without its transactions if they do not fit into an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockAnswer {
    /// Its header.
    pub certified: Certified,
    /// Its transactions.
    pub transactions: Option<Vec<SignedTransaction>>,
}

/// A block, proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockRecord {
    /// Its header.
    pub header: Header,
    /// Its transactions, all of them; `None` if they did not fit into an answer.
    pub transactions: Option<Vec<SignedTransaction>>,
}

impl BlockAnswer {
    /// The answer for a block; its transactions are left out if they are too many bytes.
    pub fn of(certified: Certified, transactions: Vec<SignedTransaction>) -> Self {
        let mut answer = Self {
            certified,
            transactions: Some(transactions),
        };
        // One byte is the answer's own tag.
        if answer.to_bytes().len() >= MAX_ANSWER_BYTES {
            answer.transactions = None;
        }
        answer
    }

    /// The block of this height, proven.
    ///
    /// # Errors
    /// An [`AnswerError`] if it is not.
    pub fn verify(self, trust: &Trust, height: u64) -> Result<Proven<BlockRecord>, AnswerError> {
        let header = self.certified.header.clone();
        if header.height != height {
            return Err(AnswerError::OtherHeight {
                asked: height,
                given: header.height,
            });
        }
        let at = self.certified.verify(trust)?;
        if let Some(transactions) = &self.transactions
            && transactions_root(transactions) != header.transactions_root
        {
            return Err(AnswerError::NotInBlock { height });
        }
        let value = BlockRecord {
            header,
            transactions: self.transactions,
        };
        Ok(Proven { value, at })
    }
}

impl Encode for TransactionAnswer {
    fn encode(&self, out: &mut Vec<u8>) {
        self.certified.encode(out);
        self.transaction.encode(out);
        self.path.encode(out);
    }
}

impl Decode for TransactionAnswer {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            certified: Certified::decode(reader)?,
            transaction: SignedTransaction::decode(reader)?,
            path: Path::decode(reader)?,
        })
    }
}

impl Encode for BlockAnswer {
    fn encode(&self, out: &mut Vec<u8>) {
        self.certified.encode(out);
        self.transactions.is_some().encode(out);
        if let Some(transactions) = &self.transactions {
            put_sequence(out, transactions);
        }
    }
}

impl Decode for BlockAnswer {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let certified = Certified::decode(reader)?;
        let transactions = match bool::decode(reader)? {
            true => Some(reader.sequence("transactions", MAX_BLOCK_TRANSACTIONS)?),
            false => None,
        };
        Ok(Self {
            certified,
            transactions,
        })
    }
}
