//! Every crash point of a scripted run, every failing sync and a disk that fills at every step.
//!
//! The story: a node runs, the power fails between any two operations of its disk, and what was not
//! synced survives as the disk pleases. The next start finds the old state or the new one, never
//! another, and all that was acknowledged.

use super::script::{AT_THE_END, Notes, open, run, verify};
use super::*;

/// What of the unsynced operations survives at a crash point; the seeds differ from point to point.
fn survivals(point: u64) -> [Survival; 6] {
    [
        Survival::Nothing,
        Survival::Everything,
        Survival::Newest,
        Survival::Writes(point),
        Survival::Sectors(point),
        Survival::Sectors(point + 1_000_003),
    ]
}

/// A whole run with its history.
fn whole_run(seed: u64) -> (SimDisk, Notes) {
    let disk = SimDisk::new();
    disk.keep_history();
    let mut notes = Notes::default();
    run(&disk, seed, &mut notes, &mut None).unwrap();
    (disk, notes)
}

fn sweep(seed: u64) {
    let (disk, notes) = whole_run(seed);
    let mut history = disk.history();
    loop {
        let point = history.point();
        for survival in survivals(point) {
            let story = format!("seed {seed}, crash point {point}, {survival:?}");
            verify(&history.crash(survival), seed, &notes, point, &story);
        }
        if !history.step() {
            break;
        }
    }
}

#[test]
fn every_crash_point_leaves_the_old_state_or_the_new_one_seed_0() {
    sweep(0);
}

#[test]
fn every_crash_point_leaves_the_old_state_or_the_new_one_seed_1() {
    sweep(1);
}

#[test]
fn every_crash_point_leaves_the_old_state_or_the_new_one_seed_2() {
    sweep(2);
}

#[test]
fn the_sweep_notices_a_disk_that_lies_about_its_syncs() {
    let disk = SimDisk::new();
    disk.keep_history();
    disk.lie_about_syncs();
    let mut notes = Notes::default();
    run(&disk, 0, &mut notes, &mut None).unwrap();
    let crashed = disk.crash(Survival::Nothing);
    let caught = std::panic::catch_unwind(|| verify(&crashed, 0, &notes, AT_THE_END, "lying disk"));
    assert!(caught.is_err());
}

#[test]
fn a_crash_during_the_recovery_from_a_crash_loses_nothing_either() {
    let seed = 0;
    let (disk, notes) = whole_run(seed);
    let mut history = disk.history();
    loop {
        let point = history.point();
        if point % 23 == 11 {
            let crashed = history.crash(Survival::Sectors(point));
            crashed.keep_history();
            drop(open(&crashed).unwrap());
            let mut recovery = crashed.history();
            loop {
                let again = recovery.point();
                let survival = survivals(again)[again as usize % 6];
                let story = format!("crash point {point}, then {again} with {survival:?}");
                verify(&recovery.crash(survival), seed, &notes, point, &story);
                if !recovery.step() {
                    break;
                }
            }
        }
        if !history.step() {
            break;
        }
    }
}

/// Runs on a disk that fails somewhere; the store has to be latched, and what it had acknowledged
/// has to be there.
fn fail(disk: &SimDisk, seed: u64, story: &str, disk_is_full: bool) {
    disk.keep_history();
    let mut notes = Notes::default();
    let mut store = None;
    let error = run(disk, seed, &mut notes, &mut store).expect_err(story);
    let fault = error.fault().unwrap_or_else(|| panic!("{story}: {error}"));
    assert_eq!(fault.is_disk_full(), disk_is_full, "{story}: {error}");
    if let Some(store) = store {
        latched(disk, store, fault, story);
    }
    disk.mend();
    for survival in survivals(disk.kept_operations()) {
        let story = format!("{story}, {survival:?}");
        verify(&disk.crash(survival), seed, &notes, AT_THE_END, &story);
    }
}

/// Every later change is refused with the same fault, and the disk is not touched, not even by
/// closing the files.
fn latched(disk: &SimDisk, store: Store, fault: &Fault, story: &str) {
    disk.mend();
    let before = disk.operations();
    let next = store.tip() + 1;
    let refused = [
        store.append_block(next, b"late", &index(next)),
        store.wal_start(next),
        store.wal_append(store.wal_height(), b"late"),
        store.wal_flush(),
        store.guard_record(mark(u64::MAX, 0, SignedStep::Prevote, 1)),
        store
            .begin_checkpoint(checkpoint(next), changes(next))
            .map(|_| ()),
    ];
    for result in refused {
        assert_eq!(
            result.as_ref().err().and_then(StoreError::fault),
            Some(fault),
            "{story}"
        );
    }
    assert_eq!(store.fault().as_ref(), Some(fault), "{story}");
    drop(store);
    assert_eq!(disk.operations(), before, "{story}: the disk was touched");
}

#[test]
fn a_disk_that_fills_at_any_byte_stops_the_store_and_loses_nothing_acknowledged() {
    let plenty = 1 << 40;
    let disk = SimDisk::new();
    disk.full_after(plenty);
    let mut store = None;
    run(&disk, 0, &mut Notes::default(), &mut store).unwrap();
    // Read before the store is closed: closing writes too, but acknowledges nothing.
    let needed = plenty - disk.space_left_bytes().unwrap();
    drop(store);
    let mut bytes = 0;
    while bytes < needed {
        let disk = SimDisk::new();
        disk.full_after(bytes);
        fail(&disk, 0, &format!("full after {bytes} bytes"), true);
        // Odd steps: the limit falls into the middle of every kind of write.
        bytes += 1 + needed / 150;
    }
}

#[test]
fn a_sync_that_fails_stops_the_store_and_loses_nothing_acknowledged() {
    for syncs in 0.. {
        let disk = SimDisk::new();
        disk.fail_syncs_after(syncs);
        if run(&disk, 1, &mut Notes::default(), &mut None).is_ok() {
            assert!(syncs > 50, "the script syncs only {syncs} times");
            break;
        }
        let disk = SimDisk::new();
        disk.fail_syncs_after(syncs);
        fail(&disk, 1, &format!("sync {syncs} fails"), false);
    }
}

#[test]
fn a_full_disk_is_explained_with_its_next_step() {
    let disk = SimDisk::new();
    let store = open(&disk).unwrap();
    disk.full_after(10);
    let error = store.append_block(1, &record(1), &index(1)).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("blocks.log"), "{text}");
    assert!(text.contains("free space and start again"), "{text}");
}
