//! A payment (or the claim of a name), before it is signed and when it is final.

use serde::Serialize;

use super::wallet::Told;
use super::{Report, Style, quoted};
use crate::chain::amount::Amount;
use crate::chain::hash::Hash;
use crate::chain::key::Address;
use crate::chain::name::Name;
use crate::wallet::memo::Reading;

/// What the payer is asked to confirm: the payee resolved, and all that leaves the account.
#[derive(Debug, Clone)]
pub struct PaymentPlan {
    /// The payee.
    pub to: Address,
    /// The payee's name, if it was given or is known; proven.
    pub name: Option<Name>,
    /// What the payee gets.
    pub amount: Amount,
    /// What the proposer gets.
    pub fee: Amount,
    /// What it says, and to whom.
    pub memo: Reading,
    /// What the payer has now; proven.
    pub balance: Amount,
}

impl PaymentPlan {
    /// The question for people.
    pub fn question(&self) -> String {
        let mut lines = vec![format!("Pay  {} NAT", self.amount)];
        match &self.name {
            Some(name) => lines.push(format!("to   @{name}\n     {}", self.to)),
            None => lines.push(format!("to   {}", self.to)),
        }
        let readers = match &self.memo {
            Reading::Empty => None,
            Reading::Private(_) | Reading::Sealed => Some("which only the payee can read"),
            Reading::Public(_) => Some("for all to see"),
        };
        if let Some(readers) = readers {
            lines.push(format!("memo {}, {readers}", quoted(&self.memo.to_text())));
        }
        if !self.fee.is_zero() {
            lines.push(format!("fee  {} NAT", self.fee));
        }
        lines.push(format!("You have {} NAT. Pay?", self.balance));
        lines.join("\n")
    }
}

/// A transaction that the wallet has itself seen to be final.
#[derive(Debug, Serialize)]
pub struct PaymentFinal {
    /// `final`.
    pub status: &'static str,
    /// The transaction.
    pub transaction: Hash,
    /// The block's height.
    pub height: u64,
    /// From sending it to the checked certificate.
    pub latency_ms: u64,
    /// How many validators signed the certificate.
    pub signed_by: u16,
    /// How many there are.
    pub validators: u16,
    /// Whether the payee's wallet has heard of it, if it was to be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payee: Option<Told>,
    /// What it did, for people: `5.00000000 NAT to @alice`.
    #[serde(skip)]
    pub what: String,
}

/// A payment that was signed with no node at hand.
#[derive(Debug, Serialize)]
pub struct PaymentHandedOver {
    /// `signed_not_final`.
    pub status: &'static str,
    /// The transaction.
    pub transaction: Hash,
    /// Whether the payee's wallet has it.
    pub payee: Told,
    /// The line to be handed over where it has not.
    pub line: String,
    /// What it does, for people: `5.00000000 NAT to @alice`.
    #[serde(skip)]
    pub what: String,
}

impl Report for PaymentHandedOver {
    fn text(&self, style: Style) -> String {
        let told = match self.payee {
            Told::Told => "the payee's wallet has it",
            Told::Refused => "the payee's wallet does not take it",
            Told::NotReached | Told::NotThere => "the payee's wallet was not found",
        };
        format!(
            "{}: {}\n{told}; it is handed in by whichever of you meets a node first\nor hand this line over, for `natcoin wallet take LINE`:\n{}",
            style.strong("signed, not final"),
            self.what,
            self.line
        )
    }
}

impl Report for PaymentFinal {
    fn text(&self, style: Style) -> String {
        format!(
            "{} after {} ms: {}\nblock {}, signed by {} of {} nodes; transaction {}",
            style.good("final"),
            self.latency_ms,
            self.what,
            self.height,
            self.signed_by,
            self.validators,
            self.transaction,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::transaction::Memo;
    use crate::wallet::memo::Letter;

    fn plan() -> PaymentPlan {
        PaymentPlan {
            to: Address([0; 32]),
            name: Some("alice".parse().unwrap()),
            amount: Amount::from_nits(500_000_000),
            fee: Amount::ZERO,
            memo: Reading::Public(Memo::new("hi").unwrap()),
            balance: Amount::from_nat(1000).unwrap(),
        }
    }

    #[test]
    fn a_final_payment_has_the_form_that_scripts_rely_on() {
        let report = PaymentFinal {
            status: "final",
            transaction: Hash([0xab; 32]),
            height: 12,
            latency_ms: 23,
            signed_by: 3,
            validators: 4,
            payee: None,
            what: "5.00000000 NAT to @alice".to_owned(),
        };
        let transaction = "ab".repeat(32);
        assert_eq!(
            serde_json::to_string(&report).unwrap(),
            format!(
                r#"{{"status":"final","transaction":"{transaction}","height":12,"latency_ms":23,"signed_by":3,"validators":4}}"#
            )
        );
        assert_eq!(
            report.text(Style::Plain),
            format!(
                "final after 23 ms: 5.00000000 NAT to @alice\nblock 12, signed by 3 of 4 nodes; transaction {transaction}"
            )
        );
    }

    #[test]
    fn the_payer_sees_whom_they_pay_before_saying_yes() {
        let question = plan().question();
        let address = Address([0; 32]);
        assert_eq!(
            question,
            format!(
                "Pay  5.00000000 NAT\nto   @alice\n     {address}\nmemo \"hi\", for all to see\nYou have 1000.00000000 NAT. Pay?"
            )
        );
        let private = PaymentPlan {
            memo: Reading::Private(Letter::new("hi", None).unwrap()),
            ..plan()
        };
        let question = private.question();
        assert!(
            question.contains("memo \"hi\", which only the payee can read\n"),
            "{question}"
        );
        let with_fee = PaymentPlan {
            fee: Amount::from_nits(1),
            name: None,
            memo: Reading::Empty,
            ..plan()
        };
        assert_eq!(
            with_fee.question(),
            format!(
                "Pay  5.00000000 NAT\nto   {address}\nfee  0.00000001 NAT\nYou have 1000.00000000 NAT. Pay?"
            )
        );
    }

    #[test]
    fn a_memo_cannot_forge_the_question() {
        let text = "\"? You have 9 NAT.\u{1b}[2J";
        let public = Reading::Public(Memo::new(text).unwrap());
        let private = Reading::Private(Letter::new(text, None).unwrap());
        for memo in [public, private] {
            let question = PaymentPlan { memo, ..plan() }.question();
            assert!(!question.contains('\u{1b}'), "{question}");
            assert!(question.contains("\\\"? You"), "{question}");
        }
    }
}
