//! What wallets say to each other: requests, notices, receipts, thanks; and the answer, one byte.
//!
//! A notice hands over a payment's signed bytes, exactly as nodes get them; the payment's own signature is all that it
//! needs. A receipt and thanks are the payee's signed words: good to show, never a proof of anything on the chain.
//! Format and rules: `docs/protocol.md`, "Wallet to wallet". Read next: `machine.rs` (what becomes of them).

use super::refusal::{LAST_RULE, Refusal};
use super::request::{
    LineError, MAX_REQUEST_BYTES, Request, RequestId, bytes_of_line, decode_text, is_about_money,
    is_for_us, is_not_our_own, is_of_this_network, is_signed_by, line_of,
};
use crate::chain::codec::{Decode, DecodeError, Encode, Reader, put_bytes};
use crate::chain::hash::Hash;
use crate::chain::key::{Address, SecretKey, Signature};
use crate::chain::transaction::{
    MAX_MEMO_BYTES, Memo, Operation, SignedTransaction, Transaction, TransactionId,
};
use crate::wallet::memo::{self, Letter, Place, Reading, SealRefusal};

/// Most bytes of a message: a notice of the longest payment.
pub const MAX_MESSAGE_BYTES: usize = 520;
/// Bytes of an answer.
pub const REPLY_BYTES: usize = 1;
const _: () = assert!(MAX_REQUEST_BYTES < MAX_MESSAGE_BYTES);
const _: () = assert!(1 + 5 * 32 + 4 + MAX_MEMO_BYTES + 64 <= MAX_MESSAGE_BYTES);
const _: () = assert!(MAX_MESSAGE_BYTES <= crate::chain::armour::MAX_BYTES);

const RECEIPT_SIGNS: &[u8] = b"natcoin/receipt/sign/1";
const THANKS_SIGNS: &[u8] = b"natcoin/thanks/sign/1";
const LINE_NAME: &str = "payment";

/// How a payment came to the payee, by its bringer's word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Delivery {
    /// A node has it.
    Submitted,
    /// No node could be reached: whoever of the two meets one first hands it in.
    HandedOver,
}

/// "Here is the signed payment I have sent."
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The payment, as nodes get it.
    pub payment: SignedTransaction,
    /// How it comes.
    pub delivery: Delivery,
    /// Which request it answers.
    pub request: Option<RequestId>,
}

impl Notice {
    /// Tries the rules P1 to P10 for the wallet of `ours`. Whether it is over does not matter: it may have become final
    /// in time and be told late.
    ///
    /// # Errors
    /// The first rule broken.
    pub fn examine(&self, network: &Hash, ours: &Address) -> Result<(), Refusal> {
        let paid = &self.payment.transaction;
        is_of_this_network(paid.genesis, network)?;
        let Operation::Transfer { to, amount, .. } = &paid.operation else {
            return Err(Refusal::NotForUs { ours: *ours });
        };
        is_for_us(to == ours, ours)?;
        is_not_our_own(&paid.sender, ours)?;
        is_about_money(*amount)?;
        // The account's key is its birth key until an operation can replace it; else anybody signs for anybody.
        let signer = paid.key.address();
        if signer != paid.sender {
            let address = paid.sender;
            return Err(Refusal::Signature { address });
        }
        is_signed_by(&signer, &paid.sign_bytes(), &self.payment.signature)
    }

    /// The payer.
    pub fn payer(&self) -> Address {
        self.payment.transaction.sender
    }

    /// The line of text, to be handed over without any network: `natcoin:payment1...`.
    pub fn to_line(&self) -> String {
        line_of(LINE_NAME, &self.to_bytes()).expect("a notice is within the bound")
    }

    /// Reads [`Notice::to_line`].
    ///
    /// # Errors
    /// [`LineError`].
    pub fn from_line(line: &str) -> Result<Self, LineError> {
        Ok(Self::from_bytes(&bytes_of_line(LINE_NAME, line)?)?)
    }
}

/// What a payee says of a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Word {
    /// "I have heard of it."
    Heard,
    /// "I hold the proof that it is final."
    Final {
        /// Its block.
        height: u64,
    },
}

