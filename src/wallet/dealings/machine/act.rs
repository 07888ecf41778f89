//! What the owner does: ask, withdraw, take a request or payment from paper, decline, pay, thank.
//!
//! Paying is three steps, and the order is the law: [`Dealings::repayment`] says what to pay; the payment is drafted and
//! signed; [`Dealings::paying`] binds it to the request and is saved *before* the journal and before any node hears of
//! it. So a request is paid at most once, whatever crashes: it is open again only when the chain proves that the payment
//! can never be.

use super::super::book::{
    Asked, Course, End, Fate, Item, MAX_ASKED, MAX_OUTGOING, Outgoing, Standing,
};
use super::super::message::{Delivery, Message, Notice, Subject, Thanks};
use super::super::refusal::Refusal;
use super::super::request::{MAX_LIFE_MS, Request, RequestId, Wish};
use super::{Dealings, Effect, TELL_FOR_MS};
use crate::chain::amount::Amount;
use crate::chain::key::Address;
use crate::chain::transaction::{Memo, Operation, SignedTransaction, TransactionId};
use crate::wallet::memo::{Letter, Reading, Reference, SealRefusal};
use crate::wallet::payment::{Payment, Status};

/// Why the owner's act was refused; nothing has changed then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ActError {
    /// There is no such request.
    #[error("this wallet knows of no request {0}")]
    UnknownRequest(RequestId),
    /// There is no such payment, or it is not final yet.
    #[error("payment {0} is not known here to be final: thank for what has come")]
    UnknownPayment(TransactionId),
    /// It was declined, withdrawn, paid, or is being paid.
    #[error("this is settled: {0}")]
    Settled(&'static str),
    /// A payment does not do what its request asks.
    #[error("the payment is not what the request asks for: pay {amount} NAT to {to}")]
    OtherPayment {
        /// Whom to pay.
        to: Address,
        /// How much.
        amount: Amount,
    },
    /// A rule would be broken.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The text cannot be sealed.
    #[error(transparent)]
    Seal(#[from] SealRefusal),
}

/// What pays a request: payee, amount and memo come from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repayment {
    /// Whom.
    pub to: Address,
    /// How much.
    pub amount: Amount,
    /// The private memo: the request's text, and which request it is.
    pub letter: Letter,
}

impl Dealings {
    /// Asks to be paid, within `life_ms`; one account, which is told at once, or anybody. The request's line of text can
    /// be shown anywhere.
    ///
    /// # Errors
    /// [`ActError::Refused`] for P3, P4, P5 and P14; [`ActError::Seal`].
    pub fn ask_for(
        &mut self,
        to: Option<Address>,
        amount: Amount,
        text: &str,
        life_ms: u64,
        now_ms: u64,
    ) -> Result<(Request, Vec<Effect>), ActError> {
        if !(1..=MAX_LIFE_MS).contains(&life_ms) {
            let limit_ms = MAX_LIFE_MS;
            return Err(Refusal::Life { life_ms, limit_ms }.into());
        }
        if amount.is_zero() {
            return Err(Refusal::Nothing.into());
        }
        if to == Some(self.owner()) {
            return Err(Refusal::Own.into());
        }
        // Two requests of one moment that say the same would be one.
        let last = self
            .book
            .asked
            .iter()
            .map(|one| one.request.wish.issued_at_ms);
        let issued_at_ms = last
            .max()
            .map_or(now_ms, |last| now_ms.max(last.saturating_add(1)));
        let wish = Wish {
            network: self.network(),
            from: self.owner(),
            to,
            amount,
            text: Memo::default(),
            issued_at_ms,
            expires_at_ms: issued_at_ms.saturating_add(life_ms),
        };
        let request = wish.saying(text, &self.secret)?.sign(&self.secret);
        self.make_room_for_asking(now_ms)?;
        let (id, until_ms) = (request.id(), request.wish.expires_at_ms);
        let fate = Fate::Open;
        self.book.asked.push(Asked {
            request: request.clone(),
            fate,
        });
        self.book_changed = true;
        if to.is_some() {
            self.tell(Item::Request(id), until_ms, now_ms);
        }
        Ok((request, self.finish()))
    }

