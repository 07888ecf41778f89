//! Reaching: where this session can be found, and the way to another peer.
//!
//! A session that was opened with [`ReachConfig::be_reached`](crate::node::network::ReachConfig) listens, holds reservations at two nodes, and can
//! be found by its peer id; another such session finds it by the best way there is, which gets better by itself.
//!
//! Never: believe what a peer says because it was reached. Next: `node/network/reach/`.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::error::SessionError;
use super::{Inner, Session, clock_now};
use crate::behaviour::PeerId;
use crate::node::network::{NetworkError, Route, Whereabouts};

/// A session that wants to be found has so many reservations.
const RESERVATIONS: usize = 2;
/// How long a better way than the first is waited for.
const BETTER: Duration = Duration::from_secs(4);

/// How a peer was reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reached {
    /// By which way.
    pub route: Route,
    /// How long it took until the first way stood.
    pub found_after: Duration,
    /// How long a hello and its answer took then.
    pub round_trip: Duration,
}

/// Reads a peer id as people write it: `12D3Koo...`.
#[must_use]
pub fn peer_id(text: &str) -> Option<PeerId> {
    text.parse().ok()
}

impl Session {
    /// Under which peer id this session can be found.
    pub fn peer_id(&self) -> PeerId {
        self.0.network.local_peer()
    }

    /// Where it can be found, as soon as it is through two relays, or what there is when the patience ends.
    ///
    /// # Errors
    /// [`SessionError::Closed`].
    pub async fn whereabouts(&self, patience: Duration) -> Result<Whereabouts, SessionError> {
        let deadline = clock_now() + patience;
        loop {
            let found = self.0.network.whereabouts().await.map_err(closed)?;
            if found.relayed.len() >= RESERVATIONS || !self.0.something_happens(deadline).await {
                return Ok(found);
            }
        }
    }

    /// Seeks a peer and measures the way to it. A relayed way is given a few seconds to get better.
    ///
    /// # Errors
    /// [`SessionError::PeerUnreachable`] when the patience ends, [`SessionError::Closed`].
    pub async fn reach(&self, peer: PeerId, patience: Duration) -> Result<Reached, SessionError> {
        let begun = clock_now();
        let deadline = begun + patience;
        self.0.network.seek(peer, vec![]).await.map_err(closed)?;
        let mut found: Option<(Route, Instant)> = None;
        loop {
            let peers = self.0.network.peers().await.map_err(closed)?;
            let info = peers.into_iter().find(|info| info.peer == peer);
            let route = info
                .as_ref()
                .filter(|info| info.is_up())
                .and_then(|info| info.route);
            found = match (route, found) {
                (Some(route), before) => Some((route, before.map_or_else(clock_now, |(_, at)| at))),
                (None, _) => None,
            };
            let until = match found {
                Some((Route::Relayed, at)) => at + BETTER,
                Some(_) => break,
                None => deadline,
            };
            if !self.0.something_happens(until).await {
                break;
            }
        }
        let unreachable = |why: String| SessionError::PeerUnreachable { peer, why };
        let Some((route, at)) = found else {
            let peers = self.0.network.peers().await.map_err(closed)?;
            let failure = peers.into_iter().find(|info| info.peer == peer);
            let why = failure.and_then(|info| info.last_failure);
            return Err(unreachable(why.unwrap_or_else(|| "no answer".to_owned())));
        };
        let trip = self.0.network.round_trip(peer).await;
        let round_trip = trip.map_err(|error| unreachable(error.to_string()))?;
        // By which way it stands is known a moment after it stands.
        let peers = self.0.network.peers().await.map_err(closed)?;
        let now = peers.into_iter().find(|info| info.peer == peer);
        Ok(Reached {
            route: now.and_then(|info| info.route).unwrap_or(route),
            found_after: at.saturating_duration_since(begun),
            round_trip,
        })
    }
}

impl Inner {
    /// Waits for news of the network, or a moment; whether there is time left.
    pub(super) async fn something_happens(&self, deadline: Instant) -> bool {
        /// Reservations and failures make no news of their own.
        const LOOK: Duration = Duration::from_millis(100);
        let mut changed = self.changed.subscribe();
        let until = deadline.min(clock_now() + LOOK);
        let _ = timeout_at(until, changed.changed()).await;
        clock_now() < deadline
    }
}

fn closed(_: NetworkError) -> SessionError {
    SessionError::Closed
}
