//! `natcoin simulate`: whole networks in virtual time, seed after seed, on all cores.
//!
//! What was counted is the result; a seed that violates something makes the program end with 1, with the command that
//! replays it. Ctrl-C ends early with what was done. Next: `report/simulate.rs`.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::arguments::Simulate;
use super::context::Context;
use super::devnet::program;
use super::failure::{Exit, Failure};
use super::output::{Lines, Output, is_unicode_welcome};
use super::report::simulate::{Run, SimulationReport, span};
use super::report::sizes::SizesReport;
use super::signal::Signals;
use crate::node::clock;
use crate::sim::{self, Campaign, Gauge, Plan, Profile, Size, Sums};

/// So many seeds at most: what is more is more than one run.
const MAX_SEEDS: u64 = 10_000_000;
/// No seed lasts longer, in virtual time.
const MAX_DURATION: Duration = Duration::from_secs(24 * 60 * 60);
/// More threads than any machine has cores for.
const MAX_THREADS: usize = 1024;
/// How often the progress is looked at.
const GLANCE: Duration = Duration::from_millis(200);

/// Runs the seeds and reports what came of them.
///
/// # Errors
/// What was asked makes no sense; `simulation_failed` if a seed violates something; a plot that cannot be written.
pub async fn run(context: &Context, arguments: &Simulate) -> Result<(), Failure> {
    let output = &context.output;
    let mut campaigns = campaigns(arguments)?;
    let mut signals = Signals::new()?;
    if campaigns.len() > 1 || arguments.plot.is_some() {
        return sizes(output, campaigns, &mut signals, arguments.plot.as_deref()).await;
    }
    let Some(campaign) = campaigns.pop() else {
        return Ok(());
    };
    if arguments.trace {
        check_trace(&campaign, output.is_json())?;
    }
    let (run, sums) = drive(output, campaign, &mut signals, arguments.trace).await?;
    let report = SimulationReport::new(&run, &sums);
    output.report(&report)?;
    match report.failure() {
        // The report's JSON holds it.
        Some(failure) if output.is_json() => Err(failure.told()),
        Some(failure) => Err(failure),
        None => Ok(()),
    }
}

/// Runs one campaign after another, and shows a row for each. The first that violates something ends it, with its report.
async fn sizes(
    output: &Output,
    campaigns: Vec<Campaign>,
    signals: &mut Signals,
    plot: Option<&Path>,
) -> Result<(), Failure> {
    let (mut table, mut rows) = (None, Vec::new());
    for campaign in campaigns {
        let plan = campaign.plan.clone();
        let table = table.get_or_insert_with(|| SizesReport::new(&plan));
        let (run, sums) = drive(output, campaign, signals, false).await?;
        if let Some(failure) = SimulationReport::new(&run, &sums).failure() {
            return Err(failure);
        }
        if run.is_interrupted {
            break;
        }
        let size = Size::of(&plan, &sums);
        table.add(&size, run.real);
        rows.push(size);
    }
    if let Some(table) = table {
        output.report(&table)?;
    }
    let Some(path) = plot else {
        return Ok(());
    };
    std::fs::write(path, sim::plot(&rows)).map_err(|error| {
        let message = format!("the plot cannot be written to {}: {error}", path.display());
        let hint = "choose another file with --plot; the figures stand above";
        Failure::new(Exit::Unexpected, "plot_not_written", message, hint)
    })
}

/// Runs a campaign, with a bar or with every event.
async fn drive(
    output: &Output,
    campaign: Campaign,
    signals: &mut Signals,
    is_traced: bool,
) -> Result<(Run, Sums), Failure> {
    let gauge = Arc::new(Gauge::with(clock::stopwatch));
    let wanted = campaign.seeds.end - campaign.seeds.start;
    let progress = (!is_traced).then(|| output.bar(wanted));
    let began = clock::now();
    let lines = is_traced.then(|| output.lines());
    let (job, shared) = (campaign.clone(), gauge.clone());
    let mut work = tokio::task::spawn_blocking(move || work(&job, &shared, lines));
    let mut is_interrupted = false;
    let sums = loop {
        tokio::select! {
            done = &mut work => break done.map_err(|error| internal(&error))?,
            () = signals.end() => {
                is_interrupted = true;
                gauge.end();
            }
            () = tokio::time::sleep(GLANCE) => {
                if let Some(progress) = &progress {
                    progress.at(gauge.seeds(), &pace(&gauge, began.elapsed()));
                }
            }
        }
    };
    let run = Run {
        campaign,
        program: program(),
        real: began.elapsed(),
        is_interrupted,
        is_unicode: is_unicode_welcome(),
    };
    Ok((run, sums))
}

