//! The rules of a transaction: one function each, in the order in which they are tried.
//!
//! All nodes try them in the same order, so all name the same cause: [`check`] is that order, and
//! [`Rejection`] lists it. The rules are numbered as in `docs/protocol.md`, "Rules of a transaction".
//! That a memo is at most 256 bytes and a name well-formed is rule R0: other bytes are no transaction
//! and do not decode.
//!
//! Two things are no rules on purpose. An account may be emptied, even below `min_balance`: it stands
//! in the state already, and money that cannot be spent would be the worse surprise. And a payee's
//! balance cannot grow too large: the supply fits, so its parts do; the ledger treats the contrary as
//! a fault of ours.
//!
//! Nothing here changes anything. Read next: `rules/rejection.rs`, `ledger.rs`.

mod rejection;
#[cfg(test)]
mod tests;
mod vouchers;

pub use rejection::Rejection;

use super::account::Account;
use super::amount::Amount;
use super::genesis::Rules;
use super::hash::Hash;
use super::key::Address;
use super::name::Name;
use super::transaction::{Operation, SignedTransaction, Transaction};
use super::voucher::Voucher;
use crate::mutation::{self, Mutation};

/// What is known when a transaction is judged.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// This network.
    pub genesis: &'a Hash,
    /// Its rules.
    pub rules: &'a Rules,
    /// The height of the block that the transaction would stand in.
    pub height: u64,
    /// The sender's account, if there is one.
    pub sender: Option<&'a Account>,
    /// Whether the payee has an account already.
    pub payee: Payee,
    /// Whose the claimed name is already.
    pub name_owner: Option<Address>,
    /// The voucher of the key that it names, if one is open.
    pub voucher: Option<&'a Voucher>,
    /// The block's time, in milliseconds since 1970; where transactions wait, the last block's.
    pub time_ms: u64,
    /// How far the nonce may be ahead of the account's: 0 in a block; more where transactions wait.
    pub nonces_ahead: u64,
}

/// Whether a payee has an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Payee {
    /// There is an account, or no payee at all.
    Exists,
    /// The transfer would make the account.
    New,
}

/// Judges a transaction by all rules but R2: signatures are checked apart, many at once.
///
/// # Errors
/// The first rule broken, as a [`Rejection`].
pub fn check(transaction: &Transaction, facts: &Facts<'_>) -> Result<(), Rejection> {
    this_network(transaction, facts.genesis)?;
    not_expired(transaction, facts.height)?;
    not_too_far_ahead(transaction, facts.height, facts.rules)?;
    let newborn = Account::new(&transaction.sender);
    let sender = match (&transaction.operation, facts.sender) {
        // Whoever claims a voucher needs no account: what comes out makes it.
        (Operation::ClaimVoucher { .. }, None) => &newborn,
        (_, sender) => sender_exists(transaction, sender)?,
    };
    key_is_current(transaction, sender)?;
    nonce_is_next(transaction, sender, facts.nonces_ahead)?;
    fee_is_paid(transaction, facts.rules)?;
    match &transaction.operation {
        Operation::Transfer { to, amount, .. } => {
            amount_is_not_zero(*amount)?;
            payee_is_another(transaction, to)?;
            can_pay(sender, *amount, transaction.fee)?;
            new_account_is_no_dust(to, *amount, facts.payee, facts.rules)
        }
        Operation::ClaimName { name } => {
            can_pay(sender, Amount::ZERO, transaction.fee)?;
            has_no_name_yet(sender, name)?;
            name_is_free(name, facts.name_owner)
        }
        Operation::OpenVoucher {
            voucher,
            share,
            until_ms,
            ..
        } => {
            amount_is_not_zero(*share)?;
            let locked = transaction.operation.spent().unwrap_or(Amount::MAX);
            can_pay(sender, locked, transaction.fee)?;
            vouchers::key_is_free(voucher, facts.voucher)?;
            vouchers::share_is_no_dust(*share, facts.rules)?;
            vouchers::life_is_bounded(*until_ms, facts.time_ms)
        }
        Operation::ClaimVoucher {
            voucher,
            opener,
            opening,
            share,
            ..
        } => {
            payee_is_another(transaction, opener)?;
            vouchers::fee_comes_out(*share, transaction.fee)?;
            let rest = share.checked_sub(transaction.fee).unwrap_or(Amount::ZERO);
            let payee = facts.sender.map_or(Payee::New, |_| Payee::Exists);
            new_account_is_no_dust(&transaction.sender, rest, payee, facts.rules)?;
            let open = vouchers::is_open(voucher, facts.voucher)?;
            vouchers::claim_is_of(open, opener, opening, *share)?;
            vouchers::is_not_over(open, facts.time_ms)?;
            vouchers::has_not_claimed(open, &transaction.sender)
        }
        Operation::ReclaimVoucher { voucher, amount } => {
            vouchers::fee_comes_out(*amount, transaction.fee)?;
            let open = vouchers::is_open(voucher, facts.voucher)?;
            vouchers::reclaim_is_of(open, &transaction.sender, *amount)
        }
    }
}

/// R1: "A transaction carries the genesis hash of the network that it stands in."
pub fn this_network(transaction: &Transaction, genesis: &Hash) -> Result<(), Rejection> {
    if transaction.genesis == *genesis || mutation::is_on(Mutation::NetworkUnchecked) {
        return Ok(());
    }
    Err(Rejection::ForeignNetwork {
        given: transaction.genesis,
        expected: *genesis,
    })
}

