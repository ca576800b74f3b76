//! One id for each request: the client's if it has the right form, otherwise one made here.

use std::{fmt::Write as _, sync::Arc};

use http::{HeaderName, Request};

/// Accepted, answered, logged.
pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The longest id that is accepted.
const LENGTH_MAX: usize = 64;

/// A request's id: 1 to 64 visible ASCII characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RequestIdText(pub(crate) Arc<str>);

impl RequestIdText {
    pub(crate) fn of<B>(request: &Request<B>) -> Self {
        let given = request.headers().get(X_REQUEST_ID).and_then(|value| value.to_str().ok());
        match given.filter(|id| is_accepted(id)) {
            Some(id) => Self(Arc::from(id)),
            None => Self::random(),
        }
    }

    fn random() -> Self {
        let mut bytes = [0_u8; 16];
        // Without the operating system's randomness ids repeat; a request is served all the same.
        let _failed = getrandom::fill(&mut bytes);
        let mut id = String::with_capacity(36);
        id.push_str("req_");
        for byte in bytes {
            // Writing to a string does not fail.
            let _infallible = write!(id, "{byte:02x}");
        }
        Self(Arc::from(id))
    }
}

fn is_accepted(id: &str) -> bool {
    (1..=LENGTH_MAX).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic())
}
