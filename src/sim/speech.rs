//! What parties say: gossip between nodes, questions and answers, watches.
//!
//! Gossip goes as the nodes' own would: what a node says itself goes to all that are connected; what it hears and finds
//! good, it hands on to its explicit peers and its mesh (`mesh.rs`); what is known is not taken again for a minute.
//! A question is answered or given up after a while.
//! Never: change a message, but for a node that lies. Next: `net.rs` (whether it arrives).

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

use rand::RngExt as _;

use super::describe;
use super::people;
use super::trace::Parties;
use super::violation::Invariant;
use super::wallet::WalletEvent;
use super::world::{Due, Event, World};
use crate::behaviour::{Service, Topic};
use crate::chain::hash::Hash;
use crate::chain::key::{Address, PublicKey};
use crate::replica::{GossipId, Input, RequestId, Tag, Verdict, WatchId};

/// How long an unanswered question is waited for.
const PATIENCE: Duration = Duration::from_secs(5);
/// Bytes around a message on its way: stream framing, encryption, UDP and IP headers.
pub(super) const ENVELOPE_BYTES: usize = 90;

/// A gossip message.
pub struct Told {
    pub(super) topic: Topic,
    pub(super) data: Vec<u8>,
    pub(super) id: Hash,
}

impl Told {
    pub(super) fn new(topic: Topic, data: Vec<u8>) -> Rc<Self> {
        let id = Hash::of("natcoin/sim/gossip", &[&[topic as u8], &data]);
        Rc::new(Self { topic, data, id })
    }
}

/// A question on its way.
pub(super) struct Ask {
    pub(super) call: u64,
    pub(super) from: usize,
    pub(super) key: PublicKey,
    pub(super) service: Service,
    pub(super) data: Vec<u8>,
}

/// A question that waits for its answer.
struct Call {
    from: usize,
    to: usize,
    /// What a node asked for; wallets know their calls by number.
    tag: Option<Tag>,
}

/// What is under way.
#[derive(Default)]
pub(super) struct Speech {
    next: u64,
    /// Messages that nodes have before them: at whom, and who told it.
    judging: BTreeMap<GossipId, (usize, usize, Rc<Told>)>,
    calls: BTreeMap<u64, Call>,
    /// Questions that nodes have before them: who asked, by which call, and what; and who is to answer.
    requests: BTreeMap<RequestId, ((usize, u64, Service), usize)>,
    /// Who watches, and at which node.
    pub(super) watches: BTreeMap<WatchId, (usize, usize)>,
    /// What strangers have forged: nobody may take it for good.
    forged: BTreeSet<Hash>,
    /// Answers to those who asked from outside the world.
    pub(super) outside: BTreeMap<RequestId, Vec<u8>>,
}

impl Speech {
    /// A node is down: what it had before it, and what it waited for, is gone with it.
    pub(super) fn forget(&mut self, node: usize) {
        self.judging.retain(|_, (at, ..)| *at != node);
        self.requests.retain(|_, (_, at)| *at != node);
        self.calls.retain(|_, call| call.from != node);
    }

    /// Nobody may take this message for good.
    pub(super) fn is_forgery(&mut self, told: &Told) {
        self.forged.insert(told.id);
    }

    pub(super) fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }
}

impl World {
    // ---- gossip ----

    /// A node says something to all.
    pub(super) fn publish(&mut self, node: usize, topic: Topic, data: Vec<u8>) {
        if !self.is_honest(node) {
            return self.misspeak(node, topic, data);
        }
        let now = self.now();
        self.judge.published(node, now, topic, &data);
        self.say(node, topic, data);
    }

    /// Whatever a node says goes to its peers.
    pub(super) fn say(&mut self, node: usize, topic: Topic, data: Vec<u8>) {
        let now = self.now();
        let told = Told::new(topic, data);
        let Some(live) = self.nodes[node].live.as_mut() else {
            return;
        };
        // As gossipsub does: without peers nothing is said, and what it knows again does not leave again.
        if live.peers.is_empty() || !live.gossip.learn(told.id, now) {
            return;
        }
        live.gossip.keep(&told);
        for other in live.peers.clone() {
            self.tell(node, other, &told);
        }
    }

    /// Hands a message on.
    fn hand_on(&mut self, node: usize, came_from: usize, told: &Rc<Told>) {
        let Some(live) = self.nodes[node].live.as_mut() else {
            return;
        };
        live.gossip.keep(told);
        let ways: Vec<usize> = live.gossip.ways().collect();
        for other in ways {
            if other != came_from && !self.has_declined(node, other, told) {
                self.tell(node, other, told);
            }
        }
    }

