//! Requests, notices, receipts and thanks: who can make and read them, which rule refuses what, and the bytes, frozen.

use super::message::{
    Delivery, MAX_MESSAGE_BYTES, Message, Notice, Receipt, Reply, Subject, Thanks, Word,
};
use super::refusal::{LAST_RULE, Refusal};
use super::request::{LineError, MAX_LIFE_MS, Request, Wish};
use super::testing::{NOW_MS, WEEK_MS, notice, request, wish};
use crate::chain::amount::Amount;
use crate::chain::codec::{Decode, Encode};
use crate::chain::hash::{Hash, hex};
use crate::chain::key::Address;
use crate::chain::testing::any_signed_transaction;
use crate::chain::testing::network::{
    address, assert_golden, claim, genesis_hash, key, nits, pay, transaction, transfer,
};
use crate::chain::transaction::{MAX_MEMO_BYTES, Memo, Operation};
use crate::wallet::memo::{MAX_TEXT_BESIDE_REFERENCE_BYTES, Reading};
use proptest::prelude::*;

fn subject() -> Subject {
    Subject::of(&pay(1, 0, 100, 2).transaction).unwrap()
}

fn examined(request: &Request) -> Result<(), Refusal> {
    request.examine(&genesis_hash(), &address(1), NOW_MS)
}

fn rule(result: Result<(), Refusal>) -> u8 {
    result.map_or_else(|refusal| refusal.number(), |()| 0)
}

fn changed(change: impl FnOnce(&mut Wish)) -> u8 {
    let mut wish = wish(2, Some(1), 100);
    change(&mut wish);
    rule(examined(&wish.sign(&key(2))))
}

#[test]
fn each_rule_of_a_request_refuses_what_breaks_it() {
    assert_eq!(changed(|_| {}), 0);
    assert_eq!(changed(|wish| wish.to = None), 0);
    assert_eq!(changed(|wish| wish.network = Hash([1; 32])), 1);
    assert_eq!(changed(|wish| wish.to = Some(address(3))), 2);
    let own = wish(1, None, 100).sign(&key(1));
    assert_eq!(rule(examined(&own)), 3);
    assert_eq!(changed(|wish| wish.amount = Amount::ZERO), 4);
    assert_eq!(changed(|wish| wish.expires_at_ms = NOW_MS), 5);
    assert_eq!(changed(|wish| wish.expires_at_ms = NOW_MS - 1), 5);
    let longest = |more| move |wish: &mut Wish| wish.expires_at_ms = NOW_MS + MAX_LIFE_MS + more;
    assert_eq!(changed(longest(0)), 0);
    assert_eq!(changed(longest(1)), 5);
    let ahead = |ms| {
        move |wish: &mut Wish| {
            wish.issued_at_ms = NOW_MS + ms;
            wish.expires_at_ms = NOW_MS + WEEK_MS;
        }
    };
    assert_eq!(changed(ahead(120_000)), 0);
    assert_eq!(changed(ahead(120_001)), 6);
    let over = |wish: &mut Wish| {
        wish.issued_at_ms = NOW_MS - 10;
        wish.expires_at_ms = NOW_MS;
    };
    assert_eq!(changed(over), 7);
    let text = |bytes: Vec<u8>| move |wish: &mut Wish| wish.text = Memo::new(bytes).unwrap();
    assert_eq!(changed(text(vec![b'x'; 209])), 0);
    assert_eq!(changed(text(vec![b'x'; 210])), 8);
    assert_eq!(changed(text(vec![0xff; 3])), 8);
    let sealed_for_anybody = |wish: &mut Wish| {
        wish.to = None;
        wish.text = Memo::new(vec![0xf8; 64]).unwrap();
    };
    assert_eq!(changed(sealed_for_anybody), 8);
    let mut everybody = [0; 32];
    everybody[0] = 1;
    assert_eq!(changed(|wish| wish.from = Address(everybody)), 9);
    assert_eq!(changed(|wish| wish.from = address(3)), 10);
    let mut forged = request(2, Some(1), 100, "");
    forged.wish.amount = nits(101);
    assert_eq!(rule(examined(&forged)), 10);
}

