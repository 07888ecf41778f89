//! All that can be wrong with a bootstrap file.

use libp2p::{Multiaddr, PeerId};

use super::{MAX_FILE_BYTES, MAX_NODES};
use crate::chain::amount::AmountError;
use crate::chain::genesis::GenesisError;
use crate::chain::hash::Hash;
use crate::chain::key::AddressError;
use crate::chain::name::NameError;
use crate::directory::address::{AddressFault, MAX_ADDRESSES};
use crate::directory::development::DevelopmentKeyExposed;

/// Why a bootstrap file is refused. `place` says where: `node 2`, `genesis.account 1`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BootstrapError {
    /// Larger than [`MAX_FILE_BYTES`].
    #[error("the file has {0} bytes: at most {MAX_FILE_BYTES} are read; is it a bootstrap file?")]
    TooLarge(usize),
    /// Not TOML.
    #[error("line {line} is not TOML: {why}")]
    NotToml {
        /// The line, from 1.
        line: usize,
        /// What the parser says.
        why: String,
    },
    /// A field that bootstrap files do not have.
    #[error("line {line}: {why}; correct the spelling or take the line out")]
    UnknownField {
        /// The line, from 1.
        line: usize,
        /// The field, and those that exist.
        why: String,
    },
    /// A field that is not there.
    #[error("line {line}: {why}; add it, or ask for the network's original file")]
    MissingField {
        /// The line of its table, from 1.
        line: usize,
        /// The field.
        why: String,
    },
    /// A value of another kind, such as a number where a text stands.
    #[error("line {line}: {why}")]
    WrongKind {
        /// The line, from 1.
        line: usize,
        /// What is there and what is expected.
        why: String,
    },
    /// The genesis time.
    #[error("the genesis time {0:?} is not a moment in UTC: write it as 2026-01-01T00:00:00Z")]
    Time(String),
    /// The hash line.
    #[error(
        "the genesis hash {0:?} is not 64 hexadecimal digits: copy it from the network's original file"
    )]
    HashMalformed(String),
    /// The genesis is not the one that the hash line names.
    #[error(
        "the genesis was changed: the file says its hash is {written}, but it is {computed}; get the network's original file again"
    )]
    HashMismatch {
        /// In the file.
        written: Hash,
        /// Of the genesis.
        computed: Hash,
    },
    /// An amount.
    #[error("{place}: {error}")]
    Amount {
        /// Where.
        place: String,
        /// What.
        error: AmountError,
    },
    /// An account's address.
    #[error("{place}: {error}")]
    AccountAddress {
        /// Where.
        place: String,
        /// What.
        error: AddressError,
    },
    /// A name.
    #[error("{place}: {error}")]
    Name {
        /// Where.
        place: String,
        /// What.
        error: NameError,
    },
    /// Something about the genesis as a whole.
    #[error(transparent)]
    Genesis(#[from] GenesisError),
    /// No node.
    #[error("there is no [[node]]: a bootstrap file lists at least one")]
    NoNode,
    /// Too many.
    #[error("there are {0} nodes: at most {MAX_NODES} are allowed")]
    TooManyNodes(usize),
    /// No validator.
    #[error("no node is a validator: a network needs at least one node with validator = true")]
    NoValidator,
    /// A key that anybody can sign for.
    #[error(
        "the peer id of {0:?} is of a point of small order, for which anybody can sign: take the one that `natcoin node id` shows"
    )]
    WeakKey(String),
    /// A name twice.
    #[error("two nodes are called {0:?}: give each its own name")]
    NodeNameTwice(String),
    /// A node twice.
    #[error("{first} and {second} have the same peer id {peer_id}: each node has its own key")]
    NodeTwice {
        /// The peer id.
        peer_id: Box<PeerId>,
        /// The one node.
        first: String,
        /// The other.
        second: String,
    },
    /// A text that is no peer id.
    #[error(
        "{place}: {text:?} is not a peer id ({why}); it begins with 12D3KooW, and `natcoin node id` shows it"
    )]
    PeerIdMalformed {
        /// Where.
        place: String,
        /// The text, cut to 120 characters.
        text: String,
        /// What the parser says.
        why: String,
    },
    /// A peer id without an ed25519 key.
    #[error(
        "{place}: the peer id {peer_id} does not hold an ed25519 key; those that do begin with 12D3KooW"
    )]
    PeerIdNotEd25519 {
        /// Where.
        place: String,
        /// The peer id.
        peer_id: Box<PeerId>,
    },
    /// None, or too many.
    #[error("node {node} has {count} addresses: 1 to {MAX_ADDRESSES} are allowed")]
    AddressCount {
        /// The node.
        node: String,
        /// How many.
        count: usize,
    },
    /// An address twice.
    #[error("{first} and {second} have the same address {address}: only one can listen there")]
    AddressTwice {
        /// The address.
        address: Multiaddr,
        /// The one node.
        first: String,
        /// The other (or the same).
        second: String,
    },
    /// An address that cannot be dialled.
    #[error("{place}: {fault}")]
    Address {
        /// Where.
        place: String,
        /// What.
        fault: AddressFault,
    },
    /// A development key where strangers reach it.
    #[error("node {node}: {fault}")]
    DevelopmentKey {
        /// The node.
        node: String,
        /// What.
        fault: DevelopmentKeyExposed,
    },
    /// A founder's signature that is none.
    #[error("founding {number}: {text:?} is not a signature of 128 hexadecimal digits")]
    SignatureMalformed {
        /// Which, from 1.
        number: usize,
        /// The text, cut to 120 characters.
        text: String,
    },
    /// A signature of somebody who founded nothing.
    #[error("founding {number}: {name:?} is none of the validators, or signs twice")]
    SignatureOfOther {
        /// Which, from 1.
        number: usize,
        /// The name.
        name: String,
    },
    /// Some have signed and one has not.
    #[error("the founders' signatures are not complete: that of {0} is missing")]
    SignatureMissing(String),
    /// A signature that is not good.
    #[error(
        "the signature of {0} is not good: the file is not what its founders agreed on; do not use it, get the network's original file again"
    )]
    SignatureWrong(String),
}
