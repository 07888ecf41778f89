//! The book: what is taken and what is refused, who gives way, and that two books come to hold the same.

use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::directory::address::{Endpoint, Transport};
use crate::directory::card::{Presence, REMEMBERED_MS, Role};
use crate::directory::testing::{
    NETWORK, NOW_MS, WALLET_TTL_MS, account, at, here, invented, meet, peer, sound, unsigned,
    wallet,
};

/// What a refused card broke.
fn rule<T>(outcome: Result<T, Refusal>) -> Result<T, u8> {
    outcome.map_err(|refusal| refusal.rule())
}

fn book() -> Book {
    Book::new(NETWORK)
}

/// Puts a stranger's card now.
fn put(book: &mut Book, card: &SoundCard) -> Result<Taken, u8> {
    rule(book.put(card.clone(), Standing::Stranger, NOW_MS))
}

fn numbered(sequence: u64) -> SoundCard {
    sound(1, 2, wallet(1, 2, sequence))
}

/// An invented wallet at some addresses.
fn invented_at(number: u32, addresses: &[Endpoint]) -> SoundCard {
    let mut said = invented(number);
    said.presence = here(addresses, WALLET_TTL_MS);
    unsigned(said)
}

fn ids(book: &Book) -> Vec<Hash> {
    book.cards()
        .map(|(card, _)| card.whereabouts.id())
        .collect()
}

#[test]
fn the_newer_card_stays_and_an_older_one_never_comes_back() {
    let mut book = book();
    assert_eq!(put(&mut book, &numbered(5)), Ok(Taken::Added));
    assert_eq!(put(&mut book, &numbered(5)), Ok(Taken::Known));
    assert_eq!(put(&mut book, &numbered(9)), Ok(Taken::Replaced));
    for old in [0, 5, 8] {
        assert_eq!(put(&mut book, &numbered(old)), Err(5), "D5");
    }
    let peer = peer(2).public();
    assert_eq!(book.of_peer(&peer).unwrap().whereabouts.sequence, 9);
    assert_eq!(book.len(), 1);
}

#[test]
fn an_old_card_stays_away_though_its_own_life_is_longer() {
    let mut long = wallet(1, 2, 5);
    (long.role, long.presence) = (Role::Follower, here(&[], 3_600_000));
    let long = sound(1, 2, long);
    let mut brief = wallet(1, 2, 6);
    brief.presence = here(&[], 60_000);
    let mut book = book();
    put(&mut book, &long).unwrap();
    put(&mut book, &sound(1, 2, brief)).unwrap();
    let later = NOW_MS + 120_000;
    let replayed = book.put(long.clone(), Standing::Verified, later);
    assert_eq!(rule(replayed), Err(5));
    assert!(book.is_empty(), "the newer one has ended");

    let mut again = self::book().restore(&book.save(), later).unwrap();
    let replayed = again.put(long, Standing::Verified, later);
    assert_eq!(rule(replayed), Err(5), "also after a restart");
}

#[test]
fn a_withdrawal_stands_for_a_day_and_then_its_number_for_another() {
    let mut gone = wallet(1, 2, 7);
    gone.presence = Presence::Gone;
    let mut book = book();
    put(&mut book, &numbered(5)).unwrap();
    assert_eq!(put(&mut book, &sound(1, 2, gone)), Ok(Taken::Replaced));
    assert_eq!(put(&mut book, &numbered(6)), Err(5));
    assert!(
        book.of_peer(&peer(2).public())
            .unwrap()
            .whereabouts
            .is_gone()
    );

    assert_eq!(book.expire(NOW_MS + REMEMBERED_MS - 1), 0);
    assert_eq!(book.expire(NOW_MS + REMEMBERED_MS), 1);
    assert_eq!(book.numbers.iter().len(), 1);
    book.expire(NOW_MS + 2 * REMEMBERED_MS);
    assert_eq!(book.numbers.iter().len(), 0);
}

