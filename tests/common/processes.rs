//! Networks of separate OS processes, driven through the program's command line as people do.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use serde_json::Value;

/// No node takes longer to listen or to be in step.
const START: Duration = Duration::from_secs(30);

/// Which addresses a network uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    Both,
    Tcp,
    Quic,
}

/// What the program printed and how it ended.
#[derive(Debug)]
pub struct Done {
    pub code: i32,
    pub json: Value,
    pub stderr: String,
}

impl Done {
    /// The error's code, if it is one.
    pub fn error(&self) -> &str {
        self.json["error"]["code"].as_str().unwrap_or("")
    }

    pub fn is_final(&self) -> bool {
        self.code == 0 && self.json["status"] == "final"
    }
}

/// The program under test, with nothing of the tester's own environment that could lead it astray.
pub fn natcoin() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_natcoin"));
    for name in [
        "PROFILE",
        "DATA_DIR",
        "BOOTSTRAP",
        "PASSWORD_FILE",
        "OUTPUT",
        "YES",
        "QUIET",
        "HOME",
    ] {
        command.env_remove(format!("NATCOIN_{name}"));
    }
    command.stdin(Stdio::null());
    command
}

/// Runs a command to its end and reads its JSON.
pub fn run(mut command: Command) -> Done {
    let output = command.output().expect("the program runs");
    let stdout = String::from_utf8(output.stdout).expect("JSON is UTF-8");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    let last = stdout.lines().last().unwrap_or("null");
    let json =
        serde_json::from_str(last).unwrap_or_else(|error| panic!("{error}: {stdout}\n{stderr}"));
    Done {
        code: output.status.code().unwrap_or(-1),
        json,
        stderr,
    }
}

/// Sends a signal, by the shell's own `kill`: not every machine has the program.
pub fn signal(name: &str, pid: u32) {
    let status = Command::new("sh")
        .args(["-c", &format!("kill -{name} {pid}")])
        .status();
    assert!(status.expect("a shell").success());
}

/// A process whose stdout is read line by line; killed hard when dropped.
pub struct Background {
    child: Child,
    lines: mpsc::Receiver<String>,
}

impl Background {
    pub fn start(mut command: Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("the program runs");
        let stdout = child.stdout.take().expect("piped");
        // Room for every line that a test's node prints; a full queue would only block the reader.
        let (sender, lines) = mpsc::sync_channel(1024);
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        Self { child, lines }
    }

    /// The next line.
    pub fn line(&self) -> String {
        let line = self.lines.recv_timeout(START);
        line.unwrap_or_else(|_| panic!("no further line within {START:?}"))
    }

    /// The next line, if it comes in time.
    pub fn line_within(&self, time: Duration) -> Option<String> {
        self.lines.recv_timeout(time).ok()
    }

    /// SIGINT; waits for the end and gives the exit code.
    pub fn interrupt(mut self) -> i32 {
        self.signal_interrupt();
        self.child.wait().expect("it ends").code().unwrap_or(-1)
    }

