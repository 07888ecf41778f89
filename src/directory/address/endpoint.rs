//! An address as cards carry it: one byte form, small, numbers only.
//!
//! A card is a stranger's word, so what it can say is narrow: an IP number, QUIC or TCP, a port, and perhaps the relay
//! behind that address through which the peer is reached. No host names: whoever dials one asks a name server that the
//! stranger chose, and the answer may change after every check. Nothing here says that anybody answers there.
//! Multiaddresses are made of endpoints, and endpoints of them, in [`super`].

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::chain::codec::{Decode, DecodeError, Encode, Reader};
use crate::chain::key::PublicKey;

/// Most bytes of an encoded endpoint.
pub const MAX_ENDPOINT_BYTES: usize = 1 + 16 + 1 + 2 + 1 + 32;

/// How the port is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Transport {
    /// `/udp/PORT/quic-v1`.
    Quic,
    /// `/tcp/PORT`.
    Tcp,
}

/// How far an address reaches, from near to far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// This machine.
    Loopback,
    /// This link: 169.254.0.0/16, fe80::/10.
    Link,
    /// This site: RFC 1918, a provider's NAT (100.64.0.0/10), fc00::/7.
    Private,
    /// The world.
    Public,
}

/// A neighbourhood of public addresses: what one owner usually has whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subnet {
    /// A /24.
    V4([u8; 3]),
    /// A /48.
    V6([u8; 6]),
}

/// Why something is no endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EndpointFault {
    /// Port 0.
    #[error("{0} has the port 0, which nobody can dial: give the port that is listened on")]
    PortZero(IpAddr),
    /// Not one machine's number.
    #[error(
        "{0} is not one machine's address (unspecified, multicast or reserved): give the interface's own number"
    )]
    NotOneHost(IpAddr),
    /// An IPv4 number inside an IPv6 one.
    #[error("{0} is an IPv4 address in IPv6's clothes: write the IPv4 address itself")]
    SecondForm(Ipv6Addr),
}

/// Where a peer can be dialled, by its own word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Endpoint {
    ip: IpAddr,
    transport: Transport,
    port: u16,
    relay: Option<PublicKey>,
}

impl Endpoint {
    /// An address of the peer itself.
    ///
    /// # Errors
    /// An [`EndpointFault`] if nobody could dial it, or if it has another form.
    pub fn direct(ip: IpAddr, transport: Transport, port: u16) -> Result<Self, EndpointFault> {
        check_host(ip)?;
        if port == 0 {
            return Err(EndpointFault::PortZero(ip));
        }
        Ok(Self {
            ip,
            transport,
            port,
            relay: None,
        })
    }

    /// The way to the peer through the relay with this key, which is at this (direct) address.
    #[must_use]
    pub fn through(self, relay: PublicKey) -> Self {
        Self {
            relay: Some(relay),
            ..self
        }
    }

    /// The machine's number: the peer's, or its relay's.
    pub fn ip(&self) -> IpAddr {
        self.ip
    }

    /// How it is spoken to.
    pub fn transport(&self) -> Transport {
        self.transport
    }

    /// The port; never 0.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The relay's key, if the way leads through one.
    pub fn relay(&self) -> Option<PublicKey> {
        self.relay
    }

    /// How far it reaches. On a public network only [`Scope::Public`] is worth publishing or dialling.
    pub fn scope(&self) -> Scope {
        match self.ip {
            IpAddr::V4(ip) => scope_v4(ip),
            IpAddr::V6(ip) => scope_v6(ip),
        }
    }

    /// The neighbourhood in which the peer itself stands; `None` for a relay's address and for what is not public.
    ///
    /// A relay's neighbourhood says nothing of the peer, and inside a site everybody is in one neighbourhood.
    pub fn subnet(&self) -> Option<Subnet> {
        if self.relay.is_some() || self.scope() != Scope::Public {
            return None;
        }
        Some(match self.ip {
            IpAddr::V4(ip) => {
                let [a, b, c, _] = ip.octets();
                Subnet::V4([a, b, c])
            }
            IpAddr::V6(ip) => {
                let [a, b, c, d, e, f, ..] = ip.octets();
                Subnet::V6([a, b, c, d, e, f])
            }
        })
    }
}

fn check_host(ip: IpAddr) -> Result<(), EndpointFault> {
    let is_one = match ip {
        // 0.0.0.0/8 is "this network", 224.0.0.0/4 many hosts, 240.0.0.0/4 nobody's.
        IpAddr::V4(v4) => (1..224).contains(&v4.octets()[0]),
        IpAddr::V6(v6) => {
            let embeds = matches!(v6.segments(), [0, 0, 0, 0, 0, 0 | 0xffff, _, _]);
            if embeds && !v6.is_loopback() && !v6.is_unspecified() {
                return Err(EndpointFault::SecondForm(v6));
            }
            !v6.is_unspecified() && !v6.is_multicast()
        }
    };
    if is_one {
        Ok(())
    } else {
        Err(EndpointFault::NotOneHost(ip))
    }
}

