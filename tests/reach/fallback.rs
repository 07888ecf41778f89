//! A way gets better and worse, and nobody has to know: hellos go on being answered while the direct way between two
//! homes is walled off and opened again.

use std::time::Duration;

use natcoin::node::{clock, network::Route};

use super::{
    common::wait::pace,
    lab::{Lab, Nat},
    switch::Weather,
    world::{Wire, World},
};

/// The longest silence while a way is lost.
const SILENCE: Duration = Duration::from_secs(15);
/// Till a hole is punched again: it is tried after 20 s, and after 40 s more.
const BETTER: Duration = Duration::from_secs(75);

/// Says hello till the route is as wanted; the longest time without an answer.
async fn until(
    world: &World,
    (seeker, sought): (usize, usize),
    wanted: impl Fn(Route) -> bool,
    patience: Duration,
) -> Duration {
    let (seeker, peer) = (&world.wallets[seeker], world.wallets[sought].peer());
    let (begun, mut answered, mut longest) = (clock::now(), clock::now(), Duration::ZERO);
    loop {
        let trip = seeker.handle.round_trip(peer);
        if let Ok(Ok(_)) = tokio::time::timeout(Duration::from_secs(1), trip).await {
            longest = longest.max(answered.elapsed());
            answered = clock::now();
            if seeker.route(peer).await.is_some_and(&wanted) {
                return longest;
            }
        }
        let route = seeker.route(peer).await;
        assert!(begun.elapsed() < patience, "after {patience:?}: {route:?}");
        pace().await;
    }
}

#[allow(clippy::print_stderr, reason = "the measured times are worth seeing")]
async fn walled(wire: Wire) {
    if !Lab::is_possible() {
        return;
    }
    let mut world = World::new(Lab::new(Weather::FAIR), wire).await;
    let here = world.wallet(Nat::PortRestricted).await;
    let there = world.wallet(Nat::PortRestricted).await;
    world.wallets[1].reserved(2).await;
    let peer = world.wallets[1].peer();
    world.wallets[0].handle.seek(peer, vec![]).await.unwrap();
    let is_direct = |route| route > Route::Relayed;
    until(&world, (0, 1), is_direct, SILENCE).await;
    // The circuit must be given back, or the wall would test nothing.
    world.wallets[0].gave_circuits_back(peer).await;
    world.lab.wall(here, there);
    let begun = clock::now();
    let lost = until(&world, (0, 1), |route| !is_direct(route), SILENCE).await;
    let fell_back = begun.elapsed();
    world.lab.unwall(here);
    let begun = clock::now();
    let found = until(&world, (0, 1), is_direct, BETTER).await;
    eprintln!(
        "{}: walled off, relayed after {fell_back:?}, longest silence {lost:?}; opened, direct after {:?}, longest silence {found:?}",
        wire.word(),
        begun.elapsed(),
    );
    assert!(lost < SILENCE, "{lost:?}");
    assert!(
        found < Duration::from_secs(5),
        "getting better costs nothing: {found:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_walled_off_pair_talks_through_a_relay_and_directly_again_over_quic() {
    walled(Wire::Quic).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_walled_off_pair_talks_through_a_relay_and_directly_again_over_tcp() {
    walled(Wire::Tcp).await;
}
