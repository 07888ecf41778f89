//! Serving: requests both ways, gossip, and watches, metered and declined politely.
//!
//! Sooner drop a stranger's message than delay our own vote: what the application's queue does not
//! take is declined or ignored here, and counted.
//!
//! Never: wait for the application. Next: `event.rs` for the lanes.

use std::collections::BTreeMap;

use libp2p::{
    PeerId, Stream,
    gossipsub::{self, MessageAcceptance, MessageId, PublishError},
    request_response::{
        self, InboundRequestId, Message, OutboundFailure, OutboundRequestId, ResponseChannel,
    },
};
use tokio::sync::oneshot;

use super::{
    error::RequestError,
    event::{Event, Lane, RequestId},
    handle::{Answer, Verdict},
    metrics::Count,
    task::Task,
    watch::WatchStream,
};
use crate::{
    behaviour::{
        Declined, ExchangesEvent, Reply, Service, Topic, limits::OPEN_OUTBOUND,
        reach::RELAYED_REQUEST_BYTES,
    },
    node::clock,
};

/// A request to us that is not yet answered and flushed.
struct Open {
    peer: PeerId,
    /// Taken when the application answers.
    channel: Option<ResponseChannel<Reply>>,
}

/// Requests under way, both ways.
#[derive(Default)]
pub(super) struct Requests {
    inbound: BTreeMap<RequestId, Open>,
    outbound: BTreeMap<(Service, OutboundRequestId), (PeerId, Answer)>,
}

impl Requests {
    fn open_inbound(&self, service: Service) -> usize {
        self.inbound
            .keys()
            .filter(|id| id.service == service)
            .count()
    }

    fn open_outbound(&self, to: &PeerId, service: Service) -> usize {
        let same = |(id, (peer, _)): &(&(Service, OutboundRequestId), &(PeerId, Answer))| {
            id.0 == service && peer == to
        };
        self.outbound.iter().filter(same).count()
    }
}

impl Task {
    /// Our own request.
    pub(super) fn ask(&mut self, peer: PeerId, service: Service, data: Vec<u8>, answer: Answer) {
        // Whoever gave up waiting no longer counts.
        self.requests
            .outbound
            .retain(|_, (_, answer)| !answer.is_closed());
        let limit = usize::from(service.rate().open);
        let open = self.requests.open_outbound(&peer, service);
        let now = clock::now();
        let refused = if self.peers.get(&peer).is_none_or(|p| p.hello().is_none()) {
            Some(RequestError::NotConnected)
        } else if data.len() > RELAYED_REQUEST_BYTES && self.is_only_relayed(&peer) {
            Some(RequestError::TooLarge {
                size_bytes: data.len(),
                limit_bytes: RELAYED_REQUEST_BYTES,
            })
        } else if open >= limit || self.requests.outbound.len() >= OPEN_OUTBOUND {
            Some(RequestError::TooManyOpen {
                service,
                open,
                limit,
            })
        } else if self
            .peers
            .get_mut(&peer)
            .is_some_and(|entry| !entry.meters.ask(service, data.len(), now))
        {
            self.metrics.count(Count::requests_held_back);
            Some(RequestError::TooOften { service })
        } else {
            None
        };
        if let Some(error) = refused {
            let _ = answer.send(Err(error));
            return;
        }
        let exchange = self.swarm.behaviour_mut().service(service);
        let id = exchange.send_request(&peer, data);
        self.requests.outbound.insert((service, id), (peer, answer));
    }

    /// The application's answer to a peer's request.
    pub(super) fn respond(&mut self, id: RequestId, answer: Result<Vec<u8>, Declined>) {
        let Some(channel) = self
            .requests
            .inbound
            .get_mut(&id)
            .and_then(|open| open.channel.take())
        else {
            return;
        };
        let reply = answer.map_or_else(Reply::Declined, Reply::Answer);
        let exchange = self.swarm.behaviour_mut().service(id.service);
        // Order: the request stays open until the answer is flushed, so that answers which a slow
        // reader leaves in our memory count against it.
        if exchange.send_response(channel, reply).is_err() {
            self.close_inbound(id);
        }
    }

