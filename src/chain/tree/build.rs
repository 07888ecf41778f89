//! A whole tree at once, from all its leaves: how a node that starts makes it.
//!
//! A batch on an empty tree would give the same nodes by way of a patch, and hold everything twice. It must give the very
//! root that changes one by one give. Read next: `tree/proof.rs`.

use super::{Arena, EMPTY_ROOT, Hash, Inner, Key, Leaf, Link, Tree, bit, common_bits, inner_hash};

impl Tree {
    /// The tree of these keys and value hashes, in any order. Of those with one key one stands.
    pub fn of(contents: impl IntoIterator<Item = (Key, Hash)>) -> Self {
        let mut leaves: Vec<Leaf> = contents
            .into_iter()
            .map(|(key, value)| Leaf { key, value })
            .collect();
        leaves.sort_unstable_by_key(|leaf| leaf.key);
        leaves.dedup_by(|one, other| one.key == other.key);
        let mut inners = Vec::with_capacity(leaves.len().saturating_sub(1));
        let (root, _) = build(&mut inners, &leaves, 0);
        Self {
            root,
            leaves: Arena::of(leaves),
            inners: Arena::of(inners),
            version: 0,
        }
    }
}

/// The node over a part of all leaves, which begins at the place `from`; and its hash.
fn build(inners: &mut Vec<Inner>, part: &[Leaf], from: usize) -> (Link, Hash) {
    let (first, last) = match part {
        [] => return (Link::EMPTY, EMPTY_ROOT),
        [leaf] => return (Link::new(Link::LEAF, from), leaf.hash()),
        [first, .., last] => (first, last),
    };
    let parting = common_bits(&first.key, &last.key);
    let ones = part.partition_point(|leaf| !bit(&leaf.key, parting));
    let (left, left_hash) = build(inners, &part[..ones], from);
    let (right, right_hash) = build(inners, &part[ones..], from + ones);
    let depth = u8::try_from(parting).expect("two keys that differ part before bit 256");
    let hash = inner_hash(depth, &left_hash, &right_hash);
    inners.push(Inner {
        hash,
        left,
        right,
        witness: Link::new(Link::LEAF, from),
        depth,
    });
    (Link::new(0, inners.len() - 1), hash)
}
