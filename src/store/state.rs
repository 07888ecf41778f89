//! `state.redb`: the last checkpoint of the state and the indexes that go with it, always of one
//! and the same height because one transaction writes them all.
//!
//! Tables: `state` key -> value; `blocks` height -> where its record begins in the block log; `transactions` id -> place; `activities` address 32 | seq u64 ->
//! place | chain head 32; `meta` with the checkpoint's height u64 and root 32. A place is height
//! u64 | position u32. Integers big-endian.
//!
//! Must never: mix two heights. Read next: `checkpoint.rs`.

use std::sync::Arc;

use redb::{ReadTransaction, ReadableTable, TableDefinition};

use super::database::{Database, Kind, META};
use super::disk::Disk;
use super::error::{Latch, StoreError};
use super::overlay::{ActivityKey, ActivityPlace, Frozen, Place};

/// The checkpoint's file.
pub(super) const STATE: Kind = Kind {
    file: "state.redb",
    next: "remove it and start again: it is rebuilt from blocks.log",
};

const STATE_TABLE: TableDefinition<'static, &[u8], &[u8]> = TableDefinition::new("state");
const BLOCKS: TableDefinition<'static, u64, u64> = TableDefinition::new("blocks");
const TRANSACTIONS: TableDefinition<'static, &[u8; 32], &[u8; 12]> =
    TableDefinition::new("transactions");
const ACTIVITIES: TableDefinition<'static, &[u8; 40], &[u8; 44]> =
    TableDefinition::new("activities");
const CHECKPOINT_KEY: &str = "checkpoint";

/// A checkpoint's height and the state's root at that height.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The height whose state it is.
    pub height: u64,
    /// The state's root, which the caller holds against the certified header.
    pub root: [u8; 32],
}

/// The open checkpoint file.
#[derive(Debug)]
pub(super) struct StateFile {
    database: Database,
}

impl StateFile {
    /// Creates the file without a checkpoint.
    pub fn create(
        disk: &Arc<dyn Disk>,
        genesis: &[u8; 32],
        latch: &Latch,
    ) -> Result<(), StoreError> {
        Database::create(disk, STATE, genesis, latch, |transaction| {
            transaction.open_table(STATE_TABLE)?;
            transaction.open_table(BLOCKS)?;
            transaction.open_table(TRANSACTIONS)?;
            transaction.open_table(ACTIVITIES)?;
            Ok(())
        })
    }

    /// Opens the file. Whether the block log holds what it is a checkpoint of, the log tells.
    pub fn open(
        disk: &Arc<dyn Disk>,
        genesis: &[u8; 32],
        latch: &Latch,
    ) -> Result<Self, StoreError> {
        Ok(Self {
            database: Database::open(disk, STATE, genesis, latch)?,
        })
    }

    /// The checkpoint's height, and where its block begins in the block log; `None` before the first.
    pub fn place_in_log(&self) -> Result<Option<(u64, u64)>, StoreError> {
        let Some(Checkpoint { height, .. }) = self.checkpoint()? else {
            return Ok(None);
        };
        match self.block(height)? {
            Some(offset) => Ok(Some((height, offset))),
            None => Err(self
                .database
                .damaged("it does not tell where its checkpoint's block is")),
        }
    }

    /// The checkpoint's height and root; `None` before the first.
    pub fn checkpoint(&self) -> Result<Option<Checkpoint>, StoreError> {
        let mark = self.database.read(mark)?;
        self.parse(mark)
    }

    fn parse(&self, mark: Option<Vec<u8>>) -> Result<Option<Checkpoint>, StoreError> {
        let Some(bytes) = mark else {
            return Ok(None);
        };
        let fields = bytes
            .split_first_chunk::<8>()
            .and_then(|(height, root)| Some((height, <[u8; 32]>::try_from(root).ok()?)));
        match fields {
            Some((height, root)) => Ok(Some(Checkpoint {
                height: u64::from_be_bytes(*height),
                root,
            })),
            None => Err(self.database.damaged("its checkpoint mark is malformed")),
        }
    }

