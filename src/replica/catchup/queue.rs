//! Blocks from peers on their way into the ledger: their signatures are checked on other threads, several parts at a time,
//! while earlier ones are executed and later ones fetched.
//!
//! Nothing more is asked for while it holds many signatures or many blocks: so it holds those and one answer at most.
//! Next: `catchup.rs`.

use std::collections::VecDeque;

use crate::chain::transaction::SignedTransaction;
use crate::replica::effect::Peer;
use crate::replica::inspect::{CheckId, FULL_CHECK};
use crate::replica::wire::{FinalBlock, MAX_BLOCKS};

/// Parts that are being checked at a time.
const CHECKS_AT_ONCE: usize = 4;
/// With as many signatures waiting, nothing more is fetched: about half of a full answer.
const ENOUGH: usize = 8 * FULL_CHECK;
/// Nor with as many blocks, which may be empty: two full answers.
const ENOUGH_BLOCKS: usize = 2 * MAX_BLOCKS;

/// Consecutive blocks that are checked together; not more than [`FULL_CHECK`] signatures if it is more than one.
#[derive(Debug)]
pub struct Part {
    /// Who gave them.
    pub peer: Peer,
    /// The blocks; without their transactions while those are being checked.
    pub blocks: Vec<FinalBlock>,
    /// Whether all their signatures are good.
    pub are_good: bool,
    counts: Vec<usize>,
    stage: Stage,
}

#[derive(Debug, PartialEq, Eq)]
enum Stage {
    Waiting,
    Checking(CheckId),
    Checked,
}

/// The parts, in the order of their heights.
#[derive(Debug, Default)]
pub struct Queue {
    parts: VecDeque<Part>,
    /// The height of its last block, while it holds any.
    last: u64,
}

impl Queue {
    /// Up to which height blocks are there, above this one.
    pub fn last(&self, height: u64) -> u64 {
        match self.parts.is_empty() {
            true => height,
            false => self.last.max(height),
        }
    }

    /// Whether there is room for what a peer may answer.
    pub fn has_room(&self) -> bool {
        let counts = || self.parts.iter().flat_map(|part| &part.counts);
        counts().sum::<usize>() < ENOUGH && counts().count() < ENOUGH_BLOCKS
    }

    /// Takes those of a peer's blocks in that follow on what is there.
    pub fn push(&mut self, height: u64, peer: Peer, blocks: Vec<FinalBlock>) {
        let mut next = self.last(height).saturating_add(1);
        for block in blocks {
            if block.block.header.height != next {
                continue;
            }
            let count = block.block.transactions.len();
            let open = self.parts.back_mut().filter(|part| {
                let fits = part.counts.iter().sum::<usize>() + count <= FULL_CHECK;
                part.stage == Stage::Waiting && part.peer == peer && fits
            });
            match open {
                Some(part) => {
                    part.blocks.push(block);
                    part.counts.push(count);
                }
                None => self.parts.push_back(Part {
                    peer,
                    blocks: vec![block],
                    are_good: false,
                    counts: vec![count],
                    stage: Stage::Waiting,
                }),
            }
            self.last = next;
            next = next.saturating_add(1);
        }
    }

    /// The transactions of the next part that is to be checked, if one is; it is then known by this number.
    pub fn check(&mut self, number: CheckId) -> Option<Vec<SignedTransaction>> {
        let is_checking = |part: &&Part| matches!(part.stage, Stage::Checking(_));
        if self.parts.iter().filter(is_checking).count() >= CHECKS_AT_ONCE {
            return None;
        }
        let part = (self.parts.iter_mut()).find(|part| part.stage == Stage::Waiting)?;
        part.stage = Stage::Checking(number);
        let taken = (part.blocks.iter_mut()).map(|one| std::mem::take(&mut one.block.transactions));
        Some(taken.flatten().collect())
    }

    /// Whether a part is being checked under this number.
    pub fn awaits(&self, number: CheckId) -> bool {
        let is_it = |part: &Part| part.stage == Stage::Checking(number);
        self.parts.iter().any(is_it)
    }

    /// A part was checked.
    pub fn checked(
        &mut self,
        number: CheckId,
        transactions: Vec<SignedTransaction>,
        good: &[bool],
    ) {
        let found = (self.parts.iter_mut()).find(|part| part.stage == Stage::Checking(number));
        let Some(part) = found else {
            return;
        };
        let mut transactions = transactions.into_iter();
        for (one, count) in part.blocks.iter_mut().zip(&part.counts) {
            one.block.transactions = transactions.by_ref().take(*count).collect();
        }
        part.are_good = good.iter().all(|is_good| *is_good);
        part.stage = Stage::Checked;
    }

    /// The first part, once it is checked.
    pub fn pop(&mut self) -> Option<Part> {
        match self.parts.front()?.stage {
            Stage::Checked => self.parts.pop_front(),
            _ => None,
        }
    }

    /// Forgets all there is: it does not follow on what the ledger holds.
    pub fn clear(&mut self) {
        self.parts.clear();
    }
}
