//! Executing transactions on the side of a ledger.
//!
//! A [`Draft`] holds what a block has changed so far; the ledger under it is only read. Each
//! transaction is judged before anything of it happens, so a rejected one leaves no trace. The fees go
//! to the proposer after the last transaction, so they cannot be spent in the same block.

use std::collections::BTreeMap;

use super::state::{account_key, name_key, name_leaf, voucher_key};
use super::{Fault, Ledger};
use crate::chain::account::Account;
use crate::chain::amount::Amount;
use crate::chain::hash::Hash;
use crate::chain::key::{Address, PublicKey};
use crate::chain::name::Name;
use crate::chain::rules::{self, Facts, Payee, Rejection};
use crate::chain::transaction::{Operation, SignedTransaction, Transaction, TransactionId};
use crate::chain::tree::{Batch, Patch};
use crate::chain::voucher::Voucher;
use crate::mutation::{self, Mutation};

/// What a block is, as far as execution asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockContext {
    /// Its height.
    pub height: u64,
    /// Its time: milliseconds since 1970.
    pub time_ms: u64,
    /// Who gets the fees.
    pub proposer: Address,
}

/// What a block does to the state: made by executing it, committed when it is decided.
#[derive(Debug, Clone)]
pub struct ChangeSet {
    pub(super) accounts: BTreeMap<Address, Account>,
    pub(super) names: BTreeMap<Name, Address>,
    /// `None` where nothing is left.
    pub(super) vouchers: BTreeMap<PublicKey, Option<Voucher>>,
    pub(super) patch: Patch,
}

/// What executing a block gives.
#[derive(Debug, Clone)]
pub struct Execution {
    /// What to commit.
    pub changes: ChangeSet,
    /// The state tree's root after it.
    pub state_root: Hash,
    /// What the proposer gets.
    pub fees: Amount,
    /// The transactions' identities, in their order.
    pub ids: Vec<TransactionId>,
    /// Who did or got what, in order: for indexes and for telling wallets.
    pub activities: Vec<Activity>,
}

/// A transaction seen from one of its accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Activity {
    /// Whose: the sender, the payee, or who opened the voucher that is claimed.
    pub address: Address,
    /// Which of the account's activities it is, from 1.
    pub number: u64,
    /// The transaction.
    pub transaction: TransactionId,
    /// The transaction's place in its block, from 0.
    pub index: u32,
    /// The head of the account's hash chain after it.
    pub head: Hash,
}

/// What a proposer makes of what waits.
#[derive(Debug, Clone)]
pub struct Selection {
    /// The block's transactions.
    pub transactions: Vec<SignedTransaction>,
    /// Those left out, with the rule that each breaks at its place.
    pub refused: Vec<(TransactionId, Rejection)>,
    /// What the block does.
    pub execution: Execution,
}

/// Why a draft does not take a transaction.
#[derive(Debug)]
pub(super) enum Failure {
    Rejection(Rejection),
    Fault(Fault),
}

/// A block in the making.
pub(super) struct Draft<'a> {
    ledger: &'a Ledger,
    context: &'a BlockContext,
    pub(super) accounts: BTreeMap<Address, Account>,
    names: BTreeMap<Name, Address>,
    vouchers: BTreeMap<PublicKey, Option<Voucher>>,
    fees: Amount,
    activities: Vec<Activity>,
    /// Of those taken so far.
    ids: Vec<TransactionId>,
    /// What the accounts and vouchers touched held in the ledger, in nits.
    before: u128,
}

impl<'a> Draft<'a> {
    pub(super) fn new(ledger: &'a Ledger, context: &'a BlockContext) -> Self {
        Self {
            ledger,
            context,
            accounts: BTreeMap::new(),
            names: BTreeMap::new(),
            vouchers: BTreeMap::new(),
            fees: Amount::ZERO,
            activities: Vec::new(),
            ids: Vec::new(),
            before: 0,
        }
    }