#[test]
fn of_two_cards_with_one_number_every_book_keeps_the_same() {
    let moved = |to: &str| {
        let mut said = wallet(1, 2, 5);
        said.presence = here(&[at(to)], WALLET_TTL_MS);
        sound(1, 2, said)
    };
    let mut cards = [moved("10.0.0.1"), moved("10.0.0.2")];
    cards.sort_by_key(|card| card.whereabouts().id());
    let [smaller, greater] = cards;
    let (mut one, mut other) = (book(), book());
    put(&mut one, &smaller).unwrap();
    assert_eq!(put(&mut one, &greater), Err(9), "D9");
    put(&mut other, &greater).unwrap();
    assert_eq!(put(&mut other, &smaller), Ok(Taken::Replaced));
    assert_eq!(one.digest(NOW_MS), other.digest(NOW_MS));
}

#[test]
fn nobody_but_its_owners_replaces_a_card() {
    let mut book = book();
    put(&mut book, &numbered(5)).unwrap();
    let before = ids(&book);
    // Another account for the peer, another peer for the account: each lacks one signature.
    let others_account = wallet(3, 2, 6).sign(&account(3), &peer(3)).prove();
    assert_eq!(rule(others_account), Err(8));
    let others_peer = wallet(1, 3, 6).sign(&account(3), &peer(3)).prove();
    assert_eq!(rule(others_peer), Err(7));
    // What others may do is to speak for themselves.
    let own = sound(3, 3, wallet(3, 3, u64::MAX));
    assert_eq!(put(&mut book, &own), Ok(Taken::Added));
    // And a card for another network enters no book of this one, however well it is signed.
    let mut foreign = wallet(1, 2, 6);
    foreign.network = Hash([0x22; 32]);
    assert_eq!(put(&mut book, &sound(1, 2, foreign)), Err(1));
    let after = ids(&book);
    assert!(before.iter().all(|id| after.contains(id)));
}

#[test]
fn cards_are_found_by_account_the_newest_first() {
    let mut book = book();
    for (with, sequence) in [(1, 5), (2, 9), (3, 7)] {
        put(&mut book, &sound(1, with, wallet(1, with, sequence))).unwrap();
    }
    put(&mut book, &sound(2, 4, wallet(2, 4, 8))).unwrap();
    let numbers = |of: u32| -> Vec<u64> {
        let cards = book.of_account(&account(of).address());
        cards.iter().map(|card| card.whereabouts.sequence).collect()
    };
    assert_eq!(numbers(1), [9, 7, 5]);
    assert_eq!(numbers(2), [8]);
    assert_eq!(numbers(3), [0; 0]);
}

#[test]
fn an_account_keeps_its_four_newest_cards() {
    let mut book = book();
    for with in 1..=4 {
        put(
            &mut book,
            &sound(1, with, wallet(1, with, 10 + u64::from(with))),
        )
        .unwrap();
    }
    assert_eq!(
        put(&mut book, &sound(1, 5, wallet(1, 5, 3))),
        Err(10),
        "D10"
    );
    assert_eq!(
        put(&mut book, &sound(1, 5, wallet(1, 5, 20))),
        Ok(Taken::Added)
    );
    assert_eq!(book.len(), MAX_PER_ACCOUNT);
    assert!(book.of_peer(&peer(1).public()).is_none(), "the oldest went");
    let evicted = sound(1, 1, wallet(1, 1, 11));
    assert_eq!(put(&mut book, &evicted), Err(10), "and stays away");
    assert_eq!(put(&mut book, &sound(1, 1, wallet(1, 1, 10))), Err(5));
    // One of the four may always be renewed.
    assert_eq!(
        put(&mut book, &sound(1, 2, wallet(1, 2, 13))),
        Ok(Taken::Replaced)
    );
}

