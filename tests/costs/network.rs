//! A network in one thread: four validators, and a node beside them where wallets hand in. Simulated disks, no faults.
//!
//! Everything is real but disk, clock and wire. Whatever a node does is counted; what the network does, as carrying a
//! message, is not.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use allocation_counter::measure;
use natcoin::behaviour::{Role, Service, Topic};
use natcoin::chain::amount::Amount;
use natcoin::chain::codec::{Decode as _, Encode as _};
use natcoin::chain::genesis::{Genesis, GenesisAccount, Rules};
use natcoin::chain::key::SecretKey;
use natcoin::chain::transaction::{Memo, Operation, SignedTransaction, Transaction};
use natcoin::chain::validator::{Validator, ValidatorSet};
use natcoin::consensus::Timing;
use natcoin::replica::wire::{Submission, SubmitReplies, SubmitReply};
use natcoin::replica::{CheckpointPace, Effect, Input, Moment, Replica, Settings, Stored, perform};
use natcoin::store::{SimDisk, Store};

use super::book::{Book, Stage};

/// Nodes that vote. The one after them only follows.
pub const VALIDATORS: usize = 4;
/// All nodes.
pub const NODES: usize = VALIDATORS + 1;
/// Where wallets hand in: it never proposes, so all nodes have a payment before it is in a block.
const DOOR: usize = VALIDATORS;
/// Accounts that pay each other.
pub const ACCOUNTS: usize = 1_000;
/// How long a node gathers what it tells; it is at rest after as long.
const GATHER: Duration = Duration::from_millis(3);

struct Node {
    replica: Replica,
    store: Store,
}

/// The network.
pub struct Network {
    genesis: Arc<Genesis>,
    accounts: Vec<SecretKey>,
    nodes: Vec<Node>,
    now: Moment,
    number: u64,
    /// What was gossiped and not heard yet: by whom, of what, what.
    wire: VecDeque<(usize, Topic, Vec<u8>)>,
    /// What was counted.
    pub book: Book,
}

fn key(number: usize) -> SecretKey {
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&u64::try_from(number).unwrap().to_le_bytes());
    SecretKey::from_seed(&seed)
}

fn node_key(node: usize) -> SecretKey {
    key(1_000_000 + node)
}

fn genesis(accounts: &[SecretKey]) -> Genesis {
    let accounts = accounts.iter().map(|key| GenesisAccount {
        address: key.address(),
        balance: Amount::from_nits(1_000_000),
        name: None,
    });
    let validators = (0..VALIDATORS).map(|node| Validator {
        key: node_key(node).public(),
        power: 1,
    });
    let genesis = Genesis {
        network: "costs".to_owned(),
        time_ms: 1_000_000,
        rules: Rules::default(),
        accounts: accounts.collect(),
        validators: ValidatorSet::new(validators.collect()).unwrap(),
    };
    genesis.checked().unwrap()
}

impl Network {
    /// A network at its beginning that writes a checkpoint after so many blocks.
    pub fn new(checkpoint_blocks: u64) -> Self {
        let accounts: Vec<SecretKey> = (0..ACCOUNTS).map(key).collect();
        let genesis = Arc::new(genesis(&accounts));
        let now = Moment {
            unix_ms: genesis.time_ms,
            elapsed: Duration::from_secs(1),
        };
        let mut network = Self {
            genesis,
            accounts,
            nodes: Vec::new(),
            now,
            number: 0,
            wire: VecDeque::new(),
            book: Book::default(),
        };
        for node in 0..NODES {
            network.open(node, checkpoint_blocks);
        }
        for node in 0..NODES {
            for peer in (0..NODES).filter(|peer| *peer != node) {
                let role = match peer < VALIDATORS {
                    true => Role::Validator,
                    false => Role::Follower,
                };
                let peer = node_key(peer).public();
                let up = Input::PeerUp {
                    peer,
                    role,
                    height: 0,
                };
                network.step(node, Stage::Vote, up);
            }
        }
        network
    }

    fn open(&mut self, node: usize, checkpoint_blocks: u64) {
        let hash = self.genesis.hash().0;
        let store = Store::open(Arc::new(SimDisk::new()), hash).unwrap();
        let settings = Settings {
            genesis: self.genesis.clone(),
            key: node_key(node),
            seed: [u8::try_from(node).unwrap(); 32],
            timing: Timing::default(),
            pace: CheckpointPace {
                blocks: checkpoint_blocks,
                ..CheckpointPace::default()
            },
        };
        let (replica, effects) = Replica::open(settings, &store, self.now).unwrap();
        self.nodes.push(Node { replica, store });
        self.perform(node, effects);
    }

    /// How far the chain goes on all nodes.
    pub fn height(&self) -> u64 {
        let heights = self.nodes.iter().map(|node| node.replica.height());
        heights.min().unwrap()
    }