    /// Sends one message to one node.
    pub(super) fn tell(&mut self, from: usize, to: usize, told: &Rc<Told>) {
        if self.keeps_back(from, to, told.topic) {
            return;
        }
        let doubled = self.net.manners.doubled;
        let is_doubled = doubled > 0 && self.random.random_range(0..1000) < doubled;
        let size = told.data.len() + ENVELOPE_BYTES;
        for is_again in [false, true].into_iter().take(1 + usize::from(is_doubled)) {
            self.tally.sent(describe::kind_of(told.topic), size);
            if is_again {
                self.tally.fault("message doubled");
            }
            let lost = self.net.manners.lost;
            match self.way(from, to, size, lost) {
                Some(way) => {
                    let told = told.clone();
                    let event = Event::Gossip {
                        from,
                        told,
                        is_again,
                    };
                    self.after(way, to, event);
                }
                None => {
                    self.tally.fault("message lost");
                    self.remark(Parties(from, Some(to)), || {
                        format!("lost: {}", describe::gossip(told.topic, &told.data))
                    });
                }
            }
        }
    }

    pub(super) fn way(
        &mut self,
        from: usize,
        to: usize,
        bytes: usize,
        lost: u32,
    ) -> Option<Duration> {
        let now = self.clock.now();
        let way = (from, to);
        self.net.way(&mut self.random, now, way, bytes, lost)
    }

    /// A gossip message arrives.
    pub(super) fn heard(
        &mut self,
        node: usize,
        from: usize,
        told: Rc<Told>,
        is_again: bool,
    ) -> Option<Input> {
        if !self.hears(node, from) {
            self.remark(Parties(from, Some(node)), || {
                format!("unheard: {}", describe::gossip(told.topic, &told.data))
            });
            return None;
        }
        let now = self.now();
        let live = self.nodes[node].live.as_mut()?;
        match live.gossip.learn(told.id, now) {
            true => self.say_that_it_has(node, from, &told),
            false if is_again => {}
            false => return None,
        }
        self.note(
            "gossip",
            Parties(from, Some(node)),
            told.id.as_bytes(),
            || describe::gossip(told.topic, &told.data),
        );
        if !self.listens(node, &told) {
            return None;
        }
        let id = self.speech.number();
        let (topic, data) = (told.topic, told.data.clone());
        self.speech.judging.insert(id, (node, from, told));
        let from = self.nodes[from].key.public();
        Some(Input::Gossip {
            id,
            from,
            topic,
            data,
        })
    }

    /// A node has judged a message.
    pub(super) fn judged(&mut self, node: usize, id: GossipId, verdict: Verdict) {
        let Some((_, from, told)) = self.speech.judging.remove(&id) else {
            return;
        };
        let is_forged = self.speech.forged.contains(&told.id);
        match verdict {
            Verdict::Accept => {
                let now = self.now();
                self.judge.hold(Invariant::Manners, now, !is_forged, || {
                    let forgery = describe::gossip(told.topic, &told.data);
                    format!("node {node} takes a forgery for good: {forgery}")
                });
                self.hand_on(node, from, &told);
            }
            Verdict::Ignore => {}
            // Strangers have no name that could be blamed.
            Verdict::Reject if from == usize::MAX && is_forged => {}
            Verdict::Reject => {
                self.seen.rejects += 1;
                let what = describe::gossip(told.topic, &told.data);
                self.blamed(node, from, &what);
            }
        }
    }

    /// A node tells its peers how far it is.
    pub(super) fn tell_height(&mut self, node: usize, height: u64) {
        if self.is_honest(node) {
            let now = self.now();
            self.judge.told(node, now, height);
        }
        let height = self.told_height(node, height);
        let Some(live) = self.nodes[node].live.as_ref() else {
            return;
        };
        let peers: Vec<usize> = live.peers.iter().copied().collect();
        for other in peers {
            self.tally.sent("height", ENVELOPE_BYTES);
            let lost = self.net.manners.lost;
            if let Some(way) = self.way(node, other, ENVELOPE_BYTES, lost) {
                self.after(way, other, Event::Height(node, height));
            } else {
                self.remark(Parties(node, Some(other)), || {
                    format!("lost: height {height}")
                });
            }
        }
    }

    // ---- questions ----

    /// A node asks another.
    pub(super) fn request(
        &mut self,
        node: usize,
        tag: Tag,
        peer: &Address,
        service: Service,
        data: Vec<u8>,
    ) {
        let to = self.place_of(node, peer);
        *self.seen.asked.entry(to).or_default() += 1;
        let key = self.nodes[node].key.public();
        let call = self.call(node, to, Some(tag), (key, service, data));
        let event = Event::Answer { call, data: None };
        self.after(PATIENCE, node, event);
    }

