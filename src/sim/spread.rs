//! How long things took: counts by length, in bounded memory however many there are.
//!
//! Lengths fall into classes that are less than a thousandth of their length wide, so that a quantile is right to a tenth
//! of a percent; count and maximum are exact. Spreads of several worlds add up, in any order.

use std::collections::BTreeMap;

/// Lengths below this are told apart; a class of longer ones is at most two of so many parts of its length wide.
const CLASSES: u64 = 2048;

/// See the module's text. Lengths are in microseconds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Spread {
    /// By class, as the longest length in it.
    counts: BTreeMap<u64, u64>,
    count: u64,
    max: u64,
}

impl Spread {
    /// Counts a length.
    pub fn add(&mut self, micros: u64) {
        *self.counts.entry(longest_of_class(micros)).or_default() += 1;
        self.count += 1;
        self.max = self.max.max(micros);
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The longest, 0 if there is none.
    pub fn max(&self) -> u64 {
        self.max
    }

    /// The length that so many of a hundred do not exceed, 0 if there is none.
    pub fn percentile(&self, of_hundred: u64) -> u64 {
        let rank = self.count.saturating_mul(of_hundred).div_ceil(100).max(1);
        let mut before = 0;
        for (longest, count) in &self.counts {
            before += count;
            if before >= rank {
                return (*longest).min(self.max);
            }
        }
        self.max
    }

    /// How many are in each step between these edges, the last edge included; those beyond are left out.
    pub fn steps(&self, edges: &[u64]) -> Vec<u64> {
        let mut counts = vec![0; edges.len()];
        for (longest, count) in &self.counts {
            let length = (*longest).min(self.max);
            if let Some(step) = counts.get_mut(edges.partition_point(|edge| *edge < length)) {
                *step += count;
            }
        }
        counts
    }
}

/// The longest length of the class that a length is in.
fn longest_of_class(micros: u64) -> u64 {
    let above = micros / CLASSES;
    // So many low bits do not matter.
    let blur = u64::BITS - above.leading_zeros();
    let mask = u64::MAX.checked_shr(u64::BITS - blur).unwrap_or(0);
    micros | mask
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::rngs::StdRng;
    use rand::{RngExt as _, SeedableRng as _};

    #[test]
    fn percentiles_are_right_to_a_thousandth_at_any_scale() {
        let mut random = StdRng::seed_from_u64(7);
        for most in [100, 10_000, 3_000_000, 90_000_000_000] {
            let mut all: Vec<u64> = (0..999).map(|_| random.random_range(0..most)).collect();
            let mut spread = Spread::default();
            all.iter().for_each(|micros| spread.add(*micros));
            all.sort_unstable();
            assert_eq!((spread.count(), spread.max()), (999, all[998]));
            for of_hundred in [1usize, 50, 90, 99, 100] {
                let exact = all[(999 * of_hundred).div_ceil(100) - 1];
                let given = spread.percentile(u64::try_from(of_hundred).unwrap());
                assert!(given >= exact, "{of_hundred}: {given} < {exact}");
                assert!(
                    given - exact <= exact / 1000,
                    "{of_hundred}: {given}, {exact}"
                );
            }
        }
    }

    #[test]
    fn nothing_and_the_extremes_are_counted_too() {
        let mut spread = Spread::default();
        assert_eq!((spread.percentile(50), spread.max()), (0, 0));
        spread.add(0);
        assert_eq!(spread.percentile(100), 0);
        spread.add(u64::MAX);
        assert_eq!(spread.percentile(100), u64::MAX);
        assert_eq!(spread.steps(&[0, u64::MAX]), [1, 1]);
    }

    #[test]
    fn steps_count_each_length_once() {
        let mut spread = Spread::default();
        for micros in [1, 2, 3, 99, 100, 101, 5_000] {
            spread.add(micros);
        }
        assert_eq!(spread.steps(&[2, 100, 1_000]), [2, 3, 1]);
    }
}
