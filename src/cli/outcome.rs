//! What became of a payment, as a result or as a failure with its exit code.
//!
//! Final is a result. Rejected, expired and replaced end with 4: nothing was paid. Anything else
//! waits and ends with 5: the payment is kept, and trying again is safe.

use super::failure::{Exit, Failure, KEPT};
use super::report::payment::PaymentFinal;
use crate::chain::transaction::Operation;
use crate::wallet::payment::{Payment, Status};

/// The next step where a remembered reason, of a node or of an older program, names none.
const NOTHING_PAID: &str = "nothing was paid; see `natcoin wallet history`";

/// What became of a payment, or of the claim of a name.
///
/// # Errors
/// A [`Failure`] about its transaction, if it is not final.
pub fn of(payment: &Payment) -> Result<PaymentFinal, Failure> {
    let failure = match payment.status() {
        Status::Final {
            height,
            latency_ms,
            signed_by,
            validators,
        } => {
            return Ok(PaymentFinal {
                status: "final",
                transaction: payment.id(),
                height: *height,
                latency_ms: *latency_ms,
                signed_by: *signed_by,
                validators: *validators,
                payee: None,
                what: describe(payment),
            });
        }
        Status::Signed | Status::Submitted => not_final(payment),
        Status::Rejected { code, message } => {
            let (message, hint) = message.split_once("; ").unwrap_or((message, NOTHING_PAID));
            Failure::new(Exit::Rejected, code.clone(), message, hint)
        }
        Status::Expired { height } => Failure::new(
            Exit::Rejected,
            "expired",
            format!(
                "the payment expired: it was valid until height {} and is not in the chain at height {height}",
                payment.valid_until()
            ),
            "nothing was paid; pay again if you still want to",
        ),
        Status::Replaced { by, height } => Failure::new(
            Exit::Rejected,
            "replaced",
            format!("transaction {by} of the same wallet took its place in block {height}"),
            "this payment did not happen; see `natcoin wallet history` for what did",
        ),
    };
    Err(failure.about(payment.id()))
}

fn not_final(payment: &Payment) -> Failure {
    let message = match payment.last_refusal() {
        Some(refusal) => {
            format!(
                "the payment is not final yet; a node said: {}",
                refusal.message()
            )
        }
        None => "the payment is not final yet".to_owned(),
    };
    Failure::new(Exit::NotFinal, "not_final", message, KEPT)
}

/// What a payment does: `5.00000000 NAT to @alice`.
pub fn describe(payment: &Payment) -> String {
    match &payment.transaction().transaction.operation {
        Operation::Transfer { to, amount, .. } => match payment.to_name() {
            Some(name) => format!("{amount} NAT to @{name}"),
            None => format!("{amount} NAT to {to}"),
        },
        Operation::ClaimName { name } => format!("the account is @{name} now"),
        Operation::OpenVoucher {
            share, count: 1, ..
        } => format!("a voucher of {share} NAT"),
        Operation::OpenVoucher { share, count, .. } => {
            format!("a voucher of {count} times {share} NAT")
        }
        Operation::ClaimVoucher { share, .. } => format!("{share} NAT out of a voucher"),
        Operation::ReclaimVoucher { amount, .. } => {
            format!("{amount} NAT back out of a voucher")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::amount::Amount;
    use crate::chain::hash::Hash;
    use crate::chain::key::{Address, SecretKey};
    use crate::chain::rules::Rejection;
    use crate::chain::transaction::{Memo, Transaction};
    use crate::wallet::payment::{Input, NodeIndex, PaymentMachine, Refusal, SubmitAnswer};

    /// What becomes of a payment of 5 NAT to @alice, with nonce 7, valid until 100.
    fn after(inputs: Vec<Input>) -> Result<PaymentFinal, Failure> {
        let key = SecretKey::from_seed(&[1; 32]);
        let transaction = Transaction {
            genesis: Hash([9; 32]),
            sender: key.address(),
            key: key.public(),
            nonce: 7,
            valid_until: 100,
            fee: Amount::ZERO,
            operation: Operation::Transfer {
                to: Address([2; 32]),
                amount: Amount::from_nits(500_000_000),
                memo: Memo::default(),
            },
        };
        let name = "alice".parse().ok();
        let payment = Payment::new(transaction.sign(&key), name, 1_000);
        let (mut machine, _) = PaymentMachine::new(payment, 1_000);
        machine.handle(Input::Saved, 1_000);
        machine.handle(Input::Nodes(vec![NodeIndex(0)]), 1_000);
        for input in inputs {
            machine.handle(input, 1_023);
        }
        of(machine.payment())
    }

    fn id() -> Hash {
        *after(vec![]).unwrap_err().transaction.unwrap()
    }

    #[test]
    fn a_proven_payment_is_a_result_with_its_time() {
        let done = after(vec![Input::ProvenInclusion {
            id: id(),
            height: 12,
            signed_by: 3,
            validators: 4,
        }])
        .unwrap();
        assert_eq!((done.height, done.latency_ms), (12, 23));
        assert_eq!((done.signed_by, done.validators), (3, 4));
        assert_eq!(done.what, "5.00000000 NAT to @alice");
    }

    #[test]
    fn a_waiting_payment_ends_with_5_and_says_what_a_node_said() {
        let waiting = after(vec![]).unwrap_err();
        assert_eq!(
            (&*waiting.code, waiting.exit),
            ("not_final", Exit::NotFinal)
        );
        let answer = SubmitAnswer::Refused(Refusal::from(&Rejection::ZeroAmount));
        let from = NodeIndex(0);
        let refused = after(vec![Input::Answer { from, answer }]).unwrap_err();
        assert_eq!(refused.exit, Exit::NotFinal, "a node's word is no end");
        assert!(
            refused.message.contains("the amount is zero"),
            "{}",
            refused.message
        );
    }

    #[test]
    fn a_payment_that_can_never_happen_ends_with_4_and_its_reason() {
        let rejection = Rejection::NameTaken {
            name: "alice".parse().unwrap(),
            owner: Address([2; 32]),
        };
        let rejected = after(vec![Input::ProvenRejection(rejection)]).unwrap_err();
        assert_eq!(
            (&*rejected.code, rejected.exit),
            ("name_taken", Exit::Rejected)
        );
        assert_eq!(rejected.transaction, Some(Box::new(id())));
        assert_eq!(rejected.hint, "choose another");
        let nonce = Input::ProvenAccount {
            height: 100,
            nonce: 7,
        };
        let expired = after(vec![nonce]).unwrap_err();
        assert_eq!((&*expired.code, expired.exit), ("expired", Exit::Rejected));
        let other = Input::ProvenOther {
            by: Hash([3; 32]),
            nonce: 7,
            height: 50,
        };
        let replaced = after(vec![other]).unwrap_err();
        assert_eq!(
            (&*replaced.code, replaced.exit),
            ("replaced", Exit::Rejected)
        );
    }
}
