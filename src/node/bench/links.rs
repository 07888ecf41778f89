//! The load's peers: real ones in the role of wallets, each connected to every node, and what each may say.
//!
//! A node takes so many bytes of payments a second of a stranger, so a load comes through as many peers as it takes. Each
//! keeps to those limits by itself, as an honest program does: what has no place waits here, in the payment's own time.
//!
//! Never: ask a node more than it allows one peer. Next: `drive.rs` for payments, `observe.rs` for blocks.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::time::{sleep, timeout_at};

use super::error::BenchError;
use super::gauge::Gauge;
use super::{BenchConfig, MOST_SHARE, Rate};
use crate::behaviour::limits::{Bucket, Rate as Limit, STREAMS_OPENED};
use crate::behaviour::{Declined, PeerId, Role, Service, identity};
use crate::chain::codec::{Decode as _, Encode as _};
use crate::chain::key::SecretKey;
use crate::chain::query::{Answer, Query};
use crate::directory::bootstrap::Bootstrap;
use crate::node::clock;
use crate::node::network::{
    self, Event, NetworkConfig, NetworkError, NetworkEvents, NetworkHandle, ReachConfig,
};

/// How long all may take to connect.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often a node is asked whether it hears all others.
const GLANCE: Duration = Duration::from_millis(20);
/// Most peers of a load.
const MAX_LANES: usize = 64;
/// Requests of one peer that one node may have unanswered.
const OPEN: usize = 16;
/// Requests a second through one connection. Hello, pings and blocks take streams too.
const PACE: Limit = Limit::of_bucket(STREAMS_OPENED.burst - 64, STREAMS_OPENED.per_second - 16);
/// Payments that a token of the submit service lets through, where many wait and are handed in together.
const PAYMENTS_A_TOKEN: f64 = 2.0;
/// Connections that are there at least, so that blocks can be asked for often enough.
const LEAST_LINKS: usize = 8;

/// How many peers a load needs.
pub fn lanes(config: &BenchConfig, limit_per_s: f64) -> usize {
    let rate = match config.rate {
        Rate::PerSecond(rate) => f64::from(rate).min(limit_per_s),
        Rate::Max => limit_per_s * MOST_SHARE,
    };
    let nodes = u32::try_from(config.nodes.max(1)).unwrap_or(u32::MAX);
    // Half as much again, since what was declined comes again.
    let one = f64::from(Service::Submit.rate().per_second) * PAYMENTS_A_TOKEN;
    let wanted = (rate * 1.5 / one / f64::from(nodes)).ceil();
    let most = u32::try_from(MAX_LANES).map_or(f64::MAX, f64::from);
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "bounded here"
    )]
    let wanted = wanted.clamp(1.0, most) as usize;
    wanted.max(LEAST_LINKS.div_ceil(config.nodes.max(1)))
}

/// One connection.
struct Link {
    lane: usize,
    node: PeerId,
    streams: Bucket,
    tokens: Bucket,
    open: usize,
}

/// A connection for questions about blocks.
pub struct Eye {
    /// The peer.
    pub handle: NetworkHandle,
    /// The node.
    pub node: PeerId,
    /// How often it may be asked for blocks.
    pub pace: Bucket,
}

/// All connections of a load.
pub struct Links {
    lanes: Vec<NetworkHandle>,
    links: Vec<Link>,
    next: usize,
}

impl Links {
    /// Connects so many peers to every node, and waits until all are greeted and each node hears all others.
    ///
    /// # Errors
    /// [`BenchError::Connections`], [`BenchError::Network`], [`BenchError::Ended`].
    pub async fn open(
        bootstrap: &Arc<Bootstrap>,
        lanes: usize,
        gauge: &Gauge,
    ) -> Result<Self, BenchError> {
        tokio::select! {
            opened = Self::connect(bootstrap, lanes) => opened,
            () = gauge.ended() => Err(BenchError::Ended),
        }
    }

    async fn connect(bootstrap: &Arc<Bootstrap>, lanes: usize) -> Result<Self, BenchError> {
        let deadline = tokio::time::Instant::from_std(clock::now()) + PATIENCE;
        let wanted = lanes * bootstrap.nodes().len();
        let (tell, mut ups) = mpsc::channel(wanted.max(1));
        let mut links = Self {
            lanes: Vec::new(),
            links: Vec::new(),
            next: 0,
        };
        for lane in 0..lanes {
            let (handle, events) = network::start(peer(bootstrap)?).await?;
            tokio::spawn(serve(handle.clone(), events, tell.clone()));
            let now = clock::now();
            links
                .links
                .extend(bootstrap.nodes().iter().map(|node| Link {
                    lane,
                    node: node.peer_id,
                    streams: Bucket::new(PACE, now),
                    tokens: Bucket::new(Service::Submit.rate(), now),
                    open: 0,
                }));
            links.lanes.push(handle);
        }
        for up in 0..wanted {
            if timeout_at(deadline, ups.recv()).await.is_err() {
                return Err(BenchError::Connections { up, wanted });
            }
        }
        // By turns of nodes, not of peers: the load is spread over all nodes.
        for node in bootstrap.nodes() {
            while !hears_all(&links.lanes[0], node.peer_id, bootstrap).await {
                let now = tokio::time::Instant::from_std(clock::now());
                if now >= deadline {
                    return Err(BenchError::Connections { up: wanted, wanted });
                }
                sleep(GLANCE).await;
            }
        }
        Ok(links)
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.links.len()
    }

