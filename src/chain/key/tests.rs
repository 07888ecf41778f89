//! Rule K1 on every edge case of ZIP 215, batches against single checks, and the text of addresses.

mod batches;
mod caches;

use super::*;
use crate::chain::hash::unhex;
use crate::chain::testing::network::key;
use crate::chain::testing::*;
use proptest::prelude::*;
use rand::SeedableRng;
use rand::rngs::StdRng;

/// The encodings of the eight points of small order, as hexadecimal digits of `y` and its sign bit:
/// eight canonical ones, then six that are not (as in the tests of ZIP 215's authors).
const SMALL_ORDER: [&str; 14] = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "0100000000000000000000000000000000000000000000000000000000000080",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
];

/// The group's order, little-endian.
const ORDER: &str = "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010";

/// The message of most tests.
const MESSAGE: &[u8] = b"Zcash";

fn array(digits: &str) -> [u8; 32] {
    unhex(digits).unwrap().try_into().unwrap()
}

fn signature(point: [u8; 32], scalar: [u8; 32]) -> Signature {
    Signature([point, scalar].concat().try_into().unwrap())
}

fn scalar(value: u8) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[0] = value;
    bytes
}

/// All 196 pairs of small-order key and point, with this scalar.
fn small_order_claims(s: u8) -> Vec<Claim<'static>> {
    let pairs = SMALL_ORDER
        .iter()
        .flat_map(|key| SMALL_ORDER.iter().map(move |point| (key, point)));
    pairs
        .map(|(key, point)| Claim {
            key: PublicKey(array(key)),
            message: MESSAGE,
            signature: signature(array(point), scalar(s)),
        })
        .collect()
}

