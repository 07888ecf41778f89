//! `wal.log`: the consensus write-ahead log of the height in progress.
//!
//! What consensus heard and signed is appended here and flushed before anything signed leaves the
//! node (law 2 of consensus), and read back after a crash so that the node repeats itself instead
//! of contradicting itself.
//!
//! Record (integers big-endian): payload length u32 | check 8 | height u64 | payload. The check is
//! tagged SHA-256, cut to eight bytes, over the check of the record before, the length, the height
//! and the payload; the first record's predecessor is a seed from genesis hash and height. So a
//! record counts only in its own place behind its own predecessors: starting a height is just
//! writing from offset 0 again, without truncating, syncing or erasing, and what is left of older
//! heights behind the new records can never be taken for one of them. The file keeps its size, so
//! that a flush is one overwrite in place and one data sync.
//!
//! Must never: report a flush that is not on the disk. Read next: `guard.rs`, the second line.

use std::io;
use std::sync::Arc;

use redb::StorageBackend;

use super::checksum::{CHECK_SIZE, Check, check};
use super::disk::{Disk, create_whole, open_latched};
use super::error::{Latch, StoreError};
use super::latched::LatchedFile;

/// The log's file name.
pub(super) const WAL_FILE: &str = "wal.log";
/// Largest payload of one entry, in bytes: a proposal with its block fits.
pub const WAL_ENTRY_LIMIT_BYTES: usize = 8 << 20;
/// Largest log of one height, in bytes.
pub const WAL_LIMIT_BYTES: u64 = 64 << 20;

const HEADER_SIZE: usize = 4 + CHECK_SIZE + 8;
/// The file grows by this much, written with zeros, so that flushes need not allocate.
const GROWTH_BYTES: u64 = 64 << 10;
const TAG: &str = "natcoin/store/wal";
const SEED_TAG: &str = "natcoin/store/wal-seed";

/// The open log.
#[derive(Debug)]
pub(super) struct Wal {
    file: LatchedFile,
    latch: Latch,
    genesis: [u8; 32],
    height: u64,
    /// Offset behind the last flushed record.
    end: u64,
    /// Size of the file.
    size: u64,
    /// The check of the last record, buffered ones included.
    chain: Check,
    /// Records that wait for the flush.
    buffer: Vec<u8>,
}

impl Wal {
    /// Creates an empty log, crash-atomically.
    pub fn create(disk: &Arc<dyn Disk>, latch: &Latch) -> Result<(), StoreError> {
        create_whole(disk, WAL_FILE, latch, |file| {
            file.write_durably(0, &vec![0; GROWTH_BYTES as usize])?;
            Ok(())
        })
    }

    /// Opens the log and cuts it behind its last whole record.
    pub fn open(
        disk: &Arc<dyn Disk>,
        genesis: &[u8; 32],
        latch: &Latch,
    ) -> Result<Self, StoreError> {
        let file = open_latched(disk, WAL_FILE, latch)?;
        let scan = scan(&file, genesis, |_| ())?;
        let size = grown(scan.end);
        let cut = || -> io::Result<()> {
            // Order: what lies behind the last whole record is gone from the disk before a new one
            // is appended. Else a repeated record could make a lost follower of it count again.
            file.set_len(scan.end)?;
            file.write(scan.end, &vec![0; (size - scan.end) as usize])?;
            file.sync_data()
        };
        cut().map_err(|cause| file.fault("cut", &cause))?;
        Ok(Self {
            file,
            latch: latch.clone(),
            genesis: *genesis,
            height: scan.height,
            end: scan.end,
            size,
            chain: scan.chain,
            buffer: Vec::new(),
        })
    }

    /// Begins a height: entries of every other height are dropped. The same height goes on.
    pub fn start(&mut self, height: u64) -> Result<(), StoreError> {
        self.latch.check()?;
        if height != self.height {
            self.height = height;
            self.end = 0;
            self.chain = seed(&self.genesis, height);
            self.buffer.clear();
        }
        Ok(())
    }

