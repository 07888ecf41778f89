//! Multiaddresses that this network speaks: QUIC (`/udp/N/quic-v1`), TCP (`/tcp/N`) and WebSocket (`/tcp/N/ws`).
//!
//! Whether an address can be dialled or listened on in principle; never whether it answers.
//! Cards carry the narrower [`Endpoint`], which has one byte form and no WebSocket; here it meets multiaddresses.

mod endpoint;
mod ground;

use std::net::IpAddr;

use libp2p::PeerId;
use libp2p::multiaddr::{Multiaddr, Protocol};

pub use self::endpoint::{Endpoint, EndpointFault, MAX_ENDPOINT_BYTES, Scope, Subnet, Transport};
pub use self::ground::{Ground, scope};
use super::peer;

/// Most addresses of one node.
pub const MAX_ADDRESSES: usize = 16;

/// Why an address is of no use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressFault {
    /// Not a multiaddress.
    #[error("{text:?} is not an address ({why}); write it as /ip4/192.0.2.1/udp/18000/quic-v1")]
    Malformed {
        /// The text, cut to 200 characters.
        text: String,
        /// What the parser says.
        why: String,
    },
    /// Another transport.
    #[error(
        "{0} is not spoken here: begin with ip4, ip6, dns, dns4 or dns6 and end with /udp/PORT/quic-v1, /tcp/PORT or /tcp/PORT/ws"
    )]
    Transport(Multiaddr),
    /// `0.0.0.0` or `::`.
    #[error("{0} stands for every interface: write the address that others dial")]
    Unspecified(Multiaddr),
    /// Port 0.
    #[error("{0} has the port 0, which nobody can dial: write the port")]
    PortZero(Multiaddr),
    /// A name where an interface is needed.
    #[error("{0} names a host: to listen, write the interface's number, or /ip4/0.0.0.0 for all")]
    NotAnInterface(Multiaddr),
    /// A name where a card needs a number.
    #[error(
        "{0} names a host: a card carries numbers only; publish the IP number that it stands for"
    )]
    NotANumber(Multiaddr),
    /// A number that no card may carry.
    #[error("{address} is nothing for a card: {fault}")]
    NotForCards {
        /// The address.
        address: Multiaddr,
        /// The cause.
        fault: EndpointFault,
    },
    /// Not a host.
    #[error("{text:?} is neither an IP number nor a host name: write 192.0.2.1 or node.example")]
    NotAHost {
        /// The text, cut to 200 characters.
        text: String,
    },
    /// `/p2p/...` of another node.
    #[error("{address} ends with the peer id of another node than {expected}")]
    OtherPeer {
        /// The address.
        address: Multiaddr,
        /// The node it stands under.
        expected: Box<PeerId>,
    },
}

/// Reads an address that others can dial; a `/p2p/` part must be `peer`'s, and is taken off.
///
/// # Errors
/// An [`AddressFault`] that says what to write instead.
pub fn parse_dialable(text: &str, peer: &PeerId) -> Result<Multiaddr, AddressFault> {
    let mut address = parse(text)?;
    if let Some(Protocol::P2p(found)) = address.iter().last() {
        if found != *peer {
            return Err(AddressFault::OtherPeer {
                address,
                expected: Box::new(*peer),
            });
        }
        address.pop();
    }
    check_dialable(&address)?;
    Ok(address)
}

/// Refuses an address that others cannot dial, or that ends with `/p2p/`.
///
/// # Errors
/// An [`AddressFault`] that says what to write instead.
pub fn check_dialable(address: &Multiaddr) -> Result<(), AddressFault> {
    let (host, port) = host_and_port(address)?;
    match host {
        Host::Ip(ip) if ip.is_unspecified() => Err(AddressFault::Unspecified(address.clone())),
        _ if port == 0 => Err(AddressFault::PortZero(address.clone())),
        _ => Ok(()),
    }
}

/// Reads an address to listen on; port 0 lets the system choose.
///
/// # Errors
/// An [`AddressFault`] that says what to write instead.
pub fn parse_listenable(text: &str) -> Result<Multiaddr, AddressFault> {
    let address = parse(text)?;
    match host_and_port(&address)?.0 {
        Host::Ip(_) => Ok(address),
        Host::Name(_) => Err(AddressFault::NotAnInterface(address)),
    }
}

