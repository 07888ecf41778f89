//! The embedded file, round trips, and every refusal.

use proptest::prelude::*;

use super::*;
use crate::chain::amount::Amount;
use crate::chain::genesis::GenesisError;
use crate::chain::key::SecretKey;
use crate::directory::address::AddressFault;

/// What becomes of the embedded file when a text in it is exchanged, its hash line taken out.
fn changed(from: &str, to: &str) -> Result<Bootstrap, BootstrapError> {
    let hash_line = EMBEDDED
        .lines()
        .find(|line| line.starts_with("hash"))
        .unwrap();
    let text = EMBEDDED.replace(hash_line, "");
    assert!(text.contains(from), "{from:?} is not in the file");
    Bootstrap::from_toml(&text.replacen(from, to, 1))
}

fn refusal(from: &str, to: &str) -> BootstrapError {
    changed(from, to).expect_err("it is refused")
}

fn peer(name: &str) -> String {
    let key = development::node_key(name).public();
    super::peer::peer_id(&key).unwrap().to_string()
}

#[test]
fn the_embedded_file_is_the_development_network() {
    let bootstrap = Bootstrap::embedded();
    assert_eq!(bootstrap.network(), "natcoin-local");
    let names: Vec<&str> = bootstrap
        .nodes()
        .iter()
        .map(|node| node.name.as_str())
        .collect();
    assert_eq!(names, development::NODES);
    for node in bootstrap.nodes() {
        assert_eq!(node.key, development::node_key(node.name.as_str()).public());
        assert!(node.validator);
    }
    assert_eq!(bootstrap.genesis().validators.tolerated_failures(), 1);
    assert_eq!(
        bootstrap.genesis().supply(),
        Amount::from_nat(3000).unwrap()
    );
    assert!(EMBEDDED.contains(&bootstrap.genesis().hash().to_string()));
}

#[test]
fn a_file_whose_genesis_was_changed_by_hand_is_refused() {
    let text = EMBEDDED.replacen("1000.00000000", "1000000.00000000", 1);
    let Err(BootstrapError::HashMismatch { written, computed }) = Bootstrap::from_toml(&text)
    else {
        panic!("it is refused");
    };
    assert_eq!(written, Bootstrap::embedded().genesis().hash());
    assert_ne!(written, computed);
    let text = EMBEDDED.replacen("validator = true", "validator = false", 1);
    assert!(matches!(
        Bootstrap::from_toml(&text),
        Err(BootstrapError::HashMismatch { .. })
    ));
}

#[test]
fn addresses_may_move_without_changing_the_network() {
    let moved = EMBEDDED.replace("/1800", "/1900");
    let moved = Bootstrap::from_toml(&moved).unwrap();
    assert_ne!(moved, Bootstrap::embedded());
    assert_eq!(moved.genesis(), Bootstrap::embedded().genesis());
}

#[test]
fn the_hash_line_may_be_missing_but_not_malformed() {
    assert_eq!(changed("", "").unwrap(), Bootstrap::embedded());
    assert!(matches!(
        refusal("time =", "hash = \"12\"\ntime ="),
        BootstrapError::HashMalformed(text) if text == "12"
    ));
}

#[test]
fn what_is_not_a_bootstrap_file_is_refused_with_its_line() {
    use BootstrapError::*;
    assert!(matches!(
        Bootstrap::from_toml("one = 1\n\ntwo = = 2"),
        Err(NotToml { line: 3, .. })
    ));
    assert!(matches!(
        Bootstrap::from_toml("\u{0}"),
        Err(NotToml { line: 1, .. })
    ));
    assert!(matches!(
        Bootstrap::from_toml("[package]\nname = \"x\""),
        Err(UnknownField { line: 1, .. })
    ));
    assert!(matches!(Bootstrap::from_toml(""), Err(MissingField { .. })));
    assert!(matches!(
        Bootstrap::from_toml("network = 5"),
        Err(WrongKind { line: 1, .. })
    ));
    let nested = format!("a = {}", "[".repeat(100_000));
    assert!(matches!(Bootstrap::from_toml(&nested), Err(NotToml { .. })));
    let large = "#".repeat(MAX_FILE_BYTES + 1);
    assert_eq!(
        Bootstrap::from_toml(&large),
        Err(TooLarge(MAX_FILE_BYTES + 1))
    );
}

#[test]
fn the_largest_genesis_is_read_again_from_its_own_file() {
    use crate::chain::genesis::MAX_GENESIS_ACCOUNTS;
    let mut embedded = Bootstrap::embedded();
    let account = |number: usize| {
        let hash = crate::chain::hash::Hash::of("test", &[&number.to_be_bytes()]);
        GenesisAccount {
            address: crate::chain::key::Address(hash.0),
            balance: Amount::from_nits(u64::MAX / 10_000),
            name: Some(format!("{number:0>32}").parse().unwrap()),
        }
    };
    embedded.genesis.accounts = (0..MAX_GENESIS_ACCOUNTS).map(account).collect();
    let network = Bootstrap {
        genesis: embedded.genesis.checked().unwrap(),
        nodes: embedded.nodes,
        signatures: Vec::new(),
    };
    assert_eq!(Bootstrap::from_toml(&network.to_toml()), Ok(network));
}

