//! The world's network, and the people who ask nodes.

use std::rc::Rc;
use std::time::Duration;

use rand::RngExt as _;

use super::world::{Event, HEARD, PATIENCE, Told, World};
use crate::behaviour::{Service, Topic};
use crate::chain::codec::{Decode, Encode};
use crate::chain::hash::Hash;
use crate::chain::key::Address;
use crate::chain::query::{Answer, Query};
use crate::chain::testing::network;
use crate::chain::transaction::SignedTransaction;
use crate::replica::wire::{SubmitReply, WatchRequest};
use crate::replica::{Input, Tag, WatchId};

impl World {
    /// The way of a message; `None` if it is lost.
    pub(super) fn way(&mut self) -> Option<Duration> {
        self.way_if(self.net.lost)
    }

    fn way_if(&mut self, lost: u32) -> Option<Duration> {
        if self.random.random_range(0..1000) < lost {
            return None;
        }
        let (least, most) = self.net.delay_ms;
        let micros = self.random.random_range(least * 1000..=most * 1000);
        Some(Duration::from_micros(micros))
    }

    pub(super) fn gossip(&mut self, node: usize, told: Rc<Told>) {
        let has_peers = (0..self.nodes.len()).any(|other| self.is_linked(node, other));
        let now = self.now;
        let Some(live) = self.nodes[node].live.as_mut().filter(|_| has_peers) else {
            return;
        };
        // As gossipsub does: what it knows again does not leave again.
        let heard = live.heard.get(&told.id).copied();
        if heard.is_some_and(|at| now - at < HEARD) {
            return;
        }
        live.heard.insert(told.id, now);
        self.hand_on(node, None, &told);
    }

    pub(super) fn hand_on(&mut self, node: usize, came_from: Option<usize>, told: &Rc<Told>) {
        for other in 0..self.nodes.len() {
            if Some(other) == came_from || !self.is_linked(node, other) {
                continue;
            }
            let is_doubled = self.random.random_range(0..1000) < self.net.doubled;
            for is_again in [false, true].into_iter().take(1 + usize::from(is_doubled)) {
                if let Some(way) = self.way() {
                    let told = told.clone();
                    let from = node;
                    self.after(
                        way,
                        other,
                        Event::Gossip {
                            from,
                            told,
                            is_again,
                        },
                    );
                }
            }
        }
    }

    pub(super) fn request(
        &mut self,
        node: usize,
        tag: Tag,
        peer: Address,
        service: Service,
        data: Vec<u8>,
    ) {
        let peer = self.place_of(&peer);
        self.next_number += 1;
        let call = self.next_number;
        self.seen.asked.push(peer);
        self.calls.insert(call, (node, peer, tag));
        self.after(PATIENCE, node, Event::Answer { call, data: None });
        if let Some(way) = self.way_if(self.net.lost_requests)
            && self.is_linked(node, peer)
        {
            self.after(
                way,
                peer,
                Event::Ask {
                    call,
                    from: node,
                    service,
                    data,
                },
            );
        }
    }

    pub(super) fn respond(&mut self, node: usize, id: u64, data: Vec<u8>) {
        let Some((from, call, service)) = self.requests.remove(&id) else {
            self.seen.responses.insert(id, data);
            return;
        };
        let data = match &self.nodes[node].lie {
            Some(lie) => lie(service, data),
            None => data,
        };
        if let Some(way) = self.way_if(self.net.lost_requests)
            && self.is_linked(node, from)
        {
            let data = Some(data);
            self.after(way, from, Event::Answer { call, data });
        }
    }

    // ---- people ----

    /// Lets a node hear something that its neighbour never said.
    pub fn hear(&mut self, node: usize, topic: Topic, data: Vec<u8>) {
        let from = (node + 1) % self.nodes.len();
        let id = Hash::of("test/gossip", &[&[topic as u8], &data]);
        let told = Rc::new(Told { topic, data, id });
        let is_again = true;
        self.happen(
            node,
            Event::Gossip {
                from,
                told,
                is_again,
            },
        );
    }

    /// Asks a node as a wallet does; `None` if the node dies of it or is down.
    pub fn ask(&mut self, node: usize, service: Service, data: Vec<u8>) -> Option<Vec<u8>> {
        self.next_number += 1;
        let id = self.next_number;
        let from = network::key(99).public();
        self.step(
            node,
            Input::Request {
                id,
                from,
                service,
                data,
            },
        );
        self.seen.responses.remove(&id)
    }

    /// Hands a transaction in.
    pub fn submit(&mut self, node: usize, transaction: &SignedTransaction) -> Option<SubmitReply> {
        let answer = self.ask(node, Service::Submit, transaction.to_bytes())?;
        Some(SubmitReply::from_bytes(&answer).unwrap())
    }

    /// Asks a question.
    pub fn query(&mut self, node: usize, query: &Query) -> Answer {
        let answer = self.ask(node, Service::Query, query.to_bytes()).unwrap();
        assert!(answer.len() <= crate::chain::query::MAX_ANSWER_BYTES);
        Answer::from_bytes(&answer).unwrap()
    }

    /// How often a node was asked for blocks or messages by others.
    pub fn asked_of(&self, node: usize) -> usize {
        self.seen.asked.iter().filter(|one| **one == node).count()
    }

    /// Opens a watch.
    pub fn watch(&mut self, node: usize, addresses: Vec<Address>) -> WatchId {
        self.next_number += 1;
        let watch = self.next_number;
        let data = WatchRequest { addresses }.to_bytes();
        self.step(node, Input::WatchOpened { watch, data });
        watch
    }
}
