//! Questions to a person: passwords, confirmations, recovery words.
//!
//! Passwords come from a file or a terminal without echo, never from an argument. Where nobody can
//! answer, a question is a failure that says which option answers it.

use std::fs::File;
use std::io::{self, BufRead, ErrorKind, IsTerminal, Read, Write};
use std::path::Path;

use zeroize::Zeroizing;

use super::context::Context;
use super::failure::{Exit, Failure};
use crate::wallet::vault::{MAX_PASSWORD_BYTES, Password};

/// Most bytes read of a file or of standard input that holds a secret.
const MAX_SECRET_BYTES: u64 = 64 * 1024;

/// How often a person may try before the command gives up.
pub const TRIES: usize = 3;

/// Whether a person can answer.
pub fn somebody_is_there() -> bool {
    io::stdin().is_terminal()
}

/// Opens a wallet with its owner's password; a person may mistype it twice.
///
/// # Errors
/// If there is no password file and nobody to ask; what `open` says, at last.
pub fn open_with_password<T>(
    context: &Context,
    wallet: &str,
    open: impl Fn(&Password) -> Result<T, Failure>,
) -> Result<T, Failure> {
    if let Some(path) = &context.password_file {
        return open(&password_of_file(path)?);
    }
    repeat(context, WRONG_PASSWORD, || {
        let typed = ask_hidden(&format!("Password of the wallet {wallet}: "))?;
        open(&Password::typed(&typed)?)
    })
}

/// The password of a new wallet, asked twice; who mistypes it is asked again.
///
/// # Errors
/// If there is no password file and nobody to ask; if it is too short, or the two differ, each time.
pub fn new_password(context: &Context, wallet: &str) -> Result<Password, Failure> {
    if let Some(path) = &context.password_file {
        let password = password_of_file(path)?;
        password.check_for_new_keystore()?;
        return Ok(password);
    }
    repeat(context, UNFIT_PASSWORD, || {
        let first = ask_hidden(&format!("New password for the wallet {wallet}: "))?;
        let password = Password::typed(&first)?;
        password.check_for_new_keystore()?;
        if *ask_hidden("The same again: ")? != *first {
            return Err(Failure::new(
                Exit::Usage,
                "passwords_differ",
                "the two passwords are not the same",
                "nothing was made; try again",
            ));
        }
        Ok(password)
    })
}

/// Codes of failures that another answer mends.
const WRONG_PASSWORD: &[&str] = &["password_wrong"];
const UNFIT_PASSWORD: &[&str] = &["password_too_short", "passwords_differ"];

/// Asks until the answer is good, or fails in another way than `mendable`, or for the third time.
pub fn repeat<T>(
    context: &Context,
    mendable: &[&str],
    mut attempt: impl FnMut() -> Result<T, Failure>,
) -> Result<T, Failure> {
    for _ in 1..TRIES {
        match attempt() {
            Err(failure) if mendable.contains(&&*failure.code) => {
                context.output.show(&format!("{}; again.", failure.message));
            }
            done => return done,
        }
    }
    attempt()
}

/// The first line of a file.
///
/// # Errors
/// If the file cannot be read, is not text, or is no password.
pub fn password_of_file(path: &Path) -> Result<Password, Failure> {
    let text = secret_of_file(path)?;
    let line = text.lines().next().unwrap_or_default();
    Ok(Password::typed(line)?)
}

/// The text of a file that holds a secret.
///
/// # Errors
/// If the file cannot be read, is too large, or is not text.
pub fn secret_of_file(path: &Path) -> Result<Zeroizing<String>, Failure> {
    let file = File::open(path).map_err(|error| unreadable(path, &error))?;
    read_secret(file).map_err(|error| unreadable(path, &error))
}

/// The text of standard input.
///
/// # Errors
/// If it cannot be read, is too large, or is not text.
pub fn secret_of_stdin() -> Result<Zeroizing<String>, Failure> {
    read_secret(io::stdin().lock()).map_err(|error| Failure::io("read standard input", &error))
}

/// Asks yes or no; `--yes` answers.
///
/// # Errors
/// If the answer is not yes, or nobody is there to give one.
pub fn confirm(context: &Context, question: &str) -> Result<(), Failure> {
    if context.yes {
        return Ok(());
    }
    if !somebody_is_there() {
        return Err(Failure::new(
            Exit::Usage,
            "confirmation_needed",
            format!("nobody can answer: {}", one_line(question)),
            "add --yes to say yes",
        ));
    }
    let answer = ask(&format!("{question} [y/N] "))?;
    match answer.trim().to_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(cancelled()),
    }
}

/// A person does not want to go on.
pub fn cancelled() -> Failure {
    Failure::new(
        Exit::Usage,
        "cancelled",
        "cancelled: nothing was done",
        "run the command again when you want to go on",
    )
}

/// Asks for a line, with echo.
///
/// # Errors
/// If the person ends the input (Ctrl-D) instead, or the terminal fails.
pub fn ask(question: &str) -> Result<Zeroizing<String>, Failure> {
    let failed = |error: io::Error| Failure::io("ask a question", &error);
    let mut stderr = io::stderr().lock();
    stderr
        .write_all(question.as_bytes())
        .and_then(|()| stderr.flush())
        .map_err(failed)?;
    let mut line = Zeroizing::new(String::new());
    let mut stdin = io::stdin().lock().take(MAX_SECRET_BYTES);
    let read_bytes = stdin.read_line(&mut line).map_err(failed)?;
    if !line.ends_with('\n') {
        // Ctrl-D leaves the cursor behind the question.
        stderr.write_all(b"\n").map_err(failed)?;
    }
    match read_bytes {
        0 => Err(cancelled()),
        _ => Ok(line),
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn ask_hidden(question: &str) -> Result<Zeroizing<String>, Failure> {
    if !somebody_is_there() {
        return Err(Failure::new(
            Exit::Usage,
            "password_needed",
            "a password is needed, and nobody is there to type it",
            "name a file that holds it with --password-file or NATCOIN_PASSWORD_FILE",
        ));
    }
    rpassword::prompt_password(question)
        .map(Zeroizing::new)
        .map_err(|error| match error.kind() {
            ErrorKind::UnexpectedEof => cancelled(),
            _ => Failure::io("read the password", &error),
        })
}

fn read_secret(from: impl Read) -> io::Result<Zeroizing<String>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_PASSWORD_BYTES));
    from.take(MAX_SECRET_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_SECRET_BYTES {
        return Err(io::Error::other("it has more than 65536 bytes"));
    }
    match std::str::from_utf8(&bytes) {
        Ok(text) => Ok(Zeroizing::new(text.to_owned())),
        Err(_) => Err(io::Error::other("it is not text in UTF-8")),
    }
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    Failure::new(
        Exit::Usage,
        "file_unreadable",
        format!("cannot read {}: {error}", path.display()),
        "check the path and the file's permissions",
    )
}
