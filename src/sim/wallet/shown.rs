//! What owners are shown, and what they make of it; held against the judge.
//!
//! An owner who is shown that a payment has not happened may pay again, and one whose wallet has forgotten a payment
//! does: so a wallet that shows what is not true makes somebody pay twice.
//! Never: look at the chain but to judge what was shown. Next: `sim/judge/shown.rs`.

use std::collections::BTreeSet;

use rand::RngExt as _;

use super::pay::intent_of;
use super::user::{AUDITED, Intent};
use crate::chain::codec::Encode;
use crate::chain::query::{HistoryEntry, Moment};
use crate::chain::transaction::TransactionId;
use crate::sim::describe;
use crate::sim::trace::Parties;
use crate::sim::violation::Invariant;
use crate::sim::world::World;
use crate::wallet::draft::DEFAULT_VALIDITY;
use crate::wallet::journal::Journal;
use crate::wallet::payment::{Payment, Status};

impl World {
    /// After a start: what the journal knows of what was begun is shown, and what it has forgotten is begun anew.
    pub(super) fn take_up(&mut self, wallet: usize, journal: &Journal) {
        for number in std::mem::take(&mut self.wallet(wallet).begun) {
            let story = &self.wallets.stories[number];
            let last = story.signed.last().and_then(|id| journal.get(id));
            match last.cloned() {
                Some(payment) if payment.is_unresolved() => self.wallet(wallet).begun.push(number),
                Some(payment) => {
                    self.wallet(wallet).begun.push(number);
                    self.shown(wallet, &payment);
                }
                None => {
                    let intent = story.intent;
                    self.wallet(wallet).wants.push(intent);
                }
            }
        }
    }

    /// An intent is signed.
    pub(super) fn signed(&mut self, wallet: usize, number: u64, id: TransactionId) {
        let now = self.now();
        let party = self.party(wallet);
        self.note("signed", Parties(party, None), id.as_bytes(), || {
            format!("payment {number} is signed: {}", id.short())
        });
        let place = usize::try_from(number).unwrap_or(usize::MAX);
        let Some(story) = self.wallets.stories.get_mut(place) else {
            return;
        };
        story.signed.push(id);
        story.signed_at.get_or_insert(now);
        self.wallet(wallet).begun.push(place);
    }

    /// An intent could not be begun. Who must pay tries again; who has not signed anything for it lets it be.
    pub(super) fn not_begun(&mut self, wallet: usize, intent: Intent, why: &str) {
        let party = self.party(wallet);
        self.note(
            "wallet",
            Parties(party, None),
            &intent.number.to_bytes(),
            || format!("payment {} is not begun: {why}", intent.number),
        );
        if let Some(live) = &mut self.wallet(wallet).live {
            live.is_spent = true;
        }
        let place = usize::try_from(intent.number).unwrap_or(usize::MAX);
        let story = self.wallets.stories.get(place);
        match story.is_some_and(|story| story.signed.is_empty()) {
            true => *self.tally.payments.entry("not begun").or_default() += 1,
            false => self.wallet(wallet).wants.push(intent),
        }
    }

    /// A payment's end is shown to its owner.
    pub(super) fn shown(&mut self, wallet: usize, payment: &Payment) {
        let (now, id, party) = (self.now(), payment.id(), self.party(wallet));
        self.note("ended", Parties(party, None), id.as_bytes(), || {
            describe::end(payment)
        });
        let this = &mut self.wallets.all[wallet];
        if let Some(live) = &this.live {
            this.disk.seen = this.disk.seen.max(live.run.light.newest().height);
        }
        let number = intent_of(payment.transaction());
        let place = usize::try_from(number.unwrap_or(u64::MAX)).unwrap_or(usize::MAX);
        this.begun.retain(|begun| *begun != place);
        let end = match payment.status() {
            Status::Final { height, .. } => {
                self.judge.shown_final(wallet, now, id, *height);
                "final"
            }
            Status::Expired { .. } => "expired",
            Status::Replaced { .. } => "replaced",
            Status::Rejected { .. } => "rejected",
            Status::Signed | Status::Submitted => "none",
        };
        *self.tally.payments.entry(end).or_default() += 1;
        let Some(story) = self.wallets.stories.get(place) else {
            return;
        };
        if end == "final" {
            let signed_at = story.signed_at.unwrap_or(now);
            let took = now.saturating_sub(signed_at).as_micros();
            let took = u64::try_from(took).unwrap_or(u64::MAX);
            self.tally.finality_micros.push(took);
            return self.is_paid_once(place);
        }
        self.judge.shown_otherwise(wallet, now, id);
        // It is said not to have happened: who has to pay pays again. An expired one may hold later ones up.
        let intent = Intent {
            validity: DEFAULT_VALIDITY,
            ..story.intent
        };
        if end == "expired" || self.random.random_range(0..2) == 0 {
            self.wallet(wallet).wants.push(intent);
        }
    }

    /// Holds that at most one of the transactions of an intent is final.
    fn is_paid_once(&mut self, place: usize) {
        let (now, Some(story)) = (self.now(), self.wallets.stories.get(place)) else {
            return;
        };
        let finals: BTreeSet<&TransactionId> = story
            .signed
            .iter()
            .filter(|id| self.judge.finals.contains_key(*id))
            .collect();
        let count = finals.len();
        self.judge.hold(Invariant::PaidOnce, now, count <= 1, || {
            format!("payment {place} was made {count} times")
        });
    }

    // ---- the end ----

    /// Lets some owners look at their whole history, and holds every intent to have been paid at most once.
    pub(in crate::sim) fn audit(&mut self) {
        for place in 0..self.wallets.stories.len() {
            self.is_paid_once(place);
        }
        let count = self.wallets.all.len();
        let every = count.div_ceil(AUDITED).max(1);
        for wallet in (0..count).step_by(every) {
            self.wallets.unaudited.insert(wallet);
            self.rouse(wallet);
        }
    }

    /// Whether all of those have seen it.
    pub(in crate::sim) fn is_audited(&self) -> bool {
        self.wallets.unaudited.is_empty()
    }

    /// A whole history is shown to its owner.
    pub(super) fn audited(&mut self, wallet: usize, at: Moment, entries: &[HistoryEntry]) {
        self.wallets.unaudited.remove(&wallet);
        let now = self.now();
        let address = self.wallets.all[wallet].address;
        let place = |one: &HistoryEntry| (one.height, one.transaction.id());
        let entries: Vec<(u64, TransactionId)> = entries.iter().map(place).collect();
        let upto = (address, at.height);
        self.judge.shown_history(wallet, now, upto, &entries);
    }
}
