//! `signed.guard`: the last thing that this node signed, kept apart from everything else.
//!
//! The write-ahead log makes a restarted node repeat what it said; the guard is the second line,
//! for when that log is gone, torn or older than the signature (a restored backup). It is one tiny
//! file with two alternating slots, so that a torn write spoils the newer slot and never the older.
//!
//! Slot (129 bytes, at offsets 0 and 4096, integers big-endian): magic `NATGUARD` | format u32 |
//! sequence u64 | height u64 | round u32 | step u8 | digest 32 | genesis 32 | checksum 32 (tagged
//! SHA-256 of all before). Record number n lies in slot n mod 2; record 0 is the empty guard.
//!
//! Must never: go back, or accept two digests for one height, round and step.
//! Read next: `wal.rs`.

use std::fmt;
use std::sync::Arc;

use redb::StorageBackend;

use super::checksum::{digest, short_hex};
use super::disk::{Disk, create_whole, open_latched};
use super::error::{Latch, StoreError};
use super::latched::LatchedFile;
use crate::mutation::{self, Mutation};

/// The guard's file name.
pub(super) const GUARD_FILE: &str = "signed.guard";

/// The latest format that this program reads, and the one it writes.
const FORMAT: u32 = 1;
const MAGIC: &[u8; 8] = b"NATGUARD";
const TAG: &str = "natcoin/store/guard";
const SLOT_SIZE: usize = 129;
/// Slots lie in different physical sectors (4 KiB at most), so that one torn write spoils one slot.
const SLOT_SPACING: u64 = 4096;
const FILE_SIZE: u64 = 2 * SLOT_SPACING;
const NEXT_STEP: &str = "remove the folder `store`, but only when the other nodes have made a block since this one stopped (sooner, or with an older copy of this file, it could sign twice): the node will fetch the chain from its peers";

/// The three things that a validator signs in a round, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SignedStep {
    /// A proposal.
    Proposal,
    /// A prevote.
    Prevote,
    /// A precommit.
    Precommit,
}

impl SignedStep {
    fn code(self) -> u8 {
        match self {
            Self::Proposal => 1,
            Self::Prevote => 2,
            Self::Precommit => 3,
        }
    }

    fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::Proposal),
            2 => Some(Self::Prevote),
            3 => Some(Self::Precommit),
            _ => None,
        }
    }
}

/// What was signed, and where in the course of agreement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GuardMark {
    /// The height.
    pub height: u64,
    /// The round within the height.
    pub round: u32,
    /// The step within the round.
    pub step: SignedStep,
    /// A digest of the bytes that are signed.
    pub digest: [u8; 32],
}

impl GuardMark {
    fn place(&self) -> (u64, u32, SignedStep) {
        (self.height, self.round, self.step)
    }
}

impl fmt::Display for GuardMark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let step = match self.step {
            SignedStep::Proposal => "proposal",
            SignedStep::Prevote => "prevote",
            SignedStep::Precommit => "precommit",
        };
        write!(
            f,
            "the {step} of height {}, round {} ({})",
            self.height,
            self.round,
            short_hex(&self.digest)
        )
    }
}

/// The open guard.
#[derive(Debug)]
pub(super) struct Guard {
    file: LatchedFile,
    latch: Latch,
    genesis: [u8; 32],
    sequence: u64,
    last: Option<GuardMark>,
}

impl Guard {
    /// Creates the empty guard, crash-atomically.
    pub fn create(
        disk: &Arc<dyn Disk>,
        genesis: &[u8; 32],
        latch: &Latch,
    ) -> Result<(), StoreError> {
        create_whole(disk, GUARD_FILE, latch, |file| {
            file.set_len(FILE_SIZE)
                .map_err(|cause| file.fault("resize", &cause))?;
            file.write_durably(0, &encode(0, None, genesis))?;
            Ok(())
        })
    }

    /// Opens the guard: the valid slot of the higher number holds.
    pub fn open(
        disk: &Arc<dyn Disk>,
        genesis: &[u8; 32],
        latch: &Latch,
    ) -> Result<Self, StoreError> {
        let file = open_latched(disk, GUARD_FILE, latch)?;
        let mut newest: Option<Slot> = None;
        for number in 0..2u64 {
            let Some(slot) = read_slot(&file, number)? else {
                continue;
            };
            if slot.genesis != *genesis {
                return Err(StoreError::ForeignGenesis {
                    file: file.path().to_owned(),
                    found: short_hex(&slot.genesis),
                    expected: short_hex(genesis),
                });
            }
            if slot.sequence % 2 == number
                && newest
                    .as_ref()
                    .is_none_or(|other| slot.sequence > other.sequence)
            {
                newest = Some(slot);
            }
        }
        let Some(slot) = newest else {
            return Err(StoreError::Damaged {
                file: file.path().to_owned(),
                detail: "neither of its two slots is whole".to_owned(),
                next: NEXT_STEP,
            });
        };
        Ok(Self {
            file,
            latch: latch.clone(),
            genesis: *genesis,
            sequence: slot.sequence,
            last: slot.mark,
        })
    }

