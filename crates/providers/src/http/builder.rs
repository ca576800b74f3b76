//! How a provider is configured. Owns the checks of address, name, model and key before anything is sent.

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use mcp_orchestrator_domain::{InvalidName, ModelName, Models, ProviderName, Tier};
use mcp_orchestrator_egress::{BaseUrl, HttpClient, InvalidBaseUrl};
use secrecy::SecretString;

use super::{
    HttpProvider, Vendor, Wire,
    catalogue::Facts,
    dialect::{Dialect, Effort},
    models::FirstModel,
    prices::Prices,
};

use crate::{
    ModelPrice,
    keys::{Key, KeyProvider, KeyRing},
};

/// Configures a [`HttpProvider`]. Made by [`HttpProvider::builder`] and [`Vendor::provider`](super::Vendor::provider).
#[derive(Clone)]
#[must_use]
pub struct HttpProviderBuilder {
    name: String,
    base_url: String,
    key: Option<SecretString>,
    keys: Option<Arc<dyn KeyProvider>>,
    default_model: Option<String>,
    worker_model: Option<String>,
    synthesis_model: Option<String>,
    wire: Wire,
    dialect: Dialect,
    effort: Option<Effort>,
    known: Option<Vendor>,
    declared: BTreeMap<String, ModelPrice>,
    images: Option<bool>,
    context_tokens: Option<u64>,
    timeouts: HttpTimeouts,
    http: HttpClient,
}

/// How long each phase of a request may take. The connection's own limit is the HTTP client's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a plain record of limits, built as a literal")]
pub struct HttpTimeouts {
    /// Until the head of the answer. A local server may first load its model. Default 5 minutes.
    pub head: Duration,
    /// Between two pieces of the answer. Models that think may be silent for long. Default 2 minutes.
    pub idle: Duration,
    /// The whole of a probe: [`check`](crate::Provider::check), or asking for the models. Default 5 s.
    pub probe: Duration,
}

impl Default for HttpTimeouts {
    fn default() -> Self {
        Self { head: Duration::from_mins(5), idle: Duration::from_mins(2), probe: Duration::from_secs(5) }
    }
}

/// Why a provider cannot be configured so. Holds neither the key nor the address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidHttpProvider {
    /// The name or the default model is not valid.
    #[error(transparent)]
    Name(#[from] InvalidName),
    /// The address cannot be used.
    #[error("the address of {provider} cannot be used: {source}")]
    BaseUrl {
        /// Whose address.
        provider: String,
        /// What is wrong with it.
        source: InvalidBaseUrl,
    },
    /// The key is empty or holds characters no key has, such as a line break inside.
    #[error("the key of {provider} is empty or holds characters that cannot be sent")]
    Key {
        /// Whose key.
        provider: String,
    },
}

