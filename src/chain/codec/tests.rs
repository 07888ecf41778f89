//! The codec's promises, for every type of the law: one form for each value, and bounds first.

use super::*;
use crate::chain::account::Account;
use crate::chain::block::{Block, Header, MAX_BLOCK_TRANSACTIONS};
use crate::chain::certificate::Certificate;
use crate::chain::genesis::Rules;
use crate::chain::hash::Hash;
use crate::chain::key::{Address, PublicKey, Signature};
use crate::chain::merkle::Path;
use crate::chain::name::Name;
use crate::chain::rules::Rejection;
use crate::chain::testing::*;
use crate::chain::transaction::{Operation, SignedTransaction, Transaction};
use crate::chain::tree::Proof;
use crate::chain::validator::ValidatorSet;
use crate::chain::{amount::Amount, validator::MAX_VALIDATORS};
use proptest::prelude::*;

/// A value reads back as itself, and only from all of its own bytes.
fn check_form<T: Encode + Decode + PartialEq + std::fmt::Debug>(value: &T) {
    let mut bytes = value.to_bytes();
    assert_eq!(T::from_bytes(&bytes).as_ref(), Ok(value));
    for end in 0..bytes.len() {
        assert!(
            matches!(
                T::from_bytes(&bytes[..end]),
                Err(DecodeError::Truncated { .. })
            ),
            "{end} of {} bytes of {value:?} are no value",
            bytes.len()
        );
    }
    bytes.push(0);
    assert_eq!(T::from_bytes(&bytes), Err(DecodeError::TrailingBytes(1)));
}

/// Whatever decodes is what would be encoded: nobody can make a second form of a value.
fn check_bytes<T: Encode + Decode>(bytes: &[u8]) {
    if let Ok(value) = T::from_bytes(bytes) {
        assert_eq!(value.to_bytes(), bytes);
    }
}

fn check_bytes_as_everything(bytes: &[u8]) {
    check_bytes::<Amount>(bytes);
    check_bytes::<Hash>(bytes);
    check_bytes::<Address>(bytes);
    check_bytes::<PublicKey>(bytes);
    check_bytes::<Signature>(bytes);
    check_bytes::<Name>(bytes);
    check_bytes::<Operation>(bytes);
    check_bytes::<Transaction>(bytes);
    check_bytes::<SignedTransaction>(bytes);
    check_bytes::<Header>(bytes);
    check_bytes::<Block>(bytes);
    check_bytes::<Certificate>(bytes);
    check_bytes::<ValidatorSet>(bytes);
    check_bytes::<Rules>(bytes);
    check_bytes::<Path>(bytes);
    check_bytes::<Account>(bytes);
    check_bytes::<Proof>(bytes);
    check_bytes::<Rejection>(bytes);
    check_bytes::<Option<u16>>(bytes);
    check_bytes::<bool>(bytes);
}

/// Bytes with one bit turned over still have one form at most.
fn check_turned<T: Encode + Decode>(value: &T, at: prop::sample::Index, bit: u32) {
    let mut bytes = value.to_bytes();
    let at = at.index(bytes.len());
    bytes[at] ^= 1u8 << bit;
    check_bytes::<T>(&bytes);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_small_type_reads_back_as_itself_and_from_nothing_less(
        amount in any_amount(),
        hash in any_hash(),
        address in any_address(),
        key in any_public_key(),
        signature in any_signature(),
        name in any_name(),
        rules in any_rules(),
        numbers: (u8, u16, u32, u64, i64),
        option: Option<bool>,
    ) {
        check_form(&amount);
        check_form(&hash);
        check_form(&address);
        check_form(&key);
        check_form(&signature);
        check_form(&name);
        check_form(&rules);
        check_form(&option);
        check_form(&numbers.0);
        check_form(&numbers.1);
        check_form(&numbers.2);
        check_form(&numbers.3);
        check_form(&numbers.4);
    }

    #[test]
    fn every_large_type_reads_back_as_itself_and_from_nothing_less(
        operation in any_operation(),
        transaction in any_transaction(),
        signed in any_signed_transaction(),
        header in any_header(),
        block in any_block(),
        certificate in any_certificate(),
        validators in any_validator_set(),
        path in any_path(),
        account in any_account(),
    ) {
        check_form(&account);
        check_form(&operation);
        check_form(&transaction);
        check_form(&signed);
        check_form(&header);
        check_form(&block);
        check_form(&certificate);
        check_form(&validators);
        check_form(&path);
    }

    #[test]
    fn no_bytes_panic_a_decoder_or_have_a_second_form(bytes in prop::collection::vec(any::<u8>(), 0..700)) {
        check_bytes_as_everything(&bytes);
    }

    #[test]
    fn small_numbers_for_bytes_panic_no_decoder_either(bytes in prop::collection::vec(0u8..3, 0..700)) {
        check_bytes_as_everything(&bytes);
    }

    #[test]
    fn turned_bits_make_no_second_form(
        at: prop::sample::Index,
        bit in 0u32..8,
        name in any_name(),
        block in any_block(),
        certificate in any_certificate(),
        validators in any_validator_set(),
        rules in any_rules(),
        path in any_path(),
    ) {
        check_turned(&name, at, bit);
        check_turned(&block, at, bit);
        check_turned(&certificate, at, bit);
        check_turned(&validators, at, bit);
        check_turned(&rules, at, bit);
        check_turned(&path, at, bit);
    }
}

