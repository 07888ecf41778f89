//! Performing the replica's effects, in their order, on the real disk and network.
//!
//! It must never perform an effect behind a storage effect that failed.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tokio::task::{JoinError, JoinHandle};

use super::{Control, Inspection, NodeError, evidence, moment};
use crate::behaviour::{PeerId, identity};
use crate::chain::key::PublicKey;
use crate::directory::bootstrap::Bootstrap;
use crate::node::directory::{DirectoryHandle, MembersQuestion};
use crate::node::network::{
    Event, MessageId, NetworkEvents, NetworkHandle, RequestId as NetworkRequest,
    Verdict as NetworkVerdict, WatchSink,
};
use crate::node::window::{Question, Sums};
use crate::replica::{
    Condition, Effect, Input, Note, Peer, Replica, Stored, Verdict, WatchId, perform,
};
use crate::store::{Checkpoint, CheckpointJob, Store, StoreError};

/// What the hands know besides the replica.
pub struct Record {
    /// Where contradictions of validators are kept.
    pub evidence: PathBuf,
    /// The verified list.
    pub bootstrap: Arc<Bootstrap>,
}

/// The directory, which has a thread of its own, and what it asks about the ledger.
pub struct Directory {
    /// The way to it.
    pub handle: DirectoryHandle,
    /// Its questions.
    pub asked: mpsc::Receiver<MembersQuestion>,
}

/// What the operator is shown, and the questions of whoever shows it.
pub struct Shown {
    /// The node's condition.
    pub condition: watch::Sender<Condition>,
    /// What people may want to know.
    pub notes: broadcast::Sender<Note>,
    /// Questions of the window.
    pub asked: mpsc::Receiver<Question>,
}

/// Keys of peers that are kept: of a crowd twice as large as a node takes in.
const MAX_KEYS: usize = 4_096;

/// What awaits the replica's word, by the numbers given to it.
#[derive(Default)]
struct Open {
    next: u64,
    gossip: BTreeMap<u64, (MessageId, PeerId)>,
    requests: BTreeMap<u64, NetworkRequest>,
    /// Requests of the node's own window.
    looks: BTreeMap<u64, oneshot::Sender<Vec<u8>>>,
    watches: BTreeMap<WatchId, WatchSink>,
    /// Keys of peers that were heard of.
    keys: HashMap<PeerId, Peer>,
}

impl Open {
    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }
}

type CheckpointResult = Result<Checkpoint, StoreError>;

/// The hands of one node.
pub struct Hands {
    store: Store,
    network: NetworkHandle,
    shown: Shown,
    record: Record,
    directory: Directory,
    began: Instant,
    open: Open,
    /// Requests of ours under way: the replica asks few at a time.
    asked: FuturesUnordered<BoxFuture<'static, Input>>,
    /// Signatures that are being checked on other threads.
    checks: FuturesUnordered<JoinHandle<Input>>,
    checkpoint: Option<oneshot::Receiver<CheckpointResult>>,
    /// Inputs that effects gave rise to, to be handled next.
    followups: Vec<Input>,
}

/// What woke the loop.
enum Wake {
    Event(Option<Event>),
    Reply(Input),
    Control(Option<Control>),
    Checked(Result<Input, JoinError>),
    Checkpoint(Result<CheckpointResult, oneshot::error::RecvError>),
    Members(MembersQuestion),
    Asked(Question),
    Timer,
}

impl Hands {
    /// Hands that hold these.
    pub fn new(
        store: Store,
        network: NetworkHandle,
        shown: Shown,
        record: Record,
        directory: Directory,
        began: Instant,
    ) -> Self {
        Self {
            store,
            network,
            shown,
            record,
            directory,
            began,
            open: Open::default(),
            asked: FuturesUnordered::new(),
            checks: FuturesUnordered::new(),
            checkpoint: None,
            followups: Vec::new(),
        }
    }

