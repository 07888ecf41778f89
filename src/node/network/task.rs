//! The event loop: one task that owns the swarm and all state about peers.
//!
//! Each turn takes one command, one swarm event, one incoming watch or one tick, with no lane
//! starved. Nothing here waits for the application or takes more than moments.
//!
//! Never: interpret a payload, wait for a queue. Next: `greet.rs` (hello), `serve.rs` (requests and
//! gossip), `upkeep.rs` (what happens by the clock).

use std::{sync::Arc, time::Duration};

use libp2p::{
    Multiaddr, PeerId, Swarm,
    core::{ConnectedPoint, transport::ListenerId},
    futures::StreamExt as _,
    swarm::{ConnectionId, DialError, ListenError, SwarmEvent},
};
use tokio::{
    sync::mpsc,
    time::{MissedTickBehavior, interval, timeout},
};

use super::{
    conduct::Conduct,
    config::NetworkConfig,
    dialler::{BACKOFF_CAP, Dialler, VALIDATOR_CAP, WasUp},
    error::NetworkError,
    event::{self, Event, EventSender, Lane, NetworkEvents, News},
    files,
    handle::{Command, NetworkHandle},
    metrics::{Count, Metrics},
    peers::{Greeting, Link, Peers},
    reach::Reachability,
    serve::Requests,
    transport,
    watch::Watches,
};
use crate::{
    behaviour::{Hello, Speech, SpeechEvent, doors::Full, watch as watch_speech},
    node::clock,
};

/// Commands that may wait: the application waits for room beyond that.
const COMMANDS: usize = 1024;
/// How often the clock's work is looked at.
const TICK: Duration = Duration::from_millis(250);
/// How long binding the listen addresses may take.
const LISTEN_DEADLINE: Duration = Duration::from_secs(5);
/// How long closing the connections may take at the end.
const FAREWELL: Duration = Duration::from_millis(500);
/// How long the last packets of closed QUIC connections get to leave.
const LINGER: Duration = Duration::from_millis(50);

/// The task's state. Its methods are spread over the files beside this one.
pub(super) struct Task {
    pub(super) swarm: Swarm<Speech>,
    pub(super) config: NetworkConfig,
    /// Ours, with the present height.
    pub(super) hello: Hello,
    pub(super) peers: Peers,
    pub(super) dialler: Dialler,
    pub(super) requests: Requests,
    pub(super) watches: Watches,
    pub(super) events: EventSender,
    pub(super) news: News,
    pub(super) metrics: Arc<Metrics>,
    pub(super) reach: Reachability,
    pub(super) conduct: Conduct,
}

pub(super) async fn start(
    config: NetworkConfig,
) -> Result<(NetworkHandle, NetworkEvents), NetworkError> {
    if config.role.gossips() {
        files::ask_for_enough();
    }
    transport::check_ports(&config.listen)?;
    for address in &config.listen {
        transport::probe(address)?;
    }
    let (events, received) = event::queue();
    let metrics = Metrics::shared();
    let gate = config.gate();
    let swarm = transport::swarm(&config, &gate, &metrics)?;
    let reach = Reachability::new(&config, gate, clock::now());
    let mut task = Task::new(config, swarm, events, Arc::clone(&metrics), reach)?;
    task.declare_own_addresses();
    let public = task.reach.public.subscribe();
    let addresses = task.listen().await?;
    let (commands, waiting) = mpsc::channel(COMMANDS);
    let handle = NetworkHandle {
        commands,
        local_peer: *task.swarm.local_peer_id(),
        addresses: addresses.into(),
        public,
        metrics,
    };
    tokio::spawn(task.run(waiting));
    Ok((handle, received))
}

impl Task {
    fn new(
        config: NetworkConfig,
        swarm: Swarm<Speech>,
        events: EventSender,
        metrics: Arc<Metrics>,
        reach: Reachability,
    ) -> Result<Self, NetworkError> {
        let protocol = watch_speech::protocol(&config.network_name);
        let mut control = swarm.behaviour().watch.new_control();
        let incoming = if config.role.gossips() {
            let accepted = control.accept(protocol.clone());
            Some(accepted.map_err(|e| NetworkError::Setup {
                reason: e.to_string(),
            })?)
        } else {
            None
        };
        let mut task = Self {
            hello: config.hello(),
            peers: Peers::default(),
            dialler: Dialler::default(),
            requests: Requests::default(),
            watches: Watches::new(control, protocol, incoming),
            events,
            news: News::default(),
            metrics,
            swarm,
            conduct: Conduct::new(&config, clock::now()),
            config,
            reach,
        };
        for (peer, addresses) in task.config.bootstrap.clone() {
            task.keep(peer, addresses);
        }
        Ok(task)
    }

