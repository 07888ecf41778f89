//! What waits to be agreed on, pure and bounded.
//!
//! Transactions wait here between their admission (signature and rules checked against the last block)
//! and a block. First come, first served; those of one sender in the order of their nonces. It must
//! never grow beyond its bounds, whatever strangers send.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::chain::key::{Address, PublicKey};
use crate::chain::transaction::{Operation, SignedTransaction, TransactionId};

#[cfg(test)]
mod tests;

/// Most transactions that wait.
pub const MAX_WAITING: usize = 20_000;

/// Most bytes that wait.
pub const MAX_WAITING_BYTES: usize = 8 << 20;

/// Most transactions of one sender that wait; also how far a nonce may be ahead of its account's.
pub const MAX_WAITING_PER_SENDER: usize = 64;

/// From so many on, what wallets hand in is no longer taken: the other places are for what other nodes have taken in, so
/// that what one node has told a wallet that it keeps finds a place at all of them.
pub const MAX_FROM_WALLETS: usize = MAX_WAITING / 2;

/// From so many on, a wallet's payment is taken only if those before it are here. Where many are refused, what came for a
/// nonce that was refused would fill all places, and nothing in them could become final.
pub const CROWDED: usize = MAX_WAITING / 8;

/// Arrivals between two searches of a full pool for what cannot go on, so that a crowd at the door costs little.
const ARRIVALS_BETWEEN_SEARCHES: u64 = 1024;

/// Why a transaction was not taken in. None of these is about the transaction's own validity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It waits here already.
    #[error("it waits already")]
    Known,
    /// Another transaction of the same sender and nonce waits.
    #[error(
        "transaction {other} with the same nonce waits already: only one of them can become final"
    )]
    NonceTaken {
        /// The one that waits.
        other: TransactionId,
    },
    /// Too many of this sender wait.
    #[error(
        "{MAX_WAITING_PER_SENDER} transactions of this sender wait already: wait until some are final"
    )]
    SenderFull,
    /// As many claims of this voucher wait as it has left: more can never become final.
    #[error("as many claims of this voucher wait as are left in it: try again in a moment")]
    VoucherFull,
    /// Too many of all wait.
    #[error("too many transactions wait: try again in a moment")]
    Full,
}

#[derive(Debug, Clone)]
struct Waiting {
    id: TransactionId,
    arrival: u64,
    size_bytes: usize,
    transaction: SignedTransaction,
}

/// The transactions that wait.
#[derive(Debug, Default)]
pub struct Mempool {
    senders: HashMap<Address, BTreeMap<u64, Waiting>>,
    arrivals: BTreeMap<u64, (Address, u64)>,
    ids: HashMap<TransactionId, (Address, u64)>,
    expiries: BTreeSet<(u64, u64)>,
    /// The claims of each voucher. Whoever has a voucher's secret makes claims for accounts that cost nothing, so the
    /// bound of a sender does not bound them.
    claims: HashMap<PublicKey, BTreeSet<TransactionId>>,
    next_arrival: u64,
    size_bytes: usize,
    /// The arrival from which on a full pool is searched again.
    next_search: u64,
}

impl Mempool {
    /// How many wait.
    pub fn len(&self) -> usize {
        self.arrivals.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.arrivals.is_empty()
    }

    /// Bytes of all that wait.
    pub fn size_bytes(&self) -> usize {
        self.size_bytes
    }

    /// Whether this transaction waits.
    pub fn contains(&self, id: &TransactionId) -> bool {
        self.ids.contains_key(id)
    }

    /// The transaction that waits under an id.
    pub fn get(&self, id: &TransactionId) -> Option<&SignedTransaction> {
        let (sender, nonce) = self.ids.get(id)?;
        Some(&self.senders.get(sender)?.get(nonce)?.transaction)
    }

    /// How many claims of a voucher wait.
    pub fn claims_of(&self, voucher: &PublicKey) -> usize {
        self.claims.get(voucher).map_or(0, BTreeSet::len)
    }

    /// Removes what can no longer become final: claims of a voucher in which nothing is left.
    pub fn remove_claims(&mut self, voucher: &PublicKey) {
        for id in self.claims.remove(voucher).unwrap_or_default() {
            self.remove(&id);
        }
    }

