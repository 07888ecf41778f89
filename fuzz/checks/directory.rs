//! Cards, what books say to each other and tell all, look-ups in JSON, and saved books.

use std::num::NonZeroU32;
use std::sync::LazyLock;

use natcoin::chain::codec::{Decode, Encode};
use natcoin::chain::key::SecretKey;
use natcoin::directory::address::{Endpoint, Transport};
use natcoin::directory::book::{Book, Standing};
use natcoin::directory::card::{Addresses, Card, Presence, Role, Whereabouts};
use natcoin::directory::exchange::{
    Answer, Heard, MAX_ANSWER_BYTES, MAX_PUT, MAX_REQUEST_BYTES, Question, Request, Told, Visit,
};
use natcoin::directory::{look_up, peer};

use super::form::{bounded_with_room, canonical};
use super::seeds::Seed;
use super::world::{person, validator, world};

/// The checks' clock.
const NOW_MS: u64 = 1_767_225_600_000;

/// Memory of an empty book, and of the leaves of its first cards.
const BOOK_ROOM_BYTES: usize = 64 << 10;

/// The cards that were ever signed: a wallet with every kind of address, a node, and a withdrawal of the wallet.
static SIGNED: LazyLock<[Card; 3]> = LazyLock::new(|| {
    let direct = |ip: &str| {
        let ip = ip.parse().expect("an IP number");
        Endpoint::direct(ip, Transport::Quic, 18_000).expect("a host's address")
    };
    let relayed = direct("203.0.113.9").through(validator(0).public());
    let everywhere = vec![direct("198.51.100.7"), direct("2001:db8::7"), relayed];
    let here = |addresses| Presence::Here {
        ttl_ms: NonZeroU32::new(Role::Wallet.max_ttl_ms()).expect("a life"),
        addresses: Addresses::new(addresses).expect("few addresses"),
    };
    let card = |account: SecretKey, peer: SecretKey, sequence, role, presence| {
        Whereabouts {
            network: world().genesis.hash(),
            account: account.address(),
            peer: peer.public(),
            sequence,
            issued_at_ms: NOW_MS,
            role,
            presence,
        }
        .sign(&account, &peer)
    };
    [
        card(person(1), person(71), 5, Role::Wallet, here(everywhere)),
        card(validator(1), validator(1), 6, Role::Validator, here(vec![])),
        card(person(1), person(71), 7, Role::Wallet, Presence::Gone),
    ]
});

/// A book with the wallet and the node.
fn book() -> Book {
    let mut book = Book::new(world().genesis.hash());
    for card in &SIGNED[..2] {
        let card = card.clone().prove().expect("both have signed");
        book.put(card, Standing::Stranger, NOW_MS).expect("room");
    }
    book
}

/// Holds of any bytes that a peer or a disk gives to the directory.
pub fn check(bytes: &[u8]) {
    if let Some(card) = canonical::<Card>(bytes) {
        only_what_was_signed_enters(vec![card]);
    }
    if let Some(request) = canonical::<Request>(bytes) {
        an_answer_is_bounded_and_changes_nothing(request);
    }
    if let Some(answer) = canonical::<Answer>(bytes) {
        no_answer_leads_a_visitor_astray(answer);
    }
    if let Some(Told(cards)) = canonical::<Told>(bytes) {
        assert!((1..=MAX_PUT).contains(&cards.len()));
        only_what_was_signed_enters(cards);
    }
    a_look_up_is_answered_within_its_bounds(bytes);
    a_saved_book_is_refused_or_the_same(bytes);
}

/// Any text is a question with an answer that can be sent, or is told what to write.
fn a_look_up_is_answered_within_its_bounds(text: &[u8]) {
    let answer = match bounded_with_room(text, 32, 4 << 10, || look_up::read(text)) {
        Ok(question) => match book().answer(&question, NOW_MS) {
            Answer::Cards(cards) => look_up::found(&world().genesis.hash(), &cards),
            other => panic!("{other:?} is no answer to a look-up"),
        },
        Err(fault) => look_up::declined(&fault.to_string()),
    };
    assert!(answer.len() <= look_up::MAX_ANSWER_BYTES);
    let begins = |with: &str| answer.starts_with(with.as_bytes());
    assert!(begins("{\"network\":") || begins("{\"error\":"));
}

