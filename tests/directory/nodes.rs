//! Nodes among themselves: publishing, finding, splitting, starting again, leaving.

use natcoin::directory::address::to_endpoint;
use natcoin::directory::book::Standing;
use natcoin::directory::card::Presence;
use natcoin::directory::exchange::Question;

use super::cards::{Guest, held, now_ms, peer, said, wallet};
use crate::common::town::{Town, address, bootstrap, node_key, person};
use crate::common::wait::eventually;

/// The identities of all cards that a node holds.
async fn table(town: &Town, node: usize) -> Vec<natcoin::chain::hash::Hash> {
    let directory = town.nodes[node].as_ref().unwrap().directory();
    let cards = directory.look().await.cards;
    cards
        .iter()
        .map(|(card, _)| card.whereabouts.id())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_card_of_each_node_is_found_at_every_other() {
    let town = Town::of(3).await;
    for holder in 0..3 {
        for of in 0..3u8 {
            let key = node_key(of).public();
            let what = format!("node {holder} holds the card of node {of}");
            eventually(&what, async || held(&town, holder, &key).await.is_some()).await;
            let card = held(&town, holder, &key).await.unwrap();
            let listed = &town.bootstrap.nodes()[usize::from(of)].addresses;
            let listed: Vec<_> = listed.iter().map(|one| to_endpoint(one).unwrap()).collect();
            assert_eq!(card.whereabouts.addresses(), listed);
            card.prove().expect("both have signed");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_handed_in_at_one_node_is_found_at_another_until_its_life_is_over() {
    let town = Town::of(2).await;
    let (here, there) = (
        Guest::at(&town.bootstrap, 0).await,
        Guest::at(&town.bootstrap, 1).await,
    );
    let card = wallet(&town, 0, 1, now_ms());
    assert_eq!(here.put(&town.bootstrap, 0, vec![card.clone()]).await, [0]);
    for question in [
        Question::OfAccount(address(0)),
        Question::OfPeer(peer(1).public()),
    ] {
        eventually("the other node has heard of it", async || {
            let found = there.ask(&town.bootstrap, 1, question.clone()).await;
            found == [card.clone()]
        })
        .await;
    }
    let directory = town.nodes[1].as_ref().unwrap().directory();
    let cards = directory.look().await.cards;
    let alice = cards.iter().find(|(found, _)| *found == card).unwrap();
    assert_eq!(alice.1, Standing::Member, "alice is in the ledger");

    // One that says nothing more, because it has died.
    let network = town.bootstrap.genesis().hash();
    let mortal = said(network, 1, 2, now_ms(), 1_500).sign(&person(1), &peer(2));
    assert_eq!(here.put(&town.bootstrap, 0, vec![mortal]).await, [0]);
    eventually("nobody finds it any more", async || {
        let question = Question::OfAccount(address(1));
        let mut found = here.ask(&town.bootstrap, 0, question.clone()).await;
        found.extend(there.ask(&town.bootstrap, 1, question).await);
        found.is_empty()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn four_nodes_that_were_split_hold_the_same_table_again() {
    let town = Town::of(4).await;
    eventually("all know all", async || {
        let mut all = true;
        for node in 0..4 {
            all &= table(&town, node).await.len() == 4;
        }
        all
    })
    .await;
    let nodes = town.bootstrap.nodes().to_vec();
    let network = |node: usize| town.nodes[node].as_ref().unwrap().network();
    let across = [(0, 2), (0, 3), (1, 2), (1, 3)];
    for (one, other) in across {
        network(one).disconnect(nodes[other].peer_id).await.unwrap();
        network(other).disconnect(nodes[one].peer_id).await.unwrap();
    }
    eventually("the halves have lost each other", async || {
        let peers = network(0).peers().await.unwrap();
        peers.iter().filter(|peer| peer.is_up()).count() == 1
    })
    .await;
    let guests = [
        Guest::at(&town.bootstrap, 0).await,
        Guest::at(&town.bootstrap, 3).await,
    ];
    for number in 0..3u8 {
        let card = wallet(&town, number, 10 + number, now_ms());
        assert_eq!(guests[0].put(&town.bootstrap, 0, vec![card]).await, [0]);
        let card = wallet(&town, number, 20 + number, now_ms());
        assert_eq!(guests[1].put(&town.bootstrap, 3, vec![card]).await, [0]);
    }
    assert_ne!(table(&town, 0).await, table(&town, 3).await);
    for (one, other) in across {
        let node = &nodes[other];
        network(one)
            .keep(node.peer_id, node.addresses.clone())
            .await
            .unwrap();
    }
    eventually("all hold the same", async || {
        let first = table(&town, 0).await;
        let mut same = first.len() == 10;
        for node in 1..4 {
            same &= table(&town, node).await == first;
        }
        same
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_starts_again_still_knows_who_is_where() {
    let mut town = Town::of(1).await;
    let guest = Guest::at(&town.bootstrap, 0).await;
    let card = wallet(&town, 0, 1, now_ms());
    assert_eq!(guest.put(&town.bootstrap, 0, vec![card.clone()]).await, [0]);
    let key = node_key(0).public();
    eventually("it has published", async || {
        held(&town, 0, &key).await.is_some()
    })
    .await;
    let before = held(&town, 0, &key).await.unwrap().whereabouts.sequence;
    town.stop(0).await;
    town.start(0).await;
    assert_eq!(held(&town, 0, &peer(1).public()).await, Some(card));
    eventually("it is there again", async || {
        let own = held(&town, 0, &key).await;
        own.is_some_and(|own| !own.whereabouts.is_gone() && own.whereabouts.sequence > before + 1)
    })
    .await;

    // A damaged file never stops a node.
    town.stop(0).await;
    let folder = town.path().join("node-0/directory");
    std::fs::write(folder.join("book"), "not a book").unwrap();
    town.start(0).await;
    assert_eq!(held(&town, 0, &peer(1).public()).await, None);
    assert!(folder.join("book.damaged").exists());
    eventually("it goes on", async || held(&town, 0, &key).await.is_some()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_stopped_withdraws_its_card() {
    let mut town = Town::with(bootstrap(2, 1), 2).await;
    town.start(2).await;
    let key = node_key(2).public();
    eventually("it is known", async || held(&town, 0, &key).await.is_some()).await;
    town.stop(2).await;
    for holder in 0..2 {
        eventually("it is known to be gone", async || {
            let card = held(&town, holder, &key).await.unwrap();
            card.whereabouts.presence == Presence::Gone
        })
        .await;
    }
}
