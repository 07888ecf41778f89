//! A wallet's folder: `data_dir/wallets/<profile>/`, with its keystore, its journal of payments, what it has
//! seen of each network, its dealings with other wallets, and its lock.
//!
//! Promises: a keystore is never overwritten; a journal is replaced as a whole or not at all, and is on the disk when
//! [`Profile::save_journal`] returns; files are readable by their owner only; two processes never write one profile.
//! This file must never look inside the files (that is `wallet/vault.rs` and `wallet/journal.rs`), and never drop a
//! damaged one. Read next: `profile/error.rs`.

mod dealings;
mod error;
mod files;
mod notes;
mod seen;

#[cfg(test)]
mod tests;

pub use dealings::{DealingsFile, LockedDealings};
pub use error::ProfileError;

use crate::wallet::journal::{Journal, MAX_JOURNAL_BYTES};
use etcetera::BaseStrategy;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

/// Longest profile name, in characters.
pub const MAX_PROFILE_NAME: usize = 32;

const WALLETS: &str = "wallets";
const KEYSTORE: &str = "keystore.json";
const JOURNAL: &str = "payments.json";
const LOCK: &str = "lock";

/// The name of a profile: 1 to 32 of `a-z 0-9 . _ -`, not beginning with a dot, so that it can be nothing but a folder's name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ProfileName(String);

impl ProfileName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for ProfileName {
    /// The profile of whoever names none: `default`.
    fn default() -> Self {
        Self("default".to_owned())
    }
}

impl std::fmt::Display for ProfileName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::str::FromStr for ProfileName {
    type Err = ProfileError;

    fn from_str(text: &str) -> Result<Self, ProfileError> {
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c);
        let good = (1..=MAX_PROFILE_NAME).contains(&text.len())
            && text.chars().all(allowed)
            && !text.starts_with('.');
        match good {
            true => Ok(Self(text.to_owned())),
            false => Err(ProfileError::BadName {
                name: text.chars().take(64).collect(),
            }),
        }
    }
}

/// The folder under which all wallets of a person live.
#[derive(Clone, Debug)]
pub struct DataDir {
    root: PathBuf,
}

impl DataDir {
    /// A data folder chosen by the caller. It need not exist yet.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The system's place for it: `$XDG_DATA_HOME/natcoin`, else `~/.local/share/natcoin` (on Windows, `%APPDATA%\natcoin`).
    ///
    /// # Errors
    /// [`ProfileError::NoHome`] where the user has no home folder.
    pub fn of_user() -> Result<Self, ProfileError> {
        let base = etcetera::choose_base_strategy().map_err(|_| ProfileError::NoHome)?;
        Ok(Self::new(base.data_dir().join("natcoin")))
    }

    /// Where the data folder is.
    pub fn path(&self) -> &Path {
        &self.root
    }

    /// The folder of one profile, there or not.
    pub fn profile_path(&self, name: &ProfileName) -> PathBuf {
        self.root.join(WALLETS).join(name.as_str())
    }

    /// The file that holds a profile's secret, sealed.
    pub fn keystore_path(&self, name: &ProfileName) -> PathBuf {
        self.profile_path(name).join(KEYSTORE)
    }

