//! The mempool against its promises.

use super::*;
use crate::chain::amount::Amount;
use crate::chain::hash::Hash;
use crate::chain::key::{SecretKey, Signature};
use crate::chain::transaction::{Memo, Operation, Transaction};
use proptest::prelude::*;

impl Mempool {
    fn put(
        &mut self,
        transaction: SignedTransaction,
        next_nonce: impl Fn(&Address) -> u64,
    ) -> Result<TransactionId, Refusal> {
        let id = transaction.id();
        self.insert(id, transaction, next_nonce).map(|()| id)
    }
}

fn transaction(sender: u8, nonce: u64, valid_until: u64, amount: u64) -> SignedTransaction {
    let key = SecretKey::from_seed(&[sender; 32]).public();
    SignedTransaction {
        transaction: Transaction {
            genesis: Hash::ZERO,
            sender: key.address(),
            key,
            nonce,
            valid_until,
            fee: Amount::ZERO,
            operation: Operation::Transfer {
                to: Address([9; 32]),
                amount: Amount::from_nits(amount),
                memo: Memo::default(),
            },
        },
        signature: Signature([0; 64]),
    }
}

fn nonces(chosen: &[SignedTransaction]) -> Vec<u64> {
    chosen.iter().map(|one| one.transaction.nonce).collect()
}

#[test]
fn what_came_first_is_proposed_first_but_nonces_keep_their_order() {
    let mut pool = Mempool::default();
    for (sender, nonce) in [(1, 1), (2, 0), (1, 0), (1, 3)] {
        pool.put(transaction(sender, nonce, 9, 1), |_| 0).unwrap();
    }
    let chosen = pool.candidates(10, |_| 0);
    let senders: Vec<bool> = chosen
        .iter()
        .map(|one| one.transaction.sender == transaction(1, 0, 0, 0).transaction.sender)
        .collect();
    assert_eq!(nonces(&chosen), [0, 0, 1]);
    assert_eq!(senders, [false, true, true]);
    assert_eq!(nonces(&pool.candidates(1, |_| 0)), [0]);
}

#[test]
fn the_same_again_and_another_with_the_same_nonce_are_refused() {
    let mut pool = Mempool::default();
    let first = transaction(1, 0, 9, 1);
    let id = pool.put(first.clone(), |_| 0).unwrap();
    assert_eq!(pool.put(first, |_| 0), Err(Refusal::Known));
    assert_eq!(
        pool.put(transaction(1, 0, 9, 2), |_| 0),
        Err(Refusal::NonceTaken { other: id })
    );
    assert_eq!(pool.len(), 1);
}

#[test]
fn one_sender_cannot_fill_the_pool() {
    let mut pool = Mempool::default();
    for nonce in 0..MAX_WAITING_PER_SENDER as u64 {
        pool.put(transaction(1, nonce, 9, 1), |_| 0).unwrap();
    }
    assert_eq!(
        pool.put(transaction(1, 64, 9, 1), |_| 0),
        Err(Refusal::SenderFull)
    );
    pool.put(transaction(2, 0, 9, 1), |_| 0).unwrap();
}

#[test]
fn those_that_wait_for_a_nonce_do_not_keep_it_out() {
    let mut pool = Mempool::default();
    let most = MAX_WAITING_PER_SENDER as u64;
    for nonce in 1..=most {
        pool.put(transaction(1, nonce, 9, 1), |_| 0).unwrap();
    }
    assert_eq!(pool.candidates(100, |_| 0), []);
    pool.put(transaction(1, 0, 9, 1), |_| 0).unwrap();
    let all: Vec<u64> = (0..most).collect();
    assert_eq!(nonces(&pool.candidates(100, |_| 0)), all);
    assert_eq!(pool.len(), MAX_WAITING_PER_SENDER);
    // The last of them has made room, and is told to come again.
    let again = pool.put(transaction(1, most, 9, 1), |_| 0);
    assert_eq!(again, Err(Refusal::SenderFull));
}

fn numbered(sender: u32, nonce: u64) -> SignedTransaction {
    let mut one = transaction(1, nonce, 9, 1);
    one.transaction.sender.0[..4].copy_from_slice(&sender.to_le_bytes());
    one
}

#[test]
fn a_pool_full_of_what_waits_for_a_missing_nonce_makes_room_for_what_can_go_on() {
    let mut pool = Mempool::default();
    let per_sender = MAX_WAITING_PER_SENDER as u64;
    let senders = (MAX_WAITING / MAX_WAITING_PER_SENDER) as u32 + 1;
    // Each needs one small account, and its first payment never comes.
    let mut full = false;
    for (sender, nonce) in
        (0..senders).flat_map(|sender| (1..=per_sender).map(move |n| (sender, n)))
    {
        full |= pool.put(numbered(sender, nonce), |_| 0) == Err(Refusal::Full);
    }
    assert!(full && pool.candidates(1, |_| 0).is_empty());
    let early = numbered(u32::MAX, 1);
    assert_eq!(
        pool.put(early, |_| 0),
        Err(Refusal::Full),
        "as early as they"
    );
    pool.put(numbered(u32::MAX, 0), |_| 0).unwrap();
    assert_eq!(pool.candidates(10, |_| 0).len(), 1);
}

