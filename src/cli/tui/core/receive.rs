//! Being paid: the address as a QR code, and requests of one's own.

use super::field::Field;
use super::model::Notice;
use super::open::{Open, Tab, step};
use super::suggest;
use super::{Asking, Effect, Key};
use crate::cli::failure::Failure;
use crate::cli::report::wallet::{Asked, Requested};
use crate::cli::values;

/// What the screen shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Shown {
    /// The address, and the list of requests.
    #[default]
    Address,
    /// The form of a new request.
    Form,
    /// A request's line and code.
    Request,
}

/// The screen.
#[derive(Debug, Default)]
pub struct Receive {
    pub shown: Shown,
    /// How much, of whom, what for.
    pub fields: [Field; 3],
    pub focus: usize,
    pub chosen: usize,
    /// The code is drawn light on dark the other way round.
    pub is_inverted: bool,
    /// The line of the request that is shown.
    pub line: String,
    pub title: String,
    is_under_way: bool,
}

impl Receive {
    pub fn field(&mut self) -> Option<&mut Field> {
        (self.shown == Shown::Form).then(|| &mut self.fields[self.focus])
    }

    fn show_line(&mut self, title: String, line: String) {
        self.shown = Shown::Request;
        self.title = title;
        self.line = line;
    }
}

impl Open {
    /// The owner's own requests that can still be paid.
    pub fn own_requests(&self) -> Vec<&Asked> {
        let asked = self.seen.dealings.iter().flat_map(|all| &all.asked);
        asked.filter(|one| one.state == "open").collect()
    }

    pub(super) fn receive_key(&mut self, key: Key, now_ms: u64) -> Vec<Effect> {
        match self.panes.receive.shown {
            Shown::Address => self.address_key(key),
            Shown::Form => self.form_key(key, now_ms),
            Shown::Request => {
                let receive = &mut self.panes.receive;
                match key {
                    Key::Esc | Key::Enter => receive.shown = Shown::Address,
                    Key::Char('i') => receive.is_inverted = !receive.is_inverted,
                    _ => {}
                }
                Vec::new()
            }
        }
    }

    fn address_key(&mut self, key: Key) -> Vec<Effect> {
        let requests = self.own_requests();
        let (length, at) = (requests.len(), self.panes.receive.chosen);
        let chosen = requests.get(at).map(|one| {
            let title = format!("Request of {} NAT, until {}", one.amount, one.until);
            (one.request, title, one.line.clone().unwrap_or_default())
        });
        let receive = &mut self.panes.receive;
        match (key, chosen) {
            (Key::Esc, _) => return self.show(Tab::Home),
            (Key::Char('n'), _) => {
                receive.fields = Default::default();
                receive.focus = 0;
                receive.shown = Shown::Form;
            }
            (Key::Char('i'), _) => receive.is_inverted = !receive.is_inverted,
            (Key::Enter, Some((_, title, line))) => receive.show_line(title, line),
            (Key::Char('w'), Some((request, ..))) => return vec![Effect::Withdraw(request)],
            _ => step(&mut receive.chosen, key, length),
        }
        Vec::new()
    }

    fn form_key(&mut self, key: Key, now_ms: u64) -> Vec<Effect> {
        let receive = &mut self.panes.receive;
        match key {
            Key::Esc => receive.shown = Shown::Address,
            Key::Tab | Key::Down => receive.focus = (receive.focus + 1).min(2),
            Key::BackTab | Key::Up => receive.focus = receive.focus.saturating_sub(1),
            Key::Enter if receive.focus < 2 => receive.focus += 1,
            Key::Enter if receive.is_under_way => {}
            Key::Enter => match self.asking() {
                Ok(asking) => {
                    self.panes.receive.is_under_way = true;
                    return vec![Effect::Request(Box::new(asking))];
                }
                Err(failure) => {
                    self.panes.receive.focus = usize::from(failure.code != "amount_invalid");
                    self.say(failure, now_ms);
                }
            },
            key => {
                let focus = receive.focus;
                receive.fields[focus].key(key);
            }
        }
        Vec::new()
    }

    fn asking(&self) -> Result<Asking, Failure> {
        let [amount, whom, text] = &self.panes.receive.fields;
        let whom = match whom.trimmed() {
            "" => None,
            typed => Some(values::payee(&suggest::payee_text(self, typed))?),
        };
        Ok(Asking {
            amount: values::amount(amount.trimmed())?,
            whom,
            text: text.trimmed().to_owned(),
        })
    }

    /// A request is made, or refused.
    pub(super) fn requested(
        &mut self,
        made: Result<Box<Requested>, Failure>,
        now_ms: u64,
    ) -> Vec<Effect> {
        self.panes.receive.is_under_way = false;
        match made {
            Ok(made) => {
                let whom = made.who.as_deref().unwrap_or("anybody");
                let title = format!(
                    "Request of {} NAT to {whom}, until {}",
                    made.amount, made.until
                );
                self.panes.receive.show_line(title, made.line.clone());
                if made.who.is_some() {
                    let text = format!("{whom} is told as soon as their wallet is there");
                    self.say(Notice::Good(text), now_ms);
                }
                self.ask_ledger()
            }
            Err(failure) => {
                self.say(failure, now_ms);
                Vec::new()
            }
        }
    }
}
