//! `wallet shell`: the plain `$` prompt of NAT-Coin 1.0, for terminals and for pipes.
//!
//! ```text
//! $ send @bob 5 for the honey     asked "are you sure?", then boxed when it is final
//! $ transactions | iptables | blockchain | balance | help | exit
//! ```
//! What arrives is boxed as it comes. Each command goes the steps of the command of that name (`wallet/live.rs`).
//! On a pipe an answer is the next line; a command that fails is told, the prompt goes on, and the last failure is how
//! the program ends.

use std::io::{BufRead as _, IsTerminal as _};

use serde::Serialize;
use tokio::sync::mpsc;

use super::context::Context;
use super::explore;
use super::failure::{Exit, Failure};
use super::report::payment::PaymentFinal;
use super::report::wallet::{EntryKind, WatchEvent};
use super::report::{Report, Style, quoted};
use super::signal::Signals;
use super::values::Readers;
use super::wallet;
use super::wallet::live::{Live, News};
use super::wallet::payment::{self, Order};
use super::wallet::watch::Heard;

/// Most bytes of a typed line.
const MAX_LINE: u64 = 8 * 1024;
/// How many transactions are shown.
const SHOWN: usize = 20;
/// News that wait to be shown.
const NEWS: usize = 64;

const HELP: &str = "\
send WHO AMOUNT [MEMO]  pay @name or an address; only the payee reads the memo
transactions            the newest transactions, proven
iptables                who is there, and by which way
blockchain [HEIGHT]     a block; the newest if none is named
balance                 what you have, proven
exit                    end";

/// `wallet shell`.
///
/// # Errors
/// If the wallet cannot be opened; on a pipe, how the last command that failed has failed.
pub async fn run(context: &Context) -> Result<(), Failure> {
    let mut signals = Signals::new()?;
    let name = context.profile()?;
    let keystore = context.data_dir()?.read_keystore(&name)?;
    let vault = wallet::open_vault(context, &name, &keystore)?;
    let (news, told) = mpsc::channel(NEWS);
    // A script is done in a moment: nobody need find it.
    let is_piped = !std::io::stdin().is_terminal();
    let live = Live::open(context, vault, !is_piped, news).await?;
    let mut shell = Shell {
        context,
        live,
        told,
        typed: typed_lines()?,
        is_piped,
        failed: None,
    };
    let line = context.output.progress("connecting");
    let ready = tokio::select! {
        ready = shell.live.ready() => ready,
        () = signals.end() => Err(super::prompt::cancelled()),
    };
    drop(line);
    let ended = match ready {
        Ok(()) => tokio::select! {
            ended = shell.converse() => ended,
            () = signals.end() => Ok(()),
        },
        Err(failure) => Err(failure),
    };
    let Shell {
        live,
        failed,
        is_piped,
        ..
    } = shell;
    live.close().await;
    match (ended, failed) {
        // It was told when it happened.
        (Ok(()), Some(failure)) if is_piped => Err(failure.told()),
        (ended, _) => ended,
    }
}

struct Shell<'a> {
    context: &'a Context,
    live: Live,
    told: mpsc::Receiver<News>,
    typed: mpsc::Receiver<String>,
    is_piped: bool,
    /// How the last command that failed has failed.
    failed: Option<Failure>,
}

/// What is printed in a box: what has left, and what has come.
#[derive(Serialize)]
struct Boxed {
    /// `send` or `recv`.
    notice: &'static str,
    #[serde(flatten)]
    what: What,
}

#[derive(Serialize)]
#[serde(untagged)]
enum What {
    Sent(Box<PaymentFinal>),
    Received(Box<WatchEvent>),
}

