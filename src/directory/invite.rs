//! An invite: how to find a network, which one it is, and a voucher to begin with; as one line of text.
//!
//! A line that fits a QR code cannot hold a bootstrap file. It holds the hash of the network's genesis and a few nodes with
//! their keys: any of them gives the file, and the hash says whether it is the right one. What a node gives beside the
//! genesis (where the other nodes are) is its word, and nothing more is ever believed because of it. Format:
//! `docs/protocol.md`, "Vouchers". Read next: `node/welcome.rs`, which asks.

use libp2p::{Multiaddr, PeerId};

use super::bootstrap::Bootstrap;
use super::peer;
use crate::chain::armour::{armour, unarmour};
use crate::chain::codec::{Decode, DecodeError, Encode, Reader, put_bytes};
use crate::chain::hash::Hash;
use crate::chain::key::PublicKey;

/// The version of the format.
const VERSION: u8 = 1;
/// Most nodes of an invite.
pub const MAX_NODES: usize = 4;
/// Most addresses of each.
pub const MAX_ADDRESSES: usize = 2;
/// Most bytes of an address.
const MAX_ADDRESS_BYTES: usize = 160;
/// Most bytes of a network's name.
const MAX_NETWORK_BYTES: usize = 32;
/// Bytes of a voucher's secret.
pub const SECRET_BYTES: usize = 16;
/// Bytes that an invite has at most, if it is to be a QR code that a telephone reads off a screen.
const QR_BYTES: usize = 280;

const SCHEME: &str = "natcoin:";
const NAME: &str = "invite";

/// A node that gives the network's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// Its key, which pins the handshake.
    pub key: PublicKey,
    /// Where it is dialled.
    pub addresses: Vec<Multiaddr>,
}

impl Host {
    /// The key as libp2p shows it; `None` if it is no point.
    pub fn peer_id(&self) -> Option<PeerId> {
        peer::peer_id(&self.key)
    }
}

/// An invite.
#[derive(Clone, PartialEq, Eq)]
pub struct Invite {
    /// The network: the hash of its genesis.
    pub genesis: Hash,
    /// Its name, as its protocols carry it.
    pub network: String,
    /// The secret of a voucher to begin with.
    pub secret: Option<[u8; SECRET_BYTES]>,
    /// Who gives the network's file.
    pub hosts: Vec<Host>,
}

impl std::fmt::Debug for Invite {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Invite(to {}, {} hosts)", self.network, self.hosts.len())
    }
}

/// Why a text is no invite.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InviteError {
    /// Mistyped, cut short, or something else.
    #[error("this is not a whole invite ({0}); copy it whole, it begins with natcoin:invite1")]
    Malformed(String),
}

impl Invite {
    /// An invite to a network, by as many of its nodes as fit.
    pub fn new(bootstrap: &Bootstrap, secret: Option<[u8; SECRET_BYTES]>) -> Self {
        let mut invite = Self {
            genesis: bootstrap.genesis().hash(),
            network: bootstrap.network().to_owned(),
            secret,
            hosts: Vec::new(),
        };
        for node in bootstrap.nodes() {
            let short = |address: &&Multiaddr| address.to_vec().len() <= MAX_ADDRESS_BYTES;
            let addresses = node.addresses.iter().filter(short);
            invite.hosts.push(Host {
                key: node.key,
                addresses: addresses.take(MAX_ADDRESSES).cloned().collect(),
            });
            let is_full = invite.hosts.len() > MAX_NODES || invite.to_bytes().len() > QR_BYTES;
            if is_full && invite.hosts.len() > 1 {
                invite.hosts.pop();
                break;
            }
        }
        invite
    }

    /// The line: `natcoin:invite1...`; in capitals it fits a QR code's alphanumeric mode.
    pub fn line(&self) -> String {
        let armoured = armour(NAME, &self.to_bytes()).unwrap_or_default();
        format!("{SCHEME}{armoured}")
    }

    /// Whether a text claims to be one.
    pub fn is_line(text: &str) -> bool {
        plain(text).starts_with("invite1")
    }

    /// Reads a line, in either case, with or without the scheme.
    ///
    /// # Errors
    /// [`InviteError`].
    pub fn read(text: &str) -> Result<Self, InviteError> {
        let bytes =
            unarmour(NAME, &plain(text)).map_err(|error| InviteError::Malformed(error.why()))?;
        Self::from_bytes(&bytes).map_err(|error| InviteError::Malformed(error.to_string()))
    }
}

/// The line without its scheme and without blanks.
fn plain(text: &str) -> String {
    let plain: String = text
        .chars()
        .filter(|c| !c.is_whitespace())
        .take(2048)
        .flat_map(char::to_lowercase)
        .collect();
    plain.strip_prefix(SCHEME).unwrap_or(&plain).to_owned()
}

