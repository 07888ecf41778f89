//! The newest height that a wallet has seen proven, on each network: `seen/<genesis hash>` in its folder; and its own
//! account as it was proven last, `known/<genesis hash>`, to sign by where no node can be asked.
//!
//! With it a wallet never shows something older than it has shown before, in another run either. It is no secret and
//! no money hangs on it: two processes may write it at once, and a lost one costs only the memory. It must never stand
//! above what was really proven. Read next: `wallet/light.rs`, whose floor it is.

use super::{DataDir, ProfileError, ProfileName, files};
use crate::chain::account::Account;
use crate::chain::codec::{Decode as _, Encode as _, Reader};
use crate::chain::hash::Hash;
use std::path::PathBuf;

const SEEN: &str = "seen";
const KNOWN: &str = "known";

/// Most bytes of such a file: a height has at most twenty digits.
const MAX_BYTES: u64 = 64;

/// Most bytes of a remembered account.
const MAX_ACCOUNT_BYTES: u64 = 256;

fn checksum(bytes: &[u8]) -> Hash {
    Hash::of("natcoin/seen/account/1", &[bytes])
}

impl DataDir {
    /// The newest height that this wallet remembers as proven on the network of this genesis; 0 if none.
    ///
    /// # Errors
    /// [`ProfileError::Seen`] if the file is not what natcoin wrote, [`ProfileError::Io`].
    pub fn seen_height(&self, name: &ProfileName, genesis: &Hash) -> Result<u64, ProfileError> {
        let path = self.seen_path(name, genesis);
        let Some(bytes) = files::read(&path, MAX_BYTES)? else {
            return Ok(0);
        };
        let text = std::str::from_utf8(&bytes).unwrap_or_default();
        let height = text.strip_suffix('\n').and_then(|text| text.parse().ok());
        height.ok_or(ProfileError::Seen { path })
    }

    /// Remembers a proven height, unless a newer one is remembered or there is no such wallet.
    ///
    /// # Errors
    /// As [`DataDir::seen_height`].
    pub fn remember_height(
        &self,
        name: &ProfileName,
        genesis: &Hash,
        height: u64,
    ) -> Result<(), ProfileError> {
        if !self.has(name) || height <= self.seen_height(name, genesis)? {
            return Ok(());
        }
        files::create_private_folder(&self.profile_path(name).join(SEEN))?;
        let text = format!("{height}\n");
        files::replace(&self.seen_path(name, genesis), text.as_bytes())
    }

    /// The account as it was proven last, and at which height; `None` if nothing (or nothing that can be read) is kept.
    ///
    /// # Errors
    /// [`ProfileError::Io`], [`ProfileError::TooLarge`].
    pub fn seen_account(
        &self,
        name: &ProfileName,
        genesis: &Hash,
    ) -> Result<Option<(u64, Account)>, ProfileError> {
        let Some(bytes) = files::read(&self.account_path(name, genesis), MAX_ACCOUNT_BYTES)? else {
            return Ok(None);
        };
        let Some((said, sum)) = bytes.split_last_chunk::<32>() else {
            return Ok(None);
        };
        let mut reader = Reader::new(said);
        let read = u64::decode(&mut reader).and_then(|height| {
            let account = Account::decode(&mut reader)?;
            reader.finish()?;
            Ok((height, account))
        });
        Ok(read.ok().filter(|_| checksum(said) == Hash(*sum)))
    }

    /// Remembers the account as it is proven at a height.
    ///
    /// # Errors
    /// [`ProfileError::Io`].
    pub fn remember_account(
        &self,
        name: &ProfileName,
        genesis: &Hash,
        height: u64,
        account: &Account,
    ) -> Result<(), ProfileError> {
        if !self.has(name) {
            return Ok(());
        }
        files::create_private_folder(&self.profile_path(name).join(KNOWN))?;
        let mut bytes = Vec::new();
        height.encode(&mut bytes);
        account.encode(&mut bytes);
        checksum(&bytes).encode(&mut bytes);
        files::replace(&self.account_path(name, genesis), &bytes)
    }

    fn account_path(&self, name: &ProfileName, genesis: &Hash) -> PathBuf {
        let folder = self.profile_path(name).join(KNOWN);
        folder.join(genesis.to_string())
    }

    fn seen_path(&self, name: &ProfileName, genesis: &Hash) -> PathBuf {
        let folder = self.profile_path(name).join(SEEN);
        folder.join(genesis.to_string())
    }
}
