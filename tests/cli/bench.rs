//! `natcoin bench` on real networks: what its result says adds up, nothing is lost, and it ends when it is told to.
//!
//! How fast anything is, is not asked: other tests share the machine.

use serde_json::Value;

use crate::program::Program;
#[cfg(unix)]
use crate::{simulate::interrupt, wait};

const KEYS: [&str; 11] = [
    "final_per_s",
    "share_of_limit",
    "limit_per_s",
    "latency_ms",
    "block_ms",
    "transactions_per_block",
    "cpu_us_per_transaction_per_node",
    "bytes_per_transaction_per_node",
    "rss_mb_per_node",
    "disk_bytes_per_transaction",
    "lost",
];

fn measure(program: &Program, words: &str) -> Value {
    let words: Vec<&str> = ["bench"].into_iter().chain(words.split(' ')).collect();
    let (code, json) = program.json(&words);
    assert_eq!(code, 0, "{json}");
    json
}

/// What must hold of every load that was measured to its end.
fn check(json: &Value) {
    for key in KEYS {
        assert!(json.get(key).is_some(), "no {key} in {json}");
    }
    assert_eq!((&json["status"], &json["lost"]), (&"ok".into(), &0.into()));
    let number = |key: &str| json[key].as_f64().unwrap();
    let whole = |key: &str| json[key].as_u64().unwrap();
    assert!(whole("final") > 0 && number("limit_per_s") > 0.0);
    let share = number("final_per_s") / number("limit_per_s");
    assert!(
        (share - number("share_of_limit")).abs() < 1e-4,
        "{share} in {json}"
    );
    // All that were handed in have come to their end.
    assert_eq!(whole("submitted"), whole("final") + whole("refused"));
    assert_eq!(whole("open"), 0);
    let took = |part: &str| json["latency_ms"][part].as_f64().unwrap();
    assert!(took("p50") > 0.0);
    assert!(took("p50") <= took("p90") && took("p90") <= took("p99"));
    assert!(took("p99") <= took("max"));
    let steps = json["histogram"].as_array().unwrap();
    let counted: u64 = steps.iter().map(|one| one["count"].as_u64().unwrap()).sum();
    assert_eq!(counted, whole("final"));
    // A transfer is more than 200 bytes, and each node hears it and writes it down.
    assert!(number("bytes_per_transaction_per_node") > 200.0);
    if cfg!(target_os = "linux") {
        assert!(number("cpu_us_per_transaction_per_node") > 0.0);
        assert!(number("rss_mb_per_node") > 0.0);
    }
}

#[test]
fn one_node_makes_all_final_that_is_handed_in() {
    let program = Program::new();
    let words = "--nodes 1 --wallets 20 --rate 40 --duration 1s";
    let json = measure(&program, words);
    check(&json);
    assert_eq!((&json["final"], &json["starved"]), (&40.into(), &0.into()));
    assert_eq!((&json["rate"], &json["nodes"]), (&40.into(), &1.into()));
}

#[test]
fn four_nodes_carry_what_they_can_and_lose_nothing() {
    let program = Program::new();
    let words = "--nodes 4 --wallets 50 --rate max --duration 1s --dir kept";
    let json = measure(&program, words);
    check(&json);
    assert_eq!(json["rate"], "max");
    let homes = std::fs::read_dir(program.path("kept/network")).unwrap();
    assert_eq!(homes.count(), 5, "four homes and the bootstrap file");
    let again = ["bench", "--duration", "1s", "--rate", "1", "--dir", "kept"];
    let refused = program.failure(&again);
    assert_eq!(refused, (2, "folder_not_empty".to_owned()));
}

/// Of one wallet 64 payments may wait: of two with so many some may not be taken at first, if this machine is slow.
#[test]
fn what_two_wallets_may_not_have_waiting_is_shed_with_its_reasons_and_nothing_is_lost() {
    let program = Program::new();
    let words = "--nodes 4 --wallets 2 --rate 500 --duration 1s";
    let json = measure(&program, words);
    check(&json);
    let shed = json["shed"].as_object().unwrap();
    let known = ["mempool_full", "nonce_ahead", "node_busy", "timeout"];
    for (why, count) in shed {
        assert!(known.contains(&&**why), "{why}");
        assert!(count.as_u64().unwrap() > 0);
    }
}

#[cfg(unix)]
#[test]
fn processes_are_measured_one_by_one_and_leave_nothing_behind() {
    let program = Program::new();
    let words = "--nodes 2 --wallets 10 --rate 20 --duration 1s --processes --dir kept";
    let json = measure(&program, words);
    check(&json);
    assert_eq!(json["processes"], true);
    // Each has let go of its store: it could be started again.
    let homes = std::fs::read_dir(program.path("kept/network")).unwrap();
    let homes = homes.map(|entry| entry.unwrap().path());
    for home in homes.filter(|path| path.is_dir()) {
        natcoin::store::FolderDisk::open(home.join("store")).unwrap();
    }
}

