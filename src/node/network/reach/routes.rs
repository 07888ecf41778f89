//! Routes: the way to each peer that is sought, as direct as it can be, and a worse one rather than none.
//!
//! ```text
//!                 dial: its own addresses, and relays a moment later
//!      none ─────────────────────────────────────────▶ relayed ──┐ again before the circuit ends
//!       ▲  ▲                                              │ ▲     │
//!       │  └──────────── direct is lost ────────┐         │ └─────┘
//!       └─────────────── relayed is lost        │         ▼  hole punched (the library), or our own dial of its
//!                                             direct ◀────┘  public addresses; then the circuit is given back
//! ```
//! Hole punching is the library's and is tried once for each relayed connection. It cannot get through where one side's
//! router shows everybody another port and the other side waits; our own dials can, if the peer has a public address.
//!
//! Never: touch the swarm or read the clock; it says what is due. Next: `task.rs`, which does it.

use std::{
    collections::BTreeMap,
    fmt,
    time::{Duration, Instant},
};

use libp2p::{PeerId, swarm::ConnectionId};

use crate::behaviour::{Multiaddr, reach::CIRCUIT_TIME};

/// Peers sought at a time.
pub const SOUGHT: usize = 64;
/// Addresses kept of one peer from one source.
const ADDRESSES: usize = 8;
/// First pause between dials of a peer without a way, doubled up to the cap. Short: somebody waits.
const PAUSE: Duration = Duration::from_millis(500);
const PAUSE_CAP: Duration = Duration::from_secs(4);
/// When our own dials begin after a relayed connection: hole punching goes first.
const OWN_DIAL: Duration = Duration::from_secs(1);
/// The longest pause between own dials.
const OWN_DIAL_CAP: Duration = Duration::from_secs(60);
/// Own dials of a peer that has come to us through a relay: its addresses are a stranger's word.
const GUEST_DIALS: u32 = 3;
/// Doublings end here.
const STEPS: u32 = 6;
/// How long a better way must have stood before the worse is closed: what is under way there still arrives.
const GRACE: Duration = Duration::from_secs(2);
/// A relayed connection so old is replaced before its relay ends it.
const RENEWAL: Duration = Duration::from_secs(CIRCUIT_TIME.as_secs() * 3 / 4);
/// The first is replaced so early, then ever later: with each comes another try to punch a hole.
const FIRST_RENEWAL: Duration = Duration::from_secs(20);

/// The way to a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Route {
    // Order: from worst to best.
    /// Through a relay, which sees who talks to whom and how much, and nothing else.
    Relayed,
    /// Directly, after both sides dialled at once.
    Punched,
    /// Directly.
    Direct,
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Direct => "direct",
            Self::Punched => "hole punched",
            Self::Relayed => "relayed",
        })
    }
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// Dial a peer at these addresses, all in one dial; report it with [`Routes::dialling`].
    Dial(PeerId, Vec<Multiaddr>),
    /// Close a connection that is no longer needed.
    Close(ConnectionId),
}

#[derive(Debug, Clone, Copy)]
struct Link {
    route: Route,
    since: Instant,
}

/// Why a peer's ways are looked after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause {
    /// It is sought.
    Sought,
    /// It has come to us through a relay: perhaps its side cannot dial ours, and ours can dial its.
    Guest,
}

/// A peer whose ways are looked after.
#[derive(Debug)]
struct Sought {
    cause: Cause,
    /// Its addresses, as whoever seeks it was told: direct ones and relays.
    told: Vec<Multiaddr>,
    /// Its public addresses by its own word, over a connection.
    own: Vec<Multiaddr>,
    links: BTreeMap<ConnectionId, Link>,
    dialling: Option<ConnectionId>,
    failures: u32,
    due: Instant,
    own_dials: u32,
    own_due: Instant,
    renewals: u32,
    last_failure: Option<String>,
}

/// All that are sought.
#[derive(Debug, Default)]
pub(in super::super) struct Routes(BTreeMap<PeerId, Sought>);

impl Routes {
    /// Seeks a peer from now on, or learns other addresses of one that is sought. Whether there was room.
    pub(super) fn seek(&mut self, peer: PeerId, told: Vec<Multiaddr>, now: Instant) -> bool {
        let told = told.into_iter().take(ADDRESSES).collect();
        if let Some(sought) = self.0.get_mut(&peer) {
            sought.told = told;
            sought.due = now;
            sought.cause = Cause::Sought;
            return true;
        }
        let has_room = self.count(Cause::Sought) < SOUGHT;
        if has_room {
            self.0.insert(peer, Sought::new(Cause::Sought, told, now));
        }
        has_room
    }

