//! The language between the keeper and its hands.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::chain::key::{Address, PublicKey};
use crate::directory::card::{Addresses, Card, Role, SoundCard};
use crate::directory::refusal::Refusal;

/// The time, on two clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Now {
    /// The wall clock: milliseconds since 1970, by which cards live and end. May jump.
    pub unix_ms: u64,
    /// Since some fixed moment; never goes back. Timers are set on it.
    pub elapsed: Duration,
}

/// What happens to the keeper. Requests, messages and jobs are numbered by whoever begins them.
#[derive(Debug, Clone)]
pub enum Input {
    /// Time has passed.
    Tick,
    /// A peer is connected and has said hello.
    PeerUp {
        /// Who.
        peer: PublicKey,
        /// What it is, it says.
        role: Role,
    },
    /// A peer is gone.
    PeerDown {
        /// Who.
        peer: PublicKey,
    },
    /// A request of the directory's service; it gets an [`Effect::Answer`].
    Asked {
        /// Its number.
        id: u64,
        /// Who asks.
        from: PublicKey,
        /// Its bytes.
        data: Vec<u8>,
    },
    /// A look-up in JSON; it gets an [`Effect::Answer`].
    LookedUp {
        /// Its number.
        id: u64,
        /// Its text.
        text: Vec<u8>,
    },
    /// A gossip message of the directory's topic; it gets an [`Effect::Judge`].
    Gossip {
        /// Its number.
        id: u64,
        /// Who handed it on.
        from: PublicKey,
        /// Its bytes.
        data: Vec<u8>,
    },
    /// The answer to an [`Effect::Ask`]; `None` if there was none in time.
    Answered {
        /// The question's number.
        number: u64,
        /// The answer.
        data: Option<Vec<u8>>,
    },
    /// The cards of an [`Effect::Check`] were proved.
    Checked {
        /// The job.
        job: u64,
        /// What came of each card, in their order.
        outcomes: Vec<Result<SoundCard, Refusal>>,
        /// Of their accounts those that are in the ledger.
        members: BTreeSet<Address>,
    },
    /// An [`Effect::KeepNumber`] is durable.
    NumberKept {
        /// The number.
        sequence: u64,
    },
    /// An [`Effect::KeepNumber`] has failed.
    NumberNotKept,
    /// An [`Effect::Save`] is durable.
    Saved,
    /// An [`Effect::Save`] has failed.
    NotSaved,
    /// The peer itself can be dialled here.
    Addresses(Addresses),
    /// The node is about to stop: it withdraws its card and gives [`Effect::Left`].
    Leave,
}

/// Whether a gossip message is passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Something in it was news.
    Accept,
    /// Nothing was, or nobody had time for it: dropped without blame.
    Ignore,
    /// It cannot be read, or no honest peer hands it on.
    Reject,
}

/// What a request gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// These bytes.
    Bytes(Vec<u8>),
    /// Too much is asked now.
    Busy,
    /// The request makes no sense.
    Unreadable,
}

/// What the hands must do, in this order.
#[derive(Debug, Clone)]
pub enum Effect {
    /// Prove cards ([`Card::prove_all`]) where nobody waits for it, and look who of their accounts is in the ledger; then
    /// give [`Input::Checked`].
    Check {
        /// The job.
        job: u64,
        /// The cards.
        cards: Vec<Card>,
    },
    /// Ask a peer by the directory's service; then give [`Input::Answered`].
    Ask {
        /// The question's number.
        number: u64,
        /// Whom.
        peer: PublicKey,
        /// The bytes.
        data: Vec<u8>,
    },
    /// Answer a request.
    Answer {
        /// Its number.
        id: u64,
        /// What it gets.
        reply: Reply,
    },
    /// Judge a gossip message.
    Judge {
        /// Its number.
        id: u64,
        /// The verdict.
        verdict: Verdict,
    },
    /// Gossip to all.
    Tell(Vec<u8>),
    /// Keep the own card's number durably; then give [`Input::NumberKept`] or [`Input::NumberNotKept`].
    KeepNumber {
        /// The number.
        sequence: u64,
    },
    /// Keep the book durably; then give [`Input::Saved`] or [`Input::NotSaved`].
    Save(Vec<u8>),
    /// Close the connections of a peer that said what no honest one says.
    Disconnect {
        /// Who.
        peer: PublicKey,
        /// Why, for the log.
        reason: String,
    },
    /// The own card is withdrawn as far as that can be; nothing more is wanted but the effects before this one.
    Left,
}
