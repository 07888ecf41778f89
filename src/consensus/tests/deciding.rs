//! Networks without malice decide, halt safely when too few are up, and resume by themselves.

use super::host::Tail;
use super::plan::{FOR_EVER, MS, Plan, SECOND};
use super::world::World;

fn sound(world: &World) {
    assert_eq!(world.watch.first_breach(), None);
}

#[test]
fn networks_of_one_to_seven_decide() {
    for count in [1, 2, 3, 4, 7] {
        let mut world = World::started(Plan::calm(count));
        world.expect_height(12, 5 * SECOND);
        sound(&world);
    }
}

#[test]
fn a_run_follows_from_its_seed_alone() {
    let run = |seed| {
        let plan = Plan {
            seed,
            drop: 15,
            duplicate: 5,
            max_delay: 50 * MS,
            faults_until: 2 * SECOND,
            ..Plan::calm(4)
        };
        let mut world = World::started(plan);
        world.crash_at(300 * MS, 1, 9);
        world.expect_height(8, 60 * SECOND);
        sound(&world);
        (world.watch.trace, world.now)
    };
    assert_eq!(run(5), run(5));
    assert_ne!(run(5), run(6));
}

#[test]
fn three_of_four_go_on_and_the_fourth_catches_up_by_certificates() {
    let mut world = World::new(Plan::calm(4));
    for node in 0..3 {
        world.boot(node);
    }
    world.expect_height(9, 30 * SECOND);
    world.boot(3);
    let reached = world.highest_tip();
    world.expect_height(reached + 5, world.now + 20 * SECOND);
    sound(&world);
}

#[test]
fn five_of_seven_go_on() {
    let mut world = World::new(Plan::calm(7));
    for node in 2..7 {
        world.boot(node);
    }
    world.expect_height(10, 60 * SECOND);
    sound(&world);
}

#[test]
fn two_of_four_halt_safely_and_resume_by_themselves() {
    let mut world = World::new(Plan::calm(4));
    world.boot(1);
    world.boot(2);
    assert!(!world.run_until(60 * SECOND, |world| world.highest_tip() > 0));
    sound(&world);
    world.boot(0);
    world.expect_height(10, world.now + 30 * SECOND);
    sound(&world);
}

#[test]
fn a_cut_through_the_middle_halts_both_halves_until_it_heals() {
    let mut world = World::started(Plan::calm(4));
    world.cut_at(100 * MS, 0b0011);
    world.run_until(SECOND, |_| false);
    let halted_at = world.highest_tip();
    world.run_until(50 * SECOND, |_| false);
    assert_eq!(world.highest_tip(), halted_at, "half decided alone");
    world.cut_at(50 * SECOND, 0);
    world.expect_height(halted_at + 10, 90 * SECOND);
    sound(&world);
}

#[test]
fn all_nodes_may_lose_power_at_once() {
    for tail in [Tail::Lost, Tail::Torn] {
        let plan = Plan {
            tail,
            max_rest: 300 * MS,
            ..Plan::calm(4)
        };
        let mut world = World::started(plan);
        for round in 1..6 {
            world.run_until(round * 4 * SECOND, |_| false);
            for node in 0..4 {
                world.crash_at(world.now, node, 3);
            }
        }
        let reached = world.highest_tip();
        world.expect_height(reached + 5, world.now + 30 * SECOND);
        sound(&world);
    }
}

#[test]
fn a_network_rests_until_one_has_reason_to_begin_and_then_all_follow() {
    let plan = Plan {
        max_rest: FOR_EVER,
        ..Plan::calm(4)
    };
    let mut world = World::started(plan);
    for height in 0..6 {
        let begun = world.now;
        let limit = begun + 60 * SECOND;
        assert!(!world.run_until(limit, |world| world.highest_tip() > height));
        for node in &mut world.nodes {
            let engine = node.engine.as_mut().unwrap();
            assert!(!engine.is_started() && engine.round().is_none());
            assert!(engine.take_effects().is_empty());
        }
        world.wake(usize::try_from(height).unwrap() % 4);
        let woken = world.now;
        world.expect_height(height + 1, woken + 30 * SECOND);
    }
    sound(&world);
}

#[test]
fn a_height_that_fails_for_a_hundred_rounds_still_ends() {
    let mut world = World::started(Plan::calm(4));
    // More rounds than an engine keeps bodies: it must not choke on the ones that came to nothing.
    world.refused_builds = 100;
    world.expect_height(3, 7200 * SECOND);
    sound(&world);
}
