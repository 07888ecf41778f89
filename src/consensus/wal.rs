//! Entries of the write-ahead log: the inputs from which a crashed height is replayed.
//!
//! A proposed block is logged with its body, because after a crash there may be nobody to ask for it.

use std::sync::Arc;

use arc_malachitebft_core_consensus::{Input, ProposedValue};
use arc_malachitebft_core_types::{
    Round, SignedMessage, Timeout, TimeoutKind, Validity, ValueOrigin,
};

use super::context::{Ctx, Height, Value};
use super::message::Message;
use super::signing::{from_core_polka, from_core_proposal, from_core_vote, to_core_input};
use crate::chain::block::Block;
use crate::chain::codec::{Decode, DecodeError, Encode, Reader};
use crate::chain::hash::Hash;
use crate::chain::key::Address;

/// One entry, ready to be replayed.
pub struct Entry {
    pub input: Input<Ctx>,
    pub body: Option<Arc<Block>>,
}

/// The bytes of an input that the core wants logged; `None` for kinds that are never logged.
pub fn encode(input: &Input<Ctx>, body: impl Fn(&Hash) -> Option<Arc<Block>>) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    match input {
        Input::Vote(vote) => put_message(&mut out, Message::Vote(from_core_vote(vote)?)),
        Input::Proposal(proposal) => {
            put_message(&mut out, Message::Proposal(from_core_proposal(proposal)?));
        }
        Input::PolkaCertificate(certificate) => {
            put_message(&mut out, Message::Polka(from_core_polka(certificate)?));
        }
        Input::TimeoutElapsed(timeout) => {
            out.push(1);
            out.push(match timeout.kind {
                TimeoutKind::Propose => 0,
                TimeoutKind::Prevote => 1,
                TimeoutKind::Precommit => 2,
                TimeoutKind::Rebroadcast | TimeoutKind::FinalizeHeight(_) => return None,
            });
            timeout.round.as_u32()?.encode(&mut out);
        }
        Input::ProposedValue(value, _) => {
            out.push(2);
            value.height.0.encode(&mut out);
            value.round.as_u32()?.encode(&mut out);
            value.valid_round.as_u32().encode(&mut out);
            value.proposer.encode(&mut out);
            value.validity.is_valid().encode(&mut out);
            value.value.0.encode(&mut out);
            let body = body(&value.value.0);
            body.is_some().encode(&mut out);
            if let Some(body) = body {
                body.encode(&mut out);
            }
        }
        Input::StartHeight(..)
        | Input::RoundCertificate(_)
        | Input::Propose(_)
        | Input::SyncValueResponse(_) => return None,
    }
    Some(out)
}

fn put_message(out: &mut Vec<u8>, message: Message) {
    out.push(0);
    message.encode(out);
}

/// The entry of some bytes.
pub fn decode(bytes: &[u8]) -> Result<Entry, DecodeError> {
    let mut reader = Reader::new(bytes);
    let entry = match u8::decode(&mut reader)? {
        0 => Entry {
            input: to_core_input(Message::decode(&mut reader)?),
            body: None,
        },
        1 => {
            let kind = match u8::decode(&mut reader)? {
                0 => TimeoutKind::Propose,
                1 => TimeoutKind::Prevote,
                2 => TimeoutKind::Precommit,
                tag => {
                    return Err(DecodeError::UnknownTag {
                        what: "timeout",
                        tag,
                    });
                }
            };
            let round = Round::new(u32::decode(&mut reader)?);
            Entry {
                input: Input::TimeoutElapsed(Timeout::new(round, kind)),
                body: None,
            }
        }
        2 => {
            let height = Height(u64::decode(&mut reader)?);
            let round = Round::new(u32::decode(&mut reader)?);
            let valid_round = round_or_nil(Option::decode(&mut reader)?);
            let proposer = Address::decode(&mut reader)?;
            let validity = Validity::from_bool(bool::decode(&mut reader)?);
            let value = Value(Hash::decode(&mut reader)?);
            let body = match bool::decode(&mut reader)? {
                true => Some(Arc::new(Block::decode(&mut reader)?)),
                false => None,
            };
            let proposed = ProposedValue {
                height,
                round,
                valid_round,
                proposer,
                value,
                validity,
            };
            Entry {
                input: Input::ProposedValue(proposed, ValueOrigin::Consensus),
                body,
            }
        }
        tag => {
            return Err(DecodeError::UnknownTag {
                what: "log entry",
                tag,
            });
        }
    };
    reader.finish()?;
    Ok(entry)
}

/// The core's round of an optional one.
pub fn round_or_nil(round: Option<u32>) -> Round {
    round.map_or(Round::Nil, Round::new)
}

/// A core message with its signature.
pub fn signed<T>(message: T, signature: crate::chain::key::Signature) -> SignedMessage<Ctx, T> {
    SignedMessage::new(message, signature)
}

/// The message of an entry, if it is one.
pub fn message_of(bytes: &[u8]) -> Option<Message> {
    match bytes.split_first() {
        Some((0, rest)) => Message::from_bytes(rest).ok(),
        _ => None,
    }
}
