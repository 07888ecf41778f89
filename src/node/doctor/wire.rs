//! Ports, other nodes, and the clock, which only other nodes' blocks can judge.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};

use libp2p::multiaddr::Protocol;

use super::{Check, Trouble};
use crate::behaviour::{Multiaddr, PeerId};
use crate::directory::bootstrap::Bootstrap;
use crate::node::clock;
use crate::node::home::Home;
use crate::node::inquiry;
use crate::node::network::NetworkError;
use crate::node::runner::NodeError;
use crate::node::survey::{Answered, Silence, Survey, survey};

/// How far a clock may be off before it is told: blocks and votes carry their makers' clocks.
const SKEW_MS: u64 = 5_000;

/// The running node of a home.
pub(super) async fn running(home: &Home) -> Result<String, Trouble> {
    match inquiry::ask(home).await {
        Ok(condition) => {
            let answered = condition.answered;
            Ok(format!(
                "the node runs ({}) at height {}",
                answered.version, answered.at.height
            ))
        }
        Err(inquiry::InquiryError::NotRunning { why, .. }) => Err(Trouble::Silent {
            folder: home.folder().to_owned(),
            why,
        }),
        Err(error) => Err(error.into()),
    }
}

/// Whether each address can be listened on now.
pub(super) fn ports(listen: &[Multiaddr]) -> Result<String, Trouble> {
    for address in listen {
        let Some((socket, is_udp)) = socket(address) else {
            continue;
        };
        let bound = match is_udp {
            true => UdpSocket::bind(socket).map(drop),
            false => bind_tcp(socket),
        };
        if let Err(error) = bound {
            return Err(NodeError::from(refused(address, &error)).into());
        }
    }
    let count = listen.len();
    Ok(format!("its {count} addresses can be listened on"))
}

/// As a node binds it: a port whose last connections are still fading is free.
fn bind_tcp(socket: SocketAddr) -> io::Result<()> {
    TcpListener::bind(socket).map(drop)
}

fn refused(address: &Multiaddr, error: &io::Error) -> NetworkError {
    let address = address.clone();
    match error.kind() {
        ErrorKind::AddrInUse => NetworkError::AddressInUse { address },
        _ => NetworkError::Listen {
            address,
            reason: error.to_string(),
        },
    }
}

/// The socket of an address, and whether it is one of UDP.
fn socket(address: &Multiaddr) -> Option<(SocketAddr, bool)> {
    let mut parts = address.iter();
    let ip: IpAddr = match parts.next()? {
        Protocol::Ip4(ip) => ip.into(),
        Protocol::Ip6(ip) => ip.into(),
        _ => return None,
    };
    match parts.next()? {
        Protocol::Udp(port) => Some((SocketAddr::new(ip, port), true)),
        Protocol::Tcp(port) => Some((SocketAddr::new(ip, port), false)),
        _ => None,
    }
}

/// Asks the other nodes; from their answers follow the checks of the network, of versions and of the clock.
pub(super) async fn network(
    bootstrap: &Bootstrap,
    home: Option<&Home>,
    is_running: bool,
    note: &mut impl FnMut(Check, Result<String, Trouble>),
) {
    let own = home.map(Home::peer_id);
    let others = bootstrap.nodes().iter();
    let others = others.filter(|node| Some(node.peer_id) != own);
    let peers: Vec<(PeerId, Vec<Multiaddr>)> = others
        .map(|node| (node.peer_id, node.addresses.clone()))
        .collect();
    let count = peers.len();
    let survey = match count {
        0 => Survey::new(),
        _ => match survey(bootstrap, peers, None).await {
            Ok(survey) => survey,
            Err(error) => return note(Check::Network, Err(error.into())),
        },
    };
    note(
        Check::Network,
        reached(bootstrap, &survey, own, is_running, count),
    );
    let answers = || survey.values().flatten();
    for (peer, answered) in &survey {
        if let Ok(answered) = answered
            && let Some(theirs) = later(&answered.version)
        {
            let own = env!("CARGO_PKG_VERSION").to_owned();
            let name = name(bootstrap, peer);
            let trouble = Trouble::Version { own, name, theirs };
            note(Check::Program, Err(trouble));
            break;
        }
    }
    let newest = answers().max_by_key(|one| one.at.time_ms);
    note(
        Check::Clock,
        judge_clock(bootstrap, newest, clock::unix_ms()),
    );
}

