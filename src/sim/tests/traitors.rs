//! Malicious validators: as many as may be do their worst, and nobody honest is harmed or blamed.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use rand::RngExt as _;

use super::seeds;
use super::town::genesis;
use crate::behaviour::Topic;
use crate::chain::key::SecretKey;
use crate::chain::testing::network::validator;
use crate::chain::transaction::TransactionId;
use crate::replica::wire::{Batch, gossip};
use crate::sim::people;
use crate::sim::{
    Cast, Delay, Habit, Invariant, Manners, Plan, Profile, Recruits, Tally, Violation, World,
    simulate,
};

/// How often people act.
const STEP: Duration = Duration::from_millis(100);
/// How soon all must be final, and all in step, on a good network.
const RECOVERY: Duration = Duration::from_secs(60);

/// Payments that people hand in, again and again until they are final.
#[derive(Default)]
struct Payments {
    /// By person: the next nonce, and what is not final yet.
    open: BTreeMap<u8, TransactionId>,
    nonces: BTreeMap<u8, u64>,
}

impl Payments {
    /// Everybody who waits for nothing pays; who waits hands it in again somewhere.
    fn act(&mut self, world: &mut World, may_begin: bool) {
        for person in 1..=4u8 {
            let nonce = self.nonces.entry(person).or_default();
            if let Some(id) = self.open.get(&person)
                && world.is_final(id)
            {
                self.open.remove(&person);
                *nonce += 1;
            }
            if !may_begin && !self.open.contains_key(&person) {
                continue;
            }
            let payment = world.payment(person, *nonce, 100, person % 4 + 1);
            self.open.insert(person, payment.id());
            let node = world.random.random_range(0..world.nodes.len());
            if world.random.random_range(0..3) == 0 {
                world.submit(node, &payment);
            }
        }
    }
}

/// Payments on a bad network, then on a good one; the traitors go on. In the end all is final and in step.
fn course(world: &mut World, rough: Duration) -> Result<Tally, Violation> {
    let manners = world.net.manners.clone();
    let most = world.random.random_range(2..200);
    world.net.manners.delay = Delay::Between(Duration::from_millis(1), Duration::from_millis(most));
    world.net.manners.lost = world.random.random_range(0..100);
    world.net.manners.lost_calls = world.net.manners.lost / 2;
    let mut payments = Payments::default();
    let end = world.now() + rough;
    while world.now() < end {
        payments.act(world, true);
        world.advance(STEP, |_| false)?;
    }
    world.net.manners = manners;
    all_is_final(world, payments)
}

/// In the end all is final and in step, and nobody honest was blamed.
fn all_is_final(world: &mut World, mut payments: Payments) -> Result<Tally, Violation> {
    let end = world.now() + RECOVERY;
    while !payments.open.is_empty() && world.now() < end {
        payments.act(world, false);
        world.advance(STEP, |_| false)?;
    }
    assert!(payments.open.is_empty(), "not final: {}", world.state());
    let is_in_step = world.advance(RECOVERY, World::is_in_step)?;
    assert!(is_in_step, "{}", world.state());
    assert_eq!(world.seen.wronged, Vec::new());
    Ok(world.count().clone())
}

/// Four validators, one of them a traitor with this habit: harmless in all seeds. What was bent in them.
fn harmless(habits: &[Habit], usual: Range<u64>) -> Tally {
    let mut sum = Tally::default();
    for seed in seeds(usual) {
        let mut world = World::town(4, 0, seed);
        let traitor = world.random.random_range(0..4);
        world.corrupt(traitor, habits.iter().copied());
        match course(&mut world, Duration::from_secs(3)) {
            Ok(tally) => sum.add(&tally),
            Err(violation) => panic!("{habits:?}, seed {seed}: {violation}"),
        }
    }
    sum
}

/// That each of these happened.
fn happened(tally: &Tally, faults: &[&str]) {
    for fault in faults {
        let is_there = tally.faults.contains_key(fault) || tally.noticed.contains_key(fault);
        assert!(is_there, "no {fault}: {tally:?}");
    }
}

#[test]
fn two_proposals_for_one_turn_are_harmless_and_leave_evidence() {
    let tally = harmless(&[Habit::DoubleProposal], 0..5);
    happened(&tally, &["double proposal", "evidence kept"]);
}

#[test]
fn two_votes_for_one_place_are_harmless_and_leave_evidence() {
    let tally = harmless(&[Habit::DoubleVote], 0..2);
    happened(&tally, &["double vote", "evidence kept"]);
}

#[test]
fn two_proposals_with_votes_for_both_are_harmless() {
    let tally = harmless(&[Habit::DoubleProposal, Habit::DoubleVote], 0..2);
    happened(&tally, &["double proposal", "double vote", "evidence kept"]);
}

#[test]
fn a_silent_validator_is_harmless() {
    let tally = harmless(&[Habit::Silence], 0..2);
    happened(&tally, &["silence", "no answer"]);
}

#[test]
fn a_validator_that_is_silent_to_some_is_harmless() {
    let tally = harmless(&[Habit::Shunning], 0..2);
    happened(&tally, &["silence to some"]);
}

#[test]
fn a_validator_that_keeps_its_votes_is_harmless() {
    let tally = harmless(&[Habit::VotesKept], 0..2);
    happened(&tally, &["vote kept back"]);
}

#[test]
fn a_validator_that_withholds_blocks_is_harmless() {
    let tally = harmless(&[Habit::Withholding], 0..2);
    happened(&tally, &["withheld body", "withheld answer"]);
}

#[test]
fn a_validator_that_lies_about_the_chain_is_harmless() {
    let tally = harmless(&[Habit::FalseChain], 0..2);
    happened(&tally, &["false height", "false answer about blocks"]);
}