fn scope_v4(ip: Ipv4Addr) -> Scope {
    let [a, b, ..] = ip.octets();
    let is_carriers = a == 100 && (64..128).contains(&b);
    match () {
        () if ip.is_loopback() => Scope::Loopback,
        () if ip.is_link_local() => Scope::Link,
        () if ip.is_private() || is_carriers => Scope::Private,
        () => Scope::Public,
    }
}

fn scope_v6(ip: Ipv6Addr) -> Scope {
    match () {
        () if ip.is_loopback() => Scope::Loopback,
        () if ip.is_unicast_link_local() => Scope::Link,
        () if ip.is_unique_local() => Scope::Private,
        () => Scope::Public,
    }
}

impl fmt::Display for Subnet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::V4([a, b, c]) => write!(f, "{a}.{b}.{c}.0/24"),
            Self::V6([a, b, c, d, e, g]) => {
                write!(f, "{a:02x}{b:02x}:{c:02x}{d:02x}:{e:02x}{g:02x}::/48")
            }
        }
    }
}

impl Encode for Endpoint {
    fn encode(&self, out: &mut Vec<u8>) {
        match self.ip {
            IpAddr::V4(ip) => {
                out.push(0);
                ip.octets().encode(out);
            }
            IpAddr::V6(ip) => {
                out.push(1);
                ip.octets().encode(out);
            }
        }
        out.push(match self.transport {
            Transport::Quic => 0,
            Transport::Tcp => 1,
        });
        self.port.encode(out);
        self.relay.encode(out);
    }
}

impl Decode for Endpoint {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let ip = match u8::decode(reader)? {
            0 => IpAddr::from(reader.array::<4>()?),
            1 => IpAddr::from(reader.array::<16>()?),
            tag => return Err(DecodeError::UnknownTag { what: "host", tag }),
        };
        let transport = match u8::decode(reader)? {
            0 => Transport::Quic,
            1 => Transport::Tcp,
            tag => {
                return Err(DecodeError::UnknownTag {
                    what: "transport",
                    tag,
                });
            }
        };
        let port = u16::decode(reader)?;
        let direct = Self::direct(ip, transport, port)
            .map_err(|fault| DecodeError::invalid("address", fault))?;
        Ok(match Option::<PublicKey>::decode(reader)? {
            Some(relay) => direct.through(relay),
            None => direct,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(ip: &str) -> EndpointFault {
        Endpoint::direct(ip.parse().unwrap(), Transport::Tcp, 1).unwrap_err()
    }

    fn endpoint(ip: &str) -> Endpoint {
        Endpoint::direct(ip.parse().unwrap(), Transport::Quic, 18_000).unwrap()
    }

    #[test]
    fn what_is_not_one_machines_own_number_is_refused() {
        use EndpointFault::{NotOneHost, PortZero, SecondForm};
        for ip in ["0.0.0.0", "0.1.2.3", "224.0.0.1", "255.255.255.255", "::"] {
            assert!(matches!(fault(ip), NotOneHost(_)), "{ip}");
        }
        assert!(matches!(fault("ff02::1"), NotOneHost(_)));
        for ip in ["::ffff:127.0.0.1", "::192.0.2.1", "::2"] {
            assert!(matches!(fault(ip), SecondForm(_)), "{ip}");
        }
        let ip = "192.0.2.1".parse().unwrap();
        let unnumbered = Endpoint::direct(ip, Transport::Quic, 0);
        assert_eq!(unnumbered, Err(PortZero(ip)));
    }

    #[test]
    fn scopes_tell_what_the_world_can_reach() {
        for (ip, scope) in [
            ("127.9.9.9", Scope::Loopback),
            ("::1", Scope::Loopback),
            ("169.254.1.1", Scope::Link),
            ("fe80::1", Scope::Link),
            ("10.0.0.1", Scope::Private),
            ("172.31.0.1", Scope::Private),
            ("192.168.1.1", Scope::Private),
            ("100.64.0.1", Scope::Private),
            ("100.127.0.1", Scope::Private),
            ("fd00::1", Scope::Private),
            ("100.128.0.1", Scope::Public),
            ("172.32.0.1", Scope::Public),
            ("198.51.100.7", Scope::Public),
            ("2001:db8::1", Scope::Public),
        ] {
            assert_eq!(endpoint(ip).scope(), scope, "{ip}");
        }
    }

    #[test]
    fn only_a_public_address_of_the_peer_itself_has_a_neighbourhood() {
        let subnet = |ip| endpoint(ip).subnet().map(|subnet| subnet.to_string());
        assert_eq!(subnet("198.51.100.7").unwrap(), "198.51.100.0/24");
        assert_eq!(subnet("2001:db8:a:b::1").unwrap(), "2001:0db8:000a::/48");
        assert_eq!(subnet("192.168.1.1"), None);
        let relayed = endpoint("198.51.100.7").through(PublicKey([1; 32]));
        assert_eq!(relayed.subnet(), None);
    }

    #[test]
    fn the_longest_endpoint_is_as_long_as_is_said() {
        let longest = endpoint("2001:db8::1").through(PublicKey([1; 32]));
        assert_eq!(longest.to_bytes().len(), MAX_ENDPOINT_BYTES);
        assert_eq!(Endpoint::from_bytes(&longest.to_bytes()), Ok(longest));
    }
}
