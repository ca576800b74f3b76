//! Why a request went nowhere. Owns the classes by phase; its texts hold neither an address nor a header.

use std::{borrow::Cow, error::Error, fmt, time::Duration};

/// Why there is no answer, or no more of it.
///
/// Neither its text nor its sources hold the address, a header or a body, so it may be logged whole.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HttpError {
    /// A header holds characters that cannot be sent. Nothing was sent.
    #[error("the header {name} holds characters that cannot be sent")]
    Header {
        /// Its name.
        name: Cow<'static, str>,
    },
    /// The client's guard does not let it pass. Nothing was sent.
    #[error("the address is refused: {0}")]
    Refused(#[from] Refusal),
    /// The client could not be set up: no certificates of the system could be read, or the proxy's address is not
    /// valid. Nothing was sent.
    #[error("the HTTP client cannot be set up: {0}")]
    Setup(Cause),
    /// No connection: the name is unknown, nobody listens, or the encryption failed. The service saw no request.
    #[error("no connection: {0}")]
    Connect(Cause),
    /// A phase took longer than it may.
    #[error("no answer: {phase} took longer than {} ms", after.as_millis())]
    Timeout {
        /// What was waited for.
        phase: Phase,
        /// How long.
        after: Duration,
    },
    /// The connection broke while the request was sent or the answer was read.
    #[error("the connection broke: {0}")]
    Broken(Cause),
    /// The answer's body is longer than the request allows.
    #[error("the answer is longer than {bytes_max} bytes")]
    TooLong {
        /// The most the request allows.
        bytes_max: usize,
    },
}

/// Why an address is not used. It repeats nothing of the address but its scheme and port.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// It is not an absolute URL, or too long.
    #[error("it is not a URL like https://host/path: {0}")]
    Syntax(&'static str),
    /// Its scheme is none of those that are allowed.
    #[error("it starts with {0:?}, which is not allowed")]
    Scheme(String),
    /// It holds a user name or a password.
    #[error("it holds a user name or a password")]
    Credentials,
    /// Its port is not one where a public service listens.
    #[error("the port {0} is not allowed")]
    Port(u16),
    /// It is an address that is not public; which kind, in words.
    #[error("its host is {0}, which is not public")]
    Address(&'static str),
    /// Its name stands for an address that is not public.
    #[error("its name stands for an address that is not public")]
    Name,
    /// The client has a proxy, behind which nobody sees where a name leads.
    #[error("a guarded client does not go through a proxy")]
    Proxy,
}

/// What a request waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Phase {
    /// The connection.
    Connect,
    /// The head of the answer.
    Head,
    /// The next piece of its body.
    Body,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "the connection",
            Self::Head => "the head of the answer",
            Self::Body => "the next piece of the answer",
        })
    }
}

/// How many causes behind causes are looked at.
const DEPTH_MAX: usize = 8;

/// The cause of a failure as the network library tells it, without the address.
pub struct Cause(reqwest::Error);

impl Cause {
    pub(crate) fn new(error: reqwest::Error) -> Self {
        Self(error.without_url())
    }
}

/// Whether a guard stopped the request while its host was being resolved.
pub(crate) fn refusal(error: &reqwest::Error) -> Option<Refusal> {
    let mut next = error.source();
    for _ in 0..DEPTH_MAX {
        let this = next?;
        if let Some(refusal) = this.downcast_ref::<Refusal>() {
            return Some(refusal.clone());
        }
        next = this.source();
    }
    None
}

impl fmt::Display for Cause {
    /// The innermost causes: the outer ones only repeat that a request failed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut last: &dyn Error = &self.0;
        for _ in 0..DEPTH_MAX {
            match last.source() {
                Some(source) => last = source,
                None => break,
            }
        }
        write!(f, "{last}")
    }
}

impl fmt::Debug for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
