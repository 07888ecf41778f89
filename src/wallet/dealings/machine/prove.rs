//! What the chain says, proven: the only way to an end.
//!
//! A final transaction ends every payment in its place: the one that it is, and those that it excludes. It also tells of
//! requests that were paid where this wallet heard nothing, by the reference in the private memo: on another machine
//! with the same words, or while it was away.

use super::super::book::{Course, End, Fate, Incoming, Item, Standing, State};
use super::{Dealings, Effect, Event, Question, TELL_FOR_MS};
use crate::chain::account::Account;
use crate::chain::amount::Amount;
use crate::chain::key::Address;
use crate::chain::query::{AnswerError, Proven, TransactionAnswer};
use crate::chain::transaction::{Transaction, TransactionId};
use crate::wallet::memo::Reference;

impl Dealings {
    /// A transaction with the proof that it is final, which is checked here under the network's genesis.
    ///
    /// # Errors
    /// An [`AnswerError`] if it is not proven; nothing is changed then.
    pub fn prove(
        &mut self,
        proof: TransactionAnswer,
        now_ms: u64,
    ) -> Result<Vec<Effect>, AnswerError> {
        let id = proof.transaction.id();
        let height = proof.clone().verify(&self.trust, &id)?.at.height;
        let transaction = proof.transaction.transaction.clone();
        if transaction.sender == self.owner() {
            self.own_is_final(&id, &transaction, height);
        } else {
            self.incoming_is_final(&id, height, now_ms);
            self.others_are_replaced(&id, &proof);
            if transaction.payee() == Some(self.owner()) {
                self.is_paid_unheard(&proof, height, now_ms);
            }
        }
        self.book.bound_ended();
        Ok(self.finish())
    }

    fn incoming_is_final(&mut self, id: &TransactionId, height: u64, now_ms: u64) {
        let is_it = |one: &&mut Incoming| one.id() == *id && one.state.is_unproven();
        let Some(one) = self.book.incoming.iter_mut().find(is_it) else {
            return;
        };
        one.state = State::Final { height };
        one.standing = Standing::Known;
        let request = one.request;
        self.book_changed = true;
        let payment = *id;
        self.show(Event::PaymentFinal { payment, height });
        self.request_is_paid(request, payment);
        self.tell(
            Item::Receipt(payment),
            now_ms.saturating_add(TELL_FOR_MS),
            now_ms,
        );
    }

    fn request_is_paid(
        &mut self,
        request: Option<super::super::request::RequestId>,
        by: TransactionId,
    ) {
        let Some(request) = request else {
            return;
        };
        let mut asked = self.book.asked.iter_mut();
        let is_it = |one: &&mut super::super::book::Asked| one.request.id() == request;
        if let Some(one) = asked.find(is_it)
            && !matches!(one.fate, Fate::Paid { .. })
        {
            one.fate = Fate::Paid { payment: by };
            self.book_changed = true;
            let payment = by;
            self.show(Event::RequestPaid { request, payment });
            self.tell_no_more(Item::Request(request));
        }
    }

    /// Whoever had the same payer and nonce can never be.
    fn others_are_replaced(&mut self, by: &TransactionId, proof: &TransactionAnswer) {
        let taken = &proof.transaction.transaction;
        let mut replaced = Vec::new();
        for one in &mut self.book.incoming {
            let signed = &one.payment.transaction;
            let same_place = signed.sender == taken.sender && signed.nonce == taken.nonce;
            if same_place && one.state.is_unproven() && one.id() != *by {
                let proof = Box::new(proof.clone());
                one.state = State::Replaced { proof };
                replaced.push(one.id());
            }
        }
        for payment in replaced {
            self.book_changed = true;
            self.show(Event::PaymentReplaced { payment, by: *by });
            self.tell_no_more(Item::Receipt(payment));
        }
    }

    /// A payment that nobody told of, for a request of the owner.
    fn is_paid_unheard(&mut self, proof: &TransactionAnswer, height: u64, now_ms: u64) {
        let id = proof.transaction.id();
        if self.book.incoming.iter().any(|one| one.id() == id) {
            return;
        }
        let request = self.request_paid_by(&proof.transaction.transaction, None);
        if request.is_none() {
            // It stands in the history; nothing here hangs on it.
            return;
        }
        self.book.incoming.push(Incoming {
            payment: proof.transaction.clone(),
            state: State::Final { height },
            standing: Standing::Known,
            request,
            heard_ms: now_ms,
            thanks: None,
        });
        self.book_changed = true;
        self.show(Event::PaymentFinal {
            payment: id,
            height,
        });
        self.request_is_paid(request, id);
    }

