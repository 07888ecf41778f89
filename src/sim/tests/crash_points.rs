//! The power fails before every effect of every node, and of what was not synced survives whatever may.
//!
//! A short course: two payments, one after the other, in networks of one to four. At each point where a node could stop,
//! it does, in sixteen ways; then it starts again, and all must become final, once, with every node voting. Small
//! networks are quick, and run it under several seeds. With the crashes of agreement alone (`consensus/tests/crashes.rs`)
//! these are more than 16,000.

use std::ops::Range;
use std::time::Duration;

use crate::sim::World;
use crate::store::Survival;

/// Payments of a course.
const PAYMENTS: u64 = 2;

/// The ways in which unsynced writes survive; torn ones differ by their seeds.
fn survivals(point: u64) -> impl Iterator<Item = Survival> {
    let simple = [Survival::Nothing, Survival::Everything, Survival::Newest];
    let writes = (0..5).map(move |seed| Survival::Writes(point * 8 + seed));
    let sectors = (0..8).map(move |seed| Survival::Sectors(point * 8 + seed));
    simple.into_iter().chain(writes).chain(sectors)
}

/// One course with one crash; tells whether it came to that.
fn course(validators: u8, victim: usize, (seed, point): (u64, u64), survival: Survival) -> bool {
    let mut world = World::town(validators, 0, 1000 * seed + point);
    world.nodes[victim].fate.crash_in = Some((point, survival));
    for nonce in 0..PAYMENTS {
        let payment = world.payment(1, nonce, 100, 2);
        let id = payment.id();
        let end = world.now() + Duration::from_secs(60);
        let mut turn = victim;
        while !world.is_final(&id) {
            assert!(world.now() < end, "payment {nonce} is not final");
            restart(&mut world, victim);
            world.submit(turn % world.nodes.len(), &payment);
            turn += 1;
            world.run_until(Duration::from_millis(400), |world| {
                world.is_final(&id) || world.nodes[victim].live.is_none()
            });
        }
    }
    restart(&mut world, victim);
    let has_crashed = world.nodes[victim].fate.crash_in.take().is_none();
    world.wait_in_step(PAYMENTS);
    assert_eq!(world.judge.finals.len() as u64, PAYMENTS);
    let is_voting = |node| world.replica(node).status().is_voting;
    assert!((0..world.nodes.len()).all(is_voting), "one does not vote");
    has_crashed
}

fn restart(world: &mut World, node: usize) {
    if world.nodes[node].live.is_none() {
        world.start(node).unwrap();
    }
}

/// Every point of these nodes' courses under these seeds. There must be so many crashes at least.
fn every_point(validators: u8, victims: Range<usize>, seeds: Range<u64>, least: u64) {
    let mut crashes = 0;
    for (victim, seed) in victims.flat_map(|victim| seeds.clone().map(move |seed| (victim, seed))) {
        for point in 0.. {
            let ways = survivals(point);
            let is_hit = |survival| course(validators, victim, (seed, point), survival);
            let hits = ways.filter(|survival| is_hit(*survival)).count();
            crashes += hits;
            if hits == 0 {
                break;
            }
        }
    }
    assert!(crashes as u64 >= least, "{crashes} crashes, not {least}");
}

#[test]
fn a_single_validator_stands_a_crash_at_every_effect() {
    every_point(1, 0..1, 0..12, 6_700);
}

#[test]
fn one_of_two_validators_stands_a_crash_at_every_effect() {
    every_point(2, 0..1, 0..2, 1_200);
}

#[test]
fn the_other_of_two_validators_stands_a_crash_at_every_effect() {
    every_point(2, 1..2, 0..2, 1_200);
}

#[test]
fn each_of_three_validators_stands_a_crash_at_every_effect() {
    every_point(3, 0..3, 0..1, 1_900);
}

#[test]
fn half_of_four_validators_stand_a_crash_at_every_effect() {
    every_point(4, 0..2, 0..1, 1_500);
}

#[test]
fn the_other_half_of_four_validators_stand_a_crash_at_every_effect() {
    every_point(4, 2..4, 0..1, 1_500);
}
