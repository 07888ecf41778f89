//! A checkpoint on its way to the disk: begun on the replica's thread, written on another, while
//! blocks go on.
//!
//! Must never: let the overlay go before the disk has its entries. Read next: `overlay.rs`.

use std::sync::Arc;

use super::error::StoreError;
use super::inner::Inner;
use super::overlay::Frozen;
use super::state::Checkpoint;

/// A checkpoint to be written, by [`CheckpointJob::run`], on any thread.
///
/// Dropped without having run, it gives its part back: the next checkpoint then writes it too.
#[derive(Debug)]
pub struct CheckpointJob {
    inner: Arc<Inner>,
    frozen: Option<Arc<Frozen>>,
    checkpoint: Checkpoint,
}

impl CheckpointJob {
    pub(super) fn new(inner: Arc<Inner>, frozen: Arc<Frozen>) -> Self {
        let checkpoint = Checkpoint {
            height: frozen.height,
            root: frozen.root,
        };
        Self {
            inner,
            frozen: Some(frozen),
            checkpoint,
        }
    }

    /// Height and root of the checkpoint.
    pub fn checkpoint(&self) -> Checkpoint {
        self.checkpoint
    }

    /// Writes the checkpoint; durable when this returns. Takes tens of milliseconds for ten
    /// thousand keys: not for an event loop.
    ///
    /// Errors: a [`StoreError::Fault`] stops the node; the checkpoint before stays whole.
    pub fn run(mut self) -> Result<Checkpoint, StoreError> {
        if let Some(frozen) = self.frozen.take() {
            // Order: durable first, then out of the overlay; the other way round a look-up in
            // between would find neither.
            let written = self.inner.state().write(&frozen);
            let mut overlay = self.inner.overlay_mut();
            match written {
                Ok(()) => overlay.settle(),
                Err(error) => {
                    overlay.thaw();
                    return Err(error);
                }
            }
        }
        Ok(self.checkpoint)
    }
}

impl Drop for CheckpointJob {
    fn drop(&mut self) {
        if self.frozen.is_some() {
            self.inner.overlay_mut().thaw();
        }
    }
}
