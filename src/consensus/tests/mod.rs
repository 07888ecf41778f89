//! Agreement under fire: real engines in a small world with virtual time, a hostile network and disks
//! that lose what was not flushed.
//!
//! Every run follows from its seed alone. A failing test names the seeds; `NATCOIN_SEED=17` in the
//! environment makes the tests with seeds run that one only. Read [`world`] and [`host`] first.

mod chaos;
mod crashes;
mod deciding;
mod encodings;
mod forged;
mod host;
mod machine;
mod people;
mod plan;
mod world;

use world::World;

/// Runs a world for each seed and fails with all seeds that went wrong.
fn for_seeds(seeds: std::ops::Range<u64>, run: impl Fn(u64) -> World) {
    let only = std::env::var("NATCOIN_SEED").ok();
    let only: Option<u64> = only.and_then(|seed| seed.parse().ok());
    let seeds = only.map_or(seeds, |seed| seed..seed + 1);
    let bad: Vec<String> = seeds
        .filter_map(|seed| Some(format!("seed {seed}: {}", run(seed).watch.first_breach()?)))
        .collect();
    assert!(
        bad.is_empty(),
        "{} seeds failed; replay one with NATCOIN_SEED=<seed> and this test's name:\n  {}",
        bad.len(),
        bad.join("\n  ")
    );
}
