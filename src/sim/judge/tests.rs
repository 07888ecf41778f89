//! The judge under test: a hand-made breach of each invariant that it holds by itself.

use std::sync::Arc;

use super::*;
use crate::chain::block::BlockId;
use crate::chain::certificate::VoteKind;
use crate::chain::codec::Encode;
use crate::chain::key::SecretKey;
use crate::chain::testing::certificate;
use crate::chain::testing::network::{address, nits, validator};
use crate::chain::transaction::SignedTransaction;
use crate::consensus::message::Vote;
use crate::replica::wire::gossip;
use crate::sim::World;
use crate::store::SimDisk;

const NOW: Duration = Duration::from_secs(7);

/// A town with some blocks, one payment each.
fn town(payments: u64) -> World {
    let mut world = World::town(4, 0, 5);
    for nonce in 0..payments {
        let payment = world.payment(1, nonce, 100, 2);
        world.pay_and_wait(0, &payment);
    }
    world.wait_in_step(payments);
    world
}

fn store(world: &World) -> Store {
    world.nodes[0].live.as_ref().unwrap().store.clone()
}

/// A block of a town as it stands in the log of a node.
fn record(world: &World, height: u64) -> FinalBlock {
    FinalBlock::from_bytes(&store(world).block(height).unwrap().unwrap()).unwrap()
}

/// A block changed, and certified by these validators all the same.
fn changed(
    world: &World,
    height: u64,
    signers: &[usize],
    change: impl FnOnce(&mut Block),
) -> Vec<u8> {
    let mut block = record(world, height).block;
    change(&mut block);
    block.header.transactions_root = transactions_root(&block.transactions);
    let mut keys: Vec<SecretKey> = (0..4).map(validator).collect();
    keys.sort_by_key(SecretKey::public);
    let certificate = certificate(&block.header, 0, &keys, signers);
    FinalBlock { block, certificate }.to_bytes()
}

/// A judge who has seen the first blocks of a town at node 0.
fn judge(world: &World, upto: u64) -> Judge {
    let mut judge = Judge::new(&world.genesis);
    for height in 1..=upto {
        judge.committed(0, NOW, height, &record(world, height).to_bytes());
    }
    assert_eq!(judge.violation(), None);
    judge
}

#[track_caller]
fn assert_violated(judge: &Judge, invariant: Invariant, words: &str) {
    let violation = judge.violation().expect("a violation");
    assert_eq!(violation.invariant, invariant, "{violation}");
    assert!(violation.what.contains(words), "{violation}");
}

fn payment(world: &World, nonce: u64, amount: u64) -> SignedTransaction {
    world.payment(1, nonce, amount, 3)
}

#[test]
fn what_is_as_it_should_be_violates_nothing() {
    let world = town(3);
    let mut judge = judge(&world, 3);
    judge.stands(0, NOW, world.replica(0));
    judge.reopened(0, NOW, &store(&world), None);
    judge.told(0, NOW, 3);
    assert_eq!(judge.violation(), None);
    let held: Vec<Invariant> = judge.checks.keys().copied().collect();
    for invariant in [
        Invariant::Agreement,
        Invariant::OneStateRoot,
        Invariant::Supply,
        Invariant::Lawful,
        Invariant::NonceOnce,
        Invariant::Durability,
        Invariant::Certificate,
    ] {
        assert!(held.contains(&invariant), "{invariant:?}");
    }
}

#[test]
fn another_block_at_a_height_violates_agreement() {
    let world = town(1);
    let mut judge = judge(&world, 1);
    let other = changed(&world, 1, &[0, 1, 2], |block| block.header.time_ms += 1);
    judge.committed(1, NOW, 1, &other);
    assert_violated(&judge, Invariant::Agreement, "node 1");
}

#[test]
fn a_certificate_of_too_few_is_none() {
    let world = town(1);
    let mut judge = judge(&world, 0);
    judge.committed(0, NOW, 1, &changed(&world, 1, &[0, 1], |_| {}));
    assert_violated(&judge, Invariant::Certificate, "block 1");
}

#[test]
fn a_record_of_other_transactions_than_its_header_says_is_not_certified() {
    let world = town(1);
    let mut found = record(&world, 1);
    found.block.transactions.clear();
    let mut judge = judge(&world, 0);
    judge.committed(0, NOW, 1, &found.to_bytes());
    assert_violated(&judge, Invariant::Certificate, "other transactions");
}

#[test]
fn a_nonce_spent_again_is_told_as_that() {
    let world = town(2);
    let mut judge = judge(&world, 1);
    let first = record(&world, 1).block.transactions;
    let again = changed(&world, 2, &[0, 1, 2], |block| block.transactions = first);
    judge.committed(0, NOW, 2, &again);
    assert_violated(&judge, Invariant::NonceOnce, "nonce 0");
}

