//! One id for each request: the client's if it has the right form, otherwise one made here.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicU64, Ordering},
};

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
            None => Self::fresh(),
        }
    }

    /// An id no other request has: a number of this process, and which request of it this is.
    fn fresh() -> Self {
        static PROCESS: OnceLock<u64> = OnceLock::new();
        static REQUESTS: AtomicU64 = AtomicU64::new(0);
        let process = PROCESS.get_or_init(|| {
            let mut bytes = [0_u8; 8];
            // Without the operating system's randomness ids repeat over processes; a request is served all the same.
            let _failed = getrandom::fill(&mut bytes);
            u64::from_le_bytes(bytes)
        });
        let request = REQUESTS.fetch_add(1, Ordering::Relaxed);
        Self(Arc::from(format!("req_{process:016x}{request:016x}")))
    }
}

fn is_accepted(id: &str) -> bool {
    (1..=LENGTH_MAX).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic())
}