    /// Writes a checkpoint: state, indexes and mark in one transaction.
    pub fn write(&self, frozen: &Frozen) -> Result<(), StoreError> {
        self.database.write("write a checkpoint to", |transaction| {
            let mut state = transaction.open_table(STATE_TABLE)?;
            for (key, value) in &frozen.changes {
                match value {
                    Some(value) => drop(state.insert(key.as_slice(), value.as_slice())?),
                    None => drop(state.remove(key.as_slice())?),
                }
            }
            let mut blocks = transaction.open_table(BLOCKS)?;
            for (height, offset) in &frozen.layer.blocks {
                blocks.insert(height, offset)?;
            }
            let mut transactions = transaction.open_table(TRANSACTIONS)?;
            for (id, place) in frozen.layer.transactions() {
                transactions.insert(id, &encode(*place))?;
            }
            let mut activities = transaction.open_table(ACTIVITIES)?;
            for (key, activity) in frozen.layer.activities() {
                activities.insert(key, &encode_activity(activity))?;
            }
            let mut mark = frozen.height.to_be_bytes().to_vec();
            mark.extend_from_slice(&frozen.root);
            transaction
                .open_table(META)?
                .insert(CHECKPOINT_KEY, mark.as_slice())?;
            Ok(())
        })
    }

    /// Hands every key and value of the checkpoint over, in the order of the keys, and tells which
    /// checkpoint it is; one view, so that a checkpoint written meanwhile is not mixed in.
    pub fn load(
        &self,
        mut each: impl FnMut(&[u8], &[u8]),
    ) -> Result<Option<Checkpoint>, StoreError> {
        let mark = self.database.read(|transaction| {
            for entry in transaction.open_table(STATE_TABLE)?.iter()? {
                let (key, value) = entry?;
                each(key.value(), value.value());
            }
            mark(transaction)
        })?;
        self.parse(mark)
    }

    /// Where the record of a height begins in the block log.
    pub fn block(&self, height: u64) -> Result<Option<u64>, StoreError> {
        self.database.read(|transaction| {
            let table = transaction.open_table(BLOCKS)?;
            Ok(table.get(height)?.map(|offset| offset.value()))
        })
    }

    /// Where a transaction stands.
    pub fn transaction(&self, id: &[u8; 32]) -> Result<Option<Place>, StoreError> {
        self.database.read(|transaction| {
            let table = transaction.open_table(TRANSACTIONS)?;
            Ok(table.get(id)?.map(|place| decode(place.value())))
        })
    }

    /// Where an account's activity stands.
    pub fn activity(&self, key: &ActivityKey) -> Result<Option<ActivityPlace>, StoreError> {
        self.database.read(|transaction| {
            let table = transaction.open_table(ACTIVITIES)?;
            Ok(table.get(key)?.map(|value| decode_activity(value.value())))
        })
    }
}

fn mark(transaction: &ReadTransaction) -> Result<Option<Vec<u8>>, redb::Error> {
    let meta = transaction.open_table(META)?;
    Ok(meta
        .get(CHECKPOINT_KEY)?
        .map(|value| value.value().to_vec()))
}

fn encode(place: Place) -> [u8; 12] {
    let mut bytes = [0; 12];
    bytes[..8].copy_from_slice(&place.height.to_be_bytes());
    bytes[8..].copy_from_slice(&place.position.to_be_bytes());
    bytes
}

fn decode(bytes: &[u8; 12]) -> Place {
    let (height, position) = bytes.split_first_chunk::<8>().expect("12 bytes hold 8");
    Place {
        height: u64::from_be_bytes(*height),
        position: u32::from_be_bytes(position.try_into().expect("12 - 8 is 4")),
    }
}

fn encode_activity(activity: &ActivityPlace) -> [u8; 44] {
    let mut bytes = [0; 44];
    bytes[..12].copy_from_slice(&encode(activity.place));
    bytes[12..].copy_from_slice(&activity.head);
    bytes
}

fn decode_activity(bytes: &[u8; 44]) -> ActivityPlace {
    let (place, head) = bytes.split_first_chunk::<12>().expect("44 bytes hold 12");
    ActivityPlace {
        place: decode(place),
        head: head.try_into().expect("44 - 12 is 32"),
    }
}