    pub(super) fn on_service(&mut self, event: ExchangesEvent) {
        let (service, event) = match event {
            ExchangesEvent::Submit(event) => (Service::Submit, event),
            ExchangesEvent::Query(event) => (Service::Query, event),
            ExchangesEvent::Blocks(event) => (Service::Blocks, event),
            ExchangesEvent::Agreement(event) => (Service::Agreement, event),
            ExchangesEvent::Directory(event) => (Service::Directory, event),
            ExchangesEvent::LookUp(event) => (Service::LookUp, event),
            ExchangesEvent::Pay(event) => (Service::Pay, event),
        };
        self.on_exchange(service, event);
    }

    fn on_exchange(&mut self, service: Service, event: request_response::Event<Vec<u8>, Reply>) {
        match event {
            request_response::Event::Message { peer, message, .. } => match message {
                Message::Request {
                    request_id,
                    request,
                    channel,
                } => self.on_asked(service, peer, request_id, request, channel),
                Message::Response {
                    request_id,
                    response,
                } => {
                    let result = match response {
                        Reply::Answer(data) => Ok(data),
                        Reply::Declined(reason) => Err(RequestError::Declined(reason)),
                    };
                    self.finish_outbound(service, request_id, result);
                }
            },
            request_response::Event::OutboundFailure {
                request_id, error, ..
            } => self.finish_outbound(service, request_id, Err(outbound_error(service, error))),
            request_response::Event::InboundFailure {
                request_id, error, ..
            } => {
                tracing::debug!(%service, %error, "a request to us failed");
                self.close_inbound(RequestId {
                    service,
                    inbound: request_id,
                });
            }
            request_response::Event::ResponseSent { request_id, .. } => {
                self.close_inbound(RequestId {
                    service,
                    inbound: request_id,
                });
            }
        }
    }

    fn on_asked(
        &mut self,
        service: Service,
        peer: PeerId,
        inbound: InboundRequestId,
        data: Vec<u8>,
        channel: ResponseChannel<Reply>,
    ) {
        let id = RequestId { service, inbound };
        let verdict = self.admit(service, &peer, data.len()).and_then(|()| {
            let lane = match service {
                Service::Agreement => Lane::Urgent,
                _ => Lane::Bulk,
            };
            let event = Event::Request {
                id,
                peer,
                service,
                data,
            };
            self.events.offer(lane, event).map_err(|_| {
                if let Some(entry) = self.peers.get_mut(&peer) {
                    entry.meters.close(service);
                }
                Declined::Busy
            })
        });
        match verdict {
            Ok(()) => {
                self.metrics.count(Count::requests_received);
                let channel = Some(channel);
                self.requests.inbound.insert(id, Open { peer, channel });
            }
            Err(reason) => {
                self.metrics.count(Count::requests_declined);
                let exchange = self.swarm.behaviour_mut().service(service);
                let _ = exchange.send_response(channel, Reply::Declined(reason));
            }
        }
    }

    fn admit(
        &mut self,
        service: Service,
        peer: &PeerId,
        size_bytes: usize,
    ) -> Result<(), Declined> {
        let votes = self.config.validators.contains(peer);
        if service == Service::Agreement && !votes {
            return Err(Declined::NotAllowed);
        }
        let open_total = usize::from(service.rate().open_total);
        // Validators are above the strangers' common share, so that a crowd cannot keep them from
        // catching up.
        if !votes && self.requests.open_inbound(service) >= open_total {
            return Err(Declined::Busy);
        }
        let entry = self.peers.get_mut(peer).ok_or(Declined::NotGreeted)?;
        // Whoever only looks something up may be another program, which knows nothing of our hello.
        if entry.hello().is_none() && (service != Service::LookUp || entry.is_refused()) {
            return Err(Declined::NotGreeted);
        }
        let now = clock::now();
        if !entry.meters.admit(service, size_bytes, now) {
            self.offended(peer, 1);
            return Err(Declined::Busy);
        }
        if entry.hello().is_none() {
            entry.care.looked_up = Some(now);
        }
        Ok(())
    }

    fn close_inbound(&mut self, id: RequestId) {
        if let Some(open) = self.requests.inbound.remove(&id)
            && let Some(entry) = self.peers.get_mut(&open.peer)
        {
            entry.meters.close(id.service);
        }
    }

    fn finish_outbound(
        &mut self,
        service: Service,
        id: OutboundRequestId,
        result: Result<Vec<u8>, RequestError>,
    ) {
        if let Some((_, answer)) = self.requests.outbound.remove(&(service, id)) {
            // The asker may have given up waiting.
            let _ = answer.send(result);
        }
    }

