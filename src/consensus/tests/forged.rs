//! What strangers and bad validators send: nothing unsigned reaches the core, nothing signed floods it.

use std::sync::Arc;
use std::time::Duration;

use super::people::{GENESIS, block, key, proposal, proposer, validators, vote};
use crate::chain::certificate::VoteKind;
use crate::chain::hash::Hash;
use crate::chain::key::{SecretKey, Signature};
use crate::consensus::message::{
    Message, PolkaCertificate, PolkaSignature, RoundCertificate, RoundSignature, Vote,
};
use crate::consensus::{Effect, Engine, Outgoing, Receipt, Settings, Timer, TimerKind, Timing};
use crate::mutation::{self, Mutation};

/// An engine of the first of four validators, at height 1.
pub fn engine() -> Engine {
    Engine::new(Settings {
        genesis: GENESIS,
        key: key(0),
        validators: validators(4),
        height: 1,
        guard: None,
        timing: Timing::default(),
    })
}

fn stranger() -> SecretKey {
    SecretKey::from_seed(&[1; 32])
}

fn prevote(voter: usize, height: u64) -> Vote {
    vote(&key(voter), VoteKind::Prevote, height, 0, None)
}

fn polka(voters: &[usize]) -> PolkaCertificate {
    let block = Hash([3; 32]);
    let signature = |voter: &usize| {
        let vote = vote(&key(*voter), VoteKind::Prevote, 1, 0, Some(block));
        PolkaSignature {
            voter: vote.voter,
            signature: vote.signature,
        }
    };
    PolkaCertificate {
        height: 1,
        round: 0,
        block,
        signatures: voters.iter().map(signature).collect(),
    }
}

fn round_certificate(is_precommit: bool, votes: &[(usize, VoteKind)]) -> RoundCertificate {
    let signature = |(voter, kind): &(usize, VoteKind)| {
        let vote = vote(&key(*voter), *kind, 1, 1, None);
        RoundSignature {
            kind: *kind,
            block: None,
            voter: vote.voter,
            signature: vote.signature,
        }
    };
    RoundCertificate {
        height: 1,
        round: 1,
        is_precommit,
        signatures: votes.iter().map(signature).collect(),
    }
}

fn forgeries(height: u64) -> Vec<(&'static str, Message)> {
    let turn = proposer(4, height, 0);
    let block = Hash([3; 32]);
    let mut turned = prevote(1, height);
    turned.block = Some(block);
    let mut later = prevote(1, height);
    later.round = 1;
    let mut promoted = prevote(1, height);
    promoted.kind = VoteKind::Precommit;
    let mut borrowed = prevote(1, height);
    borrowed.voter = key(2).address();
    let mut unsigned = prevote(1, height);
    unsigned.signature = Signature([0; 64]);
    let mut relabelled = proposal(&key(turn), height, 0, block, None);
    relabelled.block = Hash([4; 32]);
    let other = proposal(&key((turn + 1) % 4), height, 0, block, None);
    let foreign = vote(&stranger(), VoteKind::Prevote, height, 0, None);
    vec![
        ("another block", Message::Vote(turned)),
        ("another round", Message::Vote(later)),
        ("another kind", Message::Vote(promoted)),
        ("another's name", Message::Vote(borrowed)),
        ("no signature", Message::Vote(unsigned)),
        ("a stranger's vote", Message::Vote(foreign)),
        ("another proposal", Message::Proposal(relabelled)),
        ("out of turn", Message::Proposal(other)),
    ]
}

