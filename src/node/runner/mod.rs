//! A full node: the network, the replica and the store, joined and kept running.
//!
//! [`start`] opens the store, rebuilds the replica, starts the network and gives a [`NodeHandle`]. The
//! replica lives on a thread of its own, which performs its effects in order; the swarm's task never
//! waits for a disk or a signature. When the store fails or the replica halts, the node ends before
//! anything else leaves it, and [`NodeHandle::ended`] tells why.
//!
//! Order of a clean stop: the replica first (its last checkpoint), then the directory (it withdraws the node's card), then
//! the network, then the store's lock.
//! Read next: `hands.rs`, which performs the effects.

mod cause;
mod evidence;
mod hands;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::{broadcast, mpsc, oneshot, watch};

use crate::behaviour::{BehaviourError, Multiaddr, NetworkName, PeerId, Role, identity};
use crate::chain::hash::Hash;
use crate::chain::key::SecretKey;
use crate::consensus::Timing;
use crate::directory::bootstrap::Bootstrap;
use crate::directory::development::{self, DevelopmentKeyExposed};
use crate::node::clock;
use crate::node::directory::{self, DirectoryConfig, DirectoryHandle};
use crate::node::home::Home;
use crate::node::network::{self, NetworkConfig, NetworkError, NetworkHandle, ReachConfig};
use crate::node::window::{self, View};
use crate::replica::{CheckpointPace, Halt, Moment, Note, Replica, Settings, StartError};
use crate::store::{FolderDisk, Store, StoreError};

pub use crate::replica::Condition;
pub use cause::Cause;
use hands::{Directory, Hands, Record, Shown};

/// Questions of the directory that may wait for the replica's thread: it asks one at a time.
const MEMBERS: usize = 1;

/// Notes kept for a reader that is slow; it is told how many it missed.
const NOTES: usize = 256;

/// What a node is made of.
pub struct NodeConfig {
    /// Its folder for `store/` and `evidence.log`.
    pub folder: PathBuf,
    /// Its key.
    pub key: SecretKey,
    /// The network.
    pub bootstrap: Arc<Bootstrap>,
    /// Where to listen.
    pub listen: Vec<Multiaddr>,
    /// The timeouts of agreement.
    pub timing: Timing,
}

impl NodeConfig {
    /// The node of a home.
    pub fn of_home(home: &Home) -> Self {
        Self {
            folder: home.folder().to_owned(),
            key: home.secret().clone(),
            bootstrap: Arc::new(home.bootstrap().clone()),
            listen: home.listen().to_vec(),
            timing: Timing::default(),
        }
    }
}

/// Why a node does not start, or has ended.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The store's content.
    #[error(transparent)]
    Start(StartError),
    /// The network.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The network's name.
    #[error(transparent)]
    Behaviour(#[from] BehaviourError),
    /// A key that everybody knows, where strangers could reach it.
    #[error(transparent)]
    DevelopmentKey(#[from] DevelopmentKeyExposed),
    /// We are unsound.
    #[error(transparent)]
    Halt(#[from] Halt),
    /// The evidence file.
    #[error(
        "cannot write {path}: {reason}; make room or mend its rights, then start the node again"
    )]
    Evidence {
        /// The file.
        path: PathBuf,
        /// The system's words.
        reason: String,
    },
    /// The thread that writes checkpoints has ended without a word.
    #[error(
        "the writer of checkpoints has failed; nothing is lost: start the node again and report this"
    )]
    Checkpoint,
    /// A thread that checks signatures has failed.
    #[error(
        "checking signatures has failed: {0}; nothing is lost: start the node again and report this"
    )]
    Check(tokio::task::JoinError),
    /// The system gave no thread.
    #[error("the system gives no thread for the node: {0}; free memory and start again")]
    Thread(std::io::Error),
}

impl From<StartError> for NodeError {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Store(error) => Self::Store(error),
            error => Self::Start(error),
        }
    }
}

/// What the node is told from outside.
enum Control {
    Stop,
    Inspect(oneshot::Sender<Inspection>),
}

/// A look at the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inspection {
    /// The height of the last final block.
    pub height: u64,
    /// The state's root after it.
    pub state_root: Hash,
}

/// A running node.
pub struct NodeHandle {
    peer: PeerId,
    network: NetworkHandle,
    control: mpsc::Sender<Control>,
    directory: DirectoryHandle,
    condition: watch::Receiver<Condition>,
    notes: broadcast::Sender<Note>,
    view: View,
    ended: oneshot::Receiver<Result<(), NodeError>>,
}

impl NodeHandle {
    /// The node's peer id.
    pub fn peer_id(&self) -> PeerId {
        self.peer
    }

    /// Where it listens, with actual ports.
    pub fn addresses(&self) -> &[Multiaddr] {
        self.network.addresses()
    }

    /// Its network.
    pub fn network(&self) -> &NetworkHandle {
        &self.network
    }

    /// Its directory: who is where.
    pub fn directory(&self) -> &DirectoryHandle {
        &self.directory
    }

    /// Its condition, renewed at every change.
    pub fn condition(&self) -> watch::Receiver<Condition> {
        self.condition.clone()
    }

    /// What people may want to know, from now on.
    pub fn notes(&self) -> broadcast::Receiver<Note> {
        self.notes.subscribe()
    }

    /// A look into it, for whoever shows it.
    pub fn view(&self) -> View {
        self.view.clone()
    }

