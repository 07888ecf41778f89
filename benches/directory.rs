//! What the directory costs on one core, with a hundred thousand cards: memory, look-ups, digests, an exchange; then the same in
//! four running nodes.
//!
//! `cargo bench --bench directory`; the sizes are printed before the times.
#![allow(missing_docs, reason = "criterion's macros make undocumented items")]
#![allow(clippy::print_stdout, reason = "a benchmark's report")]

#[allow(dead_code, reason = "the directory's tests use more of it")]
#[path = "../tests/directory/cards.rs"]
mod cards;
#[path = "../tests/common/mod.rs"]
mod common;
#[path = "directory/nodes.rs"]
mod nodes;

use std::hint::black_box;
use std::num::NonZeroU32;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use natcoin::chain::codec::Encode;
use natcoin::chain::hash::Hash;
use natcoin::chain::key::SecretKey;
use natcoin::directory::address::{Endpoint, Transport};
use natcoin::directory::book::{Book, Standing};
use natcoin::directory::card::{Addresses, Card, Presence, Role, SoundCard, Whereabouts};
use natcoin::directory::exchange::{Answer, Heard, Request, Visit, put_mark};
use rand::SeedableRng as _;
use rand::rngs::StdRng;

/// Cards of the book.
const CARDS: u32 = 100_000;
/// Of these, what the other book has in a newer version: one in a hundred.
const NEWER: u32 = CARDS / 100;
const NETWORK: Hash = Hash([0x11; 32]);
const NOW_MS: u64 = 1_767_225_600_000;

fn key(kind: u8, number: u32) -> SecretKey {
    let mut seed = [kind; 32];
    seed[..4].copy_from_slice(&number.to_le_bytes());
    SecretKey::from_seed(&seed)
}

fn card(number: u32, sequence: u64) -> Card {
    card_of(NETWORK, NOW_MS, number, sequence)
}

/// A wallet's card with its own public address, one in a neighbourhood of ten, and two through a relay.
fn card_of(network: Hash, issued_at_ms: u64, number: u32, sequence: u64) -> Card {
    let (account, peer) = (key(1, number), key(2, number));
    let relay = key(3, number % 4).public();
    let [_, second, third, fourth] = (number / 10 * 256 + number % 10 + 1).to_be_bytes();
    let at = |ip: [u8; 4], transport| {
        Endpoint::direct(ip.into(), transport, 18_000).expect("a host's address")
    };
    let addresses = vec![
        at([20, second, third, fourth], Transport::Quic),
        at([198, 51, 100, 1], Transport::Quic).through(relay),
        at([198, 51, 100, 1], Transport::Tcp).through(relay),
    ];
    Whereabouts {
        network,
        account: account.address(),
        peer: peer.public(),
        sequence,
        issued_at_ms,
        role: Role::Wallet,
        presence: Presence::Here {
            ttl_ms: NonZeroU32::new(Role::Wallet.max_ttl_ms()).expect("a life"),
            addresses: Addresses::new(addresses).expect("three addresses"),
        },
    }
    .sign(&account, &peer)
}

fn proved(cards: Vec<Card>) -> Vec<SoundCard> {
    let mut random = StdRng::from_seed([1; 32]);
    let proved = Card::prove_all(cards, &mut random);
    proved
        .into_iter()
        .map(|card| card.expect("signed by both"))
        .collect()
}

fn put_all(book: &mut Book, cards: Vec<SoundCard>, now_ms: u64) -> Vec<u8> {
    let put = |card| put_mark(&book.put(card, Standing::Stranger, now_ms));
    cards.into_iter().map(put).collect()
}

