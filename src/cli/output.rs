//! The way out: results and failures, for people or for scripts, and progress while waiting.
//!
//! With `--output json` stdout carries JSON only, one value a line, errors included. Text results go
//! to stdout, everything else to stderr. Colours and spinners only where a person looks.

use std::ffi::OsString;
use std::io::{self, BufWriter, ErrorKind, IsTerminal, Stdout, Write};
use std::process::ExitCode;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use super::arguments::Form;
use super::failure::{Exit, Failure};
use super::report::{Report, Style};

/// Where results go, and how.
#[derive(Debug, Clone)]
pub struct Output {
    form: Form,
    style: Style,
    quiet: bool,
    watched: bool,
}

/// A line that moves while the program waits; it goes away when dropped.
#[derive(Debug)]
pub struct Progress(Option<ProgressBar>);

/// A result that is shown again whenever it changes: in its place on a terminal, one after the other elsewhere.
#[derive(Debug)]
pub struct Live {
    output: Output,
    place: Option<ProgressBar>,
}

/// Many lines on stdout, written together.
#[derive(Debug)]
pub struct Lines(BufWriter<Stdout>);

impl Output {
    /// The output of a command.
    pub fn new(form: Form, quiet: bool) -> Self {
        let stdout_is_seen = io::stdout().is_terminal();
        Self {
            form,
            style: match form {
                Form::Text if stdout_is_seen && colours_are_welcome() => Style::Coloured,
                _ => Style::Plain,
            },
            quiet: quiet || form == Form::Json,
            watched: io::stderr().is_terminal(),
        }
    }

    /// The same without notes and progress.
    pub fn silent(&self) -> Self {
        Self {
            quiet: true,
            ..self.clone()
        }
    }

    /// Whether a script reads.
    pub fn is_json(&self) -> bool {
        self.form == Form::Json
    }

    /// Prints a result; each is one line of JSON, or some lines of text.
    ///
    /// # Errors
    /// [`Failure::output_closed`] if nobody reads any more; [`Failure::io`].
    pub fn report(&self, report: &impl Report) -> Result<(), Failure> {
        let mut text = match self.form {
            Form::Text => report.text(self.style),
            Form::Json => serde_json::to_string(report).map_err(|error| {
                let message = format!("the result cannot be written as JSON: {error}");
                Failure::new(Exit::Unexpected, "internal", message, "please report this")
            })?,
        };
        text.push('\n');
        write_stdout(&text)
    }

    /// Tells a person something beside the result; scripts and `--quiet` do not get it.
    pub fn note(&self, text: &str) {
        if !self.quiet {
            write_stderr(text);
        }
    }

    /// Shows something that a person must see, also with `--quiet`, on stderr.
    pub fn show(&self, text: &str) {
        write_stderr(text);
    }

    /// Begins a line that a person goes on with, on stdout with the results.
    pub fn prompt(&self, text: &str) {
        // Whoever has gone away is found out with the next result.
        let _ = write_stdout(text);
    }

    /// Shows that the program waits for something.
    pub fn progress(&self, text: &str) -> Progress {
        if self.quiet || !self.watched {
            return Progress(None);
        }
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
            bar.set_style(style);
        }
        bar.set_message(text.to_owned());
        bar.enable_steady_tick(Duration::from_millis(100));
        Progress(Some(bar))
    }

    /// A line that stays below all else while a program runs and a person looks; none elsewhere.
    pub fn face(&self) -> Option<Progress> {
        if self.quiet || !self.watched || self.form == Form::Json {
            return None;
        }
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg}") {
            bar.set_style(style);
        }
        if bar.is_hidden() {
            return None;
        }
        bar.enable_steady_tick(Duration::from_millis(250));
        *standing() = Some(bar.clone());
        Some(Progress(Some(bar)))
    }

    /// How what goes to a terminal looks.
    pub fn style(&self) -> Style {
        self.style
    }

    /// Shows how far many things are, out of so many; `None` if nobody looks.
    pub fn bar(&self, count: u64) -> Progress {
        if self.quiet || !self.watched {
            return Progress(None);
        }
        let bar = ProgressBar::new(count);
        if let Ok(style) = ProgressStyle::with_template("[{bar:24}] {pos} of {len}{msg}") {
            bar.set_style(style.progress_chars("=> "));
        }
        Progress(Some(bar))
    }

    /// Where a result goes that changes.
    pub fn live(&self) -> Live {
        let is_seen = self.form == Form::Text && io::stdout().is_terminal();
        let place = is_seen.then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stdout());
            if let Ok(style) = ProgressStyle::with_template("{msg}") {
                bar.set_style(style);
            }
            bar
        });
        // A terminal that cannot move its cursor shows one after the other, too.
        let place = place.filter(|bar| !bar.is_hidden());
        Live {
            output: self.clone(),
            place,
        }
    }

    /// Where many lines go, one after another.
    pub fn lines(&self) -> Lines {
        Lines(BufWriter::new(io::stdout()))
    }

    /// Prints a failure, unless a result has told it, and gives the program's exit code.
    pub fn failure(&self, failure: &Failure) -> ExitCode {
        if failure.is_output_closed() {
            return ExitCode::SUCCESS;
        }
        if !failure.is_told {
            print_failure(self.form, failure);
        }
        ExitCode::from(failure.exit as u8)
    }
}

