//! An open wallet: what is known, which screen is shown, and who gets a key.

use super::activity::{self, Moving};
use super::contacts::ContactsPane;
use super::field::Field;
use super::history::HistoryPane;
use super::model::{Me, Notice};
use super::receive::Receive;
use super::send::Send;
use super::settings::Settings;
use super::{Effect, Event, Key, Ledger};
use crate::chain::name::Name;
use crate::cli::failure::Failure;
use crate::cli::report::directory::Directory;
use crate::cli::report::wallet::{
    Balance, Dealings, EntryKind, History, HistoryEntry, WalletNodes, WalletReach,
};
use crate::cli::wallet::live::Pulse;
use crate::cli::wallet::payment::Order;
use crate::node::session::Intent;
use crate::wallet::contacts::Contacts;

/// How much of the past is asked for at first, and how much more each time.
pub const PAGE: usize = 200;
/// How long a word to the owner stays.
const NOTICE_MS: u64 = 12_000;
/// How often what is shown is asked for again, though nothing was heard.
const LEDGER_MS: u64 = 15_000;
const NODES_MS: u64 = 2_000;
const DIRECTORY_MS: u64 = 10_000;

/// The screens, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tab {
    Home,
    Send,
    Receive,
    Contacts,
    History,
    Nodes,
    Directory,
    Settings,
}

/// All screens.
pub const TABS: [Tab; 8] = [
    Tab::Home,
    Tab::Send,
    Tab::Receive,
    Tab::Contacts,
    Tab::History,
    Tab::Nodes,
    Tab::Directory,
    Tab::Settings,
];

impl Tab {
    /// Its name.
    pub fn title(self) -> &'static str {
        match self {
            Self::Home => "Home",
            Self::Send => "Send",
            Self::Receive => "Receive",
            Self::Contacts => "Contacts",
            Self::History => "History",
            Self::Nodes => "Nodes",
            Self::Directory => "Directory",
            Self::Settings => "Settings",
        }
    }
}

/// What the hands have found out.
#[derive(Debug, Default)]
pub struct Seen {
    pub pulse: Option<Pulse>,
    pub balance: Option<Balance>,
    pub history: Option<History>,
    pub dealings: Option<Dealings>,
    pub nodes: Option<WalletNodes>,
    pub reach: Option<WalletReach>,
    pub directory: Option<Directory>,
    /// Why the ledger could not be asked, the last time.
    pub failure: Option<Failure>,
}

/// What is being asked for, and when it was asked last.
#[derive(Debug, Default)]
struct Asked {
    ledger: Turn,
    nodes: Turn,
    directory: Turn,
}

#[derive(Debug, Default)]
struct Turn {
    is_under_way: bool,
    again: bool,
    at_ms: u64,
}

/// An open wallet.
#[derive(Debug)]
pub struct Open {
    pub me: Me,
    pub contacts: Contacts,
    pub settings: Settings,
    pub seen: Seen,
    pub tab: Tab,
    pub moving: Vec<Moving>,
    pub panes: Panes,
    /// The entry whose particulars are shown over the screen.
    pub popup: Option<Box<HistoryEntry>>,
    pub notice: Option<(Notice, u64)>,
    /// The owner has asked for the lock.
    pub wants_lock: bool,
    asked: Asked,
    next_key: u64,
}

/// What each screen remembers.
#[derive(Debug, Default)]
pub struct Panes {
    pub home: usize,
    pub send: Send,
    pub receive: Receive,
    pub contacts: ContactsPane,
    pub history: HistoryPane,
    pub nodes: usize,
    pub directory: usize,
    pub settings: usize,
    /// The name that is being typed, to be taken.
    pub name: Option<Field>,
}

impl Open {
    pub fn new(me: Me, contacts: Contacts, settings: Settings) -> Self {
        Self {
            me,
            contacts,
            panes: Panes {
                send: Send::new(settings.public_memos),
                ..Panes::default()
            },
            settings,
            seen: Seen::default(),
            tab: Tab::Home,
            moving: Vec::new(),
            popup: None,
            notice: None,
            wants_lock: false,
            asked: Asked::default(),
            next_key: 0,
        }
    }

    /// What is asked for first.
    pub fn begin(&self) -> Vec<Effect> {
        vec![Effect::Ledger(PAGE), Effect::Directory]
    }

