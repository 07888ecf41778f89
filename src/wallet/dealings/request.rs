//! A request: "pay me so much, for this, until then", signed by who wants to be paid.
//!
//! It is addressed to one account, whose owner alone reads its text if that is sealed, or to anybody: then it can hang on
//! a wall as a QR code. Paying it copies payee, amount and text; a payment's private memo refers to it, so that both
//! wallets can tell later, from the chain alone, what was paid with it. Format and rules: `docs/protocol.md`, "Wallet to
//! wallet". Never: a clock (time comes in). Read next: `message.rs`.

use super::refusal::Refusal;
use crate::chain::amount::Amount;
use crate::chain::armour::{ArmourError, armour, unarmour};
use crate::chain::codec::{Decode, DecodeError, Encode, Reader, put_bytes};
use crate::chain::hash::Hash;
use crate::chain::key::{Address, SecretKey, Signature};
use crate::chain::transaction::{MAX_MEMO_BYTES, Memo};
use crate::wallet::memo::{
    self, Letter, MAX_TEXT_BESIDE_REFERENCE_BYTES, Place, Reading, Reference, SealRefusal,
};

/// The version of the format.
pub const VERSION: u16 = 1;
/// The longest life of a request: a year and a day, since dues are yearly.
pub const MAX_LIFE_MS: u64 = 366 * 24 * 60 * 60 * 1000;
/// How far ahead of the reader's clock it may be issued.
pub const MAX_AHEAD_MS: u64 = 2 * 60 * 1000;
/// Most bytes of an encoded request.
pub const MAX_REQUEST_BYTES: usize = 2 + 32 + 32 + 33 + 8 + 4 + MAX_MEMO_BYTES + 8 + 8 + 64;
const _: () = assert!(MAX_REQUEST_BYTES <= crate::chain::armour::MAX_BYTES);

const SIGN_TAG: &[u8] = b"natcoin/request/sign/1";
/// What a line of text begins with: the scheme of a URI.
const SCHEME: &str = "natcoin:";
const LINE_NAME: &str = "request";

/// A request's identity: the hash of what is signed.
pub type RequestId = Hash;

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// The network's genesis hash.
    pub network: Hash,
    /// Who wants to be paid.
    pub from: Address,
    /// Who is asked; none is anybody.
    pub to: Option<Address>,
    /// How much.
    pub amount: Amount,
    /// What for: public text, or sealed for the two.
    pub text: Memo,
    /// When it was issued, milliseconds since 1970 by the asker's clock.
    pub issued_at_ms: u64,
    /// Until when it may be paid, in the same.
    pub expires_at_ms: u64,
}

impl Wish {
    /// The request's identity.
    pub fn id(&self) -> RequestId {
        Hash::of_value("natcoin/request/1", self)
    }

    /// With this text: sealed for the two if one is asked, public if anybody is.
    ///
    /// # Errors
    /// [`SealRefusal`].
    pub fn saying(mut self, text: &str, asker: &SecretKey) -> Result<Self, SealRefusal> {
        // What a payment could not repeat beside its reference is refused here.
        let letter = Letter::new(text, Some(Reference([0; 16])))?.without_reference();
        self.text = match self.to {
            _ if letter.is_empty() => Memo::default(),
            Some(to) => memo::seal_at(&self.place(to), &letter, asker)?,
            None => Memo::new(text).map_err(|long| SealRefusal::TooLong {
                length: long.length,
                limit: MAX_TEXT_BESIDE_REFERENCE_BYTES,
            })?,
        };
        Ok(self)
    }

    /// Signs it. The signature is good only if `secret` is of [`Wish::from`].
    pub fn sign(self, secret: &SecretKey) -> Request {
        let signature = secret.sign(&self.sign_bytes());
        Request {
            wish: self,
            signature,
        }
    }

    fn sign_bytes(&self) -> Vec<u8> {
        let mut bytes = SIGN_TAG.to_vec();
        self.encode(&mut bytes);
        bytes
    }

