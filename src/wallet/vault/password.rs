//! A password as it was typed.
//!
//! It is normalised to NFKD, as BIP-39 does with its passphrases, so that "geslo č" opens the wallet on a machine that
//! types the letter in two strokes too. It must never be printed, compared or stored: only Argon2 reads it.

use super::VaultError;
use bip39::Mnemonic;
use std::borrow::Cow;
use zeroize::Zeroizing;

/// Longest password in bytes after normalising, so that a piped file is not taken for one.
pub const MAX_PASSWORD_BYTES: usize = 1024;

/// Fewest characters of a password for a new keystore.
pub const MIN_PASSWORD_CHARS: usize = 8;

/// A password, wiped when dropped. It may be any text up to [`MAX_PASSWORD_BYTES`].
pub struct Password {
    text: Zeroizing<String>,
    deliberately_empty: bool,
}

impl Password {
    /// The password that a person typed or a file holds (without its line break).
    ///
    /// # Errors
    /// [`VaultError::PasswordTooLong`].
    pub fn typed(text: &str) -> Result<Self, VaultError> {
        let too_long = |bytes| VaultError::PasswordTooLong {
            bytes,
            max: MAX_PASSWORD_BYTES,
        };
        if text.len() > MAX_PASSWORD_BYTES {
            return Err(too_long(text.len()));
        }
        let mut cow = Cow::Borrowed(text);
        Mnemonic::normalize_utf8_cow(&mut cow);
        let text = Zeroizing::new(cow.into_owned());
        if text.len() > MAX_PASSWORD_BYTES {
            return Err(too_long(text.len()));
        }
        Ok(Self {
            text,
            deliberately_empty: false,
        })
    }

    /// No password, chosen on purpose (development networks). Whoever can read the keystore can spend.
    pub fn none() -> Self {
        Self {
            text: Zeroizing::new(String::new()),
            deliberately_empty: true,
        }
    }

    /// Is it good enough to protect a new keystore? Every password may *open* one.
    ///
    /// # Errors
    /// [`VaultError::PasswordTooShort`], also for an empty line that was not chosen through [`Password::none`].
    pub fn check_for_new_keystore(&self) -> Result<(), VaultError> {
        let chars = self.text.chars().count();
        if chars < MIN_PASSWORD_CHARS && !self.deliberately_empty {
            return Err(VaultError::PasswordTooShort {
                chars,
                min: MIN_PASSWORD_CHARS,
            });
        }
        Ok(())
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.text.as_bytes()
    }
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password(..)")
    }
}
