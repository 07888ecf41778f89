//! The secret that two accounts share: X25519 between their ed25519 keys.
//!
//! An account's owner has one key and publishes one address, so what is meant for two owners alone hangs on these two:
//! the secret scalar is that of signing (RFC 8032, section 5.1.5: the first half of SHA-512 of the seed, clamped), the
//! public point is the address carried over by the birational map of RFC 7748, section 4.1, `u = (1 + y) / (1 - y)`.
//! It is what libsodium's `crypto_sign_ed25519_pk_to_curve25519` and `..._sk_to_curve25519` do. Never use the secret
//! itself as a key: `wallet/memo/seal.rs` derives keys from it, bound to what they are for.

use zeroize::{Zeroize as _, Zeroizing};

use super::{PublicKey, SecretKey};

/// What two accounts share and nobody else can work out; wiped when dropped, and never shown.
pub struct SharedSecret(Zeroizing<[u8; 32]>);

impl SharedSecret {
    /// The 32 bytes: the u-coordinate of RFC 7748.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl std::fmt::Debug for SharedSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SharedSecret")
    }
}

impl SecretKey {
    /// The secret shared with the owner of `other`; the owner of `other` gets the same with this key's public half.
    ///
    /// `None` if `other` is no point or one of small order: then the "secret" would be the same for everybody. A part
    /// of small order in another point does nothing, since a clamped scalar is a multiple of eight.
    pub fn agree(&self, other: &PublicKey) -> Option<SharedSecret> {
        if !other.is_sound() {
            return None;
        }
        let point = ed25519_dalek::VerifyingKey::from_bytes(&other.0).ok()?;
        let mut scalar = self.0.to_scalar_bytes();
        let shared = Zeroizing::new(point.to_montgomery().mul_clamped(scalar).to_bytes());
        scalar.zeroize();
        // RFC 7748, section 6.1: the all-zero value is refused. Sound points cannot give it.
        (*shared != [0; 32]).then_some(SharedSecret(shared))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::hash::{hex, unhex};
    use proptest::prelude::*;

    /// The key pair of libsodium's `test/default/ed25519_convert.c`, and what its expected output says of it.
    const SEED: &str = "421151a459faeade3d247115f94aedae42318124095afabe4d1451a559faedee";
    const CURVE_PUBLIC: &str = "f1814f0e8ff1043d8a44d25babff3cedcae6c22c3edaa48f857ae70de2baae50";
    const CURVE_SECRET: &str = "8052030376d47112be7f73ed7a019293dd12ad910b654455798b4667d73de166";

    fn key(seed: &str) -> SecretKey {
        SecretKey::from_seed(&unhex(seed).unwrap().try_into().unwrap())
    }

    #[test]
    fn the_map_to_curve25519_is_that_of_libsodium() {
        let key = key(SEED);
        let point = key.0.verifying_key().to_montgomery().to_bytes();
        assert_eq!(hex(&point), CURVE_PUBLIC);
        // Clamped as RFC 7748 says; the library clamps it in the multiplication.
        let mut scalar = key.0.to_scalar_bytes();
        scalar[0] &= 248;
        scalar[31] = (scalar[31] & 127) | 64;
        assert_eq!(hex(&scalar), CURVE_SECRET);
    }

    #[test]
    fn points_for_which_the_secret_is_everybodys_are_refused() {
        let mine = key(SEED);
        // The eight points of small order, and the other encodings of two of them.
        for point in [
            "0100000000000000000000000000000000000000000000000000000000000000",
            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "0000000000000000000000000000000000000000000000000000000000000000",
            "0000000000000000000000000000000000000000000000000000000000000080",
            "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
            "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
            "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        ] {
            let point = PublicKey(unhex(point).unwrap().try_into().unwrap());
            assert!(mine.agree(&point).is_none(), "{point}");
        }
        assert!(mine.agree(&PublicKey([2; 32])).is_none(), "no point at all");
    }

    #[test]
    fn a_shared_secret_is_never_shown() {
        let shared = key(SEED).agree(&SecretKey::from_seed(&[1; 32]).public());
        assert_eq!(format!("{shared:?}"), "Some(SharedSecret)");
    }

    proptest! {
        #[test]
        fn both_owners_get_the_same_and_no_third_one_does(seeds in any::<[[u8; 32]; 3]>()) {
            prop_assume!(seeds[0] != seeds[2] && seeds[1] != seeds[2]);
            let [one, other, third] = seeds.map(|seed| SecretKey::from_seed(&seed));
            let mine = one.agree(&other.public()).unwrap();
            let theirs = other.agree(&one.public()).unwrap();
            prop_assert_eq!(mine.as_bytes(), theirs.as_bytes());
            let eve = third.agree(&other.public()).unwrap();
            prop_assert_ne!(mine.as_bytes(), eve.as_bytes());
        }
    }
}
