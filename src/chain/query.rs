//! What a wallet asks a node, and answers that prove themselves.
//!
//! An answer carries the certified header that it rests on and the proofs under it; its `verify` gives
//! the value back only if all of that holds under a [`Trust`] made from the bootstrap file alone. What
//! cannot be proven (how many nodes are up, what waits) stands in [`Status`] and is marked as hearsay.
//! That an answer is fresh is for the asker to judge: a [`Moment`] says of when it is.
//!
//! Nothing here asks or answers anybody; formats are in `docs/protocol.md`, "Queries". Read next:
//! `query/trust.rs`, then `query/state.rs` and `query/history.rs`.

mod answer;
mod history;
mod record;
mod state;
#[cfg(test)]
mod tests;
mod trust;
mod voucher;

pub use answer::{Answer, Status, Unavailable};
pub use history::{ActivitiesAnswer, HistoryEntry, HistoryMark, HistoryPage, page_range};
pub use record::{BlockAnswer, BlockRecord, TransactionAnswer, TransactionRecord};
pub use state::{AccountAnswer, NameAnswer, Network, NetworkAnswer, OwnerPart, ProvenOwner};
pub use trust::{Anchor, AnswerError, Certified, Moment, Proven, Trust};
pub use voucher::VoucherAnswer;

use super::codec::{Decode, DecodeError, Encode, Reader};
use super::key::{Address, PublicKey};
use super::name::Name;
use super::transaction::{MAX_TRANSACTION_BYTES, TransactionId};
use super::tree::MAX_PROOF_BYTES;
use super::validator::MAX_VALIDATORS;

/// Most bytes of an encoded [`Answer`].
pub const MAX_ANSWER_BYTES: usize = 256 * 1024;

/// Most bytes of an encoded [`Query`].
pub const MAX_QUERY_BYTES: usize = 64;

/// Most activities of one page.
pub const MAX_PAGE: u8 = 100;

/// The largest page fits into an answer, whatever its transactions, proof and certificate.
const _: () = assert!(
    MAX_PAGE as usize * (MAX_TRANSACTION_BYTES + 16) + MAX_PROOF_BYTES + MAX_VALIDATORS * 66 + 4096
        <= MAX_ANSWER_BYTES
);

/// A question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Query {
    /// How the node is: the newest certified header, and hearsay.
    Status,
    /// The rules and the validators.
    Network,
    /// An account.
    Account(Address),
    /// Whose a name is.
    Name(Name),
    /// A final transaction.
    Transaction(TransactionId),
    /// A page of an account's activities, the newest of the page last.
    Activities {
        /// Whose.
        address: Address,
        /// The number of the page's last activity; `None` for the newest there is.
        upto: Option<u64>,
        /// The most to give, 1 to [`MAX_PAGE`].
        limit: u8,
    },
    /// The block at a height.
    Block(u64),
    /// The voucher that is open under a key.
    Voucher(PublicKey),
}

impl Encode for Query {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Status => out.push(0),
            Self::Network => out.push(1),
            Self::Account(address) => {
                out.push(2);
                address.encode(out);
            }
            Self::Name(name) => {
                out.push(3);
                name.encode(out);
            }
            Self::Transaction(id) => {
                out.push(4);
                id.encode(out);
            }
            Self::Activities {
                address,
                upto,
                limit,
            } => {
                out.push(5);
                address.encode(out);
                upto.encode(out);
                limit.encode(out);
            }
            Self::Block(height) => {
                out.push(6);
                height.encode(out);
            }
            // 7 is what stands in an answer's place where there is none.
            Self::Voucher(key) => {
                out.push(8);
                key.encode(out);
            }
        }
    }
}

impl Decode for Query {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(match u8::decode(reader)? {
            0 => Self::Status,
            1 => Self::Network,
            2 => Self::Account(Address::decode(reader)?),
            3 => Self::Name(Name::decode(reader)?),
            4 => Self::Transaction(TransactionId::decode(reader)?),
            5 => {
                let (address, upto) = (Address::decode(reader)?, Option::decode(reader)?);
                let limit = u8::decode(reader)?;
                if !(1..=MAX_PAGE).contains(&limit) {
                    let why = format!("a page of {limit} activities is asked for: 1 to {MAX_PAGE}");
                    return Err(DecodeError::invalid("query", why));
                }
                Self::Activities {
                    address,
                    upto,
                    limit,
                }
            }
            6 => Self::Block(u64::decode(reader)?),
            8 => Self::Voucher(PublicKey::decode(reader)?),
            tag => return Err(DecodeError::UnknownTag { what: "query", tag }),
        })
    }
}
