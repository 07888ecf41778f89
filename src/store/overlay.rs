//! The recent part of the indexes, in memory: whatever was committed since the last checkpoint.
//!
//! Writing every transaction's id into a B-tree at each height would eat the machine (see the
//! storage facts), so the indexes go to the disk with the checkpoints, and look-ups ask the overlay
//! first. While a checkpoint is being written its part stays here, frozen, until the disk has it.
//!
//! Must never: forget an entry before it is durable elsewhere. Read next: `checkpoint.rs`.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Where something stands in the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The block's height.
    pub height: u64,
    /// The transaction's position in the block, from 0.
    pub position: u32,
}

/// One activity of one account: the seq-th time that a transaction touched it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ActivityEntry {
    /// The account's address.
    pub address: [u8; 32],
    /// The activity's number.
    pub seq: u64,
    /// The transaction's position in the block, from 0.
    pub position: u32,
    /// The head of the account's activity chain after it: where a page of its history begins.
    pub head: [u8; 32],
}

/// Where an activity stands, and the head of its account's chain after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActivityPlace {
    /// Where its transaction stands.
    pub place: Place,
    /// The chain's head after it.
    pub head: [u8; 32],
}

/// What a block adds to the indexes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BlockIndex {
    /// The ids of its transactions, in their order in the block.
    pub transactions: Vec<[u8; 32]>,
    /// The activities of the accounts that it touched.
    pub activities: Vec<ActivityEntry>,
}

/// A block to be appended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewBlock {
    /// Its height.
    pub height: u64,
    /// The block and its certificate, encoded.
    pub record: Vec<u8>,
    /// Its index entries.
    pub index: BlockIndex,
}

/// Changes to the state since the last checkpoint: a value, or `None` where the key is removed.
pub type StateChanges = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// The activity index' key: address 32 | seq u64 big-endian.
pub(super) type ActivityKey = [u8; 40];

/// The key of an account's activity.
pub(super) fn activity_key(address: &[u8; 32], seq: u64) -> ActivityKey {
    let mut key = [0; 40];
    key[..32].copy_from_slice(address);
    key[32..].copy_from_slice(&seq.to_be_bytes());
    key
}

/// Index entries of some heights.
///
/// What comes with every payment is hashed, by keys that no stranger knows, and sorted only when it is written: a
/// checkpoint's bytes on the disk do not depend on a map's order.
#[derive(Clone, Debug, Default)]
pub(super) struct Layer {
    /// Where the records begin in the block log.
    pub blocks: BTreeMap<u64, u64>,
    transactions: HashMap<[u8; 32], Place>,
    activities: HashMap<ActivityKey, ActivityPlace>,
}

impl Layer {
    fn add(&mut self, height: u64, index: &BlockIndex) {
        for (position, id) in (0..).zip(&index.transactions) {
            self.transactions.insert(*id, Place { height, position });
        }
        for entry in &index.activities {
            let place = Place {
                height,
                position: entry.position,
            };
            let head = entry.head;
            self.activities.insert(
                activity_key(&entry.address, entry.seq),
                ActivityPlace { place, head },
            );
        }
    }

    /// The transactions' places, in the order of their ids.
    pub fn transactions(&self) -> Vec<(&[u8; 32], &Place)> {
        sorted(&self.transactions)
    }

    /// The activities' places, in the order of their keys.
    pub fn activities(&self) -> Vec<(&ActivityKey, &ActivityPlace)> {
        sorted(&self.activities)
    }

    /// Takes the entries up to a height out of this layer.
    fn split_off_up_to(&mut self, height: u64, newest: u64) -> Self {
        // A checkpoint of all there is: nothing to sort.
        if newest <= height {
            return std::mem::take(self);
        }
        let Self {
            mut blocks,
            transactions,
            activities,
        } = std::mem::take(self);
        let new_blocks = blocks.split_off(&height.saturating_add(1));
        let (old, new) = (transactions.into_iter()).partition(|(_, place)| place.height <= height);
        let (old_activities, new_activities) =
            (activities.into_iter()).partition(|(_, activity)| activity.place.height <= height);
        *self = Self {
            blocks: new_blocks,
            transactions: new,
            activities: new_activities,
        };
        Self {
            blocks,
            transactions: old,
            activities: old_activities,
        }
    }
}

