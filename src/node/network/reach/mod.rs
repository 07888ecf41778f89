//! Reach: being found behind a router, and finding others; the policies, and what the task does about them.
//!
//! `reservations.rs` (at whose relays we are found), `routes.rs` (the way to each sought peer), `standing.rs` (can the
//! world dial us?) and `fence.rs` (what is never dialled) decide; `task.rs` feeds them and does what they say.
//!
//! Never: let a peer's word lead a dial to where the network does not reach. Next: `behaviour/reach.rs`.

pub(super) mod fence;
mod neighbours;
mod reservations;
mod routes;
mod standing;
mod task;
mod trips;

pub use routes::{Route, SOUGHT};
pub use standing::Standing;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Instant,
};

use libp2p::{PeerId, swarm::ConnectionId};
use tokio::sync::watch;

use self::{
    fence::Gate, neighbours::Neighbours, reservations::Reservations, routes::Routes,
    standing::OwnAddresses, trips::Trips,
};
use super::config::NetworkConfig;
use crate::behaviour::{Multiaddr, reach::Spoken};

/// How much is done to be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReachConfig {
    /// Whether others shall reach us wherever we are: reservations at relays, hole punching. For wallets that stay.
    pub be_reached: bool,
    /// Whether the router is asked for ports (UPnP), on a public network.
    pub map_ports: bool,
    /// Whether neighbours on the LAN are looked for (mDNS). They are asked who they are like anybody.
    pub neighbours: bool,
}

/// Where we can be found, as far as we know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whereabouts {
    /// Whether the world can dial us.
    pub standing: Standing,
    /// Where it can.
    pub public: Vec<Multiaddr>,
    /// The ways to us through relays, each ending with `/p2p-circuit` and our peer id.
    pub relayed: Vec<Multiaddr>,
}

/// What the task knows about reach.
pub(super) struct Reachability {
    pub(super) gate: Gate,
    pub(super) spoken: Spoken,
    reservations: Reservations,
    pub(super) routes: Routes,
    own: OwnAddresses,
    /// Where the world can dial us, for whoever wants to hear when that changes.
    pub(super) public: watch::Sender<Vec<Multiaddr>>,
    pub(super) trips: Trips,
    neighbours: Neighbours,
    /// With whom a hole was punched just now.
    punched: BTreeMap<PeerId, Instant>,
    /// Our own dials under way; all others are the library's.
    pub(super) dialled: BTreeSet<ConnectionId>,
    /// Connections on which a peer is dialled back, to be closed soon, and until when.
    probes: Vec<(ConnectionId, Instant)>,
}

impl Reachability {
    pub(super) fn new(config: &NetworkConfig, gate: Gate, now: Instant) -> Self {
        Self {
            spoken: spoken(config, &gate),
            gate,
            reservations: Reservations::default(),
            routes: Routes::default(),
            own: OwnAddresses::new(now),
            public: watch::Sender::default(),
            trips: Trips::default(),
            neighbours: Neighbours::default(),
            punched: BTreeMap::new(),
            dialled: BTreeSet::new(),
            probes: Vec::new(),
        }
    }
}

/// Who speaks what: nodes serve, wallets that want to be reached ask.
pub(super) fn spoken(config: &NetworkConfig, gate: &Gate) -> Spoken {
    let serves = config.role.gossips();
    let is_public = gate.ground().is_public();
    let ReachConfig {
        be_reached,
        map_ports,
        neighbours,
    } = config.reach;
    let is_listed = config.own_entry().is_some();
    Spoken {
        relay: serves,
        circuits: be_reached && !serves,
        // The verified list says where a listed node is; and on a LAN or one machine nobody asks.
        ask_reachable: is_public && !is_listed && (serves || be_reached),
        tell_reachable: is_public && serves,
        map_ports: is_public && map_ports,
        neighbours,
        ground: gate.ground(),
    }
}
