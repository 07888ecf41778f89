//! A network of whole nodes in this process, with three people who have money, names and empty purses.

use std::{net::TcpListener, path::Path, sync::Arc};

use natcoin::{
    behaviour::Multiaddr,
    chain::{
        amount::Amount,
        genesis::{GenesisAccount, Rules},
        key::{Address, SecretKey},
    },
    consensus::Timing,
    directory::bootstrap::{Beginning, Bootstrap, Node},
    node::{
        network::ReachConfig,
        profile::DataDir,
        runner::{self, NodeConfig, NodeHandle},
        session::{Dealt, Desk, Purse, Session, SessionConfig},
    },
};
use tokio::sync::mpsc;

/// A person's session that deals with others, and what it tells its owner.
pub struct Dealer {
    pub session: Session,
    dealt: mpsc::Receiver<Dealt>,
}

impl Dealer {
    /// The first of the owner's news that is what the caller looks for; those before it are passed over.
    pub async fn hears<T>(&mut self, what: &str, mut pick: impl FnMut(&Dealt) -> Option<T>) -> T {
        let mut passed = Vec::new();
        loop {
            match tokio::time::timeout(super::wait::PATIENCE, self.dealt.recv()).await {
                Ok(Some(dealt)) => match pick(&dealt) {
                    Some(found) => return found,
                    None => passed.push(dealt),
                },
                _ => panic!("{what}: only {passed:#?}"),
            }
        }
    }
}

const PEOPLE: [&str; 3] = ["alice", "bob", "carol"];

/// A network and its people; `nodes` has a hole where a node is stopped.
pub struct Town {
    pub bootstrap: Bootstrap,
    pub nodes: Vec<Option<NodeHandle>>,
    folder: tempfile::TempDir,
}

/// The key of a node by its number.
pub fn node_key(number: u8) -> SecretKey {
    SecretKey::from_seed(&[100 + number; 32])
}

/// The key of a person: 0 is alice, 1 bob, 2 carol.
pub fn person(number: u8) -> SecretKey {
    SecretKey::from_seed(&[number + 1; 32])
}

pub fn address(number: u8) -> Address {
    person(number).address()
}

pub fn nat(nat: u64) -> Amount {
    Amount::from_nat(nat).unwrap()
}

/// A TCP address on a port that was free a moment ago.
pub fn free_address() -> Multiaddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    format!("/ip4/127.0.0.1/tcp/{port}").parse().unwrap()
}

/// The bootstrap of so many validators, and of `followers` further nodes.
pub fn bootstrap(validators: u8, followers: u8) -> Bootstrap {
    bootstrap_of("town", validators, followers)
}

/// As [`bootstrap`], of a network with this name: another name is another network.
pub fn bootstrap_of(network: &str, validators: u8, followers: u8) -> Bootstrap {
    let node = |number: u8| {
        let name = format!("node-{number}").parse().unwrap();
        let node = Node::new(name, node_key(number).public(), vec![free_address()]).unwrap();
        Node {
            validator: number < validators,
            ..node
        }
    };
    let endowed = |number: u8| GenesisAccount {
        address: address(number),
        balance: nat(1_000),
        name: Some(PEOPLE[usize::from(number)].parse().unwrap()),
    };
    let beginning = Beginning {
        network: network.to_owned(),
        time_ms: 1_700_000_000_000,
        rules: Rules::default(),
        accounts: (0..3).map(endowed).collect(),
    };
    Bootstrap::new(beginning, (0..validators + followers).map(node).collect()).unwrap()
}

impl Town {
    /// So many validators, all running and in touch.
    pub async fn of(validators: u8) -> Self {
        Self::with(bootstrap(validators, 0), usize::from(validators)).await
    }

    /// The first `running` nodes of a bootstrap, running and in touch.
    pub async fn with(bootstrap: Bootstrap, running: usize) -> Self {
        let mut town = Self {
            nodes: bootstrap.nodes().iter().map(|_| None).collect(),
            bootstrap,
            folder: tempfile::tempdir().unwrap(),
        };
        for number in 0..running {
            town.start(number).await;
        }
        town.in_touch().await;
        town
    }

    pub async fn start(&mut self, number: usize) {
        let config = NodeConfig {
            folder: self.folder.path().join(format!("node-{number}")),
            key: node_key(number.try_into().unwrap()),
            bootstrap: Arc::new(self.bootstrap.clone()),
            listen: self.bootstrap.nodes()[number].addresses.clone(),
            timing: Timing::default(),
        };
        std::fs::create_dir_all(&config.folder).unwrap();
        self.nodes[number] = Some(runner::start(config).await.unwrap());
    }

    pub async fn stop(&mut self, number: usize) {
        self.nodes[number].take().unwrap().stop().await.unwrap();
    }

    /// Waits until every running validator hears all that run.
    pub async fn in_touch(&self) {
        let running = || self.nodes.iter().flatten();
        let count = running().count();
        for node in running() {
            let mut condition = node.condition();
            let hears = condition.wait_for(|now| now.validators_up as usize >= count);
            tokio::time::timeout(super::wait::PATIENCE, hears)
                .await
                .expect("the nodes find one another")
                .unwrap();
        }
    }

    pub async fn session(&self) -> Session {
        Session::open(SessionConfig::new(self.bootstrap.clone()))
            .await
            .unwrap()
    }

    /// A session that others can find and tell something: it deals at the desk of this person.
    pub async fn dealer(&self, number: u8) -> Dealer {
        let reach = ReachConfig {
            be_reached: true,
            ..ReachConfig::default()
        };
        let config = SessionConfig {
            reach,
            ..SessionConfig::new(self.bootstrap.clone())
        };
        let session = Session::open(config).await.unwrap();
        let dealt = session.deal(self.desk(&session, number));
        Dealer { session, dealt }
    }

    /// The desk of a person, whose profile has their name.
    pub fn desk(&self, session: &Session, number: u8) -> Desk {
        let data = DataDir::new(self.path());
        let name = PEOPLE[usize::from(number)].parse().unwrap();
        drop(self.purse(PEOPLE[usize::from(number)]));
        let genesis = self.bootstrap.genesis().hash();
        let file = data.dealings(&name, &genesis).unwrap();
        Desk::open(file, person(number), session.trust()).unwrap()
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Opens the purse of this name, making it if it is new.
    pub fn purse(&self, name: &str) -> Purse {
        let data = DataDir::new(self.path());
        let name = name.parse().unwrap();
        let profile = match data.has(&name) {
            true => data.open(&name).unwrap(),
            false => data.create(&name, b"the session never reads it").unwrap(),
        };
        Purse::open(profile).unwrap()
    }
}
