//! Transactions: what an account's owner asks the ledger to do.
//!
//! A transaction is bound to one network by the genesis hash, happens at most once by its nonce,
//! and cannot happen after its `valid_until` height. Its identity is the hash of what is signed, so
//! the signature cannot change it. What makes one valid stands in `rules.rs`.

use std::fmt;

use super::amount::Amount;
use super::codec::{Decode, DecodeError, Encode, Reader, put_bytes};
use super::hash::Hash;
use super::key::{Address, Claim, PublicKey, SecretKey, Signature};
use super::name::Name;
use super::voucher::{ClaimWords, MAX_CLAIMS};

/// Most bytes of a memo.
pub const MAX_MEMO_BYTES: usize = 256;

/// Most bytes of an encoded [`SignedTransaction`]: a bound for whoever receives one.
pub const MAX_TRANSACTION_BYTES: usize = 1024;

/// Genesis, sender, key; nonce, last height, fee.
const COMMON_BYTES: usize = 3 * 32 + 3 * 8;
/// The tag, payee, amount and the memo's length.
const TRANSFER_BYTES: usize = 1 + 32 + 8 + 4;
/// The tag, key, share, count, last time and the memo's length.
const OPEN_VOUCHER_BYTES: usize = 1 + 32 + 8 + 2 + 8 + 4;
/// The tag, key, opener, opening, share, proof.
const CLAIM_VOUCHER_BYTES: usize = 1 + 32 + 32 + 32 + 8 + 64;
/// The tag, key and amount.
const RECLAIM_VOUCHER_BYTES: usize = 1 + 32 + 8;
const SIGNATURE_BYTES: usize = 64;

const SIGN_TAG: &[u8] = b"natcoin/transaction/sign/1";

/// A note that travels with a transfer: any bytes, at most [`MAX_MEMO_BYTES`].
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Memo(Vec<u8>);

/// A memo that is too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the memo has {length} bytes: at most {MAX_MEMO_BYTES} are allowed; shorten it")]
pub struct MemoTooLong {
    /// Its bytes.
    pub length: usize,
}

impl Memo {
    /// A memo of these bytes.
    ///
    /// # Errors
    /// [`MemoTooLong`] above [`MAX_MEMO_BYTES`].
    pub fn new(bytes: impl Into<Vec<u8>>) -> Result<Self, MemoTooLong> {
        let bytes = bytes.into();
        match bytes.len() {
            length if length > MAX_MEMO_BYTES => Err(MemoTooLong { length }),
            _ => Ok(Self(bytes)),
        }
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The memo for people: control characters, those that turn the direction of writing, and other
    /// bytes than UTF-8 are replaced by `U+FFFD`, so that a stranger's memo cannot move the reader's
    /// cursor, colour the screen or reorder what stands beside it.
    pub fn to_text(&self) -> String {
        String::from_utf8_lossy(&self.0)
            .chars()
            .map(|c| if is_harmful(c) { '\u{fffd}' } else { c })
            .collect()
    }
}

/// Control characters, line and paragraph separators, and the bidirectional controls of Unicode (UAX #9).
fn is_harmful(c: char) -> bool {
    let turns = matches!(c,
        '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c.is_control() || turns || matches!(c, '\u{2028}' | '\u{2029}')
}

impl fmt::Debug for Memo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.to_text())
    }
}

