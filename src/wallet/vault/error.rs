//! Every way in which a keystore, a password or recovery words can be refused.

use thiserror::Error;

/// Why the vault refused. No variant holds a secret: all of them may be shown and logged.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum VaultError {
    /// The file is larger than any keystore.
    #[error(
        "the keystore is {bytes} bytes long, more than {max}; this is not a keystore: restore the wallet from its twelve words"
    )]
    TooLarge {
        /// Length found.
        bytes: usize,
        /// Longest keystore.
        max: usize,
    },
    /// A field is missing, superfluous or of the wrong form.
    #[error(
        "the keystore is damaged: `{field}` {problem}; copy the file back from a backup or restore the wallet from its twelve words"
    )]
    Malformed {
        /// The field, with dots for nesting (`kdf.salt`); `(file)` for the text as a whole.
        field: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The keystore was written by a newer program.
    #[error("the keystore has version {found}, this program reads version {known}; update natcoin")]
    UnknownVersion {
        /// Version found.
        found: u64,
        /// The version that we write and read.
        known: u64,
    },
    /// A parameter is out of bounds.
    #[error(
        "the keystore asks for `{field}` = {found}, allowed are {min} to {max}; it was not written by natcoin: do not use it"
    )]
    Limit {
        /// The parameter.
        field: &'static str,
        /// Value found.
        found: u64,
        /// Least allowed.
        min: u32,
        /// Most allowed.
        max: u32,
    },
    /// The tag does not fit: cryptography cannot tell a wrong password from a changed file.
    #[error(
        "wrong password, or the keystore was changed; try the password again, or restore the wallet from its twelve words"
    )]
    WrongPassword,
    /// The machine has not the memory that the parameters take.
    #[error(
        "opening this keystore takes {m_kib} KiB of memory, which the system refused; close other programs and try again"
    )]
    OutOfMemory {
        /// Memory needed, in KiB.
        m_kib: u32,
    },
    /// Too short to protect a new keystore.
    #[error(
        "the password has {chars} characters, a new wallet needs {min} or more; choose a longer one"
    )]
    PasswordTooShort {
        /// Characters typed.
        chars: usize,
        /// Fewest allowed.
        min: usize,
    },
    /// Not a password but a file.
    #[error(
        "the password is {bytes} bytes long, more than {max}; check that the password file holds one line with the password"
    )]
    PasswordTooLong {
        /// Bytes typed.
        bytes: usize,
        /// Most allowed.
        max: usize,
    },
    /// Far too much text for twelve words.
    #[error(
        "the recovery words are {bytes} bytes long, more than {max}; type the twelve words with spaces between them"
    )]
    WordsTooLong {
        /// Bytes typed.
        bytes: usize,
        /// Most looked at.
        max: usize,
    },
    /// Not twelve words.
    #[error("recovery takes 12 words, found {found}; type all twelve in order")]
    WordCount {
        /// Words typed.
        found: usize,
    },
    /// A word is not on the BIP-39 English list.
    #[error("word {position} is not a recovery word{}; check it against your paper", meant(.nearest))]
    UnknownWord {
        /// Counted from 1.
        position: usize,
        /// The word that was probably meant.
        nearest: Option<&'static str>,
    },
    /// All words are on the list, but not in this company or order.
    #[error(
        "the twelve words do not fit together: one is wrong, or two stand in the wrong order; check them against your paper"
    )]
    WordChecksum,
}

fn meant(nearest: &Option<&'static str>) -> String {
    nearest.map_or_else(String::new, |word| format!(" (did you mean \"{word}\"?)"))
}
