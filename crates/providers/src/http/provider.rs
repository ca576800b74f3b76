//! The provider behind HTTP: one request, one answer. Owns what each failure is called and what it may have cost.

use std::fmt;

use async_trait::async_trait;
use mcp_orchestrator_domain::{Cost, FailureClass, ModelName, ProviderName, Usage};
use mcp_orchestrator_egress::{BaseUrl, HttpClient, HttpError, Phase, Request, Response};
use secrecy::{ExposeSecret, SecretString};

use super::{
    Wire,
    answer::{ReadError, read},
    builder::{HttpProviderBuilder, HttpTimeouts},
    dialect::{CostReport, Dialect, Effort},
    fold::{Broken, Draft},
    models::{FirstModel, first_chat_model},
    prices::Prices,
    refusal::{self, Head},
    request::Outgoing,
    retry_after::WaitHeaders,
    scrub::scrub,
};
use crate::{Capabilities, ChatAnswer, ChatRequest, DeltaSink, Price, Provider, ProviderError};

/// The longest answer accepted, in bytes on the wire after decompression.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;

/// How much of an error's body is read.
const ERROR_BYTES_MAX: usize = 64 * 1024;

/// A service or server that speaks one of the wires.
///
/// It keeps no conversation and retries nothing. Dropping the future of a chat closes its connection, which such
/// services take as the wish to stop.
///
/// A schema or tools in a request to a service that takes none are left out; see [`Capabilities`]. Token counts the
/// service does not send are zero. A failure after the request was sent may have cost something: its cost is
/// [`Cost::Unknown`] unless the server is local.
pub struct HttpProvider {
    pub(super) name: ProviderName,
    pub(super) base: BaseUrl,
    pub(super) key: Option<SecretString>,
    pub(super) default_model: Option<ModelName>,
    pub(super) first_model: FirstModel,
    pub(super) wire: Wire,
    pub(super) dialect: Dialect,
    pub(super) effort: Option<Effort>,
    pub(super) prices: Option<Prices>,
    pub(super) timeouts: HttpTimeouts,
    pub(super) http: HttpClient,
}

impl HttpProvider {
    /// Configures a provider called `name` at `base_url`: everything before the wire's own path, such as `/chat/completions`.
    /// It speaks the Chat wire unless [`with_wire`](HttpProviderBuilder::with_wire) says otherwise.
    pub fn builder(name: impl Into<String>, base_url: impl Into<String>) -> HttpProviderBuilder {
        HttpProviderBuilder::new(name, base_url)
    }

    /// Where it sends requests. Holds no secret.
    #[must_use]
    pub fn base_url(&self) -> String {
        self.base.to_string()
    }

    /// How it is talked to.
    #[must_use]
    pub const fn wire(&self) -> Wire {
        self.wire
    }

    async fn model(&self, named: Option<&ModelName>) -> Result<ModelName, ProviderError> {
        if let Some(model) = named.or(self.default_model.as_ref()) {
            return Ok(model.clone());
        }
        self.first_model.or_find(self.find_model()).await.cloned()
    }

