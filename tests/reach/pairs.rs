//! Every kind of home seeks every other, over both transports: directly wherever a hole can be punched, and through a
//! relay where not. The table of routes and times is printed (`--nocapture`); `docs/reach.md` keeps one.

use std::time::Duration;

use futures::future::join_all;
use natcoin::{
    behaviour::PeerId,
    node::{clock, network::Route},
};

use super::{
    common::wait::pace,
    lab::{Lab, Nat},
    switch::Weather,
    world::{Inhabitant, Wire, World},
};

/// A way of any kind stands by then.
const FOUND: Duration = Duration::from_secs(15);
/// A direct one, if there can be one.
const DIRECT: Duration = Duration::from_secs(30);
/// If it is still relayed then, it stays so: hole punching has been tried three times, and our own dials twice.
const RELAYED: Duration = Duration::from_secs(10);

/// One pair's meeting.
struct Meeting {
    seeker: Nat,
    sought: Nat,
    first: Duration,
    last: Duration,
    route: Route,
    trip: Duration,
}

/// Two routers that give each correspondent another port, or one that does and one that lets in only whom it knows,
/// cannot guess each other's ports.
pub fn can_be_direct(one: Nat, other: Nat) -> bool {
    !matches!(
        (one, other),
        (Nat::Symmetric, Nat::Symmetric | Nat::PortRestricted)
            | (Nat::PortRestricted, Nat::Symmetric)
    )
}

async fn meet(seeker: &Inhabitant, sought: PeerId, kinds: (Nat, Nat)) -> Meeting {
    let begun = clock::now();
    seeker.handle.seek(sought, vec![]).await.unwrap();
    let mut route = None;
    while route.is_none() {
        pace().await;
        route = seeker.route(sought).await;
        assert!(
            begun.elapsed() < FOUND,
            "{kinds:?}: {:?}",
            seeker.handle.peers().await
        );
    }
    let first = begun.elapsed();
    let patience = match can_be_direct(kinds.0, kinds.1) {
        true => DIRECT,
        false => RELAYED,
    };
    while route.is_none_or(|route| route == Route::Relayed) && begun.elapsed() < patience {
        pace().await;
        route = seeker.route(sought).await;
    }
    let last = begun.elapsed();
    let answered = seeker.answered_by(sought, FOUND).await;
    assert!(answered.is_some(), "{kinds:?}: a hello is answered");
    if route.is_some_and(|route| route > Route::Relayed) {
        seeker.gave_circuits_back(sought).await;
        route = seeker.route(sought).await;
    }
    let trip = seeker.handle.round_trip(sought).await;
    Meeting {
        seeker: kinds.0,
        sought: kinds.1,
        first,
        last,
        route: route.unwrap_or_else(|| panic!("{kinds:?}: the way was lost")),
        trip: trip.unwrap_or_default(),
    }
}

#[allow(
    clippy::print_stderr,
    reason = "the measured table is what this is for"
)]
fn print(wire: Wire, weather: &str, meetings: &[Meeting]) {
    eprintln!(
        "\n| seeks | is sought | {} {weather} | first way | this way | round trip |",
        wire.word()
    );
    eprintln!("|---|---|---|---|---|---|");
    for meeting in meetings {
        let last = match meeting.route {
            Route::Relayed => meeting.first,
            Route::Direct | Route::Punched => meeting.last,
        };
        eprintln!(
            "| {} | {} | {} | {:.2} s | {:.2} s | {} ms |",
            meeting.seeker.word(),
            meeting.sought.word(),
            meeting.route,
            meeting.first.as_secs_f64(),
            last.as_secs_f64(),
            meeting.trip.as_millis(),
        );
    }
}

/// Four rounds: in each, every home of one side seeks another of the other side.
async fn all_pairs(wire: Wire, weather: Weather, word: &str) {
    if !Lab::is_possible() {
        return;
    }
    let mut world = World::new(Lab::new(weather), wire).await;
    let (mut here, mut there) = (Vec::new(), Vec::new());
    for nat in Nat::ALL {
        world.wallet(nat).await;
        world.wallet(nat).await;
    }
    for (number, wallet) in std::mem::take(&mut world.wallets).into_iter().enumerate() {
        match number % 2 {
            0 => here.push(wallet),
            _ => there.push(wallet),
        }
    }
    for wallet in here.iter().chain(&there) {
        wallet.reserved(2).await;
    }
    let mut meetings = Vec::new();
    for round in 0..Nat::ALL.len() {
        let pairs = here.iter().enumerate().map(|(from, seeker)| {
            let to = (from + round) % there.len();
            meet(seeker, there[to].peer(), (Nat::ALL[from], Nat::ALL[to]))
        });
        meetings.extend(join_all(pairs).await);
    }
    meetings.sort_by_key(|meeting| (meeting.seeker, meeting.sought));
    print(wire, word, &meetings);
    let wrong: Vec<String> = meetings
        .iter()
        .filter(|m| (m.route != Route::Relayed) != can_be_direct(m.seeker, m.sought))
        .map(|m| format!("{} seeks {}: {}", m.seeker.word(), m.sought.word(), m.route))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_pair_meets_over_quic() {
    all_pairs(Wire::Quic, Weather::FAIR, "fair").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_pair_meets_over_tcp() {
    all_pairs(Wire::Tcp, Weather::FAIR, "fair").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_pair_meets_over_quic_in_rough_weather() {
    all_pairs(Wire::Quic, Weather::ROUGH, "30 ms, 3 % lost").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_pair_meets_over_tcp_in_rough_weather() {
    all_pairs(Wire::Tcp, Weather::ROUGH, "30 ms, 3 % lost").await;
}
