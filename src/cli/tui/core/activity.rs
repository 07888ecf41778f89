//! What happens, newest first: what is asked, what is on its way, what is announced, what is final.

use super::Effect;
use super::model::Notice;
use super::open::Open;
use crate::chain::amount::Amount;
use crate::chain::hash::Hash;
use crate::cli::failure::{Exit, Failure};
use crate::cli::report::payment::PaymentFinal;
use crate::cli::report::wallet::{Asked, Dealing, HistoryEntry, Spoken};
use crate::cli::wallet::payment::{Order, Which};

/// A payment of this run.
#[derive(Debug)]
pub struct Moving {
    pub key: u64,
    pub id: Option<Hash>,
    /// What is paid; `None` if a name is taken.
    pub amount: Option<Amount>,
    /// Whom, or which name.
    pub who: String,
    pub memo: String,
    /// How it stands.
    pub text: String,
    pub end: Option<Result<PaymentFinal, Failure>>,
}

impl Moving {
    /// Whether it is among those that the ledger has.
    pub fn is_in(&self, has: impl Fn(Hash) -> bool) -> bool {
        matches!(&self.end, Some(Ok(_))) && self.id.is_some_and(has)
    }

    /// Whether it is kept, and followed on.
    pub fn is_kept(&self) -> bool {
        matches!(&self.end, Some(Err(failure)) if failure.exit == Exit::NotFinal)
    }
}

/// A row of what happens.
#[derive(Debug)]
pub enum Row<'a> {
    /// Somebody asks to be paid.
    Asked(&'a Asked),
    /// A payment of this run.
    Moving(&'a Moving),
    /// Somebody says that they have paid.
    Announced(&'a Spoken),
    /// A payment without its end.
    Waiting(&'a HistoryEntry),
    /// Final.
    Past(&'a HistoryEntry),
}

impl Row<'_> {
    /// The entry that it shows.
    pub fn entry(&self) -> Option<&HistoryEntry> {
        match self {
            Self::Waiting(entry) | Self::Past(entry) => Some(entry),
            _ => None,
        }
    }
}

/// All rows.
pub fn rows(open: &Open) -> Vec<Row<'_>> {
    let dealings = open.seen.dealings.iter();
    let asked = dealings.clone().flat_map(|all| &all.received);
    let asked = asked.filter(|one| one.state == "open").map(Row::Asked);
    let history = open.seen.history.iter();
    let pending = history.clone().flat_map(|all| &all.pending);
    let waits = |id: Hash| {
        let mut pending = pending.clone();
        pending.any(|entry| entry.transaction == id)
    };
    // What is kept for later stands once, as what waits.
    let is_shown = |one: &&Moving| !(one.is_kept() && one.id.is_some_and(waits));
    let moving = open.moving.iter().rev().filter(is_shown).map(Row::Moving);
    let is_moving = |id: Hash| {
        let mut moving = open.moving.iter().filter(is_shown);
        moving.any(|one| one.id == Some(id))
    };
    let announced = dealings.flat_map(|all| &all.incoming);
    let announced = announced
        .filter(|one| matches!(one.state, "announced" | "signed_not_final"))
        .map(Row::Announced);
    let waiting = pending
        .clone()
        .filter(|entry| !is_moving(entry.transaction));
    let past = history.flat_map(|all| &all.entries).map(Row::Past);
    asked
        .chain(moving)
        .chain(announced)
        .chain(waiting.map(Row::Waiting))
        .chain(past)
        .collect()
}

/// What pays a request.
pub fn order_for(asked: &Asked) -> Order {
    Order::Request(Which::Number(asked.request.to_string()))
}

/// Who the other one is.
pub fn who(entry: &HistoryEntry) -> String {
    match (&entry.counterparty_name, entry.counterparty) {
        (Some(name), _) => format!("@{name}"),
        (None, Some(address)) => address.short(),
        (None, None) => format!("@{}", entry.memo),
    }
}

/// What another wallet has said, in a line; `None` where the books show it anyway.
pub fn word(dealing: &Dealing) -> Option<String> {
    let who = match (&dealing.counterparty_name, dealing.counterparty) {
        (Some(name), _) => format!("@{name}"),
        (None, Some(address)) => address.short(),
        (None, None) => "somebody".to_owned(),
    };
    let amount = dealing.amount.map(|amount| format!("{amount} NAT"));
    let amount = amount.unwrap_or_default();
    Some(match dealing.status {
        "request" | "request_reopened" => format!("{who} asks for {amount}"),
        "announced" | "signed_not_final" => format!("{who} says: {amount} is on its way"),
        "request_paid" => format!("{who} has paid your request: {amount}"),
        "receipt" => format!("{who} has heard of your payment"),
        "receipt_final" => format!("{who} sees your payment final"),
        "thanks" => format!("{who} thanks: {}", dealing.memo),
        "contested" | "replaced" => format!("{who} has spent elsewhere what was announced"),
        "short" => format!("{who} has not the money that was announced"),
        "expired" => format!("what {who} announced did not come in time"),
        _ => return None,
    })
}

impl Open {
    /// How a payment of this run stands.
    pub(super) fn way(&mut self, key: u64, id: Option<Hash>, text: String) {
        if let Some(one) = self.moving.iter_mut().find(|one| one.key == key) {
            one.text = text;
            one.id = id.or(one.id);
        }
    }

    /// What became of a payment of this run.
    pub(super) fn paid(
        &mut self,
        key: u64,
        end: Result<Box<PaymentFinal>, Failure>,
        now_ms: u64,
    ) -> Vec<Effect> {
        let Some(one) = self.moving.iter_mut().find(|one| one.key == key) else {
            return self.ask_ledger();
        };
        match end {
            Ok(done) => {
                one.id = Some(done.transaction);
                one.text = format!("final after {} ms", done.latency_ms);
                let text = format!("final after {} ms: {}", done.latency_ms, done.what);
                one.end = Some(Ok(*done));
                self.say(Notice::Good(text), now_ms);
            }
            Err(failure) => {
                one.id = failure.transaction.as_deref().copied().or(one.id);
                one.text.clone_from(&failure.message);
                one.end = Some(Err(failure.clone()));
                self.say(failure, now_ms);
            }
        }
        self.ask_ledger()
    }
}
