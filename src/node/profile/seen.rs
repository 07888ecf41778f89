//! The newest height that a wallet has seen proven, on each network: `seen/<genesis hash>` in its folder.
//!
//! With it a wallet never shows something older than it has shown before, in another run either. It is no secret and
//! no money hangs on it: two processes may write it at once, and a lost one costs only the memory. It must never stand
//! above what was really proven. Read next: `wallet/light.rs`, whose floor it is.

use super::{DataDir, ProfileError, ProfileName, files};
use crate::chain::hash::Hash;
use std::path::PathBuf;

const SEEN: &str = "seen";

/// Most bytes of such a file: a height has at most twenty digits.
const MAX_BYTES: u64 = 64;

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

    fn seen_path(&self, name: &ProfileName, genesis: &Hash) -> PathBuf {
        let folder = self.profile_path(name).join(SEEN);
        folder.join(genesis.to_string())
    }
}
