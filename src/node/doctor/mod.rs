//! Looking for what keeps a node from its work, before or while it runs: `natcoin doctor`.
//!
//! Each check finds nothing wrong, or one [`Trouble`] with its next step. All of them are made, whatever the others found, as
//! far as they can be: who has two faults wants to hear of both. The doctor changes nothing that a start of the node would not
//! change, and opens no store that a node holds or another user owns.
//!
//! Read next: `place.rs` (the home and its disk), `wire.rs` (ports, other nodes, the clock).

mod place;
#[cfg(test)]
mod tests;
mod wire;

use std::path::{Path, PathBuf};

use super::home::{self, Home, HomeError};
use super::inquiry::InquiryError;
use super::profile::ProfileError;
use super::runner::NodeError;
use crate::directory::bootstrap::Bootstrap;
use crate::node::profile::DataDir;

/// Free space below which a node should not be left, in bytes.
pub const LITTLE_SPACE_BYTES: u64 = 1 << 30;
/// Free space below which it will stop soon.
pub const NO_SPACE_BYTES: u64 = 64 << 20;

/// What is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// The program itself.
    Program,
    /// The bootstrap file.
    Bootstrap,
    /// The folder of the node.
    Home,
    /// Its key.
    Key,
    /// Whether its folder can be written.
    Folder,
    /// The room on its disk.
    Space,
    /// What it has stored, with its guard.
    Store,
    /// Whether it runs.
    Node,
    /// The ports that it will listen on.
    Ports,
    /// The other nodes.
    Network,
    /// This machine's clock.
    Clock,
    /// The keys of the wallets.
    Wallets,
}

/// What a check has found.
#[derive(Debug)]
pub struct Finding {
    /// The check.
    pub check: Check,
    /// What is right, in words; or what is not.
    pub result: Result<String, Trouble>,
}

/// What keeps a node from its work, or soon will.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// The home, or the bootstrap file.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// What a start would fail with.
    #[error(transparent)]
    Node(#[from] NodeError),
    /// The running node, or this machine's network.
    #[error(transparent)]
    Inquiry(#[from] InquiryError),
    /// The folder of wallets.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// Others can read a secret.
    #[error(
        "{} can be read by other users of this machine (its mode is {mode:o}, not 600); run chmod 600 on it, and make a new key if somebody may have copied it", .path.display()
    )]
    KeyExposed {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// A folder that the node writes to and cannot.
    #[error("cannot write to {} ({why}); make it writable for the user who runs the node", .path.display())]
    NotWritable {
        /// The folder.
        path: PathBuf,
        /// The system's words.
        why: String,
    },
    /// The store is another user's.
    #[error(
        "{} belongs to another user, so what is stored was not looked at; run this as the user who runs the node", .path.display()
    )]
    OtherOwner {
        /// The folder.
        path: PathBuf,
    },
    /// There is no room.
    #[error("the disk of {} has {free_mb} MB left: a node stops when it is full; free space, or move the home to a larger disk", .path.display())]
    Space {
        /// The folder.
        path: PathBuf,
        /// What is free, in millions of bytes.
        free_mb: u64,
        /// Whether the node will stop soon.
        is_grave: bool,
    },
    /// A process holds the home and does not answer.
    #[error(
        "another process holds {} and does not answer as this node ({why}); end it (`fuser` on the file store/lock tells its number), then start the node", .folder.display()
    )]
    Silent {
        /// The home.
        folder: PathBuf,
        /// How asking failed.
        why: String,
    },
    /// No other node answers.
    #[error(
        "none of the {others} other nodes can be reached ({why}); check this machine's connection and firewall, and that the bootstrap file is of today"
    )]
    NobodyThere {
        /// How many there are.
        others: usize,
        /// Why the first was not.
        why: String,
    },
    /// Too few answer.
    #[error(
        "{up} of {all} nodes are up, {needed} needed: the network is paused, and nothing is lost; ask those who run {missing}"
    )]
    TooFew {
        /// How many are up, this one included.
        up: usize,
        /// Of how many.
        all: usize,
        /// How many it takes.
        needed: usize,
        /// Who is missing.
        missing: String,
    },
    /// Others run a later version.
    #[error(
        "this program is {own}, and {name} runs {theirs}; update this one when all are told to"
    )]
    Version {
        /// Ours.
        own: String,
        /// The other node.
        name: String,
        /// Its.
        theirs: String,
    },
    /// The clock is wrong.
    #[error(
        "this machine's clock is {by} {which}; let it be set by the network (`timedatectl set-ntp true`)"
    )]
    Clock {
        /// By how much, in words.
        by: String,
        /// `behind ...` or `ahead ...`.
        which: &'static str,
    },
}

