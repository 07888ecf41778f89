//! A proof of what stands, or that nothing stands, under a key of a tree with a known root.
//!
//! It names the inner nodes on the way to the one leaf that the key's bits lead to, and that leaf. If
//! it is the key's own, the value is proven. If it is another's, the key is proven absent: the bits at
//! which keys part are hashed into the nodes, so the key's own leaf could only stand at this place.
//! This file must never accept what it has not hashed up to the root. The soundness of an absence
//! rests on the root being that of a tree that rightly grew, which is what the validators sign.
//!
//! Encoding: terminal (0 empty, 1 the asked key, 2 another: key and value hash), `u32` count, then for
//! each inner node from the root down its bit (one byte, strictly growing) and the sibling's hash.

use super::{EMPTY_ROOT, Key, bit, inner_hash, leaf_hash};
use crate::chain::codec::{Decode, DecodeError, Encode, Reader};
use crate::chain::hash::Hash;

/// The most siblings a proof can have: one for each bit of a key.
pub const MAX_SIBLINGS: usize = 256;

/// The most bytes a proof can take.
pub const MAX_PROOF_BYTES: usize = 1 + 64 + 4 + MAX_SIBLINGS * 33;

/// The way from the root to the only place where a key can stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// Bit and other child's hash of each inner node, from the root down.
    pub(super) siblings: Vec<(u8, Hash)>,
    /// What stands at the end of the way.
    pub(super) terminal: Terminal,
}

/// What stands where a key's bits lead to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Terminal {
    /// Nothing: the tree is empty.
    Empty,
    /// The leaf of the key that was asked for.
    Asked,
    /// Another key's leaf, so the asked key is absent.
    Other {
        /// The key that stands there.
        key: Key,
        /// Its value hash.
        value: Hash,
    },
}

/// Why a proof does not prove what is claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// A value is claimed, the proof is one of absence.
    #[error("a value is claimed, but the proof is one of absence: ask another node")]
    ProvesAbsence,
    /// Absence is claimed, the proof is one of presence.
    #[error("absence is claimed, but the proof is one of presence: ask another node")]
    ProvesPresence,
    /// The leaf shown is not on the asked key's way, so it says nothing of that key.
    #[error(
        "the leaf shown parts from the asked key at bit {bit}, which is on its way: ask another node"
    )]
    OffTheWay {
        /// The bit at which the two differ though the proof branches there.
        bit: u8,
    },
    /// The bits on the way do not grow, or there are nodes over an empty tree.
    #[error("the nodes of the proof are not in order: ask another node")]
    Disordered,
    /// The hashes lead to another root.
    #[error("the proof leads to the root {found:?}, not to {expected:?}: ask another node")]
    WrongRoot {
        /// The root that was to be reached.
        expected: Hash,
        /// The root reached.
        found: Hash,
    },
}

impl Proof {
    /// Whether this is the form of a proof of presence; [`Proof::verify`] says whether it is true.
    pub fn shows_presence(&self) -> bool {
        self.terminal == Terminal::Asked
    }

    /// How many inner nodes are on the way.
    pub fn depth(&self) -> usize {
        self.siblings.len()
    }

    /// Checks that under `key`, in the tree of this `root`, stands exactly `value` (`None`: nothing).
    ///
    /// # Errors
    /// A [`ProofError`] if that is not proven.
    pub fn verify(&self, root: &Hash, key: &Key, value: Option<&Hash>) -> Result<(), ProofError> {
        if !self.siblings.is_sorted_by(|upper, lower| upper.0 < lower.0) {
            return Err(ProofError::Disordered);
        }
        let leaf = match (&self.terminal, value) {
            (Terminal::Asked, Some(value)) => leaf_hash(key, value),
            (Terminal::Asked, None) => return Err(ProofError::ProvesPresence),
            (Terminal::Other { key: other, .. }, None) if other == key => {
                return Err(ProofError::ProvesPresence);
            }
            (Terminal::Other { key: other, value }, None) => {
                let parts = |depth: u8| bit(key, depth.into()) != bit(other, depth.into());
                if let Some((bit, _)) = self.siblings.iter().find(|(depth, _)| parts(*depth)) {
                    return Err(ProofError::OffTheWay { bit: *bit });
                }
                leaf_hash(other, value)
            }
            (Terminal::Empty, None) if self.siblings.is_empty() => EMPTY_ROOT,
            (Terminal::Empty, None) => return Err(ProofError::Disordered),
            (Terminal::Empty | Terminal::Other { .. }, Some(_)) => {
                return Err(ProofError::ProvesAbsence);
            }
        };
        let found = self
            .siblings
            .iter()
            .rev()
            .fold(leaf, |hash, (depth, sibling)| {
                if bit(key, (*depth).into()) {
                    inner_hash(*depth, sibling, &hash)
                } else {
                    inner_hash(*depth, &hash, sibling)
                }
            });
        if found == *root {
            Ok(())
        } else {
            Err(ProofError::WrongRoot {
                expected: *root,
                found,
            })
        }
    }
}

impl Encode for Proof {
    fn encode(&self, out: &mut Vec<u8>) {
        match &self.terminal {
            Terminal::Empty => out.push(0),
            Terminal::Asked => out.push(1),
            Terminal::Other { key, value } => {
                out.push(2);
                key.encode(out);
                value.encode(out);
            }
        }
        u32::try_from(self.siblings.len())
            .expect("at most 256 siblings")
            .encode(out);
        for (depth, sibling) in &self.siblings {
            depth.encode(out);
            sibling.encode(out);
        }
    }
}

impl Decode for Proof {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let terminal = match u8::decode(reader)? {
            0 => Terminal::Empty,
            1 => Terminal::Asked,
            2 => Terminal::Other {
                key: reader.array()?,
                value: Hash::decode(reader)?,
            },
            tag => {
                return Err(DecodeError::UnknownTag {
                    what: "proof terminal",
                    tag,
                });
            }
        };
        let count = reader.count("proof siblings", MAX_SIBLINGS)?;
        let mut siblings: Vec<(u8, Hash)> = Vec::with_capacity(count);
        for _ in 0..count {
            let depth = u8::decode(reader)?;
            if siblings.last().is_some_and(|(upper, _)| *upper >= depth) {
                return Err(DecodeError::invalid(
                    "proof",
                    "its bits do not grow on the way down",
                ));
            }
            siblings.push((depth, Hash::decode(reader)?));
        }
        Ok(Self { siblings, terminal })
    }
}
