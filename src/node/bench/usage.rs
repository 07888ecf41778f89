//! What processes take of the machine: processor time and memory from Linux's `/proc` (nothing elsewhere), and disk.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

/// How the threads of the load are called.
pub const LOAD_THREADS: &str = "bench-load";
/// How the threads of the nodes' networks are called; their others have names of their own.
pub const NODE_THREADS: &str = "bench-node";

/// The ticks of `/proc/PID/stat`: 100 a second for programs, whatever the kernel's own pace (`USER_HZ`).
const TICK: Duration = Duration::from_millis(10);

/// What was taken up to a moment.
#[derive(Debug, Clone, Copy, Default)]
pub struct Usage {
    /// Processor time of all nodes.
    pub cpu: Option<Duration>,
    /// Memory of all nodes.
    pub rss_bytes: Option<u64>,
    /// Bytes of all files of the nodes.
    pub disk_bytes: u64,
}

/// Processor time of a process, of all its threads that are and were.
pub fn process_cpu(pid: &str) -> Option<Duration> {
    cpu_of(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// Resident memory of a process.
pub fn process_rss(pid: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    kib.checked_mul(1024)
}

/// The threads of this process now, by their numbers.
pub fn threads() -> BTreeSet<u64> {
    let entries = fs::read_dir("/proc/self/task").into_iter().flatten();
    let numbers = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    numbers.collect()
}

/// Processor time of the threads that are in `others` or are the load's.
pub fn others_cpu(others: &BTreeSet<u64>) -> Option<Duration> {
    let mut sum = Duration::ZERO;
    for thread in threads() {
        // A thread may have ended since it was listed.
        let Ok(stat) = fs::read_to_string(format!("/proc/self/task/{thread}/stat")) else {
            continue;
        };
        if others.contains(&thread) || name_of(&stat) == Some(LOAD_THREADS) {
            sum += cpu_of(&stat)?;
        }
    }
    (!sum.is_zero() || cfg!(target_os = "linux")).then_some(sum)
}

/// Bytes of all files in a folder and below.
pub fn folder_bytes(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let sizes = entries.map(|entry| match entry.metadata() {
        Ok(data) if data.is_dir() => folder_bytes(&entry.path()),
        Ok(data) => data.len(),
        Err(_) => 0,
    });
    sizes.sum()
}

/// The name stands in brackets and may hold anything (proc(5)).
fn name_of(stat: &str) -> Option<&str> {
    let (before, _) = stat.rsplit_once(')')?;
    Some(before.split_once('(')?.1)
}

/// User and system time: fields 14 and 15.
fn cpu_of(stat: &str) -> Option<Duration> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<u32>().ok();
    let all = ticks()?.checked_add(ticks()?)?;
    TICK.checked_mul(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_threads_line_is_read_whatever_it_is_called() {
        let stat = "17 (a) b (c) S 1 17 17 0 -1 64 1 0 0 0 250 50 0 0 20 0 9 0 1 2 3";
        assert_eq!(name_of(stat), Some("a) b (c"));
        assert_eq!(cpu_of(stat), Some(Duration::from_secs(3)));
        assert_eq!(cpu_of("17 (a) S 1"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_takes_memory_and_has_this_thread() {
        assert!(process_rss("self").unwrap() > 100_000);
        assert!(process_cpu("self").is_some());
        let own = threads();
        assert!(!own.is_empty());
        assert!(others_cpu(&own).is_some());
    }

    #[test]
    fn a_folder_is_as_large_as_its_files() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("a")).unwrap();
        fs::write(folder.path().join("a/b"), [0; 700]).unwrap();
        fs::write(folder.path().join("c"), [0; 30]).unwrap();
        assert_eq!(folder_bytes(folder.path()), 730);
        assert_eq!(folder_bytes(&folder.path().join("nowhere")), 0);
    }
}
