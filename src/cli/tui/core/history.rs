//! The past: searched, looked at, and written to a file.

use super::field::Field;
use super::open::{Open, PAGE, Tab, step};
use super::{Effect, Key};
use crate::cli::report::wallet::{EntryKind, HistoryEntry};

/// What is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Typing {
    #[default]
    Nothing,
    /// What to look for.
    Search,
    /// The file to write to.
    File,
}

/// The screen.
#[derive(Debug)]
pub struct HistoryPane {
    pub chosen: usize,
    pub search: Field,
    pub file: Field,
    pub typing: Typing,
    wanted: usize,
}

impl Default for HistoryPane {
    fn default() -> Self {
        Self {
            chosen: 0,
            search: Field::default(),
            file: Field::default(),
            typing: Typing::Nothing,
            wanted: PAGE,
        }
    }
}

impl HistoryPane {
    pub fn field(&mut self) -> Option<&mut Field> {
        match self.typing {
            Typing::Nothing => None,
            Typing::Search => Some(&mut self.search),
            Typing::File => Some(&mut self.file),
        }
    }

    /// How many entries are asked for.
    pub fn wanted(&self) -> usize {
        self.wanted
    }
}

/// Whether an entry has what is looked for: in its other party, its memo, its amount, its time or its number.
fn has(entry: &HistoryEntry, wanted: &str) -> bool {
    let kind = match entry.kind {
        EntryKind::Sent => "sent",
        EntryKind::Received => "received",
        EntryKind::Named => "named",
        EntryKind::VoucherOpened => "voucher opened",
        EntryKind::VoucherClaimed => "voucher claimed",
        EntryKind::VoucherTaken => "voucher taken",
        EntryKind::VoucherReclaimed => "voucher taken back",
    };
    let name = entry.counterparty_name.as_ref();
    let texts = [
        kind.to_owned(),
        name.map(|name| format!("@{name}")).unwrap_or_default(),
        entry
            .counterparty
            .map(|one| one.to_string())
            .unwrap_or_default(),
        entry.memo.to_lowercase(),
        entry.amount.to_string(),
        entry.time.clone().unwrap_or_default().to_lowercase(),
        entry.transaction.to_string(),
        format!("block {}", entry.height),
    ];
    let wanted = wanted.to_lowercase();
    wanted
        .split_whitespace()
        .all(|word| texts.iter().any(|text| text.contains(word)))
}

impl Open {
    /// The entries that have what is looked for, the newest first.
    pub fn found(&self) -> Vec<&HistoryEntry> {
        let wanted = self.panes.history.search.trimmed();
        let entries = self.seen.history.iter().flat_map(|all| &all.entries);
        entries.filter(|entry| has(entry, wanted)).collect()
    }

    pub(super) fn history_key(&mut self, key: Key, now_ms: u64) -> Vec<Effect> {
        match self.panes.history.typing {
            Typing::Nothing => self.past_key(key),
            Typing::Search => {
                let pane = &mut self.panes.history;
                match key {
                    Key::Esc => {
                        pane.search.clear();
                        pane.typing = Typing::Nothing;
                    }
                    Key::Enter | Key::Down => pane.typing = Typing::Nothing,
                    key => {
                        pane.search.key(key);
                        pane.chosen = 0;
                    }
                }
                Vec::new()
            }
            Typing::File => {
                let pane = &mut self.panes.history;
                match key {
                    Key::Esc => pane.typing = Typing::Nothing,
                    Key::Enter if !pane.file.trimmed().is_empty() => {
                        pane.typing = Typing::Nothing;
                        let path = pane.file.trimmed().to_owned();
                        let text = super::model::Notice::Plain("writing the history".to_owned());
                        self.say(text, now_ms);
                        return vec![Effect::Export(path)];
                    }
                    key => {
                        pane.file.key(key);
                    }
                }
                Vec::new()
            }
        }
    }

    fn past_key(&mut self, key: Key) -> Vec<Effect> {
        let found = self.found();
        let length = found.len();
        let chosen = found
            .get(self.panes.history.chosen)
            .map(|entry| (*entry).clone());
        let pane = &mut self.panes.history;
        match (key, chosen) {
            (Key::Esc, _) if pane.search.is_empty() => return self.show(Tab::Home),
            (Key::Esc, _) => pane.search.clear(),
            (Key::Char('/'), _) => pane.typing = Typing::Search,
            (Key::Char('e'), _) => {
                pane.file = Field::with(&format!("natcoin-{}.csv", self.me.profile));
                pane.typing = Typing::File;
            }
            (Key::Char('m'), _) => {
                pane.wanted = pane.wanted.saturating_mul(2);
                return self.ask_ledger();
            }
            (Key::Enter, Some(entry)) => self.popup = Some(Box::new(entry)),
            _ => step(&mut pane.chosen, key, length),
        }
        Vec::new()
    }
}