    /// What was last signed.
    pub fn last(&self) -> Option<GuardMark> {
        self.last
            .filter(|_| !mutation::is_on(Mutation::GuardUnread))
    }

    /// Records what is about to be signed; durable when this returns.
    pub fn record(&mut self, mark: GuardMark) -> Result<(), StoreError> {
        self.latch.check()?;
        if let Some(last) = self.last() {
            if mark == last {
                return Ok(());
            }
            if mark.place() < last.place() {
                return Err(StoreError::SignedLater { last, asked: mark });
            }
            if mark.place() == last.place() {
                return Err(StoreError::SignedOther { last, asked: mark });
            }
        }
        // A u64 that counts signatures does not end; refusing is right even so.
        let Some(sequence) = self.sequence.checked_add(1) else {
            return Err(StoreError::Damaged {
                file: self.file.path().to_owned(),
                detail: "its sequence number is at its end".to_owned(),
                next: NEXT_STEP,
            });
        };
        let slot = encode(sequence, Some(&mark), &self.genesis);
        self.file
            .write_durably((sequence % 2) * SLOT_SPACING, &slot)?;
        self.sequence = sequence;
        self.last = Some(mark);
        Ok(())
    }
}

struct Slot {
    sequence: u64,
    genesis: [u8; 32],
    mark: Option<GuardMark>,
}

fn encode(sequence: u64, mark: Option<&GuardMark>, genesis: &[u8; 32]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(SLOT_SIZE);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&FORMAT.to_be_bytes());
    bytes.extend_from_slice(&sequence.to_be_bytes());
    bytes.extend_from_slice(&mark.map_or(0, |mark| mark.height).to_be_bytes());
    bytes.extend_from_slice(&mark.map_or(0, |mark| mark.round).to_be_bytes());
    bytes.push(mark.map_or(0, |mark| mark.step.code()));
    bytes.extend_from_slice(&mark.map_or([0; 32], |mark| mark.digest));
    bytes.extend_from_slice(genesis);
    let check = digest(TAG, &[&bytes]);
    bytes.extend_from_slice(&check);
    bytes
}

/// The slot, or `None` when it is torn or was never written.
fn read_slot(file: &LatchedFile, number: u64) -> Result<Option<Slot>, StoreError> {
    let unreadable = |cause: std::io::Error| StoreError::Unreadable {
        file: file.path().to_owned(),
        cause: cause.to_string(),
    };
    let offset = number * SLOT_SPACING;
    let mut bytes = [0; SLOT_SIZE];
    if file.len().map_err(unreadable)? < offset + SLOT_SIZE as u64 {
        return Ok(None);
    }
    file.read(offset, &mut bytes).map_err(unreadable)?;
    let (body, check) = bytes.split_at(SLOT_SIZE - 32);
    let mut fields = Fields(body);
    if fields.take::<8>() != *MAGIC {
        return Ok(None);
    }
    let format = u32::from_be_bytes(fields.take());
    if format > FORMAT {
        return Err(StoreError::NewerVersion {
            file: file.path().to_owned(),
            found: format,
            known: FORMAT,
        });
    }
    if digest(TAG, &[body]) != *check {
        return Ok(None);
    }
    let sequence = u64::from_be_bytes(fields.take());
    let height = u64::from_be_bytes(fields.take());
    let round = u32::from_be_bytes(fields.take());
    let [code] = fields.take();
    let digest = fields.take();
    let genesis = fields.take();
    let mark = SignedStep::from_code(code).map(|step| GuardMark {
        height,
        round,
        step,
        digest,
    });
    Ok(Some(Slot {
        sequence,
        genesis,
        mark,
    }))
}

/// Cuts fixed fields off a slot's body, whose size is a constant.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let (field, rest) = self
            .0
            .split_first_chunk()
            .expect("the slot's size is the sum of its fields");
        self.0 = rest;
        *field
    }
}

#[cfg(test)]
#[path = "guard_tests.rs"]
mod tests;
