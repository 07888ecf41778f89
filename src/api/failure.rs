//! Every way in which a request can fail: `{"error":{"code","message","hint"}}`, with the codes of the command line.

use std::borrow::Cow;
use std::error::Error;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::chain::hash::HashError;
use crate::chain::key::AddressError;
use crate::chain::name::{Name, NameError};
use crate::chain::rules::Rejection;
use crate::node::window::NoAnswer;

/// Why a request has no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    status: StatusCode,
    code: Cow<'static, str>,
    message: String,
    hint: String,
}

impl Failure {
    /// A failure.
    pub fn new(
        status: StatusCode,
        code: impl Into<Cow<'static, str>>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self {
            status,
            code: code.into(),
            message: message.into(),
            hint: hint.into(),
        }
    }

    /// Of a room's error, whose text ends with `; next step`, or has `hint` beside it.
    fn of(status: StatusCode, code: &'static str, error: &dyn Error, hint: &str) -> Self {
        let text = error.to_string();
        let (message, hint) = text.split_once("; ").unwrap_or((&text, hint));
        Self::new(status, code, message, hint)
    }

    /// Something asked for that is not there.
    pub fn not_found(what: &str, hint: &str) -> Self {
        let message = format!("{what} is not known here");
        Self::new(StatusCode::NOT_FOUND, "not_found", message, hint)
    }

    /// Nobody has this name.
    pub fn name_unknown(name: &Name, height: u64) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "name_unknown",
            format!("nobody is called @{name} (proven at height {height})"),
            "check the spelling, or ask for the address",
        )
    }

    /// A value that makes no sense.
    pub fn usage(message: impl Into<String>, hint: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "usage", message, hint)
    }

    /// Too often.
    pub fn too_often() -> Self {
        Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too_often",
            "this address asks more often than it may",
            "wait a second, then ask less often; `/v1/events` tells what is new by itself",
        )
    }

    /// No place.
    pub fn no_place(what: &str) -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "busy",
            format!("there is no place for more {what} here"),
            "try again later, or ask another node",
        )
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let status = self.status;
        let mut error = json!({
            "error": {"code": self.code, "message": self.message, "hint": self.hint}
        })
        .to_string();
        error.push('\n');
        let mut response = (status, error).into_response();
        let headers = response.headers_mut();
        let json = HeaderValue::from_static("application/json");
        headers.insert(header::CONTENT_TYPE, json);
        if matches!(
            status,
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
        ) {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

impl From<NoAnswer> for Failure {
    fn from(error: NoAnswer) -> Self {
        let (status, code) = match error {
            NoAnswer::Busy => (StatusCode::SERVICE_UNAVAILABLE, "busy"),
            NoAnswer::Ended => (StatusCode::SERVICE_UNAVAILABLE, "aborted"),
            NoAnswer::Unreadable => (StatusCode::INTERNAL_SERVER_ERROR, "io"),
        };
        Self::of(status, code, &error, "try again")
    }
}

impl From<Rejection> for Failure {
    fn from(rejection: Rejection) -> Self {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        Self::of(status, rejection.code(), &rejection, "nothing was paid")
    }
}

impl From<AddressError> for Failure {
    fn from(error: AddressError) -> Self {
        let hint = "copy the address again; it begins with nat1";
        Self::of(StatusCode::BAD_REQUEST, "address_invalid", &error, hint)
    }
}

impl From<HashError> for Failure {
    fn from(error: HashError) -> Self {
        let hint = "copy the hash again, whole";
        Self::of(StatusCode::BAD_REQUEST, "hash_invalid", &error, hint)
    }
}

impl From<NameError> for Failure {
    fn from(error: NameError) -> Self {
        let hint = "write a name as @alice";
        Self::of(StatusCode::BAD_REQUEST, "name_invalid", &error, hint)
    }
}
