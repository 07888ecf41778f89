//! The lab is what it says: which source ports each kind of router shows, who may answer, what it forgets; and how late
//! and lossy the segment is.

use std::{
    net::{SocketAddr, UdpSocket},
    time::Duration,
};

use natcoin::node::clock;

use super::{
    common::wait::PATIENCE,
    lab::{Lab, Machine, Nat},
    switch::Weather,
};

/// Nothing comes any more after this.
const SILENCE: Duration = Duration::from_millis(300);

/// Sends a few words, and tells from where they seem to come if they arrive: what should, is waited for on a busy machine.
fn seen(from: &UdpSocket, to: &UdpSocket, address: SocketAddr) -> Option<SocketAddr> {
    arrives(from, to, address, PATIENCE)
}

fn arrives(
    from: &UdpSocket,
    to: &UdpSocket,
    address: SocketAddr,
    patience: Duration,
) -> Option<SocketAddr> {
    to.set_read_timeout(Some(patience)).unwrap();
    let mut buffer = [0; 64];
    // What an earlier question left behind is not this one's answer.
    let words = rand::random::<[u8; 16]>();
    from.send_to(&words, address).unwrap();
    loop {
        let (length, source) = to.recv_from(&mut buffer).ok()?;
        if buffer[..length] == words {
            return Some(source);
        }
    }
}

/// Two public machines, and one behind `nat`.
struct Scene {
    lab: Lab,
    near: UdpSocket,
    near_other: UdpSocket,
    far: UdpSocket,
    inside: UdpSocket,
    home: Machine,
}

impl Scene {
    fn with(nat: Nat) -> Option<Self> {
        if !Lab::is_possible() {
            return None;
        }
        let mut lab = Lab::new(Weather::FAIR);
        let (near, far, home) = (lab.add(Nat::None), lab.add(Nat::None), lab.add(nat));
        Some(Self {
            near: lab.udp(near, 4000),
            near_other: lab.udp(near, 4001),
            far: lab.udp(far, 4000),
            inside: lab.udp(home, 5000),
            lab,
            home,
        })
    }

    /// How the three public sockets see the inner one.
    fn sources(&self) -> [SocketAddr; 3] {
        [&self.near, &self.near_other, &self.far].map(|socket| {
            let address = socket.local_addr().unwrap();
            seen(&self.inside, socket, address).expect("what goes out arrives")
        })
    }

    /// Whether just those of the three reach the inner socket at `address` who should.
    fn answers(&self, address: SocketAddr, expected: [bool; 3]) -> bool {
        let sockets = [&self.near, &self.near_other, &self.far];
        sockets.into_iter().zip(expected).all(|(socket, should)| {
            let patience = if should { PATIENCE } else { SILENCE };
            arrives(socket, &self.inside, address, patience).is_some() == should
        })
    }

    fn outside(&self) -> SocketAddr {
        SocketAddr::from((self.lab.public(self.home), 5000))
    }
}

#[test]
fn a_machine_without_nat_is_seen_as_it_is_and_hears_everybody() {
    let Some(scene) = Scene::with(Nat::None) else {
        return;
    };
    assert!(
        scene.answers(scene.outside(), [true; 3]),
        "without having spoken"
    );
    assert_eq!(scene.sources(), [scene.outside(); 3]);
}

#[test]
fn a_full_cone_shows_one_port_and_lets_everybody_answer() {
    let Some(scene) = Scene::with(Nat::FullCone) else {
        return;
    };
    let to_near = scene.near.local_addr().unwrap();
    let source = seen(&scene.inside, &scene.near, to_near).unwrap();
    assert_eq!(source.ip(), scene.outside().ip(), "the router's address");
    assert!(scene.answers(source, [true; 3]), "only one was spoken to");
    assert_eq!(scene.sources(), [source; 3]);
}

#[test]
fn a_port_restricted_router_shows_one_port_and_lets_only_those_answer_who_were_asked() {
    let Some(scene) = Scene::with(Nat::PortRestricted) else {
        return;
    };
    assert!(scene.answers(scene.outside(), [false; 3]));
    let to_near = scene.near.local_addr().unwrap();
    let source = seen(&scene.inside, &scene.near, to_near).unwrap();
    assert_eq!(source.ip(), scene.outside().ip(), "the router's address");
    assert!(
        scene.answers(source, [true, false, false]),
        "not even another port"
    );
    assert_eq!(scene.sources(), [source; 3]);
    assert!(scene.answers(source, [true; 3]));
}

