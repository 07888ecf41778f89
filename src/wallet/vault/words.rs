//! Twelve words: the form in which an owner writes the secret on paper.
//!
//! BIP-39 with the English list and 128 bits of entropy, nothing of our own, so that any wallet that knows
//! BIP-39 can read them. This file must never put a typed word into an error: a word is a twelfth of the secret.
//! Read next: `derive.rs`, which turns the words into a signing key.

use super::VaultError;
use bip39::{Language, Mnemonic};
use zeroize::Zeroizing;

/// Bytes of entropy behind twelve words (128 bits).
pub const ENTROPY_BYTES: usize = 16;

/// Words in a recovery phrase.
pub const WORD_COUNT: usize = 12;

/// Longest recovery text that is looked at, in bytes: twelve words of eight letters fit nine times over.
const MAX_TEXT_BYTES: usize = 1024;

/// A longer word has no near neighbour on a list whose longest word has eight letters.
const MAX_WORD_CHARS: usize = 16;

/// Up to this many single-letter changes still count as a slip of the pen.
const NEAR: usize = 2;

/// A word of the list of 2,048 by its place; places beyond begin anew. For words that are no secret but spoken aloud.
pub fn word(place: u16) -> &'static str {
    Language::English.word_list()[usize::from(place) % 2048]
}

/// The owner's secret in its smallest form: 128 random bits, wiped when dropped.
#[derive(Clone)]
pub struct RecoveryWords {
    entropy: Zeroizing<[u8; ENTROPY_BYTES]>,
}

impl RecoveryWords {
    /// The words of this entropy. Every value is good; it must come from the system's random source.
    pub fn from_entropy(entropy: [u8; ENTROPY_BYTES]) -> Self {
        Self {
            entropy: Zeroizing::new(entropy),
        }
    }

    /// Reads words as a person types them: any spacing, line breaks and capitals.
    ///
    /// # Errors
    /// [`VaultError::WordCount`], [`VaultError::UnknownWord`] with the nearest word of the list, and
    /// [`VaultError::WordChecksum`], in this order.
    pub fn parse(text: &str) -> Result<Self, VaultError> {
        if text.len() > MAX_TEXT_BYTES {
            return Err(VaultError::WordsTooLong {
                bytes: text.len(),
                max: MAX_TEXT_BYTES,
            });
        }
        let typed = Zeroizing::new(text.to_lowercase());
        let words: Vec<&str> = typed.split_whitespace().collect();
        if words.len() != WORD_COUNT {
            return Err(VaultError::WordCount { found: words.len() });
        }
        for (index, word) in words.iter().enumerate() {
            if Language::English.find_word(word).is_none() {
                return Err(VaultError::UnknownWord {
                    position: index + 1,
                    nearest: nearest(word),
                });
            }
        }
        let joined = Zeroizing::new(words.join(" "));
        let mnemonic = Mnemonic::parse_in_normalized(Language::English, &joined)
            .map_err(|_| VaultError::WordChecksum)?;
        let mut entropy = Zeroizing::new([0u8; ENTROPY_BYTES]);
        let (bytes, _) = mnemonic.to_entropy_array();
        let bytes = Zeroizing::new(bytes);
        entropy.copy_from_slice(&bytes[..ENTROPY_BYTES]);
        Ok(Self { entropy })
    }

    /// The twelve words in order, to be shown to the owner once and written on paper.
    pub fn words(&self) -> Vec<&'static str> {
        self.mnemonic().words().collect()
    }

    /// The entropy itself, which is what the keystore encrypts.
    pub(super) fn entropy(&self) -> &[u8; ENTROPY_BYTES] {
        &self.entropy
    }

    /// The BIP-39 seed (PBKDF2-HMAC-SHA512, 2048 rounds) with the empty passphrase.
    pub(super) fn seed(&self) -> Zeroizing<[u8; 64]> {
        Zeroizing::new(self.mnemonic().to_seed_normalized(""))
    }

    fn mnemonic(&self) -> Mnemonic {
        Mnemonic::from_entropy_in(Language::English, self.entropy.as_slice())
            .expect("16 bytes are a lawful length of BIP-39 entropy")
    }
}

impl std::fmt::Debug for RecoveryWords {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RecoveryWords(..)")
    }
}

/// The word of the list that a person most likely meant, if any is near enough.
///
/// The first four letters name a BIP-39 word, so a lone prefix match wins over the distance.
fn nearest(typed: &str) -> Option<&'static str> {
    let letters = typed.chars().count();
    if letters > MAX_WORD_CHARS {
        return None;
    }
    let mut continued = Language::English.words_by_prefix_iter(typed);
    if letters >= 3
        && let (Some(only), None) = (continued.next(), continued.next())
    {
        return Some(only);
    }
    Language::English
        .word_list()
        .iter()
        .map(|word| (distance(typed, word), *word))
        .min()
        .filter(|(distance, _)| *distance <= NEAR)
        .map(|(_, word)| word)
}

/// Edit distance with swaps of neighbours counted as one slip (optimal string alignment).
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().collect();
    let b: Vec<char> = b.chars().collect();
    let mut before_last = vec![0; b.len() + 1];
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let change = usize::from(a[i - 1] != b[j - 1]);
            row[j] = (last[j] + 1).min(row[j - 1] + 1).min(last[j - 1] + change);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before_last[j - 2] + 1);
            }
        }
        before_last = last;
        last = row;
    }
    last[b.len()]
}
