//! `blocks.log`: the block log, one append and one data sync a height. It is the truth of the store: what else lies in
//! the folder (except the guard) can be rebuilt from it.
//!
//! Head (52 bytes, integers big-endian): magic `NATBLOCK` | format u32 | genesis 32 | check 8. Then the records, one for
//! each height from 1 on without a gap: payload length u32 | check 8 | height u64 | payload. A check is tagged SHA-256,
//! cut to eight bytes: of the head over all before it, of a record over genesis, length, height and payload. Behind the
//! last record the file is zeros, written ahead, so that an append need not make the file longer.
//!
//! Where the records lie is kept with the checkpoint (`state.rs`) and, for those above it, in the overlay: opening the log
//! reads what is above the checkpoint and no more.
//!
//! A record that is not whole behind the last whole one is what a crash left of an append that nobody was told of; it is
//! cut off. Unless the other files prove that its height was durable: then it has decayed, and that is said.
//!
//! Must never: hold a gap. Read next: `state.rs`.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use redb::StorageBackend;

use super::checksum::{CHECK_SIZE, Check, check, short_hex};
use super::disk::{Disk, create_whole, exists, open_latched};
use super::error::{Latch, StoreError};
use super::latched::LatchedFile;
use crate::mutation::{self, Mutation};

/// The block log's file name.
pub(super) const BLOCKS_FILE: &str = "blocks.log";
/// What the log was before it was a log.
const EARLIER_FILE: &str = "blocks.redb";
/// Largest record (a block with its certificate), in bytes.
pub const RECORD_LIMIT_BYTES: usize = 32 << 20;

/// The latest format that this program reads, and the one it writes.
const FORMAT: u32 = 1;
const MAGIC: &[u8; 8] = b"NATBLOCK";
const HEAD_SIZE: usize = 8 + 4 + 32 + CHECK_SIZE;
const RECORD_HEADER_SIZE: usize = 4 + CHECK_SIZE + 8;
/// The file grows by this much, written with zeros.
const GROWTH_BYTES: u64 = 256 << 10;
const HEAD_TAG: &str = "natcoin/store/block-log";
const TAG: &str = "natcoin/store/block";
const NEXT_STEP: &str = "restore it from a backup, or remove blocks.log and state.redb (never signed.guard) and let the node catch up from its peers";

/// The open block log.
#[derive(Debug)]
pub(super) struct BlockLog {
    file: LatchedFile,
    genesis: [u8; 32],
    room: Mutex<Room>,
}

/// Where the next record goes.
#[derive(Debug)]
struct Room {
    /// Offset behind the last record.
    end: u64,
    /// Size of the file.
    size: u64,
}

/// What the rest of the folder knows about the log.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Known {
    /// The checkpoint's height and where its record begins; `None` before the first.
    pub checkpoint: Option<(u64, u64)>,
    /// Every height up to here was durable once.
    pub durable: u64,
}

/// The log as it was found.
#[derive(Debug)]
pub(super) struct Opened {
    pub log: BlockLog,
    /// The last height; 0 when there is none.
    pub tip: u64,
    /// Where the records above the checkpoint begin, in their order.
    pub offsets: Vec<u64>,
}

impl BlockLog {
    /// Whether the folder has a log.
    ///
    /// Errors: [`StoreError::Superseded`] when it has one of an earlier version.
    pub fn exists(disk: &Arc<dyn Disk>) -> Result<bool, StoreError> {
        let found = exists(disk, BLOCKS_FILE)?;
        if !found && exists(disk, EARLIER_FILE)? {
            return Err(StoreError::Superseded {
                file: disk.describe(EARLIER_FILE),
            });
        }
        Ok(found)
    }

    /// Creates the empty log, crash-atomically.
    pub fn create(
        disk: &Arc<dyn Disk>,
        genesis: &[u8; 32],
        latch: &Latch,
    ) -> Result<(), StoreError> {
        create_whole(disk, BLOCKS_FILE, latch, |file| {
            let mut bytes = head(genesis);
            bytes.resize(GROWTH_BYTES as usize, 0);
            Ok(file.write_durably(0, &bytes)?)
        })
    }

