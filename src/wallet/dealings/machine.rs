//! The machine of one wallet's dealings: what others say, what is proven and what the owner does come in; effects go out.
//!
//! The promise: nothing is shown as final that is not proven; a request is paid at most once; what the owner was told
//! survives a crash; and nobody can fill the wallet or tire its owner. It rests on this: an end is written down only by
//! [`Dealings::prove`], which checks the proof itself, and by [`Dealings::account_proven`], which is fed proven facts.
//!
//! Effects are performed in their order. [`Effect::Save`] comes first where the book has changed, and what follows rests
//! on it. Call [`Dealings::tick`] at [`Dealings::wake_at_ms`]. `now_ms` is milliseconds since 1970.
//! Never: a clock, a connection. Read next: `machine/hear.rs` (others), `machine/prove.rs` (the chain), `machine/act.rs`
//! (the owner).

mod act;
mod hear;
mod prove;

#[cfg(test)]
mod request_tests;
#[cfg(test)]
mod tests;

pub use act::{ActError, Repayment};

use std::collections::{BTreeMap, BTreeSet};

use super::book::{Book, Item, Standing};
use super::message::{Delivery, Message, Reply, Word};
use super::rate::Rates;
use super::request::{Request, RequestId};
use crate::chain::hash::Hash;
use crate::chain::key::{Address, SecretKey};
use crate::chain::query::Trust;
use crate::chain::transaction::{SignedTransaction, TransactionId};

/// For how long something is told again and again to who does not answer.
pub const TELL_FOR_MS: u64 = 7 * 24 * 60 * 60 * 1000;
/// After how long a first telling without an answer is tried again; each further pause is twice as long.
const RETRY_MS: std::ops::RangeInclusive<u64> = 10_000..=10 * 60 * 1000;
/// How often the chain is asked about a payment; each further pause is twice as long.
const ASK_MS: std::ops::RangeInclusive<u64> = 500..=5 * 60 * 1000;
/// After how long a payment that a node is said to have is handed in by this side too.
const DOUBT_AFTER_MS: u64 = 15_000;
/// For how long a stranger's request waits for the proof that its asker has an account with money.
const PARKED_MS: u64 = 60_000;
/// Most requests that wait so.
pub const MAX_PARKED: usize = 32;

/// A question to be answered with proofs, by whichever node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// Is this payment in a block? -> [`Dealings::prove`].
    Inclusion {
        /// The payment.
        payment: TransactionId,
    },
    /// An account -> [`Dealings::account_proven`].
    Account {
        /// Its address.
        address: Address,
    },
    /// Which transaction of the account has this nonce (through its history)? -> [`Dealings::prove`].
    WhoTook {
        /// The account.
        sender: Address,
        /// The nonce.
        nonce: u64,
    },
}

/// What is new for the owner; the book has the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// Somebody asks to be paid.
    RequestCame(RequestId),
    /// A payment was told: announced, or signed and not final, as the book says.
    PaymentCame(TransactionId),
    /// Another payment in the same place was told: at most one of the two will be final.
    PaymentContested {
        /// The one that just came.
        payment: TransactionId,
        /// The other one.
        other: TransactionId,
    },
    /// The payer is proven not to have the money now.
    PaymentShort(TransactionId),
    /// A payment to the owner is proven.
    PaymentFinal {
        /// The payment.
        payment: TransactionId,
        /// Its block.
        height: u64,
    },
    /// The payer spent the nonce otherwise; the book keeps the proof.
    PaymentReplaced {
        /// The payment that can never be.
        payment: TransactionId,
        /// What became final in its place.
        by: TransactionId,
    },
    /// A payment can never be final: its last height is over.
    PaymentExpired(TransactionId),
    /// The first payment for a request of the owner is final.
    RequestPaid {
        /// The request.
        request: RequestId,
        /// The payment.
        payment: TransactionId,
    },
    /// A request that was being paid is open again: that payment can never be.
    RequestReopened(RequestId),
    /// The payee has said something of a payment of the owner: their word, no proof.
    ReceiptCame {
        /// The payment.
        payment: TransactionId,
        /// What they said.
        word: Word,
    },
    /// The payee thanks.
    ThanksCame(TransactionId),
    /// The other wallet has taken it.
    Told(Item),
    /// The other wallet refuses it; it is not said again.
    NotTaken {
        /// What.
        item: Item,
        /// Its answer.
        reply: Reply,
    },
}

