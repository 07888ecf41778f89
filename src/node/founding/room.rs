//! The loop of a ceremony: what happens goes into the machines, what they want is done, in its order.
//!
//! Order of the end: the rehearsal's node has ended, what was said last is written to all, the sockets close, and only
//! then is the person told. Next: `room/open.rs`, how it begins; `room/hands.rs`, what is done.

mod hands;
mod open;

use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use libp2p::core::transport::ListenerId;
use libp2p::swarm::{ConnectionId, Swarm, SwarmEvent};
use libp2p::{Multiaddr, PeerId, Stream};
use libp2p_stream::IncomingStreams;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};

use super::links::{Came, Links};
use super::rehearsal::{Rehearsal, Report};
use super::swarm::{Happened, Talk};
use super::{Order, Told};
use crate::chain::codec::Decode as _;
use crate::chain::key::{PublicKey, SecretKey};
use crate::directory::bootstrap::Bootstrap;
use crate::directory::founding::Now;
use crate::directory::founding::check::Miss;
use crate::directory::founding::hub::{self, Hub, Link};
use crate::directory::founding::member::{self, Member, Outcome, Target};
use crate::directory::founding::message::{MAX_TO_HUB_BYTES, MAX_TO_MEMBER_BYTES, ToHub, ToMember};
use crate::directory::peer;
use crate::node::clock;
use crate::node::home::Pending;

/// The host's own way into its hub.
const OWN: Link = Link(0);
/// How often time is told to the machines.
const TICK: Duration = Duration::from_millis(500);

/// What we are on the disk.
struct Own {
    home: PathBuf,
    key: SecretKey,
    listen: Vec<Multiaddr>,
    /// Key and draft, as soon as they are durable.
    pending: Option<(Pending, Bootstrap)>,
}

/// What we have on the network.
struct Sockets {
    swarm: Swarm<Talk>,
    listeners: Vec<ListenerId>,
    incoming: Option<IncomingStreams>,
}

/// The dials of the check.
#[derive(Default)]
struct Dials {
    open: HashMap<ConnectionId, Target>,
    misses: Vec<Miss>,
}

/// Something for a machine.
enum Step {
    Hub(hub::Input),
    Member(member::Input),
}

/// A ceremony under way.
pub(super) struct Room {
    own: Own,
    sockets: Sockets,
    links: Links,
    /// A guest's way to the host; the host's is [`OWN`].
    up: Link,
    hub: Option<Hub>,
    member: Member,
    dials: Dials,
    rehearsal: Option<Rehearsal>,
    reports: (mpsc::Sender<Report>, mpsc::Receiver<Report>),
    steps: VecDeque<Step>,
    tell: mpsc::Sender<Told>,
    began: Instant,
}

impl Room {
    /// Runs it to its end, and tells that last.
    pub(super) async fn run(mut self, mut orders: mpsc::Receiver<Order>) {
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let outcome = loop {
            if let Some(outcome) = self.drive().await {
                break outcome;
            }
            tokio::select! {
                order = orders.recv() => self.ordered(order),
                event = self.sockets.swarm.select_next_some() => self.happened(event),
                Some((peer, stream)) = next(&mut self.sockets.incoming) => {
                    self.came_in(peer, stream);
                }
                came = self.links.came() => self.came(came),
                Some(report) = self.reports.1.recv() => {
                    self.steps.push_back(Step::Member(member::Input::Rehearsed(report)));
                }
                _ = tick.tick() => {
                    self.steps.push_back(Step::Hub(hub::Input::Tick));
                    self.steps.push_back(Step::Member(member::Input::Tick));
                }
            }
        };
        let Self {
            mut links,
            mut sockets,
            tell,
            ..
        } = self;
        let finish = links.finish();
        tokio::pin!(finish);
        loop {
            tokio::select! {
                () = &mut finish => break,
                _ = sockets.swarm.select_next_some() => {}
            }
        }
        drop(sockets);
        // Nobody may be there any more to be told.
        let _ = tell.send(Told::End(outcome)).await;
    }

    fn now(&self) -> Now {
        Now {
            elapsed: clock::now().saturating_duration_since(self.began),
            unix_ms: clock::unix_ms(),
        }
    }

