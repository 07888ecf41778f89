//! The machine's promises about requests, one story each: whom they reach, and that they are paid at most once.

use super::super::book::{Course, Fate, MAX_RECEIVED_OF_ONE};
use super::super::message::Delivery;
use super::super::rate;
use super::super::testing::{
    Chain, NOW_MS, WEEK_MS, machine, paid_until, request, restored, sent, shown,
};
use super::*;
use crate::chain::amount::Amount;
use crate::chain::testing::network::{
    address, genesis_hash, key, nits, pay, transaction, transfer,
};
use crate::wallet::memo::{self, Reading};
use crate::wallet::payment::{Payment, Status};

fn asks(effects: &[Effect], question: Question) -> bool {
    effects.contains(&Effect::Ask(question))
}

#[test]
fn a_request_is_paid_from_the_request_at_most_once() {
    let (mut alice, mut bob, mut chain) = (machine(1), machine(2), Chain::new());
    let life_ms = WEEK_MS;
    let (request, effects) = bob
        .ask_for(
            Some(address(1)),
            nits(70),
            "half of the pizza",
            life_ms,
            NOW_MS,
        )
        .unwrap();
    let id = request.id();
    assert_eq!(effects[0], Effect::Save);
    let (to, message) = sent(&effects).remove(0);
    assert_eq!(to, address(1));
    alice.set_contacts([address(2)].into());
    let (reply, effects) = alice.hear(message.clone(), NOW_MS);
    assert_eq!(
        (reply, shown(&effects)),
        (Reply::Taken, vec![Event::RequestCame(id)])
    );
    let (_, effects) = alice.hear(message, NOW_MS);
    assert_eq!(effects, [], "once is enough");

    let what = alice.repayment(&id, NOW_MS).unwrap();
    assert_eq!((what.to, what.amount), (address(2), nits(70)));
    assert_eq!(what.letter.text(), "half of the pizza");
    let drafted = transaction(1, 0, transfer(70, 2));
    let payment = memo::sealed_into(drafted, &what.letter, &key(1))
        .unwrap()
        .sign(&key(1));
    // Another payment does not pass for it.
    let other = alice.paying(&pay(1, 0, 71, 2), Some(&id), Delivery::Submitted, NOW_MS);
    assert!(matches!(other, Err(ActError::OtherPayment { .. })));
    let effects = alice
        .paying(&payment, Some(&id), Delivery::Submitted, NOW_MS)
        .unwrap();
    assert_eq!(
        effects[0],
        Effect::Save,
        "bound before any node hears of it"
    );
    assert!(matches!(
        alice.repayment(&id, NOW_MS),
        Err(ActError::Settled(_))
    ));
    let second = alice.paying(&pay(1, 1, 70, 2), Some(&id), Delivery::Submitted, NOW_MS);
    assert!(matches!(second, Err(ActError::Settled(_))));
    // Also after a crash.
    let alice = restored(1, &alice.book().save());
    assert!(matches!(
        alice.repayment(&id, NOW_MS),
        Err(ActError::Settled(_))
    ));

    // The payee knows which request it is from the memo alone.
    chain.grow(vec![payment.clone()]);
    let proof = chain.proof(&payment.id()).unwrap();
    let effects = bob.prove(proof, NOW_MS).unwrap();
    let paid = Event::RequestPaid {
        request: id,
        payment: payment.id(),
    };
    assert!(shown(&effects).contains(&paid));
    assert_eq!(
        bob.book().asked()[0].fate,
        Fate::Paid {
            payment: payment.id()
        }
    );
}

