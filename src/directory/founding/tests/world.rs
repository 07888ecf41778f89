//! Hub and members joined in one thread.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::chain::codec::{Decode as _, Encode as _};
use crate::chain::genesis::{GenesisAccount, Rules};
use crate::chain::key::SecretKey;
use crate::directory::bootstrap::{Beginning, Bootstrap, FoundersSignature};
use crate::directory::founding::Now;
use crate::directory::founding::check::Miss;
use crate::directory::founding::hub::{self, Hub, Link, Purpose};
use crate::directory::founding::member::{Answer, Effect, Input, Me, Member, Outcome, Target};
use crate::directory::founding::message::{Cause, Knock, Round, ToHub, ToMember, door_proof};
use crate::directory::founding::words::Words;

pub const SECRET: [u8; 16] = [42; 16];
pub const BORN_MS: u64 = 1_780_000_000_000;

/// What goes wrong with one member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Its clock is so far ahead, in milliseconds.
    Skewed(i64),
    /// Nobody reaches it.
    Unreachable,
    /// Its operator does not confirm.
    Refuses,
    /// Its operator leaves when this round's work is asked of it.
    Leaves(Round),
    /// It dies when this round's work is asked of it.
    Dies(Round),
    /// It dies when it has said its part of this round.
    DiesBehind(Round),
    /// It falls silent, with its connection open.
    Silent(Round),
    /// Its hands cannot do what this round asks.
    Fails(Round),
}

/// The disk of a member.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Disk {
    pub draft: Option<Bootstrap>,
    /// Its signature has left.
    pub is_signed: bool,
    pub home: Option<Bootstrap>,
}

pub struct Body {
    pub key: SecretKey,
    pub member: Member,
    pub disk: Disk,
    pub words: Option<Words>,
    pub outcome: Option<Outcome>,
    pub is_alive: bool,
    is_silent: bool,
    trouble: Option<Trouble>,
}

enum Wire {
    Up(usize, ToHub),
    Down(usize, ToMember),
    Cut(usize),
    Own(usize, Input),
}

/// A room and all who are in it. Link and place of a member are the same number.
pub struct World {
    pub hub: Hub,
    pub bodies: Vec<Body>,
    wires: VecDeque<Wire>,
    elapsed: Duration,
    pub not_yet: Vec<String>,
}

pub fn key(index: usize) -> SecretKey {
    SecretKey::from_seed(&[u8::try_from(index).unwrap() + 1; 32])
}

pub fn beginning() -> Beginning {
    Beginning {
        network: "club".to_owned(),
        time_ms: BORN_MS,
        rules: Rules::default(),
        accounts: vec![GenesisAccount {
            address: key(90).address(),
            balance: "1000".parse().unwrap(),
            name: None,
        }],
    }
}

pub fn purpose(expected: Option<usize>) -> Purpose {
    Purpose {
        host: key(0).public(),
        secret: SECRET,
        beginning: beginning(),
        names: ["mangart", "triglav", "jalovec", "razor", "stol"]
            .map(|name| name.parse().unwrap())
            .to_vec(),
        expected,
        version: "2.0.0".to_owned(),
    }
}

pub fn address(index: usize) -> String {
    format!("/ip4/10.0.0.{}/tcp/18000", index + 1)
}

pub fn knock(index: usize) -> Knock {
    Knock {
        proof: door_proof(&SECRET, &key(0).public(), &key(index).public()),
        version: "2.0.3".to_owned(),
        name: None,
        addresses: vec![address(index)],
    }
}

impl World {
    /// So many founders, one of whom may be in trouble, at the end of their ceremony.
    pub fn after(count: usize, trouble: Option<(usize, Trouble)>) -> Self {
        let mut world = Self {
            hub: Hub::new(purpose(Some(count))),
            bodies: Vec::new(),
            wires: VecDeque::new(),
            elapsed: Duration::ZERO,
            not_yet: Vec::new(),
        };
        for index in 0..count {
            let of_it = trouble.filter(|(who, _)| *who == index);
            world.enter(index, of_it.map(|(_, trouble)| trouble));
            world.run();
        }
        // Long enough for every deadline, one after another.
        for _ in 0..4_000 {
            world.pass(Duration::from_millis(500));
        }
        world
    }

