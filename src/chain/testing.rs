//! What tests are made of: signed certificates, and strategies for every type of the law.
//!
//! Only for tests, of this room and of those above. A strategy makes only values that their types
//! promise (ordered, bounded, canonical); signatures are good only where the name says so.

pub(crate) mod damage;
pub(crate) mod network;

use std::collections::BTreeMap;

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;

use super::account::Account;
use super::amount::Amount;
use super::block::{Block, Header, VERSION, transactions_root};
use super::certificate::{Certificate, CertificateSignature, VoteKind, vote_sign_bytes};
use super::genesis::{Genesis, GenesisAccount, Rules};
use super::hash::Hash;
use super::key::{Address, PublicKey, SecretKey, Signature};
use super::merkle::{MAX_PATH, Path};
use super::name::Name;
use super::transaction::{MAX_MEMO_BYTES, Memo, Operation, SignedTransaction, Transaction};
use super::validator::{MAX_POWER, Validator, ValidatorSet};
use super::voucher::{ClaimWords, MAX_CLAIMS};
use network::key;

/// `count` validators of one vote each, and their keys in the order of their places.
pub fn validators(count: u8) -> (Vec<SecretKey>, ValidatorSet) {
    let mut keys: Vec<SecretKey> = (1..=count).map(key).collect();
    keys.sort_by_key(SecretKey::public);
    let one_vote = |key: &SecretKey| Validator {
        key: key.public(),
        power: 1,
    };
    let set = ValidatorSet::new(keys.iter().map(one_vote).collect()).unwrap();
    (keys, set)
}

/// The certificate of a block that the validators at these places have signed.
pub fn certificate(
    header: &Header,
    round: u32,
    keys: &[SecretKey],
    places: &[usize],
) -> Certificate {
    let (block, height) = (header.id(), header.height);
    let signatures = places.iter().map(|&place| {
        let key = &keys[place];
        let bytes = vote_sign_bytes(
            &header.genesis,
            VoteKind::Precommit,
            height,
            round,
            &key.address(),
            Some(&block),
        );
        CertificateSignature {
            validator: u16::try_from(place).unwrap(),
            signature: key.sign(&bytes),
        }
    });
    Certificate {
        height,
        round,
        block,
        signatures: signatures.collect(),
    }
}

/// Any hash.
pub fn any_hash() -> impl Strategy<Value = Hash> {
    any::<[u8; 32]>().prop_map(Hash)
}

/// Any amount.
pub fn any_amount() -> impl Strategy<Value = Amount> {
    any::<u64>().prop_map(Amount::from_nits)
}

/// Any 32 bytes as an address.
pub fn any_address() -> impl Strategy<Value = Address> {
    any::<[u8; 32]>().prop_map(Address)
}

/// Any 32 bytes as a key.
pub fn any_public_key() -> impl Strategy<Value = PublicKey> {
    any::<[u8; 32]>().prop_map(PublicKey)
}

/// Any 64 bytes as a signature.
pub fn any_signature() -> impl Strategy<Value = Signature> {
    (any::<[u8; 32]>(), any::<[u8; 32]>())
        .prop_map(|(r, s)| Signature([r, s].concat().try_into().unwrap()))
}

/// A key with its secret half.
pub fn any_secret_key() -> impl Strategy<Value = SecretKey> {
    any::<[u8; 32]>().prop_map(|seed| SecretKey::from_seed(&seed))
}

/// Any name.
pub fn any_name() -> impl Strategy<Value = Name> {
    "[a-z0-9][a-z0-9-]{1,30}[a-z0-9]".prop_map(|text| text.parse().unwrap())
}

/// Any memo.
pub fn any_memo() -> impl Strategy<Value = Memo> {
    vec(any::<u8>(), 0..=MAX_MEMO_BYTES).prop_map(|bytes| Memo::new(bytes).unwrap())
}

/// Any operation.
pub fn any_operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        (any_address(), any_amount(), any_memo())
            .prop_map(|(to, amount, memo)| Operation::Transfer { to, amount, memo }),
        any_name().prop_map(|name| Operation::ClaimName { name }),
        (
            any_public_key(),
            any_amount(),
            1..=MAX_CLAIMS,
            any::<u64>(),
            any_memo()
        )
            .prop_map(|(voucher, share, count, until_ms, memo)| {
                Operation::OpenVoucher {
                    voucher,
                    share,
                    count,
                    until_ms,
                    memo,
                }
            }),
        (
            any_public_key(),
            any_address(),
            any_hash(),
            any_amount(),
            any_signature()
        )
            .prop_map(|(voucher, opener, opening, share, proof)| {
                Operation::ClaimVoucher {
                    voucher,
                    opener,
                    opening,
                    share,
                    proof,
                }
            }),
        (any_public_key(), any_amount())
            .prop_map(|(voucher, amount)| Operation::ReclaimVoucher { voucher, amount }),
    ]
}

/// Any transaction.
pub fn any_transaction() -> impl Strategy<Value = Transaction> {
    (
        any_hash(),
        any_address(),
        any_public_key(),
        any::<[u64; 2]>(),
        any_amount(),
        any_operation(),
    )
        .prop_map(
            |(genesis, sender, key, [nonce, valid_until], fee, operation)| Transaction {
                genesis,
                sender,
                key,
                nonce,
                valid_until,
                fee,
                operation,
            },
        )
}

