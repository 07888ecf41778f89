//! Tests of the store as its users see it. `refusals.rs`: what it refuses; `sweep.rs`: every crash
//! point and every failing byte.

mod gate;
mod refusals;
mod script;
mod sweep;

use std::sync::Arc;

use super::*;

/// The genesis of these tests.
pub(super) const GENESIS: [u8; 32] = [7; 32];

/// A block's index: one transaction and one activity, told by the height.
pub(super) fn index(height: u64) -> BlockIndex {
    BlockIndex {
        transactions: vec![id(height), id(height + 1_000_000)],
        activities: vec![ActivityEntry {
            address: [3; 32],
            seq: height,
            position: 1,
            head: id(height + 2_000_000),
        }],
    }
}

pub(super) fn id(number: u64) -> [u8; 32] {
    let mut id = [0xA5; 32];
    id[..8].copy_from_slice(&number.to_be_bytes());
    id
}

/// A record of a few hundred to a few thousand bytes, told by the height.
pub(super) fn record(height: u64) -> Vec<u8> {
    vec![height as u8; 200 + (height as usize * 977) % 3000]
}

/// The state's changes at a height: one key comes, one is overwritten, an older one goes.
pub(super) fn changes(height: u64) -> StateChanges {
    let mut changes = StateChanges::new();
    changes.insert(b"height".to_vec(), Some(height.to_be_bytes().to_vec()));
    changes.insert(format!("key {height}").into_bytes(), Some(record(height)));
    if height > 2 {
        changes.insert(format!("key {}", height - 2).into_bytes(), None);
    }
    changes
}

pub(super) fn mark(height: u64, round: u32, step: SignedStep, digest: u8) -> GuardMark {
    GuardMark {
        height,
        round,
        step,
        digest: [digest; 32],
    }
}

pub(super) fn checkpoint(height: u64) -> Checkpoint {
    Checkpoint {
        height,
        root: id(height),
    }
}

fn folder_store(folder: &std::path::Path) -> Store {
    let disk = FolderDisk::open(folder).unwrap();
    Store::open(Arc::new(disk), GENESIS).unwrap()
}

fn loaded(store: &Store) -> (Option<Checkpoint>, StateChanges) {
    let mut state = StateChanges::new();
    let mark = store
        .load_checkpoint(|key, value| {
            state.insert(key.to_vec(), Some(value.to_vec()));
        })
        .unwrap();
    (mark, state)
}

#[test]
fn what_was_stored_is_there_after_the_process_ends() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("deep").join("store");
    {
        let store = folder_store(&folder);
        assert_eq!(store.tip(), 0);
        assert_eq!(store.guard_last(), None);
        assert_eq!(loaded(&store), (None, StateChanges::new()));
        for height in 1..=5 {
            store.wal_start(height).unwrap();
            store.wal_append(height, b"heard").unwrap();
            store.wal_append(height, b"").unwrap();
            store.wal_flush().unwrap();
            store
                .guard_record(mark(height, 0, SignedStep::Prevote, 1))
                .unwrap();
            store
                .append_block(height, &record(height), &index(height))
                .unwrap();
            if height == 3 {
                let job = store.begin_checkpoint(checkpoint(3), changes(3)).unwrap();
                assert_eq!(job.run().unwrap(), checkpoint(3));
            }
        }
        store.wal_start(6).unwrap();
        store.wal_append(6, b"sixth").unwrap();
        store.wal_flush().unwrap();
        store.wal_append(6, b"never flushed").unwrap();
    }
    let store = folder_store(&folder);
    assert_eq!(store.tip(), 5);
    assert_eq!(store.block(4).unwrap(), Some(record(4)));
    assert_eq!(store.block(0).unwrap(), None);
    assert_eq!(store.block(6).unwrap(), None);
    assert_eq!(store.guard_last(), Some(mark(5, 0, SignedStep::Prevote, 1)));
    assert_eq!(store.wal_height(), 6);
    assert_eq!(store.wal_entries(6).unwrap(), vec![b"sixth".to_vec()]);
    assert!(store.wal_entries(5).unwrap().is_empty());
    assert_eq!(loaded(&store).0, Some(checkpoint(3)));
    assert_eq!(
        loaded(&store).1.get(b"key 3".as_slice()),
        Some(&Some(record(3)))
    );

    // The blocks after the checkpoint are replayed, and their indexes given again.
    assert_eq!(store.indexed(), 3);
    assert_eq!(store.transaction_position(&id(4)).unwrap(), None);
    let after: Vec<_> = store.blocks_after(3).unwrap().map(Result::unwrap).collect();
    assert_eq!(after, vec![(4, record(4)), (5, record(5))]);
    for (height, _) in after {
        store.reindex(height, &index(height)).unwrap();
    }
    for height in 1..=5 {
        let place = |position| Some(Place { height, position });
        assert_eq!(store.transaction_position(&id(height)).unwrap(), place(0));
        assert_eq!(
            store.transaction_position(&id(height + 1_000_000)).unwrap(),
            place(1)
        );
        let activity = store.activity(&[3; 32], height).unwrap().unwrap();
        assert_eq!(Some(activity.place), place(1));
        assert_eq!(activity.head, id(height + 2_000_000));
    }
    assert_eq!(store.activity(&[3; 32], 6).unwrap(), None);
    assert_eq!(store.activity(&[4; 32], 1).unwrap(), None);
    store.append_block(6, &record(6), &index(6)).unwrap();
}

