//! A world of keepers in virtual time: links with a delay, disks, a ledger; deterministic.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rand::SeedableRng as _;
use rand::rngs::StdRng;

use crate::chain::codec::{Decode as _, Encode as _};
use crate::chain::key::{Address, PublicKey, SecretKey};
use crate::directory::book::Book;
use crate::directory::card::{Card, Role};
use crate::directory::exchange::{Answer, Request, Told};
use crate::directory::keeper::{Effect, Input, Keeper, Now, Reply, Settings, Verdict};
use crate::directory::publisher::Owner;
use crate::directory::testing::{NETWORK, NOW_MS, account, peer};

/// How long a message takes, and a proof, and the disk.
const WAY: Duration = Duration::from_millis(20);

/// What a node's disk holds.
#[derive(Debug, Default, Clone)]
pub struct Disk {
    pub book: Option<Vec<u8>>,
    pub number: Option<u64>,
    /// Whether it takes numbers no more.
    pub is_broken: bool,
}

/// A node of the world.
#[derive(Default)]
pub struct Node {
    pub keeper: Option<Keeper>,
    pub disk: Disk,
    pub has_left: bool,
    /// Gossip that it has had.
    heard: BTreeSet<Vec<u8>>,
}

/// Who asked: a node, under a number of its own, or a test.
#[derive(Debug, Clone, Copy)]
enum Asker {
    Node(usize, u64),
    Stranger,
}

/// The world.
pub struct World {
    pub nodes: Vec<Node>,
    pub elapsed: Duration,
    pub members: BTreeSet<Address>,
    /// Cards that were proved.
    pub proved: usize,
    /// Who sent whom away.
    pub sent_away: Vec<(usize, PublicKey)>,
    room: usize,
    queue: BTreeMap<(Duration, u64), (usize, Input)>,
    links: BTreeSet<(usize, usize)>,
    last: u64,
    random: StdRng,
    open: Open,
}

/// What is not yet answered or judged, by number; and what was said to strangers.
#[derive(Default)]
struct Open {
    asked: BTreeMap<u64, Asker>,
    gossip: BTreeMap<u64, Vec<u8>>,
    replies: BTreeMap<u64, Reply>,
    verdicts: BTreeMap<u64, Verdict>,
}

/// The key of a node: its account's and its peer's.
pub fn key(node: usize) -> SecretKey {
    peer(1000 + u32::try_from(node).unwrap())
}

impl World {
    /// So many nodes, all linked and at work, whose books have room for so many cards.
    pub fn with_room(nodes: usize, room: usize) -> Self {
        let mut world = Self {
            nodes: (0..nodes).map(|_| Node::default()).collect(),
            elapsed: Duration::ZERO,
            members: BTreeSet::new(),
            proved: 0,
            sent_away: Vec::new(),
            room,
            queue: BTreeMap::new(),
            links: BTreeSet::new(),
            last: 0,
            random: StdRng::seed_from_u64(7),
            open: Open::default(),
        };
        for node in 0..nodes {
            world.start(node);
        }
        for one in 0..nodes {
            for other in 0..one {
                world.link(one, other);
            }
        }
        world
    }

    /// So many nodes with room enough.
    pub fn of(nodes: usize) -> Self {
        Self::with_room(nodes, 100_000)
    }

    pub fn now(&self) -> Now {
        let passed = u64::try_from(self.elapsed.as_millis()).unwrap();
        Now {
            unix_ms: NOW_MS + passed,
            elapsed: self.elapsed,
        }
    }

    pub fn book(&self, node: usize) -> &Book {
        self.keeper(node).book()
    }

    pub fn keeper(&self, node: usize) -> &Keeper {
        self.nodes[node].keeper.as_ref().expect("it runs")
    }

    /// Starts a node with what its disk holds.
    pub fn start(&mut self, node: usize) {
        let disk = &self.nodes[node].disk;
        let empty = Book::with_room(NETWORK, self.room);
        let book = match &disk.book {
            Some(bytes) => empty.restore(bytes, self.now().unix_ms).unwrap(),
            None => empty,
        };
        let owner = Owner {
            network: NETWORK,
            account: key(node),
            peer: key(node),
            role: Role::Validator,
        };
        self.nodes[node].keeper = Some(Keeper::new(Settings {
            book,
            owner,
            last_number: disk.number,
            verified: (0..self.nodes.len())
                .map(|node| key(node).public())
                .collect(),
            seed: u64::try_from(node).unwrap(),
        }));
        self.feed(node, Input::Tick);
    }

