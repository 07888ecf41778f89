//! The screens with lines to type: sending and receiving.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::first_run::typed;
use super::paint::{Paint, broken, fit};
use super::review;
use crate::cli::qr::Qr;
use crate::cli::tui::core::field::Field;
use crate::cli::tui::core::open::Open;
use crate::cli::tui::core::receive::{Receive, Shown};
use crate::cli::tui::core::send::{AMOUNT, MEMO, Send, TO};
use crate::cli::values;

/// A line of a form: with a cursor where it is typed in.
pub fn line(label: &str, field: &Field, is_here: bool, paint: Paint) -> Line<'static> {
    match is_here {
        true => typed(label, field, false, paint),
        false => Line::from(vec![
            Span::styled(format!("{label}  "), paint.faint()),
            Span::raw(field.text().to_owned()),
        ]),
    }
}

/// The keys of the sending screen.
pub fn send_keys(send: &Send) -> &'static str {
    match &send.review {
        Some(review) if review.takes_name() => "y take it   n back   F1-F8 screens",
        Some(review) if review.grave.is_empty() => "y pay   n back   F1-F8 screens",
        Some(_) => "yes typed, Enter: pay   Esc back   F1-F8 screens",
        None if send.is_planning => "Esc back",
        None => "Enter go on   Tab next   Ctrl-P who reads the memo   Esc leave   F1-F8 screens",
    }
}

/// The keys of the receiving screen; `Err` if no other keys hold.
pub fn receive_keys(receive: &Receive) -> Result<&'static str, &'static str> {
    match receive.shown {
        Shown::Address => Ok("n request   Enter show   w withdraw   i invert   "),
        Shown::Form => Err("Enter go on   Tab next   Esc leave   F1-F8 screens"),
        Shown::Request => Ok("Enter close   i invert   "),
    }
}

pub fn send(frame: &mut Frame<'_>, area: Rect, open: &Open, paint: Paint) {
    let send = &open.panes.send;
    if let Some(review) = &send.review {
        return review::last_check(frame, area, review, paint);
    }
    let mut lines = vec![Line::raw("")];
    if send.is_planning {
        lines.push(Line::raw(
            "  proving whose account it is, what you have, and that the rules allow it",
        ));
        frame.render_widget(Paragraph::new(lines), area);
        return;
    }
    lines.push(Line::styled("  Pay somebody", paint.strong()));
    lines.push(Line::raw(""));
    lines.push(line(
        "  To      ",
        &send.fields[TO],
        send.focus == TO,
        paint,
    ));
    let suggestions = open.suggestions();
    for (at, one) in suggestions.iter().enumerate() {
        let (sign, style) = match send.chosen == Some(at) {
            true => (paint.pointer(), paint.chosen()),
            false => (" ", paint.faint()),
        };
        lines.push(Line::from(vec![
            Span::styled(format!("          {sign} "), style),
            Span::styled(format!("{} ", fit(&one.insert, 33)), style),
            Span::styled(one.why.clone(), paint.faint()),
        ]));
    }
    if send.focus == TO {
        let help = match suggestions.is_empty() {
            true => "            a name (@ana), an address (nat1...), or a request (natcoin:...)",
            false => "            Down chooses, Tab takes it",
        };
        lines.push(Line::styled(help, paint.faint()));
    }
    lines.push(line(
        "  Amount  ",
        &send.fields[AMOUNT],
        send.focus == AMOUNT,
        paint,
    ));
    lines.push(line(
        "  Memo    ",
        &send.fields[MEMO],
        send.focus == MEMO,
        paint,
    ));
    let readers = match send.is_public {
        true => "            everybody reads the memo, for ever",
        false => "            only the payee reads the memo",
    };
    lines.push(Line::styled(readers, paint.faint()));
    lines.push(Line::raw(""));
    if let Some(balance) = &open.seen.balance {
        lines.push(Line::styled(
            format!("  You have {} NAT", balance.balance),
            paint.faint(),
        ));
    }
    frame.render_widget(Paragraph::new(lines), area);
}

pub fn receive(frame: &mut Frame<'_>, area: Rect, open: &Open, paint: Paint) {
    let receive = &open.panes.receive;
    match receive.shown {
        Shown::Address => address(frame, area, open, paint),
        Shown::Form => {
            let label = ["  Amount  ", "  From    ", "  For     "];
            let mut lines = vec![
                Line::raw(""),
                Line::styled("  Ask to be paid", paint.strong()),
                Line::raw(""),
            ];
            for (at, (label, field)) in label.into_iter().zip(&receive.fields).enumerate() {
                lines.push(line(label, field, receive.focus == at, paint));
            }
            lines.push(Line::raw(""));
            lines.push(Line::styled(
                "  Without anybody named, whoever sees it can pay it. It holds for 7 days.",
                paint.faint(),
            ));
            frame.render_widget(Paragraph::new(lines), area);
        }
        Shown::Request => request(frame, area, receive, paint),
    }
}

