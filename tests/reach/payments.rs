//! Payments between homes: by name, final and proven on both sides, and told from wallet to wallet: directly where a hole
//! can be punched, through a relay where not. And with no node at all, on one LAN.
//!
//! The table is printed (`--nocapture`); `docs/reach.md` keeps one.

use std::time::Duration;

use futures::future::join_all;
use natcoin::{
    chain::{account::Account, amount::Amount, key::SecretKey, transaction::TransactionId},
    node::{
        clock,
        network::{ReachConfig, Route},
        session::{Dealt, HandOver, Intent, Recipient, Whom},
    },
    wallet::{
        dealings::{book::State, machine::Event, message::Reply},
        memo::{Letter, Note},
        payment::Status,
    },
};

use super::{
    common::wait::{PATIENCE, eventually},
    lab::{Lab, Nat},
    pairs::can_be_direct,
    switch::Weather,
    town::{Person, Town},
    world::Wire,
};

/// One payment.
struct Paid {
    payer: Nat,
    payee: Nat,
    until_final: Duration,
    until_told: Duration,
    route: Option<Route>,
}

async fn pay(payer: &mut Person, payee: &mut Person, kinds: (Nat, Nat)) -> Paid {
    let intent = Intent::Transfer {
        to: Recipient::Name(payee.name()),
        amount: Amount::from_nat(1).unwrap(),
        note: Note::Private(Letter::new("across", None).unwrap()),
    };
    let own = payer.address();
    let plan = payer.session.plan(&payer.purse, own, intent).await.unwrap();
    let begun = clock::now();
    let key: SecretKey = payer.key();
    let session = payer.session.clone();
    let mut silent = |_| {};
    let paying = session.pay(&mut payer.purse, &key, plan, &mut silent);
    let outcome = paying.await.unwrap();
    let until_final = begun.elapsed();
    let id: TransactionId = outcome.payment.id();
    assert!(
        matches!(outcome.payment.status(), Status::Final { .. }),
        "{kinds:?}"
    );
    let to = payee.address();
    let (reply, route) = payer
        .hears("the payee is told", |dealt| match dealt {
            Dealt::Told {
                to: whom,
                reply,
                route,
                ..
            } if *whom == to => Some((*reply, *route)),
            _ => None,
        })
        .await;
    let until_told = begun.elapsed();
    assert_eq!(reply, Reply::Taken, "{kinds:?}");
    let is_final = |dealt: &Dealt| match dealt {
        Dealt::News(Event::PaymentFinal { payment, .. }) if *payment == id => Some(()),
        _ => None,
    };
    payee.hears("the payee proves it", is_final).await;
    Paid {
        payer: kinds.0,
        payee: kinds.1,
        until_final,
        until_told,
        route,
    }
}

#[allow(
    clippy::print_stderr,
    reason = "the measured table is what this is for"
)]
fn print(wire: Wire, weather: &str, all: &[Paid]) {
    eprintln!(
        "\n| pays | is paid | {} {weather}: told | final after | told after |",
        wire.word()
    );
    eprintln!("|---|---|---|---|---|");
    for paid in all {
        let route = paid.route.map_or("?".to_owned(), |route| route.to_string());
        eprintln!(
            "| {} | {} | {route} | {:.2} s | {:.2} s |",
            paid.payer.word(),
            paid.payee.word(),
            paid.until_final.as_secs_f64(),
            paid.until_told.as_secs_f64(),
        );
    }
}

/// In four rounds every kind of home pays every kind.
async fn all_pay(wire: Wire, weather: Weather, word: &str) {
    if !Lab::is_possible() {
        return;
    }
    let mut town = Town::silent(Lab::new(weather), wire, 8);
    town.wake().await;
    let (mut payers, mut payees) = (Vec::new(), Vec::new());
    for (number, nat) in (0..).zip(Nat::ALL) {
        payers.push(town.person(number, nat).await);
        payees.push(town.person(number + 4, nat).await);
    }
    for person in payers.iter().chain(&payees) {
        let found = person.session.whereabouts(PATIENCE).await.unwrap();
        assert!(!found.relayed.is_empty(), "{}: {found:?}", person.name());
    }
    // The cards say by which relays: those that stood when they were signed last.
    let looker = payers[0].session.clone();
    for person in &payees {
        let whom = Whom::Account(person.address());
        eventually("a card with a way in it", async || {
            let cards = looker.look_up(whom).await.unwrap_or_default();
            cards
                .iter()
                .any(|card| !card.whereabouts.addresses().is_empty())
        })
        .await;
    }
    let mut all = Vec::new();
    for round in 0..Nat::ALL.len() {
        payees.rotate_left(usize::from(round > 0));
        let pairs = payers.iter_mut().zip(&mut payees).enumerate();
        let paying = pairs.map(|(place, (payer, payee))| {
            let kinds = (Nat::ALL[place], Nat::ALL[(place + round) % Nat::ALL.len()]);
            pay(payer, payee, kinds)
        });
        all.extend(join_all(paying).await);
    }
    all.sort_by_key(|paid| (paid.payer, paid.payee));
    print(wire, word, &all);
    let wrong: Vec<String> = all
        .iter()
        .filter(|one| (one.route > Some(Route::Relayed)) != can_be_direct(one.payer, one.payee))
        .map(|one| {
            format!(
                "{} pays {}: {:?}",
                one.payer.word(),
                one.payee.word(),
                one.route
            )
        })
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_home_pays_every_other_over_quic() {
    all_pay(Wire::Quic, Weather::FAIR, "fair").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_home_pays_every_other_over_tcp() {
    all_pay(Wire::Tcp, Weather::FAIR, "fair").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_home_pays_every_other_over_quic_in_rough_weather() {
    all_pay(Wire::Quic, Weather::ROUGH, "30 ms, 3 % lost").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_home_pays_every_other_over_tcp_in_rough_weather() {
    all_pay(Wire::Tcp, Weather::ROUGH, "30 ms, 3 % lost").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn neighbours_hand_a_payment_over_with_no_node_up_and_it_is_final_when_one_comes() {
    if !Lab::is_possible() {
        return;
    }
    let mut town = Town::silent(Lab::new(Weather::FAIR), Wire::Quic, 2);
    town.reach = ReachConfig {
        neighbours: true,
        ..town.reach
    };
    let mut alice = town.person(0, Nat::None).await;
    let mut bob = town.person(1, Nat::None).await;
    let account = Account {
        balance: Amount::from_nat(1_000).unwrap(),
        ..Account::new(&bob.address())
    };
    let order = HandOver {
        account,
        height: 0,
        to: alice.address(),
        to_name: None,
        amount: Amount::from_nat(3).unwrap(),
        note: Note::Private(Letter::new("over the fence", None).unwrap()),
        request: None,
    };
    let (session, key) = (bob.session.clone(), bob.key());
    let handing = session.hand_over(&mut bob.purse, &key, order);
    let id = handing.await.unwrap().id();
    let came = |dealt: &Dealt| {
        matches!(dealt, Dealt::News(Event::PaymentCame(of)) if *of == id).then_some(())
    };
    alice.hears("it is handed over", came).await;
    let book = alice.session.book().unwrap();
    assert_eq!(book.incoming()[0].state, State::SignedNotFinal);
    town.wake().await;
    let is_final = |dealt: &Dealt| {
        matches!(dealt, Dealt::News(Event::PaymentFinal { payment, .. }) if *payment == id)
            .then_some(())
    };
    alice.hears("a node has come", is_final).await;
}
