//! Every route once: in the router and in the OpenAPI document. Owns that the two cannot differ.

use std::time::Duration;

use axum::{
    Router,
    handler::Handler,
    middleware::from_fn_with_state,
    routing::{MethodFilter, on},
};
use http::Method;
use serde_json::Value;

use super::{Operation, original};
use crate::{http::Shared, layers::deadline, openapi::OpenApi};

/// Collects the routes.
#[derive(Debug)]
pub(crate) struct Table {
    router: Router<Shared>,
    document: OpenApi,
    deadline: Duration,
}

impl Table {
    pub(crate) fn new(deadline: Duration) -> Self {
        Self { router: Router::new(), document: OpenApi::new(), deadline }
    }

    /// Adds a route and who answers it.
    pub(crate) fn add<H, T>(&mut self, operation: Operation, handler: H)
    where
        H: Handler<T, Shared>,
        T: 'static,
    {
        let filter = match operation.method {
            Method::POST => MethodFilter::POST,
            Method::DELETE => MethodFilter::DELETE,
            _ => MethodFilter::GET,
        };
        let mut route = on(filter, handler);
        if !operation.is_unhurried {
            route = route.route_layer(from_fn_with_state(self.deadline, deadline));
        }
        if let Some(successor) = operation.successor {
            route = route.route_layer(from_fn_with_state(successor, original::mark));
        }
        self.router = std::mem::take(&mut self.router).route(operation.path, route);
        self.document.add(operation);
    }

    /// The router and the document.
    pub(crate) fn finish(self) -> (Router<Shared>, Value) {
        (self.router, self.document.finish())
    }
}
