//! Which node is asked first: the one in use, until another is better for a while or it fails.
//!
//! Round trips vary, and a switch is not free: the other node must be better by a fifth and by 5 ms, three samples in a
//! row. A node that fails to answer, is lost or falls more than two blocks behind is left at once. So two nodes that
//! are much alike never make a wallet go to and fro.
//!
//! Next: `pool.rs`, which keeps the nodes in order by it.

use std::time::Duration;

/// A node is better if its round trip is shorter by this much of the active one's...
const BETTER_FIFTHS: u32 = 1;
/// ... and by this.
const BETTER_BY: Duration = Duration::from_millis(5);
/// So often in a row.
const SAMPLES: u8 = 3;

/// The active node, and how long others have been better.
#[derive(Debug, Default)]
pub(super) struct Choice {
    active: Option<usize>,
    /// Of each node: in how many samples in a row it was better than the active one.
    better: Vec<u8>,
}

impl Choice {
    /// Nobody yet, of so many.
    pub(super) fn new(nodes: usize) -> Self {
        Self {
            active: None,
            better: vec![0; nodes],
        }
    }

    /// The active node.
    pub(super) fn active(&self) -> Option<usize> {
        self.active
    }

    /// This one is active from now on; nothing changes if it is already.
    pub(super) fn set(&mut self, node: Option<usize>) {
        if self.active != node {
            self.active = node;
            self.better.fill(0);
        }
    }

    /// A node that is fit to be active took so long, and the active one takes `than`; the node may become active by it.
    pub(super) fn compare(&mut self, node: usize, took: Duration, than: Option<Duration>) {
        if self.active == Some(node) {
            return;
        }
        let Some(better) = self.better.get_mut(node) else {
            return;
        };
        *better = match than.is_none_or(|than| is_better(took, than)) {
            true => better.saturating_add(1),
            false => 0,
        };
        if *better >= SAMPLES {
            self.set(Some(node));
        }
    }

    /// A node is not fit: what it was before does not count.
    pub(super) fn unfit(&mut self, node: usize) {
        if let Some(better) = self.better.get_mut(node) {
            *better = 0;
        }
    }
}

fn is_better(took: Duration, than: Duration) -> bool {
    let by_a_fifth = took.saturating_mul(5) <= than.saturating_mul(5 - BETTER_FIFTHS);
    by_a_fifth && took.saturating_add(BETTER_BY) <= than
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    /// Two nodes, of which the first is active; the second takes these times, the first always `than`.
    fn active_after(times: &[u64], than: u64) -> Option<usize> {
        let mut choice = Choice::new(2);
        choice.set(Some(0));
        for time in times {
            choice.compare(1, MS(*time), Some(MS(than)));
        }
        choice.active()
    }

    #[test]
    fn a_node_must_be_better_three_times_in_a_row() {
        assert_eq!(active_after(&[10, 10], 50), Some(0));
        assert_eq!(active_after(&[10, 10, 10], 50), Some(1));
        assert_eq!(active_after(&[10, 10, 50, 10, 10], 50), Some(0));
        assert_eq!(active_after(&[10, 10, 50, 10, 10, 10], 50), Some(1));
    }

    #[test]
    fn better_is_by_a_fifth_and_by_five_milliseconds() {
        assert_eq!(active_after(&[80; 3], 100), Some(1));
        assert_eq!(active_after(&[81; 3], 100), Some(0));
        assert_eq!(active_after(&[5; 3], 10), Some(1));
        assert_eq!(active_after(&[6; 3], 10), Some(0));
        // By far more than a fifth, but who would notice?
        assert_eq!(active_after(&[0; 9], 4), Some(0));
    }

    #[test]
    fn after_a_switch_the_old_one_has_to_prove_itself_too() {
        let mut choice = Choice::new(2);
        choice.set(Some(0));
        for _ in 0..3 {
            choice.compare(1, MS(10), Some(MS(50)));
        }
        assert_eq!(choice.active(), Some(1));
        for _ in 0..2 {
            choice.compare(0, MS(1), Some(MS(10)));
            assert_eq!(choice.active(), Some(1));
        }
        choice.unfit(0);
        for _ in 0..2 {
            choice.compare(0, MS(1), Some(MS(10)));
        }
        assert_eq!(choice.active(), Some(1));
        choice.compare(0, MS(1), Some(MS(10)));
        assert_eq!(choice.active(), Some(0));
    }

    #[test]
    fn an_active_node_that_was_never_measured_gives_way_to_one_that_was() {
        let mut choice = Choice::new(2);
        choice.set(Some(0));
        for _ in 0..3 {
            choice.compare(1, MS(900), None);
        }
        assert_eq!(choice.active(), Some(1));
    }
}
