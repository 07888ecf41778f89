//! Taking transactions in, and telling others.
//!
//! A transaction is admitted when its signature is good and the rules allow it after the last block;
//! then it waits in the mempool and is gossiped, a few milliseconds' worth at once. What waits long is
//! told again, because gossip may lose it.

use std::time::Duration;

use super::Replica;
use super::effect::{Effect, GossipId, RequestId, Verdict};
use super::inspect::{Checked, Party, Purpose};
use super::timers::TimerKey;
use super::wire::{
    Batch, FULL_BATCH_BYTES, MAX_BATCH, Submission, SubmitReplies, SubmitReply, from_gossip, gossip,
};
use crate::behaviour::Topic;
use crate::chain::codec::{Decode, Encode};
use crate::chain::key::Address;
use crate::chain::rules::Rejection;
use crate::chain::transaction::{Operation, SignedTransaction, TransactionId};
use crate::mempool::{MAX_WAITING_PER_SENDER, Refusal};
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
    /// Transactions that a wallet hands in. Those that are not known wait for their signatures to be checked.
    pub(super) fn on_submit(&mut self, id: RequestId, data: &[u8], store: &Store) {
        let Ok(Submission(transactions)) = Submission::from_bytes(data) else {
            return self.answer_submit(id, vec![SubmitReply::Malformed]);
        };
        let mut replies = Vec::new();
        let (mut ids, mut unknown) = (Vec::new(), Vec::new());
        // Order: a full node says so before it has any signature checked.
        let is_busy = !self.has_places_for_wallets(transactions.len());
        for transaction in transactions {
            let transaction_id = transaction.id();
            let known = self.place_of(&transaction_id, &transaction, store);
            replies.push(known.or(is_busy.then_some(SubmitReply::Busy)));
            if let Some(None) = replies.last() {
                ids.push(transaction_id);
                unknown.push(transaction);
            }
        }
        if unknown.is_empty() {
            return self.answer_submit(id, replies.into_iter().flatten().collect());
        }
        let purpose = Purpose::Submit { id, replies };
        self.inspect(Party { purpose, ids }, unknown);
    }

    /// Whether a wallet may hand in so many more: what is being checked takes a place as well. What leads nowhere takes none
    /// from it, whoever has handed that in and where: else a few accounts whose first payment never comes could keep
    /// all wallets out of all nodes.
    fn has_places_for_wallets(&mut self, more: usize) -> bool {
        let inspection = &self.intake.inspection;
        let wanted = inspection.of_wallets() + more;
        if !inspection.admits(more) || self.mempool.admits_from_wallets(wanted) {
            return inspection.admits(more);
        }
        let ledger = &self.books.ledger;
        self.mempool
            .drop_stranded(|sender| ledger.account(sender).map_or(0, |one| one.nonce));
        self.mempool.admits_from_wallets(wanted)
    }

    /// What is to be said of a transaction that waits here, or is final.
    fn place_of(
        &self,
        id: &TransactionId,
        transaction: &SignedTransaction,
        store: &Store,
    ) -> Option<SubmitReply> {
        if self.mempool.contains(id) {
            return Some(SubmitReply::Waiting);
        }
        // What is final has used its nonce. The disk is not asked about the rest, of which a crowd brings much.
        let inner = &transaction.transaction;
        if inner.nonce >= self.next_nonce(&inner.sender) {
            return None;
        }
        let place = store.transaction_position(&id.0).ok()??;
        Some(SubmitReply::Final {
            height: place.height,
        })
    }

    /// The signatures of those that no answer stood for were checked.
    pub(super) fn submitted(
        &mut self,
        id: RequestId,
        replies: Vec<Option<SubmitReply>>,
        checked: Vec<Checked>,
    ) {
        let mut checked = checked.into_iter();
        let mut all = Vec::new();
        for reply in replies {
            let reply = reply.or_else(|| checked.next().map(|one| self.settle_submitted(one)));
            all.extend(reply);
        }
        self.answer_submit(id, all);
    }

    fn settle_submitted(&mut self, (id, transaction, is_good): Checked) -> SubmitReply {
        if !is_good {
            return SubmitReply::Rejected(Rejection::BadSignature);
        }
        // It may have come in from elsewhere while it was checked.
        if self.mempool.contains(&id) {
            return SubmitReply::Waiting;
        }
        if let Err(rejection) = self.check(&transaction) {
            return SubmitReply::Rejected(rejection);
        }
        let next_nonce = self.next_nonce(&transaction.transaction.sender);
        if self.mempool.is_too_early(&transaction, next_nonce) {
            return SubmitReply::Busy;
        }
        match self.admit(id, transaction) {
            Ok(()) | Err(Refusal::Known) => SubmitReply::Waiting,
            Err(Refusal::NonceTaken { other }) => SubmitReply::NonceTaken { other },
            Err(Refusal::SenderFull | Refusal::VoucherFull | Refusal::Full) => SubmitReply::Busy,
        }
    }

    fn answer_submit(&mut self, id: RequestId, replies: Vec<SubmitReply>) {
        let data = SubmitReplies(replies).to_bytes();
        self.hands.emit(Effect::Respond { id, data });
    }

    /// A batch that a peer gossips.
    pub(super) fn on_transactions(&mut self, id: GossipId, data: &[u8]) {
        if let Some(verdict) = self.take_batch(id, data) {
            self.hands.emit(Effect::Judge { id, verdict });
        }
    }

    /// `None` if the verdict waits for the signatures.
    fn take_batch(&mut self, id: GossipId, data: &[u8]) -> Option<Verdict> {
        let Ok(Batch(transactions)) = from_gossip(data) else {
            return Some(Verdict::Reject);
        };
        // What has no place here is not worth the check of its signatures.
        if self.mempool.is_shut() {
            return Some(Verdict::Ignore);
        }
        // What waits here, signature and all, was checked when it came in.
        let (mut ids, mut unknown) = (Vec::new(), Vec::new());
        let mut is_any_fresh = false;
        for transaction in transactions {
            let transaction_id = transaction.id();
            match self.mempool.get(&transaction_id) {
                Some(known) if *known == transaction => continue,
                Some(_) => {}
                None => is_any_fresh |= self.check(&transaction).is_ok(),
            }
            ids.push(transaction_id);
            unknown.push(transaction);
        }
        if !is_any_fresh || !self.intake.inspection.admits_gossip(unknown.len()) {
            return Some(Verdict::Ignore);
        }
        // Also of those that are of no use here: to others they may be new, and whoever passes on what nobody has
        // signed is blamed for it.
        let purpose = Purpose::Gossip { id };
        self.inspect(Party { purpose, ids }, unknown);
        None
    }

    /// The signatures of a gossiped batch were checked.
    pub(super) fn gossiped(&mut self, id: GossipId, checked: Vec<Checked>) {
        let verdict = match checked.iter().all(|(_, _, is_good)| *is_good) {
            true => self.admit_gossiped(checked),
            false => Verdict::Reject,
        };
        self.hands.emit(Effect::Judge { id, verdict });
    }

    fn admit_gossiped(&mut self, checked: Vec<Checked>) -> Verdict {
        let mut is_news = false;
        for (id, transaction, _) in checked {
            let is_fresh = !self.mempool.contains(&id) && self.check(&transaction).is_ok();
            is_news |= is_fresh && self.insert(id, transaction).is_ok();
        }
        if is_news {
            self.on_something_waits();
            return Verdict::Accept;
        }
        Verdict::Ignore
    }

    fn check(&self, transaction: &SignedTransaction) -> Result<(), Rejection> {
        let ahead = match transaction.transaction.operation {
            // A claim takes one of its voucher's few places here: none that waits for something else may keep others out.
            Operation::ClaimVoucher { .. } => 0,
            _ => u64::try_from(MAX_WAITING_PER_SENDER).unwrap_or(u64::MAX),
        };
        let mut tip = self.head.tip;
        // The next block is made about now; after a rest the last one's time is an old one. A claim is judged by that: if it
        // is too late, the block that it brings about proves it to whoever claims.
        if let Operation::OpenVoucher { .. } = transaction.transaction.operation {
            tip.time_ms = tip.time_ms.max(self.hands.now.unix_ms);
        }
        self.books
            .ledger
            .check(&transaction.transaction, &tip, ahead)
    }

    fn insert(&mut self, id: TransactionId, transaction: SignedTransaction) -> Result<(), Refusal> {
        let ledger = &self.books.ledger;
        if let Operation::ClaimVoucher { voucher, .. } = &transaction.transaction.operation {
            let left = ledger.voucher(voucher).map_or(0, |open| open.left);
            if self.mempool.claims_of(voucher) >= usize::from(left) {
                return Err(Refusal::VoucherFull);
            }
        }
        let next_nonce = |sender: &Address| ledger.account(sender).map_or(0, |one| one.nonce);
        self.mempool.insert(id, transaction, next_nonce)
    }

    /// The nonce of a sender's next transaction.
    fn next_nonce(&self, sender: &Address) -> u64 {
        let account = self.books.ledger.account(sender);
        account.map_or(0, |account| account.nonce)
    }

    fn admit(&mut self, id: TransactionId, transaction: SignedTransaction) -> Result<(), Refusal> {
        self.insert(id, transaction.clone())?;
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
        self.intake.outbox.size_bytes += transaction.size_bytes();
        self.intake.outbox.waiting.push(transaction);
        let now = self.hands.now.elapsed;
        let rested = self
            .intake
            .outbox
            .last_sent
            .is_none_or(|sent| now.saturating_sub(sent) >= GATHER);
        let is_full = self.intake.outbox.size_bytes >= FULL_BATCH_BYTES
            || self.intake.outbox.waiting.len() >= MAX_BATCH;
        if rested || is_full {
            self.send_outbox();
        } else {
            self.timers.set_if_absent(TimerKey::Outbox, now + GATHER);
        }
    }

    pub(super) fn send_outbox(&mut self) {
        self.timers.cancel(TimerKey::Outbox);
        self.intake.outbox.size_bytes = 0;
        self.intake.outbox.last_sent = Some(self.hands.now.elapsed);
        let batch = Batch(std::mem::take(&mut self.intake.outbox.waiting));
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
                size += one.size_bytes();
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
