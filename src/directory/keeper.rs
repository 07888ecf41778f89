//! The keeper: the directory of a node as one machine, without IO: `(input, now) -> ordered effects`.
//!
//! It keeps the book, takes cards in, answers, visits other keepers, and publishes the node's own card. A card enters
//! the book on one way only: [`Book::consider`], a proof of both signatures (which the hands do elsewhere), then
//! [`Book::put`]. `node/directory/` performs its effects; a simulation can as well.
//! Never: a clock, a disk, a socket, a signature check of a stranger's card. Each input may give effects; a deadline is
//! asked for after each. Next: `keeper/language.rs`, then `intake.rs`, `visits.rs`, `own.rs`.

mod intake;
mod language;
mod meter;
mod own;
#[cfg(test)]
mod tests;
mod turned;
mod visits;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rand::SeedableRng as _;
use rand::rngs::StdRng;

pub use self::intake::MAX_BLAME;
use self::intake::{Checks, Meters, Outbox};
pub use self::language::{Effect, Input, Now, Reply, Verdict};
use self::own::Own;
pub use self::visits::EVERY as VISIT_EVERY;
use self::visits::Visits;
use super::book::Book;
use super::publisher::{Owner, Publisher};
use crate::chain::key::PublicKey;

/// How often a changed book is saved. What is lost with the power others have.
const SAVE_EVERY: Duration = Duration::from_secs(5 * 60);
/// How often ended cards are let go and quiet meters forgotten.
const TIDY_EVERY: Duration = Duration::from_secs(15);

/// What a keeper begins with.
pub struct Settings {
    /// The book: an empty one, or what was saved.
    pub book: Book,
    /// Whose card it publishes.
    pub owner: Owner,
    /// The last number of that card, as far as is known.
    pub last_number: Option<u64>,
    /// The peers of the bootstrap list.
    pub verified: BTreeSet<PublicKey>,
    /// What chance is drawn from.
    pub seed: u64,
}

/// What has happened so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Cards that were news.
    pub taken: u64,
    /// Cards refused, by the number of the rule.
    pub refused: [u64; 14],
    /// Messages and requests for which there was no time.
    pub turned_away: u64,
    /// Peers sent away.
    pub condemned: u64,
}

/// When the book is saved.
#[derive(Debug, Default)]
struct Saving {
    is_wanted: bool,
    is_running: bool,
    next_at: Duration,
}

/// Who behaves how.
#[derive(Debug, Default)]
struct Conduct {
    /// Bad cards by who handed them on, of peers that are up or were lately.
    blame: BTreeMap<PublicKey, u32>,
    counts: Counts,
}

/// What an input finds and what it leaves.
struct Hands {
    now: Now,
    effects: Vec<Effect>,
    random: StdRng,
    /// The last question's number.
    questions: u64,
    tidy_at: Duration,
}

/// The machine. See the file's text.
pub struct Keeper {
    book: Book,
    verified: BTreeSet<PublicKey>,
    publisher: Publisher,
    own: Own,
    visits: Visits,
    checks: Checks,
    meters: Meters,
    conduct: Conduct,
    outbox: Outbox,
    saving: Saving,
    hands: Hands,
}

impl Keeper {
    /// A keeper at work; the first [`Input::Tick`] makes it publish.
    pub fn new(settings: Settings) -> Self {
        Self {
            book: settings.book,
            verified: settings.verified,
            publisher: Publisher::new(settings.owner, settings.last_number),
            own: Own::default(),
            visits: Visits::default(),
            checks: Checks::default(),
            meters: Meters::default(),
            conduct: Conduct::default(),
            outbox: Outbox::default(),
            saving: Saving::default(),
            hands: Hands {
                now: Now::default(),
                effects: Vec::new(),
                random: StdRng::seed_from_u64(settings.seed),
                questions: 0,
                tidy_at: Duration::ZERO,
            },
        }
    }

    /// The book.
    pub fn book(&self) -> &Book {
        &self.book
    }

    /// What has happened so far.
    pub fn counts(&self) -> Counts {
        self.conduct.counts
    }

    /// Takes an input; what is due by the clock is done as well.
    pub fn handle(&mut self, input: Input, now: Now) -> Vec<Effect> {
        self.hands.now = now;
        match input {
            Input::Tick => {}
            Input::PeerUp { peer, role } => self.on_peer_up(peer, role),
            Input::PeerDown { peer } => self.on_peer_down(peer),
            Input::Asked { id, from, data } => self.on_asked(id, from, &data),
            Input::LookedUp { id, text } => self.on_look_up(id, &text),
            Input::Gossip { id, from, data } => self.on_gossip(id, from, &data),
            Input::Answered { number, data } => {
                if !self.on_farewell_answer(number) {
                    self.on_visit_answer(number, data);
                }
            }
            Input::Checked {
                job,
                outcomes,
                members,
            } => self.on_checked(job, outcomes, &members),
            Input::NumberKept { sequence } => self.on_number_kept(sequence),
            Input::NumberNotKept => self.on_number_not_kept(),
            Input::Saved => self.saving.is_running = false,
            Input::NotSaved => {
                self.saving.is_running = false;
                self.saving.is_wanted = true;
            }
            Input::Addresses(addresses) => self.on_addresses(addresses),
            Input::Leave => self.on_leave(),
        }
        self.on_time();
        std::mem::take(&mut self.hands.effects)
    }

    /// When [`Input::Tick`] is due at the latest, on the clock that never goes back.
    pub fn next_deadline(&self) -> Duration {
        let now = self.hands.now.elapsed;
        let own = self.own.deadline(self.own_due_in(), now);
        let times = [own, self.visits.next_at(), self.hands.tidy_at];
        let first = times.into_iter().min().unwrap_or(Duration::MAX);
        self.outbox.due.map_or(first, |due| due.min(first))
    }

    fn on_time(&mut self) {
        let now = self.hands.now.elapsed;
        if self.outbox.due.is_some_and(|due| due <= now) {
            self.tell_outbox();
        }
        self.publish_if_due();
        self.visit_somebody();
        self.leave_in_time();
        if now >= self.hands.tidy_at {
            self.hands.tidy_at = now + TIDY_EVERY;
            self.book.expire(self.hands.now.unix_ms);
            self.meters.forget(now);
            self.visits.turned.forget(now);
            self.save_if_due();
        }
    }

    fn save_if_due(&mut self) {
        let now = self.hands.now.elapsed;
        let saving = &mut self.saving;
        if !saving.is_wanted || saving.is_running || now < saving.next_at {
            return;
        }
        *saving = Saving {
            is_wanted: false,
            is_running: true,
            next_at: now + SAVE_EVERY,
        };
        self.hands.effects.push(Effect::Save(self.book.save()));
    }
}
