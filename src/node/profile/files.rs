//! Files that are whole or absent, private, and on the disk when the call returns.
//!
//! How that is done is `../durable.rs`; here are a wallet's own rules. Read next: `../profile.rs`.

use super::ProfileError;
use crate::node::durable;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::ErrorKind;
use std::path::Path;

/// Most that is read of a keystore: a little more than `wallet::vault` accepts, so that its own message is the one shown.
pub(super) const MAX_KEYSTORE_BYTES: u64 = 64 * 1024;

/// The whole file, or `None` if it is not there.
pub(super) fn read(path: &Path, max: u64) -> Result<Option<Vec<u8>>, ProfileError> {
    let read = durable::read(path, max).map_err(|error| ProfileError::io("read", path, error))?;
    match read {
        Some(bytes) if bytes.len() as u64 > max => Err(ProfileError::TooLarge {
            path: path.to_owned(),
            max,
        }),
        read => Ok(read),
    }
}

/// Writes a file that must not be there yet. `false` if it is; it is then untouched.
pub(super) fn write_new(path: &Path, bytes: &[u8]) -> Result<bool, ProfileError> {
    let flushed = durable::flushed(path, bytes);
    let file = flushed.map_err(|error| ProfileError::io("write", path, error))?;
    match file.persist_noclobber(path) {
        Ok(_) => sync_folder(durable::folder_of(path)).map(|()| true),
        Err(error) if error.error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(ProfileError::io("write", path, error.error)),
    }
}

/// Replaces a file in one step.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> Result<(), ProfileError> {
    durable::replace(path, bytes).map_err(|error| ProfileError::io("write", path, error))
}

/// Removes what a crash left under passing names.
pub(super) fn remove_half_written(folder: &Path) -> Result<(), ProfileError> {
    durable::remove_half_written(folder).map_err(|error| ProfileError::io("list", folder, error))
}

/// Makes a folder and those above it, for their owner only (0700 on Unix). One that is there keeps its permissions.
pub(super) fn create_private_folder(path: &Path) -> Result<(), ProfileError> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .create(path)
        .map_err(|error| ProfileError::io("create", path, error))
}

/// Opens the lock file, making it if needed (0600 on Unix).
pub(super) fn open_lock(path: &Path) -> Result<File, ProfileError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
        .open(path)
        .map_err(|error| ProfileError::io("lock", path, error))
}

/// Puts a folder's names on the disk.
pub(super) fn sync_folder(path: &Path) -> Result<(), ProfileError> {
    durable::sync_folder(path).map_err(|error| ProfileError::io("sync", path, error))
}
