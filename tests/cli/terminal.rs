//! What a person at a terminal is asked: under `script`, which gives the program a terminal of its own.
//!
//! That a password is not echoed is not tried here: the library turns the echo off just after it asks, and
//! these tests answer faster than a person can.

use std::io::{BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use crate::program::Program;

/// A program at a terminal.
struct Terminal {
    child: Child,
    keys: ChildStdin,
    screen: BufReader<ChildStdout>,
    seen: String,
}

impl Terminal {
    fn start(program: &Program, arguments: &[&str]) -> Self {
        Self::start_as(program, "dumb", arguments)
    }

    /// A terminal of a kind, 100 letters wide.
    fn start_as(program: &Program, kind: &str, arguments: &[&str]) -> Self {
        // In the shell's place, which would have its own view of Ctrl-C.
        let exec = ["stty cols 100;", "exec", env!("CARGO_BIN_EXE_natcoin")];
        let line = [&exec, arguments].concat();
        let mut child = std::process::Command::new("script")
            .args(["-qfec", &line.join(" "), "/dev/null"])
            .current_dir(program.folder())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", program.folder())
            .env("TERM", kind)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("`script` of util-linux is there");
        let keys = child.stdin.take().unwrap();
        let screen = BufReader::new(child.stdout.take().unwrap());
        let seen = String::new();
        Self {
            child,
            keys,
            screen,
            seen,
        }
    }

    /// Reads on until this is on the screen, and gives what came since the last time.
    fn until(&mut self, text: &str) -> String {
        while !self.seen.contains(text) {
            let mut byte = [0];
            let read = self.screen.read(&mut byte).unwrap();
            assert_ne!(read, 0, "{text:?} does not come: {}", self.seen);
            self.seen.push(char::from(byte[0]));
        }
        std::mem::take(&mut self.seen)
    }

    fn answer(&mut self, text: &str) {
        self.keys.write_all(format!("{text}\n").as_bytes()).unwrap();
    }

    fn end(mut self) -> i32 {
        self.child.wait().unwrap().code().unwrap_or(-1)
    }
}

/// The number after `word ` at the end of the question.
fn place(question: &str) -> usize {
    let (_, number) = question.rsplit_once("word ").unwrap();
    number.trim_end_matches(": ").parse().unwrap()
}

#[test]
fn who_mistypes_is_asked_again_and_a_wallet_is_made_when_the_words_are_repeated() {
    let program = Program::new();
    let mut terminal = Terminal::start(&program, &["wallet", "new"]);
    for (first, second) in [
        ("Zlatorog 99", "Zlatorog 9"),
        ("Zlatorog 99", "Zlatorog 99"),
    ] {
        terminal.until("New password for the wallet default: ");
        terminal.answer(first);
        terminal.until("The same again: ");
        terminal.answer(second);
    }
    let shown = terminal.until("To check your paper");
    assert!(shown.contains("only now"), "{shown}");
    let cells: Vec<&str> = shown.split_whitespace().collect();
    let word = |place: usize| {
        let at = cells.iter().rposition(|cell| *cell == place.to_string());
        cells[at.unwrap() + 1].to_owned()
    };
    terminal.until(": ");
    terminal.answer("nonsense");
    assert!(terminal.until("look again.").contains("another word"));
    for _ in 0..3 {
        terminal.until("To check your paper, ");
        let question = terminal.until(": ");
        terminal.answer(&word(place(&question)));
    }
    terminal.until("made the wallet default");
    assert_eq!(terminal.end(), 0);
}

#[test]
fn who_ends_the_input_at_a_question_gets_no_wallet() {
    let program = Program::new();
    let mut terminal = Terminal::start(&program, &["wallet", "new"]);
    terminal.until("New password for the wallet default: ");
    terminal.answer("Zlatorog 99");
    terminal.until("The same again: ");
    terminal.answer("Zlatorog 99");
    terminal.until("To check your paper, word ");
    terminal.until(": ");
    terminal.keys.write_all(&[4]).unwrap();
    terminal.until("cancelled: nothing was done");
    assert_eq!(terminal.end(), 2);
    let (_, json) = program.json(&["wallet", "address"]);
    assert_eq!(json["error"]["code"], "wallet_missing", "{json}");
}

#[test]
fn a_list_of_nodes_that_is_watched_stands_in_its_place() {
    let program = Program::new();
    let nobody = [
        "--bootstrap",
        "net/bootstrap.toml",
        "wallet",
        "nodes",
        "--watch",
    ];
    let port = crate::running::free_port();
    let made = program.run(&[
        "network", "new", "--nodes", "1", "--dir", "net", "--port", &port,
    ]);
    assert_eq!(made.code, 0, "{}", made.stderr);
    let mut terminal = Terminal::start(&program, &nobody);
    terminal.until("not reachable");
    let again = terminal.until("0 of 1 nodes are up, 1 needed: paused; nothing is lost");
    assert!(
        !again.contains("mangart"),
        "the list is shown once: {again}"
    );
    // Ctrl-C.
    terminal.keys.write_all(b"\x03").unwrap();
    assert_eq!(terminal.end(), 0);
}

#[test]
fn a_node_on_a_terminal_shows_in_one_line_how_it_is() {
    let program = Program::new();
    let port = crate::running::free_port();
    let made = program.run(&[
        "network", "new", "--nodes", "1", "--dir", "net", "--port", &port,
    ]);
    assert_eq!(made.code, 0, "{}", made.stderr);
    let node = ["node", "--home", "net/mangart"];
    let mut terminal = Terminal::start_as(&program, "xterm", &node);
    // What was always printed is printed still, above the line.
    terminal.until(" listens on ");
    terminal.until("in step");
    terminal.until("at height 0");
    terminal.until("1 of 1 up, stands no failure");
    terminal.until("0 peers");
    terminal.keys.write_all(b"\x03").unwrap();
    terminal.until("ended at height");
    assert_eq!(terminal.end(), 0);
    // Where nobody looks there is no such line.
    let mut plain = Terminal::start(&program, &[&node[..], &["2>log"]].concat());
    let shown = plain.until("1 of 1 nodes are up");
    assert!(!shown.contains("stands no failure \u{b7}"), "{shown}");
    plain.keys.write_all(b"\x03").unwrap();
    plain.until("ended at height");
    assert_eq!(plain.end(), 0);
    let log = std::fs::read_to_string(program.path("log")).unwrap();
    assert!(!log.contains("peers"), "{log}");
}
