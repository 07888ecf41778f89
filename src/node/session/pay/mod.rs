//! A payment from what the owner wants to its proven end.
//!
//! [`Session::plan`] proves the facts and judges by the chain's own rules; nothing is signed yet. [`Session::pay`] signs,
//! remembers on the disk, sends to two nodes and follows the payment till its end is proven, with whatever an earlier run
//! left open: those hold up the new one. Leaving off at any moment loses nothing: [`Session::resume_pending`] goes on.
//!
//! Never: send what is not in the purse. Next: `driver.rs`; the promise is in `wallet/payment.rs`.

mod driver;
mod feed;
mod hand_over;
mod jobs;

pub use hand_over::HandOver;

pub(super) use jobs::submit;

use crate::chain::account::Account;
use crate::chain::amount::Amount;
use crate::chain::genesis::Rules;
use crate::chain::key::{Address, SecretKey};
use crate::chain::name::Name;
use crate::chain::query::Moment;
use crate::chain::rules::{Facts, Payee};
use crate::chain::transaction::{Operation, Transaction, TransactionId};
use crate::wallet::dealings::message::Delivery;
use crate::wallet::dealings::request::RequestId;
use crate::wallet::draft::{DEFAULT_VALIDITY, draft};
use crate::wallet::journal::Journal;
use crate::wallet::memo::Note;
use crate::wallet::payment::{Payment, Refusal};
use crate::wallet::pool::Quorum;

use super::error::SessionError;
use super::purse::Purse;
use super::{Inner, Session};
use driver::Driver;

/// Who is to be paid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recipient {
    /// The owner of this address.
    Address(Address),
    /// The owner of this name, proven.
    Name(Name),
}

/// What the owner wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Intent {
    /// To pay.
    Transfer {
        /// Whom.
        to: Recipient,
        /// How much.
        amount: Amount,
        /// What it says.
        note: Note,
    },
    /// To take a name.
    ClaimName(Name),
}

/// An intent whose facts are proven and that the rules would take: to be shown and confirmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Who pays.
    pub sender: Address,
    /// What is done; a name is resolved to its address here. A private note is not in it: it is sealed last.
    pub operation: Operation,
    /// What it says.
    pub note: Note,
    /// The name that the payee was given by.
    pub to_name: Option<Name>,
    /// What the proposer gets.
    pub fee: Amount,
    /// What the sender has, proven; payments under way are not taken off.
    pub balance: Amount,
    /// Of when that is.
    pub at: Moment,
    /// The request that it pays, which is bound to the payment before anybody hears of it.
    pub request: Option<RequestId>,
}

/// What happens on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// Signed, and on the disk: from now on it is safe to leave off.
    Signed {
        /// The payment.
        id: TransactionId,
    },
    /// So many nodes say that they have it.
    Submitted {
        /// The payment.
        id: TransactionId,
        /// How many nodes.
        nodes: usize,
    },
    /// A node refused it. Its word only: others are tried.
    Refused {
        /// The payment.
        id: TransactionId,
        /// The node.
        node: Name,
        /// Its reason.
        refusal: Refusal,
    },
    /// How many validators are up, at the beginning and whenever it changes.
    Quorum(Quorum),
    /// A payment has its end.
    Ended(Box<Payment>),
}

/// How a payment stands when it is left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The payment with its status. Without an end it stays in the purse: try [`Session::resume_pending`] later.
    pub payment: Payment,
    /// How many validators were up then.
    pub quorum: Quorum,
}

impl Outcome {
    /// Whether it has no end yet: nothing is lost, and retrying is safe.
    pub fn is_open(&self) -> bool {
        self.payment.is_unresolved()
    }
}

impl Session {
    /// Proves what the intent rests on and judges it by the rules, beside the payments of the purse that are under way.
    ///
    /// # Errors
    /// [`SessionError::UnknownName`], [`SessionError::Rejected`] with what is there and what it takes,
    /// [`SessionError::NoNode`].
    pub async fn plan(
        &self,
        purse: &Purse,
        sender: Address,
        intent: Intent,
    ) -> Result<Plan, SessionError> {
        let known = self.0.gather(sender, intent).await?;
        known.draft(&self.0, &purse.journal())?;
        let account = known.account.as_ref();
        Ok(Plan {
            sender,
            fee: known.rules.fee,
            balance: account.map_or(Amount::ZERO, |account| account.balance),
            at: known.at,
            operation: known.operation,
            note: known.note,
            to_name: known.to_name,
            request: None,
        })
    }

