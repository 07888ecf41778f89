//! A book as bytes: a version, the canonical encoding, and a hash over all of it.
//!
//! A damaged file is refused, never mended by leaving something out. The hash finds damage and stops no forger: whoever
//! can write a wallet's folder can do worse. Format: `docs/protocol.md`, "Wallet to wallet".

use thiserror::Error;

use super::{
    Asked, Book, Course, End, Fate, Incoming, Item, MAX_ASKED, MAX_FAILED, MAX_FINAL, MAX_OUTBOX,
    MAX_OUTGOING, MAX_RECEIVED, MAX_UNPROVEN, Outgoing, Received, Standing, State, ToTell,
};
use crate::chain::codec::{Decode, DecodeError, Encode, Reader, put_sequence};
use crate::chain::hash::Hash;
use crate::chain::key::Address;
use crate::chain::query::TransactionAnswer;
use crate::chain::transaction::SignedTransaction;

/// The version that is written and read.
const VERSION: u16 = 1;
const HASH_BYTES: usize = 32;
const MAX_INCOMING: usize = MAX_UNPROVEN + MAX_FINAL + 2 * MAX_FAILED;

/// Longest book in bytes: every record at its longest, proofs with 128 signatures, with room to spare.
pub const MAX_BOOK_BYTES: usize = 4 << 20;
const _: () = assert!(
    MAX_INCOMING * 1_100
        + MAX_FAILED * 11_000
        + MAX_OUTGOING * 1_300
        + MAX_ASKED * 500
        + MAX_RECEIVED * 500
        + MAX_OUTBOX * 41
        + 200
        <= MAX_BOOK_BYTES
);

/// Why a book was refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BookError {
    /// It is longer than any book.
    #[error("it is {bytes} bytes long, more than {MAX_BOOK_BYTES}; {WAY_OUT}")]
    TooLarge {
        /// Its length.
        bytes: usize,
    },
    /// Its bytes are not those that were written.
    #[error("it is damaged: {problem}; {WAY_OUT}")]
    Damaged {
        /// What is wrong.
        problem: String,
    },
    /// A newer program wrote it.
    #[error("it has version {found}, this program reads version {VERSION}; update natcoin")]
    UnknownVersion {
        /// The version found.
        found: u16,
    },
    /// It is another account's, or of another network.
    #[error("it belongs to {owner} on network {network}; open that wallet, or {WAY_OUT}")]
    OtherOwner {
        /// Whose it is.
        owner: Address,
        /// Of which network.
        network: Hash,
    },
}

const WAY_OUT: &str = "move it away, and mind that requests paid from it are looked for on the chain before they are paid again, while payments handed over without a node and not yet final must be asked for once more; `natcoin wallet history` proves all that is final";

impl Book {
    /// The book as bytes.
    pub fn save(&self) -> Vec<u8> {
        let mut out = Vec::new();
        VERSION.encode(&mut out);
        self.network.encode(&mut out);
        self.owner.encode(&mut out);
        put_sequence(&mut out, &self.incoming);
        put_sequence(&mut out, &self.outgoing);
        put_sequence(&mut out, &self.asked);
        put_sequence(&mut out, &self.received);
        put_sequence(&mut out, &self.outbox);
        checksum(&out).encode(&mut out);
        out
    }

    /// Reads what [`Book::save`] wrote, for this account on this network.
    ///
    /// # Errors
    /// A [`BookError`].
    pub fn restore(bytes: &[u8], network: &Hash, owner: &Address) -> Result<Self, BookError> {
        if bytes.len() > MAX_BOOK_BYTES {
            let bytes = bytes.len();
            return Err(BookError::TooLarge { bytes });
        }
        // Order: the version first, since a newer one may have another checksum, or none.
        let mut reader = Reader::new(bytes);
        let found = u16::decode(&mut reader).map_err(damaged)?;
        if found != VERSION {
            return Err(BookError::UnknownVersion { found });
        }
        let (said, sum) = bytes
            .split_last_chunk::<HASH_BYTES>()
            .ok_or_else(|| damaged("it ends too early"))?;
        if checksum(said) != Hash(*sum) {
            return Err(damaged("its checksum is of other bytes"));
        }
        let mut reader = Reader::new(said);
        let book = Self::read(&mut reader).map_err(damaged)?;
        reader.finish().map_err(damaged)?;
        match book.network == *network && book.owner == *owner {
            true => Ok(book),
            false => Err(BookError::OtherOwner {
                owner: book.owner,
                network: book.network,
            }),
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        u16::decode(reader)?;
        Ok(Self {
            network: Hash::decode(reader)?,
            owner: Address::decode(reader)?,
            incoming: reader.sequence("payments heard of", MAX_INCOMING)?,
            outgoing: reader.sequence("payments made", MAX_OUTGOING)?,
            asked: reader.sequence("requests made", MAX_ASKED)?,
            received: reader.sequence("requests heard of", MAX_RECEIVED)?,
            outbox: reader.sequence("things to tell", MAX_OUTBOX)?,
        })
    }
}

fn checksum(said: &[u8]) -> Hash {
    Hash::of("natcoin/dealings/1", &[said])
}

fn damaged(problem: impl std::fmt::Display) -> BookError {
    BookError::Damaged {
        problem: problem.to_string(),
    }
}

fn unknown<T>(what: &'static str, tag: u8) -> Result<T, DecodeError> {
    Err(DecodeError::UnknownTag { what, tag })
}

impl Encode for Standing {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(match self {
            Self::Short => 0,
            Self::Unknown => 1,
            Self::Covered => 2,
            Self::Known => 3,
        });
    }
}

