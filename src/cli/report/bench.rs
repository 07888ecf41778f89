//! Result of `natcoin bench`.

use std::collections::BTreeMap;

use serde::Serialize;

use super::simulate::many;
use super::{Report, Style, table};
use crate::cli::failure::{Exit, Failure};
use crate::node::bench::{Figures, Rate, histogram};

/// The longest bar.
const BAR: u64 = 40;

/// `bench` with one rate.
#[derive(Debug, Serialize)]
pub struct BenchReport {
    /// `ok`, `interrupted` or `lost`.
    pub status: &'static str,
    /// What was asked for.
    #[serde(flatten)]
    asked: Asked,
    /// How fast it was.
    #[serde(flatten)]
    speed: Speed,
    /// What it took.
    #[serde(flatten)]
    cost: CostShown,
    /// What became of the payments.
    #[serde(flatten)]
    fate: Fate,
    /// How many took up to so many milliseconds, and longer than the one before.
    histogram: Vec<Step>,
    /// The failure that it ends with.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Failure>,
    #[serde(skip)]
    is_unicode: bool,
}

#[derive(Debug, Serialize)]
struct Asked {
    nodes: usize,
    wallets: usize,
    /// A number, or `max`.
    rate: serde_json::Value,
    /// Whether each node had a process of its own.
    processes: bool,
    /// Connections that the load came through.
    connections: usize,
    seconds: f64,
}

#[derive(Debug, Serialize)]
struct Speed {
    final_per_s: f64,
    share_of_limit: f64,
    limit_per_s: f64,
    latency_ms: Latency,
    block_ms: Option<f64>,
    transactions_per_block: Option<f64>,
    blocks: u64,
}

/// From when a payment was meant to be handed in to its proof; none if nothing is final.
#[derive(Debug, Serialize)]
struct Latency {
    p50: Option<f64>,
    p90: Option<f64>,
    p99: Option<f64>,
    max: Option<f64>,
}

/// None where the system does not tell, or nothing is final.
#[derive(Debug, Serialize)]
struct CostShown {
    cpu_us_per_transaction_per_node: Option<f64>,
    bytes_per_transaction_per_node: Option<f64>,
    rss_mb_per_node: Option<f64>,
    disk_bytes_per_transaction: Option<f64>,
}

#[derive(Debug, Serialize)]
struct Fate {
    submitted: u64,
    #[serde(rename = "final")]
    finals: u64,
    /// Taken by a node, and never final.
    lost: u64,
    /// Never taken by any node.
    refused: u64,
    /// Due, and never handed in: all connections were full.
    unsent: u64,
    /// Handed in, and not final when it was ended early.
    open: u64,
    /// Times that payments were not taken, by reason.
    shed: BTreeMap<&'static str, u64>,
    /// Times that payments were handed in again, because they were not final for long.
    resent: u64,
    /// Wallets that paid, and of which nothing is final.
    starved: u64,
}

#[derive(Debug, Serialize)]
struct Step {
    upto_ms: f64,
    count: u64,
}

impl BenchReport {
    /// What was measured.
    pub fn new(figures: &Figures, is_unicode: bool) -> Self {
        let course = &figures.course;
        let blocks = real(course.blocks);
        let per_s = figures.final_per_s();
        let ms = |part| {
            let took = course.latency(part)?;
            Some(rounded(took.as_secs_f64() * 1000.0, 1000.0))
        };
        let each_block = |all: f64| (course.blocks > 0).then(|| rounded(all / blocks, 100.0));
        let steps = histogram(&course.latencies).into_iter();
        let cost = &figures.cost;
        let tenth = |value: Option<f64>| value.map(|value| rounded(value, 10.0));
        let mut report = Self {
            status: "ok",
            asked: Asked {
                nodes: figures.nodes,
                wallets: figures.wallets,
                rate: match figures.rate {
                    Rate::PerSecond(rate) => rate.into(),
                    Rate::Max => "max".into(),
                },
                processes: figures.is_apart,
                connections: figures.connections,
                seconds: rounded(course.seconds, 1000.0),
            },
            speed: Speed {
                final_per_s: rounded(per_s, 10.0),
                share_of_limit: rounded(per_s / figures.limit_per_s.max(1.0), 1e5),
                limit_per_s: rounded(figures.limit_per_s, 10.0),
                latency_ms: Latency {
                    p50: ms(500),
                    p90: ms(900),
                    p99: ms(990),
                    max: ms(1000),
                },
                block_ms: each_block(course.seconds * 1000.0),
                transactions_per_block: each_block(real(course.finals_in_time)),
                blocks: course.blocks,
            },
            cost: CostShown {
                cpu_us_per_transaction_per_node: tenth(cost.cpu_us),
                bytes_per_transaction_per_node: tenth(cost.bytes),
                rss_mb_per_node: tenth(cost.rss_bytes.map(|bytes| bytes / 1e6)),
                disk_bytes_per_transaction: tenth(cost.disk_bytes),
            },
            fate: Fate {
                submitted: course.submitted,
                finals: course.finals(),
                lost: course.lost(),
                refused: course.refused,
                unsent: course.unsent,
                open: course.unproven - course.lost(),
                shed: course.shed.clone(),
                resent: course.resent,
                starved: course.starved,
            },
            histogram: steps
                .map(|(upto_ms, count)| Step { upto_ms, count })
                .collect(),
            error: None,
            is_unicode,
        };
        if course.is_cut {
            report.status = "interrupted";
        }
        if course.lost() > 0 {
            report.status = "lost";
            report.error = Some(lost(course.lost()));
        }
        report
    }

