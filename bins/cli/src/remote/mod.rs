//! A server as this command reaches it: requests and their answers. Owns the wire's addresses and what is said when it does
//! not answer; knows no command.

mod events;
mod problem;
mod results;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use mcp_orchestrator_api::{
    CancelAnswer,
    view::{PatternsView, ProviderView, ProvidersView, StartedView, ToolsView, WorkflowPage, WorkflowView},
};
use mcp_orchestrator_domain::{Image, ProviderName, Record, Recorded, RequestDraft, Seq, WorkflowId};
use mcp_orchestrator_egress::{BaseUrl, HttpClient, HttpError, InvalidBaseUrl, Request, Response};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

pub(crate) use events::Events;
pub(crate) use problem::Problem;

/// The longest answer that is read, in bytes: reports with all their agents' texts fit.
const ANSWER_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Bytes of a problem document that are read.
const PROBLEM_BYTES_MAX: usize = 256 * 1024;
/// Records asked for at once.
const RECORDS_MAX: usize = 500;

/// Why a server does not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RemoteError {
    #[error("--server: {0}")]
    Address(InvalidBaseUrl),
    #[error("the server {server} cannot be reached: {source}")]
    Unreachable { server: BaseUrl, source: HttpError },
    #[error("the server {server} does not answer as an mcp-orchestrator-server of this version: {detail}")]
    NotOurs { server: BaseUrl, detail: String },
    #[error(transparent)]
    Problem(Box<Problem>),
}

/// A server. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    client: HttpClient,
    base: BaseUrl,
}

/// Records of a log.
#[derive(Debug, Deserialize)]
struct LogPage {
    records: Vec<Value>,
    next_after: u64,
    head: u64,
}

impl Server {
    /// The server at this address. Opens nothing.
    ///
    /// # Errors
    /// [`RemoteError::Address`]
    pub(crate) fn at(url: &str) -> Result<Self, RemoteError> {
        let base = BaseUrl::parse(url).map_err(RemoteError::Address)?;
        Ok(Self { client: HttpClient::default(), base })
    }

    /// Its address.
    pub(crate) const fn base(&self) -> &BaseUrl {
        &self.base
    }

    /// Submits work. When this returns it is stored there.
    pub(crate) async fn start(
        &self,
        draft: &RequestDraft,
        images: &[Image],
        key: Option<&str>,
    ) -> Result<StartedView, RemoteError> {
        let mut body = said(draft);
        if !images.is_empty() {
            body["images"] = images.iter().map(|image| STANDARD.encode(image.bytes())).collect();
        }
        let request = self.post("/v1/workflows", &body);
        let request = match key {
            Some(key) => request.with_header("idempotency-key", key),
            None => request,
        };
        self.json(request).await
    }

    pub(crate) async fn list(
        &self,
        statuses: &[String],
        limit: usize,
        before: Option<&WorkflowId>,
    ) -> Result<Vec<WorkflowView>, RemoteError> {
        let mut request = self.get("/v1/workflows").with_query("limit", limit.to_string());
        if !statuses.is_empty() {
            request = request.with_query("status", statuses.join(","));
        }
        if let Some(before) = before {
            request = request.with_query("cursor", before.as_str());
        }
        let page: WorkflowPage = self.json(request).await?;
        Ok(page.workflows)
    }

    /// How a workflow stands, with its questions.
    pub(crate) async fn status(&self, id: &WorkflowId) -> Result<WorkflowView, RemoteError> {
        self.json(self.get(&path(id, ""))).await
    }

    /// Cancels a workflow. When this returns it is cancelled or had ended.
    pub(crate) async fn cancel(&self, id: &WorkflowId, reason: &str) -> Result<CancelAnswer, RemoteError> {
        let body = if reason.is_empty() { json!({}) } else { json!({ "reason": reason }) };
        self.json(self.post(&path(id, "/cancel"), &body)).await
    }

    /// Forks a workflow at a position, or continues a failed or cancelled one at its head, as the one that is answered.
    pub(crate) async fn fork(
        &self,
        id: &WorkflowId,
        at: Option<Seq>,
        set: &RequestDraft,
        key: Option<&str>,
    ) -> Result<StartedView, RemoteError> {
        let mut body = serde_json::Map::new();
        if let Some(at) = at {
            body.insert("at".to_owned(), at.value().into());
        }
        if !set.is_empty() {
            body.insert("set".to_owned(), said(set));
        }
        let request = self.post(&path(id, "/fork"), &body);
        self.json(match key {
            Some(key) => request.with_header("idempotency-key", key),
            None => request,
        })
        .await
    }

