//! The network between parties: how long a message takes, whether it comes, who cannot hear whom.
//!
//! Parties are numbers: the nodes first, then the wallets. A way has a direction: a cut may be one-way, as a
//! failing switch or a firewall makes it. Never: decide what is sent. Next: `speech.rs`.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rand::RngExt as _;
use rand::rngs::StdRng;

use super::regions::Regions;

/// How long messages take.
#[derive(Debug, Clone)]
pub enum Delay {
    /// Each by chance between these two, whoever sends.
    Between(Duration, Duration),
    /// As far apart as their regions are.
    Regions(Regions),
}

/// The network's manners.
#[derive(Debug, Clone)]
pub struct Manners {
    /// How long a message takes.
    pub delay: Delay,
    /// Gossip messages of a thousand that are lost.
    pub lost: u32,
    /// Requests, answers and frames of a thousand that are lost.
    pub lost_calls: u32,
    /// Gossip messages of a thousand that come twice.
    pub doubled: u32,
    /// What one way carries; `None`: any amount.
    pub bytes_per_second: Option<u64>,
    /// Whether messages of one way arrive in the order in which they were sent, as on one stream.
    pub is_ordered: bool,
}

impl Manners {
    /// A good network: nothing is lost, and each message takes between these times.
    pub fn good(least: Duration, most: Duration) -> Self {
        Self {
            delay: Delay::Between(least, most),
            lost: 0,
            lost_calls: 0,
            doubled: 0,
            bytes_per_second: None,
            is_ordered: false,
        }
    }
}

/// All ways.
pub struct Net {
    /// How it is now.
    pub manners: Manners,
    cut: BTreeSet<(usize, usize)>,
    /// When a way has carried all that was given to it.
    free_at: BTreeMap<(usize, usize), Duration>,
    /// When the last message of a way arrives.
    last_at: BTreeMap<(usize, usize), Duration>,
}

impl Net {
    pub(super) fn new(manners: Manners) -> Self {
        Self {
            manners,
            cut: BTreeSet::new(),
            free_at: BTreeMap::new(),
            last_at: BTreeMap::new(),
        }
    }

    /// Whether what `from` says reaches `to`.
    pub fn passes(&self, from: usize, to: usize) -> bool {
        !self.cut.contains(&(from, to))
    }

    /// Whether two can hold a connection.
    pub fn is_whole(&self, one: usize, other: usize) -> bool {
        self.passes(one, other) && self.passes(other, one)
    }

    /// Whether anything is cut.
    pub fn is_cut(&self) -> bool {
        !self.cut.is_empty()
    }

    /// Cuts one direction; tells whether it was open.
    pub(super) fn cut(&mut self, from: usize, to: usize) -> bool {
        self.cut.insert((from, to))
    }

    /// Opens one direction.
    pub(super) fn mend(&mut self, from: usize, to: usize) {
        self.cut.remove(&(from, to));
    }

    /// Opens all; gives the pairs that were cut, the smaller number first.
    pub(super) fn mend_all(&mut self) -> BTreeSet<(usize, usize)> {
        let cut = std::mem::take(&mut self.cut);
        let pair = |(from, to): (usize, usize)| (from.min(to), from.max(to));
        cut.into_iter().map(pair).collect()
    }

    /// How long a message is under way; `None` if it is lost, `lost` of a thousand by chance.
    pub(super) fn way(
        &mut self,
        random: &mut StdRng,
        now: Duration,
        (from, to): (usize, usize),
        bytes: usize,
        lost: u32,
    ) -> Option<Duration> {
        if lost > 0 && random.random_range(0..1000) < lost {
            return None;
        }
        let flight = match &self.manners.delay {
            Delay::Between(least, most) => between(random, *least, *most),
            Delay::Regions(regions) => regions.flight(random, from, to),
        };
        let mut arrives = now + flight;
        if let Some(rate) = self.manners.bytes_per_second {
            let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
            let micros = bytes.saturating_mul(1_000_000) / rate.max(1);
            let free_at = self.free_at.entry((from, to)).or_default();
            *free_at = (*free_at).max(now) + Duration::from_micros(micros);
            arrives = *free_at + flight;
        }
        if self.manners.is_ordered {
            let last_at = self.last_at.entry((from, to)).or_default();
            *last_at = (*last_at).max(arrives);
            arrives = *last_at;
        }
        Some(arrives - now)
    }
}

/// By chance, to the microsecond.
pub(super) fn between(random: &mut StdRng, least: Duration, most: Duration) -> Duration {
    let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    Duration::from_micros(random.random_range(micros(least)..=micros(most.max(least))))
}
