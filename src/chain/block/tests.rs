//! What a block's identity and bounds cover.

use super::*;
use crate::chain::testing::network::key;
use crate::chain::testing::*;
use crate::chain::transaction::{MAX_MEMO_BYTES, Memo, Operation, Transaction};
use crate::chain::{amount::Amount, key::Signature};
use proptest::prelude::*;
use std::collections::BTreeSet;

fn largest_transaction() -> SignedTransaction {
    let key = key(1);
    SignedTransaction {
        transaction: Transaction {
            genesis: Hash::ZERO,
            sender: key.address(),
            key: key.public(),
            nonce: 0,
            valid_until: 1,
            fee: Amount::ZERO,
            operation: Operation::Transfer {
                to: key.address(),
                amount: Amount::ZERO,
                memo: Memo::new(vec![b'm'; MAX_MEMO_BYTES]).unwrap(),
            },
        },
        signature: Signature([0; 64]),
    }
}

fn header() -> Header {
    Header {
        version: VERSION,
        genesis: Hash([1; 32]),
        height: 5,
        parent: Hash([2; 32]),
        time_ms: 6,
        proposer: Address([3; 32]),
        transactions_root: Hash([4; 32]),
        state_root: Hash([5; 32]),
        next_validators: Hash([6; 32]),
    }
}

#[test]
fn the_identity_covers_every_field_of_the_header() {
    let mut headers = vec![header(); 10];
    headers[1].version += 1;
    headers[2].genesis = Hash::ZERO;
    headers[3].height += 1;
    headers[4].parent = Hash::ZERO;
    headers[5].time_ms += 1;
    headers[6].proposer = Address([0; 32]);
    headers[7].transactions_root = Hash::ZERO;
    headers[8].state_root = Hash::ZERO;
    headers[9].next_validators = Hash::ZERO;
    let ids: BTreeSet<BlockId> = headers.iter().map(Header::id).collect();
    assert_eq!(ids.len(), headers.len());
}

#[test]
fn a_block_above_its_most_bytes_is_refused() {
    let transaction = largest_transaction();
    let around = header().to_bytes().len() + 4;
    let count = (MAX_BLOCK_BYTES - around) / transaction.to_bytes().len() + 1;
    let mut block = Block {
        header: header(),
        transactions: vec![transaction; count],
    };
    assert!(matches!(
        Block::from_bytes(&block.to_bytes()),
        Err(DecodeError::TooLong {
            what: "block",
            limit: MAX_BLOCK_BYTES,
            ..
        })
    ));
    block.transactions.pop();
    assert!(Block::from_bytes(&block.to_bytes()) == Ok(block));
}

#[test]
fn a_block_counts_only_its_own_bytes_and_not_what_stands_behind_it() {
    let transaction = largest_transaction();
    let count = MAX_BLOCK_BYTES * 2 / 3 / transaction.to_bytes().len();
    let block = Block {
        header: header(),
        transactions: vec![transaction; count],
    };
    let mut bytes = Vec::new();
    put_sequence(&mut bytes, &[block.clone(), block.clone()]);
    let blocks: Vec<Block> = Reader::new(&bytes).sequence("blocks", 2).unwrap();
    assert!(blocks == [block.clone(), block]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn the_root_commits_to_the_transactions_their_order_and_signatures(block in any_block()) {
        prop_assert_eq!(block.header.transactions_root, merkle::root(&block.leaves()));
        let mut turned = block.transactions.clone();
        turned.reverse();
        prop_assert_eq!(
            transactions_root(&turned) == block.header.transactions_root,
            turned == block.transactions
        );
        if let Some(first) = turned.first_mut() {
            first.signature.0[0] ^= 1;
            prop_assert_ne!(transactions_root(&turned), block.header.transactions_root);
        }
    }
}