/// What the machine wants done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Write [`Dealings::book`] durably before anything that follows.
    Save,
    /// Say this to whoever speaks for the account, if they can be reached; then call [`Dealings::told`].
    Send {
        /// The account.
        to: Address,
        /// What.
        message: Box<Message>,
    },
    /// Hand the payment in to a node.
    Submit(Box<SignedTransaction>),
    /// Ask.
    Ask(Question),
    /// Show the owner.
    Show(Event),
}

/// How the chain is asked about a payment without an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Watch {
    next_ms: u64,
    pause_ms: u64,
    /// The payer's proven nonce has passed it: what remains is which transaction took it.
    nonce_taken: bool,
}

/// How something is being told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Post {
    next_ms: u64,
    tries: u32,
    in_flight: Option<Hash>,
}

/// A stranger's request, waiting for the proof of their account.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Parked {
    request: Request,
    until_ms: u64,
}

/// The machine. See the file's head for the order of calls.
#[derive(Debug, Clone)]
pub struct Dealings {
    book: Book,
    secret: SecretKey,
    trust: Trust,
    contacts: BTreeSet<Address>,
    rates: Rates,
    repeats: Rates,
    parked: Vec<Parked>,
    watches: BTreeMap<TransactionId, Watch>,
    posts: BTreeMap<Item, Post>,
    node_reachable: bool,
    book_changed: bool,
    effects: Vec<Effect>,
}

impl Dealings {
    /// A machine over a book of the owner of `secret`, on the network of `trust`; at once it wants to be ticked.
    pub fn new(book: Book, secret: SecretKey, trust: Trust) -> Self {
        let mut machine = Self {
            book,
            secret,
            trust,
            contacts: BTreeSet::new(),
            rates: Rates::default(),
            repeats: Rates::default(),
            parked: Vec::new(),
            watches: BTreeMap::new(),
            posts: BTreeMap::new(),
            node_reachable: false,
            book_changed: false,
            effects: Vec::new(),
        };
        for payment in machine.open_payments() {
            machine.watch(payment, 0);
        }
        machine
    }

    /// What is kept.
    pub fn book(&self) -> &Book {
        &self.book
    }

    /// Whom the owner knows, besides those whom they have dealt with.
    pub fn set_contacts(&mut self, contacts: BTreeSet<Address>) {
        self.contacts = contacts;
    }

    /// When to call [`Dealings::tick`]; `None` when time changes nothing.
    pub fn wake_at_ms(&self) -> Option<u64> {
        let asks = self.watches.values().map(|watch| watch.next_ms);
        let asks = asks.filter(|_| self.node_reachable).min();
        let told = self.book.outbox.iter().map(|one| {
            let post = self.posts.get(&one.item).copied().unwrap_or_default();
            post.next_ms.min(one.until_ms)
        });
        let parked = self.parked.iter().map(|one| one.until_ms);
        asks.into_iter().chain(told).chain(parked).min()
    }

    /// Time has passed.
    pub fn tick(&mut self, now_ms: u64) -> Vec<Effect> {
        self.parked.retain(|one| now_ms < one.until_ms);
        self.ask_what_is_due(now_ms);
        self.tell_what_is_due(now_ms);
        self.finish()
    }

    /// Whether any node can be reached now. What was handed over without one is handed in at once.
    pub fn nodes(&mut self, is_reachable: bool, now_ms: u64) -> Vec<Effect> {
        if is_reachable && !self.node_reachable {
            for watch in self.watches.values_mut() {
                *watch = Watch {
                    next_ms: now_ms,
                    pause_ms: *ASK_MS.start(),
                    ..*watch
                };
            }
        }
        self.node_reachable = is_reachable;
        self.tick(now_ms)
    }

