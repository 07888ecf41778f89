//! A node's refusal as the wallet keeps it: bounded, harmless on a terminal, and only hearsay.
//! Read next: `machine.rs`.

use crate::chain::rules::Rejection;
use serde::{Deserialize, Serialize};

/// Most characters of a refusal's message.
pub const MAX_REFUSAL_TEXT: usize = 400;

/// Most characters of a refusal's code.
const MAX_CODE: usize = 40;

/// Codes of [`Rejection`] that speak of this very payment: until it goes, those behind it cannot happen. The others
/// tell of order and time (`nonce_ahead`, `expired`) or of a node's own trouble.
const HOLDING_UP: [&str; 16] = [
    "already_named",
    "bad_signature",
    "dust_account",
    "fee_too_low",
    "insufficient_funds",
    "name_taken",
    "small_share",
    "too_far_ahead",
    "unknown_sender",
    "voucher_claimed",
    "voucher_differs",
    "voucher_expired",
    "voucher_gone",
    "voucher_life",
    "voucher_open",
    "wrong_key",
];

/// Why a node did not take a payment, in its words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refusal {
    code: String,
    message: String,
}

impl Refusal {
    /// A refusal with a stable code and a message for people. A stranger may have written both: they are cut to their
    /// bounds, the code to `a-z 0-9 _`, and control characters are replaced.
    pub fn new(code: &str, message: &str) -> Self {
        let harmless = |c: char| if c.is_control() { '\u{fffd}' } else { c };
        let allowed = |c: &char| c.is_ascii_lowercase() || c.is_ascii_digit() || *c == '_';
        Self {
            code: code.chars().filter(allowed).take(MAX_CODE).collect(),
            message: message
                .chars()
                .take(MAX_REFUSAL_TEXT)
                .map(harmless)
                .collect(),
        }
    }

    /// The code, as in JSON output.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// The message for people.
    pub fn message(&self) -> &str {
        &self.message
    }

    pub(super) fn holds_up_later_payments(&self) -> bool {
        HOLDING_UP.contains(&self.code.as_str())
    }

    /// Whether it is within the bounds that [`Refusal::new`] gives.
    pub(in crate::wallet) fn is_bounded(&self) -> bool {
        *self == Self::new(&self.code, &self.message)
    }
}

impl From<&Rejection> for Refusal {
    fn from(rejection: &Rejection) -> Self {
        Self::new(rejection.code(), &rejection.to_string())
    }
}