/// The code if it fits, and how many cells it takes; else what it would need.
fn code(
    text: &str,
    is_inverted: bool,
    (room, taken): ((u16, u16), u16),
    paint: Paint,
) -> Result<Vec<String>, String> {
    if !paint.0.unicode {
        return Err("a QR code needs a terminal with UTF-8".to_owned());
    }
    let code = Qr::of(text).ok_or("it is too long for a QR code")?;
    let lines = code.lines(is_inverted);
    let width = lines.first().map_or(0, |line| line.chars().count());
    let needs = (width, lines.len());
    match needs.0 <= usize::from(room.0) && needs.1 <= usize::from(room.1) {
        true => Ok(lines),
        // The frame around it takes seven rows, and title and line some.
        false => Err(format!(
            "its QR code needs a window of {} x {}: make it larger, and it is shown",
            needs.0.max(80),
            needs.1 + 7 + usize::from(taken)
        )),
    }
}

fn address(frame: &mut Frame<'_>, area: Rect, open: &Open, paint: Paint) {
    let uri = values::address_uri(&open.me.address);
    let room = (area.width, area.height);
    let drawn = code(&uri, open.panes.receive.is_inverted, (room, 0), paint);
    let width = match &drawn {
        Ok(lines) => lines.first().map_or(0, |line| line.chars().count()),
        Err(_) => 0,
    };
    if let Ok(lines) = &drawn {
        let lines: Vec<Line<'_>> = lines
            .iter()
            .map(|line| Line::styled(line.clone(), paint.code()))
            .collect();
        let place = Rect {
            x: area.x + 2,
            width: area.width.min(u16::try_from(width).unwrap_or(0)),
            ..area
        };
        frame.render_widget(Paragraph::new(lines), place);
    }
    let beside = u16::try_from(width).map_or(0, |width| if width == 0 { 2 } else { width + 5 });
    let text = Rect {
        x: area.x + beside,
        width: area.width.saturating_sub(beside + 1),
        ..area
    };
    let cells = usize::from(text.width);
    let mut lines = vec![Line::raw(""), Line::styled("Be paid", paint.strong())];
    if let Some(name) = open.seen.balance.as_ref().and_then(|one| one.name.as_ref()) {
        lines.push(Line::styled(format!("@{name}"), paint.accent()));
    }
    lines.extend(
        broken(&open.me.address.to_string(), cells)
            .into_iter()
            .map(Line::raw),
    );
    lines.extend(drawn.err().map(|why| Line::styled(why, paint.wait())));
    lines.push(Line::raw(""));
    let requests = open.own_requests();
    lines.push(Line::styled("Your requests", paint.strong()));
    if requests.is_empty() {
        lines.push(Line::styled("none is open; n makes one", paint.faint()));
    }
    for (at, one) in requests.iter().enumerate() {
        let sign = if at == open.panes.receive.chosen {
            paint.pointer()
        } else {
            " "
        };
        let whom = one
            .counterparty
            .map_or("anybody".to_owned(), |who| who.short());
        lines.push(Line::raw(fit(
            &format!("{sign} {} {whom} {}", one.amount, one.memo),
            cells,
        )));
    }
    frame.render_widget(Paragraph::new(lines), text);
}

fn request(frame: &mut Frame<'_>, area: Rect, receive: &Receive, paint: Paint) {
    let cells = usize::from(area.width);
    let mut lines = vec![Line::styled(format!("  {}", receive.title), paint.strong())];
    // From edge to edge, so that the line can be marked and copied whole.
    let text = broken(&receive.line, cells);
    let under = u16::try_from(text.len())
        .unwrap_or(u16::MAX)
        .saturating_add(2);
    lines.extend(text.into_iter().map(Line::raw));
    let room = (
        area.width.saturating_sub(2),
        area.height.saturating_sub(under),
    );
    lines.push(Line::raw(""));
    match code(&receive.line, receive.is_inverted, (room, under), paint) {
        Ok(drawn) => lines.extend(
            drawn
                .into_iter()
                .map(|line| Line::from(vec![Span::raw("  "), Span::styled(line, paint.code())])),
        ),
        Err(why) => {
            lines.push(Line::styled(format!("  {why}"), paint.wait()));
            lines.push(Line::styled(
                "  Give the line above to whoever shall pay: they put it where a name goes",
                paint.faint(),
            ));
            lines.push(Line::styled(
                "  when they send, or behind `natcoin wallet pay`.",
                paint.faint(),
            ));
        }
    }
    frame.render_widget(Paragraph::new(lines), area);
}
