//! A network of one validator that makes its blocks itself: the real ledger over a real store, without agreement.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use natcoin::chain::amount::Amount;
use natcoin::chain::block::Block;
use natcoin::chain::certificate::{Certificate, CertificateSignature, VoteKind, vote_sign_bytes};
use natcoin::chain::genesis::{Genesis, GenesisAccount, Rules};
use natcoin::chain::hash::Hash;
use natcoin::chain::key::{Address, SecretKey, Signature};
use natcoin::chain::ledger::{BlockContext, Execution, Ledger, Selection, Tip};
use natcoin::chain::transaction::{Memo, Operation, SignedTransaction, Transaction};
use natcoin::chain::validator::{Validator, ValidatorSet};
use natcoin::replica::index_of;
use natcoin::replica::wire::final_block_bytes;
use natcoin::store::{Checkpoint, FolderDisk, NewBlock, StateChanges, Store};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

/// Accounts of the genesis, which make all others.
const FUNDERS: usize = 1_000;
/// What a new account gets, in nits.
const ENDOWMENT: u64 = 1_000_000;

/// The number-th account. Nobody has its key, and nobody needs it.
pub fn address(number: usize) -> Address {
    Address(Hash::of("natcoin/bench/account", &[&number.to_le_bytes()]).0)
}

pub fn validator() -> SecretKey {
    SecretKey::from_seed(&[9; 32])
}

pub fn genesis() -> Genesis {
    let accounts = (0..FUNDERS).map(|number| GenesisAccount {
        address: address(number),
        balance: Amount::from_nits(1 << 40),
        name: None,
    });
    let validator = Validator {
        key: validator().public(),
        power: 1,
    };
    Genesis {
        network: "growth".to_owned(),
        time_ms: 1_000,
        rules: Rules::default(),
        accounts: accounts.collect(),
        validators: ValidatorSet::new(vec![validator]).expect("one validator is a set"),
    }
    .checked()
    .expect("a sound genesis")
}

pub fn store(folder: &Path) -> Store {
    let disk = FolderDisk::open(folder).expect("the folder");
    Store::open(Arc::new(disk), genesis().hash().0).expect("the store")
}

pub struct World {
    pub ledger: Ledger,
    pub tip: Tip,
    pub store: Store,
    /// How long each checkpoint took to write.
    pub checkpoints: Vec<Duration>,
    validator: SecretKey,
    accounts: usize,
    transactions: usize,
    since_checkpoint: usize,
    changed: BTreeSet<Address>,
    random: StdRng,
}

impl World {
    /// At its genesis, in an empty folder.
    pub fn new(folder: &Path) -> Self {
        let genesis = genesis();
        let (ledger, tip) = (Ledger::from_genesis(&genesis), Tip::genesis(&genesis));
        Self {
            changed: (0..FUNDERS).map(address).collect(),
            ..Self::at(ledger, tip, store(folder), FUNDERS)
        }
    }

    /// At a state of so many accounts, which the store's checkpoint holds.
    pub fn at(ledger: Ledger, tip: Tip, store: Store, accounts: usize) -> Self {
        Self {
            ledger,
            tip,
            store,
            checkpoints: Vec::new(),
            validator: validator(),
            accounts,
            transactions: 0,
            since_checkpoint: 0,
            changed: BTreeSet::new(),
            random: StdRng::seed_from_u64(1),
        }
    }

    pub fn context(&self) -> BlockContext {
        BlockContext {
            height: self.tip.height + 1,
            time_ms: self.tip.time_ms + 1,
            proposer: self.validator.address(),
        }
    }

    /// Makes accounts until there are so many.
    pub fn grow(&mut self, accounts: usize, checkpoint_after: usize) {
        while self.accounts < accounts {
            let end = accounts.min(self.accounts + 1_000);
            let mut nonces = BTreeMap::new();
            let payments = (self.accounts..end).map(|payee| {
                let funder = payee % FUNDERS;
                self.payment(funder, payee, ENDOWMENT, &mut nonces)
            });
            let payments = payments.collect();
            self.accounts = end;
            self.commit(payments, checkpoint_after);
        }
    }

    /// Pays between accounts at random until so many transactions were made.
    pub fn pay_until(&mut self, transactions: usize, block: usize, checkpoint_after: usize) {
        while self.transactions < transactions {
            let payments = self.payments(block.min(transactions - self.transactions));
            self.commit(payments, checkpoint_after);
        }
    }

