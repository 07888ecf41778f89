//! Performing the keeper's effects, in their order: proofs and files on other threads, words through the network.
//!
//! Read next: `directory/keeper/language.rs` for what each effect wants.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::spawn_blocking;

use super::{DirectoryConfig, Files, MembersQuestion, Said, Snapshot, own_endpoints, reach};
use crate::behaviour::{Declined, Multiaddr, PeerId, Service, Topic, identity};
use crate::chain::key::{Address, PublicKey};
use crate::directory::book::Book;
use crate::directory::bootstrap::Bootstrap;
use crate::directory::card::{Card, SoundCard};
use crate::directory::keeper::{Effect, Input, Keeper, Now, Reply, Settings, Verdict};
use crate::directory::look_up;
use crate::directory::publisher::{Owner, worth_publishing};
use crate::directory::refusal::Refusal;
use crate::node::clock;
use crate::node::network::{MessageId, NetworkHandle, RequestId, Verdict as NetworkVerdict};

/// What awaits the keeper's word, by the numbers given to it.
#[derive(Default)]
struct Open {
    last: u64,
    gossip: BTreeMap<u64, (MessageId, PeerId)>,
    requests: BTreeMap<u64, RequestId>,
}

impl Open {
    fn number(&mut self) -> u64 {
        self.last += 1;
        self.last
    }
}

/// Where we are, and what of it is worth saying.
struct Place {
    bootstrap: std::sync::Arc<Bootstrap>,
    /// The bootstrap file, for newcomers.
    file: String,
    key: PublicKey,
    listening: Vec<Multiaddr>,
    /// Where the world can dial us, as the network finds out.
    public: watch::Receiver<Vec<Multiaddr>>,
}

/// The hands of one node's directory.
pub(super) struct Hands {
    keeper: Keeper,
    network: NetworkHandle,
    files: Files,
    members: mpsc::Sender<MembersQuestion>,
    place: Place,
    began: Instant,
    open: Open,
    /// Questions, proofs and files under way: the keeper begins few at a time.
    under_way: FuturesUnordered<BoxFuture<'static, Input>>,
    leaving: Option<oneshot::Sender<()>>,
}

/// What woke the loop.
enum Wake {
    Said(Option<Said>),
    Done(Input),
    Timer,
    /// The world can dial us elsewhere.
    Moved,
}

impl Hands {
    /// Reads the files and makes the keeper.
    pub fn new(config: DirectoryConfig, network: NetworkHandle) -> Self {
        let files = Files::of(&config.folder);
        let genesis = config.bootstrap.genesis().hash();
        let owner = Owner {
            network: genesis,
            account: config.key.clone(),
            peer: config.key.clone(),
            role: config.role,
        };
        let nodes = config.bootstrap.nodes().iter();
        let keeper = Keeper::new(Settings {
            book: files.load_book(Book::new(genesis), clock::unix_ms()),
            owner,
            last_number: files.load_number(),
            verified: nodes.map(|node| node.key).collect(),
            seed: rand::random(),
        });
        let public = network.public();
        Self {
            keeper,
            network,
            files,
            members: config.members,
            place: Place {
                key: config.key.public(),
                file: config.bootstrap.to_toml(),
                bootstrap: config.bootstrap,
                listening: config.listening,
                public,
            },
            began: clock::now(),
            open: Open::default(),
            under_way: FuturesUnordered::new(),
            leaving: None,
        }
    }

