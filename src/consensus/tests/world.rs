//! The world: virtual time in microseconds, a network with faults, and what must hold at every step.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::host::Node;
use super::people::{GENESIS, block, contradicted, key, proposal, validators};
use super::plan::{FOR_EVER, MS, Plan, Rng};
use crate::chain::block::Block;
use crate::chain::certificate::Certificate;
use crate::chain::codec::Encode;
use crate::chain::hash::Hash;
use crate::chain::key::Address;
use crate::chain::validator::ValidatorSet;
use crate::consensus::handler::{mark_of, own_mark_of};
use crate::consensus::message::Message;
use crate::consensus::signing::Verifier;
use crate::consensus::{Effect, Evidence, Mark, Outgoing, Proposal, Receipt, Step, Timer};
use crate::mutation;

/// What travels.
#[derive(Clone)]
pub enum Packet {
    /// What an engine publishes.
    Said(Outgoing),
    /// The height of the sender's last block.
    Status(u64),
    /// Please send this block.
    Ask(u64),
    /// A block with its proof.
    Certified(Arc<Block>, Certificate),
}

enum Event {
    Deliver(usize, usize, Packet),
    Timer(usize, u64, Timer, u64),
    Propose(usize, u64, u64, u32),
    Start(usize, u64),
    Status(usize, u64),
    Crash(usize, u32),
    Restart(usize),
    Cut(u32),
}

/// What must hold, and what was seen.
pub struct Watch {
    verifier: Verifier,
    decided: BTreeMap<u64, Hash>,
    signed: BTreeMap<(Address, u64, u32, Step), Hash>,
    breaches: Vec<String>,
    /// A digest of everything that happened.
    pub trace: u64,
}

impl Watch {
    /// The first thing that went wrong.
    pub fn first_breach(&self) -> Option<&str> {
        self.breaches.first().map(String::as_str)
    }

    /// Notes that something went wrong.
    pub fn breach(&mut self, what: String) {
        self.breaches.push(what);
    }

    fn signed(&mut self, signer: Address, mark: Mark) {
        let place = (signer, mark.height, mark.round, mark.step);
        let before = *self.signed.entry(place).or_insert(mark.digest);
        if before != mark.digest {
            self.breach(format!("double signature: {place:?}"));
        }
    }
}

/// The world.
pub struct World {
    /// What it is made of.
    pub plan: Plan,
    /// Virtual time, microseconds.
    pub now: u64,
    /// The nodes.
    pub nodes: Vec<Node>,
    /// The validators.
    pub validators: Arc<ValidatorSet>,
    /// Chance.
    pub rng: Rng,
    /// The nodes on the far side of a partition, as bits.
    pub cut: u32,
    /// What must hold.
    pub watch: Watch,
    /// So many of the first blocks built are judged invalid.
    pub refused_builds: u64,
    /// Blocks built so far: no two are alike.
    builds: u64,
    events: BTreeMap<(u64, u64), Event>,
    sequence: u64,
}

impl World {
    /// A world in which no node is up.
    pub fn new(plan: Plan) -> Self {
        let mut nodes: Vec<Node> = (0..plan.count)
            .map(|number| {
                let is_last = number + 1 == plan.count;
                Node::new(key(number), !(is_last && (plan.has_liar || plan.has_twin)))
            })
            .collect();
        if plan.has_twin {
            nodes.push(Node::new(key(plan.count - 1), false));
        }
        Self {
            plan,
            now: 0,
            nodes,
            validators: validators(plan.count),
            rng: Rng(plan.seed),
            cut: 0,
            watch: Watch {
                verifier: Verifier::new(GENESIS),
                decided: BTreeMap::new(),
                signed: BTreeMap::new(),
                breaches: Vec::new(),
                trace: 0,
            },
            refused_builds: 0,
            builds: 0,
            events: BTreeMap::new(),
            sequence: 0,
        }
    }

    /// A world in which all nodes are up.
    pub fn started(plan: Plan) -> Self {
        let mut world = Self::new(plan);
        for node in 0..world.nodes.len() {
            world.boot(node);
        }
        world
    }

    fn at(&mut self, time: u64, event: Event) {
        self.sequence += 1;
        self.events.insert((time, self.sequence), event);
    }

    /// Cuts the nodes given as bits off from the others at a time; 0 heals.
    pub fn cut_at(&mut self, time: u64, far: u32) {
        self.at(time, Event::Cut(far));
    }

    /// From a time on, lets a node lose power after so many effects more; it comes back.
    pub fn crash_at(&mut self, time: u64, node: usize, effects: u32) {
        self.at(time, Event::Crash(node, effects));
    }