    /// What it ends with, if it failed.
    pub fn failure(&self) -> Option<Failure> {
        self.error.clone()
    }

    fn histogram(&self) -> String {
        let most = self.histogram.iter().map(|step| step.count).max();
        let most = most.unwrap_or(0).max(1);
        let mark = if self.is_unicode { "█" } else { "#" };
        let rows = self.histogram.iter().map(|step| {
            let length = (step.count.saturating_mul(BAR)).div_ceil(most);
            let bar = mark.repeat(usize::try_from(length).unwrap_or(0));
            let upto = format!("{:>8} ms", short(step.upto_ms));
            vec![upto, format!("{:>8}", step.count), bar]
        });
        table(&rows.collect::<Vec<_>>())
    }
}

fn lost(count: u64) -> Failure {
    let message = format!(
        "{} taken by a node and never became final",
        match count {
            1 => "1 payment was".to_owned(),
            count => format!("{count} payments were"),
        }
    );
    let hint = "keep the nodes' folder with --dir, run again and report this";
    Failure::new(Exit::Unexpected, "payments_lost", message, hint)
}

impl Report for BenchReport {
    fn text(&self, style: Style) -> String {
        let (asked, speed, fate) = (&self.asked, &self.speed, &self.fate);
        let rate = match asked.rate.as_u64() {
            Some(rate) => format!("{rate} payments a second"),
            None => "as many payments as are carried".to_owned(),
        };
        let apart = match asked.processes {
            true => "each in its own process",
            false => "in one process",
        };
        let loss = match fate.lost {
            0 => style.good("0 lost"),
            lost => style.bad(&format!("{lost} lost")),
        };
        let early = match self.status {
            "interrupted" => format!("; ended early, {} open", fate.open),
            _ => String::new(),
        };
        let mut lines = vec![
            part(
                "bench",
                &format!(
                    "{} {apart}, {}; {rate} for {:.1} s through {} connections",
                    many(real_count(asked.nodes), "node"),
                    many(real_count(asked.wallets), "wallet"),
                    asked.seconds,
                    asked.connections
                ),
            ),
            part(
                "final",
                &format!(
                    "{} a second: {:.1} % of what the signatures allow ({:.0} a second)",
                    style.strong(&format!("{:.1}", speed.final_per_s)),
                    speed.share_of_limit * 100.0,
                    speed.limit_per_s
                ),
            ),
            part("latency", &self.latency()),
            part(
                "blocks",
                &format!(
                    "{}, each {} ms, with {} payments",
                    speed.blocks,
                    known(speed.block_ms),
                    known(speed.transactions_per_block)
                ),
            ),
            part("cost", &self.cost()),
            part(
                "payments",
                &format!(
                    "{} handed in, {} final, {loss}, {} refused, {} not handed in{early}",
                    fate.submitted, fate.finals, fate.refused, fate.unsent
                ),
            ),
        ];
        if !fate.shed.is_empty() || fate.resent > 0 {
            let shed = fate
                .shed
                .iter()
                .map(|(why, count)| format!("{count} {why}"));
            let shed: Vec<String> = shed.collect();
            let text = format!("{}; {} handed in again", shed.join(", "), fate.resent);
            lines.push(part("not taken", text.trim_start_matches("; ")));
        }
        if fate.starved > 0 {
            lines.push(part("starved", &many(fate.starved, "wallet")));
        }
        if !self.histogram.is_empty() {
            lines.push(String::new());
            lines.push(self.histogram());
        }
        lines.join("\n")
    }
}

