//! What is said in the room, as bytes.
//!
//! Each message is one frame. The first byte of a knock is the format, and a refusal is the same in every format, so
//! that programs of different versions can at least tell each other so. Texts of others end up on terminals: control
//! characters are refused.

use crate::chain::codec::{Decode, DecodeError, Encode, Reader, put_bytes, put_sequence};
use crate::chain::hash::Hash;
use crate::chain::key::PublicKey;
use crate::chain::name::Name;
use crate::directory::address::MAX_ADDRESSES;

/// The format of all messages.
pub const FORMAT: u8 = 1;
/// Most bytes of a knock.
pub const MAX_KNOCK_BYTES: usize = 4 << 10;
/// Most bytes of what a member says in a round.
pub const MAX_VALUE_BYTES: usize = 8 << 10;
/// Most bytes of a member's message.
pub const MAX_TO_HUB_BYTES: usize = MAX_VALUE_BYTES + 64;
/// Most bytes of the plan: a thousand first accounts with their names.
pub const MAX_PLAN_BYTES: usize = 192 << 10;
/// Most bytes of a message to a member.
pub const MAX_TO_MEMBER_BYTES: usize = super::MAX_FOUNDERS * MAX_VALUE_BYTES + 4096;
/// Most bytes of a text that says why.
pub const MAX_TEXT_BYTES: usize = 300;
/// Most bytes of a program's version.
pub const MAX_VERSION_BYTES: usize = 32;
/// Most bytes of an address as text.
pub const MAX_ADDRESS_BYTES: usize = 300;

const _: () = assert!(MAX_PLAN_BYTES + 64 <= MAX_TO_MEMBER_BYTES);

/// A round: everybody says one thing, and hears what each has said when all have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Round {
    /// Whom I could not reach, and what my clock says.
    Check = 1,
    /// A hash that ties me to a random number.
    Commit = 2,
    /// The number.
    Reveal = 3,
    /// My operator has compared the words.
    Words = 4,
    /// I have seen the first block of the rehearsal.
    Rehearse = 5,
    /// My key and the draft are durable.
    Ready = 6,
    /// My signature.
    Sign = 7,
    /// My home is written.
    Written = 8,
}

impl Round {
    /// All of them, in their order.
    pub const ALL: [Self; 8] = [
        Self::Check,
        Self::Commit,
        Self::Reveal,
        Self::Words,
        Self::Rehearse,
        Self::Ready,
        Self::Sign,
        Self::Written,
    ];

    /// The one behind it.
    pub fn next(self) -> Option<Self> {
        Self::ALL.into_iter().find(|round| *round > self)
    }
}

/// Why a ceremony ends without a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// Somebody left.
    Left = 1,
    /// Somebody did not see the same words, or did not want these rules.
    WordsRefused = 2,
    /// Nothing was heard of somebody for [`super::SILENCE`], or the connection broke.
    Lost = 3,
    /// Somebody took too long.
    Late = 4,
    /// Somebody said what must not be said then.
    OutOfTurn = 5,
    /// Somebody found the plan not to be what was talked of.
    PlanRefused = 6,
    /// The rehearsal did not come to its first block.
    RehearsalFailed = 7,
    /// Somebody could not write.
    CannotWrite = 8,
}

/// That it is over, because of whom and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Off {
    /// Whose doing it is; `None` for the host's room itself.
    pub who: Option<Name>,
    /// Why.
    pub cause: Cause,
    /// What else there is to say; may be empty.
    pub why: String,
}

/// Wishes to be let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Knock {
    /// See [`door_proof`].
    pub proof: Hash,
    /// The program's version.
    pub version: String,
    /// The name that the node wants; `None` for any.
    pub name: Option<Name>,
    /// Where the node will be dialled.
    pub addresses: Vec<String>,
}

/// What a member says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToHub {
    /// Let me in.
    Knock(Knock),
    /// I am there; what does your clock say?
    Beat(u32),
    /// My part of a round.
    Say {
        /// The round.
        round: Round,
        /// What is said.
        value: Vec<u8>,
    },
    /// I do not go on.
    Leave {
        /// Why.
        cause: Cause,
        /// What else there is to say.
        why: String,
    },
}

