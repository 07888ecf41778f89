//! The first run, and the lock.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Wrap};

use super::paint::Paint;
use super::{footer, parts, rule};
use crate::cli::report::wallet::numbered;
use crate::cli::tui::core::field::Field;
use crate::cli::tui::core::model::Notice;
use crate::cli::tui::core::unlock::Locked;
use crate::cli::tui::core::wizard::{Step, Wizard};
use crate::wallet::strength::Strength;

pub fn wizard(frame: &mut Frame<'_>, wizard: &Wizard, paint: Paint) {
    let (at, of) = wizard.place();
    let place = match at {
        0 => String::new(),
        at => format!("step {at} of {of} "),
    };
    let mut lines = vec![Line::raw("")];
    let keys = match wizard.step {
        Step::Welcome => welcome(&mut lines, wizard, paint),
        Step::Network => network(&mut lines, wizard, paint),
        Step::NetworkSeen => network_seen(&mut lines, wizard, paint),
        Step::Restore => restore(&mut lines, wizard, paint),
        Step::Name => name(&mut lines, wizard, paint),
        Step::Password | Step::Again => password(&mut lines, wizard, paint),
        Step::Words => words(&mut lines, wizard, paint),
        Step::Check => check(&mut lines, wizard, paint),
        Step::Making => {
            title(&mut lines, "Making the wallet", paint);
            text(
                &mut lines,
                "The password is being stretched, and the wallet locked with it.",
            );
            ""
        }
    };
    stage(frame, lines, &place, wizard.notice.as_ref(), keys, paint);
}

pub fn locked(frame: &mut Frame<'_>, locked: &Locked, profile: &str, paint: Paint) {
    let mut lines = vec![Line::raw("")];
    title(&mut lines, &format!("The wallet {profile}"), paint);
    if !locked.why.is_empty() {
        text(&mut lines, &locked.why);
        text(&mut lines, "");
    }
    let keys = match locked.is_trying {
        true => {
            text(
                &mut lines,
                "opening the wallet; this takes a moment by design",
            );
            ""
        }
        false => {
            lines.push(typed("Password", &locked.password, true, paint));
            "Enter open   Esc clear, then quit   Ctrl-C quit"
        }
    };
    stage(frame, lines, "", locked.notice.as_ref(), keys, paint);
}

fn stage(
    frame: &mut Frame<'_>,
    lines: Vec<Line<'_>>,
    place: &str,
    notice: Option<&Notice>,
    keys: &str,
    paint: Paint,
) {
    let [head, _, over, middle, under, foot] = parts(frame.area());
    frame.render_widget(Line::styled(" NAT-Coin", paint.accent()), head);
    frame.render_widget(
        Line::styled(place.to_owned(), paint.faint()).right_aligned(),
        head,
    );
    rule(frame, over, paint);
    let inner = Rect {
        x: middle.x + 2,
        width: middle.width.saturating_sub(4),
        ..middle
    };
    frame.render_widget(Paragraph::new(lines).wrap(Wrap { trim: false }), inner);
    rule(frame, under, paint);
    footer(frame, foot, notice, keys, paint);
}

fn title(lines: &mut Vec<Line<'_>>, text: &str, paint: Paint) {
    lines.push(Line::styled(text.to_owned(), paint.strong()));
    lines.push(Line::raw(""));
}

fn text(lines: &mut Vec<Line<'_>>, text: &str) {
    lines.push(Line::raw(text.to_owned()));
}

/// A line that is typed, with its cursor.
pub fn typed(label: &str, field: &Field, is_secret: bool, paint: Paint) -> Line<'static> {
    let shown: String = match is_secret {
        true => paint.dot().repeat(field.text().chars().count()),
        false => field.text().to_owned(),
    };
    let letters: Vec<char> = shown.chars().collect();
    let at = field.cursor().min(letters.len());
    let before: String = letters[..at].iter().collect();
    let under: String = letters.get(at).map_or(" ".to_owned(), ToString::to_string);
    let after: String = letters.iter().skip(at + 1).collect();
    let cursor = paint
        .strong()
        .add_modifier(ratatui::style::Modifier::REVERSED);
    Line::from(vec![
        Span::styled(format!("{label}  "), paint.faint()),
        Span::raw(before),
        Span::styled(under, cursor),
        Span::raw(after),
    ])
}

