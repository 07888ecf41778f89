//! What comes in: every kind of forgery, every rule's refusal, floods, and peers that are sent away.

use std::time::Duration;

use super::world::{World, key};
use crate::chain::codec::Encode as _;
use crate::chain::hash::Hash;
use crate::chain::key::{Address, PublicKey, Signature};
use crate::directory::card::{Card, Presence, Role, Whereabouts};
use crate::directory::exchange::{Answer, Request, Told};
use crate::directory::keeper::{MAX_BLAME, Reply, Verdict};
use crate::directory::testing::{NOW_MS, WALLET_TTL_MS, account, at, here, peer, wallet};

/// A wallet's card of a world that has just begun.
fn said(of: u32, with: u32, sequence: u64) -> Whereabouts {
    wallet(of, with, sequence)
}

fn signed(of: u32, with: u32, said: Whereabouts) -> Card {
    said.sign(&account(of), &peer(with))
}

fn begun(nodes: usize) -> World {
    let mut world = World::of(nodes);
    world.run(Duration::from_secs(1));
    world
}

/// Every kind of forgery of the card of the wallet 1, each with a greater number; and the rule that refuses it.
fn forgeries() -> Vec<(&'static str, Card, u8)> {
    let true_card = signed(1, 1, said(1, 1, 9));
    let newer = |change: &dyn Fn(&mut Whereabouts)| {
        let mut said = said(1, 1, 10);
        change(&mut said);
        said
    };
    let weak = PublicKey([0; 32]);
    let elsewhere = newer(&|said| said.presence = here(&[at("203.0.113.66")], WALLET_TTL_MS));
    let mut swapped = elsewhere.clone().sign(&account(1), &peer(1));
    swapped.whereabouts.presence = here(&[at("203.0.113.67")], WALLET_TTL_MS);
    let mut replayed = elsewhere.clone().sign(&account(2), &peer(1));
    replayed.account_signature = true_card.account_signature;
    let mut garbage = elsewhere.clone().sign(&account(1), &peer(1));
    garbage.peer_signature = Signature([7; 64]);
    vec![
        (
            "another network's",
            signed(1, 1, newer(&|said| said.network = Hash([9; 32]))),
            1,
        ),
        (
            "a life without end",
            signed(
                1,
                1,
                newer(&|said| said.presence = here(&[], WALLET_TTL_MS + 1)),
            ),
            2,
        ),
        (
            "of the future",
            signed(1, 1, newer(&|said| said.issued_at_ms = NOW_MS + 300_000)),
            3,
        ),
        (
            "long over",
            signed(1, 1, newer(&|said| said.issued_at_ms = NOW_MS - 700_000)),
            4,
        ),
        ("an older one", signed(1, 1, said(1, 1, 8)), 5),
        (
            "a weak account",
            newer(&|said| said.account = Address(weak.0)).sign(&account(1), &peer(1)),
            6,
        ),
        (
            "signed by another account",
            elsewhere.clone().sign(&account(2), &peer(1)),
            7,
        ),
        (
            "signed by another peer",
            elsewhere.clone().sign(&account(1), &peer(2)),
            8,
        ),
        ("its addresses exchanged", swapped, 8),
        ("with the signature of an older card", replayed, 7),
        ("with a signature that is none", garbage, 8),
    ]
}

#[test]
fn a_poisoned_card_never_replaces_a_true_one_and_the_answer_says_why() {
    for (what, forged, rule) in forgeries() {
        let mut world = begun(2);
        world.enrol(2);
        let true_card = signed(1, 1, said(1, 1, 9));
        let wallet = peer(1).public();
        assert_eq!(world.put(0, wallet, vec![true_card.clone()]), Some(vec![0]));
        world.run(Duration::from_secs(1));
        let stranger = peer(66).public();
        let marks = world.put(0, stranger, vec![forged.clone()]);
        assert_eq!(marks, Some(vec![rule]), "{what}");
        let verdict = world.tell(1, stranger, vec![forged]);
        let is_blamed = matches!(rule, 1 | 2 | 6 | 7 | 8);
        let expected = match is_blamed {
            true => Verdict::Reject,
            false => Verdict::Ignore,
        };
        assert_eq!(verdict, Some(expected), "{what}");
        world.run(Duration::from_secs(40));
        for node in 0..2 {
            assert_eq!(
                world.book(node).of_peer(&wallet),
                Some(&true_card),
                "{what}"
            );
            let refused = world.keeper(node).counts().refused;
            assert_eq!(refused[usize::from(rule)], 1, "{what}: {refused:?}");
        }
    }
}

