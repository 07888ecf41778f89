//! Lying nodes: each kind of lie is caught, nothing false is given out, and an honest node is asked instead.
//!
//! The liar is a real node of the bootstrap file. It forwards questions to an honest node and forges the answers; so it
//! is believed at first. The honest nodes stand behind gates that open only when the lie is told.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use natcoin::{
    behaviour::{Multiaddr, Role, Service, identity},
    chain::{
        amount::Amount,
        certificate::{VoteKind, vote_sign_bytes},
        codec::{Decode, Encode},
        hash::Hash,
        key::SecretKey,
        query::{Anchor, Answer, Certified, Query, Unavailable},
    },
    directory::bootstrap::{Beginning, Bootstrap, Node},
    node::{
        network::{self, Event, NetworkConfig, NetworkEvents, NetworkHandle, WatchSink},
        session::{Intent, Recipient, Session, SessionConfig, SessionError, WatchEvent},
    },
    replica::wire::WatchFrame,
    wallet::memo::Note,
};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
    time::timeout,
};

use crate::common::{
    town::{Town, address, bootstrap, nat, node_key, person},
    wait::{PATIENCE, eventually, pace},
};

/// What the liar forges in its answers about accounts.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Lie {
    ChangedBalance,
    NoAccount,
    OtherProof,
    TooFewSigners,
    Strangers,
    OldHeight,
    ForeignGenesis,
    OtherNetworksHeader,
    OtherQuestion,
    Nonsense,
    Silence,
    /// No lie: it says that it has too much to do.
    Busy,
}

const LIES: [Lie; 11] = [
    Lie::ChangedBalance,
    Lie::NoAccount,
    Lie::OtherProof,
    Lie::TooFewSigners,
    Lie::Strangers,
    Lie::OldHeight,
    Lie::ForeignGenesis,
    Lie::OtherNetworksHeader,
    Lie::OtherQuestion,
    Lie::Nonsense,
    Lie::Silence,
];

/// Forwards to a node, but only once it is open; connections made before wait.
struct Gate {
    address: Multiaddr,
}

impl Gate {
    async fn to(target: &Multiaddr, mut open: watch::Receiver<bool>) -> Self {
        let port = |address: &Multiaddr| -> u16 {
            let text = address.to_string();
            text.rsplit('/').next().unwrap().parse().unwrap()
        };
        let target: SocketAddr = ([127, 0, 0, 1], port(target)).into();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let local = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            if open.wait_for(|is_open| *is_open).await.is_err() {
                return;
            }
            while let Ok((mut near, _)) = listener.accept().await {
                let mut far = TcpStream::connect(target).await.unwrap();
                tokio::spawn(async move {
                    // Its end is the connection's.
                    let _ = copy_bidirectional(&mut near, &mut far).await;
                });
            }
        });
        Self {
            address: format!("/ip4/127.0.0.1/tcp/{local}").parse().unwrap(),
        }
    }
}

/// The town's bootstrap, as a wallet has it whose way to the honest nodes is gated. The genesis is the same.
async fn gated(town: &Town, open: &watch::Receiver<bool>) -> Bootstrap {
    let genesis = town.bootstrap.genesis();
    let beginning = Beginning {
        network: genesis.network.clone(),
        time_ms: genesis.time_ms,
        rules: genesis.rules.clone(),
        accounts: genesis.accounts.clone(),
    };
    let mut nodes = Vec::new();
    for node in town.bootstrap.nodes() {
        let addresses = match node.validator {
            true => vec![Gate::to(&node.addresses[0], open.clone()).await.address],
            false => node.addresses.clone(),
        };
        nodes.push(Node {
            addresses,
            ..node.clone()
        });
    }
    let gated = Bootstrap::new(beginning, nodes).unwrap();
    assert_eq!(gated.genesis().hash(), genesis.hash());
    gated
}

/// The node after the validators, which lies.
struct Liar {
    ways: Arc<Ways>,
    handle: NetworkHandle,
}

/// What it does, and what was asked of it.
#[derive(Default)]
struct Ways {
    lie: Mutex<Option<Lie>>,
    /// How many questions about accounts it was asked.
    asked: AtomicUsize,
    /// How many questions about activities it has answered, with the truth.
    listed: AtomicUsize,
    /// Those who watch it, if nothing is pushed to them but by hand.
    watchers: Mutex<Option<Vec<WatchSink>>>,
}

