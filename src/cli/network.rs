//! `natcoin network`: make a network, or look at one.

pub mod found;

use std::path::Path;

use rand::Rng;

use super::arguments::{NetworkNew, NetworkVerify};
use super::context::Context;
use super::failure::{Exit, Failure};
use super::report::network::{
    Founder, MadeNode, NetworkMade, NetworkShown, NetworkVerified, account_lines,
};
use super::report::resilience;
use crate::chain::amount::Amount;
use crate::chain::genesis::{GenesisAccount, Rules};
use crate::chain::hash::Hash;
use crate::chain::key::SecretKey;
use crate::directory::address::parse_host;
use crate::directory::bootstrap::Beginning;
use crate::node::clock;
use crate::node::home::{self, BOOTSTRAP, MAX_NEW_NODES, NewNetwork};
use crate::wallet::vault::Vault;

/// `network show`.
///
/// # Errors
/// If the bootstrap file is not sound.
pub fn show(context: &Context) -> Result<NetworkShown, Failure> {
    Ok(NetworkShown::new(
        &context.bootstrap()?,
        context.bootstrap_source(),
    ))
}

/// `network verify`.
///
/// # Errors
/// If the bootstrap file is not sound, or is of another network than the hash given.
pub fn verify(context: &Context, arguments: &NetworkVerify) -> Result<NetworkVerified, Failure> {
    let bootstrap = context.bootstrap()?;
    let found = bootstrap.genesis().hash();
    if let Some(text) = &arguments.genesis {
        let expected: Hash = text.parse()?;
        if expected != found {
            return Err(Failure::new(
                Exit::Usage,
                "other_network",
                format!(
                    "{} describes the network {found}, not {expected}",
                    context.bootstrap_source()
                ),
                "get the network's bootstrap.toml again from somebody you trust",
            ));
        }
    }
    let compared = arguments.genesis.is_some();
    Ok(NetworkVerified::new(
        &bootstrap,
        context.bootstrap_source(),
        compared,
    ))
}

/// `network new`: the bootstrap file and a home for each node.
///
/// # Errors
/// If a value is refused, or the folder is there already.
pub fn new(context: &Context, arguments: NetworkNew) -> Result<NetworkMade, Failure> {
    if !(1..=MAX_NEW_NODES).contains(&arguments.nodes) {
        return Err(home::HomeError::NodeCount(arguments.nodes).into());
    }
    let founder = arguments
        .account
        .is_empty()
        .then(|| Vault::generate(&mut rand::rng()));
    let accounts = match &founder {
        Some(founder) => vec![GenesisAccount {
            address: founder.address(),
            balance: arguments.supply.parse()?,
            name: None,
        }],
        None => arguments
            .account
            .iter()
            .map(|text| read_account(text))
            .collect::<Result<_, _>>()?,
    };
    let rules = Rules {
        fee: arguments.fee.parse()?,
        ..Rules::default()
    };
    let network = NewNetwork {
        beginning: Beginning {
            network: arguments.name,
            // Whole seconds, so that the file is easy to read.
            time_ms: clock::unix_ms() / 1000 * 1000,
            rules,
            accounts,
        },
        hosts: arguments
            .address
            .iter()
            .map(|text| parse_host(text))
            .collect::<Result<_, _>>()?,
        first_port: arguments.port,
        keys: (0..arguments.nodes).map(|_| new_key()).collect(),
    };
    let progress = context.output.progress("writing the network");
    let homes = home::create_network(&arguments.dir, &network)?;
    drop(progress);
    Ok(made(&arguments.dir, &homes, founder.as_ref()))
}

fn made(dir: &Path, homes: &[home::Home], founder: Option<&Vault>) -> NetworkMade {
    let bootstrap = homes.first().expect("a network has a node").bootstrap();
    let nodes = bootstrap
        .nodes()
        .iter()
        .zip(homes)
        .map(|(node, home)| MadeNode {
            line: node.into(),
            home: home.folder().to_owned(),
        });
    NetworkMade {
        status: "ok",
        network: bootstrap.network().to_owned(),
        genesis: bootstrap.genesis().hash(),
        dir: dir.to_owned(),
        bootstrap: dir.join(BOOTSTRAP),
        nodes: nodes.collect(),
        accounts: account_lines(bootstrap),
        founder: founder.map(|vault| Founder {
            address: vault.address(),
            words: vault.words().words(),
        }),
        resilience: resilience(&bootstrap.genesis().validators),
    }
}

fn new_key() -> SecretKey {
    let mut seed = zeroize::Zeroizing::new([0; 32]);
    rand::rng().fill_bytes(seed.as_mut_slice());
    SecretKey::from_seed(&seed)
}

/// `ADDRESS=AMOUNT` or `ADDRESS=AMOUNT@NAME`.
fn read_account(text: &str) -> Result<GenesisAccount, Failure> {
    let Some((address, rest)) = text.split_once('=') else {
        return Err(Failure::new(
            Exit::Usage,
            "account_invalid",
            format!("{text:?} is not an account with its money"),
            "write --account nat1...=1000 or --account nat1...=1000@alice",
        ));
    };
    let (balance, name) = match rest.split_once('@') {
        Some((balance, name)) => (balance, Some(name.parse()?)),
        None => (rest, None),
    };
    let balance: Amount = balance.parse()?;
    Ok(GenesisAccount {
        address: address.parse()?,
        balance,
        name,
    })
}
