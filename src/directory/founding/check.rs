//! What the founders find out about each other before they agree: who can be dialled, and whose clock is wrong.
//!
//! Everybody hears every report and draws the same conclusion from them ([`findings`]), so all are told the same.

use std::fmt;

use super::MAX_SKEW_MS;
use super::message::plain;
use crate::chain::codec::{Decode, DecodeError, Encode, Reader, put_bytes, put_sequence};
use crate::chain::name::Name;

/// Most failures of a report: enough to name the cause, and bounded.
pub const MAX_MISSES: usize = 48;
/// Most bytes of a failure's text.
pub const MAX_MISS_BYTES: usize = 120;

/// An address that could not be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Miss {
    /// Whose, by the order of the plan.
    pub node: u8,
    /// Which of its addresses.
    pub address: u8,
    /// What the system said.
    pub why: String,
}

impl Miss {
    /// A failure, its text cut to what may be told.
    pub fn new(node: usize, address: usize, why: &str) -> Self {
        Self {
            node: u8::try_from(node).unwrap_or(u8::MAX),
            address: u8::try_from(address).unwrap_or(u8::MAX),
            why: plain(why, MAX_MISS_BYTES),
        }
    }
}

/// What one founder has found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// How far its wall clock is ahead of the host's, in milliseconds.
    pub ahead_ms: i64,
    /// What it could not reach.
    pub misses: Vec<Miss>,
}

impl Encode for Miss {
    fn encode(&self, out: &mut Vec<u8>) {
        self.node.encode(out);
        self.address.encode(out);
        put_bytes(out, self.why.as_bytes());
    }
}

impl Decode for Miss {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            node: u8::decode(reader)?,
            address: u8::decode(reader)?,
            why: {
                let why = reader.text("why", MAX_MISS_BYTES)?;
                if why.chars().any(char::is_control) {
                    return Err(DecodeError::invalid("why", "it has a control character"));
                }
                why.to_owned()
            },
        })
    }
}

impl Encode for Report {
    fn encode(&self, out: &mut Vec<u8>) {
        self.ahead_ms.encode(out);
        let misses = &self.misses[..self.misses.len().min(MAX_MISSES)];
        put_sequence(out, misses);
    }
}

impl Decode for Report {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            ahead_ms: i64::decode(reader)?,
            misses: reader.sequence("misses", MAX_MISSES)?,
        })
    }
}

/// Something that must be mended first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// A clock that is too far from the others'.
    Clock {
        /// Whose.
        who: Name,
        /// How far it is ahead of the middle of the others, in milliseconds; behind if below zero.
        ahead_ms: i64,
    },
    /// An address that others cannot reach.
    Unreachable {
        /// Whose.
        who: Name,
        /// The address.
        address: String,
        /// Who tried.
        by: Vec<Name>,
        /// What the first of them was told by the system.
        why: String,
    },
}

impl Finding {
    /// Whose it is.
    pub fn who(&self) -> &Name {
        match self {
            Self::Clock { who, .. } | Self::Unreachable { who, .. } => who,
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Clock { who, ahead_ms } => {
                let (seconds, tenths) = (ahead_ms.unsigned_abs() / 1000, ahead_ms.unsigned_abs());
                let side = if *ahead_ms < 0 { "behind" } else { "ahead of" };
                write!(
                    f,
                    "the clock of {who} is {seconds}.{} s {side} the others (at most {} s are allowed)",
                    tenths / 100 % 10,
                    MAX_SKEW_MS / 1000
                )
            }
            Self::Unreachable {
                who,
                address,
                by,
                why,
            } => {
                let by: Vec<&str> = by.iter().map(Name::as_str).collect();
                write!(
                    f,
                    "{who} cannot be reached at {address} by {} ({why})",
                    by.join(", ")
                )
            }
        }
    }
}

/// A founder as the findings need it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// Its name.
    pub name: Name,
    /// Its addresses, in the plan's order.
    pub addresses: Vec<String>,
    /// What it reports.
    pub report: Report,
}

/// What must be mended, by everybody's reports: clocks first, then addresses, in the plan's order.
pub fn findings(all: &[Checked]) -> Vec<Finding> {
    let mut found = clocks(all);
    for (index, node) in all.iter().enumerate() {
        for (place, address) in node.addresses.iter().enumerate() {
            let missed = all.iter().filter_map(|one| {
                let is_it = |miss: &&Miss| {
                    usize::from(miss.node) == index && usize::from(miss.address) == place
                };
                let miss = one.report.misses.iter().find(is_it)?;
                Some((one.name.clone(), miss.why.clone()))
            });
            let missed: Vec<(Name, String)> = missed.collect();
            if let Some((_, why)) = missed.first() {
                found.push(Finding::Unreachable {
                    who: node.name.clone(),
                    address: address.clone(),
                    why: why.clone(),
                    by: missed.iter().map(|(name, _)| name.clone()).collect(),
                });
            }
        }
    }
    found
}

