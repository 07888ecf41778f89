//! More than a node can carry: what it has taken in must not become what nothing can follow on.

use std::sync::Arc;
use std::time::Duration;

use crate::behaviour::{Service, Topic};
use crate::chain::amount::Amount;
use crate::chain::codec::{Decode, Encode};
use crate::chain::genesis::{Genesis, GenesisAccount};
use crate::chain::key::SecretKey;
use crate::chain::testing::network::{genesis, key, validator};
use crate::chain::transaction::{Memo, Operation, SignedTransaction, Transaction};
use crate::mempool::{CROWDED, MAX_FROM_WALLETS, MAX_WAITING_PER_SENDER};
use crate::replica::wire::{Batch, MAX_BATCH, Submission, SubmitReplies, SubmitReply, gossip};
use crate::replica::{Effect, Input, Moment, Replica, Settings, Verdict};
use crate::store::{SimDisk, Store};

/// One of four validators, alone: what it takes in stays there.
struct Lonely {
    replica: Replica,
    store: Store,
    clock: Duration,
    payers: Vec<SecretKey>,
    genesis: Genesis,
    next: u64,
}

impl Lonely {
    fn new(payers: usize) -> Self {
        let payer = |number: usize| {
            let mut seed = [7; 32];
            seed[..8].copy_from_slice(&(number as u64).to_be_bytes());
            SecretKey::from_seed(&seed)
        };
        let payers: Vec<SecretKey> = (0..payers).map(payer).collect();
        let mut genesis = genesis();
        genesis.rules.fee = Amount::ZERO;
        genesis.accounts = payers
            .iter()
            .map(|payer| GenesisAccount {
                address: payer.address(),
                balance: Amount::from_nits(1_000_000),
                name: None,
            })
            .collect();
        let genesis = genesis.checked().unwrap();
        let store = Store::open(Arc::new(SimDisk::new()), genesis.hash().0).unwrap();
        let settings = Settings {
            genesis: Arc::new(genesis.clone()),
            key: validator(0),
            seed: [0; 32],
            timing: Default::default(),
            pace: Default::default(),
        };
        let (replica, _) = Replica::open(settings, &store, Moment::default()).unwrap();
        Self {
            replica,
            store,
            clock: Duration::from_secs(1),
            payers,
            genesis,
            next: 0,
        }
    }

    fn payment(&self, payer: usize, nonce: u64) -> SignedTransaction {
        let payer = &self.payers[payer];
        let transaction = Transaction {
            genesis: self.genesis.hash(),
            sender: payer.address(),
            key: payer.public(),
            nonce,
            valid_until: 90,
            fee: Amount::ZERO,
            operation: Operation::Transfer {
                to: key(1).address(),
                amount: Amount::from_nits(20),
                memo: Memo::default(),
            },
        };
        transaction.sign(payer)
    }

    /// Feeds an input, has every check done at once, and gives all else that came of it.
    fn handle(&mut self, input: Input) -> Vec<Effect> {
        self.clock += Duration::from_micros(100);
        let now = Moment {
            unix_ms: 2_000,
            elapsed: self.clock,
        };
        let mut came = Vec::new();
        for effect in self.replica.handle(input, now, &self.store) {
            match effect {
                Effect::Check(job) => came.extend(self.handle(job.run())),
                other => came.push(other),
            }
        }
        came
    }

    fn submit(&mut self, payments: Vec<SignedTransaction>) -> Vec<SubmitReply> {
        self.next += 1;
        let input = Input::Request {
            id: self.next,
            from: key(99).public(),
            service: Service::Submit,
            data: Submission(payments).to_bytes(),
        };
        let came = self.handle(input);
        let answer = came.into_iter().find_map(|effect| match effect {
            Effect::Respond { data, .. } => Some(SubmitReplies::from_bytes(&data).unwrap().0),
            _ => None,
        });
        answer.expect("each request is answered")
    }

    fn gossiped(&mut self, payments: Vec<SignedTransaction>) -> Verdict {
        self.next += 1;
        let input = Input::Gossip {
            id: self.next,
            from: validator(1).public(),
            topic: Topic::Transactions,
            data: gossip(0, &Batch(payments)),
        };
        let came = self.handle(input);
        let verdict = came.into_iter().find_map(|effect| match effect {
            Effect::Judge { verdict, .. } => Some(verdict),
            _ => None,
        });
        verdict.expect("each message is judged")
    }

    /// Hands in the payments of all payers with these nonces, and counts those taken.
    fn fill(&mut self, nonces: std::ops::Range<u64>) -> usize {
        let mut taken = 0;
        for nonce in nonces {
            let all: Vec<_> = (0..self.payers.len())
                .map(|payer| self.payment(payer, nonce))
                .collect();
            for some in all.chunks(200) {
                let replies = self.submit(some.to_vec());
                taken += replies
                    .iter()
                    .filter(|reply| **reply == SubmitReply::Waiting)
                    .count();
            }
        }
        taken
    }
}

#[test]
fn a_crowded_node_takes_no_payment_whose_earlier_one_it_refused() {
    let mut node = Lonely::new(200);
    let rounds = (CROWDED / 200) as u64;
    let early = node.payment(7, rounds + 1);
    assert_eq!(
        node.submit(vec![early]),
        [SubmitReply::Waiting],
        "where there is room, a payment may come before its turn"
    );
    assert_eq!(node.fill(0..rounds), CROWDED / 200 * 200);
    assert_eq!(node.fill(rounds..rounds + 1), 200, "these are next in turn");
    let gap = node.payment(3, rounds + 2);
    assert_eq!(node.submit(vec![gap.clone()]), [SubmitReply::Busy]);
    let before = node.payment(3, rounds + 1);
    assert_eq!(
        node.submit(vec![before, gap]),
        vec![SubmitReply::Waiting; 2]
    );
}

#[test]
fn a_node_that_is_full_for_wallets_still_takes_what_other_nodes_have_taken() {
    let payers = MAX_FROM_WALLETS / (MAX_WAITING_PER_SENDER - 4);
    let mut node = Lonely::new(payers);
    let taken = node.fill(0..MAX_WAITING_PER_SENDER as u64 - 3);
    assert!(
        (MAX_FROM_WALLETS - 200..=MAX_FROM_WALLETS).contains(&taken),
        "{taken}"
    );
    let last = MAX_WAITING_PER_SENDER as u64 - 2;
    let next = (0..payers).map(|payer| node.payment(payer, last));
    let next: Vec<_> = next.take(MAX_BATCH).collect();
    let busy = vec![SubmitReply::Busy; next.len()];
    assert_eq!(node.submit(next.clone()), busy);
    assert_eq!(node.gossiped(next.clone()), Verdict::Accept);
    assert_eq!(node.submit(next), vec![SubmitReply::Waiting; busy.len()]);
}

#[test]
fn what_waits_for_a_payment_that_never_comes_keeps_no_wallet_out() {
    let payers = MAX_FROM_WALLETS / (MAX_WAITING_PER_SENDER - 4);
    let mut node = Lonely::new(payers + 1);
    // Of each but the last, all but the first; by way of other nodes, of which each has room for some.
    for nonce in 1..MAX_WAITING_PER_SENDER as u64 - 2 {
        let some: Vec<_> = (0..payers)
            .map(|payer| node.payment(payer, nonce))
            .collect();
        for batch in some.chunks(MAX_BATCH) {
            node.gossiped(batch.to_vec());
        }
    }
    let payment = node.payment(payers, 0);
    assert_eq!(node.submit(vec![payment]), [SubmitReply::Waiting]);
}
