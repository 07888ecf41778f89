//! Why a room cannot be opened or entered.

use crate::node::home::HomeError;
use crate::node::network::NetworkError;

/// Why a ceremony cannot begin here.
#[derive(Debug, thiserror::Error)]
pub enum FoundError {
    /// The place of the home.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// The machine's network.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The host does not answer.
    #[error(
        "the room does not answer ({0}); ask the host whether it is open, and whether its address can be reached from here"
    )]
    Unreachable(String),
    /// Too many or too long addresses for a code.
    #[error("the addresses do not fit a join code; give one or two with --address")]
    Code,
    /// No address for the room's streams.
    #[error("a room needs an address with TCP; give the host's number or name with --address")]
    NoTcp,
    /// Our own mistake.
    #[error("the room has failed: {0}; please report this")]
    Task(tokio::task::JoinError),
}
