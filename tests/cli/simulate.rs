//! `natcoin simulate`: arguments, the form of its result, and that one seed has one course everywhere.

#[cfg(target_os = "linux")]
use std::io::Read as _;
#[cfg(unix)]
use std::io::{BufRead as _, BufReader, Lines};
#[cfg(unix)]
use std::process::{Child, ChildStdout, Command, Stdio};
#[cfg(unix)]
use std::time::Duration;

use crate::program::Program;
#[cfg(unix)]
use crate::wait;

/// Longer than anything takes here.
#[cfg(unix)]
const LIMIT: Duration = Duration::from_secs(60);

/// Two small seeds.
const SMALL: [&str; 7] = [
    "simulate",
    "--nodes",
    "3",
    "--duration",
    "2s",
    "--seeds",
    "4..6",
];

#[test]
fn one_seed_has_one_course_in_every_process_and_on_any_number_of_threads() {
    let program = Program::new();
    let figures = |threads: &str| {
        let (code, mut json) = program.json(&[&SMALL[..], &["--threads", threads]].concat());
        assert_eq!((code, &json["status"]), (0, &"ok".into()), "{json}");
        // How long it took on this machine is all that differs.
        let time = json["time"].take();
        let virtual_ms = time["virtual_ms"].as_u64().unwrap();
        assert!(virtual_ms >= 4_000, "{time}");
        (json, virtual_ms, time["events"].clone())
    };
    let one = figures("1");
    assert_eq!(one, figures("1"));
    assert_eq!(one, figures("2"));
    let (_, other) = program.json(&[&SMALL[..5], &["--seeds", "6..8"]].concat());
    assert_ne!(one.0["trace_hash"], other["trace_hash"]);
}

#[test]
fn a_result_names_what_was_run_and_what_held() {
    let program = Program::new();
    let run = program.run(&SMALL);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    for text in [
        "simulated  3 nodes, 8 wallets, chaos; 2 s each, and recovery; seeds 4..6\n",
        "\nresult     every invariant held in 2 seeds; ",
        " times real time, ",
        "\npayments   ",
        "\ntraffic    ",
        "\nfaults     ",
        "\nchecks     ",
        "\ntrace      ",
    ] {
        assert!(run.stdout.contains(text), "no {text:?} in\n{}", run.stdout);
    }
    let (_, json) = program.json(&SMALL);
    let hash = json["trace_hash"].as_str().unwrap();
    assert!(run.stdout.contains(hash), "{}", run.stdout);
    assert_eq!(json["plan"]["nodes"], 3);
    assert_eq!(json["seeds"]["from"], 4);
    assert_eq!(json["seeds"]["done"], 2);
    assert_eq!(json["violations"], serde_json::json!([]));
    assert!(json["invariants"]["durability"].as_u64().unwrap() > 0);
}

#[test]
fn a_trace_tells_every_event_of_the_seed_and_changes_nothing() {
    let program = Program::new();
    let words = [
        "simulate",
        "--nodes",
        "3",
        "--duration",
        "2s",
        "--seed",
        "4",
    ];
    let run = program.run(&[&words[..], &["--trace"]].concat());
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    let (events, summary) = run.stdout.split_once("\nsimulated  ").unwrap();
    assert!(events.lines().count() > 20, "{events}");
    assert!(
        events.contains("\n    0.000000  node 0: starts at height 0\n"),
        "{events}"
    );
    let (_, json) = program.json(&words);
    assert!(summary.contains(json["trace_hash"].as_str().unwrap()));
}

#[test]
fn a_profile_of_the_environment_is_the_wallets() {
    let program = Program::new();
    let words = ["simulate", "--duration", "1s", "--seed", "1"];
    let mut command = program.command(&words);
    let output = command.env("NATCOIN_PROFILE", "alice").output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains(", chaos; "), "{text}");
}

#[test]
fn what_makes_no_sense_is_refused_with_2() {
    let program = Program::new();
    for (words, code) in [
        (&["--nodes", "0"][..], "count_invalid"),
        (&["--profile", "byzantine", "--nodes", "3"], "count_invalid"),
        (&["--wallets", "1"], "count_invalid"),
        (&["--threads", "0"], "count_invalid"),
        (&["--profile", "storm"], "profile_invalid"),
        (&["--seeds", "5..5"], "seeds_invalid"),
        (&["--seeds", "0..10000001"], "seeds_invalid"),
        (&["--duration", "0s"], "duration_invalid"),
        (&["--duration", "25h"], "duration_invalid"),
        (&["--trace"], "trace_of_many"),
        (&["--seeds", "1..5", "--seed", "1"], "usage"),
        (&["--nodes", "four"], "count_invalid"),
        (&["--nodes", "4,,5"], "count_invalid"),
        (&["--nodes", "-4"], "count_invalid"),
        (&["--wallets", "4294967296"], "count_invalid"),
        (&["--threads", "99999999999999999999999"], "count_invalid"),
        (&["--stop-at", "0"], "count_invalid"),
        (&["--seed", "-1"], "seeds_invalid"),
        (
            &["--nodes", "1,2", "--seed", "3", "--trace"],
            "trace_of_many",
        ),
        (&["--plot", "."], "plot_not_written"),
        (&["--plot", "nowhere/x.svg"], "plot_not_written"),
    ] {
        let refused = program.failure(&[&["simulate"], words].concat());
        assert_eq!(refused, (2, code.to_owned()), "{words:?}");
    }
    let (code, json) = program.json(&["simulate", "--seed", "1", "--trace"]);
    assert_eq!((code, &json["error"]["code"]), (2, &"trace_is_text".into()));
}

