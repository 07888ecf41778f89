//! The cards of whole nodes: a node that no list has tells in its card where the world has found it.

use std::{sync::Arc, time::Duration};

use natcoin::{
    consensus::Timing,
    directory::{address::to_multiaddr, bootstrap::Bootstrap},
    node::{
        clock,
        runner::{self, NodeConfig, NodeHandle},
        session::Published,
    },
};

use super::{
    common::{
        town::{bootstrap_of, node_key},
        wait::{PATIENCE, pace},
    },
    lab::{Lab, Machine, Nat},
    switch::Weather,
    town::{Person, Town},
    world::{Life, Wire, live},
};

/// A whole node on a machine, until it is dropped.
struct Resident {
    node: NodeHandle,
    _folder: tempfile::TempDir,
    _life: Life,
}

async fn reside(lab: &Lab, machine: Machine, network: &Bootstrap, number: u8) -> Resident {
    let folder = tempfile::tempdir().unwrap();
    let config = NodeConfig {
        folder: folder.path().to_owned(),
        key: node_key(number),
        bootstrap: Arc::new(network.clone()),
        listen: vec!["/ip4/0.0.0.0/udp/18000/quic-v1".parse().unwrap()],
        timing: Timing::default(),
    };
    let begin = || async { runner::start(config).await.expect("it starts") };
    let (node, life) = live(lab, machine, begin).await;
    Resident {
        node,
        _folder: folder,
        _life: life,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_card_of_a_node_at_home_tells_where_the_world_has_dialled_it() {
    if !Lab::is_possible() {
        return;
    }
    let mut lab = Lab::new(Weather::FAIR);
    let machines = [lab.add(Nat::None), lab.add(Nat::None)];
    let mut text = bootstrap_of("town", 2, 0).to_toml();
    let listed = Bootstrap::from_toml(&text).unwrap();
    for (node, machine) in listed.nodes().iter().zip(machines) {
        let there = format!("/ip4/{}/udp/18000/quic-v1", lab.public(machine));
        text = text.replace(&node.addresses[0].to_string(), &there);
    }
    let network = Bootstrap::from_toml(&text).unwrap();
    let mut listed = Vec::new();
    for (machine, number) in machines.into_iter().zip(0..) {
        listed.push(reside(&lab, machine, &network, number).await);
    }
    let home = lab.add(Nat::FullCone);
    let at_home = reside(&lab, home, &network, 9).await;
    let outside = format!("/ip4/{}/udp/", lab.public(home));
    let begun = clock::now();
    loop {
        let seen = listed[0].node.directory().look().await;
        let card = seen.of_peer(&node_key(9).public());
        let told: Vec<String> = card
            .map(|card| card.whereabouts.addresses())
            .unwrap_or_default()
            .iter()
            .filter_map(to_multiaddr)
            .map(|address| address.to_string())
            .collect();
        if told.iter().any(|address| address.starts_with(&outside)) {
            let confirmed = at_home.node.network().public().borrow().clone();
            let confirmed: Vec<String> = confirmed.iter().map(ToString::to_string).collect();
            assert_eq!(told, confirmed, "and nothing else: the rest leads nowhere");
            break;
        }
        assert!(begun.elapsed() < 2 * PATIENCE, "{told:?}");
        pace().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wallet_tells_its_own_address_only_if_its_owner_says_so() {
    if !Lab::is_possible() {
        return;
    }
    let mut town = Town::silent(Lab::new(Weather::FAIR), Wire::Quic, 2);
    town.wake().await;
    let silent = town.person(0, Nat::FullCone).await;
    town.published = Published::Everything;
    let open = town.person(1, Nat::FullCone).await;
    let tells = async |person: &Person| {
        let own = format!("/ip4/{}/", town.lab.public(person.home));
        let told = town.told_of(person).await;
        told.iter().any(|way| way.starts_with(&own))
    };
    let begun = clock::now();
    loop {
        let known = silent.session.whereabouts(Duration::ZERO).await.unwrap();
        if !known.public.is_empty() && tells(&open).await {
            break;
        }
        assert!(begun.elapsed() < 2 * PATIENCE, "{known:?}");
        pace().await;
    }
    assert!(!tells(&silent).await, "it knows its address, and keeps it");
}
