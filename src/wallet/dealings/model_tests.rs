//! Three wallets in a bad world: messages lost, doubled and out of order, nodes that come and go, programs that crash
//! and go back to what they had saved, owners who pay the same request twice if they are let, and a payer who announces
//! one payment and hands in another.
//!
//! After every step, for every wallet: what it holds or has shown as final is on the chain; what it calls replaced or
//! expired is not and never will be; no request was paid twice; everything is within its bounds; and what it has shown
//! or said is in its saved book. At the end, with everything mended: each payment has its true end at its payee, and
//! each payer holds the payee's word. The world is drawn from one seed, which proptest prints.

use std::collections::{BTreeMap, BTreeSet};

use super::book::{
    Book, Course, End, Fate, Item, MAX_OUTBOX, MAX_RECEIVED, MAX_RECEIVED_OF_ONE, MAX_UNPROVEN,
    State,
};
use super::machine::{Dealings, Effect, Event, MAX_PARKED, Question};
use super::message::{Delivery, Message, Reply, Word};
use super::testing::{Chain, NOW_MS, WEEK_MS, announced, machine, paid_until, restored};
use crate::chain::codec::{Decode, Encode};
use crate::chain::hash::Hash;
use crate::chain::key::Address;
use crate::chain::testing::network::{address, key, nits, transaction, transfer};
use crate::chain::transaction::{SignedTransaction, TransactionId};
use crate::wallet::memo;
use proptest::prelude::*;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// Alice and Bob deal honestly; Carol lies.
const PEOPLE: [u8; 3] = [1, 2, 3];
const LIAR: u8 = 3;

struct Wallet {
    person: u8,
    machine: Dealings,
    /// What is on the disk.
    saved: Vec<u8>,
    nonce: u64,
    /// Shown to the owner as final, ever.
    shown_final: Vec<TransactionId>,
}

enum Waiting {
    Message {
        from: u8,
        to: u8,
        bytes: Vec<u8>,
    },
    Answer {
        of: u8,
        question: Question,
    },
    Told {
        of: u8,
        id: Hash,
        reply: Option<Reply>,
    },
}

struct World {
    rng: StdRng,
    now_ms: u64,
    chain: Chain,
    /// At the nodes, not in a block.
    pool: BTreeMap<TransactionId, SignedTransaction>,
    wallets: Vec<Wallet>,
    waiting: Vec<Waiting>,
    is_mended: bool,
}

fn person_of(address_of: &Address) -> Option<u8> {
    PEOPLE
        .into_iter()
        .find(|person| address(*person) == *address_of)
}

impl World {
    fn new(seed: u64) -> Self {
        let wallet = |person| {
            let mut machine = machine(person);
            machine.set_contacts(PEOPLE.iter().map(|one| address(*one)).collect());
            Wallet {
                person,
                saved: machine.book().save(),
                machine,
                nonce: 0,
                shown_final: Vec::new(),
            }
        };
        Self {
            rng: StdRng::seed_from_u64(seed),
            now_ms: NOW_MS,
            chain: Chain::new(),
            pool: BTreeMap::new(),
            wallets: PEOPLE.map(wallet).into(),
            waiting: Vec::new(),
            is_mended: false,
        }
    }

    fn wallet(&mut self, person: u8) -> &mut Wallet {
        let mut wallets = self.wallets.iter_mut();
        wallets.find(|one| one.person == person).unwrap()
    }

    fn chance(&mut self, percent: u32) -> bool {
        self.rng.random_range(0..100) < percent
    }

    fn any_of<T: Copy>(&mut self, all: &[T]) -> Option<T> {
        match all.len() {
            0 => None,
            count => Some(all[self.rng.random_range(0..count)]),
        }
    }

