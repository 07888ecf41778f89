//! The tree against a model that is its definition, and proofs against every lie of one byte.

use std::collections::BTreeMap;

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

use super::*;
use crate::chain::codec::{Decode, Encode};
use crate::chain::hash::hex;

type Model = BTreeMap<Key, Hash>;

/// The definition of the root, word for word.
fn model_root(leaves: &[(Key, Hash)]) -> Hash {
    match leaves {
        [] => EMPTY_ROOT,
        [(key, value)] => leaf_hash(key, value),
        [(first, _), .., (last, _)] => {
            let depth = (0..256)
                .find(|depth| bit(first, *depth) != bit(last, *depth))
                .unwrap();
            let (zeros, ones): (Vec<_>, Vec<_>) =
                leaves.iter().partition(|(key, _)| !bit(key, depth));
            inner_hash(depth as u8, &model_root(&zeros), &model_root(&ones))
        }
    }
}

fn root_of(model: &Model) -> Hash {
    model_root(
        &model
            .iter()
            .map(|(key, value)| (*key, *value))
            .collect::<Vec<_>>(),
    )
}

/// Keys that collide often and share long prefixes, as if ground: few distinct bytes at the ends.
fn key() -> impl Strategy<Value = Key> {
    prop_oneof![
        any::<Key>(),
        (0..4_u8, 0..4_u8).prop_map(|(first, last)| {
            let mut key = [0; 32];
            key[0] = first << 6;
            key[31] = last;
            key
        }),
        (0..=255_usize).prop_map(|bits| {
            let mut key = [0; 32];
            key[bits / 8] = 0x80 >> (bits % 8);
            key
        }),
    ]
}

fn batch() -> impl Strategy<Value = Batch> {
    btree_map(
        key(),
        prop_oneof![3 => (0..3_u8).prop_map(|n| Some(Hash([n; 32]))), 1 => Just(None)],
        0..40,
    )
}

fn change(model: &mut Model, batch: &Batch) {
    for (key, value) in batch {
        match value {
            Some(value) => model.insert(*key, *value),
            None => model.remove(key),
        };
    }
}

