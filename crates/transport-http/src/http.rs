//! The whole surface put together: routes, layers, and what they share. Owns the order of assembly.

use std::{
    convert::Infallible,
    fmt,
    sync::{Arc, OnceLock},
    time::Instant,
};

use axum::{Router, extract::Request, response::IntoResponse};
use bytes::Bytes;
use mcp_orchestrator::ModelSpending;
use mcp_orchestrator_api::{Api, Caller};
use tower::Service;

use crate::{
    Authenticate, Drain, HttpServer, Local, Metrics, Settings,
    layers::{Mounted, Surface},
    metrics::QueueLength,
    routes::{self, Table},
    sse::Watched,
};

/// Puts the HTTP surface together.
#[derive(Debug)]
#[must_use = "a builder does nothing until it is built"]
pub struct Http {
    api: Api,
    settings: Settings,
    authenticate: Arc<dyn Authenticate>,
    metrics: Metrics,
    drain: Drain,
    mcp: Option<Mounted>,
}

/// What handlers share.
#[derive(Clone)]
pub(crate) struct Shared {
    inner: Arc<Inner>,
}

struct Inner {
    api: Api,
    settings: Settings,
    metrics: Metrics,
    drain: Drain,
    watched: Watched,
    queue_length: QueueLength,
    started: Instant,
    document: OnceLock<Bytes>,
}

impl Http {
    /// Serves an api with these settings; everybody is taken for the local principal.
    pub fn new(api: Api, settings: Settings) -> Self {
        Self {
            api,
            settings,
            authenticate: Arc::new(Local),
            metrics: Metrics::new(),
            drain: Drain::default(),
            mcp: None,
        }
    }

    /// Says who sends a request.
    pub fn with_authentication(mut self, authenticate: impl Authenticate) -> Self {
        self.authenticate = Arc::new(authenticate);
        self
    }

    /// Counts with counters that others see too.
    pub fn with_metrics(mut self, metrics: Metrics) -> Self {
        self.metrics = metrics;
        self
    }

    /// Mounts MCP at `/mcp`. It passes every layer but the deadline of requests, and finds the
    /// [`Caller`] among the extensions of its requests. Its streams must have ended when the server is asked to stop: its caller sees to that.
    pub fn with_mcp<S>(mut self, service: S) -> Self
    where
        S: Service<Request, Error = Infallible> + Clone + Send + Sync + 'static,
        S::Response: IntoResponse,
        S::Future: Send + 'static,
    {
        self.mcp = Some(Mounted::new(service));
        self
    }

    /// What says that the server is about to stop: begin it before [`HttpServer::serve`] is asked to end, so that nobody
    /// sends more work meanwhile.
    #[must_use]
    pub fn drain(&self) -> Drain {
        self.drain.clone()
    }

    /// What is counted.
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        self.metrics.clone()
    }

    /// Every route, `/mcp` among them, and the answer where none is, each with every layer around it. What is laid around
    /// it with [`Router::route_layer`] comes first and covers every route, with [`Router::layer`] what is no route too; an
    /// answer it makes itself is not counted, gets no request id and is made no problem document.
    ///
    /// Under another server than [`HttpServer`] requests should carry [`Peer`](crate::Peer) among their extensions;
    /// without it all clients have one rate limit.
    pub fn router(&self) -> Router {
        self.surface().into_router()
    }

    fn surface(&self) -> Surface {
        self.metrics.set_patterns(self.api.patterns().patterns.into_iter().map(|pattern| pattern.name));
        let shared = Shared {
            inner: Arc::new(Inner {
                api: self.api.clone(),
                settings: self.settings.clone(),
                metrics: self.metrics.clone(),
                drain: self.drain.clone(),
                watched: Watched::default(),
                queue_length: QueueLength::default(),
                started: Instant::now(),
                document: OnceLock::new(),
            }),
        };
        let mut table = Table::new(self.settings.request_deadline);
        routes::all(&mut table);
        let (router, document) = table.finish();
        // Set once, before anybody could ask.
        let _set = shared.inner.document.set(Bytes::from(document.to_string()));
        let router = router.fallback(routes::fallback).with_state(shared);
        Surface::new(router, self.mcp.clone(), &self.settings, Arc::clone(&self.authenticate), &self.metrics)
    }

    /// The server, ready to [`serve`](HttpServer::serve). It counts the workflows that end from now on.
    #[must_use]
    pub fn build(self) -> HttpServer {
        let surface = self.surface();
        let ends = self.api.handle(&Caller::local()).ends();
        HttpServer::new(surface, self.settings.connections, self.drain, self.metrics).with_ends(ends)
    }
}

impl Shared {
    pub(crate) fn api(&self) -> &Api {
        &self.inner.api
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.inner.settings
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.inner.metrics
    }

    pub(crate) fn drain(&self) -> &Drain {
        &self.inner.drain
    }

    /// Who watches what.
    pub(crate) fn watched(&self) -> &Watched {
        &self.inner.watched
    }

    /// How many workflows wait.
    pub(crate) fn queue_length(&self) -> &QueueLength {
        &self.inner.queue_length
    }

    /// Workflows that run in this process.
    pub(crate) fn running(&self) -> u64 {
        u64::try_from(self.inner.api.handle(&Caller::local()).running()).unwrap_or(u64::MAX)
    }

    /// What calls of models came to in this process.
    pub(crate) fn spending(&self) -> Vec<ModelSpending> {
        self.inner.api.handle(&Caller::local()).spending()
    }

    /// When the surface was put together.
    pub(crate) fn started(&self) -> Instant {
        self.inner.started
    }

    /// The OpenAPI document.
    pub(crate) fn document(&self) -> Bytes {
        self.inner.document.get().cloned().unwrap_or_default()
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}
