//! What a password costs to guess: Argon2id (RFC 9106) and the bounds of its parameters.
//!
//! The parameters stand in a file that a stranger may have written, so they are bounded before anything is allocated:
//! no keystore can make the program take more than [`KdfParams::MAX_M_KIB`] of memory.
//! Read next: `file.rs`, where they are written and read.

use super::VaultError;
use argon2::{Algorithm, Argon2, Params, Version};
use zeroize::Zeroizing;

/// Bytes of salt in a keystore.
pub const SALT_BYTES: usize = 16;

/// Parameters of Argon2id version 0x13.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KdfParams {
    m_kib: u32,
    t: u32,
    p: u32,
}

impl KdfParams {
    /// Least memory, in KiB, for each lane (RFC 9106, section 3.1).
    pub const MIN_M_KIB: u32 = 8;
    /// Most memory, in KiB: 1 GiB.
    pub const MAX_M_KIB: u32 = 1 << 20;
    /// Most passes over the memory.
    pub const MAX_T: u32 = 16;
    /// Most lanes.
    pub const MAX_P: u32 = 8;

    /// For people's wallets: 64 MiB, three passes, one lane (the second choice of RFC 9106, with one lane
    /// because we run one thread). About a tenth of a second.
    pub const INTERACTIVE: Self = Self {
        m_kib: 64 * 1024,
        t: 3,
        p: 1,
    };

    /// For development networks and tests, whose coins are worth nothing: 256 KiB, one pass.
    pub const LIGHT: Self = Self {
        m_kib: 256,
        t: 1,
        p: 1,
    };

    /// Checked parameters: `m_kib` KiB of memory, `t` passes, `p` lanes.
    ///
    /// # Errors
    /// [`VaultError::Limit`] naming the parameter that is out of bounds.
    pub fn new(m_kib: u64, t: u64, p: u64) -> Result<Self, VaultError> {
        let p = bounded("kdf.p", p, 1, Self::MAX_P)?;
        let t = bounded("kdf.t", t, 1, Self::MAX_T)?;
        let m_kib = bounded("kdf.m_kib", m_kib, Self::MIN_M_KIB * p, Self::MAX_M_KIB)?;
        Ok(Self { m_kib, t, p })
    }

    /// Memory in KiB.
    pub fn m_kib(&self) -> u32 {
        self.m_kib
    }

    /// Passes over the memory.
    pub fn t(&self) -> u32 {
        self.t
    }

    /// Lanes.
    pub fn p(&self) -> u32 {
        self.p
    }

    /// The encryption key that `password` gives with `salt`.
    pub(super) fn key(
        &self,
        password: &[u8],
        salt: &[u8; SALT_BYTES],
    ) -> Result<Zeroizing<[u8; 32]>, VaultError> {
        let params = Params::new(self.m_kib, self.t, self.p, Some(32))
            .expect("KdfParams holds only what Argon2 takes");
        let mut key = Zeroizing::new([0u8; 32]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(password, salt, key.as_mut_slice())
            // Password, salt and output have lawful lengths by their types, so that memory is the one thing to run out of.
            .map_err(|_| VaultError::OutOfMemory { m_kib: self.m_kib })?;
        Ok(key)
    }
}

fn bounded(field: &'static str, found: u64, min: u32, max: u32) -> Result<u32, VaultError> {
    u32::try_from(found)
        .ok()
        .filter(|value| (min..=max).contains(value))
        .ok_or(VaultError::Limit {
            field,
            found,
            min,
            max,
        })
}