    /// Opens the log, reads what lies above the checkpoint and cuts it behind its last whole record.
    pub fn open(
        disk: &Arc<dyn Disk>,
        genesis: &[u8; 32],
        latch: &Latch,
        known: Known,
    ) -> Result<Opened, StoreError> {
        let file = open_latched(disk, BLOCKS_FILE, latch)?;
        let size = file.len().map_err(|cause| unreadable(&file, &cause))?;
        check_head(&file, size, genesis)?;
        let room = Room {
            end: HEAD_SIZE as u64,
            size,
        };
        let log = Self {
            file,
            genesis: *genesis,
            room: Mutex::new(room),
        };
        let (mut tip, mut end) = match known.checkpoint {
            None => (0, HEAD_SIZE as u64),
            Some((height, offset)) => match log.whole_record(height, offset, size)? {
                Some((_, end)) => (height, end),
                None => {
                    return Err(log.damaged(format!(
                        "it does not hold the block of height {height}, whose checkpoint state.redb is"
                    )));
                }
            },
        };
        let mut offsets = Vec::new();
        while let Some((_, after)) = log.whole_record(tip + 1, end, size)? {
            offsets.push(end);
            (tip, end) = (tip + 1, after);
        }
        log.clear_behind(tip, end, size, known.durable)?;
        Ok(Opened { log, tip, offsets })
    }

    /// Makes sure that nothing but zeros lies behind the last record.
    fn clear_behind(&self, tip: u64, end: u64, size: u64, durable: u64) -> Result<(), StoreError> {
        let mut room = self.room.lock().unwrap_or_else(PoisonError::into_inner);
        room.end = end;
        if self
            .is_clear(end, size)
            .map_err(|cause| unreadable(&self.file, &cause))?
        {
            return Ok(());
        }
        if tip < durable {
            return Err(self.damaged(format!(
                "the record of height {} fails its checksum",
                tip + 1
            )));
        }
        let wanted = grown(end);
        let cut = || -> io::Result<()> {
            // Order: what lies behind the last whole record is gone from the disk before a new one is appended.
            self.file.set_len(end)?;
            self.file.write(end, &vec![0; (wanted - end) as usize])?;
            self.file.sync_data()
        };
        cut().map_err(|cause| self.file.fault("cut", &cause))?;
        room.size = wanted;
        Ok(())
    }

    fn is_clear(&self, mut from: u64, size: u64) -> io::Result<bool> {
        let mut buffer = vec![0; GROWTH_BYTES as usize];
        while from < size {
            let length = (size - from).min(GROWTH_BYTES);
            let part = &mut buffer[..length as usize];
            self.file.read(from, part)?;
            if part.iter().any(|byte| *byte != 0) {
                return Ok(false);
            }
            from += length;
        }
        Ok(true)
    }

    /// Appends records and tells where each begins; all are durable when this returns. The caller keeps the heights in
    /// turn.
    pub fn append(&self, records: &[(u64, &[u8])]) -> Result<Vec<u64>, StoreError> {
        if let Some((_, large)) = records
            .iter()
            .find(|(_, record)| record.len() > RECORD_LIMIT_BYTES)
        {
            return Err(StoreError::TooLarge {
                what: "block record",
                size_bytes: large.len() as u64,
                limit_bytes: RECORD_LIMIT_BYTES as u64,
            });
        }
        let size_of = |(_, record): &(u64, &[u8])| RECORD_HEADER_SIZE + record.len();
        let mut bytes = Vec::with_capacity(records.iter().map(size_of).sum());
        let mut room = self.room.lock().unwrap_or_else(PoisonError::into_inner);
        let begin = room.end;
        let mut offsets = Vec::with_capacity(records.len());
        for (height, record) in records {
            let (length, height) = ((record.len() as u32).to_be_bytes(), height.to_be_bytes());
            offsets.push(begin + bytes.len() as u64);
            bytes.extend_from_slice(&length);
            bytes.extend_from_slice(&self.check(length, height, record));
            bytes.extend_from_slice(&height);
            bytes.extend_from_slice(record);
        }
        let end = begin + bytes.len() as u64;
        let size = room.size.max(grown(end));
        let write = || -> io::Result<()> {
            // Order: the records first, zeros behind them; the sync covers both.
            self.file.write(begin, &bytes)?;
            if size > room.size {
                self.file.write(end, &vec![0; (size - end) as usize])?;
            }
            match mutation::is_on(Mutation::CommitUnsynced) {
                true => Ok(()),
                false => self.file.sync_data(),
            }
        };
        write().map_err(|cause| self.file.fault("append a block to", &cause))?;
        *room = Room { end, size };
        Ok(offsets)
    }

    /// The record of a height, which begins there.
    pub fn read(&self, height: u64, offset: u64) -> Result<Vec<u8>, StoreError> {
        let end = self.room.lock().unwrap_or_else(PoisonError::into_inner).end;
        match self.whole_record(height, offset, end)? {
            Some((record, _)) => Ok(record),
            None => Err(self.damaged(format!("the record of height {height} fails its checksum"))),
        }
    }

