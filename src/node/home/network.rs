//! Many homes at once: a new network's folder, `NET/bootstrap.toml` and `NET/<name>/` for each node.

use std::collections::BTreeMap;
use std::path::Path;

use libp2p::Multiaddr;
use libp2p::multiaddr::Protocol;

use super::{Access, BOOTSTRAP, Home, HomeError, sync_folder, whole_folder, write_new};
use crate::chain::key::SecretKey;
use crate::chain::name::Name;
use crate::directory::bootstrap::{Beginning, Bootstrap, BootstrapError, Node};

/// Most nodes that `network new` makes.
pub const MAX_NEW_NODES: usize = 128;

/// Mountains of the Julian, Kamnik and Karawank Alps and beyond; the first four as ever.
const NAMES: [&str; 31] = [
    "mangart",
    "triglav",
    "jalovec",
    "razor",
    "skrlatica",
    "stol",
    "grintovec",
    "krn",
    "kanin",
    "prisojnik",
    "spik",
    "vogel",
    "ojstrica",
    "planjava",
    "skuta",
    "kocna",
    "storzic",
    "peca",
    "raduha",
    "begunjscica",
    "krnes",
    "rodica",
    "bavski",
    "rombon",
    "vrtaca",
    "kepa",
    "golica",
    "nanos",
    "sneznik",
    "blegos",
    "porezen",
];

/// The name of a new network's node, counted from 0: mangart, triglav, jalovec, razor, ... node-32, ...
pub fn node_name(index: usize) -> Name {
    let number = index.saturating_add(1);
    let text = NAMES
        .get(index)
        .map_or_else(|| format!("node-{number}"), |&name| name.to_owned());
    text.parse().expect("mountains and numbers are names")
}

/// What a new network is to be.
#[derive(Debug, Clone)]
pub struct NewNetwork {
    /// Its name, time, rules and first accounts.
    pub beginning: Beginning,
    /// The hosts (`/ip4/...`, `/ip6/...`, `/dns/...`) on which the nodes stand, in turn; at least one.
    pub hosts: Vec<Multiaddr>,
    /// The port of the first node on each host; each further node there takes the next.
    pub first_port: u16,
    /// The nodes' keys, in order; each is a validator.
    pub keys: Vec<SecretKey>,
}

impl NewNetwork {
    /// The bootstrap file.
    ///
    /// # Errors
    /// [`HomeError::NodeCount`]; [`HomeError::Config`] if the ports run out; [`HomeError::Bootstrap`].
    pub fn bootstrap(&self, folder: &Path) -> Result<Bootstrap, HomeError> {
        if !(1..=MAX_NEW_NODES).contains(&self.keys.len()) {
            return Err(HomeError::NodeCount(self.keys.len()));
        }
        let path = || folder.join(BOOTSTRAP);
        let mut used: BTreeMap<String, u16> = BTreeMap::new();
        let mut nodes = Vec::new();
        for (index, key) in self.keys.iter().enumerate() {
            let host = &self.hosts[index % self.hosts.len().max(1)];
            let used = used.entry(host.to_string()).or_default();
            let port = self
                .first_port
                .checked_add(*used)
                .ok_or_else(|| HomeError::Config {
                    path: path(),
                    why: format!(
                        "there are not enough ports after {}; begin lower",
                        self.first_port
                    ),
                })?;
            *used += 1;
            let node = Node::new(node_name(index), key.public(), node_addresses(host, port));
            nodes.push(node.expect("a public half is a point of the curve"));
        }
        Bootstrap::new(self.beginning.clone(), nodes).map_err(|error| refused(&path(), error))
    }
}

