//! Crowds: many wallets at one node, many from one address, and peers that go on beyond what they may.

mod common;

use std::net::Ipv4Addr;

use common::{
    net::{Member, config, join},
    proxy::Proxy,
    stranger::Stranger,
    town::{Town, address},
    wait::{eventually, pace},
};
use libp2p::{
    Stream,
    futures::{AsyncWriteExt as _, future::join_all},
};
use natcoin::{
    behaviour::{
        Declined, HelloAnswer, PeerId, Role, Service, Topic, frame, identity,
        limits::{GOSSIPING_STRANGERS, PER_ADDRESS},
        mesh,
    },
    chain::{amount::Amount, codec::Encode},
    node::{
        clock,
        network::{Event, NetworkConfig, NetworkHandle, RequestError, watch::WatchStream},
        session::{Intent, Recipient},
    },
    replica::wire::WatchRequest,
    wallet::{memo::Note, payment::Status},
};

/// Wallets at one node; the benchmark `crowd` has a thousand.
const WALLETS: usize = 300;
/// So many connect at a time.
const AT_ONCE: usize = 50;

/// Starts so many members, a few at a time, each up with `node` before the next few begin.
async fn crowd(node: PeerId, configs: Vec<NetworkConfig>) -> Vec<Member> {
    let mut members = Vec::new();
    let mut waiting = configs.into_iter().peekable();
    while waiting.peek().is_some() {
        let some = waiting.by_ref().take(AT_ONCE).map(async |config| {
            let mut member = join(config).await;
            member.up(node).await;
            member
        });
        members.extend(join_all(some).await);
    }
    members
}

fn identity_of(number: usize) -> libp2p::identity::Keypair {
    let mut seed = [7; 32];
    seed[..8].copy_from_slice(&(number as u64).to_le_bytes());
    identity::keypair(seed)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_full_of_wallets_serves_them_all_and_payments_are_final() {
    let town = Town::of(4).await;
    let crowded = &town.bootstrap.nodes()[0];
    let wallet = |number| NetworkConfig {
        identity: identity_of(number),
        network_name: "town".parse().unwrap(),
        genesis: town.bootstrap.genesis().hash().0,
        bootstrap: vec![(crowded.peer_id, crowded.addresses.clone())],
        ..config(0, Role::Wallet)
    };
    let wallets = crowd(crowded.peer_id, (0..WALLETS).map(wallet).collect()).await;
    let request = WatchRequest {
        addresses: vec![address(2)],
    };
    let mut watches: Vec<WatchStream> = Vec::new();
    for wallet in &wallets {
        let watch = wallet
            .handle
            .open_watch(crowded.peer_id, request.to_bytes())
            .await;
        watches.push(watch.expect("a place for each watch"));
    }

    let session = town.session().await;
    let mut purse = town.purse("bob");
    let intent = Intent::Transfer {
        to: Recipient::Address(address(2)),
        amount: Amount::from_nits(1),
        note: Note::default(),
    };
    let plan = session.plan(&purse, address(1), intent).await.unwrap();
    let key = common::town::person(1);
    let paid = session.pay(&mut purse, &key, plan, &mut |_| {}).await;
    let paid = paid.unwrap();
    let Status::Final { height, .. } = paid.payment.status() else {
        panic!("{:?}", paid.payment.status());
    };
    assert!(*height > 0);
    // Each hears of it: a frame with the payment is longer than the bare header that it got at the beginning.
    for watch in &mut watches {
        let first = watch.next().await.map_or(0, |frame| frame.len());
        let mut longest = first;
        while longest < first + 100 {
            longest = watch.next().await.expect("it goes on").len().max(longest);
        }
    }
    let network = town.nodes[0].as_ref().unwrap().network();
    let peers = network.peers().await.unwrap();
    let up = |role| {
        let hellos = peers.iter().filter_map(|peer| peer.hello.as_ref());
        hellos.filter(|hello| hello.role == role).count()
    };
    assert_eq!(up(Role::Validator), 3);
    // The session of the payer, too.
    assert_eq!(up(Role::Wallet), WALLETS + 1);
    assert_eq!(network.metrics().connections_refused, 0);
}

/// A wallet that knows the node by this way to it.
fn wallet_over(way: &Proxy, number: usize, node: &Member) -> NetworkConfig {
    NetworkConfig {
        identity: identity_of(number),
        bootstrap: vec![(node.peer(), vec![way.address.clone()])],
        ..config(0, Role::Wallet)
    }
}

// Other systems have one address only on the loopback device.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn one_address_has_its_share_of_the_places_and_others_still_come_in() {
    let node = join(config(1, Role::Follower)).await;
    let way = async |last| {
        let address = &node.handle.addresses()[0];
        Proxy::from(Ipv4Addr::new(127, 0, 0, last), address).await
    };
    let school = way(2).await;
    let wallets = (0..PER_ADDRESS).map(|number| wallet_over(&school, number, &node));
    let _inside = crowd(node.peer(), wallets.collect()).await;
    assert_eq!(node.handle.metrics().connections_refused, 0);
    let mut surplus = join(wallet_over(&school, PER_ADDRESS, &node)).await;
    let reason = surplus
        .until("its failure", |event| match event {
            Event::BootstrapUnreachable { reason, .. } => Some(reason),
            Event::PeerUp { .. } => panic!("one too many came in"),
            _ => None,
        })
        .await;
    let counted = node.handle.metrics();
    assert!(counted.connections_refused_by_address > 0, "{counted:?}");
    assert!(reason.contains("no place left"), "{reason}");
    // From elsewhere, and from this machine itself, all is as it was.
    for last in [3, 1] {
        let elsewhere = wallet_over(&way(last).await, 10_000 + usize::from(last), &node);
        crowd(node.peer(), vec![elsewhere]).await;
    }
}

