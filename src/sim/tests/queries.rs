//! What wallets ask and watch: every answer proves itself under the genesis alone.

use std::time::Duration;

use super::town::transaction;
use crate::behaviour::Service;
use crate::behaviour::watch::FRAME_MAX_BYTES;
use crate::chain::block::transaction_leaf;
use crate::chain::codec::Decode;
use crate::chain::codec::Encode;
use crate::chain::hash::Hash;
use crate::chain::query::{AnswerError, MAX_PAGE, Query, Unavailable};
use crate::chain::rules::Rejection;
use crate::chain::testing::network;
use crate::chain::testing::network::{address, claim, transfer};
use crate::chain::transaction::{Operation, TransactionId};
use crate::replica::Input;
use crate::replica::wire::{
    BlocksReply, BlocksRequest, Submission, SubmitReplies, SubmitReply, WatchFrame,
};
use crate::sim::World;

/// Person 1 pays person 2 so often, many at once.
fn busy(validators: u8, payments: u64) -> World {
    let mut world = World::town(validators, 0, 80);
    let mut nonce = 0;
    while nonce < payments {
        let end = payments.min(nonce + 60);
        let batch: Vec<_> = (nonce..end)
            .map(|nonce| world.payment(1, nonce, 10 + nonce, 2))
            .collect();
        for payment in &batch {
            assert_eq!(world.submit(0, payment), Some(SubmitReply::Waiting));
        }
        let last = batch.last().unwrap().id();
        assert!(world.run_until(Duration::from_secs(20), |world| world.is_final(&last)));
        nonce = end;
        let height = world.judge.height();
        world.wait_in_step(height);
    }
    world
}

#[test]
fn a_long_history_is_proven_page_by_page_from_either_end() {
    let mut world = busy(4, 250);
    let trust = world.judge.trust.clone();
    for (person, node) in [(1, 1), (2, 3)] {
        let who = address(person);
        let ask = |upto, limit| Query::Activities {
            address: who,
            upto,
            limit,
        };
        for limit in [1, 7, MAX_PAGE] {
            let answer = world
                .query(node, &ask(None, limit))
                .into_activities()
                .unwrap();
            let (account, page) = answer.verify(&trust, &who).unwrap().value;
            assert_eq!(account.unwrap().activities, 250);
            assert_eq!(page.entries.len(), usize::from(limit));
        }
        let answer = world
            .query(node, &ask(None, MAX_PAGE))
            .into_activities()
            .unwrap();
        let mut page = answer.verify(&trust, &who).unwrap().value.1;
        let mut entries = page.entries.clone();
        while page.start.number > 0 {
            let mark = page.start;
            let older = world
                .query(node, &ask(Some(mark.number), MAX_PAGE))
                .into_activities()
                .unwrap();
            older.page.verify(&who, &mark).unwrap();
            page = older.page;
            entries.splice(0..0, page.entries.clone());
        }
        assert_eq!(entries.len(), 250);
        let amounts = entries
            .iter()
            .map(|entry| match &entry.transaction.operation {
                Operation::Transfer { amount, .. } => amount.nits(),
                _ => 0,
            });
        assert!(amounts.eq(10..260));
    }
    let stranger = address(77);
    let nothing = Query::Activities {
        address: stranger,
        upto: None,
        limit: 10,
    };
    let answer = world.query(0, &nothing).into_activities().unwrap();
    let (account, page) = answer.verify(&trust, &stranger).unwrap().value;
    assert!(account.is_none() && page.entries.is_empty());
}

