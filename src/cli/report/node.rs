//! Results of `natcoin node`.

use serde::Serialize;

use super::{Report, Style};
use crate::chain::hash::Hash;
use crate::chain::key::Address;

/// `node id`.
#[derive(Debug, Serialize)]
pub struct NodeId {
    /// `ok`.
    pub status: &'static str,
    /// Its name.
    pub name: String,
    /// Its peer id, for the bootstrap file.
    pub peer_id: String,
    /// Its account, which gets the fees.
    pub address: Address,
}

impl Report for NodeId {
    fn text(&self, style: Style) -> String {
        format!(
            "node     {}\npeer id  {}\naccount  {}",
            style.strong(&self.name),
            self.peer_id,
            self.address
        )
    }
}

/// `node status`.
#[derive(Debug, Serialize)]
pub struct NodeStatus {
    /// `ok`.
    pub status: &'static str,
    /// Its name.
    pub name: String,
    /// Its peer id.
    pub peer_id: String,
    /// Its program and version.
    pub version: String,
    /// The last final height that it has; proven.
    pub height: u64,
    /// How many validators it hears, itself included.
    pub validators_up: usize,
    /// How many there are.
    pub validators: usize,
    /// How many it takes for payments to become final.
    pub validators_needed: usize,
    /// How many transactions wait there.
    pub waiting: u32,
    /// Of the newest block that it has.
    #[serde(flatten)]
    pub newest: NewestBlock,
}

/// How the newest block of a node was decided, which is proven, and how far others are.
#[derive(Debug, Serialize)]
pub struct NewestBlock {
    /// Its time; none before the first block.
    pub time: Option<String>,
    /// How long ago that was, by this machine's clock.
    pub age_ms: Option<u64>,
    /// The round in which it was decided; above 0 something was slow or down.
    pub round: Option<u32>,
    /// The nodes whose votes stand in its certificate.
    pub signed_by: Vec<String>,
    /// Those whose do not: they were late, or are down.
    pub not_signed_by: Vec<String>,
    /// How many of the other nodes answered, too.
    pub others_answered: usize,
    /// How many blocks the node lacks that one of these has proven; none if none answered.
    pub behind: Option<u64>,
}

impl NewestBlock {
    fn text(&self, style: Style) -> String {
        let decided = match (self.round, self.age_ms) {
            (Some(round), Some(age)) => {
                let late = match self.not_signed_by.as_slice() {
                    [] => String::new(),
                    names => format!("; not by {}", names.join(", ")),
                };
                let (seconds, signed) = (age / 1000, self.signed_by.join(", "));
                format!("last final {seconds} s ago, in round {round}, signed by {signed}{late}")
            }
            _ => "no block is final yet".to_owned(),
        };
        let others = match (self.behind, self.others_answered) {
            (None, _) => "no other node answered".to_owned(),
            (Some(0), 1) => "in step with the other node that answered".to_owned(),
            (Some(0), many) => format!("in step with the {many} other nodes that answered"),
            (Some(1), _) => "1 block behind the others".to_owned(),
            (Some(many), _) => style.bad(&format!("{many} blocks behind the others")),
        };
        format!("{decided}\n{others}")
    }
}

impl Report for NodeStatus {
    fn text(&self, style: Style) -> String {
        let (up, all, needed) = (self.validators_up, self.validators, self.validators_needed);
        let network = match up < needed {
            true => style.bad(&format!(
                "paused: {up} of {all} nodes, {needed} needed; nothing is lost"
            )),
            false => format!("{up} of {all} nodes are up"),
        };
        format!(
            "{} ({}) at height {}; {network}; {} transactions wait\n{}",
            style.strong(&self.name),
            self.version,
            self.height,
            self.waiting,
            self.newest.text(style)
        )
    }
}

/// What a running node tells, one line each.
#[derive(Debug, Serialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum NodeEvent {
    /// It can be dialled.
    Listening {
        /// Its name.
        name: String,
        /// Its peer id.
        peer_id: String,
        /// Where it listens.
        addresses: Vec<String>,
        /// What its network stands, in words.
        resilience: String,
    },
    /// Its page and API are served.
    Serving {
        /// The page, for a browser on this machine.
        page: String,
        /// Where.
        address: String,
        /// Whether others than this machine may come.
        is_public: bool,
    },
    /// It is in step with the chain.
    InStep {
        /// Its name.
        name: String,
        /// The last final height that it has.
        height: u64,
        /// How many validators are up, itself included.
        validators_up: u32,
        /// How many there are.
        validators: u32,
    },
    /// It has ended as it was told to; all is on the disk.
    Ended {
        /// Its name.
        name: String,
        /// The last final height that it has.
        height: u64,
        /// The root of its state there, to be compared with other nodes'.
        state_root: Hash,
        /// Bytes that it has heard, by all protocols.
        bytes_received: u64,
        /// Bytes that it has said.
        bytes_sent: u64,
    },
}

impl Report for NodeEvent {
    fn text(&self, style: Style) -> String {
        match self {
            Self::Listening {
                name,
                addresses,
                resilience,
                ..
            } => format!(
                "{} listens on {}. {resilience}.",
                style.strong(name),
                addresses.join(" and ")
            ),
            Self::Serving { page, .. } => format!("the page is at {}", style.strong(page)),
            Self::Ended { name, height, .. } => format!(
                "{} ended at height {height}; all is on the disk",
                style.strong(name)
            ),
            Self::InStep {
                name,
                height,
                validators_up,
                validators,
            } => format!(
                "{} is {} with the chain at height {height}; {validators_up} of {validators} nodes are up",
                style.strong(name),
                style.good("in step"),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_tells_a_pause() {
        let mut status = NodeStatus {
            status: "ok",
            name: "razor".to_owned(),
            peer_id: "12D3".to_owned(),
            version: "natcoin/2.0.0".to_owned(),
            height: 7,
            validators_up: 3,
            validators: 4,
            validators_needed: 3,
            waiting: 0,
            newest: NewestBlock {
                time: Some("2026-01-01T00:00:00Z".to_owned()),
                age_ms: Some(12_345),
                round: Some(1),
                signed_by: ["mangart", "razor", "triglav"].map(str::to_owned).into(),
                not_signed_by: vec!["jalovec".to_owned()],
                others_answered: 2,
                behind: Some(0),
            },
        };
        assert_eq!(
            status.text(Style::Plain),
            "razor (natcoin/2.0.0) at height 7; 3 of 4 nodes are up; 0 transactions wait\nlast final 12 s ago, in round 1, signed by mangart, razor, triglav; not by jalovec\nin step with the 2 other nodes that answered"
        );
        let json = serde_json::to_value(&status).unwrap();
        assert_eq!((&json["round"], &json["behind"]), (&1.into(), &0.into()));
        status.newest.behind = Some(9);
        assert!(
            status
                .text(Style::Plain)
                .ends_with("9 blocks behind the others")
        );
        status.validators_up = 2;
        assert!(
            status
                .text(Style::Plain)
                .contains("paused: 2 of 4 nodes, 3 needed; nothing is lost")
        );
    }

    #[test]
    fn a_running_node_tells_its_state_in_single_lines() {
        let event = NodeEvent::InStep {
            name: "razor".to_owned(),
            height: 7,
            validators_up: 3,
            validators: 4,
        };
        assert_eq!(
            serde_json::to_string(&event).unwrap(),
            r#"{"status":"in_step","name":"razor","height":7,"validators_up":3,"validators":4}"#
        );
        assert_eq!(
            event.text(Style::Plain),
            "razor is in step with the chain at height 7; 3 of 4 nodes are up"
        );
    }
}
