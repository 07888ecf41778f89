//! `wallet pay` and `wallet name NAME`: resolved, shown, confirmed, signed, remembered, sent, followed.

use super::open_vault;
use crate::chain::hash::Hash;
use crate::chain::transaction::Operation;
use crate::cli::arguments::Pay;
use crate::cli::context::Context;
use crate::cli::failure::{Exit, Failure, KEPT};
use crate::cli::online;
use crate::cli::outcome;
use crate::cli::output::Progress as Line;
use crate::cli::prompt;
use crate::cli::report::payment::{PaymentFinal, PaymentPlan};
use crate::cli::signal::Signals;
use crate::cli::values::{self, Payee, Readers};
use crate::node::session::{Intent, Outcome, Plan, Progress, Purse, Recipient, Session};
use crate::wallet::vault::Vault;

/// `wallet pay`.
///
/// # Errors
/// If a value is refused, the rules refuse it, or it is not final in time.
pub async fn pay(context: &Context, arguments: &Pay) -> Result<PaymentFinal, Failure> {
    let to = match values::payee(&arguments.to)? {
        Payee::Address(address) => Recipient::Address(address),
        Payee::Name(name) => Recipient::Name(name),
    };
    let readers = match arguments.public_memo {
        true => Readers::Everybody,
        false => Readers::PayeeAlone,
    };
    let intent = Intent::Transfer {
        to,
        amount: values::amount(&arguments.amount)?,
        note: values::note(arguments.memo.as_deref(), readers)?,
    };
    perform(context, intent).await
}

/// `wallet name NAME`.
///
/// # Errors
/// As [`pay`].
pub async fn claim_name(context: &Context, name: &str) -> Result<PaymentFinal, Failure> {
    perform(context, Intent::ClaimName(name.parse()?)).await
}

async fn perform(context: &Context, intent: Intent) -> Result<PaymentFinal, Failure> {
    let profile = context.data_dir()?.open(&context.profile()?)?;
    let keystore = profile.keystore()?;
    let name = profile.name().clone();
    let mut purse = Purse::open(profile)?;
    // The nodes are dialled while the password is typed and stretched.
    let session = online::start(context).await?;
    let done = match open_vault(context, &name, &keystore) {
        Ok(vault) => follow(context, &session, &mut purse, &vault, intent).await,
        Err(failure) => Err(failure),
    };
    online::remember(context, &session);
    session.close().await;
    done
}

async fn follow(
    context: &Context,
    session: &Session,
    purse: &mut Purse,
    vault: &Vault,
    intent: Intent,
) -> Result<PaymentFinal, Failure> {
    let line = context.output.progress("connecting");
    session.ready().await?;
    let plan = session.plan(purse, vault.address(), intent).await?;
    drop(line);
    prompt::confirm(context, &question(&plan))?;
    // Only now: while a question is asked, Ctrl-C ends the program at once.
    let mut signals = Signals::new()?;
    let mut story = Story::new(context.output.progress("sending"));
    let outcome = {
        let mut tell = |progress| story.tell(&progress);
        tokio::select! {
            outcome = session.pay(purse, vault.secret(), plan, &mut tell) => Some(outcome),
            () = signals.end() => None,
        }
    };
    match outcome {
        Some(Ok(outcome)) => result(&outcome),
        Some(Err(error)) => Err(story.broken_off(error.into())),
        None => Err(story.interrupted()),
    }
}

/// What became of it; where too few nodes are up, that is why it is not final.
fn result(outcome: &Outcome) -> Result<PaymentFinal, Failure> {
    let quorum = outcome.quorum;
    if outcome.is_open() && quorum.is_lost() {
        let paused = Failure::paused(quorum.up, quorum.of, quorum.needed);
        return Err(paused.about(outcome.payment.id()));
    }
    outcome::of(&outcome.payment)
}

fn question(plan: &Plan) -> String {
    match &plan.operation {
        Operation::Transfer { to, amount, .. } => PaymentPlan {
            to: *to,
            name: plan.to_name.clone(),
            amount: *amount,
            fee: plan.fee,
            memo: plan.note.reading(),
            balance: plan.balance,
        }
        .question(),
        Operation::ClaimName { name } => {
            format!(
                "Take the name @{name}\nfor {}\nIt is for good and costs {} NAT. Take it?",
                plan.sender, plan.fee
            )
        }
    }
}

/// What happens to payments, on the line that moves.
pub(super) struct Story {
    line: Line,
    signed: Option<Hash>,
    holders: usize,
    paused: Option<String>,
}

impl Story {
    pub(super) fn new(line: Line) -> Self {
        Self {
            line,
            signed: None,
            holders: 0,
            paused: None,
        }
    }

    pub(super) fn tell(&mut self, progress: &Progress) {
        match progress {
            Progress::Signed { id } => self.signed = Some(*id),
            Progress::Submitted { nodes, .. } => self.holders = *nodes,
            Progress::Refused { node, refusal, .. } => {
                let said = format!("{node} said: {}", refusal.message());
                return self.line.set(&said);
            }
            Progress::Quorum(quorum) => {
                self.paused = quorum.is_lost().then(|| {
                    let (up, of, needed) = (quorum.up, quorum.of, quorum.needed);
                    format!("paused: {up} of {of} nodes, {needed} needed; nothing is lost")
                });
            }
            Progress::Ended(_) => return,
        }
        self.line.set(&self.now());
    }

    fn now(&self) -> String {
        match (&self.paused, self.holders) {
            (Some(paused), _) => paused.clone(),
            (None, 0) => "signed and kept".to_owned(),
            (None, 1) => "1 node has it; waiting for it to be final".to_owned(),
            (None, nodes) => format!("{nodes} nodes have it; waiting for it to be final"),
        }
    }

    /// What a person must know who ends the program now: a signed payment cannot be called back.
    fn interrupted(&self) -> Failure {
        match self.signed {
            None => prompt::cancelled(),
            Some(id) => Failure::new(
                Exit::NotFinal,
                "not_final",
                "interrupted before the payment was final: it may still become final",
                KEPT,
            )
            .about(id),
        }
    }

    /// A failure on the way. Once the payment is signed it is never told as one that did not happen: whoever believed
    /// that would pay twice.
    fn broken_off(&self, failure: Failure) -> Failure {
        match self.signed {
            None => failure,
            Some(id) => Failure {
                exit: Exit::NotFinal,
                message: format!("{}; the payment may still become final", failure.message),
                hint: KEPT.to_owned(),
                ..failure
            }
            .about(id),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::arguments::Form;
    use crate::cli::output::Output;

    #[test]
    fn a_disk_that_fails_after_the_signing_does_not_make_anybody_pay_twice() {
        let full = || Failure::io("write payments.json", &std::io::Error::other("full"));
        let mut story = Story::new(Output::new(Form::Json, true).progress("sending"));
        let before = story.broken_off(full());
        assert_eq!((before.exit, before.transaction), (Exit::Unexpected, None));
        let id = Hash([7; 32]);
        story.tell(&Progress::Signed { id });
        let after = story.broken_off(full());
        assert_eq!(
            (after.exit, after.transaction),
            (Exit::NotFinal, Some(Box::new(id)))
        );
        assert!(
            after
                .message
                .contains("full; the payment may still become final")
        );
        assert_eq!(after.hint, KEPT);
    }
}