    /// A payment of an account to another one.
    pub fn payment(&self, from: usize, nonce: u64) -> SignedTransaction {
        let payer = &self.accounts[from % ACCOUNTS];
        let payee = &self.accounts[(from * 7 + 3) % ACCOUNTS];
        let transaction = Transaction {
            genesis: self.genesis.hash(),
            sender: payer.address(),
            key: payer.public(),
            nonce,
            valid_until: 1_000,
            fee: self.genesis.rules.fee,
            operation: Operation::Transfer {
                to: payee.address(),
                amount: Amount::from_nits(1),
                memo: Memo::new("for the bread").unwrap(),
            },
        };
        transaction.sign(payer)
    }

    /// Lets time go by. No timeout of agreement comes with it: nothing happens by itself.
    pub fn wait(&mut self, time: Duration) {
        self.now.elapsed += time;
        self.now.unix_ms += u64::try_from(time.as_millis()).unwrap();
    }

    /// Hands payments in at once, and has them go their way until the wire is silent.
    pub fn pay(&mut self, payments: &[SignedTransaction]) {
        self.number += 1;
        let request = Input::Request {
            id: self.number,
            from: self.accounts[0].public(),
            service: Service::Submit,
            data: Submission(payments.to_vec()).to_bytes(),
        };
        self.step(DOOR, Stage::HandIn, request);
        self.wait(GATHER);
        self.step(DOOR, Stage::Admit, Input::Tick);
        while let Some((from, topic, data)) = self.wire.pop_front() {
            let stage = match topic {
                Topic::Transactions => Stage::Hear,
                Topic::Proposals => Stage::Judge,
                Topic::Votes | Topic::Directory => Stage::Vote,
            };
            for node in (0..NODES).filter(|node| *node != from) {
                self.number += 1;
                let heard = Input::Gossip {
                    id: self.number,
                    from: node_key(from).public(),
                    topic,
                    data: data.clone(),
                };
                self.step(node, stage, heard);
            }
        }
    }

    /// On how many nodes a payment is final: in the store and in the state.
    pub fn finals(&self, payment: &SignedTransaction) -> usize {
        let is_final = |node: &&Node| {
            let place = node.store.transaction_position(&payment.id().0).unwrap();
            let account = node.replica.ledger().account(&payment.transaction.sender);
            place.is_some() && account.unwrap().nonce > payment.transaction.nonce
        };
        self.nodes.iter().filter(is_final).count()
    }

    fn step(&mut self, node: usize, stage: Stage, input: Input) {
        let Node { replica, store } = &mut self.nodes[node];
        let mut effects = Vec::new();
        let counted = measure(|| effects = replica.handle(input, self.now, store));
        self.book.add(stage_of(stage, &effects), counted);
        self.perform(node, effects);
    }

    fn perform(&mut self, node: usize, effects: Vec<Effect>) {
        for effect in effects {
            let store = self.nodes[node].store.clone();
            let mut stored = None;
            let counted = measure(|| stored = Some(perform(effect, &store).unwrap()));
            self.book.add(Stage::Store, counted);
            match stored.unwrap() {
                Stored::Done => {}
                Stored::Checkpoint(job) => {
                    let mut height = 0;
                    let counted = measure(|| height = job.run().unwrap().height);
                    self.book.add(Stage::Checkpoint, counted);
                    self.step(node, Stage::Checkpoint, Input::CheckpointWritten { height });
                }
                Stored::Other(effect) => self.act(node, effect),
            }
        }
    }

    fn act(&mut self, node: usize, effect: Effect) {
        match effect {
            Effect::Check(job) => {
                let mut checked = None;
                let counted = measure(|| checked = Some(job.run()));
                self.book.add(Stage::Check, counted);
                self.step(node, Stage::Admit, checked.unwrap());
            }
            Effect::Publish { topic, data } => {
                let number = Topic::ALL.iter().position(|one| *one == topic).unwrap();
                self.book.gossiped[number] += u64::try_from(data.len()).unwrap();
                self.wire.push_back((node, topic, data));
            }
            Effect::Respond { data, .. } => {
                self.book.answered += u64::try_from(data.len()).unwrap();
                let SubmitReplies(replies) = SubmitReplies::from_bytes(&data).unwrap();
                let is_taken = |reply: &SubmitReply| *reply == SubmitReply::Waiting;
                assert!(replies.iter().all(is_taken), "{replies:?}");
            }
            Effect::Halt(why) => panic!("node {node} stops: {why}"),
            Effect::Disconnect { reason, .. } => panic!("node {node} blames a peer: {reason}"),
            _ => {}
        }
    }
}

/// A step's stage: by its input, unless a proposal or a final block came of it.
fn stage_of(stage: Stage, effects: &[Effect]) -> Stage {
    let publishes = |effect: &Effect| matches!(effect, Effect::Publish { topic, .. } if *topic == Topic::Proposals);
    let commits = |effect: &Effect| matches!(effect, Effect::Commit { .. });
    match stage {
        _ if effects.iter().any(commits) => Stage::Commit,
        _ if effects.iter().any(publishes) => Stage::Propose,
        stage => stage,
    }
}
