//! `natcoin explore`: the public ledger, proven like everything else.

use super::context::Context;
use super::failure::{Exit, Failure};
use super::online::with_session;
use super::report::explore::{AccountShown, BlockShown, TransactionLine, TransactionShown};
use super::report::wallet::EntryKind;
use super::values::{self, Payee};
use crate::chain::account::Account;
use crate::chain::amount::Amount;
use crate::chain::hash::Hash;
use crate::chain::key::Address;
use crate::chain::name::Name;
use crate::chain::transaction::{Operation, SignedTransaction};
use crate::directory::utc;
use crate::node::session::{Session, SessionError};
use crate::wallet::memo;

/// `explore block`: of a height, or the newest.
///
/// # Errors
/// If no node can be reached, or none has it.
pub async fn block(context: &Context, height: Option<u64>) -> Result<BlockShown, Failure> {
    with_session(context, async |session| block_of(session, height).await).await
}

/// The block of a height, or the newest.
///
/// # Errors
/// As [`block`].
pub async fn block_of(session: &Session, height: Option<u64>) -> Result<BlockShown, Failure> {
    let newest = session.newest().height;
    let height = height.unwrap_or(newest.max(1));
    let proven = match session.block(height).await {
        Err(SessionError::NotFound { .. }) => return Err(no_block(height, newest)),
        answer => answer?,
    };
    let header = proven.value.header;
    let transactions = proven.value.transactions.unwrap_or_default();
    Ok(BlockShown {
        status: "ok",
        height: header.height,
        hash: header.id(),
        parent: header.parent,
        time: utc::format(header.time_ms),
        proposer: header.proposer,
        state_root: header.state_root,
        signed_by: usize::from(proven.at.signed_by),
        validators: session.bootstrap().genesis().validators.count(),
        transactions: transactions.iter().map(line).collect(),
    })
}

fn no_block(height: u64, newest: u64) -> Failure {
    let message = match (height, newest) {
        (0, _) => "there is no block 0: the first block is 1".to_owned(),
        (_, 0) => "there is no block yet".to_owned(),
        _ => format!("there is no block {height} yet: the newest is {newest}"),
    };
    let hint = match height {
        0 => "what was before it is in `natcoin network show`",
        _ => "look again when it is there; `natcoin explore block` shows the newest",
    };
    Failure::new(Exit::Rejected, "not_found", message, hint)
}

/// `explore transaction`.
///
/// # Errors
/// If no node can be reached, or none knows it.
pub async fn transaction(context: &Context, id: &str) -> Result<TransactionShown, Failure> {
    let id: Hash = id.parse()?;
    with_session(context, async |session| {
        let proven = session.transaction(id).await?;
        Ok(TransactionShown {
            status: "final",
            height: proven.at.height,
            time: utc::format(proven.at.time_ms),
            line: line(&proven.value.transaction),
        })
    })
    .await
}

/// `explore account`: by address or `@name`.
///
/// # Errors
/// If no node can be reached, or nobody has the name.
pub async fn account(context: &Context, who: &str) -> Result<AccountShown, Failure> {
    match values::payee(who)? {
        Payee::Name(name) => by_name(context, name).await,
        Payee::Address(address) => {
            with_session(context, async |session| {
                let proven = session.account(address).await?;
                Ok(shown(address, proven.value.as_ref(), proven.at.height))
            })
            .await
        }
    }
}

/// `explore name`.
///
/// # Errors
/// As [`account`].
pub async fn name(context: &Context, name: &str) -> Result<AccountShown, Failure> {
    by_name(context, name.parse()?).await
}

async fn by_name(context: &Context, name: Name) -> Result<AccountShown, Failure> {
    with_session(context, async |session| {
        let proven = session.resolve(&name).await?;
        let owner = &proven.value;
        Ok(shown(owner.address, Some(&owner.account), proven.at.height))
    })
    .await
}

fn shown(address: Address, account: Option<&Account>, height: u64) -> AccountShown {
    AccountShown {
        status: "ok",
        address,
        name: account.and_then(|account| account.name.clone()),
        balance: account.map_or(Amount::ZERO, |account| account.balance),
        nonce: account.map_or(0, |account| account.nonce),
        activities: account.map_or(0, |account| account.activities),
        height,
        proven: true,
    }
}

fn line(signed: &SignedTransaction) -> TransactionLine {
    let transaction = &signed.transaction;
    let (kind, to, amount, memo) = match &transaction.operation {
        Operation::Transfer { to, amount, .. } => {
            // An explorer has nobody's key.
            let memo = memo::read(transaction, None).to_text();
            (EntryKind::Sent, Some(*to), *amount, memo)
        }
        Operation::ClaimName { name } => (EntryKind::Named, None, Amount::ZERO, name.to_string()),
        operation @ Operation::OpenVoucher { voucher, .. } => {
            let locked = operation.spent().unwrap_or(Amount::MAX);
            (EntryKind::VoucherOpened, None, locked, voucher.to_string())
        }
        Operation::ClaimVoucher {
            voucher,
            opener,
            share,
            ..
        } => {
            let opener = Some(*opener);
            (
                EntryKind::VoucherClaimed,
                opener,
                *share,
                voucher.to_string(),
            )
        }
        Operation::ReclaimVoucher { voucher, amount } => (
            EntryKind::VoucherReclaimed,
            None,
            *amount,
            voucher.to_string(),
        ),
    };
    TransactionLine {
        transaction: transaction.id(),
        kind,
        sender: transaction.sender,
        to,
        amount,
        fee: transaction.fee,
        nonce: transaction.nonce,
        memo,
    }
}
