//! What comes in: requests, gossip, and the way of each card: a look, a proof, the book.
//!
//! Order: the rules that cost nothing first, then who may cause work now, then the signatures (elsewhere), then the book.
//! Blamed is only who hands on what no honest peer can hold.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use super::meter::{Bucket, Meter, Rate};
use super::{Effect, Keeper, Reply, Verdict};
use crate::chain::codec::{Decode as _, Encode as _};
use crate::chain::key::{Address, PublicKey};
use crate::directory::book::{MAX_CARDS, Standing, Taken};
use crate::directory::card::{Card, Role, SoundCard, Whereabouts};
use crate::directory::exchange::{Answer, MAX_PUT, Request, Told, put_mark};
use crate::directory::look_up;
use crate::directory::refusal::Refusal;

/// D13: a peer's cards are taken eight at once, then one each 15 s.
const RENEWALS: Rate = Rate {
    burst: 8,
    each: Duration::from_secs(15),
};
/// What one peer may hand over to be checked: 256 cards a second.
const FROM_ONE: Rate = Rate {
    burst: 1024,
    each: Duration::from_nanos(3_906_250),
};
/// What all may: 2,048 cards a second, about a tenth of a core.
const FROM_ALL: Rate = Rate {
    burst: 4096,
    each: Duration::from_nanos(488_281),
};
/// Peers that are metered at a time: more than there are connections.
const METERED: usize = 4096;
/// Cards that may wait for their check.
const MAX_WAITING: usize = 8192;
/// Checks under way: one, so that the directory never takes more than one core.
const AT_ONCE: usize = 1;
/// So many bad cards, and the peer that handed them on is sent away.
pub const MAX_BLAME: u32 = 8;
/// How long news waits for company.
const GATHER: Duration = Duration::from_millis(200);

/// Where cards come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Origin {
    /// A request that hands them in.
    HandedIn { id: u64, from: PublicKey },
    /// Gossip.
    Gossip { id: u64, from: PublicKey },
    /// Our own visit.
    Fetched { from: PublicKey },
}

impl Origin {
    fn from(&self) -> PublicKey {
        match self {
            Self::HandedIn { from, .. } | Self::Gossip { from, .. } | Self::Fetched { from } => {
                *from
            }
        }
    }
}

/// What became of a card that was proved and not refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Entered {
    /// It was there already.
    Known,
    /// It is new, of a stranger: visits spread it. Keys cost nothing, so gossip would multiply whatever anybody invents.
    Quietly,
    /// It is new, and gossip spreads it.
    News,
}

/// Cards on their way into the book.
#[derive(Debug)]
struct Job {
    origin: Origin,
    /// What became of each card so far; `None` of those that are to be checked.
    outcomes: Vec<Option<Result<Taken, Refusal>>>,
    /// Those, in their order, until they are under way.
    cards: Vec<Card>,
    /// Whether one of them was news of somebody who is more than a stranger.
    is_news: bool,
}

/// The checks.
#[derive(Debug, Default)]
pub(super) struct Checks {
    last: u64,
    waiting: VecDeque<Job>,
    waiting_cards: usize,
    under_way: BTreeMap<u64, Job>,
}

/// The meters.
#[derive(Debug)]
pub(super) struct Meters {
    renewals: Meter,
    sources: Meter,
    all: Bucket,
}

impl Default for Meters {
    fn default() -> Self {
        Self {
            renewals: Meter::new(RENEWALS, MAX_CARDS),
            sources: Meter::new(FROM_ONE, METERED),
            all: Bucket::FULL,
        }
    }
}

impl Meters {
    /// Forgets whoever has been quiet.
    pub fn forget(&mut self, now: Duration) {
        self.renewals.forget(now);
        self.sources.forget(now);
    }
}

/// Cards about to be told.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    cards: Vec<Card>,
    /// When they go.
    pub due: Option<Duration>,
}

impl Keeper {
    pub(super) fn on_asked(&mut self, id: u64, from: PublicKey, data: &[u8]) {
        match Request::from_bytes(data) {
            Ok(Request::Ask(question)) => {
                let answer = self.book.answer(&question, self.hands.now.unix_ms);
                self.answer(id, Reply::Bytes(answer.to_bytes()));
            }
            Ok(Request::Put(cards)) => self.take_in(Origin::HandedIn { id, from }, cards),
            Err(_) => {
                self.answer(id, Reply::Unreadable);
                self.condemn(from, "its request to the directory cannot be read");
            }
        }
    }

    pub(super) fn on_look_up(&mut self, id: u64, text: &[u8]) {
        let answer = match look_up::read(text) {
            Ok(question) => match self.book.answer(&question, self.hands.now.unix_ms) {
                Answer::Cards(cards) => look_up::found(&self.book.network(), &cards),
                other => look_up::declined(&format!("{other:?} is no answer to a look-up")),
            },
            Err(fault) => look_up::declined(&fault.to_string()),
        };
        self.answer(id, Reply::Bytes(answer));
    }