/// A clock is wrong if it is too far from more than half of the others. Of two, nobody knows which: both are named.
fn clocks(all: &[Checked]) -> Vec<Finding> {
    let limit = MAX_SKEW_MS;
    let far = |a: &Checked, b: &Checked| a.report.ahead_ms.abs_diff(b.report.ahead_ms) > limit;
    let mut found = Vec::new();
    let mut is_any_apart = false;
    for (index, one) in all.iter().enumerate() {
        let others = || (0..).zip(all).filter(|(other, _)| *other != index);
        let apart = others().filter(|(_, other)| far(one, other)).count();
        is_any_apart |= apart > 0;
        if apart * 2 > all.len().saturating_sub(1) {
            found.push(apart_by(one, others().map(|(_, other)| other)));
        }
    }
    // Halves that stand against each other: nobody is in the minority, and still it cannot go on.
    if found.is_empty() && is_any_apart {
        let everybody = (0..all.len()).filter_map(|index| {
            let others = (0..).zip(all).filter(|(other, _)| *other != index);
            let finding = apart_by(&all[index], others.map(|(_, other)| other));
            let Finding::Clock { ahead_ms, .. } = &finding else {
                return None;
            };
            (*ahead_ms != 0).then_some(finding)
        });
        found.extend(everybody);
    }
    found
}

fn apart_by<'a>(one: &Checked, others: impl Iterator<Item = &'a Checked>) -> Finding {
    let mut times: Vec<i64> = others.map(|other| other.report.ahead_ms).collect();
    times.sort_unstable();
    let middle = times.get(times.len() / 2).copied().unwrap_or_default();
    Finding::Clock {
        who: one.name.clone(),
        ahead_ms: one.report.ahead_ms.saturating_sub(middle),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(clocks: &[i64]) -> Vec<Checked> {
        let one = |(index, ahead_ms): (usize, &i64)| Checked {
            name: format!("node-{index}").parse().unwrap(),
            addresses: vec![format!("/ip4/10.0.0.{index}/tcp/1")],
            report: Report {
                ahead_ms: *ahead_ms,
                misses: Vec::new(),
            },
        };
        clocks.iter().enumerate().map(one).collect()
    }

    fn told(clocks: &[i64]) -> Vec<String> {
        let told = findings(&all(clocks));
        told.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn clocks_within_five_seconds_are_good_enough() {
        assert!(findings(&all(&[0, 5_000, 2_500, 4_999])).is_empty());
        assert!(findings(&all(&[0, -5_000])).is_empty());
    }

    #[test]
    fn the_one_that_is_apart_is_named_also_if_it_is_the_hosts() {
        assert_eq!(
            told(&[0, 120, 61_240, -80]),
            ["the clock of node-2 is 61.2 s ahead of the others (at most 5 s are allowed)"]
        );
        assert_eq!(
            told(&[0, 9_000, 9_100, 9_050]),
            ["the clock of node-0 is 9.0 s behind the others (at most 5 s are allowed)"]
        );
    }

    #[test]
    fn of_two_that_differ_both_are_named_and_of_halves_all() {
        assert_eq!(told(&[0, 6_000]).len(), 2);
        assert_eq!(told(&[0, 0, 9_000, 9_000]).len(), 4);
        assert!(!told(&[0, 4_000, 8_000]).is_empty());
        assert_eq!(told(&[i64::MIN, i64::MAX]).len(), 2);
    }

    #[test]
    fn who_cannot_be_reached_is_named_with_all_who_tried() {
        let mut nodes = all(&[0, 0, 0]);
        for from in [0, 1] {
            nodes[from].report.misses =
                vec![Miss::new(2, 0, "refused\nby all"), Miss::new(9, 9, "")];
        }
        let found = findings(&nodes);
        assert_eq!(found.len(), 1);
        assert_eq!(
            found[0].to_string(),
            "node-2 cannot be reached at /ip4/10.0.0.2/tcp/1 by node-0, node-1 (refused by all)"
        );
    }

    #[test]
    fn a_full_report_is_read_again_and_fits_its_round() {
        let misses = (0..100).map(|n| Miss::new(n, 3, &"ž".repeat(99)));
        let report = Report {
            ahead_ms: -7,
            misses: misses.collect(),
        };
        let bytes = report.to_bytes();
        assert!(bytes.len() <= super::super::message::MAX_VALUE_BYTES);
        let read = Report::from_bytes(&bytes).unwrap();
        assert_eq!(read.misses[..], report.misses[..MAX_MISSES]);
        let mut text = Report {
            misses: vec![],
            ..report
        };
        text.misses.push(Miss {
            node: 0,
            address: 0,
            why: "\u{1b}[2J".to_owned(),
        });
        assert!(Report::from_bytes(&text.to_bytes()).is_err());
    }
}
