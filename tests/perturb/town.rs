//! A network of node processes whose every connection goes over links with weather.
//!
//! Node i knows node j only by the port of the link from i to j, and the wallets have links of their own. So each
//! direction between any two can be disturbed. The homes' listen addresses are the nodes' own.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use crate::common::processes::{Net, Transport, Wallets, natcoin, run};

use super::life::{Conditions, Life};
use super::link::{Link, Sea, Weather};
use super::sky::Sky;
use super::wait;

/// How long a node may take to be in step again once nothing disturbs it: it is promised to be heard within 10 s, and
/// the machine may be busy.
pub const HEALING: Duration = Duration::from_secs(60);

/// How a node is, by its own word.
#[derive(Debug, Clone, Copy)]
pub struct Status {
    pub height: u64,
    pub validators_up: u64,
}

/// The network.
pub struct Town {
    net: Net,
    links: BTreeMap<(Option<usize>, usize), Link>,
    /// The weather on what comes to these nodes, and on what goes from them.
    weather: BTreeMap<usize, (Weather, Weather)>,
    /// Pairs that do not reach each other, both ways round.
    apart: BTreeSet<(usize, usize)>,
    lives: Vec<Option<Life>>,
    /// Nodes that are expected to end by themselves.
    doomed: BTreeSet<usize>,
    begun: usize,
    /// Last: the links end with it.
    _sea: Sea,
}

impl Town {
    /// All nodes, running and in step.
    pub fn new(nodes: usize, transport: Transport, seed: u64) -> Self {
        let net = Net::new(nodes, transport);
        let sea = Sea::new();
        let ports: Vec<u16> = (0..nodes).map(|i| listen_port(&net.home(i))).collect();
        let mut links = BTreeMap::new();
        for from in std::iter::once(None).chain((0..nodes).map(Some)) {
            let file = match from {
                None => net.bootstrap(),
                Some(index) => net.home(index).join("bootstrap.toml"),
            };
            let mut text = fs::read_to_string(&file).expect("a bootstrap file");
            for (to, port) in ports.iter().enumerate() {
                if from == Some(to) {
                    continue;
                }
                let number = u64::try_from(links.len()).expect("few links");
                let link = Link::open(&sea, *port, seed.wrapping_add(number));
                for (kind, end) in [("udp", "/"), ("tcp", "\"")] {
                    let own = format!("/{kind}/{port}{end}");
                    text = text.replace(&own, &format!("/{kind}/{}{end}", link.port));
                }
                links.insert((from, to), link);
            }
            fs::write(&file, text).expect("written");
        }
        let mut town = Self {
            net,
            links,
            weather: BTreeMap::new(),
            apart: BTreeSet::new(),
            lives: (0..nodes).map(|_| None).collect(),
            doomed: BTreeSet::new(),
            begun: 0,
            _sea: sea,
        };
        for index in 0..nodes {
            town.start(index, Conditions::Usual);
        }
        town.wait_healed(&(0..nodes).collect::<Vec<_>>());
        town
    }

    pub fn size(&self) -> usize {
        self.lives.len()
    }

    pub fn wallets(&self) -> &Wallets {
        &self.net.wallets
    }

    pub fn home(&self, index: usize) -> PathBuf {
        self.net.home(index)
    }

    /// Starts a node.
    pub fn start(&mut self, index: usize, conditions: Conditions) {
        assert!(self.lives[index].is_none(), "node {index} runs");
        self.begun += 1;
        if let Conditions::SmallFiles { .. } = conditions {
            self.doomed.insert(index);
        }
        let life = Life::begin(&self.home(index), self.begun, conditions);
        self.lives[index] = Some(life);
    }

    pub fn life(&mut self, index: usize) -> &mut Life {
        self.lives[index].as_mut().expect("the node runs")
    }

    /// Takes a node's life, to end it.
    pub fn take(&mut self, index: usize) -> Life {
        self.lives[index].take().expect("the node runs")
    }

    /// How many of these have ended.
    pub fn fallen(&mut self, nodes: &[usize]) -> usize {
        let has_ended = |index: &&usize| self.life(**index).ended().is_some();
        nodes.iter().filter(has_ended).count()
    }

    /// Takes the life of a node whose disk is full; fails if it ended in another way than it should.
    pub fn bury(&mut self, index: usize) {
        self.doomed.remove(&index);
        let mut life = self.take(index);
        let Some(end) = life.ended() else {
            // The others fell before it needed more room.
            return life.kill();
        };
        let last = life.last_line();
        let is_told = end.code() == Some(1) && last["error"]["code"] == "disk_full";
        assert!(is_told, "node {index}, its disk full: {end:?} {last}");
    }

