//! Receipts: a small file that proves a final payment to anybody who has the network's bootstrap file, with no network.
//!
//! The proof is what a node answers when it is asked for a transaction (`chain/query/record.rs`), in hexadecimal digits; what
//! stands above it says the same for people. There is one file for a proof: a reader writes it again from the proof alone and
//! takes it only if every byte is the same, so nothing that a person reads in it can differ from what is proven.
//!
//! It must never say a word that does not follow from the proof: no names of accounts or nodes, which are hearsay here or
//! change. Format: `docs/protocol.md`, "Receipts".

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use super::memo::{self, Reading};
use crate::chain::amount::Amount;
use crate::chain::certificate::Certificate;
use crate::chain::codec::{Decode, DecodeError, Encode};
use crate::chain::hash::{Hash, hex, unhex};
use crate::chain::key::{Address, PublicKey};
use crate::chain::name::Name;
use crate::chain::query::{
    AnswerError, Certified, Proven, TransactionAnswer, TransactionRecord, Trust,
};
use crate::chain::transaction::{Operation, SignedTransaction};
use crate::chain::validator::MAX_VALIDATORS;
use crate::directory::utc;

/// Most bytes of a receipt's file.
pub const MAX_RECEIPT_BYTES: usize = 32 << 10;

/// The version of the form.
const VERSION: u32 = 1;

/// A certificate of all validators, the longest transaction and path, in digits, and the text above them fit.
const _: () = assert!(
    2 * (MAX_VALIDATORS * 66 + crate::chain::transaction::MAX_TRANSACTION_BYTES + 33 * 32 + 512)
        + 4096
        <= MAX_RECEIPT_BYTES
);

/// Why a file is no receipt, or proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// Longer than any receipt.
    #[error(
        "the file has {length} bytes, a receipt has at most {MAX_RECEIPT_BYTES}; give the file that `natcoin wallet receipt` wrote"
    )]
    TooLarge {
        /// Its length, or more than the limit.
        length: usize,
    },
    /// Something else.
    #[error("the file is no receipt ({0}); give the file that `natcoin wallet receipt` wrote")]
    NotAReceipt(String),
    /// Of a later form.
    #[error("the receipt has version {0}, this program knows {VERSION}; update the program")]
    Version(u32),
    /// A part of the proof that cannot be read.
    #[error("the receipt's {part} cannot be read ({why}); ask for the file again")]
    Malformed {
        /// Which part.
        part: &'static str,
        /// Why.
        why: String,
    },
    /// What is written is not what the proof says.
    #[error(
        "line {line} of the receipt is not what its proof says: the file was changed; believe nothing in it, and ask for the file again"
    )]
    Changed {
        /// The first line that differs, from 1.
        line: usize,
    },
    /// It proves nothing under the trusted validators.
    #[error("the receipt proves nothing: {}; believe nothing in it", plain(.0))]
    Unproven(AnswerError),
    /// It is of another network.
    #[error(
        "the receipt is of the network {given}, the bootstrap file of {expected}; name the file of the receipt's network with --bootstrap"
    )]
    OtherNetwork {
        /// The receipt's.
        given: Hash,
        /// The bootstrap file's.
        expected: Hash,
    },
}

/// The refusal without its advice to ask another node: nobody was asked.
fn plain(error: &AnswerError) -> String {
    let text = error.to_string();
    let bare = text.strip_suffix(": ask another node").unwrap_or(&text);
    bare.to_owned()
}

/// A receipt, not yet believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt(TransactionAnswer);

/// What a receipt proves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipted {
    /// The transaction, and the block in which it is final.
    pub record: Proven<TransactionRecord>,
    /// The places of those who have signed the block, among the network's validators.
    pub signers: Vec<u16>,
}

impl Receipt {
    /// The receipt of an answer.
    pub fn new(answer: TransactionAnswer) -> Self {
        Self(answer)
    }

    /// The file, with a line break at the end.
    pub fn write(&self) -> String {
        let mut text = serde_json::to_string_pretty(&Written::from(&self.0))
            .expect("texts and numbers can always be written as JSON");
        text.push('\n');
        text
    }

    /// Reads a file.
    ///
    /// # Errors
    /// A [`ReceiptError`]; also for a file that differs in any byte from the one that its proof has.
    pub fn read(file: &[u8]) -> Result<Self, ReceiptError> {
        if file.len() > MAX_RECEIPT_BYTES {
            let length = file.len();
            return Err(ReceiptError::TooLarge { length });
        }
        let no_receipt = |error: serde_json::Error| ReceiptError::NotAReceipt(error.to_string());
        let Marked { natcoin_receipt } = serde_json::from_slice(file).map_err(no_receipt)?;
        if natcoin_receipt != VERSION {
            return Err(ReceiptError::Version(natcoin_receipt));
        }
        let Given { proof } = serde_json::from_slice(file).map_err(no_receipt)?;
        let receipt = Self(TransactionAnswer {
            certified: Certified {
                header: part("header", proof.header)?,
                certificate: part("certificate", proof.certificate)?,
            },
            transaction: part("transaction", proof.transaction)?,
            path: part("path", proof.path)?,
        });
        let written = receipt.write();
        match written.as_bytes() == file {
            true => Ok(receipt),
            false => Err(ReceiptError::Changed {
                line: first_difference(written.as_bytes(), file),
            }),
        }
    }

