//! Result of `natcoin simulate` for several sizes of network: a table.

use std::time::Duration;

use serde::Serialize;

use super::{Report, Style, table};
use crate::sim::{Plan, Size};

/// `simulate` with several numbers of nodes.
#[derive(Debug, Serialize)]
pub struct SizesReport {
    /// What was the same for all.
    pub profile: &'static str,
    /// Virtual time for which payments were begun.
    pub duration_ms: u64,
    /// One for each number of nodes that was done.
    pub sizes: Vec<SizeShown>,
}

/// One size.
#[derive(Debug, Serialize)]
pub struct SizeShown {
    /// Validators.
    pub nodes: u32,
    /// Wallets.
    pub wallets: u32,
    /// How long payments took.
    pub finality: SizeFinality,
    /// Blocks.
    pub blocks: u64,
    /// Of them, those that needed more than one round.
    pub late_blocks: u64,
    /// What a block costs a node.
    pub cost: SizeCost,
    /// How long it took on this computer.
    pub real_ms: u64,
}

/// From signing to the wallet's own proof.
#[derive(Debug, Serialize)]
pub struct SizeFinality {
    /// Payments that became final.
    pub count: u64,
    /// Half of them took no longer.
    pub p50_ms: f64,
    /// Nine of ten took no longer.
    pub p90_ms: f64,
    /// 99 of 100 took no longer.
    pub p99_ms: f64,
    /// One-way quorum delay.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quorum_delay_ms: Option<f64>,
    /// What half of the payments should take at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aim_ms: Option<f64>,
}

/// What a block costs a node.
#[derive(Debug, Serialize)]
pub struct SizeCost {
    /// What it says to other nodes.
    pub messages: f64,
    /// The same in bytes.
    pub bytes: f64,
    /// Milliseconds that its machine takes.
    pub work_ms: f64,
}

impl SizesReport {
    /// Of no size yet.
    pub fn new(plan: &Plan) -> Self {
        Self {
            profile: plan.profile.name(),
            duration_ms: u64::try_from(plan.duration.as_millis()).unwrap_or(u64::MAX),
            sizes: Vec::new(),
        }
    }

    /// Adds a size.
    pub fn add(&mut self, size: &Size, real: Duration) {
        let [p50_ms, p90_ms, p99_ms] = size.finality.map(ms);
        self.sizes.push(SizeShown {
            nodes: size.nodes,
            wallets: size.wallets,
            finality: SizeFinality {
                count: size.payments,
                p50_ms,
                p90_ms,
                p99_ms,
                quorum_delay_ms: size.quorum_delay.map(ms),
                aim_ms: size.aim().map(ms),
            },
            blocks: size.blocks[0],
            late_blocks: size.blocks[1],
            cost: SizeCost {
                messages: tenth(size.said[0]),
                bytes: tenth(size.said[1]),
                work_ms: ms(size.handled),
            },
            real_ms: u64::try_from(real.as_millis()).unwrap_or(u64::MAX),
        });
    }
}

fn ms(time: Duration) -> f64 {
    (time.as_secs_f64() * 1_000_000.0).round() / 1_000.0
}

fn tenth(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

impl Report for SizesReport {
    fn text(&self, _: Style) -> String {
        let names = [
            "", "wallets", "final", "p50 ms", "p90 ms", "p99 ms", "quorum", "aim ms", "blocks",
            "late", "messages", "kB", "work ms", "real s",
        ];
        let mut rows: Vec<Vec<String>> = vec![names.map(str::to_owned).to_vec()];
        for size in &self.sizes {
            let known = |ms: Option<f64>| ms.map_or("-".to_owned(), |ms| format!("{ms:.0}"));
            let (finality, cost) = (&size.finality, &size.cost);
            rows.push(vec![
                format!("{} nodes", size.nodes),
                size.wallets.to_string(),
                finality.count.to_string(),
                format!("{:.0}", finality.p50_ms),
                format!("{:.0}", finality.p90_ms),
                format!("{:.0}", finality.p99_ms),
                known(finality.quorum_delay_ms),
                known(finality.aim_ms),
                size.blocks.to_string(),
                size.late_blocks.to_string(),
                format!("{:.0}", cost.messages),
                format!("{:.1}", cost.bytes / 1000.0),
                format!("{:.2}", cost.work_ms),
                format!("{:.0}", Duration::from_millis(size.real_ms).as_secs_f64()),
            ]);
        }
        for column in 1..names.len() {
            let cells = rows.iter().map(|row| row[column].chars().count());
            let width = cells.max().unwrap_or(0);
            for row in &mut rows {
                row[column] = format!("{:>width$}", row[column]);
            }
        }
        format!(
            "{}\n\n{}",
            table(&rows),
            "p50, p90, p99: from signing to the wallet's own proof. quorum: the one-way quorum delay; aim: 4.5 of it and\n\
             50 ms. messages, kB: what a node sends to other nodes for a block; work: processor time of its machine for\n\
             that, on this computer. late: blocks that needed more than one round."
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::Profile;

    #[test]
    fn a_table_has_a_row_for_each_size_and_its_aim() {
        let plan = Plan {
            nodes: 4,
            followers: 0,
            wallets: 10,
            profile: Profile::World,
            duration: Duration::from_secs(60),
        };
        let mut report = SizesReport::new(&plan);
        report.add(
            &Size {
                nodes: 4,
                wallets: 10,
                payments: 77,
                finality: [410, 520, 630].map(Duration::from_millis),
                quorum_delay: Some(Duration::from_millis(100)),
                blocks: [50, 2],
                said: [33.0, 12_345.0],
                handled: Duration::from_micros(2_500),
            },
            Duration::from_secs(9),
        );
        let text = report.text(Style::Plain);
        let lines: Vec<&str> = text.lines().collect();
        let words: Vec<&str> = lines[1].split_whitespace().collect();
        let wanted = [
            "4", "nodes", "10", "77", "410", "520", "630", "100", "500", "50", "2", "33", "12.3",
            "2.50", "9",
        ];
        assert_eq!(words, wanted, "{text}");
        assert!(
            lines.iter().all(|line| line.chars().count() <= 120),
            "{text}"
        );
    }
}