    fn now(&self) -> Now {
        let elapsed_ms = u64::try_from(self.elapsed.as_millis()).unwrap();
        Now {
            elapsed: self.elapsed,
            unix_ms: BORN_MS + elapsed_ms,
        }
    }

    fn now_of(&self, index: usize) -> Now {
        let now = self.now();
        match self.bodies[index].trouble {
            Some(Trouble::Skewed(ms)) => Now {
                unix_ms: now.unix_ms.saturating_add_signed(ms),
                ..now
            },
            _ => now,
        }
    }

    fn enter(&mut self, index: usize, trouble: Option<Trouble>) {
        let key = key(index);
        let me = Me {
            key: key.public(),
            addresses: vec![address(index).parse().unwrap()],
            number: [u8::try_from(index).unwrap() + 100; 32],
        };
        let (member, first) = Member::new(me, knock(index), self.now());
        let link = Link(u64::try_from(index).unwrap());
        self.of_hub(hub::Input::Opened(link, key.public()));
        self.bodies.push(Body {
            key,
            member,
            disk: Disk::default(),
            words: None,
            outcome: None,
            is_alive: true,
            is_silent: false,
            trouble,
        });
        self.perform(index, first);
    }

    fn pass(&mut self, time: Duration) {
        self.elapsed += time;
        self.of_hub(hub::Input::Tick);
        for index in 0..self.bodies.len() {
            self.of_member(index, Input::Tick);
        }
        self.run();
    }

    fn run(&mut self) {
        while let Some(wire) = self.wires.pop_front() {
            match wire {
                // Everything goes through its bytes, as it does on a real wire.
                Wire::Up(from, message) => {
                    let message = ToHub::from_bytes(&message.to_bytes()).unwrap();
                    let link = Link(u64::try_from(from).unwrap());
                    self.of_hub(hub::Input::Heard(link, message));
                }
                Wire::Down(to, message) => {
                    let message = ToMember::from_bytes(&message.to_bytes()).unwrap();
                    self.of_member(to, Input::Heard(message));
                }
                Wire::Cut(whom) => self.of_member(whom, Input::LinkLost),
                Wire::Own(whom, input) => self.of_member(whom, input),
            }
        }
    }

    pub fn of_hub(&mut self, input: hub::Input) {
        // With its host the whole room is gone.
        if self.bodies.first().is_some_and(|host| !host.is_alive) {
            return;
        }
        let now = self.now();
        for effect in self.hub.handle(input, now) {
            match effect {
                hub::Effect::Send(link, message) => {
                    let to = usize::try_from(link.0).unwrap();
                    self.wires.push_back(Wire::Down(to, message));
                }
                hub::Effect::Close(link) => {
                    let whom = usize::try_from(link.0).unwrap();
                    self.wires.push_back(Wire::Cut(whom));
                }
                hub::Effect::NotYet(why) => self.not_yet.push(why),
            }
        }
    }

    fn of_member(&mut self, index: usize, input: Input) {
        let Some(body) = self.bodies.get(index) else {
            return;
        };
        if !body.is_alive || body.is_silent {
            return;
        }
        let now = self.now_of(index);
        let effects = self.bodies[index].member.handle(input, now);
        self.perform(index, effects);
    }

    /// Does what a member wants, as its trouble lets it.
    fn perform(&mut self, index: usize, effects: Vec<Effect>) {
        for effect in effects {
            if let Some(round) = round_of(&effect) {
                match self.bodies[index].trouble {
                    Some(Trouble::Dies(at)) if at == round => return self.die(index),
                    Some(Trouble::Silent(at)) if at == round => {
                        self.bodies[index].is_silent = true;
                        return;
                    }
                    Some(Trouble::Leaves(at)) if at == round => {
                        self.wires.push_back(Wire::Own(index, Input::Leave));
                        // A home that is being written is written, whatever its operator wants.
                        if round != Round::Written {
                            continue;
                        }
                    }
                    _ => {}
                }
            }
            let said = match &effect {
                Effect::Say(ToHub::Say { round, .. }) => Some(*round),
                _ => None,
            };
            self.perform_one(index, effect);
            if said.is_some_and(|at| self.bodies[index].trouble == Some(Trouble::DiesBehind(at))) {
                return self.die(index);
            }
        }
    }

