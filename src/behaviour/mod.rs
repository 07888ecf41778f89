//! Speech: what this program says to its peers, and the limits it holds them to.
//!
//! One file a protocol: [`hello`], [`service`] (submit, query, blocks, agreement, directory), [`watch`] and
//! [`gossip`] with its [`topics`]. [`Speech`] puts them together. Payloads are opaque bytes here:
//! their meaning belongs to other rooms.
//!
//! Never: open a socket, read a clock, interpret a payload. Next: `node/network/`, which drives it.

pub mod doors;
pub mod exchanges;
pub mod frame;
pub mod gossip;
pub mod hello;
pub mod identity;
pub mod limits;
pub mod mesh;
pub mod reach;
pub mod service;
pub mod sieve;
pub mod speech;
pub mod topics;
pub mod watch;

use std::{fmt, str::FromStr, time::Duration};

use thiserror::Error;

pub use exchanges::ExchangesEvent;
pub use hello::{Hello, HelloAnswer, Links, Refusal, Role};
pub use identity::{Multiaddr, PeerId};
pub use service::{Declined, Exchange, Reply, Service};
pub use speech::{Speech, SpeechConfig, SpeechEvent};
pub use topics::Topic;

/// How often a connection is pinged, and how long an answer may take.
pub const PING_INTERVAL: Duration = Duration::from_secs(5);
/// A ping unanswered for this long has failed; we close the connection then.
pub const PING_TIMEOUT: Duration = Duration::from_secs(4);
/// Longest network name, in bytes.
pub const NETWORK_NAME_MAX_BYTES: usize = 32;

/// What can be wrong in this room.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub enum BehaviourError {
    /// A peer's bytes could not be read.
    #[error("malformed message: {what}")]
    Malformed {
        /// What is wrong with it.
        what: &'static str,
    },
    /// A network's name does not fit into protocol names.
    #[error(
        "the network name {name:?} is not usable: 1 to {NETWORK_NAME_MAX_BYTES} characters of a-z, 0-9 and -"
    )]
    NetworkName {
        /// The name as it was given.
        name: String,
    },
    /// Gossipsub refused our configuration: a mistake of this program.
    #[error("gossip cannot be set up: {reason}")]
    Gossip {
        /// The library's words.
        reason: String,
    },
}

/// The name of a network, fit to stand in protocol names: 1 to 32 characters of a-z, 0-9 and -.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct NetworkName(String);

impl FromStr for NetworkName {
    type Err = BehaviourError;

    fn from_str(name: &str) -> Result<Self, BehaviourError> {
        let fits = (1..=NETWORK_NAME_MAX_BYTES).contains(&name.len())
            && name
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if fits {
            Ok(Self(name.to_owned()))
        } else {
            Err(BehaviourError::NetworkName {
                name: name.chars().take(NETWORK_NAME_MAX_BYTES).collect(),
            })
        }
    }
}

impl fmt::Display for NetworkName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn network_names_that_would_break_a_protocol_name_are_refused() {
        for bad in ["", "Nat", "a/b", "a b", "ž", &"a".repeat(33)] {
            assert!(bad.parse::<NetworkName>().is_err(), "{bad:?}");
        }
        assert_eq!(
            "natcoin-local".parse::<NetworkName>().unwrap().to_string(),
            "natcoin-local"
        );
    }
}