#[test]
fn each_rule_of_a_notice_refuses_what_breaks_it() {
    let examined = |payment| {
        let notice: Notice = notice(payment, Delivery::Submitted);
        rule(notice.examine(&genesis_hash(), &address(2)))
    };
    assert_eq!(examined(pay(1, 0, 100, 2)), 0);
    let mut foreign = transaction(1, 0, transfer(100, 2));
    foreign.genesis = Hash([1; 32]);
    assert_eq!(examined(foreign.sign(&key(1))), 1);
    assert_eq!(examined(pay(1, 0, 100, 3)), 2);
    let name = transaction(1, 0, claim("bob")).sign(&key(1));
    assert_eq!(examined(name), 2);
    assert_eq!(examined(pay(2, 0, 100, 2)), 3);
    assert_eq!(examined(pay(1, 0, 0, 2)), 4);
    let mut everybody = transaction(1, 0, transfer(100, 2));
    let mut point = [0; 32];
    point[0] = 1;
    everybody.sender = Address(point);
    everybody.key = everybody.sender.birth_key();
    assert_eq!(examined(everybody.sign(&key(1))), 9);
    let mut forged = pay(1, 0, 100, 2);
    forged.transaction.nonce = 1;
    assert_eq!(examined(forged), 10);
    // Signed well, by somebody else.
    let mut other = transaction(1, 0, transfer(100, 2));
    other.key = key(3).public();
    assert_eq!(examined(other.sign(&key(3))), 10);
}

#[test]
fn a_receipt_and_thanks_are_the_payees_own_words_to_the_payer() {
    let (network, payer) = (genesis_hash(), address(1));
    let word = Word::Final { height: 7 };
    let receipt = Receipt::sign(subject(), word, &key(2));
    assert_eq!(receipt.examine(&network, &payer), Ok(()));
    assert_eq!(rule(receipt.examine(&Hash([1; 32]), &payer)), 1);
    assert_eq!(rule(receipt.examine(&network, &address(3))), 2);
    let forged = Receipt::sign(subject(), word, &key(3));
    assert_eq!(rule(forged.examine(&network, &payer)), 10);
    let moved = Receipt {
        word: Word::Heard,
        ..receipt
    };
    assert_eq!(rule(moved.examine(&network, &payer)), 10);

    let thanks = Thanks::sign(subject(), "hvala", &key(2)).unwrap();
    assert_eq!(thanks.examine(&network, &payer), Ok(()));
    for person in [1, 2] {
        assert_eq!(thanks.read(Some(&key(person))).to_text(), "hvala");
    }
    assert_eq!(thanks.read(Some(&key(3))), Reading::Sealed);
    let open = Thanks {
        text: Memo::new("hvala").unwrap(),
        ..thanks.clone()
    };
    assert_eq!(rule(open.examine(&network, &payer)), 8);
    let forged = Thanks {
        signature: key(3).sign(b"x"),
        ..thanks
    };
    assert_eq!(rule(forged.examine(&network, &payer)), 10);
}

#[test]
fn a_requests_text_is_for_the_two_if_one_is_asked_and_public_if_anybody_is() {
    let for_one = request(2, Some(1), 100, "rent for May");
    for person in [1, 2] {
        assert_eq!(for_one.read(Some(&key(person))).to_text(), "rent for May");
    }
    assert_eq!(for_one.read(Some(&key(3))), Reading::Sealed);
    let for_all = request(2, None, 100, "for the roof");
    assert_eq!(for_all.read(None).to_text(), "for the roof");
    let longest = "x".repeat(MAX_TEXT_BESIDE_REFERENCE_BYTES);
    for to in [None, Some(1)] {
        let request = request(2, to, 100, &longest);
        assert_eq!(examined(&request), Ok(()));
        let wish = wish(2, to, 100);
        assert!(wish.saying(&(longest.clone() + "x"), &key(2)).is_err());
    }
    // Moved to another amount, the text does not open.
    let mut moved = for_one;
    moved.wish.amount = nits(1);
    assert_eq!(moved.read(Some(&key(1))), Reading::Sealed);
}

#[test]
fn a_line_of_text_carries_a_request_or_a_payment_and_notices_mistakes() {
    let request = request(2, Some(1), 100, "rent for May");
    let line = request.to_line();
    assert!(line.starts_with("natcoin:request1"));
    let capitals = line.to_uppercase();
    // The letters of a QR code's alphanumeric mode.
    let fits = |c: char| c.is_ascii_digit() || c.is_ascii_uppercase() || c == ':';
    assert!(capitals.chars().all(fits), "{capitals}");
    for line in [line.clone(), capitals, format!("  {line}\n")] {
        assert_eq!(Request::from_line(&line), Ok(request.clone()));
    }
    let other = line.replacen("natcoin:", "bitcoin:", 1);
    assert_eq!(Request::from_line(&other), Err(LineError::OtherScheme));
    let cut = &line[..line.len() - 1];
    assert!(matches!(Request::from_line(cut), Err(LineError::Armour(_))));
    let notice = notice(pay(1, 0, 100, 2), Delivery::HandedOver);
    let line = notice.to_line();
    assert!(line.starts_with("natcoin:payment1"));
    assert_eq!(Notice::from_line(&line), Ok(notice));
    assert!(matches!(
        Request::from_line(&line),
        Err(LineError::Armour(_))
    ));
    assert_eq!(Request::from_line("né"), Err(LineError::OtherScheme));
}

