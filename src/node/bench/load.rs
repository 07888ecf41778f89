//! The load: a network's accounts, and payments between them, signed before anything is measured.
//!
//! Payment number `k` is of the wallet `k % wallets` and has the nonce `k / wallets`, so that a wallet's payments are as far
//! apart as can be and every wallet has its turn.

use std::collections::HashMap;
use std::thread;

use rand::RngExt as _;

use super::BenchError;
use super::gauge::Gauge;
use crate::chain::amount::Amount;
use crate::chain::codec::Encode as _;
use crate::chain::genesis::{Genesis, GenesisAccount, Rules};
use crate::chain::hash::Hash;
use crate::chain::key::{Address, PublicKey, SecretKey};
use crate::chain::transaction::{Memo, Operation, SignedTransaction, Transaction, TransactionId};
use crate::chain::validator::{Validator, ValidatorSet};
use crate::directory::bootstrap::Beginning;
use crate::node::clock;

/// What each wallet has, in NAT: more than it can pay away.
const ENDOWMENT_NAT: u64 = 1_000;
/// Blocks for which a payment is valid: more than come while it is measured.
const VALIDITY: u64 = 1_000_000;
/// Payments signed between two looks at whether that is still wanted.
const STRIDE: usize = 512;

/// Who takes part.
pub struct Town {
    /// The nodes' keys, drawn.
    pub nodes: Vec<SecretKey>,
    /// The wallets' keys, the same in each run: they have money nowhere else.
    wallets: Vec<SecretKey>,
    /// What the network begins with.
    pub beginning: Beginning,
}

impl Town {
    /// A town of so many nodes and wallets.
    pub fn new(nodes: usize, wallets: usize) -> Self {
        let mut random = rand::rng();
        let wallet = |index: usize| {
            let number = u64::try_from(index).unwrap_or(u64::MAX).to_be_bytes();
            SecretKey::from_seed(Hash::of("natcoin/bench-wallet/1", &[&number]).as_bytes())
        };
        let wallets: Vec<SecretKey> = (0..wallets).map(wallet).collect();
        let accounts = wallets.iter().map(|wallet| GenesisAccount {
            address: wallet.address(),
            balance: Amount::from_nat(ENDOWMENT_NAT).unwrap_or(Amount::MAX),
            name: None,
        });
        Self {
            beginning: Beginning {
                network: format!("bench-{:08x}", random.random::<u32>()),
                // The file writes whole seconds.
                time_ms: clock::unix_ms() / 1000 * 1000,
                rules: Rules {
                    max_validity: VALIDITY,
                    ..Rules::default()
                },
                accounts: accounts.collect(),
            },
            nodes: (0..nodes)
                .map(|_| SecretKey::from_seed(&random.random()))
                .collect(),
            wallets,
        }
    }

    /// The genesis; where the nodes listen is no part of it.
    fn genesis(&self) -> Result<Genesis, BenchError> {
        let votes = self.nodes.iter().map(|key| Validator {
            key: key.public(),
            power: 1,
        });
        let validators = ValidatorSet::new(votes.collect())
            .map_err(crate::chain::genesis::GenesisError::from)?;
        Ok(self.beginning.clone().genesis(validators)?)
    }
}

struct Payer {
    secret: SecretKey,
    key: PublicKey,
    address: Address,
}

/// Payments, signed.
pub struct Load {
    genesis: Hash,
    payers: Vec<Payer>,
    places: HashMap<Address, usize>,
    encoded: Vec<Vec<u8>>,
    ids: Vec<TransactionId>,
}

impl Load {
    /// A load on this town, with no payment yet.
    ///
    /// # Errors
    /// [`BenchError::Genesis`].
    pub fn new(town: &Town) -> Result<Self, BenchError> {
        let payer = |secret: &SecretKey| Payer {
            secret: secret.clone(),
            key: secret.public(),
            address: secret.address(),
        };
        let payers: Vec<Payer> = town.wallets.iter().map(payer).collect();
        let places = payers.iter().enumerate();
        Ok(Self {
            genesis: town.genesis()?.hash(),
            places: places
                .map(|(place, payer)| (payer.address, place))
                .collect(),
            payers,
            encoded: Vec::new(),
            ids: Vec::new(),
        })
    }

    /// How many payments there are.
    pub fn count(&self) -> usize {
        self.ids.len()
    }

