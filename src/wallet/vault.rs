//! The vault: a wallet's secret, encrypted under a password, and the twelve words behind it.
//!
//! Bytes in, bytes out: this room reads no file, asks for no password and draws no random number; all of that comes in
//! as arguments. It must never put a secret into an error, a `Debug` text or unwiped memory of its own. The keystore
//! holds the 128 bits of entropy, not the key, so that the words can be shown again. The encryption is
//! XChaCha20-Poly1305 under an Argon2id key, and everything else in the file is authenticated with it.
//! Read next: `vault/file.rs` (the format), `vault/derive.rs` (words to key), `node/profile.rs` (where the bytes live).

mod derive;
mod error;
mod file;
mod kdf;
mod password;
mod words;

#[cfg(test)]
mod tests;

pub use derive::PATH as DERIVATION_PATH;
pub use error::VaultError;
pub use file::{MAX_FILE_BYTES, NONCE_BYTES, VERSION};
pub use kdf::{KdfParams, SALT_BYTES};
pub use password::{MAX_PASSWORD_BYTES, MIN_PASSWORD_CHARS, Password};
pub use words::{ENTROPY_BYTES, RecoveryWords, WORD_COUNT, word};

use crate::chain::key::{Address, SecretKey};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use file::KeystoreFile;
use zeroize::Zeroizing;

/// The random bytes of one sealing. Drawn anew each time: a salt and nonce are never used twice.
#[derive(Clone)]
pub struct SealingRandom {
    /// Salt of the password.
    pub salt: [u8; SALT_BYTES],
    /// Nonce of the cipher.
    pub nonce: [u8; NONCE_BYTES],
}

impl SealingRandom {
    /// Draws salt and nonce.
    pub fn draw(rng: &mut impl rand::CryptoRng) -> Self {
        let mut random = Self {
            salt: [0; SALT_BYTES],
            nonce: [0; NONCE_BYTES],
        };
        rng.fill_bytes(&mut random.salt);
        rng.fill_bytes(&mut random.nonce);
        random
    }
}

/// An open vault: the words and the signing key, both wiped when dropped.
pub struct Vault {
    words: RecoveryWords,
    secret: SecretKey,
}

impl Vault {
    /// A new wallet of 128 fresh random bits.
    pub fn generate(rng: &mut impl rand::CryptoRng) -> Self {
        let mut entropy = Zeroizing::new([0u8; ENTROPY_BYTES]);
        rng.fill_bytes(entropy.as_mut_slice());
        Self::from_words(RecoveryWords::from_entropy(*entropy))
    }

    /// The wallet of these words: the same words give the same account for ever (see `derive.rs`).
    pub fn from_words(words: RecoveryWords) -> Self {
        let seed = derive::slip10_ed25519(words.seed().as_slice(), &derive::PATH);
        let secret = SecretKey::from_seed(&seed);
        Self { words, secret }
    }

    /// The keystore file of this wallet under a new password.
    ///
    /// # Errors
    /// [`VaultError::PasswordTooShort`]; [`VaultError::OutOfMemory`].
    pub fn seal(
        &self,
        password: &Password,
        params: KdfParams,
        random: &SealingRandom,
    ) -> Result<Vec<u8>, VaultError> {
        password.check_for_new_keystore()?;
        let mut file = KeystoreFile {
            address: self.address(),
            params,
            salt: random.salt,
            nonce: random.nonce,
            ciphertext: [0; file::CIPHERTEXT_BYTES],
        };
        let payload = Payload {
            msg: self.words.entropy(),
            aad: &file.associated_data(),
        };
        let sealed = cipher(&file, password)?
            .encrypt(&XNonce::from(file.nonce), payload)
            .expect("16 bytes are within the cipher's limit");
        file.ciphertext.copy_from_slice(&sealed);
        Ok(file.encode())
    }

    /// Opens a keystore file. Takes as long as the file's Argon2id parameters say, within [`KdfParams`]'s bounds.
    ///
    /// # Errors
    /// [`VaultError::TooLarge`], [`VaultError::Malformed`], [`VaultError::UnknownVersion`] and [`VaultError::Limit`]
    /// tell of the file and are found before the password is tried; then [`VaultError::OutOfMemory`] and
    /// [`VaultError::WrongPassword`].
    pub fn open(bytes: &[u8], password: &Password) -> Result<Self, VaultError> {
        let file = KeystoreFile::decode(bytes)?;
        let payload = Payload {
            msg: &file.ciphertext,
            aad: &file.associated_data(),
        };
        let plain = cipher(&file, password)?
            .decrypt(&XNonce::from(file.nonce), payload)
            .map(Zeroizing::new)
            .map_err(|_| VaultError::WrongPassword)?;
        let mut entropy = Zeroizing::new([0u8; ENTROPY_BYTES]);
        entropy.copy_from_slice(&plain);
        let vault = Self::from_words(RecoveryWords::from_entropy(*entropy));
        if vault.address() != file.address {
            // Only a sealer with the password can have written this: refuse rather than spend from another account.
            return Err(VaultError::Malformed {
                field: "address".to_owned(),
                problem: "is not the address of the key inside",
            });
        }
        Ok(vault)
    }

    /// The address that a keystore names, read without the password.
    ///
    /// A hint for listings: whoever can write the file can change it. [`Vault::open`] checks it.
    ///
    /// # Errors
    /// As [`Vault::open`], for the file itself.
    pub fn address_hint(bytes: &[u8]) -> Result<Address, VaultError> {
        KeystoreFile::decode(bytes).map(|file| file.address)
    }

    /// The account's address.
    pub fn address(&self) -> Address {
        self.secret.address()
    }

    /// The signing key.
    pub fn secret(&self) -> &SecretKey {
        &self.secret
    }

    /// The recovery words.
    pub fn words(&self) -> &RecoveryWords {
        &self.words
    }
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Vault({})", self.address())
    }
}

fn cipher(file: &KeystoreFile, password: &Password) -> Result<XChaCha20Poly1305, VaultError> {
    let key = file.params.key(password.as_bytes(), &file.salt)?;
    Ok(XChaCha20Poly1305::new(&Key::from(*key)))
}
