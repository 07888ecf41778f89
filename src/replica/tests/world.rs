//! A small world around real replicas: a virtual clock, a network that loses, doubles and delays, disks
//! that lose power. One seed, one course of events.
//!
//! Everything that a node does goes through [`World::perform`], where it can be stopped between any two
//! effects, and past the [`Judge`], who knows what must never happen.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::judge::Judge;
use super::people::genesis;
use crate::behaviour::{Role, Service, Topic};
use crate::chain::genesis::Genesis;
use crate::chain::hash::Hash;
use crate::chain::key::{Address, SecretKey};
use crate::chain::testing::network;
use crate::replica::{
    Effect, GossipId, Halt, Input, Moment, Note, Replica, Stored, Tag, WatchId, perform,
};
use crate::store::{CheckpointJob, SimDisk, Store, Survival};

/// The wall clock at the world's beginning.
pub const DAWN_MS: u64 = 1_000_000;
/// How long gossip knows a message again.
pub(super) const HEARD: Duration = Duration::from_secs(60);
/// How long an unanswered request is waited for.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// What happens to a node.
pub(super) enum Event {
    Tick,
    Up(usize),
    Down(usize),
    Height(usize, u64),
    Gossip {
        from: usize,
        told: Rc<Told>,
        is_again: bool,
    },
    Ask {
        call: u64,
        from: usize,
        service: Service,
        data: Vec<u8>,
    },
    Answer {
        call: u64,
        data: Option<Vec<u8>>,
    },
    Written(Box<CheckpointJob>),
}

/// A gossip message.
pub struct Told {
    pub(super) topic: Topic,
    pub(super) data: Vec<u8>,
    pub(super) id: Hash,
}

/// An event with its time and place.
struct Due {
    at: Duration,
    number: u64,
    node: usize,
    epoch: u64,
    event: Event,
}

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}
impl Eq for Due {}
impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Due {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}

/// The network's manners.
pub struct Net {
    /// Shortest and longest way of a message, in milliseconds.
    pub delay_ms: (u64, u64),
    /// Lost messages of a thousand.
    pub lost: u32,
    /// Lost requests and answers of a thousand.
    pub lost_requests: u32,
    /// Messages of a thousand that come twice.
    pub doubled: u32,
    /// Pairs that do not hear each other, the smaller number first.
    pub cut: BTreeSet<(usize, usize)>,
}

/// Changes the answers of a service before they leave.
pub type Lie = Box<dyn Fn(Service, Vec<u8>) -> Vec<u8>>;

/// A node: what survives it, and what runs.
pub struct Node {
    pub key: SecretKey,
    pub disk: SimDisk,
    pub live: Option<Live>,
    pub skew_ms: i64,
    pub lie: Option<Lie>,
    /// Power fails before the effect after so many more.
    pub crash_in: Option<(u64, Survival)>,
    /// What is left of its unsynced writes when it stops because its disk fails.
    pub survival: Survival,
    /// Effects performed so far.
    pub performed: u64,
    /// Why it stopped by itself.
    pub stopped: Option<String>,
    pub(super) epoch: u64,
}

/// What runs.
pub struct Live {
    pub replica: Replica,
    pub store: Store,
    pub(super) heard: BTreeMap<Hash, Duration>,
    pub(super) tick_at: Option<Duration>,
}

/// What people saw.
#[derive(Default)]
pub struct Seen {
    pub notes: Vec<(Duration, usize, Note)>,
    pub disconnects: Vec<(usize, usize, String)>,
    pub rejects: usize,
    pub frames: Vec<(usize, WatchId, Vec<u8>)>,
    pub closed_watches: Vec<WatchId>,
    pub evidence: usize,
    /// Whom nodes asked for blocks or messages.
    pub asked: Vec<usize>,
    pub(super) responses: BTreeMap<u64, Vec<u8>>,
}

/// The world.
pub struct World {
    pub now: Duration,
    pub nodes: Vec<Node>,
    pub net: Net,
    pub random: StdRng,
    pub genesis: Arc<Genesis>,
    pub judge: Judge,
    pub seen: Seen,
    queue: BinaryHeap<Reverse<Due>>,
    pub(super) next_number: u64,
    pub(super) calls: BTreeMap<u64, (usize, usize, Tag)>,
    pub(super) requests: BTreeMap<u64, (usize, u64, Service)>,
    pub(super) judging: BTreeMap<GossipId, (usize, Rc<Told>)>,
}

impl World {
    /// So many validators, and followers after them; all are up.
    pub fn new(validators: u8, followers: u8, seed: u64) -> Self {
        Self::of(genesis(validators), followers, seed)
    }

