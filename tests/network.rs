//! The network room, between real members over real sockets: hello, gossip, services, watches, and
//! what strangers cannot do.

mod common;

use std::{
    collections::BTreeSet,
    net::{TcpListener, UdpSocket},
    time::Duration,
};

use common::{
    net::{Member, config, join, peer, quic, tcp},
    proxy::Proxy,
    wait::{eventually, pace},
};
use natcoin::{
    behaviour::{Multiaddr, Role, Service, Topic, watch},
    node::{
        clock,
        network::{
            self, Event, NetworkConfig, NetworkError, RequestError, Verdict, WatchEnded, WatchSink,
        },
    },
};

/// Two validators that dial each other's way once.
async fn pair() -> (Member, Member) {
    let validators = BTreeSet::from([peer(1), peer(2)]);
    let first = NetworkConfig {
        validators: validators.clone(),
        ..config(1, Role::Validator)
    };
    let mut first = join(first).await;
    let second = NetworkConfig {
        validators,
        bootstrap: vec![first.entry()],
        ..config(2, Role::Validator)
    };
    let mut second = join(second).await;
    first.up(peer(2)).await;
    second.up(peer(1)).await;
    (first, second)
}

/// Publishes until the other one hears it: subscriptions take a moment after a peer is up.
async fn gossip_reaches(from: &Member, to: &mut Member, topic: Topic) {
    let handle = from.handle.clone();
    let publishing = tokio::spawn(async move {
        for n in 0u64.. {
            let data = [b"note ".as_slice(), &n.to_be_bytes()].concat();
            handle.publish(topic, data).await.unwrap();
            pace().await;
        }
    });
    let (id, source) = to
        .until("gossip", |event| match event {
            Event::Gossip {
                topic: heard,
                id,
                source,
                data,
            } if heard == topic => {
                assert!(data.starts_with(b"note "));
                Some((id, source))
            }
            _ => None,
        })
        .await;
    to.handle.report(id, source, Verdict::Accept).await.unwrap();
    publishing.abort();
}

#[tokio::test]
async fn two_nodes_greet_gossip_and_answer_each_other() {
    let (mut first, mut second) = pair().await;
    for topic in Topic::ALL {
        gossip_reaches(&first, &mut second, topic).await;
        gossip_reaches(&second, &mut first, topic).await;
    }
    // What wallets say to each other no node speaks.
    for service in Service::ALL.into_iter().filter(|one| *one != Service::Pay) {
        let asker = second.handle.clone();
        let asking =
            tokio::spawn(async move { asker.request(peer(1), service, b"what?".to_vec()).await });
        let id = first
            .until("a request", |event| match event {
                Event::Request {
                    id,
                    peer: who,
                    service: asked,
                    data,
                } if asked == service => {
                    assert_eq!((who, data.as_slice()), (peer(2), b"what?".as_slice()));
                    Some(id)
                }
                _ => None,
            })
            .await;
        let answer = vec![7; service.caps().answer_bytes];
        first.handle.respond(id, Ok(answer.clone())).await.unwrap();
        assert_eq!(asking.await.unwrap(), Ok(answer));
    }
}

/// A node and a wallet that is connected to it.
async fn node_and_wallet() -> (Member, Member) {
    let mut node = join(config(1, Role::Follower)).await;
    let wallet = NetworkConfig {
        bootstrap: vec![node.entry()],
        ..config(2, Role::Wallet)
    };
    let mut wallet = join(wallet).await;
    node.up(peer(2)).await;
    wallet.up(peer(1)).await;
    (node, wallet)
}

async fn watched(node: &mut Member) -> (Vec<u8>, WatchSink) {
    node.until("a watch", |event| match event {
        Event::WatchOpened { request, sink, .. } => Some((request, sink)),
        _ => None,
    })
    .await
}

#[tokio::test]
async fn a_wallet_asks_and_watches_and_knows_round_trip_times() {
    let (mut node, wallet) = node_and_wallet().await;
    let mut stream = wallet
        .handle
        .open_watch(peer(1), b"headers".to_vec())
        .await
        .unwrap();
    let (request, sink) = watched(&mut node).await;
    assert_eq!(request, b"headers");
    for n in 0..200u8 {
        // The queue is bounded: a pusher that waits for the reader never overruns it.
        sink.push(vec![n; usize::from(n)]).unwrap();
        assert_eq!(stream.next().await, Some(vec![n; usize::from(n)]));
    }
    let too_large = vec![0; watch::FRAME_MAX_BYTES + 1];
    assert!(matches!(
        sink.push(too_large),
        Err(WatchEnded::TooLarge { .. })
    ));
    sink.push(b"last".to_vec()).unwrap();
    drop(sink);
    assert_eq!(stream.next().await.as_deref(), Some(b"last".as_slice()));
    assert_eq!(
        stream.next().await,
        None,
        "dropping the sink ends the watch"
    );
    let handle = wallet.handle.clone();
    eventually("the round-trip time is known", || async {
        let seen = handle.peers().await.unwrap();
        seen[0].is_up() && seen[0].rtt.is_some() && seen[0].kept
    })
    .await;
}

