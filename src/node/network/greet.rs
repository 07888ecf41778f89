//! Greeting: hello on every connection, and the restart rule.
//!
//! Gossip announces our subscriptions on the *first* connection to a peer only. If one side still
//! holds a dead connection while the other has begun a new life (or a new connection after losing
//! the old one), nothing is announced and gossip stays silent for ever. So whoever finds, by boot
//! nonce or by [`Links::Only`], that it holds dead connections answers [`Refusal::Stale`], both
//! sides close everything, and the asker dials again at once.
//!
//! Never: let a peer be up before both genesis hashes are known to agree. Next: `upkeep.rs`.

use std::time::{Duration, Instant};

use libp2p::{
    PeerId,
    request_response::{
        self, InboundRequestId, Message, OutboundFailure, OutboundRequestId, ResponseChannel,
    },
    swarm::ConnectionId,
};

use super::{
    dialler::Mood,
    event::{Event, RefusedBy},
    metrics::Count,
    peers::{Greeting, Peer},
    reach::Route,
    task::Task,
};
use crate::{
    behaviour::{Hello, HelloAnswer, Links, Refusal, Reply, limits::SETTLED_PER_PEER},
    node::clock,
};

/// Two nodes dialling each other at once open connections this close together.
const SIMULTANEOUS: Duration = Duration::from_secs(3);
/// What a refused peer gets to read our reason before we close.
const READING_TIME: Duration = Duration::from_millis(500);
/// Hellos in a row that may go unanswered.
const UNANSWERED: u32 = 2;

impl Task {
    /// Asks `peer` who it is, telling who we are. Returns the question's name, if there is a connection to ask on.
    pub(super) fn say_hello(&mut self, peer: &PeerId) -> Option<OutboundRequestId> {
        let entry = self.peers.get_mut(peer)?;
        let hello = Hello {
            links: if entry.links.len() > 1 {
                Links::Several
            } else {
                Links::Only
            },
            ..self.hello.clone()
        };
        entry.care.told = Some((clock::now(), hello.height));
        let speech = self.swarm.behaviour_mut();
        Some(speech.hello.send_request(peer, hello.encode()))
    }

    pub(super) fn on_hello(&mut self, event: request_response::Event<Vec<u8>, Reply>) {
        match event {
            request_response::Event::Message {
                peer,
                connection_id,
                message,
            } => match message {
                Message::Request {
                    request_id,
                    request,
                    channel,
                } => self.on_hello_asked(peer, connection_id, request_id, &request, channel),
                Message::Response {
                    request_id,
                    response,
                } => {
                    self.reach.trips.answered(request_id, clock::now());
                    self.on_hello_answered(peer, response);
                }
            },
            request_response::Event::OutboundFailure {
                peer,
                connection_id,
                request_id,
                error,
            } => {
                self.reach.trips.lost(request_id, &error);
                self.on_hello_unanswered(peer, connection_id, &error);
            }
            request_response::Event::ResponseSent {
                peer, request_id, ..
            } => self.on_hello_sent(peer, request_id),
            request_response::Event::InboundFailure { error, .. } => {
                tracing::debug!(%error, "our answer to a hello was lost");
            }
        }
    }

    fn on_hello_asked(
        &mut self,
        peer: PeerId,
        connection: ConnectionId,
        request: InboundRequestId,
        bytes: &[u8],
        channel: ResponseChannel<Reply>,
    ) {
        let now = clock::now();
        let Some(entry) = self.peers.get_mut(&peer) else {
            return;
        };
        let verdict = if entry.meters.hello(now) {
            Hello::decode(bytes).map_err(|e| Refusal::Malformed(e.to_string()))
        } else {
            Err(Refusal::Busy)
        };
        let verdict = verdict.and_then(|hello| {
            foreign(&self.hello, &hello)?;
            if is_stale(entry, connection, &hello, now) {
                return Err(Refusal::Stale);
            }
            Ok(hello)
        });
        let answer = match verdict {
            Ok(hello) => {
                match &mut entry.greeting {
                    Greeting::Up(known) => {
                        *known = hello.clone();
                        // Behind waiting news it would be out of order; the next one tells.
                        if self.news.is_empty() {
                            self.tell(Event::PeerHello { peer, hello });
                        }
                    }
                    greeting => *greeting = Greeting::Answering(request, hello),
                }
                HelloAnswer::Welcome(self.hello.clone())
            }
            Err(refusal) => {
                self.on_refusing(peer, connection, &refusal, now);
                HelloAnswer::Refused(refusal)
            }
        };
        let reply = Reply::Answer(answer.encode());
        // A channel closed meanwhile means a connection closed: nothing is owed any more.
        let _ = self
            .swarm
            .behaviour_mut()
            .hello
            .send_response(channel, reply);
    }

