//! The ground of a network: the farthest that the addresses of its verified nodes reach.
//!
//! A network whose nodes stand in the world is of no use at a loopback or private address: such an address leads whoever
//! dials it to a machine of their own site, never to the one that is meant. A network of one machine or one site lives
//! by just these. So the verified list itself says which addresses are worth being published and dialled.
//!
//! Never: resolve a name. Next: [`super::Endpoint::scope`].

use std::net::IpAddr;

use libp2p::multiaddr::{Multiaddr, Protocol};

use super::{Endpoint, Scope, Transport};

/// How far an address must reach to be of use in a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ground(Scope);

impl Default for Ground {
    /// Of a network of which nothing is known.
    fn default() -> Self {
        Self(Scope::Loopback)
    }
}

impl Ground {
    /// The ground of a network whose verified nodes have these addresses. Without any, everything is of use.
    pub fn of<'a>(addresses: impl IntoIterator<Item = &'a Multiaddr>) -> Self {
        let farthest = addresses.into_iter().filter_map(scope).max();
        farthest.map_or_else(Self::default, Self)
    }

    /// How far an address must reach.
    pub fn scope(self) -> Scope {
        self.0
    }

    /// Whether the network is the world's.
    pub fn is_public(self) -> bool {
        self.0 == Scope::Public
    }

    /// Whether an address is worth being published or dialled here. What leads through a relay is as good as the relay's
    /// own address. A name counts as public, whatever it may stand for.
    pub fn carries(self, address: &Multiaddr) -> bool {
        scope(address).is_some_and(|scope| scope >= self.0)
    }
}

/// How far an address reaches, by its first part; `None` if that is not one machine's.
pub fn scope(address: &Multiaddr) -> Option<Scope> {
    let ip = match address.iter().next()? {
        Protocol::Ip4(ip) => IpAddr::from(ip),
        Protocol::Ip6(ip) => IpAddr::from(ip),
        Protocol::Dns(name) | Protocol::Dns4(name) | Protocol::Dns6(name) => {
            return Some(match &*name {
                "localhost" => Scope::Loopback,
                _ => Scope::Public,
            });
        }
        _ => return None,
    };
    // Port and transport do not matter for how far it reaches.
    Some(Endpoint::direct(ip, Transport::Tcp, 1).ok()?.scope())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOPBACK: &str = "/ip4/127.0.0.1/tcp/18000";
    const LAN: &str = "/ip4/192.168.1.5/udp/18000/quic-v1";
    const WORLD: &str = "/ip4/198.51.100.7/udp/18000/quic-v1";
    const NAME: &str = "/dns/node.example/tcp/18000";
    const LINK: &str = "/ip6/fe80::1/tcp/18000";

    fn ground(listed: &[&str]) -> Ground {
        let addresses: Vec<Multiaddr> = listed.iter().map(|text| text.parse().unwrap()).collect();
        Ground::of(&addresses)
    }

    fn carried(ground: Ground) -> Vec<&'static str> {
        let all = [LOOPBACK, LINK, LAN, WORLD, NAME];
        let carries = |text: &&str| ground.carries(&text.parse().unwrap());
        all.into_iter().filter(carries).collect()
    }

    #[test]
    fn a_network_carries_what_reaches_as_far_as_its_nodes() {
        assert_eq!(
            carried(ground(&[LOOPBACK])),
            [LOOPBACK, LINK, LAN, WORLD, NAME]
        );
        assert_eq!(carried(ground(&[LOOPBACK, LAN])), [LAN, WORLD, NAME]);
        assert_eq!(carried(ground(&[LAN, WORLD])), [WORLD, NAME]);
        assert_eq!(carried(ground(&[NAME])), [WORLD, NAME]);
        assert_eq!(
            carried(ground(&[])).len(),
            5,
            "nothing is known: nothing is refused"
        );
    }

    #[test]
    fn what_is_nobodys_address_is_carried_nowhere() {
        for address in [
            "/ip4/0.0.0.0/tcp/1",
            "/ip4/224.0.0.1/tcp/1",
            "/ip6/::ffff:7f00:1/tcp/1",
            "/memory/1",
        ] {
            assert!(!ground(&[]).carries(&address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn a_way_through_a_relay_is_as_good_as_the_relay() {
        let relay = "/p2p/12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp/p2p-circuit";
        let through = |base: &str| format!("{base}{relay}").parse().unwrap();
        assert!(ground(&[WORLD]).carries(&through(WORLD)));
        assert!(!ground(&[WORLD]).carries(&through(LAN)));
    }
}