#[test]
fn forged_messages_of_this_and_the_next_height_never_reach_the_core() {
    use VoteKind::{Precommit, Prevote};
    let mut engine = engine();
    engine.start();
    engine.take_effects();
    let mut bad_polka = polka(&[1, 2, 3]);
    bad_polka.signatures[1].signature = Signature([5; 64]);
    let certificates = [
        ("a bad signature", Message::Polka(bad_polka)),
        ("too few", Message::Polka(polka(&[1, 2]))),
        ("one counted twice", Message::Polka(polka(&[1, 2, 2, 3]))),
        (
            "prevotes as precommits",
            Message::Round(round_certificate(
                true,
                &[(1, Prevote), (2, Precommit), (3, Precommit)],
            )),
        ),
        (
            "two precommits of four",
            Message::Round(round_certificate(true, &[(1, Precommit), (2, Precommit)])),
        ),
        (
            "one of four skips",
            Message::Round(round_certificate(false, &[(1, Prevote)])),
        ),
        (
            "one skips twice",
            Message::Round(round_certificate(false, &[(1, Prevote), (1, Precommit)])),
        ),
        (
            "nobody skips",
            Message::Round(round_certificate(false, &[])),
        ),
    ];
    let all = forgeries(1).into_iter().chain(forgeries(2));
    for (what, message) in all.chain(certificates) {
        assert_eq!(engine.receive(message), Receipt::Forged, "{what}");
        assert!(engine.take_effects().is_empty(), "{what}");
    }
    assert!(engine.fault().is_none());
}

#[test]
fn good_certificates_are_taken_and_move_the_round() {
    let mut engine = engine();
    engine.start();
    assert_eq!(
        engine.receive(Message::Polka(polka(&[1, 2, 3]))),
        Receipt::Taken
    );
    let skip = round_certificate(false, &[(1, VoteKind::Prevote), (2, VoteKind::Precommit)]);
    assert_eq!(engine.round(), Some(0));
    assert_eq!(engine.receive(Message::Round(skip)), Receipt::Taken);
    assert_eq!(engine.round(), Some(1));
}

#[test]
fn a_certificate_that_comes_while_the_engine_rests_waits_for_the_start() {
    let mut engine = engine();
    let skip = round_certificate(false, &[(1, VoteKind::Prevote), (2, VoteKind::Prevote)]);
    assert_eq!(engine.receive(Message::Round(skip)), Receipt::Taken);
    assert_eq!(
        engine.receive(Message::Polka(polka(&[1, 2, 3]))),
        Receipt::Taken
    );
    assert!(
        engine.take_effects().is_empty(),
        "nothing is logged or begun"
    );
    assert_eq!(engine.round(), None);
    engine.start();
    assert_eq!(engine.round(), Some(1), "the skip counts once begun");
}

#[test]
fn old_and_far_messages_are_told_apart() {
    let mut engine = engine();
    assert_eq!(engine.receive(Message::Vote(prevote(1, 0))), Receipt::Stale);
    assert_eq!(engine.receive(Message::Vote(prevote(1, 3))), Receipt::Ahead);
    assert_eq!(engine.receive(Message::Vote(prevote(1, 2))), Receipt::Taken);
    let mut far = prevote(1, 3);
    far.signature = Signature([0; 64]);
    assert_eq!(engine.receive(Message::Vote(far)), Receipt::Forged);
}

/// Lets validators 1 to 3 decide a block of a height with the engine of validator 0 and tells whether it did.
fn decides_with_early_votes(engine: &mut Engine, height: u64) -> bool {
    let turn = proposer(4, height, 0);
    assert_ne!(turn, 0);
    let body = block(height, Hash::ZERO, 1, key(turn).address());
    let said = proposal(&key(turn), height, 0, body.id(), None);
    engine.receive(Message::Proposal(said.clone()));
    for kind in [VoteKind::Prevote, VoteKind::Precommit] {
        for voter in 1..4 {
            let vote = vote(&key(voter), kind, height, 0, Some(body.id()));
            engine.receive(Message::Vote(vote));
        }
    }
    while engine.height() < height {
        engine.advance();
    }
    engine.start();
    engine.judged(&said, Arc::new(body), true);
    let effects = engine.take_effects();
    effects
        .iter()
        .any(|effect| matches!(effect, Effect::Decide { .. }))
}

