//! Whom a session asks first, and whom never again.

use super::*;
use crate::chain::hash::Hash;

const MS: fn(u64) -> Duration = Duration::from_millis;

/// A block each two seconds.
fn at(height: u64) -> Moment {
    told(height, height * 2_000)
}

fn told(height: u64, time_ms: u64) -> Moment {
    Moment {
        height,
        block: Hash::ZERO,
        time_ms,
        state_root: Hash::ZERO,
        signed_by: 3,
    }
}

/// Four validators, connected; each has proven height 10 after so many milliseconds.
fn pool(rtts: [u64; 4]) -> Pool {
    let mut pool = Pool::new([true; 4], 3);
    for (node, rtt) in (0..).map(NodeIndex).zip(rtts) {
        pool.came(node);
        pool.proved(node, &at(10), Some(MS(rtt)));
    }
    pool
}

fn order(pool: &Pool) -> Vec<u16> {
    pool.ranked().into_iter().map(|node| node.0).collect()
}

#[test]
fn the_first_to_answer_stays_active_until_another_is_better_for_three_samples() {
    let mut pool = pool([20, 15, 30, 40]);
    assert_eq!(order(&pool), [0, 1, 2, 3]);
    for _ in 0..2 {
        pool.measured(NodeIndex(3), MS(2));
        assert_eq!(order(&pool)[0], 0);
    }
    pool.measured(NodeIndex(3), MS(2));
    assert_eq!(order(&pool)[0], 3);
    assert_eq!(pool.used_as(NodeIndex(3)), Some(UsedAs::Active));
    assert_eq!(pool.used_as(NodeIndex(1)), Some(UsedAs::Standby));
    assert_eq!(pool.used_as(NodeIndex(2)), None);
}

#[test]
fn a_fast_node_that_is_behind_or_failed_does_not_become_active() {
    let mut pool = pool([20, 15, 30, 40]);
    pool.proved(NodeIndex(0), &at(13), None);
    pool.struck(NodeIndex(3), "no answer".to_owned());
    for node in [2, 3].map(NodeIndex) {
        for _ in 0..9 {
            pool.measured(node, MS(1));
        }
    }
    assert_eq!(order(&pool)[0], 0);
    // In step again, it has to be better three times anew.
    pool.proved(NodeIndex(2), &at(13), None);
    for _ in 0..2 {
        pool.measured(NodeIndex(2), MS(1));
    }
    assert_eq!(order(&pool)[0], 0);
    pool.measured(NodeIndex(2), MS(1));
    assert_eq!(order(&pool)[0], 2);
}

#[test]
fn a_round_trip_of_a_node_that_is_gone_counts_for_nothing() {
    let mut pool = pool([20, 15, 30, 40]);
    pool.lost(NodeIndex(3));
    for _ in 0..9 {
        pool.measured(NodeIndex(3), MS(1));
    }
    assert_eq!(order(&pool), [0, 1, 2]);
    assert_eq!(pool.get(NodeIndex(3)).unwrap().rtt, None);
}

#[test]
fn a_node_that_failed_is_asked_last_till_it_answers() {
    let mut pool = pool([1, 2, 3, 4]);
    pool.struck(NodeIndex(0), "no answer".to_owned());
    assert_eq!(order(&pool), [1, 2, 3, 0]);
    pool.proved(NodeIndex(0), &at(10), None);
    assert_eq!(order(&pool), [1, 0, 2, 3]);
}

#[test]
fn a_node_that_is_far_behind_is_asked_last_and_one_by_a_block_is_not() {
    let mut pool = pool([1, 2, 3, 4]);
    pool.proved(NodeIndex(3), &at(12), None);
    assert_eq!(order(&pool)[0], 0);
    pool.proved(NodeIndex(3), &at(13), None);
    assert_eq!(order(&pool)[0], 3);
    assert!(!pool.should_watch(NodeIndex(0)));
    assert!(pool.should_watch(NodeIndex(3)));
}

#[test]
fn of_fast_blocks_a_node_that_tells_by_turns_is_not_behind_and_one_that_answers_late_is() {
    let mut pool = pool([1, 2, 3, 4]);
    let now_ms = at(10).time_ms;
    pool.proved(NodeIndex(3), &told(40, now_ms + 4_900), None);
    assert_eq!(order(&pool)[0], 0);
    assert!(pool.should_watch(NodeIndex(0)));
    // Its turn has not come for longer than turns take.
    pool.proved(NodeIndex(3), &told(41, now_ms + 5_001), None);
    assert_eq!(order(&pool)[0], 3);
    assert!(!pool.should_watch(NodeIndex(0)));
    // It has: it is in step again.
    pool.proved(NodeIndex(0), &told(39, now_ms + 4_800), None);
    assert!(pool.should_watch(NodeIndex(0)));
    // What it answers is of now: three blocks behind are too many, two are not.
    pool.proved(NodeIndex(3), &told(43, now_ms + 5_100), None);
    assert!(pool.should_watch(NodeIndex(0)));
    for (height, is_in_step) in [(40, false), (41, true)] {
        let newest = 43;
        pool.doubted(NodeIndex(0), &Doubt::Behind { height, newest });
        assert_eq!(pool.should_watch(NodeIndex(0)), is_in_step);
    }
}

#[test]
fn a_liar_is_never_asked_again_even_if_it_comes_back() {
    let mut pool = pool([1, 2, 3, 4]);
    pool.lied(NodeIndex(0), "a proof".to_owned());
    pool.left(NodeIndex(0), "gone".to_owned());
    pool.came(NodeIndex(0));
    pool.proved(NodeIndex(0), &at(11), Some(MS(1)));
    assert_eq!(order(&pool), [1, 2, 3]);
    assert!(
        pool.trouble(NodeIndex(0), None)
            .starts_with("lies: a proof")
    );
}

#[test]
fn a_wallet_that_knows_fewer_validators_than_a_quorum_goes_by_what_the_active_one_hears() {
    let mut pool = Pool::new([true; 2], 3);
    assert!(pool.quorum().is_lost());
    pool.came(NodeIndex(0));
    pool.proved(NodeIndex(0), &at(1), None);
    assert!(!pool.quorum().is_lost());
    pool.heard(NodeIndex(0), 2);
    assert!(pool.quorum().is_lost());
    pool.heard(NodeIndex(0), 3);
    assert!(!pool.quorum().is_lost());
}

#[test]
fn who_is_connected_counts_and_who_has_not_answered_is_not_asked() {
    let mut pool = Pool::new([true; 4], 3);
    assert!(!pool.is_hopeless());
    pool.came(NodeIndex(2));
    assert_eq!(order(&pool), [0u16; 0]);
    let quorum = pool.quorum();
    assert_eq!((quorum.up, quorum.needed, quorum.of), (1, 3, 4));
    assert!(quorum.is_lost());
    // A second dial that fails says nothing about the connection that stands.
    pool.unreachable(NodeIndex(2), "refused".to_owned());
    assert_eq!(pool.quorum().up, 1);
    for node in (0..4).map(NodeIndex) {
        pool.left(node, "refused".to_owned());
    }
    assert!(pool.is_hopeless());
    // A connection that stood is dialled again, and that is waited for; when the dial fails, it is not.
    pool.came(NodeIndex(1));
    pool.lost(NodeIndex(1));
    assert!(!pool.is_hopeless());
    pool.unreachable(NodeIndex(1), "refused".to_owned());
    assert!(pool.is_hopeless());
    for node in (0..4).map(NodeIndex) {
        assert_eq!(pool.trouble(node, None), "refused");
        assert_eq!(pool.trouble(node, Some("late".to_owned())), "late");
    }
}