    /// A look at the state; `None` if the node has ended.
    pub async fn inspect(&self) -> Option<Inspection> {
        let (reply, answer) = oneshot::channel();
        self.control.send(Control::Inspect(reply)).await.ok()?;
        answer.await.ok()
    }

    /// Waits until the node has ended: by [`NodeHandle::stop`], or by a fault.
    ///
    /// # Errors
    /// The fault, told once.
    pub async fn ended(&mut self) -> Result<(), NodeError> {
        // A receiver panics when it is asked again after its answer.
        if self.ended.is_terminated() {
            return Ok(());
        }
        match (&mut self.ended).await {
            Ok(result) => result,
            // The thread is gone without a word: only by `stop` having taken it already.
            Err(_) => Ok(()),
        }
    }

    /// Stops the node cleanly and waits until it has.
    ///
    /// # Errors
    /// What went wrong while stopping.
    pub async fn stop(mut self) -> Result<(), NodeError> {
        // A closed channel means that it has ended already.
        let _ = self.control.send(Control::Stop).await;
        self.ended().await
    }
}

/// Starts a node.
///
/// # Errors
/// A [`NodeError`]; nothing is then left running.
pub async fn start(config: NodeConfig) -> Result<NodeHandle, NodeError> {
    development::check(&config.key.public(), &config.listen)?;
    let began = clock::now();
    let genesis = Arc::new(config.bootstrap.genesis().clone());
    let genesis_hash = genesis.hash();
    let (store, replica, first) = open(&config, began, genesis, genesis_hash)?;
    let network = network_config(&config, genesis_hash, replica.height())?;
    let role = network.role;
    let (network, events) = network::start(network).await?;
    let (control, controls) = mpsc::channel(16);
    let (members, asked) = mpsc::channel(MEMBERS);
    let directory = DirectoryConfig {
        folder: config.folder.clone(),
        key: config.key.clone(),
        role,
        bootstrap: config.bootstrap.clone(),
        listening: network.addresses().to_vec(),
        members,
    };
    let directory = directory::start(directory, network.clone()).map_err(NodeError::Thread)?;
    let (condition_sender, condition) = watch::channel(replica.status());
    let (notes, _) = broadcast::channel(NOTES);
    let (ended_sender, ended) = oneshot::channel();
    let (questions, looks) = mpsc::channel(window::QUESTIONS);
    let view = View::new(
        config.bootstrap.clone(),
        &store,
        network.clone(),
        condition.clone(),
        questions,
    );
    let hands = Hands::new(
        store,
        network.clone(),
        Shown {
            condition: condition_sender,
            notes: notes.clone(),
            asked: looks,
        },
        Record {
            evidence: evidence_path(&config.folder),
            bootstrap: config.bootstrap.clone(),
        },
        Directory {
            handle: directory.clone(),
            asked,
        },
        began,
    );
    let handle = NodeHandle {
        peer: network.local_peer(),
        network,
        control,
        directory,
        condition,
        notes,
        view,
        ended,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .map_err(NodeError::Thread)?;
    let work = move || {
        let result = runtime.block_on(hands.run(replica, first, events, controls));
        // Nobody may be waiting for the end any more.
        let _ = ended_sender.send(result);
    };
    std::thread::Builder::new()
        .name("replica".to_owned())
        .spawn(work)
        .map_err(NodeError::Thread)?;
    Ok(handle)
}

type Opened = (Store, Replica, Vec<crate::replica::Effect>);

fn open(
    config: &NodeConfig,
    began: Instant,
    genesis: Arc<crate::chain::genesis::Genesis>,
    genesis_hash: Hash,
) -> Result<Opened, NodeError> {
    let disk = FolderDisk::open(config.folder.join("store"))?;
    let store = Store::open(Arc::new(disk), genesis_hash.0)?;
    let settings = Settings {
        genesis,
        key: config.key.clone(),
        seed: rand::random(),
        timing: config.timing,
        pace: CheckpointPace::default(),
    };
    let (replica, effects) = Replica::open(settings, &store, moment(began))?;
    Ok((store, replica, effects))
}

fn network_config(
    config: &NodeConfig,
    genesis: Hash,
    height: u64,
) -> Result<NetworkConfig, NodeError> {
    let bootstrap = &config.bootstrap;
    let validators: BTreeSet<PeerId> = bootstrap
        .nodes()
        .iter()
        .filter(|node| node.validator)
        .map(|node| node.peer_id)
        .collect();
    let identity = identity::keypair(*config.key.to_seed());
    let is_validator = validators.contains(&identity.public().to_peer_id());
    Ok(NetworkConfig {
        identity,
        network_name: bootstrap.network().parse::<NetworkName>()?,
        genesis: genesis.0,
        role: match is_validator {
            true => Role::Validator,
            false => Role::Follower,
        },
        version: concat!("natcoin/", env!("CARGO_PKG_VERSION")).to_owned(),
        boot_nonce: rand::random(),
        height,
        listen: config.listen.clone(),
        bootstrap: bootstrap
            .nodes()
            .iter()
            .map(|node| (node.peer_id, node.addresses.clone()))
            .collect(),
        validators,
        reach: ReachConfig::default(),
    })
}

/// Where contradictions of validators are kept.
pub fn evidence_path(folder: &Path) -> PathBuf {
    folder.join("evidence.log")
}

fn moment(began: Instant) -> Moment {
    Moment {
        unix_ms: clock::unix_ms(),
        elapsed: clock::now().saturating_duration_since(began),
    }
}
