//! The door and the order of the room, and a hub that lies.

use std::time::Duration;

use super::world::{BORN_MS, address, beginning, key, knock, purpose};
use crate::chain::codec::Encode as _;
use crate::directory::bootstrap::{Bootstrap, Node};
use crate::directory::founding::check::Report;
use crate::directory::founding::hub::{Effect, Hub, Input, Link};
use crate::directory::founding::member::{self, Me, Member, Outcome};
use crate::directory::founding::message::{Cause, Knock, Off, Round, ToHub, ToMember};
use crate::directory::founding::words::commitment;
use crate::directory::founding::{KNOCK, MAX_UNKNOWN, Now, SILENCE};

fn at(seconds: u64) -> Now {
    Now {
        elapsed: Duration::from_secs(seconds),
        unix_ms: BORN_MS + seconds * 1000,
    }
}

fn knocks(hub: &mut Hub, index: usize, knock: Knock) -> Vec<Effect> {
    let link = Link(index as u64);
    assert!(
        hub.handle(Input::Opened(link, key(index).public()), at(0))
            .is_empty()
    );
    hub.handle(Input::Heard(link, ToHub::Knock(knock)), at(0))
}

fn refusal(effects: &[Effect]) -> Option<&str> {
    let [
        ..,
        Effect::Send(_, ToMember::Refused(why)),
        Effect::Close(_),
    ] = effects
    else {
        return None;
    };
    Some(why)
}

#[test]
fn nobody_without_the_code_is_told_anything() {
    let mut hub = Hub::new(purpose(None));
    let stolen = knock(1);
    let effects = knocks(&mut hub, 2, Knock { ..stolen });
    assert_eq!(effects.len(), 2, "{effects:?}");
    let why = refusal(&effects).unwrap();
    assert!(why.contains("code"), "another's proof is of no use: {why}");
    let said = hub.handle(Input::Heard(Link(9), ToHub::Beat(1)), at(0));
    assert_eq!(refusal(&said), Some("knock first"));
    let begun = hub.handle(Input::Begin, at(0));
    assert!(matches!(&begun[..], [Effect::NotYet(_)]));
}

#[test]
fn the_door_names_what_must_be_mended() {
    let mut hub = Hub::new(purpose(None));
    assert_eq!(refusal(&knocks(&mut hub, 0, knock(0))), None);
    let named = |name: &str| Knock {
        name: Some(name.parse().unwrap()),
        ..knock(1)
    };
    let older = Knock {
        version: "1.9.4".to_owned(),
        ..knock(1)
    };
    let elsewhere = Knock {
        addresses: vec![address(0)],
        ..knock(1)
    };
    let nowhere = Knock {
        addresses: vec!["/ip4/0.0.0.0/tcp/1".to_owned()],
        ..knock(1)
    };
    for (bad, word) in [
        (named("mangart"), "--node-name"),
        (older, "natcoin 1.9.4"),
        (elsewhere, "same address"),
        (nowhere, "every interface"),
        (
            Knock {
                addresses: vec![],
                ..knock(1)
            },
            "0 addresses",
        ),
    ] {
        let effects = knocks(&mut hub, 1, bad);
        let why = refusal(&effects).unwrap();
        assert!(why.contains(word), "{why}");
        // The host is told, too.
        assert!(matches!(
            &effects[0],
            Effect::Send(Link(0), ToMember::Notice(_))
        ));
    }
    assert_eq!(refusal(&knocks(&mut hub, 1, named("stol"))), None);
}

#[test]
fn strangers_take_no_more_than_some_links_for_some_seconds() {
    let mut hub = Hub::new(purpose(None));
    for index in 0..MAX_UNKNOWN {
        let opened = Input::Opened(Link(index as u64), key(1).public());
        assert!(hub.handle(opened, at(0)).is_empty());
    }
    let one_more = hub.handle(Input::Opened(Link(999), key(1).public()), at(1));
    assert_eq!(one_more, [Effect::Close(Link(999))]);
    let late = hub.handle(Input::Tick, at(KNOCK.as_secs() + 1));
    assert_eq!(late.len(), 2 * MAX_UNKNOWN);
    let opened = Input::Opened(Link(999), key(1).public());
    assert!(hub.handle(opened, at(12)).is_empty());
}

#[test]
fn who_speaks_out_of_turn_is_named_to_all() {
    let mut hub = Hub::new(purpose(Some(2)));
    knocks(&mut hub, 0, knock(0));
    knocks(&mut hub, 1, knock(1));
    let said = ToHub::Say {
        round: Round::Sign,
        value: vec![0; 64],
    };
    let effects = hub.handle(Input::Heard(Link(1), said), at(1));
    let of = |off: &Off| (off.who.clone().unwrap().to_string(), off.cause);
    let told = effects.iter().filter_map(|effect| match effect {
        Effect::Send(link, ToMember::Off(off)) => Some((link.0, of(off))),
        _ => None,
    });
    let triglav = ("triglav".to_owned(), Cause::OutOfTurn);
    assert_eq!(
        told.collect::<Vec<_>>(),
        [(1, triglav.clone()), (0, triglav)]
    );
}

