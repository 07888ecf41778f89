//! What the machine wants of the nodes: payments handed in, and questions answered with proofs.
//!
//! Never: feed what is not proven. Next: `session/pay/jobs.rs`, the same for one's own payments.

use std::sync::Arc;

use crate::chain::account::Account;
use crate::chain::key::{Address, SecretKey};
use crate::chain::query::{HistoryEntry, Proven, Query, TransactionAnswer};
use crate::chain::transaction::{SignedTransaction, TransactionId};
use crate::node::session::error::SessionError;
use crate::node::session::facts::MAX_HISTORY;
use crate::node::session::{Inner, pay};
use crate::wallet::dealings::machine::Question;
use crate::wallet::dealings::request::{MAX_AHEAD_MS, Wish};
use crate::wallet::memo::{self, Reading, Reference};
use crate::wallet::payment::SUBMIT_COPIES;

/// What was found.
pub(super) enum Found {
    /// A transaction with the proof that it is final.
    Proof(Box<TransactionAnswer>),
    /// An account as it is proven to be.
    Account(Address, Box<Proven<Option<Account>>>),
}

/// Hands a payment in to the preferred nodes. What they say of it is no end: proofs are asked for.
pub(super) async fn submit(session: &Arc<Inner>, payment: &SignedTransaction) {
    let nodes = session.pool().ranked();
    for node in nodes.into_iter().take(SUBMIT_COPIES) {
        let answer = pay::submit(session, node, payment).await;
        tracing::debug!(payment = %payment.id(), ?answer, "handed in for somebody else");
    }
}

/// Answers with what can be proven now; nothing if nothing can.
pub(super) async fn answer(session: &Arc<Inner>, question: Question) -> Option<Found> {
    match question {
        Question::Inclusion { payment } => proof(session, payment).await,
        Question::Account { address } => {
            let proven = session
                .ask_round(&Query::Account(address), usize::MAX, |light, answer| {
                    light.account(answer, &address)
                })
                .await;
            Some(Found::Account(address, Box::new(proven.ok()?)))
        }
        Question::WhoTook { sender, nonce } => {
            let took = |entry: &HistoryEntry| {
                entry.transaction.sender == sender && entry.transaction.nonce == nonce
            };
            let enough = |entries: &[HistoryEntry]| entries.iter().any(took);
            let history = session.history(sender, enough).await.ok()?;
            let entry = history.entries.iter().find(|entry| took(entry))?;
            proof(session, entry.transaction.id()).await
        }
    }
}

/// The payment of a request in the payer's proven history, with its proof. What was before the request was issued is not
/// looked at.
pub(super) async fn payment_of(
    session: &Arc<Inner>,
    wish: &Wish,
    payer: &SecretKey,
) -> Result<Option<Box<TransactionAnswer>>, SessionError> {
    let since_ms = wish.issued_at_ms.saturating_sub(MAX_AHEAD_MS);
    let enough = |entries: &[HistoryEntry]| {
        let oldest = entries.first().map(|entry| entry.time_ms);
        oldest.is_some_and(|time_ms| time_ms < since_ms) || entries.len() >= MAX_HISTORY
    };
    let history = session.history(payer.address(), enough).await?;
    let reference = Reference::to(&wish.id());
    let pays = |entry: &&HistoryEntry| {
        let paid = &entry.transaction;
        let is_to_asker = paid.sender == payer.address() && paid.payee() == Some(wish.from);
        let letter = match is_to_asker {
            true => memo::read(paid, Some(payer)),
            false => Reading::Empty,
        };
        matches!(letter, Reading::Private(letter) if letter.reference() == Some(reference))
    };
    let Some(entry) = history.entries.iter().find(pays) else {
        return Ok(None);
    };
    match proof(session, entry.transaction.id()).await {
        Some(Found::Proof(proof)) => Ok(Some(proof)),
        _ => Err(session.no_node(&Default::default())),
    }
}

async fn proof(session: &Arc<Inner>, id: TransactionId) -> Option<Found> {
    let proven = session
        .ask_round(&Query::Transaction(id), SUBMIT_COPIES, |light, answer| {
            let kept = answer.clone().into_transaction()?;
            let at = light.transaction(answer, &id)?.at;
            Ok(Proven { value: kept, at })
        })
        .await;
    Some(Found::Proof(proven.ok()?.value))
}
