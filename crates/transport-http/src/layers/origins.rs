//! Which names and which pages may reach the server. Owns the check of Host and Origin against rebinding and foreign
//! pages, and CORS for those who may.

use std::net::IpAddr;

use axum::{
    extract::Request,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};

use super::Peer;
use crate::{Settings, problem::Problem};

const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "::1"];
const METHODS: &str = "GET, HEAD, POST, DELETE, OPTIONS";
const REQUEST_HEADERS: &str = "authorization, content-type, idempotency-key, if-none-match, last-event-id, \
                               mcp-method, mcp-name, mcp-protocol-version, mcp-session-id, traceparent, x-request-id";
/// What headers begin with that carry parameters of a call: `/mcp` takes any of them.
const MCP_PARAMETER: &str = "mcp-param-";
const RESPONSE_HEADERS: &str = "deprecation, etag, idempotency-replayed, link, location, mcp-session-id, \
                                ratelimit-policy, retry-after, x-request-id";
/// How long a browser may remember a preflight, in seconds.
const PREFLIGHT_SECONDS: &str = "600";

/// The names and origins that are let in.
#[derive(Debug)]
pub(super) struct Allowed {
    any_host: bool,
    hosts: Vec<String>,
    origins: Vec<String>,
}

impl Allowed {
    pub(super) fn new(settings: &Settings) -> Self {
        let lower = |names: &[String]| names.iter().map(|name| name.trim().to_ascii_lowercase()).collect::<Vec<_>>();
        let hosts = lower(&settings.hosts);
        let origins = lower(&settings.origins).into_iter().map(|o| o.trim_end_matches('/').to_owned()).collect();
        Self { any_host: hosts.iter().any(|host| host == "*"), hosts, origins }
    }

    fn host(&self, host: &str, peer: Option<&Peer>) -> bool {
        self.any_host || self.named(host) || peer.is_some_and(|peer| is_address(host, peer.local.ip()))
    }

    fn named(&self, host: &str) -> bool {
        LOOPBACK.contains(&host) || self.hosts.iter().any(|allowed| allowed == host)
    }

    /// Pages of loopback names, of the server itself, and of the origins that were named.
    fn origin(&self, origin: &str, peer: Option<&Peer>) -> bool {
        let origin = origin.to_ascii_lowercase();
        if self.origins.contains(&origin) {
            return true;
        }
        let Some(host) = origin.parse::<Uri>().ok().as_ref().and_then(Uri::host).map(bare) else { return false };
        self.named(&host) || peer.is_some_and(|peer| is_address(&host, peer.local.ip()))
    }

    /// Lets a request in that is addressed to this server by a page that may: its origin, if it comes from a page.
    pub(super) fn check(&self, request: &Request) -> Result<Option<HeaderValue>, Problem> {
        let peer = request.extensions().get::<Peer>();
        let host = host(request).ok_or_else(|| Problem::bad_request("the request names no host"))?;
        if !self.host(&host, peer) {
            let detail = format!("this server does not answer to the host {host:?}");
            return Err(Problem::new(StatusCode::FORBIDDEN, detail)
                .with_code("host_not_allowed")
                .with_hint("the operator names the hosts a server answers to"));
        }
        let Some(origin) = request.headers().get(header::ORIGIN) else { return Ok(None) };
        if !origin.to_str().is_ok_and(|origin| self.origin(origin, peer)) {
            let detail = format!("pages of the origin {origin:?} may not call this server");
            return Err(Problem::new(StatusCode::FORBIDDEN, detail)
                .with_code("origin_not_allowed")
                .with_hint("the operator names the origins whose pages may call"));
        }
        Ok(Some(origin.clone()))
    }
}

/// The answer to a browser that asks what a page may send.
pub(super) fn preflight(request: &Request) -> Option<Response> {
    let asks = request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    if !asks || request.method() != Method::OPTIONS {
        return None;
    }
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    insert(headers, header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, request_headers(request));
    headers.append(header::VARY, HeaderValue::from_static("access-control-request-headers"));
    insert(headers, header::ACCESS_CONTROL_MAX_AGE, PREFLIGHT_SECONDS);
    Some(response)
}

/// An answer that pages of that origin may read.
pub(super) fn readable(mut response: Response, origin: HeaderValue) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    insert(headers, header::ACCESS_CONTROL_EXPOSE_HEADERS, RESPONSE_HEADERS);
    headers.append(header::VARY, HeaderValue::from_static("origin"));
    response
}

/// What a page may send: what every route takes, and to `/mcp` the parameters it asks for. Their number is bounded by the
/// size of a request's head.
fn request_headers(request: &Request) -> HeaderValue {
    let mut allowed = REQUEST_HEADERS.to_owned();
    let asked = request.headers().get_all(header::ACCESS_CONTROL_REQUEST_HEADERS).iter();
    let asked = asked.filter_map(|names| names.to_str().ok()).flat_map(|names| names.split(','));
    if request.uri().path() == "/mcp" {
        for name in asked.filter_map(|name| name.trim().parse::<HeaderName>().ok()) {
            if name.as_str().starts_with(MCP_PARAMETER) {
                allowed.push_str(", ");
                allowed.push_str(name.as_str());
            }
        }
    }
    HeaderValue::try_from(allowed).unwrap_or(HeaderValue::from_static(REQUEST_HEADERS))
}

fn insert(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    headers.insert(name, HeaderValue::from_static(value));
}

/// The host a request is addressed to, without its port and in lower case; `None` when it names none or two.
fn host(request: &Request) -> Option<String> {
    if let Some(host) = request.uri().host() {
        return Some(bare(host));
    }
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let host = hosts.next()?.to_str().ok()?;
    if hosts.next().is_some() {
        return None;
    }
    let authority: http::uri::Authority = host.parse().ok()?;
    Some(bare(authority.host()))
}

fn bare(host: &str) -> String {
    host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.').to_ascii_lowercase()
}

fn is_address(host: &str, address: IpAddr) -> bool {
    host.parse::<IpAddr>().is_ok_and(|host| host.to_canonical() == address.to_canonical())
}
