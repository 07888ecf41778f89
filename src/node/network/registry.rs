//! The registry: every counter of the program in one place, libp2p's beside ours, as Prometheus reads them.
//!
//! Never: count by itself. Next: [`super::metrics`], whose counters it shows.

use std::{
    fmt,
    sync::{Arc, Mutex, OnceLock, PoisonError, Weak},
};

use libp2p::{
    metrics::{Metrics as Libp2p, Recorder},
    swarm::SwarmEvent,
};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric as _, text},
    metrics::counter::ConstCounter,
    registry::Registry as Registered,
};

use super::metrics::Metrics;
use crate::behaviour::SpeechEvent;

/// Everything that is counted, with its name. Cheap to clone.
#[derive(Clone, Default)]
pub struct Registry(Arc<Mutex<Registered>>);

impl Registry {
    /// Adds counters of somebody else's, under their own names.
    pub fn add(&self, collector: Box<dyn Collector>) {
        self.open().register_collector(collector);
    }

    /// All of it as OpenMetrics text; `None` if somebody's counter cannot be written.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        let mut written = String::new();
        text::encode(&mut written, &self.open()).ok()?;
        Some(written)
    }

    fn open(&self) -> std::sync::MutexGuard<'_, Registered> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Registry")
    }
}

/// What libp2p counts, and where all is registered.
#[derive(Default)]
pub(super) struct Foreign {
    pub(super) registry: Registry,
    libp2p: OnceLock<Libp2p>,
}

impl fmt::Debug for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Foreign")
    }
}

impl Foreign {
    pub(super) fn record(&self, event: &SwarmEvent<SpeechEvent>) {
        if let Some(libp2p) = self.libp2p.get() {
            libp2p.record(event);
            if let SwarmEvent::Behaviour(SpeechEvent::Ping(ping)) = event {
                libp2p.record(ping);
            }
        }
    }
}

/// Registers libp2p's counters and these.
pub(super) fn register(metrics: &Arc<Metrics>) {
    let foreign = metrics.foreign();
    let libp2p = Libp2p::new(&mut foreign.registry.open());
    // Set once: these counters are new.
    let _ = foreign.libp2p.set(libp2p);
    // Weak, for the registry is a part of what it shows.
    let own = Own(Arc::downgrade(metrics));
    foreign.registry.add(Box::new(own));
}

#[derive(Debug)]
struct Own(Weak<Metrics>);

impl Collector for Own {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let Some(metrics) = self.0.upgrade() else {
            return Ok(());
        };
        for (name, help, value) in Metrics::named(&metrics.read()) {
            let counter = ConstCounter::new(value);
            let name = format!("natcoin_network_{name}");
            let help = help.trim().trim_end_matches('.');
            let kind = counter.metric_type();
            let descriptor = encoder.encode_descriptor(&name, help, None, kind)?;
            counter.encode(descriptor)?;
        }
        Ok(())
    }
}
