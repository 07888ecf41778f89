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
            "{} ({}) at height {}; {network}; {} transactions wait",
            style.strong(&self.name),
            self.version,
            self.height,
            self.waiting
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
        };
        assert_eq!(
            status.text(Style::Plain),
            "razor (natcoin/2.0.0) at height 7; 3 of 4 nodes are up; 0 transactions wait"
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