#[test]
fn a_neighbourhood_is_full_with_sixteen_for_those_of_no_higher_standing() {
    let mut book = book();
    let place = |n: u32| at(&format!("198.51.100.{n}"));
    for n in 0..16 {
        assert_eq!(
            put(&mut book, &invented_at(n, &[place(n + 1)])),
            Ok(Taken::Added)
        );
    }
    let late = invented_at(100, &[place(100)]);
    assert_eq!(put(&mut book, &late), Err(11), "D11");
    assert_eq!(book.len(), 16, "a refusal changes nothing");
    // Elsewhere, behind a relay, or at home there is room.
    let relayed = place(100).through(peer(9).public());
    for (n, address) in [
        (101, at("198.51.101.1")),
        (102, relayed),
        (103, at("192.168.1.1")),
    ] {
        assert_eq!(
            put(&mut book, &invented_at(n, &[address])),
            Ok(Taken::Added)
        );
    }
    // A member takes the place of a stranger, the verified list is not counted at all.
    let member = book.put(late, Standing::Member, NOW_MS);
    assert_eq!(member, Ok(Taken::Added));
    assert_eq!(book.len(), 19);
    for n in 200..230 {
        let card = invented_at(n, &[place(n)]);
        assert!(book.put(card, Standing::Verified, NOW_MS).is_ok());
    }
    assert_eq!(book.len(), 49);
    // And one that is there may be renewed in a full neighbourhood.
    let mut said = invented(100);
    said.sequence += 1;
    said.presence = here(&[place(7)], WALLET_TTL_MS);
    let renewed = book.put(unsigned(said), Standing::Member, NOW_MS);
    assert_eq!(renewed, Ok(Taken::Replaced));
}

#[test]
fn a_full_book_gives_way_to_higher_standing_only() {
    let mut book = Book::with_room(NETWORK, 3);
    for n in 0..3 {
        put(&mut book, &invented_at(n, &[])).unwrap();
    }
    assert_eq!(put(&mut book, &invented_at(4, &[])), Err(12), "D12");
    for (n, standing) in [
        (5, Standing::Member),
        (6, Standing::Verified),
        (7, Standing::Member),
    ] {
        assert!(book.put(invented_at(n, &[]), standing, NOW_MS).is_ok());
    }
    let member = book.put(invented_at(8, &[]), Standing::Member, NOW_MS);
    assert_eq!(rule(member), Err(12));
    let verified = book.put(invented_at(9, &[]), Standing::Verified, NOW_MS);
    assert_eq!(verified, Ok(Taken::Added));
    assert_eq!(book.len(), 3);
    // What is known of an owner may change with the same card.
    let last = book
        .cards()
        .find(|(_, standing)| *standing == Standing::Member);
    let last = SoundCard::from_own_records(last.unwrap().0.clone());
    assert_eq!(book.put(last, Standing::Verified, NOW_MS), Ok(Taken::Known));
    let verified = book.put(invented_at(10, &[]), Standing::Verified, NOW_MS);
    assert_eq!(rule(verified), Err(12));
}

#[test]
fn withdrawals_give_way_first_and_are_remembered_by_number() {
    let mut book = Book::with_room(NETWORK, 2);
    let mut gone = wallet(1, 2, 7);
    gone.presence = Presence::Gone;
    put(&mut book, &sound(1, 2, gone)).unwrap();
    for (n, taken) in [(5, Ok(Taken::Added)), (6, Ok(Taken::Added)), (7, Err(12))] {
        assert_eq!(put(&mut book, &invented_at(n, &[])), taken);
    }
    assert!(book.of_peer(&peer(2).public()).is_none());
    assert_eq!(put(&mut book, &numbered(6)), Err(5));
    // A withdrawal displaces nobody but its own peer's card.
    let mut other = invented(8);
    other.presence = Presence::Gone;
    assert_eq!(put(&mut book, &unsigned(other)), Err(12));
    let mut own = invented(5);
    (own.sequence, own.presence) = (own.sequence + 1, Presence::Gone);
    assert_eq!(put(&mut book, &unsigned(own)), Ok(Taken::Replaced));
}

