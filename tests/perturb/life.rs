//! One life of a node's process, from its start to its end, under usual or hard conditions.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::common::processes::{natcoin, signal};

use super::wait;

/// No clean end takes longer, on a slow disk neither.
const ENDING: Duration = Duration::from_secs(30);

/// Under what conditions the process runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conditions {
    Usual,
    /// Each sync of a file takes so long in addition.
    SlowDisk {
        ms: u64,
    },
    /// No file can be larger than this, rounded up to 1024: `ulimit -f`, so writing beyond gives "file too large".
    SmallFiles {
        bytes: u64,
    },
}

/// A process; killed when dropped.
pub struct Life {
    child: Child,
    stdout: PathBuf,
}

impl Life {
    /// Starts the node of a home. Each life has a file of its own for stdout beside the home; they share one for stderr.
    pub fn begin(home: &Path, number: usize, conditions: Conditions) -> Self {
        let stdout = home.with_extension(format!("{number}.stdout"));
        let mut errors = OpenOptions::new();
        errors.create(true).append(true);
        let errors = errors.open(Self::stderr(home)).expect("a file for stderr");
        let mut command = match conditions {
            Conditions::SmallFiles { bytes } => with_small_files(bytes),
            Conditions::Usual | Conditions::SlowDisk { .. } => natcoin(),
        };
        if let Conditions::SlowDisk { ms } = conditions {
            slow_disk(&mut command, home, ms);
        }
        command.args(["node", "--output", "json", "--home"]);
        command.arg(home);
        command.stdout(File::create(&stdout).expect("a file for stdout"));
        command.stderr(errors);
        let child = command.spawn().expect("the program runs");
        Self { child, stdout }
    }

    /// Where the lives of a home write their stderr.
    pub fn stderr(home: &Path) -> PathBuf {
        home.with_extension("stderr")
    }

    /// The last whole line that it said.
    pub fn last_line(&self) -> Value {
        let text = fs::read_to_string(&self.stdout).unwrap_or_default();
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        serde_json::from_str(whole.lines().last().unwrap_or("null")).expect("stdout is JSON only")
    }

    /// A line with this status, if it has said one.
    pub fn said(&self, status: &str) -> Option<Value> {
        let text = fs::read_to_string(&self.stdout).unwrap_or_default();
        let (whole, _) = text.rsplit_once('\n')?;
        whole.lines().find_map(|line| {
            let line: Value = serde_json::from_str(line).expect("stdout is JSON only");
            (line["status"] == status).then_some(line)
        })
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("our own child")
    }

    pub fn signal(&self, name: &str) {
        signal(name, self.child.id());
    }

    /// `kill -9`.
    pub fn kill(mut self) {
        assert_eq!(self.ended(), None, "it runs");
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }

    /// SIGINT; waits for the clean end and gives the last line, which tells height and state root.
    pub fn interrupt(mut self) -> Value {
        if self.ended().is_none() {
            self.signal("INT");
        }
        let ended = wait::up_to(ENDING, || self.ended());
        assert!(
            ended.is_some_and(|end| end.success()),
            "an interrupted node: {ended:?}"
        );
        self.said("ended").expect("its last line")
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The program under `ulimit -f`. A shell counts in blocks of 512 or 1024 bytes, so it is tried out which; the signal
/// that the system sends with the error is ignored, as a full disk sends none.
fn with_small_files(bytes: u64) -> Command {
    let program = natcoin();
    let mut command = Command::new("sh");
    // The bounds of what is tried out: 1 block lets 512 bytes through, but not 1024, if blocks are of 512.
    let script = r#"trap '' XFSZ; bytes=$1; shift; probe=$(mktemp)
        if (ulimit -f 1; head -c 1024 /dev/zero >"$probe") 2>/dev/null; then block=1024; else block=512; fi
        rm -f "$probe"; ulimit -f $((bytes / block)); exec "$@""#;
    let blocks = bytes.next_multiple_of(1024).to_string();
    command.args(["-c", script, "sh", &blocks]);
    command.arg(program.get_program());
    for (name, value) in program.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.stdin(Stdio::null());
    command
}

/// Puts a small library before the system's own that lets each sync take longer. The program is the one that ships;
/// a C compiler is what building it needs anyway.
fn slow_disk(command: &mut Command, home: &Path, ms: u64) {
    let folder = home.parent().expect("homes are in a folder");
    let library = folder.join("slow_sync.so");
    if !library.exists() {
        let source = folder.join("slow_sync.c");
        fs::write(&source, include_str!("slow_sync.c")).expect("written");
        let compiler = std::env::var_os("CC").unwrap_or_else(|| OsString::from("cc"));
        let made = Command::new(compiler)
            .args(["-shared", "-fPIC", "-O1", "-o"])
            .args([&library, &source])
            .arg("-ldl")
            .status();
        assert!(made.is_ok_and(|end| end.success()), "cc makes {library:?}");
    }
    command.env("LD_PRELOAD", library);
    command.env("SLOW_SYNC_MS", ms.to_string());
}
