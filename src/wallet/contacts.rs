//! The owner's contacts: whom they know on a network, under words of their own.
//!
//! A contact is an address; the name beside it is the one that was proven when it was noted, so that a name which leads
//! elsewhere today is noticed before anything is paid. Bytes in, bytes out, bounded: the file is `node/profile/notes.rs`.
//! Never: a contact that two others could be taken for (labels and addresses are there once).

use serde::{Deserialize, Serialize};

use crate::chain::key::Address;
use crate::chain::name::Name;

/// Most contacts on one network.
pub const MAX_CONTACTS: usize = 500;
/// Longest label, in characters.
pub const MAX_LABEL: usize = 40;
/// Longest file, in bytes: every contact at its longest.
pub const MAX_CONTACTS_BYTES: usize = 64 + MAX_CONTACTS * 512;
/// The version that is written and read.
const VERSION: u64 = 1;

/// Somebody whom the owner knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contact {
    /// What the owner calls them.
    pub label: String,
    /// Their account.
    pub address: Address,
    /// The account's name when it was noted; proven then.
    pub name: Option<Name>,
}

/// Why a contact, or a file of contacts, is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ContactError {
    /// There is no label, or it is too long.
    #[error("the label has {length} characters: 1 to {MAX_LABEL} are allowed; choose another")]
    Label {
        /// Its characters.
        length: usize,
    },
    /// Another contact has this label.
    #[error("there is a contact {label:?} already; choose another label")]
    LabelTaken {
        /// The label.
        label: String,
    },
    /// The account is a contact already.
    #[error("this account is the contact {label:?} already; remove that one first")]
    Known {
        /// Its label.
        label: String,
    },
    /// There are as many as there may be.
    #[error("there are {MAX_CONTACTS} contacts, which is the most; remove one first")]
    Full,
    /// The file is not one of contacts.
    #[error("the contacts cannot be read: {reason}; put the file aside, and they begin anew")]
    Malformed {
        /// What is wrong.
        reason: String,
    },
}

/// The contacts of a wallet on one network, in the order of their labels.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Contacts(Vec<Contact>);

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u64,
    contacts: Vec<Contact>,
}

impl Contacts {
    /// All of them, in the order of their labels.
    pub fn all(&self) -> &[Contact] {
        &self.0
    }

    /// The contact of this account.
    pub fn of(&self, address: &Address) -> Option<&Contact> {
        self.0.iter().find(|one| one.address == *address)
    }

    /// The contact that was noted under this name.
    pub fn named(&self, name: &Name) -> Option<&Contact> {
        self.0.iter().find(|one| one.name.as_ref() == Some(name))
    }

    /// Notes somebody.
    ///
    /// # Errors
    /// [`ContactError`]; nothing is changed then.
    pub fn add(&mut self, contact: Contact) -> Result<(), ContactError> {
        let label = contact.label.trim();
        let length = label.chars().count();
        if !(1..=MAX_LABEL).contains(&length) || label.chars().any(char::is_control) {
            return Err(ContactError::Label { length });
        }
        let label = label.to_owned();
        if let Some(known) = self.of(&contact.address) {
            let label = known.label.clone();
            return Err(ContactError::Known { label });
        }
        let folded = label.to_lowercase();
        if self.0.iter().any(|one| one.label.to_lowercase() == folded) {
            return Err(ContactError::LabelTaken { label });
        }
        if self.0.len() >= MAX_CONTACTS {
            return Err(ContactError::Full);
        }
        self.0.push(Contact { label, ..contact });
        self.0.sort_by_key(|one| one.label.to_lowercase());
        Ok(())
    }

    /// Forgets the contact of this account; whether there was one.
    pub fn remove(&mut self, address: &Address) -> bool {
        let before = self.0.len();
        self.0.retain(|one| one.address != *address);
        self.0.len() < before
    }

    /// The contacts as JSON text.
    pub fn encode(&self) -> Vec<u8> {
        let file = File {
            version: VERSION,
            contacts: self.0.clone(),
        };
        serde_json::to_vec_pretty(&file).expect("texts and numbers are JSON")
    }

    /// Reads what [`Contacts::encode`] wrote, or what its owner made of it by hand.
    ///
    /// # Errors
    /// [`ContactError::Malformed`], and whatever [`Contacts::add`] says of one of them.
    pub fn decode(bytes: &[u8]) -> Result<Self, ContactError> {
        let malformed = |reason: String| ContactError::Malformed { reason };
        if bytes.len() > MAX_CONTACTS_BYTES {
            let reason = format!("{} bytes, at most {MAX_CONTACTS_BYTES}", bytes.len());
            return Err(malformed(reason));
        }
        let file: File =
            serde_json::from_slice(bytes).map_err(|error| malformed(error.to_string()))?;
        if file.version != VERSION {
            let reason = format!("version {}, and this program reads {VERSION}", file.version);
            return Err(malformed(reason));
        }
        let mut contacts = Self::default();
        for contact in file.contacts {
            contacts.add(contact)?;
        }
        Ok(contacts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contact(label: &str, byte: u8) -> Contact {
        Contact {
            label: label.to_owned(),
            address: Address([byte; 32]),
            name: label.to_lowercase().parse().ok(),
        }
    }

    #[test]
    fn contacts_come_back_as_they_were_kept_in_order() {
        let mut contacts = Contacts::default();
        contacts.add(contact("Luka", 2)).unwrap();
        contacts.add(contact(" ana ", 1)).unwrap();
        let back = Contacts::decode(&contacts.encode()).unwrap();
        assert_eq!(back, contacts);
        let labels: Vec<&str> = back.all().iter().map(|one| &*one.label).collect();
        assert_eq!(labels, ["ana", "Luka"]);
        let name = "luka".parse().unwrap();
        assert_eq!(back.named(&name), back.of(&Address([2; 32])));
        assert!(contacts.remove(&Address([1; 32])) && !contacts.remove(&Address([1; 32])));
    }

    #[test]
    fn what_could_be_mistaken_for_another_or_has_no_end_is_refused() {
        let mut contacts = Contacts::default();
        contacts.add(contact("Ana", 1)).unwrap();
        for (refused, why) in [
            (contact("ANA", 2), "there is a contact"),
            (contact("Anica", 1), "is the contact \"Ana\" already"),
            (contact("", 3), "0 characters"),
            (contact("a\u{1b}[2J", 3), "choose another"),
            (contact(&"x".repeat(41), 3), "41 characters"),
        ] {
            let error = contacts.add(refused).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
        for number in 1..MAX_CONTACTS {
            let [low, high, ..] = number.to_le_bytes();
            let mut one = contact(&format!("c{number}"), low);
            one.address.0[1] = high;
            one.address.0[2] = 7;
            contacts.add(one).unwrap();
        }
        assert_eq!(
            contacts.add(contact("more", 9)),
            Err(ContactError::Full),
            "{}",
            contacts.all().len()
        );
        assert!(contacts.encode().len() <= MAX_CONTACTS_BYTES);
    }

    #[test]
    fn a_file_that_is_no_list_of_contacts_is_refused_with_its_reason() {
        for (text, why) in [
            ("", "EOF"),
            (r#"{"version":2,"contacts":[]}"#, "version 2"),
            (r#"{"version":1,"contacts":[],"more":1}"#, "unknown field"),
            (
                r#"{"version":1,"contacts":[{"label":"a","address":"nat1","name":null}]}"#,
                "address",
            ),
        ] {
            let error = Contacts::decode(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
        assert!(Contacts::decode(&vec![b' '; MAX_CONTACTS_BYTES + 1]).is_err());
    }
}
