//! One connection from its first byte to its last. Owns the limits of both protocols; knows no route.

use std::{
    convert::Infallible,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::body::Body;
use http::Request;
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::conn::auto,
};
use tokio::net::TcpStream;
use tracing::debug;

use super::{executor::Executor, guarded::Guarded};
use crate::{
    ConnectionLimits, Drain,
    layers::{Peer, Surface},
};

/// How much larger than the limit for header fields the buffer is, so that most of what is too large gets an answer.
const BUFFER_FACTOR: usize = 4;
/// Header fields HTTP/1 has room for at no cost; a larger room is made and cleared for every request.
const HEADERS_ROOM: usize = 100;
/// The smallest buffer HTTP/1 works with.
const BUFFER_MIN: usize = 8 * 1024;
/// Streams of HTTP/2 that were reset before the server saw them, before the connection is closed.
const RESET_STREAMS: usize = 20;
/// How often an HTTP/2 connection that says nothing is asked whether it lives, and how long it has to answer.
const PING: Duration = Duration::from_secs(30);
/// What may wait to be sent on one stream of HTTP/2.
const SEND_BUFFER: usize = 64 * 1024;

/// What a connection serves, and how.
pub(super) struct Served {
    pub(super) surface: Surface,
    pub(super) peer: Peer,
    pub(super) limits: Arc<ConnectionLimits>,
    pub(super) drain: Drain,
}

/// Serves a connection until it ends; after the closing has begun, until its running requests have ended.
pub(super) async fn serve(stream: TcpStream, served: Served) {
    let Served { surface, peer, limits, drain } = served;
    // Only latency is lost when the operating system refuses.
    let _refused = stream.set_nodelay(true);
    let asked = Arc::new(AtomicBool::new(false));
    let service = {
        let asked = Arc::clone(&asked);
        service_fn(move |request: Request<Incoming>| {
            asked.store(true, Ordering::Relaxed);
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(peer);
            let surface = surface.clone();
            async move { Ok::<_, Infallible>(surface.answer(request).await) }
        })
    };
    let builder = builder(&limits);
    let io = TokioIo::new(Guarded::new(stream, limits.write_deadline));
    let mut connection = pin!(builder.serve_connection(io, service));
    let mut first = pin!(tokio::time::sleep(limits.head_deadline));
    let mut closed = pin!(drain.closed());
    let (mut waits_for_first, mut closes) = (true, false);
    loop {
        tokio::select! {
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    debug!(peer = %peer.peer, error, "a connection broke");
                }
                return;
            }
            () = first.as_mut(), if waits_for_first => {
                waits_for_first = false;
                // Until the protocol is known nothing else watches the time.
                if !asked.load(Ordering::Relaxed) {
                    debug!(peer = %peer.peer, "closed a connection that asked for nothing in time");
                    return;
                }
            }
            () = closed.as_mut(), if !closes => {
                closes = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}

fn builder(limits: &ConnectionLimits) -> auto::Builder<Executor> {
    let mut builder = auto::Builder::new(Executor::default());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_deadline)
        .max_buf_size(limits.header_bytes.saturating_mul(BUFFER_FACTOR).max(BUFFER_MIN));
    if limits.headers >= HEADERS_ROOM {
        builder.http1().max_headers(limits.headers.saturating_mul(BUFFER_FACTOR));
    }
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(PING)
        .keep_alive_timeout(PING)
        .max_concurrent_streams(limits.streams)
        .max_header_list_size(u32::try_from(limits.header_bytes.saturating_mul(BUFFER_FACTOR)).unwrap_or(u32::MAX))
        .max_pending_accept_reset_streams(RESET_STREAMS)
        .max_send_buf_size(SEND_BUFFER);
    builder
}
