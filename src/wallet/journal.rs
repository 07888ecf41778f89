//! What is remembered of payments: an ordered, bounded list as JSON text.
//!
//! A payment is in the journal, on the disk, before its first byte is sent, so that a crash loses nothing and a retry
//! sends the same bytes. The journal never forgets a payment without an end and never changes an end. A damaged one is
//! refused, never mended by dropping lines. One journal may hold payments on several networks; each network's count
//! for themselves. Read next: `payment.rs`; the file itself is written by `node/profile.rs`.

#[cfg(test)]
mod tests;

use super::payment::{Payment, Refusal, Status};
use crate::chain::codec::{Decode, Encode};
use crate::chain::hash::{Hash, hex, unhex};
use crate::chain::name::Name;
use crate::chain::transaction::{MAX_TRANSACTION_BYTES, SignedTransaction, TransactionId};
use crate::mutation::{self, Mutation};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The version that is written and read.
pub const VERSION: u64 = 1;

/// Most payments remembered. When it is full, the oldest that has its end makes room.
pub const MAX_PAYMENTS: usize = 256;

/// Most payments without an end on one network: each waits for those before it.
pub const MAX_UNRESOLVED: usize = 16;

/// Longest journal in bytes: every payment at its longest, with room to spare.
pub const MAX_JOURNAL_BYTES: usize = MAX_PAYMENTS * (2 * MAX_TRANSACTION_BYTES + 4096);

/// Why a journal was refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum JournalError {
    /// The text is longer than any journal.
    #[error(
        "it is {bytes} bytes long, more than {max}; move it away and run `natcoin wallet history` to see what was paid"
    )]
    TooLarge {
        /// Its length.
        bytes: usize,
        /// The longest.
        max: usize,
    },
    /// Not the JSON of a journal.
    #[error(
        "it is damaged: {problem}; move it away and run `natcoin wallet history` to see what was paid"
    )]
    Malformed {
        /// What is wrong and where.
        problem: String,
    },
    /// Written by a newer program.
    #[error("it has version {found}, this program reads version {known}; update natcoin")]
    UnknownVersion {
        /// Version found.
        found: u64,
        /// The version that we write and read.
        known: u64,
    },
    /// Too many payments wait for their end.
    #[error(
        "{limit} payments wait for their end already; see them with `natcoin wallet history` and wait until one is final or expired"
    )]
    TooManyUnresolved {
        /// The limit.
        limit: usize,
    },
    /// The payment has its end, and another was to be written over it.
    #[error("payment {id} has its end already, which never changes")]
    Ended {
        /// The payment.
        id: TransactionId,
    },
}

/// The payments of one wallet, the oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Journal {
    payments: Vec<Payment>,
}

impl Journal {
    /// A journal with nothing in it.
    pub fn new() -> Self {
        Self::default()
    }

    /// All payments, the oldest first.
    pub fn payments(&self) -> &[Payment] {
        &self.payments
    }

    /// The payment of this identity.
    pub fn get(&self, id: &TransactionId) -> Option<&Payment> {
        self.payments.iter().find(|payment| payment.id() == *id)
    }

    /// The payments on this network that wait for their end, the oldest first: to be resumed when a wallet starts.
    pub fn unresolved(&self, genesis: Hash) -> impl Iterator<Item = &Payment> {
        self.payments
            .iter()
            .filter(move |payment| payment.is_unresolved() && payment.genesis() == genesis)
    }

    /// Notes a payment: a new one, or a new status of one that is there. [`super::payment::Output::Save`] asks for it.
    ///
    /// # Errors
    /// [`JournalError::TooManyUnresolved`], [`JournalError::Ended`]; nothing is changed then.
    pub fn record(&mut self, payment: Payment) -> Result<(), JournalError> {
        let id = payment.id();
        if let Some(known) = self.payments.iter_mut().find(|known| known.id() == id) {
            if known.status().is_end() && *known != payment {
                return Err(JournalError::Ended { id });
            }
            *known = payment;
            return Ok(());
        }
        if payment.is_unresolved() && self.unresolved(payment.genesis()).count() >= MAX_UNRESOLVED {
            return Err(JournalError::TooManyUnresolved {
                limit: MAX_UNRESOLVED,
            });
        }
        if self.payments.len() >= MAX_PAYMENTS {
            let oldest_ended = self.payments.iter().position(|old| !old.is_unresolved());
            match oldest_ended {
                Some(index) => drop(self.payments.remove(index)),
                None => {
                    return Err(JournalError::TooManyUnresolved {
                        limit: MAX_PAYMENTS,
                    });
                }
            }
        }
        self.payments.push(payment);
        Ok(())
    }

    /// The payments that may still happen, given the account's proven nonce and the height after that proof: those
    /// that wait for their end, but for the ones that the nonce has passed or whose last height is over.
    pub fn possible(
        &self,
        genesis: Hash,
        proven_nonce: u64,
        next_height: u64,
    ) -> impl Iterator<Item = &Payment> {
        self.unresolved(genesis).filter(move |payment| {
            payment.nonce() >= proven_nonce && payment.valid_until() >= next_height
        })
    }

