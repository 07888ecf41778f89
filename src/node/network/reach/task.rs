//! What the task does for reach: feeds the policies with what happens, and does what they say.
//!
//! Next: [`super`] for the policies.

use std::time::{Duration, Instant};

use libp2p::{
    PeerId,
    core::{ConnectedPoint, transport::ListenerId},
    dcutr, identify, mdns,
    multiaddr::Protocol,
    relay,
    swarm::{
        ConnectionId, SwarmEvent,
        dial_opts::{DialOpts, PeerCondition},
    },
};

use super::{
    Route, Whereabouts,
    routes::{Step, is_relayed},
    trips::Measured,
};
use crate::{
    behaviour::{Multiaddr, SpeechEvent, reach::ReachEvent},
    node::{
        clock,
        network::{RequestError, event::Event, metrics::Count, task::Task},
    },
};

/// A dialling back that takes longer came to nothing.
const PROBE_TIME: Duration = Duration::from_secs(5);
/// An incoming connection so soon before or after a hole was punched came through it.
const SAME_HOLE: Duration = Duration::from_secs(2);
/// Addresses that a peer may say are its own.
const TOLD: usize = 16;

impl Task {
    /// The addresses at which the verified list has us are ours without asking anybody; a relay needs one.
    pub(in super::super) fn declare_own_addresses(&mut self) {
        let declared = self.config.own_entry().map(<[Multiaddr]>::to_vec);
        for address in declared.into_iter().flatten() {
            self.reach.own.confirmed(address.clone());
            self.swarm.add_external_address(address);
        }
        self.tell_public();
    }

    /// Tells whoever wants to hear where the world can dial us, if that has changed.
    fn tell_public(&self) {
        let own = &self.reach.own;
        self.reach.public.send_if_modified(|told| {
            let is_news = !own.public().eq(told.iter());
            if is_news {
                *told = own.public().cloned().collect();
            }
            is_news
        });
    }

    /// How a connection came about. A node's connection that nobody of ours dialled is AutoNAT's, which dials a peer
    /// back: nothing is said on it, and it is closed soon.
    pub(in super::super) fn route_of(
        &mut self,
        peer: &PeerId,
        id: ConnectionId,
        endpoint: &ConnectedPoint,
    ) -> Option<Route> {
        if endpoint.is_relayed() {
            return Some(Route::Relayed);
        }
        let is_ours = self.reach.dialled.remove(&id);
        // Who asks to be dialled back is connected already.
        let is_second = self
            .peers
            .get(peer)
            .is_some_and(|entry| !entry.links.is_empty());
        if self.reach.spoken.tell_reachable && endpoint.is_dialer() && is_second && !is_ours {
            self.reach.probes.push((id, clock::now() + PROBE_TIME));
            return None;
        }
        // Only hole punching dials beside us; what comes in just after it came through the same hole; and so did what comes
        // in where the world has no address to dial.
        let is_young = |at: &Instant| clock::now().saturating_duration_since(*at) < SAME_HOLE;
        let is_of_a_hole = match endpoint.is_dialer() {
            true => self.reach.spoken.circuits && !is_ours,
            false => {
                self.reach.punched.get(peer).is_some_and(is_young) || self.is_hidden_from(peer)
            }
        };
        Some(match is_of_a_hole {
            true => Route::Punched,
            false => Route::Direct,
        })
    }

    /// Whether a peer that we talk to through a relay knows of no other way to us.
    fn is_hidden_from(&self, peer: &PeerId) -> bool {
        let is_relayed = self
            .peers
            .get(peer)
            .is_some_and(|entry| entry.circuits() > 0);
        let ground = self.reach.gate.ground();
        is_relayed && ground.is_public() && self.reach.own.public().next().is_none()
    }

    pub(in super::super) fn reach_opened(&mut self, peer: &PeerId, id: ConnectionId, route: Route) {
        self.metrics.count(match route {
            Route::Relayed => Count::connections_relayed,
            Route::Punched | Route::Direct => Count::connections_direct,
        });
        self.reach.routes.opened(peer, id, route, clock::now());
        self.tell_route(peer);
    }

    pub(in super::super) fn reach_closed(&mut self, peer: &PeerId, id: ConnectionId) {
        self.reach.routes.closed(peer, id, clock::now());
        self.reach.own.closed(id);
        self.reach.probes.retain(|(probe, _)| *probe != id);
        if self
            .peers
            .get(peer)
            .is_none_or(|entry| entry.links.is_empty())
        {
            self.reach.reservations.went(peer);
        }
        self.tell_route(peer);
    }

