//! Many seeds of one plan, on all cores, in the memory of a few.
//!
//! Memory: each thread has one world at a time ([`Plan::memory_bytes`]); no more threads are started than there are seeds.
//! Seed by seed goes to each thread in turn, and the results are summed in the order of the seeds, so that the sums and
//! the hash of all traces depend on nothing but the plan and the seeds.
//! Next: `run.rs`, one seed.

use std::io;
use std::mem;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, Scope};
use std::time::Duration;

use super::plan::Plan;
use super::run::{Outcome, simulate_while};
use super::spread::Spread;
use super::tally::Tally;
use super::trace::{Listener, Stopwatch};
use super::violation::Violation;
use crate::chain::hash::Hash;

/// So many violations are kept; more are counted.
pub const MAX_FOUND: usize = 10;
/// So many results of a thread wait for a slow seed of another before it waits too.
const LEAD: usize = 256;

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Campaign {
    /// What each seed simulates; it must have passed [`Plan::check`].
    pub plan: Plan,
    /// The seeds.
    pub seeds: Range<u64>,
    /// On how many threads at most: see [`Campaign::lanes`].
    pub threads: usize,
    /// Ends when so many seeds have violated something.
    pub stop_at: Option<u64>,
}

/// How far a campaign is, for others to read while it runs, and the way to end it.
#[derive(Debug, Default)]
pub struct Gauge {
    seeds: AtomicU64,
    micros: AtomicU64,
    is_over: AtomicBool,
    stopwatch: Option<Stopwatch>,
}

impl Gauge {
    /// Measures also what the nodes' machines take.
    pub fn with(stopwatch: Stopwatch) -> Self {
        Self {
            stopwatch: Some(stopwatch),
            ..Self::default()
        }
    }

    /// Seeds that are done and summed.
    pub fn seeds(&self) -> u64 {
        self.seeds.load(Ordering::Relaxed)
    }

    /// The virtual time that has passed in all seeds, those under way included.
    pub fn virtual_time(&self) -> Duration {
        Duration::from_micros(self.micros.load(Ordering::Relaxed))
    }

    /// Ends the campaign soon: seeds under way are given up.
    pub fn end(&self) {
        self.is_over.store(true, Ordering::Relaxed);
    }

    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }
}

/// A seed that violates something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The seed.
    pub seed: u64,
    /// Its trace, up to the violation.
    pub trace: Hash,
    /// What did not hold.
    pub violation: Violation,
}

/// What came of all seeds, or of the first ones if the campaign was ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sums {
    /// Seeds that are in it.
    pub seeds: u64,
    /// What was counted; the times to finality stand in [`Sums::finality`].
    pub tally: Tally,
    /// From the first signing to the wallet's own proof.
    pub finality: Spread,
    /// Over the traces of all seeds, in their order; of one seed it is that seed's.
    pub trace: Hash,
    /// How many seeds violate something.
    pub violated: u64,
    /// The first [`MAX_FOUND`] of them.
    pub found: Vec<Found>,
}

impl Sums {
    /// Of no seed.
    pub fn new() -> Self {
        Self {
            seeds: 0,
            tally: Tally::default(),
            finality: Spread::default(),
            trace: Hash::ZERO,
            violated: 0,
            found: Vec::new(),
        }
    }

    /// Adds what came of the next seed.
    pub fn add(&mut self, mut outcome: Outcome) {
        self.trace = match self.seeds {
            0 => outcome.trace,
            _ => Hash::of(
                "natcoin/sim/campaign",
                &[self.trace.as_bytes(), outcome.trace.as_bytes()],
            ),
        };
        self.seeds += 1;
        for micros in mem::take(&mut outcome.tally.finality_micros) {
            self.finality.add(micros);
        }
        self.tally.add(&outcome.tally);
        let Some(violation) = outcome.violation else {
            return;
        };
        self.violated += 1;
        if self.found.len() < MAX_FOUND {
            self.found.push(Found {
                seed: outcome.seed,
                trace: outcome.trace,
                violation,
            });
        }
    }
}