    /// A node ends without a word.
    pub fn kill(&mut self, node: usize) {
        self.nodes[node].keeper = None;
        for other in 0..self.nodes.len() {
            self.unlink(node, other);
        }
        self.queue.retain(|_, (at, _)| *at != node);
    }

    pub fn link(&mut self, one: usize, other: usize) {
        for (one, other) in [(one, other), (other, one)] {
            if self.links.insert((one, other)) {
                let (peer, role) = (key(other).public(), Role::Validator);
                self.feed(one, Input::PeerUp { peer, role });
            }
        }
    }

    pub fn unlink(&mut self, one: usize, other: usize) {
        for (one, other) in [(one, other), (other, one)] {
            if self.links.remove(&(one, other)) {
                let peer = key(other).public();
                self.feed(one, Input::PeerDown { peer });
            }
        }
    }

    /// A stranger's request; gives its number.
    pub fn ask(&mut self, node: usize, from: PublicKey, request: &[u8]) -> u64 {
        self.last += 1;
        let (id, data) = (self.last, request.to_vec());
        self.open.asked.insert(id, Asker::Stranger);
        self.feed(node, Input::Asked { id, from, data });
        id
    }

    /// A stranger hands in cards, and gets their marks; `None` if nobody has time for them.
    pub fn put(&mut self, node: usize, from: PublicKey, cards: Vec<Card>) -> Option<Vec<u8>> {
        let id = self.ask(node, from, &Request::Put(cards).to_bytes());
        self.run(WAY * 4);
        match self.open.replies.remove(&id)? {
            Reply::Bytes(bytes) => match Answer::from_bytes(&bytes).unwrap() {
                Answer::Put(marks) => Some(marks),
                other => panic!("{other:?}"),
            },
            Reply::Busy => None,
            Reply::Unreadable => panic!("it is readable"),
        }
    }

    /// What a stranger was told.
    pub fn reply(&mut self, id: u64) -> Option<Reply> {
        self.open.replies.remove(&id)
    }

    /// A stranger's gossip, and what became of it.
    pub fn gossip(&mut self, node: usize, from: PublicKey, data: &[u8]) -> Option<Verdict> {
        self.last += 1;
        let (id, data) = (self.last, data.to_vec());
        self.open.gossip.insert(id, data.clone());
        self.feed(node, Input::Gossip { id, from, data });
        self.run(WAY * 4);
        self.open.verdicts.remove(&id)
    }

    /// A stranger gossips cards.
    pub fn tell(&mut self, node: usize, from: PublicKey, cards: Vec<Card>) -> Option<Verdict> {
        self.gossip(node, from, &Told(cards).to_bytes())
    }

    /// The accounts of the first so many numbers are in the ledger.
    pub fn enrol(&mut self, count: u32) {
        self.members = (0..count).map(|number| account(number).address()).collect();
    }

    /// Lets time pass.
    pub fn run(&mut self, time: Duration) {
        let end = self.elapsed + time;
        loop {
            let tick = (0..self.nodes.len())
                .filter_map(|node| Some((self.nodes[node].keeper.as_ref()?.next_deadline(), node)))
                .min();
            let tick = tick.map(|(at, node)| (at.max(self.elapsed), node));
            let first = self.queue.first_key_value().map(|((at, _), _)| *at);
            match (first, tick) {
                (Some(at), _) if at <= end && tick.is_none_or(|(tick, _)| at <= tick) => {
                    let (_, (node, input)) = self.queue.pop_first().unwrap();
                    self.elapsed = at;
                    self.feed(node, input);
                }
                (_, Some((at, node))) if at <= end => {
                    self.elapsed = at;
                    self.feed(node, Input::Tick);
                    let next = self.nodes[node].keeper.as_ref().map(Keeper::next_deadline);
                    assert!(
                        next.is_none_or(|next| next > at),
                        "node {node} spins at {at:?}"
                    );
                }
                _ => break,
            }
        }
        self.elapsed = end;
    }

