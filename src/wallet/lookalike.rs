//! Names that look like others: `@a1ice` beside `@alice`, `@rnarko` beside `@marko`.
//!
//! Names are ASCII (rule N1), so this is all there is of look-alikes; but whoever types or reads one quickly takes the
//! one for the other, and what is paid is paid. A warning, never a refusal: both names may be of honest people.

use crate::chain::name::Name;

/// Shorter names differ in one letter all the time.
const SHORTEST_FOR_SLIPS: usize = 5;

/// The first of the known names that this one could be taken for; none if it is known itself.
pub fn looks_like<'a>(name: &Name, known: impl IntoIterator<Item = &'a Name>) -> Option<&'a Name> {
    let mut found = None;
    for other in known {
        if other == name {
            return None;
        }
        if found.is_none() && is_alike(name.as_str(), other.as_str()) {
            found = Some(other);
        }
    }
    found
}

/// Whether two names that are not the same look the same, or are one slip of the fingers apart.
fn is_alike(one: &str, other: &str) -> bool {
    if skeleton(one) == skeleton(other) {
        return true;
    }
    let shortest = one.len().min(other.len());
    shortest >= SHORTEST_FOR_SLIPS && is_one_slip(one.as_bytes(), other.as_bytes())
}

/// A name as a hurried eye sees it.
fn skeleton(name: &str) -> String {
    let name = name.replace("rn", "m").replace("vv", "w");
    let name = name.replace("cl", "d");
    let eye = |c: char| match c {
        '0' => Some('o'),
        '1' | 'i' | 'j' => Some('l'),
        '5' => Some('s'),
        '2' => Some('z'),
        '8' => Some('b'),
        '6' | '9' | 'q' => Some('g'),
        '3' => Some('e'),
        '4' => Some('a'),
        '7' => Some('t'),
        'v' => Some('u'),
        '-' => None,
        other => Some(other),
    };
    name.chars().filter_map(eye).collect()
}

/// One letter more, less or other, or two neighbours swapped.
fn is_one_slip(one: &[u8], other: &[u8]) -> bool {
    let (short, long) = match one.len() <= other.len() {
        true => (one, other),
        false => (other, one),
    };
    if long.len() - short.len() > 1 {
        return false;
    }
    let same = short.iter().zip(long).take_while(|(a, b)| a == b).count();
    let (rest, more) = (&short[same..], &long[same..]);
    if short.len() < long.len() {
        return *rest == more[1..];
    }
    let is_swapped =
        rest.len() >= 2 && rest[0] == more[1] && rest[1] == more[0] && rest[2..] == more[2..];
    rest.is_empty() || rest[1..] == more[1..] || is_swapped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        text.parse().unwrap()
    }

    #[test]
    fn names_that_a_hurried_eye_confuses_are_told_apart() {
        let known = ["alice", "marko", "bob", "honey-shop", "dvorana"].map(name);
        for (typed, like) in [
            ("a1ice", "alice"),
            ("aiice", "alice"),
            ("al1ce", "alice"),
            ("rnarko", "marko"),
            ("b0b", "bob"),
            ("honeyshop", "honey-shop"),
            ("h0ney-sh0p", "honey-shop"),
            ("clvorana", "dvorana"),
            ("alicee", "alice"),
            ("alcie", "alice"),
            ("marco", "marko"),
        ] {
            let found = looks_like(&name(typed), &known);
            assert_eq!(found.map(Name::as_str), Some(like), "{typed}");
        }
    }

    #[test]
    fn who_is_known_or_far_from_everybody_is_not_suspected() {
        let known = ["alice", "bob", "marko", "a1ice"].map(name);
        for typed in ["alice", "a1ice", "rob", "carol", "maria", "alicia-novak"] {
            assert_eq!(looks_like(&name(typed), &known), None, "{typed}");
        }
    }
}