    pub(super) fn publish(&mut self, topic: Topic, data: Vec<u8>) {
        let hash = topic.ident(&self.config.network_name).hash();
        let Some(gossip) = self.swarm.behaviour_mut().gossip.as_mut() else {
            return;
        };
        let published = gossip.publish(hash, data);
        self.metrics.count(match published {
            Ok(_) => Count::gossip_published,
            // Alone in the network, or said before: both normal.
            Err(PublishError::NoPeersSubscribedToTopic | PublishError::Duplicate) => {
                Count::gossip_unheard
            }
            Err(error) => {
                tracing::debug!(?topic, %error, "not published");
                Count::gossip_unheard
            }
        });
    }

    pub(super) fn report(&mut self, id: &MessageId, source: &PeerId, verdict: Verdict) {
        let acceptance = match verdict {
            Verdict::Accept => MessageAcceptance::Accept,
            Verdict::Reject => MessageAcceptance::Reject,
            Verdict::Ignore => MessageAcceptance::Ignore,
        };
        if let Some(gossip) = self.swarm.behaviour_mut().gossip.as_mut() {
            gossip.report_message_validation_result(id, source, acceptance);
        }
        if verdict == Verdict::Reject {
            self.handed_on_bad(source);
        }
    }

    pub(super) fn on_gossip(&mut self, event: gossipsub::Event) {
        let (source, id, message) = match event {
            gossipsub::Event::Message {
                propagation_source,
                message_id,
                message,
            } => (propagation_source, message_id, message),
            gossipsub::Event::Subscribed { peer_id, .. } => return self.on_subscribed(peer_id),
            _ => return,
        };
        let topic = Topic::from_hash(&message.topic, &self.config.network_name)
            .filter(|topic| message.data.len() <= topic.max_bytes());
        let refused = self
            .peers
            .get(&source)
            .is_some_and(super::peers::Peer::is_refused);
        let Some(topic) = topic.filter(|_| !refused) else {
            self.metrics.count(Count::gossip_refused);
            self.report(&id, &source, Verdict::Reject);
            return;
        };
        // Order: before anything is decoded, and before it takes a place in the queue.
        if !self.admits_gossip(&source, message.data.len()) {
            self.metrics.count(Count::gossip_excess);
            self.report(&id, &source, Verdict::Ignore);
            return;
        }
        // A stranger can fill the bulk lane only: votes of validators pass beside it.
        let is_agreement = matches!(topic, Topic::Votes | Topic::Proposals);
        let lane = if is_agreement && self.config.validators.contains(&source) {
            Lane::Urgent
        } else {
            Lane::Bulk
        };
        let event = Event::Gossip {
            topic,
            id: id.clone(),
            source,
            data: message.data,
        };
        if self.events.offer(lane, event).is_ok() {
            self.metrics.count(Count::gossip_received);
        } else {
            self.metrics.count(Count::gossip_dropped);
            self.report(&id, &source, Verdict::Ignore);
        }
    }

    pub(super) fn on_incoming_watch(&mut self, peer: PeerId, stream: Stream) {
        let verdict = match self.peers.get(&peer).and_then(|entry| entry.hello()) {
            Some(_) => Ok(()),
            None => Err(Declined::NotGreeted),
        };
        let (events, metrics) = (self.events.clone(), self.metrics.clone());
        self.watches.serve(peer, stream, verdict, events, metrics);
    }

    pub(super) fn open_watch(
        &mut self,
        peer: PeerId,
        request: Vec<u8>,
        opened: oneshot::Sender<Result<WatchStream, RequestError>>,
    ) {
        if self.peers.get(&peer).is_none_or(|p| p.hello().is_none()) {
            let _ = opened.send(Err(RequestError::NotConnected));
            return;
        }
        self.watches.open(peer, request, opened);
    }
}

fn outbound_error(service: Service, error: OutboundFailure) -> RequestError {
    match error {
        OutboundFailure::DialFailure => RequestError::NotConnected,
        OutboundFailure::Timeout => RequestError::Timeout {
            deadline: service.deadline(),
        },
        OutboundFailure::ConnectionClosed => RequestError::ConnectionLost,
        OutboundFailure::UnsupportedProtocols => RequestError::Unsupported,
        OutboundFailure::Io(error) => RequestError::Failed {
            reason: error.to_string(),
        },
    }
}
