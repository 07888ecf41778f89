//! Wallets, as many as there should be: each with its own connection to the crowded node, watching.

use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use natcoin::behaviour::{Multiaddr, PeerId, Role, identity};
use natcoin::chain::codec::Encode as _;
use natcoin::chain::key::SecretKey;
use natcoin::directory::bootstrap::Bootstrap;
use natcoin::node::home::read_bootstrap;
use natcoin::node::network::{self, Event, NetworkConfig, RequestError};
use natcoin::replica::wire::WatchRequest;

use super::wait;

/// So many set up their connections at a time.
const AT_ONCE: usize = 50;

#[derive(Default)]
struct Tally {
    watching: AtomicUsize,
    frames: AtomicUsize,
    lost: AtomicUsize,
}

/// A wallet's network, or a stranger's, that knows one node.
pub fn config(bootstrap: &Bootstrap, role: Role) -> NetworkConfig {
    NetworkConfig {
        identity: identity::keypair(rand::random()),
        network_name: bootstrap.network().parse().expect("a name"),
        genesis: bootstrap.genesis().hash().0,
        role,
        version: "crowd".to_owned(),
        boot_nonce: rand::random(),
        height: 0,
        listen: vec![],
        bootstrap: vec![node(bootstrap)],
        validators: Default::default(),
        reach: Default::default(),
    }
}

/// The crowded node.
pub fn node(bootstrap: &Bootstrap) -> (PeerId, Vec<Multiaddr>) {
    let node = &bootstrap.nodes()[0];
    (node.peer_id, node.addresses.clone())
}

/// Says a line when all are watching, runs until standard input ends, and says what became of them.
pub fn run(bootstrap: &Path, count: usize) {
    let bootstrap = Arc::new(read_bootstrap(bootstrap).expect("a network"));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let tally = Arc::new(Tally::default());
    runtime.block_on(async {
        for number in 0..count {
            tokio::spawn(wallet(bootstrap.clone(), tally.clone()));
            while tally.watching.load(Ordering::Relaxed) + AT_ONCE <= number {
                wait::pace(Duration::from_millis(5)).await;
            }
        }
        while tally.watching.load(Ordering::Relaxed) < count {
            wait::pace(Duration::from_millis(5)).await;
        }
        println!("all watch");
        until_told().await;
    });
    let read = |counter: &AtomicUsize| counter.load(Ordering::Relaxed);
    println!(
        "{} watch at the end, {} frames, {} connections lost",
        read(&tally.watching),
        read(&tally.frames),
        read(&tally.lost)
    );
    // Thousands of connections need no farewell here.
    std::process::exit(0);
}

/// Waits until standard input ends.
pub async fn until_told() {
    let reading = tokio::task::spawn_blocking(|| {
        let _ = std::io::stdin().read(&mut [0]);
    });
    let _ = reading.await;
}

async fn wallet(bootstrap: Arc<Bootstrap>, tally: Arc<Tally>) {
    let (handle, mut events) = network::start(config(&bootstrap, Role::Wallet))
        .await
        .expect("it starts");
    let request = WatchRequest {
        addresses: vec![SecretKey::from_seed(&rand::random()).address()],
    };
    while let Some(event) = events.recv().await {
        match event {
            Event::PeerUp { peer, .. } => {
                let (handle, tally, data) = (handle.clone(), tally.clone(), request.to_bytes());
                tokio::spawn(async move {
                    let mut watch = loop {
                        match handle.open_watch(peer, data.clone()).await {
                            Ok(watch) => break watch,
                            Err(RequestError::NotConnected) => return,
                            Err(error) => eprintln!("a watch: {error}"),
                        }
                        wait::pace(Duration::from_millis(100)).await;
                    };
                    tally.watching.fetch_add(1, Ordering::Relaxed);
                    while watch.next().await.is_some() {
                        tally.frames.fetch_add(1, Ordering::Relaxed);
                    }
                    tally.watching.fetch_sub(1, Ordering::Relaxed);
                });
            }
            Event::PeerDown { .. } => {
                tally.lost.fetch_add(1, Ordering::Relaxed);
            }
            Event::BootstrapUnreachable { reason, .. } => eprintln!("a wallet: {reason}"),
            _ => {}
        }
    }
}
