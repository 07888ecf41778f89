//! Runs the program in an environment of its own.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// The program in a folder of its own, without anything of the user's environment.
pub struct Program {
    folder: TempDir,
}

/// What a run gave.
pub struct Run {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Program {
    pub fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        std::fs::write(self.path(name), text).unwrap();
        self.path(name)
    }

    /// The program, ready to run with these arguments in its folder.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_natcoin"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .env("HOME", self.folder.path())
            .stdin(Stdio::null());
        if let Ok(root) = std::env::var("SystemRoot") {
            command.env("SystemRoot", root);
        }
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Run {
        Run::of(self.command(arguments).output().unwrap())
    }

    /// Runs it with `--output json`; stdout must be one line of JSON, and stderr empty.
    pub fn json(&self, arguments: &[&str]) -> (i32, Value) {
        let run = self.run(&[arguments, &["--output", "json"]].concat());
        assert_eq!(run.stderr, "", "{arguments:?}");
        assert_eq!(
            run.stdout.lines().count(),
            1,
            "{arguments:?}: {}",
            run.stdout
        );
        (run.code, serde_json::from_str(&run.stdout).unwrap())
    }

    /// The exit code and error code of a run that must fail, in JSON; the text form must agree.
    pub fn failure(&self, arguments: &[&str]) -> (i32, String) {
        let (exit, json) = self.json(arguments);
        let error = &json["error"];
        for field in ["code", "message", "hint"] {
            let text = error[field].as_str().unwrap_or_default();
            assert!(!text.is_empty(), "{arguments:?}: no {field} in {json}");
        }
        let code = error["code"].as_str().unwrap();
        let known = natcoin::cli::failure::codes::find(code);
        let known = known.unwrap_or_else(|| panic!("{code} is not in the table of codes"));
        let is_exit = known.exits.iter().any(|known| *known as i32 == exit);
        assert!(is_exit, "{code} ends with {exit}: not so in the table");
        let run = self.run(arguments);
        assert_eq!((run.code, run.stdout.as_str()), (exit, ""), "{arguments:?}");
        assert!(run.stderr.starts_with("error: "), "{}", run.stderr);
        (exit, error["code"].as_str().unwrap().to_owned())
    }
}

impl Run {
    pub fn of(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}
