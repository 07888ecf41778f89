//! Dealings from wallet to wallet: requests, notices, receipts and thanks.
//!
//! The chain moves money; this tells people about it. A payee hears of a payment the moment it is sent, and even where
//! no node can be reached; the payer hears that it came. None of it is believed about money: a payment is shown as
//! announced, or as signed and not final, until the wallet holds the proof. All of it is bounded, since strangers speak.
//!
//! Messages and time come in, effects go out; nothing here opens a connection or a file. Begin with [`message`] (what
//! is said), then [`machine`] (what becomes of it), [`book`] (what is kept). Why: `docs/decisions/dealings.md`.

pub mod book;
pub mod machine;
pub mod message;
pub mod rate;
pub mod refusal;
pub mod request;

#[cfg(test)]
mod message_tests;
#[cfg(test)]
mod model_tests;
#[cfg(test)]
mod testing;
