//! The Merkle tree over a block's transactions, as in RFC 9162, section 2.1.
//!
//! Leaves and inner nodes have different tags, so a node can never pass for a transaction; the
//! shape follows from the number of leaves, which the path carries and the root commits to.

use super::codec::{Decode, DecodeError, Encode, Reader, put_sequence};
use super::hash::Hash;

/// Most siblings of a path: trees of up to 2^32 leaves.
pub const MAX_PATH: usize = 32;

/// The hash of one leaf.
pub fn leaf(bytes: &[u8]) -> Hash {
    Hash::of("natcoin/merkle/leaf/1", &[bytes])
}

fn inner(left: &Hash, right: &Hash) -> Hash {
    Hash::of("natcoin/merkle/inner/1", &[&left.0, &right.0])
}

/// The root over leaf hashes in order: the top of the tree, hashed with the number of leaves.
pub fn root(leaves: &[Hash]) -> Hash {
    seal(leaves.len(), &top(leaves))
}

fn seal(count: usize, top: &Hash) -> Hash {
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    Hash::of("natcoin/merkle/root/1", &[&count.to_le_bytes(), &top.0])
}

fn top(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => Hash::ZERO,
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(split(leaves.len()));
            inner(&top(left), &top(right))
        }
    }
}

/// The largest power of two below `count` (which is at least 2).
fn split(count: usize) -> usize {
    count.next_power_of_two() / 2
}

/// A proof that a leaf stands at a place under a root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    /// The leaf's place, from 0.
    pub index: u32,
    /// The number of leaves.
    pub count: u32,
    /// The siblings, from the leaf up.
    pub siblings: Vec<Hash>,
}

/// The paths of several leaves, given by their places in rising order; every node is hashed once, however many there are.
pub fn paths(leaves: &[Hash], places: &[usize]) -> Vec<Path> {
    let Ok(count) = u32::try_from(leaves.len()) else {
        return Vec::new();
    };
    let mut found: Vec<Path> = places
        .iter()
        .filter(|place| **place < leaves.len())
        .filter_map(|place| {
            Some(Path {
                index: u32::try_from(*place).ok()?,
                count,
                siblings: Vec::new(),
            })
        })
        .collect();
    climb(leaves, 0, &mut found);
    found
}

/// Hashes the subtree whose first leaf has the place `first`, and adds siblings to the paths that lead through it.
fn climb(leaves: &[Hash], first: usize, paths: &mut [Path]) -> Hash {
    if leaves.len() < 2 || paths.is_empty() {
        return top(leaves);
    }
    let (left, right) = leaves.split_at(split(leaves.len()));
    let middle = first + left.len();
    let of_left = paths.partition_point(|path| (path.index as usize) < middle);
    let (through_left, through_right) = paths.split_at_mut(of_left);
    let (left_top, right_top) = (
        climb(left, first, through_left),
        climb(right, middle, through_right),
    );
    // Order: from the leaf up, so after the siblings below.
    for path in through_left {
        path.siblings.push(right_top);
    }
    for path in through_right {
        path.siblings.push(left_top);
    }
    inner(&left_top, &right_top)
}

/// The path of the leaf at `index`; `None` if there is no such leaf.
pub fn path(leaves: &[Hash], index: usize) -> Option<Path> {
    if index >= leaves.len() {
        return None;
    }
    let mut siblings = Vec::new();
    let (mut rest, mut place) = (leaves, index);
    while rest.len() > 1 {
        let (left, right) = rest.split_at(split(rest.len()));
        if place < left.len() {
            siblings.push(top(right));
            rest = left;
        } else {
            siblings.push(top(left));
            place -= left.len();
            rest = right;
        }
    }
    siblings.reverse();
    Some(Path {
        index: u32::try_from(index).ok()?,
        count: u32::try_from(leaves.len()).ok()?,
        siblings,
    })
}

impl Path {
    /// The root that the leaf's hash leads to; `None` if the path does not fit its own numbers.
    pub fn root_of(&self, leaf: Hash) -> Option<Hash> {
        if self.index >= self.count {
            return None;
        }
        // Directions from the top down, as `path` chose them; true = the leaf is on the left.
        let (mut place, mut count) = (self.index, self.count);
        let mut directions = Vec::with_capacity(MAX_PATH);
        while count > 1 {
            let half = u32::try_from(split(usize::try_from(count).ok()?)).ok()?;
            let is_left = place < half;
            directions.push(is_left);
            if is_left {
                count = half;
            } else {
                place -= half;
                count -= half;
            }
        }
        if directions.len() != self.siblings.len() {
            return None;
        }
        let top =
            directions
                .iter()
                .rev()
                .zip(&self.siblings)
                .fold(leaf, |hash, (is_left, sibling)| match is_left {
                    true => inner(&hash, sibling),
                    false => inner(sibling, &hash),
                });
        Some(seal(usize::try_from(self.count).ok()?, &top))
    }
}

impl Encode for Path {
    fn encode(&self, out: &mut Vec<u8>) {
        self.index.encode(out);
        self.count.encode(out);
        put_sequence(out, &self.siblings);
    }
}

impl Decode for Path {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            index: u32::decode(reader)?,
            count: u32::decode(reader)?,
            siblings: reader.sequence("path", MAX_PATH)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn leaves(count: u32) -> Vec<Hash> {
        (0..count).map(|i| leaf(&i.to_le_bytes())).collect()
    }

    #[test]
    fn every_leaf_of_every_small_tree_has_a_path_to_its_root() {
        for count in 1..40 {
            let leaves = leaves(count);
            for (index, leaf) in leaves.iter().enumerate() {
                let path = path(&leaves, index).unwrap();
                assert_eq!(path.root_of(*leaf), Some(root(&leaves)));
            }
            assert_eq!(path(&leaves, leaves.len()), None);
        }
    }

    #[test]
    fn trees_of_other_leaves_or_another_number_of_them_have_other_roots() {
        let roots: std::collections::BTreeSet<Hash> = (0..40).map(|n| root(&leaves(n))).collect();
        assert_eq!(roots.len(), 40);
    }

    #[test]
    fn several_paths_at_once_are_the_same_as_one_by_one() {
        for count in 0..40usize {
            let leaves: Vec<Hash> = (0..count).map(|n| leaf(&n.to_le_bytes())).collect();
            for step in 1..5 {
                let places: Vec<usize> = (0..count + 3).step_by(step).collect();
                let one_by_one: Vec<Path> = places
                    .iter()
                    .filter_map(|place| path(&leaves, *place))
                    .collect();
                assert_eq!(paths(&leaves, &places), one_by_one);
            }
        }
    }

    proptest! {
        #[test]
        fn a_changed_path_leads_elsewhere(count in 1u32..40, pick: prop::sample::Index, byte: prop::sample::Index, bit in 0u32..8) {
            let leaves = leaves(count);
            let index = pick.index(leaves.len());
            let mut bytes = path(&leaves, index).unwrap().to_bytes();
            let at = byte.index(bytes.len());
            bytes[at] ^= 1u8 << bit;
            if let Ok(changed) = Path::from_bytes(&bytes) {
                prop_assert_ne!(changed.root_of(leaves[index]), Some(root(&leaves)));
            }
        }

        #[test]
        fn no_bytes_panic_a_path(bytes: Vec<u8>) {
            if let Ok(path) = Path::from_bytes(&bytes) {
                let _ = path.root_of(Hash::ZERO);
            }
        }
    }
}
