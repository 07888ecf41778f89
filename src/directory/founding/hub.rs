//! The room: who is let in, who sits where, and what has been said in the round under way.
//!
//! It gathers and hands on, and judges nothing but order: who has the secret, whose turn it is, who is late. A link is
//! a number that the hands give to a connection whose peer id the handshake has proven; the host's own member is a link
//! like the others. All that strangers can make it keep is bounded: [`super::MAX_UNKNOWN`] links for [`super::KNOCK`]
//! without the secret, [`super::MAX_FOUNDERS`] seats, one value of a round each.
//! Never: let anything in without the secret, or wait without a deadline. Next: [`super::member`].

use std::collections::BTreeMap;
use std::time::Duration;

use super::message::{
    Cause, Knock, MAX_PLAN_BYTES, MAX_TEXT_BYTES, Off, Present, Round, ToHub, ToMember, door_proof,
    plain,
};
use super::{KNOCK, MAX_FOUNDERS, MAX_UNKNOWN, MIN_FOUNDERS, Now, SILENCE};
use crate::chain::key::PublicKey;
use crate::chain::name::Name;
use crate::directory::address::parse_dialable;
use crate::directory::bootstrap::{Beginning, Bootstrap, Node};
use crate::directory::peer;

/// A connection, by the hands' number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Link(pub u64);

/// What happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A connection of this key has opened its stream.
    Opened(Link, PublicKey),
    /// It said something.
    Heard(Link, ToHub),
    /// It said something that cannot be read.
    Garbled(Link, String),
    /// It is gone.
    Gone(Link),
    /// The host wants to begin.
    Begin,
    /// Time has passed.
    Tick,
}

/// What the hands do, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Tell a member this.
    Send(Link, ToMember),
    /// Close a connection, behind what was sent.
    Close(Link),
    /// The host is told that it cannot begin yet, and why.
    NotYet(String),
}

/// What the room is for.
#[derive(Debug, Clone)]
pub struct Purpose {
    /// The host's key.
    pub host: PublicKey,
    /// What a guest must know.
    pub secret: [u8; 16],
    /// What the network begins with.
    pub beginning: Beginning,
    /// Names for nodes that ask for none, each once.
    pub names: Vec<Name>,
    /// Begin as soon as so many are there.
    pub expected: Option<usize>,
    /// Our program's version.
    pub version: String,
}

#[derive(Debug)]
struct Seat {
    /// `None` when it is gone and not needed any more.
    link: Option<Link>,
    node: Node,
    heard: Duration,
    value: Option<Vec<u8>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Open,
    In { round: Round, until: Duration },
    Over,
}

/// The machine.
#[derive(Debug)]
pub struct Hub {
    purpose: Purpose,
    unknown: BTreeMap<Link, (PublicKey, Duration)>,
    seats: Vec<Seat>,
    at: At,
}

impl Hub {
    /// An open room with nobody in it.
    pub fn new(purpose: Purpose) -> Self {
        Self {
            purpose,
            unknown: BTreeMap::new(),
            seats: Vec::new(),
            at: At::Open,
        }
    }

    /// The one door.
    pub fn handle(&mut self, input: Input, now: Now) -> Vec<Effect> {
        let mut out = Vec::new();
        match input {
            Input::Opened(link, key) => self.opened(link, key, now, &mut out),
            Input::Heard(link, message) => self.heard(link, message, now, &mut out),
            Input::Garbled(link, why) => match self.seat(link) {
                Some(seat) => self.gone(seat, Cause::OutOfTurn, &why, now, &mut out),
                None => self.turn_away(link, &why, &mut out),
            },
            Input::Gone(link) => {
                self.unknown.remove(&link);
                if let Some(seat) = self.seat(link) {
                    let why = "the connection broke";
                    self.gone(seat, Cause::Lost, why, now, &mut out);
                }
            }
            Input::Begin => self.begin(now, &mut out),
            Input::Tick => self.tick(now, &mut out),
        }
        out
    }

    fn seat(&self, link: Link) -> Option<usize> {
        self.seats.iter().position(|seat| seat.link == Some(link))
    }

    fn opened(&mut self, link: Link, key: PublicKey, now: Now, out: &mut Vec<Effect>) {
        if self.unknown.len() >= MAX_UNKNOWN {
            return out.push(Effect::Close(link));
        }
        self.unknown.insert(link, (key, now.elapsed));
    }

    fn heard(&mut self, link: Link, message: ToHub, now: Now, out: &mut Vec<Effect>) {
        let Some(index) = self.seat(link) else {
            return match (self.unknown.remove(&link), message) {
                (Some((key, _)), ToHub::Knock(knock)) => self.knock(link, key, knock, now, out),
                _ => self.turn_away(link, "knock first", out),
            };
        };
        self.seats[index].heard = now.elapsed;
        match message {
            ToHub::Beat(number) => out.push(Effect::Send(
                link,
                ToMember::Beat {
                    number,
                    unix_ms: now.unix_ms,
                },
            )),
            ToHub::Leave { cause, why } => self.gone(index, cause, &why, now, out),
            ToHub::Say { round, value } => match self.at {
                At::In { round: open, .. }
                    if open == round && self.seats[index].value.is_none() && !value.is_empty() =>
                {
                    self.seats[index].value = Some(value);
                    self.turn(now, out);
                }
                _ => self.gone(index, Cause::OutOfTurn, "not now", now, out),
            },
            ToHub::Knock(_) => self.gone(index, Cause::OutOfTurn, "knocked twice", now, out),
        }
    }