    fn perform(&mut self, person: u8, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Save => {
                    let wallet = self.wallet(person);
                    wallet.saved = wallet.machine.book().save();
                }
                Effect::Send { to, message } => self.post(person, &to, &message),
                Effect::Submit(payment) => self.submit(*payment),
                Effect::Ask(question) => {
                    let of = person;
                    self.waiting.push(Waiting::Answer { of, question });
                }
                Effect::Show(event) => {
                    let wallet = self.wallet(person);
                    // Kept before shown.
                    assert_eq!(wallet.saved, wallet.machine.book().save());
                    if let Event::PaymentFinal { payment, .. } = event {
                        wallet.shown_final.push(payment);
                    }
                }
            }
        }
    }

    /// A message on its way: as bytes, perhaps twice, perhaps never.
    fn post(&mut self, from: u8, to: &Address, message: &Message) {
        let bytes = message.to_bytes();
        let copies = match self.rng.random_range(0..10) {
            _ if self.is_mended => 1,
            0..=2 => 0,
            3 => 2,
            _ => 1,
        };
        if copies == 0 {
            let (of, id, reply) = (from, message.id(), None);
            self.waiting.push(Waiting::Told { of, id, reply });
        }
        let to = person_of(to).unwrap();
        for _ in 0..copies {
            let bytes = bytes.clone();
            self.waiting.push(Waiting::Message { from, to, bytes });
        }
    }

    fn submit(&mut self, payment: SignedTransaction) {
        if self.chain.proof(&payment.id()).is_none() {
            self.pool.insert(payment.id(), payment);
        }
    }

    /// Something that waits comes, in any order.
    fn deliver(&mut self) {
        if self.waiting.is_empty() {
            return;
        }
        let place = self.rng.random_range(0..self.waiting.len());
        let now_ms = self.now_ms;
        match self.waiting.swap_remove(place) {
            Waiting::Message { from, to, bytes } => {
                let message = Message::from_bytes(&bytes).unwrap();
                let id = message.id();
                let (reply, effects) = self.wallet(to).machine.hear(message, now_ms);
                self.perform(to, effects);
                let (of, reply) = (from, Some(reply));
                self.waiting.push(Waiting::Told { of, id, reply });
            }
            Waiting::Told { of, id, reply } => {
                let effects = self.wallet(of).machine.told(&id, reply);
                self.perform(of, effects);
            }
            Waiting::Answer { of, question } => self.answer(of, question),
        }
    }

    /// The chain's answer, true and proven; or none.
    fn answer(&mut self, of: u8, question: Question) {
        let now_ms = self.now_ms;
        let proof = match question {
            Question::Account { address } => {
                let account = self.chain.account(&address);
                let machine = &mut self.wallet(of).machine;
                let effects = machine.account_proven(&address, &account, now_ms);
                return self.perform(of, effects);
            }
            Question::Inclusion { payment } => self.chain.proof(&payment),
            Question::WhoTook { sender, nonce } => self.chain.who_took(&sender, nonce),
        };
        if let Some(proof) = proof {
            let effects = self.wallet(of).machine.prove(proof, now_ms).unwrap();
            self.perform(of, effects);
        }
    }

    /// One thing happens.
    fn step(&mut self) {
        self.now_ms += self.rng.random_range(1..4_000);
        let person = PEOPLE[self.rng.random_range(0..3)];
        match self.rng.random_range(0..20) {
            0..=7 => self.deliver(),
            8 | 9 => self.grow(),
            10 => self.ask(person),
            11 | 12 => self.pay(person),
            13 if person == LIAR => self.lie(),
            13 | 14 => self.pay_a_request(person),
            15 => self.crash(person),
            16 => {
                let (is_up, now_ms) = (self.chance(70), self.now_ms);
                let effects = self.wallet(person).machine.nodes(is_up, now_ms);
                self.perform(person, effects);
            }
            17 => self.thank(person),
            _ => self.tick(person),
        }
    }

    fn tick(&mut self, person: u8) {
        let now_ms = self.now_ms;
        let effects = self.wallet(person).machine.tick(now_ms);
        self.perform(person, effects);
    }

    fn grow(&mut self) {
        let all: Vec<TransactionId> = self.pool.keys().copied().collect();
        let mut chosen = Vec::new();
        for id in all {
            if self.is_mended || self.chance(60) {
                chosen.extend(self.pool.remove(&id));
            }
        }
        chosen.sort_by_key(|one| one.transaction.nonce);
        self.chain.grow(chosen);
        let height = self.chain.height();
        self.pool
            .retain(|_, one| one.transaction.valid_until > height);
    }

    fn ask(&mut self, person: u8) {
        let to = PEOPLE[self.rng.random_range(0..3)];
        let (amount, now_ms) = (nits(self.rng.random_range(10..20)), self.now_ms);
        let machine = &mut self.wallet(person).machine;
        if let Ok((_, effects)) =
            machine.ask_for(Some(address(to)), amount, "for you", WEEK_MS, now_ms)
        {
            self.perform(person, effects);
        }
    }

    /// The next nonce of an honest wallet: what its journal does for it.
    fn next_nonce(&mut self, person: u8) -> u64 {
        let proven = self.chain.account(&address(person)).value;
        let proven = proven.map_or(0, |account| account.nonce);
        let wallet = self.wallet(person);
        wallet.nonce = wallet.nonce.max(proven) + 1;
        // Now and then an earlier one expired, and its place is taken.
        match self.chance(30) {
            true => proven,
            false => self.wallet(person).nonce - 1,
        }
    }

    fn pay(&mut self, person: u8) {
        let to = PEOPLE[self.rng.random_range(0..3)];
        let (nonce, amount) = (self.next_nonce(person), self.rng.random_range(10..30));
        let until = self.chain.height() + self.rng.random_range(1..8);
        let payment = paid_until(person, nonce, amount, to, until.min(100));
        self.make(person, payment, None);
    }

    fn make(&mut self, person: u8, payment: SignedTransaction, request: Option<Hash>) {
        let delivery = match self.chance(50) {
            true => Delivery::Submitted,
            false => Delivery::HandedOver,
        };
        let now_ms = self.now_ms;
        let machine = &mut self.wallet(person).machine;
        let Ok(effects) = machine.paying(&payment, request.as_ref(), delivery, now_ms) else {
            return;
        };
        self.perform(person, effects);
        // Between the saving and the handing in the program may stop.
        if delivery == Delivery::Submitted && self.chance(90) {
            self.submit(payment);
        }
    }

    fn pay_a_request(&mut self, person: u8) {
        let received = self.wallet(person).machine.book().received();
        let all: Vec<Hash> = received.iter().map(|one| one.request.id()).collect();
        let Some(request) = self.any_of(&all) else {
            return;
        };
        let now_ms = self.now_ms;
        let Ok(what) = self.wallet(person).machine.repayment(&request, now_ms) else {
            return;
        };
        let to = person_of(&what.to).unwrap();
        let nonce = self.next_nonce(person);
        let mut draft = transaction(person, nonce, transfer(what.amount.nits(), to));
        draft.valid_until = (self.chain.height() + 6).min(100);
        let payment = memo::sealed_into(draft, &what.letter, &key(person)).unwrap();
        self.make(person, payment.sign(&key(person)), Some(request));
    }

    /// Tells Alice and Bob of two payments in one place, and hands in a third.
    fn lie(&mut self) {
        let nonce = self.next_nonce(LIAR);
        let until = (self.chain.height() + 5).min(100);
        let amount = self.rng.random_range(10..20);
        for to in [1, 2, 1] {
            let amount = amount + self.rng.random_range(0..5);
            let told = paid_until(LIAR, nonce, amount, to, until);
            self.post(LIAR, &address(to), &announced(&told));
        }
        let to = PEOPLE[self.rng.random_range(0..2)];
        self.submit(paid_until(LIAR, nonce, amount, to, until));
    }

    fn thank(&mut self, person: u8) {
        let incoming = self.wallet(person).machine.book().incoming();
        let all: Vec<TransactionId> = incoming.iter().map(|one| one.id()).collect();
        let Some(payment) = self.any_of(&all) else {
            return;
        };
        let now_ms = self.now_ms;
        if let Ok(effects) = self.wallet(person).machine.thank(&payment, "hvala", now_ms) {
            self.perform(person, effects);
        }
    }

    fn crash(&mut self, person: u8) {
        let wallet = self.wallet(person);
        wallet.machine = restored(person, &wallet.saved);
        let contacts = PEOPLE.iter().map(|one| address(*one)).collect();
        wallet.machine.set_contacts(contacts);
        let (is_up, now_ms) = (self.chance(70), self.now_ms);
        let effects = self.wallet(person).machine.nodes(is_up, now_ms);
        self.perform(person, effects);
    }

    /// What must hold at every moment.
    fn hold(&self) {
        let finals: BTreeSet<TransactionId> = self.chain.finals().map(|one| one.id()).collect();
        for wallet in &self.wallets {
            let book = wallet.machine.book();
            let mut unproven = 0;
            for one in book.incoming() {
                let is_on_chain = finals.contains(&one.id());
                match &one.state {
                    State::Final { height } => {
                        assert!(is_on_chain, "shown as final and is not");
                        let proof = self.chain.proof(&one.id()).unwrap();
                        assert_eq!(proof.certified.header.height, *height);
                    }
                    State::Replaced { proof } => {
                        assert!(!is_on_chain, "shown as replaced and is final");
                        let by = &proof.transaction.transaction;
                        assert_eq!(by.nonce, one.payment.transaction.nonce);
                        assert_eq!(by.sender, one.payer());
                    }
                    State::Expired { .. } => {
                        assert!(!is_on_chain, "shown as expired and is final");
                        let until = one.payment.transaction.valid_until;
                        assert!(self.chain.height() >= until, "it may still become final");
                    }
                    State::Announced | State::SignedNotFinal => unproven += 1,
                }
            }
            assert!(unproven <= MAX_UNPROVEN && book.outbox().len() <= MAX_OUTBOX);
            assert!(book.received().len() <= MAX_RECEIVED && MAX_PARKED < 100);
            for payment in &wallet.shown_final {
                let mut incoming = book.incoming().iter();
                let kept = incoming.any(|one| one.id() == *payment && one.state.is_final());
                assert!(kept, "what was shown as final is forgotten");
            }
            for one in book.outgoing() {
                let is_final = matches!(one.end, Some(End::Final { .. }));
                assert!(!is_final || finals.contains(&one.id()));
                assert!(one.end != Some(End::Failed) || !finals.contains(&one.id()));
            }
            if wallet.person != LIAR {
                for request in book.received() {
                    let id = request.request.id();
                    let pays = |one: &&super::book::Outgoing| one.notice.request == Some(id);
                    let paid = book.outgoing().iter().filter(pays);
                    let paid = paid.filter(|one| finals.contains(&one.id())).count();
                    assert!(paid <= 1, "a request was paid {paid} times");
                }
            }
        }
    }

    /// Everything is mended: nobody is lost or cut off, and time passes.
    fn settle(&mut self) {
        self.is_mended = true;
        for person in PEOPLE {
            let now_ms = self.now_ms;
            let effects = self.wallet(person).machine.nodes(true, now_ms);
            self.perform(person, effects);
        }
        for _ in 0..60 {
            while !self.waiting.is_empty() {
                self.deliver();
            }
            self.now_ms += 60_000;
            self.grow();
            for person in PEOPLE {
                self.tick(person);
            }
        }
    }

    /// Whether a request waits only because as many of this asker's are open there as may be.
    fn has_no_room_for(&self, item: &Item, of: &Book) -> bool {
        let mut asked = of.asked().iter();
        let Some(asked) = asked.find(|one| Item::Request(one.request.id()) == *item) else {
            return false;
        };
        let mut wallets = self.wallets.iter();
        let there = wallets.find(|one| Some(address(one.person)) == asked.request.wish.to);
        let open = there
            .unwrap()
            .machine
            .book()
            .received()
            .iter()
            .filter(|one| one.course == Course::Open && one.request.wish.from == *of.owner());
        open.count() >= MAX_RECEIVED_OF_ONE
    }

    /// What must hold at the end.
    fn hold_settled(&self) {
        for wallet in &self.wallets {
            let book = wallet.machine.book();
            for one in book.incoming() {
                assert!(!one.state.is_unproven(), "{:?} has no end", one.id());
            }
            for one in book.outgoing() {
                assert!(one.end.is_some(), "{:?} has no end", one.id());
                let payee = one.notice.payment.transaction.payee().unwrap();
                let is_final = matches!(one.end, Some(End::Final { .. }));
                if is_final && payee != address(wallet.person) {
                    let receipt = one.receipt.as_ref().map(|receipt| receipt.word);
                    assert!(matches!(receipt, Some(Word::Final { .. })), "{receipt:?}");
                }
            }
            for one in book.received() {
                assert!(!matches!(one.course, Course::Paying { .. }));
            }
            for one in book.asked() {
                if let Fate::Paid { payment } = one.fate {
                    assert!(self.chain.proof(&payment).is_some());
                }
            }
            for one in book.outbox() {
                let is_for_later = self.has_no_room_for(&one.item, book);
                assert!(is_for_later, "{:?} is never told", one.item);
            }
        }
    }
}

