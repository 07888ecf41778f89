//! `/v1/blocks`, `/v1/transactions`: what is final.

use axum::Json;
use axum::extract::{Path, Query as Wish, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Shared;
use super::failure::Failure;
use super::live::{REMEMBERED, Summary};
use super::people::{limit, wants_proof};
use super::show;
use crate::chain::codec::Decode as _;
use crate::chain::hash::Hash;
use crate::chain::query::{Answer, Query};

/// Most blocks of a page.
const BLOCKS: u64 = 50;
/// Most transactions of a block in one answer; the rest is asked for with `from`.
const IN_BLOCK: usize = 100;

/// What may be wished for.
#[derive(Debug, Default, Deserialize)]
pub struct Wishes {
    /// Only what is below this height.
    pub before: Option<u64>,
    /// At most so many.
    pub limit: Option<u64>,
    /// From this place on.
    pub from: Option<usize>,
    /// `none` leaves the proof out.
    pub proof: Option<String>,
}

/// `GET /v1/blocks`.
pub async fn blocks(
    State(shared): State<Shared>,
    Wish(wishes): Wish<Wishes>,
) -> Result<Json<Value>, Failure> {
    let count = limit(wishes.limit, 20, BLOCKS)?;
    let tip = shared.view.condition().borrow().height;
    let last = match wishes.before {
        Some(before) => tip.min(before.saturating_sub(1)),
        None => tip,
    };
    let first = last.saturating_sub(count - 1).max(1);
    let found = match last {
        0 => Vec::new(),
        _ => summaries(&shared, first, last).await?,
    };
    let bootstrap = shared.view.bootstrap();
    let validators = &bootstrap.genesis().validators;
    let blocks = found
        .iter()
        .map(|block| show::summary(block, validators, bootstrap));
    Ok(Json(json!({
        "height": tip,
        "blocks": blocks.collect::<Vec<_>>(),
        "next": (first > 1 && !found.is_empty()).then_some(first),
    })))
}

/// Newest first: from memory if they are there, else from the log.
async fn summaries(shared: &Shared, first: u64, last: u64) -> Result<Vec<Summary>, Failure> {
    let remembered = shared.live.newest(REMEMBERED);
    let known: Vec<Summary> = remembered
        .into_iter()
        .filter(|one| (first..=last).contains(&one.height))
        .collect();
    if known.len() as u64 == last - first + 1 {
        return Ok(known);
    }
    let read = shared.view.blocks(first..=last).await?;
    Ok(read.iter().rev().map(Summary::of).collect())
}

/// `GET /v1/blocks/{block}`: by height, by hash, or the `latest`.
pub async fn block(
    State(shared): State<Shared>,
    Path(which): Path<String>,
    Wish(wishes): Wish<Wishes>,
) -> Result<Json<Value>, Failure> {
    let tip = shared.view.condition().borrow().height;
    let height = height(&shared, &which, tip)?;
    let found = match height {
        0 => None,
        _ => shared.view.blocks(height..=height).await?.pop(),
    };
    let found = found.ok_or_else(|| no_block(height, tip))?;
    let bootstrap = shared.view.bootstrap();
    let validators = &bootstrap.genesis().validators;
    let mut value = show::summary(&Summary::of(&found), validators, bootstrap);
    show::header(&mut value, &found.block.header);
    let all = &found.block.transactions;
    let from = wishes.from.unwrap_or(0).min(all.len());
    let part = all.iter().enumerate().skip(from).take(IN_BLOCK);
    let part = part.map(|(index, one)| {
        let mut shown = show::transaction(&one.transaction, &shared.live);
        shown["index"] = index.into();
        shown
    });
    value["content"] = part.collect();
    let next = from + IN_BLOCK;
    value["next"] = json!((next < all.len()).then_some(next));
    value["tip"] = tip.into();
    if wants_proof(wishes.proof.as_deref()) {
        let query = Query::Block(height);
        let answer = shared.view.ask(&query).await?;
        let certified = crate::chain::query::Certified {
            header: found.block.header,
            certificate: found.certificate,
        };
        value["proof"] = show::proof(&query, &answer, Some(&certified), bootstrap);
    }
    Ok(Json(value))
}

fn height(shared: &Shared, which: &str, tip: u64) -> Result<u64, Failure> {
    if which == "latest" {
        return Ok(tip);
    }
    if which.len() == 64 {
        let hash: Hash = which.parse()?;
        return shared.live.height_of(&hash).ok_or_else(|| {
            let hint = format!(
                "a node finds only its newest {REMEMBERED} blocks by their hash: ask by height"
            );
            Failure::not_found(&format!("the block {}", hash.short()), &hint)
        });
    }
    which.parse().map_err(|_| {
        let which: String = which.chars().take(80).collect();
        Failure::usage(
            format!("{which:?} is no block: a height, a hash of 64 hexadecimal digits, or latest is expected"),
            "`/v1/blocks` lists the newest",
        )
    })
}

fn no_block(height: u64, tip: u64) -> Failure {
    let message = match (height, tip) {
        (_, 0) => "there is no block yet".to_owned(),
        (0, _) => "there is no block 0: the first block is 1".to_owned(),
        _ => format!("there is no block {height} yet: the newest is {tip}"),
    };
    let hint = "look again when it is there; `/v1/blocks/latest` is the newest";
    Failure::new(StatusCode::NOT_FOUND, "not_found", message, hint)
}

/// `GET /v1/transactions`: the newest.
pub async fn transactions(
    State(shared): State<Shared>,
    Wish(wishes): Wish<Wishes>,
) -> Result<Json<Value>, Failure> {
    let most = super::live::PAYMENTS as u64;
    let count = limit(wishes.limit, 20, most)?;
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    Ok(Json(json!({"transactions": shared.live.payments(count)})))
}

/// `GET /v1/transactions/{id}`: a final one.
pub async fn transaction(
    State(shared): State<Shared>,
    Path(id): Path<String>,
    Wish(wishes): Wish<Wishes>,
) -> Result<Json<Value>, Failure> {
    let id: Hash = id.parse()?;
    let query = Query::Transaction(id);
    let bytes = shared.view.ask(&query).await?;
    let Ok(Answer::Transaction(found)) = Answer::from_bytes(&bytes) else {
        let hint = "it may not be final yet: look again in a moment, or at the sender's account";
        return Err(Failure::not_found(&format!("the transaction {id}"), hint));
    };
    let transaction = &found.transaction.transaction;
    for party in [Some(transaction.sender), transaction.payee()]
        .into_iter()
        .flatten()
    {
        shared.live.ask_name(&shared.view, party).await;
    }
    let mut value = show::transaction(transaction, &shared.live);
    let index = usize::try_from(found.path.index).unwrap_or(usize::MAX);
    show::place(&mut value, &found.certified.header, index);
    if wants_proof(wishes.proof.as_deref()) {
        let bootstrap = shared.view.bootstrap();
        value["proof"] = show::proof(&query, &bytes, Some(&found.certified), bootstrap);
    }
    Ok(Json(value))
}