    /// Adds an entry to the buffer; durable after [`Wal::flush`].
    pub fn append(&mut self, height: u64, payload: &[u8]) -> Result<(), StoreError> {
        self.latch.check()?;
        if height != self.height {
            return Err(StoreError::OutOfTurn {
                what: "write-ahead log",
                expected: self.height,
                got: height,
            });
        }
        if payload.len() > WAL_ENTRY_LIMIT_BYTES {
            return Err(StoreError::TooLarge {
                what: "write-ahead log entry",
                size_bytes: payload.len() as u64,
                limit_bytes: WAL_ENTRY_LIMIT_BYTES as u64,
            });
        }
        let after = self.end + (self.buffer.len() + HEADER_SIZE + payload.len()) as u64;
        if after > WAL_LIMIT_BYTES {
            return Err(StoreError::TooLarge {
                what: "write-ahead log of one height",
                size_bytes: after,
                limit_bytes: WAL_LIMIT_BYTES,
            });
        }
        let length = (payload.len() as u32).to_be_bytes();
        let height = height.to_be_bytes();
        self.chain = check(TAG, &[&self.chain, &length, &height, payload]);
        self.buffer.extend_from_slice(&length);
        self.buffer.extend_from_slice(&self.chain);
        self.buffer.extend_from_slice(&height);
        self.buffer.extend_from_slice(payload);
        Ok(())
    }

    /// Makes every appended entry durable.
    pub fn flush(&mut self) -> Result<(), StoreError> {
        self.latch.check()?;
        if self.buffer.is_empty() {
            return Ok(());
        }
        let after = self.end + self.buffer.len() as u64;
        self.write_buffer(after)
            .map_err(|cause| self.file.fault("write", &cause))?;
        self.end = after;
        self.buffer.clear();
        // One huge height must not hold its memory for ever.
        self.buffer.shrink_to(GROWTH_BYTES as usize);
        Ok(())
    }

    fn write_buffer(&mut self, after: u64) -> io::Result<()> {
        let size = self.size.max(grown(after));
        // Order: records first, zeros behind them; the sync covers both.
        self.file.write(self.end, &self.buffer)?;
        if size > self.size {
            self.file.write(after, &vec![0; (size - after) as usize])?;
        }
        self.file.sync_data()?;
        self.size = size;
        Ok(())
    }

    /// The height that the log is of (0 before the first).
    pub fn height(&self) -> u64 {
        self.height
    }

    /// The flushed entries of a height, oldest first; none when the log is of another height.
    pub fn entries(&self, height: u64) -> Result<Vec<Vec<u8>>, StoreError> {
        let mut entries = Vec::new();
        if height == self.height && self.end > 0 {
            scan(&self.file, &self.genesis, |entry| entries.push(entry))?;
        }
        Ok(entries)
    }
}

fn seed(genesis: &[u8; 32], height: u64) -> Check {
    check(SEED_TAG, &[genesis, &height.to_be_bytes()])
}

/// The file's size for so many bytes of records: always at least one byte behind them.
fn grown(end: u64) -> u64 {
    (end / GROWTH_BYTES + 1) * GROWTH_BYTES
}

struct Scan {
    height: u64,
    end: u64,
    chain: Check,
}

/// Walks the whole records from the start of the file to the first that is not one.
fn scan(
    file: &LatchedFile,
    genesis: &[u8; 32],
    mut each: impl FnMut(Vec<u8>),
) -> Result<Scan, StoreError> {
    let unreadable = |cause: io::Error| StoreError::Unreadable {
        file: file.path().to_owned(),
        cause: cause.to_string(),
    };
    let size = file.len().map_err(unreadable)?.min(WAL_LIMIT_BYTES);
    let mut scan = Scan {
        height: 0,
        end: 0,
        chain: seed(genesis, 0),
    };
    loop {
        let mut header = [0; HEADER_SIZE];
        let body = scan.end + HEADER_SIZE as u64;
        if body > size {
            return Ok(scan);
        }
        file.read(scan.end, &mut header).map_err(unreadable)?;
        let (length, rest) = header.split_first_chunk::<4>().expect("20 bytes hold 4");
        let (found, height) = rest.split_first_chunk().expect("16 bytes hold 8");
        let height_bytes: [u8; 8] = height.try_into().expect("20 - 4 - 8 is 8");
        let length_value = u32::from_be_bytes(*length) as usize;
        let height = u64::from_be_bytes(height_bytes);
        // Bounded before allocated: a length that the file cannot hold ends the log.
        if length_value > WAL_ENTRY_LIMIT_BYTES || body + length_value as u64 > size {
            return Ok(scan);
        }
        if scan.end > 0 && height != scan.height {
            return Ok(scan);
        }
        let before = if scan.end == 0 {
            seed(genesis, height)
        } else {
            scan.chain
        };
        let mut payload = vec![0; length_value];
        file.read(body, &mut payload).map_err(unreadable)?;
        let expected = check(TAG, &[&before, length, &height_bytes, &payload]);
        if expected != *found {
            return Ok(scan);
        }
        scan = Scan {
            height,
            end: body + length_value as u64,
            chain: expected,
        };
        each(payload);
    }
}

#[cfg(test)]
#[path = "wal_tests.rs"]
mod tests;
