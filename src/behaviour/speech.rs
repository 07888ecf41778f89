//! The whole of our speech in one libp2p behaviour, and its configuration.
//!
//! Never: decide anything; deciding is the event loop's, in `node/network/`. Next: [`super`].
#![allow(
    missing_docs,
    reason = "the derived event enum has one variant a field and no docs"
)]

use std::{collections::BTreeSet, time::Instant};

use libp2p::{
    PeerId,
    allow_block_list::{self, BlockedPeers},
    identity::Keypair,
    ping, relay,
    swarm::{NetworkBehaviour, behaviour::toggle::Toggle},
};

use super::{
    BehaviourError, Exchange, Multiaddr, NetworkName, PING_INTERVAL, PING_TIMEOUT, Role, Service,
    doors::Doors,
    exchanges::Exchanges,
    gossip, mesh,
    reach::{Reach, Spoken},
    service::{self, Malformed},
};

/// What [`Speech`] needs to know.
#[derive(Debug, Clone)]
pub struct SpeechConfig {
    /// Whose network.
    pub network: NetworkName,
    /// What we do: wallets take no part in gossip and serve nobody.
    pub role: Role,
    /// Program version, told to peers.
    pub version: String,
    /// Our own id.
    pub local_peer: PeerId,
    /// Peers that vote: explicit gossip peers of each other while they are few.
    pub validators: BTreeSet<PeerId>,
    /// Peers above the connection limits: validators and the bootstrap list.
    pub trusted: BTreeSet<PeerId>,
    /// Their addresses, as far as they are known.
    pub listed: Vec<Multiaddr>,
    /// Strangers that may be connected at a time.
    pub strangers: usize,
    /// The time of the start.
    pub now: Instant,
    /// Where requests are counted that cannot be read.
    pub malformed: Malformed,
    /// How we are found, and find others.
    pub reach: Spoken,
}

/// Everything we speak, in one behaviour.
#[derive(NetworkBehaviour)]
pub struct Speech {
    // Order: limits and the block list come first, so that a connection they deny costs nothing
    // in the behaviours below (rule 2).
    /// How many connections there may be.
    pub doors: Doors,
    /// Peers we do not talk to.
    pub blocked: allow_block_list::Behaviour<BlockedPeers>,
    /// Who is where, and how to get there.
    pub reach: Reach,
    /// Round-trip times, and death.
    pub ping: ping::Behaviour,
    /// Genesis, height, role and boot nonce.
    pub hello: Exchange,
    /// The application's services.
    pub exchanges: Exchanges,
    /// Long-lived streams.
    pub watch: libp2p_stream::Behaviour,
    /// The mesh; wallets have none.
    pub gossip: Toggle<gossip::Gossip>,
}

impl Speech {
    /// Puts the protocols together. `circuits` is the behaviour's half of the relay transport, if there is one. Must be
    /// called on a tokio runtime.
    ///
    /// # Errors
    /// [`BehaviourError::Gossip`] if the mesh cannot be set up.
    pub fn new(
        keypair: &Keypair,
        config: &SpeechConfig,
        circuits: Option<relay::client::Behaviour>,
    ) -> Result<Self, BehaviourError> {
        let network = &config.network;
        let gossip = if config.role.gossips() {
            let mut gossip = gossip::gossip(network, config.validators.len())?;
            // Rule 5: validators are explicit peers of each other, on both sides, while they are few.
            if config.validators.contains(&config.local_peer)
                && mesh::are_explicit(config.validators.len())
            {
                for peer in config
                    .validators
                    .iter()
                    .filter(|p| **p != config.local_peer)
                {
                    gossip.add_explicit_peer(peer);
                }
            }
            Some(gossip)
        } else {
            None
        };
        Ok(Self {
            doors: Doors::new(
                config.strangers,
                config.trusted.clone(),
                &config.listed,
                config.now,
            ),
            blocked: allow_block_list::Behaviour::default(),
            reach: Reach::new(keypair, network, &config.version, config.reach, circuits),
            ping: ping::Behaviour::new(
                ping::Config::new()
                    .with_interval(PING_INTERVAL)
                    .with_timeout(PING_TIMEOUT),
            ),
            hello: service::hello_exchange(network, &config.malformed),
            exchanges: Exchanges::new(network, config.role, &config.malformed),
            watch: libp2p_stream::Behaviour::new(),
            gossip: Toggle::from(gossip),
        })
    }

    /// The behaviour of one service.
    pub fn service(&mut self, service: Service) -> &mut Exchange {
        self.exchanges.of(service)
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "a test's starting point")]
mod tests {
    use super::*;
    use crate::behaviour::reach::ReachEvent;
    use libp2p::{
        Swarm, SwarmBuilder,
        futures::StreamExt as _,
        identify, noise,
        swarm::{DialError, SwarmEvent},
        tcp, yamux,
    };

    #[allow(clippy::disallowed_methods, reason = "a test's starting point")]
    fn now() -> Instant {
        Instant::now()
    }

    async fn swarm() -> Swarm<Speech> {
        let mut swarm = SwarmBuilder::with_new_identity()
            .with_tokio()
            .with_tcp(
                tcp::Config::default(),
                noise::Config::new,
                yamux::Config::default,
            )
            .unwrap()
            .with_behaviour(|key| {
                let config = SpeechConfig {
                    network: "test".parse()?,
                    role: Role::Validator,
                    version: "test".into(),
                    local_peer: key.public().to_peer_id(),
                    validators: BTreeSet::new(),
                    trusted: BTreeSet::new(),
                    listed: vec![],
                    strangers: crate::behaviour::limits::STRANGERS,
                    now: now(),
                    malformed: Malformed::default(),
                    reach: Spoken::default(),
                };
                Ok(Speech::new(key, &config, None)?)
            })
            .unwrap()
            .build();
        let any = "/ip4/127.0.0.1/tcp/0".parse().unwrap();
        swarm.listen_on(any).unwrap();
        while swarm.listeners().count() == 0 {
            swarm.select_next_some().await;
        }
        swarm
    }

    #[tokio::test]
    async fn a_peer_is_not_dialled_where_it_says_that_it_listens() {
        let (mut ours, mut theirs) = (swarm().await, swarm().await);
        let peer = *theirs.local_peer_id();
        theirs
            .dial(ours.listeners().next().unwrap().clone())
            .unwrap();
        loop {
            let event = tokio::select! {
                event = ours.select_next_some() => event,
                _ = theirs.select_next_some() => continue,
            };
            match event {
                SwarmEvent::Behaviour(SpeechEvent::Reach(ReachEvent::Identify(
                    identify::Event::Received { info, .. },
                ))) => {
                    assert!(!info.listen_addrs.is_empty(), "it says where it listens");
                    ours.disconnect_peer_id(peer).unwrap();
                }
                SwarmEvent::ConnectionClosed { .. } => break,
                _ => {}
            }
        }
        assert!(matches!(ours.dial(peer), Err(DialError::NoAddresses)));
    }
}