impl Live {
    /// Shows the result as it is now. `is_news` if it has changed in more than what always changes: text that does not
    /// stand on a terminal is printed only then.
    ///
    /// # Errors
    /// As [`Output::report`].
    pub fn show(&self, report: &impl Report, is_news: bool) -> Result<(), Failure> {
        match &self.place {
            Some(place) => place.set_message(report.text(self.output.style)),
            None if is_news || self.output.is_json() => self.output.report(report)?,
            None => {}
        }
        Ok(())
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        // What was shown last stays.
        if let Some(place) = &self.place {
            place.abandon();
        }
    }
}

impl Lines {
    /// Prints a line, soon; tells whether there is still somebody who reads.
    pub fn line(&mut self, text: &str) -> bool {
        writeln!(self.0, "{text}").is_ok()
    }
}

impl Progress {
    /// Says how far it is, and more.
    pub fn at(&self, done: u64, text: &str) {
        if let Some(bar) = &self.0 {
            bar.set_position(done);
            bar.set_message(text.to_owned());
        }
    }

    /// Says what it waits for now.
    pub fn set(&self, text: &str) {
        if let Some(bar) = &self.0 {
            bar.set_message(text.to_owned());
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

/// What clap has to say, when the arguments are not a command: help, the version, or a mistake.
pub fn usage(words: &[OsString], error: &clap::Error) -> ExitCode {
    use clap::error::ErrorKind::{
        DisplayHelp, DisplayHelpOnMissingArgumentOrSubcommand, DisplayVersion, MissingSubcommand,
    };
    if form_of(words) == Form::Text {
        // A closed pipe is no reason to complain.
        let _ = error.print();
        return ExitCode::from(if error.use_stderr() {
            Exit::Usage as u8
        } else {
            0
        });
    }
    let text = error.render().to_string();
    let printed = match error.kind() {
        DisplayHelp => write_stdout(&format!("{}\n", serde_json::json!({ "help": text }))),
        DisplayVersion => {
            let version = env!("CARGO_PKG_VERSION");
            write_stdout(&format!("{}\n", serde_json::json!({ "version": version })))
        }
        kind => {
            let (message, hint) = match kind {
                DisplayHelpOnMissingArgumentOrSubcommand | MissingSubcommand => (
                    "the command is not complete".to_owned(),
                    "`natcoin --help` lists the commands".to_owned(),
                ),
                _ => message_and_hint(&text),
            };
            print_failure(
                Form::Json,
                &Failure::new(Exit::Usage, "usage", message, hint),
            );
            return ExitCode::from(Exit::Usage as u8);
        }
    };
    match printed {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => ExitCode::from(failure.exit as u8),
    }
}

/// What clap says of a mistake: its first paragraph is what is wrong, the others are about what is right.
fn message_and_hint(text: &str) -> (String, String) {
    let one_line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let (message, hint) = text.split_once("\n\n").unwrap_or((text, ""));
    let message = message.strip_prefix("error: ").unwrap_or(message);
    let hint = hint.split("\n\n").map(one_line).collect::<Vec<_>>();
    (one_line(message), hint.join(". "))
}

/// The form that was asked for, also in arguments that clap refuses.
fn form_of(words: &[OsString]) -> Form {
    let words = words.iter().map(|word| word.to_string_lossy());
    let words: Vec<_> = words.skip(1).take_while(|word| word != "--").collect();
    let is_json = |(at, word): (usize, &std::borrow::Cow<'_, str>)| match word.as_ref() {
        "--output" => words.get(at + 1).is_some_and(|form| form == "json"),
        word => word == "--output=json",
    };
    let named = words
        .iter()
        .any(|word| word == "--output" || word.starts_with("--output="));
    let by_environment = std::env::var("NATCOIN_OUTPUT").is_ok_and(|form| form == "json");
    if words.iter().enumerate().any(is_json) || (!named && by_environment) {
        Form::Json
    } else {
        Form::Text
    }
}

/// The JSON of a failure.
#[derive(Serialize)]
struct ErrorLine<'a> {
    error: &'a Failure,
}

fn print_failure(form: Form, failure: &Failure) {
    match form {
        Form::Json => {
            let line = serde_json::to_string(&ErrorLine { error: failure });
            let told = line.map(|line| (write_stdout(&format!("{line}\n")), line));
            // A full disk behind stdout must not hide what happened.
            if let Ok((Err(_), line)) = told {
                write_stderr(&line);
            }
        }
        Form::Text => {
            let style = match io::stderr().is_terminal() && colours_are_welcome() {
                true => Style::Coloured,
                false => Style::Plain,
            };
            let mut text = format!("{} {}", style.bad("error:"), failure.message);
            if !failure.hint.is_empty() {
                text = format!("{text}\n{} {}", style.faint(" hint:"), failure.hint);
            }
            write_stderr(&text);
        }
    }
}

/// The line that stands below all else, if one does: what is printed meanwhile goes above it.
fn standing() -> MutexGuard<'static, Option<ProgressBar>> {
    static STANDING: Mutex<Option<ProgressBar>> = Mutex::new(None);
    STANDING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Does what prints, with no line of ours in its way.
pub fn above<T>(print: impl FnOnce() -> T) -> T {
    let bar = standing().clone();
    match bar {
        Some(bar) if !bar.is_finished() => bar.suspend(print),
        _ => print(),
    }
}

fn write_stdout(text: &str) -> Result<(), Failure> {
    let written = above(|| {
        let mut stdout = io::stdout().lock();
        stdout
            .write_all(text.as_bytes())
            .and_then(|()| stdout.flush())
    });
    written.map_err(|error| match error.kind() {
        ErrorKind::BrokenPipe => Failure::output_closed(),
        _ => Failure::io("write the result", &error),
    })
}

fn write_stderr(text: &str) {
    // Without stderr there is nowhere to complain that there is no stderr.
    let _ = above(|| writeln!(io::stderr().lock(), "{text}"));
}

/// Whether the system's language settings allow for more than ASCII.
pub fn is_unicode_welcome() -> bool {
    let value = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let language = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(value);
    let is_utf8 = |language: String| {
        let language = language.to_ascii_lowercase();
        language.contains("utf-8") || language.contains("utf8")
    };
    cfg!(windows) || language.is_some_and(is_utf8)
}

/// <https://no-color.org>, and terminals that cannot.
pub fn colours_are_welcome() -> bool {
    let unset = |name: &str| std::env::var_os(name).is_none_or(|value| value.is_empty());
    unset("NO_COLOR") && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_is_missing_is_in_the_message() {
        let text = "error: these were not provided:\n  <TO>\n  <AMOUNT>\n\nUsage: natcoin pay\n\nTry '--help'.\n";
        let (message, hint) = message_and_hint(text);
        assert_eq!(message, "these were not provided: <TO> <AMOUNT>");
        assert_eq!(hint, "Usage: natcoin pay. Try '--help'.");
    }

    #[test]
    fn the_form_is_found_in_broken_arguments_too() {
        let form = |line: &str| {
            let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            form_of(&words)
        };
        assert_eq!(form("natcoin --output json frobnicate"), Form::Json);
        assert_eq!(form("natcoin frobnicate --output=json"), Form::Json);
        assert_eq!(form("natcoin frobnicate"), Form::Text);
        assert_eq!(form("natcoin frobnicate -- --output json"), Form::Text);
        assert_eq!(form("natcoin --output"), Form::Text);
    }
}
