//! Result of `natcoin simulate`: what was simulated, what was counted, and what did not hold.
//!
//! Next: `simulate_text.rs`, the same for people.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::devnet::word;
use super::{Report, Style};
use crate::chain::hash::Hash;
use crate::cli::failure::{Exit, Failure};
use crate::sim::{Campaign, Found, Plan, Size, Spread, Sums};

#[cfg(test)]
#[path = "simulate_tests.rs"]
mod tests;
#[path = "simulate_text.rs"]
mod text;

pub use text::{many, span, violated};

/// What was run.
#[derive(Debug)]
pub struct Run {
    /// What was asked for.
    pub campaign: Campaign,
    /// How the program was called, so that it can be called again.
    pub program: String,
    /// How long it took.
    pub real: Duration,
    /// Whether it was told to end early.
    pub is_interrupted: bool,
    /// Whether text may have more than ASCII.
    pub is_unicode: bool,
}

/// `simulate`. Kinds are named in lower case with `_`; kinds that did not occur are left out.
#[derive(Debug, Serialize)]
pub struct SimulationReport {
    /// `ok`, `interrupted` or `violated`.
    pub status: &'static str,
    /// What a seed is.
    pub plan: PlanShown,
    /// Which were run.
    pub seeds: Seeds,
    /// How long it took.
    pub time: Time,
    /// Payments of wallets by what became of them.
    pub payments: BTreeMap<String, u64>,
    /// How long payments took to be final.
    pub finality: Finality,
    /// What became final.
    pub blocks: Blocks,
    /// What was sent, by kind, in all seeds.
    #[serde(flatten)]
    pub sent: Sent,
    /// Faults that were made, by kind, and how often each invariant was held against something.
    #[serde(flatten)]
    pub trials: Trials,
    /// The hash of all that happened, the same on any machine.
    pub trace_hash: Hash,
    /// The first seeds that violate something.
    pub violations: Vec<ViolationShown>,
    /// The failure that it ends with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Failure>,
}

/// What a seed is.
#[derive(Debug, Serialize)]
pub struct PlanShown {
    /// Validators.
    pub nodes: u32,
    /// Nodes that follow.
    pub followers: u32,
    /// Wallets.
    pub wallets: u32,
    /// The weather.
    pub profile: &'static str,
    /// Virtual time of trouble; recovery comes after it.
    pub duration_ms: u64,
}

/// Which seeds were run.
#[derive(Debug, Serialize)]
pub struct Seeds {
    /// The first.
    pub from: u64,
    /// The one after the last that was asked for.
    pub to: u64,
    /// How many were done.
    pub done: u64,
    /// How many of them violate something.
    pub violated: u64,
}

/// How long it took.
#[derive(Debug, Serialize)]
pub struct Time {
    /// In all worlds together.
    pub virtual_ms: u64,
    /// On this machine.
    pub real_ms: u64,
    /// How many times faster than real time.
    pub virtual_over_real: f64,
    /// Seeds a second of real time.
    pub seeds_per_second: f64,
    /// On so many threads.
    pub threads: usize,
    /// Things that happened, in all worlds.
    pub events: u64,
    /// What a node's machine took for a block, on this computer.
    pub work_ms: f64,
    /// Whether text may have more than ASCII.
    #[serde(skip)]
    pub is_unicode: bool,
}

/// From the first signing of what an owner wanted to the wallet's own proof.
#[derive(Debug, Serialize)]
pub struct Finality {
    /// Payments that became final.
    pub count: u64,
    /// Of them, a second of virtual time.
    pub per_second: f64,
    /// Half of them took no longer.
    pub p50_ms: f64,
    /// Nine of ten took no longer.
    pub p90_ms: f64,
    /// 99 of 100 took no longer.
    pub p99_ms: f64,
    /// The longest.
    pub max_ms: f64,
    /// How long after a validator has spoken a quorum can have heard it, where distances are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quorum_delay_ms: Option<f64>,
    /// How many took how long.
    pub histogram: Vec<Step>,
}

/// A step of the histogram.
#[derive(Debug, Serialize)]
pub struct Step {
    /// Longer than the step before, and at most so long.
    pub to_ms: u64,
    /// So many.
    pub count: u64,
}

/// What became final.
#[derive(Debug, Serialize)]
pub struct Blocks {
    /// Checkpoints that nodes wrote.
    pub checkpoints: u64,
    /// Blocks.
    pub count: u64,
    /// Transactions in them.
    pub transactions: u64,
    /// Blocks by the round in which they became final.
    pub by_round: BTreeMap<u32, u64>,
}

