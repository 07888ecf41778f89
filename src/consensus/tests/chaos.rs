//! Everything at once, by seeds: loss, delay, duplicates, partitions, crashes, liars, copied keys. And the
//! proof that the world sees what it is for: each law of the engine that is left out is caught.

use super::for_seeds;
use super::host::Tail;
use super::plan::{MS, Plan, Rng, SECOND};
use super::world::World;
use crate::consensus::Evidence;
use crate::mutation::Mutation::{BodiesCleared, FlushOff, GuardUnread, LogOff, ReplaySkipped};
use crate::mutation::with;

/// The faults end here; a seed that has not gone on a minute later has lost its liveness.
const FAULTS: u64 = 5 * SECOND;

fn plan(seed: u64) -> Plan {
    let mut rng = Rng(seed);
    Plan {
        seed,
        drop: rng.pick(&[0, 5, 15, 30]),
        duplicate: 5,
        max_delay: rng.pick(&[2 * MS, 50 * MS, 400 * MS]),
        faults_until: FAULTS,
        max_rest: SECOND,
        tail: rng.pick(&[Tail::Lost, Tail::Torn]),
        ..Plan::calm(4)
    }
}

/// Partitions and crashes, as the seed has it.
fn disturbed(plan: Plan) -> World {
    let mut world = World::started(plan);
    let mut rng = Rng(plan.seed ^ 0xD157);
    let nodes = world.nodes.len() as u64;
    if rng.below(2) == 0 {
        let mut time = 200 * MS + rng.below(SECOND);
        while time < FAULTS {
            world.cut_at(time, u32::try_from(rng.below(1 << nodes)).unwrap());
            time += 100 * MS + rng.below(2 * SECOND);
            world.cut_at(time.min(FAULTS), 0);
            time += 200 * MS + rng.below(SECOND);
        }
    }
    for _ in 0..rng.below(12) {
        let node = usize::try_from(rng.below(nodes)).unwrap();
        let effects = u32::try_from(rng.below(30)).unwrap();
        world.crash_at(rng.below(FAULTS), node, effects);
    }
    world
}

fn chaos(plan: Plan) -> World {
    let mut world = disturbed(plan);
    world.run_until(FAULTS, |_| false);
    let reached = world.highest_tip();
    world.expect_height(reached + 2, FAULTS + 60 * SECOND);
    world
}

#[test]
fn three_hundred_seeds_of_chaos_stay_safe_and_go_on_after_it() {
    for_seeds(0..300, |seed| chaos(plan(seed)));
}

#[test]
fn an_equivocating_validator_neither_forks_nor_stops_the_others() {
    for_seeds(0..40, |seed| {
        let plan = Plan {
            has_liar: true,
            ..plan(seed)
        };
        chaos(plan)
    });
}

#[test]
fn a_copied_validator_key_is_safe_and_live_and_shows_in_the_evidence() {
    for_seeds(0..60, |seed| {
        let mut rng = Rng(seed);
        let plan = Plan {
            drop: rng.pick(&[0, 10]),
            max_delay: rng.pick(&[2 * MS, 50 * MS, 200 * MS]),
            faults_until: 3 * SECOND,
            max_rest: 2 * MS,
            has_twin: true,
            seed,
            ..Plan::calm(4)
        };
        let mut world = World::started(plan);
        world.run_until(30 * SECOND, |world| world.evidence().next().is_some());
        world.expect_height(12, 60 * SECOND);
        let twin = world.nodes[4].key.address();
        let mut accused: Vec<_> = world
            .evidence()
            .map(|evidence| match evidence {
                Evidence::Votes(first, second) => {
                    assert_ne!(first.block, second.block);
                    (first.voter, second.voter)
                }
                Evidence::Proposals(first, second) => (first.proposer, second.proposer),
            })
            .collect();
        accused.dedup();
        if accused != [(twin, twin)] {
            world.watch.breach(format!("accused: {accused:?}"));
        }
        world
    });
}

/// How many of the first seeds the world finds fault with.
fn caught() -> usize {
    (0..24)
        .filter(|seed| chaos(plan(*seed)).watch.first_breach().is_some())
        .count()
}

#[test]
fn an_engine_that_publishes_before_it_flushes_is_caught() {
    assert!(with(FlushOff, || with(GuardUnread, caught)) >= 3);
}

#[test]
fn an_engine_without_a_log_is_caught() {
    assert!(with(LogOff, || with(GuardUnread, caught)) >= 3);
}

#[test]
fn an_engine_that_answers_before_its_log_is_replayed_is_caught() {
    assert!(with(ReplaySkipped, caught) >= 3);
}

#[test]
fn an_engine_that_lets_go_of_the_blocks_of_its_log_is_caught() {
    assert!(with(BodiesCleared, caught) >= 1);
}

#[test]
fn without_a_log_the_guard_alone_still_keeps_all_seeds_safe_but_not_live() {
    let mut halted = 0;
    for seed in 0..24 {
        let world = with(LogOff, || chaos(plan(seed)));
        if let Some(breach) = world.watch.first_breach() {
            assert!(breach.starts_with("no progress"), "seed {seed}: {breach}");
            halted += 1;
        }
    }
    assert!(halted > 0, "a lost log has to cost liveness somewhere");
}
