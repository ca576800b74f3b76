//! The provider behind HTTP: one request, one answer. Owns what each failure is called and what it may have cost.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use mcp_orchestrator_domain::{Cost, FailureClass, ModelName, Models, ProviderName, Tier, Usage, clean_line};
use mcp_orchestrator_egress::{BaseUrl, HttpClient, HttpError, Phase, Request, Response};
use secrecy::ExposeSecret;
use tokio::time::Instant;

use super::{
    Wire,
    answer::{ReadError, read},
    builder::{HttpProviderBuilder, HttpTimeouts},
    catalogue::Facts,
    dialect::{CostReport, Dialect, Effort},
    fold::{Broken, Draft},
    models::{FirstModel, first_chat_model},
    prices::Prices,
    refusal::{self, Head},
    request::Outgoing,
    retry_after::WaitHeaders,
    scrub::scrub,
};
use crate::{
    Capabilities, ChatAnswer, ChatRequest, DeltaSink, ModelCard, Provider, ProviderError, RateLimits,
    keys::{Key, KeyProvider, is_of_key, or_busy},
};

/// The longest answer accepted, in bytes on the wire after decompression.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Keys one request is asked with at most, when the service refuses one after the other.
const KEYS_MAX: usize = 8;

/// How much of an error's body is read.
const ERROR_BYTES_MAX: usize = 64 * 1024;

/// A service or server that speaks one of the wires.
///
/// It keeps no conversation and retries nothing, but for a request the service refuses because of its key when there is
/// another key: that costs nothing, and the request was never taken. Dropping the future of a chat closes its connection, which such
/// services take as the wish to stop.
///
/// A schema or tools in a request to a service that takes none are left out; see [`Capabilities`]. Token counts the
/// service does not send are zero. A failure after the request was sent may have cost something: its cost is
/// [`Cost::Unknown`] unless the server is local.
pub struct HttpProvider {
    pub(super) name: ProviderName,
    pub(super) base: BaseUrl,
    pub(super) keys: Option<Arc<dyn KeyProvider>>,
    pub(super) models: Models,
    pub(super) first_model: FirstModel,
    pub(super) wire: Wire,
    pub(super) dialect: Dialect,
    pub(super) effort: Option<Effort>,
    pub(super) prices: Prices,
    pub(super) facts: Facts,
    pub(super) images: Option<bool>,
    pub(super) context_tokens: Option<u64>,
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

    async fn model(&self, named: Option<&ModelName>, key: Option<&Key>) -> Result<ModelName, ProviderError> {
        if let Some(model) = named.or(self.models.primary.as_ref()) {
            return Ok(model.clone());
        }
        self.first_model.or_find(self.find_model(key)).await.cloned()
    }

    async fn find_model(&self, key: Option<&Key>) -> Result<ModelName, ProviderError> {
        let response = self.probe("/models", key).await?;
        if !response.is_success() {
            return Err(self.refused(response, key).await);
        }
        let listing = response.body().await.map_err(|error| self.lost(&error, Cost::FREE, key))?;
        first_chat_model(&listing).ok_or_else(|| {
            self.error(
                FailureClass::NotFound,
                &format!("{} at {} has no model to chat with; load one or name one", self.name, self.base),
                key,
            )
        })
    }

    async fn probe(&self, path: &'static str, key: Option<&Key>) -> Result<Response, ProviderError> {
        let request = Request::get(&self.base, path)
            .with_header("accept", "application/json")
            .with_head_timeout(self.timeouts.probe)
            .with_idle_timeout(self.timeouts.probe);
        self.http.send(self.signed(request, key)).await.map_err(|error| self.lost(&error, Cost::FREE, key))
    }

    fn signed(&self, request: Request, key: Option<&Key>) -> Request {
        let request = self.wire.address(request);
        match key {
            Some(key) => self.wire.sign(request, key.secret().expose_secret()),
            None => request,
        }
    }

    /// The request, as it is sent.
    fn request(
        &self,
        model: &ModelName,
        chat: &ChatRequest<'_>,
        key: Option<&Key>,
    ) -> Result<Request, (FailureClass, String)> {
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
        Ok(self.signed(request, key))
    }

    async fn refused(&self, response: Response, key: Option<&Key>) -> ProviderError {
        let seen = Seen::of(&response, &self.dialect);
        let body = response.body_prefix(ERROR_BYTES_MAX).await;
        let mut error = refusal::of_body(seen.head(self, key), &body);
        if error.class() == FailureClass::RateLimited {
            error.retry_after = error.retry_after.or_else(|| seen.limits.exhausted_for());
        }
        error
    }

