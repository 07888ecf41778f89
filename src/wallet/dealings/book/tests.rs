//! A book's bytes: frozen, whole or refused.

use super::super::book::{Book, BookError, MAX_BOOK_BYTES};
use super::super::message::Delivery;
use super::super::testing::{Chain, NOW_MS, announced, machine, request};
use crate::chain::hash::{Hash, hex};
use crate::chain::testing::network::key;
use crate::chain::testing::network::{address, assert_golden, genesis_hash, nits, pay};
use crate::wallet::dealings::machine::Dealings;
use crate::wallet::dealings::message::{Message, Receipt, Subject, Thanks, Word};
use proptest::prelude::*;

/// Bob's dealings with one of everything.
fn busy() -> Dealings {
    let (mut bob, mut chain) = (machine(2), Chain::new());
    let (mine, theirs) = (pay(2, 0, 30, 1), pay(1, 0, 10, 2));
    bob.hear(announced(&theirs), NOW_MS);
    bob.hear(announced(&pay(3, 0, 20, 2)), NOW_MS + 1);
    bob.hear(announced(&pay(1, 1, 20, 2)), NOW_MS + 2);
    chain.grow(vec![theirs.clone(), mine.clone(), pay(3, 0, 20, 1)]);
    bob.prove(chain.proof(&theirs.id()).unwrap(), NOW_MS)
        .unwrap();
    bob.prove(chain.who_took(&address(3), 0).unwrap(), NOW_MS)
        .unwrap();
    bob.thank(&theirs.id(), "hvala", NOW_MS).unwrap();
    let asked = request(1, Some(2), 30, "for the roof");
    bob.bring(Message::Request(asked.clone()), NOW_MS).unwrap();
    bob.paying(&mine, Some(&asked.id()), Delivery::Submitted, NOW_MS)
        .unwrap();
    bob.prove(chain.proof(&mine.id()).unwrap(), NOW_MS).unwrap();
    let subject = Subject::of(&mine.transaction).unwrap();
    let receipt = Receipt::sign(subject, Word::Final { height: 1 }, &key(1));
    bob.hear(Message::Receipt(receipt), NOW_MS);
    let thanks = Thanks::sign(subject, "thank you", &key(1)).unwrap();
    bob.hear(Message::Thanks(thanks), NOW_MS);
    bob.ask_for(Some(address(3)), nits(4), "tea", 1_000, NOW_MS)
        .unwrap();
    bob
}

fn restore(bytes: &[u8]) -> Result<Book, BookError> {
    Book::restore(bytes, &genesis_hash(), &address(2))
}

#[test]
fn a_book_is_frozen_and_comes_back_whole() {
    let bob = busy();
    let saved = bob.book().save();
    assert_golden("dealings_v1.txt", &format!("{}\n", hex(&saved)));
    assert_eq!(restore(&saved).as_ref(), Ok(bob.book()));
    let empty = Book::new(genesis_hash(), address(2));
    assert_eq!(restore(&empty.save()), Ok(empty));
}

#[test]
fn no_text_that_two_people_keep_between_them_stands_in_a_book() {
    let saved = busy().book().save();
    for text in ["for the roof", "hvala", "thank you", "tea"] {
        let there = saved
            .windows(text.len())
            .any(|part| part == text.as_bytes());
        assert!(!there, "{text}");
    }
}

#[test]
fn another_owners_book_and_a_newer_one_are_refused_as_what_they_are() {
    let saved = busy().book().save();
    let other = Book::restore(&saved, &genesis_hash(), &address(1));
    assert!(matches!(other, Err(BookError::OtherOwner { owner, .. }) if owner == address(2)));
    let foreign = Book::restore(&saved, &Hash([1; 32]), &address(2));
    assert!(matches!(foreign, Err(BookError::OtherOwner { .. })));
    let mut newer = saved.clone();
    newer[0] = 2;
    assert_eq!(restore(&newer), Err(BookError::UnknownVersion { found: 2 }));
    assert!(matches!(restore(&[]), Err(BookError::Damaged { .. })));
    let long = vec![0; MAX_BOOK_BYTES + 1];
    let bytes = long.len();
    assert_eq!(restore(&long), Err(BookError::TooLarge { bytes }));
    let damaged = restore(&saved[..40]).unwrap_err().to_string();
    assert!(damaged.contains("move it away"), "{damaged}");
}

proptest! {
    #[test]
    fn every_damage_is_noticed(at in any::<prop::sample::Index>(), turn in 1u8.., cut in any::<prop::sample::Index>()) {
        let saved = busy().book().save();
        let mut turned = saved.clone();
        turned[at.index(saved.len())] ^= turn;
        prop_assert!(restore(&turned).is_err());
        prop_assert!(restore(&saved[..cut.index(saved.len())]).is_err());
    }
}
