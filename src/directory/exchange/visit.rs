//! A visit: one book asks another until both hold what either held.
//!
//! The visitor does all the asking: digests first, then listings of what differs, then it fetches what it lacks, then it
//! hands in what the other lacks. It fetches before it hands in, so that what the other knows better is not offered.
//! The caller carries requests and answers, checks the signatures of what comes and puts it; [`Visit::next`] first, then
//! [`Visit::heard`], in turn, one request at a time. A visit ends: what a host that offers without end has left over
//! waits for another visit.

use std::collections::VecDeque;

use super::{Answer, Listing, MAX_FETCHED, MAX_PUT, Question, Request};
use crate::chain::key::PublicKey;
use crate::directory::book::{Book, ShortId};
use crate::directory::card::Card;

/// Most cards fetched in one visit: a bound on what a host can make a visitor check.
pub const MAX_CARDS_A_VISIT: usize = 4096;

/// What is still to be asked.
#[derive(Debug, Clone)]
enum Step {
    Digest,
    Listing(Listing),
    Fetch(Vec<PublicKey>),
    HandIn(Listing, Vec<ShortId>),
}

/// What has been asked, and awaits its answer.
#[derive(Debug, Clone)]
enum Asked {
    Digest,
    Listing(Listing),
    Fetch(Vec<PublicKey>),
    HandIn(usize),
}

/// What an answer brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// Cards to be proved and put; none of most answers.
    Cards(Vec<Card>),
    /// What became of the cards that were handed in: for each 0, or the number of the rule that it broke there.
    HandedIn(Vec<u8>),
    /// Not an answer to what was asked: the host is broken or worse. The visit is over.
    Misfit,
}

/// One book asking another.
#[derive(Debug, Clone)]
pub struct Visit {
    steps: VecDeque<Step>,
    asked: Option<Asked>,
    fetches_left: usize,
    hands_in: bool,
}

impl Default for Visit {
    fn default() -> Self {
        Self {
            steps: VecDeque::from([Step::Digest]),
            asked: None,
            fetches_left: MAX_CARDS_A_VISIT / MAX_FETCHED,
            hands_in: true,
        }
    }
}

impl Visit {
    /// Hands in nothing more: the host's book is full, or the visitor has only come to read.
    pub fn only_fetch(&mut self) {
        self.hands_in = false;
    }

    /// The next request; `None` when the visit is over.
    pub fn next(&mut self, book: &mut Book, now_ms: u64) -> Option<Request> {
        loop {
            let request = self.request_of(book, now_ms);
            if request.is_some() || self.steps.is_empty() {
                return request;
            }
        }
    }

    /// The request of the next step; `None` if there is nothing left to ask for it.
    fn request_of(&mut self, book: &mut Book, now_ms: u64) -> Option<Request> {
        let (asked, request) = match self.steps.pop_front()? {
            Step::Digest => {
                let digest = book.digest(now_ms);
                (Asked::Digest, Request::Ask(Question::Digest(digest)))
            }
            Step::Listing(listing) => {
                let question = Question::Difference(listing.clone());
                (Asked::Listing(listing), Request::Ask(question))
            }
            Step::Fetch(peers) => {
                self.fetches_left = self.fetches_left.checked_sub(1)?;
                let question = Question::Fetch(peers.clone());
                (Asked::Fetch(peers), Request::Ask(question))
            }
            Step::HandIn(listing, wanted) => {
                let mut cards = match self.hands_in {
                    true => book.listed(&listing, &wanted),
                    false => Vec::new(),
                };
                if cards.is_empty() {
                    return None;
                }
                let later = cards.split_off(cards.len().min(MAX_PUT));
                let later: Vec<ShortId> = later
                    .iter()
                    .map(|card| ShortId::of(&card.whereabouts))
                    .collect();
                if !later.is_empty() {
                    self.steps.push_front(Step::HandIn(listing, later));
                }
                (Asked::HandIn(cards.len()), Request::Put(cards))
            }
        };
        self.asked = Some(asked);
        Some(request)
    }

    /// Takes the answer to the last request.
    pub fn heard(&mut self, book: &Book, answer: Answer) -> Heard {
        self.heard_but(book, answer, |_| false)
    }

    /// As [`Visit::heard`], and fetches nothing of the peers of which `is_spared` is true.
    pub fn heard_but(
        &mut self,
        book: &Book,
        answer: Answer,
        is_spared: impl Fn(&PublicKey) -> bool,
    ) -> Heard {
        let fits = match (self.asked.take(), answer) {
            (Some(Asked::Digest), Answer::Differing(buckets)) => {
                let listings = book.listings(&buckets);
                self.steps.extend(listings.into_iter().map(Step::Listing));
                true
            }
            (Some(Asked::Listing(listing)), Answer::Difference(difference)) => {
                let range = listing.from()..=listing.to();
                let held = |id: &ShortId| listing.held().binary_search(id).is_ok();
                let fits = difference.offered.iter().all(|peer| range.contains(peer))
                    && difference.wanted.iter().all(held);
                // Order: pushed to the front, so the last is the first to be asked.
                self.steps
                    .push_front(Step::HandIn(listing, difference.wanted));
                let mut offered = difference.offered;
                offered.retain(|peer| !is_spared(peer));
                for peers in offered.chunks(MAX_FETCHED) {
                    self.steps.push_front(Step::Fetch(peers.to_vec()));
                }
                fits
            }
            (Some(Asked::Fetch(peers)), Answer::Cards(cards)) => {
                let asked_for = |card: &Card| peers.contains(&card.whereabouts.peer);
                if cards.len() <= peers.len() && cards.iter().all(asked_for) {
                    return Heard::Cards(cards);
                }
                false
            }
            (Some(Asked::HandIn(count)), Answer::Put(marks)) => {
                if marks.len() == count {
                    return Heard::HandedIn(marks);
                }
                false
            }
            _ => false,
        };
        if fits {
            return Heard::Cards(Vec::new());
        }
        self.steps.clear();
        Heard::Misfit
    }
}