impl Liar {
    async fn start(town: &Town) -> Self {
        let nodes = town.bootstrap.nodes();
        let number = nodes.iter().position(|node| !node.validator).unwrap();
        let honest = &nodes[0];
        let (handle, events) = network::start(NetworkConfig {
            identity: identity::keypair(*node_key(number.try_into().unwrap()).to_seed()),
            network_name: town.bootstrap.network().parse().unwrap(),
            genesis: town.bootstrap.genesis().hash().0,
            role: Role::Follower,
            version: "liar".to_owned(),
            boot_nonce: 1,
            height: 0,
            listen: nodes[number].addresses.clone(),
            bootstrap: vec![(honest.peer_id, honest.addresses.clone())],
            validators: Default::default(),
            reach: Default::default(),
        })
        .await
        .unwrap();
        let ways = Arc::new(Ways::default());
        let honest = honest.peer_id;
        tokio::spawn(lies(handle.clone(), events, honest, ways.clone()));
        Self { ways, handle }
    }

    fn tell(&self, lie: Option<Lie>) {
        *self.ways.lie.lock().unwrap() = lie;
    }
}

async fn lies(
    handle: NetworkHandle,
    mut events: NetworkEvents,
    honest: natcoin::behaviour::PeerId,
    ways: Arc<Ways>,
) {
    let mut sinks = Vec::new();
    while let Some(event) = events.recv().await {
        match event {
            Event::Request {
                id,
                service: Service::Query,
                data,
                ..
            } => {
                let lie = *ways.lie.lock().unwrap();
                let query = Query::from_bytes(&data);
                if let Ok(Query::Account(_)) = query {
                    ways.asked.fetch_add(1, Ordering::SeqCst);
                }
                let (handle, ways) = (handle.clone(), ways.clone());
                tokio::spawn(async move {
                    let truth = ask(&handle, honest, &data).await;
                    let is_list = matches!(query, Ok(Query::Activities { .. }));
                    let answer = match (lie, query) {
                        (Some(lie), Ok(Query::Account(_))) => {
                            forge(lie, truth, &handle, honest).await
                        }
                        _ => Some(truth),
                    };
                    if let Some(answer) = answer {
                        // The asker may be gone.
                        let _ = handle.respond(id, Ok(answer)).await;
                        ways.listed.fetch_add(is_list.into(), Ordering::SeqCst);
                    }
                });
            }
            Event::WatchOpened { sink, .. } => {
                if let Some(watchers) = ways.watchers.lock().unwrap().as_mut() {
                    watchers.push(sink);
                    continue;
                }
                // Pushes a block that only two validators have signed.
                if let Some(mut certified) = newest(&handle, honest).await {
                    certified.header.height += 1;
                    certified.certificate.height += 1;
                    certified.certificate.block = certified.header.id();
                    let frame = WatchFrame {
                        certified,
                        transactions: vec![],
                    };
                    sink.push(frame.to_bytes()).unwrap();
                }
                sinks.push(sink);
            }
            _ => {}
        }
    }
}

/// The newest block that an honest node has.
async fn newest(handle: &NetworkHandle, honest: natcoin::behaviour::PeerId) -> Option<Certified> {
    let truth = ask(handle, honest, &Query::Status.to_bytes()).await;
    let status = Answer::from_bytes(&truth).unwrap().into_status().unwrap();
    match status.anchor {
        Anchor::Block(certified) => Some(*certified),
        Anchor::Genesis => None,
    }
}

async fn ask(handle: &NetworkHandle, honest: natcoin::behaviour::PeerId, query: &[u8]) -> Vec<u8> {
    loop {
        let asking = handle.request(honest, Service::Query, query.to_vec());
        match asking.await {
            Ok(answer) => return answer,
            Err(_) => pace().await,
        }
    }
}

/// A false answer about an account; `None` for none at all.
async fn forge(
    lie: Lie,
    truth: Vec<u8>,
    handle: &NetworkHandle,
    honest: natcoin::behaviour::PeerId,
) -> Option<Vec<u8>> {
    let mut answer = Answer::from_bytes(&truth).unwrap().into_account().unwrap();
    let Anchor::Block(certified) = &mut answer.anchor else {
        panic!("the honest node has a block");
    };
    match lie {
        Lie::ChangedBalance => {
            answer.account.as_mut().unwrap().balance = nat(999_999);
        }
        Lie::NoAccount => answer.account = None,
        Lie::OtherProof => {
            let other = Query::Account(address(2)).to_bytes();
            let other = Answer::from_bytes(&ask(handle, honest, &other).await).unwrap();
            answer.proof = other.into_account().unwrap().proof;
        }
        Lie::TooFewSigners => certified.certificate.signatures.truncate(2),
        Lie::Strangers => sign_anew(certified, 60),
        Lie::OldHeight => {
            // All of this was true before the first block.
            answer.anchor = Anchor::Genesis;
            let town = bootstrap(4, 1);
            let before = natcoin::chain::ledger::Ledger::from_genesis(town.genesis());
            answer.account = before.account(&address(1));
            answer.proof = before.prove_account(&address(1));
        }
        Lie::ForeignGenesis => {
            certified.header.genesis = Hash([7; 32]);
            certified.certificate.block = certified.header.id();
        }
        Lie::OtherNetworksHeader => {
            answer.account.as_mut().unwrap().balance = Amount::ZERO;
            certified.header.state_root = Hash([8; 32]);
            certified.certificate.block = certified.header.id();
        }
        Lie::OtherQuestion => return Some(ask(handle, honest, &Query::Network.to_bytes()).await),
        Lie::Nonsense => return Some(b"trust me".to_vec()),
        Lie::Silence => return None,
        Lie::Busy => return Some(Answer::Unavailable(Unavailable::Busy).to_bytes()),
    }
    Some(Answer::Account(answer).to_bytes())
}

