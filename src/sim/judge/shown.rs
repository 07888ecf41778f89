//! What wallets show their owners, held against the chain.
//!
//! Next: `wallet/user.rs`, which shows it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::Judge;
use crate::chain::account::Account;
use crate::chain::genesis::Genesis;
use crate::chain::key::Address;
use crate::chain::ledger::Ledger;
use crate::chain::transaction::{SignedTransaction, TransactionId};
use crate::sim::violation::Invariant::ShownIsTrue;

/// Changes of each account that are remembered.
const KEPT: usize = 64;

/// What was shown, and what is true.
#[derive(Default)]
pub(super) struct Shown {
    /// What each account has sent and received, in its order.
    activities: BTreeMap<Address, Vec<TransactionId>>,
    /// What each account was after each of its latest changes, by height.
    accounts: BTreeMap<Address, BTreeMap<u64, Account>>,
    /// What wallets have shown not to have happened.
    denied: BTreeSet<TransactionId>,
    /// What wallets have shown as final before any honest node had it: a malicious one told them with a good proof.
    promised: BTreeMap<TransactionId, u64>,
}

impl Shown {
    /// Nothing is shown yet.
    pub(super) fn new(ledger: &Ledger, genesis: &Genesis) -> Self {
        let mut shown = Self::default();
        for one in &genesis.accounts {
            shown.note(ledger, one.address, 0);
        }
        shown
    }

    fn note(&mut self, ledger: &Ledger, address: Address, height: u64) {
        if let Some(account) = ledger.account(&address) {
            let changes = self.accounts.entry(address).or_default();
            changes.insert(height, account);
            if changes.len() > KEPT {
                changes.pop_first();
            }
        }
    }

    /// Whether an account was so at a height, as far as that is still known.
    fn was_so(&self, address: &Address, height: u64, account: Option<&Account>) -> bool {
        let Some(changes) = self.accounts.get(address) else {
            return account.is_none();
        };
        let last = changes.range(..=height).next_back();
        let is_forgotten = last.is_none() && changes.len() == KEPT;
        is_forgotten || last.map(|(_, known)| known) == account
    }
}

impl Judge {
    /// A wallet believes what a node says of the present, of this height; `before` is the newest that it had proven
    /// until then. Of an account it believes what it is.
    pub fn believed(
        &mut self,
        wallet: usize,
        now: Duration,
        (before, height): (u64, u64),
        account: Option<&(Address, Option<Account>)>,
    ) {
        self.hold(ShownIsTrue, now, height >= before, || {
            format!("wallet {wallet} takes height {height} for the present, after {before}")
        });
        // Of a block that only a malicious node has, nothing is known here yet.
        let Some((address, account)) = account.filter(|_| height <= self.height()) else {
            return;
        };
        let is_so = self.books.shown.was_so(address, height, account.as_ref());
        self.hold(ShownIsTrue, now, is_so, || {
            format!("wallet {wallet} believes of {address} at height {height}: {account:?}")
        });
    }

    /// A transaction is final.
    pub(super) fn happened(&mut self, now: Duration, one: &SignedTransaction, height: u64) {
        let id = one.id();
        self.finals.insert(id, height);
        let shown = &mut self.books.shown;
        let sender = one.transaction.sender;
        let payee = one
            .transaction
            .other_party()
            .filter(|other| *other != sender);
        for party in [Some(sender), payee].into_iter().flatten() {
            shown.note(&self.law.ledger, party, height);
            shown.activities.entry(party).or_default().push(id);
        }
        let promised = shown.promised.remove(&id);
        let is_denied = shown.denied.contains(&id);
        self.hold(ShownIsTrue, now, !is_denied, || {
            format!("{id} is final at height {height}, and was shown as ended otherwise")
        });
        if let Some(promised) = promised {
            self.hold(ShownIsTrue, now, promised == height, || {
                format!("{id} is final at height {height}, and was shown as final at {promised}")
            });
        }
    }

    /// A wallet shows a transaction as final.
    pub fn shown_final(&mut self, wallet: usize, now: Duration, id: TransactionId, height: u64) {
        let known = self.finals.get(&id).copied();
        // An honest node tells of no block before it has it.
        let is_early = known.is_none() && height > self.height() && self.signed.has_traitors();
        if is_early {
            self.books.shown.promised.insert(id, height);
        }
        let is_true = is_early || known == Some(height);
        self.hold(ShownIsTrue, now, is_true, || {
            format!("wallet {wallet} shows {id} as final at {height}; it is at {known:?}")
        });
    }

    /// A wallet shows that a transaction has not happened and never will.
    pub fn shown_otherwise(&mut self, wallet: usize, now: Duration, id: TransactionId) {
        let known = self.finals.get(&id).copied();
        let is_promised = self.books.shown.promised.contains_key(&id);
        let is_true = known.is_none() && !is_promised;
        self.hold(ShownIsTrue, now, is_true, || {
            format!("wallet {wallet} shows that {id} will never be final; it is at {known:?}")
        });
        self.books.shown.denied.insert(id);
    }

    /// A wallet shows the whole history of an account up to a height.
    pub fn shown_history(
        &mut self,
        wallet: usize,
        now: Duration,
        (address, height): (Address, u64),
        entries: &[(u64, TransactionId)],
    ) {
        let upto = height.min(self.height());
        let shown = entries.iter().filter(|(height, _)| *height <= upto);
        let known = self.books.shown.activities.get(&address);
        let place = |id: &TransactionId| (self.finals.get(id).copied().unwrap_or(u64::MAX), *id);
        let known = known.into_iter().flatten().map(place);
        let is_same = known
            .filter(|(height, _)| *height <= upto)
            .eq(shown.copied());
        self.hold(ShownIsTrue, now, is_same, || {
            format!("wallet {wallet} shows another history than there is up to height {upto}")
        });
    }

    /// Whether something was shown as final that no honest node has yet.
    pub fn has_open_promises(&self) -> bool {
        !self.books.shown.promised.is_empty()
    }
}
