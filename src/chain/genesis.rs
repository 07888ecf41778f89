//! The genesis: what a network is from its first moment. Its hash is the network's identity.

use super::amount::Amount;
use super::codec::{Decode, DecodeError, Encode, Reader, put_bytes, put_sequence};
use super::hash::Hash;
use super::key::Address;
use super::name::Name;
use super::validator::{ValidatorSet, ValidatorSetError};

/// Most accounts that a genesis endows.
pub const MAX_GENESIS_ACCOUNTS: usize = 10_000;

/// Longest network name in bytes.
pub const MAX_NETWORK_NAME: usize = 32;

/// Limits that [`Rules`] must keep.
const BLOCK_BYTES: std::ops::RangeInclusive<u32> = 16_384..=(super::block::MAX_BLOCK_BYTES as u32);
const BLOCK_TRANSACTIONS: std::ops::RangeInclusive<u32> =
    1..=(super::block::MAX_BLOCK_TRANSACTIONS as u32);
const WINDOW: std::ops::RangeInclusive<u64> = 10..=1_000_000;
const HEARTBEAT_MS: std::ops::RangeInclusive<u32> = 1_000..=600_000;

/// The community's rules; they stand in the state tree too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// What every transaction pays to the proposer: exactly this or more; may be zero.
    pub fee: Amount,
    /// The smallest balance of a new account, so that dust does not grow the state.
    pub min_balance: Amount,
    /// Most bytes of a block.
    pub max_block_bytes: u32,
    /// Most transactions of a block.
    pub max_block_transactions: u32,
    /// How many heights ahead a transaction's `valid_until` may lie.
    pub max_validity: u64,
    /// Milliseconds after which an idle network makes an empty block.
    pub heartbeat_ms: u32,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            fee: Amount::ZERO,
            min_balance: Amount::from_nits(1),
            max_block_bytes: 1 << 20,
            max_block_transactions: 4096,
            max_validity: 100_000,
            heartbeat_ms: 30_000,
        }
    }
}

/// An account that exists from the beginning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GenesisAccount {
    /// Its address.
    pub address: Address,
    /// Its money.
    pub balance: Amount,
    /// Its name, if it has one already.
    pub name: Option<Name>,
}

/// What a network is from its first moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Genesis {
    /// The network's name: 1 to 32 of a-z, 0-9 and -.
    pub network: String,
    /// Its birth: milliseconds since 1970.
    pub time_ms: u64,
    /// Its rules.
    pub rules: Rules,
    /// Its first accounts, ordered by address, each once.
    pub accounts: Vec<GenesisAccount>,
    /// Its validators.
    pub validators: ValidatorSet,
}

/// Why a genesis is not sound.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GenesisError {
    /// The network's name.
    #[error("the network name {0:?} is not valid: 1 to 32 of a-z, 0-9 and - are allowed")]
    NetworkName(String),
    /// A rule out of its bounds.
    #[error("the rule {rule} is {value}: {allowed} is allowed")]
    Rule {
        /// The rule's name in the file.
        rule: &'static str,
        /// Its value.
        value: u64,
        /// Its bounds.
        allowed: String,
    },
    /// Too many accounts.
    #[error("there are {0} accounts: at most {MAX_GENESIS_ACCOUNTS} are allowed")]
    TooManyAccounts(usize),
    /// An account twice.
    #[error("the account {0} is listed twice")]
    AccountTwice(Address),
    /// A name twice.
    #[error("the name @{0} is given twice")]
    NameTwice(Name),
    /// A balance below the rule `min_balance`.
    #[error("the account {address} has {balance} NAT: the rule min_balance asks for {min_balance}")]
    Dust {
        /// The account.
        address: Address,
        /// Its balance.
        balance: Amount,
        /// The rule.
        min_balance: Amount,
    },
    /// All money together is more than can be written.
    #[error("the balances add up to more than 184467440737.09551615 NAT")]
    SupplyTooLarge,
    /// The validators.
    #[error(transparent)]
    Validators(#[from] ValidatorSetError),
}

impl Genesis {
    /// The network's identity.
    pub fn hash(&self) -> Hash {
        Hash::of_value("natcoin/genesis/1", self)
    }

