//! Memory: block log, checkpoints, indexes, write-ahead log, guard.
//!
//! The room works on bytes: it does not know what a block or an account is. It is synchronous; one
//! thread (the replica's) writes, any number read through clones of the same [`Store`].
//!
//! | file | what | when durable |
//! |---|---|---|
//! | `blocks.log` | the records (block and certificate) of all heights: the truth | before `append_blocks` returns |
//! | `state.redb` | checkpoint of the state, indexes | behind, by [`CheckpointJob::run`] |
//! | `wal.log` | consensus inputs of the height in progress | before `wal_flush` returns |
//! | `signed.guard` | the last thing signed | before `guard_record` returns |
//! | `lock` | one process a folder ([`FolderDisk`]) | |
//!
//! The start of a node: [`Store::open`], [`Store::load_checkpoint`], then for each of
//! [`Store::blocks_after`] the checkpoint execute it again and [`Store::reindex`] it, hold the root
//! against the certified header; then `wal_start(tip + 1)` and replay [`Store::wal_entries`].
//!
//! Must never: acknowledge what is not durable, or touch a disk that failed once.
//! Read next: `disk.rs` (what lies beneath), `error.rs`, `wal.rs`, `guard.rs`.

mod blocks;
mod checkpoint;
mod checksum;
mod database;
mod disk;
mod error;
mod guard;
mod inner;
mod latched;
mod overlay;
mod sim_disk;
mod sim_image;
mod state;
mod wal;

use std::sync::{Arc, Weak};

pub use blocks::{BlockIter, RECORD_LIMIT_BYTES};
pub use checkpoint::CheckpointJob;
pub use disk::{Disk, FolderDisk};
pub use error::{Fault, StoreError};
pub use guard::{GuardMark, SignedStep};
pub use overlay::{ActivityEntry, ActivityPlace, BlockIndex, NewBlock, Place, StateChanges};
pub use sim_disk::{History, SimDisk, Survival};
pub use state::Checkpoint;
pub use wal::{WAL_ENTRY_LIMIT_BYTES, WAL_LIMIT_BYTES};

use inner::Inner;
use overlay::activity_key;

/// A node's store. Cheap to clone; all clones are one store.
///
/// After any failed write or sync every changing call returns the same [`Fault`] and the disk is
/// not touched again: stop the node.
#[derive(Clone, Debug)]
pub struct Store {
    inner: Arc<Inner>,
}

/// A way to a [`Store`] for as long as somebody else keeps it open.
#[derive(Clone, Debug)]
pub struct WeakStore {
    inner: Weak<Inner>,
}

impl WeakStore {
    /// The store; `None` once it is closed.
    pub fn upgrade(&self) -> Option<Store> {
        let inner = self.inner.upgrade()?;
        Some(Store { inner })
    }
}

impl Store {
    /// A way to this store that does not keep it, nor its folder's lock.
    pub fn weak(&self) -> WeakStore {
        WeakStore {
            inner: Arc::downgrade(&self.inner),
        }
    }

    /// Opens the store on a disk, and creates it where there is none.
    ///
    /// Errors: a file of another genesis, of a later format, damaged or missing its guard; each
    /// names the file and the next step.
    pub fn open(disk: Arc<dyn Disk>, genesis_hash: [u8; 32]) -> Result<Self, StoreError> {
        Ok(Self {
            inner: Arc::new(Inner::open(disk, &genesis_hash)?),
        })
    }

    /// The fault that stopped this store, if one did.
    pub fn fault(&self) -> Option<Fault> {
        self.inner.latch().check().err()
    }

    // ---- blocks ----

