//! A server on a free port of loopback, over an engine with a scripted provider, stopped by the test.

use std::{net::SocketAddr, sync::Arc};

use mcp_orchestrator::{Builder, Handle, MemoryStore, Orchestrator, Store};
use mcp_orchestrator_api::Api;
use mcp_orchestrator_egress::{ClientSettings, Guard, HttpClient};
use mcp_orchestrator_testkit::{Act, Asked, ScriptedProvider, obliging};
use mcp_orchestrator_transport_http::{Drain, Http, Metrics, Settings};
use mcp_orchestrator_webhooks::{WebhookSettings, Webhooks};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

use crate::client::{Answer, ask};

/// A server that runs.
pub(crate) struct Site {
    pub(crate) address: SocketAddr,
    pub(crate) handle: Handle,
    pub(crate) provider: ScriptedProvider,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) drain: Drain,
    pub(crate) metrics: Metrics,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<std::io::Result<()>>,
}

/// A body that starts research with two agents.
pub(crate) fn research() -> Value {
    json!({ "pattern": "beltalowda", "task": "When is high water in the harbour?", "num_agents": 2, "provider_name": "scripted" })
}

/// A server whose workflows complete at once.
pub(crate) async fn site() -> Site {
    site_with(Settings::default()).await
}

pub(crate) async fn site_with(settings: Settings) -> Site {
    start(settings, ScriptedProvider::obliging(2), |http| http).await
}

/// A server whose agents wait until they are released.
pub(crate) async fn held_site(settings: Settings) -> Site {
    let provider = ScriptedProvider::new(|asked: &Asked| {
        if asked.step().starts_with("belter") { Act::Hold(obliging(asked, 2)) } else { Act::Say(obliging(asked, 2)) }
    });
    start(settings, provider, |http| http).await
}

pub(crate) async fn start(settings: Settings, provider: ScriptedProvider, change: impl FnOnce(Http) -> Http) -> Site {
    start_over(Arc::new(MemoryStore::new()), settings, provider, change).await
}

pub(crate) async fn start_over(
    store: Arc<dyn Store>,
    settings: Settings,
    provider: ScriptedProvider,
    change: impl FnOnce(Http) -> Http,
) -> Site {
    start_engine(store, settings, provider, |builder| builder, change).await
}

/// A server whose engine is another than the usual one.
pub(crate) async fn start_engine(
    store: Arc<dyn Store>,
    settings: Settings,
    provider: ScriptedProvider,
    engine: impl FnOnce(Builder) -> Builder,
    change: impl FnOnce(Http) -> Http,
) -> Site {
    let orchestrator = Orchestrator::builder_shared(Arc::clone(&store)).with_provider(provider.clone());
    let handle = engine(orchestrator).build().unwrap().start();
    let mut client = ClientSettings::default();
    client.guard = Guard::public();
    let webhooks = Webhooks::new(Arc::clone(&store), HttpClient::new(client), WebhookSettings::default());
    let http = change(Http::new(Api::new(handle.clone(), webhooks), settings));
    let (drain, metrics) = (http.drain(), http.metrics());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(http.build().serve(listener, async {
        stopped.await.ok();
    }));
    Site { address, handle, provider, store, drain, metrics, stop, serving }
}

impl Site {
    pub(crate) async fn get(&self, path: &str) -> Answer {
        ask(self.address, "GET", path, &[], b"").await
    }

    pub(crate) async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        ask(self.address, "GET", path, headers, b"").await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.post_with(path, body, &[]).await
    }

    pub(crate) async fn post_with(&self, path: &str, body: &Value, headers: &[(&str, &str)]) -> Answer {
        let mut headers = headers.to_vec();
        headers.push(("Content-Type", "application/json"));
        ask(self.address, "POST", path, &headers, body.to_string().as_bytes()).await
    }

    /// Starts research and gives its id.
    pub(crate) async fn started(&self) -> String {
        let answer = self.post("/v1/workflows", &research()).await;
        assert_eq!(answer.status, 202, "{}", answer.text());
        answer.json()["task_id"].as_str().unwrap().to_owned()
    }

    /// Starts research and waits for its end.
    pub(crate) async fn completed(&self) -> String {
        let id = self.started().await;
        self.handle.settled(&id.parse().unwrap()).await.unwrap();
        id
    }

    /// Asks the server to stop without waiting for it.
    pub(crate) fn stopping(self) -> JoinHandle<std::io::Result<()>> {
        self.stop.send(()).unwrap();
        self.serving
    }

    /// Stops the server and what it stands on.
    pub(crate) async fn stop(self) {
        let handle = self.handle.clone();
        self.stopping().await.unwrap().unwrap();
        handle.shutdown(std::time::Duration::ZERO).await.unwrap();
    }
}
