//! Payments: final, refused before signing, resumed, paused, spent twice.

use std::time::Duration;

use natcoin::{
    behaviour::{Role, Service},
    chain::{
        amount::Amount,
        codec::{Decode, Encode},
        key::Address,
        rules::Rejection,
        transaction::{Memo, Operation, SignedTransaction, Transaction},
    },
    node::{
        network::NetworkConfig,
        profile::DataDir,
        session::{
            Intent, Limits, Outcome, Progress, Purse, Recipient, Session, SessionConfig,
            SessionError,
        },
    },
    replica::wire::SubmitReply,
    wallet::{
        memo::{Letter, Note},
        payment::{Payment, Status},
    },
};
use tokio::sync::Notify;

use crate::common::{
    net::{config, join},
    town::{Town, address, bootstrap, bootstrap_of, nat, person},
};

fn to(recipient: Recipient, amount: Amount) -> Intent {
    Intent::Transfer {
        to: recipient,
        amount,
        note: Note::Private(Letter::new("hi", None).unwrap()),
    }
}

fn named(name: &str) -> Recipient {
    Recipient::Name(name.parse().unwrap())
}

async fn pay(session: &Session, purse: &mut Purse, from: u8, intent: Intent) -> Outcome {
    let plan = session.plan(purse, address(from), intent).await.unwrap();
    let mut silent = |_| {};
    session
        .pay(purse, &person(from), plan, &mut silent)
        .await
        .unwrap()
}

