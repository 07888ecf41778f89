//! A disk in memory that loses power: deterministic, seeded, as cruel as the real one may be.
//!
//! It knows two truths about every file: what a running program reads (all writes), and what is
//! durable (writes up to the file's last sync; names up to the folder's last sync). After a crash
//! the durable part is there, and of the rest whatever a [`Survival`] lets through: nothing,
//! everything, some writes and not the earlier ones, or some 512-byte sectors of some writes. It
//! can also be full, or fail to sync.
//!
//! All of the store's real code runs on it, redb included, in this room's sweep of crash points
//! and in the simulation of whole networks. Must never: use a clock or a source of randomness.
//! Read next: `sim_image.rs`, which applies operations to images.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use redb::StorageBackend;

use super::disk::Disk;
use super::sim_image::{FileId, Image, Operation, Replay};

/// What of the unsynced operations is on the disk after a crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Survival {
    /// Nothing that was not synced.
    Nothing,
    /// All of it: the process died, the machine went on.
    Everything,
    /// Of each file only the newest write: the disk reordered the others behind it.
    Newest,
    /// Each write by itself, by the toss of a coin with this seed.
    Writes(u64),
    /// Each 512-byte sector of each write by itself: torn writes.
    Sectors(u64),
}

/// The simulated disk. Clones are handles to the same disk.
#[derive(Clone, Debug, Default)]
pub struct SimDisk {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    /// What a running program sees.
    seen: Image,
    /// What is durable, and what waits for a sync.
    replay: Replay,
    next_file: u64,
    /// Calls so far that changed something or tried to.
    operations: u64,
    /// The start and all operations since, when they are kept.
    history: Option<(Replay, Vec<Operation>)>,
    /// Bytes that may still be written before the disk is full.
    space_bytes: Option<u64>,
    /// Syncs that still succeed before they fail.
    good_syncs: Option<u64>,
    /// Syncs report success and save nothing.
    lies: bool,
}

impl SimDisk {
    /// An empty disk.
    pub fn new() -> Self {
        Self::default()
    }

    /// A disk that holds an image, all of it durable.
    fn over(image: Image) -> Self {
        let state = State {
            next_file: image.highest_file() + 1,
            seen: image.clone(),
            replay: Replay::over(image),
            ..State::default()
        };
        Self {
            state: Arc::new(Mutex::new(state)),
        }
    }

    /// The disk as it is found after the power fails now. This disk goes on for itself.
    pub fn crash(&self, survival: Survival) -> Self {
        Self::over(self.lock().replay.image(survival))
    }

    /// A disk as this one is, but with the other one's guard of what was signed: what a folder is when it is put back
    /// from a backup that leaves `signed.guard` alone.
    pub fn with_guard_of(&self, other: &Self) -> Self {
        let guard = other.lock().replay.image(Survival::Everything);
        let mut image = self.lock().replay.image(Survival::Everything);
        image.put_copy(super::guard::GUARD_FILE, &guard);
        Self::over(image)
    }

    /// Keeps every operation from now on, for [`SimDisk::history`].
    pub fn keep_history(&self) {
        let mut state = self.lock();
        state.history = Some((state.replay.clone(), Vec::new()));
    }

    /// The operations kept since [`SimDisk::keep_history`], to crash at each of them; empty when
    /// none were kept.
    pub fn history(&self) -> History {
        let (replay, operations) = self.lock().history.clone().unwrap_or_default();
        History {
            replay,
            operations: operations.into(),
            point: 0,
        }
    }

    /// How many calls changed the disk or tried to, failed ones included.
    pub fn operations(&self) -> u64 {
        self.lock().operations
    }

    /// How many operations the history holds: the crash point that is now.
    pub fn kept_operations(&self) -> u64 {
        let state = self.lock();
        (state.history.as_ref()).map_or(0, |(_, operations)| operations.len() as u64)
    }

    /// The disk is full after so many more bytes: the write that reaches the limit writes up to it
    /// and fails, like every one after.
    pub fn full_after(&self, bytes: u64) {
        self.lock().space_bytes = Some(bytes);
    }

    /// Bytes that can still be written; `None` without a limit.
    pub fn space_left_bytes(&self) -> Option<u64> {
        self.lock().space_bytes
    }

    /// After so many more syncs (of files or of the folder) every sync fails. What a failed sync
    /// should have saved is never durable, not even after a later one that succeeds.
    pub fn fail_syncs_after(&self, syncs: u64) {
        self.lock().good_syncs = Some(syncs);
    }

    /// From now on syncs report success and save nothing: for tests that have to notice it.
    pub fn lie_about_syncs(&self) {
        self.lock().lies = true;
    }

    /// Takes away what [`SimDisk::full_after`], [`SimDisk::fail_syncs_after`] and
    /// [`SimDisk::lie_about_syncs`] did. What was not saved stays unsaved until the next sync.
    pub fn mend(&self) {
        let mut state = self.lock();
        state.lies = false;
        state.space_bytes = None;
        state.good_syncs = None;
    }