#[test]
fn a_hundred_thousand_invented_cards_displace_no_true_one() {
    const ROOM: usize = 20_000;
    let mut book = Book::with_room(NETWORK, ROOM);
    let mut truth = Vec::new();
    for n in 0..300u32 {
        let standing = match n {
            0..4 => Standing::Verified,
            4..100 => Standing::Member,
            _ => Standing::Stranger,
        };
        let ip = format!("198.51.{}.{}", n / 10, n % 10 + 1);
        let card = invented_at(n, &[at(&ip)]);
        truth.push(card.whereabouts().id());
        book.put(card, standing, NOW_MS).unwrap();
    }
    let mut refused = [0u32; 13];
    let relay = peer(1).public();
    for n in 1000..101_000u32 {
        let mut said = invented(n);
        // Few accounts with many peers; true neighbourhoods, others, relays and homes.
        if n % 3 == 0 {
            said.account = Address([u8::try_from(n % 7).unwrap(); 32]);
        }
        said.sequence = u64::from(n);
        let third = n % 40;
        let [third, fourth] = [third, n / 40 % 250 + 1].map(|byte| u8::try_from(byte).unwrap());
        let address = Endpoint::direct([198, 51, third, fourth].into(), Transport::Tcp, 1).unwrap();
        said.presence = match n % 4 {
            0 => here(&[address.through(relay)], WALLET_TTL_MS),
            1 => here(&[], WALLET_TTL_MS),
            2 => Presence::Gone,
            _ => here(&[address], WALLET_TTL_MS),
        };
        if let Err(refusal) = book.put(unsigned(said), Standing::Stranger, NOW_MS) {
            refused[usize::from(refusal.rule())] += 1;
        }
    }
    assert_eq!(book.len(), ROOM);
    assert!(refused[11] > 1000 && refused[12] > 10_000, "{refused:?}");
    let held: BTreeSet<Hash> = ids(&book).into_iter().collect();
    assert!(truth.iter().all(|id| held.contains(id)));
    let mut accounts: BTreeMap<Address, usize> = BTreeMap::new();
    let mut subnets = BTreeMap::new();
    for entry in book.cards.values() {
        *accounts
            .entry(entry.card.whereabouts().account)
            .or_default() += 1;
        for subnet in entry.place().subnets() {
            *subnets.entry(subnet).or_insert(0) += 1;
        }
    }
    assert!(accounts.values().all(|count| *count <= MAX_PER_ACCOUNT));
    assert_eq!(subnets.values().max(), Some(&MAX_PER_SUBNET));
    assert!(book.numbers.iter().len() <= ROOM);
    // Members still come in.
    for n in 200_000..200_100 {
        assert!(
            book.put(invented_at(n, &[]), Standing::Member, NOW_MS)
                .is_ok()
        );
    }
    assert_eq!(book.len(), ROOM);
}

#[test]
fn a_card_that_ends_makes_room() {
    let mut book = Book::with_room(NETWORK, 2);
    for n in 0..2 {
        put(&mut book, &invented_at(n, &[])).unwrap();
    }
    let later = NOW_MS + u64::from(WALLET_TTL_MS);
    let mut said = invented(5);
    said.issued_at_ms = later;
    let card = unsigned(said);
    assert_eq!(
        rule(book.put(card, Standing::Stranger, later)),
        Ok(Taken::Added)
    );
    assert_eq!(book.len(), 1);
    assert_eq!(book.numbers.iter().len(), 2);
}

/// Cards of seven peers; the odd ones are one account's, the even ones another's.
fn any_cards() -> impl Strategy<Value = Vec<SoundCard>> {
    let card = (0u32..14, 0u64..4, 0u8..3).prop_map(|(with, sequence, variant)| {
        let of = with % 2;
        let mut said = wallet(of, with, sequence);
        said.presence = match variant {
            0 => Presence::Gone,
            n => here(&[at(&format!("10.0.0.{n}"))], WALLET_TTL_MS),
        };
        sound(of, with, said)
    });
    vec(card, 0..24)
}

