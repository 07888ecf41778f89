//! `errors`, `completions` and `man`: what the program says of itself.

use std::path::PathBuf;

use serde::Serialize;

use super::{Report, Style};

/// `errors`.
#[derive(Debug, Serialize)]
pub struct ErrorTable {
    /// `ok`.
    pub status: &'static str,
    /// The codes.
    pub errors: Vec<ErrorLine>,
}

/// What a code means.
#[derive(Debug, Serialize)]
pub struct ErrorLine {
    /// The code.
    pub code: &'static str,
    /// How the program can end with it.
    pub exits: Vec<u8>,
    /// What is wrong.
    pub cause: &'static str,
    /// The next step.
    pub step: &'static str,
}

impl Report for ErrorTable {
    fn text(&self, style: Style) -> String {
        let line = |one: &ErrorLine| {
            let exits: Vec<String> = one.exits.iter().map(u8::to_string).collect();
            format!(
                "{} (exit {})\n  {}\n  {}",
                style.strong(one.code),
                exits.join(" or "),
                one.cause,
                style.faint(one.step)
            )
        };
        let lines: Vec<String> = self.errors.iter().map(line).collect();
        lines.join("\n")
    }
}

/// `completions`.
#[derive(Debug, Serialize)]
pub struct Completions {
    /// `ok`.
    pub status: &'static str,
    /// The shell.
    pub shell: String,
    /// What it reads.
    pub script: String,
}

impl Report for Completions {
    fn text(&self, _: Style) -> String {
        self.script.trim_end().to_owned()
    }
}

/// `man`.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum ManualPage {
    /// The first page.
    Printed {
        /// `ok`.
        status: &'static str,
        /// It, for `man -l -`.
        page: String,
    },
    /// All pages, in files.
    Written {
        /// `ok`.
        status: &'static str,
        /// Where.
        folder: PathBuf,
        /// Each.
        files: Vec<PathBuf>,
    },
}

impl Report for ManualPage {
    fn text(&self, _: Style) -> String {
        match self {
            Self::Printed { page, .. } => page.trim_end().to_owned(),
            Self::Written { folder, files, .. } => {
                let (count, folder) = (files.len(), folder.display());
                format!("wrote {count} pages to {folder}")
            }
        }
    }
}
