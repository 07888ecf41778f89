//! Files that are whole or absent, private, and on the disk when the call returns.
//!
//! A file is written under a passing name, flushed, given its name in one step, and then its folder is flushed, since
//! the name is part of the folder. Read next: `../profile.rs`.

use super::ProfileError;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::path::Path;
use tempfile::NamedTempFile;

/// Most that is read of a keystore: a little more than `wallet::vault` accepts, so that its own message is the one shown.
pub(super) const MAX_KEYSTORE_BYTES: u64 = 64 * 1024;

/// How passing names begin.
const HALF_WRITTEN: &str = ".new-";

/// The whole file, or `None` if it is not there.
pub(super) fn read(path: &Path, max: u64) -> Result<Option<Vec<u8>>, ProfileError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(ProfileError::io("read", path, error)),
    };
    let mut bytes = Vec::new();
    file.take(max + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| ProfileError::io("read", path, error))?;
    if bytes.len() as u64 > max {
        return Err(ProfileError::TooLarge {
            path: path.to_owned(),
            max,
        });
    }
    Ok(Some(bytes))
}

/// Writes a file that must not be there yet. `false` if it is; it is then untouched.
pub(super) fn write_new(path: &Path, bytes: &[u8]) -> Result<bool, ProfileError> {
    match flushed(path, bytes)?.persist_noclobber(path) {
        Ok(_) => sync_folder(folder_of(path)).map(|()| true),
        Err(error) if error.error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(ProfileError::io("write", path, error.error)),
    }
}

/// Replaces a file in one step.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> Result<(), ProfileError> {
    flushed(path, bytes)?
        .persist(path)
        .map_err(|error| ProfileError::io("write", path, error.error))?;
    sync_folder(folder_of(path))
}

/// A flushed file under a passing name beside `path`, readable by its owner only (tempfile's default, 0600).
fn flushed(path: &Path, bytes: &[u8]) -> Result<NamedTempFile, ProfileError> {
    let write = || {
        let mut file = tempfile::Builder::new()
            .prefix(HALF_WRITTEN)
            .tempfile_in(folder_of(path))?;
        file.write_all(bytes)?;
        // Order: contents before name. Swapped, a loss of power could leave the name on an empty file.
        file.as_file().sync_all()?;
        Ok(file)
    };
    write().map_err(|error| ProfileError::io("write", path, error))
}

/// Removes what a crash left under passing names.
pub(super) fn remove_half_written(folder: &Path) -> Result<(), ProfileError> {
    let remove = || {
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            if entry
                .file_name()
                .as_encoded_bytes()
                .starts_with(HALF_WRITTEN.as_bytes())
            {
                std::fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    };
    remove().map_err(|error| ProfileError::io("list", folder, error))
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

/// Puts a folder's names on the disk. On Windows, which has no such call, a rename is journalled by the file system.
pub(super) fn sync_folder(path: &Path) -> Result<(), ProfileError> {
    if cfg!(windows) || path.as_os_str().is_empty() {
        return Ok(());
    }
    File::open(path)
        .and_then(|folder| folder.sync_all())
        .map_err(|error| ProfileError::io("sync", path, error))
}

fn folder_of(path: &Path) -> &Path {
    path.parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}
