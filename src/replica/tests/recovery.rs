//! Agreement alone, recovered twice from a log that ends anywhere.

use std::sync::Arc;

use crate::chain::block::Block;
use crate::chain::genesis::Genesis;
use crate::chain::ledger::{BlockContext, Ledger, Tip};
use crate::chain::testing::network::{self, validator};
use crate::chain::validator::{Validator, ValidatorSet};
use crate::consensus::{Effect, Engine, Mark, Settings};

/// What an engine made durable, and whether it decided.
#[derive(Default)]
struct Kept {
    log: Vec<Vec<u8>>,
    guard: Option<Mark>,
    has_decided: bool,
}

/// A network of one validator.
fn genesis() -> Genesis {
    let only = Validator {
        key: validator(0).public(),
        power: 1,
    };
    let genesis = Genesis {
        validators: ValidatorSet::new(vec![only]).unwrap(),
        ..network::genesis()
    };
    genesis.checked().unwrap()
}

fn engine(guard: Option<Mark>) -> Engine {
    let genesis = genesis();
    Engine::new(Settings {
        genesis: genesis.hash(),
        key: validator(0),
        validators: Arc::new(genesis.validators),
        height: 1,
        guard,
        timing: Default::default(),
    })
}

fn block() -> Block {
    let genesis = genesis();
    let ledger = Ledger::from_genesis(&genesis);
    let context = BlockContext {
        height: 1,
        time_ms: genesis.time_ms + 1,
        proposer: validator(0).address(),
    };
    let selection = ledger.select(&context, Vec::new()).unwrap();
    Block {
        header: ledger.header(&Tip::genesis(&genesis), &context, &selection),
        transactions: selection.transactions,
    }
}

/// Does what the engine wants, up to its last word before anything leaves, if `is_cut_short`.
fn drain(engine: &mut Engine, kept: &mut Kept, is_cut_short: bool) {
    loop {
        let effects = engine.take_effects();
        if effects.is_empty() {
            return;
        }
        for effect in effects {
            match effect {
                Effect::Append { entry, .. } => kept.log.push(entry),
                Effect::Guard(mark) => {
                    kept.guard = Some(mark);
                    if is_cut_short {
                        return;
                    }
                }
                Effect::BuildProposal { height, round } => engine.propose(height, round, block()),
                Effect::Decide { .. } => kept.has_decided = true,
                _ => {}
            }
        }
    }
}

#[test]
fn a_vote_cast_while_the_log_is_replayed_is_logged_too() {
    // The story: of a flush that was torn, the log kept the proposal and not the vote for it. The node
    // cast the vote anew while it replayed the log, recorded it in the guard, and did not log it. After
    // the next crash its guard knew more than its log: as a network's only validator it never voted
    // again; and if it had voted on in between, it took itself for a double signer and stopped.
    let mut whole = Kept::default();
    let mut first = engine(None);
    first.start();
    drain(&mut first, &mut whole, false);
    assert!(whole.has_decided);
    assert!(whole.log.len() >= 4, "{} entries", whole.log.len());
    for length in 1..=whole.log.len() {
        let mut kept = Kept {
            log: whole.log[..length].to_vec(),
            ..Kept::default()
        };
        let mut second = engine(None);
        second.recover(&kept.log.clone());
        drain(&mut second, &mut kept, true);
        let mut third = engine(kept.guard);
        third.recover(&kept.log.clone());
        drain(&mut third, &mut kept, false);
        assert!(third.is_voting(), "{length} entries of the log");
        assert_eq!(third.fault(), None);
        assert!(kept.has_decided);
    }
}
