//! Wallets that pay each other in any weather, and are never shown what is not true.

use std::time::Duration;

use super::{plan, seeds};
use crate::behaviour::Service;
use crate::chain::codec::Encode;
use crate::replica::wire::SubmitReply;
use crate::sim::{Manners, Outcome, Plan, Profile, RECOVERY, World, cast, simulate};

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

/// Four nodes and so many wallets whose owners want nothing by themselves.
fn quiet_world(wallets: u32, seed: u64) -> World {
    let manners = Manners::good(Duration::from_millis(1), Duration::from_millis(5));
    let mut world = World::new(cast(4, 0, wallets).unwrap(), manners, seed, None);
    for node in 0..4 {
        world.must_start(node);
    }
    world.settle(&Plan {
        wallets,
        duration: Duration::ZERO,
        ..plan(Profile::Lan)
    });
    world
}

/// All wallets come to an end, and each history is complete.
fn finish(world: &mut World) {
    let is_done = world.advance(RECOVERY, World::wallets_are_done).unwrap();
    assert!(is_done, "{}", world.wallets_state());
    world.audit();
    assert!(world.advance(RECOVERY, World::is_audited).unwrap());
}

#[test]
fn a_wallet_may_crash_at_any_step_of_a_payment_and_pays_once() {
    let mut steps = 0;
    loop {
        let mut is_over = true;
        // What survives of a journal that is being written is by chance.
        for seed in 0..4 {
            let mut world = quiet_world(2, seed);
            world.doom_wallet(0, steps);
            world.wish(0, 1);
            finish(&mut world);
            assert_eq!(world.judge.finals.len(), 1, "step {steps}, seed {seed}");
            assert_eq!(world.tally.payments.get("final"), Some(&1));
            is_over &= !world.tally.faults.contains_key("wallet crash");
        }
        if is_over {
            break;
        }
        steps += 1;
    }
    // Questions, two watches, two writes, two sendings, and what is shown.
    assert!(steps >= 12, "only {steps} steps");
}

#[test]
fn a_node_that_lies_alone_deceives_nobody_and_is_not_asked_again() {
    let mut found_out = 0;
    for seed in 0..8 {
        let mut world = quiet_world(4, seed);
        let place = usize::try_from(seed).unwrap();
        world.nodes[0].lie = Some(Box::new(move |service, data| match service {
            Service::Submit => SubmitReply::Final { height: 7 }.to_bytes(),
            Service::Query => {
                let mut bent = data;
                let at = bent.len() * (place + 1) / 10;
                bent[at] ^= 1 << place;
                bent
            }
            _ => data,
        }));
        for wallet in 0..4 {
            world.wish(wallet, (wallet + 1) % 4);
            world.wish(wallet, (wallet + 2) % 4);
        }
        world.advance(Duration::from_secs(2), |_| false).unwrap();
        for wallet in 0..4 {
            let lied = world.distrusted(wallet);
            assert!(lied.iter().all(|node| *node == 0), "seed {seed}: {lied:?}");
            found_out += lied.len();
        }
        finish(&mut world);
        assert_eq!(world.tally.payments.get("final"), Some(&8), "seed {seed}");
    }
    assert!(
        found_out >= 8,
        "{found_out} wallets have found the liar out"
    );
}
