//! The restart rule again, with real routers: a validator at home loses its link, dies, and comes back from another port
//! while the other one still holds the dead connection. Gossip flows both ways again within ten seconds.

use std::time::Duration;

use natcoin::{
    behaviour::{Role, Topic},
    node::{
        clock,
        network::{Event, NetworkConfig, Verdict},
    },
};

use super::{
    common::{
        net::{config, peer},
        wait::{PATIENCE, pace},
    },
    lab::{Lab, Machine, Nat},
    switch::Weather,
    world::{Inhabitant, Wire},
};

/// The promise, without a lost packet; with losses a handshake or two may have to be repeated.
const HEALED: Duration = Duration::from_secs(10);
const HEALED_ROUGH: Duration = Duration::from_secs(15);
/// Seeds of the two validators' keys.
const IN_TOWN: u8 = 1;
const AT_HOME: u8 = 2;
const PORT: u16 = 18_000;

fn validator(seed: u8, lab: &Lab, town: Machine, wire: Wire) -> NetworkConfig {
    let address = wire.at(lab.public(town), PORT);
    let listen = match seed {
        IN_TOWN => address.clone(),
        _ => wire.at("0.0.0.0".parse().unwrap(), 0),
    };
    NetworkConfig {
        listen: vec![listen],
        bootstrap: vec![(peer(IN_TOWN), vec![address])],
        validators: [peer(IN_TOWN), peer(AT_HOME)].into(),
        ..config(seed, Role::Validator)
    }
}

/// Takes what there is, and tells whether `mark` was heard.
async fn hears(member: &mut Inhabitant, mark: &[u8]) -> bool {
    let mut heard = false;
    while let Ok(Some(event)) =
        tokio::time::timeout(Duration::from_millis(20), member.events.recv()).await
    {
        if let Event::Gossip {
            id, source, data, ..
        } = event
        {
            heard |= data.starts_with(mark);
            let report = member.handle.report(id, source, Verdict::Accept);
            report.await.unwrap();
        }
    }
    heard
}

/// Both speak till each has heard the other; how long that took.
async fn hear_each_other(one: &mut Inhabitant, other: &mut Inhabitant) -> Duration {
    let begun = clock::now();
    let mark = rand::random::<[u8; 8]>();
    let (mut forth, mut back, mut count) = (false, false, 0u64);
    while !(forth && back) {
        assert!(begun.elapsed() < PATIENCE, "forth {forth}, back {back}");
        count += 1;
        for (speaker, tag) in [(&*one, 1u8), (&*other, 2)] {
            let words = [&mark[..], &[tag], &count.to_be_bytes()].concat();
            speaker.handle.publish(Topic::Votes, words).await.unwrap();
        }
        let (from_one, from_other) = ([&mark[..], &[1]].concat(), [&mark[..], &[2]].concat());
        forth |= hears(other, &from_one).await;
        back |= hears(one, &from_other).await;
        pace().await;
    }
    begun.elapsed()
}

#[allow(clippy::print_stderr, reason = "the measured times are worth seeing")]
async fn lives(wire: Wire, weather: Weather, promise: Duration) {
    if !Lab::is_possible() {
        return;
    }
    let mut lab = Lab::new(Weather::FAIR);
    // A router that gives another port for each correspondent, so that no life has the port of the one before.
    let (town, home) = (lab.add(Nat::None), lab.add(Nat::Symmetric));
    let start = |seed, machine| Inhabitant::start(&lab, machine, validator(seed, &lab, town, wire));
    let mut in_town = start(IN_TOWN, town).await;
    let mut at_home = start(AT_HOME, home).await;
    hear_each_other(&mut in_town, &mut at_home).await;
    lab.weather(weather);
    for life in 1..=3 {
        lab.cut(home);
        drop(at_home);
        lab.forget(home);
        lab.mend(home);
        at_home = start(AT_HOME, home).await;
        let took = hear_each_other(&mut in_town, &mut at_home).await;
        eprintln!(
            "{} life {life}: heard both ways after {took:?}",
            wire.word()
        );
        assert!(took < promise, "{took:?}");
    }
    // And once more under a living pair: nobody restarts, but the link is lost, and the port with it.
    lab.forget(home);
    let took = hear_each_other(&mut in_town, &mut at_home).await;
    eprintln!(
        "{} new port in one life: heard both ways after {took:?}",
        wire.word()
    );
    assert!(took < HEALED_ROUGH, "{took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_validator_at_home_is_heard_again_after_each_restart_over_quic() {
    lives(Wire::Quic, Weather::FAIR, HEALED).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_validator_at_home_is_heard_again_after_each_restart_over_tcp() {
    lives(Wire::Tcp, Weather::FAIR, HEALED).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_validator_at_home_is_heard_again_in_rough_weather() {
    for wire in [Wire::Quic, Wire::Tcp] {
        lives(wire, Weather::ROUGH, HEALED_ROUGH).await;
    }
}