    /// Binds all listen addresses and waits until each has said where it is.
    async fn listen(&mut self) -> Result<Vec<Multiaddr>, NetworkError> {
        let mut silent: Vec<(ListenerId, Multiaddr)> = Vec::new();
        for address in self.config.listen.clone() {
            match self.swarm.listen_on(address.clone()) {
                Ok(id) => silent.push((id, address)),
                Err(error) => {
                    return Err(NetworkError::Listen {
                        address,
                        reason: error.to_string(),
                    });
                }
            }
        }
        let mut addresses = Vec::new();
        while let Some((_, first)) = silent.first() {
            let late = NetworkError::Listen {
                address: first.clone(),
                reason: "the system did not bind it in time".to_owned(),
            };
            let event = timeout(LISTEN_DEADLINE, self.swarm.select_next_some()).await;
            let event = event.map_err(|_| late)?;
            match &event {
                SwarmEvent::NewListenAddr {
                    listener_id,
                    address,
                } => {
                    silent.retain(|(id, _)| id != listener_id);
                    addresses.push(address.clone());
                }
                SwarmEvent::ListenerClosed {
                    listener_id,
                    reason,
                    ..
                } => {
                    if let Some((_, address)) = silent.iter().find(|(id, _)| id == listener_id) {
                        return Err(NetworkError::Listen {
                            address: address.clone(),
                            reason: format!("{reason:?}"),
                        });
                    }
                }
                _ => {}
            }
            self.on_swarm_event(event);
        }
        Ok(addresses)
    }

