//! Every bootstrap node as the session finds it now.
//!
//! Next: `wallet/pool.rs`.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use libp2p::PeerId;

use super::{Session, clock_now};
use crate::chain::name::Name;
use crate::directory::bootstrap;
use crate::wallet::payment::NodeIndex;
use crate::wallet::pool::{Entry, UsedAs};

/// A node of the bootstrap file, as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeReport {
    /// Its name.
    pub name: Name,
    /// Its peer id.
    pub peer_id: PeerId,
    /// Whether its vote counts.
    pub validator: bool,
    /// Whether it is connected and answers with the truth.
    pub reachable: bool,
    /// How long an answer takes.
    pub rtt: Option<Duration>,
    /// The newest height that it has proven.
    pub height: Option<u64>,
    /// What the session uses it for.
    pub used_as: Option<UsedAs>,
    /// What it lied about, if it did.
    pub lie: Option<String>,
    /// Why it is not reachable.
    pub problem: Option<String>,
}

impl Session {
    /// Asks every bootstrap node how it is, all at once. Those that are not connected get till the session's limit for
    /// opening to come up. In the order of the bootstrap file.
    pub async fn nodes(&self) -> Vec<NodeReport> {
        let inner = &self.0;
        let deadline = clock_now() + inner.limits.opening;
        let count = u16::try_from(inner.pool().entries().len()).unwrap_or(u16::MAX);
        let asking = (0..count).map(NodeIndex).map(|node| {
            let inner = Arc::clone(inner);
            async move {
                let mut changed = inner.changed.subscribe();
                let settled =
                    |entry: &Entry| entry.up || entry.lie.is_some() || entry.failure.is_some();
                while !inner.pool().get(node).is_none_or(settled) {
                    if tokio::time::timeout_at(deadline, changed.changed())
                        .await
                        .is_err()
                    {
                        return;
                    }
                }
                let is_up = inner.pool().get(node).is_some_and(|entry| entry.up);
                if is_up {
                    // What comes of it stands in the pool.
                    let _ = inner.probe(node).await;
                }
            }
        });
        join_all(asking).await;
        let pool = inner.pool();
        let report = |((index, entry), node): ((u16, &Entry), &bootstrap::Node)| NodeReport {
            name: node.name.clone(),
            peer_id: node.peer_id,
            validator: entry.validator,
            reachable: entry.up && entry.lie.is_none() && entry.height.is_some(),
            rtt: entry.rtt,
            height: entry.height,
            used_as: pool.used_as(NodeIndex(index)),
            lie: entry.lie.clone(),
            problem: entry
                .failure
                .clone()
                .or_else(|| (!entry.up).then(|| "no answer yet".to_owned())),
        };
        let entries = (0..).zip(pool.entries());
        entries.zip(inner.bootstrap.nodes()).map(report).collect()
    }
}
