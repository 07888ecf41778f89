//! Speech: libp2p behaviours, codecs, topics, limits.
