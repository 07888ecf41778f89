//! Taking transactions in, and telling others.
//!
//! A transaction is admitted when its signature is good and the rules allow it after the last block;
//! then it waits in the mempool and is gossiped, a few milliseconds' worth at once. What waits long is
//! told again, because gossip may lose it.

use std::time::Duration;

use super::Replica;
use super::effect::{Effect, GossipId, Verdict};
use super::timers::TimerKey;
use super::wire::{Batch, FULL_BATCH_BYTES, MAX_BATCH, SubmitReply, from_gossip, gossip};
use crate::behaviour::Topic;
use crate::chain::codec::{Decode, Encode};
use crate::chain::key::{Address, Claim, verify_batch};
use crate::chain::rules::Rejection;
use crate::chain::transaction::{SignedTransaction, TransactionId};
use crate::mempool::{MAX_WAITING_PER_SENDER, Refusal};
use crate::mutation::{self, Mutation};
use crate::store::Store;

/// How long a transaction waits for company before it is told.
const GATHER: Duration = Duration::from_millis(3);
/// How often what waits is told again.
const RETELL: Duration = Duration::from_millis(1000);
/// How soon it is told again when a node has come.
pub const RETELL_TO_NEWCOMER: Duration = Duration::from_millis(200);

/// Transactions about to be told to others.
#[derive(Default)]
pub struct Outbox {
    waiting: Vec<SignedTransaction>,
    size_bytes: usize,
    last_sent: Option<Duration>,
}

impl Replica {
    /// A transaction that a wallet hands in.
    pub(super) fn on_submit(&mut self, data: &[u8], store: &Store) -> SubmitReply {
        let Ok(transaction) = SignedTransaction::from_bytes(data) else {
            return SubmitReply::Malformed;
        };
        let id = transaction.id();
        if self.mempool.contains(&id) {
            return SubmitReply::Waiting;
        }
        if let Ok(Some(place)) = store.transaction_position(&id.0) {
            return SubmitReply::Final {
                height: place.height,
            };
        }
        // Order: the cheap rules before the signature, but for a bad signature the answer is that.
        let verdict = self.check(&transaction);
        if !transaction.signature_is_good() {
            return SubmitReply::Rejected(Rejection::BadSignature);
        }
        if let Err(rejection) = verdict {
            return SubmitReply::Rejected(rejection);
        }
        match self.admit(transaction) {
            Ok(()) | Err(Refusal::Known) => SubmitReply::Waiting,
            Err(Refusal::NonceTaken { other }) => SubmitReply::NonceTaken { other },
            Err(Refusal::SenderFull | Refusal::Full) => SubmitReply::Busy,
        }
    }

    /// A batch that a peer gossips.
    pub(super) fn on_transactions(&mut self, id: GossipId, data: &[u8]) {
        let verdict = self.admit_batch(data);
        self.hands.emit(Effect::Judge { id, verdict });
    }

    fn admit_batch(&mut self, data: &[u8]) -> Verdict {
        let Ok(Batch(transactions)) = from_gossip(data) else {
            return Verdict::Reject;
        };
        // What waits here, signature and all, was checked when it came in.
        let unknown: Vec<SignedTransaction> = transactions
            .into_iter()
            .filter(|one| self.mempool.get(&one.id()) != Some(one))
            .collect();
        let is_fresh =
            |one: &SignedTransaction| !self.mempool.contains(&one.id()) && self.check(one).is_ok();
        let fresh: Vec<bool> = unknown.iter().map(is_fresh).collect();
        if !fresh.contains(&true) {
            return Verdict::Ignore;
        }
        // Also of those that are of no use here: to others they may be new, and whoever passes on what nobody has
        // signed is blamed for it.
        if !self.signatures_are_good(&unknown) {
            return Verdict::Reject;
        }
        let mut is_news = false;
        for (transaction, is_fresh) in unknown.into_iter().zip(fresh) {
            is_news |= is_fresh && self.insert(transaction).is_ok();
        }
        if is_news {
            self.on_something_waits();
            return Verdict::Accept;
        }
        Verdict::Ignore
    }

    /// Whether all signatures are good (rule R2), checked as one batch.
    pub(super) fn signatures_are_good(&mut self, transactions: &[SignedTransaction]) -> bool {
        let messages: Vec<Vec<u8>> = transactions
            .iter()
            .map(|one| one.transaction.sign_bytes())
            .collect();
        let claims: Vec<Claim<'_>> = transactions
            .iter()
            .zip(&messages)
            .map(|(one, message)| one.claim(message))
            .collect();
        verify_batch(&claims, &mut self.hands.random)
            .into_iter()
            .all(|is_good| is_good || mutation::is_on(Mutation::SignaturesUnchecked))
    }

    fn check(&self, transaction: &SignedTransaction) -> Result<(), Rejection> {
        let ahead = u64::try_from(MAX_WAITING_PER_SENDER).unwrap_or(u64::MAX);
        let height = self.height().saturating_add(1);
        self.books
            .ledger
            .check(&transaction.transaction, height, ahead)
    }

    fn insert(&mut self, transaction: SignedTransaction) -> Result<TransactionId, Refusal> {
        let ledger = &self.books.ledger;
        let next_nonce = |sender: &Address| ledger.account(sender).map_or(0, |one| one.nonce);
        self.mempool.insert(transaction, next_nonce)
    }

    fn admit(&mut self, transaction: SignedTransaction) -> Result<(), Refusal> {
        self.insert(transaction.clone())?;
        self.tell(transaction);
        self.on_something_waits();
        Ok(())
    }

    fn on_something_waits(&mut self) {
        let again = self.hands.now.elapsed + RETELL;
        self.timers.set_if_absent(TimerKey::Retell, again);
        self.build_if_awaited(false);
    }

    /// Queues a transaction for gossip: at once after a pause, else together with what else comes.
    fn tell(&mut self, transaction: SignedTransaction) {
        self.outbox.size_bytes += transaction.to_bytes().len();
        self.outbox.waiting.push(transaction);
        let now = self.hands.now.elapsed;
        let rested = self
            .outbox
            .last_sent
            .is_none_or(|sent| now.saturating_sub(sent) >= GATHER);
        let is_full =
            self.outbox.size_bytes >= FULL_BATCH_BYTES || self.outbox.waiting.len() >= MAX_BATCH;
        if rested || is_full {
            self.send_outbox();
        } else {
            self.timers.set_if_absent(TimerKey::Outbox, now + GATHER);
        }
    }

    pub(super) fn send_outbox(&mut self) {
        self.timers.cancel(TimerKey::Outbox);
        self.outbox.size_bytes = 0;
        self.outbox.last_sent = Some(self.hands.now.elapsed);
        let batch = Batch(std::mem::take(&mut self.outbox.waiting));
        if !batch.0.is_empty() {
            self.hands.emit(Effect::Publish {
                topic: Topic::Transactions,
                data: gossip(0, &batch),
            });
        }
    }

    /// Tells again what still waits, the oldest first.
    pub(super) fn retell_waiting(&mut self) {
        if self.mempool.is_empty() {
            return;
        }
        let mut size = 0;
        let batch: Vec<SignedTransaction> = self
            .mempool
            .oldest(MAX_BATCH)
            .take_while(|one| {
                size += one.to_bytes().len();
                size <= FULL_BATCH_BYTES
            })
            .cloned()
            .collect();
        let salt = self.hands.salt();
        self.hands.emit(Effect::Publish {
            topic: Topic::Transactions,
            data: gossip(salt, &Batch(batch)),
        });
        let again = self.hands.now.elapsed + RETELL;
        self.timers.set(TimerKey::Retell, again);
    }
}
