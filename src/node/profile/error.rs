//! Every way in which a wallet's folder can fail its owner, with the next step.

use super::ProfileName;
use crate::wallet::contacts::ContactError;
use crate::wallet::dealings::book::BookError;
use crate::wallet::journal::JournalError;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Why a profile could not be used.
#[derive(Debug, Error)]
pub enum ProfileError {
    /// Not a name for a profile.
    #[error(
        "`{name}` is not a profile name: 1 to 32 of a-z, 0-9, `.`, `_` and `-`, not beginning with `.`; choose another --profile"
    )]
    BadName {
        /// The beginning of what was given.
        name: String,
    },
    /// The system knows no home folder for this user.
    #[error("there is no home folder to keep wallets in; name a folder with --data-dir")]
    NoHome,
    /// The profile has no keystore.
    #[error("there is no wallet `{name}` in {}; {}", .folder.display(), next_step(.others))]
    NoWallet {
        /// The profile asked for.
        name: ProfileName,
        /// The data folder.
        folder: PathBuf,
        /// The profiles that are there.
        others: Vec<ProfileName>,
    },
    /// The profile has a keystore already, and it is never overwritten.
    #[error(
        "there is a wallet `{name}` already ({}); it was not touched: choose another --profile", .path.display()
    )]
    AlreadyThere {
        /// The profile.
        name: ProfileName,
        /// Its keystore.
        path: PathBuf,
    },
    /// Another process has the profile open.
    #[error(
        "wallet `{name}` is open in another natcoin process (it holds {}); close that one, or use another --profile", .path.display()
    )]
    InUse {
        /// The profile.
        name: ProfileName,
        /// The lock file.
        path: PathBuf,
    },
    /// The book of dealings cannot be read.
    #[error("the dealings with other wallets in {} cannot be used: {source}", .path.display())]
    Dealings {
        /// The file.
        path: PathBuf,
        /// Why.
        source: BookError,
    },
    /// The contacts cannot be read. The file is left as it is.
    #[error("{}: {source}", .path.display())]
    Contacts {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: ContactError,
    },
    /// A file is far larger than anything that we write.
    #[error(
        "{} is larger than {max} bytes, so natcoin did not write it; put the right file back from a backup", .path.display()
    )]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Most that is read.
        max: u64,
    },
    /// The file with the newest height seen holds something else.
    #[error(
        "{} does not hold the height that natcoin wrote; remove it, and the next command writes it again", .path.display()
    )]
    Seen {
        /// The file.
        path: PathBuf,
    },
    /// The journal of payments cannot be read. It is left as it is: it may name payments that wait for their end.
    #[error("the journal of payments {} cannot be used: {source}", .path.display())]
    Journal {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: JournalError,
    },
    /// The system refused.
    #[error("cannot {action} {}: {source}; check the disk and the folder's permissions", .path.display())]
    Io {
        /// What was tried: `read`, `write`, `lock`, `list`, `create`, `sync`.
        action: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

impl ProfileError {
    pub(super) fn io(action: &'static str, path: &Path, source: std::io::Error) -> Self {
        Self::Io {
            action,
            path: path.to_owned(),
            source,
        }
    }
}

fn next_step(others: &[ProfileName]) -> String {
    const SHOWN: usize = 8;
    if others.is_empty() {
        return "make one with `natcoin wallet new`, or bring one back with `natcoin wallet restore`"
            .to_owned();
    }
    let names: Vec<&str> = others.iter().take(SHOWN).map(ProfileName::as_str).collect();
    let more = if others.len() > SHOWN { ", ..." } else { "" };
    format!(
        "there are: {}{more}; name one with --profile, or make a new one with `natcoin wallet new`",
        names.join(", ")
    )
}
