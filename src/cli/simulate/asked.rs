//! What was asked of `natcoin simulate`: numbers, seeds, lengths of time, and whether there is memory for them.
//!
//! Each refusal names what was typed, the limit and the next step. Next: `memory.rs`.

use std::ops::{Range, RangeInclusive};
use std::time::Duration;

use super::memory;
use crate::cli::arguments::Simulate;
use crate::cli::failure::{Exit, Failure};
use crate::cli::values::{self, Count, cut, whole};
use crate::sim::{Campaign, Plan, Profile};

/// So many seeds at most: what is more is more than one run.
const MAX_SEEDS: u64 = 10_000_000;
/// There is no number after the last one.
const MAX_SEED: u64 = u64::MAX - 1;
/// No seed lasts longer, in virtual time.
const MAX_DURATION: Duration = Duration::from_secs(24 * 60 * 60);
/// So many threads for each core at most: more of them take memory and win no time.
const THREADS_PER_CORE: usize = 4;
/// So many threads can be asked for on any machine.
const ALWAYS_THREADS: usize = 8;

/// What is to be run, one campaign for each number of nodes.
///
/// # Errors
/// What was asked makes no sense, or needs more memory than there is.
pub(super) fn campaigns(arguments: &Simulate) -> Result<Vec<Campaign>, Failure> {
    let available = memory::available();
    let nodes = arguments.nodes.iter();
    let campaigns = nodes.map(|nodes| {
        let mut campaign = campaign(arguments, nodes)?;
        campaign.threads = memory::fitting(&campaign, available, arguments.threads.is_some())?;
        Ok(campaign)
    });
    campaigns.collect()
}

fn campaign(arguments: &Simulate, nodes: &str) -> Result<Campaign, Failure> {
    let profile: Profile = arguments.profile.parse()?;
    let limits = profile.limits();
    let plan = Plan {
        nodes: of_plan(nodes, "nodes", limits.nodes)?,
        followers: of_plan(&arguments.followers, "followers", limits.followers)?,
        wallets: of_plan(&arguments.wallets, "wallets", limits.wallets)?,
        profile,
        duration: duration(&arguments.duration)?,
    };
    plan.check()?;
    Ok(Campaign {
        plan,
        seeds: seeds(arguments, profile)?,
        threads: threads(arguments.threads.as_deref())?,
        stop_at: stop_at(arguments.stop_at.as_deref())?,
    })
}

/// Reads a number of a plan. Its limits are [`Plan::check`]'s, which says more of them, where it can be a plan's at all.
fn of_plan(text: &str, what: &'static str, limits: RangeInclusive<u32>) -> Result<u32, Failure> {
    let number = whole(text).and_then(|number| u32::try_from(number).ok());
    let count = Count {
        what,
        done: "simulated",
        option: what,
        limits: u64::from(*limits.start())..=u64::from(*limits.end()),
    };
    number.ok_or_else(|| count.refusal(text))
}

fn stop_at(text: Option<&str>) -> Result<Option<u64>, Failure> {
    let count = Count {
        what: "failed seeds",
        done: "waited for",
        option: "stop-at",
        limits: 1..=MAX_SEEDS,
    };
    text.map(|text| count.read(text)).transpose()
}

fn seeds(arguments: &Simulate, profile: Profile) -> Result<Range<u64>, Failure> {
    if let Some(text) = &arguments.seed {
        let seed = whole(text).filter(|seed| *seed <= MAX_SEED);
        return match seed {
            Some(seed) => Ok(seed..seed + 1),
            None => Err(wrong_seeds(format!(
                "{:?} is no seed: from 0 to {MAX_SEED} are",
                cut(text)
            ))),
        };
    }
    let Some(text) = &arguments.seeds else {
        return Ok(match profile {
            Profile::World => 0..1,
            Profile::Lan | Profile::Chaos | Profile::Byzantine => 0..100,
        });
    };
    let numbers = text
        .split_once("..")
        .and_then(|(from, to)| Some((whole(from)?, whole(to)?)));
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

fn duration(text: &str) -> Result<Duration, Failure> {
    values::duration(
        text,
        MAX_DURATION,
        "a seed lasts at most 24h of virtual time",
    )
}

/// As many as there are cores, or as were asked for.
fn threads(given: Option<&str>) -> Result<usize, Failure> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let most = cores.saturating_mul(THREADS_PER_CORE).max(ALWAYS_THREADS);
    let count = Count {
        what: "threads",
        done: "used",
        option: "threads",
        limits: 1..=u64::try_from(most).unwrap_or(u64::MAX),
    };
    let Some(given) = given else {
        return Ok(cores);
    };
    let threads = count.read(given)?;
    Ok(usize::try_from(threads).unwrap_or(most))
}