    /// Whether a payment of this run has no end yet.
    pub fn is_paying(&self) -> bool {
        self.moving.iter().any(|one| one.end.is_none())
    }

    /// The line that is being typed.
    pub fn field(&mut self) -> Option<&mut Field> {
        match self.tab {
            Tab::Send => self.panes.send.field(),
            Tab::Receive => self.panes.receive.field(),
            Tab::Contacts => self.panes.contacts.field(),
            Tab::History => self.panes.history.field(),
            Tab::Settings => self.panes.name.as_mut(),
            _ => None,
        }
    }

    /// A word to the owner.
    pub fn say(&mut self, notice: impl Into<Notice>, now_ms: u64) {
        self.notice = Some((notice.into(), now_ms.saturating_add(NOTICE_MS)));
    }

    /// Shows a screen.
    pub fn show(&mut self, tab: Tab) -> Vec<Effect> {
        self.tab = tab;
        self.popup = None;
        match tab {
            Tab::Nodes => self.ask_nodes(),
            Tab::Directory => self.ask_directory(),
            _ => Vec::new(),
        }
    }

    pub fn key(&mut self, key: Key, now_ms: u64) -> Vec<Effect> {
        if self.popup.is_some() {
            if matches!(key, Key::Esc | Key::Enter | Key::Char('q')) {
                self.popup = None;
            }
            return Vec::new();
        }
        if let Key::F(number @ 1..=8) = key {
            return self.show(TABS[usize::from(number) - 1]);
        }
        if self.field().is_none() && !self.panes_are_asking() {
            match key {
                Key::Char(digit @ '1'..='8') => {
                    let at = digit.to_digit(10).map_or(0, |digit| digit as usize - 1);
                    return self.show(TABS[at]);
                }
                Key::Char('l') => {
                    self.wants_lock = true;
                    if self.is_paying() {
                        let text =
                            "locked as soon as the payment has its end, or is kept for later";
                        self.say(Notice::Plain(text.to_owned()), now_ms);
                    }
                    return Vec::new();
                }
                Key::Char('q') => return vec![Effect::Quit],
                _ => {}
            }
        }
        match self.tab {
            Tab::Home => self.home_key(key),
            Tab::Send => self.send_key(key, now_ms),
            Tab::Receive => self.receive_key(key, now_ms),
            Tab::Contacts => self.contacts_key(key, now_ms),
            Tab::History => self.history_key(key, now_ms),
            Tab::Nodes => {
                let length = self.seen.nodes.as_ref().map_or(0, |list| list.nodes.len());
                step(&mut self.panes.nodes, key, length);
                Vec::new()
            }
            Tab::Directory => self.directory_key(key),
            Tab::Settings => self.settings_key(key, now_ms),
        }
    }

    /// Whether the screen asks something that one key answers.
    fn panes_are_asking(&self) -> bool {
        match self.tab {
            Tab::Send => self.panes.send.is_asking(),
            Tab::Contacts => self.panes.contacts.is_asking(),
            _ => false,
        }
    }

    fn home_key(&mut self, key: Key) -> Vec<Effect> {
        let rows = activity::rows(self);
        let chosen = rows.get(self.panes.home);
        match (key, chosen) {
            (Key::Char('s'), _) => return self.show(Tab::Send),
            (Key::Char('r'), _) => return self.show(Tab::Receive),
            (Key::Char('n'), _) => return self.take_name(),
            (Key::Char('p') | Key::Enter, Some(activity::Row::Asked(asked))) => {
                let order = activity::order_for(asked);
                self.panes.send.begin_plan();
                self.tab = Tab::Send;
                return vec![Effect::Plan(Box::new(order))];
            }
            (Key::Char('d'), Some(activity::Row::Asked(asked))) => {
                return vec![Effect::Decline(asked.request)];
            }
            (Key::Enter, Some(row)) => self.popup = row.entry().cloned().map(Box::new),
            _ => {
                let length = rows.len();
                step(&mut self.panes.home, key, length);
            }
        }
        Vec::new()
    }

    /// The name that the owner wished for, while they have none.
    pub fn wish(&self) -> Option<&str> {
        let balance = self.seen.balance.as_ref()?;
        let wished = self.settings.wished_name.as_deref()?;
        (balance.name.is_none() && !balance.balance.is_zero()).then_some(wished)
    }