/// What was sent, by kind, in all seeds.
#[derive(Debug, Serialize)]
pub struct Sent {
    /// By nodes.
    pub traffic: BTreeMap<String, Traffic>,
    /// By wallets, to nodes.
    pub wallet_traffic: BTreeMap<String, Traffic>,
}

/// Messages of a kind.
#[derive(Debug, Serialize)]
pub struct Traffic {
    /// How many.
    pub messages: u64,
    /// With what is around them on the wire.
    pub bytes: u64,
    /// For each node, in one seed.
    pub messages_per_node: f64,
    /// For each node, in one seed.
    pub bytes_per_node: f64,
    /// Of all senders, for one block.
    pub messages_per_block: f64,
    /// Of all senders, for one block.
    pub bytes_per_block: f64,
}

/// What was tried.
#[derive(Debug, Serialize)]
pub struct Trials {
    /// Faults that were made, by kind.
    pub faults: BTreeMap<String, u64>,
    /// What honest nodes noticed of the malicious, by kind.
    pub noticed: BTreeMap<String, u64>,
    /// How often each invariant was held against something.
    pub invariants: BTreeMap<&'static str, u64>,
}

/// A seed that violates something.
#[derive(Debug, Serialize)]
pub struct ViolationShown {
    /// The seed.
    pub seed: u64,
    /// Which invariant.
    pub invariant: &'static str,
    /// When, in virtual time.
    pub at_ms: f64,
    /// What was seen.
    pub what: String,
    /// The hash of all that happened up to there.
    pub trace_hash: Hash,
    /// The command that does it again, with every event.
    pub replay: String,
}

impl SimulationReport {
    /// What came of a run.
    pub fn new(run: &Run, sums: &Sums) -> Self {
        let (campaign, tally) = (&run.campaign, &sums.tally);
        let plan = &campaign.plan;
        let seeds = Seeds {
            from: campaign.seeds.start,
            to: campaign.seeds.end,
            done: sums.seeds,
            violated: sums.violated,
        };
        let violations = sums.found.iter().map(|found| violation(run, found));
        let violations: Vec<_> = violations.collect();
        let error = violations.first().map(|first| failure(&seeds, first));
        let (real, passed) = (run.real.as_secs_f64(), tally.time.as_secs_f64());
        Self {
            status: match (sums.violated, run.is_interrupted) {
                (1.., _) => "violated",
                (0, true) => "interrupted",
                (0, false) => "ok",
            },
            plan: PlanShown {
                nodes: plan.nodes,
                followers: plan.followers,
                wallets: plan.wallets,
                profile: plan.profile.name(),
                duration_ms: whole_ms(plan.duration),
            },
            time: Time {
                virtual_ms: whole_ms(tally.time),
                real_ms: whole_ms(run.real),
                virtual_over_real: share(passed, real),
                seeds_per_second: share(real_of(sums.seeds), real),
                threads: campaign.lanes(),
                events: tally.events,
                work_ms: whole_ms_and_parts(Size::of(plan, sums).handled),
                is_unicode: run.is_unicode,
            },
            payments: named(&tally.payments),
            finality: Finality::new(plan, &sums.finality, passed),
            blocks: Blocks {
                count: tally.blocks(),
                checkpoints: tally.checkpoints,
                transactions: tally.transactions,
                by_round: tally.rounds.clone(),
            },
            sent: Sent {
                traffic: traffic(plan, sums, &tally.sent.by_nodes),
                wallet_traffic: traffic(plan, sums, &tally.sent.by_wallets),
            },
            trials: Trials {
                faults: named(&tally.faults),
                noticed: named(&tally.noticed),
                invariants: tally.checks.iter().map(|(of, n)| (of.name(), *n)).collect(),
            },
            trace_hash: sums.trace,
            seeds,
            violations,
            error,
        }
    }

    /// The failure that the program ends with, if a seed violates something.
    pub fn failure(&self) -> Option<Failure> {
        self.error.clone()
    }
}

impl Finality {
    fn new(plan: &Plan, spread: &Spread, passed: f64) -> Self {
        let percentile = |of_hundred| ms_of_micros(spread.percentile(of_hundred));
        Self {
            count: spread.count(),
            per_second: share(real_of(spread.count()), passed),
            p50_ms: percentile(50),
            p90_ms: percentile(90),
            p99_ms: percentile(99),
            max_ms: ms_of_micros(spread.max()),
            quorum_delay_ms: plan.quorum_delay().map(whole_ms_and_parts),
            histogram: histogram(spread),
        }
    }
}

