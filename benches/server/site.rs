//! The server as its binary puts it together, on a free port of loopback: engine, webhooks, HTTP, MCP. Without limits on
//! how often one client may ask, because here one client is all there is.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use mcp_orchestrator::{Handle, Orchestrator, Provider, Store};
use mcp_orchestrator_api::Api;
use mcp_orchestrator_transport_http::{ConnectionLimits, Http, Settings};
use mcp_orchestrator_transport_mcp::{McpServer, McpSettings};
use mcp_orchestrator_webhooks::Webhooks;
use tokio::{net::TcpListener, task::JoinSet};
use tokio_util::sync::CancellationToken;

/// Connections of one client and of all.
const CONNECTIONS_MAX: usize = 32_768;

/// A server that runs.
pub(crate) struct Site {
    pub(crate) address: SocketAddr,
    pub(crate) handle: Handle,
    pub(crate) mcp: McpServer,
    stop: CancellationToken,
    serving: JoinSet<anyhow::Result<()>>,
}

impl Site {
    pub(crate) async fn start(store: Arc<dyn Store>, provider: impl Provider) -> anyhow::Result<Self> {
        let orchestrator = Orchestrator::builder_shared(Arc::clone(&store)).with_provider(provider);
        let handle = orchestrator.build()?.start();
        let webhooks = Webhooks::new(store, Default::default(), Default::default());
        let api = Api::new(handle.clone(), webhooks.clone());
        let mcp = McpServer::new(api.clone(), McpSettings::default().with_hosts_checked_before())?;
        let connections =
            ConnectionLimits { total: CONNECTIONS_MAX, per_address: CONNECTIONS_MAX, ..ConnectionLimits::default() };
        let settings = Settings { connections, reads: None, writes: None, ..Settings::default() };
        let server = Http::new(api, settings).with_mcp(mcp.http_service()).build();
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let stop = CancellationToken::new();
        let mut serving = JoinSet::new();
        let stopped = stop.clone();
        serving.spawn(async move { Ok(server.serve(listener, stopped.cancelled_owned()).await?) });
        let stopped = stop.clone();
        serving.spawn(async move {
            webhooks.run(stopped.cancelled_owned()).await;
            Ok(())
        });
        Ok(Self { address, handle, mcp, stop, serving })
    }

    /// Stops it and waits until everything has ended.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        self.mcp.close().await;
        self.stop.cancel();
        while let Some(ended) = self.serving.join_next().await {
            ended??;
        }
        Ok(self.handle.shutdown(Duration::ZERO).await?)
    }
}
