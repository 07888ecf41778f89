//! Results of `natcoin wallet`, payments apart. Every balance, name and entry in them is proven.

mod dealings;
mod history;
mod nodes;
mod reach;
mod vouchers;

use serde::Serialize;

pub use self::dealings::{
    Asked, Dealing, Dealings, Requested, Settled, Spoken, Taken, Thanked, Told,
};
pub use self::history::{EntryKind, History, HistoryEntry, MemoKind, WatchEvent};
pub use self::nodes::{NodeSeen, WalletNodes};
pub use self::reach::{WalletReach, WalletReached};
pub use self::vouchers::{
    InviteMade, Joined, SheetWritten, VoucherClaimed, VoucherLine, VoucherMade, VoucherReclaimed,
    Vouchers,
};
use super::{Report, Style, table};
use crate::chain::amount::Amount;
use crate::chain::key::Address;
use crate::chain::name::Name;

/// `wallet new`.
#[derive(Serialize)]
pub struct WalletMade {
    /// `ok`.
    pub status: &'static str,
    /// Its profile.
    pub profile: String,
    /// Its address.
    pub address: Address,
    /// Its twelve words, shown here only; people have seen them already.
    pub words: Vec<&'static str>,
}

impl std::fmt::Debug for WalletMade {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "WalletMade({}, {:?})", self.profile, self.address)
    }
}

impl Report for WalletMade {
    fn text(&self, style: Style) -> String {
        format!(
            "{} the wallet {}\naddress {}",
            style.good("made"),
            style.strong(&self.profile),
            self.address
        )
    }
}

/// Recovery words in three columns, numbered.
pub fn numbered(words: &[&str]) -> String {
    let rows = words.chunks(3).enumerate().map(|(row, words)| {
        let cell = |(column, word): (usize, &&str)| format!("{:>3} {word}", row * 3 + column + 1);
        words.iter().enumerate().map(cell).collect()
    });
    table(&rows.collect::<Vec<_>>())
}

/// `wallet restore`.
#[derive(Debug, Serialize)]
pub struct WalletRestored {
    /// `ok`.
    pub status: &'static str,
    /// Its profile.
    pub profile: String,
    /// Its address.
    pub address: Address,
}

impl Report for WalletRestored {
    fn text(&self, style: Style) -> String {
        format!(
            "{} the wallet {}\naddress {}",
            style.good("restored"),
            style.strong(&self.profile),
            self.address
        )
    }
}

/// `wallet address`: alone on its line, to be copied or piped.
#[derive(Debug, Serialize)]
pub struct WalletAddress {
    /// `ok`.
    pub status: &'static str,
    /// Its profile.
    pub profile: String,
    /// Its address.
    pub address: Address,
}

impl Report for WalletAddress {
    fn text(&self, _: Style) -> String {
        self.address.to_string()
    }
}

/// `wallet balance`.
#[derive(Debug, Serialize)]
pub struct Balance {
    /// `ok`.
    pub status: &'static str,
    /// The account.
    pub address: Address,
    /// Its name.
    pub name: Option<Name>,
    /// What it has.
    pub balance: Amount,
    /// At which height.
    pub height: u64,
    /// `true`: the wallet has checked the proof and the certificate itself.
    pub proven: bool,
    /// For how many seconds there has been no new block, if that is unusually long: the network is paused, or the nodes
    /// that answer keep the newest blocks to themselves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quiet_for_s: Option<u64>,
}

impl Report for Balance {
    fn text(&self, style: Style) -> String {
        let balance = format!(
            "{}\n{} at height {}, proven",
            style.strong(&format!("{} NAT", self.balance)),
            who(&self.address, self.name.as_ref()),
            self.height,
        );
        match self.quiet_for_s {
            None => balance,
            Some(seconds) => format!(
                "{balance}\n{} there has been no new block for {seconds} s: the network is paused, or newer blocks are kept from you; see `natcoin wallet nodes`",
                style.bad("old:")
            ),
        }
    }
}

/// `wallet name` without a name to claim.
#[derive(Debug, Serialize)]
pub struct WalletName {
    /// `ok`.
    pub status: &'static str,
    /// The account.
    pub address: Address,
    /// Its name.
    pub name: Option<Name>,
    /// At which height.
    pub height: u64,
    /// `true`.
    pub proven: bool,
}

impl Report for WalletName {
    fn text(&self, style: Style) -> String {
        match &self.name {
            Some(name) => style.strong(&format!("@{name}")),
            None => "no name yet; claim one with `natcoin wallet name NAME`".to_owned(),
        }
    }
}

fn who(address: &Address, name: Option<&Name>) -> String {
    match name {
        Some(name) => format!("@{name} ({address})"),
        None => address.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_balance_has_the_form_that_scripts_rely_on() {
        let mut balance = Balance {
            status: "ok",
            address: Address([0; 32]),
            name: Some("bob".parse().unwrap()),
            balance: Amount::from_nits(99_500_000_000),
            height: 12,
            proven: true,
            quiet_for_s: None,
        };
        let address = Address([0; 32]);
        assert_eq!(
            serde_json::to_string(&balance).unwrap(),
            format!(
                r#"{{"status":"ok","address":"{address}","name":"bob","balance":"995.00000000","height":12,"proven":true}}"#
            )
        );
        assert_eq!(
            balance.text(Style::Plain),
            format!("995.00000000 NAT\n@bob ({address}) at height 12, proven")
        );
        balance.quiet_for_s = Some(90);
        let text = balance.text(Style::Plain);
        assert!(text.contains("no new block for 90 s"), "{text}");
        let json = serde_json::to_string(&balance).unwrap();
        assert!(
            json.ends_with(r#""proven":true,"quiet_for_s":90}"#),
            "{json}"
        );
        balance.name = None;
        assert!(
            serde_json::to_string(&balance)
                .unwrap()
                .contains(r#""name":null"#)
        );
    }

    #[test]
    fn words_stand_in_numbered_columns() {
        let words = ["one", "two", "three", "four"];
        assert_eq!(numbered(&words), "  1 one     2 two    3 three\n  4 four");
    }
}
