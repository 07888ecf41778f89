//! Where parties are in the world, and how far apart.
//!
//! The delays are measured ones: the average latencies between the regions of one cloud provider, as IBM publishes them
//! for its VPC (`ibm-cloud-docs/vpc`, `_include-segments/network-latency.md`, the table of 27 July to 25 August 2024).
//! They are taken for round trips (nothing travels from Frankfurt to Tokyo and back in less) and halved. The table is
//! one provider's backbone: between houses the same distances take longer, and Africa and India are not in it.
//!
//! Never: read a clock. Next: `net.rs`, which asks.

use std::time::Duration;

use rand::RngExt as _;
use rand::rngs::StdRng;

use super::net::between;

/// So many regions.
const COUNT: usize = 10;

/// A region, and the round trips from it in milliseconds to all, in the order of this table.
///
/// The order is by distance from those before, so that also the first four validators are far apart.
const REGIONS: [(&str, [u64; COUNT]); COUNT] = [
    ("Washington", [2, 91, 164, 118, 214, 75, 31, 87, 19, 172]),
    ("Frankfurt", [91, 2, 233, 198, 250, 13, 123, 29, 93, 232]),
    ("Tokyo", [166, 233, 2, 284, 115, 244, 143, 256, 162, 9]),
    (
        "São Paulo",
        [119, 196, 283, 2, 328, 187, 144, 208, 128, 291],
    ),
    ("Sydney", [214, 249, 115, 328, 2, 261, 186, 275, 214, 122]),
    ("London", [75, 13, 243, 188, 261, 2, 113, 27, 83, 244]),
    ("Dallas", [31, 123, 143, 146, 186, 113, 2, 119, 34, 150]),
    ("Madrid", [88, 29, 258, 209, 275, 27, 122, 2, 106, 257]),
    ("Toronto", [19, 93, 162, 129, 215, 82, 34, 108, 2, 168]),
    ("Osaka", [172, 231, 9, 293, 122, 243, 150, 257, 169, 2]),
];

/// Each message takes up to so many thousandths longer than its way, all alike by chance.
const JITTER: u32 = 50;
/// One message in so many is late.
const LATE_ODDS: u32 = 100;
/// What is late takes up to so many thousandths longer, all alike by chance.
const LATE_JITTER: u32 = 500;

/// Each party's region, and the one-way delays between regions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Regions {
    /// The region of each party.
    of: Vec<usize>,
}

impl Regions {
    /// Validators are spread evenly by their numbers, everybody else by chance.
    pub(super) fn spread(random: &mut StdRng, validators: usize, others: usize) -> Self {
        let mut regions = Self::even(validators);
        let chance = (0..others).map(|_| random.random_range(0..COUNT));
        regions.of.extend(chance);
        regions
    }

    /// Only validators.
    pub(super) fn even(validators: usize) -> Self {
        Self {
            of: (0..validators).map(|number| number % COUNT).collect(),
        }
    }

    /// The shortest time of a message.
    pub fn least(&self, from: usize, to: usize) -> Duration {
        let region = |party: usize| self.of.get(party).copied().unwrap_or(0) % COUNT;
        let round_trip_ms = REGIONS[region(from)].1[region(to)];
        Duration::from_micros(round_trip_ms * 1000 / 2)
    }

    /// How long a message takes.
    pub(super) fn flight(&self, random: &mut StdRng, from: usize, to: usize) -> Duration {
        let least = self.least(from, to);
        let is_late = random.random_range(0..LATE_ODDS) == 0;
        let jitter = if is_late { LATE_JITTER } else { JITTER };
        let most = least.saturating_mul(1000u32.saturating_add(jitter)) / 1000;
        between(random, least, most)
    }

    /// The one-way quorum delay of the first so many parties, who vote: how long after a validator has spoken a quorum
    /// of them, itself included, can have heard it at the earliest; the median over the validators, who take turns.
    pub fn quorum_delay(&self, validators: usize) -> Duration {
        let quorum = validators * 2 / 3 + 1;
        let reach = |from: usize| {
            let ways = (0..validators).filter(|to| *to != from);
            let mut ways: Vec<_> = ways.map(|to| self.least(from, to)).collect();
            ways.push(Duration::ZERO);
            ways.sort_unstable();
            ways.get(quorum - 1).copied().unwrap_or_default()
        };
        let mut reaches: Vec<_> = (0..validators).map(reach).collect();
        reaches.sort_unstable();
        reaches
            .get(validators.saturating_sub(1) / 2)
            .copied()
            .unwrap_or_default()
    }

    /// The name of a party's region.
    pub fn name(&self, party: usize) -> &'static str {
        REGIONS[self.of.get(party).copied().unwrap_or(0) % COUNT].0
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;

    use super::*;

    fn regions(validators: usize, others: usize) -> Regions {
        Regions::spread(&mut StdRng::seed_from_u64(7), validators, others)
    }

    #[test]
    fn the_table_is_nearly_the_same_both_ways_and_no_detour_is_much_shorter() {
        for (one, (name, ways)) in REGIONS.iter().enumerate() {
            for (other, way) in ways.iter().enumerate() {
                let back = REGIONS[other].1[one];
                assert!(way.abs_diff(back) <= 3, "{name} to {other}: {way}, {back}");
                for (detour, over) in ways.iter().enumerate() {
                    let sum = over + REGIONS[detour].1[other];
                    assert!(sum + 30 >= *way, "{name} to {other} over {detour}: {sum}");
                }
            }
        }
    }

    #[test]
    fn validators_are_spread_evenly_and_all_others_by_chance() {
        let regions = regions(20, 1000);
        for region in 0..COUNT {
            let count = |of: &[usize]| of.iter().filter(|one| **one == region).count();
            assert_eq!(count(&regions.of[..20]), 2);
            assert!((50..200).contains(&count(&regions.of[20..])));
        }
    }

    #[test]
    fn a_quorum_is_as_far_as_its_last_member() {
        // Washington reaches Frankfurt after 45.5 ms, São Paulo after 59 and Tokyo after 82; three of four are a
        // quorum: 59 ms. The same for Frankfurt is 99, for Tokyo 116.5, for São Paulo 98 ms.
        assert_eq!(regions(4, 0).quorum_delay(4), Duration::from_millis(98));
        assert_eq!(regions(1, 0).quorum_delay(1), Duration::ZERO);
        assert_eq!(regions(0, 0).quorum_delay(0), Duration::ZERO);
        let delay = regions(100, 0).quorum_delay(100);
        assert!(delay > Duration::from_millis(60) && delay < Duration::from_millis(130));
    }

    #[test]
    fn most_messages_come_in_time_and_few_are_late() {
        let regions = regions(4, 0);
        let mut random = StdRng::seed_from_u64(1);
        let least = regions.least(1, 2);
        let flights = (0..10_000).map(|_| regions.flight(&mut random, 1, 2));
        let flights: Vec<_> = flights.collect();
        assert!(
            flights
                .iter()
                .all(|way| *way >= least && *way <= least * 3 / 2)
        );
        let late = flights.iter().filter(|way| **way > least * 105 / 100);
        assert!((50..150).contains(&late.count()));
    }
}
