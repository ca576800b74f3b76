//! The provider of the Chat wire: one request, one answer. Owns what each failure is called and what it may have cost.

use std::fmt;

use async_trait::async_trait;
use mcp_orchestrator_domain::{Cost, FailureClass, ModelName, ProviderName};
use mcp_orchestrator_egress::{BaseUrl, HttpClient, HttpError, Phase, Request, Response};
use secrecy::{ExposeSecret, SecretString};

use super::{
    answer::{ReadError, read},
    builder::{ChatProviderBuilder, ChatTimeouts},
    dialect::{CostReport, Dialect, ProbeAuth},
    fold::{Broken, Fold},
    models::{FirstModel, first_chat_model},
    refusal::{self, Head},
    request::encode,
    retry_after::WaitHeaders,
    scrub::scrub,
};
use crate::{Capabilities, ChatAnswer, ChatRequest, DeltaSink, Price, Provider, ProviderError};

/// The longest answer accepted, in bytes on the wire after decompression.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;

/// How much of an error's body is read.
const ERROR_BYTES_MAX: usize = 64 * 1024;

/// A service or server that speaks the Chat wire.
///
/// It keeps no conversation and retries nothing. Dropping the future of a chat closes its connection, which such
/// services take as the wish to stop.
///
/// A schema or tools in a request to a service that takes none are left out; see [`Capabilities`]. Token counts the
/// service does not send are zero. A failure after the request was sent may have cost something: its cost is
/// [`Cost::Unknown`] unless the server is local.
pub struct ChatProvider {
    pub(super) name: ProviderName,
    pub(super) base: BaseUrl,
    pub(super) key: Option<SecretString>,
    pub(super) default_model: Option<ModelName>,
    pub(super) first_model: FirstModel,
    pub(super) dialect: Dialect,
    pub(super) timeouts: ChatTimeouts,
    pub(super) http: HttpClient,
}

impl ChatProvider {
    /// Configures a provider called `name` at `base_url`: everything before `/chat/completions`.
    pub fn builder(name: impl Into<String>, base_url: impl Into<String>) -> ChatProviderBuilder {
        ChatProviderBuilder::new(name, base_url)
    }

    /// Where it sends requests. Holds no secret.
    #[must_use]
    pub fn base_url(&self) -> String {
        self.base.to_string()
    }

    async fn model(&self, named: Option<&ModelName>) -> Result<ModelName, ProviderError> {
        if let Some(model) = named.or(self.default_model.as_ref()) {
            return Ok(model.clone());
        }
        self.first_model.or_find(self.find_model()).await.cloned()
    }

    async fn find_model(&self) -> Result<ModelName, ProviderError> {
        let response = self.probe("/models", ProbeAuth::Bearer).await?;
        if !response.is_success() {
            return Err(self.refused(response).await);
        }
        let listing = response.body().await.map_err(|error| self.lost(&error, Cost::FREE))?;
        first_chat_model(&listing).ok_or_else(|| {
            self.error(
                FailureClass::NotFound,
                &format!("{} at {} has no model to chat with; load one or name one", self.name, self.base),
            )
        })
    }

    async fn probe(&self, path: &'static str, auth: ProbeAuth) -> Result<Response, ProviderError> {
        let request = Request::get(&self.base, path)
            .with_header("accept", "application/json")
            .with_head_timeout(self.timeouts.probe)
            .with_idle_timeout(self.timeouts.probe);
        let request = match &self.key {
            Some(key) => auth.sign(request, key.expose_secret()),
            None => request,
        };
        self.http.send(request).await.map_err(|error| self.lost(&error, Cost::FREE))
    }

    fn outgoing(&self, body: Vec<u8>, chat: &ChatRequest<'_>) -> Request {
        let mut request = Request::post_json(&self.base, "/chat/completions", body)
            .with_header("accept", "text/event-stream, application/json")
            .with_head_timeout(self.timeouts.head)
            .with_idle_timeout(self.timeouts.idle)
            .with_body_max(ANSWER_BYTES_MAX);
        if let Some(key) = &self.key {
            request = ProbeAuth::Bearer.sign(request, key.expose_secret());
        }
        if self.dialect.idempotency_key {
            request = request.with_header("idempotency-key", chat.idempotency_key);
        }
        if let Some(id) = chat.request_id {
            request = request.with_header("x-request-id", id.as_str());
        }
        request
    }

    async fn refused(&self, response: Response) -> ProviderError {
        let seen = Seen::of(&response, &self.dialect);
        let body = response.body_prefix(ERROR_BYTES_MAX).await;
        refusal::of_body(seen.head(self), &body)
    }

    /// The error of an answer that had begun well.
    fn broken(&self, error: ReadError, seen: &Seen, fold: &Fold) -> ProviderError {
        let mut failure = match error {
            ReadError::Http(error) => self.lost(&error, fold.cost()),
            ReadError::Broken(Broken::Refused(value)) => refusal::of_value(seen.head(self), &value),
            ReadError::Broken(Broken::Unreadable(why)) => {
                self.error(FailureClass::Decode, &format!("the answer of {} cannot be read: {why}", self.name))
            }
            ReadError::Broken(Broken::Truncated) => self
                .error(FailureClass::Truncated, &format!("the answer of {} ended before it was complete", self.name)),
        };
        failure.status.get_or_insert(seen.status);
        failure.request_id = failure.request_id.or_else(|| self.shown(seen.request_id.as_deref()));
        failure.usage = fold.usage();
        failure.cost = fold.cost();
        failure
    }