    /// The error of an answer that had begun well.
    fn broken(&self, error: ReadError, seen: &Seen, so_far: (Usage, Cost), key: Option<&Key>) -> ProviderError {
        let mut failure = match error {
            ReadError::Http(error) => self.lost(&error, so_far.1, key),
            ReadError::Broken(Broken::Refused(value)) => refusal::of_value(seen.head(self, key), &value),
            ReadError::Broken(Broken::Filtered(why)) => {
                self.error(FailureClass::ContentFilter, &format!("{} refused the content: {why}", self.name), key)
            }
            ReadError::Broken(Broken::Unreadable(why)) => {
                self.error(FailureClass::Decode, &format!("the answer of {} cannot be read: {why}", self.name), key)
            }
            ReadError::Broken(Broken::Truncated) => self.error(
                FailureClass::Truncated,
                &format!("the answer of {} ended before it was complete", self.name),
                key,
            ),
        };
        failure.status.get_or_insert(seen.status);
        failure.request_id = failure.request_id.or_else(|| self.shown(seen.request_id.as_deref(), key));
        (failure.usage, failure.cost) = so_far;
        failure
    }

    /// The error of a request whose connection failed. `cost` is what it may have cost if the service saw it.
    fn lost(&self, error: &HttpError, cost: Cost, key: Option<&Key>) -> ProviderError {
        let (class, cost) = match error {
            HttpError::Header { .. } | HttpError::Refused(_) => (FailureClass::BadRequest, Cost::FREE),
            HttpError::Setup(_) => (FailureClass::Internal, Cost::FREE),
            HttpError::Connect(_) => (FailureClass::Network, Cost::FREE),
            HttpError::Timeout { phase: Phase::Connect, .. } => (FailureClass::Timeout, Cost::FREE),
            HttpError::Timeout { .. } => (FailureClass::Timeout, cost),
            HttpError::TooLong { .. } => (FailureClass::Decode, cost),
            _ => (FailureClass::Network, cost),
        };
        let mut failure = self.error(class, &format!("{} at {}: {error}", self.name, self.base), key);
        failure.cost = cost;
        failure
    }

    fn error(&self, class: FailureClass, message: &str, key: Option<&Key>) -> ProviderError {
        ProviderError::new(class, scrub(message, key.map(Key::secret)))
    }

    fn shown(&self, text: Option<&str>, key: Option<&Key>) -> Option<String> {
        text.map(|text| scrub(text, key.map(Key::secret)))
    }

    /// The key for the next attempt, if keys are used.
    async fn key(&self) -> Result<Option<Key>, ProviderError> {
        let Some(keys) = &self.keys else { return Ok(None) };
        let key = keys.key().await;
        key.map(Some).map_err(|error| ProviderError::new(FailureClass::Auth, format!("{}: {error}", self.name)))
    }

    /// Whether the request was refused because of its key, and another one may be taken.
    fn another_key(&self, key: Option<&Key>, error: &ProviderError) -> bool {
        let keys = self.keys.as_ref().zip(key).filter(|_| error.status.is_some() && is_of_key(error.class()));
        keys.is_some_and(|(keys, key)| keys.refused(key, error.class(), error.retry_after))
    }

    /// What is left for all keys together, when the service has said what is left for one.
    fn limits_of_all(&self, key: Option<&Key>, limits: RateLimits) -> RateLimits {
        self.keys.as_ref().zip(key).map_or(limits, |(keys, key)| keys.said(key, limits))
    }

    /// Asks once, with this key. `answers` is set when the service has begun to.
    async fn attempt(
        &self,
        request: &ChatRequest<'_>,
        key: Option<&Key>,
        sink: &mut dyn DeltaSink,
        answers: &mut bool,
    ) -> Result<ChatAnswer, ProviderError> {
        let model = self.model(request.model, key).await?;
        if let Some((class, why)) = self.refusal(&model, request) {
            return Err(self.error(class, &why, key));
        }
        let outgoing = self.request(&model, request, key).map_err(|(class, why)| self.error(class, &why, key))?;
        let report = self.cost_report(&model);
        let sent = self.http.send(outgoing).await;
        let response = sent.map_err(|error| self.lost(&error, cost_once_sent(report), key))?;
        if !response.is_success() {
            return Err(self.refused(response, key).await);
        }
        *answers = true;
        let mut seen = Seen::of(&response, &self.dialect);
        let mut fold = self.wire.fold(report);
        let outcome = read(response, &mut *fold, sink).await;
        let (usage, cost) = so_far(fold.draft());
        seen.request_id = seen.request_id.or_else(|| fold.draft().request_id().map(clean_id));
        outcome.map_err(|error| self.broken(error, &seen, (usage, cost), key))?;
        let mut reply = fold
            .finish(self.name.as_str())
            .map_err(|broken| self.broken(ReadError::Broken(broken), &seen, (usage, cost), key))?;
        reply.request_id = self.shown(seen.request_id.as_deref(), key);
        let cost = self.estimated(cost, &model, usage);
        let limits = self.limits_of_all(key, seen.limits.after(seen.at.elapsed()));
        Ok(ChatAnswer { reply, usage, cost, limits, ..ChatAnswer::default() })
    }
}

