//! Where a network that this program starts has its files: where it was asked for, or in a folder that goes with it.
//!
//! Next: `devnet.rs` and `bench.rs`, which start one.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::failure::Failure;

/// A folder for a network. A temporary one goes when this is dropped: drop it after the nodes have ended.
pub struct Place {
    folder: PathBuf,
    _temporary: Option<TempDir>,
}

impl Place {
    /// The folder that was asked for, or else a temporary one with a name that begins so.
    ///
    /// # Errors
    /// What the system says.
    pub fn new(asked: Option<&Path>, prefix: &str) -> Result<Self, Failure> {
        let (folder, temporary) = match asked {
            Some(folder) => (folder.to_owned(), None),
            None => {
                let made = tempfile::Builder::new().prefix(prefix).tempdir();
                let made = made.map_err(|error| Failure::io("make a temporary folder", &error))?;
                (made.path().to_owned(), Some(made))
            }
        };
        let folder =
            std::path::absolute(folder).map_err(|error| Failure::io("find the folder", &error))?;
        Ok(Self {
            folder,
            _temporary: temporary,
        })
    }

    /// It, absolute.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}
