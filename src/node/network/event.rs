//! What the network reports, and the bounded queue it reports through.
//!
//! Two lanes: urgent (validators' votes and proposals, agreement, peers coming and going) and bulk
//! (all else). Each has a bound in events and in bytes; a stranger can fill only the bulk lane.
//!
//! Never: block the swarm. What does not fit is declined or dropped, and counted; only the news of
//! peers coming and going is kept, coalesced, until it fits. Next: [`super::handle`].

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use libp2p::{gossipsub::MessageId, request_response::InboundRequestId};
use tokio::sync::mpsc;

use super::{reach::Route, watch::WatchSink};
use crate::behaviour::{Hello, Multiaddr, PeerId, Refusal, Service, Topic};

/// Events that may wait in each lane: more than one burst of a hundred validators' votes.
const LANE_EVENTS: usize = 1024;
/// Payload bytes that may wait in each lane.
const LANE_BYTES: usize = 16 * 1024 * 1024;
/// After so many urgent events in a row a bulk one gets its turn.
const FAIR_TURN: u32 = 16;

/// Names a request that awaits [`super::NetworkHandle::respond`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId {
    pub(super) service: Service,
    pub(super) inbound: InboundRequestId,
}

/// What happened.
#[derive(Debug)]
pub enum Event {
    /// We listen on this address (with the actual port).
    Listening(Multiaddr),
    /// A listener died; the others go on.
    ListenerLost {
        /// The system's words.
        reason: String,
    },
    /// A peer is connected and greeted.
    PeerUp {
        /// Who.
        peer: PeerId,
        /// What it said.
        hello: Hello,
        /// Round-trip time, if already measured; later values stand in the peers snapshot.
        rtt: Option<Duration>,
    },
    /// A peer that was up said hello again: its height may have changed.
    PeerHello {
        /// Who.
        peer: PeerId,
        /// What it said.
        hello: Hello,
    },
    /// A ping of a peer that is up was answered. Only wallets are told, and only if nothing else waits.
    Pinged {
        /// Who.
        peer: PeerId,
        /// How long it took.
        rtt: Duration,
    },
    /// The last connection to a peer that was up is gone.
    PeerDown {
        /// Who.
        peer: PeerId,
    },
    /// A hello was refused.
    Refused {
        /// The other side.
        peer: PeerId,
        /// Why.
        reason: Refusal,
        /// Who refused whom.
        by: RefusedBy,
    },
    /// A message from the mesh. It must be answered with [`super::NetworkHandle::report`]. It may
    /// come from a peer that is not yet up: judge it by its own signatures.
    Gossip {
        /// Its channel.
        topic: Topic,
        /// Its id.
        id: MessageId,
        /// The peer that handed it to us (not its author).
        source: PeerId,
        /// The payload.
        data: Vec<u8>,
    },
    /// A peer asks. Answer with [`super::NetworkHandle::respond`] within the service's deadline.
    Request {
        /// Which request.
        id: RequestId,
        /// Who asks.
        peer: PeerId,
        /// What for.
        service: Service,
        /// The question.
        data: Vec<u8>,
    },
    /// A peer watches. Push frames into the sink; dropping it ends the watch.
    WatchOpened {
        /// Who watches.
        peer: PeerId,
        /// What it wants to see.
        request: Vec<u8>,
        /// Where to push.
        sink: WatchSink,
    },
    /// The way to a sought peer has changed.
    Route {
        /// Who.
        peer: PeerId,
        /// The best way that stands; none if it is not connected.
        route: Option<Route>,
    },
    /// A bootstrap peer could not be reached; it is tried again for ever.
    BootstrapUnreachable {
        /// Who.
        peer: PeerId,
        /// Failed dials in a row.
        attempts: u32,
        /// The last failure's words.
        reason: String,
    },
}

/// Which side refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusedBy {
    /// We refused the peer.
    Us,
    /// The peer refused us.
    Them,
}

impl Event {
    fn weight(&self) -> usize {
        match self {
            Self::Gossip { data, .. } | Self::Request { data, .. } => data.len(),
            Self::WatchOpened { request, .. } => request.len(),
            _ => 0,
        }
    }
}

/// In which lane an event travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lane {
    Urgent,
    Bulk,
}

#[derive(Debug, Clone)]
struct Queue {
    sender: mpsc::Sender<Event>,
    bytes: Arc<AtomicUsize>,
}