    /// We refuse: both sides must know why, so the closing waits until the answer can be read.
    fn on_refusing(
        &mut self,
        peer: PeerId,
        connection: ConnectionId,
        refusal: &Refusal,
        now: Instant,
    ) {
        self.metrics.count(Count::hellos_refused);
        let Some(entry) = self.peers.get_mut(&peer) else {
            return;
        };
        match refusal {
            Refusal::Busy => return,
            Refusal::Stale => {
                // Order: the dead ones now, the one that carries our answer later. The asker
                // closes that itself when it has read the answer.
                self.metrics.count(Count::bounces);
                let dead: Vec<ConnectionId> = entry
                    .links
                    .keys()
                    .copied()
                    .filter(|id| *id != connection)
                    .collect();
                entry.care.close_at = Some(now + READING_TIME);
                self.dialler.set_mood(&peer, Mood::Soon, None);
                for id in dead {
                    self.swarm.close_connection(id);
                }
                return;
            }
            Refusal::ForeignGenesis(_) | Refusal::Malformed(_) | Refusal::OtherNetwork(_) => {}
        }
        let was_up = matches!(entry.greeting, Greeting::Up(_));
        entry.greeting = Greeting::Refused;
        entry.care.close_at = Some(now + READING_TIME);
        let reason = Some(refusal.to_string());
        self.dialler.set_mood(&peer, Mood::Late, reason);
        if was_up {
            self.news.tell(&self.events, Event::PeerDown { peer });
        }
        self.tell(Event::Refused {
            peer,
            reason: refusal.clone(),
            by: RefusedBy::Us,
        });
    }

    fn on_hello_sent(&mut self, peer: PeerId, request: InboundRequestId) {
        let Some(entry) = self.peers.get_mut(&peer) else {
            return;
        };
        // Order: up only after our answer is out, so that the peer knows us before our first
        // request reaches it.
        match std::mem::take(&mut entry.greeting) {
            Greeting::Answering(waiting, hello) if waiting == request => self.come_up(peer, hello),
            other => entry.greeting = other,
        }
    }

    fn on_hello_answered(&mut self, peer: PeerId, reply: Reply) {
        let Some(entry) = self.peers.get_mut(&peer) else {
            return;
        };
        entry.care.unanswered = 0;
        if entry.is_refused() {
            return;
        }
        let answer = match reply {
            Reply::Answer(bytes) => HelloAnswer::decode(&bytes),
            Reply::Declined(_) => return,
        };
        let known = entry.boot_nonce();
        let several = entry.links.len() > 1;
        match answer {
            Ok(HelloAnswer::Welcome(hello)) => {
                if let Err(refusal) = foreign(&self.hello, &hello) {
                    // The other side should have seen it: refuse it ourselves, and close at once.
                    self.refused(peer, refusal, RefusedBy::Us);
                } else if several && known.is_some_and(|nonce| nonce != hello.boot_nonce) {
                    self.bounce(peer);
                } else {
                    self.come_up(peer, hello);
                }
            }
            Ok(HelloAnswer::Refused(Refusal::Stale)) => self.bounce(peer),
            Ok(HelloAnswer::Refused(Refusal::Busy)) => {}
            Ok(HelloAnswer::Refused(refusal)) => self.refused(peer, refusal, RefusedBy::Them),
            Err(error) => {
                let refusal = Refusal::Malformed(error.to_string());
                self.refused(peer, refusal, RefusedBy::Us);
            }
        }
    }

