//! Requests and answers: frozen, bounded; and visits between books, honest and not.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::chain::hash::hex;
use crate::chain::testing::damage;
use crate::directory::book::Standing;
use crate::directory::testing::{
    NETWORK, NOW_MS, account, invented, peer, sound, unsigned, visit, wallet,
};

fn filled(numbers: impl IntoIterator<Item = u32>) -> Book {
    let mut book = Book::new(NETWORK);
    for number in numbers {
        let card = unsigned(invented(number));
        book.put(card, Standing::Stranger, NOW_MS).unwrap();
    }
    book
}

fn small() -> Book {
    let mut book = Book::new(NETWORK);
    for n in [1, 2] {
        let card = sound(n, n, wallet(n, n, 5));
        book.put(card, Standing::Stranger, NOW_MS).unwrap();
    }
    book
}

fn requests() -> Vec<(&'static str, Request)> {
    let mut book = small();
    let listing = book.listings(&[0, 255]).swap_remove(0);
    let keys = vec![peer(1).public(), peer(2).public()];
    let digest = book.digest(NOW_MS);
    vec![
        ("put", Request::Put(book.fetch(&keys))),
        (
            "of_account",
            Request::Ask(Question::OfAccount(account(1).address())),
        ),
        ("of_peer", Request::Ask(Question::OfPeer(peer(1).public()))),
        ("digest", Request::Ask(Question::Digest(digest))),
        ("listing", Request::Ask(Question::Difference(listing))),
        ("fetch", Request::Ask(Question::Fetch(keys))),
    ]
}

fn answers() -> Vec<(&'static str, Answer)> {
    let mut book = small();
    let empty = Book::new(NETWORK).listings(&[0, 255]).swap_remove(0);
    let whole = book.listings(&[0, 255]).swap_remove(0);
    let ask = |book: &mut Book, question| book.answer(&question, NOW_MS);
    vec![
        ("put", Answer::Put(vec![0, 5])),
        (
            "cards",
            ask(&mut book, Question::OfAccount(account(1).address())),
        ),
        (
            "differing",
            ask(
                &mut book,
                Question::Digest(Book::new(NETWORK).digest(NOW_MS)),
            ),
        ),
        ("offered", ask(&mut book, Question::Difference(empty))),
        (
            "wanted",
            ask(&mut Book::new(NETWORK), Question::Difference(whole)),
        ),
    ]
}

/// A line of the golden file; the bytes must be read back, and only whole.
fn line<T: Encode + Decode + PartialEq + std::fmt::Debug>(label: &str, value: &T) -> String {
    let bytes = value.to_bytes();
    assert_eq!(T::from_bytes(&bytes).as_ref(), Ok(value));
    for end in 0..bytes.len() {
        assert!(T::from_bytes(&bytes[..end]).is_err(), "{label} at {end}");
    }
    format!("{label} {}\n", hex(&bytes))
}

#[test]
fn what_books_say_is_frozen() {
    let mut text = String::new();
    for (label, request) in requests() {
        text.push_str(&line(&format!("ask_{label}"), &request));
    }
    for (label, answer) in answers() {
        text.push_str(&line(&format!("say_{label}"), &answer));
    }
    let told = Told(small().fetch(&[peer(1).public(), peer(2).public()]));
    text.push_str(&line("tell", &told));
    crate::chain::testing::network::assert_golden("directory_exchange.txt", &text);
}

fn all_bytes() -> Vec<Vec<u8>> {
    let requests = requests().into_iter().map(|(_, one)| one.to_bytes());
    let answers = answers().into_iter().map(|(_, one)| one.to_bytes());
    requests.chain(answers).collect()
}

proptest! {
    #[test]
    fn no_bytes_panic_and_what_is_read_has_one_form(bytes in damage::bytes(all_bytes())) {
        if let Ok(request) = Request::from_bytes(&bytes) {
            prop_assert_eq!(request.to_bytes(), &bytes[..]);
            if let Request::Ask(question) = request {
                let answer = small().answer(&question, NOW_MS).to_bytes();
                prop_assert!(answer.len() <= MAX_ANSWER_BYTES);
            }
        }
        if let Ok(answer) = Answer::from_bytes(&bytes) {
            prop_assert_eq!(answer.to_bytes(), bytes);
        }
    }

    #[test]
    fn no_answer_leads_a_visitor_astray(answers in vec(damage::bytes(all_bytes()), 1..8)) {
        let mut book = small();
        let mut visit = Visit::default();
        for bytes in answers {
            let Some(request) = visit.next(&mut book, NOW_MS) else {
                break;
            };
            prop_assert!(request.to_bytes().len() <= MAX_REQUEST_BYTES);
            let Ok(answer) = Answer::from_bytes(&bytes) else {
                continue;
            };
            if visit.heard(&book, answer) == Heard::Misfit {
                prop_assert_eq!(visit.next(&mut book, NOW_MS), None);
            }
        }
    }
}

#[test]
fn a_visit_brings_both_to_the_same_and_a_second_one_says_one_thing() {
    let mut one = filled(0..5000);
    let mut other = filled(50..5050);
    let traffic = visit(&mut one, &mut other, NOW_MS);
    assert_eq!((one.len(), other.len()), (5050, 5050));
    assert_eq!(one.digest(NOW_MS), other.digest(NOW_MS));
    assert_eq!(traffic.fetched, 50);
    assert_eq!(traffic.handed_in, 50);
    let again = visit(&mut one, &mut other, NOW_MS);
    assert_eq!(again.requests, 1);
    assert_eq!(again.answer_bytes, 1 + 4);
}

