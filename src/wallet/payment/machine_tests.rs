//! One payment's machine, step by step: what is sent when, what ends it, and what does not.

use super::*;
use crate::chain::amount::Amount;
use crate::chain::key::{Address, PublicKey, SecretKey};
use crate::chain::rules::Rejection;
use crate::chain::transaction::{Memo, Operation, Transaction};

const CREATED_MS: u64 = 1_000_000;
const NONCE: u64 = 7;
const VALID_UNTIL: u64 = 100;

fn key() -> SecretKey {
    SecretKey::from_seed(&[1; 32])
}

pub(super) fn signed(nonce: u64, valid_until: u64, operation: Operation) -> SignedTransaction {
    Transaction {
        genesis: Hash([9; 32]),
        sender: key().address(),
        key: key().public(),
        nonce,
        valid_until,
        fee: Amount::ZERO,
        operation,
    }
    .sign(&key())
}

pub(super) fn transfer(nits: u64) -> Operation {
    Operation::Transfer {
        to: Address([2; 32]),
        amount: Amount::from_nits(nits),
        memo: Memo::default(),
    }
}

fn payment() -> Payment {
    Payment::new(signed(NONCE, VALID_UNTIL, transfer(5)), None, CREATED_MS)
}

fn claim() -> Payment {
    let operation = Operation::ClaimName {
        name: "alice".parse().unwrap(),
    };
    Payment::new(signed(NONCE, VALID_UNTIL, operation), None, CREATED_MS)
}

/// A machine whose payment is saved, with the nodes 0 to 3 in reach.
fn open(payment: Payment) -> PaymentMachine {
    let (mut machine, _) = PaymentMachine::new(payment, CREATED_MS);
    machine.handle(Input::Saved, CREATED_MS);
    machine.handle(nodes(&[0, 1, 2, 3]), CREATED_MS);
    machine
}

fn nodes(indexes: &[u16]) -> Input {
    Input::Nodes(indexes.iter().map(|index| NodeIndex(*index)).collect())
}

fn answer(from: u16, answer: SubmitAnswer) -> Input {
    Input::Answer {
        from: NodeIndex(from),
        answer,
    }
}

fn refused(code: &str) -> SubmitAnswer {
    SubmitAnswer::Refused(Refusal::new(code, "no"))
}

fn sent_to(outputs: &[Output]) -> Vec<u16> {
    outputs
        .iter()
        .filter_map(|output| match output {
            Output::Submit { to, .. } => Some(to.0),
            _ => None,
        })
        .collect()
}

fn done(outputs: &[Output]) -> Option<&Status> {
    match outputs {
        [Output::Save(saved), Output::Done(status)] => {
            assert_eq!(saved.status(), status);
            Some(status)
        }
        _ => None,
    }
}

fn inclusion(id: TransactionId) -> Input {
    Input::ProvenInclusion {
        id,
        height: 42,
        signed_by: 3,
        validators: 4,
    }
}

#[test]
fn nothing_is_sent_before_the_payment_is_on_the_disk() {
    let (mut machine, outputs) = PaymentMachine::new(payment(), CREATED_MS);
    assert_eq!(outputs, [Output::Save(Box::new(payment()))]);
    assert!(machine.handle(nodes(&[0, 1, 2]), CREATED_MS).is_empty());
    assert!(machine.handle(Input::Tick, CREATED_MS + 60_000).is_empty());
    assert!(
        machine
            .handle(Input::Head { height: 5 }, CREATED_MS)
            .is_empty()
    );
    assert_eq!(machine.wake_at_ms(), None);
    let outputs = machine.handle(Input::Saved, CREATED_MS);
    assert_eq!(sent_to(&outputs), [0, 1]);
}

#[test]
fn a_payment_goes_to_two_nodes_and_to_another_for_each_that_fails() {
    let mut machine = open(payment());
    let outputs = machine.handle(answer(0, SubmitAnswer::Accepted), CREATED_MS + 1);
    assert!(sent_to(&outputs).is_empty());
    let outputs = machine.handle(answer(1, SubmitAnswer::Unreachable), CREATED_MS + 2);
    assert_eq!(sent_to(&outputs), [2]);
    let outputs = machine.handle(answer(2, refused("busy")), CREATED_MS + 3);
    assert_eq!(sent_to(&outputs), [3]);
}

#[test]
fn a_node_that_does_not_answer_is_given_up_after_its_time() {
    let mut machine = open(payment());
    let mut sent = Vec::new();
    let mut now_ms = CREATED_MS;
    while sent.is_empty() && now_ms < CREATED_MS + 60_000 {
        now_ms = machine.wake_at_ms().unwrap();
        sent = sent_to(&machine.handle(Input::Tick, now_ms));
    }
    assert_eq!(sent, [2, 3]);
    assert_eq!(now_ms, CREATED_MS + SUBMIT_TIMEOUT_MS);
}

