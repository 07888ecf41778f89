//! What is measured: the start of a fresh process and its memory, blocks, proofs.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use natcoin::chain::ledger::Tip;
use natcoin::chain::transaction::SignedTransaction;
use natcoin::replica::{CheckpointPace, Moment, Replica, Settings};
use natcoin::store::Store;

use crate::world::{World, address, genesis, store, validator};

/// What a block costs, in microseconds: the median.
pub struct Cost {
    /// Executed, its root compared, and put into the state in memory.
    pub law_us: f64,
    /// That, and appended to the block log and the indexes: durable. Not a number if it does not fit in a block.
    pub durable_us: f64,
}

/// One line of the table: a number of accounts.
pub struct Row {
    accounts: usize,
    resident_kb: usize,
    most_kb: usize,
    open_ms: f64,
    one: Cost,
    thousand: Cost,
    proof_us: f64,
}

impl Row {
    pub const HEAD: &str = " accounts | resident, MB | at most, MB | bytes an account | start, ms | block of 1: law, us | durable, us | block of 1,000: law, us | durable, us | proof, us";

    /// For the parent process; [`Row::parse`] reads it.
    fn told(&self) -> String {
        let Self {
            accounts,
            resident_kb,
            most_kb,
            open_ms,
            one,
            thousand,
            proof_us,
        } = self;
        format!(
            "{accounts} {resident_kb} {most_kb} {open_ms} {} {} {} {} {proof_us}",
            one.law_us, one.durable_us, thousand.law_us, thousand.durable_us
        )
    }

    pub fn parse(text: &str) -> Self {
        let numbers: Vec<f64> = text
            .split_whitespace()
            .map(|word| word.parse().expect("a number"))
            .collect();
        let &[accounts, resident, most, open_ms, a, b, c, d, proof_us] = numbers.as_slice() else {
            panic!("a line of nine numbers: {text}");
        };
        let cost = |law_us, durable_us| Cost { law_us, durable_us };
        Self {
            accounts: accounts as usize,
            resident_kb: resident as usize,
            most_kb: most as usize,
            open_ms,
            one: cost(a, b),
            thousand: cost(c, d),
            proof_us,
        }
    }

    /// The line; bytes an account are what came on top of the first line's memory.
    pub fn shown(&self, first: Option<&Self>) -> String {
        let bytes = first.map_or("-".to_owned(), |first| {
            let more = self.resident_kb.saturating_sub(first.resident_kb) * 1024;
            (more / (self.accounts - first.accounts).max(1)).to_string()
        });
        format!(
            "{:>9} | {:>12.1} | {:>11.1} | {bytes:>16} | {:>9.1} | {:>19.1} | {:>11.0} | {:>23.0} | {:>11.0} | {:>9.2}",
            self.accounts,
            self.resident_kb as f64 / 1024.0,
            self.most_kb as f64 / 1024.0,
            self.open_ms,
            self.one.law_us,
            self.one.durable_us,
            self.thousand.law_us,
            self.thousand.durable_us,
            self.proof_us,
        )
    }
}

/// A node's machine over a store that exists, and how long its two steps took.
fn started(folder: &Path) -> (Replica, Store, Duration, Duration) {
    let begin = Instant::now();
    let store = store(folder);
    let opened = begin.elapsed();
    let settings = Settings {
        genesis: Arc::new(genesis()),
        key: validator(),
        seed: [3; 32],
        timing: Default::default(),
        pace: CheckpointPace::default(),
    };
    let replica = Replica::open(settings, &store, Moment::default());
    let (replica, _) = replica.expect("the store holds a sound state");
    (replica, store, opened, begin.elapsed())
}

/// The start alone.
pub fn open(folder: &Path) -> String {
    let (replica, store, opened, whole) = started(folder);
    let checkpoint = store.checkpoint().expect("the store reads");
    let mut text = String::new();
    let _ = writeln!(
        text,
        "height {}, checkpoint at {}, {} accounts",
        replica.height(),
        checkpoint.map_or(0, |checkpoint| checkpoint.height),
        replica.ledger().account_count()
    );
    let _ = writeln!(
        text,
        "store opened after {:.3} s, the node ready after {:.3} s; resident {:.1} MB, at most {:.1} MB",
        opened.as_secs_f64(),
        whole.as_secs_f64(),
        resident("VmRSS:") as f64 / 1024.0,
        resident("VmHWM:") as f64 / 1024.0
    );
    text
}

/// A [`Row`] of a store of so many accounts.
pub fn measure(folder: &Path, accounts: usize) -> String {
    let (replica, store, _, whole) = started(folder);
    let (resident_kb, most_kb) = (resident("VmRSS:"), resident("VmHWM:"));
    let record = store.block(replica.height()).expect("the store reads");
    let tip = tip_of(&record.expect("the last block"));
    let mut world = World::at(replica.ledger().clone(), tip, store, accounts);
    drop(replica);
    let one = blocks(&mut world, 1, 400);
    let thousand = blocks(&mut world, 1_000, 40);
    let begin = Instant::now();
    let proofs = 20_000;
    for number in 0..proofs {
        let asked = address(number * 7_919 % accounts);
        std::hint::black_box(world.ledger.prove_account(&asked));
    }
    let proof_us = begin.elapsed().as_secs_f64() * 1e6 / proofs as f64;
    let row = Row {
        accounts,
        resident_kb,
        most_kb,
        open_ms: whole.as_secs_f64() * 1e3,
        one,
        thousand,
        proof_us,
    };
    row.told()
}

/// Blocks of so many transfers between accounts at random. What does not fit in a block is executed and not appended, so
/// nothing can be appended after it.
pub fn blocks(world: &mut World, size: usize, rounds: usize) -> Cost {
    let (mut law, mut durable) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let payments = world.payments(size);
        let fits = payments
            .iter()
            .map(SignedTransaction::size_bytes)
            .sum::<usize>()
            < 1_000_000;
        let (block, _) = world.block(payments);
        let certificate = world.certificate(&block);
        let begin = Instant::now();
        let execution = match fits {
            true => world
                .ledger
                .validate(&world.tip, &block)
                .expect("a valid block"),
            false => world
                .ledger
                .execute(&world.context(), &block.transactions)
                .expect("valid payments"),
        };
        let validated = begin.elapsed();
        if fits {
            world.append(&block, &certificate, &execution);
        }
        let appended = begin.elapsed();
        world.apply(&block, execution);
        let whole = begin.elapsed();
        law.push(validated + (whole - appended));
        if fits {
            durable.push(whole);
        }
    }
    Cost {
        law_us: median_us(law),
        durable_us: median_us(durable),
    }
}

fn tip_of(record: &[u8]) -> Tip {
    use natcoin::chain::codec::Decode as _;
    let record = natcoin::replica::wire::FinalBlock::from_bytes(record).expect("a block");
    Tip::after(&record.block.header)
}

fn median_us(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times
        .get(times.len() / 2)
        .map_or(f64::NAN, |time| time.as_secs_f64() * 1e6)
}

/// A line of `/proc/self/status`, in KiB; 0 where the system has none.
fn resident(line: &str) -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|text| text.strip_prefix(line));
    let number = line.and_then(|text| text.split_whitespace().next());
    number.and_then(|word| word.parse().ok()).unwrap_or(0)
}