    /// Seeks a peer no longer.
    pub(in super::super) fn drop_peer(&mut self, peer: &PeerId) {
        self.0.remove(peer);
    }

    pub(super) fn seeks(&self, peer: &PeerId) -> bool {
        self.0
            .get(peer)
            .is_some_and(|found| found.cause == Cause::Sought)
    }

    /// Whether a peer's ways are looked after, sought or not.
    pub(super) fn knows(&self, peer: &PeerId) -> bool {
        self.0.contains_key(peer)
    }

    fn count(&self, cause: Cause) -> usize {
        self.0.values().filter(|found| found.cause == cause).count()
    }

    pub(in super::super) fn peers(&self) -> impl Iterator<Item = &PeerId> {
        self.0.keys()
    }

    /// Why the last dial failed, of a peer without a way.
    pub(in super::super) fn last_failure(&self, peer: &PeerId) -> Option<String> {
        self.0.get(peer)?.last_failure.clone()
    }

    /// A sought peer says over a connection that these public addresses are its own.
    pub(super) fn says(&mut self, peer: &PeerId, own: Vec<Multiaddr>) {
        if let Some(sought) = self.0.get_mut(peer) {
            sought.own = own.into_iter().take(ADDRESSES).collect();
        }
    }

    /// A connection stands, whoever dialled.
    pub(super) fn opened(&mut self, peer: &PeerId, id: ConnectionId, route: Route, now: Instant) {
        if route == Route::Relayed && !self.knows(peer) && self.count(Cause::Guest) < SOUGHT {
            let guest = Sought::new(Cause::Guest, Vec::new(), now);
            self.0.insert(*peer, guest);
        }
        let Some(sought) = self.0.get_mut(peer) else {
            return;
        };
        if sought.dialling == Some(id) {
            sought.dialling = None;
        }
        if route == Route::Relayed && !sought.links.values().any(|link| link.route == route) {
            sought.own_dials = 0;
            sought.own_due = now + OWN_DIAL;
        }
        if route > Route::Relayed {
            sought.renewals = 0;
        }
        sought.last_failure = None;
        sought.links.insert(id, Link { route, since: now });
    }

    /// A connection turns out to have come from hole punching.
    pub(super) fn punched(&mut self, peer: &PeerId, id: ConnectionId) {
        let link = self
            .0
            .get_mut(peer)
            .and_then(|sought| sought.links.get_mut(&id));
        if let Some(link) = link {
            link.route = Route::Punched;
        }
    }

    /// A connection is closed.
    pub(super) fn closed(&mut self, peer: &PeerId, id: ConnectionId, now: Instant) {
        let Some(sought) = self.0.get_mut(peer) else {
            return;
        };
        let Some(link) = sought.links.remove(&id) else {
            return;
        };
        if sought.links.is_empty() && sought.cause == Cause::Guest {
            self.0.remove(peer);
        } else if sought.links.is_empty() {
            if now.saturating_duration_since(link.since) >= GRACE {
                sought.failures = 0;
                sought.due = now;
            } else {
                // It stood for a moment only: somebody closes what we open.
                sought.rest(now);
            }
        }
    }

    /// A dial was begun.
    pub(super) fn dialling(&mut self, peer: &PeerId, id: ConnectionId) {
        if let Some(sought) = self.0.get_mut(peer) {
            sought.dialling = Some(id);
        }
    }

    /// A dial failed. Whether it was one of ours.
    pub(in super::super) fn failed(
        &mut self,
        peer: &PeerId,
        id: ConnectionId,
        why: String,
        now: Instant,
    ) -> bool {
        let Some(sought) = self.0.get_mut(peer).filter(|s| s.dialling == Some(id)) else {
            return false;
        };
        sought.dialling = None;
        if sought.links.is_empty() {
            sought.last_failure = Some(why);
            sought.rest(now);
        }
        true
    }

