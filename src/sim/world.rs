//! The world: real replicas on simulated disks, with a virtual clock and a network between them.
//!
//! Everything that a node does goes through [`World::perform`], where it can be stopped between any two effects, and
//! past the [`Judge`]. One seed, one course of events.
//! Never: use chance, time or an order that is not the world's own. Next: `speech.rs` (what is said), `life.rs`
//! (starting and stopping), `trouble.rs` (what goes wrong).

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use rand::SeedableRng as _;
use rand::rngs::StdRng;

use super::clock::Clock;
use super::describe;
use super::judge::Judge;
use super::mesh::Control;
use super::net::{Manners, Net, between};
use super::node::Node;
use super::people;
use super::speech::{Ask, Speech, Told};
use super::tally::Tally;
use super::trace::{Listener, Parties, Trace};
use super::traitor::{Mischief, Plot};
use super::violation::{Invariant, Violation};
use super::wallet::{WalletEvent, Wallets};
use crate::behaviour::Role;
use crate::chain::genesis::Genesis;
use crate::chain::hash::Hash;
use crate::chain::key::{Address, SecretKey};
use crate::replica::{Effect, Input, Moment, Note, Stored, WatchId, perform};
use crate::store::Survival;

/// So many events at one moment are not a course of events any more.
const SPIN: u32 = 200_000;

/// What is due.
pub(super) enum Due {
    /// Something happens to a node, if it still lives the same life.
    Node(usize, u64, Event),
    /// A traitor does what it planned.
    Mischief(usize, Mischief),
    /// Something happens to a wallet, if it still runs the same run.
    Wallet(usize, u64, WalletEvent),
}

impl Due {
    /// Whose it is, and in which of their lives.
    fn party(&self) -> [u64; 2] {
        let number = |place: usize| u64::try_from(place).unwrap_or(u64::MAX);
        match self {
            Self::Node(node, life, _) => [number(*node), *life],
            Self::Mischief(node, _) => [number(*node), u64::MAX],
            Self::Wallet(wallet, run, _) => [u64::MAX - number(*wallet), *run],
        }
    }
}

/// What happens to a node.
pub(super) enum Event {
    Tick,
    Up(usize),
    Down(usize),
    Closed(usize),
    Height(usize, u64),
    Heartbeat,
    Control(usize, Control),
    Gossip {
        from: usize,
        told: Rc<Told>,
        is_again: bool,
    },
    Ask(Ask),
    Answer {
        call: u64,
        data: Option<Vec<u8>>,
    },
    WatchOpened {
        watch: u64,
        data: Vec<u8>,
    },
    WatchClosed(u64),
    /// The checkpoint under way is to be written now.
    Written,
    /// The oldest check of signatures under way ends.
    Checked,
}

/// What people would see on the nodes' screens.
#[derive(Default)]
pub struct Seen {
    /// Notes: when, of whom.
    pub notes: Vec<(Duration, usize, Note)>,
    /// Who closed whose connections, and why.
    pub disconnects: Vec<(usize, usize, String)>,
    /// Messages that were found provably bad.
    pub rejects: u64,
    /// Proofs of misbehaviour.
    pub evidence: u64,
    /// Honest nodes that were blamed by others: by whom, who, for what.
    pub wronged: Vec<(usize, usize, String)>,
    /// How often each node was asked by others.
    pub asked: BTreeMap<usize, u64>,
    /// Frames of watches that were opened from outside the world.
    pub frames: Vec<(WatchId, Vec<u8>)>,
    /// Such watches that their nodes have ended.
    pub closed: Vec<WatchId>,
}

/// Who takes part.
pub struct Cast {
    /// The network.
    pub genesis: Genesis,
    /// The nodes' keys: validators, then followers.
    pub keys: Vec<SecretKey>,
}

