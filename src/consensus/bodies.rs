//! The blocks of the height under way: agreement is on their identities, decisions need them whole.
//!
//! Bounded, whatever is proposed. It must never let go of the block that this node would propose again
//! (law 6); everything else can be fetched with its certificate once others have decided it.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::chain::block::Block;
use crate::chain::hash::Hash;

/// Most blocks kept. The engine admits at most a few a round, so these are the rounds of many minutes.
pub const MAX_BODIES: usize = 64;

/// Blocks by identity, each with the last round in which it was proposed.
#[derive(Default)]
pub struct Bodies {
    kept: BTreeMap<Hash, (u32, Arc<Block>)>,
}

impl Bodies {
    /// The block of an identity.
    pub fn get(&self, id: &Hash) -> Option<&Arc<Block>> {
        self.kept.get(id).map(|(_, block)| block)
    }

    /// Keeps a block of a round. Too many: one of the earliest round goes, but never `needed`.
    pub fn keep(&mut self, round: u32, block: Arc<Block>, needed: Option<Hash>) {
        let id = block.id();
        let entry = self.kept.entry(id).or_insert((round, block));
        entry.0 = entry.0.max(round);
        if self.kept.len() > MAX_BODIES {
            let others = self.kept.iter().filter(|(other, _)| **other != id);
            let earliest = others
                .filter(|(other, _)| Some(**other) != needed)
                .min_by_key(|(_, (round, _))| *round)
                .map(|(other, _)| *other);
            if let Some(earliest) = earliest {
                self.kept.remove(&earliest);
            }
        }
    }

    /// Lets go of all blocks of a height that is over.
    pub fn clear(&mut self) {
        self.kept.clear();
    }
}