/// One book visits another; gives the requests, and the bytes of requests and answers.
fn visit(guest: &mut Book, host: &mut Book) -> (usize, [usize; 6], [usize; 4]) {
    let (mut requests, mut asked, mut answered) = (0, [0; 6], [0; 4]);
    let mut visit = Visit::default();
    while let Some(request) = visit.next(guest, NOW_MS) {
        let bytes = request.to_bytes();
        requests += 1;
        asked[usize::from(bytes[0])] += bytes.len();
        let answer = match request {
            Request::Ask(question) => host.answer(&question, NOW_MS),
            Request::Put(cards) => Answer::Put(put_all(host, proved(cards), NOW_MS)),
        };
        let bytes = answer.to_bytes();
        answered[usize::from(bytes[0])] += bytes.len();
        match visit.heard(guest, answer) {
            Heard::Cards(cards) => {
                put_all(guest, proved(cards), NOW_MS);
            }
            Heard::HandedIn(_) => {}
            Heard::Misfit => panic!("an honest host fits"),
        }
    }
    (requests, asked, answered)
}

fn directory(criterion: &mut Criterion) {
    nodes::report();
    let cards = proved((0..CARDS).map(|number| card(number, NOW_MS)).collect());
    let bytes: usize = cards.iter().map(|card| card.card().to_bytes().len()).sum();
    let mut book = Book::new(NETWORK);
    let memory = allocation_counter::measure(|| {
        for card in &cards {
            let taken = book.put(card.clone(), Standing::Stranger, NOW_MS);
            taken.expect("there is room");
        }
    });
    let newer = proved(
        (0..NEWER)
            .map(|number| card(number * 100, NOW_MS + 1))
            .collect(),
    );
    let mut other = book.clone();
    put_all(&mut other, newer, NOW_MS);
    let (requests, asked, answered) = visit(&mut book.clone(), &mut other.clone());
    println!("cards: {CARDS}, of {} bytes each", bytes / CARDS as usize);
    println!(
        "memory: {} bytes a card",
        memory.bytes_current / i64::from(CARDS)
    );
    println!("saved: {} bytes", book.save().len());
    println!("an exchange of {NEWER} newer cards: {requests} requests");
    println!("  bytes asked: put, account, peer, digest, difference, fetch: {asked:?}");
    println!("  bytes answered: put, cards, differing, difference: {answered:?}");

    let mut group = criterion.benchmark_group("directory");
    group.sample_size(10);
    let one = &cards[77_777];
    let (peer, account) = (one.whereabouts().peer, one.whereabouts().account);
    group.bench_function("look up a peer", |bench| {
        bench.iter(|| book.of_peer(black_box(&peer)));
    });
    group.bench_function("look up an account", |bench| {
        bench.iter(|| book.of_account(black_box(&account)));
    });
    group.bench_function("check a card's signatures", |bench| {
        let card = || one.card().clone();
        bench.iter_batched(card, Card::prove, BatchSize::SmallInput);
    });
    group.bench_function("put a newer card", |bench| {
        let said = one.whereabouts();
        let owners = (key(1, 77_777), key(2, 77_777));
        let mut sequence = said.sequence;
        let next = || {
            sequence += 1;
            let said = Whereabouts {
                sequence,
                ..said.clone()
            };
            said.sign(&owners.0, &owners.1)
                .prove()
                .expect("both have signed")
        };
        let mut book = book.clone();
        let put = |card| book.put(card, Standing::Stranger, NOW_MS);
        bench.iter_batched(next, put, BatchSize::SmallInput);
    });
    group.bench_function("digest, nothing changed", |bench| {
        book.digest(NOW_MS);
        bench.iter(|| book.digest(NOW_MS));
    });
    group.bench_function("digest, everything changed", |bench| {
        let mut fresh = Book::new(NETWORK);
        put_all(&mut fresh, cards.clone(), NOW_MS);
        let fresh = || fresh.clone();
        bench.iter_batched_ref(fresh, |book| book.digest(NOW_MS), BatchSize::LargeInput);
    });
    let every: Vec<u8> = (0..=u8::MAX).collect();
    let listings = book.listings(&every);
    group.bench_function("answer all listings of a book", |bench| {
        let answer = || {
            listings
                .iter()
                .map(|one| other.difference(one))
                .collect::<Vec<_>>()
        };
        bench.iter(answer);
    });
    group.finish();
}

criterion_group!(benches, directory);
criterion_main!(benches);
