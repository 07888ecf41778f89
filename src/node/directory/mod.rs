//! The directory of a running node: a thread that owns the keeper, and a handle to it.
//!
//! ```text
//! replica thread --news, requests, gossip (bounded, never waited for)--> directory thread (owns the Keeper)
//!                <--who of these accounts is in the ledger?-----------         | proofs and files: other threads
//! swarm task     <--answers, verdicts, gossip, questions--------------         |
//! ```
//! Signatures are proved and files are written on threads where nobody waits. A book that cannot be read or kept never
//! stops a node. Never: decide what becomes of a card; that is [`crate::directory::keeper`]. Next: `hands.rs`, `files.rs`.

mod files;
mod hands;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use self::files::Files;
use self::hands::Hands;
use crate::behaviour::{Declined, Multiaddr, PeerId, Role, Service, Topic, identity};
use crate::chain::key::{Address, PublicKey, SecretKey};
use crate::directory::address::{Endpoint, Scope, to_endpoint};
use crate::directory::book::Standing;
use crate::directory::bootstrap::Bootstrap;
use crate::directory::card::Card;
use crate::directory::keeper::Counts;
use crate::node::network::{Event, MessageId, NetworkError, NetworkHandle, RequestId, Verdict};

/// News of peers that may wait: more than connections come and go in the time of one check.
const NEWS: usize = 1024;
/// Requests and gossip that may wait; the network's own bounds are on bytes.
const WORK: usize = 256;
/// How long a farewell is waited for: the keeper's own, and what it takes to save the book.
const FAREWELL: Duration = Duration::from_millis(1200);

/// What a node's directory is made of.
pub(super) struct DirectoryConfig {
    /// The node's folder.
    pub folder: PathBuf,
    /// The node's key: its account's and its peer's.
    pub key: SecretKey,
    /// What it is.
    pub role: Role,
    /// The network.
    pub bootstrap: Arc<Bootstrap>,
    /// Where it listens.
    pub listening: Vec<Multiaddr>,
    /// Where to ask which accounts are in the ledger.
    pub members: mpsc::Sender<MembersQuestion>,
}

/// Which of these accounts are in the ledger?
pub(super) struct MembersQuestion {
    /// The accounts.
    pub accounts: BTreeSet<Address>,
    /// Where the answer goes.
    pub reply: oneshot::Sender<BTreeSet<Address>>,
}

/// The directory at one moment.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// Its cards with their standing, withdrawals included, by peer.
    pub cards: Vec<(Card, Standing)>,
    /// What has happened so far.
    pub counts: Counts,
}

impl Snapshot {
    /// The card of a peer.
    pub fn of_peer(&self, peer: &PublicKey) -> Option<&Card> {
        let mut cards = self.cards.iter().map(|(card, _)| card);
        cards.find(|card| card.whereabouts.peer == *peer)
    }
}

/// What the thread is told.
#[derive(Debug)]
enum Said {
    Up(PublicKey, Role),
    Down(PublicKey),
    Listening(Multiaddr),
    Asked(RequestId, PublicKey, Vec<u8>),
    LookedUp(RequestId, Vec<u8>),
    Gossip(MessageId, PeerId, PublicKey, Vec<u8>),
    Look(oneshot::Sender<Snapshot>),
    Leave(oneshot::Sender<()>),
}

/// The handle; cloning gives another one. The thread ends with [`DirectoryHandle::leave`].
#[derive(Debug, Clone)]
pub struct DirectoryHandle {
    news: mpsc::Sender<Said>,
    work: mpsc::Sender<Said>,
}

/// Starts the thread. The book is read there, so that the node does not wait for it.
///
/// # Errors
/// If the system gives no thread.
pub(super) fn start(
    config: DirectoryConfig,
    network: NetworkHandle,
) -> std::io::Result<DirectoryHandle> {
    let (news, heard) = mpsc::channel(NEWS);
    let (work, asked) = mpsc::channel(WORK);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()?;
    std::thread::Builder::new()
        .name("directory".to_owned())
        .spawn(move || {
            let hands = Hands::new(config, network);
            runtime.block_on(hands.run(heard, asked));
        })?;
    Ok(DirectoryHandle { news, work })
}

