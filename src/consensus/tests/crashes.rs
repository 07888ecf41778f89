//! Power is lost at every effect in turn; and stores come back from old backups.

use super::host::Tail;
use super::plan::{MS, Plan, SECOND};
use super::world::World;
use crate::mutation::{self, Mutation};

/// Effects tried: about five heights.
const POINTS: u32 = 150;

fn plan(count: usize, seed: u32, tail: Tail) -> Plan {
    Plan {
        seed: u64::from(seed),
        max_rest: 100 * MS,
        max_down: 20 * MS,
        tail,
        ..Plan::calm(count)
    }
}

/// Runs until a node has lost power after so many effects and come back.
fn crash_at_point(world: &mut World, node: usize, point: u32) {
    let life = world.nodes[node].life;
    world.crash_at(world.now, node, point);
    let limit = world.now + 60 * SECOND;
    if !world.run_until(limit, |world| world.nodes[node].life > life) {
        world.watch.breach("the crash never came".to_owned());
    }
}

fn goes_on(world: &mut World) -> Option<String> {
    let reached = world.highest_tip();
    world.expect_height(reached + 2, world.now + 60 * SECOND);
    world.watch.first_breach().map(str::to_owned)
}

fn every_point(count: usize, tail: Tail) {
    let mut bad = Vec::new();
    for node in 0..count {
        for point in 0..POINTS {
            let mut world = World::started(plan(count, point, tail));
            crash_at_point(&mut world, node, point);
            if let Some(breach) = goes_on(&mut world) {
                bad.push(format!("node {node}, effect {point}: {breach}"));
            }
        }
    }
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

#[test]
fn one_validator_survives_a_crash_at_every_effect_that_loses_the_tail() {
    every_point(1, Tail::Lost);
}

#[test]
fn one_validator_survives_a_crash_at_every_effect_that_tears_the_tail() {
    every_point(1, Tail::Torn);
}

#[test]
fn three_validators_survive_a_crash_at_every_effect_that_loses_the_tail() {
    every_point(3, Tail::Lost);
}

#[test]
fn three_validators_survive_a_crash_at_every_effect_that_tears_the_tail() {
    every_point(3, Tail::Torn);
}

#[test]
fn four_validators_survive_a_crash_at_every_effect_that_loses_the_tail() {
    every_point(4, Tail::Lost);
}

#[test]
fn four_validators_survive_a_crash_at_every_effect_that_tears_the_tail() {
    every_point(4, Tail::Torn);
}

#[test]
fn a_second_crash_during_the_recovery_from_the_first_is_survived() {
    let mut bad = Vec::new();
    for (count, step) in [(1, 1), (3, 5)] {
        for first in (0..40).step_by(step) {
            for second in (0..30).step_by(step) {
                let seed = first * 100 + second;
                let mut world = World::started(plan(count, seed, Tail::Torn));
                crash_at_point(&mut world, 0, first);
                crash_at_point(&mut world, 0, second);
                if let Some(breach) = goes_on(&mut world) {
                    bad.push(format!(
                        "{count} nodes, effects {first}, {second}: {breach}"
                    ));
                }
            }
        }
    }
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

/// A node loses power and its log, and comes back with its blocks and (perhaps) its guard.
fn run_with_lost_log(node: usize, point: u32) -> World {
    let mut world = World::started(plan(4, point, Tail::Lost));
    world.crash_at(0, node, point);
    world.run_until(60 * SECOND, |world| world.nodes[node].engine.is_none());
    world.nodes[node].disk.log.clear();
    let guarded = world.nodes[node].disk.guard.map_or(0, |mark| mark.height);
    let reached = world.highest_tip();
    let has_voted_again = |world: &World| {
        let engine = world.nodes[node].engine.as_ref();
        engine.is_some_and(|engine| {
            engine.is_started() && engine.is_voting() && engine.height() <= guarded
        })
    };
    let limit = world.now + 60 * SECOND;
    while !mutation::is_any_on() && world.now < limit && world.lowest_tip() < reached + 3 {
        let next = world.now + MS;
        world.run_until(next, |_| false);
        if has_voted_again(&world) {
            world.watch.breach("votes behind its guard".to_owned());
        }
        if world.watch.first_breach().is_some() {
            return world;
        }
    }
    world.expect_height(reached + 3, limit);
    world
}

#[test]
fn a_lost_log_makes_a_node_follow_without_voting_until_the_height_is_over() {
    for node in 0..4 {
        for point in (0..POINTS).step_by(3) {
            let world = run_with_lost_log(node, point);
            assert_eq!(
                world.watch.first_breach(),
                None,
                "node {node}, effect {point}"
            );
        }
    }
}

#[test]
fn without_the_guard_a_lost_log_is_caught_as_a_double_signature() {
    let caught = (0..POINTS)
        .step_by(3)
        .filter(|point| {
            let lost = || run_with_lost_log(0, *point);
            let world = mutation::with(Mutation::GuardUnread, lost);
            let breach = world.watch.first_breach().unwrap_or_default();
            breach.starts_with("double signature")
        })
        .count();
    assert!(caught > 0);
}

#[test]
fn a_store_from_an_old_backup_follows_and_votes_again_only_beyond_its_guard() {
    for node in 0..4 {
        let mut world = World::started(plan(4, 7, Tail::Lost));
        world.expect_height(3, 60 * SECOND);
        let mut backup = world.nodes[node].disk.clone();
        world.expect_height(9, 60 * SECOND);
        world.crash_at(world.now, node, 11);
        world.run_until(60 * SECOND, |world| world.nodes[node].engine.is_none());
        backup.guard = world.nodes[node].disk.guard;
        backup.tail.clear();
        let guarded = backup.guard.unwrap().height;
        world.nodes[node].disk = backup;

        let limit = world.now + 60 * SECOND;
        let mut has_followed = false;
        let mut has_voted = false;
        while !has_voted && world.now < limit {
            let next = world.now + MS / 4;
            world.run_until(next, |_| false);
            let Some(engine) = &world.nodes[node].engine else {
                continue;
            };
            if engine.is_started() {
                assert_eq!(engine.is_voting(), engine.height() > guarded);
                has_followed |= !engine.is_voting();
                has_voted |= engine.is_voting();
            }
        }
        assert!(has_followed, "it began at an old height");
        assert!(has_voted, "it votes again in the end");
        assert_eq!(goes_on(&mut world), None);
    }
}
