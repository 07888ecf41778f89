//! Wallets' sessions: found while they are open, and not behind it.

use natcoin::node::session::{Published, Whom};

use crate::common::town::{Town, address, person};
use crate::common::wait::eventually;

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_appears_is_found_by_others_and_gone_when_it_closes() {
    let town = Town::of(3).await;
    let (alice, bob) = (town.session().await, town.session().await);
    assert_eq!(bob.look_up(Whom::Account(address(0))).await.unwrap(), []);
    assert!(alice.appear(person(0), Published::default()).await > 0);
    eventually("bob finds alice", async || {
        let found = bob.look_up(Whom::Account(address(0))).await.unwrap();
        found.len() == 1
    })
    .await;
    let card = bob
        .look_up(Whom::Account(address(0)))
        .await
        .unwrap()
        .remove(0);
    let peer = card.whereabouts.peer;
    let by_peer = bob.look_up(Whom::Peer(peer)).await.unwrap();
    assert_eq!(by_peer, std::slice::from_ref(&card));
    eventually("bob sees everybody: three nodes and alice", async || {
        let everybody = bob.everybody().await.unwrap();
        everybody.len() == 4 && everybody.contains(&card)
    })
    .await;
    alice.close().await;
    for node in town.nodes.iter().flatten() {
        eventually("alice is gone everywhere", async || {
            let held = node.directory().look().await;
            held.of_peer(&peer)
                .is_some_and(|card| card.whereabouts.is_gone())
        })
        .await;
    }
    assert_eq!(bob.look_up(Whom::Peer(peer)).await.unwrap(), []);
    bob.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_publishes_nothing_unless_it_is_asked_to() {
    let town = Town::of(1).await;
    let session = town.session().await;
    session.account(address(0)).await.unwrap();
    session.close().await;
    let look = town.nodes[0].as_ref().unwrap().directory().look().await;
    let wallets = look
        .cards
        .iter()
        .filter(|(card, _)| card.whereabouts.account == address(0));
    assert_eq!(wallets.count(), 0);
}
