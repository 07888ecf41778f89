//! Founding a network together: a ceremony in which each operator keeps his own key.
//!
//! Two machines, `(input, now) -> effects`, without clock, chance, socket or file. The [`hub`] is the room: it lets in
//! who has the code, keeps everybody's seat, and gathers what each says in a round until it can tell all to all. The
//! [`member`] is one founder's part; the host has one too. The hub is trusted with nothing: what is agreed on is held
//! together by the spoken words ([`words`]) and by everybody's signature.
//!
//! ```text
//! knock ─ plan ─ check ─ commit ─ reveal ─ words ─ rehearse ─ ready ─ sign ─ written
//!                 │        └─ same words? ┘    │       │         │      │       └ the home has its name
//!                 └ dials, clocks              people  block 1   │      └ own signature leaves: from here it is kept
//!                                                                └ key and draft durable
//! ```
//! It must never: let anything be written before `ready`, give a signature away before the key is durable, or end
//! without saying who and why. Rules F3 to F9 of `docs/protocol.md`, "Founding a network"; why so:
//! `docs/decisions/founding.md`. The hands are `node/founding/`.

pub mod check;
pub mod code;
pub mod hub;
pub mod member;
pub mod message;
#[cfg(test)]
mod tests;
pub mod words;

use std::time::Duration;

/// Fewest founders of a ceremony; who is alone uses `natcoin network new`.
pub const MIN_FOUNDERS: usize = 2;
/// Most founders of a ceremony: as many as people can keep in view, and each dials each.
pub const MAX_FOUNDERS: usize = 32;

/// How far a clock may be from the others: half of what a block's time may be ahead of a judge's clock.
pub const MAX_SKEW_MS: u64 = 5_000;

/// How often a member shows that it is there.
pub const BEAT: Duration = Duration::from_secs(2);
/// Who is silent for so long is gone.
pub const SILENCE: Duration = Duration::from_secs(15);
/// How long a connection may stay without the room's secret.
pub const KNOCK: Duration = Duration::from_secs(10);
/// Connections that have not shown the secret yet.
pub const MAX_UNKNOWN: usize = 32;

/// When something happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// Since the start, by the steady clock: deadlines.
    pub elapsed: Duration,
    /// By the wall clock, milliseconds since 1970: what is compared.
    pub unix_ms: u64,
}
