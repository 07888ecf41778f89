//! The doors: how many connections there may be in all, from one address and with one peer.
//!
//! Validators and the bootstrap list come in always, so that a crowd of strangers cannot lock the network out of itself;
//! they take no stranger's place. Who they are is known after the handshake only, so what is being set up is bounded by
//! address alone: places for handshakes, and how often an address may begin one. The library's own limits
//! (`libp2p-connection-limits`) know no addresses, count trusted peers among the strangers, and keep an entry for every
//! peer that ever came.
//!
//! An address is an IPv4 address, or an IPv6 /56: what providers give to one household, so that nobody has 256 addresses
//! by having 256 networks. This machine itself (127.0.0.1, ::1) is one of many behind a proxy, or its own user: its
//! places are bounded in all only.
//!
//! Never: read a clock; [`Doors::tick`] tells the time. Next: [`super::limits`] for the numbers.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    convert::Infallible,
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    task::{Context, Poll},
    time::Instant,
};

use libp2p::{
    Multiaddr, PeerId,
    core::{Endpoint, transport::PortUse},
    multiaddr::Protocol,
    swarm::{
        ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, THandler, THandlerInEvent,
        THandlerOutEvent, ToSwarm, dummy,
    },
};

use super::limits::{
    Bucket, OUTGOING, PENDING_INCOMING, PENDING_KEPT, PENDING_OUTGOING, PENDING_PER_ADDRESS,
    PER_ADDRESS, PER_PEER, SETUPS_PER_ADDRESS,
};

/// From where a connection comes, as far as it is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// One IPv4 address.
    V4(Ipv4Addr),
    /// An IPv6 network of 56 bits: its first address.
    V6(Ipv6Addr),
    /// This machine, or through a relay, which has its own bounds.
    Unnumbered,
}

impl Origin {
    /// Where this address is.
    #[must_use]
    pub fn of(remote: &Multiaddr) -> Self {
        let mut parts = remote.iter();
        let ip = match parts.next() {
            Some(Protocol::Ip4(ip)) => IpAddr::V4(ip),
            Some(Protocol::Ip6(ip)) => IpAddr::V6(ip).to_canonical(),
            _ => return Self::Unnumbered,
        };
        // What comes through a relay has the relay's address.
        if parts.any(|part| part == Protocol::P2pCircuit) {
            return Self::Unnumbered;
        }
        match ip {
            // The rest of 127.0.0.0/8 is counted like anybody.
            IpAddr::V4(Ipv4Addr::LOCALHOST) | IpAddr::V6(Ipv6Addr::LOCALHOST) => Self::Unnumbered,
            IpAddr::V4(ip) => Self::V4(ip),
            IpAddr::V6(ip) => {
                let network = ip.to_bits() & !((1 << 72) - 1);
                Self::V6(Ipv6Addr::from_bits(network))
            }
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::V4(ip) => write!(f, "{ip}"),
            Self::V6(ip) => write!(f, "{ip}/56"),
            Self::Unnumbered => f.write_str("this machine"),
        }
    }
}

/// Why a connection was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Full {
    /// All handshakes that may be under way are.
    #[error("{limit} connections are being set up: no more at a time")]
    Handshakes {
        /// How many may be.
        limit: usize,
    },
    /// An address has all the handshakes that it may have.
    #[error("{origin} sets up {limit} connections: no more at a time")]
    HandshakesOfAddress {
        /// The address.
        origin: String,
        /// How many may be.
        limit: usize,
    },
    /// An address begins connections too often.
    #[error("{origin} sets up connections too often: {per_second} a second in the long run")]
    TooOften {
        /// The address.
        origin: String,
        /// How often it may.
        per_second: u32,
    },
    /// An address has all the places that it may have.
    #[error("{origin} has {limit} connections: no more from one address")]
    Address {
        /// The address.
        origin: String,
        /// How many may be.
        limit: usize,
    },
    /// All places of strangers are taken.
    #[error("{limit} strangers are connected: no more are taken")]
    Strangers {
        /// How many may be.
        limit: usize,
    },
    /// All places for our own dials are taken.
    #[error("{limit} connections to strangers were dialled: no more at a time")]
    Outgoing {
        /// How many may be.
        limit: usize,
    },
    /// The peer has all the connections that it may have.
    #[error("{limit} connections with this peer: no more")]
    Peer {
        /// How many may be.
        limit: usize,
    },
}

