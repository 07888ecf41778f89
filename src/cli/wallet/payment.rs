//! The steps of a payment, which `wallet pay`, the prompt and the screens all go: what is wanted becomes an intent, the
//! intent a plan to be confirmed, and what happens on the way is told in the same words.

use super::dealings;
use crate::chain::hash::Hash;
use crate::chain::key::Address;
use crate::chain::transaction::Operation;
use crate::cli::failure::{Exit, Failure, KEPT};
use crate::cli::outcome;
use crate::cli::prompt;
use crate::cli::report::payment::{PaymentFinal, PaymentPlan};
use crate::cli::values::{self, Payee, Readers};
use crate::node::session::{Intent, Outcome, Plan, Progress, Purse, Recipient, Session};
use crate::wallet::dealings::message::Message;
use crate::wallet::dealings::request::RequestId;
use crate::wallet::memo::Note;

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// To pay, or to take a name.
    Intent(Intent),
    /// To pay a request, as its line has it or by its number.
    Request(Which),
}

/// Which request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// By its line.
    Line(Box<Message>),
    /// By its number, or the beginning of it.
    Number(String),
}

impl Order {
    /// To pay so much, as typed.
    ///
    /// # Errors
    /// What is wrong with one of the values.
    pub fn transfer(
        to: &str,
        amount: &str,
        memo: Option<&str>,
        readers: Readers,
    ) -> Result<Self, Failure> {
        let to = match values::payee(to)? {
            Payee::Address(address) => Recipient::Address(address),
            Payee::Name(name) => Recipient::Name(name),
        };
        Ok(Self::Intent(Intent::Transfer {
            to,
            amount: values::amount(amount)?,
            note: values::note(memo, readers)?,
        }))
    }
}

/// What the order comes to, and which request it pays.
///
/// # Errors
/// If a request is not one, is one's own, is settled, or is not known.
pub async fn intended(
    session: &Session,
    order: Order,
) -> Result<(Intent, Option<RequestId>), Failure> {
    match order {
        Order::Intent(intent) => Ok((intent, None)),
        Order::Request(which) => {
            let (intent, request) = of_request(session, which).await?;
            Ok((intent, Some(request)))
        }
    }
}

/// The plan of what is intended: proven, judged by the rules, not signed.
///
/// # Errors
/// If no node can be reached, or the rules refuse it.
pub async fn planned(
    session: &Session,
    purse: &Purse,
    sender: Address,
    (intent, request): (Intent, Option<RequestId>),
) -> Result<Plan, Failure> {
    let mut plan = session.plan(purse, sender, intent).await?;
    plan.request = request;
    Ok(plan)
}

/// What the payer is asked to confirm; `None` if it is no payment.
pub fn shown(plan: &Plan) -> Option<PaymentPlan> {
    match &plan.operation {
        Operation::Transfer { to, amount, .. } => Some(PaymentPlan {
            to: *to,
            name: plan.to_name.clone(),
            amount: *amount,
            fee: plan.fee,
            memo: plan.note.reading(),
            balance: plan.balance,
        }),
        _ => None,
    }
}

/// What pays a request, and which it is.
async fn of_request(session: &Session, which: Which) -> Result<(Intent, RequestId), Failure> {
    let id = match which {
        Which::Line(message) => {
            let Message::Request(request) = &*message else {
                return Err(Failure::new(
                    Exit::Usage,
                    "line_invalid",
                    "this line is a payment, not a request",
                    "take it with `natcoin wallet take LINE`",
                ));
            };
            let id = request.id();
            dealings::is_of_another(session, &request.wish.from)?;
            session
                .deal_with(move |machine, now_ms| Ok(((), machine.bring(*message, now_ms)?)))
                .await?;
            id
        }
        Which::Number(text) => {
            let book = session.book();
            let received = book.iter().flat_map(|book| book.received());
            dealings::named("request", &text, received.map(|one| one.request.id()))?
        }
    };
    if !session.no_node_is_there() {
        session.look_for_payment(id).await?;
    }
    let what = session
        .deal_with(move |machine, now_ms| Ok((machine.repayment(&id, now_ms)?, Vec::new())))
        .await?;
    // A name says more to who confirms; without a node there is none.
    let name = match session.no_node_is_there() {
        true => None,
        false => session
            .account(what.to)
            .await?
            .value
            .and_then(|account| account.name),
    };
    let intent = Intent::Transfer {
        to: name.map_or(Recipient::Address(what.to), Recipient::Name),
        amount: what.amount,
        note: Note::Private(what.letter),
    };
    Ok((intent, id))
}

/// What became of it; where too few nodes are up, that is why it is not final.
///
/// # Errors
/// A [`Failure`] about its transaction, if it is not final.
pub fn result(outcome: &Outcome) -> Result<PaymentFinal, Failure> {
    let quorum = outcome.quorum;
    if outcome.is_open() && quorum.is_lost() {
        let paused = Failure::paused(quorum.up, quorum.of, quorum.needed);
        return Err(paused.about(outcome.payment.id()));
    }
    outcome::of(&outcome.payment)
}

/// How far payments are, in words.
#[derive(Debug, Default)]
pub struct Course {
    signed: Option<Hash>,
    holders: usize,
    paused: Option<String>,
}

impl Course {
    /// What there is to say after this; `None` if nothing.
    pub fn tell(&mut self, progress: &Progress) -> Option<String> {
        match progress {
            Progress::Signed { id } => self.signed = Some(*id),
            Progress::Submitted { nodes, .. } => self.holders = *nodes,
            Progress::Refused { node, refusal, .. } => {
                return Some(format!("{node} said: {}", refusal.message()));
            }
            Progress::Quorum(quorum) => {
                self.paused = quorum.is_lost().then(|| {
                    let (up, of, needed) = (quorum.up, quorum.of, quorum.needed);
                    format!("paused: {up} of {of} nodes, {needed} needed; nothing is lost")
                });
            }
            Progress::Ended(_) => return None,
        }
        Some(self.now())
    }

    /// The payment, once it is signed.
    pub fn signed(&self) -> Option<Hash> {
        self.signed
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
    pub fn interrupted(&self) -> Failure {
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
    pub fn broken_off(&self, failure: Failure) -> Failure {
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

    #[test]
    fn a_disk_that_fails_after_the_signing_does_not_make_anybody_pay_twice() {
        let full = || Failure::io("write payments.json", &std::io::Error::other("full"));
        let mut course = Course::default();
        let before = course.broken_off(full());
        assert_eq!((before.exit, before.transaction), (Exit::Unexpected, None));
        let id = Hash([7; 32]);
        course.tell(&Progress::Signed { id });
        let after = course.broken_off(full());
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
