//! What happens to homes: the router forgets, the provider renumbers, the laptop moves, the cable is pulled. Whoever was
//! reached is reached again within 15 s, directly if it was so before, and nobody has to do anything.

use std::time::Duration;

use natcoin::node::{clock, network::Route};

use super::{
    common::wait::{PATIENCE, pace},
    lab::{Lab, Machine, Nat},
    switch::Weather,
    world::{Inhabitant, Wire, World},
};

/// The promise.
const RECOVERED: Duration = Duration::from_secs(15);

/// A wallet that seeks another one.
struct Pair {
    world: World,
    home: Machine,
    seeker: Inhabitant,
    sought: Inhabitant,
}

/// Two wallets that have found each other by the best way there is.
async fn pair(wire: Wire, weather: Weather, seeker: Nat, sought: Nat, best: bool) -> Pair {
    let mut world = World::new(Lab::new(weather), wire).await;
    world.wallet(seeker).await;
    let home = world.wallet(sought).await;
    let (sought, seeker) = (world.wallets.remove(1), world.wallets.remove(0));
    sought.reserved(2).await;
    seeker.handle.seek(sought.peer(), vec![]).await.unwrap();
    let begun = clock::now();
    loop {
        let route = seeker.route(sought.peer()).await;
        if route.is_some_and(|route| (route > Route::Relayed) == best) {
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "{route:?}");
        pace().await;
    }
    Pair {
        world,
        home,
        seeker,
        sought,
    }
}

impl Pair {
    /// Waits until both ends have noticed and repaired what happened: the sought one is found anew through its relays
    /// and answers.
    #[allow(clippy::print_stderr, reason = "the measured times are worth seeing")]
    async fn recovers(&self, what: &str) {
        let peer = self.sought.peer();
        let took = self.seeker.answered_by(peer, RECOVERED).await;
        let route = self.seeker.route(peer).await;
        eprintln!("{what}: answered again after {took:?}, {route:?}");
        assert!(took.is_some(), "{what}: not within {RECOVERED:?}");
    }
}

async fn forgetting(wire: Wire, nat: Nat) {
    if !Lab::is_possible() {
        return;
    }
    let pair = pair(
        wire,
        Weather::FAIR,
        Nat::PortRestricted,
        nat,
        nat != Nat::Symmetric,
    )
    .await;
    pair.world.lab.forget(pair.home);
    pair.recovers(&format!("{} {} forgot", wire.word(), nat.word()))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_router_forgets_the_wallet_is_found_again() {
    for wire in [Wire::Quic, Wire::Tcp] {
        for nat in [Nat::PortRestricted, Nat::Symmetric] {
            forgetting(wire, nat).await;
        }
    }
}

/// Over both transports, something happens to a home.
async fn homes_recover(what: &str, happens: impl Fn(&mut Pair)) {
    for wire in [Wire::Quic, Wire::Tcp] {
        if !Lab::is_possible() {
            return;
        }
        let nat = Nat::PortRestricted;
        let mut pair = pair(wire, Weather::FAIR, nat, nat, true).await;
        happens(&mut pair);
        pair.recovers(&format!("{} {what}", wire.word())).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_providers_address_changes_the_wallet_is_found_again() {
    homes_recover("renumbered", |pair| pair.world.lab.renumber(pair.home, 99)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_machine_moves_the_wallet_is_found_again() {
    homes_recover("moved", |pair| pair.world.lab.move_in(pair.home, 33)).await;
}