    async fn find_model(&self) -> Result<ModelName, ProviderError> {
        let response = self.probe("/models").await?;
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

    async fn probe(&self, path: &'static str) -> Result<Response, ProviderError> {
        let request = Request::get(&self.base, path)
            .with_header("accept", "application/json")
            .with_head_timeout(self.timeouts.probe)
            .with_idle_timeout(self.timeouts.probe);
        self.http.send(self.signed(request)).await.map_err(|error| self.lost(&error, Cost::FREE))
    }

    fn signed(&self, request: Request) -> Request {
        let request = self.wire.address(request);
        match &self.key {
            Some(key) => self.wire.sign(request, key.expose_secret()),
            None => request,
        }
    }

    /// The request, as it is sent.
    fn request(&self, model: &ModelName, chat: &ChatRequest<'_>) -> Result<Request, (FailureClass, String)> {
        let (vendor, model) = (self.name.as_str(), model.as_str());
        let Some(place) = self.wire.place(model) else {
            return Err((FailureClass::BadRequest, format!("{model:?} is no name of a model of {vendor}")));
        };
        let outgoing = Outgoing { chat, vendor, model, dialect: &self.dialect, effort: self.effort };
        let body = self.wire.encode(&outgoing);
        let body = body.map_err(|error| (FailureClass::Internal, format!("the request cannot be written: {error}")))?;
        let mut request = Request::post_json(&self.base, place.path, body)
            .with_header("accept", "text/event-stream, application/json")
            .with_head_timeout(self.timeouts.head)
            .with_idle_timeout(self.timeouts.idle)
            .with_body_max(ANSWER_BYTES_MAX);
        if let Some((name, value)) = place.query {
            request = request.with_query(name, value);
        }
        if self.dialect.idempotency_key {
            request = request.with_header("idempotency-key", chat.idempotency_key);
        }
        if let Some(id) = chat.request_id {
            request = request.with_header("x-request-id", id.as_str());
        }
        Ok(self.signed(request))
    }

    async fn refused(&self, response: Response) -> ProviderError {
        let seen = Seen::of(&response, &self.dialect);
        let body = response.body_prefix(ERROR_BYTES_MAX).await;
        refusal::of_body(seen.head(self), &body)
    }

    /// The error of an answer that had begun well.
    fn broken(&self, error: ReadError, seen: &Seen, so_far: (Usage, Cost)) -> ProviderError {
        let mut failure = match error {
            ReadError::Http(error) => self.lost(&error, so_far.1),
            ReadError::Broken(Broken::Refused(value)) => refusal::of_value(seen.head(self), &value),
            ReadError::Broken(Broken::Filtered(why)) => {
                self.error(FailureClass::ContentFilter, &format!("{} refused the content: {why}", self.name))
            }
            ReadError::Broken(Broken::Unreadable(why)) => {
                self.error(FailureClass::Decode, &format!("the answer of {} cannot be read: {why}", self.name))
            }
            ReadError::Broken(Broken::Truncated) => self
                .error(FailureClass::Truncated, &format!("the answer of {} ended before it was complete", self.name)),
        };
        failure.status.get_or_insert(seen.status);
        failure.request_id = failure.request_id.or_else(|| self.shown(seen.request_id.as_deref()));
        (failure.usage, failure.cost) = so_far;
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

    /// A cost that the service does not say, by the price of its tokens, if it says those and the price is known.
    fn estimated(&self, cost: Cost, model: &ModelName, usage: Usage) -> Cost {
        let estimate = self.prices.filter(|_| cost == Cost::Unknown && usage.input > 0);
        estimate.and_then(|prices| prices.cost(model.as_str(), usage)).map_or(cost, Cost::Estimated)
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
impl Provider for HttpProvider {
    fn name(&self) -> &ProviderName {
        &self.name
    }

    fn capabilities(&self, model: Option<&ModelName>) -> Capabilities {
        let default_model = self.default_model.as_ref().or_else(|| self.first_model.known());
        let price = match self.dialect.cost {
            CostReport::Free => Some(Price::FREE),
            CostReport::Never | CostReport::UsageCost | CostReport::UsageTicks => {
                self.prices.zip(model.or(default_model)).and_then(|(prices, model)| prices.at_most(model.as_str()))
            }
        };
        Capabilities {
            tools: self.dialect.tools,
            output_schema: self.dialect.takes_schema(false),
            default_model: default_model.map(ToString::to_string),
            price,
            is_model: true,
        }
    }

    async fn chat(&self, request: ChatRequest<'_>, sink: &mut dyn DeltaSink) -> Result<ChatAnswer, ProviderError> {
        let model = self.model(request.model).await?;
        let outgoing = self.request(&model, &request).map_err(|(class, why)| self.error(class, &why))?;
        let sent = self.http.send(outgoing).await;
        let response = sent.map_err(|error| self.lost(&error, self.cost_once_sent()))?;
        if !response.is_success() {
            return Err(self.refused(response).await);
        }
        let seen = Seen::of(&response, &self.dialect);
        let mut fold = self.wire.fold(self.dialect.cost);
        let outcome = read(response, &mut *fold, sink).await;
        let (usage, cost) = so_far(fold.draft());
        outcome.map_err(|error| self.broken(error, &seen, (usage, cost)))?;
        let mut reply = fold
            .finish(self.name.as_str())
            .map_err(|broken| self.broken(ReadError::Broken(broken), &seen, (usage, cost)))?;
        reply.request_id = self.shown(seen.request_id.as_deref());
        let cost = self.estimated(cost, &model, usage);
        Ok(ChatAnswer { reply, usage, cost, ..ChatAnswer::default() })
    }

    async fn check(&self) -> Result<(), ProviderError> {
        let response = self.probe(self.dialect.probe_path).await?;
        // Not every service lists its models; then an answer is all there is to know.
        if response.is_success() || matches!(response.status(), 404 | 405) {
            return Ok(());
        }
        Err(self.refused(response).await)
    }
}

impl fmt::Debug for HttpProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpProvider")
            .field("name", &self.name)
            .field("base_url", &self.base)
            .field("key", &self.key.as_ref().map(|_| "[redacted]"))
            .field("wire", &self.wire)
            .field("default_model", &self.default_model)
            .finish_non_exhaustive()
    }
}

const fn so_far(draft: &Draft) -> (Usage, Cost) {
    (draft.usage(), draft.cost())
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
            request_id: [dialect.request_id_header, "x-request-id", "request-id"].into_iter().find_map(header),
            retry_after_ms: header("retry-after-ms"),
            retry_after: header("retry-after"),
            date: header("date"),
        }
    }

    fn head<'a>(&'a self, provider: &'a HttpProvider) -> Head<'a> {
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
