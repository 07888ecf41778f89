//! Results of `natcoin network`.

mod found;
mod made;

use serde::Serialize;

pub use self::found::{CardMade, DraftMade, Founded, OnTheWay, SignatureMade};
pub use self::made::{Founder, MadeNode, NetworkMade};
use super::{Report, Style, resilience, table};
use crate::chain::amount::Amount;
use crate::chain::hash::Hash;
use crate::chain::key::Address;
use crate::chain::name::Name;
use crate::chain::validator::ValidatorSet;
use crate::directory::bootstrap::{Bootstrap, Node};
use crate::directory::utc;

/// A verified node, as scripts and people see it.
#[derive(Debug, Clone, Serialize)]
pub struct NodeLine {
    /// Its name.
    pub name: String,
    /// Its peer id.
    pub peer_id: String,
    /// Where it is dialled.
    pub addresses: Vec<String>,
}

impl From<&Node> for NodeLine {
    fn from(node: &Node) -> Self {
        Self {
            name: node.name.to_string(),
            peer_id: node.peer_id.to_string(),
            addresses: node.addresses.iter().map(ToString::to_string).collect(),
        }
    }
}

/// What a network stands.
#[derive(Debug, Serialize)]
pub struct Strength {
    /// How many nodes vote.
    pub validators: usize,
    /// How many of those must be up.
    pub quorum: usize,
    /// How many failures it stands.
    pub tolerated_failures: usize,
    #[serde(skip)]
    words: String,
}

impl Strength {
    /// The strength of these validators.
    pub fn of(validators: &ValidatorSet) -> Self {
        Self {
            validators: validators.count(),
            quorum: validators.quorum_count(),
            tolerated_failures: validators.tolerated_failures(),
            words: resilience(validators),
        }
    }
}

/// `network show`.
#[derive(Debug, Serialize)]
pub struct NetworkShown {
    /// `ok`.
    pub status: &'static str,
    /// The network's name.
    pub network: String,
    /// The genesis hash: the network's identity.
    pub genesis: Hash,
    /// The network's birth.
    pub time: String,
    /// All its money.
    pub supply: Amount,
    /// What a transaction pays.
    pub fee: Amount,
    /// Accounts that have money from the beginning.
    pub accounts: Vec<AccountLine>,
    /// Its verified nodes.
    pub nodes: Vec<ShownNode>,
    /// What it stands.
    #[serde(flatten)]
    pub strength: Strength,
    #[serde(skip)]
    source: String,
}

/// A node of `network show`.
#[derive(Debug, Serialize)]
pub struct ShownNode {
    /// Name, peer id, addresses.
    #[serde(flatten)]
    pub line: NodeLine,
    /// Whether its vote counts.
    pub validator: bool,
}

/// An account with money from the beginning.
#[derive(Debug, Clone, Serialize)]
pub struct AccountLine {
    /// Its address.
    pub address: Address,
    /// Its money.
    pub balance: Amount,
    /// Its name.
    pub name: Option<Name>,
}

impl NetworkShown {
    /// What a bootstrap file says; `source` tells people which one.
    pub fn new(bootstrap: &Bootstrap, source: String) -> Self {
        let genesis = bootstrap.genesis();
        let shown = |node: &Node| ShownNode {
            line: node.into(),
            validator: node.validator,
        };
        Self {
            status: "ok",
            network: genesis.network.clone(),
            genesis: genesis.hash(),
            time: utc::format(genesis.time_ms),
            supply: genesis.supply(),
            fee: genesis.rules.fee,
            accounts: account_lines(bootstrap),
            nodes: bootstrap.nodes().iter().map(shown).collect(),
            strength: Strength::of(&genesis.validators),
            source,
        }
    }
}

/// The accounts of a genesis.
pub fn account_lines(bootstrap: &Bootstrap) -> Vec<AccountLine> {
    let accounts = bootstrap.genesis().accounts.iter();
    let line = |account: &crate::chain::genesis::GenesisAccount| AccountLine {
        address: account.address,
        balance: account.balance,
        name: account.name.clone(),
    };
    accounts.map(line).collect()
}

impl Report for NetworkShown {
    fn text(&self, style: Style) -> String {
        let mut rows = Vec::new();
        for node in &self.nodes {
            let role = if node.validator {
                "validator"
            } else {
                "follower"
            };
            let mut first = vec![
                node.line.name.clone(),
                role.to_owned(),
                node.line.peer_id.clone(),
            ];
            for address in &node.line.addresses {
                first.push(address.clone());
                rows.push(std::mem::replace(&mut first, vec![String::new(); 3]));
            }
        }
        let accounts: Vec<Vec<String>> = self
            .accounts
            .iter()
            .map(|account| {
                let name = account
                    .name
                    .as_ref()
                    .map_or(String::new(), |name| format!("@{name}"));
                vec![
                    name,
                    account.address.to_string(),
                    format!("{} NAT", account.balance),
                ]
            })
            .collect();
        format!(
            "network  {}  ({})\ngenesis  {}\nborn     {}\nsupply   {} NAT; a transaction costs {} NAT\n\n{}\n\n{}\n\n{}",
            style.strong(&self.network),
            self.source,
            self.genesis,
            self.time,
            self.supply,
            self.fee,
            table(&rows),
            table(&accounts),
            self.strength.words,
        )
    }
}

/// `network verify`.
#[derive(Debug, Serialize)]
pub struct NetworkVerified {
    /// `ok`.
    pub status: &'static str,
    /// The network's name.
    pub network: String,
    /// The genesis hash, computed.
    pub genesis: Hash,
    /// Whether it was held against a hash that the caller gave.
    pub compared: bool,
    /// Whose signatures stand in it, all of them good.
    pub signed_by: Vec<String>,
    /// How many nodes.
    pub nodes: usize,
    /// What it stands.
    #[serde(flatten)]
    pub strength: Strength,
    #[serde(skip)]
    source: String,
}

impl NetworkVerified {
    /// A file that has been checked.
    pub fn new(bootstrap: &Bootstrap, source: String, compared: bool) -> Self {
        Self {
            status: "ok",
            network: bootstrap.network().to_owned(),
            genesis: bootstrap.genesis().hash(),
            compared,
            signed_by: bootstrap
                .signatures()
                .iter()
                .map(|signed| signed.node.to_string())
                .collect(),
            nodes: bootstrap.nodes().len(),
            strength: Strength::of(&bootstrap.genesis().validators),
            source,
        }
    }
}

impl Report for NetworkVerified {
    fn text(&self, style: Style) -> String {
        let more = match self.compared {
            true => "it is the network that you meant",
            false => "compare this hash with somebody you trust",
        };
        let signed = match self.signed_by.len() {
            0 => "not signed: whoever made it made it alone".to_owned(),
            count => format!(
                "signed by all {count} founders: {}",
                self.signed_by.join(", ")
            ),
        };
        format!(
            "{} {} is sound: network {}\ngenesis {} ({more})\n{signed}\n{}",
            style.good("ok"),
            self.source,
            self.network,
            self.genesis,
            self.strength.words,
        )
    }
}
