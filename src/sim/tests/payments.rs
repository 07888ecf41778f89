//! Payments in healthy networks of all sizes, and in idle ones.

use std::time::Duration;

use super::town::pay;
use crate::chain::rules::Rejection;
use crate::replica::wire::SubmitReply;
use crate::sim::World;

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn networks_of_every_size_make_payments_final() {
    for validators in [1, 2, 3, 4, 7] {
        let mut world = World::town(validators, 0, u64::from(validators));
        for nonce in 0..5 {
            let node = usize::try_from(nonce).unwrap() % world.nodes.len();
            let payment = world.payment(1, nonce, 100, 2);
            let took = world.pay_and_wait(node, &payment);
            assert!(took < Duration::from_millis(200), "{validators}: {took:?}");
            assert_eq!(
                world.submit(node, &payment).map(|answer| matches!(
                    answer,
                    SubmitReply::Final { .. } | SubmitReply::Waiting
                )),
                Some(true)
            );
        }
        world.wait_in_step(5);
        assert_eq!(world.seen.rejects, 0);
        assert!(world.seen.disconnects.is_empty());
    }
}

#[test]
fn an_idle_network_makes_a_heartbeat_block_each_30_seconds_and_no_other() {
    for validators in [1, 4] {
        let mut world = World::town(validators, 1, 7);
        world.run_for(seconds(300));
        let blocks = world.judge.height();
        assert!((9..=11).contains(&blocks), "{validators}: {blocks} blocks");
    }
}

#[test]
fn a_clock_an_hour_off_makes_no_more_heartbeats_than_a_good_one() {
    for skew_ms in [3_600_000, -3_600_000] {
        let mut world = World::town(4, 0, 12);
        world.nodes[0].skew_ms = skew_ms;
        world.run_for(seconds(300));
        let blocks = world.judge.height();
        assert!((8..=12).contains(&blocks), "{skew_ms}: {blocks} blocks");
    }
}

#[test]
fn clocks_that_were_all_ahead_and_are_set_right_do_not_stop_the_chain() {
    let mut world = World::town(4, 0, 9);
    for (nonce, skew_ms) in [(0, 3_600_000), (1, 0)] {
        for node in &mut world.nodes {
            node.skew_ms = skew_ms;
        }
        let before = world.judge.height();
        world.run_for(seconds(100));
        assert!(world.judge.height() >= before + 3, "skew {skew_ms} ms");
        let payment = world.payment(1, nonce, 100, 2);
        world.submit(1, &payment);
        let id = payment.id();
        assert!(world.run_until(seconds(5), |world| world.is_final(&id)));
    }
}

#[test]
fn a_gap_in_the_nonces_makes_no_empty_blocks() {
    let mut world = World::town(4, 0, 8);
    let late = world.payment(1, 3, 100, 2);
    assert_eq!(world.submit(0, &late), Some(SubmitReply::Waiting));
    world.run_for(seconds(25));
    assert_eq!(world.judge.height(), 0);
    for nonce in 0..3 {
        let payment = world.payment(1, nonce, 100, 2);
        assert_eq!(world.submit(1, &payment), Some(SubmitReply::Waiting));
    }
    let id = late.id();
    assert!(world.run_until(seconds(2), |world| world.is_final(&id)));
}

#[test]
fn of_two_payments_with_one_nonce_exactly_one_is_final() {
    for seed in 0..10 {
        let mut world = World::town(4, 0, seed);
        let one = world.payment(1, 0, 100, 2);
        let other = world.payment(1, 0, 200, 3);
        assert_eq!(world.submit(0, &one), Some(SubmitReply::Waiting));
        assert_eq!(world.submit(1, &other), Some(SubmitReply::Waiting));
        assert!(world.run_until(seconds(5), |world| !world.judge.finals.is_empty()));
        world.run_for(seconds(2));
        assert_eq!(world.judge.finals.len(), 1, "seed {seed}");
        let lost = if world.is_final(&one.id()) {
            other
        } else {
            one
        };
        for node in 0..4 {
            assert!(matches!(
                world.submit(node, &lost),
                Some(SubmitReply::Rejected(Rejection::NonceUsed { .. }))
            ));
            assert_eq!(world.replica(node).status().waiting, 0);
        }
    }
}

#[test]
fn a_payment_of_another_network_is_rejected() {
    let mut world = World::town(1, 0, 9);
    let foreign = pay(&super::town::genesis(2), 1, 0, 100, 2);
    assert!(matches!(
        world.submit(0, &foreign),
        Some(SubmitReply::Rejected(Rejection::ForeignNetwork { .. }))
    ));
    world.run_for(seconds(5));
    assert!(world.judge.finals.is_empty());
}
