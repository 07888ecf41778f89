//! The owner's contacts: who they are is proven when they are noted.

use super::field::Field;
use super::model::Notice;
use super::open::{Open, Tab, step};
use super::suggest;
use super::{Effect, Key};
use crate::chain::key::Address;
use crate::chain::name::Name;
use crate::cli::failure::Failure;
use crate::cli::values;
use crate::wallet::contacts::Contact;

/// The screen.
#[derive(Debug, Default)]
pub struct ContactsPane {
    pub chosen: usize,
    /// Who, and what the owner calls them; while one is being added.
    pub form: Option<[Field; 2]>,
    pub focus: usize,
    /// The one to be removed, if the owner says so again.
    pub removing: bool,
    is_under_way: bool,
}

impl ContactsPane {
    pub fn field(&mut self) -> Option<&mut Field> {
        let focus = self.focus;
        self.form.as_mut().map(|fields| &mut fields[focus])
    }

    pub fn is_asking(&self) -> bool {
        self.removing
    }

    /// Somebody is to be noted.
    pub fn add(&mut self, who: &str) {
        let label = who.trim_start_matches('@');
        let label = if label.starts_with("nat1") { "" } else { label };
        self.form = Some([Field::with(who), Field::with(label)]);
        self.focus = usize::from(!who.is_empty());
        self.removing = false;
    }
}

impl Open {
    pub(super) fn contacts_key(&mut self, key: Key, now_ms: u64) -> Vec<Effect> {
        if self.panes.contacts.form.is_some() {
            return self.contact_form_key(key, now_ms);
        }
        let chosen = self.contacts.all().get(self.panes.contacts.chosen).cloned();
        let length = self.contacts.all().len();
        let pane = &mut self.panes.contacts;
        if std::mem::take(&mut pane.removing) {
            if let (Key::Char('y'), Some(contact)) = (key, chosen) {
                let mut contacts = self.contacts.clone();
                contacts.remove(&contact.address);
                self.contacts = contacts.clone();
                self.panes.contacts.chosen =
                    self.panes.contacts.chosen.min(length.saturating_sub(2));
                return vec![Effect::KeepContacts(contacts)];
            }
            return Vec::new();
        }
        match (key, chosen) {
            (Key::Esc, _) => return self.show(Tab::Home),
            (Key::Char('a'), _) => pane.add(""),
            (Key::Char('d') | Key::Delete, Some(_)) => pane.removing = true,
            (Key::Enter, Some(contact)) => {
                let who = match contact.name {
                    Some(name) => format!("@{name}"),
                    None => contact.address.to_string(),
                };
                self.panes.send.to(&who);
                return self.show(Tab::Send);
            }
            _ => step(&mut pane.chosen, key, length),
        }
        Vec::new()
    }

    fn contact_form_key(&mut self, key: Key, now_ms: u64) -> Vec<Effect> {
        let pane = &mut self.panes.contacts;
        let Some(fields) = &mut pane.form else {
            return Vec::new();
        };
        match key {
            Key::Esc => pane.form = None,
            Key::Tab | Key::Down | Key::Up | Key::BackTab => pane.focus = 1 - pane.focus,
            Key::Enter if pane.focus == 0 => {
                let who = fields[0].trimmed().trim_start_matches('@');
                if fields[1].is_empty() && who.parse::<Name>().is_ok() {
                    fields[1] = Field::with(who);
                }
                pane.focus = 1;
            }
            Key::Enter if pane.is_under_way => {}
            Key::Enter => {
                let typed = fields[0].text().to_owned();
                match values::payee(&suggest::payee_text(self, &typed)) {
                    Ok(payee) => {
                        self.panes.contacts.is_under_way = true;
                        return vec![Effect::Resolve(payee)];
                    }
                    Err(failure) => {
                        self.panes.contacts.focus = 0;
                        self.say(failure, now_ms);
                    }
                }
            }
            key => {
                fields[pane.focus].key(key);
            }
        }
        Vec::new()
    }

    /// It is proven who is to be noted.
    pub(super) fn resolved(
        &mut self,
        found: Result<(Address, Option<Name>), Failure>,
        now_ms: u64,
    ) -> Vec<Effect> {
        self.panes.contacts.is_under_way = false;
        let Some([_, label]) = &self.panes.contacts.form else {
            return Vec::new();
        };
        let label = label.trimmed().to_owned();
        let mut contacts = self.contacts.clone();
        let added = found.and_then(|(address, name)| {
            let contact = Contact {
                label: label.clone(),
                address,
                name,
            };
            Ok(contacts.add(contact)?)
        });
        match added {
            Ok(()) => {
                self.contacts = contacts.clone();
                self.panes.contacts.form = None;
                self.say(Notice::Good(format!("noted: {label}")), now_ms);
                vec![Effect::KeepContacts(contacts)]
            }
            Err(failure) => {
                self.say(failure, now_ms);
                Vec::new()
            }
        }
    }
}
