//! How long a password holds against somebody who has the keystore's file.
//!
//! A rough judgement by what guessers try first: common words, the wallet's own name, runs and repetitions. Each guess
//! costs Argon2id's time and memory, so a password need not be as long here as elsewhere. It must never keep or show
//! what was typed. The only hard limit is the vault's own length (`vault/password.rs`).

/// A judgement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strength {
    /// Guessed in hours.
    Weak,
    /// Guessed in years, by somebody who wants it much.
    Fair,
    /// Not guessed.
    Strong,
}

/// A judgement with what would make it better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// How strong it is.
    pub strength: Strength,
    /// What is weak about it, or what is good.
    pub why: &'static str,
}

/// What is in every list of guesses, in lower case and without digits at its end.
const COMMON: &[&str] = &[
    "password",
    "passwort",
    "geslo",
    "qwerty",
    "qwertz",
    "asdfgh",
    "letmein",
    "welcome",
    "dobrodosli",
    "iloveyou",
    "admin",
    "dragon",
    "monkey",
    "sunshine",
    "princess",
    "football",
    "secret",
    "natcoin",
    "wallet",
    "abc",
    "trustno",
    "master",
    "hello",
    "freedom",
    "whatever",
];

/// Bits below which a password is weak, and from which it is strong.
const FAIR_BITS: f64 = 40.0;
const STRONG_BITS: f64 = 58.0;

/// Judges a password for the wallet of this name.
pub fn judge(password: &str, wallet: &str) -> Verdict {
    let lower = zeroize::Zeroizing::new(password.to_lowercase());
    let bare = lower.trim_end_matches(|c: char| !c.is_alphabetic());
    if COMMON.contains(&bare) {
        return weak("everybody's first guess");
    }
    if !wallet.is_empty() && bare == wallet {
        return weak("it is the wallet's own name");
    }
    let (counted, distinct) = counted(&lower);
    if distinct <= 3 || counted <= 4 {
        return weak("it repeats itself, or runs along the alphabet");
    }
    let bits = counted as f64 * alphabet(password).log2();
    match bits {
        bits if bits < FAIR_BITS => {
            weak("too short; four words that do not belong together are easy to keep")
        }
        bits if bits < STRONG_BITS => Verdict {
            strength: Strength::Fair,
            why: "another word makes it strong",
        },
        _ => Verdict {
            strength: Strength::Strong,
            why: "good; keep it where you keep your keys",
        },
    }
}

fn weak(why: &'static str) -> Verdict {
    Verdict {
        strength: Strength::Weak,
        why,
    }
}

/// How many letters are worth something (a letter that repeats the last one, or is its neighbour in the alphabet, is
/// not), and how many different ones there are.
fn counted(text: &str) -> (usize, usize) {
    let mut worth = 0_usize;
    let mut last: Option<char> = None;
    let mut seen: Vec<char> = Vec::new();
    for c in text.chars() {
        let is_run = last.is_some_and(|before| u32::from(before).abs_diff(u32::from(c)) <= 1);
        worth += usize::from(!is_run);
        if !seen.contains(&c) {
            seen.push(c);
        }
        last = Some(c);
    }
    let distinct = seen.len();
    zeroize::Zeroize::zeroize(&mut seen);
    (worth, distinct)
}

/// From how many letters each one seems to be chosen. People's words are no chance: fewer than there are.
fn alphabet(text: &str) -> f64 {
    let has = |what: fn(&char) -> bool| text.chars().any(|c| what(&c));
    let mut size = 0.0;
    size += if has(|c| c.is_lowercase()) { 14.0 } else { 0.0 };
    size += if has(|c| c.is_uppercase()) { 10.0 } else { 0.0 };
    size += if has(char::is_ascii_digit) { 8.0 } else { 0.0 };
    size += if has(|c| !c.is_alphanumeric()) {
        6.0
    } else {
        0.0
    };
    f64::max(size, 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strength(password: &str) -> Strength {
        judge(password, "ana").strength
    }

    #[test]
    fn what_guessers_try_first_is_weak_however_long() {
        for password in [
            "",
            "ana",
            "ana12345",
            "password",
            "Password1!",
            "Geslo123",
            "aaaaaaaaaaaaaaaa",
            "abcdefghijklmnop",
            "1234567890123",
            "abababababab",
            "kruh in s",
            "12121212121212",
        ] {
            assert_eq!(strength(password), Strength::Weak, "{password}");
        }
    }

    #[test]
    fn a_few_words_are_strong_and_in_between_there_is_fair() {
        assert_eq!(strength("Zlatorog 99"), Strength::Fair);
        for password in [
            "kruh sonce vlak okno",
            "Zlatorog na Triglavu 1895",
            "correct horse battery",
        ] {
            assert_eq!(strength(password), Strength::Strong, "{password}");
        }
    }
}