/// Signatures of keys that nobody knows, in the validators' places.
fn sign_anew(certified: &mut Certified, seed: u8) {
    let Certified {
        header,
        certificate,
    } = certified;
    for (number, part) in (0..).zip(&mut certificate.signatures) {
        let key = SecretKey::from_seed(&[seed + number; 32]);
        let bytes = vote_sign_bytes(
            &header.genesis,
            VoteKind::Precommit,
            header.height,
            certificate.round,
            &key.address(),
            Some(&certificate.block),
        );
        part.signature = key.sign(&bytes);
    }
}

async fn pay_alice(town: &Town, session: &Session, profile: &str) {
    let mut purse = town.purse(profile);
    let intent = Intent::Transfer {
        to: Recipient::Name("alice".parse().unwrap()),
        amount: nat(5),
        note: Note::default(),
    };
    let plan = session.plan(&purse, address(1), intent).await.unwrap();
    let outcome = session
        .pay(&mut purse, &person(1), plan, &mut |_| {})
        .await
        .unwrap();
    assert!(!outcome.is_open());
}

/// Four honest nodes with a payment of 5 from bob to alice behind them, and a fifth that lies.
async fn town_with_a_liar() -> (Town, Liar) {
    let town = Town::with(bootstrap(4, 1), 4).await;
    let liar = Liar::start(&town).await;
    let session = town.session().await;
    pay_alice(&town, &session, "bob").await;
    session.close().await;
    (town, liar)
}

