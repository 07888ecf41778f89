//! The engine by itself: calls out of order, and logs that are damaged or lead elsewhere.

use std::sync::Arc;

use super::forged::engine;
use super::people::{GENESIS, block, key, proposal, proposer, validators, vote};
use crate::chain::certificate::VoteKind;
use crate::chain::hash::Hash;
use crate::consensus::handler::own_mark_of;
use crate::consensus::message::{Message, RoundCertificate, RoundSignature, Vote};
use crate::consensus::signing::Verifier;
use crate::consensus::{
    Effect, Engine, Fault, Mark, Outgoing, Receipt, Settings, Step, Timer, TimerKind, Timing,
};

const PROPOSE: Timer = Timer {
    kind: TimerKind::Propose,
    round: 0,
};

fn entries(effects: &[Effect]) -> Vec<Vec<u8>> {
    let entries = effects.iter().filter_map(|effect| match effect {
        Effect::Append { entry, .. } => Some(entry.clone()),
        _ => None,
    });
    entries.collect()
}

fn marks(effects: &[Effect]) -> Vec<Mark> {
    let marks = effects.iter().filter_map(|effect| match effect {
        Effect::Guard(mark) => Some(*mark),
        _ => None,
    });
    marks.collect()
}

fn with_guard(guard: Option<Mark>) -> Engine {
    Engine::new(Settings {
        genesis: GENESIS,
        key: key(0),
        validators: validators(4),
        height: 1,
        guard,
        timing: Timing::default(),
    })
}

/// The effects of a validator that prevotes nil.
fn prevoted_nil() -> Vec<Effect> {
    let mut engine = engine();
    engine.start();
    engine.timeout(PROPOSE);
    engine.take_effects()
}

#[test]
fn a_vote_is_logged_flushed_guarded_and_only_then_published() {
    let effects = prevoted_nil();
    let place = |is: fn(&Effect) -> bool| effects.iter().rposition(is).unwrap();
    let appended = place(|effect| matches!(effect, Effect::Append { .. }));
    let flushed = place(|effect| matches!(effect, Effect::Flush));
    let guarded = place(|effect| matches!(effect, Effect::Guard(_)));
    let published = place(|effect| matches!(effect, Effect::Publish(_)));
    assert!(appended < flushed && flushed < guarded && guarded < published);
}

#[test]
fn a_recovered_node_says_again_what_it_said_and_logs_nothing_twice() {
    let before = prevoted_nil();
    let mut engine = with_guard(marks(&before).pop());
    engine.recover(&entries(&before));
    assert_eq!(engine.fault(), None);
    assert!(engine.is_voting());
    let after = engine.take_effects();
    assert_eq!(entries(&after), Vec::<Vec<u8>>::new());
    assert_eq!(marks(&after), []);
    let has_said = after
        .iter()
        .any(|effect| matches!(effect, Effect::Publish(Outgoing::Message(Message::Vote(_)))));
    assert!(has_said);
}

#[test]
fn a_guard_that_the_crash_kept_back_is_made_good_before_the_vote_leaves_again() {
    let before = prevoted_nil();
    let mut engine = with_guard(None);
    engine.recover(&entries(&before));
    assert_eq!(marks(&engine.take_effects()), marks(&before));
}

#[test]
fn a_vote_that_the_crash_kept_from_the_log_is_logged_by_the_recovery() {
    let before = prevoted_nil();
    let mut torn = entries(&before);
    let lost = torn.pop().unwrap();
    let mut engine = with_guard(None);
    engine.recover(&torn);
    let after = engine.take_effects();
    assert_eq!(entries(&after), [lost]);
    assert_eq!(marks(&after), marks(&before));
}

#[test]
fn a_guard_beyond_the_log_makes_a_node_follow_without_voting() {
    let before = prevoted_nil();
    let mut torn = entries(&before);
    torn.pop();
    for log in [torn, Vec::new()] {
        let mut engine = with_guard(marks(&before).pop());
        match log.is_empty() {
            true => engine.start(),
            false => engine.recover(&log),
        }
        engine.timeout(PROPOSE);
        assert!(!engine.is_voting());
        assert_eq!(engine.fault(), None);
        let effects = engine.take_effects();
        let is_said = |effect: &Effect| matches!(effect, Effect::Publish(_));
        assert!(!effects.iter().any(is_said));
        engine.advance();
        engine.start();
        assert!(engine.is_voting(), "the height is over");
    }
}

#[test]
fn what_others_repeat_of_our_own_words_does_not_make_us_vote_again() {
    // The story: a store was put back from a backup, and the node followed without voting, as it should. Others gave it
    // back the vote that its guard knew, and it logged that. After the next crash its log seemed to tell all that it had
    // signed: it voted again, though it did not know what it was locked on; or it stopped for good, because the replay
    // led to another vote.
    let mut forgotten = engine();
    forgotten.start();
    forgotten.timeout(PROPOSE);
    for number in 1..3 {
        let prevote = vote(&key(number), VoteKind::Prevote, 1, 0, None);
        forgotten.receive(Message::Vote(prevote));
    }
    let guard = marks(&forgotten.take_effects()).pop();
    assert_eq!(guard.map(|mark| mark.step), Some(Step::Precommit));

    let votes: Vec<Vote> = (0..3)
        .map(|number| vote(&key(number), VoteKind::Precommit, 1, 0, None))
        .collect();
    let signatures = votes.iter().map(|vote| RoundSignature {
        kind: vote.kind,
        block: vote.block,
        voter: vote.voter,
        signature: vote.signature,
    });
    let certificate = RoundCertificate {
        height: 1,
        round: 0,
        is_precommit: true,
        signatures: signatures.collect(),
    };
    let alone = votes.into_iter().map(Message::Vote).collect();
    for repeated in [alone, vec![Message::Round(certificate)]] {
        let mut engine = with_guard(guard);
        engine.start();
        for said in repeated {
            assert_eq!(engine.receive(said), Receipt::Taken);
        }
        let log = entries(&engine.take_effects());
        assert!(!log.is_empty(), "what others said is logged");
        let mut again = with_guard(guard);
        again.recover(&log);
        again.timeout(PROPOSE);
        assert!(!again.is_voting());
        assert_eq!(again.fault(), None);
    }
}