    pub(super) fn on_gossip(&mut self, id: u64, from: PublicKey, data: &[u8]) {
        match Told::from_bytes(data) {
            Ok(Told(cards)) => self.take_in(Origin::Gossip { id, from }, cards),
            Err(_) => {
                self.judge(id, Verdict::Reject);
                self.add_blame(from, MAX_BLAME);
            }
        }
    }

    fn answer(&mut self, id: u64, reply: Reply) {
        self.hands.effects.push(Effect::Answer { id, reply });
    }

    fn judge(&mut self, id: u64, verdict: Verdict) {
        self.hands.effects.push(Effect::Judge { id, verdict });
    }

    /// The way of cards begins: what needs no signature is said at once.
    pub(super) fn take_in(&mut self, origin: Origin, cards: Vec<Card>) {
        let mut outcomes = Vec::with_capacity(cards.len());
        let mut to_check = Vec::new();
        for card in cards {
            let outcome = self.glance(&card.whereabouts);
            if outcome.is_none() {
                to_check.push(card);
            }
            outcomes.push(outcome);
        }
        let job = Job {
            origin,
            outcomes,
            cards: to_check,
            is_news: false,
        };
        if job.cards.is_empty() {
            return self.finish(job);
        }
        if !self.has_time_for(&job) {
            return self.turn_away(&job.origin);
        }
        self.checks.waiting_cards += job.cards.len();
        self.checks.waiting.push_back(job);
        self.check_next();
    }

    /// The rules that need no signature; `None` of a card that is to be checked.
    fn glance(&self, said: &Whereabouts) -> Option<Result<Taken, Refusal>> {
        if let Err(refusal) = self.book.consider(said, self.hands.now.unix_ms) {
            return Some(Err(refusal));
        }
        let held = self.book.of_peer(&said.peer);
        if held.is_some_and(|held| held.whereabouts == *said) {
            return Some(Ok(Taken::Known));
        }
        self.renews_too_often(said).map(Err)
    }

    /// D13: "A peer's cards are taken eight at once, then one each 15 s."
    fn renews_too_often(&self, said: &Whereabouts) -> Option<Refusal> {
        let renewals = &self.meters.renewals;
        let wait = renewals.wait(&said.peer, 1, self.hands.now.elapsed);
        let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        let peer = said.peer;
        (!wait.is_zero()).then_some(Refusal::TooOften { peer, wait_ms })
    }

    /// Whether these cards may be checked now. What we fetch ourselves is bounded by how we visit.
    fn has_time_for(&mut self, job: &Job) -> bool {
        if matches!(job.origin, Origin::Fetched { .. }) {
            return true;
        }
        let (now, from) = (self.hands.now.elapsed, job.origin.from());
        let tokens = u32::try_from(job.cards.len()).unwrap_or(u32::MAX);
        let meters = &mut self.meters;
        let wait = meters.sources.wait(&from, tokens, now);
        if self.checks.waiting_cards + job.cards.len() > MAX_WAITING
            || !wait.is_zero()
            || !meters.all.wait(FROM_ALL, tokens, now).is_zero()
        {
            return false;
        }
        meters.sources.take(from, tokens, now);
        meters.all.take(FROM_ALL, tokens, now);
        true
    }

    fn turn_away(&mut self, origin: &Origin) {
        self.conduct.counts.turned_away += 1;
        match *origin {
            Origin::HandedIn { id, .. } => self.answer(id, Reply::Busy),
            // The next visit brings it.
            Origin::Gossip { id, .. } => self.judge(id, Verdict::Ignore),
            Origin::Fetched { .. } => self.go_on_visiting(),
        }
    }

    fn check_next(&mut self) {
        while self.checks.under_way.len() < AT_ONCE {
            let Some(mut job) = self.checks.waiting.pop_front() else {
                return;
            };
            self.checks.waiting_cards -= job.cards.len();
            self.checks.last += 1;
            let number = self.checks.last;
            let cards = std::mem::take(&mut job.cards);
            self.checks.under_way.insert(number, job);
            self.hands
                .effects
                .push(Effect::Check { job: number, cards });
        }
    }

    pub(super) fn on_checked(
        &mut self,
        number: u64,
        outcomes: Vec<Result<SoundCard, Refusal>>,
        members: &BTreeSet<Address>,
    ) {
        let Some(mut job) = self.checks.under_way.remove(&number) else {
            return;
        };
        let is_told = matches!(job.origin, Origin::HandedIn { from, .. } if !self.is_node(&from));
        let mut outcomes = outcomes.into_iter();
        for place in job.outcomes.iter_mut().filter(|place| place.is_none()) {
            let Some(sound) = outcomes.next() else { break };
            let peer = sound.as_ref().ok().map(|card| card.whereabouts().peer);
            let entered = sound.and_then(|card| self.enter(card, members, is_told));
            if let (Some(peer), Origin::Fetched { .. }) = (peer, &job.origin) {
                self.remember_room(peer, entered.as_ref().err());
            }
            job.is_news |= matches!(entered, Ok(Entered::News));
            *place = Some(entered.map(|entered| match entered {
                Entered::Known => Taken::Known,
                Entered::Quietly | Entered::News => Taken::Added,
            }));
        }
        self.finish(job);
        self.check_next();
    }

