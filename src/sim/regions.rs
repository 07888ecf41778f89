//! Where parties are in the world, and how far apart.
//!
//! Never: read a clock. Next: `net.rs`, which asks.

use std::time::Duration;

use rand::rngs::StdRng;

use super::net::between;

/// Each party's region, and the one-way delays between regions.
#[derive(Debug, Clone)]
pub struct Regions {
    /// The region of each party.
    pub of: Vec<usize>,
    /// One-way delay in microseconds, from region to region.
    pub micros: Vec<Vec<u64>>,
    /// A message takes up to so many thousandths longer, by chance.
    pub jitter: u32,
}

impl Regions {
    /// The shortest time of a message.
    pub(super) fn least(&self, from: usize, to: usize) -> Duration {
        let region = |party: usize| self.of.get(party).copied().unwrap_or(0);
        let row = self.micros.get(region(from));
        let micros = row.and_then(|row| row.get(region(to))).copied();
        Duration::from_micros(micros.unwrap_or(0))
    }

    /// How long a message takes.
    pub(super) fn flight(&self, random: &mut StdRng, from: usize, to: usize) -> Duration {
        let least = self.least(from, to);
        let most = least.saturating_mul(1000u32.saturating_add(self.jitter)) / 1000;
        between(random, least, most)
    }
}
