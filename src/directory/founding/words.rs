//! The spoken words: four words that are the same for all if, and only if, all agree on the same things.
//!
//! Each founder first ties himself to a random number by its hash (commit), which also covers the plan, and tells the
//! number (reveal) only when he holds the hashes of all. The words are drawn from the plan, all keys and all numbers.
//! Somebody between the founders who shows them different plans must fix his own numbers on either side before he
//! sees theirs, so he cannot search for numbers that give the same words: he has one try in 2^44 for each ceremony, and
//! a try that fails is heard. Rules F5 and F6.

use crate::chain::codec::Encode as _;
use crate::chain::hash::Hash;
use crate::chain::key::PublicKey;

/// How many words are spoken in a room: 44 bits, of which a ceremony lets nobody try more than one.
pub const SPOKEN: usize = 4;
/// How many words stand for a draft that goes by file: 132 bits, since there a cheat may try at leisure.
pub const WRITTEN: usize = 12;
/// Bits of a word: the list has 2,048.
const BITS: usize = 11;

/// Words, as places in a list of 2,048.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words(pub Vec<u16>);

impl Words {
    /// As many words as are asked for, at most 23, from the front of a hash.
    fn of(hash: &Hash, count: usize) -> Self {
        let bit = |at: usize| u16::from(hash.0[at / 8] >> (7 - at % 8) & 1);
        let word = |index: usize| {
            let from = index * BITS;
            (from..from + BITS).fold(0, |word, at| word << 1 | bit(at))
        };
        Self((0..count).map(word).collect())
    }

    /// The words of a draft that goes by file.
    pub fn of_draft(plan: &Hash) -> Self {
        let hash = Hash::of("natcoin/founding/draft/1", &[&plan.0]);
        Self::of(&hash, WRITTEN)
    }
}

/// What names a plan: the hash of its text.
pub fn plan_hash(text: &str) -> Hash {
    Hash::of("natcoin/founding/plan/1", &[text.as_bytes()])
}

/// What ties a founder to a number before it is told.
pub fn commitment(plan: &Hash, key: &PublicKey, number: &[u8; 32]) -> Hash {
    let tag = "natcoin/founding/commit/1";
    Hash::of(tag, &[&plan.0, &key.0, number])
}

/// What names a ceremony: its plan, and each founder's key and number, in the plan's order.
pub fn session(plan: &Hash, numbers: &[(PublicKey, [u8; 32])]) -> Hash {
    let mut bytes = plan.to_bytes();
    for (key, number) in numbers {
        key.encode(&mut bytes);
        number.encode(&mut bytes);
    }
    Hash::of("natcoin/founding/session/1", &[&bytes])
}

/// The words that the founders of a ceremony tell each other.
pub fn spoken(session: &Hash) -> Words {
    Words::of(&Hash::of("natcoin/founding/words/1", &[&session.0]), SPOKEN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_the_bits_of_a_hash_from_its_front() {
        let mut hash = Hash([0; 32]);
        hash.0[0] = 0b1010_0000;
        hash.0[1] = 0b0011_1111;
        assert_eq!(Words::of(&hash, 2).0, [0b101_0000_0001, 0b111_1100_0000]);
        assert_eq!(Words::of(&Hash([255; 32]), WRITTEN).0, [2047; 12]);
    }

    #[test]
    fn words_change_with_the_plan_each_key_and_each_number() {
        let key = |n| PublicKey([n; 32]);
        let numbers = [(key(1), [1; 32]), (key(2), [2; 32])];
        let plan = plan_hash("a");
        let first = session(&plan, &numbers);
        let other_key = [(key(3), [1; 32]), (key(2), [2; 32])];
        let other_number = [(key(1), [1; 32]), (key(2), [3; 32])];
        for other in [
            session(&plan_hash("b"), &numbers),
            session(&plan, &other_key),
            session(&plan, &other_number),
        ] {
            assert_ne!(spoken(&first), spoken(&other));
        }
        let hash = commitment(&plan, &key(1), &[1; 32]);
        assert_ne!(hash, commitment(&plan_hash("b"), &key(1), &[1; 32]));
        assert_ne!(hash, commitment(&plan, &key(2), &[1; 32]));
        assert_ne!(hash, commitment(&plan, &key(1), &[2; 32]));
    }
}
