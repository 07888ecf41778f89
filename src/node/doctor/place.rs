//! The home and its disk: the key's permissions, whether there is room and leave to write, what is stored.

use std::path::Path;
use std::sync::Arc;

use super::Trouble;
use crate::node::home::{Home, KEY};
use crate::node::profile::DataDir;
use crate::node::runner::NodeError;
use crate::store::{FolderDisk, Store, StoreError};

/// What is known of a store.
pub(super) enum Stored {
    /// A process holds it.
    Held,
    /// Nobody does, and this is what was found.
    Free(Result<String, Trouble>),
}

/// Whether only its owner can read the node's key. What it holds is the home's own check.
pub(super) fn key(folder: &Path) -> Result<String, Trouble> {
    let path = folder.join(KEY);
    match exposed(&path) {
        Some(mode) => Err(Trouble::KeyExposed { path, mode }),
        None => Ok("only its owner can read the node's key".to_owned()),
    }
}

/// Whether only their owner can read the wallets' keystores.
pub(super) fn wallets(data: &DataDir) -> Result<String, Trouble> {
    let names = data.list()?;
    for name in &names {
        let path = data.keystore_path(name);
        if let Some(mode) = exposed(&path) {
            return Err(Trouble::KeyExposed { path, mode });
        }
    }
    Ok(match names.len() {
        0 => "there is no wallet here".to_owned(),
        1 => "only its owner can read the one wallet".to_owned(),
        count => format!("only their owner can read the {count} wallets"),
    })
}

/// The permissions of a file that others than its owner can use.
#[cfg(unix)]
fn exposed(path: &Path) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(path).ok()?.permissions().mode() & 0o777;
    (mode & 0o077 != 0).then_some(mode)
}

/// Elsewhere a file's owner is a matter of its folder.
#[cfg(not(unix))]
fn exposed(_: &Path) -> Option<u32> {
    None
}

/// Whether the home, and what is in it already, can be written: by a file that goes away again.
pub(super) fn folder(folder: &Path) -> Result<String, Trouble> {
    let store = folder.join("store");
    for path in [folder, &store] {
        if path.is_dir()
            && let Err(error) = tempfile::Builder::new().prefix(".try-").tempfile_in(path)
        {
            return Err(Trouble::NotWritable {
                path: path.to_owned(),
                why: error.to_string(),
            });
        }
    }
    Ok("the home can be written".to_owned())
}

/// Whether the disk has room; none where the system does not tell.
#[cfg(target_os = "linux")]
pub(super) fn space(folder: &Path) -> Option<Result<String, Trouble>> {
    let told = rustix::fs::statvfs(folder).ok()?;
    Some(judge_space(
        folder,
        told.f_bavail.saturating_mul(told.f_frsize),
    ))
}

/// Elsewhere nobody is asked.
#[cfg(not(target_os = "linux"))]
pub(super) fn space(_: &Path) -> Option<Result<String, Trouble>> {
    None
}

/// Whether so many free bytes are enough.
pub(super) fn judge_space(folder: &Path, free: u64) -> Result<String, Trouble> {
    let free_mb = free / 1_000_000;
    if free >= super::LITTLE_SPACE_BYTES {
        return Ok(format!("its disk has {free_mb} MB left"));
    }
    Err(Trouble::Space {
        path: folder.to_owned(),
        free_mb,
        is_grave: free < super::NO_SPACE_BYTES,
    })
}

/// Opens the store as a start of the node does, and closes it again.
pub(super) fn store(home: &Home) -> Stored {
    let folder = home.store_folder();
    if !folder.is_dir() {
        let told = "nothing is stored yet: the node was never started".to_owned();
        return Stored::Free(Ok(told));
    }
    // What is opened is made where it is missing: by another user than the node's, the node could not open it any more.
    if !is_own(&folder) {
        return Stored::Free(Err(Trouble::OtherOwner { path: folder }));
    }
    let genesis = home.bootstrap().genesis().hash().0;
    let disk = match FolderDisk::open(&folder) {
        Ok(disk) => disk,
        Err(StoreError::InUse { .. }) => return Stored::Held,
        Err(error) => return Stored::Free(Err(NodeError::from(error).into())),
    };
    let opened = Store::open(Arc::new(disk), genesis).map_err(NodeError::from);
    Stored::Free(match opened {
        Ok(store) => {
            let signed = match store.guard_last() {
                Some(mark) => format!("signed last at height {}", mark.height),
                None => "signed nothing yet".to_owned(),
            };
            let tip = store.tip();
            Ok(format!(
                "the store is sound up to height {tip}; it has {signed}"
            ))
        }
        Err(error) => Err(error.into()),
    })
}

/// Whether what this process makes in a folder has the folder's owner.
#[cfg(unix)]
fn is_own(folder: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let made = tempfile::Builder::new()
        .prefix(".try-")
        .tempfile_in(folder)
        .and_then(|file| file.as_file().metadata());
    match (made, std::fs::metadata(folder)) {
        (Ok(made), Ok(folder)) => made.uid() == folder.uid(),
        _ => false,
    }
}

#[cfg(not(unix))]
fn is_own(_: &Path) -> bool {
    true
}
