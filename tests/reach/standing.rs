//! What a wallet learns about itself: the world can dial it, or it cannot; and whom it finds on its own LAN.

use std::time::Duration;

use natcoin::node::{
    clock,
    network::{ReachConfig, Route, Standing},
};

use super::{
    common::wait::{PATIENCE, pace},
    lab::{Lab, Nat},
    switch::Weather,
    world::{Wire, World},
};

/// Nothing is confirmed: private, after 30 s.
const VERDICT: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
async fn a_wallet_learns_whether_the_world_can_dial_it() {
    if !Lab::is_possible() {
        return;
    }
    let mut world = World::new(Lab::new(Weather::FAIR), Wire::Quic).await;
    let begun = clock::now();
    let open = world.wallet(Nat::None).await;
    world.wallet(Nat::FullCone).await;
    world.wallet(Nat::PortRestricted).await;
    world.wallet(Nat::Symmetric).await;
    let expected = [
        Standing::Public,
        Standing::Public,
        Standing::Private,
        Standing::Private,
    ];
    let mut found = Vec::new();
    while found != expected {
        assert!(begun.elapsed() < VERDICT + PATIENCE, "{found:?}");
        pace().await;
        found.clear();
        for wallet in &world.wallets {
            found.push(wallet.handle.whereabouts().await.unwrap().standing);
        }
    }
    assert!(
        begun.elapsed() >= VERDICT,
        "nobody is called private in haste"
    );
    let public = world.wallets[0].handle.whereabouts().await.unwrap().public;
    let own = format!("/ip4/{}/", world.lab.public(open));
    assert!(
        public
            .iter()
            .all(|address| address.to_string().starts_with(&own)),
        "{public:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn neighbours_find_each_other_without_any_node() {
    if !Lab::is_possible() {
        return;
    }
    for wire in [Wire::Quic, Wire::Tcp] {
        let mut world = World::without_nodes(Lab::new(Weather::FAIR), wire);
        world.reach = ReachConfig {
            be_reached: true,
            neighbours: true,
            ..ReachConfig::default()
        };
        world.wallet(Nat::None).await;
        world.wallet(Nat::None).await;
        let peer = world.wallets[1].peer();
        world.wallets[0].handle.seek(peer, vec![]).await.unwrap();
        let begun = clock::now();
        while world.wallets[0].route(peer).await != Some(Route::Direct) {
            assert!(begun.elapsed() < PATIENCE, "{wire:?}");
            pace().await;
        }
    }
}
