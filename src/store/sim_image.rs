//! Images of the simulated disk: files as pages that are shared until they are written, and the
//! bookkeeping of what is durable.
//!
//! Must never: apply an operation differently for the running program and for the crash.
//! Read next: `sim_disk.rs`.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::sim_disk::Survival;

const PAGE_SIZE: u64 = 4096;
const SECTOR_SIZE: u64 = 512;

/// A file, whatever its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct FileId(pub u64);

/// What changes a disk.
#[derive(Clone, Debug)]
pub(super) enum Operation {
    Write(FileId, u64, Arc<[u8]>),
    SetLen(FileId, u64),
    Sync(FileId),
    FailedSync(FileId),
    Create(String, FileId),
    Rename(String, String),
    Remove(String),
    SyncFolder,
    FailedSyncFolder,
}

impl Operation {
    pub fn write(file: FileId, offset: u64, data: &[u8]) -> Self {
        Self::Write(file, offset, data.into())
    }

    /// The file whose contents it changes; `None` for operations on names.
    fn file(&self) -> Option<FileId> {
        match self {
            Self::Write(file, ..) | Self::SetLen(file, _) => Some(*file),
            _ => None,
        }
    }
}

/// The contents of a disk. Cloning shares the pages.
#[derive(Clone, Debug, Default)]
pub(super) struct Image {
    names: BTreeMap<String, FileId>,
    files: BTreeMap<FileId, FileImage>,
}

#[derive(Clone, Debug, Default)]
struct FileImage {
    len: u64,
    /// Pages that are not all zero.
    pages: BTreeMap<u64, Arc<[u8; PAGE_SIZE as usize]>>,
}

impl Image {
    /// Puts another image's file in place of our own of that name; if it has none, ours goes too.
    pub fn put_copy(&mut self, name: &str, of: &Self) {
        let copy = of.names.get(name).and_then(|file| of.files.get(file));
        let Some(copy) = copy.cloned() else {
            self.names.remove(name);
            return;
        };
        let file = FileId(self.highest_file() + 1);
        self.files.insert(file, copy);
        self.names.insert(name.to_owned(), file);
    }

    pub fn find(&self, name: &str) -> Option<FileId> {
        self.names.get(name).copied()
    }

    pub fn highest_file(&self) -> u64 {
        self.files.keys().next_back().map_or(0, |file| file.0)
    }

    pub fn len(&self, file: FileId) -> u64 {
        self.files.get(&file).map_or(0, |image| image.len)
    }

    /// Reads; false when it would go beyond the end.
    pub fn read(&self, file: FileId, offset: u64, out: &mut [u8]) -> bool {
        let size = out.len() as u64;
        let Some(image) = self.files.get(&file) else {
            return size == 0;
        };
        if offset.checked_add(size).is_none_or(|end| end > image.len) {
            return false;
        }
        for (page, within, from, to) in pieces(offset, size, PAGE_SIZE) {
            match image.pages.get(&page) {
                Some(bytes) => out[from..to].copy_from_slice(&bytes[within..within + to - from]),
                None => out[from..to].fill(0),
            }
        }
        true
    }

    pub fn apply(&mut self, operation: &Operation) {
        match operation {
            Operation::Write(file, offset, data) => {
                self.files.entry(*file).or_default().write(*offset, data);
            }
            Operation::SetLen(file, len) => self.files.entry(*file).or_default().set_len(*len),
            Operation::Create(name, file) => {
                self.names.insert(name.clone(), *file);
                self.files.entry(*file).or_default();
            }
            Operation::Rename(from, to) => {
                if let Some(file) = self.names.remove(from) {
                    self.names.insert(to.clone(), file);
                }
            }
            Operation::Remove(name) => {
                self.names.remove(name);
            }
            Operation::Sync(_)
            | Operation::FailedSync(_)
            | Operation::SyncFolder
            | Operation::FailedSyncFolder => {}
        }
    }
}

impl FileImage {
    fn write(&mut self, offset: u64, data: &[u8]) {
        for (page, within, from, to) in pieces(offset, data.len() as u64, PAGE_SIZE) {
            let bytes = self
                .pages
                .entry(page)
                .or_insert_with(|| Arc::new([0; PAGE_SIZE as usize]));
            Arc::make_mut(bytes)[within..within + to - from].copy_from_slice(&data[from..to]);
        }
        self.len = self.len.max(offset + data.len() as u64);
    }

