//! A whole network on this machine: real nodes, each with its own swarm, store and key, and funded wallets.
//!
//! ```text
//! DIR/network/            bootstrap.toml and a home for each node
//! DIR/wallets/<name>/     the wallets' profiles
//! DIR/password            the password of all of them
//! ```
//! A folder that holds a devnet already is started again as it is. It is for trying and testing: the
//! wallets' password lies beside them, so everything stays on loopback addresses.

use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use libp2p::multiaddr::Protocol;
use rand::RngExt as _;

use crate::chain::amount::Amount;
use crate::chain::genesis::{GenesisAccount, Rules};
use crate::chain::key::{Address, SecretKey};
use crate::chain::name::Name;
use crate::consensus::Timing;
use crate::directory::bootstrap::{Beginning, Bootstrap};
use crate::node::clock;
use crate::node::home::{BOOTSTRAP, Home, HomeError, NewNetwork, create_network, read_bootstrap};
use crate::node::network::NetworkError;
use crate::node::profile::{DataDir, ProfileError, ProfileName};
use crate::node::runner::{self, NodeConfig, NodeError, NodeHandle};
use crate::wallet::vault::{KdfParams, Password, SealingRandom, Vault, VaultError};

/// Most nodes of a devnet: each takes a few threads and some 30 MB.
pub const MAX_NODES: usize = 16;
/// Most wallets of a devnet.
pub const MAX_WALLETS: usize = 64;
/// What each wallet has, in NAT.
const ENDOWMENT_NAT: u64 = 1000;
/// The password of the wallets. It protects nothing, and says so.
const PASSWORD: &str = "devnet-password";
/// Where free ports are looked for: below the range that systems give to outgoing connections.
const PORTS: std::ops::Range<u16> = 20_000..32_000;
/// Tries to find free ports; between looking and listening another program may take one.
const PORT_TRIES: usize = 20;

const WALLET_NAMES: [&str; 12] = [
    "alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan", "judy", "mallory",
    "niaj",
];

/// What a devnet is to be.
#[derive(Debug, Clone)]
pub struct DevnetConfig {
    /// Its folder.
    pub folder: PathBuf,
    /// Nodes, 1 to [`MAX_NODES`]; all of them validators.
    pub nodes: usize,
    /// Wallets, up to [`MAX_WALLETS`].
    pub wallets: usize,
}

/// Why a devnet does not start.
#[derive(Debug, thiserror::Error)]
pub enum DevnetError {
    /// Too few or too many.
    #[error("{count} {what} are asked for: {low} to {high} are possible")]
    Count {
        /// Of what.
        what: &'static str,
        /// How many.
        count: usize,
        /// At least.
        low: usize,
        /// At most.
        high: usize,
    },
    /// No free ports.
    #[error(
        "no {0} free ports in a row were found from 20000 to 31999: end other programs and try again"
    )]
    NoPorts(usize),
    /// A home.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// A wallet's folder.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// A wallet's keystore.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// A node.
    #[error(transparent)]
    Node(#[from] NodeError),
    /// The folder holds something else.
    #[error("{0} is not empty and holds no devnet: nothing was changed; choose another folder")]
    NotADevnet(PathBuf),
    /// The password file.
    #[error("cannot write {path}: {error}; choose another folder")]
    Password {
        /// The file.
        path: PathBuf,
        /// The system's words.
        error: std::io::Error,
    },
}

/// A wallet of a devnet.
#[derive(Debug, Clone)]
pub struct DevnetWallet {
    /// Its profile, named as its account.
    pub profile: ProfileName,
    /// Its address.
    pub address: Address,
    /// Its name on the chain.
    pub name: Name,
}

/// A running devnet.
pub struct Devnet {
    /// Its network.
    pub bootstrap: Arc<Bootstrap>,
    /// The bootstrap file.
    pub bootstrap_path: PathBuf,
    /// The wallets' data folder.
    pub data_dir: PathBuf,
    /// The wallets' password file.
    pub password_file: PathBuf,
    /// Its nodes, by name.
    pub nodes: Vec<(Name, NodeHandle)>,
    /// Its wallets.
    pub wallets: Vec<DevnetWallet>,
}

