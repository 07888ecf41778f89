//! Result of `natcoin devnet`: what other processes need to join it.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::network::NodeLine;
use super::{Report, Style, resilience, table};
use crate::chain::key::Address;
use crate::chain::name::Name;
use crate::node::devnet::Devnet;

/// `devnet`, when payments can be made.
#[derive(Debug, Serialize)]
pub struct DevnetReady {
    /// `ready`.
    pub status: &'static str,
    /// The folder of it all.
    pub dir: PathBuf,
    /// The folder of the wallets.
    pub data_dir: PathBuf,
    /// The file with which others join.
    pub bootstrap: PathBuf,
    /// The file with the wallets' password.
    pub password_file: PathBuf,
    /// The nodes.
    pub nodes: Vec<NodeLine>,
    /// The wallets.
    pub wallets: Vec<DevnetWallet>,
    /// What it stands, in words; for people.
    #[serde(skip)]
    pub resilience: String,
    /// From the start to ready; for people.
    #[serde(skip)]
    pub took_ms: u64,
    /// How the program was called, so that it can be called again: a build may be in no search path.
    #[serde(skip)]
    pub program: String,
}

/// A funded wallet of `devnet`.
#[derive(Debug, Serialize)]
pub struct DevnetWallet {
    /// Its profile.
    pub profile: String,
    /// Its address.
    pub address: Address,
    /// Its name on chain.
    pub name: Name,
}

impl DevnetReady {
    /// A devnet in a folder, so many milliseconds after its start.
    pub fn new(devnet: &Devnet, dir: &Path, took_ms: u64, program: String) -> Self {
        let wallet = |wallet: &crate::node::devnet::DevnetWallet| DevnetWallet {
            profile: wallet.profile.to_string(),
            address: wallet.address,
            name: wallet.name.clone(),
        };
        Self {
            status: "ready",
            dir: dir.to_owned(),
            data_dir: devnet.data_dir.clone(),
            bootstrap: devnet.bootstrap_path.clone(),
            password_file: devnet.password_file.clone(),
            nodes: devnet
                .bootstrap
                .nodes()
                .iter()
                .map(NodeLine::from)
                .collect(),
            wallets: devnet.wallets.iter().map(wallet).collect(),
            resilience: resilience(&devnet.bootstrap.genesis().validators),
            took_ms,
            program,
        }
    }

    /// The first steps of a newcomer, to be copied into another terminal.
    fn first_steps(&self) -> String {
        let set = if cfg!(windows) { "set" } else { "export" };
        let variable = |name: &str, path: &Path| {
            format!("  {set} NATCOIN_{name}={}", word(&path.to_string_lossy()))
        };
        let call = |wallet: &DevnetWallet, words: &str| {
            let program = word(&self.program);
            format!("  {program} --profile {} wallet {words}", wallet.profile)
        };
        let mut lines = vec![
            "In another terminal:".to_owned(),
            variable("BOOTSTRAP", &self.bootstrap),
            variable("DATA_DIR", &self.data_dir),
            variable("PASSWORD_FILE", &self.password_file),
        ];
        match &*self.wallets {
            [] => return String::new(),
            [only] => lines.push(call(only, "balance")),
            [payer, payee, ..] => {
                lines.push(call(payer, &format!("pay @{} 5", payee.name)));
                lines.push(call(payee, "history"));
            }
        }
        format!("\n{}\n", lines.join("\n"))
    }
}

/// A word of a shell's line, quoted where it must be.
pub(super) fn word(text: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "/\\:._-+~".contains(c);
    match text.chars().all(is_plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

impl Report for DevnetReady {
    fn text(&self, style: Style) -> String {
        let nodes: Vec<Vec<String>> = self
            .nodes
            .iter()
            .map(|node| vec![format!("  {}", node.name), node.addresses.join(" ")])
            .collect();
        let wallets: Vec<Vec<String>> = self
            .wallets
            .iter()
            .map(|wallet| vec![format!("  @{}", wallet.name), wallet.address.to_string()])
            .collect();
        format!(
            "{} after {} ms. {}.\n\nnodes\n{}\nwallets\n{}\n{}\nCtrl-C ends it.",
            style.good("ready"),
            self.took_ms,
            self.resilience,
            table(&nodes),
            table(&wallets),
            self.first_steps(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devnet_says_ready_in_the_form_that_scripts_rely_on() {
        let ready = DevnetReady {
            status: "ready",
            dir: "/d".into(),
            data_dir: "/d/data".into(),
            bootstrap: "/d/bootstrap.toml".into(),
            password_file: "/d/password".into(),
            nodes: vec![NodeLine {
                name: "mangart".to_owned(),
                peer_id: "12D3".to_owned(),
                addresses: vec!["/ip4/127.0.0.1/tcp/1".to_owned()],
            }],
            wallets: vec![DevnetWallet {
                profile: "alice".to_owned(),
                address: Address([0; 32]),
                name: "alice".parse().unwrap(),
            }],
            resilience: "This network of 1 node stands no failure; it must be up".to_owned(),
            took_ms: 900,
            program: "target/release/natcoin".to_owned(),
        };
        let address = Address([0; 32]);
        assert_eq!(
            serde_json::to_string(&ready).unwrap(),
            format!(
                r#"{{"status":"ready","dir":"/d","data_dir":"/d/data","bootstrap":"/d/bootstrap.toml","password_file":"/d/password","nodes":[{{"name":"mangart","peer_id":"12D3","addresses":["/ip4/127.0.0.1/tcp/1"]}}],"wallets":[{{"profile":"alice","address":"{address}","name":"alice"}}]}}"#
            )
        );
        assert!(
            ready
                .text(Style::Plain)
                .starts_with("ready after 900 ms. This network of 1 node")
        );
    }
}
