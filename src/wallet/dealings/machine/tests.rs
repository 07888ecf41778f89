//! The machine's promises about payments that are told, one story each.

use super::super::book::{MAX_UNPROVEN, MAX_UNPROVEN_OF_ONE, Outgoing, State};
use super::super::message::{Delivery, Notice, Receipt, Subject, Thanks};
use super::super::testing::{
    Chain, NOW_MS, announced, machine, notice, paid_until, restored, sent, shown,
};
use super::*;
use crate::chain::query::AnswerError;
use crate::chain::testing::network::{address, key, pay};

fn asks(effects: &[Effect], question: Question) -> bool {
    effects.contains(&Effect::Ask(question))
}

fn submits(effects: &[Effect]) -> bool {
    let submit = |effect: &Effect| matches!(effect, Effect::Submit(_));
    effects.iter().any(submit)
}

fn state(machine: &Dealings, id: &TransactionId) -> State {
    let mut incoming = machine.book().incoming().iter();
    incoming.find(|one| one.id() == *id).unwrap().state.clone()
}

fn reply(machine: &mut Dealings, message: Message) -> Reply {
    machine.hear(message, NOW_MS).0
}

#[test]
fn a_notice_is_shown_at_once_as_announced_and_as_final_only_when_proven() {
    let (mut bob, mut chain) = (machine(2), Chain::new());
    bob.nodes(true, NOW_MS);
    let payment = pay(1, 0, 100, 2);
    let id = payment.id();
    let (reply, effects) = bob.hear(announced(&payment), NOW_MS);
    assert_eq!(reply, Reply::Taken);
    assert_eq!(effects[0], Effect::Save, "kept before shown or answered");
    assert_eq!(shown(&effects), [Event::PaymentCame(id)]);
    assert_eq!(state(&bob, &id), State::Announced);
    assert!(asks(&effects, Question::Inclusion { payment: id }));
    let said = sent(&effects);
    let heard = Receipt::sign(
        Subject::of(&payment.transaction).unwrap(),
        Word::Heard,
        &key(2),
    );
    assert_eq!(said, [(address(1), Message::Receipt(heard))]);

    // A proof of something else, or of another chain, changes nothing.
    chain.grow(vec![pay(3, 0, 50, 2)]);
    let other = chain.proof(&pay(3, 0, 50, 2).id()).unwrap();
    assert_eq!(bob.prove(other.clone(), NOW_MS).unwrap(), []);
    let forged = crate::chain::query::TransactionAnswer {
        transaction: payment.clone(),
        ..other
    };
    let refused = bob.prove(forged, NOW_MS).unwrap_err();
    assert!(matches!(refused, AnswerError::NotInBlock { .. }));
    assert_eq!(state(&bob, &id), State::Announced);

    chain.grow(vec![payment]);
    let effects = bob.prove(chain.proof(&id).unwrap(), NOW_MS).unwrap();
    let height = 2;
    assert_eq!(effects[0], Effect::Save);
    assert_eq!(
        shown(&effects),
        [Event::PaymentFinal {
            payment: id,
            height
        }]
    );
    let word = |(_, message): &(Address, Message)| match message {
        Message::Receipt(receipt) => receipt.word,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        sent(&effects).iter().map(word).collect::<Vec<_>>(),
        [Word::Final { height }]
    );
    // And nothing makes it less.
    let again = bob.prove(chain.proof(&id).unwrap(), NOW_MS).unwrap();
    assert_eq!(again, []);
    let account = chain.account(&address(1));
    bob.account_proven(&address(1), &account, NOW_MS);
    assert_eq!(state(&bob, &id), State::Final { height });
}

