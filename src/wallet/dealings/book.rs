//! What a wallet keeps of its dealings: payments that were told, what it told itself, requests both ways.
//!
//! All of it is bounded. Payments without a proof leave first, those of the least standing and then the oldest; what is
//! final is never displaced by what is not. A book knows no secret: sealed texts stay sealed in it.
//! Never: an end that was not proven. Read next: `book/file.rs` (its bytes), `machine.rs` (who writes it).

mod file;

#[cfg(test)]
mod tests;

pub use file::{BookError, MAX_BOOK_BYTES};

use super::message::{Delivery, Notice, Receipt, Subject, Thanks, Word};
use super::refusal::Refusal;
use super::request::{Request, RequestId};
use crate::chain::hash::Hash;
use crate::chain::key::{Address, SecretKey};
use crate::chain::query::TransactionAnswer;
use crate::chain::transaction::{SignedTransaction, TransactionId};

/// Most payments without a proof from one payer: as many as an honest wallet has under way.
pub const MAX_UNPROVEN_OF_ONE: usize = crate::wallet::journal::MAX_UNRESOLVED;
/// Most payments without a proof in all.
pub const MAX_UNPROVEN: usize = 128;
/// Most final payments; older ones stand in the account's history, which the chain keeps.
pub const MAX_FINAL: usize = 1_024;
/// Most payments that were replaced, with their proofs; and as many that expired.
pub const MAX_FAILED: usize = 64;
/// Most payments of the owner.
pub const MAX_OUTGOING: usize = 256;
/// Most requests by the owner.
pub const MAX_ASKED: usize = 128;
/// Most requests to the owner.
pub const MAX_RECEIVED: usize = 64;
/// Most requests of one account that wait for the owner's word.
pub const MAX_RECEIVED_OF_ONE: usize = 4;
/// Most things waiting to be told to others.
pub const MAX_OUTBOX: usize = 256;

/// What the wallet has proven of somebody, as far as what they say here needs it. Who stands higher stays longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing {
    /// Their account is proven not to have the money.
    Short,
    /// Nothing is proven of them.
    Unknown,
    /// Their account is proven to have the money.
    Covered,
    /// The owner has dealt with them, or brought what they say by hand.
    Known,
}

/// How a payment to the owner stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// The payer says that a node has it.
    Announced,
    /// It is signed, and here; no node is known to have it.
    SignedNotFinal,
    /// Proven.
    Final {
        /// Its block.
        height: u64,
    },
    /// Proven never to be: another transaction of the payer took its nonce.
    Replaced {
        /// That transaction and its proof, kept for the owner.
        proof: Box<TransactionAnswer>,
    },
    /// Proven never to be: its last height is over.
    Expired {
        /// The height of the proof.
        height: u64,
    },
}

impl State {
    /// Whether the wallet holds no proof yet.
    pub fn is_unproven(&self) -> bool {
        matches!(self, Self::Announced | Self::SignedNotFinal)
    }

    /// Whether it is proven to be final.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Final { .. })
    }
}

/// A payment to the owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incoming {
    /// The payment.
    pub payment: SignedTransaction,
    /// How it stands.
    pub state: State,
    /// What is known of the payer.
    pub standing: Standing,
    /// Which of the owner's requests it pays; checked.
    pub request: Option<RequestId>,
    /// When it was heard of, milliseconds since 1970.
    pub heard_ms: u64,
    /// The owner's thanks.
    pub thanks: Option<Thanks>,
}

impl Incoming {
    /// The payment's identity.
    pub fn id(&self) -> TransactionId {
        self.payment.id()
    }

    /// Who pays.
    pub fn payer(&self) -> Address {
        self.payment.transaction.sender
    }

    /// The payee's word on it, as things stand; none on what can never be.
    pub fn receipt(&self, secret: &SecretKey) -> Option<Receipt> {
        let word = match self.state {
            State::Announced | State::SignedNotFinal => Word::Heard,
            State::Final { height } => Word::Final { height },
            State::Replaced { .. } | State::Expired { .. } => return None,
        };
        let subject = Subject::of(&self.payment.transaction)?;
        Some(Receipt::sign(subject, word, secret))
    }
}

/// What became of a payment of the owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Proven to be final.
    Final {
        /// Its block.
        height: u64,
    },
    /// Proven never to be.
    Failed,
}

