//! What the payment machine wants of the nodes, each as a job of its own: sending, and questions with proofs.
//!
//! Never: feed a fact that is not proven. Next: `wallet/payment/machine.rs`.

use std::sync::Arc;

use tokio::time::timeout;

use crate::behaviour::Service;
use crate::chain::account::Account;
use crate::chain::codec::{Decode, Encode};
use crate::chain::key::{Address, PublicKey};
use crate::chain::name::Name;
use crate::chain::query::{HistoryEntry, Proven, Query};
use crate::chain::rules::{Facts, Payee, check};
use crate::chain::transaction::SignedTransaction;
use crate::node::session::Inner;
use crate::replica::wire::SubmitReply;
use crate::wallet::payment::{
    Input, NodeIndex, Question, Refusal, SUBMIT_COPIES, SUBMIT_TIMEOUT_MS, SubmitAnswer,
};

/// Sends a payment to a node. The second value is the height at which the node says that it is final.
pub(in crate::node::session) async fn submit(
    session: &Inner,
    to: NodeIndex,
    transaction: &SignedTransaction,
) -> (SubmitAnswer, Option<u64>) {
    let Some(peer) = session.peer_of(to) else {
        return (SubmitAnswer::Unreachable, None);
    };
    let deadline = std::time::Duration::from_millis(SUBMIT_TIMEOUT_MS);
    let asking = session
        .network
        .request(peer, Service::Submit, transaction.to_bytes());
    let reply = match timeout(deadline, asking).await {
        Ok(Ok(bytes)) => SubmitReply::from_bytes(&bytes).map_err(|error| error.to_string()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("no answer within {deadline:?}")),
    };
    match reply {
        Ok(SubmitReply::Waiting) => (SubmitAnswer::Accepted, None),
        Ok(SubmitReply::Final { height }) => (SubmitAnswer::Accepted, Some(height)),
        Ok(SubmitReply::Rejected(rejection)) => {
            (SubmitAnswer::Refused(Refusal::from(&rejection)), None)
        }
        Ok(SubmitReply::NonceTaken { other }) => {
            let message = format!(
                "the node has another payment of this account with the same number, {other}: only one of them can become final; see which, then pay again"
            );
            let refusal = Refusal::new("nonce_taken", &message);
            (SubmitAnswer::Refused(refusal), None)
        }
        Ok(SubmitReply::Busy | SubmitReply::Malformed) => (SubmitAnswer::Unreachable, None),
        Err(why) => {
            session.change(|pool| pool.struck(to, why));
            (SubmitAnswer::Unreachable, None)
        }
    }
}

/// Answers a question about a payment with what can be proven now; nothing if nothing can.
pub(super) async fn answer(
    session: &Arc<Inner>,
    transaction: &SignedTransaction,
    question: Question,
) -> Vec<Input> {
    let sender = transaction.transaction.sender;
    let proven = match question {
        Question::Inclusion => included(session, transaction).await,
        Question::Account => account(session, sender)
            .await
            .map(|found| Input::ProvenAccount {
                height: found.at.height,
                nonce: found.value.map_or(0, |account| account.nonce),
            }),
        Question::WhoTook { nonce } => who_took(session, sender, nonce).await,
        Question::NameFacts { name } => name_facts(session, transaction, &name).await,
        Question::VoucherFacts { voucher } => voucher_facts(session, transaction, voucher).await,
    };
    proven.into_iter().collect()
}

async fn included(session: &Inner, transaction: &SignedTransaction) -> Option<Input> {
    let id = transaction.id();
    // As many as have been given the payment: one may keep its end to itself.
    let found = session
        .ask_round(&Query::Transaction(id), SUBMIT_COPIES, |light, answer| {
            light.transaction(answer, &id)
        })
        .await
        .ok()?;
    Some(session.inclusion(id, &found.at))
}

async fn account(session: &Inner, address: Address) -> Option<Proven<Option<Account>>> {
    session
        .ask_round(&Query::Account(address), usize::MAX, |light, answer| {
            light.account(answer, &address)
        })
        .await
        .ok()
}

async fn who_took(session: &Inner, sender: Address, nonce: u64) -> Option<Input> {
    let took = |entry: &HistoryEntry| {
        entry.transaction.sender == sender && entry.transaction.nonce == nonce
    };
    let enough = |entries: &[HistoryEntry]| entries.iter().any(took);
    let history = session.history(sender, enough).await.ok()?;
    let entry = history.entries.iter().find(|entry| took(entry))?;
    Some(Input::ProvenOther {
        by: entry.transaction.id(),
        nonce,
        height: entry.height,
    })
}

/// What the rules say of a claim, by facts of one state.
async fn name_facts(
    session: &Inner,
    transaction: &SignedTransaction,
    name: &Name,
) -> Option<Input> {
    let sender = transaction.transaction.sender;
    let owner = session.owner(name);
    let (owner, account, rules) =
        tokio::try_join!(owner, session.account(sender), session.rules()).ok()?;
    // Between two blocks all three are of one state; if not, the next question is soon.
    if owner.at != account.at || rules.at != account.at {
        return None;
    }
    let genesis = *session.light().genesis();
    let facts = Facts {
        genesis: &genesis,
        rules: &rules.value.rules,
        height: account.at.height.saturating_add(1),
        sender: account.value.as_ref(),
        payee: Payee::Exists,
        name_owner: owner.value.map(|owner| owner.address),
        voucher: None,
        time_ms: account.at.time_ms,
        nonces_ahead: u64::MAX,
    };
    check(&transaction.transaction, &facts)
        .err()
        .map(Input::ProvenRejection)
}

/// What the rules say of a claim of a voucher, or of taking one back, by facts of one state.
async fn voucher_facts(
    session: &Inner,
    transaction: &SignedTransaction,
    voucher: PublicKey,
) -> Option<Input> {
    let sender = transaction.transaction.sender;
    let (open, account, rules) = tokio::try_join!(
        session.voucher(voucher),
        session.account(sender),
        session.rules()
    )
    .ok()?;
    if open.at != account.at || rules.at != account.at {
        return None;
    }
    let genesis = *session.light().genesis();
    let facts = Facts {
        genesis: &genesis,
        rules: &rules.value.rules,
        height: account.at.height.saturating_add(1),
        sender: account.value.as_ref(),
        payee: Payee::Exists,
        name_owner: None,
        voucher: open.value.as_ref(),
        time_ms: account.at.time_ms,
        nonces_ahead: 0,
    };
    check(&transaction.transaction, &facts)
        .err()
        .map(Input::ProvenRejection)
}
