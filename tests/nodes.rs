//! Whole nodes over real libp2p in this process.

mod common;

use std::collections::BTreeSet;

use common::wait::eventually;
use natcoin::behaviour::{Role, Service, identity};
use natcoin::chain::amount::Amount;
use natcoin::chain::codec::{Decode, Encode};
use natcoin::chain::transaction::{Memo, Operation, Transaction};
use natcoin::node::devnet::{self, Devnet, DevnetConfig};
use natcoin::node::network::{self, Event, NetworkConfig};
use natcoin::node::profile::DataDir;
use natcoin::replica::wire::SubmitReply;
use natcoin::wallet::vault::{Password, Vault};

fn vault(devnet: &Devnet, index: usize) -> Vault {
    let password = std::fs::read_to_string(&devnet.password_file).unwrap();
    let keystore = DataDir::new(&devnet.data_dir)
        .read_keystore(&devnet.wallets[index].profile)
        .unwrap();
    Vault::open(&keystore, &Password::typed(password.trim()).unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn four_nodes_in_one_process_agree_on_a_payment() {
    let folder = tempfile::tempdir().unwrap();
    let config = DevnetConfig {
        folder: folder.path().to_owned(),
        nodes: 4,
        wallets: 3,
    };
    let devnet = devnet::start(&config).await.unwrap();
    let genesis = devnet.bootstrap.genesis().hash();
    let (handle, mut events) = network::start(NetworkConfig {
        identity: identity::keypair([7; 32]),
        network_name: devnet.bootstrap.network().parse().unwrap(),
        genesis: genesis.0,
        role: Role::Wallet,
        version: "test".to_owned(),
        boot_nonce: 1,
        height: 0,
        listen: vec![],
        bootstrap: devnet
            .bootstrap
            .nodes()
            .iter()
            .map(|node| (node.peer_id, node.addresses.clone()))
            .collect(),
        validators: BTreeSet::new(),
        reach: Default::default(),
    })
    .await
    .unwrap();
    let alice = vault(&devnet, 0);
    let transaction = Transaction {
        genesis,
        sender: alice.address(),
        key: alice.secret().public(),
        nonce: 0,
        valid_until: 100,
        fee: Amount::ZERO,
        operation: Operation::Transfer {
            to: devnet.wallets[1].address,
            amount: Amount::from_nits(5),
            memo: Memo::default(),
        },
    }
    .sign(alice.secret());
    let peer = loop {
        if let Event::PeerUp { peer, .. } = events.recv().await.unwrap() {
            break peer;
        }
    };
    let reply = handle
        .request(peer, Service::Submit, transaction.to_bytes())
        .await
        .unwrap();
    assert_eq!(SubmitReply::from_bytes(&reply), Ok(SubmitReply::Waiting));
    eventually("all nodes have the block", || async {
        let mut seen = BTreeSet::new();
        for (_, node) in &devnet.nodes {
            let look = node.inspect().await.unwrap();
            seen.insert((look.height, look.state_root));
        }
        seen.len() == 1 && seen.iter().all(|(height, _)| *height == 1)
    })
    .await;
    handle.shutdown().await;
    devnet.stop().await.unwrap();
}
