//! Checksums of the store's own records: tagged SHA-256, cut to eight bytes where a torn record is
//! all that has to be told from a whole one.
//!
//! Must never: stand in for the chain's hashes. Read next: `wal.rs`.

use crate::chain::hash::Hash;

/// Size of a record's checksum in bytes.
pub(super) const CHECK_SIZE: usize = 8;

/// A record's checksum.
pub(super) type Check = [u8; CHECK_SIZE];

/// SHA-256 of the parts under a tag, which the store's own tags keep apart from the chain's.
pub(super) fn digest(tag: &'static str, parts: &[&[u8]]) -> [u8; 32] {
    Hash::of(tag, parts).0
}

/// The first eight bytes of [`digest`].
pub(super) fn check(tag: &'static str, parts: &[&[u8]]) -> Check {
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
