//! A running node's face: one line on a terminal, which says whether all is well.
//!
//! Where nobody looks there is none, and the plain lines of `node.rs` say what changes. Next: `output.rs` for the line itself.

use std::time::Duration;

use super::report::Style;
use crate::node::network::{NetworkHandle, Standing};
use crate::node::runner::Condition;

/// The round from which a height takes longer than it should.
const SLOW_ROUND: u32 = 2;
/// Blocks that a node may be behind without a word: it learns of some a moment after the others.
const LITTLE_BEHIND: u64 = 2;

/// What surrounds a node.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Surroundings {
    /// How many peers are connected and greeted.
    pub peers: usize,
    /// Whether the world can dial it.
    pub route: &'static str,
    /// How long ago the last block became final here, if one did while this node ran.
    pub last_final: Option<Duration>,
}

impl Surroundings {
    /// As the network finds them now.
    pub async fn now(network: &NetworkHandle, last_final: Option<Duration>) -> Self {
        let peers = network.peers().await.unwrap_or_default();
        let standing = network.whereabouts().await.map(|found| found.standing);
        Self {
            peers: peers.iter().filter(|peer| peer.is_up()).count(),
            route: match standing {
                Ok(Standing::Public) => "direct",
                Ok(Standing::Private) => "relayed",
                Ok(Standing::Unknown) | Err(_) => "",
            },
            last_final,
        }
    }
}

/// The line.
pub fn line(name: &str, now: &Condition, around: &Surroundings, style: Style) -> String {
    let (up, all, needed) = (now.validators_up, now.validators, now.validators_needed);
    let mut parts = vec![format!("{} at height {}", style.strong(name), now.height)];
    // Order: what is wrong stands first. A narrow terminal cuts the end off.
    if up < needed {
        parts.push(style.bad(&format!("paused: {up} of {all} nodes, {needed} needed")));
    }
    parts.extend(warnings(now).iter().map(|text| style.bad(text)));
    if let Some(ago) = around.last_final {
        parts.push(format!("final {} s ago", ago.as_secs()));
    }
    if up >= needed {
        let stands = match up - needed {
            0 if up == all => "stands no failure".to_owned(),
            0 => style.bad("stands no further failure"),
            1 => "stands 1 failure".to_owned(),
            many => format!("stands {many} failures"),
        };
        parts.push(format!("{up} of {all} up, {stands}"));
    }
    parts.push(match around.peers {
        1 => "1 peer".to_owned(),
        many => format!("{many} peers"),
    });
    if !around.route.is_empty() {
        parts.push(around.route.to_owned());
    }
    parts.join(" · ")
}

/// What its owner should know, besides a pause.
fn warnings(now: &Condition) -> Vec<String> {
    let mut told = Vec::new();
    let behind = now.best_known_height.saturating_sub(now.height);
    if behind > LITTLE_BEHIND {
        told.push(format!("{behind} blocks behind"));
    }
    let is_enough = now.validators_up >= now.validators_needed;
    if is_enough && behind == 0 && now.is_validator && !now.is_voting {
        told.push("does not vote yet".to_owned());
    }
    if let Some(round) = now.round.filter(|round| *round >= SLOW_ROUND) {
        told.push(format!("slow: round {round}"));
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    fn condition() -> Condition {
        Condition {
            height: 1_204,
            round: Some(0),
            is_validator: true,
            is_voting: true,
            validators: 4,
            validators_up: 4,
            validators_needed: 3,
            waiting: 0,
            best_known_height: 1_204,
        }
    }

    fn around() -> Surroundings {
        Surroundings {
            peers: 5,
            route: "direct",
            last_final: Some(Duration::from_millis(3_400)),
        }
    }

    #[test]
    fn a_well_node_says_how_far_it_is_and_what_its_network_still_stands() {
        let told = line("razor", &condition(), &around(), Style::Plain);
        assert_eq!(
            told,
            "razor at height 1204 · final 3 s ago · 4 of 4 up, stands 1 failure · 5 peers · direct"
        );
        let three = Condition {
            validators_up: 3,
            ..condition()
        };
        let told = line("razor", &three, &Surroundings::default(), Style::Plain);
        assert_eq!(
            told,
            "razor at height 1204 · 3 of 4 up, stands no further failure · 0 peers"
        );
    }

    #[test]
    fn what_is_wrong_is_told() {
        let paused = Condition {
            validators_up: 2,
            ..condition()
        };
        let told = line("razor", &paused, &around(), Style::Plain);
        assert!(told.contains("paused: 2 of 4 nodes, 3 needed"), "{told}");
        let behind = Condition {
            best_known_height: 1_300,
            ..condition()
        };
        let told = line("razor", &behind, &around(), Style::Plain);
        assert!(
            told.starts_with("razor at height 1204 · 96 blocks behind ·"),
            "{told}"
        );
        let slow = Condition {
            round: Some(3),
            is_voting: false,
            ..condition()
        };
        let told = line("razor", &slow, &around(), Style::Plain);
        assert!(
            told.contains("· does not vote yet · slow: round 3 ·"),
            "{told}"
        );
    }
}
