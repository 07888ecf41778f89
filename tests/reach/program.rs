//! The program itself, as people run it: two nodes in town, and two wallets at home that reach each other.

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
};

use serde_json::Value;

use super::{
    lab::{Lab, Machine, Nat},
    switch::Weather,
};

const PROGRAM: &str = env!("CARGO_BIN_EXE_natcoin");

/// A program that runs until it is dropped. Its output stays open: who cannot write ends.
struct Running(Child, BufReader<ChildStdout>);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn program(lab: &Lab, machine: Machine, folder: &Path, words: &[&str]) -> Command {
    let mut command = lab.namespace(machine).command(PROGRAM);
    command
        .args(words)
        .args(["--output", "json"])
        .current_dir(folder)
        .env("HOME", folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    command
}

/// Starts a program and reads its first line of JSON.
fn start(mut command: Command) -> (Running, Value) {
    let mut child = command.spawn().unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    let mut running = Running(child, output);
    let mut line = String::new();
    running.1.read_line(&mut line).unwrap();
    let said = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{line:?}: {error}"));
    (running, said)
}

/// The exit code of a program and its line of JSON.
fn run(mut command: Command) -> (Option<i32>, Value) {
    let output = command.output().unwrap();
    let said = serde_json::from_slice(&output.stdout).unwrap();
    (output.status.code(), said)
}

#[test]
fn two_wallets_behind_routers_reach_each_other_with_the_program() {
    if !Lab::is_possible() {
        return;
    }
    let mut lab = Lab::new(Weather::FAIR);
    let town = [lab.add(Nat::None), lab.add(Nat::None)];
    let (here, there) = (lab.add(Nat::PortRestricted), lab.add(Nat::PortRestricted));
    let strict = lab.add(Nat::Symmetric);
    let folder = tempfile::tempdir().unwrap();
    let at: Vec<String> = town
        .iter()
        .map(|machine| lab.public(*machine).to_string())
        .collect();
    let words = [
        "network",
        "new",
        "--nodes",
        "2",
        "--dir",
        "net",
        "--name",
        "village",
        "--address",
        &at[0],
        "--address",
        &at[1],
    ];
    let (code, made) = run(program(&lab, town[0], folder.path(), &words));
    assert_eq!(code, Some(0), "{made}");
    let _nodes: Vec<Running> = town
        .iter()
        .zip(made["nodes"].as_array().unwrap())
        .map(|(machine, node)| {
            let home = node["home"].as_str().unwrap();
            start(program(
                &lab,
                *machine,
                folder.path(),
                &["node", "--home", home],
            ))
            .0
        })
        .collect();
    let wallet = |machine: Machine, words: &[&str]| {
        let all = [
            &[
                "--bootstrap",
                "net/bootstrap.toml",
                "--data-dir",
                "wallets",
                "wallet",
                "reach",
            ],
            words,
        ];
        program(&lab, machine, folder.path(), &all.concat())
    };
    let (staying, found) = start(wallet(there, &["--stay"]));
    assert_eq!(found["status"], "ok", "{found}");
    assert_eq!(found["relayed"].as_array().unwrap().len(), 2, "{found}");
    assert_eq!(found["public"].as_array().unwrap().len(), 0, "{found}");
    let peer = found["peer_id"].as_str().unwrap();
    let (code, reached) = run(wallet(here, &[peer]));
    assert_eq!(
        (code, &reached["route"]),
        (Some(0), &"hole punched".into()),
        "{reached}"
    );
    let (code, reached) = run(wallet(strict, &[peer]));
    assert_eq!(
        (code, &reached["route"]),
        (Some(0), &"relayed".into()),
        "{reached}"
    );
    let (code, refused) = run(wallet(here, &["bob"]));
    assert_eq!(
        (code, &refused["error"]["code"]),
        (Some(2), &"peer_invalid".into()),
        "{refused}"
    );
    drop(staying);
    let (code, refused) = run(wallet(here, &[peer]));
    assert_eq!(
        (code, &refused["error"]["code"]),
        (Some(3), &"peer_unreachable".into()),
        "{refused}"
    );
}
