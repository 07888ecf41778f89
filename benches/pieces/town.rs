//! People with money, payments between them, and blocks that their validators have signed.

use natcoin::chain::amount::Amount;
use natcoin::chain::block::Block;
use natcoin::chain::certificate::{Certificate, CertificateSignature, VoteKind, vote_sign_bytes};
use natcoin::chain::genesis::{Genesis, GenesisAccount, Rules};
use natcoin::chain::hash::Hash;
use natcoin::chain::key::{SecretKey, Signature};
use natcoin::chain::ledger::{BlockContext, Ledger, Tip};
use natcoin::chain::query::Certified;
use natcoin::chain::transaction::{Memo, Operation, SignedTransaction, Transaction};
use natcoin::chain::validator::{Validator, ValidatorSet};

/// Accounts that pay each other.
pub const ACCOUNTS: usize = 10_000;

/// A network at its beginning.
pub struct Town {
    /// The owners of the accounts.
    pub keys: Vec<SecretKey>,
    /// What it begins with.
    pub genesis: Genesis,
    /// The genesis's hash.
    pub id: Hash,
    /// The state at its beginning.
    pub ledger: Ledger,
    /// In the order of their places.
    validators: Vec<SecretKey>,
}

fn key(number: usize) -> SecretKey {
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&(number as u64).to_le_bytes());
    SecretKey::from_seed(&seed)
}

impl Town {
    /// A town of so many validators.
    pub fn new(validators: usize) -> Self {
        let keys: Vec<SecretKey> = (0..ACCOUNTS).map(key).collect();
        let accounts = keys.iter().map(|key| GenesisAccount {
            address: key.address(),
            balance: Amount::from_nits(1_000_000_000),
            name: None,
        });
        let mut validators: Vec<SecretKey> =
            (0..validators).map(|one| key(1_000_000 + one)).collect();
        validators.sort_by_key(SecretKey::public);
        let one_vote = |key: &SecretKey| Validator {
            key: key.public(),
            power: 1,
        };
        let set = ValidatorSet::new(validators.iter().map(one_vote).collect());
        let genesis = Genesis {
            network: "bench".to_owned(),
            time_ms: 1_000,
            rules: Rules::default(),
            accounts: accounts.collect(),
            validators: set.expect("distinct keys"),
        };
        let genesis = genesis.checked().expect("a sound genesis");
        Self {
            keys,
            id: genesis.hash(),
            ledger: Ledger::from_genesis(&genesis),
            genesis,
            validators,
        }
    }

    /// The first block's place.
    pub fn context(&self) -> BlockContext {
        BlockContext {
            height: 1,
            time_ms: 2_000,
            proposer: self.validators[0].address(),
        }
    }

    /// Signed payments of different accounts.
    pub fn payments(&self, count: usize) -> Vec<SignedTransaction> {
        let sign = |number: usize| {
            let unsigned = transfer(&self.keys, number, 0, &self.id);
            unsigned.transaction.sign(&self.keys[number])
        };
        (0..count).map(sign).collect()
    }

    /// The first block, of these payments.
    pub fn block(&self, payments: &[SignedTransaction]) -> Block {
        let context = self.context();
        let selection = self.ledger.select(&context, payments.to_vec());
        let selection = selection.expect("a sound ledger");
        assert!(selection.refused.is_empty());
        Block {
            header: self
                .ledger
                .header(&Tip::genesis(&self.genesis), &context, &selection),
            transactions: selection.transactions,
        }
    }

    /// A block's header, signed by just a quorum.
    pub fn certified(&self, block: &Block) -> Certified {
        let (id, height, round) = (block.id(), block.header.height, 0);
        let quorum = self.genesis.validators.quorum_count();
        let sign = |(place, key): (usize, &SecretKey)| {
            let voter = key.address();
            let kind = VoteKind::Precommit;
            let bytes = vote_sign_bytes(&self.id, kind, height, round, &voter, Some(&id));
            CertificateSignature {
                validator: u16::try_from(place).expect("few validators"),
                signature: key.sign(&bytes),
            }
        };
        let signers = self.validators.iter().enumerate().take(quorum);
        Certified {
            header: block.header.clone(),
            certificate: Certificate {
                height,
                round,
                block: id,
                signatures: signers.map(sign).collect(),
            },
        }
    }
}

/// A payment of an account to another one that nobody has signed: the ledger's own functions do not look at that.
pub fn transfer(keys: &[SecretKey], from: usize, nonce: u64, genesis: &Hash) -> SignedTransaction {
    let payer = &keys[from];
    SignedTransaction {
        transaction: Transaction {
            genesis: *genesis,
            sender: payer.address(),
            key: payer.public(),
            nonce,
            valid_until: 100,
            fee: Amount::ZERO,
            operation: Operation::Transfer {
                to: keys[(from * 13 + 1) % ACCOUNTS].address(),
                amount: Amount::from_nits(1),
                memo: Memo::default(),
            },
        },
        signature: Signature([0; 64]),
    }
}
