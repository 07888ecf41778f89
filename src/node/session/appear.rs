//! The session's own card: handed in at two nodes, renewed at half of its life, withdrawn when the session closes.
//!
//! It carries the ways to this wallet through relays, where there are any, and follows them. Its own public address it
//! carries only if the owner says so: it tells everybody where they live. A session's peer is drawn anew each time, so
//! its numbers need no memory. Who never calls [`Session::appear`] publishes nothing. The account's key is held until
//! the session closes, since each renewal wants its signature.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::{Inner, Session, clock_now};
use crate::behaviour::{PeerId, Role};
use crate::chain::codec::{Decode as _, Encode as _};
use crate::chain::key::SecretKey;
use crate::directory::address::to_endpoint;
use crate::directory::card::Card;
use crate::directory::exchange::{Answer, Question, Request};
use crate::directory::publisher::{Owner, Publisher, worth_publishing};
use crate::node::clock;

/// At how many nodes a card is handed in; they tell all others.
const HOLDERS: usize = 2;
/// After a node has refused the card, or none could be asked: doubled each time.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
/// Where the doubling ends.
const LONGEST_PAUSE: Duration = Duration::from_secs(150);
/// How often is looked whether the ways to this wallet have changed.
const LOOK: Duration = Duration::from_secs(1);
/// How long a withdrawal may take.
const FAREWELL: Duration = Duration::from_millis(800);

/// A card that is being kept up.
#[derive(Debug)]
pub(super) struct Appearance {
    leave: oneshot::Sender<()>,
    task: JoinHandle<()>,
    /// The card that stands, for neighbours who ask.
    card: Shown,
}

type Shown = Arc<Mutex<Option<Card>>>;

/// What of its whereabouts a wallet tells everybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Published {
    /// Through which relays it can be reached.
    #[default]
    Relays,
    /// Its own public addresses as well.
    Everything,
}

/// The card of a session, and who holds it.
struct Presence {
    publisher: Publisher,
    published: Published,
    shown: Shown,
    holders: BTreeSet<PeerId>,
    refused: BTreeSet<PeerId>,
    pause: Duration,
}

impl Session {
    /// Lets others find this account here, until the session closes. Gives how many nodes hold the card already.
    ///
    /// Called again, it does nothing.
    pub async fn appear(&self, account: SecretKey, published: Published) -> usize {
        let owner = Owner {
            network: self.0.bootstrap.genesis().hash(),
            account,
            peer: self.0.peer.clone(),
            role: Role::Wallet,
        };
        let mut presence = Presence {
            publisher: Publisher::new(owner, None),
            published,
            shown: Shown::default(),
            holders: BTreeSet::new(),
            refused: BTreeSet::new(),
            pause: FIRST_PAUSE,
        };
        presence.look_around(&self.0).await;
        presence.renew();
        presence.hand_in(&self.0).await;
        let holders = presence.holders.len();
        let card = Arc::clone(&presence.shown);
        let mut appearance = self.0.appearance();
        if appearance.is_none() {
            let (leave, left) = oneshot::channel();
            let task = tokio::spawn(keep_up(Arc::downgrade(&self.0), presence, left));
            *appearance = Some(Appearance { leave, task, card });
        }
        holders
    }
}

impl Inner {
    fn appearance(&self) -> MutexGuard<'_, Option<Appearance>> {
        let appearance = self.appearance.lock();
        appearance.unwrap_or_else(PoisonError::into_inner)
    }

    /// Our own card, for a neighbour without a node who asks whose peer this is; nothing about anybody else.
    pub(super) fn own_card(&self, request: &[u8]) -> Option<Vec<u8>> {
        let Ok(Request::Ask(question)) = Request::from_bytes(request) else {
            return None;
        };
        let appearance = self.appearance();
        let shown = appearance.as_ref()?.card.lock();
        let card = shown.unwrap_or_else(PoisonError::into_inner).clone()?;
        let is_ours = match question {
            Question::OfAccount(account) => account == card.whereabouts.account,
            Question::OfPeer(peer) => peer == card.whereabouts.peer,
            Question::Digest(_) | Question::Difference(_) | Question::Fetch(_) => return None,
        };
        let cards = if is_ours { vec![card] } else { Vec::new() };
        Some(Answer::Cards(cards).to_bytes())
    }

    /// Withdraws the card, if there is one.
    pub(super) async fn disappear(&self) {
        let appearance = self.appearance().take();
        if let Some(Appearance { leave, task, .. }) = appearance
            && leave.send(()).is_ok()
        {
            let _ = timeout(FAREWELL, task).await;
        }
    }
}