/// A payment between two accounts, as receipts and thanks name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subject {
    /// The network's genesis hash.
    pub network: Hash,
    /// The payment.
    pub payment: TransactionId,
    /// Who pays.
    pub payer: Address,
    /// Who is paid, and speaks.
    pub payee: Address,
}

impl Subject {
    /// What a transfer is about; `None` for another operation.
    pub fn of(transaction: &Transaction) -> Option<Self> {
        Some(Self {
            network: transaction.genesis,
            payment: transaction.id(),
            payer: transaction.sender,
            payee: transaction.payee()?,
        })
    }

    fn examine(&self, network: &Hash, ours: &Address) -> Result<(), Refusal> {
        is_of_this_network(self.network, network)?;
        is_for_us(self.payer == *ours, ours)?;
        is_not_our_own(&self.payee, ours)
    }
}

/// The payee's signed word on a payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Which payment.
    pub subject: Subject,
    /// What is said.
    pub word: Word,
    /// The payee's signature.
    pub signature: Signature,
}

impl Receipt {
    /// A receipt by the payee.
    pub fn sign(subject: Subject, word: Word, payee: &SecretKey) -> Self {
        let signature = payee.sign(&Self::sign_bytes(&subject, word));
        Self {
            subject,
            word,
            signature,
        }
    }

    fn sign_bytes(subject: &Subject, word: Word) -> Vec<u8> {
        let mut bytes = RECEIPT_SIGNS.to_vec();
        subject.encode(&mut bytes);
        word.encode(&mut bytes);
        bytes
    }

    /// Tries the rules P1 to P10 for the payer's wallet.
    ///
    /// # Errors
    /// The first rule broken.
    pub fn examine(&self, network: &Hash, ours: &Address) -> Result<(), Refusal> {
        self.subject.examine(network, ours)?;
        let bytes = Self::sign_bytes(&self.subject, self.word);
        is_signed_by(&self.subject.payee, &bytes, &self.signature)
    }
}

/// The payee's thanks for a payment, for the payer alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thanks {
    /// Which payment.
    pub subject: Subject,
    /// The text, sealed.
    pub text: Memo,
    /// The payee's signature.
    pub signature: Signature,
}

impl Thanks {
    /// Thanks by the payee.
    ///
    /// # Errors
    /// [`SealRefusal`].
    pub fn sign(subject: Subject, text: &str, payee: &SecretKey) -> Result<Self, SealRefusal> {
        let text = memo::seal_at(&place(&subject), &Letter::new(text, None)?, payee)?;
        let signature = payee.sign(&Self::sign_bytes(&subject, &text));
        Ok(Self {
            subject,
            text,
            signature,
        })
    }

    fn sign_bytes(subject: &Subject, text: &Memo) -> Vec<u8> {
        let mut bytes = THANKS_SIGNS.to_vec();
        subject.encode(&mut bytes);
        put_bytes(&mut bytes, text.as_bytes());
        bytes
    }

    /// Tries the rules P1 to P10 for the payer's wallet.
    ///
    /// # Errors
    /// The first rule broken.
    pub fn examine(&self, network: &Hash, ours: &Address) -> Result<(), Refusal> {
        self.subject.examine(network, ours)?;
        if !memo::is_private(&self.text) {
            return Err(Refusal::Text);
        }
        let bytes = Self::sign_bytes(&self.subject, &self.text);
        is_signed_by(&self.subject.payee, &bytes, &self.signature)
    }

    /// What they say to the owner of `secret`, payer or payee.
    pub fn read(&self, secret: Option<&SecretKey>) -> Reading {
        memo::read_at(&place(&self.subject), &self.text, secret)
    }
}

fn place(subject: &Subject) -> Place {
    Place {
        purpose: "thanks",
        network: subject.network,
        from: subject.payee,
        to: subject.payer,
        stands_in: subject.to_bytes(),
    }
}

/// What one wallet says to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// "Pay me."
    Request(Request),
    /// "I pay you."
    Notice(Notice),
    /// "I have heard", or "I have it".
    Receipt(Receipt),
    /// "Thank you."
    Thanks(Thanks),
}

impl Message {
    /// Which message it is, for matching an answer with it.
    pub fn id(&self) -> Hash {
        Hash::of_value("natcoin/pay/message/1", self)
    }
}

