//! `natcoin doctor`: finds each planted fault, by its code and in the check that it belongs to, and nothing in a sound home.

use std::fs::{self, File, Permissions};
use std::net::{TcpListener, UdpSocket};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use serde_json::Value;

use crate::program::Program;
use crate::running::{Running, free_port};

/// A network of one node, whose home has a fault planted.
struct Sick {
    program: Program,
    port: String,
}

impl Sick {
    fn new() -> Self {
        let program = Program::new();
        let port = free_port();
        let made = program.run(&[
            "network", "new", "--nodes", "1", "--dir", "net", "--port", &port,
        ]);
        assert_eq!(made.code, 0, "{}", made.stderr);
        Self { program, port }
    }

    /// One whose node has run and made a store.
    fn that_ran() -> Self {
        let sick = Self::new();
        let mut node = Running::start(&sick.program, &["node", "--home", "net/mangart"]);
        assert_eq!(node.line()["status"], "listening");
        assert_eq!(node.line()["status"], "in_step");
        assert_eq!(node.end("-INT"), Some(0));
        sick
    }

    fn home(&self) -> PathBuf {
        self.program.path("net/mangart")
    }

    fn ask(&self, more: &[&str]) -> (i32, Value) {
        let words = [&["doctor", "--home", "net/mangart"], more].concat();
        self.program.json(&words)
    }

    /// The one fault that is found, as its check and its code.
    fn fault(&self) -> (String, String) {
        self.fault_with(&[])
    }

    fn fault_with(&self, more: &[&str]) -> (String, String) {
        let (exit, json) = self.ask(more);
        assert_eq!(
            (exit, &json["status"]),
            (1, &"faults_found".into()),
            "{json}"
        );
        let checks = json["checks"].as_array().unwrap();
        let faults: Vec<&Value> = checks
            .iter()
            .filter(|check| check["verdict"] == "fault")
            .collect();
        assert_eq!(faults.len(), 1, "{json}");
        let text = |field: &str| faults[0][field].as_str().unwrap_or_default().to_owned();
        assert!(text("step").len() > 10, "a fault has a next step: {json}");
        assert!(!text("message").is_empty());
        let code = text("code");
        assert!(
            natcoin::cli::failure::codes::find(&code).is_some(),
            "{code}"
        );
        let shown = self
            .program
            .run(&[&["doctor", "--home", "net/mangart"], more].concat());
        assert_eq!(shown.code, 1, "{}", shown.stdout);
        assert!(shown.stdout.contains("FAULT"), "{}", shown.stdout);
        assert!(shown.stdout.contains("-> "), "{}", shown.stdout);
        (text("check"), code)
    }

    fn store(&self, file: &str) -> PathBuf {
        self.home().join("store").join(file)
    }
}

fn found(check: &str, code: &str) -> (String, String) {
    (check.to_owned(), code.to_owned())
}

#[test]
fn in_a_sound_home_nothing_is_found_before_while_and_after_the_node_runs() {
    let sick = Sick::new();
    let (exit, json) = sick.ask(&[]);
    assert_eq!((exit, &json["faults"]), (0, &0.into()), "{json}");
    let mut node = Running::start(&sick.program, &["node", "--home", "net/mangart"]);
    assert_eq!(node.line()["status"], "listening");
    assert_eq!(node.line()["status"], "in_step");
    let (exit, json) = sick.ask(&[]);
    assert_eq!((exit, &json["faults"]), (0, &0.into()), "{json}");
    let checks = json["checks"].as_array().unwrap();
    let runs = checks.iter().find(|check| check["check"] == "node");
    assert_eq!(runs.unwrap()["verdict"], "good", "{json}");
    assert_eq!(node.end("-INT"), Some(0));
    let (exit, json) = sick.ask(&[]);
    assert_eq!((exit, &json["faults"]), (0, &0.into()), "{json}");
}

#[test]
fn a_port_that_another_program_holds_is_found() {
    let sick = Sick::new();
    let port: u16 = sick.port.parse().unwrap();
    let tcp = TcpListener::bind(("127.0.0.1", port)).unwrap();
    assert_eq!(sick.fault(), found("ports", "port_in_use"));
    drop(tcp);
    let _udp = UdpSocket::bind(("127.0.0.1", port)).unwrap();
    assert_eq!(sick.fault(), found("ports", "port_in_use"));
}

#[test]
fn an_address_of_another_machine_is_found() {
    let sick = Sick::new();
    let config = sick.home().join("node.toml");
    let text = fs::read_to_string(&config).unwrap();
    // TEST-NET-1 is no machine's.
    fs::write(&config, text.replace("127.0.0.1", "192.0.2.1")).unwrap();
    assert_eq!(sick.fault(), found("ports", "cannot_listen"));
}

#[test]
fn a_key_that_others_can_read_is_found() {
    let sick = Sick::new();
    let key = sick.home().join("node.key");
    fs::set_permissions(key, Permissions::from_mode(0o644)).unwrap();
    assert_eq!(sick.fault(), found("key", "key_exposed"));
}

#[test]
fn a_wallet_that_others_can_read_is_found() {
    let sick = Sick::new();
    let data = sick.program.path("data");
    let wallet = [
        "--data-dir",
        "data",
        "wallet",
        "restore",
        "--development",
        "bob",
    ];
    assert_eq!(sick.program.run(&wallet).code, 0);
    assert_eq!(sick.ask(&["--data-dir", "data"]).0, 0);
    let mut folders = vec![data];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => fs::set_permissions(path, Permissions::from_mode(0o640)).unwrap(),
            }
        }
    }
    let fault = sick.fault_with(&["--data-dir", "data"]);
    assert_eq!(fault, found("wallets", "key_exposed"));
}

