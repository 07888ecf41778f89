//! One payment: what was signed, what became of it, and what may be believed about that.
//!
//! The promise: every payment ends final, rejected, replaced or expired; the owner's wallet knows which, also after a
//! crash; and retrying is always safe. It rests on three facts of the chain: a transaction has one identity however
//! often it is sent, one nonce of an account is used once, and after `valid_until` it is used no more. So an end is
//! written down only for a proof; a node's word is kept as [`Payment::last_refusal`] and ends nothing.
//! Nothing here reads a clock, a file or the network. Read next: `payment/machine.rs` (how an end is reached),
//! `journal.rs` (what is remembered), `draft.rs` (how a payment begins).

mod machine;
mod refusal;

#[cfg(test)]
mod machine_tests;
#[cfg(test)]
mod world_tests;

pub use machine::{
    Input, MIN_ASK_GAP_MS, NodeIndex, Output, PaymentMachine, Question, SUBMIT_COPIES,
    SUBMIT_TIMEOUT_MS, SubmitAnswer,
};
pub use refusal::{MAX_REFUSAL_TEXT, Refusal};

use crate::chain::hash::Hash;
use crate::chain::name::Name;
use crate::chain::transaction::{SignedTransaction, TransactionId};
use serde::{Deserialize, Serialize};

/// What became of a payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case", deny_unknown_fields)]
pub enum Status {
    /// Signed and remembered. No node has said that it has it; one may have it all the same.
    Signed,
    /// A node said that it has it. That is a node's word and no end.
    Submitted,
    /// In a block, by a certificate and a proof that the wallet checked itself.
    Final {
        /// The block.
        height: u64,
        /// Milliseconds from signing to the checked proof.
        latency_ms: u64,
        /// Validators whose signatures the certificate carries.
        signed_by: u16,
        /// Validators there are.
        validators: u16,
    },
    /// It can never stand in a block: so the rules say about the proven state.
    Rejected {
        /// [`crate::chain::rules::Rejection::code`].
        code: String,
        /// The reason for people, with the next step.
        message: String,
    },
    /// A proven state at or after its last height does not have it: it can never happen now.
    Expired {
        /// The height of that state.
        height: u64,
    },
    /// Another transaction of the same account took its nonce, proven in a block: it can never happen now.
    Replaced {
        /// That transaction.
        by: TransactionId,
        /// Its block.
        height: u64,
    },
}

impl Status {
    /// Whether this is an end: it never changes again.
    pub fn is_end(&self) -> bool {
        !matches!(self, Self::Signed | Self::Submitted)
    }
}

/// A payment as it is remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    id: TransactionId,
    transaction: SignedTransaction,
    to_name: Option<Name>,
    created_ms: u64,
    status: Status,
    last_refusal: Option<Refusal>,
}

impl Payment {
    /// A payment just signed at `created_ms` (milliseconds since 1970); `to_name` is the name that the owner typed
    /// and that was proven to be the payee's.
    pub fn new(transaction: SignedTransaction, to_name: Option<Name>, created_ms: u64) -> Self {
        Self {
            id: transaction.id(),
            transaction,
            to_name,
            created_ms,
            status: Status::Signed,
            last_refusal: None,
        }
    }

    /// A payment as it was remembered.
    pub(super) fn remembered(
        transaction: SignedTransaction,
        to_name: Option<Name>,
        created_ms: u64,
        status: Status,
        last_refusal: Option<Refusal>,
    ) -> Self {
        Self {
            status,
            last_refusal,
            ..Self::new(transaction, to_name, created_ms)
        }
    }

    /// Its identity: the transaction's.
    pub fn id(&self) -> TransactionId {
        self.id
    }

    /// The signed bytes' content: what is sent, the same each time.
    pub fn transaction(&self) -> &SignedTransaction {
        &self.transaction
    }

    /// The network that it belongs to.
    pub fn genesis(&self) -> Hash {
        self.transaction.transaction.genesis
    }

    /// Its place in the order of the account's transactions.
    pub fn nonce(&self) -> u64 {
        self.transaction.transaction.nonce
    }

    /// The last height at which it may stand.
    pub fn valid_until(&self) -> u64 {
        self.transaction.transaction.valid_until
    }

    /// The name that the owner typed, if it was one.
    pub fn to_name(&self) -> Option<&Name> {
        self.to_name.as_ref()
    }

    /// When it was signed, in milliseconds since 1970.
    pub fn created_ms(&self) -> u64 {
        self.created_ms
    }

    /// What became of it.
    pub fn status(&self) -> &Status {
        &self.status
    }

    /// The last refusal by a node, if no node has accepted it since. One node's word: it ends nothing.
    pub fn last_refusal(&self) -> Option<&Refusal> {
        self.last_refusal.as_ref()
    }

    /// Whether it still waits for its end.
    pub fn is_unresolved(&self) -> bool {
        !self.status.is_end()
    }

    /// Whether a new payment should take this one's nonce rather than wait behind it: nobody accepted it, and a node
    /// named a reason that would hold up all that follow. Whichever the chain takes, the other ends as replaced.
    pub fn gives_way(&self) -> bool {
        self.status == Status::Signed
            && self
                .last_refusal
                .as_ref()
                .is_some_and(Refusal::holds_up_later_payments)
    }

    /// Notes that a node has it. Tells whether that is news.
    fn note_accepted(&mut self) -> bool {
        let news = self.status == Status::Signed || self.last_refusal.is_some();
        if self.is_unresolved() {
            self.status = Status::Submitted;
            self.last_refusal = None;
        }
        news
    }

    /// Notes a node's refusal. Tells whether that is news.
    fn note_refused(&mut self, refusal: Refusal) -> bool {
        // A node that accepted it may already have spread it: a later refusal elsewhere says less than that.
        let news = self.status == Status::Signed && self.last_refusal.as_ref() != Some(&refusal);
        if news {
            self.last_refusal = Some(refusal);
        }
        news
    }

    /// Writes an end down. The first one stands.
    fn end(&mut self, status: Status) {
        if self.is_unresolved() {
            self.status = status;
        }
    }
}
