//! The fence: no dial leads to where the network does not reach, whoever asked for it.
//!
//! Strangers name addresses in many ways: to be dialled back by AutoNAT, in hole punching, in cards, in identify. On a
//! public network one such as 192.168.1.1 would make this machine knock at its own site's doors. So the transport itself
//! refuses, below everything that dials. The verified list's own addresses pass always, and so does what the operator's
//! LAN has announced, if that is listened to; names pass only if the list has them, since a stranger's name may stand for
//! anything.
//!
//! Next: `directory/address/ground.rs` for the measure.

use std::{
    collections::BTreeSet,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

use libp2p::{
    Multiaddr,
    core::{
        Transport,
        transport::{DialOpts, ListenerId, TransportError, TransportEvent},
    },
    multiaddr::Protocol,
};

use crate::directory::address::Ground;

/// Hosts that pass beside the list's: more neighbours than a LAN party has nodes.
const GUESTS: usize = 256;

/// Who passes. Cloning shares it.
#[derive(Debug, Clone)]
pub(in super::super) struct Gate {
    ground: Ground,
    listed: Arc<BTreeSet<Multiaddr>>,
    guests: Arc<Mutex<BTreeSet<Multiaddr>>>,
}

impl Gate {
    /// The gate of a network with these listed addresses.
    pub(in super::super) fn of<'a>(
        listed: impl IntoIterator<Item = &'a Multiaddr> + Clone,
    ) -> Self {
        Self {
            ground: Ground::of(listed.clone()),
            listed: Arc::new(listed.into_iter().filter_map(host).collect()),
            guests: Arc::default(),
        }
    }

    pub(in super::super) fn ground(&self) -> Ground {
        self.ground
    }

    /// Lets a host of the LAN pass from now on.
    pub(in super::super) fn welcome(&self, address: &Multiaddr) {
        let mut guests = self.guests.lock().unwrap_or_else(PoisonError::into_inner);
        if guests.len() < GUESTS {
            guests.extend(host(address));
        }
    }

    /// Whether an address may be dialled.
    pub(in super::super) fn passes(&self, address: &Multiaddr) -> bool {
        let Some(host) = host(address) else {
            return false;
        };
        let is_number = matches!(
            host.iter().next(),
            Some(Protocol::Ip4(_) | Protocol::Ip6(_))
        );
        (is_number && self.ground.carries(address))
            || self.listed.contains(&host)
            || self
                .guests
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .contains(&host)
    }
}

/// The first part of an address.
fn host(address: &Multiaddr) -> Option<Multiaddr> {
    address.iter().next().map(Multiaddr::from)
}

/// A transport that refuses to dial where the gate is shut.
pub(in super::super) struct Fenced<T> {
    inner: T,
    gate: Gate,
}

impl<T> Fenced<T> {
    pub(in super::super) fn new(inner: T, gate: Gate) -> Self {
        Self { inner, gate }
    }
}

impl<T: Transport + Unpin> Transport for Fenced<T> {
    type Output = T::Output;
    type Error = T::Error;
    type ListenerUpgrade = T::ListenerUpgrade;
    type Dial = T::Dial;

    fn listen_on(
        &mut self,
        id: ListenerId,
        address: Multiaddr,
    ) -> Result<(), TransportError<T::Error>> {
        self.inner.listen_on(id, address)
    }

    fn remove_listener(&mut self, id: ListenerId) -> bool {
        self.inner.remove_listener(id)
    }

    fn dial(
        &mut self,
        address: Multiaddr,
        how: DialOpts,
    ) -> Result<T::Dial, TransportError<T::Error>> {
        if !self.gate.passes(&address) {
            tracing::debug!(%address, "not dialled: it does not reach as far as this network");
            return Err(TransportError::MultiaddrNotSupported(address));
        }
        self.inner.dial(address, how)
    }

    fn poll(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<TransportEvent<T::ListenerUpgrade, T::Error>> {
        Pin::new(&mut self.inner).poll(cx)
    }
}

#[cfg(test)]
mod tests {
    use libp2p::core::Endpoint;
    use libp2p::core::transport::{MemoryTransport, PortUse};

    use super::*;

    fn at(text: &str) -> Multiaddr {
        text.parse().unwrap()
    }

    #[test]
    fn on_a_public_network_only_the_list_may_lead_home() {
        let listed = [
            at("/ip4/198.51.100.7/tcp/18000"),
            at("/ip4/192.168.1.5/tcp/18000"),
            at("/dns/node.example/tcp/18000"),
        ];
        let gate = Gate::of(&listed);
        let passes = |text: &str| gate.passes(&at(text));
        assert!(passes("/ip4/203.0.113.1/udp/1/quic-v1"));
        assert!(
            passes("/ip4/192.168.1.5/udp/1/quic-v1"),
            "the list has this host"
        );
        assert!(passes("/dns/node.example/udp/1/quic-v1"), "and this name");
        for home in [
            "/ip4/192.168.1.1/tcp/80",
            "/ip4/127.0.0.1/tcp/22",
            "/ip6/fe80::1/tcp/22",
            "/dns/printer.example/tcp/80",
            "/memory/1",
        ] {
            assert!(!passes(home), "{home}");
        }
        gate.welcome(&at("/ip4/192.168.1.9/tcp/5000"));
        assert!(passes("/ip4/192.168.1.9/udp/5000/quic-v1"), "a neighbour");
        assert!(!passes("/ip4/192.168.1.8/udp/5000/quic-v1"));
    }

    #[test]
    fn on_a_network_of_one_machine_everything_passes() {
        let gate = Gate::of(&[at("/ip4/127.0.0.1/tcp/18000")]);
        for address in [
            "/ip4/127.0.0.1/tcp/5",
            "/ip4/192.168.1.1/tcp/5",
            "/ip4/198.51.100.1/tcp/5",
        ] {
            assert!(gate.passes(&at(address)), "{address}");
        }
    }

    #[test]
    fn guests_are_bounded() {
        let gate = Gate::of(&[at("/ip4/198.51.100.7/tcp/18000")]);
        for number in 0..=u16::MAX {
            let [high, low] = number.to_be_bytes();
            gate.welcome(&at(&format!("/ip4/192.168.{high}.{low}/tcp/1")));
        }
        assert_eq!(gate.guests.lock().unwrap().len(), GUESTS);
    }

    #[test]
    fn the_transport_itself_refuses() {
        let gate = Gate::of(&[at("/ip4/198.51.100.7/tcp/18000")]);
        let mut fenced = Fenced::new(MemoryTransport::default(), gate);
        let how = DialOpts {
            role: Endpoint::Dialer,
            port_use: PortUse::New,
        };
        let refused = fenced.dial(at("/ip4/127.0.0.1/tcp/22"), how);
        assert!(matches!(
            refused,
            Err(TransportError::MultiaddrNotSupported(_))
        ));
    }
}
