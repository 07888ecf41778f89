//! Asking one's own node how it is: `natcoin node status`.
//!
//! The node is asked over its own addresses, like by any wallet, and what it says of the chain is proven. It must never
//! touch the node's folder beyond reading it: the node is at work there. Read next: `survey.rs`.

use std::net::{Ipv4Addr, Ipv6Addr};

use libp2p::multiaddr::Protocol;
use thiserror::Error;

use super::home::Home;
use super::network::NetworkError;
use super::survey::{Answered, Silence, survey};
use crate::behaviour::{BehaviourError, Multiaddr};
use crate::directory::bootstrap::{Bootstrap, Node};
use crate::wallet::light::Doubt;

/// How a running node is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeCondition {
    /// What it answered.
    pub answered: Answered,
    /// The greatest height that another node has proven, and how many of the others answered. None if none did.
    pub others: Option<(u64, usize)>,
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

/// Asks the node of a home, at the addresses where it listens, and the other nodes of its network how far they are.
///
/// # Errors
/// An [`InquiryError`]; it takes five seconds at most.
pub async fn ask(home: &Home) -> Result<NodeCondition, InquiryError> {
    let own = home.peer_id();
    let listed = home.bootstrap().nodes().iter();
    let others = listed.filter(|node| node.peer_id != own);
    let others = others.map(|node| (node.peer_id, node.addresses.clone()));
    let peers = others.chain([(own, home.listen().iter().map(dialable).collect())]);
    let mut survey = survey(home.bootstrap(), peers.collect(), Some(own)).await?;
    let name = || home.name().to_string();
    let answered = match survey.remove(&own) {
        Some(Ok(answered)) => answered,
        Some(Err(Silence::Doubtful(doubt))) => {
            return Err(InquiryError::Doubtful {
                name: name(),
                doubt,
            });
        }
        other => {
            let why = match other {
                Some(Err(Silence::Unreached(why))) => why.replace("; ", ", "),
                _ => "it was not asked".to_owned(),
            };
            return Err(InquiryError::NotRunning {
                name: name(),
                home: home.folder().display().to_string(),
                why,
            });
        }
    };
    let heights = survey.values().flatten().map(|one| one.at.height);
    let best = heights.clone().max();
    Ok(NodeCondition {
        answered,
        others: best.map(|best| (best, heights.count())),
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

/// Where a node that listens here can be dialled from this machine: every interface includes the loopback one.
pub(super) fn dialable(listen: &Multiaddr) -> Multiaddr {
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
