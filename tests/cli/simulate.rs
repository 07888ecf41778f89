//! `natcoin simulate`: arguments, the form of its result, and that one seed has one course everywhere.

#[cfg(unix)]
use std::io::{BufRead as _, BufReader};
#[cfg(unix)]
use std::process::{Command, Stdio};

use crate::program::Program;

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
        events.starts_with("    0.000000  mangart: starts at height 0\n"),
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
        (&["--nodes", "four"], "usage"),
        (&["--stop-at", "0"], "usage"),
    ] {
        let refused = program.failure(&[&["simulate"], words].concat());
        assert_eq!(refused, (2, code.to_owned()), "{words:?}");
    }
    let (code, json) = program.json(&["simulate", "--seed", "1", "--trace"]);
    assert_eq!((code, &json["error"]["code"]), (2, &"trace_is_text".into()));
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_it_early_with_what_was_done() {
    let program = Program::new();
    let words = ["simulate", "--duration", "24h", "--seed", "1", "--trace"];
    let mut child = program
        .command(&words)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.next().unwrap().unwrap().contains("starts at height"));
    // The shell's own `kill`: not every machine has the program.
    let kill = format!("kill -INT {}", child.id());
    let killed = Command::new("sh").args(["-c", &kill]).status().unwrap();
    assert!(killed.success());
    let all: Vec<String> = lines.map(Result::unwrap).collect();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let result = all.iter().find(|line| line.starts_with("result ")).unwrap();
    assert!(
        result.contains(" in 0 of 1 seeds, ended early; "),
        "{result}"
    );
}
