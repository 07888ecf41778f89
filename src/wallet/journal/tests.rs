//! The journal's promises: what goes in comes out, ends stay, damage is refused, and nonces are never given twice.

use super::*;
use crate::chain::amount::Amount;
use crate::chain::key::{Address, SecretKey};
use crate::chain::transaction::{Memo, Operation, Transaction};
use proptest::prelude::*;

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/payments_v1.json");

const GENESIS: Hash = Hash([9; 32]);

fn payment(genesis: Hash, nonce: u64, status: Status, refusal: Option<Refusal>) -> Payment {
    let key = SecretKey::from_seed(&[1; 32]);
    let transaction = Transaction {
        genesis,
        sender: key.address(),
        key: key.public(),
        nonce,
        valid_until: 1_000,
        fee: Amount::from_nits(1),
        operation: Operation::Transfer {
            to: Address([2; 32]),
            amount: Amount::from_nits(500),
            memo: Memo::new("hi").unwrap(),
        },
    };
    let name = nonce.is_multiple_of(2).then(|| "alice".parse().unwrap());
    Payment::remembered(transaction.sign(&key), name, 1_000 + nonce, status, refusal)
}

fn waiting(nonce: u64) -> Payment {
    payment(GENESIS, nonce, Status::Submitted, None)
}

fn giving_way(nonce: u64) -> Payment {
    let refusal = Refusal::new("insufficient_funds", "no");
    payment(GENESIS, nonce, Status::Signed, Some(refusal))
}

fn journal(payments: impl IntoIterator<Item = Payment>) -> Journal {
    let mut journal = Journal::new();
    for payment in payments {
        journal.record(payment).unwrap();
    }
    journal
}

fn one_of_each() -> Journal {
    let ends = [
        Status::Final {
            height: 42,
            latency_ms: 25,
            signed_by: 3,
            validators: 4,
        },
        Status::Rejected {
            code: "name_taken".to_owned(),
            message: "the name is taken".to_owned(),
        },
        Status::Expired { height: 1_000 },
        Status::Replaced {
            by: Hash([5; 32]),
            height: 43,
        },
        Status::Submitted,
    ];
    let ended = (0..)
        .zip(ends)
        .map(|(nonce, end)| payment(GENESIS, nonce, end, None));
    journal(ended.chain([giving_way(5)]))
}

#[test]
fn the_journal_is_frozen() {
    let golden = std::fs::read(GOLDEN).unwrap();
    assert_eq!(
        String::from_utf8(one_of_each().encode()).unwrap(),
        String::from_utf8(golden.clone()).unwrap()
    );
    assert_eq!(Journal::decode(&golden).unwrap(), one_of_each());
}

#[test]
fn a_new_payment_takes_the_lowest_nonce_that_nobody_waits_with() {
    assert_eq!(Journal::new().next_nonce(GENESIS, 3, 0), 3);
    assert_eq!(
        journal([waiting(3), waiting(4)]).next_nonce(GENESIS, 3, 0),
        5
    );
    // The proven state is ahead of what the journal knows.
    assert_eq!(journal([waiting(3)]).next_nonce(GENESIS, 7, 0), 7);
    // One that expired left a gap before others.
    let expired = payment(GENESIS, 3, Status::Expired { height: 9 }, None);
    assert_eq!(journal([expired, waiting(4)]).next_nonce(GENESIS, 3, 0), 3);
    // Another network's payments have their own nonces.
    let foreign = payment(Hash([8; 32]), 3, Status::Submitted, None);
    assert_eq!(journal([foreign]).next_nonce(GENESIS, 3, 0), 3);
}

#[test]
fn a_new_payment_takes_no_nonce_that_is_known_to_be_used() {
    // The story: a payment became final while the next was being prepared from an account asked for before. The next one
    // was signed with the same nonce, and could only end as replaced.
    let ends = [
        Status::Final {
            height: 9,
            latency_ms: 700,
            signed_by: 3,
            validators: 4,
        },
        Status::Replaced {
            by: Hash([7; 32]),
            height: 9,
        },
    ];
    for end in ends {
        let foreign = payment(Hash([8; 32]), 7, end.clone(), None);
        let used = payment(GENESIS, 3, end, None);
        let journal = journal([used, waiting(5), foreign]);
        assert_eq!(journal.next_nonce(GENESIS, 3, 0), 4);
    }
}

#[test]
fn a_new_payment_takes_the_place_of_one_that_would_hold_it_up() {
    let journal = journal([waiting(3), giving_way(4), waiting(5)]);
    assert_eq!(journal.next_nonce(GENESIS, 3, 0), 4);
    // Unless the proven state has passed it.
    assert_eq!(journal.next_nonce(GENESIS, 5, 0), 6);
}

