//! Dealings with other wallets: requests, and what was said of payments. Words, but for what is called final.

use serde::Serialize;

use crate::chain::amount::Amount;
use crate::chain::hash::Hash;
use crate::chain::key::Address;
use crate::chain::name::Name;
use crate::cli::report::{Report, Style, quoted, table};

/// Digits of an identity that people are shown; they may type as many.
const SHOWN_DIGITS: usize = 12;

/// Whether the other wallet has heard it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Told {
    /// It has, and has taken it.
    Told,
    /// It does not take it, by a rule of its own.
    Refused,
    /// It was there, but could not be reached; it is tried again.
    NotReached,
    /// It is not there; it is told when both are.
    NotThere,
}

impl Told {
    fn sentence(self, who: &str) -> String {
        match self {
            Self::Told => format!("{who} has been told"),
            Self::Refused => format!("the wallet of {who} does not take it"),
            Self::NotReached | Self::NotThere => {
                format!("{who} is not there now; `natcoin wallet watch` tells them later")
            }
        }
    }
}

/// `wallet request`.
#[derive(Debug, Serialize)]
pub struct Requested {
    /// `ok`.
    pub status: &'static str,
    /// The request.
    pub request: Hash,
    /// How much.
    pub amount: Amount,
    /// Who is asked; none is anybody.
    pub from: Option<Address>,
    /// Until when it may be paid: `2026-01-01T00:00:00Z`.
    pub until: String,
    /// Whether they have heard it; none if anybody is asked.
    pub told: Option<Told>,
    /// The line to be shown.
    pub line: String,
    /// Who is asked, for people.
    #[serde(skip)]
    pub who: Option<String>,
}

impl Report for Requested {
    fn text(&self, style: Style) -> String {
        let who = self.who.as_deref().unwrap_or("anybody");
        let mut lines = vec![format!(
            "{} {} NAT of {who}, until {}: {}",
            style.good("asked"),
            self.amount,
            self.until,
            short(&self.request)
        )];
        lines.extend(self.told.map(|told| told.sentence(who)));
        lines.push(format!(
            "to be paid with `natcoin wallet pay LINE`:\n{}",
            self.line
        ));
        lines.join("\n")
    }
}

/// A request, in `wallet dealings`.
#[derive(Debug, Serialize)]
pub struct Asked {
    /// The request.
    pub request: Hash,
    /// `open`, `over`, `withdrawn`, `declined`, `being_paid` or `paid`.
    pub state: &'static str,
    /// The other account; none is anybody.
    pub counterparty: Option<Address>,
    /// How much.
    pub amount: Amount,
    /// What for, cleaned for showing.
    pub memo: String,
    /// Until when it may be paid.
    pub until: String,
    /// The payment that pays it.
    pub payment: Option<Hash>,
    /// The line of one's own open request, to be shown again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<String>,
}

/// A payment that was spoken of, in `wallet dealings`.
#[derive(Debug, Serialize)]
pub struct Spoken {
    /// The payment.
    pub payment: Hash,
    /// `announced`, `signed_not_final`, `final`, `replaced`, `expired`, `failed` or `waiting`.
    pub state: &'static str,
    /// The other account.
    pub counterparty: Address,
    /// How much.
    pub amount: Amount,
    /// What the payment says, cleaned for showing.
    pub memo: String,
    /// The payee's word: `heard` or `final`.
    pub receipt: Option<&'static str>,
    /// The payee's thanks, cleaned for showing.
    pub thanks: Option<String>,
    /// The payment that took its place.
    pub replaced_by: Option<Hash>,
    /// The line of one's own payment that was handed over and has no end yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<String>,
}

/// `wallet dealings`.
#[derive(Debug, Serialize)]
pub struct Dealings {
    /// `ok`.
    pub status: &'static str,
    /// Requests to the owner.
    pub received: Vec<Asked>,
    /// Requests by the owner.
    pub asked: Vec<Asked>,
    /// Payments to the owner.
    pub incoming: Vec<Spoken>,
    /// Payments by the owner.
    pub outgoing: Vec<Spoken>,
    /// How many things wait to be told.
    pub untold: usize,
}

impl Report for Dealings {
    fn text(&self, style: Style) -> String {
        let asked = |one: &Asked| {
            vec![
                short(&one.request),
                one.state.replace('_', " "),
                format!("{:>16}", one.amount.to_string()),
                one.counterparty
                    .map_or("anybody".to_owned(), |who| who.short()),
                said(&one.memo),
            ]
        };
        let spoken = |one: &Spoken| {
            let word = match (&one.thanks, one.receipt) {
                (Some(thanks), _) if thanks.is_empty() => "thanked".to_owned(),
                (Some(thanks), _) => format!("thanked: {}", quoted(thanks)),
                (None, Some("final")) => "they have it".to_owned(),
                (None, Some(_)) => "they know".to_owned(),
                (None, None) => String::new(),
            };
            vec![
                short(&one.payment),
                one.state.replace('_', " "),
                format!("{:>16}", one.amount.to_string()),
                one.counterparty.short(),
                [said(&one.memo), word].join("  ").trim().to_owned(),
            ]
        };
        let parts = [
            ("asked of you", self.received.iter().map(asked).collect()),
            ("asked by you", self.asked.iter().map(asked).collect()),
            ("paid to you", self.incoming.iter().map(spoken).collect()),
            (
                "paid by you",
                self.outgoing.iter().map(spoken).collect::<Vec<_>>(),
            ),
        ];
        let parts = parts.iter().filter(|(_, rows)| !rows.is_empty());
        let mut lines: Vec<String> = parts
            .map(|(title, rows)| format!("{}\n{}", style.strong(title), table(rows)))
            .collect();
        if lines.is_empty() {
            lines.push("nothing was asked or told yet".to_owned());
        }
        let handed_over = self.outgoing.iter().filter_map(|one| {
            let line = one.line.as_ref()?;
            Some(format!(
                "to be handed over, {}:\n{line}",
                short(&one.payment)
            ))
        });
        lines.extend(handed_over);
        if self.asked.iter().any(|one| one.line.is_some()) {
            lines.push(style.faint("the lines of open requests: --output json"));
        }
        if self.untold > 0 {
            let untold = format!("{} to be told, by `natcoin wallet watch`", self.untold);
            lines.push(style.faint(&untold));
        }
        lines.join("\n")
    }
}

