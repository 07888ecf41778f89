//! The services of the application as one behaviour: a request, an answer.
//!
//! Names, sizes and rates are in [`super::service`]; the meaning of the bytes is the application's.
//! Never: read what is inside. Next: [`super::speech`].
#![allow(
    missing_docs,
    reason = "the derived event enum has one variant a field and no docs"
)]

use libp2p::{request_response::ProtocolSupport, swarm::NetworkBehaviour};

use super::{Exchange, NetworkName, Role, Service, service::Malformed};

/// All of them.
#[derive(NetworkBehaviour)]
pub struct Exchanges {
    /// Transactions handed in.
    pub submit: Exchange,
    /// Proved answers.
    pub query: Exchange,
    /// Catching up.
    pub blocks: Exchange,
    /// Missing votes and proposals.
    pub agreement: Exchange,
    /// Cards, handed in and compared.
    pub directory: Exchange,
    /// The directory's look-up in JSON.
    pub look_up: Exchange,
    /// What wallets say to each other.
    pub pay: Exchange,
}

impl Exchanges {
    /// All, as a peer of this role speaks them.
    #[must_use]
    pub fn new(network: &NetworkName, role: Role, malformed: &Malformed) -> Self {
        let make = |service: Service| service.behaviour(network, support(service, role), malformed);
        Self {
            submit: make(Service::Submit),
            query: make(Service::Query),
            blocks: make(Service::Blocks),
            agreement: make(Service::Agreement),
            directory: make(Service::Directory),
            look_up: make(Service::LookUp),
            pay: make(Service::Pay),
        }
    }

    /// The behaviour of one service.
    pub fn of(&mut self, service: Service) -> &mut Exchange {
        match service {
            Service::Submit => &mut self.submit,
            Service::Query => &mut self.query,
            Service::Blocks => &mut self.blocks,
            Service::Agreement => &mut self.agreement,
            Service::Directory => &mut self.directory,
            Service::LookUp => &mut self.look_up,
            Service::Pay => &mut self.pay,
        }
    }
}

/// Nodes serve what wallets ask, and never pay; wallets serve only each other: what they say about payments, and who
/// they are.
fn support(service: Service, role: Role) -> ProtocolSupport {
    match (service, role.gossips()) {
        (Service::Pay, true) => ProtocolSupport::Outbound,
        (Service::Pay | Service::Directory, false) | (_, true) => ProtocolSupport::Full,
        (_, false) => ProtocolSupport::Outbound,
    }
}
