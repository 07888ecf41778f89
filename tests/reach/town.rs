//! Whole nodes and whole wallets in the lab: a network that pays, with everybody in their own home.

use std::sync::Arc;

use natcoin::{
    chain::{
        amount::Amount,
        genesis::{GenesisAccount, Rules},
        key::{Address, SecretKey},
        name::Name,
    },
    consensus::Timing,
    directory::{
        address::to_multiaddr,
        bootstrap::{Beginning, Bootstrap, Node},
    },
    node::{
        network::ReachConfig,
        profile::DataDir,
        runner::{self, NodeConfig, NodeHandle},
        session::{Dealt, Desk, Published, Purse, Session, SessionConfig},
    },
};
use tokio::sync::mpsc;

use super::{
    common::wait::PATIENCE,
    lab::{Lab, Machine, Nat},
    world::{Life, Wire, live},
};

/// Where nodes listen.
const PORT: u16 = 18_000;
/// Validators, each on a public machine.
const NODES: u8 = 2;

/// A wallet with a desk, in a home of its own.
pub struct Person {
    pub session: Session,
    pub purse: Purse,
    pub number: u8,
    pub home: Machine,
    dealt: mpsc::Receiver<Dealt>,
    _life: Life,
}

impl Person {
    pub fn key(&self) -> SecretKey {
        key(self.number)
    }

    pub fn address(&self) -> Address {
        self.key().address()
    }

    pub fn name(&self) -> Name {
        name(self.number)
    }

    /// The first of the news that the caller looks for.
    pub async fn hears<T>(&mut self, what: &str, mut pick: impl FnMut(&Dealt) -> Option<T>) -> T {
        let mut passed = Vec::new();
        loop {
            match tokio::time::timeout(PATIENCE, self.dealt.recv()).await {
                Ok(Some(dealt)) => match pick(&dealt) {
                    Some(found) => return found,
                    None => passed.push(dealt),
                },
                _ => panic!("{}: {what}: only {passed:#?}", self.name()),
            }
        }
    }
}

fn key(number: u8) -> SecretKey {
    SecretKey::from_seed(&[number + 1; 32])
}

fn name(number: u8) -> Name {
    format!("person-{number}").parse().expect("a name")
}

/// A network of public validators, and people who have money on it.
pub struct Town {
    pub lab: Lab,
    pub reach: ReachConfig,
    pub published: Published,
    bootstrap: Bootstrap,
    machines: Vec<Machine>,
    nodes: Vec<(NodeHandle, Life)>,
    folder: tempfile::TempDir,
}

impl Town {
    /// The machines stand, and nothing runs on them.
    pub fn silent(mut lab: Lab, wire: Wire, people: u8) -> Self {
        let machines: Vec<Machine> = (0..NODES).map(|_| lab.add(Nat::None)).collect();
        let node = |number: u8| {
            let name = format!("node-{number}").parse().expect("a name");
            let at = wire.at(lab.public(machines[usize::from(number)]), PORT);
            let public = SecretKey::from_seed(&[100 + number; 32]).public();
            Node {
                validator: true,
                ..Node::new(name, public, vec![at]).expect("a node")
            }
        };
        let beginning = Beginning {
            network: "lab-town".to_owned(),
            time_ms: 1_700_000_000_000,
            rules: Rules::default(),
            accounts: (0..people)
                .map(|number| GenesisAccount {
                    address: key(number).address(),
                    balance: Amount::from_nat(1_000).expect("an amount"),
                    name: Some(name(number)),
                })
                .collect(),
        };
        let bootstrap = Bootstrap::new(beginning, (0..NODES).map(node).collect());
        Self {
            bootstrap: bootstrap.expect("a bootstrap file"),
            reach: ReachConfig {
                be_reached: true,
                ..ReachConfig::default()
            },
            published: Published::Relays,
            lab,
            machines,
            nodes: Vec::new(),
            folder: tempfile::tempdir().expect("a folder"),
        }
    }

    /// All nodes start.
    pub async fn wake(&mut self) {
        for (number, machine) in self.machines.iter().enumerate() {
            let config = NodeConfig {
                folder: self.folder.path().join(format!("node-{number}")),
                key: SecretKey::from_seed(&[100 + u8::try_from(number).expect("few"); 32]),
                bootstrap: Arc::new(self.bootstrap.clone()),
                listen: self.bootstrap.nodes()[number].addresses.clone(),
                timing: Timing::default(),
            };
            std::fs::create_dir_all(&config.folder).expect("a folder");
            let begin = || async { runner::start(config).await.expect("a node starts") };
            self.nodes.push(live(&self.lab, *machine, begin).await);
        }
    }

    /// What the first node's directory says of where somebody is.
    pub async fn told_of(&self, person: &Person) -> Vec<String> {
        let seen = self.nodes[0].0.directory().look().await;
        let own = person.address();
        let cards = seen
            .cards
            .iter()
            .filter(|(card, _)| card.whereabouts.account == own);
        let ways = cards.flat_map(|(card, _)| card.whereabouts.addresses());
        let ways = ways.filter_map(to_multiaddr);
        ways.map(|way| way.to_string()).collect()
    }

    /// Somebody comes, at home behind this kind of router, and is found from now on.
    pub async fn person(&mut self, number: u8, nat: Nat) -> Person {
        let machine = self.lab.add(nat);
        let config = SessionConfig {
            reach: self.reach,
            ..SessionConfig::new(self.bootstrap.clone())
        };
        let begin = || async { Session::start(config).await.expect("a session starts") };
        let (session, life) = live(&self.lab, machine, begin).await;
        let data = DataDir::new(self.folder.path());
        let profile = format!("person-{number}").parse().expect("a profile");
        let made = data.create(&profile, b"the session never reads it");
        let purse = Purse::open(made.expect("a profile")).expect("a purse");
        let genesis = self.bootstrap.genesis().hash();
        let file = data.dealings(&profile, &genesis).expect("a place");
        let desk = Desk::open(file, key(number), session.trust()).expect("a desk");
        let dealt = session.deal(desk);
        if !self.nodes.is_empty() {
            session.ready().await.expect("a node answers");
        }
        session.appear(key(number), self.published).await;
        Person {
            session,
            purse,
            number,
            home: machine,
            dealt,
            _life: life,
        }
    }
}
