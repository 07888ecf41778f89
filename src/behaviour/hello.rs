//! Hello: `/natcoin/<network>/hello/1`, the first words on every connection.
//!
//! The dialler asks with its [`Hello`]; the other answers with its own or with a [`Refusal`] that
//! says why, so that both sides know. Until hello succeeded a peer is nobody to the application.
//! Later hellos on the same connection refresh the height.
//!
//! Limits: a hello is at most [`HELLO_MAX_BYTES`], an answer at most [`ANSWER_MAX_BYTES`].
//! Never: trust a field beyond what it costs us; only the peer id is proven (by the handshake).
//! Next: `node/network/greet.rs`, which decides; [`super::service`] for the other protocols.

use std::fmt;

use super::BehaviourError;
use crate::chain::codec::{Decode as _, Encode as _};
pub use crate::directory::card::Role;

/// Longest version text, in bytes.
pub const VERSION_MAX_BYTES: usize = 64;
/// Longest reason text in a refusal, in bytes.
pub const REASON_MAX_BYTES: usize = 256;
/// Largest encoded hello: the format byte, the fixed fields and the version text.
pub const HELLO_MAX_BYTES: usize = 1 + 32 + 8 + 1 + 8 + 1 + 1 + VERSION_MAX_BYTES;
/// Largest encoded answer.
pub const ANSWER_MAX_BYTES: usize = 1 + 1 + 2 + REASON_MAX_BYTES;

const FORMAT: u8 = 1;
const FIXED_BYTES: usize = 1 + 32 + 8 + 1 + 8 + 1 + 1;

/// Whether the asker holds other connections to the one it asks.
///
/// A peer that says [`Links::Only`] while we hold an older connection to it has lost that one:
/// gossip would go on announcing nothing over it (the restart rule).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Links {
    /// This connection is the asker's only one to us.
    Only,
    /// The asker holds several.
    Several,
}

/// Who is speaking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hello {
    /// Hash of the genesis: the network's identity. A foreign one is refused.
    pub genesis: [u8; 32],
    /// Height of the last final block that the speaker has.
    pub height: u64,
    /// What the speaker does.
    pub role: Role,
    /// Drawn anew at every start of the program: tells a restarted peer from a reconnecting one.
    pub boot_nonce: u64,
    /// Whether the speaker holds other connections to the listener.
    pub links: Links,
    /// Program and version, at most [`VERSION_MAX_BYTES`]; for people only.
    pub version: String,
}

impl Hello {
    /// The frozen encoding. A longer version text is cut (at a character) to the limit.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let version = cut(&self.version, VERSION_MAX_BYTES);
        let mut out = Vec::with_capacity(FIXED_BYTES + version.len());
        out.push(FORMAT);
        out.extend_from_slice(&self.genesis);
        out.extend_from_slice(&self.height.to_le_bytes());
        self.role.encode(&mut out);
        out.extend_from_slice(&self.boot_nonce.to_le_bytes());
        out.push(match self.links {
            Links::Only => 1,
            Links::Several => 2,
        });
        out.push(u8::try_from(version.len()).expect("cut to 64 bytes above"));
        out.extend_from_slice(version.as_bytes());
        out
    }

    /// Reads exactly one hello.
    ///
    /// # Errors
    /// [`BehaviourError::Malformed`] names the field that is wrong.
    pub fn decode(bytes: &[u8]) -> Result<Self, BehaviourError> {
        let (fixed, version) = bytes
            .split_first_chunk::<FIXED_BYTES>()
            .ok_or(malformed("hello is too short"))?;
        if fixed[0] != FORMAT {
            return Err(malformed("hello has an unknown format"));
        }
        if usize::from(fixed[51]) != version.len() || version.len() > VERSION_MAX_BYTES {
            return Err(malformed("hello has a version text of the wrong length"));
        }
        Ok(Self {
            genesis: fixed[1..33].try_into().expect("32 of 52 bytes"),
            height: u64::from_le_bytes(fixed[33..41].try_into().expect("8 of 52 bytes")),
            role: Role::from_bytes(&fixed[41..42])
                .map_err(|_| malformed("hello has an unknown role"))?,
            boot_nonce: u64::from_le_bytes(fixed[42..50].try_into().expect("8 of 52 bytes")),
            links: match fixed[50] {
                1 => Links::Only,
                2 => Links::Several,
                _ => return Err(malformed("hello has an unknown links mark")),
            },
            version: text(version)?,
        })
    }
}

