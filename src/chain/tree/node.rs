//! What the tree is made of: leaves, inner nodes, links between them, the arenas that hold them, and
//! the two hashes. It must never give a link to a place that was freed. Read next: `tree/patch.rs`.

use super::{Hash, Key};

/// The depth of a leaf: all bits of its key are decided.
pub(super) const LEAF_DEPTH: u16 = 256;

/// The hash of a leaf.
pub(super) fn leaf_hash(key: &Key, value: &Hash) -> Hash {
    Hash::of("natcoin/tree/leaf/1", &[key, value.as_bytes()])
}

/// The hash of the node at which keys part by the bit `depth`.
pub(super) fn inner_hash(depth: u8, left: &Hash, right: &Hash) -> Hash {
    Hash::of(
        "natcoin/tree/inner/1",
        &[&[depth], left.as_bytes(), right.as_bytes()],
    )
}

/// The bit of `key` at `depth` (below 256), counted from the most significant.
pub(super) fn bit(key: &Key, depth: u16) -> bool {
    key[usize::from(depth / 8)] >> (7 - depth % 8) & 1 == 1
}

/// How many leading bits two keys share: 256 if they are equal.
pub(super) fn common_bits(a: &Key, b: &Key) -> u16 {
    let mut bits = 0;
    for (x, y) in a.iter().zip(b) {
        let differing = x ^ y;
        if differing != 0 {
            return bits + differing.leading_zeros() as u16;
        }
        bits += 8;
    }
    bits
}

/// A leaf keeps no hash of its own: hashing it again when its sibling changes costs one hash in twenty
/// and saves a third of its memory.
#[derive(Debug, Clone, Copy)]
pub(super) struct Leaf {
    pub(super) key: Key,
    pub(super) value: Hash,
}

impl Leaf {
    pub(super) fn hash(&self) -> Hash {
        leaf_hash(&self.key, &self.value)
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Inner {
    pub(super) hash: Hash,
    pub(super) left: Link,
    pub(super) right: Link,
    /// Any leaf below: it knows the bits that all keys below share. It never dangles, because a leaf
    /// that goes takes all inner nodes above it along (they are made anew).
    pub(super) witness: Link,
    pub(super) depth: u8,
}

impl Inner {
    pub(super) fn child(&self, key: &Key) -> Link {
        if bit(key, self.depth.into()) {
            self.right
        } else {
            self.left
        }
    }
}

/// A reference to a node in four bytes: two bits of kind and origin, thirty of index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Link(u32);

#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Empty,
    Leaf(u32),
    Inner(u32),
}

impl Link {
    pub(super) const EMPTY: Self = Self(u32::MAX);
    pub(super) const LEAF: u32 = 1 << 31;
    /// The node stands in the patch that is being planned, not in the tree.
    pub(super) const FRESH: u32 = 1 << 30;
    pub(super) const INDEX: u32 = Self::FRESH - 1;

    pub(super) fn new(flags: u32, index: usize) -> Self {
        let index = u32::try_from(index)
            .ok()
            .filter(|index| *index < Self::INDEX);
        Self(
            flags
                | index.expect(
                    "a billion nodes do not fit in memory long before they are counted here",
                ),
        )
    }

    pub(super) fn kind(self) -> Kind {
        if self == Self::EMPTY {
            Kind::Empty
        } else if self.0 & Self::LEAF != 0 {
            Kind::Leaf(self.0 & Self::INDEX)
        } else {
            Kind::Inner(self.0 & Self::INDEX)
        }
    }

    /// The place in its arena, of a link that is not empty.
    pub(super) fn index(self) -> usize {
        (self.0 & Self::INDEX) as usize
    }

    pub(super) fn is_fresh(self) -> bool {
        self != Self::EMPTY && self.0 & Self::FRESH != 0
    }
}

impl Default for Link {
    fn default() -> Self {
        Self::EMPTY
    }
}

/// Nodes by index, with the free places remembered.
#[derive(Debug, Clone)]
pub(super) struct Arena<T> {
    pub(super) nodes: Vec<T>,
    pub(super) free: Vec<u32>,
}

impl<T> Default for Arena<T> {
    fn default() -> Self {
        Self {
            nodes: Vec::new(),
            free: Vec::new(),
        }
    }
}

impl<T> Arena<T> {
    pub(super) fn of(nodes: Vec<T>) -> Self {
        Self {
            nodes,
            free: Vec::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.nodes.len() - self.free.len()
    }

    pub(super) fn get(&self, index: u32) -> &T {
        &self.nodes[index as usize]
    }

    pub(super) fn put(&mut self, node: T) -> usize {
        match self.free.pop() {
            Some(index) => {
                self.nodes[index as usize] = node;
                index as usize
            }
            None => {
                self.nodes.push(node);
                self.nodes.len() - 1
            }
        }
    }
}