    /// Where its text stands, for sealing.
    fn place(&self, to: Address) -> Place {
        let bare = Self {
            text: Memo::default(),
            ..self.clone()
        };
        Place {
            purpose: "request",
            network: self.network,
            from: self.from,
            to,
            stands_in: bare.to_bytes(),
        }
    }
}

/// A request as it came: well-formed, and nothing more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// What is asked.
    pub wish: Wish,
    /// The asker's signature.
    pub signature: Signature,
}

impl Request {
    /// The request's identity; a signature makes no other request.
    pub fn id(&self) -> RequestId {
        self.wish.id()
    }

    /// Tries the rules P1 to P10 for the wallet of `ours`.
    ///
    /// # Errors
    /// The first rule broken.
    pub fn examine(&self, network: &Hash, ours: &Address, now_ms: u64) -> Result<(), Refusal> {
        let wish = &self.wish;
        is_of_this_network(wish.network, network)?;
        is_for_us(wish.to.is_none_or(|to| to == *ours), ours)?;
        is_not_our_own(&wish.from, ours)?;
        is_about_money(wish.amount)?;
        lives_within_limits(wish)?;
        was_issued_by_now(wish.issued_at_ms, now_ms)?;
        is_not_over(wish.expires_at_ms, now_ms)?;
        has_a_text_that_can_be_paid_with(wish)?;
        is_signed_by(&wish.from, &wish.sign_bytes(), &self.signature)
    }

    /// What its text says to the owner of `secret`, asker or asked.
    pub fn read(&self, secret: Option<&SecretKey>) -> Reading {
        match self.wish.to {
            Some(to) => memo::read_at(&self.wish.place(to), &self.wish.text, secret),
            None => memo::read_public(&self.wish.text),
        }
    }

    /// The line of text: `natcoin:request1...`; in capitals it fits a QR code's alphanumeric mode.
    pub fn to_line(&self) -> String {
        line_of(LINE_NAME, &self.to_bytes()).expect("a request is within the bound")
    }

    /// Reads [`Request::to_line`], in either case, with or without blanks around it.
    ///
    /// # Errors
    /// [`LineError`].
    pub fn from_line(line: &str) -> Result<Self, LineError> {
        Ok(Self::from_bytes(&bytes_of_line(LINE_NAME, line)?)?)
    }
}

