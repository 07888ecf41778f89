//! What two books say to each other: requests and answers, bounded; and the course of a whole exchange.
//!
//! `Put` hands in cards; everything else only asks. A request has at most 16 KiB, an answer at most 64 KiB, which the
//! counts below keep by themselves. Nothing here is trusted: what comes is well-formed and no more, and cards go through
//! [`super::card::Card::prove`] and [`Book::put`] like any others. Who may ask how often is the network's affair.
//! Format: `docs/protocol.md`, "Directory". Next: `exchange/visit.rs`, one book asking another.

mod visit;

pub use self::visit::{Heard, Visit};
use super::book::{BUCKETS, Book, Digest, MAX_PER_ACCOUNT, ShortId};
use super::card::{Card, MAX_CARD_BYTES};
use super::refusal::Refusal;
use crate::chain::codec::{Decode, DecodeError, Encode, Reader, put_bytes, put_sequence};
use crate::chain::key::{Address, PublicKey};

/// Most bytes of a request.
pub const MAX_REQUEST_BYTES: usize = 16 << 10;
/// Most bytes of an answer.
pub const MAX_ANSWER_BYTES: usize = 64 << 10;
/// Most cards handed in at once.
pub const MAX_PUT: usize = 16;
/// Most cards asked for at once.
pub const MAX_FETCHED: usize = 64;
/// Most cards of a listing.
pub const MAX_LISTED: usize = 2000;
/// Most peers offered in an answer to a listing.
pub const MAX_OFFERED: usize = 1024;

// Whatever the counts allow fits into the bytes: a tag, counts, and the elements.
const _: () = {
    assert!(1 + 4 + MAX_PUT * MAX_CARD_BYTES <= MAX_REQUEST_BYTES);
    assert!(1 + 2 * 32 + 4 + MAX_LISTED * size_of::<ShortId>() <= MAX_REQUEST_BYTES);
    assert!(1 + 4 + MAX_FETCHED * 32 <= MAX_REQUEST_BYTES);
    assert!(1 + 4 + MAX_FETCHED * MAX_CARD_BYTES <= MAX_ANSWER_BYTES);
    let offered = 4 + MAX_OFFERED * 32;
    assert!(1 + offered + 4 + MAX_LISTED * size_of::<ShortId>() <= MAX_ANSWER_BYTES);
    assert!(MAX_PER_ACCOUNT <= MAX_FETCHED);
};

/// What is asked of a book, or handed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// Cards, at most [`MAX_PUT`].
    Put(Vec<Card>),
    /// A question.
    Ask(Question),
}

/// What is asked of a book; answering changes nothing in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// The cards of an account.
    OfAccount(Address),
    /// The card of a peer.
    OfPeer(PublicKey),
    /// In which buckets the two books differ.
    Digest(Digest),
    /// What the two books lack of a range of peers.
    Difference(Listing),
    /// The cards of these peers, at most [`MAX_FETCHED`].
    Fetch(Vec<PublicKey>),
}

/// What a book says to a [`Request`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// To [`Request::Put`]: for each card 0 if it was taken or known, or the number of the rule that it broke.
    Put(Vec<u8>),
    /// To questions for an account, a peer or to fetch: what there is of it.
    Cards(Vec<Card>),
    /// To a digest: the buckets that differ, rising.
    Differing(Vec<u8>),
    /// To a listing.
    Difference(Difference),
}

/// What is gossiped: cards that were news to whoever tells them, 1 to [`MAX_PUT`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told(pub Vec<Card>);

/// What a book holds in a range of peers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    from: PublicKey,
    to: PublicKey,
    held: Vec<ShortId>,
}

/// What the answerer has and the lister lacks, and the other way about.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Difference {
    /// Peers whose cards the answerer has, and not the lister, or not the same; rising, at most [`MAX_OFFERED`].
    pub offered: Vec<PublicKey>,
    /// Cards of the listing that the answerer lacks; rising.
    pub wanted: Vec<ShortId>,
}

impl Listing {
    /// A listing of the peers from one to another, both included. At most [`MAX_LISTED`] can be sent.
    pub(super) fn new(from: PublicKey, to: PublicKey, mut held: Vec<ShortId>) -> Self {
        held.sort_unstable();
        held.dedup();
        Self { from, to, held }
    }

    /// The first peer of the range.
    pub fn from(&self) -> PublicKey {
        self.from
    }

    /// The last peer of the range.
    pub fn to(&self) -> PublicKey {
        self.to
    }

    /// The cards held there, rising.
    pub fn held(&self) -> &[ShortId] {
        &self.held
    }
}

/// The byte that answers a card that was handed in.
pub fn put_mark<T>(outcome: &Result<T, Refusal>) -> u8 {
    outcome.as_ref().err().map_or(0, Refusal::rule)
}

