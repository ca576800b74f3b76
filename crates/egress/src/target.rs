//! A whole address as a caller writes it. Owns what is a usable one, before any guard has looked at it.

use std::fmt;

use url::Url;

use crate::Refusal;

/// An address a caller named: `http` or `https`, a host, any path and query; no user name or password. A fragment is
/// dropped. Its path and query may hold a token, so `Debug` shows scheme, host and port alone.
///
/// A target is made by [`Guard::admit`](crate::Guard::admit), and looked at again whenever something is sent to it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Target(Url);

impl Target {
    /// The longest address, in bytes.
    pub const BYTES_MAX: usize = 2048;

    pub(crate) fn parse(text: &str) -> Result<Self, Refusal> {
        let text = text.trim();
        if text.len() > Self::BYTES_MAX {
            return Err(Refusal::Syntax("it is too long"));
        }
        let mut url = Url::parse(text).map_err(|error| Refusal::Syntax(crate::base_url::reason(error)))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Refusal::Scheme(url.scheme().chars().take(20).collect()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refusal::Credentials);
        }
        url.set_fragment(None);
        Ok(Self(url))
    }

    /// The whole address, as it is sent to; may hold a token.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    pub(crate) const fn url(&self) -> &Url {
        &self.0
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.0.host_str().unwrap_or_default();
        match self.0.port() {
            Some(port) => write!(f, "{}://{host}:{port}/…", self.0.scheme()),
            None => write!(f, "{}://{host}/…", self.0.scheme()),
        }
    }
}
