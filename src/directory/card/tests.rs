//! Cards: their form, their signatures, and every refusal of a card by itself.

use proptest::prelude::*;
use rand::SeedableRng as _;
use rand::rngs::StdRng;

use super::*;
use crate::chain::testing::damage;
use crate::directory::testing::{
    NETWORK, NOW_MS, WALLET_TTL_MS, account, any_card, at, here, peer, sound, wallet,
};

/// A wallet's card with an address.
fn card() -> Card {
    let said = Whereabouts {
        presence: here(&[at("198.51.100.7")], WALLET_TTL_MS),
        ..wallet(1, 2, NOW_MS)
    };
    said.sign(&account(1), &peer(2))
}

fn examined(change: impl FnOnce(&mut Whereabouts)) -> Result<(), u8> {
    let mut said = card().whereabouts;
    change(&mut said);
    said.examine(&NETWORK, NOW_MS)
        .map_err(|refusal| refusal.rule())
}

fn lives(role: Role, ttl_ms: u32) -> Result<(), u8> {
    examined(|said| {
        said.role = role;
        said.presence = here(&[], ttl_ms);
    })
}

proptest! {
    #[test]
    fn a_card_is_read_as_it_was_written(card in any_card()) {
        let bytes = card.to_bytes();
        prop_assert!(bytes.len() <= MAX_CARD_BYTES);
        prop_assert_eq!(Card::from_bytes(&bytes), Ok(card));
    }

    #[test]
    fn no_bytes_panic_and_what_is_read_has_one_form(
        bytes in damage::bytes(vec![card().to_bytes(), wallet(1, 2, 3).to_bytes()])
    ) {
        if let Ok(card) = Card::from_bytes(&bytes) {
            prop_assert_eq!(card.to_bytes(), bytes);
            let is_known = card == self::card() || card == wallet(1, 2, 3).sign(&account(1), &peer(2));
            prop_assert_eq!(card.prove().is_ok(), is_known);
        }
    }

    #[test]
    fn no_bit_of_a_card_can_be_turned(place in 0..card().to_bytes().len(), bit in 0u8..8) {
        let mut bytes = card().to_bytes();
        bytes[place] ^= 1 << bit;
        if let Ok(turned) = Card::from_bytes(&bytes) {
            prop_assert!(turned.prove().is_err());
        }
    }
}

#[test]
fn the_longest_card_is_as_long_as_is_said() {
    let relay = peer(9).public();
    let addresses: Vec<Endpoint> = (1..=8)
        .map(|n| at(&format!("2001:db8::{n}")).through(relay))
        .collect();
    let mut card = card();
    card.whereabouts.presence = here(&addresses, 1);
    assert_eq!(card.to_bytes().len(), MAX_CARD_BYTES);
    assert_eq!(MAX_CARD_BYTES, 675);
}

#[test]
fn nine_addresses_or_one_twice_make_no_list() {
    let many: Vec<Endpoint> = (1..=9).map(|n| at(&format!("10.0.0.{n}"))).collect();
    assert_eq!(
        Addresses::new(many.clone()),
        Err(AddressesFault::TooMany(9))
    );
    let twice = vec![many[0], many[1], many[0]];
    assert_eq!(Addresses::new(twice), Err(AddressesFault::Twice(2)));
}

#[test]
fn an_unknown_version_and_a_withdrawal_with_addresses_are_no_cards() {
    let mut bytes = card().to_bytes();
    bytes[0] = 2;
    let why = Card::from_bytes(&bytes).unwrap_err().to_string();
    assert!(why.contains("2 is unknown"), "{why}");

    let mut bytes = card().to_bytes();
    let ttl = 2 + 3 * 32 + 2 * 8;
    bytes[ttl..ttl + 4].fill(0);
    let why = Card::from_bytes(&bytes).unwrap_err().to_string();
    assert!(why.contains("names addresses"), "{why}");
}