    /// Runs until the node leaves, or the network has ended.
    pub async fn run(mut self, mut news: mpsc::Receiver<Said>, mut work: mpsc::Receiver<Said>) {
        let mut input = self.own_addresses();
        loop {
            let effects = self.keeper.handle(input, self.now());
            for effect in effects {
                match effect {
                    // Order: the last save is behind all others and is waited for.
                    Effect::Left => return self.end().await,
                    effect => self.perform(effect).await,
                }
            }
            if self.network.is_closed() {
                return;
            }
            input = loop {
                match self.wait(&mut news, &mut work).await {
                    Wake::Said(None) => return,
                    Wake::Said(Some(said)) => {
                        let Some(said) = self.give_file(said).await else {
                            continue;
                        };
                        if let Some(input) = self.input_of(said) {
                            break input;
                        }
                    }
                    Wake::Done(input) => break input,
                    Wake::Timer => break Input::Tick,
                    Wake::Moved => break self.own_addresses(),
                }
            };
        }
    }

    async fn wait(
        &mut self,
        news: &mut mpsc::Receiver<Said>,
        work: &mut mpsc::Receiver<Said>,
    ) -> Wake {
        let left = self
            .keeper
            .next_deadline()
            .saturating_sub(self.now().elapsed);
        tokio::select! {
            biased;
            said = news.recv() => Wake::Said(said),
            Some(input) = self.under_way.next() => Wake::Done(input),
            Ok(()) = self.place.public.changed() => Wake::Moved,
            Some(said) = work.recv() => Wake::Said(Some(said)),
            () = tokio::time::sleep(left) => Wake::Timer,
        }
    }

    async fn end(mut self) {
        // What is saved now is whole when the thread ends; proofs and answers are wanted by nobody any more.
        while let Some(input) = self.under_way.next().await {
            if matches!(input, Input::Saved | Input::NotSaved) {
                break;
            }
        }
        if let Some(leaving) = self.leaving.take() {
            let _ = leaving.send(());
        }
    }

    fn now(&self) -> Now {
        Now {
            unix_ms: clock::unix_ms(),
            elapsed: clock::now().saturating_duration_since(self.began),
        }
    }

    fn own_addresses(&mut self) -> Input {
        let place = &mut self.place;
        let public = place.public.borrow_and_update().clone();
        let own = own_endpoints(&place.bootstrap, &place.key, &public, &place.listening);
        Input::Addresses(worth_publishing(own, reach(&place.bootstrap)))
    }

    /// Answers who asks for the bootstrap file: it is no part of the book, and the keeper is not asked.
    async fn give_file(&self, said: Said) -> Option<Said> {
        match said {
            Said::LookedUp(request, text) => {
                let Some(from) = look_up::file_asked(&text) else {
                    return Some(Said::LookedUp(request, text));
                };
                let part = look_up::file_part(&self.place.file, from);
                let _ = self.network.respond(request, Ok(part)).await;
                None
            }
            other => Some(other),
        }
    }

    fn input_of(&mut self, said: Said) -> Option<Input> {
        Some(match said {
            Said::Up(peer, role) => Input::PeerUp { peer, role },
            Said::Down(peer) => Input::PeerDown { peer },
            Said::Listening(address) => {
                self.place.listening.push(address);
                self.own_addresses()
            }
            Said::Asked(request, from, data) => {
                let id = self.open.number();
                self.open.requests.insert(id, request);
                Input::Asked { id, from, data }
            }
            Said::LookedUp(request, text) => {
                let id = self.open.number();
                self.open.requests.insert(id, request);
                Input::LookedUp { id, text }
            }
            Said::Gossip(message, source, from, data) => {
                let id = self.open.number();
                self.open.gossip.insert(id, (message, source));
                Input::Gossip { id, from, data }
            }
            Said::Look(reply) => {
                let cards = self.keeper.book().cards();
                let snapshot = Snapshot {
                    cards: cards
                        .map(|(card, standing)| (card.clone(), standing))
                        .collect(),
                    counts: self.keeper.counts(),
                };
                // Whoever asked may be gone.
                let _ = reply.send(snapshot);
                return None;
            }
            Said::Leave(done) => {
                self.leaving = Some(done);
                Input::Leave
            }
        })
    }

