//! The shared client. Owns connection pools, TLS set-up and their limits; knows no service.

use std::{
    fmt,
    sync::{Arc, OnceLock},
    time::Duration,
};

use reqwest::{Client, Proxy, redirect};
use tokio::time::timeout;

use crate::{
    Guard, HttpError, Phase, Refusal, Request, Response, Target,
    error::{Cause, refusal},
    request::{Body, Prepared},
    resolver::Guarded,
};

/// How a client connects. Nothing is read from the environment: a proxy is used only when it is named here.
#[derive(Clone)]
#[non_exhaustive]
pub struct ClientSettings {
    /// How long a connection may take, name look-up and encryption included. Default 10 s.
    pub connect_timeout: Duration,
    /// Idle connections kept per host. Default 32.
    pub idle_per_host_max: usize,
    /// How long an idle connection is kept. Default 60 s.
    pub idle_timeout: Duration,
    /// Where it may connect to. Default [`Guard::operator`]: anywhere.
    pub guard: Guard,
    /// The proxy all requests go through, as a URL; may hold its password. Default none.
    pub proxy: Option<String>,
}

impl Default for ClientSettings {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            idle_per_host_max: 32,
            idle_timeout: Duration::from_mins(1),
            guard: Guard::operator(),
            proxy: None,
        }
    }
}

impl fmt::Debug for ClientSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientSettings")
            .field("connect_timeout", &self.connect_timeout)
            .field("idle_per_host_max", &self.idle_per_host_max)
            .field("idle_timeout", &self.idle_timeout)
            .field("guard", &self.guard)
            .field("proxy", &self.proxy.as_ref().map(|_| "(set)"))
            .finish()
    }
}

/// Sends requests over shared connection pools. Cheap to clone; one per process is enough.
///
/// It is set up at the first request, not before: reading the system's certificates takes tens of milliseconds that a
/// program without a request does not pay. Requests to `http` addresses never need certificates at all.
///
/// Redirects are not followed: an answer with a `Location` is an answer. Connections belong to one client and so to one
/// guard: what one client may reach, no other one finds open.
#[derive(Clone, Default)]
pub struct HttpClient {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    settings: ClientSettings,
    plain: OnceLock<Client>,
    encrypted: OnceLock<Client>,
}

impl HttpClient {
    /// A client with these settings. Opens nothing.
    #[must_use]
    pub fn new(settings: ClientSettings) -> Self {
        Self { shared: Arc::new(Shared { settings, ..Shared::default() }) }
    }

    /// Parses an address a caller named, and looks at it with this client's guard as [`Guard::admit`] does.
    ///
    /// # Errors
    /// [`Refusal`] says what is wrong with it.
    pub fn admit(&self, address: &str) -> Result<Target, Refusal> {
        self.shared.settings.guard.admit(address)
    }

    /// Sends a request and waits for the head of the answer; its status may be any.
    ///
    /// Dropping the future, or the response, closes the connection unless the answer was read to its end.
    ///
    /// # Errors
    /// [`HttpError::Header`], [`HttpError::Refused`] and [`HttpError::Setup`] before anything is sent;
    /// [`HttpError::Connect`], [`HttpError::Timeout`] and [`HttpError::Broken`] otherwise.
    pub async fn send(&self, request: Request) -> Result<Response, HttpError> {
        let Prepared { url, method, headers, body, limits } = request.prepare()?;
        let settings = &self.shared.settings;
        settings.guard.check(&url)?;
        if settings.guard.is_strict() && settings.proxy.is_some() {
            return Err(Refusal::Proxy.into());
        }
        let mut outgoing = self.client(url.scheme() == "https")?.request(method, url).headers(headers);
        if let Body::Bytes(bytes) = body {
            outgoing = outgoing.body(bytes);
        }
        match timeout(limits.head_timeout, outgoing.send()).await {
            Ok(Ok(answer)) => Ok(Response::new(answer, limits)),
            Ok(Err(error)) => Err(self.failure(error)),
            Err(_) => Err(HttpError::Timeout { phase: Phase::Head, after: limits.head_timeout }),
        }
    }

    fn failure(&self, error: reqwest::Error) -> HttpError {
        if let Some(refusal) = refusal(&error) {
            return HttpError::Refused(refusal);
        }
        match (error.is_connect(), error.is_timeout()) {
            (true, true) => HttpError::Timeout { phase: Phase::Connect, after: self.shared.settings.connect_timeout },
            (true, false) => HttpError::Connect(Cause::new(error)),
            (false, _) => HttpError::Broken(Cause::new(error)),
        }
    }

    fn client(&self, encrypted: bool) -> Result<&Client, HttpError> {
        let slot = if encrypted { &self.shared.encrypted } else { &self.shared.plain };
        if let Some(client) = slot.get() {
            return Ok(client);
        }
        // Two first requests may both build one; the second is dropped. That is cheaper than a lock held over file I/O.
        let client = build(&self.shared.settings, encrypted)?;
        Ok(slot.get_or_init(|| client))
    }
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClient").field("settings", &self.shared.settings).finish_non_exhaustive()
    }
}

fn build(settings: &ClientSettings, encrypted: bool) -> Result<Client, HttpError> {
    install_tls_provider();
    let mut builder = Client::builder()
        .user_agent(concat!("mcp-orchestrator/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .connect_timeout(settings.connect_timeout)
        .pool_max_idle_per_host(settings.idle_per_host_max)
        .pool_idle_timeout(settings.idle_timeout)
        .tcp_keepalive(Duration::from_secs(30))
        .http2_keep_alive_interval(Duration::from_secs(30))
        .http2_keep_alive_timeout(Duration::from_secs(20))
        .no_proxy();
    if settings.guard.is_strict() || settings.guard.rules().resolver.is_some() {
        builder = builder.dns_resolver(Guarded::new(&settings.guard));
    }
    if let Some(proxy) = &settings.proxy {
        builder = builder.proxy(Proxy::all(proxy).map_err(setup)?);
    }
    // A proxy may itself be reached over TLS, so only a direct plain connection does without certificates.
    if !encrypted && settings.proxy.is_none() {
        builder = builder.tls_certs_only([]);
    }
    builder.build().map_err(setup)
}

fn setup(error: reqwest::Error) -> HttpError {
    HttpError::Setup(Cause::new(error))
}

/// Makes *ring* the process's TLS provider unless the program has chosen one already; then that one stays.
fn install_tls_provider() {
    static INSTALLED: OnceLock<()> = OnceLock::new();
    INSTALLED.get_or_init(|| {
        // An error only says that another provider was installed first, which is as good.
        drop(rustls::crypto::ring::default_provider().install_default());
    });
}