    /// What is to be done now. `relays` lead to whoever has a reservation there; they are tried for peers of whom no
    /// relay was told.
    pub(super) fn due(&mut self, now: Instant, relays: &[Multiaddr]) -> Vec<Step> {
        let mut steps = Vec::new();
        for (peer, sought) in &mut self.0 {
            steps.extend(sought.given_back(now).map(Step::Close));
            let addresses = sought.next_dial(now, relays);
            if !addresses.is_empty() {
                steps.push(Step::Dial(*peer, addresses));
            }
        }
        steps
    }
}

impl Sought {
    fn new(cause: Cause, told: Vec<Multiaddr>, now: Instant) -> Self {
        Self {
            cause,
            told,
            own: Vec::new(),
            links: BTreeMap::new(),
            dialling: None,
            failures: 0,
            due: now,
            own_dials: 0,
            own_due: now,
            renewals: 0,
            last_failure: None,
        }
    }

    /// Where to dial now; nowhere if nothing is due.
    fn next_dial(&mut self, now: Instant, relays: &[Multiaddr]) -> Vec<Multiaddr> {
        if self.dialling.is_some() {
            return Vec::new();
        }
        let Some(best) = self.links.values().map(|link| link.route).max() else {
            if self.due > now {
                return Vec::new();
            }
            // Until this dial's end is known, or it could not even begin.
            self.due = now + PAUSE_CAP;
            let mut all = self.told.clone();
            all.extend(self.own.iter().cloned());
            all.extend(self.ways_round(relays));
            all.sort();
            all.dedup();
            return all;
        };
        if best > Route::Relayed {
            return Vec::new();
        }
        let youngest = self.links.values().map(|link| link.since).max();
        let is_sought = self.cause == Cause::Sought;
        let doubled = FIRST_RENEWAL.saturating_mul(1 << self.renewals.min(STEPS));
        let is_old = |since| now.saturating_duration_since(since) >= doubled.min(RENEWAL);
        if is_sought && youngest.is_some_and(is_old) && self.due <= now {
            self.due = now + PAUSE_CAP;
            self.renewals = self.renewals.saturating_add(1);
            return self.ways_round(relays);
        }
        let may_dial = is_sought || self.own_dials < GUEST_DIALS;
        if may_dial && self.own_due <= now && !self.direct().is_empty() {
            let pause = OWN_DIAL.saturating_mul(2 << self.own_dials.min(STEPS));
            self.own_dials = self.own_dials.saturating_add(1);
            self.own_due = now + pause.min(OWN_DIAL_CAP);
            return self.direct();
        }
        Vec::new()
    }

    /// The peer's own addresses, from both sources.
    fn direct(&self) -> Vec<Multiaddr> {
        let told = self.told.iter().filter(|address| !is_relayed(address));
        let mut direct: Vec<_> = told.chain(&self.own).cloned().collect();
        direct.sort();
        direct.dedup();
        direct
    }

    /// The ways through relays: those told of, or any.
    fn ways_round(&self, relays: &[Multiaddr]) -> Vec<Multiaddr> {
        let told: Vec<_> = self
            .told
            .iter()
            .filter(|a| is_relayed(a))
            .cloned()
            .collect();
        match told.is_empty() {
            true => relays.iter().take(ADDRESSES).cloned().collect(),
            false => told,
        }
    }

    /// Relayed connections that something better, or a younger one, has replaced.
    fn given_back(&self, now: Instant) -> impl Iterator<Item = ConnectionId> {
        let stands = |link: &&Link| now.saturating_duration_since(link.since) >= GRACE;
        let best = self
            .links
            .values()
            .filter(stands)
            .map(|link| (link.route.max(Route::Punched) == link.route, link.since))
            .max();
        self.links
            .iter()
            .filter(move |(_, link)| {
                self.cause == Cause::Sought
                    && link.route == Route::Relayed
                    && best.is_some_and(|(is_direct, since)| is_direct || since > link.since)
            })
            .map(|(id, _)| *id)
    }

    fn rest(&mut self, now: Instant) {
        let doubled = PAUSE.saturating_mul(1 << self.failures.min(STEPS));
        self.failures = self.failures.saturating_add(1);
        self.due = now + doubled.min(PAUSE_CAP);
    }
}

/// Whether an address leads through a relay.
pub(super) fn is_relayed(address: &Multiaddr) -> bool {
    use libp2p::multiaddr::Protocol;
    address.iter().any(|part| part == Protocol::P2pCircuit)
}

#[cfg(test)]
#[path = "routes_tests.rs"]
mod tests;
