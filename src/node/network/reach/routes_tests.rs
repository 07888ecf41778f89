//! Routes: what is dialled and closed, when, in the lives of a peer's ways.

use super::*;
use crate::node::clock;

const OWN: &str = "/ip4/198.51.100.7/udp/5000/quic-v1";
const RELAY: &str = "/ip4/198.51.100.1/tcp/18000/p2p/12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp/p2p-circuit";

fn at(text: &str) -> Multiaddr {
    text.parse().unwrap()
}

fn id(number: usize) -> ConnectionId {
    ConnectionId::new_unchecked(number)
}

struct Scene {
    routes: Routes,
    peer: PeerId,
    now: Instant,
}

fn sought(told: &[&str]) -> Scene {
    let mut scene = Scene {
        routes: Routes::default(),
        peer: PeerId::random(),
        now: clock::now(),
    };
    let told = told.iter().map(|text| at(text)).collect();
    assert!(scene.routes.seek(scene.peer, told, scene.now));
    scene
}

impl Scene {
    fn due(&mut self) -> Vec<Step> {
        self.routes.due(self.now, &[at(RELAY)])
    }

    fn dial(&self, to: &[&str]) -> Vec<Step> {
        vec![Step::Dial(
            self.peer,
            to.iter().map(|text| at(text)).collect(),
        )]
    }

    fn opened(&mut self, number: usize, route: Route) {
        self.routes.opened(&self.peer, id(number), route, self.now);
    }

    fn closed(&mut self, number: usize) {
        self.routes.closed(&self.peer, id(number), self.now);
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
    }

    /// A relayed connection stands.
    fn relayed(mut self) -> Self {
        self.due();
        self.routes.dialling(&self.peer, id(1));
        self.opened(1, Route::Relayed);
        self
    }
}

#[test]
fn a_sought_peer_is_dialled_at_its_addresses_and_through_every_relay_if_none_was_told() {
    let mut scene = sought(&[OWN]);
    assert_eq!(scene.due(), scene.dial(&[RELAY, OWN]));
    assert!(scene.due().is_empty(), "once");
    let mut scene = sought(&[]);
    assert_eq!(scene.due(), scene.dial(&[RELAY]));
}

#[test]
fn failures_are_followed_by_ever_longer_pauses_and_never_by_none() {
    let mut scene = sought(&[]);
    let mut pauses = Vec::new();
    for number in 0..6 {
        assert!(!scene.due().is_empty());
        scene.routes.dialling(&scene.peer, id(number));
        let why = "nobody there".to_owned();
        assert!(scene.routes.failed(&scene.peer, id(number), why, scene.now));
        let begun = scene.now;
        while scene.routes.0[&scene.peer].due > scene.now {
            scene.pass(Duration::from_millis(250));
        }
        pauses.push((scene.now - begun).as_millis());
    }
    assert_eq!(pauses, [500, 1000, 2000, 4000, 4000, 4000]);
    let why = scene.routes.last_failure(&scene.peer);
    assert_eq!(why.as_deref(), Some("nobody there"));
}

#[test]
fn after_a_relayed_connection_its_own_addresses_are_dialled_ever_less_often() {
    let mut scene = sought(&[]).relayed();
    assert!(scene.due().is_empty(), "nothing of its own is known");
    scene.routes.says(&scene.peer, vec![at(OWN)]);
    assert!(scene.due().is_empty(), "hole punching goes first");
    let mut times = Vec::new();
    let begun = scene.now;
    for number in 2..6 {
        while scene.due().is_empty() {
            scene.pass(Duration::from_millis(250));
        }
        times.push((scene.now - begun).as_secs());
        scene.routes.dialling(&scene.peer, id(number));
        scene
            .routes
            .failed(&scene.peer, id(number), "closed".to_owned(), scene.now);
    }
    assert_eq!(times, [1, 3, 7, 15]);
}

#[test]
fn the_circuit_is_given_back_when_a_direct_way_has_stood_a_moment() {
    let mut scene = sought(&[]).relayed();
    scene.opened(2, Route::Direct);
    scene.routes.punched(&scene.peer, id(2));
    assert!(scene.due().is_empty(), "what is under way still arrives");
    scene.pass(GRACE);
    assert_eq!(scene.due(), [Step::Close(id(1))]);
    scene.closed(1);
    scene.pass(Duration::from_secs(600));
    assert!(scene.due().is_empty(), "all is well");
}

