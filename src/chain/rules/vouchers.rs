//! The rules of vouchers: R16 to R22, and R12 where the fee goes off what comes out of one.
//!
//! Nothing here changes anything. Why they are so: `docs/decisions/vouchers.md`.

use super::Rejection;
use crate::chain::amount::Amount;
use crate::chain::genesis::Rules;
use crate::chain::key::{Address, PublicKey};
use crate::chain::transaction::TransactionId;
use crate::chain::voucher::{MAX_VOUCHER_LIFE_MS, Voucher};
use crate::mutation::{self, Mutation};

/// R12: "What comes out of a voucher is not less than the fee, which goes off it."
pub(super) fn fee_comes_out(income: Amount, fee: Amount) -> Result<(), Rejection> {
    if fee <= income {
        return Ok(());
    }
    Err(Rejection::InsufficientFunds {
        balance: income,
        amount: Amount::ZERO,
        fee,
    })
}

/// R16: "A voucher is opened under a key under which none is open."
pub(super) fn key_is_free(key: &PublicKey, open: Option<&Voucher>) -> Result<(), Rejection> {
    match open {
        None => Ok(()),
        Some(_) => Err(Rejection::VoucherOpen { voucher: *key }),
    }
}

/// R17: "A share is at least `min_balance` and the rule `fee`": so each claim can make an account.
pub(super) fn share_is_no_dust(share: Amount, rules: &Rules) -> Result<(), Rejection> {
    let needed = rules.min_balance.checked_add(rules.fee);
    let needed = needed.unwrap_or(Amount::MAX);
    if share >= needed {
        return Ok(());
    }
    Err(Rejection::SmallShare { share, needed })
}

/// R18: "A voucher ends after the block that opens it, and at most 366 days after."
pub(super) fn life_is_bounded(until_ms: u64, time_ms: u64) -> Result<(), Rejection> {
    let limit_ms = time_ms.saturating_add(MAX_VOUCHER_LIFE_MS);
    if until_ms > time_ms && until_ms <= limit_ms {
        return Ok(());
    }
    Err(Rejection::VoucherLife {
        until_ms,
        time_ms,
        limit_ms,
    })
}

/// R19: "What is claimed or taken back is open."
pub(super) fn is_open<'a>(
    key: &PublicKey,
    open: Option<&'a Voucher>,
) -> Result<&'a Voucher, Rejection> {
    open.ok_or(Rejection::NoVoucher { voucher: *key })
}

/// R20: "A claim names the voucher's opener, opening and share";
pub(super) fn claim_is_of(
    open: &Voucher,
    opener: &Address,
    opening: &TransactionId,
    share: Amount,
) -> Result<(), Rejection> {
    let is_so = open.opener == *opener && open.opening == *opening && open.share == share;
    match is_so || mutation::is_on(Mutation::VoucherTermsUnchecked) {
        true => Ok(()),
        false => Err(differs(open, open.share)),
    }
}

/// R20, too: "it is its opener who takes a voucher back, and names all that is left."
pub(super) fn reclaim_is_of(
    open: &Voucher,
    sender: &Address,
    amount: Amount,
) -> Result<(), Rejection> {
    let is_openers = open.opener == *sender || mutation::is_on(Mutation::ReclaimedByAnybody);
    match is_openers && open.locked() == amount {
        true => Ok(()),
        false => Err(differs(open, open.locked())),
    }
}

fn differs(open: &Voucher, amount: Amount) -> Rejection {
    Rejection::VoucherDiffers {
        opener: open.opener,
        amount,
    }
}

/// R21: "A claim stands in a block whose time is not after the voucher's last."
pub(super) fn is_not_over(open: &Voucher, time_ms: u64) -> Result<(), Rejection> {
    let until_ms = open.until_ms;
    if time_ms <= until_ms || mutation::is_on(Mutation::VoucherExpiryUnchecked) {
        return Ok(());
    }
    Err(Rejection::VoucherOver { until_ms, time_ms })
}

/// R22: "An account claims of one voucher once."
pub(super) fn has_not_claimed(open: &Voucher, claimer: &Address) -> Result<(), Rejection> {
    if !open.is_claimed_by(claimer) || mutation::is_on(Mutation::ClaimedTwice) {
        return Ok(());
    }
    Err(Rejection::VoucherClaimed { claimer: *claimer })
}
