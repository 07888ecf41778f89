//! The language between the replica and its hands.

use std::time::Duration;

use super::inspect::{CheckId, CheckJob};
use crate::behaviour::{Role, Service, Topic};
use crate::chain::key::PublicKey;
use crate::chain::ledger;
use crate::chain::transaction::SignedTransaction;
use crate::consensus::{self, Evidence, Mark};
use crate::store::{Checkpoint, NewBlock, StateChanges};

/// A peer: its ed25519 key, which its peer id holds.
pub type Peer = PublicKey;

/// A gossip message that awaits a verdict; numbered by the hands.
pub type GossipId = u64;

/// A request that awaits an answer; numbered by the hands.
pub type RequestId = u64;

/// An open watch; numbered by the hands.
pub type WatchId = u64;

/// The time, on two clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Moment {
    /// The wall clock: milliseconds since 1970. May jump.
    pub unix_ms: u64,
    /// Since some fixed moment; never goes back. Timers are set on it.
    pub elapsed: Duration,
}

/// What a request of ours was for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tag {
    /// Blocks above a height.
    Blocks {
        /// The first block asked for.
        from: u64,
    },
    /// Messages of the height under way.
    Missing,
}

/// What happens to the node.
#[derive(Debug, Clone)]
pub enum Input {
    /// Time has passed.
    Tick,
    /// A gossip message; it gets an [`Effect::Judge`].
    Gossip {
        /// Its number.
        id: GossipId,
        /// Who handed it on.
        from: Peer,
        /// Its topic.
        topic: Topic,
        /// Its bytes.
        data: Vec<u8>,
    },
    /// A request; it gets an [`Effect::Respond`].
    Request {
        /// Its number.
        id: RequestId,
        /// Who asks.
        from: Peer,
        /// What for.
        service: Service,
        /// Its bytes.
        data: Vec<u8>,
    },
    /// The answer to an [`Effect::Request`]; `None` if there was none in time.
    Reply {
        /// The request.
        tag: Tag,
        /// Who was asked.
        from: Peer,
        /// The answer.
        data: Option<Vec<u8>>,
    },
    /// A peer is connected and has said hello.
    PeerUp {
        /// Who.
        peer: Peer,
        /// What it is.
        role: Role,
        /// How far its chain goes, it says.
        height: u64,
    },
    /// A peer says how far its chain goes.
    PeerHeight {
        /// Who.
        peer: Peer,
        /// How far.
        height: u64,
    },
    /// A peer is gone.
    PeerDown {
        /// Who.
        peer: Peer,
    },
    /// A wallet has opened a watch.
    WatchOpened {
        /// Its number.
        watch: WatchId,
        /// What it wants to see.
        data: Vec<u8>,
    },
    /// A watch is over.
    WatchClosed {
        /// Its number.
        watch: WatchId,
    },
    /// The signatures of an [`Effect::Check`] are checked.
    Checked {
        /// Its number.
        check: CheckId,
        /// The transactions, as they were given.
        transactions: Vec<SignedTransaction>,
        /// For each whether its signature is good.
        good: Vec<bool>,
    },
    /// A checkpoint is on the disk.
    CheckpointWritten {
        /// Its height.
        height: u64,
    },
}

/// Whether a gossip message is passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Good: pass it on.
    Accept,
    /// Stale, known or not ours to judge: drop it without blame.
    Ignore,
    /// Provably bad: drop it, and blame who handed it on.
    Reject,
}