fn welcome(lines: &mut Vec<Line<'_>>, wizard: &Wizard, paint: Paint) -> &'static str {
    title(lines, "Welcome", paint);
    text(
        lines,
        "NAT-Coin is money that a community runs itself. Your wallet is yours alone: it believes nothing that it has not proven, and no one can spend for you.",
    );
    text(lines, "");
    text(
        lines,
        &format!(
            "There is no wallet {:?} on this machine yet. Shall it be",
            wizard.profile
        ),
    );
    text(lines, "");
    lines.push(Line::from(vec![
        Span::styled("  n  ", paint.accent()),
        Span::raw("a new wallet, with twelve words to write on paper"),
    ]));
    lines.push(Line::from(vec![
        Span::styled("  r  ", paint.accent()),
        Span::raw("one that you have the twelve words of"),
    ]));
    "n new   r restore   q quit"
}

fn network(lines: &mut Vec<Line<'_>>, wizard: &Wizard, paint: Paint) -> &'static str {
    title(lines, "Which network?", paint);
    text(
        lines,
        "A community gives its members one file, bootstrap.toml, which says whom to trust and where they are. Where did you save it?",
    );
    text(lines, "");
    lines.push(typed("File", &wizard.typed, false, paint));
    text(lines, "");
    text(
        lines,
        "Leave it empty for the network at hand: the one named with --bootstrap, else the development network on this machine.",
    );
    "Enter look at it   Esc back   Ctrl-C quit"
}

fn network_seen(lines: &mut Vec<Line<'_>>, wizard: &Wizard, paint: Paint) -> &'static str {
    title(lines, "Is it this one?", paint);
    if let Some(seen) = &wizard.network {
        for (label, value) in [
            ("network", &seen.network),
            ("read of", &seen.source),
            ("genesis", &seen.genesis),
        ] {
            lines.push(Line::from(vec![
                Span::styled(format!("{label}  "), paint.faint()),
                Span::raw(value.clone()),
            ]));
        }
        text(lines, "");
        text(lines, &format!("{}.", seen.resilience));
        text(lines, "");
        text(
            lines,
            "The genesis is the network's fingerprint. Compare it with somebody who is in it already: then the file is the right one.",
        );
    }
    "Enter it is   Esc another   Ctrl-C quit"
}

fn restore(lines: &mut Vec<Line<'_>>, wizard: &Wizard, paint: Paint) -> &'static str {
    title(lines, "Your twelve words", paint);
    text(
        lines,
        "Type them in their order, with blanks between. Each is checked, and all of them together: wrong words make no wallet.",
    );
    text(lines, "");
    lines.push(typed("Words", &wizard.typed, false, paint));
    "Enter check   Esc back   Ctrl-C quit"
}

fn name(lines: &mut Vec<Line<'_>>, wizard: &Wizard, paint: Paint) -> &'static str {
    title(lines, "What shall people pay you by?", paint);
    text(
        lines,
        "A name such as ana or honey-shop: 3 to 32 of a-z, 0-9 and the hyphen. It is yours for good, and taken when the wallet has had its first coins. Leave it empty for none.",
    );
    text(lines, "");
    lines.push(typed("Name  @", &wizard.typed, false, paint));
    "Enter go on   Esc back   Ctrl-C quit"
}

fn password(lines: &mut Vec<Line<'_>>, wizard: &Wizard, paint: Paint) -> &'static str {
    let is_again = wizard.step == Step::Again;
    title(
        lines,
        if is_again {
            "The same again"
        } else {
            "A password"
        },
        paint,
    );
    text(
        lines,
        "It locks the wallet on this machine. Nobody can tell it to you again; the twelve words can make the wallet again without it.",
    );
    text(lines, "");
    lines.push(typed("Password", &wizard.typed, true, paint));
    text(lines, "");
    if !is_again && !wizard.typed.is_empty() {
        let verdict = wizard.verdict();
        let (word, bars, style) = match verdict.strength {
            Strength::Weak => ("weak", 1, paint.bad()),
            Strength::Fair => ("fair", 2, paint.wait()),
            Strength::Strong => ("strong", 3, paint.good()),
        };
        let bar = format!("[{}{}]", "=".repeat(4 * bars), " ".repeat(4 * (3 - bars)));
        lines.push(Line::from(vec![
            Span::styled(format!("{bar} {word}"), style),
            Span::raw(format!(": {}", verdict.why)),
        ]));
    }
    "Enter go on   Esc back   Ctrl-C quit"
}

fn words(lines: &mut Vec<Line<'_>>, wizard: &Wizard, paint: Paint) -> &'static str {
    title(lines, "Your twelve words", paint);
    text(
        lines,
        "They are shown only now. Write them on paper, in this order: whoever has them has the money, and without them it is lost with this machine.",
    );
    text(lines, "");
    for line in numbered(&wizard.words()).lines() {
        lines.push(Line::styled(format!("   {line}"), paint.strong()));
    }
    "Enter they are on paper   Esc back   Ctrl-C quit"
}

fn check(lines: &mut Vec<Line<'_>>, wizard: &Wizard, paint: Paint) -> &'static str {
    title(lines, "To check your paper", paint);
    let asked = wizard.asked().unwrap_or(1);
    let of = wizard.drawn.as_ref().map_or(0, |drawn| drawn.asked.len());
    text(
        lines,
        &format!("{} of {of}: which is word {asked}?", wizard.checked + 1),
    );
    text(lines, "");
    lines.push(typed(&format!("Word {asked}"), &wizard.typed, false, paint));
    "Enter check   Esc new words   Ctrl-C quit"
}
