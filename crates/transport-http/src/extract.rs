//! What handlers get out of a request. Owns what is said when it cannot be had; knows no route.

use axum::{
    body::to_bytes,
    extract::{FromRequest, FromRequestParts, Path, Query, Request, rejection::QueryRejection},
};
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header, request::Parts};
use mcp_orchestrator_api::Caller;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, error::Category};

use crate::problem::Problem;

/// On whose behalf a request acts.
#[derive(Debug)]
pub(crate) struct Who(pub(crate) Caller);

impl<S: Sync> FromRequestParts<S> for Who {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let caller = parts.extensions.get::<Caller>();
        caller.cloned().map(Self).ok_or_else(|| Problem::of(StatusCode::UNAUTHORIZED))
    }
}

/// Parts of the path.
#[derive(Debug)]
pub(crate) struct Named<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Named<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path(named)) => Ok(Self(named)),
            Err(error) => Err(Problem::bad_request(error.body_text())),
        }
    }
}

/// The query. Fields nobody knows are refused.
#[derive(Debug)]
pub(crate) struct Asked<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        Query::try_from_uri(&parts.uri).map(|Query(asked)| Self(asked)).map_err(|error| of_query(&error))
    }
}

fn of_query(error: &QueryRejection) -> Problem {
    let text = error.body_text();
    let text = text.strip_prefix("Failed to deserialize query string: ").unwrap_or(&text);
    let unknown = text.strip_prefix("unknown field `").and_then(|rest| rest.split_once('`'));
    let (field, detail) = match (unknown, text.split_once(": ")) {
        (Some((field, _)), _) => (field, text),
        (None, Some((field, detail))) => (field, detail),
        (None, None) => ("query", text),
    };
    let detail: String = detail.chars().take(300).collect();
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, format!("{field}: {detail}")).with_field(field, detail)
}

/// The members of the JSON object in the body. No body is an empty object.
#[derive(Debug)]
pub(crate) struct Object(pub(crate) Map<String, Value>);

impl<S: Send + Sync> FromRequest<S> for Object {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        let headers = request.headers().clone();
        // Its size was checked when it was collected.
        let body = to_bytes(request.into_body(), usize::MAX).await;
        let body = body.map_err(|error| Problem::bad_request(format!("the body broke off: {error}")))?;
        object(&headers, &body).map(Self)
    }
}

fn object(headers: &HeaderMap, body: &Bytes) -> Result<Map<String, Value>, Problem> {
    let kind = headers.get(header::CONTENT_TYPE).map(|kind| kind.to_str().unwrap_or_default());
    if body.is_empty() && kind.is_none_or(is_json) {
        return Ok(Map::new());
    }
    if !kind.is_some_and(is_json) {
        let detail = match kind {
            Some(kind) => format!("the body is {:?}, expected application/json", kind.get(..100).unwrap_or(kind)),
            None => "the body has no media type, expected application/json".to_owned(),
        };
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
    }
    match serde_json::from_slice::<Value>(body) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(other) => {
            let detail = format!("the body is {}, expected an object", kind_of(&other));
            Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail.clone()).with_field("", detail))
        }
        Err(error) => Err(malformed(&error)),
    }
}

fn malformed(error: &serde_json::Error) -> Problem {
    let detail = match error.classify() {
        Category::Eof => format!("the JSON breaks off: {error}"),
        Category::Io | Category::Syntax | Category::Data => format!("the body is no JSON: {error}"),
    };
    Problem::bad_request(detail).with_code("malformed_json")
}

fn is_json(kind: &str) -> bool {
    let essence = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

const fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// Reads the members of a body that must be a certain shape; what does not fit is named.
pub(crate) fn shaped<T: DeserializeOwned>(mut object: Map<String, Value>) -> Result<T, Problem> {
    object.retain(|_, value| !value.is_null());
    serde_path_to_error::deserialize(Value::Object(object)).map_err(|error| {
        let path = error.path().to_string();
        let detail = error.into_inner().to_string();
        let quoted = detail.split('`').nth(1).unwrap_or_default();
        let field = if path == "." { quoted } else { &path };
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail.clone())
            .with_field(format!("/{}", field.replace('.', "/")), detail)
    })
}