#[test]
fn look_ups_see_every_block_while_a_checkpoint_is_written_on_another_thread() {
    let home = tempfile::tempdir().unwrap();
    let store = folder_store(home.path());
    let mut jobs = Vec::new();
    for height in 1..=20 {
        store
            .append_block(height, &record(height), &index(height))
            .unwrap();
        if height % 5 == 0 {
            // Two heights stay behind: a checkpoint need not reach the tip.
            let job = store
                .begin_checkpoint(checkpoint(height - 2), changes(height - 2))
                .unwrap();
            jobs.push(std::thread::spawn(move || job.run().unwrap()));
        }
        for seen in 1..=height {
            let place = store.transaction_position(&id(seen)).unwrap();
            assert_eq!(place.map(|place| place.height), Some(seen));
            let activity = store.activity(&[3; 32], seen).unwrap();
            assert_eq!(activity.map(|found| found.place.height), Some(seen));
        }
        if let Some(job) = jobs.pop() {
            job.join().unwrap();
        }
    }
    assert_eq!(store.checkpoint().unwrap(), Some(checkpoint(18)));
}

#[test]
fn a_checkpoint_given_up_is_written_by_the_next_one() {
    let disk: Arc<dyn Disk> = Arc::new(SimDisk::new());
    let store = Store::open(disk.clone(), GENESIS).unwrap();
    for height in 1..=4 {
        store
            .append_block(height, &record(height), &index(height))
            .unwrap();
    }
    drop(store.begin_checkpoint(checkpoint(2), changes(2)).unwrap());
    assert!(store.transaction_position(&id(1)).unwrap().is_some());
    let job = store.begin_checkpoint(checkpoint(3), changes(3)).unwrap();
    job.run().unwrap();
    drop(store);

    let store = Store::open(disk, GENESIS).unwrap();
    let (mark, state) = loaded(&store);
    assert_eq!(mark, Some(checkpoint(3)));
    assert!(state.contains_key(b"key 2".as_slice()));
    assert!(state.contains_key(b"key 3".as_slice()));
    assert!(store.transaction_position(&id(2)).unwrap().is_some());
    assert!(store.transaction_position(&id(4)).unwrap().is_none());
}

#[test]
fn a_lost_checkpoint_file_is_rebuilt_from_the_blocks() {
    let home = tempfile::tempdir().unwrap();
    {
        let store = folder_store(home.path());
        store.append_block(1, &record(1), &index(1)).unwrap();
        let job = store.begin_checkpoint(checkpoint(1), changes(1)).unwrap();
        job.run().unwrap();
    }
    std::fs::remove_file(home.path().join("state.redb")).unwrap();
    let store = folder_store(home.path());
    assert_eq!(store.checkpoint().unwrap(), None);
    assert_eq!((store.tip(), store.indexed()), (1, 0));
    store.reindex(1, &index(1)).unwrap();
    assert!(store.transaction_position(&id(1)).unwrap().is_some());
}

#[test]
fn of_blocks_that_are_appended_at_once_a_crash_leaves_the_first_ones_or_none() {
    let disk = SimDisk::new();
    disk.keep_history();
    let store = Store::open(Arc::new(disk.clone()), GENESIS).unwrap();
    let block = |height: u64| NewBlock {
        height,
        record: vec![height as u8; 700],
        index: index(height),
    };
    store.append_block(1, b"one", &index(1)).unwrap();
    let before = disk.kept_operations();
    store
        .append_blocks(&[block(2), block(3), block(4)])
        .unwrap();
    let after = disk.kept_operations();
    let gap = store.append_blocks(&[block(5), block(7)]);
    assert!(matches!(gap, Err(StoreError::OutOfTurn { .. })), "{gap:?}");
    assert_eq!((store.tip(), disk.kept_operations()), (4, after));
    drop(store);
    let (mut tips, mut history) = (std::collections::BTreeSet::new(), disk.history());
    loop {
        let point = history.point();
        for seed in 0..64 {
            if point < before {
                break;
            }
            let crashed = history.crash(Survival::Sectors(seed));
            let store = Store::open(Arc::new(crashed), GENESIS).unwrap();
            let tip = store.tip();
            for height in 2..=tip {
                assert_eq!(store.block(height).unwrap(), Some(block(height).record));
            }
            assert_eq!(store.block(tip + 1).unwrap(), None);
            for height in 1..=tip {
                store.reindex(height, &index(height)).unwrap();
            }
            store
                .append_block(tip + 1, b"next", &index(tip + 1))
                .unwrap();
            tips.insert(tip);
        }
        if !history.step() {
            break;
        }
    }
    assert_eq!(tips, (1..=4).collect());
}