    /// Starts a node, or starts it again.
    pub fn boot(&mut self, at: usize) {
        let is_recovered = self.nodes[at].boot(&self.validators);
        let life = self.nodes[at].life;
        if !is_recovered {
            self.rest(at);
        }
        let first = self.now + 200 * MS + 7 * MS * at as u64;
        self.at(first, Event::Status(at, life));
        self.perform(at);
    }

    /// Lets a node lose power; it comes back after a while.
    pub fn crash(&mut self, at: usize) {
        self.nodes[at].crash(self.plan.tail, &mut self.rng);
        let back = self.now + 50 * MS + self.rng.below(self.plan.max_down);
        self.at(back, Event::Restart(at));
    }

    fn rest(&mut self, at: usize) {
        if self.plan.max_rest == FOR_EVER {
            return;
        }
        let life = self.nodes[at].life;
        let until = self.now + self.rng.below(self.plan.max_rest);
        self.at(until, Event::Start(at, life));
    }

    /// The lowest tip of the honest nodes that are up or will be again (those ever started).
    pub fn lowest_tip(&self) -> u64 {
        let honest = self.nodes.iter().filter(|node| node.is_honest);
        let tips = honest
            .filter(|node| node.life > 0)
            .map(|node| node.disk.tip());
        tips.min().unwrap_or(0)
    }

    /// The highest tip.
    pub fn highest_tip(&self) -> u64 {
        let tips = self.nodes.iter().map(|node| node.disk.tip());
        tips.max().unwrap_or(0)
    }

    /// All contradictions reported by honest nodes.
    pub fn evidence(&self) -> impl Iterator<Item = &Evidence> {
        let honest = self.nodes.iter().filter(|node| node.is_honest);
        honest.flat_map(|node| &node.evidence)
    }

    /// Runs until a condition holds, something is wrong, or a time has come; gives whether the condition holds.
    pub fn run_until(&mut self, limit: u64, is_done: impl Fn(&Self) -> bool) -> bool {
        loop {
            if is_done(self) {
                return true;
            }
            if self.watch.first_breach().is_some() {
                return false;
            }
            match self.events.first_key_value() {
                Some((&(time, _), _)) if time <= limit => self.step(),
                _ => {
                    self.now = self.now.max(limit);
                    return false;
                }
            }
        }
    }

    /// Runs until all nodes have reached a height; it is a breach if they have not by the limit.
    pub fn expect_height(&mut self, height: u64, limit: u64) {
        if !self.run_until(limit, |world| world.lowest_tip() >= height) {
            let tips: Vec<u64> = self.nodes.iter().map(|node| node.disk.tip()).collect();
            let time = self.now;
            self.watch.breach(format!(
                "no progress to height {height} by {time} us: {tips:?}"
            ));
        }
    }

    fn step(&mut self) {
        let Some(((time, sequence), event)) = self.events.pop_first() else {
            return;
        };
        self.now = time;
        self.watch.trace = Rng(self.watch.trace ^ time.rotate_left(20) ^ sequence).next();
        match event {
            Event::Deliver(from, to, packet) => self.deliver(from, to, packet),
            Event::Timer(at, life, timer, start) => {
                let node = &mut self.nodes[at];
                if node.life == life && node.timers.get(&timer) == Some(&start) {
                    node.timers.remove(&timer);
                    if let Some(engine) = &mut node.engine {
                        engine.timeout(timer);
                    }
                    self.perform(at);
                }
            }
            Event::Propose(at, life, height, round) => self.propose(at, life, height, round),
            Event::Start(at, life) => {
                if self.nodes[at].life == life {
                    self.wake(at);
                }
            }
            Event::Status(at, life) => {
                let node = &self.nodes[at];
                if node.life == life && node.engine.is_some() {
                    let status = Packet::Status(node.disk.tip());
                    self.broadcast(at, &status);
                    self.at(self.now + 500 * MS, Event::Status(at, life));
                }
            }
            Event::Crash(at, effects) => self.nodes[at].crash_in = Some(effects),
            Event::Restart(at) => {
                if self.nodes[at].engine.is_none() {
                    self.boot(at);
                }
            }
            Event::Cut(far) => self.cut = far,
        }
    }

    /// Begins the height, if the node rests.
    pub fn wake(&mut self, at: usize) {
        if let Some(engine) = &mut self.nodes[at].engine {
            engine.start();
        }
        self.perform(at);
        self.nodes[at].judge(self.refused_builds);
        self.perform(at);
    }

    fn propose(&mut self, at: usize, life: u64, height: u64, round: u32) {
        self.builds += 1;
        let node = &mut self.nodes[at];
        if node.life != life || node.disk.tip() + 1 != height {
            return;
        }
        let block = block(height, node.disk.tip_id(), self.builds, node.key.address());
        if let Some(engine) = &mut node.engine {
            engine.propose(height, round, block);
        }
        self.perform(at);
    }

