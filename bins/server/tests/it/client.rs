//! Clients of a running server: JSON over HTTP, server-sent events, MCP of version 2026-07-28.

use mcp_orchestrator_egress::{BaseUrl, HttpClient, HttpError, Request, Response};
use serde_json::{Value, json};

use crate::process::{PATIENCE, Server};

/// A client of one server.
#[derive(Clone)]
pub(crate) struct Client {
    base: BaseUrl,
    http: HttpClient,
}

/// An event as it came.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Told {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) data: Value,
}

/// A stream of events that is read as it comes.
pub(crate) struct Events {
    response: Response,
    buffer: String,
}

impl Client {
    pub(crate) fn of(server: &Server) -> Self {
        let base = format!("http://{}", server.address).parse().unwrap();
        Self { base, http: HttpClient::default() }
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, Value) {
        json_of(self.http.send(Request::get(&self.base, path)).await.unwrap()).await
    }

    /// What is no JSON.
    pub(crate) async fn text(&self, path: &str) -> String {
        let response = self.http.send(Request::get(&self.base, path)).await.unwrap();
        String::from_utf8(response.body().await.unwrap()).unwrap()
    }

    /// The ids of the workflows of a status, a hundred at most.
    pub(crate) async fn listed(&self, status: &str) -> Vec<String> {
        let request = Request::get(&self.base, "/v1/workflows").with_query("status", status).with_query("limit", "100");
        let (_, page) = json_of(self.http.send(request).await.unwrap()).await;
        let ids = page["workflows"].as_array().unwrap().iter().map(|view| view["task_id"].as_str().unwrap().to_owned());
        ids.collect()
    }

    /// The whole log of a workflow, a thousand records at most.
    pub(crate) async fn log(&self, id: &str) -> Vec<Value> {
        let request = Request::get(&self.base, format!("/v1/workflows/{id}/log")).with_query("limit", "1000");
        let (_, page) = json_of(self.http.send(request).await.unwrap()).await;
        page["records"].as_array().unwrap().clone()
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        json_of(self.http.send(Request::post_json(&self.base, path, body.to_string())).await.unwrap()).await
    }

    /// As [`Client::post`] under a request id.
    pub(crate) async fn post_as(&self, path: &str, body: &Value, request_id: &str) -> (u16, Value) {
        let request = Request::post_json(&self.base, path, body.to_string()).with_header("x-request-id", request_id);
        json_of(self.http.send(request).await.unwrap()).await
    }

    /// As [`Client::post`] under an idempotency key.
    pub(crate) async fn post_keyed(&self, path: &str, body: &Value, key: &str) -> (u16, Value) {
        let request = Request::post_json(&self.base, path, body.to_string()).with_header("idempotency-key", key);
        json_of(self.http.send(request).await.unwrap()).await
    }

    /// Starts a workflow and answers with its id.
    pub(crate) async fn start(&self, agents: u64) -> String {
        let body =
            json!({ "pattern": "research", "task": "How does a workflow survive a crash?", "num_agents": agents });
        let (status, started) = self.post("/v1/workflows", &body).await;
        assert_eq!(status, 202, "{started}");
        started["task_id"].as_str().unwrap().to_owned()
    }

    /// Asks until a workflow has ended.
    pub(crate) async fn ended(&self, id: &str) -> Value {
        self.until(id, |view| matches!(view["status"].as_str(), Some("completed" | "failed" | "cancelled"))).await
    }

    /// Asks until a workflow stands so.
    pub(crate) async fn until(&self, id: &str, so: impl Fn(&Value) -> bool) -> Value {
        let until = tokio::time::Instant::now() + PATIENCE;
        loop {
            let (_, view) = self.get(&format!("/v1/workflows/{id}")).await;
            if so(&view) {
                return view;
            }
            assert!(tokio::time::Instant::now() < until, "{view}");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }

    /// Follows a workflow, after an event if one is named.
    pub(crate) async fn events(&self, id: &str, after: Option<&str>) -> Events {
        let mut request = Request::get(&self.base, format!("/v1/workflows/{id}/events")).with_idle_timeout(PATIENCE);
        if let Some(after) = after {
            request = request.with_header("last-event-id", after);
        }
        let response = self.http.send(request).await.unwrap();
        assert_eq!(response.status(), 200);
        Events { response, buffer: String::new() }
    }

    /// One message in a session of an older version.
    pub(crate) async fn mcp_in(&self, session: &str, message: &Value) -> (u16, Value) {
        let request = Request::post_json(&self.base, "/mcp", message.to_string())
            .with_header("accept", "application/json, text/event-stream")
            .with_header("mcp-session-id", session.to_owned());
        json_of(self.http.send(request).await.unwrap()).await
    }

    /// One MCP request of the stateless version by a client that takes tasks.
    pub(crate) async fn mcp(&self, method: &str, name: &str, params: Value) -> Value {
        let mut params = params;
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": { "extensions": { "io.modelcontextprotocol/tasks": {} } },
            "io.modelcontextprotocol/clientInfo": { "name": "test", "version": "1" },
        });
        let message = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let request = Request::post_json(&self.base, "/mcp", message.to_string())
            .with_header("accept", "application/json, text/event-stream")
            .with_header("mcp-protocol-version", "2026-07-28")
            .with_header("mcp-method", method)
            .with_header("mcp-name", name);
        let (status, answer) = json_of(self.http.send(request).await.unwrap()).await;
        assert_eq!(status, 200, "{answer}");
        answer["result"].clone()
    }
}

impl Events {
    /// The next event; `None` at the end of the stream or of the connection.
    pub(crate) async fn next(&mut self) -> Option<Told> {
        loop {
            if let Some((frame, rest)) = self.buffer.split_once("\n\n") {
                let told = told(frame);
                self.buffer = rest.to_owned();
                match told {
                    Some(told) => return Some(told),
                    None => continue,
                }
            }
            match self.response.chunk().await {
                Ok(Some(bytes)) => self.buffer.push_str(std::str::from_utf8(&bytes).unwrap()),
                Ok(None) | Err(HttpError::Broken(_)) => return None,
                Err(other) => panic!("{other}"),
            }
        }
    }

    /// All that follows.
    pub(crate) async fn rest(mut self) -> Vec<Told> {
        let mut all = Vec::new();
        while let Some(told) = self.next().await {
            all.push(told);
        }
        all
    }
}

/// An event; `None` for a comment or a `retry`.
fn told(frame: &str) -> Option<Told> {
    let field = |name: &str| frame.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    Some(Told {
        id: field("id:")?.to_owned(),
        name: field("event:")?.to_owned(),
        data: serde_json::from_str(field("data:")?).unwrap(),
    })
}

async fn json_of(response: Response) -> (u16, Value) {
    let status = response.status();
    let body = response.body().await.unwrap();
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}