#[async_trait]
impl Provider for HttpProvider {
    fn name(&self) -> &ProviderName {
        &self.name
    }

    fn capabilities(&self, model: Option<&ModelName>) -> Capabilities {
        let default_model = self.models.primary.as_ref().or_else(|| self.first_model.known());
        Capabilities {
            tools: self.dialect.tools,
            output_schema: self.dialect.takes_schema(false),
            images: self.sees(model.or(default_model)),
            default_model: default_model.map(ToString::to_string),
            price: self.price_at_most(model.or(default_model)),
            is_model: true,
        }
    }

    fn tier_model(&self, tier: Tier) -> Option<ModelName> {
        self.models.of(tier).filter(|model| self.models.primary.as_ref() != Some(*model)).cloned()
    }

    fn models(&self) -> Vec<ModelCard> {
        self.known_models()
    }

    async fn chat(&self, request: ChatRequest<'_>, sink: &mut dyn DeltaSink) -> Result<ChatAnswer, ProviderError> {
        let mut tried = 1;
        let mut busy = None;
        loop {
            let key = self.key().await?;
            let mut answers = false;
            let mut error = match self.attempt(&request, key.as_ref(), sink, &mut answers).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            // An answer that had begun is the request's only one.
            if answers || !self.another_key(key.as_ref(), &error) || tried >= KEYS_MAX {
                if error.class() == FailureClass::RateLimited
                    && let Some(first) = self.keys.as_ref().and_then(|keys| keys.wakes_in())
                {
                    error.retry_after = Some(error.retry_after.map_or(first, |asked| asked.min(first)));
                }
                return Err(match &self.keys {
                    Some(keys) if !answers => or_busy(keys.as_ref(), self.name.as_str(), error, busy),
                    _ => error,
                });
            }
            if error.class() == FailureClass::RateLimited {
                busy.get_or_insert(error);
            }
            tried += 1;
        }
    }

    async fn check(&self) -> Result<(), ProviderError> {
        let key = self.key().await?;
        let key = key.as_ref();
        let response = self.probe(self.dialect.probe_path, key).await?;
        // Not every service lists its models; then an answer is all there is to know.
        if response.is_success() || matches!(response.status(), 404 | 405) {
            return Ok(());
        }
        Err(self.refused(response, key).await)
    }
}

impl fmt::Debug for HttpProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpProvider")
            .field("name", &self.name)
            .field("base_url", &self.base)
            .field("keys", &self.keys.as_ref().map(|_| "[redacted]"))
            .field("wire", &self.wire)
            .field("default_model", &self.models.primary)
            .finish_non_exhaustive()
    }
}

/// An id as a service writes it, short and on one line.
fn clean_id(id: &str) -> String {
    clean_line(id, 200)
}

/// What a request that was sent may have cost.
const fn cost_once_sent(report: CostReport) -> Cost {
    match report {
        CostReport::Free => Cost::FREE,
        CostReport::Never | CostReport::UsageCost | CostReport::UsageTicks => Cost::Unknown,
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
    limits: RateLimits,
    at: Instant,
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
            limits: RateLimits::of(|name| response.header(name)),
            at: Instant::now(),
        }
    }

    fn head<'a>(&'a self, provider: &'a HttpProvider, key: Option<&'a Key>) -> Head<'a> {
        Head {
            service: provider.name.as_str(),
            status: self.status,
            wait: WaitHeaders {
                retry_after_ms: self.retry_after_ms.as_deref(),
                retry_after: self.retry_after.as_deref(),
                date: self.date.as_deref(),
            },
            request_id: self.request_id.as_deref(),
            key: key.map(Key::secret),
        }
    }
}
