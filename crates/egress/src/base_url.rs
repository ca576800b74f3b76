//! The address of a service as an operator writes it. Owns what is a usable one; does not resolve or open anything.

use std::{fmt, str::FromStr};

use url::Url;

/// The address of a service: `http` or `https`, a host, a path; no credentials, query or fragment. It holds no secret
/// and may be shown.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct BaseUrl(Url);

/// Why a text is not a [`BaseUrl`]. It repeats nothing of the text, which may hold a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidBaseUrl {
    /// It is not an absolute URL, or longer than [`BaseUrl::BYTES_MAX`].
    #[error("the address is not a URL like https://host/v1: {0}")]
    Syntax(&'static str),
    /// It is neither `http` nor `https`.
    #[error("the address starts with {0:?}, expected http or https")]
    Scheme(String),
    /// It holds a user name or a password.
    #[error("the address holds a user name or a password; give the key in its own setting")]
    Credentials,
    /// It holds a query or a fragment.
    #[error("the address holds a query or a fragment; end it before the `?` or `#`")]
    Tail,
}

impl BaseUrl {
    /// The longest address, in bytes.
    pub const BYTES_MAX: usize = 2048;

    /// Parses an address. A slash at its end means nothing.
    ///
    /// # Errors
    /// [`InvalidBaseUrl`] names the part that is wrong.
    pub fn parse(text: &str) -> Result<Self, InvalidBaseUrl> {
        let text = text.trim();
        if text.len() > Self::BYTES_MAX {
            return Err(InvalidBaseUrl::Syntax("it is too long"));
        }
        let mut url = Url::parse(text).map_err(|error| InvalidBaseUrl::Syntax(reason(error)))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(InvalidBaseUrl::Scheme(url.scheme().chars().take(20).collect()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(InvalidBaseUrl::Credentials);
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(InvalidBaseUrl::Tail);
        }
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&path);
        Ok(Self(url))
    }

    /// Whether the connection is encrypted.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// Its path, without a slash at its end; empty when it is only a host.
    #[must_use]
    pub fn path(&self) -> &str {
        self.0.path().trim_end_matches('/')
    }

    /// Its host, without the port.
    #[must_use]
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    /// The address of `path` under this one.
    pub(crate) fn join(&self, path: &str) -> Url {
        let mut url = self.0.clone();
        let joined = format!("{}/{}", self.path(), path.trim_start_matches('/'));
        url.set_path(&joined);
        url
    }
}

impl FromStr for BaseUrl {
    type Err = InvalidBaseUrl;

    fn from_str(text: &str) -> Result<Self, InvalidBaseUrl> {
        Self::parse(text)
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

impl fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// `url`'s own words for what is wrong; none of them repeats the text.
pub(crate) const fn reason(error: url::ParseError) -> &'static str {
    match error {
        url::ParseError::EmptyHost => "the host is missing",
        url::ParseError::InvalidPort => "the port is not a number up to 65535",
        url::ParseError::RelativeUrlWithoutBase => "it does not start with http:// or https://",
        url::ParseError::InvalidIpv4Address | url::ParseError::InvalidIpv6Address => "the IP address is not valid",
        _ => "the host is not valid",
    }
}

#[cfg(test)]
mod tests {
    use super::{BaseUrl, InvalidBaseUrl};

    #[test]
    fn addresses_are_normalised_and_joined() {
        for (text, shown, joined) in [
            ("https://api.example.com/v1", "https://api.example.com/v1", "https://api.example.com/v1/models"),
            (" https://api.example.com/v1/ ", "https://api.example.com/v1", "https://api.example.com/v1/models"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080", "http://127.0.0.1:8080/models"),
            ("http://[::1]:8080//", "http://[::1]:8080", "http://[::1]:8080/models"),
        ] {
            let url = BaseUrl::parse(text).unwrap();
            assert_eq!(url.to_string(), shown);
            assert_eq!(url.join("/models").as_str(), joined);
        }
    }

    #[test]
    fn unusable_addresses_are_refused_without_repeating_them() {
        for text in [
            "",
            "api.example.com",
            "localhost:11434",
            "ftp://example.com",
            "https://",
            "https://user@example.com",
            "https://:s3cret@example.com",
            "https://example.com/v1?key=s3cret",
            "https://example.com/#s3cret",
            "https://exa mple.com/s3cret",
            "https://example.com:99999/s3cret",
        ] {
            let error = BaseUrl::parse(text).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("s3cret"), "{text}: {error}");
        }
        assert_eq!(BaseUrl::parse("https://u:p@example.com"), Err(InvalidBaseUrl::Credentials));
        assert_eq!(BaseUrl::parse("https://example.com?x"), Err(InvalidBaseUrl::Tail));
        assert!(BaseUrl::parse(&format!("https://example.com/{}", "x".repeat(3000))).is_err());
    }
}