/// In quotes, if there is anything.
fn said(text: &str) -> String {
    match text.is_empty() {
        true => String::new(),
        false => quoted(text),
    }
}

/// `wallet decline` and `wallet withdraw`.
#[derive(Debug, Serialize)]
pub struct Settled {
    /// `declined` or `withdrawn`.
    pub status: &'static str,
    /// The request.
    pub request: Hash,
}

impl Report for Settled {
    fn text(&self, style: Style) -> String {
        let known = match self.status {
            "withdrawn" => "; whoever has its line can still pay it, and is not told",
            _ => "; the asker is not told",
        };
        format!(
            "{} {}{known}",
            style.good(self.status),
            short(&self.request)
        )
    }
}

/// `wallet take`.
#[derive(Debug, Serialize)]
pub struct Taken {
    /// `request`, or how the payment stands: as in [`Spoken::state`].
    pub status: &'static str,
    /// The request or payment.
    pub id: Hash,
    /// From whom.
    pub from: Address,
    /// How much.
    pub amount: Amount,
}

impl Report for Taken {
    fn text(&self, style: Style) -> String {
        let what = match self.status {
            "request" => format!(
                "{} asks for {} NAT; pay with `natcoin wallet pay {}`",
                self.from.short(),
                self.amount,
                short(&self.id)
            ),
            "final" => format!(
                "{} NAT from {}: it is yours",
                self.amount,
                self.from.short()
            ),
            "replaced" => format!(
                "{} has spent it otherwise: see `natcoin wallet dealings`",
                self.from.short()
            ),
            _ => format!(
                "{} NAT from {}: signed, and kept; it is handed in when a node is met, and yours when it is final",
                self.amount,
                self.from.short()
            ),
        };
        let status = self.status.replace('_', " ");
        format!("{}: {what}", style.strong(&status))
    }
}

/// `wallet thank`.
#[derive(Debug, Serialize)]
pub struct Thanked {
    /// `ok`.
    pub status: &'static str,
    /// The payment.
    pub payment: Hash,
    /// Who paid.
    pub to: Address,
    /// Whether they have heard it.
    pub told: Told,
}

impl Report for Thanked {
    fn text(&self, style: Style) -> String {
        let who = self.to.short();
        format!("{}: {}", style.good("thanked"), self.told.sentence(&who))
    }
}

/// A line of `wallet watch` about dealings.
#[derive(Debug, Serialize)]
pub struct Dealing {
    /// `announced`, `signed_not_final`, `contested`, `short`, `replaced`, `expired`, `request`, `request_paid`,
    /// `request_reopened`, `receipt`, `receipt_final`, `thanks`, or `past`: told late, and final already.
    pub status: &'static str,
    /// The payment, if it is about one.
    pub transaction: Option<Hash>,
    /// The request, if it is about one.
    pub request: Option<Hash>,
    /// The other account.
    pub counterparty: Option<Address>,
    /// Its name; proven. None if it has none, or no node can be asked.
    pub counterparty_name: Option<Name>,
    /// How much.
    pub amount: Option<Amount>,
    /// What it says, cleaned for showing.
    pub memo: String,
}

impl Report for Dealing {
    fn text(&self, style: Style) -> String {
        let who = match (&self.counterparty_name, self.counterparty) {
            (Some(name), _) => format!("@{name}"),
            (None, Some(address)) => address.short(),
            (None, None) => "somebody".to_owned(),
        };
        let amount = self
            .amount
            .map_or(String::new(), |amount| format!("{amount} NAT"));
        let request = self.request.as_ref().map_or(String::new(), short);
        let what = match self.status {
            "announced" => format!("+{amount} from {who}, not final yet"),
            "signed_not_final" => format!("+{amount} from {who}, handed over; no node has it yet"),
            "contested" => format!("{who} has told of two payments of which one can be: {amount}"),
            "short" => format!("{who} does not have the {amount} that they announced"),
            "replaced" => format!("{who} has spent the {amount} otherwise; the proof is kept"),
            "expired" => format!("{amount} from {who} was never handed in: nothing came"),
            "request" => format!("{who} asks for {amount}: `natcoin wallet pay {request}`"),
            "request_paid" => format!("request {request} is paid: {amount} from {who}"),
            "request_reopened" => format!("request {request} is open again: it was not paid"),
            "receipt" => format!("{who} has heard of your {amount}"),
            "receipt_final" => format!("{who} holds the proof of your {amount}"),
            "past" => format!("+{amount} from {who}, final already"),
            "thanks" => format!("{who} thanks you for {amount}"),
            other => other.to_owned(),
        };
        let status = style.strong(&format!("{:<9}", self.status.replace('_', " ")));
        let memo = said(&self.memo);
        format!("{status}  {what}  {memo}").trim_end().to_owned()
    }
}

/// The beginning of an identity, for people.
fn short(id: &Hash) -> String {
    id.to_string()[..SHOWN_DIGITS].to_owned()
}