    /// Takes the next transaction, or leaves everything as it is.
    pub(super) fn apply(
        &mut self,
        transaction: &Transaction,
        id: TransactionId,
    ) -> Result<(), Failure> {
        self.judge(transaction).map_err(Failure::Rejection)?;
        self.perform(transaction, id).map_err(Failure::Fault)
    }

    fn account(&self, address: &Address) -> Option<Account> {
        let new = self.accounts.get(address).cloned();
        new.or_else(|| self.ledger.account(address))
    }

    fn has_account(&self, address: &Address) -> bool {
        self.accounts.contains_key(address) || self.ledger.has_account(address)
    }

    fn account_mut(&mut self, address: &Address) -> &mut Account {
        let (ledger, before) = (self.ledger, &mut self.before);
        self.accounts.entry(*address).or_insert_with(|| {
            let known = ledger.account(address);
            *before += known
                .as_ref()
                .map_or(0, |one| u128::from(one.balance.nits()));
            known.unwrap_or_else(|| Account::new(address))
        })
    }

    fn voucher(&self, key: &PublicKey) -> Option<&Voucher> {
        match self.vouchers.get(key) {
            Some(changed) => changed.as_ref(),
            None => self.ledger.voucher(key),
        }
    }

    fn put_voucher(&mut self, key: PublicKey, voucher: Option<Voucher>) {
        if !self.vouchers.contains_key(&key) {
            self.before += locked(self.ledger.voucher(&key));
        }
        self.vouchers.insert(key, voucher);
    }

    fn judge(&self, transaction: &Transaction) -> Result<(), Rejection> {
        let payee = match transaction.payee() {
            Some(payee) if !self.has_account(&payee) => Payee::New,
            _ => Payee::Exists,
        };
        let name_owner = match &transaction.operation {
            Operation::ClaimName { name } => {
                let new = self.names.get(name).copied();
                new.or_else(|| self.ledger.owner(name))
            }
            _ => None,
        };
        let voucher = transaction.operation.voucher();
        let sender = self.account(&transaction.sender);
        let facts = Facts {
            genesis: &self.ledger.genesis,
            rules: &self.ledger.rules,
            height: self.context.height,
            sender: sender.as_ref(),
            payee,
            name_owner,
            voucher: voucher.and_then(|key| self.voucher(&key)),
            time_ms: self.context.time_ms,
            nonces_ahead: 0,
        };
        rules::check(transaction, &facts)
    }

    fn perform(&mut self, transaction: &Transaction, id: TransactionId) -> Result<(), Fault> {
        let address = transaction.sender;
        let overflow = Fault::BalanceOverflow { address };
        let cost = transaction.cost().ok_or(overflow.clone())?;
        let fees = self.fees.checked_add(transaction.fee);
        self.fees = fees.ok_or(overflow.clone())?;
        let BlockContext {
            height, time_ms, ..
        } = *self.context;
        // What comes out of a voucher, less the fee: rule R12 says that it is no less.
        let income = transaction.income().unwrap_or(transaction.fee);
        let income = income.checked_sub(transaction.fee);
        let income = income.ok_or(overflow.clone())?;
        let sender = self.account_mut(&address);
        let balance = sender.balance.checked_sub(cost);
        let balance = balance.and_then(|balance| balance.checked_add(income));
        sender.balance = balance.ok_or(overflow)?;
        sender.nonce += 1;
        sender.record(&id, height, time_ms);
        if let Operation::ClaimName { name } = &transaction.operation {
            sender.name = Some(name.clone());
        }
        let (number, head) = (sender.activities, sender.head);
        self.note(address, id, number, head);
        match &transaction.operation {
            Operation::ClaimName { name } => {
                self.names.insert(name.clone(), address);
            }
            Operation::Transfer { to, amount, .. } => {
                self.credit(to, *amount)?;
            }
            operation => self.perform_on_voucher(operation, address, id),
        }
        if let Some(other) = transaction.other_party() {
            let account = self.account_mut(&other);
            account.record(&id, height, time_ms);
            let (number, head) = (account.activities, account.head);
            self.note(other, id, number, head);
        }
        self.ids.push(id);
        Ok(())
    }