    fn turn_away(&mut self, link: Link, why: &str, out: &mut Vec<Effect>) {
        self.unknown.remove(&link);
        let why = plain(why, MAX_TEXT_BYTES);
        out.push(Effect::Send(link, ToMember::Refused(why)));
        out.push(Effect::Close(link));
    }

    fn knock(&mut self, link: Link, key: PublicKey, knock: Knock, now: Now, out: &mut Vec<Effect>) {
        // Order: the secret first; who does not know it learns nothing else of the room.
        if knock.proof != door_proof(&self.purpose.secret, &self.purpose.host, &key) {
            return self.turn_away(
                link,
                "the code is not this room's; ask the host for it again",
                out,
            );
        }
        match self.admit(key, &knock) {
            Ok(node) => {
                out.push(Effect::Send(link, ToMember::Welcome(node.name.clone())));
                self.seats.push(Seat {
                    link: Some(link),
                    node,
                    heard: now.elapsed,
                    value: None,
                });
                self.tell_who_is_there(out);
                if self.purpose.expected == Some(self.seats.len()) {
                    self.begin(now, out);
                }
            }
            Err(why) => {
                let who = knock
                    .name
                    .map_or("somebody".to_owned(), |name| name.to_string());
                let text = format!("{who} was not let in: {why}");
                self.tell_all(&ToMember::Notice(plain(&text, MAX_TEXT_BYTES)), out);
                self.turn_away(link, &why, out);
            }
        }
    }

    fn admit(&self, key: PublicKey, knock: &Knock) -> Result<Node, String> {
        let (own, theirs) = (&self.purpose.version, &knock.version);
        if series(own) != series(theirs) {
            return Err(format!(
                "its program is natcoin {theirs}, the host's {own}; install the same version on both"
            ));
        }
        if self.at != At::Open {
            return Err("the ceremony has begun; wait for the next one".to_owned());
        }
        if self.seats.len() >= MAX_FOUNDERS {
            return Err(format!(
                "the room has {MAX_FOUNDERS} seats, and all are taken"
            ));
        }
        let is_taken = |name: &Name| self.seats.iter().any(|seat| seat.node.name == *name);
        let name = match &knock.name {
            Some(name) if is_taken(name) => {
                return Err(format!(
                    "the name {name} is taken; choose another with --node-name"
                ));
            }
            Some(name) => name.clone(),
            None => {
                let free = self.purpose.names.iter().find(|name| !is_taken(name));
                free.ok_or("there is no name left; choose one with --node-name")?
                    .clone()
            }
        };
        let id = peer::peer_id(&key).ok_or("its key is none")?;
        let addresses = knock.addresses.iter().map(|text| parse_dialable(text, &id));
        let addresses = addresses
            .collect::<Result<_, _>>()
            .map_err(|fault| fault.to_string())?;
        let node = Node::new(name, key, addresses).ok_or("its key is none")?;
        // A plan with it must be possible: so an address or a key that stands twice is found at the door.
        let all = self.seats.iter().map(|seat| seat.node.clone());
        let nodes = all.chain([node.clone()]).collect();
        Bootstrap::new(self.purpose.beginning.clone(), nodes).map_err(|error| error.to_string())?;
        Ok(node)
    }

    fn tell_all(&self, message: &ToMember, out: &mut Vec<Effect>) {
        let links = self.seats.iter().filter_map(|seat| seat.link);
        out.extend(links.map(|link| Effect::Send(link, message.clone())));
    }

    fn tell_who_is_there(&self, out: &mut Vec<Effect>) {
        let present = |seat: &Seat| Present {
            name: seat.node.name.clone(),
            key: seat.node.key,
            addresses: seat
                .node
                .addresses
                .iter()
                .map(ToString::to_string)
                .collect(),
        };
        let room = ToMember::Room(self.seats.iter().map(present).collect());
        self.tell_all(&room, out);
    }

    fn begin(&mut self, now: Now, out: &mut Vec<Effect>) {
        if self.at != At::Open {
            return;
        }
        if self.seats.len() < MIN_FOUNDERS {
            let why = format!("at least {MIN_FOUNDERS} must be in the room");
            return out.push(Effect::NotYet(why));
        }
        let nodes = self.seats.iter().map(|seat| seat.node.clone()).collect();
        let plan = match Bootstrap::new(self.purpose.beginning.clone(), nodes) {
            Ok(plan) => plan.to_toml(),
            Err(error) => return out.push(Effect::NotYet(error.to_string())),
        };
        if plan.len() > MAX_PLAN_BYTES {
            return out.push(Effect::NotYet(format!(
                "the plan has {} bytes: at most {MAX_PLAN_BYTES} can be told; name fewer accounts",
                plan.len()
            )));
        }
        self.tell_all(&ToMember::Plan(plan), out);
        self.open(Round::Check, now);
    }