    /// A question leaves; its number.
    pub(super) fn call(
        &mut self,
        from: usize,
        to: usize,
        tag: Option<Tag>,
        (key, service, data): (PublicKey, Service, Vec<u8>),
    ) -> u64 {
        let call = self.speech.number();
        self.speech.calls.insert(call, Call { from, to, tag });
        let size = data.len() + ENVELOPE_BYTES;
        match from < self.nodes.len() {
            true => self.tally.sent(describe::service(service), size),
            false => self.tally.sent_by_wallet(describe::service(service), size),
        }
        if to >= self.nodes.len() {
            return call;
        }
        let lost = self.net.manners.lost_calls;
        match self.way(from, to, size, lost) {
            Some(way) => {
                let ask = Ask {
                    call,
                    from,
                    key,
                    service,
                    data,
                };
                self.after(way, to, Event::Ask(ask));
            }
            None => {
                self.tally.fault("question lost");
                self.remark(Parties(from, Some(to)), || {
                    format!("lost: {}", describe::question(service, &data))
                });
            }
        }
        call
    }

    /// A question arrives.
    pub(super) fn asked(&mut self, node: usize, ask: Ask) -> Option<Input> {
        let is_heard = match ask.from < self.nodes.len() {
            true => self.hears(node, ask.from),
            false => self.net.passes(ask.from, node),
        };
        if !is_heard {
            return None;
        }
        let digest = Hash::of("natcoin/sim/ask", &[&ask.data]);
        self.note(
            "ask",
            Parties(ask.from, Some(node)),
            digest.as_bytes(),
            || describe::question(ask.service, &ask.data),
        );
        let id = self.speech.number();
        self.speech
            .requests
            .insert(id, ((ask.from, ask.call, ask.service), node));
        if !self.lets_hear(node, (id, ask.service), &ask.data) {
            return None;
        }
        Some(Input::Request {
            id,
            from: ask.key,
            service: ask.service,
            data: ask.data,
        })
    }

    /// A node answers.
    pub(super) fn respond(&mut self, node: usize, id: RequestId, data: Vec<u8>) {
        let Some(((to, call, service), _)) = self.speech.requests.remove(&id) else {
            self.speech.outside.insert(id, data);
            return;
        };
        if self.is_honest(node) {
            let now = self.now();
            self.judge.answered(node, now, service, &data);
        }
        let Some(data) = self.answer_of(node, to, (id, service), data) else {
            return;
        };
        let size = data.len() + ENVELOPE_BYTES;
        self.tally.sent(describe::answer(service), size);
        let lost = self.net.manners.lost_calls;
        let Some(way) = self.way(node, to, size, lost) else {
            self.tally.fault("answer lost");
            self.remark(Parties(node, Some(to)), || {
                format!("lost: {}", describe::reply(service, &data))
            });
            return;
        };
        let data = Some(data);
        match to.checked_sub(self.nodes.len()) {
            None => self.after(way, to, Event::Answer { call, data }),
            Some(wallet) => self.after_wallet(way, wallet, WalletEvent::Answer { call, data }),
        }
    }

    /// An answer arrives at a node, or is given up; nothing if it had come before.
    pub(super) fn answered(&mut self, call: u64, data: Option<Vec<u8>>) -> Option<Input> {
        let found = self.speech.calls.get(&call)?;
        let (from, to, tag) = (found.from, found.to, found.tag?);
        // What comes over a cut does not come; the wait for it goes on.
        if data.is_some() && !self.hears(from, to) {
            return None;
        }
        self.speech.calls.remove(&call);
        let digest = Hash::of("natcoin/sim/answer", &[data.as_deref().unwrap_or_default()]);
        self.note("answer", Parties(to, Some(from)), digest.as_bytes(), || {
            let service = match tag {
                Tag::Blocks { .. } => Service::Blocks,
                Tag::Missing => Service::Agreement,
            };
            let words = |data: &Vec<u8>| describe::reply(service, data);
            let none = || format!("no answer on {}", describe::service(service));
            data.as_ref().map_or_else(none, words)
        });
        let peer = self.nodes.get(to)?.key.public();
        Some(Input::Reply {
            tag,
            from: peer,
            data,
        })
    }

    /// Takes a wallet's call off the list; tells of whom it was asked.
    pub(super) fn end_call(&mut self, call: u64) -> Option<usize> {
        self.speech.calls.remove(&call).map(|call| call.to)
    }

    /// Asks a node from outside the world, at once; `None` if it dies of it or is down.
    pub fn ask(
        &mut self,
        node: usize,
        key: PublicKey,
        service: Service,
        data: Vec<u8>,
    ) -> Option<Vec<u8>> {
        let id = self.speech.number();
        self.step(
            node,
            Input::Request {
                id,
                from: key,
                service,
                data,
            },
        );
        // What it waits for happens at once.
        while !self.speech.outside.contains_key(&id)
            && let Some(checked) = self.check_signatures(node)
        {
            self.step(node, checked);
        }
        self.speech.outside.remove(&id)
    }

