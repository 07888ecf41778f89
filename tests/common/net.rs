//! Small networks inside the test process: members with their own keys, ports and event queues.

use natcoin::{
    behaviour::{Multiaddr, PeerId, Role, identity},
    node::network::{self, Event, NetworkConfig, NetworkEvents, NetworkHandle},
};
use tokio::time::timeout;

use super::wait::PATIENCE;

/// One member: its handle and what it reports.
pub struct Member {
    pub handle: NetworkHandle,
    pub events: NetworkEvents,
}

/// The peer id of the member with this seed.
pub fn peer(seed: u8) -> PeerId {
    identity::keypair([seed; 32]).public().to_peer_id()
}

pub fn tcp() -> Vec<Multiaddr> {
    vec!["/ip4/127.0.0.1/tcp/0".parse().unwrap()]
}

pub fn quic() -> Vec<Multiaddr> {
    vec!["/ip4/127.0.0.1/udp/0/quic-v1".parse().unwrap()]
}

/// A member's configuration: network "test", genesis of ones, nobody to dial.
pub fn config(seed: u8, role: Role) -> NetworkConfig {
    NetworkConfig {
        identity: identity::keypair([seed; 32]),
        network_name: "test".parse().unwrap(),
        genesis: [1; 32],
        role,
        version: "test".into(),
        boot_nonce: rand::random(),
        height: 0,
        listen: if role.gossips() { tcp() } else { vec![] },
        bootstrap: vec![],
        validators: Default::default(),
        reach: Default::default(),
    }
}

pub async fn join(config: NetworkConfig) -> Member {
    let (handle, events) = network::start(config).await.expect("the member starts");
    Member { handle, events }
}

impl Member {
    pub fn peer(&self) -> PeerId {
        self.handle.local_peer()
    }

    /// This member as an entry of a bootstrap list.
    pub fn entry(&self) -> (PeerId, Vec<Multiaddr>) {
        (self.peer(), self.handle.addresses().to_vec())
    }

    /// Waits for an event that `pick` wants; others are passed over.
    pub async fn until<T>(&mut self, what: &str, mut pick: impl FnMut(Event) -> Option<T>) -> T {
        let waiting = async {
            loop {
                let event = self.events.recv().await.expect("the network runs");
                if let Some(found) = pick(event) {
                    return found;
                }
            }
        };
        match timeout(PATIENCE, waiting).await {
            Ok(found) => found,
            Err(_) => panic!("waited {PATIENCE:?} for {what}"),
        }
    }

    pub async fn up(&mut self, who: PeerId) {
        self.until("a peer to come up", |event| match event {
            Event::PeerUp { peer, .. } if peer == who => Some(()),
            _ => None,
        })
        .await;
    }

    pub async fn down(&mut self, who: PeerId) {
        self.until("a peer to go down", |event| match event {
            Event::PeerDown { peer } if peer == who => Some(()),
            _ => None,
        })
        .await;
    }
}
