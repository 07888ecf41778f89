//! Crowds of hostile strangers against four whole nodes: payments go on.
//!
//! Every stranger says a proper hello, and then gossips garbage and forged votes, hands in transactions that can never
//! stand, asks without end, and holds watches that it never reads. What a payment takes is measured before and during.

mod common;

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use common::{
    net::{config, join},
    town::{Town, address, nat, person},
};
use natcoin::{
    behaviour::{PeerId, Role, Service, Topic, identity},
    chain::{
        amount::Amount,
        certificate::VoteKind,
        codec::Encode,
        hash::Hash,
        key::{SecretKey, Signature},
        query::Query,
        transaction::{Memo, Operation, SignedTransaction, Transaction},
    },
    consensus::{Message, message::Vote},
    node::{
        network::{Event, NetworkConfig, NetworkHandle, watch::WatchStream},
        session::{Intent, Purse, Recipient, Session},
    },
    replica::wire::{Said, WatchRequest, gossip},
    wallet::{memo::Note, payment::Status},
};

/// What all strangers together have done.
#[derive(Debug, Default)]
struct Tally {
    is_over: AtomicBool,
    said: AtomicUsize,
    handed_in: AtomicUsize,
    asked: AtomicUsize,
}

/// A payment that no rule takes: by turns a stranger's, a forged one of alice's, and one far behind a missing nonce.
fn bad_payment(genesis: Hash, number: u64) -> SignedTransaction {
    let stranger = SecretKey::from_seed(&[200; 32]);
    let key = match number % 3 {
        0 => stranger,
        1 => person(0),
        _ => person(2),
    };
    let transaction = Transaction {
        genesis,
        sender: key.address(),
        key: key.public(),
        nonce: if number % 3 == 2 { 1 + number % 60 } else { 0 },
        valid_until: 100 + number,
        fee: Amount::ZERO,
        operation: Operation::Transfer {
            to: address(0),
            amount: Amount::from_nits(1),
            memo: Memo::default(),
        },
    };
    let mut signed = transaction.sign(&key);
    if number % 3 == 1 {
        signed.signature = Signature([7; 64]);
    }
    signed
}

fn forged_vote(voter: &SecretKey, number: u64) -> Vec<u8> {
    let vote = Vote {
        kind: VoteKind::Precommit,
        height: 1 + number % 1_000,
        round: (number % 9) as u32,
        block: Some(Hash([number as u8; 32])),
        voter: voter.address(),
        signature: Signature([number as u8; 64]),
    };
    gossip(rand::random(), &Said::Message(Message::Vote(vote)))
}

async fn gossips(me: NetworkHandle, tally: Arc<Tally>) {
    let validator = common::town::node_key(0);
    for number in 0u64.. {
        if tally.is_over.load(Ordering::Relaxed) {
            return;
        }
        let (topic, data) = match number % 4 {
            0 => (
                Topic::ALL[(number / 4 % 3) as usize],
                rand::random::<[u8; 32]>().to_vec(),
            ),
            _ => (Topic::Votes, forged_vote(&validator, number)),
        };
        let _ = me.publish(topic, data).await;
        tally.said.fetch_add(1, Ordering::Relaxed);
        tokio::task::yield_now().await;
    }
}

async fn hands_in(me: NetworkHandle, to: PeerId, genesis: Hash, tally: Arc<Tally>) {
    let mut number = rand::random::<u32>().into();
    while !tally.is_over.load(Ordering::Relaxed) {
        number += 1;
        let data = bad_payment(genesis, number).to_bytes();
        let _ = me.request(to, Service::Submit, data).await;
        tally.handed_in.fetch_add(1, Ordering::Relaxed);
    }
}

async fn asks(me: NetworkHandle, to: PeerId, tally: Arc<Tally>) {
    let query = Query::Activities {
        address: address(1),
        upto: None,
        limit: 100,
    };
    while !tally.is_over.load(Ordering::Relaxed) {
        let _ = me.request(to, Service::Query, query.to_bytes()).await;
        let _ = me.request(to, Service::Blocks, vec![0xff; 12]).await;
        tally.asked.fetch_add(2, Ordering::Relaxed);
    }
}