/// The world.
pub struct World {
    /// All nodes.
    pub nodes: Vec<Node>,
    /// The network.
    pub net: Net,
    /// The one source of chance.
    pub random: StdRng,
    /// What all agree on from the beginning.
    pub genesis: Arc<Genesis>,
    /// Who looks at everything.
    pub judge: Judge,
    /// What people would see.
    pub seen: Seen,
    /// What is counted.
    pub tally: Tally,
    /// All that has happened.
    pub trace: Trace,
    /// Messages, questions and watches under way.
    pub(super) speech: Speech,
    /// The wallets.
    pub wallets: Wallets,
    /// What traitors know together.
    pub plot: Plot,
    pub(super) clock: Clock<Due>,
}

impl World {
    /// A world in which nothing runs yet.
    pub fn new(cast: Cast, manners: Manners, seed: u64, listener: Option<Listener>) -> Self {
        let mut trace = Trace::new(seed, listener);
        for (node, key) in cast.keys.iter().enumerate() {
            trace.name(&key.address(), || name_of(cast.keys.len(), node));
        }
        trace.name(&people::stranger().address(), || "the stranger".to_owned());
        Self {
            nodes: cast.keys.into_iter().map(Node::new).collect(),
            net: Net::new(manners),
            random: StdRng::seed_from_u64(seed),
            judge: Judge::new(&cast.genesis),
            genesis: Arc::new(cast.genesis),
            seen: Seen::default(),
            tally: Tally::default(),
            trace,
            speech: Speech::default(),
            wallets: Wallets::default(),
            plot: Plot::default(),
            clock: Clock::new(),
        }
    }

    // ---- time ----

    /// The virtual time since the beginning.
    pub fn now(&self) -> Duration {
        self.clock.now()
    }

    /// Lets time pass until something is so, at most so long; tells whether it is.
    ///
    /// # Errors
    /// The first [`Violation`]; the world stands still then.
    pub fn advance(
        &mut self,
        limit: Duration,
        is_so: impl Fn(&Self) -> bool,
    ) -> Result<bool, Violation> {
        let end = self.now() + limit;
        let (mut last, mut at_once) = (self.now(), 0);
        loop {
            if let Some(violation) = self.judge.violation() {
                return Err(violation.clone());
            }
            if is_so(self) {
                return Ok(true);
            }
            let Some(due) = self.clock.next(end) else {
                return Ok(is_so(self));
            };
            let now = self.now();
            at_once = if now == last { at_once + 1 } else { 0 };
            last = now;
            if at_once >= SPIN {
                self.judge.hold(Invariant::Progress, now, false, || {
                    format!("{SPIN} things happen at one moment: the world spins")
                });
            }
            self.tally.events += 1;
            self.trace.due(now, &due.party());
            match due {
                Due::Node(node, epoch, event) if self.nodes[node].epoch == epoch => {
                    self.happen(node, event);
                }
                Due::Wallet(wallet, run, event) => self.wallet_happens(wallet, run, event),
                Due::Node(..) => {}
                Due::Mischief(node, mischief) => self.misbehave(node, mischief),
            }
        }
    }

    /// Plans something for a node's present life.
    pub(super) fn after(&mut self, wait: Duration, node: usize, event: Event) {
        let epoch = self.nodes[node].epoch;
        self.clock.after(wait, Due::Node(node, epoch, event));
    }

    /// The time as a node sees it.
    pub fn moment(&self, node: usize) -> Moment {
        let elapsed_ms = u64::try_from(self.now().as_millis()).unwrap_or(u64::MAX);
        let true_ms = self.genesis.time_ms.saturating_add(elapsed_ms);
        Moment {
            unix_ms: true_ms.saturating_add_signed(self.nodes[node].skew_ms),
            elapsed: self.now(),
        }
    }

    /// A duration by chance.
    pub(super) fn between_ms(&mut self, least: u64, most: u64) -> Duration {
        let (least, most) = (Duration::from_millis(least), Duration::from_millis(most));
        between(&mut self.random, least, most)
    }

