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
    /// What a party's line carries of all that it sends; `None`: any amount.
    pub line_bytes_per_second: Option<u64>,
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
            line_bytes_per_second: None,
            is_ordered: false,
        }
    }

    /// Houses in the regions of the world: each way carries 100 Mbit/s and keeps the order, each line 1 Gbit/s.
    pub fn world(regions: Regions) -> Self {
        Self {
            delay: Delay::Regions(regions),
            bytes_per_second: Some(12_500_000),
            line_bytes_per_second: Some(125_000_000),
            is_ordered: true,
            ..Self::good(Duration::ZERO, Duration::ZERO)
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
    /// When a party's line has.
    line_free_at: BTreeMap<usize, Duration>,
    /// When the last message of a way arrives.
    last_at: BTreeMap<(usize, usize), Duration>,
}

impl Net {
    pub(super) fn new(manners: Manners) -> Self {
        Self {
            manners,
            cut: BTreeSet::new(),
            free_at: BTreeMap::new(),
            line_free_at: BTreeMap::new(),
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

    /// How long a word from one to the other takes: the most if all are as far apart, the least between regions.
    pub(super) fn word(&self, from: usize, to: usize) -> Duration {
        match &self.manners.delay {
            Delay::Between(_, most) => *most,
            Delay::Regions(regions) => regions.least(from, to),
        }
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
        let mut leaves = now;
        if let Some(rate) = self.manners.line_bytes_per_second {
            leaves = carry(
                self.line_free_at.entry(from).or_default(),
                leaves,
                bytes,
                rate,
            );
        }
        if let Some(rate) = self.manners.bytes_per_second {
            let free_at = self.free_at.entry((from, to)).or_default();
            leaves = carry(free_at, leaves, bytes, rate);
        }
        let mut arrives = leaves + flight;
        if self.manners.is_ordered {
            let last_at = self.last_at.entry((from, to)).or_default();
            *last_at = (*last_at).max(arrives);
            arrives = *last_at;
        }
        Some(arrives - now)
    }
}

/// When something given to a line or a way at `now` has left it, behind all that was given to it before.
fn carry(free_at: &mut Duration, now: Duration, bytes: usize, rate: u64) -> Duration {
    let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
    let nanos = bytes.saturating_mul(1_000_000_000) / rate.max(1);
    *free_at = (*free_at).max(now) + Duration::from_nanos(nanos);
    *free_at
}

/// By chance, to the microsecond.
pub(super) fn between(random: &mut StdRng, least: Duration, most: Duration) -> Duration {
    let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    Duration::from_micros(random.random_range(micros(least)..=micros(most.max(least))))
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;

    use super::*;

    #[test]
    fn what_a_node_says_to_many_waits_for_its_line_and_to_one_for_the_way() {
        let mut random = StdRng::seed_from_u64(1);
        let mut net = Net::new(Manners {
            bytes_per_second: Some(1_000),
            line_bytes_per_second: Some(10_000),
            ..Manners::good(Duration::ZERO, Duration::ZERO)
        });
        let mut way = |way| net.way(&mut random, Duration::ZERO, way, 1_000, 0);
        let took = |ms| Some(Duration::from_millis(ms));
        assert_eq!(way((0, 1)), took(1_100));
        assert_eq!(way((0, 2)), took(1_200));
        assert_eq!(way((0, 1)), took(2_100));
        assert_eq!(way((3, 1)), took(1_100));
    }

    #[test]
    fn messages_of_an_ordered_way_do_not_overtake() {
        let mut random = StdRng::seed_from_u64(1);
        let mut net = Net::new(Manners {
            is_ordered: true,
            ..Manners::good(Duration::from_millis(1), Duration::from_millis(100))
        });
        let arrivals = (0..100).map(|ms| {
            let now = Duration::from_millis(ms);
            now + net.way(&mut random, now, (0, 1), 1, 0).unwrap()
        });
        assert!(arrivals.collect::<Vec<_>>().is_sorted());
    }
}
