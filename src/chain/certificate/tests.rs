//! What proves a block final, and every way to fail at it.

use super::*;
use crate::chain::block::{Header, VERSION};
use crate::chain::key::SecretKey;
use crate::chain::testing::network::key;
use crate::chain::testing::*;
use crate::chain::validator::Validator;
use proptest::prelude::*;
use std::collections::BTreeSet;

const GENESIS: Hash = Hash([9; 32]);
const HEIGHT: u64 = 12;
const ROUND: u32 = 2;

fn header() -> Header {
    Header {
        version: VERSION,
        genesis: GENESIS,
        height: HEIGHT,
        parent: Hash([1; 32]),
        time_ms: 1,
        proposer: key(1).address(),
        transactions_root: Hash([2; 32]),
        state_root: Hash([3; 32]),
        next_validators: Hash([4; 32]),
    }
}

/// Four validators and the certificate of all but the last.
fn of_three() -> (Vec<SecretKey>, ValidatorSet, Certificate) {
    let (keys, set) = validators(4);
    let certificate = certificate(&header(), ROUND, &keys, &[0, 1, 2]);
    (keys, set, certificate)
}

#[test]
fn more_than_two_thirds_are_enough_and_fewer_are_not_for_one_to_seven_validators() {
    for (count, needed) in (1..=7).zip([1, 2, 3, 3, 4, 5, 5]) {
        let (keys, set) = validators(count);
        let places: Vec<usize> = (0..keys.len()).collect();
        for signers in 0..=keys.len() {
            let first = certificate(&header(), ROUND, &keys, &places[..signers]);
            let last = certificate(&header(), ROUND, &keys, &places[keys.len() - signers..]);
            for certificate in [first, last] {
                let expected = match signers >= needed {
                    true => Ok(()),
                    false => Err(CertificateError::NoQuorum {
                        height: HEIGHT,
                        power: signers as u64,
                        total: u64::from(count),
                    }),
                };
                assert_eq!(certificate.verify(&GENESIS, &set), expected);
            }
        }
    }
}

#[test]
fn power_counts_and_not_heads() {
    let (keys, set) = validators(4);
    let heavy = |place: usize| {
        let validators = set.as_slice().iter().enumerate();
        let validators = validators.map(|(at, validator)| Validator {
            power: if at == place { 10 } else { 1 },
            ..*validator
        });
        ValidatorSet::new(validators.collect()).unwrap()
    };
    let certificate = certificate(&header(), ROUND, &keys, &[0]);
    assert_eq!(certificate.verify(&GENESIS, &heavy(0)), Ok(()));
    let light = certificate.verify(&GENESIS, &heavy(1));
    assert!(matches!(
        light,
        Err(CertificateError::NoQuorum {
            power: 1,
            total: 13,
            ..
        })
    ));
}

#[test]
fn a_certificate_for_anything_else_is_refused() {
    let (_, set, good) = of_three();
    assert_eq!(good.verify(&GENESIS, &set), Ok(()));
    let bad = Err(CertificateError::BadSignature {
        height: HEIGHT,
        validator: 0,
    });
    assert_eq!(good.verify(&Hash([8; 32]), &set), bad);
    let other_round = Certificate {
        round: ROUND + 1,
        ..good.clone()
    };
    assert_eq!(other_round.verify(&GENESIS, &set), bad);
    let other_block = Certificate {
        block: Hash([8; 32]),
        ..good.clone()
    };
    assert_eq!(other_block.verify(&GENESIS, &set), bad);
    let other_height = Certificate {
        height: HEIGHT + 1,
        ..good
    };
    assert!(matches!(
        other_height.verify(&GENESIS, &set),
        Err(CertificateError::BadSignature { validator: 0, .. })
    ));
}

#[test]
fn a_bad_signature_is_named_by_its_place() {
    let (_, set, mut certificate) = of_three();
    certificate.signatures[1].signature.0[5] ^= 1;
    assert_eq!(
        certificate.verify(&GENESIS, &set),
        Err(CertificateError::BadSignature {
            height: HEIGHT,
            validator: 1
        })
    );
}

#[test]
fn a_bad_signature_spoils_even_a_certificate_with_enough_good_ones() {
    let (keys, set, _) = of_three();
    let mut certificate = certificate(&header(), ROUND, &keys, &[0, 1, 2, 3]);
    certificate.signatures[3].signature.0[5] ^= 1;
    assert!(matches!(
        certificate.verify(&GENESIS, &set),
        Err(CertificateError::BadSignature { validator: 3, .. })
    ));
}