    // ---- what happens ----

    pub(super) fn happen(&mut self, node: usize, event: Event) {
        if self.nodes[node].live.is_none() {
            return;
        }
        let Some(input) = self.input(node, event) else {
            return;
        };
        self.step(node, input);
    }

    /// What an event is to the node's machine; nothing if it does not come to that.
    fn input(&mut self, node: usize, event: Event) -> Option<Input> {
        let key = |world: &Self, of: usize| world.nodes[of].key.public();
        Some(match event {
            Event::Tick => {
                self.nodes[node].live.as_mut()?.tick_at = None;
                Input::Tick
            }
            Event::Up(peer) => {
                // A peer that has started again comes up anew, though its loss was not noticed yet.
                if !self.is_linked(node, peer) {
                    return None;
                }
                let live = self.nodes[node].live.as_mut()?;
                live.peers.insert(peer);
                self.welcome(node, peer);
                self.note("up", Parties(node, Some(peer)), &[], || {
                    "connected".to_owned()
                });
                Input::PeerUp {
                    peer: key(self, peer),
                    role: match self.genesis.validators.contains(&key(self, peer).address()) {
                        true => Role::Validator,
                        false => Role::Follower,
                    },
                    height: {
                        let height = self.nodes[peer].height();
                        self.told_height(peer, height)
                    },
                }
            }
            Event::Closed(peer) => return self.lost(node, peer),
            Event::Down(peer) => {
                // A connection that was mended in time has noticed nothing.
                if self.is_linked(node, peer) && self.nodes[peer].has_peer(node) {
                    return None;
                }
                return self.lost(node, peer);
            }
            Event::Height(peer, height) => {
                if !self.hears(node, peer) {
                    return None;
                }
                self.remark(Parties(peer, Some(node)), || {
                    format!("stands at height {height}")
                });
                Input::PeerHeight {
                    peer: key(self, peer),
                    height,
                }
            }
            Event::Heartbeat => {
                self.heartbeat(node);
                return None;
            }
            Event::Control(from, control) => {
                self.controlled(node, from, control);
                return None;
            }
            Event::Gossip {
                from,
                told,
                is_again,
            } => return self.heard(node, from, told, is_again),
            Event::Ask(ask) => return self.asked(node, ask),
            Event::Answer { call, data } => return self.answered(call, data),
            Event::WatchOpened { watch, data } => Input::WatchOpened { watch, data },
            Event::WatchClosed(watch) => {
                self.speech.watches.remove(&watch);
                Input::WatchClosed { watch }
            }
            Event::Written => return self.write_checkpoint(node),
            Event::Checked => return self.check_signatures(node),
        })
    }

    /// A node loses its connection with a peer.
    fn lost(&mut self, node: usize, peer: usize) -> Option<Input> {
        let live = self.nodes[node].live.as_mut()?;
        live.gossip.lose(peer);
        if !live.peers.remove(&peer) {
            return None;
        }
        self.note("down", Parties(node, Some(peer)), &[], || {
            "connection lost".to_owned()
        });
        let gone = self.nodes[peer].key.public();
        let live = self.nodes[node].live.as_ref()?;
        // A key that runs twice is gone when both its nodes are.
        let mut others = live
            .peers
            .iter()
            .map(|other| self.nodes[*other].key.public());
        (!others.any(|other| other == gone)).then_some(Input::PeerDown { peer: gone })
    }

    /// Whether a message of `from` that arrives now is heard: the connection stands, and the way is open.
    pub(super) fn hears(&self, node: usize, from: usize) -> bool {
        self.net.passes(from, node) && self.nodes[node].has_peer(from)
    }

