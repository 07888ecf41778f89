//! The keystore file, version 1: JSON text, every field of it authenticated.
//!
//! ```json
//! {
//!   "version": 1,
//!   "address": "nat1...",
//!   "kdf": { "name": "argon2id", "m_kib": 65536, "t": 3, "p": 1, "salt": "32 hex digits" },
//!   "cipher": { "name": "xchacha20poly1305", "nonce": "48 hex digits", "ciphertext": "64 hex digits" }
//! }
//! ```
//! It comes from a disk that others may write to: bounded, then parsed field by field, nothing unknown allowed.
//! Read next: `kdf.rs` for the bounds of the parameters.

use super::VaultError;
use super::kdf::{KdfParams, SALT_BYTES};
use super::words::ENTROPY_BYTES;
use crate::chain::hash::{hex, unhex};
use crate::chain::key::Address;
use serde::Serialize;
use serde_json::{Map, Value};

/// The version that is written and read.
pub const VERSION: u64 = 1;

/// Longest keystore in bytes; ours has about 500.
pub const MAX_FILE_BYTES: usize = 4096;

/// Longest address hint in bytes.
const MAX_ADDRESS_BYTES: usize = 128;

/// Bytes of an XChaCha20 nonce: long enough to be drawn at random.
pub const NONCE_BYTES: usize = 24;

/// Entropy and Poly1305 tag.
pub(super) const CIPHERTEXT_BYTES: usize = ENTROPY_BYTES + 16;

const KDF: &str = "argon2id";
const CIPHER: &str = "xchacha20poly1305";

/// A keystore file taken apart, its fields within their bounds but nothing of it authenticated yet.
pub(super) struct KeystoreFile {
    pub address: Address,
    pub params: KdfParams,
    pub salt: [u8; SALT_BYTES],
    pub nonce: [u8; NONCE_BYTES],
    pub ciphertext: [u8; CIPHERTEXT_BYTES],
}

impl KeystoreFile {
    /// What the cipher authenticates beside the secret: all that the file says, in one unambiguous form.
    pub fn associated_data(&self) -> Vec<u8> {
        let mut aad = format!("natcoin keystore {VERSION} {KDF} {CIPHER}\n").into_bytes();
        for number in [self.params.m_kib(), self.params.t(), self.params.p()] {
            aad.extend_from_slice(&number.to_le_bytes());
        }
        aad.extend_from_slice(&self.salt);
        aad.extend_from_slice(&self.nonce);
        aad.extend_from_slice(&self.address.0);
        aad
    }

    pub fn encode(&self) -> Vec<u8> {
        let text = FileText {
            version: VERSION,
            address: self.address,
            kdf: KdfText {
                name: KDF,
                m_kib: self.params.m_kib(),
                t: self.params.t(),
                p: self.params.p(),
                salt: hex(&self.salt),
            },
            cipher: CipherText {
                name: CIPHER,
                nonce: hex(&self.nonce),
                ciphertext: hex(&self.ciphertext),
            },
        };
        let mut text =
            serde_json::to_vec_pretty(&text).expect("texts and numbers have a JSON form");
        text.push(b'\n');
        text
    }

    pub fn decode(bytes: &[u8]) -> Result<Self, VaultError> {
        if bytes.len() > MAX_FILE_BYTES {
            return Err(VaultError::TooLarge {
                bytes: bytes.len(),
                max: MAX_FILE_BYTES,
            });
        }
        let value: Value =
            serde_json::from_slice(bytes).map_err(|_| malformed("(file)", "is not JSON"))?;
        let Value::Object(fields) = value else {
            return Err(malformed("(file)", "is not a JSON object"));
        };
        let mut root = Fields { at: "", fields };
        // Order: the version first, since a newer one may name every other field differently.
        let found = root.number("version")?;
        if found != VERSION {
            return Err(VaultError::UnknownVersion {
                found,
                known: VERSION,
            });
        }
        let address = root
            .text("address", MAX_ADDRESS_BYTES)?
            .parse()
            .map_err(|_| malformed("address", "is not an address"))?;
        let mut kdf = root.object("kdf")?;
        let mut cipher = root.object("cipher")?;
        root.finish()?;
        kdf.constant("name", KDF, "is not `argon2id`")?;
        let params = KdfParams::new(kdf.number("m_kib")?, kdf.number("t")?, kdf.number("p")?)?;
        let salt = kdf.hex("salt")?;
        kdf.finish()?;
        cipher.constant("name", CIPHER, "is not `xchacha20poly1305`")?;
        let nonce = cipher.hex("nonce")?;
        let ciphertext = cipher.hex("ciphertext")?;
        cipher.finish()?;
        Ok(Self {
            address,
            params,
            salt,
            nonce,
            ciphertext,
        })
    }
}

/// The file's fields in the order in which they are written.
#[derive(Serialize)]
struct FileText {
    version: u64,
    address: Address,
    kdf: KdfText,
    cipher: CipherText,
}

#[derive(Serialize)]
struct KdfText {
    name: &'static str,
    m_kib: u32,
    t: u32,
    p: u32,
    salt: String,
}

#[derive(Serialize)]
struct CipherText {
    name: &'static str,
    nonce: String,
    ciphertext: String,
}

/// A JSON object from which each field is taken once; what is left over at the end is an error.
struct Fields {
    at: &'static str,
    fields: Map<String, Value>,
}

impl Fields {
    fn take(&mut self, name: &str) -> Result<Value, VaultError> {
        self.fields
            .remove(name)
            .ok_or_else(|| self.malformed(name, "is missing"))
    }

    fn number(&mut self, name: &str) -> Result<u64, VaultError> {
        self.take(name)?
            .as_u64()
            .ok_or_else(|| self.malformed(name, "is not a whole number"))
    }

    fn text(&mut self, name: &str, max_bytes: usize) -> Result<String, VaultError> {
        match self.take(name)? {
            Value::String(text) if text.len() <= max_bytes => Ok(text),
            Value::String(_) => Err(self.malformed(name, "is too long")),
            _ => Err(self.malformed(name, "is not a text")),
        }
    }

    fn constant(
        &mut self,
        name: &str,
        expected: &str,
        problem: &'static str,
    ) -> Result<(), VaultError> {
        match self.text(name, 64)? == expected {
            true => Ok(()),
            false => Err(self.malformed(name, problem)),
        }
    }

    fn hex<const N: usize>(&mut self, name: &str) -> Result<[u8; N], VaultError> {
        let text = self.text(name, 2 * N)?;
        unhex(&text)
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or_else(|| self.malformed(name, "is not hexadecimal of the right length"))
    }

    fn object(&mut self, name: &'static str) -> Result<Fields, VaultError> {
        match self.take(name)? {
            Value::Object(fields) => Ok(Fields { at: name, fields }),
            _ => Err(self.malformed(name, "is not an object")),
        }
    }

    fn finish(self) -> Result<(), VaultError> {
        match self.fields.keys().next() {
            // The name is a stranger's: it is not repeated at length.
            Some(name) => {
                let name: String = name.chars().take(32).collect();
                Err(self.malformed(&name, "is not a field of a keystore"))
            }
            None => Ok(()),
        }
    }

    fn malformed(&self, name: &str, problem: &'static str) -> VaultError {
        match self.at {
            "" => malformed(name, problem),
            at => malformed(&format!("{at}.{name}"), problem),
        }
    }
}

fn malformed(field: &str, problem: &'static str) -> VaultError {
    VaultError::Malformed {
        field: field.to_owned(),
        problem,
    }
}