    /// Whoever speaks for this account can be reached now: what waits for them is told.
    pub fn met(&mut self, account: &Address, now_ms: u64) -> Vec<Effect> {
        let waiting: Vec<Item> = self.book.outbox.iter().map(|one| one.item).collect();
        for item in waiting {
            if self.message_of(item).is_some_and(|(to, _)| to == *account) {
                self.posts.entry(item).or_default().next_ms = now_ms;
            }
        }
        self.tick(now_ms)
    }

    /// What came of an [`Effect::Send`], by [`Message::id`]; `None` if there was no answer.
    pub fn told(&mut self, message: &Hash, reply: Option<Reply>) -> Vec<Effect> {
        /// Rules that another time is right for: too often, full.
        const LATER: [u8; 2] = [13, 14];
        let of_message = |(_, post): &(&Item, &Post)| post.in_flight == Some(*message);
        let Some(item) = self.posts.iter().find(of_message).map(|(item, _)| *item) else {
            return Vec::new();
        };
        let event = match reply {
            None => return Vec::new(),
            Some(Reply::Refused(rule)) if LATER.contains(&rule) => return Vec::new(),
            Some(Reply::Taken) => Event::Told(item),
            Some(reply) => Event::NotTaken { item, reply },
        };
        self.tell_no_more(item);
        self.show(event);
        self.finish()
    }

    fn owner(&self) -> Address {
        *self.book.owner()
    }

    fn network(&self) -> Hash {
        *self.book.network()
    }

    fn standing_of(&self, account: &Address) -> Standing {
        match self.contacts.contains(account) || self.book.knows(account) {
            true => Standing::Known,
            false => Standing::Unknown,
        }
    }

    /// Payments without an end, either way.
    fn open_payments(&self) -> Vec<TransactionId> {
        let incoming = self.book.incoming.iter();
        let incoming = incoming.filter(|one| one.state.is_unproven());
        let outgoing = self.book.outgoing.iter().filter(|one| one.end.is_none());
        incoming
            .map(|one| one.id())
            .chain(outgoing.map(|one| one.id()))
            .collect()
    }

    /// Asks the chain about a payment from now on.
    fn watch(&mut self, payment: TransactionId, now_ms: u64) {
        let watch = Watch {
            next_ms: now_ms,
            pause_ms: *ASK_MS.start(),
            nonce_taken: false,
        };
        self.watches.entry(payment).or_insert(watch);
    }

    fn ask_what_is_due(&mut self, now_ms: u64) {
        // What has its end, or has left the book, is asked about no more.
        let open: BTreeSet<TransactionId> = self.open_payments().into_iter().collect();
        self.watches.retain(|payment, _| open.contains(payment));
        if !self.node_reachable {
            return;
        }
        let mut effects = Vec::new();
        for (payment, watch) in &mut self.watches {
            if now_ms < watch.next_ms {
                continue;
            }
            watch.next_ms = now_ms.saturating_add(watch.pause_ms);
            watch.pause_ms = (watch.pause_ms * 2).min(*ASK_MS.end());
            let incoming = self.book.incoming.iter().find(|one| one.id() == *payment);
            let outgoing = self.book.outgoing.iter().find(|one| one.id() == *payment);
            let signed = match (incoming, outgoing) {
                (Some(one), _) => &one.payment,
                (None, Some(one)) => &one.notice.payment,
                (None, None) => continue,
            };
            let (sender, nonce) = (signed.transaction.sender, signed.transaction.nonce);
            // The owner's other payments are handed in by their machine (`wallet/payment`).
            let handed_over =
                outgoing.is_some_and(|one| one.notice.delivery == Delivery::HandedOver);
            let is_due = handed_over
                || incoming.is_some_and(|one| {
                    let doubtful = now_ms >= one.heard_ms.saturating_add(DOUBT_AFTER_MS);
                    one.state == super::book::State::SignedNotFinal || doubtful
                });
            if is_due && !watch.nonce_taken {
                effects.push(Effect::Submit(Box::new(signed.clone())));
            }
            let payment = *payment;
            effects.push(Effect::Ask(Question::Inclusion { payment }));
            effects.push(Effect::Ask(match watch.nonce_taken {
                true => Question::WhoTook { sender, nonce },
                false => Question::Account { address: sender },
            }));
        }
        self.effects.append(&mut effects);
    }

