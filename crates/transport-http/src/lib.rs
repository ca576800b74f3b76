//! HTTP: REST under `/v1`, server-sent events, OpenAPI, metrics, health, and the routes of the original server.

mod answer;
mod drain;
mod extract;
mod http;
mod layers;
mod metrics;
mod openapi;
mod problem;
mod routes;
mod server;
mod settings;
mod sse;

pub use drain::Drain;
pub use http::Http;
pub use layers::{Authenticate, Authentication, Identity, Local, Peer, Refused};
pub use metrics::Metrics;
pub use server::HttpServer;
pub use settings::{ConnectionLimits, Rate, Settings};