    /// Performs what a node's engine asks for, in order; power may be lost before any effect.
    fn perform(&mut self, at: usize) {
        loop {
            let Some(engine) = &mut self.nodes[at].engine else {
                return;
            };
            let effects = engine.take_effects();
            if let Some(fault) = engine.fault() {
                let fault = fault.to_string();
                if self.nodes[at].is_honest {
                    self.watch.breach(format!("node {at}: {fault}"));
                }
            }
            if effects.is_empty() {
                return;
            }
            for effect in effects {
                match &mut self.nodes[at].crash_in {
                    Some(0) => return self.crash(at),
                    Some(left) => *left -= 1,
                    None => {}
                }
                self.perform_one(at, effect);
            }
        }
    }

    fn perform_one(&mut self, at: usize, effect: Effect) {
        let now = self.now;
        let node = &mut self.nodes[at];
        let life = node.life;
        match effect {
            Effect::Append { height, entry } => {
                node.disk.tail.push((height, entry));
            }
            Effect::Flush => {
                let tail = &mut node.disk.tail;
                node.disk.log.append(tail);
            }
            Effect::Guard(mark) => {
                if node.disk.guard.is_some_and(|last| last >= mark) && !mutation::is_any_on() {
                    self.watch.breach(format!("node {at}: the guard goes back"));
                }
                let me = node.key.address();
                let verifier = Verifier::new(GENESIS);
                let mut latest_first = node.disk.log.iter().rev();
                let is_logged =
                    latest_first.any(|(_, entry)| own_mark_of(entry, &me, &verifier) == Some(mark));
                if !is_logged && node.is_honest && !mutation::is_any_on() {
                    let breach = format!("node {at}: the guard knows more than the log");
                    self.watch.breach(breach);
                }
                node.disk.guard = Some(mark);
            }
            Effect::Publish(outgoing) | Effect::Republish(outgoing) => self.publish(at, outgoing),
            Effect::Schedule { timer, after } => {
                self.sequence += 1;
                node.timers.insert(timer, self.sequence);
                let start = self.sequence;
                let after = u64::try_from(after.as_micros()).unwrap();
                self.at(now + after, Event::Timer(at, life, timer, start));
            }
            Effect::Cancel(timer) => {
                node.timers.remove(&timer);
            }
            Effect::CancelAll => node.timers.clear(),
            Effect::BuildProposal { height, round } => {
                self.at(now + 1, Event::Propose(at, life, height, round));
            }
            Effect::Decide { block, certificate } => self.commit(at, block, certificate),
            Effect::Finalized { evidence, .. } => {
                node.evidence.extend(evidence);
                self.advance(at);
            }
        }
    }

    fn advance(&mut self, at: usize) {
        let node = &mut self.nodes[at];
        if let Some(engine) = &mut node.engine {
            node.evidence.extend(engine.advance());
        }
        self.rest(at);
    }

    fn commit(&mut self, at: usize, block: Arc<Block>, certificate: Certificate) {
        let node = &mut self.nodes[at];
        let height = node.disk.tip() + 1;
        let id = block.id();
        let is_next = certificate.height == height && block.header.height == height;
        if !is_next || certificate.block != id || block.header.parent != node.disk.tip_id() {
            return self
                .watch
                .breach(format!("node {at}: a block out of place at {height}"));
        }
        node.disk.commit(block, certificate.clone());
        if let Err(error) = certificate.verify(&GENESIS, &self.validators) {
            self.watch.breach(format!("node {at}: {error}"));
        }
        if *self.watch.decided.entry(height).or_insert(id) != id {
            self.watch
                .breach(format!("two blocks decided at height {height}"));
        }
    }

    /// Holds what is published against what must hold, and sends it.
    fn publish(&mut self, at: usize, outgoing: Outgoing) {
        let message = match &outgoing {
            Outgoing::Message(message) => message.clone(),
            Outgoing::Proposal(proposal, _) => Message::Proposal(proposal.clone()),
        };
        let signer = match &message {
            Message::Vote(vote) => Some(vote.voter),
            Message::Proposal(proposal) => Some(proposal.proposer),
            Message::Polka(_) | Message::Round(_) => None,
        };
        let mark = mark_of(&message, &self.watch.verifier);
        if let (Some(signer), Some(mark)) = (signer, mark) {
            let honest = |node: &Node| node.is_honest && node.key.address() == signer;
            if self.nodes.iter().any(honest) {
                self.watch.signed(signer, mark);
            }
            if honest(&self.nodes[at]) && !mutation::is_any_on() {
                self.check_sealed(at, mark, &message);
            }
        }
        self.broadcast(at, &Packet::Said(outgoing));
    }

