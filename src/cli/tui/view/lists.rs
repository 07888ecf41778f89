//! The screens that are lists: what happens, contacts, the past, nodes, who is there, settings; and the keys of each.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Wrap};

use super::first_run::typed;
use super::forms;
use super::paint::{Paint, fit};
use crate::cli::report::wallet::{EntryKind, HistoryEntry, MemoKind};
use crate::cli::tui::core::activity::{self, Moving, Row};
use crate::cli::tui::core::history::Typing;
use crate::cli::tui::core::open::{Open, Tab};

/// The keys that do something on the screen that is shown.
pub fn keys(open: &Open) -> String {
    if open.popup.is_some() {
        return "Enter close".to_owned();
    }
    let own = match open.tab {
        Tab::Home => {
            let rows = activity::rows(open);
            let mut keys = match rows.get(open.panes.home) {
                Some(Row::Asked(_)) => "p pay   d decline   ",
                Some(Row::Waiting(_) | Row::Past(_)) => "Enter more   ",
                _ => "",
            }
            .to_owned();
            keys.push_str("s send   r receive   ");
            if open.wish().is_some() {
                keys.push_str("n take name   ");
            }
            keys
        }
        Tab::Send => return forms::send_keys(&open.panes.send).to_owned(),
        Tab::Receive => match forms::receive_keys(&open.panes.receive) {
            Ok(keys) => keys.to_owned(),
            Err(keys) => return keys.to_owned(),
        },
        Tab::Contacts => match (&open.panes.contacts.form, open.panes.contacts.removing) {
            (Some(_), _) => {
                return "Enter go on   Tab other line   Esc leave   F1-F8 screens".to_owned();
            }
            (None, true) => return "y remove   n keep".to_owned(),
            (None, false) if open.contacts.all().is_empty() => "a add   ".to_owned(),
            (None, false) => "Enter pay   a add   d remove   ".to_owned(),
        },
        Tab::History => match open.panes.history.typing {
            Typing::Search => return "Enter look through   Esc leave   F1-F8 screens".to_owned(),
            Typing::File => return "Enter write   Esc leave   F1-F8 screens".to_owned(),
            Typing::Nothing => "Enter more   / search   e export   m older   ".to_owned(),
        },
        Tab::Nodes => String::new(),
        Tab::Directory => "Enter pay   a contact   ".to_owned(),
        Tab::Settings if open.panes.name.is_some() => {
            return "Enter take it   Esc leave   F1-F8 screens".to_owned();
        }
        Tab::Settings if open.panes.settings < 3 => "Enter change   ".to_owned(),
        Tab::Settings if open.can_take_name() => "Enter take one   ".to_owned(),
        Tab::Settings => String::new(),
    };
    format!("{own}1-8 screens   l lock   q quit")
}

pub fn home(frame: &mut Frame<'_>, area: Rect, open: &Open, paint: Paint) {
    let [top, list] = Layout::vertical([Constraint::Length(5), Constraint::Fill(1)]).areas(area);
    let mut lines = vec![Line::raw("")];
    match &open.seen.balance {
        Some(balance) => {
            lines.push(Line::from(vec![
                Span::styled(format!("  {} NAT", balance.balance), paint.accent()),
                Span::styled(
                    format!("   proven at block {}", balance.height),
                    paint.faint(),
                ),
            ]));
        }
        None => {
            let text = match open.seen.failure {
                None => "  asking for the balance",
                Some(_) => "  What you have is not known yet; it is asked again by itself.",
            };
            lines.push(Line::styled(text, paint.faint()));
        }
    }
    lines.push(under_the_balance(open, paint));
    lines.push(Line::raw(""));
    lines.push(Line::styled("  Lately", paint.strong()));
    frame.render_widget(Paragraph::new(lines), top);
    let rows = activity::rows(open);
    if rows.is_empty() {
        let text = match open.seen.history {
            Some(_) => "  Nothing has happened yet. To be paid, show your address: r",
            None => "",
        };
        frame.render_widget(Line::styled(text, paint.faint()), list);
        return;
    }
    let drawn = |at: usize, row: &Row<'_>| row_line(row, at == open.panes.home, area.width, paint);
    scrolled(frame, list, &rows, open.panes.home, drawn);
}