/// Why a hello was not accepted. The text is for people, the variant for programs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The asker lives on another chain.
    ForeignGenesis(String),
    /// We still held connections to an earlier life of the asker: both close all of them and the
    /// asker dials again at once, so that gossip announces its subscriptions anew.
    Stale,
    /// The hello could not be read.
    Malformed(String),
    /// Too many hellos in a short time.
    Busy,
    /// The peer speaks another network's protocols (found by ourselves, never sent).
    OtherNetwork(String),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ForeignGenesis(reason) | Self::Malformed(reason) | Self::OtherNetwork(reason) => {
                f.write_str(reason)
            }
            Self::Stale => f.write_str("an earlier connection was still open: dial again"),
            Self::Busy => f.write_str("too many hellos: ask again later"),
        }
    }
}

/// The answer to a hello.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HelloAnswer {
    /// Accepted; here is ours.
    Welcome(Hello),
    /// Not accepted.
    Refused(Refusal),
}

impl HelloAnswer {
    /// The frozen encoding.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let (tag, reason) = match self {
            Self::Welcome(hello) => {
                let mut out = vec![0];
                out.extend_from_slice(&hello.encode());
                return out;
            }
            Self::Refused(refusal) => match refusal {
                Refusal::ForeignGenesis(reason) => (1, reason.as_str()),
                Refusal::Stale => (2, ""),
                Refusal::Malformed(reason) => (3, reason.as_str()),
                Refusal::Busy => (4, ""),
                Refusal::OtherNetwork(reason) => (5, reason.as_str()),
            },
        };
        let mut out = vec![tag];
        out.extend_from_slice(cut(reason, REASON_MAX_BYTES).as_bytes());
        out
    }

    /// Reads exactly one answer.
    ///
    /// # Errors
    /// [`BehaviourError::Malformed`] names what is wrong.
    pub fn decode(bytes: &[u8]) -> Result<Self, BehaviourError> {
        let (tag, rest) = bytes
            .split_first()
            .ok_or(malformed("hello answer is empty"))?;
        if *tag == 0 {
            return Ok(Self::Welcome(Hello::decode(rest)?));
        }
        if rest.len() > REASON_MAX_BYTES {
            return Err(malformed("hello answer has too long a reason"));
        }
        let reason = text(rest)?;
        Ok(Self::Refused(match tag {
            1 => Refusal::ForeignGenesis(reason),
            2 => Refusal::Stale,
            3 => Refusal::Malformed(reason),
            4 => Refusal::Busy,
            5 => Refusal::OtherNetwork(reason),
            _ => return Err(malformed("hello answer has an unknown tag")),
        }))
    }
}

fn malformed(what: &'static str) -> BehaviourError {
    BehaviourError::Malformed { what }
}

/// A stranger's text: control characters are replaced, since it may end up on a terminal.
fn text(bytes: &[u8]) -> Result<String, BehaviourError> {
    let text = std::str::from_utf8(bytes).map_err(|_| malformed("a text is not UTF-8"))?;
    Ok(text
        .chars()
        .map(|c| if c.is_control() { '?' } else { c })
        .collect())
}

fn cut(text: &str, limit_bytes: usize) -> &str {
    let mut end = text.len().min(limit_bytes);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
#[path = "hello_tests.rs"]
mod tests;
