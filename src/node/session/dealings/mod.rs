//! Dealings over the network: requests, notices, receipts and thanks, from this session's wallet to others and back.
//!
//! ```text
//! session.deal(Desk::open(file, secret, trust)) -> Dealt events, for the owner
//!   .deal_with(act)   what the owner does: ask, decline, thank, ...
//!   .book()           what is kept
//! ```
//! The machine decides (`wallet/dealings/machine.rs`); here its effects are performed: `jobs.rs` asks the chain and hands
//! payments in, `deliver.rs` finds the other wallet and tells it. All of it is bounded, and may fail: the machine tries
//! again.
//!
//! Never: show as final what the machine has not proven. Next: `desk.rs` (the disk).

mod deliver;
mod desk;
mod jobs;

pub use desk::Desk;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep_until};

use super::error::SessionError;
use super::{Inner, Session, clock_now};
use crate::behaviour::{Declined, PeerId, Service};
use crate::chain::codec::{Decode as _, Encode as _};
use crate::chain::key::{Address, SecretKey};
use crate::chain::query::Trust;
use crate::chain::transaction::SignedTransaction;
use crate::node::clock;
use crate::node::network::{RequestId, Route};
use crate::wallet::dealings::book::Book;
use crate::wallet::dealings::machine::{ActError, Dealings, Effect, Event};
use crate::wallet::dealings::message::{Delivery, MAX_MESSAGE_BYTES, Message, REPLY_BYTES, Reply};
use crate::wallet::dealings::request::RequestId as PaymentRequestId;
use crate::wallet::payment::Payment;

const _: () = assert!(MAX_MESSAGE_BYTES == Service::Pay.caps().request_bytes);
const _: () = assert!(REPLY_BYTES == Service::Pay.caps().answer_bytes);

/// Deliveries, questions and payments under way at a time; what does not fit is tried again by the machine's own clock.
const JOBS: usize = 32;
/// News that wait for the owner; the book has all that matters.
const NEWS: usize = 256;
/// How often the book is looked at for what another process has written.
const LOOK: Duration = Duration::from_secs(1);
/// Accounts whose peers are remembered because they spoke to us.
const ACQUAINTANCES: usize = 64;

/// What is new, for the owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dealt {
    /// The book has changed so.
    News(Event),
    /// A wallet of the account has answered.
    Told {
        /// Whose it is.
        to: Address,
        /// Which message, see [`Message::id`].
        message: crate::chain::hash::Hash,
        /// By which way.
        route: Option<Route>,
        /// What it said.
        reply: Reply,
    },
    /// No wallet of the account could be told: it is tried again while a wallet of ours runs, for a week.
    Untold {
        /// Whose it is.
        to: Address,
        /// Which message, see [`Message::id`].
        message: crate::chain::hash::Hash,
        /// How many of its wallets were found in the directory.
        found: usize,
    },
}

/// The desk of a session, and those at work for it.
#[derive(Debug)]
pub(super) struct Counter {
    desk: Arc<Mutex<Desk>>,
    seen: Arc<Mutex<Seen>>,
    secret: SecretKey,
    news: mpsc::Sender<Dealt>,
    jobs: Arc<Semaphore>,
    people: Mutex<People>,
}

/// The desk as it was left last. The desk itself may be waiting for another process and for the disk, so nobody looks at it
/// on the event loop.
#[derive(Debug)]
struct Seen {
    book: Arc<Book>,
    wake_at_ms: Option<u64>,
}

impl Seen {
    fn of(desk: &Desk) -> Self {
        Self {
            book: Arc::new(desk.book().clone()),
            wake_at_ms: desk.wake_at_ms(),
        }
    }
}

/// Who is where, from what they said themselves; and whom we have sought out.
#[derive(Debug, Default)]
struct People {
    spoke: BTreeMap<Address, PeerId>,
    sought: BTreeMap<PeerId, Instant>,
}

