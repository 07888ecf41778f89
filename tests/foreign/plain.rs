//! A plain libp2p peer, made of libp2p's own parts: identify, ping and streams of bytes.

use std::time::{Duration, Instant};

use libp2p::{
    Multiaddr, PeerId, StreamProtocol, SwarmBuilder,
    futures::{AsyncReadExt as _, AsyncWriteExt as _, StreamExt as _},
    identify, noise, ping,
    swarm::{NetworkBehaviour, SwarmEvent},
    tcp, yamux,
};
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::common::wait::{PATIENCE, pace};

#[derive(NetworkBehaviour)]
struct Parts {
    identify: identify::Behaviour,
    ping: ping::Behaviour,
    streams: libp2p_stream::Behaviour,
}

/// A peer that speaks nothing but what it asks: no identify, and no ping.
pub async fn ask_bluntly(
    node: PeerId,
    address: Multiaddr,
    times: u32,
    question: &str,
) -> Vec<Value> {
    let mut swarm = SwarmBuilder::with_new_identity()
        .with_tokio()
        .with_tcp(
            tcp::Config::default(),
            noise::Config::new,
            yamux::Config::default,
        )
        .unwrap()
        .with_behaviour(|_| libp2p_stream::Behaviour::new())
        .unwrap()
        .with_swarm_config(|config| config.with_idle_connection_timeout(Duration::from_secs(600)))
        .build();
    let mut streams = swarm.behaviour().new_control();
    swarm.dial(address).unwrap();
    while !matches!(
        swarm.select_next_some().await,
        SwarmEvent::ConnectionEstablished { .. }
    ) {}
    let asking = async {
        let mut answers = Vec::new();
        for _ in 0..times {
            let answer = say(&mut streams, node, question.as_bytes()).await;
            answers.push(serde_json::from_slice(&answer).expect("JSON"));
            pace().await;
        }
        answers
    };
    let mut asking = std::pin::pin!(asking);
    loop {
        tokio::select! {
            answers = &mut asking => return answers,
            event = swarm.select_next_some() => {
                let is_cut_off = matches!(event, SwarmEvent::ConnectionClosed { .. });
                assert!(!is_cut_off, "{event:?}");
            }
        }
    }
}

/// Writes a question, ends the writing half, and reads the answer to its end.
async fn say(streams: &mut libp2p_stream::Control, node: PeerId, question: &[u8]) -> Vec<u8> {
    let name = StreamProtocol::new("/natcoin/test/directory/1/json");
    let mut stream = streams.open_stream(node, name).await.unwrap();
    let mut answer = Vec::new();
    let exchange = async {
        stream.write_all(question).await?;
        stream.close().await?;
        stream.read_to_end(&mut answer).await
    };
    let done = timeout(PATIENCE, exchange).await;
    done.expect("an end in time").unwrap();
    answer
}

/// A peer that is connected to a node and has met it.
pub struct Plain {
    /// What the node says of itself.
    pub told: identify::Info,
    /// How long a ping took.
    pub round_trip: Duration,
    node: PeerId,
    streams: libp2p_stream::Control,
    connected: watch::Receiver<bool>,
    since: Instant,
}

impl Plain {
    /// Dials one address of a node; returns when the node has said who it is and a ping was answered.
    pub async fn dial(node: PeerId, address: Multiaddr) -> Self {
        let mut swarm = SwarmBuilder::with_new_identity()
            .with_tokio()
            .with_tcp(
                tcp::Config::default(),
                noise::Config::new,
                yamux::Config::default,
            )
            .unwrap()
            .with_quic()
            .with_dns()
            .unwrap()
            .with_websocket(noise::Config::new, yamux::Config::default)
            .await
            .unwrap()
            .with_behaviour(|key| Parts {
                identify: identify::Behaviour::new(identify::Config::new(
                    "/other/1.0.0".to_owned(),
                    key.public(),
                )),
                ping: ping::Behaviour::default(),
                streams: libp2p_stream::Behaviour::new(),
            })
            .unwrap()
            .with_swarm_config(|config| {
                config.with_idle_connection_timeout(Duration::from_secs(600))
            })
            .build();
        let streams = swarm.behaviour().streams.new_control();
        swarm.dial(address).unwrap();
        let (mut told, mut round_trip) = (None, None);
        let meeting = async {
            while told.is_none() || round_trip.is_none() {
                match swarm.select_next_some().await {
                    SwarmEvent::Behaviour(PartsEvent::Identify(identify::Event::Received {
                        info,
                        ..
                    })) => told = Some(info),
                    SwarmEvent::Behaviour(PartsEvent::Ping(event)) => {
                        round_trip = Some(event.result.unwrap());
                    }
                    SwarmEvent::OutgoingConnectionError { error, .. } => panic!("{error:?}"),
                    _ => {}
                }
            }
        };
        timeout(PATIENCE, meeting).await.expect("they meet");
        let (tell, connected) = watch::channel(true);
        tokio::spawn(async move {
            loop {
                if let SwarmEvent::ConnectionClosed { .. } = swarm.select_next_some().await {
                    tell.send_replace(false);
                }
            }
        });
        Self {
            told: told.unwrap(),
            round_trip: round_trip.unwrap(),
            node,
            streams,
            connected,
            since: now(),
        }
    }

    /// Any bytes for a question.
    pub async fn say(&mut self, question: &[u8]) -> Vec<u8> {
        say(&mut self.streams, self.node, question).await
    }

    pub async fn ask(&mut self, question: Value) -> Value {
        let answer = self.say(question.to_string().as_bytes()).await;
        serde_json::from_slice(&answer).expect("JSON")
    }

    /// Since when they have met, or a little less.
    pub fn age(&self) -> Duration {
        now().duration_since(self.since)
    }

    /// Waits until the node has closed the connection.
    pub async fn closed(&mut self) {
        let closed = self.connected.wait_for(|yes| !*yes);
        timeout(PATIENCE, closed)
            .await
            .expect("closed in time")
            .unwrap();
    }
}

#[allow(
    clippy::disallowed_methods,
    reason = "the node's patience is real time"
)]
fn now() -> Instant {
    Instant::now()
}