fn work(campaign: &Campaign, gauge: &Arc<Gauge>, lines: Option<Lines>) -> Sums {
    let Some(mut lines) = lines else {
        return campaign.run(gauge);
    };
    let shared = gauge.clone();
    let listener = move |line: &str| {
        if !lines.line(line) {
            shared.end();
        }
    };
    campaign.run_first(gauge, Box::new(listener))
}

fn internal(error: &tokio::task::JoinError) -> Failure {
    let message = format!("the simulation itself failed: {error}");
    Failure::new(Exit::Unexpected, "internal", message, "please report this")
}

/// How fast it goes.
fn pace(gauge: &Gauge, real: Duration) -> String {
    let (seconds, passed) = (real.as_secs_f64().max(0.001), gauge.virtual_time());
    #[allow(clippy::cast_precision_loss, reason = "for people")]
    let rate = gauge.seeds() as f64 / seconds;
    let times = passed.as_secs_f64() / seconds;
    format!(
        " seeds, {rate:.1} a second; {} of virtual time, {times:.0} times real time",
        span(passed)
    )
}

// ---- what was asked ----

fn campaigns(arguments: &Simulate) -> Result<Vec<Campaign>, Failure> {
    let nodes = arguments.nodes.iter();
    nodes.map(|nodes| campaign(arguments, *nodes)).collect()
}

fn campaign(arguments: &Simulate, nodes: u32) -> Result<Campaign, Failure> {
    let profile: Profile = arguments.profile.parse()?;
    let plan = Plan {
        nodes,
        followers: arguments.followers,
        wallets: arguments.wallets,
        profile,
        duration: duration(&arguments.duration)?,
    };
    plan.check()?;
    Ok(Campaign {
        plan,
        seeds: seeds(arguments, profile)?,
        threads: threads(arguments.threads)?,
        stop_at: arguments.stop_at,
    })
}

fn seeds(arguments: &Simulate, profile: Profile) -> Result<Range<u64>, Failure> {
    if let Some(seed) = arguments.seed {
        // There is no number after the last one.
        let end = seed.checked_add(1);
        return match end {
            Some(end) => Ok(seed..end),
            None => Err(wrong_seeds(format!("{seed} is too large a seed"))),
        };
    }
    let Some(text) = &arguments.seeds else {
        return Ok(match profile {
            Profile::World => 0..1,
            Profile::Lan | Profile::Chaos | Profile::Byzantine => 0..100,
        });
    };
    let numbers = text.split_once("..").and_then(|(from, to)| {
        let number = |text: &str| text.trim().parse::<u64>().ok();
        Some((number(from)?, number(to)?))
    });
    let Some((from, to)) = numbers else {
        return Err(wrong_seeds(format!("{:?} is no range of seeds", cut(text))));
    };
    match to.checked_sub(from) {
        None | Some(0) => Err(wrong_seeds(format!("there is no seed in {from}..{to}"))),
        Some(count) if count > MAX_SEEDS => Err(wrong_seeds(format!(
            "{from}..{to} are {count} seeds: at most {MAX_SEEDS} are run at once"
        ))),
        Some(_) => Ok(from..to),
    }
}

fn wrong_seeds(message: String) -> Failure {
    let hint = "write --seeds 0..100 for a hundred seeds, or --seed 7 for one";
    Failure::new(Exit::Usage, "seeds_invalid", message, hint)
}

/// Reads a length of time: a whole number and `ms`, `s`, `m` or `h`.
fn duration(text: &str) -> Result<Duration, Failure> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let unit_ms = match unit {
        "ms" => Some(1),
        "s" => Some(1_000),
        "m" => Some(60_000),
        "h" => Some(3_600_000),
        _ => None,
    };
    let wrong = |message: String| {
        let hint = "write a number and its unit with --duration: 500ms, 30s, 5m or 2h";
        Failure::new(Exit::Usage, "duration_invalid", message, hint)
    };
    let (Ok(number), Some(unit_ms)) = (number.parse::<u64>(), unit_ms) else {
        return Err(wrong(format!("{:?} is no length of time", cut(text))));
    };
    let duration = number.checked_mul(unit_ms).map(Duration::from_millis);
    match duration {
        Some(Duration::ZERO) => Err(wrong("nothing happens in no time".to_owned())),
        Some(duration) if duration <= MAX_DURATION => Ok(duration),
        _ => Err(wrong(format!(
            "{} is too long: a seed lasts at most 24h of virtual time",
            cut(text)
        ))),
    }
}