    /// Has a workflow tried again that is held back.
    pub(crate) async fn resume(&self, id: &WorkflowId) -> Result<WorkflowView, RemoteError> {
        self.json(self.post(&path(id, "/resume"), &json!({}))).await
    }

    pub(crate) async fn answer(&self, id: &WorkflowId, step: &str, text: &str) -> Result<WorkflowView, RemoteError> {
        self.json(self.post(&path(id, "/answer"), &json!({ "step": step, "answer": text }))).await
    }

    /// Records after a position, at most a page of them; none at the end of the log.
    pub(crate) async fn records(&self, id: &WorkflowId, after: Seq) -> Result<Vec<Recorded>, RemoteError> {
        let request = self.get(&path(id, "/log"));
        let request =
            request.with_query("after", after.value().to_string()).with_query("limit", RECORDS_MAX.to_string());
        let page: LogPage = self.json(request).await?;
        if page.records.is_empty() && after.value() < page.head.min(page.next_after) {
            return Err(self.not_ours(&"a page of its log is empty"));
        }
        page.records.into_iter().map(|record| recorded(record).map_err(|error| self.not_ours(&error))).collect()
    }

    pub(crate) async fn patterns(&self) -> Result<PatternsView, RemoteError> {
        self.json(self.get("/v1/patterns")).await
    }

    /// The tools agents may call there.
    pub(crate) async fn tools(&self) -> Result<ToolsView, RemoteError> {
        self.json(self.post("/v1/tools/list_registered_tools", &json!({}))).await
    }

    pub(crate) async fn providers(&self, health: bool) -> Result<ProvidersView, RemoteError> {
        self.json(asking(self.get("/v1/providers"), health)).await
    }

    /// One of them, with its models.
    pub(crate) async fn provider(&self, name: &ProviderName, health: bool) -> Result<ProviderView, RemoteError> {
        self.json(asking(self.get(&format!("/v1/providers/{name}")), health)).await
    }

    fn get(&self, path: &str) -> Request {
        Request::get(&self.base, path).with_header("accept", "application/json").with_body_max(ANSWER_BYTES_MAX)
    }

    fn post(&self, path: &str, body: &impl Serialize) -> Request {
        // A tree of JSON values always has a text.
        let body = serde_json::to_vec(body).unwrap_or_default();
        Request::post_json(&self.base, path, body)
            .with_header("accept", "application/json")
            .with_body_max(ANSWER_BYTES_MAX)
    }

    async fn json<T: DeserializeOwned>(&self, request: Request) -> Result<T, RemoteError> {
        let body = self.bytes(request).await?;
        serde_json::from_slice(&body).map_err(|error| self.not_ours(&error))
    }

    async fn bytes(&self, request: Request) -> Result<Bytes, RemoteError> {
        let response = self.send(request).await?;
        let body = response.body().await.map_err(|source| self.unreachable(source))?;
        Ok(body.into())
    }

    /// Sends a request; an answer that is no success is a problem.
    async fn send(&self, request: Request) -> Result<Response, RemoteError> {
        let response = self.client.send(request).await.map_err(|source| self.unreachable(source))?;
        if response.is_success() {
            return Ok(response);
        }
        Err(match Problem::of(response, PROBLEM_BYTES_MAX).await {
            Ok(problem) => RemoteError::Problem(Box::new(problem)),
            Err(status) => self.not_ours(&format!("it answers with status {status} and no problem document")),
        })
    }

    fn unreachable(&self, source: HttpError) -> RemoteError {
        RemoteError::Unreachable { server: self.base.clone(), source }
    }

    fn not_ours(&self, detail: &impl ToString) -> RemoteError {
        RemoteError::NotOurs { server: self.base.clone(), detail: detail.to_string().chars().take(300).collect() }
    }
}

/// Whether providers are to be asked if they are there. Servers that cannot are not told.
fn asking(request: Request, health: bool) -> Request {
    if health { request.with_query("health", "true") } else { request }
}

/// The address of what is about one workflow. An id has no character that means something in an address.
fn path(id: &WorkflowId, what: &str) -> String {
    format!("/v1/workflows/{id}{what}")
}

/// A draft without what it does not say, so that a server that does not know a field does not refuse it.
fn said(draft: &RequestDraft) -> Value {
    let mut body = serde_json::to_value(draft).unwrap_or_default();
    if let Some(fields) = body.as_object_mut() {
        fields.retain(|_, value| !is_nothing(value));
    }
    body
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(values) => values.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

fn recorded(mut value: Value) -> serde_json::Result<Recorded> {
    let seq = value.as_object_mut().and_then(|fields| fields.remove("seq")).and_then(|seq| seq.as_u64());
    let record: Record = serde_json::from_value(value)?;
    Ok(Recorded { seq: Seq::new(seq.unwrap_or_default()), record: record.into() })
}