#[test]
fn answers_about_the_state_are_proven_before_and_after_the_first_block() {
    let mut world = World::town(4, 1, 81);
    let trust = world.judge.trust.clone();
    let claimed = transaction(&world.genesis, 2, 0, claim("bob"));
    for is_after in [false, true] {
        if is_after {
            world.pay_and_wait(0, &claimed);
            world.wait_in_step(1);
        }
        for node in 0..5 {
            let found = world
                .query(node, &Query::Account(address(1)))
                .into_account()
                .unwrap();
            let found = found.verify(&trust, &address(1)).unwrap();
            assert_eq!(found.at.height, u64::from(is_after));
            assert_eq!(found.value.unwrap().balance.nits(), 1_000_000);
            let absent = world
                .query(node, &Query::Account(address(70)))
                .into_account()
                .unwrap();
            assert_eq!(absent.verify(&trust, &address(70)).unwrap().value, None);
            for (name, owner) in [
                ("alice", Some(1)),
                ("bob", is_after.then_some(2)),
                ("carol", None),
            ] {
                let name = name.parse().unwrap();
                let found = world.query(node, &Query::Name(name)).into_name().unwrap();
                let name = match owner {
                    Some(1) => "alice",
                    Some(_) => "bob",
                    None if !is_after && found.owner.is_none() => continue,
                    None => "carol",
                };
                let found = found.verify(&trust, &name.parse().unwrap()).unwrap();
                assert_eq!(found.value.map(|one| one.address), owner.map(address));
            }
            let network = world.query(node, &Query::Network).into_network().unwrap();
            network.verify(&trust).unwrap();
            let status = world.query(node, &Query::Status).into_status().unwrap();
            assert_eq!(status.verify(&trust).unwrap().height, u64::from(is_after));
            assert_eq!(status.validators_up, 4);
        }
    }
    let block = world.query(0, &Query::Block(1)).into_block().unwrap();
    let block = block.verify(&trust, 1).unwrap().value;
    assert_eq!(block.transactions.unwrap(), vec![claimed.clone()]);
    let found = world
        .query(3, &Query::Transaction(claimed.id()))
        .into_transaction()
        .unwrap();
    found.verify(&trust, &claimed.id()).unwrap();
}

#[test]
fn what_a_node_does_not_know_it_says() {
    let mut world = World::town(1, 0, 82);
    let unknown = AnswerError::Unavailable(Unavailable::Unknown);
    let id = TransactionId::from_bytes(&[7; 32]).unwrap();
    let answer = world.query(0, &Query::Transaction(id));
    assert_eq!(answer.into_transaction(), Err(unknown.clone()));
    for height in [0, 1, u64::MAX] {
        let answer = world.query(0, &Query::Block(height));
        assert_eq!(answer.into_block(), Err(unknown.clone()));
    }
}

#[test]
fn a_question_that_cannot_be_read_is_answered_and_its_asker_sent_away() {
    let mut world = World::town(1, 0, 83);
    for service in [Service::Query, Service::Blocks, Service::Agreement] {
        assert!(world.put(0, service, vec![9; 3]).is_some());
    }
    assert_eq!(world.seen.disconnects.len(), 3);
    // A wallet's bad transaction is an accident, and says so.
    let answer = world.put(0, Service::Submit, vec![9; 3]).unwrap();
    assert_eq!(SubmitReply::from_bytes(&answer), Ok(SubmitReply::Malformed));
}

#[test]
fn of_many_payments_handed_in_at_once_each_has_its_answer() {
    let mut world = World::town(1, 0, 84);
    let first = world.payment(1, 0, 5, 2);
    assert_eq!(world.submit(0, &first), Some(SubmitReply::Waiting));
    let limit = Duration::from_secs(20);
    assert!(world.run_until(limit, |world| world.is_final(&first.id())));
    let mut forged = world.payment(2, 0, 5, 1);
    forged.signature.0[0] ^= 1;
    let good = world.payment(1, 1, 6, 2);
    let same_nonce = world.payment(1, 1, 7, 2);
    let poor = world.payment(3, 0, u64::MAX / 2, 2);
    let last = world.payment(4, 0, 8, 2);
    let all = vec![first, forged, good.clone(), same_nonce, poor, last.clone()];
    let data = Submission(all).to_bytes();
    let answer = world.put(0, Service::Submit, data).unwrap();
    let SubmitReplies(replies) = SubmitReplies::from_bytes(&answer).unwrap();
    let other = good.id();
    assert_eq!(replies.len(), 6);
    assert_eq!(replies[0], SubmitReply::Final { height: 1 });
    assert_eq!(replies[1], SubmitReply::Rejected(Rejection::BadSignature));
    assert_eq!(replies[2], SubmitReply::Waiting);
    assert_eq!(replies[3], SubmitReply::NonceTaken { other });
    assert!(matches!(replies[4], SubmitReply::Rejected(_)));
    assert_eq!(replies[5], SubmitReply::Waiting);
    let all_final = |world: &World| world.is_final(&good.id()) && world.is_final(&last.id());
    assert!(world.run_until(limit, all_final));
}