    /// A node is up: it may relay for us.
    pub(in super::super) fn reach_node_up(&mut self, peer: &PeerId) {
        if !self.reach.spoken.circuits {
            return;
        }
        let Some(entry) = self.peers.get(peer) else {
            return;
        };
        let direct = entry
            .links
            .values()
            .find(|link| link.is_dialled && link.route != Route::Relayed);
        if let Some(link) = direct {
            let address = without_peer(&link.address);
            self.reach.reservations.came(*peer, address, clock::now());
        }
    }

    pub(in super::super) fn seek(&mut self, peer: PeerId, told: Vec<Multiaddr>) -> bool {
        if peer == *self.swarm.local_peer_id() {
            return false;
        }
        let gate = &self.reach.gate;
        let told = told
            .iter()
            .map(|address| to_dial(address, &peer))
            .filter(|address| gate.passes(address));
        let told: Vec<Multiaddr> = told.collect();
        let now = clock::now();
        let is_new = !self.reach.routes.seeks(&peer);
        let has_room = self.reach.routes.seek(peer, told, now);
        if is_new
            && has_room
            && let Some(entry) = self.peers.get(&peer)
        {
            for (id, link) in &entry.links {
                self.reach.routes.opened(&peer, *id, link.route, now);
            }
        }
        if has_room {
            self.visit_neighbour(&peer);
        }
        has_room
    }

    /// Whether all that leads to a peer are circuits, which carry small requests only.
    pub(in super::super) fn is_only_relayed(&self, peer: &PeerId) -> bool {
        let route = self.peers.get(peer).and_then(|entry| entry.route());
        route == Some(Route::Relayed)
    }

    /// Says hello, and tells how long the answer took.
    pub(in super::super) fn round_trip(&mut self, peer: &PeerId, answer: Measured) {
        let is_up = self
            .peers
            .get(peer)
            .is_some_and(|entry| entry.hello().is_some());
        let asked = is_up.then(|| self.say_hello(peer)).flatten();
        match asked {
            Some(request) => self.reach.trips.begun(request, answer, clock::now()),
            None => {
                let _ = answer.send(Err(RequestError::NotConnected));
            }
        }
    }

    pub(in super::super) fn whereabouts(&self) -> Whereabouts {
        Whereabouts {
            standing: self.reach.own.standing(clock::now()),
            public: self.reach.own.public().cloned().collect(),
            relayed: self
                .reach
                .reservations
                .held()
                .map(|(relay, address)| {
                    to_dial(&circuit(address, relay), self.swarm.local_peer_id())
                })
                .collect(),
        }
    }

    pub(in super::super) fn reach_tick(&mut self, now: Instant) {
        self.tell_public();
        self.reserve(now);
        let relays: Vec<Multiaddr> = self
            .reach
            .reservations
            .relays()
            .map(|(relay, address)| circuit(address, relay))
            .collect();
        for step in self.reach.routes.due(now, &relays) {
            match step {
                Step::Dial(peer, addresses) => self.dial_sought(peer, &addresses, now),
                Step::Close(id) => {
                    self.swarm.close_connection(id);
                }
            }
        }
        self.reach
            .punched
            .retain(|_, at| now.saturating_duration_since(*at) < SAME_HOLE);
        let over: Vec<ConnectionId> = self
            .reach
            .probes
            .iter()
            .filter(|(_, until)| *until <= now)
            .map(|(id, _)| *id)
            .collect();
        for id in over {
            self.swarm.close_connection(id);
        }
    }

    fn reserve(&mut self, now: Instant) {
        for (relay, address) in self.reach.reservations.due(now) {
            match self.swarm.listen_on(circuit(&address, &relay)) {
                Ok(listener) => self.reach.reservations.asked(&relay, listener, now),
                Err(error) => {
                    tracing::debug!(%relay, %error, "no reservation");
                    self.reach.reservations.unasked(&relay, now);
                }
            }
        }
    }

    fn dial_sought(&mut self, peer: PeerId, addresses: &[Multiaddr], now: Instant) {
        let addresses = addresses
            .iter()
            .map(|address| to_dial(address, &peer))
            .collect();
        // Always: the policy knows what stands and what is under way; a better way is dialled beside a worse one.
        let dial = DialOpts::peer_id(peer)
            .addresses(addresses)
            .condition(PeerCondition::Always)
            .build();
        let id = dial.connection_id();
        self.reach.routes.dialling(&peer, id);
        self.reach.dialled.insert(id);
        if let Err(error) = self.swarm.dial(dial) {
            self.reach.dialled.remove(&id);
            self.reach.routes.failed(&peer, id, error.to_string(), now);
        }
    }

