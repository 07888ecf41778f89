//! One wallet in a bad world: lost answers, lying refusals, nodes that keep payments to themselves, a second machine
//! with the same key, and crashes at every step. Whatever happens, every payment reaches one end, the end is true, and
//! no nonce pays twice. The world is drawn from one seed, which proptest prints.

use super::machine_tests::{signed, transfer};
use super::*;
use crate::chain::transaction::TransactionId;
use crate::mutation::{self, Mutation};
use crate::wallet::journal::Journal;
use proptest::prelude::*;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::collections::BTreeMap;

const NODES: u16 = 3;

/// The chain as it is, and what waits anywhere on it.
#[derive(Default)]
struct Chain {
    height: u64,
    /// What stands in blocks, by nonce.
    taken: Vec<(TransactionId, u64)>,
    pool: BTreeMap<TransactionId, (u64, u64)>,
}

impl Chain {
    fn nonce(&self) -> u64 {
        self.taken.len() as u64
    }

    fn receive(&mut self, transaction: &SignedTransaction) {
        let content = &transaction.transaction;
        self.pool
            .insert(transaction.id(), (content.nonce, content.valid_until));
    }

    /// One more block, with a waiting transaction in it or with none.
    fn grow(&mut self, rng: &mut StdRng) {
        self.height += 1;
        let fitting: Vec<TransactionId> = self
            .pool
            .iter()
            .filter(|(_, (nonce, until))| *nonce == self.nonce() && self.height <= *until)
            .map(|(id, _)| *id)
            .collect();
        if !fitting.is_empty() && rng.random_bool(0.7) {
            let id = fitting[rng.random_range(0..fitting.len())];
            self.taken.push((id, self.height));
        }
    }

    fn height_of(&self, id: &TransactionId) -> Option<u64> {
        self.taken
            .iter()
            .find(|(taken, _)| taken == id)
            .map(|(_, height)| *height)
    }

    /// The true answer to a question, if there is one.
    fn answer(&self, payment: &Payment, question: &Question) -> Option<Input> {
        match question {
            Question::Inclusion => {
                self.height_of(&payment.id())
                    .map(|height| Input::ProvenInclusion {
                        id: payment.id(),
                        height,
                        signed_by: 3,
                        validators: 4,
                    })
            }
            Question::Account => Some(Input::ProvenAccount {
                height: self.height,
                nonce: self.nonce(),
            }),
            Question::WhoTook { nonce } => {
                let (by, height) = *self.taken.get(*nonce as usize)?;
                Some(Input::ProvenOther {
                    by,
                    nonce: *nonce,
                    height,
                })
            }
            Question::NameFacts { .. } | Question::VoucherFacts { .. } => None,
        }
    }
}

struct World {
    rng: StdRng,
    chain: Chain,
    disk: Vec<u8>,
    journal: Journal,
    machines: Vec<PaymentMachine>,
    now_ms: u64,
    payments_made: u64,
    faulty: bool,
}

impl World {
    fn new(seed: u64) -> Self {
        Self {
            rng: StdRng::seed_from_u64(seed),
            chain: Chain::default(),
            disk: Journal::new().encode(),
            journal: Journal::new(),
            machines: Vec::new(),
            now_ms: 1_000,
            payments_made: 0,
            faulty: true,
        }
    }

    fn unlucky(&mut self, chance: f64) -> bool {
        self.faulty && self.rng.random_bool(chance)
    }

    fn sign(&mut self, nonce: u64) -> SignedTransaction {
        self.payments_made += 1;
        let valid_until = self.chain.height + self.rng.random_range(2..12);
        signed(nonce, valid_until, transfer(self.payments_made))
    }

    fn pay(&mut self) {
        let genesis = Hash([9; 32]);
        let nonce = self.journal.next_nonce(genesis, self.chain.nonce(), 0);
        let payment = Payment::new(self.sign(nonce), None, self.now_ms);
        if self.journal.unresolved(genesis).count() >= crate::wallet::journal::MAX_UNRESOLVED {
            assert!(self.journal.record(payment).is_err());
            return;
        }
        let (machine, outputs) = PaymentMachine::new(payment, self.now_ms);
        self.machines.push(machine);
        let index = self.machines.len() - 1;
        self.perform(index, outputs);
        let nodes = (0..NODES).map(NodeIndex).collect();
        self.feed(index, Input::Nodes(nodes));
    }

    fn feed(&mut self, index: usize, input: Input) {
        // A crash on the way took all machines with it.
        if let Some(machine) = self.machines.get_mut(index) {
            let outputs = machine.handle(input, self.now_ms);
            self.perform(index, outputs);
        }
    }

    fn perform(&mut self, index: usize, outputs: Vec<Output>) {
        for output in outputs {
            if self.unlucky(0.01) {
                return self.crash();
            }
            match output {
                Output::Save(payment) => {
                    let is_new = self.journal.get(&payment.id()).is_none();
                    self.journal.record(*payment).unwrap();
                    self.disk = self.journal.encode();
                    if self.unlucky(0.02) {
                        return self.crash();
                    }
                    if is_new {
                        self.feed(index, Input::Saved);
                    }
                }
                Output::Submit { to, transaction } => self.submit(index, to, &transaction),
                Output::Ask(question) => {
                    let Some(machine) = self.machines.get(index) else {
                        return;
                    };
                    let answer = self.chain.answer(machine.payment(), &question);
                    if let Some(input) = answer
                        && !self.unlucky(0.4)
                    {
                        self.feed(index, input);
                    }
                }
                Output::Done(status) => assert!(status.is_end()),
            }
        }
    }