#[test]
fn a_block_that_breaks_a_rule_is_not_lawful() {
    let world = town(2);
    type Change = fn(&World, &mut Block);
    let cases: [(Change, &str); 5] = [
        (
            |world, block| block.transactions = vec![payment(world, 1, 999_999)],
            "has not so much",
        ),
        (
            |world, block| block.transactions = vec![payment(world, 5, 100)],
            "not the next",
        ),
        (
            |world, block| {
                block.transactions = vec![payment(world, 1, 100)];
                block.transactions[0].signature.0[9] ^= 1;
            },
            "nobody has signed",
        ),
        (
            |_, block| block.header.state_root = Hash::ZERO,
            "state root",
        ),
        (|_, block| block.header.parent = BlockId::ZERO, "stands on"),
    ];
    for (change, words) in cases {
        let mut judge = judge(&world, 1);
        let record = changed(&world, 2, &[0, 1, 2], |block| change(&world, block));
        judge.committed(0, NOW, 2, &record);
        assert_violated(&judge, Invariant::Lawful, words);
    }
}

#[test]
fn another_state_than_the_certified_one_is_seen() {
    let (world, mut other) = (town(1), World::town(4, 0, 6));
    let payment = other.payment(2, 0, 50, 3);
    other.pay_and_wait(0, &payment);
    other.wait_in_step(1);
    let mut judge = judge(&world, 1);
    judge.stands(0, NOW, other.replica(0));
    assert_violated(&judge, Invariant::OneStateRoot, "node 0");
}

#[test]
fn a_ledger_that_says_otherwise_than_the_judges_own_book_violates_the_supply() {
    let world = town(1);
    type Change = fn(&mut Book);
    let changes: [(Change, &str); 3] = [
        (|book| book.give(address(1), 1), "should have"),
        (|book| book.give(address(77), 1), "accounts"),
        (|book| book.forget(&address(1)), "accounts"),
    ];
    for (change, words) in changes {
        let mut judge = judge(&world, 1);
        change(&mut judge.books.money);
        judge.stands(0, NOW, world.replica(0));
        assert_violated(&judge, Invariant::Supply, words);
    }
}

#[test]
fn money_from_nowhere_is_seen_in_the_block_that_makes_it() {
    let world = town(2);
    let mut judge = judge(&world, 1);
    judge.books.money.give(address(3), 5);
    judge.committed(0, NOW, 2, &record(&world, 2).to_bytes());
    assert_violated(&judge, Invariant::Lawful, "nits in all");
}

#[test]
fn what_is_told_before_it_is_durable_is_seen_in_whatever_is_said() {
    let world = town(2);
    let certified = Certified {
        header: record(&world, 2).block.header,
        certificate: record(&world, 2).certificate,
    };
    let frame = WatchFrame {
        certified,
        transactions: Vec::new(),
    };
    let blocks = BlocksReply {
        tip: 1,
        blocks: vec![record(&world, 2)],
    };
    let said = MissingReply {
        tip: 2,
        said: Vec::new(),
    };
    let account = world.replica(0).status();
    assert_eq!(account.height, 2);
    let cases: [&dyn Fn(&mut Judge); 5] = [
        &|judge| judge.told(0, NOW, 2),
        &|judge| judge.pushed(0, NOW, &frame.to_bytes()),
        &|judge| {
            let reply = SubmitReply::Final { height: 2 };
            judge.answered(0, NOW, Service::Submit, &reply.to_bytes());
        },
        &|judge| judge.answered(0, NOW, Service::Blocks, &blocks.to_bytes()),
        &|judge| judge.answered(0, NOW, Service::Agreement, &said.to_bytes()),
    ];
    for case in cases {
        let mut judge = judge(&world, 1);
        case(&mut judge);
        assert_violated(&judge, Invariant::Durability, "tells of block 2");
    }
}

#[test]
fn a_proven_answer_of_a_block_that_is_not_durable_is_seen() {
    let mut world = town(2);
    let query = crate::chain::query::Query::Account(address(1));
    let answer = world.query(0, &query).to_bytes();
    let mut judge = judge(&world, 1);
    judge.answered(0, NOW, Service::Query, &answer);
    assert_violated(&judge, Invariant::Durability, "tells of block 2");
}

