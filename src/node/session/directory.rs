//! Who is where: cards asked of nodes, and proved here before anything of them is believed.
//!
//! What comes out is signed by account and peer, of this network, and not over. It is hearsay all the same: a node can
//! keep cards back, so two are asked. Next: `directory/exchange.rs`.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::error::SessionError;
use super::{Inner, Session};
use crate::behaviour::{PeerId, Service};
use crate::chain::codec::{Decode as _, Encode as _};
use crate::chain::key::{Address, PublicKey};
use crate::directory::book::{Book, Standing};
use crate::directory::card::Card;
use crate::directory::exchange::{Answer, Heard, Question, Request, Visit};
use crate::node::clock;
use crate::wallet::payment::NodeIndex;

/// Most cards that a wallet holds: what one visit fetches.
const ROOM: usize = 4096;
/// How many nodes are asked: one may keep something back.
const ASKED: usize = 2;
/// How many where those knew of nobody.
const MOST_ASKED: usize = 8;
/// An answer that takes longer does not come.
const ANSWER: Duration = Duration::from_secs(4);

/// Whom to look up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whom {
    /// The peers of an account.
    Account(Address),
    /// One peer.
    Peer(PublicKey),
}

impl Whom {
    fn question(self) -> Question {
        match self {
            Self::Account(account) => Question::OfAccount(account),
            Self::Peer(peer) => Question::OfPeer(peer),
        }
    }

    fn is(self, card: &Card) -> bool {
        let said = &card.whereabouts;
        match self {
            Self::Account(account) => said.account == account,
            Self::Peer(peer) => said.peer == peer,
        }
    }
}

/// What is wanted of a node's directory.
#[derive(Debug, Clone, Copy)]
enum Errand {
    LookUp(Whom),
    /// Everything.
    Visit,
}

impl Session {
    /// The cards of an account or a peer, the newest first; none if nobody of them is there.
    ///
    /// # Errors
    /// [`SessionError::NoNode`] if no node can be asked.
    pub async fn look_up(&self, whom: Whom) -> Result<Vec<Card>, SessionError> {
        let mut book = self.empty_book();
        let errand = Errand::LookUp(whom);
        self.0.at_some_nodes(errand, &mut book).await?;
        Ok(present(&book))
    }

    /// Everybody who is there, at most as many as a wallet has room for, the newest first.
    ///
    /// # Errors
    /// As [`Session::look_up`].
    pub async fn everybody(&self) -> Result<Vec<Card>, SessionError> {
        let mut book = self.empty_book();
        self.0.at_some_nodes(Errand::Visit, &mut book).await?;
        Ok(present(&book))
    }

    fn empty_book(&self) -> Book {
        Book::with_room(self.0.bootstrap.genesis().hash(), ROOM)
    }
}

impl Inner {
    /// Runs an errand at the nodes that can be asked, the preferred first, until enough have answered.
    async fn at_some_nodes(&self, errand: Errand, book: &mut Book) -> Result<(), SessionError> {
        let mut failed = BTreeMap::new();
        let mut answered = 0;
        for (node, peer) in self.directories() {
            let done = match errand {
                Errand::LookUp(whom) => self.look_up(peer, whom, book).await,
                Errand::Visit => self.visit(peer, book).await,
            };
            match done {
                Ok(()) => answered += 1,
                Err(why) => drop(failed.insert(node, why)),
            }
            // A card is with two nodes first and with all a moment later: where none is found, others may have it.
            let is_missed = matches!(errand, Errand::LookUp(_)) && book.is_empty();
            if answered >= ASKED && !(is_missed && answered < MOST_ASKED) {
                break;
            }
        }
        match answered {
            0 => Err(self.no_node(&failed)),
            _ => Ok(()),
        }
    }

    async fn look_up(&self, peer: PeerId, whom: Whom, book: &mut Book) -> Result<(), String> {
        let request = Request::Ask(whom.question());
        let Answer::Cards(cards) = self.ask_directory(peer, &request).await? else {
            return Err("it answers another question".to_owned());
        };
        let cards = cards.into_iter().filter(|card| whom.is(card)).collect();
        believe(book, cards).await;
        Ok(())
    }

    /// The nodes that can be asked, the preferred first.
    fn directories(&self) -> Vec<(NodeIndex, PeerId)> {
        let ranked = self.pool().ranked().into_iter();
        ranked
            .filter_map(|node| Some((node, self.peer_of(node)?)))
            .collect()
    }

    /// One question to one node's directory.
    pub(super) async fn ask_directory(
        &self,
        peer: PeerId,
        request: &Request,
    ) -> Result<Answer, String> {
        let asking = self
            .network
            .request(peer, Service::Directory, request.to_bytes());
        let answer = match timeout(ANSWER, asking).await {
            Ok(answer) => answer.map_err(|error| error.to_string())?,
            Err(_) => return Err(format!("no answer within {ANSWER:?}")),
        };
        Answer::from_bytes(&answer).map_err(|error| format!("its answer cannot be read: {error}"))
    }

    /// Fetches what a node's book has and this one lacks.
    async fn visit(&self, peer: PeerId, book: &mut Book) -> Result<(), String> {
        let mut visit = Visit::default();
        visit.only_fetch();
        while let Some(request) = visit.next(book, clock::unix_ms()) {
            let answer = self.ask_directory(peer, &request).await?;
            match visit.heard(book, answer) {
                Heard::Cards(cards) => believe(book, cards).await,
                Heard::HandedIn(_) => {}
                Heard::Misfit => return Err("it answers what was not asked".to_owned()),
            }
        }
        Ok(())
    }
}

/// Proves cards, and puts those that hold into the book; a node's word for the others is worth nothing.
async fn believe(book: &mut Book, cards: Vec<Card>) {
    let now_ms = clock::unix_ms();
    let news = |card: &Card| book.consider(&card.whereabouts, now_ms).is_ok();
    let news: Vec<Card> = cards.into_iter().filter(news).collect();
    if news.is_empty() {
        return;
    }
    let proving = spawn_blocking(move || Card::prove_all(news, &mut rand::rng()));
    for outcome in proving.await.unwrap_or_default() {
        let refused = outcome.and_then(|card| book.put(card, Standing::Stranger, now_ms));
        if let Err(refusal) = refused {
            tracing::debug!(%refusal, "a card is not believed");
        }
    }
}

/// Who has not withdrawn, the newest card first.
fn present(book: &Book) -> Vec<Card> {
    let cards = book.cards().map(|(card, _)| card);
    let mut here: Vec<Card> = cards
        .filter(|card| !card.whereabouts.is_gone())
        .cloned()
        .collect();
    here.sort_by_key(|card| {
        std::cmp::Reverse((card.whereabouts.issued_at_ms, card.whereabouts.peer))
    });
    here
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::testing::{NETWORK, account, peer, wallet};

    /// A wallet's card that is issued now.
    fn said(sequence: u64) -> crate::directory::card::Whereabouts {
        let mut said = wallet(1, 1, sequence);
        said.issued_at_ms = clock::unix_ms();
        said
    }

    #[tokio::test]
    async fn only_what_account_and_peer_have_signed_is_believed() {
        let mut book = Book::with_room(NETWORK, 8);
        let forged = [
            said(3).sign(&account(2), &peer(1)),
            said(4).sign(&account(1), &peer(2)),
        ];
        believe(&mut book, forged.to_vec()).await;
        assert!(book.is_empty());
        let sound = said(2).sign(&account(1), &peer(1));
        believe(&mut book, vec![forged[0].clone(), sound.clone()]).await;
        assert_eq!(present(&book), [sound]);
    }
}
