//! `wallet pay` and `wallet name NAME`: resolved, shown, confirmed, signed, remembered, sent, followed.

use super::open_vault;
use crate::chain::transaction::Operation;
use crate::cli::arguments::Pay;
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::online;
use crate::cli::outcome;
use crate::cli::output::Progress as Line;
use crate::cli::prompt;
use crate::cli::report::payment::{PaymentFinal, PaymentPlan};
use crate::cli::values::{self, Payee};
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
    let intent = Intent::Transfer {
        to,
        amount: values::amount(&arguments.amount)?,
        memo: values::memo(arguments.memo.as_deref())?,
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
    let line = context.output.progress("sending");
    let outcome = session
        .pay(purse, vault.secret(), plan, &mut |progress| {
            tell(&line, &progress)
        })
        .await?;
    drop(line);
    result(&outcome)
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
        Operation::Transfer { to, amount, memo } => PaymentPlan {
            to: *to,
            name: plan.to_name.clone(),
            amount: *amount,
            fee: plan.fee,
            memo: memo.to_text(),
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

/// Shows on the line that moves what happens to a payment.
pub(super) fn tell(line: &Line, progress: &Progress) {
    match progress {
        Progress::Signed { .. } => line.set("signed and kept"),
        Progress::Submitted { nodes, .. } => line.set(&format!(
            "{nodes} nodes have it; waiting for it to be final"
        )),
        Progress::Refused { node, refusal, .. } => {
            line.set(&format!("{node} said: {}", refusal.message()))
        }
        Progress::Quorum(quorum) if quorum.is_lost() => line.set(&format!(
            "paused: {} of {} nodes, {} needed; nothing is lost",
            quorum.up, quorum.of, quorum.needed
        )),
        Progress::Quorum(_) | Progress::Ended(_) => {}
    }
}
