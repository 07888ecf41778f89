//! What wallets say to each other, the lines of text, saved books of dealings, and memos.

use std::sync::LazyLock;

use natcoin::chain::codec::Encode;
use natcoin::chain::hash::Hash;
use natcoin::chain::key::{Address, SecretKey};
use natcoin::chain::query::{Answer, Query, TransactionAnswer, Trust};
use natcoin::chain::transaction::{Memo, Operation, SignedTransaction, Transaction};
use natcoin::wallet::dealings::book::{Book, State};
use natcoin::wallet::dealings::machine::{Dealings, Effect};
use natcoin::wallet::dealings::message::{
    Delivery, MAX_MESSAGE_BYTES, Message, Notice, Receipt, Reply, Subject, Thanks, Word,
};
use natcoin::wallet::dealings::request::{Request, Wish};
use natcoin::wallet::memo::{self, Letter, Reading, Reference};

use super::form::{bounded_with_room, canonical};
use super::seeds::Seed;
use super::world::{pay, person, world};

/// The checks' clock.
const NOW_MS: u64 = 1_767_225_600_000;
const DAY_MS: u64 = 24 * 60 * 60 * 1000;
/// Memory of an empty book, and of the text of an error.
const BOOK_ROOM_BYTES: usize = 4 << 10;

fn network() -> Hash {
    world().genesis.hash()
}

fn book_of(number: u8) -> Book {
    Book::new(network(), person(number).address())
}

fn machine(book: Book, number: u8) -> Dealings {
    Dealings::new(book, person(number), Trust::new(&world().genesis))
}

fn wish(from: u8, to: Option<u8>) -> Wish {
    Wish {
        network: network(),
        from: person(from).address(),
        to: to.map(|to| person(to).address()),
        amount: world().genesis.accounts[0].balance,
        text: Memo::default(),
        issued_at_ms: NOW_MS,
        expires_at_ms: NOW_MS + DAY_MS,
    }
}

fn request(from: u8, to: Option<u8>, text: &str) -> Request {
    let secret = person(from);
    let wish = wish(from, to).saying(text, &secret);
    wish.expect("a short text and sound keys").sign(&secret)
}

fn notice(payment: SignedTransaction, delivery: Delivery) -> Message {
    Message::Notice(Notice {
        payment,
        delivery,
        request: None,
    })
}

/// All that was ever signed between persons 1 and 2.
static SAID: LazyLock<Vec<(&str, Message)>> = LazyLock::new(|| {
    let paid = pay(1, 0, 100, 2);
    let subject = Subject::of(&paid.transaction).expect("a transfer");
    let payee = person(2);
    let receipt = |word| Message::Receipt(Receipt::sign(subject, word, &payee));
    let thanks = Thanks::sign(subject, "hvala", &payee).expect("a short text");
    vec![
        ("request", Message::Request(request(1, Some(2), "tea"))),
        (
            "request_of_anybody",
            Message::Request(request(1, None, "roof")),
        ),
        ("notice", notice(paid.clone(), Delivery::Submitted)),
        ("notice_handed_over", notice(paid, Delivery::HandedOver)),
        (
            "notice_not_final",
            notice(pay(1, 9, 5, 2), Delivery::Submitted),
        ),
        ("receipt_heard", receipt(Word::Heard)),
        ("receipt_final", receipt(Word::Final { height: 1 })),
        ("thanks", Message::Thanks(thanks)),
    ]
});

/// Holds of any bytes that another wallet says, a person types, a disk holds, or a chain carries as a memo.
pub fn check(bytes: &[u8]) {
    if let Some(message) = canonical::<Message>(bytes) {
        only_what_was_signed_is_taken(&message, bytes.len());
    }
    let _ = canonical::<Reply>(bytes);
    if let Ok(text) = std::str::from_utf8(bytes) {
        a_line_comes_back(text);
    }
    a_saved_book_is_refused_or_the_same(bytes);
    if let Ok(memo) = Memo::new(bytes) {
        no_memo_is_another_ones(memo);
    }
}

