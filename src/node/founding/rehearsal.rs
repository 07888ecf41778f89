//! The rehearsal: a real node of a throwaway network, in a folder that goes with it, until its first block.
//!
//! Replica, agreement, store and network are those of `natcoin node`, on the addresses that stand in the draft. The
//! network is of a genesis that no other network has (see [`crate::directory::founding::member::rehearsal`]), so
//! nothing signed here means anything elsewhere.

use std::sync::Arc;
use std::time::Duration;

use libp2p::Multiaddr;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::chain::key::SecretKey;
use crate::consensus::Timing;
use crate::directory::bootstrap::Bootstrap;
use crate::node::clock;
use crate::node::runner::{self, Cause, NodeConfig, NodeError, NodeHandle};

/// How long the first block may take: nodes find each other, and one proposes.
const FIRST_BLOCK: Duration = Duration::from_secs(60);
/// How long the room's ports may take to become free.
const PORTS: Duration = Duration::from_secs(20);
/// How often they are tried.
const PORTS_PACE: Duration = Duration::from_millis(100);

/// What a rehearsal comes to.
pub(super) type Report = Result<(), String>;

/// A rehearsal under way.
pub(super) struct Rehearsal {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Rehearsal {
    /// Begins; what comes of it is reported once.
    pub(super) fn begin(
        bootstrap: Bootstrap,
        key: SecretKey,
        listen: Vec<Multiaddr>,
        report: mpsc::Sender<Report>,
    ) -> Self {
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(rehearse(bootstrap, key, listen, report, stopped));
        Self { stop, task }
    }

    /// Ends the node, and takes its folder away.
    pub(super) async fn end(self) {
        let _ = self.stop.send(());
        let _ = self.task.await;
    }
}

async fn rehearse(
    bootstrap: Bootstrap,
    key: SecretKey,
    listen: Vec<Multiaddr>,
    report: mpsc::Sender<Report>,
    stopped: oneshot::Receiver<()>,
) {
    let folder = tempfile::Builder::new()
        .prefix("natcoin-rehearsal-")
        .tempdir();
    let folder = match folder {
        Ok(folder) => folder,
        Err(error) => {
            let _ = report
                .send(Err(format!("no temporary folder: {error}")))
                .await;
            return;
        }
    };
    let validators = bootstrap.nodes().len();
    let config = || NodeConfig {
        folder: folder.path().to_owned(),
        key: key.clone(),
        bootstrap: Arc::new(bootstrap.clone()),
        listen: listen.clone(),
        timing: Timing::default(),
    };
    let mut node = match start(config).await {
        Ok(node) => node,
        Err(error) => {
            let _ = report.send(Err(error.to_string())).await;
            return;
        }
    };
    let first = tokio::time::timeout(FIRST_BLOCK, first_block(&mut node)).await;
    let condition = node.condition().borrow().clone();
    let first = first.unwrap_or_else(|_| {
        Err(format!(
            "no block within {} s: {} of {validators} nodes were seen, and the chain has {} blocks",
            FIRST_BLOCK.as_secs(),
            condition.validators_up,
            condition.height,
        ))
    });
    let is_done = first.is_ok();
    let _ = report.send(first).await;
    if is_done {
        // Order: until all have seen the block this node votes on, for those that are still behind.
        let _ = stopped.await;
    }
    if let Err(error) = node.stop().await {
        tracing::warn!(%error, "the rehearsal's node did not end cleanly");
    }
}

/// Starts the node as soon as the room's own listeners have let go of its ports.
async fn start(config: impl Fn() -> NodeConfig) -> Result<NodeHandle, NodeError> {
    let asked = clock::now();
    loop {
        match runner::start(config()).await {
            Err(error) if error.cause() == Cause::PortInUse && asked.elapsed() < PORTS => {
                tokio::time::sleep(PORTS_PACE).await;
            }
            started => return started,
        }
    }
}

/// The first block, with every node in sight: then each has heard of each, and all votes can count.
async fn first_block(node: &mut NodeHandle) -> Report {
    let mut condition = node.condition();
    loop {
        let now = condition.borrow_and_update().clone();
        if now.height >= 1 && now.is_voting && now.validators_up == now.validators {
            return Ok(());
        }
        tokio::select! {
            changed = condition.changed() => if changed.is_err() {
                return Err("the rehearsal's node has ended".to_owned());
            },
            ended = node.ended() => return Err(match ended {
                Ok(()) => "the rehearsal's node has ended".to_owned(),
                Err(error) => error.to_string(),
            }),
        }
    }
}