#[tokio::test]
async fn a_watcher_that_reads_nothing_is_cut_off_and_one_that_leaves_is_noticed() {
    let (mut node, wallet) = node_and_wallet().await;
    let stream = wallet.handle.open_watch(peer(1), vec![]).await.unwrap();
    let (_, sink) = watched(&mut node).await;
    let mut ended = None;
    for _ in 0..10_000 {
        match sink.push(vec![7; watch::FRAME_MAX_BYTES]) {
            Ok(()) => tokio::task::yield_now().await,
            Err(error) => {
                ended = Some(error);
                break;
            }
        }
    }
    assert_eq!(ended, Some(WatchEnded::Slow));
    eventually("the slow watch is over", || async { sink.is_closed() }).await;
    drop(stream);

    let stream = wallet.handle.open_watch(peer(1), vec![]).await.unwrap();
    let (_, sink) = watched(&mut node).await;
    drop(stream);
    eventually("the leaving was noticed", || async { sink.is_closed() }).await;
    assert_eq!(sink.push(vec![1]), Err(WatchEnded::Gone));
}

#[tokio::test]
async fn a_peer_may_hold_a_few_watches_and_no_more() {
    let (mut node, wallet) = node_and_wallet().await;
    let mut held = Vec::new();
    let refused = loop {
        match wallet.handle.open_watch(peer(1), vec![]).await {
            Ok(stream) => held.push((stream, watched(&mut node).await)),
            Err(error) => break error,
        }
    };
    assert_eq!(held.len(), natcoin::behaviour::limits::WATCHES_PER_PEER);
    assert_eq!(
        refused,
        RequestError::Declined(natcoin::behaviour::Declined::Busy)
    );
    held.pop();
    let handle = wallet.handle.clone();
    eventually("a seat is free again", || async {
        handle.open_watch(peer(1), vec![]).await.is_ok()
    })
    .await;
}

#[tokio::test]
async fn a_request_to_a_peer_that_is_gone_or_silent_fails_in_time() {
    let mut node = join(config(1, Role::Follower)).await;
    let proxy = Proxy::to(&node.handle.addresses()[0]).await;
    let wallet = NetworkConfig {
        bootstrap: vec![(peer(1), vec![proxy.address.clone()])],
        ..config(2, Role::Wallet)
    };
    let mut wallet = join(wallet).await;
    wallet.up(peer(1)).await;
    let nobody = wallet.handle.request(peer(9), Service::Query, vec![]).await;
    assert_eq!(nobody, Err(RequestError::NotConnected));
    let limit = Service::Query.caps().request_bytes;
    let large = wallet
        .handle
        .request(peer(1), Service::Query, vec![0; limit + 1])
        .await;
    assert!(matches!(large, Err(RequestError::TooLarge { .. })));

    // The link is lost and nobody is told: the deadline speaks.
    proxy.lose_link();
    let begun = clock::now();
    let silent = wallet
        .handle
        .request(peer(1), Service::Query, vec![1])
        .await;
    assert!(
        matches!(silent, Err(RequestError::Timeout { .. })),
        "{silent:?}"
    );
    assert!(begun.elapsed() < Duration::from_secs(7));
    // Both find out by themselves, and come together again over a new connection.
    wallet.down(peer(1)).await;
    wallet.up(peer(1)).await;

    // The peer ends: who waits for its answer learns at once.
    let asker = wallet.handle.clone();
    let asking = tokio::spawn(async move { asker.request(peer(1), Service::Query, vec![2]).await });
    node.until("the question", |event| match event {
        Event::Request { data, .. } if data == [2] => Some(()),
        _ => None,
    })
    .await;
    let begun = clock::now();
    node.handle.shutdown().await;
    assert!(
        begun.elapsed() < Duration::from_secs(1),
        "{:?}",
        begun.elapsed()
    );
    let lost = asking.await.unwrap();
    assert!(
        matches!(
            lost,
            Err(RequestError::ConnectionLost | RequestError::Failed { .. })
        ),
        "{lost:?}"
    );
    assert!(begun.elapsed() < Duration::from_secs(2));
    wallet.down(peer(1)).await;
    let unreachable = wallet
        .until("that it cannot be reached", |event| match event {
            Event::BootstrapUnreachable { peer, attempts, .. } => Some((peer, attempts)),
            _ => None,
        })
        .await;
    assert_eq!(unreachable.0, peer(1));
    let stopped = node.handle.publish(Topic::Votes, vec![]).await;
    assert!(matches!(stopped, Err(NetworkError::Stopped)));
}

