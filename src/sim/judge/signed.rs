//! What was signed: an honest validator signs one thing at a height, in a round, at a step, whoever repeats it.
//!
//! Next: `judge.rs`.

use std::collections::{BTreeMap, BTreeSet};

use crate::chain::certificate::VoteKind;
use crate::chain::codec::Encode as _;
use crate::chain::hash::Hash;
use crate::chain::key::Address;
use crate::consensus::{Message, Proposal};
use crate::replica::wire::Said;

/// Whose, at which height, in which round, at which step.
type Place = (Address, u64, u32, Step);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Proposal,
    Prevote,
    Precommit,
}

/// What is known to be signed.
#[derive(Default)]
pub(super) struct Signed {
    known: BTreeMap<Place, Vec<u8>>,
    /// Whose double signatures are expected.
    traitors: BTreeSet<Address>,
}

impl Signed {
    /// Expects double signatures of this key.
    pub(super) fn distrust(&mut self, key: Address) {
        self.traitors.insert(key);
    }

    /// Whether anybody is malicious.
    pub(super) fn has_traitors(&self) -> bool {
        !self.traitors.is_empty()
    }

    /// Notes all that a message shows to be signed; says what contradicts what was signed before.
    pub(super) fn note(&mut self, said: &Said) -> Option<String> {
        let mut contradiction = None;
        for (place, what) in signed_of(said) {
            let (whose, height, round, step) = place;
            if self.traitors.contains(&whose) {
                continue;
            }
            let before = self.known.entry(place).or_insert_with(|| what.clone());
            if *before != what {
                contradiction.get_or_insert_with(|| {
                    format!("another {step:?} of height {height}, round {round}, by {whose}")
                });
            }
        }
        contradiction
    }
}

/// What a message shows to be signed, and where.
fn signed_of(said: &Said) -> Vec<(Place, Vec<u8>)> {
    let vote =
        |whose: Address, (height, round): (u64, u32), kind: VoteKind, block: Option<Hash>| {
            let step = match kind {
                VoteKind::Prevote => Step::Prevote,
                VoteKind::Precommit => Step::Precommit,
            };
            let what = block.unwrap_or(Hash::ZERO).to_bytes();
            ((whose, height, round, step), what)
        };
    let proposal = |one: &Proposal| {
        let mut what = one.block.to_bytes();
        one.pol_round.encode(&mut what);
        vec![((one.proposer, one.height, one.round, Step::Proposal), what)]
    };
    match said {
        Said::Proposal(one, _) | Said::Message(Message::Proposal(one)) => proposal(one),
        Said::Message(Message::Vote(one)) => {
            vec![vote(
                one.voter,
                (one.height, one.round),
                one.kind,
                one.block,
            )]
        }
        Said::Message(Message::Polka(all)) => {
            let at = (all.height, all.round);
            let each = all.signatures.iter();
            each.map(|one| vote(one.voter, at, VoteKind::Prevote, Some(all.block)))
                .collect()
        }
        Said::Message(Message::Round(all)) => {
            let at = (all.height, all.round);
            let each = all.signatures.iter();
            each.map(|one| vote(one.voter, at, one.kind, one.block))
                .collect()
        }
    }
}
