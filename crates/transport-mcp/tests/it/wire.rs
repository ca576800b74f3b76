//! Clients as they are on the wire: JSON-RPC over the HTTP service, in the stateless version and in sessions, and over
//! pipes.

use std::{collections::HashMap, pin::Pin};

use axum::body::Body;
use futures::StreamExt as _;
use http::{HeaderMap, Request, Response, StatusCode};
use mcp_orchestrator::Principal;
use mcp_orchestrator_transport_mcp::{McpHttp, McpServer};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, DuplexStream, ReadHalf, WriteHalf},
    task::JoinHandle,
};
use tower::ServiceExt as _;

pub(crate) const MODERN: &str = "2026-07-28";
pub(crate) const LEGACY: &str = "2025-11-25";

/// What a client of the stateless version can do.
pub(crate) fn no_capabilities() -> Value {
    json!({})
}

pub(crate) fn tasks() -> Value {
    json!({ "extensions": { "io.modelcontextprotocol/tasks": {} } })
}

pub(crate) fn elicitation() -> Value {
    json!({ "elicitation": { "form": {} } })
}

/// The metadata a request of the stateless version carries.
pub(crate) fn meta(capabilities: &Value) -> Value {
    json!({
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientCapabilities": capabilities,
        "io.modelcontextprotocol/clientInfo": { "name": "test", "version": "1" },
    })
}

#[expect(clippy::needless_pass_by_value, reason = "parameters are written where the request is")]
pub(crate) fn request(id: impl Into<Value>, method: &str, params: Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id.into(), "method": method, "params": params })
}

/// The handshake of the older versions.
#[expect(clippy::needless_pass_by_value, reason = "parameters are written where the request is")]
pub(crate) fn opener(version: &str, capabilities: Value) -> Value {
    let client = json!({ "name": "test", "version": "1" });
    let params = json!({ "protocolVersion": version, "capabilities": capabilities, "clientInfo": client });
    request(0, "initialize", params)
}

/// A client over HTTP.
#[derive(Clone)]
pub(crate) struct Http {
    pub(crate) service: McpHttp,
    pub(crate) principal: Option<Principal>,
    pub(crate) capabilities: Value,
    pub(crate) session: Option<String>,
}

impl Http {
    pub(crate) fn new(server: &McpServer) -> Self {
        Self { service: server.http_service(), principal: None, capabilities: no_capabilities(), session: None }
    }

    pub(crate) fn able_to(&self, capabilities: Value) -> Self {
        Self { capabilities, ..self.clone() }
    }

    pub(crate) fn named(&self, principal: &str) -> Self {
        Self { principal: Some(Principal::named(principal)), ..self.clone() }
    }

    /// Opens a session in an older version; the answer to `initialize` comes with it.
    pub(crate) async fn open(&self, version: &str, capabilities: Value) -> (Self, Value) {
        let answer = self.post(HeaderMap::new(), &opener(version, capabilities)).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        let session = answer.headers["mcp-session-id"].to_str().unwrap().to_owned();
        (Self { session: Some(session), ..self.clone() }, answer.result().clone())
    }

    /// One request and its whole answer.
    pub(crate) async fn call(&self, method: &str, params: Value) -> Answer {
        let (headers, message) = self.message(method, params);
        self.post(headers, &message).await
    }

    /// Calls a tool.
    pub(crate) async fn tool(&self, name: &str, arguments: Value) -> Answer {
        self.call("tools/call", json!({ "name": name, "arguments": arguments })).await
    }

    /// One request, whose answer is read as it comes.
    pub(crate) async fn stream(&self, method: &str, params: Value) -> Stream {
        let (headers, message) = self.message(method, params);
        Stream::of(self.send(headers, message.to_string()).await)
    }

    pub(crate) async fn post(&self, headers: HeaderMap, message: &Value) -> Answer {
        self.post_bytes(headers, message.to_string()).await
    }

    pub(crate) async fn post_bytes(&self, headers: HeaderMap, body: impl Into<Body>) -> Answer {
        Answer::of(self.send(headers, body).await).await
    }

