//! A receiver: a real server that remembers what it was sent and answers by script.

use std::{future, sync::Arc};

use axum::{
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
    routing::post,
};
use serde_json::Value;
use tokio::{net::TcpListener, sync::watch, task::JoinHandle, time::timeout};

use super::world::PATIENCE;

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Hit {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// How many came before it.
    pub(crate) number: usize,
}

/// What the receiver does.
pub(crate) enum Answer {
    Status(u16),
    With(u16, &'static str, String),
    Hang,
}

type Script = Arc<dyn Fn(&Hit) -> Answer + Send + Sync>;

pub(crate) struct Receiver {
    pub(crate) port: u16,
    hits: watch::Receiver<Vec<Hit>>,
    task: JoinHandle<()>,
}

impl Hit {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn id(&self) -> &str {
        self.header("webhook-id")
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The question of an `input_requested`: tests tell events apart by it.
    pub(crate) fn question(&self) -> String {
        self.json().pointer("/data/data/question").and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    pub(crate) fn event_type(&self) -> String {
        self.json()["type"].as_str().unwrap().to_owned()
    }
}

impl Receiver {
    pub(crate) async fn start(script: impl Fn(&Hit) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (sender, hits) = watch::channel(Vec::new());
        let script: Script = Arc::new(script);
        let app = axum::Router::new().route("/hook", post(take)).with_state((sender, script));
        let task = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { port, hits, task }
    }

    /// One that takes everything.
    pub(crate) async fn willing() -> Self {
        Self::start(|_| Answer::Status(204)).await
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hook", self.port)
    }

    /// Waits until it was sent so many requests, and gives them.
    pub(crate) async fn hits(&self, count: usize) -> Vec<Hit> {
        let mut hits = self.hits.clone();
        timeout(PATIENCE, hits.wait_for(|hits| hits.len() >= count)).await.unwrap().unwrap().clone()
    }

    /// What it was sent so far.
    pub(crate) fn so_far(&self) -> Vec<Hit> {
        self.hits.borrow().clone()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn take(
    State((sender, script)): State<(watch::Sender<Vec<Hit>>, Script)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut hit = None;
    sender.send_modify(|hits| {
        let new = Hit { headers, body, number: hits.len() };
        hits.push(new.clone());
        hit = Some(new);
    });
    match script(&hit.unwrap()) {
        Answer::Status(status) => StatusCode::from_u16(status).unwrap().into_response(),
        Answer::With(status, name, value) => (StatusCode::from_u16(status).unwrap(), [(name, value)]).into_response(),
        Answer::Hang => future::pending().await,
    }
}
