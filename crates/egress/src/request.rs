//! One request as data: where, what, which limits. Owns its headers and keeps secret ones out of every output.

use std::{borrow::Cow, fmt, time::Duration};

use bytes::Bytes;
use reqwest::{
    Method,
    header::{HeaderMap, HeaderName, HeaderValue},
};
use url::Url;

use crate::{BaseUrl, HttpError, Target};

/// One request. Built from an address and a path, sent by [`HttpClient::send`](crate::HttpClient::send).
pub struct Request {
    address: Address,
    query: Vec<(&'static str, String)>,
    method: Method,
    body: Body,
    headers: Vec<Header>,
    limits: Limits,
}

/// What one request may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) head_timeout: Duration,
    pub(crate) idle_timeout: Duration,
    pub(crate) body_bytes_max: usize,
}

/// Where a request goes, by who named it.
#[derive(Debug)]
enum Address {
    Under { base: BaseUrl, path: String },
    Whole(Target),
}

pub(crate) enum Body {
    Empty,
    Bytes(Bytes),
}

struct Header {
    name: Cow<'static, str>,
    value: String,
    secret: bool,
}

/// A request whose headers are known to be sendable.
pub(crate) struct Prepared {
    pub(crate) url: Url,
    pub(crate) method: Method,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Body,
    pub(crate) limits: Limits,
}

impl Request {
    /// Asks for what is at `path` under `base`.
    #[must_use]
    pub fn get(base: &BaseUrl, path: impl Into<String>) -> Self {
        Self::new(Address::Under { base: base.clone(), path: path.into() }, Method::GET, Body::Empty)
    }

    /// Sends JSON to `path` under `base`.
    #[must_use]
    pub fn post_json(base: &BaseUrl, path: impl Into<String>, json: impl Into<Bytes>) -> Self {
        let address = Address::Under { base: base.clone(), path: path.into() };
        Self::new(address, Method::POST, Body::Bytes(json.into())).with_header("content-type", "application/json")
    }

    /// Sends exactly these bytes to an address a caller named. Their type is a header to add.
    #[must_use]
    pub fn post(target: &Target, bytes: impl Into<Bytes>) -> Self {
        Self::new(Address::Whole(target.clone()), Method::POST, Body::Bytes(bytes.into()))
    }

    const fn new(address: Address, method: Method, body: Body) -> Self {
        let limits = Limits {
            head_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(30),
            body_bytes_max: 1024 * 1024,
        };
        Self { address, query: Vec::new(), method, body, headers: Vec::new(), limits }
    }

    /// Adds a parameter to the query, escaped as it must be. It is part of the address: no place for a secret.
    #[must_use]
    pub fn with_query(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    /// Adds a header; the name is in lower case. The last of one name is sent.
    #[must_use]
    pub fn with_header(mut self, name: impl Into<Cow<'static, str>>, value: impl Into<String>) -> Self {
        self.headers.push(Header { name: name.into(), value: value.into(), secret: false });
        self
    }

    /// Adds a header whose value is never shown, logged or indexed by HTTP/2; the name is in lower case.
    #[must_use]
    pub fn with_secret_header(mut self, name: impl Into<Cow<'static, str>>, value: impl Into<String>) -> Self {
        self.headers.push(Header { name: name.into(), value: value.into(), secret: true });
        self
    }

    /// How long the head of the answer may take, connecting and sending included. Default 30 s.
    #[must_use]
    pub const fn with_head_timeout(mut self, timeout: Duration) -> Self {
        self.limits.head_timeout = timeout;
        self
    }

    /// How long each next piece of the body may take. Default 30 s.
    #[must_use]
    pub const fn with_idle_timeout(mut self, timeout: Duration) -> Self {
        self.limits.idle_timeout = timeout;
        self
    }

    /// The longest body accepted, in bytes after decompression. Default 1 MiB.
    #[must_use]
    pub const fn with_body_max(mut self, bytes: usize) -> Self {
        self.limits.body_bytes_max = bytes;
        self
    }

    pub(crate) fn prepare(self) -> Result<Prepared, HttpError> {
        let Self { address, query, method, body, headers, limits } = self;
        let mut prepared = HeaderMap::with_capacity(headers.len());
        for Header { name, value, secret } in headers {
            let sendable = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(&value));
            let (Ok(known), Ok(mut value)) = sendable else { return Err(HttpError::Header { name }) };
            value.set_sensitive(secret);
            prepared.insert(known, value);
        }
        let mut url = match address {
            Address::Under { base, path } => base.join(&path),
            Address::Whole(target) => target.url().clone(),
        };
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Ok(Prepared { url, method, headers: prepared, body, limits })
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.headers.iter().map(|header| &*header.name).collect::<Vec<_>>();
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("address", &self.address)
            .field("headers", &names)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