#[test]
fn more_than_can_be_checked_in_time_is_answered_as_busy_and_taken_later() {
    let mut world = World::town(1, 0, 85);
    let payments: Vec<_> = (0..64).map(|nonce| world.payment(1, nonce, 5, 2)).collect();
    let data = Submission(payments.iter().cycle().take(256).cloned().collect()).to_bytes();
    // All come before any signature is checked.
    let from = network::key(99).public();
    for id in 0..40 {
        let request = Input::Request {
            id: 1_000_000 + id,
            from,
            service: Service::Submit,
            data: data.clone(),
        };
        world.step(0, request);
    }
    let busy = vec![SubmitReply::Busy; 256];
    let answers = &world.speech.outside;
    let told: Vec<_> = answers.values().collect();
    assert!(!told.is_empty() && told.len() < 40, "{}", told.len());
    assert!(
        told.iter()
            .all(|data| **data == SubmitReplies(busy.clone()).to_bytes())
    );
    let limit = Duration::from_secs(20);
    assert!(world.run_until(limit, |world| world.speech.outside.len() == 40));
    let last = payments[63].id();
    assert!(world.run_until(limit, |world| world.is_final(&last)));
}

#[test]
fn blocks_are_served_from_any_height_within_bounds() {
    let mut world = busy(1, 100);
    let tip = world.height(0);
    for (from, count) in [
        (0, 10),
        (1, 1),
        (1, u32::MAX),
        (tip, 5),
        (tip + 1, 5),
        (u64::MAX, 7),
        (1, 0),
    ] {
        let request = BlocksRequest { from, count }.to_bytes();
        let reply = world.put(0, Service::Blocks, request).unwrap();
        let reply = BlocksReply::from_bytes(&reply).unwrap();
        assert_eq!(reply.tip, tip);
        let given: Vec<u64> = reply
            .blocks
            .iter()
            .map(|one| one.block.header.height)
            .collect();
        let wanted: Vec<u64> = (from.max(1)..=tip).take(count.min(64) as usize).collect();
        assert_eq!(given, wanted);
    }
}

#[test]
fn a_watcher_sees_every_block_and_each_own_transaction_with_its_proof() {
    let mut world = World::town(4, 0, 84);
    let trust = world.judge.trust.clone();
    let payer = world.watch(0, vec![address(1)]);
    let payee = world.watch(1, vec![address(2), address(3)]);
    let other = world.watch(0, vec![address(5)]);
    let batch: Vec<_> = (0..60)
        .map(|nonce| world.payment(1, nonce, 20, 2))
        .collect();
    for payment in &batch {
        world.submit(2, payment);
    }
    let last = batch.last().unwrap().id();
    assert!(world.run_until(Duration::from_secs(5), |world| world.is_final(&last)));
    let height = world.judge.height();
    world.wait_in_step(height);
    for (watch, expected) in [(payer, 60), (payee, 60), (other, 0)] {
        let mut heights = Vec::new();
        let mut ids = Vec::new();
        for bytes in world.frames_of(watch) {
            assert!(bytes.len() <= FRAME_MAX_BYTES);
            let frame = WatchFrame::from_bytes(bytes).unwrap();
            heights.push(frame.certified.verify(&trust).unwrap().height);
            for placed in frame.transactions {
                let root = placed.path.root_of(transaction_leaf(&placed.transaction));
                assert_eq!(root, Some(frame.certified.header.transactions_root));
                ids.push(placed.transaction.id());
            }
        }
        heights.dedup();
        assert!(heights.into_iter().eq(1..=height));
        assert_eq!(ids.len(), expected);
        if expected > 0 {
            assert!(
                ids.iter()
                    .eq(batch.iter().map(|one| one.id()).collect::<Vec<_>>().iter())
            );
        }
    }
    // A late watcher begins with the newest block; one that is over hears nothing more.
    let late = world.watch(3, vec![]);
    let frame = world.frames_of(late)[0];
    assert_eq!(
        WatchFrame::from_bytes(frame)
            .unwrap()
            .certified
            .header
            .height,
        height
    );
    world.step(0, Input::WatchClosed { watch: payer });
    let before = world.frames_of(payer).len();
    let payment = world.payment(1, 60, 20, 2);
    world.pay_and_wait(0, &payment);
    let after = world.frames_of(payer).len();
    assert_eq!(before, after);
    world.step(
        0,
        Input::WatchOpened {
            watch: 7777,
            data: vec![1; 9],
        },
    );
    assert_eq!(world.seen.closed, vec![7777]);
}

