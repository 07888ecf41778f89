//! What a relay gives is bounded: so many circuits for one peer, and only small requests through them.

use natcoin::{
    behaviour::{
        Multiaddr, PeerId, Service,
        reach::{CIRCUITS_PER_PEER, RELAYED_REQUEST_BYTES},
    },
    node::{
        clock,
        network::{RequestError, Route},
    },
};

use super::{
    common::wait::{PATIENCE, pace},
    lab::{Lab, Nat},
    switch::Weather,
    world::{Wire, World},
};

/// So many are sought beyond what one relay gives.
const TOO_MANY: usize = 3;

/// The way to each wallet through the first node.
async fn told(world: &World, number: usize) -> (PeerId, Multiaddr) {
    let wallet = &world.wallets[number];
    let found = wallet.handle.whereabouts().await.unwrap();
    let first = world.nodes[0].peer().to_string();
    let way = |address: &&Multiaddr| address.to_string().contains(&first);
    (
        wallet.peer(),
        found.relayed.iter().find(way).unwrap().clone(),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_gives_one_peer_only_so_many_circuits() {
    if !Lab::is_possible() {
        return;
    }
    let mut world = World::new(Lab::new(Weather::FAIR), Wire::Quic).await;
    // No hole can be punched here, so that all stay relayed.
    world.wallet(Nat::Symmetric).await;
    for _ in 0..CIRCUITS_PER_PEER + TOO_MANY {
        world.wallet(Nat::Symmetric).await;
    }
    let mut sought = Vec::new();
    for number in 1..world.wallets.len() {
        world.wallets[number].reserved(2).await;
        sought.push(told(&world, number).await);
    }
    let seeker = &world.wallets[0];
    for (peer, way) in &sought {
        seeker.handle.seek(*peer, vec![way.clone()]).await.unwrap();
    }
    let begun = clock::now();
    let mut reached = 0;
    // Those that are refused are tried again and again, and refused.
    while reached < CIRCUITS_PER_PEER || world.nodes[0].handle.metrics().relay_denials < 10 {
        assert!(begun.elapsed() < PATIENCE, "{reached}");
        pace().await;
        reached = 0;
        for (peer, _) in &sought {
            let route = seeker.route(*peer).await;
            assert_ne!(route, Some(Route::Direct));
            reached += usize::from(route.is_some());
        }
        assert!(reached <= CIRCUITS_PER_PEER, "{reached}");
    }
    let mut answers = Vec::new();
    for (peer, _) in &sought {
        if seeker.route(*peer).await == Some(Route::Relayed) {
            let large = vec![0; RELAYED_REQUEST_BYTES + 1];
            answers.push(seeker.handle.request(*peer, Service::Submit, large).await);
        }
    }
    let limit_bytes = RELAYED_REQUEST_BYTES;
    let refused = Err(RequestError::TooLarge {
        size_bytes: limit_bytes + 1,
        limit_bytes,
    });
    assert!(answers.contains(&refused), "{answers:?}");
}