/// R2: "Its signature is good (rule K1) under the key that it names, and a claim's second one under the voucher's key."
///
/// For a single one; many at once by [`super::key::verify_batch`], which agrees on every input.
pub fn signature_is_good(transaction: &SignedTransaction) -> Result<(), Rejection> {
    if transaction.signature_is_good() {
        return Ok(());
    }
    Err(Rejection::BadSignature)
}

/// R3: "The block's height is at most its `valid_until`."
pub fn not_expired(transaction: &Transaction, height: u64) -> Result<(), Rejection> {
    let valid_until = transaction.valid_until;
    if height <= valid_until || mutation::is_on(Mutation::ExpiryUnchecked) {
        return Ok(());
    }
    Err(Rejection::Expired {
        valid_until,
        height,
    })
}

/// R4: "Its `valid_until` is at most `max_validity` above the block's height."
pub fn not_too_far_ahead(
    transaction: &Transaction,
    height: u64,
    rules: &Rules,
) -> Result<(), Rejection> {
    let (valid_until, limit) = (
        transaction.valid_until,
        height.saturating_add(rules.max_validity),
    );
    if valid_until <= limit {
        return Ok(());
    }
    Err(Rejection::TooFarAhead { valid_until, limit })
}

/// R5: "Its sender has an account, or claims a voucher."
pub fn sender_exists<'a>(
    transaction: &Transaction,
    sender: Option<&'a Account>,
) -> Result<&'a Account, Rejection> {
    sender.ok_or(Rejection::UnknownSender {
        sender: transaction.sender,
    })
}

/// R6: "It names the account's current key."
pub fn key_is_current(transaction: &Transaction, sender: &Account) -> Result<(), Rejection> {
    if transaction.key == sender.key {
        return Ok(());
    }
    Err(Rejection::WrongKey {
        given: transaction.key,
        current: sender.key,
    })
}

/// R7: "Its nonce is not below the account's", R8: "nor above it": so each transaction stands at most
/// once, in the sender's order. Where transactions wait, R8 leaves room for those before this one.
pub fn nonce_is_next(
    transaction: &Transaction,
    sender: &Account,
    nonces_ahead: u64,
) -> Result<(), Rejection> {
    let (given, next) = (transaction.nonce, sender.nonce);
    if mutation::is_on(Mutation::NonceUnchecked) {
        return Ok(());
    }
    if given < next {
        return Err(Rejection::NonceUsed { given, next });
    }
    if given - next > nonces_ahead {
        return Err(Rejection::NonceAhead { given, next });
    }
    Ok(())
}

/// R9: "Its fee is at least the rule `fee`."
pub fn fee_is_paid(transaction: &Transaction, rules: &Rules) -> Result<(), Rejection> {
    let (given, needed) = (transaction.fee, rules.fee);
    if given >= needed {
        return Ok(());
    }
    Err(Rejection::FeeTooLow { given, needed })
}

/// R10: "A transfer moves, and a share of a voucher is, more than nothing."
pub fn amount_is_not_zero(amount: Amount) -> Result<(), Rejection> {
    if amount.is_zero() {
        return Err(Rejection::ZeroAmount);
    }
    Ok(())
}

/// R11: "A transfer's payee, and the opener of a voucher that is claimed, is not its sender."
pub fn payee_is_another(transaction: &Transaction, payee: &Address) -> Result<(), Rejection> {
    if transaction.sender == *payee {
        return Err(Rejection::OwnAddress { address: *payee });
    }
    Ok(())
}

/// R12: "The sender has the amount, or what is locked, and the fee"; where money comes out of a voucher, see
/// [`vouchers`].
pub fn can_pay(sender: &Account, amount: Amount, fee: Amount) -> Result<(), Rejection> {
    let cost = amount.checked_add(fee);
    if cost.is_some_and(|cost| cost <= sender.balance) || mutation::is_on(Mutation::FundsUnchecked)
    {
        return Ok(());
    }
    Err(Rejection::InsufficientFunds {
        balance: sender.balance,
        amount,
        fee,
    })
}

/// R13: "A transfer or a claim that makes an account puts at least `min_balance` into it."
pub fn new_account_is_no_dust(
    address: &Address,
    amount: Amount,
    payee: Payee,
    rules: &Rules,
) -> Result<(), Rejection> {
    if payee == Payee::Exists || amount >= rules.min_balance {
        return Ok(());
    }
    Err(Rejection::DustAccount {
        payee: *address,
        amount,
        min_balance: rules.min_balance,
    })
}

/// R14: "An account that claims a name has none."
pub fn has_no_name_yet(sender: &Account, claimed: &Name) -> Result<(), Rejection> {
    match &sender.name {
        None => Ok(()),
        Some(own) => Err(Rejection::AlreadyNamed {
            claimed: claimed.clone(),
            own: own.clone(),
        }),
    }
}

/// R15: "A claimed name is nobody's."
pub fn name_is_free(name: &Name, owner: Option<Address>) -> Result<(), Rejection> {
    match owner {
        None => Ok(()),
        Some(owner) => Err(Rejection::NameTaken {
            name: name.clone(),
            owner,
        }),
    }
}
