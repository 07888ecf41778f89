//! The room's swarm: TCP and QUIC with noise, streams of one protocol, and limits for strangers.
//!
//! Next: `room.rs`, which drives it.
#![allow(
    missing_docs,
    reason = "the derived event enum has one variant a field and no docs"
)]

use std::time::Duration;

use libp2p::core::muxing::StreamMuxerBox;
use libp2p::core::transport::timeout::TransportTimeout;
use libp2p::core::transport::{Boxed, ListenerId};
use libp2p::core::upgrade;
use libp2p::futures::StreamExt as _;
use libp2p::identity::Keypair;
use libp2p::swarm::{self, NetworkBehaviour, Swarm, SwarmEvent};
use libp2p::{
    Multiaddr, PeerId, StreamProtocol, Transport as _, connection_limits, dns, noise, quic, tcp,
    yamux,
};

use super::FoundError;
use crate::node::network::{NetworkError, probe};

/// The room's protocol.
pub(super) const PROTOCOL: StreamProtocol = StreamProtocol::new("/natcoin-founding/1");

/// How long a dial may take, from the first packet to the multiplexer.
const DIAL: Duration = Duration::from_secs(8);
/// A connection without a stream, as a check's, goes soon.
const IDLE: Duration = Duration::from_secs(5);
/// No system takes longer to bind a port.
const LISTEN: Duration = Duration::from_secs(5);

/// Connections that others opened: each founder's stream and its checks, and strangers.
const INCOMING: u32 = 256;
/// Of these, being set up.
const PENDING: u32 = 64;
/// With one peer: a stream, and a check of each of its addresses.
const PER_PEER: u32 = 24;
/// Streams of one connection: the room's, and room to refuse others.
const STREAMS: usize = 8;

/// What the swarm does.
#[derive(NetworkBehaviour)]
pub(super) struct Talk {
    limits: connection_limits::Behaviour,
    pub(super) streams: libp2p_stream::Behaviour,
}

pub(super) type Happened = SwarmEvent<TalkEvent>;

/// A swarm of this key. Must be called on a tokio runtime.
pub(super) fn swarm(identity: &Keypair) -> Result<Swarm<Talk>, FoundError> {
    let limits = connection_limits::ConnectionLimits::default()
        .with_max_pending_incoming(Some(PENDING))
        .with_max_established_incoming(Some(INCOMING))
        .with_max_established_per_peer(Some(PER_PEER));
    let talk = Talk {
        limits: connection_limits::Behaviour::new(limits),
        streams: libp2p_stream::Behaviour::new(),
    };
    let config = swarm::Config::with_tokio_executor()
        .with_idle_connection_timeout(IDLE)
        .with_max_negotiating_inbound_streams(STREAMS);
    let peer = identity.public().to_peer_id();
    Ok(Swarm::new(transport(identity)?, talk, peer, config))
}

type Wire = Boxed<(PeerId, StreamMuxerBox)>;

fn transport(identity: &Keypair) -> Result<Wire, FoundError> {
    let wire = match dns::tokio::Transport::system(wire(identity)?) {
        Ok(resolving) => resolving.boxed(),
        Err(error) => {
            tracing::warn!(%error, "no system resolver: DNS names in addresses will not resolve");
            wire(identity)?
        }
    };
    Ok(TransportTimeout::new(wire, DIAL).boxed())
}

fn wire(identity: &Keypair) -> Result<Wire, FoundError> {
    let noise = noise::Config::new(identity).map_err(|error| NetworkError::Setup {
        reason: error.to_string(),
    })?;
    let mut muxer = yamux::Config::default();
    muxer.set_max_num_streams(STREAMS);
    let streams = tcp::tokio::Transport::new(tcp::Config::default().nodelay(true))
        .upgrade(upgrade::Version::V1Lazy)
        .authenticate(noise)
        .multiplex(muxer)
        .map(|(peer, muxer), _| (peer, StreamMuxerBox::new(muxer)));
    let mut limits = quic::Config::new(identity);
    limits.max_concurrent_stream_limit = STREAMS as u32;
    limits.handshake_timeout = DIAL;
    let quic = quic::tokio::Transport::new(limits)
        .map(|(peer, muxer), _| (peer, StreamMuxerBox::new(muxer)));
    Ok(quic
        .or_transport(streams)
        .map(|either, _| either.into_inner())
        .boxed())
}

/// Binds all addresses, or none.
pub(super) async fn listen(
    swarm: &mut Swarm<Talk>,
    addresses: &[Multiaddr],
) -> Result<Vec<ListenerId>, FoundError> {
    let refused = |address: &Multiaddr, reason: String| NetworkError::Listen {
        address: address.clone(),
        reason,
    };
    let (mut silent, mut all) = (Vec::new(), Vec::new());
    for address in addresses {
        probe(address)?;
    }
    for address in addresses {
        let bound = swarm.listen_on(address.clone());
        let id = bound.map_err(|error| refused(address, error.to_string()))?;
        silent.push((id, address));
        all.push(id);
    }
    while let Some((_, first)) = silent.first() {
        let event = tokio::time::timeout(LISTEN, swarm.select_next_some()).await;
        match event.map_err(|_| refused(first, "the system did not bind it in time".to_owned()))? {
            SwarmEvent::NewListenAddr { listener_id, .. } => {
                silent.retain(|(id, _)| *id != listener_id);
            }
            SwarmEvent::ListenerClosed { reason, .. } => {
                return Err(refused(first, format!("{reason:?}")).into());
            }
            _ => {}
        }
    }
    Ok(all)
}