/// A member in the room of two, whose hub is the test.
fn member() -> (Member, String) {
    let me = Me {
        key: key(1).public(),
        addresses: vec![address(1).parse().unwrap()],
        number: [101; 32],
    };
    let (mut member, _) = Member::new(me, knock(1), at(0));
    let welcome = ToMember::Welcome("triglav".parse().unwrap());
    member.handle(member::Input::Heard(welcome), at(0));
    (member, plan(beginning(), &address(1)))
}

fn plan(beginning: crate::directory::bootstrap::Beginning, own: &str) -> String {
    let node = |index: usize, name: &str, at: &str| {
        let addresses = vec![at.parse().unwrap()];
        Node::new(name.parse().unwrap(), key(index).public(), addresses).unwrap()
    };
    let nodes = vec![node(0, "mangart", &address(0)), node(1, "triglav", own)];
    Bootstrap::new(beginning, nodes).unwrap().to_toml()
}

fn hears(member: &mut Member, message: ToMember) -> Vec<member::Effect> {
    member.handle(member::Input::Heard(message), at(1))
}

fn ended(effects: &[member::Effect]) -> (Cause, String) {
    let Some(member::Effect::End(outcome)) = effects.last() else {
        panic!("{effects:?}");
    };
    let Outcome::Off(off) = &**outcome else {
        panic!("{outcome:?}");
    };
    (off.cause, off.why.clone())
}

#[test]
fn a_plan_must_have_this_node_as_it_is_and_be_of_today() {
    let old = crate::directory::bootstrap::Beginning {
        time_ms: BORN_MS - 2 * 60 * 60 * 1000,
        ..beginning()
    };
    let good = member().1;
    for (text, word) in [
        (plan(beginning(), "/ip4/10.0.0.9/tcp/18000"), "as it is"),
        (plan(old, &address(1)), "120 minutes"),
        (good.replace("# A network", "# a network"), "not written as"),
        (
            good.replace("validator = true", "validator = false"),
            "not valid",
        ),
        ("no plan".to_owned(), "TOML"),
    ] {
        let (mut member, _) = member();
        let (cause, why) = ended(&hears(&mut member, ToMember::Plan(text)));
        assert_eq!(cause, Cause::PlanRefused);
        assert!(word == "not valid" || why.contains(word), "{why}");
    }
}

/// The member when it has heard everybody's hash, the host's being of this number.
fn committed(host_number: [u8; 32]) -> Member {
    let (mut member, text) = member();
    let hash = crate::directory::founding::words::plan_hash(&text);
    hears(&mut member, ToMember::Plan(text));
    member.handle(member::Input::Dialled(vec![]), at(1));
    // Half of the way there and back before our own time: the clocks agree.
    let (number, unix_ms) = (1, BORN_MS + 500);
    hears(&mut member, ToMember::Beat { number, unix_ms });
    let report = Report {
        ahead_ms: 0,
        misses: vec![],
    };
    let all = |round, values| ToMember::All { round, values };
    hears(&mut member, all(Round::Check, vec![report.to_bytes(); 2]));
    let commit = |index: usize, number| commitment(&hash, &key(index).public(), number).0.to_vec();
    let values = vec![commit(0, &host_number), commit(1, &[101; 32])];
    hears(&mut member, all(Round::Commit, values));
    member
}

#[test]
fn a_number_that_does_not_fit_its_hash_ends_it() {
    let all = |number: [u8; 32]| ToMember::All {
        round: Round::Reveal,
        values: vec![number.to_vec(), vec![101; 32]],
    };
    let mut honest = committed([7; 32]);
    let effects = hears(&mut honest, all([7; 32]));
    let asks = |effect: &member::Effect| matches!(effect, member::Effect::AskWords(_));
    assert!(effects.iter().any(asks), "{effects:?}");
    let mut cheated = committed([7; 32]);
    let (cause, why) = ended(&hears(&mut cheated, all([8; 32])));
    assert_eq!(cause, Cause::OutOfTurn);
    assert!(why.contains("mangart"), "{why}");
}

#[test]
fn a_room_that_changes_what_was_said_or_its_order_ends_it() {
    for message in [
        ToMember::All {
            round: Round::Reveal,
            values: vec![vec![7; 32], vec![9; 32]],
        },
        ToMember::All {
            round: Round::Reveal,
            values: vec![vec![101; 32]],
        },
        ToMember::All {
            round: Round::Words,
            values: vec![vec![1]; 2],
        },
        ToMember::Plan(member().1),
        ToMember::Refused(String::new()),
    ] {
        let mut member = committed([7; 32]);
        let (cause, _) = ended(&hears(&mut member, message.clone()));
        assert_eq!(cause, Cause::OutOfTurn, "{message:?}");
        assert!(member.is_over());
    }
}

#[test]
fn a_silent_room_is_left() {
    let (mut member, _) = member();
    let waits = member.handle(member::Input::Tick, at(SILENCE.as_secs()));
    assert!(!matches!(waits.last(), Some(member::Effect::End(_))));
    let (cause, _) = ended(&member.handle(member::Input::Tick, at(SILENCE.as_secs() + 1)));
    assert_eq!(cause, Cause::Lost);
}