    /// Lets the machines work until they rest; the end, if it has come.
    async fn drive(&mut self) -> Option<Box<Outcome>> {
        while let Some(step) = self.steps.pop_front() {
            let now = self.now();
            match step {
                Step::Hub(input) => {
                    let effects = self.hub.as_mut().map(|hub| hub.handle(input, now));
                    for effect in effects.unwrap_or_default() {
                        self.of_hub(effect).await;
                    }
                }
                Step::Member(input) => {
                    for effect in self.member.handle(input, now) {
                        match effect {
                            member::Effect::End(outcome) => return Some(self.end(outcome).await),
                            effect => self.of_member(effect).await,
                        }
                    }
                }
            }
        }
        None
    }

    /// What the hub still has to tell others of our end is told before we go.
    async fn end(&mut self, outcome: Box<Outcome>) -> Box<Outcome> {
        while let Some(step) = self.steps.pop_front() {
            let now = self.now();
            if let (Step::Hub(input), Some(hub)) = (step, &mut self.hub) {
                for effect in hub.handle(input, now) {
                    self.of_hub(effect).await;
                }
            }
        }
        outcome
    }

    fn ordered(&mut self, order: Option<Order>) {
        self.steps.push_back(match order {
            Some(Order::Begin) => Step::Hub(hub::Input::Begin),
            Some(Order::Words(answer)) => Step::Member(member::Input::WordsAnswered(answer)),
            // Whoever gave orders is gone: so are we.
            Some(Order::Leave) | None => Step::Member(member::Input::Leave),
        });
    }

    fn came_in(&mut self, peer: PeerId, stream: Stream) {
        let Some(key) = peer::public_key(&peer) else {
            return;
        };
        let link = self
            .links
            .take(stream, MAX_TO_HUB_BYTES, MAX_TO_MEMBER_BYTES);
        let opened = hub::Input::Opened(link, key);
        self.steps.push_back(Step::Hub(opened));
    }

    fn came(&mut self, came: Came) {
        let step = match (came, self.hub.is_some()) {
            (Came::Frame(link, bytes), true) => Step::Hub(match ToHub::from_bytes(&bytes) {
                Ok(message) => hub::Input::Heard(link, message),
                Err(error) => hub::Input::Garbled(link, error.to_string()),
            }),
            (Came::End(link), true) => {
                self.links.close(link);
                Step::Hub(hub::Input::Gone(link))
            }
            (Came::Frame(_, bytes), false) => Step::Member(match ToMember::from_bytes(&bytes) {
                Ok(message) => member::Input::Heard(message),
                Err(error) => {
                    tracing::warn!(%error, "the room said what cannot be read");
                    member::Input::LinkLost
                }
            }),
            (Came::End(_), false) => Step::Member(member::Input::LinkLost),
        };
        self.steps.push_back(step);
    }

    fn happened(&mut self, event: Happened) {
        match event {
            SwarmEvent::ConnectionEstablished { connection_id, .. }
                if self.dials.open.remove(&connection_id).is_some() =>
            {
                self.sockets.swarm.close_connection(connection_id);
                self.tell_dialled();
            }
            SwarmEvent::OutgoingConnectionError {
                connection_id,
                error,
                ..
            } => {
                if let Some(target) = self.dials.open.remove(&connection_id) {
                    let why = open::why(&error);
                    let miss = Miss::new(target.node, target.address, &why);
                    self.dials.misses.push(miss);
                    self.tell_dialled();
                }
            }
            _ => {}
        }
    }

    fn tell_dialled(&mut self) {
        if self.dials.open.is_empty() {
            let mut misses = std::mem::take(&mut self.dials.misses);
            misses.sort_by_key(|miss| (miss.node, miss.address));
            let dialled = member::Input::Dialled(misses);
            self.steps.push_back(Step::Member(dialled));
        }
    }
}

/// The next stream that somebody opens; guests take none.
async fn next(incoming: &mut Option<IncomingStreams>) -> Option<(PeerId, Stream)> {
    match incoming {
        Some(incoming) => incoming.next().await,
        None => std::future::pending().await,
    }
}

/// The peer id of a key that a handshake or a plan has named.
fn peer_of(key: &PublicKey) -> Option<PeerId> {
    peer::peer_id(key)
}