#[test]
fn a_validator_that_censors_payments_is_harmless() {
    let tally = harmless(&[Habit::Censorship], 0..2);
    happened(&tally, &["censored payment"]);
}

#[test]
fn a_flood_of_votes_and_proposals_is_harmless() {
    let tally = harmless(&[Habit::Flood], 0..2);
    happened(&tally, &["flood"]);
}

#[test]
fn forgeries_and_replays_are_harmless_and_only_forgers_are_blamed() {
    let tally = harmless(&[Habit::Forgery], 0..3);
    happened(
        &tally,
        &["forged vote", "old message replayed", "traitor blamed"],
    );
}

#[test]
fn a_validator_that_forgets_what_it_signed_is_harmless() {
    let tally = harmless(&[Habit::Amnesia], 0..2);
    happened(&tally, &["amnesia"]);
}

#[test]
fn a_key_that_runs_twice_is_harmless_in_a_hundred_seeds() {
    let mut sum = Tally::default();
    for seed in seeds(0..100) {
        let mut world = town_of_twins(seed);
        match course(&mut world, Duration::from_millis(700)) {
            Ok(tally) => sum.add(&tally),
            Err(violation) => panic!("seed {seed}: {violation}"),
        }
    }
    happened(&sum, &["twins parted", "evidence kept"]);
}

/// Four validators, of which one's key runs on two nodes.
fn town_of_twins(seed: u64) -> World {
    let keys: Vec<SecretKey> = (0..4).map(validator).collect();
    let mut cast = Cast {
        genesis: genesis(4),
        keys,
    };
    let mut recruits = Recruits::default();
    recruits.twin(usize::try_from(seed % 4).unwrap(), &mut cast);
    let manners = Manners::good(Duration::from_millis(1), Duration::from_millis(4));
    let mut world = World::new(cast, manners, seed, None);
    recruits.corrupt(&mut world);
    for node in 0..world.nodes.len() {
        world.start(node).unwrap();
    }
    world
}

#[test]
fn one_traitor_too_many_can_fork_the_chain_and_the_judge_sees_it() {
    let is_forked = |seed| {
        let mut world = World::town(4, 0, seed);
        for traitor in [1, 3] {
            world.corrupt(traitor, [Habit::DoubleProposal, Habit::DoubleVote]);
        }
        let mut payments = Payments::default();
        for _ in 0..50 {
            payments.act(&mut world, true);
            if let Err(violation) = world.advance(STEP, |_| false) {
                assert_eq!(violation.invariant, Invariant::Agreement, "{violation}");
                return true;
            }
        }
        false
    };
    let found = seeds(0..20).find(|seed| is_forked(*seed));
    assert!(found.is_some(), "no fork in any seed");
}

#[test]
fn who_passes_a_batch_on_is_never_blamed_for_a_forgery_in_it() {
    let mut world = World::town(4, 0, 1);
    let (known, used) = (world.payment(1, 0, 100, 2), world.payment(2, 0, 100, 3));
    world.pay_and_wait(0, &used);
    // It waits at the first node, and the others have not heard of it.
    world.net.manners.lost = 1000;
    world.submit(0, &known);
    world.net.manners.lost = 0;
    let mut forged = known;
    forged.signature.0[9] ^= 1;
    let good = world.payment(3, 0, 100, 4);
    let batch = gossip(0, &Batch(vec![forged, good]));
    world.hear(0, Topic::Transactions, batch);
    world.run_for(Duration::from_millis(500));
    let is_by_others = |(by, ..): &&(usize, usize, String)| *by != 0;
    let wronged = world.seen.wronged.iter().filter(is_by_others);
    assert_eq!(wronged.count(), 0, "{:?}", world.seen.wronged);
    assert_eq!(world.seen.rejects, 1, "the first node has seen it");
}

#[test]
fn wallets_believe_nothing_false_of_what_a_validator_tells_them() {
    let mut sum = Tally::default();
    for seed in seeds(0..3) {
        let plan = Plan {
            nodes: 4,
            followers: 0,
            wallets: 6,
            profile: Profile::Lan,
            duration: Duration::from_secs(6),
        };
        let cast = people::cast(plan.nodes, plan.followers, plan.wallets).unwrap();
        let manners = Manners::good(Duration::from_millis(1), Duration::from_millis(20));
        let mut world = World::new(cast, manners, seed, None);
        world.corrupt(usize::try_from(seed % 4).unwrap(), [Habit::FalseWindow]);
        for node in 0..4 {
            world.must_start(node);
        }
        world.settle(&plan);
        world.run_for(plan.duration);
        let is_done = |world: &World| world.wallets_are_done() && world.is_in_step();
        assert!(world.run_until(RECOVERY, is_done), "seed {seed}");
        world.audit();
        assert!(world.run_until(RECOVERY, World::is_audited), "seed {seed}");
        assert_eq!(world.seen.wronged, Vec::new());
        sum.add(world.count());
    }
    happened(&sum, &["false answer to a wallet", "false frame"]);
    assert!(sum.payments["final"] > 0, "{:?}", sum.payments);
}

#[test]
fn traitors_with_mixed_habits_are_harmless() {
    let mut sum = Tally::default();
    for seed in seeds(0..10) {
        let plan = Plan {
            nodes: [4, 4, 4, 5, 7][usize::try_from(seed % 5).unwrap()],
            followers: u32::from(seed.is_multiple_of(3)),
            wallets: 6,
            profile: Profile::Byzantine,
            duration: Duration::from_secs(6),
        };
        let outcome = simulate(&plan, seed, None);
        assert_eq!(outcome.violation, None, "seed {seed}");
        sum.add(&outcome.tally);
    }
    happened(&sum, &["traitor blamed", "evidence kept"]);
}
