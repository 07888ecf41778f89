//! Checksums of the store's own records: tagged SHA-256, cut to eight bytes where a torn record is
//! all that has to be told from a whole one.
//!
//! Must never: stand in for the chain's hashes. Read next: `wal.rs`.

use sha2::{Digest, Sha256};

/// Size of a record's checksum in bytes.
pub(super) const CHECK_SIZE: usize = 8;

/// A record's checksum.
pub(super) type Check = [u8; CHECK_SIZE];

/// SHA-256 of the parts under a tag that is framed by its length (one byte).
pub(super) fn digest(tag: &str, parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update([u8::try_from(tag.len()).unwrap_or(u8::MAX)]);
    hasher.update(tag.as_bytes());
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// The first eight bytes of [`digest`].
pub(super) fn check(tag: &str, parts: &[&[u8]]) -> Check {
    *digest(tag, parts)
        .first_chunk()
        .expect("a digest has more than eight bytes")
}

/// The first eight bytes in hexadecimal, to show which network a file belongs to.
pub(super) fn short_hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes
        .iter()
        .take(8)
        .fold(String::with_capacity(16), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}
