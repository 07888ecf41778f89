//! `wallet receipt` and `verify`: a receipt written, and what one proves.

use std::path::PathBuf;

use serde::Serialize;

use super::wallet::MemoKind;
use super::{Report, Style, quoted, table};
use crate::chain::amount::Amount;
use crate::chain::hash::Hash;
use crate::chain::key::{Address, PublicKey};
use crate::chain::name::Name;
use crate::chain::transaction::{Operation, Transaction};
use crate::wallet::memo;
use crate::wallet::receipt::VoucherStep;

/// `wallet receipt`.
#[derive(Debug, Serialize)]
pub struct ReceiptWritten {
    /// `ok`.
    pub status: &'static str,
    /// The transaction.
    pub transaction: Hash,
    /// The height at which it is final.
    pub height: u64,
    /// The file.
    pub file: PathBuf,
}

impl Report for ReceiptWritten {
    fn text(&self, _: Style) -> String {
        let file = self.file.display();
        format!(
            "wrote {file}: it proves that the payment is final in block {}\nwhoever has the network's bootstrap.toml checks it, with no network, by\n  natcoin --bootstrap bootstrap.toml verify {file}",
            self.height
        )
    }
}

/// What a transaction has done, as its receipt proves it.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Proved {
    /// Money has moved.
    Payment {
        /// Who paid.
        from: Address,
        /// Who was paid.
        to: Address,
        /// How much.
        amount: Amount,
        /// What the payer paid besides.
        fee: Amount,
        /// The note, if everybody may read it.
        memo: Option<String>,
        /// Who can read the note.
        memo_kind: MemoKind,
    },
    /// A name was taken.
    Name {
        /// Who took it.
        account: Address,
        /// The name.
        name: Name,
        /// What it cost.
        fee: Amount,
    },
    /// Money was put into a voucher, was claimed out of one, or was taken back.
    Voucher {
        /// Which of these.
        step: VoucherStep,
        /// Who did it.
        account: Address,
        /// The voucher's key.
        voucher: String,
        /// How much went in or came out, before the fee.
        amount: Amount,
        /// What it cost.
        fee: Amount,
    },
}

impl Proved {
    /// What this transaction has done, as everybody may read it.
    pub fn of(transaction: &Transaction) -> Self {
        match &transaction.operation {
            Operation::Transfer { to, amount, .. } => {
                let reading = memo::read(transaction, None);
                Self::Payment {
                    from: transaction.sender,
                    to: *to,
                    amount: *amount,
                    fee: transaction.fee,
                    memo: matches!(reading, memo::Reading::Public(_)).then(|| reading.to_text()),
                    memo_kind: MemoKind::from(&reading),
                }
            }
            Operation::ClaimName { name } => Self::Name {
                account: transaction.sender,
                name: name.clone(),
                fee: transaction.fee,
            },
            Operation::OpenVoucher { voucher, .. } => {
                // What is final has kept the rules, so it can be written.
                let amount = transaction.operation.spent().unwrap_or(Amount::MAX);
                Self::of_voucher(transaction, VoucherStep::Opened, voucher, amount)
            }
            Operation::ClaimVoucher { voucher, share, .. } => {
                Self::of_voucher(transaction, VoucherStep::Claimed, voucher, *share)
            }
            Operation::ReclaimVoucher { voucher, amount } => {
                Self::of_voucher(transaction, VoucherStep::Reclaimed, voucher, *amount)
            }
        }
    }

    fn of_voucher(
        transaction: &Transaction,
        step: VoucherStep,
        voucher: &PublicKey,
        amount: Amount,
    ) -> Self {
        Self::Voucher {
            step,
            account: transaction.sender,
            voucher: voucher.to_string(),
            amount,
            fee: transaction.fee,
        }
    }

    fn rows(&self) -> Vec<[String; 2]> {
        let row = |name: &str, value: String| [name.to_owned(), value];
        match self {
            Self::Payment {
                from,
                to,
                amount,
                fee,
                memo,
                memo_kind,
            } => {
                let memo = match (memo, memo_kind) {
                    (Some(text), _) => quoted(text),
                    (None, MemoKind::None) => "none".to_owned(),
                    (None, _) => "for payer and payee alone".to_owned(),
                };
                vec![
                    row("from", from.to_string()),
                    row("to", to.to_string()),
                    row("amount", format!("{amount} NAT")),
                    row("fee", format!("{fee} NAT")),
                    row("memo", memo),
                ]
            }
            Self::Name { account, name, fee } => vec![
                row("account", account.to_string()),
                row("name", format!("@{name}")),
                row("fee", format!("{fee} NAT")),
            ],
            Self::Voucher {
                step,
                account,
                voucher,
                amount,
                fee,
            } => {
                let step = match step {
                    VoucherStep::Opened => "opened",
                    VoucherStep::Claimed => "claimed",
                    VoucherStep::Reclaimed => "taken back",
                };
                vec![
                    row("account", account.to_string()),
                    row("voucher", format!("{voucher}, {step}")),
                    row("amount", format!("{amount} NAT")),
                    row("fee", format!("{fee} NAT")),
                ]
            }
        }
    }
}

/// `verify`: what a receipt proves.
#[derive(Debug, Serialize)]
pub struct ReceiptShown {
    /// `proven`.
    pub status: &'static str,
    /// The network's name.
    pub network: String,
    /// The transaction.
    pub transaction: Hash,
    /// What it did.
    #[serde(flatten)]
    pub proved: Proved,
    /// The height at which it is final.
    pub height: u64,
    /// The block.
    pub block: Hash,
    /// The block's time.
    pub time: String,
    /// The nodes that have signed the block.
    pub signed_by: Vec<String>,
    /// How many nodes have a vote.
    pub validators: usize,
}

impl Report for ReceiptShown {
    fn text(&self, style: Style) -> String {
        let mut rows: Vec<Vec<String>> = self.proved.rows().into_iter().map(Vec::from).collect();
        let mut row = |name: &str, value: String| rows.push(vec![name.to_owned(), value]);
        row("time", self.time.clone());
        row("block", format!("{}, {}", self.height, self.block));
        let (signed, all) = (self.signed_by.len(), self.validators);
        let names = self.signed_by.join(", ");
        row("signed by", format!("{signed} of {all} nodes: {names}"));
        row("transaction", self.transaction.to_string());
        row("network", self.network.clone());
        let proven = style.good("proven, and final");
        format!("{proven}\n{}", table(&rows))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receipt_says_what_it_proves() {
        let shown = ReceiptShown {
            status: "proven",
            network: "village".to_owned(),
            transaction: Hash([2; 32]),
            proved: Proved::Payment {
                from: Address([1; 32]),
                to: Address([0; 32]),
                amount: Amount::from_nits(500_000_000),
                fee: Amount::ZERO,
                memo: None,
                memo_kind: MemoKind::Sealed,
            },
            height: 9,
            block: Hash([3; 32]),
            time: "2026-01-01T00:00:00Z".to_owned(),
            signed_by: ["mangart", "razor", "triglav"].map(str::to_owned).into(),
            validators: 4,
        };
        let text = shown.text(Style::Plain);
        assert!(
            text.starts_with("proven, and final\nfrom         nat1"),
            "{text}"
        );
        assert!(
            text.contains("memo         for payer and payee alone"),
            "{text}"
        );
        assert!(
            text.contains("signed by    3 of 4 nodes: mangart, razor, triglav"),
            "{text}"
        );
        let json = serde_json::to_value(&shown).unwrap();
        assert_eq!(json["kind"], "payment");
        assert_eq!(json["amount"], "5.00000000");
    }
}
