//! What a bench comes to.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Rate;
use super::book::Book;
use super::nodes::Told;
use super::usage::Usage;

/// What was measured.
#[derive(Debug, Clone)]
pub struct Figures {
    /// Nodes, all of them validators.
    pub nodes: usize,
    /// Wallets.
    pub wallets: usize,
    /// What was asked for.
    pub rate: Rate,
    /// Whether each node had a process of its own.
    pub is_apart: bool,
    /// Connections that the load came through.
    pub connections: usize,
    /// Payments a second whose signatures all validators together could check.
    pub limit_per_s: f64,
    /// What became of the payments.
    pub course: Course,
    /// What they took.
    pub cost: Cost,
}

impl Figures {
    /// Payments final a second.
    pub fn final_per_s(&self) -> f64 {
        let course = &self.course;
        real(course.finals_in_time) / course.seconds.max(0.001)
    }
}

/// What became of the payments.
#[derive(Debug, Clone, Default)]
pub struct Course {
    /// How long the load was.
    pub seconds: f64,
    /// Handed in at least once.
    pub submitted: u64,
    /// Handed in again, because they were not final for long.
    pub resent: u64,
    /// Times that they were not taken, by reason.
    pub shed: BTreeMap<&'static str, u64>,
    /// Final within the load's time.
    pub finals_in_time: u64,
    /// How long all that are final took, in microseconds and in order.
    pub latencies: Vec<u64>,
    /// Never handed in, although they were due: the connections were full all the time.
    pub unsent: u64,
    /// Never taken by any node.
    pub refused: u64,
    /// Taken, or not answered, and not final in the end; [`Course::is_cut`] tells whether they had their time.
    pub unproven: u64,
    /// Wallets that paid, and of which nothing is final.
    pub starved: u64,
    /// Blocks with payments, within the load's time.
    pub blocks: u64,
    /// Whether it was ended early, so that what is not proven is not lost.
    pub is_cut: bool,
}

impl Course {
    /// What a book says at the end.
    pub(super) fn of(book: Book, seconds: f64, blocks: u64, is_cut: bool) -> Self {
        let counts = book.counts().clone();
        Self {
            seconds,
            submitted: counts.submitted,
            resent: counts.resent,
            shed: counts.shed,
            finals_in_time: counts.finals_in_time,
            unsent: book.unsent(),
            refused: book.refused(),
            unproven: book.unproven(),
            starved: book.starved(),
            blocks,
            is_cut,
            latencies: book.into_latencies(),
        }
    }

    /// All that are final.
    pub fn finals(&self) -> u64 {
        u64::try_from(self.latencies.len()).unwrap_or(u64::MAX)
    }

    /// Taken by a node, and never final, although there was time.
    pub fn lost(&self) -> u64 {
        match self.is_cut {
            true => 0,
            false => self.unproven,
        }
    }

    /// So many of a thousand took no longer; `None` if nothing is final.
    pub fn latency(&self, of_thousand: usize) -> Option<Duration> {
        let last = self.latencies.len().checked_sub(1)?;
        let place = (self.latencies.len() * of_thousand)
            .div_ceil(1000)
            .saturating_sub(1);
        let micros = self.latencies.get(place.min(last))?;
        Some(Duration::from_micros(*micros))
    }
}

/// What a final payment took, for each node.
#[derive(Debug, Clone, Copy, Default)]
pub struct Cost {
    /// Nodes that share it.
    nodes: usize,
    /// Microseconds of a processor.
    pub cpu_us: Option<f64>,
    /// Bytes said and heard by all protocols.
    pub bytes: Option<f64>,
    /// Bytes by which the node's files have grown.
    pub disk_bytes: Option<f64>,
    /// Memory of a node at the end, in bytes.
    pub rss_bytes: Option<f64>,
}

impl Cost {
    pub(super) fn between(before: &Usage, after: &Usage, nodes: usize, finals: u64) -> Self {
        let share = |all: f64| all / count(nodes);
        let each = |all: f64| (finals > 0).then(|| share(all) / real(finals));
        let cpu = after.cpu.zip(before.cpu);
        let cpu = cpu.map(|(after, before)| after.saturating_sub(before).as_secs_f64() * 1e6);
        let grown = after.disk_bytes.saturating_sub(before.disk_bytes);
        Self {
            nodes,
            cpu_us: cpu.and_then(each),
            bytes: None,
            disk_bytes: each(real(grown)),
            rss_bytes: after.rss_bytes.map(|bytes| share(real(bytes))),
        }
    }

