//! Chaos: everything that may go wrong does, for a while; then it must all come right.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use rand::RngExt as _;

use super::people::Wallets;
use super::world::World;
use crate::store::Survival;

/// How long it is rough.
const ROUGH: Duration = Duration::from_secs(12);
/// How soon all must be final after that.
const RECOVERY: Duration = Duration::from_secs(60);

fn survival(world: &mut World) -> Survival {
    let seed = world.random.random();
    match world.random.random_range(0..5) {
        0 => Survival::Nothing,
        1 => Survival::Everything,
        2 => Survival::Newest,
        3 => Survival::Writes(seed),
        _ => Survival::Sectors(seed),
    }
}

/// One step of bad luck.
fn trouble(world: &mut World, is_gentle: bool) {
    let count = world.nodes.len();
    let node = world.random.random_range(0..count);
    if world.nodes[node].live.is_none() {
        if world.random.random_range(0..3) == 0 {
            world.nodes[node].disk.mend();
            world.start(node).unwrap();
        }
        return;
    }
    match world
        .random
        .random_range(0..if is_gentle { 30 } else { 12 })
    {
        0 => {
            let survival = survival(world);
            world.crash(node, survival);
        }
        1 => {
            let survival = survival(world);
            let left = world.random.random_range(0..60);
            world.nodes[node].crash_in = Some((left, survival));
        }
        2 => {
            let mask: u32 = world.random.random();
            world.cut(|node| mask >> node & 1 == 0);
        }
        3 | 4 => world.heal(),
        5 => {
            world.nodes[node].disk.mend();
            world.close(node);
        }
        6 => {
            world.nodes[node].survival = survival(world);
            let syncs = world.random.random_range(0..12);
            world.nodes[node].disk.fail_syncs_after(syncs);
        }
        _ => {}
    }
}

fn chaos(seed: u64) {
    let validators = [1, 2, 3, 4, 4, 4, 7][usize::try_from(seed % 7).unwrap()];
    let mut world = World::new(validators, u8::try_from(seed % 2).unwrap(), seed);
    let mut wallets = Wallets::new(&mut world, 4);
    world.net.lost = world.random.random_range(0..300);
    world.net.lost_requests = world.net.lost / 2;
    world.net.doubled = world.random.random_range(0..100);
    world.net.delay_ms = (1, world.random.random_range(2..400));
    let is_gentle = world.random.random();
    let end = world.now + ROUGH;
    while world.now < end {
        wallets.act(&mut world);
        world.run_for(Duration::from_millis(100));
        trouble(&mut world, is_gentle);
    }
    world.heal();
    world.net.lost = 0;
    world.net.lost_requests = 0;
    world.net.doubled = 0;
    world.net.delay_ms = (1, 20);
    for node in 0..world.nodes.len() {
        world.nodes[node].crash_in = None;
        world.nodes[node].disk.mend();
        if world.nodes[node].live.is_none() {
            world.start(node).unwrap();
        }
    }
    let end = world.now + RECOVERY;
    while !wallets.are_done() && world.now < end {
        wallets.act(&mut world);
        world.run_for(Duration::from_millis(100));
    }
    assert!(
        wallets.are_done(),
        "{} payments are not final",
        wallets.left()
    );
    let height = world.judge.height();
    world.wait_in_step(height);
    assert_eq!(world.seen.rejects, 0);
    assert_eq!(world.seen.disconnects, Vec::new());
    assert_eq!(world.seen.evidence, 0);
}

fn replay(seed: u64) -> Result<(), String> {
    let Err(panic) = catch_unwind(AssertUnwindSafe(|| chaos(seed))) else {
        return Ok(());
    };
    let text = panic.downcast_ref::<String>().cloned();
    let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
    Err(format!(
        "seed {seed}: {}\n  replay: NATCOIN_SEED={seed} cargo test --lib replica::tests::chaos",
        text.unwrap_or_default()
    ))
}

/// Seeds from the environment (`NATCOIN_SEED=17` or `NATCOIN_SEED=1000..2000`), or else the usual ones.
fn seeds(usual: std::ops::Range<u64>) -> std::ops::Range<u64> {
    let Ok(text) = std::env::var("NATCOIN_SEED") else {
        return usual;
    };
    match text.split_once("..") {
        Some((first, end)) => first.parse().unwrap()..end.parse().unwrap(),
        None => {
            let seed = text.parse().unwrap();
            seed..seed + 1
        }
    }
}

#[test]
fn whatever_goes_wrong_nothing_is_lost_and_all_becomes_final() {
    let failed: Vec<String> = seeds(0..120)
        .filter_map(|seed| replay(seed).err())
        .collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