fn byte(count: usize) -> u8 {
    u8::try_from(count).unwrap_or(u8::MAX)
}

fn count(reader: &mut Reader<'_>, limit: usize) -> Result<usize, DecodeError> {
    let count = usize::from(u8::decode(reader)?);
    match count <= limit {
        true => Ok(count),
        false => Err(DecodeError::invalid(
            "invite",
            format!("it counts {count} where {limit} are the most"),
        )),
    }
}

impl Encode for Host {
    fn encode(&self, out: &mut Vec<u8>) {
        self.key.encode(out);
        out.push(byte(self.addresses.len()));
        for address in &self.addresses {
            let bytes = address.to_vec();
            out.push(byte(bytes.len()));
            out.extend_from_slice(&bytes);
        }
    }
}

impl Decode for Host {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let key = PublicKey::decode(reader)?;
        let mut addresses = Vec::new();
        for _ in 0..count(reader, MAX_ADDRESSES)? {
            let mut bytes = vec![0; count(reader, MAX_ADDRESS_BYTES)?];
            for byte in &mut bytes {
                *byte = u8::decode(reader)?;
            }
            let address = Multiaddr::try_from(bytes);
            addresses.push(address.map_err(|error| DecodeError::invalid("invite", error))?);
        }
        Ok(Self { key, addresses })
    }
}

impl Encode for Invite {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(VERSION);
        self.genesis.encode(out);
        put_bytes(out, self.network.as_bytes());
        self.secret.is_some().encode(out);
        out.extend_from_slice(self.secret.as_ref().map_or(&[], |secret| &secret[..]));
        out.push(byte(self.hosts.len()));
        for host in &self.hosts {
            host.encode(out);
        }
    }
}

impl Decode for Invite {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let version = u8::decode(reader)?;
        if version != VERSION {
            let why = format!("it has version {version}, this program knows {VERSION}");
            return Err(DecodeError::invalid("invite", why));
        }
        let genesis = Hash::decode(reader)?;
        let network = reader.bytes("network", MAX_NETWORK_BYTES)?.to_vec();
        let network = String::from_utf8(network);
        let network = network.map_err(|error| DecodeError::invalid("invite", error))?;
        let secret = match bool::decode(reader)? {
            true => Some(reader.array()?),
            false => None,
        };
        let mut hosts = Vec::new();
        for _ in 0..count(reader, MAX_NODES)? {
            hosts.push(Host::decode(reader)?);
        }
        Ok(Self {
            genesis,
            network,
            secret,
            hosts,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn invite() -> Invite {
        Invite::new(&Bootstrap::embedded(), Some([7; SECRET_BYTES]))
    }

    #[test]
    fn an_invite_is_a_line_that_reads_back_however_it_was_copied() {
        let invite = invite();
        let line = invite.line();
        crate::chain::testing::network::assert_golden("invite.txt", &format!("{line}\n"));
        assert!(!invite.hosts.is_empty() && invite.to_bytes().len() <= QR_BYTES);
        for copied in [
            line.clone(),
            line.to_uppercase(),
            line.replacen("natcoin:", "", 1),
            format!(" {}\n{} ", &line[..90], &line[90..]),
        ] {
            assert_eq!(Invite::read(&copied).as_ref(), Ok(&invite), "{copied}");
            assert!(Invite::is_line(&copied));
        }
        let without = Invite {
            secret: None,
            ..invite
        };
        assert_eq!(Invite::read(&without.line()), Ok(without));
    }

    #[test]
    fn an_invite_names_nodes_of_the_file_with_their_keys() {
        let bootstrap = Bootstrap::embedded();
        let invite = invite();
        assert_eq!(invite.genesis, bootstrap.genesis().hash());
        for host in &invite.hosts {
            let node = bootstrap.node_of(&host.key).unwrap();
            assert_eq!(host.peer_id(), Some(node.peer_id));
            assert!(
                host.addresses
                    .iter()
                    .all(|one| node.addresses.contains(one))
            );
        }
    }

    #[test]
    fn a_slip_is_noticed() {
        let line = invite().line();
        for wrong in [
            &line[..line.len() - 1],
            "natcoin:invite1",
            "voucher1qqq",
            "",
        ] {
            assert!(Invite::read(wrong).is_err(), "{wrong}");
        }
        let bent = line.replacen("invite1q", "invite1p", 1);
        assert!(bent == line || Invite::read(&bent).is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_panic_an_invite(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            if let Ok(invite) = Invite::from_bytes(&bytes) {
                prop_assert_eq!(invite.to_bytes(), bytes);
            }
        }
    }
}
