//! `natcoin network` and `natcoin node id`.

use crate::program::Program;

const EMBEDDED: &str = include_str!("../../bootstrap.toml");
const ALICE: &str = "nat1jvf9d9g8jygys687l5wfwqjx9nuntmahux9wv9v47yctqkr5hpws2mywy5";

#[test]
fn the_built_in_network_is_shown_without_any_file() {
    let program = Program::new();
    let (code, json) = program.json(&["network", "show"]);
    assert_eq!(code, 0);
    assert_eq!(json["status"], "ok");
    assert_eq!(json["network"], "natcoin-local");
    assert!(EMBEDDED.contains(json["genesis"].as_str().unwrap()));
    assert_eq!(json["nodes"][3]["name"], "razor");
    assert_eq!(json["nodes"][3]["addresses"][1], "/ip4/127.0.0.1/tcp/18003");
    assert_eq!(json["supply"], "3000.00000000");
    assert_eq!(
        (&json["quorum"], &json["tolerated_failures"]),
        (&3.into(), &1.into())
    );
    let run = program.run(&["network", "show"]);
    assert!(
        run.stdout
            .ends_with("This network of 4 nodes stands 1 failure; 3 must be up\n"),
        "{}",
        run.stdout
    );
}

#[test]
fn a_new_network_is_made_shown_and_verified() {
    let program = Program::new();
    let account = format!("{ALICE}=1000.5@alice");
    let (code, made) = program.json(&[
        "network",
        "new",
        "--nodes",
        "4",
        "--dir",
        "net",
        "--name",
        "village",
        "--account",
        &account,
    ]);
    assert_eq!(code, 0, "{made}");
    assert_eq!(made["bootstrap"], "net/bootstrap.toml");
    assert_eq!(made["nodes"][1]["name"], "triglav");
    assert_eq!(made["nodes"][1]["home"], "net/triglav");
    assert_eq!(made["accounts"][0]["balance"], "1000.50000000");
    assert_eq!(made["founder"], serde_json::Value::Null);
    let file = ["--bootstrap", "net/bootstrap.toml"];
    let (code, shown) = program.json(&[&file[..], &["network", "show"]].concat());
    assert_eq!((code, &shown["genesis"]), (0, &made["genesis"]));
    assert_eq!(shown["accounts"][0]["name"], "alice");
    let genesis = made["genesis"].as_str().unwrap();
    let (code, verified) =
        program.json(&[&file[..], &["network", "verify", "--genesis", genesis]].concat());
    assert_eq!((code, &verified["compared"]), (0, &true.into()));
    let (code, node) = program.json(&["node", "id", "--home", "net/triglav"]);
    assert_eq!((code, &node["peer_id"]), (0, &made["nodes"][1]["peer_id"]));
    let other = "0".repeat(64);
    let verify =
        |hash| program.failure(&[&file[..], &["network", "verify", "--genesis", hash]].concat());
    assert_eq!(verify(&other), (2, "other_network".to_owned()));
    assert_eq!(verify("12"), (2, "hash_invalid".to_owned()));
}

#[test]
fn every_size_of_network_says_what_it_stands() {
    let program = Program::new();
    for (count, says) in [
        (1, "This network of 1 node stands no failure; it must be up"),
        (
            2,
            "This network of 2 nodes stands no failure; all 2 must be up",
        ),
        (
            3,
            "This network of 3 nodes stands no failure; all 3 must be up",
        ),
        (4, "This network of 4 nodes stands 1 failure; 3 must be up"),
        (7, "This network of 7 nodes stands 2 failures; 5 must be up"),
    ] {
        let dir = format!("net-{count}");
        let run = program.run(&[
            "network",
            "new",
            "--nodes",
            &count.to_string(),
            "--dir",
            &dir,
        ]);
        assert_eq!(run.code, 0, "{}", run.stderr);
        assert!(run.stdout.contains(says), "{}", run.stdout);
        let file = format!("{dir}/bootstrap.toml");
        let run = program.run(&["network", "verify", "--bootstrap", &file]);
        assert!(run.stdout.contains(says), "{}", run.stdout);
    }
}

#[test]
fn the_founders_words_open_the_wallet_with_all_the_money() {
    let program = Program::new();
    let (_, made) = program.json(&["network", "new", "--dir", "net", "--supply", "5000"]);
    let founder = &made["founder"];
    assert_eq!(made["accounts"][0]["address"], founder["address"]);
    assert_eq!(made["accounts"][0]["balance"], "5000.00000000");
    let words: Vec<&str> = founder["words"]
        .as_array()
        .unwrap()
        .iter()
        .map(|w| w.as_str().unwrap())
        .collect();
    program.write("words", &words.join(" "));
    program.write("password", "correct horse\n");
    let (code, restored) = program.json(&[
        "wallet",
        "restore",
        "--words-file",
        "words",
        "--password-file",
        "password",
    ]);
    assert_eq!((code, &restored["address"]), (0, &founder["address"]));
}