#[test]
fn a_card_of_another_network_is_refused() {
    assert_eq!(
        examined(|said| said.network = Hash([0x22; 32])),
        Err(1),
        "D1"
    );
}

#[test]
fn a_wallet_lives_ten_minutes_and_a_node_sixty() {
    assert_eq!(lives(Role::Wallet, 600_000), Ok(()));
    assert_eq!(lives(Role::Wallet, 600_001), Err(2));
    for role in [Role::Follower, Role::Validator] {
        assert_eq!(lives(role, 3_600_000), Ok(()));
        assert_eq!(lives(role, 3_600_001), Err(2));
    }
}

#[test]
fn clocks_may_differ_by_two_minutes_and_no_more() {
    let issued = |at_ms| examined(|said| said.issued_at_ms = at_ms);
    assert_eq!(issued(NOW_MS + MAX_AHEAD_MS), Ok(()));
    assert_eq!(issued(NOW_MS + MAX_AHEAD_MS + 1), Err(3));
    assert_eq!(issued(u64::MAX), Err(3));
}

#[test]
fn a_card_ends_with_its_life_and_a_withdrawal_after_a_day() {
    let issued = |at_ms| examined(|said| said.issued_at_ms = at_ms);
    assert_eq!(issued(NOW_MS - u64::from(WALLET_TTL_MS) + 1), Ok(()));
    assert_eq!(issued(NOW_MS - u64::from(WALLET_TTL_MS)), Err(4));
    let gone = |at_ms| {
        examined(|said| {
            said.issued_at_ms = at_ms;
            said.presence = Presence::Gone;
        })
    };
    assert_eq!(gone(NOW_MS - REMEMBERED_MS + 1), Ok(()));
    assert_eq!(gone(NOW_MS - REMEMBERED_MS), Err(4));
}

#[test]
fn the_first_broken_rule_is_the_one_named() {
    let all_wrong = |said: &mut Whereabouts| {
        said.network = Hash::ZERO;
        said.presence = here(&[], u32::MAX);
        said.issued_at_ms = u64::MAX;
    };
    assert_eq!(examined(all_wrong), Err(1));
    let late_too = |said: &mut Whereabouts| {
        said.presence = here(&[], u32::MAX);
        said.issued_at_ms = 0;
    };
    assert_eq!(examined(late_too), Err(2));
}

#[test]
fn both_must_sign_and_each_only_for_itself() {
    let said = || wallet(1, 2, 5);
    assert!(said().sign(&account(1), &peer(2)).prove().is_ok());
    let rule = |card: Card| card.prove().unwrap_err().rule();
    assert_eq!(rule(said().sign(&account(7), &peer(2))), 7, "D7");
    assert_eq!(rule(said().sign(&account(1), &peer(7))), 8, "D8");
    assert_eq!(rule(said().sign(&peer(2), &account(1))), 7, "swapped");

    // One signature does not stand in the other's place, even if account and peer are one key.
    let one = account(1);
    let mut said = said();
    said.peer = one.public();
    let card = said.sign(&one, &one);
    assert!(card.clone().prove().is_ok());
    let swapped = Card {
        account_signature: card.peer_signature,
        peer_signature: card.account_signature,
        ..card
    };
    assert_eq!(rule(swapped), 7);
}

#[test]
fn the_account_binds_peer_number_and_life_but_not_the_addresses() {
    let base = wallet(1, 2, 5).account_sign_bytes();
    let bytes = |change: fn(&mut Whereabouts)| {
        let mut said = wallet(1, 2, 5);
        change(&mut said);
        said.account_sign_bytes()
    };
    assert_ne!(bytes(|said| said.network = Hash::ZERO), base);
    assert_ne!(bytes(|said| said.peer = peer(3).public()), base);
    assert_ne!(bytes(|said| said.sequence = 6), base);
    assert_ne!(bytes(|said| said.presence = here(&[], 5)), base);
    assert_ne!(bytes(|said| said.presence = Presence::Gone), base);
    let moved = |said: &mut Whereabouts| said.presence = here(&[at("10.0.0.1")], WALLET_TTL_MS);
    assert_eq!(bytes(moved), base);
}

