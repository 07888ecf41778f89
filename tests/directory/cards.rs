//! Cards as people and liars make them, and a guest that hands them in.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::time::{SystemTime, UNIX_EPOCH};

use natcoin::behaviour::{Role, Service, identity};
use natcoin::chain::codec::{Decode as _, Encode as _};
use natcoin::chain::hash::Hash;
use natcoin::chain::key::{PublicKey, SecretKey};
use natcoin::directory::bootstrap::Bootstrap;
use natcoin::directory::card::{Addresses, Card, Presence, Whereabouts};
use natcoin::directory::exchange::{Answer, Question, Request};
use natcoin::node::network::{
    self, Event, NetworkConfig, NetworkEvents, NetworkHandle, RequestError,
};

use crate::common::town::{Town, person};

/// The wall clock, as the nodes read it.
#[allow(
    clippy::disallowed_methods,
    reason = "cards are judged by the real clock"
)]
pub fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    u64::try_from(since.as_millis()).unwrap()
}

/// The key of a numbered peer.
pub fn peer(number: u8) -> SecretKey {
    SecretKey::from_seed(&[150 + number; 32])
}

/// What a wallet says: of a person, with a peer, under a number, for so long.
pub fn said(network: Hash, of: u8, with: u8, sequence: u64, ttl_ms: u32) -> Whereabouts {
    Whereabouts {
        network,
        account: person(of).address(),
        peer: peer(with).public(),
        sequence,
        issued_at_ms: now_ms(),
        role: Role::Wallet,
        presence: Presence::Here {
            ttl_ms: NonZeroU32::new(ttl_ms).unwrap(),
            addresses: Addresses::default(),
        },
    }
}

/// A wallet's sound card, for ten minutes.
pub fn wallet(town: &Town, of: u8, with: u8, sequence: u64) -> Card {
    let network = town.bootstrap.genesis().hash();
    said(network, of, with, sequence, 600_000).sign(&person(of), &peer(with))
}

/// A guest of a town: a wallet's connection without a wallet.
pub struct Guest {
    handle: NetworkHandle,
    _events: NetworkEvents,
}

impl Guest {
    /// Connects to one node of a town and says hello.
    pub async fn at(bootstrap: &Bootstrap, node: usize) -> Self {
        let node = &bootstrap.nodes()[node];
        let (handle, mut events) = network::start(NetworkConfig {
            identity: identity::keypair(rand::random()),
            network_name: bootstrap.network().parse().unwrap(),
            genesis: bootstrap.genesis().hash().0,
            role: Role::Wallet,
            version: "guest".to_owned(),
            boot_nonce: rand::random(),
            height: 0,
            listen: vec![],
            bootstrap: vec![(node.peer_id, node.addresses.clone())],
            validators: BTreeSet::new(),
            reach: Default::default(),
        })
        .await
        .unwrap();
        while !matches!(events.recv().await.unwrap(), Event::PeerUp { .. }) {}
        Self {
            handle,
            _events: events,
        }
    }

    /// Any bytes to the directory's service of a node.
    pub async fn say(
        &self,
        bootstrap: &Bootstrap,
        node: usize,
        bytes: Vec<u8>,
    ) -> Result<Vec<u8>, RequestError> {
        let peer = bootstrap.nodes()[node].peer_id;
        self.handle.request(peer, Service::Directory, bytes).await
    }

    /// Hands in cards and gets their marks.
    pub async fn put(&self, bootstrap: &Bootstrap, node: usize, cards: Vec<Card>) -> Vec<u8> {
        let request = Request::Put(cards).to_bytes();
        let answer = self.say(bootstrap, node, request).await.unwrap();
        match Answer::from_bytes(&answer).unwrap() {
            Answer::Put(marks) => marks,
            other => panic!("{other:?}"),
        }
    }

    /// Asks for cards.
    pub async fn ask(&self, bootstrap: &Bootstrap, node: usize, question: Question) -> Vec<Card> {
        self.try_ask(bootstrap, node, question).await.unwrap()
    }

    /// Asks for cards, where the node may be too busy to answer.
    pub async fn try_ask(
        &self,
        bootstrap: &Bootstrap,
        node: usize,
        question: Question,
    ) -> Option<Vec<Card>> {
        let request = Request::Ask(question).to_bytes();
        let answer = self.say(bootstrap, node, request).await.ok()?;
        match Answer::from_bytes(&answer).unwrap() {
            Answer::Cards(cards) => Some(cards),
            other => panic!("{other:?}"),
        }
    }
}

/// The card of a peer that a node holds.
pub async fn held(town: &Town, node: usize, peer: &PublicKey) -> Option<Card> {
    let directory = town.nodes[node].as_ref().unwrap().directory();
    directory.look().await.of_peer(peer).cloned()
}