#[test]
fn a_payment_handed_over_without_a_node_is_handed_in_by_whoever_meets_one() {
    let mut bob = machine(2);
    let payment = pay(1, 0, 100, 2);
    let id = payment.id();
    let handed = Message::Notice(notice(payment.clone(), Delivery::HandedOver));
    let line = match &handed {
        Message::Notice(notice) => notice.to_line(),
        _ => panic!("a notice"),
    };
    let brought = Message::Notice(Notice::from_line(&line).unwrap());
    let effects = bob.bring(brought, NOW_MS).unwrap();
    assert_eq!(state(&bob, &id), State::SignedNotFinal);
    assert!(!submits(&effects), "no node can be reached");
    let effects = bob.nodes(true, NOW_MS + 1);
    assert!(effects.contains(&Effect::Submit(Box::new(payment.clone()))));
    // The payer met one first: that is news, and still no proof.
    let (_, effects) = bob.hear(announced(&payment), NOW_MS + 2);
    assert_eq!(shown(&effects), [Event::PaymentCame(id)]);
    assert_eq!(state(&bob, &id), State::Announced);
    // The other way round it is not.
    let (_, effects) = bob.hear(handed, NOW_MS + 3);
    assert_eq!(shown(&effects), []);
    assert_eq!(state(&bob, &id), State::Announced);
    // And so does the payer's wallet, whoever waits for it there.
    let mut alice = machine(1);
    let handed_over = alice.paying(&payment, None, Delivery::HandedOver, NOW_MS);
    assert!(!submits(&handed_over.unwrap()), "no node can be reached");
    let effects = alice.nodes(true, NOW_MS + 1);
    assert!(effects.contains(&Effect::Submit(Box::new(payment))));
}

#[test]
fn a_repeated_notice_costs_its_payer_nothing_and_tells_nobody_anything() {
    let mut bob = machine(2);
    bob.hear(announced(&pay(1, 0, 100, 2)), NOW_MS);
    for _ in 0..100 {
        let again = bob.hear(announced(&pay(1, 0, 100, 2)), NOW_MS);
        assert_eq!(again, (Reply::Taken, vec![]));
    }
    assert_eq!(reply(&mut bob, announced(&pay(1, 1, 5, 2))), Reply::Taken);
}

#[test]
fn a_receipt_that_was_refused_is_given_again_to_who_tells_the_payment_again() {
    let mut bob = machine(2);
    let payment = pay(1, 0, 100, 2);
    let (_, effects) = bob.hear(announced(&payment), NOW_MS);
    let receipt = sent(&effects).remove(0).1;
    // It reached another machine of the payer's, which knows of no such payment.
    bob.told(&receipt.id(), Some(Reply::Refused(11)));
    assert_eq!(bob.book().outbox(), []);
    let (_, effects) = bob.hear(announced(&payment), NOW_MS);
    assert_eq!(sent(&effects), [(address(1), receipt.clone())]);
    // But not as often as anybody likes.
    let mut given = 0;
    for _ in 0..100 {
        bob.told(&receipt.id(), Some(Reply::Refused(11)));
        given += sent(&bob.hear(announced(&payment), NOW_MS).1).len();
    }
    assert!(given < 10, "{given}");
}

#[test]
fn what_a_payer_says_a_node_has_is_handed_in_too_if_no_proof_comes() {
    let mut bob = machine(2);
    bob.nodes(true, NOW_MS);
    let (_, effects) = bob.hear(announced(&pay(1, 0, 100, 2)), NOW_MS);
    assert!(!submits(&effects));
    let mut handed_in = None;
    while handed_in.is_none() {
        let now_ms = bob.wake_at_ms().unwrap();
        assert!(now_ms < NOW_MS + 120_000);
        handed_in = submits(&bob.tick(now_ms)).then_some(now_ms);
    }
    assert!(handed_in.unwrap() >= NOW_MS + 15_000);
}

#[test]
fn a_payer_who_spends_the_nonce_otherwise_is_seen_and_the_proof_is_kept() {
    let (mut bob, mut chain) = (machine(2), Chain::new());
    bob.nodes(true, NOW_MS);
    let (told, spent) = (pay(1, 0, 100, 2), pay(1, 0, 100, 3));
    let id = told.id();
    bob.hear(announced(&told), NOW_MS);
    chain.grow(vec![spent.clone()]);
    let account = chain.account(&address(1));
    let effects = bob.account_proven(&address(1), &account, NOW_MS);
    let question = Question::WhoTook {
        sender: address(1),
        nonce: 0,
    };
    assert!(asks(&effects, question));
    assert_eq!(state(&bob, &id), State::Announced, "not yet proven which");
    let proof = chain.who_took(&address(1), 0).unwrap();
    let effects = bob.prove(proof.clone(), NOW_MS).unwrap();
    let by = spent.id();
    assert_eq!(
        shown(&effects),
        [Event::PaymentReplaced { payment: id, by }]
    );
    let replaced = State::Replaced {
        proof: Box::new(proof),
    };
    assert_eq!(state(&bob, &id), replaced);
    // The proof outlives the program, and stands for itself.
    let bob = restored(2, &bob.book().save());
    let State::Replaced { proof } = state(&bob, &id) else {
        panic!("it stays");
    };
    let trust = Trust::new(&crate::chain::testing::network::genesis());
    assert!(proof.verify(&trust, &by).is_ok());
    let mut bob = bob;
    assert_eq!(reply(&mut bob, announced(&told)), Reply::Refused(15));
}

