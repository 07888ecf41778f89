//! What the network task is told at the start.
//!
//! Never: read a file; that is the caller's. Next: [`super::start`].

use std::collections::BTreeSet;

use libp2p::identity::Keypair;

use super::{
    files,
    reach::{self, ReachConfig, fence::Gate},
};
use crate::{
    behaviour::{
        Hello, Links, Multiaddr, NetworkName, PeerId, Role, SpeechConfig, service::Malformed,
    },
    node::clock,
};

/// Everything that the network needs to know.
#[derive(Debug, Clone)]
pub struct NetworkConfig {
    /// Who we are; see [`crate::behaviour::identity::keypair`].
    pub identity: Keypair,
    /// The network's name, part of every protocol's name.
    pub network_name: NetworkName,
    /// Hash of the genesis; peers with another one are refused.
    pub genesis: [u8; 32],
    /// What we do.
    pub role: Role,
    /// Program version, shown to peers; at most 64 bytes are told.
    pub version: String,
    /// A random number drawn at every start of the program: the restart rule rests on it.
    pub boot_nonce: u64,
    /// Height of the last final block at the start.
    pub height: u64,
    /// Where to listen; port 0 takes a free one. Empty for wallets.
    pub listen: Vec<Multiaddr>,
    /// Peers to stay connected to, each with all its addresses. Ourselves among them is ignored.
    pub bootstrap: Vec<(PeerId, Vec<Multiaddr>)>,
    /// Peers that vote.
    pub validators: BTreeSet<PeerId>,
    /// How much is done to be reached.
    pub reach: ReachConfig,
}

impl NetworkConfig {
    /// Our own peer id.
    #[must_use]
    pub fn local_peer(&self) -> PeerId {
        self.identity.public().to_peer_id()
    }

    /// Where the bootstrap list has us, if it does.
    pub(super) fn own_entry(&self) -> Option<&[Multiaddr]> {
        let own = self.local_peer();
        let entry = self.bootstrap.iter().find(|(peer, _)| *peer == own)?;
        Some(&entry.1)
    }

    /// What may be dialled.
    pub(super) fn gate(&self) -> Gate {
        Gate::of(self.bootstrap.iter().flat_map(|(_, addresses)| addresses))
    }

    pub(super) fn speech(&self, gate: &Gate, malformed: &Malformed) -> SpeechConfig {
        SpeechConfig {
            network: self.network_name.clone(),
            role: self.role,
            version: self.version.clone(),
            local_peer: self.local_peer(),
            validators: self.validators.clone(),
            trusted: self
                .bootstrap
                .iter()
                .map(|(peer, _)| *peer)
                .chain(self.validators.iter().copied())
                .collect(),
            listed: self
                .bootstrap
                .iter()
                .flat_map(|(_, addresses)| addresses.clone())
                .collect(),
            strangers: files::strangers(),
            now: clock::now(),
            malformed: malformed.clone(),
            reach: reach::spoken(self, gate),
        }
    }

    pub(super) fn hello(&self) -> Hello {
        Hello {
            genesis: self.genesis,
            height: self.height,
            role: self.role,
            boot_nonce: self.boot_nonce,
            links: Links::Only,
            version: self.version.clone(),
        }
    }
}
