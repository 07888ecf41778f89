//! Blocks that break a rule, properly proposed: no honest validator may vote for one.
//!
//! Next: `chain/ledger/validate.rs`, which refuses them.

use std::sync::Arc;

use rand::RngExt as _;

use super::Habit;
use super::faces::Faces;
use crate::chain::block::{Block, transactions_root};
use crate::chain::codec::Decode as _;
use crate::chain::hash::Hash;
use crate::chain::ledger::{BlockContext, Tip};
use crate::chain::transaction::SignedTransaction;
use crate::consensus::Proposal;
use crate::replica::wire::{FinalBlock, Said, gossip};
use crate::sim::world::World;

impl World {
    /// A proposal, in place of a good one, of a block that nobody may vote for.
    pub(super) fn unlawful_proposal(
        &mut self,
        node: usize,
        proposal: &Proposal,
        block: &Block,
    ) -> Option<Faces> {
        let is_taken = self.has_habit(node, Habit::Unlawful) && self.random.random_range(0..3) > 0;
        let other = is_taken.then(|| self.unlawful_block(node, block))?;
        let signed = self.sign_proposal(
            node,
            Proposal {
                block: other.id(),
                pol_round: None,
                ..proposal.clone()
            },
        );
        let said = gossip(0, &Said::Proposal(signed, Arc::new(other)));
        Some(Faces {
            height: proposal.height,
            what: "unlawful proposal",
            said: [said.clone(), said],
        })
    }

    fn unlawful_block(&mut self, node: usize, block: &Block) -> Block {
        let choice = self.random.random_range(0..3);
        let changed = match choice {
            0 => self.with_a_used_payment(node, block),
            _ => None,
        };
        changed.unwrap_or_else(|| {
            let mut other = block.clone();
            match choice {
                1 => other.header.parent = Hash([5; 32]),
                _ => other.header.state_root = Hash([5; 32]),
            }
            other
        })
    }

    /// The block, with a payment that is final already; its roots are what they would be if that were no matter.
    fn with_a_used_payment(&mut self, node: usize, block: &Block) -> Option<Block> {
        let live = self.nodes[node].live.as_ref()?;
        let (height, header) = (live.replica.height(), &block.header);
        if height.checked_add(1) != Some(header.height) || height == 0 {
            return None;
        }
        let record = live
            .store
            .block(self.random.random_range(1..=height))
            .ok()??;
        let old = FinalBlock::from_bytes(&record).ok()?.block;
        let used: SignedTransaction = old.transactions.first()?.clone();
        let context = BlockContext {
            height: header.height,
            time_ms: header.time_ms,
            proposer: header.proposer,
        };
        let ledger = live.replica.ledger();
        let mut transactions = block.transactions.clone();
        transactions.insert(0, used.clone());
        let selection = ledger.select(&context, transactions).ok()?;
        let tip = Tip {
            height,
            block: header.parent,
            time_ms: 0,
        };
        let mut other = Block {
            header: ledger.header(&tip, &context, &selection),
            transactions: selection.transactions,
        };
        if other.transactions.first() != Some(&used) {
            other.transactions.insert(0, used);
            other.header.transactions_root = transactions_root(&other.transactions);
        }
        Some(other)
    }
}
