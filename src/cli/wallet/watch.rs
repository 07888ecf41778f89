//! `wallet watch`: a line for each thing that becomes final, and for what other wallets say, until a signal.
//!
//! Meanwhile others find this wallet, and can tell it of payments and ask for some. What they say is shown as their
//! word; final is only what is proven.

use std::collections::VecDeque;
use std::future::pending;
use std::time::Duration;

use futures::stream::{self, StreamExt as _};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::past::{line, name_them, resumed};
use super::{dealings, keystore_of, open_vault, silent_reader};
use crate::chain::amount::Amount;
use crate::chain::key::{Address, SecretKey};
use crate::chain::name::Name;
use crate::chain::transaction::{Operation, TransactionId};
use crate::cli::arguments::Watch as Arguments;
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::online::{self, own_address, remember, remember_account};
use crate::cli::report::wallet::{Dealing, WatchEvent};
use crate::cli::signal::Signals;
use crate::node::network::ReachConfig;
use crate::node::session::{self, Dealt, Published, Session, SessionError};
use crate::wallet::dealings::book::{Book, Incoming};
use crate::wallet::dealings::machine::Event;
use crate::wallet::dealings::message::Word;
use crate::wallet::memo;
use crate::wallet::vault::Vault;

/// How long the name of who speaks is looked up.
const NAMING: Duration = Duration::from_secs(2);

/// `wallet watch`.
///
/// # Errors
/// If no node can be reached at first and the LAN is not listened to, or the password is wrong.
pub async fn watch(context: &Context, arguments: &Arguments) -> Result<(), Failure> {
    let key = match arguments.private {
        true => silent_reader(context),
        false => key_at_hand(context)?,
    };
    let found = key.as_ref().filter(|_| !arguments.private);
    let reach = ReachConfig {
        be_reached: found.is_some(),
        map_ports: found.is_some(),
        neighbours: found.is_some() && arguments.lan,
    };
    let mut signals = Signals::new()?;
    let session = online::begin(context, reach).await?;
    let line = context.output.progress("connecting");
    let ready = tokio::select! {
        ready = session.ready() => ready,
        () = signals.end() => return Ok(()),
    };
    drop(line);
    let done = match ready {
        Err(SessionError::NoNode { .. }) if arguments.lan => {
            context
                .output
                .note("no node can be reached; neighbours on the local network can");
            Ok(())
        }
        ready => ready.map_err(Failure::from),
    };
    let done = match done {
        Ok(()) => tokio::select! {
            () = signals.end() => Ok(()),
            ended = stay(context, arguments, &session, key.as_ref(), found) => ended,
        },
        failed => failed,
    };
    remember(context, &session);
    session.close().await;
    done
}

