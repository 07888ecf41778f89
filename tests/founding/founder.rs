//! Operators, each with a process and a home of its own.

use std::ffi::OsString;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;

use serde_json::Value;
use tempfile::TempDir;

use crate::CEREMONY;
use crate::common::processes::{Done, free_ports, natcoin, run, signal};

/// What is wrong with one operator's machine.
#[derive(Debug, Clone, Copy)]
pub enum Trouble {
    /// Its clock is so many seconds ahead.
    Skewed(u32),
    /// It tells an address that no machine can dial, and for which no packet leaves this one.
    Unreachable,
    /// Its operator has heard other words.
    Refuses,
}

/// An operator's process.
pub struct Founder {
    child: Child,
    lines: mpsc::Receiver<String>,
}

/// A place for so many operators, each with a port.
pub struct Room {
    folder: TempDir,
    count: usize,
    port: u16,
}

impl Founder {
    fn start(mut command: Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("the program runs");
        let stdout = child.stdout.take().expect("piped");
        // Room for all that a ceremony prints.
        let (sender, lines) = mpsc::sync_channel(1024);
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        Self { child, lines }
    }

    /// Waits for a line of this status, or for the beginning of this round.
    pub fn until(&mut self, what: &str) -> Value {
        loop {
            let line = self.lines.recv_timeout(CEREMONY);
            let line = line.unwrap_or_else(|_| panic!("no {what}"));
            let json: Value = serde_json::from_str(&line).expect("stdout is JSON only");
            if json["status"] == what || json["round"] == what {
                return json;
            }
        }
    }

    /// `kill -9`.
    pub fn kill(mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }

    /// SIGINT.
    pub fn interrupt(&mut self) {
        signal("INT", self.child.id());
    }

    /// Waits for its end: the exit code and the last line.
    pub fn end(mut self) -> (i32, Value) {
        let mut last = String::from("null");
        while let Ok(line) = self.lines.recv_timeout(CEREMONY) {
            last = line;
        }
        let code = self.child.wait().expect("it ends").code().unwrap_or(-1);
        (
            code,
            serde_json::from_str(&last).expect("stdout is JSON only"),
        )
    }
}

impl Drop for Founder {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Room {
    pub fn new(count: usize) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(folder.path().join("password"), "correct horse\n").expect("written");
        std::fs::create_dir(folder.path().join("homes")).expect("made");
        Self {
            folder,
            count,
            port: free_ports(count),
        }
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn home(&self, index: usize) -> PathBuf {
        self.folder().join("homes").join(index.to_string())
    }

    /// What stands beside the homes.
    pub fn leftovers(&self) -> Vec<String> {
        let homes: Vec<String> = (0..self.count).map(|index| index.to_string()).collect();
        let mut names = self.entries();
        names.retain(|name| !homes.contains(name));
        names
    }

    /// Whether nothing at all was written.
    pub fn is_empty(&self) -> bool {
        self.entries().is_empty()
    }

    fn entries(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder().join("homes")).expect("it is there");
        let name = |entry: std::io::Result<std::fs::DirEntry>| entry.expect("read").file_name();
        entries
            .map(|entry| name(entry).to_string_lossy().into_owned())
            .collect()
    }

    fn found(&self, index: usize, trouble: Option<Trouble>) -> Command {
        let mut command = natcoin();
        command.args(["network", "found", "--output", "json", "--home"]);
        command.arg(self.home(index));
        let address = match trouble {
            Some(Trouble::Unreachable) => "255.255.255.255",
            _ => "127.0.0.1",
        };
        let port = usize::from(self.port) + index;
        command.args(["--address", address, "--port", &port.to_string()]);
        match trouble {
            Some(Trouble::Refuses) => drop(command.args(["--words", "zoo zoo zoo zoo"])),
            _ => drop(command.arg("--yes")),
        }
        if let Some(Trouble::Skewed(seconds)) = trouble {
            command.env("LD_PRELOAD", self.skewed_clock());
            command.env("SKEWED_CLOCK_S", seconds.to_string());
        }
        command
    }

