//! Who can read what; that nothing else can; and the bytes, frozen.

use super::*;
use crate::chain::amount::Amount;
use crate::chain::hash::hex;
use crate::chain::testing::network::{address, assert_golden, key, nits, transaction, transfer};
use crate::chain::transaction::Operation;
use proptest::prelude::*;

fn letter(text: &str) -> Letter {
    Letter::new(text, None).unwrap()
}

/// Person 1 pays person 2 and says this.
fn said(text: &str) -> Transaction {
    sealed_into(transaction(1, 7, transfer(500, 2)), &letter(text), &key(1)).unwrap()
}

fn memo_of(transaction: &Transaction) -> &Memo {
    match &transaction.operation {
        Operation::Transfer { memo, .. } => memo,
        _ => panic!("a transfer"),
    }
}

fn with_memo(transaction: &Transaction, bytes: &[u8]) -> Transaction {
    let mut other = transaction.clone();
    if let Operation::Transfer { memo, .. } = &mut other.operation {
        *memo = Memo::new(bytes).unwrap();
    }
    other
}

fn opened(transaction: &Transaction, person: u8) -> Option<String> {
    match read(transaction, Some(&key(person))) {
        Reading::Private(letter) => Some(letter.text().to_owned()),
        Reading::Sealed => None,
        other => panic!("{other:?}"),
    }
}

#[test]
fn payer_and_payee_read_a_private_memo_and_nobody_else() {
    let transaction = said("for the bicycle");
    for person in [1, 2] {
        assert_eq!(
            opened(&transaction, person).as_deref(),
            Some("for the bicycle")
        );
    }
    assert_eq!(opened(&transaction, 3), None);
    let nobody = read(&transaction, None);
    assert_eq!(nobody, Reading::Sealed);
    assert_eq!(nobody.to_text(), "private memo, not readable with this key");
    let bytes = memo_of(&transaction).as_bytes();
    assert!(!bytes.windows(7).any(|part| part == b"bicycle"));
}

#[test]
fn the_bytes_are_frozen() {
    let mut lines = String::new();
    let mut line = |label: &str, bytes: &[u8]| lines.push_str(&format!("{label} {}\n", hex(bytes)));
    let shared = key(1).agree(&key(2).public()).unwrap();
    line("shared_secret", shared.as_bytes());
    let said = said("for the bicycle");
    line("transaction", &said.to_bytes());
    line("memo", memo_of(&said).as_bytes());
    let reference = Some(Reference([0x5a; 16]));
    let answers = Letter::new("", reference).unwrap();
    let answers = sealed_into(said, &answers, &key(1)).unwrap();
    line("memo_with_reference", memo_of(&answers).as_bytes());
    assert_golden("private_memo.txt", &lines);
}

#[test]
fn the_length_tells_only_the_step() {
    let mut ends = Vec::new();
    for length in 1..=MAX_TEXT_BYTES {
        let text = "x".repeat(length);
        let transaction = said(&text);
        let bytes = memo_of(&transaction).as_bytes().len();
        assert!(LENGTHS.contains(&bytes));
        assert_eq!(opened(&transaction, 2), Some(text));
        if ends.last().is_none_or(|(_, last)| *last != bytes) {
            ends.push((length, bytes));
        }
    }
    assert_eq!(ends, [(1, 64), (34, 128), (98, 192), (162, 256)]);
    assert_eq!(MAX_TEXT_BYTES, 225);
    assert_eq!(
        Letter::new(&"x".repeat(226), None),
        Err(SealRefusal::TooLong {
            length: 226,
            limit: 225
        })
    );
    let reference = Some(Reference([1; 16]));
    assert!(Letter::new(&"x".repeat(209), reference).is_ok());
    assert!(Letter::new(&"x".repeat(210), reference).is_err());
}

#[test]
fn a_memo_opens_in_its_own_transaction_alone() {
    let own = said("tea");
    let changes: [fn(&mut Transaction); 7] = [
        |one| one.genesis = Hash([1; 32]),
        |one| one.nonce += 1,
        |one| one.valid_until += 1,
        |one| one.fee = nits(3),
        |one| one.key = key(3).public(),
        |one| {
            if let Operation::Transfer { amount, .. } = &mut one.operation {
                *amount = Amount::from_nits(501);
            }
        },
        |one| {
            let Operation::Transfer { to, .. } = &mut one.operation else {
                return;
            };
            (one.sender, *to) = (address(2), address(1));
        },
    ];
    for change in changes {
        let mut other = own.clone();
        change(&mut other);
        assert_ne!(other, own);
        assert_eq!(opened(&other, 1), None);
        assert_eq!(opened(&other, 2), None);
    }
}

