//! What the store refuses, and in which words.

use std::fs;

use super::*;

fn reopen(folder: &std::path::Path) -> Result<Store, StoreError> {
    Store::open(Arc::new(FolderDisk::open(folder)?), GENESIS)
}

fn filled(folder: &std::path::Path) {
    let store = folder_store(folder);
    for height in 1..=3 {
        store.wal_start(height).unwrap();
        store.wal_append(height, b"heard").unwrap();
        store.wal_flush().unwrap();
        store
            .guard_record(mark(height, 0, SignedStep::Precommit, 1))
            .unwrap();
        store
            .append_block(height, &record(height), &index(height))
            .unwrap();
    }
    let job = store.begin_checkpoint(checkpoint(2), changes(2)).unwrap();
    job.run().unwrap();
}

#[test]
fn a_second_store_on_the_same_folder_is_refused_by_name() {
    let home = tempfile::tempdir().unwrap();
    let first = folder_store(home.path());
    let error = reopen(home.path()).unwrap_err();
    assert!(matches!(error, StoreError::InUse { .. }), "{error}");
    assert!(
        error
            .to_string()
            .contains(&home.path().display().to_string())
    );
    drop(first);
    reopen(home.path()).unwrap();
}

#[test]
fn a_store_of_another_network_is_refused() {
    let home = tempfile::tempdir().unwrap();
    filled(home.path());
    for missing in [None, Some("signed.guard"), Some("blocks.log")] {
        if let Some(name) = missing {
            fs::remove_file(home.path().join(name)).unwrap();
        }
        let disk = FolderDisk::open(home.path()).unwrap();
        let error = Store::open(Arc::new(disk), [8; 32]).unwrap_err();
        match missing {
            Some("signed.guard") => {
                assert!(matches!(error, StoreError::GuardMissing { .. }), "{error}");
            }
            _ => assert!(
                matches!(error, StoreError::ForeignGenesis { .. }),
                "{error}"
            ),
        }
    }
}

#[test]
fn blocks_without_their_guard_are_refused() {
    let home = tempfile::tempdir().unwrap();
    filled(home.path());
    fs::remove_file(home.path().join("signed.guard")).unwrap();
    let error = reopen(home.path()).unwrap_err();
    assert!(matches!(error, StoreError::GuardMissing { .. }), "{error}");
}

#[test]
fn the_guard_survives_the_restore_of_an_older_backup() {
    let home = tempfile::tempdir().unwrap();
    filled(home.path());
    let old = fs::read(home.path().join("blocks.log")).unwrap();
    let old_state = fs::read(home.path().join("state.redb")).unwrap();
    {
        let store = reopen(home.path()).unwrap();
        store.reindex(3, &index(3)).unwrap();
        store.append_block(4, &record(4), &index(4)).unwrap();
        store
            .guard_record(mark(5, 1, SignedStep::Prevote, 1))
            .unwrap();
    }
    fs::write(home.path().join("blocks.log"), old).unwrap();
    fs::write(home.path().join("state.redb"), old_state).unwrap();
    let store = reopen(home.path()).unwrap();
    assert_eq!(store.tip(), 3);
    let refused = store
        .guard_record(mark(4, 0, SignedStep::Prevote, 2))
        .unwrap_err();
    assert!(
        matches!(refused, StoreError::SignedLater { .. }),
        "{refused}"
    );
}

#[test]
fn a_checkpoint_beyond_the_blocks_is_refused() {
    let home = tempfile::tempdir().unwrap();
    filled(home.path());
    fs::remove_file(home.path().join("blocks.log")).unwrap();
    let error = reopen(home.path()).unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
    assert!(error.to_string().contains("state.redb"), "{error}");
    assert!(error.to_string().contains("or remove"), "{error}");
}

/// A copy of a closed store's folder.
fn copy_of(folder: &std::path::Path) -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    for file in fs::read_dir(folder).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), home.path().join(file.file_name())).unwrap();
    }
    home
}

#[test]
fn damaged_files_are_named_with_the_next_step_and_never_panic() {
    let whole = tempfile::tempdir().unwrap();
    filled(whole.path());
    for name in ["blocks.log", "state.redb", "signed.guard"] {
        for garbage in [
            Vec::new(),
            b"not ours".to_vec(),
            vec![0; 20_000],
            vec![0xFF; 20_000],
        ] {
            let home = copy_of(whole.path());
            fs::write(home.path().join(name), &garbage).unwrap();
            let error = reopen(home.path()).unwrap_err();
            let text = error.to_string();
            assert!(matches!(error, StoreError::Damaged { .. }), "{text}");
            assert!(text.contains(name) && text.contains("; re"), "{text}");
        }
        let home = copy_of(whole.path());
        let path = home.path().join(name);
        // Most of the block log is room for more.
        let half = match name {
            "blocks.log" => 150,
            _ => fs::metadata(&path).unwrap().len() / 3,
        };
        fs::OpenOptions::new()
            .write(true)
            .open(&path)
            .unwrap()
            .set_len(half)
            .unwrap();
        if name != "signed.guard" {
            reopen(home.path()).unwrap_err();
        }
    }
}

/// Three blocks with a checkpoint of the first two, and a bit of one's record flipped.
fn decayed(height: u64, act: impl FnOnce(&Store)) -> SimDisk {
    let disk = SimDisk::new();
    let store = Store::open(Arc::new(disk.clone()), GENESIS).unwrap();
    let needle = |height: u64| vec![0xC0 + height as u8; 3000];
    for height in 1..=3 {
        store
            .append_block(height, &needle(height), &index(height))
            .unwrap();
    }
    let job = store.begin_checkpoint(checkpoint(2), changes(2)).unwrap();
    job.run().unwrap();
    act(&store);
    drop(store);
    let file = disk.open("blocks.log").unwrap();
    let mut bytes = vec![0; file.len().unwrap() as usize];
    file.read(0, &mut bytes).unwrap();
    let offset = bytes
        .windows(3000)
        .position(|window| window == needle(height))
        .unwrap();
    disk.flip_bit("blocks.log", offset as u64 + 1500);
    disk
}

