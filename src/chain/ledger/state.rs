//! The state as keys and values: in the tree, and on disk.
//!
//! In the tree each kind of thing has its own tag, so that no account's key can be a name's. On disk
//! there are only accounts and vouchers: names, rules and validators follow from them and the genesis. What comes
//! back from a disk is never believed: the caller holds the restored root against a certified header.

use std::collections::BTreeMap;

use super::accounts::{Accounts, Record};
use super::{ChangeSet, Ledger};
use crate::chain::account::Account;
use crate::chain::amount::Amount;
use crate::chain::codec::{Decode, DecodeError, Encode};
use crate::chain::genesis::{Genesis, Rules};
use crate::chain::hash::Hash;
use crate::chain::key::{Address, PublicKey};
use crate::chain::name::Name;
use crate::chain::tree::{Key, Tree};
use crate::chain::voucher::Voucher;

/// Where an account stands in the state tree; its leaf is [`Account::leaf`].
pub fn account_key(address: &Address) -> Key {
    Hash::of("natcoin/state/key/account/1", &[&address.0]).0
}

/// Where a name stands in the state tree; its leaf is [`name_leaf`].
pub fn name_key(name: &Name) -> Key {
    Hash::of("natcoin/state/key/name/1", &[name.as_str().as_bytes()]).0
}

/// Where a voucher stands in the state tree; its leaf is [`Voucher::leaf`].
pub fn voucher_key(key: &PublicKey) -> Key {
    Hash::of("natcoin/state/key/voucher/1", &[&key.0]).0
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
    /// A tag (0: account, 1: voucher) and the address, or the voucher's key.
    pub key: Vec<u8>,
    /// The canonical bytes of the account or voucher.
    pub value: Option<Vec<u8>>,
}

/// The first byte of an account's key on disk.
const ACCOUNT_TAG: u8 = 0;
/// The first byte of a voucher's key on disk.
const VOUCHER_TAG: u8 = 1;

impl StateEntry {
    fn of((address, account): (&Address, Account)) -> Self {
        let mut key = vec![ACCOUNT_TAG];
        address.encode(&mut key);
        Self {
            key,
            value: Some(account.to_bytes()),
        }
    }

    fn of_voucher(id: &PublicKey, voucher: Option<&Voucher>) -> Self {
        let mut key = vec![VOUCHER_TAG];
        id.encode(&mut key);
        Self {
            key,
            value: voucher.map(Encode::to_bytes),
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
    /// An account, a name or a voucher twice.
    #[error(
        "the stored state, up to entry {index}, repeats an account, a name or a voucher; rebuild it from the block log"
    )]
    Repeated {
        /// The last entry, from 0.
        index: usize,
    },
    /// The balances, and what is locked, do not add up.
    #[error(
        "the stored balances and vouchers add up to {found} nits, the supply is {supply} NAT; rebuild the state from the block log"
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
    vouchers: BTreeMap<PublicKey, Voucher>,
    taken: usize,
    named: usize,
    /// The sum of balances and of what is locked, in nits.
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
            Ok(Stored::Account(address, account)) => {
                self.found += u128::from(account.balance.nits());
                self.named += usize::from(account.name.is_some());
                let record = Record::of(&address, account);
                self.accounts.push((address, record));
            }
            Ok(Stored::Voucher(key, voucher)) => {
                self.found += voucher.locked_nits();
                self.vouchers.insert(key, voucher);
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
        if accounts.len() + self.vouchers.len() != self.taken {
            return Err(repeated);
        }
        let (found, supply) = (self.found, genesis.supply());
        if found != u128::from(supply.nits()) {
            return Err(RestoreError::Supply { found, supply });
        }
        let ledger = Ledger::of_parts(genesis, accounts, self.vouchers);
        match ledger.names.len() == self.named {
            true => Ok(ledger),
            false => Err(repeated),
        }
    }
}

enum Stored {
    Account(Address, Account),
    Voucher(PublicKey, Voucher),
}

fn read(key: &[u8], value: &[u8]) -> Result<Stored, DecodeError> {
    match key.split_first() {
        Some((&ACCOUNT_TAG, address)) => {
            let address = Address::from_bytes(address)?;
            Ok(Stored::Account(address, Account::from_bytes(value)?))
        }
        Some((&VOUCHER_TAG, key)) => {
            let key = PublicKey::from_bytes(key)?;
            Ok(Stored::Voucher(key, Voucher::from_bytes(value)?))
        }
        tag => Err(DecodeError::UnknownTag {
            what: "state entry",
            tag: tag.map_or(u8::MAX, |(tag, _)| *tag),
        }),
    }
}

impl ChangeSet {
    /// The accounts as they are after the change, ordered by address.
    pub fn accounts(&self) -> impl Iterator<Item = (&Address, &Account)> {
        self.accounts.iter()
    }

    /// The keys of the vouchers that are opened, claimed or taken back, in order.
    pub fn vouchers(&self) -> impl Iterator<Item = &PublicKey> {
        self.vouchers.keys()
    }
}

impl Ledger {
    /// The whole state to write to disk, ordered by key.
    pub fn entries(&self) -> impl Iterator<Item = StateEntry> + '_ {
        let vouchers = self.vouchers.iter();
        let vouchers = vouchers.map(|(key, voucher)| StateEntry::of_voucher(key, Some(voucher)));
        self.accounts.iter().map(StateEntry::of).chain(vouchers)
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

    /// What to write to disk of a voucher: that there is none, too.
    pub fn voucher_entry(&self, key: &PublicKey) -> StateEntry {
        StateEntry::of_voucher(key, self.voucher(key))
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

    /// The state of these accounts and vouchers, under the genesis' rules and validators.
    pub(super) fn of_parts(
        genesis: &Genesis,
        accounts: Accounts,
        vouchers: BTreeMap<PublicKey, Voucher>,
    ) -> Self {
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
        let locked = vouchers
            .iter()
            .map(|(key, voucher)| (voucher_key(key), voucher.leaf()));
        let tree = Tree::of(held.chain(named).chain(locked).chain(rules));
        Self {
            genesis: genesis.hash(),
            rules: genesis.rules.clone(),
            validators: genesis.validators.clone(),
            supply: genesis.supply(),
            accounts,
            names,
            vouchers,
            tree,
        }
    }
}
