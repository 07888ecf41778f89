//! From what the owner wants to the transaction to be signed, judged by the chain's own rules before anybody signs.
//!
//! The wallet refuses here, with the words that every node would use, what the nodes would refuse; so the owner hears
//! it at once and nothing has been signed. All facts must be proven ones. Read next: `payment.rs`.

#[cfg(test)]
mod tests;

use super::journal::Journal;
use super::payment::Payment;
use crate::chain::account::Account;
use crate::chain::amount::Amount;
use crate::chain::key::Address;
use crate::chain::rules::{self, Facts, Rejection};
use crate::chain::transaction::{Operation, Transaction};

/// For how many heights a payment is valid if the owner does not say: minutes on a busy network, hours on an idle one.
pub const DEFAULT_VALIDITY: u64 = 2_000;

/// The transaction that does `operation` for `sender`, behind those of the journal that still wait.
///
/// `facts` are proven: `height` is the next block's, `sender` the account as it stands in the state (its waiting
/// payments are taken off here). It is valid for `validity` heights, or as long as the rules allow; not longer than
/// those that it waits behind, and as long as those that wait behind it.
///
/// # Errors
/// The [`Rejection`] by which every node would refuse it; the balance named is what is left beside waiting payments.
pub fn draft(
    facts: &Facts<'_>,
    sender: Address,
    journal: &Journal,
    operation: Operation,
    validity: u64,
) -> Result<Transaction, Rejection> {
    let newborn = Account::new(&sender);
    let account = match (&operation, facts.sender) {
        // Whoever claims a voucher needs no account yet.
        (Operation::ClaimVoucher { .. }, None) => &newborn,
        (_, account) => account.ok_or(Rejection::UnknownSender { sender })?,
    };
    let possible = || journal.possible(*facts.genesis, account.nonce, facts.height);
    let nonce = journal.next_nonce(*facts.genesis, account.nonce, facts.height);
    // Who waits for an earlier nonce ends with it: else it would be stranded, for as long as it is valid, when the
    // earlier one expires.
    let last_height = |waiting: &Payment| waiting.valid_until();
    let before = possible().filter(|other| other.nonce() < nonce);
    let behind = possible().filter(|other| other.nonce() > nonce);
    let wish = validity.min(facts.rules.max_validity);
    let valid_until = facts
        .height
        .saturating_add(wish)
        .max(behind.map(last_height).max().unwrap_or(0))
        .min(before.map(last_height).min().unwrap_or(u64::MAX));
    // All of them may still happen, but for the one whose place this one takes.
    let committed = possible()
        .filter(|other| other.nonce() != nonce)
        .filter_map(|other| other.transaction().transaction.cost())
        .try_fold(Amount::ZERO, Amount::checked_add)
        .unwrap_or(Amount::MAX);
    let transaction = Transaction {
        genesis: *facts.genesis,
        sender,
        key: account.key,
        nonce,
        valid_until,
        fee: facts.rules.fee,
        operation,
    };
    let left = Account {
        balance: account
            .balance
            .checked_sub(committed)
            .unwrap_or(Amount::ZERO),
        ..account.clone()
    };
    let facts = Facts {
        sender: facts.sender.map(|_| &left),
        nonces_ahead: super::journal::MAX_UNRESOLVED as u64,
        ..*facts
    };
    rules::check(&transaction, &facts)?;
    Ok(transaction)
}