fn live_through(seed: u64) {
    let mut world = World::new(seed);
    for _ in 0..220 {
        world.step();
        world.hold();
    }
    world.settle();
    world.hold();
    world.hold_settled();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn whatever_happens_nothing_false_is_shown_and_all_comes_to_its_end(seed: u64) {
        live_through(seed);
    }
}

#[test]
fn worlds_in_which_the_model_once_failed_hold() {
    // Three in which an asker has more to ask than the other one looks at; one in which a receipt came to a payer who
    // did not know the payment yet.
    [
        5_643_823_563_241_526_557,
        8_837_451_326_711_004_056,
        12_900_483_490_576_607_510,
        7_983_679_849_214_113_880,
        343_313_672_983_985_324,
    ]
    .into_iter()
    .for_each(live_through);
}

#[test]
fn the_world_is_as_bad_as_it_says() {
    // The model would prove nothing if nothing happened in it.
    let (mut finals, mut failed, mut paid, mut thanks) = (0, 0, 0, 0);
    for seed in 0..6 {
        let mut world = World::new(seed);
        (0..220).for_each(|_| world.step());
        world.settle();
        for wallet in &world.wallets {
            let book = wallet.machine.book();
            let incoming = book.incoming().iter();
            finals += incoming.filter(|one| one.state.is_final()).count();
            let incoming = book.incoming().iter();
            failed += incoming.filter(|one| !one.state.is_final()).count();
            let asked = book.asked().iter();
            paid += asked
                .filter(|one| matches!(one.fate, Fate::Paid { .. }))
                .count();
            let outgoing = book.outgoing().iter();
            thanks += outgoing.filter(|one| one.thanks.is_some()).count();
        }
    }
    assert!(
        finals > 10 && failed > 10 && paid > 0 && thanks > 0,
        "{finals} {failed} {paid} {thanks}"
    );
}
