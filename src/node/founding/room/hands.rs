//! What is done for the machines.

use libp2p::swarm::dial_opts::{DialOpts, PeerCondition};

use super::{OWN, Room, Step, open, peer_of};
use crate::chain::codec::Encode as _;
use crate::directory::bootstrap::Bootstrap;
use crate::directory::founding::check::Miss;
use crate::directory::founding::hub;
use crate::directory::founding::member::{self, Effect, News, Target};
use crate::directory::founding::message::ToHub;
use crate::node::founding::Told;
use crate::node::founding::rehearsal::Rehearsal;
use crate::node::home::{HomeError, Pending};

impl Room {
    pub(super) async fn of_hub(&mut self, effect: hub::Effect) {
        match effect {
            hub::Effect::Send(link, message) if link == OWN => {
                let heard = member::Input::Heard(message);
                self.steps.push_back(Step::Member(heard));
            }
            hub::Effect::Send(link, message) => {
                if !self.links.say(link, message.to_bytes()) {
                    self.steps.push_back(Step::Hub(hub::Input::Gone(link)));
                }
            }
            hub::Effect::Close(link) => self.links.close(link),
            hub::Effect::NotYet(why) => self.tell(Told::NotYet(why)).await,
        }
    }

    pub(super) async fn of_member(&mut self, effect: Effect) {
        match effect {
            Effect::Say(message) => self.say(message),
            Effect::Tell(news) => self.tell(Told::News(news)).await,
            Effect::AskWords(words) => self.tell(Told::Words(words)).await,
            Effect::Dial(targets) => self.dial(targets),
            Effect::Rehearse(network) => self.rehearse(*network),
            Effect::EndRehearsal => {
                if let Some(rehearsal) = self.rehearsal.take() {
                    rehearsal.end().await;
                }
            }
            Effect::Save(draft) => {
                let saved = self.save(*draft).map_err(|error| error.to_string());
                self.answer(member::Input::Saved(saved));
            }
            Effect::Sign(statement) => {
                let signed = match &self.own.pending {
                    Some((pending, draft)) if draft.statement() == statement => pending
                        .sign(draft)
                        .map(|signed| signed.signature)
                        .map_err(|error| error.to_string()),
                    _ => Err("there is no such draft here".to_owned()),
                };
                self.answer(member::Input::Signed(signed));
            }
            Effect::Write(signed) => {
                let written = match &self.own.pending {
                    Some((pending, _)) => pending.finish(&signed).map(drop),
                    None => Err(HomeError::NothingPending {
                        folder: Pending::folder_of(&self.own.home),
                    }),
                };
                let written = written.map_err(|error| error.to_string());
                self.answer(member::Input::Written(written));
            }
            Effect::Discard => {
                if let Some((pending, _)) = self.own.pending.take()
                    && let Err(error) = pending.discard()
                {
                    self.tell(Told::News(News::Notice(error.to_string()))).await;
                }
            }
            Effect::End(_) => {}
        }
    }

    fn answer(&mut self, input: member::Input) {
        self.steps.push_back(Step::Member(input));
    }

    async fn tell(&mut self, told: Told) {
        // Who does not listen any more is about to leave.
        let _ = self.tell.send(told).await;
    }

    fn say(&mut self, message: ToHub) {
        if self.hub.is_some() {
            return self
                .steps
                .push_back(Step::Hub(hub::Input::Heard(OWN, message)));
        }
        if !self.links.say(self.up, message.to_bytes()) {
            self.answer(member::Input::LinkLost);
        }
    }

    fn dial(&mut self, targets: Vec<Target>) {
        for target in targets {
            let miss = |why: &str| Miss::new(target.node, target.address, why);
            let Some(peer) = peer_of(&target.key) else {
                self.dials.misses.push(miss("its key is none"));
                continue;
            };
            let options = DialOpts::peer_id(peer)
                .addresses(vec![target.at.clone()])
                .condition(PeerCondition::Always)
                .allocate_new_port()
                .build();
            let id = options.connection_id();
            match self.sockets.swarm.dial(options) {
                Ok(()) => drop(self.dials.open.insert(id, target)),
                Err(error) => self.dials.misses.push(miss(&open::why(&error))),
            }
        }
        self.tell_dialled();
    }

    fn rehearse(&mut self, network: Bootstrap) {
        // Order: our own listeners let go first; the node then takes the same ports. Streams that are open stay.
        for listener in self.sockets.listeners.drain(..) {
            self.sockets.swarm.remove_listener(listener);
        }
        let (key, listen) = (self.own.key.clone(), self.own.listen.clone());
        let report = self.reports.0.clone();
        self.rehearsal = Some(Rehearsal::begin(network, key, listen, report));
    }

    fn save(&mut self, draft: Bootstrap) -> Result<(), HomeError> {
        let own = &mut self.own;
        let name = draft
            .node_of(&own.key.public())
            .map(|node| node.name.clone());
        let name = name.ok_or(HomeError::NotSigned)?;
        let (listen, key) = (own.listen.clone(), own.key.clone());
        let pending = Pending::create(&own.home, name, listen, key, Some(&draft))?;
        own.pending = Some((pending, draft));
        Ok(())
    }
}
