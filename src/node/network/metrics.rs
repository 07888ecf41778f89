//! Counters: what was refused, dropped or lost, so that nothing vanishes unseen.
//!
//! Never: hold anything but counts. Next: [`super::NetworkHandle::metrics`].

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use libp2p::swarm::SwarmEvent;

use super::registry::{self, Foreign, Registry};
use crate::behaviour::{SpeechEvent, service::Malformed};

macro_rules! counters {
    ($($(#[doc = $doc:literal])* $name:ident,)*) => {
        /// Counters that only grow, shared with the handle.
        #[derive(Debug, Default)]
        pub struct Metrics {
            $($(#[doc = $doc])* $name: AtomicU64,)*
            malformed: Malformed,
            foreign: Foreign,
        }

        /// The counters at one moment.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
        pub struct Counters { $($(#[doc = $doc])* pub $name: u64,)* }

        /// Which counter.
        #[allow(non_camel_case_types, reason = "named as the fields they count in")]
        #[derive(Debug, Clone, Copy)]
        pub(super) enum Count { $($name,)* }

        impl Metrics {
            pub(super) fn count(&self, what: Count) {
                let counter = match what { $(Count::$name => &self.$name,)* };
                counter.fetch_add(1, Ordering::Relaxed);
            }

            pub(super) fn add(&self, what: Count, many: usize) {
                let counter = match what { $(Count::$name => &self.$name,)* };
                let many = u64::try_from(many).unwrap_or(u64::MAX);
                counter.fetch_add(many, Ordering::Relaxed);
            }

            /// Each counter with its name and what it says.
            pub(super) fn named(counters: &Counters) -> Vec<(&'static str, &'static str, u64)> {
                vec![$((stringify!($name), concat!($($doc,)*), counters.$name),)*]
            }

            fn own(&self) -> Counters {
                Counters { $($name: self.$name.load(Ordering::Relaxed),)* }
            }
        }
    };
}

impl Metrics {
    /// Where the codecs count what they cannot read.
    pub(super) fn malformed(&self) -> &Malformed {
        &self.malformed
    }

    /// Counters that are registered, beside libp2p's.
    pub(super) fn shared() -> Arc<Self> {
        let metrics = Arc::default();
        registry::register(&metrics);
        metrics
    }

    /// Where they are registered.
    pub(super) fn registry(&self) -> Registry {
        self.foreign.registry.clone()
    }

    pub(super) fn foreign(&self) -> &Foreign {
        &self.foreign
    }

    /// Lets libp2p count what has happened.
    pub(super) fn record(&self, event: &SwarmEvent<SpeechEvent>) {
        self.foreign.record(event);
    }

    /// Reads all counters.
    #[must_use]
    pub fn read(&self) -> Counters {
        let mut counters = self.own();
        counters.requests_malformed += self.malformed.count();
        counters
    }
}

counters! {
    /// Gossip messages handed to the application.
    gossip_received,
    /// Gossip messages dropped because the application's queue was full.
    gossip_dropped,
    /// Gossip messages of an unknown topic, over their topic's limit or of a refused peer.
    gossip_refused,
    /// Messages we published.
    gossip_published,
    /// Messages published with nobody there to hear them.
    gossip_unheard,
    /// Requests handed to the application.
    requests_received,
    /// Requests declined: too many, not greeted, or not allowed.
    requests_declined,
    /// Requests and hellos that broke the protocol's limits, or never ended.
    requests_malformed,
    /// Watch streams opened to us.
    watches_opened,
    /// Watch streams refused.
    watches_refused,
    /// Hellos refused by us.
    hellos_refused,
    /// Connections closed because ping or hello went unanswered.
    connections_failed,
    /// Peers bounced by the restart rule: a new life, or connected and never subscribed.
    bounces,
    /// Dials that failed.
    dials_failed,
    /// Connections that came in and were not taken: no place, no time, or sent away before.
    connections_refused,
    /// Of these, because their address has enough.
    connections_refused_by_address,
    /// Strangers sent away for a while, because they went on beyond their limits.
    peers_sent_away,
    /// Gossip of strangers beyond what they may say, ignored.
    gossip_excess,
    /// Strangers that were let go because enough others gossip.
    gossipers_refused,
    /// Our own requests that were not sent, because the peer has had enough of them.
    requests_held_back,
    /// Connections through relays.
    connections_relayed,
    /// Connections without relays.
    connections_direct,
    /// Connections that hole punching has brought.
    holes_punched,
    /// Hole punchings that brought none.
    holes_missed,
    /// Reservations made or renewed at relays.
    reservations_made,
    /// Reservations refused or lost.
    reservations_lost,
    /// Reservations given to others.
    relay_reservations,
    /// Circuits opened for others.
    relay_circuits,
    /// Reservations and circuits that were refused to others.
    relay_denials,
    /// Bytes that all protocols heard, inside the multiplexers.
    bytes_received,
    /// Bytes that all protocols said, inside the multiplexers.
    bytes_sent,
}
