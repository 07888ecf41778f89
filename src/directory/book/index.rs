//! What finds cards otherwise than by peer: by account, by end, by neighbourhood.
//!
//! All of it follows from the cards; [`super::Book`] keeps the two in step.

use std::collections::BTreeSet;

use super::Standing;
use crate::chain::key::{Address, PublicKey};
use crate::directory::address::Subnet;
use crate::directory::card::Whereabouts;

/// The least key, and the greatest.
pub(super) const FIRST: PublicKey = PublicKey([0; 32]);
pub(super) const LAST: PublicKey = PublicKey([0xff; 32]);

/// Who gives way to whom, from low to high: by standing, and among equals withdrawals to cards that say where.
///
/// A withdrawal lasts a day and costs nothing to invent; when it has to go its number is remembered all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    standing: Standing,
    is_here: bool,
}

/// The number of ranks.
const RANKS: usize = 6;

impl Rank {
    fn place(self) -> usize {
        2 * self.standing as usize + usize::from(self.is_here)
    }
}

/// What of an entry decides where it is found.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub said: &'a Whereabouts,
    pub standing: Standing,
}

impl Place<'_> {
    /// Its rank.
    pub fn rank(&self) -> Rank {
        Rank {
            standing: self.standing,
            is_here: !self.said.is_gone(),
        }
    }

    /// The neighbourhoods in which it counts, each once. The verified list is the operator's own choice, so its peers
    /// neither count nor are counted.
    pub fn subnets(&self) -> BTreeSet<Subnet> {
        if self.standing == Standing::Verified {
            return BTreeSet::new();
        }
        let addresses = self.said.addresses().iter();
        addresses.filter_map(|address| address.subnet()).collect()
    }
}

/// The indexes.
#[derive(Debug, Clone, Default)]
pub(super) struct Index {
    by_account: BTreeSet<(Address, PublicKey)>,
    /// For each rank from low to high, by end.
    by_end: [BTreeSet<(u64, PublicKey)>; RANKS],
    by_subnet: BTreeSet<(Subnet, Standing, PublicKey)>,
}

impl Index {
    pub fn insert(&mut self, place: &Place<'_>) {
        let said = place.said;
        self.by_account.insert((said.account, said.peer));
        self.by_end[place.rank().place()].insert((said.ends_at_ms(), said.peer));
        for subnet in place.subnets() {
            self.by_subnet.insert((subnet, place.standing, said.peer));
        }
    }

    pub fn remove(&mut self, place: &Place<'_>) {
        let said = place.said;
        self.by_account.remove(&(said.account, said.peer));
        self.by_end[place.rank().place()].remove(&(said.ends_at_ms(), said.peer));
        for subnet in place.subnets() {
            self.by_subnet.remove(&(subnet, place.standing, said.peer));
        }
    }

    /// The peers of an account that have a card.
    pub fn peers_of(&self, account: &Address) -> impl Iterator<Item = &PublicKey> {
        let range = (*account, FIRST)..=(*account, LAST);
        self.by_account.range(range).map(|(_, peer)| peer)
    }

    /// The peers that count in a neighbourhood, those of the lowest standing first.
    pub fn peers_in(&self, subnet: Subnet) -> impl Iterator<Item = (Standing, &PublicKey)> {
        let range = (subnet, Standing::Stranger, FIRST)..=(subnet, Standing::Verified, LAST);
        let found = self.by_subnet.range(range);
        found.map(|(_, standing, peer)| (*standing, peer))
    }

    /// All peers of a lower rank, the lowest first, and of these those that end the soonest.
    pub fn below(&self, rank: Rank) -> impl Iterator<Item = &PublicKey> {
        let lower = self.by_end[..rank.place()].iter();
        lower.flat_map(|ends| ends.iter().map(|(_, peer)| peer))
    }

    /// A peer whose card has ended.
    pub fn first_ended(&self, now_ms: u64) -> Option<PublicKey> {
        let firsts = self.by_end.iter().filter_map(BTreeSet::first);
        let mut ended = firsts.filter(|(end_ms, _)| *end_ms <= now_ms);
        ended.next().map(|(_, peer)| *peer)
    }
}
