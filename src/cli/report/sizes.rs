//! Result of `natcoin simulate` for several sizes of network: a table.

use std::time::Duration;

use serde::Serialize;

use super::simulate::{SimulationReport, ViolationShown, many, violated};
use super::{Report, Style, table};
use crate::cli::failure::Failure;
use crate::sim::{Campaign, Size};

/// `simulate` with several numbers of nodes.
#[derive(Debug, Serialize)]
pub struct SizesReport {
    /// `ok`, `interrupted` or `violated`; then there are sizes that were not done.
    pub status: &'static str,
    /// What was the same for all.
    pub profile: &'static str,
    /// Virtual time for which payments were begun.
    pub duration_ms: u64,
    /// How many sizes were asked for.
    pub wanted: usize,
    /// One for each number of nodes that was done.
    pub sizes: Vec<SizeShown>,
    /// What did not hold at the next one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub violations: Vec<ViolationShown>,
    /// The failure that it ends with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Failure>,
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

/// From the first signing of what an owner wanted to the wallet's own proof; 0 if there was no payment.
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
    pub fn new(campaigns: &[Campaign]) -> Self {
        let plan = campaigns.first().map(|first| &first.plan);
        let duration = plan.map_or(Duration::ZERO, |plan| plan.duration);
        Self {
            status: "ok",
            profile: plan.map_or("", |plan| plan.profile.name()),
            duration_ms: u64::try_from(duration.as_millis()).unwrap_or(u64::MAX),
            wanted: campaigns.len(),
            sizes: Vec::new(),
            violations: Vec::new(),
            error: None,
        }
    }

    /// Whether every size was done.
    pub fn is_complete(&self) -> bool {
        self.sizes.len() == self.wanted
    }

    /// Ends early, by the person's wish.
    pub fn interrupt(&mut self) {
        self.status = "interrupted";
    }