#[test]
fn one_validator_cannot_sign_for_another() {
    let (_, set, mut certificate) = of_three();
    certificate.signatures[2].validator = 3;
    assert!(matches!(
        certificate.verify(&GENESIS, &set),
        Err(CertificateError::BadSignature { validator: 3, .. })
    ));
}

#[test]
fn strangers_are_refused_by_place_and_by_key() {
    let (_, set, mut foreign) = of_three();
    foreign.signatures[2].validator = 4;
    assert_eq!(
        foreign.verify(&GENESIS, &set),
        Err(CertificateError::Stranger {
            height: HEIGHT,
            validator: 4,
            count: 4
        })
    );
    let strangers: Vec<SecretKey> = (101..=104).map(key).collect();
    let of_strangers = certificate(&header(), ROUND, &strangers, &[0, 1, 2]);
    assert!(matches!(
        of_strangers.verify(&GENESIS, &set),
        Err(CertificateError::BadSignature { validator: 0, .. })
    ));
}

#[test]
fn nobody_counts_twice_or_out_of_order() {
    let (_, set, good) = of_three();
    let mut twice = good.clone();
    twice.signatures[2] = twice.signatures[1];
    let mut turned = good;
    turned.signatures.swap(1, 2);
    for certificate in [twice, turned] {
        assert_eq!(
            certificate.verify(&GENESIS, &set),
            Err(CertificateError::NotOrdered {
                height: HEIGHT,
                validator: 1
            })
        );
    }
}

#[test]
fn signatures_counted_wrongly_are_noticed() {
    mutation::assert_noticed(&[
        (
            Mutation::QuorumOfHalf,
            more_than_two_thirds_are_enough_and_fewer_are_not_for_one_to_seven_validators,
        ),
        (
            Mutation::SignersCountedTwice,
            nobody_counts_twice_or_out_of_order,
        ),
    ]);
}

#[test]
fn prevotes_and_votes_for_nil_prove_nothing() {
    let (keys, set, good) = of_three();
    let block = good.block;
    for (kind, vote) in [
        (VoteKind::Prevote, Some(&block)),
        (VoteKind::Precommit, None),
    ] {
        let mut certificate = good.clone();
        for part in &mut certificate.signatures {
            let key = &keys[usize::from(part.validator)];
            let bytes = vote_sign_bytes(&GENESIS, kind, HEIGHT, ROUND, &key.address(), vote);
            part.signature = key.sign(&bytes);
        }
        assert!(matches!(
            certificate.verify(&GENESIS, &set),
            Err(CertificateError::BadSignature { validator: 0, .. })
        ));
    }
}

#[test]
fn sign_bytes_differ_with_every_part_of_a_vote() {
    let (voter, other) = (key(1).address(), key(2).address());
    let (block, another) = (Hash([5; 32]), Hash([6; 32]));
    let kind = VoteKind::Precommit;
    let all = [
        vote_sign_bytes(&GENESIS, kind, 1, 2, &voter, Some(&block)),
        vote_sign_bytes(&Hash::ZERO, kind, 1, 2, &voter, Some(&block)),
        vote_sign_bytes(&GENESIS, VoteKind::Prevote, 1, 2, &voter, Some(&block)),
        vote_sign_bytes(&GENESIS, kind, 2, 2, &voter, Some(&block)),
        vote_sign_bytes(&GENESIS, kind, 1, 3, &voter, Some(&block)),
        vote_sign_bytes(&GENESIS, kind, 1, 2, &other, Some(&block)),
        vote_sign_bytes(&GENESIS, kind, 1, 2, &voter, Some(&another)),
        vote_sign_bytes(&GENESIS, kind, 1, 2, &voter, Some(&Hash::ZERO)),
        vote_sign_bytes(&GENESIS, kind, 1, 2, &voter, None),
    ];
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_turned_bit_anywhere_spoils_a_certificate(at: prop::sample::Index, bit in 0u32..8) {
        let (_, set, good) = of_three();
        let mut bytes = good.to_bytes();
        let at = at.index(bytes.len());
        bytes[at] ^= 1u8 << bit;
        if let Ok(turned) = Certificate::from_bytes(&bytes) {
            prop_assert!(turned.verify(&GENESIS, &set).is_err());
        }
    }

    #[test]
    fn no_certificate_panics_its_check(certificate in any_certificate(), set in any_validator_set()) {
        prop_assert!(certificate.verify(&GENESIS, &set).is_err());
    }
}
