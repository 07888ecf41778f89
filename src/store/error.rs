//! What can go wrong with a store, and the latch that keeps a failed disk from being trusted again.
//!
//! Two kinds stand apart. A [`Fault`] means that a write or a sync failed: nobody knows what the
//! disk holds now, so the store refuses every later change with the very same fault (a sync that
//! failed once and succeeds when repeated proves nothing). Every other [`StoreError`] leaves the
//! store as it was.
//!
//! Must never: swallow a failed write. Read next: `latched.rs`, where the latch stands.

use std::io;
use std::sync::{Arc, OnceLock};

use super::guard::GuardMark;

/// A failed write or sync: the node has to stop before anything that it did not save leaves it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot {operation} {file}: {cause}; {}", next_step(*.kind))]
pub struct Fault {
    /// The file (or folder) concerned, as the user would find it.
    pub file: String,
    /// What was tried: "write", "sync", "create"...
    pub operation: &'static str,
    /// The operating system's words, or the database's.
    pub cause: String,
    /// The kind of the input/output error; `Other` where there is none.
    pub kind: io::ErrorKind,
}

impl Fault {
    pub(super) fn io(file: &str, operation: &'static str, cause: &io::Error) -> Self {
        Self {
            file: file.to_owned(),
            operation,
            cause: cause.to_string(),
            kind: cause.kind(),
        }
    }

    pub(super) fn other(file: &str, operation: &'static str, cause: String) -> Self {
        Self {
            file: file.to_owned(),
            operation,
            cause,
            kind: io::ErrorKind::Other,
        }
    }

    /// Whether the disk (or the user's share of it) is full.
    pub fn is_disk_full(&self) -> bool {
        is_full(self.kind)
    }
}

fn is_full(kind: io::ErrorKind) -> bool {
    matches!(
        kind,
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
    )
}

fn next_step(kind: io::ErrorKind) -> &'static str {
    match kind {
        kind if is_full(kind) => "free space and start again; nothing unsaved was announced",
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "make it writable for this user and start again; nothing unsaved was announced"
        }
        _ => "check the disk and start again; nothing unsaved was announced",
    }
}

/// Why the store refused. Only [`StoreError::Fault`] says that the disk failed while writing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// A write or sync failed, now or earlier: stop the node.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// Another process holds the folder's lock.
    #[error(
        "the store {folder} is in use by another process; stop that node first, or give this one another home"
    )]
    InUse {
        /// The store's folder.
        folder: String,
    },
    /// The file belongs to a network with another genesis.
    #[error(
        "{file} belongs to another network (genesis {found}, this bootstrap file says {expected}); use the bootstrap file of that network, or another home"
    )]
    ForeignGenesis {
        /// The file that was opened.
        file: String,
        /// First eight bytes of the genesis hash found, in hexadecimal.
        found: String,
        /// First eight bytes of the genesis hash expected, in hexadecimal.
        expected: String,
    },
    /// The file was written by a later natcoin.
    #[error(
        "{file} has format {found}, this natcoin knows up to {known}; start the newer natcoin that wrote it"
    )]
    NewerVersion {
        /// The file that was opened.
        file: String,
        /// The version found.
        found: u32,
        /// The latest version known here.
        known: u32,
    },
    /// The file was written by an earlier natcoin, in a way that is not read any more.
    #[error(
        "{file} was written by an earlier natcoin, which kept blocks in another way; start that one, or remove {file} and state.redb (never signed.guard) and let the node catch up from its peers"
    )]
    Superseded {
        /// The file that was found.
        file: String,
    },
    /// The file does not hold what this program wrote into it.
    #[error("{file} is damaged ({detail}); {next}")]
    Damaged {
        /// The file that was opened or read.
        file: String,
        /// What does not fit.
        detail: String,
        /// What the user can do.
        next: &'static str,
    },
    /// The file cannot be read just now (nothing was being written).
    #[error("cannot read {file}: {cause}; check the disk and start again")]
    Unreadable {
        /// The file concerned.
        file: String,
        /// The operating system's words, or the database's.
        cause: String,
    },
    /// The log of what was signed is gone although blocks are there.
    #[error(
        "{file} is missing although blocks are there: without it this node could sign twice; put the file back, or remove the folder `store` when the other nodes have made a block since this one stopped: the node will fetch the chain from its peers"
    )]
    GuardMissing {
        /// Where the guard should lie.
        file: String,
    },
    /// A height out of turn: blocks, their indexes and checkpoints go up one by one.
    #[error("{what} height {got} is out of turn; {expected} comes next")]
    OutOfTurn {
        /// What was given: a block, an index, a checkpoint, a write-ahead log.
        what: &'static str,
        /// The height that comes next.
        expected: u64,
        /// The height that was given.
        got: u64,
    },
    /// A record is larger than the file's format allows.
    #[error("{what} of {size_bytes} bytes exceeds the limit of {limit_bytes}")]
    TooLarge {
        /// What was given.
        what: &'static str,
        /// Its size in bytes.
        size_bytes: u64,
        /// The limit in bytes.
        limit_bytes: u64,
    },
    /// A checkpoint is being written; the next has to wait for it.
    #[error(
        "the checkpoint of height {height} is still being written; begin the next one after it"
    )]
    CheckpointBusy {
        /// The height being written.
        height: u64,
    },
    /// Something later than this was signed already: signing would be going back.
    #[error("refused to sign {asked}: {last} was signed already")]
    SignedLater {
        /// What was last signed.
        last: GuardMark,
        /// What was to be signed.
        asked: GuardMark,
    },
    /// Something else was signed at the same height, round and step: signing would be equivocating.
    #[error("refused to sign {asked}: something else was signed there ({last})")]
    SignedOther {
        /// What was last signed.
        last: GuardMark,
        /// What was to be signed.
        asked: GuardMark,
    },
}

impl StoreError {
    /// The fault, when the disk failed while writing: the node has to stop.
    pub fn fault(&self) -> Option<&Fault> {
        match self {
            Self::Fault(fault) => Some(fault),
            _ => None,
        }
    }
}

/// The latch: remembers the first fault for ever (that is, until the process starts anew).
#[derive(Clone, Debug, Default)]
pub(super) struct Latch(Arc<OnceLock<Fault>>);

impl Latch {
    /// Refuses when a fault happened before.
    pub fn check(&self) -> Result<(), Fault> {
        self.0.get().map_or(Ok(()), |fault| Err(fault.clone()))
    }

    /// Remembers a fault; the first one wins and is what everybody is told.
    pub fn close(&self, fault: Fault) -> Fault {
        self.0.get_or_init(|| fault).clone()
    }
}