    fn set_len(&mut self, len: u64) {
        if len < self.len {
            drop(self.pages.split_off(&len.div_ceil(PAGE_SIZE)));
            // What grows again must read as zeros.
            if let Some(bytes) = self.pages.get_mut(&(len / PAGE_SIZE)) {
                Arc::make_mut(bytes)[(len % PAGE_SIZE) as usize..].fill(0);
            }
        }
        self.len = len;
    }
}

/// Cuts a range at the boundaries of units: (unit, offset within it, start and end in the data).
fn pieces(offset: u64, size: u64, unit: u64) -> impl Iterator<Item = (u64, usize, usize, usize)> {
    let mut done = 0;
    std::iter::from_fn(move || {
        if done == size {
            return None;
        }
        let at = offset + done;
        let within = at % unit;
        let take = (unit - within).min(size - done);
        let piece = (
            at / unit,
            within as usize,
            done as usize,
            (done + take) as usize,
        );
        done += take;
        Some(piece)
    })
}

/// What is durable, and what is not yet.
#[derive(Clone, Debug, Default)]
pub(super) struct Replay {
    durable: Image,
    /// Operations that wait for a sync, in their order.
    pending: Vec<Operation>,
    /// Operations whose sync failed: they may be on the disk, and no later sync vouches for them.
    doubtful: Vec<Operation>,
}

impl Replay {
    pub fn over(durable: Image) -> Self {
        Self {
            durable,
            ..Self::default()
        }
    }

    pub fn step(&mut self, operation: Operation) {
        match operation {
            Operation::Sync(file) => {
                for operation in self.take(|pending| pending.file() == Some(file)) {
                    self.durable.apply(&operation);
                }
            }
            Operation::SyncFolder => {
                for operation in self.take(|pending| pending.file().is_none()) {
                    self.durable.apply(&operation);
                }
            }
            Operation::FailedSync(file) => {
                let lost = self.take(|pending| pending.file() == Some(file));
                self.doubtful.extend(lost);
            }
            Operation::FailedSyncFolder => {
                let lost = self.take(|pending| pending.file().is_none());
                self.doubtful.extend(lost);
            }
            other => self.pending.push(other),
        }
    }

    fn take(&mut self, which: impl Fn(&Operation) -> bool) -> Vec<Operation> {
        self.pending
            .extract_if(.., |operation| which(operation))
            .collect()
    }

    /// What is found after a crash now.
    pub fn image(&self, survival: Survival) -> Image {
        let mut image = self.durable.clone();
        let unsynced: Vec<&Operation> = self.doubtful.iter().chain(&self.pending).collect();
        let mut coin = Coin::new(match survival {
            Survival::Writes(seed) | Survival::Sectors(seed) => seed,
            _ => 0,
        });
        // Names survive in the order in which they changed (file systems journal them); contents
        // need not.
        let mut names_survive = true;
        for (position, operation) in unsynced.iter().enumerate() {
            let is_newest = unsynced[position + 1..]
                .iter()
                .all(|later| later.file() != operation.file());
            if operation.file().is_none() {
                names_survive &= match survival {
                    Survival::Nothing | Survival::Newest => false,
                    Survival::Everything => true,
                    Survival::Writes(_) | Survival::Sectors(_) => coin.toss(),
                };
                if names_survive {
                    image.apply(operation);
                }
                continue;
            }
            match survival {
                Survival::Nothing => {}
                Survival::Everything => image.apply(operation),
                Survival::Newest if is_newest => image.apply(operation),
                Survival::Newest => {}
                Survival::Writes(_) => {
                    if coin.toss() {
                        image.apply(operation);
                    }
                }
                Survival::Sectors(_) => tear(&mut image, operation, &mut coin),
            }
        }
        image
    }
}

fn tear(image: &mut Image, operation: &Operation, coin: &mut Coin) {
    match operation {
        Operation::Write(file, offset, data) => {
            for (_, _, from, to) in pieces(*offset, data.len() as u64, SECTOR_SIZE) {
                if coin.toss() {
                    image.apply(&Operation::write(
                        *file,
                        offset + from as u64,
                        &data[from..to],
                    ));
                }
            }
        }
        other => {
            if coin.toss() {
                image.apply(other);
            }
        }
    }
}

/// SplitMix64: small, seeded, the same everywhere.
struct Coin(u64);

impl Coin {
    fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn toss(&mut self) -> bool {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) & 1 == 1
    }
}
