//! One founder's part of the ceremony.
//!
//! It believes the hub nothing: the plan must have this node as it is, the values of a round must be those that it
//! said itself in its own place, numbers must fit their hashes, signatures must be good. It gives its own signature
//! away only when the hands have said that key, draft and signature are durable; from then on an end without a
//! network is [`Outcome::InDoubt`], since others may hold a file that counts on this key.
//!
//! Never: sign what its operator has not confirmed. Next: `member/rounds.rs`, what happens when a round is full.

mod rounds;

use std::time::Duration;

use libp2p::Multiaddr;

use super::check::{Finding, Miss, Report};
use super::message::{Cause, Knock, MAX_TEXT_BYTES, Off, Present, Round, ToHub, ToMember, plain};
use super::words::{self, Words};
use super::{BEAT, MAX_FOUNDERS, MIN_FOUNDERS, Now, SILENCE};
use crate::chain::codec::Encode as _;
use crate::chain::hash::Hash;
use crate::chain::key::{PublicKey, Signature};
use crate::chain::name::Name;
use crate::directory::bootstrap::{Beginning, Bootstrap, FoundersSignature};

/// How far the birth of a plan may be from our clock: a ceremony's clocks are compared before, so this finds old plans.
const MAX_BIRTH_APART_MS: u64 = 60 * 60 * 1000;

/// Why a ceremony ends whose room cannot be heard any more.
const BROKEN: &str = "the connection to the room broke";

/// Who a member is.
#[derive(Debug, Clone)]
pub struct Me {
    /// Its key.
    pub key: PublicKey,
    /// Where it is dialled.
    pub addresses: Vec<Multiaddr>,
    /// A random number of this ceremony, told to nobody before its round.
    pub number: [u8; 32],
}

/// Somebody to be dialled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The node's place in the plan.
    pub node: usize,
    /// The address's place.
    pub address: usize,
    /// Its key.
    pub key: PublicKey,
    /// Where.
    pub at: Multiaddr,
}

/// What happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// The hub said something.
    Heard(ToMember),
    /// The connection to the hub is gone.
    LinkLost,
    /// All targets were tried; these were not reached.
    Dialled(Vec<Miss>),
    /// The operator has compared the words and wants these rules, or does not.
    WordsAnswered(Answer),
    /// The rehearsal has come to its first block, or has not.
    Rehearsed(Result<(), String>),
    /// Key and draft are durable, or are not.
    Saved(Result<(), String>),
    /// The signature is durable beside them.
    Signed(Result<Signature, String>),
    /// The home has its name.
    Written(Result<(), String>),
    /// The operator wants to leave.
    Leave,
    /// Time has passed.
    Tick,
}

/// What an operator says to the words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// They are the same, and these are the rules.
    Same,
    /// No.
    Refused,
}

/// How it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The network is founded, and this home is written.
    Founded {
        /// Those of whom nobody has heard that they have written: they finish with anybody's file.
        unheard: Vec<Name>,
    },
    /// Not let in.
    Refused(String),
    /// Nothing came of it, and nothing is left.
    Off(Off),
    /// Something must be mended first; nothing is left.
    Unfit(Vec<Finding>),
    /// The own signature is given, and whether there is a network is not known here: key and draft stay.
    InDoubt(Off),
}

/// What people are told on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// In, under this name.
    Welcome(Name),
    /// Who is there.
    Room(Vec<Present>),
    /// Something to know.
    Notice(String),
    /// A plan has come that fits.
    Plan(Box<Bootstrap>),
    /// A round is full; this begins.
    Begins(Round),
}

/// What the hands do, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Say this to the hub.
    Say(ToHub),
    /// Tell people.
    Tell(News),
    /// Dial all, each once; [`Input::Dialled`] answers.
    Dial(Vec<Target>),
    /// Show the words and ask; [`Input::WordsAnswered`] answers.
    AskWords(Words),
    /// Run a node of this throwaway network until its first block; [`Input::Rehearsed`] answers.
    Rehearse(Box<Bootstrap>),
    /// The rehearsal ends and is forgotten.
    EndRehearsal,
    /// Make key and draft durable; [`Input::Saved`] answers.
    Save(Box<Bootstrap>),
    /// Sign this statement, make the signature durable; [`Input::Signed`] answers.
    Sign(Hash),
    /// Write the home; [`Input::Written`] answers.
    Write(Box<Bootstrap>),
    /// Take away what was saved; nothing answers.
    Discard,
    /// It is over; nothing comes after it.
    End(Box<Outcome>),
}

/// What a member is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// Nobody has let us in yet.
    Door,
    /// In the room, no plan yet.
    Room,
    /// Our own part of a round is under way.
    Working(Round),
    /// It is said; the others' is awaited.
    Awaiting(Round),
    /// Over.
    Over,
}

