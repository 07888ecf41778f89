//! Vouchers in a town whose judge keeps its own book: through crashes, checkpoints and floods of claims.

use std::time::Duration;

use super::town::{DAWN_MS, transaction};
use crate::chain::query::Query;
use crate::chain::rules::Rejection;
use crate::chain::testing::network::{address, key, nits};
use crate::chain::transaction::{Operation, SignedTransaction};
use crate::chain::voucher::ClaimWords;
use crate::mutation::{self, Mutation};
use crate::replica::CheckpointPace;
use crate::replica::wire::SubmitReply;
use crate::sim::World;
use crate::store::Survival;

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// Person 1 opens the voucher of this number.
fn open(world: &World, number: u8, nonce: u64, share: u64, count: u16) -> SignedTransaction {
    let operation = Operation::OpenVoucher {
        voucher: key(200 + number).public(),
        share: nits(share),
        count,
        until_ms: DAWN_MS + DAY_MS,
        memo: Default::default(),
    };
    transaction(&world.genesis, 1, nonce, operation)
}

fn claim_with(
    world: &World,
    opening: &SignedTransaction,
    (person, nonce): (u8, u64),
    secret: u8,
) -> SignedTransaction {
    let Operation::OpenVoucher { voucher, share, .. } = opening.transaction.operation else {
        panic!("an opening");
    };
    let words = ClaimWords {
        genesis: world.genesis.hash(),
        voucher,
        opening: opening.id(),
        claimer: address(person),
    };
    let operation = Operation::ClaimVoucher {
        voucher,
        opener: opening.transaction.sender,
        opening: opening.id(),
        share,
        proof: words.sign(&key(secret)),
    };
    transaction(&world.genesis, person, nonce, operation)
}

fn claim(world: &World, opening: &SignedTransaction, person: u8, number: u8) -> SignedTransaction {
    claim_with(world, opening, (person, 0), 200 + number)
}

fn reclaim(world: &World, number: u8, nonce: u64, amount: u64) -> SignedTransaction {
    let (voucher, amount) = (key(200 + number).public(), nits(amount));
    transaction(
        &world.genesis,
        1,
        nonce,
        Operation::ReclaimVoucher { voucher, amount },
    )
}

fn waiting(world: &World, node: usize) -> u32 {
    world.replica(node).status().waiting
}

#[test]
fn vouchers_outlive_crashes_and_checkpoints_and_the_judge_agrees_with_every_nit() {
    let mut world = World::town(4, 1, 7);
    for node in 0..world.nodes.len() {
        world.nodes[node].pace = CheckpointPace {
            blocks: 2,
            ..CheckpointPace::default()
        };
        world.crash(node, Survival::Nothing);
        world.start(node).unwrap();
    }
    world.run_for(Duration::from_millis(300));
    let first = open(&world, 1, 0, 1_000, 3);
    let second = open(&world, 2, 1, 500, 2);
    world.pay_and_wait(0, &first);
    world.pay_and_wait(1, &second);
    for (turn, (opening, person, number)) in [
        (&first, 20, 1),
        (&second, 20, 2),
        (&first, 21, 1),
        (&second, 2, 2),
    ]
    .into_iter()
    .enumerate()
    {
        // Whoever has claimed before has an account with a nonce.
        let nonce = u64::from((number, person) == (2, 20));
        let claim = claim_with(&world, opening, (person, nonce), 200 + number);
        let node = turn % 4;
        world.pay_and_wait(node, &claim);
        // The power fails on another one; what it has of the checkpoint and the log must do.
        let victim = (node + 1) % 4;
        world.crash(victim, Survival::Nothing);
        world.start(victim).unwrap();
        world.run_for(Duration::from_millis(300));
    }
    world.pay_and_wait(2, &reclaim(&world, 1, 2, 1_000));
    world.wait_in_step(7);
    for node in 0..world.nodes.len() {
        let ledger = world.replica(node).ledger();
        assert_eq!(ledger.voucher_keys().count(), 0);
        assert_eq!(
            ledger.account(&address(20)).unwrap().balance,
            nits(998 + 498)
        );
    }
    let gone = Query::Voucher(key(201).public());
    let answer = world.query(0, &gone).into_voucher().unwrap();
    assert_eq!(answer.voucher, None);
}

#[test]
fn a_flood_of_claims_by_accounts_that_cost_nothing_keeps_nobody_out() {
    let mut world = World::town(4, 0, 8);
    let opening = open(&world, 1, 0, 1_000, 2);
    world.pay_and_wait(0, &opening);
    world.wait_in_step(1);
    // Whoever has the code makes as many claims as they like: no more wait than can ever be taken.
    let claims: Vec<SignedTransaction> = (20..90)
        .map(|person| claim(&world, &opening, person, 1))
        .collect();
    let mut replies = Vec::new();
    for claim in &claims {
        replies.extend(world.submit(0, claim));
        assert!(waiting(&world, 0) <= 2);
    }
    assert!(replies.contains(&SubmitReply::Busy), "{replies:?}");
    // One that waits for an earlier transaction would keep a place for nothing.
    let early = claim_with(&world, &opening, (3, 1), 201);
    let ahead = SubmitReply::Rejected(Rejection::NonceAhead { given: 1, next: 0 });
    assert_eq!(world.submit(2, &early), Some(ahead));
    let own = world.payment(2, 0, 5, 3);
    world.pay_and_wait(0, &own);
    let is_over = |world: &World| world.replica(0).ledger().voucher_keys().count() == 0;
    assert!(world.run_until(Duration::from_secs(20), is_over));
    world.run_for(Duration::from_secs(2));
    for node in 0..4 {
        assert_eq!(waiting(&world, node), 0, "node {node}");
    }
    let voucher = key(201).public();
    let late = claim(&world, &opening, 95, 1);
    let gone = SubmitReply::Rejected(Rejection::NoVoucher { voucher });
    assert_eq!(world.submit(1, &late), Some(gone));
}

#[test]
fn a_claim_without_the_secret_is_taken_by_nobody() {
    let mut world = World::town(4, 0, 9);
    let opening = open(&world, 1, 0, 1_000, 1);
    world.pay_and_wait(0, &opening);
    world.wait_in_step(1);
    let bad = Some(SubmitReply::Rejected(Rejection::BadSignature));
    let forged = claim_with(&world, &opening, (30, 0), 77);
    assert_eq!(world.submit(0, &forged), bad);
    // A claim that was seen on its way, by somebody who would rather have it themselves.
    let honest = claim(&world, &opening, 31, 1);
    let stolen = transaction(&world.genesis, 32, 0, honest.transaction.operation.clone());
    assert_eq!(world.submit(1, &stolen), bad);
    world.pay_and_wait(2, &honest);
    let balance = world
        .replica(2)
        .ledger()
        .account(&address(31))
        .unwrap()
        .balance;
    assert_eq!(balance, nits(998));
}

#[test]
fn a_claim_that_nobody_proves_is_noticed() {
    mutation::assert_noticed(&[(
        Mutation::ClaimUnproven,
        a_claim_without_the_secret_is_taken_by_nobody,
    )]);
}
