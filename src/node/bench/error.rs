//! Why nothing could be measured.

use std::path::PathBuf;

use crate::chain::genesis::GenesisError;
use crate::node::devnet::DevnetError;
use crate::node::home::HomeError;
use crate::node::network::NetworkError;
use crate::node::runner::NodeError;
use crate::wallet::light::Doubt;

/// Why nothing could be measured. The texts end with the next step.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// It was asked to end before there was anything to tell.
    #[error("ended before the load began; nothing was measured")]
    Ended,
    /// The folder holds something.
    #[error("{0} is not empty: nothing was changed; choose another folder with --dir")]
    NotEmpty(PathBuf),
    /// No free ports.
    #[error(transparent)]
    Ports(#[from] DevnetError),
    /// The genesis.
    #[error(transparent)]
    Genesis(#[from] GenesisError),
    /// The homes.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// A node in this process.
    #[error(transparent)]
    Node(#[from] NodeError),
    /// A node's process.
    #[error("the process of the node {name} failed: {why}; run again, or without --processes")]
    Process {
        /// Which one.
        name: String,
        /// What is known.
        why: String,
    },
    /// The network of the load's own peers.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The nodes and the load do not find each other.
    #[error(
        "only {up} of {wanted} connections to the nodes came up in time; the machine may be too busy: ask for less with --rate, --nodes or --wallets"
    )]
    Connections {
        /// How many did.
        up: usize,
        /// How many are needed.
        wanted: usize,
    },
    /// A block that is not proven.
    #[error("a node gave what is not proven: {0}; please report this")]
    Unproven(Doubt),
    /// No more blocks are proven.
    #[error("the blocks could not be followed any more; please report this")]
    Observer,
    /// A signature of our own is bad.
    #[error("a signature that was made here does not hold; please report this")]
    Signature,
    /// The system gave no thread.
    #[error("the system gives no thread: {0}; free memory and run again")]
    Thread(std::io::Error),
}
