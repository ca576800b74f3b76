//! What every request passes, outermost first. Owns the order; each row is a file.
//!
//! | layer | answers itself with |
//! |---|---|
//! | `finish`: request id, log line, metrics, headers, problem documents | whatever plain error comes out |
//! | panics | 500 |
//! | `heads`: size of address and header fields | 414, 431 |
//! | `origins`: Host, Origin, CORS | 400, 403, preflights |
//! | `refusals`: addresses that are refused too often | 429 |
//! | `principal`: authentication, probes of health aside | 401 |
//! | `rate` | 429 |
//! | `body`: size and deadline of what is sent | 408, 413 |
//! | `deadline`, streams and `/mcp` aside | 504 |

mod body;
mod client;
mod finish;
mod heads;
mod origins;
mod principal;
mod rate;
mod refusals;
mod request_id;

use std::{any::Any, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{Request, State},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
};
use http::StatusCode;
use tower_http::{
    catch_panic::CatchPanicLayer,
    compression::{CompressionLayer, predicate::DefaultPredicate},
};
use tracing::error;

use crate::{Metrics, Settings, problem::Problem};

pub(crate) use client::ClientNet;
pub use client::Peer;
pub use principal::{Authenticate, Authentication, Identity, Local, Refused};
pub(crate) use request_id::RequestIdText;

/// Puts every layer but the deadline around a router.
pub(crate) fn around(
    router: Router,
    settings: &Settings,
    authenticate: Arc<dyn Authenticate>,
    metrics: &Metrics,
) -> Router {
    let reach = Reach { heads: heads::Limit::new(settings), allowed: origins::Allowed::new(settings) };
    let rate = rate::Limits::new(settings.reads, settings.writes, metrics.clone());
    let refusals = settings.writes.map(|rate| refusals::Refusals::new(rate, metrics.clone()));
    let admission = Admission { refusals, authenticate, rate, body: body::Limit::new(settings) };
    // All at once, and checks that only let a request through or not in one layer: each costs copies and boxes of its own
    // for each request.
    router.layer((
        from_fn_with_state(metrics.clone(), finish::finish),
        CatchPanicLayer::custom(panicked),
        from_fn_with_state(Arc::new(reach), reaches),
        CompressionLayer::new().compress_when(DefaultPredicate::new()),
        from_fn_with_state(Arc::new(admission), admitted),
    ))
}

/// What a request must be to reach this server at all.
struct Reach {
    heads: heads::Limit,
    allowed: origins::Allowed,
}

async fn reaches(State(reach): State<Arc<Reach>>, request: Request, next: Next) -> Response {
    match reach.heads.check(&request) {
        Ok(()) => origins::check(&reach.allowed, request, next).await,
        Err(problem) => problem.into_response(),
    }
}

/// What its sender must be allowed before a route sees it.
struct Admission {
    refusals: Option<refusals::Refusals>,
    authenticate: Arc<dyn Authenticate>,
    rate: rate::Limits,
    body: body::Limit,
}

async fn admitted(State(admission): State<Arc<Admission>>, request: Request, next: Next) -> Response {
    // Who guesses credentials is turned away before anybody looks at them.
    let sender = refusals::Sender::of(&request);
    let refusals = admission.refusals.as_ref().zip(sender);
    if let Some(refused_too_often) = refusals.and_then(|(refusals, sender)| refusals.refusal(sender)) {
        return refused_too_often;
    }
    let request = match principal::identify(admission.authenticate.as_ref(), request).await {
        Ok(request) => request,
        Err(problem) => {
            if let Some((refusals, sender)) = refusals {
                refusals.count(sender);
            }
            return problem.into_response();
        }
    };
    if let Some(refusal) = admission.rate.refusal(&request) {
        return refusal;
    }
    match body::collect(admission.body, request).await {
        Ok(request) => next.run(request).await,
        Err(problem) => problem.into_response(),
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

#[expect(clippy::needless_pass_by_value, reason = "the layer hands it over")]
fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response {
    let said = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    error!(panic = said.unwrap_or("without words"), "a handler panicked");
    Problem::of(StatusCode::INTERNAL_SERVER_ERROR).into_response()
}
