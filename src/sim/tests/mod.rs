//! The simulation itself under test.

mod absence;
mod liars;
mod payments;
mod queries;
mod storage;
mod strangers;
mod town;

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

#[test]
fn one_seed_has_one_course() {
    for seed in 0..3 {
        let first = simulate(&plan(Profile::Chaos), seed, None);
        let again = simulate(&plan(Profile::Chaos), seed, None);
        assert_eq!(first.violation, None, "seed {seed}");
        assert_eq!(first, again, "seed {seed}");
    }
}