#[test]
fn integers_are_little_endian() {
    assert_eq!(0x0102_0304u32.to_bytes(), [4, 3, 2, 1]);
    assert_eq!((-2i64).to_bytes(), [254, 255, 255, 255, 255, 255, 255, 255]);
}

#[test]
fn a_bool_or_an_option_knows_two_tags() {
    let unknown = DecodeError::UnknownTag {
        what: "bool",
        tag: 2,
    };
    assert_eq!(bool::from_bytes(&[2]), Err(unknown.clone()));
    assert_eq!(Option::<u8>::from_bytes(&[2, 0]), Err(unknown));
    assert_eq!(
        Option::<u8>::from_bytes(&[0, 0]),
        Err(DecodeError::TrailingBytes(1))
    );
}

#[test]
fn an_operation_of_an_unknown_kind_is_refused() {
    for tag in 5..=255 {
        assert_eq!(
            Operation::from_bytes(&[tag; 80]),
            Err(DecodeError::UnknownTag {
                what: "operation",
                tag
            })
        );
    }
}

/// An element that must never be asked for: its count was to be refused first.
#[derive(Debug)]
struct Never;

impl Decode for Never {
    fn decode(_: &mut Reader<'_>) -> Result<Self, DecodeError> {
        panic!("an element was read although its count is impossible")
    }
}

#[test]
fn a_count_above_its_bound_is_refused_before_any_element() {
    let mut bytes = u32::MAX.to_bytes();
    bytes.extend([0; 64]);
    let limit = 1000;
    let error = Reader::new(&bytes).sequence::<Never>("things", limit);
    assert_eq!(
        error.unwrap_err(),
        DecodeError::TooLong {
            what: "things",
            length: u32::MAX as usize,
            limit
        }
    );
}

#[test]
fn a_count_of_more_elements_than_bytes_is_refused_before_any_element() {
    let mut bytes = u32::MAX.to_bytes();
    bytes.extend([0; 64]);
    let error = Reader::new(&bytes).sequence::<Never>("things", usize::MAX);
    let (needed, left) = (u32::MAX as usize - 64, 64);
    assert_eq!(error.unwrap_err(), DecodeError::Truncated { needed, left });
    let error = Reader::new(&bytes).bytes("bytes", usize::MAX);
    assert_eq!(error.unwrap_err(), DecodeError::Truncated { needed, left });
}

#[test]
fn a_sequence_at_its_bound_is_taken_and_one_above_is_not() {
    let mut bytes = Vec::new();
    put_sequence(&mut bytes, &[7u8, 8, 9]);
    let read = |limit| Reader::new(&bytes).sequence::<u8>("things", limit);
    assert_eq!(read(3).unwrap(), [7, 8, 9]);
    assert!(matches!(
        read(2),
        Err(DecodeError::TooLong {
            length: 3,
            limit: 2,
            ..
        })
    ));
}

#[test]
fn the_types_state_their_bounds() {
    let claims = |bytes: Vec<u8>| [bytes, vec![0; 1 << 20]].concat();
    let too_long = |bound: usize| u32::try_from(bound + 1).unwrap().to_bytes();
    let limit_of = |error: DecodeError| match error {
        DecodeError::TooLong { what, limit, .. } => (what, limit),
        other => panic!("{other}"),
    };
    let name = claims(too_long(32));
    assert_eq!(limit_of(Name::from_bytes(&name).unwrap_err()), ("name", 32));
    let memo = claims([vec![0; 41], too_long(256)].concat());
    assert_eq!(
        limit_of(Operation::from_bytes(&memo).unwrap_err()),
        ("memo", 256)
    );
    let set = claims(too_long(MAX_VALIDATORS));
    assert_eq!(
        limit_of(ValidatorSet::from_bytes(&set).unwrap_err()),
        ("validators", MAX_VALIDATORS)
    );
    let certificate = claims([vec![0; 44], too_long(MAX_VALIDATORS)].concat());
    assert_eq!(
        limit_of(Certificate::from_bytes(&certificate).unwrap_err()),
        ("certificate signatures", MAX_VALIDATORS)
    );
    let header_length = 2 + 5 * 32 + 8 + 8 + 32;
    let block = claims([vec![0; header_length], too_long(MAX_BLOCK_TRANSACTIONS)].concat());
    assert_eq!(
        limit_of(Block::from_bytes(&block).unwrap_err()),
        ("transactions", MAX_BLOCK_TRANSACTIONS)
    );
    let path = claims([vec![0; 8], too_long(32)].concat());
    assert_eq!(limit_of(Path::from_bytes(&path).unwrap_err()), ("path", 32));
}

#[test]
fn a_text_is_utf8() {
    let mut bytes = Vec::new();
    put_bytes(&mut bytes, &[0xff, 0xfe]);
    assert!(matches!(
        Reader::new(&bytes).text("text", 10),
        Err(DecodeError::Invalid { what: "text", .. })
    ));
}
