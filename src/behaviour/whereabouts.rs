//! The directory's two protocols as one behaviour: cards between our own programs, and the look-up in JSON for any other.
//!
//! `/natcoin/<network>/directory/1` and `/natcoin/<network>/directory/1/json`; sizes and rates are in
//! [`super::service`], the meaning of the bytes is `directory/exchange.rs` and `directory/look_up.rs`.
//! Never: read what is inside.
#![allow(
    missing_docs,
    reason = "the derived event enum has one variant a field and no docs"
)]

use libp2p::{request_response::ProtocolSupport, swarm::NetworkBehaviour};

use super::{Exchange, NetworkName, Service, service::Malformed};

/// Both protocols.
#[derive(NetworkBehaviour)]
pub struct Whereabouts {
    /// Cards, handed in and compared.
    pub cards: Exchange,
    /// The look-up in JSON.
    pub json: Exchange,
}

impl Whereabouts {
    /// Both, in the roles of asker, answerer or both.
    #[must_use]
    pub fn new(network: &NetworkName, support: ProtocolSupport, malformed: &Malformed) -> Self {
        Self {
            cards: Service::Directory.behaviour(network, support.clone(), malformed),
            json: Service::LookUp.behaviour(network, support, malformed),
        }
    }
}
