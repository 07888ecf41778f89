//! A stranger: speaks libp2p, opens any stream and writes any bytes on it.

use std::time::Duration;

use libp2p::{
    Multiaddr, PeerId, Stream, StreamProtocol, SwarmBuilder,
    futures::{AsyncReadExt as _, AsyncWriteExt as _, StreamExt as _},
    noise, ping,
    swarm::{NetworkBehaviour, SwarmEvent},
    tcp, yamux,
};
use natcoin::behaviour::{
    Hello, HelloAnswer, Links, Role,
    frame::{read_frame, write_frame},
};
use tokio::sync::watch;

use super::wait::PATIENCE;

/// As little as keeps a connection: pings are answered.
#[derive(NetworkBehaviour)]
struct Bare {
    ping: ping::Behaviour,
    streams: libp2p_stream::Behaviour,
}

/// A connected stranger. It says nothing by itself, not even hello.
pub struct Stranger {
    pub peer: PeerId,
    target: PeerId,
    control: libp2p_stream::Control,
    connected: watch::Receiver<bool>,
}

impl Stranger {
    /// Dials `target` and waits until connected.
    pub async fn dial((target, addresses): (PeerId, Vec<Multiaddr>)) -> Self {
        let mut swarm = SwarmBuilder::with_new_identity()
            .with_tokio()
            .with_tcp(
                tcp::Config::default(),
                noise::Config::new,
                yamux::Config::default,
            )
            .unwrap()
            .with_quic()
            .with_behaviour(|_| Bare {
                ping: ping::Behaviour::default(),
                streams: libp2p_stream::Behaviour::new(),
            })
            .unwrap()
            .with_swarm_config(|c| c.with_idle_connection_timeout(Duration::from_secs(600)))
            .build();
        let peer = *swarm.local_peer_id();
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
        swarm.dial(addresses[0].clone()).unwrap();
        let (tell, mut connected) = watch::channel(false);
        tokio::spawn(async move {
            loop {
                match swarm.select_next_some().await {
                    SwarmEvent::ConnectionEstablished { .. } => tell.send_replace(true),
                    SwarmEvent::ConnectionClosed { .. } => tell.send_replace(false),
                    _ => continue,
                };
            }
        });
        connected.wait_for(|yes| *yes).await.unwrap();
        Self {
            peer,
            target,
            control,
            connected,
        }
    }

    /// Opens a stream of the test network's `protocol`, such as "query/1".
    pub async fn open(&mut self, protocol: &str) -> Stream {
        let name = StreamProtocol::try_from_owned(format!("/natcoin/test/{protocol}")).unwrap();
        self.control.open_stream(self.target, name).await.unwrap()
    }

    /// Opens a stream of any protocol.
    pub async fn open_named(&mut self, protocol: &'static str) -> Stream {
        let name = StreamProtocol::new(protocol);
        self.control.open_stream(self.target, name).await.unwrap()
    }

    /// As [`Self::shout`], where the connection may be over.
    pub async fn try_shout(&mut self, protocol: &str, bytes: &[u8]) -> Option<Vec<u8>> {
        let name = StreamProtocol::try_from_owned(format!("/natcoin/test/{protocol}")).unwrap();
        let mut stream = self.control.open_stream(self.target, name).await.ok()?;
        let mut back = Vec::new();
        stream.write_all(bytes).await.ok()?;
        stream.close().await.ok()?;
        stream.read_to_end(&mut back).await.ok()?;
        Some(back)
    }

    /// Writes raw bytes and returns what comes back until the stream ends, however it ends.
    pub async fn shout(&mut self, protocol: &str, bytes: &[u8]) -> Vec<u8> {
        let mut stream = self.open(protocol).await;
        let mut back = Vec::new();
        let exchange = async {
            stream.write_all(bytes).await?;
            stream.close().await?;
            stream.read_to_end(&mut back).await
        };
        let _ = tokio::time::timeout(PATIENCE, exchange)
            .await
            .expect("an end in time");
        back
    }

    /// Says a proper hello, as a wallet would.
    pub async fn greet(&mut self, genesis: [u8; 32]) -> HelloAnswer {
        let hello = Hello {
            genesis,
            height: 0,
            role: Role::Wallet,
            boot_nonce: 1,
            links: Links::Only,
            version: "stranger".into(),
        };
        let mut stream = self.open("hello/1").await;
        write_frame(&mut stream, &hello.encode(), 1024)
            .await
            .unwrap();
        let reply = read_frame(&mut stream, 1024).await.unwrap();
        assert_eq!(reply[0], 0, "a hello is always answered");
        HelloAnswer::decode(&reply[1..]).unwrap()
    }

    /// Waits until the other side has closed the connection.
    pub async fn closed(&mut self) {
        let waiting = self.connected.wait_for(|yes| !*yes);
        tokio::time::timeout(PATIENCE, waiting)
            .await
            .expect("closed in time")
            .unwrap();
    }
}