/// Writes a new network's folder, whole or not at all, and gives its homes in order.
///
/// Each node listens on its own ports on every interface, or on loopback if that is where it is dialled.
///
/// # Errors
/// [`HomeError::NotEmpty`] if something is there already; as [`NewNetwork::bootstrap`].
pub fn create_network(folder: &Path, network: &NewNetwork) -> Result<Vec<Home>, HomeError> {
    let bootstrap = network.bootstrap(folder)?;
    let homes = network
        .keys
        .iter()
        .zip(bootstrap.nodes())
        .map(|(key, node)| Home {
            folder: folder.join(node.name.as_str()),
            name: node.name.clone(),
            listen: node.addresses.iter().map(listen_address).collect(),
            secret: key.clone(),
            bootstrap: bootstrap.clone(),
        });
    let homes: Vec<Home> = homes.collect();
    for home in &homes {
        home.check()?;
    }
    whole_folder(folder, |folder| {
        for home in &homes {
            let home_folder = folder.join(home.name.as_str());
            std::fs::create_dir(&home_folder)
                .map_err(|error| HomeError::io("create", &home_folder, error))?;
            home.write_into(&home_folder)?;
        }
        write_new(
            &folder.join(BOOTSTRAP),
            bootstrap.to_toml().as_bytes(),
            Access::Everybody,
        )?;
        sync_folder(folder)
    })?;
    Ok(homes)
}

fn refused(path: &Path, error: BootstrapError) -> HomeError {
    HomeError::Bootstrap {
        path: path.to_owned(),
        error: Box::new(error),
    }
}

/// Where a node on this host is dialled: QUIC and TCP on one port.
pub fn node_addresses(host: &Multiaddr, port: u16) -> Vec<Multiaddr> {
    let at = || host.clone();
    vec![
        at().with(Protocol::Udp(port)).with(Protocol::QuicV1),
        at().with(Protocol::Tcp(port)),
    ]
}

/// Where a node on these hosts is dialled.
pub fn dialled_addresses(hosts: &[Multiaddr], port: u16) -> Vec<Multiaddr> {
    hosts
        .iter()
        .flat_map(|host| node_addresses(host, port))
        .collect()
}

/// This machine's own number on the network by which it reaches others; loopback if it has none.
pub fn own_host() -> Multiaddr {
    // Nothing is sent: connecting a UDP socket only asks the system which way it would go.
    let number = std::net::UdpSocket::bind((std::net::Ipv4Addr::UNSPECIFIED, 0))
        .and_then(|socket| {
            socket.connect((std::net::Ipv4Addr::new(192, 0, 2, 1), 9))?;
            socket.local_addr()
        })
        .map(|address| address.ip());
    match number {
        Ok(std::net::IpAddr::V4(number)) if !number.is_unspecified() => {
            Multiaddr::empty().with(Protocol::Ip4(number))
        }
        _ => Multiaddr::empty().with(Protocol::Ip4(std::net::Ipv4Addr::LOCALHOST)),
    }
}

/// Where a node listens that is dialled there: a machine often cannot bind the address that the world dials (a router
/// stands between), so it listens everywhere.
pub fn listen_address(dialled: &Multiaddr) -> Multiaddr {
    let every = match dialled.iter().next() {
        _ if crate::directory::address::is_loopback(dialled) => return loopback_number(dialled),
        Some(Protocol::Ip6(_)) => Protocol::Ip6(std::net::Ipv6Addr::UNSPECIFIED),
        _ => Protocol::Ip4(std::net::Ipv4Addr::UNSPECIFIED),
    };
    std::iter::once(every)
        .chain(dialled.iter().skip(1))
        .collect()
}

fn loopback_number(address: &Multiaddr) -> Multiaddr {
    match address.iter().next() {
        Some(Protocol::Dns(_) | Protocol::Dns4(_)) => {
            let number = Protocol::Ip4(std::net::Ipv4Addr::LOCALHOST);
            std::iter::once(number)
                .chain(address.iter().skip(1))
                .collect()
        }
        Some(Protocol::Dns6(_)) => {
            let number = Protocol::Ip6(std::net::Ipv6Addr::LOCALHOST);
            std::iter::once(number)
                .chain(address.iter().skip(1))
                .collect()
        }
        _ => address.clone(),
    }
}