/// A payment of the owner that its payee is told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// What the payee is told.
    pub notice: Notice,
    /// What became of it.
    pub end: Option<End>,
    /// The payee's last word.
    pub receipt: Option<Receipt>,
    /// The payee's thanks.
    pub thanks: Option<Thanks>,
    /// When it was made, milliseconds since 1970.
    pub made_ms: u64,
}

impl Outgoing {
    /// The payment's identity.
    pub fn id(&self) -> TransactionId {
        self.notice.payment.id()
    }
}

/// What became of a request by the owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Nothing yet.
    Open,
    /// The owner does not want it any more.
    Withdrawn,
    /// A payment for it is proven to be final: the first, if there are several.
    Paid {
        /// That payment.
        payment: TransactionId,
    },
}

/// A request by the owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The request.
    pub request: Request,
    /// What became of it.
    pub fate: Fate,
}

/// What the owner does about a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Course {
    /// It waits for the owner.
    Open,
    /// The owner does not want to pay.
    Declined,
    /// This payment is on its way; if it can never be, the request is open again.
    Paying {
        /// The payment.
        payment: TransactionId,
    },
    /// Paid: proven.
    Paid {
        /// The payment.
        payment: TransactionId,
    },
}

/// A request to the owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// The request.
    pub request: Request,
    /// What the owner does about it.
    pub course: Course,
    /// What is known of the asker.
    pub standing: Standing,
    /// When it was heard of, milliseconds since 1970.
    pub heard_ms: u64,
}

/// What is to be told, by the record that says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Item {
    /// A request by the owner, to the one whom it asks.
    Request(RequestId),
    /// A payment of the owner, to its payee.
    Notice(TransactionId),
    /// The owner's word on a payment, to its payer.
    Receipt(TransactionId),
    /// The owner's thanks for a payment, to its payer.
    Thanks(TransactionId),
}

/// Something to be told, until when it is worth the trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ToTell {
    /// What.
    pub item: Item,
    /// Until when to try, milliseconds since 1970.
    pub until_ms: u64,
}

/// The book of one account on one network. Every list has the oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Book {
    /// The network's genesis hash.
    network: Hash,
    /// Whose it is.
    owner: Address,
    pub(super) incoming: Vec<Incoming>,
    pub(super) outgoing: Vec<Outgoing>,
    pub(super) asked: Vec<Asked>,
    pub(super) received: Vec<Received>,
    pub(super) outbox: Vec<ToTell>,
}

impl Book {
    /// A book with nothing in it.
    pub fn new(network: Hash, owner: Address) -> Self {
        Self {
            network,
            owner,
            incoming: Vec::new(),
            outgoing: Vec::new(),
            asked: Vec::new(),
            received: Vec::new(),
            outbox: Vec::new(),
        }
    }

    /// The network.
    pub fn network(&self) -> &Hash {
        &self.network
    }

    /// Whose it is.
    pub fn owner(&self) -> &Address {
        &self.owner
    }

    /// Payments to the owner.
    pub fn incoming(&self) -> &[Incoming] {
        &self.incoming
    }

    /// Payments of the owner.
    pub fn outgoing(&self) -> &[Outgoing] {
        &self.outgoing
    }

    /// Requests by the owner.
    pub fn asked(&self) -> &[Asked] {
        &self.asked
    }

    /// Requests to the owner.
    pub fn received(&self) -> &[Received] {
        &self.received
    }

    /// What is to be told yet.
    pub fn outbox(&self) -> &[ToTell] {
        &self.outbox
    }

    /// Another payment with the same payer and nonce, not proven either: only one of them can become final.
    pub fn contested_by(&self, payment: &TransactionId) -> Option<TransactionId> {
        let one = self.incoming.iter().find(|one| one.id() == *payment)?;
        let other = |other: &&Incoming| {
            other.payer() == one.payer()
                && other.payment.transaction.nonce == one.payment.transaction.nonce
                && other.id() != *payment
                && other.state.is_unproven()
        };
        self.incoming.iter().find(other).map(Incoming::id)
    }

    /// Whether the owner has dealt with them: a proven payment, either way.
    pub fn knows(&self, account: &Address) -> bool {
        let paid = |one: &Incoming| one.payer() == *account && one.state.is_final();
        let was_paid = |one: &Outgoing| {
            one.notice.payment.transaction.payee() == Some(*account)
                && matches!(one.end, Some(End::Final { .. }))
        };
        self.incoming.iter().any(paid) || self.outgoing.iter().any(was_paid)
    }

