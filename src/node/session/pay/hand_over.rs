//! A payment with no node at hand: signed by what was proven last, kept, and handed to the payee.
//!
//! It may prove impossible when a node is met: the payer may have paid from another machine since, or have less. So it is
//! "signed, not final" until the chain says otherwise, and whichever side meets a node first hands it in.
//!
//! Never: let it out before it is in the purse. Next: `wallet/dealings/`.

use crate::chain::account::Account;
use crate::chain::amount::Amount;
use crate::chain::key::{Address, SecretKey};
use crate::chain::name::Name;
use crate::chain::rules::{Facts, Payee};
use crate::chain::transaction::{Operation, SignedTransaction};
use crate::node::clock;
use crate::node::session::Session;
use crate::node::session::error::SessionError;
use crate::node::session::purse::Purse;
use crate::wallet::dealings::message::Delivery;
use crate::wallet::dealings::request::RequestId;
use crate::wallet::draft::draft;
use crate::wallet::journal::Journal;
use crate::wallet::memo::Note;
use crate::wallet::payment::{Payment, Status};

/// What is to be paid, and what is remembered of the payer's account.
#[derive(Debug, Clone)]
pub struct HandOver {
    /// The account as it was proven last.
    pub account: Account,
    /// At which height.
    pub height: u64,
    /// Whom.
    pub to: Address,
    /// Under which name the payer knows them.
    pub to_name: Option<Name>,
    /// How much.
    pub amount: Amount,
    /// What it says.
    pub note: Note,
    /// The request that it pays.
    pub request: Option<RequestId>,
}

impl Session {
    /// Signs a payment without asking anybody, keeps it, and has its payee told if they can be reached. It is valid for as
    /// long as the rules allow, since nobody knows how far the chain is.
    ///
    /// # Errors
    /// [`SessionError::Rejected`] by what is remembered; [`SessionError::Private`], [`SessionError::Dealing`]: nothing was
    /// signed that anybody will hear of. [`SessionError::Journal`], [`SessionError::Profile`].
    pub async fn hand_over(
        &self,
        purse: &mut Purse,
        secret: &SecretKey,
        order: HandOver,
    ) -> Result<SignedTransaction, SessionError> {
        let sender = secret.address();
        let genesis = self.0.bootstrap.genesis();
        let journal = purse.journal();
        let mut account = order.account;
        account.nonce = account.nonce.max(after_final(&journal, &sender, self));
        let hash = genesis.hash();
        let facts = Facts {
            genesis: &hash,
            rules: &genesis.rules,
            height: order.height.saturating_add(1),
            sender: Some(&account),
            // Whether they have an account is not known here; the nodes' rules will say.
            payee: Payee::Exists,
            name_owner: None,
            voucher: None,
            time_ms: 0,
            nonces_ahead: 0,
        };
        order.note.check_for(&order.to)?;
        let operation = Operation::Transfer {
            to: order.to,
            amount: order.amount,
            memo: order.note.public_part(),
        };
        let transaction = draft(&facts, sender, &journal, operation, u64::MAX)?;
        let payment = order.note.written_into(transaction, secret)?.sign(secret);
        // Order: as for a payment with a node.
        let telling = self
            .0
            .bind(&payment, order.request, Delivery::HandedOver)
            .await?;
        let kept = Payment::new(payment.clone(), order.to_name, clock::unix_ms());
        purse.record(kept).await?;
        self.0.announce(telling);
        Ok(payment)
    }
}

/// The nonce after the sender's final payments: what is remembered of the account may be older than they are.
fn after_final(journal: &Journal, sender: &Address, session: &Session) -> u64 {
    let genesis = session.0.bootstrap.genesis().hash();
    let payments = journal.payments().iter();
    payments
        .filter(|one| one.genesis() == genesis)
        .filter(|one| one.transaction().transaction.sender == *sender)
        .filter(|one| matches!(one.status(), Status::Final { .. }))
        .map(|one| one.nonce().saturating_add(1))
        .max()
        .unwrap_or(0)
}
