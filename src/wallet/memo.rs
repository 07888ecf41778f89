//! Memos: what a payment says, to everybody or to its payer and payee alone.
//!
//! A memo on the chain is up to 256 bytes that the rules do not look into. Its first byte and its length say what it is
//! (rule M1 of `docs/protocol.md`): nothing; private, if it begins with [`MARK`], with which no UTF-8 text begins, and
//! has one of [`LENGTHS`]; else public text, as all memos of earlier programs are. A private one opens for whoever has
//! the payer's or the payee's birth key, from the transaction alone: also years later, from the recovery words. It is
//! bound to all of its transaction, so it cannot be moved to another one.
//! What cannot be opened is [`Reading::Sealed`] and no error: history is worth showing without it.
//! Never: a random number, a file. Read next: `memo/seal.rs` (the cryptography), `docs/decisions/private-memos.md`.

mod seal;

#[cfg(test)]
mod tests;

use crate::chain::codec::{Decode, Encode, Reader};
use crate::chain::hash::Hash;
use crate::chain::key::{Address, SecretKey};
use crate::chain::transaction::{Memo, Transaction};

/// The first byte of what is sealed. No UTF-8 text begins with it.
pub const MARK: u8 = 0xf8;

/// The lengths of what is sealed: all that its length tells is which of these four.
pub const LENGTHS: [usize; 4] = [64, 128, 192, 256];

/// Most bytes of a private text.
pub const MAX_TEXT_BYTES: usize = seal::MAX_PLAIN_BYTES - 2;

/// Most bytes of a private text beside a [`Reference`].
pub const MAX_TEXT_BESIDE_REFERENCE_BYTES: usize = MAX_TEXT_BYTES - 16;

/// Which request a payment answers: the first bytes of the request's identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference(pub [u8; 16]);

impl Reference {
    /// To the request of this identity.
    pub fn to(request: &Hash) -> Self {
        let (first, _) = request.0.split_first_chunk().expect("16 of 32 bytes");
        Self(*first)
    }
}

/// What is said in private: a text, and which request it answers.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Letter {
    text: String,
    reference: Option<Reference>,
}

/// Why something cannot be sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealRefusal {
    /// The text is too long.
    #[error("the memo has {length} bytes: a private one has at most {limit}; shorten it")]
    TooLong {
        /// Its bytes.
        length: usize,
        /// The most here.
        limit: usize,
    },
    /// Whoever it is for has one of the few keys with which everybody shares the same secret, or none.
    #[error(
        "nothing can be kept private with {address}: its key is one of the few that belong to everybody; do not pay it"
    )]
    WeakKey {
        /// The address.
        address: Address,
    },
}

impl Letter {
    /// A letter.
    ///
    /// # Errors
    /// [`SealRefusal::TooLong`].
    pub fn new(text: &str, reference: Option<Reference>) -> Result<Self, SealRefusal> {
        let limit = match reference {
            Some(_) => MAX_TEXT_BESIDE_REFERENCE_BYTES,
            None => MAX_TEXT_BYTES,
        };
        let length = text.len();
        if length > limit {
            return Err(SealRefusal::TooLong { length, limit });
        }
        let text = text.to_owned();
        Ok(Self { text, reference })
    }

    /// The text as it was written: show it only by [`Letter::to_text`].
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Which request it answers, by its writer's word.
    pub fn reference(&self) -> Option<Reference> {
        self.reference
    }

    /// The text for people, cleaned as [`Memo::to_text`] does.
    pub fn to_text(&self) -> String {
        Memo::new(self.text.as_bytes()).map_or_else(|_| String::new(), |memo| memo.to_text())
    }

    /// The same text, referring to nothing.
    pub fn without_reference(self) -> Self {
        Self {
            reference: None,
            ..self
        }
    }

    /// Whether it says nothing at all.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty() && self.reference.is_none()
    }

    fn to_plain(&self) -> zeroize::Zeroizing<Vec<u8>> {
        let length = u8::try_from(self.text.len()).expect("a letter's text has at most 225 bytes");
        let mut plain = zeroize::Zeroizing::new(vec![length]);
        plain.extend_from_slice(self.text.as_bytes());
        self.reference.map(|one| one.0).encode(&mut plain);
        plain
    }

    fn from_plain(padded: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(padded);
        let length = u8::decode(&mut reader).ok()?;
        let text = std::str::from_utf8(reader.take(usize::from(length)).ok()?).ok()?;
        let reference = Option::<[u8; 16]>::decode(&mut reader).ok()?.map(Reference);
        let padding = reader.take(reader.remaining()).ok()?;
        if padding.iter().any(|byte| *byte != 0) {
            return None;
        }
        let text = text.to_owned();
        Some(Self { text, reference })
    }
}

impl std::fmt::Debug for Letter {
    /// Not the text: what two people keep between them does not belong into a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Letter({} bytes)", self.text.len())
    }
}

/// What a payer wants a payment to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// To everybody; an empty one is none.
    Public(Memo),
    /// To the payee alone.
    Private(Letter),
}

impl Default for Note {
    /// Nothing.
    fn default() -> Self {
        Self::Public(Memo::default())
    }
}

impl Note {
    /// What of it everybody reads: what a transaction is drafted with.
    pub fn public_part(&self) -> Memo {
        match self {
            Self::Public(memo) => memo.clone(),
            Self::Private(_) => Memo::default(),
        }
    }

    /// Whether it can be said to this payee.
    ///
    /// # Errors
    /// [`SealRefusal::WeakKey`].
    pub fn check_for(&self, payee: &Address) -> Result<(), SealRefusal> {
        let address = *payee;
        match self {
            Self::Private(_) if !payee.birth_key().is_sound() => {
                Err(SealRefusal::WeakKey { address })
            }
            _ => Ok(()),
        }
    }

