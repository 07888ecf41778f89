//! A home that is not one yet: `DIR.founding` beside the place `DIR`, while its network is being founded.
//!
//! ```text
//! node.key             the seed of its key, which never leaves
//! node.toml            name and listen addresses
//! bootstrap.toml       the draft, without signatures
//! founding.signature   that this node's signature may be with others: from now on the key must not be lost
//! ```
//! It becomes the home by one rename, when the signed file has come and is good. Whoever stops in between finishes
//! with anybody's signed file, as often as he likes ([`Pending::finish`]), or gives up ([`Pending::discard`]).

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use libp2p::Multiaddr;

use super::{
    Access, BOOTSTRAP, CONFIG, Config, Home, HomeError, KEY, MAX_SMALL_FILE, parse_config,
    read_key, read_text, sync_folder, whole_folder, write_new,
};
use crate::chain::hash::{hex, unhex};
use crate::chain::key::{SecretKey, Signature};
use crate::chain::name::Name;
use crate::directory::bootstrap::{Bootstrap, FoundersSignature};
use crate::node::durable;

const SIGNATURE: &str = "founding.signature";

/// A home that waits for its network.
#[derive(Debug, Clone)]
pub struct Pending {
    home: PathBuf,
    folder: PathBuf,
    name: Name,
    listen: Vec<Multiaddr>,
    secret: SecretKey,
}

impl Pending {
    /// Where the home of this place waits.
    pub fn folder_of(home: &Path) -> PathBuf {
        let mut name = home.file_name().unwrap_or_default().to_owned();
        name.push(".founding");
        home.with_file_name(name)
    }

