//! The publisher: whoever has a card of their own, its number, and when it is due anew.
//!
//! A card is due when there is none, when half of its life is over, and when its addresses have changed. Its number is
//! made first and kept durably by the caller, then the card is signed; so no number is ever used twice.
//! Never: a clock, a disk, a word to anybody. Next: [`super::keeper`] for a node's hands on it.

use super::address::{Endpoint, Scope};
use super::card::{Addresses, Card, MAX_ADDRESSES, Presence, Role, Whereabouts, next_sequence};
use crate::chain::hash::Hash;
use crate::chain::key::{PublicKey, SecretKey};
use std::num::NonZeroU32;

/// Who publishes.
#[derive(Debug, Clone)]
pub struct Owner {
    /// The network's genesis hash.
    pub network: Hash,
    /// The account's key.
    pub account: SecretKey,
    /// The peer's key; a node's is its account's too.
    pub peer: SecretKey,
    /// What the peer is.
    pub role: Role,
}

/// The owner's present card, and its number.
#[derive(Debug)]
pub struct Publisher {
    owner: Owner,
    last: Option<u64>,
    addresses: Addresses,
    /// What stands; `None` if something new is to be said.
    stands: Option<Card>,
}

impl Publisher {
    /// A publisher whose last number was this, as far as is known.
    pub fn new(owner: Owner, last: Option<u64>) -> Self {
        Self {
            owner,
            last,
            addresses: Addresses::default(),
            stands: None,
        }
    }

    /// The peer that it speaks for.
    pub fn peer(&self) -> PublicKey {
        self.owner.peer.public()
    }

    /// The card that stands.
    pub fn card(&self) -> Option<&Card> {
        self.stands.as_ref()
    }

    /// Where the peer can be dialled from now on; a card is due if that is news.
    pub fn set_addresses(&mut self, addresses: Addresses) {
        if self.addresses != addresses {
            self.addresses = addresses;
            self.stands = None;
        }
    }

    /// A number that the owner has used, in an earlier life that has left no memory: the next is greater.
    ///
    /// Tells whether that is news; a card is due then, since others hold that one.
    pub fn learn(&mut self, sequence: u64) -> bool {
        let is_news = self.last.is_none_or(|last| sequence > last);
        if is_news {
            self.last = Some(sequence);
            self.stands = None;
        }
        is_news
    }

    /// When the next card is due, milliseconds since 1970; 0 if it is now.
    pub fn due_at_ms(&self) -> u64 {
        let stands = self.stands.as_ref();
        stands.map_or(0, |card| card.whereabouts.refresh_at_ms())
    }

    /// The next number, to be kept durably before a card is signed with it; `None` once the numbers are used up.
    pub fn number(&self, now_ms: u64) -> Option<u64> {
        next_sequence(self.last, now_ms)
    }

    /// Signs the card with this number.
    pub fn sign(&mut self, sequence: u64, now_ms: u64) -> Card {
        let ttl_ms = NonZeroU32::new(self.owner.role.max_ttl_ms()).expect("no role's life is zero");
        let addresses = self.addresses.clone();
        let card = self.signed(sequence, now_ms, Presence::Here { ttl_ms, addresses });
        self.stands = Some(card.clone());
        card
    }

    /// Signs the withdrawal with this number.
    pub fn withdraw(&mut self, sequence: u64, now_ms: u64) -> Card {
        self.signed(sequence, now_ms, Presence::Gone)
    }

    fn signed(&mut self, sequence: u64, issued_at_ms: u64, presence: Presence) -> Card {
        let owner = &self.owner;
        let said = Whereabouts {
            network: owner.network,
            account: owner.account.address(),
            peer: owner.peer.public(),
            sequence,
            issued_at_ms,
            role: owner.role,
            presence,
        };
        self.last = Some(sequence);
        said.sign(&owner.account, &owner.peer)
    }
}

