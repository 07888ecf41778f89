//! People with money, their network, and wallets that do not give up.

use std::time::Duration;

use rand::RngExt as _;

use super::world::{DAWN_MS, World};
use crate::chain::genesis::{Genesis, GenesisAccount, Rules};
use crate::chain::key::SecretKey;
use crate::chain::testing::network::{address, key, nits, validator};
use crate::chain::transaction::{Memo, Operation, SignedTransaction, Transaction, TransactionId};
use crate::chain::validator::{Validator, ValidatorSet};
use crate::replica::wire::SubmitReply;

/// How many people have money from the beginning, numbered from 1.
pub const PEOPLE: u8 = 8;

/// A network of so many validators.
pub fn genesis(validators: u8) -> Genesis {
    let accounts = (1..=PEOPLE).map(|person| GenesisAccount {
        address: address(person),
        balance: nits(1_000_000),
        name: None,
    });
    let mut accounts: Vec<GenesisAccount> = accounts.collect();
    accounts[0].name = Some("alice".parse().unwrap());
    let set = (0..validators).map(|number| Validator {
        key: validator(number).public(),
        power: 1,
    });
    let genesis = Genesis {
        network: "world".to_owned(),
        time_ms: DAWN_MS,
        rules: Rules {
            fee: nits(2),
            min_balance: nits(10),
            ..Rules::default()
        },
        accounts,
        validators: ValidatorSet::new(set.collect()).unwrap(),
    };
    genesis.checked().unwrap()
}

/// A transaction of a person.
pub fn transaction(
    genesis: &Genesis,
    from: u8,
    nonce: u64,
    operation: Operation,
) -> SignedTransaction {
    let signer: SecretKey = key(from);
    let transaction = Transaction {
        genesis: genesis.hash(),
        sender: signer.address(),
        key: signer.public(),
        nonce,
        valid_until: 10_000,
        fee: nits(2),
        operation,
    };
    transaction.sign(&signer)
}

/// A payment.
pub fn pay(genesis: &Genesis, from: u8, nonce: u64, amount: u64, to: u8) -> SignedTransaction {
    let operation = Operation::Transfer {
        to: address(to),
        amount: nits(amount),
        memo: Memo::default(),
    };
    transaction(genesis, from, nonce, operation)
}

impl World {
    /// A payment of this world.
    pub fn payment(&self, from: u8, nonce: u64, amount: u64, to: u8) -> SignedTransaction {
        pay(&self.genesis, from, nonce, amount, to)
    }

    /// Whether a transaction is final.
    pub fn is_final(&self, id: &TransactionId) -> bool {
        self.judge.finals.contains_key(id)
    }

    /// Hands a payment in and waits till it is final; gives how long that took.
    pub fn pay_and_wait(&mut self, node: usize, payment: &SignedTransaction) -> Duration {
        let begin = self.now;
        let answer = self.submit(node, payment);
        assert_eq!(answer, Some(SubmitReply::Waiting));
        let id = payment.id();
        let limit = Duration::from_secs(30);
        assert!(
            self.run_until(limit, |world| world.is_final(&id)),
            "not final in 30 s: nonce {}",
            payment.transaction.nonce
        );
        self.now - begin
    }

    /// Waits till all nodes that run stand at one height, at least this one.
    pub fn wait_in_step(&mut self, least: u64) {
        let limit = Duration::from_secs(60);
        let is_in_step = |world: &Self| {
            let running = (0..world.nodes.len()).filter(|node| world.nodes[*node].live.is_some());
            let heights: Vec<u64> = running.map(|node| world.height(node)).collect();
            heights
                .iter()
                .all(|height| *height >= least && *height == heights[0])
        };
        if !self.run_until(limit, is_in_step) {
            let heights: Vec<u64> = (0..self.nodes.len()).map(|one| self.height(one)).collect();
            let state: Vec<_> = self
                .nodes
                .iter()
                .map(|one| one.live.as_ref().map(|live| live.replica.status()))
                .collect();
            panic!("out of step: {heights:?}, wanted {least}: {state:#?}");
        }
    }
}

/// Wallets that hand each payment in again until it is final, then go on to the next.
pub struct Wallets {
    queues: Vec<Vec<SignedTransaction>>,
    asked: Vec<Duration>,
}

impl Wallets {
    /// Each person has so many payments to make.
    pub fn new(world: &mut World, payments: u64) -> Self {
        let mut queues = Vec::new();
        for person in 1..=PEOPLE {
            let mut queue: Vec<_> = (0..payments)
                .map(|nonce| {
                    let to = 1 + (person + world.random.random_range(0..PEOPLE - 1)) % PEOPLE;
                    let amount = world.random.random_range(1..1000);
                    world.payment(person, nonce, amount, to)
                })
                .collect();
            queue.reverse();
            queues.push(queue);
        }
        let asked = vec![Duration::ZERO; queues.len()];
        Self { queues, asked }
    }

    /// Whether every payment is final.
    pub fn are_done(&self) -> bool {
        self.queues.iter().all(Vec::is_empty)
    }

    /// How many payments are not final.
    pub fn left(&self) -> usize {
        self.queues.iter().map(Vec::len).sum()
    }

    /// Takes out what is final and hands in what is not, from time to time.
    pub fn act(&mut self, world: &mut World) {
        for (queue, asked) in self.queues.iter_mut().zip(&mut self.asked) {
            while queue.last().is_some_and(|one| world.is_final(&one.id())) {
                queue.pop();
                *asked = Duration::ZERO;
            }
            let Some(payment) = queue.last() else {
                continue;
            };
            if *asked > Duration::ZERO && world.now - *asked < Duration::from_millis(1500) {
                continue;
            }
            *asked = world.now;
            let node = world.random.random_range(0..world.nodes.len());
            match world.submit(node, payment) {
                None | Some(SubmitReply::Waiting | SubmitReply::Busy) => {}
                Some(SubmitReply::Final { .. }) => {}
                // Another node is ahead of this one or behind it.
                Some(SubmitReply::Rejected(_)) if world.is_final(&payment.id()) => {}
                Some(other) => panic!("an honest payment was answered {other:?}"),
            }
        }
    }
}
