//! Asking one's own node how it is: `natcoin node status`.
//!
//! The node is asked over its own addresses, like by any wallet, and what it says of the chain is proven. It must never
//! touch the node's folder beyond reading it: the node is at work there. Read next: `session/` (asking many nodes).

use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use libp2p::multiaddr::Protocol;
use thiserror::Error;
use tokio::time::timeout;

use super::home::Home;
use super::network::{self, Event, NetworkConfig, NetworkError, NetworkEvents, NetworkHandle};
use crate::behaviour::{BehaviourError, Hello, Multiaddr, PeerId, Role, Service, identity};
use crate::chain::codec::Encode as _;
use crate::chain::query::Query;
use crate::directory::bootstrap::{Bootstrap, Node};
use crate::wallet::light::{Doubt, LightClient};

/// How long the node may take to come up and answer.
const DEADLINE: Duration = Duration::from_secs(5);

/// How a running node is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeCondition {
    /// Its program's name and version, by its own word.
    pub version: String,
    /// The last final height that it has; proven.
    pub height: u64,
    /// How many validators it hears, itself included if it is one; its word.
    pub validators_up: u16,
    /// How many transactions wait there; its word.
    pub waiting: u32,
}

/// Why nothing can be said of a node.
#[derive(Debug, Error)]
pub enum InquiryError {
    /// It does not answer.
    #[error("the node {name} does not answer ({why}); start it with `natcoin node --home {home}`")]
    NotRunning {
        /// Its name.
        name: String,
        /// Its home.
        home: String,
        /// What was tried and how it failed.
        why: String,
    },
    /// What it says is not proven.
    #[error(
        "what the node {name} says is not proven: {doubt}; compare its bootstrap file with that of the others"
    )]
    Doubtful {
        /// Its name.
        name: String,
        /// What is wrong.
        doubt: Doubt,
    },
    /// The network's name cannot be spoken.
    #[error(transparent)]
    Behaviour(#[from] BehaviourError),
    /// The network cannot be set up on this machine.
    #[error(transparent)]
    Network(#[from] NetworkError),
}

/// Asks the node of a home, at the addresses where it listens.
///
/// # Errors
/// An [`InquiryError`]; it takes five seconds at most.
pub async fn ask(home: &Home) -> Result<NodeCondition, InquiryError> {
    let bootstrap = home.bootstrap();
    let mut light = LightClient::new(bootstrap.genesis(), 0);
    let (network, mut events) = network::start(NetworkConfig {
        identity: identity::keypair(rand::random()),
        network_name: bootstrap.network().parse()?,
        genesis: light.genesis().0,
        role: Role::Wallet,
        version: concat!("natcoin/", env!("CARGO_PKG_VERSION")).to_owned(),
        boot_nonce: rand::random(),
        height: 0,
        listen: Vec::new(),
        bootstrap: vec![(home.peer_id(), home.listen().iter().map(dialable).collect())],
        validators: Default::default(),
        reach: Default::default(),
    })
    .await?;
    let asked = timeout(DEADLINE, exchange(&network, &mut events, home.peer_id())).await;
    network.shutdown().await;
    let asked = asked.unwrap_or_else(|_| Err(format!("no answer within {DEADLINE:?}")));
    let (hello, bytes) = asked.map_err(|why| InquiryError::NotRunning {
        name: home.name().to_string(),
        home: home.folder().display().to_string(),
        why: why.replace("; ", ", "),
    })?;
    let proven = LightClient::read(&bytes).and_then(|answer| light.status(answer));
    let proven = proven.map_err(|doubt| InquiryError::Doubtful {
        name: home.name().to_string(),
        doubt,
    })?;
    Ok(NodeCondition {
        version: hello.version,
        height: proven.at.height,
        validators_up: proven.value.validators_up,
        waiting: proven.value.waiting,
    })
}

/// The network as the running node of a home alone is a way into, from this machine.
pub fn way_in(home: &Home) -> Bootstrap {
    let key = home.secret().public();
    let listed = home.bootstrap().node_of(&key);
    home.bootstrap().through(Node {
        name: home.name().clone(),
        key,
        peer_id: home.peer_id(),
        validator: listed.is_some_and(|node| node.validator),
        addresses: home.listen().iter().map(dialable).collect(),
    })
}

/// Waits for the node to be up and asks it once.
async fn exchange(
    network: &NetworkHandle,
    events: &mut NetworkEvents,
    node: PeerId,
) -> Result<(Hello, Vec<u8>), String> {
    loop {
        match events.recv().await {
            Some(Event::PeerUp { peer, hello, .. }) if peer == node => {
                let query = Query::Status.to_bytes();
                let answer = network.request(node, Service::Query, query).await;
                return answer
                    .map(|bytes| (hello, bytes))
                    .map_err(|error| error.to_string());
            }
            Some(Event::BootstrapUnreachable { reason, .. }) => return Err(reason),
            Some(Event::Refused { reason, .. }) => return Err(reason.to_string()),
            Some(_) => {}
            None => return Err("the network was shut down".to_owned()),
        }
    }
}

/// Where a node that listens here can be dialled from this machine: every interface includes the loopback one.
fn dialable(listen: &Multiaddr) -> Multiaddr {
    let dialable = |part: Protocol<'static>| match part {
        Protocol::Ip4(ip) if ip.is_unspecified() => Protocol::Ip4(Ipv4Addr::LOCALHOST),
        Protocol::Ip6(ip) if ip.is_unspecified() => Protocol::Ip6(Ipv6Addr::LOCALHOST),
        other => other,
    };
    listen.iter().map(|part| dialable(part.acquire())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_on_every_interface_is_dialled_on_the_loopback_one() {
        for (listen, dial) in [
            ("/ip4/0.0.0.0/tcp/7", "/ip4/127.0.0.1/tcp/7"),
            ("/ip6/::/udp/7/quic-v1", "/ip6/::1/udp/7/quic-v1"),
            ("/ip4/192.0.2.1/tcp/7", "/ip4/192.0.2.1/tcp/7"),
        ] {
            assert_eq!(dialable(&listen.parse().unwrap()).to_string(), dial);
        }
    }
}
