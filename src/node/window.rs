//! A look into a running node, for whoever shows it to people: what the HTTP window stands on.
//!
//! A look must never delay agreement. So what the block log answers alone is read on other threads, few at a time; what
//! only the replica knows is asked of its thread, one question at a time, through a queue that is short and a bucket
//! that is small, and the same answer is given again for as long as the chain stands still. Who asks too much is told
//! that the node is busy. Nothing is asked here that a stranger could not ask over libp2p.
//!
//! Read next: `replica/service.rs`, which answers.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio::time::timeout;

use super::clock;
use super::network::{Counters, NetworkHandle, PeerInfo, Registry, files};
pub use crate::behaviour::doors::Origin;
pub use crate::behaviour::limits::{Bucket, Rate};
use crate::behaviour::{Multiaddr, PeerId, Service};
use crate::chain::amount::Amount;
use crate::chain::codec::{Decode as _, Encode as _};
use crate::chain::key::Address;
use crate::chain::name::Name;
use crate::chain::query::Query;
use crate::chain::transaction::SignedTransaction;
use crate::directory::bootstrap::Bootstrap;
pub use crate::replica::Condition;
use crate::replica::stored_answer;
pub use crate::replica::wire::{FinalBlock, SubmitReply};
use crate::store::{Store, WeakStore};

/// Questions that may wait for the replica's thread.
pub const QUESTIONS: usize = 4;
/// What may be asked of the replica's thread: a question costs it about a tenth of a millisecond.
const PACE: Rate = Rate::of_bucket(200, 100);
/// What a page of activities costs of that: for each of its entries a block may be read.
const PAGE_COST: u32 = 10;
/// Most activities of a page that is asked for here.
pub const PAGE: u8 = 25;
/// Most names of a page.
pub const NAMES: usize = 100;
/// Reads of the block log at a time.
const READERS: usize = 2;
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// Answers that are kept while the chain stands still, and their bytes.
const KEPT: usize = 512;
const KEPT_BYTES: usize = 8 << 20;

/// What the replica's thread is asked.
#[derive(Debug)]
pub enum Question {
    /// What a peer could ask, too.
    Service {
        /// Which service.
        service: Service,
        /// The request.
        data: Vec<u8>,
        /// Where the answer goes.
        reply: oneshot::Sender<Vec<u8>>,
    },
    /// The sums of the books.
    Sums(oneshot::Sender<Sums>),
    /// Names in their order.
    Names {
        /// From this one on; none for the first.
        from: Option<Name>,
        /// At most so many.
        limit: usize,
        /// Where they go.
        reply: oneshot::Sender<Vec<(Name, Address)>>,
    },
}

/// What the books of a node add up to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sums {
    /// After which block.
    pub height: u64,
    /// All money there is, which every block's execution must leave as it is.
    pub supply: Amount,
    /// How many accounts there are.
    pub accounts: usize,
    /// How many names.
    pub names: usize,
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    /// Too much is asked.
    #[error("this node has enough to do; ask again in a moment")]
    Busy,
    /// The node is gone.
    #[error("this node is ending; ask another one")]
    Ended,
    /// What it keeps cannot be read.
    #[error("this node cannot read its own blocks; its operator finds out why with `natcoin node`")]
    Unreadable,
}

/// Answers that hold while the chain stands still.
#[derive(Debug, Default)]
struct Kept {
    height: u64,
    bytes: usize,
    answers: HashMap<Vec<u8>, Bytes>,
}

/// A look into a running node. Cheap to clone.
#[derive(Clone)]
pub struct View {
    bootstrap: Arc<Bootstrap>,
    /// Not the store itself: whoever looks must not keep the folder of a node that has ended.
    store: WeakStore,
    network: NetworkHandle,
    condition: watch::Receiver<Condition>,
    questions: mpsc::Sender<Question>,
    readers: Arc<Semaphore>,
    pace: Arc<Mutex<Bucket>>,
    kept: Arc<Mutex<Kept>>,
}

impl View {
    pub(super) fn new(
        bootstrap: Arc<Bootstrap>,
        store: &Store,
        network: NetworkHandle,
        condition: watch::Receiver<Condition>,
        questions: mpsc::Sender<Question>,
    ) -> Self {
        Self {
            bootstrap,
            store: store.weak(),
            network,
            condition,
            questions,
            readers: Arc::new(Semaphore::new(READERS)),
            pace: Arc::new(Mutex::new(Bucket::new(PACE, clock::now()))),
            kept: Arc::default(),
        }
    }

    /// The network.
    pub fn bootstrap(&self) -> &Bootstrap {
        &self.bootstrap
    }

    /// The node's own peer id.
    pub fn peer_id(&self) -> PeerId {
        self.network.local_peer()
    }

    /// The node's condition, renewed at every change.
    pub fn condition(&self) -> watch::Receiver<Condition> {
        self.condition.clone()
    }

    /// What its network has counted.
    pub fn counters(&self) -> Counters {
        self.network.metrics()
    }

    /// Where all its counters are registered.
    pub fn registry(&self) -> Registry {
        self.network.registry()
    }

    /// Whom it is connected to.
    ///
    /// # Errors
    /// [`NoAnswer::Ended`], [`NoAnswer::Busy`].
    pub async fn peers(&self) -> Result<Vec<PeerInfo>, NoAnswer> {
        match timeout(PATIENCE, self.network.peers()).await {
            Ok(peers) => peers.map_err(|_| NoAnswer::Ended),
            Err(_) => Err(NoAnswer::Busy),
        }
    }

