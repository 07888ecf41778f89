//! A node of the world: what survives it, and what runs.
//!
//! Next: `life.rs` (starting and stopping), `world.rs` (what happens to it).

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use super::mesh::Gossip;
use super::traitor::Traitor;
use crate::behaviour::Service;
use crate::chain::key::SecretKey;
use crate::replica::{CheckJob, CheckpointPace, Replica};
use crate::store::{CheckpointJob, SimDisk, Store, Survival};

/// Changes the answers of a service before they leave.
pub type Lie = Box<dyn Fn(Service, Vec<u8>) -> Vec<u8>>;

/// A node.
pub struct Node {
    /// Its identity.
    pub key: SecretKey,
    /// What is durable of it.
    pub disk: SimDisk,
    /// What runs, if it does.
    pub live: Option<Live>,
    /// When it writes a checkpoint.
    pub pace: CheckpointPace,
    /// How far its wall clock is off, in milliseconds.
    pub skew_ms: i64,
    /// What it makes of its answers; `None`: what it should.
    pub lie: Option<Lie>,
    /// What makes a traitor of it, if it is one.
    pub traitor: Option<Box<Traitor>>,
    /// What is to befall it.
    pub fate: Fate,
    /// Effects performed so far.
    pub performed: u64,
    /// Why it stopped by itself.
    pub stopped: Option<String>,
    /// Counts its lives: what was meant for an earlier one is lost.
    pub(super) epoch: u64,
}

/// What is to befall a node.
pub struct Fate {
    /// Power fails before the effect after so many more.
    pub crash_in: Option<(u64, Survival)>,
    /// What is left of its unsynced writes when it stops because its disk fails.
    pub survival: Survival,
    /// What its disk is about to do to it.
    pub(super) disk_trouble: Option<&'static str>,
    /// An old copy of its disk, and the height that it was made at.
    pub backup: Option<(SimDisk, u64)>,
    /// The height that it may go back to at its next start, because its disk was put back.
    pub(super) floor: Option<u64>,
    /// Its last checkpoint is not what it should be.
    pub(super) is_spoiled: bool,
    /// Since it came back without its log, it votes only above this height.
    pub(super) votes_above: u64,
}

/// What runs.
pub struct Live {
    /// The node's machine.
    pub replica: Replica,
    /// Its store.
    pub store: Store,
    /// Whom it is connected to.
    pub(super) peers: BTreeSet<usize>,
    /// What it knows of gossip.
    pub(super) gossip: Gossip,
    /// The checkpoint that is being written.
    pub(super) checkpoint: Option<CheckpointJob>,
    /// Signatures that are being checked, in the order in which that ends.
    pub(super) checks: VecDeque<CheckJob>,
    /// When the next tick is planned.
    pub(super) tick_at: Option<Duration>,
}

impl Node {
    /// A node with an empty disk, which does not run.
    pub(super) fn new(key: SecretKey) -> Self {
        Self {
            key,
            disk: SimDisk::new(),
            live: None,
            pace: CheckpointPace::default(),
            skew_ms: 0,
            lie: None,
            traitor: None,
            fate: Fate {
                crash_in: None,
                survival: Survival::Everything,
                disk_trouble: None,
                backup: None,
                floor: None,
                is_spoiled: false,
                votes_above: 0,
            },
            performed: 0,
            stopped: None,
            epoch: 0,
        }
    }

    /// Whether it runs and holds a connection with another.
    pub(super) fn has_peer(&self, other: usize) -> bool {
        let live = self.live.as_ref();
        live.is_some_and(|live| live.peers.contains(&other))
    }

    /// The height that it stands at, 0 if it is down.
    pub fn height(&self) -> u64 {
        let live = self.live.as_ref();
        live.map_or(0, |live| live.replica.height())
    }
}