impl Trouble {
    /// Whether the node cannot do its work because of it; otherwise it is a warning.
    pub fn is_grave(&self) -> bool {
        match self {
            Self::Space { is_grave, .. } => *is_grave,
            // A node needs no wallets: who runs one as its own user may not see theirs.
            Self::Profile(_) => false,
            Self::OtherOwner { .. } | Self::TooFew { .. } | Self::Version { .. } => false,
            _ => true,
        }
    }
}

/// What is looked at.
#[derive(Debug, Default)]
pub struct Subject<'a> {
    /// The node's home.
    pub home: Option<&'a Path>,
    /// The bootstrap file that was named.
    pub bootstrap: Option<&'a Path>,
    /// The folder of wallets.
    pub data: Option<&'a DataDir>,
}

/// Makes every check that can be made.
pub async fn examine(subject: Subject<'_>) -> Vec<Finding> {
    let mut found = vec![Finding {
        check: Check::Program,
        result: Ok(concat!("natcoin ", env!("CARGO_PKG_VERSION")).to_owned()),
    }];
    let mut note = |check, result| found.push(Finding { check, result });
    let named = subject.bootstrap.map(home::read_bootstrap).transpose();
    let home = subject.home.map(Home::load);
    // The network: of the file that was named, of the home, or the built-in one.
    let bootstrap = match (&named, &home) {
        (Ok(Some(bootstrap)), _) => Some(bootstrap.clone()),
        (Ok(None), Some(Ok(home))) => Some(home.bootstrap().clone()),
        (Ok(None), None) => Some(Bootstrap::embedded()),
        _ => None,
    };
    match (named, &bootstrap) {
        (Err(error), _) => note(Check::Bootstrap, Err(error.into())),
        (Ok(named), Some(bootstrap)) => {
            let source = match (named.is_some(), subject.home) {
                (true, _) => "the file named",
                (false, Some(_)) => "the home's file",
                (false, None) => "the built-in file",
            };
            let (name, nodes) = (bootstrap.network(), bootstrap.nodes().len());
            note(
                Check::Bootstrap,
                Ok(format!(
                    "{source} describes the network {name} of {nodes} nodes"
                )),
            );
        }
        (Ok(_), None) => {}
    }
    let mut is_running = false;
    if let Some(folder) = subject.home {
        let home = match (home, &bootstrap, subject.bootstrap) {
            (Some(Ok(home)), Some(bootstrap), Some(_)) => home.with_bootstrap(bootstrap.clone()),
            (Some(home), ..) => home,
            (None, ..) => Home::load(folder),
        };
        note(Check::Key, place::key(folder));
        note(Check::Folder, place::folder(folder));
        if let Some(space) = place::space(folder) {
            note(Check::Space, space);
        }
        match home {
            Ok(home) => {
                let name = home.name();
                note(Check::Home, Ok(format!("this is the node {name}")));
                match place::store(&home) {
                    place::Stored::Held => {
                        let result = wire::running(&home).await;
                        is_running = result.is_ok();
                        note(Check::Node, result);
                    }
                    place::Stored::Free(result) => note(Check::Store, result),
                }
                if !is_running {
                    note(Check::Ports, wire::ports(home.listen()));
                }
                wire::network(home.bootstrap(), Some(&home), is_running, &mut note).await;
            }
            Err(error) => note(Check::Home, Err(error.into())),
        }
    } else if let Some(bootstrap) = &bootstrap {
        wire::network(bootstrap, None, is_running, &mut note).await;
    }
    if let Some(data) = subject.data {
        note(Check::Wallets, place::wallets(data));
    }
    found
}
