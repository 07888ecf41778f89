//! `wallet history` and `wallet watch`: what happened to the account, and what happens now.

use std::collections::{BTreeMap, BTreeSet};
use std::future::ready;

use futures::stream::{self, StreamExt as _};

use super::open_vault;
use super::pay::Story;
use super::{reader, silent_reader};
use crate::chain::amount::Amount;
use crate::chain::hash::Hash;
use crate::chain::key::{Address, SecretKey};
use crate::chain::name::Name;
use crate::chain::transaction::{Operation, Transaction};
use crate::cli::arguments::{History as HistoryArguments, Watch as WatchArguments};
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::online::{own_address, remember, with_session};
use crate::cli::report::wallet::{EntryKind, History, HistoryEntry, MemoKind, WatchEvent};
use crate::cli::signal::Signals;
use crate::directory::utc;
use crate::node::profile::ProfileError;
use crate::node::session::{self, Published, Purse, Session};
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
        let past = session.history(address, arguments.limit).await?;
        let newest = || past.entries.iter().rev().take(arguments.limit);
        let genesis = session.bootstrap().genesis().hash();
        let pending = || {
            let unresolved = journal.unresolved(genesis);
            unresolved.map(|payment| &payment.transaction().transaction)
        };
        // Nobody is asked for a password who has nothing to read with it.
        let all = newest().map(|entry| &entry.transaction).chain(pending());
        let vault = match all.into_iter().any(is_sealed) {
            true => reader(context),
            false => None,
        };
        let secret = vault.as_ref().map(Vault::secret);
        let mut entries: Vec<HistoryEntry> = newest()
            .map(|entry| {
                let time_ms = Some(entry.time_ms);
                line(&address, &entry.transaction, entry.height, time_ms, secret)
            })
            .collect();
        let mut pending: Vec<HistoryEntry> = pending()
            .map(|transaction| line(&address, transaction, 0, None, secret))
            .collect();
        name_them(session, entries.iter_mut().chain(&mut pending)).await;
        let activities = past.account.map_or(0, |account| account.activities);
        Ok(History {
            status: "ok",
            address,
            height: past.at.height,
            complete: past.complete && u64::try_from(entries.len()) == Ok(activities),
            activities,
            pending,
            entries,
        })
    })
    .await
}

/// Follows what waits, unless another process does, and gives the journal.
async fn resumed(context: &Context, session: &Session) -> Result<Journal, Failure> {
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

/// `wallet watch`: a line for each thing that becomes final, until a signal.
///
/// # Errors
/// If no node can be reached at first, or the password is wrong.
pub async fn watch(context: &Context, arguments: &WatchArguments) -> Result<(), Failure> {
    let address = own_address(context)?;
    let key = match arguments.private {
        true => silent_reader(context),
        false => key_at_hand(context)?,
    };
    let mut signals = Signals::new()?;
    with_session(context, async |session| {
        if let Some(vault) = key.as_ref().filter(|_| !arguments.private) {
            let nodes = session
                .appear(vault.secret().clone(), Published::default())
                .await;
            let found = match nodes {
                0 => "no node has taken the wallet's card yet; it is tried again".to_owned(),
                1 => "others find this wallet: 1 node holds its card".to_owned(),
                _ => format!("others find this wallet: {nodes} nodes hold its card"),
            };
            context.output.note(&found);
        }
        tokio::select! {
            () = signals.end() => Ok(()),
            ended = tell_all(context, session, address, key.as_ref()) => ended,
        }
    })
    .await
}

/// The wallet's key, for its card and its private memos: where nobody can be asked for the password, it is watched without one.
fn key_at_hand(context: &Context) -> Result<Option<Vault>, Failure> {
    let (data, name) = (context.data_dir()?, context.profile()?);
    let keystore = data.read_keystore(&name)?;
    match open_vault(context, &name, &keystore) {
        Ok(vault) => Ok(Some(vault)),
        Err(failure) if failure.code == "password_needed" => {
            context.output.note(
                "others do not find this wallet: its card needs the password (--password-file)",
            );
            Ok(None)
        }
        Err(failure) => Err(failure),
    }
}

async fn tell_all(
    context: &Context,
    session: &Session,
    address: Address,
    key: Option<&Vault>,
) -> Result<(), Failure> {
    let mut watch = session.watch(&[address]);
    let secret = key.map(Vault::secret);
    context
        .output
        .note(&format!("watching {address}; Ctrl-C ends it"));
    loop {
        match watch.next().await? {
            session::WatchEvent::Activity(entry) => {
                let account = session.account(address).await?.value;
                remember(context, session);
                let (height, time_ms) = (entry.height, Some(entry.time_ms));
                let mut entry = line(&address, &entry.transaction, height, time_ms, secret);
                name_them(session, [&mut entry]).await;
                context.output.report(&WatchEvent {
                    status: "final",
                    entry,
                    balance: account.map_or(Amount::ZERO, |account| account.balance),
                })?;
            }
            session::WatchEvent::Connected { node } => {
                context.output.note(&format!("{node} tells what happens"))
            }
            session::WatchEvent::Disconnected => {
                context
                    .output
                    .note("no node can be reached; going on when one comes back");
            }
            session::WatchEvent::Block(_) => {}
        }
    }
}

/// Looks up, with proofs, whose addresses these are; an address says little to people. What cannot be
/// looked up remains without a name: a history is worth showing without.
async fn name_them(session: &Session, entries: impl IntoIterator<Item = &mut HistoryEntry>) {
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

fn line(
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
