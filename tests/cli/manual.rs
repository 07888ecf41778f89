//! What the program says of itself: error codes, completions, manual pages.

use std::fs;

use crate::program::Program;

#[test]
fn every_error_code_can_be_looked_up() {
    let program = Program::new();
    let (code, table) = program.json(&["errors"]);
    let lines = table["errors"].as_array().unwrap();
    assert_eq!(code, 0);
    assert!(lines.len() > 100, "{}", lines.len());
    let (code, one) = program.json(&["errors", "paused"]);
    assert_eq!(code, 0);
    assert_eq!(one["errors"][0]["exits"][0], 5);
    let text = program.run(&["errors", "paused"]).stdout;
    assert!(
        text.starts_with("paused (exit 5)\n  too few nodes"),
        "{text}"
    );
    let refused = program.failure(&["errors", "nonsense"]);
    assert_eq!(refused, (2, "usage".to_owned()));
}

#[test]
fn every_shell_gets_completions_of_every_command() {
    let program = Program::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let run = program.run(&["completions", shell]);
        assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{shell}");
        for word in ["receipt", "verify", "doctor", "--bootstrap"] {
            let word = word.trim_start_matches("--");
            assert!(run.stdout.contains(word), "{shell}: no {word}");
        }
    }
    assert_eq!(
        program.failure(&["completions", "dos"]),
        (2, "usage".to_owned())
    );
    let (_, json) = program.json(&["completions", "bash"]);
    assert_eq!(json["shell"], "bash");
}

#[cfg(unix)]
#[test]
fn bash_completes_a_command_with_the_script() {
    let program = Program::new();
    let script = program.run(&["completions", "bash"]).stdout;
    let script = program.write("natcoin.bash", &script);
    let ask = format!(
        "source {}; COMP_WORDS=(natcoin wallet rec); COMP_CWORD=2; _natcoin natcoin rec wallet; echo \"${{COMPREPLY[@]}}\"",
        script.display()
    );
    let output = std::process::Command::new("bash")
        .args(["--norc", "-c", &ask])
        .output()
        .expect("a bash");
    let given = String::from_utf8_lossy(&output.stdout);
    assert_eq!(given.trim(), "receipt", "{output:?}");
}

#[test]
fn a_manual_page_is_written_for_every_command() {
    let program = Program::new();
    let run = program.run(&["man"]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    assert!(run.stdout.contains(".TH natcoin 1"), "{}", run.stdout);
    assert!(run.stdout.contains("Exit codes."));
    let (code, written) = program.json(&["man", "--out", "pages"]);
    assert_eq!(code, 0, "{written}");
    let files = written["files"].as_array().unwrap();
    assert!(files.len() > 30, "{written}");
    for page in ["natcoin.1", "natcoin-wallet-pay.1", "natcoin-node-status.1"] {
        let text = fs::read_to_string(program.path("pages").join(page)).unwrap();
        assert!(text.contains(".SH NAME"), "{page}");
    }
    program.write("file", "");
    assert_eq!(
        program.failure(&["man", "--out", "file"]),
        (1, "io".to_owned())
    );
}
