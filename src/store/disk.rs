//! The disk under a store: a trait, so that one simulated disk can drive all of the store's code.
//!
//! Everything that the store reads or writes goes through [`Disk`] and redb's
//! [`StorageBackend`]; nothing else in this room opens a file. A file appears under its name only
//! when it is whole ([`create_whole`]): redb's own creation is not crash-atomic.
//!
//! Must never: hold two processes on one folder. Read next: `sim_disk.rs` (the other disk).

use std::fmt::Debug;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use redb::StorageBackend;
use redb::backends::FileBackend;

use super::error::{Fault, Latch, StoreError};
use super::latched::LatchedFile;

/// A folder of files. Names are the store's own constants, never a stranger's.
pub trait Disk: Debug + Send + Sync + 'static {
    /// Opens a file that exists, to read and write.
    fn open(&self, name: &str) -> io::Result<Box<dyn StorageBackend>>;

    /// Creates an empty file, or empties the one that has the name.
    fn create(&self, name: &str) -> io::Result<Box<dyn StorageBackend>>;

    /// Whether a file has the name.
    fn exists(&self, name: &str) -> io::Result<bool>;

    /// Gives a file another name, in place of the one that had it. Durable after [`Disk::sync_folder`].
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file. Durable after [`Disk::sync_folder`].
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Makes the names (not the contents) durable.
    fn sync_folder(&self) -> io::Result<()>;

    /// Where a file lies, in the user's terms, for messages.
    fn describe(&self, name: &str) -> String;
}

/// A real folder, held by one process at a time through its `lock` file.
#[derive(Debug)]
pub struct FolderDisk {
    folder: PathBuf,
    /// Held, not read: the lock lives as long as the handle.
    _lock: File,
}

impl FolderDisk {
    /// Opens the folder (made with mode 0700 where absent) and takes its lock.
    ///
    /// Errors: [`StoreError::InUse`] when another process has it, [`StoreError::Fault`] when it
    /// cannot be made or written.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self, StoreError> {
        let folder = folder.as_ref().to_path_buf();
        let shown = folder.display().to_string();
        make_folder(&folder).map_err(|cause| Fault::io(&shown, "create", &cause))?;
        let path = folder.join("lock");
        let lock = private_options()
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|cause| Fault::io(&path.display().to_string(), "create", &cause))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                folder,
                _lock: lock,
            }),
            Err(TryLockError::WouldBlock) => Err(StoreError::InUse { folder: shown }),
            Err(TryLockError::Error(cause)) => {
                Err(Fault::io(&path.display().to_string(), "lock", &cause).into())
            }
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

impl Disk for FolderDisk {
    fn open(&self, name: &str) -> io::Result<Box<dyn StorageBackend>> {
        backend(private_options().open(self.path(name))?)
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn StorageBackend>> {
        backend(
            private_options()
                .create(true)
                .truncate(true)
                .open(self.path(name))?,
        )
    }

    fn exists(&self, name: &str) -> io::Result<bool> {
        self.path(name).try_exists()
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path(from), self.path(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path(name))
    }

    fn sync_folder(&self) -> io::Result<()> {
        sync_folder(&self.folder)
    }

    fn describe(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }
}

fn backend(file: File) -> io::Result<Box<dyn StorageBackend>> {
    Ok(Box::new(FileBackend::new(file).map_err(io::Error::other)?))
}

/// Options to read and write; files made with them are their owner's only.
fn private_options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn make_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)?;
    match folder.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => sync_folder(parent),
        _ => Ok(()),
    }
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Elsewhere a folder cannot be opened as a file; the file system journals its names.
#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}

/// Opens a file of the store behind the latch.
pub(super) fn open_latched(
    disk: &Arc<dyn Disk>,
    name: &str,
    latch: &Latch,
) -> Result<LatchedFile, StoreError> {
    let path = disk.describe(name);
    match disk.open(name) {
        Ok(file) => Ok(LatchedFile::new(file, path, latch.clone())),
        Err(cause) => Err(StoreError::Unreadable {
            file: path,
            cause: cause.to_string(),
        }),
    }
}

/// Whether the file is there.
pub(super) fn exists(disk: &Arc<dyn Disk>, name: &str) -> Result<bool, StoreError> {
    disk.exists(name).map_err(|cause| StoreError::Unreadable {
        file: disk.describe(name),
        cause: cause.to_string(),
    })
}

/// Creates a file so that a crash leaves either nothing under its name or all of it.
///
/// `fill` writes the contents, makes them durable and closes the file.
pub(super) fn create_whole(
    disk: &Arc<dyn Disk>,
    name: &str,
    latch: &Latch,
    fill: impl FnOnce(LatchedFile) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let draft = format!("{name}.new");
    let path = disk.describe(name);
    latch.check()?;
    let failed = |operation| {
        let path = path.clone();
        move |cause: io::Error| StoreError::from(latch.close(Fault::io(&path, operation, &cause)))
    };
    let file = disk.create(&draft).map_err(failed("create"))?;
    // Order: whole and durable under the draft's name, then renamed, then the folder synced. Were
    // it renamed first, a crash would leave half a file where the next start expects a whole one.
    fill(LatchedFile::new(file, disk.describe(&draft), latch.clone()))?;
    disk.rename(&draft, name).map_err(failed("rename"))?;
    disk.sync_folder().map_err(failed("sync"))
}
