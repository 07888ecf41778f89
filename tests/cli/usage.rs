//! Arguments, help, and where what is printed goes.

use std::io::Read;
use std::process::Stdio;

use crate::program::{Program, Run};

#[test]
fn wrong_arguments_end_with_2_in_text_and_in_json() {
    let program = Program::new();
    for arguments in [
        &["frobnicate"][..],
        &["network", "show", "--frobnicate"],
        &["network", "new"],
        &["network", "new", "--dir", "x", "--port", "0"],
        &["network", "new", "--dir", "x", "--nodes", "four"],
        &["wallet", "restore", "--words-file"],
        &["wallet", "new", "--password", "secret"],
    ] {
        assert_eq!(program.failure(arguments), (2, "usage".to_owned()));
    }
    assert!(!program.path("x").exists());
}

#[test]
fn the_json_form_is_kept_wherever_it_is_asked_for() {
    let program = Program::new();
    for arguments in [
        &["--output", "json", "frobnicate"][..],
        &["--output=json", "network", "show", "--what"],
        &["network", "--output=json"],
        &["explore", "--output", "json"],
        &["--output", "json"],
    ] {
        let run = program.run(arguments);
        assert_eq!(run.code, 2, "{arguments:?}");
        let json: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
        assert_eq!(json["error"]["code"], "usage", "{arguments:?}");
        assert_ne!(json["error"]["hint"], "", "{arguments:?}");
    }
    let mut command = program.command(&["frobnicate"]);
    let run = Run::of(command.env("NATCOIN_OUTPUT", "json").output().unwrap());
    let golden =
        r#"{"error":{"code":"usage","message":"unrecognized subcommand 'frobnicate'","hint":""#;
    assert!(run.stdout.starts_with(golden), "{}", run.stdout);
}

#[test]
fn help_and_version_are_results_and_no_errors() {
    let program = Program::new();
    for arguments in [
        &["--help"][..],
        &["network", "--help"],
        &["help"],
        &["--version"],
        &["network", "new", "-h"],
    ] {
        let run = program.run(arguments);
        assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{arguments:?}");
        assert!(!run.stdout.is_empty());
    }
    let (code, json) = program.json(&["--version"]);
    assert_eq!(
        (code, &json["version"]),
        (0, &env!("CARGO_PKG_VERSION").into())
    );
    let (code, json) = program.json(&["--help"]);
    assert_eq!(code, 0);
    assert!(json["help"].as_str().unwrap().contains("network"));
}

#[test]
fn global_options_stand_before_or_after_the_command_or_in_the_environment() {
    let program = Program::new();
    let after = program.run(&["network", "show", "--output", "json"]);
    assert_eq!(after.code, 0);
    for arguments in [
        &["--output", "json", "network", "show"][..],
        &["network", "--output", "json", "show"],
        &["--output=json", "-q", "network", "show", "-v", "-y"],
    ] {
        assert_eq!(program.run(arguments).stdout, after.stdout, "{arguments:?}");
    }
    let mut command = program.command(&["network", "show"]);
    command
        .env("NATCOIN_OUTPUT", "json")
        .env("NATCOIN_YES", "1")
        .env("NATCOIN_QUIET", "0");
    let run = Run::of(command.output().unwrap());
    assert_eq!(run.stdout, after.stdout);
    let mut command = program.command(&["network", "show", "--output", "text"]);
    let run = Run::of(command.env("NATCOIN_OUTPUT", "json").output().unwrap());
    assert!(
        run.stdout.starts_with("network  natcoin-local"),
        "the argument wins: {}",
        run.stdout
    );
}

#[test]
fn what_is_piped_has_no_colours() {
    let program = Program::new();
    let run = program.run(&["network", "show"]);
    assert!(!run.stdout.contains('\u{1b}'));
    let run = program.run(&["frobnicate"]);
    assert!(!run.stderr.contains('\u{1b}'));
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let program = Program::new();
    for form in ["text", "json"] {
        let mut child = program
            .command(&["network", "show", "--output", form])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // The pipe is closed before, or at the latest while, the program writes.
        drop(child.stdout.take());
        let mut stderr = String::new();
        child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut stderr)
            .unwrap();
        assert_eq!(stderr, "");
        assert_eq!(child.wait().unwrap().code(), Some(0));
    }
}

#[test]
fn the_help_of_every_command_fits_a_narrow_terminal() {
    let program = Program::new();
    let commands = [
        "",
        "devnet",
        "simulate",
        "bench",
        "network",
        "network new",
        "network found",
        "network show",
        "network verify",
        "node",
        "node id",
        "node status",
        "node directory",
        "wallet",
        "wallet new",
        "wallet restore",
        "wallet address",
        "wallet balance",
        "wallet pay",
        "wallet history",
        "wallet watch",
        "wallet name",
        "wallet nodes",
        "wallet directory",
        "wallet request",
        "wallet dealings",
        "wallet decline",
        "wallet withdraw",
        "wallet take",
        "wallet thank",
        "wallet reach",
        "wallet receipt",
        "verify",
        "errors",
        "completions",
        "man",
        "doctor",
        "wallet shell",
        "explore",
        "explore block",
        "explore transaction",
        "explore account",
        "explore name",
    ];
    for command in commands {
        let words: Vec<&str> = command.split_whitespace().chain(["--help"]).collect();
        let run = program.run(&words);
        assert_eq!((run.code, &*run.stderr), (0, ""), "{command}");
        for line in run.stdout.lines() {
            assert!(line.chars().count() <= 80, "{command}: {line}");
        }
    }
}

/// A script must not take a result that it could not keep for one that did not happen without a word.
#[cfg(target_os = "linux")]
#[test]
fn a_result_that_cannot_be_written_is_told_on_stderr() {
    let program = Program::new();
    for form in ["text", "json"] {
        let full = std::fs::File::options().write(true).open("/dev/full");
        let output = program
            .command(&["network", "show", "--output", form])
            .stdout(full.unwrap())
            .output()
            .unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(
            stderr.contains("cannot write the result"),
            "{form}: {stderr}"
        );
    }
}
