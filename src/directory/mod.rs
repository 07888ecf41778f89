//! Whereabouts, pure: the bootstrap list of verified nodes.
//!
//! Nothing here dials or reads a file: text in, values out. Of libp2p only plain data is used
//! (peer ids, multiaddresses). Names are law, whereabouts are hearsay: of all this, only the peer
//! ids and the genesis of the bootstrap file are trusted. Begin with [`bootstrap`].

pub mod address;
pub mod bootstrap;
pub mod development;
pub mod peer;
pub mod utc;
