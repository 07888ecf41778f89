//! A node's home: the one folder that it needs.
//!
//! ```text
//! node.toml        name and listen addresses; for people to edit
//! node.key         the seed of its key, 64 hexadecimal digits, readable by its owner only
//! bootstrap.toml   its network
//! store/           what it remembers, made at the first start
//! directory/       who is where, and its own card's number, made at the first start
//! ```
//! A home appears whole or not at all, and nothing that is there is ever overwritten: a lost key
//! cannot be made again, and two nodes with one key would vote twice. It must never put the seed
//! into an error or a `Debug` text. Read next: `home/network.rs` (many homes at once), `home/pending.rs` (a home whose
//! network is being founded), `home/error.rs`.

mod development;
mod error;
mod network;
mod pending;
#[cfg(test)]
mod tests;

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use libp2p::identity::Keypair;
use libp2p::{Multiaddr, PeerId};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

pub use self::development::{development_home, next_development_home};
pub use self::error::HomeError;
pub use self::network::{
    MAX_NEW_NODES, NewNetwork, create_network, dialled_addresses, listen_address, node_addresses,
    node_name, own_host,
};
pub use self::pending::{Pending, parse_signature, read_small, signature_text, write_once};
use crate::chain::hash::{hex, unhex};
use crate::chain::key::SecretKey;
use crate::chain::name::Name;
use crate::directory::address::{MAX_ADDRESSES, parse_listenable};
use crate::directory::bootstrap::{Bootstrap, MAX_FILE_BYTES};
use crate::directory::development::check as check_exposure;
use crate::directory::peer;

/// The bootstrap file's name in a home and in a network's folder.
pub const BOOTSTRAP: &str = "bootstrap.toml";
const CONFIG: &str = "node.toml";
/// The key's file in a home.
pub(super) const KEY: &str = "node.key";
const STORE: &str = "store";

/// Most bytes read of `node.toml` and of `node.key`.
const MAX_SMALL_FILE: u64 = 64 * 1024;

/// A node's home, read and checked.
#[derive(Debug, Clone)]
pub struct Home {
    folder: PathBuf,
    name: Name,
    listen: Vec<Multiaddr>,
    secret: SecretKey,
    bootstrap: Bootstrap,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    name: String,
    listen: Vec<String>,
}

impl Home {
    /// Makes a home. The folder must not be there, or be empty.
    ///
    /// # Errors
    /// [`HomeError::NotEmpty`]; as [`Home::load`] for values that do not fit together.
    pub fn create(
        folder: &Path,
        name: Name,
        listen: Vec<Multiaddr>,
        secret: SecretKey,
        bootstrap: Bootstrap,
    ) -> Result<Self, HomeError> {
        let home = Self {
            folder: folder.to_owned(),
            name,
            listen,
            secret,
            bootstrap,
        };
        home.check()?;
        whole_folder(folder, |folder| home.write_into(folder))?;
        Ok(home)
    }

