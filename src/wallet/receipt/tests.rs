//! A receipt proves what happened, and a file that differs from it in anything proves nothing.

use super::*;
use crate::chain::block::transaction_leaves;
use crate::chain::genesis::Genesis;
use crate::chain::ledger::{Ledger, Tip};
use crate::chain::merkle;
use crate::chain::testing::network::{
    assert_golden, certificate, claim, context, genesis, key, nits, pay, transaction, validator,
};
use crate::chain::transaction::Memo;
use crate::wallet::memo::{Letter, Note as Memos};

/// The receipt of the transaction at a place of a first block of these.
fn receipt(transactions: &[SignedTransaction], place: usize) -> Receipt {
    let genesis = genesis();
    let ledger = Ledger::from_genesis(&genesis);
    let context = context(1);
    let body = ledger.select(&context, transactions.to_vec()).unwrap();
    assert!(body.refused.is_empty(), "{:?}", body.refused);
    let header = ledger.header(&Tip::genesis(&genesis), &context, &body);
    let signers: Vec<_> = (0..3).map(validator).collect();
    let certificate = certificate(&header, &signers);
    let path = merkle::path(&transaction_leaves(transactions), place).unwrap();
    Receipt::new(TransactionAnswer {
        certified: Certified {
            header,
            certificate,
        },
        transaction: transactions[place].clone(),
        path,
    })
}

fn noted(memo: Memo) -> SignedTransaction {
    let to = key(2).address();
    let operation = Operation::Transfer {
        to,
        amount: nits(100),
        memo,
    };
    transaction(1, 0, operation).sign(&key(1))
}

fn with_memo() -> Receipt {
    let memo = Memo::new("za \"med\"\u{202e} č").unwrap();
    receipt(&[noted(memo), pay(3, 0, 20, 2), pay(2, 0, 30, 1)], 0)
}

fn trust() -> Trust {
    Trust::new(&genesis())
}

fn believed(file: &[u8], trust: &Trust) -> Result<Receipted, ReceiptError> {
    Receipt::read(file)?.verify(trust)
}

#[test]
fn a_receipt_proves_its_payment_to_whoever_has_the_bootstrap_file() {
    let receipt = with_memo();
    let file = receipt.write();
    assert!(file.len() < 4096, "{} bytes", file.len());
    let proven = believed(file.as_bytes(), &trust()).unwrap();
    assert_eq!(proven.record.value.transaction, receipt.0.transaction);
    assert_eq!(proven.record.at.height, 1);
    assert_eq!(proven.signers.len(), 3);
    assert_golden("receipt_v1.json", &file);
}

#[test]
fn what_is_written_for_people_follows_from_the_proof() {
    let json = |receipt: &Receipt| -> serde_json::Value {
        serde_json::from_str(&receipt.write()).unwrap()
    };
    let paid = json(&with_memo());
    assert_eq!(paid["kind"], "payment");
    assert_eq!(paid["from"], key(1).address().to_string());
    assert_eq!(paid["amount"], "0.00000100");
    // A memo is cleaned as everywhere.
    assert_eq!(paid["memo"]["public"], "za \"med\"\u{fffd} č");
    let named = json(&receipt(
        &[transaction(2, 0, claim("zoja")).sign(&key(2))],
        0,
    ));
    assert_eq!(named["kind"], "name");
    assert_eq!(named["name"], "zoja");
    assert_eq!(
        json(&receipt(&[pay(1, 0, 50, 2)], 0))["memo"],
        "none",
        "no memo is no empty one"
    );
}

#[test]
fn a_private_memo_stays_private() {
    let letter = Letter::new("samo zate", None).unwrap();
    let plain = transaction(1, 0, to_second(Memo::default()));
    let sealed = Memos::Private(letter)
        .written_into(plain, &key(1))
        .unwrap()
        .sign(&key(1));
    let file = receipt(&[sealed], 0).write();
    assert!(file.contains("\"memo\": \"private\"") && !file.contains("samo"));
    assert!(believed(file.as_bytes(), &trust()).is_ok());
}

