//! A simulation's result for people.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Finality, SimulationReport, Style, Time, ViolationShown};
use crate::cli::report::table;

/// Where the second column begins.
const MARGIN: usize = 11;
/// Lists are broken before lines are longer.
const WIDTH: usize = 80;
/// The longest bar.
const BAR: u64 = 32;

/// The whole text.
pub(super) fn of(report: &SimulationReport, style: Style) -> String {
    let mut parts = vec![
        part("simulated", &simulated(report)),
        part("result", &result(report, style)),
        part("time", &time(&report.time)),
        part("payments", &payments(report)),
    ];
    if report.finality.count > 0 {
        parts.push(part("finality", &finality(report)));
    }
    parts.push(part("blocks", &blocks(report)));
    if !report.sent.traffic.is_empty() {
        parts.push(part("traffic", &traffic(report)));
    }
    parts.push(part("faults", &list(&report.trials.faults, "none")));
    if !report.trials.noticed.is_empty() {
        parts.push(part("noticed", &list(&report.trials.noticed, "nothing")));
    }
    let invariants = report.trials.invariants.iter();
    let invariants = invariants.map(|(name, count)| ((*name).to_owned(), *count));
    parts.push(part("checks", &list(&invariants.collect(), "none")));
    parts.push(part("trace", &report.trace_hash.to_string()));
    parts.extend(report.violations.iter().map(|one| violated(one, style)));
    let hidden = report.seeds.violated.saturating_sub(shown(report));
    if hidden > 0 {
        parts.push(format!("\nand {}", many(hidden, "more seed")));
    }
    parts.join("\n")
}

fn shown(report: &SimulationReport) -> u64 {
    u64::try_from(report.violations.len()).unwrap_or(u64::MAX)
}

/// A title with its lines beside it.
fn part(title: &str, lines: &str) -> String {
    let lines = lines.replace('\n', &format!("\n{:MARGIN$}", ""));
    format!("{title:MARGIN$}{lines}")
}

fn simulated(report: &SimulationReport) -> String {
    let plan = &report.plan;
    let followers = match plan.followers {
        0 => String::new(),
        count => format!(", {}", many(u64::from(count), "follower")),
    };
    format!(
        "{}{followers}, {}, {}; {} each, and recovery; seeds {}..{}",
        many(u64::from(plan.nodes), "node"),
        many(u64::from(plan.wallets), "wallet"),
        plan.profile,
        span(Duration::from_millis(plan.duration_ms)),
        report.seeds.from,
        report.seeds.to
    )
}

fn result(report: &SimulationReport, style: Style) -> String {
    let seeds = &report.seeds;
    let checks: u64 = report.trials.invariants.values().sum();
    let wanted = seeds.to.saturating_sub(seeds.from);
    let done = match wanted == seeds.done {
        true => many(seeds.done, "seed"),
        false => format!("{} of {} seeds", grouped(seeds.done), grouped(wanted)),
    };
    let early = match report.status {
        "interrupted" => ", ended early",
        _ => "",
    };
    match seeds.violated {
        0 => format!(
            "{} in {done}{early}; {}",
            style.good("every invariant held"),
            many(checks, "check")
        ),
        violated => format!(
            "{} by {} of {}",
            style.bad("violated"),
            grouped(violated),
            many(seeds.done, "seed")
        ),
    }
}

fn time(time: &Time) -> String {
    let real_s = Duration::from_millis(time.real_ms).as_secs_f64();
    format!(
        "{} in {real_s:.1} s: {:.0} times real time, {:.1} seeds a second on {}",
        span(Duration::from_millis(time.virtual_ms)),
        time.virtual_over_real,
        time.seeds_per_second,
        many(u64::try_from(time.threads).unwrap_or(u64::MAX), "thread")
    )
}

/// A payment that was begun may be signed more than once, if it expires or another one takes its place.
fn payments(report: &SimulationReport) -> String {
    let mut ends = report.payments.clone();
    let begun = ends.remove("begun").unwrap_or(0);
    if begun == 0 && ends.is_empty() {
        return "none".to_owned();
    }
    format!(
        "{} begun: {}; {:.2} final a second",
        grouped(begun),
        items(&ends).join(", "),
        report.finality.per_second
    )
}

fn finality(report: &SimulationReport) -> String {
    let Finality {
        p50_ms,
        p90_ms,
        p99_ms,
        max_ms,
        histogram,
        ..
    } = &report.finality;
    let mut text =
        format!("p50 {p50_ms:.0} ms, p90 {p90_ms:.0} ms, p99 {p99_ms:.0} ms, max {max_ms:.0} ms");
    if let Some(delay_ms) = report.finality.quorum_delay_ms {
        let ratio = p50_ms / delay_ms.max(0.001);
        text = format!("{text}\none-way quorum delay {delay_ms:.0} ms: p50 is {ratio:.1} of them");
        let work_ms = report.time.work_ms;
        text = format!(
            "{text}\n{work_ms:.2} ms of work a node and block, which is not in these times"
        );
    }
    let most = histogram.iter().map(|step| step.count).max().unwrap_or(0);
    let label = |to_ms: u64| format!("to {} ms", grouped(to_ms));
    let labels = histogram.iter().map(|step| label(step.to_ms).len());
    let width = labels.max().unwrap_or(0);
    for step in histogram {
        let line = format!(
            "{:>width$} {} {}",
            label(step.to_ms),
            bar(step.count, most, report.time.is_unicode),
            grouped(step.count)
        );
        text = format!("{text}\n{line}");
    }
    text
}

