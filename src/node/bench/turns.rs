//! The order of a wallet's payments: while one is refused, the wallet's later ones wait with the load, as a wallet's own
//! queue has them wait. Handed in regardless, they could only be refused as well, or take a place that leads nowhere.
//!
//! Payments are numbers; payment `k` is of the wallet `k % wallets`, its later payments have greater numbers.
//! Next: `drive.rs`, which hands them in.

use std::collections::{BTreeSet, HashMap};

/// Whose turn it is.
pub struct Turns {
    wallets: usize,
    /// Of each wallet that was refused: the first such payment, and those that wait for it.
    refused: HashMap<usize, (usize, BTreeSet<usize>)>,
}

impl Turns {
    /// So many wallets, none of them refused.
    pub fn new(wallets: usize) -> Self {
        Self {
            wallets: wallets.max(1),
            refused: HashMap::new(),
        }
    }

    /// Has a payment wait if an earlier one of its wallet was refused; tells whether it does.
    pub fn waits(&mut self, number: usize) -> bool {
        match self.refused.get_mut(&(number % self.wallets)) {
            Some((first, behind)) if *first < number => {
                behind.insert(number);
                true
            }
            _ => false,
        }
    }

    /// A payment was refused; tells whether it is the one to be handed in again.
    pub fn refused(&mut self, number: usize) -> bool {
        if self.waits(number) {
            return false;
        }
        let place = self.refused.entry(number % self.wallets);
        let (first, behind) = place.or_insert_with(|| (number, BTreeSet::new()));
        if *first != number {
            behind.insert(*first);
            *first = number;
        }
        true
    }

    /// A payment was taken, or is final: those that waited for it, in their order.
    pub fn taken(&mut self, number: usize) -> BTreeSet<usize> {
        let wallet = number % self.wallets;
        match self.refused.get(&wallet) {
            Some((first, _)) if *first == number => self.refused.remove(&wallet),
            _ => None,
        }
        .map_or_else(BTreeSet::new, |(_, behind)| behind)
    }

    /// Only these go on waiting.
    pub fn retain(&mut self, mut which: impl FnMut(usize) -> bool) {
        for (_, behind) in self.refused.values_mut() {
            behind.retain(|number| which(*number));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_on_a_refused_payment_waits_until_that_is_taken() {
        let mut turns = Turns::new(3);
        assert!(!turns.waits(1));
        assert!(turns.refused(4));
        assert!(turns.waits(7) && turns.waits(10));
        assert!(!turns.waits(5), "another wallet's");
        assert!(!turns.waits(4) && !turns.waits(1));
        assert!(turns.taken(7).is_empty());
        assert!(Vec::from_iter(turns.taken(4)) == [7, 10]);
        assert!(!turns.waits(7));
    }

    #[test]
    fn of_several_that_were_refused_the_first_goes_first() {
        let mut turns = Turns::new(3);
        assert!(turns.refused(7));
        assert!(!turns.refused(10));
        assert!(turns.refused(4), "it was handed in before");
        assert!(turns.refused(4), "again");
        turns.retain(|number| number != 10);
        assert!(Vec::from_iter(turns.taken(4)) == [7]);
        assert!(turns.taken(4).is_empty());
    }
}
