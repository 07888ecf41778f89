//! The validators: whose votes decide.

use super::codec::{Decode, DecodeError, Encode, Reader, put_sequence};
use super::hash::Hash;
use super::key::{Address, PublicKey};
use crate::mutation::{self, Mutation};

/// Most validators of a set.
pub const MAX_VALIDATORS: usize = 128;

/// Most voting power of one validator: sums of a whole set stay far below `u64::MAX / 3`.
pub const MAX_POWER: u64 = 1 << 32;

/// One validator. Its key is its node's peer key and its account's birth key at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validator {
    /// The key that signs its votes.
    pub key: PublicKey,
    /// Its voting power, 1 to [`MAX_POWER`].
    pub power: u64,
}

impl Validator {
    /// Its account, which gets the fees of the blocks it proposes.
    pub fn address(&self) -> Address {
        self.key.address()
    }
}

/// The validators of a height: 1 to [`MAX_VALIDATORS`], ordered by key, each once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValidatorSet(Vec<Validator>);

/// Why validators do not make a set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ValidatorSetError {
    /// None at all.
    #[error("there is no validator: a network needs at least one")]
    Empty,
    /// Too many.
    #[error("there are {0} validators: at most {MAX_VALIDATORS} are allowed")]
    TooMany(usize),
    /// The same key twice.
    #[error("the validator {0} is listed twice")]
    Twice(PublicKey),
    /// A power out of bounds.
    #[error("the validator {key} has the voting power {power}: 1 to {MAX_POWER} is allowed")]
    Power {
        /// The validator.
        key: PublicKey,
        /// Its power.
        power: u64,
    },
}

impl ValidatorSet {
    /// The set of these validators, in any order.
    ///
    /// # Errors
    /// A [`ValidatorSetError`] that names what is wrong.
    pub fn new(mut validators: Vec<Validator>) -> Result<Self, ValidatorSetError> {
        if validators.is_empty() {
            return Err(ValidatorSetError::Empty);
        }
        if validators.len() > MAX_VALIDATORS {
            return Err(ValidatorSetError::TooMany(validators.len()));
        }
        validators.sort_by_key(|validator| validator.key);
        for pair in validators.windows(2) {
            if pair[0].key == pair[1].key {
                return Err(ValidatorSetError::Twice(pair[0].key));
            }
        }
        for validator in &validators {
            if !(1..=MAX_POWER).contains(&validator.power) {
                return Err(ValidatorSetError::Power {
                    key: validator.key,
                    power: validator.power,
                });
            }
        }
        Ok(Self(validators))
    }

    /// The validators, ordered by key.
    pub fn as_slice(&self) -> &[Validator] {
        &self.0
    }

    /// How many there are (at least one).
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The validator at a place in the order, from 0.
    pub fn get(&self, index: usize) -> Option<&Validator> {
        self.0.get(index)
    }

    /// The place of a validator.
    pub fn index_of(&self, address: &Address) -> Option<usize> {
        self.0
            .binary_search_by_key(&address.birth_key(), |validator| validator.key)
            .ok()
    }

    /// Whether an address is a validator's.
    pub fn contains(&self, address: &Address) -> bool {
        self.index_of(address).is_some()
    }

    /// The power of all.
    pub fn total_power(&self) -> u64 {
        self.0.iter().map(|validator| validator.power).sum()
    }

    /// Whether this power is a quorum: more than two thirds of the whole.
    pub fn is_quorum(&self, power: u64) -> bool {
        let (power, total) = (u128::from(power), u128::from(self.total_power()));
        power * 3 > total * 2 || (mutation::is_on(Mutation::QuorumOfHalf) && power * 2 >= total)
    }

    /// The fewest nodes that are a quorum, counting the strongest first; with equal powers, any so many.
    pub fn quorum_count(&self) -> usize {
        let mut powers: Vec<u64> = self.0.iter().map(|validator| validator.power).collect();
        powers.sort_unstable_by(|a, b| b.cmp(a));
        let mut sum = 0;
        for (index, power) in powers.iter().enumerate() {
            sum += power;
            if self.is_quorum(sum) {
                return index + 1;
            }
        }
        powers.len()
    }

