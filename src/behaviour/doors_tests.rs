//! The doors, opened by hand: who gets in from where, and who not.

use std::time::Duration;

use super::*;

struct Street {
    doors: Doors,
    next: usize,
    now: Instant,
}

/// A connection that stands, or why not.
type Entered = Result<ConnectionId, Full>;

fn reason(denied: ConnectionDenied) -> Full {
    denied.downcast::<Full>().expect("the doors say why")
}

#[allow(clippy::disallowed_methods, reason = "a test's starting point")]
fn street(strangers: usize, trusted: &[PeerId], listed: &[Multiaddr]) -> Street {
    let now = Instant::now();
    let trusted = trusted.iter().copied().collect();
    Street {
        doors: Doors::new(strangers, trusted, listed, now),
        next: 0,
        now,
    }
}

impl Street {
    fn knock(&mut self, from: &str) -> Entered {
        self.next += 1;
        let id = ConnectionId::new_unchecked(self.next);
        let (here, there) = (Multiaddr::empty(), from.parse().unwrap());
        self.doors
            .handle_pending_inbound_connection(id, &here, &there)
            .map_err(reason)?;
        Ok(id)
    }

    fn enter(&mut self, from: &str, peer: PeerId) -> Entered {
        let id = self.knock(from)?;
        let (here, there) = (Multiaddr::empty(), from.parse().unwrap());
        self.doors
            .handle_established_inbound_connection(id, peer, &here, &there)
            .map_err(reason)?;
        Ok(id)
    }

    fn rest(&mut self, time: Duration) {
        self.now += time;
        self.doors.tick(self.now);
    }
}

fn v4(last: usize, port: usize) -> String {
    format!("/ip4/203.0.{}.{}/tcp/{port}", last / 256, last % 256)
}

#[test]
fn one_address_takes_an_eighth_of_the_places_and_others_still_come_in() {
    let mut street = street(2_048, &[], &[]);
    let mut entered = Vec::new();
    for port in 0..PER_ADDRESS {
        entered.push(street.enter(&v4(7, port), PeerId::random()).unwrap());
    }
    street.rest(Duration::from_secs(60));
    let refused = street.enter(&v4(7, 9), PeerId::random()).unwrap_err();
    assert!(refused.is_of_address(), "{refused}");
    assert_eq!(
        refused.to_string(),
        "203.0.0.7 has 256 connections: no more from one address"
    );
    street.enter(&v4(8, 9), PeerId::random()).unwrap();
    street.doors.leave(entered[0]);
    street.enter(&v4(7, 9), PeerId::random()).unwrap();
}

#[test]
fn who_is_trusted_comes_in_whatever_the_crowd_has_taken() {
    let validator = PeerId::random();
    let mut street = street(8, &[validator], &[]);
    for place in 0..8 {
        street.enter(&v4(place, 1), PeerId::random()).unwrap();
    }
    let refused = street.enter(&v4(9, 1), PeerId::random());
    assert_eq!(refused, Err(Full::Strangers { limit: 8 }));
    let first = street.enter(&v4(1, 2), validator).unwrap();
    street.doors.leave(first);
    let refused = street.enter(&v4(9, 1), PeerId::random());
    assert_eq!(
        refused,
        Err(Full::Strangers { limit: 8 }),
        "it had no place"
    );
}

#[test]
fn a_household_of_many_networks_is_one_address() {
    let mut street = street(2_048, &[], &[]);
    let home = |network: usize| format!("/ip6/2001:db8:1:{:x}::5/tcp/1", 0xab00 + network % 256);
    for network in 0..PER_ADDRESS {
        street.enter(&home(network), PeerId::random()).unwrap();
    }
    street.rest(Duration::from_secs(60));
    let refused = street.enter(&home(3), PeerId::random()).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "2001:db8:1:ab00::/56 has 256 connections: no more from one address"
    );
    let neighbours = "/ip6/2001:db8:1:ac00::5/tcp/1";
    street.enter(neighbours, PeerId::random()).unwrap();
    let mapped = Origin::of(&"/ip6/::ffff:203.0.0.7/tcp/1".parse().unwrap());
    assert_eq!(mapped, Origin::of(&v4(7, 1).parse().unwrap()));
}