/// Starts a devnet, and waits until payments can be made.
///
/// # Errors
/// A [`DevnetError`]; what was started is then ended again.
pub async fn start(config: &DevnetConfig) -> Result<Devnet, DevnetError> {
    check_count("nodes", config.nodes, 1, MAX_NODES)?;
    check_count("wallets", config.wallets, 0, MAX_WALLETS)?;
    let network = config.folder.join("network");
    if network.join(BOOTSTRAP).is_file() {
        return run(&config.folder, load_homes(&network)?).await;
    }
    check_folder(&config.folder)?;
    let wallets = make_wallets(config)?;
    for _ in 0..PORT_TRIES {
        let first_port = free_ports(config.nodes)?;
        let homes = create_network(&network, &new_network(config, &wallets, first_port))?;
        match run(&config.folder, homes).await {
            Err(DevnetError::Node(NodeError::Network(NetworkError::AddressInUse { .. }))) => {
                // Nothing has happened on this network yet: make another on other ports.
                std::fs::remove_dir_all(&network).map_err(|error| DevnetError::Password {
                    path: network.clone(),
                    error,
                })?;
            }
            result => return result,
        }
    }
    Err(DevnetError::NoPorts(config.nodes))
}

impl Devnet {
    /// Ends all nodes cleanly, side by side.
    ///
    /// # Errors
    /// The first that failed; the others are ended nevertheless.
    pub async fn stop(self) -> Result<(), NodeError> {
        let stops = self.nodes.into_iter().map(|(_, node)| node.stop());
        let results = futures::future::join_all(stops).await;
        results.into_iter().collect()
    }

    /// Waits until one of the nodes has ended by itself.
    ///
    /// # Errors
    /// Why it did.
    pub async fn ended(&mut self) -> Result<(), NodeError> {
        let ends = self
            .nodes
            .iter_mut()
            .map(|(_, node)| Box::pin(node.ended()));
        let (result, _, _) = futures::future::select_all(ends).await;
        result
    }
}

fn check_count(
    what: &'static str,
    count: usize,
    low: usize,
    high: usize,
) -> Result<(), DevnetError> {
    match (low..=high).contains(&count) {
        true => Ok(()),
        false => Err(DevnetError::Count {
            what,
            count,
            low,
            high,
        }),
    }
}

/// Whether a devnet may be made here: in a new or empty folder, or where one was being made and was cut short.
fn check_folder(folder: &Path) -> Result<(), DevnetError> {
    let is_ours = std::fs::read_to_string(folder.join("password"))
        .is_ok_and(|password| password.trim_end() == PASSWORD);
    let is_empty = match std::fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) => error.kind() == std::io::ErrorKind::NotFound,
    };
    match is_ours || is_empty {
        true => Ok(()),
        false => Err(DevnetError::NotADevnet(folder.to_owned())),
    }
}

/// The name of a devnet's wallet, counted from 0.
pub fn wallet_name(index: usize) -> String {
    WALLET_NAMES.get(index).map_or_else(
        || format!("wallet-{}", index + 1),
        |name| (*name).to_owned(),
    )
}

fn make_wallets(config: &DevnetConfig) -> Result<Vec<DevnetWallet>, DevnetError> {
    let password_file = config.folder.join("password");
    let cannot = |error| DevnetError::Password {
        path: password_file.clone(),
        error,
    };
    std::fs::create_dir_all(&config.folder).map_err(cannot)?;
    std::fs::write(&password_file, format!("{PASSWORD}\n")).map_err(cannot)?;
    let password = Password::typed(PASSWORD)?;
    let data = DataDir::new(&config.folder);
    let mut random = rand::rng();
    let mut wallets = Vec::with_capacity(config.wallets);
    for index in 0..config.wallets {
        let profile: ProfileName = wallet_name(index).parse()?;
        let vault = match data.has(&profile) {
            true => Vault::open(&data.read_keystore(&profile)?, &password)?,
            false => {
                let vault = Vault::generate(&mut random);
                let sealing = SealingRandom::draw(&mut random);
                let sealed = vault.seal(&password, KdfParams::LIGHT, &sealing)?;
                data.create(&profile, &sealed)?;
                vault
            }
        };
        wallets.push(wallet_of(profile, vault.address()));
    }
    Ok(wallets)
}

