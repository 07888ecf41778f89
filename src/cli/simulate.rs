//! `natcoin simulate`: whole networks in virtual time, seed after seed, on all cores.
//!
//! What was counted is the result; a seed that violates something makes the program end with 1, with the command that
//! replays it. Ctrl-C ends early with what was done, a second one at once. Next: `simulate/asked.rs` (what was asked),
//! `report/simulate.rs`.

mod asked;
mod memory;

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;

use super::arguments::Simulate;
use super::context::Context;
use super::devnet::program;
use super::failure::{Exit, Failure};
use super::output::{Lines, Output, is_unicode_welcome};
use super::picture::{self, Picture};
use super::report::simulate::{Run, SimulationReport, span};
use super::report::sizes::SizesReport;
use super::signal::Signals;
use crate::node::clock;
use crate::sim::{self, Campaign, Gauge, NoThread, Size, Sums};

/// How often the progress is looked at.
const GLANCE: Duration = Duration::from_millis(200);

/// Runs the seeds and reports what came of them.
///
/// # Errors
/// What was asked makes no sense; `simulation_failed` if a seed violates something; a plot that cannot be written.
pub async fn run(context: &Context, arguments: &Simulate) -> Result<(), Failure> {
    let output = &context.output;
    let mut campaigns = asked::campaigns(arguments)?;
    if arguments.trace {
        asked::check_trace(&campaigns, output.is_json())?;
    }
    // Order: who sees the picture's draft may ask for the end.
    let mut signals = Signals::new()?;
    let picture = arguments.plot.as_deref();
    let picture = picture
        .map(|path| Picture::begin(path, &picture::PLOT))
        .transpose()?;
    if campaigns.len() > 1 || picture.is_some() {
        return sizes(output, campaigns, &mut signals, picture).await;
    }
    let Some(campaign) = campaigns.pop() else {
        return Ok(());
    };
    let (run, sums) = drive(output, campaign, &mut signals, arguments.trace).await?;
    let report = SimulationReport::new(&run, &sums);
    output.report(&report)?;
    ended(output, report.failure())
}

/// How the program ends after its report.
fn ended(output: &Output, failure: Option<Failure>) -> Result<(), Failure> {
    match failure {
        // The report's JSON holds it.
        Some(failure) if output.is_json() => Err(failure.told()),
        Some(failure) => Err(failure),
        None => Ok(()),
    }
}

/// Runs one campaign after another, and shows a row for each that was done. The first that violates something is the
/// last one. The picture is drawn of all or not at all.
async fn sizes(
    output: &Output,
    campaigns: Vec<Campaign>,
    signals: &mut Signals,
    picture: Option<Picture>,
) -> Result<(), Failure> {
    let (mut table, mut rows) = (SizesReport::new(&campaigns), Vec::new());
    for campaign in campaigns {
        let (plan, seeds) = (campaign.plan.clone(), campaign.seeds.clone());
        let (run, sums) = drive(output, campaign, signals, false).await?;
        let report = SimulationReport::new(&run, &sums);
        if report.failure().is_some() {
            table.violate(report);
            break;
        }
        if sums.seeds < seeds.end - seeds.start {
            table.interrupt();
            break;
        }
        let size = Size::of(&plan, &sums);
        table.add(&size, run.real);
        rows.push(size);
    }
    output.report(&table)?;
    ended(output, table.error.clone())?;
    match picture {
        Some(picture) if table.is_complete() => picture.finish(&sim::plot(&rows)),
        Some(_) => {
            output.note("the plot is not written: it is of all sizes");
            Ok(())
        }
        None => Ok(()),
    }
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
    let mut work = start(campaign.clone(), gauge.clone(), lines)?;
    let mut is_interrupted = false;
    let sums = loop {
        tokio::select! {
            done = &mut work => break done.map_err(|_| internal())??,
            // A world may be deep in one event: who asks twice does not want to wait for it.
            () = signals.end() => match is_interrupted {
                true => return Err(aborted()),
                false => {
                    is_interrupted = true;
                    gauge.end();
                }
            },
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

/// Starts the work on a thread of its own, which does not hold the program back when it ends at once.
fn start(
    campaign: Campaign,
    gauge: Arc<Gauge>,
    lines: Option<Lines>,
) -> Result<oneshot::Receiver<Result<Sums, NoThread>>, Failure> {
    let (tell, told) = oneshot::channel();
    let work = move || {
        // Nobody listens any more when the program ends at once.
        let _ = tell.send(work(&campaign, &gauge, lines));
    };
    let started = thread::Builder::new()
        .name("campaign".to_owned())
        .spawn(work);
    started.map_err(|error| Failure::io("start a thread", &error))?;
    Ok(told)
}

fn work(campaign: &Campaign, gauge: &Arc<Gauge>, lines: Option<Lines>) -> Result<Sums, NoThread> {
    let Some(mut lines) = lines else {
        return campaign.run(gauge);
    };
    let shared = gauge.clone();
    let listener = move |line: &str| {
        if !lines.line(line) {
            shared.end();
        }
    };
    Ok(campaign.run_first(gauge, Box::new(listener)))
}

fn internal() -> Failure {
    let message = "the simulation itself failed";
    Failure::new(Exit::Unexpected, "internal", message, "please report this")
}

fn aborted() -> Failure {
    Failure::new(
        Exit::Unexpected,
        "aborted",
        "ended at once, without a result",
        "one Ctrl-C alone ends it soon, with what was done",
    )
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