/// The spread in steps of 1, 2, 5, 10, ... milliseconds, from the first to the last that is not empty.
fn histogram(spread: &Spread) -> Vec<Step> {
    let powers = (0..9).map(|power| 10_u64.pow(power));
    let edges_ms: Vec<u64> = powers.flat_map(|one| [one, 2 * one, 5 * one]).collect();
    let edges: Vec<u64> = edges_ms.iter().map(|ms| ms * 1_000).collect();
    let steps = edges_ms.into_iter().zip(spread.steps(&edges));
    let mut steps: Vec<Step> = steps
        .map(|(to_ms, count)| Step { to_ms, count })
        .skip_while(|step| step.count == 0)
        .collect();
    while steps.last().is_some_and(|step| step.count == 0) {
        steps.pop();
    }
    steps
}

fn traffic(
    plan: &Plan,
    sums: &Sums,
    kinds: &BTreeMap<&'static str, crate::sim::Traffic>,
) -> BTreeMap<String, Traffic> {
    let nodes = real_of(sums.seeds) * f64::from(plan.nodes + plan.followers);
    let blocks = real_of(sums.tally.blocks());
    let shown = |of: &crate::sim::Traffic| Traffic {
        messages: of.messages,
        bytes: of.bytes,
        messages_per_node: share(real_of(of.messages), nodes),
        bytes_per_node: share(real_of(of.bytes), nodes),
        messages_per_block: share(real_of(of.messages), blocks),
        bytes_per_block: share(real_of(of.bytes), blocks),
    };
    let kinds = kinds.iter();
    kinds.map(|(kind, of)| (name_of(kind), shown(of))).collect()
}

fn violation(run: &Run, found: &Found) -> ViolationShown {
    ViolationShown {
        seed: found.seed,
        invariant: found.violation.invariant.name(),
        at_ms: found.violation.at.as_secs_f64() * 1_000.0,
        what: found.violation.what.clone(),
        trace_hash: found.trace,
        replay: replay(&run.program, &run.campaign.plan, found.seed),
    }
}

/// The command that runs a seed again. It says everything, so that it holds also when defaults change.
fn replay(program: &str, plan: &Plan, seed: u64) -> String {
    let ms = whole_ms(plan.duration);
    let duration = match ms % 1_000 {
        0 => format!("{}s", ms / 1_000),
        _ => format!("{ms}ms"),
    };
    format!(
        "{} simulate --nodes {} --followers {} --wallets {} --profile {} --duration {duration} --seed {seed} --trace",
        word(program),
        plan.nodes,
        plan.followers,
        plan.wallets,
        plan.profile
    )
}

fn failure(seeds: &Seeds, first: &ViolationShown) -> Failure {
    let what = first.what.lines().next().unwrap_or_default();
    let message = format!(
        "{} of {} seeds violate what must always hold; seed {}: {} at {:.3} s: {what}",
        seeds.violated,
        seeds.done,
        first.seed,
        first.invariant,
        first.at_ms / 1_000.0,
    );
    let hint = format!("see what happened with {}", first.replay);
    Failure::new(Exit::Unexpected, "simulation_failed", message, hint)
}

fn named(counts: &BTreeMap<&'static str, u64>) -> BTreeMap<String, u64> {
    let named = counts.iter().map(|(kind, count)| (name_of(kind), *count));
    named.collect()
}

/// A kind's name for scripts.
fn name_of(kind: &str) -> String {
    kind.replace([' ', '-'], "_")
}

fn whole_ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn whole_ms_and_parts(time: Duration) -> f64 {
    share(time.as_secs_f64() * 1_000.0, 1.0)
}

fn ms_of_micros(micros: u64) -> f64 {
    real_of(micros) / 1_000.0
}

#[allow(clippy::cast_precision_loss, reason = "for ratios that people read")]
fn real_of(count: u64) -> f64 {
    count as f64
}

/// A part of a whole that may be nothing, to three decimals.
fn share(part: f64, whole: f64) -> f64 {
    match whole > 0.0 {
        true => (part / whole * 1_000.0).round() / 1_000.0,
        false => 0.0,
    }
}

impl Report for SimulationReport {
    fn text(&self, style: Style) -> String {
        text::of(self, style)
    }
}
