//! Homes made, read again, and refused.

use std::net::Ipv4Addr;

use super::*;
use crate::chain::genesis::Rules;
use crate::directory::bootstrap::Beginning;

fn new_network(count: u8, host: Ipv4Addr) -> NewNetwork {
    NewNetwork {
        beginning: Beginning {
            network: "village".to_owned(),
            time_ms: 1_767_225_600_000,
            rules: Rules::default(),
            accounts: vec![],
        },
        hosts: vec![Multiaddr::from(host)],
        first_port: 18_000,
        keys: (0..count)
            .map(|i| SecretKey::from_seed(&[i + 1; 32]))
            .collect(),
    }
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn a_new_network_has_a_bootstrap_file_and_a_home_for_each_node() {
    let place = folder();
    let net = place.path().join("a/net");
    let made = create_network(&net, &new_network(4, Ipv4Addr::LOCALHOST)).unwrap();
    let bootstrap = read_bootstrap(&net.join(BOOTSTRAP)).unwrap();
    assert_eq!(bootstrap.nodes().len(), 4);
    for (home, node) in made.iter().zip(bootstrap.nodes()) {
        let read = Home::load(&net.join(node.name.as_str())).unwrap();
        assert_eq!(read.peer_id(), node.peer_id);
        assert_eq!(read.keypair().public().to_peer_id(), node.peer_id);
        assert_eq!(read.name(), &node.name);
        assert_eq!(read.listen(), node.addresses);
        assert_eq!(read.bootstrap(), &bootstrap);
        assert_eq!(read.secret().to_seed(), home.secret().to_seed());
        assert_eq!(read.folder(), home.folder());
    }
    let left: Vec<_> = fs::read_dir(place.path().join("a")).unwrap().collect();
    assert_eq!(left.len(), 1, "no passing folder stays");
}

#[test]
fn nodes_on_one_host_take_ports_in_turn_and_listen_everywhere() {
    let mut network = new_network(3, Ipv4Addr::new(192, 0, 2, 1));
    network.hosts.push("/dns/nat.example".parse().unwrap());
    let place = folder();
    let homes = create_network(&place.path().join("net"), &network).unwrap();
    let dialled: Vec<String> = homes[0]
        .bootstrap()
        .nodes()
        .iter()
        .map(|node| node.addresses[1].to_string())
        .collect();
    assert_eq!(
        dialled,
        [
            "/ip4/192.0.2.1/tcp/18000",
            "/dns/nat.example/tcp/18000",
            "/ip4/192.0.2.1/tcp/18001"
        ]
    );
    let listens: Vec<String> = homes
        .iter()
        .map(|home| home.listen()[0].to_string())
        .collect();
    let expected = [18000, 18000, 18001].map(|port| format!("/ip4/0.0.0.0/udp/{port}/quic-v1"));
    assert_eq!(listens, expected);
}

#[test]
fn ports_that_run_out_and_impossible_counts_are_refused() {
    let place = folder();
    let net = place.path().join("net");
    let mut network = new_network(2, Ipv4Addr::LOCALHOST);
    network.first_port = u16::MAX;
    let error = create_network(&net, &network).unwrap_err();
    assert!(matches!(error, HomeError::Config { .. }), "{error}");
    let error = create_network(&net, &new_network(0, Ipv4Addr::LOCALHOST)).unwrap_err();
    assert!(matches!(error, HomeError::NodeCount(0)), "{error}");
    let error = create_network(&net, &new_network(129, Ipv4Addr::LOCALHOST)).unwrap_err();
    assert!(matches!(error, HomeError::NodeCount(129)), "{error}");
    assert!(!net.exists());
}

#[test]
fn what_is_there_is_never_overwritten() {
    let place = folder();
    let net = place.path().join("net");
    fs::create_dir(&net).unwrap();
    let network = new_network(1, Ipv4Addr::LOCALHOST);
    create_network(&net, &network).expect("an empty folder is taken");
    let before = fs::read(net.join("mangart/node.key")).unwrap();
    let mut other = network;
    other.keys = vec![SecretKey::from_seed(&[99; 32])];
    let error = create_network(&net, &other).unwrap_err();
    assert!(matches!(error, HomeError::NotEmpty { .. }), "{error}");
    assert_eq!(fs::read(net.join("mangart/node.key")).unwrap(), before);
    let file = place.path().join("file");
    fs::write(&file, "mine").unwrap();
    let error = create_network(&file, &other).unwrap_err();
    assert!(matches!(error, HomeError::NotEmpty { .. }), "{error}");
    assert_eq!(fs::read(&file).unwrap(), b"mine");
}

#[cfg(unix)]
#[test]
fn the_key_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let place = folder();
    let net = place.path().join("net");
    create_network(&net, &new_network(1, Ipv4Addr::LOCALHOST)).unwrap();
    let mode = fs::metadata(net.join("mangart/node.key"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_home_that_does_not_add_up_is_refused_with_its_cause() {
    let place = folder();
    let net = place.path().join("net");
    create_network(&net, &new_network(2, Ipv4Addr::LOCALHOST)).unwrap();
    let home = net.join("mangart");
    let refusal_of = |file: &str, text: &str| {
        let path = home.join(file);
        let before = fs::read(&path).unwrap();
        fs::write(&path, text).unwrap();
        let error = Home::load(&home).unwrap_err();
        fs::write(&path, before).unwrap();
        error
    };
    use HomeError::*;
    assert!(matches!(Home::load(&net).unwrap_err(), NotAHome { .. }));
    for text in [
        "",
        "name = \"mangart\"",
        "name = \"mangart\"\nlisten = []",
        "name = \"../x\"\nlisten = [\"/ip4/127.0.0.1/tcp/0\"]",
        "name = \"mangart\"\nlisten = [\"/dns/example/tcp/0\"]",
        "name = \"mangart\"\nlisten = [\"/ip4/127.0.0.1/tcp/0\"]\nx = 1",
    ] {
        assert!(
            matches!(refusal_of("node.toml", text), Config { .. }),
            "{text}"
        );
    }
    for text in ["", "12", &"zz".repeat(32), &"00".repeat(33)] {
        let error = refusal_of("node.key", text);
        assert!(matches!(error, Key { .. }), "{text}");
    }
    let secret = "ab".repeat(32);
    let error = refusal_of("node.key", &secret);
    assert!(matches!(error, OtherKey { .. }), "{error}");
    assert!(
        !format!("{error}{error:?}").contains(&secret),
        "no secret is shown"
    );
    assert!(matches!(
        refusal_of("node.key", &"0".repeat(70_000)),
        TooLarge { .. }
    ));
    assert!(matches!(
        refusal_of("bootstrap.toml", "x"),
        Bootstrap { .. }
    ));
    Home::load(&home).expect("whole again");
    fs::write(home.join("node.key"), [0xff, 0xfe]).unwrap();
    assert!(matches!(Home::load(&home).unwrap_err(), NotText { .. }));
    fs::remove_file(home.join("node.key")).unwrap();
    assert!(matches!(Home::load(&home).unwrap_err(), Io { .. }));
}

#[test]
fn a_home_stays_with_its_network() {
    let place = folder();
    let net = place.path().join("net");
    let homes = create_network(&net, &new_network(1, Ipv4Addr::LOCALHOST)).unwrap();
    let own = homes[0].bootstrap().clone();
    let home = homes[0].clone().with_bootstrap(own).unwrap();
    let error = home.with_bootstrap(Bootstrap::embedded()).unwrap_err();
    assert!(matches!(error, HomeError::OtherNetwork { .. }), "{error}");
}

#[test]
fn a_development_key_does_not_listen_to_the_world() {
    let place = folder();
    let create = |listen: &str| {
        Home::create(
            &place.path().join("home"),
            "mangart".parse().unwrap(),
            vec![listen.parse().unwrap()],
            crate::directory::development::node_key("mangart"),
            Bootstrap::embedded(),
        )
    };
    let error = create("/ip4/0.0.0.0/tcp/18000").unwrap_err();
    assert!(matches!(error, HomeError::DevelopmentKey(_)), "{error}");
    create("/ip4/127.0.0.1/tcp/18000").unwrap();
}

#[test]
fn every_node_of_a_large_network_has_its_own_name() {
    let names: std::collections::BTreeSet<Name> = (0..MAX_NEW_NODES).map(node_name).collect();
    assert_eq!(names.len(), MAX_NEW_NODES);
    assert_eq!(node_name(0).as_str(), "mangart");
    assert_eq!(node_name(31).as_str(), "node-32");
}