    /// Takes in a transaction whose identity is this, and whose signature and rules were checked. `next_nonce` tells
    /// the nonce that a sender's next transaction must have.
    ///
    /// Where as many of a sender wait as may, the last of them gives way to one before it. A full pool makes room for
    /// what can go on by dropping what waits for a nonce that is not here: else a few accounts whose first transaction
    /// never comes could keep everybody out for as long as theirs are valid.
    ///
    /// # Errors
    /// A [`Refusal`]; what can go on is then as it was.
    pub fn insert(
        &mut self,
        id: TransactionId,
        transaction: SignedTransaction,
        next_nonce: impl Fn(&Address) -> u64,
    ) -> Result<(), Refusal> {
        if self.contains(&id) {
            return Err(Refusal::Known);
        }
        let (sender, nonce) = (
            transaction.transaction.sender,
            transaction.transaction.nonce,
        );
        if let Some(queue) = self.senders.get(&sender) {
            if let Some(other) = queue.get(&nonce) {
                return Err(Refusal::NonceTaken { other: other.id });
            }
            // What comes before the last of them takes its place: else 64 that wait for one nonce would keep just that
            // one out, and the sender could pay no more until they expire.
            let is_last = queue.last_key_value().is_none_or(|(last, _)| nonce > *last);
            if queue.len() >= MAX_WAITING_PER_SENDER && is_last {
                return Err(Refusal::SenderFull);
            }
        }
        let size_bytes = transaction.size_bytes();
        if self.is_too_full_for(size_bytes) {
            if self.can_go_on(&sender, nonce, next_nonce(&sender)) {
                self.drop_stranded(next_nonce);
            }
            if self.is_too_full_for(size_bytes) {
                return Err(Refusal::Full);
            }
        }
        self.make_room_for_sender(&sender);
        let arrival = self.next_arrival;
        self.next_arrival += 1;
        self.size_bytes += size_bytes;
        self.arrivals.insert(arrival, (sender, nonce));
        self.ids.insert(id, (sender, nonce));
        if let Some(voucher) = claimed(&transaction) {
            self.claims.entry(voucher).or_default().insert(id);
        }
        self.expiries
            .insert((transaction.transaction.valid_until, arrival));
        self.senders.entry(sender).or_default().insert(
            nonce,
            Waiting {
                id,
                arrival,
                size_bytes,
                transaction,
            },
        );
        Ok(())
    }

    /// Drops the last of a sender of whom as many wait as may. The sender can hand it in again.
    fn make_room_for_sender(&mut self, sender: &Address) {
        let queue = self.senders.get(sender);
        let full = queue.filter(|queue| queue.len() >= MAX_WAITING_PER_SENDER);
        if let Some(last) = full.and_then(|queue| queue.values().next_back()) {
            let id = last.id;
            self.remove(&id);
        }
    }

    /// Whether all places are taken, and a search for what cannot go on would find nothing new.
    pub fn is_shut(&self) -> bool {
        self.len() >= MAX_WAITING && self.next_arrival < self.next_search
    }

    /// Whether `more` from wallets may come to what waits.
    pub fn admits_from_wallets(&self, more: usize) -> bool {
        self.len() + more <= MAX_FROM_WALLETS && self.size_bytes <= MAX_WAITING_BYTES / 2
    }

    /// Whether a wallet's transaction has to wait outside until those before it are here. `next_nonce` is the one that its
    /// sender's next transaction must have.
    pub fn is_too_early(&self, transaction: &SignedTransaction, next_nonce: u64) -> bool {
        let inner = &transaction.transaction;
        self.len() >= CROWDED && !self.can_go_on(&inner.sender, inner.nonce, next_nonce)
    }

    fn is_too_full_for(&self, size_bytes: usize) -> bool {
        self.len() >= MAX_WAITING || self.size_bytes + size_bytes > MAX_WAITING_BYTES
    }

    /// Whether every nonce of `sender` from the `next` one up to this one waits here.
    fn can_go_on(&self, sender: &Address, nonce: u64, next: u64) -> bool {
        let queue = self.senders.get(sender);
        let waits = |before: u64| queue.is_some_and(|queue| queue.contains_key(&before));
        // No queue is longer than its bound, so neither is this walk.
        (next..nonce).take(MAX_WAITING_PER_SENDER + 1).all(waits)
    }

