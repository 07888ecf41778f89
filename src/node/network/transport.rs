//! The transport: QUIC and TCP (noise, yamux) with DNS, and the swarm over it.
//!
//! Never: start a task. Next: `task.rs`, which drives the swarm.

use std::{
    net::{SocketAddr, TcpListener, UdpSocket},
    time::Duration,
};

use libp2p::{Multiaddr, Swarm, SwarmBuilder, dns, multiaddr::Protocol, noise, quic, tcp, yamux};

use super::{config::NetworkConfig, error::NetworkError};
use crate::behaviour::{Speech, service::Malformed};

/// A QUIC connection that hears nothing for so long is dead: a killed peer is noticed in time.
const QUIC_IDLE_MS: u32 = 3_000;
/// Often enough that two may be lost.
const QUIC_KEEP_ALIVE: Duration = Duration::from_millis(900);
/// A handshake that takes longer will not end.
const QUIC_HANDSHAKE: Duration = Duration::from_secs(5);
/// What one stream and one connection may send ahead of our reading, in bytes.
const QUIC_STREAM_WINDOW: u32 = 4 * 1024 * 1024;
const QUIC_CONNECTION_WINDOW: u32 = 8 * 1024 * 1024;
/// Ping and idle exchanges do not keep a connection: it would close after 10 s by default.
const IDLE: Duration = Duration::from_secs(24 * 60 * 60);

/// Builds the swarm. Must be called on a tokio runtime.
pub(super) fn swarm(
    config: &NetworkConfig,
    malformed: &Malformed,
) -> Result<Swarm<Speech>, NetworkError> {
    // The system's resolver configuration may be missing (containers, phones): without it
    // addresses of numbers still work, and names fail to resolve.
    match build(config, malformed, Dns::System) {
        Err(NetworkError::Setup { reason }) => {
            tracing::warn!(
                reason,
                "no system resolver: DNS names in addresses will not resolve"
            );
            build(config, malformed, Dns::Empty)
        }
        built => built,
    }
}

#[derive(Clone, Copy)]
enum Dns {
    System,
    Empty,
}

fn build(
    config: &NetworkConfig,
    malformed: &Malformed,
    resolver: Dns,
) -> Result<Swarm<Speech>, NetworkError> {
    let setup = |reason: String| NetworkError::Setup { reason };
    let transport = SwarmBuilder::with_existing_identity(config.identity.clone())
        .with_tokio()
        .with_tcp(
            tcp::Config::default().nodelay(true),
            noise::Config::new,
            yamux::Config::default,
        )
        .map_err(|e| setup(e.to_string()))?
        .with_quic_config(quic_limits);
    let speech = Speech::new(&config.identity, &config.speech(malformed))?;
    // A macro, since each resolver gives the builder another type.
    macro_rules! finish {
        ($builder:expr) => {
            Ok($builder
                .with_behaviour(|_| speech)
                .expect("the behaviour is built already")
                .with_swarm_config(|swarm| {
                    swarm.with_smart_dial().with_idle_connection_timeout(IDLE)
                })
                .build())
        };
    }
    match resolver {
        Dns::System => finish!(transport.with_dns().map_err(|e| setup(e.to_string()))?),
        Dns::Empty => finish!(
            transport.with_dns_config(dns::ResolverConfig::default(), dns::ResolverOpts::default())
        ),
    }
}

fn quic_limits(mut quic: quic::Config) -> quic::Config {
    quic.max_idle_timeout = QUIC_IDLE_MS;
    quic.keep_alive_interval = QUIC_KEEP_ALIVE;
    quic.handshake_timeout = QUIC_HANDSHAKE;
    quic.max_stream_data = QUIC_STREAM_WINDOW;
    quic.max_connection_data = QUIC_CONNECTION_WINDOW;
    quic
}

/// Tries whether the port is free. The TCP transport shares its ports (`SO_REUSEPORT`), so that it
/// would happily listen beside another copy of this program and lose half of what comes in.
pub(super) fn probe(address: &Multiaddr) -> Result<(), NetworkError> {
    let mut parts = address.iter();
    let ip = match parts.next() {
        Some(Protocol::Ip4(ip)) => ip.into(),
        Some(Protocol::Ip6(ip)) => ip.into(),
        _ => return Ok(()),
    };
    let bound = match parts.next() {
        Some(Protocol::Tcp(port)) if port != 0 => {
            TcpListener::bind(SocketAddr::new(ip, port)).map(drop)
        }
        Some(Protocol::Udp(port)) if port != 0 => {
            UdpSocket::bind(SocketAddr::new(ip, port)).map(drop)
        }
        _ => return Ok(()),
    };
    bound.map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => NetworkError::AddressInUse {
            address: address.clone(),
        },
        _ => NetworkError::Listen {
            address: address.clone(),
            reason: error.to_string(),
        },
    })
}
