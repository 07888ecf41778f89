//! Hundreds of seeds of everything that can go wrong at once, but malice: four validators, and in every fourth seed a
//! follower too. In four parts, which run side by side.

use std::ops::Range;
use std::time::Duration;

use super::{plan, seeds};
use crate::sim::{Plan, Profile, simulate};

fn hold(usual: Range<u64>) {
    let mut faults = 0;
    let mut bad = Vec::new();
    for seed in seeds(usual) {
        let plan = Plan {
            followers: u32::from(seed % 4 == 0),
            duration: Duration::from_secs(10),
            ..plan(Profile::Chaos)
        };
        let outcome = simulate(&plan, seed, None);
        faults += outcome.tally.faults.values().sum::<u64>();
        if let Some(violation) = outcome.violation {
            bad.push(format!("seed {seed}: {violation}"));
        }
    }
    assert_eq!(bad, Vec::<String>::new());
    assert!(faults > 0);
}

#[test]
fn the_first_hundred_and_thirty_seeds_of_chaos_hold() {
    hold(0..130);
}

#[test]
fn the_second_hundred_and_thirty_seeds_of_chaos_hold() {
    hold(130..260);
}

#[test]
fn the_third_hundred_and_thirty_seeds_of_chaos_hold() {
    hold(260..390);
}

#[test]
fn the_fourth_hundred_and_thirty_seeds_of_chaos_hold() {
    hold(390..520);
}
