//! The authenticated map under the state: 32-byte keys to 32-byte value hashes, one root for all.
//!
//! A binary Patricia tree. An inner node stands only where two keys part, and names the bit at which
//! they do, so a tree of `n` leaves has `n - 1` inner nodes whatever the keys: an attacker who grinds
//! keys with a long common prefix gains no extra nodes or hashes.
//!
//! ```text
//! root of nothing      = 32 zero bytes
//! leaf(key, value)     = H("natcoin/tree/leaf/1",  key | value)
//! inner(bit, l, r)     = H("natcoin/tree/inner/1", bit as one byte | l | r)
//! ```
//!
//! `bit` counts from the most significant bit of the first byte; keys with a 0 there are under `l`.
//! The root is a function of the contents alone, never of the order in which they came.
//!
//! This file must never panic on any key (the recursion is at most 257 deep) and never change a tree
//! while planning: [`Tree::plan`] builds on the side what [`Tree::commit`] puts in, so that a proposal
//! can be executed, its root compared, and thrown away. Read next: `tree/patch.rs`, `tree/build.rs`, `tree/proof.rs`.

mod build;
mod node;
mod patch;
mod proof;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub use patch::Patch;
pub use proof::{MAX_PROOF_BYTES, MAX_SIBLINGS, Proof, ProofError, Terminal};

use super::hash::Hash;
use node::{Arena, Inner, Kind, LEAF_DEPTH, Leaf, Link, bit, common_bits, inner_hash, leaf_hash};

/// Where a value stands: the (domain-separated) hash of what names it.
pub type Key = [u8; 32];

/// Changes to make at once: a value hash to put under a key, or `None` to remove the key.
pub type Batch = BTreeMap<Key, Option<Hash>>;

/// The root of a tree without leaves.
pub const EMPTY_ROOT: Hash = Hash::ZERO;

/// Why a patch was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TreeError {
    /// The tree has changed since the patch was planned.
    #[error(
        "patch was planned on version {planned_on}, the tree is at version {version}: plan it again"
    )]
    StalePatch {
        /// The tree's version when the patch was planned.
        planned_on: u64,
        /// The tree's version now.
        version: u64,
    },
}

/// The tree, in memory. About 110 bytes a leaf.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    root: Link,
    leaves: Arena<Leaf>,
    inners: Arena<Inner>,
    version: u64,
}

impl Tree {
    /// A tree of nothing, whose root is [`EMPTY_ROOT`].
    pub fn new() -> Self {
        Self::default()
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.leaves.len()
    }

    /// Whether there is no key at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The hash that stands for all contents.
    pub fn root(&self) -> Hash {
        self.hash_of(self.root)
    }

    /// The value hash under `key`.
    pub fn get(&self, key: &Key) -> Option<Hash> {
        let mut link = self.root;
        while let Kind::Inner(index) = link.kind() {
            link = self.inners.get(index).child(key);
        }
        match link.kind() {
            Kind::Leaf(index) => Some(self.leaves.get(index))
                .filter(|leaf| leaf.key == *key)
                .map(|leaf| leaf.value),
            _ => None,
        }
    }

    /// Works out what `batch` would make of the tree, without touching it. Each inner node on a touched
    /// path is hashed once.
    pub fn plan(&self, batch: &Batch) -> Patch {
        Patch::plan(self, batch)
    }

    /// The root that [`Tree::apply`] would give.
    pub fn root_after(&self, batch: &Batch) -> Hash {
        self.plan(batch).root()
    }

    /// Puts a patch in, which must have been planned on this tree as it is now.
    ///
    /// # Errors
    /// [`TreeError::StalePatch`] if the tree has changed since; the tree is then as it was.
    pub fn commit(&mut self, patch: Patch) -> Result<(), TreeError> {
        if patch.planned_on != self.version || patch.base_root != self.root() {
            return Err(TreeError::StalePatch {
                planned_on: patch.planned_on,
                version: self.version,
            });
        }
        patch.put_into(self);
        self.version += 1;
        Ok(())
    }

    /// Makes the changes of `batch` and returns the new root.
    pub fn apply(&mut self, batch: &Batch) -> Hash {
        self.plan(batch).put_into(self);
        self.version += 1;
        self.root()
    }

    /// A proof of what stands, or that nothing stands, under `key`.
    pub fn prove(&self, key: &Key) -> Proof {
        let mut siblings = Vec::new();
        let mut link = self.root;
        while let Kind::Inner(index) = link.kind() {
            let inner = self.inners.get(index);
            let (next, other) = if bit(key, inner.depth.into()) {
                (inner.right, inner.left)
            } else {
                (inner.left, inner.right)
            };
            siblings.push((inner.depth, self.hash_of(other)));
            link = next;
        }
        let terminal = match link.kind() {
            Kind::Leaf(index) => {
                let leaf = self.leaves.get(index);
                if leaf.key == *key {
                    Terminal::Asked
                } else {
                    Terminal::Other {
                        key: leaf.key,
                        value: leaf.value,
                    }
                }
            }
            _ => Terminal::Empty,
        };
        Proof { siblings, terminal }
    }

    fn hash_of(&self, link: Link) -> Hash {
        match link.kind() {
            Kind::Empty => EMPTY_ROOT,
            Kind::Leaf(index) => self.leaves.get(index).hash(),
            Kind::Inner(index) => self.inners.get(index).hash,
        }
    }
}
