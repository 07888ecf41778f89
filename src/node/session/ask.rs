//! One question to one node after another, till an answer is proven.
//!
//! The preferred node is asked first. If it fails, lies, is behind or takes long, the next one is asked, while a slow
//! answer may still come. Nothing waits without a deadline, and a question in flight survives the death of its node.
//!
//! Never: give out what the light client has not verified. Next: `wallet/light.rs`; `facts.rs` for the questions.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use tokio::time::{Instant, sleep_until, timeout};

use super::error::SessionError;
use super::error::Tried;
use super::{Inner, clock_now};
use crate::behaviour::Service;
use crate::chain::codec::Encode;
use crate::chain::query::{Answer, Proven, Query, Unavailable};
use crate::wallet::light::{Doubt, Hearsay, LightClient};
use crate::wallet::patience::{ANSWER, ASK_AGAIN, SLOW};
use crate::wallet::payment::NodeIndex;

/// Why a round of all nodes gave nothing.
#[derive(Debug)]
pub(super) enum Nothing {
    /// All were asked, at least one answered, and those that did do not know it.
    Unknown,
    /// What each one asked failed with.
    Failed(BTreeMap<NodeIndex, String>),
    /// A quorum has signed two blocks.
    Fork(Doubt),
}

/// How one node failed.
enum Failure {
    Unknown,
    Other(String),
    Fork(Doubt),
}

impl Inner {
    /// Asks until an answer is proven or the session's deadline for questions has passed.
    pub(super) async fn ask<T>(
        &self,
        query: &Query,
        what: &str,
        read: impl Fn(&mut LightClient, Answer) -> Result<Proven<T>, Doubt>,
    ) -> Result<Proven<T>, SessionError> {
        let deadline = clock_now() + self.limits.question;
        let mut changed = self.changed.subscribe();
        loop {
            let failed = match timeout_at(deadline, self.ask_round(query, usize::MAX, &read)).await
            {
                Some(Ok(proven)) => return Ok(proven),
                Some(Err(Nothing::Unknown)) => {
                    let what = what.to_owned();
                    return Err(SessionError::NotFound { what });
                }
                Some(Err(Nothing::Fork(doubt))) => return Err(SessionError::Fork(doubt)),
                Some(Err(Nothing::Failed(failed))) => failed,
                None => BTreeMap::new(),
            };
            let now = clock_now();
            if now >= deadline || self.network.is_closed() {
                return Err(self.no_node(&failed));
            }
            // What the round itself has noted of the nodes is no news: a busy node would be asked without a pause.
            changed.borrow_and_update();
            tokio::select! {
                _ = changed.changed() => {}
                () = sleep_until((now + ASK_AGAIN).min(deadline)) => {}
            }
        }
    }

    /// Asks at most `most` nodes, once each.
    pub(super) async fn ask_round<T>(
        &self,
        query: &Query,
        most: usize,
        read: impl Fn(&mut LightClient, Answer) -> Result<Proven<T>, Doubt>,
    ) -> Result<Proven<T>, Nothing> {
        let bytes = query.to_bytes();
        let mut asked: Vec<NodeIndex> = Vec::new();
        let mut failed = BTreeMap::new();
        let mut late = BTreeSet::new();
        let mut unknown = false;
        let mut flying = FuturesUnordered::new();
        loop {
            let next = self
                .pool()
                .ranked()
                .into_iter()
                .find(|node| asked.len() < most && !asked.contains(node));
            if flying.is_empty() {
                match next {
                    Some(node) => {
                        late.insert(node);
                        asked.push(node);
                        flying.push(self.exchange(node, bytes.clone()));
                    }
                    None if unknown => return Err(Nothing::Unknown),
                    None => return Err(Nothing::Failed(failed)),
                }
            }
            let slow = sleep_until(clock_now() + SLOW);
            tokio::select! {
                Some((node, taken, answer)) = flying.next() => {
                    late.remove(&node);
                    match self.judge(node, taken, answer, &read) {
                        Ok(proven) => return Ok(proven),
                        Err(Failure::Unknown) => unknown = true,
                        Err(Failure::Other(why)) => drop(failed.insert(node, why)),
                        Err(Failure::Fork(doubt)) => return Err(Nothing::Fork(doubt)),
                    }
                }
                () = slow => {
                    if let Some(node) = next.filter(|node| !asked.contains(node)) {
                        // Its answer may never be waited for: let the next question go elsewhere at once.
                        for slow in std::mem::take(&mut late) {
                            self.change(|pool| pool.struck(slow, format!("no answer within {SLOW:?}")));
                        }
                        late.insert(node);
                        asked.push(node);
                        flying.push(self.exchange(node, bytes.clone()));
                    }
                }
            }
        }
    }

