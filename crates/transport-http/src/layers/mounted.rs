//! A service that answers at one path of its own. Owns its type's erasure; knows nothing of what it answers.

use std::{convert::Infallible, fmt, pin::Pin, sync::Arc};

use axum::{
    extract::Request,
    response::{IntoResponse, Response},
};
use tower::{Service, ServiceExt as _};

/// Where it is mounted.
pub(super) const PATH: &str = "/mcp";

pub(super) type Answering = Pin<Box<dyn Future<Output = Response> + Send>>;

/// Some service. Clones are one.
#[derive(Clone)]
pub(crate) struct Mounted(Arc<dyn Fn(Request) -> Answering + Send + Sync>);

impl Mounted {
    pub(crate) fn new<S>(service: S) -> Self
    where
        S: Service<Request, Error = Infallible> + Clone + Send + Sync + 'static,
        S::Response: IntoResponse,
        S::Future: Send + 'static,
    {
        Self(Arc::new(move |request| {
            let service = service.clone();
            Box::pin(async move {
                match service.oneshot(request).await {
                    Ok(response) => response.into_response(),
                    Err(never) => match never {},
                }
            })
        }))
    }

    pub(super) fn answer(&self, request: Request) -> Answering {
        (self.0)(request)
    }
}

impl fmt::Debug for Mounted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Mounted").finish_non_exhaustive()
    }
}