    /// The profiles that have a keystore, in order of their names.
    ///
    /// # Errors
    /// [`ProfileError::Io`].
    pub fn list(&self) -> Result<Vec<ProfileName>, ProfileError> {
        let folder = self.root.join(WALLETS);
        let entries = match std::fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(ProfileError::io("list", &folder, error)),
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|error| ProfileError::io("list", &folder, error))?;
            let name = entry
                .file_name()
                .to_str()
                .and_then(|name| name.parse().ok());
            if let Some(name) = name
                && self.has(&name)
            {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    /// Is there a wallet of this name?
    pub fn has(&self, name: &ProfileName) -> bool {
        self.profile_path(name).join(KEYSTORE).exists()
    }

    /// The keystore of a profile, read without taking its lock (it never changes): enough to show an address.
    ///
    /// # Errors
    /// [`ProfileError::NoWallet`], [`ProfileError::TooLarge`], [`ProfileError::Io`].
    pub fn read_keystore(&self, name: &ProfileName) -> Result<Vec<u8>, ProfileError> {
        let path = self.profile_path(name).join(KEYSTORE);
        files::read(&path, files::MAX_KEYSTORE_BYTES)?.ok_or_else(|| self.no_wallet(name))
    }

    /// The journal of a profile as it was last saved, read without the lock: for looking only.
    ///
    /// # Errors
    /// As [`Profile::journal`].
    pub fn read_journal(&self, name: &ProfileName) -> Result<Journal, ProfileError> {
        journal_at(&self.profile_path(name).join(JOURNAL))
    }

    /// Opens a profile for use and holds its lock until the [`Profile`] is dropped.
    ///
    /// # Errors
    /// [`ProfileError::NoWallet`] with the profiles that there are, [`ProfileError::InUse`], [`ProfileError::Io`].
    pub fn open(&self, name: &ProfileName) -> Result<Profile, ProfileError> {
        if !self.has(name) {
            return Err(self.no_wallet(name));
        }
        self.lock(name)
    }

    /// Makes a profile with this keystore, and opens it. The keystore is on the disk, or nothing is, when this returns.
    ///
    /// # Errors
    /// [`ProfileError::AlreadyThere`] if the profile has a keystore, which stays as it is; [`ProfileError::InUse`],
    /// [`ProfileError::Io`].
    pub fn create(&self, name: &ProfileName, keystore: &[u8]) -> Result<Profile, ProfileError> {
        let folder = self.profile_path(name);
        files::create_private_folder(&folder)?;
        let profile = self.lock(name)?;
        let path = folder.join(KEYSTORE);
        if !files::write_new(&path, keystore)? {
            return Err(ProfileError::AlreadyThere {
                name: name.clone(),
                path,
            });
        }
        // Order: contents first, then the folders that lead to them. The caller shows the words as kept only after this.
        for parent in folder.ancestors().skip(1).take(3) {
            files::sync_folder(parent)?;
        }
        Ok(profile)
    }

    fn lock(&self, name: &ProfileName) -> Result<Profile, ProfileError> {
        let folder = self.profile_path(name);
        let path = folder.join(LOCK);
        let file = files::open_lock(&path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(ProfileError::InUse {
                    name: name.clone(),
                    path,
                });
            }
            Err(TryLockError::Error(error)) => return Err(ProfileError::io("lock", &path, error)),
        }
        // Nothing that a crash left half-written was ever relied on, and the lock says that nobody is writing now.
        files::remove_half_written(&folder)?;
        Ok(Profile {
            name: name.clone(),
            folder,
            _lock: file,
        })
    }

    fn no_wallet(&self, name: &ProfileName) -> ProfileError {
        ProfileError::NoWallet {
            name: name.clone(),
            folder: self.root.clone(),
            others: self.list().unwrap_or_default(),
        }
    }
}

/// An open profile. While it lives, no other process can open it.
#[derive(Debug)]
pub struct Profile {
    name: ProfileName,
    folder: PathBuf,
    /// Held, never read: the system lets go of the lock when the file is closed, also after a crash.
    _lock: File,
}

impl Profile {
    /// The profile's name.
    pub fn name(&self) -> &ProfileName {
        &self.name
    }

    /// The profile's folder.
    pub fn path(&self) -> &Path {
        &self.folder
    }

    /// Where the journal is, for messages.
    pub fn journal_path(&self) -> PathBuf {
        self.folder.join(JOURNAL)
    }

    /// The keystore's bytes.
    ///
    /// # Errors
    /// [`ProfileError::TooLarge`], [`ProfileError::Io`] (also if the file is gone).
    pub fn keystore(&self) -> Result<Vec<u8>, ProfileError> {
        let path = self.folder.join(KEYSTORE);
        files::read(&path, files::MAX_KEYSTORE_BYTES)?
            .ok_or_else(|| ProfileError::io("read", &path, std::io::ErrorKind::NotFound.into()))
    }

    /// The payments remembered; none if there is no journal yet.
    ///
    /// # Errors
    /// [`ProfileError::Journal`] for a damaged one, which stays as it is; [`ProfileError::TooLarge`],
    /// [`ProfileError::Io`].
    pub fn journal(&self) -> Result<Journal, ProfileError> {
        journal_at(&self.journal_path())
    }

    /// Replaces the journal. When this returns `Ok`, it survives a loss of power; on an error or a crash the old one stays.
    ///
    /// # Errors
    /// [`ProfileError::Io`]: nothing that the new journal holds may then be sent.
    pub fn save_journal(&mut self, journal: &Journal) -> Result<(), ProfileError> {
        files::replace(&self.journal_path(), &journal.encode())
    }
}

fn journal_at(path: &Path) -> Result<Journal, ProfileError> {
    match files::read(path, MAX_JOURNAL_BYTES as u64)? {
        None => Ok(Journal::new()),
        Some(bytes) => Journal::decode(&bytes).map_err(|source| ProfileError::Journal {
            path: path.to_owned(),
            source,
        }),
    }
}