/// Reads an IP number or a host name, as the first part of an address: `/ip4/192.0.2.1`.
///
/// # Errors
/// [`AddressFault::NotAHost`].
pub fn parse_host(text: &str) -> Result<Multiaddr, AddressFault> {
    if let Ok(ip) = text.parse::<IpAddr>() {
        return Ok(Multiaddr::from(ip));
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
    let is_like_a_number = text.chars().all(|c| c.is_ascii_digit() || c == '.');
    if (1..=253).contains(&text.len()) && text.chars().all(allowed) && !is_like_a_number {
        return Ok(Multiaddr::from(Protocol::Dns(text.into())));
    }
    Err(AddressFault::NotAHost {
        text: text.chars().take(200).collect(),
    })
}

/// Whether an address leads nowhere but to this machine.
pub fn is_loopback(address: &Multiaddr) -> bool {
    match host_and_port(address) {
        Ok((Host::Ip(ip), _)) => ip.is_loopback(),
        Ok((Host::Name(name), _)) => name == "localhost",
        Err(_) => false,
    }
}

/// An address as cards carry it: `/ip4/../udp/../quic-v1` or `/ip4/../tcp/..`, and behind it perhaps
/// `/p2p/RELAY/p2p-circuit`.
///
/// # Errors
/// An [`AddressFault`] that says what to write instead.
pub fn to_endpoint(address: &Multiaddr) -> Result<Endpoint, AddressFault> {
    let mut direct = address.clone();
    let mut relay = None;
    if address.iter().last() == Some(Protocol::P2pCircuit) {
        direct.pop();
        let key = match direct.pop() {
            Some(Protocol::P2p(relay)) => peer::public_key(&relay),
            _ => None,
        };
        relay = Some(key.ok_or_else(|| AddressFault::Transport(address.clone()))?);
    }
    let (host, port) = host_and_port(&direct)?;
    let Host::Ip(ip) = host else {
        return Err(AddressFault::NotANumber(address.clone()));
    };
    let transport = match direct.iter().last() {
        Some(Protocol::Tcp(_)) => Transport::Tcp,
        Some(Protocol::QuicV1) => Transport::Quic,
        // Our own programs dial QUIC and TCP; who needs WebSocket finds it in the bootstrap file and in identify.
        _ => return Err(AddressFault::Transport(address.clone())),
    };
    let endpoint = Endpoint::direct(ip, transport, port).map_err(|fault| {
        let address = address.clone();
        AddressFault::NotForCards { address, fault }
    })?;
    Ok(match relay {
        Some(relay) => endpoint.through(relay),
        None => endpoint,
    })
}

/// The multiaddress of an endpoint; `None` if its relay's key is not a point of the curve, so that no peer has it.
pub fn to_multiaddr(endpoint: &Endpoint) -> Option<Multiaddr> {
    let mut address = Multiaddr::from(endpoint.ip());
    match endpoint.transport() {
        Transport::Quic => {
            address.push(Protocol::Udp(endpoint.port()));
            address.push(Protocol::QuicV1);
        }
        Transport::Tcp => address.push(Protocol::Tcp(endpoint.port())),
    }
    if let Some(relay) = endpoint.relay() {
        address.push(Protocol::P2p(peer::peer_id(&relay)?));
        address.push(Protocol::P2pCircuit);
    }
    Some(address)
}

fn parse(text: &str) -> Result<Multiaddr, AddressFault> {
    text.parse()
        .map_err(|error: libp2p::multiaddr::Error| AddressFault::Malformed {
            text: text.chars().take(200).collect(),
            why: error.to_string(),
        })
}

enum Host {
    Ip(IpAddr),
    Name(String),
}

fn host_and_port(address: &Multiaddr) -> Result<(Host, u16), AddressFault> {
    let parts: Vec<Protocol<'_>> = address.iter().take(4).collect();
    let port = match &parts[..] {
        [_, Protocol::Udp(port), Protocol::QuicV1] | [_, Protocol::Tcp(port)] => *port,
        [_, Protocol::Tcp(port), Protocol::Ws(path)] if path == "/" => *port,
        _ => return Err(AddressFault::Transport(address.clone())),
    };
    let host = match &parts[0] {
        Protocol::Ip4(ip) => Host::Ip(IpAddr::V4(*ip)),
        Protocol::Ip6(ip) => Host::Ip(IpAddr::V6(*ip)),
        Protocol::Dns(name) | Protocol::Dns4(name) | Protocol::Dns6(name) => {
            Host::Name(name.to_string())
        }
        _ => return Err(AddressFault::Transport(address.clone())),
    };
    Ok((host, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(seed: u8) -> PeerId {
        let key = crate::chain::key::SecretKey::from_seed(&[seed; 32]).public();
        super::super::peer::peer_id(&key).unwrap()
    }

    #[test]
    fn quic_and_tcp_by_number_or_name_can_be_dialled() {
        for text in [
            "/ip4/127.0.0.1/udp/18000/quic-v1",
            "/ip4/192.0.2.1/tcp/18000",
            "/ip4/192.0.2.1/tcp/18100/ws",
            "/dns/nat.example/tcp/80/ws",
            "/ip6/::1/tcp/1",
            "/dns/nat.example/udp/18000/quic-v1",
            "/dns4/nat.example/tcp/18000",
        ] {
            assert_eq!(parse_dialable(text, &peer(1)).unwrap().to_string(), text);
        }
    }

    #[test]
    fn the_nodes_own_peer_id_is_taken_off_and_anothers_refused() {
        let text = format!("/ip4/127.0.0.1/tcp/18000/p2p/{}", peer(1));
        let address = parse_dialable(&text, &peer(1)).unwrap();
        assert_eq!(address.to_string(), "/ip4/127.0.0.1/tcp/18000");
        assert!(matches!(
            parse_dialable(&text, &peer(2)),
            Err(AddressFault::OtherPeer { .. })
        ));
    }

    #[test]
    fn what_cannot_be_dialled_is_refused_with_its_cause() {
        use AddressFault::{Malformed, PortZero, Transport, Unspecified};
        let cause = |text| parse_dialable(text, &peer(1)).unwrap_err();
        assert!(matches!(cause("127.0.0.1:18000"), Malformed { .. }));
        assert!(matches!(cause("/ip4/999.0.0.1/tcp/1"), Malformed { .. }));
        for text in [
            "",
            "/",
            "/ip4/127.0.0.1",
            "/ip4/127.0.0.1/udp/1",
            "/ip4/127.0.0.1/tcp/1/wss",
            "/ip4/127.0.0.1/tcp/1/tls/ws",
            "/ip4/127.0.0.1/tcp/1/x-parity-ws/%2Fother",
            "/ip4/127.0.0.1/udp/1/ws",
            "/tcp/1",
            "/memory/1",
            "/ip4/127.0.0.1/udp/1/quic",
            "/ip4/127.0.0.1/tcp/1/p2p-circuit",
        ] {
            assert!(
                matches!(cause(text), Transport(_) | Malformed { .. }),
                "{text}"
            );
        }
        assert!(matches!(cause("/ip4/0.0.0.0/tcp/1"), Unspecified(_)));
        assert!(matches!(cause("/ip6/::/tcp/1"), Unspecified(_)));
        assert!(matches!(cause("/ip4/127.0.0.1/tcp/0"), PortZero(_)));
    }

    #[test]
    fn every_interface_and_any_port_can_be_listened_on_but_no_name() {
        assert!(parse_listenable("/ip4/0.0.0.0/udp/0/quic-v1").is_ok());
        assert!(matches!(
            parse_listenable("/dns/localhost/tcp/1"),
            Err(AddressFault::NotAnInterface(_))
        ));
    }

    #[test]
    fn a_host_is_a_number_or_a_name() {
        let host = |text| parse_host(text).map(|address| address.to_string());
        assert_eq!(host("192.0.2.1").unwrap(), "/ip4/192.0.2.1");
        assert_eq!(host("::1").unwrap(), "/ip6/::1");
        assert_eq!(host("node.example").unwrap(), "/dns/node.example");
        for text in ["", "999.1.1.1", "a b", "a/b", "č.example", &"a".repeat(254)] {
            assert!(
                matches!(host(text), Err(AddressFault::NotAHost { .. })),
                "{text}"
            );
        }
    }

    #[test]
    fn an_endpoint_and_its_multiaddress_lead_to_one_another() {
        let relay = peer(1);
        for text in [
            "/ip4/198.51.100.7/udp/18000/quic-v1".to_owned(),
            "/ip6/2001:db8::7/tcp/18000".to_owned(),
            format!("/ip4/198.51.100.7/tcp/18000/p2p/{relay}/p2p-circuit"),
            format!("/ip6/::1/udp/1/quic-v1/p2p/{relay}/p2p-circuit"),
        ] {
            let endpoint = to_endpoint(&text.parse().unwrap()).unwrap();
            assert_eq!(to_multiaddr(&endpoint).unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_no_card_may_carry_is_refused_with_its_cause() {
        use AddressFault::{NotANumber, NotForCards, Transport};
        let cause = |text: &str| to_endpoint(&text.parse().unwrap()).unwrap_err();
        assert!(matches!(cause("/dns/node.example/tcp/1"), NotANumber(_)));
        assert!(matches!(cause("/ip4/0.0.0.0/tcp/1"), NotForCards { .. }));
        assert!(matches!(cause("/ip4/127.0.0.1/tcp/0"), NotForCards { .. }));
        for text in [
            "/ip4/127.0.0.1/tcp/1/p2p-circuit".to_owned(),
            "/ip4/127.0.0.1/udp/1".to_owned(),
            "/p2p-circuit".to_owned(),
            "/ip4/198.51.100.7/tcp/1/ws".to_owned(),
            format!("/p2p/{}/p2p-circuit", peer(1)),
            format!("/ip4/127.0.0.1/tcp/1/p2p/{}", peer(1)),
        ] {
            assert!(matches!(cause(&text), Transport(_)), "{text}");
        }
    }

    #[test]
    fn loopback_is_told_from_the_world() {
        let is = |text: &str| is_loopback(&text.parse().unwrap());
        assert!(is("/ip4/127.0.0.1/tcp/1") && is("/ip6/::1/tcp/1"));
        assert!(is("/ip4/127.8.9.1/udp/1/quic-v1") && is("/dns/localhost/tcp/1"));
        assert!(!is("/ip4/0.0.0.0/tcp/1") && !is("/ip4/192.0.2.1/tcp/1"));
        assert!(!is("/dns/nat.example/tcp/1") && !is("/memory/1"));
    }
}
