//! Finding the wallets of an account, and telling them something: by the best way there is, through a relay at first if
//! need be.
//!
//! Whereabouts are hearsay, and it does no harm: the message is signed, and says nothing that its reader may not know.
//! Never: dial what the network does not carry; that is the fence's. Next: `node/network/reach/`.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;

use super::{Counter, Dealt};
use crate::behaviour::{Multiaddr, PeerId, Service};
use crate::chain::codec::{Decode as _, Encode as _};
use crate::chain::key::Address;
use crate::directory::card::{Card, Role};
use crate::directory::exchange::{Answer, Question, Request};
use crate::directory::{address, peer};
use crate::node::network::{RequestError, Route};
use crate::node::session::{Inner, Session, Whom, clock_now};
use crate::wallet::dealings::message::{Message, Reply};

/// Wallets of one account that are told.
const WALLETS: usize = 4;
/// Neighbours on the LAN that are asked who they are.
const NEIGHBOURS: usize = 32;
/// How long a wallet is sought.
const SEEKING: Duration = Duration::from_secs(8);
/// How long a direct way is waited for once a relayed one stands: hole punching takes so long over a poor line.
const STRAIGHTENING: Duration = Duration::from_secs(4);
/// How often something is said where the way changes meanwhile.
const TRIES: usize = 3;
/// A wallet that nobody has spoken to for so long is let go.
const IDLE: Duration = Duration::from_secs(60);

impl Counter {
    /// Tells all wallets of an account that can be found, and the machine what came of it.
    pub(super) async fn deliver(
        self: &Arc<Self>,
        session: &Arc<Inner>,
        to: Address,
        message: &Message,
    ) {
        let (id, bytes) = (message.id(), message.to_bytes());
        let (told, found) = self.tell_all(session, &to, &bytes).await;
        self.tell_owner(match told {
            Some((reply, route)) => Dealt::Told {
                to,
                message: id,
                route,
                reply,
            },
            None => Dealt::Untold {
                to,
                message: id,
                found,
            },
        });
        let reply = told.map(|(reply, _)| reply);
        self.feed(session, move |machine, _| machine.told(&id, reply))
            .await;
    }

    /// The best answer, and how many wallets were found.
    async fn tell_all(
        &self,
        session: &Arc<Inner>,
        to: &Address,
        bytes: &[u8],
    ) -> (Option<(Reply, Option<Route>)>, usize) {
        // Whoever spoke to us a moment ago hears the answer on the same connection.
        let spoke = self.people().spoke.get(to).copied();
        if let Some(peer) = spoke.filter(|peer| !self.people().sought.contains_key(peer))
            && let Some(answer) = say(session, peer, bytes).await
            && answer.0 == Reply::Taken
        {
            return (Some(answer), 1);
        }
        let cards = Session(Arc::clone(session))
            .look_up(Whom::Account(*to))
            .await;
        let wallets: Vec<(PeerId, Vec<Multiaddr>)> = cards
            .unwrap_or_default()
            .iter()
            .filter(|card| card.whereabouts.role == Role::Wallet)
            .filter_map(whereabouts)
            .filter(|(peer, _)| session.index_of(peer).is_none())
            .take(WALLETS)
            .collect();
        let wallets = match wallets.is_empty() {
            false => wallets,
            true => self.neighbours_of(session, to).await,
        };
        let found = wallets.len();
        let telling = wallets
            .into_iter()
            .map(|(peer, addresses)| self.tell(session, peer, addresses, bytes));
        let mut answers: Vec<(Reply, Option<Route>)> =
            join_all(telling).await.into_iter().flatten().collect();
        answers.sort_by_key(|(reply, _)| *reply);
        (answers.into_iter().next(), found)
    }

    async fn tell(
        &self,
        session: &Arc<Inner>,
        peer: PeerId,
        addresses: Vec<Multiaddr>,
        bytes: &[u8],
    ) -> Option<(Reply, Option<Route>)> {
        self.get_in_touch(session, peer, addresses).await?;
        self.straighten(session, &peer).await;
        if let Some(last) = self.people().sought.get_mut(&peer) {
            *last = clock_now();
        }
        say(session, peer, bytes).await
    }

