//! `wallet history` and `wallet watch`: what happened to the account.

use serde::Serialize;

use crate::chain::amount::Amount;
use crate::chain::hash::Hash;
use crate::chain::key::Address;
use crate::chain::name::Name;
use crate::cli::report::{Report, Style, quoted, table};
use crate::wallet::memo::Reading;

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    /// The account paid.
    Sent,
    /// The account was paid.
    Received,
    /// The account took a name.
    Named,
    /// The account put money into a voucher.
    VoucherOpened,
    /// The account claimed a voucher of somebody's.
    VoucherClaimed,
    /// Somebody claimed a voucher of the account's; the money had left it before.
    VoucherTaken,
    /// The account took the rest of a voucher back.
    VoucherReclaimed,
}

/// One transaction of the account.
#[derive(Debug, Clone, Serialize)]
pub struct HistoryEntry {
    /// What it is.
    pub kind: EntryKind,
    /// The transaction.
    pub transaction: Hash,
    /// Its height.
    pub height: u64,
    /// Its block's time, if the wallet has the block's header: `2026-01-01T00:00:00Z`.
    pub time: Option<String>,
    /// The other account; none for a name.
    pub counterparty: Option<Address>,
    /// The other account's name now; proven. None if it has none, or it was not looked up.
    pub counterparty_name: Option<Name>,
    /// What was moved; zero for a name. What comes out of a voucher, before the fee.
    pub amount: Amount,
    /// What it cost the account; zero for what was received.
    pub fee: Amount,
    /// The note, cleaned for showing; the name for a name.
    pub memo: String,
    /// Who can read the note.
    pub memo_kind: MemoKind,
}

/// Who can read a note.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MemoKind {
    /// There is none.
    None,
    /// Everybody.
    Public,
    /// Payer and payee: it was opened.
    Private,
    /// Payer and payee, but it could not be opened here.
    Sealed,
}

impl From<&Reading> for MemoKind {
    fn from(reading: &Reading) -> Self {
        match reading {
            Reading::Empty => Self::None,
            Reading::Public(_) => Self::Public,
            Reading::Private(_) => Self::Private,
            Reading::Sealed => Self::Sealed,
        }
    }
}

/// `wallet history`: what is final, newest first, and what is still on its way.
#[derive(Debug, Serialize)]
pub struct History {
    /// `ok`.
    pub status: &'static str,
    /// The account.
    pub address: Address,
    /// At which height.
    pub height: u64,
    /// Whether the activity chain proves that nothing is missing.
    pub complete: bool,
    /// How many transactions the account has had in all.
    pub activities: u64,
    /// What is final.
    pub entries: Vec<HistoryEntry>,
    /// Payments that are neither final nor rejected nor expired yet.
    pub pending: Vec<HistoryEntry>,
}

impl Report for History {
    fn text(&self, style: Style) -> String {
        let proof = match self.complete {
            true => format!(
                "complete: {}, proven at height {}",
                count(self.activities),
                self.height
            ),
            false => format!(
                "the newest {} of {}, proven at height {}",
                self.entries.len(),
                count(self.activities),
                self.height
            ),
        };
        let waiting = self.pending.iter().map(|entry| row(entry, "waiting"));
        let rows = self
            .entries
            .iter()
            .map(|entry| row(entry, &format!("block {}", entry.height)));
        let rows: Vec<Vec<String>> = waiting.chain(rows).collect();
        match rows.is_empty() {
            true => format!("nothing happened yet; {proof}"),
            false => format!("{}\n{}", table(&rows), style.faint(&proof)),
        }
    }
}

/// `wallet watch`: a line for each thing that becomes final.
#[derive(Debug, Serialize)]
pub struct WatchEvent {
    /// `final`.
    pub status: &'static str,
    /// What happened.
    #[serde(flatten)]
    pub entry: HistoryEntry,
    /// What the account has now; proven.
    pub balance: Amount,
}

impl Report for WatchEvent {
    fn text(&self, style: Style) -> String {
        let entry = row(&self.entry, &format!("block {}", self.entry.height));
        let balance = style.strong(&format!("{} NAT", self.balance));
        format!("{}  balance {balance}", table(&[entry]))
    }
}

fn count(transactions: u64) -> String {
    match transactions {
        1 => "1 transaction".to_owned(),
        many => format!("{many} transactions"),
    }
}

