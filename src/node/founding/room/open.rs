//! How a ceremony begins: ports are bound, the host's room has its code, a guest stands at the door.

use std::collections::VecDeque;
use std::error::Error as _;
use std::time::Duration;

use futures::StreamExt as _;
use libp2p::multiaddr::{Multiaddr, Protocol};
use libp2p::swarm::dial_opts::DialOpts;
use libp2p::swarm::{DialError, Swarm, SwarmEvent};
use libp2p::{Stream, TransportError};
use tokio::sync::mpsc;

use super::{Dials, OWN, Own, Room, Sockets, Step};
use crate::behaviour::identity;
use crate::chain::key::PublicKey;
use crate::directory::founding::code::{Code, MAX_CODE_ADDRESSES};
use crate::directory::founding::hub::{self, Hub, Link, Purpose};
use crate::directory::founding::member::{Me, Member};
use crate::directory::founding::message::{
    Knock, MAX_TO_HUB_BYTES, MAX_TO_MEMBER_BYTES, door_proof,
};
use crate::directory::founding::{MAX_FOUNDERS, Now};
use crate::node::clock;
use crate::node::founding::links::Links;
use crate::node::founding::swarm::{self, PROTOCOL, Talk};
use crate::node::founding::{FoundConfig, FoundError, Part, Told};
use crate::node::home::{Pending, listen_address, node_name};
use crate::node::network::NetworkError;

/// How long a guest waits at the door.
const DOOR: Duration = Duration::from_secs(15);

/// What only the host or only a guest has.
struct Side {
    hub: Option<Hub>,
    up: Link,
    secret: [u8; 16],
    host: PublicKey,
    code: Option<String>,
}

impl Room {
    /// Binds the ports, and opens the room or goes to its door; the host's code.
    pub(in crate::node::founding) async fn open(
        config: FoundConfig,
        tell: mpsc::Sender<Told>,
    ) -> Result<(Self, Option<String>), FoundError> {
        Pending::check_free(&config.home)?;
        let key = config.key.public();
        let listen: Vec<Multiaddr> = config.addresses.iter().map(listen_address).collect();
        let mut swarm = swarm::swarm(&identity::keypair(*config.key.to_seed()))?;
        let listeners = swarm::listen(&mut swarm, &listen).await?;
        let mut links = Links::new();
        let mut incoming = None;
        let side = match config.part {
            Part::Host {
                beginning,
                expected,
            } => {
                let mut control = swarm.behaviour().streams.new_control();
                let streams = control.accept(PROTOCOL).map_err(|e| NetworkError::Setup {
                    reason: e.to_string(),
                })?;
                incoming = Some(streams);
                let purpose = Purpose {
                    host: key,
                    secret: rand::random(),
                    beginning,
                    names: (0..MAX_FOUNDERS).map(node_name).collect(),
                    expected,
                    version: env!("CARGO_PKG_VERSION").to_owned(),
                };
                host(purpose, &config.addresses)?
            }
            Part::Guest(code) => guest(&mut swarm, &mut links, &code).await?,
        };
        let me = Me {
            key,
            addresses: config.addresses.clone(),
            number: rand::random(),
        };
        let knock = Knock {
            proof: door_proof(&side.secret, &side.host, &key),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            name: config.name,
            addresses: config.addresses.iter().map(ToString::to_string).collect(),
        };
        let began = clock::now();
        let (member, first) = Member::new(
            me,
            knock.clone(),
            Now {
                elapsed: Duration::ZERO,
                unix_ms: clock::unix_ms(),
            },
        );
        let mut room = Self {
            own: Own {
                home: config.home,
                key: config.key,
                listen,
                pending: None,
            },
            sockets: Sockets {
                swarm,
                listeners,
                incoming,
            },
            links,
            up: side.up,
            hub: side.hub,
            member,
            dials: Dials::default(),
            rehearsal: None,
            reports: mpsc::channel(1),
            steps: VecDeque::new(),
            tell,
            began,
        };
        if room.hub.is_some() {
            let opened = hub::Input::Opened(OWN, key);
            room.steps.push_back(Step::Hub(opened));
        }
        for effect in first {
            room.of_member(effect).await;
        }
        Ok((room, side.code))
    }
}

fn host(purpose: Purpose, addresses: &[Multiaddr]) -> Result<Side, FoundError> {
    let tcp = addresses.iter().filter(|address| is_tcp(address));
    let tcp: Vec<Multiaddr> = tcp.take(MAX_CODE_ADDRESSES).cloned().collect();
    if tcp.is_empty() {
        return Err(FoundError::NoTcp);
    }
    let (secret, host) = (purpose.secret, purpose.host);
    let code = Code {
        host,
        secret,
        addresses: tcp,
    };
    Ok(Side {
        code: Some(code.line().ok_or(FoundError::Code)?),
        hub: Some(Hub::new(purpose)),
        up: OWN,
        secret,
        host,
    })
}

fn is_tcp(address: &Multiaddr) -> bool {
    matches!(address.iter().last(), Some(Protocol::Tcp(_)))
}

async fn guest(
    swarm: &mut Swarm<Talk>,
    links: &mut Links,
    code: &Code,
) -> Result<Side, FoundError> {
    let late = || FoundError::Unreachable(format!("nothing came within {} s", DOOR.as_secs()));
    let stream = tokio::time::timeout(DOOR, reach(swarm, code)).await;
    let stream = stream.map_err(|_| late())??;
    Ok(Side {
        hub: None,
        up: links.take(stream, MAX_TO_MEMBER_BYTES, MAX_TO_HUB_BYTES),
        secret: code.secret,
        host: code.host,
        code: None,
    })
}

/// A stream to the host, whose key the handshake has proven.
async fn reach(swarm: &mut Swarm<Talk>, code: &Code) -> Result<Stream, FoundError> {
    let unreachable = |why: &DialError| FoundError::Unreachable(self::why(why));
    let host = code.peer_id();
    let host = host.ok_or_else(|| FoundError::Unreachable("its key is none".to_owned()))?;
    let options = DialOpts::peer_id(host)
        .addresses(code.addresses.clone())
        .allocate_new_port()
        .build();
    swarm.dial(options).map_err(|error| unreachable(&error))?;
    loop {
        match swarm.select_next_some().await {
            SwarmEvent::ConnectionEstablished { peer_id, .. } if peer_id == host => break,
            SwarmEvent::OutgoingConnectionError { error, .. } => return Err(unreachable(&error)),
            _ => {}
        }
    }
    let mut control = swarm.behaviour().streams.new_control();
    let opened = control.open_stream(host, PROTOCOL);
    tokio::pin!(opened);
    loop {
        tokio::select! {
            stream = &mut opened => return stream.map_err(|error| {
                FoundError::Unreachable(error.to_string())
            }),
            _ = swarm.select_next_some() => {}
        }
    }
}

/// Why a dial came to nothing, in the system's words, without the library's around them.
pub(super) fn why(error: &DialError) -> String {
    match error {
        DialError::WrongPeerId { .. } => "another node answers there".to_owned(),
        DialError::Transport(tried) => match tried.first() {
            Some((_, TransportError::Other(error))) => innermost(error),
            Some((_, other)) => other.to_string(),
            None => error.to_string(),
        },
        other => other.to_string(),
    }
}

fn innermost(error: &std::io::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = inner.to_string();
        cause = inner.source();
    }
    text
}
