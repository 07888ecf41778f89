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
use std::time::Duration;

use crate::chain::key::{Address, PublicKey, SecretKey};
use crate::chain::name::Name;
use crate::chain::query::Moment;
use crate::chain::rules::{Facts, Payee, Rejection};
use crate::chain::transaction::{Operation, Transaction, TransactionId};
use crate::chain::voucher::{ClaimWords, MAX_VOUCHER_LIFE_MS, Voucher};
use crate::node::clock;
use crate::wallet::dealings::message::Delivery;
use crate::wallet::dealings::request::RequestId;
use crate::wallet::draft::{DEFAULT_VALIDITY, draft};
use crate::wallet::journal::Journal;
use crate::wallet::memo::Note;
use crate::wallet::payment::{Payment, Refusal};
use crate::wallet::pool::Quorum;
use crate::wallet::voucher::VoucherSecret;

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
    /// To lock money for whoever has a secret; it follows from the account's key (`wallet/voucher.rs`).
    OpenVoucher(Terms),
    /// To claim a voucher by its secret. It takes no account, and no money but the voucher's.
    ClaimVoucher(VoucherSecret),
    /// To take all that is left of a voucher back.
    ReclaimVoucher(PublicKey),
}

/// How far clocks may be apart, in milliseconds: the longest life of a voucher is shorter by this.
const CLOCKS_APART_MS: u64 = 60 * 60 * 1000;

/// A voucher to be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// What whoever claims shall have of it: the fee of a claim is locked beside it.
    pub each: Amount,
    /// How many may claim, once each.
    pub count: u16,
    /// How long it can be claimed.
    pub life: Duration,
    /// What it says to those who have its code, and to who opens it.
    pub note: Note,
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
        let known = self.0.gather(sender, intent.into()).await?;
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
        let wish = Wish::Planned(plan.operation, plan.note);
        let mut driver = Driver::new(&self.0, purse, &[sender], progress);
        let known = self.0.gather(sender, wish).await?;
        let mut transaction = known.draft(&self.0, &driver.journal())?;
        // Its number is known only now, and its key follows from that.
        if let Operation::OpenVoucher { voucher, .. } = &mut transaction.operation {
            let (genesis, nonce) = (transaction.genesis, transaction.nonce);
            *voucher = VoucherSecret::of(secret, &genesis, nonce).public(&genesis);
        }
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
    voucher: Option<Voucher>,
    at: Moment,
}

/// What is to be gathered for.
enum Wish {
    New(Intent),
    /// What was planned and confirmed.
    Planned(Operation, Note),
}

impl From<Intent> for Wish {
    fn from(intent: Intent) -> Self {
        Self::New(intent)
    }
}

/// What an operation rests on.
struct Gathered {
    operation: Operation,
    note: Note,
    to_name: Option<Name>,
    payee: Payee,
    name_owner: Option<Address>,
    voucher: Option<Voucher>,
}

impl Gathered {
    fn of(operation: Operation) -> Self {
        Self {
            operation,
            note: Note::default(),
            to_name: None,
            payee: Payee::Exists,
            name_owner: None,
            voucher: None,
        }
    }
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
            voucher: self.voucher.as_ref(),
            time_ms: match &self.operation {
                // The block that opens it is made about now; the chain's newest may be old, or there is none yet.
                Operation::OpenVoucher { .. } => self.at.time_ms.max(clock::unix_ms()),
                _ => self.at.time_ms,
            },
            nonces_ahead: 0,
        };
        let operation = self.operation.clone();
        let transaction = draft(&facts, self.sender, journal, operation, DEFAULT_VALIDITY)?;
        Ok(transaction)
    }
}

impl Inner {
    async fn gather(&self, sender: Address, wish: Wish) -> Result<Known, SessionError> {
        let (gathered, rules, account) = tokio::try_join!(
            self.gather_operation(sender, wish),
            self.rules(),
            self.account(sender)
        )?;
        Ok(Known {
            sender,
            account: account.value,
            rules: rules.value.rules,
            operation: gathered.operation,
            note: gathered.note,
            to_name: gathered.to_name,
            payee: gathered.payee,
            name_owner: gathered.name_owner,
            voucher: gathered.voucher,
            at: account.at,
        })
    }

