//! Nodes as processes: this same program as `natcoin node`, one for each.
//!
//! What they say is read by a thread each, as lines of JSON. A process that this one loses hold of is killed,
//! and where this one is killed itself, they end: their standard input closes with it.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::Told;
use crate::node::bench::error::BenchError;
use crate::node::clock;
use crate::node::home::Home;

/// How long starting may take, and ending.
const PATIENCE: Duration = Duration::from_secs(30);
/// Lines that may wait: a node says few.
const LINES: usize = 64;
/// How often a process that should be gone is looked at.
const GLANCE: Duration = Duration::from_millis(10);

/// A node's process.
pub struct Process {
    name: String,
    child: Child,
    lines: Receiver<Value>,
}

/// Starts one for each home and waits until each is in step with the others.
///
/// # Errors
/// [`BenchError::Process`] with what the first that failed has said.
pub fn start(program: &Path, homes: &[Home]) -> Result<Vec<Process>, BenchError> {
    let started = homes.iter().map(|home| Process::start(program, home));
    let mut processes = started.collect::<Result<Vec<_>, _>>()?;
    let deadline = clock::now() + PATIENCE;
    for process in &mut processes {
        process.wait_for("in_step", deadline)?;
    }
    Ok(processes)
}

/// Ends all of them cleanly, side by side.
///
/// # Errors
/// [`BenchError::Process`] of the first that did not end as it should.
pub fn stop(mut processes: Vec<Process>) -> Result<Told, BenchError> {
    for process in &mut processes {
        process.ask_to_end();
    }
    let deadline = clock::now() + PATIENCE;
    let mut bytes = Some(0_u64);
    for process in &mut processes {
        let last = process.wait_for("ended", deadline)?;
        let counted = |name: &str| last[name].as_u64();
        let both = counted("bytes_received").zip(counted("bytes_sent"));
        bytes = bytes
            .zip(both)
            .map(|(sum, (received, sent))| sum.saturating_add(received).saturating_add(sent));
        process.wait_for_end(deadline)?;
    }
    Ok(Told { bytes })
}

impl Process {
    fn start(program: &Path, home: &Home) -> Result<Self, BenchError> {
        let mut command = Command::new(program);
        command
            .args(["node", "--until-stdin-closes", "--output", "json", "--home"])
            .arg(home.folder())
            // It closes when this process ends, however that comes: so no node is ever left behind.
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        // What is meant for a wallet or another node is not meant for these.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("NATCOIN_") {
                command.env_remove(name);
            }
        }
        // Ctrl-C is for this process, which ends the nodes in its time.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let name = home.name().to_string();
        let failed = |why: String| BenchError::Process {
            name: name.clone(),
            why,
        };
        let mut child = command.spawn().map_err(|error| failed(error.to_string()))?;
        let (say, lines) = sync_channel(LINES);
        if let Some(stdout) = child.stdout.take() {
            let read = move || {
                let lines = BufReader::new(stdout).lines().map_while(Result::ok);
                for line in lines {
                    let Ok(value) = serde_json::from_str(&line) else {
                        continue;
                    };
                    if say.send(value).is_err() {
                        return;
                    }
                }
            };
            std::thread::Builder::new()
                .name("bench-reader".to_owned())
                .spawn(read)
                .map_err(BenchError::Thread)?;
        }
        let process = Self {
            name: name.clone(),
            child,
            lines,
        };
        Ok(process)
    }

    /// Its number, as `/proc` has it.
    pub fn pid(&self) -> String {
        self.child.id().to_string()
    }

    /// Waits until it says that it is so.
    fn wait_for(&mut self, status: &str, deadline: Instant) -> Result<Value, BenchError> {
        loop {
            let left = deadline.saturating_duration_since(clock::now());
            match self.lines.recv_timeout(left) {
                Ok(line) if line["status"] == status => return Ok(line),
                Ok(line) => {
                    if let Some(message) = line["error"]["message"].as_str() {
                        return Err(self.failed(message.to_owned()));
                    }
                }
                Err(RecvTimeoutError::Timeout) => {
                    return Err(self.failed(format!(
                        "it did not say {status:?} within {} s",
                        PATIENCE.as_secs()
                    )));
                }
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(self.failed(format!("it ended and did not say {status:?}")));
                }
            }
        }
    }

    fn wait_for_end(&mut self, deadline: Instant) -> Result<(), BenchError> {
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) if status.success() => return Ok(()),
                Ok(Some(status)) => return Err(self.failed(format!("it ended with {status}"))),
                Ok(None) if clock::now() < deadline => std::thread::sleep(GLANCE),
                Ok(None) => return Err(self.failed("it does not end".to_owned())),
                Err(error) => return Err(self.failed(error.to_string())),
            }
        }
    }

    fn failed(&self, why: String) -> BenchError {
        BenchError::Process {
            name: self.name.clone(),
            why,
        }
    }

    /// Its standard input closes: it ends cleanly.
    fn ask_to_end(&mut self) {
        drop(self.child.stdin.take());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // One that has ended cannot be killed, and need not be.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
