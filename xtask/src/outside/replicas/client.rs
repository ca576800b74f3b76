//! A client of one of the services: JSON over HTTP, MCP, server-sent events. Owns what an answer and an event are; judges none.

use std::{net::SocketAddr, time::Duration};

use anyhow::{Context as _, bail};
use mcp_orchestrator_egress::{BaseUrl, HttpClient, Request, Response};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};

/// How long an answer may take.
const ANSWERING: Duration = Duration::from_secs(20);
/// How long nothing may come on a stream, and how long a workflow may take: longer than the lease of a dead replica.
const PATIENCE: Duration = Duration::from_secs(90);
/// The pause between two looks.
const PAUSE: Duration = Duration::from_millis(20);
/// How often a submission that was not taken is sent again under its key.
const TRIES: usize = 20;

/// Talks to one address.
pub(super) struct Client {
    http: HttpClient,
    base: BaseUrl,
}

/// An event of a stream.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Told {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) data: Value,
}

/// A stream that is read as it comes.
pub(super) struct Stream {
    response: Response,
    buffer: Vec<u8>,
}

impl Client {
    pub(super) fn of(address: SocketAddr) -> anyhow::Result<Self> {
        Ok(Self { http: HttpClient::default(), base: format!("http://{address}").parse()? })
    }

    /// The JSON of an answer with status 200.
    pub(super) async fn get(&self, path: &str) -> anyhow::Result<Value> {
        match self.send(Request::get(&self.base, path)).await? {
            (200, value) => Ok(value),
            (status, value) => bail!("{path}: {status} {value}"),
        }
    }

    /// Status and JSON of an answer.
    pub(super) async fn post(&self, path: &str, body: &Value) -> anyhow::Result<(u16, Value)> {
        self.send(Request::post_json(&self.base, path, body.to_string())).await
    }

    /// Submits a research under a key, as often as it takes; its id, and how often it was not taken.
    pub(super) async fn submit(&self, agents: u64, key: &str) -> anyhow::Result<(String, usize)> {
        let body =
            json!({ "pattern": "research", "task": "How does a workflow survive a crash?", "num_agents": agents });
        for refused in 0..TRIES {
            let request = Request::post_json(&self.base, "/v1/workflows", body.to_string());
            match self.send(request.with_header("idempotency-key", key.to_owned())).await {
                Ok((200 | 202, started)) => {
                    return Ok((started["task_id"].as_str().context("no task_id")?.to_owned(), refused));
                }
                Ok((502..=504, _)) | Err(_) => sleep(PAUSE).await,
                Ok((status, answer)) => bail!("it was not taken: {status} {answer}"),
            }
        }
        bail!("it was not taken {TRIES} times")
    }

    /// Asks until a workflow stands so.
    pub(super) async fn until(&self, id: &str, so: impl Fn(&Value) -> bool) -> anyhow::Result<Value> {
        let until = Instant::now() + PATIENCE;
        loop {
            let view = self.get(&format!("/v1/workflows/{id}")).await;
            match view {
                Ok(view) if so(&view) => return Ok(view),
                other if Instant::now() > until => bail!("{id} does not get there: {other:?}"),
                _ => sleep(PAUSE).await,
            }
        }
    }

    /// Asks until a workflow has ended; its status.
    pub(super) async fn ended(&self, id: &str) -> anyhow::Result<String> {
        let status = |view: &Value| view["status"].as_str().map(str::to_owned);
        let is_end = |view: &Value| matches!(view["status"].as_str(), Some("completed" | "failed" | "cancelled"));
        status(&self.until(id, is_end).await?).context("no status")
    }

    /// The log of a workflow, up to a thousand records.
    pub(super) async fn log(&self, id: &str) -> anyhow::Result<Vec<Value>> {
        let request = Request::get(&self.base, format!("/v1/workflows/{id}/log")).with_query("limit", "1000");
        let (_, page) = self.send(request).await?;
        Ok(page["records"].as_array().context("no records")?.clone())
    }

    /// How many workflows run in the process that answers.
    pub(super) async fn running(&self) -> anyhow::Result<u64> {
        self.get("/health").await?["running_workflows"].as_u64().context("no running_workflows")
    }

    /// One MCP request of the stateless version.
    pub(super) async fn mcp(&self, method: &str, name: &str, mut params: Value) -> anyhow::Result<Value> {
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": { "extensions": { "io.modelcontextprotocol/tasks": {} } },
            "io.modelcontextprotocol/clientInfo": { "name": "replicas", "version": "1" },
        });
        let message = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let request = Request::post_json(&self.base, "/mcp", message.to_string())
            .with_header("accept", "application/json, text/event-stream")
            .with_header("mcp-protocol-version", "2026-07-28")
            .with_header("mcp-method", method.to_owned())
            .with_header("mcp-name", name.to_owned());
        match self.send(request).await? {
            (200, answer) if !answer["result"].is_null() => Ok(answer["result"].clone()),
            (status, answer) => bail!("{method}: {status} {answer}"),
        }
    }

    /// Follows a workflow, after an event if one is named.
    pub(super) async fn follow(&self, id: &str, after: Option<&str>) -> anyhow::Result<Stream> {
        let mut request = Request::get(&self.base, format!("/v1/workflows/{id}/events")).with_idle_timeout(PATIENCE);
        if let Some(after) = after {
            request = request.with_header("last-event-id", after.to_owned());
        }
        let response = timeout(ANSWERING, self.http.send(request)).await.context("no stream in time")??;
        match response.status() {
            200 => Ok(Stream { response, buffer: Vec::new() }),
            status => bail!("no stream: {status}"),
        }
    }

    async fn send(&self, request: Request) -> anyhow::Result<(u16, Value)> {
        let asked = async {
            let response = self.http.send(request).await?;
            let status = response.status();
            Ok((status, serde_json::from_slice(&response.body().await?).unwrap_or(Value::Null)))
        };
        timeout(ANSWERING, asked).await.context("no answer in time")?
    }
}

impl Stream {
    /// The next event; `None` at the end.
    pub(super) async fn next(&mut self) -> anyhow::Result<Option<Told>> {
        loop {
            if let Some(end) = self.buffer.windows(2).position(|pair| pair == b"\n\n") {
                let frame: Vec<u8> = self.buffer.drain(..end + 2).collect();
                if let Some(told) = told(&String::from_utf8_lossy(&frame)) {
                    return Ok(Some(told));
                }
                continue;
            }
            let chunk = timeout(PATIENCE, self.response.chunk()).await.context("nothing comes on the stream")??;
            let Some(chunk) = chunk else { return Ok(None) };
            self.buffer.extend_from_slice(&chunk);
        }
    }

    /// So many events.
    pub(super) async fn take(&mut self, count: usize) -> anyhow::Result<Vec<Told>> {
        let mut all = Vec::new();
        while all.len() < count {
            all.push(self.next().await?.with_context(|| format!("the stream ended after {} events", all.len()))?);
        }
        Ok(all)
    }

    /// All that follows.
    pub(super) async fn rest(mut self) -> anyhow::Result<Vec<Told>> {
        let mut all = Vec::new();
        while let Some(told) = self.next().await? {
            all.push(told);
        }
        Ok(all)
    }
}

/// An event; `None` for a comment or a `retry`.
fn told(frame: &str) -> Option<Told> {
    let field = |name: &str| frame.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    Some(Told {
        id: field("id:")?.to_owned(),
        name: field("event:")?.to_owned(),
        data: serde_json::from_str(field("data:")?).ok()?,
    })
}