fn only_what_was_signed_is_taken(message: &Message, length: usize) {
    assert!(length <= MAX_MESSAGE_BYTES);
    let signed = |own: &Message| match (own, message) {
        // How it came and what for is the bringer's word; only the payment is signed.
        (Message::Notice(own), Message::Notice(said)) => own.payment == said.payment,
        (own, said) => own == said,
    };
    let is_signed = SAID.iter().any(|(_, own)| signed(own));
    for number in [1, 2, 3] {
        let mut wallet = machine(book_of(number), number);
        wallet.nodes(true, NOW_MS);
        if number == 1 {
            let paid = pay(1, 0, 100, 2);
            let made = wallet.paying(&paid, None, Delivery::Submitted, NOW_MS);
            assert!(made.is_ok());
        }
        let before = wallet.book().clone();
        let (reply, effects) = wallet.hear(message.clone(), NOW_MS);
        assert!(reply != Reply::Taken || is_signed, "a forgery was taken");
        assert!(reply == Reply::Taken || *wallet.book() == before);
        let proven = |state: &State| !state.is_unproven();
        let incoming = wallet.book().incoming();
        assert!(
            !incoming.iter().any(|one| proven(&one.state)),
            "a word is no proof"
        );
        let changed = *wallet.book() != before;
        assert_eq!(effects.first() == Some(&Effect::Save), changed);
        let saved = wallet.book().save();
        let again = Book::restore(&saved, &network(), &person(number).address());
        assert!(again.as_ref() == Ok(wallet.book()), "it is kept as it is");
    }
}

fn a_line_comes_back(text: &str) {
    if let Ok(request) = Request::from_line(text) {
        assert!(request.to_line().eq_ignore_ascii_case(text.trim()));
    }
    if let Ok(notice) = Notice::from_line(text) {
        assert!(notice.to_line().eq_ignore_ascii_case(text.trim()));
    }
}

fn a_saved_book_is_refused_or_the_same(bytes: &[u8]) {
    // Order: the world is made when it is first asked for, and is no part of what is measured.
    let (network, owner) = (network(), person(2).address());
    let restored = bounded_with_room(bytes, 32, BOOK_ROOM_BYTES, || {
        Book::restore(bytes, &network, &owner)
    });
    if let Ok(book) = restored {
        assert_eq!(book.save(), bytes);
    }
}

fn with_memo(memo: Memo) -> Transaction {
    let mut paid = pay(1, 0, 100, 2).transaction;
    if let Operation::Transfer { memo: place, .. } = &mut paid.operation {
        *place = memo;
    }
    paid
}

fn sealed() -> Transaction {
    let letter = Letter::new("for the coffee", Some(Reference([7; 16]))).expect("a short text");
    memo::sealed_into(with_memo(Memo::default()), &letter, &person(1)).expect("a sound key")
}

fn no_memo_is_another_ones(memo: Memo) {
    let paid = with_memo(memo);
    let is_sealed = paid == sealed();
    for number in [1, 2, 3] {
        let reading = memo::read(&paid, Some(&person(number)));
        let opens = matches!(reading, Reading::Private(_));
        assert_eq!(opens, is_sealed && number != 3, "{number}");
        assert!(!reading.to_text().chars().any(char::is_control));
    }
}

fn proof(payment: &SignedTransaction) -> TransactionAnswer {
    match world().answer(&Query::Transaction(payment.id())) {
        Answer::Transaction(answer) => *answer,
        other => panic!("{other:?}"),
    }
}

/// Person 2's book with something of each kind.
fn busy() -> Book {
    let mut bob = machine(book_of(2), 2);
    for (_, message) in SAID.iter() {
        let _ = bob.bring(message.clone(), NOW_MS);
    }
    let paid = pay(1, 0, 100, 2);
    // In the place of what became final, another payment had been told.
    let told = notice(pay(1, 1, 9, 2), Delivery::HandedOver);
    bob.bring(told, NOW_MS).expect("a good payment");
    for payment in [&paid, &pay(1, 1, 7, 2)] {
        bob.prove(proof(payment), NOW_MS).expect("it is final");
    }
    bob.thank(&paid.id(), "hvala", NOW_MS).expect("it is final");
    let to: Option<Address> = Some(person(3).address());
    let amount = world().genesis.rules.fee;
    bob.ask_for(to, amount, "tea", DAY_MS, NOW_MS)
        .expect("a lawful request");
    bob.paying(&pay(2, 1, 8, 1), None, Delivery::HandedOver, NOW_MS)
        .expect("a good payment");
    bob.book().clone()
}

/// What the mutations begin with.
pub fn seeds() -> Vec<Seed> {
    let secret: SecretKey = person(1);
    assert!(memo::read(&sealed(), Some(&secret)) != Reading::Sealed);
    let Operation::Transfer { memo, .. } = sealed().operation else {
        panic!("a transfer");
    };
    let Message::Notice(handed_over) = &SAID[3].1 else {
        panic!("a notice");
    };
    let mut seeds: Vec<Seed> = SAID
        .iter()
        .map(|(name, message)| (*name, message.to_bytes()))
        .collect();
    seeds.extend([
        ("book", busy().save()),
        ("book_empty", book_of(2).save()),
        ("memo", memo.as_bytes().to_vec()),
        ("reply", Reply::Refused(13).to_bytes()),
        (
            "line_request",
            request(1, None, "roof").to_line().into_bytes(),
        ),
        ("line_payment", handed_over.to_line().into_bytes()),
    ]);
    seeds
}