    fn make_room_for_asking(&mut self, now_ms: u64) -> Result<(), Refusal> {
        if self.book.asked.len() < MAX_ASKED {
            return Ok(());
        }
        let is_done =
            |one: &Asked| one.fate != Fate::Open || one.request.wish.expires_at_ms <= now_ms;
        let place = self.book.asked.iter().position(is_done);
        let place = place.ok_or(Refusal::Full { limit: MAX_ASKED })?;
        self.book.asked.remove(place);
        Ok(())
    }

    /// Takes a request of the owner back. Whoever has it already may still pay it; that is money all the same.
    ///
    /// # Errors
    /// [`ActError::UnknownRequest`], [`ActError::Settled`].
    pub fn withdraw(&mut self, id: &RequestId) -> Result<Vec<Effect>, ActError> {
        let mut asked = self.book.asked.iter_mut();
        let one = asked
            .find(|one| one.request.id() == *id)
            .ok_or(ActError::UnknownRequest(*id))?;
        if matches!(one.fate, Fate::Paid { .. }) {
            return Err(ActError::Settled("it is paid"));
        }
        one.fate = Fate::Withdrawn;
        self.book_changed = true;
        self.tell_no_more(Item::Request(*id));
        Ok(self.finish())
    }

    /// Takes what the owner was given by hand, such as a scanned line: a request or a payment. No stranger's rules.
    ///
    /// # Errors
    /// [`ActError::Refused`].
    pub fn bring(&mut self, message: Message, now_ms: u64) -> Result<Vec<Effect>, ActError> {
        let (network, owner) = (self.network(), self.owner());
        match message {
            Message::Request(request) => {
                request.examine(&network, &owner, now_ms)?;
                if !self.has_received(&request.id()) {
                    self.book.make_room_for_brought(&request.wish.from);
                    self.admit(request, Standing::Known, now_ms)?;
                }
            }
            Message::Notice(notice) => {
                notice.examine(&network, &owner)?;
                self.take_notice(notice, Standing::Known, now_ms)?;
            }
            // They come from a wallet, never by hand.
            message @ (Message::Receipt(_) | Message::Thanks(_)) => {
                let (_, effects) = self.hear(message, now_ms);
                return Ok(effects);
            }
        }
        Ok(self.finish())
    }

    /// Does not want to pay. The asker is not told: silence is the owner's right.
    ///
    /// # Errors
    /// [`ActError::UnknownRequest`], [`ActError::Settled`].
    pub fn decline(&mut self, id: &RequestId) -> Result<Vec<Effect>, ActError> {
        let place = self.open_request(id)?;
        self.book.received[place].course = Course::Declined;
        self.book_changed = true;
        Ok(self.finish())
    }

    /// What pays a request. Nothing is bound yet: see [`Dealings::paying`].
    ///
    /// # Errors
    /// [`ActError::UnknownRequest`], [`ActError::Settled`], [`ActError::Refused`] (P7), [`ActError::Seal`].
    pub fn repayment(&self, id: &RequestId, now_ms: u64) -> Result<Repayment, ActError> {
        let request = &self.book.received[self.open_request(id)?].request;
        let wish = &request.wish;
        if wish.expires_at_ms <= now_ms {
            let until_ms = wish.expires_at_ms;
            return Err(Refusal::Over { until_ms, now_ms }.into());
        }
        let text = match request.read(Some(&self.secret)) {
            Reading::Private(letter) => letter.text().to_owned(),
            Reading::Public(text) => String::from_utf8_lossy(text.as_bytes()).into_owned(),
            // What cannot be read is not repeated; the reference says what is meant.
            Reading::Empty | Reading::Sealed => String::new(),
        };
        Ok(Repayment {
            to: wish.from,
            amount: wish.amount,
            letter: Letter::new(&text, Some(Reference::to(id)))?,
        })
    }

    fn open_request(&self, id: &RequestId) -> Result<usize, ActError> {
        let mut received = self.book.received.iter();
        let place = received
            .position(|one| one.request.id() == *id)
            .ok_or(ActError::UnknownRequest(*id))?;
        match self.book.received[place].course {
            Course::Open => Ok(place),
            Course::Declined => Err(ActError::Settled("it was declined")),
            Course::Paying { .. } => Err(ActError::Settled("a payment for it is under way")),
            Course::Paid { .. } => Err(ActError::Settled("it is paid")),
        }
    }

