//! The transport: QUIC, TCP and WebSocket (noise, yamux) with DNS, and the swarm over it.
//!
//! Never: start a task. Next: `task.rs`, which drives the swarm.

use std::{
    collections::BTreeSet,
    net::{SocketAddr, TcpListener, UdpSocket},
    sync::Arc,
    time::Duration,
};

use libp2p::{
    Multiaddr, PeerId, Swarm, Transport as _,
    core::{
        ConnectedPoint,
        muxing::{StreamMuxer, StreamMuxerBox},
        transport::{Boxed, timeout::TransportTimeout},
        upgrade,
    },
    dns,
    identity::Keypair,
    multiaddr::Protocol,
    noise, quic, relay, swarm, tcp, websocket, yamux,
};

use super::{
    config::NetworkConfig,
    error::NetworkError,
    metered::Metered,
    metrics::Metrics,
    paced::{Paced, Paces},
    prompt_close::PromptClose,
    reach::fence::{Fenced, Gate},
};
use crate::behaviour::{
    Speech,
    limits::{QUIC_CONNECTION_WINDOW_BYTES, QUIC_STREAM_WINDOW_BYTES, STREAMS},
};

/// A QUIC connection that hears nothing for so long is dead: a killed peer is noticed in time.
const QUIC_IDLE_MS: u32 = 3_000;
/// Often enough that two may be lost.
const QUIC_KEEP_ALIVE: Duration = Duration::from_millis(900);
/// A handshake that takes longer will not end.
const QUIC_HANDSHAKE: Duration = Duration::from_secs(5);
/// Ping and idle exchanges do not keep a connection: it would close after 10 s by default.
const IDLE: Duration = Duration::from_secs(24 * 60 * 60);

/// The largest WebSocket message, in bytes: the library's own noise sends up to 192 KiB in one, other programs one frame
/// of noise (64 KiB). By default a stranger might have 256 MiB of ours filled.
const WEBSOCKET_MESSAGE: usize = 512 * 1024;

/// How long setting a connection up may take, from dialling to the multiplexer.
const SETUP_DEADLINE: Duration = Duration::from_secs(10);

/// Builds the swarm. Must be called on a tokio runtime.
pub(super) fn swarm(
    config: &NetworkConfig,
    gate: &Gate,
    metrics: &Arc<Metrics>,
) -> Result<Swarm<Speech>, NetworkError> {
    let (circuits, through_relays) = relay::client::new(config.local_peer());
    let speech = config.speech(gate, metrics.malformed());
    let is_relayed = speech.reach.circuits;
    let trusted = Arc::new(speech.trusted.clone());
    let speech = Speech::new(
        &config.identity,
        &speech,
        is_relayed.then_some(through_relays),
    )?;
    let limits = swarm::Config::with_tokio_executor()
        .with_smart_dial()
        .with_idle_connection_timeout(IDLE)
        // All streams are read as they come: those that nobody looks at would keep what they were sent.
        .with_max_negotiating_inbound_streams(STREAMS);
    let pacer = Pacer {
        trusted,
        paces: Paces::default(),
        metrics: Arc::clone(metrics),
    };
    let direct = transport(&config.identity, gate, &pacer)?;
    // Without the behaviour's half nobody would answer the relay transport.
    let transport = match is_relayed {
        true => with_relays(&config.identity, circuits, direct, pacer)?,
        false => direct,
    };
    let transport = TransportTimeout::new(transport, SETUP_DEADLINE).boxed();
    Ok(Swarm::new(transport, speech, config.local_peer(), limits))
}

type Wire = Boxed<(PeerId, StreamMuxerBox)>;

/// Wraps a connection's multiplexer by whose it is.
#[derive(Clone)]
struct Pacer {
    trusted: Arc<BTreeSet<PeerId>>,
    paces: Paces,
    metrics: Arc<Metrics>,
}

impl Pacer {
    fn wrap<M>(&self, peer: &PeerId, muxer: M, point: &ConnectedPoint) -> StreamMuxerBox
    where
        M: StreamMuxer + Unpin + Send + 'static,
        M::Substream: Unpin + Send + 'static,
        M::Error: Send + Sync + 'static,
    {
        let is_stranger = !self.trusted.contains(peer);
        let pace = is_stranger.then(|| self.paces.of(point.get_remote_address()));
        let metered = Metered::new(muxer, Arc::clone(&self.metrics));
        StreamMuxerBox::new(PromptClose::new(Paced::new(metered, pace)))
    }
}