    /// Appends the records of the next heights with their index entries, with one write and one sync; all are durable
    /// when this returns.
    ///
    /// Errors, and then nothing is appended: [`StoreError::OutOfTurn`] unless the heights are `tip + 1` and so on, and
    /// every block before is indexed (see [`Store::reindex`]); [`StoreError::TooLarge`]; [`StoreError::Fault`].
    pub fn append_blocks(&self, blocks: &[NewBlock]) -> Result<(), StoreError> {
        self.inner.latch().check()?;
        let _turn = self.inner.appending();
        let tip = self.inner.tip();
        for (next, block) in (tip.saturating_add(1)..).zip(blocks) {
            in_turn("block", next, block.height)?;
        }
        in_turn("indexed", tip, self.inner.overlay().indexed())?;
        // Order: durable, then found by look-ups, then the tip. Whoever sees the tip finds all.
        let records: Vec<(u64, &[u8])> = blocks
            .iter()
            .map(|block| (block.height, block.record.as_slice()))
            .collect();
        let offsets = self.inner.blocks().append(&records)?;
        let mut overlay = self.inner.overlay_mut();
        for (block, offset) in blocks.iter().zip(offsets) {
            overlay.place(block.height, offset);
            overlay.add(block.height, &block.index);
        }
        drop(overlay);
        if let Some(last) = blocks.last() {
            self.inner.set_tip(last.height);
        }
        Ok(())
    }

    /// As [`Store::append_blocks`], of one.
    #[cfg(test)]
    pub(crate) fn append_block(
        &self,
        height: u64,
        record: &[u8],
        index: &BlockIndex,
    ) -> Result<(), StoreError> {
        self.append_blocks(&[NewBlock {
            height,
            record: record.to_vec(),
            index: index.clone(),
        }])
    }

    /// The height of the last block; 0 when there is none.
    pub fn tip(&self) -> u64 {
        self.inner.tip()
    }

    /// The record of a height; `None` above the tip (and for 0).
    pub fn block(&self, height: u64) -> Result<Option<Vec<u8>>, StoreError> {
        match self.place(height)? {
            Some(offset) => Ok(Some(self.inner.blocks().read(height, offset)?)),
            None => Ok(None),
        }
    }

    /// The records above a height in order, as of now.
    pub fn blocks_after(&self, height: u64) -> Result<BlockIter, StoreError> {
        let (first, tip) = (height.saturating_add(1), self.inner.tip());
        let (offset, tip) = match self.place(first)? {
            Some(offset) => (offset, tip),
            None => (0, 0),
        };
        let log = self.inner.blocks().clone();
        Ok(BlockIter::new(log, first, offset, tip))
    }

    /// Where the record of a height begins; `None` above the tip (and for 0).
    fn place(&self, height: u64) -> Result<Option<u64>, StoreError> {
        if height == 0 || height > self.inner.tip() {
            return Ok(None);
        }
        let recent = self.inner.overlay().block(height);
        match recent {
            Some(offset) => Ok(Some(offset)),
            None => self.inner.state().block(height),
        }
    }

    // ---- indexes ----

    /// Gives the index entries of a block above the checkpoint again, after a start.
    ///
    /// Errors: [`StoreError::OutOfTurn`] unless the heights come one by one from the checkpoint's
    /// up to the tip.
    pub fn reindex(&self, height: u64, index: &BlockIndex) -> Result<(), StoreError> {
        let _turn = self.inner.appending();
        let mut overlay = self.inner.overlay_mut();
        in_turn("index", overlay.indexed().saturating_add(1), height)?;
        let tip = self.inner.tip();
        if height > tip {
            return Err(StoreError::OutOfTurn {
                what: "index",
                expected: tip,
                got: height,
            });
        }
        overlay.add(height, index);
        Ok(())
    }

    /// The last height whose index entries are here: the tip, once all is reindexed.
    pub fn indexed(&self) -> u64 {
        self.inner.overlay().indexed()
    }

    /// Where a committed transaction stands.
    pub fn transaction_position(&self, id: &[u8; 32]) -> Result<Option<Place>, StoreError> {
        let recent = self.inner.overlay().transaction(id);
        match recent {
            Some(place) => Ok(Some(place)),
            None => self.inner.state().transaction(id),
        }
    }

    /// Where the seq-th activity of an account stands, and its chain's head after it.
    pub fn activity(
        &self,
        address: &[u8; 32],
        seq: u64,
    ) -> Result<Option<ActivityPlace>, StoreError> {
        let key = activity_key(address, seq);
        let recent = self.inner.overlay().activity(&key);
        match recent {
            Some(place) => Ok(Some(place)),
            None => self.inner.state().activity(&key),
        }
    }

    // ---- checkpoints ----

