//! The last check before paying, and the particulars of what is past.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Paragraph, Wrap};

use super::first_run::typed;
use super::paint::Paint;
use crate::chain::amount::Amount;
use crate::chain::transaction::Operation;
use crate::cli::report::quoted;
use crate::cli::report::wallet::{EntryKind, HistoryEntry, MemoKind};
use crate::cli::tui::core::activity;
use crate::cli::tui::core::send::Review;
use crate::wallet::memo::Reading;

fn row(label: &str, value: String, paint: Paint) -> Line<'static> {
    Line::from(vec![
        Span::styled(format!("  {label:<8}"), paint.faint()),
        Span::raw(value),
    ])
}

pub fn last_check(frame: &mut Frame<'_>, area: Rect, review: &Review, paint: Paint) {
    let plan = &review.plan;
    let money =
        |amount: Option<Amount>| amount.map_or("?".to_owned(), |amount| format!("{amount} NAT"));
    let mut lines = vec![
        Line::raw(""),
        Line::styled("  Last check", paint.strong()),
        Line::raw(""),
    ];
    match &plan.operation {
        Operation::Transfer { to, amount, .. } => {
            lines.push(Line::from(vec![
                Span::styled(format!("  {:<8}", "pay"), paint.faint()),
                Span::styled(format!("{amount} NAT"), paint.accent()),
            ]));
            if let Some(name) = &plan.to_name {
                lines.push(Line::from(vec![
                    Span::styled(format!("  {:<8}", "to"), paint.faint()),
                    Span::styled(format!("@{name}"), paint.accent()),
                    Span::styled("  proven", paint.faint()),
                ]));
                lines.push(row("", to.to_string(), paint));
            } else {
                lines.push(row("to", to.to_string(), paint));
            }
        }
        Operation::ClaimName { name } => {
            lines.push(Line::from(vec![
                Span::styled(format!("  {:<8}", "take"), paint.faint()),
                Span::styled(format!("@{name}"), paint.accent()),
                Span::raw("  for good: people pay you by it from then on"),
            ]));
        }
        // Vouchers are not sent from here.
        _ => {}
    }
    lines.push(row("fee", money(Some(plan.fee)), paint));
    lines.push(row("total", money(review.total()), paint));
    let memo = plan.note.reading();
    let readers = match &memo {
        Reading::Empty => None,
        Reading::Private(_) | Reading::Sealed => Some("only the payee can read it"),
        Reading::Public(_) => Some("everybody reads it, for ever"),
    };
    if let Some(readers) = readers {
        lines.push(row(
            "memo",
            format!("{} ({readers})", quoted(&memo.to_text())),
            paint,
        ));
    }
    let you = format!("{} NAT; {} after it", plan.balance, money(review.left()));
    lines.push(row("balance", you, paint));
    lines.push(Line::raw(""));
    for text in &review.slight {
        lines.push(Line::styled(format!("  {text}"), paint.wait()));
    }
    for text in &review.grave {
        lines.push(Line::styled(format!("  ! {text}"), paint.bad()));
    }
    if !review.grave.is_empty() {
        lines.push(Line::raw(""));
        lines.push(typed(
            "  Type yes to pay all the same:",
            &review.word,
            false,
            paint,
        ));
    }
    frame.render_widget(Paragraph::new(lines).wrap(Wrap { trim: false }), area);
}

pub fn particulars(frame: &mut Frame<'_>, area: Rect, entry: &HistoryEntry, paint: Paint) {
    let height = area.height.min(14);
    let over = Rect {
        x: area.x + 2,
        y: area.y + (area.height - height) / 2,
        width: area.width.saturating_sub(4),
        height,
    };
    frame.render_widget(Clear, over);
    let title = match entry.kind {
        EntryKind::Sent => " Paid ",
        EntryKind::Received => " Received ",
        EntryKind::Named => " Name taken ",
        EntryKind::VoucherOpened => " Voucher opened ",
        EntryKind::VoucherClaimed => " Voucher claimed ",
        EntryKind::VoucherTaken => " Somebody claimed your voucher ",
        EntryKind::VoucherReclaimed => " Voucher taken back ",
    };
    let block = match paint.0.unicode {
        true => Block::bordered(),
        false => Block::bordered().border_set(ASCII),
    };
    let block = block
        .title(title)
        .border_style(paint.faint())
        .title_style(paint.strong());
    let inner = block.inner(over);
    frame.render_widget(block, over);
    let place = match entry.height {
        0 => "on its way: signed and kept".to_owned(),
        height => format!("final in block {height}, proven"),
    };
    let memo = match entry.memo_kind {
        MemoKind::None => String::new(),
        MemoKind::Public => format!("{} (for all to see)", quoted(&entry.memo)),
        MemoKind::Private => format!("{} (private)", quoted(&entry.memo)),
        MemoKind::Sealed => format!("({})", entry.memo),
    };
    let mut lines = vec![
        row("what", format!("{} NAT", entry.amount), paint),
        row("who", activity::who(entry), paint),
    ];
    lines.extend(
        entry
            .counterparty
            .map(|address| row("", address.to_string(), paint)),
    );
    lines.push(row("fee", format!("{} NAT", entry.fee), paint));
    lines.push(row("state", place, paint));
    lines.extend(entry.time.clone().map(|time| row("time", time, paint)));
    if entry.kind != EntryKind::Named && !memo.is_empty() {
        lines.push(row("memo", memo, paint));
    }
    lines.push(row("id", entry.transaction.to_string(), paint));
    frame.render_widget(Paragraph::new(lines).wrap(Wrap { trim: false }), inner);
}

/// A frame for terminals that have no other lines.
const ASCII: ratatui::symbols::border::Set<'static> = ratatui::symbols::border::Set {
    top_left: "+",
    top_right: "+",
    bottom_left: "+",
    bottom_right: "+",
    vertical_left: "|",
    vertical_right: "|",
    horizontal_top: "-",
    horizontal_bottom: "-",
};
