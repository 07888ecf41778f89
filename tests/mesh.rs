//! Gossip between real members over real sockets, when few vote and when many do: what one says reaches all, also those
//! that it has no connection with; and much talk cuts nobody off.

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use common::{
    net::{Member, config, join, peer},
    wait::{PATIENCE, pace},
};
use natcoin::{
    behaviour::{Role, Topic, mesh},
    node::{
        clock,
        network::{Event, NetworkConfig, NetworkHandle, Verdict},
    },
};
use tokio::{sync::mpsc, task::JoinHandle};

/// What members have heard: who, and what.
type Ears = mpsc::Receiver<(usize, Vec<u8>)>;

/// Validators of whom each dials those so many places before it, and no others.
async fn validators(count: u8, dials: &[usize]) -> Vec<Member> {
    let all: BTreeSet<_> = (1..=count).map(peer).collect();
    let mut members: Vec<Member> = Vec::new();
    for seed in 1..=count {
        let place = members.len();
        let dialled = dials.iter().filter_map(|back| place.checked_sub(*back));
        let one = NetworkConfig {
            validators: all.clone(),
            bootstrap: dialled.map(|other| members[other].entry()).collect(),
            ..config(seed, Role::Validator)
        };
        members.push(join(one).await);
    }
    members
}

/// Lets each member find good what it hears, and say that it heard it.
fn listen(members: Vec<Member>) -> (Vec<NetworkHandle>, Ears, Vec<JoinHandle<()>>) {
    let handles = members.iter().map(|one| one.handle.clone()).collect();
    let (heard, ears) = mpsc::channel(4096);
    let listening = members.into_iter().enumerate().map(|(place, mut member)| {
        let heard = heard.clone();
        tokio::spawn(async move {
            while let Some(event) = member.events.recv().await {
                if let Event::Gossip {
                    id, source, data, ..
                } = event
                {
                    let good = member.handle.report(id, source, Verdict::Accept);
                    good.await.unwrap();
                    heard.send((place, data)).await.unwrap();
                }
            }
        })
    });
    (handles, ears, listening.collect())
}

/// Says something new again and again until all others have heard one and the same of it.
async fn reaches_all(speaker: usize, handles: &[NetworkHandle], ears: &mut Ears) {
    let handle = handles[speaker].clone();
    let saying = tokio::spawn(async move {
        for number in 0u32.. {
            let data = format!("{speaker} says {number}").into_bytes();
            handle.publish(Topic::Votes, data).await.unwrap();
            pace().await;
        }
    });
    let mut heard: BTreeMap<Vec<u8>, BTreeSet<usize>> = BTreeMap::new();
    let listening = async {
        while let Some((place, data)) = ears.recv().await {
            if !data.starts_with(format!("{speaker} says").as_bytes()) {
                continue;
            }
            let who = heard.entry(data).or_default();
            who.insert(place);
            if who.len() == handles.len() - 1 {
                return;
            }
        }
    };
    let is_heard = tokio::time::timeout(PATIENCE, listening).await.is_ok();
    saying.abort();
    assert!(
        is_heard,
        "what {speaker} says does not reach all: {heard:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn few_validators_hand_on_what_they_hear_to_all_that_they_know() {
    // A chain: each is connected with its neighbours only.
    let (handles, mut ears, _listening) = listen(validators(4, &[1]).await);
    for speaker in [0, 2, 3] {
        reaches_all(speaker, &handles, &mut ears).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_validators_hand_on_what_they_hear_along_the_mesh() {
    let count = 20;
    assert!(!mesh::are_explicit(count.into()));
    // Nobody is connected with more than ten others, so that whatever one says must be handed on.
    let (handles, mut ears, _listening) = listen(validators(count, &[1, 2, 3, 5, 8]).await);
    for speaker in [0, 7, 19] {
        reaches_all(speaker, &handles, &mut ears).await;
    }
}

/// A node tells those beyond its mesh what it has heard, all in one transmission, and gossipsub ends a stream on which
/// more than 16 KiB of that come, for good after the fifth time.
#[tokio::test(flavor = "multi_thread")]
async fn who_hears_very_much_cuts_nobody_off() {
    let all = BTreeSet::from([peer(1)]);
    let speaker = NetworkConfig {
        validators: all.clone(),
        ..config(1, Role::Validator)
    };
    let mut members = vec![join(speaker).await];
    // More followers than the mesh takes in.
    let followers = 2 + u8::try_from(mesh::Mesh::of(1).high).unwrap();
    for seed in 2..2 + followers {
        let follower = NetworkConfig {
            validators: all.clone(),
            bootstrap: vec![members[0].entry()],
            ..config(seed, Role::Follower)
        };
        members.push(join(follower).await);
    }
    let (handles, mut ears, _listening) = listen(members);
    reaches_all(0, &handles, &mut ears).await;
    let noise = make_noise(handles[0].clone(), 10 * mesh::HEARTBEAT, 4_000);
    tokio::pin!(noise);
    loop {
        tokio::select! {
            () = &mut noise => break,
            heard = ears.recv() => assert!(heard.is_some()),
        }
    }
    reaches_all(0, &handles, &mut ears).await;
}

/// Says much: at least for so long, and so many messages.
async fn make_noise(handle: NetworkHandle, length: Duration, messages: u32) {
    let (begun, mut said) = (clock::now(), 0);
    while begun.elapsed() < length || said < messages {
        for _ in 0..40 {
            said += 1;
            let data = format!("noise {said}").into_bytes();
            handle.publish(Topic::Votes, data).await.unwrap();
        }
        pace().await;
    }
}