    /// Drops what waits for a nonce that is not here, if enough has come since the last time. Its sender can hand it in again.
    pub fn drop_stranded(&mut self, next_nonce: impl Fn(&Address) -> u64) {
        if self.next_arrival < self.next_search {
            return;
        }
        self.next_search = self.next_arrival + ARRIVALS_BETWEEN_SEARCHES;
        let mut stranded = Vec::new();
        for (sender, queue) in &self.senders {
            let mut next = next_nonce(sender);
            for (nonce, waiting) in queue {
                match *nonce == next {
                    true => next = next.saturating_add(1),
                    false => stranded.push(waiting.id),
                }
            }
        }
        for id in &stranded {
            self.remove(id);
        }
    }

    /// What a proposer may put into a block, in the order to be tried, up to `limit` transactions.
    /// `next_nonce` tells the nonce that a sender's next transaction must have.
    pub fn candidates(
        &self,
        limit: usize,
        next_nonce: impl Fn(&Address) -> u64,
    ) -> Vec<SignedTransaction> {
        let mut chosen = Vec::new();
        let mut expected: BTreeMap<Address, u64> = BTreeMap::new();
        for (arrival, (sender, _)) in &self.arrivals {
            if chosen.len() >= limit {
                break;
            }
            let Some(queue) = self.senders.get(sender) else {
                continue;
            };
            let next = expected
                .entry(*sender)
                .or_insert_with(|| next_nonce(sender));
            // A nonce that came early waits for those before it, and then follows at once.
            while let Some(waiting) = queue.get(next)
                && waiting.arrival <= *arrival
                && chosen.len() < limit
            {
                chosen.push(waiting.transaction.clone());
                *next += 1;
            }
        }
        chosen
    }

    /// The transactions that have waited longest, for telling them to others again.
    pub fn oldest(&self, limit: usize) -> impl Iterator<Item = &SignedTransaction> {
        self.arrivals
            .values()
            .take(limit)
            .filter_map(|(sender, nonce)| Some(&self.senders.get(sender)?.get(nonce)?.transaction))
    }

    /// Removes one transaction.
    pub fn remove(&mut self, id: &TransactionId) -> Option<SignedTransaction> {
        let (sender, nonce) = self.ids.remove(id)?;
        let queue = self.senders.get_mut(&sender)?;
        let waiting = queue.remove(&nonce)?;
        if queue.is_empty() {
            self.senders.remove(&sender);
        }
        self.arrivals.remove(&waiting.arrival);
        self.expiries
            .remove(&(waiting.transaction.transaction.valid_until, waiting.arrival));
        self.size_bytes -= waiting.size_bytes;
        if let Some(voucher) = claimed(&waiting.transaction)
            && let Some(claims) = self.claims.get_mut(&voucher)
        {
            claims.remove(id);
            if claims.is_empty() {
                self.claims.remove(&voucher);
            }
        }
        Some(waiting.transaction)
    }

    /// Removes what can no longer become final: nonces of `sender` below `next_nonce`.
    pub fn remove_used(&mut self, sender: &Address, next_nonce: u64) -> Vec<TransactionId> {
        let used: Vec<TransactionId> = self
            .senders
            .get(sender)
            .into_iter()
            .flat_map(|queue| queue.range(..next_nonce).map(|(_, waiting)| waiting.id))
            .collect();
        for id in &used {
            self.remove(id);
        }
        used
    }

    /// Removes what can no longer become final: those valid only up to `height`.
    pub fn remove_expired(&mut self, height: u64) -> Vec<SignedTransaction> {
        let mut expired = Vec::new();
        while let Some((valid_until, arrival)) = self.expiries.first().copied()
            && valid_until <= height
        {
            let place = self.arrivals.get(&arrival).copied();
            let id =
                place.and_then(|(sender, nonce)| Some(self.senders.get(&sender)?.get(&nonce)?.id));
            match id.and_then(|id| self.remove(&id)) {
                Some(transaction) => expired.push(transaction),
                None => {
                    self.expiries.pop_first();
                }
            }
        }
        expired
    }
}

/// The voucher that a transaction claims.
fn claimed(one: &SignedTransaction) -> Option<PublicKey> {
    match one.transaction.operation {
        Operation::ClaimVoucher { voucher, .. } => Some(voucher),
        _ => None,
    }
}