impl Report for Boxed {
    fn text(&self, style: Style) -> String {
        let lines = match &self.what {
            What::Sent(done) => vec![
                done.what.clone(),
                format!("final after {} ms, block {}", done.latency_ms, done.height),
                format!("signed by {} of {} nodes", done.signed_by, done.validators),
            ],
            What::Received(event) => {
                let entry = &event.entry;
                let from = match (&entry.counterparty_name, entry.counterparty) {
                    (Some(name), _) => format!("@{name}"),
                    (None, Some(address)) => address.short(),
                    (None, None) => String::new(),
                };
                let mut lines = vec![format!("{} NAT from {from}", entry.amount)];
                if !entry.memo.is_empty() {
                    lines.push(quoted(&entry.memo));
                }
                lines.push(format!("final, block {}", entry.height));
                lines.push(format!("balance {} NAT", event.balance));
                lines
            }
        };
        framed(&self.notice.to_uppercase(), &lines, style)
    }
}

/// Lines in a box with a title, in plain letters: it stands on every terminal and in every log.
fn framed(title: &str, lines: &[String], style: Style) -> String {
    let width = |line: &String| line.chars().count();
    let inner = lines
        .iter()
        .map(width)
        .max()
        .unwrap_or(0)
        .max(title.len() + 4)
        + 2;
    let left = (inner - title.len() - 2) / 2;
    let right = inner - title.len() - 2 - left;
    let head = format!(
        "+{} {} {}+",
        "-".repeat(left),
        style.strong(title),
        "-".repeat(right)
    );
    let body = lines
        .iter()
        .map(|line| format!("| {line}{}|", " ".repeat(inner - 1 - width(line))));
    let foot = format!("+{}+", "-".repeat(inner));
    let all: Vec<String> = std::iter::once(head).chain(body).chain([foot]).collect();
    all.join("\n")
}

impl Shell<'_> {
    async fn converse(&mut self) -> Result<(), Failure> {
        self.context
            .output
            .note("`help` lists the commands, `exit` ends");
        loop {
            self.prompt("$ ");
            let Some(line) = self.next_line().await? else {
                return Ok(());
            };
            let mut words = line.split_whitespace();
            let Some(command) = words.next() else {
                continue;
            };
            let rest: Vec<&str> = words.collect();
            if matches!(command.to_lowercase().as_str(), "exit" | "quit") {
                return Ok(());
            }
            match self.perform(&command.to_lowercase(), &rest).await {
                Err(failure) if failure.is_output_closed() => return Err(failure),
                Err(failure) => {
                    self.context.output.failure(&failure);
                    self.failed = Some(failure);
                }
                Ok(()) => {}
            }
        }
    }

    /// The next line; what is heard meanwhile is shown.
    async fn next_line(&mut self) -> Result<Option<String>, Failure> {
        loop {
            tokio::select! {
                line = self.typed.recv() => return Ok(line),
                Some(news) = self.told.recv() => {
                    if self.tell(news)? {
                        self.prompt("$ ");
                    }
                }
            }
        }
    }

    /// Shows what is new; whether something was printed.
    fn tell(&self, news: News) -> Result<bool, Failure> {
        match news {
            News::Heard(Heard::Final(event)) if event.entry.kind == EntryKind::Received => {
                let notice = "recv";
                let what = What::Received(event);
                if !self.context.output.is_json() && !self.is_piped {
                    self.prompt("\n");
                }
                self.context.output.report(&Boxed { notice, what })?;
                Ok(true)
            }
            News::Heard(Heard::Word(dealing)) => {
                self.context.output.report(&*dealing)?;
                Ok(true)
            }
            News::Ended(failure) => Err(failure),
            _ => Ok(false),
        }
    }

    /// What scripts do not get.
    fn prompt(&self, text: &str) {
        if !self.context.output.is_json() {
            self.context.output.prompt(text);
        }
    }

    async fn perform(&mut self, command: &str, rest: &[&str]) -> Result<(), Failure> {
        let output = &self.context.output;
        match command {
            "send" => self.send(rest).await,
            "transactions" => output.report(&self.live.history(SHOWN).await?),
            "balance" => output.report(&self.live.balance().await?),
            "iptables" => output.report(&self.live.directory().await?),
            "blockchain" => {
                let height = rest.first().map(|text| {
                    text.parse().map_err(|_| {
                        let message = format!("{text:?} is no height");
                        Failure::new(Exit::Usage, "usage", message, "write a number, or none")
                    })
                });
                let height = height.transpose()?;
                output.report(&explore::block_of(self.live.session(), height).await?)
            }
            "help" | "?" => output.report(&Help { help: HELP }),
            other => {
                let shown: String = other.chars().filter(|c| !c.is_control()).take(40).collect();
                Err(Failure::new(
                    Exit::Usage,
                    "usage",
                    format!("there is no command {shown:?}"),
                    "`help` lists the commands",
                ))
            }
        }
    }

    async fn send(&mut self, rest: &[&str]) -> Result<(), Failure> {
        let (to, amount, memo) = match rest {
            [to, amount, memo @ ..] => ((*to).to_owned(), (*amount).to_owned(), memo.join(" ")),
            _ => {
                let to = match rest.first() {
                    Some(to) => (*to).to_owned(),
                    None => self.ask("to: ").await?,
                };
                let amount = self.ask("amount: ").await?;
                (to, amount, self.ask("memo: ").await?)
            }
        };
        let memo = memo.trim();
        let memo = (!memo.is_empty()).then_some(memo);
        let order = Order::transfer(to.trim(), amount.trim(), memo, Readers::PayeeAlone)?;
        let plan = self.live.plan(order).await?;
        if !self.context.yes {
            if let Some(shown) = payment::shown(&plan) {
                self.context.output.show(&shown.question());
            }
            let answer = self.ask("are you sure? [y/N] ").await?;
            if !matches!(answer.trim().to_lowercase().as_str(), "y" | "yes") {
                return Err(super::prompt::cancelled());
            }
        }
        let line = self.context.output.progress("sending");
        let mut say = |_, text: String| line.set(&text);
        let done = self.live.pay(plan, &mut say).await?;
        drop(line);
        let what = What::Sent(Box::new(done));
        let notice = "send";
        self.context.output.report(&Boxed { notice, what })
    }

    async fn ask(&mut self, question: &str) -> Result<String, Failure> {
        self.prompt(question);
        self.typed.recv().await.ok_or_else(super::prompt::cancelled)
    }
}

