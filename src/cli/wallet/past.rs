//! `wallet history`: what happened to the account.

use std::collections::{BTreeMap, BTreeSet};
use std::future::ready;

use futures::stream::{self, StreamExt as _};

use super::pay::Story;
use super::reader;
use crate::chain::amount::Amount;
use crate::chain::hash::Hash;
use crate::chain::key::{Address, SecretKey};
use crate::chain::name::Name;
use crate::chain::transaction::{Operation, Transaction};
use crate::cli::arguments::History as HistoryArguments;
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::online::{own_address, with_session};
use crate::cli::report::wallet::{EntryKind, History, HistoryEntry, MemoKind};
use crate::directory::utc;
use crate::node::profile::ProfileError;
use crate::node::session::{self, Purse, Session};
use crate::wallet::journal::Journal;
use crate::wallet::memo;
use crate::wallet::vault::Vault;

/// Most names looked up for one history, so that a long one does not take long.
const MAX_NAMED: usize = 64;

/// Most questions asked at once for names.
const AT_ONCE: usize = 4;

/// `wallet history`: payments that wait are followed first; then all is proven.
///
/// # Errors
/// If no node can be reached.
pub async fn history(context: &Context, arguments: &HistoryArguments) -> Result<History, Failure> {
    let address = own_address(context)?;
    with_session(context, async |session| {
        let journal = resumed(context, session).await?;
        let genesis = session.bootstrap().genesis().hash();
        let past = session.history(address, arguments.limit).await?;
        // Nobody is asked for a password who has nothing to read with it.
        let newest = past.entries.iter().rev().take(arguments.limit);
        let all = newest.map(|entry| &entry.transaction);
        let vault = match all.chain(waiting(&journal, genesis)).any(is_sealed) {
            true => reader(context),
            false => None,
        };
        let secret = vault.as_ref().map(Vault::secret);
        let whose = Whose { address, secret };
        Ok(told(session, &journal, past, whose, arguments.limit).await)
    })
    .await
}

/// Whose past it is, and the key that reads what is private.
#[derive(Clone, Copy)]
pub struct Whose<'a> {
    /// The account.
    pub address: Address,
    /// Its key, if it is at hand.
    pub secret: Option<&'a SecretKey>,
}

/// The past of an account, and what the journal has of it that waits.
///
/// # Errors
/// If no node can be reached.
pub async fn gathered(
    session: &Session,
    journal: &Journal,
    whose: Whose<'_>,
    limit: usize,
) -> Result<History, Failure> {
    let past = session.history(whose.address, limit).await?;
    Ok(told(session, journal, past, whose, limit).await)
}

async fn told(
    session: &Session,
    journal: &Journal,
    past: session::History,
    whose: Whose<'_>,
    limit: usize,
) -> History {
    let Whose { address, secret } = whose;
    let genesis = session.bootstrap().genesis().hash();
    let newest = past.entries.iter().rev().take(limit);
    let mut entries: Vec<HistoryEntry> = newest
        .map(|entry| {
            let time_ms = Some(entry.time_ms);
            line(&address, &entry.transaction, entry.height, time_ms, secret)
        })
        .collect();
    let mut pending: Vec<HistoryEntry> = waiting(journal, genesis)
        .map(|transaction| line(&address, transaction, 0, None, secret))
        .collect();
    name_them(session, entries.iter_mut().chain(&mut pending)).await;
    let activities = past.account.map_or(0, |account| account.activities);
    History {
        status: "ok",
        address,
        height: past.at.height,
        complete: past.complete && u64::try_from(entries.len()) == Ok(activities),
        activities,
        pending,
        entries,
    }
}

/// What of the journal has no end yet.
fn waiting(journal: &Journal, genesis: Hash) -> impl Iterator<Item = &Transaction> {
    let unresolved = journal.unresolved(genesis);
    unresolved.map(|payment| &payment.transaction().transaction)
}

/// Follows what waits, unless another process does, and gives the journal.
pub(super) async fn resumed(context: &Context, session: &Session) -> Result<Journal, Failure> {
    let (data, name) = (context.data_dir()?, context.profile()?);
    match data.open(&name) {
        Ok(profile) => {
            let mut purse = Purse::open(profile)?;
            let line = context.output.progress("looking after payments that wait");
            let mut story = Story::new(line);
            session
                .resume_pending(&mut purse, &mut |event| story.tell(&event))
                .await?;
            Ok(purse.journal())
        }
        Err(ProfileError::InUse { .. }) => Ok(data.read_journal(&name)?),
        Err(error) => Err(error.into()),
    }
}

/// Looks up, with proofs, whose addresses these are; an address says little to people. What cannot be
/// looked up remains without a name: a history is worth showing without.
pub(super) async fn name_them(
    session: &Session,
    entries: impl IntoIterator<Item = &mut HistoryEntry>,
) {
    let entries: Vec<&mut HistoryEntry> = entries.into_iter().collect();
    let others: BTreeSet<Address> = entries.iter().filter_map(|one| one.counterparty).collect();
    let look_up = async |address: Address| {
        let account = session.account(address).await.ok()?.value?;
        Some((address, account.name?))
    };
    let names: BTreeMap<Address, Name> = stream::iter(others.into_iter().take(MAX_NAMED))
        .map(look_up)
        .buffer_unordered(AT_ONCE)
        .filter_map(ready)
        .collect()
        .await;
    for entry in entries {
        let name = entry.counterparty.and_then(|other| names.get(&other));
        entry.counterparty_name = name.cloned();
    }
}

/// Whether a key is needed to read its memo.
fn is_sealed(transaction: &Transaction) -> bool {
    memo::read(transaction, None) == memo::Reading::Sealed
}

pub(super) fn line(
    own: &Address,
    transaction: &Transaction,
    height: u64,
    time_ms: Option<u64>,
    secret: Option<&SecretKey>,
) -> HistoryEntry {
    let id: Hash = transaction.id();
    let is_own = transaction.sender == *own;
    let reading = memo::read(transaction, secret);
    let text = reading.to_text();
    let (kind, counterparty, amount, memo) = match &transaction.operation {
        Operation::Transfer { to, amount, .. } => match is_own {
            true => (EntryKind::Sent, Some(*to), *amount, text),
            false => (EntryKind::Received, Some(transaction.sender), *amount, text),
        },
        Operation::ClaimName { name } => (EntryKind::Named, None, Amount::ZERO, name.to_string()),
        Operation::OpenVoucher { .. } => {
            let locked = transaction.operation.spent().unwrap_or(Amount::MAX);
            (EntryKind::VoucherOpened, None, locked, text)
        }
        Operation::ClaimVoucher { opener, share, .. } => match is_own {
            true => (EntryKind::VoucherClaimed, Some(*opener), *share, text),
            false => (
                EntryKind::VoucherTaken,
                Some(transaction.sender),
                *share,
                text,
            ),
        },
        Operation::ReclaimVoucher { amount, .. } => {
            (EntryKind::VoucherReclaimed, None, *amount, text)
        }
    };
    HistoryEntry {
        kind,
        transaction: id,
        height,
        time: time_ms.map(utc::format),
        counterparty,
        counterparty_name: None,
        amount,
        fee: if is_own {
            transaction.fee
        } else {
            Amount::ZERO
        },
        memo,
        memo_kind: MemoKind::from(&reading),
    }
}