    /// Refuses a place that is taken, or where an earlier founding has not ended.
    ///
    /// # Errors
    /// [`HomeError::NotEmpty`], [`HomeError::Unfinished`], [`HomeError::Io`].
    pub fn check_free(home: &Path) -> Result<(), HomeError> {
        let folder = Self::folder_of(home);
        if folder.exists() {
            return Err(HomeError::Unfinished { folder });
        }
        match fs::read_dir(home).map(|mut entries| entries.next().is_some()) {
            Ok(false) => Ok(()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Ok(true) => Err(taken(home)),
            Err(error) if error.kind() == ErrorKind::NotADirectory => Err(taken(home)),
            Err(error) => Err(HomeError::io("read", home, error)),
        }
    }

    /// Makes name, addresses and key durable, and the draft if there is one already.
    ///
    /// # Errors
    /// As [`Pending::check_free`].
    pub fn create(
        home: &Path,
        name: Name,
        listen: Vec<Multiaddr>,
        secret: SecretKey,
        draft: Option<&Bootstrap>,
    ) -> Result<Self, HomeError> {
        Self::check_free(home)?;
        let pending = Self {
            home: home.to_owned(),
            folder: Self::folder_of(home),
            name,
            listen,
            secret,
        };
        whole_folder(&pending.folder, |folder| {
            let config = Config {
                name: pending.name.to_string(),
                listen: pending.listen.iter().map(ToString::to_string).collect(),
            };
            let config = toml::to_string(&config).expect("texts can always be written");
            let key =
                zeroize::Zeroizing::new(format!("{}\n", hex(pending.secret.to_seed().as_slice())));
            write_new(&folder.join(KEY), key.as_bytes(), Access::OwnerOnly)?;
            write_new(&folder.join(CONFIG), config.as_bytes(), Access::Everybody)?;
            if let Some(draft) = draft {
                let path = folder.join(BOOTSTRAP);
                write_new(&path, draft.to_toml().as_bytes(), Access::Everybody)?;
            }
            sync_folder(folder)
        })?;
        Ok(pending)
    }

    /// Reads what waits for this place.
    ///
    /// # Errors
    /// [`HomeError::NothingPending`] if nothing does; as [`Home::load`].
    pub fn load(home: &Path) -> Result<Self, HomeError> {
        let folder = Self::folder_of(home);
        if !folder.join(CONFIG).is_file() {
            return Err(HomeError::NothingPending { folder });
        }
        let path = folder.join(CONFIG);
        let (name, listen) = parse_config(&path, &read_text(&path, MAX_SMALL_FILE)?)?;
        Ok(Self {
            home: home.to_owned(),
            name,
            listen,
            secret: read_key(&folder.join(KEY))?,
            folder,
        })
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The node's name.
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// Where the node will listen.
    pub fn listen(&self) -> &[Multiaddr] {
        &self.listen
    }

    /// Its key.
    pub fn secret(&self) -> &SecretKey {
        &self.secret
    }

    /// Signs a draft that has this node. The signature is durable when this returns; only then may it be given away.
    ///
    /// # Errors
    /// [`HomeError::NotInDraft`]; [`HomeError::SignedAnother`] if another draft was signed with this key before.
    pub fn sign(&self, draft: &Bootstrap) -> Result<FoundersSignature, HomeError> {
        self.check_listed(draft)?;
        let statement = draft.statement();
        let signed = FoundersSignature::new(self.name.clone(), &self.secret, &statement);
        let path = self.folder.join(SIGNATURE);
        let text = format!("{statement}\n{}\n", hex(&signed.signature.0));
        match self.signed_before()? {
            Some(before) if before == statement.to_string() => return Ok(signed),
            Some(_) => {
                let folder = self.folder.clone();
                return Err(HomeError::SignedAnother { folder });
            }
            None => {}
        }
        durable::replace(&self.folder.join(BOOTSTRAP), draft.to_toml().as_bytes())
            .and_then(|()| durable::replace(&path, text.as_bytes()))
            .map_err(|error| HomeError::io("write", &path, error))?;
        Ok(signed)
    }

    /// The statement that was signed before, if one was.
    fn signed_before(&self) -> Result<Option<String>, HomeError> {
        let path = self.folder.join(SIGNATURE);
        if !path.exists() {
            return Ok(None);
        }
        let text = read_text(&path, MAX_SMALL_FILE)?;
        Ok(Some(text.lines().next().unwrap_or_default().to_owned()))
    }

    /// Makes it the home of the network that all have signed. May be called again after a crash at any point.
    ///
    /// # Errors
    /// [`HomeError::NotSigned`], [`HomeError::NotInDraft`], [`HomeError::SignedAnother`], [`HomeError::Io`].
    pub fn finish(&self, signed: &Bootstrap) -> Result<Home, HomeError> {
        if signed.signatures().is_empty() {
            return Err(HomeError::NotSigned);
        }
        self.check_listed(signed)?;
        let statement = signed.statement().to_string();
        if self
            .signed_before()?
            .is_some_and(|before| before != statement)
        {
            let folder = self.folder.clone();
            return Err(HomeError::SignedAnother { folder });
        }
        let io = |error| HomeError::io("write", &self.folder, error);
        let file = self.folder.join(BOOTSTRAP);
        let remove = |path: &Path| match fs::remove_file(path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(io(error)),
            _ => Ok(()),
        };
        remove(&file)?;
        write_new(&file, signed.to_toml().as_bytes(), Access::Everybody)?;
        // Order: the file is durable before the mark goes, and the mark goes before the home has its name. A crash in
        // between leaves a key with its network's file, which this call takes up again.
        sync_folder(&self.folder)?;
        remove(&self.folder.join(SIGNATURE))?;
        sync_folder(&self.folder)?;
        match fs::rename(&self.folder, &self.home) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::DirectoryNotEmpty => {
                return Err(taken(&self.home));
            }
            Err(error) if error.kind() == ErrorKind::NotADirectory => {
                return Err(taken(&self.home));
            }
            Err(error) => return Err(HomeError::io("create", &self.home, error)),
        }
        sync_folder(durable::folder_of(&self.home))?;
        Home::load(&self.home)
    }

    /// Takes it away, key and all.
    ///
    /// # Errors
    /// What the system says.
    pub fn discard(self) -> Result<(), HomeError> {
        fs::remove_dir_all(&self.folder)
            .map_err(|error| HomeError::io("remove", &self.folder, error))
    }

    fn check_listed(&self, network: &Bootstrap) -> Result<(), HomeError> {
        let is_listed = network
            .node_of(&self.secret.public())
            .is_some_and(|node| node.name == self.name && node.validator);
        match is_listed {
            true => Ok(()),
            false => Err(HomeError::NotInDraft {
                name: self.name.clone(),
            }),
        }
    }
}

/// A founder's signature as it goes by file.
pub fn signature_text(signed: &FoundersSignature) -> String {
    format!("{} {}\n", signed.node, hex(&signed.signature.0))
}

/// Reads what [`signature_text`] wrote; `None` if it is something else.
pub fn parse_signature(text: &str) -> Option<FoundersSignature> {
    let (node, signature) = text.trim_end().split_once(' ')?;
    Some(FoundersSignature {
        node: node.parse().ok()?,
        signature: Signature(unhex(signature)?.try_into().ok()?),
    })
}

/// Reads a small text file, such as a card or a signature.
///
/// # Errors
/// [`HomeError::Io`], [`HomeError::TooLarge`], [`HomeError::NotText`].
pub fn read_small(path: &Path) -> Result<String, HomeError> {
    read_text(path, MAX_SMALL_FILE)
}

/// Writes a file that must not be there yet.
///
/// # Errors
/// [`HomeError::Io`].
pub fn write_once(path: &Path, text: &str) -> Result<(), HomeError> {
    write_new(path, text.as_bytes(), Access::Everybody)?;
    sync_folder(durable::folder_of(path))
}

fn taken(home: &Path) -> HomeError {
    HomeError::NotEmpty {
        folder: home.to_owned(),
    }
}