    /// Gives a node an input and performs what follows.
    pub fn step(&mut self, node: usize, input: Input) {
        let moment = self.moment(node);
        let Some(live) = self.nodes[node].live.as_mut() else {
            return;
        };
        let began = self.trace.stopwatch.map(|stopwatch| stopwatch());
        let effects = live.replica.handle(input, moment, &live.store);
        if let (Some(began), Some(stopwatch)) = (began, self.trace.stopwatch) {
            self.tally.handled += stopwatch().saturating_sub(began);
        }
        self.perform(node, effects);
    }

    pub(super) fn perform(&mut self, node: usize, effects: Vec<Effect>) {
        for effect in effects {
            let fate = &mut self.nodes[node].fate;
            if let Some((left, survival)) = fate.crash_in {
                if left == 0 {
                    self.tally.fault("crash at an effect");
                    self.remark(Parties(node, None), || {
                        format!("is about to {}", describe::effect(&effect))
                    });
                    return self.crash(node, survival);
                }
                fate.crash_in = Some((left - 1, survival));
            }
            self.nodes[node].performed += 1;
            let Some(live) = self.nodes[node].live.as_ref() else {
                return;
            };
            let kept = match &effect {
                Effect::Commit(blocks) => blocks.clone(),
                _ => Vec::new(),
            };
            match perform(effect, &live.store) {
                Err(error) => return self.stop(node, error.to_string()),
                Ok(Stored::Done) => {
                    for block in kept {
                        self.committed(node, block.height, &block.record);
                    }
                }
                Ok(Stored::Checkpoint(job)) => {
                    let wait = self.between_ms(1, 300);
                    self.after(wait, node, Event::Written);
                    if let Some(live) = self.nodes[node].live.as_mut() {
                        live.checkpoint = Some(job);
                    }
                }
                Ok(Stored::Other(effect)) => self.act(node, effect),
            }
        }
        let (now, is_honest) = (self.clock.now(), self.is_honest(node));
        let Some(live) = self.nodes[node].live.as_mut() else {
            return;
        };
        if is_honest {
            self.judge.stands(node, now, &live.replica);
        }
        if let Some(next) = live.replica.next_deadline()
            && live.tick_at.is_none_or(|at| next < at)
        {
            live.tick_at = Some(next);
            self.after(next.saturating_sub(now), node, Event::Tick);
        }
    }

    fn committed(&mut self, node: usize, height: u64, record: &[u8]) {
        let digest = Hash::of("natcoin/sim/record", &[record]);
        self.note("durable", Parties(node, None), digest.as_bytes(), || {
            format!("{} is durable", describe::record(record))
        });
        if self.is_honest(node) {
            let now = self.now();
            self.judge.committed(node, now, height, record);
        }
    }

    fn act(&mut self, node: usize, effect: Effect) {
        match effect {
            Effect::Check(job) => self.begin_check(node, job),
            Effect::Publish { topic, data } => self.publish(node, topic, data),
            Effect::Judge { id, verdict } => self.judged(node, id, verdict),
            Effect::Request {
                tag,
                peer,
                service,
                data,
            } => self.request(node, tag, &peer.address(), service, data),
            Effect::Respond { id, data } => self.respond(node, id, data),
            Effect::Push { watch, frame } => self.push(node, watch, frame),
            Effect::CloseWatch { watch } => self.close_watch(watch),
            Effect::Height(height) => self.tell_height(node, height),
            Effect::Disconnect { peer, reason } => {
                let peer = self.place_of(node, &peer.address());
                self.blamed(node, peer, &reason);
                if cfg!(test) {
                    self.seen.disconnects.push((node, peer, reason));
                }
                self.sever(node, peer);
            }
            Effect::Evidence(evidence) => {
                for one in evidence {
                    self.proven(node, &one);
                }
            }
            Effect::Note(note) => self.noted(node, note),
            Effect::Halt(_) if !self.is_honest(node) => {
                self.tally.fault("traitor that stops");
                self.remark(Parties(node, None), || "is a traitor that stops".to_owned());
                self.crash(node, Survival::Everything);
            }
            Effect::Halt(halt) => {
                let now = self.now();
                self.judge.hold(Invariant::Soundness, now, false, || {
                    format!("node {node} halts: {halt}")
                });
            }
            storage => {
                let now = self.now();
                self.judge.hold(Invariant::Soundness, now, false, || {
                    format!("the store should have taken {storage:?}")
                });
            }
        }
    }