#[tokio::test]
async fn whoever_asks_on_and_on_beyond_its_limits_is_sent_away_and_comes_not_back_at_once() {
    let mut node = join(config(1, Role::Follower)).await;
    let mut stranger = Stranger::dial(node.entry()).await;
    assert!(matches!(
        stranger.greet([1; 32]).await,
        HelloAnswer::Welcome(_)
    ));
    let gone = stranger.peer;
    // Questions that the application never answers keep their places; each further one is declined and costs patience.
    let mut held = Vec::new();
    for _ in 0..Service::Blocks.rate().open {
        let mut stream = stranger.open("blocks/1").await;
        frame::write_frame(&mut stream, &[1], 1024).await.unwrap();
        held.push(stream);
    }
    let handle = node.handle.clone();
    let peer_is_here = async || {
        let peers = handle.peers().await.unwrap();
        peers.iter().any(|peer| peer.peer == gone && peer.is_up())
    };
    let mut declined = 0;
    while peer_is_here().await {
        let asked = stranger.try_shout("blocks/1", &[1, 0, 0, 0, 9]).await;
        declined += usize::from(asked == Some(vec![1, 0, 0, 0, Declined::Busy as u8 + 1]));
    }
    assert!(declined > 100, "it was declined {declined} times before");
    assert_eq!(node.handle.metrics().peers_sent_away, 1);
    node.down(gone).await;
}

#[tokio::test]
async fn our_own_requests_are_held_back_before_a_peer_has_to_decline_them() {
    let mut node = join(config(1, Role::Follower)).await;
    let wallet = NetworkConfig {
        bootstrap: vec![node.entry()],
        ..config(2, Role::Wallet)
    };
    let mut wallet = join(wallet).await;
    wallet.up(node.peer()).await;
    let (asker, to) = (wallet.handle.clone(), node.peer());
    let asking = tokio::spawn(async move {
        let mut answered = 0u32;
        loop {
            match asker.request(to, Service::LookUp, vec![b'{']).await {
                Ok(_) => answered += 1,
                Err(error) => return (answered, error),
            }
        }
    });
    let served = node.handle.clone();
    let mut asked = 0u32;
    let burst = Service::LookUp.rate().burst;
    while asked < burst {
        let id = node
            .until("a question", |event| match event {
                Event::Request { id, .. } => Some(id),
                _ => None,
            })
            .await;
        served.respond(id, Ok(vec![])).await.unwrap();
        asked += 1;
    }
    // A few more may come while the bucket refills.
    tokio::spawn(async move {
        while let Some(event) = node.events.recv().await {
            if let Event::Request { id, .. } = event {
                served.respond(id, Ok(vec![])).await.unwrap();
            }
        }
    });
    let (answered, error) = asking.await.unwrap();
    let service = Service::LookUp;
    assert_eq!(error, RequestError::TooOften { service });
    assert!(answered >= burst);
    assert_eq!(wallet.handle.metrics().requests_held_back, 1);
}

/// A protocol buffers' field of bytes.
fn field(out: &mut Vec<u8>, number: u8, bytes: &[u8]) {
    out.push(number << 3 | 2);
    varint(out, bytes.len());
    out.extend_from_slice(bytes);
}

fn varint(out: &mut Vec<u8>, mut number: usize) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// One transmission of gossip.
async fn transmit(stream: &mut Stream, rpc: &[u8]) -> std::io::Result<()> {
    let mut frame = Vec::new();
    varint(&mut frame, rpc.len());
    frame.extend_from_slice(rpc);
    stream.write_all(&frame).await?;
    stream.flush().await
}

fn topic(number: usize) -> String {
    Topic::ALL[number % Topic::ALL.len()].name(&"test".parse().unwrap())
}

/// Subscribes to topics, or leaves them.
fn subscription(topics: &[String], is_wanted: bool) -> Vec<u8> {
    let mut rpc = Vec::new();
    for topic in topics {
        let mut one = vec![8, u8::from(is_wanted)];
        field(&mut one, 2, topic.as_bytes());
        field(&mut rpc, 1, &one);
    }
    rpc
}

/// A telling of messages that there are not.
fn promise(round: u16) -> Vec<u8> {
    let mut have = Vec::new();
    field(&mut have, 1, topic(0).as_bytes());
    for number in 0..512_u16 {
        let mut id = [0; 20];
        id[..2].copy_from_slice(&round.to_be_bytes());
        id[2..4].copy_from_slice(&number.to_be_bytes());
        field(&mut have, 2, &id);
    }
    let mut control = Vec::new();
    field(&mut control, 1, &have);
    let mut rpc = Vec::new();
    field(&mut rpc, 3, &control);
    rpc
}

