//! What happens when a round is full: everybody has said their part, and the next one begins.

use super::super::check::{Checked, Report, findings};
use super::super::message::{Cause, Round};
use super::super::words::{commitment, session, spoken};
use super::{At, Effect, Member, News, Outcome, Plan, assemble, rehearsal};
use crate::chain::codec::Decode as _;
use crate::chain::name::Name;

impl Member {
    /// Everybody's part of a round, in the plan's order.
    pub(super) fn all(&mut self, round: Round, values: Vec<Vec<u8>>, out: &mut Vec<Effect>) {
        let Some(mut plan) = self.plan.take() else {
            return;
        };
        let is_ours = values.get(plan.own) == Some(&self.said);
        let is_whole = values.len() == plan.bootstrap.nodes().len();
        let done = match is_whole && is_ours {
            true => self.turn(round, &values, &mut plan, out),
            false => Err("the room does not tell all that was said".to_owned()),
        };
        self.plan = Some(plan);
        if let Err(why) = done {
            self.leave(Cause::OutOfTurn, &why, out);
        }
    }

    fn turn(
        &mut self,
        round: Round,
        values: &[Vec<u8>],
        plan: &mut Plan,
        out: &mut Vec<Effect>,
    ) -> Result<(), String> {
        match round {
            Round::Check => {
                let found = findings(&checked(plan, values)?);
                if !found.is_empty() {
                    self.end(Outcome::Unfit(found), out);
                    return Ok(());
                }
                let own = commitment(&plan.hash, &self.me.key, &self.me.number);
                self.say(Round::Commit, own.0.to_vec(), out);
            }
            Round::Commit => {
                plan.commits = values.to_vec();
                self.say(Round::Reveal, self.me.number.to_vec(), out);
            }
            Round::Reveal => {
                let numbers = numbers(plan, values)?;
                plan.session = session(&plan.hash, &numbers);
                self.work(Round::Words, Effect::AskWords(spoken(&plan.session)), out);
            }
            Round::Words => {
                let network = rehearsal(&plan.bootstrap, &plan.session)
                    .ok_or("no rehearsal can be made of the plan")?;
                self.work(Round::Rehearse, Effect::Rehearse(Box::new(network)), out);
            }
            Round::Rehearse => {
                out.push(Effect::EndRehearsal);
                let draft = Box::new(plan.bootstrap.clone());
                self.work(Round::Ready, Effect::Save(draft), out);
            }
            // Order: nobody signs before everybody's key is durable, so that no signature is given in vain.
            Round::Ready => {
                self.work(Round::Sign, Effect::Sign(plan.bootstrap.statement()), out);
            }
            Round::Sign => {
                let signed = Box::new(assemble(plan, values)?);
                self.work(Round::Written, Effect::Write(signed), out);
            }
            Round::Written => {
                let unheard = unheard(plan, values);
                self.end(Outcome::Founded { unheard }, out);
            }
        }
        Ok(())
    }

    fn work(&mut self, round: Round, effect: Effect, out: &mut Vec<Effect>) {
        self.at = At::Working(round);
        out.push(Effect::Tell(News::Begins(round)));
        out.push(effect);
    }
}

fn checked(plan: &Plan, values: &[Vec<u8>]) -> Result<Vec<Checked>, String> {
    let one = |(node, value): (&crate::directory::bootstrap::Node, &Vec<u8>)| {
        let report = Report::from_bytes(value)
            .map_err(|error| format!("the report of {} cannot be read: {error}", node.name))?;
        Ok(Checked {
            name: node.name.clone(),
            addresses: node.addresses.iter().map(ToString::to_string).collect(),
            report,
        })
    };
    plan.bootstrap.nodes().iter().zip(values).map(one).collect()
}

/// Everybody's number, each held against the hash that was told before (rule F5).
fn numbers(
    plan: &Plan,
    values: &[Vec<u8>],
) -> Result<Vec<(crate::chain::key::PublicKey, [u8; 32])>, String> {
    let nodes = plan.bootstrap.nodes().iter();
    let mut numbers = Vec::new();
    for ((node, value), commit) in nodes.zip(values).zip(&plan.commits) {
        let number: Option<[u8; 32]> = value.as_slice().try_into().ok();
        let number = number.filter(|number| {
            commit.as_slice() == commitment(&plan.hash, &node.key, number).as_bytes()
        });
        let why = || format!("the number of {} does not fit its hash", node.name);
        numbers.push((node.key, number.ok_or_else(why)?));
    }
    Ok(numbers)
}

fn unheard(plan: &Plan, values: &[Vec<u8>]) -> Vec<Name> {
    let pairs = plan.bootstrap.nodes().iter().zip(values);
    let unheard = pairs.filter(|(_, value)| value.is_empty());
    unheard.map(|(node, _)| node.name.clone()).collect()
}
