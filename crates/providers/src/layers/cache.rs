//! Answers what was asked before from memory. Owns what makes two requests the same.

use std::{
    fmt,
    io::{self, Write},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use mcp_orchestrator_domain::{Cost, Message, ModelName, ProviderName, Reply, Tier, ToolSpec, Usage};
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;

use crate::{Capabilities, ChatAnswer, ChatRequest, DeltaSink, ModelCard, Provider, ProviderError, recent::Recent};

/// What a [`Cache`] keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a plain record of limits, built as a literal")]
pub struct CacheLimits {
    /// Answers at most; the one that was not asked for longest goes first. Default 1 000.
    pub answers_max: usize,
    /// The longest text that is kept, in bytes. Default 64 KiB.
    pub answer_bytes_max: usize,
    /// How long an answer is kept. Default one hour.
    pub ttl: Duration,
}

impl Default for CacheLimits {
    fn default() -> Self {
        Self { answers_max: 1_000, answer_bytes_max: 64 * 1024, ttl: Duration::from_hours(1) }
    }
}

/// Gives the answer to a request that was answered before from memory, free of charge. Only for those who ask for it: a model
/// may answer the same question differently each time, and with a cache it does not.
///
/// Two requests are the same when the SHA-256 of model, messages, tools, schema, temperature and length is. Failures and
/// answers of providers that are no models are not kept. Prompts of an orchestrator's agents hold a mark of their workflow,
/// so there it finds little.
///
/// ```
/// use mcp_orchestrator_providers::{Provider, layers::{Cache, CacheLimits}};
///
/// fn remembering(service: impl Provider) -> Cache {
///     Cache::new(service, CacheLimits::default())
/// }
/// ```
pub struct Cache {
    inner: Arc<dyn Provider>,
    limits: CacheLimits,
    kept: Mutex<Recent<[u8; 32], Reply>>,
}

impl Cache {
    /// Puts a cache around a provider.
    #[must_use]
    pub fn new(provider: impl Provider, limits: CacheLimits) -> Self {
        Self::around(Arc::new(provider), limits)
    }

    /// Puts a cache around a provider that is shared already.
    #[must_use]
    pub fn around(provider: Arc<dyn Provider>, limits: CacheLimits) -> Self {
        Self { inner: provider, limits, kept: Mutex::new(Recent::new(limits.answers_max, limits.ttl)) }
    }

    /// How many answers are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.kept().len()
    }

    /// Whether none is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn kept(&self) -> MutexGuard<'_, Recent<[u8; 32], Reply>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Provider for Cache {
    fn name(&self) -> &ProviderName {
        self.inner.name()
    }

    fn capabilities(&self, model: Option<&ModelName>) -> Capabilities {
        self.inner.capabilities(model)
    }

    fn tier_model(&self, tier: Tier) -> Option<ModelName> {
        self.inner.tier_model(tier)
    }

    fn models(&self) -> Vec<ModelCard> {
        self.inner.models()
    }

    async fn chat(&self, request: ChatRequest<'_>, sink: &mut dyn DeltaSink) -> Result<ChatAnswer, ProviderError> {
        let key = self.inner.capabilities(request.model).is_model.then(|| hash_of(&request)).flatten();
        let Some(key) = key else { return self.inner.chat(request, sink).await };
        let known = self.kept().find(&key, Instant::now());
        if let Some(reply) = known {
            sink.text(&reply.message.text);
            return Ok(ChatAnswer { reply, usage: Usage::default(), cost: Cost::FREE, ..ChatAnswer::default() });
        }
        let answer = self.inner.chat(request, sink).await?;
        if size(&answer.reply) <= self.limits.answer_bytes_max {
            self.kept().put(key, answer.reply.clone(), Instant::now());
        }
        Ok(answer)
    }

    async fn check(&self) -> Result<(), ProviderError> {
        self.inner.check().await
    }
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache").field("inner", &self.inner).field("limits", &self.limits).finish_non_exhaustive()
    }
}

fn size(reply: &Reply) -> usize {
    let message = &reply.message;
    message.text.len() + message.tool_calls.iter().map(|call| call.name.len() + call.arguments.len()).sum::<usize>()
}

/// Everything of a request that an answer depends on.
#[derive(Serialize)]
struct Asked<'a> {
    model: Option<&'a str>,
    messages: &'a [Message],
    tools: &'a [ToolSpec],
    former_tools: &'a [ToolSpec],
    output_schema: Option<&'a Value>,
    temperature: Option<f32>,
    output_tokens_max: u32,
}

fn hash_of(request: &ChatRequest<'_>) -> Option<[u8; 32]> {
    let ChatRequest { model, messages, tools, former_tools, output_schema, temperature, output_tokens_max, .. } =
        *request;
    let model = model.map(ModelName::as_str);
    let asked = Asked { model, messages, tools, former_tools, output_schema, temperature, output_tokens_max };
    let mut hasher = Hasher(Sha256::new());
    serde_json::to_writer(&mut hasher, &asked).ok()?;
    Some(hasher.0.finalize().into())
}

struct Hasher(Sha256);

impl Write for Hasher {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