    /// The record of a height that begins there, and where it ends; `None` if it is not whole, or another's.
    fn whole_record(
        &self,
        height: u64,
        offset: u64,
        size: u64,
    ) -> Result<Option<(Vec<u8>, u64)>, StoreError> {
        let cannot = |cause: io::Error| unreadable(&self.file, &cause);
        let body = offset.saturating_add(RECORD_HEADER_SIZE as u64);
        if body > size {
            return Ok(None);
        }
        let mut header = [0; RECORD_HEADER_SIZE];
        self.file.read(offset, &mut header).map_err(cannot)?;
        let (length, rest) = header.split_first_chunk::<4>().expect("20 bytes hold 4");
        let (sum, found) = rest.split_first_chunk::<CHECK_SIZE>().expect("16 hold 8");
        let bytes = u32::from_be_bytes(*length);
        let end = body + u64::from(bytes);
        // Bounded before allocated.
        if found != height.to_be_bytes() || bytes as usize > RECORD_LIMIT_BYTES || end > size {
            return Ok(None);
        }
        let mut record = vec![0; bytes as usize];
        self.file.read(body, &mut record).map_err(cannot)?;
        let is_whole = *sum == self.check(*length, height.to_be_bytes(), &record);
        Ok(is_whole.then_some((record, end)))
    }

    fn check(&self, length: [u8; 4], height: [u8; 8], record: &[u8]) -> Check {
        check(TAG, &[&self.genesis, &length, &height, record])
    }

    fn damaged(&self, detail: String) -> StoreError {
        damaged(&self.file, detail)
    }
}

/// The records above a height as of now, in the order of their heights; ends after the first error.
#[derive(Debug)]
pub struct BlockIter {
    log: Arc<BlockLog>,
    height: u64,
    offset: u64,
    tip: u64,
}

impl BlockIter {
    /// The records from a height, which begins there, up to another.
    pub(super) fn new(log: Arc<BlockLog>, height: u64, offset: u64, tip: u64) -> Self {
        Self {
            log,
            height,
            offset,
            tip,
        }
    }
}

impl Iterator for BlockIter {
    type Item = Result<(u64, Vec<u8>), StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.height > self.tip {
            return None;
        }
        let height = self.height;
        match self.log.read(height, self.offset) {
            Ok(record) => {
                self.height += 1;
                self.offset += (RECORD_HEADER_SIZE + record.len()) as u64;
                Some(Ok((height, record)))
            }
            Err(error) => {
                self.tip = 0;
                Some(Err(error))
            }
        }
    }
}

fn head(genesis: &[u8; 32]) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(&FORMAT.to_be_bytes());
    bytes.extend_from_slice(genesis);
    let sum = check(HEAD_TAG, &[&bytes]);
    bytes.extend_from_slice(&sum);
    bytes
}

fn check_head(file: &LatchedFile, size: u64, genesis: &[u8; 32]) -> Result<(), StoreError> {
    if size < HEAD_SIZE as u64 {
        return Err(damaged(file, "it is shorter than its head".to_owned()));
    }
    let mut found = vec![0; HEAD_SIZE];
    file.read(0, &mut found)
        .map_err(|cause| unreadable(file, &cause))?;
    if found == head(genesis) {
        return Ok(());
    }
    let (body, sum) = found.split_at(HEAD_SIZE - CHECK_SIZE);
    let (magic, rest) = body.split_at(MAGIC.len());
    if magic != MAGIC || check(HEAD_TAG, &[body]) != sum {
        return Err(damaged(
            file,
            "its head is not that of a block log".to_owned(),
        ));
    }
    let (format, theirs) = rest.split_first_chunk::<4>().expect("36 bytes hold 4");
    let format = u32::from_be_bytes(*format);
    if format != FORMAT {
        return Err(StoreError::NewerVersion {
            file: file.path().to_owned(),
            found: format,
            known: FORMAT,
        });
    }
    Err(StoreError::ForeignGenesis {
        file: file.path().to_owned(),
        found: short_hex(theirs),
        expected: short_hex(genesis),
    })
}

/// The file's size for so many bytes.
fn grown(end: u64) -> u64 {
    (end / GROWTH_BYTES + 1) * GROWTH_BYTES
}

fn unreadable(file: &LatchedFile, cause: &io::Error) -> StoreError {
    StoreError::Unreadable {
        file: file.path().to_owned(),
        cause: cause.to_string(),
    }
}

fn damaged(file: &LatchedFile, detail: String) -> StoreError {
    StoreError::Damaged {
        file: file.path().to_owned(),
        detail,
        next: NEXT_STEP,
    }
}
