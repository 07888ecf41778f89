//! Why a transaction is refused: the list of the rules, in order of precedence.
//!
//! A rejection says that their input is bad, never that we are unsound. It travels to wallets, so it
//! has a canonical encoding (one byte, the rule's number, then its fields) and a stable code for
//! scripts. The numbers and codes are frozen: a rule that goes leaves a gap.

use crate::chain::amount::Amount;
use crate::chain::codec::{Decode, DecodeError, Encode, Reader};
use crate::chain::hash::Hash;
use crate::chain::key::{Address, PublicKey};
use crate::chain::name::Name;

/// The rule that a transaction breaks, the values at fault, and what to do next (after `; `).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// R1.
    #[error(
        "the transaction is for the network {given}, this is {expected}; use that network's bootstrap file"
    )]
    ForeignNetwork {
        /// The genesis hash that it carries.
        given: Hash,
        /// This network's.
        expected: Hash,
    },
    /// R2.
    #[error("the signature is not the sender's; sign the transaction with the account's key")]
    BadSignature,
    /// R3.
    #[error(
        "the transaction expired: it was valid until height {valid_until}, the next block is {height}; send it anew"
    )]
    Expired {
        /// Its last height.
        valid_until: u64,
        /// The height that it would have stood at.
        height: u64,
    },
    /// R4.
    #[error(
        "the transaction is valid until height {valid_until}, at most {limit} is allowed now; make it again with an earlier height"
    )]
    TooFarAhead {
        /// Its last height.
        valid_until: u64,
        /// The latest allowed.
        limit: u64,
    },
    /// R5.
    #[error("the account {sender} has no money yet; let somebody pay to it first")]
    UnknownSender {
        /// The sender.
        sender: Address,
    },
    /// R6.
    #[error(
        "the key {given} is not the account's current key {current}; sign with the current one"
    )]
    WrongKey {
        /// The key that it names.
        given: PublicKey,
        /// The account's.
        current: PublicKey,
    },
    /// R7.
    #[error(
        "the nonce {given} is used, the next is {next}; see in the history whether this payment is done already"
    )]
    NonceUsed {
        /// Its nonce.
        given: u64,
        /// The account's.
        next: u64,
    },
    /// R8.
    #[error(
        "the nonce {given} comes too early, the next is {next}; send the transactions before it first"
    )]
    NonceAhead {
        /// Its nonce.
        given: u64,
        /// The account's.
        next: u64,
    },
    /// R9.
    #[error(
        "the fee of {given} NAT is too low, this network asks for {needed} NAT; make the transaction again with that fee"
    )]
    FeeTooLow {
        /// Its fee.
        given: Amount,
        /// The network's.
        needed: Amount,
    },
    /// R10.
    #[error("the amount is zero; pay at least 0.00000001 NAT")]
    ZeroAmount,
    /// R11.
    #[error("{address} is the sender's own address; choose another payee")]
    OwnAddress {
        /// Sender and payee.
        address: Address,
    },
    /// R12.
    #[error(
        "the account has {balance} NAT, which is not enough for {amount} NAT and a fee of {fee} NAT; pay less, or wait for money to arrive"
    )]
    InsufficientFunds {
        /// What is there.
        balance: Amount,
        /// What is to be paid.
        amount: Amount,
        /// What the network takes for it.
        fee: Amount,
    },
    /// R13.
    #[error(
        "{amount} NAT is too little to begin the account {payee}; pay at least {min_balance} NAT the first time"
    )]
    DustAccount {
        /// The payee.
        payee: Address,
        /// What it would have.
        amount: Amount,
        /// What it must have.
        min_balance: Amount,
    },
    /// R14.
    #[error(
        "the account is @{own} already and cannot be @{claimed} too, since a name is for good; use another account"
    )]
    AlreadyNamed {
        /// The name asked for.
        claimed: Name,
        /// The name it has.
        own: Name,
    },
    /// R15.
    #[error("the name @{name} belongs to {owner}; choose another")]
    NameTaken {
        /// The name.
        name: Name,
        /// Whose it is.
        owner: Address,
    },
    /// R16.
    #[error("a voucher is open under the key {voucher} already; open it under a new key")]
    VoucherOpen {
        /// The key.
        voucher: PublicKey,
    },
    /// R17.
    #[error(
        "a share of {share} NAT is too little for a voucher: with it, an account must be able to begin; give at least {needed} NAT to each"
    )]
    SmallShare {
        /// What each claim would take.
        share: Amount,
        /// What it must be at least.
        needed: Amount,
    },
    /// R18.
    #[error(
        "a voucher that ends at {until} cannot be opened now: its end must be later than {now}, and not after {limit}; choose another end",
        until = utc(*until_ms), now = utc(*time_ms), limit = utc(*limit_ms)
    )]
    VoucherLife {
        /// Its end, in milliseconds since 1970.
        until_ms: u64,
        /// The block's time.
        time_ms: u64,
        /// The latest end allowed.
        limit_ms: u64,
    },
    /// R19.
    #[error(
        "nothing is left under this voucher: it was claimed, or taken back by who gave it; ask them for another"
    )]
    NoVoucher {
        /// Its key.
        voucher: PublicKey,
    },
    /// R20.
    #[error(
        "the voucher is of {opener} and {amount} NAT now, which is not what the transaction says; look at it again"
    )]
    VoucherDiffers {
        /// Who has opened it.
        opener: Address,
        /// The share, or all that is left.
        amount: Amount,
    },
    /// R21.
    #[error(
        "the voucher ended at {until}, it is {now} now; ask who gave it for another",
        until = utc(*until_ms), now = utc(*time_ms)
    )]
    VoucherOver {
        /// Its end, in milliseconds since 1970.
        until_ms: u64,
        /// The block's time.
        time_ms: u64,
    },
    /// R22.
    #[error(
        "the account {claimer} has had its share of this voucher; see `natcoin wallet history`"
    )]
    VoucherClaimed {
        /// The account.
        claimer: Address,
    },
}