    /// Reads a home.
    ///
    /// # Errors
    /// A [`HomeError`] that names the file and the next step.
    pub fn load(folder: &Path) -> Result<Self, HomeError> {
        if !folder.join(CONFIG).is_file() {
            return Err(HomeError::NotAHome {
                folder: folder.to_owned(),
            });
        }
        let path = folder.join(CONFIG);
        let (name, listen) = parse_config(&path, &read_text(&path, MAX_SMALL_FILE)?)?;
        let home = Self {
            folder: folder.to_owned(),
            name,
            listen,
            secret: read_key(&folder.join(KEY))?,
            bootstrap: read_bootstrap(&folder.join(BOOTSTRAP))?,
        };
        home.check()?;
        Ok(home)
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where the store lives.
    pub fn store_folder(&self) -> PathBuf {
        self.folder.join(STORE)
    }

    /// Its name.
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// Where it listens.
    pub fn listen(&self) -> &[Multiaddr] {
        &self.listen
    }

    /// Its secret key: the peer's and, for a validator, the votes'.
    pub fn secret(&self) -> &SecretKey {
        &self.secret
    }

    /// The same key as libp2p wants it.
    pub fn keypair(&self) -> Keypair {
        Keypair::ed25519_from_bytes(*self.secret.to_seed()).expect("a seed of 32 bytes is a key")
    }

    /// Its peer id.
    pub fn peer_id(&self) -> PeerId {
        peer::peer_id(&self.secret.public()).expect("a public half is a point of the curve")
    }

    /// Its network.
    pub fn bootstrap(&self) -> &Bootstrap {
        &self.bootstrap
    }

    /// The home with another bootstrap file than its own (`--bootstrap`).
    ///
    /// # Errors
    /// [`HomeError::OtherNetwork`] if that file is of another network than the home's: its store would not fit.
    pub fn with_bootstrap(self, bootstrap: Bootstrap) -> Result<Self, HomeError> {
        let (own, given) = (self.bootstrap.genesis().hash(), bootstrap.genesis().hash());
        if own != given {
            return Err(HomeError::OtherNetwork {
                folder: self.folder,
                own,
                given,
            });
        }
        let home = Self { bootstrap, ..self };
        home.check()?;
        Ok(home)
    }

    fn check(&self) -> Result<(), HomeError> {
        if !(1..=MAX_ADDRESSES).contains(&self.listen.len()) {
            return Err(HomeError::Config {
                path: self.folder.join(CONFIG),
                why: format!(
                    "there are {} listen addresses: 1 to {MAX_ADDRESSES} are allowed",
                    self.listen.len()
                ),
            });
        }
        check_exposure(&self.secret.public(), &self.listen)?;
        match self.bootstrap.node_named(self.name.as_str()) {
            Some(node) if node.key != self.secret.public() => Err(HomeError::OtherKey {
                name: self.name.clone(),
                own: Box::new(self.peer_id()),
                listed: Box::new(node.peer_id),
            }),
            _ => Ok(()),
        }
    }

    fn write_into(&self, folder: &Path) -> Result<(), HomeError> {
        let config = Config {
            name: self.name.to_string(),
            listen: self.listen.iter().map(ToString::to_string).collect(),
        };
        let config = toml::to_string(&config).expect("texts can always be written");
        let key = Zeroizing::new(format!("{}\n", hex(self.secret.to_seed().as_slice())));
        write_new(&folder.join(KEY), key.as_bytes(), Access::OwnerOnly)?;
        write_new(&folder.join(CONFIG), config.as_bytes(), Access::Everybody)?;
        let bootstrap = self.bootstrap.to_toml();
        write_new(
            &folder.join(BOOTSTRAP),
            bootstrap.as_bytes(),
            Access::Everybody,
        )?;
        sync_folder(folder)
    }
}

/// Reads a bootstrap file.
///
/// # Errors
/// [`HomeError::Io`], [`HomeError::TooLarge`], [`HomeError::Bootstrap`].
pub fn read_bootstrap(path: &Path) -> Result<Bootstrap, HomeError> {
    let text = read_text(path, MAX_FILE_BYTES as u64)?;
    Bootstrap::from_toml(&text).map_err(|error| HomeError::Bootstrap {
        path: path.to_owned(),
        error: Box::new(error),
    })
}

/// Name and listen addresses of a `node.toml`.
fn parse_config(path: &Path, text: &str) -> Result<(Name, Vec<Multiaddr>), HomeError> {
    let malformed = |why: String| HomeError::Config {
        path: path.to_owned(),
        why,
    };
    let config: Config =
        toml::from_str(text).map_err(|error| malformed(error.message().to_owned()))?;
    let name = config.name.parse().map_err(|e| malformed(format!("{e}")))?;
    let listen = config.listen.iter().map(|text| parse_listenable(text));
    let listen = listen
        .collect::<Result<_, _>>()
        .map_err(|e| malformed(e.to_string()))?;
    Ok((name, listen))
}

fn read_key(path: &Path) -> Result<SecretKey, HomeError> {
    let text = Zeroizing::new(read_text(path, MAX_SMALL_FILE)?);
    let bytes = Zeroizing::new(unhex(text.trim_end()).unwrap_or_default());
    let seed: &[u8; 32] = bytes.as_slice().try_into().map_err(|_| HomeError::Key {
        path: path.to_owned(),
    })?;
    Ok(SecretKey::from_seed(seed))
}

fn read_text(path: &Path, max: u64) -> Result<String, HomeError> {
    let mut bytes = Zeroizing::new(Vec::new());
    fs::File::open(path)
        .and_then(|file| file.take(max + 1).read_to_end(&mut bytes))
        .map_err(|error| HomeError::io("read", path, error))?;
    if bytes.len() as u64 > max {
        return Err(HomeError::TooLarge {
            path: path.to_owned(),
            max,
        });
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| HomeError::NotText {
        path: path.to_owned(),
    })?;
    Ok(text.to_owned())
}

#[derive(Clone, Copy)]
enum Access {
    Everybody,
    OwnerOnly,
}

fn write_new(path: &Path, bytes: &[u8], access: Access) -> Result<(), HomeError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if let Access::OwnerOnly = access {
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    #[cfg(not(unix))]
    let _ = access;
    let write = || {
        let mut file = options.open(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(|error| HomeError::io("write", path, error))
}

/// Makes a folder whole or not at all: filled beside its place under a passing name, then renamed.
fn whole_folder(
    folder: &Path,
    fill: impl FnOnce(&Path) -> Result<(), HomeError>,
) -> Result<(), HomeError> {
    let io = |error| HomeError::io("create", folder, error);
    let not_empty = || HomeError::NotEmpty {
        folder: folder.to_owned(),
    };
    match fs::read_dir(folder).map(|mut entries| entries.next().is_some()) {
        Ok(true) => return Err(not_empty()),
        Ok(false) => fs::remove_dir(folder).map_err(io)?,
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) if error.kind() == ErrorKind::NotADirectory => return Err(not_empty()),
        Err(error) => return Err(io(error)),
    }
    let parent = folder
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    let parent = parent.unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(io)?;
    let passing = tempfile::Builder::new()
        .prefix(".new-")
        .tempdir_in(parent)
        .map_err(io)?;
    fill(passing.path())?;
    // Order: contents first, then the name in one step. Swapped, a crash would leave half a home that
    // looks whole. If somebody filled the place meanwhile, the rename fails and theirs stays.
    match fs::rename(passing.path(), folder) {
        Ok(()) => {
            let _now_elsewhere = passing.keep();
            sync_folder(parent)
        }
        Err(error) if error.kind() == ErrorKind::DirectoryNotEmpty => Err(not_empty()),
        Err(error) => Err(io(error)),
    }
}

/// Puts a folder's names on the disk. On Windows, which has no such call, the file system journals renames.
fn sync_folder(folder: &Path) -> Result<(), HomeError> {
    if cfg!(windows) {
        return Ok(());
    }
    fs::File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|error| HomeError::io("sync", folder, error))
}
