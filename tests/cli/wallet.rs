//! `natcoin wallet`: what needs no network.

use std::io::Write;
use std::process::Stdio;

use crate::program::{Program, Run};

const ALICE: &str = "nat1jvf9d9g8jygys687l5wfwqjx9nuntmahux9wv9v47yctqkr5hpws2mywy5";

fn with_password() -> Program {
    let program = Program::new();
    program.write("password", "correct horse\n");
    program
}

const PASSWORD: [&str; 4] = ["--password-file", "password", "--data-dir", "data"];

#[test]
fn a_wallet_is_made_and_restored_from_its_words() {
    let program = with_password();
    let (code, made) =
        program.json(&[&PASSWORD[..], &["--profile", "bob", "wallet", "new"]].concat());
    assert_eq!(code, 0, "{made}");
    assert_eq!(made["profile"], "bob");
    let words: Vec<&str> = made["words"]
        .as_array()
        .unwrap()
        .iter()
        .map(|w| w.as_str().unwrap())
        .collect();
    assert_eq!(words.len(), 12);
    let run = program.run(&[
        "--data-dir",
        "data",
        "--profile",
        "bob",
        "wallet",
        "address",
    ]);
    assert_eq!(
        run.stdout.trim_end(),
        made["address"],
        "no password is asked for"
    );

    let mut child = program
        .command(
            &[
                &PASSWORD[..],
                &[
                    "--profile",
                    "again",
                    "wallet",
                    "restore",
                    "--output",
                    "json",
                ],
            ]
            .concat(),
        )
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(words.join("\n ").to_uppercase().as_bytes())
        .unwrap();
    let run = Run::of(child.wait_with_output().unwrap());
    let restored: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(restored["address"], made["address"]);
}

#[test]
fn the_words_are_shown_once_and_never_on_stdout_of_the_text_form() {
    let program = with_password();
    let run = program.run(&[&PASSWORD[..], &["wallet", "new", "--yes"]].concat());
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(
        run.stderr.contains(" 12 ") && run.stderr.contains("only now"),
        "{}",
        run.stderr
    );
    assert!(
        run.stdout
            .starts_with("made the wallet default\naddress nat1"),
        "{}",
        run.stdout
    );
    assert_eq!(run.stdout.lines().count(), 2);
}

#[test]
fn a_wallet_is_never_overwritten() {
    let program = with_password();
    let new = [&PASSWORD[..], &["wallet", "new"]].concat();
    let (_, made) = program.json(&new);
    assert_eq!(program.failure(&new), (2, "wallet_exists".to_owned()));
    let restore = [
        &PASSWORD[..],
        &["wallet", "restore", "--development", "alice"],
    ]
    .concat();
    assert_eq!(program.failure(&restore), (2, "wallet_exists".to_owned()));
    let (_, address) = program.json(&["--data-dir", "data", "wallet", "address"]);
    assert_eq!(address["address"], made["address"]);
}

#[test]
fn a_development_wallet_needs_neither_words_nor_password() {
    let program = Program::new();
    let (code, json) = program.json(&[
        "--profile",
        "alice",
        "wallet",
        "restore",
        "--development",
        "alice",
    ]);
    assert_eq!((code, &json["address"]), (0, &ALICE.into()));
    let other = program.failure(&["wallet", "restore", "--development", "mallory"]);
    assert_eq!(other, (2, "development_wallet_unknown".to_owned()));
}

#[test]
fn wrong_words_are_refused_and_nothing_is_made() {
    let program = with_password();
    let words = ["abandon"; 11].join(" ");
    for text in [
        "abandon".to_owned(),
        format!("{words} abandon"),
        format!("{words} frobnicate"),
        format!("{words} about about"),
        String::new(),
        "a".repeat(2000),
    ] {
        program.write("words", &text);
        let restore = [
            &PASSWORD[..],
            &["wallet", "restore", "--words-file", "words"],
        ]
        .concat();
        assert_eq!(
            program.failure(&restore),
            (2, "words_wrong".to_owned()),
            "{text}"
        );
        let run = program.run(&restore);
        assert!(
            !run.stderr.contains("frobnicate"),
            "no typed word is shown: {}",
            run.stderr
        );
    }
    assert!(!program.path("data").exists());
    program.write("words", &format!("{words} about"));
    let restore = [
        &PASSWORD[..],
        &["wallet", "restore", "--words-file", "words"],
    ]
    .concat();
    assert_eq!(program.json(&restore).0, 0);
}

#[test]
fn a_password_comes_from_a_file_or_a_person_and_must_be_long_enough() {
    let program = Program::new();
    let code_of = |arguments: &[&str]| program.failure(arguments);
    assert_eq!(
        code_of(&["wallet", "new"]),
        (2, "password_needed".to_owned())
    );
    assert_eq!(
        code_of(&["wallet", "new", "--password-file", "nowhere"]),
        (2, "file_unreadable".to_owned())
    );
    program.write("short", "1234567\n");
    assert_eq!(
        code_of(&["wallet", "new", "--password-file", "short"]),
        (2, "password_too_short".to_owned())
    );
    program.write("empty", "");
    assert_eq!(
        code_of(&["wallet", "new", "--password-file", "empty"]),
        (2, "password_too_short".to_owned())
    );
    program.write("long", &"x".repeat(2000));
    assert_eq!(
        code_of(&["wallet", "new", "--password-file", "long"]),
        (2, "password_too_long".to_owned())
    );
    std::fs::write(program.path("binary"), [0xff; 9]).unwrap();
    assert_eq!(
        code_of(&["wallet", "new", "--password-file", "binary"]),
        (2, "file_unreadable".to_owned())
    );
    program.write("good", "12345678");
    let mut command = program.command(&["wallet", "new", "--output", "json"]);
    let run = Run::of(
        command
            .env("NATCOIN_PASSWORD_FILE", "good")
            .output()
            .unwrap(),
    );
    assert_eq!(run.code, 0, "{}", run.stdout);
}

#[test]
fn a_missing_or_misnamed_wallet_and_a_damaged_keystore_are_told_apart() {
    let program = with_password();
    let address = ["--data-dir", "data", "wallet", "address"];
    assert_eq!(program.failure(&address), (2, "wallet_missing".to_owned()));
    let misnamed = [&address[..], &["--profile", "../x"]].concat();
    assert_eq!(
        program.failure(&misnamed),
        (2, "profile_invalid".to_owned())
    );
    program.json(&[&PASSWORD[..], &["wallet", "new"]].concat());
    let keystore = program.path("data/wallets/default/keystore.json");
    std::fs::write(keystore, "{}").unwrap();
    assert_eq!(
        program.failure(&address),
        (1, "keystore_damaged".to_owned())
    );
}
