//! The sieve: what identify believes of our own addresses, before others take it for an address worth trying.
//!
//! Identify reports every address at which any peer claims to see us. AutoNAT remembers each for ever and has it dialled;
//! hole punching sends it to others. Over a relay the "address" is only our own id, and a peer may invent any. So only
//! numbers that reach as far as the network pass, and in all only so many.
//!
//! Never: change anything else. Next: [`super::reach`].

use std::{
    collections::BTreeSet,
    task::{Context, Poll},
};

use libp2p::{
    Multiaddr, PeerId,
    core::{Endpoint, transport::PortUse},
    identify,
    multiaddr::Protocol,
    swarm::{
        ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, THandler, THandlerInEvent,
        THandlerOutEvent, ToSwarm,
    },
};

use crate::directory::address::Ground;

/// Different addresses that pass in a life: a machine that moves every day for years has not more.
const CANDIDATES: usize = 1024;

/// Identify, with its candidates sieved.
pub struct Sieve {
    inner: identify::Behaviour,
    ground: Ground,
    passed: BTreeSet<Multiaddr>,
}

impl Sieve {
    /// Sieves for a network of this ground.
    #[must_use]
    pub fn new(inner: identify::Behaviour, ground: Ground) -> Self {
        Self {
            inner,
            ground,
            passed: BTreeSet::new(),
        }
    }

    fn passes(&mut self, address: &Multiaddr) -> bool {
        let is_number = matches!(
            address.iter().next(),
            Some(Protocol::Ip4(_) | Protocol::Ip6(_))
        );
        let is_relayed = address.iter().any(|part| part == Protocol::P2pCircuit);
        if !is_number || is_relayed || !self.ground.carries(address) {
            return false;
        }
        if self.passed.len() < CANDIDATES {
            self.passed.insert(address.clone());
        }
        self.passed.contains(address)
    }
}

impl NetworkBehaviour for Sieve {
    type ConnectionHandler = <identify::Behaviour as NetworkBehaviour>::ConnectionHandler;
    type ToSwarm = identify::Event;

    fn handle_pending_inbound_connection(
        &mut self,
        id: ConnectionId,
        local: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<(), ConnectionDenied> {
        self.inner
            .handle_pending_inbound_connection(id, local, remote)
    }

    fn handle_established_inbound_connection(
        &mut self,
        id: ConnectionId,
        peer: PeerId,
        local: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.inner
            .handle_established_inbound_connection(id, peer, local, remote)
    }

    fn handle_pending_outbound_connection(
        &mut self,
        id: ConnectionId,
        peer: Option<PeerId>,
        addresses: &[Multiaddr],
        role: Endpoint,
    ) -> Result<Vec<Multiaddr>, ConnectionDenied> {
        self.inner
            .handle_pending_outbound_connection(id, peer, addresses, role)
    }

    fn handle_established_outbound_connection(
        &mut self,
        id: ConnectionId,
        peer: PeerId,
        address: &Multiaddr,
        role: Endpoint,
        port: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.inner
            .handle_established_outbound_connection(id, peer, address, role, port)
    }

    fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
        self.inner.on_swarm_event(event);
    }

    fn on_connection_handler_event(
        &mut self,
        peer: PeerId,
        id: ConnectionId,
        event: THandlerOutEvent<Self>,
    ) {
        self.inner.on_connection_handler_event(peer, id, event);
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        loop {
            match self.inner.poll(cx) {
                Poll::Ready(ToSwarm::NewExternalAddrCandidate(address))
                    if !self.passes(&address) => {}
                other => return other,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::behaviour::identity::keypair;

    fn sieve() -> Sieve {
        let config = identify::Config::new("/test/1".to_owned(), keypair([1; 32]).public());
        let listed: Multiaddr = "/ip4/198.51.100.7/tcp/18000".parse().unwrap();
        Sieve::new(identify::Behaviour::new(config), Ground::of([&listed]))
    }

    #[test]
    fn only_numbers_that_reach_as_far_as_the_network_pass() {
        let mut sieve = sieve();
        let mut passes = |text: &str| sieve.passes(&text.parse().unwrap());
        let relay = "p2p/12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp";
        assert!(passes("/ip4/203.0.113.4/udp/5000/quic-v1"));
        assert!(!passes("/ip4/192.168.1.4/udp/5000/quic-v1"));
        assert!(!passes("/dns/node.example/tcp/5000"));
        assert!(!passes(&format!("/{relay}")), "what a relayed peer sees");
        assert!(!passes(&format!(
            "/ip4/203.0.113.4/tcp/1/{relay}/p2p-circuit"
        )));
    }

    #[test]
    fn invented_addresses_are_passed_on_only_so_often() {
        let mut sieve = sieve();
        let mut invented = |port: u16| {
            let address = format!("/ip4/203.0.113.4/tcp/{port}").parse().unwrap();
            sieve.passes(&address)
        };
        let passed = (1..5000).filter(|port| invented(*port)).count();
        assert_eq!(passed, CANDIDATES);
        assert!(invented(7), "those that passed go on passing");
    }
}
