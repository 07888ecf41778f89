//! Reach: the protocols by which peers behind routers are found and spoken to.
//!
//! Identify (who sees whom where), circuit relay v2 (nodes serve, wallets use it; `relay` and `circuits`), DCUtR (both
//! sides dial at once, `punch`), AutoNAT v2 (a node dials back: is an address good from outside? `seen` and `dial_back`),
//! UPnP (asking the router for a port) and mDNS (neighbours on the LAN). Specifications:
//! <https://github.com/libp2p/specs/tree/master/relay>, `.../autonat`, `.../discovery/mdns.md`.
//!
//! What a relay gives is bounded by the constants here; small payloads only go through one.
//!
//! Never: decide whom to dial or where to reserve; that is `node/network/reach/`. Next: [`super::speech`].
#![allow(
    missing_docs,
    reason = "the derived event enum has one variant a field and no docs"
)]

use std::{num::NonZeroU32, time::Duration};

use libp2p::{
    PeerId,
    autonat::v2 as autonat,
    dcutr, identify,
    identity::Keypair,
    mdns, relay,
    swarm::{NetworkBehaviour, behaviour::toggle::Toggle},
    upnp,
};

use super::{NetworkName, sieve::Sieve};
use crate::directory::address::Ground;

/// Reservations that a relay holds in all.
pub const RESERVATIONS: usize = 256;
/// Reservations of one peer: a new one, and one that is dead and not yet noticed.
pub const RESERVATIONS_PER_PEER: usize = 2;
/// How long a reservation lasts; the library renews it before.
pub const RESERVATION_TIME: Duration = Duration::from_secs(60 * 60);
/// Circuits through a relay at a time.
pub const CIRCUITS: usize = 64;
/// Circuits of one peer at a time.
pub const CIRCUITS_PER_PEER: usize = 8;
/// How long a circuit lasts. Whoever wants more has to come by a direct way, or again.
pub const CIRCUIT_TIME: Duration = Duration::from_secs(2 * 60);
/// What a circuit carries each way, in bytes.
pub const CIRCUIT_BYTES: u64 = 128 * 1024;
/// The largest request over a circuit, in bytes: several fit beside the handshakes.
pub const RELAYED_REQUEST_BYTES: usize = 8 * 1024;

/// Reservations and circuits that one peer may ask for at once, and how often one more.
const PER_PEER: (NonZeroU32, Duration) = (many(30), Duration::from_secs(10));
/// The same for one IP address, behind which there may be a whole household or school.
const PER_IP: (NonZeroU32, Duration) = (many(120), Duration::from_secs(1));

const fn many(count: u32) -> NonZeroU32 {
    NonZeroU32::new(count).expect("a limit of 0 would forbid everything")
}

/// Which of the protocols are spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Spoken {
    /// Relay for others.
    pub relay: bool,
    /// Be reached through relays, and punch holes.
    pub circuits: bool,
    /// Ask others whether our addresses are good from outside.
    pub ask_reachable: bool,
    /// Tell others.
    pub tell_reachable: bool,
    /// Ask the router for ports.
    pub map_ports: bool,
    /// Look for neighbours on the LAN.
    pub neighbours: bool,
    /// How far an address must reach to be of use.
    pub ground: Ground,
}

/// All of them, in one behaviour.
#[derive(NetworkBehaviour)]
pub struct Reach {
    /// Who speaks which protocols, and sees whom where.
    pub identify: Sieve,
    /// Relaying for others.
    pub relay: Toggle<relay::Behaviour>,
    /// Being relayed.
    pub circuits: Toggle<relay::client::Behaviour>,
    /// Hole punching.
    pub punch: Toggle<dcutr::Behaviour>,
    /// Asking to be dialled back.
    pub seen: Toggle<autonat::client::Behaviour>,
    /// Dialling back.
    pub dial_back: Toggle<autonat::server::Behaviour>,
    /// Ports mapped by the router.
    pub ports: Toggle<upnp::tokio::Behaviour>,
    /// Neighbours on the LAN.
    pub neighbours: Toggle<mdns::tokio::Behaviour>,
}

impl Reach {
    /// Puts the protocols together. `circuits` is the behaviour's half of the relay transport; without it nothing is
    /// relayed to us, whatever is spoken. Must be called on a tokio runtime.
    pub fn new(
        keypair: &Keypair,
        network: &NetworkName,
        version: &str,
        spoken: Spoken,
        circuits: Option<relay::client::Behaviour>,
    ) -> Self {
        let local = keypair.public().to_peer_id();
        // Rule 12: the plain configuration; the one with signed records chokes other languages.
        let identify = identify::Config::new(format!("/natcoin/{network}/1"), keypair.public())
            .with_agent_version(version.to_owned())
            // Whereabouts are the bootstrap list's: what a peer says of its own addresses would otherwise be dialled
            // whenever somebody asks for the peer alone, as gossip does for its explicit peers.
            .with_cache_size(0);
        let circuits = circuits.filter(|_| spoken.circuits);
        Self {
            identify: Sieve::new(identify::Behaviour::new(identify), spoken.ground),
            relay: on(spoken.relay, || {
                relay::Behaviour::new(local, relay_limits())
            }),
            punch: on(circuits.is_some(), || dcutr::Behaviour::new(local)),
            circuits: Toggle::from(circuits),
            seen: on(spoken.ask_reachable, Default::default),
            dial_back: on(spoken.tell_reachable, Default::default),
            ports: on(spoken.map_ports, Default::default),
            neighbours: Toggle::from(spoken.neighbours.then(|| neighbours(local)).flatten()),
        }
    }
}

fn on<B>(spoken: bool, make: impl FnOnce() -> B) -> Toggle<B> {
    Toggle::from(spoken.then(make))
}

/// Without a way to hear the LAN's multicast there are no neighbours, and no harm.
fn neighbours(local: PeerId) -> Option<mdns::tokio::Behaviour> {
    mdns::tokio::Behaviour::new(mdns::Config::default(), local)
        .inspect_err(|error| tracing::warn!(%error, "no neighbours are looked for on the LAN"))
        .ok()
}

fn relay_limits() -> relay::Config {
    let (per_peer, peer_pace) = PER_PEER;
    let (per_ip, ip_pace) = PER_IP;
    let bounded = relay::Config {
        max_reservations: RESERVATIONS,
        // Of these, and of circuits, the library gives each peer one more than is said here.
        max_reservations_per_peer: RESERVATIONS_PER_PEER - 1,
        reservation_duration: RESERVATION_TIME,
        reservation_rate_limiters: Vec::new(),
        max_circuits: CIRCUITS,
        max_circuits_per_peer: CIRCUITS_PER_PEER - 1,
        max_circuit_duration: CIRCUIT_TIME,
        max_circuit_bytes: CIRCUIT_BYTES,
        circuit_src_rate_limiters: Vec::new(),
    };
    bounded
        .reservation_rate_per_peer(per_peer, peer_pace)
        .reservation_rate_per_ip(per_ip, ip_pace)
        .circuit_src_per_peer(per_peer, peer_pace)
        .circuit_src_per_ip(per_ip, ip_pace)
}
