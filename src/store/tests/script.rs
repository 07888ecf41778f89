//! The scripted run that the sweeps crash, and what has to be found after a crash.
//!
//! The script does all that a node does with its store, and notes for each act at which operation
//! of the disk it began and at which it was acknowledged. After a crash at some operation, what was
//! acknowledged has to be there, what had not begun must not, and what was under way is there
//! wholly or not at all.

use super::*;

/// Heights of a script.
const HEIGHTS: u64 = 7;

/// An act whose effect is durable once it returns.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Act {
    Block(u64),
    Checkpoint(u64),
    /// So many entries of the height's log are flushed.
    Flush(u64, usize),
    Guard(GuardMark),
}

#[derive(Debug)]
struct Noted {
    act: Act,
    began: u64,
    acknowledged: Option<u64>,
}

/// What a run did.
#[derive(Debug, Default)]
pub(super) struct Notes {
    acts: Vec<Noted>,
}

/// The point after everything: only what was acknowledged, or failed, counts.
pub(super) const AT_THE_END: u64 = u64::MAX;

fn entry(seed: u64, height: u64, number: usize) -> Vec<u8> {
    let size = (seed as usize * 131 + height as usize * 397 + number * 211) % 1300;
    vec![(height as usize * 16 + number) as u8; size]
}

fn entries_of(seed: u64, height: u64) -> Vec<Vec<u8>> {
    (0..3 + (seed + height) as usize % 3)
        .map(|number| entry(seed, height, number))
        .collect()
}

/// The state at a height: all changes up to it.
fn state_at(height: u64) -> StateChanges {
    let mut state = StateChanges::new();
    for height in 1..=height {
        state.extend(changes(height));
    }
    state.retain(|_, value| value.is_some());
    state
}

fn changes_between(from: u64, to: u64) -> StateChanges {
    (from + 1..=to).flat_map(changes).collect()
}

pub(super) fn open(disk: &SimDisk) -> Result<Store, StoreError> {
    Store::open(Arc::new(disk.clone()), GENESIS)
}

impl Notes {
    fn note(
        &mut self,
        disk: &SimDisk,
        act: Act,
        run: impl FnOnce() -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.acts.push(Noted {
            act,
            began: disk.kept_operations(),
            acknowledged: None,
        });
        run()?;
        if let Some(noted) = self.acts.last_mut() {
            noted.acknowledged = Some(disk.kept_operations());
        }
        Ok(())
    }

    /// Whether an act was acknowledged, and whether it had begun, at a crash point.
    fn seen(&self, point: u64, which: impl Fn(Act) -> bool) -> (Option<Act>, Option<Act>) {
        let last = |counts: &dyn Fn(&Noted) -> bool| {
            self.acts
                .iter()
                .rfind(|noted| which(noted.act) && counts(noted))
                .map(|noted| noted.act)
        };
        (
            last(&|noted| noted.acknowledged.is_some_and(|at| at <= point)),
            last(&|noted| noted.began < point),
        )
    }
}

/// Runs the script until its end or the first failure; the store of that moment stays in `open_store`.
pub(super) fn run(
    disk: &SimDisk,
    seed: u64,
    notes: &mut Notes,
    open_store: &mut Option<Store>,
) -> Result<(), StoreError> {
    let mut store = open_store.insert(open(disk)?);
    let mut saved = 0;
    let mut job: Option<CheckpointJob> = None;
    for height in 1..=HEIGHTS {
        store.wal_start(height)?;
        let entries = entries_of(seed, height);
        for (number, entry) in entries.iter().enumerate() {
            store.wal_append(height, entry)?;
            // The last entry of every height stays unflushed.
            if number + 1 == entries.len() {
                break;
            }
            if (number as u64 + seed).is_multiple_of(2) {
                notes.note(disk, Act::Flush(height, number + 1), || store.wal_flush())?;
            }
            let step = [
                SignedStep::Proposal,
                SignedStep::Prevote,
                SignedStep::Precommit,
            ][number % 3];
            let mark = mark(height, number as u32 / 3, step, number as u8);
            notes.note(disk, Act::Guard(mark), || store.guard_record(mark))?;
        }
        notes.note(disk, Act::Block(height), || {
            store.append_block(height, &record(height), &index(height))
        })?;
        // A checkpoint that was begun at the height before is written now, one block later.
        if let Some(job) = job.take() {
            let height = job.checkpoint().height;
            notes.note(disk, Act::Checkpoint(height), || job.run().map(|_| ()))?;
        }
        if (height + seed).is_multiple_of(3) {
            job = Some(store.begin_checkpoint(checkpoint(height), changes_between(saved, height))?);
            saved = height;
        }
        // A clean stop and start in the middle of the script.
        if height == 4 && job.is_none() {
            // Order: closed before it is opened again, as a process ends before the next begins.
            *open_store = None;
            store = open_store.insert(open(disk)?);
            for height in store.indexed() + 1..=store.tip() {
                store.reindex(height, &index(height))?;
            }
        }
    }
    Ok(())
}