    /// Fails if a node has ended by itself.
    pub fn check_alive(&mut self) {
        for (index, life) in self.lives.iter_mut().enumerate() {
            if self.doomed.contains(&index) {
                continue;
            }
            let ended = life.as_mut().and_then(Life::ended);
            assert!(ended.is_none(), "node {index} ended by itself: {ended:?}");
        }
    }

    /// Asks a node how it is; `None` if it does not answer.
    pub fn status(&self, index: usize) -> Option<Status> {
        let mut command = natcoin();
        command.args(["node", "--output", "json", "--home"]);
        command.arg(self.home(index)).arg("status");
        let done = run(command);
        let number = |name: &str| done.json[name].as_u64();
        Some(Status {
            height: number("height")?,
            validators_up: number("validators_up")?,
        })
    }

    /// The greatest height among these nodes.
    pub fn height_of(&self, nodes: &[usize]) -> u64 {
        let heights = nodes.iter().filter_map(|index| self.status(*index));
        heights.map(|status| status.height).max().unwrap_or(0)
    }

    /// Waits until these nodes have said that they are in step, and hear all others at the height that any had.
    pub fn wait_healed(&mut self, nodes: &[usize]) {
        let all: Vec<usize> = (0..self.size()).collect();
        let height = self.height_of(&all);
        let everybody = u64::try_from(self.size()).expect("few nodes");
        for &index in nodes {
            let mut last = None;
            let healed = wait::up_to(HEALING, || {
                self.check_alive();
                self.life(index).said("in_step")?;
                last = self.status(index);
                last.filter(|now| now.height >= height && now.validators_up == everybody)
            });
            assert!(
                healed.is_some(),
                "node {index} is not in step with height {height} within {HEALING:?}: {last:?}"
            );
        }
    }

    /// Disturbs what comes to a node and what goes from it.
    pub fn disturb(&mut self, index: usize, weather: (Weather, Weather)) {
        self.weather.insert(index, weather);
        self.apply();
    }

    /// Cuts the link of two nodes.
    pub fn part(&mut self, one: usize, other: usize) {
        self.apart.extend([(one, other), (other, one)]);
        self.apply();
    }

    /// Ends the weather of a node and its partings.
    pub fn clear(&mut self, index: usize) {
        self.weather.remove(&index);
        self.apart.retain(|(a, b)| *a != index && *b != index);
        self.apply();
    }

    fn apply(&self) {
        for ((from, to), link) in &self.links {
            let is_apart = from.is_some_and(|from| self.apart.contains(&(from, *to)));
            let outbound = || Some(self.weather.get(&(*from)?)?.1);
            let inbound = self.weather.get(to).map(|weather| weather.0);
            link.set(match is_apart {
                true => Weather::both(Sky::Shut, Sky::Shut),
                false => inbound.or_else(outbound).unwrap_or_default(),
            });
        }
    }

    /// The last lines that each node wrote to stderr.
    pub fn last_words(&self) -> String {
        let mut words = String::new();
        for index in 0..self.size() {
            let text = self.stderr(index);
            let lines: Vec<&str> = text.lines().collect();
            let last = &lines[lines.len().saturating_sub(12)..];
            words += &format!("node {index}:\n  {}\n", last.join("\n  "));
        }
        words
    }

    /// All that a node wrote to stderr, in all its lives.
    pub fn stderr(&self, index: usize) -> String {
        let bytes = fs::read(Life::stderr(&self.home(index))).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Ends all nodes at once, as people do who close the shop, and gives their last lines.
    pub fn end(&mut self) -> Vec<Value> {
        let all: Vec<Life> = (0..self.size()).map(|index| self.take(index)).collect();
        all.iter().for_each(|life| life.signal("INT"));
        all.into_iter().map(Life::interrupt).collect()
    }
}

/// The port in a home's listen addresses.
fn listen_port(home: &Path) -> u16 {
    let text = fs::read_to_string(home.join("node.toml")).expect("node.toml");
    let after = ["/tcp/", "/udp/"].iter().find_map(|kind| {
        let (_, rest) = text.split_once(kind)?;
        rest.split(|c: char| !c.is_ascii_digit()).next()
    });
    after.and_then(|port| port.parse().ok()).expect("a port")
}