    /// Begins a checkpoint of the state at a height: `changes` are those since the checkpoint
    /// before (since the empty state for the first). Look-ups and appends go on while it runs; only
    /// while redb makes the file larger do look-ups that reach the disk wait for that one sync.
    ///
    /// Errors: [`StoreError::CheckpointBusy`] while one runs; [`StoreError::OutOfTurn`] unless the
    /// height is above the last checkpoint and indexed; [`StoreError::Fault`].
    pub fn begin_checkpoint(
        &self,
        checkpoint: Checkpoint,
        changes: StateChanges,
    ) -> Result<CheckpointJob, StoreError> {
        self.inner.latch().check()?;
        let mut overlay = self.inner.overlay_mut();
        if let Some(height) = overlay.running() {
            return Err(StoreError::CheckpointBusy { height });
        }
        let height = checkpoint.height;
        if height <= overlay.checkpoint() || height > overlay.indexed() {
            return Err(StoreError::OutOfTurn {
                what: "checkpoint",
                expected: overlay.indexed(),
                got: height,
            });
        }
        let frozen = overlay.freeze(height, checkpoint.root, changes);
        drop(overlay);
        Ok(CheckpointJob::new(self.inner.clone(), frozen))
    }

    /// The checkpoint on the disk; `None` before the first.
    pub fn checkpoint(&self) -> Result<Option<Checkpoint>, StoreError> {
        self.inner.state().checkpoint()
    }

    /// Hands over every key and value of the checkpoint, in the keys' order, and tells which it is;
    /// `None` (and nothing handed over) before the first. A checkpoint written meanwhile is not mixed in.
    pub fn load_checkpoint(
        &self,
        each: impl FnMut(&[u8], &[u8]),
    ) -> Result<Option<Checkpoint>, StoreError> {
        self.inner.state().load(each)
    }

    // ---- consensus write-ahead log ----

    /// Begins the log of the next height, `tip + 1`. The entries of other heights are dropped; those
    /// of the same height (after a restart) stay and are appended to.
    pub fn wal_start(&self, height: u64) -> Result<(), StoreError> {
        self.inner.latch().check()?;
        // Order: the block of the height before is durable by now. Were the log begun sooner, a
        // crash could leave neither the block nor what the node had signed for it.
        in_turn("write-ahead log", self.tip().saturating_add(1), height)?;
        self.inner.wal().start(height)
    }

    /// Appends an entry to the log of the height in progress; durable after [`Store::wal_flush`].
    ///
    /// Errors: [`StoreError::OutOfTurn`] for another height, [`StoreError::TooLarge`] beyond
    /// [`WAL_ENTRY_LIMIT_BYTES`] or [`WAL_LIMIT_BYTES`], [`StoreError::Fault`]. After an error
    /// nothing that depends on the entry may leave the node.
    pub fn wal_append(&self, height: u64, entry: &[u8]) -> Result<(), StoreError> {
        self.inner.wal().append(height, entry)
    }

    /// Makes the appended entries durable. Cheap when there are none.
    pub fn wal_flush(&self) -> Result<(), StoreError> {
        self.inner.wal().flush()
    }

    /// The flushed entries of a height, oldest first; empty when the log is of another height.
    pub fn wal_entries(&self, height: u64) -> Result<Vec<Vec<u8>>, StoreError> {
        self.inner.wal().entries(height)
    }

    /// The height that the log is of; 0 before the first.
    pub fn wal_height(&self) -> u64 {
        self.inner.wal().height()
    }

    // ---- guard ----

    /// Records what is about to be signed; durable when this returns, and only then sign.
    ///
    /// The very same mark again is allowed. Errors: [`StoreError::SignedLater`],
    /// [`StoreError::SignedOther`] (do not sign), [`StoreError::Fault`] (stop).
    pub fn guard_record(&self, mark: GuardMark) -> Result<(), StoreError> {
        self.inner.guard().record(mark)
    }

    /// What was last signed; `None` before the first.
    pub fn guard_last(&self) -> Option<GuardMark> {
        self.inner.guard().last()
    }
}

fn in_turn(what: &'static str, expected: u64, got: u64) -> Result<(), StoreError> {
    if expected == got {
        Ok(())
    } else {
        Err(StoreError::OutOfTurn {
            what,
            expected,
            got,
        })
    }
}

#[cfg(test)]
mod tests;