#[test]
fn a_pool_full_of_what_can_go_on_stays_as_it_is() {
    let mut pool = Mempool::default();
    for sender in 0..MAX_WAITING as u32 {
        pool.put(numbered(sender, 0), |_| 0).unwrap();
    }
    assert!(!pool.is_shut(), "nobody has searched it");
    for _ in 0..3 {
        assert_eq!(pool.put(numbered(u32::MAX, 0), |_| 0), Err(Refusal::Full));
    }
    assert_eq!(pool.candidates(MAX_WAITING, |_| 0).len(), MAX_WAITING);
    assert!(pool.is_shut());
    pool.remove(&numbered(7, 0).id());
    assert!(!pool.is_shut());
}

#[test]
fn what_cannot_become_final_any_more_leaves() {
    let mut pool = Mempool::default();
    for (nonce, valid_until) in [(0, 5), (1, 9), (2, 5)] {
        pool.put(transaction(1, nonce, valid_until, 1), |_| 0)
            .unwrap();
    }
    assert_eq!(pool.remove_expired(4).len(), 0);
    assert_eq!(nonces(&pool.remove_expired(5)), [0, 2]);
    let sender = transaction(1, 0, 0, 0).transaction.sender;
    assert_eq!(pool.remove_used(&sender, 1).len(), 0);
    assert_eq!(pool.remove_used(&sender, 2).len(), 1);
    assert!(pool.is_empty());
    assert_eq!(pool.size_bytes(), 0);
}

proptest! {
    #[test]
    fn the_books_agree_after_any_course(steps in prop::collection::vec((0u8..4, 0u64..8, 0u64..8, 0u8..6), 0..80)) {
        let mut pool = Mempool::default();
        for (sender, nonce, number, what) in steps {
            match what {
                0 => { pool.remove_expired(number); }
                1 => { pool.remove_used(&transaction(sender, 0, 0, 0).transaction.sender, nonce); }
                2 => { pool.remove(&transaction(sender, nonce, number, 1).id()); }
                _ => { let _ = pool.put(transaction(sender, nonce, number, 1), |_| 0); }
            }
            let queued: usize = pool.senders.values().map(BTreeMap::len).sum();
            let bytes: usize = pool.senders.values().flat_map(BTreeMap::values).map(|one| one.size_bytes).sum();
            prop_assert_eq!(queued, pool.len());
            prop_assert_eq!(queued, pool.ids.len());
            prop_assert_eq!(queued, pool.expiries.len());
            prop_assert_eq!(bytes, pool.size_bytes());
            for id in pool.ids.keys() { prop_assert_eq!(pool.get(id).unwrap().id(), *id); }
            prop_assert_eq!(pool.oldest(100).count(), queued);
        }
    }
}

/// A claim of a voucher by somebody without an account.
fn claim(sender: u8, voucher: u8, nonce: u64) -> SignedTransaction {
    let mut one = transaction(sender, nonce, 9, 1);
    one.transaction.operation = Operation::ClaimVoucher {
        voucher: crate::chain::key::PublicKey([voucher; 32]),
        opener: Address([9; 32]),
        opening: Hash::ZERO,
        share: Amount::from_nits(1),
        proof: Signature([0; 64]),
    };
    one
}

#[test]
fn the_claims_of_a_voucher_are_counted_and_go_together() {
    let mut pool = Mempool::default();
    let [one, two] = [1, 2].map(|byte| crate::chain::key::PublicKey([byte; 32]));
    let first = pool.put(claim(1, 1, 0), |_| 0).unwrap();
    for (sender, voucher) in [(2, 1), (3, 1), (4, 2)] {
        pool.put(claim(sender, voucher, 0), |_| 0).unwrap();
    }
    pool.put(transaction(5, 0, 9, 1), |_| 0).unwrap();
    assert_eq!((pool.claims_of(&one), pool.claims_of(&two)), (3, 1));
    pool.remove(&first);
    assert_eq!(pool.claims_of(&one), 2);
    pool.remove_claims(&one);
    assert_eq!((pool.claims_of(&one), pool.len()), (0, 2));
    pool.remove_expired(9);
    assert_eq!(
        (pool.claims_of(&two), pool.len(), pool.size_bytes()),
        (0, 0, 0)
    );
    assert!(pool.claims.is_empty());
}