/// What the hands must do, in this order.
#[derive(Debug, Clone)]
pub enum Effect {
    /// Begin the write-ahead log of a height.
    LogStart {
        /// The height.
        height: u64,
    },
    /// Append to the write-ahead log.
    LogAppend {
        /// The height.
        height: u64,
        /// The entry.
        entry: Vec<u8>,
    },
    /// Make the write-ahead log durable.
    LogFlush,
    /// Record durably what was signed.
    Guard(Mark),
    /// Append these blocks durably.
    Commit(Vec<NewBlock>),
    /// Write a checkpoint, on another thread; then give [`Input::CheckpointWritten`].
    Checkpoint {
        /// Which.
        checkpoint: Checkpoint,
        /// What changed since the one before.
        changes: StateChanges,
    },
    /// Keep proofs of misbehaviour.
    Evidence(Vec<Evidence>),
    /// Check signatures: run the job, on another thread; then give the [`Input::Checked`] that comes of it.
    Check(CheckJob),
    /// Gossip to all.
    Publish {
        /// The topic.
        topic: Topic,
        /// The bytes.
        data: Vec<u8>,
    },
    /// Judge a gossip message.
    Judge {
        /// Its number.
        id: GossipId,
        /// The verdict.
        verdict: Verdict,
    },
    /// Ask a peer; then give [`Input::Reply`].
    Request {
        /// What for.
        tag: Tag,
        /// Whom.
        peer: Peer,
        /// By which service.
        service: Service,
        /// The bytes.
        data: Vec<u8>,
    },
    /// Answer a request.
    Respond {
        /// Its number.
        id: RequestId,
        /// The answer.
        data: Vec<u8>,
    },
    /// Send a frame to a watcher; give [`Input::WatchClosed`] if that fails.
    Push {
        /// The watch.
        watch: WatchId,
        /// The frame.
        frame: Vec<u8>,
    },
    /// End a watch whose request makes no sense.
    CloseWatch {
        /// The watch.
        watch: WatchId,
    },
    /// Tell peers how far our chain goes.
    Height(u64),
    /// Close the connections of a peer that sent what no honest node sends.
    Disconnect {
        /// Who.
        peer: Peer,
        /// Why, for the log.
        reason: String,
    },
    /// Something for people to know.
    Note(Note),
    /// Stop: we are unsound.
    Halt(Halt),
}

/// What people may want to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// A block is final.
    Final {
        /// Its height.
        height: u64,
        /// Its round; above 0 something was slow.
        round: u32,
        /// Its transactions.
        transactions: usize,
        /// Whether it was taken from a peer, to catch up.
        is_caught_up: bool,
    },
    /// Our chain goes as far as that of every peer we know.
    InStep {
        /// The height.
        height: u64,
    },
    /// Too few validators are up: nothing can become final.
    Paused {
        /// How many are up, ourselves included.
        up: u32,
        /// Of how many.
        of: u32,
        /// How many it takes.
        needed: u32,
    },
    /// Enough validators are up again.
    Resumed {
        /// How many are up.
        up: u32,
        /// Of how many.
        of: u32,
    },
    /// We follow without voting: we have signed more than our log can tell.
    NotVoting {
        /// The height.
        height: u64,
    },
}

/// Why the node must stop.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Halt {
    /// Agreement is not sound.
    #[error(transparent)]
    Agreement(consensus::Fault),
    /// The ledger is not sound.
    #[error(transparent)]
    Ledger(ledger::Fault),
    /// A certified block does not execute here as it did for the quorum.
    #[error(
        "the block of height {height} is certified, but not valid here: {reason}; this program or its store is at fault"
    )]
    Diverged {
        /// The height.
        height: u64,
        /// What does not fit.
        reason: String,
    },
}

/// The node's condition, for its operator.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Condition {
    /// The height of its last final block.
    pub height: u64,
    /// The round under way at the next height, if one is.
    pub round: Option<u32>,
    /// Whether its key is a validator's.
    pub is_validator: bool,
    /// Whether it votes.
    pub is_voting: bool,
    /// How many validators there are.
    pub validators: u32,
    /// How many of them it sees, itself included.
    pub validators_up: u32,
    /// How many it takes for a quorum.
    pub validators_needed: u32,
    /// Transactions that wait.
    pub waiting: u32,
    /// The greatest height that any peer has told.
    pub best_known_height: u64,
}