#[test]
fn a_proposal_made_again_is_in_the_log_before_the_guard_knows_it() {
    // The story (a simulation's seed 1057): before it proposes a block again, a node publishes the prevotes that
    // speak for it. At that time it had signed the new proposal, and had not logged it; but the guard was told. After
    // a crash at just that place the guard knew more than the log, and the node could not vote at that height again.
    let mut engine = engine();
    engine.start();
    let (first, turn) = (
        proposer(4, 1, 0),
        (1..).find(|round| proposer(4, 1, *round) == 0),
    );
    let (round, block) = (turn.unwrap(), block(1, Hash::ZERO, 1, key(first).address()));
    let id = block.id();
    let proposed = proposal(&key(first), 1, 0, id, None);
    engine.receive(Message::Proposal(proposed.clone()));
    engine.judged(&proposed, Arc::new(block), true);
    for voter in 1..4 {
        let said = vote(&key(voter), VoteKind::Prevote, 1, 0, Some(id));
        engine.receive(Message::Vote(said));
    }
    engine.take_effects();
    for voter in 1..4 {
        let said = vote(&key(voter), VoteKind::Prevote, 1, round, None);
        engine.receive(Message::Vote(said));
    }
    let effects = engine.take_effects();
    let is_polka = |effect: &Effect| {
        matches!(
            effect,
            Effect::Publish(Outgoing::Message(Message::Polka(_)))
        )
    };
    let is_repeated = |effect: &Effect| matches!(effect, Effect::Publish(Outgoing::Proposal(said, _)) if said.block == id && said.pol_round == Some(0));
    assert!(effects.iter().any(is_polka));
    assert!(effects.iter().any(is_repeated));
    let verifier = Verifier::new(GENESIS);
    let logged = |effects: &[Effect]| {
        let log = entries(effects);
        log.iter()
            .filter_map(|entry| own_mark_of(entry, &key(0).address(), &verifier))
            .max()
    };
    for (place, effect) in effects.iter().enumerate() {
        if let Effect::Guard(mark) = effect {
            assert_eq!(logged(&effects[..place]), Some(*mark));
        }
    }
    assert_eq!(marks(&effects).len(), 2, "the proposal and the prevote");
}

#[test]
fn messages_that_came_before_the_recovery_are_handled_and_logged_after_it() {
    let before = prevoted_nil();
    let mut engine = with_guard(marks(&before).pop());
    let early = vote(&key(1), VoteKind::Prevote, 1, 0, None);
    assert_eq!(engine.receive(Message::Vote(early)), Receipt::Taken);
    engine.recover(&entries(&before));
    assert_eq!(engine.fault(), None);
    assert_eq!(entries(&engine.take_effects()).len(), 1);
}

#[test]
fn a_damaged_log_stops_the_engine_and_says_which() {
    let mut log = entries(&prevoted_nil());
    log.last_mut().unwrap().pop();
    let mut engine = with_guard(None);
    engine.recover(&log);
    assert!(matches!(engine.fault(), Some(Fault::Log { height: 1, .. })));
    let text = engine.fault().unwrap().to_string();
    assert!(text.contains("height 1 is damaged"), "{text}");
    engine.start();
    engine.timeout(PROPOSE);
    assert!(engine.take_effects().is_empty());
}

#[test]
fn a_log_in_which_we_voted_otherwise_stops_the_engine() {
    let mut log = entries(&prevoted_nil());
    let other = vote(&key(0), VoteKind::Prevote, 1, 0, Some(Hash([9; 32])));
    let other = Message::Vote(other);
    *log.last_mut().unwrap() = [vec![0], crate::chain::codec::Encode::to_bytes(&other)].concat();
    let mut engine = with_guard(None);
    engine.recover(&log);
    assert!(matches!(
        engine.fault(),
        Some(Fault::Core { height: 1, .. })
    ));
}

#[test]
fn answers_for_another_height_or_round_are_ignored() {
    let mut engine = engine();
    engine.timeout(PROPOSE);
    engine.propose(1, 0, block(1, Hash::ZERO, 1, key(0).address()));
    assert!(engine.take_effects().is_empty(), "it rests");
    engine.start();
    engine.take_effects();
    engine.propose(2, 0, block(2, Hash::ZERO, 1, key(0).address()));
    engine.propose(1, 7, block(1, Hash::ZERO, 1, key(0).address()));
    let author = key(proposer(4, 1, 0));
    let body = Arc::new(block(1, Hash::ZERO, 1, author.address()));
    let said = proposal(&author, 1, 0, Hash([8; 32]), None);
    engine.judged(&said, body.clone(), true);
    assert!(!engine.has_body(&body.id()), "another block than proposed");
    let said = proposal(&author, 2, 0, body.id(), None);
    engine.judged(&said, body, true);
    assert!(engine.take_effects().is_empty());
    assert_eq!(engine.fault(), None);
}
