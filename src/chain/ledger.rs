//! The ledger: all accounts, names and vouchers, and the tree whose root stands for them.
//!
//! Executing a block changes nothing: it gives an [`Execution`], whose [`ChangeSet`] is committed when
//! the block is decided and durable, or dropped. Order: execute, compare the state root, make the block
//! durable, commit; a ledger that is ahead of its log could not be rebuilt from it.
//!
//! Signatures are not checked here (rule R2 is, by whoever takes a transaction in, many at once), and
//! nothing here reads a clock: the block's own time is given. A [`Rejection`] is their fault, a
//! [`Fault`] is ours and stops the node. Read next: `ledger/execution.rs`, `ledger/validate.rs`,
//! `ledger/state.rs`.

mod accounts;
mod execution;
mod state;
#[cfg(test)]
mod tests;
mod validate;

use std::collections::BTreeMap;
use std::ops::Bound;

pub use execution::{Activity, BlockContext, ChangeSet, Execution, Selection};
pub use state::{
    Restoration, RestoreError, StateEntry, account_key, name_key, name_leaf, rules_key, rules_leaf,
    validators_key, voucher_key,
};
pub use validate::{BLOCK_ROOM_BYTES, BlockError, Tip};

use super::account::Account;
use super::amount::Amount;
use super::genesis::{Genesis, Rules};
use super::hash::Hash;
use super::key::{Address, PublicKey};
use super::name::Name;
use super::rules::{self, Facts, Payee, Rejection};
use super::transaction::{Operation, SignedTransaction, Transaction};
use super::tree::{Proof, Tree, TreeError};
use super::validator::ValidatorSet;
use super::voucher::Voucher;
use accounts::{Accounts, Record};
use execution::{Draft, Failure};

/// We are unsound: whoever gets this stops before anything more is signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Money came or went.
    #[error(
        "the accounts and vouchers touched held {before} nits before the block and {after} after it: stop the node and report this"
    )]
    SupplyChanged {
        /// Their sum before, in nits.
        before: u128,
        /// Their sum after, in nits.
        after: u128,
    },
    /// A balance or the block's fees outgrew what can be written, though the supply fits.
    #[error("the balance of {address} grew beyond the supply: stop the node and report this")]
    BalanceOverflow {
        /// Whose it is.
        address: Address,
    },
    /// Changes were committed to another state than the one that they were made for.
    #[error(transparent)]
    Stale(#[from] TreeError),
}

/// Why transactions could not be executed as a block.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExecuteError {
    /// One of them is not valid at its place.
    #[error("transaction {index} of the block: {rejection}")]
    Rejected {
        /// Its place in the block, from 0.
        index: usize,
        /// The rule that it breaks.
        rejection: Rejection,
    },
    /// We are unsound.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// The state of a network after some block, in memory.
#[derive(Debug, Clone)]
pub struct Ledger {
    genesis: Hash,
    rules: Rules,
    validators: ValidatorSet,
    supply: Amount,
    accounts: Accounts,
    names: BTreeMap<Name, Address>,
    vouchers: BTreeMap<PublicKey, Voucher>,
    tree: Tree,
}

impl Ledger {
    /// The state before the first block.
    pub fn from_genesis(genesis: &Genesis) -> Self {
        let accounts = genesis.accounts.iter().map(|endowed| {
            let account = Account {
                balance: endowed.balance,
                name: endowed.name.clone(),
                ..Account::new(&endowed.address)
            };
            (endowed.address, Record::of(&endowed.address, account))
        });
        Self::of_parts(genesis, accounts.collect(), BTreeMap::new())
    }

    /// The network: the hash of its genesis.
    pub fn genesis(&self) -> &Hash {
        &self.genesis
    }

    /// The rules in force.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// The validators of the next height.
    pub fn validators(&self) -> &ValidatorSet {
        &self.validators
    }

    /// All money, constant for ever.
    pub fn supply(&self) -> Amount {
        self.supply
    }

    /// How many accounts there are.
    pub fn account_count(&self) -> usize {
        self.accounts.len()
    }

    /// An account, if it exists.
    pub fn account(&self, address: &Address) -> Option<Account> {
        self.accounts.get(address)
    }

    /// Whether there is such an account.
    pub fn has_account(&self, address: &Address) -> bool {
        self.accounts.contains(address)
    }

    /// How many names are taken.
    pub fn name_count(&self) -> usize {
        self.names.len()
    }

    /// Names and whose they are, in their order, from one on; at most `limit`.
    pub fn names(&self, from: Option<&Name>, limit: usize) -> Vec<(Name, Address)> {
        let first = from.map_or(Bound::Unbounded, Bound::Included);
        let names = self.names.range::<Name, _>((first, Bound::Unbounded));
        let taken = names.take(limit);
        taken.map(|(name, owner)| (name.clone(), *owner)).collect()
    }

    /// Whose a name is.
    pub fn owner(&self, name: &Name) -> Option<Address> {
        self.names.get(name).copied()
    }