fn wallet_of(profile: ProfileName, address: Address) -> DevnetWallet {
    let name = profile
        .as_str()
        .parse()
        .expect("devnet profiles are named by names");
    DevnetWallet {
        profile,
        address,
        name,
    }
}

fn new_network(config: &DevnetConfig, wallets: &[DevnetWallet], first_port: u16) -> NewNetwork {
    let mut random = rand::rng();
    let accounts = wallets.iter().map(|wallet| GenesisAccount {
        address: wallet.address,
        balance: Amount::from_nat(ENDOWMENT_NAT).unwrap_or(Amount::MAX),
        name: Some(wallet.name.clone()),
    });
    NewNetwork {
        beginning: Beginning {
            network: format!("devnet-{:08x}", random.random::<u32>()),
            // The file writes whole seconds.
            time_ms: clock::unix_ms() / 1000 * 1000,
            rules: Rules::default(),
            accounts: accounts.collect(),
        },
        hosts: vec![Protocol::Ip4(Ipv4Addr::LOCALHOST).into()],
        first_port,
        keys: (0..config.nodes)
            .map(|_| SecretKey::from_seed(&random.random()))
            .collect(),
    }
}

fn load_homes(network: &Path) -> Result<Vec<Home>, DevnetError> {
    let bootstrap = read_bootstrap(&network.join(BOOTSTRAP))?;
    let homes = bootstrap
        .nodes()
        .iter()
        .map(|node| Home::load(&network.join(node.name.as_str())));
    Ok(homes.collect::<Result<_, _>>()?)
}

/// The first of so many ports in a row that are free for UDP and TCP on the loopback address.
pub(super) fn free_ports(count: usize) -> Result<u16, DevnetError> {
    let width = u16::try_from(count).map_err(|_| DevnetError::NoPorts(count))?;
    let mut random = rand::rng();
    let is_free = |port: u16| {
        TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
            && UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
    };
    (0..200)
        .map(|_| random.random_range(PORTS.start..PORTS.end - width))
        .find(|first| (*first..*first + width).all(is_free))
        .ok_or(DevnetError::NoPorts(count))
}

async fn run(folder: &Path, homes: Vec<Home>) -> Result<Devnet, DevnetError> {
    let network = folder.join("network");
    let bootstrap = match homes.first() {
        Some(home) => Arc::new(home.bootstrap().clone()),
        None => Arc::new(read_bootstrap(&network.join(BOOTSTRAP))?),
    };
    let data = DataDir::new(folder);
    let mut wallets = Vec::new();
    for account in &bootstrap.genesis().accounts {
        if let Some(name) = &account.name {
            let profile: ProfileName = name.as_str().parse()?;
            wallets.push(wallet_of(profile, account.address));
        }
    }
    let order = |wallet: &DevnetWallet| {
        let place = (0..MAX_WALLETS).find(|index| wallet_name(*index) == wallet.profile.as_str());
        place.unwrap_or(MAX_WALLETS)
    };
    wallets.sort_by_key(order);
    let starts = homes.iter().map(|home| {
        runner::start(NodeConfig {
            folder: home.folder().to_owned(),
            key: home.secret().clone(),
            bootstrap: bootstrap.clone(),
            listen: home.listen().to_vec(),
            timing: Timing::default(),
        })
    });
    let mut nodes = Vec::new();
    let mut failure = None;
    for (home, started) in homes.iter().zip(futures::future::join_all(starts).await) {
        match started {
            Ok(node) => nodes.push((home.name().clone(), node)),
            Err(error) => failure = failure.or(Some(error)),
        }
    }
    let devnet = Devnet {
        bootstrap,
        bootstrap_path: network.join(BOOTSTRAP),
        data_dir: data.path().to_owned(),
        password_file: folder.join("password"),
        nodes,
        wallets,
    };
    if let Some(error) = failure {
        // What stops badly here is less of a story than why it did not start.
        let _ = devnet.stop().await;
        return Err(error.into());
    }
    for (_, node) in &devnet.nodes {
        let mut condition = node.condition();
        let is_whole = |now: &crate::replica::Condition| now.validators_up == now.validators;
        // A node that ends now is found by whoever watches the devnet.
        let _ = condition.wait_for(is_whole).await;
    }
    Ok(devnet)
}
