//! What strangers cannot do to a node: bytes that are too many, too slow, or nonsense, on every
//! protocol; questions without a hello; crowds.

mod common;

use common::{
    net::{Member, config, join, quic},
    stranger::Stranger,
    wait::eventually,
};
use libp2p::futures::AsyncWriteExt as _;
use natcoin::{
    behaviour::{Declined, HelloAnswer, Refusal, Role, Service, frame, watch},
    node::network::{Event, NetworkConfig, RequestError, event::RefusedBy},
};

/// Protocols that a stranger may open, with their limits in bytes of a request.
const PROTOCOLS: [(&str, usize); 6] = [
    ("hello/1", 116),
    ("submit/1", 16 * 1024),
    ("query/1", 4 * 1024),
    ("blocks/1", 1024),
    ("agreement/1", 4 * 1024),
    ("watch/1", 4 * 1024),
];

async fn node() -> Member {
    join(config(1, Role::Follower)).await
}

/// The node still serves: an honest wallet comes up and gets an answer.
async fn still_serves(node: &mut Member) {
    let wallet = NetworkConfig {
        bootstrap: vec![node.entry()],
        ..config(77, Role::Wallet)
    };
    let mut wallet = join(wallet).await;
    wallet.up(node.peer()).await;
    let (asker, server) = (wallet.handle.clone(), node.peer());
    let asking = tokio::spawn(async move { asker.request(server, Service::Query, vec![1]).await });
    let who = wallet.peer();
    let id = node
        .until("the honest question", |event| match event {
            Event::Request { id, peer, .. } if peer == who => Some(id),
            _ => None,
        })
        .await;
    node.handle.respond(id, Ok(vec![2])).await.unwrap();
    assert_eq!(asking.await.unwrap(), Ok(vec![2]));
    wallet.handle.shutdown().await;
}

#[tokio::test]
async fn garbage_and_oversized_frames_on_every_protocol_do_no_harm() {
    let mut node = node().await;
    let mut stranger = Stranger::dial(node.entry()).await;
    for (protocol, limit) in PROTOCOLS {
        let too_long = u32::try_from(limit + 1).unwrap().to_le_bytes();
        for bytes in [
            b"".as_slice(),
            b"GET / HTTP/1.1\r\n\r\n",
            &[0xff; 4],
            &[0, 0],
            &too_long,
            &[5, 0, 0, 0, 1, 2],
        ] {
            let back = stranger.shout(protocol, bytes).await;
            assert!(
                back.len() < 400,
                "{protocol}: {} bytes came back",
                back.len()
            );
        }
    }
    let counted = node.handle.metrics();
    assert!(counted.requests_malformed > 0, "{counted:?}");
    assert_eq!(
        counted.requests_received, 0,
        "nonsense reached the application"
    );
    assert_eq!(counted.watches_opened, 0);
    still_serves(&mut node).await;
}

#[tokio::test]
async fn a_request_that_never_ends_is_cut_off_at_its_deadline() {
    let mut node = node().await;
    let mut stranger = Stranger::dial(node.entry()).await;
    assert!(matches!(
        stranger.greet([1; 32]).await,
        HelloAnswer::Welcome(_)
    ));
    let mut held = Vec::new();
    for (protocol, _) in PROTOCOLS {
        let mut stream = stranger.open(protocol).await;
        // A frame of 100 bytes is announced; ten come, and then nothing for ever.
        stream.write_all(&[100, 0, 0, 0]).await.unwrap();
        stream.write_all(&[7; 10]).await.unwrap();
        stream.flush().await.unwrap();
        held.push(stream);
    }
    let handle = node.handle.clone();
    let cut_off = || async { handle.metrics().requests_malformed >= 6 };
    eventually("all six were cut off", cut_off).await;
    still_serves(&mut node).await;
}

#[tokio::test]
async fn a_stranger_without_a_hello_is_served_nothing_and_cut_off() {
    let mut node = node().await;
    let mut stranger = Stranger::dial(node.entry()).await;
    for protocol in ["submit/1", "query/1", "blocks/1"] {
        let back = stranger.shout(protocol, &[1, 0, 0, 0, 9]).await;
        assert_eq!(back, [1, 0, 0, 0, 2], "{protocol}: declined as not greeted");
    }
    let agreement = stranger.shout("agreement/1", &[1, 0, 0, 0, 9]).await;
    assert_eq!(agreement, [1, 0, 0, 0, 3], "not allowed");
    let mut stream = stranger.open("watch/1").await;
    let refused = watch::ask(&mut stream, b"all").await.unwrap();
    assert_eq!(refused, Err(Declined::NotGreeted));
    stranger.closed().await;
    assert_eq!(node.handle.metrics().requests_received, 0);
    still_serves(&mut node).await;
}