impl Queue {
    fn offer(&self, event: Event) -> Result<(), Box<Event>> {
        let weight = event.weight();
        // One large event always fits an empty lane; the limit is on what waits behind it.
        if self.bytes.load(Ordering::Relaxed) > LANE_BYTES {
            return Err(Box::new(event));
        }
        self.bytes.fetch_add(weight, Ordering::Relaxed);
        self.sender.try_send(event).map_err(|refused| {
            self.bytes.fetch_sub(weight, Ordering::Relaxed);
            Box::new(refused.into_inner())
        })
    }
}

/// The task's end of both lanes.
#[derive(Debug, Clone)]
pub(super) struct EventSender {
    urgent: Queue,
    bulk: Queue,
}

impl EventSender {
    /// Puts an event into a lane, or gives it back.
    pub(super) fn offer(&self, lane: Lane, event: Event) -> Result<(), Box<Event>> {
        match lane {
            Lane::Urgent => self.urgent.offer(event),
            Lane::Bulk => self.bulk.offer(event),
        }
    }

    /// Waits until the urgent lane takes an event.
    pub(super) async fn room(&self) {
        // A closed lane counts as room: the offer then fails and the news is dropped.
        let _ = self.urgent.sender.reserve().await;
    }

    pub(super) fn is_closed(&self) -> bool {
        self.urgent.sender.is_closed()
    }
}

/// Peers' comings and goings that did not fit yet. Its length is bounded by twice the peers that
/// are connected, since a coming and its going cancel out.
#[derive(Debug, Default)]
pub(super) struct News(VecDeque<Event>);

impl News {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds an event and sends what fits, in order.
    pub(super) fn tell(&mut self, sender: &EventSender, event: Event) {
        if let Event::PeerDown { peer } = &event {
            let unseen =
                |waiting: &Event| matches!(waiting, Event::PeerUp { peer: up, .. } if up == peer);
            if let Some(position) = self.0.iter().rposition(unseen) {
                self.0.remove(position);
                return;
            }
        }
        self.0.push_back(event);
        self.flush(sender);
    }

    /// Sends what fits, in order.
    pub(super) fn flush(&mut self, sender: &EventSender) {
        while let Some(event) = self.0.pop_front() {
            if let Err(back) = sender.offer(Lane::Urgent, event) {
                if !sender.is_closed() {
                    self.0.push_front(*back);
                }
                return;
            }
        }
    }
}

/// The application's end.
#[derive(Debug)]
pub struct NetworkEvents {
    urgent: mpsc::Receiver<Event>,
    urgent_bytes: Arc<AtomicUsize>,
    bulk: mpsc::Receiver<Event>,
    bulk_bytes: Arc<AtomicUsize>,
    turn: u32,
}

impl NetworkEvents {
    /// The next event; `None` after the network has ended. Cancel-safe.
    pub async fn recv(&mut self) -> Option<Event> {
        self.turn = self.turn.wrapping_add(1);
        let (event, lane) = if self.turn.is_multiple_of(FAIR_TURN) {
            tokio::select! {
                biased;
                Some(event) = self.bulk.recv() => (event, Lane::Bulk),
                Some(event) = self.urgent.recv() => (event, Lane::Urgent),
                else => return None,
            }
        } else {
            tokio::select! {
                biased;
                Some(event) = self.urgent.recv() => (event, Lane::Urgent),
                Some(event) = self.bulk.recv() => (event, Lane::Bulk),
                else => return None,
            }
        };
        let bytes = match lane {
            Lane::Urgent => &self.urgent_bytes,
            Lane::Bulk => &self.bulk_bytes,
        };
        bytes.fetch_sub(event.weight(), Ordering::Relaxed);
        Some(event)
    }
}

/// Makes both ends.
pub(super) fn queue() -> (EventSender, NetworkEvents) {
    let (urgent_sender, urgent) = mpsc::channel(LANE_EVENTS);
    let (bulk_sender, bulk) = mpsc::channel(LANE_EVENTS);
    let (urgent_bytes, bulk_bytes) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let sender = EventSender {
        urgent: Queue {
            sender: urgent_sender,
            bytes: Arc::clone(&urgent_bytes),
        },
        bulk: Queue {
            sender: bulk_sender,
            bytes: Arc::clone(&bulk_bytes),
        },
    };
    let events = NetworkEvents {
        urgent,
        urgent_bytes,
        bulk,
        bulk_bytes,
        turn: 0,
    };
    (sender, events)
}