#[test]
fn a_payment_that_its_last_height_left_behind_is_expired_and_not_before() {
    let (mut bob, mut chain) = (machine(2), Chain::new());
    bob.nodes(true, NOW_MS);
    let payment = paid_until(1, 0, 100, 2, 3);
    let id = payment.id();
    bob.hear(announced(&payment), NOW_MS);
    chain.grow_to(2);
    bob.account_proven(&address(1), &chain.account(&address(1)), NOW_MS);
    assert_eq!(state(&bob, &id), State::Announced);
    chain.grow_to(3);
    let effects = bob.account_proven(&address(1), &chain.account(&address(1)), NOW_MS);
    assert_eq!(shown(&effects), [Event::PaymentExpired(id)]);
    assert_eq!(state(&bob, &id), State::Expired { height: 3 });
}

#[test]
fn two_payments_in_one_place_are_both_shown_and_one_of_them_is_final() {
    let (mut bob, mut chain) = (machine(2), Chain::new());
    let (one, other) = (pay(1, 0, 100, 2), pay(1, 0, 90, 2));
    bob.hear(announced(&one), NOW_MS);
    let (_, effects) = bob.hear(announced(&other), NOW_MS);
    let contested = Event::PaymentContested {
        payment: other.id(),
        other: one.id(),
    };
    assert_eq!(shown(&effects), [Event::PaymentCame(other.id()), contested]);
    chain.grow(vec![other.clone()]);
    let effects = bob
        .prove(chain.proof(&other.id()).unwrap(), NOW_MS)
        .unwrap();
    let (payment, by) = (one.id(), other.id());
    assert!(shown(&effects).contains(&Event::PaymentReplaced { payment, by }));
    assert!(state(&bob, &by).is_final());
    assert_eq!(bob.book().contested_by(&by), None);
}

#[test]
fn a_payer_without_the_money_is_named() {
    let (mut bob, chain) = (machine(2), Chain::new());
    let (_, _) = bob.hear(announced(&pay(9, 0, 1_000_000, 2)), NOW_MS);
    let id = bob.book().incoming()[0].id();
    let effects = bob.account_proven(&address(9), &chain.account(&address(9)), NOW_MS);
    assert_eq!(shown(&effects), [Event::PaymentShort(id)]);
    assert_eq!(bob.book().incoming()[0].standing, Standing::Short);
}

#[test]
fn who_stands_lower_gives_way_and_the_proven_stay() {
    let (mut bob, mut chain) = (machine(2), Chain::new());
    let mut now_ms = NOW_MS;
    chain.grow(vec![pay(1, 0, 10, 2)]);
    bob.hear(announced(&pay(1, 0, 10, 2)), now_ms);
    bob.prove(chain.proof(&pay(1, 0, 10, 2).id()).unwrap(), now_ms)
        .unwrap();
    // Somebody with money, then a crowd without any, over a long time.
    bob.hear(announced(&pay(3, 0, 10, 2)), now_ms);
    bob.account_proven(&address(3), &chain.account(&address(3)), now_ms);
    for nonce in 0..40 {
        for person in 10..20 {
            now_ms += 60_000;
            let message = announced(&pay(person, nonce, 1_000, 2));
            assert_eq!(bob.hear(message, now_ms).0, Reply::Taken);
        }
    }
    let incoming = bob.book().incoming();
    let of = |person| {
        incoming
            .iter()
            .filter(move |one| one.payer() == address(person))
    };
    assert_eq!(incoming.len(), 1 + MAX_UNPROVEN);
    assert!(of(1).all(|one| one.state.is_final()) && of(1).count() == 1);
    assert_eq!(of(3).count(), 1);
    for person in 10..20 {
        assert!(of(person).count() <= MAX_UNPROVEN_OF_ONE);
    }
    // The oldest went.
    assert!(of(10).all(|one| one.payment.transaction.nonce >= 24));
    // Nobody of a lower standing displaces whom the owner knows.
    let mut full = machine(2);
    full.set_contacts((10..=20).map(address).collect());
    for person in 10..=20 {
        for nonce in 0..16 {
            full.hear(announced(&pay(person, nonce, 10, 2)), now_ms);
        }
    }
    assert_eq!(full.book().incoming().len(), MAX_UNPROVEN);
    let stranger = announced(&pay(30, 0, 10, 2));
    assert_eq!(full.hear(stranger, now_ms).0, Reply::Refused(14));
}

