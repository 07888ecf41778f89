//! Who takes part: validators, followers and people with money, the same for the same numbers.
//!
//! Next: `plan.rs`.

use std::sync::LazyLock;

use super::world::Cast;
use crate::chain::amount::Amount;
use crate::chain::genesis::{Genesis, GenesisAccount, GenesisError, MAX_GENESIS_ACCOUNTS, Rules};
use crate::chain::hash::Hash;
use crate::chain::key::SecretKey;
use crate::chain::validator::{Validator, ValidatorSet};

/// When the simulated network began: 2026-01-01, in milliseconds since 1970.
pub const DAWN_MS: u64 = 1_767_225_600_000;
/// The fee of a transaction, in nits.
pub const FEE_NITS: u64 = 2;
/// What each person has at first, in nits: 1,000 NAT.
pub(super) const WEALTH_NITS: u64 = 100_000_000_000;

/// The key of somebody: a role and a number.
fn key(role: &'static str, number: u32) -> SecretKey {
    let seed = Hash::of("natcoin/sim/key", &[role.as_bytes(), &number.to_le_bytes()]);
    SecretKey::from_seed(seed.as_bytes())
}

/// A validator's key.
pub fn validator(number: u32) -> SecretKey {
    key("validator", number)
}

/// A follower's key.
pub fn follower(number: u32) -> SecretKey {
    key("follower", number)
}

/// A person's key.
pub fn person(number: u32) -> SecretKey {
    key("person", number)
}

/// The key of the one who cheats; to derive it takes as long as to sign with it.
pub(super) fn stranger() -> SecretKey {
    static KEY: LazyLock<SecretKey> = LazyLock::new(|| key("stranger", 0));
    KEY.clone()
}

/// So many validators and followers, and people with money; the stranger too, if there is room for another account.
///
/// # Errors
/// If there are more than a genesis may have.
pub fn cast(validators: u32, followers: u32, people: u32) -> Result<Cast, GenesisError> {
    let voting = (0..validators).map(|number| Validator {
        key: validator(number).public(),
        power: 1,
    });
    let has_room = usize::try_from(people).is_ok_and(|people| people < MAX_GENESIS_ACCOUNTS);
    let rich = (0..people).map(person).chain(has_room.then(stranger));
    let accounts = rich.map(|key| GenesisAccount {
        address: key.address(),
        balance: Amount::from_nits(WEALTH_NITS),
        name: None,
    });
    let genesis = Genesis {
        network: "simulation".to_owned(),
        time_ms: DAWN_MS,
        rules: Rules {
            fee: Amount::from_nits(FEE_NITS),
            min_balance: Amount::from_nits(10),
            ..Rules::default()
        },
        accounts: accounts.collect(),
        validators: ValidatorSet::new(voting.collect())?,
    };
    let keys = (0..validators).map(validator);
    Ok(Cast {
        genesis: genesis.checked()?,
        keys: keys.chain((0..followers).map(follower)).collect(),
    })
}