#[test]
fn unknown_missing_and_mistyped_fields_are_refused() {
    use BootstrapError::*;
    let line_of = |text: &str| {
        EMBEDDED
            .lines()
            .position(|line| line.starts_with(text))
            .unwrap()
            + 1
    };
    let error = refusal("fee =", "fees =");
    assert!(
        matches!(&error, UnknownField { line, why } if *line == line_of("fee =") && why.contains("fees")),
        "{error}"
    );
    assert!(
        matches!(refusal("validator = true\n", ""), MissingField { why, .. } if why.contains("validator"))
    );
    assert!(matches!(
        refusal("validator = true", "validator = 1"),
        WrongKind { .. }
    ));
    assert!(matches!(refusal("100000", "-1"), WrongKind { .. }));
    assert!(matches!(
        refusal("\"1000.00000000\"", "1000.0"),
        WrongKind { .. }
    ));
}

#[test]
fn a_malformed_value_is_named_with_its_place() {
    use BootstrapError::*;
    assert_eq!(
        refusal("2026-01-01T00:00:00Z", "yesterday"),
        Time("yesterday".to_owned())
    );
    assert!(matches!(
        refusal("1000.00000000", "nan"),
        Amount { place, .. } if place == "genesis.account 1"
    ));
    assert!(matches!(
        refusal("fee = \"0.00000000\"", "fee = \"0.000000001\""),
        Amount { place, .. } if place == "genesis.rules.fee"
    ));
    assert!(matches!(refusal("nat1", "bc1"), AccountAddress { .. }));
    assert!(
        matches!(refusal("\"alice\"", "\"Alice\""), Name { place, .. } if place == "genesis.account 2")
    );
    assert!(matches!(refusal("\"triglav\"", "\"../x\""), Name { place, .. } if place == "node 2"));
    assert!(matches!(
        refusal("12D3KooW", "0D3KooW"),
        PeerIdMalformed { place, .. } if place == "node 1 (mangart)"
    ));
    let rsa = "QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N";
    assert!(matches!(
        refusal(&peer("razor"), rsa),
        PeerIdNotEd25519 { .. }
    ));
    for (address, cause) in [
        ("localhost:18000", "is not an address"),
        ("/ip4/0.0.0.0/tcp/18000", "every interface"),
        ("/ip4/127.0.0.1/tcp/0", "port 0"),
        ("/ip4/127.0.0.1/udp/18000", "not spoken"),
    ] {
        let error = refusal("/ip4/127.0.0.1/tcp/18000", address);
        assert!(matches!(error, Address { .. }), "{error}");
        assert!(error.to_string().contains(cause), "{error}");
    }
    let other = format!("/ip4/127.0.0.1/tcp/18000/p2p/{}", peer("razor"));
    assert!(matches!(
        refusal("/ip4/127.0.0.1/tcp/18000", &other),
        Address {
            fault: AddressFault::OtherPeer { .. },
            ..
        }
    ));
}

#[test]
fn what_stands_twice_is_refused() {
    use BootstrapError::*;
    assert_eq!(
        refusal("\"triglav\"", "\"mangart\""),
        NodeNameTwice("mangart".to_owned())
    );
    assert!(matches!(
        refusal(&peer("triglav"), &peer("mangart")),
        NodeTwice { first, second, .. } if first == "mangart" && second == "triglav"
    ));
    assert!(matches!(
        refusal("tcp/18001", "tcp/18000"),
        AddressTwice { .. }
    ));
    assert!(matches!(
        refusal("\"bob\"", "\"alice\""),
        Genesis(GenesisError::NameTwice(_))
    ));
}

#[test]
fn the_genesis_is_checked_as_a_whole() {
    use BootstrapError::Genesis;
    for (from, to) in [
        ("natcoin-local", "Nat Coin"),
        ("natcoin-local", ""),
        (
            "max_block_transactions = 4096",
            "max_block_transactions = 0",
        ),
        ("\"1000.00000000\"", "\"0\""),
        ("\"1000.00000000\"", "\"184467440737.09551615\""),
    ] {
        let error = refusal(from, to);
        assert!(matches!(error, Genesis(_)), "{to}: {error}");
    }
}

