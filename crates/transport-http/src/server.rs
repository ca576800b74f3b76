//! The accept loop. Owns every connection and the tasks behind them; knows no route.

mod addresses;
mod connection;
mod executor;
mod guarded;

use std::{io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use mcp_orchestrator::EndedWorkflow;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{
        OwnedSemaphorePermit, Semaphore,
        broadcast::{self, error::RecvError},
    },
    task::JoinSet,
};
use tracing::{debug, info, warn};

use crate::{
    ConnectionLimits, Drain, Metrics,
    layers::{Peer, Surface},
};
use addresses::Addresses;

/// The pause after the operating system refused to accept, usually for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves the surface over HTTP/1.1 and HTTP/2 without TLS, within limits that hold against slow and greedy clients. Made
/// by [`Http::build`](crate::Http::build).
#[derive(Debug)]
pub struct HttpServer {
    surface: Surface,
    limits: ConnectionLimits,
    drain: Drain,
    metrics: Metrics,
    ends: Option<broadcast::Receiver<EndedWorkflow>>,
}

impl HttpServer {
    /// A server for a surface. [`HttpServer::serve`] closes `drain` at its shutdown.
    pub(crate) fn new(surface: Surface, limits: ConnectionLimits, drain: Drain, metrics: Metrics) -> Self {
        Self { surface, limits, drain, metrics, ends: None }
    }

    /// Counts workflows that end while the server serves.
    pub(crate) fn with_ends(self, ends: broadcast::Receiver<EndedWorkflow>) -> Self {
        Self { ends: Some(ends), ..self }
    }

    /// Accepts until `shutdown` is ready, then drains: accepts nothing more, lets streams say their last word and running
    /// requests end, and after [`ConnectionLimits::drain`] closes what is left. Every task it started has ended when it
    /// returns.
    ///
    /// Dropping the future closes every connection at once.
    ///
    /// # Errors
    /// When the listener has no address. A connection that breaks is no error.
    pub async fn serve(mut self, listener: TcpListener, shutdown: impl Future<Output = ()>) -> io::Result<()> {
        let address = listener.local_addr()?;
        info!(%address, "serving HTTP");
        let slots = Arc::new(Semaphore::new(self.limits.total));
        let addresses = Addresses::new(self.limits.per_address);
        let limits = Arc::new(self.limits);
        let mut connections = JoinSet::new();
        let mut shutdown = pin!(shutdown);
        loop {
            tokio::select! {
                () = &mut shutdown => break,
                Some(ended) = connections.join_next() => report(ended),
                () = count_end(&mut self.ends, &self.metrics) => {}
                (stream, peer, slot) = accept(&listener, &slots) => {
                    let Some(place) = addresses.take(peer.ip()) else {
                        debug!(%peer, "closed a connection: its address holds as many as it may");
                        self.metrics.connection_refused();
                        continue;
                    };
                    let Ok(local) = stream.local_addr() else { continue };
                    let serving = connection::serve(stream, connection::Served {
                        surface: self.surface.clone(),
                        peer: Peer { peer, local },
                        limits: Arc::clone(&limits),
                        drain: self.drain.clone(),
                    });
                    let open = self.metrics.connection();
                    connections.spawn(async move {
                        serving.await;
                        drop((open, place, slot));
                    });
                }
            }
        }
        drop(listener);
        self.drain.close();
        let open = connections.len();
        info!(open, "draining HTTP");
        let drained = async {
            while let Some(ended) = connections.join_next().await {
                report(ended);
            }
        };
        if tokio::time::timeout(self.limits.drain, drained).await.is_err() {
            warn!(open = connections.len(), "closed connections that did not end in time");
        }
        connections.shutdown().await;
        Ok(())
    }
}

/// The next connection, once there is a slot for it.
async fn accept(listener: &TcpListener, slots: &Arc<Semaphore>) -> (TcpStream, SocketAddr, OwnedSemaphorePermit) {
    loop {
        let Ok(slot) = Arc::clone(slots).acquire_owned().await else {
            // The semaphore is never closed.
            std::future::pending().await
        };
        match listener.accept().await {
            Ok((stream, peer)) => return (stream, peer, slot),
            Err(error) => {
                warn!(%error, "failed to accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Counts one workflow that has ended. Returns never when nobody tells.
async fn count_end(ends: &mut Option<broadcast::Receiver<EndedWorkflow>>, metrics: &Metrics) {
    let Some(receiver) = ends else { return std::future::pending().await };
    match receiver.recv().await {
        Ok(ended) => metrics.workflow_ended(ended.pattern.as_str(), ended.status.as_str(), ended.duration),
        Err(RecvError::Lagged(missed)) => warn!(missed, "workflows that ended were not counted"),
        Err(RecvError::Closed) => *ends = None,
    }
}

fn report(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        warn!(%error, "a connection's task panicked");
    }
}
