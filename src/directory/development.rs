//! The well-known development keys behind the embedded `bootstrap.toml`.
//!
//! Everybody can compute them, so they guard nothing: they are refused on every address that leads
//! out of this machine ([`check`]).

use libp2p::Multiaddr;

use super::address::is_loopback;
use crate::chain::hash::Hash;
use crate::chain::key::{PublicKey, SecretKey};

/// The nodes of the local network, in the order in which `natcoin node` takes them.
pub const NODES: [&str; 4] = ["mangart", "triglav", "jalovec", "razor"];

/// The wallets of the local network; each has 1,000 NAT and its name.
pub const WALLETS: [&str; 3] = ["alice", "bob", "carol"];

/// A development key where strangers could reach it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{address} can be reached from other machines, but the key is a development key that everybody knows; make your own network with `natcoin network new`, or stay on 127.0.0.1"
)]
pub struct DevelopmentKeyExposed {
    /// The address.
    pub address: Multiaddr,
}

/// The key of a development node.
pub fn node_key(name: &str) -> SecretKey {
    SecretKey::from_seed(Hash::of("natcoin/development-node/1", &[name.as_bytes()]).as_bytes())
}

/// The 128 bits behind the twelve words of a development wallet.
pub fn wallet_entropy(name: &str) -> [u8; 16] {
    let hash = Hash::of("natcoin/development-wallet/1", &[name.as_bytes()]);
    let mut entropy = [0; 16];
    entropy.copy_from_slice(&hash.as_bytes()[..16]);
    entropy
}

/// Whether a key is one of the development nodes'.
pub fn is_development_key(key: &PublicKey) -> bool {
    NODES.iter().any(|name| node_key(name).public() == *key)
}

/// Refuses a development key on an address that is not this machine's own.
///
/// # Errors
/// [`DevelopmentKeyExposed`] with the first such address.
pub fn check(key: &PublicKey, addresses: &[Multiaddr]) -> Result<(), DevelopmentKeyExposed> {
    match addresses.iter().find(|address| !is_loopback(address)) {
        Some(address) if is_development_key(key) => Err(DevelopmentKeyExposed {
            address: address.clone(),
        }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn development_keys_stay_on_this_machine_and_others_may_go_out() {
        let (inside, outside) = (
            ["/ip4/127.0.0.1/tcp/1".parse().unwrap()],
            ["/ip4/0.0.0.0/tcp/1".parse::<Multiaddr>().unwrap()],
        );
        let development = node_key("mangart").public();
        let own = SecretKey::from_seed(&[9; 32]).public();
        assert_eq!(check(&development, &inside), Ok(()));
        assert_eq!(check(&own, &outside), Ok(()));
        assert_eq!(
            check(&development, &outside).unwrap_err().address,
            outside[0]
        );
    }
}