/// What a transaction does.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Operation {
    /// Moves money.
    Transfer {
        /// The payee.
        to: Address,
        /// How much the payee gets.
        amount: Amount,
        /// A note: public text, or sealed for payer and payee (`wallet/memo.rs`); the rules do not look inside.
        memo: Memo,
    },
    /// Takes a free name for the sender's account, for good.
    ClaimName {
        /// The name.
        name: Name,
    },
    /// Locks money under a one-time key, for whoever has that key's secret.
    OpenVoucher {
        /// The one-time key.
        voucher: PublicKey,
        /// What each claim takes out, its fee included.
        share: Amount,
        /// How many claims there are, 1 to [`MAX_CLAIMS`]; one an account.
        count: u16,
        /// The last block time at which it can be claimed: milliseconds since 1970.
        until_ms: u64,
        /// A note, for those who have the secret; the rules do not look inside.
        memo: Memo,
    },
    /// Takes a share out of a voucher, for the sender, who may have no account before.
    ClaimVoucher {
        /// The voucher's key.
        voucher: PublicKey,
        /// Who has opened it.
        opener: Address,
        /// By which transaction.
        opening: TransactionId,
        /// What is taken out; the fee goes off it.
        share: Amount,
        /// The signature of the voucher's secret over the [`ClaimWords`].
        proof: Signature,
    },
    /// Takes all that is left out of a voucher of one's own.
    ReclaimVoucher {
        /// The voucher's key.
        voucher: PublicKey,
        /// What is left in it; the fee goes off it.
        amount: Amount,
    },
}

/// What is signed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Transaction {
    /// The network: the hash of its genesis.
    pub genesis: Hash,
    /// Who pays.
    pub sender: Address,
    /// The sender's key that signs; it must be the account's current one.
    pub key: PublicKey,
    /// How many transactions of the sender stand before it on the chain.
    pub nonce: u64,
    /// The last height at which it may stand.
    pub valid_until: u64,
    /// What the proposer gets.
    pub fee: Amount,
    /// What it does.
    pub operation: Operation,
}

/// A transaction's identity: the hash of what is signed.
pub type TransactionId = Hash;

impl Transaction {
    /// The transaction's identity.
    pub fn id(&self) -> TransactionId {
        Hash::of_value("natcoin/transaction/1", self)
    }

    /// The bytes that are signed: a tag and the canonical encoding, genesis hash first.
    pub fn sign_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(SIGN_TAG.len() + self.size_hint());
        bytes.extend_from_slice(SIGN_TAG);
        self.encode(&mut bytes);
        bytes
    }

    /// Signs it. The signature is good only if `secret` is the half of [`Transaction::key`].
    pub fn sign(self, secret: &SecretKey) -> SignedTransaction {
        let signature = secret.sign(&self.sign_bytes());
        SignedTransaction {
            transaction: self,
            signature,
        }
    }

    /// All that leaves the sender's account: fee and what is paid or locked. Nothing, where the fee goes off what comes
    /// out of a voucher. `None` if that is more than can be written.
    pub fn cost(&self) -> Option<Amount> {
        match self.income() {
            Some(_) => Some(Amount::ZERO),
            None => self.operation.spent()?.checked_add(self.fee),
        }
    }

    /// What comes out of a voucher, the fee not yet taken off; `None` for what takes nothing out of one.
    pub fn income(&self) -> Option<Amount> {
        match &self.operation {
            Operation::ClaimVoucher { share: income, .. }
            | Operation::ReclaimVoucher { amount: income, .. } => Some(*income),
            Operation::Transfer { .. }
            | Operation::ClaimName { .. }
            | Operation::OpenVoucher { .. } => None,
        }
    }

    /// The payee, if it has one.
    pub fn payee(&self) -> Option<Address> {
        match &self.operation {
            Operation::Transfer { to, .. } => Some(*to),
            _ => None,
        }
    }

    /// The other account that it is an activity of, beside the sender's: the payee's, or that of who opened the voucher.
    pub fn other_party(&self) -> Option<Address> {
        match &self.operation {
            Operation::Transfer { to: other, .. }
            | Operation::ClaimVoucher { opener: other, .. } => Some(*other),
            _ => None,
        }
    }

    /// What the secret of a voucher has to have signed, its key, and what it has.
    fn voucher_proof(&self) -> Option<(ClaimWords, Signature)> {
        match &self.operation {
            Operation::ClaimVoucher {
                voucher,
                opening,
                proof,
                ..
            } => {
                let words = ClaimWords {
                    genesis: self.genesis,
                    voucher: *voucher,
                    opening: *opening,
                    claimer: self.sender,
                };
                Some((words, *proof))
            }
            _ => None,
        }
    }
}