#[test]
fn a_newer_card_is_fetched_and_the_older_not_handed_in() {
    let mut one = small();
    let mut other = small();
    let card = sound(1, 1, wallet(1, 1, 6));
    other.put(card, Standing::Stranger, NOW_MS).unwrap();
    let traffic = visit(&mut one, &mut other, NOW_MS);
    assert_eq!((traffic.fetched, traffic.handed_in), (1, 0));
    assert_eq!(one.digest(NOW_MS), other.digest(NOW_MS));
}

#[test]
fn a_bucket_that_somebody_has_stuffed_is_listed_in_parts() {
    let stuffed = |numbers: std::ops::Range<u32>| {
        let mut book = Book::new(NETWORK);
        for number in numbers {
            let mut said = invented(number);
            said.peer.0[0] = 7;
            book.put(unsigned(said), Standing::Stranger, NOW_MS)
                .unwrap();
        }
        book
    };
    let mut one = stuffed(0..4500);
    let mut other = stuffed(100..4600);
    let listings = one.listings(&[7]);
    let held: Vec<usize> = listings.iter().map(|part| part.held().len()).collect();
    assert_eq!(held, [2000, 2000, 500]);
    visit(&mut one, &mut other, NOW_MS);
    assert_eq!((one.len(), other.len()), (4600, 4600));
}

#[test]
fn a_newcomer_is_filled_by_several_visits_each_bounded() {
    let mut empty = Book::new(NETWORK);
    let mut full = filled(0..10_000);
    let mut visits = 0;
    while empty.len() < full.len() {
        let before = empty.len();
        let traffic = visit(&mut empty, &mut full, NOW_MS);
        assert!(traffic.fetched <= visit::MAX_CARDS_A_VISIT);
        assert!(empty.len() > before);
        visits += 1;
    }
    assert_eq!(empty.digest(NOW_MS), full.digest(NOW_MS));
    assert!(visits > 1, "{visits}");
}

#[test]
fn many_requests_worth_are_handed_in() {
    let mut one = filled(0..100);
    let mut other = Book::new(NETWORK);
    let traffic = visit(&mut one, &mut other, NOW_MS);
    assert_eq!(traffic.handed_in, 100);
    // One digest, one listing of everything, and the cards.
    assert_eq!(traffic.requests, 2 + 100usize.div_ceil(MAX_PUT));
    assert_eq!(one.digest(NOW_MS), other.digest(NOW_MS));
}

#[test]
fn an_answer_to_another_question_ends_the_visit() {
    let whole = small().listings(&[0, 255]).swap_remove(0);
    let strange = Difference {
        offered: Vec::new(),
        wanted: vec![ShortId([9; 8])],
    };
    let unasked = small().fetch(&[peer(1).public()]);
    let course = |answers: &[Answer]| {
        let mut book = small();
        let mut visit = Visit::default();
        let mut last = None;
        for answer in answers {
            visit.next(&mut book, NOW_MS).expect("it asks on");
            last = Some(visit.heard(&book, answer.clone()));
        }
        (last, visit.next(&mut book, NOW_MS))
    };
    let every = || Answer::Differing((0..=255).collect());
    let misfit = (Some(Heard::Misfit), None);
    assert_eq!(course(&[Answer::Put(vec![])]), misfit);
    assert_eq!(course(&[every(), Answer::Cards(vec![])]), misfit);
    assert_eq!(course(&[every(), Answer::Difference(strange)]), misfit);
    let offer = Difference {
        offered: vec![peer(9).public()],
        wanted: whole.held().to_vec(),
    };
    let offer = Answer::Difference(offer);
    let unasked = Answer::Cards(unasked);
    assert_eq!(course(&[every(), offer.clone(), unasked]), misfit);
    let (heard, next) = course(&[every(), offer, Answer::Cards(vec![])]);
    assert_eq!(heard, Some(Heard::Cards(vec![])));
    assert!(matches!(next, Some(Request::Put(cards)) if cards.len() == 2));
}

#[test]
fn a_question_with_an_empty_range_is_none_and_a_full_answer_fits() {
    let mut listing = Vec::new();
    Listing {
        from: PublicKey([2; 32]),
        to: PublicKey([1; 32]),
        held: vec![],
    }
    .encode(&mut listing);
    assert!(Listing::from_bytes(&listing).is_err());

    let mut book = filled(0..4000);
    let all = Book::new(NETWORK).listings(&[0, 255]).swap_remove(0);
    let answer = book.answer(&Question::Difference(all), NOW_MS);
    let Answer::Difference(difference) = &answer else {
        panic!("{answer:?}");
    };
    assert_eq!(difference.offered.len(), MAX_OFFERED);
    assert!(answer.to_bytes().len() <= MAX_ANSWER_BYTES);
    let peers = difference.offered[..MAX_FETCHED].to_vec();
    let cards = book.answer(&Question::Fetch(peers), NOW_MS);
    assert!(cards.to_bytes().len() <= MAX_ANSWER_BYTES);
}
