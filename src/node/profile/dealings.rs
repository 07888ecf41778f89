//! Where a wallet keeps its book of dealings: `dealings/<genesis hash>` in its folder, one for each network.
//!
//! `wallet watch` runs for days, and `wallet pay` beside it; both write the book. So nobody owns it for long: who changes
//! it takes its lock, reads it, changes it, writes it and lets go. It is no journal: no payment hangs on it.
//! This file must never look inside the book. Read next: `wallet/dealings/book.rs`, `node/session/dealings/desk.rs`.

use std::fs::File;
use std::path::PathBuf;

use super::{DataDir, ProfileError, ProfileName, files};
use crate::chain::hash::Hash;
use crate::wallet::dealings::book::MAX_BOOK_BYTES;

const DEALINGS: &str = "dealings";
const LOCK: &str = "lock";

impl DataDir {
    /// The place of a profile's dealings on the network of this genesis. Nothing need be there yet.
    ///
    /// # Errors
    /// [`ProfileError::NoWallet`].
    pub fn dealings(
        &self,
        name: &ProfileName,
        genesis: &Hash,
    ) -> Result<DealingsFile, ProfileError> {
        if !self.has(name) {
            return Err(self.no_wallet(name));
        }
        let folder = self.profile_path(name).join(DEALINGS);
        Ok(DealingsFile {
            path: folder.join(genesis.to_string()),
            folder,
        })
    }
}

/// The file of one book, which several processes share.
#[derive(Debug, Clone)]
pub struct DealingsFile {
    folder: PathBuf,
    path: PathBuf,
}

impl DealingsFile {
    /// Waits until nobody else changes the book, and keeps all others waiting while what is returned lives. Blocks.
    ///
    /// # Errors
    /// [`ProfileError::Io`].
    pub fn lock(&self) -> Result<LockedDealings<'_>, ProfileError> {
        files::create_private_folder(&self.folder)?;
        let path = self.folder.join(LOCK);
        let lock = files::open_lock(&path)?;
        lock.lock()
            .map_err(|error| ProfileError::io("lock", &path, error))?;
        Ok(LockedDealings {
            file: self,
            _lock: lock,
        })
    }

    /// The book as it was last written, without the lock; `None` if there is none yet.
    ///
    /// # Errors
    /// [`ProfileError::TooLarge`], [`ProfileError::Io`].
    pub fn read(&self) -> Result<Option<Vec<u8>>, ProfileError> {
        files::read(&self.path, MAX_BOOK_BYTES as u64)
    }

    /// Where it is, for messages.
    pub fn path(&self) -> &std::path::Path {
        &self.path
    }
}

/// The file while nobody else may change it.
#[derive(Debug)]
pub struct LockedDealings<'a> {
    file: &'a DealingsFile,
    /// Held, never read: closed, it lets the next one in, also after a crash.
    _lock: File,
}

impl LockedDealings<'_> {
    /// As [`DealingsFile::read`].
    ///
    /// # Errors
    /// As [`DealingsFile::read`].
    pub fn read(&self) -> Result<Option<Vec<u8>>, ProfileError> {
        self.file.read()
    }

    /// Replaces the book. When this returns `Ok`, it survives a loss of power; on an error or a crash the old one stays.
    ///
    /// # Errors
    /// [`ProfileError::Io`].
    pub fn replace(&self, book: &[u8]) -> Result<(), ProfileError> {
        files::remove_half_written(&self.file.folder)?;
        files::replace(&self.file.path, book)
    }
}