    fn die(&mut self, index: usize) {
        if index == 0 {
            self.bodies[index].is_alive = false;
            for other in 1..self.bodies.len() {
                self.wires.push_back(Wire::Cut(other));
            }
            return;
        }
        self.bodies[index].is_alive = false;
        let link = Link(u64::try_from(index).unwrap());
        // What it said before is heard before.
        self.run();
        self.of_hub(hub::Input::Gone(link));
    }

    fn perform_one(&mut self, index: usize, effect: Effect) {
        let unreachable: Vec<usize> = self
            .bodies
            .iter()
            .enumerate()
            .filter(|(_, body)| body.trouble == Some(Trouble::Unreachable))
            .map(|(place, _)| place)
            .collect();
        let body = &mut self.bodies[index];
        let fails = |round| match body.trouble == Some(Trouble::Fails(round)) {
            true => Err("the disk is full".to_owned()),
            false => Ok(()),
        };
        let answer = match effect {
            Effect::Say(message) => {
                // From here on it may be with others, and the key must not be lost.
                if matches!(&message, ToHub::Say { round, .. } if *round == Round::Sign) {
                    assert!(body.disk.draft.is_some(), "nothing is signed unsaved");
                    body.disk.is_signed = true;
                }
                return self.wires.push_back(Wire::Up(index, message));
            }
            Effect::Dial(targets) => Input::Dialled(missed(&targets, &unreachable)),
            Effect::AskWords(words) => {
                body.words = Some(words);
                Input::WordsAnswered(match body.trouble {
                    Some(Trouble::Refuses) => Answer::Refused,
                    _ => Answer::Same,
                })
            }
            Effect::Rehearse(_) => Input::Rehearsed(fails(Round::Rehearse)),
            Effect::Save(draft) => {
                let saved = fails(Round::Ready);
                if saved.is_ok() {
                    body.disk.draft = Some(*draft);
                }
                Input::Saved(saved)
            }
            Effect::Sign(statement) => {
                let draft = body.disk.draft.as_ref().expect("nothing is signed unsaved");
                assert_eq!(draft.statement(), statement);
                let name = draft.node_of(&body.key.public()).unwrap().name.clone();
                let signed = FoundersSignature::new(name, &body.key, &statement);
                Input::Signed(fails(Round::Sign).map(|()| signed.signature))
            }
            Effect::Write(signed) => {
                let written = fails(Round::Written);
                if written.is_ok() {
                    body.disk = Disk {
                        home: Some(*signed),
                        ..Disk::default()
                    };
                }
                Input::Written(written)
            }
            Effect::Discard => {
                assert!(!body.disk.is_signed, "what has signed is kept");
                return body.disk.draft = None;
            }
            Effect::End(outcome) => {
                assert_eq!(body.outcome, None, "it ends once");
                body.outcome = Some(*outcome);
                return;
            }
            Effect::Tell(_) | Effect::EndRehearsal => return,
        };
        self.wires.push_back(Wire::Own(index, answer));
    }

    /// How each ended, the dead left out.
    pub fn outcomes(&self) -> BTreeMap<usize, &Outcome> {
        let ended = self.bodies.iter().enumerate();
        let ended = ended.filter(|(_, body)| body.is_alive && !body.is_silent);
        ended
            .map(|(index, body)| {
                (
                    index,
                    body.outcome
                        .as_ref()
                        .unwrap_or_else(|| panic!("{index} is told nothing")),
                )
            })
            .collect()
    }
}

fn missed(targets: &[Target], unreachable: &[usize]) -> Vec<Miss> {
    let missed = targets
        .iter()
        .filter(|target| unreachable.contains(&target.node));
    let miss = |target: &Target| Miss::new(target.node, target.address, "timed out");
    missed.map(miss).collect()
}

/// The round whose work an effect is.
fn round_of(effect: &Effect) -> Option<Round> {
    Some(match effect {
        Effect::Dial(_) => Round::Check,
        Effect::AskWords(_) => Round::Words,
        Effect::Rehearse(_) => Round::Rehearse,
        Effect::Save(_) => Round::Ready,
        Effect::Sign(_) => Round::Sign,
        Effect::Write(_) => Round::Written,
        _ => return None,
    })
}

/// Why a ceremony ended, if it ended so.
pub fn cause(outcome: &Outcome) -> Option<(Option<&str>, Cause)> {
    match outcome {
        Outcome::Off(off) | Outcome::InDoubt(off) => {
            Some((off.who.as_ref().map(|name| name.as_str()), off.cause))
        }
        _ => None,
    }
}