    /// Flips one bit of a file, durably: decay, or somebody's editor. No such byte: nothing happens.
    pub fn flip_bit(&self, name: &str, offset: u64) {
        let mut state = self.lock();
        let Some(file) = state.seen.find(name) else {
            return;
        };
        let mut byte = [0];
        if state.seen.read(file, offset, &mut byte) {
            byte[0] ^= 1;
            state.act(Operation::write(file, offset, &byte));
            state.act(Operation::Sync(file));
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The lock, for a call that changes something: counted.
    fn change(&self) -> MutexGuard<'_, State> {
        let mut state = self.lock();
        state.operations += 1;
        state
    }

    fn handle(&self, file: FileId) -> Box<dyn StorageBackend> {
        Box::new(SimFile {
            disk: self.clone(),
            file,
        })
    }
}

impl State {
    fn act(&mut self, operation: Operation) {
        self.seen.apply(&operation);
        if let Some((_, operations)) = &mut self.history {
            operations.push(operation.clone());
        }
        self.replay.step(operation);
    }

    /// A sync, unless it is one that fails.
    fn sync(&mut self, good: Operation, bad: Operation) -> io::Result<()> {
        match &mut self.good_syncs {
            _ if self.lies => Ok(()),
            Some(0) => {
                self.act(bad);
                Err(io::Error::other("simulated sync failure"))
            }
            Some(left) => {
                *left -= 1;
                self.act(good);
                Ok(())
            }
            None => {
                self.act(good);
                Ok(())
            }
        }
    }

    /// How much of a write of so many bytes fits.
    fn take_space(&mut self, bytes: u64) -> u64 {
        match &mut self.space_bytes {
            Some(left) => {
                let fits = bytes.min(*left);
                *left -= fits;
                fits
            }
            None => bytes,
        }
    }
}

fn full() -> io::Error {
    io::Error::new(io::ErrorKind::StorageFull, "simulated disk is full")
}

fn absent(name: &str) -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, format!("no file {name}"))
}

impl Disk for SimDisk {
    fn open(&self, name: &str) -> io::Result<Box<dyn StorageBackend>> {
        let file = self.lock().seen.find(name).ok_or_else(|| absent(name))?;
        Ok(self.handle(file))
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn StorageBackend>> {
        let mut state = self.change();
        if state.space_bytes == Some(0) {
            return Err(full());
        }
        // An old file of the name is truncated in place, as O_TRUNC does.
        let file = match state.seen.find(name) {
            Some(file) => {
                state.act(Operation::SetLen(file, 0));
                file
            }
            None => {
                state.next_file += 1;
                let file = FileId(state.next_file);
                state.act(Operation::Create(name.to_owned(), file));
                file
            }
        };
        drop(state);
        Ok(self.handle(file))
    }

    fn exists(&self, name: &str) -> io::Result<bool> {
        Ok(self.lock().seen.find(name).is_some())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.change();
        state.seen.find(from).ok_or_else(|| absent(from))?;
        state.act(Operation::Rename(from.to_owned(), to.to_owned()));
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.change();
        state.seen.find(name).ok_or_else(|| absent(name))?;
        state.act(Operation::Remove(name.to_owned()));
        Ok(())
    }

    fn sync_folder(&self) -> io::Result<()> {
        self.change()
            .sync(Operation::SyncFolder, Operation::FailedSyncFolder)
    }

    fn describe(&self, name: &str) -> String {
        format!("simulated:{name}")
    }
}

/// A handle to one file.
#[derive(Debug)]
struct SimFile {
    disk: SimDisk,
    file: FileId,
}

impl StorageBackend for SimFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.disk.lock().seen.len(self.file))
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        if self.disk.lock().seen.read(self.file, offset, out) {
            Ok(())
        } else {
            Err(io::ErrorKind::UnexpectedEof.into())
        }
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut state = self.disk.change();
        if state.space_bytes == Some(0) && len > state.seen.len(self.file) {
            return Err(full());
        }
        state.act(Operation::SetLen(self.file, len));
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        self.disk
            .change()
            .sync(Operation::Sync(self.file), Operation::FailedSync(self.file))
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut state = self.disk.change();
        let fits = state.take_space(data.len() as u64) as usize;
        if fits > 0 {
            state.act(Operation::write(self.file, offset, &data[..fits]));
        }
        if fits == data.len() {
            Ok(())
        } else {
            Err(full())
        }
    }
}

/// The kept operations of a disk, to be walked one by one: before and after each, the power can
/// fail.
#[derive(Clone, Debug)]
pub struct History {
    replay: Replay,
    operations: VecDeque<Operation>,
    point: u64,
}

impl History {
    /// How many operations have been walked: a crash point.
    pub fn point(&self) -> u64 {
        self.point
    }

    /// The disk as it is found after a crash at this point.
    pub fn crash(&self, survival: Survival) -> SimDisk {
        SimDisk::over(self.replay.image(survival))
    }

    /// Walks one operation; false at the end.
    pub fn step(&mut self) -> bool {
        let Some(operation) = self.operations.pop_front() else {
            return false;
        };
        self.replay.step(operation);
        self.point += 1;
        true
    }
}

#[cfg(test)]
#[path = "sim_disk_tests.rs"]
mod tests;
