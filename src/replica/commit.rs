//! Committing a final block: the one way, whether it was agreed on here or taken from a peer.
//!
//! Order: durable first ([`Effect::Commit`]), then the state in memory, then everybody is told. The hands
//! stop at a failed commit, so nothing behind it happens.

use std::collections::HashSet;

use super::Replica;
use super::effect::{Effect, Halt, Note};
use super::wire::final_block_bytes;
use crate::chain::block::Block;
use crate::chain::certificate::Certificate;
use crate::chain::hash::Hash;
use crate::chain::key::{Address, PublicKey};
use crate::chain::ledger::{BlockError, Execution, Ledger, Tip};
use crate::chain::query::Certified;
use crate::mutation::{self, Mutation};
use crate::store::{ActivityEntry, BlockIndex, Checkpoint, NewBlock, StateChanges};

/// When a checkpoint is written: at the first of these that is reached since the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CheckpointPace {
    /// Blocks.
    pub blocks: u64,
    /// Transactions: what a start executes again, and what of the indexes is held in memory.
    pub transactions: usize,
    /// Accounts that have changed: what is encoded at once.
    pub accounts: usize,
}

impl Default for CheckpointPace {
    fn default() -> Self {
        Self {
            blocks: 1_000,
            transactions: 50_000,
            accounts: 20_000,
        }
    }
}

/// What the next checkpoint has to write.
#[derive(Debug, Default)]
pub struct Pending {
    /// The accounts that have changed. Sorted before anything comes of them.
    accounts: HashSet<Address>,
    /// The vouchers that have changed or gone. Sorted, too.
    vouchers: HashSet<PublicKey>,
    /// How many transactions they come from.
    transactions: usize,
}

impl Pending {
    /// Everything there is.
    pub fn all(ledger: &Ledger) -> Self {
        Self {
            accounts: ledger.addresses().copied().collect(),
            vouchers: ledger.voucher_keys().copied().collect(),
            transactions: 0,
        }
    }

    /// The accounts and vouchers as they are now, in order.
    fn changes(self, ledger: &Ledger) -> StateChanges {
        let mut accounts: Vec<Address> = self.accounts.into_iter().collect();
        accounts.sort_unstable();
        let mut vouchers: Vec<PublicKey> = self.vouchers.into_iter().collect();
        vouchers.sort_unstable();
        let entries = accounts.iter().filter_map(|one| ledger.entry(one));
        let entries = entries.chain(vouchers.iter().map(|one| ledger.voucher_entry(one)));
        entries.map(|entry| (entry.key, entry.value)).collect()
    }
}

/// Where a final block came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// We took part in deciding it, or watched.
    Agreed,
    /// A peer gave it to us with its certificate.
    CaughtUp,
}

impl Replica {
    /// Commits the block that was agreed on here.
    pub(super) fn commit_decided(&mut self, block: &Block, certificate: Certificate) {
        let known = self.round.judged.remove(&block.id()).flatten();
        let execution = known.map_or_else(|| self.examine_certified(block), Ok);
        let begin = self.hands.effects.len();
        let committed = self.commit(block, certificate, execution, Origin::Agreed);
        self.keep(begin, committed.into_iter().collect());
    }

    /// What is emitted from `begin` on, happens when these blocks are durable.
    pub(super) fn keep(&mut self, begin: usize, blocks: Vec<NewBlock>) {
        if blocks.is_empty() {
            return;
        }
        self.hands.effects.insert(begin, Effect::Commit(blocks));
        if mutation::is_on(Mutation::ToldBeforeDurable) {
            self.hands.effects[begin..].rotate_left(1);
        }
    }

