//! `wallet nodes`: every node of the bootstrap file, as the wallet finds it now.

use serde::Serialize;

use crate::cli::report::{Report, Style, table};

/// A node of the bootstrap file.
#[derive(Debug, Clone, Serialize)]
pub struct NodeSeen {
    /// Its name.
    pub name: String,
    /// Its peer id.
    pub peer_id: String,
    /// Whether its vote counts.
    pub validator: bool,
    /// Whether it answered.
    pub reachable: bool,
    /// How long an answer takes, in milliseconds.
    pub round_trip_ms: Option<f64>,
    /// The last final height that it has.
    pub height: Option<u64>,
    /// `active` or `standby` for the nodes that the wallet uses.
    pub used_as: Option<&'static str>,
    /// Why it is not reachable.
    pub problem: Option<String>,
}

/// `wallet nodes`.
#[derive(Debug, Serialize)]
pub struct WalletNodes {
    /// `ok`, or `paused` if too few validators are reachable for anything to become final.
    pub status: &'static str,
    /// The network's name.
    pub network: String,
    /// The nodes, in the order of the file.
    pub nodes: Vec<NodeSeen>,
    /// How many validators are reachable.
    pub validators_up: usize,
    /// How many there are.
    pub validators: usize,
    /// How many must be up.
    pub quorum: usize,
}

impl WalletNodes {
    /// The list, with its count.
    pub fn new(network: String, nodes: Vec<NodeSeen>, quorum: usize) -> Self {
        let validators = nodes.iter().filter(|node| node.validator);
        let validators_up = validators.clone().filter(|node| node.reachable).count();
        Self {
            status: if validators_up >= quorum {
                "ok"
            } else {
                "paused"
            },
            network,
            validators_up,
            validators: validators.count(),
            quorum,
            nodes,
        }
    }

    /// What of the list is worth telling when it changes: not how long answers take, and not the height.
    pub fn standing(&self) -> Vec<(bool, Option<&'static str>, Option<String>)> {
        let of = |node: &NodeSeen| (node.reachable, node.used_as, node.problem.clone());
        self.nodes.iter().map(of).collect()
    }
}

impl Report for WalletNodes {
    fn text(&self, style: Style) -> String {
        let lines = |node: &NodeSeen| {
            let answer = match (node.reachable, node.round_trip_ms) {
                (true, Some(ms)) => format!("{ms:.1} ms"),
                (true, None) => "reachable".to_owned(),
                (false, _) => "not reachable".to_owned(),
            };
            let height = node
                .height
                .map_or(String::new(), |height| format!("height {height}"));
            let problem = node.problem.as_deref().unwrap_or_default();
            // A line for each address that was tried.
            let mut more = node
                .used_as
                .unwrap_or(problem)
                .split("; ")
                .map(without_number);
            let first = more.next().unwrap_or_default();
            let mut rows = vec![vec![
                node.name.clone(),
                format!("{answer:>13}"),
                height,
                first,
            ]];
            let blank = vec![String::new(); 3];
            rows.extend(more.map(|more| [&blank[..], &[more]].concat()));
            rows
        };
        let rows: Vec<Vec<String>> = self.nodes.iter().flat_map(lines).collect();
        let count = format!(
            "{} of {} nodes are up, {} needed",
            self.validators_up, self.validators, self.quorum
        );
        let state = match self.status {
            "ok" => style.good("payments become final"),
            _ => style.bad("paused; nothing is lost"),
        };
        format!("{}\n{count}: {state}", table(&rows))
    }
}

/// The system's words without its number: `Connection refused (os error 111)`.
fn without_number(problem: &str) -> String {
    let end = problem.find(" (os error ").unwrap_or(problem.len());
    problem[..end].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_listed_reachable_or_not_and_counted() {
        let node = |name: &str, reachable: bool| NodeSeen {
            name: name.to_owned(),
            peer_id: "12D3".to_owned(),
            validator: true,
            reachable,
            round_trip_ms: reachable.then_some(0.84),
            height: reachable.then_some(12),
            used_as: reachable.then_some("active"),
            problem: (!reachable).then(|| "/a: refused (os error 1); /b: timed out".to_owned()),
        };
        let nodes = vec![node("mangart", true), node("razor", false)];
        let report = WalletNodes::new("village".to_owned(), nodes, 2);
        assert_eq!(
            report.text(Style::Plain),
            "mangart         0.8 ms  height 12  active\n\
             razor    not reachable             /a: refused\n\
             \x20                                  /b: timed out\n\
             1 of 2 nodes are up, 2 needed: paused; nothing is lost"
        );
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!(json["status"], "paused");
        assert_eq!(json["nodes"][1]["round_trip_ms"], serde_json::Value::Null);
    }
}