/// Opens a crashed disk and holds what is found against what was acknowledged by the crash point.
pub(super) fn verify(disk: &SimDisk, seed: u64, notes: &Notes, point: u64, story: &str) {
    let store = match open(disk) {
        Ok(store) => store,
        Err(error) => panic!("{story}: does not open: {error}"),
    };
    let tip = verify_blocks(&store, notes, point, story);
    verify_checkpoint(&store, notes, point, story);
    verify_log(&store, seed, notes, point, story, tip);
    verify_guard(&store, notes, point, story);
    verify_going_on(&store, tip, story);
}

fn verify_blocks(store: &Store, notes: &Notes, point: u64, story: &str) -> u64 {
    let height = |act: Option<Act>| match act {
        Some(Act::Block(height)) => height,
        _ => 0,
    };
    let (acknowledged, begun) = notes.seen(point, |act| matches!(act, Act::Block(_)));
    let tip = store.tip();
    assert!(
        tip == height(acknowledged) || tip == height(begun),
        "{story}: tip {tip}, acknowledged {acknowledged:?}, begun {begun:?}"
    );
    let blocks: Vec<_> = store.blocks_after(0).unwrap().map(Result::unwrap).collect();
    let expected: Vec<_> = (1..=tip).map(|height| (height, record(height))).collect();
    assert!(blocks == expected, "{story}: blocks are mixed");
    tip
}

fn verify_checkpoint(store: &Store, notes: &Notes, point: u64, story: &str) {
    let height = |act: Option<Act>| match act {
        Some(Act::Checkpoint(height)) => height,
        _ => 0,
    };
    let (acknowledged, begun) = notes.seen(point, |act| matches!(act, Act::Checkpoint(_)));
    let (found, state) = loaded(store);
    let found_height = found.map_or(0, |found| found.height);
    assert!(
        found_height == height(acknowledged) || found_height == height(begun),
        "{story}: checkpoint {found_height}, acknowledged {acknowledged:?}, begun {begun:?}"
    );
    assert_eq!(
        found,
        (found_height > 0).then(|| checkpoint(found_height)),
        "{story}"
    );
    assert!(
        state == state_at(found_height),
        "{story}: the checkpoint's state is mixed"
    );
    for height in 1..=HEIGHTS {
        let place = |position| Place { height, position };
        let there = height <= found_height;
        let transaction = store.transaction_position(&id(height)).unwrap();
        assert_eq!(transaction, there.then(|| place(0)), "{story}");
        let activity = store.activity(&[3; 32], height).unwrap();
        let expected = ActivityPlace {
            place: place(1),
            head: id(height + 2_000_000),
        };
        assert_eq!(activity, there.then_some(expected), "{story}");
    }
}

fn verify_log(store: &Store, seed: u64, notes: &Notes, point: u64, story: &str, tip: u64) {
    let height = tip + 1;
    let (acknowledged, _) = notes.seen(
        point,
        |act| matches!(act, Act::Flush(flushed, _) if flushed == height),
    );
    let flushed = match acknowledged {
        Some(Act::Flush(_, flushed)) => flushed,
        _ => 0,
    };
    let found = store.wal_entries(height).unwrap();
    let appended = entries_of(seed, height);
    assert!(
        found.len() >= flushed && found.len() <= appended.len(),
        "{story}: {} entries of height {height}, {flushed} were flushed",
        found.len()
    );
    assert!(
        found == appended[..found.len()],
        "{story}: log entries are mixed"
    );
}

fn verify_guard(store: &Store, notes: &Notes, point: u64, story: &str) {
    let (acknowledged, begun) = notes.seen(point, |act| matches!(act, Act::Guard(_)));
    let mark = |act: Option<Act>| match act {
        Some(Act::Guard(mark)) => Some(mark),
        _ => None,
    };
    let last = store.guard_last();
    assert!(
        last == mark(acknowledged) || last == mark(begun),
        "{story}: guard {last:?}, acknowledged {acknowledged:?}, begun {begun:?}"
    );
    if let Some(mark) = mark(acknowledged) {
        let other = GuardMark {
            digest: [0xEE; 32],
            ..mark
        };
        assert!(
            store.guard_record(other).is_err(),
            "{story}: the guard would sign twice"
        );
    }
}

/// The store is not only readable: the node goes on with it.
fn verify_going_on(store: &Store, tip: u64, story: &str) {
    for height in store.indexed() + 1..=tip {
        store.reindex(height, &index(height)).unwrap();
    }
    for height in 1..=tip {
        let place = store.transaction_position(&id(height)).unwrap();
        assert_eq!(place.map(|place| place.height), Some(height), "{story}");
    }
    let next = tip + 1;
    store.wal_start(next).unwrap();
    store.wal_append(next, b"goes on").unwrap();
    store.wal_flush().unwrap();
    let entries = store.wal_entries(next).unwrap();
    assert_eq!(
        entries.last().map(Vec::as_slice),
        Some(&b"goes on"[..]),
        "{story}"
    );
    store
        .append_block(next, &record(next), &index(next))
        .unwrap();
    assert_eq!(store.block(next).unwrap(), Some(record(next)), "{story}");
    store
        .guard_record(mark(next + 100, 0, SignedStep::Prevote, 1))
        .unwrap();
}
