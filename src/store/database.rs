//! One redb file of the store: created whole, opened with its genesis and format checked, and every
//! failure told apart into "the disk failed", "the file is damaged" and "cannot be read".
//!
//! Commits are two-phase, and each records redb's allocator state ("quick repair"), so that opening
//! after a crash takes milliseconds at any length of the chain instead of a walk over all of it.
//!
//! Must never: let a damaged file panic the node. Read next: `blocks.rs`, `state.rs`.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use redb::{
    Builder, Database as Redb, Durability, ReadTransaction, ReadableDatabase, StorageBackend,
    TableDefinition, WriteTransaction,
};

use super::checksum::short_hex;
use super::disk::{Disk, create_whole, open_latched};
use super::error::{Fault, Latch, StoreError};
use super::latched::LatchedFile;
use crate::mutation::{self, Mutation};

/// The latest format that this program reads, and the one it writes.
const FORMAT: u32 = 1;
/// What redb may keep in memory for one file, in bytes: an idle node stays small.
const CACHE_BYTES: usize = 8 << 20;

/// Facts about the file: its format, its network and what else the owner keeps.
pub(super) const META: TableDefinition<'static, &str, &[u8]> = TableDefinition::new("meta");
const FORMAT_KEY: &str = "format";
const GENESIS_KEY: &str = "genesis";

/// What a database file is called, and what to do about a damaged one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kind {
    /// The file's name in the folder.
    pub file: &'static str,
    /// The user's next step when it is damaged.
    pub next: &'static str,
}

/// An open redb file.
#[derive(Debug)]
pub(super) struct Database {
    redb: Redb,
    path: String,
    latch: Latch,
    kind: Kind,
}

impl Database {
    /// Creates the file with its tables, crash-atomically.
    pub fn create(
        disk: &Arc<dyn Disk>,
        kind: Kind,
        genesis: &[u8; 32],
        latch: &Latch,
        tables: impl FnOnce(&WriteTransaction) -> Result<(), redb::Error>,
    ) -> Result<(), StoreError> {
        create_whole(disk, kind.file, latch, |file| {
            let database = Self::over(file, kind, latch)?;
            database.write("create", |transaction| {
                tables(transaction)?;
                let mut meta = transaction.open_table(META)?;
                meta.insert(FORMAT_KEY, FORMAT.to_be_bytes().as_slice())?;
                meta.insert(GENESIS_KEY, genesis.as_slice())?;
                Ok(())
            })?;
            // Order: closed before it is renamed; closing may still write.
            drop(database);
            Ok(latch.check()?)
        })
    }

    /// Opens the file and checks whose it is.
    pub fn open(
        disk: &Arc<dyn Disk>,
        kind: Kind,
        genesis: &[u8; 32],
        latch: &Latch,
    ) -> Result<Self, StoreError> {
        let file = open_latched(disk, kind.file, latch)?;
        let path = file.path().to_owned();
        // redb would make a new database in an empty file.
        if file.len().is_ok_and(|size| size == 0) {
            return Err(damaged(&path, kind, "it is empty".to_owned()));
        }
        let database = Self::over(file, kind, latch)?;
        let (format, found) = database.read(|transaction| {
            let meta = transaction.open_table(META)?;
            let field = |key| -> Result<Option<Vec<u8>>, redb::Error> {
                Ok(meta.get(key)?.map(|value| value.value().to_vec()))
            };
            Ok((field(FORMAT_KEY)?, field(GENESIS_KEY)?))
        })?;
        let Some(format) = format.and_then(|bytes| bytes.try_into().ok()) else {
            return Err(database.damaged("it names no format"));
        };
        let format = u32::from_be_bytes(format);
        if format > FORMAT {
            return Err(StoreError::NewerVersion {
                file: path,
                found: format,
                known: FORMAT,
            });
        }
        let Some(found) = found else {
            return Err(database.damaged("it names no genesis"));
        };
        if found != genesis {
            return Err(StoreError::ForeignGenesis {
                file: path,
                found: short_hex(&found),
                expected: short_hex(genesis),
            });
        }
        Ok(database)
    }

    fn over(file: LatchedFile, kind: Kind, latch: &Latch) -> Result<Self, StoreError> {
        let path = file.path().to_owned();
        let opened = contain(|| {
            Builder::new()
                .set_cache_size(CACHE_BYTES)
                .create_with_backend(file)
                .map_err(redb::Error::from)
        });
        match opened {
            Ok(redb) => Ok(Self {
                redb,
                path,
                latch: latch.clone(),
                kind,
            }),
            Err(error) => Err(explain(latch, &path, kind, error)),
        }
    }

    /// One durable transaction. After any failure the store is latched.
    pub fn write<R>(
        &self,
        operation: &'static str,
        act: impl FnOnce(&WriteTransaction) -> Result<R, redb::Error>,
    ) -> Result<R, StoreError> {
        self.latch.check()?;
        let result = contain(|| {
            let mut transaction = self.redb.begin_write()?;
            transaction.set_durability(match mutation::is_on(Mutation::CommitUnsynced) {
                true => Durability::None,
                false => Durability::Immediate,
            })?;
            transaction.set_two_phase_commit(true);
            transaction.set_quick_repair(true);
            let result = act(&transaction)?;
            transaction.commit()?;
            Ok(result)
        });
        result.map_err(|error| {
            let fault = Fault::other(&self.path, operation, error.to_string());
            StoreError::Fault(self.latch.close(fault))
        })
    }

    /// One consistent view.
    pub fn read<R>(
        &self,
        act: impl FnOnce(&ReadTransaction) -> Result<R, redb::Error>,
    ) -> Result<R, StoreError> {
        contain(|| act(&self.redb.begin_read()?)).map_err(|error| self.explain(error))
    }

    /// Tells a failed read apart.
    pub fn explain(&self, error: Failure) -> StoreError {
        explain(&self.latch, &self.path, self.kind, error)
    }

    /// The file does not hold what was written into it.
    pub fn damaged(&self, detail: impl Into<String>) -> StoreError {
        damaged(&self.path, self.kind, detail.into())
    }
}

/// A failed call of redb.
#[derive(Debug)]
pub(super) enum Failure {
    /// It returned an error.
    Error(redb::Error),
    /// It panicked, as it may over an altered file.
    Panic,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Error(error) => error.fmt(f),
            Self::Panic => f.write_str("the database gave up over its contents"),
        }
    }
}

/// Calls redb; over an altered file it may panic, and a file must not end the node that way.
pub(super) fn contain<R>(call: impl FnOnce() -> Result<R, redb::Error>) -> Result<R, Failure> {
    // Unwind safe: after a panic the caller drops what the call touched or stops the node.
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(result) => result.map_err(Failure::Error),
        Err(_) => Err(Failure::Panic),
    }
}

fn explain(latch: &Latch, path: &str, kind: Kind, failure: Failure) -> StoreError {
    if let Err(fault) = latch.check() {
        return fault.into();
    }
    match failure {
        // redb calls a file that is not its own "invalid data".
        Failure::Error(redb::Error::Io(cause))
            if !matches!(
                cause.kind(),
                std::io::ErrorKind::InvalidData | std::io::ErrorKind::UnexpectedEof
            ) =>
        {
            StoreError::Unreadable {
                file: path.to_owned(),
                cause: cause.to_string(),
            }
        }
        other => damaged(path, kind, other.to_string()),
    }
}

fn damaged(path: &str, kind: Kind, detail: String) -> StoreError {
    StoreError::Damaged {
        file: path.to_owned(),
        detail,
        next: kind.next,
    }
}