    /// Payments between accounts at random, for the next block.
    pub fn payments(&mut self, count: usize) -> Vec<SignedTransaction> {
        let mut nonces = BTreeMap::new();
        let pay = |_| {
            let sender = self.random.random_range(0..self.accounts);
            let other = self.random.random_range(1..self.accounts);
            self.payment(sender, (sender + other) % self.accounts, 1, &mut nonces)
        };
        (0..count).map(pay).collect()
    }

    fn payment(
        &self,
        sender: usize,
        payee: usize,
        nits: u64,
        nonces: &mut BTreeMap<usize, u64>,
    ) -> SignedTransaction {
        let from = address(sender);
        let nonce = nonces.entry(sender).or_insert_with(|| {
            let account = self.ledger.account(&from);
            account.expect("the sender exists").nonce
        });
        let transaction = Transaction {
            genesis: *self.ledger.genesis(),
            sender: from,
            key: from.birth_key(),
            nonce: *nonce,
            valid_until: self.tip.height + 1,
            fee: Amount::ZERO,
            operation: Operation::Transfer {
                to: address(payee),
                amount: Amount::from_nits(nits),
                memo: Memo::default(),
            },
        };
        *nonce += 1;
        SignedTransaction {
            transaction,
            signature: Signature([5; 64]),
        }
    }

    /// A block of these, and what it does.
    pub fn block(&self, transactions: Vec<SignedTransaction>) -> (Block, Execution) {
        let context = self.context();
        let execution = self.ledger.execute(&context, &transactions);
        let selection = Selection {
            transactions,
            refused: Vec::new(),
            execution: execution.expect("valid payments"),
        };
        let header = self.ledger.header(&self.tip, &context, &selection);
        let block = Block {
            header,
            transactions: selection.transactions,
        };
        (block, selection.execution)
    }

    pub fn certificate(&self, block: &Block) -> Certificate {
        let (height, id) = (block.header.height, block.id());
        let voter = self.validator.address();
        let said = vote_sign_bytes(
            self.ledger.genesis(),
            VoteKind::Precommit,
            height,
            0,
            &voter,
            Some(&id),
        );
        Certificate {
            height,
            round: 0,
            block: id,
            signatures: vec![CertificateSignature {
                validator: 0,
                signature: self.validator.sign(&said),
            }],
        }
    }

    /// Makes a block durable, with its index entries.
    pub fn append(&self, block: &Block, certificate: &Certificate, execution: &Execution) {
        let block = NewBlock {
            height: block.header.height,
            record: final_block_bytes(block, certificate),
            index: index_of(execution),
        };
        let appended = self.store.append_blocks(&[block]);
        appended.expect("the store appends");
    }

    /// Moves the state on to a block.
    pub fn apply(&mut self, block: &Block, execution: Execution) {
        let committed = self.ledger.commit(execution.changes);
        committed.expect("a fresh change");
        self.tip = Tip::after(&block.header);
        self.transactions += block.transactions.len();
    }

    fn commit(&mut self, payments: Vec<SignedTransaction>, checkpoint_after: usize) {
        self.since_checkpoint += payments.len();
        for payment in &payments {
            self.changed.insert(payment.transaction.sender);
            self.changed.extend(payment.transaction.payee());
        }
        let (block, execution) = self.block(payments);
        let certificate = self.certificate(&block);
        self.append(&block, &certificate, &execution);
        self.apply(&block, execution);
        if self.since_checkpoint >= checkpoint_after {
            self.checkpoint();
        }
    }

    /// Writes a checkpoint of the state as it is.
    pub fn checkpoint(&mut self) {
        if self
            .store
            .checkpoint()
            .expect("the store reads")
            .map_or(0, |last| last.height)
            == self.tip.height
        {
            return;
        }
        let begin = Instant::now();
        let changed = std::mem::take(&mut self.changed);
        let entries = changed.iter().filter_map(|one| self.ledger.entry(one));
        let changes: StateChanges = entries.map(|entry| (entry.key, entry.value)).collect();
        let checkpoint = Checkpoint {
            height: self.tip.height,
            root: self.ledger.state_root().0,
        };
        let job = self.store.begin_checkpoint(checkpoint, changes);
        job.and_then(|job| job.run())
            .expect("the checkpoint is written");
        self.checkpoints.push(begin.elapsed());
        self.since_checkpoint = 0;
    }
}