    /// Makes room for another unproven payment of this payer, who stands so: the payer's own oldest goes if they have
    /// too many, then whoever stands lowest and is oldest, but nobody who stands higher than the newcomer.
    pub(super) fn make_room(&mut self, payer: &Address, standing: Standing) -> Result<(), Refusal> {
        let of_payer = |one: &&Incoming| one.payer() == *payer && one.state.is_unproven();
        if self.incoming.iter().filter(of_payer).count() >= MAX_UNPROVEN_OF_ONE {
            return match self.incoming.iter().position(|one| of_payer(&one)) {
                Some(place) => {
                    self.incoming.remove(place);
                    Ok(())
                }
                None => Ok(()),
            };
        }
        let unproven = |one: &&Incoming| one.state.is_unproven();
        if self.incoming.iter().filter(unproven).count() < MAX_UNPROVEN {
            return Ok(());
        }
        // `min_by_key` gives the first of the least: the oldest.
        let places = self.incoming.iter().enumerate();
        let least = places
            .filter(|(_, one)| unproven(one))
            .min_by_key(|(_, one)| one.standing)
            .filter(|(_, one)| one.standing <= standing)
            .map(|(place, _)| place);
        let place = least.ok_or(Refusal::Full {
            limit: MAX_UNPROVEN,
        })?;
        self.incoming.remove(place);
        Ok(())
    }

    /// Lets the oldest go of what has its end and is too much: each kind makes room only for its own.
    pub(super) fn bound_ended(&mut self) {
        type Kind = fn(&State) -> bool;
        let kinds: [(Kind, usize); 3] = [
            (State::is_final, MAX_FINAL),
            (|state| matches!(state, State::Replaced { .. }), MAX_FAILED),
            (|state| matches!(state, State::Expired { .. }), MAX_FAILED),
        ];
        for (is_of_kind, limit) in kinds {
            let count = |book: &Self| {
                let of_kind = book.incoming.iter().filter(|one| is_of_kind(&one.state));
                of_kind.count()
            };
            while count(self) > limit {
                match self.incoming.iter().position(|one| is_of_kind(&one.state)) {
                    Some(oldest) => drop(self.incoming.remove(oldest)),
                    None => break,
                }
            }
        }
    }

    /// The owner was handed a request: the same asker's oldest open one gives way to it, if there are as many as may be.
    pub(super) fn make_room_for_brought(&mut self, from: &Address) {
        let is_of_asker =
            |one: &Received| one.course == Course::Open && one.request.wish.from == *from;
        if self.received.iter().filter(|one| is_of_asker(one)).count() >= MAX_RECEIVED_OF_ONE {
            let place = self.received.iter().position(is_of_asker);
            place.map(|place| self.received.remove(place));
        }
    }

    /// Adds a request to the owner.
    pub(super) fn receive(&mut self, received: Received) -> Result<(), Refusal> {
        let from = received.request.wish.from;
        let is_open = |one: &&Received| one.course == Course::Open;
        let of_asker = |one: &&Received| is_open(one) && one.request.wish.from == from;
        if self.received.iter().filter(of_asker).count() >= MAX_RECEIVED_OF_ONE {
            return Err(Refusal::Full {
                limit: MAX_RECEIVED_OF_ONE,
            });
        }
        if self.received.len() >= MAX_RECEIVED {
            let done =
                |one: &Received| matches!(one.course, Course::Declined | Course::Paid { .. });
            let places = self.received.iter().enumerate();
            let least = places
                .filter(|(_, one)| is_open(one))
                .min_by_key(|(_, one)| one.standing)
                .filter(|(_, one)| one.standing <= received.standing)
                .map(|(place, _)| place);
            let place = self.received.iter().position(done).or(least);
            let place = place.ok_or(Refusal::Full {
                limit: MAX_RECEIVED,
            })?;
            self.received.remove(place);
        }
        self.received.push(received);
        Ok(())
    }

    /// Adds something to be told, once; it goes when its time is over.
    pub(super) fn tell(&mut self, item: Item, until_ms: u64) {
        self.outbox.retain(|one| one.item != item);
        if self.outbox.len() >= MAX_OUTBOX {
            self.outbox.remove(0);
        }
        self.outbox.push(ToTell { item, until_ms });
    }

    /// How a payment comes that is told so.
    pub(super) fn state_of(delivery: Delivery) -> State {
        match delivery {
            Delivery::Submitted => State::Announced,
            Delivery::HandedOver => State::SignedNotFinal,
        }
    }
}
