//! Who hands a gossip message on to whom, by how many vote; the simulation goes by the same numbers.
//!
//! What a node says itself goes to all its peers at once, always. What it hears, it hands on: to its explicit peers,
//! all of them, and along a mesh to some of the others. While few vote, validators are explicit peers of each other:
//! nothing is faster or surer, and after a restart nobody waits for a mesh. But then each vote passes between each two
//! of them, twice: with a hundred validators a block would cost two million messages. So many meet in the mesh
//! (`docs/decisions/networking.md`, rule 5).
//!
//! Next: [`super::gossip`], which configures the library.

use std::time::Duration;

use super::topics::MESSAGE_ID_BYTES;

/// The most validators that are explicit peers of each other.
pub const FEW_VALIDATORS: usize = 16;

/// How often a node looks after its mesh, and tells others what it has heard.
pub const HEARTBEAT: Duration = Duration::from_secs(1);
/// When it does so first.
pub const FIRST_HEARTBEAT: Duration = Duration::from_millis(500);
/// How long a message is known again.
pub const KNOWN: Duration = Duration::from_secs(60);
/// Heartbeats for which a message that was heard can be asked for.
pub const HISTORY: usize = 5;
/// Heartbeats for which others are told that it was heard.
pub const HISTORY_TOLD: usize = 3;
/// Message ids in one telling; and so many are asked for between two heartbeats, of each peer. A promise that was not
/// kept is a breach of the mesh's rules, and who is overloaded, or behind a bad link, breaks all of them: these alone
/// must never cost an honest peer its voice ([`super::gossip`]).
pub const MAX_TOLD_IDS: usize = 64;
/// Bytes of control messages in one transmission; who sends more is cut off.
pub const MAX_CONTROL_BYTES: usize = 16 * 1024;
/// Who has a message of more bytes tells its mesh, and is not sent it again.
pub const LARGE_BYTES: usize = 1000;

// Field marks and length for each id, and the topic once: a telling must fit, or it costs the connection.
const _: () = assert!(MAX_TOLD_IDS * (MESSAGE_ID_BYTES + 2) + 256 < MAX_CONTROL_BYTES);

/// How many peers of each kind a node keeps, for each topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mesh {
    /// With fewer in the mesh, it takes more in.
    pub low: usize,
    /// So many it then wants.
    pub wanted: usize,
    /// With more, it leaves some.
    pub high: usize,
    /// At least so many beyond the mesh are told what it has heard, at each heartbeat,
    pub told: usize,
    /// or so many of a hundred of them.
    pub told_percent: u32,
}

impl Mesh {
    /// The mesh of a network in which so many vote.
    #[must_use]
    pub const fn of(validators: usize) -> Self {
        if are_explicit(validators) {
            // Followers only meet in it, and a network may have very few.
            Self {
                low: 2,
                wanted: 4,
                high: 8,
                told: 6,
                told_percent: 25,
            }
        } else {
            // All votes are handed on along it. Agreement asks again for what it misses, so few need to be told.
            Self {
                low: 5,
                wanted: 6,
                high: 12,
                told: 3,
                told_percent: 3,
            }
        }
    }
}

/// Whether so many validators are explicit peers of each other.
#[must_use]
pub const fn are_explicit(validators: usize) -> bool {
    validators <= FEW_VALIDATORS
}
