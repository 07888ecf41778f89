//! The own card: published when it is due, its number kept first, withdrawn when the node leaves.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{Effect, Keeper};
use crate::chain::codec::Encode as _;
use crate::directory::book::Standing;
use crate::directory::card::{Addresses, Card};
use crate::directory::exchange::Request;

/// Between two cards of our own, so that addresses that come and go, or another with our key, cost little.
const PAUSE: Duration = Duration::from_secs(10);
/// Until a number is tried again that could not be kept.
const MENDING: Duration = Duration::from_secs(60);
/// How long a farewell may take: others wait for the node to end.
const FAREWELL: Duration = Duration::from_millis(600);
/// To how many nodes a withdrawal is handed in, besides being told: gossip alone may be lost with the connections.
const TOLD_FAREWELL: usize = 3;

/// How far the leaving has come.
#[derive(Debug, PartialEq, Eq)]
enum Leaving {
    /// The withdrawal's number is being kept.
    Numbering,
    /// These questions await their answers.
    Telling(BTreeSet<u64>),
    /// All is done.
    Done,
}

/// The state of publishing.
#[derive(Debug, Default)]
pub(super) struct Own {
    /// A number is being kept.
    is_numbering: bool,
    /// No card before this.
    not_before: Duration,
    /// The card is due by then, also if the wall clock has jumped back.
    due_at: Duration,
    leaving: Option<Leaving>,
    leave_by: Option<Duration>,
}

impl Own {
    pub fn is_leaving(&self) -> bool {
        self.leaving.is_some()
    }

    /// When to look again.
    pub fn deadline(&self, due_in: Duration, now: Duration) -> Duration {
        match self.leave_by {
            Some(leave_by) => leave_by,
            None if self.is_numbering => now + MENDING,
            None => (now + due_in).min(self.due_at).max(self.not_before),
        }
    }
}

impl Keeper {
    pub(super) fn on_addresses(&mut self, addresses: Addresses) {
        self.publisher.set_addresses(addresses);
        self.publish_if_due();
    }

    /// How long until the card is due by the wall clock.
    pub(super) fn own_due_in(&self) -> Duration {
        let due_at_ms = self.publisher.due_at_ms();
        Duration::from_millis(due_at_ms.saturating_sub(self.hands.now.unix_ms))
    }

    pub(super) fn publish_if_due(&mut self) {
        let now = self.hands.now.elapsed;
        let is_due = self.own_due_in().is_zero() || now >= self.own.due_at;
        if !is_due || self.own.is_numbering || self.own.is_leaving() || now < self.own.not_before {
            return;
        }
        self.keep_next_number();
    }

    fn keep_next_number(&mut self) {
        match self.publisher.number(self.hands.now.unix_ms) {
            Some(sequence) => {
                self.own.is_numbering = true;
                self.hands.effects.push(Effect::KeepNumber { sequence });
            }
            // After 2^64 numbers a new key is needed; nobody gets there but by a clock that is far off.
            None => self.own.not_before = self.hands.now.elapsed + MENDING,
        }
    }

    pub(super) fn on_number_kept(&mut self, sequence: u64) {
        self.own.is_numbering = false;
        if self.own.leaving == Some(Leaving::Numbering) {
            let gone = self.publisher.withdraw(sequence, self.hands.now.unix_ms);
            return self.say_farewell(gone);
        }
        let card = self.publisher.sign(sequence, self.hands.now.unix_ms);
        let life = Duration::from_millis(card.whereabouts.ttl_ms().into());
        self.own.due_at = self.hands.now.elapsed + life / 2;
        self.own.not_before = self.hands.now.elapsed + PAUSE;
        self.hold_own(card.clone());
        self.outbox_push(Some(card));
    }

    pub(super) fn on_number_not_kept(&mut self) {
        self.own.is_numbering = false;
        self.own.not_before = self.hands.now.elapsed + MENDING;
        if self.own.leaving == Some(Leaving::Numbering) {
            self.leave_now();
        }
    }

    fn hold_own(&mut self, card: Card) {
        // Both signatures are our own, and our book always has room for us; a clock that has jumped may still refuse it.
        if let Ok(sound) = card.prove() {
            let put = self
                .book
                .put(sound, Standing::Verified, self.hands.now.unix_ms);
            if let Err(refusal) = put {
                tracing::warn!(%refusal, "our own card does not enter our own directory");
            }
            self.saving.is_wanted = true;
        }
    }

    pub(super) fn on_leave(&mut self) {
        if self.own.is_leaving() {
            return;
        }
        self.own.leave_by = Some(self.hands.now.elapsed + FAREWELL);
        if self.publisher.card().is_none() {
            return self.leave_now();
        }
        self.own.leaving = Some(Leaving::Numbering);
        // A number that is being kept already does for the withdrawal.
        if !self.own.is_numbering {
            self.keep_next_number();
        }
        if !self.own.is_numbering {
            self.leave_now();
        }
    }

    fn say_farewell(&mut self, gone: Card) {
        self.hold_own(gone.clone());
        self.outbox_push(Some(gone.clone()));
        self.tell_outbox();
        let hosts: Vec<_> = self.visits.nodes().take(TOLD_FAREWELL).collect();
        let mut awaited = BTreeSet::new();
        for peer in hosts {
            self.hands.questions += 1;
            awaited.insert(self.hands.questions);
            self.hands.effects.push(Effect::Ask {
                number: self.hands.questions,
                peer,
                data: Request::Put(vec![gone.clone()]).to_bytes(),
            });
        }
        if awaited.is_empty() {
            return self.leave_now();
        }
        self.own.leaving = Some(Leaving::Telling(awaited));
    }

    /// Tells whether the answer was to a farewell.
    pub(super) fn on_farewell_answer(&mut self, number: u64) -> bool {
        let Some(Leaving::Telling(awaited)) = &mut self.own.leaving else {
            return false;
        };
        let was_awaited = awaited.remove(&number);
        if was_awaited && awaited.is_empty() {
            self.leave_now();
        }
        was_awaited
    }

    /// What was not answered in time is not waited for.
    pub(super) fn leave_in_time(&mut self) {
        let is_late = self
            .own
            .leave_by
            .is_some_and(|by| by <= self.hands.now.elapsed);
        if is_late && self.own.leaving != Some(Leaving::Done) {
            self.leave_now();
        }
    }

    fn leave_now(&mut self) {
        if self.own.leaving == Some(Leaving::Done) {
            return;
        }
        self.own.leaving = Some(Leaving::Done);
        self.own.leave_by = Some(Duration::MAX);
        self.hands.effects.push(Effect::Save(self.book.save()));
        self.hands.effects.push(Effect::Left);
    }
}