    /// The drafted transaction with the note in it, to be signed next.
    ///
    /// # Errors
    /// [`SealRefusal::WeakKey`].
    pub fn written_into(
        &self,
        drafted: Transaction,
        payer: &SecretKey,
    ) -> Result<Transaction, SealRefusal> {
        match self {
            Self::Public(_) => Ok(drafted),
            Self::Private(letter) => sealed_into(drafted, letter, payer),
        }
    }

    /// As its payer will read it.
    pub fn reading(&self) -> Reading {
        match self {
            Self::Public(memo) => read_public(memo),
            Self::Private(letter) if letter.is_empty() => Reading::Empty,
            Self::Private(letter) => Reading::Private(letter.clone()),
        }
    }
}

/// What a memo is to who reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// There is none.
    Empty,
    /// Public: everybody reads it.
    Public(Memo),
    /// Private, and opened.
    Private(Letter),
    /// Private, and not readable with the key at hand, or with none.
    Sealed,
}

/// What stands in place of a text that cannot be read.
pub const UNREADABLE: &str = "private memo, not readable with this key";

impl Reading {
    /// The text for people: harmless on a terminal.
    pub fn to_text(&self) -> String {
        match self {
            Self::Empty => String::new(),
            Self::Public(memo) => memo.to_text(),
            Self::Private(letter) => letter.to_text(),
            Self::Sealed => UNREADABLE.to_owned(),
        }
    }
}

/// Where a sealed text stands: nothing opens anywhere else.
pub(in crate::wallet) struct Place {
    /// What the text is: a memo, a request's, thanks.
    pub purpose: &'static str,
    /// The network.
    pub network: Hash,
    /// Who writes.
    pub from: Address,
    /// For whom.
    pub to: Address,
    /// All that it stands in, by its canonical bytes.
    pub stands_in: Vec<u8>,
}

/// Whether a memo is private (rule M1).
pub fn is_private(memo: &Memo) -> bool {
    let bytes = memo.as_bytes();
    bytes.first() == Some(&MARK) && LENGTHS.contains(&bytes.len())
}

/// The transfer, or the opening of a voucher, with this letter as its private memo; an empty letter leaves it without. Seal last: whatever is changed
/// afterwards, but for the signature, makes the memo unreadable. What has no memo stays as it is.
///
/// # Errors
/// [`SealRefusal::WeakKey`] of the payee.
pub fn sealed_into(
    mut transaction: Transaction,
    letter: &Letter,
    payer: &SecretKey,
) -> Result<Transaction, SealRefusal> {
    let Some((payee, memo)) = transaction.operation.memo_mut() else {
        return Ok(transaction);
    };
    *memo = Memo::default();
    if letter.is_empty() {
        return Ok(transaction);
    }
    let sealed = seal_at(&of_memo(&transaction, payee), letter, payer)?;
    if let Some((_, memo)) = transaction.operation.memo_mut() {
        *memo = sealed;
    }
    Ok(transaction)
}

/// What a transaction's memo says to the owner of `secret`: payer or payee, or whoever has the secret of the voucher that
/// it opens; `None` is nobody's key.
pub fn read(transaction: &Transaction, secret: Option<&SecretKey>) -> Reading {
    let Some((payee, memo)) = transaction.operation.memo() else {
        return Reading::Empty;
    };
    read_at(&of_memo(transaction, payee), memo, secret)
}

/// The other one of the two, seen from the owner of `secret`.
fn counterparty(secret: &SecretKey, one: Address, other: Address) -> Option<Address> {
    match secret.address() {
        own if own == one => Some(other),
        own if own == other => Some(one),
        _ => None,
    }
}

/// A transaction's memo stands in all of the transaction but itself and the signature.
fn of_memo(transaction: &Transaction, payee: Address) -> Place {
    let mut bare = transaction.clone();
    if let Some((_, memo)) = bare.operation.memo_mut() {
        *memo = Memo::default();
    }
    Place {
        purpose: "memo",
        network: transaction.genesis,
        from: transaction.sender,
        to: payee,
        stands_in: bare.to_bytes(),
    }
}

/// Seals a letter at a place, for the two of it; `secret` is of one of them.
pub(in crate::wallet) fn seal_at(
    place: &Place,
    letter: &Letter,
    secret: &SecretKey,
) -> Result<Memo, SealRefusal> {
    let other = counterparty(secret, place.from, place.to).unwrap_or(place.to);
    let shared = secret
        .agree(&other.birth_key())
        .ok_or(SealRefusal::WeakKey { address: other })?;
    Ok(seal::seal(&shared, place, &letter.to_plain()))
}

/// What a text says to the owner of `secret`, one of the two of its place; `None` is nobody's key.
pub(in crate::wallet) fn read_at(
    place: &Place,
    text: &Memo,
    secret: Option<&SecretKey>,
) -> Reading {
    if !is_private(text) {
        return read_public(text);
    }
    let open = |secret: &SecretKey| {
        let other = counterparty(secret, place.from, place.to)?;
        let shared = secret.agree(&other.birth_key())?;
        Letter::from_plain(&seal::open(&shared, place, text)?)
    };
    secret
        .and_then(open)
        .map_or(Reading::Sealed, Reading::Private)
}

/// What a text says to everybody.
pub(in crate::wallet) fn read_public(text: &Memo) -> Reading {
    match text.as_bytes().is_empty() {
        true => Reading::Empty,
        false if is_private(text) => Reading::Sealed,
        false => Reading::Public(text.clone()),
    }
}
