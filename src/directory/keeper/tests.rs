//! Keepers in a virtual world: what comes of cards, forged and sound, of splits, deaths, floods and lost memories.

mod courses;
mod intake;
mod world;
