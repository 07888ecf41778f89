//! The nodes of a bench: real ones on loopback, in this process or each in its own.
//!
//! Order of the end: all are told to end before any is waited for, so that it takes as long as the slowest.

mod process;

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use libp2p::multiaddr::Protocol;
use tokio::runtime::{Builder, Runtime};

use self::process::Process;
use super::BenchConfig;
use super::error::BenchError;
use super::gauge::Gauge;
use super::load::Town;
use super::usage::{self, NODE_THREADS, Usage};
use crate::directory::bootstrap::Bootstrap;
use crate::node::devnet;
use crate::node::home::{Home, NewNetwork, create_network};
use crate::node::network::NetworkError;
use crate::node::runner::{self, NodeConfig, NodeError, NodeHandle};

/// Tries to find free ports; between looking and listening another program may take one.
const PORT_TRIES: usize = 20;

/// Running nodes.
pub struct Nodes {
    bootstrap: Arc<Bootstrap>,
    folders: Vec<PathBuf>,
    kind: Kind,
}

enum Kind {
    Here(Here),
    Apart(Vec<Process>),
}

/// Nodes in this process. Each has a runtime of its own, as it has in a process of its own: in one runtime a vote of one
/// node would wait behind all connections of the others.
struct Here {
    nodes: Vec<(Runtime, NodeHandle)>,
    /// Threads that were there before.
    others: BTreeSet<u64>,
    /// Memory that was taken before.
    rss_before: Option<u64>,
}

/// What nodes tell at their end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Told {
    /// Bytes that all of them together have said and heard.
    pub bytes: Option<u64>,
}

impl Nodes {
    /// Makes their homes and starts them.
    ///
    /// # Errors
    /// A [`BenchError`]; what was started is then ended.
    pub fn start(config: &BenchConfig, town: &Town, gauge: &Gauge) -> Result<Self, BenchError> {
        check_folder(&config.folder)?;
        let network = config.folder.join("network");
        for _ in 0..PORT_TRIES {
            if gauge.is_ended() {
                return Err(BenchError::Ended);
            }
            let first_port = devnet::free_ports(town.nodes.len())?;
            let homes = create_network(
                &network,
                &NewNetwork {
                    beginning: town.beginning.clone(),
                    hosts: vec![Protocol::Ip4(Ipv4Addr::LOCALHOST).into()],
                    first_port,
                    keys: town.nodes.clone(),
                },
            )?;
            let started = match &config.program {
                Some(program) => process::start(program, &homes).map(Kind::Apart),
                None => Here::start(&homes).map(Kind::Here),
            };
            match started {
                // Nothing has happened on this network yet: make it again on other ports.
                Err(BenchError::Node(NodeError::Network(NetworkError::AddressInUse {
                    ..
                }))) => {
                    std::fs::remove_dir_all(&network).map_err(|error| {
                        crate::node::home::HomeError::io("remove", &network, error)
                    })?;
                }
                Err(error) => return Err(error),
                Ok(kind) => {
                    return Ok(Self {
                        bootstrap: Arc::new(bootstrap_of(&homes)?),
                        folders: homes.iter().map(|home| home.folder().to_owned()).collect(),
                        kind,
                    });
                }
            }
        }
        Err(devnet::DevnetError::NoPorts(town.nodes.len()).into())
    }

    /// Their network.
    pub fn bootstrap(&self) -> &Arc<Bootstrap> {
        &self.bootstrap
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.folders.len()
    }

    /// What they have taken so far.
    pub fn usage(&self) -> Usage {
        let disk_bytes = self
            .folders
            .iter()
            .map(|folder| usage::folder_bytes(folder));
        let disk_bytes = disk_bytes.sum();
        match &self.kind {
            Kind::Here(here) => Usage {
                cpu: here.cpu(),
                rss_bytes: here.rss(),
                disk_bytes,
            },
            Kind::Apart(processes) => {
                let pids: Vec<String> = processes.iter().map(Process::pid).collect();
                Usage {
                    cpu: pids.iter().map(|pid| usage::process_cpu(pid)).sum(),
                    rss_bytes: pids.iter().map(|pid| usage::process_rss(pid)).sum(),
                    disk_bytes,
                }
            }
        }
    }

    /// Ends all of them cleanly.
    ///
    /// # Errors
    /// The first that failed; the others are ended nevertheless.
    pub fn stop(self) -> Result<Told, BenchError> {
        match self.kind {
            Kind::Here(here) => here.stop(),
            Kind::Apart(processes) => process::stop(processes),
        }
    }
}

impl Here {
    fn start(homes: &[Home]) -> Result<Self, BenchError> {
        let others = usage::threads();
        let rss_before = usage::process_rss("self");
        let mut here = Self {
            nodes: Vec::new(),
            others,
            rss_before,
        };
        for home in homes {
            let runtime = Builder::new_multi_thread()
                .thread_name(NODE_THREADS)
                .enable_all()
                .build()
                .map_err(BenchError::Thread)?;
            match runtime.block_on(runner::start(NodeConfig::of_home(home))) {
                Ok(node) => here.nodes.push((runtime, node)),
                Err(error) => {
                    // What stops badly here is less of a story than why it did not start.
                    let _ = here.stop();
                    return Err(error.into());
                }
            }
        }
        Ok(here)
    }

    /// All that this process took, without what others in it took.
    fn cpu(&self) -> Option<std::time::Duration> {
        let all = usage::process_cpu("self")?;
        Some(all.saturating_sub(usage::others_cpu(&self.others)?))
    }

    /// All that came after the nodes began to start; what the load's peers took is among it.
    fn rss(&self) -> Option<u64> {
        let now = usage::process_rss("self")?;
        Some(now.saturating_sub(self.rss_before?))
    }

    fn stop(self) -> Result<Told, BenchError> {
        // Order: all are told to end before any is waited for.
        let running = self.nodes.into_iter().map(|(runtime, node)| {
            let network = node.network().clone();
            let ending = runtime.spawn(node.stop());
            (runtime, network, ending)
        });
        let running: Vec<_> = running.collect();
        let (mut bytes, mut failure) = (0_u64, None);
        for (runtime, network, ending) in running {
            match runtime.block_on(ending) {
                Ok(Ok(())) => {}
                Ok(Err(error)) => failure = failure.or(Some(BenchError::Node(error))),
                // A task that panicked has said so.
                Err(_) => failure = failure.or(Some(BenchError::Observer)),
            }
            let counted = network.metrics();
            bytes = bytes
                .saturating_add(counted.bytes_received)
                .saturating_add(counted.bytes_sent);
        }
        let told = Told { bytes: Some(bytes) };
        failure.map_or(Ok(told), Err)
    }
}

/// Whether homes may be made here.
fn check_folder(folder: &Path) -> Result<(), BenchError> {
    let is_free = match std::fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) => error.kind() == std::io::ErrorKind::NotFound,
    };
    match is_free {
        true => Ok(()),
        false => Err(BenchError::NotEmpty(folder.to_owned())),
    }
}

fn bootstrap_of(homes: &[Home]) -> Result<Bootstrap, BenchError> {
    let first = homes.first().map(|home| home.bootstrap().clone());
    first.ok_or_else(|| crate::node::home::HomeError::NodeCount(0).into())
}
