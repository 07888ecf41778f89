//! Who is meant: names completed from contacts, from those paid before, and from who is there now; and what is to be
//! warned of before paying.

use std::collections::BTreeSet;

use super::open::Open;
use crate::chain::key::Address;
use crate::chain::name::Name;
use crate::chain::transaction::Operation;
use crate::node::session::Plan;
use crate::wallet::lookalike;

/// Most suggestions at a time.
pub const MOST: usize = 5;

/// Somebody who may be meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestion {
    /// What is typed for them.
    pub insert: String,
    /// Where they are known from.
    pub why: String,
}

/// Who may be meant by what is typed so far.
pub fn suggest(open: &Open, typed: &str) -> Vec<Suggestion> {
    let wanted = typed.trim().trim_start_matches('@').to_lowercase();
    let mut seen = BTreeSet::new();
    let own = open.seen.balance.as_ref().and_then(|one| one.name.clone());
    if let Some(own) = own {
        seen.insert(format!("@{own}"));
    }
    let mut found = Vec::new();
    let mut offer = |insert: String, words: &str, why: String| {
        let is_meant = wanted.is_empty() || words.to_lowercase().contains(&wanted);
        let is_typed = insert.trim_start_matches('@') == wanted;
        if is_meant && !is_typed && found.len() < MOST && seen.insert(insert.clone()) {
            found.push(Suggestion { insert, why });
        }
    };
    for contact in open.contacts.all() {
        let insert = match &contact.name {
            Some(name) => format!("@{name}"),
            None => contact.address.to_string(),
        };
        let words = format!("{} {insert}", contact.label);
        offer(insert, &words, format!("contact: {}", contact.label));
    }
    let entries = open.seen.history.iter().flat_map(|one| &one.entries);
    for name in entries.filter_map(|entry| entry.counterparty_name.as_ref()) {
        offer(
            format!("@{name}"),
            name.as_str(),
            "dealt with before".to_owned(),
        );
    }
    let there = open.seen.directory.iter().flat_map(|one| &one.found);
    for name in there.filter_map(|one| one.name.as_ref()) {
        offer(format!("@{name}"), name.as_str(), "there now".to_owned());
    }
    found
}

/// What was typed, as a payee: a contact's label stands for the contact, and a bare name for the name.
pub fn payee_text(open: &Open, typed: &str) -> String {
    let typed = typed.trim();
    let folded = typed.to_lowercase();
    let labelled = open
        .contacts
        .all()
        .iter()
        .find(|one| one.label.to_lowercase() == folded);
    match labelled {
        Some(contact) => match &contact.name {
            Some(name) => format!("@{name}"),
            None => contact.address.to_string(),
        },
        None if typed.starts_with('@')
            || folded.starts_with("nat1")
            || folded.starts_with("natcoin:") =>
        {
            typed.to_owned()
        }
        None if typed.parse::<Name>().is_ok() => format!("@{typed}"),
        None => typed.to_owned(),
    }
}

/// What is to be thought about before paying: what must be confirmed by a word, and what is good to know.
pub fn doubts(open: &Open, plan: &Plan) -> (Vec<String>, Vec<String>) {
    let Operation::Transfer { to, .. } = &plan.operation else {
        return (Vec::new(), Vec::new());
    };
    let (mut grave, mut slight) = (Vec::new(), Vec::new());
    if let Some(name) = &plan.to_name {
        let known = known_names(open, to);
        if let Some(other) = lookalike::looks_like(name, &known) {
            grave.push(format!(
                "@{name} looks like @{other}, whom you know. Is it @{name} whom you mean?"
            ));
        }
        if let Some(contact) = open.contacts.named(name)
            && contact.address != *to
        {
            grave.push(format!(
                "the name of your contact {:?} leads to another account than when you noted it",
                contact.label
            ));
        }
    }
    if open.contacts.of(to).is_none() && !has_dealt_with(open, to) {
        slight.push("you have not dealt with this account before".to_owned());
    }
    (grave, slight)
}

/// The names that the owner knows; that of the payee itself only if they were dealt with before.
fn known_names(open: &Open, payee: &Address) -> Vec<Name> {
    let mut names: Vec<Name> = open
        .contacts
        .all()
        .iter()
        .filter_map(|one| one.name.clone())
        .collect();
    let entries = open.seen.history.iter().flat_map(|one| &one.entries);
    names.extend(entries.filter_map(|entry| entry.counterparty_name.clone()));
    names.extend(open.seen.balance.iter().filter_map(|one| one.name.clone()));
    let there = open.seen.directory.iter().flat_map(|one| &one.found);
    let others = there.filter(|one| one.account != *payee);
    names.extend(others.filter_map(|one| one.name.clone()));
    names.sort();
    names.dedup();
    names
}

fn has_dealt_with(open: &Open, address: &Address) -> bool {
    let mut entries = open.seen.history.iter().flat_map(|one| &one.entries);
    entries.any(|entry| entry.counterparty == Some(*address))
}