    /// The nonce of the next payment, given the account's proven nonce and the height after that proof: that of a
    /// payment that gives way (see [`Payment::gives_way`]), else the lowest that no possible payment has.
    ///
    /// So a new payment never competes with one that a node accepted, and a gap that an expired payment left is filled.
    /// Nor with one that became final after the account was asked for.
    pub fn next_nonce(&self, genesis: Hash, proven_nonce: u64, next_height: u64) -> u64 {
        let proven_nonce = proven_nonce.max(self.first_unused_nonce(genesis));
        let possible = || self.possible(genesis, proven_nonce, next_height);
        let taken_over = possible()
            .filter(|payment| payment.gives_way() && !mutation::is_on(Mutation::NonceNotReused));
        if let Some(nonce) = taken_over.map(Payment::nonce).min() {
            return nonce;
        }
        let taken: std::collections::BTreeSet<u64> = possible().map(Payment::nonce).collect();
        (proven_nonce..u64::MAX)
            .find(|nonce| !taken.contains(nonce))
            .unwrap_or(u64::MAX)
    }

    /// The nonce after the last that is proven to be in a block.
    fn first_unused_nonce(&self, genesis: Hash) -> u64 {
        let is_used = |payment: &&Payment| {
            let status = payment.status();
            matches!(status, Status::Final { .. } | Status::Replaced { .. })
        };
        let here = |payment: &&Payment| payment.genesis() == genesis;
        let used = self.payments.iter().filter(here).filter(is_used);
        used.map(|payment| payment.nonce().saturating_add(1))
            .max()
            .unwrap_or(0)
    }

    /// The journal as JSON text.
    pub fn encode(&self) -> Vec<u8> {
        let text = JournalText {
            version: VERSION,
            payments: self.payments.iter().map(PaymentText::of).collect(),
        };
        let mut bytes =
            serde_json::to_vec_pretty(&text).expect("texts and numbers have a JSON form");
        bytes.push(b'\n');
        bytes
    }

    /// Reads what [`Journal::encode`] wrote.
    ///
    /// # Errors
    /// [`JournalError::TooLarge`], [`JournalError::UnknownVersion`], [`JournalError::Malformed`].
    pub fn decode(bytes: &[u8]) -> Result<Self, JournalError> {
        if bytes.len() > MAX_JOURNAL_BYTES {
            return Err(JournalError::TooLarge {
                bytes: bytes.len(),
                max: MAX_JOURNAL_BYTES,
            });
        }
        // Order: the version first, since a newer one may name every other field differently.
        let VersionText { version } = serde_json::from_slice(bytes).map_err(malformed)?;
        if version != VERSION {
            return Err(JournalError::UnknownVersion {
                found: version,
                known: VERSION,
            });
        }
        let text: JournalText = serde_json::from_slice(bytes).map_err(malformed)?;
        if text.payments.len() > MAX_PAYMENTS {
            return Err(malformed(format!(
                "{} payments, at most {MAX_PAYMENTS} are allowed",
                text.payments.len()
            )));
        }
        let mut journal = Self::new();
        for (index, payment) in text.payments.into_iter().enumerate() {
            let at = |problem: String| malformed(format!("payments[{index}]: {problem}"));
            let payment = payment.read().map_err(at)?;
            if journal.get(&payment.id()).is_some() {
                return Err(at(format!("{} is there twice", payment.id())));
            }
            journal.payments.push(payment);
        }
        Ok(journal)
    }
}

fn malformed(problem: impl std::fmt::Display) -> JournalError {
    JournalError::Malformed {
        problem: problem.to_string(),
    }
}

#[derive(Deserialize)]
struct VersionText {
    version: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct JournalText {
    version: u64,
    payments: Vec<PaymentText>,
}

/// A payment's fields in the order in which they are written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PaymentText {
    id: TransactionId,
    status: Status,
    created_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    to_name: Option<Name>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    last_refusal: Option<Refusal>,
    /// The canonical bytes, hexadecimal.
    transaction: String,
}

impl PaymentText {
    fn of(payment: &Payment) -> Self {
        Self {
            id: payment.id(),
            status: payment.status().clone(),
            created_ms: payment.created_ms(),
            to_name: payment.to_name().cloned(),
            last_refusal: payment.last_refusal().cloned(),
            transaction: hex(&payment.transaction().to_bytes()),
        }
    }

    fn read(self) -> Result<Payment, String> {
        let bytes = unhex(&self.transaction).ok_or("`transaction` is not hexadecimal")?;
        let transaction = SignedTransaction::from_bytes(&bytes)
            .map_err(|error| format!("`transaction`: {error}"))?;
        if transaction.id() != self.id {
            return Err("`id` is not the identity of `transaction`".to_owned());
        }
        // What has its end is never sent again: only what waits is worth the time.
        if !self.status.is_end() && !transaction.signature_is_good() {
            return Err("the signature of `transaction` is not good".to_owned());
        }
        let texts = match &self.status {
            Status::Rejected { code, message } => Some(Refusal::new(code, message))
                .filter(|refusal| refusal.code() != code || refusal.message() != message),
            _ => self
                .last_refusal
                .clone()
                .filter(|refusal| !refusal.is_bounded()),
        };
        if texts.is_some() {
            return Err("a code or message is longer than natcoin writes it".to_owned());
        }
        Ok(Payment::remembered(
            transaction,
            self.to_name,
            self.created_ms,
            self.status,
            self.last_refusal,
        ))
    }
}