#[test]
fn two_payments_in_one_place_do_not_share_a_key_stream() {
    // The first was refused by the nodes, so the second takes its nonce: all but the text is the same.
    let (first, second) = (said("aaaaaaaa"), said("aaaaaaab"));
    let (first, second) = (memo_of(&first).as_bytes(), memo_of(&second).as_bytes());
    assert_ne!(first[1..13], second[1..13], "the cipher's nonce is another");
    let same = first.iter().zip(second).filter(|(a, b)| a == b).count();
    assert!(same < 10, "{same} bytes of 64 are the same");
    assert_eq!(
        said("aaaaaaaa"),
        said("aaaaaaaa"),
        "and a retry is the same"
    );
}

#[test]
fn memos_of_earlier_programs_stay_what_they_were() {
    let bare = transaction(1, 7, transfer(500, 2));
    assert_eq!(read(&bare, Some(&key(1))), Reading::Empty);
    let old: [&[u8]; 7] = [
        b"hi",
        "na zdravje".as_bytes(),
        &[0; 8],
        &[MARK],
        &[MARK; 63],
        &[0xf7; 64],
        &[0xff; 256],
    ];
    for bytes in old {
        let public = with_memo(&bare, bytes);
        let memo = memo_of(&public).clone();
        assert_eq!(read(&public, Some(&key(1))), Reading::Public(memo.clone()));
        assert_eq!(read(&public, None).to_text(), memo.to_text());
    }
    for length in LENGTHS {
        let forged = with_memo(&bare, &vec![MARK; length]);
        assert_eq!(read(&forged, Some(&key(2))), Reading::Sealed);
    }
    let claim = transaction(1, 0, crate::chain::testing::network::claim("bob"));
    assert_eq!(read(&claim, Some(&key(1))), Reading::Empty);
    assert_eq!(sealed_into(claim.clone(), &letter("x"), &key(1)), Ok(claim));
}

#[test]
fn nothing_is_sealed_for_a_key_that_is_everybodys() {
    let everybody = Address(hash_of_order_one());
    let mut transaction = transaction(1, 7, transfer(500, 2));
    if let Operation::Transfer { to, .. } = &mut transaction.operation {
        *to = everybody;
    }
    let refused = sealed_into(transaction.clone(), &letter("x"), &key(1)).unwrap_err();
    assert_eq!(refused, SealRefusal::WeakKey { address: everybody });
    let forged = with_memo(&transaction, &[MARK; 64]);
    assert_eq!(read(&forged, Some(&key(1))), Reading::Sealed);
}

/// The identity's encoding.
fn hash_of_order_one() -> [u8; 32] {
    let mut point = [0; 32];
    point[0] = 1;
    point
}

#[test]
fn a_counterpartys_letter_cannot_harm_the_reader() {
    let transaction = said("\u{1b}[2J\u{202e}hi");
    let reading = read(&transaction, Some(&key(2)));
    assert_eq!(reading.to_text(), "\u{fffd}[2J\u{fffd}hi");
    assert!(!format!("{reading:?}").contains("hi"), "{reading:?}");
}

#[test]
fn what_is_sealed_but_is_no_letter_is_unreadable() {
    let bare = transaction(1, 7, transfer(500, 2));
    let shared = key(1).agree(&key(2).public()).unwrap();
    let place = of_memo(&bare, address(2));
    let plain: [&[u8]; 4] = [
        &[200, b'x'],
        &[1, 0xff, 0],
        &[1, b'x', 2],
        &[1, b'x', 0, 0, 7],
    ];
    for plain in plain {
        let sealed = seal::seal(&shared, &place, plain);
        let transaction = with_memo(&bare, sealed.as_bytes());
        assert_eq!(opened(&transaction, 2), None, "{plain:?}");
    }
}

proptest! {
    #[test]
    fn every_letter_comes_back_and_every_changed_byte_is_noticed(
        text in "\\PC{0,50}",
        reference in any::<Option<[u8; 16]>>(),
        at in any::<prop::sample::Index>(),
        turn in 1u8..,
    ) {
        let letter = Letter::new(&text, reference.map(Reference)).unwrap();
        let transaction = transaction(1, 7, transfer(500, 2));
        let transaction = sealed_into(transaction, &letter, &key(1)).unwrap();
        let expected = match letter.is_empty() {
            true => Reading::Empty,
            false => Reading::Private(letter),
        };
        prop_assert_eq!(read(&transaction, Some(&key(1))), expected.clone());
        prop_assert_eq!(read(&transaction, Some(&key(2))), expected.clone());
        if expected != Reading::Empty {
            let mut bytes = memo_of(&transaction).as_bytes().to_vec();
            let at = at.index(bytes.len());
            bytes[at] ^= turn;
            let other = with_memo(&transaction, &bytes);
            let reading = read(&other, Some(&key(2)));
            prop_assert!(!matches!(reading, Reading::Private(_)));
        }
    }

    #[test]
    fn no_bytes_panic_a_reader(bytes in prop::collection::vec(any::<u8>(), 0..=256)) {
        let transaction = with_memo(&transaction(1, 7, transfer(500, 2)), &bytes);
        let reading = read(&transaction, Some(&key(2)));
        prop_assert!(!matches!(reading, Reading::Private(_)));
    }
}
