//! Why what another wallet says is not taken: the rules P1 to P15, in numbers and in words.
//!
//! The number alone is answered, so that the other program can tell its owner in its own words. Read next: `message.rs`.

use crate::chain::hash::Hash;
use crate::chain::key::Address;
use crate::chain::transaction::TransactionId;

/// Why something was not taken. The first rule broken, in the order of the variants.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// P1.
    #[error(
        "P1: it is of network {found}, this wallet is on {ours}: use the wallet of that network"
    )]
    ForeignNetwork {
        /// The network found.
        found: Hash,
        /// This wallet's.
        ours: Hash,
    },
    /// P2.
    #[error("P2: it is not meant for {ours}: give it to the wallet it names")]
    NotForUs {
        /// This wallet's address.
        ours: Address,
    },
    /// P3.
    #[error("P3: it is from this very account: nobody deals with themselves")]
    Own,
    /// P4.
    #[error("P4: it is about no money: an amount above zero is needed")]
    Nothing,
    /// P5.
    #[error(
        "P5: it is good for {life_ms} ms: more than none and at most {limit_ms} ms are allowed"
    )]
    Life {
        /// How long it would be good.
        life_ms: u64,
        /// The longest.
        limit_ms: u64,
    },
    /// P6.
    #[error("P6: it was issued at {issued_at_ms} ms, now it is {now_ms} ms: set the clocks right")]
    Ahead {
        /// When it says that it was issued.
        issued_at_ms: u64,
        /// The reader's time.
        now_ms: u64,
    },
    /// P7.
    #[error("P7: it was good until {until_ms} ms and now it is {now_ms} ms: ask for a new one")]
    Over {
        /// Until when, in milliseconds since 1970.
        until_ms: u64,
        /// The reader's time.
        now_ms: u64,
    },
    /// P8.
    #[error("P8: its text is not one that a private memo can hold: shorten it")]
    Text,
    /// P9.
    #[error("P9: the key {address} is one for which anybody can sign: do not deal with it")]
    WeakKey {
        /// The key's address.
        address: Address,
    },
    /// P10.
    #[error("P10: {address} has not signed it")]
    Signature {
        /// Who should have.
        address: Address,
    },
    /// P11.
    #[error("P11: this wallet knows of no such payment between the two: {id}")]
    UnknownPayment {
        /// The payment.
        id: TransactionId,
    },
    /// P12.
    #[error("P12: {address} is proven to have too little money for this")]
    Stranger {
        /// The account.
        address: Address,
    },
    /// P13.
    #[error("P13: too much came in too short a time: again in a moment")]
    TooOften,
    /// P14.
    #[error("P14: {limit} such wait already: again when some are settled")]
    Full {
        /// How many may wait.
        limit: usize,
    },
    /// P15.
    #[error("P15: payment {id} can never become final: transaction {by} took its place")]
    Replaced {
        /// The payment.
        id: TransactionId,
        /// What took its nonce.
        by: TransactionId,
    },
}

impl Refusal {
    /// The rule's number: what is answered.
    pub fn number(&self) -> u8 {
        match self {
            Self::ForeignNetwork { .. } => 1,
            Self::NotForUs { .. } => 2,
            Self::Own => 3,
            Self::Nothing => 4,
            Self::Life { .. } => 5,
            Self::Ahead { .. } => 6,
            Self::Over { .. } => 7,
            Self::Text => 8,
            Self::WeakKey { .. } => 9,
            Self::Signature { .. } => 10,
            Self::UnknownPayment { .. } => 11,
            Self::Stranger { .. } => 12,
            Self::TooOften => 13,
            Self::Full { .. } => 14,
            Self::Replaced { .. } => 15,
        }
    }
}

/// The greatest number of a rule.
pub const LAST_RULE: u8 = 15;
