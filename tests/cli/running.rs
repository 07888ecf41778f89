//! `natcoin devnet` and `natcoin node`: what runs until it is told to end.

use std::io::{BufRead, BufReader};
use std::net::{TcpListener, UdpSocket};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::program::Program;
use crate::wait::end_of;

/// A running program whose lines are read; it is killed if the test ends early.
pub struct Running {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Running {
    pub fn start(program: &Program, arguments: &[&str]) -> Self {
        let mut child = program
            .command(&[arguments, &["--output", "json"]].concat())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Self { child, lines }
    }

    /// The next line, `Null` at the end.
    pub fn line(&mut self) -> Value {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or(Value::Null)
    }

    /// Sends a signal and gives the exit code; it must end within two seconds.
    pub fn end(&mut self, signal: &str) -> Option<i32> {
        let pid = self.child.id().to_string();
        assert!(
            // The shell's own `kill`: not every machine has the program.
            Command::new("sh")
                .args(["-c", &format!("kill {signal} {pid}")])
                .status()
                .unwrap()
                .success()
        );
        let status = end_of(&mut self.child, Duration::from_secs(2));
        status.expect("it ends within two seconds").code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The first of two ports in a row that nobody uses now.
pub fn free_port() -> String {
    let is_free = |port: u16| {
        TcpListener::bind(("127.0.0.1", port)).is_ok()
            && UdpSocket::bind(("127.0.0.1", port)).is_ok()
    };
    let found = || {
        // None that the system gives to whoever dials: such a one may be taken before it is used.
        let port = rand::random_range(20_000..32_000);
        (port < u16::MAX && is_free(port) && is_free(port + 1)).then_some(port)
    };
    std::iter::repeat_with(found)
        .take(100)
        .flatten()
        .next()
        .expect("free ports")
        .to_string()
}

#[test]
fn devnet_says_ready_serves_and_ends_on_a_signal_without_a_trace() {
    let program = Program::new();
    let mut devnet = Running::start(&program, &["devnet", "--nodes", "2", "--wallets", "2"]);
    let ready = devnet.line();
    assert_eq!(ready["status"], "ready", "{ready}");
    assert_eq!(ready["nodes"].as_array().unwrap().len(), 2);
    assert_eq!(ready["wallets"][1]["profile"], "bob");
    assert_eq!(ready["wallets"][1]["name"], "bob");
    let text = |field: &str| ready[field].as_str().unwrap().to_owned();
    let (data_dir, bootstrap) = (text("data_dir"), text("bootstrap"));
    assert!(Path::new(&text("password_file")).is_file());
    let (code, address) = program.json(&[
        "--data-dir",
        &data_dir,
        "--profile",
        "bob",
        "wallet",
        "address",
    ]);
    assert_eq!(
        (code, &address["address"]),
        (0, &ready["wallets"][1]["address"])
    );
    let (code, shown) = program.json(&["--bootstrap", &bootstrap, "network", "show"]);
    assert_eq!((code, &shown["supply"]), (0, &"2000.00000000".into()));
    assert_eq!(devnet.end("-INT"), Some(0));
    assert!(
        !Path::new(&text("dir")).exists(),
        "a temporary devnet leaves nothing"
    );
}

#[test]
fn a_devnet_with_a_folder_is_kept_and_taken_up_again() {
    let program = Program::new();
    let arguments = ["devnet", "--nodes", "1", "--wallets", "1", "--dir", "dev"];
    let mut first = Running::start(&program, &arguments);
    let before = first.line();
    assert_eq!(first.end("-TERM"), Some(0));
    let mut again = Running::start(&program, &arguments);
    let after = again.line();
    assert_eq!(after, before);
    assert_eq!(again.end("-INT"), Some(0));
}

#[test]
fn a_devnet_does_not_settle_among_other_files() {
    let program = Program::new();
    let home = program.path("home");
    std::fs::create_dir(&home).unwrap();
    std::fs::write(home.join("password"), "of something else").unwrap();
    for folder in ["home", "home/password"] {
        let refused = program.failure(&["devnet", "--dir", folder]);
        assert_eq!(refused, (2, "folder_not_empty".to_owned()));
    }
    let password = std::fs::read_to_string(home.join("password")).unwrap();
    assert_eq!(password, "of something else");
    assert_eq!(std::fs::read_dir(&home).unwrap().count(), 1);
}

#[test]
fn impossible_devnets_are_refused() {
    let program = Program::new();
    for arguments in [
        ["devnet", "--nodes", "0"],
        ["devnet", "--nodes", "17"],
        ["devnet", "--wallets", "65"],
    ] {
        assert_eq!(program.failure(&arguments), (2, "count_invalid".to_owned()));
    }
}

#[test]
fn nodes_say_when_they_listen_and_when_they_are_in_step() {
    let program = Program::new();
    let port = free_port();
    let made = program.run(&[
        "network", "new", "--nodes", "2", "--dir", "net", "--port", &port,
    ]);
    assert_eq!(made.code, 0, "{}", made.stderr);
    let mut nodes = ["net/mangart", "net/triglav"]
        .map(|home| Running::start(&program, &["node", "--home", home]));
    for (node, name) in nodes.iter_mut().zip(["mangart", "triglav"]) {
        let listening = node.line();
        assert_eq!(
            (&listening["status"], &listening["name"]),
            (&"listening".into(), &name.into())
        );
        assert_eq!(listening["addresses"].as_array().unwrap().len(), 2);
        assert!(
            listening["resilience"]
                .as_str()
                .unwrap()
                .contains("stands no failure")
        );
    }
    for node in &mut nodes {
        let in_step = node.line();
        assert_eq!(
            (&in_step["status"], &in_step["validators_up"]),
            (&"in_step".into(), &2.into())
        );
    }
    let (code, status) = program.json(&["node", "status", "--home", "net/mangart"]);
    assert_eq!(
        (code, &status["name"], &status["validators_up"]),
        (0, &"mangart".into(), &2.into()),
        "{status}"
    );
    let in_use = program.failure(&["node", "--home", "net/mangart"]);
    assert_eq!(in_use, (6, "home_in_use".to_owned()));
    for node in &mut nodes {
        assert_eq!(node.end("-TERM"), Some(0));
    }
    assert_eq!(
        program.failure(&["node", "status", "--home", "net/mangart"]),
        (3, "node_not_running".to_owned())
    );
}

#[test]
fn a_port_in_use_is_named() {
    let program = Program::new();
    let port = free_port();
    program.run(&[
        "network", "new", "--nodes", "1", "--dir", "net", "--port", &port,
    ]);
    let _taken = TcpListener::bind(format!("127.0.0.1:{port}")).unwrap();
    assert_eq!(
        program.failure(&["node", "--home", "net/mangart"]),
        (6, "port_in_use".to_owned())
    );
    let run = program.run(&["node", "--home", "net/mangart"]);
    assert!(run.stderr.contains(&port), "{}", run.stderr);
}

#[test]
fn a_payment_on_a_devnet_is_final_and_proven_and_refusals_have_their_codes() {
    let program = Program::new();
    let mut devnet = Running::start(&program, &["devnet", "--wallets", "2"]);
    let ready = devnet.line();
    let text = |field: &str| ready[field].as_str().unwrap().to_owned();
    let (file, data, password) = (text("bootstrap"), text("data_dir"), text("password_file"));
    let of = |profile: &str, words: &[&str]| {
        let global = [
            "--bootstrap",
            &file,
            "--data-dir",
            &data,
            "--profile",
            profile,
        ];
        let all = [&global[..], words, &["--password-file", &password]].concat();
        program.json(&all)
    };
    let (code, paid) = of(
        "bob",
        &["wallet", "pay", "@alice", "5", "--memo", "hi", "--yes"],
    );
    assert_eq!((code, &paid["status"]), (0, &"final".into()), "{paid}");
    assert_eq!(paid["validators"], 4);
    assert!(paid["signed_by"].as_u64().unwrap() >= 3);
    for (profile, balance) in [("bob", "995.00000000"), ("alice", "1005.00000000")] {
        let (code, shown) = of(profile, &["wallet", "balance"]);
        assert_eq!((code, &shown["balance"]), (0, &balance.into()));
        assert_eq!(
            (&shown["name"], &shown["proven"]),
            (&profile.into(), &true.into())
        );
        let (_, history) = of(profile, &["wallet", "history"]);
        assert_eq!(history["complete"], true);
        let newest = &history["entries"][0];
        assert_eq!(newest["transaction"], paid["transaction"]);
        assert_eq!(
            (&newest["memo"], &newest["memo_kind"]),
            (&"hi".into(), &"private".into())
        );
    }
    let seen = Path::new(&data).join("wallets/bob/seen");
    let seen = std::fs::read_dir(seen).unwrap().next().unwrap().unwrap();
    let height = std::fs::read_to_string(seen.path()).unwrap();
    assert!(height.trim_end().parse::<u64>().unwrap() >= paid["height"].as_u64().unwrap());
    std::fs::write(seen.path(), "nonsense").unwrap();
    let (code, json) = of("bob", &["wallet", "balance"]);
    assert_eq!((code, &json["error"]["code"]), (1, &"seen_damaged".into()));
    std::fs::remove_file(seen.path()).unwrap();
    let (code, nodes) = of("bob", &["wallet", "nodes"]);
    assert_eq!((code, &nodes["validators_up"]), (0, &4.into()), "{nodes}");
    let id = paid["transaction"].as_str().unwrap();
    let (code, shown) = of("bob", &["explore", "transaction", id]);
    let closed = "private memo, not readable with this key";
    assert_eq!((code, &shown["memo"]), (0, &closed.into()));
    let (code, owner) = of("bob", &["explore", "name", "alice"]);
    assert_eq!((code, &owner["balance"]), (0, &"1005.00000000".into()));

    let refused = |words: &[&str], exit: i32, error: &str| {
        let (code, json) = of("bob", &[&["wallet"], words, &["--yes"]].concat());
        assert_eq!(
            (code, &json["error"]["code"]),
            (exit, &error.into()),
            "{json}"
        );
    };
    refused(&["pay", "@nobody", "5"], 4, "name_unknown");
    refused(&["pay", "@bob", "5"], 4, "own_address");
    refused(&["pay", "@alice", "5000"], 4, "insufficient_funds");
    refused(&["pay", "@alice", "0"], 2, "amount_invalid");
    refused(&["pay", "@alice", "-5"], 2, "amount_invalid");
    refused(&["pay", "@alice", "0.000000001"], 2, "amount_invalid");
    refused(&["pay", "alice", "5"], 2, "payee_invalid");
    refused(
        &["pay", "@alice", "5", "--memo", &"x".repeat(226)],
        2,
        "memo_too_long",
    );
    refused(&["name", "bobby"], 4, "already_named");
    let wrong = program.write("wrong", "not the password");
    let (code, json) = program.json(&[
        "--bootstrap",
        &file,
        "--data-dir",
        &data,
        "--profile",
        "bob",
        "--password-file",
        wrong.to_str().unwrap(),
        "wallet",
        "pay",
        "@alice",
        "5",
        "--yes",
    ]);
    assert_eq!(
        (code, &json["error"]["code"]),
        (6, &"password_wrong".into())
    );
    let (_, unchanged) = of("bob", &["wallet", "balance"]);
    assert_eq!(unchanged["balance"], "995.00000000");

    let kept = program.path("kept.toml");
    std::fs::copy(&file, &kept).unwrap();
    assert_eq!(devnet.end("-INT"), Some(0));
    let (code, json) = program.json(&[
        "--bootstrap",
        kept.to_str().unwrap(),
        "explore",
        "name",
        "alice",
    ]);
    assert_eq!(
        (code, &json["error"]["code"]),
        (3, &"no_node_reachable".into())
    );
}

#[test]
fn a_list_of_nodes_that_is_watched_follows_what_becomes_of_them() {
    let program = Program::new();
    let port = free_port();
    let made = program.run(&[
        "network", "new", "--nodes", "2", "--dir", "net", "--port", &port,
    ]);
    assert_eq!(made.code, 0, "{}", made.stderr);
    let mut nodes = ["net/mangart", "net/triglav"]
        .map(|home| Running::start(&program, &["node", "--home", home]));
    for node in &mut nodes {
        while node.line()["status"] != "in_step" {}
    }
    let watch = [
        "--bootstrap",
        "net/bootstrap.toml",
        "wallet",
        "nodes",
        "--watch",
    ];
    let mut watch = Running::start(&program, &watch);
    let used = |list: &Value| {
        let nodes = list["nodes"].as_array().unwrap().iter();
        let mut used: Vec<_> = nodes.map(|node| node["used_as"].clone()).collect();
        used.sort_by_key(Value::to_string);
        used
    };
    let both = loop {
        let list = watch.line();
        if used(&list) == ["active", "standby"] {
            break list;
        }
    };
    assert_eq!(both["status"], "ok");
    let active = both["nodes"].as_array().unwrap();
    let active = active.iter().position(|node| node["used_as"] == "active");
    let active = active.unwrap();
    assert_eq!(nodes[active].end("-TERM"), Some(0));
    let after = loop {
        let list = watch.line();
        if list["nodes"][1 - active]["used_as"] == "active" {
            break list;
        }
    };
    assert_eq!(after["status"], "paused", "{after}");
    assert_eq!(after["nodes"][active]["reachable"], false, "{after}");
    assert_eq!(watch.end("-INT"), Some(0));
}