impl Default for Sums {
    fn default() -> Self {
        Self::new()
    }
}

/// The system gives no more threads.
#[derive(Debug, thiserror::Error)]
#[error("the system refuses thread {number} of {wanted}: {error}; choose fewer with --threads")]
pub struct NoThread {
    /// Which, from 1.
    pub number: usize,
    /// Of how many.
    pub wanted: usize,
    /// What the system says.
    pub error: io::Error,
}

impl Campaign {
    /// How many threads are used: one at least, and no more than there are seeds.
    pub fn lanes(&self) -> usize {
        let seeds = self.seeds.end.saturating_sub(self.seeds.start);
        let seeds = usize::try_from(seeds).unwrap_or(usize::MAX);
        self.threads.min(seeds).max(1)
    }

    /// Runs all seeds, or as many as it comes to before [`Gauge::end`].
    ///
    /// # Errors
    /// [`NoThread`]; no seed is run then.
    pub fn run(&self, gauge: &Gauge) -> Result<Sums, NoThread> {
        let mut sums = Sums::new();
        thread::scope(|scope| {
            let lanes = self.start(scope, gauge).inspect_err(|_| gauge.end())?;
            // A lane that is closed when it is its turn has no more seeds, and so has none after it; or all is over.
            for lane in lanes.iter().cycle() {
                let Ok(outcome) = lane.recv() else {
                    break;
                };
                sums.add(outcome);
                gauge.seeds.store(sums.seeds, Ordering::Relaxed);
                if self.stop_at.is_some_and(|stop_at| sums.violated >= stop_at) {
                    break;
                }
            }
            gauge.end();
            Ok(sums)
        })
    }

