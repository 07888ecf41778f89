//! `natcoin bench`: a load on a real network on this machine, and what it comes to.
//!
//! Ctrl-C ends the load early, with what was measured so far; a second one at once. Next: `bench/asked.rs` (what was
//! asked), `report/bench.rs` (the result), `node/bench/` (the work).

mod asked;
mod drawn;

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;

use super::arguments::Bench;
use super::context::Context;
use super::failure::{Exit, Failure};
use super::output::{Output, Progress, is_unicode_welcome};
use super::picture::{self, Picture};
use super::place::Place;
use super::report::bench::{BenchReport, BenchTable};
use super::report::simulate::many;
use super::signal::Signals;
use crate::node::bench::{self, BenchConfig, BenchError, Figures, Gauge, Phase};

/// How often the progress is looked at.
const GLANCE: Duration = Duration::from_millis(200);

/// Measures each rate, and reports what it came to.
///
/// # Errors
/// What was asked makes no sense; `payments_lost`; a plot that cannot be written; if the network does not start.
pub async fn run(context: &Context, arguments: &Bench) -> Result<(), Failure> {
    let output = &context.output;
    let loads = asked::loads(arguments)?;
    let mut signals = Signals::new()?;
    let picture = arguments.plot.as_deref();
    let picture = picture
        .map(|path| Picture::begin(path, &picture::PLOT))
        .transpose()?;
    let place = Place::new(arguments.dir.as_deref(), "natcoin-bench-")?;
    let is_table = loads.len() > 1;
    let mut table = BenchTable::new(loads.len());
    let mut done = Vec::new();
    for (number, load) in (1..).zip(loads) {
        let folder = match is_table {
            true => place.folder().join(format!("load-{number}")),
            false => place.folder().to_owned(),
        };
        let figures = measure(output, load.config(&folder)?, &mut signals).await?;
        let report = BenchReport::new(&figures, is_unicode_welcome());
        let is_cut = figures.course.is_cut;
        if !is_table {
            output.report(&report)?;
        }
        let failure = report.failure();
        table.add(report);
        done.push(figures);
        if is_cut || failure.is_some() {
            break;
        }
    }
    if is_table {
        output.report(&table)?;
    }
    if let Some(failure) = table.failure() {
        // The report's JSON holds it.
        return Err(match output.is_json() {
            true => failure.told(),
            false => failure,
        });
    }
    match picture {
        Some(picture) if table.is_complete() => picture.finish(&drawn::picture(&done)),
        Some(_) => {
            output.note("the plot is not written: it is of all loads");
            Ok(())
        }
        None => Ok(()),
    }
}

/// Measures one load, with a bar.
async fn measure(
    output: &Output,
    config: BenchConfig,
    signals: &mut Signals,
) -> Result<Figures, Failure> {
    let gauge = Arc::new(Gauge::default());
    let duration = config.duration;
    let progress = output.bar(duration.as_secs().max(1));
    let mut work = start(config, Arc::clone(&gauge))?;
    let mut is_interrupted = false;
    let mut shown = (0, 0);
    loop {
        tokio::select! {
            done = &mut work => {
                let done = done.map_err(|_| internal())?;
                return done.map_err(Failure::from);
            }
            () = signals.end() => match is_interrupted {
                true => return Err(aborted()),
                false => {
                    is_interrupted = true;
                    gauge.end();
                }
            },
            () = tokio::time::sleep(GLANCE) => show(&progress, &gauge, &mut shown),
        }
    }
}

/// Starts the work on a thread of its own: it has runtimes of its own, and does not hold the program back when it ends at
/// once.
fn start(
    config: BenchConfig,
    gauge: Arc<Gauge>,
) -> Result<oneshot::Receiver<Result<Figures, BenchError>>, Failure> {
    let (tell, told) = oneshot::channel();
    let work = move || {
        // Nobody listens any more when the program ends at once.
        let _ = tell.send(bench::run(&config, &gauge));
    };
    let started = thread::Builder::new().name("bench".to_owned()).spawn(work);
    started.map_err(|error| Failure::io("start a thread", &error))?;
    Ok(told)
}

/// How far it is; `last` is when and how many were final at the last look.
fn show(progress: &Progress, gauge: &Gauge, last: &mut (u64, u64)) {
    let (ran_ms, finals) = (gauge.ran_ms(), gauge.finals());
    let (then_ms, then) = *last;
    let text = match gauge.phase() {
        Phase::Signing => format!(" s; signing: {} payments", gauge.signed()),
        Phase::Limit => " s; measuring what signatures allow".to_owned(),
        Phase::Starting => " s; starting the nodes".to_owned(),
        Phase::Running => {
            let passed_ms = ran_ms.saturating_sub(then_ms).max(1);
            let pace = finals.saturating_sub(then).saturating_mul(1000) / passed_ms;
            let shed = match gauge.shed() {
                0 => String::new(),
                shed => format!(", {shed} times not taken"),
            };
            format!(
                " s; {} final, {pace} a second{shed}",
                many(finals, "payment")
            )
        }
        Phase::Draining => format!(
            " s; {} final, waiting for the rest",
            many(finals, "payment")
        ),
        Phase::Ending => " s; ending the nodes".to_owned(),
    };
    *last = (ran_ms, finals);
    progress.at(ran_ms / 1000, &text);
}

fn internal() -> Failure {
    let message = "the bench itself failed";
    Failure::new(Exit::Unexpected, "internal", message, "please report this")
}

fn aborted() -> Failure {
    Failure::new(
        Exit::Unexpected,
        "aborted",
        "ended at once, without a result",
        "one Ctrl-C alone ends it soon, with what was measured",
    )
}