    /// How many failed nodes the network stands and still decides, even if the strongest fail.
    pub fn tolerated_failures(&self) -> usize {
        let mut powers: Vec<u64> = self.0.iter().map(|validator| validator.power).collect();
        powers.sort_unstable_by(|a, b| b.cmp(a));
        let mut left = self.total_power();
        powers
            .iter()
            .take_while(|power| {
                left -= **power;
                self.is_quorum(left)
            })
            .count()
    }

    /// The proposer of a round: the validators take turns by height and round.
    pub fn proposer(&self, height: u64, round: u32) -> &Validator {
        let count = self.0.len() as u64;
        let turn = (height % count + u64::from(round) % count) % count;
        &self.0[usize::try_from(turn).unwrap_or(0)]
    }

    /// The set's hash, as it stands in headers.
    pub fn hash(&self) -> Hash {
        Hash::of_value("natcoin/validators/1", self)
    }
}

impl Encode for Validator {
    fn encode(&self, out: &mut Vec<u8>) {
        self.key.encode(out);
        self.power.encode(out);
    }
}

impl Decode for Validator {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            key: PublicKey::decode(reader)?,
            power: u64::decode(reader)?,
        })
    }
}

impl Encode for ValidatorSet {
    fn encode(&self, out: &mut Vec<u8>) {
        put_sequence(out, &self.0);
    }
}

impl Decode for ValidatorSet {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let validators: Vec<Validator> = reader.sequence("validators", MAX_VALIDATORS)?;
        let is_ordered = validators.windows(2).all(|pair| pair[0].key < pair[1].key);
        if !is_ordered {
            return Err(DecodeError::invalid("validators", "not ordered by key"));
        }
        Self::new(validators).map_err(|error| DecodeError::invalid("validators", error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(powers: &[u64]) -> ValidatorSet {
        let validators = powers.iter().zip(1u8..).map(|(&power, i)| Validator {
            key: PublicKey([i; 32]),
            power,
        });
        ValidatorSet::new(validators.collect()).unwrap()
    }

    #[test]
    fn networks_of_one_to_three_stand_no_failure_and_four_stand_one() {
        let stands = |n| set(&vec![1; n]).tolerated_failures();
        assert_eq!(
            (1..=8).map(stands).collect::<Vec<_>>(),
            [0, 0, 0, 1, 1, 1, 2, 2]
        );
        let needs = |n| set(&vec![1; n]).quorum_count();
        assert_eq!(
            (1..=8).map(needs).collect::<Vec<_>>(),
            [1, 2, 3, 3, 4, 5, 5, 6]
        );
    }

    #[test]
    fn unequal_powers_count_by_the_strongest() {
        assert_eq!(set(&[10, 1, 1, 1]).tolerated_failures(), 0);
        assert_eq!(set(&[10, 1, 1, 1]).quorum_count(), 1);
    }

    #[test]
    fn validators_propose_in_turn() {
        let set = set(&[1, 1, 1, 1]);
        let turn = |height, round| set.proposer(height, round).key.0[0];
        assert_eq!(
            [turn(4, 0), turn(5, 0), turn(6, 0), turn(4, 1), turn(7, 1)],
            [1, 2, 3, 2, 1]
        );
        let _ = set.proposer(u64::MAX, u32::MAX);
    }

    #[test]
    fn what_makes_no_set_is_refused() {
        let one = Validator {
            key: PublicKey([1; 32]),
            power: 1,
        };
        assert_eq!(ValidatorSet::new(vec![]), Err(ValidatorSetError::Empty));
        assert_eq!(
            ValidatorSet::new(vec![one, one]),
            Err(ValidatorSetError::Twice(one.key))
        );
        for power in [0, MAX_POWER + 1] {
            assert!(matches!(
                ValidatorSet::new(vec![Validator { power, ..one }]),
                Err(ValidatorSetError::Power { .. })
            ));
        }
        let many = (0..=128u8)
            .map(|i| Validator {
                key: PublicKey([i; 32]),
                power: 1,
            })
            .collect();
        assert_eq!(
            ValidatorSet::new(many),
            Err(ValidatorSetError::TooMany(129))
        );
    }

    #[test]
    fn an_unordered_set_does_not_decode() {
        let (a, b) = (
            Validator {
                key: PublicKey([1; 32]),
                power: 1,
            },
            Validator {
                key: PublicKey([2; 32]),
                power: 1,
            },
        );
        let mut bytes = Vec::new();
        put_sequence(&mut bytes, &[b, a]);
        assert!(ValidatorSet::from_bytes(&bytes).is_err());
    }
}
