//! Results of `natcoin wallet voucher`, `invite` and `join`.
//!
//! A code is money: it stands in a result only where its owner has asked for it.

use serde::Serialize;

use crate::chain::amount::Amount;
use crate::chain::hash::Hash;
use crate::chain::key::Address;
use crate::chain::name::Name;
use crate::cli::report::{Report, Style, quoted, table};

/// What must be said wherever a code is shown.
fn bearer(count: u16) -> &'static str {
    match count {
        1 => "Whoever has it has the money, as with cash: give it only to whom it is for.",
        _ => {
            "Whoever has it has the money, as with cash: give it only to whom it is for. With several wallets one may claim several times; who must not gets a voucher of their own."
        }
    }
}

fn time(text: &str) -> String {
    let end = text.find(['.', 'Z']).unwrap_or(text.len());
    format!("{}Z", text[..end].replace('T', " "))
}

/// `wallet voucher new`: final.
#[derive(Serialize)]
pub struct VoucherMade {
    /// `final`.
    pub status: &'static str,
    /// Its key, by which the chain knows it.
    pub voucher: String,
    /// What each claim pays.
    pub each: Amount,
    /// How many claims there are.
    pub count: u16,
    /// What was locked, the fees of the claims included.
    pub locked: Amount,
    /// Until when it can be claimed.
    pub until: String,
    /// Its code.
    pub code: String,
    /// The code as a link.
    pub link: String,
    /// The transaction that opened it.
    pub transaction: Hash,
    /// Its height.
    pub height: u64,
    /// The link as a QR code, for a terminal.
    #[serde(skip)]
    pub picture: Vec<String>,
}

impl std::fmt::Debug for VoucherMade {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "VoucherMade({}, {})", self.voucher, self.locked)
    }
}

impl Report for VoucherMade {
    fn text(&self, style: Style) -> String {
        let claims = match self.count {
            1 => format!("{} NAT", self.each),
            count => format!("{} NAT for each of {count}", self.each),
        };
        let mut lines = vec![
            format!(
                "{} in block {}: a voucher of {claims}, until {}",
                style.good("final"),
                self.height,
                time(&self.until)
            ),
            String::new(),
        ];
        lines.extend(self.picture.iter().cloned());
        lines.push(style.strong(&self.code));
        lines.push(String::new());
        lines.push(format!(
            "claim it with  natcoin wallet voucher claim {}",
            self.code
        ));
        lines.push(bearer(self.count).to_owned());
        lines.join("\n")
    }
}

/// `wallet voucher claim`: final.
#[derive(Debug, Serialize)]
pub struct VoucherClaimed {
    /// `final`.
    pub status: &'static str,
    /// Whether it was claimed just now, and not by an earlier run.
    #[serde(rename = "new")]
    pub is_new: bool,
    /// What came in.
    pub amount: Amount,
    /// What the proposer got of the voucher.
    pub fee: Amount,
    /// Who gave it.
    pub from: Address,
    /// Their name; proven.
    pub from_name: Option<Name>,
    /// What they say.
    pub note: String,
    /// The claim.
    pub transaction: Hash,
    /// Its height.
    pub height: u64,
}

impl Report for VoucherClaimed {
    fn text(&self, style: Style) -> String {
        let from = match &self.from_name {
            Some(name) => format!("@{name}"),
            None => self.from.to_string(),
        };
        let note = match self.note.is_empty() {
            true => String::new(),
            false => format!(": {}", quoted(&self.note)),
        };
        let place = match self.is_new {
            true => format!("block {}; transaction {}", self.height, self.transaction),
            false => format!(
                "this wallet has claimed it before, in block {}; transaction {}",
                self.height, self.transaction
            ),
        };
        format!(
            "{}: {} NAT from {from}{note}\n{place}",
            style.good("final"),
            self.amount
        )
    }
}

/// `wallet voucher list`.
#[derive(Serialize)]
pub struct Vouchers {
    /// `ok`.
    pub status: &'static str,
    /// Whose they are.
    pub address: Address,
    /// At which height.
    pub height: u64,
    /// The newest first; proven, and all there are.
    pub vouchers: Vec<VoucherLine>,
}

/// A voucher that the wallet has opened.
#[derive(Serialize)]
pub struct VoucherLine {
    /// `open`, `expired`, `claimed` or `taken_back`.
    pub state: &'static str,
    /// Its key.
    pub voucher: String,
    /// What each claim takes out, its fee included.
    pub share: Amount,
    /// How many claims there were to be.
    pub count: u16,
    /// How many are left.
    pub left: u16,
    /// What is left in it.
    pub locked: Amount,
    /// When it was opened.
    pub opened: String,
    /// Until when it can be claimed.
    pub until: String,
    /// Who has claimed.
    pub claimed_by: Vec<Address>,
    /// What it says.
    pub note: String,
    /// Its code, while it can be claimed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The transaction that opened it.
    pub transaction: Hash,
}

impl std::fmt::Debug for Vouchers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Vouchers({} at {})", self.vouchers.len(), self.height)
    }
}

impl VoucherLine {
    fn rows(&self) -> Vec<String> {
        let number: String = self.voucher.chars().take(8).collect();
        let state = match self.state {
            "taken_back" => "taken back",
            state => state,
        };
        let what = match self.count {
            1 => format!("{} NAT", self.share),
            count => format!("{} of {count} left, each {} NAT", self.left, self.share),
        };
        let note = match self.note.is_empty() {
            true => String::new(),
            false => quoted(&self.note),
        };
        vec![
            number,
            state.to_owned(),
            what,
            format!("until {}", time(&self.until)),
            note,
        ]
    }
}