/// Opens more watches than it is given, and reads none of those that it gets.
async fn watches(me: NetworkHandle, to: PeerId) -> Vec<WatchStream> {
    let request = WatchRequest {
        addresses: vec![address(0), address(1)],
    };
    let mut unread = Vec::new();
    for _ in 0..64 {
        unread.extend(me.open_watch(to, request.to_bytes()).await);
    }
    unread
}

/// Pays so often, and gives the median of the times to final, in milliseconds.
async fn median(session: &Session, purse: &mut Purse, count: usize) -> u64 {
    let mut all = Vec::new();
    for _ in 0..count {
        let intent = Intent::Transfer {
            to: Recipient::Address(address(0)),
            amount: Amount::from_nits(1),
            note: Note::default(),
        };
        let plan = session.plan(purse, address(1), intent).await.unwrap();
        let mut silent = |_| {};
        let outcome = session
            .pay(purse, &person(1), plan, &mut silent)
            .await
            .unwrap();
        let Status::Final { latency_ms, .. } = outcome.payment.status() else {
            panic!("{:?}", outcome.payment.status());
        };
        all.push(*latency_ms);
    }
    all.sort_unstable();
    all[count / 2]
}

#[tokio::test(flavor = "multi_thread")]
async fn payments_go_on_while_a_crowd_of_strangers_does_its_worst() {
    let town = Town::of(4).await;
    let genesis = town.bootstrap.genesis().hash();
    let session = town.session().await;
    let mut purse = town.purse("bob");
    let before = median(&session, &mut purse, 9).await;
    let tally = Arc::new(Tally::default());
    let nodes: Vec<PeerId> = town
        .bootstrap
        .nodes()
        .iter()
        .map(|node| node.peer_id)
        .collect();
    let (mut crowd, mut holding) = (Vec::new(), Vec::new());
    for number in 0..8u8 {
        let role = if number % 2 == 0 {
            Role::Follower
        } else {
            Role::Wallet
        };
        let stranger = NetworkConfig {
            identity: identity::keypair([150 + number; 32]),
            network_name: "town".parse().unwrap(),
            genesis: genesis.0,
            height: u64::MAX,
            bootstrap: town
                .bootstrap
                .nodes()
                .iter()
                .map(|node| (node.peer_id, node.addresses.clone()))
                .collect(),
            ..config(150 + number, role)
        };
        let mut member = join(stranger).await;
        let mut missing = nodes.clone();
        while !missing.is_empty() {
            let seen = |event| match event {
                Event::PeerUp { peer, .. } => Some(peer),
                _ => None,
            };
            let came = member.until("the nodes", seen).await;
            missing.retain(|node| *node != came);
        }
        let me = member.handle.clone();
        if role == Role::Follower {
            tokio::spawn(gossips(me.clone(), tally.clone()));
        }
        for node in &nodes {
            tokio::spawn(hands_in(me.clone(), *node, genesis, tally.clone()));
            tokio::spawn(asks(me.clone(), *node, tally.clone()));
            holding.push(tokio::spawn(watches(me.clone(), *node)));
        }
        // Its events are read by nobody: it answers nothing.
        crowd.push(member);
    }
    let during = median(&session, &mut purse, 9).await;
    tally.is_over.store(true, Ordering::Relaxed);
    let mut watched = 0;
    for watches in holding {
        watched += watches.await.unwrap().len();
    }
    let tally = format!("{tally:?}, {watched} watches");
    // The crowd shares this machine with the nodes: the bound is wide.
    assert!(
        during < 5_000,
        "{during} ms during, {before} ms before: {tally}"
    );
    let left = session
        .account(address(1))
        .await
        .unwrap()
        .value
        .unwrap()
        .balance;
    assert_eq!(left, nat(1_000).checked_sub(Amount::from_nits(18)).unwrap());
}