    fn open(&mut self, round: Round, now: Now) {
        let until = now.elapsed.saturating_add(patience(round));
        self.at = At::In { round, until };
        for seat in &mut self.seats {
            seat.value = None;
        }
    }

    /// Tells all to all when all have said their part. Who is gone has nothing more to say once all have signed.
    fn turn(&mut self, now: Now, out: &mut Vec<Effect>) {
        let At::In { round, .. } = self.at else {
            return;
        };
        let is_said =
            |seat: &Seat| seat.value.is_some() || (round == Round::Written && seat.link.is_none());
        if !self.seats.iter().all(is_said) {
            return;
        }
        let values = self.seats.iter();
        let values = values.map(|seat| seat.value.clone().unwrap_or_default());
        let all = ToMember::All {
            round,
            values: values.collect(),
        };
        self.tell_all(&all, out);
        match round.next() {
            Some(next) => self.open(next, now),
            None => self.at = At::Over,
        }
        // A ceremony whose checks found something ends by itself: every member draws the same conclusion, and leaves.
    }

    /// A member is gone, or to go.
    fn gone(&mut self, index: usize, cause: Cause, why: &str, now: Now, out: &mut Vec<Effect>) {
        let why = plain(why, MAX_TEXT_BYTES);
        let seat = &mut self.seats[index];
        let name = seat.node.name.clone();
        let link = seat.link.take();
        if let (Some(link), Cause::OutOfTurn | Cause::Late | Cause::Lost) = (link, cause) {
            let off = Off {
                who: Some(name.clone()),
                cause,
                why: why.clone(),
            };
            out.push(Effect::Send(link, ToMember::Off(off)));
        }
        out.extend(link.map(Effect::Close));
        match self.at {
            At::Over => {}
            // Without its host a room is none.
            At::Open if self.seats[index].node.key == self.purpose.host => {
                self.close(name, cause, why, out);
            }
            At::Open => {
                self.seats.remove(index);
                self.tell_all(&ToMember::Notice(format!("{name} has left the room")), out);
                self.tell_who_is_there(out);
            }
            // Its signature is here already: the others have all they need, and it finishes with their file.
            At::In { round, .. } if is_done(round, &self.seats[index]) => self.turn(now, out),
            At::In { .. } => self.close(name, cause, why, out),
        }
    }

    /// Tells everybody that it is over, because of whom and why.
    fn close(&mut self, name: Name, cause: Cause, why: String, out: &mut Vec<Effect>) {
        self.at = At::Over;
        let who = Some(name);
        self.tell_all(&ToMember::Off(Off { who, cause, why }), out);
        for seat in &mut self.seats {
            out.extend(seat.link.take().map(Effect::Close));
        }
    }

    fn tick(&mut self, now: Now, out: &mut Vec<Effect>) {
        let is_old = |since: &Duration, limit| now.elapsed.saturating_sub(*since) > limit;
        let slow = self.unknown.iter().filter(|(_, (_, at))| is_old(at, KNOCK));
        let slow: Vec<Link> = slow.map(|(link, _)| *link).collect();
        for link in slow {
            self.turn_away(link, "no knock was heard in time", out);
        }
        let silent = |seat: &Seat| seat.link.is_some() && is_old(&seat.heard, SILENCE);
        while let Some(index) = self.seats.iter().position(silent) {
            let why = format!("nothing was heard of it for {} s", SILENCE.as_secs());
            self.gone(index, Cause::Lost, &why, now, out);
        }
        let At::In { round, until } = self.at else {
            return;
        };
        let late = |seat: &Seat| seat.link.is_some() && seat.value.is_none();
        if now.elapsed > until
            && let Some(index) = self.seats.iter().position(late)
        {
            let why = format!(
                "{} s were allowed for {}",
                patience(round).as_secs(),
                what(round)
            );
            self.gone(index, Cause::Late, &why, now, out);
        }
    }
}

/// Whether a member has done all that the others need of it.
fn is_done(round: Round, seat: &Seat) -> bool {
    round == Round::Written || (round == Round::Sign && seat.value.is_some())
}

/// The versions that found together: major and minor.
fn series(version: &str) -> (&str, &str) {
    let mut parts = version.split('.');
    (parts.next().unwrap_or(""), parts.next().unwrap_or(""))
}

/// How long a round may take.
fn patience(round: Round) -> Duration {
    Duration::from_secs(match round {
        Round::Check => 45,
        Round::Commit | Round::Reveal => 15,
        // People talk.
        Round::Words => 15 * 60,
        Round::Rehearse => 120,
        Round::Ready | Round::Sign | Round::Written => 30,
    })
}

fn what(round: Round) -> &'static str {
    match round {
        Round::Check => "the check of addresses and clocks",
        Round::Commit | Round::Reveal => "the random numbers",
        Round::Words => "comparing the words",
        Round::Rehearse => "the rehearsal",
        Round::Ready => "making key and draft durable",
        Round::Sign => "signing",
        Round::Written => "writing the home",
    }
}
