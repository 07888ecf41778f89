//! How the model looks. One place draws the frame around all screens; each screen draws its own middle.
//!
//! Nothing rests on colour alone: every state has a word or a sign of its own. What came from the network is cleaned
//! where it is decoded, and once more here, cell by cell, before a terminal sees it.

mod first_run;
mod forms;
mod lists;
mod paint;
mod review;

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Wrap};

use self::paint::Paint;
use super::core::model::{LEAST, Model, Notice, Stage};
use super::core::open::{Open, TABS, Tab};

/// Draws everything.
pub fn draw(frame: &mut Frame<'_>, model: &Model) {
    let paint = Paint(model.look);
    if model.is_too_small() {
        too_small(frame, model, paint);
    } else {
        match &model.stage {
            Stage::Wizard(wizard) => first_run::wizard(frame, wizard, paint),
            Stage::Locked(locked) => first_run::locked(frame, locked, &model.profile, paint),
            Stage::Open(open) => wallet(frame, open, paint),
        }
    }
    clean(frame.buffer_mut());
}

fn too_small(frame: &mut Frame<'_>, model: &Model, paint: Paint) {
    let (width, height) = model.size;
    let lines = vec![
        Line::styled("This window is too small.", paint.strong()),
        Line::raw(format!("It has {width} x {height};")),
        Line::raw(format!("the wallet needs {} x {}.", LEAST.0, LEAST.1)),
        Line::raw("Make it larger, or q to quit."),
    ];
    frame.render_widget(Paragraph::new(lines), frame.area());
}

/// The parts of a screen: head, middle, and the three lines at the foot.
fn parts(area: Rect) -> [Rect; 6] {
    Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Fill(1),
        Constraint::Length(1),
        Constraint::Length(3),
    ])
    .areas(area)
}

fn rule(frame: &mut Frame<'_>, area: Rect, paint: Paint) {
    let text = paint.rule().repeat(usize::from(area.width));
    frame.render_widget(Line::styled(text, paint.faint()), area);
}

fn wallet(frame: &mut Frame<'_>, open: &Open, paint: Paint) {
    let [head, tabs, over, middle, under, foot] = parts(frame.area());
    header(frame, head, open, paint);
    frame.render_widget(tab_line(open.tab, paint), tabs);
    rule(frame, over, paint);
    match open.tab {
        Tab::Home => lists::home(frame, middle, open, paint),
        Tab::Send => forms::send(frame, middle, open, paint),
        Tab::Receive => forms::receive(frame, middle, open, paint),
        Tab::Contacts => lists::contacts(frame, middle, open, paint),
        Tab::History => lists::history(frame, middle, open, paint),
        Tab::Nodes => lists::nodes(frame, middle, open, paint),
        Tab::Directory => lists::directory(frame, middle, open, paint),
        Tab::Settings => lists::settings(frame, middle, open, paint),
    }
    if let Some(entry) = &open.popup {
        review::particulars(frame, middle, entry, paint);
    }
    rule(frame, under, paint);
    let notice = open.notice.as_ref().map(|(notice, _)| notice);
    footer(frame, foot, notice, &lists::keys(open), paint);
}

fn header(frame: &mut Frame<'_>, area: Rect, open: &Open, paint: Paint) {
    let name = open.seen.balance.as_ref().and_then(|one| one.name.as_ref());
    let who = name.map_or_else(|| open.me.profile.clone(), |name| format!("@{name}"));
    let left = Line::from(vec![
        Span::styled(" NAT-Coin ", paint.accent()),
        Span::styled(format!(" {} ", open.me.network), paint.faint()),
        Span::styled(who, paint.strong()),
    ]);
    frame.render_widget(left, area);
    let state = match &open.seen.pulse {
        None => Span::styled("connecting ", paint.faint()),
        Some(pulse) if !pulse.online => Span::styled("no node can be reached ", paint.bad()),
        Some(pulse) if pulse.paused => Span::styled(
            format!(
                "paused: {} of {} nodes, {} needed; nothing is lost ",
                pulse.up, pulse.of, pulse.needed
            ),
            paint.bad(),
        ),
        Some(pulse) => Span::styled(
            format!(
                "{} of {} nodes, block {} ",
                pulse.up, pulse.of, pulse.height
            ),
            paint.faint(),
        ),
    };
    frame.render_widget(Line::from(state).right_aligned(), area);
}

fn tab_line(chosen: Tab, paint: Paint) -> Line<'static> {
    let mut spans = vec![Span::raw(" ")];
    for (number, tab) in (1..).zip(TABS) {
        let (text, style) = match tab == chosen {
            true => (format!("[{number} {}]", tab.title()), paint.chosen()),
            false => (format!("{number} {}", tab.title()), paint.faint()),
        };
        spans.push(Span::styled(text, style));
        spans.push(Span::raw(" "));
    }
    Line::from(spans)
}

/// A word to the owner, and the keys that do something here.
fn footer(frame: &mut Frame<'_>, area: Rect, notice: Option<&Notice>, keys: &str, paint: Paint) {
    let [word, below] =
        Layout::vertical([Constraint::Length(2), Constraint::Length(1)]).areas(area);
    if let Some(notice) = notice {
        let inner = Rect {
            x: word.x + 1,
            width: word.width.saturating_sub(2),
            ..word
        };
        let text = Paragraph::new(notice_line(notice, paint)).wrap(Wrap { trim: true });
        frame.render_widget(text, inner);
    }
    frame.render_widget(keys_line(keys, paint), below);
}

fn notice_line(notice: &Notice, paint: Paint) -> Line<'static> {
    match notice {
        Notice::Good(text) => Line::styled(format!("{} {text}", paint.done()), paint.good()),
        Notice::Plain(text) => Line::raw(text.clone()),
        Notice::Bad { message, hint } => Line::from(vec![
            Span::styled(format!("! {message}"), paint.bad()),
            Span::raw(format!("; {hint}")),
        ]),
    }
}

/// `Enter pay   Esc back`: keys strong, words faint. Keys and words are parted by one blank, pairs by three.
fn keys_line(keys: &str, paint: Paint) -> Line<'static> {
    let mut spans = vec![Span::raw(" ")];
    for pair in keys.split("   ") {
        let (key, word) = pair.split_once(' ').unwrap_or((pair, ""));
        spans.push(Span::styled(key.to_owned(), paint.strong()));
        spans.push(Span::styled(format!(" {word}  "), paint.faint()));
    }
    Line::from(spans)
}

/// No cell may move the cursor, colour the screen or turn the direction of writing.
fn clean(buffer: &mut Buffer) {
    let turns = |c: char| {
        matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
            || c.is_control()
    };
    for cell in &mut buffer.content {
        if cell.symbol().chars().any(turns) {
            cell.set_char('\u{fffd}');
        }
    }
}
