//! What is said in a founding's room, and join codes; then a hub and a member that hear it.

use std::time::Duration;

use natcoin::chain::codec::{Decode as _, Encode};
use natcoin::chain::genesis::{GenesisAccount, Rules};
use natcoin::chain::hash::Hash;
use natcoin::directory::bootstrap::{Beginning, Bootstrap};
use natcoin::directory::founding::Now;
use natcoin::directory::founding::check::{Miss, Report};
use natcoin::directory::founding::code::Code;
use natcoin::directory::founding::hub::{self, Hub, Link, Purpose};
use natcoin::directory::founding::member::{Effect, Input, Me, Member};
use natcoin::directory::founding::message::{
    Cause, Knock, Off, Present, Round, ToHub, ToMember, door_proof,
};

use super::form::{bounded, canonical};
use super::seeds::Seed;
use super::world::{person, world};

const NOW_MS: u64 = 1_767_225_600_000;
const SECRET: [u8; 16] = [7; 16];
/// A message is held as it is, and once more as its parts.
const TIMES: usize = 64;

fn now() -> Now {
    Now {
        elapsed: Duration::ZERO,
        unix_ms: NOW_MS,
    }
}

fn beginning() -> Beginning {
    Beginning {
        network: "club".to_owned(),
        time_ms: NOW_MS,
        rules: Rules::default(),
        accounts: vec![GenesisAccount {
            address: person(1).address(),
            balance: world().genesis.accounts[0].balance,
            name: None,
        }],
    }
}

fn room() -> Hub {
    Hub::new(Purpose {
        host: person(1).public(),
        secret: SECRET,
        beginning: beginning(),
        names: vec!["mangart".parse().expect("a name")],
        expected: None,
        version: "2.0.0".to_owned(),
    })
}

fn knock(guest: u8) -> Knock {
    Knock {
        proof: door_proof(&SECRET, &person(1).public(), &person(guest).public()),
        version: "2.0.0".to_owned(),
        name: None,
        addresses: vec![format!("/ip4/10.0.0.{guest}/tcp/18000")],
    }
}

/// Holds of any bytes that come as a message or a code.
pub fn check(bytes: &[u8]) {
    if let Some(message) = canonical::<ToHub>(bytes) {
        hub_hears(message);
    }
    if let Some(message) = bounded(bytes, TIMES, || ToMember::from_bytes(bytes).ok()) {
        assert!(message.to_bytes() == bytes, "a message has a second form");
        member_hears(message);
    }
    canonical::<Report>(bytes);
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Ok(code) = Code::parse(text)
    {
        let line = code.line().expect("what was read can be written");
        assert!(line.eq_ignore_ascii_case(text.trim()));
    }
}

/// Whoever has not the secret stays outside, whatever it says.
fn hub_hears(message: ToHub) {
    let mut hub = room();
    let stranger = person(9).public();
    hub.handle(hub::Input::Opened(Link(1), stranger), now());
    for effect in hub.handle(hub::Input::Heard(Link(1), message), now()) {
        let is_out = matches!(
            effect,
            hub::Effect::Send(Link(1), ToMember::Refused(_)) | hub::Effect::Close(Link(1))
        );
        assert!(is_out, "{effect:?}");
    }
}

/// Before its time nothing makes a member sign, write or rehearse.
fn member_hears(message: ToMember) {
    let me = Me {
        key: person(2).public(),
        addresses: vec!["/ip4/10.0.0.2/tcp/18000".parse().expect("an address")],
        number: [2; 32],
    };
    let (mut member, _) = Member::new(me, knock(2), now());
    let welcome = ToMember::Welcome("triglav".parse().expect("a name"));
    for heard in [message.clone(), welcome, message.clone(), message] {
        for effect in member.handle(Input::Heard(heard), now()) {
            let is_early = matches!(
                effect,
                Effect::Sign(_) | Effect::Write(_) | Effect::Save(_) | Effect::Rehearse(_)
            );
            assert!(!is_early, "{effect:?}");
        }
    }
}

/// What the mutations begin with.
pub fn seeds() -> Vec<Seed> {
    let name = || "mangart".parse().expect("a name");
    let off = Off {
        who: Some(name()),
        cause: Cause::WordsRefused,
        why: "other words".to_owned(),
    };
    let present = Present {
        name: name(),
        key: person(1).public(),
        addresses: vec!["/dns/node.example/tcp/18000".to_owned()],
    };
    let all = ToMember::All {
        round: Round::Commit,
        values: vec![Hash([1; 32]).to_bytes(), Hash([2; 32]).to_bytes()],
    };
    let beat = ToMember::Beat {
        number: 3,
        unix_ms: NOW_MS,
    };
    let say = ToHub::Say {
        round: Round::Sign,
        value: vec![3; 64],
    };
    let leave = ToHub::Leave {
        cause: Cause::Left,
        why: String::new(),
    };
    let report = Report {
        ahead_ms: -12,
        misses: vec![Miss::new(1, 0, "timed out")],
    };
    let code = Code {
        host: person(1).public(),
        secret: SECRET,
        addresses: vec!["/ip4/10.0.0.1/tcp/18000".parse().expect("an address")],
    };
    let plan = ToMember::Plan(Bootstrap::embedded().to_toml());
    vec![
        ("all", all.to_bytes()),
        ("beat", ToHub::Beat(3).to_bytes()),
        ("beat_answer", beat.to_bytes()),
        ("code", code.line().expect("it fits").into_bytes()),
        ("knock", ToHub::Knock(knock(2)).to_bytes()),
        ("leave", leave.to_bytes()),
        ("notice", ToMember::Notice("note".to_owned()).to_bytes()),
        ("off", ToMember::Off(off).to_bytes()),
        ("plan", plan.to_bytes()),
        ("refused", ToMember::Refused("no".to_owned()).to_bytes()),
        ("report", report.to_bytes()),
        ("room", ToMember::Room(vec![present]).to_bytes()),
        ("say", say.to_bytes()),
        ("welcome", ToMember::Welcome(name()).to_bytes()),
    ]
}
