//! A newcomer's first question: the network's bootstrap file, from any node that an invite names.
//!
//! The file is believed only if its genesis has the hash that the invite carries. Never: keep anything of a node that gave
//! another one. Read next: `directory/invite.rs`.

use std::collections::BTreeSet;
use std::time::Duration;

use thiserror::Error;
use tokio::time::timeout;

use super::network::{self, Event, NetworkConfig, NetworkError, NetworkEvents, NetworkHandle};
use crate::behaviour::{BehaviourError, PeerId, Role, Service, identity};
use crate::chain::hash::Hash;
use crate::directory::bootstrap::{Bootstrap, MAX_FILE_BYTES};
use crate::directory::invite::Invite;
use crate::directory::look_up;

/// How long a network may take to give its file: a large one comes in many parts.
const DEADLINE: Duration = Duration::from_secs(120);
/// How long nodes may take to be reached.
const OPENING: Duration = Duration::from_secs(8);
/// How long is waited when a node has to be asked more slowly.
const PAUSE: Duration = Duration::from_millis(600);

/// Why an invite leads nowhere.
#[derive(Debug, Error)]
pub enum WelcomeError {
    /// No node of it answers.
    #[error(
        "none of the {count} nodes of the invite to {network} can be reached ({why}); check your connection, or ask for a newer invite"
    )]
    NoNode {
        /// The network.
        network: String,
        /// How many it names.
        count: usize,
        /// How the last of them failed.
        why: String,
    },
    /// What they gave is not the network's file.
    #[error(
        "the nodes of the invite gave no file of the network {network} ({why}); ask who invited you for a newer invite, or for the bootstrap file"
    )]
    NotTheFile {
        /// The network.
        network: String,
        /// What is wrong with it.
        why: String,
    },
    /// The network's name cannot be spoken.
    #[error(transparent)]
    Behaviour(#[from] BehaviourError),
    /// The network cannot be set up on this machine.
    #[error(transparent)]
    Network(#[from] NetworkError),
}

/// Asks the nodes of an invite for the network's file till one gives it, and checks it.
///
/// # Errors
/// A [`WelcomeError`]; nothing was kept.
pub async fn fetch(invite: &Invite) -> Result<Bootstrap, WelcomeError> {
    let hosts = invite.hosts.iter();
    let hosts = hosts.filter_map(|host| Some((host.peer_id()?, host.addresses.clone())));
    let hosts: Vec<_> = hosts
        .filter(|(_, addresses)| !addresses.is_empty())
        .collect();
    let asked: BTreeSet<PeerId> = hosts.iter().map(|(peer, _)| *peer).collect();
    let (network, mut events) = network::start(NetworkConfig {
        identity: identity::keypair(rand::random()),
        network_name: invite.network.parse()?,
        genesis: invite.genesis.0,
        role: Role::Wallet,
        version: concat!("natcoin/", env!("CARGO_PKG_VERSION")).to_owned(),
        boot_nonce: rand::random(),
        height: 0,
        listen: Vec::new(),
        bootstrap: hosts,
        validators: Default::default(),
        reach: Default::default(),
    })
    .await?;
    let fetching = ask_all(&network, &mut events, asked, invite);
    let done = timeout(DEADLINE, fetching).await;
    network.shutdown().await;
    done.unwrap_or_else(|_| {
        Err(WelcomeError::NoNode {
            network: invite.network.clone(),
            count: invite.hosts.len(),
            why: format!("not within {DEADLINE:?}"),
        })
    })
}

async fn ask_all(
    network: &NetworkHandle,
    events: &mut NetworkEvents,
    mut left: BTreeSet<PeerId>,
    invite: &Invite,
) -> Result<Bootstrap, WelcomeError> {
    let mut wrong = None;
    let mut why = "no answer".to_owned();
    while !left.is_empty() {
        let Ok(event) = timeout(OPENING, events.recv()).await else {
            break;
        };
        match event {
            Some(Event::PeerUp { peer, .. }) if left.remove(&peer) => {
                match ask(network, peer, &invite.genesis).await {
                    Ok(bootstrap) => return Ok(bootstrap),
                    Err(fault) => wrong = Some(fault),
                }
            }
            Some(Event::BootstrapUnreachable { peer, reason, .. }) => {
                left.remove(&peer);
                why = reason;
            }
            Some(Event::Refused { peer, reason, .. }) => {
                left.remove(&peer);
                wrong = Some(reason.to_string());
            }
            Some(_) => {}
            None => break,
        }
    }
    let network = invite.network.clone();
    Err(match wrong {
        Some(why) => WelcomeError::NotTheFile { network, why },
        None => WelcomeError::NoNode {
            network,
            count: invite.hosts.len(),
            why,
        },
    })
}

/// Asks one node, part by part.
async fn ask(network: &NetworkHandle, peer: PeerId, genesis: &Hash) -> Result<Bootstrap, String> {
    let mut file = String::new();
    loop {
        let question = look_up::ask_for_file(file.len());
        let answer = network.request(peer, Service::LookUp, question).await;
        let Some(part) = answer.ok().as_deref().and_then(look_up::read_file_part) else {
            if file.is_empty() {
                return Err("a node gives no file".to_owned());
            }
            // It has had enough of our questions for the moment; the deadline is our caller's.
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        let is_next = part.from == file.len() && !part.bootstrap.is_empty();
        if !is_next || part.bytes > MAX_FILE_BYTES {
            return Err("a node gives a broken file".to_owned());
        }
        file += &part.bootstrap;
        if file.len() >= part.bytes {
            break;
        }
    }
    let bootstrap = Bootstrap::from_toml(&file).map_err(|error| error.to_string())?;
    match bootstrap.genesis().hash() == *genesis {
        true => Ok(bootstrap),
        false => Err("a node gives the file of another network".to_owned()),
    }
}