    /// What of the swarm's events is about our own addresses and reservations. Whether it was.
    pub(in super::super) fn on_reach_swarm(&mut self, event: &SwarmEvent<SpeechEvent>) -> bool {
        match event {
            SwarmEvent::NewListenAddr { address, .. } => is_relayed(address),
            SwarmEvent::ListenerClosed {
                listener_id,
                reason,
                ..
            } => {
                if let Err(error) = reason {
                    tracing::debug!(%error, "a listener is closed");
                }
                self.on_listener_closed(*listener_id)
            }
            SwarmEvent::ExpiredListenAddr { address, .. } => {
                if !is_relayed(address) {
                    self.on_own_address_lost(address);
                }
                true
            }
            SwarmEvent::ExternalAddrConfirmed { address } => {
                self.on_confirmed(address);
                true
            }
            SwarmEvent::ExternalAddrExpired { address } => {
                self.reach.own.expired(address, clock::now());
                true
            }
            _ => false,
        }
    }

    fn on_listener_closed(&mut self, listener: ListenerId) -> bool {
        let was_ours = self.reach.reservations.closed(listener, clock::now());
        if was_ours {
            self.metrics.count(Count::reservations_lost);
        }
        was_ours
    }

    /// The machine has left a network: what was bound there is dead, and nobody will say so.
    fn on_own_address_lost(&mut self, address: &Multiaddr) {
        if !self.reach.spoken.circuits {
            return;
        }
        tracing::debug!(%address, "our own address is gone: every connection is made anew");
        let connected: Vec<PeerId> = self.swarm.connected_peers().copied().collect();
        for peer in connected {
            let _ = self.swarm.disconnect_peer_id(peer);
        }
    }

    fn on_confirmed(&mut self, address: &Multiaddr) {
        if is_relayed(address) {
            // A reservation's; the policy knows it already.
        } else if self.reach.gate.ground().carries(address) {
            tracing::debug!(%address, "the world can dial us");
            self.reach.own.confirmed(address.clone());
        } else {
            // AutoNAT confirms whatever works, a loopback address too.
            self.swarm.remove_external_address(address);
        }
    }

    pub(in super::super) fn on_reach(&mut self, event: ReachEvent) {
        match event {
            ReachEvent::Identify(identify::Event::Received {
                peer_id,
                connection_id,
                info,
            }) => {
                self.on_identified(&peer_id, connection_id, &info);
            }
            ReachEvent::Circuits(relay::client::Event::ReservationReqAccepted {
                relay_peer_id,
                renewal,
                ..
            }) => {
                tracing::debug!(relay = %relay_peer_id, renewal, "a reservation is ours");
                self.metrics.count(Count::reservations_made);
                self.reach.reservations.accepted(&relay_peer_id);
            }
            ReachEvent::Punch(dcutr::Event {
                remote_peer_id,
                result,
            }) => match result {
                Ok(connection) => {
                    self.metrics.count(Count::holes_punched);
                    self.on_punched(&remote_peer_id, connection);
                }
                Err(error) => {
                    tracing::debug!(peer = %remote_peer_id, %error, "no hole was punched");
                    self.metrics.count(Count::holes_missed);
                }
            },
            ReachEvent::Relay(event) => self.on_relaying(&event),
            ReachEvent::DialBack(event) => {
                tracing::debug!(peer = %event.client, address = %event.tested_addr, result = ?event.result, "dialled back");
                for (_, until) in &mut self.reach.probes {
                    *until = clock::now();
                }
            }
            ReachEvent::Seen(event) => {
                tracing::debug!(address = %event.tested_addr, result = ?event.result, "asked to be dialled back");
            }
            ReachEvent::Neighbours(mdns::Event::Discovered(found)) => {
                for (peer, address) in found {
                    self.on_neighbour(peer, &address);
                }
            }
            // The rest only reports what the swarm's own events tell as well.
            _ => {}
        }
    }