    /// How many wallets there are.
    pub fn wallets(&self) -> usize {
        self.payers.len()
    }

    /// A payment as it is handed in.
    pub fn encoded(&self, payment: usize) -> &[u8] {
        &self.encoded[payment]
    }

    /// The number of a transaction that is one of these payments, whole.
    pub fn number_of(&self, transaction: &SignedTransaction) -> Option<usize> {
        let place = self.places.get(&transaction.transaction.sender)?;
        let nonce = usize::try_from(transaction.transaction.nonce).ok()?;
        let number = nonce.checked_mul(self.payers.len())?.checked_add(*place)?;
        (*self.ids.get(number)? == transaction.id()).then_some(number)
    }

    /// Signs until there are so many payments, on all cores.
    ///
    /// # Errors
    /// [`BenchError::Ended`] if that is asked for meanwhile.
    pub fn sign(&mut self, count: usize, gauge: &Gauge) -> Result<(), BenchError> {
        let first = self.count();
        let missing = count.saturating_sub(first);
        let threads = cores();
        let share = missing.div_ceil(threads).max(1);
        let parts = thread::scope(|scope| {
            let this = &*self;
            let work = |thread: usize| {
                let from = (first + thread * share).min(count);
                let to = (from + share).min(count);
                scope.spawn(move || this.signed(from, to, gauge))
            };
            let running: Vec<_> = (0..threads).map(work).collect();
            let done = running.into_iter().map(|thread| thread.join());
            done.collect::<Vec<_>>()
        });
        for part in parts {
            // A thread that panicked has said so.
            let part = part.unwrap_or_default();
            for (encoded, id) in part {
                self.encoded.push(encoded);
                self.ids.push(id);
            }
        }
        match self.count() < count {
            true => Err(BenchError::Ended),
            false => Ok(()),
        }
    }

    fn signed(&self, from: usize, to: usize, gauge: &Gauge) -> Vec<(Vec<u8>, TransactionId)> {
        let mut done = Vec::with_capacity(to.saturating_sub(from));
        for number in from..to {
            let signed = self.payment(number);
            done.push((signed.to_bytes(), signed.id()));
            if done.len().is_multiple_of(STRIDE) {
                gauge.count_signed(u64::try_from(STRIDE).unwrap_or(0));
                if gauge.is_ended() {
                    break;
                }
            }
        }
        done
    }

    fn payment(&self, number: usize) -> SignedTransaction {
        let wallets = self.payers.len();
        let (place, nonce) = (number % wallets, number / wallets);
        // Somebody else each time, and never oneself.
        let to = (place + 1 + nonce % (wallets - 1)) % wallets;
        let payer = &self.payers[place];
        let transaction = Transaction {
            genesis: self.genesis,
            sender: payer.address,
            key: payer.key,
            nonce: u64::try_from(nonce).unwrap_or(u64::MAX),
            valid_until: VALIDITY,
            fee: Amount::ZERO,
            operation: Operation::Transfer {
                to: self.payers[to].address,
                amount: Amount::from_nits(1),
                memo: Memo::default(),
            },
        };
        transaction.sign(&payer.secret)
    }
}

/// On how many cores this machine may work.
pub fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::codec::Decode as _;

    #[test]
    fn payments_are_found_again_and_none_is_to_its_payer() {
        let mut load = Load::new(&Town::new(4, 3)).unwrap();
        load.sign(5, &Gauge::default()).unwrap();
        load.sign(20, &Gauge::default()).unwrap();
        assert_eq!(load.count(), 20);
        for number in 0..20 {
            let signed = SignedTransaction::from_bytes(load.encoded(number)).unwrap();
            assert_eq!(load.number_of(&signed), Some(number));
            assert!(signed.signature_is_good());
            assert_ne!(signed.transaction.payee(), Some(signed.transaction.sender));
            assert_eq!(signed.transaction.nonce, number as u64 / 3);
        }
        let mut other = SignedTransaction::from_bytes(load.encoded(7)).unwrap();
        other.transaction.valid_until -= 1;
        assert_eq!(load.number_of(&other), None, "another than was signed");
    }

    #[test]
    fn who_is_asked_to_end_signs_no_more() {
        let mut load = Load::new(&Town::new(1, 2)).unwrap();
        let gauge = Gauge::default();
        gauge.end();
        let ended = load.sign(STRIDE * 64, &gauge);
        assert!(matches!(ended, Err(BenchError::Ended)));
    }
}