impl HttpProviderBuilder {
    pub(super) fn new(name: impl Into<String>, base_url: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            base_url: base_url.into(),
            key: None,
            keys: None,
            default_model: None,
            worker_model: None,
            synthesis_model: None,
            wire: Wire::default(),
            dialect: Dialect::LENIENT,
            effort: None,
            known: None,
            declared: BTreeMap::new(),
            images: None,
            context_tokens: None,
            timeouts: HttpTimeouts::default(),
            http: HttpClient::default(),
        }
    }

    /// The key, sent in the header the wire has for it. White space around it is dropped. Without one no such header is
    /// sent.
    pub fn with_key(mut self, key: SecretString) -> Self {
        self.key = Some(key);
        self
    }

    /// Where keys come from, asked before each attempt: several in turn, or a file that may change. Instead of
    /// [`with_key`](Self::with_key).
    pub fn with_keys(mut self, keys: Arc<dyn KeyProvider>) -> Self {
        self.keys = Some(keys);
        self
    }

    /// Another address: everything before the wire's own path, such as `/chat/completions`. On the Messages and Gemini wires
    /// an address that is only a host gets the wire's version, as other clients of them do it.
    pub fn with_base_url(mut self, base_url: impl Into<String>) -> Self {
        self.base_url = base_url.into();
        self
    }

    /// The model for requests that name none, for every part of the work: what was said before of single parts is dropped.
    /// Without one, the first chat model the server lists is used.
    pub fn with_default_model(mut self, model: impl Into<String>) -> Self {
        (self.default_model, self.worker_model, self.synthesis_model) = (Some(model.into()), None, None);
        self
    }

    /// The model of one part of the work for requests that name none. [`Tier::Primary`] is the default model, for every part
    /// without one of its own.
    pub fn with_tier_model(mut self, tier: Tier, model: impl Into<String>) -> Self {
        let part = match tier {
            Tier::Primary => &mut self.default_model,
            Tier::Worker => &mut self.worker_model,
            Tier::Synthesis => &mut self.synthesis_model,
        };
        *part = Some(model.into());
        self
    }

    /// What a model costs, as you know it; `*` is any model without a price declared by its name. It wins over the table, and
    /// holds at every address. Where a service says itself what a request cost, that is its cost, and this is for reservations.
    pub fn with_price(mut self, model: impl Into<String>, price: ModelPrice) -> Self {
        self.declared.insert(model.into(), price);
        self
    }

    /// Whether its models see images. Without it the table of models says so, and a model that is not in it sees none.
    pub const fn with_images(mut self, images: bool) -> Self {
        self.images = Some(images);
        self
    }

    /// How it is talked to. Default [`Wire::Chat`], which most servers speak.
    pub const fn with_wire(mut self, wire: Wire) -> Self {
        self.wire = wire;
        self
    }

    /// How hard its models should think. Default: nothing is said, the service decides. Models that cannot reason may
    /// refuse a request that says it.
    pub const fn with_effort(mut self, effort: Effort) -> Self {
        self.effort = Some(effort);
        self
    }

    /// How many tokens of a prompt the server takes. A longer one is refused before it is sent, as the estimate of
    /// [`estimated_prompt_tokens`](crate::estimated_prompt_tokens) counts it. For servers that cut prompts without saying so;
    /// hosted services refuse them themselves. Default: nothing is refused.
    pub const fn with_context_tokens(mut self, tokens: u64) -> Self {
        self.context_tokens = Some(tokens);
        self
    }

    /// How the service deviates. Default [`Dialect::LENIENT`].
    pub const fn with_dialect(mut self, dialect: Dialect) -> Self {
        self.dialect = dialect;
        self
    }

    /// What is known of this service: its models, and their prices if it is asked at its own address.
    pub(super) const fn with_facts_of(mut self, vendor: Vendor) -> Self {
        self.known = Some(vendor);
        self
    }

    /// Other time limits.
    pub const fn with_timeouts(mut self, timeouts: HttpTimeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// The client to share connections with. Default: one of its own.
    pub fn with_http(mut self, http: HttpClient) -> Self {
        self.http = http;
        self
    }

    /// The provider. Opens no connection.
    ///
    /// # Errors
    /// [`InvalidHttpProvider`] names what cannot be used.
    pub fn build(self) -> Result<HttpProvider, InvalidHttpProvider> {
        let name = ProviderName::new(&self.name)?;
        let base = address(&self.base_url, self.wire)
            .map_err(|source| InvalidHttpProvider::BaseUrl { provider: name.to_string(), source })?;
        let usable = self.key.map(|key| Key::new(&key)).transpose();
        let key = usable.map_err(|_| InvalidHttpProvider::Key { provider: name.to_string() })?;
        let one = |key: Key| -> Arc<dyn KeyProvider> { Arc::new(KeyRing::of([key.secret().clone()])) };
        let parse = |model: Option<String>| model.as_deref().map(ModelName::new).transpose();
        let models = Models {
            primary: parse(self.default_model)?,
            worker: parse(self.worker_model)?,
            synthesis: parse(self.synthesis_model)?,
        };
        let priced = self.known.filter(|vendor| vendor.is_at(&self.base_url));
        Ok(HttpProvider {
            name,
            base,
            keys: self.keys.or_else(|| key.map(one)),
            models,
            first_model: FirstModel::default(),
            wire: self.wire,
            dialect: self.dialect,
            effort: self.effort,
            prices: Prices::new(self.declared, priced.map(|vendor| vendor.name)),
            facts: self.known.map(|vendor| Facts::of(vendor.name)).unwrap_or_default(),
            images: self.images,
            context_tokens: self.context_tokens,
            timeouts: self.timeouts,
            http: self.http,
        })
    }
}

impl fmt::Debug for HttpProviderBuilder {
    /// Without the key, and without the address, which is not yet known to hold no password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpProviderBuilder")
            .field("name", &self.name)
            .field("key", &self.key.as_ref().map(|_| "[redacted]"))
            .field("wire", &self.wire)
            .field("default_model", &self.default_model)
            .finish_non_exhaustive()
    }
}

fn address(text: &str, wire: Wire) -> Result<BaseUrl, InvalidBaseUrl> {
    let base = BaseUrl::parse(text)?;
    match wire.version_path() {
        Some(version) if base.path().is_empty() => BaseUrl::parse(&format!("{base}/{version}")),
        _ => Ok(base),
    }
}
