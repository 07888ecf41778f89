//! A file that is never touched again after it failed once.
//!
//! Stands beneath everything that the store writes, redb included: redb writes also when it is
//! closed, and must not do so after a failed sync. Must never: retry. Read next: `disk.rs`.

use std::io;

use redb::StorageBackend;

use super::error::{Fault, Latch};

/// A backend that closes the store's latch at its first failed change.
#[derive(Debug)]
pub(super) struct LatchedFile {
    inner: Box<dyn StorageBackend>,
    path: String,
    latch: Latch,
}

impl LatchedFile {
    pub fn new(inner: Box<dyn StorageBackend>, path: String, latch: Latch) -> Self {
        Self { inner, path, latch }
    }

    /// Where the file lies, for messages.
    pub fn path(&self) -> &str {
        &self.path
    }

    fn change(
        &self,
        operation: &'static str,
        act: impl FnOnce(&dyn StorageBackend) -> io::Result<()>,
    ) -> io::Result<()> {
        self.latch.check().map_err(io::Error::other)?;
        act(&*self.inner).inspect_err(|cause| {
            self.latch.close(Fault::io(&self.path, operation, cause));
        })
    }

    /// As [`StorageBackend::write`], then [`StorageBackend::sync_data`], with the store's error.
    pub fn write_durably(&self, offset: u64, data: &[u8]) -> Result<(), Fault> {
        // Order: the data first, the sync after; whoever acts on the `Ok` relies on both.
        self.write(offset, data)
            .and_then(|()| self.sync_data())
            .map_err(|cause| self.fault("write", &cause))
    }

    /// The latched fault, for an error that a changing call gave.
    pub fn fault(&self, operation: &'static str, cause: &io::Error) -> Fault {
        self.latch.close(Fault::io(&self.path, operation, cause))
    }
}

impl StorageBackend for LatchedFile {
    fn len(&self) -> io::Result<u64> {
        self.inner.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.inner.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.change("resize", |file| file.set_len(len))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.change("sync", |file| file.sync_data())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.change("write", |file| file.write(offset, data))
    }

    fn close(&self) -> io::Result<()> {
        self.inner.close()
    }
}
