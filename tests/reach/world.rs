//! The lab's inhabitants: the program's own network tasks, nodes and wallets, each in its machine's namespace.

use std::{net::Ipv4Addr, time::Duration};

use natcoin::{
    behaviour::{Multiaddr, PeerId, Role, identity},
    node::{
        clock,
        network::{self, NetworkConfig, NetworkEvents, NetworkHandle, ReachConfig, Route},
    },
};
use tokio::sync::oneshot;

use super::{
    common::{
        net::config,
        wait::{PATIENCE, pace},
    },
    lab::{Lab, Machine, Nat},
};

/// Where nodes listen.
const PORT: u16 = 18_000;

/// What wallets usually do to be found.
const FOUND: ReachConfig = ReachConfig {
    be_reached: true,
    map_ports: false,
    neighbours: false,
};

/// Which transports are spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wire {
    Quic,
    Tcp,
}

impl Wire {
    pub fn word(self) -> &'static str {
        match self {
            Self::Quic => "QUIC",
            Self::Tcp => "TCP",
        }
    }

    /// An address of this transport.
    pub fn at(self, ip: Ipv4Addr, port: u16) -> Multiaddr {
        match self {
            Self::Quic => format!("/ip4/{ip}/udp/{port}/quic-v1"),
            Self::Tcp => format!("/ip4/{ip}/tcp/{port}"),
        }
        .parse()
        .expect("an address")
    }
}

/// A process that lives on a machine; dropped, it is gone.
pub struct Life {
    _end: oneshot::Sender<()>,
}

/// Runs something on a machine until its life is dropped, and gives what it made.
pub async fn live<T: Send + 'static, F: Future<Output = T>>(
    lab: &Lab,
    machine: Machine,
    begin: impl FnOnce() -> F + Send + 'static,
) -> (T, Life) {
    let (life, death) = oneshot::channel::<()>();
    let (tell, told) = oneshot::channel();
    lab.namespace(machine).spawn(move || {
        // One thread each: a runtime with more would do as well, but there are many on few cores.
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        runtime.block_on(async {
            let made = begin().await;
            let _ = tell.send(made);
            let _ = death.await;
        });
    });
    (told.await.expect("it has begun"), Life { _end: life })
}

/// A network task that runs on a machine. Dropped, it is gone without a farewell, like a killed process.
pub struct Inhabitant {
    pub handle: NetworkHandle,
    pub events: NetworkEvents,
    _life: Life,
}

impl Inhabitant {
    /// Starts one.
    pub async fn start(lab: &Lab, machine: Machine, config: NetworkConfig) -> Self {
        let begin = || async { network::start(config).await.expect("it starts") };
        let ((handle, events), life) = live(lab, machine, begin).await;
        Self {
            handle,
            events,
            _life: life,
        }
    }

    pub fn peer(&self) -> PeerId {
        self.handle.local_peer()
    }

    /// The way to a peer, if it is up.
    pub async fn route(&self, peer: PeerId) -> Option<Route> {
        let peers = self.handle.peers().await.expect("it runs");
        let found = peers.into_iter().find(|info| info.peer == peer)?;
        found.hello.and(found.route)
    }

    /// Waits until a reservation stands at so many relays.
    pub async fn reserved(&self, relays: usize) {
        let begun = clock::now();
        loop {
            let found = self.handle.whereabouts().await.expect("it runs");
            if found.relayed.len() >= relays {
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "no reservation: {found:?}");
            pace().await;
        }
    }

    /// Waits until nothing leads to a peer but direct ways.
    pub async fn gave_circuits_back(&self, peer: PeerId) {
        let begun = clock::now();
        loop {
            let peers = self.handle.peers().await.expect("it runs");
            let found = peers.into_iter().find(|info| info.peer == peer);
            if found.is_some_and(|info| info.is_up() && info.circuits == 0) {
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "a circuit is kept");
            pace().await;
        }
    }

    /// Says hello until it is answered; how long that took. Each try has a second.
    pub async fn answered_by(&self, peer: PeerId, patience: Duration) -> Option<Duration> {
        let begun = clock::now();
        while begun.elapsed() < patience {
            let trip = self.handle.round_trip(peer);
            if let Ok(Ok(_)) = tokio::time::timeout(Duration::from_secs(1), trip).await {
                return Some(begun.elapsed());
            }
            pace().await;
        }
        None
    }
}

/// Two public nodes that relay, and what a wallet needs to know of them.
pub struct World {
    pub lab: Lab,
    pub wire: Wire,
    /// How much wallets do to be found.
    pub reach: ReachConfig,
    /// The two nodes. Dropped, they are gone.
    pub nodes: Vec<Inhabitant>,
    /// In the order of their coming.
    pub wallets: Vec<Inhabitant>,
    bootstrap: Vec<(PeerId, Vec<Multiaddr>)>,
    seed: u8,
}

impl World {
    /// Nobody is there, and nobody stands in the list.
    pub fn without_nodes(lab: Lab, wire: Wire) -> Self {
        Self {
            lab,
            wire,
            reach: FOUND,
            wallets: Vec::new(),
            nodes: Vec::new(),
            bootstrap: Vec::new(),
            seed: 10,
        }
    }

    /// Both nodes run.
    pub async fn new(mut lab: Lab, wire: Wire) -> Self {
        // `RUST_LOG=natcoin=debug,libp2p_dcutr=debug` shows what everybody does.
        let log = tracing_subscriber::EnvFilter::from_default_env();
        let _ = tracing_subscriber::fmt().with_env_filter(log).try_init();
        let machines = [lab.add(Nat::None), lab.add(Nat::None)];
        let bootstrap: Vec<_> = machines
            .iter()
            .zip(1..)
            .map(|(machine, seed)| {
                let peer = identity::keypair([seed; 32]).public().to_peer_id();
                (peer, vec![wire.at(lab.public(*machine), PORT)])
            })
            .collect();
        let mut nodes = Vec::new();
        for ((machine, seed), (_, listen)) in machines.into_iter().zip(1..).zip(&bootstrap) {
            let node = NetworkConfig {
                listen: listen.clone(),
                bootstrap: bootstrap.clone(),
                ..config(seed, Role::Follower)
            };
            nodes.push(Inhabitant::start(&lab, machine, node).await);
        }
        Self {
            nodes,
            bootstrap,
            ..Self::without_nodes(lab, wire)
        }
    }

    /// A wallet that wants to be reached, in a home of its own.
    pub async fn wallet(&mut self, nat: Nat) -> Machine {
        let machine = self.lab.add(nat);
        self.seed += 1;
        let wallet = NetworkConfig {
            listen: vec![self.wire.at(Ipv4Addr::UNSPECIFIED, 0)],
            bootstrap: self.bootstrap.clone(),
            reach: self.reach,
            ..config(self.seed, Role::Wallet)
        };
        let wallet = Inhabitant::start(&self.lab, machine, wallet).await;
        self.wallets.push(wallet);
        machine
    }
}
