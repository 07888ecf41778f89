//! Malicious validators: honest nodes' own code, with what leaves it bent.
//!
//! A traitor has a validator's real key, so all that it says is properly signed. What it does wrong are its
//! [`Habit`]s, drawn by the seed; they do not end when the network gets better. Traitors know each other: who shows
//! two faces shows the same one to the same peer ([`Plot`]).
//! Never: touch what an honest node does. Next: `faces.rs` (what it says to all), `answers.rs` (what it tells nodes),
//! `window.rs` (what it tells wallets), `mischief.rs` (what it does unasked).

mod answers;
mod faces;
mod mischief;
mod unlawful;
mod window;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::plan::Plan;
use super::speech::Told;
use super::trace::Parties;
use super::world::{Cast, Due, World};
use crate::behaviour::Topic;
use crate::chain::codec::Encode;
use crate::chain::hash::Hash;
use crate::consensus::Evidence;
use crate::replica::RequestId;
use answers::Certifying;
pub(super) use mischief::Mischief;
use window::Subject;

/// Messages that a traitor remembers, to say them again.
const OVERHEARD: usize = 64;
/// Heights of which the plot remembers what was proposed.
const PLOTTED_HEIGHTS: u64 = 8;

/// What a traitor does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Habit {
    /// Proposes two blocks in its turn, to different peers.
    DoubleProposal,
    /// Votes for two blocks, or for a block and none, to different peers; or for a block that nobody knows.
    DoubleVote,
    /// Says and answers nothing.
    Silence,
    /// Says and answers nothing to some.
    Shunning,
    /// Passes no vote on and gives none.
    VotesKept,
    /// Proposes to some only, and gives nobody blocks or messages that they lack.
    Withholding,
    /// Lies about the chain to who wants to catch up.
    FalseChain,
    /// Lies to wallets.
    FalseWindow,
    /// Takes payments and lets nobody know of them; proposes none.
    Censorship,
    /// Says more than anybody needs, properly signed, of heights and rounds that are far away.
    Flood,
    /// Says what others have not signed, and what was said long ago.
    Forgery,
    /// Proposes blocks that break a rule: a false state, a payment again, another parent.
    Unlawful,
    /// Forgets what it has signed, and starts again.
    Amnesia,
    /// Its key runs on two machines at once: an operator's mistake.
    Twins,
}

impl Habit {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::DoubleProposal,
        Self::DoubleVote,
        Self::Silence,
        Self::Shunning,
        Self::VotesKept,
        Self::Withholding,
        Self::FalseChain,
        Self::FalseWindow,
        Self::Censorship,
        Self::Flood,
        Self::Forgery,
        Self::Unlawful,
        Self::Amnesia,
        Self::Twins,
    ];
}

/// What makes a node a traitor.
pub struct Traitor {
    habits: BTreeSet<Habit>,
    /// Whom it shuns: a bit for each party, by its number.
    shunned: u64,
    /// Messages heard, to be said again.
    overheard: VecDeque<Rc<Told>>,
    /// Questions before it, by their digest.
    questions: BTreeMap<RequestId, Hash>,
    /// Its first answer to each question of wallets, to be given again when it is out of date.
    outdated: BTreeMap<Hash, Vec<u8>>,
    /// A frame of a watch, long ago.
    old_frame: Option<Vec<u8>>,
    /// Lies to wallets about this only: who lies seldom is trusted longer.
    subject: Option<Subject>,
    /// Lies to other nodes about certificates only, and so.
    certifying: Option<Certifying>,
}

/// What traitors know together.
#[derive(Default)]
pub struct Plot {
    /// The two blocks that were proposed at a height, in a round.
    pairs: BTreeMap<(u64, u32), [Hash; 2]>,
    /// What was proposed at a height.
    blocks: BTreeMap<u64, Hash>,
}

impl Plot {
    /// Lets go of what is over.
    fn forget_before(&mut self, height: u64) {
        let first = height.saturating_sub(PLOTTED_HEIGHTS);
        self.pairs = self.pairs.split_off(&(first, 0));
        self.blocks = self.blocks.split_off(&first);
    }
}