impl Operation {
    /// What leaves the sender's account beside the fee; `None` if that is more than can be written.
    pub fn spent(&self) -> Option<Amount> {
        match self {
            Self::Transfer { amount, .. } => Some(*amount),
            Self::OpenVoucher { share, count, .. } => {
                let nits = share.nits().checked_mul(u64::from(*count))?;
                Some(Amount::from_nits(nits))
            }
            Self::ClaimName { .. } | Self::ClaimVoucher { .. } | Self::ReclaimVoucher { .. } => {
                Some(Amount::ZERO)
            }
        }
    }

    /// The voucher that it opens, claims or takes back.
    pub fn voucher(&self) -> Option<PublicKey> {
        match self {
            Self::OpenVoucher { voucher, .. }
            | Self::ClaimVoucher { voucher, .. }
            | Self::ReclaimVoucher { voucher, .. } => Some(*voucher),
            Self::Transfer { .. } | Self::ClaimName { .. } => None,
        }
    }

    /// The memo, and the key of who may read it beside the sender: the payee's, or the voucher's.
    pub fn memo(&self) -> Option<(Address, &Memo)> {
        match self {
            Self::Transfer { to, memo, .. } => Some((*to, memo)),
            Self::OpenVoucher { voucher, memo, .. } => Some((voucher.address(), memo)),
            _ => None,
        }
    }

    /// The same, to be written.
    pub fn memo_mut(&mut self) -> Option<(Address, &mut Memo)> {
        match self {
            Self::Transfer { to, memo, .. } => Some((*to, memo)),
            Self::OpenVoucher { voucher, memo, .. } => Some((voucher.address(), memo)),
            _ => None,
        }
    }
}

/// A transaction with its sender's signature: not yet known to be good.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SignedTransaction {
    /// What is signed.
    pub transaction: Transaction,
    /// The signature over [`Transaction::sign_bytes`].
    pub signature: Signature,
}

impl SignedTransaction {
    /// The transaction's identity.
    pub fn id(&self) -> TransactionId {
        self.transaction.id()
    }

    /// How many bytes it has, encoded.
    pub fn size_bytes(&self) -> usize {
        self.transaction.size_hint() + SIGNATURE_BYTES
    }

    /// Whether its signatures are good (rule K1 of `key.rs`): the sender's, and for a claim the voucher's.
    pub fn signature_is_good(&self) -> bool {
        let transaction = &self.transaction;
        let is_signed = transaction
            .key
            .verify(&transaction.sign_bytes(), &self.signature);
        let proof = transaction.voucher_proof();
        is_signed
            && proof.is_none_or(|(words, proof)| words.voucher.verify(&words.sign_bytes(), &proof))
    }

    /// The bytes that a voucher's secret has to have signed, if it is a claim of one.
    pub fn proof_bytes(&self) -> Option<Vec<u8>> {
        let (words, _) = self.transaction.voucher_proof()?;
        Some(words.sign_bytes())
    }

    /// The voucher's part of a batch, over `proof_bytes` made by [`SignedTransaction::proof_bytes`].
    pub fn proof_claim<'a>(&self, proof_bytes: &'a [u8]) -> Option<Claim<'a>> {
        let (words, signature) = self.transaction.voucher_proof()?;
        Some(Claim {
            key: words.voucher,
            message: proof_bytes,
            signature,
        })
    }

    /// The sender's part of a batch, over `sign_bytes` made by [`Transaction::sign_bytes`].
    pub fn claim<'a>(&self, sign_bytes: &'a [u8]) -> Claim<'a> {
        Claim {
            key: self.transaction.key,
            message: sign_bytes,
            signature: self.signature,
        }
    }
}