/// What there is to know beside the balance: at most one thing, the gravest.
fn under_the_balance(open: &Open, paint: Paint) -> Line<'static> {
    if let Some(failure) = &open.seen.failure {
        let step = match &*failure.code {
            "no_node_reachable" => "6 shows each",
            _ => &failure.hint,
        };
        return Line::styled(format!("  {}; {step}", failure.message), paint.bad());
    }
    let pulse = open.seen.pulse.as_ref();
    if let Some(pulse) = pulse.filter(|one| one.online && one.paused) {
        let text = format!(
            "  The network is paused: {} of {} nodes are up, {} are needed. Nothing is lost.",
            pulse.up, pulse.of, pulse.needed
        );
        return Line::styled(text, paint.wait());
    }
    if let Some(seconds) = pulse.and_then(|one| one.quiet_for_s) {
        let text =
            format!("  There has been no new block for {seconds} s; what is shown may be old.");
        return Line::styled(text, paint.wait());
    }
    let is_open = |one: &&Moving| one.end.is_none();
    let waiting = open
        .seen
        .history
        .as_ref()
        .map_or(0, |all| all.pending.len());
    match open.moving.iter().filter(is_open).count().max(waiting) {
        0 => {}
        1 => return Line::styled("  1 payment is on its way", paint.wait()),
        many => return Line::styled(format!("  {many} payments are on their way"), paint.wait()),
    }
    if let Some(name) = open.wish() {
        return Line::from(vec![
            Span::raw("  You have no name yet: "),
            Span::styled("n", paint.accent()),
            Span::raw(format!(" takes @{name}")),
        ]);
    }
    Line::styled(format!("  {}", open.me.address), paint.faint())
}

/// Draws a list so that what is chosen can be seen.
fn scrolled<T>(
    frame: &mut Frame<'_>,
    area: Rect,
    rows: &[T],
    chosen: usize,
    line: impl Fn(usize, &T) -> Line<'static>,
) {
    let room = usize::from(area.height).max(1);
    let first = (chosen + 1).saturating_sub(room);
    let shown = rows.iter().enumerate().skip(first).take(room);
    let lines: Vec<Line<'static>> = shown.map(|(at, row)| line(at, row)).collect();
    frame.render_widget(Paragraph::new(lines), area);
}

fn pointer(is_chosen: bool, paint: Paint) -> Span<'static> {
    match is_chosen {
        true => Span::styled(format!(" {} ", paint.pointer()), paint.chosen()),
        false => Span::raw("   "),
    }
}

/// What stands in the columns of a row.
struct Columns {
    sign: &'static str,
    style: Style,
    time: String,
    amount: String,
    who: String,
    rest: String,
}

fn row_line(row: &Row<'_>, is_chosen: bool, width: u16, paint: Paint) -> Line<'static> {
    let columns = match row {
        Row::Asked(one) => Columns {
            sign: "?",
            style: paint.accent(),
            time: "asks you".to_owned(),
            amount: one.amount.to_string(),
            who: one.counterparty.map_or_else(String::new, |who| who.short()),
            rest: quoted_memo(&one.memo),
        },
        Row::Moving(one) => moving(one, paint),
        Row::Announced(one) => Columns {
            sign: paint.waits(),
            style: paint.wait(),
            time: "announced".to_owned(),
            amount: format!("+{}", one.amount),
            who: one.counterparty.short(),
            rest: format!("not final {}", quoted_memo(&one.memo)),
        },
        Row::Waiting(entry) => Columns {
            sign: paint.waits(),
            style: paint.wait(),
            time: "waiting".to_owned(),
            rest: format!("signed and kept {}", memo(entry)),
            ..past(entry, paint)
        },
        Row::Past(entry) => past(entry, paint),
    };
    columns.line(is_chosen, width, paint)
}

impl Columns {
    fn line(self, is_chosen: bool, width: u16, paint: Paint) -> Line<'static> {
        let rest = usize::from(width).saturating_sub(3 + 2 + 12 + 18 + 1 + 18);
        Line::from(vec![
            pointer(is_chosen, paint),
            Span::styled(fit(self.sign, 2), self.style),
            Span::styled(fit(&self.time, 12), paint.faint()),
            Span::styled(format!("{:>17} ", self.amount), self.style),
            Span::raw(" "),
            Span::raw(fit(&self.who, 18)),
            Span::styled(fit(&self.rest, rest), paint.faint()),
        ])
    }
}

