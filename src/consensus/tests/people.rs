//! Keys, validators, blocks and hand-made messages for these tests.

use std::sync::Arc;

use crate::chain::block::{Block, Header, VERSION};
use crate::chain::certificate::{VoteKind, vote_sign_bytes};
use crate::chain::hash::Hash;
use crate::chain::key::{Address, SecretKey};
use crate::chain::validator::{Validator, ValidatorSet};
use crate::consensus::message::{Message, Proposal, Vote, proposal_sign_bytes};

/// The network of these tests.
pub const GENESIS: Hash = Hash([7; 32]);

/// The key of the validator at a number from 0.
pub fn key(number: usize) -> SecretKey {
    SecretKey::from_seed(&[u8::try_from(100 + number).unwrap(); 32])
}

/// So many validators of equal power.
pub fn validators(count: usize) -> Arc<ValidatorSet> {
    let list = (0..count).map(|number| Validator {
        key: key(number).public(),
        power: 1,
    });
    Arc::new(ValidatorSet::new(list.collect()).unwrap())
}

/// The number of the validator whose turn a round is, among [`validators`].
pub fn proposer(count: usize, height: u64, round: u32) -> usize {
    let turn = validators(count).proposer(height, round).address();
    (0..count)
        .find(|number| key(*number).address() == turn)
        .unwrap()
}

/// The smallest block; `time_ms` tells two of them apart.
pub fn block(height: u64, parent: Hash, time_ms: u64, proposer: Address) -> Block {
    let header = Header {
        version: VERSION,
        genesis: GENESIS,
        height,
        parent,
        time_ms,
        proposer,
        transactions_root: Hash::ZERO,
        state_root: Hash::ZERO,
        next_validators: Hash::ZERO,
    };
    Block {
        header,
        transactions: Vec::new(),
    }
}

/// A good vote.
pub fn vote(key: &SecretKey, kind: VoteKind, height: u64, round: u32, block: Option<Hash>) -> Vote {
    let voter = key.address();
    let bytes = vote_sign_bytes(&GENESIS, kind, height, round, &voter, block.as_ref());
    Vote {
        kind,
        height,
        round,
        block,
        voter,
        signature: key.sign(&bytes),
    }
}

/// A good proposal.
pub fn proposal(
    key: &SecretKey,
    height: u64,
    round: u32,
    block: Hash,
    pol_round: Option<u32>,
) -> Proposal {
    let proposer = key.address();
    let bytes = proposal_sign_bytes(&GENESIS, height, round, pol_round, &proposer, &block);
    Proposal {
        height,
        round,
        block,
        pol_round,
        proposer,
        signature: key.sign(&bytes),
    }
}

/// A message of the liar: what it told the others, contradicted and signed.
pub fn contradicted(key: &SecretKey, message: &Message) -> Message {
    match message {
        Message::Vote(said) if said.voter == key.address() => {
            let block = match said.block {
                None => Some(Hash([9; 32])),
                Some(_) => None,
            };
            Message::Vote(vote(key, said.kind, said.height, said.round, block))
        }
        other => other.clone(),
    }
}
