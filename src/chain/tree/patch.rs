//! A patch: the nodes that a batch of changes makes anew, and those that it frees.
//!
//! Planning reads the tree and writes only here; putting the patch in moves its nodes over. It must
//! never look at the tree again when it is put in, or a root that was promised could differ from the
//! root that comes. Read next: `tree/proof.rs`.

use super::{
    Batch, Hash, Inner, Key, Kind, LEAF_DEPTH, Leaf, Link, Tree, bit, common_bits, inner_hash,
};

/// What a batch makes of a tree: planned by [`Tree::plan`], put in by [`Tree::commit`] or dropped.
#[derive(Debug, Clone)]
pub struct Patch {
    pub(super) planned_on: u64,
    pub(super) base_root: Hash,
    root_hash: Hash,
    root: Link,
    leaves: Vec<Leaf>,
    inners: Vec<Inner>,
    freed: Vec<Link>,
}

/// One change, in the order of keys.
type Change<'a> = (&'a Key, &'a Option<Hash>);

impl Patch {
    /// The root of the tree once this patch is in.
    pub fn root(&self) -> Hash {
        self.root_hash
    }

    pub(super) fn plan(tree: &Tree, batch: &Batch) -> Self {
        let base_root = tree.root();
        let mut patch = Self {
            planned_on: tree.version,
            base_root,
            root_hash: base_root,
            root: tree.root,
            leaves: Vec::new(),
            inners: Vec::new(),
            freed: Vec::new(),
        };
        let changes: Vec<Change<'_>> = batch.iter().collect();
        patch.root = patch.merge(tree, tree.root, 0, &changes);
        patch.root_hash = patch.hash_of(tree, patch.root);
        patch
    }