#[tokio::test]
async fn a_flood_of_questions_is_declined_politely_and_votes_are_for_validators_only() {
    let mut node = node().await;
    let mut stranger = Stranger::dial(node.entry()).await;
    stranger.greet([1; 32]).await;
    // One more than may be open at a time, and the application answers none of them.
    let open = usize::from(Service::Blocks.rate().open);
    let mut held = Vec::new();
    for _ in 0..open {
        let mut stream = stranger.open("blocks/1").await;
        frame::write_frame(&mut stream, &[1], 1024).await.unwrap();
        held.push(stream);
        node.until("the question", |event| {
            matches!(event, Event::Request { .. }).then_some(())
        })
        .await;
    }
    let busy = stranger.shout("blocks/1", &[1, 0, 0, 0, 9]).await;
    assert_eq!(busy, [1, 0, 0, 0, 1], "declined as busy");
    let votes = stranger.shout("agreement/1", &[1, 0, 0, 0, 9]).await;
    assert_eq!(votes, [1, 0, 0, 0, 3], "declined as not allowed");
    drop(held);
    still_serves(&mut node).await;
}

#[tokio::test]
async fn hellos_without_end_are_put_off() {
    let mut node = node().await;
    let mut stranger = Stranger::dial(node.entry()).await;
    let mut answers = Vec::new();
    for _ in 0..80 {
        answers.push(stranger.greet([1; 32]).await);
    }
    assert!(answers.contains(&HelloAnswer::Refused(Refusal::Busy)));
    still_serves(&mut node).await;
}

#[tokio::test]
async fn a_foreign_genesis_is_refused_on_both_sides_with_a_reason() {
    for listen in [common::net::tcp(), quic()] {
        let home = NetworkConfig {
            listen,
            ..config(1, Role::Follower)
        };
        let mut home = join(home).await;
        let foreigner = NetworkConfig {
            genesis: [2; 32],
            bootstrap: vec![home.entry()],
            ..config(2, Role::Follower)
        };
        let mut foreigner = join(foreigner).await;
        let (here, there) = (home.peer(), foreigner.peer());
        for (member, other, expected) in [
            (&mut home, there, RefusedBy::Us),
            (&mut foreigner, here, RefusedBy::Them),
        ] {
            let reason = member
                .until("the refusal", |event| match event {
                    Event::Refused { peer, reason, by } => {
                        assert_eq!((peer, by), (other, expected));
                        Some(reason)
                    }
                    Event::PeerUp { .. } => panic!("a foreigner came up"),
                    _ => None,
                })
                .await;
            let Refusal::ForeignGenesis(text) = reason else {
                panic!("{reason:?}");
            };
            assert!(text.contains("0101010101010101"), "{text}");
            assert!(text.contains("0202020202020202"), "{text}");
        }
        let handle = home.handle.clone();
        eventually("the connection is closed", || async {
            handle.peers().await.unwrap().is_empty()
        })
        .await;
        let seen = foreigner.handle.peers().await.unwrap();
        let failure = seen[0].last_failure.as_deref().unwrap();
        assert!(failure.contains("foreign genesis"), "{failure}");
    }
}

#[tokio::test]
async fn a_peer_of_another_networks_name_is_refused() {
    let home = node().await;
    let other = NetworkConfig {
        network_name: "elsewhere".parse().unwrap(),
        bootstrap: vec![home.entry()],
        ..config(2, Role::Follower)
    };
    let mut other = join(other).await;
    let reason = other
        .until("the refusal", |event| match event {
            Event::Refused { reason, .. } => Some(reason),
            _ => None,
        })
        .await;
    assert!(matches!(reason, Refusal::OtherNetwork(_)), "{reason:?}");
}

#[tokio::test]
async fn a_banned_peer_is_closed_and_stays_out() {
    let mut home = node().await;
    let guest = NetworkConfig {
        bootstrap: vec![home.entry()],
        ..config(2, Role::Follower)
    };
    let mut guest = join(guest).await;
    home.up(guest.peer()).await;
    home.handle.ban(guest.peer()).await.unwrap();
    home.down(guest.peer()).await;
    guest.down(home.peer()).await;
    let answer = home
        .handle
        .request(guest.peer(), Service::Query, vec![1])
        .await;
    assert_eq!(answer, Err(RequestError::NotConnected));
    let banned = guest.peer();
    guest
        .until("a failed dial or another fall", |event| match event {
            Event::BootstrapUnreachable { .. } => Some(()),
            _ => None,
        })
        .await;
    let seen = home.handle.peers().await.unwrap();
    assert!(seen.iter().all(|peer| peer.peer != banned || !peer.is_up()));
}
