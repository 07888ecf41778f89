//! The floods: one peer that does its worst at the crowded node, as fast as it can, and comes back under a new name
//! whenever it is sent away.

use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use libp2p::futures::AsyncWriteExt as _;
use libp2p::futures::future::join_all;
use natcoin::behaviour::{Role, Topic};
use natcoin::chain::amount::Amount;
use natcoin::chain::certificate::VoteKind;
use natcoin::chain::codec::Encode as _;
use natcoin::chain::hash::Hash;
use natcoin::chain::key::{SecretKey, Signature};
use natcoin::chain::transaction::{Memo, Operation, Transaction};
use natcoin::consensus::{Message, message::Vote};
use natcoin::directory::bootstrap::Bootstrap;
use natcoin::directory::card::{Addresses, Presence, Whereabouts};
use natcoin::directory::exchange::Request;
use natcoin::node::home::read_bootstrap;
use natcoin::replica::wire::{Said, gossip};

use super::proxy::Proxy;
use super::raw::Raw;
use super::{wait, wallets};

/// All kinds.
pub const KINDS: [&str; 7] = [
    "garbage",
    "votes",
    "oversized",
    "slow",
    "cards",
    "grafts",
    "payments",
];

/// Streams that a flooding peer uses at a time.
const WIDE: u64 = 32;
/// Between two lives: what the node allows one address in the long run.
const REST: Duration = Duration::from_millis(62);
/// Invented cards.
const CARDS: u64 = 100_000;

struct Flood {
    bootstrap: Bootstrap,
    kind: String,
    cards: Vec<Vec<u8>>,
    done: AtomicU64,
    lives: AtomicU64,
}

