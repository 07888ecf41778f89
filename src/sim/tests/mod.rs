//! The simulation itself under test.

mod absence;
mod catching_up;
mod chaos;
mod crash_points;
mod liars;
mod mutations;
mod overload;
mod payments;
mod queries;
mod storage;
mod strangers;
mod town;
mod trace;
mod traitors;
mod vouchers;
mod wallets;

use std::ops::Range;
use std::time::Duration;

use super::{Plan, Profile, simulate};

fn plan(profile: Profile) -> Plan {
    Plan {
        nodes: 4,
        followers: 0,
        wallets: 0,
        profile,
        duration: Duration::from_secs(20),
    }
}

/// Seeds to run: `NATCOIN_SEED=17` or `NATCOIN_SEED=1000..2000` in the environment says which, else the usual ones.
fn seeds(usual: Range<u64>) -> Range<u64> {
    let Ok(wanted) = std::env::var("NATCOIN_SEED") else {
        return usual;
    };
    let number = |text: &str| text.parse::<u64>().unwrap();
    match wanted.split_once("..") {
        Some((first, end)) => number(first)..number(end),
        None => number(&wanted)..number(&wanted) + 1,
    }
}

#[test]
fn one_seed_has_one_course() {
    for seed in 0..3 {
        let plan = Plan {
            wallets: 8,
            ..plan(Profile::Chaos)
        };
        let first = simulate(&plan, seed, None);
        let again = simulate(&plan, seed, None);
        assert_eq!(first.violation, None, "seed {seed}");
        assert_eq!(first, again, "seed {seed}");
    }
}

#[test]
fn validators_all_over_the_world_agree() {
    let plan = Plan {
        nodes: 10,
        followers: 2,
        duration: Duration::from_secs(70),
        ..plan(Profile::World)
    };
    let outcome = simulate(&plan, 1, None);
    assert_eq!(outcome.violation, None);
    assert!(outcome.tally.blocks() >= 2, "{:?}", outcome.tally.rounds);
    assert_eq!(outcome.tally.rounds.keys().next_back(), Some(&0));
}