#[test]
fn blocks_that_are_gone_or_skipped_or_others_violate_durability() {
    let world = town(2);
    let mut skipping = judge(&world, 0);
    skipping.committed(0, NOW, 2, &record(&world, 2).to_bytes());
    assert_violated(&skipping, Invariant::Durability, "block 2 after block 0");

    let genesis = world.genesis.hash().0;
    let empty = Store::open(Arc::new(SimDisk::new()), genesis).unwrap();
    let mut losing = judge(&world, 2);
    losing.reopened(0, NOW, &empty, None);
    assert_violated(&losing, Invariant::Durability, "has 0 now");

    let other = changed(&world, 1, &[0, 1, 2], |block| block.header.time_ms += 1);
    let index = crate::store::BlockIndex {
        transactions: Vec::new(),
        activities: Vec::new(),
    };
    empty.append_block(1, &other, &index).unwrap();
    let mut swapping = judge(&world, 1);
    swapping.reopened(0, NOW, &empty, None);
    assert_violated(&swapping, Invariant::Durability, "no block 1 any more");

    let mut restored = judge(&world, 2);
    restored.reopened(0, NOW, &empty, Some(0));
    // Put back from a backup it may be shorter, and what it has must be what all have.
    assert_violated(&restored, Invariant::Agreement, "height 1");
}

fn prevote(of: &SecretKey, block: Option<BlockId>) -> Said {
    let vote = Vote {
        kind: VoteKind::Prevote,
        height: 4,
        round: 1,
        block,
        voter: of.address(),
        signature: of.sign(b"the judge looks at what is signed, not at the signature"),
    };
    Said::Message(crate::consensus::Message::Vote(vote))
}

#[test]
fn a_second_signature_is_seen_wherever_it_is_said_and_whoever_says_it() {
    let world = town(0);
    let block = Some(BlockId::from(Hash::of("natcoin/sim/test", &[b"a block"])));
    let key = validator(2);
    let mut published = judge(&world, 0);
    published.published(2, NOW, Topic::Votes, &gossip(0, &prevote(&key, None)));
    assert_eq!(published.violation(), None);
    published.published(2, NOW, Topic::Votes, &gossip(1, &prevote(&key, None)));
    assert_eq!(published.violation(), None);
    published.published(2, NOW, Topic::Votes, &gossip(0, &prevote(&key, block)));
    assert_violated(&published, Invariant::NoDoubleSignature, "another Prevote");

    let reply = |block| MissingReply {
        tip: 0,
        said: vec![prevote(&key, block)],
    };
    let mut answered = judge(&world, 0);
    answered.published(2, NOW, Topic::Votes, &gossip(0, &prevote(&key, None)));
    answered.answered(1, NOW, Service::Agreement, &reply(None).to_bytes());
    assert_eq!(answered.violation(), None);
    answered.answered(1, NOW, Service::Agreement, &reply(block).to_bytes());
    assert_violated(&answered, Invariant::NoDoubleSignature, "node 1");

    let mut expected = judge(&world, 0);
    expected.distrust(key.address());
    expected.published(2, NOW, Topic::Votes, &gossip(0, &prevote(&key, None)));
    expected.published(2, NOW, Topic::Votes, &gossip(0, &prevote(&key, block)));
    assert_eq!(expected.violation(), None);
}

#[test]
fn what_cannot_be_read_or_is_too_long_is_bad_manners() {
    let world = town(0);
    let mut unread = judge(&world, 0);
    unread.published(1, NOW, Topic::Votes, b"....nonsense");
    assert_violated(&unread, Invariant::Manners, "cannot be understood");
    let mut long = judge(&world, 0);
    let data = vec![0; Topic::Votes.max_bytes() + 1];
    long.published(1, NOW, Topic::Votes, &data);
    assert_violated(&long, Invariant::Manners, "are allowed");
    let mut empty = judge(&world, 0);
    empty.published(1, NOW, Topic::Transactions, &gossip(0, &Batch(Vec::new())));
    assert_violated(&empty, Invariant::Manners, "empty");
}

#[test]
fn a_wallet_that_shows_what_is_not_so_is_seen() {
    let world = town(1);
    let payment = payment(&world, 9, 9);
    let mut final_too_soon = judge(&world, 1);
    final_too_soon.shown_final(0, NOW, payment.id(), 1);
    assert_violated(&final_too_soon, Invariant::ShownIsTrue, "shows");
    let mut denied = judge(&world, 1);
    let done = record(&world, 1).block.transactions[0].id();
    denied.shown_otherwise(0, NOW, done);
    assert_violated(&denied, Invariant::ShownIsTrue, "never be final");
    let mut stale = judge(&world, 1);
    stale.believed(0, NOW, (5, 1), None);
    assert_violated(&stale, Invariant::ShownIsTrue, "after 5");
    let mut false_balance = judge(&world, 1);
    let mut account = world.replica(0).ledger().account(&address(1)).unwrap();
    account.balance = nits(1);
    false_balance.believed(0, NOW, (0, 1), Some(&(address(1), Some(account))));
    assert_violated(&false_balance, Invariant::ShownIsTrue, "believes");
}