fn name(bootstrap: &Bootstrap, peer: &PeerId) -> String {
    let node = bootstrap.nodes().iter().find(|node| node.peer_id == *peer);
    node.map_or_else(|| peer.to_string(), |node| node.name.to_string())
}

/// Whether enough nodes are there for payments to become final.
fn reached(
    bootstrap: &Bootstrap,
    survey: &Survey,
    own: Option<PeerId>,
    is_running: bool,
    others: usize,
) -> Result<String, Trouble> {
    let there = survey.values().filter(|answer| answer.is_ok()).count();
    let why = survey.values().find_map(|answer| match answer {
        Err(Silence::Unreached(why)) => Some(why.replace("; ", ", ")),
        Err(Silence::Doubtful(doubt)) => Some(doubt.to_string().replace("; ", ", ")),
        Ok(_) => None,
    });
    if let (0, Some(why)) = (there, why) {
        return Err(Trouble::NobodyThere { others, why });
    }
    let validators = &bootstrap.genesis().validators;
    let votes = bootstrap.nodes().iter().filter(|node| node.validator);
    let is_up = |peer: &PeerId| match own == Some(*peer) {
        // A node that is about to be started counts: it is what this is about.
        true => true,
        false => matches!(survey.get(peer), Some(Ok(_))),
    };
    let (up, down): (Vec<_>, Vec<_>) = votes.partition(|node| is_up(&node.peer_id));
    let (all, needed) = (validators.count(), validators.quorum_count());
    if up.len() < needed {
        let missing: Vec<String> = down.iter().map(|node| node.name.to_string()).collect();
        return Err(Trouble::TooFew {
            up: up.len(),
            all,
            needed,
            missing: missing.join(", "),
        });
    }
    let with = match (own, is_running) {
        (None, _) | (_, true) => "",
        (Some(_), false) => " with this one",
    };
    Ok(format!(
        "{} of {all} nodes are up{with}, {needed} needed",
        up.len()
    ))
}

/// The version of another node, if it is a later one than ours.
fn later(version: &str) -> Option<String> {
    let numbers = |text: &str| -> Option<Vec<u64>> {
        let bare = text.split(['-', '+']).next()?;
        bare.split('.').map(|part| part.parse().ok()).collect()
    };
    let theirs = version.strip_prefix("natcoin/")?;
    let is_later = numbers(theirs)? > numbers(env!("CARGO_PKG_VERSION"))?;
    is_later.then(|| theirs.to_owned())
}

/// Whether the clock can be right, by the newest block that another node has proven, or at least by the network's birth.
pub(super) fn judge_clock(
    bootstrap: &Bootstrap,
    newest: Option<&Answered>,
    now_ms: u64,
) -> Result<String, Trouble> {
    let words = |ms: u64| match ms / 1000 {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds @ 120..7_200 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3600),
    };
    let genesis = bootstrap.genesis();
    if now_ms + SKEW_MS < genesis.time_ms {
        let by = words(genesis.time_ms - now_ms);
        let which = "behind the beginning of the network";
        return Err(Trouble::Clock { by, which });
    }
    let Some(newest) = newest.filter(|one| one.at.height > 0) else {
        return Ok(
            "the clock is after the network's beginning; no block was there to compare it with"
                .to_owned(),
        );
    };
    let block = newest.at.time_ms;
    if now_ms + SKEW_MS < block {
        let by = words(block - now_ms);
        let which = "behind the newest block";
        return Err(Trouble::Clock { by, which });
    }
    // While a quorum is up, a block comes with each heartbeat at the latest.
    let needed = genesis.validators.quorum_count();
    let age = now_ms.saturating_sub(block);
    let longest = u64::from(genesis.rules.heartbeat_ms) * 5 / 2 + SKEW_MS;
    if age > longest && usize::from(newest.validators_up) >= needed {
        let which =
            "ahead of the newest block, or the network makes no blocks though enough nodes are up";
        return Err(Trouble::Clock {
            by: words(age),
            which,
        });
    }
    Ok(format!(
        "the clock agrees with the newest block, {} ago",
        words(age)
    ))
}