    /// Binds a payment that was just signed, for a request or without one, and has its payee told. Save, and only then
    /// remember it in the journal and hand it in.
    ///
    /// # Errors
    /// [`ActError::UnknownRequest`], [`ActError::Settled`], [`ActError::OtherPayment`], [`ActError::Refused`]: the
    /// payment must not be made then.
    pub fn paying(
        &mut self,
        payment: &SignedTransaction,
        request: Option<&RequestId>,
        delivery: Delivery,
        now_ms: u64,
    ) -> Result<Vec<Effect>, ActError> {
        let (id, paid) = (payment.id(), &payment.transaction);
        let Operation::Transfer { to, amount, .. } = &paid.operation else {
            return Err(Refusal::Nothing.into());
        };
        if paid.sender != self.owner() || paid.genesis != self.network() {
            return Err(ActError::UnknownPayment(id));
        }
        if self.book.outgoing.iter().any(|one| one.id() == id) {
            return Ok(Vec::new());
        }
        let place = request.map(|id| self.open_request(id)).transpose()?;
        if let Some(place) = place {
            let wish = &self.book.received[place].request.wish;
            if (wish.from, wish.amount) != (*to, *amount) {
                let (to, amount) = (wish.from, wish.amount);
                return Err(ActError::OtherPayment { to, amount });
            }
        }
        self.make_room_for_paying()?;
        if let Some(place) = place {
            self.book.received[place].course = Course::Paying { payment: id };
        }
        self.book.outgoing.push(Outgoing {
            notice: Notice {
                payment: payment.clone(),
                delivery,
                request: request.copied(),
            },
            end: None,
            receipt: None,
            thanks: None,
            made_ms: now_ms,
        });
        self.tell(Item::Notice(id), now_ms.saturating_add(TELL_FOR_MS), now_ms);
        self.watch(id, now_ms);
        Ok(self.finish())
    }

    fn make_room_for_paying(&mut self) -> Result<(), Refusal> {
        if self.book.outgoing.len() < MAX_OUTGOING {
            return Ok(());
        }
        let place = self.book.outgoing.iter().position(|one| one.end.is_some());
        let place = place.ok_or(Refusal::Full {
            limit: MAX_OUTGOING,
        })?;
        self.book.outgoing.remove(place);
        Ok(())
    }

    /// How a payment of the owner stands, by its own machine: its status is a proven one, or says that a node has it.
    pub fn own_payment(&mut self, payment: &Payment, now_ms: u64) -> Vec<Effect> {
        let id = payment.id();
        match payment.status() {
            Status::Signed => {}
            Status::Submitted => {
                let mut outgoing = self.book.outgoing.iter_mut();
                let handed_over = |one: &&mut Outgoing| {
                    one.id() == id && one.notice.delivery == Delivery::HandedOver
                };
                if let Some(one) = outgoing.find(handed_over) {
                    one.notice.delivery = Delivery::Submitted;
                    self.tell(Item::Notice(id), now_ms.saturating_add(TELL_FOR_MS), now_ms);
                }
            }
            Status::Final { height, .. } => self.own_ended(&id, End::Final { height: *height }),
            Status::Rejected { .. } | Status::Expired { .. } | Status::Replaced { .. } => {
                self.own_ended(&id, End::Failed);
            }
        }
        self.finish()
    }

    /// Thanks the payer of a payment that is proven, once.
    ///
    /// # Errors
    /// [`ActError::UnknownPayment`], [`ActError::Settled`], [`ActError::Seal`].
    pub fn thank(
        &mut self,
        payment: &TransactionId,
        text: &str,
        now_ms: u64,
    ) -> Result<Vec<Effect>, ActError> {
        let unknown = || ActError::UnknownPayment(*payment);
        let mut incoming = self.book.incoming.iter_mut();
        let one = incoming
            .find(|one| one.id() == *payment && one.state.is_final())
            .ok_or_else(unknown)?;
        if one.thanks.is_some() {
            return Err(ActError::Settled("thanks were said"));
        }
        let subject = Subject::of(&one.payment.transaction).ok_or_else(unknown)?;
        one.thanks = Some(Thanks::sign(subject, text, &self.secret)?);
        self.tell(
            Item::Thanks(*payment),
            now_ms.saturating_add(TELL_FOR_MS),
            now_ms,
        );
        Ok(self.finish())
    }
}