/// Who is in the room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Present {
    /// The node's name.
    pub name: Name,
    /// Its key.
    pub key: PublicKey,
    /// Where it will be dialled.
    pub addresses: Vec<String>,
}

/// What a member is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToMember {
    /// You are not let in.
    Refused(String),
    /// You are in, under this name.
    Welcome(Name),
    /// Who is there.
    Room(Vec<Present>),
    /// Something to know.
    Notice(String),
    /// The answer to a beat.
    Beat {
        /// Its number.
        number: u32,
        /// The host's wall clock.
        unix_ms: u64,
    },
    /// What is to be agreed on: a bootstrap file without signatures.
    Plan(String),
    /// What each has said, in the order of the plan's nodes.
    All {
        /// The round.
        round: Round,
        /// One of each.
        values: Vec<Vec<u8>>,
    },
    /// It is over.
    Off(Off),
}

/// What shows that a peer has the code: made anew for each pair, so that it is of no use to anybody else.
pub fn door_proof(secret: &[u8; 16], host: &PublicKey, guest: &PublicKey) -> Hash {
    Hash::of("natcoin/founding/door/1", &[secret, &host.0, &guest.0])
}

fn text<'a>(
    reader: &mut Reader<'a>,
    what: &'static str,
    limit: usize,
) -> Result<&'a str, DecodeError> {
    let text = reader.text(what, limit)?;
    match text.chars().any(char::is_control) {
        true => Err(DecodeError::invalid(what, "it has a control character")),
        false => Ok(text),
    }
}

/// A text within its limit and without control characters, cut at a character.
pub fn plain(text: &str, limit: usize) -> String {
    let tame = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let mut plain: String = tame.collect();
    let mut end = plain.len().min(limit);
    while !plain.is_char_boundary(end) {
        end -= 1;
    }
    plain.truncate(end);
    plain
}

fn texts(out: &mut Vec<u8>, texts: &[String]) {
    u8::try_from(texts.len()).unwrap_or(u8::MAX).encode(out);
    for text in texts {
        put_bytes(out, text.as_bytes());
    }
}

fn addresses(reader: &mut Reader<'_>) -> Result<Vec<String>, DecodeError> {
    let count = usize::from(u8::decode(reader)?);
    if count > MAX_ADDRESSES {
        return Err(DecodeError::TooLong {
            what: "addresses",
            length: count,
            limit: MAX_ADDRESSES,
        });
    }
    let one = |_| Ok(text(reader, "address", MAX_ADDRESS_BYTES)?.to_owned());
    (0..count).map(one).collect()
}

macro_rules! one_byte {
    ($kind:ty, $what:literal, $all:expr) => {
        impl Encode for $kind {
            fn encode(&self, out: &mut Vec<u8>) {
                (*self as u8).encode(out);
            }
        }
        impl Decode for $kind {
            fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
                let tag = u8::decode(reader)?;
                let found = $all.into_iter().find(|one| *one as u8 == tag);
                found.ok_or(DecodeError::UnknownTag { what: $what, tag })
            }
        }
    };
}
one_byte!(Round, "round", Round::ALL);
one_byte!(
    Cause,
    "cause",
    [
        Self::Left,
        Self::WordsRefused,
        Self::Lost,
        Self::Late,
        Self::OutOfTurn,
        Self::PlanRefused,
        Self::RehearsalFailed,
        Self::CannotWrite,
    ]
);

impl Encode for Off {
    fn encode(&self, out: &mut Vec<u8>) {
        self.who.encode(out);
        self.cause.encode(out);
        put_bytes(out, self.why.as_bytes());
    }
}

impl Decode for Off {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            who: Option::decode(reader)?,
            cause: Cause::decode(reader)?,
            why: text(reader, "reason", MAX_TEXT_BYTES)?.to_owned(),
        })
    }
}

impl Encode for Present {
    fn encode(&self, out: &mut Vec<u8>) {
        self.name.encode(out);
        self.key.encode(out);
        texts(out, &self.addresses);
    }
}

