//! Identity: peer ids, and the ed25519 keys inside them.
//!
//! An ed25519 peer id *holds* its public key, so a validator's peer id pins both its handshake and
//! its votes. There is one [`PeerId`] type in this program: this one.
//!
//! Never: write a secret anywhere. Next: `node/network/config.rs`, which takes the key pair.

use libp2p::identity::{Keypair, PublicKey, ed25519};

pub use libp2p::{Multiaddr, PeerId};

/// Multihash code of an id that holds its key in full.
const IDENTITY_HASH: u64 = 0;

/// The key pair of 32 secret bytes; the given copy is wiped.
#[must_use]
pub fn keypair(mut secret: [u8; 32]) -> Keypair {
    Keypair::ed25519_from_bytes(&mut secret).expect("any 32 bytes are an ed25519 secret")
}

/// The peer id of an ed25519 public key; nothing if the bytes are no point on the curve.
#[must_use]
pub fn peer_id(public_key: &[u8; 32]) -> Option<PeerId> {
    let key = ed25519::PublicKey::try_from_bytes(public_key).ok()?;
    Some(PublicKey::from(key).to_peer_id())
}

/// The ed25519 public key inside a peer id; nothing for ids of other kinds of keys.
#[must_use]
pub fn public_key(peer: &PeerId) -> Option<[u8; 32]> {
    let hash = peer.as_ref();
    if hash.code() != IDENTITY_HASH {
        return None;
    }
    let key = PublicKey::try_decode_protobuf(hash.digest()).ok()?;
    Some(key.try_into_ed25519().ok()?.to_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_id_holds_the_public_key_it_was_made_from() {
        let pair = keypair([7; 32]);
        let peer = pair.public().to_peer_id();
        let key = public_key(&peer).unwrap();
        assert_eq!(peer_id(&key), Some(peer));
        assert_eq!(pair.public().try_into_ed25519().unwrap().to_bytes(), key);
    }

    #[test]
    fn a_random_peer_id_holds_no_key() {
        assert_eq!(public_key(&PeerId::random()), None);
    }
}