    /// Signs the plan, remembers it, sends it and follows it to its end, or till the session's limits; `progress` is
    /// told what happens. The latency of a final payment is counted from its signing.
    ///
    /// # Errors
    /// As [`Session::plan`], for the facts are proven anew; then nothing was signed. [`SessionError::Journal`],
    /// [`SessionError::Profile`]: nothing was sent that is not in the purse.
    pub async fn pay(
        &self,
        purse: &mut Purse,
        secret: &SecretKey,
        plan: Plan,
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<Outcome, SessionError> {
        let sender = secret.address();
        let intent = match plan.operation {
            Operation::Transfer { to, amount, .. } => Intent::Transfer {
                to: Recipient::Address(to),
                amount,
                note: plan.note,
            },
            Operation::ClaimName { name } => Intent::ClaimName(name),
        };
        let mut driver = Driver::new(&self.0, purse, &[sender], progress);
        let known = self.0.gather(sender, intent).await?;
        let transaction = known.draft(&self.0, &driver.journal())?;
        // Order: sealed last. A private memo opens only in the very transaction that it was sealed for.
        let transaction = known.note.written_into(transaction, secret)?;
        driver.resume_all().await?;
        let payment = transaction.sign(secret);
        // Order: bound to its request, then in the purse, and only then handed in and told. So a request is paid once.
        let telling = match payment.transaction.payee().is_some_and(|to| to != sender) {
            true => {
                self.0
                    .bind(&payment, plan.request, Delivery::Submitted)
                    .await?
            }
            false => Vec::new(),
        };
        let id = driver.begin(payment, plan.to_name).await?;
        self.0.announce(telling);
        driver.run(Some(id)).await?;
        let outcome = driver.outcome(id)?;
        self.0.own_payment(&outcome.payment).await;
        Ok(outcome)
    }

    /// Follows all payments of the purse that have no end yet, on this network, till they have or the session's limits
    /// are reached. Gives each of them, the oldest first.
    ///
    /// # Errors
    /// [`SessionError::Profile`].
    pub async fn resume_pending(
        &self,
        purse: &mut Purse,
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<Vec<Outcome>, SessionError> {
        let genesis = *self.0.light().genesis();
        let pending: Vec<Payment> = purse.journal().unresolved(genesis).cloned().collect();
        if pending.is_empty() {
            return Ok(Vec::new());
        }
        let senders: Vec<Address> = pending
            .iter()
            .map(|payment| payment.transaction().transaction.sender)
            .collect();
        let mut driver = Driver::new(&self.0, purse, &senders, progress);
        driver.resume_all().await?;
        driver.run(None).await?;
        pending
            .iter()
            .map(|payment| driver.outcome(payment.id()))
            .collect()
    }
}

/// Proven facts about an intent.
struct Known {
    sender: Address,
    account: Option<Account>,
    rules: Rules,
    operation: Operation,
    note: Note,
    to_name: Option<Name>,
    payee: Payee,
    name_owner: Option<Address>,
    at: Moment,
}

impl Known {
    fn draft(&self, session: &Inner, journal: &Journal) -> Result<Transaction, SessionError> {
        let genesis = *session.light().genesis();
        let facts = Facts {
            genesis: &genesis,
            rules: &self.rules,
            height: self.at.height.saturating_add(1),
            sender: self.account.as_ref(),
            payee: self.payee,
            name_owner: self.name_owner,
            nonces_ahead: 0,
        };
        let operation = self.operation.clone();
        let transaction = draft(&facts, self.sender, journal, operation, DEFAULT_VALIDITY)?;
        Ok(transaction)
    }
}

impl Inner {
    async fn gather(&self, sender: Address, intent: Intent) -> Result<Known, SessionError> {
        let note = match &intent {
            Intent::Transfer { note, .. } => note.clone(),
            Intent::ClaimName(_) => Note::default(),
        };
        let ((operation, to_name, payee, name_owner), rules, account) = tokio::try_join!(
            self.gather_operation(intent),
            self.rules(),
            self.account(sender)
        )?;
        Ok(Known {
            sender,
            account: account.value,
            rules: rules.value.rules,
            operation,
            note,
            to_name,
            payee,
            name_owner,
            at: account.at,
        })
    }

    async fn gather_operation(
        &self,
        intent: Intent,
    ) -> Result<(Operation, Option<Name>, Payee, Option<Address>), SessionError> {
        let (to, name, payee, amount, note) = match intent {
            Intent::ClaimName(name) => {
                let owner = self.owner(&name).await?.value.map(|owner| owner.address);
                let operation = Operation::ClaimName { name };
                return Ok((operation, None, Payee::Exists, owner));
            }
            Intent::Transfer {
                to: Recipient::Address(to),
                amount,
                note,
            } => {
                let payee = match self.account(to).await?.value {
                    Some(_) => Payee::Exists,
                    None => Payee::New,
                };
                (to, None, payee, amount, note)
            }
            Intent::Transfer {
                to: Recipient::Name(name),
                amount,
                note,
            } => {
                let proven = self.owner(&name).await?;
                let Some(owner) = proven.value else {
                    let height = proven.at.height;
                    return Err(SessionError::UnknownName { name, height });
                };
                (owner.address, Some(name), Payee::Exists, amount, note)
            }
        };
        note.check_for(&to)?;
        let memo = note.public_part();
        let operation = Operation::Transfer { to, amount, memo };
        Ok((operation, name, payee, None))
    }
}
