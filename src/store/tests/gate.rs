//! A checkpoint that is held up in the middle of its write: the rest of the store goes on.

use std::io;
use std::sync::{Condvar, Mutex};
use std::time::Duration;

use redb::StorageBackend;

use super::*;

/// Most that a test waits for another thread.
const DEADLINE: Duration = Duration::from_secs(20);

/// A disk whose checkpoint file syncs only while the gate is open.
#[derive(Clone, Debug)]
struct GatedDisk {
    disk: SimDisk,
    gate: Arc<Gate>,
}

#[derive(Debug, Default)]
struct Gate {
    /// (closed, somebody waits)
    state: Mutex<(bool, bool)>,
    changed: Condvar,
}

impl Gate {
    fn close(&self) {
        self.state.lock().unwrap().0 = true;
    }

    fn open(&self) {
        self.state.lock().unwrap().0 = false;
        self.changed.notify_all();
    }

    /// Waits until a sync stands before the closed gate.
    fn wait_for_a_waiter(&self) {
        let state = self.state.lock().unwrap();
        let (state, _) = self
            .changed
            .wait_timeout_while(state, DEADLINE, |(_, waiting)| !*waiting)
            .unwrap();
        assert!(state.1, "nobody came to the gate");
    }

    fn pass(&self) {
        let mut state = self.state.lock().unwrap();
        state.1 = state.0;
        self.changed.notify_all();
        drop(
            self.changed
                .wait_timeout_while(state, DEADLINE, |(closed, _)| *closed)
                .unwrap(),
        );
    }
}

impl Disk for GatedDisk {
    fn open(&self, name: &str) -> io::Result<Box<dyn StorageBackend>> {
        let file = self.disk.open(name)?;
        Ok(if name == "state.redb" {
            let gate = self.gate.clone();
            Box::new(GatedFile { file, gate })
        } else {
            file
        })
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn StorageBackend>> {
        self.disk.create(name)
    }

    fn exists(&self, name: &str) -> io::Result<bool> {
        self.disk.exists(name)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.disk.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.disk.remove(name)
    }

    fn sync_folder(&self) -> io::Result<()> {
        self.disk.sync_folder()
    }

    fn describe(&self, name: &str) -> String {
        self.disk.describe(name)
    }
}

#[derive(Debug)]
struct GatedFile {
    file: Box<dyn StorageBackend>,
    gate: Arc<Gate>,
}

impl StorageBackend for GatedFile {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.gate.pass();
        self.file.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.file.write(offset, data)
    }
}

#[test]
fn blocks_and_look_ups_go_on_while_a_checkpoint_waits_for_the_disk() {
    let gate = Arc::new(Gate::default());
    let disk = GatedDisk {
        disk: SimDisk::new(),
        gate: gate.clone(),
    };
    let store = Store::open(Arc::new(disk), GENESIS).unwrap();
    for height in 1..=3 {
        store
            .append_block(height, &record(height), &index(height))
            .unwrap();
    }
    // The first checkpoint makes the file grow: redb lets its readers wait while it does.
    let room = StateChanges::from([(b"room".to_vec(), Some(vec![0; 100_000]))]);
    let job = store.begin_checkpoint(checkpoint(1), room).unwrap();
    job.run().unwrap();
    let job = store.begin_checkpoint(checkpoint(2), changes(2)).unwrap();
    gate.close();
    let writer = std::thread::spawn(move || job.run());
    gate.wait_for_a_waiter();

    store.append_block(4, &record(4), &index(4)).unwrap();
    store.wal_start(5).unwrap();
    store.wal_append(5, b"heard").unwrap();
    store.wal_flush().unwrap();
    for height in 1..=4 {
        let place = store.transaction_position(&id(height)).unwrap();
        assert_eq!(place.map(|place| place.height), Some(height));
        let activity = store.activity(&[3; 32], height).unwrap();
        assert_eq!(activity.map(|found| found.place.height), Some(height));
    }
    assert_eq!(store.checkpoint().unwrap(), Some(checkpoint(1)));
    assert!(matches!(
        store.begin_checkpoint(checkpoint(4), changes(4)),
        Err(StoreError::CheckpointBusy { height: 2 })
    ));

    assert!(!writer.is_finished());
    gate.open();
    assert_eq!(writer.join().unwrap().unwrap(), checkpoint(2));
    assert_eq!(store.checkpoint().unwrap(), Some(checkpoint(2)));
    for height in 1..=4 {
        assert!(store.transaction_position(&id(height)).unwrap().is_some());
    }
}