impl DirectoryHandle {
    /// Takes what is the directory's out of the network's events, without waiting; the others come back.
    ///
    /// # Errors
    /// [`NetworkError::Stopped`], where something had to be declined.
    pub(super) async fn pass(
        &self,
        event: Event,
        network: &NetworkHandle,
    ) -> Result<Option<Event>, NetworkError> {
        let key = |peer: &PeerId| identity::public_key(peer).map(PublicKey);
        let (id, said) = match event {
            Event::PeerUp {
                ref peer,
                ref hello,
                ..
            } => {
                self.tell(key(peer).map(|peer| Said::Up(peer, hello.role)));
                return Ok(Some(event));
            }
            Event::PeerDown { ref peer } => {
                self.tell(key(peer).map(Said::Down));
                return Ok(Some(event));
            }
            Event::Listening(ref address) => {
                self.tell(Some(Said::Listening(address.clone())));
                return Ok(Some(event));
            }
            Event::Request {
                id,
                data,
                service: Service::LookUp,
                ..
            } => (id, Some(Said::LookedUp(id, data))),
            Event::Request {
                id,
                peer,
                service: Service::Directory,
                data,
            } => (id, key(&peer).map(|peer| Said::Asked(id, peer, data))),
            Event::Gossip {
                topic: Topic::Directory,
                id,
                source,
                data,
            } => {
                let from = key(&source);
                let said = from.map(|from| Said::Gossip(id.clone(), source, from, data));
                if self.offer(said).is_err() {
                    network.report(id, source, Verdict::Ignore).await?;
                }
                return Ok(None);
            }
            event => return Ok(Some(event)),
        };
        if let Err(reason) = self.offer(said) {
            network.respond(id, Err(reason)).await?;
        }
        Ok(None)
    }

    /// News that do not fit are lost: the directory then visits a peer later, or in vain.
    fn tell(&self, said: Option<Said>) {
        if let Some(said) = said
            && let Err(TrySendError::Full(said)) = self.news.try_send(said)
        {
            tracing::debug!(?said, "the directory's queue of news is full");
        }
    }

    fn offer(&self, said: Option<Said>) -> Result<(), Declined> {
        let said = said.ok_or(Declined::NotAllowed)?;
        self.work.try_send(said).map_err(|refused| match refused {
            TrySendError::Full(_) => Declined::Busy,
            TrySendError::Closed(_) => Declined::Unavailable,
        })
    }

    /// The directory as it is now; an empty one if the node has ended.
    pub async fn look(&self) -> Snapshot {
        let (reply, snapshot) = oneshot::channel();
        if self.work.send(Said::Look(reply)).await.is_err() {
            return Snapshot::default();
        }
        snapshot.await.unwrap_or_default()
    }

    /// Withdraws the node's card, saves the book and ends the thread; takes about a second at most.
    pub(super) async fn leave(&self) {
        let (done, left) = oneshot::channel();
        let leaving = async {
            if self.news.send(Said::Leave(done)).await.is_ok() {
                // The thread is gone when the sender is.
                let _ = left.await;
            }
        };
        if timeout(FAREWELL, leaving).await.is_err() {
            tracing::warn!("the directory was not saved in time: other nodes have what it held");
        }
    }
}

/// How far this network reaches: as far as the verified nodes' addresses do. Host names are for the world.
fn reach(bootstrap: &Bootstrap) -> Scope {
    let addresses = bootstrap.nodes().iter().flat_map(|node| &node.addresses);
    let scopes = addresses.map(|address| match to_endpoint(address) {
        Ok(endpoint) => endpoint.scope(),
        Err(_) if crate::directory::address::is_loopback(address) => Scope::Loopback,
        Err(_) => Scope::Public,
    });
    scopes.max().unwrap_or(Scope::Public)
}

/// Where a node can be dialled: at its addresses in the bootstrap list first, then where others have dialled it, then
/// where it listens.
fn own_endpoints(
    bootstrap: &Bootstrap,
    key: &PublicKey,
    public: &[Multiaddr],
    listening: &[Multiaddr],
) -> Vec<Endpoint> {
    let listed = bootstrap.node_of(key).map(|node| &node.addresses[..]);
    let all = listed.unwrap_or_default().iter();
    let all = all.chain(public).chain(listening);
    all.filter_map(|address| to_endpoint(&without_peer(address)).ok())
        .collect()
}

/// The address without the node's own `/p2p/...` at its end.
fn without_peer(address: &Multiaddr) -> Multiaddr {
    use libp2p::multiaddr::Protocol;
    let mut address = address.clone();
    if let Some(Protocol::P2p(_)) = address.iter().last() {
        address.pop();
    }
    address
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::address::to_multiaddr;
    use crate::directory::publisher::worth_publishing;

    fn at(texts: &[&str]) -> Vec<Multiaddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn a_card_tells_what_is_listed_then_what_was_dialled_then_what_is_listened_on() {
        let bootstrap = Bootstrap::embedded();
        let listed = &bootstrap.nodes()[0];
        let listening = at(&["/ip4/192.168.1.7/tcp/5", "/ip4/203.0.113.9/tcp/5/ws"]);
        let public = at(&[
            "/ip4/198.51.100.7/udp/4001/quic-v1",
            "/ip4/127.0.0.1/tcp/18000",
        ]);
        let told = |key: &PublicKey, reach| {
            let own = own_endpoints(&bootstrap, key, &public, &listening);
            let chosen = worth_publishing(own, reach);
            let told = chosen.as_slice().iter().filter_map(to_multiaddr);
            told.collect::<Vec<_>>()
        };
        let mut all = listed.addresses.clone();
        all.extend([public[0].clone(), listening[0].clone()]);
        assert_eq!(told(&listed.key, Scope::Loopback), all, "each once");
        let stranger = SecretKey::from_seed(&[7; 32]).public();
        assert_eq!(told(&stranger, Scope::Public), public[..1]);
    }
}