#[test]
fn nodes_are_placed_on_the_addresses_in_turn() {
    let program = Program::new();
    let (code, made) = program.json(&[
        "network",
        "new",
        "--nodes",
        "3",
        "--dir",
        "net",
        "--address",
        "192.0.2.1",
        "node.example",
        "--port",
        "7000",
    ]);
    assert_eq!(code, 0, "{made}");
    let tcp = |node: usize| {
        made["nodes"][node]["addresses"][1]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(tcp(0), "/ip4/192.0.2.1/tcp/7000");
    assert_eq!(tcp(1), "/dns/node.example/tcp/7000");
    assert_eq!(tcp(2), "/ip4/192.0.2.1/tcp/7001");
}

#[test]
fn a_new_network_refuses_what_makes_no_sense_and_writes_nothing() {
    let program = Program::new();
    let too_precise = format!("{ALICE}=0.000000001");
    let bad_name = format!("{ALICE}=1@Al");
    let twice = format!("{ALICE}=1");
    let code_of = |more: &[&str]| {
        let (exit, code) = program.failure(&[&["network", "new", "--dir", "net"], more].concat());
        assert_eq!(exit, 2, "{more:?}");
        code
    };
    assert_eq!(code_of(&["--nodes", "0"]), "node_count");
    assert_eq!(code_of(&["--nodes", "129"]), "node_count");
    assert_eq!(code_of(&["--name", "My Village"]), "bootstrap_invalid");
    assert_eq!(code_of(&["--address", "999.1.1.1"]), "address_invalid");
    assert_eq!(code_of(&["--address", "a b"]), "address_invalid");
    assert_eq!(code_of(&["--address", "0.0.0.0"]), "bootstrap_invalid");
    assert_eq!(code_of(&["--account", ALICE]), "account_invalid");
    assert_eq!(code_of(&["--account", "nat1xyz=5"]), "address_invalid");
    assert_eq!(code_of(&["--account", &too_precise]), "amount_invalid");
    assert_eq!(code_of(&["--account", &bad_name]), "name_invalid");
    assert_eq!(
        code_of(&["--account", &twice, "--account", &twice]),
        "bootstrap_invalid"
    );
    assert_eq!(code_of(&["--supply", "nan"]), "amount_invalid");
    assert_eq!(code_of(&["--supply", "0"]), "bootstrap_invalid");
    assert_eq!(code_of(&["--fee", "-1"]), "amount_invalid");
    assert!(
        std::fs::read_dir(program.folder())
            .unwrap()
            .next()
            .is_none(),
        "nothing was written"
    );
}

#[test]
fn a_folder_that_is_not_empty_is_left_alone() {
    let program = Program::new();
    assert_eq!(program.run(&["network", "new", "--dir", "net"]).code, 0);
    let before = std::fs::read(program.path("net/mangart/node.key")).unwrap();
    let failure = program.failure(&["network", "new", "--dir", "net"]);
    assert_eq!(failure, (2, "folder_not_empty".to_owned()));
    assert_eq!(
        std::fs::read(program.path("net/mangart/node.key")).unwrap(),
        before
    );
}

#[test]
fn a_bad_bootstrap_file_is_refused_by_every_command_with_its_cause() {
    let program = Program::new();
    let hash_line = EMBEDDED
        .lines()
        .find(|line| line.starts_with("hash"))
        .unwrap();
    let unhashed = EMBEDDED.replace(hash_line, "");
    for (text, code, words) in [
        ("what = = that".to_owned(), "bootstrap_invalid", "line 1"),
        (
            "[package]\nname = \"x\"\n".to_owned(),
            "bootstrap_invalid",
            "unknown field",
        ),
        (
            EMBEDDED.replacen("1000.", "9999.", 1),
            "genesis_changed",
            "hash",
        ),
        (
            unhashed.replace("validator = true", "validator = false"),
            "bootstrap_invalid",
            "validator",
        ),
        (
            unhashed.replace("2026-01-01T00", "2026-02-30T00"),
            "bootstrap_invalid",
            "2026-02-30",
        ),
        (
            unhashed.replace("18001", "18000"),
            "bootstrap_invalid",
            "same address",
        ),
        (
            unhashed.replace("127.0.0.1", "192.0.2.1"),
            "development_key_exposed",
            "development key",
        ),
        (
            "#".repeat(5 << 20),
            "file_invalid",
            "more than 4194304 bytes",
        ),
    ] {
        let path = program.write("b.toml", &text);
        let file = path.to_str().unwrap();
        for command in [["network", "show"], ["network", "verify"]] {
            let arguments = [&command[..], &["--bootstrap", file]].concat();
            assert_eq!(program.failure(&arguments), (2, code.to_owned()), "{words}");
            let run = program.run(&arguments);
            assert!(
                run.stderr.contains(words) && run.stderr.contains("b.toml"),
                "{}",
                run.stderr
            );
        }
    }
    let missing = program.failure(&["network", "show", "--bootstrap", "nowhere.toml"]);
    assert_eq!(missing, (2, "file_missing".to_owned()));
    let folder = program.failure(&["network", "show", "--bootstrap", "."]);
    assert_eq!(folder, (1, "io".to_owned()));
}

#[test]
fn a_folder_that_is_no_home_is_refused() {
    let program = Program::new();
    assert_eq!(
        program.failure(&["node", "id", "--home", "."]),
        (2, "home_missing".to_owned())
    );
    assert_eq!(
        program.failure(&["node", "id"]),
        (2, "home_missing".to_owned())
    );
    assert_eq!(
        program.failure(&["node", "--home", "."]),
        (2, "home_missing".to_owned())
    );
    let unhoused = ["node", "--bootstrap", "net/bootstrap.toml"];
    program.run(&["network", "new", "--dir", "net"]);
    assert_eq!(program.failure(&unhoused), (2, "home_missing".to_owned()));
}
