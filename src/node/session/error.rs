//! Every way in which a session can fail its owner, with the next step.
//!
//! Never: erase what the caller can act on. Next: [`super::Session`], whose methods return these.

use libp2p::PeerId;
use thiserror::Error;

use crate::chain::hash::Hash;
use crate::chain::name::Name;
use crate::chain::rules::Rejection;
use crate::node::network::NetworkError;
use crate::node::profile::ProfileError;
use crate::wallet::dealings::machine::ActError;
use crate::wallet::journal::JournalError;
use crate::wallet::light::Doubt;
use crate::wallet::memo::SealRefusal;

/// A bootstrap node that gave no answer that could be believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    /// Its name in the bootstrap file.
    pub name: Name,
    /// Its peer id.
    pub peer_id: PeerId,
    /// Why not.
    pub why: String,
}

/// Why a session could not do what was asked.
#[derive(Debug, Error)]
pub enum SessionError {
    /// The network cannot be set up on this machine.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The network's name or another part of the bootstrap file cannot be spoken.
    #[error("the bootstrap file cannot be used: {reason}; get it again from somebody you trust")]
    Bootstrap {
        /// What is wrong.
        reason: String,
    },
    /// No node of the bootstrap file gave an answer that could be believed.
    #[error(
        "no node of the network {network} can be reached ({}); see that they run and that you are online, then try again", list(.tried)
    )]
    NoNode {
        /// The network's name.
        network: String,
        /// Every node of the bootstrap file, in its order, and why it did not serve.
        tried: Vec<Tried>,
    },
    /// Nodes of the bootstrap file live on another network than it describes, and none lives on this one.
    #[error(
        "{node} and the bootstrap file of the network {network} are of different networks ({reason}); get the network's bootstrap.toml again from somebody you trust"
    )]
    OtherNetwork {
        /// The network's name in the bootstrap file.
        network: String,
        /// The first such node.
        node: Name,
        /// What was found on connecting.
        reason: String,
    },
    /// The nodes answer, and what they answer holds; but this wallet has seen a newer block in an earlier run.
    #[error(
        "the nodes of the network {network} that answer know blocks up to height {height}, but this wallet has seen height {seen} final; try again in a moment, for they may be catching up; if the network was begun anew on purpose, remove the folder `seen` in the wallet's folder"
    )]
    ChainBehind {
        /// The network's name.
        network: String,
        /// The newest height that any of them proves.
        height: u64,
        /// What the wallet remembers.
        seen: u64,
    },
    /// All nodes that can be asked say that they do not know it. That is their word: absence cannot be proven here.
    #[error("no node knows {what}: it may not be final yet; check it, or look again in a moment")]
    NotFound {
        /// What was asked for.
        what: String,
    },
    /// The name is proven to be free.
    #[error("nobody has the name @{name}; check how it is written, or pay to an address")]
    UnknownName {
        /// The name.
        name: Name,
        /// The height at which it is proven to be free.
        height: u64,
    },
    /// The rules refuse it; nothing was signed.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// The wallet's folder failed; nothing was sent that is not in it.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// The journal takes no further payment.
    #[error("the payment cannot be begun: {0}")]
    Journal(#[from] JournalError),
    /// What the owner wants of dealings with other wallets is refused.
    #[error(transparent)]
    Dealing(#[from] ActError),
    /// The session was opened without dealings.
    #[error("this session does not deal with other wallets")]
    NoDesk,
    /// The memo cannot be kept private with this payee.
    #[error(transparent)]
    Private(#[from] SealRefusal),
    /// There is no such payment in the journal.
    #[error("the journal has no payment {id}; see those it has with `natcoin wallet history`")]
    UnknownPayment {
        /// The payment.
        id: Hash,
    },
    /// A peer was sought and not found.
    #[error(
        "the peer {peer} cannot be reached ({why}); see that it is online and wants to be found, then try again"
    )]
    PeerUnreachable {
        /// Who.
        peer: PeerId,
        /// Why not.
        why: String,
    },
    /// A quorum has signed two blocks of one height.
    #[error("{0}")]
    Fork(Doubt),
    /// The session was closed.
    #[error("the session is closed; open another")]
    Closed,
}

fn list(tried: &[Tried]) -> String {
    let parts: Vec<String> = tried
        .iter()
        // The semicolon parts a message from its next step, for whoever reads it.
        .map(|one| format!("{}: {}", one.name, one.why.replace("; ", ", ")))
        .collect();
    parts.join(" | ")
}
