//! The history as a table for spreadsheets (RFC 4180).
//!
//! A spreadsheet runs a cell that begins like a formula, and memos are written by strangers: such a cell gets an
//! apostrophe before it, which spreadsheets hide. Amounts stand in columns of their own, so that none begins with a sign.

use crate::cli::report::wallet::{EntryKind, HistoryEntry, MemoKind};

const HEAD: &str = "time,block,kind,name,address,received,sent,fee,memo,memo_kind,transaction";

/// The table, the oldest first.
pub fn table(entries: &[HistoryEntry]) -> String {
    let mut text = format!("{HEAD}\r\n");
    for entry in entries.iter().rev() {
        text.push_str(&row(entry));
        text.push_str("\r\n");
    }
    text
}

fn row(entry: &HistoryEntry) -> String {
    let amount = entry.amount.to_string();
    let (kind, received, sent) = match entry.kind {
        EntryKind::Received => ("received", amount, String::new()),
        EntryKind::Sent => ("sent", String::new(), amount),
        EntryKind::Named => ("named", String::new(), String::new()),
        EntryKind::VoucherOpened => ("voucher opened", String::new(), amount),
        EntryKind::VoucherClaimed => ("voucher claimed", amount, String::new()),
        // The money had left the account when the voucher was opened.
        EntryKind::VoucherTaken => ("voucher taken", String::new(), String::new()),
        EntryKind::VoucherReclaimed => ("voucher taken back", amount, String::new()),
    };
    let memo_kind = match entry.memo_kind {
        MemoKind::None => "",
        MemoKind::Public => "public",
        MemoKind::Private => "private",
        MemoKind::Sealed => "sealed",
    };
    let name = entry.counterparty_name.as_ref();
    let cells = [
        entry.time.clone().unwrap_or_default(),
        entry.height.to_string(),
        kind.to_owned(),
        name.map(ToString::to_string).unwrap_or_default(),
        entry
            .counterparty
            .map(|one| one.to_string())
            .unwrap_or_default(),
        received,
        sent,
        entry.fee.to_string(),
        entry.memo.clone(),
        memo_kind.to_owned(),
        entry.transaction.to_string(),
    ];
    cells.map(|cell| quoted(&cell)).join(",")
}

/// A cell: harmless, and quoted if it must be.
fn quoted(cell: &str) -> String {
    let starts = |c: char| {
        matches!(
            c,
            '=' | '+' | '-' | '@' | '|' | '%' | '\t' | '\r' | '\n' | '＝' | '＋' | '－' | '＠'
        )
    };
    let first = cell.trim_start_matches([' ', '\u{a0}', '\u{feff}']);
    let is_formula = first.starts_with(starts) || cell.starts_with(starts);
    let cell = match is_formula {
        true => format!("'{cell}"),
        false => cell.to_owned(),
    };
    match cell.contains([',', '"', '\r', '\n', ';', '\'']) {
        true => format!("\"{}\"", cell.replace('"', "\"\"")),
        false => cell,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::amount::Amount;
    use crate::chain::hash::Hash;
    use crate::chain::key::Address;

    fn entry(kind: EntryKind, memo: &str) -> HistoryEntry {
        HistoryEntry {
            kind,
            transaction: Hash([2; 32]),
            height: 9,
            time: Some("2026-01-01T00:00:00.123Z".to_owned()),
            counterparty: Some(Address([0; 32])),
            counterparty_name: "alice".parse().ok(),
            amount: Amount::from_nits(500_000_000),
            fee: Amount::ZERO,
            memo: memo.to_owned(),
            memo_kind: MemoKind::Private,
        }
    }

    #[test]
    fn the_oldest_stands_first_and_no_amount_begins_with_a_sign() {
        let text = table(&[
            entry(EntryKind::Sent, "honey"),
            entry(EntryKind::Received, "hi, \"you\""),
        ]);
        let lines: Vec<&str> = text.split("\r\n").collect();
        assert_eq!(lines.len(), 4);
        assert_eq!(lines[0], HEAD);
        let (address, id) = (Address([0; 32]), Hash([2; 32]));
        assert_eq!(
            lines[1],
            format!(
                "2026-01-01T00:00:00.123Z,9,received,alice,{address},5.00000000,,0.00000000,\"hi, \"\"you\"\"\",private,{id}"
            )
        );
        assert!(
            lines[2].contains(",sent,alice,")
                && lines[2].contains(",,5.00000000,0.00000000,honey,")
        );
    }

    #[test]
    fn no_memo_is_a_formula() {
        for memo in [
            "=HYPERLINK(\"http://x\")",
            "+1",
            "-1",
            "@SUM(A1)",
            "\t=1",
            " =1",
            "\u{feff}=1",
            "|calc",
            "＝1",
            "%0A",
        ] {
            let line = row(&entry(EntryKind::Received, memo));
            assert!(
                line.contains(&format!("\"'{}", memo.replace('"', "\"\""))),
                "{line}"
            );
        }
        assert!(row(&entry(EntryKind::Received, "tea - two")).contains(",tea - two,"));
    }
}
