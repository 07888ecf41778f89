//! Whereabouts, pure: the bootstrap list of verified nodes, and the cards of everybody else.
//!
//! Nothing here dials or reads a file: text in, values out. Of libp2p only plain data is used
//! (peer ids, multiaddresses). Names are law, whereabouts are hearsay: of all this, only the peer
//! ids and the genesis of the bootstrap file are trusted. Begin with [`bootstrap`] for the list; for the
//! directory with [`card`], then [`book`], [`exchange`] and [`keeper`], the machine that a node runs; a wallet's part is
//! [`publisher`], and [`look_up`] is for other programs. How a list comes to be, each with his own key: [`founding`].

pub mod address;
pub mod book;
pub mod bootstrap;
pub mod card;
pub mod development;
pub mod exchange;
pub mod founding;
pub mod invite;
pub mod keeper;
pub mod look_up;
pub mod peer;
pub mod publisher;
pub mod refusal;
#[cfg(test)]
pub(crate) mod testing;
pub use crate::chain::utc;