/// Says a line when it is about to begin, floods until standard input ends, and says how much it did.
pub fn run(kind: &str, bootstrap: &Path) {
    let bootstrap = read_bootstrap(bootstrap).expect("a network");
    let cards = match kind {
        "cards" => invented_cards(&bootstrap),
        _ => Vec::new(),
    };
    let flood = Arc::new(Flood {
        bootstrap,
        kind: kind.to_owned(),
        cards,
        done: AtomicU64::new(0),
        lives: AtomicU64::new(0),
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    println!("ready");
    runtime.block_on(async {
        tokio::select! {
            () = wallets::until_told() => {}
            () = live_again_and_again(flood.clone()) => {}
        }
    });
    let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    println!("{} done in {} lives", read(&flood.done), read(&flood.lives));
    std::process::exit(0);
}

async fn live_again_and_again(flood: Arc<Flood>) {
    // A flood comes from elsewhere: from another address than the node's own.
    let (_, addresses) = wallets::node(&flood.bootstrap);
    let is_tcp = |address: &&libp2p::Multiaddr| address.to_string().contains("/tcp/");
    let address = addresses.iter().find(is_tcp).expect("it listens on TCP");
    let way = Proxy::from(Ipv4Addr::new(127, 0, 0, 2), address)
        .await
        .address;
    loop {
        let role = match flood.kind.as_str() {
            "votes" | "grafts" => Role::Follower,
            _ => Role::Wallet,
        };
        if let Some(raw) = Raw::connect(&flood.bootstrap, &way, role).await {
            flood.lives.fetch_add(1, Ordering::Relaxed);
            match flood.kind.as_str() {
                "votes" => gossips(&flood, raw, vote).await,
                "grafts" => gossips(&flood, raw, spam).await,
                _ => {
                    let lanes = (0..WIDE).map(|lane| requests(&flood, raw.another(), lane));
                    join_all(lanes).await;
                }
            }
        }
        wait::pace(REST).await;
    }
}

/// Opens one stream after another until the connection is gone.
async fn requests(flood: &Flood, mut raw: Raw, lane: u64) {
    const PROTOCOLS: [(&str, u32); 6] = [
        ("hello/1", 116),
        ("submit/1", 16 * 1024),
        ("query/1", 4 * 1024),
        ("blocks/1", 1024),
        ("watch/1", 4 * 1024),
        ("directory/1", 16 * 1024),
    ];
    let mut number = lane;
    while raw.is_connected() {
        let (protocol, limit) = PROTOCOLS[(number % 6) as usize];
        let went = match flood.kind.as_str() {
            "garbage" => raw.shout(protocol, &rand::random::<[u8; 64]>()).await,
            "oversized" => {
                let mut bytes = (limit + 1).to_le_bytes().to_vec();
                bytes.resize(200 * 1024, 7);
                raw.shout(protocol, &bytes).await
            }
            "slow" => dribble(&mut raw, protocol).await,
            "cards" => {
                let card = &flood.cards[(number % flood.cards.len() as u64) as usize];
                raw.ask("directory/1", card).await
            }
            _ => raw.ask("submit/1", &payment(flood, number)).await,
        };
        if went.is_none() {
            return;
        }
        flood.done.fetch_add(1, Ordering::Relaxed);
        number += WIDE;
    }
}

/// A byte now and then, until the other side has had enough.
async fn dribble(raw: &mut Raw, protocol: &str) -> Option<()> {
    let mut stream = raw.open(protocol).await?;
    let bytes = [&100u32.to_le_bytes()[..], &[7; 96]].concat();
    for byte in bytes {
        let wrote = async {
            stream.write_all(&[byte]).await?;
            stream.flush().await
        };
        if wrote.await.is_err() {
            break;
        }
        wait::pace(Duration::from_millis(100)).await;
    }
    Some(())
}

/// Writes one gossip transmission after another.
async fn gossips(flood: &Flood, mut raw: Raw, make: fn(&Flood, u64) -> Vec<u8>) {
    let Some(mut stream) = raw.open("/meshsub/1.1.0").await else {
        return;
    };
    for number in 0.. {
        let body = make(flood, number);
        let mut frame = Vec::new();
        varint(&mut frame, body.len() as u64);
        frame.extend_from_slice(&body);
        let wrote = async {
            stream.write_all(&frame).await?;
            stream.flush().await
        };
        if wrote.await.is_err() || !raw.is_connected() {
            return;
        }
        flood.done.fetch_add(1, Ordering::Relaxed);
    }
}

/// A transmission with one forged vote of a height to come: well formed, and signed by nobody.
fn vote(flood: &Flood, number: u64) -> Vec<u8> {
    let voter = flood.bootstrap.nodes()[(number % 4) as usize].key.address();
    let vote = Vote {
        kind: VoteKind::Precommit,
        height: 1_000_000 + number,
        round: (number % 9) as u32,
        block: Some(Hash(rand::random())),
        voter,
        signature: Signature([number as u8; 64]),
    };
    let data = gossip(rand::random(), &Said::Message(Message::Vote(vote)));
    let network = flood.bootstrap.network().parse().expect("a name");
    let mut message = Vec::new();
    field(&mut message, 2, &data);
    field(&mut message, 4, Topic::Votes.name(&network).as_bytes());
    let mut rpc = Vec::new();
    field(&mut rpc, 2, &message);
    rpc
}

/// A transmission that subscribes to this and that, and grafts and prunes, and tells of messages that there are not.
fn spam(flood: &Flood, number: u64) -> Vec<u8> {
    let network = flood.bootstrap.network().parse().expect("a name");
    let own = Topic::ALL[(number % 4) as usize].name(&network);
    let mut rpc = Vec::new();
    for invented in 0..15 {
        let topic = match invented {
            0 => own.clone(),
            _ => format!("/natcoin/{network}/invented-{number}-{invented}/1"),
        };
        let mut subscription = vec![8, u8::from(!number.is_multiple_of(3))];
        field(&mut subscription, 2, topic.as_bytes());
        field(&mut rpc, 1, &subscription);
    }
    let mut control = Vec::new();
    let mut told = Vec::new();
    field(&mut told, 1, own.as_bytes());
    for _ in 0..16 {
        field(&mut told, 2, &rand::random::<[u8; 20]>());
    }
    field(&mut control, 1, &told);
    let mut graft = Vec::new();
    field(&mut graft, 1, own.as_bytes());
    field(&mut control, 3, &graft);
    field(&mut control, 4, &graft);
    field(&mut rpc, 3, &control);
    rpc
}

/// A protocol buffers' field of bytes.
fn field(out: &mut Vec<u8>, number: u8, bytes: &[u8]) {
    out.push(number << 3 | 2);
    varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Requests that hand in cards of people and peers that nobody has heard of, rightly signed.
fn invented_cards(bootstrap: &Bootstrap) -> Vec<Vec<u8>> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let now_ms = now.expect("after 1970").as_millis() as u64;
    let card = |_| {
        let (account, peer) = (
            SecretKey::from_seed(&rand::random()),
            SecretKey::from_seed(&rand::random()),
        );
        let said = Whereabouts {
            network: bootstrap.genesis().hash(),
            account: account.address(),
            peer: peer.public(),
            sequence: now_ms,
            issued_at_ms: now_ms,
            role: Role::Wallet,
            presence: Presence::Here {
                ttl_ms: 600_000.try_into().expect("not zero"),
                addresses: Addresses::default(),
            },
        };
        said.sign(&account, &peer)
    };
    (0..CARDS / 16)
        .map(|_| Request::Put((0..16).map(card).collect()).to_bytes())
        .collect()
}

/// A payment that nobody has signed.
fn payment(flood: &Flood, number: u64) -> Vec<u8> {
    let key = SecretKey::from_seed(&[9; 32]);
    let transaction = Transaction {
        genesis: flood.bootstrap.genesis().hash(),
        sender: flood.bootstrap.genesis().accounts[0].address,
        key: key.public(),
        nonce: number,
        valid_until: 1_000_000,
        fee: Amount::ZERO,
        operation: Operation::Transfer {
            to: key.address(),
            amount: Amount::from_nits(1),
            memo: Memo::default(),
        },
    };
    let mut signed = transaction.sign(&key);
    signed.signature = Signature([7; 64]);
    signed.to_bytes()
}
