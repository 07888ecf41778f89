//! Visits: each node that comes is visited, and one at random every 30 s; one visit at a time.
//!
//! Where our cards find no room (D11, D12) we hand in less often: the other's book stays as it is until cards end.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use rand::seq::IteratorRandom as _;

use super::intake::Origin;
use super::turned::Turned;
use super::{Effect, Keeper};
use crate::chain::codec::{Decode as _, Encode as _};
use crate::chain::key::PublicKey;
use crate::directory::card::Role;
use crate::directory::exchange::{Answer, Heard, Visit};

/// How often a node is visited that is drawn.
pub const EVERY: Duration = Duration::from_secs(30);
/// The first pause in handing in to a node whose book is full; it doubles.
const FIRST_PAUSE: Duration = Duration::from_secs(60);
/// Where the doubling ends.
const LONGEST_PAUSE: Duration = Duration::from_secs(30 * 60);

/// A peer that is up.
#[derive(Debug)]
pub(super) struct Host {
    pub role: Role,
    /// Nothing is handed in before.
    patient_until: Duration,
    pause: Duration,
}

/// A visit under way.
#[derive(Debug)]
struct Course {
    host: PublicKey,
    visit: Visit,
    /// The question that awaits its answer; `None` while cards are checked.
    asked: Option<u64>,
}

/// Whom we know to be up, and whom we visit.
#[derive(Debug, Default)]
pub(super) struct Visits {
    /// Bounded by the limits on connections.
    pub up: BTreeMap<PublicKey, Host>,
    /// Nodes that came; each once.
    waiting: VecDeque<PublicKey>,
    course: Option<Course>,
    next_at: Duration,
    /// Whose cards are not fetched for now.
    pub turned: Turned,
}

impl Visits {
    /// When the next one begins that is not caused by anybody's coming.
    pub fn next_at(&self) -> Duration {
        self.next_at
    }

    /// The nodes that are up.
    pub fn nodes(&self) -> impl Iterator<Item = PublicKey> + '_ {
        let nodes = self.up.iter().filter(|(_, host)| host.role.gossips());
        nodes.map(|(peer, _)| *peer)
    }
}

impl Keeper {
    pub(super) fn on_peer_up(&mut self, peer: PublicKey, role: Role) {
        let host = Host {
            role,
            patient_until: Duration::ZERO,
            pause: FIRST_PAUSE,
        };
        self.visits.up.insert(peer, host);
        if role.gossips() && !self.visits.waiting.contains(&peer) {
            self.visits.waiting.push_back(peer);
        }
        self.visit_next();
    }

    pub(super) fn on_peer_down(&mut self, peer: PublicKey) {
        self.visits.up.remove(&peer);
        self.visits.waiting.retain(|other| *other != peer);
        self.conduct.blame.remove(&peer);
        if self.is_visiting(&peer) {
            self.end_visit();
        }
    }

    /// Every 30 s.
    pub(super) fn visit_somebody(&mut self) {
        if self.hands.now.elapsed < self.visits.next_at {
            return;
        }
        self.visits.next_at = self.hands.now.elapsed + EVERY;
        let drawn = self.visits.nodes().choose(&mut self.hands.random);
        if let Some(peer) = drawn
            && self.visits.waiting.is_empty()
        {
            self.visits.waiting.push_back(peer);
        }
        self.visit_next();
    }

    fn visit_next(&mut self) {
        if self.visits.course.is_some() || self.own.is_leaving() {
            return;
        }
        let Some(host) = self.visits.waiting.pop_front() else {
            return;
        };
        let mut visit = Visit::default();
        let known = self.visits.up.get(&host);
        if known.is_some_and(|known| self.hands.now.elapsed < known.patient_until) {
            visit.only_fetch();
        }
        self.visits.course = Some(Course {
            host,
            visit,
            asked: None,
        });
        self.go_on_visiting();
    }

    /// Asks what is next, or ends the visit.
    pub(super) fn go_on_visiting(&mut self) {
        let Some(course) = &mut self.visits.course else {
            return;
        };
        let request = course.visit.next(&mut self.book, self.hands.now.unix_ms);
        let Some(request) = request else {
            return self.end_visit();
        };
        self.hands.questions += 1;
        course.asked = Some(self.hands.questions);
        self.hands.effects.push(Effect::Ask {
            number: self.hands.questions,
            peer: course.host,
            data: request.to_bytes(),
        });
    }

    fn end_visit(&mut self) {
        self.visits.course = None;
        self.visit_next();
    }

    fn is_visiting(&self, peer: &PublicKey) -> bool {
        let course = self.visits.course.as_ref();
        course.is_some_and(|course| course.host == *peer)
    }

    /// The answer to a visit's question.
    pub(super) fn on_visit_answer(&mut self, number: u64, data: Option<Vec<u8>>) {
        let course = self.visits.course.as_mut();
        let Some(course) = course.filter(|course| course.asked == Some(number)) else {
            // Of a visit that is over.
            return;
        };
        course.asked = None;
        let host = course.host;
        let Some(data) = data else {
            return self.end_visit();
        };
        let heard = match Answer::from_bytes(&data) {
            Ok(answer) => {
                let (turned, now) = (&self.visits.turned, self.hands.now.elapsed);
                let is_away = |peer: &PublicKey| turned.is_away(peer, now);
                course.visit.heard_but(&self.book, answer, is_away)
            }
            Err(_) => Heard::Misfit,
        };
        match heard {
            Heard::Cards(cards) if cards.is_empty() => self.go_on_visiting(),
            Heard::Cards(cards) => self.take_in(Origin::Fetched { from: host }, cards),
            Heard::HandedIn(marks) => {
                self.on_marks(&host, &marks);
                self.go_on_visiting();
            }
            Heard::Misfit => {
                self.condemn(host, "it answers what was not asked of its directory");
                self.end_visit();
            }
        }
    }

    /// Backs off where there is no room.
    fn on_marks(&mut self, host: &PublicKey, marks: &[u8]) {
        let Some(known) = self.visits.up.get_mut(host) else {
            return;
        };
        if !marks.iter().any(|mark| matches!(mark, 11 | 12)) {
            return;
        }
        known.patient_until = self.hands.now.elapsed + known.pause;
        known.pause = (known.pause * 2).min(LONGEST_PAUSE);
        if let Some(course) = &mut self.visits.course {
            course.visit.only_fetch();
        }
    }
}
