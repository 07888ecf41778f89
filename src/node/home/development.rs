//! The homes of the embedded development network, made when they are first needed.

use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};
use std::path::Path;

use libp2p::Multiaddr;
use libp2p::multiaddr::Protocol;

use super::{Home, HomeError};
use crate::chain::name::Name;
use crate::directory::bootstrap::Bootstrap;
use crate::directory::development::{NODES, node_key};

/// The home `PARENT/<name>` of a development node; made if it is not there.
///
/// # Errors
/// As [`Home::load`] and [`Home::create`]; [`HomeError::OtherNetwork`] if it was made by a program
/// with another development network.
pub fn development_home(parent: &Path, name: &str) -> Result<Home, HomeError> {
    let (folder, bootstrap) = (parent.join(name), Bootstrap::embedded());
    match Home::load(&folder) {
        Err(HomeError::NotAHome { .. }) => {}
        home => return home?.with_bootstrap(bootstrap),
    }
    let Some(node) = bootstrap.node_named(name).cloned() else {
        return Err(HomeError::NotAHome { folder });
    };
    let (key, own) = (node_key(name), bootstrap.clone());
    match Home::create(&folder, node.name, node.addresses, key, own) {
        // Somebody has made it in this moment.
        Err(HomeError::NotEmpty { .. }) => Home::load(&folder)?.with_bootstrap(bootstrap),
        made => made,
    }
}

/// The first development node whose addresses nobody uses, `None` if all four run. Somebody quicker
/// may still take it: then the store or a port is in use, and a call that passes over it gives the next one.
///
/// # Errors
/// As [`development_home`].
pub fn next_development_home(
    parent: &Path,
    passed_over: &[Name],
) -> Result<Option<Home>, HomeError> {
    let is_left = |name: &&str| !passed_over.iter().any(|taken| taken.as_str() == *name);
    for name in NODES.into_iter().filter(is_left) {
        let home = development_home(parent, name)?;
        if home.listen().iter().all(is_free) {
            return Ok(Some(home));
        }
    }
    Ok(None)
}

/// Whether nobody on this machine listens on an address.
fn is_free(address: &Multiaddr) -> bool {
    let parts: Vec<Protocol<'_>> = address.iter().take(2).collect();
    let ip = match parts.first() {
        Some(Protocol::Ip4(ip)) => IpAddr::V4(*ip),
        Some(Protocol::Ip6(ip)) => IpAddr::V6(*ip),
        _ => return false,
    };
    match parts.get(1) {
        Some(Protocol::Tcp(port)) => TcpListener::bind(SocketAddr::new(ip, *port)).is_ok(),
        Some(Protocol::Udp(port)) => UdpSocket::bind(SocketAddr::new(ip, *port)).is_ok(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_development_home_is_made_once_and_found_again() {
        let place = tempfile::tempdir().unwrap();
        let made = development_home(place.path(), "triglav").unwrap();
        let found = development_home(place.path(), "triglav").unwrap();
        assert_eq!(made.peer_id(), found.peer_id());
        assert_eq!(found.listen(), Bootstrap::embedded().nodes()[1].addresses);
        let error = development_home(place.path(), "everest").unwrap_err();
        assert!(matches!(error, HomeError::NotAHome { .. }), "{error}");
    }

    #[test]
    fn nodes_started_at_the_same_moment_get_different_homes() {
        let place = tempfile::tempdir().unwrap();
        let made: Vec<Home> = std::thread::scope(|scope| {
            let make = || development_home(place.path(), "razor").unwrap();
            let makers: Vec<_> = (0..8).map(|_| scope.spawn(make)).collect();
            makers.into_iter().map(|one| one.join().unwrap()).collect()
        });
        assert!(made.iter().all(|home| home.name() == made[0].name()));
        let all: Vec<Name> = NODES.iter().map(|name| name.parse().unwrap()).collect();
        let taken = next_development_home(place.path(), &all).unwrap();
        assert!(taken.is_none());
        // The ports of the others may be in use on this machine: then there is none, and never one passed over.
        if let Some(home) = next_development_home(place.path(), &all[..3]).unwrap() {
            assert_eq!(*home.name(), all[3]);
        }
    }

    #[test]
    fn an_address_in_use_is_not_free_over_tcp_and_over_udp() {
        let tcp = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let udp = UdpSocket::bind(("127.0.0.1", 0)).unwrap();
        let tcp_port = tcp.local_addr().unwrap().port();
        let udp_port = udp.local_addr().unwrap().port();
        let tcp_address = format!("/ip4/127.0.0.1/tcp/{tcp_port}").parse().unwrap();
        let udp_address = format!("/ip4/127.0.0.1/udp/{udp_port}/quic-v1")
            .parse()
            .unwrap();
        assert!(!is_free(&tcp_address) && !is_free(&udp_address));
        drop((tcp, udp));
        assert!(is_free(&tcp_address) && is_free(&udp_address));
        assert!(!is_free(&"/dns/localhost/tcp/1".parse().unwrap()));
    }
}
