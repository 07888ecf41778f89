//! What a node finds on its disk after a crash: `wal.log`, `signed.guard`, and the log's entries.
//!
//! The first byte says which is meant. Files are overwritten at a place with the rest; entries come each with a
//! length. Their checksums cannot be made up by mutation, so the entries are given to agreement past them, too.

use std::sync::{Arc, LazyLock};

use natcoin::chain::block::{Block, Header, VERSION};
use natcoin::chain::hash::Hash;
use natcoin::chain::validator::{Validator, ValidatorSet};
use natcoin::consensus::{Effect, Engine, Settings, Timer, TimerKind, Timing};
use natcoin::store::{Disk, GuardMark, SignedStep, SimDisk, Store, StoreError, Survival};

use super::world::{validator, world};

const GENESIS: [u8; 32] = [7; 32];
const ENTRIES: [&[u8]; 3] = [b"one", b"two", b"three"];

/// Holds of any bytes on a node's disk.
pub fn check(bytes: &[u8]) {
    match bytes {
        [0, at, above, rest @ ..] => wal(u16::from_le_bytes([*at, *above]), rest),
        [1, at, above, rest @ ..] => guard(u16::from_le_bytes([*at, *above]), rest),
        [2, rest @ ..] => entries(rest),
        _ => {}
    }
}

/// A damaged log is cut: what is left of it was written so, and it goes on.
fn wal(at: u16, bytes: &[u8]) {
    let store =
        damaged("wal.log", at, bytes).expect("no damage of the log keeps a node from starting");
    let found = store.wal_entries(1).expect("the disk can be read");
    assert!(found.len() <= ENTRIES.len());
    assert!(
        found
            .iter()
            .zip(ENTRIES)
            .all(|(found, wrote)| found == wrote)
    );
    store.wal_start(1).expect("the height under way");
    store.wal_append(1, b"more").expect("room");
    store.wal_flush().expect("a sound disk");
    let after = store.wal_entries(1).expect("the disk can be read");
    assert_eq!(after.last().map(Vec::as_slice), Some(&b"more"[..]));
    assert!(after.len() <= found.len() + 1);
}

/// A damaged guard is refused, or knows what was signed last or before.
fn guard(at: u16, bytes: &[u8]) {
    if let Ok(store) = damaged("signed.guard", at, bytes) {
        let last = store.guard_last();
        assert!([None, Some(mark(1)), Some(mark(2))].contains(&last));
        assert!(store.guard_record(mark(3)).is_ok());
    }
}

fn mark(round: u32) -> GuardMark {
    GuardMark {
        height: 1,
        round,
        step: SignedStep::Prevote,
        digest: [9; 32],
    }
}

/// A store whose disk has one file overwritten.
fn damaged(file: &str, at: u16, bytes: &[u8]) -> Result<Store, StoreError> {
    static WHOLE: LazyLock<SimDisk> = LazyLock::new(|| {
        let disk = SimDisk::new();
        let store = Store::open(Arc::new(disk.clone()), GENESIS).expect("an empty disk");
        store.guard_record(mark(1)).expect("the first mark");
        store.guard_record(mark(2)).expect("a later mark");
        store.wal_start(1).expect("the first height");
        for entry in ENTRIES {
            store.wal_append(1, entry).expect("room");
        }
        store.wal_flush().expect("a sound disk");
        disk
    });
    let disk = WHOLE.crash(Survival::Everything);
    let open = disk.open(file).expect("the store has made it");
    open.write(u64::from(at), bytes).expect("a sound disk");
    drop(open);
    Store::open(Arc::new(disk), GENESIS)
}

/// A replay of any entries ends in a rest, a height or a fault, and never in a panic.
fn entries(bytes: &[u8]) {
    let entries = split(bytes);
    for count in [1, 4] {
        let mut engine = engine(count);
        engine.recover(&entries);
        let _ = (engine.round(), engine.is_voting(), engine.take_effects());
        if engine.fault().is_none() {
            engine.timeout(PROPOSE);
            engine.advance();
            engine.start();
            let _ = engine.take_effects();
        }
    }
}

/// Entries of two bytes of length each, little-endian; the last one is as long as there are bytes.
fn split(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut entries = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk::<2>() {
        let length = usize::from(u16::from_le_bytes(*length)).min(rest.len());
        let (entry, left) = rest.split_at(length);
        entries.push(entry.to_vec());
        bytes = left;
    }
    entries
}

/// The bytes of entries, as `entries` takes them apart.
fn joined(entries: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = vec![2];
    for entry in entries {
        let length = u16::try_from(entry.len()).expect("a small entry");
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(entry);
    }
    bytes
}

const PROPOSE: Timer = Timer {
    kind: TimerKind::Propose,
    round: 0,
};

fn engine(count: u8) -> Engine {
    let one_vote = |number| Validator {
        key: validator(number).public(),
        power: 1,
    };
    let validators = (0..count).map(one_vote).collect();
    Engine::new(Settings {
        genesis: world().genesis.hash(),
        key: validator(0),
        validators: Arc::new(ValidatorSet::new(validators).expect("sound keys")),
        height: 1,
        guard: None,
        timing: Timing::default(),
    })
}

fn block() -> Block {
    let header = Header {
        version: VERSION,
        genesis: world().genesis.hash(),
        height: 1,
        parent: Hash::ZERO,
        time_ms: 1,
        proposer: validator(0).address(),
        transactions_root: Hash::ZERO,
        state_root: Hash::ZERO,
        next_validators: Hash::ZERO,
    };
    Block {
        header,
        transactions: Vec::new(),
    }
}

/// The logs that real engines write: one that decides alone, and one among four whose proposer is silent.
pub fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    let mut alone = engine(1);
    alone.start();
    let mut waiting = engine(4);
    waiting.start();
    for kind in [TimerKind::Propose, TimerKind::Prevote, TimerKind::Precommit] {
        waiting.timeout(Timer { kind, round: 0 });
    }
    vec![
        ("entries_of_one_that_decides", joined(&logged(&mut alone))),
        ("entries_of_one_that_waits", joined(&logged(&mut waiting))),
        ("wal", vec![0, 20, 0, 0xff]),
        ("wal_length", vec![0, 0, 0, 0xff, 0xff, 0xff, 0xff]),
        ("guard", vec![1, 40, 0, 0xff]),
        ("guard_second_slot", vec![1, 0, 16, 0xff]),
    ]
}

/// What an engine logs until nothing follows of itself.
fn logged(engine: &mut Engine) -> Vec<Vec<u8>> {
    let mut entries = Vec::new();
    loop {
        let effects = engine.take_effects();
        if effects.is_empty() {
            return entries;
        }
        for effect in effects {
            match effect {
                Effect::Append { entry, .. } => entries.push(entry),
                Effect::BuildProposal { height, round } => engine.propose(height, round, block()),
                _ => {}
            }
        }
    }
}
