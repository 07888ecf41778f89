//! A network namespace: a machine's network of its own, inside this machine, with nothing attached to the world.
//!
//! Made and removed with `ip netns`; removed when it is dropped, also by a test that panics. What a killed run left
//! behind is removed by the next one: the name says whose it was.
//!
//! Threads enter a namespace, processes are started in one; a socket stays in that in which it was opened.

use std::{
    fs::{self, File},
    os::fd::AsFd as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread::{self, JoinHandle},
};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// Where `ip netns` keeps names.
const NAMES: &str = "/run/netns";
/// All of ours begin with this, then the process and a number.
const PREFIX: &str = "natcoin";

static NUMBER: AtomicU32 = AtomicU32::new(0);

/// One namespace.
#[derive(Debug)]
pub struct Namespace {
    name: String,
}

impl Namespace {
    /// Makes one, with its loopback interface up.
    pub fn make() -> Self {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("{PREFIX}-{}-{number}", std::process::id());
        ip(&["netns", "add", &name]);
        let made = Self { name };
        made.ip("link set lo up");
        made
    }

    /// Its name, for `ip netns exec`.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn path(&self) -> PathBuf {
        Path::new(NAMES).join(&self.name)
    }

    /// Runs `ip` in it, with the words of `line`.
    pub fn ip(&self, line: &str) {
        let mut words = vec!["-n", &self.name];
        words.extend(line.split(' '));
        ip(&words);
    }

    /// A program that will run in it.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name]).arg(program);
        command
    }

    /// Starts a thread in it. Threads which that one starts are in it too.
    pub fn spawn<T, F>(&self, work: F) -> JoinHandle<T>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        let path = self.path();
        thread::spawn(move || {
            let namespace = File::open(path).expect("the namespace is there");
            move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))
                .expect("the thread may enter it");
            work()
        })
    }

    /// Does something in it and waits for that.
    pub fn within<T, F>(&self, work: F) -> T
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        self.spawn(work).join().expect("it does not panic")
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        // A second panic would hide the first.
        let _ = Command::new("ip")
            .args(["netns", "del", &self.name])
            .stderr(Stdio::null())
            .status();
    }
}

/// Removes what runs that are no more have left behind.
pub fn sweep() {
    let Ok(names) = fs::read_dir(NAMES) else {
        return;
    };
    for name in names.flatten() {
        let name = name.file_name().to_string_lossy().into_owned();
        let owner = name
            .strip_prefix(PREFIX)
            .and_then(|rest| rest.split('-').nth(1));
        if owner.is_some_and(|pid| !Path::new("/proc").join(pid).exists()) {
            let _ = Command::new("ip").args(["netns", "del", &name]).status();
        }
    }
}

/// Runs `ip`.
fn ip(words: &[&str]) {
    let done = Command::new("ip").args(words).output().expect("ip runs");
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(done.status.success(), "ip {}: {said}", words.join(" "));
}
