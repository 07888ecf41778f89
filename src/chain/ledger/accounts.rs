//! All accounts by their addresses, in little memory: a node holds every one of them, and there may be a million.
//!
//! What most accounts do not have (a name, a key that is not their birth key) stands apart, so that the others do not pay for
//! it. It must give back exactly what was put in. Read next: `ledger/state.rs`.

use std::collections::BTreeMap;

use crate::chain::account::Account;
use crate::chain::amount::Amount;
use crate::chain::hash::Hash;
use crate::chain::key::{Address, PublicKey};
use crate::chain::name::Name;

/// The accounts of a ledger, in the order of their addresses.
#[derive(Debug, Clone, Default)]
pub(super) struct Accounts(BTreeMap<Address, Record>);

/// An account without what its address tells.
#[derive(Debug, Clone)]
pub(super) struct Record {
    balance: Amount,
    nonce: u64,
    activities: u64,
    head: Hash,
    rare: Option<Box<Rare>>,
}

#[derive(Debug, Clone)]
struct Rare {
    /// None: the birth key.
    key: Option<PublicKey>,
    name: Option<Name>,
}

// What a million accounts weigh is promised in docs/performance.md.
const _: () = assert!(size_of::<(Address, Record)>() == 96);

impl Record {
    pub(super) fn of(address: &Address, account: Account) -> Self {
        let key = Some(account.key).filter(|key| *key != address.birth_key());
        let name = account.name;
        let is_rare = key.is_some() || name.is_some();
        Self {
            balance: account.balance,
            nonce: account.nonce,
            activities: account.activities,
            head: account.head,
            rare: is_rare.then(|| Box::new(Rare { key, name })),
        }
    }

    fn account(&self, address: &Address) -> Account {
        let rare = self.rare.as_deref();
        Account {
            balance: self.balance,
            nonce: self.nonce,
            key: rare
                .and_then(|rare| rare.key)
                .unwrap_or_else(|| address.birth_key()),
            activities: self.activities,
            head: self.head,
            name: rare.and_then(|rare| rare.name.clone()),
        }
    }
}

impl Accounts {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn contains(&self, address: &Address) -> bool {
        self.0.contains_key(address)
    }

    pub(super) fn get(&self, address: &Address) -> Option<Account> {
        self.0.get(address).map(|record| record.account(address))
    }

    /// All of them, in the order of their addresses.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Address, Account)> {
        let accounts = self.0.iter();
        accounts.map(|(address, record)| (address, record.account(address)))
    }

    pub(super) fn addresses(&self) -> impl Iterator<Item = &Address> {
        self.0.keys()
    }

    /// Puts accounts in, in place of those that were there.
    pub(super) fn put(&mut self, accounts: impl IntoIterator<Item = (Address, Account)>) {
        for (address, account) in accounts {
            self.0.insert(address, Record::of(&address, account));
        }
    }
}

impl FromIterator<(Address, Record)> for Accounts {
    /// All at once, which packs them more densely than one by one.
    fn from_iter<I: IntoIterator<Item = (Address, Record)>>(records: I) -> Self {
        Self(records.into_iter().collect())
    }
}