    /// Answers a query as any peer would be answered: with all that proves it.
    ///
    /// # Errors
    /// A [`NoAnswer`].
    pub async fn ask(&self, query: &Query) -> Result<Bytes, NoAnswer> {
        if matches!(query, Query::Block(_) | Query::Transaction(_)) {
            let query = query.clone();
            let read = self.read(move |store| Some(stored_answer(&query, store)?.to_bytes()));
            return read.await?.map(Bytes::from).ok_or(NoAnswer::Unreadable);
        }
        let data = query.to_bytes();
        let height = self.condition.borrow().height;
        if let Some(answer) = self.kept(&data, height) {
            return Ok(answer);
        }
        let cost = match query {
            Query::Activities { .. } => PAGE_COST,
            _ => 1,
        };
        let service = Service::Query;
        let answer = self.put(cost, |reply| Question::Service {
            service,
            data: data.clone(),
            reply,
        });
        let answer = Bytes::from(answer.await?);
        self.keep(data, height, &answer);
        Ok(answer)
    }

    /// Hands a signed transaction in, as any wallet would.
    ///
    /// # Errors
    /// A [`NoAnswer`]; it may have been taken nevertheless, and handing it in again is safe.
    pub async fn submit(&self, transaction: &SignedTransaction) -> Result<SubmitReply, NoAnswer> {
        let answer = self.put(1, |reply| Question::Service {
            service: Service::Submit,
            data: transaction.to_bytes(),
            reply,
        });
        SubmitReply::from_bytes(&answer.await?).map_err(|_| NoAnswer::Busy)
    }

    /// The sums of the books.
    ///
    /// # Errors
    /// A [`NoAnswer`].
    pub async fn sums(&self) -> Result<Sums, NoAnswer> {
        self.put(1, Question::Sums).await
    }

    /// Names in their order, at most [`NAMES`].
    ///
    /// # Errors
    /// A [`NoAnswer`].
    pub async fn names(
        &self,
        from: Option<Name>,
        limit: usize,
    ) -> Result<Vec<(Name, Address)>, NoAnswer> {
        let limit = limit.min(NAMES);
        self.put(1, |reply| Question::Names { from, limit, reply })
            .await
    }

    /// Final blocks of these heights, oldest first, as far as they are there.
    ///
    /// # Errors
    /// A [`NoAnswer`].
    pub async fn blocks(
        &self,
        heights: std::ops::RangeInclusive<u64>,
    ) -> Result<Vec<FinalBlock>, NoAnswer> {
        self.read(move |store| {
            let mut blocks = Vec::new();
            for height in heights {
                let Some(bytes) = store.block(height).ok()? else {
                    break;
                };
                blocks.push(FinalBlock::from_bytes(&bytes).ok()?);
            }
            Some(blocks)
        })
        .await?
        .ok_or(NoAnswer::Unreadable)
    }

    /// Where a peer on this address is counted.
    pub fn origin(ip: IpAddr) -> Origin {
        Origin::of(&Multiaddr::from(ip))
    }

    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Store) -> T + Send + 'static,
    ) -> Result<T, NoAnswer> {
        let turn = timeout(PATIENCE, Arc::clone(&self.readers).acquire_owned()).await;
        let Ok(Ok(turn)) = turn else {
            return Err(NoAnswer::Busy);
        };
        let store = self.store.upgrade().ok_or(NoAnswer::Ended)?;
        let done = tokio::task::spawn_blocking(move || {
            let done = work(&store);
            drop(turn);
            done
        });
        done.await.map_err(|_| NoAnswer::Unreadable)
    }

    async fn put<T>(
        &self,
        cost: u32,
        question: impl FnOnce(oneshot::Sender<T>) -> Question,
    ) -> Result<T, NoAnswer> {
        let is_allowed = {
            let mut pace = self.pace.lock().unwrap_or_else(PoisonError::into_inner);
            pace.take_many(cost, clock::now())
        };
        if !is_allowed {
            return Err(NoAnswer::Busy);
        }
        let (reply, answer) = oneshot::channel();
        let asking = async {
            let sent = self.questions.send(question(reply)).await;
            sent.map_err(|_| NoAnswer::Ended)?;
            answer.await.map_err(|_| NoAnswer::Ended)
        };
        timeout(PATIENCE, asking)
            .await
            .unwrap_or(Err(NoAnswer::Busy))
    }

    fn kept(&self, query: &[u8], height: u64) -> Option<Bytes> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = kept.answers.get(query)?;
        (kept.height == height).then(|| answer.clone())
    }

    /// Keeps an answer that was asked for at a height: it may be of a later one, never of an earlier.
    fn keep(&self, query: Vec<u8>, height: u64, answer: &Bytes) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.height > height {
            return;
        }
        let is_full = kept.answers.len() >= KEPT || kept.bytes + answer.len() > KEPT_BYTES;
        if kept.height < height || is_full {
            *kept = Kept {
                height,
                ..Kept::default()
            };
        }
        kept.bytes += answer.len();
        kept.answers.insert(query, answer.clone());
    }
}

/// Asks the system for files for so many connections beside the network's; gives how many it has.
pub fn ask_for_files(connections: usize) -> usize {
    files::ask_for_more(connections)
}

/// Lets the thread that calls this, and those that it begins, give way to all others of the program: showing is less than
/// agreeing.
#[cfg(target_os = "linux")]
pub fn give_way() {
    // On Linux this is the thread's own. A system that refuses leaves it as it is.
    if let Err(error) = rustix::process::nice(10) {
        tracing::debug!(%error, "the window's thread does not give way");
    }
}

/// Elsewhere all threads are equal.
#[cfg(not(target_os = "linux"))]
pub fn give_way() {}