impl Session {
    /// Deals with other wallets from now on, at this desk, until the session closes. The events end with it, or at once
    /// if the session has a desk already.
    pub fn deal(&self, desk: Desk) -> mpsc::Receiver<Dealt> {
        let (news, events) = mpsc::channel(NEWS);
        let counter = Arc::new(Counter {
            seen: Arc::new(Mutex::new(Seen::of(&desk))),
            secret: desk.secret().clone(),
            desk: Arc::new(Mutex::new(desk)),
            news,
            jobs: Arc::new(Semaphore::new(JOBS)),
            people: Mutex::default(),
        });
        if self.0.counter.set(Arc::clone(&counter)).is_ok() {
            tokio::spawn(keep(Arc::downgrade(&self.0), counter));
        }
        events
    }

    /// What the trust of a [`Desk`] is on this network.
    pub fn trust(&self) -> Trust {
        self.0.light().trust().clone()
    }

    /// The owner does something.
    ///
    /// # Errors
    /// [`SessionError::Dealing`] if it is refused, [`SessionError::Profile`] if it could not be kept; nothing has
    /// happened then. [`SessionError::NoDesk`].
    pub async fn deal_with<T: Send + 'static>(
        &self,
        act: impl FnOnce(&mut Dealings, u64) -> Result<(T, Vec<Effect>), ActError> + Send + 'static,
    ) -> Result<T, SessionError> {
        let counter = self.0.counter.get().ok_or(SessionError::NoDesk)?;
        let (value, effects) = counter.owner_acts(act).await?;
        counter.perform(&self.0, effects);
        Ok(value)
    }

    /// Looks through the account's proven history for a payment of this request, made from another machine or before the
    /// book was lost; if there is one, the book has it from now on, and the request is not paid again.
    ///
    /// # Errors
    /// As [`Session::history`], and as [`Session::deal_with`].
    pub async fn look_for_payment(&self, request: PaymentRequestId) -> Result<(), SessionError> {
        let counter = self.0.counter.get().ok_or(SessionError::NoDesk)?;
        let book = counter.book();
        let mut received = book.received().iter();
        let Some(asked) = received.find(|one| one.request.id() == request) else {
            return Ok(());
        };
        let wish = &asked.request.wish;
        if let Some(proof) = jobs::payment_of(&self.0, wish, &counter.secret).await? {
            counter
                .feed(&self.0, |machine, now_ms| {
                    machine.prove(*proof, now_ms).unwrap_or_default()
                })
                .await;
        }
        Ok(())
    }

    /// The book as the last act has left it; `None` without a desk.
    pub fn book(&self) -> Option<Arc<Book>> {
        Some(self.0.counter.get()?.book())
    }
}

impl Inner {
    /// Binds a payment that was just signed, on the disk, before anybody hears of it. What is to be done comes back, for
    /// when the payment is in the purse.
    pub(super) async fn bind(
        &self,
        payment: &SignedTransaction,
        request: Option<PaymentRequestId>,
        delivery: Delivery,
    ) -> Result<Vec<Effect>, SessionError> {
        let Some(counter) = self.counter.get() else {
            return match request {
                None => Ok(Vec::new()),
                Some(_) => Err(SessionError::NoDesk),
            };
        };
        let payment = payment.clone();
        let bound = counter
            .owner_acts(move |machine, now_ms| {
                let effects = machine.paying(&payment, request.as_ref(), delivery, now_ms)?;
                Ok(((), effects))
            })
            .await;
        match (bound, request) {
            (Ok(((), effects)), _) => Ok(effects),
            (Err(error), Some(_)) => Err(error),
            // Money does not wait for words.
            (Err(error), None) => {
                tracing::warn!(%error, "the payee is not told");
                Ok(Vec::new())
            }
        }
    }

    /// A payment of the owner stands so.
    pub(super) async fn own_payment(self: &Arc<Self>, payment: &Payment) {
        if let Some(counter) = self.counter.get() {
            let payment = payment.clone();
            counter
                .feed(self, move |machine, now_ms| {
                    machine.own_payment(&payment, now_ms)
                })
                .await;
        }
    }

    /// Does what [`Inner::bind`] gave.
    pub(super) fn announce(self: &Arc<Self>, effects: Vec<Effect>) {
        if let Some(counter) = self.counter.get() {
            counter.perform(self, effects);
        }
    }
}

