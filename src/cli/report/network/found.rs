//! Results of `natcoin network found`.

use std::path::PathBuf;

use serde::Serialize;

use super::{AccountLine, NodeLine};
use crate::chain::amount::Amount;
use crate::chain::hash::Hash;
use crate::cli::report::{Report, Style, table};

/// What is told while a ceremony is under way.
#[derive(Debug, Serialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum OnTheWay {
    /// The host's room is open.
    Room {
        /// The join code.
        code: String,
    },
    /// We are in.
    Welcome {
        /// Our node's name.
        name: String,
    },
    /// Who is there.
    Present {
        /// They.
        nodes: Vec<NodeLine>,
    },
    /// Something to know.
    Notice {
        /// What.
        text: String,
    },
    /// What is to be agreed on.
    Plan {
        /// The network's name.
        network: String,
        /// Its genesis hash.
        genesis: Hash,
        /// Its money.
        supply: Amount,
        /// What a transaction pays.
        fee: Amount,
        /// The least that makes an account.
        min_balance: Amount,
        /// Who has money from the beginning.
        accounts: Vec<AccountLine>,
        /// The nodes.
        nodes: Vec<NodeLine>,
    },
    /// A part of the ceremony begins.
    Begins {
        /// `check`, `words`, `rehearse`, `ready`, `sign`, `written`.
        round: &'static str,
        /// In words.
        #[serde(skip)]
        text: &'static str,
    },
    /// The words to compare.
    Words {
        /// They.
        words: Vec<&'static str>,
    },
}

impl Report for OnTheWay {
    fn text(&self, style: Style) -> String {
        match self {
            Self::Room { code } => format!(
                "The room is open. The others join it with\n\n  natcoin network found --home DIR --join {code}\n\nGive the code only to those who found with you: it opens the room."
            ),
            Self::Welcome { name } => {
                format!(
                    "{} the room; this node is {}",
                    style.good("in"),
                    style.strong(name)
                )
            }
            Self::Present { nodes } => format!("{} in the room:\n{}", nodes.len(), lines(nodes)),
            Self::Notice { text } => format!("{} {text}", style.faint("note:")),
            Self::Plan {
                network,
                supply,
                fee,
                min_balance,
                accounts,
                nodes,
                ..
            } => {
                let money = accounts.iter().map(|account| {
                    let name = account.name.as_ref();
                    vec![
                        name.map_or(String::new(), |name| format!("@{name}")),
                        account.address.to_string(),
                        format!("{} NAT", account.balance),
                    ]
                });
                format!(
                    "\nTo be founded: the network {}\nsupply {supply} NAT; a transaction costs {fee} NAT; a new account has at least {min_balance} NAT\n\n{}\n\n{}",
                    style.strong(network),
                    table(&money.collect::<Vec<_>>()),
                    lines(nodes),
                )
            }
            Self::Begins { text, .. } => (*text).to_owned(),
            Self::Words { words } => format!(
                "\nRead these words to each other, aloud. They must be the same for all:\n\n  {}\n",
                style.strong(&words.join(" "))
            ),
        }
    }
}

fn lines(nodes: &[NodeLine]) -> String {
    let line = |node: &NodeLine| vec![node.name.clone(), node.addresses.join(" ")];
    table(&nodes.iter().map(line).collect::<Vec<_>>())
}

/// A network is founded, and this home is written.
#[derive(Debug, Serialize)]
pub struct Founded {
    /// `founded`.
    pub status: &'static str,
    /// The network's name.
    pub network: String,
    /// Its genesis hash.
    pub genesis: Hash,
    /// The node's name.
    pub name: String,
    /// The node's home.
    pub home: PathBuf,
    /// The file for everybody.
    pub bootstrap: PathBuf,
    /// Of whom nobody has heard that they have written.
    pub unheard: Vec<String>,
    /// What it stands, in words.
    pub resilience: String,
}

impl Report for Founded {
    fn text(&self, style: Style) -> String {
        let mut text = format!(
            "{} the network {}, signed by all\ngenesis {}\n{}\n\nStart your node with\n  natcoin node --home {}\nand give {} to everybody.",
            style.good("founded"),
            style.strong(&self.network),
            self.genesis,
            self.resilience,
            self.home.display(),
            self.bootstrap.display(),
        );
        if !self.unheard.is_empty() {
            text.push_str(&format!(
                "\n\nNobody has heard that {} has written its home. Send it this file; it finishes with\n  natcoin network found --finish bootstrap.toml --home DIR",
                self.unheard.join(", ")
            ));
        }
        text
    }
}

/// `network found --export`.
#[derive(Debug, Serialize)]
pub struct CardMade {
    /// `ok`.
    pub status: &'static str,
    /// The card.
    pub card: PathBuf,
    /// What waits for its network.
    pub pending: PathBuf,
    /// The node.
    #[serde(flatten)]
    pub line: NodeLine,
}

impl Report for CardMade {
    fn text(&self, style: Style) -> String {
        format!(
            "{} {}, the card of {} ({})\nThe key waits in {} and never leaves.\nSend the card to whoever assembles the draft.",
            style.good("made"),
            self.card.display(),
            style.strong(&self.line.name),
            self.line.peer_id,
            self.pending.display(),
        )
    }
}

/// `network found --assemble`.
#[derive(Debug, Serialize)]
pub struct DraftMade {
    /// `ok`.
    pub status: &'static str,
    /// The draft.
    pub draft: PathBuf,
    /// The network's name.
    pub network: String,
    /// Its genesis hash.
    pub genesis: Hash,
    /// The words that stand for the draft.
    pub words: Vec<&'static str>,
    /// What it stands, in words.
    pub resilience: String,
}

impl Report for DraftMade {
    fn text(&self, style: Style) -> String {
        format!(
            "{} {}, the draft of the network {}\ngenesis {}\n{}\n\nSend it to all; each signs it with\n  natcoin network found --sign {} --home DIR --out SIGNATURE\nafter all have read these words to each other:\n\n{}",
            style.good("made"),
            self.draft.display(),
            style.strong(&self.network),
            self.genesis,
            self.resilience,
            self.draft.display(),
            crate::cli::report::wallet::numbered(&self.words),
        )
    }
}

/// `network found --sign`.
#[derive(Debug, Serialize)]
pub struct SignatureMade {
    /// `ok`.
    pub status: &'static str,
    /// The signature.
    pub signature: PathBuf,
    /// Whose.
    pub name: String,
    /// The network's genesis hash.
    pub genesis: Hash,
}

impl Report for SignatureMade {
    fn text(&self, style: Style) -> String {
        format!(
            "{} {}, the signature of {} on genesis {}\nSend it to all. When you have everybody's:\n  natcoin network found --home DIR --finish DRAFT SIGNATURE ...",
            style.good("made"),
            self.signature.display(),
            style.strong(&self.name),
            self.genesis,
        )
    }
}
