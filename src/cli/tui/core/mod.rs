//! The wallet's screens as a machine: `update(model, event, now) -> effects`, and nothing else. No clock, no chance, no
//! file, no network: those are the hands (`../hands/`), which perform the effects and answer with events. What is drawn
//! is a function of the model (`../view/`).
//!
//! Never: a payment whose plan was not shown and confirmed. Next: `model.rs` (what there is), `open.rs` (an open wallet).

pub mod activity;
pub mod contacts;
pub mod csv;
pub mod field;
pub mod history;
pub mod model;
pub mod open;
pub mod receive;
pub mod send;
pub mod settings;
pub mod suggest;
pub mod unlock;
pub mod wizard;

use zeroize::Zeroizing;

use self::model::{Model, Stage};
use self::settings::Settings;
use crate::chain::amount::Amount;
use crate::chain::hash::Hash;
use crate::chain::key::Address;
use crate::chain::name::Name;
use crate::cli::failure::Failure;
use crate::cli::report::directory::Directory;
use crate::cli::report::payment::PaymentFinal;
use crate::cli::report::wallet::{
    Balance, Dealing, Dealings, History, Requested, WalletNodes, WalletReach, WatchEvent,
};
use crate::cli::values::Payee;
use crate::cli::wallet::live::Pulse;
use crate::cli::wallet::payment::Order;
use crate::node::session::Plan;
use crate::wallet::contacts::Contacts;

/// A key, as far as the screens know keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    Char(char),
    Ctrl(char),
    F(u8),
    Enter,
    Esc,
    Tab,
    BackTab,
    Up,
    Down,
    Left,
    Right,
    Home,
    End,
    PageUp,
    PageDown,
    Backspace,
    Delete,
}

/// What a network's file says, for the wizard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkSeen {
    pub network: String,
    pub genesis: String,
    pub resilience: String,
    /// Where it was read.
    pub source: String,
}

/// Twelve words that were drawn, and which of them are asked for.
#[derive(Debug)]
pub struct Drawn {
    pub words: Zeroizing<String>,
    pub asked: Vec<usize>,
}

/// What an opened wallet begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    pub me: model::Me,
    pub contacts: Contacts,
    pub settings: Settings,
}

/// What is in the ledger of the account, and in the wallet's own books.
#[derive(Debug)]
pub struct Ledger {
    pub balance: Balance,
    pub history: History,
    pub dealings: Option<Dealings>,
}

/// What happens.
#[derive(Debug)]
pub enum Event {
    Key(Key),
    Pasted(Zeroizing<String>),
    Resized(u16, u16),
    Tick,
    /// The wizard's network was read.
    Network(Result<NetworkSeen, Failure>),
    /// Words were drawn.
    Drawn(Drawn),
    /// The wallet was made, or opened.
    Opened(Result<Box<Opening>, Failure>),
    /// How the network is.
    Pulse(Pulse),
    /// This became final.
    Final(Box<WatchEvent>),
    /// Another wallet says this.
    Word(Box<Dealing>),
    /// A node tells from now on.
    Connected,
    /// How payments of an earlier run stand.
    Waiting(String),
    /// Something in the books has changed.
    Changed,
    /// The session has ended by itself.
    Ended(Failure),
    Ledger(Result<Box<Ledger>, Failure>),
    Nodes(Box<WalletNodes>, Option<Box<WalletReach>>),
    Directory(Result<Box<Directory>, Failure>),
    Planned(Result<Box<Plan>, Failure>),
    /// How a payment stands.
    Way(u64, Option<Hash>, String),
    /// What became of it.
    Paid(u64, Result<Box<PaymentFinal>, Failure>),
    Requested(Result<Box<Requested>, Failure>),
    /// Whose a name or address is, to be noted as a contact.
    Resolved(Result<(Address, Option<Name>), Failure>),
    /// A small act is done, or failed.
    Done(Result<String, Failure>),
}

/// A wallet to be made.
#[derive(Debug)]
pub struct Making {
    /// The bootstrap file that was named, if one was.
    pub network: Option<String>,
    pub password: Zeroizing<String>,
    /// The words to restore it from; those that were drawn, if none.
    pub words: Option<Zeroizing<String>>,
    pub wish: Option<Name>,
}

/// A request to be made.
#[derive(Debug)]
pub struct Asking {
    pub amount: Amount,
    pub whom: Option<Payee>,
    pub text: String,
}

/// What is to be done by the hands.
#[derive(Debug)]
pub enum Effect {
    ReadNetwork(Option<String>),
    Draw,
    Make(Box<Making>),
    Unlock(Zeroizing<String>),
    /// Close the session and let go of the key.
    Lock,
    Ledger(usize),
    Nodes,
    Directory,
    Plan(Box<Order>),
    Pay(u64, Box<Plan>),
    Request(Box<Asking>),
    Decline(Hash),
    Withdraw(Hash),
    Resolve(Payee),
    KeepContacts(Contacts),
    KeepSettings(Settings),
    /// Write the whole history to a file that is not there yet.
    Export(String),
    Quit,
}

/// The machine.
pub fn update(model: &mut Model, event: Event, now_ms: u64) -> Vec<Effect> {
    // A clock that was set back must not keep the wallet open.
    model.touched_ms = model.touched_ms.min(now_ms);
    model.now_ms = now_ms;
    match event {
        Event::Resized(width, height) => {
            model.size = (width, height);
            Vec::new()
        }
        Event::Tick => model.tick(),
        Event::Key(Key::Ctrl('c')) => model.quit(),
        Event::Key(key) => {
            model.touched_ms = now_ms;
            if model.is_too_small() {
                return match key {
                    Key::Char('q') => model.quit(),
                    _ => Vec::new(),
                };
            }
            match &mut model.stage {
                Stage::Wizard(wizard) => wizard.key(key),
                Stage::Locked(locked) => locked.key(key),
                Stage::Open(open) => open.key(key, now_ms),
            }
        }
        Event::Pasted(text) => {
            model.touched_ms = now_ms;
            match model.field() {
                Some(field) => field.insert(&text),
                None => drop(text),
            }
            Vec::new()
        }
        Event::Opened(opened) => model.opened(opened),
        event => match &mut model.stage {
            Stage::Wizard(wizard) => wizard.told(event),
            // What still comes of a session that is closed is of no use.
            Stage::Locked(_) => Vec::new(),
            Stage::Open(open) => open.told(event, now_ms),
        },
    }
}