    /// What leaves under a node's own name stands in its durable log, and its guard has seen it.
    fn check_sealed(&mut self, at: usize, mark: Mark, message: &Message) {
        let disk = &self.nodes[at].disk;
        if disk.guard < Some(mark) {
            self.watch
                .breach(format!("node {at}: published, not guarded: {mark:?}"));
        }
        let entry = [vec![0], message.to_bytes()].concat();
        let is_logged = disk.log.iter().any(|(_, logged)| *logged == entry);
        if !is_logged && disk.tip() < mark.height {
            self.watch
                .breach(format!("node {at}: published, not logged: {mark:?}"));
        }
    }

    fn broadcast(&mut self, from: usize, packet: &Packet) {
        for to in 0..self.nodes.len() {
            if to == from {
                continue;
            }
            let is_lied_to = self.plan.has_liar && from + 1 == self.plan.count && to % 2 == 1;
            let packet = match (is_lied_to, packet) {
                (true, Packet::Said(outgoing)) => Packet::Said(self.lie(from, outgoing)),
                _ => packet.clone(),
            };
            self.send(from, to, packet);
        }
    }

    fn lie(&mut self, from: usize, outgoing: &Outgoing) -> Outgoing {
        let key = self.nodes[from].key.clone();
        match outgoing {
            Outgoing::Message(message) => Outgoing::Message(contradicted(&key, message)),
            Outgoing::Proposal(said, body) => {
                self.builds += 1;
                let mut other = Block::clone(body);
                other.header.time_ms = self.builds;
                let (height, round) = (said.height, said.round);
                let other_said = proposal(&key, height, round, other.id(), said.pol_round);
                Outgoing::Proposal(other_said, Arc::new(other))
            }
        }
    }

    /// Sends a packet through the faults of the network.
    pub fn send(&mut self, from: usize, to: usize, packet: Packet) {
        let has_faults = self.now < self.plan.faults_until;
        let is_cut = (self.cut >> from) & 1 != (self.cut >> to) & 1;
        if is_cut || (has_faults && self.rng.percent(self.plan.drop)) {
            return;
        }
        let copies = 1 + u8::from(has_faults && self.rng.percent(self.plan.duplicate));
        for _ in 0..copies {
            let delay = match has_faults {
                true => 500 + self.rng.below(self.plan.max_delay),
                false => 500 + self.rng.below(500),
            };
            let event = Event::Deliver(from, to, packet.clone());
            self.at(self.now + delay, event);
        }
    }

    fn deliver(&mut self, from: usize, to: usize, packet: Packet) {
        if self.nodes[to].engine.is_none() {
            return;
        }
        let tip = self.nodes[to].disk.tip();
        match packet {
            Packet::Said(Outgoing::Message(message)) => self.hear(from, to, message, None),
            Packet::Said(Outgoing::Proposal(proposal, body)) => {
                let message = Message::Proposal(proposal.clone());
                self.hear(from, to, message, Some((proposal, body)));
            }
            Packet::Status(theirs) if theirs > tip => self.send(to, from, Packet::Ask(tip + 1)),
            Packet::Status(_) => {}
            Packet::Ask(height) => {
                let place = usize::try_from(height).unwrap().wrapping_sub(1);
                if let Some((block, proof)) = self.nodes[to].disk.blocks.get(place).cloned() {
                    self.send(to, from, Packet::Certified(block, proof));
                }
            }
            Packet::Certified(block, proof) => self.catch_up(from, to, block, proof),
        }
    }

    fn hear(
        &mut self,
        from: usize,
        to: usize,
        message: Message,
        body: Option<(Proposal, Arc<Block>)>,
    ) {
        let height = message.height();
        let node = &mut self.nodes[to];
        let Some(engine) = &mut node.engine else {
            return;
        };
        match engine.receive(message) {
            Receipt::Taken => {
                let is_resting = height == engine.height() && !engine.is_started();
                let body = body.filter(|(proposal, body)| body.id() == proposal.block);
                node.stash.extend(body);
                self.perform(to);
                if is_resting {
                    self.wake(to);
                }
                self.nodes[to].judge(self.refused_builds);
                self.perform(to);
            }
            Receipt::Ahead => {
                let next = node.disk.tip() + 1;
                self.send(to, from, Packet::Ask(next));
            }
            Receipt::Forged => node.forged += 1,
            Receipt::Stale => {}
        }
    }

    fn catch_up(&mut self, from: usize, to: usize, block: Arc<Block>, proof: Certificate) {
        let next = self.nodes[to].disk.tip() + 1;
        let is_next = proof.height == next && proof.block == block.id();
        if !is_next || proof.verify(&GENESIS, &self.validators).is_err() {
            return;
        }
        self.commit(to, block, proof);
        self.advance(to);
        self.perform(to);
        self.send(to, from, Packet::Ask(next + 1));
    }
}