#[test]
fn a_network_needs_a_node_and_a_validator_and_bounded_lists() {
    let nodes_begin = EMBEDDED.find("[[node]]").unwrap();
    let hash_line = EMBEDDED
        .lines()
        .find(|line| line.starts_with("hash"))
        .unwrap();
    let none = EMBEDDED[..nodes_begin].replace(hash_line, "");
    assert_eq!(Bootstrap::from_toml(&none), Err(BootstrapError::NoNode));
    let followers = EMBEDDED.replace(hash_line, "").replace("= true", "= false");
    assert_eq!(
        Bootstrap::from_toml(&followers),
        Err(BootstrapError::NoValidator)
    );
    let tcp = ", \"/ip4/127.0.0.1/tcp/18000\"";
    let no_address = format!("\"/ip4/127.0.0.1/udp/18000/quic-v1\"{tcp}");
    let many: Vec<String> = (1..=17)
        .map(|port| format!("\"/ip4/127.0.0.1/tcp/{port}\""))
        .collect();
    for (list, count) in [("", 0), (&*many.join(","), 17)] {
        let error = refusal(&no_address, list);
        let node = "mangart".to_owned();
        assert_eq!(error, BootstrapError::AddressCount { node, count });
    }
    let node = |i: u16| {
        let seed: [u8; 32] = std::array::from_fn(|at| i.to_le_bytes()[at % 2]);
        let address = format!("/ip4/127.0.0.1/tcp/{}", 1 + i).parse().unwrap();
        let key = SecretKey::from_seed(&seed).public();
        Node::new(format!("node-{i}").parse().unwrap(), key, vec![address]).unwrap()
    };
    let begin = || beginning("many", vec![]);
    assert_eq!(
        Bootstrap::new(begin(), (0..257).map(node).collect()),
        Err(BootstrapError::TooManyNodes(257))
    );
    assert!(matches!(
        Bootstrap::new(begin(), (0..129).map(node).collect()),
        Err(BootstrapError::Genesis(GenesisError::Validators(_)))
    ));
}

#[test]
fn a_development_key_is_refused_where_others_can_reach_it() {
    let error = refusal("/ip4/127.0.0.1/udp/18000", "/ip4/192.0.2.1/udp/18000");
    assert!(matches!(&error, BootstrapError::DevelopmentKey { node, .. } if node == "mangart"));
    assert!(error.to_string().contains("network new"), "{error}");
}

fn beginning(network: &str, accounts: Vec<GenesisAccount>) -> Beginning {
    Beginning {
        network: network.to_owned(),
        time_ms: 1_767_225_600_000,
        rules: Rules::default(),
        accounts,
    }
}

prop_compose! {
    fn networks()(
        network in "[a-z0-9-]{1,32}",
        time_ms in 0..=crate::directory::utc::LAST_MS,
        fee in any::<u64>(),
        balances in proptest::collection::vec(1..u64::MAX / 8, 0..8),
        named in any::<u8>(),
        followers in any::<u8>(),
        count in 1..8u8,
    ) -> Bootstrap {
        let accounts = (0u8..).zip(balances).map(|(i, nits)| GenesisAccount {
            address: SecretKey::from_seed(&[i; 32]).address(),
            balance: Amount::from_nits(nits),
            name: (named >> i & 1 == 1).then(|| format!("name-{i}").parse().unwrap()),
        });
        let nodes = (0..count).map(|i| {
            let key = SecretKey::from_seed(&[100 + i; 32]).public();
            let addresses = vec![
                format!("/ip4/192.0.2.{i}/udp/18000/quic-v1").parse().unwrap(),
                format!("/dns/{i}.example/tcp/1800{i}").parse().unwrap(),
            ];
            let node = Node::new(format!("node-{i}").parse().unwrap(), key, addresses).unwrap();
            Node { validator: i == 0 || followers >> i & 1 == 0, ..node }
        });
        let mut beginning = beginning(&network, accounts.collect());
        beginning.time_ms = time_ms;
        beginning.rules.fee = Amount::from_nits(fee);
        Bootstrap::new(beginning, nodes.collect()).unwrap()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_written_is_read_as_the_same_network(bootstrap in networks()) {
        let text = bootstrap.to_toml();
        prop_assert_eq!(Bootstrap::from_toml(&text), Ok(bootstrap));
    }

    #[test]
    fn no_text_panics_the_reader(at in 0..EMBEDDED.len(), text in "\\PC{0,8}") {
        if EMBEDDED.is_char_boundary(at) {
            let (before, after) = EMBEDDED.split_at(at);
            let _ = Bootstrap::from_toml(&format!("{before}{text}{after}"));
            let _ = Bootstrap::from_toml(before);
        }
    }
}

#[test]
fn a_key_that_anybody_can_sign_for_is_no_nodes_key() {
    // The neutral element, in its canonical encoding: a point of order 1.
    let mut neutral = [0; 32];
    neutral[0] = 1;
    let weak = PublicKey(neutral);
    assert!(!weak.is_sound());
    let address = "/ip4/127.0.0.1/tcp/1".parse().unwrap();
    let node = Node::new("weak".parse().unwrap(), weak, vec![address]).unwrap();
    let error = Bootstrap::new(beginning("net", vec![]), vec![node]).unwrap_err();
    assert_eq!(error, BootstrapError::WeakKey("weak".to_owned()));
}