    /// A host that waits for all, and its code.
    pub fn host(&self, more: &[&str]) -> (Founder, String) {
        let mut command = self.found(0, None);
        command
            .args(["--nodes", &self.count.to_string()])
            .args(more);
        let mut host = Founder::start(command);
        let room = host.until("room");
        (host, room["code"].as_str().expect("a code").to_owned())
    }

    pub fn guest(&self, index: usize, code: &str, trouble: Option<Trouble>) -> Founder {
        let mut command = self.found(index, trouble);
        command.args(["--join", code]);
        Founder::start(command)
    }

    /// All go into the room, one after the other, so that each gets the mountain of its place.
    pub fn all_enter(&self, more: &[&str], trouble: Option<(usize, Trouble)>) -> Vec<Founder> {
        let (host, code) = self.host(more);
        let mut founders = vec![host];
        for index in 1..self.count {
            let of_it = trouble.filter(|(who, _)| *who == index);
            let mut guest = self.guest(index, &code, of_it.map(|(_, trouble)| trouble));
            guest.until("welcome");
            founders.push(guest);
        }
        founders
    }

    /// The code of the same room with another secret.
    pub fn another_secret(&self, code: &str) -> String {
        let code = natcoin::directory::founding::code::Code::parse(code).expect("a code");
        let other = natcoin::directory::founding::code::Code {
            secret: [0; 16],
            ..code
        };
        other.line().expect("it fits")
    }

    pub fn finish(&self, index: usize, files: &[&PathBuf]) -> Done {
        let mut command = natcoin();
        command.args(["network", "found", "--output", "json", "--home"]);
        command.arg(self.home(index)).arg("--finish").args(files);
        run(command)
    }

    /// The card of a new key.
    pub fn export(&self, index: usize) -> PathBuf {
        let card = self.folder().join(format!("card-{index}.json"));
        let port = (usize::from(self.port) + index).to_string();
        let mut command = natcoin();
        command.args([
            "network",
            "found",
            "--output",
            "json",
            "--address",
            "127.0.0.1",
        ]);
        command.args([
            "--port",
            &port,
            "--node-name",
            &format!("node-{index}"),
            "--home",
        ]);
        command.arg(self.home(index)).arg("--export").arg(&card);
        let made = run(command);
        assert_eq!(made.code, 0, "{made:?}");
        card
    }

    fn of_wallet(&self, profile: &str, words: &[&str]) -> Command {
        let mut command = natcoin();
        command
            .arg("wallet")
            .args(words)
            .args(["--output", "json", "--profile", profile]);
        command
            .arg("--password-file")
            .arg(self.folder().join("password"));
        command.arg("--data-dir").arg(self.folder().join("data"));
        command
    }

    /// Makes a wallet; its address.
    pub fn wallet(&self, profile: &str) -> String {
        let made = run(self.of_wallet(profile, &["new", "--yes"]));
        assert_eq!(made.code, 0, "{made:?}");
        made.json["address"]
            .as_str()
            .expect("an address")
            .to_owned()
    }

    pub fn pay(&self, profile: &str, to: &str, amount: &str, bootstrap: &Path) -> Done {
        let mut command = self.of_wallet(profile, &["pay", to, amount, "--yes", "--private"]);
        command.arg("--bootstrap").arg(bootstrap);
        run(command)
    }

    /// A small library before the system's own, as in the tests of perturbed networks: the program is the one that ships.
    fn skewed_clock(&self) -> PathBuf {
        let library = self.folder().join("skewed_clock.so");
        let source = self.folder().join("skewed_clock.c");
        std::fs::write(&source, include_str!("skewed_clock.c")).expect("written");
        let compiler = std::env::var_os("CC").unwrap_or_else(|| OsString::from("cc"));
        let made = Command::new(compiler)
            .args(["-shared", "-fPIC", "-O1", "-o"])
            .args([&library, &source])
            .arg("-ldl")
            .status();
        assert!(made.is_ok_and(|end| end.success()), "cc makes {library:?}");
        library
    }
}
