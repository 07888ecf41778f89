//! How a ceremony ends, for people: what there is now, or who ended it, why, and the next step.

use std::path::Path;

use crate::chain::name::Name;
use crate::cli::context::Context;
use crate::cli::failure::{Exit, Failure};
use crate::cli::report::network::Founded;
use crate::cli::report::resilience;
use crate::directory::founding::check::Finding;
use crate::directory::founding::code::CodeError;
use crate::directory::founding::member::Outcome;
use crate::directory::founding::message::{Cause, Off};
use crate::node::founding::FoundError;
use crate::node::home::{BOOTSTRAP, Home, Pending};

/// What stands behind every end without a network.
const NOTHING: &str = "nothing was written, for anybody";

/// The result, or the failure.
///
/// # Errors
/// For every end but [`Outcome::Founded`].
pub(super) fn report(context: &Context, home: &Path, outcome: Outcome) -> Result<(), Failure> {
    match outcome {
        Outcome::Founded { unheard } => {
            let home = Home::load(home)?;
            context.output.report(&founded(&home, &unheard))
        }
        Outcome::Refused(why) => {
            let (message, hint) = why.split_once("; ").unwrap_or((&why, "ask the host"));
            let message = format!("the room did not let this node in: {message}");
            Err(Failure::new(Exit::Rejected, "not_let_in", message, hint))
        }
        Outcome::Unfit(found) => Err(unfit(&found)),
        Outcome::Off(off) => Err(over(&off)),
        Outcome::InDoubt(off) => {
            let pending = Pending::folder_of(home);
            let message = format!(
                "{}; this node has signed already, so others may have the network: its key and the draft stay in {}",
                told(&off),
                pending.display()
            );
            let hint = "ask the others for the signed bootstrap.toml, and finish with `natcoin network found --finish FILE --home DIR`; if none of them has one, `--forget` takes it away";
            Err(Failure::new(
                Exit::NotFinal,
                "founding_unfinished",
                message,
                hint,
            ))
        }
    }
}

/// The result of a founded network.
pub(super) fn founded(home: &Home, unheard: &[Name]) -> Founded {
    let genesis = home.bootstrap().genesis();
    Founded {
        status: "founded",
        network: genesis.network.clone(),
        genesis: genesis.hash(),
        name: home.name().to_string(),
        home: home.folder().to_owned(),
        bootstrap: home.folder().join(BOOTSTRAP),
        unheard: unheard.iter().map(Name::to_string).collect(),
        resilience: resilience(&genesis.validators),
    }
}

fn unfit(found: &[Finding]) -> Failure {
    let texts: Vec<String> = found.iter().map(ToString::to_string).collect();
    let message = format!("{}; {NOTHING}", texts.join("; "));
    let first = found.first();
    let who = first.map_or("somebody", |finding| finding.who().as_str());
    let (code, hint) = match first {
        Some(Finding::Clock { .. }) => (
            "clock_skewed",
            format!(
                "set the clock of {who} (`timedatectl set-ntp true`), then found again with a new code"
            ),
        ),
        _ => (
            "node_unreachable",
            format!(
                "{who}'s operator opens or forwards the port, for UDP and TCP, or gives another --address; then found again with a new code"
            ),
        ),
    };
    Failure::new(Exit::Rejected, code, message, hint)
}

fn over(off: &Off) -> Failure {
    let (code, hint) = match off.cause {
        Cause::Left => ("founder_left", "found again when all have time"),
        Cause::WordsRefused => (
            "words_refused",
            "if the words differed, somebody stands between you: exchange the code by another way; if the rules are wrong, the host begins again with others",
        ),
        Cause::Lost => (
            "founder_lost",
            "see whether its machine and connection are up; then found again with a new code",
        ),
        Cause::Late => (
            "founder_late",
            "see what it waits for; then found again with a new code",
        ),
        Cause::OutOfTurn => (
            "founder_out_of_turn",
            "all install the same version of natcoin; then found again with a new code",
        ),
        Cause::PlanRefused => (
            "plan_refused",
            "compare what the host has asked for with what you have agreed on; then found again",
        ),
        Cause::RehearsalFailed => (
            "rehearsal_failed",
            "see why on that machine (ports, firewall, disk); then found again with a new code",
        ),
        Cause::CannotWrite => (
            "cannot_write",
            "make room or choose another --home there; then found again with a new code",
        ),
    };
    let message = format!("{}; {NOTHING}", told(off));
    Failure::new(Exit::Rejected, code, message, hint)
}

/// Who and why, in a sentence.
fn told(off: &Off) -> String {
    let who = match &off.who {
        Some(who) => who.as_str(),
        None => "the host's room",
    };
    let what = match off.cause {
        Cause::Left => "has left",
        Cause::WordsRefused => "did not confirm the words and the rules",
        Cause::Lost => "is gone",
        Cause::Late => "took too long",
        Cause::OutOfTurn => "did not keep to the ceremony",
        Cause::PlanRefused => "does not accept the plan",
        Cause::RehearsalFailed => "did not see the first block in the rehearsal",
        Cause::CannotWrite => "cannot write its home",
    };
    match off.why.is_empty() {
        true => format!("{who} {what}"),
        false => format!("{who} {what}: {}", off.why.replace("; ", ", ")),
    }
}

/// The room ended without a word, which it never does by itself.
pub(super) fn vanished() -> Failure {
    Failure::new(
        Exit::Unexpected,
        "internal",
        "the room has ended without a word",
        "report this",
    )
}

impl From<CodeError> for Failure {
    fn from(error: CodeError) -> Self {
        let hint = "copy the whole line that the host sees; it begins with room1";
        Self::of(Exit::Usage, "code_invalid", &error, hint)
    }
}

impl From<FoundError> for Failure {
    fn from(error: FoundError) -> Self {
        let (exit, code) = match error {
            FoundError::Home(error) => return error.into(),
            FoundError::Network(error) => {
                return Self::from(error).or_rather("choose another port with --port");
            }
            FoundError::Unreachable(_) => (Exit::Unreachable, "room_unreachable"),
            FoundError::Code | FoundError::NoTcp => (Exit::Usage, "address_invalid"),
            FoundError::Task(_) => (Exit::Unexpected, "internal"),
        };
        Self::of(exit, code, &error, "ask the host")
    }
}
