//! Peer ids and public keys: an ed25519 peer id *is* its key (the identity multihash of its protobuf).
//!
//! That is what lets `bootstrap.toml` pin a node with one word: the handshake proves the peer id,
//! and a validator's votes are checked with the key inside.
//! Specification: <https://github.com/libp2p/specs/blob/master/peer-ids/peer-ids.md>.

use libp2p::PeerId;
use libp2p::identity;

use crate::chain::key::PublicKey;

/// Identity multihash of 36 bytes: protobuf of key type ed25519 (1) and 32 key bytes.
const PREFIX: [u8; 6] = [0x00, 0x24, 0x08, 0x01, 0x12, 0x20];

/// The key inside a peer id; `None` if it holds none, or not an ed25519 one.
pub fn public_key(peer: &PeerId) -> Option<PublicKey> {
    let bytes = peer.to_bytes();
    let key: [u8; 32] = bytes.strip_prefix(&PREFIX)?.try_into().ok()?;
    peer_id(&PublicKey(key)).map(|_| PublicKey(key))
}

/// The key of a peer id as people write it (`12D3KooW...`); `None` if it is none, or holds no ed25519 key.
pub fn parse(text: &str) -> Option<PublicKey> {
    public_key(&text.parse().ok()?)
}

/// The peer id of a key; `None` if its bytes are not a point of the curve.
pub fn peer_id(key: &PublicKey) -> Option<PeerId> {
    let key = identity::ed25519::PublicKey::try_from_bytes(&key.0).ok()?;
    Some(identity::PublicKey::from(key).to_peer_id())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::key::SecretKey;

    #[test]
    fn a_peer_id_and_its_key_lead_to_one_another() {
        let key = SecretKey::from_seed(&[7; 32]).public();
        let peer = peer_id(&key).unwrap();
        assert!(peer.to_string().starts_with("12D3KooW"));
        assert_eq!(public_key(&peer), Some(key));
    }

    #[test]
    fn the_chain_and_libp2p_make_the_same_key_of_a_seed() {
        let keypair = identity::Keypair::ed25519_from_bytes([7; 32]).unwrap();
        let key = SecretKey::from_seed(&[7; 32]).public();
        assert_eq!(Some(keypair.public().to_peer_id()), peer_id(&key));
    }

    #[test]
    fn a_peer_id_without_an_ed25519_key_holds_none() {
        let hashed: PeerId = "QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N"
            .parse()
            .unwrap();
        assert_eq!(public_key(&hashed), None);
    }
}
