//! Sealing for two accounts: keys from their shared secret, ChaCha20-Poly1305, lengths in steps.
//!
//! HKDF-SHA-256 (RFC 5869) makes two keys for one purpose, network, direction and place; one encrypts, the other makes
//! the cipher's nonce out of what is sealed. A nonce that is made so (a synthetic one, as in RFC 5297 and RFC 8452) can
//! repeat only with the very same text: the place of a transaction, its nonce, is *not* used once by a wallet. A payment
//! that nodes refused gives its nonce to the next one, and a wallet restored from its words knows nothing of the first.
//! Nothing here draws a random number, so what is sealed is a function of what it says. Why: `docs/decisions/private-memos.md`.

use chacha20poly1305::aead::{Aead, KeyInit as _, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Key, Nonce};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::{LENGTHS, MARK, Place};
use crate::chain::codec::Encode;
use crate::chain::key::SharedSecret;
use crate::chain::transaction::{MAX_MEMO_BYTES, Memo};

/// HKDF's salt: what all of this is for.
const SALT: &[u8] = b"natcoin/private/1";
const NONCE_BYTES: usize = 12;
const TAG_BYTES: usize = 16;
/// What a sealed form has beside the padded text: the mark, the cipher's nonce, its tag.
const OVERHEAD_BYTES: usize = 1 + NONCE_BYTES + TAG_BYTES;
/// Most bytes that can be sealed.
pub(super) const MAX_PLAIN_BYTES: usize = MAX_MEMO_BYTES - OVERHEAD_BYTES;

struct Keys {
    cipher: Zeroizing<[u8; 32]>,
    nonce: Zeroizing<[u8; 32]>,
}

impl Place {
    fn keys(&self, shared: &SharedSecret) -> Keys {
        let mut info = vec![u8::try_from(self.purpose.len()).unwrap_or(u8::MAX)];
        info.extend_from_slice(self.purpose.as_bytes());
        self.network.encode(&mut info);
        self.from.encode(&mut info);
        self.to.encode(&mut info);
        let [cipher, nonce] = hkdf(SALT, shared.as_bytes(), &info);
        Keys { cipher, nonce }
    }
}

/// Seals `plain`, at most [`MAX_PLAIN_BYTES`], with zeros behind it up to the next of [`LENGTHS`].
pub(super) fn seal(shared: &SharedSecret, place: &Place, plain: &[u8]) -> Memo {
    let length = LENGTHS
        .into_iter()
        .find(|length| length - OVERHEAD_BYTES >= plain.len())
        .expect("callers refuse what is too long");
    let mut padded = Zeroizing::new(plain.to_vec());
    padded.resize(length - OVERHEAD_BYTES, 0);
    let keys = place.keys(shared);
    let nonce = synthetic_nonce(&keys, &place.stands_in, &padded);
    let payload = Payload {
        msg: &padded,
        aad: &place.stands_in,
    };
    let sealed = ChaCha20Poly1305::new(&Key::from(*keys.cipher))
        .encrypt(&Nonce::from(nonce), payload)
        .expect("a few hundred bytes are within the cipher's limit");
    let mut bytes = vec![MARK];
    bytes.extend_from_slice(&nonce);
    bytes.extend_from_slice(&sealed);
    Memo::new(bytes).expect("the greatest length is that of a memo")
}

/// What was sealed, with its zeros; `None` if it was sealed in another place, by others, or changed.
pub(super) fn open(
    shared: &SharedSecret,
    place: &Place,
    sealed: &Memo,
) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, sealed) = sealed
        .as_bytes()
        .get(1..)?
        .split_first_chunk::<NONCE_BYTES>()?;
    let keys = place.keys(shared);
    let payload = Payload {
        msg: sealed,
        aad: &place.stands_in,
    };
    let padded = ChaCha20Poly1305::new(&Key::from(*keys.cipher))
        .decrypt(&Nonce::from(*nonce), payload)
        .map(Zeroizing::new)
        .ok()?;
    // One form of each text: a nonce that was chosen otherwise is not ours, nor of a program that keeps the rule.
    (synthetic_nonce(&keys, &place.stands_in, &padded) == *nonce).then_some(padded)
}

fn synthetic_nonce(keys: &Keys, stands_in: &[u8], padded: &[u8]) -> [u8; NONCE_BYTES] {
    let length = u64::try_from(stands_in.len()).unwrap_or(u64::MAX);
    let whole = hmac(
        keys.nonce.as_slice(),
        &[&length.to_le_bytes(), stands_in, padded],
    );
    let (nonce, _) = whole
        .split_first_chunk()
        .expect("SHA-256 has more bytes than the nonce");
    *nonce
}

/// The first two blocks of HKDF-SHA-256 (RFC 5869).
fn hkdf(salt: &[u8], secret: &[u8], info: &[u8]) -> [Zeroizing<[u8; 32]>; 2] {
    let extracted = hmac(salt, &[secret]);
    let first = hmac(extracted.as_slice(), &[info, &[1]]);
    let second = hmac(extracted.as_slice(), &[first.as_slice(), info, &[2]]);
    [first, second]
}

fn hmac(key: &[u8], parts: &[&[u8]]) -> Zeroizing<[u8; 32]> {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length (RFC 2104)");
    for part in parts {
        mac.update(part);
    }
    Zeroizing::new(mac.finalize().into_bytes().into())
}

const _: () = assert!(LENGTHS[LENGTHS.len() - 1] == MAX_MEMO_BYTES);
const _: () = assert!(LENGTHS[0] > OVERHEAD_BYTES);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::hash::{hex, unhex};

    #[test]
    fn keys_are_derived_as_rfc_5869_says() {
        // Appendix A.1: 42 bytes are the first block and a part of the second.
        let salt = unhex("000102030405060708090a0b0c").unwrap();
        let info = unhex("f0f1f2f3f4f5f6f7f8f9").unwrap();
        let [first, second] = hkdf(&salt, &[0x0b; 22], &info);
        assert_eq!(
            hex(&first[..]) + &hex(&second[..10]),
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"
        );
    }
}
