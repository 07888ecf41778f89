//! Finality pushed by two nodes at once: whichever is first, and one may keep silent.
//!
//! Next: `session/watch.rs`.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::chain::key::Address;
use crate::node::session::Inner;
use crate::node::session::watch::Frame;
use crate::replica::wire::MAX_WATCHED;
use crate::wallet::patience::WATCH_AGAIN;

/// Nodes that are watched.
const COPIES: usize = 2;
/// Frames that may wait; the nodes' streams wait behind them.
const QUEUE: usize = 64;

/// A verified frame.
pub(super) struct Fed {
    pub(super) frame: Frame,
    /// Blocks before it were not pushed: what is in them has to be asked for.
    pub(super) is_first: bool,
}

/// Verified frames from the active and the standby node, as they come.
pub(super) struct Feed {
    frames: mpsc::Receiver<Fed>,
    /// Ends with the feed.
    _tasks: JoinSet<()>,
}

impl Feed {
    pub(super) fn open(session: &Arc<Inner>, addresses: &[Address]) -> Self {
        let mut addresses = addresses.to_vec();
        addresses.sort();
        addresses.dedup();
        addresses.truncate(MAX_WATCHED);
        let (sender, frames) = mpsc::channel(QUEUE);
        let mut tasks = JoinSet::new();
        for rank in 0..COPIES {
            let session = Arc::clone(session);
            tasks.spawn(follow(session, rank, addresses.clone(), sender.clone()));
        }
        Self {
            frames,
            _tasks: tasks,
        }
    }

    /// The next frame. Cancel-safe.
    pub(super) async fn next(&mut self) -> Fed {
        match self.frames.recv().await {
            Some(fed) => fed,
            // Both followers have ended with the runtime.
            None => std::future::pending().await,
        }
    }
}

/// Follows the node of a rank; when it is gone, the one that has its rank then.
async fn follow(
    session: Arc<Inner>,
    rank: usize,
    addresses: Vec<Address>,
    sender: mpsc::Sender<Fed>,
) {
    let mut changed = session.changed.subscribe();
    loop {
        changed.borrow_and_update();
        let node = session.pool().ranked().get(rank).copied();
        if let Some(node) = node
            && let Some(mut frames) = session.open_frames(node, &addresses).await
        {
            let mut is_first = true;
            while let Some(frame) = session.next_frame(&mut frames).await {
                if sender.send(Fed { frame, is_first }).await.is_err() {
                    return;
                }
                is_first = false;
            }
        }
        tokio::select! {
            _ = changed.changed(), if node.is_none() => {}
            () = sleep(WATCH_AGAIN) => {}
        }
    }
}
