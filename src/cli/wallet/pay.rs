//! `wallet pay` and `wallet name NAME`: resolved, shown, confirmed, signed, remembered, sent, followed.

mod hand_over;

use super::payment::{self, Course, Order, Which};
use super::{dealings, open_vault};
use crate::chain::transaction::Operation;
use crate::cli::arguments::Pay;
use crate::cli::context::Context;
use crate::cli::failure::{Exit, Failure};
use crate::cli::online;
use crate::cli::output::Progress as Line;
use crate::cli::prompt;
use crate::cli::report::wallet::Told;
use crate::cli::signal::Signals;
use crate::cli::values::{self, Readers};
use crate::node::network::ReachConfig;
use crate::node::session::{Intent, Plan, Progress, Purse, Session, SessionError};
use crate::wallet::vault::Vault;

/// How.
#[derive(Clone, Copy)]
struct Manner {
    /// The payee's wallet is told.
    tell: bool,
    /// With no node, it is signed and handed to the payee.
    hand_over: bool,
}

/// `wallet pay`.
///
/// # Errors
/// If a value is refused, the rules refuse it, or it is not final in time.
pub async fn pay(context: &Context, arguments: &Pay) -> Result<(), Failure> {
    let manner = Manner {
        tell: !arguments.private,
        hand_over: arguments.hand_over,
    };
    perform(context, order(arguments)?, manner).await
}

fn order(arguments: &Pay) -> Result<Order, Failure> {
    let to = arguments.to.trim();
    let is_line = values::is_line(to);
    if is_line && arguments.amount.is_some() {
        return Err(Failure::new(
            Exit::Usage,
            "amount_of_request",
            "a request says itself how much it asks for",
            "leave the amount out",
        ));
    }
    let Some(amount) = &arguments.amount else {
        let is_number = to.chars().all(|digit| digit.is_ascii_hexdigit());
        let which = match (is_line, is_number) {
            (true, _) => Which::Line(Box::new(dealings::message_of(to)?)),
            (false, true) => Which::Number(to.to_owned()),
            (false, false) => {
                values::payee(to)?;
                return Err(Failure::new(
                    Exit::Usage,
                    "amount_missing",
                    format!("how much is to be paid to {to}?"),
                    "write the amount behind it: natcoin wallet pay @alice 5",
                ));
            }
        };
        if arguments.private {
            return Err(Failure::new(
                Exit::Usage,
                "private_request",
                "who asked to be paid is told that it is paid",
                "leave --private out, or pay to the address without the request",
            ));
        }
        if arguments.memo.is_some() {
            return Err(Failure::new(
                Exit::Usage,
                "memo_of_request",
                "a request says itself what it is for",
                "leave --memo out",
            ));
        }
        return Ok(Order::Request(which));
    };
    let readers = match arguments.public_memo {
        true => Readers::Everybody,
        false => Readers::PayeeAlone,
    };
    Order::transfer(to, amount, arguments.memo.as_deref(), readers)
}

/// `wallet name NAME`.
///
/// # Errors
/// As [`pay`].
pub async fn claim_name(context: &Context, name: &str) -> Result<(), Failure> {
    let manner = Manner {
        tell: false,
        hand_over: false,
    };
    let order = Order::Intent(Intent::ClaimName(name.parse()?));
    perform(context, order, manner).await
}

async fn perform(context: &Context, order: Order, manner: Manner) -> Result<(), Failure> {
    let profile = context.data_dir()?.open(&context.profile()?)?;
    let keystore = profile.keystore()?;
    let name = profile.name().clone();
    let mut purse = Purse::open(profile)?;
    let reach = match manner.tell {
        true => ReachConfig {
            neighbours: manner.hand_over,
            ..dealings::OUTGOING
        },
        false => ReachConfig::default(),
    };
    // The nodes are dialled while the password is typed and stretched.
    let session = online::begin(context, reach).await?;
    let done = match open_vault(context, &name, &keystore) {
        Ok(vault) => follow(context, &session, &mut purse, &vault, order, manner).await,
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
    order: Order,
    manner: Manner,
) -> Result<(), Failure> {
    let is_request = matches!(order, Order::Request(_));
    let mut dealt = match manner.tell {
        true => match dealings::desk(context, session, vault) {
            Ok(desk) => Some(session.deal(desk)),
            Err(failure) if is_request => return Err(failure),
            Err(failure) => {
                let why = failure.message;
                context
                    .output
                    .note(&format!("the payee's wallet is not told: {why}"));
                None
            }
        },
        false => None,
    };
    let line = context.output.progress("connecting");
    let ready = session.ready().await;
    drop(line);
    let (intent, request) = payment::intended(session, order).await?;
    match ready {
        Err(SessionError::NoNode { .. }) if manner.hand_over => {
            let paid = hand_over::perform(context, session, (purse, vault), intent, request);
            return context
                .output
                .report(&paid.await?.told(dealt.as_mut()).await);
        }
        Err(error @ SessionError::NoNode { .. }) if matches!(intent, Intent::Transfer { .. }) => {
            return Err(Failure::from(error).or_rather(
                "check your connection and --bootstrap (`natcoin wallet nodes`), or sign it now and hand it over: --hand-over",
            ));
        }
        ready => ready?,
    }
    let plan = payment::planned(session, purse, vault.address(), (intent, request)).await?;
    let payee = match &plan.operation {
        Operation::Transfer { to, .. } => Some(*to),
        _ => None,
    };
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
    let outcome = match outcome {
        Some(Ok(outcome)) => outcome,
        Some(Err(error)) => return Err(story.course.broken_off(error.into())),
        None => return Err(story.course.interrupted()),
    };
    let mut done = payment::result(&outcome)?;
    online::remember_account(context, session, vault.address()).await;
    drop(story);
    let told = async {
        match (&mut dealt, payee) {
            (Some(dealt), Some(payee)) => {
                let id = outcome.payment.id();
                Some(dealings::hearing_of(dealt, &payee, session, id).await)
            }
            _ => None,
        }
    };
    // People are shown at once that it is final; a script gets one line with all there is to say.
    if context.output.is_json() {
        done.payee = tokio::select! {
            told = told => told,
            () = signals.end() => None,
        };
        return context.output.report(&done);
    }
    context.output.report(&done)?;
    let told = tokio::select! {
        told = told => told,
        () = signals.end() => None,
    };
    if told == Some(Told::Told) {
        context.output.note("the payee's wallet has been told");
    }
    Ok(())
}

fn question(plan: &Plan) -> String {
    match (payment::shown(plan), &plan.operation) {
        (Some(shown), _) => shown.question(),
        (None, Operation::ClaimName { name }) => {
            format!(
                "Take the name @{name}\nfor {}\nIt is for good and costs {} NAT. Take it?",
                plan.sender, plan.fee
            )
        }
        // A transfer is shown, and vouchers have questions of their own.
        (None, _) => String::new(),
    }
}

/// What happens to payments, on the line that moves.
pub(super) struct Story {
    line: Line,
    pub(super) course: Course,
}

impl Story {
    pub(super) fn new(line: Line) -> Self {
        let course = Course::default();
        Self { line, course }
    }

    pub(super) fn tell(&mut self, progress: &Progress) {
        if let Some(text) = self.course.tell(progress) {
            self.line.set(&text);
        }
    }
}