/// The answer to a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reply {
    /// It is here, or was before.
    Taken,
    /// A rule was broken, by its number; 0 and numbers above the last rule are none.
    Refused(u8),
    /// These bytes are no message (P0).
    Unreadable,
}

impl From<Result<(), Refusal>> for Reply {
    fn from(result: Result<(), Refusal>) -> Self {
        match result {
            Ok(()) => Self::Taken,
            Err(refusal) => Self::Refused(refusal.number()),
        }
    }
}

const UNREADABLE: u8 = 255;

impl Encode for Reply {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(match self {
            Self::Taken => 0,
            Self::Refused(number) => *number,
            Self::Unreadable => UNREADABLE,
        });
    }
}

impl Decode for Reply {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match u8::decode(reader)? {
            0 => Ok(Self::Taken),
            number @ 1..=LAST_RULE => Ok(Self::Refused(number)),
            UNREADABLE => Ok(Self::Unreadable),
            tag => Err(DecodeError::UnknownTag { what: "reply", tag }),
        }
    }
}

impl Encode for Delivery {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(match self {
            Self::Submitted => 0,
            Self::HandedOver => 1,
        });
    }
}

impl Decode for Delivery {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match u8::decode(reader)? {
            0 => Ok(Self::Submitted),
            1 => Ok(Self::HandedOver),
            tag => Err(DecodeError::UnknownTag {
                what: "delivery",
                tag,
            }),
        }
    }
}

impl Encode for Notice {
    fn encode(&self, out: &mut Vec<u8>) {
        self.payment.encode(out);
        self.delivery.encode(out);
        self.request.encode(out);
    }
}

impl Decode for Notice {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            payment: SignedTransaction::decode(reader)?,
            delivery: Delivery::decode(reader)?,
            request: Option::decode(reader)?,
        })
    }
}

impl Encode for Word {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Heard => out.push(0),
            Self::Final { height } => {
                out.push(1);
                height.encode(out);
            }
        }
    }
}

impl Decode for Word {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match u8::decode(reader)? {
            0 => Ok(Self::Heard),
            1 => Ok(Self::Final {
                height: u64::decode(reader)?,
            }),
            tag => Err(DecodeError::UnknownTag { what: "word", tag }),
        }
    }
}

impl Encode for Subject {
    fn encode(&self, out: &mut Vec<u8>) {
        self.network.encode(out);
        self.payment.encode(out);
        self.payer.encode(out);
        self.payee.encode(out);
    }
}

impl Decode for Subject {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            network: Hash::decode(reader)?,
            payment: Hash::decode(reader)?,
            payer: Address::decode(reader)?,
            payee: Address::decode(reader)?,
        })
    }
}

impl Encode for Receipt {
    fn encode(&self, out: &mut Vec<u8>) {
        self.subject.encode(out);
        self.word.encode(out);
        self.signature.encode(out);
    }
}

impl Decode for Receipt {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            subject: Subject::decode(reader)?,
            word: Word::decode(reader)?,
            signature: Signature::decode(reader)?,
        })
    }
}

impl Encode for Thanks {
    fn encode(&self, out: &mut Vec<u8>) {
        self.subject.encode(out);
        put_bytes(out, self.text.as_bytes());
        self.signature.encode(out);
    }
}

impl Decode for Thanks {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            subject: Subject::decode(reader)?,
            text: decode_text(reader)?,
            signature: Signature::decode(reader)?,
        })
    }
}

impl Encode for Message {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Request(request) => {
                out.push(0);
                request.encode(out);
            }
            Self::Notice(notice) => {
                out.push(1);
                notice.encode(out);
            }
            Self::Receipt(receipt) => {
                out.push(2);
                receipt.encode(out);
            }
            Self::Thanks(thanks) => {
                out.push(3);
                thanks.encode(out);
            }
        }
    }
}

impl Decode for Message {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match u8::decode(reader)? {
            0 => Ok(Self::Request(Request::decode(reader)?)),
            1 => Ok(Self::Notice(Notice::decode(reader)?)),
            2 => Ok(Self::Receipt(Receipt::decode(reader)?)),
            3 => Ok(Self::Thanks(Thanks::decode(reader)?)),
            tag => Err(DecodeError::UnknownTag {
                what: "message",
                tag,
            }),
        }
    }
}
