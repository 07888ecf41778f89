//! Every way in which a home can be of no use, with the next step.

use std::path::{Path, PathBuf};

use libp2p::PeerId;

use crate::chain::hash::Hash;
use crate::chain::name::Name;
use crate::directory::bootstrap::BootstrapError;
use crate::directory::development::DevelopmentKeyExposed;

/// Why a home cannot be made or read.
#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    /// There is no home.
    #[error(
        "{} is not a node's home: it has no node.toml; make homes with `natcoin network new`", .folder.display()
    )]
    NotAHome {
        /// The folder.
        folder: PathBuf,
    },
    /// The place is taken.
    #[error(
        "{} is there already and not empty: nothing was changed; choose another folder", .folder.display()
    )]
    NotEmpty {
        /// The folder.
        folder: PathBuf,
    },
    /// A founding that has not come to its end.
    #[error(
        "{} is left of a founding that was cut off; finish it with the signed file of any founder (`network found --finish FILE --home DIR`), or take it away with `network found --forget --home DIR`", .folder.display()
    )]
    Unfinished {
        /// Its folder.
        folder: PathBuf,
    },
    /// There is none to finish.
    #[error("{} is not there: no founding waits for this home; check --home", .folder.display())]
    NothingPending {
        /// Where it would be.
        folder: PathBuf,
    },
    /// Another network than was signed.
    #[error(
        "{} has signed another network already; take it away with `network found --forget --home DIR` if nothing came of that one", .folder.display()
    )]
    SignedAnother {
        /// Its folder.
        folder: PathBuf,
    },
    /// A file whose network does not have the node.
    #[error(
        "the file does not list {name} with this home's key as a validator; ask for the right one, or check --home"
    )]
    NotInDraft {
        /// The node.
        name: Name,
    },
    /// A file that not all have signed.
    #[error(
        "the file has no founders' signatures; give the signed file, or the draft with everybody's signature"
    )]
    NotSigned,
    /// `node.toml`.
    #[error("{}: {why}; correct it (it needs name = \"...\" and listen = [\"...\"])", .path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// `node.key`.
    #[error("{} is not a key: 64 hexadecimal digits are expected; put it back from your backup", .path.display())]
    Key {
        /// The file.
        path: PathBuf,
    },
    /// The bootstrap file.
    #[error("{}: {error}", .path.display())]
    Bootstrap {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        error: Box<BootstrapError>,
    },
    /// A bootstrap file of another network than the home's.
    #[error(
        "{} belongs to the network {own}, but the bootstrap file given describes {given}; leave --bootstrap away, or make a new home", .folder.display()
    )]
    OtherNetwork {
        /// The home.
        folder: PathBuf,
        /// Its genesis hash.
        own: Hash,
        /// That of the file given.
        given: Hash,
    },
    /// The bootstrap file lists the node's name with another key.
    #[error(
        "the node {name} has the peer id {own}, but the bootstrap file lists {listed} under this name; correct node.key or the name in node.toml"
    )]
    OtherKey {
        /// The name.
        name: Name,
        /// The home's peer id.
        own: Box<PeerId>,
        /// The file's.
        listed: Box<PeerId>,
    },
    /// A development key where others reach it.
    #[error(transparent)]
    DevelopmentKey(#[from] DevelopmentKeyExposed),
    /// More nodes than `network new` makes, or none.
    #[error("a network of {0} nodes: 1 to {max} can be made; choose another number", max = super::MAX_NEW_NODES)]
    NodeCount(usize),
    /// A file far larger than it can be.
    #[error("{} has more than {max} bytes: it is not what it should be", .path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Most bytes that are read.
        max: u64,
    },
    /// A file that is not text.
    #[error("{} is not text in UTF-8: it is not what it should be", .path.display())]
    NotText {
        /// The file.
        path: PathBuf,
    },
    /// The system refused.
    #[error("cannot {action} {}: {source}; check the path, the disk and the folder's permissions", .path.display())]
    Io {
        /// `read`, `write`, `create`, `remove` or `sync`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

impl HomeError {
    pub(in crate::node) fn io(action: &'static str, path: &Path, source: std::io::Error) -> Self {
        Self::Io {
            action,
            path: path.to_owned(),
            source,
        }
    }
}
