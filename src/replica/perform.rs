//! Performing the storage effects: the one way, for real hands and simulated ones.

use super::effect::Effect;
use crate::consensus::{Mark, Step};
use crate::store::{CheckpointJob, GuardMark, SignedStep, Store, StoreError};

/// What became of an effect.
#[derive(Debug)]
pub enum Stored {
    /// It was a storage effect, and is done.
    Done,
    /// A checkpoint, to be written on another thread.
    Checkpoint(CheckpointJob),
    /// It is no storage effect: the hands' own matter.
    Other(Effect),
}

/// Performs an effect if it is the store's. What it has to make durable is durable when it returns.
///
/// # Errors
/// The store's own. The node must then stop, and perform nothing of what follows.
pub fn perform(effect: Effect, store: &Store) -> Result<Stored, StoreError> {
    match effect {
        Effect::LogStart { height } => store.wal_start(height)?,
        Effect::LogAppend { height, entry } => store.wal_append(height, &entry)?,
        Effect::LogFlush => store.wal_flush()?,
        Effect::Guard(mark) => store.guard_record(guard_mark(mark))?,
        Effect::Commit(blocks) => store.append_blocks(&blocks)?,
        Effect::Checkpoint {
            checkpoint,
            changes,
        } => {
            return Ok(Stored::Checkpoint(
                store.begin_checkpoint(checkpoint, changes)?,
            ));
        }
        other => return Ok(Stored::Other(other)),
    }
    Ok(Stored::Done)
}

/// A mark as the guard keeps it.
pub fn guard_mark(mark: Mark) -> GuardMark {
    GuardMark {
        height: mark.height,
        round: mark.round,
        step: match mark.step {
            Step::Propose => SignedStep::Proposal,
            Step::Prevote => SignedStep::Prevote,
            Step::Precommit => SignedStep::Precommit,
        },
        digest: mark.digest.0,
    }
}

/// A mark as agreement knows it.
pub fn mark_of_guard(mark: GuardMark) -> Mark {
    Mark {
        height: mark.height,
        round: mark.round,
        step: match mark.step {
            SignedStep::Proposal => Step::Propose,
            SignedStep::Prevote => Step::Prevote,
            SignedStep::Precommit => Step::Precommit,
        },
        digest: crate::chain::hash::Hash(mark.digest),
    }
}
