//! Four nodes in this process, each with its own directory thread and a hundred thousand cards, over loopback.

use std::time::{Duration, Instant};

use natcoin::chain::key::PublicKey;
use natcoin::directory::book::Book;
use natcoin::directory::exchange::Question;
use natcoin::directory::keeper::{Effect, Input, Keeper, Now, Settings};
use natcoin::directory::publisher::Owner;
use natcoin::node::clock;

use crate::cards::{Guest, peer, said};
use crate::common::town::{Town, bootstrap, node_key, person};
use crate::common::wait::pace;
use crate::{CARDS, NEWER, card_of, key, proved, put_all};

/// Questions and changes that are timed.
const LOOK_UPS: usize = 300;
const CHANGES: u8 = 24;
/// Of the newer cards so many are looked for everywhere.
const SAMPLED: u32 = 25;

pub fn report() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(nodes());
}

async fn nodes() {
    let mut town = Town::with(bootstrap(4, 0), 0).await;
    let network = town.bootstrap.genesis().hash();
    let now_ms = clock::unix_ms();
    let of = |number, sequence| card_of(network, now_ms, number, sequence);
    let mut book = Book::new(network);
    let cards = (0..CARDS).map(|number| of(number, now_ms)).collect();
    put_all_at(&mut book, proved(cards), now_ms);
    let saved = book.save();
    let newer = (0..NEWER).map(|n| of(n * CARDS / NEWER, now_ms + 1));
    let newer = proved(newer.collect());
    put_all_at(&mut book, newer, now_ms);
    let with_newer = book.save();
    drop(book);
    keeper(network, &saved, now_ms);

    for number in 0..4 {
        let folder = town.path().join(format!("node-{number}/directory"));
        std::fs::create_dir_all(&folder).expect("a folder");
        let bytes = if number == 3 { &with_newer } else { &saved };
        std::fs::write(folder.join("book"), bytes).expect("room on the disk");
    }
    let begun = clock::now();
    for number in 0..4 {
        town.start(number).await;
    }
    town.in_touch().await;
    println!(
        "four nodes with such books are up after {:?}",
        begun.elapsed()
    );
    let mut guests = Vec::new();
    for node in 0..4 {
        guests.push(Guest::at(&town.bootstrap, node).await);
    }
    reconcile(&town, &guests, now_ms, begun).await;
    look_ups(&town, &guests[0]).await;
    changes(&town, &guests).await;
}

fn put_all_at(book: &mut Book, cards: Vec<natcoin::directory::card::SoundCard>, now_ms: u64) {
    let marks = put_all(book, cards, now_ms);
    assert!(marks.iter().all(|mark| *mark == 0), "there is room");
}

/// What a keeper needs with a full book, and on top while it saves.
fn keeper(network: natcoin::chain::hash::Hash, saved: &[u8], unix_ms: u64) {
    let now = |elapsed| Now { unix_ms, elapsed };
    let mut held = None;
    let memory = allocation_counter::measure(|| {
        let book = Book::new(network).restore(saved, unix_ms).expect("whole");
        held = Some(Keeper::new(Settings {
            book,
            owner: Owner {
                network,
                account: node_key(9),
                peer: node_key(9),
                role: natcoin::behaviour::Role::Follower,
            },
            last_number: None,
            verified: Default::default(),
            seed: 1,
        }));
    });
    println!(
        "keeper: {} MB with a book of {CARDS}",
        memory.bytes_current / 1_000_000
    );
    let keeper = held.as_mut().expect("made above");
    let host = PublicKey(node_key(8).public().0);
    let role = natcoin::behaviour::Role::Follower;
    let visiting = allocation_counter::measure(|| {
        let up = Input::PeerUp { peer: host, role };
        drop(keeper.handle(up, now(Duration::ZERO)));
    });
    println!(
        "  beginning a visit: at most {} KB more",
        visiting.bytes_max / 1_000
    );
    let saving = allocation_counter::measure(|| {
        keeper.handle(Input::NotSaved, now(Duration::from_secs(1)));
        let effects = keeper.handle(Input::Tick, now(Duration::from_secs(600)));
        assert!(
            effects
                .iter()
                .any(|effect| matches!(effect, Effect::Save(_)))
        );
    });
    println!("  saving: at most {} MB more", saving.bytes_max / 1_000_000);
}

/// One node's book has one card in a hundred newer: how long until all four do.
async fn reconcile(town: &Town, guests: &[Guest], now_ms: u64, begun: Instant) {
    for step in 0..SAMPLED {
        let number = step * (NEWER / SAMPLED) * (CARDS / NEWER);
        let question = Question::OfPeer(key(2, number).public());
        for (node, guest) in guests.iter().enumerate() {
            while ask(town, guest, node, &question).await != Some(now_ms + 1) {
                pace().await;
            }
        }
    }
    println!(
        "{NEWER} newer cards of one node are at all four {:?} after the start",
        begun.elapsed()
    );
}

/// The number of the card that a node has.
async fn ask(town: &Town, guest: &Guest, node: usize, question: &Question) -> Option<u64> {
    let found = guest.try_ask(&town.bootstrap, node, question.clone()).await;
    Some(found?.first()?.whereabouts.sequence)
}

/// A look-up over the network.
async fn look_ups(town: &Town, guest: &Guest) {
    let mut times = Vec::new();
    for number in 0..LOOK_UPS {
        let number = u32::try_from(number).expect("few") * 331 % CARDS;
        let question = Question::OfAccount(key(1, number).address());
        let begun = clock::now();
        let found = ask(town, guest, 0, &question).await;
        if found.is_some() {
            times.push(begun.elapsed());
        } else {
            pace().await;
        }
    }
    show("a look-up over loopback", &mut times);
}

/// A member's new card, handed in at one node: how long until each of the others has it.
async fn changes(town: &Town, guests: &[Guest]) {
    let network = town.bootstrap.genesis().hash();
    let mut times = Vec::new();
    for number in 0..CHANGES {
        // An account has four cards, so a person changes peers in turn; a peer renews eight times at once.
        let (of, with) = (number % 3, number % 3 * 3 + number / 3 % 3);
        let card = said(network, of, with, clock::unix_ms(), 600_000);
        let sequence = card.sequence;
        let card = card.sign(&person(of), &peer(with));
        let question = Question::OfPeer(peer(with).public());
        let begun = clock::now();
        let marks = guests[0].put(&town.bootstrap, 0, vec![card]).await;
        assert_eq!(marks, [0]);
        for (node, guest) in guests.iter().enumerate().skip(1) {
            while ask(town, guest, node, &question).await != Some(sequence) {
                pace().await;
            }
        }
        times.push(begun.elapsed());
    }
    show("a member's change is at all four", &mut times);
}

fn show(what: &str, times: &mut [Duration]) {
    times.sort();
    let (median, last) = (times[times.len() / 2], times[times.len() - 1]);
    println!(
        "{what}: median {median:?}, longest {last:?} of {}",
        times.len()
    );
}
