//! What a running network refuses, and what a node refuses to start from: each with its code and next step.

use std::path::Path;

use crate::program::Program;
use crate::running::{Running, free_port};

#[test]
fn a_bootstrap_file_of_another_network_is_told_apart_from_an_unreachable_one() {
    let program = Program::new();
    let mut devnet = Running::start(&program, &["devnet", "--nodes", "1", "--wallets", "1"]);
    let ready = devnet.line();
    let text = |field: &str| ready[field].as_str().unwrap().to_owned();
    let own = std::fs::read_to_string(text("bootstrap")).unwrap();
    let hash = own.lines().find(|line| line.starts_with("hash")).unwrap();
    let foreign = own.replace(hash, "").replacen("1000.", "1001.", 1);
    program.write("foreign.toml", &foreign);
    let failure = |words: &[&str]| {
        let global = ["--bootstrap", "foreign.toml", "--data-dir"];
        let data = text("data_dir");
        program.json(&[&global[..], &[&data, "--profile", "alice"], words].concat())
    };
    let (code, json) = failure(&["wallet", "balance"]);
    let error = &json["error"];
    assert_eq!(
        (code, &error["code"]),
        (2, &"other_network".into()),
        "{json}"
    );
    assert!(
        error["message"].as_str().unwrap().contains("mangart"),
        "{json}"
    );
    assert!(
        error["hint"].as_str().unwrap().contains("bootstrap.toml"),
        "{json}"
    );
    let (code, nodes) = failure(&["wallet", "nodes"]);
    let problem = nodes["nodes"][0]["problem"].as_str().unwrap();
    assert_eq!(
        (code, problem.contains("foreign genesis")),
        (0, true),
        "{nodes}"
    );
    assert_eq!(devnet.end("-INT"), Some(0));
}

#[test]
fn a_damaged_store_stops_the_node_with_the_way_out() {
    let program = Program::new();
    let port = free_port();
    program.run(&[
        "network", "new", "--nodes", "1", "--dir", "net", "--port", &port,
    ]);
    let start = ["node", "--home", "net/mangart"];
    let mut node = Running::start(&program, &start);
    while node.line()["status"] != "in_step" {}
    assert_eq!(node.end("-TERM"), Some(0));
    let store = program.path("net/mangart/store");
    let damage = |name: &str| {
        let path = store.join(name);
        let whole = std::fs::read(&path).unwrap();
        let mut bytes = whole.clone();
        let end = bytes.len().min(4096);
        bytes[..end].fill(0x55);
        std::fs::write(&path, bytes).unwrap();
        (path, whole)
    };
    let mend = |(path, whole): (std::path::PathBuf, Vec<u8>)| std::fs::write(path, whole).unwrap();
    for name in ["blocks.log", "state.redb", "signed.guard"] {
        let damaged = damage(name);
        assert_eq!(
            program.failure(&start),
            (1, "store_damaged".to_owned()),
            "{name}"
        );
        let (_, json) = program.json(&start);
        let hint = json["error"]["hint"].as_str().unwrap();
        assert!(hint.len() > 20, "{name}: {json}");
        mend(damaged);
    }
    std::fs::remove_file(store.join("signed.guard")).unwrap();
    assert_eq!(program.failure(&start), (1, "store_damaged".to_owned()));
    std::fs::rename(store.join("blocks.log"), store.join("blocks.redb")).unwrap();
    assert_eq!(program.failure(&start), (2, "earlier_version".to_owned()));
}

#[test]
fn whatever_bits_of_a_store_have_changed_its_owner_sees_an_error_and_no_backtrace() {
    let program = Program::new();
    let port = free_port();
    program.run(&[
        "network", "new", "--nodes", "1", "--dir", "net", "--port", &port,
    ]);
    let start = ["node", "--home", "net/mangart"];
    let mut node = Running::start(&program, &start);
    node.line();
    assert_eq!(node.end("-INT"), Some(0));
    for (name, first) in [("state.redb", 4096), ("blocks.log", 16)] {
        let path = program.path("net/mangart/store").join(name);
        let good = std::fs::read(&path).unwrap();
        for stride in [997, 251, 127, 61] {
            let mut bad = good.clone();
            bad.iter_mut()
                .skip(first)
                .step_by(stride)
                .for_each(|byte| *byte ^= 4);
            std::fs::write(&path, bad).unwrap();
            // Also that stderr is empty.
            let refused = program.failure(&start);
            assert_eq!(refused, (1, "store_damaged".to_owned()), "{name}, {stride}");
        }
        std::fs::write(&path, good).unwrap();
    }
}

#[test]
fn a_damaged_journal_of_payments_is_refused_and_left_as_it_is() {
    let program = Program::new();
    let mut devnet = Running::start(&program, &["devnet", "--nodes", "1", "--wallets", "2"]);
    let ready = devnet.line();
    let text = |field: &str| ready[field].as_str().unwrap().to_owned();
    let (file, data, password) = (text("bootstrap"), text("data_dir"), text("password_file"));
    let journal = Path::new(&data).join("wallets/bob/payments.json");
    std::fs::write(&journal, "{\"version\":1").unwrap();
    let arguments = [
        "--bootstrap",
        &file,
        "--data-dir",
        &data,
        "--profile",
        "bob",
        "--password-file",
        &password,
        "wallet",
        "pay",
        "@alice",
        "5",
        "--yes",
    ];
    assert_eq!(
        program.failure(&arguments),
        (1, "journal_damaged".to_owned())
    );
    assert_eq!(std::fs::read(&journal).unwrap(), b"{\"version\":1");
    assert_eq!(devnet.end("-INT"), Some(0));
}