#[test]
fn rules_of_the_book_are_told_too_without_blame() {
    let mut world = begun(1);
    let stranger = peer(66).public();
    // D9: the same number twice; the smaller identity stays.
    let mut two = [signed(1, 1, said(1, 1, 9)), {
        let mut said = said(1, 1, 9);
        said.presence = here(&[at("203.0.113.66")], WALLET_TTL_MS);
        signed(1, 1, said)
    }];
    two.sort_by_key(|card| card.whereabouts.id());
    let [smaller, greater] = two;
    assert_eq!(
        world.put(0, stranger, vec![smaller, greater]),
        Some(vec![0, 9])
    );
    // D10: five peers of one account.
    let cards = (10..15).map(|with| signed(5, with, said(5, with, 100 - u64::from(with))));
    let marks = world.put(0, stranger, cards.collect());
    assert_eq!(marks, Some(vec![0, 0, 0, 0, 10]));
    // D11: a neighbourhood.
    let mut marks = Vec::new();
    for with in 20..37 {
        let mut said = said(with, with, 1);
        said.presence = here(&[at(&format!("203.0.113.{with}"))], WALLET_TTL_MS);
        marks.extend(
            world
                .put(0, stranger, vec![signed(with, with, said)])
                .unwrap(),
        );
    }
    assert_eq!(marks[15..], [0, 11]);
    assert!(world.sent_away.is_empty(), "{:?}", world.sent_away);
}

#[test]
fn a_full_book_says_so_and_lets_members_and_the_verified_in() {
    let mut world = World::with_room(1, 4);
    world.run(Duration::from_secs(1));
    let stranger = peer(66).public();
    let marks: Vec<u8> = (1..6)
        .flat_map(|n| {
            world
                .put(0, stranger, vec![signed(n, n, said(n, n, 1))])
                .unwrap()
        })
        .collect();
    assert_eq!(marks, [0, 0, 0, 12, 12]);
    world.members.insert(account(7).address());
    assert_eq!(
        world.put(0, stranger, vec![signed(7, 7, said(7, 7, 1))]),
        Some(vec![0])
    );
    assert_eq!(world.book(0).len(), 4);
    assert!(
        world.book(0).of_peer(&key(0).public()).is_some(),
        "our own stays"
    );
}

#[test]
fn a_visitor_backs_off_where_there_is_no_room_and_tries_again_later() {
    // The other's book has room for its own card and four.
    let mut world = World::with_room(2, 100_000);
    world.kill(1);
    let stranger = peer(66).public();
    for number in 1..30 {
        let card = signed(number, number, said(number, number, 1));
        assert_eq!(world.put(0, stranger, vec![card]), Some(vec![0]));
    }
    world.set_room(5);
    world.start(1);
    world.link(0, 1);
    world.run(Duration::from_secs(5));
    let refused = |world: &World| world.keeper(1).counts().refused[12];
    let at_first = refused(&world);
    assert!(at_first > 0 && world.book(1).len() == 5);
    world.run(Duration::from_secs(55));
    let of_own_visits = refused(&world) - at_first;
    assert!(world.sent_away.is_empty());
    // The small book's own visits are refused by itself; the large one's hand in nothing within the pause.
    let handed_in = world.keeper(0).counts().turned_away;
    assert_eq!(handed_in, 0);
    assert!(of_own_visits <= 3 * 30, "{of_own_visits}");
}

#[test]
fn whoever_renews_too_often_is_told_so_and_only_they() {
    let mut world = begun(2);
    let restless = peer(1).public();
    let marks: Vec<u8> = (0..12)
        .flat_map(|n| {
            let card = signed(1, 1, said(1, 1, 100 + n));
            world.put(0, restless, vec![card]).unwrap()
        })
        .collect();
    assert_eq!(marks, [0, 0, 0, 0, 0, 0, 0, 0, 13, 13, 13, 13]);
    let other = world.put(0, restless, vec![signed(2, 2, said(2, 2, 1))]);
    assert_eq!(other, Some(vec![0]));
    world.run(Duration::from_secs(16));
    let later = world.put(0, restless, vec![signed(1, 1, said(1, 1, 300))]);
    assert_eq!(later, Some(vec![0]));
}

