//! What tests of the directory are made of: cards, signed and drawn.

use std::num::NonZeroU32;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::address::{Endpoint, Transport};
use super::book::{Book, Standing};
use super::card::{Addresses, Card, MAX_ADDRESSES, Presence, Role, SoundCard, Whereabouts};
use super::exchange::{
    Answer, Heard, MAX_ANSWER_BYTES, MAX_REQUEST_BYTES, Request, Visit, put_mark,
};
use crate::chain::codec::{Decode, Encode};
use crate::chain::hash::Hash;
use crate::chain::key::{Address, PublicKey, SecretKey, Signature};

/// The tests' clock: 2026-01-01.
pub(crate) const NOW_MS: u64 = 1_767_225_600_000;

/// The tests' network.
pub(crate) const NETWORK: Hash = Hash([0x11; 32]);

/// A wallet's longest life.
pub(crate) const WALLET_TTL_MS: u32 = Role::Wallet.max_ttl_ms();

/// The key of a numbered account.
pub(crate) fn account(number: u32) -> SecretKey {
    seeded(1, number)
}

/// The key of a numbered peer.
pub(crate) fn peer(number: u32) -> SecretKey {
    seeded(2, number)
}

fn seeded(kind: u8, number: u32) -> SecretKey {
    let mut seed = [kind; 32];
    seed[..4].copy_from_slice(&number.to_le_bytes());
    SecretKey::from_seed(&seed)
}

/// A QUIC address.
pub(crate) fn at(ip: &str) -> Endpoint {
    Endpoint::direct(ip.parse().unwrap(), Transport::Quic, 18_000).unwrap()
}

/// The peer is at these addresses, for a life.
pub(crate) fn here(addresses: &[Endpoint], ttl_ms: u32) -> Presence {
    Presence::Here {
        ttl_ms: NonZeroU32::new(ttl_ms).unwrap(),
        addresses: Addresses::new(addresses.to_vec()).unwrap(),
    }
}

/// A wallet of the numbered account and peer, issued now and without addresses.
pub(crate) fn wallet(of: u32, with: u32, sequence: u64) -> Whereabouts {
    Whereabouts {
        network: NETWORK,
        account: account(of).address(),
        peer: peer(with).public(),
        sequence,
        issued_at_ms: NOW_MS,
        role: Role::Wallet,
        presence: here(&[], WALLET_TTL_MS),
    }
}

/// A card signed by the numbered account and peer.
pub(crate) fn sound(of: u32, with: u32, whereabouts: Whereabouts) -> SoundCard {
    let card = whereabouts.sign(&account(of), &peer(with));
    card.prove().expect("both have signed")
}

/// Any endpoint.
pub(crate) fn any_endpoint() -> impl Strategy<Value = Endpoint> {
    let ip = prop_oneof![
        any::<[u8; 4]>().prop_map(std::net::IpAddr::from),
        any::<[u8; 16]>().prop_map(std::net::IpAddr::from),
    ];
    let transport = prop_oneof![Just(Transport::Quic), Just(Transport::Tcp)];
    let relay = option::of(any::<[u8; 32]>().prop_map(PublicKey));
    (ip, transport, 1u16.., relay).prop_filter_map("a host", |(ip, transport, port, relay)| {
        let direct = Endpoint::direct(ip, transport, port).ok()?;
        Some(match relay {
            Some(relay) => direct.through(relay),
            None => direct,
        })
    })
}

fn any_presence() -> impl Strategy<Value = Presence> {
    let addresses = vec(any_endpoint(), 0..=MAX_ADDRESSES);
    prop_oneof![
        1 => Just(Presence::Gone),
        4 => (1u32.., addresses).prop_filter_map("each once", |(ttl_ms, addresses)| {
            let addresses = Addresses::new(addresses).ok()?;
            let ttl_ms = NonZeroU32::new(ttl_ms)?;
            Some(Presence::Here { ttl_ms, addresses })
        }),
    ]
}

/// Any well-formed card; its signatures are any bytes.
pub(crate) fn any_card() -> impl Strategy<Value = Card> {
    let role = prop_oneof![
        Just(Role::Validator),
        Just(Role::Follower),
        Just(Role::Wallet)
    ];
    let keys = any::<[[u8; 32]; 3]>();
    let signatures = (vec(any::<u8>(), 64), vec(any::<u8>(), 64));
    (keys, any::<[u64; 2]>(), role, any_presence(), signatures).prop_map(
        |([network, account, peer], [sequence, issued_at_ms], role, presence, (one, other))| {
            let signature = |bytes: Vec<u8>| Signature(bytes.try_into().unwrap());
            Card {
                whereabouts: Whereabouts {
                    network: Hash(network),
                    account: Address(account),
                    peer: PublicKey(peer),
                    sequence,
                    issued_at_ms,
                    role,
                    presence,
                },
                account_signature: signature(one),
                peer_signature: signature(other),
            }
        },
    )
}

/// A wallet whose keys are any bytes: nobody could have signed for it.
pub(crate) fn invented(number: u32) -> Whereabouts {
    let key = |tag| Hash::of(tag, &[&number.to_le_bytes()]).0;
    Whereabouts {
        network: NETWORK,
        account: Address(key("test/account")),
        peer: PublicKey(key("test/peer")),
        sequence: NOW_MS,
        issued_at_ms: NOW_MS,
        role: Role::Wallet,
        presence: here(&[], WALLET_TTL_MS),
    }
}

/// A card that passes for signed, for a book, which does not look at signatures.
pub(crate) fn unsigned(whereabouts: Whereabouts) -> SoundCard {
    SoundCard::from_own_records(Card {
        whereabouts,
        account_signature: Signature([1; 64]),
        peer_signature: Signature([2; 64]),
    })
}

/// What a visit took.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    pub requests: usize,
    pub answer_bytes: usize,
    pub fetched: usize,
    pub handed_in: usize,
}

/// One book visits another; all that is said passes through its bytes, within their bounds.
pub(crate) fn visit(guest: &mut Book, host: &mut Book, now_ms: u64) -> Traffic {
    let mut visit = Visit::default();
    let mut traffic = Traffic::default();
    while let Some(request) = visit.next(guest, now_ms) {
        let bytes = request.to_bytes();
        assert!(bytes.len() <= MAX_REQUEST_BYTES);
        let answer = match Request::from_bytes(&bytes).unwrap() {
            Request::Ask(question) => host.answer(&question, now_ms),
            Request::Put(cards) => {
                traffic.handed_in += cards.len();
                Answer::Put(put_all(host, cards, now_ms))
            }
        };
        let bytes = answer.to_bytes();
        assert!(bytes.len() <= MAX_ANSWER_BYTES);
        traffic.requests += 1;
        traffic.answer_bytes += bytes.len();
        match visit.heard(guest, Answer::from_bytes(&bytes).unwrap()) {
            Heard::Cards(cards) => {
                traffic.fetched += cards.len();
                put_all(guest, cards, now_ms);
            }
            Heard::HandedIn(_) => {}
            Heard::Misfit => panic!("an honest host fits"),
        }
    }
    traffic
}

fn put_all(book: &mut Book, cards: Vec<Card>, now_ms: u64) -> Vec<u8> {
    let put = |card| {
        let card = SoundCard::from_own_records(card);
        put_mark(&book.put(card, Standing::Stranger, now_ms))
    };
    cards.into_iter().map(put).collect()
}

/// Two books visit each other.
pub(crate) fn meet(one: &mut Book, other: &mut Book, now_ms: u64) {
    visit(one, other, now_ms);
    visit(other, one, now_ms);
}
