//! Nodes that are away, come back, or only follow.

use std::time::Duration;

use crate::chain::query::Query;
use crate::chain::testing::network::address;
use crate::replica::Note;
use crate::replica::wire::SubmitReply;
use crate::sim::World;
use crate::store::Survival;

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn with_one_of_four_down_payments_stay_quick() {
    for down in 0..4 {
        let mut world = World::town(4, 0, down);
        let down = usize::try_from(down).unwrap();
        world.crash(down, Survival::Nothing);
        world.run_for(seconds(1));
        let mut slowest = Duration::ZERO;
        for nonce in 0..12 {
            let payment = world.payment(1, nonce, 100, 2);
            let took = world.pay_and_wait((down + 1) % 4, &payment);
            slowest = slowest.max(took);
        }
        assert!(slowest < Duration::from_millis(400), "{down}: {slowest:?}");
        assert!(
            !world
                .seen
                .notes
                .iter()
                .any(|(_, _, note)| matches!(note, Note::Paused { .. }))
        );
    }
}

#[test]
fn with_two_of_four_down_all_waits_and_then_resumes_by_itself() {
    let mut world = World::town(4, 0, 21);
    let first = world.payment(1, 0, 100, 2);
    world.pay_and_wait(0, &first);
    world.wait_in_step(1);
    let height = world.judge.height();
    world.crash(2, Survival::Nothing);
    world.crash(3, Survival::Everything);
    world.run_for(seconds(1));
    for node in 0..2 {
        let paused = Note::Paused {
            up: 2,
            of: 4,
            needed: 3,
        };
        assert!(
            world
                .seen
                .notes
                .iter()
                .any(|(_, at, note)| *at == node && *note == paused)
        );
    }
    let payments: Vec<_> = (1..4).map(|nonce| world.payment(1, nonce, 50, 3)).collect();
    for payment in &payments {
        assert_eq!(world.submit(0, payment), Some(SubmitReply::Waiting));
    }
    world.run_for(seconds(100));
    assert_eq!(world.judge.height(), height);
    // Proven reads go on.
    let answer = world
        .query(0, &Query::Account(address(1)))
        .into_account()
        .unwrap();
    let account = answer.verify(&world.judge.trust, &address(1)).unwrap();
    assert_eq!(account.value.unwrap().nonce, 1);
    assert_eq!(world.replica(0).status().waiting, 3);

    world.start(2).unwrap();
    let back = world.now();
    let all_final = |world: &World| payments.iter().all(|one| world.is_final(&one.id()));
    assert!(
        world.run_until(seconds(20), all_final),
        "not resumed in 20 s"
    );
    assert!(world.now() - back < seconds(5), "{:?}", world.now() - back);
    world.start(3).unwrap();
    world.wait_in_step(height + 1);
    assert_eq!(world.judge.finals.len(), 4);
    let resumed = |note: &Note| matches!(note, Note::Resumed { up: 3, of: 4 });
    assert!(world.seen.notes.iter().any(|(_, _, note)| resumed(note)));
}

#[test]
fn every_network_below_four_pauses_with_one_down_and_resumes() {
    for validators in [2, 3] {
        let mut world = World::town(validators, 0, 5);
        world.crash(1, Survival::Nothing);
        let payment = world.payment(1, 0, 100, 2);
        world.submit(0, &payment);
        world.run_for(seconds(60));
        assert_eq!(world.judge.height(), 0);
        world.start(1).unwrap();
        let id = payment.id();
        assert!(
            world.run_until(seconds(10), |world| world.is_final(&id)),
            "{validators}"
        );
    }
}

#[test]
fn a_node_that_was_away_for_500_blocks_catches_up_and_votes_again() {
    let mut world = World::town(4, 0, 31);
    world.crash(3, Survival::Nothing);
    world.run_for(seconds(1));
    for nonce in 0..500 {
        let payment = world.payment(1, nonce, 11, 2);
        world.pay_and_wait(0, &payment);
    }
    let height = world.judge.height();
    assert!(height >= 500);
    world.start(3).unwrap();
    assert!(world.run_until(seconds(5), |world| world.height(3) >= height));
    assert!(
        world
            .seen
            .notes
            .iter()
            .any(|(_, at, note)| *at == 3 && matches!(note, Note::InStep { .. }))
    );
    // Its vote counts: without another one the network goes on.
    world.crash(0, Survival::Nothing);
    let payment = world.payment(1, 500, 11, 2);
    world.pay_and_wait(3, &payment);
    assert!(world.replica(3).status().is_voting);
}

#[test]
fn a_follower_follows_and_proves_what_it_says() {
    let mut world = World::town(4, 1, 41);
    let payment = world.payment(1, 0, 100, 2);
    // Handed in at the follower, too, it finds its way.
    world.pay_and_wait(4, &payment);
    world.wait_in_step(1);
    assert!(!world.replica(4).status().is_validator);
    let answer = world.query(4, &Query::Transaction(payment.id()));
    let answer = answer.into_transaction().unwrap();
    answer.verify(&world.judge.trust, &payment.id()).unwrap();
}

#[test]
fn a_follower_without_gossip_still_follows() {
    let mut world = World::town(1, 1, 42);
    world.net.manners.lost = 1000;
    for nonce in 0..5 {
        let payment = world.payment(1, nonce, 100, 2);
        world.pay_and_wait(0, &payment);
    }
    assert!(world.run_until(seconds(120), |world| world.height(1) >= 5));
}