#[test]
fn forged_renewals_of_another_do_not_use_up_its_own() {
    let mut world = begun(1);
    for number in 0..20 {
        let forged = said(1, 1, 100 + number).sign(&account(2), &peer(1));
        let from = peer(600 + u32::try_from(number).unwrap()).public();
        assert_eq!(world.put(0, from, vec![forged]), Some(vec![7]));
    }
    let own = world.put(0, peer(1).public(), vec![signed(1, 1, said(1, 1, 200))]);
    assert_eq!(own, Some(vec![0]));
}

#[test]
fn a_peer_that_hands_on_forgeries_or_nonsense_is_sent_away() {
    let mut world = begun(1);
    let [forger, babbler, gossip] = [61, 62, 63].map(|number| peer(number).public());
    for number in 0..MAX_BLAME {
        assert!(world.sent_away.is_empty());
        let forged = said(1, 1, 100 + u64::from(number)).sign(&account(1), &peer(2));
        assert_eq!(world.put(0, forger, vec![forged]), Some(vec![8]));
    }
    assert_eq!(world.sent_away, [(0, forger)]);
    let id = world.ask(0, babbler, &[9, 9, 9]);
    assert_eq!(world.reply(id), Some(Reply::Unreadable));
    assert_eq!(world.gossip(0, gossip, b"nonsense"), Some(Verdict::Reject));
    assert_eq!(
        world.gossip(0, gossip, &Told(vec![]).to_bytes()),
        Some(Verdict::Reject)
    );
    let away: Vec<PublicKey> = world.sent_away.iter().map(|(_, peer)| *peer).collect();
    assert_eq!(away, [forger, babbler, gossip, gossip]);
    assert_eq!(world.book(0).len(), 1);
}

#[test]
fn a_flood_of_invented_cards_costs_bounded_work_and_keeps_no_others_out() {
    let mut world = begun(2);
    let flooder = peer(66).public();
    let proved = world.proved;
    let mut turned_away = 0;
    // Four thousand cards within a second; anybody can make keys.
    for batch in 0..250u32 {
        let cards = (0..16).map(|n| {
            let number = 5_000 + batch * 16 + n;
            let mut said = said(number, number, 1);
            // Forged, so that making them costs the test nothing.
            said.presence = Presence::Gone;
            Card {
                whereabouts: said,
                account_signature: Signature([1; 64]),
                peer_signature: Signature([2; 64]),
            }
        });
        let id = world.ask(0, flooder, &Request::Put(cards.collect()).to_bytes());
        world.run(Duration::from_millis(4));
        turned_away += u32::from(world.reply(id) == Some(Reply::Busy));
    }
    let work = world.proved - proved;
    assert!(
        work <= 1024 + 400 && turned_away > 100,
        "{work} {turned_away}"
    );
    // Another has its own share, behind what waits already.
    let honest = Request::Put(vec![signed(1, 1, said(1, 1, 1))]).to_bytes();
    let id = world.ask(0, peer(1).public(), &honest);
    world.run(Duration::from_secs(3));
    let taken = Answer::Put(vec![0]).to_bytes();
    assert_eq!(world.reply(id), Some(Reply::Bytes(taken)));
    assert!(world.sent_away.contains(&(0, flooder)));
    assert!(world.book(0).len() <= 3);
}

#[test]
fn a_card_that_is_known_is_neither_proved_nor_told_again() {
    let mut world = begun(2);
    world.enrol(2);
    let card = signed(1, 1, said(1, 1, 1));
    world.put(0, peer(1).public(), vec![card.clone()]);
    world.run(Duration::from_secs(1));
    let proved = world.proved;
    assert_eq!(
        world.put(1, peer(66).public(), vec![card.clone()]),
        Some(vec![0])
    );
    let verdict = world.tell(0, peer(66).public(), vec![card]);
    assert_eq!(verdict, Some(Verdict::Ignore));
    assert_eq!(world.proved, proved);
    assert_eq!(Role::Wallet.to_string(), "wallet");
}
