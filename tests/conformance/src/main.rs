//! `conformance-server [FOLDER]`: the product's MCP server on a free port of this machine, with the fixtures beside its own
//! tools and the folder as its corpus. Prints the address of `/mcp` as its one line and stops when its input ends or it is
//! interrupted. Owns the set-up; what the fixtures do is in [`fixtures`].

mod fixtures;

use std::{
    io::{self, Write as _},
    net::Ipv4Addr,
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

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
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let mut builder = Orchestrator::builder_shared(Arc::clone(&store)).with_provider(ExtractiveProvider::new());
    if let Some(folder) = std::env::args_os().nth(1) {
        builder = builder.with_corpus("docs", PathBuf::from(folder));
    }
    let handle = builder.build()?.start();
    let api = Api::new(handle.clone(), Webhooks::new(store, Default::default(), Default::default()));
    let settings = McpSettings::default().with_allowed_origins(["http://localhost:*", "http://127.0.0.1:*"]);
    let mcp = McpServer::new(api.clone(), settings)?.with_extra(Arc::new(Fixtures::default()));

    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    // The suite is one client that asks hundreds of times a second.
    let settings = Settings { reads: None, writes: None, ..Settings::default() };
    let http = Http::new(api, settings).with_mcp(mcp.http_service()).build();
    writeln!(io::stdout(), "http://{address}/mcp")?;
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