async fn balance(session: &Session, of: Address) -> Amount {
    let account = session.account(of).await.unwrap().value;
    account.map_or(Amount::ZERO, |account| account.balance)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_by_name_is_final_and_proven_to_both() {
    let town = Town::of(4).await;
    let session = town.session().await;
    let mut purse = town.purse("bob");
    let plan = session
        .plan(&purse, address(1), to(named("alice"), nat(5)))
        .await
        .unwrap();
    assert_eq!(plan.balance, nat(1_000));
    assert_eq!(plan.to_name.as_ref().unwrap().as_str(), "alice");
    let mut heard = Vec::new();
    let outcome = session
        .pay(&mut purse, &person(1), plan, &mut |one| heard.push(one))
        .await
        .unwrap();
    let Status::Final {
        height,
        latency_ms,
        signed_by,
        validators,
    } = *outcome.payment.status()
    else {
        panic!("{:?}", outcome.payment.status());
    };
    assert!((3..=4).contains(&signed_by) && validators == 4 && latency_ms < 10_000);
    let id = outcome.payment.id();
    assert!(heard.contains(&Progress::Signed { id }), "{heard:?}");
    assert!(
        matches!(heard.last(), Some(Progress::Ended(_))),
        "{heard:?}"
    );
    assert_eq!(balance(&session, address(1)).await, nat(995));

    let other = town.session().await;
    assert_eq!(balance(&other, address(0)).await, nat(1_005));
    let history = other.history(address(0), 10).await.unwrap();
    assert!(history.complete);
    assert_eq!(history.entries[0].transaction.id(), id);
    assert_eq!(other.transaction(id).await.unwrap().at.height, height);
    let block = other.block(height).await.unwrap().value;
    assert_eq!(block.transactions.unwrap()[0].id(), id);
    let owner = other.resolve(&"bob".parse().unwrap()).await.unwrap().value;
    assert_eq!(owner.address, address(1));
    let nodes = other.nodes().await;
    assert!(
        nodes
            .iter()
            .all(|node| node.reachable && node.rtt.is_some())
    );
    assert!(matches!(
        other.block(1_000).await,
        Err(SessionError::NotFound { .. })
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_of_one_takes_payments_and_names() {
    let town = Town::of(1).await;
    let session = town.session().await;
    let mut purse = town.purse("new");
    let newcomer = natcoin::chain::key::SecretKey::from_seed(&[77; 32]);
    let gift = to(Recipient::Address(newcomer.address()), nat(10));
    let mut alice = town.purse("alice");
    assert!(!pay(&session, &mut alice, 0, gift).await.is_open());
    let claim = Intent::ClaimName("dora".parse().unwrap());
    let plan = session
        .plan(&purse, newcomer.address(), claim)
        .await
        .unwrap();
    let outcome = session
        .pay(&mut purse, &newcomer, plan, &mut |_| {})
        .await
        .unwrap();
    assert!(matches!(outcome.payment.status(), Status::Final { .. }));
    let owner = session.resolve(&"dora".parse().unwrap()).await.unwrap();
    assert_eq!(owner.value.address, newcomer.address());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_rules_refuse_is_refused_before_anything_is_signed() {
    let town = Town::of(1).await;
    let session = town.session().await;
    let purse = town.purse("alice");
    let plan = |intent| session.plan(&purse, address(0), intent);
    let unknown = plan(to(named("nobody"), nat(1))).await.unwrap_err();
    assert!(
        matches!(unknown, SessionError::UnknownName { .. }),
        "{unknown}"
    );
    let own = plan(to(named("alice"), nat(1))).await.unwrap_err();
    assert!(
        matches!(own, SessionError::Rejected(Rejection::OwnAddress { .. })),
        "{own}"
    );
    let zero = plan(to(named("bob"), Amount::ZERO)).await.unwrap_err();
    assert!(
        matches!(zero, SessionError::Rejected(Rejection::ZeroAmount)),
        "{zero}"
    );
    let poor = plan(to(named("bob"), nat(1_001))).await.unwrap_err();
    let text = poor.to_string();
    assert!(
        text.contains("1000") && text.contains("1001"),
        "it says what is there and what it takes: {text}"
    );
    let taken = plan(Intent::ClaimName("bob".parse().unwrap()))
        .await
        .unwrap_err();
    assert!(matches!(taken, SessionError::Rejected(_)), "{taken}");
    let stranger = natcoin::chain::key::SecretKey::from_seed(&[78; 32]).address();
    let nothing = session
        .plan(&purse, stranger, to(named("bob"), nat(1)))
        .await
        .unwrap_err();
    assert!(
        matches!(
            nothing,
            SessionError::Rejected(Rejection::UnknownSender { .. })
        ),
        "{nothing}"
    );
    assert!(purse.journal().payments().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_left_right_after_signing_is_resumed_and_happens_once() {
    let town = Town::of(4).await;
    let session = town.session().await;
    let mut purse = town.purse("bob");
    let plan = session
        .plan(&purse, address(1), to(named("alice"), nat(5)))
        .await
        .unwrap();
    let (crash, secret) = (Notify::new(), person(1));
    let mut progress = |one| {
        if matches!(one, Progress::Signed { .. }) {
            crash.notify_one();
        }
    };
    tokio::select! {
        biased;
        () = crash.notified() => {}
        _ = session.pay(&mut purse, &secret, plan, &mut progress) => {}
    }
    drop(purse);
    session.close().await;

    let session = town.session().await;
    let mut purse = town.purse("bob");
    assert_eq!(purse.journal().payments().len(), 1);
    // A new payment takes the one that waits along.
    let second = pay(&session, &mut purse, 1, to(named("alice"), nat(2))).await;
    assert!(matches!(second.payment.status(), Status::Final { .. }));
    let outcomes = session
        .resume_pending(&mut purse, &mut |_| {})
        .await
        .unwrap();
    assert!(outcomes.iter().all(|outcome| !outcome.is_open()));
    assert_eq!(
        purse
            .journal()
            .unresolved(town.bootstrap.genesis().hash())
            .count(),
        0
    );
    assert_eq!(balance(&session, address(0)).await, nat(1_007));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_quorum_a_payment_is_kept_and_becomes_final_when_the_nodes_are_back() {
    let mut town = Town::of(4).await;
    town.stop(2).await;
    town.stop(3).await;
    let config = SessionConfig {
        limits: Limits {
            patience: Duration::from_millis(800),
            ..Limits::default()
        },
        ..SessionConfig::new(town.bootstrap.clone())
    };
    let session = Session::open(config).await.unwrap();
    let mut purse = town.purse("bob");
    let outcome = pay(&session, &mut purse, 1, to(named("alice"), nat(5))).await;
    assert!(outcome.is_open());
    assert_eq!(
        (outcome.quorum.up, outcome.quorum.needed, outcome.quorum.of),
        (2, 3, 4)
    );
    assert_eq!(balance(&session, address(0)).await, nat(1_000));
    town.start(2).await;
    town.start(3).await;
    town.in_touch().await;
    session.close().await;
    let session = town.session().await;
    let outcomes = session
        .resume_pending(&mut purse, &mut |_| {})
        .await
        .unwrap();
    assert_eq!(outcomes.len(), 1);
    let status = outcomes[0].payment.status();
    assert!(matches!(status, Status::Final { .. }), "{status:?}");
    assert_eq!(balance(&session, address(0)).await, nat(1_005));
}

/// A payment of alice with the nonce 0, as a wallet remembers it right before it is sent.
fn remembered(town: &Town, profile: &str, payee: Address) -> Payment {
    let transaction = Transaction {
        genesis: town.bootstrap.genesis().hash(),
        sender: address(0),
        key: person(0).public(),
        nonce: 0,
        valid_until: 100,
        fee: town.bootstrap.genesis().rules.fee,
        operation: Operation::Transfer {
            to: payee,
            amount: nat(900),
            memo: Memo::default(),
        },
    };
    let signed: SignedTransaction = transaction.sign(&person(0));
    let payment = Payment::new(signed, None, 1_700_000_000_000);
    let data = DataDir::new(town.path());
    let mut profile = data.create(&profile.parse().unwrap(), b"").unwrap();
    let mut journal = profile.journal().unwrap();
    journal.record(payment.clone()).unwrap();
    profile.save_journal(&journal).unwrap();
    payment
}

#[tokio::test(flavor = "multi_thread")]
async fn of_money_spent_twice_at_two_nodes_one_payment_is_final_and_the_other_says_which() {
    let town = Town::of(4).await;
    let (first, second) = (
        remembered(&town, "here", address(1)),
        remembered(&town, "there", address(2)),
    );
    let (here, there) = tokio::join!(town.session(), town.session());
    let (mut purse_here, mut purse_there) = (town.purse("here"), town.purse("there"));
    let (mut silent_here, mut silent_there) = (|_| {}, |_| {});
    let (here, there) = tokio::join!(
        here.resume_pending(&mut purse_here, &mut silent_here),
        there.resume_pending(&mut purse_there, &mut silent_there)
    );
    let ends = [here.unwrap().remove(0), there.unwrap().remove(0)].map(|one| one.payment);
    let finals = |one: &&Payment| matches!(one.status(), Status::Final { .. });
    let winner = ends.iter().find(finals).expect("one is final");
    let loser = ends.iter().find(|one| !finals(one)).expect("one is not");
    let ids = [first.id(), second.id()];
    assert!(ids.contains(&winner.id()) && ids.contains(&loser.id()));
    match loser.status() {
        Status::Replaced { by, .. } => assert_eq!(*by, winner.id()),
        other => panic!("{other:?}"),
    }
    let session = town.session().await;
    assert_eq!(balance(&session, address(0)).await, nat(100));
}

/// What a network's first node says to the bytes of a transaction.
async fn hand_in(town: &Town, transaction: &SignedTransaction) -> SubmitReply {
    let node = &town.bootstrap.nodes()[0];
    let mut member = join(NetworkConfig {
        network_name: town.bootstrap.network().parse().unwrap(),
        genesis: town.bootstrap.genesis().hash().0,
        bootstrap: vec![(node.peer_id, node.addresses.clone())],
        ..config(9, Role::Wallet)
    })
    .await;
    member.up(node.peer_id).await;
    let asking = member
        .handle
        .request(node.peer_id, Service::Submit, transaction.to_bytes());
    SubmitReply::from_bytes(&asking.await.unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_replayed_on_another_network_is_rejected_there() {
    let town = Town::of(1).await;
    let other = Town::with(bootstrap_of("village", 1, 0), 1).await;
    let session = town.session().await;
    let mut purse = town.purse("bob");
    let outcome = pay(&session, &mut purse, 1, to(named("alice"), nat(5))).await;
    let transaction = outcome.payment.transaction();
    let here = hand_in(&town, transaction).await;
    assert!(matches!(here, SubmitReply::Final { .. }), "{here:?}");
    let there = hand_in(&other, transaction).await;
    assert!(
        matches!(
            there,
            SubmitReply::Rejected(Rejection::ForeignNetwork { .. })
        ),
        "{there:?}"
    );
    let session = other.session().await;
    assert_eq!(balance(&session, address(0)).await, nat(1_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn when_no_node_can_be_reached_each_is_named_with_the_reason() {
    let error = Session::open(SessionConfig::new(bootstrap(4, 0)))
        .await
        .unwrap_err();
    let SessionError::NoNode { tried, .. } = &error else {
        panic!("{error}");
    };
    let names: Vec<&str> = tried.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["node-0", "node-1", "node-2", "node-3"]);
    assert!(tried.iter().all(|one| !one.why.is_empty()));
    let session = Session::start(SessionConfig::new(bootstrap(2, 0)))
        .await
        .unwrap();
    let nodes = session.nodes().await;
    assert!(
        nodes
            .iter()
            .all(|node| !node.reachable && node.problem.is_some())
    );
}
