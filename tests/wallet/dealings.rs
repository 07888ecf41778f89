//! What wallets say to each other, over real nodes: told at once, final only when proven, and kept.

use std::time::Duration;

use natcoin::{
    behaviour::{Declined, PeerId, Role, Service},
    chain::{
        amount::Amount,
        codec::{Decode as _, Encode as _},
        hash::Hash,
        transaction::{Memo, Operation, SignedTransaction, Transaction, TransactionId},
    },
    node::{
        network::{self, NetworkConfig, NetworkEvents, NetworkHandle, ReachConfig, RequestError},
        session::{Dealt, Intent, Outcome, Plan, Published, Purse, Recipient},
    },
    wallet::{
        dealings::{
            book::{End, Fate, State},
            machine::{Event, Repayment},
            message::{Delivery, Message, Notice, Reply, Word},
            request::RequestId,
        },
        memo::{Letter, Note, Reading},
        payment::Status,
    },
};

use crate::common::{
    net::config,
    town::{Dealer, Town, address, nat, person},
    wait::eventually,
};

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

fn news<T>(pick: impl Fn(&Event) -> Option<T>) -> impl Fn(&Dealt) -> Option<T> {
    move |dealt| match dealt {
        Dealt::News(event) => pick(event),
        _ => None,
    }
}

/// Bob pays Alice five NAT.
async fn pay_alice(town: &Town, bob: &Dealer) -> Outcome {
    let mut purse = town.purse("bob");
    let intent = Intent::Transfer {
        to: Recipient::Name("alice".parse().unwrap()),
        amount: nat(5),
        note: Note::Private(Letter::new("for the bread", None).unwrap()),
    };
    let plan = bob.session.plan(&purse, address(1), intent).await.unwrap();
    let (key, mut silent) = (person(1), |_| {});
    let paid = bob.session.pay(&mut purse, &key, plan, &mut silent);
    paid.await.unwrap()
}

/// What pays a request of Bob's.
async fn planned(bob: &Dealer, purse: &Purse, request: RequestId, what: Repayment) -> Plan {
    let intent = Intent::Transfer {
        to: Recipient::Address(what.to),
        amount: what.amount,
        note: Note::Private(what.letter),
    };
    let plan = bob.session.plan(purse, address(1), intent).await.unwrap();
    Plan {
        request: Some(request),
        ..plan
    }
}

async fn appears(dealer: &Dealer, number: u8) {
    let session = &dealer.session;
    assert!(session.appear(person(number), Published::Relays).await > 0);
}

