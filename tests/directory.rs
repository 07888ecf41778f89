//! The directory of whole nodes over real libp2p: who publishes is found, who dies or leaves is not, and no forgery takes
//! anybody's place.

mod common;

#[path = "directory/cards.rs"]
mod cards;
#[path = "directory/nodes.rs"]
mod nodes;
#[path = "directory/sessions.rs"]
mod sessions;
#[path = "directory/strangers.rs"]
mod strangers;