#[test]
fn who_begins_handshakes_and_never_ends_them_takes_few_places() {
    let mut street = street(2_048, &[], &[]);
    for port in 0..PENDING_PER_ADDRESS {
        street.knock(&v4(7, port)).unwrap();
    }
    let refused = street.knock(&v4(7, 99)).unwrap_err();
    assert!(matches!(refused, Full::HandshakesOfAddress { .. }));
    let mut hosts = 100;
    while street.knock(&v4(hosts, 1)).is_ok() {
        hosts += 1;
    }
    assert_eq!(street.doors.incoming.len(), PENDING_INCOMING);
    street.doors.handshake_over(ConnectionId::new_unchecked(1));
    street.knock(&v4(7, 99)).unwrap();
}

#[test]
fn the_addresses_of_the_verified_list_have_handshakes_of_their_own() {
    let listed: Multiaddr = v4(1, 18_000).parse().unwrap();
    let mut street = street(2_048, &[], &[listed]);
    let mut hosts = 100;
    while street.knock(&v4(hosts, 1)).is_ok() {
        hosts += 1;
    }
    for port in 0..PENDING_KEPT {
        street.knock(&v4(1, port)).unwrap();
    }
    assert!(matches!(
        street.knock(&v4(1, 99)),
        Err(Full::Handshakes { .. })
    ));
}

#[test]
fn an_address_that_comes_again_and_again_has_to_wait() {
    let mut street = street(2_048, &[], &[]);
    let come_and_go = |street: &mut Street| {
        let id = street.enter(&v4(7, 1), PeerId::random())?;
        street.doors.leave(id);
        Ok::<_, Full>(())
    };
    for _ in 0..SETUPS_PER_ADDRESS.burst {
        come_and_go(&mut street).unwrap();
    }
    let refused = come_and_go(&mut street).unwrap_err();
    assert!(matches!(refused, Full::TooOften { per_second: 16, .. }));
    street.rest(Duration::from_secs(1));
    let again = (0..99).filter(|_| come_and_go(&mut street).is_ok()).count();
    assert_eq!(again, 16);
}

#[test]
fn this_machine_is_bounded_in_all_only() {
    let mut street = street(2_048, &[], &[]);
    for _ in 0..2_048 {
        street
            .enter("/ip4/127.0.0.1/tcp/1", PeerId::random())
            .unwrap();
    }
    let refused = street.enter("/ip6/::1/tcp/1", PeerId::random());
    assert_eq!(refused, Err(Full::Strangers { limit: 2_048 }));
}

#[test]
fn what_is_over_leaves_nothing_behind() {
    let mut street = street(2_048, &[], &[]);
    for place in 0..300 {
        let id = street.enter(&v4(place, 1), PeerId::random()).unwrap();
        street.doors.leave(id);
        let denied = street.knock(&v4(place, 2)).unwrap();
        street.doors.handshake_over(denied);
    }
    street.rest(Duration::from_secs(60));
    let doors = &street.doors;
    assert!(doors.guests.is_empty() && doors.hosts.is_empty() && doors.peers.is_empty());
    assert!(doors.incoming.is_empty() && doors.outgoing.is_empty());
}

#[test]
fn one_peer_has_few_connections_and_those_that_we_dial_are_counted_apart() {
    let mut street = street(8, &[], &[]);
    let peer = PeerId::random();
    for port in 0..PER_PEER {
        street.enter(&v4(7, port), peer).unwrap();
    }
    let refused = street.enter(&v4(7, 9), peer);
    assert_eq!(refused, Err(Full::Peer { limit: PER_PEER }));
    for number in 0..OUTGOING {
        let guest = Guest {
            from: None,
            peer: PeerId::random(),
        };
        street.doors.admit_guest(guest).unwrap();
        street
            .doors
            .enter(ConnectionId::new_unchecked(1_000 + number), guest);
    }
    let from = None;
    let refused = street.doors.admit_guest(Guest {
        from,
        peer: PeerId::random(),
    });
    assert_eq!(refused, Err(Full::Outgoing { limit: OUTGOING }));
    street.enter(&v4(8, 1), PeerId::random()).unwrap();
}
