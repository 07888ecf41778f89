//! What the size of a network costs, in figures and as a plot.
//!
//! Next: `regions.rs` for the quorum delay, `plot.rs`.

use std::time::Duration;

use super::campaign::Sums;
use super::plan::Plan;
use super::plot::{self, Line, Panel};

/// What the panels are over.
const OVER: &str = "validators";
/// What nodes say to wallets, not to each other.
const TO_WALLETS: [&str; 3] = ["submit answer", "query answer", "watch"];

/// One size of network, and what it came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Size {
    /// Validators.
    pub nodes: u32,
    /// Wallets.
    pub wallets: u32,
    /// Payments that became final.
    pub payments: u64,
    /// Half, nine of ten and 99 of 100 of them took no longer, from the first signing to the wallet's own proof; 0 if
    /// there were none.
    pub finality: [Duration; 3],
    /// One-way quorum delay, if distances are known.
    pub quorum_delay: Option<Duration>,
    /// Blocks, and how many of them became final only after the first round.
    pub blocks: [u64; 2],
    /// What nodes said among themselves, for each node and block: messages and bytes.
    pub said: [f64; 2],
    /// Processor time that a node's machine took for each block, on this computer, its disk not.
    pub handled: Duration,
}

impl Size {
    /// What a plan came to.
    pub fn of(plan: &Plan, sums: &Sums) -> Self {
        let tally = &sums.tally;
        let finality = [50, 90, 99].map(|of_hundred| sums.finality.percentile(of_hundred));
        let among_nodes = tally.sent.by_nodes.iter();
        let among_nodes = among_nodes.filter(|(kind, _)| !TO_WALLETS.contains(kind));
        let (mut messages, mut bytes) = (0, 0);
        for (_, traffic) in among_nodes {
            messages += traffic.messages;
            bytes += traffic.bytes;
        }
        let blocks = tally.blocks();
        let nodes = u64::from(plan.nodes) + u64::from(plan.followers);
        let shares = blocks.saturating_mul(nodes).max(1);
        let late = tally.rounds.iter().filter(|(round, _)| **round > 0);
        Self {
            nodes: plan.nodes,
            wallets: plan.wallets,
            payments: sums.finality.count(),
            finality: finality.map(Duration::from_micros),
            quorum_delay: plan.quorum_delay(),
            blocks: [blocks, late.map(|(_, count)| count).sum()],
            said: [messages, bytes].map(|count| real(count) / real(shares)),
            handled: tally.handled / u32::try_from(shares).unwrap_or(u32::MAX),
        }
    }

    /// What half of the payments should take at most: 4.5 quorum delays (one and a half for the wait till the next height
    /// begins, and three for its steps) and 50 ms for work and disks.
    pub fn aim(&self) -> Option<Duration> {
        let delay = self.quorum_delay?;
        Some(delay * 9 / 2 + Duration::from_millis(50))
    }
}

/// All sizes as a picture.
pub fn plot(sizes: &[Size]) -> String {
    let line = |name: &str, of: &dyn Fn(&Size) -> Option<f64>| Line {
        name: name.to_owned(),
        points: sizes
            .iter()
            .filter_map(|size| Some((f64::from(size.nodes), of(size)?)))
            .collect(),
        is_aim: false,
    };
    let ms = |time: Duration| time.as_secs_f64() * 1000.0;
    // Without a payment there is nothing that took no time.
    let took = |size: &Size, which: usize| (size.payments > 0).then(|| ms(size.finality[which]));
    let aim = line("4.5 quorum delays + 50 ms", &|size| size.aim().map(ms));
    let finality = Panel {
        title: "payment to proof, ms".to_owned(),
        over: OVER.to_owned(),
        lines: vec![
            line("half", &|size| took(size, 0)),
            line("90 %", &|size| took(size, 1)),
            line("99 %", &|size| took(size, 2)),
            Line {
                is_aim: true,
                ..aim
            },
        ],
    };
    let said = Panel {
        title: "sent by a node for a block, kB".to_owned(),
        over: OVER.to_owned(),
        lines: vec![line("", &|size| Some(size.said[1] / 1000.0))],
    };
    let handled = Panel {
        title: "work of a node for a block, ms".to_owned(),
        over: OVER.to_owned(),
        lines: vec![line("", &|size| Some(ms(size.handled)))],
    };
    plot::svg(
        "What the size of a network costs",
        &[finality, said, handled],
    )
}

#[allow(clippy::cast_precision_loss, reason = "for ratios that people read")]
fn real(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::{Profile, simulate};

    /// A payment goes, a question and a watch; each has its answer.
    #[test]
    fn what_wallets_say_is_not_counted_as_what_nodes_say() {
        let plan = Plan {
            nodes: 2,
            followers: 0,
            wallets: 4,
            profile: Profile::Lan,
            duration: Duration::from_secs(30),
        };
        let tally = simulate(&plan, 1, None).tally;
        let kinds = |of: &std::collections::BTreeMap<&'static str, crate::sim::Traffic>| {
            of.keys().copied().collect::<Vec<_>>()
        };
        assert_eq!(kinds(&tally.sent.by_wallets), ["query", "submit", "watch"]);
        let nodes = kinds(&tally.sent.by_nodes);
        for kind in TO_WALLETS {
            assert!(nodes.contains(&kind), "no {kind} in {nodes:?}");
        }
        for kind in ["query", "submit"] {
            assert!(!nodes.contains(&kind), "{kind} in {nodes:?}");
        }
        // Nothing is lost on a good network: there are as many answers as questions.
        let (asked, answered) = (
            tally.sent.by_wallets["query"].messages,
            tally.sent.by_nodes["query answer"].messages,
        );
        assert!(asked > 0 && answered == asked, "{answered} of {asked}");
    }

    #[test]
    fn a_size_without_payments_has_no_point_in_the_picture() {
        let size = |nodes: u32, payments: u64| Size {
            nodes,
            wallets: 2,
            payments,
            finality: [Duration::from_millis(payments); 3],
            quorum_delay: None,
            blocks: [1, 0],
            said: [1.0, 1.0],
            handled: Duration::ZERO,
        };
        let dots = |sizes: &[Size]| plot(sizes).matches("<circle").count();
        let (all, none) = (
            dots(&[size(4, 9), size(8, 9)]),
            dots(&[size(4, 9), size(8, 0)]),
        );
        assert_eq!(all - none, 3);
    }
}