    /// The voucher that is open under a key.
    pub fn voucher(&self, key: &PublicKey) -> Option<&Voucher> {
        self.vouchers.get(key)
    }

    /// The open vouchers' keys, in order.
    pub fn voucher_keys(&self) -> impl Iterator<Item = &PublicKey> {
        self.vouchers.keys()
    }

    /// The state tree's root.
    pub fn state_root(&self) -> Hash {
        self.tree.root()
    }

    /// A proof of an account, or that there is none, under [`Ledger::state_root`].
    pub fn prove_account(&self, address: &Address) -> Proof {
        self.tree.prove(&account_key(address))
    }

    /// A proof of a name's owner, or that it is free.
    pub fn prove_name(&self, name: &Name) -> Proof {
        self.tree.prove(&name_key(name))
    }

    /// A proof of an open voucher, or that none is open under this key.
    pub fn prove_voucher(&self, key: &PublicKey) -> Proof {
        self.tree.prove(&voucher_key(key))
    }

    /// A proof of the rules.
    pub fn prove_rules(&self) -> Proof {
        self.tree.prove(&rules_key())
    }

    /// A proof of the validators.
    pub fn prove_validators(&self) -> Proof {
        self.tree.prove(&validators_key())
    }

    /// Judges a transaction for the block after `tip`, whose state this is, before others that wait: its nonce may be
    /// up to `nonces_ahead` above the account's. The signature (rule R2) is checked apart.
    ///
    /// # Errors
    /// The first rule broken.
    pub fn check(
        &self,
        transaction: &Transaction,
        tip: &Tip,
        nonces_ahead: u64,
    ) -> Result<(), Rejection> {
        let payee = match transaction.payee() {
            Some(payee) if !self.has_account(&payee) => Payee::New,
            _ => Payee::Exists,
        };
        let name_owner = match &transaction.operation {
            Operation::ClaimName { name } => self.owner(name),
            _ => None,
        };
        let voucher = transaction.operation.voucher();
        let sender = self.account(&transaction.sender);
        let facts = Facts {
            genesis: &self.genesis,
            rules: &self.rules,
            height: tip.height.saturating_add(1),
            sender: sender.as_ref(),
            payee,
            name_owner,
            voucher: voucher.and_then(|key| self.voucher(&key)),
            time_ms: tip.time_ms,
            nonces_ahead,
        };
        rules::check(transaction, &facts)
    }

    /// Executes a block's transactions in order, all or nothing, without changing the ledger. Their
    /// signatures must have been checked.
    ///
    /// # Errors
    /// The first transaction that is not valid at its place, or a [`Fault`].
    pub fn execute(
        &self,
        context: &BlockContext,
        transactions: &[SignedTransaction],
    ) -> Result<Execution, ExecuteError> {
        let mut draft = Draft::new(self, context);
        for (index, transaction) in transactions.iter().enumerate() {
            draft
                .apply(&transaction.transaction, transaction.id())
                .map_err(|failure| match failure {
                    Failure::Rejection(rejection) => ExecuteError::Rejected { index, rejection },
                    Failure::Fault(fault) => ExecuteError::Fault(fault),
                })?;
        }
        Ok(draft.finish()?)
    }

    /// Makes a block's body: takes the candidates in order as long as the block has room, and leaves out
    /// those that are not valid at their place. Their signatures must have been checked.
    ///
    /// # Errors
    /// Only a [`Fault`].
    pub fn select(
        &self,
        context: &BlockContext,
        candidates: impl IntoIterator<Item = SignedTransaction>,
    ) -> Result<Selection, Fault> {
        let mut draft = Draft::new(self, context);
        let mut transactions = Vec::new();
        let mut refused = Vec::new();
        let mut room = validate::Room::of(&self.rules);
        for candidate in candidates {
            if !room.take(&candidate) {
                break;
            }
            let id = candidate.id();
            match draft.apply(&candidate.transaction, id) {
                Ok(()) => transactions.push(candidate),
                Err(Failure::Rejection(rejection)) => {
                    room.give_back(&candidate);
                    refused.push((id, rejection));
                }
                Err(Failure::Fault(fault)) => return Err(fault),
            }
        }
        Ok(Selection {
            transactions,
            refused,
            execution: draft.finish()?,
        })
    }

    /// Makes an execution's changes. They must have been made from the ledger as it is now.
    ///
    /// # Errors
    /// [`Fault::Stale`] if it has changed since; the ledger is then as it was.
    pub fn commit(&mut self, changes: ChangeSet) -> Result<(), Fault> {
        // Order: the tree first, for it alone can refuse.
        self.tree.commit(changes.patch)?;
        self.accounts.put(changes.accounts);
        self.names.extend(changes.names);
        for (key, voucher) in changes.vouchers {
            match voucher {
                Some(voucher) => drop(self.vouchers.insert(key, voucher)),
                None => drop(self.vouchers.remove(&key)),
            }
        }
        Ok(())
    }
}