/// Of a peer's own addresses those that are worth publishing where the network reaches so far, the first ones, each once.
///
/// Addresses that reach less far would send others to machines of their own.
pub fn worth_publishing(own: impl IntoIterator<Item = Endpoint>, reach: Scope) -> Addresses {
    let mut chosen: Vec<Endpoint> = Vec::new();
    for endpoint in own {
        if endpoint.scope() >= reach && !chosen.contains(&endpoint) && chosen.len() < MAX_ADDRESSES
        {
            chosen.push(endpoint);
        }
    }
    Addresses::new(chosen).expect("few, and each once")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::testing::{NETWORK, NOW_MS, account, at, peer};

    fn publisher(last: Option<u64>) -> Publisher {
        let owner = Owner {
            network: NETWORK,
            account: account(1),
            peer: peer(1),
            role: Role::Wallet,
        };
        Publisher::new(owner, last)
    }

    fn publish(publisher: &mut Publisher, now_ms: u64) -> Card {
        let number = publisher.number(now_ms).unwrap();
        publisher.sign(number, now_ms)
    }

    #[test]
    fn a_card_is_due_at_once_at_half_of_its_life_and_when_the_addresses_change() {
        let mut publisher = publisher(None);
        assert_eq!(publisher.due_at_ms(), 0);
        let first = publish(&mut publisher, NOW_MS);
        first.clone().prove().expect("both have signed");
        assert_eq!(publisher.due_at_ms(), NOW_MS + 5 * 60 * 1000);
        publisher.set_addresses(Addresses::default());
        assert_ne!(publisher.due_at_ms(), 0, "the same addresses are no news");
        publisher.set_addresses(Addresses::new(vec![at("198.51.100.7")]).unwrap());
        assert_eq!(publisher.due_at_ms(), 0);
        let second = publish(&mut publisher, NOW_MS);
        assert_eq!(second.whereabouts.sequence, NOW_MS + 1);
        assert_eq!(second.whereabouts.addresses(), [at("198.51.100.7")]);
    }

    #[test]
    fn a_number_that_was_forgotten_is_learnt_and_passed() {
        let mut publisher = publisher(Some(NOW_MS + 7));
        assert_eq!(publisher.number(NOW_MS), Some(NOW_MS + 8));
        publish(&mut publisher, NOW_MS);
        assert!(!publisher.learn(NOW_MS + 8), "it is our own present one");
        assert!(publisher.learn(NOW_MS + 90));
        assert_eq!(publisher.due_at_ms(), 0);
        assert_eq!(publisher.number(NOW_MS), Some(NOW_MS + 91));
    }

    #[test]
    fn a_withdrawal_has_a_number_of_its_own_and_no_address() {
        let mut publisher = publisher(None);
        publisher.set_addresses(Addresses::new(vec![at("198.51.100.7")]).unwrap());
        let card = publish(&mut publisher, NOW_MS);
        let number = publisher.number(NOW_MS).unwrap();
        let gone = publisher.withdraw(number, NOW_MS);
        assert!(
            gone.whereabouts.is_gone() && gone.whereabouts.sequence > card.whereabouts.sequence
        );
        gone.prove().expect("both have signed");
    }

    #[test]
    fn only_what_reaches_as_far_as_the_network_is_published() {
        let own = ["127.0.0.1", "192.168.1.7", "198.51.100.7", "198.51.100.7"];
        let at_reach = |reach| {
            let chosen = worth_publishing(own.map(at), reach);
            chosen.as_slice().to_vec()
        };
        assert_eq!(at_reach(Scope::Public), [at("198.51.100.7")]);
        assert_eq!(
            at_reach(Scope::Private),
            [at("192.168.1.7"), at("198.51.100.7")]
        );
        assert_eq!(at_reach(Scope::Loopback).len(), 3);
        let many = (1..20u8).map(|n| at(&format!("198.51.100.{n}")));
        let chosen = worth_publishing(many, Scope::Public);
        assert_eq!(chosen.as_slice().len(), MAX_ADDRESSES);
    }
}