/// What is agreed on, once a plan has come.
#[derive(Debug, Clone)]
struct Plan {
    bootstrap: Bootstrap,
    hash: Hash,
    /// Our own place.
    own: usize,
    commits: Vec<Vec<u8>>,
    session: Hash,
}

/// How far a signature of ours has gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kept {
    Nothing,
    /// Key and draft are durable.
    Saved,
    /// The signature may be with others.
    Signed,
    /// The home is written.
    Written,
}

/// A clock compared with the host's.
#[derive(Debug, Clone, Copy)]
struct Compared {
    /// The shorter the way there and back, the better the comparison.
    trip: Duration,
    ahead_ms: i64,
}

/// The machine.
#[derive(Debug)]
pub struct Member {
    me: Me,
    name: Option<Name>,
    at: At,
    plan: Option<Plan>,
    kept: Kept,
    beat: u32,
    beat_sent: Option<Now>,
    heard: Duration,
    clock: Option<Compared>,
    /// Whom we did not reach, until it is reported.
    dialled: Option<Vec<Miss>>,
    /// What we said in the round that is awaited.
    said: Vec<u8>,
    /// How it ended while the own home was being written.
    meanwhile: Option<Off>,
}

impl Member {
    /// A member before the door, and its knock.
    pub fn new(me: Me, knock: Knock, now: Now) -> (Self, Vec<Effect>) {
        let member = Self {
            me,
            name: None,
            at: At::Door,
            plan: None,
            kept: Kept::Nothing,
            beat: 0,
            beat_sent: None,
            heard: now.elapsed,
            clock: None,
            dialled: None,
            said: Vec::new(),
            meanwhile: None,
        };
        (member, vec![Effect::Say(ToHub::Knock(knock))])
    }

    /// Whether it has ended.
    pub fn is_over(&self) -> bool {
        self.at == At::Over
    }

    /// The one door.
    pub fn handle(&mut self, input: Input, now: Now) -> Vec<Effect> {
        let mut out = Vec::new();
        if self.at == At::Over {
            return out;
        }
        // All have signed, and our own home is being written: whatever else comes waits for what becomes of that.
        if self.at == At::Working(Round::Written) && !matches!(input, Input::Written(_)) {
            self.note_meanwhile(input, now);
            return out;
        }
        match input {
            Input::Heard(message) => {
                self.heard = now.elapsed;
                self.hear(message, now, &mut out);
            }
            Input::LinkLost => self.lost(BROKEN, &mut out),
            Input::Tick => self.tick(now, &mut out),
            Input::Leave => self.leave(Cause::Left, "", &mut out),
            Input::Dialled(misses) if self.at == At::Working(Round::Check) => {
                self.dialled = Some(misses);
                self.report(&mut out);
            }
            Input::WordsAnswered(answer) if self.at == At::Working(Round::Words) => match answer {
                Answer::Same => self.say(Round::Words, vec![1], &mut out),
                Answer::Refused => self.leave(Cause::WordsRefused, "", &mut out),
            },
            Input::Rehearsed(done) if self.at == At::Working(Round::Rehearse) => match done {
                Ok(()) => self.say(Round::Rehearse, vec![1], &mut out),
                Err(why) => self.leave(Cause::RehearsalFailed, &why, &mut out),
            },
            Input::Saved(done) if self.at == At::Working(Round::Ready) => match done {
                Ok(()) => {
                    self.kept = Kept::Saved;
                    self.say(Round::Ready, vec![1], &mut out);
                }
                Err(why) => self.leave(Cause::CannotWrite, &why, &mut out),
            },
            Input::Signed(done) if self.at == At::Working(Round::Sign) => match done {
                Ok(signature) => {
                    self.kept = Kept::Signed;
                    self.say(Round::Sign, signature.0.to_vec(), &mut out);
                }
                Err(why) => self.leave(Cause::CannotWrite, &why, &mut out),
            },
            Input::Written(done) if self.at == At::Working(Round::Written) => match done {
                Ok(()) => {
                    self.kept = Kept::Written;
                    self.say(Round::Written, vec![1], &mut out);
                    if let Some(off) = self.meanwhile.take() {
                        self.over(off, &mut out);
                    }
                }
                Err(why) => self.leave(Cause::CannotWrite, &why, &mut out),
            },
            // An answer that comes after its round went another way.
            Input::Dialled(_)
            | Input::WordsAnswered(_)
            | Input::Rehearsed(_)
            | Input::Saved(_)
            | Input::Signed(_)
            | Input::Written(_) => {}
        }
        out
    }

