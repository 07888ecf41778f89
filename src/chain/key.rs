//! Keys, addresses and signatures; and the one rule by which a signature is good.
//!
//! Rule K1: a signature is good if and only if it satisfies ZIP 215 (the cofactored equation, with
//! any encoding of the points, and the scalar below the group's order). Single and batch
//! verification agree on every input under this rule, so all nodes agree however they check.
//! Source: <https://zips.z.cash/zip-0215>. Signing is RFC 8032, by ed25519-dalek.

use std::fmt;
use std::str::FromStr;

use bech32::{Bech32m, Hrp};
use ed25519_dalek::Signer as _;

mod agreement;
mod batch;
mod cache;

pub use agreement::SharedSecret;
pub use batch::{Claim, verify_batch};
pub use cache::KeyCache;

use super::codec::{Decode, DecodeError, Encode, Reader};
use super::hash::{hex, serde_as_text};

/// The human-readable part of an address: `nat1...`.
pub const ADDRESS_PREFIX: &str = "nat";

/// An ed25519 public key's 32 bytes, as given: whether they are a point shows when a signature is checked.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey(pub [u8; 32]);

/// An account's address: its birth key. A later key of the account does not change it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address(pub [u8; 32]);

/// An ed25519 signature's 64 bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Signature(pub [u8; 64]);

/// An ed25519 secret key; wiped from memory when dropped, and never shown.
#[derive(Clone)]
pub struct SecretKey(ed25519_dalek::SigningKey);

impl SecretKey {
    /// The key of 32 secret bytes (RFC 8032, section 5.1.5).
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(seed))
    }

    /// The 32 secret bytes.
    pub fn to_seed(&self) -> zeroize::Zeroizing<[u8; 32]> {
        zeroize::Zeroizing::new(self.0.to_bytes())
    }

    /// The public half.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key().to_bytes())
    }

    /// The address whose birth key this is.
    pub fn address(&self) -> Address {
        self.public().address()
    }

    /// Signs a message.
    pub fn sign(&self, message: &[u8]) -> Signature {
        Signature(self.0.sign(message).to_bytes())
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey(of {})", self.address())
    }
}

impl PublicKey {
    /// The address whose birth key this is.
    pub fn address(&self) -> Address {
        Address(self.0)
    }

    /// Whether it is a point of the curve, and not one of the few of small order, for which anybody can
    /// make signatures that rule K1 accepts.
    pub fn is_sound(&self) -> bool {
        ed25519_dalek::VerifyingKey::from_bytes(&self.0).is_ok_and(|key| !key.is_weak())
    }

    /// Whether the signature of the message is good (rule K1).
    pub fn verify(&self, message: &[u8], signature: &Signature) -> bool {
        ed25519_zebra::VerificationKey::try_from(self.0)
            .and_then(|key| key.verify(&signature.0.into(), message))
            .is_ok()
    }
}

impl Signature {
    /// The encodings of the point R and of the scalar s.
    fn parts(&self) -> ([u8; 32], [u8; 32]) {
        let half = |from: usize| std::array::from_fn(|at| self.0[from + at]);
        (half(0), half(32))
    }
}

impl Address {
    /// The birth key.
    pub fn birth_key(&self) -> PublicKey {
        PublicKey(self.0)
    }

    /// The text form cut in its middle, for people who have seen it whole: `nat1qqqqqq...xyz123`.
    pub fn short(&self) -> String {
        let text = self.to_string();
        format!("{}...{}", &text[..10], &text[text.len() - 6..])
    }
}

/// Why a text is not an address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Not bech32m at all, or mistyped: the checksum does not fit.
    #[error("{text:?} is not an address: {why}; copy it whole, it begins with nat1")]
    Malformed {
        /// The text given.
        text: String,
        /// What bech32m says.
        why: String,
    },
    /// bech32m of something else.
    #[error("{text:?} begins with {prefix:?}: an address of this currency begins with nat1")]
    OtherPrefix {
        /// The text given.
        text: String,
        /// The prefix found.
        prefix: String,
    },
    /// bech32m of another length than 32 bytes.
    #[error("{text:?} holds {length} bytes: an address holds 32")]
    WrongLength {
        /// The text given.
        text: String,
        /// The bytes it holds.
        length: usize,
    },
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let prefix = Hrp::parse(ADDRESS_PREFIX).map_err(|_| fmt::Error)?;
        f.write_str(&bech32::encode::<Bech32m>(prefix, &self.0).map_err(|_| fmt::Error)?)
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let shown = || text.chars().take(120).collect::<String>();
        let checked = bech32::primitives::decode::CheckedHrpstring::new::<Bech32m>(text).map_err(
            |error| AddressError::Malformed {
                text: shown(),
                why: error.to_string(),
            },
        )?;
        let prefix = checked.hrp().to_lowercase();
        if prefix != ADDRESS_PREFIX {
            return Err(AddressError::OtherPrefix {
                text: shown(),
                prefix,
            });
        }
        let bytes: Vec<u8> = checked.byte_iter().collect();
        let length = bytes.len();
        let bytes = bytes.try_into().map_err(|_| AddressError::WrongLength {
            text: shown(),
            length,
        })?;
        // 256 bits leave four over in the last character; only zeros there are canonical.
        checked
            .validate_segwit_padding()
            .map_err(|error| AddressError::Malformed {
                text: shown(),
                why: error.to_string(),
            })?;
        Ok(Self(bytes))
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.short())
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0[..4]))
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0[..4]))
    }
}

serde_as_text!(Address);

macro_rules! encode_as_bytes {
    ($($kind:ident),*) => {$(
        impl Encode for $kind {
            fn encode(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.0);
            }
        }
        impl Decode for $kind {
            fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
                reader.array().map(Self)
            }
        }
    )*};
}
encode_as_bytes!(PublicKey, Address, Signature);

#[cfg(test)]
mod tests;