    /// The headers and the message of a request, as the version of this client wants them.
    pub(crate) fn message(&self, method: &str, mut params: Value) -> (HeaderMap, Value) {
        let mut headers = HeaderMap::new();
        if let Some(session) = &self.session {
            headers.insert("mcp-session-id", session.parse().unwrap());
            headers.insert("mcp-protocol-version", LEGACY.parse().unwrap());
            return (headers, request(7, method, params));
        }
        headers.insert("mcp-protocol-version", MODERN.parse().unwrap());
        headers.insert("mcp-method", method.parse().unwrap());
        if let Some(name) = ["name", "taskId", "uri"].iter().find_map(|key| params[*key].as_str()) {
            headers.insert("mcp-name", name.parse().unwrap());
        }
        let mut own = meta(&self.capabilities);
        if let Some(given) = params.get("_meta").and_then(Value::as_object) {
            own.as_object_mut().unwrap().extend(given.clone());
        }
        params["_meta"] = own;
        (headers, request(7, method, params))
    }

    async fn send(&self, headers: HeaderMap, body: impl Into<Body>) -> Response<Body> {
        let mut request = Request::post("http://localhost/mcp").body(body.into()).unwrap();
        let own = request.headers_mut();
        own.insert("host", "localhost".parse().unwrap());
        own.insert("content-type", "application/json".parse().unwrap());
        own.insert("accept", "application/json, text/event-stream".parse().unwrap());
        own.extend(headers);
        if let Some(principal) = &self.principal {
            request.extensions_mut().insert(principal.clone());
        }
        self.service.clone().oneshot(request).await.unwrap().map(Body::new)
    }
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    /// Every message in it, the response last.
    pub(crate) messages: Vec<Value>,
}

impl Answer {
    async fn of(response: Response<Body>) -> Self {
        let (head, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let messages = if head.headers.get("content-type").is_some_and(|of| of == "text/event-stream") {
            let data = text.lines().filter_map(|line| line.strip_prefix("data:")).map(str::trim);
            data.filter(|data| !data.is_empty()).map(|data| serde_json::from_str(data).unwrap()).collect()
        } else {
            serde_json::from_str(&text).into_iter().collect()
        };
        Self { status: head.status, headers: head.headers, text, messages }
    }

    pub(crate) fn is_stream(&self) -> bool {
        self.headers.get("content-type").is_some_and(|of| of == "text/event-stream")
    }

    pub(crate) fn result(&self) -> &Value {
        self.messages.iter().find_map(|message| message.get("result")).unwrap_or_else(|| panic!("no result: {self:?}"))
    }

    pub(crate) fn error(&self) -> &Value {
        self.messages.iter().find_map(|message| message.get("error")).unwrap_or_else(|| panic!("no error: {self:?}"))
    }

    pub(crate) fn code(&self) -> i64 {
        self.error()["code"].as_i64().unwrap()
    }

    /// The first text of a tool's result.
    pub(crate) fn told(&self) -> &str {
        self.result()["content"][0]["text"].as_str().unwrap()
    }

    /// The structure of a tool's result.
    pub(crate) fn structured(&self) -> &Value {
        &self.result()["structuredContent"]
    }

    /// What a refused call says for programs.
    pub(crate) fn refusal(&self) -> &Value {
        assert_eq!(self.result()["isError"], true, "{self:?}");
        assert_eq!(self.result().get("structuredContent"), None, "an error fits no output schema");
        &self.result()["_meta"]["mcp-orchestrator/error"]
    }

    pub(crate) fn task_id(&self) -> String {
        self.structured()["task_id"].as_str().unwrap_or_else(|| panic!("no task: {self:?}")).to_owned()
    }

    pub(crate) fn notified(&self, method: &str) -> Vec<&Value> {
        self.messages.iter().filter(|message| message["method"] == method).map(|message| &message["params"]).collect()
    }
}

/// An answer that is read as it comes. Dropping it is a client that goes away.
pub(crate) struct Stream {
    data: Pin<Box<dyn futures::Stream<Item = Result<axum::body::Bytes, axum::Error>> + Send>>,
    buffer: String,
}

impl Stream {
    fn of(response: Response<Body>) -> Self {
        assert_eq!(response.status(), StatusCode::OK);
        Self { data: Box::pin(response.into_body().into_data_stream()), buffer: String::new() }
    }

