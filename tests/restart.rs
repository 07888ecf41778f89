//! The restart rule: a node that is killed and restarted with the same peer id hears and is heard
//! again within ten seconds, over TCP and over QUIC.
//!
//! The nodes that are killed are real processes: this test program starts itself again as a small
//! gossip node, kills it without warning, and starts it on the same port with the same identity.

mod common;

use std::{
    collections::BTreeSet,
    io::Read as _,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use common::{
    net::{Member, config, join, peer},
    processes::free_ports,
    proxy::Proxy,
    wait::{eventually, pace},
};
use natcoin::{
    behaviour::{Multiaddr, PeerId, Role, Topic},
    node::{
        clock,
        network::{Event, NetworkConfig, NetworkHandle, Verdict},
    },
};

/// The promise.
const HEALED_WITHIN: Duration = Duration::from_secs(10);
/// How often each transport is tried.
const LIVES: u32 = 10;
/// Seeds of the survivor's and the victim's keys.
const SURVIVOR: u8 = 1;
const VICTIM: u8 = 2;

/// Validators of a network in which they are explicit gossip peers of each other.
const FEW: u8 = 2;
/// And of one in which they meet in the mesh, if only two of them run.
const MANY: u8 = 20;

/// What tells this program to be the victim: how many vote, its life, its address, the survivor's address.
const VICTIM_ENV: &str = "NATCOIN_TEST_VICTIM";

/// The first so many peers.
fn voters(count: u8) -> BTreeSet<PeerId> {
    (1..=count).map(peer).collect()
}

/// A validator, one of so many, that dials another one.
fn node(
    (seed, count): (u8, u8),
    listen: Multiaddr,
    other: u8,
    address: Multiaddr,
) -> NetworkConfig {
    NetworkConfig {
        listen: vec![listen],
        bootstrap: vec![(peer(other), vec![address])],
        validators: voters(count),
        ..config(seed, Role::Validator)
    }
}

/// The victim publishes "life n heard m", where m is the last number that it heard.
async fn live(count: u8, life: u32, listen: Multiaddr, survivor: Multiaddr) {
    let mut member = join(node((VICTIM, count), listen, SURVIVOR, survivor)).await;
    let mut heard = 0u64;
    for count in 0u64.. {
        let words = format!("life {life} heard {heard} count {count}");
        let publish = member.handle.publish(Topic::Votes, words.into_bytes());
        publish.await.unwrap();
        let listening = async {
            loop {
                if let Some(Event::Gossip {
                    id, source, data, ..
                }) = member.events.recv().await
                {
                    let report = member.handle.report(id, source, Verdict::Accept);
                    report.await.unwrap();
                    heard = heard.max(u64::from_be_bytes(data.try_into().unwrap()));
                    return;
                }
            }
        };
        tokio::select! {
            () = listening => {}
            () = pace() => {}
        }
    }
}

/// Not a test by itself: what the killed process runs.
#[test]
fn victim() {
    let Ok(words) = std::env::var(VICTIM_ENV) else {
        return;
    };
    // The victim never outlives its parent: their pipe closes with it.
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    let mut words = words.split(' ');
    let count = words.next().unwrap().parse().unwrap();
    let life = words.next().unwrap().parse().unwrap();
    let listen = words.next().unwrap().parse().unwrap();
    let survivor = words.next().unwrap().parse().unwrap();
    tokio::runtime::Runtime::new()
        .unwrap()
        .block_on(live(count, life, listen, survivor));
}

fn start_victim(count: u8, life: u32, listen: &Multiaddr, survivor: &Multiaddr) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["victim", "--exact", "--nocapture"])
        .env(VICTIM_ENV, format!("{count} {life} {listen} {survivor}"))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// Publishes numbers for ever.
async fn count_aloud(handle: NetworkHandle, mut number: u64) {
    loop {
        number += 1;
        let data = number.to_be_bytes().to_vec();
        if handle.publish(Topic::Votes, data).await.is_err() {
            return;
        }
        pace().await;
    }
}

/// Waits until `survivor` hears that the victim of this `life` heard a number above `above`: then
/// gossip flows both ways.
async fn heard_both_ways(survivor: &mut Member, life: u32, above: u64) {
    let handle = survivor.handle.clone();
    let (id, source) = survivor
        .until("gossip both ways", |event| {
            let Event::Gossip {
                id, source, data, ..
            } = event
            else {
                return None;
            };
            let text = String::from_utf8(data).unwrap();
            let words: Vec<&str> = text.split(' ').collect();
            let this_life = words[1].parse::<u32>().unwrap() == life;
            let heard: u64 = words[3].parse().unwrap();
            (this_life && heard > above).then_some((id, source))
        })
        .await;
    handle.report(id, source, Verdict::Accept).await.unwrap();
}

