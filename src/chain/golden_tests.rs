//! Freezes every encoding, hash and signature of the law's types in `tests/golden/`.
//!
//! A change here is a change of the protocol: old wallets and nodes no longer understand the new ones.
//! Each line is a label and hexadecimal digits; what is frozen is also read back.

use super::amount::Amount;
use super::block::{Block, Header, VERSION, transaction_leaf, transactions_root};
use super::certificate::{VoteKind, vote_sign_bytes};
use super::codec::{Decode, Encode};
use super::genesis::{Genesis, GenesisAccount, Rules};
use super::hash::{Hash, hex, unhex};
use super::key::Address;
use super::ledger::voucher_key;
use super::merkle;
use super::name::Name;
use super::testing::network::{assert_golden, key};
use super::testing::{certificate, validators};
use super::transaction::{Memo, Operation, SignedTransaction, Transaction};
use super::validator::{Validator, ValidatorSet};
use super::voucher::{ClaimWords, Voucher};

/// Lines of a golden file.
#[derive(Default)]
struct Lines(String);

impl Lines {
    fn text(&mut self, label: &str, value: impl std::fmt::Display) -> &mut Self {
        self.0.push_str(&format!("{label} {value}\n"));
        self
    }

    fn bytes(&mut self, label: &str, bytes: &[u8]) -> &mut Self {
        self.text(label, hex(bytes))
    }

    /// A value's encoding, which must read back as the value.
    fn value<T>(&mut self, label: &str, value: &T) -> &mut Self
    where
        T: Encode + Decode + PartialEq + std::fmt::Debug,
    {
        let bytes = value.to_bytes();
        assert_eq!(T::from_bytes(&bytes).as_ref(), Ok(value));
        self.bytes(label, &bytes)
    }

    fn hold(&self, file: &str) {
        assert_golden(file, &self.0);
    }
}

fn transaction(operation: Operation) -> Transaction {
    Transaction {
        genesis: Hash([0x11; 32]),
        sender: key(1).address(),
        key: key(1).public(),
        nonce: 7,
        valid_until: 0x0102_0304,
        fee: Amount::from_nits(1000),
        operation,
    }
}

fn transfer() -> SignedTransaction {
    let operation = Operation::Transfer {
        to: key(2).address(),
        amount: Amount::from_nits(500_000_000),
        memo: Memo::new("für den Kaffee").unwrap(),
    };
    transaction(operation).sign(&key(1))
}