/// A message.
fn message(data: &[u8]) -> Vec<u8> {
    let mut one = Vec::new();
    field(&mut one, 2, data);
    field(&mut one, 4, topic(0).as_bytes());
    let mut rpc = Vec::new();
    field(&mut rpc, 2, &one);
    rpc
}

/// Control messages: grafts (3) or prunes (4) of every topic.
fn control(number: u8) -> Vec<u8> {
    let mut control = Vec::new();
    for number_of_topic in 0..Topic::ALL.len() {
        let mut one = Vec::new();
        field(&mut one, 1, topic(number_of_topic).as_bytes());
        field(&mut control, number, &one);
    }
    let mut rpc = Vec::new();
    field(&mut rpc, 3, &control);
    rpc
}

async fn gossiper(node: &Member) -> (Stranger, Stream) {
    let mut stranger = Stranger::dial(node.entry()).await;
    stranger.greet([1; 32]).await;
    let stream = stranger.open_named("/meshsub/1.1.0").await;
    (stranger, stream)
}

async fn sent_away(handle: &NetworkHandle, what: &str) {
    eventually(what, async || handle.metrics().peers_sent_away == 1).await;
}

#[tokio::test]
async fn subscriptions_to_invented_topics_are_not_heard_of_and_flapping_ones_send_a_peer_away() {
    let node = join(config(1, Role::Follower)).await;
    let (mut stranger, mut stream) = gossiper(&node).await;
    let invented: Vec<String> = (0..15).map(|n| format!("/natcoin/test/x{n}/1")).collect();
    for _ in 0..600 {
        let sent = transmit(&mut stream, &subscription(&invented, true)).await;
        sent.unwrap();
    }
    // Its connection stands, and nothing came of it.
    assert!(stranger.shout("query/1", &[9, 9]).await.len() < 9);
    assert_eq!(node.handle.metrics().peers_sent_away, 0);
    let own: Vec<String> = (0..4).map(topic).collect();
    for round in 0..600 {
        let flapping = subscription(&own, round % 2 == 0);
        if transmit(&mut stream, &flapping).await.is_err() {
            break;
        }
    }
    sent_away(&node.handle, "the flapping peer was sent away").await;
}

#[tokio::test]
async fn grafts_against_the_rules_are_scored_and_send_a_peer_away() {
    let node = join(config(1, Role::Follower)).await;
    let (_stranger, mut stream) = gossiper(&node).await;
    let own: Vec<String> = (0..4).map(topic).collect();
    transmit(&mut stream, &subscription(&own, true))
        .await
        .unwrap();
    // Whoever prunes has to wait before it grafts again.
    transmit(&mut stream, &control(4)).await.unwrap();
    for _ in 0..2_000 {
        if transmit(&mut stream, &control(3)).await.is_err() {
            break;
        }
    }
    sent_away(&node.handle, "the grafting peer was sent away").await;
}

/// Gossipsub counts what was told of and did not come as a breach of the mesh's rules. Who is overloaded breaks hundreds
/// of such promises, and would be cut off by all who listen.
#[tokio::test]
async fn who_cannot_keep_its_promises_is_still_heard() {
    let mut node = join(config(1, Role::Follower)).await;
    let (_stranger, mut stream) = gossiper(&node).await;
    let own: Vec<String> = (0..4).map(topic).collect();
    transmit(&mut stream, &subscription(&own, true))
        .await
        .unwrap();
    // They run out after three seconds, and are counted at the heartbeat after.
    let until = clock::now() + 6 * mesh::HEARTBEAT;
    let mut round = 0_u16;
    while clock::now() < until {
        round += 1;
        transmit(&mut stream, &promise(round)).await.unwrap();
        let said = round.to_be_bytes();
        transmit(&mut stream, &message(&said)).await.unwrap();
        let heard = node.until("the message", |event| match event {
            Event::Gossip { id, data, .. } if data == said => Some(id),
            _ => None,
        });
        heard.await;
        pace().await;
    }
    assert_eq!(node.handle.metrics().peers_sent_away, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_strangers_only_so_many_gossip() {
    let node = join(config(1, Role::Follower)).await;
    let own: Vec<String> = (0..4).map(topic).collect();
    let mut gossipers = Vec::new();
    for _ in 0..=GOSSIPING_STRANGERS {
        let (stranger, mut stream) = gossiper(&node).await;
        transmit(&mut stream, &subscription(&own, true))
            .await
            .unwrap();
        gossipers.push((stranger, stream));
    }
    let handle = &node.handle;
    eventually("one was let go", async || {
        handle.metrics().gossipers_refused == 1
    })
    .await;
    eventually("the others stay", async || {
        let peers = handle.peers().await.unwrap();
        peers.iter().filter(|peer| peer.connections > 0).count() == GOSSIPING_STRANGERS
    })
    .await;
}