    /// What the network does not take any more because it has ended is wanted by nobody.
    async fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Check { job, cards } => {
                let members = self.members.clone();
                self.begin(async move { check(job, cards, members).await });
            }
            Effect::Ask { number, peer, data } => {
                let network = self.network.clone();
                self.begin(async move {
                    let data = match identity::peer_id(&peer.0) {
                        Some(peer) => network.request(peer, Service::Directory, data).await.ok(),
                        None => None,
                    };
                    Input::Answered { number, data }
                });
            }
            Effect::Answer { id, reply } => {
                if let Some(request) = self.open.requests.remove(&id) {
                    let answer = match reply {
                        Reply::Bytes(bytes) => Ok(bytes),
                        Reply::Busy => Err(Declined::Busy),
                        Reply::Unreadable => Err(Declined::Unavailable),
                    };
                    let _ = self.network.respond(request, answer).await;
                }
            }
            Effect::Judge { id, verdict } => {
                if let Some((message, source)) = self.open.gossip.remove(&id) {
                    let verdict = match verdict {
                        Verdict::Accept => NetworkVerdict::Accept,
                        Verdict::Ignore => NetworkVerdict::Ignore,
                        Verdict::Reject => NetworkVerdict::Reject,
                    };
                    let _ = self.network.report(message, source, verdict).await;
                }
            }
            Effect::Tell(data) => {
                let _ = self.network.publish(Topic::Directory, data).await;
            }
            Effect::KeepNumber { sequence } => {
                let files = self.files.clone();
                self.begin(async move {
                    match spawn_blocking(move || files.keep_number(sequence)).await {
                        Ok(Ok(())) => Input::NumberKept { sequence },
                        failed => {
                            tracing::warn!(
                                ?failed,
                                "the number of our card cannot be kept: the card is not published"
                            );
                            Input::NumberNotKept
                        }
                    }
                });
            }
            Effect::Save(bytes) => {
                let files = self.files.clone();
                self.begin(async move {
                    match spawn_blocking(move || files.save_book(&bytes)).await {
                        Ok(Ok(())) => Input::Saved,
                        failed => {
                            tracing::warn!(
                                ?failed,
                                "the directory cannot be saved: others have what it holds"
                            );
                            Input::NotSaved
                        }
                    }
                });
            }
            Effect::Disconnect { peer, reason } => self.disconnect(&peer, &reason).await,
            // The loop's own.
            Effect::Left => {}
        }
    }

    fn begin(&self, work: impl Future<Output = Input> + Send + 'static) {
        self.under_way.push(Box::pin(work));
    }

    async fn disconnect(&self, peer: &PublicKey, reason: &str) {
        let Some(id) = identity::peer_id(&peer.0) else {
            return;
        };
        tracing::warn!(peer = %id, %reason, "closing the connection to a faulty peer");
        let _ = self.network.disconnect(id).await;
        // A bootstrap node may be mended: it is dialled again, with growing pauses.
        if let Some(node) = self.place.bootstrap.node_of(peer) {
            let _ = self.network.keep(id, node.addresses.clone()).await;
        }
    }
}

/// Proves cards on another thread, and asks the replica who of their accounts is in the ledger.
async fn check(job: u64, cards: Vec<Card>, members: mpsc::Sender<MembersQuestion>) -> Input {
    let proving = spawn_blocking(move || Card::prove_all(cards, &mut rand::rng()));
    let outcomes: Vec<Result<SoundCard, Refusal>> = proving.await.unwrap_or_default();
    let accounts: BTreeSet<Address> = outcomes
        .iter()
        .flatten()
        .map(|card| card.whereabouts().account)
        .collect();
    let (reply, known) = oneshot::channel();
    let asked = members.send(MembersQuestion { accounts, reply }).await;
    let members = match asked {
        Ok(()) => known.await.unwrap_or_default(),
        Err(_) => BTreeSet::new(),
    };
    Input::Checked {
        job,
        outcomes,
        members,
    }
}
