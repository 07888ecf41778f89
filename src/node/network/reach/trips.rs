//! Round trips that somebody waits for: which hello was sent when, and whom to tell.
//!
//! Next: `task.rs`.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use libp2p::request_response::{OutboundFailure, OutboundRequestId};
use tokio::sync::oneshot;

use crate::node::network::RequestError;

/// Measured at a time; whoever comes later is told so.
const AT_A_TIME: usize = 64;
/// What a hello may take, in the words of who asked.
const DEADLINE: Duration = Duration::from_secs(5);

/// Where the time goes.
pub(super) type Measured = oneshot::Sender<Result<Duration, RequestError>>;

/// All that are under way.
#[derive(Default)]
pub(in super::super) struct Trips(BTreeMap<OutboundRequestId, (Instant, Measured)>);

impl Trips {
    /// A hello was sent.
    pub(super) fn begun(&mut self, request: OutboundRequestId, answer: Measured, now: Instant) {
        // Whoever gave up waiting no longer counts.
        self.0.retain(|_, (_, answer)| !answer.is_closed());
        if self.0.len() < AT_A_TIME {
            self.0.insert(request, (now, answer));
        }
    }

    /// It was answered.
    pub(in super::super) fn answered(&mut self, request: OutboundRequestId, now: Instant) {
        if let Some((begun, answer)) = self.0.remove(&request) {
            let _ = answer.send(Ok(now.saturating_duration_since(begun)));
        }
    }

    /// It will not be.
    pub(in super::super) fn lost(&mut self, request: OutboundRequestId, error: &OutboundFailure) {
        if let Some((_, answer)) = self.0.remove(&request) {
            let _ = answer.send(Err(match error {
                OutboundFailure::Timeout => RequestError::Timeout { deadline: DEADLINE },
                _ => RequestError::ConnectionLost,
            }));
        }
    }
}