    /// Starts all lanes; their results come in the order of the lanes, again and again.
    fn start<'scope>(
        &'scope self,
        scope: &'scope Scope<'scope, '_>,
        gauge: &'scope Gauge,
    ) -> Result<Vec<Receiver<Outcome>>, NoThread> {
        let wanted = self.lanes();
        let start = |lane: usize| {
            let (sender, receiver) = sync_channel(LEAD);
            let builder = thread::Builder::new().name(format!("seeds {lane}"));
            let started =
                builder.spawn_scoped(scope, move || self.lane(lane, wanted, gauge, &sender));
            match started {
                Ok(_) => Ok(receiver),
                Err(error) => Err(NoThread {
                    number: lane + 1,
                    wanted,
                    error,
                }),
            }
        };
        (0..wanted).map(start).collect()
    }

    /// Runs the first seed alone, on this thread; `listener` hears what happens.
    pub fn run_first(&self, gauge: &Gauge, listener: Listener) -> Sums {
        let mut sums = Sums::new();
        if let Some(outcome) = self.one(self.seeds.start, gauge, Some(listener)) {
            sums.add(outcome);
        }
        sums
    }

    /// Runs a seed every so many seeds, from its place on.
    fn lane(&self, lane: usize, threads: usize, gauge: &Gauge, results: &SyncSender<Outcome>) {
        for seed in self.seeds.clone().skip(lane).step_by(threads) {
            let Some(outcome) = self.one(seed, gauge, None) else {
                return;
            };
            if results.send(outcome).is_err() {
                return;
            }
        }
    }

    fn one(&self, seed: u64, gauge: &Gauge, listener: Option<Listener>) -> Option<Outcome> {
        let mut before = Duration::ZERO;
        simulate_while(&self.plan, seed, (listener, gauge.stopwatch), &mut |now| {
            let passed = now.saturating_sub(before).as_micros();
            before = now;
            let micros = u64::try_from(passed).unwrap_or(u64::MAX);
            gauge.micros.fetch_add(micros, Ordering::Relaxed);
            !gauge.is_over()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::{Invariant, Profile};

    fn campaign(threads: usize) -> Campaign {
        Campaign {
            plan: Plan {
                nodes: 2,
                followers: 0,
                wallets: 2,
                profile: Profile::Chaos,
                duration: Duration::from_secs(1),
            },
            seeds: 3..8,
            threads,
            stop_at: None,
        }
    }

    #[test]
    fn no_more_threads_are_started_than_there_are_seeds() {
        assert_eq!(campaign(0).lanes(), 1);
        assert_eq!(campaign(3).lanes(), 3);
        assert_eq!(campaign(1024).lanes(), 5);
        let mut all = campaign(1024);
        all.seeds = 0..u64::MAX;
        assert_eq!(all.lanes(), 1024);
    }

    /// In a process of its own, whose threads would have larger stacks than there is room for.
    #[cfg(unix)]
    #[test]
    fn a_thread_that_the_system_refuses_is_an_error() {
        const IS_INNER: &str = "NATCOIN_TEST_WITHOUT_THREADS";
        if std::env::var_os(IS_INNER).is_some() {
            let gauge = Gauge::default();
            let refused = campaign(3).run(&gauge).unwrap_err();
            assert_eq!((refused.number, refused.wanted), (1, 3));
            assert!(refused.to_string().contains("--threads"), "{refused}");
            assert!(gauge.is_over());
            return;
        }
        let output = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "--test-threads=1"])
            .arg("sim::campaign::tests::a_thread_that_the_system_refuses_is_an_error")
            .env(IS_INNER, "1")
            .env("RUST_MIN_STACK", (1_u64 << 47).to_string())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{text}");
        assert!(text.contains("1 passed"), "{text}");
    }

    #[test]
    fn the_sums_do_not_depend_on_the_number_of_threads() {
        let alone = campaign(1).run(&Gauge::default()).unwrap();
        assert_eq!((alone.seeds, &*alone.found), (5, &[][..]));
        assert!(alone.tally.events > 0 && alone.tally.time >= Duration::from_secs(5));
        for threads in [2, 3, 7] {
            assert_eq!(campaign(threads).run(&Gauge::default()).unwrap(), alone);
        }
    }

    #[test]
    fn the_gauge_shows_all_that_was_done() {
        let gauge = Gauge::default();
        let sums = campaign(2).run(&gauge).unwrap();
        assert_eq!(gauge.seeds(), 5);
        assert!(gauge.virtual_time() <= sums.tally.time);
        assert!(gauge.virtual_time() >= Duration::from_millis(5 * 900));
    }

    #[test]
    fn a_campaign_that_is_ended_gives_what_it_has() {
        let gauge = Gauge::default();
        gauge.end();
        assert_eq!(campaign(2).run(&gauge).unwrap(), Sums::new());
        let silent = Box::new(|_: &str| {});
        assert_eq!(campaign(1).run_first(&gauge, silent), Sums::new());
    }

    #[test]
    fn one_seed_alone_has_its_own_trace() {
        let mut one = campaign(1);
        one.seeds = 5..6;
        let (quiet, heard) = (
            one.run(&Gauge::default()).unwrap(),
            one.run_first(&Gauge::default(), Box::new(|_| {})),
        );
        assert_eq!(quiet, heard);
        assert_eq!(
            quiet.trace,
            super::super::simulate(&one.plan, 5, None).trace
        );
    }

    #[test]
    fn violations_are_all_counted_and_the_first_ones_kept() {
        let mut sums = Sums::new();
        for seed in 0..15 {
            sums.add(Outcome {
                seed,
                trace: Hash([1; 32]),
                tally: Tally::default(),
                violation: (seed > 0).then(|| Violation {
                    invariant: Invariant::Supply,
                    at: Duration::from_secs(seed),
                    what: "made up".to_owned(),
                }),
            });
        }
        assert_eq!((sums.seeds, sums.violated), (15, 14));
        let seeds: Vec<u64> = sums.found.iter().map(|found| found.seed).collect();
        assert_eq!(seeds, (1..11).collect::<Vec<_>>());
    }
}