/// Kills and restarts the victim again and again; returns how long each healing took.
async fn lives(count: u8, listen: Multiaddr, own: Multiaddr) -> Vec<Duration> {
    let mut survivor = join(node((SURVIVOR, count), own, VICTIM, listen.clone())).await;
    let address = survivor.handle.addresses()[0].clone();
    let mut healed = Vec::new();
    let mut child = start_victim(count, 0, &listen, &address);
    for life in 0..=LIVES {
        let begun: Instant = clock::now();
        let above = u64::from(life) << 32;
        let counting = tokio::spawn(count_aloud(survivor.handle.clone(), above));
        heard_both_ways(&mut survivor, life, above).await;
        counting.abort();
        if life > 0 {
            healed.push(begun.elapsed());
        }
        // SIGKILL: nothing is closed by the program itself.
        child.kill().unwrap();
        child.wait().unwrap();
        if life < LIVES {
            child = start_victim(count, life + 1, &listen, &address);
        }
    }
    survivor.handle.shutdown().await;
    healed
}

#[allow(clippy::print_stderr, reason = "the measured times are worth seeing")]
fn check(transport: &str, healed: &[Duration]) {
    let slowest = healed.iter().max().unwrap();
    assert!(*slowest < HEALED_WITHIN, "{transport}: {healed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_killed_and_restarted_is_heard_again_over_tcp() {
    let port = free_ports(1);
    let listen = format!("/ip4/127.0.0.1/tcp/{port}").parse().unwrap();
    let healed = lives(FEW, listen, "/ip4/127.0.0.1/tcp/0".parse().unwrap()).await;
    check("TCP", &healed);
}

/// Lives over QUIC, in a network where so many vote.
async fn lives_over_quic(count: u8) -> Vec<Duration> {
    let port = free_ports(1);
    let listen = format!("/ip4/127.0.0.1/udp/{port}/quic-v1")
        .parse()
        .unwrap();
    let own = "/ip4/127.0.0.1/udp/0/quic-v1".parse().unwrap();
    lives(count, listen, own).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_killed_and_restarted_is_heard_again_over_quic() {
    check("QUIC", &lives_over_quic(FEW).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_killed_and_restarted_is_heard_again_where_many_vote() {
    check("QUIC, many", &lives_over_quic(MANY).await);
}

/// The old connection is dead and nobody was told: the survivor still holds it when the restarted
/// node dials from a new port.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_restarted_after_its_link_was_lost_is_heard_again() {
    let listen: Multiaddr = "/ip4/127.0.0.1/tcp/0".parse().unwrap();
    let alone = NetworkConfig {
        validators: voters(FEW),
        ..config(SURVIVOR, Role::Validator)
    };
    let mut survivor = join(alone).await;
    let proxy = Proxy::to(&survivor.handle.addresses()[0]).await;
    let mut healed = Vec::new();
    for life in 0..4 {
        let begun = clock::now();
        let above = u64::from(life) << 32;
        let counting = tokio::spawn(count_aloud(survivor.handle.clone(), above));
        let living = tokio::spawn(live(FEW, life, listen.clone(), proxy.address.clone()));
        heard_both_ways(&mut survivor, life, above).await;
        healed.push(begun.elapsed());
        counting.abort();
        proxy.lose_link();
        living.abort();
        let _ = living.await;
    }
    check("TCP with a lost link", &healed[1..]);
}

/// A lost link with full buffers cannot even be closed properly; it must be given up all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_link_lost_while_much_is_being_sent_is_given_up_and_replaced() {
    let alone = NetworkConfig {
        validators: voters(FEW),
        ..config(SURVIVOR, Role::Validator)
    };
    let mut survivor = join(alone).await;
    let proxy = Proxy::to(&survivor.handle.addresses()[0]).await;
    let listen: Multiaddr = "/ip4/127.0.0.1/tcp/0".parse().unwrap();
    let mut other = join(node((VICTIM, FEW), listen, SURVIVOR, proxy.address.clone())).await;
    survivor.up(peer(VICTIM)).await;
    other.up(peer(SURVIVOR)).await;
    let handle = survivor.handle.clone();
    eventually("large messages arrive", || async {
        let size = Topic::Proposals.max_bytes();
        handle
            .publish(Topic::Proposals, vec![1; size])
            .await
            .unwrap();
        handle.metrics().gossip_published > 0
    })
    .await;
    proxy.lose_link();
    let publisher = survivor.handle.clone();
    let publishing = tokio::spawn(async move {
        for n in 0u64.. {
            let mut data = vec![0; Topic::Proposals.max_bytes()];
            data[..8].copy_from_slice(&n.to_be_bytes());
            publisher.publish(Topic::Proposals, data).await.unwrap();
            pace().await;
        }
    });
    survivor.down(peer(VICTIM)).await;
    survivor.up(peer(VICTIM)).await;
    publishing.abort();
    let counting = tokio::spawn(count_aloud(survivor.handle.clone(), 0));
    other
        .until("gossip over the new link", |event| match event {
            Event::Gossip {
                topic: Topic::Votes,
                ..
            } => Some(()),
            _ => None,
        })
        .await;
    counting.abort();
}