#[test]
fn an_accepted_payment_is_sent_again_in_case_the_nodes_lost_it() {
    let mut machine = open(payment());
    machine.handle(answer(0, SubmitAnswer::Accepted), CREATED_MS);
    machine.handle(answer(1, SubmitAnswer::Accepted), CREATED_MS);
    let outputs = machine.handle(Input::Tick, CREATED_MS + 15_000);
    assert_eq!(sent_to(&outputs), [0, 1]);
}

#[test]
fn a_node_that_comes_back_is_sent_the_payment_at_once() {
    let mut machine = open(payment());
    assert!(sent_to(&machine.handle(nodes(&[]), CREATED_MS + 1)).is_empty());
    let outputs = machine.handle(nodes(&[1]), CREATED_MS + 2);
    assert_eq!(sent_to(&outputs), [1]);
}

#[test]
fn only_a_proof_of_this_very_transaction_makes_it_final() {
    let mut machine = open(payment());
    assert!(
        machine
            .handle(inclusion(Hash([3; 32])), CREATED_MS + 5)
            .is_empty()
    );
    assert!(machine.payment().is_unresolved());
    let outputs = machine.handle(inclusion(payment().id()), CREATED_MS + 25);
    let status = Status::Final {
        height: 42,
        latency_ms: 25,
        signed_by: 3,
        validators: 4,
    };
    assert_eq!(done(&outputs), Some(&status));
    assert_eq!(machine.wake_at_ms(), None);
    assert!(
        machine
            .handle(inclusion(payment().id()), CREATED_MS + 30)
            .is_empty()
    );
}

#[test]
fn a_new_block_is_asked_about_at_once_but_not_more_often_than_makes_sense() {
    let mut machine = open(payment());
    let head = |height| Input::Head { height };
    let asks = [
        Output::Ask(Question::Inclusion),
        Output::Ask(Question::Account),
    ];
    assert_eq!(machine.handle(head(5), CREATED_MS + 10), asks);
    assert!(machine.handle(head(6), CREATED_MS + 11).is_empty());
    assert_eq!(machine.wake_at_ms(), Some(CREATED_MS + 10 + MIN_ASK_GAP_MS));
    assert_eq!(
        machine.handle(Input::Tick, CREATED_MS + 10 + MIN_ASK_GAP_MS),
        asks
    );
}

#[test]
fn a_refusal_is_a_nodes_word_and_ends_nothing() {
    let mut machine = open(payment());
    let outputs = machine.handle(answer(0, refused("insufficient_funds")), CREATED_MS + 1);
    assert!(matches!(&outputs[0], Output::Save(saved) if saved.last_refusal().is_some()));
    assert!(outputs.contains(&Output::Ask(Question::Inclusion)));
    assert!(machine.payment().is_unresolved());
    assert!(machine.payment().gives_way());
    // One that accepts speaks against it.
    machine.handle(answer(1, SubmitAnswer::Accepted), CREATED_MS + 2);
    assert_eq!(machine.payment().last_refusal(), None);
    assert!(!machine.payment().gives_way());
    // And a refusal that comes after is not believed either.
    machine.handle(answer(2, refused("insufficient_funds")), CREATED_MS + 3);
    assert_eq!(machine.payment().status(), &Status::Submitted);
}

#[test]
fn an_answer_from_a_node_that_was_not_asked_is_ignored() {
    let mut machine = open(payment());
    machine.handle(answer(3, SubmitAnswer::Accepted), CREATED_MS + 1);
    assert_eq!(machine.payment().status(), &Status::Signed);
}

#[test]
fn a_payment_expires_by_a_proven_state_at_its_last_height_and_not_before() {
    let at = |height, nonce| Input::ProvenAccount { height, nonce };
    let mut machine = open(payment());
    machine.handle(at(VALID_UNTIL - 1, NONCE), CREATED_MS + 1);
    machine.handle(Input::Head { height: 1_000 }, CREATED_MS + 100);
    assert!(machine.payment().is_unresolved());
    let outputs = machine.handle(at(VALID_UNTIL, NONCE), CREATED_MS + 200);
    let height = VALID_UNTIL;
    assert_eq!(done(&outputs), Some(&Status::Expired { height }));
}

#[test]
fn a_taken_nonce_is_no_end_until_it_is_proven_who_took_it() {
    let mut machine = open(payment());
    let account = Input::ProvenAccount {
        height: VALID_UNTIL + 5,
        nonce: NONCE + 1,
    };
    let outputs = machine.handle(account, CREATED_MS + 1);
    let question = Output::Ask(Question::WhoTook { nonce: NONCE });
    assert_eq!(outputs, [Output::Ask(Question::Inclusion), question]);
    // It could only be refused now: it is not sent any more.
    assert!(sent_to(&machine.handle(Input::Tick, CREATED_MS + 20_000)).is_empty());
    let other = |by, nonce| Input::ProvenOther {
        by,
        nonce,
        height: 50,
    };
    let by = Hash([3; 32]);
    machine.handle(other(by, NONCE - 1), CREATED_MS + 30_000);
    machine.handle(other(payment().id(), NONCE), CREATED_MS + 30_000);
    assert!(machine.payment().is_unresolved());
    let outputs = machine.handle(other(by, NONCE), CREATED_MS + 30_000);
    assert_eq!(done(&outputs), Some(&Status::Replaced { by, height: 50 }));
}