fn only_what_was_signed_enters(cards: Vec<Card>) {
    for card in cards {
        let is_signed = SIGNED.contains(&card);
        let mut book = book();
        let peer = card.whereabouts.peer;
        let before = book.of_peer(&peer).cloned();
        let taken = card
            .prove()
            .and_then(|card| book.put(card, Standing::Verified, NOW_MS));
        assert!(taken.is_err() || is_signed, "a forged card was taken");
        assert!(is_signed || book.of_peer(&peer) == before.as_ref());
    }
}

fn an_answer_is_bounded_and_changes_nothing(request: Request) {
    match request {
        Request::Put(cards) => only_what_was_signed_enters(cards),
        Request::Ask(question) => {
            let mut book = book();
            let answer = book.answer(&question, NOW_MS).to_bytes();
            assert!(answer.len() <= MAX_ANSWER_BYTES, "too long to be sent");
            assert!(Answer::from_bytes(&answer).is_ok(), "nobody can read it");
            assert_eq!(book.save(), self::book().save());
        }
    }
}

/// Says one thing to a visitor at each of its first questions.
fn no_answer_leads_a_visitor_astray(answer: Answer) {
    let mut book = book();
    for honest_before in 0..3 {
        let mut host = Book::new(world().genesis.hash());
        let mut visit = Visit::default();
        let mut said = 0;
        while let Some(request) = visit.next(&mut book, NOW_MS) {
            assert!(request.to_bytes().len() <= MAX_REQUEST_BYTES);
            let answer = match request {
                Request::Ask(question) if said < honest_before => host.answer(&question, NOW_MS),
                _ => answer.clone(),
            };
            said += 1;
            if let Heard::Cards(cards) = visit.heard(&book, answer) {
                only_what_was_signed_enters(cards);
            }
        }
    }
}

fn a_saved_book_is_refused_or_the_same(bytes: &[u8]) {
    let restored = bounded_with_room(bytes, 32, BOOK_ROOM_BYTES, || {
        Book::new(world().genesis.hash()).restore(bytes, NOW_MS)
    });
    if let Ok(book) = restored {
        assert_eq!(book.save(), bytes);
    }
}

/// What the mutations begin with.
pub fn seeds() -> Vec<Seed> {
    let mut book = book();
    let mut empty = Book::new(world().genesis.hash());
    let every: Vec<u8> = (0..=u8::MAX).collect();
    let listing = book.listings(&every).swap_remove(0);
    let nothing = empty.listings(&every).swap_remove(0);
    let [wallet, node, gone] = &*SIGNED;
    let peers = vec![wallet.whereabouts.peer, node.whereabouts.peer];
    let digest = Question::Digest(book.digest(NOW_MS));
    let account = Question::OfAccount(wallet.whereabouts.account);
    let mut say = |question: &Question| book.answer(question, NOW_MS).to_bytes();
    let answers = vec![
        ("say_cards", say(&account)),
        (
            "say_differing",
            say(&Question::Digest(empty.digest(NOW_MS))),
        ),
        ("say_offered", say(&Question::Difference(nothing))),
        ("say_put", Answer::Put(vec![0, 5]).to_bytes()),
        (
            "say_wanted",
            empty
                .answer(&Question::Difference(listing.clone()), NOW_MS)
                .to_bytes(),
        ),
    ];
    let ask = |question| Request::Ask(question).to_bytes();
    let id = peer::peer_id(&wallet.whereabouts.peer).expect("a key");
    let look_up_account = format!("{{\"account\":\"{}\"}}", wallet.whereabouts.account);
    let look_up_peer = format!("{{\"peer\":\"{id}\"}}");
    let mut seeds = vec![
        ("card_wallet", wallet.to_bytes()),
        ("card_node", node.to_bytes()),
        ("card_gone", gone.to_bytes()),
        ("ask_put", Request::Put(SIGNED.to_vec()).to_bytes()),
        ("ask_of_account", ask(account)),
        ("ask_of_peer", ask(Question::OfPeer(peers[0]))),
        ("ask_digest", ask(digest)),
        ("ask_difference", ask(Question::Difference(listing))),
        ("ask_fetch", ask(Question::Fetch(peers))),
        ("saved", self::book().save()),
        ("tell", Told(SIGNED[..2].to_vec()).to_bytes()),
        ("look_up_account", look_up_account.into_bytes()),
        ("look_up_peer", look_up_peer.into_bytes()),
    ];
    seeds.extend(answers);
    seeds
}
