//! What the wallet refuses before anybody signs, and what it takes into account.

use super::*;
use crate::chain::genesis::Rules;
use crate::chain::hash::Hash;
use crate::chain::key::SecretKey;
use crate::chain::rules::Payee;
use crate::chain::transaction::Memo;
use crate::wallet::payment::Payment;

const GENESIS: Hash = Hash([9; 32]);

fn key() -> SecretKey {
    SecretKey::from_seed(&[1; 32])
}

fn pay(nits: u64) -> Operation {
    Operation::Transfer {
        to: Address([2; 32]),
        amount: Amount::from_nits(nits),
        memo: Memo::default(),
    }
}

/// Drafts for an account of 1,000 nits and nonce 4, at a fee of 10, for the block 50.
fn try_draft(journal: &Journal, operation: Operation) -> Result<Transaction, Rejection> {
    try_draft_for(journal, operation, 50, 100)
}

/// The same for another block and validity.
fn try_draft_for(
    journal: &Journal,
    operation: Operation,
    height: u64,
    validity: u64,
) -> Result<Transaction, Rejection> {
    let account = Account {
        balance: Amount::from_nits(1_000),
        nonce: 4,
        ..Account::new(&key().address())
    };
    let rules = Rules {
        fee: Amount::from_nits(10),
        ..Rules::default()
    };
    let facts = Facts {
        genesis: &GENESIS,
        rules: &rules,
        height,
        sender: Some(&account),
        payee: Payee::Exists,
        name_owner: None,
        voucher: None,
        time_ms: 0,
        nonces_ahead: 0,
    };
    draft(&facts, key().address(), journal, operation, validity)
}

fn remember(journal: &mut Journal, transaction: Transaction) {
    let payment = Payment::new(transaction.sign(&key()), None, 0);
    journal.record(payment).unwrap();
}

#[test]
fn a_draft_carries_the_next_nonce_the_fee_and_its_last_height() {
    let transaction = try_draft(&Journal::new(), pay(990)).unwrap();
    assert_eq!(transaction.nonce, 4);
    assert_eq!(transaction.fee, Amount::from_nits(10));
    assert_eq!(transaction.valid_until, 150);
    assert!(transaction.sign(&key()).signature_is_good());
}

#[test]
fn money_that_a_waiting_payment_will_take_cannot_be_spent_again() {
    let mut journal = Journal::new();
    let first = try_draft(&journal, pay(600)).unwrap();
    remember(&mut journal, first);
    let error = try_draft(&journal, pay(381)).unwrap_err();
    let balance = Amount::from_nits(390);
    assert!(matches!(error, Rejection::InsufficientFunds { balance: left, .. } if left == balance));
    let second = try_draft(&journal, pay(380)).unwrap();
    assert_eq!(second.nonce, 5);
}

#[test]
fn a_payment_ends_with_those_that_it_waits_behind() {
    // The story (a simulation's seeds 1653, 1948, 3007, 3478): a payment expired, and another one with the next nonce
    // waited for two thousand heights more for somebody to take its place.
    let mut journal = Journal::new();
    let first = try_draft_for(&journal, pay(100), 50, 7).unwrap();
    remember(&mut journal, first);
    let second = try_draft_for(&journal, pay(100), 51, 100).unwrap();
    assert_eq!((second.nonce, second.valid_until), (5, 57));
    remember(&mut journal, second);
    let third = try_draft_for(&journal, pay(100), 57, 100).unwrap();
    assert_eq!((third.nonce, third.valid_until), (6, 57));
    // At the height after, neither can happen any more: their nonces and their money are free.
    let fourth = try_draft_for(&journal, pay(990), 58, 100).unwrap();
    assert_eq!((fourth.nonce, fourth.valid_until), (4, 158));
}

#[test]
fn a_payment_that_takes_anothers_place_lasts_as_long_as_those_behind() {
    let mut journal = Journal::new();
    let mut first = try_draft_for(&journal, pay(100), 50, 40).unwrap();
    first.nonce = 5;
    remember(&mut journal, first);
    let filling = try_draft_for(&journal, pay(100), 60, 10).unwrap();
    assert_eq!((filling.nonce, filling.valid_until), (4, 90));
}

#[test]
fn what_every_node_would_refuse_is_refused_before_signing() {
    let journal = Journal::new();
    let refuse = |operation| try_draft(&journal, operation).unwrap_err().code();
    assert_eq!(refuse(pay(991)), "insufficient_funds");
    assert_eq!(refuse(pay(u64::MAX)), "insufficient_funds");
    assert_eq!(refuse(pay(0)), "zero_amount");
    let own = Operation::Transfer {
        to: key().address(),
        amount: Amount::from_nits(1),
        memo: Memo::default(),
    };
    assert_eq!(refuse(own), "own_address");
}