#[tokio::test(flavor = "multi_thread")]
async fn no_lie_is_believed_and_an_honest_node_is_asked_instead() {
    let (town, liar) = town_with_a_liar().await;
    for lie in LIES {
        let (opener, open) = watch::channel(false);
        liar.tell(None);
        let config = SessionConfig::new(gated(&town, &open).await);
        let session = Session::open(config).await.unwrap();
        assert!(
            session.newest().height > 0,
            "the liar told the truth so far"
        );
        liar.tell(Some(lie));
        let asking = session.account(address(1));
        tokio::pin!(asking);
        let early = timeout(Duration::from_millis(200), &mut asking).await;
        assert!(early.is_err(), "{lie:?} was taken: {early:?}");
        opener.send(true).unwrap();
        let proven = asking.await.unwrap();
        assert_eq!(proven.value.unwrap().balance, nat(995), "{lie:?}");
        assert!(proven.at.height > 0);
        let seen = &session.nodes().await[4];
        // Being silent or behind is no proof of a lie.
        let provable = !matches!(lie, Lie::OldHeight | Lie::Silence);
        assert_eq!(seen.lie.is_some(), provable, "{lie:?}: {seen:?}");
        session.close().await;
    }
    liar.handle.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_only_a_liar_there_is_no_answer_at_all() {
    let (town, liar) = town_with_a_liar().await;
    let (_opener, open) = watch::channel(false);
    let mut config = SessionConfig::new(gated(&town, &open).await);
    config.limits.question = Duration::from_millis(700);
    let session = Session::open(config).await.unwrap();
    liar.tell(Some(Lie::ChangedBalance));
    let error = session.account(address(1)).await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains("node-4: lies: "), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_busy_is_not_asked_again_without_a_pause() {
    let (town, liar) = town_with_a_liar().await;
    let (_opener, open) = watch::channel(false);
    let mut config = SessionConfig::new(gated(&town, &open).await);
    config.limits.question = Duration::from_millis(1_000);
    let session = Session::open(config).await.unwrap();
    liar.tell(Some(Lie::Busy));
    let before = liar.ways.asked.load(Ordering::SeqCst);
    let error = session.account(address(1)).await.unwrap_err();
    assert!(matches!(error, SessionError::NoNode { .. }), "{error}");
    let asked = liar.ways.asked.load(Ordering::SeqCst) - before;
    // At once, and then every 150 ms.
    assert!((1..=8).contains(&asked), "asked {asked} times");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_older_is_shown_than_an_earlier_run_has_seen() {
    let town = Town::with(bootstrap(1, 0), 1).await;
    let session = town.session().await;
    pay_alice(&town, &session, "bob").await;
    let tip = session.newest().height;
    session.close().await;
    let with_floor = |floor| {
        let mut config = SessionConfig::new(town.bootstrap.clone());
        config.floor = floor;
        config.limits.question = Duration::from_millis(700);
        Session::open(config)
    };
    let session = with_floor(tip).await.unwrap();
    assert!(session.account(address(1)).await.is_ok());
    session.close().await;
    let session = with_floor(tip + 1_000).await.unwrap();
    let error = session.account(address(1)).await.unwrap_err();
    let SessionError::ChainBehind { height, seen, .. } = &error else {
        panic!("{error}");
    };
    assert!(*height >= tip && *seen == tip + 1_000);
    assert!(error.to_string().contains("remove the folder `seen`"));
    session.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_goes_through_beside_a_liar() {
    let (town, liar) = town_with_a_liar().await;
    let (opener, open) = watch::channel(false);
    let config = SessionConfig::new(gated(&town, &open).await);
    let session = Session::open(config).await.unwrap();
    liar.tell(Some(Lie::TooFewSigners));
    opener.send(true).unwrap();
    pay_alice(&town, &session, "bob").await;
    let account = session.account(address(0)).await.unwrap().value.unwrap();
    assert_eq!(account.balance, nat(1_010));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_that_is_pushed_without_a_quorum_is_not_told() {
    let (town, liar) = town_with_a_liar().await;
    let (opener, open) = watch::channel(false);
    let config = SessionConfig::new(gated(&town, &open).await);
    let session = Session::open(config).await.unwrap();
    let mut watch = session.watch(&[address(0)]);
    let event = timeout(PATIENCE, watch.next()).await.unwrap().unwrap();
    assert!(matches!(event, WatchEvent::Connected { ref node } if node.as_str() == "node-4"));
    let event = timeout(PATIENCE, watch.next()).await.unwrap().unwrap();
    assert_eq!(event, WatchEvent::Disconnected);
    opener.send(true).unwrap();
    let event = timeout(PATIENCE, watch.next()).await.unwrap().unwrap();
    assert!(matches!(event, WatchEvent::Connected { ref node } if node.as_str() != "node-4"));
    assert!(session.nodes().await[4].lie.is_some());
    liar.handle.shutdown().await;
}

/// A node tells of nothing before a watch's first frame, and that frame may be of the newest block without its payments.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_the_block_of_a_bare_first_frame_is_asked_for() {
    let (town, liar) = town_with_a_liar().await;
    *liar.ways.watchers.lock().unwrap() = Some(Vec::new());
    let (_opener, open) = watch::channel(false);
    let config = SessionConfig::new(gated(&town, &open).await);
    let session = Session::open(config).await.unwrap();
    let mut watch = session.watch(&[address(0)]);
    let told = tokio::spawn(async move {
        let mut told = Vec::new();
        loop {
            let event = watch.next().await.unwrap();
            let is_block = matches!(event, WatchEvent::Block(_));
            told.push(event);
            if is_block {
                return told;
            }
        }
    });
    eventually("the watch has fetched what was before it", async || {
        liar.ways.listed.load(Ordering::SeqCst) > 0
    })
    .await;
    // One block more, which nobody pushes.
    let payer = town.session().await;
    let before = payer.newest().height;
    pay_alice(&town, &payer, "bob").await;
    let height = payer.newest().height;
    assert_eq!(height, before + 1);
    let honest = town.bootstrap.nodes()[0].peer_id;
    let bare = loop {
        match newest(&liar.handle, honest).await {
            Some(certified) if certified.header.height == height => break certified,
            _ => pace().await,
        }
    };
    let frame = WatchFrame {
        certified: bare,
        transactions: vec![],
    };
    let watchers = liar.ways.watchers.lock().unwrap().take().unwrap();
    assert_eq!(watchers.len(), 1);
    watchers[0].push(frame.to_bytes()).unwrap();
    let told = timeout(PATIENCE, told).await.unwrap().unwrap();
    let paid = told.iter().find_map(|event| match event {
        WatchEvent::Activity(entry) => Some(entry.height),
        _ => None,
    });
    assert_eq!(paid, Some(height), "{told:?}");
}
