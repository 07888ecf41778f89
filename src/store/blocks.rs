//! `blocks.redb`: the block log, one durable commit a height. It is the truth of the store: what
//! else lies in the folder (except the guard) can be rebuilt from it.
//!
//! Value: checksum 8 | record; the checksum is tagged SHA-256 over height and record, cut to eight
//! bytes, so that a decayed record is named instead of decoded.
//!
//! Must never: hold a gap. Read next: `state.rs`.

use std::sync::Arc;

use redb::{ReadableTable, ReadableTableMetadata, TableDefinition};

use super::checksum::{CHECK_SIZE, check};
use super::database::{Database, Failure, Kind, contain};
use super::disk::Disk;
use super::error::{Latch, StoreError};

/// The block log's file.
pub(super) const BLOCKS: Kind = Kind {
    file: "blocks.redb",
    next: "restore it from a backup, or remove blocks.redb and state.redb (never signed.guard) and let the node catch up from its peers",
};
/// Largest record (a block with its certificate), in bytes.
pub const RECORD_LIMIT_BYTES: usize = 32 << 20;

const TABLE: TableDefinition<'static, u64, &[u8]> = TableDefinition::new("blocks");
const TAG: &str = "natcoin/store/block";

/// The open block log.
#[derive(Debug)]
pub(super) struct BlockLog {
    database: Database,
}

impl BlockLog {
    /// Creates the empty log.
    pub fn create(
        disk: &Arc<dyn Disk>,
        genesis: &[u8; 32],
        latch: &Latch,
    ) -> Result<(), StoreError> {
        Database::create(disk, BLOCKS, genesis, latch, |transaction| {
            transaction.open_table(TABLE)?;
            Ok(())
        })
    }

    /// Opens the log and finds its tip (0 when it is empty).
    pub fn open(
        disk: &Arc<dyn Disk>,
        genesis: &[u8; 32],
        latch: &Latch,
    ) -> Result<(Self, u64), StoreError> {
        let database = Database::open(disk, BLOCKS, genesis, latch)?;
        let (count, tip) = database.read(|transaction| {
            let table = transaction.open_table(TABLE)?;
            let tip = table.last()?.map_or(0, |(height, _)| height.value());
            Ok((table.len()?, tip))
        })?;
        // Heights go up from 1 without a gap, so the last of them is their number.
        if count != tip {
            return Err(database.damaged(format!("{count} blocks, but the last height is {tip}")));
        }
        Ok((Self { database }, tip))
    }

    /// Appends a record; durable when this returns. The caller keeps the heights in turn.
    pub fn append(&self, height: u64, record: &[u8]) -> Result<(), StoreError> {
        if record.len() > RECORD_LIMIT_BYTES {
            return Err(StoreError::TooLarge {
                what: "block record",
                size_bytes: record.len() as u64,
                limit_bytes: RECORD_LIMIT_BYTES as u64,
            });
        }
        let sum = check(TAG, &[&height.to_be_bytes(), record]);
        self.database.write("append a block to", |transaction| {
            let mut table = transaction.open_table(TABLE)?;
            let mut slot = table.insert_reserve(height, CHECK_SIZE + record.len())?;
            let (head, body) = slot.as_mut().split_at_mut(CHECK_SIZE);
            head.copy_from_slice(&sum);
            body.copy_from_slice(record);
            Ok(())
        })
    }

    /// The record of a height.
    pub fn get(&self, height: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let value = self.database.read(|transaction| {
            let table = transaction.open_table(TABLE)?;
            Ok(table.get(height)?.map(|value| value.value().to_vec()))
        })?;
        value.map(|value| self.checked(height, value)).transpose()
    }

    fn checked(&self, height: u64, mut value: Vec<u8>) -> Result<Vec<u8>, StoreError> {
        match value.split_first_chunk::<CHECK_SIZE>() {
            Some((sum, record)) if *sum == check(TAG, &[&height.to_be_bytes(), record]) => {
                value.drain(..CHECK_SIZE);
                Ok(value)
            }
            _ => Err(self
                .database
                .damaged(format!("the record of height {height} fails its checksum"))),
        }
    }

    /// The records above a height, in order, as of now.
    pub fn after(self: &Arc<Self>, height: u64) -> Result<BlockIter, StoreError> {
        let range = self.database.read(|transaction| {
            let table = transaction.open_table(TABLE)?;
            Ok(table.range(height.saturating_add(1)..)?)
        })?;
        Ok(BlockIter {
            log: self.clone(),
            range: Some(range),
        })
    }
}

/// Records in the order of their heights; ends after the first error.
pub struct BlockIter {
    log: Arc<BlockLog>,
    range: Option<redb::Range<'static, u64, &'static [u8]>>,
}

impl Iterator for BlockIter {
    type Item = Result<(u64, Vec<u8>), StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        let range = self.range.as_mut()?;
        let item = contain(|| match range.next() {
            None => Ok(None),
            Some(entry) => {
                let (height, value) = entry?;
                Ok(Some((height.value(), value.value().to_vec())))
            }
        });
        let item = self.finish(item).transpose()?;
        if item.is_err() {
            self.range = None;
        }
        Some(item)
    }
}

impl BlockIter {
    fn finish(
        &self,
        item: Result<Option<(u64, Vec<u8>)>, Failure>,
    ) -> Result<Option<(u64, Vec<u8>)>, StoreError> {
        match item {
            Ok(None) => Ok(None),
            Ok(Some((height, value))) => Ok(Some((height, self.log.checked(height, value)?))),
            Err(failure) => Err(self.log.database.explain(failure)),
        }
    }
}

impl std::fmt::Debug for BlockIter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BlockIter").finish_non_exhaustive()
    }
}