/// The wallet's key, for its card and its private memos: where nobody can be asked for the password, it is watched without one.
fn key_at_hand(context: &Context) -> Result<Option<Vault>, Failure> {
    let (name, keystore) = keystore_of(context)?;
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

/// Shows what happens, and lets others find the wallet if there is a key to be found with.
async fn stay(
    context: &Context,
    arguments: &Arguments,
    session: &Session,
    key: Option<&Vault>,
    found: Option<&Vault>,
) -> Result<(), Failure> {
    let mut dealt = None;
    if let Some(vault) = found {
        dealt = Some(session.deal(dealings::desk(context, session, vault)?));
        let account = vault.secret().clone();
        let published = match arguments.direct {
            true => Published::Everything,
            false => Published::Relays,
        };
        let nodes = session.appear(account, published).await;
        context.output.note(&match nodes {
            0 => "no node has taken the wallet's card yet; it is tried again".to_owned(),
            1 => "others find this wallet: 1 node holds its card".to_owned(),
            _ => format!("others find this wallet: {nodes} nodes hold its card"),
        });
    }
    tokio::select! {
        ended = tell_all(context, session, key.map(Vault::secret), dealt) => ended,
        failure = look_after(context, session) => Err(failure),
    }
}

/// Payments that wait for their end are followed, as soon as a node is met.
async fn look_after(context: &Context, session: &Session) -> Failure {
    while session.ready().await.is_err() {}
    let genesis = session.bootstrap().genesis().hash();
    let waits = || -> Result<bool, Failure> {
        let journal = context.data_dir()?.read_journal(&context.profile()?)?;
        Ok(journal.unresolved(genesis).next().is_some())
    };
    let done = match waits() {
        Ok(true) => resumed(context, session).await.map(|_| ()),
        Ok(false) => Ok(()),
        Err(failure) => Err(failure),
    };
    if let Err(failure) = done {
        context.output.note(&failure.message);
    }
    pending().await
}

async fn tell_all(
    context: &Context,
    session: &Session,
    secret: Option<&SecretKey>,
    dealt: Option<mpsc::Receiver<Dealt>>,
) -> Result<(), Failure> {
    let address = own_address(context)?;
    // One at a time: what is not printed yet holds up what comes.
    let (tell, mut told) = mpsc::channel(1);
    context
        .output
        .note(&format!("watching {address}; Ctrl-C ends it"));
    let print = async {
        while let Some(heard) = told.recv().await {
            match heard {
                Heard::Final(event) => context.output.report(&*event)?,
                Heard::Word(dealing) => context.output.report(&*dealing)?,
                Heard::Connected { node } => {
                    context.output.note(&format!("{node} tells what happens"));
                }
                Heard::Disconnected => {
                    let gone = "no node can be reached; going on when one comes back";
                    context.output.note(gone);
                }
            }
        }
        Ok(())
    };
    tokio::select! {
        ended = listen(context, session, (address, secret), dealt, &tell) => ended,
        ended = print => ended,
    }
}

/// Something that a wallet hears while it is open.
#[derive(Debug)]
pub enum Heard {
    /// This became final; proven.
    Final(Box<WatchEvent>),
    /// Another wallet says this.
    Word(Box<Dealing>),
    /// This node tells from now on.
    Connected {
        /// Its name.
        node: Name,
    },
    /// No node tells any more, for now.
    Disconnected,
}

/// Tells what becomes final for an account, and what other wallets say, until nobody listens.
///
/// # Errors
/// If the session was closed, or a quorum has forked.
pub async fn listen(
    context: &Context,
    session: &Session,
    (address, secret): (Address, Option<&SecretKey>),
    mut dealt: Option<mpsc::Receiver<Dealt>>,
    tell: &mpsc::Sender<Heard>,
) -> Result<(), Failure> {
    let base = session.newest().height;
    // What is under way in here goes on when the other side is heard first.
    let events = stream::unfold(session.watch(&[address]), |mut watch| async move {
        Some((watch.next().await, watch))
    });
    let mut events = std::pin::pin!(events);
    let mut ended = Ended::default();
    loop {
        let heard = tokio::select! {
            Some(event) = events.next() => {
                let event = event?;
                if let session::WatchEvent::Activity(entry) = &event {
                    ended.note(entry.transaction.id());
                }
                of_event(context, session, &address, secret, event).await?
            }
            Some(one) = heard(&mut dealt) => {
                let is_old = |id: &TransactionId| ended.has(id);
                match &one {
                    Dealt::News(Event::PaymentCame(id)) if is_old(id) => None,
                    one => of_dealt(session, secret, one, base).await,
                }
            }
        };
        if let Some(heard) = heard
            && tell.send(heard).await.is_err()
        {
            return Ok(());
        }
    }
}

/// The payments that were last shown as final: the word of one may come after its proof, and is no news then.
#[derive(Debug, Default)]
struct Ended(VecDeque<TransactionId>);

impl Ended {
    const ROOM: usize = 256;

    fn note(&mut self, id: TransactionId) {
        if self.0.len() >= Self::ROOM {
            self.0.pop_front();
        }
        self.0.push_back(id);
    }

    fn has(&self, id: &TransactionId) -> bool {
        self.0.contains(id)
    }
}

async fn heard(dealt: &mut Option<mpsc::Receiver<Dealt>>) -> Option<Dealt> {
    match dealt {
        Some(dealt) => match dealt.recv().await {
            Some(one) => Some(one),
            None => pending().await,
        },
        None => pending().await,
    }
}

async fn of_event(
    context: &Context,
    session: &Session,
    address: &Address,
    secret: Option<&SecretKey>,
    event: session::WatchEvent,
) -> Result<Option<Heard>, Failure> {
    Ok(match event {
        session::WatchEvent::Activity(entry) => {
            let account = session.account(*address).await?.value;
            remember(context, session);
            remember_account(context, session, *address).await;
            let (height, time_ms) = (entry.height, Some(entry.time_ms));
            let mut entry = line(address, &entry.transaction, height, time_ms, secret);
            name_them(session, [&mut entry]).await;
            Some(Heard::Final(Box::new(WatchEvent {
                status: "final",
                entry,
                balance: account.map_or(Amount::ZERO, |account| account.balance),
            })))
        }
        session::WatchEvent::Connected { node } => Some(Heard::Connected { node }),
        session::WatchEvent::Disconnected => Some(Heard::Disconnected),
        session::WatchEvent::Block(_) => None,
    })
}

async fn of_dealt(
    session: &Session,
    secret: Option<&SecretKey>,
    dealt: &Dealt,
    base: u64,
) -> Option<Heard> {
    let Dealt::News(event) = dealt else {
        return None;
    };
    let book = session.book()?;
    let mut dealing = dealing(*event, &book, secret)?;
    // Told late, it may have its end: the chain tells what came to one since the watch began; nobody is to wait for what
    // was before.
    if let Event::PaymentCame(id) = event
        && !session.no_node_is_there()
        && let Ok(Ok(proven)) = timeout(NAMING, session.transaction(*id)).await
    {
        if proven.at.height > base {
            return None;
        }
        dealing.status = "past";
    }
    if let Some(other) = dealing.counterparty {
        dealing.counterparty_name = name_of(session, other).await;
    }
    Some(Heard::Word(Box::new(dealing)))
}

async fn name_of(session: &Session, address: Address) -> Option<Name> {
    if session.no_node_is_there() {
        return None;
    }
    let asked = timeout(NAMING, session.account(address)).await.ok()?;
    asked.ok()?.value?.name
}

/// A line about what is new; none where the chain tells it anyway.
fn dealing(event: Event, book: &Book, secret: Option<&SecretKey>) -> Option<Dealing> {
    let incoming = |id| book.incoming().iter().find(|one| one.id() == id);
    match event {
        Event::PaymentCame(id) => {
            let one = incoming(id).filter(|one| one.state.is_unproven())?;
            Some(of_incoming(dealings::state(&one.state), one, secret))
        }
        Event::PaymentContested { payment, .. } => {
            Some(of_incoming("contested", incoming(payment)?, secret))
        }
        Event::PaymentShort(id) => Some(of_incoming("short", incoming(id)?, secret)),
        Event::PaymentReplaced { payment, .. } => {
            Some(of_incoming("replaced", incoming(payment)?, secret))
        }
        Event::PaymentExpired(id) => Some(of_incoming("expired", incoming(id)?, secret)),
        Event::RequestPaid { request, payment } => Some(Dealing {
            request: Some(request),
            ..of_incoming("request_paid", incoming(payment)?, secret)
        }),
        Event::RequestCame(id) | Event::RequestReopened(id) => {
            let mut received = book.received().iter();
            let request = &received.find(|one| one.request.id() == id)?.request;
            Some(Dealing {
                status: match event {
                    Event::RequestCame(_) => "request",
                    _ => "request_reopened",
                },
                transaction: None,
                request: Some(id),
                counterparty: Some(request.wish.from),
                counterparty_name: None,
                amount: Some(request.wish.amount),
                memo: request.read(secret).to_text(),
            })
        }
        Event::ReceiptCame { payment, .. } | Event::ThanksCame(payment) => {
            let mut outgoing = book.outgoing().iter();
            let one = outgoing.find(|one| one.id() == payment)?;
            let paid = &one.notice.payment.transaction;
            let (status, memo) = match (event, &one.thanks) {
                (Event::ThanksCame(_), Some(thanks)) => ("thanks", thanks.read(secret).to_text()),
                (
                    Event::ReceiptCame {
                        word: Word::Final { .. },
                        ..
                    },
                    _,
                ) => ("receipt_final", String::new()),
                _ => ("receipt", String::new()),
            };
            Some(Dealing {
                status,
                transaction: Some(payment),
                request: None,
                counterparty: paid.payee(),
                counterparty_name: None,
                amount: amount(&paid.operation),
                memo,
            })
        }
        // The chain's own line says it; and who was told stands in `wallet dealings`.
        Event::PaymentFinal { .. } | Event::Told(_) | Event::NotTaken { .. } => None,
    }
}

fn of_incoming(status: &'static str, one: &Incoming, secret: Option<&SecretKey>) -> Dealing {
    let paid = &one.payment.transaction;
    Dealing {
        status,
        transaction: Some(one.id()),
        request: None,
        counterparty: Some(one.payer()),
        counterparty_name: None,
        amount: amount(&paid.operation),
        memo: memo::read(paid, secret).to_text(),
    }
}

fn amount(operation: &Operation) -> Option<Amount> {
    match operation {
        Operation::Transfer { amount, .. } => Some(*amount),
        _ => None,
    }
}
