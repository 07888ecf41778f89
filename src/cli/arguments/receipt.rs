//! The words of `natcoin wallet receipt` and `natcoin verify`.

use std::path::PathBuf;

use clap::Args;

/// `natcoin wallet receipt`.
#[derive(Debug, Args)]
pub struct Receipt {
    /// The payment's 64 hexadecimal digits
    #[arg(value_name = "TRANSACTION")]
    pub transaction: String,
    /// The file [default: receipt-TRANSACTION.json, here]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// `natcoin verify`.
#[derive(Debug, Args)]
pub struct Verify {
    /// A receipt, as `natcoin wallet receipt` wrote it
    #[arg(value_name = "RECEIPT")]
    pub receipt: PathBuf,
}
