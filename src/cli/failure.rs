//! Every way in which a command can fail, as people and scripts see it: a code, a message, the next
//! step, and an exit code. Types are erased here and nowhere below.

pub mod codes;
mod from;

use std::borrow::Cow;

use serde::Serialize;

use crate::chain::hash::Hash;
use crate::chain::name::Name;

/// How the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Something that should not happen, or that the system refused.
    Unexpected = 1,
    /// What was asked makes no sense: arguments, files, values.
    Usage = 2,
    /// No node answers.
    Unreachable = 3,
    /// The network, or its rules, said no; nothing happened.
    Rejected = 4,
    /// Kept, but not final yet; retrying is safe.
    NotFinal = 5,
    /// The wallet or home is locked: wrong password, or in use.
    Locked = 6,
}

/// Why a command failed, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// For scripts: lower case with `_`, stable.
    pub code: Cow<'static, str>,
    /// What is wrong.
    pub message: String,
    /// The next step.
    pub hint: String,
    /// The transaction that it is about, if one was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transaction: Option<Box<Hash>>,
    /// The nodes that were tried, and why each was of no use.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub nodes: Vec<NodeFailure>,
    /// Whether it was told already, as a part of a result.
    #[serde(skip)]
    pub is_told: bool,
    /// How the program ends.
    #[serde(skip)]
    pub exit: Exit,
}

/// A node that was of no use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NodeFailure {
    /// Its name in the bootstrap file.
    pub name: Name,
    /// Why.
    pub why: String,
}

impl Failure {
    /// A failure.
    pub fn new(
        exit: Exit,
        code: impl Into<Cow<'static, str>>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self {
            code: code.into(),
            message: message.into(),
            hint: hint.into(),
            transaction: None,
            nodes: Vec::new(),
            is_told: false,
            exit,
        }
    }

    /// A failure of a room's error. The rooms' texts end with `; next step`, or say in themselves what
    /// to do; then `hint` stands beside them.
    pub fn of(exit: Exit, code: &'static str, error: &dyn std::error::Error, hint: &str) -> Self {
        let text = error.to_string();
        let (message, hint) = text.split_once("; ").unwrap_or((&text, hint));
        Self::new(exit, code, message, hint)
    }

    /// No account has this name.
    pub fn name_unknown(name: &Name, height: u64) -> Self {
        Self::new(
            Exit::Rejected,
            "name_unknown",
            format!("nobody is called @{name} (proven at height {height})"),
            "check the spelling, or ask for the address",
        )
    }

    /// No node of the bootstrap file answers.
    pub fn unreachable(network: &str, nodes: Vec<NodeFailure>) -> Self {
        let which = match nodes.len() {
            1 => "the only node".to_owned(),
            count => format!("none of the {count} nodes"),
        };
        let failure = Self::new(
            Exit::Unreachable,
            "no_node_reachable",
            format!("{which} of the network {network} can be reached"),
            "check your connection and --bootstrap; `natcoin wallet nodes` shows each node",
        );
        Self { nodes, ..failure }
    }

    /// The same failure, with a better next step.
    pub fn or_rather(self, hint: &str) -> Self {
        let hint = hint.to_owned();
        Self { hint, ..self }
    }

    /// The system refused something.
    pub fn io(what: &str, error: &std::io::Error) -> Self {
        let message = format!("cannot {what}: {error}");
        Self::new(
            Exit::Unexpected,
            "io",
            message,
            "check the path, the disk and the permissions",
        )
    }

    /// The reader of our output went away (`natcoin ... | head`): nobody is left to tell.
    pub fn output_closed() -> Self {
        Self::new(
            Exit::Unexpected,
            OUTPUT_CLOSED,
            "nobody reads the output any more",
            "",
        )
    }

    /// Whether this is [`Failure::output_closed`].
    pub fn is_output_closed(&self) -> bool {
        self.code == OUTPUT_CLOSED
    }

    /// Too few nodes are up for anything to become final.
    pub fn paused(up: usize, validators: usize, needed: usize) -> Self {
        Self::new(
            Exit::NotFinal,
            "paused",
            format!("paused: {up} of {validators} nodes, {needed} needed; nothing is lost"),
            KEPT,
        )
    }

    /// The same failure, which a result has told.
    pub fn told(self) -> Self {
        Self {
            is_told: true,
            ..self
        }
    }

    /// The same failure, about a transaction.
    pub fn about(self, transaction: Hash) -> Self {
        Self {
            transaction: Some(Box::new(transaction)),
            ..self
        }
    }
}

/// The next step where a payment waits: there is no hurry.
pub const KEPT: &str = "the payment is kept; `natcoin wallet history`, or the next payment, sends it again and shows what became of it";
const OUTPUT_CLOSED: &str = "output_closed";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::transaction::Memo;

    #[test]
    fn a_rooms_error_is_split_into_message_and_next_step() {
        let failure = Failure::from(Memo::new([0; 257]).unwrap_err());
        assert_eq!(failure.code, "memo_too_long");
        assert_eq!(
            failure.message,
            "the memo has 257 bytes: at most 256 are allowed"
        );
        assert_eq!(failure.hint, "shorten it");
        assert_eq!(failure.exit as u8, 2);
    }

    #[test]
    fn a_rejection_keeps_its_code_and_ends_with_4() {
        let failure = Failure::from(crate::chain::rules::Rejection::ZeroAmount);
        assert_eq!((&*failure.code, failure.exit as u8), ("zero_amount", 4));
        let name = "nobody".parse().unwrap();
        let failure = Failure::name_unknown(&name, 7);
        assert_eq!((&*failure.code, failure.exit as u8), ("name_unknown", 4));
        assert_eq!(
            failure.message,
            "nobody is called @nobody (proven at height 7)"
        );
    }

    #[test]
    fn a_network_out_of_reach_ends_with_3() {
        let node = |name: &str| NodeFailure {
            name: name.parse().unwrap(),
            why: "timed out".to_owned(),
        };
        let failure =
            Failure::unreachable("village", ["a01", "b02", "c03", "d04"].map(node).into());
        assert_eq!(
            (&*failure.code, failure.exit as u8),
            ("no_node_reachable", 3)
        );
        assert_eq!(
            failure.message,
            "none of the 4 nodes of the network village can be reached"
        );
        let json = serde_json::to_value(&failure).unwrap();
        assert_eq!(json["nodes"][1]["name"], "b02");
        assert_eq!(json["nodes"][1]["why"], "timed out");
    }

    #[test]
    fn a_pause_says_how_many_are_up_and_how_many_it_takes() {
        let failure = Failure::paused(2, 4, 3).about(Hash([1; 32]));
        assert_eq!(
            failure.message,
            "paused: 2 of 4 nodes, 3 needed; nothing is lost"
        );
        assert_eq!(failure.exit as u8, 5);
        let json = serde_json::to_value(&failure).unwrap();
        assert_eq!(json["transaction"], "01".repeat(32));
    }
}
