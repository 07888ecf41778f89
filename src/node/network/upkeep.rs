//! Upkeep: what happens by the clock, four times a second.
//!
//! Dials that are due; heights told; connections closed that are refused, mute or dead; and the
//! second half of the restart rule: a node that is up and has announced no subscription for 3 s is
//! bounced, with a cool-down.
//!
//! Never: send anything more often than it is needed; an idle node must cost nothing.
//! Next: `dialler.rs`, `greet.rs`.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use libp2p::{PeerId, ping, swarm::dial_opts::DialOpts};

use super::{event::Event, handle::PeerInfo, metrics::Count, peers::Peer, task::Task};
use crate::{
    behaviour::{PING_INTERVAL, PING_TIMEOUT, Role},
    node::clock,
};

/// A peer that by then has neither said hello nor looked anything up is no peer; another program's is one for as long
/// again after each look-up.
const GREETING_TIME: Duration = Duration::from_secs(6);
/// A changed height is told at most so often.
const HEIGHT_NEWS: Duration = Duration::from_secs(2);
/// An unchanged one so often, as a sign of life that asks for one.
const HELLO_INTERVAL: Duration = Duration::from_secs(10);
/// Up for so long without subscriptions is deaf.
const DEAF: Duration = Duration::from_secs(3);
/// Between two bounces of one peer; grows with each.
const COOL_DOWN: Duration = Duration::from_secs(8);
/// Growth of the cool-down ends here.
const COOL_DOWN_STEPS: u32 = 6;
/// No ping answered for so long is death. The ping protocol itself keeps silent about its first
/// failure, so that a lost link would go unnoticed for several times as long.
const DEATH: Duration = Duration::from_secs(PING_INTERVAL.as_secs() + PING_TIMEOUT.as_secs());

impl Task {
    pub(super) fn on_tick(&mut self) {
        let now = clock::now();
        self.news.flush(&self.events);
        self.dial_due(now);
        self.tell_heights(now);
        self.close_what_is_over(now);
        self.bounce_the_deaf(now);
        self.reach_tick(now);
        self.watch_gossipers(now);
        self.let_back_in(now);
        self.swarm.behaviour_mut().doors.tick(now);
        self.peers.forget(now);
    }

    fn dial_due(&mut self, now: Instant) {
        for (peer, addresses) in self.dialler.due(now) {
            // One dial with all addresses: the swarm ranks and races them (rule 10).
            let dial = DialOpts::peer_id(peer).addresses(addresses).build();
            let connection = dial.connection_id();
            self.dialler.dialling(&peer, connection);
            self.reach.dialled.insert(connection);
            if let Err(error) = self.swarm.dial(dial) {
                self.reach.dialled.remove(&connection);
                // A connection that came in meanwhile is what we wanted.
                if self.swarm.is_connected(&peer) {
                    self.dialler.connected(&peer);
                } else {
                    let reason = error.to_string();
                    self.dialler.failed(&peer, connection, reason, now);
                }
            }
        }
    }

    fn tell_heights(&mut self, now: Instant) {
        let height = self.hello.height;
        let we_gossip = self.config.role.gossips();
        let due: Vec<PeerId> = self
            .peers
            .iter()
            .filter(|(_, peer)| {
                let Some(hello) = peer.hello() else {
                    // Ours was lost, or the peer was too busy for it: once more.
                    let asked = peer.care.told.map(|(at, _)| at);
                    let waits = !peer.is_refused() && peer.care.close_at.is_none();
                    return waits
                        && asked
                            .is_some_and(|at| now.saturating_duration_since(at) >= HEIGHT_NEWS);
                };
                // Wallets ask their nodes; nodes do not ask wallets.
                let asks = hello.role.gossips() || !we_gossip;
                let (at, told) = peer.care.told.unwrap_or((now - HELLO_INTERVAL, height));
                let pause = if told == height {
                    HELLO_INTERVAL
                } else {
                    HEIGHT_NEWS
                };
                asks && now.saturating_duration_since(at) >= pause
            })
            .map(|(id, _)| *id)
            .collect();
        for peer in due {
            self.say_hello(&peer);
        }
    }

