//! Courses: publishing, renewing, dying, splitting, starting again, leaving.

use std::time::Duration;

use super::world::{World, key};
use crate::directory::address::Scope;
use crate::directory::book::Standing;
use crate::directory::card::Card;
use crate::directory::keeper::{Input, VISIT_EVERY, Verdict};
use crate::directory::publisher::worth_publishing;
use crate::directory::testing::{account, at, peer, sound, wallet};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

/// A wallet's card, issued now.
fn of_wallet(world: &World, number: u32) -> Card {
    let mut said = wallet(number, number, world.now().unix_ms);
    said.issued_at_ms = world.now().unix_ms;
    said.sign(&account(number), &peer(number))
}

#[test]
fn each_node_holds_the_card_of_every_other_and_renews_its_own() {
    let mut world = World::of(3);
    world.run(2 * SECOND);
    for holder in 0..3 {
        assert_eq!(world.book(holder).len(), 3);
    }
    let sequence = |world: &World| {
        let card = world.book(2).of_peer(&key(0).public()).unwrap();
        card.whereabouts.sequence
    };
    let first = sequence(&world);
    world.run(29 * MINUTE);
    assert_eq!(sequence(&world), first);
    world.run(2 * MINUTE);
    assert!(sequence(&world) > first, "at half of its life");
    world.run(200 * MINUTE);
    assert!((0..3).all(|holder| world.book(holder).len() == 3));
    assert!(world.sent_away.is_empty());
}

#[test]
fn new_addresses_are_published_after_a_short_pause() {
    let mut world = World::of(2);
    world.run(SECOND);
    let here = |ip| worth_publishing([at(ip)], Scope::Public);
    let now = world.now();
    let keeper = world.nodes[0].keeper.as_mut().unwrap();
    let effects = keeper.handle(Input::Addresses(here("198.51.100.7")), now);
    world.perform_all(0, effects);
    world.run(15 * SECOND);
    let card = world.book(1).of_peer(&key(0).public()).unwrap();
    assert_eq!(card.whereabouts.addresses(), [at("198.51.100.7")]);
}

#[test]
fn a_wallet_that_is_handed_in_at_one_node_is_found_at_all_and_gone_after_its_life() {
    let mut world = World::of(4);
    world.run(SECOND);
    let card = of_wallet(&world, 1);
    let life = Duration::from_millis(card.whereabouts.ttl_ms().into());
    world.members.insert(account(1).address());
    assert_eq!(
        world.put(0, peer(1).public(), vec![card.clone()]),
        Some(vec![0])
    );
    world.run(SECOND);
    for node in 0..4 {
        assert_eq!(world.book(node).of_account(&account(1).address()), [&card]);
    }
    let standing = |world: &World| {
        let mut cards = world.book(3).cards();
        cards.find(|(found, _)| **found == card).unwrap().1
    };
    assert_eq!(standing(&world), Standing::Member);
    world.run(life - 10 * SECOND);
    assert!(world.book(2).of_peer(&peer(1).public()).is_some());
    // It says nothing more: within its life, and what it takes to look, nobody holds it.
    world.run(25 * SECOND);
    for node in 0..4 {
        assert_eq!(world.book(node).of_peer(&peer(1).public()), None);
    }
}

#[test]
fn a_network_that_was_split_holds_the_same_table_soon_after_it_is_healed() {
    let mut world = World::of(4);
    world.enrol(40);
    world.run(SECOND);
    let across = [(0, 2), (0, 3), (1, 2), (1, 3)];
    for (one, other) in across {
        world.unlink(one, other);
    }
    for number in 0..40 {
        let card = of_wallet(&world, number);
        let node = usize::try_from(number).unwrap() % 4;
        assert_eq!(
            world.put(node, peer(number).public(), vec![card]),
            Some(vec![0])
        );
    }
    world.run(SECOND);
    assert_eq!((world.book(0).len(), world.book(3).len()), (24, 24));
    assert!(!world.is_in_agreement());
    for (one, other) in across {
        world.link(one, other);
    }
    world.run(5 * SECOND);
    assert_eq!(world.book(1).len(), 44);
    assert!(world.is_in_agreement());
}

#[test]
fn a_strangers_card_is_not_gossiped_and_found_everywhere_all_the_same() {
    let mut world = World::of(3);
    world.run(SECOND);
    let card = of_wallet(&world, 1);
    let stranger = peer(1).public();
    assert_eq!(world.put(0, stranger, vec![card.clone()]), Some(vec![0]));
    world.run(SECOND);
    assert_eq!(world.book(1).of_peer(&stranger), None);
    let next = world.tell(1, stranger, vec![card.clone()]);
    assert_eq!(next, Some(Verdict::Ignore), "taken, and not passed on");
    assert_eq!(world.book(1).of_peer(&stranger), Some(&card));
    assert_eq!(world.book(2).of_peer(&stranger), None);
    world.run(3 * VISIT_EVERY);
    assert_eq!(world.book(2).of_peer(&stranger), Some(&card));
}