    /// What found no room is not fetched again at once.
    fn remember_room(&mut self, peer: PublicKey, refusal: Option<&Refusal>) {
        let turned = &mut self.visits.turned;
        match refusal.map(Refusal::rule) {
            Some(10..=12) => turned.away(peer, self.hands.now.elapsed),
            Some(_) => {}
            None => turned.in_after_all(&peer),
        }
    }

    /// A card that both have signed enters the book, if there is room for it.
    fn enter(
        &mut self,
        card: SoundCard,
        members: &BTreeSet<Address>,
        is_told: bool,
    ) -> Result<Entered, Refusal> {
        let said = card.whereabouts();
        let (peer, sequence) = (said.peer, said.sequence);
        // Once more: others of this peer may have come while this one was checked.
        if let Some(refusal) = self.renews_too_often(said) {
            return Err(refusal);
        }
        let standing = match () {
            () if self.verified.contains(&peer) => Standing::Verified,
            () if members.contains(&said.account) => Standing::Member,
            () => Standing::Stranger,
        };
        let is_news = standing > Standing::Stranger;
        let told = (is_told && is_news).then(|| card.card().clone());
        if self.book.put(card, standing, self.hands.now.unix_ms)? == Taken::Known {
            return Ok(Entered::Known);
        }
        self.meters.renewals.take(peer, 1, self.hands.now.elapsed);
        self.saving.is_wanted = true;
        self.conduct.counts.taken += 1;
        self.outbox_push(told);
        // Our own, of a life that has left no memory: others hold it, so ours must have a greater number.
        if peer == self.publisher.peer() {
            self.publisher.learn(sequence);
        }
        Ok(match is_news {
            true => Entered::News,
            false => Entered::Quietly,
        })
    }

    fn is_node(&self, peer: &PublicKey) -> bool {
        let host = self.visits.up.get(peer);
        host.is_some_and(|host| host.role != Role::Wallet)
    }

    /// The way of cards ends: who brought them hears what became of them.
    fn finish(&mut self, job: Job) {
        let outcomes: Vec<Result<Taken, Refusal>> = job.outcomes.into_iter().flatten().collect();
        let mut bad = 0;
        for refusal in outcomes.iter().filter_map(|outcome| outcome.as_ref().err()) {
            self.conduct.counts.refused[usize::from(refusal.rule())] += 1;
            bad += u32::from(refusal.is_provably_bad());
        }
        self.add_blame(job.origin.from(), bad);
        match job.origin {
            Origin::HandedIn { id, .. } => {
                let marks = outcomes.iter().map(put_mark).collect();
                self.answer(id, Reply::Bytes(Answer::Put(marks).to_bytes()));
            }
            Origin::Gossip { id, .. } => self.judge(
                id,
                match (bad, job.is_news) {
                    (1.., _) => Verdict::Reject,
                    (0, true) => Verdict::Accept,
                    (0, false) => Verdict::Ignore,
                },
            ),
            Origin::Fetched { .. } => self.go_on_visiting(),
        }
    }

    /// Counts bad cards against who handed them on.
    fn add_blame(&mut self, peer: PublicKey, points: u32) {
        if points == 0 {
            return;
        }
        let blame = self.conduct.blame.entry(peer).or_insert(0);
        *blame = blame.saturating_add(points);
        if *blame >= MAX_BLAME {
            self.condemn(peer, "it hands on cards that nobody has signed");
        }
    }

    /// Sends a peer away.
    pub(super) fn condemn(&mut self, peer: PublicKey, reason: &str) {
        self.conduct.blame.remove(&peer);
        self.conduct.counts.condemned += 1;
        let reason = reason.to_owned();
        self.hands.effects.push(Effect::Disconnect { peer, reason });
    }

    pub(super) fn outbox_push(&mut self, card: Option<Card>) {
        let Some(card) = card else { return };
        self.outbox.cards.push(card);
        let due = self.hands.now.elapsed + GATHER;
        self.outbox.due = Some(self.outbox.due.unwrap_or(due));
        if self.outbox.cards.len() >= MAX_PUT {
            self.tell_outbox();
        }
    }

    /// Gossips what waits.
    pub(super) fn tell_outbox(&mut self) {
        self.outbox.due = None;
        let cards = std::mem::take(&mut self.outbox.cards);
        if !cards.is_empty() {
            self.hands
                .effects
                .push(Effect::Tell(Told(cards).to_bytes()));
        }
    }
}