    fn tell_what_is_due(&mut self, now_ms: u64) {
        let all = self.book.outbox.clone();
        let waiting: BTreeSet<Item> = all.iter().map(|one| one.item).collect();
        self.posts.retain(|item, _| waiting.contains(item));
        for one in all {
            let post = self.posts.get(&one.item).copied().unwrap_or_default();
            let is_over = one.until_ms <= now_ms;
            if now_ms < post.next_ms && !is_over {
                continue;
            }
            // Order: what is due, then what it says: a receipt is signed for it.
            let message = self.message_of(one.item).filter(|_| !is_over);
            let Some((to, message)) = message else {
                self.tell_no_more(one.item);
                continue;
            };
            let post = self.posts.entry(one.item).or_default();
            let pause_ms = RETRY_MS.start().saturating_mul(1 << post.tries.min(16));
            post.next_ms = now_ms.saturating_add(pause_ms.min(*RETRY_MS.end()));
            post.tries = post.tries.saturating_add(1);
            post.in_flight = Some(message.id());
            let message = Box::new(message);
            self.effects.push(Effect::Send { to, message });
        }
    }

    /// Has something told from now on; the newest word if there was an older one.
    fn tell(&mut self, item: Item, until_ms: u64, now_ms: u64) {
        self.book.tell(item, until_ms);
        self.posts.remove(&item);
        self.book_changed = true;
        self.tell_what_is_due(now_ms);
    }

    fn tell_no_more(&mut self, item: Item) {
        let before = self.book.outbox.len();
        self.book.outbox.retain(|one| one.item != item);
        self.book_changed |= self.book.outbox.len() != before;
        self.posts.remove(&item);
    }

    /// What is said and to whom, as the book has it now; `None` if there is nothing to say any more.
    fn message_of(&self, item: Item) -> Option<(Address, Message)> {
        let incoming = |id| self.book.incoming.iter().find(move |one| one.id() == id);
        match item {
            Item::Request(id) => {
                let asked = self.book.asked.iter().find(|one| one.request.id() == id)?;
                let is_open = asked.fate == super::book::Fate::Open;
                let to = asked.request.wish.to.filter(|_| is_open)?;
                Some((to, Message::Request(asked.request.clone())))
            }
            Item::Notice(id) => {
                let outgoing = self.book.outgoing.iter().find(|one| one.id() == id)?;
                // What can never be is no news for the payee, who finds out by proof.
                let is_news = outgoing.end != Some(super::book::End::Failed);
                let to = outgoing.notice.payment.transaction.payee();
                Some((
                    to.filter(|_| is_news)?,
                    Message::Notice(outgoing.notice.clone()),
                ))
            }
            Item::Receipt(id) => {
                let one = incoming(id)?;
                Some((one.payer(), Message::Receipt(one.receipt(&self.secret)?)))
            }
            Item::Thanks(id) => {
                let one = incoming(id)?;
                Some((one.payer(), Message::Thanks(one.thanks.clone()?)))
            }
        }
    }

    fn show(&mut self, event: Event) {
        self.effects.push(Effect::Show(event));
    }

    fn ask(&mut self, question: Question) {
        if self.node_reachable {
            self.effects.push(Effect::Ask(question));
        }
    }

    /// The effects since the last call.
    fn finish(&mut self) -> Vec<Effect> {
        let mut effects = std::mem::take(&mut self.effects);
        // Order: kept before told or shown. Swapped, a crash between the two would make the wallet forget what it said.
        if std::mem::take(&mut self.book_changed) {
            effects.insert(0, Effect::Save);
        }
        effects
    }
}