#[tokio::test]
async fn a_port_in_use_is_named() {
    let held = TcpListener::bind("127.0.0.1:0").unwrap();
    let also = UdpSocket::bind("127.0.0.1:0").unwrap();
    let (held_port, also_port) = (
        held.local_addr().unwrap().port(),
        also.local_addr().unwrap().port(),
    );
    let node = join(config(3, Role::Follower)).await;
    let taken: [Multiaddr; 3] = [
        format!("/ip4/127.0.0.1/tcp/{held_port}").parse().unwrap(),
        format!("/ip4/127.0.0.1/udp/{also_port}/quic-v1")
            .parse()
            .unwrap(),
        // Another copy of this program, which shares its ports with itself.
        node.handle.addresses()[0].clone(),
    ];
    for wanted in taken {
        let second = NetworkConfig {
            listen: vec![wanted.clone()],
            ..config(4, Role::Follower)
        };
        match network::start(second).await {
            Err(NetworkError::AddressInUse { address }) => assert_eq!(address, wanted),
            Err(other) => panic!("{other}"),
            Ok(_) => panic!("{wanted} was taken twice"),
        }
    }
}

#[tokio::test]
async fn nodes_that_dial_each_other_at_once_settle_and_gossip() {
    for listen in [tcp, quic] {
        // Ports are chosen first, so that all can name all.
        let mut probes = Vec::new();
        for seed in 1..=4u8 {
            let listen = listen();
            probes.push(
                join(NetworkConfig {
                    listen,
                    ..config(seed, Role::Validator)
                })
                .await,
            );
        }
        let entries: Vec<_> = probes.iter().map(Member::entry).collect();
        for probe in &probes {
            probe.handle.shutdown().await;
        }
        drop(probes);
        let mut members = Vec::new();
        for (seed, (_, addresses)) in (1..=4u8).zip(&entries) {
            let member = NetworkConfig {
                listen: addresses.clone(),
                bootstrap: entries.clone(),
                validators: (1..=4).map(peer).collect(),
                ..config(seed, Role::Validator)
            };
            members.push(join(member).await);
        }
        for (seed, member) in (1..=4u8).zip(&members) {
            let handle = &member.handle;
            eventually("everybody is up once or twice", || async {
                let seen = handle.peers().await.unwrap();
                let settled = |p: &network::PeerInfo| p.is_up() && (1..=2).contains(&p.connections);
                seen.len() == 3 && seen.iter().all(|p| p.peer != peer(seed) && settled(p))
            })
            .await;
        }
        let (first, rest) = members.split_first_mut().unwrap();
        for other in rest {
            gossip_reaches(first, other, Topic::Votes).await;
            gossip_reaches(other, first, Topic::Proposals).await;
        }
        for member in &members {
            assert_eq!(member.handle.metrics().hellos_refused, 0);
        }
    }
}

#[tokio::test]
async fn an_application_that_takes_no_events_stalls_nobody() {
    let (first, mut second) = pair().await;
    // Far more than its queues hold, and the first one's application sleeps.
    for n in 0u32..4_000 {
        let mut data = vec![0; 8 * 1024];
        data[..4].copy_from_slice(&n.to_be_bytes());
        second.handle.publish(Topic::Votes, data).await.unwrap();
    }
    let handle = first.handle.clone();
    eventually("messages were dropped and counted", || async {
        handle.metrics().gossip_dropped > 0
    })
    .await;
    // It still answers commands, and its own votes still go out.
    assert!(first.handle.peers().await.unwrap()[0].is_up());
    gossip_reaches(&first, &mut second, Topic::Votes).await;
    first.handle.shutdown().await;
    second.down(peer(1)).await;
}

#[tokio::test]
async fn heights_are_told() {
    let (first, mut second) = pair().await;
    first.handle.set_height(42).await.unwrap();
    second
        .until("the new height", |event| match event {
            Event::PeerHello { peer: who, hello } if who == peer(1) && hello.height == 42 => {
                Some(())
            }
            _ => None,
        })
        .await;
}

#[tokio::test]
async fn a_node_alone_publishes_without_an_error_and_too_much_is_refused() {
    let alone = join(config(1, Role::Validator)).await;
    alone.handle.publish(Topic::Votes, vec![1]).await.unwrap();
    let size = Topic::Votes.max_bytes() + 1;
    let refused = alone.handle.publish(Topic::Votes, vec![0; size]).await;
    assert!(matches!(refused, Err(NetworkError::TooLarge { .. })));
    let handle = alone.handle.clone();
    eventually("it was counted", || async {
        handle.metrics().gossip_unheard == 1
    })
    .await;
}

#[tokio::test]
async fn the_largest_message_of_each_topic_arrives() {
    let (first, mut second) = pair().await;
    for topic in Topic::ALL {
        gossip_reaches(&first, &mut second, topic).await;
        first
            .handle
            .publish(topic, vec![9; topic.max_bytes()])
            .await
            .unwrap();
        let size = second
            .until("the large one", |event| match event {
                Event::Gossip { data, .. } if data[0] == 9 => Some(data.len()),
                _ => None,
            })
            .await;
        assert_eq!(size, topic.max_bytes());
    }
}
