//! A stranger: somebody with money, time and no scruples, but without any validator's key.
//!
//! Besides paying like anybody, the stranger forges votes and payments, hands in what is of another network, expired,
//! used or not covered, and pays twice with one nonce. None of it may be passed on or become final.
//! Next: `judge.rs`, who would notice.

use rand::RngExt as _;

use super::people;
use super::world::World;
use crate::behaviour::{Service, Topic};
use crate::chain::amount::Amount;
use crate::chain::certificate::VoteKind;
use crate::chain::codec::Encode as _;
use crate::chain::hash::Hash;
use crate::chain::key::{Address, Signature};
use crate::chain::transaction::{Memo, Operation, SignedTransaction, Transaction};
use crate::consensus::Message;
use crate::consensus::message::Vote;
use crate::replica::wire::{Batch, Said, gossip};

/// Of so many chances, the stranger takes one.
const ODDS: u32 = 4;
/// For how many heights the stranger's payments are valid.
const VALIDITY: u64 = 50;
/// Payments remembered, to be handed in again.
const REMEMBERED: usize = 16;

/// See the module's text.
#[derive(Default)]
pub(super) struct Stranger {
    paid: Vec<SignedTransaction>,
}

impl Stranger {
    /// Does something, or nothing.
    pub(super) fn act(&mut self, world: &mut World) {
        let node = world.random.random_range(0..world.nodes.len());
        if world.nodes[node].live.is_none() || world.random.random_range(0..ODDS) > 0 {
            return;
        }
        match world.random.random_range(0..10) {
            0..3 => {
                let payment = self.payment(world, node, |_| {});
                self.remember(&payment);
                hand_in(world, node, &payment);
            }
            3 => self.pay_twice(world, node),
            4 => {
                let payment = self.payment(world, node, |one| one.genesis = Hash([9; 32]));
                hand_in(world, node, &payment);
            }
            5 => {
                let height = world.nodes[node].height();
                let payment = self.payment(world, node, |one| one.valid_until = height);
                hand_in(world, node, &payment);
            }
            6 => {
                let payment = self.payment(world, node, overdraw);
                hand_in(world, node, &payment);
            }
            7 => {
                if let Some(used) = self.paid.first().cloned() {
                    hand_in(world, node, &used);
                    let batch = gossip(world.random.random(), &Batch(vec![used]));
                    world.overhear(node, Topic::Transactions, batch, false);
                }
            }
            8 => self.steal(world, node),
            _ => forge_vote(world, node),
        }
    }

    /// A payment of the stranger's own, as it would be next where this node stands, changed and signed.
    fn payment(
        &self,
        world: &mut World,
        node: usize,
        change: impl FnOnce(&mut Transaction),
    ) -> SignedTransaction {
        let key = people::stranger();
        let mut content = Transaction {
            key: key.public(),
            ..transfer(world, node, key.address())
        };
        change(&mut content);
        content.sign(&key)
    }

    fn remember(&mut self, payment: &SignedTransaction) {
        self.paid.push(payment.clone());
        if self.paid.len() > REMEMBERED {
            self.paid.remove(0);
        }
    }

    /// Two payments with one nonce, each to another node.
    fn pay_twice(&mut self, world: &mut World, node: usize) {
        let first = self.payment(world, node, |_| {});
        let second = self.payment(world, node, |_| {});
        let other = world.random.random_range(0..world.nodes.len());
        hand_in(world, node, &first);
        hand_in(world, other, &second);
        self.remember(&first);
    }

    /// A payment of somebody else's money, which only the stranger has signed.
    fn steal(&self, world: &mut World, node: usize) {
        let accounts = &world.genesis.accounts;
        let victim = accounts[world.random.random_range(0..accounts.len())].address;
        let Some(key) = account_key(world, node, &victim) else {
            return;
        };
        let content = Transaction {
            key,
            ..transfer(world, node, victim)
        };
        let signature = content.clone().sign(&people::stranger()).signature;
        let theft = SignedTransaction {
            transaction: content,
            signature: match victim == people::stranger().address() {
                true => Signature([7; 64]),
                false => signature,
            },
        };
        let batch = gossip(world.random.random(), &Batch(vec![theft]));
        world.overhear(node, Topic::Transactions, batch, true);
    }
}

fn account_key(
    world: &World,
    node: usize,
    address: &Address,
) -> Option<crate::chain::key::PublicKey> {
    let live = world.nodes[node].live.as_ref()?;
    Some(live.replica.ledger().account(address)?.key)
}

/// A small payment of this sender to somebody, with the nonce that is next at a node. The key is the sender's birth key.
fn transfer(world: &mut World, node: usize, sender: Address) -> Transaction {
    let live = world.nodes[node].live.as_ref();
    let account = live.and_then(|live| live.replica.ledger().account(&sender));
    let nonce = account.map_or(0, |account| account.nonce);
    let to = people::person(world.random.random_range(0..100)).address();
    Transaction {
        genesis: world.genesis.hash(),
        sender,
        key: sender.birth_key(),
        nonce,
        valid_until: world.nodes[node].height() + VALIDITY,
        fee: Amount::from_nits(people::FEE_NITS),
        operation: Operation::Transfer {
            to,
            amount: Amount::from_nits(world.random.random_range(10..1_000)),
            memo: Memo::default(),
        },
    }
}

/// More than there is.
fn overdraw(one: &mut Transaction) {
    if let Operation::Transfer { amount, .. } = &mut one.operation {
        *amount = Amount::from_nits(2 * people::WEALTH_NITS);
    }
}

fn hand_in(world: &mut World, node: usize, payment: &SignedTransaction) {
    let key = people::stranger().public();
    world.ask(node, key, Service::Submit, payment.to_bytes());
}

/// A vote in a validator's name, of this height or the next.
fn forge_vote(world: &mut World, node: usize) {
    let validators = world.genesis.validators.as_slice();
    let voter = validators[world.random.random_range(0..validators.len())].address();
    let height = world.nodes[node].height() + world.random.random_range(1..3);
    let block: [u8; 32] = world.random.random();
    let vote = Vote {
        kind: match world.random.random() {
            true => VoteKind::Prevote,
            false => VoteKind::Precommit,
        },
        height,
        round: world.random.random_range(0..3),
        block: world.random.random::<bool>().then_some(Hash(block)),
        voter,
        signature: people::stranger().sign(b"not a vote"),
    };
    let said = gossip(0, &Said::Message(Message::Vote(vote)));
    world.overhear(node, Topic::Votes, said, true);
}