#[test]
fn a_refused_payment_whose_nonce_is_not_taken_over_is_noticed() {
    mutation::assert_noticed(&[(
        Mutation::NonceNotReused,
        a_new_payment_takes_the_place_of_one_that_would_hold_it_up,
    )]);
}

#[test]
fn an_end_is_never_written_over() {
    let mut journal = one_of_each();
    let before = journal.clone();
    let id = journal.payments()[0].id();
    let error = journal.record(waiting(0)).unwrap_err();
    assert_eq!(error, JournalError::Ended { id });
    assert_eq!(journal, before);
}

#[test]
fn a_full_journal_forgets_the_oldest_end_and_nothing_that_waits() {
    let expired = |nonce| payment(GENESIS, nonce, Status::Expired { height: 1 }, None);
    let mut journal = journal([waiting(0)]);
    for nonce in 1..=MAX_PAYMENTS as u64 {
        journal.record(expired(nonce)).unwrap();
    }
    assert_eq!(journal.payments().len(), MAX_PAYMENTS);
    assert_eq!(journal.payments()[0].nonce(), 0);
    assert_eq!(journal.payments()[1].nonce(), 2);
    assert!(journal.encode().len() <= MAX_JOURNAL_BYTES);
}

#[test]
fn too_many_waiting_payments_are_refused() {
    let mut journal = journal((0..MAX_UNRESOLVED as u64).map(waiting));
    let error = journal.record(waiting(99)).unwrap_err();
    assert!(matches!(error, JournalError::TooManyUnresolved { .. }));
    // One that is there may still get its end.
    let end = payment(GENESIS, 0, Status::Expired { height: 1 }, None);
    journal.record(end).unwrap();
    journal.record(waiting(99)).unwrap();
}

#[test]
fn a_damaged_journal_is_refused_naming_what_is_wrong() {
    let text = String::from_utf8(one_of_each().encode()).unwrap();
    let id = one_of_each().payments()[4].id().to_string();
    let last = "00".repeat(4);
    for (from, to, named) in [
        ("]", "", "line"),
        ("\"version\": 1", "\"version\": -1", "line"),
        (
            "\"state\": \"final\"",
            "\"state\": \"finished\"",
            "finished",
        ),
        ("\"created_ms\"", "\"made_ms\"", "made_ms"),
        (id.as_str(), &"0".repeat(64), "payments[4]"),
        (
            "\"transaction\": \"09",
            "\"transaction\": \"08",
            "payments[0]",
        ),
        (
            "\"transaction\": \"09",
            "\"transaction\": \"9",
            "payments[0]",
        ),
        (last.as_str(), "", "payments["),
        (
            "the name is taken",
            "the name\\u001b is taken",
            "payments[1]",
        ),
    ] {
        assert!(text.contains(from), "{from}");
        let changed = text.replacen(from, to, 1);
        match Journal::decode(changed.as_bytes()).unwrap_err() {
            JournalError::Malformed { problem } => assert!(problem.contains(named), "{problem}"),
            other => panic!("{from}: {other}"),
        }
    }
    let newer = text.replacen("\"version\": 1", "\"version\": 2, \"new\": 0", 1);
    assert_eq!(
        Journal::decode(newer.as_bytes()).unwrap_err(),
        JournalError::UnknownVersion { found: 2, known: 1 }
    );
    assert!(matches!(
        Journal::decode(&vec![b' '; MAX_JOURNAL_BYTES + 1]),
        Err(JournalError::TooLarge { .. })
    ));
}

#[test]
fn a_waiting_payment_whose_signature_is_damaged_is_refused() {
    let text = String::from_utf8(journal([waiting(0)]).encode()).unwrap();
    let hex = hex(&waiting(0).transaction().to_bytes());
    let flipped = if hex.ends_with('0') { "1" } else { "0" };
    let damaged = format!("{}{flipped}", &hex[..hex.len() - 1]);
    let error = Journal::decode(text.replace(&hex, &damaged).as_bytes()).unwrap_err();
    assert!(error.to_string().contains("signature"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_written_is_read_back(nonces in proptest::collection::btree_set(any::<u64>(), 0..MAX_UNRESOLVED)) {
        let journal = journal(nonces.into_iter().map(waiting));
        prop_assert_eq!(Journal::decode(&journal.encode()).unwrap(), journal);
    }

    #[test]
    fn no_bytes_panic_the_reader(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(Journal::decode(&bytes).is_err());
    }

    #[test]
    fn no_two_waiting_payments_get_one_nonce(proven in 0u64..5, taken in proptest::collection::btree_set(0u64..12, 0..8)) {
        let journal = journal(taken.iter().copied().map(waiting));
        let next = journal.next_nonce(GENESIS, proven, 0);
        prop_assert!(next >= proven && !taken.contains(&next));
        prop_assert!((proven..next).all(|nonce| taken.contains(&nonce)));
    }
}
