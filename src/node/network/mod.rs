//! The network: one task that owns the swarm, a cloneable handle to it, and what it reports.
//!
//! ```text
//! NetworkHandle --commands (bounded)--> Task (owns the swarm) --events (bounded)--> NetworkEvents
//! ```
//! The task never waits for the application: a full event queue costs a stranger's message, never
//! our own vote. Order of shutdown: connections are closed (so that peers notice at once), the
//! swarm is dropped, the event queue ends.
//!
//! Never: know what a payload means. Next: [`config`], [`handle`], [`event`]; then `task.rs`, the
//! loop itself, `greet.rs` (hello and the restart rule), `dialler.rs` and [`reach`].

pub mod conduct;
mod config;
mod dialler;
pub mod error;
pub mod event;
pub(in crate::node) mod files;
mod greet;
pub mod handle;
mod metered;
mod metrics;
mod paced;
mod peers;
mod prompt_close;
pub mod reach;
mod registry;
mod serve;
mod task;
mod transport;
mod upkeep;
pub mod watch;

pub use config::NetworkConfig;
pub use error::{NetworkError, RequestError};
pub use event::{Event, NetworkEvents, RequestId};
pub use handle::{NetworkHandle, PeerInfo, Verdict};
pub use libp2p::gossipsub::MessageId;
pub use metrics::{Counters, Metrics};
pub use reach::{ReachConfig, Route, Standing, Whereabouts};
pub use registry::Registry;
pub(in crate::node) use transport::probe;
pub use watch::{WatchEnded, WatchSink, WatchStream};

/// Binds the listen addresses, starts the task on the current tokio runtime and the racing dials of
/// the bootstrap list. On return every listener is bound and [`NetworkHandle::addresses`] is known.
///
/// # Errors
/// [`NetworkError::AddressInUse`] and [`NetworkError::Listen`] name the address;
/// [`NetworkError::Setup`] is a machine without what a network needs.
pub async fn start(config: NetworkConfig) -> Result<(NetworkHandle, NetworkEvents), NetworkError> {
    task::start(config).await
}