/// The payee was told by a wallet that found theirs.
async fn was_told(bob: &mut Dealer) {
    let reply = bob
        .hears("alice's wallet is told", |dealt| match dealt {
            Dealt::Told { to, reply, .. } if *to == address(0) => Some(*reply),
            _ => None,
        })
        .await;
    assert_eq!(reply, Reply::Taken);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payee_hears_of_a_payment_and_proves_it_and_the_payer_hears_that_and_is_thanked() {
    let town = Town::of(4).await;
    let (mut alice, mut bob) = (town.dealer(0).await, town.dealer(1).await);
    appears(&alice, 0).await;
    let outcome = pay_alice(&town, &bob).await;
    let id: TransactionId = outcome.payment.id();
    assert!(matches!(outcome.payment.status(), Status::Final { .. }));
    was_told(&mut bob).await;
    let came = news(|event| matches!(event, Event::PaymentCame(came) if *came == id).then_some(()));
    alice.hears("alice hears of it", came).await;
    let is_final = news(move |event| match event {
        Event::PaymentFinal { payment, height } if *payment == id => Some(*height),
        _ => None,
    });
    let height = alice.hears("alice has the proof", is_final).await;
    let receipt = news(move |event| match event {
        Event::ReceiptCame {
            payment,
            word: Word::Final { height },
        } if *payment == id => Some(*height),
        _ => None,
    });
    assert_eq!(bob.hears("bob has alice's word", receipt).await, height);
    let session = &alice.session;
    session
        .deal_with(move |machine, now_ms| Ok(((), machine.thank(&id, "hvala!", now_ms)?)))
        .await
        .unwrap();
    let thanked = news(|event| matches!(event, Event::ThanksCame(of) if *of == id).then_some(()));
    bob.hears("bob is thanked", thanked).await;
    let book = bob.session.book().unwrap();
    let paid = &book.outgoing()[0];
    assert_eq!(paid.end, Some(End::Final { height }));
    let thanks = paid.thanks.as_ref().unwrap().read(Some(&person(1)));
    let Reading::Private(letter) = thanks else {
        panic!("{thanks:?}");
    };
    assert_eq!(letter.text(), "hvala!");
    // All of it was on the disk before it was shown.
    let kept = town.desk(&alice.session, 0);
    let kept = &kept.book().incoming()[0];
    assert_eq!((kept.id(), &kept.state), (id, &State::Final { height }));
    alice.session.close().await;
    bob.session.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_is_paid_once_and_both_know_for_what() {
    let town = Town::of(4).await;
    let (mut alice, mut bob) = (town.dealer(0).await, town.dealer(1).await);
    appears(&alice, 0).await;
    appears(&bob, 1).await;
    let asking = alice.session.deal_with(|machine, now_ms| {
        machine.ask_for(Some(address(1)), nat(7), "for the honey", DAY_MS, now_ms)
    });
    let request = asking.await.unwrap().id();
    let asked =
        news(move |event| matches!(event, Event::RequestCame(id) if *id == request).then_some(()));
    bob.hears("bob is asked", asked).await;
    let what = bob
        .session
        .deal_with(move |machine, now_ms| Ok((machine.repayment(&request, now_ms)?, Vec::new())))
        .await
        .unwrap();
    assert_eq!((what.to, what.amount), (address(0), nat(7)));
    let mut purse = town.purse("bob");
    let plan = planned(&bob, &purse, request, what).await;
    let (key, mut silent) = (person(1), |_| {});
    let paying = bob.session.pay(&mut purse, &key, plan.clone(), &mut silent);
    let id = paying.await.unwrap().payment.id();
    let again = bob.session.pay(&mut purse, &key, plan, &mut silent).await;
    let refusal = again.expect_err("a request is paid once").to_string();
    assert!(refusal.contains("settled"), "{refusal}");
    let paid = news(move |event| match event {
        Event::RequestPaid {
            request: of,
            payment,
        } if *of == request => Some(*payment),
        _ => None,
    });
    assert_eq!(alice.hears("alice is paid", paid).await, id);
    let book = alice.session.book().unwrap();
    assert_eq!(book.asked()[0].fate, Fate::Paid { payment: id });
    alice.session.close().await;
    bob.session.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_was_paid_from_another_machine_is_found_on_the_chain_and_not_paid_again() {
    let town = Town::of(1).await;
    let (alice, bob) = (town.dealer(0).await, town.dealer(1).await);
    let asking = alice.session.deal_with(|machine, now_ms| {
        machine.ask_for(None, nat(7), "for the honey", DAY_MS, now_ms)
    });
    let line = asking.await.unwrap();
    let request = line.id();
    let mut purse = town.purse("bob");
    let mut outcomes = Vec::new();
    for _ in 0..2 {
        let brought = Message::Request(line.clone());
        let bring = bob
            .session
            .deal_with(move |machine, now_ms| Ok(((), machine.bring(brought, now_ms)?)));
        bring.await.unwrap();
        bob.session.look_for_payment(request).await.unwrap();
        let what = bob.session.deal_with(move |machine, now_ms| {
            Ok((machine.repayment(&request, now_ms)?, Vec::new()))
        });
        let what = match what.await {
            Ok(what) => what,
            Err(error) => {
                outcomes.push(error.to_string());
                break;
            }
        };
        let plan = planned(&bob, &purse, request, what).await;
        let (key, mut silent) = (person(1), |_| {});
        let paying = bob.session.pay(&mut purse, &key, plan, &mut silent);
        outcomes.push(format!("{:?}", paying.await.unwrap().is_open()));
        // The book is lost; what is on the chain is not.
        let folder = town.path().join("wallets/bob/dealings");
        std::fs::remove_dir_all(folder).unwrap();
    }
    assert_eq!(outcomes[0], "false");
    assert!(outcomes[1].contains("it is paid"), "{outcomes:?}");
    alice.session.close().await;
    bob.session.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payee_who_is_away_is_told_when_both_are_there_again() {
    let town = Town::of(4).await;
    let mut bob = town.dealer(1).await;
    let id = pay_alice(&town, &bob).await.payment.id();
    let found = bob
        .hears("nobody is there", |dealt| match dealt {
            Dealt::Untold { to, found, .. } if *to == address(0) => Some(*found),
            _ => None,
        })
        .await;
    assert_eq!(found, 0);
    bob.session.close().await;
    let mut alice = town.dealer(0).await;
    appears(&alice, 0).await;
    let bob = town.dealer(1).await;
    let is_final = news(move |event| {
        matches!(event, Event::PaymentFinal { payment, .. } if *payment == id).then_some(())
    });
    alice.hears("alice is told later", is_final).await;
    eventually("bob has alice's word", async || {
        let book = bob.session.book().unwrap();
        let receipt = book.outgoing()[0].receipt.as_ref().map(|one| one.word);
        matches!(receipt, Some(Word::Final { .. }))
    })
    .await;
    alice.session.close().await;
    bob.session.close().await;
}

/// A wallet's network task without a wallet, which has found the peer.
async fn stranger_beside(town: &Town, peer: PeerId) -> (NetworkHandle, NetworkEvents) {
    let nodes = town.bootstrap.nodes().iter();
    let (handle, events) = network::start(NetworkConfig {
        network_name: town.bootstrap.network().parse().unwrap(),
        genesis: town.bootstrap.genesis().hash().0,
        bootstrap: nodes
            .map(|node| (node.peer_id, node.addresses.clone()))
            .collect(),
        reach: ReachConfig {
            be_reached: true,
            ..ReachConfig::default()
        },
        ..config(77, Role::Wallet)
    })
    .await
    .unwrap();
    eventually("a node can relay", async || {
        let peers = handle.peers().await.unwrap();
        peers.iter().any(|info| info.is_up())
    })
    .await;
    handle.seek(peer, vec![]).await.unwrap();
    eventually(
        "the stranger reaches the wallet, and has given the relay back",
        async || {
            let peers = handle.peers().await.unwrap();
            let found = peers.iter().find(|info| info.peer == peer);
            found.is_some_and(|info| info.is_up() && info.circuits == 0)
        },
    )
    .await;
    (handle, events)
}

fn transfer(to: u8, genesis: Hash, nonce: u64) -> Transaction {
    Transaction {
        genesis,
        sender: address(2),
        key: person(2).public(),
        nonce,
        valid_until: 100,
        fee: Amount::ZERO,
        operation: Operation::Transfer {
            to: address(to),
            amount: nat(1),
            memo: Memo::default(),
        },
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_breaks_a_rule_is_refused_by_its_number_and_changes_nothing() {
    let town = Town::of(1).await;
    let alice = town.dealer(0).await;
    eventually("alice can be reached", async || {
        let found = alice.session.whereabouts(Duration::ZERO).await.unwrap();
        !found.relayed.is_empty()
    })
    .await;
    let peer = alice.session.peer_id();
    let (stranger, _events) = stranger_beside(&town, peer).await;
    let say = async |bytes: Vec<u8>| {
        let answer = stranger.request(peer, Service::Pay, bytes).await;
        Reply::from_bytes(&answer.unwrap()).unwrap()
    };
    let notice = |payment: SignedTransaction| {
        let notice = Notice {
            payment,
            delivery: Delivery::Submitted,
            request: None,
        };
        Message::Notice(notice).to_bytes()
    };
    let genesis = town.bootstrap.genesis().hash();
    let before = alice.session.book().unwrap();
    assert_eq!(say(vec![9; 40]).await, Reply::Unreadable);
    assert_eq!(say(Vec::new()).await, Reply::Unreadable);
    let foreign = transfer(0, Hash([7; 32]), 0).sign(&person(2));
    assert_eq!(say(notice(foreign)).await, Reply::Refused(1));
    let for_bob = transfer(1, genesis, 0).sign(&person(2));
    assert_eq!(say(notice(for_bob)).await, Reply::Refused(2));
    let forged = transfer(0, genesis, 0).sign(&person(1));
    assert_eq!(say(notice(forged)).await, Reply::Refused(10));
    assert_eq!(alice.session.book().unwrap(), before);
    let too_long = stranger.request(peer, Service::Pay, vec![0; 521]).await;
    assert!(
        matches!(too_long, Err(RequestError::TooLarge { .. })),
        "{too_long:?}"
    );
    // A stranger says four things, and is then told to wait.
    let mut replies = Vec::new();
    for nonce in 0..6 {
        let sound = transfer(0, genesis, nonce).sign(&person(2));
        replies.push(say(notice(sound)).await);
    }
    let (taken, late) = replies.split_at(4);
    assert_eq!(taken, [Reply::Taken; 4]);
    assert_eq!(late, [Reply::Refused(13); 2]);
    // Nothing else is served by a wallet, and its own card only where it has one.
    for service in [Service::Submit, Service::Query, Service::Blocks] {
        let answer = stranger.request(peer, service, vec![0]).await;
        assert_eq!(answer, Err(RequestError::Unsupported), "{service}");
    }
    let asked = stranger.request(peer, Service::Directory, vec![0]).await;
    assert_eq!(asked, Err(RequestError::Declined(Declined::Unavailable)));
    alice.session.close().await;
}
