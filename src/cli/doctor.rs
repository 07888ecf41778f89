//! `natcoin doctor`: what keeps a node, or a wallet's machine, from its work, each with its next step.

use std::path::Path;

use super::context::Context;
use super::failure::{Exit, Failure};
use super::report::doctor::{Examined, Found, Verdict};
use crate::node::doctor::{Check, Finding, Subject, Trouble, examine};
use crate::node::runner::NodeError;

/// `doctor`: every check that can be made, shown whatever they find.
///
/// # Errors
/// `faults_found`, told already, if a node cannot do its work.
pub async fn run(context: &Context, home: Option<&Path>) -> Result<(), Failure> {
    let data = context.data_dir().ok();
    let progress = context.output.progress("looking");
    let subject = Subject {
        home,
        bootstrap: context.bootstrap_path(),
        data: data.as_ref(),
    };
    let findings = examine(subject).await;
    drop(progress);
    let checks: Vec<Found> = findings.into_iter().map(found).collect();
    let count = |verdict| checks.iter().filter(|one| one.verdict == verdict).count();
    let (faults, warnings) = (count(Verdict::Fault), count(Verdict::Warning));
    context.output.report(&Examined {
        status: match faults {
            0 => "ok",
            _ => "faults_found",
        },
        faults,
        warnings,
        checks,
    })?;
    match faults {
        0 => Ok(()),
        _ => Err(Failure::new(
            Exit::Unexpected,
            "faults_found",
            format!("{faults} faults were found"),
            "take the step that stands beside each",
        )
        .told()),
    }
}

fn found(finding: Finding) -> Found {
    let check = name(finding.check);
    match finding.result {
        Ok(message) => Found {
            check,
            verdict: Verdict::Good,
            code: None,
            message,
            step: None,
        },
        Err(trouble) => {
            let verdict = match trouble.is_grave() {
                true => Verdict::Fault,
                false => Verdict::Warning,
            };
            let failure = Failure::from(trouble);
            Found {
                check,
                verdict,
                code: Some(failure.code),
                message: failure.message,
                step: Some(failure.hint),
            }
        }
    }
}

fn name(check: Check) -> &'static str {
    match check {
        Check::Program => "program",
        Check::Bootstrap => "bootstrap",
        Check::Home => "home",
        Check::Key => "key",
        Check::Folder => "folder",
        Check::Space => "space",
        Check::Store => "store",
        Check::Node => "node",
        Check::Ports => "ports",
        Check::Network => "network",
        Check::Clock => "clock",
        Check::Wallets => "wallets",
    }
}

impl From<Trouble> for Failure {
    fn from(trouble: Trouble) -> Self {
        let (exit, code) = match trouble {
            Trouble::Home(error) => return error.into(),
            Trouble::Node(error) => return of_start(error),
            Trouble::Inquiry(error) => return error.into(),
            Trouble::Profile(error) => return error.into(),
            Trouble::KeyExposed { .. } => (Exit::Usage, "key_exposed"),
            Trouble::NotWritable { .. } => (Exit::Usage, "folder_not_writable"),
            Trouble::OtherOwner { .. } => (Exit::Usage, "other_owner"),
            Trouble::Space { .. } => (Exit::Unexpected, "disk_full"),
            Trouble::Silent { .. } => (Exit::Locked, "home_in_use"),
            Trouble::NobodyThere { .. } => (Exit::Unreachable, "no_node_reachable"),
            Trouble::TooFew { .. } => (Exit::NotFinal, "paused"),
            Trouble::Version { .. } => (Exit::Usage, "newer_version"),
            Trouble::Clock { .. } => (Exit::Unexpected, "clock_wrong"),
        };
        Self::of(exit, code, &trouble, "see the message")
    }
}

/// What a start of the node would fail with. Here its port is named, which nobody has typed.
fn of_start(error: NodeError) -> Failure {
    let failure = Failure::from(error);
    match &*failure.code {
        "port_in_use" | "cannot_listen" => failure.or_rather(
            "end the other program, or name another address of this machine in node.toml",
        ),
        _ => failure,
    }
}
