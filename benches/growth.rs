//! How the cost of a node grows with its state and its history: memory, blocks, proofs, the start.
//!
//! `cargo bench --bench growth [-- accounts | blocks | start ...]`, all three without a word:
//! - `accounts [ACCOUNTS...]`: for each number of accounts the memory of a fresh process that has opened such a store, and
//!   what a block costs in it;
//! - `blocks [ACCOUNTS]`: a transaction's cost by the size of its block;
//! - `start [ACCOUNTS [TRANSACTIONS [ABOVE [FOLDER]]]]`: the start of a fresh process with so many accounts and transactions,
//!   of which ABOVE lie above the last checkpoint. A FOLDER that is given stays, and is opened as it is the next time.
//!
//! Accounts are made by real transfers in real blocks, each with its certificate; only the transfers' signatures are not
//! good, because nothing that is measured here looks at them. The stores lie on the disk of the temporary folder.
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    missing_docs,
    reason = "a benchmark prints what it has measured by the clock"
)]

#[path = "growth/measure.rs"]
mod measure;
#[path = "growth/world.rs"]
mod world;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use natcoin::replica::CheckpointPace;

use measure::Row;
use world::World;

/// Between two checkpoints while a history is made: more than a node would wait, or making it would take an hour.
const WHILE_BUILDING: usize = 500_000;
/// Transactions of a block, where nothing else is said.
const BLOCK: usize = 1_000;

fn main() {
    let words: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| word != "--bench")
        .collect();
    let number = |place: usize, otherwise: usize| {
        words
            .get(place)
            .map_or(otherwise, |word| word.parse().expect("a number"))
    };
    match words.first().map(String::as_str) {
        // In a process of its own, that its memory may be told.
        Some("measure") => print!("{}", measure::measure(Path::new(&words[1]), number(2, 0))),
        Some("open") => print!("{}", measure::open(Path::new(&words[1]))),
        Some("accounts") => match words.len() {
            1 => accounts(&[1_000, 10_000, 100_000, 1_000_000]),
            _ => accounts(
                &(1..words.len())
                    .map(|place| number(place, 0))
                    .collect::<Vec<_>>(),
            ),
        },
        Some("blocks") => blocks(number(1, 100_000)),
        Some("start") => start(
            number(1, 1_000_000),
            number(2, 10_000_000),
            number(3, pace().transactions - BLOCK),
            words.get(4).map(PathBuf::from),
        ),
        Some(other) => panic!("{other:?}: accounts, blocks or start is meant"),
        None => {
            accounts(&[1_000, 10_000, 100_000, 1_000_000]);
            blocks(100_000);
            start(1_000_000, 10_000_000, pace().transactions - BLOCK, None);
        }
    }
}

fn accounts(counts: &[usize]) {
    println!("{}", Row::HEAD);
    let mut first: Option<Row> = None;
    for count in counts {
        let home = tempfile::tempdir().expect("a temporary folder");
        let mut world = World::new(home.path());
        world.grow(*count, WHILE_BUILDING);
        world.pay_until(*count, BLOCK, WHILE_BUILDING);
        world.checkpoint();
        drop(world);
        let row = Row::parse(&child("measure", home.path(), &count.to_string()));
        println!("{}", row.shown(first.as_ref()));
        first.get_or_insert(row);
    }
    println!();
}

fn blocks(count: usize) {
    let home = tempfile::tempdir().expect("a temporary folder");
    let mut world = World::new(home.path());
    world.grow(count, WHILE_BUILDING);
    world.checkpoint();
    println!(
        "transfers a block | law, us a transfer | with the block log, us a transfer   ({count} accounts)"
    );
    for (size, rounds) in [(1, 400), (10, 200), (100, 100), (1_000, 40), (5_000, 10)] {
        let cost = measure::blocks(&mut world, size, rounds);
        println!(
            "{size:>17} | {:>18.2} | {:>35.2}",
            cost.law_us / size as f64,
            cost.durable_us / size as f64,
        );
    }
    println!();
}

fn start(accounts: usize, transactions: usize, above: usize, kept: Option<PathBuf>) {
    let home = tempfile::tempdir().expect("a temporary folder");
    let folder = kept.unwrap_or_else(|| home.path().to_owned());
    if !folder.join("blocks.log").exists() {
        build(&folder, accounts, transactions, above);
    }
    print!("{}", child("open", &folder, ""));
    println!();
}

/// A store as a node leaves it that is killed at the worst moment: just before a checkpoint.
fn build(folder: &Path, accounts: usize, transactions: usize, above: usize) {
    let begin = Instant::now();
    let mut world = World::new(folder);
    world.grow(accounts, WHILE_BUILDING);
    let under = transactions.saturating_sub(above);
    // The last ones at a node's own pace.
    world.pay_until(
        under.saturating_sub(3 * pace().transactions),
        BLOCK,
        WHILE_BUILDING,
    );
    world.checkpoint();
    let slow = Instant::now();
    world.pay_until(under, BLOCK, pace().transactions);
    world.checkpoint();
    let [.., last] = world.checkpoints.as_slice() else {
        panic!("a checkpoint was written");
    };
    println!(
        "made in {:.0} s; its last {} transactions with checkpoints in {:.1} s, the last checkpoint in {:.2} s",
        begin.elapsed().as_secs_f64(),
        3 * pace().transactions,
        slow.elapsed().as_secs_f64(),
        last.as_secs_f64(),
    );
    world.pay_until(transactions, BLOCK, usize::MAX);
    for file in ["blocks.log", "state.redb"] {
        let size = std::fs::metadata(folder.join(file)).map_or(0, |meta| meta.len());
        println!("{file}: {} MB", size >> 20);
    }
}

/// How often a node writes a checkpoint.
fn pace() -> CheckpointPace {
    CheckpointPace::default()
}

/// What this program says in a process of its own.
fn child(what: &str, folder: &Path, word: &str) -> String {
    let program = std::env::current_exe().expect("this program");
    let mut command = Command::new(program);
    command.arg(what).arg(folder);
    if !word.is_empty() {
        command.arg(word);
    }
    let output = command.output().expect("this program runs");
    assert!(
        output.status.success(),
        "{what}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("text")
}