impl Decode for Present {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            name: Name::decode(reader)?,
            key: PublicKey::decode(reader)?,
            addresses: addresses(reader)?,
        })
    }
}

impl Encode for ToHub {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Knock(knock) => {
                out.push(FORMAT);
                knock.proof.encode(out);
                put_bytes(out, knock.version.as_bytes());
                knock.name.encode(out);
                texts(out, &knock.addresses);
            }
            Self::Beat(number) => {
                out.push(0x81);
                number.encode(out);
            }
            Self::Say { round, value } => {
                out.push(0x82);
                round.encode(out);
                put_bytes(out, value);
            }
            Self::Leave { cause, why } => {
                out.push(0x83);
                cause.encode(out);
                put_bytes(out, why.as_bytes());
            }
        }
    }
}

impl Decode for ToHub {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(match u8::decode(reader)? {
            FORMAT => Self::Knock(Knock {
                proof: Hash::decode(reader)?,
                version: text(reader, "version", MAX_VERSION_BYTES)?.to_owned(),
                name: Option::decode(reader)?,
                addresses: addresses(reader)?,
            }),
            0x81 => Self::Beat(u32::decode(reader)?),
            0x82 => Self::Say {
                round: Round::decode(reader)?,
                value: reader.bytes("value", MAX_VALUE_BYTES)?.to_vec(),
            },
            0x83 => Self::Leave {
                cause: Cause::decode(reader)?,
                why: text(reader, "reason", MAX_TEXT_BYTES)?.to_owned(),
            },
            tag => {
                let what = "founder's message";
                return Err(DecodeError::UnknownTag { what, tag });
            }
        })
    }
}

impl Encode for ToMember {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Refused(why) => {
                out.push(0);
                put_bytes(out, why.as_bytes());
            }
            Self::Welcome(name) => {
                out.push(1);
                name.encode(out);
            }
            Self::Room(present) => {
                out.push(2);
                put_sequence(out, present);
            }
            Self::Notice(text) => {
                out.push(3);
                put_bytes(out, text.as_bytes());
            }
            Self::Beat { number, unix_ms } => {
                out.push(4);
                number.encode(out);
                unix_ms.encode(out);
            }
            Self::Plan(plan) => {
                out.push(5);
                put_bytes(out, plan.as_bytes());
            }
            Self::All { round, values } => {
                out.push(6);
                round.encode(out);
                u8::try_from(values.len()).unwrap_or(u8::MAX).encode(out);
                for value in values {
                    put_bytes(out, value);
                }
            }
            Self::Off(off) => {
                out.push(7);
                off.encode(out);
            }
        }
    }
}

impl Decode for ToMember {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(match u8::decode(reader)? {
            0 => Self::Refused(text(reader, "refusal", MAX_TEXT_BYTES)?.to_owned()),
            1 => Self::Welcome(Name::decode(reader)?),
            2 => Self::Room(reader.sequence("room", super::MAX_FOUNDERS)?),
            3 => Self::Notice(text(reader, "notice", MAX_TEXT_BYTES)?.to_owned()),
            4 => Self::Beat {
                number: u32::decode(reader)?,
                unix_ms: u64::decode(reader)?,
            },
            5 => Self::Plan(reader.text("plan", MAX_PLAN_BYTES)?.to_owned()),
            6 => {
                let round = Round::decode(reader)?;
                let count = usize::from(u8::decode(reader)?);
                if count > super::MAX_FOUNDERS {
                    return Err(DecodeError::TooLong {
                        what: "values",
                        length: count,
                        limit: super::MAX_FOUNDERS,
                    });
                }
                let one = |_| Ok(reader.bytes("value", MAX_VALUE_BYTES)?.to_vec());
                let values = (0..count).map(one).collect::<Result<_, DecodeError>>()?;
                Self::All { round, values }
            }
            7 => Self::Off(Off::decode(reader)?),
            tag => {
                let what = "room's message";
                return Err(DecodeError::UnknownTag { what, tag });
            }
        })
    }
}