impl Encode for Operation {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Transfer { to, amount, memo } => {
                out.push(0);
                to.encode(out);
                amount.encode(out);
                put_bytes(out, &memo.0);
            }
            Self::ClaimName { name } => {
                out.push(1);
                name.encode(out);
            }
            Self::OpenVoucher {
                voucher,
                share,
                count,
                until_ms,
                memo,
            } => {
                out.push(2);
                voucher.encode(out);
                share.encode(out);
                count.encode(out);
                until_ms.encode(out);
                put_bytes(out, &memo.0);
            }
            Self::ClaimVoucher {
                voucher,
                opener,
                opening,
                share,
                proof,
            } => {
                out.push(3);
                voucher.encode(out);
                opener.encode(out);
                opening.encode(out);
                share.encode(out);
                proof.encode(out);
            }
            Self::ReclaimVoucher { voucher, amount } => {
                out.push(4);
                voucher.encode(out);
                amount.encode(out);
            }
        }
    }
}

/// R0: "A voucher has 1 to 256 claims."
fn decode_count(reader: &mut Reader<'_>) -> Result<u16, DecodeError> {
    match u16::decode(reader)? {
        count if (1..=MAX_CLAIMS).contains(&count) => Ok(count),
        count => Err(DecodeError::invalid(
            "voucher",
            format!("it has {count} claims: 1 to {MAX_CLAIMS} are allowed"),
        )),
    }
}

impl Decode for Operation {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match u8::decode(reader)? {
            0 => Ok(Self::Transfer {
                to: Address::decode(reader)?,
                amount: Amount::decode(reader)?,
                memo: Memo(reader.bytes("memo", MAX_MEMO_BYTES)?.to_vec()),
            }),
            1 => Ok(Self::ClaimName {
                name: Name::decode(reader)?,
            }),
            2 => Ok(Self::OpenVoucher {
                voucher: PublicKey::decode(reader)?,
                share: Amount::decode(reader)?,
                count: decode_count(reader)?,
                until_ms: u64::decode(reader)?,
                memo: Memo(reader.bytes("memo", MAX_MEMO_BYTES)?.to_vec()),
            }),
            3 => Ok(Self::ClaimVoucher {
                voucher: PublicKey::decode(reader)?,
                opener: Address::decode(reader)?,
                opening: Hash::decode(reader)?,
                share: Amount::decode(reader)?,
                proof: Signature::decode(reader)?,
            }),
            4 => Ok(Self::ReclaimVoucher {
                voucher: PublicKey::decode(reader)?,
                amount: Amount::decode(reader)?,
            }),
            tag => Err(DecodeError::UnknownTag {
                what: "operation",
                tag,
            }),
        }
    }
}

impl Encode for Transaction {
    /// Exact.
    fn size_hint(&self) -> usize {
        let operation = match &self.operation {
            Operation::Transfer { memo, .. } => TRANSFER_BYTES + memo.0.len(),
            Operation::ClaimName { name } => 1 + 4 + name.as_str().len(),
            Operation::OpenVoucher { memo, .. } => OPEN_VOUCHER_BYTES + memo.0.len(),
            Operation::ClaimVoucher { .. } => CLAIM_VOUCHER_BYTES,
            Operation::ReclaimVoucher { .. } => RECLAIM_VOUCHER_BYTES,
        };
        COMMON_BYTES + operation
    }

    fn encode(&self, out: &mut Vec<u8>) {
        self.genesis.encode(out);
        self.sender.encode(out);
        self.key.encode(out);
        self.nonce.encode(out);
        self.valid_until.encode(out);
        self.fee.encode(out);
        self.operation.encode(out);
    }
}

impl Decode for Transaction {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            genesis: Hash::decode(reader)?,
            sender: Address::decode(reader)?,
            key: PublicKey::decode(reader)?,
            nonce: u64::decode(reader)?,
            valid_until: u64::decode(reader)?,
            fee: Amount::decode(reader)?,
            operation: Operation::decode(reader)?,
        })
    }
}

impl Encode for SignedTransaction {
    fn size_hint(&self) -> usize {
        self.size_bytes()
    }

    fn encode(&self, out: &mut Vec<u8>) {
        self.transaction.encode(out);
        self.signature.encode(out);
    }
}

impl Decode for SignedTransaction {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            transaction: Transaction::decode(reader)?,
            signature: Signature::decode(reader)?,
        })
    }
}

#[cfg(test)]
mod tests;
