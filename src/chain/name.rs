//! Names that people pay by: `@alice`.
//!
//! Rule N1: a name has 3 to 32 characters of a-z, 0-9 and the hyphen, and neither begins nor ends
//! with a hyphen. There is one name for each spelling: no case, no Unicode, so no look-alikes but
//! those of ASCII. The leading `@` is how people write it, and no part of it.

use std::fmt;
use std::str::FromStr;

use super::codec::{Decode, DecodeError, Encode, Reader, put_bytes};
use super::hash::serde_as_text;

/// Fewest characters of a name.
pub const MIN_NAME: usize = 3;
/// Most characters of a name.
pub const MAX_NAME: usize = 32;

/// A well-formed name, without the `@`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(String);

/// Why a text is not a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Too short or too long.
    #[error("the name {name:?} has {length} characters: 3 to 32 are allowed")]
    Length {
        /// The text given (cut to 64 characters).
        name: String,
        /// Its characters.
        length: usize,
    },
    /// A character that names do not have.
    #[error("the name {name:?} has the character {character:?}: only a-z, 0-9 and - are allowed")]
    Character {
        /// The text given.
        name: String,
        /// The first character at fault.
        character: char,
    },
    /// A hyphen at an end.
    #[error("the name {0:?} begins or ends with a hyphen: put it between letters")]
    HyphenAtEnd(String),
}

impl Name {
    /// The name without its `@`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Name {
    type Err = NameError;

    /// Reads a name with or without its `@`.
    fn from_str(text: &str) -> Result<Self, NameError> {
        let name = text.strip_prefix('@').unwrap_or(text);
        let shown = || name.chars().take(64).collect::<String>();
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if let Some(character) = name.chars().find(|c| !allowed(*c)) {
            return Err(NameError::Character {
                name: shown(),
                character,
            });
        }
        if !(MIN_NAME..=MAX_NAME).contains(&name.len()) {
            return Err(NameError::Length {
                name: shown(),
                length: name.len(),
            });
        }
        if name.starts_with('-') || name.ends_with('-') {
            return Err(NameError::HyphenAtEnd(shown()));
        }
        Ok(Self(name.to_owned()))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "@{}", self.0)
    }
}

impl Encode for Name {
    fn encode(&self, out: &mut Vec<u8>) {
        put_bytes(out, self.0.as_bytes());
    }
}

impl Decode for Name {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let text = reader.text("name", MAX_NAME)?;
        if text.starts_with('@') {
            return Err(DecodeError::invalid("name", "the @ is not part of it"));
        }
        text.parse()
            .map_err(|error| DecodeError::invalid("name", error))
    }
}

serde_as_text!(Name);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_with_or_without_its_at_sign() {
        for text in ["bob", "@bob", "a-1", "x".repeat(32).as_str()] {
            assert_eq!(
                text.parse::<Name>().unwrap().as_str(),
                text.trim_start_matches('@')
            );
        }
    }

    #[test]
    fn what_is_not_a_name_is_refused_with_its_reason() {
        for text in ["", "ab", "@ab", "@", &"x".repeat(33)] {
            assert!(
                matches!(text.parse::<Name>(), Err(NameError::Length { .. })),
                "{text}"
            );
        }
        for text in ["Bob", "b b", "bób", "bob!", "@@bob", "bob\n", "b_b"] {
            assert!(
                matches!(text.parse::<Name>(), Err(NameError::Character { .. })),
                "{text}"
            );
        }
        for text in ["-bob", "bob-"] {
            assert!(
                matches!(text.parse::<Name>(), Err(NameError::HyphenAtEnd(_))),
                "{text}"
            );
        }
    }

    #[test]
    fn the_at_sign_has_no_place_in_the_encoding() {
        let mut bytes = Vec::new();
        put_bytes(&mut bytes, b"@bob");
        assert!(Name::from_bytes(&bytes).is_err());
        assert_eq!(
            Name::from_bytes(&"bob".parse::<Name>().unwrap().to_bytes())
                .unwrap()
                .as_str(),
            "bob"
        );
    }
}
