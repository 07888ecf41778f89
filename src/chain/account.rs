//! An account as it stands in the state, and the chain of hashes over its activities.
//!
//! Nothing here decides what may happen to an account: that is `rules.rs`; what does happen is
//! `ledger.rs`.

use super::amount::Amount;
use super::codec::{Decode, DecodeError, Encode, Reader};
use super::hash::Hash;
use super::key::{Address, PublicKey};
use super::name::Name;
use super::transaction::TransactionId;

/// What the state tree holds of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its money.
    pub balance: Amount,
    /// How many transactions it has sent: the nonce that its next one must carry.
    pub nonce: u64,
    /// The key that signs for it now; at birth the one that its address shows.
    pub key: PublicKey,
    /// How many transactions it has sent or been paid by.
    pub activities: u64,
    /// The head of the hash chain over those; [`Hash::ZERO`] while there is none.
    pub head: Hash,
    /// Its name, if it has claimed one.
    pub name: Option<Name>,
}

impl Account {
    /// An account at birth: nothing in it, nothing done.
    pub fn new(address: &Address) -> Self {
        Self {
            balance: Amount::ZERO,
            nonce: 0,
            key: address.birth_key(),
            activities: 0,
            head: Hash::ZERO,
            name: None,
        }
    }

    /// Notes a transaction that the account sent or was paid by.
    pub fn record(&mut self, id: &TransactionId, height: u64, time_ms: u64) {
        self.head = activity_head(&self.head, id, height, time_ms);
        self.activities += 1;
    }

    /// The hash that stands for it in the state tree.
    pub fn leaf(&self) -> Hash {
        Hash::of_value("natcoin/state/account/1", self)
    }
}

/// The next link of an account's hash chain: `H(head | transaction id | height | time)`.
///
/// The time is the block's, so that a wallet shows proven dates and not only a proven order.
pub fn activity_head(head: &Hash, id: &TransactionId, height: u64, time_ms: u64) -> Hash {
    let (height, time) = (height.to_le_bytes(), time_ms.to_le_bytes());
    Hash::of("natcoin/activity/1", &[&head.0, &id.0, &height, &time])
}

impl Encode for Account {
    fn encode(&self, out: &mut Vec<u8>) {
        self.balance.encode(out);
        self.nonce.encode(out);
        self.key.encode(out);
        self.activities.encode(out);
        self.head.encode(out);
        self.name.encode(out);
    }
}

impl Decode for Account {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            balance: Amount::decode(reader)?,
            nonce: u64::decode(reader)?,
            key: PublicKey::decode(reader)?,
            activities: u64::decode(reader)?,
            head: Hash::decode(reader)?,
            name: Option::decode(reader)?,
        })
    }
}