#[test]
fn keys_for_which_anybody_can_sign_are_refused() {
    // The identity point: any scalar's signature of it is good under rule K1.
    let mut weak = [0; 32];
    weak[0] = 1;
    let mut said = wallet(1, 2, 5);
    said.account = Address(weak);
    let card = said.sign(&account(1), &peer(2));
    assert_eq!(card.prove().unwrap_err().rule(), 6, "D6");
    let mut said = wallet(1, 2, 5);
    said.peer = PublicKey(weak);
    assert_eq!(
        said.sign(&account(1), &peer(2)).prove().unwrap_err().rule(),
        6
    );
}

#[test]
fn a_batch_judges_each_card_as_it_would_be_judged_alone() {
    let mut cards: Vec<Card> = (0..12)
        .map(|n| wallet(n, n, 5).sign(&account(n), &peer(n)))
        .collect();
    cards[3].account_signature.0[0] ^= 1;
    cards[8].peer_signature.0[40] ^= 1;
    cards[9].whereabouts.sequence = 6;
    let alone: Vec<_> = cards.iter().cloned().map(Card::prove).collect();
    let mut random = StdRng::from_seed([3; 32]);
    assert_eq!(Card::prove_all(cards, &mut random), alone);
    assert_eq!(alone.iter().filter(|one| one.is_err()).count(), 3);
}

#[test]
fn numbers_grow_with_the_clock_and_past_it() {
    assert_eq!(next_sequence(None, NOW_MS), Some(NOW_MS));
    assert_eq!(next_sequence(Some(5), NOW_MS), Some(NOW_MS));
    assert_eq!(next_sequence(Some(NOW_MS + 9), NOW_MS), Some(NOW_MS + 10));
    assert_eq!(next_sequence(Some(u64::MAX), NOW_MS), None);
}

#[test]
fn another_signature_does_not_make_another_card() {
    let mut other = card();
    other.peer_signature.0[0] ^= 1;
    assert_eq!(other.whereabouts.id(), card().whereabouts.id());
    assert_ne!(
        sound(1, 2, wallet(1, 2, 6)).whereabouts().id(),
        sound(1, 2, wallet(1, 2, 5)).whereabouts().id()
    );
}

#[test]
fn a_card_is_refreshed_at_half_of_its_life() {
    let said = wallet(1, 2, 5);
    assert_eq!(said.refresh_at_ms(), NOW_MS + 300_000);
    assert_eq!(said.ends_at_ms(), NOW_MS + 600_000);
}

#[test]
fn cards_are_frozen() {
    use crate::chain::hash::hex;
    let relay = peer(9).public();
    let mut node = wallet(3, 4, 7);
    node.role = Role::Follower;
    node.presence = here(
        &[
            at("198.51.100.7"),
            at("2001:db8::7"),
            at("203.0.113.9").through(relay),
        ],
        3_600_000,
    );
    let mut gone = wallet(1, 2, NOW_MS + 1);
    gone.presence = Presence::Gone;
    let mut text = String::new();
    for (label, card) in [
        ("wallet", card()),
        ("node", node.sign(&account(3), &peer(4))),
        ("gone", gone.sign(&account(1), &peer(2))),
    ] {
        let said = &card.whereabouts;
        for (part, bytes) in [
            ("", card.to_bytes()),
            ("_id", said.id().to_bytes()),
            ("_account_signs", said.account_sign_bytes()),
            ("_peer_signs", said.peer_sign_bytes(&card.account_signature)),
        ] {
            text.push_str(&format!("{label}{part} {}\n", hex(&bytes)));
        }
        for end in 0..card.to_bytes().len() {
            assert!(Card::from_bytes(&card.to_bytes()[..end]).is_err());
        }
    }
    crate::chain::testing::network::assert_golden("cards.txt", &text);
}