fn numbered(count: u32) -> Batch {
    (0..count)
        .map(|n| {
            (
                Hash::of("test", &[&n.to_le_bytes()]).0,
                Some(Hash::of("value", &[&n.to_le_bytes()])),
            )
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn the_root_is_that_of_the_definition_after_any_batches(batches in vec(batch(), 1..8)) {
        let (mut tree, mut model) = (Tree::new(), Model::new());
        for batch in &batches {
            change(&mut model, batch);
            let before = tree.root();
            let promised = tree.root_after(batch);
            prop_assert_eq!(tree.root(), before);
            prop_assert_eq!(tree.apply(batch), promised);
            prop_assert_eq!(promised, root_of(&model));
            prop_assert_eq!(tree.len(), model.len());
            prop_assert_eq!(tree.inners.len(), model.len().saturating_sub(1));
            for key in batch.keys() {
                prop_assert_eq!(tree.get(key), model.get(key).copied());
            }
        }
    }

    #[test]
    fn the_order_in_which_leaves_come_does_not_matter(batch in batch()) {
        let mut one_by_one = Tree::new();
        for (key, value) in batch.iter().rev() {
            one_by_one.apply(&Batch::from([(*key, *value)]));
        }
        prop_assert_eq!(Tree::new().apply(&batch), one_by_one.root());
    }

    #[test]
    fn a_tree_made_at_once_is_the_one_that_grew(first in batch(), second in batch()) {
        let (mut grown, mut model) = (Tree::new(), Model::new());
        grown.apply(&first);
        change(&mut model, &first);
        let mut whole = Tree::of(model.iter().rev().map(|(key, value)| (*key, *value)));
        prop_assert_eq!(whole.root(), grown.root());
        prop_assert_eq!(whole.len(), model.len());
        prop_assert_eq!(whole.inners.len(), model.len().saturating_sub(1));
        for key in first.keys().chain(second.keys()) {
            prop_assert_eq!(whole.prove(key), grown.prove(key));
        }
        // And it goes on like it.
        prop_assert_eq!(whole.apply(&second), grown.apply(&second));
    }

    #[test]
    fn each_key_is_proven_present_with_its_value_or_absent_and_nothing_else(batch in batch(), asked in key()) {
        let mut tree = Tree::new();
        let root = tree.apply(&batch);
        for key in batch.keys().chain([&asked]) {
            let proof = tree.prove(key);
            let value = tree.get(key);
            prop_assert_eq!(proof.verify(&root, key, value.as_ref()), Ok(()));
            prop_assert_eq!(Proof::from_bytes(&proof.to_bytes()), Ok(proof.clone()));
            prop_assert!(proof.to_bytes().len() <= MAX_PROOF_BYTES);
            prop_assert!(proof.verify(&root, key, Some(&Hash([9; 32]))).is_err());
            if value.is_some() {
                prop_assert_eq!(proof.verify(&root, key, None), Err(ProofError::ProvesPresence));
            }
            prop_assert!(proof.verify(&Hash([9; 32]), key, value.as_ref()).is_err());
        }
    }

    #[test]
    fn a_proof_with_any_byte_changed_is_refused(asked in 0..60_u32, place in any::<prop::sample::Index>(), flip in 1..=255_u8) {
        let mut tree = Tree::new();
        let root = tree.apply(&numbered(40));
        let key = Hash::of("test", &[&asked.to_le_bytes()]).0;
        let value = tree.get(&key);
        let mut bytes = tree.prove(&key).to_bytes();
        let place = place.index(bytes.len());
        bytes[place] ^= flip;
        if let Ok(forged) = Proof::from_bytes(&bytes) {
            prop_assert!(forged.verify(&root, &key, value.as_ref()).is_err());
        }
    }

    #[test]
    fn a_proof_for_one_key_proves_no_other_value_or_absence(asked in 0..40_u32, other in 0..60_u32) {
        prop_assume!(asked != other);
        let mut tree = Tree::new();
        let root = tree.apply(&numbered(40));
        let key = |n: u32| Hash::of("test", &[&n.to_le_bytes()]).0;
        let proof = tree.prove(&key(asked));
        prop_assert!(proof.verify(&root, &key(other), tree.get(&key(asked)).as_ref()).is_err());
        prop_assert!(proof.verify(&root, &key(other), None).is_err());
        // The other's leaf, shown as if it stood where the asked key would: hides a key that is there.
        let hiding = Proof { terminal: Terminal::Other { key: key(other), value: Hash([1; 32]) }, ..proof };
        prop_assert!(hiding.verify(&root, &key(asked), None).is_err());
    }

    #[test]
    fn no_bytes_panic_the_decoder(bytes in vec(any::<u8>(), 0..400)) {
        if let Ok(proof) = Proof::from_bytes(&bytes) {
            prop_assert_eq!(proof.to_bytes(), bytes);
            let _ = proof.verify(&EMPTY_ROOT, &[0; 32], None);
        }
    }
}

#[test]
fn an_absence_is_not_proven_by_a_present_key_elsewhere() {
    let mut tree = Tree::new();
    let root = tree.apply(&numbered(40));
    let (hidden, shown) = (
        Hash::of("test", &[&1_u32.to_le_bytes()]).0,
        Hash::of("test", &[&2_u32.to_le_bytes()]).0,
    );
    let mut proof = tree.prove(&shown);
    proof.terminal = Terminal::Other {
        key: shown,
        value: tree.get(&shown).unwrap(),
    };
    assert!(matches!(
        proof.verify(&root, &hidden, None),
        Err(ProofError::OffTheWay { .. })
    ));
    assert_eq!(
        proof.verify(&root, &shown, None),
        Err(ProofError::ProvesPresence)
    );
}

#[test]
fn ground_keys_make_the_tree_256_deep_and_no_larger() {
    let mut batch: Batch = (0..256_usize)
        .map(|bits| {
            let mut key = [0; 32];
            key[bits / 8] = 0x80 >> (bits % 8);
            (key, Some(Hash([1; 32])))
        })
        .collect();
    batch.insert([0; 32], Some(Hash([1; 32])));
    let mut tree = Tree::new();
    let root = tree.apply(&batch);
    let proof = tree.prove(&[0; 32]);
    assert_eq!(proof.depth(), MAX_SIBLINGS);
    assert_eq!(proof.to_bytes().len(), 1 + 4 + 256 * 33);
    assert_eq!(proof.verify(&root, &[0; 32], Some(&Hash([1; 32]))), Ok(()));
}

#[test]
fn a_patch_planned_before_another_change_is_refused() {
    let mut tree = Tree::new();
    let stale = tree.plan(&numbered(3));
    let root = tree.apply(&numbered(5));
    assert_eq!(
        tree.commit(stale),
        Err(TreeError::StalePatch {
            planned_on: 0,
            version: 1
        })
    );
    assert_eq!(tree.root(), root);
}

#[test]
fn a_tree_that_is_changed_again_and_again_does_not_grow() {
    let mut tree = Tree::new();
    for round in 0..20_u8 {
        tree.apply(
            &numbered(100)
                .into_keys()
                .map(|key| (key, Some(Hash([round; 32]))))
                .collect(),
        );
    }
    assert_eq!(
        (tree.leaves.nodes.len(), tree.inners.nodes.len()),
        (100, 99)
    );
}

#[test]
fn the_root_and_the_proof_bytes_are_frozen() {
    let mut tree = Tree::new();
    let root = tree.apply(&numbered(5));
    let present = tree.prove(&Hash::of("test", &[&1_u32.to_le_bytes()]).0);
    let absent = tree.prove(&[0; 32]);
    let golden = format!(
        "{}\n{}\n{}\n",
        hex(&root.0),
        hex(&present.to_bytes()),
        hex(&absent.to_bytes())
    );
    assert_eq!(golden, include_str!("../../../tests/golden/tree.txt"));
}