#[test]
fn a_key_that_is_none_is_found() {
    let sick = Sick::new();
    fs::write(sick.home().join("node.key"), "lost\n").unwrap();
    assert_eq!(sick.fault(), found("home", "home_invalid"));
}

#[test]
fn a_faulty_bootstrap_file_is_found() {
    let sick = Sick::new();
    let path = sick.home().join("bootstrap.toml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("[genesis.rules]", "[genesis.rule]")).unwrap();
    assert_eq!(sick.fault(), found("home", "bootstrap_invalid"));
}

#[test]
fn a_bootstrap_file_of_another_network_is_found() {
    let sick = Sick::new();
    let port = free_port();
    let made = sick.program.run(&[
        "network", "new", "--nodes", "1", "--dir", "other", "--port", &port,
    ]);
    assert_eq!(made.code, 0);
    let fault = sick.fault_with(&["--bootstrap", "other/bootstrap.toml"]);
    assert_eq!(fault, found("home", "other_network"));
}

#[test]
fn a_home_that_a_silent_process_holds_is_found() {
    let sick = Sick::that_ran();
    let held = File::options()
        .write(true)
        .open(sick.store("lock"))
        .unwrap();
    held.try_lock().unwrap();
    assert_eq!(sick.fault(), found("node", "home_in_use"));
}

#[test]
fn a_missing_guard_is_found() {
    let sick = Sick::that_ran();
    // A log of blocks without the guard: this node could sign twice.
    fs::remove_file(sick.store("signed.guard")).unwrap();
    assert_eq!(sick.fault(), found("store", "store_damaged"));
}

#[test]
fn a_store_of_an_earlier_version_is_found() {
    let sick = Sick::that_ran();
    fs::rename(sick.store("blocks.log"), sick.store("blocks.redb")).unwrap();
    assert_eq!(sick.fault(), found("store", "earlier_version"));
}

#[test]
fn a_damaged_store_is_found() {
    let sick = Sick::that_ran();
    fs::write(sick.store("blocks.log"), "not what was written").unwrap();
    assert_eq!(sick.fault(), found("store", "store_damaged"));
}

#[test]
fn nodes_out_of_reach_are_found() {
    let program = Program::new();
    let port = free_port();
    let made = program.run(&[
        "network", "new", "--nodes", "4", "--dir", "net", "--port", &port,
    ]);
    assert_eq!(made.code, 0);
    let sick = Sick { program, port };
    assert_eq!(sick.fault(), found("network", "no_node_reachable"));
}

#[test]
fn a_clock_before_the_networks_beginning_is_found() {
    let sick = Sick::new();
    let path = sick.home().join("bootstrap.toml");
    let text = fs::read_to_string(&path).unwrap();
    // The network is born in a hundred years: for this machine's clock that is the same as being a hundred years late.
    let later = |line: &str| match line.split_once(" = ") {
        Some(("time", _)) => Some("time = \"2126-01-01T00:00:00Z\"".to_owned()),
        Some(("hash", _)) => None,
        _ => Some(line.to_owned()),
    };
    let lines: Vec<String> = text.lines().filter_map(later).collect();
    fs::write(&path, lines.join("\n")).unwrap();
    assert_eq!(sick.fault(), found("clock", "clock_wrong"));
}

/// In a mount namespace of its own, where the home stands on a disk that is full, or that cannot be written.
#[cfg(target_os = "linux")]
fn on_a_disk(options: &str, fault: (&str, &str)) {
    let sick = Sick::new();
    let home = sick.home();
    let aside = sick.program.path("aside");
    let line = format!(
        "mkdir {aside} && cp -a {home}/. {aside} && mount -t tmpfs none {home} -o size=2m,mode=700 && cp -a {aside}/. {home} && mount -o remount,{options} {home} && exec {natcoin} doctor --home {home} --output json",
        aside = aside.display(),
        home = home.display(),
        natcoin = env!("CARGO_BIN_EXE_natcoin"),
    );
    let output = std::process::Command::new("unshare")
        .args(["-m", "sh", "-c", &line])
        .env_clear()
        .env("HOME", sick.program.folder())
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .output()
        .expect("`unshare` of util-linux is there");
    let stderr = String::from_utf8_lossy(&output.stderr);
    let is_refused = stderr.contains("not permitted") || stderr.contains("must be superuser");
    if is_refused && std::env::var_os("CI").is_none() {
        return;
    }
    let json: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{stderr}"));
    let checks = json["checks"].as_array().unwrap();
    let has = checks.iter().any(|check| {
        let is_it = (&check["check"], &check["code"]) == (&fault.0.into(), &fault.1.into());
        is_it && check["verdict"] == "fault"
    });
    assert!(has, "{json}");
    assert_eq!(output.status.code(), Some(1));
}

#[cfg(target_os = "linux")]
#[test]
fn a_disk_without_room_is_found() {
    on_a_disk("rw", ("space", "disk_full"));
}

#[cfg(target_os = "linux")]
#[test]
fn a_disk_that_cannot_be_written_is_found() {
    on_a_disk("ro", ("folder", "folder_not_writable"));
}
