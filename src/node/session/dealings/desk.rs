//! The desk: the machine of a wallet's dealings over its book on the disk, which other processes may change too.
//!
//! Each act takes the book's lock, sees whether somebody else has written meanwhile, acts, writes what has changed, and
//! lets go. So `wallet pay` beside a running `wallet watch` binds payments in the same book. What is not in the book
//! (meters, when to ask and tell again) begins anew when another process has written.
//!
//! Never: let an effect out before the book that it rests on is on the disk. Blocks: not for the event loop.
//! Next: `wallet/dealings/machine.rs`.

use crate::chain::key::SecretKey;
use crate::chain::query::Trust;
use crate::node::clock;
use crate::node::profile::{DealingsFile, ProfileError};
use crate::wallet::dealings::book::Book;
use crate::wallet::dealings::machine::{Dealings, Effect};

/// The dealings of one account on one network.
#[derive(Debug)]
pub struct Desk {
    file: DealingsFile,
    secret: SecretKey,
    trust: Trust,
    machine: Dealings,
    /// What the machine began with, or has written.
    on_disk: Option<Vec<u8>>,
    is_online: bool,
}

impl Desk {
    /// Reads the book, or begins one, of the owner of `secret` on the network of `trust`.
    ///
    /// # Errors
    /// [`ProfileError::Dealings`] for a damaged one, which stays as it is; [`ProfileError::TooLarge`],
    /// [`ProfileError::Io`].
    pub fn open(file: DealingsFile, secret: SecretKey, trust: Trust) -> Result<Self, ProfileError> {
        let on_disk = file.read()?;
        let book = book_of(&file, on_disk.as_deref(), &secret, &trust)?;
        let machine = Dealings::new(book, secret.clone(), trust.clone());
        Ok(Self {
            file,
            secret,
            trust,
            machine,
            on_disk,
            is_online: false,
        })
    }

    /// What is kept, as this process has last seen it.
    pub fn book(&self) -> &Book {
        self.machine.book()
    }

    /// The key of the account.
    pub(super) fn secret(&self) -> &SecretKey {
        &self.secret
    }

    /// When the machine wants to be ticked.
    pub(super) fn wake_at_ms(&self) -> Option<u64> {
        self.machine.wake_at_ms()
    }

    /// Does something with the machine. What it says is to be saved is on the disk when this returns; the other effects
    /// are the caller's to perform.
    ///
    /// # Errors
    /// As [`Desk::open`]; nothing has happened then.
    pub fn act<T>(
        &mut self,
        act: impl FnOnce(&mut Dealings, u64) -> (T, Vec<Effect>),
    ) -> Result<(T, Vec<Effect>), ProfileError> {
        let file = self.file.clone();
        let lock = file.lock()?;
        let now_ms = clock::unix_ms();
        let found = lock.read()?;
        let mut effects = match found == self.on_disk {
            true => Vec::new(),
            false => self.begin_anew(found, now_ms)?,
        };
        let (value, more) = act(&mut self.machine, now_ms);
        effects.extend(more);
        if effects.contains(&Effect::Save) {
            let bytes = self.machine.book().save();
            // Order: the disk first. Swapped, a failed write would leave said and shown what is not kept.
            if let Err(error) = lock.replace(&bytes) {
                let on_disk = self.on_disk.take();
                self.begin_anew(on_disk, now_ms)?;
                return Err(error);
            }
            self.on_disk = Some(bytes);
            effects.retain(|effect| *effect != Effect::Save);
        }
        Ok((value, effects))
    }

    /// Whether nodes can be asked.
    pub(super) fn set_online(&mut self, is_online: bool) -> Result<Vec<Effect>, ProfileError> {
        self.is_online = is_online;
        let ((), effects) = self.act(|machine, now_ms| ((), machine.nodes(is_online, now_ms)))?;
        Ok(effects)
    }

    fn begin_anew(
        &mut self,
        on_disk: Option<Vec<u8>>,
        now_ms: u64,
    ) -> Result<Vec<Effect>, ProfileError> {
        let book = book_of(&self.file, on_disk.as_deref(), &self.secret, &self.trust)?;
        self.machine = Dealings::new(book, self.secret.clone(), self.trust.clone());
        self.on_disk = on_disk;
        Ok(self.machine.nodes(self.is_online, now_ms))
    }
}

fn book_of(
    file: &DealingsFile,
    bytes: Option<&[u8]>,
    secret: &SecretKey,
    trust: &Trust,
) -> Result<Book, ProfileError> {
    let owner = secret.address();
    match bytes {
        None => Ok(Book::new(trust.genesis, owner)),
        Some(bytes) => Book::restore(bytes, &trust.genesis, &owner).map_err(|source| {
            let path = file.path().to_owned();
            ProfileError::Dealings { path, source }
        }),
    }
}