impl Book {
    /// Answers a question.
    pub fn answer(&mut self, question: &Question, now_ms: u64) -> Answer {
        self.expire(now_ms);
        match question {
            Question::OfAccount(account) => {
                Answer::Cards(self.of_account(account).into_iter().cloned().collect())
            }
            Question::OfPeer(peer) => Answer::Cards(self.fetch(&[*peer])),
            Question::Digest(theirs) => Answer::Differing(self.digest(now_ms).differing(theirs)),
            Question::Difference(listing) => Answer::Difference(self.difference(listing)),
            Question::Fetch(peers) => Answer::Cards(self.fetch(peers)),
        }
    }
}

/// Refuses a sequence that does not rise strictly: it has no second form, and nothing stands in it twice.
fn rising<T: Ord>(what: &'static str, values: Vec<T>) -> Result<Vec<T>, DecodeError> {
    if values.is_sorted_by(|one, next| one < next) {
        return Ok(values);
    }
    Err(DecodeError::invalid(what, "it does not rise strictly"))
}

impl Encode for Listing {
    fn encode(&self, out: &mut Vec<u8>) {
        self.from.encode(out);
        self.to.encode(out);
        put_sequence(out, &self.held);
    }
}

impl Decode for Listing {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let from = PublicKey::decode(reader)?;
        let to = PublicKey::decode(reader)?;
        if from > to {
            return Err(DecodeError::invalid("listing", "it ends before it begins"));
        }
        let held = rising("listing", reader.sequence("listing", MAX_LISTED)?)?;
        Ok(Self { from, to, held })
    }
}

impl Encode for Difference {
    fn encode(&self, out: &mut Vec<u8>) {
        put_sequence(out, &self.offered);
        put_sequence(out, &self.wanted);
    }
}

impl Decode for Difference {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            offered: rising("offered", reader.sequence("offered", MAX_OFFERED)?)?,
            wanted: rising("wanted", reader.sequence("wanted", MAX_LISTED)?)?,
        })
    }
}

impl Encode for Request {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Put(cards) => {
                out.push(0);
                put_sequence(out, cards);
            }
            Self::Ask(Question::OfAccount(account)) => {
                out.push(1);
                account.encode(out);
            }
            Self::Ask(Question::OfPeer(peer)) => {
                out.push(2);
                peer.encode(out);
            }
            Self::Ask(Question::Digest(digest)) => {
                out.push(3);
                digest.encode(out);
            }
            Self::Ask(Question::Difference(listing)) => {
                out.push(4);
                listing.encode(out);
            }
            Self::Ask(Question::Fetch(peers)) => {
                out.push(5);
                put_sequence(out, peers);
            }
        }
    }
}

impl Decode for Request {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self::Ask(match u8::decode(reader)? {
            0 => return Ok(Self::Put(reader.sequence("cards", MAX_PUT)?)),
            1 => Question::OfAccount(Address::decode(reader)?),
            2 => Question::OfPeer(PublicKey::decode(reader)?),
            3 => Question::Digest(Digest::decode(reader)?),
            4 => Question::Difference(Listing::decode(reader)?),
            5 => Question::Fetch(reader.sequence("peers", MAX_FETCHED)?),
            tag => {
                return Err(DecodeError::UnknownTag {
                    what: "directory request",
                    tag,
                });
            }
        }))
    }
}

impl Encode for Told {
    fn encode(&self, out: &mut Vec<u8>) {
        put_sequence(out, &self.0);
    }
}

impl Decode for Told {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let cards: Vec<Card> = reader.sequence("cards", MAX_PUT)?;
        if cards.is_empty() {
            return Err(DecodeError::invalid("cards", "there are none"));
        }
        Ok(Self(cards))
    }
}

impl Encode for Answer {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Put(marks) => {
                out.push(0);
                put_bytes(out, marks);
            }
            Self::Cards(cards) => {
                out.push(1);
                put_sequence(out, cards);
            }
            Self::Differing(buckets) => {
                out.push(2);
                put_bytes(out, buckets);
            }
            Self::Difference(difference) => {
                out.push(3);
                difference.encode(out);
            }
        }
    }
}

impl Decode for Answer {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(match u8::decode(reader)? {
            0 => Self::Put(reader.bytes("marks", MAX_PUT)?.to_vec()),
            1 => Self::Cards(reader.sequence("cards", MAX_FETCHED)?),
            2 => Self::Differing(rising(
                "buckets",
                reader.bytes("buckets", BUCKETS)?.to_vec(),
            )?),
            3 => Self::Difference(Difference::decode(reader)?),
            tag => {
                return Err(DecodeError::UnknownTag {
                    what: "directory answer",
                    tag,
                });
            }
        })
    }
}

#[cfg(test)]
mod tests;
