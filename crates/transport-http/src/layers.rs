//! What every request passes, outermost first. Owns the order; each layer is a file.
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
    let rate = rate::Limits::new(settings.reads, settings.writes, metrics.clone());
    let refusals = settings.writes.map(|rate| Arc::new(refusals::Refusals::new(rate, metrics.clone())));
    router
        .layer(from_fn_with_state(body::Limit::new(settings), body::collect))
        .layer(from_fn_with_state(Arc::new(rate), rate::check))
        .layer(from_fn_with_state(authenticate, principal::identify))
        .layer(from_fn_with_state(refusals, refusals::check))
        .layer(CompressionLayer::new().compress_when(DefaultPredicate::new()))
        .layer(from_fn_with_state(Arc::new(origins::Allowed::new(settings)), origins::check))
        .layer(from_fn_with_state(heads::Limit::new(settings), heads::check))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(metrics.clone(), finish::finish))
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
