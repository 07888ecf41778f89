//! Result of `natcoin network new`.

use std::path::PathBuf;

use serde::Serialize;

use super::{AccountLine, NodeLine};
use crate::chain::hash::Hash;
use crate::chain::key::Address;
use crate::cli::report::wallet::numbered;
use crate::cli::report::{Report, Style, table};

/// `network new`.
#[derive(Debug, Serialize)]
pub struct NetworkMade {
    /// `ok`.
    pub status: &'static str,
    /// The network's name.
    pub network: String,
    /// The genesis hash.
    pub genesis: Hash,
    /// The folder.
    pub dir: PathBuf,
    /// The file for everybody.
    pub bootstrap: PathBuf,
    /// The nodes.
    pub nodes: Vec<MadeNode>,
    /// The accounts that have money.
    pub accounts: Vec<AccountLine>,
    /// The wallet that has all the money, if no account was named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub founder: Option<Founder>,
    /// What it stands, in words.
    pub resilience: String,
}

/// A node of `network new`.
#[derive(Debug, Serialize)]
pub struct MadeNode {
    /// Name, peer id, addresses.
    #[serde(flatten)]
    pub line: NodeLine,
    /// Its home.
    pub home: PathBuf,
}

/// The wallet that has all the money of a new network.
#[derive(Serialize)]
pub struct Founder {
    /// Its address.
    pub address: Address,
    /// Its twelve words: shown here and kept nowhere.
    pub words: Vec<&'static str>,
}

impl std::fmt::Debug for Founder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Founder({:?})", self.address)
    }
}

impl Report for NetworkMade {
    fn text(&self, style: Style) -> String {
        let homes: Vec<Vec<String>> = self
            .nodes
            .iter()
            .map(|node| {
                vec![
                    node.line.name.clone(),
                    node.line.addresses.join(" "),
                    node.home.display().to_string(),
                ]
            })
            .collect();
        let mut text = format!(
            "{} network {} in {}\ngenesis {}\n\n{}\n\n{}\n\nGive {} to everybody. Start each node with\n  natcoin node --home {}",
            style.good("made"),
            style.strong(&self.network),
            self.dir.display(),
            self.genesis,
            table(&homes),
            self.resilience,
            self.bootstrap.display(),
            self.nodes
                .first()
                .map(|node| node.home.display().to_string())
                .unwrap_or_default(),
        );
        if let Some(founder) = &self.founder {
            text.push_str(&format!(
                "\n\nAll the money is in the founder's wallet {}.\nIts twelve words are shown only now; write them on paper:\n\n{}\n\nMake the wallet with\n  natcoin --bootstrap {} --profile founder wallet restore",
                founder.address,
                numbered(&founder.words),
                self.bootstrap.display(),
            ));
        }
        text
    }
}