    /// Takes the block of the next height into the state, and has everybody told. Its certificate was checked.
    ///
    /// What it returns must be durable ([`Self::keep`]) before any effect that it has emitted is performed.
    pub(super) fn commit(
        &mut self,
        block: &Block,
        certificate: Certificate,
        execution: Result<Execution, BlockError>,
        origin: Origin,
    ) -> Option<NewBlock> {
        let execution = match execution {
            Ok(execution) => execution,
            Err(error) => {
                self.hands.emit(Effect::Halt(Halt::Diverged {
                    height: block.header.height,
                    reason: error.to_string(),
                }));
                return None;
            }
        };
        let height = block.header.height;
        let index = index_of(&execution);
        let record = final_block_bytes(block, &certificate);
        let round = certificate.round;
        if !self.apply(block, certificate, execution) {
            return None;
        }
        self.hands.emit(Effect::Note(Note::Final {
            height,
            round,
            transactions: block.transactions.len(),
            is_caught_up: origin == Origin::CaughtUp,
        }));
        self.hands.emit(Effect::Height(height));
        self.clear_mempool(block, &index.transactions);
        self.tell_watchers(block);
        self.checkpoint_if_due();
        Some(NewBlock {
            height,
            record,
            index,
        })
    }

    /// Moves the state in memory on to the block.
    pub(super) fn apply(
        &mut self,
        block: &Block,
        certificate: Certificate,
        execution: Execution,
    ) -> bool {
        self.books.note_changes(&execution);
        if let Err(fault) = self.books.ledger.commit(execution.changes) {
            self.hands.emit(Effect::Halt(Halt::Ledger(fault)));
            return false;
        }
        self.head.tip = Tip::after(&block.header);
        self.head.committed_at = Some(self.hands.now.elapsed);
        self.head.certified = Some(Certified {
            header: block.header.clone(),
            certificate,
        });
        true
    }

    fn clear_mempool(&mut self, block: &Block, ids: &[[u8; 32]]) {
        for (transaction, id) in block.transactions.iter().zip(ids) {
            self.mempool.remove(&Hash(*id));
            let sender = &transaction.transaction.sender;
            let next = self.books.ledger.account(sender);
            let next = next.map_or(0, |account| account.nonce);
            self.mempool.remove_used(sender, next);
            if let Some(voucher) = transaction.transaction.operation.voucher()
                && self.books.ledger.voucher(&voucher).is_none()
            {
                self.mempool.remove_claims(&voucher);
            }
        }
        self.mempool.remove_expired(block.header.height);
    }

    fn checkpoint_if_due(&mut self) {
        let since = self.height().saturating_sub(self.books.checkpoint_height);
        let (pace, pending) = (self.books.pace, &self.books.pending);
        if since >= pace.blocks
            || pending.transactions >= pace.transactions
            || pending.accounts.len() >= pace.accounts
        {
            self.checkpoint();
        }
    }

    /// Asks for a checkpoint of the state as it is, unless one is being written or nothing has changed.
    fn checkpoint(&mut self) {
        let height = self.height();
        if self.books.checkpoint_is_running || height <= self.books.checkpoint_height {
            return;
        }
        self.books.checkpoint_is_running = true;
        let pending = std::mem::take(&mut self.books.pending);
        self.hands.emit(Effect::Checkpoint {
            checkpoint: Checkpoint {
                height,
                root: self.state_root().0,
            },
            changes: pending.changes(&self.books.ledger),
        });
    }

    /// The last effects before a clean stop: a checkpoint, so that the next start is quick.
    pub fn close(&mut self) -> Vec<Effect> {
        self.checkpoint();
        std::mem::take(&mut self.hands.effects)
    }
}

impl super::Books {
    /// Remembers what the next checkpoint has to write.
    pub fn note_changes(&mut self, execution: &Execution) {
        let accounts = execution.changes.accounts();
        let pending = &mut self.pending;
        pending
            .accounts
            .extend(accounts.map(|(address, _)| *address));
        let vouchers = execution.changes.vouchers();
        pending.vouchers.extend(vouchers.copied());
        pending.transactions += execution.ids.len();
    }
}

/// The index entries of a block.
pub fn index_of(execution: &Execution) -> BlockIndex {
    BlockIndex {
        transactions: execution.ids.iter().map(|id| id.0).collect(),
        activities: execution
            .activities
            .iter()
            .map(|activity| ActivityEntry {
                address: activity.address.0,
                seq: activity.number,
                position: activity.index,
                head: activity.head.0,
            })
            .collect(),
    }
}

/// What the first checkpoint of a state has to write: everything.
#[cfg(test)]
pub fn all_entries(ledger: &Ledger) -> StateChanges {
    Pending::all(ledger).changes(ledger)
}