    /// Asks one node how it is.
    pub(super) async fn probe(&self, node: NodeIndex) -> Result<Proven<Hearsay>, String> {
        let (node, taken, answer) = self.exchange(node, Query::Status.to_bytes()).await;
        let proven = self
            .judge(node, taken, answer, &|light: &mut LightClient, answer| {
                light.status(answer)
            })
            .map_err(|failure| match failure {
                Failure::Unknown => "it has no answer".to_owned(),
                Failure::Other(why) => why,
                Failure::Fork(doubt) => doubt.to_string(),
            })?;
        self.change(|pool| pool.heard(node, proven.value.validators_up));
        Ok(proven)
    }

    async fn exchange(
        &self,
        node: NodeIndex,
        bytes: Vec<u8>,
    ) -> (NodeIndex, Duration, Result<Vec<u8>, String>) {
        let began = clock_now();
        let Some(peer) = self.peer_of(node) else {
            return (node, Duration::ZERO, Err("it is not known".to_owned()));
        };
        let asking = self.network.request(peer, Service::Query, bytes);
        let answer = match timeout(ANSWER, asking).await {
            Ok(answer) => answer.map_err(|error| error.to_string()),
            Err(_) => Err(format!("no answer within {ANSWER:?}")),
        };
        (node, clock_now() - began, answer)
    }

    fn judge<T>(
        &self,
        node: NodeIndex,
        taken: Duration,
        answer: Result<Vec<u8>, String>,
        read: &impl Fn(&mut LightClient, Answer) -> Result<Proven<T>, Doubt>,
    ) -> Result<Proven<T>, Failure> {
        let bytes = answer.map_err(|why| {
            self.change(|pool| pool.struck(node, why.clone()));
            Failure::Other(why)
        })?;
        let verdict = LightClient::read(&bytes).and_then(|answer| read(&mut self.light(), answer));
        match verdict {
            Ok(proven) => {
                self.change(|pool| pool.proved(node, &proven.at, Some(taken)));
                Ok(proven)
            }
            Err(doubt) => Err(self.doubted(node, doubt)),
        }
    }

    fn doubted(&self, node: NodeIndex, doubt: Doubt) -> Failure {
        match &doubt {
            Doubt::Unavailable(Unavailable::Unknown) => return Failure::Unknown,
            Doubt::Fork { .. } => return Failure::Fork(doubt),
            Doubt::Unavailable(Unavailable::Busy) | Doubt::Behind { .. } => {
                self.change(|pool| pool.doubted(node, &doubt));
            }
            Doubt::Lie(_) | Doubt::Malformed(_) => self.distrust(node, &doubt),
        }
        Failure::Other(doubt.to_string())
    }

    /// The node has lied: it is not asked again.
    pub(super) fn distrust(&self, node: NodeIndex, doubt: &Doubt) {
        let name = self.name_of(node).map(|name| name.to_string());
        tracing::warn!(node = name, %doubt, "the node's answer is false: it is not asked again");
        self.change(|pool| pool.lied(node, doubt.to_string()));
    }

    pub(super) fn no_node(&self, failed: &BTreeMap<NodeIndex, String>) -> SessionError {
        if self.network.is_closed() {
            return SessionError::Closed;
        }
        let (seen, best) = (self.light().floor(), self.pool().best_height());
        if let Some(height) = best.filter(|best| *best < seen) {
            return SessionError::ChainBehind {
                network: self.bootstrap.network().to_owned(),
                height,
                seen,
            };
        }
        let foreigner = self.pool().foreigner();
        if let Some((node, reason)) = foreigner
            && let Some(node) = self.name_of(node)
        {
            return SessionError::OtherNetwork {
                network: self.bootstrap.network().to_owned(),
                node,
                // The semicolon parts a message from its next step.
                reason: reason.replace("; ", ", "),
            };
        }
        let pool = self.pool();
        let nodes = (0..).map(NodeIndex).zip(self.bootstrap.nodes());
        let tried = nodes.map(|(index, node)| Tried {
            name: node.name.clone(),
            peer_id: node.peer_id,
            why: pool.trouble(index, failed.get(&index).cloned()),
        });
        SessionError::NoNode {
            network: self.bootstrap.network().to_owned(),
            tried: tried.collect(),
        }
    }
}

async fn timeout_at<T>(deadline: Instant, future: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout_at(deadline, future).await.ok()
}
