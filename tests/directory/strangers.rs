//! Strangers: forgeries through the real service, bytes that are no request, floods, and programs that speak JSON only.

use libp2p::futures::AsyncReadExt as _;
use natcoin::behaviour::Declined;
use natcoin::chain::codec::Encode as _;
use natcoin::chain::hash::{Hash, hex};
use natcoin::chain::key::{Address, Signature};
use natcoin::directory::address::{Endpoint, Transport};
use natcoin::directory::card::{Addresses, Card, Presence, Whereabouts};
use natcoin::directory::exchange::{Question, Request};
use natcoin::directory::keeper::MAX_BLAME;
use natcoin::node::network::RequestError;
use serde_json::Value;

use super::cards::{Guest, held, now_ms, peer, said, wallet};
use crate::common::stranger::Stranger;
use crate::common::town::{Town, address, bootstrap_of, node_key, person};
use crate::common::wait::eventually;

/// Every kind of card that breaks a rule, with the rule, where the true one has the number `number`.
fn refused(network: Hash, number: u64) -> Vec<(Card, u8)> {
    let newer = |change: &dyn Fn(&mut Whereabouts)| {
        let mut said = said(network, 0, 1, number + 1, 600_000);
        change(&mut said);
        said
    };
    let own = |said: Whereabouts| said.sign(&person(0), &peer(1));
    let elsewhere = |said: &mut Whereabouts| {
        let ip = "203.0.113.66".parse().unwrap();
        let endpoint = Endpoint::direct(ip, Transport::Quic, 1).unwrap();
        if let Presence::Here { addresses, .. } = &mut said.presence {
            *addresses = Addresses::new(vec![endpoint]).unwrap();
        }
    };
    let mut moved = own(newer(&|_| ()));
    elsewhere(&mut moved.whereabouts);
    let mut unsigned = own(newer(&|_| ()));
    unsigned.account_signature = Signature([0; 64]);
    vec![
        (own(newer(&|said| said.network = Hash([9; 32]))), 1),
        (own(said(network, 0, 1, number + 1, 600_001)), 2),
        (own(newer(&|said| said.issued_at_ms += 300_000)), 3),
        (own(newer(&|said| said.issued_at_ms -= 700_000)), 4),
        (own(newer(&|said| said.sequence = number - 1)), 5),
        (own(newer(&|said| said.account = Address([0; 32]))), 6),
        (unsigned, 7),
        (newer(&elsewhere).sign(&person(1), &peer(1)), 7),
        (newer(&elsewhere).sign(&person(0), &peer(2)), 8),
        (moved, 8),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn no_forgery_takes_the_place_of_a_true_card_and_each_is_told_its_rule() {
    let town = Town::of(2).await;
    let network = town.bootstrap.genesis().hash();
    let number = now_ms();
    let owner = Guest::at(&town.bootstrap, 0).await;
    let card = wallet(&town, 0, 1, number);
    assert_eq!(owner.put(&town.bootstrap, 0, vec![card.clone()]).await, [0]);
    for (forged, rule) in refused(network, number) {
        // Each by another: who hands on too many is sent away.
        let forger = Guest::at(&town.bootstrap, 0).await;
        let marks = forger.put(&town.bootstrap, 0, vec![forged]).await;
        assert_eq!(marks, [rule]);
        assert_eq!(held(&town, 0, &peer(1).public()).await, Some(card.clone()));
    }
    // D9: of two with one number the same one stays, whoever comes first. D10: the fifth of an account, with the least number.
    let mut twice = said(network, 0, 1, number, 500_000);
    twice.issued_at_ms = card.whereabouts.issued_at_ms;
    let twice = twice.sign(&person(0), &peer(1));
    let expected = match twice.whereabouts.id() < card.whereabouts.id() {
        true => 0,
        false => 9,
    };
    assert_eq!(owner.put(&town.bootstrap, 0, vec![twice]).await, [expected]);
    let many: Vec<Card> = (0..5)
        .map(|n| wallet(&town, 1, 30 + n, number + 9 - u64::from(n)))
        .collect();
    assert_eq!(owner.put(&town.bootstrap, 0, many).await, [0, 0, 0, 0, 10]);
    let counts = town.nodes[0]
        .as_ref()
        .unwrap()
        .directory()
        .look()
        .await
        .counts;
    assert_eq!(counts.refused[1..=8], [1, 1, 1, 1, 1, 1, 2, 2]);
    assert_eq!(counts.condemned, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_goes_on_forging_or_says_nonsense_is_disconnected() {
    let town = Town::of(1).await;
    let network = town.bootstrap.genesis().hash();
    let forger = Guest::at(&town.bootstrap, 0).await;
    let forged: Vec<Card> = (0..MAX_BLAME)
        .map(|n| said(network, 0, 1, now_ms() + u64::from(n), 600_000).sign(&person(1), &peer(1)))
        .collect();
    let _ = forger
        .say(&town.bootstrap, 0, Request::Put(forged).to_bytes())
        .await;
    let babbler = Guest::at(&town.bootstrap, 0).await;
    let said = babbler.say(&town.bootstrap, 0, vec![77]).await;
    assert!(
        matches!(
            said,
            Err(RequestError::Declined(Declined::Unavailable) | RequestError::ConnectionLost)
        ),
        "{said:?}"
    );
    eventually("both were sent away", async || {
        let counts = town.nodes[0]
            .as_ref()
            .unwrap()
            .directory()
            .look()
            .await
            .counts;
        counts.condemned == 2
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_cards_is_turned_away_and_the_book_stays_small() {
    let town = Town::of(1).await;
    let network = town.bootstrap.genesis().hash();
    let flooder = Guest::at(&town.bootstrap, 0).await;
    let mut declined = 0;
    for batch in 0..140u64 {
        // Signed by nobody: to make a million true ones costs more than to refuse them.
        let cards = (0..16).map(|n| {
            let mut said = said(network, 0, 1, now_ms(), 600_000);
            said.peer =
                natcoin::chain::key::PublicKey(Hash::of("flood", &[&[n], &batch.to_le_bytes()]).0);
            Card {
                whereabouts: said,
                account_signature: Signature([1; 64]),
                peer_signature: Signature([2; 64]),
            }
        });
        let request = Request::Put(cards.collect()).to_bytes();
        declined += u32::from(flooder.say(&town.bootstrap, 0, request).await.is_err());
    }
    assert!(declined > 0);
    let honest = Guest::at(&town.bootstrap, 0).await;
    let card = wallet(&town, 0, 1, now_ms());
    assert_eq!(honest.put(&town.bootstrap, 0, vec![card]).await, [0]);
    let look = town.nodes[0].as_ref().unwrap().directory().look().await;
    assert!(look.cards.len() <= 2 && look.counts.condemned > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_knows_nothing_of_us_looks_up_in_json_without_a_hello() {
    let town = Town::with(bootstrap_of("test", 1, 0), 1).await;
    let guest = Guest::at(&town.bootstrap, 0).await;
    let card = wallet(&town, 0, 1, now_ms());
    assert_eq!(guest.put(&town.bootstrap, 0, vec![card.clone()]).await, [0]);
    let node = &town.bootstrap.nodes()[0];
    let mut stranger = Stranger::dial((node.peer_id, node.addresses.clone())).await;
    let mut ask = async |text: String| -> Value {
        let back = stranger.shout("directory/1/json", text.as_bytes()).await;
        serde_json::from_slice(&back).expect("JSON")
    };
    let found = ask(format!("{{\"account\":\"{}\"}}\n", address(0))).await;
    assert_eq!(
        found["network"],
        town.bootstrap.genesis().hash().to_string()
    );
    let said = &found["cards"][0];
    assert_eq!(said["account"], address(0).to_string());
    assert_eq!(said["role"], "wallet");
    assert_eq!(said["peer_signature"], hex(&card.peer_signature.0));
    let own = ask(format!("{{\"peer\":\"{}\"}}", node.peer_id)).await;
    assert_eq!(own["cards"][0]["peer"], node.peer_id.to_string());
    assert_eq!(
        own["cards"][0]["addresses"][0],
        node.addresses[0].to_string()
    );
    let nobody = ask(format!("{{\"account\":\"{}\"}}", address(1))).await;
    assert_eq!(nobody["cards"], serde_json::json!([]));
    for text in [
        "",
        "{}",
        "nonsense",
        "{\"name\":\"alice\"}",
        "{\"peer\":\"x\"}",
    ] {
        let refused = ask(text.to_owned()).await;
        assert!(refused["error"].is_string(), "{text}: {refused}");
    }
    // More than a question has is not read to its end.
    let mut stream = stranger.open("directory/1/json").await;
    let mut back = Vec::new();
    let long = vec![b' '; 4096];
    let _ = libp2p::futures::AsyncWriteExt::write_all(&mut stream, &long).await;
    let _ = libp2p::futures::AsyncWriteExt::close(&mut stream).await;
    let _ = stream.read_to_end(&mut back).await;
    assert!(back.is_empty(), "{back:?}");
    assert_eq!(node_key(0).public(), node.key);
    let by_peer = guest
        .ask(&town.bootstrap, 0, Question::OfPeer(peer(1).public()))
        .await;
    assert_eq!(by_peer, [card], "the node still serves");
}
