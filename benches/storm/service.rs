//! A service that speaks the Chat wire over HTTP, takes so many requests a second and refuses the rest. Owns what it counted.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::Body,
    extract::State,
    http::{Response, header},
    routing::post,
};
use mcp_orchestrator_testkit::provider_suite::{Counts, End, Said, Trouble, Voice};
use tokio::{net::TcpListener, task::JoinHandle};

/// How long it thinks about an answer.
const LATENCY: Duration = Duration::from_millis(1_500);
/// What it asks for when it refuses, and what it is left alone for when it asks for nothing, at first.
const PAUSE: Duration = Duration::from_secs(1);

/// What a refusal says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asks {
    /// `Retry-After`, in seconds.
    RetryAfter,
    /// Nothing but that there are too many.
    Nothing,
}

/// A service that runs. Dropping it stops it.
pub(crate) struct Service {
    pub(crate) address: SocketAddr,
    seen: Arc<Seen>,
    serving: JoinHandle<()>,
}

/// What it has come to.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Count {
    pub(crate) answered: usize,
    pub(crate) refused: usize,
    /// Times it refused after it had refused nothing for a pause.
    pub(crate) pauses: usize,
}

struct Seen {
    rate: f64,
    asks: Asks,
    answer: String,
    state: Mutex<Bucket>,
}

struct Bucket {
    held: f64,
    at: Instant,
    paused_until: Instant,
    count: Count,
}

impl Service {
    /// Starts one on a free port of loopback. Every answer is a list of so many parts, which is a plan to whoever asked for one.
    pub(crate) async fn start(rate: u32, asks: Asks, parts: u16) -> anyhow::Result<Self> {
        let text = (1..=parts).map(|part| format!("{part}. Find out about part number {part}\n")).collect();
        let counts = Counts { input: 100, output: 20, ..Counts::default() };
        let answer = Voice::Chat.events(&Said { text, calls: Vec::new(), end: End::Done, counts });
        let now = Instant::now();
        let bucket = Bucket { held: rate.into(), at: now, paused_until: now, count: Count::default() };
        let seen = Arc::new(Seen { rate: rate.into(), asks, answer, state: Mutex::new(bucket) });
        let router = Router::new().route("/v1/chat/completions", post(answered)).with_state(Arc::clone(&seen));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let serving = tokio::spawn(async move {
            // It ends when it is aborted.
            let _ended = axum::serve(listener, router).await;
        });
        Ok(Self { address, seen, serving })
    }

    /// What it has come to so far.
    pub(crate) fn count(&self) -> Count {
        self.seen.state.lock().unwrap_or_else(PoisonError::into_inner).count
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Seen {
    fn admits(&self) -> bool {
        let mut bucket = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        bucket.held = (bucket.held + (now - bucket.at).as_secs_f64() * self.rate).min(self.rate);
        bucket.at = now;
        if bucket.held >= 1.0 {
            bucket.held -= 1.0;
            bucket.count.answered += 1;
            return true;
        }
        bucket.count.refused += 1;
        if now >= bucket.paused_until {
            bucket.count.pauses += 1;
            bucket.paused_until = now + PAUSE;
        }
        false
    }
}

async fn answered(State(seen): State<Arc<Seen>>) -> Result<Response<Body>, Infallible> {
    let (mut response, kind) = if seen.admits() {
        tokio::time::sleep(LATENCY).await;
        (Response::new(Body::from(seen.answer.clone())), "text/event-stream")
    } else {
        let (status, body) = Voice::Chat.trouble(Trouble::RateLimited);
        let mut response = Response::new(Body::from(body.to_string()));
        *response.status_mut() = axum::http::StatusCode::from_u16(status).unwrap_or_default();
        if seen.asks == Asks::RetryAfter {
            response.headers_mut().insert(header::RETRY_AFTER, PAUSE.as_secs().into());
        }
        (response, "application/json")
    };
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(kind));
    Ok(response)
}
