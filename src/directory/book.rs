//! The book of cards: one card a peer, the newest; bounded; the same cards, the same digest.
//!
//! Rules D5 and D9 to D12 are kept here. What may stand in the book and what must leave it is decided by four things
//! only: the card's number, its end, its standing, and who was there first. Nothing a stranger invents takes the place
//! of a card of higher standing, or of one that is there already.
//! Never: a clock, a dial, a signature check (a [`SoundCard`] has been checked). Each method that takes the time first
//! lets go of what has ended. Next: `caps.rs` for who gives way, `reconcile.rs` for digests and differences,
//! `saved.rs` for the form on disk; [`super::exchange`] for what two books say to each other.

mod caps;
mod index;
mod numbers;
mod reconcile;
mod saved;

use std::collections::BTreeMap;

use self::index::{Index, Place};
use self::numbers::Numbers;
use self::reconcile::Buckets;
pub use self::reconcile::{BUCKETS, Digest, ShortId};
pub use self::saved::SavedFault;
use super::card::{Card, SoundCard, Whereabouts};
use super::refusal::Refusal;
use crate::chain::hash::Hash;
use crate::chain::key::{Address, PublicKey};

/// Most cards of an account, withdrawals included.
pub const MAX_PER_ACCOUNT: usize = 4;
/// Most cards whose own public addresses lie in one /24 or /48.
pub const MAX_PER_SUBNET: usize = 16;
/// Most cards of a book.
pub const MAX_CARDS: usize = 1 << 17;

/// What the reader knows of a card's owner, from low to high.
///
/// It is the caller's word, never the card's: anybody can make accounts and peers, but not a place in the ledger or
/// in the bootstrap file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing {
    /// Nothing.
    Stranger,
    /// The account is in the ledger.
    Member,
    /// The peer is in the bootstrap file's verified list.
    Verified,
}

/// What became of a card that was not refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It was there already: nothing to tell anybody.
    Known,
    /// Its peer had none.
    Added,
    /// It took the place of its peer's earlier one.
    Replaced,
}

/// A card in the book.
#[derive(Debug, Clone)]
struct Entry {
    card: SoundCard,
    id: Hash,
    standing: Standing,
}

impl Entry {
    fn place(&self) -> Place<'_> {
        Place {
            said: self.card.whereabouts(),
            standing: self.standing,
        }
    }
}

/// The cards of one network.
#[derive(Debug, Clone)]
pub struct Book {
    network: Hash,
    max_cards: usize,
    cards: BTreeMap<PublicKey, Entry>,
    index: Index,
    numbers: Numbers,
    buckets: Buckets,
}

impl Book {
    /// An empty book for the network of this genesis, of at most [`MAX_CARDS`].
    pub fn new(network: Hash) -> Self {
        Self::with_room(network, MAX_CARDS)
    }

    /// An empty book of another size: a wallet needs few cards.
    pub fn with_room(network: Hash, max_cards: usize) -> Self {
        Self {
            network,
            max_cards,
            cards: BTreeMap::new(),
            index: Index::default(),
            numbers: Numbers::with_room(max_cards),
            buckets: Buckets::default(),
        }
    }

    /// The genesis hash of its network.
    pub fn network(&self) -> Hash {
        self.network
    }

    /// The number of its cards, withdrawals included.
    pub fn len(&self) -> usize {
        self.cards.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.cards.is_empty()
    }

    /// The peer's card, which may be a withdrawal.
    pub fn of_peer(&self, peer: &PublicKey) -> Option<&Card> {
        self.cards.get(peer).map(|entry| entry.card.card())
    }

    /// The account's cards: at most [`MAX_PER_ACCOUNT`], the newest first.
    pub fn of_account(&self, account: &Address) -> Vec<&Card> {
        let peers = self.index.peers_of(account);
        let mut cards: Vec<&Card> = peers.filter_map(|peer| self.of_peer(peer)).collect();
        cards.sort_by_key(|card| std::cmp::Reverse(card.whereabouts.sequence));
        cards
    }

