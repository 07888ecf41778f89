//! Programs that are not ours: a plain libp2p peer, which knows of this network only what `docs/protocol.md` says, meets a
//! running node over each transport.

mod common;

#[path = "foreign/bytes.rs"]
mod bytes;
#[allow(dead_code, reason = "the directory's own tests use more of it")]
#[path = "directory/cards.rs"]
mod cards;
#[path = "foreign/plain.rs"]
mod plain;
#[path = "foreign/websocket.rs"]
mod websocket;

use std::net::UdpSocket;

use libp2p::Multiaddr;
use natcoin::behaviour::{Role, Topic};
use natcoin::directory::bootstrap::{Bootstrap, Node};
use natcoin::node::network::{self, Event, NetworkConfig, NetworkError};
use serde_json::{Value, json};

use self::cards::{Guest, now_ms, wallet};
use self::plain::Plain;
use crate::common::net::{config, join};
use crate::common::town::{Town, address, bootstrap_of, free_address, node_key};
use crate::common::wait::pace;

/// A port for each transport that was free a moment ago: TCP, QUIC, WebSocket.
fn places() -> Vec<Multiaddr> {
    let udp = UdpSocket::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let quic = format!("/ip4/127.0.0.1/udp/{}/quic-v1", udp.port());
    let websocket = format!("{}/ws", free_address());
    vec![
        free_address(),
        quic.parse().unwrap(),
        websocket.parse().unwrap(),
    ]
}

/// The network of the document's examples: one node, which listens on every transport.
fn everywhere() -> Bootstrap {
    let network = bootstrap_of("test", 1, 0);
    let name = network.nodes()[0].name.clone();
    network.through(Node::new(name, node_key(0).public(), places()).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plain_peer_is_told_who_we_are_pings_and_looks_up_over_every_transport() {
    let town = Town::with(everywhere(), 1).await;
    let node = &town.bootstrap.nodes()[0];
    let card = wallet(&town, 0, 1, now_ms());
    let guest = Guest::at(&town.bootstrap, 0).await;
    assert_eq!(guest.put(&town.bootstrap, 0, vec![card]).await, [0]);
    let genesis = town.bootstrap.genesis().hash().to_string();
    for place in &node.addresses {
        let mut peer = Plain::dial(node.peer_id, place.clone()).await;
        let told = &peer.told;
        assert_eq!(told.public_key.to_peer_id(), node.peer_id, "{place}");
        assert_eq!(told.protocol_version, "/natcoin/test/1");
        assert_eq!(
            told.agent_version,
            concat!("natcoin/", env!("CARGO_PKG_VERSION"))
        );
        let names: Vec<&str> = told.protocols.iter().map(AsRef::as_ref).collect();
        for name in [
            "/natcoin/test/directory/1/json",
            "/natcoin/test/hello/1",
            "/ipfs/id/1.0.0",
            "/ipfs/ping/1.0.0",
        ] {
            assert!(names.contains(&name), "{place}: {name} of {names:?}");
        }
        assert!(told.listen_addrs.contains(place), "{place}: {told:?}");
        assert!(peer.round_trip.as_secs() < 20);

        let found = peer.ask(json!({ "account": address(0).to_string() })).await;
        assert_eq!(found["network"], genesis);
        assert_eq!(found["cards"][0]["account"], address(0).to_string());
        assert_eq!(found["cards"][0]["role"], "wallet");
        let own = peer.ask(json!({ "peer": node.peer_id.to_string() })).await;
        assert_eq!(own["cards"][0]["role"], "validator");
        let nobody = peer.ask(json!({ "account": address(1).to_string() })).await;
        assert_eq!(nobody, json!({ "network": genesis, "cards": [] }));
        for nonsense in ["", "{\"account\":", "[]", "{\"account\":\"nat1\"}"] {
            let refused = peer.say(nonsense.as_bytes()).await;
            let refused: Value = serde_json::from_slice(&refused).unwrap();
            let why = refused["error"].as_str().unwrap();
            assert!(why.contains("nat1..."), "{nonsense}: {why}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_knows_no_ping_is_not_cut_off_for_that() {
    let town = Town::with(everywhere(), 1).await;
    let node = &town.bootstrap.nodes()[0];
    let question = json!({ "peer": node.peer_id.to_string() }).to_string();
    let answers = plain::ask_bluntly(node.peer_id, node.addresses[0].clone(), 16, &question).await;
    assert!(answers.iter().all(|answer| answer["cards"].is_array()));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_only_looks_up_stays_while_it_asks_and_is_cut_off_when_it_is_silent() {
    let town = Town::with(everywhere(), 1).await;
    let node = &town.bootstrap.nodes()[0];
    let mut peer = Plain::dial(node.peer_id, node.addresses[0].clone()).await;
    // Longer than a peer without a hello may stay that says nothing.
    let mut asked = 0;
    while peer.age().as_secs() < 7 {
        let answer = peer.ask(json!({ "peer": node.peer_id.to_string() })).await;
        asked += u32::from(answer["cards"].is_array());
        pace().await;
    }
    // 20 at once, and 2 a second.
    assert!((20..=36).contains(&asked), "{asked} were answered");
    peer.closed().await;
}

#[tokio::test]
async fn what_goes_through_websocket_between_our_own_is_as_large_as_elsewhere() {
    let place = || vec!["/ip4/127.0.0.1/tcp/0/ws".parse().unwrap()];
    let mut one = join(NetworkConfig {
        listen: place(),
        ..config(1, Role::Follower)
    })
    .await;
    let mut other = join(NetworkConfig {
        listen: place(),
        bootstrap: vec![one.entry()],
        ..config(2, Role::Follower)
    })
    .await;
    other.up(one.peer()).await;
    one.up(other.peer()).await;
    let mut said = Vec::new();
    let heard = other.until("a large block", |event| match event {
        Event::Gossip { data, .. } => Some(data),
        _ => None,
    });
    let mut heard = std::pin::pin!(heard);
    // Until the subscriptions are known nobody hears; what is said again has other bytes.
    let data = loop {
        let count = said.len();
        said.push(vec![
            u8::try_from(count).unwrap();
            Topic::Proposals.max_bytes()
        ]);
        let publish = one.handle.publish(Topic::Proposals, said[count].clone());
        publish.await.unwrap();
        tokio::select! {
            data = &mut heard => break data,
            () = pace() => {}
        }
    };
    assert!(said.contains(&data));
}

#[tokio::test]
async fn one_port_does_not_speak_tcp_and_websocket() {
    let tcp = free_address();
    let both = NetworkConfig {
        listen: vec![tcp.clone(), format!("{tcp}/ws").parse().unwrap()],
        ..config(1, Role::Follower)
    };
    let refused = network::start(both).await;
    let why = match refused {
        Err(NetworkError::Listen { reason, .. }) => reason,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("half of what comes in would be lost"),
    };
    assert!(why.contains("another port"), "{why}");
}
