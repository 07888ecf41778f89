//! A network in this process with a window onto its first node, and wallets that pay.

use std::net::SocketAddr;

use natcoin::{
    api::{self, Window},
    chain::{
        amount::Amount,
        codec::Encode as _,
        hash::hex,
        transaction::{Memo, Operation, SignedTransaction, Transaction},
    },
    node::{
        devnet::{self, Devnet, DevnetConfig},
        profile::DataDir,
    },
    wallet::vault::{Password, Vault},
};
use serde_json::Value;
use tokio::runtime::Runtime;

use super::{
    http::{self, Answer},
    wait::{self, PATIENCE},
};

/// It all; it ends when dropped.
pub struct Shown {
    pub runtime: Runtime,
    pub devnet: Devnet,
    pub window: Window,
    vaults: Vec<Vault>,
    // Order: the folder goes last.
    _folder: tempfile::TempDir,
}

impl Shown {
    /// So many nodes, and three wallets.
    pub fn start(nodes: usize) -> Self {
        let runtime = Runtime::new().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let config = DevnetConfig {
            folder: folder.path().to_owned(),
            nodes,
            wallets: 3,
        };
        let devnet = runtime.block_on(devnet::start(&config)).unwrap();
        let password = std::fs::read_to_string(&devnet.password_file).unwrap();
        let password = Password::typed(password.trim()).unwrap();
        let data = DataDir::new(&devnet.data_dir);
        let vaults = devnet.wallets.iter().map(|wallet| {
            let keystore = data.read_keystore(&wallet.profile).unwrap();
            Vault::open(&keystore, &password).unwrap()
        });
        let vaults = vaults.collect();
        let free = "127.0.0.1:0".parse().unwrap();
        let window = api::open(free, devnet.nodes[0].1.view()).unwrap();
        Self {
            runtime,
            devnet,
            window,
            vaults,
            _folder: folder,
        }
    }

    pub fn at(&self) -> SocketAddr {
        self.window.address()
    }

    pub fn get(&self, path: &str) -> Answer {
        http::get(self.at(), path)
    }

    /// The answer to a path that is there.
    pub fn json(&self, path: &str) -> Value {
        let answer = self.get(path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer.json()
    }

    /// A wallet's address.
    pub fn address(&self, wallet: usize) -> String {
        self.devnet.wallets[wallet].address.to_string()
    }

    /// What a wallet signs, with its next number.
    pub fn signed(&self, wallet: usize, operation: Operation) -> SignedTransaction {
        let account = self.json(&format!("/v1/accounts/{}", self.address(wallet)));
        self.sign(wallet, operation, account["nonce"].as_u64().unwrap())
    }

    fn sign(&self, wallet: usize, operation: Operation, nonce: u64) -> SignedTransaction {
        self.sign_changed(wallet, operation, nonce, |_| {})
    }

    /// What a wallet signs after it was changed.
    pub fn sign_changed(
        &self,
        wallet: usize,
        operation: Operation,
        nonce: u64,
        change: impl Fn(&mut Transaction),
    ) -> SignedTransaction {
        let vault = &self.vaults[wallet];
        let mut transaction = Transaction {
            genesis: self.devnet.bootstrap.genesis().hash(),
            sender: vault.address(),
            key: vault.secret().public(),
            nonce,
            valid_until: 1_000,
            fee: Amount::ZERO,
            operation,
        };
        change(&mut transaction);
        transaction.sign(vault.secret())
    }

    /// A payment with this number.
    pub fn numbered(&self, from: usize, to: usize, nits: u64, nonce: u64) -> SignedTransaction {
        self.sign(from, self.transfer(to, nits, ""), nonce)
    }

    /// What pays.
    pub fn transfer(&self, to: usize, nits: u64, memo: &str) -> Operation {
        Operation::Transfer {
            to: self.devnet.wallets[to].address,
            amount: Amount::from_nits(nits),
            memo: Memo::new(memo.as_bytes()).unwrap(),
        }
    }

    /// A payment of one wallet to another.
    pub fn payment(&self, from: usize, to: usize, nits: u64, memo: &str) -> SignedTransaction {
        self.signed(from, self.transfer(to, nits, memo))
    }

    /// Hands a transaction in.
    pub fn submit(&self, signed: &SignedTransaction) -> Answer {
        self.post(hex(&signed.to_bytes()).as_bytes())
    }

    /// Posts a body to where transactions are handed in.
    pub fn post(&self, body: &[u8]) -> Answer {
        http::ask(
            self.at(),
            "POST",
            "/v1/transactions",
            "Content-Type: text/plain\r\n",
            body,
        )
        .unwrap()
    }

    /// Pays, and waits until it is final; gives its identity.
    pub fn pay(&self, from: usize, to: usize, nits: u64, memo: &str) -> String {
        self.settle(&self.payment(from, to, nits, memo))
    }

    /// Hands in, and waits until it is final.
    pub fn settle(&self, signed: &SignedTransaction) -> String {
        let answer = self.submit(signed);
        assert!(answer.status < 300, "{}", answer.text());
        let id = signed.id().to_string();
        self.until("it is final", || {
            self.get(&format!("/v1/transactions/{id}")).status == 200
        });
        id
    }

    /// Waits until something holds.
    pub fn until(&self, what: &str, holds: impl FnMut() -> bool) {
        let is_so = wait::until(PATIENCE, holds);
        assert!(is_so, "waited {PATIENCE:?} until {what}");
    }

    /// Ends the last nodes, until so many are left.
    pub fn leave(&mut self, nodes: usize) {
        while self.devnet.nodes.len() > nodes {
            if let Some((_, node)) = self.devnet.nodes.pop() {
                self.runtime.block_on(node.stop()).unwrap();
            }
        }
    }
}
