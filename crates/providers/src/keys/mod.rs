//! Keys of services: asked for before each attempt, so that they can change while a program runs. Owns the contract; the
//! ring of keys is beside it.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use std::sync::Arc;
//! use mcp_orchestrator_providers::{http, keys::KeyRing};
//!
//! // Two keys of one service in turn; one in a file, which may be written anew at any time.
//! let two = KeyRing::of(["sk-one".into(), "sk-two".into()]);
//! let file = KeyRing::from_file("/run/secrets/groq");
//! let openai = http::HttpProvider::builder("openai", "https://api.openai.com/v1").with_keys(Arc::new(two)).build()?;
//! let groq = http::HttpProvider::builder("groq", "https://api.groq.com/openai/v1").with_keys(Arc::new(file)).build()?;
//! # Ok(())
//! # }
//! ```

mod ring;

use std::{fmt, io, path::PathBuf, time::Duration};

use async_trait::async_trait;
use mcp_orchestrator_domain::{Failure, FailureClass};
use secrecy::{ExposeSecret, SecretString};

pub use ring::KeyRing;

use crate::{ProviderError, RateLimits};

/// Gives the key for each attempt, and learns which ones are refused.
#[async_trait]
pub trait KeyProvider: Send + Sync + 'static {
    /// The key for the next attempt. Asked before each one, so it should be quick. Dropping the future asks for nothing.
    ///
    /// # Errors
    /// [`KeyError`] when there is none; the request fails without being sent.
    async fn key(&self) -> Result<Key, KeyError>;

    /// The service refused a request because of this key: it is wrong, out of quota or used too often, and is to be left
    /// alone for the pause the service asked for. Returns whether another key is worth asking with at once.
    fn refused(&self, key: &Key, class: FailureClass, pause: Option<Duration>) -> bool;

    /// The service answered, and said what is left of the limits of this key. Returns what is left of those of all keys
    /// together, as far as that is known. By default what is said of one holds for all.
    fn said(&self, _key: &Key, limits: RateLimits) -> RateLimits {
        limits
    }

    /// How long until a key may be asked with, when several were refused and all rest. By default it is not known.
    fn wakes_in(&self) -> Option<Duration> {
        None
    }

    /// How long until a key may be asked with that rests only because it was used too often. `None` when no such key rests;
    /// by default it is not known.
    fn busy_for(&self) -> Option<Duration> {
        None
    }
}

/// A key. Not shown by `Debug`.
#[derive(Clone)]
pub struct Key(SecretString);

impl Key {
    /// A key as it is sent, without the white space around it.
    ///
    /// # Errors
    /// [`KeyError::Unusable`] when nothing is left, or characters that cannot be sent.
    pub fn new(key: &SecretString) -> Result<Self, KeyError> {
        let text = key.expose_secret().trim();
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(KeyError::Unusable);
        }
        Ok(Self(SecretString::from(text)))
    }

    /// The secret.
    #[must_use]
    pub const fn secret(&self) -> &SecretString {
        &self.0
    }

    fn is(&self, other: &Self) -> bool {
        self.0.expose_secret() == other.0.expose_secret()
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key([redacted])")
    }
}

/// Why there is no key. Never holds one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// It is empty or holds characters no key has, such as a line break inside.
    #[error("the key is empty or holds characters that cannot be sent")]
    Unusable,
    /// The file with the keys cannot be read.
    #[error("the keys in {path} cannot be read: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// There is none.
    #[error("there is no key{}", .path.as_ref().map(|path| format!(" in {}", path.display())).unwrap_or_default())]
    None {
        /// The file without one.
        path: Option<PathBuf>,
    },
    /// Another place of keys says why.
    #[error("{0}")]
    Other(String),
}

/// Whether a refusal of this class is for the key it was asked with.
pub(crate) const fn is_of_key(class: FailureClass) -> bool {
    matches!(class, FailureClass::Auth | FailureClass::QuotaExhausted | FailureClass::RateLimited)
}

/// The last refusal of a key of `service`, or that another key was only used too often: that one is worth waiting for,
/// whatever the last one is worth. `busy` is the refusal of such a key, if the request met one.
pub(crate) fn or_busy(
    keys: &dyn KeyProvider,
    service: &str,
    last: ProviderError,
    busy: Option<ProviderError>,
) -> ProviderError {
    if last.status.is_none() || !matches!(last.class(), FailureClass::Auth | FailureClass::QuotaExhausted) {
        return last;
    }
    let pause = keys.busy_for();
    let mut error = match (busy, pause) {
        (Some(busy), _) => busy,
        (None, Some(_)) => {
            let why = format!("the other keys of {service} are used up for now; {}", last.failure.message);
            ProviderError { failure: Failure::new(FailureClass::RateLimited, why), ..last }
        }
        (None, None) => return last,
    };
    error.retry_after = pause.or(error.retry_after);
    error
}
