//! `wallet request`, `dealings`, `decline`, `withdraw`, `take`, `thank`: what is said from wallet to wallet.

mod list;

pub(super) use list::state;
pub use list::{list, of_book};

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::timeout_at;

use self::list::spoken;
use super::{keystore_of, open_vault};
use crate::chain::amount::Amount;
use crate::chain::hash::Hash;
use crate::chain::key::Address;
use crate::chain::query::Trust;
use crate::chain::transaction::TransactionId;
use crate::cli::arguments::{OneRequest, Request as RequestArguments, Take, Thank};
use crate::cli::context::Context;
use crate::cli::failure::{Exit, Failure};
use crate::cli::online;
use crate::cli::report::wallet::{Requested, Settled, Taken, Thanked, Told};
use crate::cli::values::{self, Payee};
use crate::directory::utc;
use crate::node::clock;
use crate::node::network::ReachConfig;
use crate::node::session::{Dealt, Desk, Session};
use crate::wallet::dealings::machine::{ActError, Effect};
use crate::wallet::dealings::message::{Message, Notice, Reply};
use crate::wallet::dealings::request::{Request, RequestId};
use crate::wallet::vault::Vault;

const DAY_MS: u64 = 24 * 60 * 60 * 1000;
/// How long a command waits until the other wallet has heard, or a payment that was handed over is final.
pub(super) const HEARING: Duration = Duration::from_secs(6);
/// Fewest digits by which a request or payment can be named.
const FEWEST_DIGITS: usize = 4;

/// What a session that tells other wallets something does to reach them.
pub(super) const OUTGOING: ReachConfig = ReachConfig {
    be_reached: true,
    map_ports: false,
    neighbours: false,
};

/// The desk of the open wallet, on the network of the session.
pub(super) fn desk(context: &Context, session: &Session, vault: &Vault) -> Result<Desk, Failure> {
    desk_with(context, session.trust(), vault)
}

fn desk_with(context: &Context, trust: Trust, vault: &Vault) -> Result<Desk, Failure> {
    let file = context
        .data_dir()?
        .dealings(&context.profile()?, &trust.genesis)?;
    Ok(Desk::open(file, vault.secret().clone(), trust)?)
}

/// The desk, and the key, without a network.
fn offline(context: &Context) -> Result<Desk, Failure> {
    let vault = open(context)?;
    desk_with(context, Trust::new(context.bootstrap()?.genesis()), &vault)
}

fn open(context: &Context) -> Result<Vault, Failure> {
    let (name, keystore) = keystore_of(context)?;
    open_vault(context, &name, &keystore)
}

/// Does the owner's act, and what follows of it when somebody tells it.
fn act<T>(
    desk: &mut Desk,
    act: impl FnOnce(
        &mut crate::wallet::dealings::machine::Dealings,
        u64,
    ) -> Result<(T, Vec<Effect>), ActError>,
) -> Result<T, Failure> {
    // What is to be told stands in the book, and is told by whoever has a network next.
    let (done, _) = desk.act(|machine, now_ms| match act(machine, now_ms) {
        Ok((value, effects)) => (Ok(value), effects),
        Err(error) => (Err(error), Vec::new()),
    })?;
    Ok(done?)
}