    fn own_is_final(&mut self, id: &TransactionId, transaction: &Transaction, height: u64) {
        let nonce = transaction.nonce;
        let in_place = self
            .book
            .outgoing
            .iter()
            .filter(|one| one.notice.payment.transaction.nonce == nonce && one.end.is_none());
        let in_place: Vec<TransactionId> = in_place.map(|one| one.id()).collect();
        for payment in in_place {
            let end = match payment == *id {
                true => End::Final { height },
                false => End::Failed,
            };
            self.own_ended(&payment, end);
        }
        // Paid from another machine of the owner, or by hand: never a second time from here.
        if let Some(reference) = self.reference_in(transaction) {
            for one in &mut self.book.received {
                let wish = &one.request.wish;
                let is_it = Reference::to(&wish.id()) == reference
                    && transaction.payee() == Some(wish.from);
                if is_it && matches!(one.course, Course::Open | Course::Declined) {
                    one.course = Course::Paid { payment: *id };
                    self.book_changed = true;
                }
            }
        }
    }

    /// Writes down what became of a payment of the owner. The first end stands.
    pub(super) fn own_ended(&mut self, payment: &TransactionId, end: End) {
        let mut outgoing = self.book.outgoing.iter_mut();
        let Some(one) = outgoing.find(|one| one.id() == *payment && one.end.is_none()) else {
            return;
        };
        one.end = Some(end);
        self.book_changed = true;
        let mut reopened = None;
        for one in &mut self.book.received {
            if one.course == (Course::Paying { payment: *payment }) {
                one.course = match end {
                    End::Final { .. } => Course::Paid { payment: *payment },
                    End::Failed => Course::Open,
                };
                reopened = (end == End::Failed).then(|| one.request.id());
            }
        }
        if let Some(request) = reopened {
            self.show(Event::RequestReopened(request));
        }
        if end == End::Failed {
            self.tell_no_more(Item::Notice(*payment));
        }
    }

    /// An account as it is proven to be, `None` if there is proven to be none. Whoever calls has checked the proof.
    pub fn account_proven(
        &mut self,
        address: &Address,
        proven: &Proven<Option<Account>>,
        now_ms: u64,
    ) -> Vec<Effect> {
        let (balance, nonce) = match &proven.value {
            Some(account) => (account.balance, account.nonce),
            None => (Amount::ZERO, 0),
        };
        let height = proven.at.height;
        self.admit_parked(address, balance, now_ms);
        for payment in self.open_payments() {
            let incoming = self
                .book
                .incoming
                .iter()
                .position(|one| one.id() == payment);
            let signed = match incoming {
                Some(place) => &self.book.incoming[place].payment,
                None => {
                    let outgoing = self.book.outgoing.iter().find(|one| one.id() == payment);
                    match outgoing {
                        Some(one) => &one.notice.payment,
                        None => continue,
                    }
                }
            };
            let transaction = &signed.transaction;
            if transaction.sender != *address {
                continue;
            }
            let cost = transaction.cost();
            if nonce > transaction.nonce {
                self.nonce_is_taken(payment, *address, transaction.nonce);
            } else if height >= transaction.valid_until {
                // Every block that could have held it is in this state, and none did.
                self.is_over(incoming, payment, height);
            } else if let Some(place) = incoming {
                self.is_covered(place, cost.is_some_and(|cost| cost <= balance));
            }
        }
        self.book.bound_ended();
        self.finish()
    }

    /// Strangers with money are heard; those without are not.
    fn admit_parked(&mut self, address: &Address, balance: Amount, now_ms: u64) {
        let all = std::mem::take(&mut self.parked);
        let (theirs, others) = all
            .into_iter()
            .partition(|one: &super::Parked| one.request.wish.from == *address);
        self.parked = others;
        for one in theirs {
            let wish = &one.request.wish;
            let is_good = !balance.is_zero() && now_ms < wish.expires_at_ms;
            if is_good && !self.has_received(&wish.id()) {
                // Full is no fault of anybody's: the asker tries again.
                let _ = self.admit(one.request, Standing::Covered, now_ms);
            }
        }
    }

    fn nonce_is_taken(&mut self, payment: TransactionId, sender: Address, nonce: u64) {
        let Some(watch) = self.watches.get_mut(&payment) else {
            return;
        };
        if !std::mem::replace(&mut watch.nonce_taken, true) {
            self.ask(Question::Inclusion { payment });
            self.ask(Question::WhoTook { sender, nonce });
        }
    }

    fn is_over(&mut self, incoming: Option<usize>, payment: TransactionId, height: u64) {
        let Some(place) = incoming else {
            return self.own_ended(&payment, End::Failed);
        };
        self.book.incoming[place].state = State::Expired { height };
        self.book_changed = true;
        self.show(Event::PaymentExpired(payment));
        self.tell_no_more(Item::Receipt(payment));
    }

    fn is_covered(&mut self, place: usize, is_covered: bool) {
        let one = &mut self.book.incoming[place];
        let standing = match is_covered {
            true => Standing::Covered,
            false => Standing::Short,
        };
        if one.standing == standing || one.standing == Standing::Known {
            return;
        }
        one.standing = standing;
        let payment = one.id();
        self.book_changed = true;
        if !is_covered {
            self.show(Event::PaymentShort(payment));
        }
    }
}