/// Any transaction with any signature, hardly ever a good one.
pub fn any_signed_transaction() -> impl Strategy<Value = SignedTransaction> {
    (any_transaction(), any_signature()).prop_map(|(transaction, signature)| SignedTransaction {
        transaction,
        signature,
    })
}

/// A transaction that its sender has signed.
pub fn any_well_signed_transaction() -> impl Strategy<Value = SignedTransaction> {
    (any_transaction(), any_secret_key()).prop_map(|(transaction, key)| {
        let mut transaction = Transaction {
            sender: key.address(),
            key: key.public(),
            ..transaction
        };
        let (genesis, claimer) = (transaction.genesis, transaction.sender);
        if let Operation::ClaimVoucher {
            voucher,
            opening,
            proof,
            ..
        } = &mut transaction.operation
        {
            let secret = SecretKey::from_seed(&voucher.0);
            *voucher = secret.public();
            let words = ClaimWords {
                genesis,
                voucher: *voucher,
                opening: *opening,
                claimer,
            };
            *proof = words.sign(&secret);
        }
        transaction.sign(&key)
    })
}

/// Any header.
pub fn any_header() -> impl Strategy<Value = Header> {
    (any::<[u64; 2]>(), any_address(), any::<[[u8; 32]; 5]>()).prop_map(
        |([height, time_ms], proposer, hashes)| {
            let [
                genesis,
                parent,
                transactions_root,
                state_root,
                next_validators,
            ] = hashes.map(Hash);
            Header {
                version: VERSION,
                genesis,
                height,
                parent,
                time_ms,
                proposer,
                transactions_root,
                state_root,
                next_validators,
            }
        },
    )
}

/// Any block of up to three transactions, their root in its header.
pub fn any_block() -> impl Strategy<Value = Block> {
    (any_header(), vec(any_signed_transaction(), 0..=3)).prop_map(|(header, transactions)| Block {
        header: Header {
            transactions_root: transactions_root(&transactions),
            ..header
        },
        transactions,
    })
}

/// Any set of up to eight validators.
pub fn any_validator_set() -> impl Strategy<Value = ValidatorSet> {
    btree_map(any_public_key(), 1..=MAX_POWER, 1..=8).prop_map(|powers| {
        let validators = powers.into_iter();
        let validators = validators.map(|(key, power)| Validator { key, power });
        ValidatorSet::new(validators.collect()).unwrap()
    })
}

/// Any certificate's form, hardly ever a good one.
pub fn any_certificate() -> impl Strategy<Value = Certificate> {
    (
        any::<u64>(),
        any::<u32>(),
        any_hash(),
        btree_map(any::<u16>(), any_signature(), 0..=8),
    )
        .prop_map(|(height, round, block, signatures)| Certificate {
            height,
            round,
            block,
            signatures: signatures
                .into_iter()
                .map(|(validator, signature)| CertificateSignature {
                    validator,
                    signature,
                })
                .collect(),
        })
}

/// Any Merkle path's form.
pub fn any_path() -> impl Strategy<Value = Path> {
    (any::<[u32; 2]>(), vec(any_hash(), 0..=MAX_PATH)).prop_map(|([index, count], siblings)| Path {
        index,
        count,
        siblings,
    })
}

/// Any account as the state holds it.
pub fn any_account() -> impl Strategy<Value = Account> {
    (
        any_amount(),
        any::<[u64; 2]>(),
        any_public_key(),
        any_hash(),
        option::of(any_name()),
    )
        .prop_map(|(balance, [nonce, activities], key, head, name)| Account {
            balance,
            nonce,
            key,
            activities,
            head,
            name,
        })
}

/// Any sound rules.
pub fn any_rules() -> impl Strategy<Value = Rules> {
    (
        any::<[u32; 2]>(),
        16_384u32..=1 << 20,
        1u32..=8192,
        10u64..=1_000_000,
        1_000u32..=600_000,
    )
        .prop_map(
            |(
                [fee, min_balance],
                max_block_bytes,
                max_block_transactions,
                max_validity,
                heartbeat_ms,
            )| Rules {
                fee: Amount::from_nits(fee.into()),
                min_balance: Amount::from_nits(min_balance.into()),
                max_block_bytes,
                max_block_transactions,
                max_validity,
                heartbeat_ms,
            },
        )
}

/// Any sound genesis of up to six accounts.
pub fn any_genesis() -> impl Strategy<Value = Genesis> {
    (
        "[a-z0-9-]{1,32}",
        any::<u64>(),
        any_rules(),
        btree_map(any_address(), (any::<u32>(), option::of(any_name())), 0..=6),
        any_validator_set(),
    )
        .prop_map(|(network, time_ms, rules, accounts, validators)| {
            let mut owners = BTreeMap::new();
            let accounts = accounts.into_iter().map(|(address, (above, name))| {
                let above = Amount::from_nits(above.into());
                let is_free =
                    |name: &Name| *owners.entry(name.clone()).or_insert(address) == address;
                GenesisAccount {
                    address,
                    balance: rules.min_balance.checked_add(above).unwrap(),
                    name: name.filter(is_free),
                }
            });
            let genesis = Genesis {
                network,
                time_ms,
                accounts: accounts.collect(),
                rules,
                validators,
            };
            genesis.checked().unwrap()
        })
}
