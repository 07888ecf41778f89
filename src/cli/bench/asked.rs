//! What was asked of `natcoin bench`: numbers, rates and a length of time. Each refusal names the limit and the next step.

use std::path::Path;
use std::time::Duration;

use crate::cli::arguments::Bench;
use crate::cli::failure::{Exit, Failure};
use crate::cli::values::{self, Count, cut, whole};
use crate::node::bench::{BenchConfig, MAX_DURATION, MAX_PAYMENTS, NODES, RATES, Rate, WALLETS};

/// Most rates of a table.
const MAX_LOADS: usize = 16;

/// One load to be measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Asked {
    nodes: usize,
    wallets: usize,
    rate: Rate,
    duration: Duration,
    is_apart: bool,
}

impl Asked {
    /// The same, in this folder.
    ///
    /// # Errors
    /// If this program cannot be found to be started again.
    pub(super) fn config(&self, folder: &Path) -> Result<BenchConfig, Failure> {
        let program = self.is_apart.then(std::env::current_exe).transpose();
        Ok(BenchConfig {
            folder: folder.to_owned(),
            nodes: self.nodes,
            wallets: self.wallets,
            rate: self.rate,
            duration: self.duration,
            program: program.map_err(|error| Failure::io("find this program", &error))?,
        })
    }
}

/// What is to be measured, one for each rate.
///
/// # Errors
/// What was asked makes no sense.
pub(super) fn loads(arguments: &Bench) -> Result<Vec<Asked>, Failure> {
    let count = |what, limits, text: &str| {
        let count = Count {
            what,
            done: "used",
            option: what,
            limits,
        };
        let number = count.read(text)?;
        usize::try_from(number).map_err(|_| count.refusal(text))
    };
    let nodes = count("nodes", NODES, &arguments.nodes)?;
    let wallets = count("wallets", WALLETS, &arguments.wallets)?;
    let limit = "a load lasts at most 1h";
    let duration = values::duration(&arguments.duration, MAX_DURATION, limit)?;
    if arguments.rate.len() > MAX_LOADS {
        return Err(wrong_rate(format!(
            "{} rates are too many: at most {MAX_LOADS} are measured at once",
            arguments.rate.len()
        )));
    }
    let load = |text: &String| {
        Ok(Asked {
            nodes,
            wallets,
            rate: rate(text, duration)?,
            duration,
            is_apart: arguments.processes,
        })
    };
    arguments.rate.iter().map(load).collect()
}

fn rate(text: &str, duration: Duration) -> Result<Rate, Failure> {
    if text == "max" {
        return Ok(Rate::Max);
    }
    let (least, most) = RATES.into_inner();
    let number = whole(text).filter(|rate| RATES.contains(rate));
    let Some(number) = number else {
        return Err(wrong_rate(format!(
            "{:?} is no rate: from {least} to {most} payments a second can be handed in, or max",
            cut(text)
        )));
    };
    let ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let payments = number.saturating_mul(ms) / 1000;
    if payments > MAX_PAYMENTS {
        let longest = MAX_PAYMENTS / number;
        let message = format!(
            "{number} a second for {} s are {payments} payments: at most {MAX_PAYMENTS} are signed in advance",
            duration.as_secs()
        );
        let hint = format!("give --duration {longest}s, or a smaller --rate");
        return Err(Failure::new(Exit::Usage, "load_too_large", message, hint));
    }
    let number = u32::try_from(number).unwrap_or(u32::MAX);
    Ok(Rate::PerSecond(number))
}

fn wrong_rate(message: String) -> Failure {
    let hint = "write --rate 1000 for a thousand payments a second, --rate max for as many as are carried, or several with commas";
    Failure::new(Exit::Usage, "rate_invalid", message, hint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::arguments::{Arguments, Command};

    fn read(line: &str) -> Result<Vec<Asked>, Failure> {
        let words: Vec<_> = format!("natcoin bench {line}")
            .split_whitespace()
            .map(std::ffi::OsString::from)
            .collect();
        match Arguments::read(&words).unwrap().command {
            Command::Bench(arguments) => loads(&arguments),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn without_words_it_is_all_that_four_nodes_carry_in_half_a_minute() {
        let asked = Asked {
            nodes: 4,
            wallets: 10_000,
            rate: Rate::Max,
            duration: Duration::from_secs(30),
            is_apart: false,
        };
        assert_eq!(read("").unwrap(), [asked]);
        let rates = read("--rate 100,5000,max --processes").unwrap();
        let rates: Vec<Rate> = rates.iter().map(|one| one.rate).collect();
        let wanted = [Rate::PerSecond(100), Rate::PerSecond(5000), Rate::Max];
        assert_eq!(rates, wanted);
    }

    #[test]
    fn what_cannot_be_measured_is_refused_with_the_limits() {
        for (line, code, message) in [
            (
                "--nodes 17",
                "count_invalid",
                "17 nodes cannot be used: from 1 to 16 can",
            ),
            (
                "--nodes x",
                "count_invalid",
                "\"x\" is no number of nodes: from 1 to 16 can be used",
            ),
            (
                "--wallets 1",
                "count_invalid",
                "1 wallet cannot be used: from 2 to 10000 can",
            ),
            (
                "--wallets 10001",
                "count_invalid",
                "10001 wallets cannot be used: from 2 to 10000 can",
            ),
            (
                "--rate 0",
                "rate_invalid",
                "\"0\" is no rate: from 1 to 100000 payments a second can be handed in, or max",
            ),
            (
                "--rate 10,fast",
                "rate_invalid",
                "\"fast\" is no rate: from 1 to 100000 payments a second can be handed in, or max",
            ),
            (
                "--duration 2h",
                "duration_invalid",
                "2h is too long: a load lasts at most 1h",
            ),
            (
                "--rate 100000 --duration 21s",
                "load_too_large",
                "100000 a second for 21 s are 2100000 payments: at most 2000000 are signed in advance",
            ),
        ] {
            let failure = read(line).unwrap_err();
            assert_eq!((&*failure.code, &*failure.message), (code, message));
            assert_eq!(failure.exit, Exit::Usage);
            assert!(!failure.hint.is_empty());
        }
        let many = vec!["1"; MAX_LOADS + 1].join(",");
        let failure = read(&format!("--rate {many}")).unwrap_err();
        assert_eq!(failure.code, "rate_invalid");
    }
}