    /// Whether all running nodes hold the same.
    pub fn is_in_agreement(&mut self) -> bool {
        let now_ms = self.now().unix_ms;
        let running = self
            .nodes
            .iter_mut()
            .filter_map(|node| node.keeper.as_mut());
        let digests: Vec<_> = running.map(|one| one.book.digest(now_ms)).collect();
        digests.windows(2).all(|pair| pair[0] == pair[1])
    }

    fn later(&mut self, node: usize, input: Input) {
        self.last += 1;
        self.queue
            .insert((self.elapsed + WAY, self.last), (node, input));
    }

    /// The room of books that are begun from now on.
    pub fn set_room(&mut self, room: usize) {
        self.room = room;
    }

    pub fn perform_all(&mut self, node: usize, effects: Vec<Effect>) {
        for effect in effects {
            self.perform(node, effect);
        }
    }

    fn feed(&mut self, node: usize, input: Input) {
        let now = self.now();
        let Some(keeper) = &mut self.nodes[node].keeper else {
            return;
        };
        let effects = keeper.handle(input, now);
        self.perform_all(node, effects);
    }

    fn node_of(&self, peer: &PublicKey) -> usize {
        let mut nodes = 0..self.nodes.len();
        nodes.find(|node| key(*node).public() == *peer).unwrap()
    }

    fn perform(&mut self, node: usize, effect: Effect) {
        match effect {
            Effect::Check { job, cards } => {
                self.proved += cards.len();
                let outcomes = Card::prove_all(cards, &mut self.random);
                let members = self.members.clone();
                let done = Input::Checked {
                    job,
                    outcomes,
                    members,
                };
                self.later(node, done);
            }
            Effect::Ask { number, peer, data } => {
                let host = self.node_of(&peer);
                if !self.links.contains(&(node, host)) {
                    return self.later(node, Input::Answered { number, data: None });
                }
                self.last += 1;
                let (id, from) = (self.last, key(node).public());
                self.open.asked.insert(id, Asker::Node(node, number));
                self.later(host, Input::Asked { id, from, data });
            }
            Effect::Answer { id, reply } => match self.open.asked.remove(&id) {
                Some(Asker::Node(asker, number)) => {
                    let data = match reply {
                        Reply::Bytes(bytes) => Some(bytes),
                        Reply::Busy | Reply::Unreadable => None,
                    };
                    self.later(asker, Input::Answered { number, data });
                }
                Some(Asker::Stranger) => drop(self.open.replies.insert(id, reply)),
                None => panic!("an answer to nothing"),
            },
            Effect::Judge { id, verdict } => {
                let data = self.open.gossip.remove(&id).expect("it waits");
                self.open.verdicts.insert(id, verdict);
                if verdict == Verdict::Accept {
                    self.spread(node, &data);
                }
            }
            Effect::Tell(data) => self.spread(node, &data),
            Effect::KeepNumber { sequence } => {
                let disk = &mut self.nodes[node].disk;
                let input = match disk.is_broken {
                    true => Input::NumberNotKept,
                    false => {
                        disk.number = Some(sequence);
                        Input::NumberKept { sequence }
                    }
                };
                self.later(node, input);
            }
            Effect::Save(bytes) => {
                self.nodes[node].disk.book = Some(bytes);
                self.later(node, Input::Saved);
            }
            Effect::Disconnect { peer, .. } => self.sent_away.push((node, peer)),
            Effect::Left => self.nodes[node].has_left = true,
        }
    }

    /// Gossip, as the network does it: everybody once.
    fn spread(&mut self, from: usize, data: &[u8]) {
        self.nodes[from].heard.insert(data.to_vec());
        let hearers: Vec<usize> = (0..self.nodes.len())
            .filter(|to| self.links.contains(&(from, *to)))
            .collect();
        for to in hearers {
            if !self.nodes[to].heard.insert(data.to_vec()) {
                continue;
            }
            self.last += 1;
            let (id, data, from) = (self.last, data.to_vec(), key(from).public());
            self.open.gossip.insert(id, data.clone());
            self.later(to, Input::Gossip { id, from, data });
        }
    }
}