    /// What the nodes said at their end.
    pub(super) fn told(&mut self, told: &Told, finals: u64) {
        let all = told.bytes.filter(|_| finals > 0);
        self.bytes = all.map(|bytes| real(bytes) / count(self.nodes) / real(finals));
    }
}

/// How many took up to so many milliseconds, in steps of about a third; from the first step that has any to the last.
pub fn histogram(latencies: &[u64]) -> Vec<(f64, u64)> {
    let mut steps: Vec<(f64, u64)> = Vec::new();
    let (mut from, mut upto) = (0, 1_000_u64);
    while from < latencies.len() {
        let end = latencies.partition_point(|one| *one <= upto);
        if end > from || !steps.is_empty() {
            let held = u64::try_from(end - from).unwrap_or(u64::MAX);
            steps.push((real(upto) / 1000.0, held));
        }
        from = end;
        // 1, 1.5, 2, 3, 4, 6, 8, ...
        let is_power = (upto / 1_000).is_power_of_two() && upto.is_multiple_of(1_000);
        upto = match is_power {
            true => upto.saturating_mul(3) / 2,
            false => upto.saturating_mul(4) / 3,
        };
    }
    steps
}

#[allow(clippy::cast_precision_loss, reason = "for ratios that people read")]
fn real(count: u64) -> f64 {
    count as f64
}

fn count(nodes: usize) -> f64 {
    u32::try_from(nodes.max(1)).map_or(f64::MAX, f64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_a_latency_that_was_measured() {
        let of = |count: u64| Course {
            latencies: (1..=count).map(|one| one * 1_000).collect(),
            ..Course::default()
        };
        let ms = |course: &Course, part| course.latency(part).map(|took| took.as_millis());
        let hundred = of(100);
        let told = [500, 900, 990, 1000].map(|part| ms(&hundred, part));
        assert_eq!(told, [Some(50), Some(90), Some(99), Some(100)]);
        let one = of(1);
        assert_eq!([500, 1000].map(|part| ms(&one, part)), [Some(1), Some(1)]);
        assert_eq!(ms(&of(0), 500), None);
    }

    #[test]
    fn a_histogram_holds_each_once_and_begins_and_ends_where_some_are() {
        assert_eq!(histogram(&[]), []);
        let steps = histogram(&[2_500, 2_900, 3_000, 3_001, 11_000]);
        assert_eq!(steps, [(3.0, 3), (4.0, 1), (6.0, 0), (8.0, 0), (12.0, 1)]);
        assert_eq!(histogram(&[1_400]), [(1.5, 1)]);
        let far = histogram(&[3_600_000_000]);
        assert_eq!(far.len(), 1);
    }

    #[test]
    fn what_was_cut_short_is_not_lost() {
        let course = |is_cut| Course {
            unproven: 3,
            is_cut,
            ..Course::default()
        };
        assert_eq!((course(true).lost(), course(false).lost()), (0, 3));
    }

    #[test]
    fn costs_are_shared_by_the_nodes_and_by_what_is_final() {
        let usage = |ms: u64, disk_bytes: u64| Usage {
            cpu: Some(Duration::from_millis(ms)),
            rss_bytes: Some(4_000),
            disk_bytes,
        };
        let mut cost = Cost::between(&usage(100, 50), &usage(140, 450), 4, 10);
        cost.told(
            &Told {
                bytes: Some(80_000),
            },
            10,
        );
        assert_eq!(cost.cpu_us, Some(1_000.0));
        assert_eq!(
            (cost.disk_bytes, cost.rss_bytes),
            (Some(10.0), Some(1_000.0))
        );
        assert_eq!(cost.bytes, Some(2_000.0));
        let none = Cost::between(&usage(0, 0), &usage(1, 1), 4, 0);
        assert_eq!((none.cpu_us, none.disk_bytes), (None, None));
    }
}
