//! The handle: how the rest of the program speaks to the network task.
//!
//! Every method sends one command through a bounded queue and waits for room in it. The task never
//! waits for the application, so that this cannot lock up.
//!
//! Never: hold state of its own. Next: [`super::event`] for the other direction.

use std::{sync::Arc, time::Duration};

use libp2p::gossipsub::MessageId;
use tokio::sync::{mpsc, oneshot, watch};

use super::{
    error::{NetworkError, RequestError},
    event::RequestId,
    metrics::{Counters, Metrics},
    reach::{Route, Whereabouts},
    registry::Registry,
    watch::WatchStream,
};
use crate::behaviour::{Declined, Hello, Multiaddr, PeerId, Service, Topic, watch as speech};

/// What the application thinks of a gossip message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Good: pass it on.
    Accept,
    /// Provably bad, by whoever handed it to us.
    Reject,
    /// Stale, duplicate or unknown: drop it without blame.
    Ignore,
}

/// One peer in the snapshot.
#[derive(Debug, Clone)]
pub struct PeerInfo {
    /// Who.
    pub peer: PeerId,
    /// What it said last, if it is up.
    pub hello: Option<Hello>,
    /// Last measured round-trip time.
    pub rtt: Option<Duration>,
    /// Where it is connected from or to.
    pub address: Option<Multiaddr>,
    /// Open connections, greeted or not.
    pub connections: usize,
    /// Whether we keep dialling it.
    pub kept: bool,
    /// Why the last dial failed, if it is not connected.
    pub last_failure: Option<String>,
    /// The best way to it that stands.
    pub route: Option<Route>,
    /// Connections through relays.
    pub circuits: usize,
}

impl PeerInfo {
    /// Whether the peer is connected and greeted.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.hello.is_some()
    }
}

/// What the task is asked to do.
#[derive(Debug)]
pub(super) enum Command {
    Publish {
        topic: Topic,
        data: Vec<u8>,
    },
    Report {
        id: MessageId,
        source: PeerId,
        verdict: Verdict,
    },
    Request {
        peer: PeerId,
        service: Service,
        data: Vec<u8>,
        answer: Answer,
    },
    Respond {
        id: RequestId,
        answer: Result<Vec<u8>, Declined>,
    },
    SetHeight(u64),
    OpenWatch {
        peer: PeerId,
        request: Vec<u8>,
        opened: oneshot::Sender<Result<WatchStream, RequestError>>,
    },
    Peers(oneshot::Sender<Vec<PeerInfo>>),
    Keep {
        peer: PeerId,
        addresses: Vec<Multiaddr>,
    },
    Seek {
        peer: PeerId,
        addresses: Vec<Multiaddr>,
    },
    Whereabouts(oneshot::Sender<Whereabouts>),
    Neighbours(oneshot::Sender<Vec<PeerId>>),
    RoundTrip {
        peer: PeerId,
        answer: oneshot::Sender<Result<Duration, RequestError>>,
    },
    Disconnect(PeerId),
    Ban(PeerId),
    Shutdown,
}

/// Where an answer goes.
pub(super) type Answer = oneshot::Sender<Result<Vec<u8>, RequestError>>;

/// The cloneable handle. The task ends with [`Self::shutdown`] or with the last handle.
#[derive(Debug, Clone)]
pub struct NetworkHandle {
    pub(super) commands: mpsc::Sender<Command>,
    pub(super) local_peer: PeerId,
    pub(super) addresses: Arc<[Multiaddr]>,
    pub(super) public: watch::Receiver<Vec<Multiaddr>>,
    pub(super) metrics: Arc<Metrics>,
}

impl NetworkHandle {
    /// Our own peer id.
    #[must_use]
    pub fn local_peer(&self) -> PeerId {
        self.local_peer
    }

    /// The addresses that were listened on at the start, with actual ports.
    #[must_use]
    pub fn addresses(&self) -> &[Multiaddr] {
        &self.addresses
    }