    /// All cards with their standing, by peer.
    pub fn cards(&self) -> impl Iterator<Item = (&Card, Standing)> {
        let entries = self.cards.values();
        entries.map(|entry| (entry.card.card(), entry.standing))
    }

    /// Tries the rules D1 to D5 on a card whose signatures have not been checked, to spare the check where it is
    /// useless. Proves nothing.
    ///
    /// # Errors
    /// The first rule broken.
    pub fn consider(&self, said: &Whereabouts, now_ms: u64) -> Result<(), Refusal> {
        said.examine(&self.network, now_ms)?;
        self.number_is_not_old(said)
    }

    /// Takes a card.
    ///
    /// # Errors
    /// The first rule broken, of D1 to D5 and D9 to D12; the book is then as it was, but for what has ended.
    pub fn put(
        &mut self,
        card: SoundCard,
        standing: Standing,
        now_ms: u64,
    ) -> Result<Taken, Refusal> {
        self.expire(now_ms);
        let said = card.whereabouts();
        self.consider(said, now_ms)?;
        let (peer, id) = (said.peer, said.id());
        let before = self.cards.get(&peer);
        if let Some(before) = before {
            if before.id == id {
                self.stand(&peer, standing);
                return Ok(Taken::Known);
            }
            is_not_contradicted(before, said, &id)?;
        }
        let taken = match before {
            Some(_) => Taken::Replaced,
            None => Taken::Added,
        };
        // Order: who gives way is known before anybody does, so that a refusal changes nothing.
        let leaving = self.who_gives_way(Place { said, standing })?;
        for other in leaving {
            self.remove_remembering(&other);
        }
        self.remove(&peer);
        self.insert(Entry { card, id, standing });
        Ok(taken)
    }

    /// Lets go of the cards whose life is over, remembering their numbers for a day. Gives how many went.
    pub fn expire(&mut self, now_ms: u64) -> usize {
        let mut gone = 0;
        while let Some(peer) = self.index.first_ended(now_ms) {
            self.remove_remembering(&peer);
            gone += 1;
        }
        self.numbers.expire(now_ms);
        gone
    }

    /// D5: "Its number is not below the greatest known of its peer."
    fn number_is_not_old(&self, said: &Whereabouts) -> Result<(), Refusal> {
        let held = self.cards.get(&said.peer);
        let held = held.map(|entry| entry.card.whereabouts().sequence);
        let Some(known) = held.max(self.numbers.of(&said.peer)) else {
            return Ok(());
        };
        if said.sequence >= known {
            return Ok(());
        }
        Err(Refusal::Stale {
            sequence: said.sequence,
            known,
        })
    }

    /// What the reader knows of the owner may change while the card stays.
    fn stand(&mut self, peer: &PublicKey, standing: Standing) {
        let Some(entry) = self.cards.get_mut(peer) else {
            return;
        };
        if entry.standing == standing {
            return;
        }
        self.index.remove(&entry.place());
        entry.standing = standing;
        self.index.insert(&entry.place());
    }

    fn insert(&mut self, entry: Entry) {
        let peer = entry.card.whereabouts().peer;
        self.numbers.forget(&peer);
        self.index.insert(&entry.place());
        self.buckets.added(&peer);
        self.cards.insert(peer, entry);
    }

    fn remove(&mut self, peer: &PublicKey) -> Option<Entry> {
        let entry = self.cards.remove(peer)?;
        self.index.remove(&entry.place());
        self.buckets.removed(peer);
        Some(entry)
    }

    fn remove_remembering(&mut self, peer: &PublicKey) {
        if let Some(entry) = self.remove(peer) {
            self.numbers.remember(entry.card.whereabouts());
        }
    }
}

/// D9: "Of two cards of one peer with one number, the one with the smaller identity stays, on every node and in any
/// order of coming." So that nodes need not agree on which came first, and still hold the same.
fn is_not_contradicted(before: &Entry, said: &Whereabouts, id: &Hash) -> Result<(), Refusal> {
    let sequence = said.sequence;
    if before.card.whereabouts().sequence == sequence && before.id < *id {
        return Err(Refusal::Contradiction {
            sequence,
            kept: before.id,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