fn moving(one: &Moving, paint: Paint) -> Columns {
    let (sign, style) = match &one.end {
        None => (paint.waits(), paint.wait()),
        Some(Ok(_)) => (paint.done(), paint.good()),
        Some(Err(_)) if one.is_kept() => (paint.waits(), paint.wait()),
        Some(Err(_)) => (paint.failed(), paint.bad()),
    };
    Columns {
        sign,
        style,
        time: "now".to_owned(),
        amount: one
            .amount
            .map_or("name".to_owned(), |amount| format!("-{amount}")),
        who: one.who.clone(),
        rest: format!("{} {}", one.text, quoted_memo(&one.memo)),
    }
}

fn past(entry: &HistoryEntry, paint: Paint) -> Columns {
    let amount = match entry.kind {
        EntryKind::Sent | EntryKind::VoucherOpened => format!("-{}", entry.amount),
        EntryKind::Received | EntryKind::VoucherClaimed | EntryKind::VoucherReclaimed => {
            format!("+{}", entry.amount)
        }
        EntryKind::Named => "name".to_owned(),
        // The money had left before.
        EntryKind::VoucherTaken => "voucher".to_owned(),
    };
    Columns {
        sign: paint.done(),
        style: match entry.kind {
            EntryKind::Received | EntryKind::VoucherClaimed | EntryKind::VoucherReclaimed => {
                paint.good()
            }
            _ => Style::new(),
        },
        time: short_time(entry),
        amount,
        who: activity::who(entry),
        rest: memo(entry),
    }
}

/// `01-31 14:05`, in UTC like everything the ledger says.
fn short_time(entry: &HistoryEntry) -> String {
    let time = entry.time.as_deref().unwrap_or_default();
    time.get(5..16).unwrap_or_default().replace('T', " ")
}

fn quoted_memo(memo: &str) -> String {
    match memo {
        "" => String::new(),
        memo => crate::cli::report::quoted(memo),
    }
}

fn memo(entry: &HistoryEntry) -> String {
    match (entry.kind, entry.memo_kind) {
        (EntryKind::Named, _) => String::new(),
        (_, MemoKind::Sealed) => format!("({})", entry.memo),
        _ => quoted_memo(&entry.memo),
    }
}

pub fn history(frame: &mut Frame<'_>, area: Rect, open: &Open, paint: Paint) {
    let [top, list] = Layout::vertical([Constraint::Length(3), Constraint::Fill(1)]).areas(area);
    let pane = &open.panes.history;
    let found = open.found();
    let first = match pane.typing {
        Typing::Search => typed("  Search", &pane.search, false, paint),
        Typing::File => typed("  Write to", &pane.file, false, paint),
        Typing::Nothing if !pane.search.is_empty() => Line::raw(format!(
            "  {} found for {:?}; Esc shows all",
            found.len(),
            pane.search.trimmed()
        )),
        Typing::Nothing => match &open.seen.history {
            None => Line::styled("  asking for the history", paint.faint()),
            Some(all) if all.complete => Line::styled(
                format!(
                    "  complete: {} in all, proven at block {}",
                    all.activities, all.height
                ),
                paint.faint(),
            ),
            Some(all) => Line::styled(
                format!(
                    "  the newest {} of {}, proven at block {}; m for older ones",
                    all.entries.len(),
                    all.activities,
                    all.height
                ),
                paint.faint(),
            ),
        },
    };
    frame.render_widget(Paragraph::new(vec![Line::raw(""), first]), top);
    let drawn = |at: usize, entry: &&HistoryEntry| {
        past(entry, paint).line(at == pane.chosen, area.width, paint)
    };
    scrolled(frame, list, &found, pane.chosen, drawn);
}