    /// What it proves, under the validators of a bootstrap file.
    ///
    /// # Errors
    /// [`ReceiptError::Unproven`], [`ReceiptError::OtherNetwork`].
    pub fn verify(self, trust: &Trust) -> Result<Receipted, ReceiptError> {
        let id = self.0.transaction.id();
        let parts = &self.0.certified.certificate.signatures;
        let signers = parts.iter().map(|one| one.validator).collect();
        match self.0.verify(trust, &id) {
            Ok(record) => Ok(Receipted { record, signers }),
            Err(AnswerError::ForeignNetwork { given, expected }) => {
                Err(ReceiptError::OtherNetwork { given, expected })
            }
            Err(error) => Err(ReceiptError::Unproven(error)),
        }
    }
}

/// The line, from 1, of the first byte that differs.
fn first_difference(one: &[u8], other: &[u8]) -> usize {
    let same = one.iter().zip(other).take_while(|(a, b)| a == b).count();
    1 + one[..same].iter().filter(|byte| **byte == b'\n').count()
}

fn part<T: Decode>(part: &'static str, digits: &str) -> Result<T, ReceiptError> {
    let malformed = |why: String| ReceiptError::Malformed { part, why };
    let bytes = unhex(digits).ok_or_else(|| malformed("hexadecimal digits are expected".into()))?;
    T::from_bytes(&bytes).map_err(|error: DecodeError| malformed(error.to_string()))
}

/// What says that a file is a receipt, before the rest is looked at.
#[derive(Deserialize)]
struct Marked {
    natcoin_receipt: u32,
}

/// All that is read: the rest follows from it.
#[derive(Deserialize)]
struct Given<'a> {
    #[serde(borrow)]
    proof: GivenProof<'a>,
}

#[derive(Deserialize)]
struct GivenProof<'a> {
    header: &'a str,
    certificate: &'a str,
    transaction: &'a str,
    path: &'a str,
}

/// The file, in the order of its lines.
#[derive(Serialize)]
struct Written {
    natcoin_receipt: u32,
    network: Hash,
    transaction: Hash,
    #[serde(flatten)]
    what: What,
    block: Place,
    proof: Proof,
}

/// What happened.
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum What {
    Payment {
        from: Address,
        to: Address,
        amount: Amount,
        fee: Amount,
        memo: Note,
    },
    Name {
        account: Address,
        name: Name,
        fee: Amount,
    },
    Voucher {
        step: VoucherStep,
        account: Address,
        voucher: String,
        amount: Amount,
        fee: Amount,
    },
}

/// What was done with a voucher.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum VoucherStep {
    /// Money was put into it.
    Opened,
    /// A share was claimed.
    Claimed,
    /// The rest was taken back.
    Reclaimed,
}

/// A payment's memo. What is private stays so: the receipt says only that there is one.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Note {
    None,
    Public(String),
    Private,
}

/// Where and when it became final.
#[derive(Serialize)]
struct Place {
    height: u64,
    id: Hash,
    time: String,
    signatures: usize,
}

#[derive(Serialize)]
struct Proof {
    header: String,
    certificate: String,
    transaction: String,
    path: String,
}

impl From<&TransactionAnswer> for Written {
    fn from(answer: &TransactionAnswer) -> Self {
        let Certified {
            header,
            certificate,
        } = &answer.certified;
        let Certificate { signatures, .. } = certificate;
        Self {
            natcoin_receipt: VERSION,
            network: header.genesis,
            transaction: answer.transaction.id(),
            what: What::of(&answer.transaction),
            block: Place {
                height: header.height,
                id: header.id(),
                time: utc::format(header.time_ms),
                signatures: signatures.len(),
            },
            proof: Proof {
                header: hex(&header.to_bytes()),
                certificate: hex(&certificate.to_bytes()),
                transaction: hex(&answer.transaction.to_bytes()),
                path: hex(&answer.path.to_bytes()),
            },
        }
    }
}

impl What {
    fn of(signed: &SignedTransaction) -> Self {
        let transaction = &signed.transaction;
        let (account, fee) = (transaction.sender, transaction.fee);
        let voucher = |step, voucher: &PublicKey, amount| Self::Voucher {
            step,
            account,
            voucher: voucher.to_string(),
            amount,
            fee,
        };
        match &transaction.operation {
            Operation::Transfer { to, amount, .. } => Self::Payment {
                from: account,
                to: *to,
                amount: *amount,
                fee,
                memo: match memo::read(transaction, None) {
                    Reading::Empty => Note::None,
                    Reading::Public(text) => Note::Public(text.to_text()),
                    Reading::Private(_) | Reading::Sealed => Note::Private,
                },
            },
            Operation::ClaimName { name } => Self::Name {
                account,
                name: name.clone(),
                fee,
            },
            Operation::OpenVoucher { voucher: key, .. } => {
                // What is final has kept the rules, so it can be written.
                let locked = transaction.operation.spent().unwrap_or(Amount::MAX);
                voucher(VoucherStep::Opened, key, locked)
            }
            Operation::ClaimVoucher {
                voucher: key,
                share,
                ..
            } => voucher(VoucherStep::Claimed, key, *share),
            Operation::ReclaimVoucher {
                voucher: key,
                amount,
            } => voucher(VoucherStep::Reclaimed, key, *amount),
        }
    }
}