    async fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            // Not biased: each lane gets its turn, whatever the others carry.
            tokio::select! {
                command = commands.recv() => match command {
                    None | Some(Command::Shutdown) => break,
                    Some(command) => self.on_command(command),
                },
                event = self.swarm.select_next_some() => self.on_swarm_event(event),
                (peer, stream) = self.watches.incoming() => self.on_incoming_watch(peer, stream),
                () = self.events.room(), if !self.news.is_empty() => self.news.flush(&self.events),
                _ = tick.tick() => self.on_tick(),
            }
        }
        self.farewell().await;
    }

    /// Order: close first and let the closing reach the wire, then drop the swarm. Dropped
    /// connections say nothing, and peers would find out by their own timeouts only.
    async fn farewell(&mut self) {
        let connected: Vec<PeerId> = self.swarm.connected_peers().copied().collect();
        for peer in connected {
            let _ = self.swarm.disconnect_peer_id(peer);
        }
        let closing = async {
            while self.swarm.network_info().num_peers() > 0 {
                let event = self.swarm.select_next_some().await;
                tracing::trace!(?event, "closing");
            }
        };
        let _ = timeout(FAREWELL, closing).await;
        tokio::time::sleep(LINGER).await;
    }

    fn on_command(&mut self, command: Command) {
        match command {
            Command::Publish { topic, data } => self.publish(topic, data),
            Command::Report {
                id,
                source,
                verdict,
            } => self.report(&id, &source, verdict),
            Command::Request {
                peer,
                service,
                data,
                answer,
            } => self.ask(peer, service, data, answer),
            Command::Respond { id, answer } => self.respond(id, answer),
            Command::SetHeight(height) => self.hello.height = height,
            Command::OpenWatch {
                peer,
                request,
                opened,
            } => self.open_watch(peer, request, opened),
            Command::Peers(reply) => {
                // The asker may have gone away meanwhile; then nobody misses the answer.
                let _ = reply.send(self.snapshot());
            }
            Command::Keep { peer, addresses } => self.keep(peer, addresses),
            Command::Seek { peer, addresses } => {
                if !self.seek(peer, addresses) {
                    tracing::debug!(%peer, "not sought: too many are");
                }
            }
            Command::RoundTrip { peer, answer } => self.round_trip(&peer, answer),
            Command::Neighbours(reply) => {
                let _ = reply.send(self.neighbours());
            }
            Command::Whereabouts(reply) => {
                let _ = reply.send(self.whereabouts());
            }
            Command::Disconnect(peer) => {
                self.dialler.drop_peer(&peer);
                self.reach.routes.drop_peer(&peer);
                let _ = self.swarm.disconnect_peer_id(peer);
            }
            Command::Ban(peer) => {
                self.dialler.drop_peer(&peer);
                self.reach.routes.drop_peer(&peer);
                self.swarm.behaviour_mut().blocked.block_peer(peer);
            }
            // Shutdown is taken by the loop itself.
            Command::Shutdown => {}
        }
    }

    fn keep(&mut self, peer: PeerId, addresses: Vec<Multiaddr>) {
        // Never dial ourselves, and nobody without an address.
        if peer == *self.swarm.local_peer_id() || addresses.is_empty() {
            return;
        }
        let both_vote = self.config.validators.contains(&peer)
            && self.config.validators.contains(self.swarm.local_peer_id());
        let cap = if both_vote {
            VALIDATOR_CAP
        } else {
            BACKOFF_CAP
        };
        self.dialler.keep(peer, addresses, cap, clock::now());
    }

    fn on_swarm_event(&mut self, event: SwarmEvent<SpeechEvent>) {
        self.metrics.record(&event);
        if self.on_reach_swarm(&event) {
            return;
        }
        match event {
            SwarmEvent::Behaviour(event) => self.on_speech(event),
            SwarmEvent::ConnectionEstablished {
                peer_id,
                connection_id,
                endpoint,
                ..
            } => self.on_connected(peer_id, connection_id, &endpoint),
            SwarmEvent::ConnectionClosed {
                peer_id,
                connection_id,
                cause,
                ..
            } => {
                tracing::debug!(peer = %peer_id, ?cause, "connection closed");
                self.on_disconnected(&peer_id, connection_id);
            }
            SwarmEvent::OutgoingConnectionError {
                peer_id: Some(peer),
                connection_id,
                error,
            } => self.on_dial_failed(peer, connection_id, &error),
            SwarmEvent::IncomingConnectionError { error, .. } => self.on_not_taken(&error),
            SwarmEvent::NewListenAddr { address, .. } => {
                self.tell(Event::Listening(address));
            }
            SwarmEvent::ListenerClosed {
                reason: Err(error), ..
            } => self.tell(Event::ListenerLost {
                reason: error.to_string(),
            }),
            _ => {}
        }
    }

    fn on_speech(&mut self, event: SpeechEvent) {
        match event {
            SpeechEvent::Ping(event) => self.on_ping(&event),
            SpeechEvent::Hello(event) => self.on_hello(event),
            SpeechEvent::Exchanges(event) => self.on_service(event),
            SpeechEvent::Gossip(event) => self.on_gossip(event),
            SpeechEvent::Reach(event) => self.on_reach(event),
            // The rest never report.
            _ => {}
        }
    }

    fn on_connected(&mut self, peer: PeerId, connection: ConnectionId, endpoint: &ConnectedPoint) {
        let address = endpoint.get_remote_address().clone();
        tracing::debug!(%peer, %address, dialled = endpoint.is_dialer(), "connected");
        let Some(route) = self.route_of(&peer, connection, endpoint) else {
            return;
        };
        let now = clock::now();
        let link = Link {
            since: now,
            alive: now,
            address,
            route,
            is_dialled: endpoint.is_dialer(),
        };
        self.peers.opened(peer, connection, link, now);
        self.dialler.connected(&peer);
        self.reach_opened(&peer, connection, route);
        if endpoint.is_dialer() {
            self.say_hello(&peer);
        }
    }

    fn on_disconnected(&mut self, peer: &PeerId, connection: ConnectionId) {
        let now = clock::now();
        let ended = self.peers.closed(peer, connection, now);
        self.reach_closed(peer, connection);
        let Some(greeting) = ended else {
            return;
        };
        self.conduct.forget(peer);
        let was_up = match greeting {
            Greeting::Up(_) => {
                let down = Event::PeerDown { peer: *peer };
                self.news.tell(&self.events, down);
                WasUp::Yes
            }
            _ => WasUp::No,
        };
        if let Some((attempts, reason)) = self.dialler.lost(peer, was_up, now) {
            self.tell(Event::BootstrapUnreachable {
                peer: *peer,
                attempts,
                reason,
            });
        }
    }

    /// A connection to us came to nothing. Handshakes that failed are the other side's affair.
    fn on_not_taken(&mut self, error: &ListenError) {
        let ListenError::Denied { cause } = error else {
            return;
        };
        self.metrics.count(Count::connections_refused);
        match cause.downcast_ref::<Full>() {
            Some(full) => {
                if full.is_of_address() {
                    self.metrics.count(Count::connections_refused_by_address);
                }
                tracing::debug!(reason = %full, "a connection was not taken");
            }
            None => tracing::debug!(reason = %cause, "a connection was not taken"),
        }
    }

    fn on_dial_failed(&mut self, peer: PeerId, connection: ConnectionId, error: &DialError) {
        self.reach.dialled.remove(&connection);
        let reason = dial_reason(error);
        let now = clock::now();
        if self
            .reach
            .routes
            .failed(&peer, connection, reason.clone(), now)
        {
            self.metrics.count(Count::dials_failed);
            return;
        }
        let failed = self
            .dialler
            .failed(&peer, connection, reason.clone(), clock::now());
        if let Some(attempts) = failed {
            tracing::debug!(%peer, attempts, reason, "dial failed");
            self.metrics.count(Count::dials_failed);
            self.tell(Event::BootstrapUnreachable {
                peer,
                attempts,
                reason,
            });
        }
    }

    /// News that may be lost when nobody listens.
    pub(super) fn tell(&self, event: Event) {
        if let Err(event) = self.events.offer(Lane::Bulk, event) {
            tracing::debug!(?event, "the event queue is full: dropped");
        }
    }
}

/// The short form: what failed at each address, without the library's nesting.
fn dial_reason(error: &DialError) -> String {
    match error {
        DialError::Transport(addresses) => addresses
            .iter()
            .map(|(address, error)| format!("{address}: {}", innermost(error)))
            .collect::<Vec<_>>()
            .join("; "),
        other => other.to_string(),
    }
}

fn innermost(error: &dyn std::error::Error) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}
