//! What can go wrong in the network, as the caller can act on it.
//!
//! Next: [`super::handle`], whose methods return these.

use std::time::Duration;

use thiserror::Error;

use crate::behaviour::{BehaviourError, Declined, Multiaddr, Service};

/// The network could not start, or is no more.
#[derive(Debug, Error)]
pub enum NetworkError {
    /// Another program holds the port.
    #[error("{address} is in use by another program: stop it, or choose another port")]
    AddressInUse {
        /// The address as configured.
        address: Multiaddr,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {reason}")]
    Listen {
        /// The address as configured.
        address: Multiaddr,
        /// The system's words.
        reason: String,
    },
    /// The transport cannot be set up.
    #[error("the network cannot be set up: {reason}")]
    Setup {
        /// The library's words.
        reason: String,
    },
    /// Our own protocols cannot be set up.
    #[error(transparent)]
    Behaviour(#[from] BehaviourError),
    /// The network task has ended.
    #[error("the network has been shut down")]
    Stopped,
    /// A message is over its topic's limit; nothing was sent.
    #[error("a message of {size_bytes} bytes is over the topic's limit of {limit_bytes}")]
    TooLarge {
        /// What was to be sent.
        size_bytes: usize,
        /// What may be sent.
        limit_bytes: usize,
    },
}

/// A request got no answer.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub enum RequestError {
    /// There is no greeted connection to the peer: wait for it to come up, or ask another.
    #[error("not connected to this peer: wait for it, or ask another")]
    NotConnected,
    /// No answer in time. The request may have had its effect.
    #[error("no answer from the peer within {deadline:?}: ask again or ask another")]
    Timeout {
        /// How long was waited.
        deadline: Duration,
    },
    /// The connection was lost meanwhile. The request may have had its effect.
    #[error("the connection was lost before the answer came: ask again or ask another")]
    ConnectionLost,
    /// The peer said no; the request had no effect.
    #[error("{0}")]
    Declined(Declined),
    /// Too many of our own requests to this peer are open: wait for some to be answered.
    #[error(
        "{open} requests for {service} are open, at most {limit} are allowed: wait for answers"
    )]
    TooManyOpen {
        /// Which service.
        service: Service,
        /// How many are open.
        open: usize,
        /// How many may be.
        limit: usize,
    },
    /// We have asked this peer as often as it answers anybody: wait a moment, or ask another.
    #[error(
        "{service} was asked of this peer as often as it may be: wait a moment, or ask another"
    )]
    TooOften {
        /// Which service.
        service: Service,
    },
    /// The peer does not serve this protocol.
    #[error("the peer does not serve this protocol: ask another")]
    Unsupported,
    /// The request is over the limit; nothing was sent.
    #[error("a request of {size_bytes} bytes is over the limit of {limit_bytes}")]
    TooLarge {
        /// What was to be sent.
        size_bytes: usize,
        /// What may be sent.
        limit_bytes: usize,
    },
    /// The stream failed, or the answer broke the protocol's limits.
    #[error("the exchange failed: {reason}")]
    Failed {
        /// The transport's words.
        reason: String,
    },
    /// The network task has ended.
    #[error("the network has been shut down")]
    Stopped,
}
