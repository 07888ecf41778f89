//! The judge's own book: what everybody has, kept without a line of the ledger's code.
//!
//! The ledger that ships is asked too (see `Law`), but a fault in it would be its own witness. So money, nonces, names and
//! the rules of a transaction stand here a second time, in the simplest words.
//! Never: use `chain/ledger` or `chain/rules`. Next: `judge.rs`.

use std::collections::BTreeMap;

use crate::chain::account::Account;
use crate::chain::block::Block;
use crate::chain::genesis::{Genesis, Rules};
use crate::chain::hash::Hash;
use crate::chain::key::{Address, PublicKey};
use crate::chain::name::Name;
use crate::chain::transaction::{Operation, Transaction};

/// What one has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Purse {
    nits: u128,
    /// Transactions sent.
    sent: u64,
    name: Option<Name>,
}

/// Money that waits for whoever has a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Envelope {
    from: Address,
    by: Hash,
    share: u128,
    left: u128,
    until_ms: u64,
    taken: Vec<Address>,
}

/// What everybody has.
pub(super) struct Book {
    genesis: Hash,
    rules: Rules,
    purses: BTreeMap<Address, Purse>,
    envelopes: BTreeMap<PublicKey, Envelope>,
    /// All the money there is.
    supply: u128,
}

impl Book {
    /// At the beginning.
    pub(super) fn new(genesis: &Genesis) -> Self {
        let purse = |nits: u64, name: &Option<Name>| Purse {
            nits: u128::from(nits),
            sent: 0,
            name: name.clone(),
        };
        let accounts = genesis.accounts.iter();
        let purses: BTreeMap<Address, Purse> = accounts
            .map(|one| (one.address, purse(one.balance.nits(), &one.name)))
            .collect();
        Self {
            genesis: genesis.hash(),
            rules: genesis.rules.clone(),
            supply: purses.values().map(|purse| purse.nits).sum(),
            purses,
            envelopes: BTreeMap::new(),
        }
    }

    /// Writes a block down; or says what is not as it should be. All of a block that can be written is.
    pub(super) fn write(&mut self, block: &Block) -> Result<(), String> {
        let mut fees = 0;
        for (place, one) in block.transactions.iter().enumerate() {
            let transaction = &one.transaction;
            self.judge(transaction, block.header.height, block.header.time_ms)
                .map_err(|why| format!("transaction {place}: {why}"))?;
            fees += u128::from(transaction.fee.nits());
            self.move_money(transaction);
        }
        if fees > 0 {
            self.purse(block.header.proposer).nits += fees;
        }
        let sum: u128 = self.purses.values().map(|purse| purse.nits).sum();
        let waiting = self.envelopes.values().map(|one| one.share * one.left);
        let sum = sum + waiting.sum::<u128>();
        match sum == self.supply {
            true => Ok(()),
            false => Err(format!("{sum} nits in all, of {}", self.supply)),
        }
    }

    fn judge(&self, transaction: &Transaction, height: u64, time_ms: u64) -> Result<(), String> {
        let nobody = Purse::default();
        let sender = self.purses.get(&transaction.sender).unwrap_or(&nobody);
        let fee = u128::from(transaction.fee.nits());
        let (mut cost, mut name_is_free) = (fee, true);
        let (mut is_dust, mut is_own, mut is_open) = (false, false, true);
        let least = u128::from(self.rules.min_balance.nits());
        match &transaction.operation {
            Operation::Transfer { to, amount, .. } => {
                let amount = u128::from(amount.nits());
                cost += amount;
                is_own = *to == transaction.sender;
                is_dust = amount == 0 || (!self.purses.contains_key(to) && amount < least);
            }
            Operation::ClaimName { name } => {
                let mut owned = self.purses.values().filter_map(|purse| purse.name.as_ref());
                name_is_free = sender.name.is_none() && !owned.any(|other| other == name);
            }
            Operation::OpenVoucher {
                voucher,
                share,
                count,
                until_ms,
                ..
            } => {
                let share = u128::from(share.nits());
                cost += share * u128::from(*count);
                is_dust = share == 0 || share < least + u128::from(self.rules.fee.nits());
                let year = 366 * 24 * 60 * 60 * 1000;
                is_open = !self.envelopes.contains_key(voucher)
                    && (1..=year).contains(&until_ms.saturating_sub(time_ms));
            }
            Operation::ClaimVoucher {
                voucher,
                opener,
                opening,
                share,
                ..
            } => {
                // The fee goes off the share.
                cost = 0;
                let share = u128::from(share.nits());
                is_own = *opener == transaction.sender;
                let is_new = !self.purses.contains_key(&transaction.sender);
                is_dust = share < fee || (is_new && share - fee < least);
                is_open = self.envelopes.get(voucher).is_some_and(|one| {
                    (one.from, one.by, one.share) == (*opener, *opening, share)
                        && time_ms <= one.until_ms
                        && !one.taken.contains(&transaction.sender)
                });
            }
            Operation::ReclaimVoucher { voucher, amount } => {
                cost = 0;
                let amount = u128::from(amount.nits());
                is_dust = amount < fee;
                is_open = self.envelopes.get(voucher).is_some_and(|one| {
                    one.from == transaction.sender && one.share * one.left == amount
                });
            }
        }
        let latest = height.saturating_add(self.rules.max_validity);
        let conditions = [
            (
                transaction.genesis == self.genesis,
                "it is of another network",
            ),
            (
                transaction.key == transaction.sender.birth_key(),
                "it is signed with another key",
            ),
            (
                transaction.nonce == sender.sent,
                "its nonce is not the next",
            ),
            (
                (height..=latest).contains(&transaction.valid_until),
                "it has expired, or lasts too long",
            ),
            (
                fee >= u128::from(self.rules.fee.nits()),
                "its fee is too small",
            ),
            (sender.nits >= cost, "its sender has not so much"),
            (!is_dust, "its amount is too small"),
            (!is_own, "it pays its sender"),
            (name_is_free, "its name is taken, or its sender has one"),
            (is_open, "its voucher is not there, or not so"),
        ];
        let broken = conditions.into_iter().find(|(is_kept, _)| !is_kept);
        broken.map_or(Ok(()), |(_, why)| Err(why.to_owned()))
    }

