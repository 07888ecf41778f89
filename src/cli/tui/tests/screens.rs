//! How the screens look, held against files; and what must hold of every one of them.

use ratatui::style::Color;

use super::*;
use crate::cli::report::directory::{Directory, Found, Route};
use crate::cli::report::wallet::{NodeSeen, WalletNodes};
use crate::cli::tui::core::{Drawn, NetworkSeen};
use zeroize::Zeroizing;

const WORDS: &str =
    "mercy skill guide nothing effort awkward flee glance position inch help rebuild";

fn nodes(up: usize) -> Event {
    let node = |at: usize, name: &str| NodeSeen {
        name: name.to_owned(),
        peer_id: "12D3KooW".to_owned(),
        validator: true,
        reachable: at < up,
        round_trip_ms: (at < up).then_some(4.3),
        height: (at < up).then_some(12),
        used_as: (at == 0).then_some("active"),
        problem: (at >= up).then(|| "connection refused".to_owned()),
    };
    let names = ["mangart", "triglav", "jalovec", "razor"];
    let nodes = names
        .iter()
        .enumerate()
        .map(|(at, name)| node(at, name))
        .collect();
    Event::Nodes(
        Box::new(WalletNodes::new("village".to_owned(), nodes, 3)),
        None,
    )
}

fn directory() -> Event {
    let found = |byte: u8, name: &str, route| Found {
        account: address(byte),
        name: name.parse().ok(),
        node: None,
        peer_id: "12D3KooW".to_owned(),
        role: "wallet".to_owned(),
        route,
        addresses: Vec::new(),
        since: String::new(),
        until: String::new(),
        said_ago_s: 12,
    };
    Event::Directory(Ok(Box::new(Directory {
        status: "ok",
        network: "village".to_owned(),
        height: 12,
        found: vec![
            found(30, "barbara", Route::Relayed),
            found(31, "", Route::Direct),
        ],
        is_list: true,
    })))
}

/// Every screen of an open wallet, by name.
fn everything() -> Vec<(&'static str, Model)> {
    let mut all = Vec::new();
    for (at, name) in [
        "home",
        "send",
        "receive",
        "contacts",
        "history",
        "nodes",
        "directory",
        "settings",
    ]
    .into_iter()
    .enumerate()
    {
        let mut model = open();
        press(&mut model, Key::F(u8::try_from(at + 1).unwrap()));
        update(&mut model, nodes(3), NOW);
        update(&mut model, directory(), NOW);
        all.push((name, model));
    }
    let mut review = open();
    press(&mut review, Key::Char('s'));
    type_in(&mut review, "@rnarko");
    for text in ["5", "for the honey"] {
        press(&mut review, Key::Enter);
        type_in(&mut review, text);
    }
    assert!(matches!(
        press(&mut review, Key::Enter)[..],
        [Effect::Plan(_)]
    ));
    let planned = plan(40, "rnarko", "for the honey");
    update(&mut review, Event::Planned(Ok(Box::new(planned))), NOW);
    all.push(("lookalike", review));
    let mut particulars = open();
    press(&mut particulars, Key::F(5));
    press(&mut particulars, Key::Enter);
    all.push(("particulars", particulars));
    all
}

#[test]
fn every_screen_of_an_open_wallet_looks_as_it_was_frozen() {
    for (name, model) in everything() {
        same(&model, name);
    }
}

#[test]
fn the_first_run_looks_as_it_was_frozen() {
    let mut model = wizard();
    same(&model, "wizard_1_welcome");
    press(&mut model, Key::Char('n'));
    same(&model, "wizard_2_network");
    let seen = NetworkSeen {
        network: "village".to_owned(),
        genesis: "ab".repeat(32),
        resilience: "This network of 4 nodes stands 1 failure; 3 must be up".to_owned(),
        source: "/home/ana/bootstrap.toml".to_owned(),
    };
    update(&mut model, Event::Network(Ok(seen)), NOW);
    same(&model, "wizard_3_network_seen");
    press(&mut model, Key::Enter);
    same(&model, "wizard_4_name");
    press(&mut model, Key::Enter);
    type_in(&mut model, "Zlatorog 99");
    same(&model, "wizard_5_password");
    press(&mut model, Key::Enter);
    type_in(&mut model, "Zlatorog 99");
    press(&mut model, Key::Enter);
    let words = Zeroizing::new(WORDS.to_owned());
    let drawn = Drawn {
        words,
        asked: vec![1, 5, 8],
    };
    update(&mut model, Event::Drawn(drawn), NOW);
    same(&model, "wizard_6_words");
    press(&mut model, Key::Enter);
    same(&model, "wizard_7_check");
}

