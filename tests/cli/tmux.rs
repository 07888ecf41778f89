//! A real terminal for the wallet's screens: tmux, which keeps what a person would see, as text.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::program::Program;
use crate::wait;

/// How long anything may take to be seen. Machines that test are busy.
const PATIENCE: Duration = Duration::from_secs(60);

/// Whether there is a tmux. Without one the tests are passed over, and say so; where everything is to be tried (`CI` is
/// set) that is a failure.
#[expect(
    clippy::print_stderr,
    reason = "who reads a test's output is to know what was not tried"
)]
pub fn is_there() -> bool {
    let found = Command::new("tmux")
        .arg("-V")
        .stdout(Stdio::null())
        .status();
    let is_there = found.is_ok_and(|status| status.success());
    if !is_there {
        assert!(
            std::env::var_os("CI").is_none(),
            "CI is set, and there is no tmux to try the wallet's screens in"
        );
        eprintln!(
            "PASSED OVER: there is no tmux, so the wallet's screens were not tried in a terminal"
        );
    }
    is_there
}

/// A program in a terminal of its own. Dropped, it and its terminal are gone.
pub struct Tmux {
    folder: TempDir,
}

impl Tmux {
    /// Starts the program in a window of this size; `environment` is as for `env`: `NO_COLOR=1 TERM=dumb`.
    pub fn start(
        program: &Program,
        (width, height): (u16, u16),
        environment: &str,
        arguments: &str,
    ) -> Self {
        let tmux = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        let path = std::env::var("PATH").unwrap_or_default();
        let home = program.folder().display();
        let natcoin = env!("CARGO_BIN_EXE_natcoin");
        // How it ended, and what became of the terminal, stands on the screen afterwards.
        let line = format!(
            "env -i HOME={home} PATH={path} LANG=C.UTF-8 TERM=$TERM {environment} {natcoin} {arguments}; echo ENDED $?; stty -a | grep -o -w -e '-*icanon' -e '-*echo'; exec cat"
        );
        let (width, height) = (width.to_string(), height.to_string());
        let folder = program.folder().to_str().unwrap();
        tmux.run(&[
            "new-session",
            "-d",
            "-x",
            &width,
            "-y",
            &height,
            "-c",
            folder,
            &line,
        ]);
        tmux
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("s")
    }

    fn run(&self, arguments: &[&str]) -> String {
        let output = Command::new("tmux")
            .args(["-f", "/dev/null", "-S"])
            .arg(self.socket())
            .args(arguments)
            .env_remove("TMUX")
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "tmux {arguments:?}: {told}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// What stands on the screen.
    pub fn screen(&self) -> String {
        self.run(&["capture-pane", "-p"])
    }

    /// The same with what colours it.
    pub fn painted(&self) -> String {
        self.run(&["capture-pane", "-p", "-e"])
    }

    /// Presses keys by their names: `Enter`, `F2`, `C-c`.
    pub fn press(&self, keys: &[&str]) {
        self.run(&[&["send-keys"], keys].concat());
    }

    /// Types a text.
    pub fn text(&self, text: &str) {
        self.run(&["send-keys", "-l", text]);
    }

    /// Types a text and Enter.
    pub fn line(&self, text: &str) {
        if !text.is_empty() {
            self.text(text);
        }
        self.press(&["Enter"]);
    }

    pub fn resize(&self, width: u16, height: u16) {
        let (width, height) = (width.to_string(), height.to_string());
        self.run(&["resize-window", "-x", &width, "-y", &height]);
    }

    /// Waits until this is on the screen, and gives the screen.
    #[track_caller]
    pub fn until(&self, text: &str) -> String {
        self.until_so(text, |screen| screen.contains(text))
    }

    /// Waits until the screen is so, and gives it.
    #[track_caller]
    pub fn until_so(&self, what: &str, is_so: impl Fn(&str) -> bool) -> String {
        let mut screen = String::new();
        let came = wait::until(PATIENCE, || {
            screen = self.screen();
            is_so(&screen)
        });
        assert!(came, "{what:?} does not come:\n{screen}");
        screen
    }

    /// Kills the program outright, as a loss of power would.
    pub fn kill(&self) {
        let shell = self.run(&["display", "-p", "#{pane_pid}"]);
        let shell = shell.trim();
        let children = std::fs::read_to_string(format!("/proc/{shell}/task/{shell}/children"));
        let children = children.unwrap();
        let child = children.split_whitespace().next().expect("it runs");
        let killed = Command::new("sh")
            .args(["-c", &format!("kill -KILL {child}")])
            .status();
        assert!(killed.unwrap().success());
        self.until("ENDED 137");
    }

    /// Sends the program a signal.
    pub fn signal(&self, name: &str) {
        let shell = self.run(&["display", "-p", "#{pane_pid}"]);
        let shell = shell.trim();
        let children = std::fs::read_to_string(format!("/proc/{shell}/task/{shell}/children"));
        let children = children.unwrap();
        let child = children.split_whitespace().next().expect("it runs");
        let sent = Command::new("sh")
            .args(["-c", &format!("kill -{name} {child}")])
            .status();
        assert!(sent.unwrap().success());
    }

    /// Waits for the program's end: with this code, and the terminal as it was.
    #[track_caller]
    pub fn ended(&self, code: i32) -> String {
        let screen = self.until_so("ENDED", |screen| screen.contains("echo\n"));
        assert!(screen.contains(&format!("ENDED {code}\n")), "{screen}");
        let words: Vec<&str> = screen.split_whitespace().collect();
        assert!(
            words.contains(&"icanon") && words.contains(&"echo"),
            "{screen}"
        );
        screen
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        let mut end = Command::new("tmux");
        end.arg("-S").arg(self.socket()).arg("kill-server");
        // It may have ended already.
        let _ = end.stderr(Stdio::null()).status();
    }
}
