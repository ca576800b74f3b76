//! How a provider of the Chat wire is configured. Owns the checks of address, name, model and key before anything is sent.

use std::{fmt, time::Duration};

use mcp_orchestrator_domain::{InvalidName, ModelName, ProviderName};
use mcp_orchestrator_egress::{BaseUrl, HttpClient, InvalidBaseUrl};
use secrecy::{ExposeSecret, SecretString};

use super::{ChatProvider, dialect::Dialect, models::FirstModel};

/// Configures a [`ChatProvider`]. Made by [`ChatProvider::builder`] and [`Vendor::provider`](super::Vendor::provider).
#[derive(Clone)]
#[must_use]
pub struct ChatProviderBuilder {
    name: String,
    base_url: String,
    key: Option<SecretString>,
    default_model: Option<String>,
    dialect: Dialect,
    timeouts: ChatTimeouts,
    http: HttpClient,
}

/// How long each phase of a request may take. The connection's own limit is the HTTP client's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a plain record of limits, built as a literal")]
pub struct ChatTimeouts {
    /// Until the head of the answer. A local server may first load its model. Default 5 minutes.
    pub head: Duration,
    /// Between two pieces of the answer. Models that think may be silent for long. Default 2 minutes.
    pub idle: Duration,
    /// The whole of a probe: [`check`](crate::Provider::check), or asking for the models. Default 5 s.
    pub probe: Duration,
}

impl Default for ChatTimeouts {
    fn default() -> Self {
        Self { head: Duration::from_mins(5), idle: Duration::from_mins(2), probe: Duration::from_secs(5) }
    }
}

/// Why a provider cannot be configured so. Holds neither the key nor the address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidChatProvider {
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

impl ChatProviderBuilder {
    pub(super) fn new(name: impl Into<String>, base_url: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            base_url: base_url.into(),
            key: None,
            default_model: None,
            dialect: Dialect::LENIENT,
            timeouts: ChatTimeouts::default(),
            http: HttpClient::default(),
        }
    }

    /// The key, sent as a bearer token. White space around it is dropped. Without one no `authorization` is sent.
    pub fn with_key(mut self, key: SecretString) -> Self {
        self.key = Some(key);
        self
    }

    /// Another address: everything before `/chat/completions`.
    pub fn with_base_url(mut self, base_url: impl Into<String>) -> Self {
        self.base_url = base_url.into();
        self
    }

    /// The model for requests that name none. Without one, the first chat model the server lists is used.
    pub fn with_default_model(mut self, model: impl Into<String>) -> Self {
        self.default_model = Some(model.into());
        self
    }

    /// How the service deviates. Default [`Dialect::LENIENT`].
    pub const fn with_dialect(mut self, dialect: Dialect) -> Self {
        self.dialect = dialect;
        self
    }

    /// Other time limits.
    pub const fn with_timeouts(mut self, timeouts: ChatTimeouts) -> Self {
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
    /// [`InvalidChatProvider`] names what cannot be used.
    pub fn build(self) -> Result<ChatProvider, InvalidChatProvider> {
        let Self { name, base_url, key, default_model, dialect, timeouts, http } = self;
        let name = ProviderName::new(&name)?;
        let base = BaseUrl::parse(&base_url)
            .map_err(|source| InvalidChatProvider::BaseUrl { provider: name.to_string(), source })?;
        let key = key.map(|key| usable(&key, &name)).transpose()?;
        let default_model = default_model.as_deref().map(ModelName::new).transpose()?;
        Ok(ChatProvider { name, base, key, default_model, first_model: FirstModel::default(), dialect, timeouts, http })
    }
}

impl fmt::Debug for ChatProviderBuilder {
    /// Without the key, and without the address, which is not yet known to hold no password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChatProviderBuilder")
            .field("name", &self.name)
            .field("key", &self.key.as_ref().map(|_| "[redacted]"))
            .field("default_model", &self.default_model)
            .finish_non_exhaustive()
    }
}

fn usable(key: &SecretString, name: &ProviderName) -> Result<SecretString, InvalidChatProvider> {
    let key = key.expose_secret().trim();
    if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(InvalidChatProvider::Key { provider: name.to_string() });
    }
    Ok(SecretString::from(key))
}