pub fn contacts(frame: &mut Frame<'_>, area: Rect, open: &Open, paint: Paint) {
    let [top, list] = Layout::vertical([Constraint::Length(5), Constraint::Fill(1)]).areas(area);
    let pane = &open.panes.contacts;
    let mut lines = vec![Line::raw("")];
    match (&pane.form, open.contacts.all().get(pane.chosen)) {
        (Some([who, label]), _) => {
            lines.push(Line::styled(
                "  Somebody new: their name or address, and what you call them",
                paint.strong(),
            ));
            lines.push(forms::line("  Who     ", who, pane.focus == 0, paint));
            lines.push(forms::line("  Called  ", label, pane.focus == 1, paint));
        }
        (None, Some(contact)) if pane.removing => {
            lines.push(Line::styled(
                format!("  Remove {:?} from your contacts?", contact.label),
                paint.bad(),
            ));
        }
        (None, Some(contact)) => {
            lines.push(Line::styled("  Your contacts", paint.strong()));
            lines.push(Line::styled(
                format!("  {}", contact.address),
                paint.faint(),
            ));
        }
        (None, None) => {
            lines.push(Line::styled("  Your contacts", paint.strong()));
            lines.push(Line::raw("  None yet. Who is noted here is completed when you send, and others that look alike"));
            lines.push(Line::raw("  are warned of."));
        }
    }
    frame.render_widget(Paragraph::new(lines), top);
    let drawn = |at: usize, contact: &crate::wallet::contacts::Contact| {
        let name = contact.name.as_ref().map(|name| format!("@{name}"));
        Line::from(vec![
            pointer(at == pane.chosen, paint),
            Span::raw(fit(&contact.label, 42)),
            Span::styled(
                name.unwrap_or_else(|| contact.address.short()),
                paint.faint(),
            ),
        ])
    };
    scrolled(frame, list, open.contacts.all(), pane.chosen, drawn);
}

pub fn nodes(frame: &mut Frame<'_>, area: Rect, open: &Open, paint: Paint) {
    let [top, list, ways] = Layout::vertical([
        Constraint::Length(3),
        Constraint::Fill(1),
        Constraint::Length(5),
    ])
    .areas(area);
    let Some(seen) = &open.seen.nodes else {
        let asking = Paragraph::new("\n  asking every node").style(paint.faint());
        frame.render_widget(asking, area);
        return;
    };
    let state = match seen.status {
        "ok" => Span::styled("payments become final", paint.good()),
        _ => Span::styled("paused; nothing is lost", paint.bad()),
    };
    let count = format!(
        "  {} of {} nodes are up, {} needed: ",
        seen.validators_up, seen.validators, seen.quorum
    );
    let head = vec![Line::raw(""), Line::from(vec![Span::raw(count), state])];
    frame.render_widget(Paragraph::new(head), top);
    let drawn = |at: usize, node: &crate::cli::report::wallet::NodeSeen| {
        let (sign, style) = match node.reachable {
            true => (paint.done(), paint.good()),
            false => (paint.failed(), paint.bad()),
        };
        let answer = match (node.reachable, node.round_trip_ms) {
            (true, Some(ms)) => format!("{ms:.1} ms"),
            (true, None) => "up".to_owned(),
            (false, _) => "not reachable".to_owned(),
        };
        let height = node
            .height
            .map_or_else(String::new, |height| format!("block {height}"));
        let rest = node.used_as.or(node.problem.as_deref()).unwrap_or_default();
        Line::from(vec![
            pointer(at == open.panes.nodes, paint),
            Span::styled(fit(sign, 2), style),
            Span::raw(fit(&node.name, 18)),
            Span::raw(format!("{:>14}  ", answer)),
            Span::raw(fit(&height, 14)),
            Span::styled(rest.to_owned(), paint.faint()),
        ])
    };
    scrolled(frame, list, &seen.nodes, open.panes.nodes, drawn);
    frame.render_widget(Paragraph::new(routes(open, paint)), ways);
}

