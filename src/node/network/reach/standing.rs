//! Standing: whether the world can dial us, and where.
//!
//! An address is confirmed when a node has dialled it back (AutoNAT) or a router has mapped it (UPnP); the library never
//! takes that back, and gives no verdict where nobody gets through. So: nothing confirmed for 30 s means private; and a
//! confirmed address is dropped when nobody sees us there any more but somewhere else, as after a change of provider.
//!
//! Never: touch the swarm or read the clock. Next: `task.rs`.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    time::{Duration, Instant},
};

use libp2p::{multiaddr::Protocol, swarm::ConnectionId};

use crate::behaviour::Multiaddr;

/// Nothing confirmed for so long means private.
const VERDICT: Duration = Duration::from_secs(30);
/// Confirmed addresses that are remembered: a few interfaces, QUIC and TCP, IPv4 and IPv6.
const CONFIRMED: usize = 16;

/// Whether the world can dial us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Not yet known.
    Unknown,
    /// It can: some address was confirmed.
    Public,
    /// It cannot, as far as we know: we are found through relays.
    Private,
}

/// What is known of our own addresses.
#[derive(Debug)]
pub(in super::super) struct OwnAddresses {
    /// Since when nothing is confirmed.
    since: Instant,
    confirmed: BTreeSet<Multiaddr>,
    /// Where each connection's other end sees us.
    seen: BTreeMap<ConnectionId, IpAddr>,
}

impl OwnAddresses {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            since: now,
            confirmed: BTreeSet::new(),
            seen: BTreeMap::new(),
        }
    }

    /// An address of ours was confirmed.
    pub(super) fn confirmed(&mut self, address: Multiaddr) {
        if self.confirmed.len() < CONFIRMED {
            self.confirmed.insert(address);
        }
    }

    /// An address is no longer ours.
    pub(super) fn expired(&mut self, address: &Multiaddr, now: Instant) {
        self.confirmed.remove(address);
        if self.confirmed.is_empty() {
            self.since = now;
        }
    }

    /// The other end of a connection, whom we dialled, sees us there. Returns the confirmed addresses at which nobody
    /// sees us any more.
    pub(super) fn seen(&mut self, connection: ConnectionId, at: &Multiaddr) -> Vec<Multiaddr> {
        let Some(ip) = ip_of(at) else {
            return Vec::new();
        };
        self.seen.insert(connection, ip);
        let is_gone = |address: &&Multiaddr| {
            // Only within one family: who is seen by IPv4 may have IPv6 as before.
            ip_of(address).is_some_and(|own| {
                let mut family = self
                    .seen
                    .values()
                    .filter(|ip| ip.is_ipv4() == own.is_ipv4());
                family.clone().next().is_some() && family.all(|ip| *ip != own)
            })
        };
        self.confirmed.iter().filter(is_gone).cloned().collect()
    }

    /// A connection is closed.
    pub(super) fn closed(&mut self, connection: ConnectionId) {
        self.seen.remove(&connection);
    }

    /// Where the world can dial us.
    pub(super) fn public(&self) -> impl Iterator<Item = &Multiaddr> {
        self.confirmed.iter()
    }

    pub(super) fn standing(&self, now: Instant) -> Standing {
        if !self.confirmed.is_empty() {
            Standing::Public
        } else if now.saturating_duration_since(self.since) >= VERDICT {
            Standing::Private
        } else {
            Standing::Unknown
        }
    }
}

fn ip_of(address: &Multiaddr) -> Option<IpAddr> {
    match address.iter().next()? {
        Protocol::Ip4(ip) => Some(ip.into()),
        Protocol::Ip6(ip) => Some(ip.into()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::clock;

    const HOME: &str = "/ip4/198.51.100.7/udp/5000/quic-v1";
    const MOVED: &str = "/ip4/203.0.113.9/udp/5000/quic-v1";

    fn at(text: &str) -> Multiaddr {
        text.parse().unwrap()
    }

    fn link(number: usize) -> ConnectionId {
        ConnectionId::new_unchecked(number)
    }

    #[test]
    fn without_a_confirmation_for_30_seconds_we_are_private() {
        let now = clock::now();
        let own = OwnAddresses::new(now);
        assert_eq!(own.standing(now), Standing::Unknown);
        assert_eq!(own.standing(now + VERDICT / 2), Standing::Unknown);
        assert_eq!(own.standing(now + VERDICT), Standing::Private);
    }

    #[test]
    fn a_confirmed_address_makes_us_public_until_it_expires() {
        let now = clock::now();
        let mut own = OwnAddresses::new(now);
        own.confirmed(at(HOME));
        assert_eq!(own.standing(now + VERDICT * 2), Standing::Public);
        own.expired(&at(HOME), now + VERDICT * 2);
        assert_eq!(
            own.standing(now + VERDICT * 2),
            Standing::Unknown,
            "the time begins anew"
        );
        assert_eq!(own.standing(now + VERDICT * 3), Standing::Private);
    }

    #[test]
    fn an_address_where_nobody_sees_us_any_more_is_dropped() {
        let mut own = OwnAddresses::new(clock::now());
        own.confirmed(at(HOME));
        assert!(own.seen(link(1), &at(HOME)).is_empty());
        assert!(
            own.seen(link(2), &at(MOVED)).is_empty(),
            "one still sees us at home"
        );
        own.closed(link(1));
        assert_eq!(own.seen(link(2), &at(MOVED)), [at(HOME)]);
    }

    #[test]
    fn being_seen_by_ipv4_says_nothing_of_ipv6() {
        let mut own = OwnAddresses::new(clock::now());
        own.confirmed(at("/ip6/2001:db8::7/tcp/5000"));
        assert!(own.seen(link(1), &at(HOME)).is_empty());
    }

    #[test]
    fn no_more_addresses_are_remembered_than_a_machine_has() {
        let mut own = OwnAddresses::new(clock::now());
        for port in 1..100 {
            own.confirmed(at(&format!("/ip4/198.51.100.7/tcp/{port}")));
        }
        assert_eq!(own.public().count(), CONFIRMED);
    }
}