    fn take_name(&mut self) -> Vec<Effect> {
        match self.wish().and_then(|wished| wished.parse().ok()) {
            Some(name) => self.claim(name),
            None => Vec::new(),
        }
    }

    fn claim(&mut self, name: Name) -> Vec<Effect> {
        self.panes.send.begin_plan();
        self.tab = Tab::Send;
        vec![Effect::Plan(Box::new(Order::Intent(Intent::ClaimName(
            name,
        ))))]
    }

    fn directory_key(&mut self, key: Key) -> Vec<Effect> {
        let found = self
            .seen
            .directory
            .as_ref()
            .map_or(&[][..], |one| &one.found);
        let length = found.len();
        let chosen = found.get(self.panes.directory).map(|one| match &one.name {
            Some(name) => format!("@{name}"),
            None => one.account.to_string(),
        });
        match (key, chosen) {
            (Key::Enter, Some(who)) => {
                self.panes.send.to(&who);
                return self.show(Tab::Send);
            }
            (Key::Char('a'), Some(who)) => {
                self.panes.contacts.add(&who);
                return self.show(Tab::Contacts);
            }
            _ => step(&mut self.panes.directory, key, length),
        }
        Vec::new()
    }

    /// Whether the account is known to have no name, so that it can take one.
    pub fn can_take_name(&self) -> bool {
        let balance = self.seen.balance.as_ref();
        balance.is_some_and(|one| one.name.is_none())
    }

    fn settings_key(&mut self, key: Key, now_ms: u64) -> Vec<Effect> {
        if let Some(typed) = &mut self.panes.name {
            match key {
                Key::Esc => self.panes.name = None,
                Key::Enter => match typed.trimmed().parse::<Name>() {
                    Ok(name) => {
                        self.panes.name = None;
                        return self.claim(name);
                    }
                    Err(error) => self.say(Failure::from(error), now_ms),
                },
                key => {
                    typed.key(key);
                }
            }
            return Vec::new();
        }
        if !matches!(key, Key::Enter | Key::Char(' ')) {
            step(&mut self.panes.settings, key, 4);
            return Vec::new();
        }
        match self.panes.settings {
            0 => self.settings.next_idle(),
            1 => self.settings.be_found = !self.settings.be_found,
            2 => {
                self.settings.public_memos = !self.settings.public_memos;
                self.panes.send.is_public = self.settings.public_memos;
            }
            _ => {
                if self.can_take_name() {
                    self.panes.name = Some(Field::default());
                }
                return Vec::new();
            }
        }
        vec![Effect::KeepSettings(self.settings.clone())]
    }

    /// A payment begins: a number of its own.
    pub fn next_key(&mut self) -> u64 {
        self.next_key += 1;
        self.next_key
    }

    /// Asks for the ledger now, or as soon as what is under way has come.
    pub fn ask_ledger(&mut self) -> Vec<Effect> {
        let turn = &mut self.asked.ledger;
        if std::mem::replace(&mut turn.is_under_way, true) {
            turn.again = true;
            return Vec::new();
        }
        vec![Effect::Ledger(self.panes.history.wanted())]
    }

    fn ask_nodes(&mut self) -> Vec<Effect> {
        match std::mem::replace(&mut self.asked.nodes.is_under_way, true) {
            true => Vec::new(),
            false => vec![Effect::Nodes],
        }
    }

    fn ask_directory(&mut self) -> Vec<Effect> {
        match std::mem::replace(&mut self.asked.directory.is_under_way, true) {
            true => Vec::new(),
            false => vec![Effect::Directory],
        }
    }

    pub fn tick(&mut self, now_ms: u64) -> Vec<Effect> {
        if self
            .notice
            .as_ref()
            .is_some_and(|(_, until)| *until <= now_ms)
        {
            self.notice = None;
        }
        let is_due = |turn: &Turn, every: u64| now_ms.saturating_sub(turn.at_ms) >= every;
        let mut effects = Vec::new();
        if !self.asked.ledger.is_under_way && is_due(&self.asked.ledger, LEDGER_MS) {
            self.asked.ledger.at_ms = now_ms;
            effects.extend(self.ask_ledger());
        }
        if self.tab == Tab::Nodes && is_due(&self.asked.nodes, NODES_MS) {
            self.asked.nodes.at_ms = now_ms;
            effects.extend(self.ask_nodes());
        }
        if self.tab == Tab::Directory && is_due(&self.asked.directory, DIRECTORY_MS) {
            self.asked.directory.at_ms = now_ms;
            effects.extend(self.ask_directory());
        }
        effects
    }