fn sorted<K: Ord, V>(map: &HashMap<K, V>) -> Vec<(&K, &V)> {
    let mut entries: Vec<_> = map.iter().collect();
    entries.sort_unstable_by(|one, other| one.0.cmp(other.0));
    entries
}

/// What a running checkpoint writes.
#[derive(Debug)]
pub(super) struct Frozen {
    pub height: u64,
    pub root: [u8; 32],
    pub layer: Layer,
    pub changes: StateChanges,
}

/// The indexes' recent part.
#[derive(Debug, Default)]
pub(super) struct Overlay {
    active: Layer,
    frozen: Option<Arc<Frozen>>,
    /// Changes of a checkpoint that was begun and given up: the next one writes them first.
    carried: StateChanges,
    /// Every height up to here is in the overlay or in the checkpoint.
    indexed: u64,
    /// The height of the checkpoint on the disk.
    checkpoint: u64,
}

impl Overlay {
    /// With the places of the blocks above the checkpoint; their indexes are added again.
    pub fn new(checkpoint: u64, blocks: BTreeMap<u64, u64>) -> Self {
        Self {
            active: Layer {
                blocks,
                ..Layer::default()
            },
            indexed: checkpoint,
            checkpoint,
            ..Self::default()
        }
    }

    pub fn indexed(&self) -> u64 {
        self.indexed
    }

    pub fn checkpoint(&self) -> u64 {
        self.checkpoint
    }

    pub fn running(&self) -> Option<u64> {
        self.frozen.as_ref().map(|frozen| frozen.height)
    }

    /// A block was appended, and its record begins there.
    pub fn place(&mut self, height: u64, offset: u64) {
        self.active.blocks.insert(height, offset);
    }

    /// Adds a height, which the caller holds to be the one after [`Overlay::indexed`].
    pub fn add(&mut self, height: u64, index: &BlockIndex) {
        self.active.add(height, index);
        self.indexed = height;
    }

    pub fn block(&self, height: u64) -> Option<u64> {
        self.find(|layer| layer.blocks.get(&height).copied())
    }

    pub fn transaction(&self, id: &[u8; 32]) -> Option<Place> {
        self.find(|layer| layer.transactions.get(id).copied())
    }

    pub fn activity(&self, key: &ActivityKey) -> Option<ActivityPlace> {
        self.find(|layer| layer.activities.get(key).copied())
    }

    fn find<T>(&self, look: impl Fn(&Layer) -> Option<T>) -> Option<T> {
        look(&self.active).or_else(|| self.frozen.as_ref().and_then(|frozen| look(&frozen.layer)))
    }

    /// Freezes what goes up to a height, for a checkpoint to write.
    pub fn freeze(&mut self, height: u64, root: [u8; 32], changes: StateChanges) -> Arc<Frozen> {
        let mut all = std::mem::take(&mut self.carried);
        all.extend(changes);
        let frozen = Arc::new(Frozen {
            height,
            root,
            layer: self.active.split_off_up_to(height, self.indexed),
            changes: all,
        });
        self.frozen = Some(frozen.clone());
        frozen
    }

    /// The frozen part is durable: look-ups find it on the disk from now on.
    pub fn settle(&mut self) {
        if let Some(frozen) = self.frozen.take() {
            self.checkpoint = frozen.height;
        }
    }

    /// The checkpoint was given up: its part is recent again.
    pub fn thaw(&mut self) {
        if let Some(frozen) = self.frozen.take() {
            self.active
                .blocks
                .extend(frozen.layer.blocks.iter().map(|(k, v)| (*k, *v)));
            self.active
                .transactions
                .extend(frozen.layer.transactions.iter().map(|(k, v)| (*k, *v)));
            self.active
                .activities
                .extend(frozen.layer.activities.iter().map(|(k, v)| (*k, *v)));
            self.carried = frozen.changes.clone();
        }
    }
}