/// `help`.
#[derive(Serialize)]
struct Help {
    help: &'static str,
}

impl Report for Help {
    fn text(&self, _: Style) -> String {
        self.help.to_owned()
    }
}

/// What is typed, line by line, read by a thread of its own: what arrives meanwhile is shown at once.
fn typed_lines() -> Result<mpsc::Receiver<String>, Failure> {
    // One at a time: the next is read when the last is done with.
    let (tell, typed) = mpsc::channel(1);
    let read = move || {
        let mut stdin = std::io::stdin().lock();
        loop {
            let mut bytes = Vec::new();
            let read = std::io::Read::take(&mut stdin, MAX_LINE).read_until(b'\n', &mut bytes);
            if !matches!(read, Ok(1..)) {
                return;
            }
            let line = String::from_utf8_lossy(&bytes).trim_end().to_owned();
            if tell.blocking_send(line).is_err() {
                return;
            }
        }
    };
    let started = std::thread::Builder::new()
        .name("lines".to_owned())
        .spawn(read);
    started.map_err(|error| Failure::io("start a thread", &error))?;
    Ok(typed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_is_as_wide_as_its_widest_line() {
        let lines = ["5.00000000 NAT to @bob".to_owned(), "čaj".to_owned()];
        assert_eq!(
            framed("SEND", &lines, Style::Plain),
            "+--------- SEND ---------+\n| 5.00000000 NAT to @bob |\n| čaj                    |\n+------------------------+"
        );
        let short = framed("RECV", &["x".to_owned()], Style::Plain);
        assert_eq!(short, "+-- RECV --+\n| x        |\n+----------+");
    }
}