    /// The validators of a genesis, and followers after them; all are up.
    pub fn of(genesis: Genesis, followers: u8, seed: u64) -> Self {
        let genesis = Arc::new(genesis);
        let validators = u8::try_from(genesis.validators.count()).unwrap();
        let keys = (0..validators).map(network::validator);
        let keys = keys.chain((0..followers).map(|number| network::key(150 + number)));
        let nodes = keys.map(|key| Node {
            key,
            disk: SimDisk::new(),
            live: None,
            skew_ms: 0,
            lie: None,
            crash_in: None,
            survival: Survival::Everything,
            performed: 0,
            stopped: None,
            epoch: 0,
        });
        let mut world = Self {
            now: Duration::ZERO,
            nodes: nodes.collect(),
            net: Net {
                delay_ms: (1, 4),
                lost: 0,
                lost_requests: 0,
                doubled: 0,
                cut: BTreeSet::new(),
            },
            random: StdRng::seed_from_u64(seed),
            judge: Judge::new(&genesis),
            genesis,
            seen: Seen::default(),
            queue: BinaryHeap::new(),
            next_number: 0,
            calls: BTreeMap::new(),
            requests: BTreeMap::new(),
            judging: BTreeMap::new(),
        };
        for node in 0..world.nodes.len() {
            world.start(node).unwrap();
        }
        world.run_for(Duration::from_millis(100));
        world
    }

    // ---- time ----

    /// Lets time pass.
    pub fn run_for(&mut self, time: Duration) {
        self.run_until(time, |_| false);
    }

    /// Lets time pass until something is so, at most so long; tells whether it is.
    pub fn run_until(&mut self, limit: Duration, is_so: impl Fn(&Self) -> bool) -> bool {
        let end = self.now + limit;
        let (mut last, mut at_once) = (self.now, 0);
        while !is_so(self) {
            match self.queue.peek() {
                Some(Reverse(due)) if due.at <= end => {}
                _ => {
                    self.now = end;
                    return is_so(self);
                }
            }
            let Some(Reverse(due)) = self.queue.pop() else {
                return false;
            };
            self.now = self.now.max(due.at);
            at_once = if self.now == last { at_once + 1 } else { 0 };
            assert!(at_once < 50_000, "the world spins at {:?}", self.now);
            last = self.now;
            if self.nodes[due.node].epoch == due.epoch {
                self.happen(due.node, due.event);
            }
        }
        true
    }

    pub(super) fn after(&mut self, wait: Duration, node: usize, event: Event) {
        self.next_number += 1;
        self.queue.push(Reverse(Due {
            at: self.now + wait,
            number: self.next_number,
            node,
            epoch: self.nodes[node].epoch,
            event,
        }));
    }

    pub(super) fn moment(&self, node: usize) -> Moment {
        let elapsed_ms = u64::try_from(self.now.as_millis()).unwrap();
        Moment {
            unix_ms: (DAWN_MS + elapsed_ms).saturating_add_signed(self.nodes[node].skew_ms),
            elapsed: self.now,
        }
    }

    // ---- what happens ----

    pub(super) fn happen(&mut self, node: usize, event: Event) {
        let key = |world: &Self, of: usize| world.nodes[of].key.public();
        if self.nodes[node].live.is_none() {
            return;
        }
        let input = match event {
            Event::Tick => {
                if let Some(live) = self.nodes[node].live.as_mut() {
                    live.tick_at = None;
                }
                Input::Tick
            }
            Event::Up(peer) | Event::Height(peer, _) if !self.is_linked(node, peer) => return,
            Event::Down(peer) if self.is_linked(node, peer) => return,
            Event::Up(peer) => Input::PeerUp {
                peer: key(self, peer),
                role: match self.genesis.validators.contains(&key(self, peer).address()) {
                    true => Role::Validator,
                    false => Role::Follower,
                },
                height: self.height(peer),
            },
            Event::Down(peer) => Input::PeerDown {
                peer: key(self, peer),
            },
            Event::Height(peer, height) => Input::PeerHeight {
                peer: key(self, peer),
                height,
            },
            Event::Gossip { from, .. } | Event::Ask { from, .. } if !self.is_linked(node, from) => {
                return;
            }
            Event::Gossip {
                from,
                told,
                is_again,
            } => {
                let live = self.nodes[node].live.as_mut();
                let heard = live.and_then(|live| live.heard.insert(told.id, self.now));
                if heard.is_some_and(|at| self.now - at < HEARD) && !is_again {
                    return;
                }
                self.next_number += 1;
                let id = self.next_number;
                let (topic, data) = (told.topic, told.data.clone());
                self.judging.insert(id, (from, told));
                let from = key(self, from);
                Input::Gossip {
                    id,
                    from,
                    topic,
                    data,
                }
            }
            Event::Ask {
                call,
                from,
                service,
                data,
            } => {
                self.next_number += 1;
                let id = self.next_number;
                self.requests.insert(id, (from, call, service));
                let from = key(self, from);
                Input::Request {
                    id,
                    from,
                    service,
                    data,
                }
            }
            Event::Answer { call, data } => match self.calls.remove(&call) {
                Some((_, peer, tag)) => Input::Reply {
                    tag,
                    from: key(self, peer),
                    data,
                },
                None => return,
            },
            Event::Written(job) => match job.run() {
                Ok(checkpoint) => Input::CheckpointWritten {
                    height: checkpoint.height,
                },
                Err(error) => return self.stop(node, error.to_string()),
            },
        };
        self.step(node, input);
    }