    // ---- watches ----

    /// A wallet opens a watch at a node; its number.
    pub fn open_watch(&mut self, wallet: usize, node: usize, data: Vec<u8>) -> WatchId {
        let watch = self.speech.number();
        let from = self.nodes.len() + wallet;
        self.tally
            .sent_by_wallet("watch", data.len() + ENVELOPE_BYTES);
        if let Some(way) = self.way(from, node, data.len(), 0)
            && self.net.passes(from, node)
            && self.nodes[node].live.is_some()
        {
            self.speech.watches.insert(watch, (wallet, node));
            self.after(way, node, Event::WatchOpened { watch, data });
        }
        watch
    }

    /// A wallet ends a watch.
    pub fn leave_watch(&mut self, watch: WatchId) {
        if let Some((wallet, node)) = self.speech.watches.get(&watch).copied() {
            let from = self.nodes.len() + wallet;
            if let Some(way) = self.way(from, node, ENVELOPE_BYTES, 0) {
                self.after(way, node, Event::WatchClosed(watch));
            }
        }
    }

    /// A node sends a frame to who watches.
    pub(super) fn push(&mut self, node: usize, watch: WatchId, frame: Vec<u8>) {
        let Some((wallet, _)) = self.speech.watches.get(&watch).copied() else {
            self.seen.frames.push((watch, frame));
            return;
        };
        if self.is_honest(node) {
            let now = self.now();
            self.judge.pushed(node, now, &frame);
        }
        let to = self.nodes.len() + wallet;
        let Some(frame) = self.frame_of(node, to, frame) else {
            return;
        };
        let size = frame.len() + ENVELOPE_BYTES;
        self.tally.sent("watch", size);
        // A stream does not lose frames: it breaks, and both notice.
        let lost = self.net.manners.lost_calls;
        match self.way(node, to, size, lost) {
            Some(way) if self.net.passes(node, to) => {
                self.after_wallet(way, wallet, WalletEvent::Frame { watch, frame });
            }
            _ => {
                self.tally.fault("watch broken");
                self.remark(Parties(node, Some(to)), || "the watch breaks".to_owned());
                self.close_watch(watch);
                self.after(Duration::ZERO, node, Event::WatchClosed(watch));
            }
        }
    }

    /// A watch is over: who watched notices.
    pub(super) fn close_watch(&mut self, watch: WatchId) {
        let Some((wallet, _)) = self.speech.watches.remove(&watch) else {
            self.seen.closed.push(watch);
            return;
        };
        let soon = self.between_ms(1, 50);
        self.after_wallet(soon, wallet, WalletEvent::WatchLost { watch });
    }

    /// All watches at a node are over: it is gone.
    pub(super) fn close_watches_of(&mut self, node: usize) {
        let watches = self.speech.watches.iter();
        let lost: Vec<WatchId> = watches
            .filter(|(_, (_, at))| *at == node)
            .map(|(watch, _)| *watch)
            .collect();
        for watch in lost {
            self.close_watch(watch);
        }
    }

    /// Lets a node hear something that another never said.
    pub fn whisper(&mut self, from: usize, node: usize, topic: Topic, data: Vec<u8>) {
        let told = Told::new(topic, data);
        let is_again = true;
        let event = Event::Gossip {
            from,
            told,
            is_again,
        };
        self.happen(node, event);
    }

    /// Lets a node hear something from a stranger who is connected to it alone; nobody may take what `is_forged` for good.
    pub(super) fn overhear(&mut self, node: usize, topic: Topic, data: Vec<u8>, is_forged: bool) {
        let told = Told::new(topic, data);
        let now = self.now();
        if let Some(live) = self.nodes[node].live.as_mut() {
            live.gossip.learn(told.id, now);
        }
        if is_forged {
            self.speech.forged.insert(told.id);
        }
        self.note("stranger", Parties(node, None), told.id.as_bytes(), || {
            let words = describe::gossip(told.topic, &told.data);
            format!("hears from a stranger: {words}")
        });
        let id = self.speech.number();
        let data = told.data.clone();
        self.speech.judging.insert(id, (node, usize::MAX, told));
        let from = people::stranger().public();
        let input = Input::Gossip {
            id,
            from,
            topic,
            data,
        };
        self.step(node, input);
    }

    /// Plans something for a wallet's present run.
    pub(super) fn after_wallet(&mut self, wait: Duration, wallet: usize, event: WalletEvent) {
        let run = self.wallets.run_of(wallet);
        self.clock.after(wait, Due::Wallet(wallet, run, event));
    }
}
