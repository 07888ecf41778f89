//! The state as keys and values: in the tree, and on disk.
//!
//! In the tree each kind of thing has its own tag, so that no account's key can be a name's. On disk
//! there are only accounts: names, rules and validators follow from them and the genesis. What comes
//! back from a disk is never believed: the caller holds the restored root against a certified header.

use std::collections::BTreeMap;

use super::accounts::{Accounts, Record};
use super::{ChangeSet, Ledger};
use crate::chain::account::Account;
use crate::chain::amount::Amount;
use crate::chain::codec::{Decode, DecodeError, Encode};
use crate::chain::genesis::{Genesis, Rules};
use crate::chain::hash::Hash;
use crate::chain::key::Address;
use crate::chain::name::Name;
use crate::chain::tree::{Key, Tree};

/// Where an account stands in the state tree; its leaf is [`Account::leaf`].
pub fn account_key(address: &Address) -> Key {
    Hash::of("natcoin/state/key/account/1", &[&address.0]).0
}

/// Where a name stands in the state tree; its leaf is [`name_leaf`].
pub fn name_key(name: &Name) -> Key {
    Hash::of("natcoin/state/key/name/1", &[name.as_str().as_bytes()]).0
}

/// Where the rules stand in the state tree; their leaf is [`rules_leaf`].
pub fn rules_key() -> Key {
    Hash::of("natcoin/state/key/rules/1", &[]).0
}

/// Where the validators stand in the state tree; their leaf is
/// [`ValidatorSet::hash`](crate::chain::validator::ValidatorSet::hash).
pub fn validators_key() -> Key {
    Hash::of("natcoin/state/key/validators/1", &[]).0
}

/// The leaf of a name: its owner's address, hashed.
pub fn name_leaf(owner: &Address) -> Hash {
    Hash::of_value("natcoin/state/name/1", owner)
}

/// The leaf of the rules.
pub fn rules_leaf(rules: &Rules) -> Hash {
    Hash::of_value("natcoin/state/rules/1", rules)
}

/// One thing to keep on disk: the bytes to find it by, and its bytes or `None` to remove it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateEntry {
    /// A tag (0: account) and the address.
    pub key: Vec<u8>,
    /// The account's canonical bytes.
    pub value: Option<Vec<u8>>,
}

/// The first byte of an account's key on disk.
const ACCOUNT_TAG: u8 = 0;

impl StateEntry {
    fn of((address, account): (&Address, Account)) -> Self {
        let mut key = vec![ACCOUNT_TAG];
        address.encode(&mut key);
        Self {
            key,
            value: Some(account.to_bytes()),
        }
    }
}

/// Why a state could not be restored: the disk's content is damaged, or another network's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RestoreError {
    /// An entry's bytes.
    #[error("entry {index} of the stored state is damaged: {error}; rebuild it from the block log")]
    Damaged {
        /// Which entry, from 0.
        index: usize,
        /// What is wrong with it.
        error: DecodeError,
    },
    /// An account or a name twice.
    #[error(
        "the stored state, up to entry {index}, repeats an account or a name; rebuild it from the block log"
    )]
    Repeated {
        /// The last entry, from 0.
        index: usize,
    },
    /// The balances do not add up.
    #[error(
        "the stored balances add up to {found} nits, the supply is {supply} NAT; rebuild the state from the block log"
    )]
    Supply {
        /// Their sum, in nits.
        found: u128,
        /// The genesis' sum.
        supply: Amount,
    },
}

/// A state that is being read from a disk, an entry at a time: a large one must not be held twice.
#[derive(Debug, Default)]
pub struct Restoration {
    accounts: Vec<(Address, Record)>,
    taken: usize,
    named: usize,
    /// The balances' sum, in nits.
    found: u128,
    error: Option<RestoreError>,
}

impl Restoration {
    /// Takes the next entry, in any order. After a bad one the rest is left.
    pub fn take(&mut self, key: &[u8], value: &[u8]) {
        if self.error.is_some() {
            return;
        }
        let index = self.taken;
        self.taken += 1;
        match read(key, value) {
            Ok((address, account)) => {
                self.found += u128::from(account.balance.nits());
                self.named += usize::from(account.name.is_some());
                let record = Record::of(&address, account);
                self.accounts.push((address, record));
            }
            Err(error) => self.error = Some(RestoreError::Damaged { index, error }),
        }
    }