    /// The next message; `None` at the end.
    pub(crate) async fn next(&mut self) -> Option<Value> {
        loop {
            while let Some((line, rest)) = self.buffer.split_once('\n') {
                let data = line.strip_prefix("data:").map(str::trim).filter(|data| !data.is_empty());
                let message = data.map(|data| serde_json::from_str(data).unwrap());
                self.buffer = rest.to_owned();
                if message.is_some() {
                    return message;
                }
            }
            let bytes = self.data.next().await?.unwrap();
            self.buffer.push_str(std::str::from_utf8(&bytes).unwrap());
        }
    }
}

/// A client over pipes.
pub(crate) struct Pipes {
    input: WriteHalf<DuplexStream>,
    output: tokio::io::Lines<BufReader<ReadHalf<DuplexStream>>>,
    seen: HashMap<String, Value>,
    notified: Vec<Value>,
    pub(crate) served: JoinHandle<Result<(), mcp_orchestrator_transport_mcp::StdioError>>,
    shutdown: Option<tokio::sync::oneshot::Sender<()>>,
}

impl Pipes {
    pub(crate) fn new(server: &McpServer) -> Self {
        let (ours, theirs) = tokio::io::duplex(64 * 1024);
        let (their_input, their_output) = tokio::io::split(theirs);
        let (output, input) = tokio::io::split(ours);
        let (shutdown, told) = tokio::sync::oneshot::channel::<()>();
        let server = server.clone();
        let served = tokio::spawn(async move {
            let shutdown = async move {
                if told.await.is_err() {
                    std::future::pending().await
                }
            };
            server.serve_stdio(their_input, their_output, shutdown).await
        });
        let output = BufReader::new(output).lines();
        Self { input, output, seen: HashMap::new(), notified: Vec::new(), served, shutdown: Some(shutdown) }
    }

    pub(crate) async fn line(&mut self, line: &[u8]) {
        self.input.write_all(line).await.unwrap();
        self.input.write_all(b"\n").await.unwrap();
    }

    pub(crate) async fn send(&mut self, message: &Value) {
        self.line(message.to_string().as_bytes()).await;
    }

    /// Sends a request of the stateless version.
    pub(crate) async fn ask(&mut self, id: u64, method: &str, mut params: Value) {
        let capabilities = params.as_object_mut().and_then(|params| params.remove("capabilities"));
        let mut own = meta(&capabilities.unwrap_or_else(no_capabilities));
        if let Some(given) = params.get("_meta").and_then(Value::as_object) {
            own.as_object_mut().unwrap().extend(given.clone());
        }
        params["_meta"] = own;
        self.send(&request(id, method, params)).await;
    }

    /// The next line, which must be a message.
    pub(crate) async fn next(&mut self) -> Option<Value> {
        let line = self.output.next_line().await.unwrap()?;
        Some(serde_json::from_str(&line).unwrap_or_else(|_| panic!("not JSON on the output: {line}")))
    }

    /// The answer to a request, whatever comes before it.
    pub(crate) async fn answer(&mut self, id: u64) -> Value {
        loop {
            if let Some(seen) = self.seen.remove(&id.to_string()) {
                return seen;
            }
            let message = self.next().await.expect("the server closed its output");
            match message.get("id") {
                Some(of) if message.get("method").is_none() => drop(self.seen.insert(of.to_string(), message)),
                _ => self.notified.push(message),
            }
        }
    }

    pub(crate) async fn initialize(&mut self, version: &str, capabilities: Value) -> Value {
        self.send(&opener(version, capabilities)).await;
        let answer = self.answer(0).await;
        self.send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).await;
        answer["result"].clone()
    }

    /// What came beside answers so far.
    pub(crate) fn notified(&self) -> &[Value] {
        &self.notified
    }

    /// Closes the server's input and waits until it has ended.
    pub(crate) async fn close(mut self) {
        self.input.shutdown().await.unwrap();
        self.served.await.unwrap().unwrap();
    }

    /// Closes the server's input; its output can still be read.
    pub(crate) async fn end_input(&mut self) {
        self.input.shutdown().await.unwrap();
    }

    pub(crate) fn shut_down(&mut self) {
        let _ = self.shutdown.take().unwrap().send(());
    }
}