#[test]
fn what_gossip_has_lost_the_next_visits_bring() {
    let mut world = World::of(3);
    world.run(SECOND);
    // Put in without a word to anybody.
    let card = of_wallet(&world, 9);
    let now_ms = world.now().unix_ms;
    let said = card.whereabouts.clone();
    let book = &mut world.nodes[0].keeper.as_mut().unwrap().book;
    book.put(sound(9, 9, said), Standing::Stranger, now_ms)
        .unwrap();
    world.run(3 * VISIT_EVERY);
    assert!((0..3).all(|node| world.book(node).of_peer(&peer(9).public()) == Some(&card)));
}

#[test]
fn a_node_that_starts_again_has_its_book_and_a_greater_number() {
    let mut world = World::of(2);
    world.run(SECOND);
    let card = of_wallet(&world, 1);
    world.put(0, peer(1).public(), vec![card.clone()]);
    world.run(6 * MINUTE);
    let before = world.nodes[0].disk.number.unwrap();
    world.kill(1);
    world.kill(0);
    world.start(0);
    assert_eq!(
        world.book(0).of_peer(&peer(1).public()),
        Some(&card),
        "from the disk alone"
    );
    world.run(SECOND);
    assert!(world.nodes[0].disk.number.unwrap() > before);
}

#[test]
fn a_node_that_has_lost_its_number_learns_it_from_others() {
    let mut world = World::of(2);
    world.run(SECOND);
    // Its clock was far ahead when it last published, and its memory is gone.
    world.kill(0);
    let ahead = world.now().unix_ms + 1_000_000;
    world.nodes[0].disk.number = Some(ahead);
    world.start(0);
    world.link(0, 1);
    world.run(SECOND);
    let held = |world: &World| {
        let card = world.book(1).of_peer(&key(0).public()).unwrap();
        card.whereabouts.sequence
    };
    assert_eq!(held(&world), ahead + 1);
    world.kill(0);
    world.nodes[0].disk = Default::default();
    world.start(0);
    world.link(0, 1);
    world.run(MINUTE);
    assert!(held(&world) > ahead + 1, "{} after {ahead}", held(&world));
    assert!(world.is_in_agreement());
}

#[test]
fn no_card_leaves_before_its_number_is_kept() {
    let mut world = World::of(2);
    world.kill(0);
    world.nodes[0].disk.is_broken = true;
    world.start(0);
    world.link(0, 1);
    world.run(5 * MINUTE);
    assert_eq!(world.book(1).of_peer(&key(0).public()), None);
    world.nodes[0].disk.is_broken = false;
    world.run(2 * MINUTE);
    assert!(world.book(1).of_peer(&key(0).public()).is_some());
}

#[test]
fn cards_that_found_no_room_are_not_fetched_at_each_visit_and_come_in_when_there_is() {
    // Room for both nodes and four others.
    let mut world = World::with_room(2, 6);
    world.run(SECOND);
    let hand_in = |world: &mut World, node: usize, numbers: std::ops::Range<u32>| {
        let cards = numbers.map(|number| of_wallet(world, number)).collect();
        let marks = world.put(node, peer(99).public(), cards);
        assert_eq!(marks, Some(vec![0; 4]));
    };
    hand_in(&mut world, 0, 1..5);
    hand_in(&mut world, 1, 11..15);
    let before = world.proved;
    world.run(5 * MINUTE);
    // At each of ten visits each of the two is offered four cards, and wants to hand in four: both are tried at once and
    // after 1 and 3 minutes. Fetched each time they would be 80, beside 24 handed in.
    let tried = world.proved - before;
    assert!(
        (24..=48).contains(&tried),
        "{tried} cards were proved in vain"
    );
    assert_eq!((world.book(0).len(), world.book(1).len()), (6, 6));
    hand_in(&mut world, 1, 11..15);
    world.run(9 * MINUTE);
    assert!((11..15).all(|number| world.book(0).of_peer(&peer(number).public()).is_some()));
}

#[test]
fn a_node_that_leaves_withdraws_its_card_saves_and_goes_even_if_nobody_answers() {
    let mut world = World::of(3);
    world.run(SECOND);
    let leave = |world: &mut World, node: usize| {
        let now = world.now();
        let keeper = world.nodes[node].keeper.as_mut().unwrap();
        let effects = keeper.handle(Input::Leave, now);
        world.perform_all(node, effects);
    };
    leave(&mut world, 0);
    world.run(SECOND);
    assert!(world.nodes[0].has_left && world.nodes[0].disk.book.is_some());
    for holder in 1..3 {
        let card = world.book(holder).of_peer(&key(0).public()).unwrap();
        assert!(card.whereabouts.is_gone());
    }
    // The others do not answer any more.
    world.nodes[2].keeper = None;
    world.nodes[0].keeper = None;
    leave(&mut world, 1);
    world.run(Duration::from_millis(500));
    assert!(!world.nodes[1].has_left);
    world.run(Duration::from_millis(500));
    assert!(world.nodes[1].has_left);
}