    fn noted(&mut self, node: usize, note: Note) {
        if let Note::NotVoting { height } = note {
            let content = height.to_le_bytes();
            self.note("not voting", Parties(node, None), &content, || {
                format!(
                    "does not vote at height {height}: it has signed more than its log can tell"
                )
            });
        }
        if let Note::Final {
            height,
            round,
            transactions,
            ..
        } = note
        {
            self.decided(node, &note);
            let is_first = self.tally.blocks() < height;
            if is_first {
                *self.tally.rounds.entry(round).or_default() += 1;
                self.tally.transactions += u64::try_from(transactions).unwrap_or(u64::MAX);
            }
        }
        let now = self.now();
        if cfg!(test) {
            self.seen.notes.push((now, node, note));
        }
    }

    /// Tells what a node has decided with the others, or taken from one of them.
    fn decided(&mut self, node: usize, note: &Note) {
        let Note::Final {
            height,
            is_caught_up,
            ..
        } = *note
        else {
            return;
        };
        let live = self.nodes[node].live.as_ref();
        let Some(store) = live.map(|live| live.store.clone()) else {
            return;
        };
        self.remark(Parties(node, None), || {
            let record = store.block(height).ok().flatten().unwrap_or_default();
            let does = if is_caught_up {
                "catches up with"
            } else {
                "decides"
            };
            format!("{does} {}", describe::record(&record))
        });
    }

    /// The place of a peer as a node sees it: of two nodes with one key, the one that it is connected to.
    pub(super) fn place_of(&self, node: usize, address: &Address) -> usize {
        let is_it = |place: &usize| self.nodes[*place].key.address() == *address;
        let places = || (0..self.nodes.len()).filter(is_it);
        let linked = places().find(|place| self.nodes[node].has_peer(*place));
        linked.or_else(|| places().next()).unwrap_or(usize::MAX)
    }

    /// Notes something in the trace.
    pub(super) fn note(
        &mut self,
        kind: &'static str,
        parties: Parties,
        content: &[u8],
        words: impl FnOnce() -> String,
    ) {
        let (at, nodes) = (self.clock.now(), self.nodes.len());
        self.trace.note(at, kind, parties, content, || {
            format!("{}: {}", names_of(nodes, parties), words())
        });
    }

    /// Tells who looks on something that explains what happens; it is no event.
    pub(super) fn remark(&mut self, parties: Parties, words: impl FnOnce() -> String) {
        let (at, nodes) = (self.clock.now(), self.nodes.len());
        self.trace
            .remark(at, || format!("{}: {}", names_of(nodes, parties), words()));
    }

    /// The same of what is nobody's own, as the weather.
    pub(super) fn announce(&mut self, words: impl FnOnce() -> String) {
        let at = self.clock.now();
        self.trace.remark(at, || format!("--- {}", words()));
    }

    /// How many of each fault there were, and how often each invariant was held.
    pub fn count(&mut self) -> &Tally {
        self.tally.time = self.clock.now();
        self.tally.checks = self.judge.checks.clone();
        &self.tally
    }
}

fn names_of(nodes: usize, Parties(one, other): Parties) -> String {
    let one = name_of(nodes, one);
    match other {
        Some(other) => format!("{one} -> {}", name_of(nodes, other)),
        None => one,
    }
}

/// What a party is called in the trace, and in violations.
fn name_of(nodes: usize, party: usize) -> String {
    match party.checked_sub(nodes) {
        _ if party == usize::MAX => "a stranger".to_owned(),
        Some(wallet) => format!("wallet {wallet}"),
        None => format!("node {party}"),
    }
}
