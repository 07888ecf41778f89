//! From the twelve words to the signing key, by public standards only.
//!
//! words --BIP-39, empty passphrase--> 64-byte seed --SLIP-0010, ed25519--> `m/44'/5128532'/0'` -> 32 secret bytes.
//! 44' is BIP-44's purpose, 5128532' is our coin type (the letters "NAT", `0x4e4154`; not registered in SLIP-0044),
//! 0' the first account. Every step is hardened, as SLIP-0010 demands for ed25519. The path is frozen by a golden file:
//! changing it would make every written-down phrase open another account. This file must never log or return a seed.
//! Read next: `../vault.rs`.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha512;
use zeroize::Zeroizing;

/// The derivation path in SLIP-0010 steps, without the hardening bit: `m/44'/5128532'/0'`.
pub const PATH: [u32; 3] = [44, 0x4e_41_54, 0];

const HARDENED: u32 = 1 << 31;

/// The signing key of `seed` at `path`, each step hardened (SLIP-0010, curve "ed25519 seed").
pub(super) fn slip10_ed25519(seed: &[u8], path: &[u32]) -> Zeroizing<[u8; 32]> {
    let mut node = hmac_sha512(b"ed25519 seed", &[seed]);
    for step in path {
        let index = (step | HARDENED).to_be_bytes();
        node = hmac_sha512(&node[32..], &[&[0], &node[..32], &index]);
    }
    let mut secret = Zeroizing::new([0u8; 32]);
    secret.copy_from_slice(&node[..32]);
    secret
}

fn hmac_sha512(key: &[u8], parts: &[&[u8]]) -> Zeroizing<[u8; 64]> {
    let mut mac =
        Hmac::<Sha512>::new_from_slice(key).expect("HMAC takes a key of any length (RFC 2104)");
    for part in parts {
        mac.update(part);
    }
    let mut out = Zeroizing::new([0u8; 64]);
    out.copy_from_slice(&mac.finalize().into_bytes());
    out
}