    /// Seeks a peer until it is up, or for a while.
    async fn get_in_touch(
        &self,
        session: &Arc<Inner>,
        peer: PeerId,
        addresses: Vec<Multiaddr>,
    ) -> Option<()> {
        if is_up(session, &peer).await {
            return Some(());
        }
        self.people().sought.insert(peer, clock_now());
        session.network.seek(peer, addresses).await.ok()?;
        let deadline = clock_now() + SEEKING;
        while !is_up(session, &peer).await {
            if !session.something_happens(deadline).await {
                return None;
            }
        }
        Some(())
    }

    /// A way through a relay is given a moment to become a direct one: then the relay carries no more than the handshake.
    async fn straighten(&self, session: &Arc<Inner>, peer: &PeerId) {
        let deadline = clock_now() + STRAIGHTENING;
        while route(session, peer).await == Some(Route::Relayed)
            && session.something_happens(deadline).await
        {}
    }

    /// Wallets of an account on the LAN, where it is listened to: each neighbour is asked for its card.
    async fn neighbours_of(
        &self,
        session: &Arc<Inner>,
        account: &Address,
    ) -> Vec<(PeerId, Vec<Multiaddr>)> {
        let neighbours = session.network.neighbours().await.unwrap_or_default();
        let strangers = neighbours
            .into_iter()
            .filter(|peer| session.index_of(peer).is_none())
            .take(NEIGHBOURS);
        let asking = strangers.map(async |peer| {
            self.get_in_touch(session, peer, Vec::new()).await?;
            let of_account = Request::Ask(Question::OfAccount(*account));
            let Ok(Answer::Cards(cards)) = session.ask_directory(peer, &of_account).await else {
                return None;
            };
            let card = cards.into_iter().next()?;
            let said = &card.whereabouts;
            let is_theirs = said.account == *account
                && said.network == session.bootstrap.genesis().hash()
                && peer::peer_id(&said.peer) == Some(peer);
            (is_theirs && card.prove().is_ok()).then_some((peer, Vec::new()))
        });
        join_all(asking).await.into_iter().flatten().collect()
    }

    /// Connections that nobody has needed for a while are closed.
    pub(super) async fn let_go(&self, session: &Inner) {
        let now = clock_now();
        let idle: Vec<PeerId> = {
            let mut people = self.people();
            let sought = people.sought.iter();
            let idle = sought.filter(|(_, last)| now.saturating_duration_since(**last) > IDLE);
            let idle: Vec<PeerId> = idle.map(|(peer, _)| *peer).collect();
            people.sought.retain(|peer, _| !idle.contains(peer));
            idle
        };
        for peer in idle {
            let _ = session.network.disconnect(peer).await;
        }
    }
}

/// Where a card's wallet is.
fn whereabouts(card: &Card) -> Option<(PeerId, Vec<Multiaddr>)> {
    let said = &card.whereabouts;
    let addresses = said.addresses().iter();
    let addresses = addresses.filter_map(address::to_multiaddr).collect();
    Some((peer::peer_id(&said.peer)?, addresses))
}

async fn is_up(session: &Inner, peer: &PeerId) -> bool {
    let peers = session.network.peers().await.unwrap_or_default();
    peers.iter().any(|info| info.peer == *peer && info.is_up())
}

/// Says it to a peer that is up. A way that is given up for a better one takes what was under way with it: then it is
/// said again, since to hear it twice changes nothing.
async fn say(session: &Inner, peer: PeerId, bytes: &[u8]) -> Option<(Reply, Option<Route>)> {
    for _ in 0..TRIES {
        let asked = session.network.request(peer, Service::Pay, bytes.to_vec());
        match asked.await {
            Ok(answer) => {
                let reply = Reply::from_bytes(&answer).ok()?;
                return Some((reply, route(session, &peer).await));
            }
            Err(error) => {
                tracing::debug!(%peer, %error, "another wallet could not be told");
                let was_cut = matches!(error, RequestError::ConnectionLost);
                if !was_cut || !is_up(session, &peer).await {
                    return None;
                }
            }
        }
    }
    None
}

async fn route(session: &Inner, peer: &PeerId) -> Option<Route> {
    let peers = session.network.peers().await.unwrap_or_default();
    peers.into_iter().find(|info| info.peer == *peer)?.route
}