    /// Over QUIC both sides' dials may arrive, so that one hole brings two connections.
    fn on_punched(&mut self, peer: &PeerId, connection: ConnectionId) {
        let Some(entry) = self.peers.get_mut(peer) else {
            return;
        };
        let now = clock::now();
        for (id, link) in &mut entry.links {
            let is_young = now.saturating_duration_since(link.since) < SAME_HOLE;
            if link.route == Route::Direct && (*id == connection || (is_young && !link.is_dialled))
            {
                link.route = Route::Punched;
                self.reach.routes.punched(peer, *id);
            }
        }
        self.reach.punched.insert(*peer, now);
        self.tell_route(peer);
    }

    fn on_relaying(&mut self, event: &relay::Event) {
        tracing::debug!(?event, "relay");
        match event {
            relay::Event::ReservationReqAccepted { .. } => {
                self.metrics.count(Count::relay_reservations)
            }
            relay::Event::CircuitReqAccepted { .. } => self.metrics.count(Count::relay_circuits),
            relay::Event::ReservationReqDenied { .. } | relay::Event::CircuitReqDenied { .. } => {
                self.metrics.count(Count::relay_denials);
            }
            _ => {}
        }
    }

    fn on_identified(&mut self, peer: &PeerId, connection: ConnectionId, info: &identify::Info) {
        let link = self
            .peers
            .get(peer)
            .and_then(|entry| entry.links.get(&connection));
        // Only whom we dialled, directly, sees us where others may find us.
        if link.is_some_and(|link| link.is_dialled && link.route != Route::Relayed) {
            let gone = self.reach.own.seen(connection, &info.observed_addr);
            for address in gone {
                tracing::debug!(%address, "nobody sees us there any more");
                self.swarm.remove_external_address(&address);
                self.reach.own.expired(&address, clock::now());
            }
        }
        if self.reach.routes.knows(peer) {
            let gate = &self.reach.gate;
            let is_own = |address: &&Multiaddr| {
                !is_relayed(address) && is_number(address) && gate.passes(address)
            };
            let told = info.listen_addrs.iter().take(TOLD);
            let own = told
                .filter(is_own)
                .map(|address| to_dial(address, peer))
                .collect();
            self.reach.routes.says(peer, own);
        }
    }

    /// A neighbour on the LAN. Only whom we look for anyway is dialled there; the handshake proves who it is.
    fn on_neighbour(&mut self, peer: PeerId, address: &Multiaddr) {
        if !is_number(address) {
            return;
        }
        self.reach.neighbours.announced(peer, address.clone());
        if self.reach.routes.seeks(&peer) {
            self.visit_neighbour(&peer);
        } else if self.dialler.keeps(&peer) {
            self.reach.gate.welcome(address);
            self.dialler
                .add_address(&peer, without_peer(address), clock::now());
        }
    }

    pub(in super::super) fn neighbours(&self) -> Vec<PeerId> {
        self.reach.neighbours.peers().collect()
    }

    /// A sought peer that the LAN has announced is dialled where it says.
    fn visit_neighbour(&mut self, peer: &PeerId) {
        let announced = self.reach.neighbours.addresses(peer);
        if announced.is_empty() {
            return;
        }
        for address in announced {
            self.reach.gate.welcome(address);
        }
        let own = announced
            .iter()
            .map(|address| to_dial(address, peer))
            .collect();
        self.reach.routes.says(peer, own);
    }

    fn tell_route(&mut self, peer: &PeerId) {
        if self.reach.routes.seeks(peer) {
            let route = self.peers.get(peer).and_then(|entry| entry.route());
            self.tell(Event::Route { peer: *peer, route });
        }
    }
}

/// The way through a relay that stands at `address`.
fn circuit(address: &Multiaddr, relay: &PeerId) -> Multiaddr {
    address
        .clone()
        .with(Protocol::P2p(*relay))
        .with(Protocol::P2pCircuit)
}

/// An address with the peer's id at its end, as a relay's circuit needs it; others do not mind.
fn to_dial(address: &Multiaddr, peer: &PeerId) -> Multiaddr {
    let mut address = address.clone();
    if address.iter().last() != Some(Protocol::P2p(*peer)) {
        address.push(Protocol::P2p(*peer));
    }
    address
}

fn without_peer(address: &Multiaddr) -> Multiaddr {
    let mut address = address.clone();
    if matches!(address.iter().last(), Some(Protocol::P2p(_))) {
        address.pop();
    }
    address
}

fn is_number(address: &Multiaddr) -> bool {
    matches!(
        address.iter().next(),
        Some(Protocol::Ip4(_) | Protocol::Ip6(_))
    )
}
