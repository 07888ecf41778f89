//! A purse: an open profile with its journal of payments, written to the disk off the event loop.
//!
//! Never: let a payment be sent that is not on the disk. Next: `wallet/journal.rs`, `node/profile.rs`.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::error::SessionError;
use crate::node::profile::{Profile, ProfileError};
use crate::wallet::journal::Journal;
use crate::wallet::payment::Payment;

/// An open profile with its journal. While it lives, no other process has the profile open.
#[derive(Debug)]
pub struct Purse(Arc<Mutex<Contents>>);

#[derive(Debug)]
struct Contents {
    profile: Profile,
    journal: Journal,
}

impl Purse {
    /// Reads the profile's journal.
    ///
    /// # Errors
    /// As [`Profile::journal`]; a damaged one stays as it is.
    pub fn open(profile: Profile) -> Result<Self, ProfileError> {
        let journal = profile.journal()?;
        Ok(Self(Arc::new(Mutex::new(Contents { profile, journal }))))
    }

    /// The journal as it is now.
    pub fn journal(&self) -> Journal {
        self.contents().journal.clone()
    }

    /// Notes a payment, on the disk when this returns `Ok`.
    pub(super) async fn record(&mut self, payment: Payment) -> Result<(), SessionError> {
        let shared = Arc::clone(&self.0);
        let writing = tokio::task::spawn_blocking(move || {
            let mut contents = shared.lock().unwrap_or_else(PoisonError::into_inner);
            let Contents { profile, journal } = &mut *contents;
            let mut next = journal.clone();
            next.record(payment)?;
            // Order: the disk first. Swapped, a failed write would leave a payment that seems remembered.
            profile.save_journal(&next)?;
            *journal = next;
            Ok(())
        });
        match writing.await {
            Ok(done) => done,
            // The runtime is shutting down: nothing was promised.
            Err(_) => Err(SessionError::Closed),
        }
    }

    fn contents(&self) -> MutexGuard<'_, Contents> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