    /// What was counted so far.
    #[must_use]
    pub fn metrics(&self) -> Counters {
        self.metrics.read()
    }

    /// Where all counters are registered: libp2p's, ours, and what others add.
    #[must_use]
    pub fn registry(&self) -> Registry {
        self.metrics.registry()
    }

    /// Whether the task has ended.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.commands.is_closed()
    }

    /// Publishes to everybody subscribed. Nobody being there is normal and no error.
    ///
    /// # Errors
    /// [`NetworkError::TooLarge`] over the topic's limit, [`NetworkError::Stopped`].
    pub async fn publish(&self, topic: Topic, data: Vec<u8>) -> Result<(), NetworkError> {
        if data.len() > topic.max_bytes() {
            return Err(NetworkError::TooLarge {
                size_bytes: data.len(),
                limit_bytes: topic.max_bytes(),
            });
        }
        self.send(Command::Publish { topic, data }).await
    }

    /// Judges a gossip message; each must be judged once, within about five seconds.
    ///
    /// # Errors
    /// [`NetworkError::Stopped`].
    pub async fn report(
        &self,
        id: MessageId,
        source: PeerId,
        verdict: Verdict,
    ) -> Result<(), NetworkError> {
        self.send(Command::Report {
            id,
            source,
            verdict,
        })
        .await
    }

    /// Asks a peer that is up and waits for its answer, at most the service's deadline.
    ///
    /// # Errors
    /// See [`RequestError`]; after a timeout or a lost connection the request may have had effect.
    pub async fn request(
        &self,
        peer: PeerId,
        service: Service,
        data: Vec<u8>,
    ) -> Result<Vec<u8>, RequestError> {
        let limit_bytes = service.caps().request_bytes;
        if data.len() > limit_bytes {
            return Err(RequestError::TooLarge {
                size_bytes: data.len(),
                limit_bytes,
            });
        }
        let (answer, answered) = oneshot::channel();
        let command = Command::Request {
            peer,
            service,
            data,
            answer,
        };
        self.send(command)
            .await
            .map_err(|_| RequestError::Stopped)?;
        // The protocol's own deadline begins only when a stream is open; on a dead connection
        // that may take longer than anybody wants to wait.
        let deadline = service.deadline();
        match tokio::time::timeout(deadline, answered).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(RequestError::Stopped),
            Err(_) => Err(RequestError::Timeout { deadline }),
        }
    }

    /// Answers a request. A request that is gone meanwhile is silently forgotten.
    ///
    /// # Errors
    /// [`NetworkError::TooLarge`] over the service's limit, [`NetworkError::Stopped`].
    pub async fn respond(
        &self,
        id: RequestId,
        answer: Result<Vec<u8>, Declined>,
    ) -> Result<(), NetworkError> {
        let limit_bytes = id.service.caps().answer_bytes;
        if let Ok(data) = &answer
            && data.len() > limit_bytes
        {
            return Err(NetworkError::TooLarge {
                size_bytes: data.len(),
                limit_bytes,
            });
        }
        self.send(Command::Respond { id, answer }).await
    }

    /// Tells peers our height, soon and not more often than they need it.
    ///
    /// # Errors
    /// [`NetworkError::Stopped`].
    pub async fn set_height(&self, height: u64) -> Result<(), NetworkError> {
        self.send(Command::SetHeight(height)).await
    }

    /// Opens a watch on a peer that is up.
    ///
    /// # Errors
    /// See [`RequestError`].
    pub async fn open_watch(
        &self,
        peer: PeerId,
        request: Vec<u8>,
    ) -> Result<WatchStream, RequestError> {
        if request.len() > speech::REQUEST_MAX_BYTES {
            return Err(RequestError::TooLarge {
                size_bytes: request.len(),
                limit_bytes: speech::REQUEST_MAX_BYTES,
            });
        }
        let (opened, stream) = oneshot::channel();
        let command = Command::OpenWatch {
            peer,
            request,
            opened,
        };
        self.send(command)
            .await
            .map_err(|_| RequestError::Stopped)?;
        stream.await.map_err(|_| RequestError::Stopped)?
    }

    /// Everybody we are connected to or keep dialling.
    ///
    /// # Errors
    /// [`NetworkError::Stopped`].
    pub async fn peers(&self) -> Result<Vec<PeerInfo>, NetworkError> {
        let (reply, snapshot) = oneshot::channel();
        self.send(Command::Peers(reply)).await?;
        snapshot.await.map_err(|_| NetworkError::Stopped)
    }

    /// Adds a peer to those we stay connected to; replaces its addresses if it is one already.
    ///
    /// # Errors
    /// [`NetworkError::Stopped`].
    pub async fn keep(&self, peer: PeerId, addresses: Vec<Multiaddr>) -> Result<(), NetworkError> {
        self.send(Command::Keep { peer, addresses }).await
    }

    /// Seeks a peer from now on, wherever it is: at these addresses, at those that it says are its own, and through
    /// relays, as directly as can be; see [`Event::Route`](super::Event::Route). Ends with [`Self::disconnect`]. Of more
    /// than [`SOUGHT`](super::reach::SOUGHT) peers the last are not sought.
    ///
    /// # Errors
    /// [`NetworkError::Stopped`].
    pub async fn seek(&self, peer: PeerId, addresses: Vec<Multiaddr>) -> Result<(), NetworkError> {
        self.send(Command::Seek { peer, addresses }).await
    }

    /// How long a hello to a peer and its answer take now, by whatever way there is.
    ///
    /// # Errors
    /// See [`RequestError`].
    pub async fn round_trip(&self, peer: PeerId) -> Result<Duration, RequestError> {
        let (answer, answered) = oneshot::channel();
        self.send(Command::RoundTrip { peer, answer })
            .await
            .map_err(|_| RequestError::Stopped)?;
        answered.await.map_err(|_| RequestError::Stopped)?
    }

    /// Where we can be found.
    ///
    /// # Errors
    /// [`NetworkError::Stopped`].
    pub async fn whereabouts(&self) -> Result<Whereabouts, NetworkError> {
        let (reply, found) = oneshot::channel();
        self.send(Command::Whereabouts(reply)).await?;
        found.await.map_err(|_| NetworkError::Stopped)
    }

    /// Who has announced itself on the LAN, if that is listened to. Anybody there may announce anything.
    ///
    /// # Errors
    /// [`NetworkError::Stopped`].
    pub async fn neighbours(&self) -> Result<Vec<PeerId>, NetworkError> {
        let (reply, found) = oneshot::channel();
        self.send(Command::Neighbours(reply)).await?;
        found.await.map_err(|_| NetworkError::Stopped)
    }

    /// Where the world can dial us as far as we know, kept up to date: the verified list's word, or what a node has
    /// confirmed by dialling. Ends with the task.
    #[must_use]
    pub fn public(&self) -> watch::Receiver<Vec<Multiaddr>> {
        self.public.clone()
    }

    /// Closes all connections to a peer and no longer keeps or seeks it.
    ///
    /// # Errors
    /// [`NetworkError::Stopped`].
    pub async fn disconnect(&self, peer: PeerId) -> Result<(), NetworkError> {
        self.send(Command::Disconnect(peer)).await
    }

    /// As [`Self::disconnect`], and refuses the peer until the program ends.
    ///
    /// # Errors
    /// [`NetworkError::Stopped`].
    pub async fn ban(&self, peer: PeerId) -> Result<(), NetworkError> {
        self.send(Command::Ban(peer)).await
    }

    /// Closes every connection, so that peers notice at once, and waits (under a second) until the
    /// task has ended. Calling it again does nothing.
    pub async fn shutdown(&self) {
        if self.commands.send(Command::Shutdown).await.is_ok() {
            self.commands.closed().await;
        }
    }

    async fn send(&self, command: Command) -> Result<(), NetworkError> {
        self.commands
            .send(command)
            .await
            .map_err(|_| NetworkError::Stopped)
    }
}
