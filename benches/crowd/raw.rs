//! A flooding peer's own connection: it holds itself to no limit at all.

use std::time::Duration;

use libp2p::futures::{AsyncReadExt as _, AsyncWriteExt as _, StreamExt as _};
use libp2p::swarm::{NetworkBehaviour, SwarmEvent};
use libp2p::{Stream, StreamProtocol, SwarmBuilder, noise, ping, tcp, yamux};
use natcoin::behaviour::frame::{read_frame, write_frame};
use natcoin::behaviour::{Hello, HelloAnswer, Links, Role};
use natcoin::directory::bootstrap::Bootstrap;
use tokio::sync::watch;
use tokio::task::AbortHandle;

use super::wallets::node;

#[derive(NetworkBehaviour)]
struct Bare {
    ping: ping::Behaviour,
    streams: libp2p_stream::Behaviour,
}

/// One connection, greeted.
pub struct Raw {
    control: libp2p_stream::Control,
    pub connected: watch::Receiver<bool>,
    network: String,
    target: libp2p::PeerId,
    swarm: AbortHandle,
}

impl Drop for Raw {
    fn drop(&mut self) {
        self.swarm.abort();
    }
}

impl Raw {
    /// Connects to the crowded node with a new identity and says hello.
    pub async fn connect(
        bootstrap: &Bootstrap,
        way: &libp2p::Multiaddr,
        role: Role,
    ) -> Option<Self> {
        let mut swarm = SwarmBuilder::with_new_identity()
            .with_tokio()
            .with_tcp(
                tcp::Config::default(),
                noise::Config::new,
                yamux::Config::default,
            )
            .ok()?
            .with_behaviour(|_| Bare {
                ping: ping::Behaviour::default(),
                streams: libp2p_stream::Behaviour::new(),
            })
            .ok()?
            .with_swarm_config(|c| c.with_idle_connection_timeout(Duration::from_secs(600)))
            .build();
        let mut control = swarm.behaviour().streams.new_control();
        // Whoever takes no gossip is not listened to either.
        let mut gossip = control
            .accept(StreamProtocol::new("/meshsub/1.1.0"))
            .expect("accepted once");
        tokio::spawn(async move {
            while let Some((_, mut stream)) = gossip.next().await {
                tokio::spawn(async move {
                    let mut heard = [0; 4096];
                    while stream.read(&mut heard).await.is_ok_and(|read| read > 0) {}
                });
            }
        });
        let (target, _) = node(bootstrap);
        swarm.dial(way.clone()).ok()?;
        let (tell, mut connected) = watch::channel(false);
        let running = tokio::spawn(async move {
            loop {
                match swarm.select_next_some().await {
                    SwarmEvent::ConnectionEstablished { .. } => {
                        tell.send_replace(true);
                    }
                    SwarmEvent::ConnectionClosed { .. }
                    | SwarmEvent::OutgoingConnectionError { .. } => return,
                    _ => {}
                }
            }
        });
        connected.wait_for(|yes| *yes).await.ok()?;
        let mut raw = Self {
            control,
            connected,
            network: bootstrap.network().to_owned(),
            target,
            swarm: running.abort_handle(),
        };
        raw.greet(bootstrap, role).await?;
        Some(raw)
    }

    pub fn is_connected(&self) -> bool {
        self.connected.has_changed().is_ok()
    }

    /// A handle for another task over the same connection.
    pub fn another(&self) -> Self {
        Self {
            control: self.control.clone(),
            connected: self.connected.clone(),
            network: self.network.clone(),
            target: self.target,
            // Its own dropping must not end the connection.
            swarm: tokio::spawn(async {}).abort_handle(),
        }
    }

    pub async fn open(&mut self, protocol: &str) -> Option<Stream> {
        let name = match protocol.starts_with('/') {
            true => protocol.to_owned(),
            false => format!("/natcoin/{}/{protocol}", self.network),
        };
        let name = StreamProtocol::try_from_owned(name).ok()?;
        self.control.open_stream(self.target, name).await.ok()
    }

    /// Writes bytes and reads what comes back.
    pub async fn shout(&mut self, protocol: &str, bytes: &[u8]) -> Option<()> {
        let mut stream = self.open(protocol).await?;
        let mut back = Vec::new();
        let _ = stream.write_all(bytes).await;
        let _ = stream.close().await;
        let _ = stream.read_to_end(&mut back).await;
        Some(())
    }

    /// Asks with a proper frame.
    pub async fn ask(&mut self, protocol: &str, request: &[u8]) -> Option<()> {
        let mut stream = self.open(protocol).await?;
        write_frame(&mut stream, request, 1 << 20).await.ok()?;
        let _ = read_frame(&mut stream, 1 << 23).await;
        Some(())
    }

    async fn greet(&mut self, bootstrap: &Bootstrap, role: Role) -> Option<()> {
        let hello = Hello {
            genesis: bootstrap.genesis().hash().0,
            height: 0,
            role,
            boot_nonce: rand::random(),
            links: Links::Only,
            version: "flood".into(),
        };
        let mut stream = self.open("hello/1").await?;
        write_frame(&mut stream, &hello.encode(), 1024).await.ok()?;
        let reply = read_frame(&mut stream, 1024).await.ok()?;
        matches!(
            HelloAnswer::decode(&reply[1..]),
            Ok(HelloAnswer::Welcome(_))
        )
        .then_some(())
    }
}
