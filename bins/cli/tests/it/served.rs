//! A server for one test: the real engine behind the real HTTP, on a store in the test's home. Ends with the test.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, mpsc},
    thread::JoinHandle,
    time::Duration,
};

use mcp_orchestrator::Orchestrator;
use mcp_orchestrator_api::Api;
use mcp_orchestrator_app::LiveCorpora;
use mcp_orchestrator_providers::{ExtractiveProvider, http::HttpProvider};
use mcp_orchestrator_store::{SqliteStore, Store};
use mcp_orchestrator_transport_http::{Http, Rate, Settings};
use mcp_orchestrator_webhooks::{WebhookSettings, Webhooks};
use tokio::{net::TcpListener, sync::oneshot};

use crate::setup::{Home, Ran};

/// A server that answers from the documents in `docs`.
pub(crate) struct Served {
    pub(crate) address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// How a server is unlike the usual one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Odd {
    /// Where a model called `local` is, which answers unless another is named.
    pub(crate) model: Option<String>,
    /// Requests that change something, at once and a second.
    pub(crate) writes: Option<u32>,
    /// The address of an earlier server.
    pub(crate) address: Option<SocketAddr>,
}

impl Served {
    pub(crate) fn start(home: &Home) -> Self {
        Self::start_odd(home, Odd::default())
    }

    pub(crate) fn start_odd(home: &Home, odd: Odd) -> Self {
        let (docs, cache, database) =
            (home.path("docs"), home.path("served/cache"), home.path("served/orchestrator.db"));
        std::fs::create_dir_all(home.path("served")).unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let (told, address) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
            runtime.block_on(async {
                let listener =
                    TcpListener::bind(odd.address.unwrap_or_else(|| ([127, 0, 0, 1], 0).into())).await.unwrap();
                let store: Arc<dyn Store> = Arc::new(SqliteStore::open(database).await.unwrap());
                let folders = BTreeMap::from([("docs".parse().unwrap(), vec![docs])]);
                let corpora = LiveCorpora::new(folders, cache);
                let mut builder =
                    Orchestrator::builder_shared(Arc::clone(&store)).with_corpus_names(corpora.names().cloned());
                if let Some(url) = odd.model {
                    let model = HttpProvider::builder("local", url).with_default_model("test").build().unwrap();
                    builder = builder.with_provider(model);
                }
                builder = builder.with_provider(ExtractiveProvider::new());
                for tool in corpora.tools() {
                    builder = builder.with_shared_tool(tool);
                }
                corpora.open().await;
                let handle = builder.build().unwrap().start();
                let webhooks = Webhooks::new(store, Default::default(), WebhookSettings::default());
                let mut settings = Settings::default();
                if let Some(writes) = odd.writes {
                    settings.writes = Some(Rate { per_second: writes, burst: writes });
                }
                let http = Http::new(Api::new(handle.clone(), webhooks), settings);
                let drain = http.drain();
                told.send(listener.local_addr().unwrap()).unwrap();
                let shutdown = async {
                    let _stopped = stopped.await;
                    drain.begin();
                    handle.shutdown(Duration::ZERO).await.unwrap();
                };
                http.build().serve(listener, shutdown).await.unwrap();
            });
        });
        Self { address: address.recv().unwrap(), stop: Some(stop), thread: Some(thread) }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Runs a command against this server.
    pub(crate) fn run(&self, home: &Home, arguments: &[&str]) -> Ran {
        Ran::from(self.command(home, arguments).output().unwrap())
    }

    pub(crate) fn command(&self, home: &Home, arguments: &[&str]) -> std::process::Command {
        let mut command = home.command(arguments);
        command.env("ORCHESTRATOR_SERVER", self.url());
        command
    }

    /// Ends it, as a signal would.
    pub(crate) fn stop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _panicked = thread.join();
        }
    }
}
