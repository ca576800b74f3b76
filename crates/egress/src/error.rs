//! Why a request went nowhere. Owns the classes by phase; its texts hold neither an address nor a header.

use std::{error::Error, fmt, time::Duration};

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
        name: &'static str,
    },
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

/// The cause of a failure as the network library tells it, without the address.
pub struct Cause(reqwest::Error);

impl Cause {
    pub(crate) fn new(error: reqwest::Error) -> Self {
        Self(error.without_url())
    }
}

impl fmt::Display for Cause {
    /// The innermost causes: the outer ones only repeat that a request failed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DEPTH_MAX: usize = 8;
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