    /// Ends with a size that violates something.
    pub fn violate(&mut self, report: SimulationReport) {
        self.status = report.status;
        self.error = report.failure();
        self.violations = report.violations;
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
    fn text(&self, style: Style) -> String {
        let mut text = match self.sizes.is_empty() {
            true => String::new(),
            false => self.table(),
        };
        if !self.is_complete() {
            let (done, wanted) = (self.sizes.len(), self.wanted);
            let why = match self.status {
                "violated" => style.bad("violated"),
                _ => "ended early".to_owned(),
            };
            let gap = if text.is_empty() { "" } else { "\n\n" };
            text = format!("{text}{gap}{why}: {done} of {wanted} sizes are done");
        }
        for one in &self.violations {
            text = format!("{text}\n{}", violated(one, style));
        }
        text
    }
}

impl SizesReport {
    fn table(&self) -> String {
        let names = [
            "", "wallets", "final", "p50 ms", "p90 ms", "p99 ms", "quorum", "aim ms", "blocks",
            "late", "messages", "kB", "work ms", "real s",
        ];
        let mut rows: Vec<Vec<String>> = vec![names.map(str::to_owned).to_vec()];
        for size in &self.sizes {
            let known = |ms: Option<f64>| ms.map_or("-".to_owned(), |ms| format!("{ms:.0}"));
            let (finality, cost) = (&size.finality, &size.cost);
            let took = |ms: f64| known((finality.count > 0).then_some(ms));
            rows.push(vec![
                many(u64::from(size.nodes), "node"),
                size.wallets.to_string(),
                finality.count.to_string(),
                took(finality.p50_ms),
                took(finality.p90_ms),
                took(finality.p99_ms),
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
            "p50, p90, p99: from the first signing to the wallet's own proof. quorum: the one-way quorum delay; aim: 4.5 of it\n\
             and 50 ms. messages, kB: what a node sends to other nodes for a block; work: processor time of its machine for\n\
             that, on this computer. late: blocks that needed more than one round."
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::report::simulate::Run;
    use crate::sim::{Invariant, Outcome, Plan, Profile, Sums, Tally, Violation};

    fn campaigns(sizes: &[u32]) -> Vec<Campaign> {
        let campaign = |nodes: &u32| Campaign {
            plan: Plan {
                nodes: *nodes,
                followers: 0,
                wallets: 10,
                profile: Profile::World,
                duration: Duration::from_secs(60),
            },
            seeds: 1..2,
            threads: 1,
            stop_at: None,
        };
        sizes.iter().map(campaign).collect()
    }

    fn size(nodes: u32, payments: u64) -> Size {
        Size {
            nodes,
            wallets: 10,
            payments,
            finality: match payments {
                0 => [Duration::ZERO; 3],
                _ => [410, 520, 630].map(Duration::from_millis),
            },
            quorum_delay: Some(Duration::from_millis(100)),
            blocks: [50, 2],
            said: [33.0, 12_345.0],
            handled: Duration::from_micros(2_500),
        }
    }

    fn words(line: &str) -> Vec<&str> {
        line.split_whitespace().collect()
    }

    #[test]
    fn a_table_has_a_row_for_each_size_and_its_aim() {
        let mut report = SizesReport::new(&campaigns(&[4, 1]));
        report.add(&size(4, 77), Duration::from_secs(9));
        report.add(&size(1, 0), Duration::from_secs(1));
        let text = report.text(Style::Plain);
        let lines: Vec<&str> = text.lines().collect();
        let wanted = [
            "4", "nodes", "10", "77", "410", "520", "630", "100", "500", "50", "2", "33", "12.3",
            "2.50", "9",
        ];
        assert_eq!(words(lines[1]), wanted, "{text}");
        // Where nothing was paid nothing took no time.
        let wanted = ["1", "node", "10", "0", "-", "-", "-", "100"];
        assert_eq!(words(lines[2])[..8], wanted, "{text}");
        assert!(
            lines.iter().all(|line| line.chars().count() <= 120),
            "{text}"
        );
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!(
            (&json["status"], &json["wanted"]),
            (&"ok".into(), &2.into())
        );
        assert_eq!(json["sizes"].as_array().unwrap().len(), 2);
        assert_eq!((json.get("error"), json.get("violations")), (None, None));
    }

    #[test]
    fn a_table_that_was_ended_early_says_so() {
        let mut report = SizesReport::new(&campaigns(&[4, 31]));
        report.interrupt();
        assert_eq!(
            report.text(Style::Plain),
            "ended early: 0 of 2 sizes are done"
        );
        report.add(&size(4, 77), Duration::from_secs(9));
        let text = report.text(Style::Plain);
        assert!(
            text.ends_with("\n\nended early: 1 of 2 sizes are done"),
            "{text}"
        );
        assert!(text.contains("\n4 nodes"), "{text}");
        assert!(!report.is_complete());
        assert_eq!(
            serde_json::to_value(&report).unwrap()["status"],
            "interrupted"
        );
    }

    #[test]
    fn rows_that_were_done_stand_beside_the_size_that_violates_something() {
        let all = campaigns(&[4, 31]);
        let mut report = SizesReport::new(&all);
        report.add(&size(4, 77), Duration::from_secs(9));
        let mut sums = Sums::new();
        sums.add(Outcome {
            seed: 1,
            trace: crate::chain::hash::Hash([7; 32]),
            tally: Tally::default(),
            violation: Some(Violation {
                invariant: Invariant::Agreement,
                at: Duration::from_secs(3),
                what: "node 2 has another block".to_owned(),
            }),
        });
        let run = Run {
            campaign: all[1].clone(),
            program: "natcoin".to_owned(),
            real: Duration::from_secs(1),
            is_interrupted: false,
            is_unicode: false,
        };
        report.violate(SimulationReport::new(&run, &sums));
        let text = report.text(Style::Plain);
        for wanted in [
            "\n4 nodes ",
            "\nviolated: 1 of 2 sizes are done\n",
            "\nseed 1: agreement is violated at 3.000000 s: node 2 has another block\n",
            "natcoin simulate --nodes 31 ",
        ] {
            assert!(text.contains(wanted), "no {wanted:?} in {text}");
        }
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!(json["status"], "violated");
        assert_eq!(json["sizes"][0]["nodes"], 4);
        assert_eq!(json["violations"][0]["seed"], 1);
        assert_eq!(json["error"]["code"], "simulation_failed");
    }
}
