//! Serving and draining: which transports run, what is asked to end in which order, and how long each may take.

use std::{net::SocketAddr, process::ExitCode, sync::Arc, time::Duration};

use anyhow::{Context as _, anyhow};
use mcp_orchestrator_transport_http::{ConnectionLimits, Http, Rate, Settings as HttpSettings};
use mcp_orchestrator_transport_mcp::{McpServer, McpSettings};
use tokio::{net::TcpListener, task::JoinSet};
use tokio_util::sync::CancellationToken;

use crate::{
    parts::{self, Parts},
    setup::Setup,
    signals,
    stop::Stop,
    tidy,
};

/// How long running workflows may go on after the server was asked to stop.
const GRACE: Duration = Duration::from_secs(20);
/// How long answers under way may take to be sent after that. Together they stay under the 30 s service managers wait.
const SENDING: Duration = Duration::from_secs(5);
/// How long webhooks and other services may take to end.
const ENDING: Duration = Duration::from_secs(3);

/// Runs the server until it is asked to stop, or until the client over stdio is gone.
pub(crate) async fn serve(setup: &Setup) -> Result<ExitCode, Stop> {
    let stop = CancellationToken::new();
    signals::listen(stop.clone()).map_err(Stop::failed)?;
    // An address that is taken is told before anything is opened.
    let listener = match setup.listen {
        Some(address) => Some(bind(address).await?),
        None => None,
    };
    let parts = parts::start(setup).await?;
    // The layers of HTTP check hosts and origins, once and for every route.
    let mcp =
        McpServer::new(parts.api.clone(), McpSettings::default().with_hosts_checked_before()).map_err(Stop::failed)?;
    // Fires when nothing runs any more: what serves may then end.
    let finished = CancellationToken::new();
    let mut services = JoinSet::new();
    let (corpora, webhooks) = (parts.corpora.clone(), parts.webhooks.clone());
    services.spawn(until(finished.clone(), async move {
        corpora.open().await;
        std::future::pending::<()>().await;
    }));
    let http = Http::new(parts.api.clone(), http_settings(setup)).with_mcp(mcp.http_service());
    let tidying = tidy::tidy(Arc::clone(&parts.store), setup.settings.store_kept, http.metrics());
    services.spawn(until(finished.clone(), tidying));
    let webhooks_finished = finished.clone();
    services.spawn(async move { webhooks.run(webhooks_finished.cancelled_owned()).await });

    let mut transports = JoinSet::new();
    let draining = http.drain();
    if let Some(listener) = listener {
        let server = http.build();
        let finished = finished.clone();
        transports.spawn(async move {
            let served = server.serve(listener, finished.cancelled_owned()).await;
            served.map_err(|error| Stop::Failed(anyhow!(error).context("HTTP")))
        });
    }
    if setup.stdio {
        let (mcp, shutdown, stop) = (mcp.clone(), stop.clone(), stop.clone());
        transports.spawn(async move {
            let served = mcp.serve_stdio(tokio::io::stdin(), tokio::io::stdout(), shutdown.cancelled_owned()).await;
            // The client is gone: whoever started this process waits for its end.
            stop.cancel();
            served.map_err(|error| Stop::Failed(anyhow!(error).context("stdio")))
        });
    }
    ready();
    let early = tokio::select! {
        () = stop.cancelled() => None,
        ended = transports.join_next() => ended,
    };

    stopping();
    draining.begin();
    // Over stdio alone nobody is left to wait for.
    let grace = setup.listen.map_or(Duration::ZERO, |_| setup.settings.server.grace.unwrap_or(GRACE));
    let (drained, ()) = tokio::join!(drain(&parts, grace), mcp.close());
    finished.cancel();
    let mut outcome = early.map_or(Ok(()), joined);
    while let Some(ended) = transports.join_next().await {
        let ended = joined(ended);
        outcome = outcome.and(ended);
    }
    let ended = tokio::time::timeout(ENDING, async { while services.join_next().await.is_some() {} }).await;
    if ended.is_err() {
        tracing::warn!("a service did not end in time; what it does is repeated at the next start");
    }
    outcome.and(drained).map(|()| ExitCode::SUCCESS)
}

/// Refuses new work, lets running workflows go on for the grace time and gives the rest back to the store.
async fn drain(parts: &Parts, grace: Duration) -> Result<(), Stop> {
    parts.handle.drain();
    let running = parts.handle.running();
    if running > 0 {
        tracing::info!(running, grace_seconds = grace.as_secs(), "waiting for running workflows");
    }
    parts.handle.shutdown(grace).await.map_err(Stop::failed)
}

async fn bind(address: SocketAddr) -> Result<TcpListener, Stop> {
    let listener = TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"));
    listener.map_err(Stop::Unavailable)
}

fn http_settings(setup: &Setup) -> HttpSettings {
    let server = &setup.settings.server;
    let default = HttpSettings::default();
    let rate = |asked: Option<u32>, default: Option<Rate>| match asked {
        None => default,
        Some(0) => None,
        Some(per_second) => {
            let times = default.map_or(10, |rate| rate.burst / rate.per_second.max(1));
            Some(Rate { per_second, burst: per_second.saturating_mul(times) })
        }
    };
    HttpSettings {
        hosts: server.hosts.clone(),
        origins: server.origins.clone(),
        reads: rate(server.reads_per_second, default.reads),
        writes: rate(server.writes_per_second, default.writes),
        connections: ConnectionLimits {
            total: server.connections_max.unwrap_or(default.connections.total),
            per_address: server.connections_per_address_max.unwrap_or(default.connections.per_address),
            drain: SENDING,
            ..default.connections
        },
        ..default
    }
}

async fn until(finished: CancellationToken, work: impl Future<Output = ()>) {
    tokio::select! {
        () = work => {}
        () = finished.cancelled() => {}
    }
}

fn joined(ended: Result<Result<(), Stop>, tokio::task::JoinError>) -> Result<(), Stop> {
    match ended {
        Ok(served) => served,
        Err(broken) => Err(Stop::Failed(anyhow!(broken).context("a transport broke"))),
    }
}

/// Tells the service manager, where there is one.
fn ready() {
    notify(&[sd_notify::NotifyState::Ready]);
}

fn stopping() {
    notify(&[sd_notify::NotifyState::Stopping]);
}

fn notify(state: &[sd_notify::NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(false, state) {
        tracing::warn!(%error, "the service manager cannot be told");
    }
}