#[test]
fn what_is_not_answered_is_told_again_with_longer_pauses_and_not_for_ever() {
    let mut alice = machine(1);
    let payment = pay(1, 0, 100, 2);
    let effects = alice
        .paying(&payment, None, Delivery::Submitted, NOW_MS)
        .unwrap();
    let message = Message::Notice(notice(payment.clone(), Delivery::Submitted));
    assert_eq!(sent(&effects), [(address(2), message.clone())]);
    let mut times = vec![NOW_MS];
    while times.len() < 10 {
        let now_ms = alice.wake_at_ms().unwrap();
        let said = sent(&alice.tick(now_ms)).len();
        times.extend(std::iter::repeat_n(now_ms, said));
        assert_eq!(alice.told(&message.id(), None), []);
    }
    let pauses: Vec<u64> = times.windows(2).map(|two| two[1] - two[0]).collect();
    assert_eq!(pauses[..3], [10_000, 20_000, 40_000]);
    assert_eq!(pauses[8], 600_000);
    // They came: at once.
    let now_ms = times[9] + 1;
    assert_eq!(sent(&alice.met(&address(2), now_ms)).len(), 1);
    assert_eq!(sent(&alice.met(&address(3), now_ms)).len(), 0);
    // Too often: later again. Taken: never again.
    alice.told(&message.id(), Some(Reply::Refused(13)));
    assert_eq!(alice.book().outbox().len(), 1);
    let effects = alice.told(&message.id(), Some(Reply::Taken));
    let item = Item::Notice(payment.id());
    assert_eq!(effects, [Effect::Save, Effect::Show(Event::Told(item))]);
    assert_eq!(alice.wake_at_ms(), None);
    // Another one is never answered: after a week it is let go.
    alice
        .paying(&pay(1, 1, 5, 3), None, Delivery::Submitted, NOW_MS)
        .unwrap();
    alice.tick(NOW_MS + TELL_FOR_MS);
    assert_eq!(alice.book().outbox(), []);
}

#[test]
fn receipts_and_thanks_are_the_payees_word_on_payments_that_were_made() {
    let (mut alice, mut bob, mut chain) = (machine(1), machine(2), Chain::new());
    let payment = pay(1, 0, 100, 2);
    let id = payment.id();
    alice
        .paying(&payment, None, Delivery::Submitted, NOW_MS)
        .unwrap();
    let (_, effects) = bob.hear(announced(&payment), NOW_MS);
    let heard = sent(&effects).remove(0).1;
    assert_eq!(
        bob.thank(&id, "hvala", NOW_MS),
        Err(ActError::UnknownPayment(id))
    );
    chain.grow(vec![payment.clone()]);
    let effects = bob.prove(chain.proof(&id).unwrap(), NOW_MS).unwrap();
    let is_final = sent(&effects).remove(0).1;
    let effects = bob.thank(&id, "hvala", NOW_MS).unwrap();
    let thanks = sent(&effects).remove(0).1;
    assert!(matches!(
        bob.thank(&id, "again", NOW_MS),
        Err(ActError::Settled(_))
    ));

    // In whatever order they come.
    for message in [&is_final, &heard, &thanks, &thanks, &is_final] {
        assert_eq!(reply(&mut alice, message.clone()), Reply::Taken);
    }
    let one: &Outgoing = &alice.book().outgoing()[0];
    assert_eq!(
        one.receipt.as_ref().unwrap().word,
        Word::Final { height: 1 }
    );
    assert_eq!(one.end, None, "a word is no proof");
    let text = one.thanks.as_ref().unwrap().read(Some(&key(1)));
    assert_eq!(text.to_text(), "hvala");
    // Others, about other payments, or other thanks.
    let mut carol = machine(3);
    for message in [heard, thanks] {
        assert_eq!(reply(&mut carol, message), Reply::Refused(11));
    }
    let subject = Subject::of(&payment.transaction).unwrap();
    let other = Thanks::sign(subject, "other", &key(2)).unwrap();
    assert_eq!(
        reply(&mut alice, Message::Thanks(other)),
        Reply::Refused(14)
    );
    let by_carol = Subject {
        payee: address(3),
        ..subject
    };
    let forged = Receipt::sign(by_carol, Word::Heard, &key(3));
    assert_eq!(
        reply(&mut alice, Message::Receipt(forged)),
        Reply::Refused(11)
    );
}
