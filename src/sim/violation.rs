//! What must hold at every step, and what is said when it does not.

use std::fmt;
use std::time::Duration;

/// What must always hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Invariant {
    /// All nodes have the same block at a height.
    Agreement,
    /// No honest node signs two different things at one height, round and step, also across its crashes.
    NoDoubleSignature,
    /// Every node's state has the root that the quorum certified.
    OneStateRoot,
    /// Money is neither made nor lost.
    Supply,
    /// Every final block obeys all rules, when the judge executes it by itself.
    Lawful,
    /// A nonce of an account is spent once.
    NonceOnce,
    /// What was made durable is there after a crash, nothing is skipped, and nobody is told of a block before.
    Durability,
    /// Every certificate convinces the wallet's own code.
    Certificate,
    /// What a wallet shows as final is final, what it shows as ended otherwise never is; what it believes is so, and its
    /// present never runs back.
    ShownIsTrue,
    /// Nobody pays twice what was to be paid once.
    PaidOnce,
    /// When faults have ended, all goes on within a bounded time.
    Progress,
    /// Honest nodes say only what fits and can be read, pass on nothing forged, and blame none of their kind.
    Manners,
    /// No node stops for a reason that lies in itself.
    Soundness,
}

impl Invariant {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::Agreement,
        Self::NoDoubleSignature,
        Self::OneStateRoot,
        Self::Supply,
        Self::Lawful,
        Self::NonceOnce,
        Self::Durability,
        Self::Certificate,
        Self::ShownIsTrue,
        Self::PaidOnce,
        Self::Progress,
        Self::Manners,
        Self::Soundness,
    ];

    /// Its name, for reports: lower case with `_`, stable.
    pub fn name(self) -> &'static str {
        match self {
            Self::Agreement => "agreement",
            Self::NoDoubleSignature => "no_double_signature",
            Self::OneStateRoot => "one_state_root",
            Self::Supply => "supply",
            Self::Lawful => "lawful",
            Self::NonceOnce => "nonce_once",
            Self::Durability => "durability",
            Self::Certificate => "certificate",
            Self::ShownIsTrue => "shown_is_true",
            Self::PaidOnce => "paid_once",
            Self::Progress => "progress",
            Self::Manners => "manners",
            Self::Soundness => "soundness",
        }
    }
}

/// An invariant that did not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} is violated at {:.6} s: {what}", invariant.name(), at.as_secs_f64())]
pub struct Violation {
    /// Which.
    pub invariant: Invariant,
    /// When, in virtual time.
    pub at: Duration,
    /// What was seen.
    pub what: String,
}

impl fmt::Display for Invariant {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::Profile;

    #[test]
    fn the_document_lists_every_invariant_and_every_profile() {
        let document = include_str!("../../docs/simulation.md");
        let names = Invariant::ALL.map(Invariant::name);
        for name in names.into_iter().chain(Profile::ALL.map(Profile::name)) {
            let row = format!("| `{name}` | ");
            let rows = document.lines().filter(|line| line.starts_with(&row));
            assert_eq!(rows.count(), 1, "docs/simulation.md has one row of {name}");
        }
    }
}