fn threads(given: Option<usize>) -> Result<usize, Failure> {
    match given {
        None => Ok(std::thread::available_parallelism().map_or(1, usize::from)),
        Some(threads) if (1..=MAX_THREADS).contains(&threads) => Ok(threads),
        Some(threads) => Err(Failure::new(
            Exit::Usage,
            "count_invalid",
            format!("{threads} threads cannot be used: from 1 to {MAX_THREADS} can"),
            "choose another number with --threads, or leave it out to use all cores",
        )),
    }
}

fn check_trace(campaign: &Campaign, is_json: bool) -> Result<(), Failure> {
    let count = campaign.seeds.end - campaign.seeds.start;
    if count > 1 {
        return Err(Failure::new(
            Exit::Usage,
            "trace_of_many",
            format!("--trace shows one seed, not {count}"),
            "name it with --seed",
        ));
    }
    if is_json {
        return Err(Failure::new(
            Exit::Usage,
            "trace_is_text",
            "--trace has no JSON: its lines are for people",
            "leave out --trace or --output json; the trace's hash is in the JSON too",
        ));
    }
    Ok(())
}

/// So much of what was typed as is shown again.
fn cut(text: &str) -> String {
    text.chars().take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::arguments::{Arguments, Command};

    fn read(line: &str) -> Result<Campaign, Failure> {
        let words: Vec<_> = format!("natcoin simulate {line}")
            .split_whitespace()
            .map(std::ffi::OsString::from)
            .collect();
        match Arguments::read(&words).unwrap().command {
            Command::Simulate(arguments) => {
                let mut all = campaigns(&arguments)?;
                assert_eq!(all.len(), 1);
                Ok(all.remove(0))
            }
            other => panic!("{other:?}"),
        }
    }

    fn refusal(line: &str) -> (String, String) {
        let failure = read(line).unwrap_err();
        assert_eq!(failure.exit, Exit::Usage, "{line}");
        assert!(!failure.hint.is_empty(), "{line}");
        (failure.code.into_owned(), failure.message)
    }

    #[test]
    fn without_words_it_is_a_hundred_seeds_of_chaos_on_all_cores() {
        let campaign = read("").unwrap();
        assert_eq!(campaign.seeds, 0..100);
        assert_eq!(campaign.plan.profile, Profile::Chaos);
        assert_eq!((campaign.plan.nodes, campaign.plan.wallets), (4, 8));
        assert_eq!(campaign.plan.duration, Duration::from_secs(20));
        assert!(campaign.threads >= 1);
        assert_eq!(read("--profile world").unwrap().seeds, 0..1);
        assert_eq!(read("--seed 7").unwrap().seeds, 7..8);
    }

    #[test]
    fn lengths_of_time_have_their_unit() {
        let length = |text: &str| read(&format!("--duration {text}")).unwrap().plan.duration;
        assert_eq!(length("500ms"), Duration::from_millis(500));
        assert_eq!(length("30s"), Duration::from_secs(30));
        assert_eq!(length("5m"), Duration::from_secs(300));
        assert_eq!(length("24h"), MAX_DURATION);
        for text in [
            "0s",
            "25h",
            "30",
            "s",
            "1.5s",
            "3d",
            "99999999999999999999s",
        ] {
            let (code, message) = refusal(&format!("--duration {text}"));
            assert_eq!(code, "duration_invalid", "{text}: {message}");
        }
    }

    #[test]
    fn seeds_that_are_none_or_too_many_are_refused_with_the_limit() {
        assert_eq!(read("--seeds 5..10000005").unwrap().seeds, 5..10_000_005);
        let (code, message) = refusal("--seeds 0..10000001");
        assert_eq!(code, "seeds_invalid");
        assert!(message.contains("10000001") && message.contains("at most 10000000"));
        for seeds in ["5..5", "6..5", "5", "a..b", "..", "0..=5"] {
            assert_eq!(refusal(&format!("--seeds {seeds}")).0, "seeds_invalid");
        }
        assert_eq!(refusal(&format!("--seed {}", u64::MAX)).0, "seeds_invalid");
    }

    #[test]
    fn what_cannot_be_simulated_is_refused_with_the_limits() {
        let (code, message) = refusal("--profile byzantine --nodes 3");
        assert_eq!(code, "count_invalid");
        assert_eq!(message, "3 nodes cannot be simulated: from 4 to 128 can");
        for line in [
            "--nodes 0",
            "--nodes 129",
            "--followers 129",
            "--wallets 1",
            "--wallets 100001",
            "--threads 0",
            "--threads 1025",
        ] {
            assert_eq!(refusal(line).0, "count_invalid", "{line}");
        }
        assert_eq!(refusal("--profile storm").0, "profile_invalid");
    }
}
