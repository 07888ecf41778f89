//! Signatures: checked beside the replica, many at once, and each transaction's once.
//!
//! What comes in, from a wallet or by gossip, waits here while the hands check signatures on another thread
//! ([`Effect::Check`]): agreement never stands behind them. What comes meanwhile is checked together, so batches grow by
//! themselves under load, and large batches cost less than half of single checks. Nothing is admitted, answered or
//! handed on before its signature was found good.
//!
//! Next: `admit.rs`, which decides what becomes of them.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use rand::RngExt as _;
use rand::SeedableRng as _;
use rand::rngs::StdRng;

use super::Replica;
use super::effect::{Effect, GossipId, Input, RequestId};
use super::wire::SubmitReply;
use crate::chain::key::{Claim, KeyCache, verify_batch};
use crate::chain::transaction::{SignedTransaction, TransactionId};
use crate::mutation::{self, Mutation};

/// The number of a check under way.
pub type CheckId = u64;

/// Signatures in a check: more at once gain nothing, and an answer waits for all of them.
pub const FULL_CHECK: usize = 1024;
/// Checks under way at a time. The second and later ones begin only when they are full.
const CHECKS_AT_ONCE: usize = 4;
/// Transactions of wallets that may wait to be checked; beyond, the node is busy.
const MAX_UNCHECKED: usize = 4_096;
/// Beyond so many what is gossiped is not looked at, either. Of strangers it is little (`behaviour/limits.rs`).
const MAX_UNCHECKED_GOSSIP: usize = 16_384;

/// Transactions that came together.
#[derive(Debug)]
pub struct Party {
    /// What depends on them.
    pub purpose: Purpose,
    /// Their identities, in their order.
    pub ids: Vec<TransactionId>,
}

/// Why transactions are checked.
#[derive(Debug)]
pub enum Purpose {
    /// A wallet has handed them in; the answers to those that needed no check stand already.
    Submit {
        /// The request.
        id: RequestId,
        /// Answers in the order of the request; `None` for those that are checked.
        replies: Vec<Option<SubmitReply>>,
    },
    /// They were gossiped.
    Gossip {
        /// The message.
        id: GossipId,
    },
}

/// What waits to be checked, and what is being checked.
#[derive(Debug, Default)]
pub struct Inspection {
    waiting: VecDeque<(Party, Vec<SignedTransaction>)>,
    /// How many transactions wait.
    count: usize,
    /// How many of wallets wait or are being checked.
    from_wallets: usize,
    under_way: BTreeMap<CheckId, Vec<Party>>,
    next: CheckId,
    /// Whose signatures were good: for all checks of this node, on whatever thread.
    keys: Arc<KeyCache>,
}

impl Inspection {
    /// Whether a wallet may hand in so many more.
    pub fn admits(&self, more: usize) -> bool {
        self.count + more <= MAX_UNCHECKED
    }

    /// Whether so many that were gossiped may wait.
    pub fn admits_gossip(&self, more: usize) -> bool {
        self.count + more <= MAX_UNCHECKED_GOSSIP
    }

    /// How many of wallets wait or are being checked.
    pub fn of_wallets(&self) -> usize {
        self.from_wallets
    }

    fn push(&mut self, party: Party, transactions: Vec<SignedTransaction>) {
        self.count += transactions.len();
        if let Purpose::Submit { .. } = party.purpose {
            self.from_wallets += transactions.len();
        }
        self.waiting.push_back((party, transactions));
    }

    /// A number for a check, by which nothing else is known.
    pub fn number(&mut self) -> CheckId {
        self.next += 1;
        self.next
    }

    /// The next check, if it is time for one.
    fn take(&mut self) -> Option<(CheckId, Vec<SignedTransaction>)> {
        let is_due = self.under_way.is_empty()
            || (self.count >= FULL_CHECK && self.under_way.len() < CHECKS_AT_ONCE);
        if !is_due || self.waiting.is_empty() {
            return None;
        }
        let (mut parties, mut all) = (Vec::new(), Vec::new());
        while all.len() < FULL_CHECK
            && let Some((party, mut transactions)) = self.waiting.pop_front()
        {
            parties.push(party);
            all.append(&mut transactions);
        }
        self.count -= all.len();
        let check = self.number();
        self.under_way.insert(check, parties);
        Some((check, all))
    }
}