/// A time for people. Times on a chain are those of blocks, which are near a clock's.
fn utc(time_ms: u64) -> String {
    crate::chain::utc::format(time_ms)
}

impl Rejection {
    /// The number of the rule, 1 for R1.
    pub fn rule(&self) -> u8 {
        match self {
            Self::ForeignNetwork { .. } => 1,
            Self::BadSignature => 2,
            Self::Expired { .. } => 3,
            Self::TooFarAhead { .. } => 4,
            Self::UnknownSender { .. } => 5,
            Self::WrongKey { .. } => 6,
            Self::NonceUsed { .. } => 7,
            Self::NonceAhead { .. } => 8,
            Self::FeeTooLow { .. } => 9,
            Self::ZeroAmount => 10,
            Self::OwnAddress { .. } => 11,
            Self::InsufficientFunds { .. } => 12,
            Self::DustAccount { .. } => 13,
            Self::AlreadyNamed { .. } => 14,
            Self::NameTaken { .. } => 15,
            Self::VoucherOpen { .. } => 16,
            Self::SmallShare { .. } => 17,
            Self::VoucherLife { .. } => 18,
            Self::NoVoucher { .. } => 19,
            Self::VoucherDiffers { .. } => 20,
            Self::VoucherOver { .. } => 21,
            Self::VoucherClaimed { .. } => 22,
        }
    }

    /// The code for scripts, as it stands in JSON; never changes.
    pub fn code(&self) -> &'static str {
        match self {
            Self::ForeignNetwork { .. } => "foreign_network",
            Self::BadSignature => "bad_signature",
            Self::Expired { .. } => "expired",
            Self::TooFarAhead { .. } => "too_far_ahead",
            Self::UnknownSender { .. } => "unknown_sender",
            Self::WrongKey { .. } => "wrong_key",
            Self::NonceUsed { .. } => "nonce_used",
            Self::NonceAhead { .. } => "nonce_ahead",
            Self::FeeTooLow { .. } => "fee_too_low",
            Self::ZeroAmount => "zero_amount",
            Self::OwnAddress { .. } => "own_address",
            Self::InsufficientFunds { .. } => "insufficient_funds",
            Self::DustAccount { .. } => "dust_account",
            Self::AlreadyNamed { .. } => "already_named",
            Self::NameTaken { .. } => "name_taken",
            Self::VoucherOpen { .. } => "voucher_open",
            Self::SmallShare { .. } => "small_share",
            Self::VoucherLife { .. } => "voucher_life",
            Self::NoVoucher { .. } => "voucher_gone",
            Self::VoucherDiffers { .. } => "voucher_differs",
            Self::VoucherOver { .. } => "voucher_expired",
            Self::VoucherClaimed { .. } => "voucher_claimed",
        }
    }

    /// Whether the transaction may become valid later, when others have been executed: then it is worth
    /// keeping; otherwise it can be forgotten for good.
    pub fn may_pass(&self) -> bool {
        matches!(
            self,
            Self::TooFarAhead { .. }
                | Self::UnknownSender { .. }
                | Self::NonceAhead { .. }
                | Self::InsufficientFunds { .. }
                | Self::DustAccount { .. }
                | Self::VoucherOpen { .. }
        )
    }
}

