//! `/v1/accounts`, `/v1/names`, `/v1/search`: who is here, and finding things.

use axum::Json;
use axum::extract::{Path, Query as Wish, State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Shared;
use super::failure::Failure;
use super::show;
use crate::chain::codec::Decode as _;
use crate::chain::hash::Hash;
use crate::chain::key::Address;
use crate::chain::name::Name;
use crate::chain::query::{Answer, Query};
use crate::directory::utc;
use crate::node::window::{NAMES, NoAnswer, PAGE};

/// What may be wished for.
#[derive(Debug, Default, Deserialize)]
pub struct Wishes {
    /// The number of the last activity that is wished for.
    pub before: Option<u64>,
    /// From this name on.
    pub from: Option<String>,
    /// At most so many.
    pub limit: Option<u64>,
    /// `none` leaves the proof out.
    pub proof: Option<String>,
    /// What is sought.
    pub q: Option<String>,
}

/// Whether the proof is to be given.
pub fn wants_proof(wish: Option<&str>) -> bool {
    wish != Some("none")
}

/// A count within its bounds.
///
/// # Errors
/// If it is zero; more than `most` is `most`.
pub fn limit(wish: Option<u64>, usual: u64, most: u64) -> Result<u64, Failure> {
    match wish {
        Some(0) => Err(Failure::usage(
            format!("limit is 0: 1 to {most} is possible"),
            "leave limit out, or make it larger",
        )),
        Some(wish) => Ok(wish.min(most)),
        None => Ok(usual),
    }
}

/// An account by its address, or by its name with `@`.
async fn address(shared: &Shared, who: &str) -> Result<Address, Failure> {
    match who.strip_prefix('@') {
        None => Ok(who.parse()?),
        Some(name) => {
            let name: Name = name.parse()?;
            let (owner, height) = owner(shared, &name).await?;
            owner.ok_or_else(|| Failure::name_unknown(&name, height))
        }
    }
}

async fn owner(shared: &Shared, name: &Name) -> Result<(Option<Address>, u64), Failure> {
    let bytes = shared.view.ask(&Query::Name(name.clone())).await?;
    let Ok(Answer::Name(answer)) = Answer::from_bytes(&bytes) else {
        return Err(NoAnswer::Busy.into());
    };
    let owner = answer.owner.as_ref().map(|owner| owner.address);
    Ok((owner, show::height(&answer.anchor)))
}

/// `GET /v1/accounts/{account}`.
pub async fn account(
    State(shared): State<Shared>,
    Path(who): Path<String>,
    Wish(wishes): Wish<Wishes>,
) -> Result<Json<Value>, Failure> {
    let address = address(&shared, &who).await?;
    let query = Query::Account(address);
    let bytes = shared.view.ask(&query).await?;
    let Ok(Answer::Account(answer)) = Answer::from_bytes(&bytes) else {
        return Err(NoAnswer::Busy.into());
    };
    let account = answer.account.as_ref();
    let name = account.and_then(|account| account.name.clone());
    shared.live.remember_name(address, name);
    let mut value = show::account(&address, account, show::height(&answer.anchor));
    if wants_proof(wishes.proof.as_deref()) {
        let anchor = show::anchored(&answer.anchor);
        value["proof"] = show::proof(&query, &bytes, anchor, shared.view.bootstrap());
    }
    Ok(Json(value))
}

/// `GET /v1/accounts/{account}/activities`: newest first.
pub async fn activities(
    State(shared): State<Shared>,
    Path(who): Path<String>,
    Wish(wishes): Wish<Wishes>,
) -> Result<Json<Value>, Failure> {
    let address = address(&shared, &who).await?;
    let count = limit(wishes.limit, u64::from(PAGE), u64::from(PAGE))?;
    let query = Query::Activities {
        address,
        upto: wishes.before,
        limit: u8::try_from(count).unwrap_or(PAGE),
    };
    let bytes = shared.view.ask(&query).await?;
    let Ok(Answer::Activities(answer)) = Answer::from_bytes(&bytes) else {
        let hint = "leave `before` out for the newest activities";
        return Err(Failure::not_found("this page of activities", hint));
    };
    let entries = answer.page.entries.iter().rev().map(|entry| {
        let mut shown = show::transaction(&entry.transaction, &shared.live);
        shown["status"] = "final".into();
        shown["height"] = entry.height.into();
        shown["time"] = utc::format(entry.time_ms).into();
        shown["time_ms"] = entry.time_ms.into();
        shown["is_received"] = (entry.transaction.sender != address).into();
        shown
    });
    let next = answer.page.start.number;
    let mut value = json!({
        "address": address,
        "total": answer.account.as_ref().map_or(0, |account| account.activities),
        "height": show::height(&answer.anchor),
        "activities": entries.collect::<Vec<_>>(),
        "next": (next > 0).then_some(next),
    });
    if wants_proof(wishes.proof.as_deref()) {
        let anchor = show::anchored(&answer.anchor);
        value["proof"] = show::proof(&query, &bytes, anchor, shared.view.bootstrap());
    }
    Ok(Json(value))
}

/// `GET /v1/names`: in their order, from one on.
pub async fn names(
    State(shared): State<Shared>,
    Wish(wishes): Wish<Wishes>,
) -> Result<Json<Value>, Failure> {
    let most = NAMES as u64 - 1;
    let count = limit(wishes.limit, most, most)?;
    let count = usize::try_from(count).unwrap_or(NAMES);
    let from = wishes.from.map(|name| name.trim_start_matches('@').parse());
    let mut found = shared.view.names(from.transpose()?, count + 1).await?;
    let next = match found.len() > count {
        true => found.pop().map(|(name, _)| name),
        false => None,
    };
    let names = found
        .iter()
        .map(|(name, address)| json!({"name": name, "address": address}));
    Ok(Json(
        json!({"names": names.collect::<Vec<_>>(), "next": next}),
    ))
}

/// `GET /v1/names/{name}`: whose it is, or that it is free.
pub async fn name(
    State(shared): State<Shared>,
    Path(name): Path<String>,
    Wish(wishes): Wish<Wishes>,
) -> Result<Json<Value>, Failure> {
    let name: Name = name.trim_start_matches('@').parse()?;
    let query = Query::Name(name.clone());
    let bytes = shared.view.ask(&query).await?;
    let Ok(Answer::Name(answer)) = Answer::from_bytes(&bytes) else {
        return Err(NoAnswer::Busy.into());
    };
    let mut value = json!({
        "name": name,
        "is_free": answer.owner.is_none(),
        "address": answer.owner.as_ref().map(|owner| owner.address),
        "balance": answer.owner.as_ref().map(|owner| owner.account.balance),
        "height": show::height(&answer.anchor),
    });
    if wants_proof(wishes.proof.as_deref()) {
        let anchor = show::anchored(&answer.anchor);
        value["proof"] = show::proof(&query, &bytes, anchor, shared.view.bootstrap());
    }
    Ok(Json(value))
}

/// `GET /v1/search`: what a text means: an address, a name, a height, a block's or a transaction's hash.
pub async fn search(
    State(shared): State<Shared>,
    Wish(wishes): Wish<Wishes>,
) -> Result<Json<Value>, Failure> {
    let asked = wishes.q.unwrap_or_default();
    let text = asked.trim();
    let mut results = Vec::new();
    let is_short = text.len() <= 80;
    if let (true, Ok(height)) = (is_short, text.replace([',', ' '], "").parse::<u64>()) {
        if (1..=shared.view.condition().borrow().height).contains(&height) {
            results.push(
                json!({"kind": "block", "height": height, "page": format!("/block/{height}")}),
            );
        }
    } else if let (true, Ok(hash)) = (is_short, text.parse::<Hash>()) {
        if let Some(height) = shared.live.height_of(&hash) {
            results.push(
                json!({"kind": "block", "height": height, "page": format!("/block/{height}")}),
            );
        }
        let bytes = shared.view.ask(&Query::Transaction(hash)).await?;
        if let Ok(Answer::Transaction(_)) = Answer::from_bytes(&bytes) {
            results.push(
                json!({"kind": "payment", "transaction": hash, "page": format!("/payment/{hash}")}),
            );
        }
    }
    if let (true, Ok(address)) = (is_short, text.parse::<Address>()) {
        results.push(
            json!({"kind": "account", "address": address, "page": format!("/account/{address}")}),
        );
    } else if let (true, Ok(name)) = (is_short, text.trim_start_matches('@').parse::<Name>()) {
        let (owner, _) = owner(&shared, &name).await?;
        if let Some(address) = owner {
            let page = format!("/account/{address}");
            results.push(json!({"kind": "name", "name": name, "address": address, "page": page}));
        }
        // Whoever knows only how a name begins is shown those that begin so.
        for (found, address) in shared.view.names(Some(name.clone()), 8).await? {
            if found != name && found.as_str().starts_with(name.as_str()) {
                let page = format!("/account/{address}");
                results
                    .push(json!({"kind": "name", "name": found, "address": address, "page": page}));
            }
        }
    }
    Ok(Json(
        json!({"query": text.chars().take(80).collect::<String>(), "results": results}),
    ))
}