    async fn gather_operation(
        &self,
        sender: Address,
        wish: Wish,
    ) -> Result<Gathered, SessionError> {
        match wish {
            Wish::New(Intent::Transfer { to, amount, note }) => {
                let (to, to_name) = match to {
                    Recipient::Address(to) => (to, None),
                    Recipient::Name(name) => {
                        let proven = self.owner(&name).await?;
                        let Some(owner) = proven.value else {
                            let height = proven.at.height;
                            return Err(SessionError::UnknownName { name, height });
                        };
                        (owner.address, Some(name))
                    }
                };
                note.check_for(&to)?;
                let memo = note.public_part();
                let operation = Operation::Transfer { to, amount, memo };
                let facts = self.facts_of(operation).await?;
                Ok(Gathered {
                    note,
                    to_name,
                    ..facts
                })
            }
            Wish::New(Intent::ClaimName(name)) => {
                self.facts_of(Operation::ClaimName { name }).await
            }
            Wish::New(Intent::OpenVoucher(terms)) => self.opening(terms).await,
            Wish::New(Intent::ClaimVoucher(secret)) => self.claim(sender, &secret).await,
            Wish::New(Intent::ReclaimVoucher(voucher)) => {
                let open = self.open_voucher(voucher).await?;
                let amount = open.locked();
                let operation = Operation::ReclaimVoucher { voucher, amount };
                let voucher = Some(open);
                Ok(Gathered {
                    voucher,
                    ..Gathered::of(operation)
                })
            }
            Wish::Planned(operation, note) => {
                let facts = self.facts_of(operation).await?;
                Ok(Gathered { note, ..facts })
            }
        }
    }

    /// What an operation that is complete rests on.
    async fn facts_of(&self, operation: Operation) -> Result<Gathered, SessionError> {
        let mut gathered = Gathered::of(operation);
        match &gathered.operation {
            Operation::Transfer { to, .. } => {
                if self.account(*to).await?.value.is_none() {
                    gathered.payee = Payee::New;
                }
            }
            Operation::ClaimName { name } => {
                let owner = self.owner(name).await?.value;
                gathered.name_owner = owner.map(|owner| owner.address);
            }
            // Under a key that nobody knows yet none is open.
            Operation::OpenVoucher { .. } => {}
            Operation::ClaimVoucher { voucher, .. } | Operation::ReclaimVoucher { voucher, .. } => {
                gathered.voucher = self.voucher(*voucher).await?.value;
            }
        }
        Ok(gathered)
    }

    async fn open_voucher(&self, voucher: PublicKey) -> Result<Voucher, SessionError> {
        let gone = Rejection::NoVoucher { voucher };
        let open = self.voucher(voucher).await?.value;
        Ok(open.ok_or(gone)?)
    }

    async fn opening(&self, terms: Terms) -> Result<Gathered, SessionError> {
        let rules = self.rules().await?;
        // Before the first block, and after a pause, the chain's time is an old one.
        let now_ms = rules.at.time_ms.max(clock::unix_ms());
        let life_ms = u64::try_from(terms.life.as_millis()).unwrap_or(u64::MAX);
        // A proposer's clock may be a little behind ours.
        let life_ms = life_ms.min(MAX_VOUCHER_LIFE_MS - CLOCKS_APART_MS);
        let share = terms.each.checked_add(rules.value.rules.fee);
        let operation = Operation::OpenVoucher {
            voucher: PublicKey([0; 32]),
            share: share.unwrap_or(Amount::MAX),
            count: terms.count,
            until_ms: now_ms.saturating_add(life_ms),
            memo: terms.note.public_part(),
        };
        Ok(Gathered {
            note: terms.note,
            ..Gathered::of(operation)
        })
    }

    async fn claim(
        &self,
        sender: Address,
        secret: &VoucherSecret,
    ) -> Result<Gathered, SessionError> {
        let genesis = *self.light().genesis();
        let voucher = secret.public(&genesis);
        let open = self.open_voucher(voucher).await?;
        let words = ClaimWords {
            genesis,
            voucher,
            opening: open.opening,
            claimer: sender,
        };
        let operation = Operation::ClaimVoucher {
            voucher,
            opener: open.opener,
            opening: open.opening,
            share: open.share,
            proof: words.sign(&secret.key(&genesis)),
        };
        Ok(Gathered {
            voucher: Some(open),
            ..Gathered::of(operation)
        })
    }
}
