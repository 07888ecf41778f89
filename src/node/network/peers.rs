//! The table of peers: their connections, what they said, and how much they asked.
//!
//! Bounded by the connection limits plus [`FORGOTTEN_PEERS`] that are remembered a while after they
//! left, so that coming back does not refill a token bucket.
//!
//! Never: touch the swarm. Next: `greet.rs` and `serve.rs`, which fill it.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use libp2p::{PeerId, request_response::InboundRequestId, swarm::ConnectionId};

use super::{conduct::kib, reach::Route};
use crate::behaviour::{
    Hello, Multiaddr, Service,
    limits::{Bucket, GOSSIP, GOSSIP_KIB, PATIENCE, Rate},
};

/// Peers without a connection that are remembered.
const FORGOTTEN_PEERS: usize = 1024;
/// How long they are.
const REMEMBERED: Duration = Duration::from_secs(60);
/// Hellos: enough for a peer that restarts again and again, little enough to cost nothing.
const HELLO_RATE: Rate = Rate::of_bucket(60, 4);

/// One connection.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) since: Instant,
    /// Last sign of life: its opening, or a ping answered.
    pub(super) alive: Instant,
    pub(super) address: Multiaddr,
    pub(super) route: Route,
    /// Whether we dialled.
    pub(super) is_dialled: bool,
}

/// How far a peer's greeting has come.
#[derive(Debug, Default)]
pub(super) enum Greeting {
    /// Nothing accepted yet.
    #[default]
    None,
    /// We accepted its hello; up when our answer is out, so that it knows before we speak.
    Answering(InboundRequestId, Hello),
    /// Up.
    Up(Hello),
    /// Refused by either side; what it sends is ignored until the connections are closed.
    Refused,
}

/// What a peer asked for, metered.
#[derive(Debug)]
pub(super) struct Meters {
    buckets: [Bucket; Service::ALL.len()],
    open: [u16; Service::ALL.len()],
    hellos: Bucket,
    /// Our own requests to it, by the rates that it holds us to.
    asked: [Bucket; Service::ALL.len()],
    gossip: Bucket,
    gossip_kib: Bucket,
    patience: Bucket,
}

impl Meters {
    fn new(now: Instant) -> Self {
        Self {
            buckets: Service::ALL.map(|service| Bucket::new(service.rate(), now)),
            open: [0; Service::ALL.len()],
            hellos: Bucket::new(HELLO_RATE, now),
            asked: Service::ALL.map(|service| Bucket::new(service.rate(), now)),
            gossip: Bucket::new(GOSSIP, now),
            gossip_kib: Bucket::new(GOSSIP_KIB, now),
            patience: Bucket::new(PATIENCE, now),
        }
    }

    /// Whether we may ask it once more now.
    pub(super) fn ask(&mut self, service: Service, size_bytes: usize, now: Instant) -> bool {
        self.asked[service.index()].take_many(service.cost(size_bytes), now)
    }

    /// Whether one more message of this size may be looked at now.
    pub(super) fn gossip(&mut self, size_bytes: usize, now: Instant) -> bool {
        self.gossip.take(now) && self.gossip_kib.take_many(kib(size_bytes), now)
    }

    /// Whether there is patience left for an offence of this cost.
    pub(super) fn patience(&mut self, cost: u32, now: Instant) -> bool {
        self.patience.take_many(cost, now)
    }

    /// Whether one more hello may come now.
    pub(super) fn hello(&mut self, now: Instant) -> bool {
        self.hellos.take(now)
    }

    /// Takes a request's tokens and a place among the open ones of `service`.
    pub(super) fn admit(&mut self, service: Service, size_bytes: usize, now: Instant) -> bool {
        let (index, cost) = (service.index(), service.cost(size_bytes));
        if self.open[index] >= service.rate().open || !self.buckets[index].take_many(cost, now) {
            return false;
        }
        self.open[index] += 1;
        true
    }

    /// Gives the place back.
    pub(super) fn close(&mut self, service: Service) {
        let open = &mut self.open[service.index()];
        *open = open.saturating_sub(1);
    }
}

