//! People, a network and payments for the tests of this room, and the golden files.

use std::path::Path;

use crate::chain::amount::Amount;
use crate::chain::block::Header;
use crate::chain::certificate::{Certificate, CertificateSignature, VoteKind, vote_sign_bytes};
use crate::chain::genesis::{Genesis, GenesisAccount, Rules};
use crate::chain::hash::Hash;
use crate::chain::key::{Address, SecretKey};
use crate::chain::ledger::BlockContext;
use crate::chain::transaction::{Memo, Operation, SignedTransaction, Transaction};
use crate::chain::validator::{Validator, ValidatorSet};

/// A person's key: the same for the same number.
pub(crate) fn key(person: u8) -> SecretKey {
    SecretKey::from_seed(&[person; 32])
}

/// A person's address.
pub(crate) fn address(person: u8) -> Address {
    key(person).address()
}

/// So many nits.
pub(crate) fn nits(nits: u64) -> Amount {
    Amount::from_nits(nits)
}

/// The key of the validator at a number from 0.
pub(crate) fn validator(number: u8) -> SecretKey {
    SecretKey::from_seed(&[200 + number; 32])
}

/// A network of four validators: person 1 has 1,000 nits and the name @alice, 2 and 3 have 500; the fee is
/// 2 and the smallest balance 10.
pub(crate) fn genesis() -> Genesis {
    let endow = |person, balance, name: Option<&str>| GenesisAccount {
        address: address(person),
        balance: nits(balance),
        name: name.map(|name| name.parse().unwrap()),
    };
    let validators = (0..4).map(|number| Validator {
        key: validator(number).public(),
        power: 1,
    });
    let genesis = Genesis {
        network: "test".to_owned(),
        time_ms: 1_000,
        rules: Rules {
            fee: nits(2),
            min_balance: nits(10),
            max_validity: 100,
            max_block_transactions: 50,
            ..Rules::default()
        },
        accounts: vec![
            endow(1, 1_000, Some("alice")),
            endow(2, 500, None),
            endow(3, 500, None),
        ],
        validators: ValidatorSet::new(validators.collect()).unwrap(),
    };
    genesis.checked().unwrap()
}

/// A block of [`genesis`]'s network, proposed by its validator 0.
pub(crate) fn context(height: u64) -> BlockContext {
    BlockContext {
        height,
        time_ms: 1_000 + height * 100,
        proposer: validator(0).address(),
    }
}

/// A transaction with the fee that is due, valid until height 50.
pub(crate) fn transaction(person: u8, nonce: u64, operation: Operation) -> Transaction {
    Transaction {
        genesis: genesis_hash(),
        sender: address(person),
        key: key(person).public(),
        nonce,
        valid_until: 50,
        fee: nits(2),
        operation,
    }
}

/// The hash of [`genesis`].
pub(crate) fn genesis_hash() -> Hash {
    static HASH: std::sync::OnceLock<Hash> = std::sync::OnceLock::new();
    *HASH.get_or_init(|| genesis().hash())
}

/// A transfer of so many nits.
pub(crate) fn transfer(amount: u64, to: u8) -> Operation {
    Operation::Transfer {
        to: address(to),
        amount: nits(amount),
        memo: Memo::default(),
    }
}

/// The claim of a name.
pub(crate) fn claim(name: &str) -> Operation {
    Operation::ClaimName {
        name: name.parse().unwrap(),
    }
}

/// A signed payment.
pub(crate) fn pay(from: u8, nonce: u64, amount: u64, to: u8) -> SignedTransaction {
    transaction(from, nonce, transfer(amount, to)).sign(&key(from))
}

/// Holds `text` against a file of `tests/golden/`. With `NATCOIN_BLESS=1` in the environment the file is
/// written instead: only for a format that is new, never for one that wallets and nodes already speak.
pub(crate) fn assert_golden(file: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(file);
    if std::env::var_os("NATCOIN_BLESS").is_some_and(|mode| mode == "1") {
        std::fs::write(&path, text).unwrap();
    }
    let frozen = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert_eq!(
        text, frozen,
        "a frozen encoding has changed: tests/golden/{file}; a new format is written with NATCOIN_BLESS=1"
    );
}

/// The certificate of a block by some validators of [`genesis`], given by their keys.
pub(crate) fn certificate(header: &Header, signers: &[SecretKey]) -> Certificate {
    let set = genesis().validators;
    let (genesis, block, round) = (genesis_hash(), header.id(), 0);
    let mut signatures: Vec<CertificateSignature> = signers
        .iter()
        .map(|signer| {
            let voter = signer.address();
            let kind = VoteKind::Precommit;
            let bytes = vote_sign_bytes(&genesis, kind, header.height, round, &voter, Some(&block));
            CertificateSignature {
                validator: u16::try_from(set.index_of(&voter).unwrap_or(0)).unwrap(),
                signature: signer.sign(&bytes),
            }
        })
        .collect();
    signatures.sort_by_key(|part| part.validator);
    Certificate {
        height: header.height,
        round,
        block,
        signatures,
    }
}
