//! What a wallet keeps beside its secret and its payments: which network it is of (`bootstrap.toml`), the owner's
//! contacts (`contacts/<genesis hash>.json`) and the settings of its screens (`screens.json`).
//!
//! No money hangs on any of it, and each file is whole or absent. Who names a `--bootstrap` file goes by that one.
//! Never: a network that replaces another without being asked for. Read next: `wallet/contacts.rs`.

use std::path::PathBuf;

use super::{DataDir, ProfileError, ProfileName, files};
use crate::chain::hash::Hash;
use crate::directory::bootstrap::MAX_FILE_BYTES;
use crate::wallet::contacts::{Contacts, MAX_CONTACTS_BYTES};

const NETWORK: &str = "bootstrap.toml";
const CONTACTS: &str = "contacts";
const SCREENS: &str = "screens.json";
/// Most bytes of the settings.
const MAX_SCREENS_BYTES: u64 = 4096;

impl DataDir {
    /// The bootstrap file of the network that this wallet was made for; `None` if it was made for none in particular.
    pub fn network_file(&self, name: &ProfileName) -> Option<PathBuf> {
        let path = self.profile_path(name).join(NETWORK);
        path.exists().then_some(path)
    }

    /// Remembers the network that a wallet is of, by the text of its bootstrap file. Whether it is kept: one that is
    /// there already stays.
    ///
    /// # Errors
    /// [`ProfileError::NoWallet`], [`ProfileError::TooLarge`], [`ProfileError::Io`].
    pub fn keep_network(&self, name: &ProfileName, text: &str) -> Result<bool, ProfileError> {
        if !self.has(name) {
            return Err(self.no_wallet(name));
        }
        let path = self.profile_path(name).join(NETWORK);
        if text.len() > MAX_FILE_BYTES {
            let max = MAX_FILE_BYTES as u64;
            return Err(ProfileError::TooLarge { path, max });
        }
        files::write_new(&path, text.as_bytes())
    }

    /// The contacts on the network of this genesis; none if none are kept.
    ///
    /// # Errors
    /// [`ProfileError::Contacts`] for a damaged file, which stays as it is; [`ProfileError::TooLarge`],
    /// [`ProfileError::Io`].
    pub fn contacts(&self, name: &ProfileName, genesis: &Hash) -> Result<Contacts, ProfileError> {
        let path = self.contacts_path(name, genesis);
        match files::read(&path, MAX_CONTACTS_BYTES as u64)? {
            None => Ok(Contacts::default()),
            Some(bytes) => {
                Contacts::decode(&bytes).map_err(|source| ProfileError::Contacts { path, source })
            }
        }
    }

    /// Replaces the contacts.
    ///
    /// # Errors
    /// [`ProfileError::NoWallet`], [`ProfileError::Io`].
    pub fn keep_contacts(
        &self,
        name: &ProfileName,
        genesis: &Hash,
        contacts: &Contacts,
    ) -> Result<(), ProfileError> {
        if !self.has(name) {
            return Err(self.no_wallet(name));
        }
        files::create_private_folder(&self.profile_path(name).join(CONTACTS))?;
        files::replace(&self.contacts_path(name, genesis), &contacts.encode())
    }

    /// The settings of the wallet's screens, as they were kept.
    ///
    /// # Errors
    /// [`ProfileError::TooLarge`], [`ProfileError::Io`].
    pub fn screens(&self, name: &ProfileName) -> Result<Option<Vec<u8>>, ProfileError> {
        files::read(&self.profile_path(name).join(SCREENS), MAX_SCREENS_BYTES)
    }

    /// Replaces the settings of the wallet's screens.
    ///
    /// # Errors
    /// [`ProfileError::NoWallet`], [`ProfileError::Io`].
    pub fn keep_screens(&self, name: &ProfileName, bytes: &[u8]) -> Result<(), ProfileError> {
        match self.has(name) {
            true => files::replace(&self.profile_path(name).join(SCREENS), bytes),
            false => Err(self.no_wallet(name)),
        }
    }

    fn contacts_path(&self, name: &ProfileName, genesis: &Hash) -> PathBuf {
        let folder = self.profile_path(name).join(CONTACTS);
        folder.join(format!("{genesis}.json"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::key::Address;
    use crate::wallet::contacts::Contact;

    #[test]
    fn notes_are_kept_for_wallets_that_are_there_and_a_network_never_changes() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDir::new(folder.path());
        let name = ProfileName::default();
        let genesis = Hash([7; 32]);
        assert!(matches!(
            data.keep_network(&name, "x"),
            Err(ProfileError::NoWallet { .. })
        ));
        assert!(data.keep_screens(&name, b"{}").is_err());
        assert!(
            data.keep_contacts(&name, &genesis, &Contacts::default())
                .is_err()
        );
        drop(data.create(&name, b"a keystore").unwrap());
        assert_eq!(data.network_file(&name), None);
        assert!(data.keep_network(&name, "first").unwrap());
        assert!(!data.keep_network(&name, "second").unwrap());
        let kept = data.network_file(&name).unwrap();
        assert_eq!(std::fs::read_to_string(kept).unwrap(), "first");
        data.keep_screens(&name, b"{}").unwrap();
        assert_eq!(data.screens(&name).unwrap().as_deref(), Some(&b"{}"[..]));
    }

    #[test]
    fn contacts_of_one_network_are_not_those_of_another_and_damage_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDir::new(folder.path());
        let name = ProfileName::default();
        drop(data.create(&name, b"a keystore").unwrap());
        let (here, there) = (Hash([1; 32]), Hash([2; 32]));
        let mut contacts = Contacts::default();
        let contact = Contact {
            label: "Ana".to_owned(),
            address: Address([3; 32]),
            name: None,
        };
        contacts.add(contact).unwrap();
        data.keep_contacts(&name, &here, &contacts).unwrap();
        assert_eq!(data.contacts(&name, &here).unwrap(), contacts);
        assert!(data.contacts(&name, &there).unwrap().all().is_empty());
        let path = data.contacts_path(&name, &here);
        std::fs::write(&path, "nonsense").unwrap();
        let damaged = data.contacts(&name, &here).unwrap_err().to_string();
        assert!(damaged.contains("put the file aside"), "{damaged}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "nonsense");
    }
}