/// What upkeep remembers about a peer.
#[derive(Debug, Default)]
pub(super) struct Care {
    /// When we last told it our height, and which.
    pub(super) told: Option<(Instant, u64)>,
    /// Hellos unanswered in a row.
    pub(super) unanswered: u32,
    /// Since when it is up without subscriptions.
    pub(super) deaf_since: Option<Instant>,
    /// When it last looked something up without having said hello.
    pub(super) looked_up: Option<Instant>,
    /// Last bounce, and how many without a subscription seen in between.
    pub(super) bounced: Option<(Instant, u32)>,
    /// Close all its connections at this time.
    pub(super) close_at: Option<Instant>,
    /// Since when it has no connection.
    pub(super) gone_since: Option<Instant>,
}

/// One peer.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) links: BTreeMap<ConnectionId, Link>,
    pub(super) greeting: Greeting,
    pub(super) rtt: Option<Duration>,
    pub(super) meters: Meters,
    pub(super) care: Care,
}

impl Peer {
    /// What it said, if it is up.
    pub(super) fn hello(&self) -> Option<&Hello> {
        match &self.greeting {
            Greeting::Up(hello) => Some(hello),
            _ => None,
        }
    }

    /// The boot nonce it last gave over a connection that may still be open.
    pub(super) fn boot_nonce(&self) -> Option<u64> {
        match &self.greeting {
            Greeting::Up(hello) | Greeting::Answering(_, hello) => Some(hello.boot_nonce),
            Greeting::None | Greeting::Refused => None,
        }
    }

    /// The best way to it that stands.
    pub(super) fn route(&self) -> Option<Route> {
        self.links.values().map(|link| link.route).max()
    }

    /// How many of its connections go through relays.
    pub(super) fn circuits(&self) -> usize {
        let relayed = |link: &&Link| link.route == Route::Relayed;
        self.links.values().filter(relayed).count()
    }

    pub(super) fn is_refused(&self) -> bool {
        matches!(self.greeting, Greeting::Refused)
    }
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Peers(BTreeMap<PeerId, Peer>);

impl Peers {
    pub(super) fn get(&self, peer: &PeerId) -> Option<&Peer> {
        self.0.get(peer)
    }

    pub(super) fn get_mut(&mut self, peer: &PeerId) -> Option<&mut Peer> {
        self.0.get_mut(peer)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&PeerId, &Peer)> {
        self.0.iter()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (&PeerId, &mut Peer)> {
        self.0.iter_mut()
    }

    /// A connection was opened.
    pub(super) fn opened(
        &mut self,
        peer: PeerId,
        connection: ConnectionId,
        link: Link,
        now: Instant,
    ) {
        let entry = self.0.entry(peer).or_insert_with(|| Peer {
            links: BTreeMap::new(),
            greeting: Greeting::None,
            rtt: None,
            meters: Meters::new(now),
            care: Care::default(),
        });
        entry.care.gone_since = None;
        entry.links.insert(connection, link);
    }

    /// A connection was closed. Returns the greeting that ended with it, if it was the last.
    pub(super) fn closed(
        &mut self,
        peer: &PeerId,
        connection: ConnectionId,
        now: Instant,
    ) -> Option<Greeting> {
        let entry = self.0.get_mut(peer)?;
        // A connection of which nothing was said is nothing that ends.
        entry.links.remove(&connection)?;
        if !entry.links.is_empty() {
            return None;
        }
        entry.rtt = None;
        entry.care = Care {
            gone_since: Some(now),
            bounced: entry.care.bounced,
            ..Care::default()
        };
        Some(std::mem::take(&mut entry.greeting))
    }

    /// Forgets those that are long gone, and all that are gone if there are too many.
    pub(super) fn forget(&mut self, now: Instant) {
        let gone = self.0.values().filter(|p| p.links.is_empty()).count();
        let remembered = if gone > FORGOTTEN_PEERS {
            Duration::ZERO
        } else {
            REMEMBERED
        };
        self.0.retain(|_, peer| match peer.care.gone_since {
            Some(since) => now.saturating_duration_since(since) < remembered,
            None => true,
        });
    }
}
