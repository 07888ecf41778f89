//! `bootstrap.toml`: all that a newcomer needs to trust and find a network.
//!
//! It holds the genesis, whose hash is the network's identity, and the verified nodes, whose peer
//! ids are their keys. A file that does not add up is refused whole; nothing in it is guessed.
//! The text form is in `bootstrap/file.rs`, what can be wrong with it in `bootstrap/error.rs`, what its founders
//! sign in `bootstrap/founding.rs`.

mod error;
mod file;
mod founding;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use libp2p::{Multiaddr, PeerId};

pub use self::error::BootstrapError;
pub use self::founding::FoundersSignature;
use super::address::check_dialable;
use super::development;
use super::peer;
use crate::chain::genesis::{Genesis, GenesisAccount, GenesisError, Rules};
use crate::chain::key::PublicKey;
use crate::chain::name::Name;
use crate::chain::validator::{Validator, ValidatorSet};

/// Most bytes of a bootstrap file: all the accounts that a genesis may have, with their names, are 1.8 million.
pub const MAX_FILE_BYTES: usize = 4 << 20;

/// Most nodes of a bootstrap file, validators and others.
pub const MAX_NODES: usize = 256;

/// The file of the local development network, compiled in as the default.
pub const EMBEDDED: &str = include_str!("../../bootstrap.toml");

/// A verified node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its name, for people; each name once.
    pub name: Name,
    /// Its key; each key once.
    pub key: PublicKey,
    /// The key as libp2p shows it.
    pub peer_id: PeerId,
    /// Whether its votes count, with the power 1.
    pub validator: bool,
    /// Where it can be dialled: 1 to [`super::address::MAX_ADDRESSES`], without `/p2p/`.
    pub addresses: Vec<Multiaddr>,
}

/// What a network begins with, apart from its nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beginning {
    /// The network's name.
    pub network: String,
    /// Its birth, milliseconds since 1970.
    pub time_ms: u64,
    /// Its rules.
    pub rules: Rules,
    /// Its first accounts, in any order.
    pub accounts: Vec<GenesisAccount>,
}

impl Beginning {
    /// The genesis of a network that begins so, with these validators.
    ///
    /// # Errors
    /// A [`GenesisError`].
    pub fn genesis(self, validators: ValidatorSet) -> Result<Genesis, GenesisError> {
        let genesis = Genesis {
            network: self.network,
            time_ms: self.time_ms,
            rules: self.rules,
            accounts: self.accounts,
            validators,
        };
        genesis.checked()
    }
}

/// A bootstrap file that has been checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bootstrap {
    genesis: Genesis,
    nodes: Vec<Node>,
    /// Of every validator, in the order of the nodes; or none at all.
    signatures: Vec<FoundersSignature>,
}

impl Bootstrap {
    /// A network of these nodes; those marked so are its validators, with the power 1 each.
    ///
    /// # Errors
    /// A [`BootstrapError`] that names the value, the limit and the next step.
    pub fn new(beginning: Beginning, nodes: Vec<Node>) -> Result<Self, BootstrapError> {
        check_nodes(&nodes)?;
        let votes = nodes.iter().filter(|node| node.validator);
        let validators: Vec<Validator> = votes
            .map(|node| Validator {
                key: node.key,
                power: 1,
            })
            .collect();
        if validators.is_empty() {
            return Err(BootstrapError::NoValidator);
        }
        let validators =
            ValidatorSet::new(validators).map_err(|error| BootstrapError::Genesis(error.into()))?;
        let genesis = beginning.genesis(validators)?;
        Ok(Self {
            genesis,
            nodes,
            signatures: Vec::new(),
        })
    }

    /// Reads a file.
    ///
    /// # Errors
    /// A [`BootstrapError`]; also if the file states a genesis hash and its genesis has another.
    pub fn from_toml(text: &str) -> Result<Self, BootstrapError> {
        file::parse(text)
    }

    /// Writes the file; [`Bootstrap::from_toml`] reads the same network from it.
    pub fn to_toml(&self) -> String {
        file::print(self)
    }

    /// The local development network that is compiled in.
    pub fn embedded() -> Self {
        Self::from_toml(EMBEDDED).expect("a test reads the embedded file")
    }

    /// The same network as this one node alone is a way into.
    #[must_use]
    pub fn through(&self, node: Node) -> Self {
        Self {
            genesis: self.genesis.clone(),
            nodes: vec![node],
            signatures: Vec::new(),
        }
    }

    /// The network's name.
    pub fn network(&self) -> &str {
        &self.genesis.network
    }

    /// What the network begins with; its hash is the network's identity.
    pub fn genesis(&self) -> &Genesis {
        &self.genesis
    }

    /// The verified nodes, in the order of the file: 1 to [`MAX_NODES`].
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The node of this name.
    pub fn node_named(&self, name: &str) -> Option<&Node> {
        self.nodes.iter().find(|node| node.name.as_str() == name)
    }

    /// The node of this key.
    pub fn node_of(&self, key: &PublicKey) -> Option<&Node> {
        self.nodes.iter().find(|node| node.key == *key)
    }
}

impl Node {
    /// A node of a key; `None` if the key's bytes are not a point of the curve.
    pub fn new(name: Name, key: PublicKey, addresses: Vec<Multiaddr>) -> Option<Self> {
        Some(Self {
            name,
            key,
            peer_id: peer::peer_id(&key)?,
            validator: true,
            addresses,
        })
    }
}

fn check_nodes(nodes: &[Node]) -> Result<(), BootstrapError> {
    if nodes.is_empty() {
        return Err(BootstrapError::NoNode);
    }
    if nodes.len() > MAX_NODES {
        return Err(BootstrapError::TooManyNodes(nodes.len()));
    }
    let mut names = BTreeSet::new();
    let mut keys = BTreeMap::new();
    let mut places: BTreeMap<String, &Name> = BTreeMap::new();
    for node in nodes {
        let name = || node.name.to_string();
        if !names.insert(&node.name) {
            return Err(BootstrapError::NodeNameTwice(name()));
        }
        // Rule K1 accepts signatures that nobody made for such keys.
        if !node.key.is_sound() {
            return Err(BootstrapError::WeakKey(name()));
        }
        if let Some(first) = keys.insert(node.key, &node.name) {
            return Err(BootstrapError::NodeTwice {
                peer_id: Box::new(node.peer_id),
                first: first.to_string(),
                second: name(),
            });
        }
        if !(1..=super::address::MAX_ADDRESSES).contains(&node.addresses.len()) {
            return Err(BootstrapError::AddressCount {
                node: name(),
                count: node.addresses.len(),
            });
        }
        for address in &node.addresses {
            check_dialable(address).map_err(|fault| BootstrapError::Address {
                place: format!("node {name}", name = node.name),
                fault,
            })?;
            if let Some(first) = places.insert(address.to_string(), &node.name) {
                return Err(BootstrapError::AddressTwice {
                    address: address.clone(),
                    first: first.to_string(),
                    second: name(),
                });
            }
        }
        development::check(&node.key, &node.addresses).map_err(|fault| {
            BootstrapError::DevelopmentKey {
                node: name(),
                fault,
            }
        })?;
    }
    Ok(())
}