/// Whether all of that can be shown event by event.
///
/// # Errors
/// A trace is of one network and one seed, and for people.
pub(super) fn check_trace(campaigns: &[Campaign], is_json: bool) -> Result<(), Failure> {
    let [campaign] = campaigns else {
        return Err(Failure::new(
            Exit::Usage,
            "trace_of_many",
            format!("--trace shows one network, not {}", campaigns.len()),
            "name one number with --nodes",
        ));
    };
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
        for (seed, message) in [
            (
                "-1",
                r#""-1" is no seed: from 0 to 18446744073709551614 are"#,
            ),
            (
                "18446744073709551615",
                r#""18446744073709551615" is no seed: from 0 to 18446744073709551614 are"#,
            ),
            ("x", r#""x" is no seed: from 0 to 18446744073709551614 are"#),
        ] {
            let told = refusal(&format!("--seed {seed}"));
            assert_eq!(told, ("seeds_invalid".to_owned(), message.to_owned()));
        }
        assert_eq!(
            read("--seed 18446744073709551614").unwrap().seeds.start,
            MAX_SEED
        );
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
            "--stop-at 0",
            "--stop-at never",
            "--nodes x",
            "--followers -1",
        ] {
            assert_eq!(refusal(line).0, "count_invalid", "{line}");
        }
        assert_eq!(refusal("--profile storm").0, "profile_invalid");
        for (line, message) in [
            (
                "--wallets 4294967296",
                "4294967296 wallets cannot be simulated: from 0 to 9999 can",
            ),
            (
                "--wallets 1",
                "1 wallet cannot be simulated: from 2 to 9999 can",
            ),
            (
                "--nodes 4,,5",
                r#""" is no number of nodes: from 1 to 128 can be simulated"#,
            ),
            (
                "--nodes -4 --profile byzantine",
                r#""-4" is no number of nodes: from 4 to 128 can be simulated"#,
            ),
        ] {
            assert_eq!(refusal(line).1, message);
        }
    }

    #[test]
    fn threads_are_bounded_by_the_machines_cores() {
        let cores = std::thread::available_parallelism().unwrap().get();
        let most = (4 * cores).max(8);
        let asked = |threads: usize| read(&format!("--wallets 2 --threads {threads}"));
        assert_eq!(asked(8).unwrap().threads, 8);
        assert_eq!(asked(most).unwrap().threads, most);
        for threads in [(most + 1).to_string(), "9".repeat(23)] {
            let (code, message) = refusal(&format!("--threads {threads}"));
            let told = format!("{threads} threads cannot be used: from 1 to {most} can");
            assert_eq!((&*code, message), ("count_invalid", told));
        }
    }

    #[test]
    fn a_trace_is_of_one_network_and_one_seed() {
        let campaigns = |nodes: &[u32]| {
            let of = |nodes: &u32| read(&format!("--nodes {nodes} --seed 3")).unwrap();
            nodes.iter().map(of).collect::<Vec<_>>()
        };
        assert_eq!(check_trace(&campaigns(&[1]), false), Ok(()));
        let refused = check_trace(&campaigns(&[1, 2]), false).unwrap_err();
        assert_eq!(refused.code, "trace_of_many");
        assert_eq!(refused.message, "--trace shows one network, not 2");
    }
}