#[test]
fn a_request_is_open_again_only_when_its_payment_is_proven_never_to_be() {
    let (mut alice, mut chain) = (machine(1), Chain::new());
    alice.set_contacts([address(2)].into());
    alice.nodes(true, NOW_MS);
    let asked = request(2, Some(1), 70, "");
    let id = asked.id();
    alice.hear(Message::Request(asked), NOW_MS);
    let payment = paid_until(1, 0, 70, 2, 3);
    alice
        .paying(&payment, Some(&id), Delivery::Submitted, NOW_MS)
        .unwrap();
    // The program crashed before the journal had it: only the chain can tell that nobody will ever take it.
    let mut alice = restored(1, &alice.book().save());
    let effects = alice.nodes(true, NOW_MS);
    let question = Question::Account {
        address: address(1),
    };
    assert!(asks(&effects, question));
    chain.grow_to(2);
    let account = chain.account(&address(1));
    assert_eq!(
        shown(&alice.account_proven(&address(1), &account, NOW_MS)),
        []
    );
    chain.grow_to(3);
    let account = chain.account(&address(1));
    let effects = alice.account_proven(&address(1), &account, NOW_MS);
    assert_eq!(shown(&effects), [Event::RequestReopened(id)]);
    assert!(alice.repayment(&id, NOW_MS).is_ok());

    // And what its own machine found out counts as well.
    let payment = paid_until(1, 0, 70, 2, 40);
    alice
        .paying(&payment, Some(&id), Delivery::Submitted, NOW_MS)
        .unwrap();
    let ended = Payment::remembered(
        payment.clone(),
        None,
        0,
        Status::Final {
            height: 4,
            latency_ms: 1,
            signed_by: 3,
            validators: 4,
        },
        None,
    );
    alice.own_payment(&ended, NOW_MS);
    let payment = payment.id();
    assert_eq!(alice.book().received()[0].course, Course::Paid { payment });
}

#[test]
fn a_request_paid_from_another_machine_is_not_paid_from_this_one() {
    let (mut here, mut there, mut chain) = (machine(1), machine(1), Chain::new());
    let asked = request(2, None, 70, "entry");
    let id = asked.id();
    for machine in [&mut here, &mut there] {
        machine
            .bring(Message::Request(asked.clone()), NOW_MS)
            .unwrap();
    }
    let letter = there.repayment(&id, NOW_MS).unwrap().letter;
    let payment = transaction(1, 0, transfer(70, 2));
    let payment = memo::sealed_into(payment, &letter, &key(1))
        .unwrap()
        .sign(&key(1));
    chain.grow(vec![payment.clone()]);
    here.prove(chain.proof(&payment.id()).unwrap(), NOW_MS)
        .unwrap();
    assert!(matches!(
        here.repayment(&id, NOW_MS),
        Err(ActError::Settled(_))
    ));
}

#[test]
fn a_strangers_request_is_shown_only_if_the_account_is_proven_to_have_money() {
    let (mut bob, chain) = (machine(2), Chain::new());
    bob.nodes(true, NOW_MS);
    for (person, is_shown) in [(1, true), (9, false)] {
        let message = Message::Request(request(person, Some(2), 5, "please"));
        let (reply, effects) = bob.hear(message, NOW_MS);
        assert_eq!((reply, shown(&effects)), (Reply::Taken, vec![]));
        let address = address(person);
        assert!(asks(&effects, Question::Account { address }));
        let effects = bob.account_proven(&address, &chain.account(&address), NOW_MS);
        assert_eq!(!shown(&effects).is_empty(), is_shown, "{person}");
    }
    assert_eq!(bob.book().received().len(), 1);
    // What waits too long for a proof is forgotten.
    bob.hear(Message::Request(request(3, Some(2), 5, "please")), NOW_MS);
    bob.tick(NOW_MS + 60_000);
    let effects = bob.account_proven(&address(3), &chain.account(&address(3)), NOW_MS);
    assert_eq!(shown(&effects), []);
}