fn to_second(memo: Memo) -> Operation {
    noted(memo).transaction.operation
}

#[test]
fn a_file_with_any_byte_changed_added_or_missing_proves_nothing() {
    let file = with_memo().write().into_bytes();
    let trust = trust();
    assert!(believed(&file, &trust).is_ok());
    let mut tried = 0u32;
    let mut refuse = |wrong: &[u8], what: &str, at: usize| {
        tried += 1;
        assert!(believed(wrong, &trust).is_err(), "{what} at byte {at}");
    };
    for at in 0..file.len() {
        let mut wrong = file.clone();
        let original = wrong[at];
        let others = (0..8).map(|bit| original ^ (1 << bit));
        let others = others.chain([b' ', b'0', b'f', b'"', b'\\', 0, 0xff, original ^ 0xff]);
        for other in others.filter(|other| *other != original) {
            wrong[at] = other;
            refuse(&wrong, "a changed byte", at);
        }
        let mut shorter = file.clone();
        shorter.remove(at);
        refuse(&shorter, "a missing byte", at);
        for byte in [b' ', b'0', b'\n', original] {
            let mut longer = file.clone();
            longer.insert(at, byte);
            refuse(&longer, "an added byte", at);
        }
        refuse(&file[..at], "the end missing", at);
    }
    let longer = [&file[..], b"\n"].concat();
    refuse(&longer, "a line more", file.len());
    assert!(tried > 30_000, "{tried}");
}

#[test]
fn a_forger_who_writes_the_whole_file_anew_proves_nothing() {
    let honest = with_memo();
    // Another payment in the place of the one that is in the block.
    let mut forged = honest.clone();
    let Operation::Transfer { amount, .. } = &mut forged.0.transaction.transaction.operation else {
        panic!("a payment")
    };
    *amount = nits(1_000);
    let refused = believed(forged.write().as_bytes(), &trust()).unwrap_err();
    assert!(
        matches!(
            refused,
            ReceiptError::Unproven(AnswerError::NotInBlock { height: 1 })
        ),
        "{refused}"
    );
    // Too few signers, and one of them twice.
    let mut forged = honest.clone();
    forged.0.certified.certificate.signatures.pop();
    let refused = believed(forged.write().as_bytes(), &trust()).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the receipt proves nothing: the certificate of height 1 has 2 of 4 votes: more than two thirds are needed; believe nothing in it"
    );
    let first = honest.0.certified.certificate.signatures[0];
    forged.0.certified.certificate.signatures.insert(0, first);
    assert!(believed(forged.write().as_bytes(), &trust()).is_err());
}

#[test]
fn a_receipt_of_another_network_a_later_version_or_no_receipt_says_what_to_do() {
    let file = with_memo().write();
    let other = Genesis {
        network: "elsewhere".to_owned(),
        ..genesis()
    };
    let refused = believed(file.as_bytes(), &Trust::new(&other)).unwrap_err();
    assert!(
        refused
            .to_string()
            .ends_with("name the file of the receipt's network with --bootstrap"),
        "{refused}"
    );
    let later = file.replacen("\"natcoin_receipt\": 1", "\"natcoin_receipt\": 2", 1);
    assert_eq!(
        Receipt::read(later.as_bytes()),
        Err(ReceiptError::Version(2))
    );
    let refused = Receipt::read(&vec![b' '; MAX_RECEIPT_BYTES + 1]);
    assert!(matches!(refused, Err(ReceiptError::TooLarge { .. })));
    for text in ["", "{}", "null", "{\"natcoin_receipt\":1}", "[[[["] {
        let refused = Receipt::read(text.as_bytes());
        assert!(
            matches!(refused, Err(ReceiptError::NotAReceipt(_))),
            "{text}"
        );
    }
    let changed = file.replacen("0.00000100", "0.00000999", 1);
    let line = 1 + file
        .lines()
        .position(|line| line.contains("0.00000100"))
        .unwrap();
    let refused = Receipt::read(changed.as_bytes()).unwrap_err();
    assert_eq!(refused, ReceiptError::Changed { line });
}
