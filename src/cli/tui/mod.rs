//! The wallet on a whole terminal: `natcoin wallet` with no other word.
//!
//! ```text
//! core/   what there is and what a key or a piece of news makes of it: pure, tried without a terminal
//! view/   how that looks, by ratatui
//! hands/  the terminal, the session, the files: they perform effects and answer with events
//! ```
//! Whatever is done goes the steps of the command of that name (`cli/wallet/live.rs`). Never: a secret outside of what
//! is wiped. Read next: `core/mod.rs`.

mod core;
mod hands;
mod view;

pub use self::hands::run;

#[cfg(test)]
mod tests;