#[test]
fn a_crowd_of_strangers_cannot_fill_the_wallet_or_tire_its_owner() {
    let (mut bob, chain) = (machine(2), Chain::new());
    bob.nodes(true, NOW_MS);
    let mut taken = 0;
    let mut shown_to_owner = 0;
    for person in 10..=250u8 {
        for amount in 1..=3 {
            let message = Message::Request(request(person, Some(2), amount, "spam"));
            let (reply, effects) = bob.hear(message, NOW_MS);
            taken += usize::from(reply == Reply::Taken);
            shown_to_owner += shown(&effects).len();
        }
        let address = address(person);
        let effects = bob.account_proven(&address, &chain.account(&address), NOW_MS);
        shown_to_owner += shown(&effects).len();
    }
    let burst = usize::try_from(rate::STRANGERS.burst).unwrap();
    assert_eq!((taken, shown_to_owner), (burst, 0));
    // A friend is heard meanwhile, but not without end.
    bob.set_contacts([address(1)].into());
    let mut refused = Vec::new();
    for amount in 1..=10 {
        let message = Message::Request(request(1, Some(2), amount, "dues"));
        let (reply, _) = bob.hear(message, NOW_MS);
        if reply != Reply::Taken {
            refused.push(reply);
        }
    }
    assert_eq!(bob.book().received().len(), MAX_RECEIVED_OF_ONE);
    assert_eq!(refused, [Reply::Refused(14); 6]);
}

#[test]
fn the_owners_acts_are_refused_with_their_reason() {
    let mut bob = machine(2);
    let refused = |to, amount, life_ms| {
        let asked = machine(2).ask_for(to, amount, "", life_ms, NOW_MS);
        match asked {
            Err(ActError::Refused(refusal)) => refusal.number(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(refused(Some(address(2)), nits(1), 1), 3);
    assert_eq!(refused(None, Amount::ZERO, 1), 4);
    assert_eq!(refused(None, nits(1), 0), 5);
    assert_eq!(
        refused(None, nits(1), super::super::request::MAX_LIFE_MS + 1),
        5
    );
    let nothing = crate::chain::hash::Hash([1; 32]);
    assert_eq!(
        bob.decline(&nothing),
        Err(ActError::UnknownRequest(nothing))
    );
    let asked = request(1, Some(2), 5, "");
    let id = asked.id();
    bob.bring(Message::Request(asked.clone()), NOW_MS).unwrap();
    let late = bob.repayment(&id, NOW_MS + WEEK_MS);
    assert!(matches!(late, Err(ActError::Refused(refusal)) if refusal.number() == 7));
    bob.decline(&id).unwrap();
    assert!(matches!(
        bob.repayment(&id, NOW_MS),
        Err(ActError::Settled(_))
    ));
    // It does not come back by being said again.
    bob.bring(Message::Request(asked), NOW_MS).unwrap();
    assert_eq!(bob.book().received().len(), 1);
    // Two requests that say the same are two.
    let one = bob.ask_for(None, nits(1), "", 10, NOW_MS).unwrap().0;
    let other = bob.ask_for(None, nits(1), "", 10, NOW_MS).unwrap().0;
    assert_ne!(one.id(), other.id());
    bob.withdraw(&one.id()).unwrap();
    assert_eq!(bob.book().asked()[0].fate, Fate::Withdrawn);
    // Room is made by what is settled, and then by nothing.
    let mut refusals = 0;
    for _ in 0..200 {
        refusals += usize::from(bob.ask_for(None, nits(1), "", 10, NOW_MS).is_err());
    }
    assert_eq!(refusals, 200 - 127);
    assert_eq!(bob.book().network(), &genesis_hash());
}

#[test]
fn a_sealed_request_that_cannot_be_read_is_paid_without_its_text() {
    let mut alice = machine(1);
    let mut wish = request(2, Some(1), 5, "words").wish;
    wish.text = crate::chain::transaction::Memo::new(vec![0xf8; 64]).unwrap();
    let asked = wish.sign(&key(2));
    assert_eq!(asked.read(Some(&key(1))), Reading::Sealed);
    let id = asked.id();
    alice.bring(Message::Request(asked), NOW_MS).unwrap();
    let letter = alice.repayment(&id, NOW_MS).unwrap().letter;
    assert_eq!(letter.text(), "");
    assert!(letter.reference().is_some());
}