async fn keep_up(session: Weak<Inner>, mut presence: Presence, mut leave: oneshot::Receiver<()>) {
    loop {
        let Some(inner) = session.upgrade() else {
            return;
        };
        let mut changed = inner.changed.subscribe();
        presence.renew();
        presence.hand_in(&inner).await;
        let until = presence.next_look();
        let wants_more = presence.holders.len() < HOLDERS;
        // Order: let go of the session before waiting, so that its last hand can end it.
        drop(inner);
        loop {
            tokio::select! {
                left = &mut leave => {
                    // Dropped without a word, the session is gone already.
                    if let (Ok(()), Some(inner)) = (left, session.upgrade()) {
                        presence.withdraw(&inner).await;
                    }
                    return;
                }
                () = sleep_until(until) => {
                    presence.refused.clear();
                    break;
                }
                changed = changed.changed(), if wants_more => match changed {
                    Ok(()) => break,
                    Err(_) => return,
                },
                () = sleep(LOOK) => {
                    let Some(inner) = session.upgrade() else {
                        return;
                    };
                    presence.look_around(&inner).await;
                    if presence.publisher.card().is_none() {
                        break;
                    }
                }
            }
        }
    }
}

impl Presence {
    /// By which ways we can be reached now; a card is due if that is news.
    async fn look_around(&mut self, inner: &Inner) {
        let Ok(found) = inner.network.whereabouts().await else {
            return;
        };
        let own = match self.published {
            Published::Relays => Vec::new(),
            Published::Everything => found.public,
        };
        let relayed = found.relayed.into_iter().map(|mut way| {
            // Behind it stands our own peer id, which the card says once.
            way.pop();
            way
        });
        let ways = own.into_iter().chain(relayed);
        let ways = ways.filter_map(|way| to_endpoint(&way).ok());
        let addresses = worth_publishing(ways, inner.network_scope());
        self.publisher.set_addresses(addresses);
    }

    /// Signs a card if one is due.
    fn renew(&mut self) {
        let now_ms = clock::unix_ms();
        if now_ms < self.publisher.due_at_ms() {
            return;
        }
        let Some(number) = self.publisher.number(now_ms) else {
            return;
        };
        let card = self.publisher.sign(number, now_ms);
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        *shown = Some(card);
        self.holders.clear();
        self.refused.clear();
    }

    /// Hands the card in where it is not yet, until enough hold it.
    async fn hand_in(&mut self, inner: &Inner) {
        let Some(card) = self.publisher.card().cloned() else {
            return;
        };
        let ranked = inner.pool().ranked();
        let peers: Vec<PeerId> = ranked
            .into_iter()
            .filter_map(|node| inner.peer_of(node))
            .collect();
        for peer in peers {
            if self.holders.len() >= HOLDERS {
                return;
            }
            if self.holders.contains(&peer) || self.refused.contains(&peer) {
                continue;
            }
            match put(inner, peer, &card).await {
                Some(0) => {
                    self.holders.insert(peer);
                    self.pause = FIRST_PAUSE;
                }
                mark => {
                    tracing::debug!(%peer, ?mark, "a node does not take our card");
                    if let Some(3 | 4) = mark {
                        tracing::warn!(
                            "a node finds that our card is of another time: set this machine's clock"
                        );
                    }
                    self.refused.insert(peer);
                }
            }
        }
    }

    /// When to look again if nothing happens: when the card is due, or earlier where too few hold it.
    fn next_look(&mut self) -> Instant {
        let due_ms = self.publisher.due_at_ms().saturating_sub(clock::unix_ms());
        let mut wait = Duration::from_millis(due_ms);
        if self.holders.len() < HOLDERS {
            wait = wait.min(self.pause);
            self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        }
        clock_now() + wait
    }

    async fn withdraw(&mut self, inner: &Inner) {
        let now_ms = clock::unix_ms();
        let Some(number) = self.publisher.number(now_ms) else {
            return;
        };
        let gone = self.publisher.withdraw(number, now_ms);
        let telling = self.holders.iter().map(|peer| put(inner, *peer, &gone));
        futures::future::join_all(telling).await;
    }
}

/// Hands in one card; its mark, if the node gave one.
async fn put(inner: &Inner, peer: PeerId, card: &Card) -> Option<u8> {
    let request = Request::Put(vec![card.clone()]);
    match inner.ask_directory(peer, &request).await {
        Ok(Answer::Put(marks)) => marks.first().copied(),
        Ok(_) => None,
        Err(why) => {
            tracing::debug!(%peer, why, "a node could not be given our card");
            None
        }
    }
}