impl Full {
    /// Whether it is about one address, and others are taken.
    #[must_use]
    pub fn is_of_address(&self) -> bool {
        matches!(
            self,
            Self::Address { .. } | Self::HandshakesOfAddress { .. } | Self::TooOften { .. }
        )
    }
}

/// What an address has.
#[derive(Debug)]
struct Host {
    pending: usize,
    established: usize,
    setups: Bucket,
}

/// A stranger's connection.
#[derive(Debug, Clone, Copy)]
struct Guest {
    /// None if we dialled.
    from: Option<Origin>,
    peer: PeerId,
}

/// The doors.
pub struct Doors {
    /// Strangers that may be connected.
    strangers: usize,
    trusted: BTreeSet<PeerId>,
    /// The addresses of the verified list: bounded neither by address nor by pace.
    known: BTreeSet<Origin>,
    incoming: HashMap<ConnectionId, Origin>,
    outgoing: HashSet<ConnectionId>,
    guests: HashMap<ConnectionId, Guest>,
    hosts: BTreeMap<Origin, Host>,
    /// How many of the guests we dialled.
    dialled: usize,
    peers: HashMap<PeerId, usize>,
    now: Instant,
}

impl Doors {
    /// Doors for so many strangers; `trusted` are above all bounds, and `listed` are their addresses.
    #[must_use]
    pub fn new<'a>(
        strangers: usize,
        trusted: BTreeSet<PeerId>,
        listed: impl IntoIterator<Item = &'a Multiaddr>,
        now: Instant,
    ) -> Self {
        Self {
            strangers,
            trusted,
            known: listed.into_iter().map(Origin::of).collect(),
            incoming: HashMap::new(),
            outgoing: HashSet::new(),
            guests: HashMap::new(),
            hosts: BTreeMap::new(),
            dialled: 0,
            peers: HashMap::new(),
            now,
        }
    }

    /// Tells the time; addresses that have nothing and have rested are forgotten.
    pub fn tick(&mut self, now: Instant) {
        self.now = now;
        self.hosts.retain(|_, host| {
            host.pending > 0 || host.established > 0 || !host.setups.is_full(now)
        });
    }

    fn host(&mut self, origin: Origin) -> &mut Host {
        let now = self.now;
        self.hosts.entry(origin).or_insert_with(|| Host {
            pending: 0,
            established: 0,
            setups: Bucket::new(SETUPS_PER_ADDRESS, now),
        })
    }

    /// May somebody at this address begin a handshake?
    fn admit_handshake(&mut self, origin: Origin) -> Result<(), Full> {
        let is_known = self.known.contains(&origin);
        let limit = match is_known {
            true => PENDING_INCOMING + PENDING_KEPT,
            false => PENDING_INCOMING,
        };
        if self.incoming.len() >= limit {
            return Err(Full::Handshakes { limit });
        }
        if is_known || origin == Origin::Unnumbered {
            return Ok(());
        }
        let now = self.now;
        let host = self.host(origin);
        // Order: an address that is full pays for trying all the same.
        if !host.setups.take(now) {
            return Err(Full::TooOften {
                origin: origin.to_string(),
                per_second: SETUPS_PER_ADDRESS.per_second,
            });
        }
        if host.pending >= PENDING_PER_ADDRESS {
            return Err(Full::HandshakesOfAddress {
                origin: origin.to_string(),
                limit: PENDING_PER_ADDRESS,
            });
        }
        Ok(())
    }

    /// Has a stranger from here a place? `None` is one that we dialled.
    fn admit_guest(&mut self, guest: Guest) -> Result<(), Full> {
        if self.peers.get(&guest.peer).is_some_and(|n| *n >= PER_PEER) {
            return Err(Full::Peer { limit: PER_PEER });
        }
        let Some(origin) = guest.from else {
            return match self.dialled < OUTGOING {
                true => Ok(()),
                false => Err(Full::Outgoing { limit: OUTGOING }),
            };
        };
        if self.guests.len() - self.dialled >= self.strangers {
            return Err(Full::Strangers {
                limit: self.strangers,
            });
        }
        let is_counted = origin != Origin::Unnumbered && !self.known.contains(&origin);
        if is_counted && self.host(origin).established >= PER_ADDRESS {
            return Err(Full::Address {
                origin: origin.to_string(),
                limit: PER_ADDRESS,
            });
        }
        Ok(())
    }

    fn enter(&mut self, id: ConnectionId, guest: Guest) {
        self.guests.insert(id, guest);
        *self.peers.entry(guest.peer).or_insert(0) += 1;
        match guest.from {
            Some(origin) => self.host(origin).established += 1,
            None => self.dialled += 1,
        }
    }

    fn leave(&mut self, id: ConnectionId) {
        let Some(guest) = self.guests.remove(&id) else {
            return;
        };
        if let Some(count) = self.peers.get_mut(&guest.peer) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.peers.remove(&guest.peer);
            }
        }
        match guest.from {
            Some(origin) => {
                let host = self.host(origin);
                host.established = host.established.saturating_sub(1);
            }
            None => self.dialled = self.dialled.saturating_sub(1),
        }
    }

    fn handshake_over(&mut self, id: ConnectionId) {
        if let Some(origin) = self.incoming.remove(&id) {
            let host = self.host(origin);
            host.pending = host.pending.saturating_sub(1);
        }
    }
}