impl Counter {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn book(&self) -> Arc<Book> {
        Arc::clone(&self.seen().book)
    }

    fn people(&self) -> MutexGuard<'_, People> {
        self.people.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something at the desk, off the event loop.
    async fn at_desk<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Desk) -> T + Send + 'static,
    ) -> Result<T, SessionError> {
        let (desk, seen) = (Arc::clone(&self.desk), Arc::clone(&self.seen));
        let done = spawn_blocking(move || {
            let mut desk = desk.lock().unwrap_or_else(PoisonError::into_inner);
            let done = work(&mut desk);
            *seen.lock().unwrap_or_else(PoisonError::into_inner) = Seen::of(&desk);
            done
        });
        done.await.map_err(|_| SessionError::Closed)
    }

    async fn acts<T: Send + 'static>(
        &self,
        act: impl FnOnce(&mut Dealings, u64) -> (T, Vec<Effect>) + Send + 'static,
    ) -> Result<(T, Vec<Effect>), SessionError> {
        Ok(self.at_desk(move |desk| desk.act(act)).await??)
    }

    async fn owner_acts<T: Send + 'static>(
        &self,
        act: impl FnOnce(&mut Dealings, u64) -> Result<(T, Vec<Effect>), ActError> + Send + 'static,
    ) -> Result<(T, Vec<Effect>), SessionError> {
        let (value, effects) = self
            .acts(|machine, now_ms| match act(machine, now_ms) {
                Ok((value, effects)) => (Ok(value), effects),
                Err(error) => (Err(error), Vec::new()),
            })
            .await?;
        Ok((value?, effects))
    }

    /// The machine has heard something by itself: what it says is done, and what fails is tried again later.
    async fn feed(
        self: &Arc<Self>,
        session: &Arc<Inner>,
        act: impl FnOnce(&mut Dealings, u64) -> Vec<Effect> + Send + 'static,
    ) {
        match self
            .acts(|machine, now_ms| ((), act(machine, now_ms)))
            .await
        {
            Ok(((), effects)) => self.perform(session, effects),
            // What was under way when the session closed stands in the book.
            Err(SessionError::Closed) => {}
            Err(error) => tracing::warn!(%error, "dealings are not kept"),
        }
    }

    /// Does what the machine says, in its order. Whatever takes time runs by itself.
    fn perform(self: &Arc<Self>, session: &Arc<Inner>, effects: Vec<Effect>) {
        for effect in effects {
            let work = match effect {
                // It is on the disk already.
                Effect::Save => continue,
                Effect::Show(event) => {
                    self.tell_owner(Dealt::News(event));
                    continue;
                }
                work => work,
            };
            let Ok(permit) = Arc::clone(&self.jobs).try_acquire_owned() else {
                tracing::debug!(?work, "too much is under way: it is tried again");
                continue;
            };
            tokio::spawn(Arc::clone(self).work(Arc::clone(session), work, permit));
        }
    }

    /// In a box, since what it brings may be more work of the same kind.
    fn work(
        self: Arc<Self>,
        session: Arc<Inner>,
        work: Effect,
        permit: OwnedSemaphorePermit,
    ) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            self.do_work(&session, work).await;
            drop(permit);
        })
    }

    async fn do_work(self: &Arc<Self>, session: &Arc<Inner>, work: Effect) {
        match work {
            Effect::Send { to, message } => self.deliver(session, to, &message).await,
            Effect::Submit(payment) => jobs::submit(session, &payment).await,
            Effect::Ask(question) => match jobs::answer(session, question).await {
                Some(jobs::Found::Proof(proof)) => {
                    self.feed(session, |machine, now_ms| {
                        machine.prove(*proof, now_ms).unwrap_or_else(|error| {
                            // The light client has verified it by the same rules.
                            tracing::error!(%error, "a proof holds for the one and not for the other");
                            Vec::new()
                        })
                    })
                    .await;
                }
                Some(jobs::Found::Account(address, proven)) => {
                    self.feed(session, move |machine, now_ms| {
                        machine.account_proven(&address, &proven, now_ms)
                    })
                    .await;
                }
                None => {}
            },
            Effect::Save | Effect::Show(_) => {}
        }
    }

    fn tell_owner(&self, dealt: Dealt) {
        // Nobody may be listening, or not fast enough: the book has it.
        let _ = self.news.try_send(dealt);
    }

    /// Another wallet says something.
    pub(super) async fn hear(
        self: Arc<Self>,
        session: Arc<Inner>,
        peer: PeerId,
        id: RequestId,
        data: Vec<u8>,
    ) {
        let Ok(message) = Message::from_bytes(&data) else {
            let unreadable = Reply::Unreadable.to_bytes();
            let _ = session.network.respond(id, Ok(unreadable)).await;
            return;
        };
        let speaker = speaker(&message);
        let heard = self.acts(move |machine, now_ms| machine.hear(message, now_ms));
        let (answer, is_new) = match heard.await {
            Ok((reply, effects)) => {
                // Order: before the effects, which may be words to that very peer.
                let is_new = reply == Reply::Taken && self.acquaint(speaker, peer);
                self.perform(&session, effects);
                (Ok(reply.to_bytes()), is_new)
            }
            Err(error) => {
                tracing::warn!(%error, "what another wallet says cannot be kept");
                (Err(Declined::Unavailable), false)
            }
        };
        let _ = session.network.respond(id, answer).await;
        // Only then: whoever is met anew with each word would be told all that waits with each word.
        if is_new {
            let met = move |machine: &mut Dealings, now_ms| machine.met(&speaker, now_ms);
            self.feed(&session, met).await;
        }
    }

    /// Remembers where an account speaks from; whether that is news.
    fn acquaint(&self, account: Address, peer: PeerId) -> bool {
        let mut people = self.people();
        if people.spoke.len() >= ACQUAINTANCES && !people.spoke.contains_key(&account) {
            people.spoke.pop_first();
        }
        people.spoke.insert(account, peer) != Some(peer)
    }
}