    /// SIGINT.
    pub fn signal_interrupt(&self) {
        signal("INT", self.child.id());
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A node's process.
pub struct NodeProcess(Background);

impl NodeProcess {
    pub fn start(home: &Path) -> Self {
        let mut command = natcoin();
        command
            .args(["node", "--output", "json", "--home"])
            .arg(home);
        Self(Background::start(command))
    }

    /// Waits for a line with this status.
    pub fn wait_for(&self, status: &str) -> Value {
        loop {
            let line: Value = serde_json::from_str(&self.0.line()).expect("stdout is JSON only");
            if line["status"] == status {
                return line;
            }
        }
    }

    /// `kill -9`.
    pub fn kill(mut self) {
        self.0.child.kill().expect("it runs");
        self.0.child.wait().expect("it ends");
    }

    /// SIGINT; waits for the clean end and gives the last line, which tells height and state root.
    pub fn interrupt(mut self) -> Value {
        self.0.signal_interrupt();
        let last = self.wait_for("ended");
        assert!(self.0.child.wait().expect("it ends").success());
        last
    }
}

/// The wallets alice and bob of a network.
#[derive(Clone)]
pub struct Wallets {
    folder: PathBuf,
}

impl Wallets {
    /// A wallet's command, with password, data folder, bootstrap file and JSON.
    pub fn wallet(&self, profile: &str, words: &[&str]) -> Command {
        let folder = &self.folder;
        let mut command = natcoin();
        command.args(["wallet"]).args(words);
        command.args(["--output", "json", "--profile", profile, "--password-file"]);
        command.arg(folder.join("password"));
        command.arg("--data-dir").arg(folder.join("data"));
        let bootstrap = folder.join("net/bootstrap.toml");
        if bootstrap.is_file() {
            command.arg("--bootstrap").arg(bootstrap);
        }
        command
    }

    /// Runs a wallet's command.
    pub fn ask(&self, profile: &str, words: &[&str]) -> Done {
        run(self.wallet(profile, words))
    }

    /// Pays, without questions.
    pub fn pay(&self, profile: &str, to: &str, amount: &str) -> Done {
        self.ask(profile, &["pay", to, amount, "--yes"])
    }

    /// A wallet's proven balance.
    pub fn balance(&self, profile: &str) -> String {
        let done = self.ask(profile, &["balance"]);
        assert_eq!(done.code, 0, "{done:?}");
        done.json["balance"].as_str().expect("a balance").to_owned()
    }
}

/// A network of processes with the wallets alice and bob, 1,000 NAT each.
pub struct Net {
    folder: tempfile::TempDir,
    pub wallets: Wallets,
    pub names: Vec<String>,
    pub running: BTreeMap<usize, NodeProcess>,
}

impl std::ops::Deref for Net {
    type Target = Wallets;

    fn deref(&self) -> &Wallets {
        &self.wallets
    }
}

impl Net {
    /// Makes the network's files; starts nothing.
    pub fn new(nodes: usize, transport: Transport) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(folder.path().join("password"), "correct horse\n").expect("written");
        let mut net = Self {
            wallets: Wallets {
                folder: folder.path().to_owned(),
            },
            folder,
            names: Vec::new(),
            running: BTreeMap::new(),
        };
        let accounts: Vec<String> = ["alice", "bob"]
            .iter()
            .map(|name| {
                let made = run(net.wallet(name, &["new", "--yes"]));
                assert_eq!(made.code, 0, "{made:?}");
                let address = made.json["address"].as_str().expect("an address");
                format!("{address}=1000@{name}")
            })
            .collect();
        let port = free_ports(nodes).to_string();
        let mut command = natcoin();
        command.args(["network", "new", "--output", "json", "--name", "test-net"]);
        command.args(["--nodes", &nodes.to_string(), "--port", &port, "--dir"]);
        command.arg(net.network());
        for account in &accounts {
            command.args(["--account", account]);
        }
        let made = run(command);
        assert_eq!(made.code, 0, "{made:?}");
        let shown = run(net.network_show());
        let named = shown.json["nodes"].as_array().expect("nodes").iter();
        net.names = named
            .map(|node| node["name"].as_str().expect("a name").to_owned())
            .collect();
        net.restrict(transport);
        net
    }

    /// Makes the network and starts all its nodes.
    pub fn started(nodes: usize, transport: Transport) -> Self {
        let mut net = Self::new(nodes, transport);
        for index in 0..nodes {
            net.start(index);
        }
        net.wait_in_step();
        net
    }

    pub fn network(&self) -> PathBuf {
        self.folder.path().join("net")
    }

    pub fn bootstrap(&self) -> PathBuf {
        self.network().join("bootstrap.toml")
    }

    pub fn home(&self, index: usize) -> PathBuf {
        self.network().join(&self.names[index])
    }

    pub fn start(&mut self, index: usize) {
        let node = NodeProcess::start(&self.home(index));
        self.running.insert(index, node);
    }

    pub fn kill(&mut self, index: usize) {
        self.running.remove(&index).expect("it runs").kill();
    }

    /// Waits until every running node has said that it is in step.
    pub fn wait_in_step(&self) {
        for node in self.running.values() {
            node.wait_for("in_step");
        }
    }

    fn network_show(&self) -> Command {
        let mut command = natcoin();
        command.args(["network", "show", "--output", "json", "--bootstrap"]);
        command.arg(self.bootstrap());
        command
    }

    /// Leaves only one transport in the files.
    fn restrict(&self, transport: Transport) {
        let unwanted = match transport {
            Transport::Both => return,
            Transport::Tcp => "/quic-v1",
            Transport::Quic => "/tcp/",
        };
        let mut files = vec![self.bootstrap()];
        for index in 0..self.names.len() {
            files.push(self.home(index).join("bootstrap.toml"));
            files.push(self.home(index).join("node.toml"));
        }
        for file in files {
            let text = std::fs::read_to_string(&file).expect("a file of the network");
            std::fs::write(&file, without(&text, unwanted)).expect("written");
        }
    }
}

/// The text without the quoted addresses that contain `unwanted`.
fn without(text: &str, unwanted: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("\"/ip4") {
        out.push_str(&rest[..start]);
        let end = start + 1 + rest[start + 1..].find('"').expect("a closing quote") + 1;
        let address = &rest[start..end];
        rest = &rest[end..];
        if address.contains(unwanted) {
            let skipped = rest.trim_start_matches([',', ' ', '\n']);
            // The last of a list has no comma behind it, but one before it; TOML allows that.
            rest = skipped;
        } else {
            out.push_str(address);
        }
    }
    out.push_str(rest);
    out
}

/// The first of so many ports in a row that are free on the loopback address. None of those that the system gives to
/// whoever dials: such a one may be taken again before it is used.
pub fn free_ports(count: usize) -> u16 {
    let count = u16::try_from(count).expect("few nodes");
    let is_free = |port: u16| {
        TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
            && UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
    };
    (0..200)
        .map(|_| rand::random_range(20_000..32_000 - count))
        .find(|first| (*first..*first + count).all(is_free))
        .expect("free ports")
}
