//! The state as keys and values: in the tree, and on disk.
//!
//! In the tree each kind of thing has its own tag, so that no account's key can be a name's. On disk
//! there are only accounts: names, rules and validators follow from them and the genesis. What comes
//! back from a disk is never believed: the caller holds the restored root against a certified header.

use std::collections::BTreeMap;

use super::{ChangeSet, Ledger};
use crate::chain::account::Account;
use crate::chain::amount::Amount;
use crate::chain::codec::{Decode, DecodeError, Encode};
use crate::chain::genesis::{Genesis, Rules};
use crate::chain::hash::Hash;
use crate::chain::key::Address;
use crate::chain::name::Name;
use crate::chain::tree::{Batch, Key, Tree};

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
    fn of((address, account): (&Address, &Account)) -> Self {
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
        "entry {index} of the stored state repeats an account or a name; rebuild it from the block log"
    )]
    Repeated {
        /// Which entry, from 0.
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

impl ChangeSet {
    /// What to write to disk, ordered by key.
    pub fn entries(&self) -> impl Iterator<Item = StateEntry> + '_ {
        self.accounts.iter().map(StateEntry::of)
    }

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
        let mut accounts = BTreeMap::new();
        let mut named = 0;
        let mut found = 0_u128;
        for (index, (key, value)) in entries.into_iter().enumerate() {
            let damaged = |error| RestoreError::Damaged { index, error };
            let address = match key.as_ref().split_first() {
                Some((&ACCOUNT_TAG, address)) => Address::from_bytes(address),
                tag => Err(DecodeError::UnknownTag {
                    what: "state entry",
                    tag: tag.map_or(u8::MAX, |(tag, _)| *tag),
                }),
            };
            let address = address.map_err(damaged)?;
            let account = Account::from_bytes(value.as_ref()).map_err(damaged)?;
            found += u128::from(account.balance.nits());
            named += usize::from(account.name.is_some());
            if accounts.insert(address, account).is_some() {
                return Err(RestoreError::Repeated { index });
            }
        }
        let supply = genesis.supply();
        if found != u128::from(supply.nits()) {
            return Err(RestoreError::Supply { found, supply });
        }
        let ledger = Self::of_accounts(genesis, accounts);
        if ledger.names.len() != named {
            let index = ledger.accounts.len().saturating_sub(1);
            return Err(RestoreError::Repeated { index });
        }
        Ok(ledger)
    }

    /// The state of these accounts, under the genesis' rules and validators.
    pub(super) fn of_accounts(genesis: &Genesis, accounts: BTreeMap<Address, Account>) -> Self {
        let mut batch = Batch::new();
        let mut names = BTreeMap::new();
        for (address, account) in &accounts {
            batch.insert(account_key(address), Some(account.leaf()));
            if let Some(name) = &account.name {
                batch.insert(name_key(name), Some(name_leaf(address)));
                names.insert(name.clone(), *address);
            }
        }
        batch.insert(rules_key(), Some(rules_leaf(&genesis.rules)));
        batch.insert(validators_key(), Some(genesis.validators.hash()));
        let mut tree = Tree::new();
        tree.apply(&batch);
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
