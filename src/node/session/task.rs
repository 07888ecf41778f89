//! The session's task: the network's news become the pool's, and every node that comes up is asked how it is.
//!
//! Asking at once says three things in one round trip: that the node tells the truth, how far it is, and how fast.
//! The task holds the session weakly and ends with it.
//!
//! Never: decide whom to ask; that is `wallet/pool.rs`. Next: `ask.rs`.

use std::sync::{Arc, Weak};

use super::Inner;
use crate::behaviour::{Declined, PeerId, Refusal, Service};
use crate::node::network::{Event, NetworkEvents};
use crate::wallet::payment::NodeIndex;

/// A node that says that it is so many heights further than what was proven is asked to prove it.
const NEWS: u64 = 2;

pub(super) async fn run(session: Weak<Inner>, mut events: NetworkEvents) {
    while let Some(event) = events.recv().await {
        let Some(session) = session.upgrade() else {
            return;
        };
        on_event(&session, event);
    }
}

fn on_event(session: &Arc<Inner>, event: Event) {
    let index = |peer: &PeerId| session.index_of(peer);
    match event {
        Event::PeerUp { peer, .. } => {
            if let Some(node) = index(&peer) {
                session.change(|pool| pool.came(node));
                probe(session, node);
            }
        }
        Event::PeerDown { peer } => {
            if let Some(node) = index(&peer) {
                session.change(|pool| pool.lost(node));
            }
        }
        Event::Refused { peer, reason, .. } => {
            if let Some(node) = index(&peer) {
                let why = reason.to_string();
                session.change(|pool| match reason {
                    Refusal::ForeignGenesis(_) => pool.foreign(node, why),
                    _ => pool.left(node, why),
                });
            }
        }
        Event::BootstrapUnreachable { peer, reason, .. } => {
            if let Some(node) = index(&peer) {
                let reason = reason.replace(&format!("/p2p/{peer}"), "");
                session.change(|pool| pool.unreachable(node, reason));
            }
        }
        Event::PeerHello { peer, hello } => {
            let newest = session.light().newest().height;
            if let Some(node) = index(&peer)
                && hello.height > newest.saturating_add(NEWS)
            {
                probe(session, node);
            }
        }
        Event::Pinged { peer, rtt } => {
            if let Some(node) = index(&peer) {
                session.change(|pool| pool.measured(node, rtt));
            }
        }
        Event::Request {
            id,
            peer,
            service: Service::Pay,
            data,
        } if let Some(counter) = session.counter.get() => {
            tokio::spawn(Arc::clone(counter).hear(Arc::clone(session), peer, id, data));
        }
        Event::Request {
            id, service, data, ..
        } => {
            let card = match service {
                Service::Directory => session.own_card(&data),
                _ => None,
            };
            let session = Arc::clone(session);
            tokio::spawn(async move {
                let answer = card.ok_or(Declined::Unavailable);
                let _ = session.network.respond(id, answer).await;
            });
        }
        // A wallet hears no gossip and is watched by nobody.
        Event::Listening(_)
        | Event::ListenerLost { .. }
        | Event::Gossip { .. }
        | Event::WatchOpened { .. } => {}
        // Whoever waits for a way looks again.
        Event::Route { .. } => session.change(|_| {}),
    }
}

/// Asks a node how it is. Its number is bounded by the nodes' comings and hellos.
fn probe(session: &Arc<Inner>, node: NodeIndex) {
    let session = Arc::clone(session);
    tokio::spawn(async move {
        // What comes of it stands in the pool.
        let _ = session.probe(node).await;
    });
}