    fn hear(&mut self, message: ToMember, now: Now, out: &mut Vec<Effect>) {
        match (message, self.at) {
            (ToMember::Refused(why), At::Door) => self.end(Outcome::Refused(why), out),
            (ToMember::Welcome(name), At::Door) => {
                self.name = Some(name.clone());
                self.at = At::Room;
                out.push(Effect::Tell(News::Welcome(name)));
                self.send_beat(now, out);
            }
            (ToMember::Room(present), At::Room) => out.push(Effect::Tell(News::Room(present))),
            (ToMember::Notice(text), _) => out.push(Effect::Tell(News::Notice(text))),
            (ToMember::Beat { number, unix_ms }, _) => {
                self.compare(number, unix_ms, now);
                self.report(out);
            }
            (ToMember::Plan(text), At::Room) => match self.read_plan(&text, now) {
                Ok(plan) => self.begin(plan, out),
                Err(why) => self.leave(Cause::PlanRefused, &why, out),
            },
            (ToMember::All { round, values }, At::Awaiting(awaited)) if round == awaited => {
                self.all(round, values, out);
            }
            (ToMember::Off(off), _) => self.over(off, out),
            _ => self.leave(Cause::OutOfTurn, "the room spoke out of turn", out),
        }
    }

    /// Takes a plan only if this node is in it as it is (rule F4).
    fn read_plan(&self, text: &str, now: Now) -> Result<Plan, String> {
        let bootstrap = Bootstrap::from_toml(text).map_err(|error| error.to_string())?;
        if !bootstrap.signatures().is_empty() || bootstrap.to_toml() != text {
            return Err("the plan is not written as plans are".to_owned());
        }
        let nodes = bootstrap.nodes();
        if !(MIN_FOUNDERS..=MAX_FOUNDERS).contains(&nodes.len()) {
            return Err(format!("the plan has {} nodes", nodes.len()));
        }
        if nodes.iter().any(|node| !node.validator) {
            return Err("the plan has a node that does not vote".to_owned());
        }
        let own = nodes.iter().position(|node| {
            node.key == self.me.key
                && Some(&node.name) == self.name.as_ref()
                && node.addresses == self.me.addresses
        });
        let own = own.ok_or("the plan does not have this node as it is")?;
        let birth = bootstrap.genesis().time_ms;
        if birth.abs_diff(now.unix_ms) > MAX_BIRTH_APART_MS {
            return Err(format!(
                "the plan's birth is {} minutes away from this machine's clock",
                birth.abs_diff(now.unix_ms) / 60_000
            ));
        }
        Ok(Plan {
            bootstrap,
            hash: words::plan_hash(text),
            own,
            commits: Vec::new(),
            session: Hash::ZERO,
        })
    }

    fn begin(&mut self, plan: Plan, out: &mut Vec<Effect>) {
        let network = Box::new(plan.bootstrap.clone());
        let mut targets = Vec::new();
        for (node, entry) in plan.bootstrap.nodes().iter().enumerate() {
            if node == plan.own {
                continue;
            }
            for (address, at) in entry.addresses.iter().enumerate() {
                targets.push(Target {
                    node,
                    address,
                    key: entry.key,
                    at: at.clone(),
                });
            }
        }
        self.plan = Some(plan);
        self.at = At::Working(Round::Check);
        out.push(Effect::Tell(News::Plan(network)));
        out.push(Effect::Tell(News::Begins(Round::Check)));
        out.push(Effect::Dial(targets));
    }

    /// Says what was found as soon as both are known: who was reached, and what the clock says.
    fn report(&mut self, out: &mut Vec<Effect>) {
        let Some(Compared { ahead_ms, .. }) = self.clock else {
            return;
        };
        if let Some(misses) = self.dialled.take() {
            let report = Report { ahead_ms, misses };
            self.say(Round::Check, report.to_bytes(), out);
        }
    }

    fn say(&mut self, round: Round, value: Vec<u8>, out: &mut Vec<Effect>) {
        self.at = At::Awaiting(round);
        self.said.clone_from(&value);
        out.push(Effect::Say(ToHub::Say { round, value }));
    }

    fn tick(&mut self, now: Now, out: &mut Vec<Effect>) {
        if now.elapsed.saturating_sub(self.heard) > SILENCE {
            let why = format!("nothing was heard of the room for {} s", SILENCE.as_secs());
            return self.lost(&why, out);
        }
        let is_due = |sent: Now| now.elapsed.saturating_sub(sent.elapsed) >= BEAT;
        if self.at != At::Door && self.beat_sent.is_none_or(is_due) {
            self.send_beat(now, out);
        }
    }

    fn send_beat(&mut self, now: Now, out: &mut Vec<Effect>) {
        self.beat = self.beat.wrapping_add(1);
        self.beat_sent = Some(now);
        out.push(Effect::Say(ToHub::Beat(self.beat)));
    }

