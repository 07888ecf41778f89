//! The cache of keys: what gets in, what stays, and that no answer depends on it.

use super::super::cache::KeyPoint;
use super::*;
use std::collections::BTreeMap;

fn holds(keys: &KeyCache, key: PublicKey) -> bool {
    keys.look_up(&[key])[0].is_some()
}

fn learn(keys: &KeyCache, numbers: impl IntoIterator<Item = u8>) {
    let claims: Vec<Claim<'_>> = numbers.into_iter().map(good_claim).collect();
    let good = keys.verify_batch(&claims, &mut StdRng::seed_from_u64(1));
    assert!(good.into_iter().all(|good| good));
}

#[test]
fn a_key_is_held_once_its_signature_was_good() {
    let keys = KeyCache::default();
    assert_eq!(keys.len(), 0);
    learn(&keys, [1, 2, 2, 3]);
    assert_eq!(keys.len(), 3);
    assert_eq!(format!("{keys:?}"), "KeyCache(3 keys)");
    assert!((1..=3).all(|number| holds(&keys, key(number).public())));
}

#[test]
fn forgers_get_no_key_in() {
    let keys = KeyCache::default();
    let (mut claims, _) = mixed(&(0..40).map(Some).collect::<Vec<_>>());
    // y = 2 lies on no point of the curve.
    claims.push(Claim {
        key: PublicKey(scalar(2)),
        ..good_claim(1)
    });
    claims.extend(small_order_claims(1));
    let good = keys.verify_batch(&claims, &mut StdRng::seed_from_u64(1));
    assert!(!good.into_iter().any(|good| good));
    assert_eq!(keys.len(), 0);
}

#[test]
fn a_key_with_good_and_bad_signatures_is_held_and_its_bad_ones_stay_bad() {
    let keys = KeyCache::default();
    let mut claims = [good_claim(1); 4];
    spoil(&mut claims[1], 2);
    spoil(&mut claims[3], 0);
    for seed in 0..3 {
        let good = keys.verify_batch(&claims, &mut StdRng::seed_from_u64(seed));
        assert_eq!(good, [true, false, true, false]);
        assert_eq!(keys.len(), 1);
    }
}

#[test]
fn two_encodings_of_one_point_are_two_keys() {
    let keys = KeyCache::default();
    let claims = small_order_claims(0);
    keys.verify_batch(&claims, &mut StdRng::seed_from_u64(1));
    assert_eq!(keys.len(), SMALL_ORDER.len());
    assert_eq!(
        keys.verify_batch(&claims, &mut StdRng::seed_from_u64(2)),
        [true; 196]
    );
}

#[test]
fn it_never_holds_more_than_two_generations() {
    let keys = KeyCache::with_generations_of(5);
    for number in 1..=60 {
        learn(&keys, [number]);
        assert!(keys.len() <= 10);
        assert!(holds(&keys, key(number).public()), "the last is held");
    }
    assert!(!holds(&keys, key(1).public()));
}

#[test]
fn a_key_that_signs_again_stays_however_many_others_come() {
    let keys = KeyCache::with_generations_of(5);
    for number in 2..=60 {
        learn(&keys, [1, number]);
        assert!(holds(&keys, key(1).public()));
    }
}

#[test]
fn threads_that_share_one_get_the_answers_of_one() {
    let keys = KeyCache::with_generations_of(7);
    let (claims, expected) = mixed(
        &(0..40)
            .map(|n| (n % 7 == 3).then_some(n))
            .collect::<Vec<_>>(),
    );
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (keys, claims, expected) = (&keys, &claims, &expected);
            scope.spawn(move || {
                let mut random = StdRng::seed_from_u64(thread);
                for _ in 0..20 {
                    assert_eq!(&keys.verify_batch(claims, &mut random), expected);
                }
            });
        }
    });
    assert!(keys.len() <= 14);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Against a model: a list of the keys in the order in which they were last asked for or taken in.
    #[test]
    fn what_is_held_is_of_the_key_asked_for_and_the_last_are_always_held(
        bound in 1usize..=6,
        course in prop::collection::vec((any::<bool>(), 1u8..=20), 0..=80),
    ) {
        let keys = KeyCache::with_generations_of(bound);
        let points: BTreeMap<u8, KeyPoint> = (1..=20)
            .map(|number| (number, KeyPoint::of(key(number).public()).unwrap()))
            .collect();
        let mut last: Vec<u8> = Vec::new();
        for (is_new, number) in course {
            let asked = points[&number];
            let found = keys.look_up(&[*asked.key()])[0];
            let must = last.iter().rev().take(bound).any(|one| *one == number);
            prop_assert!(found.is_some() || !must, "{number} of {last:?}");
            if let Some(found) = found {
                prop_assert_eq!(found.key(), asked.key());
                prop_assert_eq!(found.point(), asked.point());
            }
            if is_new && found.is_none() {
                keys.learn([asked].into_iter());
            }
            if is_new || found.is_some() {
                last.retain(|one| *one != number);
                last.push(number);
            }
            prop_assert!(keys.len() <= 2 * bound);
        }
    }
}