    /// What was judged good: a voucher is opened, loses a share, or is taken back.
    fn perform_on_voucher(&mut self, operation: &Operation, sender: Address, id: TransactionId) {
        match operation {
            Operation::OpenVoucher {
                voucher,
                share,
                count,
                until_ms,
                ..
            } => {
                let open = Voucher {
                    opener: sender,
                    opening: id,
                    share: *share,
                    left: *count,
                    until_ms: *until_ms,
                    claimed: Vec::new(),
                };
                self.put_voucher(*voucher, Some(open));
            }
            Operation::ClaimVoucher { voucher, .. } => {
                let open = self.voucher(voucher).cloned();
                let rest = open.and_then(|open| open.after_claim(&sender));
                self.put_voucher(*voucher, rest);
            }
            Operation::ReclaimVoucher { voucher, .. } => self.put_voucher(*voucher, None),
            Operation::Transfer { .. } | Operation::ClaimName { .. } => {}
        }
    }

    fn credit(&mut self, address: &Address, amount: Amount) -> Result<&mut Account, Fault> {
        let account = self.account_mut(address);
        let balance = account.balance.checked_add(amount);
        account.balance = balance.ok_or(Fault::BalanceOverflow { address: *address })?;
        Ok(account)
    }

    fn note(&mut self, address: Address, transaction: TransactionId, number: u64, head: Hash) {
        self.activities.push(Activity {
            address,
            number,
            transaction,
            index: u32::try_from(self.ids.len()).unwrap_or(u32::MAX),
            head,
        });
    }

    /// Pays the proposer, holds the supply against what it was, and works out the state root.
    pub(super) fn finish(mut self) -> Result<Execution, Fault> {
        if !self.fees.is_zero() {
            let proposer = self.context.proposer;
            self.credit(&proposer, self.fees)?;
        }
        self.supply_is_constant()?;
        if mutation::is_on(Mutation::FeesMinted) {
            self.credit(&self.context.proposer, self.fees)?;
        }
        let accounts = self.accounts.iter();
        let mut batch: Batch = accounts
            .map(|(address, account)| (account_key(address), Some(account.leaf())))
            .collect();
        for (name, owner) in &self.names {
            batch.insert(name_key(name), Some(name_leaf(owner)));
        }
        for (key, voucher) in &self.vouchers {
            batch.insert(voucher_key(key), voucher.as_ref().map(Voucher::leaf));
        }
        let patch = self.ledger.tree.plan(&batch);
        Ok(Execution {
            state_root: patch.root(),
            changes: ChangeSet {
                accounts: self.accounts,
                names: self.names,
                vouchers: self.vouchers,
                patch,
            },
            fees: self.fees,
            ids: self.ids,
            activities: self.activities,
        })
    }

    /// Only the accounts and vouchers touched are summed: the others are what they were.
    fn supply_is_constant(&self) -> Result<(), Fault> {
        let touched = self.accounts.values();
        let held: u128 = touched.map(|one| u128::from(one.balance.nits())).sum();
        let vouchers = self.vouchers.values();
        let locked: u128 = vouchers.map(|one| locked(one.as_ref())).sum();
        let (before, after) = (self.before, held + locked);
        if before == after {
            return Ok(());
        }
        Err(Fault::SupplyChanged { before, after })
    }
}

/// What is locked in a voucher, in nits.
fn locked(voucher: Option<&Voucher>) -> u128 {
    if mutation::is_on(Mutation::LockedUncounted) {
        return 0;
    }
    voucher.map_or(0, Voucher::locked_nits)
}
