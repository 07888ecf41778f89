//! Results of `natcoin explore`: the public ledger, proven like everything else.

use serde::Serialize;

use super::wallet::EntryKind;
use super::{Report, Style, quoted, table};
use crate::chain::amount::Amount;
use crate::chain::hash::Hash;
use crate::chain::key::Address;
use crate::chain::name::Name;

/// A transaction in a block.
#[derive(Debug, Clone, Serialize)]
pub struct TransactionLine {
    /// Its identity.
    pub transaction: Hash,
    /// `sent` for a transfer, `named` for a name.
    pub kind: EntryKind,
    /// Who signed it.
    pub sender: Address,
    /// The payee.
    pub to: Option<Address>,
    /// What the payee gets.
    pub amount: Amount,
    /// What the proposer gets.
    pub fee: Amount,
    /// How many transactions of the sender stand before it.
    pub nonce: u64,
    /// The note, cleaned for showing; the name for a name.
    pub memo: String,
}

impl TransactionLine {
    fn cells(&self) -> Vec<String> {
        let what = match self.kind {
            EntryKind::Named => format!("takes the name @{}", self.memo),
            EntryKind::VoucherOpened => format!("puts {} NAT into a voucher", self.amount),
            EntryKind::VoucherClaimed | EntryKind::VoucherTaken => {
                format!("claims {} NAT out of a voucher", self.amount)
            }
            EntryKind::VoucherReclaimed => {
                format!("takes {} NAT back out of a voucher", self.amount)
            }
            EntryKind::Sent | EntryKind::Received => format!(
                "pays {} NAT to {}",
                self.amount,
                self.to.map_or_else(String::new, |to| to.short())
            ),
        };
        vec![self.transaction.short(), self.sender.short(), what]
    }
}

/// `explore block`.
#[derive(Debug, Serialize)]
pub struct BlockShown {
    /// `ok`.
    pub status: &'static str,
    /// Its height.
    pub height: u64,
    /// Its hash.
    pub hash: Hash,
    /// The hash of the block before.
    pub parent: Hash,
    /// Its time.
    pub time: String,
    /// Who proposed it.
    pub proposer: Address,
    /// The state's root after it.
    pub state_root: Hash,
    /// How many validators signed its certificate.
    pub signed_by: usize,
    /// How many there are.
    pub validators: usize,
    /// What is in it.
    pub transactions: Vec<TransactionLine>,
}

impl Report for BlockShown {
    fn text(&self, style: Style) -> String {
        let rows: Vec<Vec<String>> = self
            .transactions
            .iter()
            .map(TransactionLine::cells)
            .collect();
        let transactions = match rows.is_empty() {
            true => "no transactions: a heartbeat".to_owned(),
            false => table(&rows),
        };
        format!(
            "{}  {}\nhash      {}\nparent    {}\nproposer  {}\nroot      {}\nsigned by {} of {} nodes\n\n{transactions}",
            style.strong(&format!("block {}", self.height)),
            self.time,
            self.hash,
            self.parent,
            self.proposer,
            self.state_root,
            self.signed_by,
            self.validators,
        )
    }
}

/// `explore transaction`.
#[derive(Debug, Serialize)]
pub struct TransactionShown {
    /// `final`.
    pub status: &'static str,
    /// Its block's height.
    pub height: u64,
    /// Its block's time.
    pub time: String,
    /// The transaction.
    #[serde(flatten)]
    pub line: TransactionLine,
}

impl Report for TransactionShown {
    fn text(&self, style: Style) -> String {
        let line = &self.line;
        let mut rows = vec![
            ["transaction", &line.transaction.to_string()]
                .map(str::to_owned)
                .to_vec(),
            vec![
                "block".to_owned(),
                format!("{}, {}", self.height, self.time),
            ],
            vec!["sender".to_owned(), line.sender.to_string()],
        ];
        if let Some(to) = line.to {
            rows.push(vec!["to".to_owned(), to.to_string()]);
            rows.push(vec!["amount".to_owned(), format!("{} NAT", line.amount)]);
            rows.push(vec!["memo".to_owned(), quoted(&line.memo)]);
        } else {
            rows.push(vec!["name".to_owned(), format!("@{}", line.memo)]);
        }
        rows.push(vec!["fee".to_owned(), format!("{} NAT", line.fee)]);
        format!("{}\n{}", style.good("final"), table(&rows))
    }
}

/// `explore account` and `explore name`.
#[derive(Debug, Serialize)]
pub struct AccountShown {
    /// `ok`.
    pub status: &'static str,
    /// The account.
    pub address: Address,
    /// Its name.
    pub name: Option<Name>,
    /// What it has.
    pub balance: Amount,
    /// How many transactions it has signed.
    pub nonce: u64,
    /// How many transactions it has had in all.
    pub activities: u64,
    /// At which height.
    pub height: u64,
    /// `true`.
    pub proven: bool,
}

impl Report for AccountShown {
    fn text(&self, style: Style) -> String {
        let name = self
            .name
            .as_ref()
            .map_or("no name".to_owned(), |name| format!("@{name}"));
        format!(
            "{}  {}\nbalance       {} NAT\ntransactions  {}, {} of them signed by it\nproven at height {}",
            style.strong(&name),
            self.address,
            self.balance,
            self.activities,
            self.nonce,
            self.height,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(kind: EntryKind) -> TransactionLine {
        TransactionLine {
            transaction: Hash([2; 32]),
            kind,
            sender: Address([1; 32]),
            to: (kind == EntryKind::Sent).then_some(Address([0; 32])),
            amount: Amount::from_nits(500_000_000),
            fee: Amount::ZERO,
            nonce: 3,
            memo: "alice".to_owned(),
        }
    }

    #[test]
    fn a_block_lists_what_is_in_it() {
        let mut block = BlockShown {
            status: "ok",
            height: 9,
            hash: Hash([3; 32]),
            parent: Hash([4; 32]),
            time: "2026-01-01T00:00:00Z".to_owned(),
            proposer: Address([5; 32]),
            state_root: Hash([6; 32]),
            signed_by: 3,
            validators: 4,
            transactions: vec![line(EntryKind::Sent), line(EntryKind::Named)],
        };
        let text = block.text(Style::Plain);
        assert!(
            text.contains("pays 5.00000000 NAT to nat1") && text.contains("takes the name @alice"),
            "{text}"
        );
        assert!(text.contains("signed by 3 of 4 nodes"), "{text}");
        block.transactions.clear();
        assert!(
            block
                .text(Style::Plain)
                .ends_with("no transactions: a heartbeat")
        );
    }

    #[test]
    fn a_transaction_and_an_account_are_flat_objects() {
        let shown = TransactionShown {
            status: "final",
            height: 9,
            time: "2026-01-01T00:00:00Z".to_owned(),
            line: line(EntryKind::Sent),
        };
        let json = serde_json::to_value(&shown).unwrap();
        assert_eq!(json["amount"], "5.00000000");
        assert_eq!(json["height"], 9);
        assert!(
            shown.text(Style::Plain).contains("memo         \"alice\""),
            "{}",
            shown.text(Style::Plain)
        );
        let account = AccountShown {
            status: "ok",
            address: Address([0; 32]),
            name: None,
            balance: Amount::ZERO,
            nonce: 0,
            activities: 0,
            height: 1,
            proven: true,
        };
        assert!(account.text(Style::Plain).starts_with("no name  nat1"));
        assert!(
            account
                .text(Style::Plain)
                .contains("transactions  0, 0 of them signed by it")
        );
        assert_eq!(
            serde_json::to_value(&account).unwrap()["balance"],
            "0.00000000"
        );
    }
}
