//! What other wallets say. Rules first, then rates, then room; only then is it kept and shown.
//!
//! A stranger's request waits in memory until their account is proven to hold money: to tire an owner costs money then.
//! A stranger's notice does not wait, for a payee with no node at hand could see none; it only stands low.

use super::super::book::{Book, Course, Incoming, Item, Received, Standing, State};
use super::super::message::{Delivery, Message, Notice, Receipt, Reply, Thanks};
use super::super::refusal::Refusal;
use super::super::request::{Request, RequestId};
use super::{Dealings, Effect, Event, MAX_PARKED, PARKED_MS, Parked, Question, TELL_FOR_MS};
use crate::chain::transaction::{Operation, Transaction};
use crate::wallet::memo::{self, Reading, Reference};

impl Dealings {
    /// Hears what a peer says, and answers. Whose word it is stands in the message, signed; so it does not matter which
    /// peer brings it.
    pub fn hear(&mut self, message: Message, now_ms: u64) -> (Reply, Vec<Effect>) {
        let result = match message {
            Message::Request(request) => self.hear_request(request, now_ms),
            Message::Notice(notice) => self.hear_notice(notice, now_ms),
            Message::Receipt(receipt) => self.hear_receipt(receipt),
            Message::Thanks(thanks) => self.hear_thanks(thanks),
        };
        (Reply::from(result), self.finish())
    }

    fn hear_request(&mut self, request: Request, now_ms: u64) -> Result<(), Refusal> {
        request.examine(&self.network(), &self.owner(), now_ms)?;
        let (id, from) = (request.id(), request.wish.from);
        if self.has_received(&id) || self.parked.iter().any(|one| one.request.id() == id) {
            return Ok(());
        }
        let standing = self.standing_of(&from);
        let is_known = standing == Standing::Known;
        if !self.rates.allow(&from, is_known, now_ms) {
            return Err(Refusal::TooOften);
        }
        if is_known {
            return self.admit(request, standing, now_ms);
        }
        if self.parked.len() >= MAX_PARKED {
            self.parked.remove(0);
        }
        let until_ms = now_ms.saturating_add(PARKED_MS);
        self.parked.push(Parked { request, until_ms });
        self.ask(Question::Account { address: from });
        Ok(())
    }

    pub(super) fn has_received(&self, id: &RequestId) -> bool {
        let received = &self.book.received;
        received.iter().any(|one| one.request.id() == *id)
    }

    /// Takes a request in and shows it.
    pub(super) fn admit(
        &mut self,
        request: Request,
        standing: Standing,
        now_ms: u64,
    ) -> Result<(), Refusal> {
        let id = request.id();
        self.book.receive(Received {
            request,
            course: Course::Open,
            standing,
            heard_ms: now_ms,
        })?;
        self.book_changed = true;
        self.show(Event::RequestCame(id));
        Ok(())
    }

    fn hear_notice(&mut self, notice: Notice, now_ms: u64) -> Result<(), Refusal> {
        notice.examine(&self.network(), &self.owner())?;
        // Order: what is here already costs its payer nothing. Else anybody could use up the payer's words by repeating them.
        if let Some(place) = self.place_of_incoming(&notice) {
            return self.hear_again(place, &notice, now_ms);
        }
        let payer = notice.payer();
        let standing = self.standing_of(&payer);
        let is_known = standing == Standing::Known;
        if !self.rates.allow(&payer, is_known, now_ms) {
            return Err(Refusal::TooOften);
        }
        self.take_notice(notice, standing, now_ms)
    }

    /// Takes a payment in and shows it.
    pub(super) fn take_notice(
        &mut self,
        notice: Notice,
        standing: Standing,
        now_ms: u64,
    ) -> Result<(), Refusal> {
        let (id, payer) = (notice.payment.id(), notice.payer());
        if let Some(place) = self.place_of_incoming(&notice) {
            return self.hear_again(place, &notice, now_ms);
        }
        self.book.make_room(&payer, standing)?;
        let request = self.request_paid_by(&notice.payment.transaction, notice.request);
        self.book.incoming.push(Incoming {
            state: Book::state_of(notice.delivery),
            standing,
            request,
            heard_ms: now_ms,
            thanks: None,
            payment: notice.payment,
        });
        self.book_changed = true;
        self.show(Event::PaymentCame(id));
        if let Some(other) = self.book.contested_by(&id) {
            let payment = id;
            self.show(Event::PaymentContested { payment, other });
        }
        self.tell(
            Item::Receipt(id),
            now_ms.saturating_add(TELL_FOR_MS),
            now_ms,
        );
        self.watch(id, now_ms);
        self.ask_what_is_due(now_ms);
        Ok(())
    }

