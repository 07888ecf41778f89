//! One node of the world: an engine, and a host that performs its effects in order on a disk that can
//! lose power between any two of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::people::GENESIS;
use super::plan::Rng;
use crate::chain::block::Block;
use crate::chain::certificate::Certificate;
use crate::chain::hash::Hash;
use crate::chain::key::SecretKey;
use crate::chain::validator::ValidatorSet;
use crate::consensus::{Engine, Evidence, Mark, Proposal, Settings, Timer, Timing};
use crate::mutation::{self, Mutation};

/// What becomes of unflushed log entries when power is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tail {
    /// All are gone.
    Lost,
    /// The first so many survive, by chance.
    Torn,
}

/// What outlives a crash, and the unflushed tail that may not.
#[derive(Debug, Clone, Default)]
pub struct Disk {
    /// The durable log.
    pub log: Vec<(u64, Vec<u8>)>,
    /// Appended and not flushed.
    pub tail: Vec<(u64, Vec<u8>)>,
    /// What was signed last.
    pub guard: Option<Mark>,
    /// The blocks from height 1.
    pub blocks: Vec<(Arc<Block>, Certificate)>,
}

impl Disk {
    /// The height of the last block.
    pub fn tip(&self) -> u64 {
        self.blocks.len() as u64
    }

    /// The last block's identity.
    pub fn tip_id(&self) -> Hash {
        self.blocks
            .last()
            .map_or(Hash::ZERO, |(block, _)| block.id())
    }

    /// Power is lost.
    pub fn lose_power(&mut self, policy: Tail, rng: &mut Rng) {
        let mut tail = std::mem::take(&mut self.tail);
        if policy == Tail::Torn {
            tail.truncate(rng.below(tail.len() as u64 + 1) as usize);
            self.log.append(&mut tail);
        }
    }

    /// The durable log of the next height.
    pub fn entries(&self) -> Vec<Vec<u8>> {
        let height = self.tip() + 1;
        let of_height = self.log.iter().filter(|(of, _)| *of == height);
        of_height.map(|(_, entry)| entry.clone()).collect()
    }

    /// A block is committed; its height's log is of no more use.
    pub fn commit(&mut self, block: Arc<Block>, certificate: Certificate) {
        self.blocks.push((block, certificate));
        let tip = self.tip();
        self.log.retain(|(height, _)| *height > tip);
        self.tail.retain(|(height, _)| *height > tip);
    }
}

/// A node.
pub struct Node {
    /// Its key.
    pub key: SecretKey,
    /// Whether it keeps to the protocol and nobody else has its key.
    pub is_honest: bool,
    /// Its engine; `None` while it is down.
    pub engine: Option<Engine>,
    /// How often it was started: events of an earlier life are void.
    pub life: u64,
    /// Its disk.
    pub disk: Disk,
    /// The timers that run, by the number of their start.
    pub timers: BTreeMap<Timer, u64>,
    /// Proposed blocks that cannot be judged yet.
    pub stash: Vec<(Proposal, Arc<Block>)>,
    /// After how many more effects power is lost.
    pub crash_in: Option<u32>,
    /// Contradictions reported by its engine.
    pub evidence: Vec<Evidence>,
    /// How many forged messages it was sent.
    pub forged: u64,
}

impl Node {
    /// A node that was never started.
    pub fn new(key: SecretKey, is_honest: bool) -> Self {
        Self {
            key,
            is_honest,
            engine: None,
            life: 0,
            disk: Disk::default(),
            timers: BTreeMap::new(),
            stash: Vec::new(),
            crash_in: None,
            evidence: Vec::new(),
            forged: 0,
        }
    }

    /// Starts from the disk; gives whether a height was recovered.
    pub fn boot(&mut self, validators: &Arc<ValidatorSet>) -> bool {
        self.life += 1;
        self.timers.clear();
        self.stash.clear();
        self.crash_in = None;
        let guard = self.disk.guard;
        let mut engine = Engine::new(Settings {
            genesis: GENESIS,
            key: self.key.clone(),
            validators: validators.clone(),
            height: self.disk.tip() + 1,
            guard: guard.filter(|_| !mutation::is_on(Mutation::GuardUnread)),
            timing: Timing::default(),
        });
        let entries = self.disk.entries();
        if !entries.is_empty() {
            engine.recover(&entries);
        }
        self.engine = Some(engine);
        !entries.is_empty()
    }

    /// Power is lost.
    pub fn crash(&mut self, policy: Tail, rng: &mut Rng) {
        self.engine = None;
        self.crash_in = None;
        self.disk.lose_power(policy, rng);
    }

    /// Judges the stashed blocks of the height under way; the first so many ever built are refused.
    pub fn judge(&mut self, refused_builds: u64) {
        let Some(engine) = self.engine.as_mut().filter(|engine| engine.is_started()) else {
            return;
        };
        let height = engine.height();
        let parent = self.disk.tip_id();
        let (now, later): (Vec<_>, Vec<_>) = std::mem::take(&mut self.stash)
            .into_iter()
            .filter(|(proposal, _)| proposal.height >= height)
            .partition(|(proposal, _)| proposal.height == height);
        self.stash = later;
        for (proposal, block) in now {
            let is_valid = block.header.height == height
                && block.header.parent == parent
                && block.header.time_ms > refused_builds;
            engine.judged(&proposal, block, is_valid);
        }
    }
}
