//! An answer of any kind, as it travels.

use super::trust::{Anchor, AnswerError, Moment, Trust};
use super::{
    AccountAnswer, ActivitiesAnswer, BlockAnswer, MAX_ANSWER_BYTES, NameAnswer, NetworkAnswer,
    TransactionAnswer, VoucherAnswer,
};
use crate::chain::codec::{Decode, DecodeError, Encode, Reader};

/// What a node answers: nothing in it is believed before its `verify`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// To [`Query::Status`](super::Query::Status).
    Status(Status),
    /// To [`Query::Network`](super::Query::Network).
    Network(NetworkAnswer),
    /// To [`Query::Account`](super::Query::Account).
    Account(AccountAnswer),
    /// To [`Query::Name`](super::Query::Name).
    Name(NameAnswer),
    /// To [`Query::Transaction`](super::Query::Transaction).
    Transaction(Box<TransactionAnswer>),
    /// To [`Query::Activities`](super::Query::Activities).
    Activities(ActivitiesAnswer),
    /// To [`Query::Block`](super::Query::Block).
    Block(BlockAnswer),
    /// To [`Query::Voucher`](super::Query::Voucher).
    Voucher(VoucherAnswer),
    /// To any: there is no answer here.
    Unavailable(Unavailable),
}

/// How a node is. Only the anchor is proven; the rest is the node's word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// The newest block that the node holds.
    pub anchor: Anchor,
    /// How many validators the node hears, itself included if it is one.
    pub validators_up: u16,
    /// How many transactions wait there.
    pub waiting: u32,
}

/// Why a node has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// It knows no such transaction or block: there is none, or it is behind.
    #[error(
        "the node does not know it: it may not be final yet, or the node is behind; ask another node or again"
    )]
    Unknown,
    /// It has too much to do.
    #[error("the node is busy: ask another node, or again in a moment")]
    Busy,
}

impl Status {
    /// Proves the newest block; the rest stays hearsay.
    ///
    /// # Errors
    /// An [`AnswerError`] if it is not certified.
    pub fn verify(&self, trust: &Trust) -> Result<Moment, AnswerError> {
        self.anchor.verify(trust)
    }
}

impl Answer {
    fn kind(&self) -> &'static str {
        match self {
            Self::Status(_) => "a status",
            Self::Network(_) => "the network",
            Self::Account(_) => "an account",
            Self::Name(_) => "a name",
            Self::Transaction(_) => "a transaction",
            Self::Activities(_) => "activities",
            Self::Block(_) => "a block",
            Self::Voucher(_) => "a voucher",
            Self::Unavailable(_) => "nothing",
        }
    }

    fn other(self, asked: &'static str) -> AnswerError {
        match self {
            Self::Unavailable(why) => AnswerError::Unavailable(why),
            other => AnswerError::OtherKind {
                asked,
                given: other.kind(),
            },
        }
    }
}

macro_rules! takers {
    ($($name:ident: $variant:ident($kind:ty), $asked:literal;)*) => {
        impl Answer {$(
            #[doc = concat!("The answer to a question for ", $asked, ", still to be verified.")]
            ///
            /// # Errors
            /// [`AnswerError::Unavailable`] if there is none, [`AnswerError::OtherKind`] if it is none to this question.
            pub fn $name(self) -> Result<$kind, AnswerError> {
                match self {
                    Self::$variant(answer) => Ok(answer),
                    other => Err(other.other($asked)),
                }
            }
        )*}
    };
}
takers! {
    into_status: Status(Status), "a status";
    into_network: Network(NetworkAnswer), "the network";
    into_account: Account(AccountAnswer), "an account";
    into_name: Name(NameAnswer), "a name";
    into_transaction: Transaction(Box<TransactionAnswer>), "a transaction";
    into_activities: Activities(ActivitiesAnswer), "activities";
    into_block: Block(BlockAnswer), "a block";
    into_voucher: Voucher(VoucherAnswer), "a voucher";
}

impl Encode for Status {
    fn encode(&self, out: &mut Vec<u8>) {
        self.anchor.encode(out);
        self.validators_up.encode(out);
        self.waiting.encode(out);
    }
}

impl Decode for Status {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            anchor: Anchor::decode(reader)?,
            validators_up: u16::decode(reader)?,
            waiting: u32::decode(reader)?,
        })
    }
}

impl Encode for Unavailable {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(match self {
            Self::Unknown => 0,
            Self::Busy => 1,
        });
    }
}

impl Decode for Unavailable {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match u8::decode(reader)? {
            0 => Ok(Self::Unknown),
            1 => Ok(Self::Busy),
            tag => Err(DecodeError::UnknownTag {
                what: "unavailable",
                tag,
            }),
        }
    }
}

impl Encode for Answer {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(match self {
            Self::Status(_) => 0,
            Self::Network(_) => 1,
            Self::Account(_) => 2,
            Self::Name(_) => 3,
            Self::Transaction(_) => 4,
            Self::Activities(_) => 5,
            Self::Block(_) => 6,
            Self::Unavailable(_) => 7,
            Self::Voucher(_) => 8,
        });
        match self {
            Self::Status(answer) => answer.encode(out),
            Self::Network(answer) => answer.encode(out),
            Self::Account(answer) => answer.encode(out),
            Self::Name(answer) => answer.encode(out),
            Self::Transaction(answer) => answer.encode(out),
            Self::Activities(answer) => answer.encode(out),
            Self::Block(answer) => answer.encode(out),
            Self::Voucher(answer) => answer.encode(out),
            Self::Unavailable(why) => why.encode(out),
        }
    }
}

impl Decode for Answer {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        if reader.remaining() > MAX_ANSWER_BYTES {
            return Err(DecodeError::TooLong {
                what: "answer",
                length: reader.remaining(),
                limit: MAX_ANSWER_BYTES,
            });
        }
        Ok(match u8::decode(reader)? {
            0 => Self::Status(Decode::decode(reader)?),
            1 => Self::Network(Decode::decode(reader)?),
            2 => Self::Account(Decode::decode(reader)?),
            3 => Self::Name(Decode::decode(reader)?),
            4 => Self::Transaction(Box::new(Decode::decode(reader)?)),
            5 => Self::Activities(Decode::decode(reader)?),
            6 => Self::Block(Decode::decode(reader)?),
            7 => Self::Unavailable(Decode::decode(reader)?),
            8 => Self::Voucher(Decode::decode(reader)?),
            tag => {
                return Err(DecodeError::UnknownTag {
                    what: "answer",
                    tag,
                });
            }
        })
    }
}
