//! What a store's handles share: its files, its overlay, its latch.
//!
//! Must never: be locked across a disk access that a reader would wait for (the overlay's lock is
//! held for look-ups and inserts only). Read next: `mod.rs`.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::blocks::{BlockLog, Known, Opened};
use super::disk::{Disk, exists};
use super::error::{Latch, StoreError};
use super::guard::{GUARD_FILE, Guard};
use super::overlay::Overlay;
use super::state::{STATE, StateFile};
use super::wal::{WAL_FILE, Wal};

/// The open files of a store.
#[derive(Debug)]
pub(super) struct Inner {
    /// Held to the end: a real disk's lock goes with it.
    _disk: Arc<dyn Disk>,
    latch: Latch,
    blocks: Arc<BlockLog>,
    state: StateFile,
    wal: Mutex<Wal>,
    guard: Mutex<Guard>,
    overlay: RwLock<Overlay>,
    tip: AtomicU64,
    /// One appender at a time; its heights must be in turn.
    append: Mutex<()>,
}

impl Inner {
    pub fn open(disk: Arc<dyn Disk>, genesis: &[u8; 32]) -> Result<Self, StoreError> {
        let latch = Latch::default();
        let has_blocks = BlockLog::exists(&disk)?;
        if !exists(&disk, GUARD_FILE)? {
            // Order: the guard is the first file made, so blocks without it mean that it was lost.
            if has_blocks {
                return Err(StoreError::GuardMissing {
                    file: disk.describe(GUARD_FILE),
                });
            }
            Guard::create(&disk, genesis, &latch)?;
        }
        let guard = Guard::open(&disk, genesis, &latch)?;
        if !exists(&disk, WAL_FILE)? {
            Wal::create(&disk, &latch)?;
        }
        if !has_blocks {
            BlockLog::create(&disk, genesis, &latch)?;
        }
        if !exists(&disk, STATE.file)? {
            StateFile::create(&disk, genesis, &latch)?;
        }
        let state = StateFile::open(&disk, genesis, &latch)?;
        let wal = Wal::open(&disk, genesis, &latch)?;
        let checkpoint = state.place_in_log()?;
        let checkpoint_height = checkpoint.map_or(0, |(height, _)| height);
        // Agreement about a height begins when the one before is durable.
        let begun = guard.last().map_or(0, |mark| mark.height);
        let known = Known {
            checkpoint,
            durable: begun.max(wal.height()).saturating_sub(1),
        };
        let Opened { log, tip, offsets } = BlockLog::open(&disk, genesis, &latch, known)?;
        let places = (checkpoint_height + 1..).zip(offsets).collect();
        Ok(Self {
            _disk: disk,
            latch,
            blocks: Arc::new(log),
            state,
            wal: Mutex::new(wal),
            guard: Mutex::new(guard),
            overlay: RwLock::new(Overlay::new(checkpoint_height, places)),
            tip: AtomicU64::new(tip),
            append: Mutex::new(()),
        })
    }

    pub fn latch(&self) -> &Latch {
        &self.latch
    }

    pub fn blocks(&self) -> &Arc<BlockLog> {
        &self.blocks
    }

    pub fn state(&self) -> &StateFile {
        &self.state
    }

    pub fn tip(&self) -> u64 {
        self.tip.load(Ordering::Acquire)
    }

    pub fn set_tip(&self, height: u64) {
        self.tip.store(height, Ordering::Release);
    }

    // A panic while a lock is held is a bug elsewhere; what the locks protect changes in single
    // steps, so it stays usable for an orderly stop.

    pub fn wal(&self) -> MutexGuard<'_, Wal> {
        self.wal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn guard(&self) -> MutexGuard<'_, Guard> {
        self.guard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn appending(&self) -> MutexGuard<'_, ()> {
        self.append.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn overlay(&self) -> RwLockReadGuard<'_, Overlay> {
        self.overlay.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn overlay_mut(&self) -> RwLockWriteGuard<'_, Overlay> {
        self.overlay.write().unwrap_or_else(PoisonError::into_inner)
    }
}
