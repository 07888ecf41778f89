//! Who knows what must never happen, and looks at everything.
//!
//! One block and one state a height over all nodes; certificates that hold under the genesis alone; no
//! transaction final twice; no node that signs one thing and another; nothing durable that vanishes;
//! money neither made nor lost.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::behaviour::Topic;
use crate::chain::amount::Amount;
use crate::chain::block::Header;
use crate::chain::certificate::VoteKind;
use crate::chain::codec::{Decode, Encode};
use crate::chain::genesis::Genesis;
use crate::chain::hash::Hash;
use crate::chain::key::Address;
use crate::chain::query::{Certified, Trust};
use crate::chain::testing::network;
use crate::chain::transaction::TransactionId;
use crate::consensus::Message;
use crate::replica::Replica;
use crate::replica::wire::{Batch, FinalBlock, Said, from_gossip};
use crate::store::Store;

use super::people::PEOPLE;

/// What was signed at a height, in a round, as 0 proposal, 1 prevote, 2 precommit.
type Place = (Address, u64, u32, u8);

/// The judge of a world.
pub struct Judge {
    /// What a newcomer believes.
    pub trust: Trust,
    /// The chain: the header, its bytes as first committed, and when.
    pub chain: BTreeMap<u64, (Header, Duration)>,
    /// Where each transaction is final.
    pub finals: BTreeMap<TransactionId, u64>,
    /// How often the power has failed.
    pub crashes: u64,
    /// What each node has made durable.
    durable: BTreeMap<usize, u64>,
    signed: BTreeMap<Place, Vec<u8>>,
    owners: Vec<Address>,
    supply: Amount,
}

impl Judge {
    /// A judge of this network.
    pub fn new(genesis: &Genesis) -> Self {
        let validators = genesis.validators.as_slice().iter();
        let owners = validators.map(|one| one.address());
        let owners = owners.chain((1..=PEOPLE).map(network::address)).collect();
        let balances = genesis.accounts.iter().map(|one| one.balance);
        let supply = balances.fold(Amount::ZERO, |sum, one| sum.checked_add(one).unwrap());
        Self {
            trust: Trust::new(genesis),
            chain: BTreeMap::new(),
            finals: BTreeMap::new(),
            crashes: 0,
            durable: BTreeMap::new(),
            signed: BTreeMap::new(),
            owners,
            supply,
        }
    }

    /// A block is durable at a node.
    pub fn committed(&mut self, node: usize, now: Duration, height: u64, record: &[u8]) {
        let found = FinalBlock::from_bytes(record).expect("a record can be read");
        let header = found.block.header.clone();
        let certified = Certified {
            header: header.clone(),
            certificate: found.certificate,
        };
        let moment = certified.verify(&self.trust).expect("a certificate holds");
        assert_eq!(moment.height, height);
        assert_eq!(
            header.transactions_root,
            crate::chain::block::transactions_root(&found.block.transactions)
        );
        let before = self.durable.insert(node, height);
        assert_eq!(before.unwrap_or(0) + 1, height, "node {node} skips");
        match self.chain.get(&height) {
            Some((known, _)) => assert_eq!(*known, header, "two blocks at height {height}"),
            None => {
                for one in &found.block.transactions {
                    let other = self.finals.insert(one.id(), height);
                    assert_eq!(other, None, "{} is final twice", one.id());
                }
                self.chain.insert(height, (header, now));
            }
        }
    }

    /// A node has found its store again.
    pub fn reopened(&mut self, node: usize, store: &Store) {
        let durable = self.durable.get(&node).copied().unwrap_or(0);
        assert!(
            store.tip() >= durable,
            "node {node} had block {durable} and has {} now",
            store.tip()
        );
        for height in [durable, store.tip()] {
            if let Some(bytes) = store.block(height).unwrap() {
                let found = FinalBlock::from_bytes(&bytes).unwrap();
                if let Some((known, _)) = self.chain.get(&height) {
                    assert_eq!(found.block.header, *known);
                }
            }
        }
        // The power may have failed when the block was down, and before anybody knew.
        for height in durable + 1..=store.tip() {
            let bytes = store.block(height).unwrap().unwrap();
            self.committed(node, Duration::ZERO, height, &bytes);
        }
    }

    /// A node stands somewhere on the chain.
    pub fn stands(&self, replica: &Replica) {
        let height = replica.height();
        if let Some((header, _)) = self.chain.get(&height) {
            assert_eq!(replica.state_root(), header.state_root, "height {height}");
        }
        let ledger = &replica.books.ledger;
        let accounts = self.owners.iter().filter_map(|owner| ledger.account(owner));
        let sum = accounts.fold(Amount::ZERO, |sum, account| {
            sum.checked_add(account.balance).unwrap()
        });
        assert_eq!(sum, self.supply, "money was made or lost");
    }

    /// A node says something to all.
    pub fn published(&mut self, node: usize, topic: Topic, data: &[u8]) {
        let limit = topic.max_bytes();
        assert!(data.len() <= limit, "{topic:?}: {} bytes", data.len());
        if topic == Topic::Transactions {
            assert!(!from_gossip::<Batch>(data).unwrap().0.is_empty());
            return;
        }
        let said = from_gossip::<Said>(data).expect("a node can be understood");
        assert_eq!(said.to_bytes(), data[4..]);
        let (place, what) = match said {
            Said::Message(Message::Vote(vote)) => {
                let step = if vote.kind == VoteKind::Prevote { 1 } else { 2 };
                let place = (vote.voter, vote.height, vote.round, step);
                (place, vote.block.map_or(Hash::ZERO, |id| id).to_bytes())
            }
            Said::Proposal(proposal, _) => {
                let place = (proposal.proposer, proposal.height, proposal.round, 0);
                let mut what = proposal.block.to_bytes();
                proposal.pol_round.encode(&mut what);
                (place, what)
            }
            Said::Message(_) => return,
        };
        if let Some(before) = self.signed.insert(place, what.clone()) {
            assert_eq!(before, what, "node {node} signs twice: {place:?}");
        }
    }

    /// The chain's height.
    pub fn height(&self) -> u64 {
        self.chain.last_key_value().map_or(0, |(height, _)| *height)
    }
}
