//! `/v1/status`, `/v1/nodes`, `/v1/supply`, and for machines `/healthy`, `/ready`, `/metrics`.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::Shared;
use super::failure::Failure;
use super::live::{COUNTED, Live};
use crate::chain::amount::Amount;
use crate::directory::utc;
use crate::node::clock;
use crate::node::window::View;

/// How the network and this node are, without what only time changes.
pub fn summary(view: &View, live: &Live) -> Value {
    let now = view.condition().borrow().clone();
    let genesis = view.bootstrap().genesis();
    let validators = &genesis.validators;
    let (up, all, needed) = (now.validators_up, now.validators, now.validators_needed);
    let has_quorum = up >= needed;
    let is_in_step = now.height >= now.best_known_height && (now.is_voting || !now.is_validator);
    let status = match (has_quorum, is_in_step) {
        (false, _) => "paused",
        (true, false) => "catching_up",
        (true, true) => "ok",
    };
    let message = match status {
        "paused" => format!("paused: {up} of {all} nodes, {needed} needed; nothing is lost"),
        "catching_up" => format!(
            "this node is catching up: it has block {} of {}; {up} of {all} nodes are up",
            now.height, now.best_known_height
        ),
        _ => format!("{up} of {all} nodes are up: payments become final"),
    };
    let last = live.newest(1).pop().map(|block| {
        json!({
            "height": block.height,
            "hash": block.hash,
            "time": utc::format(block.time_ms),
            "time_ms": block.time_ms,
        })
    });
    json!({
        "status": status,
        "can_pay": has_quorum,
        "message": message,
        "network": genesis.network,
        "validators_up": up,
        "validators": all,
        "validators_needed": needed,
        "tolerates": validators.tolerated_failures(),
        "spare": up.saturating_sub(needed),
        "height": now.height,
        "best_known_height": now.best_known_height,
        "waiting": now.waiting,
        "last_final": last,
    })
}

/// `GET /v1/status`.
pub async fn status(State(shared): State<Shared>) -> Json<Value> {
    let view = &shared.view;
    let mut value = summary(view, &shared.live);
    let genesis = view.bootstrap().genesis();
    let now = view.condition().borrow().clone();
    let own = view
        .bootstrap()
        .nodes()
        .iter()
        .find(|node| node.peer_id == view.peer_id());
    value["genesis"] = json!(genesis.hash());
    value["rules"] = json!({
        "fee": genesis.rules.fee,
        "min_balance": genesis.rules.min_balance,
        "heartbeat_ms": genesis.rules.heartbeat_ms,
        "max_validity": genesis.rules.max_validity,
    });
    value["node"] = json!({
        "name": own.map(|node| node.name.to_string()),
        "peer_id": view.peer_id().to_string(),
        "version": version(),
        "is_validator": now.is_validator,
        "is_voting": now.is_voting,
        "round": now.round,
    });
    value["time_ms"] = clock::unix_ms().into();
    Json(value)
}

fn version() -> &'static str {
    concat!("natcoin/", env!("CARGO_PKG_VERSION"))
}

/// `GET /v1/nodes`: the verified nodes, as this one sees them.
pub async fn nodes(State(shared): State<Shared>) -> Result<Json<Value>, Failure> {
    let view = &shared.view;
    let peers = view.peers().await?;
    let bootstrap = view.bootstrap();
    let validators = &bootstrap.genesis().validators;
    let recent = shared.live.newest(COUNTED);
    let now = view.condition().borrow().clone();
    // Of others that are connected nothing is said: wallets are people.
    let nodes = bootstrap.nodes().iter().map(|node| {
        let is_self = node.peer_id == view.peer_id();
        let peer = peers.iter().find(|peer| peer.peer == node.peer_id);
        let hello = peer.and_then(|peer| peer.hello.as_ref());
        let height = match is_self {
            true => Some(now.height),
            false => hello.map(|hello| hello.height),
        };
        let place = validators.index_of(&node.key.address());
        let signed = place.and_then(|place| u16::try_from(place).ok()).map(|place| {
            recent.iter().filter(|block| block.signed_by.contains(&place)).count()
        });
        let address = node.key.address();
        json!({
            "name": node.name,
            "peer_id": node.peer_id.to_string(),
            "account": address,
            "is_validator": node.validator,
            "is_self": is_self,
            "is_up": is_self || hello.is_some(),
            "height": height,
            "lag_blocks": height.map(|height| now.height.saturating_sub(height)),
            "round_trip_ms": peer.and_then(|peer| peer.rtt).map(|rtt| (rtt.as_micros() as f64 / 10.0).round() / 100.0),
            "route": peer.and_then(|peer| peer.route).map(|route| route.to_string()),
            "version": match is_self {
                true => Some(version().to_owned()),
                false => hello.map(|hello| hello.version.clone()),
            },
            "signed": signed,
            "proposed": place.map(|_| recent.iter().filter(|block| block.proposer == address).count()),
            "addresses": node.addresses.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "problem": match is_self {
                true => None,
                false => peer.and_then(|peer| peer.last_failure.clone()),
            },
        })
    });
    let nodes: Vec<Value> = nodes.collect();
    let mut value = summary(view, &shared.live);
    value["counted_blocks"] = recent.len().into();
    value["nodes"] = nodes.into();
    Ok(Json(value))
}

/// `GET /v1/supply`: all the money, where it began, and why it is still as much.
pub async fn supply(State(shared): State<Shared>) -> Result<Json<Value>, Failure> {
    let view = &shared.view;
    let sums = view.sums().await?;
    let genesis = view.bootstrap().genesis();
    let began = Amount::checked_sum(genesis.accounts.iter().map(|one| one.balance));
    let newest = match sums.height {
        0 => None,
        height => view.blocks(height..=height).await?.pop(),
    };
    let header = newest.as_ref().map(|found| &found.block.header);
    Ok(Json(json!({
        "supply": sums.supply,
        "genesis_supply": began,
        "is_unchanged": began == Some(sums.supply),
        "height": sums.height,
        "state_root": header.map(|header| header.state_root),
        "time": header.map(|header| utc::format(header.time_ms)),
        "signed_by": newest.as_ref().map_or(0, |found| found.certificate.signatures.len()),
        "validators": genesis.validators.count(),
        "accounts": sums.accounts,
        "names": sums.names,
        "first_accounts": genesis.accounts.len(),
        "genesis": genesis.hash(),
        "fee": genesis.rules.fee,
    })))
}

/// `GET /healthy`: whether this node is at work at all.
pub async fn healthy(State(shared): State<Shared>) -> Response {
    // The sender lives as long as the replica.
    match shared.view.condition().has_changed() {
        Ok(_) => Json(json!({"status": "ok"})).into_response(),
        Err(_) => Failure::from(crate::node::window::NoAnswer::Ended).into_response(),
    }
}

/// `GET /ready`: whether payments handed in here become final now.
pub async fn ready(State(shared): State<Shared>) -> Response {
    let value = summary(&shared.view, &shared.live);
    let is_ready = value["status"] == "ok" && shared.view.condition().has_changed().is_ok();
    let status = match is_ready {
        true => StatusCode::OK,
        false => StatusCode::SERVICE_UNAVAILABLE,
    };
    (status, Json(value)).into_response()
}

/// `GET /metrics`: all counters, for Prometheus.
pub async fn metrics(State(shared): State<Shared>) -> Result<Response, Failure> {
    let text = shared.view.registry().text().ok_or_else(|| {
        let message = "the counters cannot be written";
        Failure::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            message,
            "please report this",
        )
    })?;
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, kind)], text).into_response())
}