/// A height after the first whose first turn is not validator 0's.
fn next_height() -> u64 {
    2 + u64::from(proposer(4, 2, 0) == 0)
}

#[test]
fn a_flood_of_forged_votes_leaves_room_for_the_honest_early_ones() {
    let height = next_height();
    let mut engine = Engine::new(Settings {
        genesis: GENESIS,
        key: key(0),
        validators: validators(4),
        height: height - 1,
        guard: None,
        timing: Timing::default(),
    });
    engine.start();
    engine.take_effects();
    let forged = prevote(1, height);
    for round in 1..4_000 {
        let message = Message::Vote(Vote {
            round,
            ..forged.clone()
        });
        assert_eq!(engine.receive(message), Receipt::Forged);
    }
    assert!(engine.take_effects().is_empty());
    assert!(decides_with_early_votes(&mut engine, height));
}

#[test]
fn a_proposer_of_a_hundred_blocks_does_not_fill_the_memory_for_bodies() {
    let turn = (0..).find(|round| proposer(4, 1, *round) != 0).unwrap();
    let author = key(proposer(4, 1, turn));
    let mut engine = engine();
    engine.start();
    engine.take_effects();
    let mut kept = 0;
    for time in 0..100 {
        let body = Arc::new(block(1, Hash::ZERO, time, author.address()));
        let said = proposal(&author, 1, turn, body.id(), None);
        assert_eq!(
            engine.receive(Message::Proposal(said.clone())),
            Receipt::Taken
        );
        engine.judged(&said, body.clone(), true);
        engine.judged(&said, body.clone(), true);
        kept += usize::from(engine.has_body(&body.id()));
    }
    assert_eq!(kept, 2);
    let logged = engine
        .take_effects()
        .into_iter()
        .filter(|effect| matches!(effect, Effect::Append { entry, .. } if entry[0] == 2));
    assert_eq!(logged.count(), 2, "a verdict is logged once");
}

#[test]
fn nobody_waits_long_for_a_proposer_who_is_known_to_be_away() {
    let wait = |is_away: bool| {
        let mut engine = engine();
        let turn = proposer(4, 1, 0);
        engine.set_absent(is_away.then(|| key(turn).address()));
        engine.start();
        let first = Timer {
            kind: TimerKind::Propose,
            round: 0,
        };
        engine
            .take_effects()
            .into_iter()
            .find_map(|effect| match effect {
                Effect::Schedule { timer, after } if timer == first => Some(after),
                _ => None,
            })
    };
    assert_eq!(wait(false), Some(Duration::from_millis(1000)));
    assert_eq!(wait(true), Some(Duration::from_millis(60)));
}

#[test]
fn a_node_that_is_no_validator_decides_and_says_nothing() {
    let height = next_height();
    let mut engine = Engine::new(Settings {
        genesis: GENESIS,
        key: stranger(),
        validators: validators(4),
        height,
        guard: None,
        timing: Timing::default(),
    });
    assert!(decides_with_early_votes(&mut engine, height));
    assert!(!engine.is_voting());
    let mut other = Engine::new(Settings {
        genesis: GENESIS,
        key: stranger(),
        validators: validators(4),
        height: 1,
        guard: None,
        timing: Timing::default(),
    });
    other.start();
    other.timeout(Timer {
        kind: TimerKind::Propose,
        round: 0,
    });
    let effects = other.take_effects();
    let is_said = |effect: &Effect| matches!(effect, Effect::Publish(Outgoing::Message(_)));
    assert!(!effects.iter().any(is_said));
}

#[test]
fn messages_that_nobody_authenticates_are_noticed() {
    mutation::assert_noticed(&[
        (
            Mutation::VotesUnchecked,
            forged_messages_of_this_and_the_next_height_never_reach_the_core,
        ),
        (
            Mutation::VotesUnchecked,
            a_flood_of_forged_votes_leaves_room_for_the_honest_early_ones,
        ),
    ]);
}
