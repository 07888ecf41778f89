//! Whether there is memory for what is to be simulated: a world lives in memory as a whole, one on each thread.

use std::fs;

use crate::cli::failure::{Exit, Failure};
use crate::sim::Campaign;

/// Where the system does not tell how much there is.
const UNTOLD_BYTES: u64 = 4 << 30;

/// What this process may still take: the machine's free memory, within the limits of its group and its own.
pub(super) fn available() -> u64 {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let told = [
        free(&read("/proc/meminfo")),
        read("/sys/fs/cgroup/memory.max").trim().parse().ok(),
        address_space(&read("/proc/self/limits")),
    ];
    told.into_iter().flatten().min().unwrap_or(UNTOLD_BYTES)
}

/// `MemAvailable:    8123456 kB`
fn free(meminfo: &str) -> Option<u64> {
    let line = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1 << 10)
}

/// `Max address space         4294967296           unlimited            bytes`: the first number holds.
fn address_space(limits: &str) -> Option<u64> {
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max address space"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// On how many threads a campaign can run: fewer than it would if nobody has asked for a number.
///
/// # Errors
/// `memory_short` if there is none for one world, or not for as many as were asked for.
pub(super) fn fitting(
    campaign: &Campaign,
    available: u64,
    is_asked_for: bool,
) -> Result<usize, Failure> {
    let (plan, wanted) = (&campaign.plan, campaign.lanes());
    let one = plan.memory_bytes();
    let fit = usize::try_from(available / one).unwrap_or(usize::MAX);
    if fit >= wanted {
        return Ok(campaign.threads);
    }
    if fit > 0 && !is_asked_for {
        return Ok(fit);
    }
    let all = one.saturating_mul(u64::try_from(wanted).unwrap_or(u64::MAX));
    let nodes = u64::from(plan.nodes) + u64::from(plan.followers);
    let message = format!(
        "{nodes} nodes and {} wallets on {wanted} threads may take {} MiB of memory: {} MiB can be had",
        plan.wallets,
        all.div_ceil(1 << 20),
        available >> 20
    );
    let hint = match fit {
        0 => "choose fewer with --nodes, --followers or --wallets".to_owned(),
        _ => format!("choose at most {fit} with --threads, or leave it out"),
    };
    Err(Failure::new(Exit::Usage, "memory_short", message, hint))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::{Plan, Profile};
    use std::time::Duration;

    fn campaign(seeds: u64, threads: usize) -> Campaign {
        Campaign {
            plan: Plan {
                nodes: 31,
                followers: 0,
                wallets: 9_999,
                profile: Profile::Chaos,
                duration: Duration::from_secs(1),
            },
            seeds: 0..seeds,
            threads,
            stop_at: None,
        }
    }

    #[test]
    fn threads_are_as_many_as_there_is_memory_for_and_never_fewer_in_silence_than_were_asked_for() {
        let one = campaign(1, 1).plan.memory_bytes();
        assert_eq!(fitting(&campaign(100, 8), 8 * one, true), Ok(8));
        assert_eq!(fitting(&campaign(100, 8), 8 * one - 1, false), Ok(7));
        let refused = fitting(&campaign(100, 8), 8 * one - 1, true).unwrap_err();
        assert_eq!(refused.code, "memory_short");
        assert!(
            refused.hint.contains("at most 7 with --threads"),
            "{}",
            refused.hint
        );
        let mib = (8 * one).div_ceil(1 << 20);
        let told = format!("31 nodes and 9999 wallets on 8 threads may take {mib} MiB of memory: ");
        assert!(refused.message.starts_with(&told), "{}", refused.message);
        // One seed is one world, on however many threads.
        assert_eq!(fitting(&campaign(1, 8), one, true), Ok(8));
        for is_asked_for in [false, true] {
            let refused = fitting(&campaign(1, 1), one - 1, is_asked_for).unwrap_err();
            assert!(refused.hint.contains("--wallets"), "{}", refused.hint);
        }
    }

    #[test]
    fn the_systems_words_are_read() {
        let meminfo = "MemTotal:       16000 kB\nMemFree:  1 kB\nMemAvailable:   8000 kB\n";
        assert_eq!(free(meminfo), Some(8_000 << 10));
        assert_eq!(free(""), None);
        let limits = |soft: &str| {
            format!(
                "Limit      Soft Limit     Hard Limit\nMax address space    {soft}     unlimited   bytes\n"
            )
        };
        assert_eq!(address_space(&limits("4096")), Some(4_096));
        assert_eq!(address_space(&limits("unlimited")), None);
        assert!(available() > 0);
    }
}