#[test]
fn a_proven_rejection_ends_a_payment_only_if_nothing_can_heal_it() {
    let name = || "alice".parse().unwrap();
    let own = key().address();
    let passing = [
        Rejection::InsufficientFunds {
            balance: Amount::ZERO,
            amount: Amount::ZERO,
            fee: Amount::ZERO,
        },
        Rejection::NonceAhead { given: 7, next: 6 },
        Rejection::NonceUsed { given: 7, next: 8 },
        Rejection::UnknownSender { sender: own },
        // What our own claim leaves behind when it is final.
        Rejection::NameTaken {
            name: name(),
            owner: own,
        },
        Rejection::AlreadyNamed {
            claimed: name(),
            own: name(),
        },
    ];
    let mut machine = open(claim());
    for rejection in passing {
        machine.handle(Input::ProvenRejection(rejection), CREATED_MS + 1);
        assert!(machine.payment().is_unresolved());
    }
    let taken = Rejection::NameTaken {
        name: name(),
        owner: Address([2; 32]),
    };
    let outputs = machine.handle(Input::ProvenRejection(taken.clone()), CREATED_MS + 2);
    let status = Status::Rejected {
        code: "name_taken".to_owned(),
        message: taken.to_string(),
    };
    assert_eq!(done(&outputs), Some(&status));
}

#[test]
fn a_refused_name_is_looked_up_for_proof() {
    let mut machine = open(claim());
    let outputs = machine.handle(answer(0, refused("name_taken")), CREATED_MS + 50);
    let name = "alice".parse().unwrap();
    assert!(outputs.contains(&Output::Ask(Question::NameFacts { name })));
}

#[test]
fn a_claim_of_a_voucher_is_looked_up_and_ends_only_where_nothing_can_bring_it_back() {
    let voucher = PublicKey([7; 32]);
    let operation = Operation::ClaimVoucher {
        voucher,
        opener: Address([2; 32]),
        opening: Hash([3; 32]),
        share: Amount::from_nits(5),
        proof: crate::chain::key::Signature([0; 64]),
    };
    let claim = Payment::new(signed(NONCE, VALID_UNTIL, operation), None, CREATED_MS);
    let mut machine = open(claim);
    // Accepted first, and then too late: so it is asked without a refusal, too.
    machine.handle(answer(0, SubmitAnswer::Accepted), CREATED_MS + 10);
    let outputs = machine.handle(Input::Head { height: 5 }, CREATED_MS + 50);
    assert!(outputs.contains(&Output::Ask(Question::VoucherFacts { voucher })));
    machine.handle(answer(1, refused("voucher_gone")), CREATED_MS + 55);
    assert!(machine.payment().is_unresolved());
    // What our own claim looks like once it is final is no end.
    let claimer = key().address();
    for rejection in [
        Rejection::VoucherClaimed { claimer },
        Rejection::NonceUsed { given: 1, next: 2 },
    ] {
        machine.handle(Input::ProvenRejection(rejection), CREATED_MS + 60);
        assert!(machine.payment().is_unresolved());
    }
    let gone = Rejection::NoVoucher { voucher };
    let outputs = machine.handle(Input::ProvenRejection(gone.clone()), CREATED_MS + 70);
    let status = Status::Rejected {
        code: "voucher_gone".to_owned(),
        message: gone.to_string(),
    };
    assert_eq!(done(&outputs), Some(&status));
}

#[test]
fn a_resumed_payment_asks_first_and_sends_the_same_bytes() {
    let (mut machine, outputs) = PaymentMachine::resume(payment(), CREATED_MS + 9_000);
    assert_eq!(outputs[0], Output::Ask(Question::Inclusion));
    let outputs = machine.handle(nodes(&[2]), CREATED_MS + 9_001);
    let transaction = Box::new(payment().transaction().clone());
    let to = NodeIndex(2);
    assert_eq!(outputs, [Output::Submit { to, transaction }]);
}

#[test]
fn a_resumed_payment_with_an_end_only_tells_it() {
    let mut machine = open(payment());
    machine.handle(inclusion(payment().id()), CREATED_MS);
    let ended = machine.payment().clone();
    let (mut machine, outputs) = PaymentMachine::resume(ended.clone(), CREATED_MS);
    assert_eq!(outputs, [Output::Done(ended.status().clone())]);
    assert!(machine.handle(nodes(&[0]), CREATED_MS).is_empty());
}

#[test]
fn a_strangers_refusal_is_bounded_and_harmless() {
    let refusal = Refusal::new("A\u{1b}[31mbad_code", &"\u{1b}[2J".repeat(1_000));
    assert_eq!(refusal.code(), "31mbad_code");
    assert_eq!(refusal.message().chars().count(), MAX_REFUSAL_TEXT);
    assert!(!refusal.message().contains('\u{1b}'));
    assert!(refusal.is_bounded());
}