    /// What was judged good.
    fn move_money(&mut self, transaction: &Transaction) {
        let fee = u128::from(transaction.fee.nits());
        let from = transaction.sender;
        let sender = self.purse(from);
        sender.sent += 1;
        // In this order: a claim's sender may have nothing but the share.
        let income = transaction.operation.voucher().zip(transaction.income());
        sender.nits += income.map_or(0, |(_, amount)| u128::from(amount.nits()));
        sender.nits -= fee;
        match &transaction.operation {
            Operation::Transfer { to, amount, .. } => {
                let amount = u128::from(amount.nits());
                sender.nits -= amount;
                self.purse(*to).nits += amount;
            }
            Operation::ClaimName { name } => sender.name = Some(name.clone()),
            Operation::OpenVoucher {
                voucher,
                share,
                count,
                until_ms,
                ..
            } => {
                let (share, left) = (u128::from(share.nits()), u128::from(*count));
                sender.nits -= share * left;
                let envelope = Envelope {
                    from,
                    by: transaction.id(),
                    share,
                    left,
                    until_ms: *until_ms,
                    taken: Vec::new(),
                };
                self.envelopes.insert(*voucher, envelope);
            }
            Operation::ClaimVoucher { voucher, .. } => {
                if let Some(one) = self.envelopes.get_mut(voucher) {
                    one.left -= 1;
                    one.taken.push(from);
                    if one.left == 0 {
                        self.envelopes.remove(voucher);
                    }
                }
            }
            Operation::ReclaimVoucher { voucher, .. } => {
                self.envelopes.remove(voucher);
            }
        }
    }

    /// Money from nowhere, to see whether anybody notices.
    #[cfg(test)]
    pub(super) fn give(&mut self, to: Address, nits: u128) {
        self.purse(to).nits += nits;
    }

    /// An account that was never there.
    #[cfg(test)]
    pub(super) fn forget(&mut self, whose: &Address) {
        self.purses.remove(whose);
    }

    fn purse(&mut self, of: Address) -> &mut Purse {
        self.purses.entry(of).or_default()
    }

    /// Whether a node's ledger, of so many accounts, says the same of everybody; or else of whom it does not.
    pub(super) fn compare(
        &self,
        count: usize,
        account: impl Fn(&Address) -> Option<Account>,
    ) -> Result<(), String> {
        if count != self.purses.len() {
            return Err(format!("{count} accounts, of {}", self.purses.len()));
        }
        let is_other = |(address, purse): &(&Address, &Purse)| {
            account(address).is_none_or(|account| {
                let nits = u128::from(account.balance.nits());
                (nits, account.nonce, &account.name) != (purse.nits, purse.sent, &purse.name)
            })
        };
        match self.purses.iter().find(is_other) {
            None => Ok(()),
            Some((address, purse)) => Err(format!(
                "{address} has {:?}, and should have {purse:?}",
                account(address)
            )),
        }
    }
}
