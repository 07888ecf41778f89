//! Why a card is refused: the rules D1 to D13, in the order in which they are tried (D13 with D5).
//!
//! The cheapest come first and signatures only when nothing else is left to say, so that a crowd of bad cards costs
//! little. D1 to D8 judge the card alone, D9 to D12 what the book already holds (D5 too, but it is as cheap as a look).
//! Rules in words: `docs/protocol.md`, section "Directory".

use crate::chain::hash::Hash;
use crate::chain::key::{Address, PublicKey};

use super::address::Subnet;
use super::card::Role;

/// A rule of the directory that a card breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// D1.
    #[error(
        "the card is of the network {found}, this is {ours}: publish it there, or begin with the right bootstrap file"
    )]
    ForeignNetwork {
        /// The genesis hash it carries.
        found: Hash,
        /// Ours.
        ours: Hash,
    },
    /// D2.
    #[error(
        "a life of {ttl_ms} ms is longer than the {limit_ms} ms that a {role} may have: make it shorter and publish anew"
    )]
    LifeTooLong {
        /// Its time to live.
        ttl_ms: u32,
        /// The role's limit.
        limit_ms: u32,
        /// Its role.
        role: Role,
    },
    /// D3.
    #[error(
        "the card was issued at {issued_at_ms}, more than {limit_ms} ms ahead of this clock's {now_ms}: set the clocks and publish anew"
    )]
    Ahead {
        /// When it says it was issued, in milliseconds since 1970.
        issued_at_ms: u64,
        /// Our clock.
        now_ms: u64,
        /// How far ahead it may be.
        limit_ms: u64,
    },
    /// D4.
    #[error(
        "the card ended at {ended_at_ms} and it is {now_ms}: ask its owner, or publish a new one"
    )]
    Ended {
        /// When it ended.
        ended_at_ms: u64,
        /// Our clock.
        now_ms: u64,
    },
    /// D5.
    #[error(
        "the card's number {sequence} is below {known}, which is known: publish with a greater one"
    )]
    Stale {
        /// Its sequence number.
        sequence: u64,
        /// The greatest one known.
        known: u64,
    },
    /// D6.
    #[error("{key} is a key for which anybody can sign: make a new one")]
    WeakKey {
        /// The account's or the peer's key.
        key: PublicKey,
    },
    /// D7.
    #[error("the account {account} has not signed this card: sign it with the account's key")]
    AccountSignature {
        /// The account.
        account: Address,
    },
    /// D8.
    #[error("the peer {peer} has not signed this card: sign it with the peer's key")]
    PeerSignature {
        /// The peer's key.
        peer: PublicKey,
    },
    /// D9.
    #[error(
        "another card has the number {sequence} too, and {kept} of the two is kept: publish with a greater number"
    )]
    Contradiction {
        /// The number that was given twice.
        sequence: u64,
        /// The identity of the card that stays.
        kept: Hash,
    },
    /// D10.
    #[error(
        "the account {account} has {limit} newer cards already: withdraw one that is not needed"
    )]
    AccountFull {
        /// The account.
        account: Address,
        /// Most cards of an account.
        limit: usize,
    },
    /// D11.
    #[error(
        "{limit} cards name addresses in {subnet} already: publish a relay's address instead, or wait until one ends"
    )]
    SubnetFull {
        /// The neighbourhood.
        subnet: Subnet,
        /// Most cards of a neighbourhood.
        limit: usize,
    },
    /// D12.
    #[error(
        "the book holds {limit} cards, none of lower standing: try another node, or wait until some end"
    )]
    BookFull {
        /// Most cards of the book.
        limit: usize,
    },
    /// D13.
    #[error(
        "the peer {peer} publishes too often: wait for {wait_ms} ms, and publish only what is new"
    )]
    TooOften {
        /// The peer's key.
        peer: PublicKey,
        /// How long until one more is taken.
        wait_ms: u64,
    },
}

impl Refusal {
    /// The rule's number: 1 for D1.
    pub fn rule(&self) -> u8 {
        match self {
            Self::ForeignNetwork { .. } => 1,
            Self::LifeTooLong { .. } => 2,
            Self::Ahead { .. } => 3,
            Self::Ended { .. } => 4,
            Self::Stale { .. } => 5,
            Self::WeakKey { .. } => 6,
            Self::AccountSignature { .. } => 7,
            Self::PeerSignature { .. } => 8,
            Self::Contradiction { .. } => 9,
            Self::AccountFull { .. } => 10,
            Self::SubnetFull { .. } => 11,
            Self::BookFull { .. } => 12,
            Self::TooOften { .. } => 13,
        }
    }

    /// Whether no honest peer hands on such a card: it is bad whatever the time is and whatever the reader knows.
    pub fn is_provably_bad(&self) -> bool {
        matches!(
            self,
            Self::ForeignNetwork { .. }
                | Self::LifeTooLong { .. }
                | Self::WeakKey { .. }
                | Self::AccountSignature { .. }
                | Self::PeerSignature { .. }
        )
    }
}
