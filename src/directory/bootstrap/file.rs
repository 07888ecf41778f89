//! The text form of a bootstrap file.
//!
//! Texts are read as texts and checked one by one, so that every refusal can say where it is and
//! what to write. Unknown fields are refused: a rule that an older program does not know must not
//! be passed over in silence.

use libp2p::PeerId;
use serde::{Deserialize, Serialize};

use super::{Beginning, Bootstrap, BootstrapError, FoundersSignature, MAX_FILE_BYTES, Node};
use crate::chain::amount::Amount;
use crate::chain::genesis::{GenesisAccount, Rules};
use crate::chain::hash::{Hash, hex, unhex};
use crate::chain::key::Signature;
use crate::chain::name::Name;
use crate::directory::{address, peer, utc};

const HEADER: &str = "\
# A network of NAT-Coin: what it begins with, and the nodes that carry it.
# Give this file to everybody who takes part: natcoin --bootstrap FILE ...
# The hash is the network's identity; `natcoin network show` checks it. Addresses may be changed.

";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    network: Network,
    genesis: GenesisTable,
    #[serde(default)]
    node: Vec<NodeTable>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    founding: Vec<FoundingTable>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Network {
    name: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct GenesisTable {
    hash: Option<String>,
    time: String,
    rules: RulesTable,
    #[serde(default)]
    account: Vec<AccountTable>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RulesTable {
    fee: String,
    min_balance: String,
    max_block_bytes: u32,
    max_block_transactions: u32,
    max_validity: u64,
    heartbeat_ms: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AccountTable {
    address: String,
    balance: String,
    name: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct NodeTable {
    name: String,
    peer_id: String,
    validator: bool,
    addresses: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FoundingTable {
    node: String,
    signature: String,
}

pub(super) fn parse(text: &str) -> Result<Bootstrap, BootstrapError> {
    if text.len() > MAX_FILE_BYTES {
        return Err(BootstrapError::TooLarge(text.len()));
    }
    let file = read_tables(text)?;
    let written = file.genesis.hash.as_deref().map(read_hash).transpose()?;
    let beginning = Beginning {
        network: file.network.name,
        time_ms: utc::parse(&file.genesis.time)
            .ok_or_else(|| BootstrapError::Time(cut(&file.genesis.time)))?,
        rules: read_rules(&file.genesis.rules)?,
        accounts: (1..)
            .zip(&file.genesis.account)
            .map(|(number, account)| read_account(number, account))
            .collect::<Result<_, _>>()?,
    };
    let nodes = (1..)
        .zip(&file.node)
        .map(|(number, node)| read_node(number, node))
        .collect::<Result<_, _>>()?;
    let bootstrap = Bootstrap::new(beginning, nodes)?;
    let computed = bootstrap.genesis().hash();
    match written {
        Some(written) if written != computed => {
            return Err(BootstrapError::HashMismatch { written, computed });
        }
        _ if file.founding.is_empty() => return Ok(bootstrap),
        _ => {}
    }
    let signatures = (1..)
        .zip(&file.founding)
        .map(|(number, table)| read_signature(number, table))
        .collect::<Result<_, _>>()?;
    bootstrap.signed(signatures)
}

pub(super) fn print(bootstrap: &Bootstrap) -> String {
    let genesis = bootstrap.genesis();
    let rules = &genesis.rules;
    let account = |account: &GenesisAccount| AccountTable {
        address: account.address.to_string(),
        balance: account.balance.to_string(),
        name: account.name.as_ref().map(Name::to_string),
    };
    let node = |node: &Node| NodeTable {
        name: node.name.to_string(),
        peer_id: node.peer_id.to_string(),
        validator: node.validator,
        addresses: node.addresses.iter().map(ToString::to_string).collect(),
    };
    let founding = |signed: &FoundersSignature| FoundingTable {
        node: signed.node.to_string(),
        signature: hex(&signed.signature.0),
    };
    let file = File {
        network: Network {
            name: genesis.network.clone(),
        },
        genesis: GenesisTable {
            hash: Some(genesis.hash().to_string()),
            time: utc::format(genesis.time_ms),
            rules: RulesTable {
                fee: rules.fee.to_string(),
                min_balance: rules.min_balance.to_string(),
                max_block_bytes: rules.max_block_bytes,
                max_block_transactions: rules.max_block_transactions,
                max_validity: rules.max_validity,
                heartbeat_ms: rules.heartbeat_ms,
            },
            account: genesis.accounts.iter().map(account).collect(),
        },
        node: bootstrap.nodes().iter().map(node).collect(),
        founding: bootstrap.signatures().iter().map(founding).collect(),
    };
    let text = toml::to_string(&file).expect("texts and bounded numbers can always be written");
    format!("{HEADER}{text}")
}

fn read_tables(text: &str) -> Result<File, BootstrapError> {
    let line_of = |error: &toml::de::Error| {
        let at = error.span().map_or(0, |span| span.start).min(text.len());
        text.as_bytes()[..at]
            .iter()
            .filter(|&&byte| byte == b'\n')
            .count()
            + 1
    };
    text.parse::<toml::Table>()
        .map_err(|error| BootstrapError::NotToml {
            line: line_of(&error),
            why: error.message().to_owned(),
        })?;
    toml::from_str(text).map_err(|error| {
        let (line, why) = (line_of(&error), error.message().to_owned());
        match () {
            () if why.starts_with("unknown field") => BootstrapError::UnknownField { line, why },
            () if why.starts_with("missing field") => BootstrapError::MissingField { line, why },
            () => BootstrapError::WrongKind { line, why },
        }
    })
}

fn read_hash(text: &str) -> Result<Hash, BootstrapError> {
    text.parse()
        .map_err(|_| BootstrapError::HashMalformed(cut(text)))
}

fn read_rules(table: &RulesTable) -> Result<Rules, BootstrapError> {
    Ok(Rules {
        fee: read_amount("genesis.rules.fee", &table.fee)?,
        min_balance: read_amount("genesis.rules.min_balance", &table.min_balance)?,
        max_block_bytes: table.max_block_bytes,
        max_block_transactions: table.max_block_transactions,
        max_validity: table.max_validity,
        heartbeat_ms: table.heartbeat_ms,
    })
}

fn read_account(number: usize, table: &AccountTable) -> Result<GenesisAccount, BootstrapError> {
    let place = format!("genesis.account {number}");
    let address = table
        .address
        .parse()
        .map_err(|error| BootstrapError::AccountAddress {
            place: place.clone(),
            error,
        })?;
    let name = table.name.as_deref().map(|name| read_name(&place, name));
    Ok(GenesisAccount {
        address,
        balance: read_amount(&place, &table.balance)?,
        name: name.transpose()?,
    })
}

fn read_node(number: usize, table: &NodeTable) -> Result<Node, BootstrapError> {
    let place = format!("node {number}");
    let name = read_name(&place, &table.name)?;
    let place = format!("node {number} ({name})");
    let peer_id: PeerId =
        table
            .peer_id
            .parse()
            .map_err(|error| BootstrapError::PeerIdMalformed {
                place: place.clone(),
                text: cut(&table.peer_id),
                why: format!("{error}"),
            })?;
    let key = peer::public_key(&peer_id).ok_or_else(|| BootstrapError::PeerIdNotEd25519 {
        place: place.clone(),
        peer_id: Box::new(peer_id),
    })?;
    let read_address = |text: &String| {
        address::parse_dialable(text, &peer_id).map_err(|fault| BootstrapError::Address {
            place: place.clone(),
            fault,
        })
    };
    Ok(Node {
        name,
        key,
        peer_id,
        validator: table.validator,
        addresses: table
            .addresses
            .iter()
            .map(read_address)
            .collect::<Result<_, _>>()?,
    })
}

fn read_signature(
    number: usize,
    table: &FoundingTable,
) -> Result<FoundersSignature, BootstrapError> {
    let signature = unhex(&table.signature).and_then(|bytes| bytes.try_into().ok());
    Ok(FoundersSignature {
        node: read_name(&format!("founding {number}"), &table.node)?,
        signature: signature.map(Signature).ok_or_else(|| {
            let text = cut(&table.signature);
            BootstrapError::SignatureMalformed { number, text }
        })?,
    })
}

fn read_amount(place: &str, text: &str) -> Result<Amount, BootstrapError> {
    text.parse().map_err(|error| BootstrapError::Amount {
        place: place.to_owned(),
        error,
    })
}

fn read_name(place: &str, text: &str) -> Result<Name, BootstrapError> {
    text.parse().map_err(|error| BootstrapError::Name {
        place: place.to_owned(),
        error,
    })
}

fn cut(text: &str) -> String {
    text.chars().take(120).collect()
}
