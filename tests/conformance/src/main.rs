//! `conformance-server ADDRESS [FOLDER]`: the product's MCP server behind the product's HTTP layers, with the fixtures beside
//! its own tools and the folder as its corpus. Stops when its input ends or it is interrupted. Owns the set-up; what the
//! fixtures do is in [`fixtures`].

mod fixtures;

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use anyhow::Context as _;
use mcp_orchestrator::{ExtractiveProvider, MemoryStore, Orchestrator, Store};
use mcp_orchestrator_api::Api;
use mcp_orchestrator_transport_http::{Http, Settings};
use mcp_orchestrator_transport_mcp::{McpServer, McpSettings};
use mcp_orchestrator_webhooks::Webhooks;
use tokio::{io::AsyncReadExt as _, net::TcpListener};

use crate::fixtures::Fixtures;

/// How long workflows may take to stop.
const STOPPING: Duration = Duration::from_secs(5);

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args_os().skip(1);
    let address = arguments.next().and_then(|address| address.into_string().ok());
    let address: SocketAddr = address.context("the address to listen on is missing")?.parse()?;
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let mut builder = Orchestrator::builder_shared(Arc::clone(&store)).with_provider(ExtractiveProvider::new());
    if let Some(folder) = arguments.next() {
        builder = builder.with_corpus("docs", PathBuf::from(folder));
    }
    let handle = builder.build()?.start();
    let api = Api::new(handle.clone(), Webhooks::new(store, Default::default(), Default::default()));
    let settings = McpSettings::default().with_allowed_origins(["http://localhost:*", "http://127.0.0.1:*"]);
    let mcp = McpServer::new(api.clone(), settings)?.with_extra(Arc::new(Fixtures::default()));

    let listener = TcpListener::bind(address).await?;
    // The suite is one client that asks hundreds of times a second.
    let settings = Settings { reads: None, writes: None, ..Settings::default() };
    let http = Http::new(api, settings).with_mcp(mcp.http_service()).build();
    let closing = async {
        asked_to_stop().await;
        mcp.close().await;
    };
    http.serve(listener, closing).await?;
    handle.shutdown(STOPPING).await?;
    Ok(())
}

/// Returns when whoever started this has closed its end of the input, or has interrupted it.
async fn asked_to_stop() {
    let ended = async {
        let mut input = tokio::io::stdin();
        let mut ignored = [0; 64];
        while matches!(input.read(&mut ignored).await, Ok(1..)) {}
    };
    tokio::select! {
        () = ended => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}
