//! A chain that proves what is on it, and people who deal with each other.

use super::book::Book;
use super::machine::{Dealings, Effect, Event};
use super::message::{Delivery, Message, Notice};
use super::request::{Request, Wish};
use crate::chain::account::Account;
use crate::chain::block::transaction_leaves;
use crate::chain::key::Address;
use crate::chain::ledger::Ledger;
use crate::chain::merkle;
use crate::chain::query::{AccountAnswer, Anchor, Certified, Proven, TransactionAnswer, Trust};
use crate::chain::testing::network::{
    address, certificate, context, genesis, genesis_hash, key, nits, transaction, transfer,
    validator,
};
use crate::chain::transaction::{Memo, SignedTransaction, TransactionId};

/// The tests' clock: any time.
pub(super) const NOW_MS: u64 = 1_767_225_600_000;
/// A week.
pub(super) const WEEK_MS: u64 = 7 * 24 * 60 * 60 * 1000;

/// A real chain of the test network, which gives real proofs.
pub(super) struct Chain {
    ledger: Ledger,
    tip: Anchor,
    placed: Vec<TransactionAnswer>,
}

impl Chain {
    pub fn new() -> Self {
        Self {
            ledger: Ledger::from_genesis(&genesis()),
            tip: Anchor::Genesis,
            placed: Vec::new(),
        }
    }

    pub fn height(&self) -> u64 {
        self.tip.tip(&genesis()).height
    }

    /// One more block, with what of these the rules allow.
    pub fn grow(&mut self, waiting: Vec<SignedTransaction>) {
        let tip = self.tip.tip(&genesis());
        let context = context(tip.height + 1);
        let body = self.ledger.select(&context, waiting).unwrap();
        let header = self.ledger.header(&tip, &context, &body);
        self.ledger.commit(body.execution.changes).unwrap();
        let signers: Vec<_> = (0..3).map(validator).collect();
        let certified = Certified {
            certificate: certificate(&header, &signers),
            header,
        };
        let leaves = transaction_leaves(&body.transactions);
        for (index, transaction) in body.transactions.iter().enumerate() {
            self.placed.push(TransactionAnswer {
                certified: certified.clone(),
                transaction: transaction.clone(),
                path: merkle::path(&leaves, index).unwrap(),
            });
        }
        self.tip = Anchor::Block(Box::new(certified));
    }

    pub fn grow_to(&mut self, height: u64) {
        while self.height() < height {
            self.grow(Vec::new());
        }
    }

    pub fn proof(&self, id: &TransactionId) -> Option<TransactionAnswer> {
        let mut placed = self.placed.iter();
        placed.find(|one| one.transaction.id() == *id).cloned()
    }

    pub fn who_took(&self, sender: &Address, nonce: u64) -> Option<TransactionAnswer> {
        let is_it = |one: &&TransactionAnswer| {
            let said = &one.transaction.transaction;
            said.sender == *sender && said.nonce == nonce
        };
        self.placed.iter().find(is_it).cloned()
    }

    pub fn account(&self, of: &Address) -> Proven<Option<Account>> {
        let answer = AccountAnswer::of(&self.ledger, self.tip.clone(), of);
        answer.verify(&Trust::new(&genesis()), of).unwrap()
    }

    /// All that is final.
    pub fn finals(&self) -> impl Iterator<Item = &SignedTransaction> {
        self.placed.iter().map(|one| &one.transaction)
    }
}

/// The machine of a person whose book is empty.
pub(super) fn machine(person: u8) -> Dealings {
    let book = Book::new(genesis_hash(), address(person));
    Dealings::new(book, key(person), Trust::new(&genesis()))
}

/// The machine of a person over a book that was saved.
pub(super) fn restored(person: u8, saved: &[u8]) -> Dealings {
    let book = Book::restore(saved, &genesis_hash(), &address(person)).unwrap();
    Dealings::new(book, key(person), Trust::new(&genesis()))
}

/// A notice of a payment.
pub(super) fn notice(payment: SignedTransaction, delivery: Delivery) -> Notice {
    Notice {
        payment,
        delivery,
        request: None,
    }
}

/// A payment that a node is said to have, told.
pub(super) fn announced(payment: &SignedTransaction) -> Message {
    Message::Notice(notice(payment.clone(), Delivery::Submitted))
}

/// A payment by anybody to anybody with a last height.
pub(super) fn paid_until(
    from: u8,
    nonce: u64,
    amount: u64,
    to: u8,
    valid_until: u64,
) -> SignedTransaction {
    let mut transaction = transaction(from, nonce, transfer(amount, to));
    transaction.valid_until = valid_until;
    transaction.sign(&key(from))
}

/// What a person asks of another one, or of anybody.
pub(super) fn wish(from: u8, to: Option<u8>, amount: u64) -> Wish {
    Wish {
        network: genesis_hash(),
        from: address(from),
        to: to.map(address),
        amount: nits(amount),
        text: Memo::default(),
        issued_at_ms: NOW_MS,
        expires_at_ms: NOW_MS + WEEK_MS,
    }
}

/// A request with a text.
pub(super) fn request(from: u8, to: Option<u8>, amount: u64, text: &str) -> Request {
    let wish = wish(from, to, amount).saying(text, &key(from)).unwrap();
    wish.sign(&key(from))
}

/// What the owner is shown.
pub(super) fn shown(effects: &[Effect]) -> Vec<Event> {
    let event = |effect: &Effect| match effect {
        Effect::Show(event) => Some(*event),
        _ => None,
    };
    effects.iter().filter_map(event).collect()
}

/// What is sent, and to whom.
pub(super) fn sent(effects: &[Effect]) -> Vec<(Address, Message)> {
    let message = |effect: &Effect| match effect {
        Effect::Send { to, message } => Some((*to, (**message).clone())),
        _ => None,
    };
    effects.iter().filter_map(message).collect()
}