/// By which ways others find this wallet.
fn routes(open: &Open, paint: Paint) -> Vec<Line<'static>> {
    let mut lines = vec![Line::styled(
        "  How others find this wallet",
        paint.strong(),
    )];
    match &open.seen.reach {
        _ if !open.settings.be_found => {
            lines.push(Line::raw("  They do not: it is set so (8)."));
        }
        None => lines.push(Line::styled("  asking", paint.faint())),
        Some(reach) if reach.public.is_empty() && reach.relayed.is_empty() => {
            lines.push(Line::raw(
                "  No node relays for it yet; payments reach it all the same.",
            ));
        }
        Some(reach) => {
            let direct = reach.public.iter().map(|one| format!("  directly   {one}"));
            let relayed = reach
                .relayed
                .iter()
                .map(|one| format!("  by relay   {one}"));
            lines.extend(
                direct
                    .chain(relayed)
                    .take(4)
                    .map(|text| Line::styled(text, paint.faint())),
            );
        }
    }
    lines
}

pub fn directory(frame: &mut Frame<'_>, area: Rect, open: &Open, paint: Paint) {
    let [top, list] = Layout::vertical([Constraint::Length(4), Constraint::Fill(1)]).areas(area);
    let found = open
        .seen
        .directory
        .as_ref()
        .map_or(&[][..], |one| &one.found);
    let text = match (&open.seen.directory, found.len()) {
        (None, _) => "  asking who is there".to_owned(),
        (Some(_), 0) => {
            "  Nobody is in the directory. A payment reaches people all the same.".to_owned()
        }
        (Some(_), 1) => "  1 is there, by their own word; names are proven".to_owned(),
        (Some(_), many) => format!("  {many} are there, by their own word; names are proven"),
    };
    let address = found
        .get(open.panes.directory)
        .map(|one| format!("  {}", one.account));
    let lines = vec![
        Line::raw(""),
        Line::styled(text, paint.strong()),
        Line::styled(address.unwrap_or_default(), paint.faint()),
    ];
    frame.render_widget(Paragraph::new(lines), top);
    let drawn = |at: usize, one: &crate::cli::report::directory::Found| {
        Line::from(vec![
            pointer(at == open.panes.directory, paint),
            Span::raw(fit(&one.who(), 30)),
            Span::raw(fit(&one.role, 12)),
            Span::raw(fit(one.way(), 14)),
            Span::styled(format!("{} s ago", one.said_ago_s), paint.faint()),
        ])
    };
    scrolled(frame, list, found, open.panes.directory, drawn);
}

pub fn settings(frame: &mut Frame<'_>, area: Rect, open: &Open, paint: Paint) {
    let yes_no = |is_so: bool| if is_so { "yes" } else { "no" };
    let settings = &open.settings;
    let rows = [
        ("Lock when nobody presses a key", settings.idle_text()),
        (
            "Let others find this wallet (from the next opening on)",
            yes_no(settings.be_found).to_owned(),
        ),
        (
            "Memos are for all to see",
            yes_no(settings.public_memos).to_owned(),
        ),
        ("The name people pay you by", name_text(open)),
    ];
    let mut lines = vec![Line::raw("")];
    for (at, (label, value)) in rows.into_iter().enumerate() {
        lines.push(Line::from(vec![
            pointer(at == open.panes.settings, paint),
            Span::raw(fit(label, 56)),
            Span::styled(value, paint.accent()),
        ]));
    }
    if let Some(field) = &open.panes.name {
        lines.push(typed("   It is for good. Name  @", field, false, paint));
    }
    lines.push(Line::raw(""));
    let me = &open.me;
    for (label, value) in [
        ("wallet", me.profile.clone()),
        ("address", me.address.to_string()),
        ("kept in", me.data_dir.clone()),
        ("network", me.network.clone()),
        ("read of", me.source.clone()),
        ("genesis", me.genesis.clone()),
        ("program", format!("natcoin {}", env!("CARGO_PKG_VERSION"))),
    ] {
        lines.push(Line::from(vec![
            Span::styled(format!("   {label}  "), paint.faint()),
            Span::raw(value),
        ]));
    }
    lines.push(Line::raw(""));
    lines.push(Line::styled(
        format!("   {}.", me.resilience),
        paint.faint(),
    ));
    frame.render_widget(Paragraph::new(lines).wrap(Wrap { trim: false }), area);
}

fn name_text(open: &Open) -> String {
    let balance = open.seen.balance.as_ref();
    match balance.map(|one| one.name.as_ref()) {
        None => "asking".to_owned(),
        Some(None) => "none yet".to_owned(),
        Some(Some(name)) => format!("@{name}"),
    }
}
