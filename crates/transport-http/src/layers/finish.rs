//! The outermost step. Owns the request's id, its line in the log, its count, the headers of every answer, and that
//! every error is a problem document.

use std::{borrow::Cow, time::Instant};

use axum::{
    body::{Body, HttpBody as _},
    extract::{MatchedPath, Request},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, Version, header};
use tracing::info;

use super::{
    mounted,
    request_id::{RequestIdText, X_REQUEST_ID},
};
use crate::{
    Metrics,
    problem::{PROBLEM_JSON, Problem},
    routes::original,
};

/// Where requests are counted that no route took.
const UNMATCHED: &str = "unmatched";

/// What an answer says to browsers when nobody said otherwise: run nothing, embed nowhere.
const POLICY: &str = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// What is known of a request when it comes, for when its answer goes.
pub(super) struct Asked {
    pub(super) id: RequestIdText,
    started: Instant,
    method: Method,
    uri: Uri,
    /// Whether a body follows that HTTP/1 cannot skip.
    has_body: bool,
}

/// The template of the route that answered, among the extensions of its answer.
#[derive(Clone)]
struct Answered(MatchedPath);

/// Notes on an answer which route it came from: the router alone knows it.
pub(super) async fn name_route(request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().cloned();
    let mut response = next.run(request).await;
    if let Some(route) = route {
        response.extensions_mut().insert(Answered(route));
    }
    response
}

impl Asked {
    /// Notes what a request is, and gives it its id.
    pub(super) fn begin(request: &mut Request) -> Self {
        let id = RequestIdText::of(request);
        request.extensions_mut().insert(id.clone());
        Self {
            id,
            started: Instant::now(),
            method: request.method().clone(),
            uri: request.uri().clone(),
            has_body: request.version() <= Version::HTTP_11 && !request.body().is_end_stream(),
        }
    }

    /// The answer as it is sent, counted and logged.
    pub(super) fn finish(self, response: Response, metrics: &Metrics) -> Response {
        let Self { id, started, method, uri, has_body } = self;
        let path = uri.path();
        let answered = response.extensions().get::<Answered>().cloned();
        let route = match &answered {
            Some(Answered(route)) => Cow::Owned(route.as_str().to_owned()),
            None if path == mounted::PATH => Cow::Borrowed(mounted::PATH),
            None => Cow::Borrowed(UNMATCHED),
        };
        let mut response = finished(response, &method, path, &id);
        let status = response.status();
        headers(response.headers_mut(), &id);
        if method == Method::HEAD {
            response = without_body(response);
        }
        if has_body
            && matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS)
        {
            // Refused before its body was read: the connection cannot be used again, and its client should know.
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        let elapsed = started.elapsed();
        info!(
            method = method_name(&method),
            route = &*route,
            status = status.as_u16(),
            duration_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
            request_id = &*id.0,
            "request"
        );
        metrics.request(method_name(&method), route, status, elapsed);
        response
    }
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

/// An answer to HEAD: its length is told as far as it is known, and nothing of it is sent. Only HTTP/1 would see to that.
fn without_body(response: Response) -> Response {
    let (mut head, body) = response.into_parts();
    // What is empty already was emptied by the router, which told the length if it knew it.
    if let Some(length) = body.size_hint().exact().filter(|length| *length > 0) {
        head.headers.entry(header::CONTENT_LENGTH).or_insert(HeaderValue::from(length));
    }
    Response::from_parts(head, Body::empty())
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