/// Why a line of text is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// It does not begin with `natcoin:`.
    #[error("the line does not begin with {SCHEME}: copy it whole")]
    OtherScheme,
    /// What follows is not the armour of it.
    #[error(transparent)]
    Armour(#[from] ArmourError),
    /// Nor its bytes.
    #[error("the line holds nothing that can be read: {0}")]
    Bytes(#[from] DecodeError),
}

/// A line of text for some bytes of a kind.
pub(super) fn line_of(name: &'static str, bytes: &[u8]) -> Option<String> {
    Some(format!("{SCHEME}{}", armour(name, bytes)?))
}

/// The bytes of a line of a kind.
pub(super) fn bytes_of_line(name: &'static str, line: &str) -> Result<Vec<u8>, LineError> {
    let line = line.trim();
    let (scheme, rest) = line
        .split_at_checked(SCHEME.len())
        .ok_or(LineError::OtherScheme)?;
    if !scheme.eq_ignore_ascii_case(SCHEME) {
        return Err(LineError::OtherScheme);
    }
    Ok(unarmour(name, rest)?)
}

/// P1: "It carries the genesis hash of the wallet's network."
pub(super) fn is_of_this_network(found: Hash, ours: &Hash) -> Result<(), Refusal> {
    match found == *ours {
        true => Ok(()),
        false => Err(Refusal::ForeignNetwork { found, ours: *ours }),
    }
}

/// P2: "It is meant for the wallet that it reaches."
pub(super) fn is_for_us(is: bool, ours: &Address) -> Result<(), Refusal> {
    match is {
        true => Ok(()),
        false => Err(Refusal::NotForUs { ours: *ours }),
    }
}

/// P3: "It comes from another account."
pub(super) fn is_not_our_own(from: &Address, ours: &Address) -> Result<(), Refusal> {
    match from != ours {
        true => Ok(()),
        false => Err(Refusal::Own),
    }
}

/// P4: "It is about more than nothing."
pub(super) fn is_about_money(amount: Amount) -> Result<(), Refusal> {
    match amount.is_zero() {
        true => Err(Refusal::Nothing),
        false => Ok(()),
    }
}

/// P5: "A request ends after its issue, and at most 366 days after."
fn lives_within_limits(wish: &Wish) -> Result<(), Refusal> {
    let life_ms = wish.expires_at_ms.saturating_sub(wish.issued_at_ms);
    match (1..=MAX_LIFE_MS).contains(&life_ms) {
        true => Ok(()),
        false => Err(Refusal::Life {
            life_ms,
            limit_ms: MAX_LIFE_MS,
        }),
    }
}

/// P6: "A request is issued at most 2 minutes ahead of the reader's clock."
fn was_issued_by_now(issued_at_ms: u64, now_ms: u64) -> Result<(), Refusal> {
    match issued_at_ms <= now_ms.saturating_add(MAX_AHEAD_MS) {
        true => Ok(()),
        false => Err(Refusal::Ahead {
            issued_at_ms,
            now_ms,
        }),
    }
}

/// P7: "It is not over."
fn is_not_over(until_ms: u64, now_ms: u64) -> Result<(), Refusal> {
    match now_ms < until_ms {
        true => Ok(()),
        false => Err(Refusal::Over { until_ms, now_ms }),
    }
}

/// P8: "A request's text is sealed only if one account is asked; a public one is UTF-8 of at most 209 bytes."
fn has_a_text_that_can_be_paid_with(wish: &Wish) -> Result<(), Refusal> {
    let is_good = match memo::is_private(&wish.text) {
        true => wish.to.is_some(),
        false => {
            let bytes = wish.text.as_bytes();
            bytes.len() <= MAX_TEXT_BESIDE_REFERENCE_BYTES && std::str::from_utf8(bytes).is_ok()
        }
    };
    match is_good {
        true => Ok(()),
        false => Err(Refusal::Text),
    }
}

/// P9: "The key is not one of the few for which anybody can sign." P10: "It is signed (rule K1)."
pub(super) fn is_signed_by(
    address: &Address,
    bytes: &[u8],
    signature: &Signature,
) -> Result<(), Refusal> {
    let (key, address) = (address.birth_key(), *address);
    if !key.is_sound() {
        return Err(Refusal::WeakKey { address });
    }
    match key.verify(bytes, signature) {
        true => Ok(()),
        false => Err(Refusal::Signature { address }),
    }
}

impl Encode for Wish {
    fn encode(&self, out: &mut Vec<u8>) {
        VERSION.encode(out);
        self.network.encode(out);
        self.from.encode(out);
        self.to.encode(out);
        self.amount.encode(out);
        put_bytes(out, self.text.as_bytes());
        self.issued_at_ms.encode(out);
        self.expires_at_ms.encode(out);
    }
}

/// Reads a text of a message, in the form of a memo.
pub(super) fn decode_text(reader: &mut Reader<'_>) -> Result<Memo, DecodeError> {
    let bytes = reader.bytes("text", MAX_MEMO_BYTES)?;
    Memo::new(bytes).map_err(|error| DecodeError::invalid("text", error))
}

impl Decode for Wish {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let version = u16::decode(reader)?;
        if version != VERSION {
            let why = format!("{version} is unknown, {VERSION} is read here: update this program");
            return Err(DecodeError::invalid("request's version", why));
        }
        Ok(Self {
            network: Hash::decode(reader)?,
            from: Address::decode(reader)?,
            to: Option::decode(reader)?,
            amount: Amount::decode(reader)?,
            text: decode_text(reader)?,
            issued_at_ms: u64::decode(reader)?,
            expires_at_ms: u64::decode(reader)?,
        })
    }
}

impl Encode for Request {
    fn encode(&self, out: &mut Vec<u8>) {
        self.wish.encode(out);
        self.signature.encode(out);
    }
}

impl Decode for Request {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            wish: Wish::decode(reader)?,
            signature: Signature::decode(reader)?,
        })
    }
}
