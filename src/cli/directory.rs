//! `wallet directory` and `node directory`: who is there, since when and by which way.
//!
//! A card says where somebody is by their own word, checked by two signatures; whose name belongs to the account is proven.

use std::collections::{BTreeMap, BTreeSet};
use std::future::ready;
use std::path::Path;

use futures::stream::{self, StreamExt as _};

use super::arguments::Directory as Arguments;
use super::context::Context;
use super::failure::{Exit, Failure};
use super::node::named_home;
use super::online::with_session;
use super::report::directory::{Directory, Found, Route};
use super::values::{Whom, whom};
use crate::chain::key::Address;
use crate::chain::name::Name;
use crate::directory::address::to_multiaddr;
use crate::directory::card::Card;
use crate::directory::{peer, utc};
use crate::node::clock;
use crate::node::inquiry::{self, InquiryError};
use crate::node::session::{self, Session, SessionConfig, SessionError};

/// Most accounts whose names are looked up for one list.
const MAX_NAMED: usize = 64;
/// Most questions asked at once for names.
const AT_ONCE: usize = 4;

/// `wallet directory`: asks two nodes of the network.
///
/// # Errors
/// If no node can be reached, or nobody of that name or address is there.
pub async fn of_wallet(context: &Context, arguments: &Arguments) -> Result<Directory, Failure> {
    let whom = arguments.who.as_deref().map(whom).transpose()?;
    with_session(context, async |session| look(session, whom.as_ref()).await).await
}

/// `node directory`: asks the running node of a home.
///
/// # Errors
/// If it does not answer, or nobody of that name or address is there.
pub async fn of_node(
    context: &Context,
    home: Option<&Path>,
    arguments: &Arguments,
) -> Result<Directory, Failure> {
    let whom = arguments.who.as_deref().map(whom).transpose()?;
    let home = named_home(context, home)?;
    let session = Session::start(SessionConfig::new(inquiry::way_in(&home))).await?;
    let progress = context.output.progress("asking the node");
    let found = match session.ready().await {
        Ok(()) => look(&session, whom.as_ref()).await,
        Err(SessionError::NoNode { tried, .. }) => {
            let why = tried.into_iter().map(|one| one.why.replace("; ", ", "));
            Err(Failure::from(InquiryError::NotRunning {
                name: home.name().to_string(),
                home: home.folder().display().to_string(),
                why: why.collect(),
            }))
        }
        Err(error) => Err(error.into()),
    };
    drop(progress);
    session.close().await;
    found
}

/// Who is there, or where somebody is.
///
/// # Errors
/// If no node can be reached, or nobody of that name or address is there.
pub async fn look(session: &Session, whom: Option<&Whom>) -> Result<Directory, Failure> {
    let cards = match whom {
        None => session.everybody().await?,
        Some(Whom::Address(address)) => of_account(session, *address).await?,
        Some(Whom::Name(name)) => {
            let owner = session.resolve(name).await?.value.address;
            of_account(session, owner).await?
        }
        Some(Whom::Peer(peer)) => session.look_up(session::Whom::Peer(*peer)).await?,
    };
    if let Some(whom) = whom
        && cards.is_empty()
    {
        return Err(Failure::new(
            Exit::Rejected,
            "not_there",
            format!("{whom} is not in the directory now"),
            "they may be away, or watch with --private; a payment reaches them all the same",
        ));
    }
    let names = names_of(session, &cards).await?;
    let height = session.newest().height;
    let now_ms = clock::unix_ms();
    Ok(Directory {
        status: "ok",
        network: session.bootstrap().network().to_owned(),
        height,
        is_list: whom.is_none(),
        found: cards
            .iter()
            .map(|card| found(session, card, &names, now_ms))
            .collect(),
    })
}

async fn of_account(session: &Session, address: Address) -> Result<Vec<Card>, SessionError> {
    session.look_up(session::Whom::Account(address)).await
}

/// The names that these cards' accounts have in the ledger, with proofs; of a long list the first ones.
async fn names_of(session: &Session, cards: &[Card]) -> Result<BTreeMap<Address, Name>, Failure> {
    let accounts: Vec<Address> = cards.iter().map(|card| card.whereabouts.account).collect();
    let mut seen = BTreeSet::new();
    let first = accounts.into_iter().filter(|account| seen.insert(*account));
    let look_up = async |address: Address| {
        let account = session.account(address).await.ok()?.value?;
        Some((address, account.name?))
    };
    let first: Vec<Address> = first.take(MAX_NAMED).collect();
    Ok(stream::iter(first)
        .map(look_up)
        .buffer_unordered(AT_ONCE)
        .filter_map(ready)
        .collect()
        .await)
}

fn found(session: &Session, card: &Card, names: &BTreeMap<Address, Name>, now_ms: u64) -> Found {
    let said = &card.whereabouts;
    let node = session.bootstrap().node_of(&said.peer);
    let is_relayed = |relayed: bool| {
        let mut addresses = said.addresses().iter();
        addresses.any(|address| address.relay().is_some() == relayed)
    };
    Found {
        account: said.account,
        name: names.get(&said.account).cloned(),
        node: node.map(|node| node.name.clone()),
        // Both have signed, so the key is a point.
        peer_id: peer::peer_id(&said.peer).map_or_else(String::new, |peer| peer.to_string()),
        role: said.role.to_string(),
        route: match (is_relayed(false), is_relayed(true)) {
            (true, _) => Route::Direct,
            (false, true) => Route::Relayed,
            (false, false) => Route::None,
        },
        addresses: said
            .addresses()
            .iter()
            .filter_map(to_multiaddr)
            .map(|address| address.to_string())
            .collect(),
        since: utc::format(said.issued_at_ms),
        until: utc::format(said.ends_at_ms()),
        said_ago_s: now_ms.saturating_sub(said.issued_at_ms) / 1000,
    }
}