/// A session with the desk at work, for as long as the work takes; without any node it works all the same.
async fn dealing<T>(
    context: &Context,
    work: impl AsyncFnOnce(&Session, &mut mpsc::Receiver<Dealt>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let session = online::begin(context, OUTGOING).await?;
    let done = async {
        let vault = open(context)?;
        let mut dealt = session.deal(desk(context, &session, &vault)?);
        let line = context.output.progress("connecting");
        let ready = session.ready().await;
        drop(line);
        let done = work(&session, &mut dealt).await?;
        if let Err(error) = ready {
            let failure = Failure::from(error);
            let later = format!("{}: it is kept, and told later", failure.message);
            context.output.note(&later);
        }
        Ok(done)
    };
    let done = done.await;
    online::remember(context, &session);
    session.close().await;
    done
}

/// What came of telling an account something, within a few seconds.
pub(super) async fn hearing(dealt: &mut mpsc::Receiver<Dealt>, whom: &Address, id: &Hash) -> Told {
    let until = tokio::time::Instant::from_std(clock::now()) + HEARING;
    while let Ok(Some(one)) = timeout_at(until, dealt.recv()).await {
        match one {
            Dealt::Told {
                to, message, reply, ..
            } if to == *whom && message == *id => {
                return match reply {
                    Reply::Taken => Told::Told,
                    Reply::Refused(_) | Reply::Unreadable => Told::Refused,
                };
            }
            Dealt::Untold { to, message, found } if to == *whom && message == *id => {
                return match found {
                    0 => Told::NotThere,
                    _ => Told::NotReached,
                };
            }
            _ => {}
        }
    }
    Told::NotReached
}

/// What came of telling a payee of a payment.
pub(super) async fn hearing_of(
    dealt: &mut mpsc::Receiver<Dealt>,
    payee: &Address,
    session: &Session,
    payment: TransactionId,
) -> Told {
    let book = session.book();
    let outgoing = book.iter().flat_map(|book| book.outgoing());
    let notice = outgoing
        .map(|one| &one.notice)
        .find(|one| one.payment.id() == payment);
    match notice {
        Some(notice) => {
            let id = Message::Notice(notice.clone()).id();
            hearing(dealt, payee, &id).await
        }
        None => Told::NotThere,
    }
}

/// `wallet request`.
///
/// # Errors
/// If a value is refused, the name is unknown, or nothing can be kept.
pub async fn request(
    context: &Context,
    arguments: &RequestArguments,
) -> Result<Requested, Failure> {
    let amount = values::amount(&arguments.amount)?;
    let whom = arguments.from.as_deref().map(values::payee).transpose()?;
    let text = arguments.memo.clone().unwrap_or_default();
    let life_ms = u64::from(arguments.days).saturating_mul(DAY_MS);
    if whom.is_none() {
        let mut desk = offline(context)?;
        let request = act(&mut desk, |machine, now_ms| {
            machine.ask_for(None, amount, &text, life_ms, now_ms)
        })?;
        return Ok(requested(&request, None, None));
    }
    dealing(context, async |session, dealt| {
        let (request, who) = asking(session, amount, whom, text, life_ms).await?;
        let told = match request.wish.to {
            Some(to) => {
                let message = Message::Request(request.clone()).id();
                Some(hearing(dealt, &to, &message).await)
            }
            None => None,
        };
        Ok(requested(&request, told, who))
    })
    .await
}

/// Asks somebody, or anybody, at the session's desk; gives the request, and who is asked, for people.
///
/// # Errors
/// If the name is not known, or the request is refused.
pub(super) async fn asking(
    session: &Session,
    amount: Amount,
    whom: Option<Payee>,
    text: String,
    life_ms: u64,
) -> Result<(Request, Option<String>), Failure> {
    let (to, who) = match whom {
        None => (None, None),
        Some(Payee::Address(address)) => (Some(address), Some(address.short())),
        Some(Payee::Name(name)) => {
            let owner = session.resolve(&name).await?.value;
            (Some(owner.address), Some(format!("@{name}")))
        }
    };
    let asking = session
        .deal_with(move |machine, now_ms| machine.ask_for(to, amount, &text, life_ms, now_ms));
    Ok((asking.await?, who))
}

/// The report of a request.
pub(super) fn requested(request: &Request, told: Option<Told>, who: Option<String>) -> Requested {
    let wish = &request.wish;
    Requested {
        status: "ok",
        request: request.id(),
        amount: wish.amount,
        from: wish.to,
        until: utc::format(wish.expires_at_ms),
        told,
        line: request.to_line(),
        who,
    }
}

/// `wallet decline`.
///
/// # Errors
/// If there is no such request, or it is settled.
pub fn decline(context: &Context, arguments: &OneRequest) -> Result<Settled, Failure> {
    let mut desk = offline(context)?;
    let ids = desk.book().received().iter().map(|one| one.request.id());
    let request = named("request", &arguments.request, ids)?;
    act(&mut desk, |machine, _| Ok(((), machine.decline(&request)?)))?;
    let status = "declined";
    Ok(Settled { status, request })
}

/// `wallet withdraw`.
///
/// # Errors
/// If there is no such request, or it is paid.
pub fn withdraw(context: &Context, arguments: &OneRequest) -> Result<Settled, Failure> {
    let mut desk = offline(context)?;
    let ids = desk.book().asked().iter().map(|one| one.request.id());
    let request = named("request", &arguments.request, ids)?;
    act(&mut desk, |machine, _| {
        Ok(((), machine.withdraw(&request)?))
    })?;
    let status = "withdrawn";
    Ok(Settled { status, request })
}

/// `wallet take`: a payment is handed in at once if a node can be met.
///
/// # Errors
/// If the line is damaged, not for this wallet, or there is no room for it.
pub async fn take(context: &Context, arguments: &Take) -> Result<Taken, Failure> {
    let message = message_of(&arguments.line)?;
    if let Message::Request(request) = message {
        let mut desk = offline(context)?;
        let (id, from, amount) = (request.id(), request.wish.from, request.wish.amount);
        if desk.book().owner() == &from {
            return Err(own_line());
        }
        act(&mut desk, |machine, now_ms| {
            Ok(((), machine.bring(Message::Request(request), now_ms)?))
        })?;
        let status = "request";
        return Ok(Taken {
            status,
            id,
            from,
            amount,
        });
    }
    let Message::Notice(notice) = message else {
        return Err(no_line());
    };
    dealing(context, async |session, dealt| {
        let payment = notice.payment.clone();
        let id = payment.id();
        is_of_another(session, &payment.transaction.sender)?;
        session
            .deal_with(move |machine, now_ms| {
                Ok(((), machine.bring(Message::Notice(notice), now_ms)?))
            })
            .await?;
        let stands = || {
            let book = session.book();
            let kept = book
                .as_ref()
                .and_then(|book| book.incoming().iter().find(|one| one.id() == id));
            kept.map_or("signed_not_final", |one| state(&one.state))
        };
        let until = tokio::time::Instant::from_std(clock::now()) + HEARING;
        let is_open = |state: &str| matches!(state, "announced" | "signed_not_final");
        while is_open(stands()) && !session.no_node_is_there() {
            if !matches!(timeout_at(until, dealt.recv()).await, Ok(Some(_))) {
                break;
            }
        }
        let what = spoken(&payment, None);
        Ok(Taken {
            status: stands(),
            id,
            from: payment.transaction.sender,
            amount: what.amount,
        })
    })
    .await
}

/// `wallet thank`.
///
/// # Errors
/// If the payment is not known to be final, or was thanked for.
pub async fn thank(context: &Context, arguments: &Thank) -> Result<Thanked, Failure> {
    let text = arguments.text.clone();
    dealing(context, async |session, dealt| {
        let book = session.book().ok_or_else(no_line)?;
        let ids = book.incoming().iter().map(|one| one.id());
        let payment = named("payment", &arguments.payment, ids)?;
        session
            .deal_with(move |machine, now_ms| Ok(((), machine.thank(&payment, &text, now_ms)?)))
            .await?;
        let book = session.book().unwrap_or(book);
        let one = book.incoming().iter().find(|one| one.id() == payment);
        let Some((to, thanks)) = one.and_then(|one| Some((one.payer(), one.thanks.clone()?)))
        else {
            return Err(ActError::UnknownPayment(payment).into());
        };
        let message = Message::Thanks(thanks).id();
        Ok(Thanked {
            status: "ok",
            payment,
            to,
            told: hearing(dealt, &to, &message).await,
        })
    })
    .await
}

/// Reads a line of text.
///
/// # Errors
/// `line_invalid`.
pub fn message_of(line: &str) -> Result<Message, Failure> {
    // Whoever copies a long line gets the breaks of their screen with it; its checksum finds what is missing.
    let line: String = line.split_whitespace().collect();
    let line = line.as_str();
    let lower = line.to_lowercase();
    let plain = lower.strip_prefix("natcoin:").unwrap_or(&lower);
    for (kind, command) in [("voucher", "voucher claim CODE"), ("invite", "join INVITE")] {
        if plain
            .strip_prefix(kind)
            .is_some_and(|rest| rest.starts_with('1'))
        {
            return Err(Failure::new(
                Exit::Usage,
                "line_invalid",
                format!("this line is a {kind}, neither a request nor a payment"),
                format!("use it with `natcoin wallet {command}`"),
            ));
        }
    }
    let read = match lower.starts_with("natcoin:payment1") {
        true => Notice::from_line(line).map(Message::Notice),
        false => Request::from_line(line).map(Message::Request),
    };
    read.map_err(|error| {
        Failure::new(
            Exit::Usage,
            "line_invalid",
            format!("the line cannot be read: {error}"),
            "copy all of it, from natcoin: to its last letter",
        )
    })
}

/// Refuses what the owner has made themselves.
///
/// # Errors
/// `own_line`.
pub(super) fn is_of_another(session: &Session, from: &Address) -> Result<(), Failure> {
    match session.book().is_some_and(|book| book.owner() == from) {
        true => Err(own_line()),
        false => Ok(()),
    }
}

fn own_line() -> Failure {
    Failure::new(
        Exit::Rejected,
        "own_line",
        "this line is this wallet's own",
        "give it to whom it is for; `natcoin wallet dealings` shows what you asked for",
    )
}

fn no_line() -> Failure {
    Failure::new(
        Exit::Usage,
        "line_invalid",
        "this is neither a request nor a payment",
        "a line begins with natcoin:request1 or natcoin:payment1",
    )
}

/// The one whose number begins so.
///
/// # Errors
/// `request_unknown` or `payment_unknown`, also if there are several.
pub(super) fn named(
    what: &'static str,
    text: &str,
    all: impl Iterator<Item = RequestId>,
) -> Result<RequestId, Failure> {
    let text = text.to_lowercase();
    let long_enough = text.len() >= FEWEST_DIGITS;
    let mut found: Vec<RequestId> = all
        .filter(|id| long_enough && id.to_string().starts_with(&text))
        .collect();
    found.sort_unstable();
    found.dedup();
    let shown: String = text.chars().take(64).collect();
    let code = match what {
        "request" => "request_unknown",
        _ => "payment_unknown",
    };
    match found[..] {
        [one] => Ok(one),
        [] => Err(Failure::new(
            Exit::Rejected,
            code,
            format!("this wallet knows of no {what} {shown:?}"),
            format!(
                "give at least {FEWEST_DIGITS} digits of one that `natcoin wallet dealings` shows"
            ),
        )),
        _ => Err(Failure::new(
            Exit::Usage,
            code,
            format!("{} {what}s begin with {shown:?}", found.len()),
            "give more digits",
        )),
    }
}