    /// The error of a request whose connection failed. `cost` is what it may have cost if the service saw it.
    fn lost(&self, error: &HttpError, cost: Cost) -> ProviderError {
        let (class, cost) = match error {
            HttpError::Header { .. } | HttpError::Refused(_) => (FailureClass::BadRequest, Cost::FREE),
            HttpError::Setup(_) => (FailureClass::Internal, Cost::FREE),
            HttpError::Connect(_) => (FailureClass::Network, Cost::FREE),
            HttpError::Timeout { phase: Phase::Connect, .. } => (FailureClass::Timeout, Cost::FREE),
            HttpError::Timeout { .. } => (FailureClass::Timeout, cost),
            HttpError::TooLong { .. } => (FailureClass::Decode, cost),
            _ => (FailureClass::Network, cost),
        };
        let mut failure = self.error(class, &format!("{} at {}: {error}", self.name, self.base));
        failure.cost = cost;
        failure
    }

    fn error(&self, class: FailureClass, message: &str) -> ProviderError {
        ProviderError::new(class, scrub(message, self.key.as_ref()))
    }

    fn shown(&self, text: Option<&str>) -> Option<String> {
        text.map(|text| scrub(text, self.key.as_ref()))
    }

    /// What a request that was sent may have cost.
    const fn cost_once_sent(&self) -> Cost {
        match self.dialect.cost {
            CostReport::Free => Cost::FREE,
            CostReport::Never | CostReport::UsageCost | CostReport::UsageTicks => Cost::Unknown,
        }
    }
}

#[async_trait]
impl Provider for ChatProvider {
    fn name(&self) -> &ProviderName {
        &self.name
    }

    fn capabilities(&self, _model: Option<&ModelName>) -> Capabilities {
        let default_model = self.default_model.as_ref().or_else(|| self.first_model.known());
        Capabilities {
            tools: self.dialect.tools,
            output_schema: self.dialect.takes_schema(false),
            default_model: default_model.map(ToString::to_string),
            price: (self.dialect.cost == CostReport::Free).then_some(Price::FREE),
            is_model: true,
        }
    }

    async fn chat(&self, request: ChatRequest<'_>, sink: &mut dyn DeltaSink) -> Result<ChatAnswer, ProviderError> {
        let model = self.model(request.model).await?;
        let body = encode(&request, self.name.as_str(), model.as_str(), &self.dialect)
            .map_err(|error| self.error(FailureClass::Internal, &format!("the request cannot be written: {error}")))?;
        let sent = self.http.send(self.outgoing(body, &request)).await;
        let response = sent.map_err(|error| self.lost(&error, self.cost_once_sent()))?;
        if !response.is_success() {
            return Err(self.refused(response).await);
        }
        let seen = Seen::of(&response, &self.dialect);
        let mut fold = Fold::new(self.dialect.cost);
        if let Err(error) = read(response, &mut fold, sink).await {
            return Err(self.broken(error, &seen, &fold));
        }
        let (usage, cost) = (fold.usage(), fold.cost());
        let mut reply = fold.finish(self.name.as_str()).map_err(|broken| {
            let mut failure = self.broken(ReadError::Broken(broken), &seen, &Fold::new(self.dialect.cost));
            failure.usage = usage;
            failure.cost = cost;
            failure
        })?;
        reply.request_id = self.shown(seen.request_id.as_deref());
        Ok(ChatAnswer { reply, usage, cost, ..ChatAnswer::default() })
    }

    async fn check(&self) -> Result<(), ProviderError> {
        let probe = self.dialect.probe;
        let response = self.probe(probe.path, probe.auth).await?;
        // Not every service lists its models; then an answer is all there is to know.
        if response.is_success() || matches!(response.status(), 404 | 405) {
            return Ok(());
        }
        Err(self.refused(response).await)
    }
}

impl fmt::Debug for ChatProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChatProvider")
            .field("name", &self.name)
            .field("base_url", &self.base)
            .field("key", &self.key.as_ref().map(|_| "[redacted]"))
            .field("default_model", &self.default_model)
            .finish_non_exhaustive()
    }
}

/// What the head of an answer said, kept after it is read.
struct Seen {
    status: u16,
    request_id: Option<String>,
    retry_after_ms: Option<String>,
    retry_after: Option<String>,
    date: Option<String>,
}

impl Seen {
    fn of(response: &Response, dialect: &Dialect) -> Self {
        let header = |name: &str| response.header(name).map(str::to_owned);
        Self {
            status: response.status(),
            request_id: header(dialect.request_id_header).or_else(|| header("x-request-id")),
            retry_after_ms: header("retry-after-ms"),
            retry_after: header("retry-after"),
            date: header("date"),
        }
    }

    fn head<'a>(&'a self, provider: &'a ChatProvider) -> Head<'a> {
        Head {
            service: provider.name.as_str(),
            status: self.status,
            wait: WaitHeaders {
                retry_after_ms: self.retry_after_ms.as_deref(),
                retry_after: self.retry_after.as_deref(),
                date: self.date.as_deref(),
            },
            request_id: self.request_id.as_deref(),
            key: provider.key.as_ref(),
        }
    }
}