/// Relay addresses first: they look like direct ones with more behind.
fn with_relays(
    identity: &Keypair,
    circuits: relay::client::Transport,
    direct: Wire,
    pacer: Pacer,
) -> Result<Wire, NetworkError> {
    let relayed = circuits
        .upgrade(upgrade::Version::V1Lazy)
        .authenticate(noise(identity)?)
        .multiplex(yamux())
        .map(move |(peer, muxer), point| (peer, pacer.wrap(&peer, muxer, &point)));
    Ok(relayed
        .or_transport(direct)
        .map(|either, _| either.into_inner())
        .boxed())
}

fn yamux() -> yamux::Config {
    let mut yamux = yamux::Config::default();
    yamux.set_max_num_streams(STREAMS);
    yamux
}

fn noise(identity: &Keypair) -> Result<noise::Config, NetworkError> {
    noise::Config::new(identity).map_err(|error| NetworkError::Setup {
        reason: error.to_string(),
    })
}

fn transport(identity: &Keypair, gate: &Gate, pacer: &Pacer) -> Result<Wire, NetworkError> {
    // The system's resolver configuration may be missing (containers, phones): without it
    // addresses of numbers still work, and names are refused as unsupported.
    let wire = match dns::tokio::Transport::system(wire(identity, pacer.clone())?) {
        Ok(resolving) => resolving.boxed(),
        Err(error) => {
            tracing::warn!(%error, "no system resolver: DNS names in addresses will not resolve");
            wire(identity, pacer.clone())?
        }
    };
    Ok(Fenced::new(wire, gate.clone()).boxed())
}

fn wire(identity: &Keypair, pacer: Pacer) -> Result<Wire, NetworkError> {
    let of_quic = pacer.clone();
    let tcp = || tcp::tokio::Transport::new(tcp::Config::default().nodelay(true));
    // Plain: noise encrypts inside, and nobody needs a certificate. Redirects are not followed: they would pass the fence.
    let mut websocket = websocket::Config::new(tcp());
    websocket
        .set_max_data_size(WEBSOCKET_MESSAGE)
        .set_max_redirects(0);
    // Order: WebSocket first, since an address that goes on behind its port is none of plain TCP's.
    let streams = websocket
        .or_transport(tcp())
        .upgrade(upgrade::Version::V1Lazy)
        .authenticate(noise(identity)?)
        .multiplex(yamux())
        .map(move |(peer, muxer), point| (peer, pacer.wrap(&peer, muxer, &point)));
    let quic = quic::tokio::Transport::new(quic_limits(quic::Config::new(identity)))
        .map(move |(peer, muxer), point| (peer, of_quic.wrap(&peer, muxer, &point)));
    Ok(quic
        .or_transport(streams)
        .map(|either, _| either.into_inner())
        .boxed())
}

fn quic_limits(mut quic: quic::Config) -> quic::Config {
    quic.max_idle_timeout = QUIC_IDLE_MS;
    quic.keep_alive_interval = QUIC_KEEP_ALIVE;
    quic.handshake_timeout = QUIC_HANDSHAKE;
    quic.max_stream_data = QUIC_STREAM_WINDOW_BYTES;
    quic.max_connection_data = QUIC_CONNECTION_WINDOW_BYTES;
    quic.max_concurrent_stream_limit = STREAMS as u32;
    quic
}

/// Refuses a TCP port that is to speak two protocols: both listeners would be bound, and each would get half of what
/// comes in.
pub(super) fn check_ports(listen: &[Multiaddr]) -> Result<(), NetworkError> {
    let spoken = |address: &Multiaddr| {
        let parts: Vec<Protocol<'_>> = address.iter().take(3).collect();
        match parts[..] {
            [_, Protocol::Tcp(port), ..] if port != 0 => Some((port, parts.len() == 2)),
            _ => None,
        }
    };
    for (place, address) in listen.iter().enumerate() {
        let Some((port, is_plain)) = spoken(address) else {
            continue;
        };
        if listen[..place]
            .iter()
            .any(|other| spoken(other) == Some((port, !is_plain)))
        {
            return Err(NetworkError::Listen {
                address: address.clone(),
                reason: format!(
                    "port {port} speaks either TCP or WebSocket: give the other one another port"
                ),
            });
        }
    }
    Ok(())
}

/// Tries whether the port is free. The TCP transport shares its ports (`SO_REUSEPORT`), so that it
/// would happily listen beside another copy of this program and lose half of what comes in.
pub(in crate::node) fn probe(address: &Multiaddr) -> Result<(), NetworkError> {
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