#[test]
fn a_payment_to_oneself_is_one_activity_and_still_proven() {
    let mut world = World::town(1, 0, 85);
    let own = transaction(&world.genesis, 1, 0, transfer(50, 1));
    match world.submit(0, &own) {
        Some(SubmitReply::Rejected(_)) => return,
        answer => assert_eq!(answer, Some(SubmitReply::Waiting)),
    }
    world.run_for(Duration::from_secs(1));
    let query = Query::Activities {
        address: address(1),
        upto: None,
        limit: 10,
    };
    let answer = world.query(0, &query).into_activities().unwrap();
    let found = answer
        .verify(&world.judge.trust, &address(1))
        .unwrap()
        .value;
    assert_eq!(found.1.entries.len() as u64, found.0.unwrap().activities);
    assert_ne!(world.judge.trust.genesis, Hash::ZERO);
}

#[test]
fn of_a_hundred_watchers_those_concerned_hear_of_each_block_and_the_rest_by_turns_of_the_newest() {
    let mut world = World::town(4, 0, 85);
    let payee = world.watch(0, vec![address(2)]);
    let open = |world: &mut World| world.watch(0, vec![address(5)]);
    let others: Vec<_> = (0..100).map(|_| open(&mut world)).collect();
    for nonce in 0..20 {
        let payment = world.payment(1, nonce, 20, 2);
        world.pay_and_wait(0, &payment);
    }
    let height = world.judge.height();
    let heights_of = |world: &World, watch| -> Vec<u64> {
        let frames = world.frames_of(watch).into_iter();
        let frames = frames.map(|bytes| WatchFrame::from_bytes(bytes).unwrap());
        frames.map(|frame| frame.certified.header.height).collect()
    };
    let all_hear = |world: &World| {
        let mut others = others.iter();
        others.all(|watch| heights_of(world, *watch).last() == Some(&height))
    };
    assert!(world.run_until(Duration::from_secs(2), all_hear));
    let own = world.frames_of(payee).into_iter();
    let own = own.map(|bytes| WatchFrame::from_bytes(bytes).unwrap());
    assert_eq!(own.map(|frame| frame.transactions.len()).sum::<usize>(), 20);
    let told: Vec<Vec<u64>> = others
        .iter()
        .map(|watch| heights_of(&world, *watch))
        .collect();
    for heights in &told {
        assert!(heights.is_sorted_by(|one, next| one < next), "{heights:?}");
    }
    // A turn of 16 every 16 ms does not tell a hundred of each block.
    let frames: usize = told.iter().map(Vec::len).sum();
    let blocks = usize::try_from(height).unwrap();
    assert!(frames < others.len() * blocks, "{frames} for {blocks}");
    // Each had its turn as often as the others, but for one.
    let turns = told.iter().map(Vec::len);
    assert!(turns.clone().max().unwrap() - turns.min().unwrap() <= 1);
}
