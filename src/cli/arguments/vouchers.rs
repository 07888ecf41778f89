//! `natcoin wallet voucher`, `invite` and `join`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `natcoin wallet voucher`.
#[derive(Debug, Subcommand)]
pub enum VoucherCommand {
    /// Lock money under a code: whoever has the code has the money
    New(VoucherNew),
    /// Claim a voucher that you were given
    Claim(VoucherClaim),
    /// Show the vouchers that you gave, and who claimed them
    List,
    /// Take back what is left of a voucher that you gave
    Reclaim(VoucherReclaim),
    /// Write cards to print, one for each claim that is left
    Sheet(VoucherSheet),
}

/// What a voucher is to be.
#[derive(Debug, Args)]
pub struct VoucherTerms {
    /// How many may claim it, once each, 1 to 256
    #[arg(
        long,
        value_name = "N",
        default_value = "1",
        allow_negative_numbers = true
    )]
    pub count: String,
    /// For how long it can be claimed: 12h, 30d
    #[arg(
        long,
        value_name = "T",
        default_value = "30d",
        allow_negative_numbers = true
    )]
    pub expires: String,
    /// A note for whoever has the code, in at most 225 bytes
    #[arg(long, value_name = "TEXT")]
    pub note: Option<String>,
}

/// `natcoin wallet voucher new`.
#[derive(Debug, Args)]
pub struct VoucherNew {
    /// How many NAT each claim pays: 5 or 0.25
    #[arg(value_name = "AMOUNT", allow_negative_numbers = true)]
    pub amount: String,
    /// What it is to be.
    #[command(flatten)]
    pub terms: VoucherTerms,
}

/// `natcoin wallet voucher claim`.
#[derive(Debug, Args)]
pub struct VoucherClaim {
    /// voucher1... or natcoin:voucher1... [default: ask, or stdin]
    // Several words, so that a code can be typed in groups as it stands on a card.
    #[arg(value_name = "CODE")]
    pub code: Vec<String>,
}

/// `natcoin wallet voucher reclaim`.
#[derive(Debug, Args)]
pub struct VoucherReclaim {
    /// Its number, or the beginning, as `voucher list` shows it
    #[arg(value_name = "VOUCHER")]
    pub voucher: String,
}

/// `natcoin wallet voucher sheet`.
#[derive(Debug, Args)]
pub struct VoucherSheet {
    /// Their numbers [default: all that can be claimed]
    #[arg(value_name = "VOUCHER")]
    pub vouchers: Vec<String>,
    /// The file to write, in SVG, for printing on A4
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

/// `natcoin wallet invite`.
#[derive(Debug, Args)]
pub struct Invite {
    /// How many NAT whoever joins is given; 0 for none
    #[arg(
        value_name = "AMOUNT",
        default_value = "10",
        allow_negative_numbers = true
    )]
    pub amount: String,
    /// What the voucher in it is to be.
    #[command(flatten)]
    pub terms: VoucherTerms,
}

/// `natcoin wallet join`.
#[derive(Debug, Args)]
pub struct Join {
    /// natcoin:invite1...
    #[arg(value_name = "INVITE")]
    pub invite: Vec<String>,
    /// A name to take, for good: ana
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
}