    fn close_what_is_over(&mut self, now: Instant) {
        let (mut over, mut dead) = (Vec::new(), Vec::new());
        for (id, peer) in self.peers.iter() {
            let due = peer.care.close_at.is_some_and(|at| at <= now);
            if due || is_mute(peer, now) {
                over.push(*id);
            }
            let silent = |since: Instant| now.saturating_duration_since(since) > DEATH;
            dead.extend(
                peer.links
                    .iter()
                    .filter(|(_, link)| silent(link.alive))
                    .map(|(connection, _)| *connection),
            );
        }
        for peer in over {
            let _ = self.swarm.disconnect_peer_id(peer);
        }
        for connection in dead {
            if self.swarm.close_connection(connection) {
                self.metrics.count(Count::connections_failed);
            }
        }
    }

    fn bounce_the_deaf(&mut self, now: Instant) {
        let Some(gossip) = self.swarm.behaviour().gossip.as_ref() else {
            return;
        };
        let hearing: BTreeSet<PeerId> = gossip
            .all_peers()
            .filter(|(_, topics)| !topics.is_empty())
            .map(|(peer, _)| *peer)
            .collect();
        let mut deaf = Vec::new();
        for (id, peer) in self.peers.iter_mut() {
            if !peer.hello().is_some_and(|hello| hello.role.gossips()) {
                continue;
            }
            if hearing.contains(id) {
                peer.care.deaf_since = None;
                peer.care.bounced = None;
                continue;
            }
            let since = *peer.care.deaf_since.get_or_insert(now);
            let cool = peer.care.bounced.is_none_or(|(at, times)| {
                let pause = COOL_DOWN * times.min(COOL_DOWN_STEPS);
                now.saturating_duration_since(at) >= pause
            });
            if cool && now.saturating_duration_since(since) >= DEAF {
                let times = peer.care.bounced.map_or(1, |(_, times)| times + 1);
                peer.care.bounced = Some((now, times));
                deaf.push(*id);
            }
        }
        for peer in deaf {
            tracing::debug!(%peer, "connected but not subscribed: bouncing the connection");
            self.bounce(peer);
        }
    }

    pub(super) fn on_ping(&mut self, event: &ping::Event) {
        match &event.result {
            Ok(rtt) => {
                let Some(peer) = self.peers.get_mut(&event.peer) else {
                    return;
                };
                peer.rtt = Some(*rtt);
                if let Some(link) = peer.links.get_mut(&event.connection) {
                    link.alive = clock::now();
                }
                // Behind waiting news it would be out of order; the next one tells.
                if self.hello.role == Role::Wallet && peer.hello().is_some() && self.news.is_empty()
                {
                    let (peer, rtt) = (event.peer, *rtt);
                    self.tell(Event::Pinged { peer, rtt });
                }
            }
            // Another program need not answer pings to look something up; who never does dies of it in time.
            Err(ping::Failure::Unsupported) => {
                tracing::debug!(peer = %event.peer, "the peer knows no ping");
            }
            // The library reports and goes on; closing is ours to do (rule 4).
            Err(failure) => {
                tracing::debug!(peer = %event.peer, %failure, "ping failed: closing");
                self.metrics.count(Count::connections_failed);
                self.swarm.close_connection(event.connection);
            }
        }
    }

    pub(super) fn snapshot(&self) -> Vec<PeerInfo> {
        let known: BTreeSet<PeerId> = self
            .peers
            .iter()
            .filter(|(_, peer)| !peer.links.is_empty())
            .map(|(id, _)| *id)
            .chain(self.dialler.peers().copied())
            .chain(self.reach.routes.peers().copied())
            .collect();
        known
            .into_iter()
            .map(|id| {
                let peer = self.peers.get(&id);
                PeerInfo {
                    peer: id,
                    hello: peer.and_then(|p| p.hello().cloned()),
                    rtt: peer.and_then(|p| p.rtt),
                    address: peer
                        .and_then(|p| p.links.values().next())
                        .map(|link| link.address.clone()),
                    connections: peer.map_or(0, |p| p.links.len()),
                    kept: self.dialler.keeps(&id),
                    last_failure: self
                        .dialler
                        .last_failure(&id)
                        .or_else(|| self.reach.routes.last_failure(&id)),
                    route: peer.and_then(Peer::route),
                    circuits: peer.map_or(0, Peer::circuits),
                }
            })
            .collect()
    }
}

/// Connected for a while, and no hello has succeeded, nor was anything looked up lately.
fn is_mute(peer: &Peer, now: Instant) -> bool {
    let oldest = peer.links.values().map(|link| link.since).min();
    peer.hello().is_none()
        && oldest
            .max(peer.care.looked_up)
            .is_some_and(|since| now.saturating_duration_since(since) > GREETING_TIME)
}
