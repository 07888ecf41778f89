//! The judges; the whole doctor is tried on planted faults in `tests/cli/doctor.rs`.

use std::path::Path;

use super::place::judge_space;
use super::wire::judge_clock;
use super::*;
use crate::chain::hash::Hash;
use crate::chain::query::Moment;
use crate::node::survey::Answered;

#[test]
fn little_room_is_a_warning_and_none_a_fault() {
    let judged = |free| judge_space(Path::new("home"), free);
    assert!(judged(LITTLE_SPACE_BYTES).is_ok());
    let little = judged(LITTLE_SPACE_BYTES - 1).unwrap_err();
    assert!(!little.is_grave());
    let none = judged(NO_SPACE_BYTES - 1).unwrap_err();
    assert!(none.is_grave(), "{none}");
    assert!(none.to_string().contains("67 MB left"), "{none}");
}

#[test]
fn a_clock_is_judged_by_the_newest_block() {
    let bootstrap = Bootstrap::embedded();
    let birth = bootstrap.genesis().time_ms;
    let newest = |time_ms, validators_up| Answered {
        version: "natcoin/2.0.0".to_owned(),
        at: Moment {
            height: 7,
            block: Hash([1; 32]),
            time_ms,
            state_root: Hash([2; 32]),
            signed_by: 3,
        },
        decided: Some((0, vec![0, 1, 2])),
        validators_up,
        waiting: 0,
    };
    let block = birth + 1_000_000;
    let judged = |up, now| judge_clock(&bootstrap, Some(&newest(block, up)), now);
    assert!(judged(4, block + 30_000).is_ok());
    assert!(judged(4, block - 4_000).is_ok(), "a little is no fault");
    let behind = judged(4, block - 60_000).unwrap_err().to_string();
    assert!(behind.contains("60 s behind the newest block"), "{behind}");
    let ahead = judged(4, block + 3_600_000).unwrap_err().to_string();
    assert!(ahead.contains("60 min ahead"), "{ahead}");
    // A network that is paused makes no blocks, so their age says nothing.
    assert!(judged(2, block + 3_600_000).is_ok());
    let before = judge_clock(&bootstrap, None, birth - 60_000).unwrap_err();
    assert!(
        before.to_string().contains("behind the beginning"),
        "{before}"
    );
}