fn single(claims: &[Claim<'_>]) -> Vec<bool> {
    claims
        .iter()
        .map(|claim| claim.key.verify(claim.message, &claim.signature))
        .collect()
}

/// The answers of a batch; they are the same without a cache, and with one that is empty, warm, or far too small.
fn batch(claims: &[Claim<'_>], seed: u64) -> Vec<bool> {
    let mut random = StdRng::seed_from_u64(seed);
    let good = verify_batch(claims, &mut random);
    for keys in [KeyCache::default(), KeyCache::with_generations_of(3)] {
        for state in ["cold", "warm"] {
            let again = keys.verify_batch(claims, &mut random);
            assert_eq!(again, good, "{keys:?}, {state}");
        }
    }
    good
}

fn good_claim(number: u8) -> Claim<'static> {
    let key = key(number);
    Claim {
        key: key.public(),
        message: MESSAGE,
        signature: key.sign(MESSAGE),
    }
}

/// The claim between enough good ones that a batch equation decides about it.
fn in_a_batch(claim: Claim<'_>) -> bool {
    let claims = [1, 2, 3, 4, 5, 6, 7].map(good_claim);
    let claims: Vec<Claim<'_>> = claims.into_iter().chain([claim]).collect();
    let good = batch(&claims, 1);
    assert_eq!(good[..7], [true; 7]);
    good[7]
}

#[test]
fn all_196_small_order_cases_are_good_singly_and_in_batches() {
    let claims = small_order_claims(0);
    assert_eq!(claims.len(), 196);
    assert_eq!(single(&claims), [true; 196]);
    assert_eq!(batch(&claims, 7), [true; 196]);
    assert!(claims.into_iter().all(in_a_batch));
}

#[test]
fn small_order_cases_with_another_scalar_are_bad_singly_and_in_batches() {
    let claims = small_order_claims(1);
    assert_eq!(single(&claims), [false; 196]);
    assert_eq!(batch(&claims, 7), [false; 196]);
    assert!(!claims.into_iter().any(in_a_batch));
}

#[test]
fn the_key_pairs_are_those_of_rfc_8032() {
    // RFC 8032, section 7.1, tests 1 and 2.
    for (seed, public, message, signed) in [
        (
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        ),
        (
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        ),
    ] {
        let key = SecretKey::from_seed(&array(seed));
        let message = unhex(message).unwrap();
        assert_eq!(key.public().to_string(), public);
        assert_eq!(hex(&key.sign(&message).0), signed);
        assert!(key.public().verify(&message, &key.sign(&message)));
        assert_eq!(*key.to_seed(), array(seed));
    }
}

#[test]
fn a_scalar_that_is_not_below_the_order_is_refused() {
    let good = good_claim(1);
    let mut carry = 0;
    let mut beyond = good;
    for (byte, order) in beyond.signature.0[32..].iter_mut().zip(array(ORDER)) {
        let sum = u16::from(*byte) + u16::from(order) + carry;
        *byte = sum.to_le_bytes()[0];
        carry = sum >> 8;
    }
    let zero = Claim {
        key: PublicKey(array(SMALL_ORDER[0])),
        message: MESSAGE,
        signature: signature(array(SMALL_ORDER[0]), array(ORDER)),
    };
    for claim in [beyond, zero] {
        assert!(!claim.key.verify(claim.message, &claim.signature));
        assert!(!in_a_batch(claim));
    }
}

#[test]
fn bytes_that_are_no_point_are_refused_as_key_and_as_point() {
    // y = 2 lies on no point of the curve.
    let nowhere = scalar(2);
    let good = good_claim(1);
    let key = Claim {
        key: PublicKey(nowhere),
        ..good
    };
    let mut point = good;
    point.signature.0[..32].copy_from_slice(&nowhere);
    for claim in [key, point] {
        assert!(!claim.key.verify(claim.message, &claim.signature));
        assert!(!in_a_batch(claim));
    }
}

#[test]
fn an_empty_batch_has_no_answers() {
    assert_eq!(batch(&[], 1), Vec::<bool>::new());
}

/// Ways to spoil a claim.
fn spoil(claim: &mut Claim<'_>, way: u8) {
    match way % 5 {
        0 => claim.message = b"another message",
        1 => claim.signature.0[3] ^= 1,
        2 => claim.signature.0[40] ^= 1,
        3 => claim.signature.0[63] |= 0xe0,
        _ => claim.key = key(200).public(),
    }
}

fn mixed(spoils: &[Option<u8>]) -> (Vec<Claim<'static>>, Vec<bool>) {
    let pool: Vec<Claim<'static>> = (1..=40).map(good_claim).collect();
    let claims = spoils.iter().zip(pool.iter().cycle()).map(|(way, claim)| {
        let mut claim = *claim;
        if let Some(way) = way {
            spoil(&mut claim, *way);
        }
        claim
    });
    (
        claims.collect(),
        spoils.iter().map(Option::is_none).collect(),
    )
}

#[test]
fn one_bad_among_six_hundred_is_found_wherever_it_stands() {
    for place in [0, 1, 299, 300, 598, 599] {
        let mut spoils = vec![None; 600];
        spoils[place] = Some(1);
        let (claims, expected) = mixed(&spoils);
        assert_eq!(batch(&claims, 3), expected);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn a_batch_of_up_to_600_finds_exactly_the_bad_ones(
        spoils in prop::collection::vec(prop::option::weighted(0.02, any::<u8>()), 0..=600),
        seed: u64,
    ) {
        let (claims, expected) = mixed(&spoils);
        prop_assert_eq!(batch(&claims, seed), expected);
    }

    #[test]
    fn small_batches_agree_with_single_checks_even_when_most_are_bad(
        spoils in prop::collection::vec(prop::option::weighted(0.7, any::<u8>()), 0..=24),
        odd in prop::collection::vec((0usize..196, 0u8..2), 0..=8),
        seed: u64,
    ) {
        let (mut claims, _) = mixed(&spoils);
        claims.extend(odd.iter().map(|(which, s)| small_order_claims(*s)[*which]));
        prop_assert_eq!(batch(&claims, seed), single(&claims));
    }

    #[test]
    fn any_bytes_are_checked_alike_and_without_panic(key in any_public_key(), signature in any_signature()) {
        let claim = Claim { key, message: MESSAGE, signature };
        prop_assert_eq!(key.verify(MESSAGE, &signature), in_a_batch(claim));
    }
}

/// The address of the bytes 0 to 31, made by the reference program of BIP-350.
const KNOWN: &str = "nat1qqqsyqcyq5rqwzqfpg9scrgwpugpzysnzs23v9ccrydpk8qarc0szkzhaq";

fn known() -> Address {
    Address(std::array::from_fn(|i| u8::try_from(i).unwrap()))
}

fn refusal(text: &str) -> AddressError {
    text.parse::<Address>().unwrap_err()
}

#[test]
fn an_address_has_the_known_text() {
    assert_eq!(known().to_string(), KNOWN);
    assert_eq!(KNOWN.parse(), Ok(known()));
    let highest = "nat1lllllllllllllllllllllllllllllllllllllllllllllllllllsfu2y5w";
    assert_eq!(highest.parse(), Ok(Address([0xff; 32])));
    assert_eq!(known().short(), "nat1qqqsyq...zkzhaq");
}

#[test]
fn an_address_may_be_in_capitals_but_not_in_both() {
    assert_eq!(KNOWN.to_uppercase().parse(), Ok(known()));
    let mixed = KNOWN.replacen('z', "Z", 1);
    assert!(matches!(refusal(&mixed), AddressError::Malformed { .. }));
}

#[test]
fn every_mistyped_character_is_noticed() {
    for (at, right) in KNOWN.char_indices() {
        for wrong in "qpzry9x8gf2tvdw0s3jn54khce6mua7lb1o ".chars() {
            let mut text = KNOWN.to_owned();
            text.replace_range(at..=at, &wrong.to_string());
            assert_eq!(text.parse::<Address>().is_ok(), wrong == right, "{text}");
        }
    }
}

#[test]
fn swapped_missing_and_added_characters_are_noticed() {
    for at in 0..KNOWN.len() {
        let mut missing = KNOWN.to_owned();
        missing.remove(at);
        assert!(missing.parse::<Address>().is_err(), "{missing}");
        let mut added = KNOWN.to_owned();
        added.insert(at, 'q');
        assert!(added.parse::<Address>().is_err(), "{added}");
        let mut swapped: Vec<char> = KNOWN.chars().collect();
        swapped.swap(at, (at + 1) % KNOWN.len());
        let swapped: String = swapped.into_iter().collect();
        assert!(swapped == KNOWN || swapped.parse::<Address>().is_err());
    }
}

#[test]
fn what_is_no_address_is_refused_with_its_reason() {
    // Made by the reference programs of BIP-173 and BIP-350 from the known bytes.
    let bech32_of_old = "nat1qqqsyqcyq5rqwzqfpg9scrgwpugpzysnzs23v9ccrydpk8qarc0sh2jmcz";
    let nonzero_padding = "nat1qqqsyqcyq5rqwzqfpg9scrgwpugpzysnzs23v9ccrydpk8qarc03lqkzqj";
    for text in [
        "",
        "nat1",
        "alice",
        "@alice",
        bech32_of_old,
        nonzero_padding,
        "nat1\u{0}é",
    ] {
        assert!(
            matches!(refusal(text), AddressError::Malformed { .. }),
            "{text}"
        );
    }
    let other = "nut1qqqsyqcyq5rqwzqfpg9scrgwpugpzysnzs23v9ccrydpk8qarc0skcd0h3";
    assert!(matches!(refusal(other), AddressError::OtherPrefix { prefix, .. } if prefix == "nut"));
    for (text, bytes) in [
        (
            "nat1qqqsyqcyq5rqwzqfpg9scrgwpugpzysnzs23v9ccrydpk8qarc6klk60",
            31,
        ),
        (
            "nat1qqqsyqcyq5rqwzqfpg9scrgwpugpzysnzs23v9ccrydpk8qarc0hs6kcsl5",
            33,
        ),
    ] {
        assert!(
            matches!(refusal(text), AddressError::WrongLength { length, .. } if length == bytes)
        );
    }
}

#[test]
fn a_secret_key_is_never_shown() {
    let key = key(9);
    let seed = hex(key.to_seed().as_slice());
    assert_eq!(
        format!("{key:?}"),
        format!("SecretKey(of {})", key.address())
    );
    assert!(!format!("{key:?}").contains(&seed));
}

proptest! {
    #[test]
    fn an_address_reads_back_from_its_text(address in any_address()) {
        prop_assert_eq!(address.to_string().parse(), Ok(address));
    }

    #[test]
    fn no_text_panics_an_address(text in "(nat1)?\\PC{0,80}") {
        let _ = text.parse::<Address>();
    }
}
