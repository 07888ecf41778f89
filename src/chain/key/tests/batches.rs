//! The batch equation against ed25519-zebra, signature by signature and batch by batch.

use super::super::batch::{equation_holds, prepare};
use super::*;
use curve25519_dalek::constants::EIGHT_TORSION;
use curve25519_dalek::edwards::EdwardsPoint;
use curve25519_dalek::scalar::Scalar;
use sha2::{Digest as _, Sha512};

/// What ed25519-zebra's own batch says of all together.
fn zebra_takes_all(claims: &[Claim<'_>]) -> bool {
    let mut verifier = ed25519_zebra::batch::Verifier::new();
    for claim in claims {
        let key = ed25519_zebra::VerificationKeyBytes::from(claim.key.0);
        verifier.queue((key, claim.signature.0.into(), claim.message));
    }
    verifier.verify(StdRng::seed_from_u64(9)).is_ok()
}

/// What our equation says of all together. If it failed a good batch, single checks would still find the answers: only
/// slowly.
fn equation_takes_all(claims: &[Claim<'_>]) -> bool {
    let prepared = prepare(claims, &vec![None; claims.len()]);
    prepared.len() == claims.len() && equation_holds(&prepared, &mut StdRng::seed_from_u64(9))
}

/// Holds our answers against the reference, and gives them.
fn judged(claims: &[Claim<'_>], seed: u64) -> Vec<bool> {
    let good = batch(claims, seed);
    assert_eq!(good, single(claims));
    assert_eq!(good.iter().all(|good| *good), zebra_takes_all(claims));
    assert_eq!(equation_takes_all(claims), zebra_takes_all(claims));
    good
}

fn with_scalar(claim: &Claim<'static>, s: Scalar) -> Claim<'static> {
    let (point, _) = claim.signature.parts();
    Claim {
        signature: signature(point, s.to_bytes()),
        ..*claim
    }
}

fn scalar_of(claim: &Claim<'_>) -> Scalar {
    Scalar::from_canonical_bytes(claim.signature.parts().1).unwrap()
}

#[test]
fn every_flipped_bit_is_judged_as_by_the_reference() {
    let good = good_claim(1);
    let messages: Vec<Vec<u8>> = (0..MESSAGE.len() * 8)
        .map(|bit| {
            let mut message = MESSAGE.to_vec();
            message[bit / 8] ^= 1 << (bit % 8);
            message
        })
        .collect();
    let mut claims = Vec::new();
    for bit in 0..512 {
        let mut claim = good;
        claim.signature.0[bit / 8] ^= 1 << (bit % 8);
        claims.push(claim);
    }
    for bit in 0..256 {
        let mut claim = good;
        claim.key.0[bit / 8] ^= 1 << (bit % 8);
        claims.push(claim);
    }
    claims.extend(messages.iter().map(|message| Claim { message, ..good }));
    assert_eq!(judged(&claims, 1), vec![false; claims.len()]);
    claims.insert(100, good);
    assert!(judged(&claims, 2)[100]);
}

#[test]
fn the_equation_takes_all_196_small_order_cases_at_once() {
    let claims = small_order_claims(0);
    assert_eq!(judged(&claims, 3), [true; 196]);
    assert!(equation_takes_all(&claims));
}

#[test]
fn each_place_of_a_batch_of_any_small_size_may_hold_the_bad_one() {
    for size in [1, 2, 3, 5, 8, 9, 17] {
        for place in 0..size {
            let way = u8::try_from(place + size).unwrap();
            let mut spoils = vec![None; size];
            spoils[place] = Some(way);
            let (claims, expected) = mixed(&spoils);
            assert_eq!(judged(&claims, 4), expected, "{way} at {place} of {size}");
        }
    }
}

#[test]
fn each_place_of_a_batch_of_a_hundred_may_hold_the_bad_one() {
    for place in 0..100 {
        let mut spoils = vec![None; 100];
        spoils[place] = Some(2);
        let (claims, expected) = mixed(&spoils);
        let mut random = StdRng::seed_from_u64(5);
        assert_eq!(verify_batch(&claims, &mut random), expected, "at {place}");
    }
}

#[test]
fn errors_that_would_cancel_each_other_do_not() {
    let (one, same, other) = (good_claim(1), good_claim(1), good_claim(2));
    for (first, second) in [(one, same), (one, other)] {
        let claims = [
            with_scalar(&first, scalar_of(&first) + Scalar::ONE),
            with_scalar(&second, scalar_of(&second) - Scalar::ONE),
            good_claim(3),
            good_claim(4),
        ];
        assert_eq!(judged(&claims, 6), [false, false, true, true]);
    }
}

#[test]
fn a_scalar_has_one_encoding() {
    let good = good_claim(1);
    let order = array(ORDER);
    let mut bytes = scalar_of(&good).to_bytes();
    let mut claims = Vec::new();
    // s, s + l, s + 2 l and so on, as far as 32 bytes reach.
    loop {
        let (point, _) = good.signature.parts();
        claims.push(Claim {
            signature: signature(point, bytes),
            ..good
        });
        let mut carry = 0;
        for (byte, order) in bytes.iter_mut().zip(order) {
            let sum = u16::from(*byte) + u16::from(order) + carry;
            *byte = sum.to_le_bytes()[0];
            carry = sum >> 8;
        }
        if carry > 0 {
            break;
        }
    }
    assert!(claims.len() > 14);
    let good = judged(&claims, 7);
    assert!(good[0] && !good[1..].iter().any(|good| *good));
    let below = Scalar::ZERO - Scalar::ONE;
    assert_eq!(
        judged(&[with_scalar(&claims[0], below); 3], 8),
        [false; 3],
        "l - 1 is a scalar, but not the right one"
    );
}

#[test]
fn one_key_may_sign_many_and_only_its_bad_ones_are_bad() {
    let key = key(5);
    let messages: Vec<[u8; 2]> = (0..150_u16).map(u16::to_le_bytes).collect();
    let mut claims: Vec<Claim<'_>> = messages
        .iter()
        .map(|message| Claim {
            key: key.public(),
            message,
            signature: key.sign(message),
        })
        .collect();
    assert_eq!(judged(&claims, 1), [true; 150]);
    // Two that have changed places: both messages are signed, but neither by what stands there.
    let signature = claims[20].signature;
    claims[20].signature = claims[99].signature;
    claims[99].signature = signature;
    let good = judged(&claims, 2);
    assert!((0..150).all(|at| good[at] == !matches!(at, 20 | 99)));
}

/// A claim by a key with a part of small order, signed with the secret scalar alone: good only by the cofactor.
fn with_torsion(number: u64, of_key: usize, of_point: usize) -> Claim<'static> {
    let secret = Scalar::from(number * 7 + 3);
    let nonce = Scalar::from(number * 11 + 5);
    let key = EdwardsPoint::mul_base(&secret) + EIGHT_TORSION[of_key];
    let point = EdwardsPoint::mul_base(&nonce) + EIGHT_TORSION[of_point];
    let (key, point) = (key.compress().to_bytes(), point.compress().to_bytes());
    let hash = Sha512::new()
        .chain_update(point)
        .chain_update(key)
        .chain_update(MESSAGE);
    let s = nonce + Scalar::from_hash(hash) * secret;
    Claim {
        key: PublicKey(key),
        message: MESSAGE,
        signature: signature(point, s.to_bytes()),
    }
}

#[test]
fn parts_of_small_order_in_key_and_point_do_not_matter_but_all_else_does() {
    let mut claims: Vec<Claim<'_>> = (0..64)
        .map(|at| with_torsion(at as u64, at % 8, at / 8))
        .collect();
    assert_eq!(judged(&claims, 1), [true; 64]);
    for claim in claims.iter_mut().step_by(9) {
        *claim = with_scalar(claim, scalar_of(claim) + Scalar::ONE);
    }
    let good = judged(&claims, 2);
    assert!((0..64).all(|at| good[at] == (at % 9 != 0)));
}

#[test]
fn a_batch_draws_upon_the_chance_that_it_is_given() {
    use rand::RngExt as _;
    let claims = [1, 2, 3].map(good_claim);
    let (mut used, mut fresh) = (StdRng::seed_from_u64(1), StdRng::seed_from_u64(1));
    verify_batch(&claims, &mut used);
    // 128 bits for each.
    for _ in claims {
        fresh.random::<u128>();
    }
    assert_eq!(used.random::<u64>(), fresh.random::<u64>());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_mixture_is_judged_as_by_the_reference(
        spoils in prop::collection::vec(prop::option::weighted(0.3, any::<u8>()), 0..=60),
        odd in prop::collection::vec((0usize..196, 0u8..2), 0..=12),
        torsion in prop::collection::vec((any::<u32>(), 0usize..8, 0usize..8), 0..=8),
        strangers in prop::collection::vec((any_public_key(), any_signature()), 0..=8),
        order: u64,
        seed: u64,
    ) {
        use rand::seq::SliceRandom as _;
        let (mut claims, _) = mixed(&spoils);
        claims.extend(odd.iter().map(|(which, s)| small_order_claims(*s)[*which]));
        claims.extend(torsion.iter().map(|(n, of_key, of_point)| {
            with_torsion(u64::from(*n), *of_key, *of_point)
        }));
        claims.extend(strangers.iter().map(|(key, signature)| Claim {
            key: *key,
            message: MESSAGE,
            signature: *signature,
        }));
        claims.shuffle(&mut StdRng::seed_from_u64(order));
        judged(&claims, seed);
    }
}