/// `2026-01-01 00:00:00Z`: people need no milliseconds.
fn to_the_second(time: &str) -> String {
    let end = time.find(['.', 'Z']).unwrap_or(time.len());
    format!("{}Z", time[..end].replace('T', " "))
}

fn row(entry: &HistoryEntry, place: &str) -> Vec<String> {
    let counterparty = match (&entry.counterparty_name, entry.counterparty) {
        (Some(name), _) => format!("@{name}"),
        (None, Some(address)) => address.to_string(),
        (None, None) => String::new(),
    };
    let (kind, amount) = match entry.kind {
        EntryKind::Sent => ("sent", format!("-{}", entry.amount)),
        EntryKind::Received => ("received", format!("+{}", entry.amount)),
        EntryKind::Named => ("named", String::new()),
        EntryKind::VoucherOpened => ("voucher given", format!("-{}", entry.amount)),
        EntryKind::VoucherClaimed => ("voucher claimed", format!("+{}", entry.amount)),
        EntryKind::VoucherTaken => ("voucher taken", entry.amount.to_string()),
        EntryKind::VoucherReclaimed => ("voucher back", format!("+{}", entry.amount)),
    };
    let memo = match (entry.kind, entry.memo.is_empty()) {
        (EntryKind::Named, _) => format!("@{}", entry.memo),
        (_, true) => String::new(),
        // Without quotes: no memo's own text looks like it.
        (_, false) if entry.memo_kind == MemoKind::Sealed => format!("({})", entry.memo),
        (_, false) => quoted(&entry.memo),
    };
    let time = entry.time.as_deref().map_or(String::new(), to_the_second);
    vec![
        place.to_owned(),
        time,
        kind.to_owned(),
        format!("{amount:>16}"),
        counterparty,
        memo,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(kind: EntryKind) -> HistoryEntry {
        HistoryEntry {
            kind,
            transaction: Hash([2; 32]),
            height: 9,
            time: Some("2026-01-01T00:00:00.123Z".to_owned()),
            counterparty: Some(Address([0; 32])),
            counterparty_name: None,
            amount: Amount::from_nits(500_000_000),
            fee: Amount::ZERO,
            memo: "hi".to_owned(),
            memo_kind: MemoKind::Public,
        }
    }

    #[test]
    fn history_tells_whether_it_is_complete() {
        let mut history = History {
            status: "ok",
            address: Address([1; 32]),
            height: 12,
            complete: true,
            activities: 1,
            entries: vec![entry(EntryKind::Received)],
            pending: vec![],
        };
        let text = history.text(Style::Plain);
        assert!(
            text.contains("block 9  2026-01-01 00:00:00Z  received       +5.00000000  nat1"),
            "{text}"
        );
        history.entries[0].counterparty_name = "alice".parse().ok();
        let text = history.text(Style::Plain);
        assert!(text.contains("+5.00000000  @alice  \"hi\""), "{text}");
        assert!(
            text.ends_with("complete: 1 transaction, proven at height 12"),
            "{text}"
        );
        history.entries[0].memo_kind = MemoKind::Sealed;
        let text = history.text(Style::Plain);
        assert!(text.contains("@alice  (hi)"), "{text}");
        let json = serde_json::to_value(&history).unwrap();
        assert_eq!(json["entries"][0]["memo_kind"], "sealed");
        assert_eq!(json["entries"][0]["kind"], "received");
        assert_eq!(json["entries"][0]["amount"], "5.00000000");
        history.entries.clear();
        assert!(
            history
                .text(Style::Plain)
                .starts_with("nothing happened yet")
        );
    }

    #[test]
    fn a_watched_payment_is_one_line_of_text_and_of_json() {
        let event = WatchEvent {
            status: "final",
            entry: entry(EntryKind::Sent),
            balance: Amount::from_nits(99_500_000_000),
        };
        let text = event.text(Style::Plain);
        assert!(
            !text.contains('\n') && text.ends_with("\"hi\"  balance 995.00000000 NAT"),
            "{text}"
        );
        let json = serde_json::to_string(&event).unwrap();
        assert!(
            json.starts_with(r#"{"status":"final","kind":"sent","transaction":"0202"#),
            "{json}"
        );
    }
}
