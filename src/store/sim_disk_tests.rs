//! Tests of the simulated disk: it must be as cruel as it says, or the sweeps prove nothing.

use super::*;

fn contents(disk: &SimDisk, name: &str) -> Option<Vec<u8>> {
    let file = disk.open(name).ok()?;
    let mut bytes = vec![0; file.len().unwrap() as usize];
    file.read(0, &mut bytes).unwrap();
    Some(bytes)
}

/// A disk with one durable file of 2 KiB of ones.
fn ones() -> (SimDisk, Box<dyn StorageBackend>) {
    let disk = SimDisk::new();
    let file = disk.create("file").unwrap();
    file.write(0, &[1; 2048]).unwrap();
    file.sync_data().unwrap();
    disk.sync_folder().unwrap();
    (disk, file)
}

#[test]
fn what_was_not_synced_may_be_lost_and_what_was_synced_is_there() {
    let (disk, file) = ones();
    file.write(0, &[2; 2048]).unwrap();
    assert_eq!(contents(&disk, "file"), Some(vec![2; 2048]));
    let nothing = disk.crash(Survival::Nothing);
    assert_eq!(contents(&nothing, "file"), Some(vec![1; 2048]));
    let everything = disk.crash(Survival::Everything);
    assert_eq!(contents(&everything, "file"), Some(vec![2; 2048]));
    file.sync_data().unwrap();
    let nothing = disk.crash(Survival::Nothing);
    assert_eq!(contents(&nothing, "file"), Some(vec![2; 2048]));
}

#[test]
fn writes_are_torn_at_sectors_and_reordered() {
    let (disk, file) = ones();
    file.write(100, &[2; 1500]).unwrap();
    let mut torn = 0;
    for seed in 0..40 {
        let found = contents(&disk.crash(Survival::Sectors(seed)), "file").unwrap();
        let mut sectors = Vec::new();
        for sector in 0..4usize {
            let range = (sector * 512).max(100)..((sector + 1) * 512).min(1600);
            assert!(
                found[range.clone()]
                    .iter()
                    .all(|b| *b == found[range.start])
            );
            sectors.push(found[range.start]);
        }
        torn += usize::from(sectors.contains(&1) && sectors.contains(&2));
    }
    assert!(torn > 20, "only {torn} of 40 images were torn");

    file.write(1700, &[3; 10]).unwrap();
    let newest = contents(&disk.crash(Survival::Newest), "file").unwrap();
    assert_eq!((newest[200], newest[1700]), (1, 3));
}

#[test]
fn names_need_the_folder_s_sync() {
    let (disk, _) = ones();
    let file = disk.create("draft").unwrap();
    file.write(0, b"whole").unwrap();
    file.sync_data().unwrap();
    disk.rename("draft", "file").unwrap();
    assert_eq!(contents(&disk, "file"), Some(b"whole".to_vec()));
    let nothing = disk.crash(Survival::Nothing);
    assert_eq!(contents(&nothing, "file"), Some(vec![1; 2048]));
    assert_eq!(contents(&nothing, "draft"), None);
    disk.sync_folder().unwrap();
    let nothing = disk.crash(Survival::Nothing);
    assert_eq!(contents(&nothing, "file"), Some(b"whole".to_vec()));
}

#[test]
fn a_failed_sync_is_not_made_good_by_a_later_one() {
    let (disk, file) = ones();
    disk.fail_syncs_after(1);
    file.write(0, &[2; 10]).unwrap();
    file.sync_data().unwrap();
    file.write(0, &[3; 10]).unwrap();
    file.sync_data().unwrap_err();
    disk.mend();
    file.sync_data().unwrap();
    assert_eq!(contents(&disk, "file").unwrap()[0], 3);
    let found = contents(&disk.crash(Survival::Nothing), "file").unwrap();
    assert_eq!(found[0], 2);
}

#[test]
fn a_full_disk_takes_what_fits_and_refuses_the_rest() {
    let (disk, file) = ones();
    disk.full_after(5);
    let error = file.write(0, &[2; 10]).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    let found = contents(&disk, "file").unwrap();
    assert_eq!(found[..6], [2, 2, 2, 2, 2, 1]);
    disk.create("another").unwrap_err();
    file.set_len(1_000_000).unwrap_err();
    file.set_len(3).unwrap();
    disk.mend();
    file.set_len(6).unwrap();
    assert_eq!(contents(&disk, "file").unwrap(), [2, 2, 2, 0, 0, 0]);
    file.read(5, &mut [0; 2]).unwrap_err();
}

#[test]
fn the_history_walks_to_the_same_disk() {
    let (disk, file) = ones();
    disk.keep_history();
    for number in 0..10 {
        file.write(number * 100, &[7; 300]).unwrap();
    }
    file.sync_data().unwrap();
    let mut history = disk.history();
    while history.step() {}
    assert_eq!(history.point(), disk.kept_operations());
    let walked = history.crash(Survival::Nothing);
    assert_eq!(contents(&walked, "file"), contents(&disk, "file"));
}