fn vouchers() -> [(&'static str, SignedTransaction); 3] {
    let voucher = key(9).public();
    let (share, memo) = (
        Amount::from_nits(1_000_000_000),
        Memo::new("welcome").unwrap(),
    );
    let opening = transaction(Operation::OpenVoucher {
        voucher,
        share,
        count: 3,
        until_ms: 1_767_225_600_000,
        memo,
    })
    .sign(&key(1));
    let words = ClaimWords {
        genesis: Hash([0x11; 32]),
        voucher,
        opening: opening.id(),
        claimer: key(2).address(),
    };
    let claim = Transaction {
        sender: key(2).address(),
        key: key(2).public(),
        ..transaction(Operation::ClaimVoucher {
            voucher,
            opener: key(1).address(),
            opening: opening.id(),
            share,
            proof: words.sign(&key(9)),
        })
    };
    let reclaim = transaction(Operation::ReclaimVoucher {
        voucher,
        amount: Amount::from_nits(2_000_000_000),
    });
    [
        ("open_voucher.txt", opening),
        ("claim_voucher.txt", claim.sign(&key(2))),
        ("reclaim_voucher.txt", reclaim.sign(&key(1))),
    ]
}

#[test]
fn vouchers_are_frozen() {
    for (file, signed) in vouchers() {
        assert!(signed.signature_is_good());
        let mut lines = Lines::default();
        lines
            .value("transaction", &signed.transaction)
            .value("id", &signed.id())
            .value("signed", &signed);
        if let Some(bytes) = signed.proof_bytes() {
            lines.bytes("proof_bytes", &bytes);
        }
        lines.hold(file);
    }
    let voucher = Voucher {
        opener: key(1).address(),
        opening: Hash([0x22; 32]),
        share: Amount::from_nits(1_000_000_000),
        left: 2,
        until_ms: 1_767_225_600_000,
        claimed: vec![key(2).address()],
    };
    Lines::default()
        .value("voucher", &voucher)
        .value("leaf", &voucher.leaf())
        .bytes("place", &voucher_key(&key(9).public()))
        .hold("voucher.txt");
    for (left, claimed) in [
        (0, vec![]),
        (1, vec![key(2).address(); 2]),
        (256, vec![key(2).address()]),
    ] {
        let wrong = Voucher {
            left,
            claimed,
            ..voucher.clone()
        };
        assert!(Voucher::from_bytes(&wrong.to_bytes()).is_err());
    }
}

fn claim() -> SignedTransaction {
    let name = "alice-1".parse().unwrap();
    transaction(Operation::ClaimName { name }).sign(&key(1))
}

fn header() -> Header {
    Header {
        version: VERSION,
        genesis: Hash([0x11; 32]),
        height: 42,
        parent: Hash([0x22; 32]),
        time_ms: 1_767_225_600_123,
        proposer: key(1).address(),
        transactions_root: transactions_root(&[transfer(), claim()]),
        state_root: Hash([0x33; 32]),
        next_validators: validators(4).1.hash(),
    }
}

#[test]
fn amounts_are_frozen() {
    let mut lines = Lines::default();
    for nits in [0, 1, 99_500_000_000, u64::MAX] {
        let amount = Amount::from_nits(nits);
        lines.value(&amount.to_string(), &amount);
    }
    lines.hold("amount.txt");
}

#[test]
fn keys_and_addresses_are_frozen() {
    let mut lines = Lines::default();
    for person in [1, 2] {
        let key = key(person);
        lines
            .bytes("seed", key.to_seed().as_slice())
            .value("key", &key.public())
            .value("address", &key.address())
            .text("text", key.address())
            .value("signature_of_abc", &key.sign(b"abc"));
    }
    for bytes in [[0; 32], [0xff; 32]] {
        lines.text(&hex(&bytes), Address(bytes));
    }
    lines.hold("address.txt");
}

#[test]
fn names_are_frozen() {
    let mut lines = Lines::default();
    for text in ["bob", "alice-1", "0123456789-0123456789-0123456789"] {
        lines.value(text, &text.parse::<Name>().unwrap());
    }
    lines.hold("name.txt");
}

#[test]
fn transactions_are_frozen_with_what_is_signed() {
    for (file, signed) in [("transfer.txt", transfer()), ("claim_name.txt", claim())] {
        assert!(signed.signature_is_good());
        Lines::default()
            .value("transaction", &signed.transaction)
            .bytes("sign_bytes", &signed.transaction.sign_bytes())
            .value("id", &signed.id())
            .value("signature", &signed.signature)
            .value("signed", &signed)
            .value("leaf", &transaction_leaf(&signed))
            .hold(file);
    }
}

#[test]
fn blocks_are_frozen() {
    let block = Block {
        header: header(),
        transactions: vec![transfer(), claim()],
    };
    let empty = Block {
        header: Header {
            transactions_root: transactions_root(&[]),
            ..header()
        },
        transactions: vec![],
    };
    Lines::default()
        .value("header", &block.header)
        .value("id", &block.id())
        .value("block", &block)
        .value("empty_block", &empty)
        .hold("block.txt");
}

#[test]
fn merkle_roots_and_paths_are_frozen() {
    let mut lines = Lines::default();
    for count in [0u8, 1, 2, 3, 5, 8] {
        let leaves: Vec<Hash> = (0..count).map(|i| merkle::leaf(&[i])).collect();
        lines.value(&format!("root_of_{count}"), &merkle::root(&leaves));
        if let Some(path) = merkle::path(&leaves, leaves.len() / 2) {
            lines.value(&format!("path_of_{}_in_{count}", leaves.len() / 2), &path);
        }
    }
    lines.hold("merkle.txt");
}

#[test]
fn sign_bytes_of_votes_are_frozen() {
    let (genesis, voter, block) = (Hash([0x11; 32]), key(1).address(), header().id());
    let mut lines = Lines::default();
    for (label, kind, block) in [
        ("prevote", VoteKind::Prevote, Some(&block)),
        ("prevote_nil", VoteKind::Prevote, None),
        ("precommit", VoteKind::Precommit, Some(&block)),
        ("precommit_nil", VoteKind::Precommit, None),
    ] {
        let bytes = vote_sign_bytes(&genesis, kind, 42, 3, &voter, block);
        lines
            .bytes(label, &bytes)
            .value("signature", &key(1).sign(&bytes));
    }
    lines.hold("vote.txt");
}

#[test]
fn certificates_are_frozen() {
    let (keys, set) = validators(4);
    let header = header();
    let certificate = certificate(&header, 3, &keys, &[0, 1, 3]);
    assert_eq!(certificate.verify(&header.genesis, &set), Ok(()));
    Lines::default()
        .value("certificate", &certificate)
        .hold("certificate.txt");
}

#[test]
fn validator_sets_are_frozen() {
    let unequal = [(1, 1), (2, 20), (3, 300)].map(|(person, power)| Validator {
        key: key(person).public(),
        power,
    });
    let unequal = ValidatorSet::new(unequal.to_vec()).unwrap();
    let mut lines = Lines::default();
    for set in [validators(1).1, validators(4).1, unequal] {
        lines.value("validators", &set).value("hash", &set.hash());
    }
    lines.hold("validators.txt");
}

#[test]
fn genesis_is_frozen() {
    let endow = |person, nits, name: Option<&str>| GenesisAccount {
        address: key(person).address(),
        balance: Amount::from_nits(nits),
        name: name.map(|name| name.parse().unwrap()),
    };
    let rules = Rules {
        fee: Amount::from_nits(2),
        min_balance: Amount::from_nits(10),
        ..Rules::default()
    };
    let genesis = Genesis {
        network: "natcoin-golden".to_owned(),
        time_ms: 1_767_225_600_000,
        rules: rules.clone(),
        accounts: vec![endow(1, 1_000, Some("alice")), endow(2, 500, None)],
        validators: validators(4).1,
    };
    let genesis = genesis.checked().unwrap();
    Lines::default()
        .value("rules", &rules)
        .bytes("genesis", &genesis.to_bytes())
        .value("hash", &genesis.hash())
        .hold("genesis.txt");
}

#[test]
fn hashes_are_framed_by_their_tags() {
    Lines::default()
        .value("empty", &Hash::of("natcoin/test/1", &[]))
        .value("parts", &Hash::of("natcoin/test/1", &[b"ab", b"c"]))
        .value("value", &Hash::of_value("natcoin/test/1", &0x0102u16))
        .hold("hash.txt");
    let joined = Hash::of("natcoin/test/1", &[b"abc"]);
    assert_eq!(joined, Hash::of("natcoin/test/1", &[b"ab", b"c"]));
    assert_ne!(joined, Hash::of("natcoin/test/2", &[b"abc"]));
    assert_eq!(unhex(&joined.to_string()).unwrap(), joined.as_bytes());
    assert_eq!(joined.to_string().to_uppercase().parse(), Ok(joined));
    for text in ["", "00", &"0".repeat(63), &"g".repeat(64), &"é".repeat(32)] {
        assert!(text.parse::<Hash>().is_err(), "{text}");
    }
}