    /// Runs the node until it is stopped or fails.
    pub async fn run(
        mut self,
        mut replica: Replica,
        first: Vec<Effect>,
        mut events: NetworkEvents,
        mut controls: mpsc::Receiver<Control>,
    ) -> Result<(), NodeError> {
        let result = match self.perform_all(first).await {
            Ok(()) => self.work(&mut replica, &mut events, &mut controls).await,
            Err(error) => Err(error),
        };
        let result = match result {
            Ok(()) => self.close(&mut replica).await,
            Err(error) => Err(error),
        };
        // Order: the network ends after the replica and the directory, so that their last words are out; the store's
        // lock falls with `self`.
        self.directory.handle.leave().await;
        self.network.shutdown().await;
        result
    }

    async fn work(
        &mut self,
        replica: &mut Replica,
        events: &mut NetworkEvents,
        controls: &mut mpsc::Receiver<Control>,
    ) -> Result<(), NodeError> {
        loop {
            let wake = self.wait(replica, events, controls).await;
            let input = match wake {
                // The network ends before us only if it failed.
                Wake::Event(None) => {
                    return Err(crate::node::network::NetworkError::Stopped.into());
                }
                Wake::Event(Some(event)) => {
                    let passed = self.directory.handle.pass(event, &self.network).await?;
                    match passed.and_then(|event| self.input_of(event)) {
                        Some(input) => input,
                        None => continue,
                    }
                }
                Wake::Members(question) => {
                    let MembersQuestion { accounts, reply } = question;
                    let known = accounts.into_iter().filter(|one| replica.knows(one));
                    // Whoever asked may have ended.
                    let _ = reply.send(known.collect());
                    continue;
                }
                Wake::Asked(question) => match self.look(question, replica) {
                    Some(input) => input,
                    None => continue,
                },
                Wake::Reply(input) => input,
                Wake::Checked(checked) => checked.map_err(NodeError::Check)?,
                Wake::Control(None | Some(Control::Stop)) => return Ok(()),
                Wake::Control(Some(Control::Inspect(reply))) => {
                    let _ = reply.send(Inspection {
                        height: replica.height(),
                        state_root: replica.state_root(),
                    });
                    continue;
                }
                Wake::Checkpoint(written) => {
                    self.checkpoint = None;
                    // The writer has ended without a word only if it panicked.
                    let result = written.map_err(|_| NodeError::Checkpoint)?;
                    Input::CheckpointWritten {
                        height: result?.height,
                    }
                }
                Wake::Timer => Input::Tick,
            };
            self.step(replica, input).await?;
            while let Some(input) = self.followups.pop() {
                self.step(replica, input).await?;
            }
            self.show(replica);
        }
    }

    async fn step(&mut self, replica: &mut Replica, input: Input) -> Result<(), NodeError> {
        let effects = replica.handle(input, moment(self.began), &self.store);
        self.perform_all(effects).await
    }

