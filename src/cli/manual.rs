//! What the program says of itself: error codes, completions for shells, manual pages.
//!
//! All of it is made from what the program really reads and says, so none of it can be out of date.

use std::path::{Path, PathBuf};

use clap::CommandFactory as _;
use clap_complete::Shell;

use super::arguments::Arguments;
use super::failure::codes::{self, CODES, Code, EXITS};
use super::failure::{Exit, Failure};
use super::report::manual::{Completions, ErrorLine, ErrorTable, ManualPage};

/// The program's name, in completions and manual pages.
const NAME: &str = "natcoin";

/// Most letters of a mistyped code that are shown.
const SHOWN: usize = 40;

/// `errors`: the table of error codes, or one line of it.
///
/// # Errors
/// If there is no such code.
pub fn errors(code: Option<&str>) -> Result<ErrorTable, Failure> {
    let lines = match code {
        None => CODES.iter().map(line).collect(),
        Some(code) => {
            let one = codes::find(code).ok_or_else(|| no_code(code))?;
            vec![line(one)]
        }
    };
    Ok(ErrorTable {
        status: "ok",
        errors: lines,
    })
}

fn line(code: &'static Code) -> ErrorLine {
    ErrorLine {
        code: code.code,
        exits: code.exits.iter().map(|exit| *exit as u8).collect(),
        cause: code.cause,
        step: code.step,
    }
}

fn no_code(code: &str) -> Failure {
    let shown: String = code.chars().take(SHOWN).collect();
    Failure::new(
        Exit::Usage,
        "usage",
        format!("{shown:?} is no error code"),
        "`natcoin errors` shows all of them",
    )
}

/// `completions`: what a shell reads to complete commands and options.
pub fn completions(shell: Shell) -> Completions {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), NAME, &mut script);
    Completions {
        status: "ok",
        shell: shell.to_string(),
        script: String::from_utf8_lossy(&script).into_owned(),
    }
}

/// `man`: the first page, or a folder of all pages.
///
/// # Errors
/// If the folder cannot be made or written.
pub fn pages(out: Option<&Path>) -> Result<ManualPage, Failure> {
    let command = described();
    let Some(folder) = out else {
        let mut page = Vec::new();
        let rendered = clap_mangen::Man::new(command).render(&mut page);
        rendered.map_err(|error| Failure::io("make the manual page", &error))?;
        return Ok(ManualPage::Printed {
            status: "ok",
            page: String::from_utf8_lossy(&page).into_owned(),
        });
    };
    let unwritten = |error| Failure::io(&format!("write to {}", folder.display()), &error);
    std::fs::create_dir_all(folder).map_err(unwritten)?;
    clap_mangen::generate_to(command, folder).map_err(unwritten)?;
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(unwritten)?
        .into_iter()
        .map(|entry| entry.path())
        .collect();
    files.retain(|path| path.extension().is_some_and(|kind| kind == "1"));
    files.sort();
    Ok(ManualPage::Written {
        status: "ok",
        folder: folder.to_owned(),
        files,
    })
}

/// The commands, and at the end of the first page how the program ends.
fn described() -> clap::Command {
    let exits = EXITS.iter().map(|(exit, meaning, step)| match exit {
        0 => format!("{exit}: {meaning}."),
        _ => format!("{exit}: {meaning}; {step}."),
    });
    let exits: Vec<String> = exits.collect();
    let told = format!(
        "Exit codes. {} `natcoin errors` tells every error code.",
        exits.join(" ")
    );
    Arguments::command().after_long_help(told)
}