#[test]
fn sizes_are_a_table_and_a_picture() {
    let program = Program::new();
    let words = ["--duration", "1s", "--seed", "1", "--profile", "lan"];
    let sizes = ["simulate", "--nodes", "1,2", "--plot", "x.svg"];
    let run = program.run(&[&sizes[..], &words].concat());
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    let rows: Vec<&str> = run.stdout.lines().take(3).collect();
    assert!(rows[1].starts_with("1 node ") && rows[2].starts_with("2 nodes "));
    let picture = std::fs::read_to_string(program.path("x.svg")).unwrap();
    assert!(picture.starts_with("<svg ") && picture.ends_with("</svg>\n"));
    let left: Vec<_> = std::fs::read_dir(program.folder()).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
    let (code, json) = program.json(&[&sizes[..], &words].concat());
    assert_eq!((code, &json["status"]), (0, &"ok".into()));
    assert_eq!(
        (&json["wanted"], &json["sizes"][1]["nodes"]),
        (&2.into(), &2.into())
    );
}

/// What a world of that size takes cannot be had by this process.
#[cfg(target_os = "linux")]
#[test]
fn what_does_not_fit_into_memory_is_refused_before_it_begins() {
    let program = Program::new();
    let words = "--nodes 128 --followers 128 --wallets 9999 --output json";
    let line = format!(
        "ulimit -v 2000000; exec {} simulate {words}",
        env!("CARGO_BIN_EXE_natcoin")
    );
    let mut shell = Command::new("sh");
    let output = shell
        .args(["-c", &line])
        .current_dir(program.folder())
        .output()
        .unwrap();
    let run = crate::program::Run::of(output);
    assert_eq!(run.code, 2, "{}", run.stderr);
    let json: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(json["error"]["code"], "memory_short");
    let message = json["error"]["message"].as_str().unwrap();
    assert!(
        message.contains("256 nodes and 9999 wallets on "),
        "{message}"
    );
    assert!(message.ends_with("1953 MiB can be had"), "{message}");
}

#[cfg(unix)]
pub fn interrupt(child: &Child) {
    // The shell's own `kill`: not every machine has the program.
    let kill = format!("kill -INT {}", child.id());
    let killed = Command::new("sh").args(["-c", &kill]).status().unwrap();
    assert!(killed.success());
}

/// The program with its first line; it listens for signals then.
#[cfg(unix)]
fn under_way(program: &Program, words: &[&str]) -> (Child, Lines<BufReader<ChildStdout>>) {
    let mut command = program.command(words);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    (child, lines)
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_it_early_with_what_was_done() {
    let program = Program::new();
    let words = ["simulate", "--duration", "24h", "--seed", "1", "--trace"];
    let (mut child, mut lines) = under_way(&program, &words);
    lines.next().unwrap().unwrap();
    interrupt(&child);
    let all: Vec<String> = lines.map(Result::unwrap).collect();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let result = all.iter().find(|line| line.starts_with("result ")).unwrap();
    assert!(
        result.contains(" in 0 of 1 seeds, ended early; "),
        "{result}"
    );
}

/// Nobody reads its lines, so that the world stands still amid an event, and no first wish can end it.
#[cfg(target_os = "linux")]
#[test]
fn a_second_ctrl_c_ends_it_at_once() {
    let program = Program::new();
    let words = ["simulate", "--duration", "24h", "--seed", "1", "--trace"];
    let (mut child, mut lines) = under_way(&program, &words);
    lines.next().unwrap().unwrap();
    let threads = format!("/proc/{}/task", child.id());
    let waits = || {
        let all = std::fs::read_dir(&threads).unwrap();
        let state = |thread: std::io::Result<std::fs::DirEntry>| {
            std::fs::read_to_string(thread.unwrap().path().join("stat")).unwrap_or_default()
        };
        let mut states = all.map(state);
        states.any(|state| state.contains("(campaign) S "))
    };
    assert!(wait::until(LIMIT, waits));
    // Two signals at one moment are one.
    let has_ended = wait::until(LIMIT, || {
        interrupt(&child);
        child.try_wait().unwrap().is_some()
    });
    assert!(has_ended);
    assert_eq!(child.wait().unwrap().code(), Some(1));
    let mut stderr = String::new();
    let pipe = child.stderr.as_mut().unwrap();
    pipe.read_to_string(&mut stderr).unwrap();
    assert!(stderr.starts_with("error: ended at once"), "{stderr}");
}

#[cfg(unix)]
#[test]
fn sizes_that_are_ended_early_draw_nothing_and_say_so() {
    let program = Program::new();
    program.write("x.svg", "the old one");
    let words = "simulate --nodes 4,5 --duration 24h --seed 1 --plot x.svg --output json";
    let words: Vec<&str> = words.split(' ').collect();
    let (mut child, mut lines) = under_way(&program, &words);
    // The picture's draft is there: it listens.
    let is_there = || std::fs::read_dir(program.folder()).unwrap().count() == 2;
    assert!(wait::until(LIMIT, is_there));
    interrupt(&child);
    let line = lines.next().unwrap().unwrap();
    let json: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(
        (&json["status"], &json["sizes"]),
        (&"interrupted".into(), &serde_json::json!([]))
    );
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let old = std::fs::read_to_string(program.path("x.svg")).unwrap();
    assert_eq!(old, "the old one");
    assert_eq!(std::fs::read_dir(program.folder()).unwrap().count(), 1);
}