/// Who is to be a traitor, and how.
#[derive(Debug, Default)]
pub struct Recruits(Vec<(usize, BTreeSet<Habit>)>);

impl Recruits {
    /// By chance, as many of a plan's validators as may be malicious, or fewer. For a key that runs twice another node
    /// joins the cast.
    pub fn draw(plan: &Plan, seed: u64, cast: &mut Cast) -> Self {
        let digest = Hash::of("natcoin/sim/traitors", &[&seed.to_bytes()]);
        let mut random = StdRng::from_seed(*digest.as_bytes());
        let most = plan.tolerance();
        let count = match random.random_range(0..3) {
            0 => random.random_range(1..=most),
            _ => most,
        };
        let mut places = BTreeSet::new();
        while places.len() < usize::try_from(count).unwrap_or(usize::MAX) {
            places.insert(random.random_range(0..usize::try_from(plan.nodes).unwrap_or(1)));
        }
        let mut recruits = Self::default();
        for place in places {
            if random.random_range(0..8) == 0 {
                recruits.twin(place, cast);
                continue;
            }
            let mut habits = BTreeSet::new();
            for _ in 0..random.random_range(1..=3) {
                // All but the last, the twins.
                let habit = random.random_range(0..Habit::ALL.len() - 1);
                habits.insert(Habit::ALL[habit]);
            }
            recruits.0.push((place, habits));
        }
        recruits
    }

    /// Whether each of them does this, and nothing else.
    #[cfg(test)]
    pub(super) fn do_only(&self, habit: Habit) -> bool {
        let only = BTreeSet::from([habit]);
        self.0.iter().all(|(_, habits)| *habits == only)
    }

    /// Lets a validator's key run on another machine too.
    pub fn twin(&mut self, place: usize, cast: &mut Cast) {
        let Some(key) = cast.keys.get(place).cloned() else {
            return;
        };
        let habits = BTreeSet::from([Habit::Twins]);
        self.0.push((place, habits.clone()));
        self.0.push((cast.keys.len(), habits));
        cast.keys.push(key);
    }

    /// Makes traitors of them.
    pub fn corrupt(self, world: &mut World) {
        for (node, habits) in self.0 {
            world.corrupt(node, habits);
            world.narrow(node);
        }
    }
}

impl World {
    /// Makes a traitor of a node.
    pub fn corrupt(&mut self, node: usize, habits: impl IntoIterator<Item = Habit>) {
        let habits: BTreeSet<Habit> = habits.into_iter().collect();
        self.judge.distrust(self.nodes[node].key.address());
        let nodes = self.nodes.len().min(63);
        let others = ((1 << nodes) - 1) & !(1 << node.min(63));
        // Some node, not all.
        let shunned = loop {
            let mask: u64 = self.random.random();
            if mask & others != 0 && mask & others != others || nodes <= 2 {
                break mask;
            }
        };
        self.note("traitor", Parties(node, None), &[], || {
            format!("is a traitor: {habits:?}")
        });
        self.nodes[node].traitor = Some(Box::new(Traitor {
            habits,
            shunned,
            overheard: VecDeque::new(),
            questions: BTreeMap::new(),
            outdated: BTreeMap::new(),
            old_frame: None,
            subject: None,
            certifying: None,
        }));
        let soon = self.between_ms(0, 300);
        self.clock.after(soon, Due::Mischief(node, Mischief::Act));
    }

    /// Lets chance decide whether a traitor lies about everything, or about one thing only.
    fn narrow(&mut self, node: usize) {
        let subject = Subject::ALL[self.random.random_range(0..Subject::ALL.len())];
        let certifying = Certifying::ALL[self.random.random_range(0..Certifying::ALL.len())];
        if let Some(traitor) = &mut self.nodes[node].traitor {
            traitor.subject = subject;
            traitor.certifying = certifying;
        }
    }

    /// Whether a node does what it should.
    pub fn is_honest(&self, node: usize) -> bool {
        let node = self.nodes.get(node);
        node.is_some_and(|node| node.traitor.is_none() && node.lie.is_none())
    }

    fn has_habit(&self, node: usize, habit: Habit) -> bool {
        let traitor = self.nodes[node].traitor.as_ref();
        traitor.is_some_and(|traitor| traitor.habits.contains(&habit))
    }