impl Replica {
    /// Has signatures checked; [`Replica::on_checked`] goes on from there.
    pub(super) fn inspect(&mut self, party: Party, transactions: Vec<SignedTransaction>) {
        self.intake.inspection.push(party, transactions);
        self.check_what_waits();
    }

    fn check_what_waits(&mut self) {
        while let Some((check, transactions)) = self.intake.inspection.take() {
            self.emit_check(check, transactions);
        }
    }

    /// Has these checked, under this number.
    pub(super) fn emit_check(&mut self, check: CheckId, transactions: Vec<SignedTransaction>) {
        let job = CheckJob {
            check,
            transactions,
            seed: self.hands.random.random(),
            keys: self.intake.inspection.keys.clone(),
        };
        self.hands.emit(Effect::Check(job));
    }

    /// Signatures were checked. A number that nobody knows, or another count, is of an earlier life: nothing follows.
    pub(super) fn on_checked(
        &mut self,
        check: CheckId,
        transactions: Vec<SignedTransaction>,
        good: &[bool],
    ) {
        if self.is_check_of_blocks(check) {
            return self.on_checked_blocks(check, transactions, good);
        }
        let parties = self
            .intake
            .inspection
            .under_way
            .remove(&check)
            .unwrap_or_default();
        let mut checked = transactions.into_iter().zip(good.iter().copied());
        for Party { purpose, ids } in parties {
            let count = ids.len();
            let own = ids.into_iter().zip(checked.by_ref().take(count));
            let own = own.map(|(id, (transaction, is_good))| (id, transaction, is_good));
            let own: Vec<Checked> = own.collect();
            match purpose {
                Purpose::Submit { id, replies } => {
                    self.intake.inspection.from_wallets -= count;
                    self.submitted(id, replies, own);
                }
                Purpose::Gossip { id } => self.gossiped(id, own),
            }
        }
        self.check_what_waits();
    }

    /// Whether all signatures are good (rule R2), checked here and now as one batch.
    pub(super) fn signatures_are_good(&mut self, transactions: &[SignedTransaction]) -> bool {
        let seed = self.hands.random.random();
        let good = check(transactions, Some(&self.intake.inspection.keys), seed);
        good.into_iter().all(|is_good| is_good)
    }
}

/// A transaction, and whether its signature is good.
pub type Checked = (TransactionId, SignedTransaction, bool);

/// Signatures to check, beside the replica: the work of [`Effect::Check`].
#[derive(Debug, Clone)]
pub struct CheckJob {
    check: CheckId,
    transactions: Vec<SignedTransaction>,
    /// Chance, which nobody can foresee.
    seed: [u8; 32],
    keys: Arc<KeyCache>,
}

impl CheckJob {
    /// How many signatures there are to check.
    pub fn count(&self) -> usize {
        self.transactions.len()
    }

    /// Checks them; what came of it is for the replica.
    pub fn run(self) -> Input {
        Input::Checked {
            check: self.check,
            good: check(&self.transactions, Some(&self.keys), self.seed),
            transactions: self.transactions,
        }
    }
}

/// For each transaction whether its signature is good (rule R2). `keys` saves work and changes no answer; `seed` blinds
/// the batch.
pub fn check(
    transactions: &[SignedTransaction],
    keys: Option<&KeyCache>,
    seed: [u8; 32],
) -> Vec<bool> {
    let messages: Vec<Vec<u8>> = transactions
        .iter()
        .map(|one| one.transaction.sign_bytes())
        .collect();
    let mut claims: Vec<Claim<'_>> = transactions
        .iter()
        .zip(&messages)
        .map(|(one, message)| one.claim(message))
        .collect();
    // A claim of a voucher has a second signature, which goes with the others.
    let proofs: Vec<(usize, Vec<u8>)> = transactions
        .iter()
        .enumerate()
        .filter_map(|(index, one)| Some((index, one.proof_bytes()?)))
        .collect();
    claims.extend(
        proofs
            .iter()
            .filter_map(|(index, message)| transactions[*index].proof_claim(message)),
    );
    let mut random = StdRng::from_seed(seed);
    let mut good = match keys {
        Some(keys) => keys.verify_batch(&claims, &mut random),
        None => verify_batch(&claims, &mut random),
    };
    let proven = good.split_off(transactions.len());
    for ((index, _), is_proven) in proofs.iter().zip(proven) {
        good[*index] &= is_proven || mutation::is_on(Mutation::ClaimUnproven);
    }
    if mutation::is_on(Mutation::SignaturesUnchecked) {
        good.fill(true);
    }
    good
}