    pub fn told(&mut self, event: Event, now_ms: u64) -> Vec<Effect> {
        match event {
            Event::Pulse(pulse) => {
                let was_online = self.seen.pulse.as_ref().is_some_and(|one| one.online);
                let is_back = pulse.online && !was_online;
                self.seen.pulse = Some(pulse);
                return if is_back {
                    self.ask_ledger()
                } else {
                    Vec::new()
                };
            }
            Event::Final(event) => {
                let entry = &event.entry;
                if entry.kind == EntryKind::Received {
                    let from = activity::who(entry);
                    let text = format!("+{} NAT from {from}, final", entry.amount);
                    self.say(Notice::Good(text), now_ms);
                }
                return self.ask_ledger();
            }
            Event::Word(dealing) => {
                if let Some(text) = activity::word(&dealing) {
                    self.say(Notice::Plain(text), now_ms);
                }
                return self.ask_ledger();
            }
            Event::Connected | Event::Changed => return self.ask_ledger(),
            Event::Waiting(text) => self.say(Notice::Plain(text), now_ms),
            Event::Ended(failure) => self.say(failure, now_ms),
            Event::Ledger(read) => return self.ledger_came(read, now_ms),
            Event::Nodes(nodes, reach) => {
                self.asked.nodes.is_under_way = false;
                self.asked.nodes.at_ms = now_ms;
                self.seen.nodes = Some(*nodes);
                self.seen.reach = reach.map(|reach| *reach);
            }
            Event::Directory(read) => {
                self.asked.directory.is_under_way = false;
                self.asked.directory.at_ms = now_ms;
                match read {
                    Ok(directory) => self.seen.directory = Some(*directory),
                    Err(failure) if self.tab == Tab::Directory => self.say(failure, now_ms),
                    Err(_) => {}
                }
            }
            Event::Planned(planned) => self.planned(planned, now_ms),
            Event::Way(key, id, text) => self.way(key, id, text),
            Event::Paid(key, end) => return self.paid(key, end, now_ms),
            Event::Requested(made) => return self.requested(made, now_ms),
            Event::Resolved(found) => return self.resolved(found, now_ms),
            Event::Done(Ok(text)) => {
                self.say(Notice::Good(text), now_ms);
                return self.ask_ledger();
            }
            Event::Done(Err(failure)) => self.say(failure, now_ms),
            _ => {}
        }
        Vec::new()
    }

    fn ledger_came(&mut self, read: Result<Box<Ledger>, Failure>, now_ms: u64) -> Vec<Effect> {
        let turn = &mut self.asked.ledger;
        turn.is_under_way = false;
        turn.at_ms = now_ms;
        let again = std::mem::take(&mut turn.again);
        match read {
            Ok(ledger) => {
                let Ledger {
                    balance,
                    history,
                    dealings,
                } = *ledger;
                let has = |id| history.entries.iter().any(|entry| entry.transaction == id);
                self.moving.retain(|one| !one.is_in(has));
                self.seen.balance = Some(balance);
                self.seen.history = Some(history);
                self.seen.dealings = dealings;
                self.seen.failure = None;
            }
            Err(failure) => self.seen.failure = Some(failure),
        }
        let rows = activity::rows(self).len();
        self.panes.home = self.panes.home.min(rows.saturating_sub(1));
        if again { self.ask_ledger() } else { Vec::new() }
    }
}

/// Moves a choice in a list of so many.
pub fn step(chosen: &mut usize, key: Key, length: usize) {
    let last = length.saturating_sub(1);
    *chosen = match key {
        Key::Up | Key::Char('k') => chosen.saturating_sub(1),
        Key::Down | Key::Char('j') => *chosen + 1,
        Key::PageUp => chosen.saturating_sub(10),
        Key::PageDown => *chosen + 10,
        Key::Home => 0,
        Key::End => last,
        _ => *chosen,
    };
    *chosen = (*chosen).min(last);
}
