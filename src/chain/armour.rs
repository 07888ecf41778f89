//! Bytes as one line of text that a person can copy, or a camera read: bech32m with a name in front.
//!
//! The checksum finds mistyped letters; it protects from no forger. All letters are of one case, so that a QR code can
//! hold them in its alphanumeric mode. Addresses have their own rule in `key.rs`.

use bech32::{Bech32m, Hrp};

/// Most bytes of a line: what bech32m's 1,023 letters hold beside a name of 16.
pub const MAX_BYTES: usize = 620;

/// Why a text holds no such bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArmourError {
    /// Mistyped, cut, or something else altogether.
    #[error("the line is mistyped or cut short ({0}); copy it whole")]
    Malformed(String),
    /// It is of another kind.
    #[error("the line holds a {found:?}, where a {expected:?} is read")]
    OtherKind {
        /// What is in front.
        found: String,
        /// What was expected.
        expected: &'static str,
    },
}

impl ArmourError {
    /// What is wrong, without a next step: for whoever says in their own words what the line should have been.
    pub fn why(&self) -> String {
        match self {
            Self::Malformed(_) => "a letter is wrong or missing".to_owned(),
            Self::OtherKind { found, .. } => format!("it is a {found}"),
        }
    }
}

/// The line for some bytes, at most [`MAX_BYTES`]: `name1...`, in lower case. `None` if they are more, or the name is
/// none for bech32m.
pub fn armour(name: &str, bytes: &[u8]) -> Option<String> {
    let name = Hrp::parse(name).ok()?;
    (bytes.len() <= MAX_BYTES)
        .then(|| bech32::encode::<Bech32m>(name, bytes).ok())
        .flatten()
}

/// The bytes of a line, all in lower case or all in capitals.
///
/// # Errors
/// An [`ArmourError`]; also for bits that are left over and not zero, so that bytes have one line.
pub fn unarmour(name: &'static str, line: &str) -> Result<Vec<u8>, ArmourError> {
    let malformed = |error: &dyn std::fmt::Display| ArmourError::Malformed(error.to_string());
    let checked = bech32::primitives::decode::CheckedHrpstring::new::<Bech32m>(line)
        .map_err(|error| malformed(&error))?;
    let found = checked.hrp().to_lowercase();
    if found != name {
        return Err(ArmourError::OtherKind {
            found,
            expected: name,
        });
    }
    let bytes: Vec<u8> = checked.byte_iter().collect();
    let again = armour(name, &bytes).ok_or_else(|| malformed(&"too long"))?;
    match again.eq_ignore_ascii_case(line) {
        true => Ok(bytes),
        false => Err(malformed(&"its last letter has bits left over")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_line_has_one_form_but_for_its_case_and_notices_mistakes() {
        let line = armour("request", b"na zdravje").unwrap();
        assert_eq!(line, line.to_lowercase());
        assert_eq!(unarmour("request", &line).unwrap(), b"na zdravje");
        let capitals = line.to_uppercase();
        assert_eq!(unarmour("request", &capitals).unwrap(), b"na zdravje");
        let mixed = line.replacen('q', "Q", 1);
        assert!(mixed == line || unarmour("request", &mixed).is_err());
        assert_eq!(
            unarmour("payment", &line),
            Err(ArmourError::OtherKind {
                found: "request".to_owned(),
                expected: "payment"
            })
        );
        for at in 0..line.len() {
            let mut wrong = line.clone().into_bytes();
            wrong[at] = if wrong[at] == b'q' { b'p' } else { b'q' };
            let wrong = String::from_utf8(wrong).unwrap();
            assert!(unarmour("request", &wrong).is_err(), "{wrong}");
        }
        assert_eq!(armour("request", &[0; MAX_BYTES + 1]), None);
        assert!(armour("a-name-of-16-abc", &[0; MAX_BYTES]).is_some());
    }

    proptest! {
        #[test]
        fn all_bytes_come_back(bytes in prop::collection::vec(any::<u8>(), 0..=MAX_BYTES)) {
            let line = armour("request", &bytes).unwrap();
            prop_assert_eq!(unarmour("request", &line).unwrap(), bytes);
        }

        #[test]
        fn no_text_panics(text in "(request1)?\\PC{0,80}") {
            let _ = unarmour("request", &text);
        }
    }
}