impl BenchReport {
    fn latency(&self) -> String {
        let took = &self.speed.latency_ms;
        format!(
            "half within {} ms, 90 % {}, 99 % {}, the longest {}",
            known(took.p50),
            known(took.p90),
            known(took.p99),
            known(took.max)
        )
    }

    fn cost(&self) -> String {
        let cost = &self.cost;
        format!(
            "a payment takes a node {} µs of a core, {} bytes said and heard, {} on its disk; a node takes {} MB",
            known(cost.cpu_us_per_transaction_per_node),
            known(cost.bytes_per_transaction_per_node),
            known(cost.disk_bytes_per_transaction),
            known(cost.rss_mb_per_node)
        )
    }
}

/// `bench` with several rates.
#[derive(Debug, Serialize)]
pub struct BenchTable {
    /// `ok`, `interrupted` or `lost`; then there may be loads that were not measured.
    pub status: &'static str,
    /// How many loads were asked for.
    pub wanted: usize,
    /// One for each that was measured, in the order asked for.
    pub loads: Vec<BenchReport>,
    /// The failure that it ends with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Failure>,
}

impl BenchTable {
    /// Of no load yet.
    pub fn new(wanted: usize) -> Self {
        Self {
            status: "ok",
            wanted,
            loads: Vec::new(),
            error: None,
        }
    }

    /// Adds a load.
    pub fn add(&mut self, report: BenchReport) {
        self.status = report.status;
        self.error = report.failure();
        self.loads.push(report);
    }

    /// Whether each was measured to its end.
    pub fn is_complete(&self) -> bool {
        self.status == "ok" && self.loads.len() == self.wanted
    }

    /// What it ends with, if it failed.
    pub fn failure(&self) -> Option<Failure> {
        self.error.clone()
    }
}

impl Report for BenchTable {
    fn text(&self, _: Style) -> String {
        let names = [
            "rate",
            "final/s",
            "% of limit",
            "p50 ms",
            "p90 ms",
            "p99 ms",
            "max ms",
            "block ms",
            "per block",
            "CPU µs",
            "bytes",
            "shed",
            "lost",
        ];
        let mut rows = vec![names.map(str::to_owned).to_vec()];
        for one in &self.loads {
            let (speed, cost) = (&one.speed, &one.cost);
            let whole = |value: Option<f64>| value.map_or("-".to_owned(), |v| format!("{v:.0}"));
            rows.push(vec![
                one.asked.rate.to_string().replace('"', ""),
                format!("{:.0}", speed.final_per_s),
                format!("{:.1}", speed.share_of_limit * 100.0),
                whole(speed.latency_ms.p50),
                whole(speed.latency_ms.p90),
                whole(speed.latency_ms.p99),
                whole(speed.latency_ms.max),
                whole(speed.block_ms),
                whole(speed.transactions_per_block),
                whole(cost.cpu_us_per_transaction_per_node),
                whole(cost.bytes_per_transaction_per_node),
                one.fate.shed.values().sum::<u64>().to_string(),
                one.fate.lost.to_string(),
            ]);
        }
        for column in 0..names.len() {
            let cells = rows.iter().map(|row| row[column].chars().count());
            let width = cells.max().unwrap_or(0);
            for row in &mut rows {
                row[column] = format!("{:>width$}", row[column]);
            }
        }
        let text = table(&rows);
        match self.loads.len() == self.wanted {
            true => text,
            false => format!(
                "{text}\n\nended early: {} of {} loads are measured",
                self.loads.len(),
                self.wanted
            ),
        }
    }
}

/// A title with its line beside it.
fn part(title: &str, line: &str) -> String {
    format!("{title:<11}{line}")
}

fn known(value: Option<f64>) -> String {
    value.map_or("-".to_owned(), short)
}

/// `0.25`, `12.5`, `300`.
fn short(value: f64) -> String {
    match value {
        value if value >= 100.0 || value.fract() == 0.0 => format!("{value:.0}"),
        value => format!("{value:.1}"),
    }
}

fn rounded(value: f64, parts: f64) -> f64 {
    (value * parts).round() / parts
}

#[allow(clippy::cast_precision_loss, reason = "for ratios that people read")]
fn real(count: u64) -> f64 {
    count as f64
}

fn real_count(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

#[cfg(test)]
#[path = "bench_tests.rs"]
mod tests;