    /// Whether a traitor wants to have nothing to do with a party.
    fn shuns(&self, node: usize, party: usize) -> bool {
        let traitor = self.nodes[node].traitor.as_ref();
        traitor.is_some_and(|traitor| traitor.shunned >> (party % 64) & 1 == 1)
    }

    /// Which of two faces is shown to a party at a height.
    fn face(&self, party: usize, height: u64) -> usize {
        let party = u64::try_from(party).unwrap_or(u64::MAX);
        let digest = Hash::of("natcoin/sim/face", &[&party.to_bytes(), &height.to_bytes()]);
        usize::from(digest.as_bytes()[0] & 1)
    }

    /// Counts what a traitor bends, and notes it.
    fn bent(&mut self, node: usize, to: Option<usize>, what: &'static str) {
        self.tally.fault(what);
        self.note("bent", Parties(node, to), what.as_bytes(), || {
            format!("TRAITOR: {what}")
        });
    }

    /// Whether a traitor keeps a message from a peer.
    pub(super) fn keeps_back(&mut self, from: usize, to: usize, topic: Topic) -> bool {
        if self.nodes[from].traitor.is_none() {
            return false;
        }
        let has = |habit| self.has_habit(from, habit);
        let what = match topic {
            _ if has(Habit::Silence) => "silence",
            _ if has(Habit::Shunning) && self.shuns(from, to) => "silence to some",
            Topic::Votes if has(Habit::VotesKept) => "vote kept back",
            Topic::Proposals if has(Habit::Withholding) && self.shuns(from, to) => "withheld body",
            Topic::Transactions if has(Habit::Censorship) => "censored payment",
            _ => return false,
        };
        self.bent(from, Some(to), what);
        true
    }

    /// A traitor listens; tells whether its node hears it too.
    pub(super) fn listens(&mut self, node: usize, told: &Rc<Told>) -> bool {
        let is_censor = self.has_habit(node, Habit::Censorship);
        let Some(traitor) = &mut self.nodes[node].traitor else {
            return true;
        };
        if traitor.habits.contains(&Habit::Forgery) {
            traitor.overheard.push_back(told.clone());
            if traitor.overheard.len() > OVERHEARD {
                traitor.overheard.pop_front();
            }
        }
        !(is_censor && told.topic == Topic::Transactions)
    }

    /// A node blames another.
    pub(super) fn blamed(&mut self, node: usize, whom: usize, why: &str) {
        if whom >= self.nodes.len() {
            return;
        }
        self.note("blame", Parties(node, Some(whom)), &[], || {
            format!("blames it: {why}")
        });
        if !self.is_honest(node) {
            return;
        }
        match self.is_honest(whom) {
            true => self.seen.wronged.push((node, whom, why.to_owned())),
            false => self.tally.notice("traitor blamed"),
        }
    }

    /// A node holds a proof of misbehaviour.
    pub(super) fn proven(&mut self, node: usize, evidence: &Evidence) {
        let offender = match evidence {
            Evidence::Votes(vote, _) => vote.voter,
            Evidence::Proposals(proposal, _) => proposal.proposer,
        };
        self.seen.evidence += 1;
        let whom = self.place_of(node, &offender);
        self.tally.notice("evidence kept");
        self.blamed(node, whom, "it has contradicted itself");
    }

    /// The peers that a node holds a connection with.
    fn peers_of(&self, node: usize) -> Vec<usize> {
        let live = self.nodes[node].live.as_ref();
        live.map(|live| live.peers.iter().copied().collect())
            .unwrap_or_default()
    }

    /// Ends a connection; both try again after a while.
    pub(super) fn sever(&mut self, node: usize, peer: usize) {
        if peer >= self.nodes.len() {
            return;
        }
        for (one, other) in [(node, peer), (peer, node)] {
            let soon = self.between_ms(0, 5);
            self.after(soon, one, super::world::Event::Closed(other));
        }
        let pause = Duration::from_millis(self.random.random_range(500..5_000));
        for (one, other) in [(node, peer), (peer, node)] {
            self.after(pause, one, super::world::Event::Up(other));
        }
    }
}
