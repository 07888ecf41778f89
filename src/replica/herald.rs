//! The watchers, and the herald who tells the chain's newest block to those whom it does not concern, a few at a time.
//!
//! Whose payment is in a block hears of it at once. All others only follow the chain, and what they are told costs a
//! node more than anything else with a thousand of them: so they are told by turns, at most [`AT_ONCE`] every
//! [`PAUSE`], and each hears of the block that is the newest when its turn comes. Fewer than [`AT_ONCE`] watchers hear
//! of every block at once.
//!
//! Never: tell a watcher of blocks out of order. Next: `service.rs`, which opens watches and says what concerns whom.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound::{Excluded, Unbounded};
use std::time::Duration;

use super::Replica;
use super::effect::{Effect, WatchId};
use super::timers::TimerKey;
use crate::chain::key::Address;
use crate::chain::transaction::Transaction;

/// So many whom a block does not concern are told of it at once.
pub const AT_ONCE: usize = 16;
/// Then so long nobody. With [`AT_ONCE`]: 1,000 frames a second at most to a crowd, however many blocks there are.
pub const PAUSE: Duration = Duration::from_millis(16);

/// One watch.
#[derive(Debug)]
struct Watched {
    addresses: BTreeSet<Address>,
    /// The newest block it was told of.
    told: u64,
}

/// The newest block, as it is told to whom it does not concern.
#[derive(Debug, Default)]
struct News {
    height: u64,
    frame: Vec<u8>,
    /// Whose turn was the last.
    last: WatchId,
}

/// The open watches. Their number is bounded by the limits on streams.
#[derive(Debug, Default)]
pub struct Watchers {
    watched: BTreeMap<WatchId, Watched>,
    /// The same by address, so that a block costs by its transactions and not by who watches.
    by_address: BTreeMap<Address, BTreeSet<WatchId>>,
    news: News,
}

impl Watchers {
    /// A watch is over.
    pub fn close(&mut self, watch: WatchId) {
        let Some(watched) = self.watched.remove(&watch) else {
            return;
        };
        for address in watched.addresses {
            if let Some(watches) = self.by_address.get_mut(&address) {
                watches.remove(&watch);
                if watches.is_empty() {
                    self.by_address.remove(&address);
                }
            }
        }
    }

    /// A watch begins with the block of this height.
    pub(super) fn open(&mut self, watch: WatchId, addresses: BTreeSet<Address>, told: u64) {
        for address in &addresses {
            self.by_address.entry(*address).or_default().insert(watch);
        }
        self.watched.insert(watch, Watched { addresses, told });
    }

    /// Whether nobody watches.
    pub(super) fn is_empty(&self) -> bool {
        self.watched.is_empty()
    }

    /// Who watches the sender of a transaction, or the other account that it is an activity of.
    pub(super) fn concerned(&self, transaction: &Transaction) -> BTreeSet<WatchId> {
        let of = |address: &Address| self.by_address.get(address).into_iter().flatten().copied();
        let mut watches: BTreeSet<WatchId> = of(&transaction.sender).collect();
        watches.extend(transaction.other_party().iter().flat_map(of));
        watches
    }

    /// A watch has been told of the block of this height.
    pub(super) fn told(&mut self, watch: WatchId, height: u64) {
        if let Some(watched) = self.watched.get_mut(&watch) {
            watched.told = watched.told.max(height);
        }
    }

    /// Whose turn it is to hear of the newest block.
    fn next(&mut self) -> Vec<WatchId> {
        let News { height, last, .. } = self.news;
        let after = self.watched.range((Excluded(last), Unbounded));
        let around = after.chain(self.watched.range(..=last));
        let untold = around.filter(|(_, watched)| watched.told < height);
        let turn: Vec<WatchId> = untold.map(|(watch, _)| *watch).take(AT_ONCE).collect();
        for watch in &turn {
            self.told(*watch, height);
            self.news.last = *watch;
        }
        turn
    }
}

impl Replica {
    /// This block is the newest, and whom it concerns has been told.
    pub(super) fn herald(&mut self, height: u64, frame: Vec<u8>) {
        self.watchers.news.height = height;
        self.watchers.news.frame = frame;
        // Order: while others wait for their turn, the next turn has its time.
        if !self.timers.is_set(TimerKey::Herald) {
            self.tell_some();
        }
    }

    /// Tells those whose turn it is; the rest later.
    pub(super) fn tell_some(&mut self) {
        let turn = self.watchers.next();
        if turn.len() == AT_ONCE {
            let next = self.hands.now.elapsed + PAUSE;
            self.timers.set(TimerKey::Herald, next);
        }
        for watch in turn {
            let frame = self.watchers.news.frame.clone();
            self.hands.emit(Effect::Push { watch, frame });
        }
    }
}