#[test]
fn a_symmetric_router_shows_everybody_another_port() {
    let Some(scene) = Scene::with(Nat::Symmetric) else {
        return;
    };
    let [near, other, far] = scene.sources();
    assert!(
        near != other && near != far && other != far,
        "{near} {other} {far}"
    );
    assert!(scene.answers(near, [true, false, false]));
    assert!(scene.answers(far, [false, false, true]));
    assert_eq!(scene.sources(), [near, other, far], "while it remembers");
}

#[test]
fn a_router_that_forgets_lets_nobody_in_until_it_is_used_again() {
    for nat in [Nat::PortRestricted, Nat::Symmetric] {
        let Some(scene) = Scene::with(nat) else {
            return;
        };
        let [near, _, _] = scene.sources();
        scene.lab.forget(scene.home);
        assert!(scene.answers(near, [false; 3]), "{nat:?}");
        let [again, _, _] = scene.sources();
        assert!(seen(&scene.near, &scene.inside, again).is_some(), "{nat:?}");
        assert_eq!(again == near, nat == Nat::PortRestricted, "{nat:?}");
    }
}

#[test]
fn addresses_change_inside_and_outside() {
    let Some(mut scene) = Scene::with(Nat::PortRestricted) else {
        return;
    };
    let [before, _, _] = scene.sources();
    scene.lab.renumber(scene.home, 99);
    let [after, _, _] = scene.sources();
    assert_ne!(before.ip(), after.ip());
    assert_eq!(after.ip(), scene.lab.public(scene.home));
    scene.lab.move_in(scene.home, 33);
    scene.inside = scene.lab.udp(scene.home, 5000);
    assert_eq!(scene.sources()[0].ip(), after.ip());
    assert_eq!(
        scene.inside.local_addr().unwrap().to_string(),
        "192.168.7.33:5000"
    );
}

#[test]
fn a_pulled_cable_carries_nothing_and_a_mended_one_everything() {
    let Some(scene) = Scene::with(Nat::PortRestricted) else {
        return;
    };
    let [source, _, _] = scene.sources();
    scene.lab.cut(scene.home);
    assert!(scene.answers(source, [false; 3]));
    scene.lab.mend(scene.home);
    // A machine asks only once a second where its neighbour is.
    let begun = clock::now();
    let hears = |socket| arrives(socket, &scene.inside, source, SILENCE).is_some();
    while ![&scene.near, &scene.near_other, &scene.far]
        .map(hears)
        .iter()
        .all(|heard| *heard)
    {
        assert!(begun.elapsed() < PATIENCE);
    }
}

#[test]
fn rough_weather_is_as_late_and_lossy_as_it_says() {
    let Some(scene) = Scene::with(Nat::PortRestricted) else {
        return;
    };
    scene.sources();
    scene.lab.weather(Weather {
        loss_permille: 0,
        ..Weather::ROUGH
    });
    let address = scene.near.local_addr().unwrap();
    let mut fastest = Duration::MAX;
    for _ in 0..10 {
        let begun = clock::now();
        let source = seen(&scene.inside, &scene.near, address).unwrap();
        seen(&scene.near, &scene.inside, source).unwrap();
        let both_ways = begun.elapsed();
        assert!(both_ways >= Duration::from_millis(50), "{both_ways:?}");
        fastest = fastest.min(both_ways);
    }
    // On a busy machine some are later, by what the machine adds.
    assert!(fastest < Duration::from_millis(150), "{fastest:?}");
    scene.lab.weather(Weather {
        loss_permille: 30,
        ..Weather::FAIR
    });
    // No more at once than a socket holds whose reader the machine does not let run: what it drops is not the weather's.
    let (rounds, at_once) = (20u32, 100u32);
    let tries = (rounds * at_once) as usize;
    scene.near.set_read_timeout(Some(SILENCE * 3)).unwrap();
    let mut arrived = 0;
    for first in (0..rounds).map(|round| round * at_once) {
        let last = first + at_once - 1;
        for number in first..=last {
            scene
                .inside
                .send_to(&number.to_be_bytes(), address)
                .unwrap();
        }
        let mut bytes = [0; 4];
        while scene.near.recv_from(&mut bytes).is_ok() {
            arrived += 1;
            if u32::from_be_bytes(bytes) == last {
                break;
            }
        }
    }
    let lost = tries - arrived;
    assert!(
        (20..=120).contains(&lost),
        "3 % of {tries} are 60; {lost} were lost"
    );
}
