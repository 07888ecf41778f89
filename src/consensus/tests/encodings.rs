//! The bytes of messages and log entries: frozen, read back, and refused when they are others.

use std::sync::Arc;

use arc_malachitebft_core_consensus::{Input, ProposedValue};
use arc_malachitebft_core_types::{Round, Timeout, Validity, ValueOrigin};
use proptest::prelude::*;

use super::people::{GENESIS, block, key, proposal, vote};
use crate::chain::certificate::{VoteKind, vote_sign_bytes};
use crate::chain::codec::{Decode, Encode};
use crate::chain::hash::{Hash, hex};
use crate::chain::testing::damage;
use crate::chain::testing::network::assert_golden;
use crate::consensus::context::{Height, Value};
use crate::consensus::message::{
    MAX_ROUND, Message, PolkaCertificate, PolkaSignature, RoundCertificate, RoundSignature,
    proposal_sign_bytes,
};
use crate::consensus::signing::to_core_input;
use crate::consensus::wal;

const BLOCK: Hash = Hash([3; 32]);

fn messages() -> Vec<(&'static str, Message)> {
    let prevote = vote(&key(0), VoteKind::Prevote, 5, 2, Some(BLOCK));
    let precommit = vote(&key(1), VoteKind::Precommit, 5, 2, None);
    let polka = PolkaCertificate {
        height: 5,
        round: 2,
        block: BLOCK,
        signatures: vec![PolkaSignature {
            voter: prevote.voter,
            signature: prevote.signature,
        }],
    };
    let round = RoundCertificate {
        height: 5,
        round: 2,
        is_precommit: true,
        signatures: vec![RoundSignature {
            kind: VoteKind::Precommit,
            block: None,
            voter: precommit.voter,
            signature: precommit.signature,
        }],
    };
    let first = proposal(&key(2), 5, 0, BLOCK, None);
    let again = proposal(&key(2), 5, 3, BLOCK, Some(2));
    vec![
        ("prevote", Message::Vote(prevote)),
        ("precommit for none", Message::Vote(precommit)),
        ("proposal", Message::Proposal(first)),
        ("proposal again", Message::Proposal(again)),
        ("polka certificate", Message::Polka(polka)),
        ("round certificate", Message::Round(round)),
    ]
}

fn log_entries() -> Vec<(&'static str, Vec<u8>)> {
    let body = Arc::new(block(5, BLOCK, 9, key(2).address()));
    let value = ProposedValue {
        height: Height(5),
        round: Round::new(3),
        valid_round: Round::new(2),
        proposer: key(2).address(),
        value: Value(body.id()),
        validity: Validity::Valid,
    };
    let proposed = Input::ProposedValue(value, ValueOrigin::Consensus);
    let elapsed = |timeout| wal::encode(&Input::TimeoutElapsed(timeout), |_| None).unwrap();
    let (_, prevote) = messages().swap_remove(0);
    vec![
        (
            "log of a vote",
            wal::encode(&to_core_input(prevote), |_| None).unwrap(),
        ),
        (
            "log of a propose timeout",
            elapsed(Timeout::propose(Round::new(1))),
        ),
        (
            "log of a prevote timeout",
            elapsed(Timeout::prevote(Round::new(1))),
        ),
        (
            "log of a precommit timeout",
            elapsed(Timeout::precommit(Round::new(1))),
        ),
        (
            "log of a block",
            wal::encode(&proposed, |_| Some(body.clone())).unwrap(),
        ),
        (
            "log of a verdict",
            wal::encode(&proposed, |_| None).unwrap(),
        ),
    ]
}

#[test]
fn the_bytes_are_frozen() {
    let voter = key(0).address();
    let signed = [
        (
            "vote, signed bytes",
            vote_sign_bytes(&GENESIS, VoteKind::Precommit, 5, 2, &voter, Some(&BLOCK)),
        ),
        (
            "vote for none, signed bytes",
            vote_sign_bytes(&GENESIS, VoteKind::Prevote, 5, 2, &voter, None),
        ),
        (
            "proposal, signed bytes",
            proposal_sign_bytes(&GENESIS, 5, 3, Some(2), &voter, &BLOCK),
        ),
    ];
    let messages = messages().into_iter();
    let messages = messages.map(|(name, message)| (name, message.to_bytes()));
    let mut text = String::new();
    for (name, bytes) in signed.into_iter().chain(messages).chain(log_entries()) {
        text += &format!("{name}: {}\n", hex(&bytes));
    }
    assert_golden("agreement.txt", &text);
}

#[test]
fn messages_are_read_back_and_cut_or_longer_ones_are_refused() {
    for (name, message) in messages() {
        let bytes = message.to_bytes();
        assert_eq!(Message::from_bytes(&bytes).as_ref(), Ok(&message), "{name}");
        for length in 0..bytes.len() {
            assert!(Message::from_bytes(&bytes[..length]).is_err(), "{name} cut");
        }
        let longer = [&bytes[..], &[0]].concat();
        assert!(Message::from_bytes(&longer).is_err(), "{name} and more");
    }
}

#[test]
fn log_entries_are_read_back_and_cut_ones_are_refused() {
    for (name, bytes) in log_entries() {
        let entry = wal::decode(&bytes).ok().unwrap();
        let body = entry.body;
        let again = wal::encode(&entry.input, |_| body.clone());
        assert_eq!(again.as_ref(), Some(&bytes), "{name}");
        for length in 0..bytes.len() {
            assert!(wal::decode(&bytes[..length]).is_err(), "{name} cut");
        }
    }
}

#[test]
fn rounds_beyond_all_reason_are_refused() {
    let at = |round| Message::Vote(vote(&key(0), VoteKind::Prevote, 1, round, None)).to_bytes();
    assert!(Message::from_bytes(&at(MAX_ROUND)).is_ok());
    assert!(Message::from_bytes(&at(MAX_ROUND + 1)).is_err());
}

fn damaged_entries() -> impl Strategy<Value = Vec<u8>> {
    damage::bytes(log_entries().into_iter().map(|(_, bytes)| bytes).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn no_bytes_make_the_readers_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), tag in 0u8..4) {
        let tagged = [&[tag], &bytes[..]].concat();
        let _ = wal::decode(&tagged);
        if let Ok(message) = Message::from_bytes(&tagged) {
            prop_assert_eq!(message.to_bytes(), tagged);
        }
    }

    #[test]
    fn a_damaged_log_entry_is_refused_or_is_the_one_form_of_another(bytes in damaged_entries()) {
        if let Ok(entry) = wal::decode(&bytes) {
            let body = entry.body;
            prop_assert_eq!(wal::encode(&entry.input, |_| body.clone()), Some(bytes));
        }
    }
}