    /// The node that stands in `link`'s place after `changes`, which are in order of keys and all agree
    /// with the keys under `link` in their first `agreed` bits.
    fn merge(&mut self, tree: &Tree, link: Link, agreed: u16, changes: &[Change<'_>]) -> Link {
        let [first, ..] = changes else { return link };
        let (depth, witness) = match link.kind() {
            Kind::Empty => return self.build(tree, changes),
            Kind::Leaf(_) => (LEAF_DEPTH, link),
            Kind::Inner(index) => (
                tree.inners.get(index).depth.into(),
                tree.inners.get(index).witness,
            ),
        };
        // Most nodes stand right under their parent: then there is no bit between in which keys could part.
        if depth > agreed {
            let known = &tree.leaves.nodes[witness.index()].key;
            // Changes are sorted, so the first or the last of them parts soonest from the keys under this node.
            let last = changes.last().unwrap_or(first);
            let parting = common_bits(known, first.0).min(common_bits(known, last.0));
            if parting < depth {
                let (zeros, ones) = split(changes, parting);
                let (left, right) = if bit(known, parting) {
                    (
                        self.build(tree, zeros),
                        self.merge(tree, link, parting + 1, ones),
                    )
                } else {
                    (
                        self.merge(tree, link, parting + 1, zeros),
                        self.build(tree, ones),
                    )
                };
                return self.join(tree, parting, left, right);
            }
        }
        match link.kind() {
            Kind::Inner(index) => {
                let inner = *tree.inners.get(index);
                let (zeros, ones) = split(changes, depth);
                let left = self.merge(tree, inner.left, depth + 1, zeros);
                let right = self.merge(tree, inner.right, depth + 1, ones);
                if (left, right) == (inner.left, inner.right) {
                    return link;
                }
                self.freed.push(link);
                self.join(tree, depth, left, right)
            }
            Kind::Leaf(index) if *first.1 == Some(tree.leaves.get(index).value) => link,
            _ => {
                self.freed.push(link);
                self.build(tree, changes)
            }
        }
    }

    /// A subtree of the values that `changes` put, where there was nothing.
    fn build(&mut self, tree: &Tree, changes: &[Change<'_>]) -> Link {
        let put: Vec<Leaf> = changes
            .iter()
            .filter_map(|(key, value)| value.map(|value| Leaf { key: **key, value }))
            .collect();
        self.build_leaves(tree, &put)
    }

    fn build_leaves(&mut self, tree: &Tree, put: &[Leaf]) -> Link {
        match put {
            [] => Link::EMPTY,
            [leaf] => {
                self.leaves.push(*leaf);
                Link::new(Link::LEAF | Link::FRESH, self.leaves.len() - 1)
            }
            [first, .., last] => {
                let depth = common_bits(&first.key, &last.key);
                let (zeros, ones) =
                    put.split_at(put.partition_point(|leaf| !bit(&leaf.key, depth)));
                let left = self.build_leaves(tree, zeros);
                let right = self.build_leaves(tree, ones);
                self.join(tree, depth, left, right)
            }
        }
    }

    /// The node over two subtrees whose keys part at `depth`; where one is empty, the other alone.
    fn join(&mut self, tree: &Tree, depth: u16, left: Link, right: Link) -> Link {
        if left == Link::EMPTY {
            return right;
        }
        if right == Link::EMPTY {
            return left;
        }
        let depth = u8::try_from(depth).expect("two keys that differ part before bit 256");
        let hash = inner_hash(depth, &self.hash_of(tree, left), &self.hash_of(tree, right));
        let witness = match left.kind() {
            Kind::Inner(index) if left.is_fresh() => self.inners[index as usize].witness,
            Kind::Inner(index) => tree.inners.get(index).witness,
            _ => left,
        };
        self.inners.push(Inner {
            hash,
            left,
            right,
            witness,
            depth,
        });
        Link::new(Link::FRESH, self.inners.len() - 1)
    }

    fn hash_of(&self, tree: &Tree, link: Link) -> Hash {
        match link.kind() {
            Kind::Leaf(index) if link.is_fresh() => self.leaves[index as usize].hash(),
            Kind::Inner(index) if link.is_fresh() => self.inners[index as usize].hash,
            _ => tree.hash_of(link),
        }
    }

    /// Moves the nodes over. The tree must be the one that was planned on, unchanged.
    pub(super) fn put_into(self, tree: &mut Tree) {
        // Order: places are freed before they are given out, so that a steady tree does not grow.
        for link in &self.freed {
            match link.kind() {
                Kind::Leaf(index) => tree.leaves.free.push(index),
                Kind::Inner(index) => tree.inners.free.push(index),
                Kind::Empty => {}
            }
        }
        let mut leaves = Vec::with_capacity(self.leaves.len());
        for leaf in self.leaves {
            leaves.push(Link::new(Link::LEAF, tree.leaves.put(leaf)));
        }
        // A node comes after those below it, so the places of its children are known when it is placed.
        let mut inners = Vec::with_capacity(self.inners.len());
        for inner in self.inners {
            let settle = |link| settled(link, &leaves, &inners);
            let (left, right, witness) = (
                settle(inner.left),
                settle(inner.right),
                settle(inner.witness),
            );
            inners.push(Link::new(
                0,
                tree.inners.put(Inner {
                    left,
                    right,
                    witness,
                    ..inner
                }),
            ));
        }
        tree.root = settled(self.root, &leaves, &inners);
    }
}

/// The link in the tree for a link of the patch.
fn settled(link: Link, leaves: &[Link], inners: &[Link]) -> Link {
    match link.kind() {
        Kind::Leaf(index) if link.is_fresh() => leaves[index as usize],
        Kind::Inner(index) if link.is_fresh() => inners[index as usize],
        _ => link,
    }
}

/// Changes whose key has a 0 at `depth`, and those with a 1.
fn split<'a, 'b>(changes: &'a [Change<'b>], depth: u16) -> (&'a [Change<'b>], &'a [Change<'b>]) {
    changes.split_at(changes.partition_point(|(key, _)| !bit(key, depth)))
}