/// Whose word a message is, once it is found to be signed.
fn speaker(message: &Message) -> Address {
    match message {
        Message::Request(request) => request.wish.from,
        Message::Notice(notice) => notice.payer(),
        Message::Receipt(receipt) => receipt.subject.payee,
        Message::Thanks(thanks) => thanks.subject.payee,
    }
}

/// Ticks the machine, tells it whether nodes can be asked, and lets go of whom nobody needs any more.
async fn keep(session: Weak<Inner>, counter: Arc<Counter>) {
    let mut was_online = None;
    loop {
        let Some(inner) = session.upgrade().filter(|inner| !inner.network.is_closed()) else {
            return;
        };
        let mut changed = inner.changed.subscribe();
        let is_online = !inner.pool().ranked().is_empty();
        if was_online != Some(is_online) {
            was_online = Some(is_online);
            match counter
                .at_desk(move |desk| desk.set_online(is_online))
                .await
            {
                Ok(Ok(effects)) => counter.perform(&inner, effects),
                Ok(Err(error)) => tracing::warn!(%error, "dealings are not kept"),
                Err(_) => return,
            }
        } else {
            counter
                .feed(&inner, |machine, now_ms| machine.tick(now_ms))
                .await;
        }
        counter.let_go(&inner).await;
        let until = counter.next_look();
        drop(inner);
        loop {
            tokio::select! {
                () = sleep_until(until) => break,
                news = changed.changed() => if news.is_err() {
                    return;
                },
            }
            let Some(inner) = session.upgrade() else {
                return;
            };
            if Some(!inner.pool().ranked().is_empty()) != was_online {
                break;
            }
        }
    }
}

impl Counter {
    /// When to look again if nothing happens.
    fn next_look(&self) -> Instant {
        let now = clock_now();
        let wake_ms = self.seen().wake_at_ms;
        let wake = wake_ms.map(|at| Duration::from_millis(at.saturating_sub(clock::unix_ms())));
        // Not at once again, whatever the machine thinks: what is due may be waiting for room.
        let soon = wake.map_or(LOOK, |wake| wake.clamp(LOOK / 10, LOOK));
        now + soon
    }
}
