//! A small town for tests: people with money, a network, and what people do in it at once.

use std::time::Duration;

use crate::behaviour::{Service, Topic};
use crate::chain::codec::{Decode, Encode};
use crate::chain::genesis::{Genesis, GenesisAccount, Rules};
use crate::chain::key::{Address, SecretKey};
use crate::chain::query::{Answer, Query};
use crate::chain::testing::network::{self, address, key, nits, validator};
use crate::chain::transaction::{Memo, Operation, SignedTransaction, Transaction, TransactionId};
use crate::chain::validator::{Validator, ValidatorSet};
use crate::replica::wire::{SubmitReply, WatchRequest};
use crate::replica::{Input, Replica, WatchId};
use crate::sim::{Cast, Manners, World};

/// When the town's network began.
pub const DAWN_MS: u64 = 1_000_000;
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
    /// So many validators and followers, on a good network; all are up.
    pub fn town(validators: u8, followers: u8, seed: u64) -> Self {
        let voting = (0..validators).map(validator);
        let following = (0..followers).map(|number| network::key(150 + number));
        let cast = Cast {
            genesis: genesis(validators),
            keys: voting.chain(following).collect(),
        };
        let manners = Manners::good(Duration::from_millis(1), Duration::from_millis(4));
        let mut world = Self::new(cast, manners, seed, None);
        for node in 0..world.nodes.len() {
            world.start(node).unwrap();
        }
        world.run_for(Duration::from_millis(100));
        world
    }

    /// Lets time pass.
    pub fn run_for(&mut self, time: Duration) {
        self.run_until(time, |_| false);
    }

    /// Lets time pass until something is so, at most so long; tells whether it is.
    pub fn run_until(&mut self, limit: Duration, is_so: impl Fn(&Self) -> bool) -> bool {
        match self.advance(limit, is_so) {
            Ok(is_so) => is_so,
            Err(violation) => panic!("{violation}"),
        }
    }

    /// A node that runs.
    pub fn replica(&self, node: usize) -> &Replica {
        let live = self.nodes[node].live.as_ref();
        &live.expect("the node runs").replica
    }

    /// The height of a node, 0 if it is down.
    pub fn height(&self, node: usize) -> u64 {
        self.nodes[node].height()
    }

    /// A payment of this town.
    pub fn payment(&self, from: u8, nonce: u64, amount: u64, to: u8) -> SignedTransaction {
        pay(&self.genesis, from, nonce, amount, to)
    }

    /// Whether a transaction is final.
    pub fn is_final(&self, id: &TransactionId) -> bool {
        self.judge.finals.contains_key(id)
    }

    /// Hands a payment in and waits till it is final; gives how long that took.
    pub fn pay_and_wait(&mut self, node: usize, payment: &SignedTransaction) -> Duration {
        let begin = self.now();
        let answer = self.submit(node, payment);
        assert_eq!(answer, Some(SubmitReply::Waiting));
        let id = payment.id();
        let limit = Duration::from_secs(30);
        assert!(
            self.run_until(limit, |world| world.is_final(&id)),
            "not final in 30 s: nonce {}",
            payment.transaction.nonce
        );
        self.now() - begin
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
        let is_done = self.run_until(limit, is_in_step);
        assert!(is_done, "out of step, wanted {least}: {}", self.state());
    }

    /// Lets a node hear something that its neighbour never said.
    pub fn hear(&mut self, node: usize, topic: Topic, data: Vec<u8>) {
        let from = (node + 1) % self.nodes.len();
        self.whisper(from, node, topic, data);
    }

    /// Asks a node as a wallet does, at once; `None` if the node dies of it or is down.
    pub fn put(&mut self, node: usize, service: Service, data: Vec<u8>) -> Option<Vec<u8>> {
        self.ask(node, network::key(99).public(), service, data)
    }

    /// Hands a transaction in.
    pub fn submit(&mut self, node: usize, transaction: &SignedTransaction) -> Option<SubmitReply> {
        let answer = self.put(node, Service::Submit, transaction.to_bytes())?;
        Some(SubmitReply::from_bytes(&answer).unwrap())
    }

    /// Asks a question.
    pub fn query(&mut self, node: usize, query: &Query) -> Answer {
        let answer = self.put(node, Service::Query, query.to_bytes()).unwrap();
        assert!(answer.len() <= crate::chain::query::MAX_ANSWER_BYTES);
        Answer::from_bytes(&answer).unwrap()
    }

    /// Opens a watch.
    pub fn watch(&mut self, node: usize, addresses: Vec<Address>) -> WatchId {
        let watch = self.speech.number();
        let data = WatchRequest { addresses }.to_bytes();
        self.step(node, Input::WatchOpened { watch, data });
        watch
    }

    /// The frames of a watch that was opened from outside the world.
    pub fn frames_of(&self, watch: WatchId) -> Vec<&[u8]> {
        let frames = self.seen.frames.iter();
        let own = frames.filter(|(of, _)| *of == watch);
        own.map(|(_, frame)| frame.as_slice()).collect()
    }
}