impl Report for Vouchers {
    fn text(&self, style: Style) -> String {
        let proof = format!("complete, proven at height {}", self.height);
        if self.vouchers.is_empty() {
            return format!("this wallet has opened no voucher; {proof}");
        }
        let rows: Vec<Vec<String>> = self.vouchers.iter().map(VoucherLine::rows).collect();
        let mut lines = vec![table(&rows)];
        for one in &self.vouchers {
            if let Some(code) = &one.code {
                let number: String = one.voucher.chars().take(8).collect();
                lines.push(format!("code of {number}  {code}"));
            }
        }
        if self.vouchers.iter().any(|one| one.state == "expired") {
            lines.push(
                "take back what has expired with  natcoin wallet voucher reclaim NUMBER".to_owned(),
            );
        }
        lines.push(style.faint(&proof));
        lines.join("\n")
    }
}

/// `wallet voucher reclaim`: final.
#[derive(Debug, Serialize)]
pub struct VoucherReclaimed {
    /// `final`.
    pub status: &'static str,
    /// Its key.
    pub voucher: String,
    /// What came back.
    pub amount: Amount,
    /// The transaction.
    pub transaction: Hash,
    /// Its height.
    pub height: u64,
}

impl Report for VoucherReclaimed {
    fn text(&self, style: Style) -> String {
        format!(
            "{}: {} NAT are back; the code is worth nothing now\nblock {}; transaction {}",
            style.good("final"),
            self.amount,
            self.height,
            self.transaction
        )
    }
}

/// `wallet voucher sheet`.
#[derive(Debug, Serialize)]
pub struct SheetWritten {
    /// `ok`.
    pub status: &'static str,
    /// How many cards there are.
    pub cards: usize,
    /// The files, a page each.
    pub files: Vec<String>,
}

impl Report for SheetWritten {
    fn text(&self, style: Style) -> String {
        format!(
            "{} {} cards in {}\nPrint them, and cut them apart. {}",
            style.good("wrote"),
            self.cards,
            self.files.join(", "),
            bearer(1)
        )
    }
}

/// `wallet invite`.
#[derive(Serialize)]
pub struct InviteMade {
    /// `ok`.
    pub status: &'static str,
    /// The network.
    pub network: String,
    /// Its genesis hash.
    pub genesis: Hash,
    /// The invite.
    pub line: String,
    /// The voucher in it.
    pub voucher: Option<VoucherMade>,
    /// The line as a QR code, for a terminal.
    #[serde(skip)]
    pub picture: Vec<String>,
}

impl std::fmt::Debug for InviteMade {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "InviteMade({}, {:?})", self.network, self.voucher)
    }
}

impl Report for InviteMade {
    fn text(&self, style: Style) -> String {
        let what = match &self.voucher {
            None => format!("an invite to {}", self.network),
            Some(voucher) => {
                let times = match voucher.count {
                    1 => String::new(),
                    count => format!(" for each of {count}"),
                };
                format!(
                    "an invite to {} with {} NAT{times}, until {}",
                    self.network,
                    voucher.each,
                    time(&voucher.until)
                )
            }
        };
        let mut lines = vec![what, String::new()];
        lines.extend(self.picture.iter().cloned());
        lines.push(style.strong(&self.line));
        lines.push(String::new());
        lines.push("join with  natcoin wallet join INVITE --name NAME".to_owned());
        if let Some(voucher) = &self.voucher {
            lines.push(bearer(voucher.count).to_owned());
        }
        lines.join("\n")
    }
}

/// `wallet join`.
#[derive(Serialize)]
pub struct Joined {
    /// `ok`.
    pub status: &'static str,
    /// The network.
    pub network: String,
    /// Its genesis hash.
    pub genesis: Hash,
    /// The wallet's profile.
    pub profile: String,
    /// Its address.
    pub address: Address,
    /// Its twelve words, if it was made now: shown here only; people have seen them already.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub words: Option<Vec<&'static str>>,
    /// The voucher's claim.
    pub claim: Option<VoucherClaimed>,
    /// Why the voucher is not claimed, or not yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claim_refused: Option<String>,
    /// Its name.
    pub name: Option<Name>,
    /// Why the name could not be taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name_refused: Option<String>,
    /// What it has; proven.
    pub balance: Amount,
    /// At which height.
    pub height: u64,
}

impl std::fmt::Debug for Joined {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Joined({}, {:?})", self.network, self.address)
    }
}

impl Report for Joined {
    fn text(&self, style: Style) -> String {
        let mut lines = vec![format!(
            "{} {} as the wallet {}",
            style.good("joined"),
            style.strong(&self.network),
            self.profile
        )];
        if let Some(claim) = &self.claim {
            lines.push(claim.text(style));
        }
        if let Some(why) = &self.claim_refused {
            lines.push(format!("no money yet: {why}"));
        }
        match (&self.name, &self.name_refused) {
            (Some(name), _) => lines.push(format!(
                "the account is {}",
                style.strong(&format!("@{name}"))
            )),
            (None, Some(why)) => lines.push(format!("no name yet: {why}")),
            (None, None) => {}
        }
        lines.push(format!("address {}", self.address));
        lines.push(format!(
            "{} at height {}, proven",
            style.strong(&format!("{} NAT", self.balance)),
            self.height
        ));
        lines.join("\n")
    }
}
