//! Files that are replaced as a whole or not at all, and are on the disk when the call returns.
//!
//! A file is written under a passing name, flushed, given its name in one step, and then its folder is flushed, since
//! the name is part of the folder.

use std::fs::File;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::path::Path;

use tempfile::NamedTempFile;

/// How passing names begin.
pub const HALF_WRITTEN: &str = ".new-";

/// The whole file, `None` if it is not there; of a longer one `max` bytes and one.
///
/// # Errors
/// What the system says.
pub fn read(path: &Path, max: u64) -> io::Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    file.take(max.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

/// Replaces a file in one step.
///
/// # Errors
/// What the system says; the old file is then as it was, or the new one has its place.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    flushed(path, bytes)?.persist(path)?;
    sync_folder(folder_of(path))
}

/// A flushed file under a passing name beside `path`, readable by its owner only (tempfile's default, 0600).
///
/// # Errors
/// What the system says.
pub fn flushed(path: &Path, bytes: &[u8]) -> io::Result<NamedTempFile> {
    let mut file = tempfile::Builder::new()
        .prefix(HALF_WRITTEN)
        .tempfile_in(folder_of(path))?;
    file.write_all(bytes)?;
    // Order: contents before name. Swapped, a loss of power could leave the name on an empty file.
    file.as_file().sync_all()?;
    Ok(file)
}

/// Removes what a crash left under passing names in a folder where nobody is writing now.
///
/// # Errors
/// What the system says.
pub fn remove_half_written(folder: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        if name.as_encoded_bytes().starts_with(HALF_WRITTEN.as_bytes()) {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Puts a folder's names on the disk. On Windows, which has no such call, a rename is journalled by the file system.
///
/// # Errors
/// What the system says.
pub fn sync_folder(path: &Path) -> io::Result<()> {
    if cfg!(windows) || path.as_os_str().is_empty() {
        return Ok(());
    }
    File::open(path)?.sync_all()
}

/// The folder of a file.
pub fn folder_of(path: &Path) -> &Path {
    path.parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}
