//! How often one client may ask. Owns the buckets and their bound; health and metrics are never limited.

use std::{
    net::Ipv4Addr,
    num::NonZeroU32,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use axum::{
    extract::Request,
    response::{IntoResponse, Response},
};
use governor::{
    DefaultKeyedRateLimiter, Quota, RateLimiter,
    clock::{Clock as _, DefaultClock},
};
use http::{HeaderName, HeaderValue, Method, StatusCode};
use mcp_orchestrator_domain::Principal;

use super::{ClientNet, Identity, Peer};
use crate::{Metrics, Rate, problem::Problem, routes::health};

const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
/// Clients that have a bucket of their own; further ones share one.
const CLIENTS_MAX: usize = 16_384;
/// Checks between two sweeps of buckets that are full again.
const SWEEP_EVERY: u32 = 4_096;

/// The limits of reading and of writing.
#[derive(Debug)]
pub(super) struct Limits {
    reads: Option<Limit>,
    writes: Option<Limit>,
    metrics: Metrics,
}

#[derive(Debug)]
struct Limit {
    buckets: DefaultKeyedRateLimiter<Client>,
    clock: DefaultClock,
    checks: AtomicU32,
    policy: HeaderValue,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Client {
    Known(Principal),
    Net(ClientNet),
    /// Everybody for whom there was no bucket left.
    Others,
}

impl Limits {
    pub(super) fn new(reads: Option<Rate>, writes: Option<Rate>, metrics: Metrics) -> Self {
        Self {
            reads: reads.map(|rate| Limit::new("reads", rate)),
            writes: writes.map(|rate| Limit::new("writes", rate)),
            metrics,
        }
    }

    /// What a client is told that asks too often.
    pub(super) fn refusal(&self, request: &Request) -> Option<Response> {
        let reads = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
        let limit = if reads { &self.reads } else { &self.writes };
        let limit = limit.as_ref().filter(|_| !health::is_exempt(request.uri().path()))?;
        let wait = limit.check(client(request)).err()?;
        self.metrics.rate_limited(if reads { "reads" } else { "writes" });
        let mut response = too_often(wait);
        response.headers_mut().insert(RATE_LIMIT_POLICY, limit.policy.clone());
        Some(response)
    }
}

impl Limit {
    fn new(name: &str, rate: Rate) -> Self {
        let per_second = NonZeroU32::new(rate.per_second).unwrap_or(NonZeroU32::MIN);
        let burst = NonZeroU32::new(rate.burst).unwrap_or(NonZeroU32::MIN);
        let window = burst.get().div_ceil(per_second.get());
        let policy = format!("\"{name}\";q={burst};w={window}");
        Self {
            buckets: RateLimiter::keyed(Quota::per_second(per_second).allow_burst(burst)),
            clock: DefaultClock::default(),
            checks: AtomicU32::new(0),
            policy: HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("\"default\"")),
        }
    }

    /// How long to wait, if it is too often.
    fn check(&self, client: Client) -> Result<(), Duration> {
        if self.checks.fetch_add(1, Ordering::Relaxed) % SWEEP_EVERY == SWEEP_EVERY - 1 {
            self.buckets.retain_recent();
        }
        // What is over by a few, because others add at the same time, does not matter.
        let client = if self.buckets.len() < CLIENTS_MAX { client } else { Client::Others };
        self.buckets.check_key(&client).map_err(|until| until.wait_time_from(self.clock.now()))
    }
}

/// The answer to who asks too often.
pub(super) fn too_often(wait: Duration) -> Response {
    Problem::new(StatusCode::TOO_MANY_REQUESTS, "this client asks too often")
        .with_hint("wait as long as Retry-After says")
        .with_retry_after(Some(wait))
        .into_response()
}

fn client(request: &Request) -> Client {
    let extensions = request.extensions();
    match (extensions.get::<Identity>(), extensions.get::<Peer>()) {
        (Some(identity), _) if identity.is_proved => Client::Known(identity.principal.clone()),
        (_, Some(peer)) => Client::Net(ClientNet::of(peer.peer.ip())),
        // Embedded in another server, which knows the connection and we do not.
        (_, None) => Client::Net(ClientNet::V4(Ipv4Addr::UNSPECIFIED)),
    }
}
