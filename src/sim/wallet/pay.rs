//! Payments of a running wallet: from the proven facts to what is signed, as `node/session/pay/` does it.
//!
//! Never: sign what the rules refuse. Next: `desk.rs`, where it goes on.

use super::ask::{Found, Purpose};
use super::desk::Mail;
use super::run::{Act, Run};
use super::user::Intent;
use crate::chain::account::Account;
use crate::chain::codec::Decode as _;
use crate::chain::genesis::Rules;
use crate::chain::query::{Moment, Query};
use crate::chain::rules::{Facts, Payee};
use crate::chain::transaction::{Operation, SignedTransaction, TransactionId};
use crate::wallet::draft::draft;
use crate::wallet::payment::{Input, Payment, PaymentMachine};

/// Facts about an intent, as they come.
pub(super) struct Gathering {
    pub(super) intent: Intent,
    account: Option<(Option<Account>, Moment)>,
    payee: Option<Payee>,
    rules: Option<Rules>,
}

impl Run {
    /// Takes up every payment of the journal that waits.
    pub(super) fn resume_all(&mut self) {
        let genesis = self.me.genesis;
        let pending: Vec<Payment> = self.desk.journal.unresolved(genesis).cloned().collect();
        for payment in pending {
            let id = payment.id();
            let (machine, outputs) = PaymentMachine::resume(payment, self.now_ms());
            self.desk.machines.insert(id, machine);
            self.desk.busy_since = self.now;
            self.take_outputs(id, outputs);
            self.mail(Mail::Input(id, Input::Nodes(self.pool.ranked())));
        }
    }

    // ---- a new payment ----

    /// Proves what an intent rests on.
    pub(super) fn gather(&mut self, intent: Intent) {
        self.desk.gathering = Some(Gathering {
            account: None,
            payee: None,
            rules: None,
            intent,
        });
        let (me, payee) = (self.me.address, intent.payee);
        self.ask(Purpose::Payee, Query::Account(payee));
        self.ask(Purpose::Rules, Query::Network);
        self.ask(Purpose::Payer, Query::Account(me));
    }

    /// Something is proven, or cannot be now.
    pub(super) fn found(&mut self, purpose: Purpose, found: Option<Found>) {
        match (purpose, found) {
            (Purpose::Probe, _) => {}
            (Purpose::Payer | Purpose::Payee | Purpose::Rules, found) => self.fact(purpose, found),
            (Purpose::Audit, Some(Found::History(entries, at))) => {
                self.acts.push_back(Act::History(at, entries));
            }
            (Purpose::Inclusion(id), Some(Found::Inclusion(at))) => {
                let input = self.inclusion(id, &at);
                self.mail(Mail::Input(id, input));
            }
            (Purpose::Account(id), Some(Found::Account(account, at))) => {
                let nonce = account.map_or(0, |account| account.nonce);
                let height = at.height;
                self.mail(Mail::Input(id, Input::ProvenAccount { height, nonce }));
            }
            (Purpose::WhoTook(id, nonce), Some(Found::History(entries, _))) => {
                let me = self.me.address;
                let took = entries.into_iter().find(|entry| {
                    entry.transaction.sender == me && entry.transaction.nonce == nonce
                });
                if let Some(entry) = took {
                    let (by, height) = (entry.transaction.id(), entry.height);
                    self.mail(Mail::Input(id, Input::ProvenOther { by, nonce, height }));
                }
            }
            _ => {}
        }
    }

    pub(super) fn inclusion(&self, id: TransactionId, at: &Moment) -> Input {
        let validators = self.light.validators().count();
        Input::ProvenInclusion {
            id,
            height: at.height,
            signed_by: at.signed_by,
            validators: u16::try_from(validators).unwrap_or(u16::MAX),
        }
    }

    fn fact(&mut self, purpose: Purpose, found: Option<Found>) {
        let Some(gathering) = &mut self.desk.gathering else {
            return;
        };
        match (purpose, found) {
            (Purpose::Payer, Some(Found::Account(account, at))) => {
                gathering.account = Some((account, at));
            }
            (Purpose::Payee, Some(Found::Account(account, _))) => {
                let payee = account.map_or(Payee::New, |_| Payee::Exists);
                gathering.payee = Some(payee);
            }
            (Purpose::Rules, Some(Found::Rules(rules))) => gathering.rules = Some(rules),
            _ => {
                let intent = gathering.intent;
                self.desk.gathering = None;
                let is_fact =
                    |purpose| matches!(purpose, Purpose::Payer | Purpose::Payee | Purpose::Rules);
                self.asking.retain(|_, asking| !is_fact(asking.purpose));
                let why = "no node gave an answer that could be believed".to_owned();
                self.acts.push_back(Act::NotBegun(intent, why));
                return;
            }
        }
        let is_complete =
            gathering.account.is_some() && gathering.payee.is_some() && gathering.rules.is_some();
        if is_complete && let Some(gathering) = self.desk.gathering.take() {
            self.mail(Mail::Begin(Box::new(gathering)));
        }
    }

    /// Signs what was gathered; it leaves when it is on the disk.
    pub(super) fn begin_payment(&mut self, gathering: Gathering) {
        let intent = gathering.intent;
        let (Some((account, at)), Some(payee), Some(rules)) =
            (gathering.account, gathering.payee, gathering.rules)
        else {
            return;
        };
        let facts = Facts {
            genesis: &self.me.genesis,
            rules: &rules,
            height: at.height.saturating_add(1),
            sender: account.as_ref(),
            payee,
            name_owner: None,
            voucher: None,
            time_ms: at.time_ms,
            nonces_ahead: 0,
        };
        let operation = Operation::Transfer {
            to: intent.payee,
            amount: intent.amount,
            memo: intent.memo(),
        };
        let me = self.me.address;
        let drafted = draft(&facts, me, &self.desk.journal, operation, intent.validity);
        let transaction = match drafted {
            Ok(transaction) => transaction.sign(&self.me.secret),
            Err(rejection) => {
                let act = Act::NotBegun(intent, rejection.to_string());
                return self.acts.push_back(act);
            }
        };
        let id = transaction.id();
        self.acts.push_back(Act::Signed(intent.number, id));
        let payment = Payment::new(transaction, None, self.now_ms());
        let (machine, outputs) = PaymentMachine::new(payment, self.now_ms());
        self.desk.machines.insert(id, machine);
        self.desk.busy_since = self.now;
        self.take_outputs(id, outputs);
        self.mail(Mail::Input(id, Input::Nodes(self.pool.ranked())));
    }

    // ---- the owner's look at everything ----

    pub(super) fn audit(&mut self) {
        self.ask_history(Purpose::Audit);
    }

    pub(super) fn is_auditing(&self) -> bool {
        self.is_asking(Purpose::Audit)
    }
}

/// The payment's intent, by its memo.
pub(super) fn intent_of(transaction: &SignedTransaction) -> Option<u64> {
    match &transaction.transaction.operation {
        Operation::Transfer { memo, .. } => u64::from_bytes(memo.as_bytes()).ok(),
        _ => None,
    }
}