/// What any book must hold of some cards: of each peer the greatest number and then the smaller identity, of each
/// account the four with the greatest numbers.
fn wanted_of(cards: &[SoundCard]) -> Vec<Hash> {
    let mut best: BTreeMap<PublicKey, &Whereabouts> = BTreeMap::new();
    let order = |said: &Whereabouts| (said.sequence, std::cmp::Reverse(said.id()));
    for card in cards {
        let said = card.whereabouts();
        let held = best.entry(said.peer).or_insert(said);
        if order(said) > order(held) {
            *held = said;
        }
    }
    let mut all: Vec<&Whereabouts> = best.into_values().collect();
    all.sort_by_key(|said| std::cmp::Reverse((said.sequence, said.peer)));
    let mut of_account: BTreeMap<Address, usize> = BTreeMap::new();
    all.retain(|said| {
        let count = of_account.entry(said.account).or_default();
        *count += 1;
        *count <= MAX_PER_ACCOUNT
    });
    all.sort_by_key(|said| said.peer);
    all.into_iter().map(Whereabouts::id).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn two_books_hold_the_same_after_an_exchange_whatever_came_when(
        (all, order, split) in any_cards().prop_flat_map(|cards| {
            let places: Vec<usize> = (0..cards.len()).collect();
            let split = vec(0u8..4, cards.len());
            (Just(cards), Just(places).prop_shuffle(), split)
        })
    ) {
        let (mut one, mut other) = (book(), book());
        for (card, place) in all.iter().zip(&split) {
            if *place != 1 {
                let _ = put(&mut one, card);
            }
        }
        for place in &order {
            if split[*place] != 2 {
                let _ = put(&mut other, &all[*place]);
            }
        }
        meet(&mut one, &mut other, NOW_MS);
        prop_assert_eq!(ids(&one), wanted_of(&all));
        prop_assert_eq!(ids(&one), ids(&other));
        prop_assert_eq!(one.digest(NOW_MS), other.digest(NOW_MS));
    }

    #[test]
    fn a_digest_is_of_what_is_there_however_it_came_to_be(cards in any_cards(), at_ms in 0u64..900_000) {
        let mut book = book();
        for (place, card) in cards.iter().enumerate() {
            let _ = put(&mut book, card);
            // Asked in between, so that something is kept that must be forgotten.
            if place % 3 == 0 {
                book.digest(NOW_MS);
            }
        }
        let now_ms = NOW_MS + at_ms;
        let digest = book.digest(now_ms);
        let mut fresh = self::book();
        for (card, _) in book.cards() {
            let card = SoundCard::from_own_records(card.clone());
            fresh.put(card, Standing::Stranger, now_ms).unwrap();
        }
        prop_assert_eq!(fresh.digest(now_ms), digest);
    }

    #[test]
    fn a_saved_book_is_the_book(cards in any_cards()) {
        let mut book = book();
        for card in &cards {
            let _ = put(&mut book, card);
        }
        let bytes = book.save();
        let again = self::book().restore(&bytes, NOW_MS).unwrap();
        prop_assert_eq!(again.save(), bytes);
        prop_assert_eq!(ids(&again), ids(&book));
    }
}

#[test]
fn a_saved_book_that_is_damaged_or_anothers_is_refused() {
    let mut book = book();
    put(&mut book, &numbered(5)).unwrap();
    let bytes = book.save();
    for place in 0..bytes.len() {
        let mut turned = bytes.clone();
        turned[place] ^= 0x10;
        let fault = self::book().restore(&turned, NOW_MS).unwrap_err();
        assert_eq!(fault, SavedFault::Damaged(bytes.len()));
        assert!(self::book().restore(&bytes[..place], NOW_MS).is_err());
    }
    let other = Book::new(Hash([0x22; 32])).restore(&bytes, NOW_MS);
    assert!(matches!(other, Err(SavedFault::ForeignNetwork { .. })));
    crate::chain::testing::network::assert_golden(
        "directory_book.txt",
        &format!("book {}\n", crate::chain::hash::hex(&bytes)),
    );
}
