//! `POST /v1/transactions`: a signed transaction is handed in, as a wallet would over libp2p. No key ever comes here.

use std::time::Duration;

use axum::Json;
use axum::body::{Body, to_bytes};
use axum::extract::{Extension, State};
use axum::http::{Request, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::json;

use super::Shared;
use super::failure::Failure;
use crate::chain::codec::Decode as _;
use crate::chain::hash::unhex;
use crate::chain::transaction::SignedTransaction;
use crate::node::window::{NoAnswer, Origin, SubmitReply};

/// Most bytes of a body: a transaction has at most 1,024, in hexadecimal twice that, and JSON around it.
const BODY_BYTES: usize = 4 * 1024;
/// How long a body may take to come.
const BODY: Duration = Duration::from_secs(10);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Handed {
    transaction: String,
}

/// Takes a transaction: JSON `{"transaction": TEXT}`, or the text alone; hexadecimal, or base64.
pub async fn submit(
    State(shared): State<Shared>,
    Extension(origin): Extension<Origin>,
    request: Request<Body>,
) -> Result<Response, Failure> {
    if !shared.doors.may_submit(origin) {
        return Err(Failure::too_often());
    }
    let is_json = request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .is_some_and(|kind| kind.trim_start().starts_with("application/json"));
    let body = tokio::time::timeout(BODY, to_bytes(request.into_body(), BODY_BYTES)).await;
    let body = body.map_err(|_| {
        let message = format!("the transaction did not come within {} s", BODY.as_secs());
        let status = StatusCode::REQUEST_TIMEOUT;
        Failure::new(status, "timeout", message, "send it again, in one piece")
    })?;
    let body = body.map_err(|_| {
        let message = format!("the body has more than {BODY_BYTES} bytes, or ended early");
        let status = StatusCode::PAYLOAD_TOO_LARGE;
        Failure::new(
            status,
            "too_large",
            message,
            "hand in one transaction at a time",
        )
    })?;
    let text = match is_json {
        true => serde_json::from_slice::<Handed>(&body)
            .ok()
            .map(|handed| handed.transaction),
        false => String::from_utf8(body.to_vec()).ok(),
    };
    let transaction = text
        .and_then(|text| read(text.trim()))
        .ok_or_else(malformed)?;
    let id = transaction.id();
    match shared.view.submit(&transaction).await? {
        SubmitReply::Waiting => {
            let value = json!({"status": "waiting", "transaction": id});
            Ok((StatusCode::ACCEPTED, Json(value)).into_response())
        }
        SubmitReply::Final { height } => {
            let value = json!({"status": "final", "transaction": id, "height": height});
            Ok(Json(value).into_response())
        }
        SubmitReply::Rejected(rejection) => Err(rejection.into()),
        SubmitReply::NonceTaken { other } => Err(Failure::new(
            StatusCode::CONFLICT,
            "other_payment",
            format!("another transaction with this number waits: {other}"),
            "only one of them can become final; see what becomes of that one first",
        )),
        SubmitReply::Busy => Err(NoAnswer::Busy.into()),
        SubmitReply::Malformed => Err(malformed()),
    }
}

fn malformed() -> Failure {
    Failure::new(
        StatusCode::BAD_REQUEST,
        "transaction_invalid",
        "these are not the bytes of one signed transaction, in hexadecimal or base64",
        "see \"Transactions\" in docs/protocol.md; wallets sign with `natcoin wallet pay`",
    )
}

fn read(text: &str) -> Option<SignedTransaction> {
    let bytes = unhex(text).or_else(|| unbase64(text))?;
    SignedTransaction::from_bytes(&bytes).ok()
}

/// Bytes of base64 (RFC 4648), standard or for URLs, with its padding or without; one text for each value.
fn unbase64(text: &str) -> Option<Vec<u8>> {
    let text = text.trim_end_matches('=');
    let mut bytes = Vec::with_capacity(text.len() * 3 / 4);
    let (mut held, mut bits) = (0u32, 0u32);
    for character in text.bytes() {
        let value = match character {
            b'A'..=b'Z' => character - b'A',
            b'a'..=b'z' => character - b'a' + 26,
            b'0'..=b'9' => character - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        held = held << 6 | u32::from(value);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(held >> bits & 0xff).ok()?);
            held &= (1 << bits) - 1;
        }
    }
    (held == 0 && bits < 6).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_read_in_both_alphabets_and_nothing_else_is() {
        for (text, bytes) in [
            ("", &b""[..]),
            ("Zg==", b"f"),
            ("Zg", b"f"),
            ("Zm8=", b"fo"),
            ("Zm9v", b"foo"),
            ("Zm9vYmFy", b"foobar"),
            ("-_-_", &[0xfb, 0xff, 0xbf]),
            ("+/+/", &[0xfb, 0xff, 0xbf]),
        ] {
            assert_eq!(unbase64(text).as_deref(), Some(bytes), "{text}");
        }
        for text in ["Z", "Zh", "Zm9", "Zg =", "Zg\n", "Zm9vÄ"] {
            assert_eq!(unbase64(text), None, "{text}");
        }
    }
}