impl NetworkBehaviour for Doors {
    type ConnectionHandler = dummy::ConnectionHandler;
    type ToSwarm = Infallible;

    fn handle_pending_inbound_connection(
        &mut self,
        id: ConnectionId,
        _: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<(), ConnectionDenied> {
        let origin = Origin::of(remote);
        self.admit_handshake(origin)
            .map_err(ConnectionDenied::new)?;
        self.incoming.insert(id, origin);
        self.host(origin).pending += 1;
        Ok(())
    }

    fn handle_established_inbound_connection(
        &mut self,
        id: ConnectionId,
        peer: PeerId,
        _: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.handshake_over(id);
        if !self.trusted.contains(&peer) {
            let from = Some(Origin::of(remote));
            let guest = Guest { from, peer };
            self.admit_guest(guest).map_err(ConnectionDenied::new)?;
            self.enter(id, guest);
        }
        Ok(dummy::ConnectionHandler)
    }

    fn handle_pending_outbound_connection(
        &mut self,
        id: ConnectionId,
        peer: Option<PeerId>,
        _: &[Multiaddr],
        _: Endpoint,
    ) -> Result<Vec<Multiaddr>, ConnectionDenied> {
        if peer.is_some_and(|peer| self.trusted.contains(&peer)) {
            return Ok(vec![]);
        }
        if self.outgoing.len() >= PENDING_OUTGOING {
            let limit = PENDING_OUTGOING;
            return Err(ConnectionDenied::new(Full::Handshakes { limit }));
        }
        self.outgoing.insert(id);
        Ok(vec![])
    }

    fn handle_established_outbound_connection(
        &mut self,
        id: ConnectionId,
        peer: PeerId,
        _: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.outgoing.remove(&id);
        if !self.trusted.contains(&peer) {
            let guest = Guest { from: None, peer };
            self.admit_guest(guest).map_err(ConnectionDenied::new)?;
            self.enter(id, guest);
        }
        Ok(dummy::ConnectionHandler)
    }

    fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
        match event {
            FromSwarm::ConnectionClosed(closed) => self.leave(closed.connection_id),
            // Order: another behaviour may have denied what we had let in.
            FromSwarm::DialFailure(failed) => {
                self.outgoing.remove(&failed.connection_id);
                self.leave(failed.connection_id);
            }
            FromSwarm::ListenFailure(failed) => {
                self.handshake_over(failed.connection_id);
                self.leave(failed.connection_id);
            }
            _ => {}
        }
    }

    fn on_connection_handler_event(
        &mut self,
        _: PeerId,
        _: ConnectionId,
        event: THandlerOutEvent<Self>,
    ) {
        match event {}
    }

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<ToSwarm<Infallible, THandlerInEvent<Self>>> {
        Poll::Pending
    }
}

#[cfg(test)]
#[path = "doors_tests.rs"]
mod tests;