    fn place_of_incoming(&self, notice: &Notice) -> Option<usize> {
        let id = notice.payment.id();
        self.book.incoming.iter().position(|one| one.id() == id)
    }

    /// A payment is told again: a node may have it now, or the receipt reached the payer's account where the payment was
    /// not known. Repeating has a bucket of its own, so that nobody else can use up the payer's words.
    fn hear_again(&mut self, place: usize, notice: &Notice, now_ms: u64) -> Result<(), Refusal> {
        let id = self.book.incoming[place].id();
        let payer = notice.payer();
        let is_known = self.standing_of(&payer) == Standing::Known;
        let receipt = Item::Receipt(id);
        let is_under_way = self.book.outbox.iter().any(|one| one.item == receipt);
        if !is_under_way && self.repeats.allow(&payer, is_known, now_ms) {
            self.tell(receipt, now_ms.saturating_add(TELL_FOR_MS), now_ms);
        }
        let one = &mut self.book.incoming[place];
        match &one.state {
            State::Replaced { proof } => {
                let by = proof.transaction.id();
                Err(Refusal::Replaced { id, by })
            }
            State::SignedNotFinal if notice.delivery == Delivery::Submitted => {
                one.state = State::Announced;
                self.book_changed = true;
                self.show(Event::PaymentCame(id));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Which of the owner's requests a payment pays: the one that is named beside it or in its private memo, if whoever
    /// pays was asked and pays enough.
    pub(super) fn request_paid_by(
        &self,
        paid: &Transaction,
        named: Option<RequestId>,
    ) -> Option<RequestId> {
        let Operation::Transfer { amount, .. } = &paid.operation else {
            return None;
        };
        let reference = match named {
            Some(id) => Some(Reference::to(&id)),
            None => self.reference_in(paid),
        }?;
        let fits = |wish: &super::super::request::Wish| {
            Reference::to(&wish.id()) == reference
                && wish.to.is_none_or(|to| to == paid.sender)
                && *amount >= wish.amount
        };
        let mut asked = self.book.asked.iter().map(|one| &one.request.wish);
        asked.find(|wish| fits(wish)).map(|wish| wish.id())
    }

    /// The reference in a payment's private memo, if the owner can read it.
    pub(super) fn reference_in(&self, paid: &Transaction) -> Option<Reference> {
        match memo::read(paid, Some(&self.secret)) {
            Reading::Private(letter) => letter.reference(),
            _ => None,
        }
    }

    fn hear_receipt(&mut self, receipt: Receipt) -> Result<(), Refusal> {
        let payment = receipt.subject.payment;
        let unknown = Refusal::UnknownPayment { id: payment };
        // Order: what this wallet never paid is refused before a signature is worked on.
        let place = self.place_of_outgoing(&receipt.subject).ok_or(unknown)?;
        receipt.examine(&self.network(), &self.owner())?;
        let word = receipt.word;
        let one = &mut self.book.outgoing[place];
        if one.receipt.as_ref().is_none_or(|last| last.word < word) {
            one.receipt = Some(receipt);
            self.book_changed = true;
            self.show(Event::ReceiptCame { payment, word });
        }
        // Whoever has answered so has heard of it.
        self.tell_no_more(Item::Notice(payment));
        Ok(())
    }

    fn hear_thanks(&mut self, thanks: Thanks) -> Result<(), Refusal> {
        let payment = thanks.subject.payment;
        let unknown = Refusal::UnknownPayment { id: payment };
        let place = self.place_of_outgoing(&thanks.subject).ok_or(unknown)?;
        thanks.examine(&self.network(), &self.owner())?;
        let one = &mut self.book.outgoing[place];
        match &one.thanks {
            Some(known) if *known == thanks => Ok(()),
            Some(_) => Err(Refusal::Full { limit: 1 }),
            None => {
                one.thanks = Some(thanks);
                self.book_changed = true;
                self.show(Event::ThanksCame(payment));
                Ok(())
            }
        }
    }

    /// The payment of the owner that a word is about, if it was made to who speaks.
    fn place_of_outgoing(&self, subject: &super::super::message::Subject) -> Option<usize> {
        let is_it = |one: &super::super::book::Outgoing| {
            let paid = &one.notice.payment.transaction;
            one.id() == subject.payment
                && super::super::message::Subject::of(paid) == Some(*subject)
        };
        self.book.outgoing.iter().position(is_it)
    }
}