impl Encode for Rejection {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.rule());
        match self {
            Self::ForeignNetwork { given, expected } => (given, expected).put(out),
            Self::BadSignature | Self::ZeroAmount => {}
            Self::Expired {
                valid_until,
                height,
            } => (valid_until, height).put(out),
            Self::TooFarAhead { valid_until, limit } => (valid_until, limit).put(out),
            Self::UnknownSender { sender } => sender.encode(out),
            Self::WrongKey { given, current } => (given, current).put(out),
            Self::NonceUsed { given, next } | Self::NonceAhead { given, next } => {
                (given, next).put(out);
            }
            Self::FeeTooLow { given, needed } => (given, needed).put(out),
            Self::OwnAddress { address } => address.encode(out),
            Self::InsufficientFunds {
                balance,
                amount,
                fee,
            } => {
                (balance, amount).put(out);
                fee.encode(out);
            }
            Self::DustAccount {
                payee,
                amount,
                min_balance,
            } => {
                (payee, amount).put(out);
                min_balance.encode(out);
            }
            Self::AlreadyNamed { claimed, own } => (claimed, own).put(out),
            Self::NameTaken { name, owner } => (name, owner).put(out),
            Self::VoucherOpen { voucher } | Self::NoVoucher { voucher } => voucher.encode(out),
            Self::SmallShare { share, needed } => (share, needed).put(out),
            Self::VoucherLife {
                until_ms,
                time_ms,
                limit_ms,
            } => {
                (until_ms, time_ms).put(out);
                limit_ms.encode(out);
            }
            Self::VoucherDiffers { opener, amount } => (opener, amount).put(out),
            Self::VoucherOver { until_ms, time_ms } => (until_ms, time_ms).put(out),
            Self::VoucherClaimed { claimer } => claimer.encode(out),
        }
    }
}

/// Two fields, one after another.
trait Put {
    fn put(self, out: &mut Vec<u8>);
}

impl<A: Encode, B: Encode> Put for (&A, &B) {
    fn put(self, out: &mut Vec<u8>) {
        self.0.encode(out);
        self.1.encode(out);
    }
}

fn get<T: Decode>(reader: &mut Reader<'_>) -> Result<T, DecodeError> {
    T::decode(reader)
}

impl Decode for Rejection {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(match u8::decode(reader)? {
            1 => Self::ForeignNetwork {
                given: get(reader)?,
                expected: get(reader)?,
            },
            2 => Self::BadSignature,
            3 => Self::Expired {
                valid_until: get(reader)?,
                height: get(reader)?,
            },
            4 => Self::TooFarAhead {
                valid_until: get(reader)?,
                limit: get(reader)?,
            },
            5 => Self::UnknownSender {
                sender: get(reader)?,
            },
            6 => Self::WrongKey {
                given: get(reader)?,
                current: get(reader)?,
            },
            7 => Self::NonceUsed {
                given: get(reader)?,
                next: get(reader)?,
            },
            8 => Self::NonceAhead {
                given: get(reader)?,
                next: get(reader)?,
            },
            9 => Self::FeeTooLow {
                given: get(reader)?,
                needed: get(reader)?,
            },
            10 => Self::ZeroAmount,
            11 => Self::OwnAddress {
                address: get(reader)?,
            },
            12 => Self::InsufficientFunds {
                balance: get(reader)?,
                amount: get(reader)?,
                fee: get(reader)?,
            },
            13 => Self::DustAccount {
                payee: get(reader)?,
                amount: get(reader)?,
                min_balance: get(reader)?,
            },
            14 => Self::AlreadyNamed {
                claimed: get(reader)?,
                own: get(reader)?,
            },
            15 => Self::NameTaken {
                name: get(reader)?,
                owner: get(reader)?,
            },
            16 => Self::VoucherOpen {
                voucher: get(reader)?,
            },
            17 => Self::SmallShare {
                share: get(reader)?,
                needed: get(reader)?,
            },
            18 => Self::VoucherLife {
                until_ms: get(reader)?,
                time_ms: get(reader)?,
                limit_ms: get(reader)?,
            },
            19 => Self::NoVoucher {
                voucher: get(reader)?,
            },
            20 => Self::VoucherDiffers {
                opener: get(reader)?,
                amount: get(reader)?,
            },
            21 => Self::VoucherOver {
                until_ms: get(reader)?,
                time_ms: get(reader)?,
            },
            22 => Self::VoucherClaimed {
                claimer: get(reader)?,
            },
            tag => {
                return Err(DecodeError::UnknownTag {
                    what: "rejection",
                    tag,
                });
            }
        })
    }
}
