//! The screens without a terminal: keys and news go in, effects and frames come out.

mod flows;
mod screens;

use std::path::Path;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;

use super::core::model::{Look, Me, Model, Stage};
use super::core::settings::Settings;
use super::core::unlock::Locked;
use super::core::wizard::Wizard;
use super::core::{Effect, Event, Key, Ledger, Opening, update};
use super::view;
use crate::chain::amount::Amount;
use crate::chain::hash::Hash;
use crate::chain::key::Address;
use crate::chain::query::Moment;
use crate::chain::transaction::{Memo, Operation};
use crate::cli::report::wallet::{
    Asked, Balance, Dealings, EntryKind, History, HistoryEntry, MemoKind,
};
use crate::cli::wallet::live::Pulse;
use crate::node::session::Plan;
use crate::wallet::contacts::{Contact, Contacts};
use crate::wallet::memo::{Letter, Note};

const PLAIN: Look = Look {
    coloured: false,
    unicode: true,
};
const NOW: u64 = 1_800_000_000_000;

fn address(byte: u8) -> Address {
    Address([byte; 32])
}

fn nat(nat: u64) -> Amount {
    Amount::from_nat(nat).unwrap()
}

fn entry(kind: EntryKind, byte: u8, name: &str, memo: &str) -> HistoryEntry {
    HistoryEntry {
        kind,
        transaction: Hash([byte; 32]),
        height: u64::from(byte),
        time: Some(format!("2026-11-23T20:{byte:02}:11.123Z")),
        counterparty: (kind != EntryKind::Named).then(|| address(byte)),
        counterparty_name: name.parse().ok(),
        amount: nat(u64::from(byte)),
        fee: Amount::ZERO,
        memo: memo.to_owned(),
        memo_kind: if memo.is_empty() {
            MemoKind::None
        } else {
            MemoKind::Private
        },
    }
}

fn past() -> Vec<HistoryEntry> {
    vec![
        entry(EntryKind::Sent, 12, "bob", "for the honey"),
        entry(EntryKind::Named, 10, "", "ana"),
        entry(EntryKind::Received, 9, "alice", "welcome"),
    ]
}

fn ledger(entries: Vec<HistoryEntry>, pending: Vec<HistoryEntry>) -> Event {
    let activities = entries.len() as u64;
    Event::Ledger(Ok(Box::new(Ledger {
        balance: Balance {
            status: "ok",
            address: address(1),
            name: "ana".parse().ok(),
            balance: nat(995),
            height: 12,
            proven: true,
            quiet_for_s: None,
        },
        history: History {
            status: "ok",
            address: address(1),
            height: 12,
            complete: true,
            activities,
            entries,
            pending,
        },
        dealings: Some(Dealings {
            status: "ok",
            received: vec![asked(None)],
            asked: vec![asked(Some("natcoin:request1qqqqqqqqqqq"))],
            incoming: Vec::new(),
            outgoing: Vec::new(),
            untold: 0,
        }),
    })))
}

fn asked(line: Option<&str>) -> Asked {
    Asked {
        request: Hash([5; 32]),
        state: "open",
        counterparty: line.is_none().then(|| address(7)),
        amount: nat(7),
        memo: "dues".to_owned(),
        until: "2026-11-30T20:00:00Z".to_owned(),
        payment: None,
        line: line.map(str::to_owned),
    }
}

fn pulse(up: usize) -> Event {
    Event::Pulse(Pulse {
        online: up > 0,
        up,
        of: 4,
        needed: 3,
        paused: up < 3,
        height: 12,
        quiet_for_s: None,
    })
}

fn contacts() -> Contacts {
    let mut contacts = Contacts::default();
    for (label, byte, name) in [("Marko", 20, "marko"), ("The dairy", 21, "")] {
        let contact = Contact {
            label: label.to_owned(),
            address: address(byte),
            name: name.parse().ok(),
        };
        contacts.add(contact).unwrap();
    }
    contacts
}

/// An open wallet that knows nothing yet.
fn fresh() -> Model {
    let stage = Stage::Locked(Box::new(Locked::trying()));
    let mut model = Model::new(PLAIN, (80, 24), "ana", stage);
    let opening = Opening {
        me: Me {
            profile: "ana".to_owned(),
            address: address(1),
            network: "village".to_owned(),
            genesis: "ab".repeat(32),
            resilience: "This network of 4 nodes stands 1 failure; 3 must be up".to_owned(),
            source: "/home/ana/bootstrap.toml".to_owned(),
            data_dir: "/home/ana/.local/share/natcoin/wallets/ana".to_owned(),
        },
        contacts: contacts(),
        settings: Settings::default(),
    };
    let effects = update(&mut model, Event::Opened(Ok(Box::new(opening))), NOW);
    assert!(matches!(
        effects[..],
        [Effect::Ledger(_), Effect::Directory]
    ));
    model
}

/// An open wallet with a past.
fn open() -> Model {
    let mut model = fresh();
    update(&mut model, pulse(4), NOW);
    update(&mut model, ledger(past(), Vec::new()), NOW);
    model
}

fn wizard() -> Model {
    let stage = Stage::Wizard(Box::new(Wizard::new("ana")));
    Model::new(PLAIN, (80, 24), "ana", stage)
}

fn press(model: &mut Model, key: Key) -> Vec<Effect> {
    update(model, Event::Key(key), NOW)
}

fn type_in(model: &mut Model, text: &str) {
    for c in text.chars() {
        let effects = press(model, Key::Char(c));
        assert!(effects.is_empty(), "{effects:?}");
    }
}

fn plan(to: u8, name: &str, memo: &str) -> Plan {
    Plan {
        sender: address(1),
        operation: Operation::Transfer {
            to: address(to),
            amount: nat(5),
            memo: Memo::default(),
        },
        note: Note::Private(Letter::new(memo, None).unwrap()),
        to_name: name.parse().ok(),
        fee: Amount::from_nits(1000),
        balance: nat(995),
        at: Moment {
            height: 12,
            block: Hash([3; 32]),
            state_root: Hash([4; 32]),
            time_ms: NOW,
            signed_by: 3,
        },
        request: None,
    }
}

fn buffer(model: &Model) -> Buffer {
    let (width, height) = model.size;
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| view::draw(frame, model)).unwrap();
    terminal.backend().buffer().clone()
}

/// The screen as text, without blanks at the ends of its lines.
fn screen(model: &Model) -> String {
    let buffer = buffer(model);
    let width = usize::from(buffer.area.width);
    let lines = buffer.content.chunks(width).map(|cells| {
        let line: String = cells.iter().map(|cell| cell.symbol()).collect();
        line.trim_end().to_owned()
    });
    lines.collect::<Vec<_>>().join("\n") + "\n"
}

/// Holds a screen against its file in `tests/golden/screens/`; `NATCOIN_BLESS=1` writes it anew.
#[track_caller]
fn same(model: &Model, name: &str) {
    let shown = screen(model);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/screens");
    let path = folder.join(format!("{name}.txt"));
    if std::env::var_os("NATCOIN_BLESS").is_some_and(|mode| mode == "1") {
        std::fs::write(&path, &shown).unwrap();
    }
    let frozen = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(
        shown, frozen,
        "the screen {name} has changed; NATCOIN_BLESS=1 writes it anew\n{shown}"
    );
}
