//! Asking several nodes at once how they are: for the status of one's own node, and for the doctor.
//!
//! Each is asked once, as by any wallet, and what it says of the chain is proven under the bootstrap file. Nothing waits
//! longer than its deadline. Read next: `inquiry.rs`, `doctor/`.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use tokio::time::{Instant, sleep_until};

use super::clock;
use super::inquiry::InquiryError;
use super::network::{self, Event, NetworkConfig, NetworkHandle};
use crate::behaviour::{Hello, Multiaddr, PeerId, Role, Service, identity};
use crate::chain::codec::Encode as _;
use crate::chain::query::{Anchor, Moment, Query};
use crate::directory::bootstrap::Bootstrap;
use crate::wallet::light::{Doubt, LightClient};

/// How long all of them together may take.
const DEADLINE: Duration = Duration::from_secs(5);
/// How long the others may take after the one that matters has answered.
const GRACE: Duration = Duration::from_secs(1);

/// What a node has answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// Its program's name and version, by its own word.
    pub version: String,
    /// Its newest block; proven.
    pub at: Moment,
    /// The round in which that was decided, and the places of those who signed it; proven. None before the first block.
    pub decided: Option<(u32, Vec<u16>)>,
    /// How many validators it hears, itself included if it is one; its word.
    pub validators_up: u16,
    /// How many transactions wait there; its word.
    pub waiting: u32,
}

/// Why a node has not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Silence {
    /// It was not reached, or did not answer: why.
    Unreached(String),
    /// What it said is not proven.
    Doubtful(Doubt),
}

/// Everybody that was asked, and what came of it.
pub type Survey = BTreeMap<PeerId, Result<Answered, Silence>>;

/// Asks these peers, at these addresses. `first` is the one that matters: the others are waited for a second longer.
///
/// # Errors
/// If the network cannot be set up on this machine.
pub async fn survey(
    bootstrap: &Bootstrap,
    peers: Vec<(PeerId, Vec<Multiaddr>)>,
    first: Option<PeerId>,
) -> Result<Survey, InquiryError> {
    let late = || Silence::Unreached(format!("no answer within {DEADLINE:?}"));
    let mut survey: Survey = peers.iter().map(|(peer, _)| (*peer, Err(late()))).collect();
    let (network, mut events) = network::start(NetworkConfig {
        identity: identity::keypair(rand::random()),
        network_name: bootstrap.network().parse()?,
        genesis: bootstrap.genesis().hash().0,
        role: Role::Wallet,
        version: concat!("natcoin/", env!("CARGO_PKG_VERSION")).to_owned(),
        boot_nonce: rand::random(),
        height: 0,
        listen: Vec::new(),
        bootstrap: peers,
        validators: Default::default(),
        reach: Default::default(),
    })
    .await?;
    let mut open: Vec<PeerId> = survey.keys().copied().collect();
    let mut until = clock::now() + DEADLINE;
    let mut asked = FuturesUnordered::new();
    while !open.is_empty() {
        let (peer, found) = tokio::select! {
            Some((peer, hello, bytes)) = asked.next() => {
                let bytes: Result<Vec<u8>, String> = bytes;
                (peer, bytes.map_err(Silence::Unreached).and_then(|bytes| read(bootstrap, hello, &bytes)))
            }
            event = events.recv() => match event {
                Some(Event::PeerUp { peer, hello, .. }) => {
                    asked.push(ask(&network, peer, hello));
                    continue;
                }
                Some(Event::BootstrapUnreachable { peer, reason, .. }) => (peer, Err(Silence::Unreached(reason))),
                Some(Event::Refused { peer, reason, .. }) => (peer, Err(Silence::Unreached(reason.to_string()))),
                Some(_) => continue,
                None => break,
            },
            () = sleep_until(Instant::from_std(until)) => break,
        };
        if !open.contains(&peer) {
            continue;
        }
        open.retain(|one| *one != peer);
        if first == Some(peer) {
            // Whoever only looks after one node does not wait for all others that are down.
            until = until.min(clock::now() + GRACE);
        }
        survey.insert(peer, found);
    }
    drop(asked);
    network.shutdown().await;
    Ok(survey)
}

async fn ask(
    network: &NetworkHandle,
    peer: PeerId,
    hello: Hello,
) -> (PeerId, Hello, Result<Vec<u8>, String>) {
    let query = Query::Status.to_bytes();
    let answer = network.request(peer, Service::Query, query).await;
    (peer, hello, answer.map_err(|error| error.to_string()))
}

fn read(bootstrap: &Bootstrap, hello: Hello, bytes: &[u8]) -> Result<Answered, Silence> {
    let mut light = LightClient::new(bootstrap.genesis(), 0);
    let answer = LightClient::read(bytes).map_err(Silence::Doubtful)?;
    let anchor = answer.clone().into_status().map(|status| status.anchor);
    let proven = light.status(answer).map_err(Silence::Doubtful)?;
    let decided = match anchor {
        Ok(Anchor::Block(certified)) => {
            let certificate = certified.certificate;
            let signers = certificate.signatures.iter().map(|one| one.validator);
            Some((certificate.round, signers.collect()))
        }
        Ok(Anchor::Genesis) | Err(_) => None,
    };
    Ok(Answered {
        version: hello.version,
        at: proven.at,
        decided,
        validators_up: proven.value.validators_up,
        waiting: proven.value.waiting,
    })
}