    async fn wait(
        &mut self,
        replica: &Replica,
        events: &mut NetworkEvents,
        controls: &mut mpsc::Receiver<Control>,
    ) -> Wake {
        let now = moment(self.began).elapsed;
        let deadline = replica.next_deadline();
        let left = deadline.map(|deadline| deadline.saturating_sub(now));
        let checkpoint = async {
            match &mut self.checkpoint {
                Some(written) => written.await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            control = controls.recv() => Wake::Control(control),
            written = checkpoint => Wake::Checkpoint(written),
            Some(input) = self.asked.next() => Wake::Reply(input),
            Some(checked) = self.checks.next() => Wake::Checked(checked),
            // One at a time, so that it never keeps an event waiting for long.
            Some(question) = self.directory.asked.recv() => Wake::Members(question),
            Some(question) = self.shown.asked.recv() => Wake::Asked(question),
            event = events.recv() => Wake::Event(event),
            // Last: every other input fires the timers that are due as well.
            () = pause(left) => Wake::Timer,
        }
    }

    /// A peer's key, which its peer id holds; decoding it takes longer than all else about an event.
    fn key_of(&mut self, peer: &PeerId) -> Option<Peer> {
        if let Some(key) = self.open.keys.get(peer) {
            return Some(*key);
        }
        let key = identity::public_key(peer).map(PublicKey)?;
        if self.open.keys.len() >= MAX_KEYS {
            self.open.keys.clear();
        }
        self.open.keys.insert(*peer, key);
        Some(key)
    }

    /// A question of the window: answered from the books, or asked of the replica as a peer would ask it.
    fn look(&mut self, question: Question, replica: &Replica) -> Option<Input> {
        let ledger = replica.ledger();
        // Whoever asked may have given up.
        match question {
            Question::Service {
                service,
                data,
                reply,
            } => {
                let from = self.key_of(&self.network.local_peer())?;
                let id = self.open.number();
                self.open.looks.retain(|_, reply| !reply.is_closed());
                self.open.looks.insert(id, reply);
                return Some(Input::Request {
                    id,
                    from,
                    service,
                    data,
                });
            }
            Question::Sums(reply) => {
                let _ = reply.send(Sums {
                    height: replica.height(),
                    supply: ledger.supply(),
                    accounts: ledger.account_count(),
                    names: ledger.name_count(),
                });
            }
            Question::Names { from, limit, reply } => {
                let _ = reply.send(ledger.names(from.as_ref(), limit));
            }
        }
        None
    }

    fn input_of(&mut self, event: Event) -> Option<Input> {
        Some(match event {
            Event::PeerUp {
                peer: id, hello, ..
            } => Input::PeerUp {
                peer: self.key_of(&id)?,
                role: hello.role,
                height: hello.height,
            },
            Event::PeerHello { peer: id, hello } => Input::PeerHeight {
                peer: self.key_of(&id)?,
                height: hello.height,
            },
            Event::PeerDown { peer: id } => Input::PeerDown {
                peer: self.key_of(&id)?,
            },
            Event::Gossip {
                topic,
                id,
                source,
                data,
            } => {
                let from = self.key_of(&source)?;
                let number = self.open.number();
                self.open.gossip.insert(number, (id, source));
                Input::Gossip {
                    id: number,
                    from,
                    topic,
                    data,
                }
            }
            Event::Request {
                id,
                peer: from,
                service,
                data,
            } => {
                let from = self.key_of(&from)?;
                let number = self.open.number();
                self.open.requests.insert(number, id);
                Input::Request {
                    id: number,
                    from,
                    service,
                    data,
                }
            }
            Event::WatchOpened { request, sink, .. } => {
                let watch = self.open.number();
                self.open.watches.insert(watch, sink);
                Input::WatchOpened {
                    watch,
                    data: request,
                }
            }
            Event::Refused { peer, reason, .. } => {
                tracing::warn!(%peer, %reason, "a hello was refused");
                return None;
            }
            // Nodes are not told of pings.
            Event::Pinged { .. } => return None,
            Event::ListenerLost { reason } => {
                tracing::warn!(%reason, "a listener was lost");
                return None;
            }
            Event::BootstrapUnreachable {
                peer,
                attempts,
                reason,
            } => {
                tracing::debug!(%peer, attempts, %reason, "a bootstrap node does not answer");
                return None;
            }
            Event::Listening(address) => {
                tracing::debug!(%address, "listening");
                return None;
            }
            // A node seeks nobody.
            Event::Route { .. } => return None,
        })
    }

    async fn perform_all(&mut self, effects: Vec<Effect>) -> Result<(), NodeError> {
        for effect in effects {
            match perform(effect, &self.store)? {
                Stored::Done => {}
                Stored::Checkpoint(job) => self.write_checkpoint(job),
                Stored::Other(effect) => self.perform(effect).await?,
            }
        }
        Ok(())
    }

    async fn perform(&mut self, effect: Effect) -> Result<(), NodeError> {
        match effect {
            Effect::Check(job) => {
                self.checks
                    .push(tokio::task::spawn_blocking(move || job.run()));
            }
            Effect::Publish { topic, data } => self.network.publish(topic, data).await?,
            Effect::Judge { id, verdict } => {
                if let Some((message, source)) = self.open.gossip.remove(&id) {
                    let verdict = match verdict {
                        Verdict::Accept => NetworkVerdict::Accept,
                        Verdict::Ignore => NetworkVerdict::Ignore,
                        Verdict::Reject => NetworkVerdict::Reject,
                    };
                    self.network.report(message, source, verdict).await?;
                }
            }
            Effect::Request {
                tag,
                peer,
                service,
                data,
            } => {
                let network = self.network.clone();
                self.asked.push(Box::pin(async move {
                    let answer = match peer_id(&peer) {
                        Some(id) => network.request(id, service, data).await.ok(),
                        None => None,
                    };
                    Input::Reply {
                        tag,
                        from: peer,
                        data: answer,
                    }
                }));
            }
            Effect::Respond { id, data } => {
                if let Some(request) = self.open.requests.remove(&id) {
                    self.network.respond(request, Ok(data)).await?;
                } else if let Some(reply) = self.open.looks.remove(&id) {
                    // Whoever asked may have given up.
                    let _ = reply.send(data);
                }
            }
            Effect::Push { watch, frame } => {
                let pushed = self.open.watches.get(&watch).map(|sink| sink.push(frame));
                if !matches!(pushed, Some(Ok(()))) {
                    self.open.watches.remove(&watch);
                    self.followups.push(Input::WatchClosed { watch });
                }
            }
            Effect::CloseWatch { watch } => drop(self.open.watches.remove(&watch)),
            Effect::Height(height) => self.network.set_height(height).await?,
            Effect::Disconnect { peer, reason } => {
                if let Some(id) = peer_id(&peer) {
                    tracing::warn!(peer = %id, %reason, "closing the connection to a faulty peer");
                    self.network.disconnect(id).await?;
                    // A bootstrap node may be mended: it is dialled again, with growing pauses.
                    if let Some(node) = self.record.bootstrap.node_of(&peer) {
                        self.network.keep(id, node.addresses.clone()).await?;
                    }
                }
            }
            Effect::Evidence(found) => {
                tracing::warn!(
                    count = found.len(),
                    "a validator contradicted itself: see evidence.log"
                );
                evidence::append(&self.record.evidence, &found).map_err(|error| {
                    NodeError::Evidence {
                        path: self.record.evidence.clone(),
                        reason: error.to_string(),
                    }
                })?;
            }
            Effect::Note(note) => {
                // Nobody may be listening.
                let _ = self.shown.notes.send(note);
            }
            Effect::Halt(halt) => return Err(halt.into()),
            Effect::LogStart { .. }
            | Effect::LogAppend { .. }
            | Effect::LogFlush
            | Effect::Guard(_)
            | Effect::Commit(_)
            | Effect::Checkpoint { .. } => {}
        }
        Ok(())
    }

    fn write_checkpoint(&mut self, job: CheckpointJob) {
        let (done, written) = oneshot::channel();
        self.checkpoint = Some(written);
        std::thread::spawn(move || done.send(job.run()));
    }

    async fn close(&mut self, replica: &mut Replica) -> Result<(), NodeError> {
        self.finish_checkpoint(replica).await?;
        self.perform_all(replica.close()).await?;
        self.finish_checkpoint(replica).await
    }

    async fn finish_checkpoint(&mut self, replica: &mut Replica) -> Result<(), NodeError> {
        let Some(written) = self.checkpoint.take() else {
            return Ok(());
        };
        let height = written.await.map_err(|_| NodeError::Checkpoint)??.height;
        self.step(replica, Input::CheckpointWritten { height })
            .await
    }

    fn show(&self, replica: &Replica) {
        let condition = replica.status();
        self.shown.condition.send_if_modified(|shown| {
            let is_new = *shown != condition;
            *shown = condition;
            is_new
        });
    }
}

fn peer_id(peer: &Peer) -> Option<PeerId> {
    identity::peer_id(&peer.0)
}

async fn pause(left: Option<std::time::Duration>) {
    match left {
        Some(left) => tokio::time::sleep(left).await,
        None => std::future::pending().await,
    }
}
