//! How bytes are drawn that a decoder should fear: at random, and real ones with a few things wrong.
//!
//! The tests of all rooms draw them here, and so does `tests/decoders.rs`.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// Most bytes that are not made from a seed.
const RANDOM_BYTES: usize = 600;

/// Numbers that lengths, counts and heights are blown up to.
const GREAT: [u32; 7] = [0, 1, 129, 4097, 1 << 20, i32::MAX as u32, u32::MAX];

/// One thing that is wrong.
#[derive(Debug, Clone)]
enum Damage {
    /// A bit is turned over.
    Turn(Index, u8),
    /// Four bytes, a length perhaps, are a great number.
    Blow(Index, u32),
    /// The rest is missing.
    Cut(Index),
    /// Bytes are put in.
    Insert(Index, Vec<u8>),
    /// Bytes are left out.
    Remove(Index, usize),
    /// A part comes twice.
    Repeat(Index, Index),
    /// The rest is that of another seed.
    Splice(Index, Index, Index),
}

fn any_damage() -> impl Strategy<Value = Damage> {
    let at = any::<Index>;
    prop_oneof![
        (at(), 0u8..8).prop_map(|(at, bit)| Damage::Turn(at, bit)),
        (at(), select(&GREAT[..])).prop_map(|(at, number)| Damage::Blow(at, number)),
        at().prop_map(Damage::Cut),
        (at(), vec(any::<u8>(), 1..9)).prop_map(|(at, bytes)| Damage::Insert(at, bytes)),
        (at(), 1usize..40).prop_map(|(at, count)| Damage::Remove(at, count)),
        (at(), at()).prop_map(|(from, to)| Damage::Repeat(from, to)),
        (at(), at(), at()).prop_map(|(at, other, from)| Damage::Splice(at, other, from)),
    ]
}

impl Damage {
    fn put(self, bytes: &mut Vec<u8>, seeds: &[Vec<u8>]) {
        let place = |at: Index, bytes: &[u8]| at.index(bytes.len() + 1);
        match self {
            Self::Turn(at, bit) => {
                let at = at.index(bytes.len().max(1));
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << bit;
                }
            }
            Self::Blow(at, number) => {
                let at = place(at, bytes);
                for (old, new) in bytes.iter_mut().skip(at).zip(number.to_le_bytes()) {
                    *old = new;
                }
            }
            Self::Cut(at) => bytes.truncate(place(at, bytes)),
            Self::Insert(at, more) => {
                let at = place(at, bytes);
                bytes.splice(at..at, more);
            }
            Self::Remove(at, count) => {
                let at = place(at, bytes);
                let end = (at + count).min(bytes.len());
                bytes.drain(at..end);
            }
            Self::Repeat(from, to) => {
                let (one, other) = (place(from, bytes), place(to, bytes));
                let part = bytes[one.min(other)..one.max(other)].to_vec();
                bytes.splice(one.max(other)..one.max(other), part);
            }
            Self::Splice(at, other, from) => {
                let other = other.get(seeds);
                bytes.truncate(place(at, bytes));
                bytes.extend_from_slice(&other[place(from, other)..]);
            }
        }
    }
}

/// Bytes to be feared: one part random, four parts damaged seeds.
pub fn bytes(seeds: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    // One thing wrong goes deepest; several find what only their meeting breaks.
    let damages = prop_oneof![3 => vec(any_damage(), 1), 2 => vec(any_damage(), 2..5)];
    let damaged = (any::<Index>(), damages).prop_map(move |(which, damages)| {
        let mut bytes = which.get(&seeds).clone();
        for damage in damages {
            damage.put(&mut bytes, &seeds);
        }
        bytes
    });
    prop_oneof![
        1 => vec(any::<u8>(), 0..RANDOM_BYTES),
        4 => damaged,
    ]
}
