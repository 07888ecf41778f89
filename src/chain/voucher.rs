//! A voucher as it stands in the state: money under a one-time key, for whoever has that key's secret.
//!
//! Nothing here decides what may happen to a voucher: that is `rules/vouchers.rs`; what does happen is `ledger.rs`. Why it
//! is so: `docs/decisions/vouchers.md`.

use super::amount::Amount;
use super::codec::{Decode, DecodeError, Encode, Reader, put_sequence};
use super::hash::Hash;
use super::key::{Address, PublicKey, SecretKey, Signature};
use super::transaction::TransactionId;

/// Most claims of one voucher: who has claimed stands in the state as long as it is open.
pub const MAX_CLAIMS: u16 = 256;

/// The longest life of a voucher: a year and a day, in milliseconds.
pub const MAX_VOUCHER_LIFE_MS: u64 = 366 * 24 * 60 * 60 * 1000;

const SIGN_TAG: &[u8] = b"natcoin/voucher/sign/1";

/// What the state tree holds of an open voucher. When nothing is left, it is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Voucher {
    /// Whose money it was, and who alone can take the rest back.
    pub opener: Address,
    /// The transaction that opened it: no other voucher, also none of the same key, has this one.
    pub opening: TransactionId,
    /// What each claim takes out, its fee included.
    pub share: Amount,
    /// How many claims are left, at least 1.
    pub left: u16,
    /// The last block time at which it can be claimed: milliseconds since 1970.
    pub until_ms: u64,
    /// Who has claimed, in order of their addresses.
    pub claimed: Vec<Address>,
}

impl Voucher {
    /// What is locked in it. It was there when the voucher was opened, so it can be written.
    pub fn locked(&self) -> Amount {
        let nits = self.share.nits().saturating_mul(u64::from(self.left));
        Amount::from_nits(nits)
    }

    /// The same in nits, for sums of many.
    pub fn locked_nits(&self) -> u128 {
        u128::from(self.share.nits()) * u128::from(self.left)
    }

    /// Whether this account has claimed its share.
    pub fn is_claimed_by(&self, account: &Address) -> bool {
        self.claimed.binary_search(account).is_ok()
    }

    /// The voucher after a claim by this account; `None` when nothing is left in it.
    #[must_use]
    pub fn after_claim(mut self, account: &Address) -> Option<Self> {
        self.left = self.left.saturating_sub(1);
        if let Err(place) = self.claimed.binary_search(account) {
            self.claimed.insert(place, *account);
        }
        (self.left > 0).then_some(self)
    }

    /// The hash that stands for it in the state tree.
    pub fn leaf(&self) -> Hash {
        Hash::of_value("natcoin/state/voucher/1", self)
    }
}

/// What a claim says, and a voucher's secret signs: who takes a share of what. So a claim that was seen on its way is of
/// use to nobody else, and on no other network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClaimWords {
    /// The network.
    pub genesis: Hash,
    /// The voucher's key.
    pub voucher: PublicKey,
    /// The transaction that opened it.
    pub opening: TransactionId,
    /// Who claims.
    pub claimer: Address,
}

impl ClaimWords {
    /// The bytes that are signed.
    pub fn sign_bytes(&self) -> Vec<u8> {
        let mut bytes = SIGN_TAG.to_vec();
        self.genesis.encode(&mut bytes);
        self.voucher.encode(&mut bytes);
        self.opening.encode(&mut bytes);
        self.claimer.encode(&mut bytes);
        bytes
    }

    /// The proof that whoever claims has the voucher's secret.
    pub fn sign(&self, secret: &SecretKey) -> Signature {
        secret.sign(&self.sign_bytes())
    }
}

impl Encode for Voucher {
    fn encode(&self, out: &mut Vec<u8>) {
        self.opener.encode(out);
        self.opening.encode(out);
        self.share.encode(out);
        self.left.encode(out);
        self.until_ms.encode(out);
        put_sequence(out, &self.claimed);
    }
}

impl Decode for Voucher {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let voucher = Self {
            opener: Address::decode(reader)?,
            opening: Hash::decode(reader)?,
            share: Amount::decode(reader)?,
            left: u16::decode(reader)?,
            until_ms: u64::decode(reader)?,
            claimed: reader.sequence("claimed", usize::from(MAX_CLAIMS))?,
        };
        let is_ordered = voucher.claimed.is_sorted_by(|one, next| one < next);
        let claims = usize::from(voucher.left) + voucher.claimed.len();
        let has_room = claims <= usize::from(MAX_CLAIMS);
        let fits = voucher.locked_nits() <= u128::from(u64::MAX);
        match voucher.left > 0 && is_ordered && has_room && fits {
            true => Ok(voucher),
            false => Err(DecodeError::invalid(
                "voucher",
                format!(
                    "{} claims left and {} made, of {MAX_CLAIMS} at most, are no open voucher's",
                    voucher.left,
                    voucher.claimed.len()
                ),
            )),
        }
    }
}