    fn on_hello_unanswered(
        &mut self,
        peer: PeerId,
        connection: ConnectionId,
        error: &OutboundFailure,
    ) {
        let Some(entry) = self.peers.get_mut(&peer) else {
            return;
        };
        match error {
            OutboundFailure::UnsupportedProtocols => {
                let refusal = Refusal::OtherNetwork(format!(
                    "the peer does not speak the protocols of network {}: compare the bootstrap files",
                    self.config.network_name
                ));
                self.refused(peer, refusal, RefusedBy::Us);
            }
            OutboundFailure::ConnectionClosed | OutboundFailure::DialFailure => {}
            OutboundFailure::Timeout | OutboundFailure::Io(_) => {
                entry.care.unanswered += 1;
                if entry.care.unanswered >= UNANSWERED || entry.hello().is_none() {
                    tracing::debug!(%peer, %error, "hello unanswered: closing");
                    self.metrics.count(Count::connections_failed);
                    self.swarm.close_connection(connection);
                }
            }
        }
    }

    /// Both sides agree on who they are.
    fn come_up(&mut self, peer: PeerId, hello: Hello) {
        let Some(entry) = self.peers.get_mut(&peer) else {
            return;
        };
        entry.care.close_at = None;
        let rtt = entry.rtt;
        let before = std::mem::replace(&mut entry.greeting, Greeting::Up(hello.clone()));
        // Two nodes that dialled each other settle here; the oldest connections stay, since the subscriptions were
        // announced on them. A relayed one does not count: beside it a punched hole may bring two at once, each side
        // would have another one as the third, and both would be closed. It is given back when a better way stands.
        let surplus: Vec<ConnectionId> = entry
            .links
            .iter()
            .filter(|(_, link)| link.route != Route::Relayed)
            .map(|(id, _)| *id)
            .skip(SETTLED_PER_PEER)
            .collect();
        for id in surplus {
            self.swarm.close_connection(id);
        }
        self.dialler.greeted(&peer);
        if hello.role.gossips() {
            self.reach_node_up(&peer);
        }
        if matches!(before, Greeting::Up(_)) {
            if self.news.is_empty() {
                self.tell(Event::PeerHello { peer, hello });
            }
        } else {
            tracing::debug!(%peer, role = %hello.role, height = hello.height, "peer is up");
            self.news
                .tell(&self.events, Event::PeerUp { peer, hello, rtt });
        }
    }

    /// Closes everything to `peer` and dials again at once, if we dial it at all.
    pub(super) fn bounce(&mut self, peer: PeerId) {
        self.metrics.count(Count::bounces);
        self.dialler.set_mood(&peer, Mood::Soon, None);
        let _ = self.swarm.disconnect_peer_id(peer);
    }

    fn refused(&mut self, peer: PeerId, reason: Refusal, by: RefusedBy) {
        if by == RefusedBy::Us {
            self.metrics.count(Count::hellos_refused);
        }
        let mut was_up = false;
        if let Some(entry) = self.peers.get_mut(&peer) {
            was_up = matches!(entry.greeting, Greeting::Up(_));
            entry.greeting = Greeting::Refused;
        }
        if was_up {
            self.news.tell(&self.events, Event::PeerDown { peer });
        }
        let text = Some(reason.to_string());
        self.dialler.set_mood(&peer, Mood::Late, text);
        self.tell(Event::Refused { peer, reason, by });
        let _ = self.swarm.disconnect_peer_id(peer);
    }
}

/// Whether the asker's hello shows that our other connections to it are dead.
fn is_stale(peer: &Peer, connection: ConnectionId, hello: &Hello, now: Instant) -> bool {
    let others = || peer.links.iter().filter(|(id, _)| **id != connection);
    if others().next().is_none() {
        return false;
    }
    if peer
        .boot_nonce()
        .is_some_and(|known| known != hello.boot_nonce)
    {
        return true;
    }
    // Same life, new connection, and it knows of no other: the old ones are lost. Connections
    // opened almost together are two nodes dialling each other.
    let Some(this) = peer.links.get(&connection) else {
        return false;
    };
    hello.links == Links::Only
        && now.saturating_duration_since(this.since) < SIMULTANEOUS
        && others().any(|(_, link)| link.since + SIMULTANEOUS < this.since)
}

fn foreign(ours: &Hello, theirs: &Hello) -> Result<(), Refusal> {
    if ours.genesis == theirs.genesis {
        return Ok(());
    }
    Err(Refusal::ForeignGenesis(format!(
        "foreign genesis: the refused side lives on {}, the refusing side on {}; compare the \
         bootstrap files",
        short(&theirs.genesis),
        short(&ours.genesis),
    )))
}

fn short(hash: &[u8; 32]) -> String {
    hash[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}
