//! The book on disk: so that a node that starts again knows where everybody is, and which numbers are used.
//!
//! The bytes end with their own hash. What has it is the book that was saved, whose signatures were checked when the
//! cards came; so they are not checked again, which for a full book would take seconds. Whoever can write a node's
//! folder can do worse than to invent whereabouts. A book that cannot be read is no loss: others have it.

use super::numbers::Number;
use super::{Book, MAX_CARDS, Standing};
use crate::chain::codec::{Decode, DecodeError, Encode, Reader, put_sequence};
use crate::chain::hash::Hash;
use crate::directory::card::{Card, SoundCard};
use crate::directory::refusal::Refusal;

const VERSION: u16 = 1;
const TAG: &str = "natcoin/book/1";

/// Why a saved book is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SavedFault {
    /// Cut, or changed since.
    #[error(
        "the saved directory of {0} bytes is damaged: delete it, other nodes have what it held"
    )]
    Damaged(usize),
    /// Another version, or none of ours.
    #[error("the saved directory cannot be read ({0}): delete it, other nodes have what it held")]
    Unreadable(#[from] DecodeError),
    /// Another network's.
    #[error(
        "the saved directory is of the network {found}, this is {ours}: use the right folder, or delete it"
    )]
    ForeignNetwork {
        /// Its genesis hash.
        found: Hash,
        /// Ours.
        ours: Hash,
    },
}

/// A card and its standing, as saved.
struct Saved {
    standing: Standing,
    card: Card,
}

impl Book {
    /// The book's bytes.
    pub fn save(&self) -> Vec<u8> {
        let mut out = Vec::new();
        VERSION.encode(&mut out);
        self.network.encode(&mut out);
        let count = u32::try_from(self.cards.len()).unwrap_or(u32::MAX);
        count.encode(&mut out);
        for entry in self.cards.values() {
            entry.standing.encode(&mut out);
            entry.card.card().encode(&mut out);
        }
        let numbers: Vec<Number> = self.numbers.iter().copied().collect();
        put_sequence(&mut out, &numbers);
        Hash::of(TAG, &[&out]).encode(&mut out);
        out
    }

    /// Fills an empty book with what was saved, less what has ended meanwhile.
    ///
    /// # Errors
    /// A [`SavedFault`]; a new empty book is the way on.
    pub fn restore(mut self, bytes: &[u8], now_ms: u64) -> Result<Self, SavedFault> {
        let damaged = || SavedFault::Damaged(bytes.len());
        let (content, hash) = bytes.split_last_chunk().ok_or_else(damaged)?;
        if Hash::of(TAG, &[content]) != Hash(*hash) {
            return Err(damaged());
        }
        let mut reader = Reader::new(content);
        let version = u16::decode(&mut reader)?;
        if version != VERSION {
            let why = format!("{version}, where {VERSION} is read");
            return Err(DecodeError::invalid("version", why).into());
        }
        let found = Hash::decode(&mut reader)?;
        let ours = self.network;
        if found != ours {
            return Err(SavedFault::ForeignNetwork { found, ours });
        }
        let cards: Vec<Saved> = reader.sequence("cards", MAX_CARDS)?;
        let numbers: Vec<Number> = reader.sequence("numbers", MAX_CARDS)?;
        reader.finish()?;
        for number in numbers {
            self.numbers.insert(number);
        }
        for Saved { standing, card } in cards {
            let card = SoundCard::from_own_records(card);
            let said = card.whereabouts().clone();
            if let Err(Refusal::Ended { .. }) = self.put(card, standing, now_ms) {
                self.numbers.remember(&said);
            }
        }
        self.numbers.expire(now_ms);
        Ok(self)
    }
}

impl Encode for Standing {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(match self {
            Self::Stranger => 0,
            Self::Member => 1,
            Self::Verified => 2,
        });
    }
}

impl Decode for Standing {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match u8::decode(reader)? {
            0 => Ok(Self::Stranger),
            1 => Ok(Self::Member),
            2 => Ok(Self::Verified),
            tag => Err(DecodeError::UnknownTag {
                what: "standing",
                tag,
            }),
        }
    }
}

impl Decode for Saved {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            standing: Standing::decode(reader)?,
            card: Card::decode(reader)?,
        })
    }
}