    fn stop(&mut self, node: usize, reason: String) {
        let survival = self.nodes[node].survival;
        self.crash(node, survival);
        self.nodes[node].stopped = Some(reason);
    }

    /// Gives a node an input and performs what follows.
    pub fn step(&mut self, node: usize, input: Input) {
        let moment = self.moment(node);
        let Some(live) = self.nodes[node].live.as_mut() else {
            return;
        };
        let effects = live.replica.handle(input, moment, &live.store);
        self.perform(node, effects);
    }

    pub(super) fn perform(&mut self, node: usize, effects: Vec<Effect>) {
        for effect in effects {
            if let Some((left, survival)) = self.nodes[node].crash_in {
                if left == 0 {
                    return self.crash(node, survival);
                }
                self.nodes[node].crash_in = Some((left - 1, survival));
            }
            self.nodes[node].performed += 1;
            let Some(live) = self.nodes[node].live.as_ref() else {
                return;
            };
            let record = match &effect {
                Effect::Commit { height, record, .. } => Some((*height, record.clone())),
                _ => None,
            };
            match perform(effect, &live.store) {
                Err(error) => return self.stop(node, error.to_string()),
                Ok(Stored::Done) => {
                    if let Some((height, record)) = record {
                        self.judge.committed(node, self.now, height, &record);
                    }
                }
                Ok(Stored::Checkpoint(job)) => {
                    let wait = Duration::from_millis(self.random.random_range(1..300));
                    self.after(wait, node, Event::Written(Box::new(job)));
                }
                Ok(Stored::Other(effect)) => self.act(node, effect),
            }
        }
        let Some(live) = self.nodes[node].live.as_mut() else {
            return;
        };
        self.judge.stands(&live.replica);
        if let Some(next) = live.replica.next_deadline()
            && live.tick_at.is_none_or(|at| next < at)
        {
            live.tick_at = Some(next);
            let wait = next.saturating_sub(self.now);
            self.after(wait, node, Event::Tick);
        }
    }

    fn act(&mut self, node: usize, effect: Effect) {
        match effect {
            Effect::Publish { topic, data } => {
                self.judge.published(node, topic, &data);
                let id = Hash::of("test/gossip", &[&[topic as u8], &data]);
                self.gossip(node, Rc::new(Told { topic, data, id }));
            }
            Effect::Judge { id, verdict } => {
                let (from, told) = self.judging.remove(&id).expect("judged once");
                match verdict {
                    crate::replica::Verdict::Accept => self.hand_on(node, Some(from), &told),
                    crate::replica::Verdict::Ignore => {}
                    crate::replica::Verdict::Reject => self.seen.rejects += 1,
                }
            }
            Effect::Request {
                tag,
                peer,
                service,
                data,
            } => self.request(node, tag, peer.address(), service, data),
            Effect::Respond { id, data } => self.respond(node, id, data),
            Effect::Push { watch, frame } => self.seen.frames.push((node, watch, frame)),
            Effect::CloseWatch { watch } => self.seen.closed_watches.push(watch),
            Effect::Height(height) => {
                for other in 0..self.nodes.len() {
                    if self.is_linked(node, other)
                        && let Some(way) = self.way()
                    {
                        self.after(way, other, Event::Height(node, height));
                    }
                }
            }
            Effect::Disconnect { peer, reason } => {
                let peer = self.place_of(&peer.address());
                self.seen.disconnects.push((node, peer, reason));
            }
            Effect::Evidence(evidence) => self.seen.evidence += evidence.len(),
            Effect::Note(note) => self.seen.notes.push((self.now, node, note)),
            Effect::Halt(halt) => self.halted(node, &halt),
            storage => panic!("the store should have taken {storage:?}"),
        }
    }

    fn halted(&mut self, node: usize, halt: &Halt) {
        panic!("node {node} at {:?}: {halt}", self.now);
    }

    pub(super) fn place_of(&self, address: &Address) -> usize {
        let place = |node: &Node| node.key.address() == *address;
        self.nodes.iter().position(place).unwrap_or(usize::MAX)
    }
}
