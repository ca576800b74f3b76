//! What every request passes, outermost first. Owns the order; each row is a file.
//!
//! | step | answers itself with |
//! |---|---|
//! | `finish`: request id, log line, metrics, headers, problem documents | whatever plain error comes out |
//! | panics | 500 |
//! | `heads`: size of address and header fields | 414, 431 |
//! | `origins`: Host, Origin, CORS | 400, 403, preflights |
//! | compression, for those who ask for it | – |
//! | `refusals`: addresses that are refused too often | 429 |
//! | `principal`: authentication, probes of health aside | 401 |
//! | `rate` | 429 |
//! | `body`: size and deadline of what is sent | 408, 413 |
//! | `deadline`, streams and `/mcp` aside | 504 |
//!
//! One service does all but the last: each layer of a router costs every request copies and boxes of its own. Only who
//! embeds the routes gets them in a router with it around each.

mod body;
mod client;
mod finish;
mod heads;
mod mounted;
mod origins;
mod principal;
mod rate;
mod refusals;
mod request_id;

use std::{any::Any, convert::Infallible, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    middleware::{Next, from_fn},
    response::{IntoResponse, Response},
};
use futures::FutureExt as _;
use http::{StatusCode, header};
use tower::{Layer as _, ServiceExt as _, service_fn};
use tower_http::compression::{CompressionLayer, predicate::DefaultPredicate};
use tracing::{Instrument as _, error, info_span};

use crate::{Metrics, Settings, problem::Problem};

pub(crate) use client::ClientNet;
pub use client::Peer;
pub(crate) use mounted::Mounted;
pub use principal::{Authenticate, Authentication, Identity, Local, Refused};
pub(crate) use request_id::RequestIdText;

/// A router with everything around it. Clones are one.
#[derive(Clone)]
pub(crate) struct Surface {
    inner: Arc<Inner>,
}

struct Inner {
    router: Router,
    /// What answers at [`mounted::PATH`], past the router.
    mcp: Option<Mounted>,
    metrics: Metrics,
    heads: heads::Limit,
    allowed: origins::Allowed,
    refusals: Option<refusals::Refusals>,
    authenticate: Arc<dyn Authenticate>,
    rate: rate::Limits,
    body: body::Limit,
    compression: CompressionLayer<DefaultPredicate>,
}

impl Surface {
    pub(crate) fn new(
        router: Router,
        mcp: Option<Mounted>,
        settings: &Settings,
        authenticate: Arc<dyn Authenticate>,
        metrics: &Metrics,
    ) -> Self {
        let inner = Inner {
            router: router.layer(from_fn(finish::name_route)),
            mcp,
            metrics: metrics.clone(),
            heads: heads::Limit::new(settings),
            allowed: origins::Allowed::new(settings),
            refusals: settings.writes.map(|rate| refusals::Refusals::new(rate, metrics.clone())),
            authenticate,
            rate: rate::Limits::new(settings.reads, settings.writes, metrics.clone()),
            body: body::Limit::new(settings),
            compression: CompressionLayer::new().compress_when(DefaultPredicate::new()),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Answers a request, whatever happens.
    pub(crate) async fn answer(&self, request: Request) -> Response {
        self.passed(request, None).await
    }

    /// The routes one by one, each and the fallback with all of this around it: what is laid around the routes of the
    /// router covers every one.
    pub(crate) fn into_router(self) -> Router {
        let mut router = self.inner.router.clone();
        if let Some(mcp) = self.inner.mcp.clone() {
            router = router
                .route_service(mounted::PATH, service_fn(move |request| mcp.answer(request).map(Ok::<_, Infallible>)));
        }
        router.layer(from_fn(move |request: Request, route: Next| {
            let surface = self.clone();
            async move { surface.passed(request, Some(route)).await }
        }))
    }

    /// What comes of a request on its way to a route that was found for it; `None`: it is yet to be found.
    async fn passed(&self, mut request: Request, route: Option<Next>) -> Response {
        let asked = finish::Asked::begin(&mut request);
        let span = info_span!("request", request_id = &*asked.id.0);
        // Boxed: a connection that waits or streams should not hold the room its requests take.
        let answer = AssertUnwindSafe(Box::pin(self.reached(request, route))).catch_unwind().instrument(span).await;
        asked.finish(answer.unwrap_or_else(panicked), &self.inner.metrics)
    }

    /// What a request must be to reach this server at all.
    async fn reached(&self, request: Request, route: Option<Next>) -> Response {
        if let Err(problem) = self.inner.heads.check(&request) {
            return problem.into_response();
        }
        let origin = match self.inner.allowed.check(&request) {
            Ok(origin) => origin,
            Err(problem) => return problem.into_response(),
        };
        let response = match origin.as_ref().and_then(|_| origins::preflight(&request)) {
            Some(preflight) => preflight,
            None if request.headers().contains_key(header::ACCEPT_ENCODING) => {
                Box::pin(self.compressed(request, route)).await
            }
            None => self.admitted(request, route).await,
        };
        match origin {
            Some(origin) => origins::readable(response, origin),
            None => response,
        }
    }

    async fn compressed(&self, request: Request, route: Option<Next>) -> Response {
        let service = service_fn(|request| {
            let route = route.clone();
            async { Ok::<_, Infallible>(self.admitted(request, route).await) }
        });
        match self.inner.compression.layer(service).oneshot(request).await {
            Ok(response) => response.map(Body::new),
            Err(never) => match never {},
        }
    }

    /// What its sender must be allowed before a route sees it.
    async fn admitted(&self, request: Request, route: Option<Next>) -> Response {
        let inner = &*self.inner;
        // Who guesses credentials is turned away before anybody looks at them.
        let sender = refusals::Sender::of(&request);
        let refusals = inner.refusals.as_ref().zip(sender);
        if let Some(refused_too_often) = refusals.and_then(|(refusals, sender)| refusals.refusal(sender)) {
            return refused_too_often;
        }
        let request = match principal::identify(inner.authenticate.as_ref(), request).await {
            Ok(request) => request,
            Err(problem) => {
                if let Some((refusals, sender)) = refusals {
                    refusals.count(sender);
                }
                return problem.into_response();
            }
        };
        if let Some(refusal) = inner.rate.refusal(&request) {
            return refusal;
        }
        let request = match body::collect(inner.body, request).await {
            Ok(request) => request,
            Err(problem) => return problem.into_response(),
        };
        match (route, &inner.mcp) {
            (Some(route), _) => Box::pin(route.run(request)).await,
            (None, Some(mcp)) if request.uri().path() == mounted::PATH => mcp.answer(request).await,
            (None, _) => match Box::pin(inner.router.clone().oneshot(request)).await {
                Ok(response) => response,
                Err(never) => match never {},
            },
        }
    }
}

impl std::fmt::Debug for Surface {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Surface").finish_non_exhaustive()
    }
}

/// Gives up on an answer that takes too long. Dropping the handler ends its wait, never a workflow.
pub(crate) async fn deadline(State(limit): State<Duration>, request: Request, next: Next) -> Response {
    match tokio::time::timeout(limit, next.run(request)).await {
        Ok(response) => response,
        Err(_elapsed) => {
            Problem::new(StatusCode::GATEWAY_TIMEOUT, format!("the answer took longer than {} s", limit.as_secs_f64()))
                .into_response()
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "catching hands it over")]
fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response {
    let said = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    error!(panic = said.unwrap_or("without words"), "a handler panicked");
    Problem::of(StatusCode::INTERNAL_SERVER_ERROR).into_response()
}