    /// The same connections, for questions about blocks.
    pub fn eyes(&self) -> Vec<Eye> {
        let now = clock::now();
        let eyes = self.links.iter().map(|link| Eye {
            handle: self.lanes[link.lane].clone(),
            node: link.node,
            pace: Bucket::new(Service::Blocks.rate(), now),
        });
        eyes.collect()
    }

    /// A connection that may take a request of this size now; give it back with [`Links::give_back`].
    pub fn take(&mut self, size_bytes: usize, now: Instant) -> Option<usize> {
        let cost = Service::Submit.cost(size_bytes);
        for step in 0..self.links.len() {
            let place = (self.next + step) % self.links.len();
            let link = &mut self.links[place];
            // A token of the one that is lost to the other's want comes back in time.
            if link.open < OPEN && link.tokens.take_many(cost, now) && link.streams.take(now) {
                link.open += 1;
                self.next = place + 1;
                return Some(place);
            }
        }
        None
    }

    /// The peer and the node of a connection.
    pub fn get(&self, link: usize) -> (NetworkHandle, PeerId) {
        let link = &self.links[link];
        (self.lanes[link.lane].clone(), link.node)
    }

    /// The payment was answered, or will not be.
    pub fn give_back(&mut self, link: usize) {
        let link = &mut self.links[link];
        link.open = link.open.saturating_sub(1);
    }

    /// Closes all of them.
    pub async fn close(self) {
        let closing = self.lanes.iter().map(NetworkHandle::shutdown);
        futures::future::join_all(closing).await;
    }
}

fn peer(bootstrap: &Bootstrap) -> Result<NetworkConfig, NetworkError> {
    let key = SecretKey::from_seed(&rand::random());
    let nodes = bootstrap.nodes();
    let network_name = bootstrap.network().parse();
    Ok(NetworkConfig {
        identity: identity::keypair(*key.to_seed()),
        network_name: network_name.map_err(|error| NetworkError::Setup {
            reason: format!("{error}"),
        })?,
        genesis: bootstrap.genesis().hash().0,
        role: Role::Wallet,
        version: concat!("natcoin/", env!("CARGO_PKG_VERSION")).to_owned(),
        boot_nonce: rand::random(),
        height: 0,
        listen: Vec::new(),
        bootstrap: nodes
            .iter()
            .map(|node| (node.peer_id, node.addresses.clone()))
            .collect(),
        validators: nodes.iter().map(|node| node.peer_id).collect(),
        reach: ReachConfig::default(),
    })
}

/// Tells of each node that has come up, and answers who asks a wallet, until the peer is closed.
async fn serve(handle: NetworkHandle, mut events: NetworkEvents, ups: mpsc::Sender<()>) {
    while let Some(event) = events.recv().await {
        match event {
            // Only the first comings are waited for.
            Event::PeerUp { .. } => drop(ups.try_send(())),
            Event::Request { id, .. } => {
                let _ = handle.respond(id, Err(Declined::Unavailable)).await;
            }
            _ => {}
        }
    }
}

async fn hears_all(lane: &NetworkHandle, node: PeerId, bootstrap: &Bootstrap) -> bool {
    let asked = lane.request(node, Service::Query, Query::Status.to_bytes());
    let answer = asked
        .await
        .ok()
        .and_then(|bytes| Answer::from_bytes(&bytes).ok());
    let all = bootstrap.genesis().validators.count();
    matches!(answer, Some(Answer::Status(status)) if usize::from(status.validators_up) == all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    #[test]
    fn a_load_has_as_many_peers_as_its_rate_takes() {
        let lanes_of = |nodes: usize, rate: Rate| {
            let config = BenchConfig {
                folder: PathBuf::new(),
                nodes,
                wallets: 2,
                rate,
                duration: Duration::from_secs(1),
                program: None,
            };
            lanes(&config, 20_000.0)
        };
        let link = f64::from(Service::Submit.rate().per_second) * PAYMENTS_A_TOKEN;
        assert_eq!(lanes_of(4, Rate::PerSecond(1)), 2);
        assert_eq!(lanes_of(1, Rate::PerSecond(1)), 8);
        let many = lanes_of(4, Rate::PerSecond(10_000));
        assert!(f64::from(u32::try_from(many).unwrap()) * 4.0 * link >= 15_000.0);
        assert!(lanes_of(1, Rate::Max) <= MAX_LANES);
    }
}