#[test]
fn a_paused_network_and_a_payment_under_way_are_told_plainly() {
    let mut model = open();
    press(&mut model, Key::Char('s'));
    update(&mut model, Event::Key(Key::Esc), NOW);
    let mut waiting = entry(EntryKind::Sent, 13, "bob", "kept");
    waiting.height = 0;
    update(&mut model, ledger(past(), vec![waiting]), NOW);
    update(&mut model, pulse(2), NOW);
    same(&model, "paused");
    update(&mut model, pulse(0), NOW);
    assert!(screen(&model).contains("no node can be reached"));
    let mut model = fresh();
    let unreachable = crate::cli::failure::Failure::unreachable("village", Vec::new());
    update(&mut model, Event::Ledger(Err(unreachable)), NOW);
    let text = screen(&model);
    assert!(
        text.contains("not known yet") && text.contains("can be reached; 6 shows each"),
        "{text}"
    );
}

#[test]
fn a_larger_window_shows_more_and_a_smaller_one_says_what_is_needed() {
    let mut model = open();
    update(&mut model, Event::Resized(120, 40), NOW);
    same(&model, "home_120x40");
    update(&mut model, Event::Resized(79, 24), NOW);
    let small = screen(&model);
    assert!(
        small.contains("79 x 24") && small.contains("80 x 24"),
        "{small}"
    );
    assert!(press(&mut model, Key::Char('s')).is_empty());
    assert!(matches!(
        press(&mut model, Key::Char('q'))[..],
        [Effect::Quit]
    ));
    for size in [(1, 1), (20, 2)] {
        update(&mut model, Event::Resized(size.0, size.1), NOW);
        screen(&model);
    }
}

#[test]
fn without_colours_there_are_none_and_without_unicode_only_ascii() {
    for (name, mut model) in everything() {
        for cell in &buffer(&model).content {
            assert_eq!((cell.fg, cell.bg), (Color::Reset, Color::Reset), "{name}");
        }
        model.look.unicode = false;
        let text = screen(&model);
        assert!(text.is_ascii(), "{name}\n{text}");
        model.look.coloured = true;
        let coloured = buffer(&model);
        assert!(
            coloured.content.iter().any(|cell| cell.fg != Color::Reset),
            "{name}"
        );
    }
}

#[test]
fn every_screen_shows_its_keys_within_eighty_columns() {
    for (name, model) in everything() {
        let text = screen(&model);
        let keys = text.lines().last().unwrap();
        assert!(keys.chars().count() < 80, "{name}: {keys}");
        let leads_on = ["screens", "Esc", "close"]
            .iter()
            .any(|word| keys.contains(word));
        assert!(leads_on, "{name}: {keys}");
    }
}

#[test]
fn what_strangers_write_cannot_touch_the_terminal() {
    let mut model = open();
    let evil = "\u{1b}[2J\u{7}\u{202e}gpj.exe\u{9b}31m";
    let entries = vec![entry(EntryKind::Received, 9, "alice", evil)];
    update(&mut model, ledger(entries, Vec::new()), NOW);
    for key in [Key::F(1), Key::F(5), Key::Enter] {
        press(&mut model, key);
        let text = screen(&model);
        assert!(text.contains("gpj.exe"), "{text}");
        let harmful = |c: char| c != '\n' && (c.is_control() || c == '\u{202e}');
        assert!(!text.contains(harmful), "{text:?}");
    }
}