impl Decode for Standing {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match u8::decode(reader)? {
            0 => Ok(Self::Short),
            1 => Ok(Self::Unknown),
            2 => Ok(Self::Covered),
            3 => Ok(Self::Known),
            tag => unknown("standing", tag),
        }
    }
}

impl Encode for State {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Announced => out.push(0),
            Self::SignedNotFinal => out.push(1),
            Self::Final { height } => {
                out.push(2);
                height.encode(out);
            }
            Self::Replaced { proof } => {
                out.push(3);
                proof.encode(out);
            }
            Self::Expired { height } => {
                out.push(4);
                height.encode(out);
            }
        }
    }
}

impl Decode for State {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match u8::decode(reader)? {
            0 => Ok(Self::Announced),
            1 => Ok(Self::SignedNotFinal),
            2 => Ok(Self::Final {
                height: u64::decode(reader)?,
            }),
            3 => Ok(Self::Replaced {
                proof: Box::new(TransactionAnswer::decode(reader)?),
            }),
            4 => Ok(Self::Expired {
                height: u64::decode(reader)?,
            }),
            tag => unknown("state", tag),
        }
    }
}

impl Encode for Incoming {
    fn encode(&self, out: &mut Vec<u8>) {
        self.payment.encode(out);
        self.state.encode(out);
        self.standing.encode(out);
        self.request.encode(out);
        self.heard_ms.encode(out);
        put_option(out, self.thanks.as_ref());
    }
}

impl Decode for Incoming {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            payment: SignedTransaction::decode(reader)?,
            state: State::decode(reader)?,
            standing: Standing::decode(reader)?,
            request: Option::decode(reader)?,
            heard_ms: u64::decode(reader)?,
            thanks: Option::decode(reader)?,
        })
    }
}

fn put_option<T: Encode>(out: &mut Vec<u8>, value: Option<&T>) {
    value.is_some().encode(out);
    if let Some(value) = value {
        value.encode(out);
    }
}

impl Encode for End {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Failed => out.push(0),
            Self::Final { height } => {
                out.push(1);
                height.encode(out);
            }
        }
    }
}

impl Decode for End {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match u8::decode(reader)? {
            0 => Ok(Self::Failed),
            1 => Ok(Self::Final {
                height: u64::decode(reader)?,
            }),
            tag => unknown("end", tag),
        }
    }
}

impl Encode for Outgoing {
    fn encode(&self, out: &mut Vec<u8>) {
        self.notice.encode(out);
        self.end.encode(out);
        put_option(out, self.receipt.as_ref());
        put_option(out, self.thanks.as_ref());
        self.made_ms.encode(out);
    }
}

impl Decode for Outgoing {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            notice: Decode::decode(reader)?,
            end: Option::decode(reader)?,
            receipt: Option::decode(reader)?,
            thanks: Option::decode(reader)?,
            made_ms: u64::decode(reader)?,
        })
    }
}

impl Encode for Fate {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Open => out.push(0),
            Self::Withdrawn => out.push(1),
            Self::Paid { payment } => {
                out.push(2);
                payment.encode(out);
            }
        }
    }
}

impl Decode for Fate {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match u8::decode(reader)? {
            0 => Ok(Self::Open),
            1 => Ok(Self::Withdrawn),
            2 => Ok(Self::Paid {
                payment: Hash::decode(reader)?,
            }),
            tag => unknown("fate", tag),
        }
    }
}

impl Encode for Asked {
    fn encode(&self, out: &mut Vec<u8>) {
        self.request.encode(out);
        self.fate.encode(out);
    }
}

impl Decode for Asked {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            request: Decode::decode(reader)?,
            fate: Fate::decode(reader)?,
        })
    }
}

impl Encode for Course {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Open => out.push(0),
            Self::Declined => out.push(1),
            Self::Paying { payment } => {
                out.push(2);
                payment.encode(out);
            }
            Self::Paid { payment } => {
                out.push(3);
                payment.encode(out);
            }
        }
    }
}

impl Decode for Course {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match u8::decode(reader)? {
            0 => Ok(Self::Open),
            1 => Ok(Self::Declined),
            2 => Ok(Self::Paying {
                payment: Hash::decode(reader)?,
            }),
            3 => Ok(Self::Paid {
                payment: Hash::decode(reader)?,
            }),
            tag => unknown("course", tag),
        }
    }
}

impl Encode for Received {
    fn encode(&self, out: &mut Vec<u8>) {
        self.request.encode(out);
        self.course.encode(out);
        self.standing.encode(out);
        self.heard_ms.encode(out);
    }
}

impl Decode for Received {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            request: Decode::decode(reader)?,
            course: Course::decode(reader)?,
            standing: Standing::decode(reader)?,
            heard_ms: u64::decode(reader)?,
        })
    }
}

impl Encode for ToTell {
    fn encode(&self, out: &mut Vec<u8>) {
        let (tag, id) = match self.item {
            Item::Request(id) => (0, id),
            Item::Notice(id) => (1, id),
            Item::Receipt(id) => (2, id),
            Item::Thanks(id) => (3, id),
        };
        out.push(tag);
        id.encode(out);
        self.until_ms.encode(out);
    }
}

impl Decode for ToTell {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let tag = u8::decode(reader)?;
        let id = Hash::decode(reader)?;
        let item = match tag {
            0 => Item::Request(id),
            1 => Item::Notice(id),
            2 => Item::Receipt(id),
            3 => Item::Thanks(id),
            tag => return unknown("thing to tell", tag),
        };
        let until_ms = u64::decode(reader)?;
        Ok(Self { item, until_ms })
    }
}
