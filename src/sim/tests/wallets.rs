//! Wallets that pay each other in any weather, and are never shown what is not true.

use std::time::Duration;

use super::plan;
use crate::sim::{Outcome, Plan, Profile, simulate};

/// Seeds to run: `NATCOIN_SEED=a..b` or `NATCOIN_SEED=n` says which, else these.
fn seeds(usual: std::ops::Range<u64>) -> std::ops::Range<u64> {
    let Ok(wanted) = std::env::var("NATCOIN_SEED") else {
        return usual;
    };
    let number = |text: &str| text.parse::<u64>().unwrap();
    match wanted.split_once("..") {
        Some((first, end)) => number(first)..number(end),
        None => number(&wanted)..number(&wanted) + 1,
    }
}

fn with_wallets(profile: Profile) -> Plan {
    Plan {
        wallets: 8,
        ..plan(profile)
    }
}

fn course(plan: &Plan, seed: u64) -> Outcome {
    let outcome = simulate(plan, seed, None);
    eprintln!("seed {seed}: {:?}", outcome.tally.payments);
    assert_eq!(outcome.violation, None, "seed {seed}");
    outcome
}

fn count(outcome: &Outcome, what: &str) -> u64 {
    outcome.tally.payments.get(what).copied().unwrap_or(0)
}

#[test]
fn on_a_good_network_every_payment_is_final_soon() {
    for seed in seeds(0..3) {
        let outcome = course(&with_wallets(Profile::Lan), seed);
        assert!(count(&outcome, "begun") >= 10, "seed {seed}");
        assert_eq!(count(&outcome, "final"), count(&outcome, "begun"));
        let mut took = outcome.tally.finality_micros;
        took.sort_unstable();
        let half = Duration::from_micros(took[took.len() / 2]);
        assert!(half < Duration::from_millis(300), "seed {seed}: {half:?}");
    }
}

#[test]
fn in_chaos_nobody_is_deceived_and_nobody_pays_twice() {
    for seed in seeds(0..30) {
        course(&with_wallets(Profile::Chaos), seed);
    }
}

#[test]
fn among_traitors_nobody_is_deceived_and_nobody_pays_twice() {
    for seed in seeds(0..6) {
        course(&with_wallets(Profile::Byzantine), seed);
    }
}