#[test]
fn a_decayed_record_is_named_instead_of_returned() {
    let store = Store::open(Arc::new(decayed(1, |_| ())), GENESIS).unwrap();
    let error = store.block(1).unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
    assert!(error.to_string().contains("height 1"), "{error}");
    assert!(store.blocks_after(0).unwrap().next().unwrap().is_err());
    assert_eq!(store.block(3).unwrap().unwrap().len(), 3000);
}

#[test]
fn what_agreement_went_on_from_is_not_taken_for_a_torn_append() {
    let begun: [fn(&Store); 2] = [
        |store| {
            store
                .guard_record(mark(4, 0, SignedStep::Prevote, 1))
                .unwrap();
        },
        |store| {
            store.wal_start(4).unwrap();
            store.wal_append(4, b"heard").unwrap();
            store.wal_flush().unwrap();
        },
    ];
    for begin in begun {
        let error = Store::open(Arc::new(decayed(3, begin)), GENESIS).unwrap_err();
        assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
        assert!(error.to_string().contains("height 3"), "{error}");
    }
    // Nobody was told of what came after: it may be what a crash left.
    let store = Store::open(Arc::new(decayed(3, |_| ())), GENESIS).unwrap();
    assert_eq!(store.tip(), 2);
    store.append_block(3, b"again", &index(3)).unwrap();
    assert_eq!(store.block(3).unwrap().unwrap(), b"again");
}

#[test]
fn a_checkpoint_whose_block_has_decayed_is_not_gone_on_from() {
    let error = Store::open(Arc::new(decayed(2, |_| ())), GENESIS).unwrap_err();
    assert!(error.to_string().contains("height 2"), "{error}");
}

#[test]
fn a_store_of_an_earlier_version_is_left_as_it_is() {
    let home = tempfile::tempdir().unwrap();
    filled(home.path());
    let earlier = home.path().join("blocks.redb");
    fs::rename(home.path().join("blocks.log"), &earlier).unwrap();
    let error = reopen(home.path()).unwrap_err();
    assert!(matches!(error, StoreError::Superseded { .. }), "{error}");
    assert!(error.to_string().contains("catch up"), "{error}");
    assert!(earlier.exists() && !home.path().join("blocks.log").exists());
}

#[test]
fn heights_out_of_turn_are_refused_and_change_nothing() {
    let store = Store::open(Arc::new(SimDisk::new()), GENESIS).unwrap();
    let out_of_turn = |result: Result<(), StoreError>| {
        assert!(
            matches!(result, Err(StoreError::OutOfTurn { .. })),
            "{result:?}"
        );
    };
    out_of_turn(store.append_block(0, b"", &index(0)));
    out_of_turn(store.append_block(2, b"", &index(2)));
    out_of_turn(store.wal_start(2));
    out_of_turn(store.wal_start(0));
    out_of_turn(store.wal_append(1, b"not begun"));
    out_of_turn(store.reindex(1, &index(1)));
    store.append_block(1, b"one", &index(1)).unwrap();
    out_of_turn(store.append_block(1, b"again", &index(1)));
    out_of_turn(
        store
            .begin_checkpoint(checkpoint(2), changes(2))
            .map(|_| ()),
    );
    out_of_turn(
        store
            .begin_checkpoint(checkpoint(0), changes(1))
            .map(|_| ()),
    );
    let job = store.begin_checkpoint(checkpoint(1), changes(1)).unwrap();
    assert_eq!(
        store
            .begin_checkpoint(checkpoint(1), changes(1))
            .unwrap_err(),
        StoreError::CheckpointBusy { height: 1 }
    );
    job.run().unwrap();
    out_of_turn(
        store
            .begin_checkpoint(checkpoint(1), changes(1))
            .map(|_| ()),
    );
    assert_eq!(store.block(1).unwrap(), Some(b"one".to_vec()));
    assert_eq!(store.tip(), 1);
}

#[test]
fn a_block_is_not_appended_before_the_older_ones_are_indexed_again() {
    let disk: Arc<dyn Disk> = Arc::new(SimDisk::new());
    let store = Store::open(disk.clone(), GENESIS).unwrap();
    store.append_block(1, b"one", &index(1)).unwrap();
    drop(store);
    let store = Store::open(disk, GENESIS).unwrap();
    let error = store.append_block(2, b"two", &index(2)).unwrap_err();
    assert!(matches!(error, StoreError::OutOfTurn { .. }), "{error}");
    store.reindex(1, &index(1)).unwrap();
    store.append_block(2, b"two", &index(2)).unwrap();
}

#[test]
fn too_large_entries_are_refused_before_they_touch_the_disk() {
    let disk = SimDisk::new();
    let store = Store::open(Arc::new(disk.clone()), GENESIS).unwrap();
    store.wal_start(1).unwrap();
    let before = disk.operations();
    let large = vec![0; RECORD_LIMIT_BYTES + 1];
    for result in [
        store.append_block(1, &large, &index(1)),
        store.wal_append(1, &large[..WAL_ENTRY_LIMIT_BYTES + 1]),
    ] {
        assert!(
            matches!(result, Err(StoreError::TooLarge { .. })),
            "{result:?}"
        );
    }
    assert_eq!(disk.operations(), before);
    assert_eq!(store.fault(), None);
    store.append_block(1, b"one", &index(1)).unwrap();
}
