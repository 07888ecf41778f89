//! What a transaction's identity and signature cover, and how memos are shown.

use super::*;
use crate::chain::testing::network::key;
use crate::chain::testing::*;
use proptest::prelude::*;
use std::collections::BTreeSet;

fn transfer() -> Transaction {
    let payer = key(1);
    Transaction {
        genesis: Hash([7; 32]),
        sender: payer.address(),
        key: payer.public(),
        nonce: 3,
        valid_until: 100,
        fee: Amount::from_nits(10),
        operation: Operation::Transfer {
            to: key(2).address(),
            amount: Amount::from_nits(500),
            memo: Memo::new(*b"hi").unwrap(),
        },
    }
}

/// The transfer, and one for each field that differs in it alone.
fn variants() -> Vec<Transaction> {
    let other = key(3);
    let mut all = vec![transfer(); 7];
    all[1].genesis = Hash::ZERO;
    all[2].sender = other.address();
    all[3].key = other.public();
    all[4].nonce += 1;
    all[5].valid_until += 1;
    all[6].fee = Amount::ZERO;
    let (to, amount, memo) = (other.address(), Amount::from_nits(500), Memo::default());
    let (payee, hi) = (key(2).address(), Memo::new(*b"hi").unwrap());
    let operations = [
        Operation::Transfer {
            to,
            amount,
            memo: hi.clone(),
        },
        Operation::Transfer {
            to: payee,
            amount: Amount::from_nits(501),
            memo: hi,
        },
        Operation::Transfer {
            to: payee,
            amount,
            memo,
        },
        Operation::ClaimName {
            name: "alice".parse().unwrap(),
        },
        Operation::ClaimName {
            name: "alicf".parse().unwrap(),
        },
    ];
    all.extend(operations.map(|operation| Transaction {
        operation,
        ..transfer()
    }));
    all
}

#[test]
fn identity_and_sign_bytes_cover_every_field() {
    let ids: BTreeSet<TransactionId> = variants().iter().map(Transaction::id).collect();
    assert_eq!(ids.len(), variants().len());
    let bytes: BTreeSet<Vec<u8>> = variants().iter().map(Transaction::sign_bytes).collect();
    assert_eq!(bytes.len(), variants().len());
}

#[test]
fn a_signature_is_good_for_its_own_transaction_alone() {
    let payer = key(1);
    let signed = transfer().sign(&payer);
    assert!(signed.signature_is_good());
    for transaction in variants().into_iter().skip(1) {
        let moved = SignedTransaction {
            transaction,
            signature: signed.signature,
        };
        assert!(!moved.signature_is_good(), "{moved:?}");
    }
    assert!(!transfer().sign(&key(2)).signature_is_good());
}

#[test]
fn the_signature_is_no_part_of_the_identity() {
    let signed = transfer().sign(&key(1));
    let mut other = signed.clone();
    other.signature.0[0] ^= 1;
    assert_eq!(signed.id(), other.id());
}

#[test]
fn the_largest_transaction_keeps_the_bound_for_receivers() {
    let mut transaction = transfer();
    transaction.operation = Operation::Transfer {
        to: key(2).address(),
        amount: Amount::MAX,
        memo: Memo::new(vec![0; MAX_MEMO_BYTES]).unwrap(),
    };
    let length = transaction.sign(&key(1)).to_bytes().len();
    assert_eq!(length, 485);
    let mut transaction = transfer();
    transaction.operation = Operation::OpenVoucher {
        voucher: key(2).public(),
        share: Amount::MAX,
        count: MAX_CLAIMS,
        until_ms: u64::MAX,
        memo: Memo::new(vec![0; MAX_MEMO_BYTES]).unwrap(),
    };
    let longest = transaction.sign(&key(1)).to_bytes().len();
    assert_eq!(longest, 495);
    assert!(length.max(longest) <= MAX_TRANSACTION_BYTES);
}

#[test]
fn the_cost_is_amount_and_fee_unless_that_cannot_be_written() {
    assert_eq!(transfer().cost(), Some(Amount::from_nits(510)));
    let too_much = Transaction {
        fee: Amount::MAX,
        ..transfer()
    };
    assert_eq!(too_much.cost(), None);
    let claim = variants().pop().unwrap();
    assert_eq!(claim.cost(), Some(Amount::from_nits(10)));
    assert_eq!(claim.payee(), None);
    assert_eq!(transfer().payee(), Some(key(2).address()));
}

#[test]
fn a_memo_has_at_most_256_bytes() {
    assert_eq!(
        Memo::new(vec![0; 256]).map(|memo| memo.as_bytes().len()),
        Ok(256)
    );
    assert_eq!(
        Memo::new(vec![0; 257]).unwrap_err().to_string(),
        "the memo has 257 bytes: at most 256 are allowed; shorten it"
    );
}

#[test]
fn a_memo_is_shown_without_what_harms_the_reader() {
    let shown = |text: &str| Memo::new(text).unwrap().to_text();
    assert_eq!(shown("grüße, 明日 🎉"), "grüße, 明日 🎉");
    assert_eq!(shown("a\x1b[31mb\r\nc\u{9b}d"), "a�[31mb��c�d");
    assert_eq!(shown("pay \u{202e}001\u{2069}\u{2028}"), "pay �001��");
    assert_eq!(Memo::new([0xff, b'a']).unwrap().to_text(), "�a");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn what_is_well_signed_is_good_singly_and_in_a_claim(signed in any_well_signed_transaction()) {
        prop_assert!(signed.signature_is_good());
        prop_assert_eq!(signed.size_bytes(), signed.to_bytes().len());
        let bytes = signed.transaction.sign_bytes();
        let claim = signed.claim(&bytes);
        prop_assert!(claim.key.verify(claim.message, &claim.signature));
    }

    #[test]
    fn a_turned_bit_anywhere_spoils_the_signature(signed in any_well_signed_transaction(), at: prop::sample::Index, bit in 0u32..8) {
        let mut bytes = signed.to_bytes();
        let at = at.index(bytes.len());
        bytes[at] ^= 1u8 << bit;
        if let Ok(turned) = SignedTransaction::from_bytes(&bytes) {
            prop_assert!(!turned.signature_is_good());
        }
    }

    #[test]
    fn no_memo_keeps_a_control_character(memo in any_memo()) {
        prop_assert!(!memo.to_text().chars().any(char::is_control));
    }
}