#[test]
fn the_longest_messages_keep_the_bound() {
    let mut transaction = transaction(1, 0, transfer(1, 2));
    if let Operation::Transfer { memo, .. } = &mut transaction.operation {
        *memo = Memo::new([0; MAX_MEMO_BYTES]).unwrap();
    }
    let longest = Notice {
        payment: transaction.sign(&key(1)),
        delivery: Delivery::HandedOver,
        request: Some(Hash([1; 32])),
    };
    assert!(longest.to_line().len() < 1_023);
    let bytes = Message::Notice(longest).to_bytes();
    assert_eq!(bytes.len(), MAX_MESSAGE_BYTES);
    let text = "x".repeat(MAX_TEXT_BESIDE_REFERENCE_BYTES);
    let request = request(2, Some(1), 100, &text);
    assert!(request.to_line().len() < 1_023);
    assert!(Message::Request(request).to_bytes().len() <= MAX_MESSAGE_BYTES);
}

#[test]
fn the_bytes_are_frozen() {
    let mut lines = String::new();
    let mut line =
        |label: &str, bytes: Vec<u8>| lines.push_str(&format!("{label} {}\n", hex(&bytes)));
    let request = request(2, Some(1), 100, "rent for May");
    line("request_id", request.id().0.to_vec());
    let notice = Notice {
        payment: pay(1, 0, 100, 2),
        delivery: Delivery::HandedOver,
        request: Some(request.id()),
    };
    let receipt = |word| Message::Receipt(Receipt::sign(subject(), word, &key(2)));
    let open = super::testing::request(2, None, 100, "for the roof");
    let messages = [
        ("request", Message::Request(request.clone())),
        ("request_of_anybody", Message::Request(open)),
        ("notice", Message::Notice(notice.clone())),
        ("receipt_heard", receipt(Word::Heard)),
        ("receipt_final", receipt(Word::Final { height: 7 })),
        (
            "thanks",
            Message::Thanks(Thanks::sign(subject(), "hvala", &key(2)).unwrap()),
        ),
    ];
    for (label, message) in messages {
        let bytes = message.to_bytes();
        assert_eq!(Message::from_bytes(&bytes), Ok(message));
        line(label, bytes);
    }
    line("reply_taken", Reply::Taken.to_bytes());
    line("reply_refused", Reply::Refused(13).to_bytes());
    line("reply_unreadable", Reply::Unreadable.to_bytes());
    lines.push_str(&format!("line_of_request {}\n", request.to_line()));
    lines.push_str(&format!("line_of_payment {}\n", notice.to_line()));
    assert_golden("pay.txt", &lines);
}

#[test]
fn an_answer_is_a_rules_number() {
    for number in 0..=u8::MAX {
        let reply = Reply::from_bytes(&[number]);
        let is_one = number <= LAST_RULE || number == 255;
        assert_eq!(reply.is_ok(), is_one, "{number}");
        if let Ok(reply) = reply {
            assert_eq!(reply.to_bytes(), [number]);
        }
    }
}

proptest! {
    #[test]
    fn any_message_reads_back_and_any_changed_byte_breaks_it(
        payment in any_signed_transaction(),
        which in 0..4,
        text in "\\PC{0,40}",
        at in any::<prop::sample::Index>(),
        turn in 1u8..,
    ) {
        let message = match which {
            0 => Message::Request(request(2, Some(1), 7, &text)),
            1 => Message::Notice(notice(payment, Delivery::Submitted)),
            2 => Message::Receipt(Receipt::sign(subject(), Word::Heard, &key(2))),
            _ => Message::Thanks(Thanks::sign(subject(), &text, &key(2)).unwrap()),
        };
        let mut bytes = message.to_bytes();
        prop_assert!(bytes.len() <= MAX_MESSAGE_BYTES);
        prop_assert_eq!(Message::from_bytes(&bytes), Ok(message));
        let at = at.index(bytes.len());
        bytes[at] ^= turn;
        let (network, payer) = (genesis_hash(), address(1));
        let holds = match Message::from_bytes(&bytes) {
            Err(_) => false,
            Ok(Message::Request(request)) => request.examine(&network, &payer, NOW_MS).is_ok(),
            Ok(Message::Notice(notice)) => notice.examine(&network, &address(2)).is_ok(),
            Ok(Message::Receipt(receipt)) => receipt.examine(&network, &payer).is_ok(),
            Ok(Message::Thanks(thanks)) => thanks.examine(&network, &payer).is_ok(),
        };
        prop_assert!(!holds);
    }
}