    /// All money; constant for ever.
    pub fn supply(&self) -> Amount {
        Amount::checked_sum(self.accounts.iter().map(|account| account.balance))
            .unwrap_or(Amount::MAX)
    }

    /// Orders the accounts and checks everything.
    ///
    /// # Errors
    /// A [`GenesisError`] that names the value and its limit.
    pub fn checked(mut self) -> Result<Self, GenesisError> {
        self.accounts.sort_by_key(|account| account.address);
        if !network_name_is_valid(&self.network) {
            return Err(GenesisError::NetworkName(self.network));
        }
        self.rules.check()?;
        if self.accounts.len() > MAX_GENESIS_ACCOUNTS {
            return Err(GenesisError::TooManyAccounts(self.accounts.len()));
        }
        let mut names = std::collections::BTreeSet::new();
        let mut previous = None;
        for account in &self.accounts {
            if previous == Some(account.address) {
                return Err(GenesisError::AccountTwice(account.address));
            }
            previous = Some(account.address);
            if account.balance < self.rules.min_balance {
                return Err(GenesisError::Dust {
                    address: account.address,
                    balance: account.balance,
                    min_balance: self.rules.min_balance,
                });
            }
            if let Some(name) = &account.name
                && !names.insert(name)
            {
                return Err(GenesisError::NameTwice(name.clone()));
            }
        }
        Amount::checked_sum(self.accounts.iter().map(|account| account.balance))
            .ok_or(GenesisError::SupplyTooLarge)?;
        Ok(self)
    }
}

fn network_name_is_valid(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=MAX_NETWORK_NAME).contains(&name.len()) && name.bytes().all(allowed)
}

impl Rules {
    /// Checks every rule against its bounds.
    ///
    /// # Errors
    /// [`GenesisError::Rule`].
    pub fn check(&self) -> Result<(), GenesisError> {
        within("max_block_bytes", self.max_block_bytes, &BLOCK_BYTES)?;
        within(
            "max_block_transactions",
            self.max_block_transactions,
            &BLOCK_TRANSACTIONS,
        )?;
        within("max_validity", self.max_validity, &WINDOW)?;
        within("heartbeat_ms", self.heartbeat_ms, &HEARTBEAT_MS)
    }
}

fn within<T>(
    rule: &'static str,
    value: T,
    allowed: &std::ops::RangeInclusive<T>,
) -> Result<(), GenesisError>
where
    T: PartialOrd + Copy + Into<u64>,
{
    if allowed.contains(&value) {
        return Ok(());
    }
    let (low, high): (u64, u64) = ((*allowed.start()).into(), (*allowed.end()).into());
    Err(GenesisError::Rule {
        rule,
        value: value.into(),
        allowed: format!("{low} to {high}"),
    })
}

impl Encode for Rules {
    fn encode(&self, out: &mut Vec<u8>) {
        self.fee.encode(out);
        self.min_balance.encode(out);
        self.max_block_bytes.encode(out);
        self.max_block_transactions.encode(out);
        self.max_validity.encode(out);
        self.heartbeat_ms.encode(out);
    }
}

impl Decode for Rules {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let rules = Self {
            fee: Amount::decode(reader)?,
            min_balance: Amount::decode(reader)?,
            max_block_bytes: u32::decode(reader)?,
            max_block_transactions: u32::decode(reader)?,
            max_validity: u64::decode(reader)?,
            heartbeat_ms: u32::decode(reader)?,
        };
        rules
            .check()
            .map_err(|error| DecodeError::invalid("rules", error))?;
        Ok(rules)
    }
}

impl Encode for GenesisAccount {
    fn encode(&self, out: &mut Vec<u8>) {
        self.address.encode(out);
        self.balance.encode(out);
        self.name.encode(out);
    }
}

impl Encode for Genesis {
    fn encode(&self, out: &mut Vec<u8>) {
        put_bytes(out, self.network.as_bytes());
        self.time_ms.encode(out);
        self.rules.encode(out);
        put_sequence(out, &self.accounts);
        self.validators.encode(out);
    }
}

#[cfg(test)]
mod tests;
