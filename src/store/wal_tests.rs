//! Tests of the write-ahead log: its layout, its torn tails, and arbitrary bytes in its place.

use proptest::prelude::*;

use super::super::{Disk, SimDisk, Survival};
use super::*;

const GENESIS: [u8; 32] = [7; 32];

fn open(disk: &SimDisk) -> Wal {
    let disk: Arc<dyn Disk> = Arc::new(disk.clone());
    Wal::open(&disk, &GENESIS, &Latch::default()).unwrap()
}

fn new_wal() -> (SimDisk, Wal) {
    let disk = SimDisk::new();
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    Wal::create(&shared, &Latch::default()).unwrap();
    let wal = open(&disk);
    (disk, wal)
}

fn bytes(disk: &SimDisk) -> Vec<u8> {
    let file = disk.open(WAL_FILE).unwrap();
    let mut bytes = vec![0; file.len().unwrap() as usize];
    file.read(0, &mut bytes).unwrap();
    bytes
}

fn log(wal: &mut Wal, height: u64, entries: &[&[u8]]) {
    wal.start(height).unwrap();
    for entry in entries {
        wal.append(height, entry).unwrap();
    }
    wal.flush().unwrap();
}

#[test]
fn the_record_layout_is_frozen() {
    let (disk, mut wal) = new_wal();
    log(
        &mut wal,
        0x0102_0304_0506_0708,
        &[b"first", b"", b"the third"],
    );
    let written = &bytes(&disk)[..3 * HEADER_SIZE + 14];
    let text = written
        .chunks(20)
        .map(|line| {
            line.iter()
                .map(|byte| format!("{byte:02x}"))
                .collect::<String>()
                + "\n"
        })
        .collect::<String>();
    assert_eq!(
        text,
        include_str!("../../tests/golden/store/wal_records.hex")
    );
}

#[test]
fn what_is_left_of_an_older_height_is_never_taken_for_the_new_one() {
    let (disk, mut wal) = new_wal();
    // Same sizes, same payloads: only the chain tells the heights apart.
    log(&mut wal, 1, &[b"same", b"same", b"same"]);
    log(&mut wal, 2, &[b"same"]);
    assert_eq!(wal.entries(2).unwrap().len(), 1);
    let wal = open(&disk);
    assert_eq!((wal.height(), wal.entries(2).unwrap().len()), (2, 1));
    assert!(wal.entries(1).unwrap().is_empty());
}

#[test]
fn a_lost_follower_does_not_return_behind_a_repeated_record() {
    let (disk, mut wal) = new_wal();
    log(&mut wal, 1, &[b"one", b"two", b"three"]);
    // The middle record decays, so the third is lost with it.
    disk.flip_bit(WAL_FILE, (HEADER_SIZE + 3 + HEADER_SIZE) as u64);
    let mut wal = open(&disk);
    assert_eq!(wal.entries(1).unwrap(), vec![b"one".to_vec()]);
    log(&mut wal, 1, &[b"two"]);
    let wal = open(&disk);
    assert_eq!(
        wal.entries(1).unwrap(),
        vec![b"one".to_vec(), b"two".to_vec()]
    );
}

#[test]
fn the_log_grows_beyond_its_first_size_and_is_bounded() {
    let (disk, mut wal) = new_wal();
    wal.start(1).unwrap();
    let entry = vec![5; 50_000];
    for _ in 0..4 {
        wal.append(1, &entry).unwrap();
        wal.flush().unwrap();
    }
    assert_eq!(open(&disk).entries(1).unwrap(), vec![entry; 4]);

    let large = vec![0; WAL_ENTRY_LIMIT_BYTES];
    let refused = (0..100).find_map(|_| wal.append(1, &large).err()).unwrap();
    assert!(matches!(refused, StoreError::TooLarge { .. }), "{refused}");
    wal.start(2).unwrap();
    wal.append(2, b"room again").unwrap();
    wal.flush().unwrap();
    assert_eq!(wal.entries(2).unwrap(), vec![b"room again".to_vec()]);
}

#[test]
fn a_log_of_another_network_counts_as_empty() {
    let (disk, mut wal) = new_wal();
    log(&mut wal, 1, &[b"one"]);
    let shared: Arc<dyn Disk> = Arc::new(disk);
    let wal = Wal::open(&shared, &[8; 32], &Latch::default()).unwrap();
    assert_eq!(wal.height(), 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn no_bytes_panic_the_log(
        garbage in proptest::collection::vec(any::<u8>(), 0..400),
        offset in 0u64..120,
    ) {
        let (disk, mut wal) = new_wal();
        log(&mut wal, 1, &[b"one", b"two", b"three"]);
        disk.open(WAL_FILE).unwrap().write(offset, &garbage).unwrap();
        let mut wal = open(&disk);
        let whole: [&[u8]; 3] = [b"one", b"two", b"three"];
        let entries = wal.entries(1).unwrap();
        prop_assert!(entries.len() <= 3);
        prop_assert!(entries.iter().zip(whole).all(|(found, wrote)| found == wrote));
        wal.start(1).unwrap();
        wal.append(1, b"more").unwrap();
        wal.flush().unwrap();
        let entries = wal.entries(1).unwrap();
        prop_assert_eq!(entries.last().map(Vec::as_slice), Some(&b"more"[..]));
    }

    #[test]
    fn a_crash_keeps_the_flushed_entries_and_at_most_a_prefix_of_the_rest(
        flushed in 0usize..5,
        buffered in 1usize..5,
        size in 0usize..1500,
        seed in any::<u64>(),
    ) {
        let (disk, mut wal) = new_wal();
        log(&mut wal, 1, &[&[9; 700], &[8; 900]]);
        let entry = |number: usize| vec![number as u8; size + number];
        wal.start(2).unwrap();
        for number in 0..flushed {
            wal.append(2, &entry(number)).unwrap();
        }
        wal.flush().unwrap();
        disk.keep_history();
        for number in flushed..flushed + buffered {
            wal.append(2, &entry(number)).unwrap();
        }
        wal.flush().unwrap();
        let mut history = disk.history();
        loop {
            let found = open(&history.crash(Survival::Sectors(seed))).entries(2).unwrap();
            prop_assert!(found.len() >= flushed && found.len() <= flushed + buffered);
            for (number, found) in found.iter().enumerate() {
                prop_assert_eq!(found, &entry(number));
            }
            if !history.step() {
                break;
            }
        }
    }
}