#[test]
fn a_direct_way_that_is_lost_at_once_does_not_cost_the_circuit() {
    let mut scene = sought(&[]).relayed();
    scene.opened(2, Route::Direct);
    scene.pass(GRACE / 2);
    scene.closed(2);
    scene.pass(GRACE);
    assert!(scene.due().is_empty());
}

#[test]
fn when_the_direct_way_is_lost_the_relay_is_dialled_at_once() {
    let mut scene = sought(&[]).relayed();
    scene.opened(2, Route::Punched);
    scene.pass(GRACE);
    scene.due();
    scene.closed(1);
    scene.pass(Duration::from_secs(60));
    scene.closed(2);
    assert_eq!(scene.due(), scene.dial(&[RELAY]));
}

#[test]
fn a_circuit_is_replaced_before_it_ends_and_the_old_one_given_back() {
    let mut scene = sought(&[]).relayed();
    let mut ages = Vec::new();
    for number in 2..6 {
        let begun = scene.now;
        while scene.due().is_empty() {
            scene.pass(Duration::from_secs(1));
        }
        ages.push((scene.now - begun).as_secs());
        scene.routes.dialling(&scene.peer, id(number));
        scene.opened(number, Route::Relayed);
        scene.closed(number - 1);
    }
    assert_eq!(ages, [20, 40, 80, RENEWAL.as_secs()]);
    scene.pass(RENEWAL);
    assert_eq!(scene.due(), scene.dial(&[RELAY]));
    scene.routes.dialling(&scene.peer, id(6));
    scene.opened(6, Route::Relayed);
    assert!(scene.due().is_empty());
    scene.pass(GRACE);
    assert_eq!(scene.due(), [Step::Close(id(5))]);
}

#[test]
fn whoever_closes_what_we_open_is_not_dialled_without_pause() {
    let mut scene = sought(&[]).relayed();
    scene.closed(1);
    assert!(scene.due().is_empty());
    scene.pass(PAUSE);
    assert!(!scene.due().is_empty());
}

#[test]
fn no_more_peers_are_sought_than_there_is_room_for() {
    let mut scene = sought(&[]);
    for _ in 1..SOUGHT {
        assert!(scene.routes.seek(PeerId::random(), vec![], scene.now));
    }
    assert!(!scene.routes.seek(PeerId::random(), vec![], scene.now));
    scene.routes.drop_peer(&scene.peer);
    assert!(scene.routes.seek(PeerId::random(), vec![], scene.now));
}

#[test]
fn a_guest_through_a_relay_is_dialled_at_its_own_addresses_a_few_times_and_never_sought() {
    let mut scene = sought(&[]);
    let guest = PeerId::random();
    scene.routes.drop_peer(&scene.peer);
    scene
        .routes
        .opened(&guest, id(1), Route::Relayed, scene.now);
    assert!(!scene.routes.seeks(&guest));
    scene.routes.says(&guest, vec![at(OWN)]);
    let mut dials = 0;
    for number in 2..400 {
        scene.pass(Duration::from_secs(1));
        for step in scene.due() {
            assert_eq!(step, Step::Dial(guest, vec![at(OWN)]));
            scene.routes.dialling(&guest, id(number));
            scene
                .routes
                .failed(&guest, id(number), "closed".to_owned(), scene.now);
            dials += 1;
        }
    }
    assert_eq!(dials, GUEST_DIALS);
    scene.routes.closed(&guest, id(1), scene.now);
    assert!(!scene.routes.knows(&guest), "gone, and forgotten");
}

#[test]
fn a_guest_that_is_then_sought_is_dialled_like_any() {
    let mut scene = sought(&[]);
    let guest = PeerId::random();
    scene.routes.drop_peer(&scene.peer);
    scene
        .routes
        .opened(&guest, id(1), Route::Relayed, scene.now);
    assert!(scene.routes.seek(guest, vec![], scene.now));
    scene.pass(GRACE);
    scene.routes.closed(&guest, id(1), scene.now);
    assert_eq!(scene.due(), [Step::Dial(guest, vec![at(RELAY)])]);
}

#[test]
fn a_failure_of_somebody_elses_dial_changes_nothing() {
    let mut scene = sought(&[]);
    scene.due();
    scene.routes.dialling(&scene.peer, id(1));
    assert!(
        !scene
            .routes
            .failed(&scene.peer, id(9), "no".to_owned(), scene.now)
    );
    assert!(scene.due().is_empty());
}