    fn submit(&mut self, index: usize, to: NodeIndex, transaction: &SignedTransaction) {
        let on_disk = String::from_utf8_lossy(&self.disk);
        assert!(
            on_disk.contains(&transaction.id().to_string()),
            "sent before it was remembered"
        );
        let lost = self.unlucky(0.2);
        if !lost {
            self.chain.receive(transaction);
        }
        let answer = match (lost, self.unlucky(0.3), self.unlucky(0.2)) {
            // It has it and says that it has not: a lie, or an answer lost on the way.
            (_, true, false) => SubmitAnswer::Refused(Refusal::new("insufficient_funds", "no")),
            (_, true, true) => return,
            (true, false, false) => SubmitAnswer::Unreachable,
            // It accepts and forgets at once.
            (true, false, true) | (false, false, _) => SubmitAnswer::Accepted,
        };
        self.feed(index, Input::Answer { from: to, answer });
    }

    /// The process dies; what is on the disk starts again.
    fn crash(&mut self) {
        self.journal = Journal::decode(&self.disk).unwrap();
        self.machines.clear();
        let waiting: Vec<Payment> = self.journal.unresolved(Hash([9; 32])).cloned().collect();
        for payment in waiting {
            let (machine, _) = PaymentMachine::resume(payment, self.now_ms);
            self.machines.push(machine);
        }
        for index in 0..self.machines.len() {
            let nodes = (0..NODES).map(NodeIndex).collect();
            self.feed(index, Input::Nodes(nodes));
        }
    }

    fn step(&mut self) {
        let before = self.journal.clone();
        match self.rng.random_range(0..20) {
            0..3 => self.pay(),
            3 => self.crash(),
            // The owner's other device, which knows nothing of this one.
            4 => {
                let nonce = self.chain.nonce() + self.rng.random_range(0..2);
                let other = self.sign(nonce);
                self.chain.receive(&other);
            }
            5..9 => {
                self.chain.grow(&mut self.rng);
                let height = self.chain.height;
                for index in 0..self.machines.len() {
                    self.feed(index, Input::Head { height });
                }
            }
            // A network that forgets what waits.
            9 if self.unlucky(0.3) => self.chain.pool.clear(),
            _ => self.pass_time(),
        }
        for old in before.payments().iter().filter(|old| !old.is_unresolved()) {
            assert_eq!(self.journal.get(&old.id()), Some(old), "an end changed");
        }
    }

    fn pass_time(&mut self) {
        self.now_ms += self.rng.random_range(1..3_000);
        for index in 0..self.machines.len() {
            self.feed(index, Input::Tick);
        }
    }

    /// From here on the world is kind: everything ends.
    fn settle(&mut self) {
        self.faulty = false;
        self.crash();
        for _ in 0..60 {
            self.chain.grow(&mut self.rng);
            self.now_ms += 1_000;
            for index in 0..self.machines.len() {
                self.feed(index, Input::Tick);
            }
        }
    }

    fn check(&self) {
        let mut paid_nonces = std::collections::BTreeSet::new();
        for payment in Journal::decode(&self.disk).unwrap().payments() {
            let on_chain = self.chain.height_of(&payment.id());
            match payment.status() {
                Status::Signed | Status::Submitted => panic!("{payment:?} has no end"),
                Status::Final { height, .. } => {
                    assert_eq!(on_chain, Some(*height));
                    assert!(paid_nonces.insert(payment.nonce()), "a nonce paid twice");
                }
                Status::Replaced { by, height } => {
                    assert_eq!(on_chain, None);
                    assert_eq!(self.chain.height_of(by), Some(*height));
                }
                Status::Expired { .. } | Status::Rejected { .. } => assert_eq!(on_chain, None),
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_payment_reaches_one_true_end_and_no_nonce_pays_twice(seed: u64) {
        live(seed);
    }
}

/// A world's whole course.
fn live(seed: u64) {
    let mut world = World::new(seed);
    for _ in 0..80 {
        world.step();
    }
    world.settle();
    world.check();
}

#[test]
fn a_wallet_that_leaves_out_a_law_is_caught() {
    let some = || (0..8).for_each(live);
    some();
    mutation::assert_noticed(&[
        (Mutation::SentUnsaved, some),
        (Mutation::RefusalBelieved, some),
        (Mutation::AcceptanceBelieved, some),
        (Mutation::ExpiredTooSoon, some),
    ]);
}

#[test]
fn a_kind_world_makes_most_payments_final() {
    let mut world = World::new(1);
    world.faulty = false;
    for _ in 0..10 {
        world.pay();
    }
    world.settle();
    world.check();
    let is_final = |payment: &&Payment| matches!(payment.status(), Status::Final { .. });
    let finals = world.journal.payments().iter().filter(is_final).count();
    assert!(finals >= 2, "{finals} of 10 became final");
}