    /// The state of what was taken. The caller must hold [`Ledger::state_root`] against the certified header.
    ///
    /// # Errors
    /// A [`RestoreError`] if it cannot be a state of this network.
    pub fn finish(self, genesis: &Genesis) -> Result<Ledger, RestoreError> {
        if let Some(error) = self.error {
            return Err(error);
        }
        let repeated = RestoreError::Repeated {
            index: self.taken.saturating_sub(1),
        };
        // Order: the map is made from all of them, which packs it densely, and the list of them goes before the tree comes.
        let accounts: Accounts = self.accounts.into_iter().collect();
        if accounts.len() != self.taken {
            return Err(repeated);
        }
        let (found, supply) = (self.found, genesis.supply());
        if found != u128::from(supply.nits()) {
            return Err(RestoreError::Supply { found, supply });
        }
        let ledger = Ledger::of_accounts(genesis, accounts);
        match ledger.names.len() == self.named {
            true => Ok(ledger),
            false => Err(repeated),
        }
    }
}

fn read(key: &[u8], value: &[u8]) -> Result<(Address, Account), DecodeError> {
    let address = match key.split_first() {
        Some((&ACCOUNT_TAG, address)) => Address::from_bytes(address),
        tag => Err(DecodeError::UnknownTag {
            what: "state entry",
            tag: tag.map_or(u8::MAX, |(tag, _)| *tag),
        }),
    };
    Ok((address?, Account::from_bytes(value)?))
}

impl ChangeSet {
    /// The accounts as they are after the change, ordered by address.
    pub fn accounts(&self) -> impl Iterator<Item = (&Address, &Account)> {
        self.accounts.iter()
    }
}

impl Ledger {
    /// The whole state to write to disk, ordered by key.
    pub fn entries(&self) -> impl Iterator<Item = StateEntry> + '_ {
        self.accounts.iter().map(StateEntry::of)
    }

    /// The accounts' addresses, in order.
    pub fn addresses(&self) -> impl Iterator<Item = &Address> {
        self.accounts.addresses()
    }

    /// What to write to disk of an account; `None` if there is none.
    pub fn entry(&self, address: &Address) -> Option<StateEntry> {
        self.account(address)
            .map(|account| StateEntry::of((address, account)))
    }

    /// The state from what was written, as keys and values in any order.
    ///
    /// The caller must hold [`Ledger::state_root`] against the certified header of the same height.
    ///
    /// # Errors
    /// A [`RestoreError`] if it cannot be a state of this network.
    pub fn restore<K: AsRef<[u8]>, V: AsRef<[u8]>>(
        genesis: &Genesis,
        entries: impl IntoIterator<Item = (K, V)>,
    ) -> Result<Self, RestoreError> {
        let mut restoration = Restoration::default();
        for (key, value) in entries {
            restoration.take(key.as_ref(), value.as_ref());
        }
        restoration.finish(genesis)
    }

    /// The state of these accounts, under the genesis' rules and validators.
    pub(super) fn of_accounts(genesis: &Genesis, accounts: Accounts) -> Self {
        let mut names = BTreeMap::new();
        for (address, account) in accounts.iter() {
            if let Some(name) = account.name {
                names.insert(name, *address);
            }
        }
        let rules = [
            (rules_key(), rules_leaf(&genesis.rules)),
            (validators_key(), genesis.validators.hash()),
        ];
        let held = accounts
            .iter()
            .map(|(address, account)| (account_key(address), account.leaf()));
        let named = names
            .iter()
            .map(|(name, owner)| (name_key(name), name_leaf(owner)));
        let tree = Tree::of(held.chain(named).chain(rules));
        Self {
            genesis: genesis.hash(),
            rules: genesis.rules.clone(),
            validators: genesis.validators.clone(),
            supply: genesis.supply(),
            accounts,
            names,
            tree,
        }
    }
}