/// A bar as long as a count beside the most; in eighths of a letter where there are letters for that.
fn bar(count: u64, most: u64, is_unicode: bool) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let of = |parts: u64| (count.saturating_mul(BAR * parts)).div_ceil(most.max(1));
    let repeat = |letter: &str, times: u64| letter.repeat(usize::try_from(times).unwrap_or(0));
    if !is_unicode {
        return repeat("#", of(1));
    }
    let eighths = of(8);
    let rest = usize::try_from(eighths % 8).unwrap_or(0);
    format!("{}{}", repeat("█", eighths / 8), EIGHTHS[rest])
}

fn blocks(report: &SimulationReport) -> String {
    let blocks = &report.blocks;
    if blocks.count == 0 {
        return "none".to_owned();
    }
    let rounds = blocks.by_round.iter();
    let rounds = rounds.map(|(round, count)| format!("{round}: {}", grouped(*count)));
    let head = format!(
        "{} with {}, {} written; by round",
        grouped(blocks.count),
        many(blocks.transactions, "transaction"),
        many(blocks.checkpoints, "checkpoint")
    );
    wrapped(&head, rounds.collect())
}

fn traffic(report: &SimulationReport) -> String {
    let number = |value: f64| match value {
        value if value < 10.0 => format!("{value:>9.1}"),
        value => format!("{value:>9.0}"),
    };
    let mut rows = vec![
        ["", "a node", "", "a block", ""]
            .map(str::to_owned)
            .to_vec(),
        ["", " messages", "    bytes", " messages", "    bytes"]
            .map(str::to_owned)
            .to_vec(),
    ];
    let row = |name: &str, values: [f64; 4]| {
        let values = values.map(number);
        [&[name.to_owned()][..], &values].concat()
    };
    let mut sums = [0.0; 4];
    for (kind, of) in &report.sent.traffic {
        let values = [
            of.messages_per_node,
            of.bytes_per_node,
            of.messages_per_block,
            of.bytes_per_block,
        ];
        sums.iter_mut()
            .zip(values)
            .for_each(|(sum, value)| *sum += value);
        rows.push(row(&kind.replace('_', " "), values));
    }
    rows.push(row("all", sums));
    for (kind, of) in &report.sent.wallet_traffic {
        let values = [
            of.messages_per_node,
            of.bytes_per_node,
            of.messages_per_block,
            of.bytes_per_block,
        ];
        rows.push(row(&format!("wallets' {}", kind.replace('_', " ")), values));
    }
    for row in &mut rows[..1] {
        for cell in row.iter_mut().filter(|cell| !cell.is_empty()) {
            *cell = format!("{cell:>9}");
        }
    }
    table(&rows)
}

/// A violation, after an empty line.
pub fn violated(one: &ViolationShown, style: Style) -> String {
    let what = one.what.trim_end().replace('\n', "\n  ");
    format!(
        "\n{}: {} is violated at {:.6} s: {what}\n  {}",
        style.bad(&format!("seed {}", one.seed)),
        one.invariant,
        one.at_ms / 1_000.0,
        style.strong(&one.replay)
    )
}

fn items(counts: &BTreeMap<String, u64>) -> Vec<String> {
    let item =
        |(kind, count): (&String, &u64)| format!("{} {}", kind.replace('_', " "), grouped(*count));
    counts.iter().map(item).collect()
}

/// Counts by kind, after their sum.
fn list(counts: &BTreeMap<String, u64>, none: &str) -> String {
    if counts.is_empty() {
        return none.to_owned();
    }
    let head = format!("{}:", grouped(counts.values().sum()));
    wrapped(&head, items(counts))
}

/// A head and a list with commas, in lines that are not too long.
fn wrapped(head: &str, items: Vec<String>) -> String {
    let (mut lines, mut line) = (Vec::new(), head.to_owned());
    let last = items.len().saturating_sub(1);
    for (place, item) in items.into_iter().enumerate() {
        let comma = if place < last { "," } else { "" };
        if MARGIN + line.chars().count() + item.chars().count() + 2 > WIDTH {
            lines.push(line);
            line = format!("{item}{comma}");
        } else {
            line = format!("{line} {item}{comma}");
        }
    }
    lines.push(line);
    lines.join("\n")
}

/// `1 node`, `1,234 nodes`.
pub fn many(count: u64, what: &str) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{} {what}{s}", grouped(count))
}

/// `1,234,567`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A length of time for people: `1.5 s`, `3 min 20 s`, `2 h`, `12 d 3 h`.
pub fn span(time: Duration) -> String {
    let seconds = time.as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    match (days, hours, minutes) {
        (0, 0, 0) if time.subsec_millis() == 0 => format!("{seconds} s"),
        (0, 0, 0) => format!("{:.1} s", time.as_secs_f64()),
        (0, 0, _) => parts([minutes, seconds % 60], ["min", "s"]),
        (0, _, _) => parts([hours, minutes % 60], ["h", "min"]),
        _ => parts([days, hours % 24], ["d", "h"]),
    }
}

/// Two parts of a length of time; the second is left out if it is nothing.
fn parts([great, small]: [u64; 2], units: [&str; 2]) -> String {
    match small {
        0 => format!("{great} {}", units[0]),
        _ => format!("{great} {} {small} {}", units[0], units[1]),
    }
}
