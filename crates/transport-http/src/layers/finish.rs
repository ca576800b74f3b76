//! The outermost layer. Owns the request's id, its line in the log, its count, the headers of every answer, and that
//! every error is a problem document.

use std::time::Instant;

use axum::{
    body::{Body, HttpBody as _},
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version, header};
use tracing::{Instrument as _, info, info_span};

use super::request_id::{RequestIdText, X_REQUEST_ID};
use crate::{
    Metrics,
    problem::{PROBLEM_JSON, Problem},
    routes::original,
};

/// Where requests are counted that no route took.
const UNMATCHED: &str = "unmatched";

/// What an answer says to browsers when nobody said otherwise: run nothing, embed nowhere.
const POLICY: &str = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

pub(super) async fn finish(State(metrics): State<Metrics>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = RequestIdText::of(&request);
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map_or(UNMATCHED, MatchedPath::as_str);
    request.extensions_mut().insert(id.clone());
    let span = info_span!("request", request_id = &*id.0);
    let has_body = request.version() <= Version::HTTP_11 && !request.body().is_end_stream();
    let response = next.run(request).instrument(span).await;
    let mut response = finished(response, &method, &path, &id);
    headers(response.headers_mut(), &id);
    if has_body
        && matches!(response.status(), StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS)
    {
        // Refused before its body was read: the connection cannot be used again, and its client should know.
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    let elapsed = started.elapsed();
    metrics.request(method_name(&method), route, response.status(), elapsed);
    info!(
        method = method_name(&method),
        route,
        status = response.status().as_u16(),
        duration_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
        request_id = &*id.0,
        "request"
    );
    response
}

/// The answer with every plain error made a problem document.
fn finished(response: Response, method: &Method, path: &str, id: &RequestIdText) -> Response {
    let status = response.status();
    if method == Method::OPTIONS && status == StatusCode::METHOD_NOT_ALLOWED {
        return options(&response);
    }
    if !status.is_client_error() && !status.is_server_error() {
        return response;
    }
    let original = original::owns(path);
    if let Some(problem) = response.extensions().get::<Problem>() {
        let headers = kept(response.headers());
        return problem.render(path, &id.0, original, headers);
    }
    // A JSON body is somebody's own answer: the protocol of `/mcp` has errors of its own.
    if is_json(response.headers()) {
        return response;
    }
    Problem::of(status).render(path, &id.0, original, kept(response.headers()))
}

/// What a path takes, asked for by OPTIONS.
fn options(response: &Response) -> Response {
    let mut headers = kept(response.headers());
    if let Some(allow) = headers.get(header::ALLOW).and_then(|allow| allow.to_str().ok())
        && let Ok(allow) = HeaderValue::try_from(format!("{allow},OPTIONS"))
    {
        headers.insert(header::ALLOW, allow);
    }
    (StatusCode::NO_CONTENT, headers, Body::empty()).into_response()
}

/// An error's headers without those of the body that is replaced.
fn kept(headers: &HeaderMap) -> HeaderMap {
    let of_body = [
        header::CONTENT_TYPE,
        header::CONTENT_LENGTH,
        header::CONTENT_ENCODING,
        header::TRANSFER_ENCODING,
        header::ETAG,
        header::ACCEPT_RANGES,
    ];
    headers
        .iter()
        .filter(|(name, _)| !of_body.contains(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.starts_with("application/json") || kind.starts_with(PROBLEM_JSON)
}

fn headers(headers: &mut HeaderMap, id: &RequestIdText) {
    if let Ok(id) = HeaderValue::from_str(&id.0) {
        headers.insert(X_REQUEST_ID, id);
    }
    let defaults: [(HeaderName, &'static str); 5] = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CACHE_CONTROL, "no-store"),
    ];
    for (name, value) in defaults {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
}

/// The method as a label: one of a closed set.
fn method_name(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}