#[test]
fn several_rates_are_a_table_and_a_picture() {
    let program = Program::new();
    let words = "--nodes 1 --wallets 10 --rate 10,30 --duration 1s --plot x.svg";
    let json = measure(&program, words);
    let loads = json["loads"].as_array().unwrap();
    assert_eq!((&json["wanted"], loads.len()), (&2.into(), 2));
    loads.iter().for_each(check);
    let picture = std::fs::read_to_string(program.path("x.svg")).unwrap();
    assert!(picture.starts_with("<svg ") && picture.ends_with("</svg>\n"));
    let left: Vec<_> = std::fs::read_dir(program.folder()).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
}

#[test]
fn what_makes_no_sense_is_refused_with_2() {
    let program = Program::new();
    for (words, code) in [
        (&["--nodes", "0"][..], "count_invalid"),
        (&["--nodes", "17"], "count_invalid"),
        (&["--wallets", "1"], "count_invalid"),
        (&["--wallets", "10001"], "count_invalid"),
        (&["--rate", "0"], "rate_invalid"),
        (&["--rate", "much"], "rate_invalid"),
        (&["--rate", "-5"], "rate_invalid"),
        (&["--rate", "10,,20"], "rate_invalid"),
        (&["--duration", "0s"], "duration_invalid"),
        (&["--duration", "61m"], "duration_invalid"),
        (&["--duration", "fast"], "duration_invalid"),
        (&["--rate", "100000", "--duration", "60s"], "load_too_large"),
        (&["--plot", "nowhere/x.svg"], "plot_not_written"),
    ] {
        let refused = program.failure(&[&["bench"], words].concat());
        assert_eq!(refused, (2, code.to_owned()), "{words:?}");
    }
}

/// How much of a block log is written: behind the last block the file is zeros.
#[cfg(unix)]
fn written(blocks: &std::path::Path) -> usize {
    let bytes = std::fs::read(blocks).unwrap_or_default();
    bytes.iter().rposition(|byte| *byte != 0).unwrap_or(0)
}

/// Processes that run on homes in this folder. One that has ended and is not waited for has no words any more.
#[cfg(target_os = "linux")]
fn nodes_in(folder: &std::path::Path) -> usize {
    let folder = folder.to_str().unwrap();
    let all = std::fs::read_dir("/proc").unwrap();
    let words = all.filter_map(|entry| std::fs::read(entry.ok()?.path().join("cmdline")).ok());
    let is_node = |words: &Vec<u8>| String::from_utf8_lossy(words).contains(folder);
    words.filter(is_node).count()
}

#[cfg(target_os = "linux")]
#[test]
fn a_bench_that_is_killed_leaves_no_nodes_behind() {
    // The story: its nodes stood under nobody then, held their ports and stores, and ran for ever.
    const LIMIT: std::time::Duration = std::time::Duration::from_secs(60);
    let program = Program::new();
    let homes = program.path("kept/network");
    let words = "bench --nodes 2 --wallets 10 --rate 20 --duration 10m --processes --dir";
    let kept = program.path("kept");
    let words: Vec<&str> = words.split(' ').chain([kept.to_str().unwrap()]).collect();
    let mut child = program.command(&words).spawn().unwrap();
    // The load is under way: a node that still starts would notice by itself, when it has something to say.
    let blocks = homes.join("mangart/store/blocks.log");
    let has_begun = wait::until(LIMIT, || written(&blocks) > 0);
    let first = written(&blocks);
    let goes_on = wait::until(LIMIT, || written(&blocks) > first);
    let nodes = nodes_in(&homes);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!((has_begun, goes_on, nodes), (true, true, 2));
    assert!(wait::until(LIMIT, || nodes_in(&homes) == 0));
    // Each has let go of its store: it could be started again.
    for home in ["mangart", "triglav"] {
        natcoin::store::FolderDisk::open(homes.join(home).join("store")).unwrap();
    }
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_the_load_early_with_what_was_measured() {
    use std::time::Duration;

    /// Longer than anything takes here.
    const LIMIT: Duration = Duration::from_secs(60);

    let program = Program::new();
    let words = "bench --nodes 1 --wallets 10 --rate 50 --duration 10m --processes --dir kept";
    let words: Vec<&str> = words.split(' ').chain(["--output", "json"]).collect();
    let mut command = program.command(&words);
    let command = command.stdout(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    // Blocks are written: the load is under way.
    let blocks = program.path("kept/network/mangart/store/blocks.log");
    assert!(wait::until(LIMIT, || written(&blocks) > 0));
    let first = written(&blocks);
    assert!(wait::until(LIMIT, || written(&blocks) > first));
    interrupt(&child);
    let status = wait::end_of(&mut child, LIMIT).expect("it ends");
    assert!(status.success());
    let mut text = String::new();
    let stdout = child.stdout.as_mut().unwrap();
    std::io::Read::read_to_string(stdout, &mut text).unwrap();
    let json: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["status"], "interrupted");
    assert!(json["final"].as_u64().unwrap() > 0);
    natcoin::store::FolderDisk::open(program.path("kept/network/mangart/store")).unwrap();
}