    /// Compares the clocks by the beat with the shortest way.
    fn compare(&mut self, number: u32, host_ms: u64, now: Now) {
        let Some(sent) = self.beat_sent.filter(|_| number == self.beat) else {
            return;
        };
        let trip = now.elapsed.saturating_sub(sent.elapsed);
        if self.clock.is_some_and(|best| best.trip <= trip) {
            return;
        }
        let half = i64::try_from(trip.as_millis() / 2).unwrap_or(i64::MAX);
        let ms = |unix_ms| i64::try_from(unix_ms).unwrap_or(i64::MAX);
        let then = ms(now.unix_ms).saturating_sub(half);
        let ahead_ms = then.saturating_sub(ms(host_ms));
        self.clock = Some(Compared { trip, ahead_ms });
    }

    /// Ends it for all, for a reason of our own.
    fn leave(&mut self, cause: Cause, why: &str, out: &mut Vec<Effect>) {
        let why = plain(why, MAX_TEXT_BYTES);
        out.push(Effect::Say(ToHub::Leave {
            cause,
            why: why.clone(),
        }));
        let who = self.name.clone();
        self.over(Off { who, cause, why }, out);
    }

    fn lost(&mut self, why: &str, out: &mut Vec<Effect>) {
        self.over(lost(why), out);
    }

    /// What comes while the own home is being written: an end is kept until that is done.
    fn note_meanwhile(&mut self, input: Input, now: Now) {
        match input {
            Input::LinkLost => self.meanwhile = Some(lost(BROKEN)),
            Input::Heard(ToMember::Off(off)) => self.meanwhile = Some(off),
            Input::Heard(_) => self.heard = now.elapsed,
            Input::Leave => {
                let (who, cause) = (self.name.clone(), Cause::Left);
                let why = String::new();
                self.meanwhile = Some(Off { who, cause, why });
            }
            _ => {}
        }
    }

    /// It is over without everybody's word: what that means depends on how far our own word has gone.
    fn over(&mut self, off: Off, out: &mut Vec<Effect>) {
        let outcome = match self.kept {
            Kept::Written => Outcome::Founded {
                unheard: self.others(),
            },
            Kept::Signed => Outcome::InDoubt(off),
            Kept::Saved | Kept::Nothing => Outcome::Off(off),
        };
        self.end(outcome, out);
    }

    fn end(&mut self, outcome: Outcome, out: &mut Vec<Effect>) {
        out.push(Effect::EndRehearsal);
        if self.kept < Kept::Signed {
            out.push(Effect::Discard);
        }
        self.at = At::Over;
        out.push(Effect::End(Box::new(outcome)));
    }

    fn others(&self) -> Vec<Name> {
        let nodes = self.plan.iter().flat_map(|plan| plan.bootstrap.nodes());
        let others = nodes.filter(|node| node.key != self.me.key);
        others.map(|node| node.name.clone()).collect()
    }
}

/// The throwaway network of a ceremony: the same nodes under a genesis that no network ever has, since its name is
/// drawn from the ceremony's own random numbers, and with the shortest heartbeat, so that its first block comes at once.
pub fn rehearsal(bootstrap: &Bootstrap, session: &Hash) -> Option<Bootstrap> {
    let genesis = bootstrap.genesis();
    let beginning = Beginning {
        network: format!("rehearsal-{}", crate::chain::hash::hex(&session.0[..8])),
        time_ms: genesis.time_ms,
        rules: crate::chain::genesis::Rules {
            heartbeat_ms: 1_000,
            ..genesis.rules.clone()
        },
        accounts: genesis.accounts.clone(),
    };
    Bootstrap::new(beginning, bootstrap.nodes().to_vec()).ok()
}

/// The signed file of a plan and everybody's signatures, in the plan's order.
fn assemble(plan: &Plan, values: &[Vec<u8>]) -> Result<Bootstrap, String> {
    let sign = |(node, value): (&crate::directory::bootstrap::Node, &Vec<u8>)| {
        let bytes: [u8; 64] = value.as_slice().try_into().ok()?;
        Some(FoundersSignature {
            node: node.name.clone(),
            signature: Signature(bytes),
        })
    };
    let pairs = plan.bootstrap.nodes().iter().zip(values);
    let signatures: Option<Vec<_>> = pairs.map(sign).collect();
    let signatures = signatures.ok_or("a signature has not 64 bytes")?;
    let signed = plan.bootstrap.clone().signed(signatures);
    signed.map_err(|error| error.to_string())
}

fn lost(why: &str) -> Off {
    Off {
        who: None,
        cause: Cause::Lost,
        why: why.to_owned(),
    }
}
